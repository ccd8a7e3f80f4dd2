//! A text table as a source: which column is the label, which are numbers and which categories, and
//! which rows cannot be used.

use super::arrays::{ID_DIGITS, MAX_ROWS};
use super::csv::{self, Cell, Column, Profile};
use super::{Entry, Format, Header, Load, Missing, Place, ReadOptions, Remarks, Scale, SetAside};
use super::{Shape, Source, is_table_name, some_of};
use super::{bytes, class_numbers, sorted_classes};
use crate::dataset::{Content, Kind, is_reserved_column};
use crate::error::{Context, Error, Result};
use std::collections::BTreeSet;
use std::path::Path;

/// A column of texts with more distinct values than this is left out rather than spread.
const MAX_CATEGORIES: usize = 64;
/// A last column of whole numbers with at most this many distinct values is taken for the label.
const MAX_CLASSES: usize = 100;
/// Names that say that a column is the label, in lower case.
const LABEL_NAMES: [&str; 5] = ["label", "class", "target", "y", "category"];

/// What becomes of a column.
#[derive(Clone, Debug, PartialEq)]
enum Role {
    Label,
    Number,
    /// One feature of 0 or 1 for each of these values.
    OneHot(Vec<String>),
    Dropped,
}

/// The table in memory: dense rows of features.
struct Rows {
    file: String,
    /// The line of each row.
    lines: Vec<u64>,
    values: Vec<f32>,
    width: usize,
    /// The source column of each feature that is a category.
    groups: Vec<Option<String>>,
    /// Rows are pictures of this shape.
    picture: Option<(Shape, Scale)>,
}

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
    let content = bytes::read(path, options.max_unpacked)?;
    let profile = csv::profile(&content.bytes, options.header).at(path)?;
    if profile.rows > MAX_ROWS as u64 {
        return Err(Error::failed(format!("more than {MAX_ROWS} rows"))).at(path);
    }
    let mut remarks = Remarks::default();
    let names = column_names(&profile);
    let roles = roles(&profile, &names, options, &mut remarks.notes).at(path)?;
    let columns = feature_names(&names, &roles);
    if columns.is_empty() {
        return Err(Error::failed("no column of numbers beside the label")).at(path);
    }
    let reader = RowReader { names: &names, roles: &roles, missing: options.missing };
    let Taken { kept, values, refused } = reader.take(&content, &profile).at(path)?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let place = |line| Place { file: file.clone(), row: Some(line) };
    let set_aside = refused.into_iter().map(|(line, reason)| SetAside::one(place(line), reason)).collect();
    let unlabelled = kept.iter().filter(|row| row.label.is_none()).count();
    if unlabelled > 0 && roles.contains(&Role::Label) {
        remarks.notes.push(format!("{unlabelled} rows have no label (an empty cell, `?` or `nan`)"));
    }
    let lines = kept.iter().map(|row| row.line).collect();
    let mut rows =
        Rows { file, lines, values, width: columns.len(), groups: groups(&names, &roles), picture: None };
    if let Some(shape) = options.image_shape {
        rows.picture = Some((shape, rows.scale(shape, &roles, options, &mut remarks).at(path)?));
    }
    let classes = sorted_classes(kept.iter().filter_map(|row| row.label.clone()));
    let numbers = class_numbers(&classes);
    let entry = |(at, row): (usize, &Row)| Entry {
        id: format!("{:0width$}", row.number, width = ID_DIGITS),
        label: row.label.as_deref().map(|name| numbers[name]),
        split: None,
        group: None,
        at,
        more: None,
    };
    let entries = kept.iter().enumerate().map(entry).collect();
    let (format, loader) = (Format::Csv, Box::new(rows));
    let (kind, columns) = match options.image_shape {
        Some(_) => (Kind::Images, Vec::new()),
        None => (Kind::Table, columns),
    };
    Ok(Source { format, kinds: vec![kind], classes, columns, entries, set_aside, remarks, loader })
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

/// What becomes of each column.
fn roles(
    profile: &Profile,
    names: &[String],
    options: &ReadOptions,
    notes: &mut Vec<String>,
) -> Result<Vec<Role>> {
    let separator = match profile.separator {
        b'\t' => "tabs".to_owned(),
        b' ' => "blanks".to_owned(),
        other => format!("`{}`", char::from(other)),
    };
    let header = if profile.header.is_some() { "with a header" } else { "without a header" };
    let guess = if options.header == Header::Auto { " (--header)" } else { "" };
    notes.push(format!(
        "text table of {} rows and {} columns, separated by {separator}, {header}{guess}",
        profile.rows,
        names.len()
    ));
    let label = label_column(profile, names, options, notes)?;
    let role = |(i, column): (usize, &Column)| {
        if label == Some(i) {
            return Role::Label;
        }
        if column.is_empty() {
            notes.push(format!("column `{}` has no value and is left out", names[i]));
            return Role::Dropped;
        }
        if !column.is_text() {
            return Role::Number;
        }
        match &column.distinct {
            Some(values) if values.len() <= MAX_CATEGORIES && options.image_shape.is_none() => {
                let values = sorted_classes(values.keys().cloned());
                notes.push(format!(
                    "column `{}` holds {} categories: one feature for each",
                    names[i],
                    values.len()
                ));
                Role::OneHot(values)
            }
            _ => {
                notes.push(format!("column `{}` holds texts and is left out", names[i]));
                Role::Dropped
            }
        }
    };
    Ok(profile.columns.iter().enumerate().map(role).collect())
}

/// The column of the label: as given; else one whose name says so; else the last with values where they
/// look like classes; else the last column of texts; else none.
fn label_column(
    profile: &Profile,
    names: &[String],
    options: &ReadOptions,
    notes: &mut Vec<String>,
) -> Result<Option<usize>> {
    if let Some(given) = options.label.as_deref() {
        if given == "none" {
            return Ok(None);
        }
        let by_number = given.parse::<usize>().ok().filter(|n| (1..=names.len()).contains(n)).map(|n| n - 1);
        return match names.iter().position(|name| name == given).or(by_number) {
            Some(found) => Ok(Some(found)),
            None => Err(Error::usage(format!("no column `{given}`: --label (recipe key `label`)"))
                .hint(format!("the columns are {}, or 1 to {}, or `none`", some_of(names), names.len()))),
        };
    }
    let by_name = profile.header.is_some().then(|| {
        LABEL_NAMES.iter().find_map(|wanted| names.iter().position(|n| n.eq_ignore_ascii_case(wanted)))
    });
    let last = profile.columns.iter().rposition(|c| !c.is_empty());
    let guess =
        by_name.flatten().or_else(|| last.filter(|&i| looks_like_class(&profile.columns[i]))).or_else(|| {
            let is_class = |c: &Column| c.is_text() && c.distinct.is_some();
            profile.columns.iter().rposition(is_class)
        });
    notes.push(match guess {
        Some(i) => {
            format!("the label is column `{}` (column {}); choose another with --label", names[i], i + 1)
        }
        None => "no column looks like a label; name it with --label".to_owned(),
    });
    Ok(guess)
}

/// Texts, or whole numbers, of which the same few come again and again.
fn looks_like_class(column: &Column) -> bool {
    let total = column.numbers + column.texts;
    let few =
        column.distinct.as_ref().is_some_and(|d| d.len() <= MAX_CLASSES && (d.len() as u64) * 2 <= total);
    few && (column.is_text() || column.whole)
}

/// The names of the features, none of them reserved and each only once.
fn feature_names(names: &[String], roles: &[Role]) -> Vec<String> {
    let mut used = BTreeSet::new();
    let mut features = Vec::new();
    let mut add = |mut name: String| {
        while is_reserved_column(&name) || !used.insert(name.clone()) {
            name.push('_');
        }
        features.push(name);
    };
    for (name, role) in names.iter().zip(roles) {
        match role {
            Role::Number => add(name.clone()),
            Role::OneHot(values) => values.iter().for_each(|value| add(format!("{name}={value}"))),
            Role::Label | Role::Dropped => {}
        }
    }
    features
}

/// For each feature the column whose category it is, if it is one.
fn groups(names: &[String], roles: &[Role]) -> Vec<Option<String>> {
    let of_column = |(name, role): (&String, &Role)| match role {
        Role::Number => vec![None],
        Role::OneHot(values) => vec![Some(name.clone()); values.len()],
        Role::Label | Role::Dropped => Vec::new(),
    };
    names.iter().zip(roles).flat_map(of_column).collect()
}

/// A row that can be used.
struct Row {
    /// Its number, from 0, the header not counted.
    number: usize,
    /// The line that it starts on, from 1.
    line: u64,
    label: Option<String>,
}

/// What the records of a table gave.
#[derive(Default)]
struct Taken {
    kept: Vec<Row>,
    /// The features of all rows kept, one row after the other.
    values: Vec<f32>,
    /// The lines of the rows that cannot be used, and why.
    refused: Vec<(u64, String)>,
}

/// Turns records into rows of features.
struct RowReader<'a> {
    names: &'a [String],
    roles: &'a [Role],
    missing: Missing,
}

impl RowReader<'_> {
    /// All rows of a table.
    fn take(&self, content: &bytes::Content, profile: &Profile) -> Result<Taken> {
        let mut taken = Taken::default();
        let (mut last, mut last_start) = (0, 0);
        let header = usize::from(profile.header.is_some());
        for (number, record) in csv::records(&content.bytes, profile.separator).skip(header).enumerate() {
            let (line, record) = record?;
            (last, last_start) = (line, taken.values.len());
            match self.read(&record, &mut taken.values) {
                Ok(label) => taken.kept.push(Row { number, line, label }),
                Err(reason) => {
                    taken.values.truncate(last_start);
                    taken.refused.push((line, reason));
                }
            }
        }
        if let Some(cut) = &content.cut {
            // The last row may have been cut within a number; where it was refused, this is the reason.
            match taken.kept.last() {
                Some(row) if row.line == last => drop(taken.kept.pop()),
                _ => drop(taken.refused.pop()),
            }
            taken.values.truncate(last_start);
            taken.refused.push((last, cut.clone()));
        }
        Ok(taken)
    }

    /// Appends the features of a record to `values` and gives its label, or why the row is of no use.
    fn read(&self, record: &::csv::ByteRecord, values: &mut Vec<f32>) -> Result<Option<String>, String> {
        if record.len() != self.roles.len() {
            return Err(format!(
                "row has {} cells, the table has {} columns",
                record.len(),
                self.roles.len()
            ));
        }
        let mut label = None;
        for ((text, role), name) in csv::cells(record).zip(self.roles).zip(self.names) {
            match (role, csv::cell(&text)) {
                (Role::Dropped, _) => {}
                (Role::Label, _) => label = (!csv::is_unlabelled(&text)).then(|| text.trim().to_owned()),
                (_, Cell::Missing) if self.missing == Missing::SetAside => {
                    return Err(format!("missing value in column `{name}`"));
                }
                (Role::OneHot(categories), Cell::Missing) => {
                    values.extend(std::iter::repeat_n(f32::NAN, categories.len()));
                }
                (Role::OneHot(categories), _) => {
                    values.extend(categories.iter().map(|c| f32::from(u8::from(c == text.trim()))));
                }
                (Role::Number, Cell::Number(value)) => values.push(value),
                (Role::Number, Cell::Missing) => values.push(f32::NAN),
                (Role::Number, Cell::Infinite) => {
                    return Err(format!("not a finite number in column `{name}`: {text}"));
                }
                (Role::Number, Cell::Text(_)) => {
                    let shown: String = text.chars().take(40).collect();
                    return Err(format!("not a number in column `{name}`: {shown}"));
                }
            }
        }
        Ok(label)
    }
}

impl Rows {
    /// How the rows become pictures of `shape`.
    fn scale(
        &self,
        shape: Shape,
        roles: &[Role],
        options: &ReadOptions,
        remarks: &mut Remarks,
    ) -> Result<Scale> {
        if shape.values() != self.width {
            let dropped = roles.iter().filter(|r| **r == Role::Dropped).count();
            return Err(shape.misfit(&format!("a row has {} ({dropped} columns left out)", self.width)));
        }
        let finite = self.values.iter().filter(|v| v.is_finite()).map(|&v| f64::from(v));
        let range =
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        Scale::choose(options.value_max, if range.0 > range.1 { (0.0, 0.0) } else { range }, remarks)
    }
}

impl Load for Rows {
    fn load(&self, at: usize) -> Result<Content> {
        let start = at.saturating_mul(self.width);
        let row = self.values.get(start..start.saturating_add(self.width));
        let row = row.ok_or_else(|| Error::failed("no such sample"))?;
        match self.picture {
            None => Ok(Content::from_row(row.to_vec())),
            Some((shape, scale)) => {
                scale.picture(row.iter().map(|&v| f64::from(v)), shape).map(Content::from_pixels)
            }
        }
    }

    fn place(&self, at: usize) -> Place {
        Place { file: self.file.clone(), row: self.lines.get(at).copied() }
    }

    fn size(&self, _: usize) -> usize {
        self.width * size_of::<f32>()
    }

    fn groups(&self) -> Vec<Option<String>> {
        self.groups.clone()
    }
}
