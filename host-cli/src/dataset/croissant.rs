//! `croissant.json`: what a dataset folder holds, in Croissant 1.0 (JSON-LD), for search engines and for loaders such as
//! mlcroissant, which reads Parquet alone. It tells the files with their checksums, the columns, and the names of splits
//! and classes.

use super::Split;
use super::meta::{Kind, Meta, Storage};
use serde_json::{Value, json};

/// The name of the file.
pub const FILE: &str = "croissant.json";

/// The set of all shards, which are files of this folder, and the records in them.
const SHARDS: &str = "shards";
const SAMPLES: &str = "samples";

/// The text of the file.
pub fn text(meta: &Meta) -> String {
    let mut distribution: Vec<Value> =
        meta.shards.iter().map(|shard| file(meta, &shard.file, &shard.sha256)).collect();
    distribution.push(json!({
        "@type": "cr:FileSet",
        "@id": SHARDS,
        "name": SHARDS,
        "encodingFormat": encoding(meta),
        "includes": format!("data-*.{}", meta.storage.extension()),
    }));
    let mut records = vec![splits()];
    if !meta.classes.is_empty() {
        records.push(classes(meta));
    }
    records.push(json!({
        "@type": "cr:RecordSet",
        "@id": SAMPLES,
        "name": SAMPLES,
        "key": {"@id": format!("{SAMPLES}/id")},
        "field": fields(meta),
    }));
    let document = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "name": meta.name,
        "description": format!("{} samples: {}.", meta.counts.samples, meta.words()),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "distribution": distribution,
        "recordSet": records,
    });
    format!("{document:#}\n")
}

const fn encoding(meta: &Meta) -> &'static str {
    match meta.storage {
        Storage::Png => "application/x-parquet",
        Storage::Raw => "application/vnd.apache.arrow.file",
    }
}

fn file(meta: &Meta, name: &str, sha256: &str) -> Value {
    json!({
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "encodingFormat": encoding(meta),
        "sha256": sha256,
    })
}

fn fields(meta: &Meta) -> Vec<Value> {
    let mut fields = vec![field("id", "sc:Text")];
    for kind in meta.kinds() {
        match kind {
            Kind::Images if meta.storage == Storage::Raw => {
                let mut levels = field("image", "sc:Integer");
                levels["repeated"] = true.into();
                fields.extend([levels, field("image_path", "sc:Text")]);
            }
            Kind::Images => fields.push(file_field("image", "sc:ImageObject")),
            Kind::Audio => fields.push(file_field("audio", "sc:AudioObject")),
            Kind::Text => fields.push(field("text", "sc:Text")),
            Kind::Table => fields.extend(meta.columns.iter().map(|name| field(name, "sc:Float"))),
        }
    }
    let mut label = field("label", "sc:Integer");
    if !meta.classes.is_empty() {
        label["references"] = json!({"field": {"@id": "classes/index"}});
    }
    let mut split = field("split", "sc:Text");
    split["references"] = json!({"field": {"@id": "splits/name"}});
    fields.extend([label, split, field("weight", "sc:Float"), field("origin", "sc:Text")]);
    fields
}

/// A field of the samples that is a column of the shards.
fn field(column: &str, data_type: &str) -> Value {
    json!({
        "@type": "cr:Field",
        "@id": format!("{SAMPLES}/{column}"),
        "name": column,
        "dataType": data_type,
        "source": {"fileSet": {"@id": SHARDS}, "extract": {"column": column}},
    })
}

/// A field that is the bytes of a column of files.
fn file_field(column: &str, data_type: &str) -> Value {
    let mut field = field(column, data_type);
    field["source"]["transform"] = json!({"jsonPath": "bytes"});
    field
}

fn splits() -> Value {
    let url = |split: Split| match split {
        Split::Train => "cr:TrainingSplit",
        Split::Val => "cr:ValidationSplit",
        Split::Test => "cr:TestSplit",
    };
    let rows: Vec<Value> =
        Split::ALL.iter().map(|&s| json!({"splits/name": s.name(), "splits/url": url(s)})).collect();
    enumeration("splits", "cr:Split", [("name", "sc:Text"), ("url", "sc:URL")], rows)
}

fn classes(meta: &Meta) -> Value {
    let rows: Vec<Value> = meta
        .classes
        .iter()
        .enumerate()
        .map(|(index, name)| json!({"classes/index": index, "classes/name": name}))
        .collect();
    enumeration("classes", "sc:Enumeration", [("index", "sc:Integer"), ("name", "sc:Text")], rows)
}

/// Records that the samples refer to by the first of two fields.
fn enumeration(name: &str, data_type: &str, fields: [(&str, &str); 2], rows: Vec<Value>) -> Value {
    let field = |(field, data_type): (&str, &str)| json!({"@type": "cr:Field", "@id": format!("{name}/{field}"), "name": field, "dataType": data_type});
    json!({
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "dataType": data_type,
        "key": {"@id": format!("{name}/{}", fields[0].0)},
        "field": fields.map(field),
        "data": rows,
    })
}

/// The context of mlcroissant.
fn context() -> Value {
    json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "citeAs": "cr:citeAs",
        "column": "cr:column",
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/",
        "equivalentProperty": "cr:equivalentProperty",
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "extract": "cr:extract",
        "field": "cr:field",
        "fileProperty": "cr:fileProperty",
        "fileObject": "cr:fileObject",
        "fileSet": "cr:fileSet",
        "format": "cr:format",
        "includes": "cr:includes",
        "isLiveDataset": "cr:isLiveDataset",
        "jsonPath": "cr:jsonPath",
        "key": "cr:key",
        "md5": "cr:md5",
        "parentField": "cr:parentField",
        "path": "cr:path",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "recordSet": "cr:recordSet",
        "references": "cr:references",
        "regex": "cr:regex",
        "repeated": "cr:repeated",
        "replace": "cr:replace",
        "samplingRate": "cr:samplingRate",
        "sc": "https://schema.org/",
        "separator": "cr:separator",
        "source": "cr:source",
        "subField": "cr:subField",
        "transform": "cr:transform",
    })
}
