//! Text tables as sources: CSV, TSV and their kin, in one file or in several of the same columns.

use super::arrays::{ID_DIGITS, MAX_ROWS};
use super::csv::{self, Column, Profile};
use super::data::Data;
use super::files::{self, Member, slashed, split_of};
use super::items::Builder;
use super::rows::{Columns, Raw, Rows};
use super::{Format, Header, ReadOptions, Remarks, Source, bytes, info, is_table_name, some_of, table};
use crate::error::{Context, Error, Result};
use std::collections::BTreeSet;
use std::path::Path;

/// Opens a text table; of a folder its only file, or all that are called like tables.
pub fn open(path: &Path, options: &ReadOptions) -> Result<Source> {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    open_members(members(path)?, folder.unwrap_or(Path::new("")), options)
}

/// Opens the tables in files below a folder.
pub fn open_members(members: Vec<Member>, folder: &Path, options: &ReadOptions) -> Result<Source> {
    let mut builder = Builder::new(Format::Csv, options);
    let mut tables = Vec::new();
    for member in members {
        let file = builder.file(&*member.name);
        tables.push(TextRows::open(member, file, options)?);
    }
    let columns = columns(&tables, folder)?;
    for table in &tables {
        let of = if tables.len() > 1 { format!("{}: ", table.member.name) } else { String::new() };
        builder.remarks.notes.push(format!("{of}{}", looks(&table.profile, options.header)));
        commas(&table.profile, &columns.names, &mut builder.remarks);
    }
    let at = match tables.as_slice() {
        [only] => only.member.path.clone(),
        _ => folder.to_owned(),
    };
    let mut source = table::fill(&Tables(tables), &columns, Some(folder), options, builder).at(at)?;
    info::load(folder).apply(&mut source);
    Ok(source)
}

/// The files of the table.
fn members(path: &Path) -> Result<Vec<Member>> {
    if !path.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(vec![Member { path: path.to_owned(), name, split: None }]);
    }
    let files = bytes::files_in(path)?;
    let all = files::below(path, true)?.files;
    if all.is_empty() {
        return Err(Error::failed(format!("folder is empty: {}", path.display())));
    }
    let mut members = Vec::new();
    for file in all {
        let name = slashed(file.strip_prefix(path).unwrap_or(&file));
        if is_table_name(&name) || files.len() == 1 && !name.contains('/') {
            members.push(Member { split: split_of(&name), path: file, name });
        }
    }
    if let [only] = members.as_mut_slice() {
        // That a lone table is called after a split says nothing.
        only.split = None;
    }
    if members.is_empty() {
        return Err(Error::failed(format!("no text table: {}", path.display()))
            .hint("give the file that holds the table"));
    }
    Ok(members)
}

/// The columns that all the tables have.
fn columns(tables: &[TextRows], path: &Path) -> Result<Columns> {
    let names = tables.first().map(TextRows::names).unwrap_or_default();
    let first = tables.first().map_or("", |table| &table.member.name);
    let mut profile = vec![Column::fresh(); names.len()];
    for table in tables {
        if table.names() != names {
            let other = &table.member.name;
            let what = format!("text tables of different columns, {first} and {other}: {}", path.display());
            return Err(Error::failed(what).hint(
                "give one of the files; --header (recipe key `header`) tells whether the first line is names",
            ));
        }
        profile.iter_mut().zip(&table.profile.columns).for_each(|(all, one)| all.merge(one.clone()));
    }
    let rows: u64 = tables.iter().map(|table| table.profile.rows).sum();
    if rows > MAX_ROWS as u64 {
        return Err(Error::failed(format!("more than {MAX_ROWS} rows"))).at(path);
    }
    let named = tables.first().is_some_and(|table| table.profile.header.is_some());
    Ok(Columns { names, named, media: false, profile })
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

/// One text table.
pub(super) struct TextRows {
    member: Member,
    file: u32,
    data: Data,
    profile: Profile,
}

impl TextRows {
    /// Opens a table, whose number in the builder is `file`.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub fn open(member: Member, file: u32, options: &ReadOptions) -> Result<Self> {
        let data = Data::open(&member.path, options.max_unpacked)?;
        let profile = csv::profile(|| data.reader(), options.header, options.decimal).at(&member.path)?;
        Ok(Self { member, file, data, profile })
    }

    /// The names of the columns.
    pub fn names(&self) -> Vec<String> {
        column_names(&self.profile)
    }
}

impl Rows for TextRows {
    fn walk(&self, see: &mut dyn FnMut(Raw<'_>) -> Result<()>) -> Result<()> {
        let header = usize::from(self.profile.header.is_some());
        let mut records =
            csv::records(self.data.reader(), self.profile.separator).skip(header).enumerate().peekable();
        let mut last = 0;
        while let Some((number, record)) = records.next() {
            let id = format!("{number:0width$}", width = ID_DIGITS);
            let (file, split) = (self.file, self.member.split);
            let (line, record) = match record {
                Ok(record) => record,
                Err(e) => {
                    let wrong = Some(format!("{}: nothing is read from this line on", e.message));
                    let (place, cells, parts) = (Some(last + 1), Vec::new(), Vec::new());
                    return see(Raw { file, place, rows: 1, id, split, cells, parts, wrong });
                }
            };
            last = line;
            // The last row of a table that is cut off may have been cut within a number.
            let cut = self.data.cut.as_ref().filter(|_| records.peek().is_none());
            let wrong = cut.cloned().or_else(|| {
                let (byte, cell) = csv::not_text(&record)?;
                Some(format!("cell {cell} is not UTF-8 (byte {byte:#04x}); save the table as UTF-8"))
            });
            see(Raw {
                file,
                place: Some(line),
                rows: 1,
                id,
                split,
                cells: csv::with_points(&record, &self.profile.commas),
                parts: Vec::new(),
                wrong,
            })?;
        }
        Ok(())
    }
}

struct Tables(Vec<TextRows>);

impl Rows for Tables {
    fn walk(&self, see: &mut dyn FnMut(Raw<'_>) -> Result<()>) -> Result<()> {
        self.0.iter().try_for_each(|table| table.walk(see))
    }
}
