//! Parquet and Arrow IPC files as sources: columns of pictures and sounds as Hugging Face datasets stores them, or as
//! tensors; all others are the cells of a table.

mod file;
mod footer;
mod ipc;

use super::arrays::ID_DIGITS;
use super::files::Member;
use super::items::{Builder, Span};
use super::kinds::kind_of;
use super::rows::{Columns, Raw, Rows};
use super::{Format, ReadOptions, Source, table};
use crate::dataset::Kind;
use crate::error::{Context, Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt8Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, Field, Schema};
pub(crate) use file::guarded;
use file::{Columnar, Piece, words};
pub(crate) use ipc::{Decoder, Messages};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

/// The longest list whose values are cells.
const MOST_CELLS: i32 = 1 << 16;
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
    let mut tables = Tables { files: Vec::new(), names: Vec::new() };
    let (mut classes, mut refused) = (Vec::new(), None);
    for member in members {
        let file = builder.file(&*member.name);
        match Table::open(member, file, format, options, &mut builder) {
            Ok(table) => {
                table.classes(&mut classes);
                tables.see_names(&table);
                tables.files.push(table);
            }
            Err((path, e)) => {
                builder.refuse(file, None, &e.message);
                refused = refused.or(Some(Err(e).at(path)));
            }
        }
    }
    if let (true, Some(refused)) = (tables.files.is_empty(), refused) {
        return refused;
    }
    let columns = Columns::of(tables.names.clone(), &tables)?;
    let source = table::fill(&tables, &columns, None, options, builder)?;
    Ok(super::info::with_classes(source, classes))
}

/// One file, and what was kept of it.
struct Table {
    member: Member,
    file: u32,
    columnar: Columnar,
    holds: Vec<Holds>,
    /// The pictures and sounds of the rows of each group, as far as they can be decoded; `None` where there are no
    /// such columns.
    parts: Option<Vec<Parts>>,
    /// What it may unpack to.
    budget: Budget,
}

/// The pictures and sounds of each row of a group, and why there are no more.
#[derive(Default)]
struct Parts {
    rows: Vec<Vec<(Kind, Span)>>,
    end: Option<String>,
}

struct Tables {
    files: Vec<Table>,
    /// Of the cells of all files.
    names: Vec<String>,
}

/// Bytes that a file may unpack to; one of which little is repeated has as many itself.
#[derive(Clone, Copy)]
struct Budget {
    most: u64,
    left: u64,
}

impl Budget {
    fn of(most: u64) -> Self {
        Self { most, left: most }
    }

    fn take(&mut self, bytes: usize) -> Result<()> {
        self.left = self.left.checked_sub(bytes as u64).ok_or_else(|| super::bytes::too_many(self.most))?;
        Ok(())
    }
}

impl Tables {
    fn see_names(&mut self, table: &Table) {
        let mut known: BTreeSet<String> = self.names.iter().cloned().collect();
        for (field, holds) in table.columnar.schema.fields().iter().zip(&table.holds) {
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
        kind if is_bytes(kind) => Holds::Files,
        DataType::Struct(fields) if fields.iter().any(|f| f.name() == "bytes" && is_bytes(f.data_type())) => {
            Holds::Files
        }
        DataType::FixedSizeList(item, n) if (1..=MOST_CELLS).contains(n) => {
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

fn is_bytes(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
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

impl Table {
    /// Opens a file; an error comes with its path.
    fn open(
        member: Member,
        file: u32,
        format: Format,
        options: &ReadOptions,
        builder: &mut Builder,
    ) -> Result<Self, (PathBuf, Error)> {
        let columnar = match Columnar::open(&member.path, format, options.max_unpacked) {
            Ok(columnar) => columnar,
            Err(e) => return Err((member.path, e)),
        };
        let schema = &columnar.schema;
        let holds: Vec<Holds> = schema.fields().iter().map(|field| holds(field, schema)).collect();
        let budget = Budget::of(options.max_unpacked.max(columnar.len));
        let mut table = Self { file, columnar, holds, parts: None, budget, member };
        match table.keep(builder) {
            Ok(parts) => table.parts = parts,
            Err(e) => return Err((table.member.path, e)),
        }
        table.tell(builder);
        Ok(table)
    }

    /// Tells what is left out.
    fn tell(&self, builder: &mut Builder) {
        let fields = self.columnar.schema.fields().iter().zip(&self.holds);
        for (field, _) in fields.filter(|(_, holds)| **holds == Holds::Other) {
            let (name, kind) = (field.name(), field.data_type());
            builder.remarks.notes.push(format!("column `{name}` of type {kind} is left out"));
        }
        if let Some(cut) = &self.columnar.cut {
            builder.refuse(self.file, None, cut);
        }
    }

    /// The names of the classes, where none are known yet.
    fn classes(&self, classes: &mut Vec<String>) {
        let names = self.holds.iter().find_map(|holds| match holds {
            Holds::Cells(names) if !names.is_empty() => Some(names),
            _ => None,
        });
        if let (true, Some(names)) = (classes.is_empty(), names) {
            classes.clone_from(names);
        }
    }

    /// Keeps the pictures and sounds and tells where those of each row are.
    fn keep(&self, builder: &mut Builder) -> Result<Option<Vec<Parts>>> {
        let is_file = |holds: &Holds| matches!(holds, Holds::Files | Holds::Tensor(_));
        let wanted: Vec<bool> = self.holds.iter().map(is_file).collect();
        if !wanted.contains(&true) {
            return Ok(None);
        }
        let chosen: Vec<&Holds> = self.holds.iter().filter(|holds| is_file(holds)).collect();
        let mut all: Vec<Parts> = self.columnar.groups.iter().map(|_| Parts::default()).collect();
        let mut budget = self.budget;
        self.columnar.read(&wanted, &mut |group, piece| {
            let batch = match piece {
                Piece::End(end) => {
                    all[group].end = end;
                    return Ok(());
                }
                Piece::Rows(batch) => batch,
            };
            for row in 0..batch.num_rows() {
                let mut parts: Vec<(Kind, Span)> = Vec::new();
                for (column, holds) in batch.columns().iter().zip(&chosen) {
                    let bytes = match holds {
                        Holds::Tensor(shape) => picture_file(column, row, *shape)?.map(Cow::Owned),
                        _ => file_bytes(column, row)?.map(Cow::Borrowed),
                    };
                    let Some(bytes) = bytes else { continue };
                    if let Some(kind) = kind_of(&bytes).filter(|kind| parts.iter().all(|(k, _)| k != kind)) {
                        budget.take(bytes.len())?;
                        parts.push((kind, builder.keep(&bytes)?));
                    }
                }
                budget.take(1)?;
                all[group].rows.push(parts);
            }
            Ok(())
        })?;
        Ok(Some(all))
    }
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
        self.files.iter().try_for_each(|table| table.walk(&numbers, see).at(&table.member.path))
    }
}

/// A way through the rows of a file.
struct Way {
    /// Rows before the group, and those of it that were given.
    before: u64,
    given: u64,
}

impl Table {
    fn walk(&self, numbers: &HashMap<&str, usize>, see: &mut dyn FnMut(Raw<'_>) -> Result<()>) -> Result<()> {
        let is_cell = |holds: &Holds| matches!(holds, Holds::Cells(_) | Holds::Lists(_));
        let wanted: Vec<bool> = self.holds.iter().map(is_cell).collect();
        let (mut way, mut budget) = (Way { before: 0, given: 0 }, self.budget);
        if !wanted.contains(&true) {
            for (group, parts) in self.parts.iter().flatten().enumerate() {
                let rows = vec![vec![Cow::Borrowed(""); numbers.len()]; parts.rows.len()];
                self.rows(&mut way, group, rows, see)?;
                self.end(&mut way, group, None, see)?;
            }
            return Ok(());
        }
        self.columnar.read(&wanted, &mut |group, piece| match piece {
            Piece::End(end) => self.end(&mut way, group, end, see),
            Piece::Rows(batch) => {
                let mut rows = vec![vec![Cow::Borrowed(""); numbers.len()]; batch.num_rows()];
                self.cells(&batch, &wanted, numbers, &mut budget, &mut rows)?;
                self.rows(&mut way, group, rows, see)
            }
        })
    }

    /// Gives the next rows of a group, as far as their pictures and sounds are there.
    fn rows(
        &self,
        way: &mut Way,
        group: usize,
        rows: Vec<Vec<Cow<'_, str>>>,
        see: &mut dyn FnMut(Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        for cells in rows {
            let parts = match self.parts.as_ref().and_then(|all| all.get(group)) {
                None => Vec::new(),
                Some(all) => match all.rows.get(way.given as usize) {
                    Some(parts) => parts.clone(),
                    None => break,
                },
            };
            see(Raw { cells, parts, ..self.raw(way, 1) })?;
            way.given += 1;
        }
        Ok(())
    }

    /// Ends a group, and gives the rows of it that are damaged as one.
    fn end(
        &self,
        way: &mut Way,
        group: usize,
        end: Option<String>,
        see: &mut dyn FnMut(Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        let rows = self.columnar.groups.get(group).copied().unwrap_or(0);
        let left = rows.saturating_sub(way.given);
        if left > 0 {
            let parts = self.parts.as_ref().and_then(|all| all.get(group)?.end.as_ref());
            let why = parts.or(end.as_ref()).map_or("there are fewer than the file tells", String::as_str);
            let last = (way.before + rows).saturating_sub(1);
            let wrong = format!("rows to {last} of group {group} are damaged ({why})");
            see(Raw { wrong: Some(wrong), ..self.raw(way, left) })?;
        }
        *way = Way { before: way.before + rows, given: 0 };
        Ok(())
    }

    /// The next row, or the next ones, without what it holds.
    fn raw(&self, way: &Way, rows: u64) -> Raw<'static> {
        let number = way.before + way.given;
        Raw {
            file: self.file,
            place: Some(number),
            rows,
            id: format!("{number:0width$}", width = ID_DIGITS),
            split: self.member.split,
            cells: Vec::new(),
            parts: Vec::new(),
            wrong: None,
        }
    }

    /// Puts the cells of a batch where they belong in `rows`.
    fn cells(
        &self,
        batch: &RecordBatch,
        wanted: &[bool],
        numbers: &HashMap<&str, usize>,
        budget: &mut Budget,
        rows: &mut [Vec<Cow<'_, str>>],
    ) -> Result<()> {
        let fields = self.columnar.schema.fields().iter().zip(&self.holds).zip(wanted);
        let fields = fields.filter(|(_, wanted)| **wanted).map(|(field, _)| field);
        // However short it is, a cell takes memory.
        budget.take(rows.len().saturating_mul(numbers.len().max(1)))?;
        for (column, (field, holds)) in batch.columns().iter().zip(fields) {
            let Some(names) = cell_names(field, holds)
                .iter()
                .map(|name| numbers.get(name.as_str()).copied())
                .collect::<Option<Vec<usize>>>()
            else {
                continue;
            };
            match holds {
                Holds::Lists(n) => {
                    let lists = column.as_fixed_size_list();
                    texts(lists.values(), &[], budget, |k, text| {
                        if lists.is_valid(k / n) {
                            rows[k / n][names[k % n]] = text.into();
                        }
                    })?;
                }
                Holds::Cells(classes) => {
                    texts(column, classes, budget, |k, text| rows[k][names[0]] = text.into())?;
                }
                Holds::Files | Holds::Tensor(_) | Holds::Other => {}
            }
        }
        Ok(())
    }
}

/// The text of each cell of a column that has a value; of a label with names the name.
fn texts(
    column: &ArrayRef,
    names: &[String],
    budget: &mut Budget,
    mut put: impl FnMut(usize, String),
) -> Result<()> {
    let options = FormatOptions::default();
    let unread = |why: String| Error::failed(format!("cells cannot be told as text ({why})"));
    let formatter = ArrayFormatter::try_new(column, &options).map_err(words).map_err(unread)?;
    for i in (0..column.len()).filter(|&i| column.is_valid(i)) {
        let text = guarded(|| formatter.value(i).try_to_string().map_err(words));
        let text = text.and_then(|text| text).map_err(unread)?;
        budget.take(text.len())?;
        let named = text.parse::<usize>().ok().and_then(|n| names.get(n));
        put(i, named.cloned().unwrap_or(text));
    }
    Ok(())
}
