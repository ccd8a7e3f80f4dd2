//! Text tables as sources: CSV, TSV and their kin, in one file.

use super::arrays::{ID_DIGITS, MAX_ROWS};
use super::csv::{self, Profile};
use super::data::Data;
use super::items::Builder;
use super::rows::{Columns, Raw, Rows};
use super::{Format, Header, ReadOptions, Remarks, Source, bytes, is_table_name, some_of, table};
use crate::error::{Context, Error, Result};
use std::collections::BTreeSet;
use std::path::Path;

/// Opens a text table, or the only one of a folder: its only file, or the only one that is called like a
/// table.
pub fn open(path: &Path, options: &ReadOptions) -> Result<Source> {
    if !path.is_dir() {
        return open_file(path, options);
    }
    let mut files = bytes::files_in(path)?;
    if files.is_empty() {
        return Err(Error::failed(format!("folder is empty: {}", path.display())));
    }
    if files.len() > 1 {
        files.retain(|name| is_table_name(&name.to_string_lossy()));
    }
    match (files.pop(), files.is_empty()) {
        (Some(only), true) => open_file(&path.join(only), options),
        (None, _) => Err(Error::failed(format!("no text table: {}", path.display()))
            .hint("give the file that holds the table")),
        (Some(_), false) => Err(Error::failed(format!("several text tables: {}", path.display()))
            .hint("give one of the files, or join them")),
    }
}

fn open_file(path: &Path, options: &ReadOptions) -> Result<Source> {
    let data = Data::open(path, options.max_unpacked)?;
    let profile = csv::profile(|| data.reader(), options.header, options.decimal).at(path)?;
    if profile.rows > MAX_ROWS as u64 {
        return Err(Error::failed(format!("more than {MAX_ROWS} rows"))).at(path);
    }
    let mut builder = Builder::new(Format::Csv, options);
    builder.file(path.file_name().unwrap_or_default().to_string_lossy());
    builder.remarks.notes.push(looks(&profile, options.header));
    let columns = Columns {
        names: column_names(&profile),
        named: profile.header.is_some(),
        media: false,
        profile: profile.columns.clone(),
    };
    commas(&profile, &columns.names, &mut builder.remarks);
    let rows = TextRows { data: &data, profile: &profile };
    table::fill(&rows, &columns, path.parent(), options, builder).at(path)
}

/// What the table looks like, for people.
fn looks(profile: &Profile, header: Header) -> String {
    let separator = match profile.separator {
        b'\t' => "tabs".to_owned(),
        b' ' => "blanks".to_owned(),
        other => format!("`{}`", char::from(other)),
    };
    let with = if profile.header.is_some() { "with a header" } else { "without a header" };
    let guess = if header == Header::Auto { " (--header)" } else { "" };
    let (rows, columns) = (profile.rows, profile.columns.len());
    format!("text table of {rows} rows and {columns} columns, separated by {separator}, {with}{guess}")
}

/// Tells of decimal commas, and of commas that may be such.
fn commas(profile: &Profile, names: &[String], remarks: &mut Remarks) {
    let has = |i: &usize| profile.commas[*i] && profile.columns[*i].numbers > 0;
    let decimal: Vec<String> = (0..names.len()).filter(has).map(|i| names[i].clone()).collect();
    if !decimal.is_empty() {
        let some = some_of(&decimal);
        remarks.notes.push(format!("numbers with a decimal comma (--decimal) in columns: {some}"));
    }
    for (i, number) in &profile.doubtful {
        remarks.warnings.push(format!(
            "column `{}` holds numbers with commas, which may stand before decimals or between thousands, such as \
             {number}: as they are they count as texts; give --decimal comma (recipe key `decimal`), or write them with \
             points",
            names[*i]
        ));
    }
}

/// The names of the columns: of the header, else `c1`, `c2`, …; each only once.
fn column_names(profile: &Profile) -> Vec<String> {
    let mut used = BTreeSet::new();
    let given = |i: usize| profile.header.as_ref().and_then(|h| h.get(i)).filter(|name| !name.is_empty());
    let name = |i: usize| {
        let mut name = given(i).cloned().unwrap_or_else(|| format!("c{}", i + 1));
        while !used.insert(name.clone()) {
            name.push('_');
        }
        name
    };
    (0..profile.columns.len()).map(name).collect()
}

struct TextRows<'a> {
    data: &'a Data,
    profile: &'a Profile,
}

impl Rows for TextRows<'_> {
    fn walk(&self, see: &mut dyn FnMut(Raw<'_>) -> Result<()>) -> Result<()> {
        let header = usize::from(self.profile.header.is_some());
        let mut records =
            csv::records(self.data.reader(), self.profile.separator).skip(header).enumerate().peekable();
        while let Some((number, record)) = records.next() {
            let (line, record) = record?;
            // The last row of a table that is cut off may have been cut within a number.
            let cut = self.data.cut.as_ref().filter(|_| records.peek().is_none());
            let wrong = cut.cloned().or_else(|| {
                let (byte, cell) = csv::not_text(&record)?;
                Some(format!("cell {cell} is not UTF-8 (byte {byte:#04x}); save the table as UTF-8"))
            });
            see(Raw {
                file: 0,
                place: Some(line),
                id: format!("{number:0width$}", width = ID_DIGITS),
                split: None,
                cells: csv::with_points(&record, &self.profile.commas),
                parts: Vec::new(),
                wrong,
            })?;
        }
        Ok(())
    }
}
