//! The columns of a shard, as Arrow sees them and as Hugging Face datasets names them.

use super::meta::{Kind, Meta};
use super::{Content, EncodedImage, Origin, Sample, Split};
use crate::error::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Float32Array, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow_schema::{DataType, Field, Fields, Schema};
use serde_json::{Map, json};
use std::sync::Arc;

/// The key of the metadata that Hugging Face datasets reads.
pub const HUGGING_FACE: &str = "huggingface";

/// Names that no feature can have.
pub const RESERVED: [&str; 6] = ["id", "image", "label", "split", "weight", "origin"];

fn image_fields() -> Fields {
    Fields::from(vec![Field::new("bytes", DataType::Binary, true), Field::new("path", DataType::Utf8, true)])
}

/// The Arrow schema of a dataset's shards, with the metadata for Hugging Face. Every column may be null,
/// though only some ever are: Hugging Face takes a column for a picture only then.
pub fn of(meta: &Meta) -> Schema {
    let mut fields = vec![Field::new("id", DataType::Utf8, true)];
    match meta.kind {
        Kind::Images => fields.push(Field::new("image", DataType::Struct(image_fields()), true)),
        Kind::Table => {
            fields.extend(meta.columns.iter().map(|name| Field::new(name, DataType::Float32, true)))
        }
    }
    fields.extend([
        Field::new("label", DataType::Int64, true),
        Field::new("split", DataType::Utf8, true),
        Field::new("weight", DataType::Float32, true),
        Field::new("origin", DataType::Utf8, true),
    ]);
    Schema::new_with_metadata(fields, [(HUGGING_FACE.to_owned(), hugging_face(meta))])
}

/// The features in the words of Hugging Face datasets.
pub fn hugging_face(meta: &Meta) -> String {
    let value = |dtype: &str| json!({"_type": "Value", "dtype": dtype});
    let mut features = Map::new();
    features.insert("id".into(), value("string"));
    match meta.kind {
        Kind::Images => {
            features.insert("image".into(), json!({"_type": "Image"}));
        }
        Kind::Table => features.extend(meta.columns.iter().map(|name| (name.clone(), value("float32")))),
    }
    let label = if meta.classes.is_empty() {
        value("int64")
    } else {
        json!({"_type": "ClassLabel", "names": meta.classes})
    };
    features.insert("label".into(), label);
    features.insert("split".into(), value("string"));
    features.insert("weight".into(), value("float32"));
    features.insert("origin".into(), value("string"));
    json!({"info": {"features": features}}).to_string()
}

/// The samples as one batch of rows; they must be of the kind and width that `meta` says.
pub fn to_batch(meta: &Meta, schema: &Arc<Schema>, samples: &[Sample]) -> Result<RecordBatch> {
    let text = |f: fn(&Sample) -> &str| StringArray::from_iter_values(samples.iter().map(f));
    let mut columns: Vec<ArrayRef> = vec![Arc::new(text(|s| &s.id))];
    match meta.kind {
        Kind::Images => columns.push(Arc::new(image_column(samples)?)),
        Kind::Table => {
            for i in 0..meta.columns.len() {
                let cell = |s: &Sample| s.row().ok()?.get(i).copied().filter(|v| !v.is_nan());
                columns.push(Arc::new(samples.iter().map(cell).collect::<Float32Array>()));
            }
        }
    }
    let labels: Int64Array = samples.iter().map(|s| s.label.map(i64::from)).collect();
    let origins: Result<Vec<Option<String>>> =
        samples.iter().map(|s| s.origin.as_ref().map(origin_text).transpose()).collect();
    columns.extend([
        Arc::new(labels) as ArrayRef,
        Arc::new(text(|s| s.split.name())),
        Arc::new(Float32Array::from_iter_values(samples.iter().map(|s| s.weight))),
        Arc::new(StringArray::from(origins?)),
    ]);
    RecordBatch::try_new(schema.clone(), columns)
        .map_err(|e| Error::failed(format!("cannot form rows ({e})")))
}

/// The JSON of an origin: keys in alphabetical order, so that equal origins are equal texts.
pub fn origin_text(origin: &Origin) -> Result<String> {
    let value = serde_json::to_value(origin).and_then(|v| serde_json::to_string(&v));
    value.map_err(|e| Error::failed(format!("cannot write the origin as JSON ({e})")))
}

fn image_column(samples: &[Sample]) -> Result<StructArray> {
    let pictures = samples.iter().filter_map(|s| match &s.content {
        Content::Image(image) => Some(image),
        Content::Row(_) => None,
    });
    let bytes = BinaryArray::from_iter_values(pictures.clone().map(|p| &p.bytes));
    let paths: StringArray = pictures.map(|p| p.path.as_deref()).collect();
    StructArray::try_new(image_fields(), vec![Arc::new(bytes), Arc::new(paths)], None)
        .map_err(|e| Error::failed(format!("cannot form rows ({e})")))
}

/// A column of `batch`, by name, of the type that `get` asks for.
fn column<'a, T: 'a>(
    batch: &'a RecordBatch,
    name: &str,
    get: impl Fn(&'a ArrayRef) -> Option<T>,
) -> Result<T> {
    batch
        .column_by_name(name)
        .and_then(get)
        .ok_or_else(|| Error::failed(format!("column `{name}` is missing or has another type")))
}

/// The samples of one batch of rows of a dataset.
pub fn from_batch(meta: &Meta, batch: &RecordBatch) -> Result<Vec<Sample>> {
    let ids = column(batch, "id", |c| c.as_string_opt::<i32>())?;
    let labels = column(batch, "label", |c| c.as_primitive_opt::<Int64Type>())?;
    let splits = column(batch, "split", |c| c.as_string_opt::<i32>())?;
    let weights = column(batch, "weight", |c| c.as_primitive_opt::<Float32Type>())?;
    let origins = column(batch, "origin", |c| c.as_string_opt::<i32>())?;
    let contents = match meta.kind {
        Kind::Images => pictures(batch)?,
        Kind::Table => rows(meta, batch)?,
    };
    let sample = |(i, content)| {
        let id = ids.value(i);
        let wrong = |what: &str| Error::failed(format!("sample has a wrong {what}: {id}"));
        if ids.is_null(i) || weights.is_null(i) {
            return Err(wrong("id or weight (null)"));
        }
        let label = labels.is_valid(i).then(|| labels.value(i));
        let label = label.map(u32::try_from).transpose().map_err(|_| wrong("label"))?;
        if label.is_some_and(|label| label as usize >= meta.classes.len()) {
            return Err(wrong("label"));
        }
        let origin = origins.is_valid(i).then(|| serde_json::from_str(origins.value(i)));
        Ok(Sample {
            id: id.to_owned(),
            label,
            split: Split::from_name(splits.value(i)).ok_or_else(|| wrong("split"))?,
            weight: weights.value(i),
            content,
            origin: origin.transpose().map_err(|_| wrong("origin"))?,
        })
    };
    contents.into_iter().enumerate().map(sample).collect()
}

fn pictures(batch: &RecordBatch) -> Result<Vec<Content>> {
    let images = column(batch, "image", |c| c.as_struct_opt())?;
    let part = |name| images.column_by_name(name);
    let bytes = part("bytes").and_then(|c| c.as_binary_opt::<i32>());
    let bytes = bytes.ok_or_else(|| Error::failed("column `image` has no `bytes`"))?;
    let paths = part("path").and_then(|c| c.as_string_opt::<i32>());
    let path = |i| paths.filter(|p| p.is_valid(i)).map(|p| p.value(i).to_owned());
    let picture = |i| Content::Image(EncodedImage::new(bytes.value(i).to_vec(), path(i)));
    Ok((0..batch.num_rows()).map(picture).collect())
}

fn rows(meta: &Meta, batch: &RecordBatch) -> Result<Vec<Content>> {
    let columns: Result<Vec<&Float32Array>> = meta
        .columns
        .iter()
        .map(|name| column(batch, name, |c| c.as_primitive_opt::<Float32Type>()))
        .collect();
    let columns = columns?;
    let cell = |c: &&Float32Array, i| if c.is_valid(i) { c.value(i) } else { f32::NAN };
    let row = |i| Content::Row(columns.iter().map(|c| cell(c, i)).collect());
    Ok((0..batch.num_rows()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn hugging_face_is_told_pictures_and_class_names() {
        let text = hugging_face(&Meta::images("i", vec!["cat".into(), "dog".into()]));
        let features = &serde_json::from_str::<Value>(&text).unwrap()["info"]["features"];
        assert_eq!(features["image"]["_type"], "Image");
        assert_eq!(features["label"], json!({"_type": "ClassLabel", "names": ["cat", "dog"]}));
        let table = hugging_face(&Meta::table("t", vec![], vec!["x".into()]));
        assert!(table.contains(r#""x":{"_type":"Value","dtype":"float32"}"#), "{table}");
        assert!(table.contains(r#""label":{"_type":"Value","dtype":"int64"}"#), "{table}");
    }

    #[test]
    fn a_batch_with_other_columns_is_refused() {
        let table = Meta::table("t", vec![], vec!["x".into()]);
        let batch = RecordBatch::new_empty(Arc::new(of(&table)));
        assert!(from_batch(&table, &batch).unwrap().is_empty());
        let e = from_batch(&Meta::images("i", vec![]), &batch).unwrap_err();
        assert!(e.message.contains("`image`"), "{e}");
    }
}
