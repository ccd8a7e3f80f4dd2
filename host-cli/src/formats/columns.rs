//! Parquet and Arrow IPC files as sources: columns of pictures and sounds as Hugging Face datasets stores them, or as
//! tensors; all others are the cells of a table.

use super::arrays::ID_DIGITS;
use super::files::Member;
use super::items::{Builder, Span, kind_of};
use super::rows::{Columns, Raw, Rows};
use super::{Format, ReadOptions, Source, table};
use crate::dataset::Kind;
use crate::error::{Context, Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt8Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Rows that are decoded at a time.
const BATCH: usize = 256;
/// The key of the metadata that Hugging Face datasets writes.
const HUGGING_FACE: &str = "huggingface";

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
enum Holds {
    /// Files of pictures or sounds: bytes, or a struct of bytes and path.
    Files,
    /// Pictures of one size as bytes: height, width, channels.
    Tensor([usize; 3]),
    /// Cells; of a label with names the names.
    Cells(Vec<String>),
    /// Lists of so many cells.
    Lists(usize),
    /// Something that is not read.
    Other,
}

/// Opens files of one schema.
pub fn open(members: Vec<Member>, format: Format, options: &ReadOptions) -> Result<Source> {
    let mut builder = Builder::new(format, options);
    let mut tables = Tables { files: Vec::new(), names: Vec::new(), format };
    let mut classes = Vec::new();
    for member in members {
        let file = builder.file(&*member.name);
        let schema = schema(&member.path, format)?;
        let holds: Vec<Holds> = schema.fields().iter().map(|field| holds(field, &schema)).collect();
        for (field, holds) in schema.fields().iter().zip(&holds) {
            match holds {
                Holds::Other => builder.remarks.notes.push(format!(
                    "column `{}` of type {} is left out",
                    field.name(),
                    field.data_type()
                )),
                Holds::Cells(names) if !names.is_empty() && classes.is_empty() => classes = names.clone(),
                _ => {}
            }
        }
        tables.see_names(&schema, &holds);
        let parts = parts(&member.path, format, &schema, &holds, &mut builder).at(&member.path)?;
        tables.files.push(Table { member, file, schema, holds, parts });
    }
    let columns = Columns::of(tables.names.clone(), &tables)?;
    let source = table::fill(&tables, &columns, None, options, builder)?;
    Ok(super::info::with_classes(source, classes))
}

/// One file, and what was kept of it.
struct Table {
    member: Member,
    file: u32,
    schema: Schema,
    holds: Vec<Holds>,
    /// The pictures and sounds of each row.
    parts: Vec<Vec<(Kind, Span)>>,
}

struct Tables {
    files: Vec<Table>,
    /// Of the cells of all files.
    names: Vec<String>,
    format: Format,
}

impl Tables {
    fn see_names(&mut self, schema: &Schema, holds: &[Holds]) {
        let mut known: BTreeSet<String> = self.names.iter().cloned().collect();
        for (field, holds) in schema.fields().iter().zip(holds) {
            for name in cell_names(field, holds) {
                if known.insert(name.clone()) {
                    self.names.push(name);
                }
            }
        }
    }
}

/// The names of the cells of a column.
fn cell_names(field: &Field, holds: &Holds) -> Vec<String> {
    match holds {
        Holds::Cells(_) => vec![field.name().clone()],
        Holds::Lists(n) => (0..*n).map(|i| format!("{}[{i}]", field.name())).collect(),
        Holds::Files | Holds::Tensor(_) | Holds::Other => Vec::new(),
    }
}

/// What a column holds, by its type and what Hugging Face datasets says of it.
fn holds(field: &Field, schema: &Schema) -> Holds {
    match field.data_type() {
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Holds::Files,
        DataType::Struct(fields) if fields.iter().any(|f| f.name() == "bytes") => Holds::Files,
        DataType::FixedSizeList(item, n) => {
            let shape =
                tensor_shape(field).filter(|[h, w, c]| h * w * c == *n as usize && matches!(c, 1 | 3));
            match (item.data_type(), shape) {
                (DataType::UInt8, Some(shape)) => Holds::Tensor(shape),
                (kind, _) if kind.is_numeric() => Holds::Lists(*n as usize),
                _ => Holds::Other,
            }
        }
        kind if kind.is_numeric() || is_text(kind) || *kind == DataType::Boolean => {
            Holds::Cells(class_names(field, schema))
        }
        DataType::Dictionary(_, of) if is_text(of) => Holds::Cells(Vec::new()),
        _ => Holds::Other,
    }
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Height, width and channels of a tensor column.
fn tensor_shape(field: &Field) -> Option<[usize; 3]> {
    let metadata = field.metadata();
    if metadata.get("ARROW:extension:name")? != "arrow.fixed_shape_tensor" {
        return None;
    }
    let told: Value = serde_json::from_str(metadata.get("ARROW:extension:metadata")?).ok()?;
    let sides: Vec<usize> =
        told.get("shape")?.as_array()?.iter().filter_map(|n| n.as_u64()?.try_into().ok()).collect();
    match *sides.as_slice() {
        [height, width] => Some([height, width, 1]),
        [height, width, channels] => Some([height, width, channels]),
        _ => None,
    }
}

/// The names of the classes of a `ClassLabel`.
fn class_names(field: &Field, schema: &Schema) -> Vec<String> {
    let names = || -> Option<Vec<String>> {
        let told: Value = serde_json::from_str(schema.metadata().get(HUGGING_FACE)?).ok()?;
        let feature = told.get("info")?.get("features")?.get(field.name())?;
        (feature.get("_type")?.as_str()? == "ClassLabel").then_some(())?;
        let names = feature.get("names")?.as_array()?;
        names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    };
    names().unwrap_or_default()
}

fn damaged(e: impl std::fmt::Display) -> Error {
    Error::failed(format!("file is damaged ({e})"))
}

fn schema(path: &Path, format: Format) -> Result<Schema> {
    let file = File::open(path).at(path)?;
    let schema = match format {
        Format::Parquet => {
            let metadata =
                ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(damaged).at(path)?;
            metadata.schema().clone()
        }
        _ if is_stream(path)? => {
            StreamReader::try_new(BufReader::new(file), None).map_err(damaged).at(path)?.schema()
        }
        _ => FileReader::try_new(BufReader::new(file), None).map_err(damaged).at(path)?.schema(),
    };
    Ok(schema.as_ref().clone())
}

/// Whether an Arrow file is a stream, which has no magic number at its beginning.
fn is_stream(path: &Path) -> Result<bool> {
    Ok(!super::bytes::head(path)?.starts_with(b"ARROW1"))
}

/// Gives the batches of a file, of the columns that `wanted` takes.
fn batches(
    path: &Path,
    format: Format,
    wanted: &[bool],
    see: &mut dyn FnMut(RecordBatch) -> Result<()>,
) -> Result<()> {
    let file = File::open(path).at(path)?;
    let roots: Vec<usize> = (0..wanted.len()).filter(|&i| wanted[i]).collect();
    match format {
        Format::Parquet => {
            let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(damaged)?;
            let mask = ProjectionMask::roots(metadata.parquet_schema(), roots);
            for group in 0..metadata.metadata().num_row_groups() {
                let file = file.try_clone().at(path)?;
                let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
                    .with_projection(mask.clone())
                    .with_row_groups(vec![group])
                    .with_batch_size(BATCH)
                    .build()
                    .map_err(damaged)?;
                for batch in reader {
                    see(batch.map_err(damaged)?)?;
                }
            }
        }
        _ if is_stream(path)? => {
            for batch in StreamReader::try_new(BufReader::new(file), Some(roots)).map_err(damaged)? {
                see(batch.map_err(damaged)?)?;
            }
        }
        _ => {
            for batch in FileReader::try_new(BufReader::new(file), Some(roots)).map_err(damaged)? {
                see(batch.map_err(damaged)?)?;
            }
        }
    }
    Ok(())
}

/// Keeps the pictures and sounds of a file and tells where those of each row are.
fn parts(
    path: &Path,
    format: Format,
    schema: &Schema,
    holds: &[Holds],
    builder: &mut Builder,
) -> Result<Vec<Vec<(Kind, Span)>>> {
    let wanted: Vec<bool> = holds.iter().map(|h| matches!(h, Holds::Files | Holds::Tensor(_))).collect();
    let mut all = Vec::new();
    if !wanted.contains(&true) {
        return Ok(all);
    }
    let chosen: Vec<(&str, &Holds)> = schema
        .fields()
        .iter()
        .zip(holds)
        .zip(&wanted)
        .filter(|(_, wanted)| **wanted)
        .map(|((field, holds), _)| (field.name().as_str(), holds))
        .collect();
    batches(path, format, &wanted, &mut |batch| {
        for row in 0..batch.num_rows() {
            let mut parts: Vec<(Kind, Span)> = Vec::new();
            for (column, (_, holds)) in batch.columns().iter().zip(&chosen) {
                let bytes = match holds {
                    Holds::Tensor(shape) => picture_file(column, row, *shape)?,
                    _ => file_bytes(column, row)?.map(<[u8]>::to_vec),
                };
                let Some(bytes) = bytes else { continue };
                if let Some(kind) = kind_of(&bytes).filter(|kind| parts.iter().all(|(k, _)| k != kind)) {
                    parts.push((kind, builder.keep(&bytes)?));
                }
            }
            all.push(parts);
        }
        Ok(())
    })?;
    Ok(all)
}

/// The bytes of a file in a cell.
fn file_bytes(column: &ArrayRef, row: usize) -> Result<Option<&[u8]>> {
    if column.is_null(row) {
        return Ok(None);
    }
    match column.data_type() {
        DataType::Binary => Ok(Some(column.as_binary::<i32>().value(row))),
        DataType::LargeBinary => Ok(Some(column.as_binary::<i64>().value(row))),
        DataType::BinaryView => Ok(Some(column.as_binary_view().value(row))),
        DataType::Struct(_) => {
            let bytes = column.as_struct().column_by_name("bytes");
            bytes.map_or(Ok(None), |bytes| file_bytes(bytes, row))
        }
        other => Err(Error::failed(format!("bytes of type {other} are not read"))),
    }
}

/// The picture in a tensor cell, as a PGM or PPM file.
fn picture_file(
    column: &ArrayRef,
    row: usize,
    [height, width, channels]: [usize; 3],
) -> Result<Option<Vec<u8>>> {
    if column.is_null(row) {
        return Ok(None);
    }
    let levels = column.as_fixed_size_list().value(row);
    let levels = levels.as_primitive_opt::<UInt8Type>();
    let levels = levels.ok_or_else(|| Error::failed("tensor does not hold bytes"))?;
    let magic = if channels == 1 { "P5" } else { "P6" };
    let mut file = format!("{magic}\n{width} {height}\n255\n").into_bytes();
    file.extend_from_slice(levels.values());
    Ok(Some(file))
}

impl Rows for Tables {
    fn walk(&self, see: &mut dyn FnMut(Raw<'_>) -> Result<()>) -> Result<()> {
        let numbers: HashMap<&str, usize> =
            self.names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
        for table in &self.files {
            let wanted: Vec<bool> =
                table.holds.iter().map(|h| matches!(h, Holds::Cells(_) | Holds::Lists(_))).collect();
            let mut number = 0;
            let mut give = |cells: Vec<Cow<'_, str>>| {
                let parts = table.parts.get(number).cloned().unwrap_or_default();
                let raw = Raw {
                    file: table.file,
                    place: Some(number as u64),
                    id: format!("{number:0width$}", width = ID_DIGITS),
                    split: table.member.split,
                    cells,
                    parts,
                    wrong: None,
                };
                number += 1;
                see(raw)
            };
            if !wanted.contains(&true) {
                for _ in 0..table.parts.len() {
                    give(Vec::new())?;
                }
                continue;
            }
            let path = &table.member.path;
            batches(path, self.format, &wanted, &mut |batch| {
                let mut rows = vec![vec![Cow::Borrowed(""); self.names.len()]; batch.num_rows()];
                table.cells(&batch, &wanted, &numbers, &mut rows)?;
                rows.into_iter().try_for_each(&mut give)
            })
            .at(path)?;
        }
        Ok(())
    }
}

impl Table {
    /// Puts the cells of a batch where they belong in `rows`.
    fn cells(
        &self,
        batch: &RecordBatch,
        wanted: &[bool],
        numbers: &HashMap<&str, usize>,
        rows: &mut [Vec<Cow<'_, str>>],
    ) -> Result<()> {
        let fields = self.schema.fields().iter().zip(&self.holds).zip(wanted).filter(|(_, wanted)| **wanted);
        for (column, ((field, holds), _)) in batch.columns().iter().zip(fields) {
            let names = cell_names(field, holds);
            for (i, name) in names.iter().enumerate() {
                let Some(&at) = numbers.get(name.as_str()) else { continue };
                match holds {
                    Holds::Lists(n) => {
                        let values = column.as_fixed_size_list();
                        texts(values.values(), &[], |k, text| {
                            if k % n == i && values.is_valid(k / n) {
                                rows[k / n][at] = text.into();
                            }
                        })?;
                    }
                    Holds::Cells(names) => texts(column, names, |k, text| rows[k][at] = text.into())?,
                    Holds::Files | Holds::Tensor(_) | Holds::Other => {}
                }
            }
        }
        Ok(())
    }
}

/// The text of each cell of a column that has a value; of a label with names the name.
fn texts(column: &ArrayRef, names: &[String], mut put: impl FnMut(usize, String)) -> Result<()> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options).map_err(damaged)?;
    for i in (0..column.len()).filter(|&i| column.is_valid(i)) {
        let text = formatter.value(i).try_to_string().map_err(damaged)?;
        let named = text.parse::<usize>().ok().and_then(|n| names.get(n));
        put(i, named.cloned().unwrap_or(text));
    }
    Ok(())
}
