//! Text tables: which character separates the cells, whether the first line is a header, and what
//! the columns hold.
//!
//! Cells may be quoted as in RFC 4180; blanks around them do not count; a byte order mark is skipped.

use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// Texts that stand for a missing value, in lower case.
const MISSING: [&str; 8] = ["", "?", "na", "n/a", "nan", "null", "none", "#n/a"];

/// Distinct values of a column that are counted; with more the column is no class.
pub const MAX_DISTINCT: usize = 1000;

/// Records that the guesses rest on.
const SAMPLE: usize = 200;

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// A finite number.
    Number(f32),
    /// A number that is infinite, or too large for an IEEE single.
    Infinite,
    /// No value.
    Missing,
    /// Something else.
    Text(&'a str),
}

/// What these characters say.
pub fn cell(text: &str) -> Cell<'_> {
    let text = text.trim();
    if MISSING.iter().any(|m| text.eq_ignore_ascii_case(m)) {
        return Cell::Missing;
    }
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Cell::Number(value),
        Ok(value) if value.is_nan() => Cell::Missing,
        Ok(_) => Cell::Infinite,
        Err(_) => Cell::Text(text),
    }
}

/// What a column holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// Cells that are numbers, finite or not.
    pub numbers: u64,
    /// Cells that are texts.
    pub texts: u64,
    /// Cells without a value.
    pub missing: u64,
    /// Whether every number is whole.
    pub whole: bool,
    /// How often each value occurs; `None` where there are more than [`MAX_DISTINCT`].
    pub distinct: Option<BTreeMap<String, u64>>,
}

impl Column {
    fn see(&mut self, text: &str) {
        match cell(text) {
            Cell::Missing => {
                self.missing += 1;
                return;
            }
            Cell::Text(_) => self.texts += 1,
            Cell::Infinite => self.numbers += 1,
            Cell::Number(value) => {
                self.numbers += 1;
                self.whole &= value == value.trunc();
            }
        }
        if let Some(distinct) = &mut self.distinct {
            *distinct.entry(text.trim().to_owned()).or_default() += 1;
            if distinct.len() > MAX_DISTINCT {
                self.distinct = None;
            }
        }
    }

    /// Whether most cells that have a value are texts.
    pub const fn is_text(&self) -> bool {
        self.texts > self.numbers
    }
}

/// What a text table looks like as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// What separates cells.
    pub separator: u8,
    /// The names of the columns, where the first line has them.
    pub header: Option<Vec<String>>,
    /// What the columns hold, without the header; as many as most rows have cells.
    pub columns: Vec<Column>,
    /// Rows, without the header.
    pub rows: u64,
}

/// The records of a text with their line numbers, from 1; an error of the reader ends them.
pub fn records(text: &[u8], separator: u8) -> impl Iterator<Item = Result<(u64, ::csv::ByteRecord)>> + '_ {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .trim(::csv::Trim::All)
        .from_reader(text);
    reader.into_byte_records().map(|record| {
        let record = record.map_err(|e| Error::failed(format!("text table is damaged ({e})")))?;
        Ok((record.position().map_or(0, ::csv::Position::line), record))
    })
}

/// The cells of a record as text; bytes that are no UTF-8 are replaced.
pub fn cells(record: &::csv::ByteRecord) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    record.iter().map(String::from_utf8_lossy)
}

/// The width that most of the first records have.
fn usual_width(text: &[u8], separator: u8) -> (usize, usize) {
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    for (_, record) in records(text, separator).take(SAMPLE).flatten() {
        *widths.entry(record.len()).or_default() += 1;
    }
    widths.into_iter().max_by_key(|&(width, n)| (n, width)).unwrap_or((0, 0))
}

/// The separator that gives the most records of one width above 1; of several, the widest.
fn guess_separator(text: &[u8]) -> u8 {
    let candidates = [b',', b';', b'\t', b'|', b' '];
    let score = |&separator: &u8| match usual_width(text, separator) {
        (0 | 1, _) => (0, 0),
        (width, n) => (n, width),
    };
    // The first of the best: commas before blanks.
    candidates.into_iter().rev().max_by_key(score).unwrap_or(b',')
}

/// Whether the first record names columns: it has no number, and some column below it has only numbers.
fn is_header(first: &[String], below: &[Column]) -> bool {
    let named = first.iter().all(|name| matches!(cell(name), Cell::Text(_)) || name.is_empty());
    let numeric = |c: &Column| c.numbers > 0 && c.texts == 0;
    named && first.iter().zip(below).any(|(name, column)| !name.is_empty() && numeric(column))
}

/// Looks through a text table.
///
/// # Errors
/// When the text is empty, is UTF-16, holds zero bytes, or has only one column.
pub fn profile(text: &[u8]) -> Result<Profile> {
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return Err(Error::failed("text is in UTF-16").hint("save it as UTF-8"));
    }
    if text.contains(&0) {
        return Err(Error::failed("not a text table (zero bytes)"));
    }
    let separator = guess_separator(text);
    let (width, _) = usual_width(text, separator);
    if width < 2 {
        let what = if width == 0 { "text table has no rows" } else { "text table has only one column" };
        return Err(Error::failed(what).hint("separate the cells by a comma, a semicolon, a tab or a bar"));
    }
    let fresh = Column { whole: true, distinct: Some(BTreeMap::new()), ..Column::default() };
    let mut columns = vec![fresh; width];
    let mut first: Option<Vec<String>> = None;
    let mut rows = 0;
    for record in records(text, separator) {
        let (_, record) = record?;
        if first.is_none() {
            first = Some(cells(&record).map(|c| c.into_owned()).collect());
            continue;
        }
        rows += 1;
        if record.len() == width {
            columns.iter_mut().zip(cells(&record)).for_each(|(column, text)| column.see(&text));
        }
    }
    let first = first.unwrap_or_default();
    let header = first.len() == width && is_header(&first, &columns);
    if !header {
        rows += 1;
        if first.len() == width {
            columns.iter_mut().zip(&first).for_each(|(column, text)| column.see(text));
        }
    }
    Ok(Profile { separator, header: header.then_some(first), columns, rows })
}
