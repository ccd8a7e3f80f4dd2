//! The columns of a shard, as Arrow sees them and as Hugging Face datasets names them.

use super::meta::{ImageShape, Kind, Meta, Storage};
use super::{Content, Origin, Picture, Sample, Sound, Split};
use crate::codec::Pixels;
use crate::error::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int64Type, UInt8Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray,
    StructArray, UInt8Array,
};
use arrow_schema::{DataType, Field, Fields, Schema};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// The key of the metadata that Hugging Face datasets reads.
pub const HUGGING_FACE: &str = "huggingface";

/// Names that no feature can have.
pub const RESERVED: [&str; 11] = [
    "id",
    "image",
    "image_path",
    "audio",
    "text",
    "label",
    "split",
    "weight",
    "origin",
    "file_name",
    "audio_file",
];

/// Bytes and the name of their file, as Hugging Face stores pictures and sounds.
fn file_fields() -> Fields {
    Fields::from(vec![Field::new("bytes", DataType::Binary, true), Field::new("path", DataType::Utf8, true)])
}

/// The values of raw pictures.
fn level_field() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::UInt8, false))
}

/// The values in a raw picture of the dataset, as Arrow counts them.
fn raw_len(shape: ImageShape) -> Result<i32> {
    let len = u64::from(shape.height) * u64::from(shape.width) * u64::from(shape.channels);
    i32::try_from(len).map_err(|_| Error::failed("pictures are too large for raw storage"))
}

/// The columns of pictures: a struct of PNG and name, or raw a tensor and a column of names.
fn image_columns(meta: &Meta) -> Result<Vec<Field>> {
    if meta.storage == Storage::Png {
        return Ok(vec![Field::new("image", DataType::Struct(file_fields()), true)]);
    }
    // Without samples any shape will do.
    let shape = meta.image.unwrap_or(ImageShape { height: 1, width: 1, channels: 1 });
    let sides = [shape.height, shape.width, shape.channels];
    let tensor = HashMap::from([
        ("ARROW:extension:name".to_owned(), "arrow.fixed_shape_tensor".to_owned()),
        ("ARROW:extension:metadata".to_owned(), json!({"shape": sides}).to_string()),
    ]);
    let list = DataType::FixedSizeList(level_field(), raw_len(shape)?);
    Ok(vec![
        Field::new("image", list, true).with_metadata(tensor),
        Field::new("image_path", DataType::Utf8, true),
    ])
}

/// The Arrow schema of a dataset's shards, with the metadata for Hugging Face. Every column may be null,
/// though only some ever are: Hugging Face takes a column for a picture only then. Raw pictures need
/// `meta.image`.
///
/// # Errors
/// For raw pictures of 2 GiB or more.
pub fn of(meta: &Meta) -> Result<Schema> {
    let mut fields = vec![Field::new("id", DataType::Utf8, true)];
    for kind in meta.kinds() {
        match kind {
            Kind::Images => fields.extend(image_columns(meta)?),
            Kind::Audio => fields.push(Field::new("audio", DataType::Struct(file_fields()), true)),
            Kind::Text => fields.push(Field::new("text", DataType::Utf8, true)),
            Kind::Table => {
                fields.extend(meta.columns.iter().map(|name| Field::new(name, DataType::Float32, true)))
            }
        }
    }
    fields.extend([
        Field::new("label", DataType::Int64, true),
        Field::new("split", DataType::Utf8, true),
        Field::new("weight", DataType::Float32, true),
        Field::new("origin", DataType::Utf8, true),
    ]);
    Ok(Schema::new_with_metadata(fields, HashMap::from([(HUGGING_FACE.to_owned(), hugging_face(meta))])))
}

/// The metadata that Hugging Face datasets reads.
pub fn hugging_face(meta: &Meta) -> String {
    json!({"info": {"features": features(meta)}}).to_string()
}

/// The columns in the words of Hugging Face datasets.
pub fn features(meta: &Meta) -> Map<String, Value> {
    let value = |dtype: &str| json!({"_type": "Value", "dtype": dtype});
    let mut features = Map::new();
    features.insert("id".into(), value("string"));
    for kind in meta.kinds() {
        match kind {
            Kind::Images if meta.storage == Storage::Raw => {
                let shape = meta.image.unwrap_or(ImageShape { height: 1, width: 1, channels: 1 });
                let length = shape.height * shape.width * shape.channels;
                let list = json!({"_type": "Sequence", "feature": value("uint8"), "length": length});
                features.extend([("image".to_owned(), list), ("image_path".to_owned(), value("string"))]);
            }
            Kind::Images => drop(features.insert("image".into(), json!({"_type": "Image"}))),
            Kind::Audio => drop(features.insert("audio".into(), json!({"_type": "Audio"}))),
            Kind::Text => drop(features.insert("text".into(), value("string"))),
            Kind::Table => features.extend(meta.columns.iter().map(|name| (name.clone(), value("float32")))),
        }
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
    features
}

/// What goes into a shard in another form than that in which a sample has it.
#[derive(Default)]
pub struct Stored<'a> {
    /// The picture in the form of the storage.
    pub picture: Option<Cow<'a, [u8]>>,
    /// The text of the origin.
    pub origin: Option<String>,
}

/// The samples as one batch of rows; they must hold what `meta` says.
pub fn to_batch(
    meta: &Meta,
    schema: &Arc<Schema>,
    samples: &[Sample],
    stored: &[Stored<'_>],
) -> Result<RecordBatch> {
    let text = |f: fn(&Sample) -> &str| StringArray::from_iter_values(samples.iter().map(f));
    let mut columns: Vec<ArrayRef> = vec![Arc::new(text(|s| &s.id))];
    for kind in meta.kinds() {
        match kind {
            Kind::Images => {
                let bytes = stored.iter().map(|s| s.picture.as_deref());
                let path = |s: &'_ Sample| s.content.image.as_ref().and_then(|p| p.path.clone());
                let paths = samples.iter().map(path).collect();
                match (meta.storage, meta.image) {
                    (Storage::Raw, Some(shape)) => {
                        columns.extend([Arc::new(tensor(bytes, shape)?) as ArrayRef, Arc::new(paths)]);
                    }
                    (Storage::Raw, None) => return Err(Error::failed("raw pictures without a size")),
                    (Storage::Png, _) => columns.push(Arc::new(files(bytes, paths)?)),
                }
            }
            Kind::Audio => {
                let sounds = || samples.iter().map(|s| s.content.audio.as_ref());
                let paths = sounds().map(|s| s.and_then(|s| s.path.as_deref())).collect();
                columns.push(Arc::new(files(sounds().map(|s| s.map(|s| &*s.bytes)), paths)?));
            }
            Kind::Text => {
                let texts = samples.iter().map(|s| s.content.text.as_deref());
                columns.push(Arc::new(texts.collect::<StringArray>()));
            }
            Kind::Table => {
                for i in 0..meta.columns.len() {
                    let cell = |s: &Sample| s.row().get(i).copied().filter(|v| !v.is_nan());
                    columns.push(Arc::new(samples.iter().map(cell).collect::<Float32Array>()));
                }
            }
        }
    }
    let labels: Int64Array = samples.iter().map(|s| s.label.map(i64::from)).collect();
    columns.extend([
        Arc::new(labels) as ArrayRef,
        Arc::new(text(|s| s.split.name())),
        Arc::new(Float32Array::from_iter_values(samples.iter().map(|s| s.weight))),
        Arc::new(stored.iter().map(|s| s.origin.as_deref()).collect::<StringArray>()),
    ]);
    RecordBatch::try_new(schema.clone(), columns).map_err(unformed)
}

fn unformed(e: arrow_schema::ArrowError) -> Error {
    Error::failed(format!("cannot form rows ({e})"))
}

/// Bytes and names, as a struct.
fn files<'a>(bytes: impl Iterator<Item = Option<&'a [u8]>>, paths: StringArray) -> Result<StructArray> {
    let bytes: BinaryArray = bytes.collect();
    let nulls = bytes.nulls().cloned();
    StructArray::try_new(file_fields(), vec![Arc::new(bytes), Arc::new(paths)], nulls).map_err(unformed)
}

/// Pictures of one size, as a tensor.
fn tensor<'a>(
    bytes: impl ExactSizeIterator<Item = Option<&'a [u8]>>,
    shape: ImageShape,
) -> Result<FixedSizeListArray> {
    let len = raw_len(shape)?;
    let mut levels: Vec<u8> = Vec::with_capacity(bytes.len().saturating_mul(len as usize));
    for picture in bytes {
        match picture {
            Some(picture) => levels.extend_from_slice(picture),
            None => levels.resize(levels.len() + len as usize, 0),
        }
    }
    FixedSizeListArray::try_new(level_field(), len, Arc::new(UInt8Array::from(levels)), None)
        .map_err(unformed)
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
    let mut contents = vec![Content::default(); batch.num_rows()];
    for kind in meta.kinds() {
        match kind {
            Kind::Images if meta.storage == Storage::Raw => raw_pictures(meta, batch, &mut contents)?,
            Kind::Images => read_files(batch, "image", &mut contents, |content, bytes, path| {
                content.image = Some(Picture::png(bytes, path));
            })?,
            Kind::Audio => read_files(batch, "audio", &mut contents, |content, bytes, path| {
                content.audio = Some(Sound { bytes, path });
            })?,
            Kind::Text => {
                let texts = column(batch, "text", |c| c.as_string_opt::<i32>())?;
                for (content, text) in contents.iter_mut().zip(texts) {
                    content.text = text.map(str::to_owned);
                }
            }
            Kind::Table => rows(meta, batch, &mut contents)?,
        }
    }
    let sample = |(i, content)| {
        let id = ids.value(i);
        let wrong = |what: &str| Error::failed(format!("sample has a wrong {what}: {id}"));
        if ids.is_null(i) || weights.is_null(i) {
            return Err(wrong("id or weight (null)"));
        }
        if !(weights.value(i).is_finite() && weights.value(i) >= 0.0) {
            return Err(wrong("weight (neither 0 nor a finite number above)"));
        }
        let label = labels.is_valid(i).then(|| labels.value(i));
        let label = label.map(u32::try_from).transpose().map_err(|_| wrong("label"))?;
        if label.is_some_and(|label| label as usize >= meta.classes.len()) {
            return Err(wrong("label"));
        }
        let origin = origins.is_valid(i).then(|| Origin::of_text(origins.value(i)));
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

/// Bytes and names of a struct column, where they are.
fn read_files(
    batch: &RecordBatch,
    name: &str,
    contents: &mut [Content],
    put: impl Fn(&mut Content, Vec<u8>, Option<String>),
) -> Result<()> {
    let files = column(batch, name, |c| c.as_struct_opt())?;
    let part = |name| files.column_by_name(name);
    let bytes = part("bytes").and_then(|c| c.as_binary_opt::<i32>());
    let bytes = bytes.ok_or_else(|| Error::failed(format!("column `{name}` has no `bytes`")))?;
    let paths = part("path").and_then(|c| c.as_string_opt::<i32>());
    for (i, content) in contents.iter_mut().enumerate().filter(|(i, _)| bytes.is_valid(*i)) {
        let path = paths.filter(|p| p.is_valid(i)).map(|p| p.value(i).to_owned());
        put(content, bytes.value(i).to_vec(), path);
    }
    Ok(())
}

fn raw_pictures(meta: &Meta, batch: &RecordBatch, contents: &mut [Content]) -> Result<()> {
    let tensor = column(batch, "image", |c| c.as_fixed_size_list_opt())?;
    let paths = column(batch, "image_path", |c| c.as_string_opt::<i32>())?;
    let Some(shape) = meta.image else { return Ok(()) };
    let [height, width, channels] = [shape.height, shape.width, shape.channels].map(|n| n as usize);
    for (i, content) in contents.iter_mut().enumerate() {
        let levels = tensor.value(i);
        let levels = levels.as_primitive_opt::<UInt8Type>();
        let levels = levels.ok_or_else(|| Error::failed("column `image` does not hold bytes"))?;
        let pixels = Pixels::new(levels.values().to_vec(), height, width, channels)?;
        content.image = Some(Picture::of(pixels, paths.is_valid(i).then(|| paths.value(i).to_owned())));
    }
    Ok(())
}

fn rows(meta: &Meta, batch: &RecordBatch, contents: &mut [Content]) -> Result<()> {
    let columns: Result<Vec<&Float32Array>> = meta
        .columns
        .iter()
        .map(|name| column(batch, name, |c| c.as_primitive_opt::<Float32Type>()))
        .collect();
    let columns = columns?;
    let cell = |c: &&Float32Array, i| if c.is_valid(i) { c.value(i) } else { f32::NAN };
    for (i, content) in contents.iter_mut().enumerate() {
        content.row = columns.iter().map(|c| cell(c, i)).collect();
        if let Some(at) = content.row.iter().position(|v| v.is_infinite()) {
            return Err(Error::failed(format!("infinite value in column `{}`, row {i}", meta.columns[at]))
                .hint("make it a number, or null where it is missing"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let batch = RecordBatch::new_empty(Arc::new(of(&table).unwrap()));
        assert!(from_batch(&table, &batch).unwrap().is_empty());
        let e = from_batch(&Meta::images("i", vec![]), &batch).unwrap_err();
        assert!(e.message.contains("`image`"), "{e}");
    }
}
