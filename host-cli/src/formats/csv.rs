//! Text tables: which character separates the cells, whether the first line is a header, and what
//! the columns hold.
//!
//! Cells may be quoted as in RFC 4180; blanks around numbers, names and labels do not count, nor how many there are
//! where blanks separate cells; a byte order mark is skipped.

use super::decimal::{Commas, with_point};
use super::{Decimal, Header, UTF_16};
use crate::error::{Error, Result};
use std::borrow::Cow;
use std::cell::Cell as Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::rc::Rc;

/// Texts that stand for a missing value, in lower case.
const MISSING: [&str; 8] = ["", "?", "na", "n/a", "nan", "null", "none", "#n/a"];

/// Of those, the ones that are no label: a class may well be called `none`.
const UNLABELLED: [&str; 3] = ["", "?", "nan"];

/// As many consecutive numbers are a header whatever stands below.
const NUMBERED: usize = 4;

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

/// Whether a cell of the label column names no class.
pub fn is_unlabelled(text: &str) -> bool {
    UNLABELLED.iter().any(|m| text.trim().eq_ignore_ascii_case(m))
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
    /// Bytes of the texts.
    pub text_bytes: u64,
    /// Whether a value came twice, as long as they were counted.
    pub repeated: bool,
    /// How often each value occurs; `None` where there are more than [`MAX_DISTINCT`].
    pub distinct: Option<BTreeMap<String, u64>>,
}

impl Column {
    /// A column that has no cell yet.
    pub fn fresh() -> Self {
        Self { whole: true, distinct: Some(BTreeMap::new()), ..Self::default() }
    }

    /// The next cell.
    pub fn see(&mut self, text: &str) {
        match cell(text) {
            Cell::Missing => {
                self.missing += 1;
                return;
            }
            Cell::Text(text) => {
                self.texts += 1;
                self.text_bytes += text.len() as u64;
            }
            Cell::Infinite => self.numbers += 1,
            Cell::Number(value) => {
                self.numbers += 1;
                self.whole &= value == value.trunc();
            }
        }
        if let Some(distinct) = &mut self.distinct {
            let times = distinct.entry(text.trim().to_owned()).or_default();
            *times += 1;
            self.repeated |= *times > 1;
            if distinct.len() > MAX_DISTINCT {
                self.distinct = None;
            }
        }
    }

    /// Takes what a column of the same name in another file holds.
    pub fn merge(&mut self, other: Self) {
        self.numbers += other.numbers;
        self.texts += other.texts;
        self.missing += other.missing;
        self.whole &= other.whole;
        self.text_bytes += other.text_bytes;
        self.repeated |= other.repeated;
        let both = (self.distinct.take(), other.distinct);
        if let (Some(mut distinct), Some(others)) = both {
            for (value, times) in others {
                let all = distinct.entry(value).or_default();
                *all += times;
                self.repeated |= *all > times;
            }
            self.distinct = Some(distinct).filter(|d| d.len() <= MAX_DISTINCT);
        }
    }

    /// Whether no cell has a value.
    pub const fn is_empty(&self) -> bool {
        self.numbers + self.texts == 0
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
    /// Of each column, whether its numbers have decimal commas.
    pub commas: Vec<bool>,
    /// Columns of numbers with commas that may be decimal or not, each with such a number.
    pub doubtful: Vec<(usize, String)>,
    /// Rows, without the header.
    pub rows: u64,
}

/// The records of a text with their line numbers, from 1; an error of the reader ends them. A byte order mark is
/// skipped by the CSV reader.
pub fn records<'a>(
    text: impl Read + 'a,
    separator: u8,
) -> impl Iterator<Item = Result<(u64, ::csv::ByteRecord)>> + 'a {
    let left = Rc::new(Slot::new(MAX_ROW));
    let text = Limited { text, left: left.clone() };
    let reader =
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(text);
    let records = reader.into_byte_records().map(move |record| {
        left.set(MAX_ROW);
        let record = record.map_err(|e| match e.kind() {
            ::csv::ErrorKind::Io(e) => Error::failed(e.to_string()),
            _ => Error::failed(format!("text table is damaged ({e})")),
        })?;
        let line = record.position().map_or(0, ::csv::Position::line);
        // Between two of several blanks there is no cell.
        let squeezed = || record.iter().filter(|cell| !cell.is_empty()).collect();
        Ok((line, if separator == b' ' { squeezed() } else { record }))
    });
    let records = records
        .filter(|record: &Result<(u64, ::csv::ByteRecord)>| !matches!(record, Ok((_, r)) if r.is_empty()));
    // After an error there is nothing more.
    records.scan(false, |ended, record| {
        let before = std::mem::replace(ended, record.is_err());
        (!before).then_some(record)
    })
}

/// A text of which no record may take more than is left.
struct Limited<R> {
    text: R,
    left: Rc<Slot<u64>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.text.read(out)?;
        let left = self.left.get().checked_sub(n as u64);
        let too_long =
            || io::Error::other(format!("row is longer than {MAX_ROW} bytes (is a quote not closed?)"));
        self.left.set(left.ok_or_else(too_long)?);
        Ok(n)
    }
}

/// The cells of a record as text without the blanks around it; bytes that are no UTF-8 are replaced.
pub fn cells(record: &::csv::ByteRecord) -> impl Iterator<Item = Cow<'_, str>> {
    record.iter().map(|cell| String::from_utf8_lossy(cell.trim_ascii()))
}

/// The cells of a record as they are, but numbers in columns of decimal `commas` with a point.
pub(super) fn with_points<'a>(record: &'a ::csv::ByteRecord, commas: &[bool]) -> Vec<Cow<'a, str>> {
    let cells =
        record.iter().map(String::from_utf8_lossy).zip(commas.iter().chain(std::iter::repeat(&false)));
    cells
        .map(|(cell, comma)| if *comma { with_point(&cell).map_or(cell, Cow::Owned) } else { cell })
        .collect()
}

/// The first byte of a record that is no UTF-8, and the number of its cell, from 1.
pub fn not_text(record: &::csv::ByteRecord) -> Option<(u8, usize)> {
    let wrong = |cell: &[u8]| {
        let e = std::str::from_utf8(cell).err()?;
        cell.get(e.valid_up_to()).copied()
    };
    record.iter().enumerate().find_map(|(i, cell)| Some((wrong(cell)?, i + 1)))
}

/// The width that most of the first records have.
fn usual_width(text: &[u8], separator: u8) -> (usize, usize) {
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    for (_, record) in records(text, separator).take(SAMPLE).flatten() {
        *widths.entry(record.len()).or_default() += 1;
    }
    widths.into_iter().max_by_key(|&(width, n)| (n, width)).unwrap_or((0, 0))
}

/// The separator with which the largest share of the records has one width above 1; of several, the widest. Blanks
/// are in many a text, and separate only where nothing else does.
fn guess_separator(text: &[u8]) -> u8 {
    let score = |&separator: &u8| {
        let looked_at = records(text, separator).take(SAMPLE).count().max(1);
        match usual_width(text, separator) {
            (0 | 1, _) => (0, 0),
            (width, n) => (n * SAMPLE / looked_at, width),
        }
    };
    // The last of equals is taken: commas first.
    let scored = [b'|', b'\t', b';', b','].map(|separator| (score(&separator), separator));
    match scored.into_iter().max_by_key(|(score, _)| *score) {
        Some(((share, _), separator)) if share * 2 >= SAMPLE => separator,
        _ if score(&b' ').0 > 0 => b' ',
        best => best.map_or(b',', |(_, separator)| separator),
    }
}

/// Whether the first record names the columns rather than being a row. It is made of texts, of which some
/// stand over a column of numbers only or each is like no other and does not come `again` in its column;
/// or of such texts and consecutive numbers, with which pandas names columns without names.
fn is_header(first: &[String], below: &[Column], again: &[bool]) -> bool {
    let is_name = |name: &&String| matches!(cell(name), Cell::Text(_));
    let distinct: BTreeSet<&String> = first.iter().filter(is_name).collect();
    let names = first.iter().filter(is_name).count();
    let unlike = distinct.len() == names && !first.iter().zip(again).any(|(text, &a)| a && is_name(&text));
    let numeric = |c: &Column| c.numbers > 0 && c.texts == 0;
    let over_numbers = first.iter().zip(below).any(|(name, column)| is_name(&name) && numeric(column));
    let numbers: Vec<i64> = first.iter().filter_map(|text| text.parse().ok()).collect();
    let empty = first.iter().filter(|text| text.is_empty()).count();
    match numbers.as_slice() {
        _ if names + numbers.len() + empty < first.len() => false,
        [] => names > 0 && (over_numbers || unlike),
        [start @ (0 | 1), ..] => {
            let consecutive = numbers.iter().zip(*start..).all(|(&n, want)| n == want);
            let enough = numbers.len() >= NUMBERED || numbers.len() > 2 && !again.contains(&true);
            consecutive && enough && unlike
        }
        _ => false,
    }
}

/// The longest row that is read.
const MAX_ROW: u64 = 64 << 20;

/// Bytes that the guesses are made from.
const HEAD: usize = 1 << 20;

/// Which columns have decimal commas, by the first records without the one that may be a header; and where that is
/// doubtful.
fn commas(head: &[u8], separator: u8, width: usize, decimal: Decimal) -> (Vec<bool>, Vec<(usize, String)>) {
    if decimal != Decimal::Auto {
        return (vec![decimal == Decimal::Comma; width], Vec::new());
    }
    // The last line may be cut off within a number.
    let cut =
        if head.len() < HEAD { head.len() } else { head.iter().rposition(|b| *b == b'\n').unwrap_or(0) };
    let mut columns = vec![Commas::default(); width];
    for (_, record) in records(&head[..cut], separator).flatten().skip(1).filter(|(_, r)| r.len() == width) {
        columns.iter_mut().zip(cells(&record)).for_each(|(column, text)| column.see(&text));
    }
    let doubtful = |(i, column): (usize, &Commas)| Some((i, column.doubtful()?.to_owned()));
    (
        columns.iter().map(Commas::are_decimal).collect(),
        columns.iter().enumerate().filter_map(doubtful).collect(),
    )
}

/// Looks through a text table, which `open` gives from its beginning.
///
/// # Errors
/// When the text is UTF-16, holds zero bytes, has only one column or no row, or its first line is said to
/// name the columns but has not as many cells as the others.
pub fn profile<R: Read>(open: impl Fn() -> R, header: Header, decimal: Decimal) -> Result<Profile> {
    let mut head = Vec::new();
    let read = open().take(HEAD as u64).read_to_end(&mut head);
    read.map_err(|e| Error::failed(format!("text table cannot be read ({e})")))?;
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(Error::failed(UTF_16));
    }
    if head.contains(&0) {
        return Err(Error::failed("not a text table (zero bytes)"));
    }
    let separator = guess_separator(&head);
    let (width, usual) = usual_width(&head, separator);
    let looked_at = records(head.as_slice(), separator).take(SAMPLE).count();
    if width >= 2 && usual * 2 < looked_at {
        let what = format!("text is no table: of the first {looked_at} lines {usual} have {width} cells");
        return Err(Error::failed(what).hint("give a table, whose lines have as many cells as each other"));
    }
    if width < 2 {
        let what = if width == 0 { "text table has no rows" } else { "text table has only one column" };
        return Err(Error::failed(what).hint("separate the cells by a comma, a semicolon, a tab or a bar"));
    }
    let (commas, doubtful) = commas(&head, separator, width, decimal);
    let (mut columns, mut again) = (vec![Column::fresh(); width], vec![false; width]);
    let mut first: Option<Vec<String>> = None;
    let mut rows = 0;
    for record in records(open(), separator) {
        let record = match record {
            Ok((_, record)) => record,
            Err(e) if first.is_none() => return Err(e),
            // Whoever reads the rows is told where they end.
            Err(_) => break,
        };
        let Some(first) = &first else {
            first = Some(with_points(&record, &commas).iter().map(|c| c.trim().to_owned()).collect());
            continue;
        };
        rows += 1;
        if record.len() == width {
            columns
                .iter_mut()
                .zip(with_points(&record, &commas))
                .for_each(|(column, text)| column.see(&text));
            again.iter_mut().zip(cells(&record)).zip(first).for_each(|((again, a), b)| *again |= a == *b);
        }
    }
    let first = first.unwrap_or_default();
    let named = match header {
        Header::Auto => first.len() == width && is_header(&first, &columns, &again),
        Header::Yes if first.len() != width => {
            return Err(Error::failed(format!(
                "{} names for {width} columns in the first line",
                first.len()
            ))
            .hint("mend the first line, or give --header no (recipe key `header`)"));
        }
        given => given == Header::Yes,
    };
    if !named {
        rows += 1;
        if first.len() == width {
            columns.iter_mut().zip(&first).for_each(|(column, text)| column.see(text));
        }
    }
    if rows == 0 {
        return Err(Error::failed("text table has a header and no rows")
            .hint("give --header no (recipe key `header`) if its only line is a sample"));
    }
    Ok(Profile { separator, header: named.then_some(first), columns, commas, doubtful, rows })
}
