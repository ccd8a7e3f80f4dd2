//! JSON objects as rows of cells: objects within become `name.key`, arrays `name[0]`, `name[1]`, …; those of texts alone
//! become lines.
//!
//! One object per line is JSON Lines; an archive may hold one per sample.

use super::arrays::ID_DIGITS;
use super::data::Data;
use super::files::{Member, open_each};
use super::items::Builder;
use super::rows::{Columns, Raw, Rows};
use super::{Format, ReadOptions, Source, table};
use crate::error::{Error, Result};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The longest line that is read.
pub(super) const MAX_LINE: u64 = 64 << 20;
/// Columns that a table may have.
pub(super) const MAX_COLUMNS: usize = 1 << 16;

/// The columns of objects, as they come up.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Names {
    /// These columns first, where they come up at all.
    pub fn starting(first: &[String]) -> Self {
        let numbers = first.iter().cloned().zip(0..).collect();
        Self { names: first.to_vec(), numbers }
    }

    /// Takes the names of cells that are new.
    ///
    /// # Errors
    /// When there are too many.
    pub fn see(&mut self, cells: Vec<(String, String)>) -> Result<()> {
        for (name, _) in cells {
            if !self.numbers.contains_key(&name) {
                self.numbers.insert(name.clone(), self.names.len());
                self.names.push(name);
            }
        }
        if self.names.len() > MAX_COLUMNS {
            return Err(Error::failed(format!("more than {MAX_COLUMNS} columns")));
        }
        Ok(())
    }

    /// The number of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// The cells in the order of the columns.
    pub fn row(&self, cells: Vec<(String, String)>) -> Vec<Cow<'static, str>> {
        let mut row = vec![Cow::Borrowed(""); self.names.len()];
        for (name, text) in cells {
            if let Some(&at) = self.numbers.get(&name) {
                row[at] = Cow::Owned(text);
            }
        }
        row
    }
}

/// The cells of an object.
pub(super) fn cells_of(object: &Map<String, Value>) -> Vec<(String, String)> {
    let mut cells = Vec::new();
    flatten(object, "", &mut cells);
    cells
}

fn flatten(object: &Map<String, Value>, prefix: &str, cells: &mut Vec<(String, String)>) {
    for (name, value) in object {
        cell(value, format!("{prefix}{name}"), cells);
    }
}

fn cell(value: &Value, name: String, cells: &mut Vec<(String, String)>) {
    match value {
        Value::Null => cells.push((name, String::new())),
        Value::Bool(value) => cells.push((name, u8::from(*value).to_string())),
        Value::Number(number) => cells.push((name, number.to_string())),
        Value::String(text) => cells.push((name, text.clone())),
        // Several texts, as of captions, are lines of one.
        Value::Array(values) if !values.is_empty() && values.iter().all(Value::is_string) => {
            let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            cells.push((name, texts.join("\n")));
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(i, value)| cell(value, format!("{name}[{i}]"), cells))
        }
        Value::Object(object) => flatten(object, &format!("{name}."), cells),
    }
}

/// Opens files of one object per line.
pub fn open(
    members: Vec<Member>,
    names: Names,
    folder: Option<&Path>,
    options: &ReadOptions,
) -> Result<Source> {
    let mut builder = Builder::new(Format::Jsonl, options);
    let lines = JsonLines::open(members, names, options, &mut builder)?;
    let columns = Columns::of(lines.names.names.clone(), &lines)?;
    let n = columns.names.len();
    builder.remarks.notes.push(format!("objects of {n} columns, one per line"));
    table::fill(&lines, &columns, folder, options, builder)
}

/// The lines of files.
pub(super) struct JsonLines {
    files: Vec<(u32, Data, Member)>,
    /// The columns of the objects.
    pub names: Names,
}

/// The place of a line: the number of its file, and its own from 1.
type Line = (usize, u64);

/// An object, or why there is none.
type Parsed = Result<Map<String, Value>, String>;

/// The cells of a line, or why it has none.
type Cells = Result<Vec<(String, String)>, String>;

impl JsonLines {
    /// Opens files; `names` are columns that are known.
    ///
    /// # Errors
    /// When the only one cannot be read, or there are too many columns.
    pub fn open(
        members: Vec<Member>,
        mut names: Names,
        options: &ReadOptions,
        builder: &mut Builder,
    ) -> Result<Self> {
        let mut lines = Self { files: open_each(members, options, builder)?, names: Names::default() };
        lines.objects(&mut |_, _, cells| cells.map_or(Ok(()), |cells| names.see(cells)))?;
        lines.names = names;
        Ok(lines)
    }

    /// Gives each line that is not blank, with its number among these; or why it is no object.
    fn objects(&self, see: &mut dyn FnMut(Line, usize, Cells) -> Result<()>) -> Result<()> {
        for (file, (_, data, _)) in self.files.iter().enumerate() {
            let mut reader = BufReader::new(data.reader());
            let (mut line, mut number, mut bytes) = (0, 0, Vec::new());
            loop {
                bytes.clear();
                line += 1;
                let long = match read_line(&mut reader, &mut bytes) {
                    Ok(_) if bytes.is_empty() => break,
                    Ok(long) => long,
                    Err(e) => {
                        see((file, line), number, Err(format!("{e}: nothing is read from this line on")))?;
                        break;
                    }
                };
                let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
                if text.trim_ascii().is_empty() {
                    continue;
                }
                let cells = match (bytes.ends_with(b"\n"), &data.cut) {
                    _ if long => Err(format!("line is longer than {MAX_LINE} bytes")),
                    (false, Some(cut)) => Err(cut.clone()),
                    _ => object(text).map(|object| cells_of(&object)),
                };
                let few = |cells: &Vec<_>| match cells.len() {
                    0..=MAX_COLUMNS => Ok(()),
                    n => Err(format!("object of {n} values, more than {MAX_COLUMNS}")),
                };
                let cells = cells.and_then(|cells| few(&cells).map(|()| cells));
                see((file, line), number, cells)?;
                number += 1;
            }
        }
        Ok(())
    }
}

/// Reads a line with its end; of one that is too long the beginning, which is told.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    reader.by_ref().take(MAX_LINE).read_until(b'\n', line)?;
    let long = line.len() as u64 == MAX_LINE && !line.ends_with(b"\n");
    if long {
        line.truncate(1);
        reader.skip_until(b'\n')?;
    }
    Ok(long)
}

/// The object in a text.
pub(super) fn object(text: &[u8]) -> Parsed {
    match serde_json::from_slice(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("not a JSON object".to_owned()),
        Err(e) => Err(format!("not JSON ({e})")),
    }
}

impl Rows for JsonLines {
    fn walk(&self, see: &mut dyn FnMut(Raw<'_>) -> Result<()>) -> Result<()> {
        self.objects(&mut |(file, line), number, cells| {
            let (cells, wrong) = match cells {
                Ok(cells) => (self.names.row(cells), None),
                Err(why) => (Vec::new(), Some(why)),
            };
            let (file, _, member) = &self.files[file];
            see(Raw {
                file: *file,
                place: Some(line),
                rows: 1,
                id: format!("{number:0width$}", width = ID_DIGITS),
                split: member.split,
                cells,
                parts: Vec::new(),
                wrong,
            })
        })
    }
}
