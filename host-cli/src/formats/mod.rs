//! Reading what others wrote: folders of pictures, IDX, NPY and CSV.
//!
//! A format is told by its content, not by the name of the file. Opening a source lists its samples
//! (ids, labels, splits) and what cannot be used; the content of a sample is loaded later, from any
//! thread. Ids come from paths relative to the source or from row numbers, never from the order of
//! reading. The parsers take bytes and do not panic on any.

pub mod array;
mod arrays;
mod bytes;
pub mod csv;
mod folder;
pub mod idx;
pub mod npy;
mod table;

use crate::codec::{self, Pixels};
use crate::dataset::{Kind, Split};
use crate::error::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A format of raw samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Told by the content.
    #[default]
    Auto,
    /// Folders of PNG and JPEG pictures, one folder per class.
    Folder,
    /// IDX arrays (the format of MNIST), gzipped or not.
    Idx,
    /// NumPy arrays, gzipped or not.
    Npy,
    /// Text with one row per line and a separator, gzipped or not.
    Csv,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Format::Auto => "auto",
            Format::Folder => "folder",
            Format::Idx => "idx",
            Format::Npy => "npy",
            Format::Csv => "csv",
        })
    }
}

/// What to do with a row that lacks a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// The row is set aside.
    #[default]
    SetAside,
    /// The row is kept; the value is null in the dataset.
    Keep,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Missing::SetAside => "set-aside",
            Missing::Keep => "keep",
        })
    }
}

/// Whether the first line of a text table names its columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Header {
    /// Told by the content.
    #[default]
    Auto,
    /// It does.
    Yes,
    /// It is a sample like the others.
    No,
}

/// Height, width and channels (1 or 3) of pictures that are given as rows of values: `8x8`, `32x32x3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 or 3.
    pub channels: usize,
}

impl Shape {
    /// Values in a picture.
    pub const fn values(&self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.channels)
    }

    /// The error of an option that does not fit what a sample has.
    fn misfit(&self, sample: &str) -> Error {
        Error::usage(format!("image_shape {self} has {} values, {sample}", self.values()))
            .hint("give --image-shape (recipe key `image_shape`) as height x width [x channels], and --label")
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

impl FromStr for Shape {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::out_of_range("image_shape", text, "like 8x8 or 32x32x3: height, width, channels (1 or 3)")
        };
        let sides: Option<Vec<usize>> = text.split(['x', 'X', '×']).map(|n| n.trim().parse().ok()).collect();
        let (height, width, channels) = match sides.as_deref() {
            Some([h, w]) => (*h, *w, 1),
            Some([h, w, c]) => (*h, *w, *c),
            _ => return Err(wrong()),
        };
        let shape = Self { height, width, channels };
        let usable = matches!(channels, 1 | 3) && height > 0 && width > 0 && shape.values() < 1 << 31;
        if usable { Ok(shape) } else { Err(wrong()) }
    }
}

/// What the user said about a source.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The format.
    pub format: Format,
    /// Of a table: the name or number (from 1) of the label column, or `none`. Of arrays: the file of
    /// the labels, or `none`.
    pub label: Option<String>,
    /// Rows of values are pictures of this shape.
    pub image_shape: Option<Shape>,
    /// The value that becomes 255 in a picture.
    pub value_max: Option<f64>,
    /// Whether the first line of a text table names its columns.
    pub header: Header,
    /// What to do with a row that lacks a value.
    pub missing: Missing,
    /// The most pixels that a picture may have.
    pub max_pixels: u64,
}

/// Everything is guessed.
impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            label: None,
            image_shape: None,
            value_max: None,
            header: Header::Auto,
            missing: Missing::SetAside,
            max_pixels: codec::MAX_PIXELS,
        }
    }
}

/// What a reader has to tell the user, in sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// What was guessed or left out.
    pub notes: Vec<String>,
    /// What is likely not meant.
    pub warnings: Vec<String>,
}

/// A part of a source that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SetAside {
    /// The file, relative to the source.
    pub file: String,
    /// In a table the line, from 1; in an array the index, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// How many samples it is.
    pub samples: u64,
    /// Why.
    pub reason: String,
}

impl SetAside {
    /// One sample, set aside for `reason`.
    pub fn one(place: Place, reason: impl Into<String>) -> Self {
        Self { file: place.file, row: place.row, samples: 1, reason: reason.into() }
    }
}

impl fmt::Display for SetAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, Place { file: self.file.clone(), row: self.row })
    }
}

/// Where in its source a sample is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the source.
    pub file: String,
    /// In a table the line, from 1; in an array the index, from 0.
    pub row: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Some(row) => write!(f, "{}, row {row}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// A sample of a source that was not loaded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The id.
    pub id: String,
    /// Index into [`Source::classes`].
    pub label: Option<u32>,
    /// What the source says the sample is for.
    pub split: Option<Split>,
    /// The number by which the source knows it.
    pub at: usize,
}

/// The content of a sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Loaded {
    /// A picture.
    Pixels(Pixels),
    /// A row; NaN where a value is missing.
    Row(Vec<f32>),
}

/// Gives the content of samples by their number, from any thread.
pub trait Load: Send + Sync {
    /// The content of sample `at`.
    ///
    /// # Errors
    /// Why the sample cannot be used.
    fn load(&self, at: usize) -> Result<Loaded>;

    /// Where sample `at` is.
    fn place(&self, at: usize) -> Place;

    /// About how many bytes sample `at` takes once it is loaded and encoded; told without loading it.
    fn size(&self, at: usize) -> usize;
}

/// An opened source: a list of samples, and a way to load each.
pub struct Source {
    /// The format that it turned out to have.
    pub format: Format,
    /// What its samples are.
    pub kind: Kind,
    /// The names of the classes, in the order of numbers where all are, else of bytes.
    pub classes: Vec<String>,
    /// The names of the features of a table.
    pub columns: Vec<String>,
    /// The samples, in no particular order.
    pub entries: Vec<Entry>,
    /// What cannot be used, as far as opening showed.
    pub set_aside: Vec<SetAside>,
    /// What the user should know.
    pub remarks: Remarks,
    /// Loads the samples.
    pub loader: Box<dyn Load>,
}

/// Opens what is at `path`.
///
/// # Errors
/// When there is nothing, it is of no known format, it is damaged as a whole, or an option does not
/// fit it; the error names the file or the option.
pub fn open(path: &Path, options: &ReadOptions) -> Result<Source> {
    let format = match options.format {
        Format::Auto => detect(path)?,
        given => {
            std::fs::metadata(path).at(path)?;
            given
        }
    };
    match format {
        Format::Folder => folder::open(path, options),
        Format::Idx | Format::Npy => arrays::open(path, format, options),
        Format::Csv | Format::Auto => table::open(path, options),
    }
}

/// The files beside the single file `path` that may hold its labels, by their names.
///
/// # Errors
/// When the folder cannot be read, or there is no such file.
pub fn beside(path: &Path, format: Format) -> Result<Vec<PathBuf>> {
    let format = if format == Format::Auto { detect(path)? } else { format };
    if matches!(format, Format::Idx | Format::Npy) { arrays::beside(path, format) } else { Ok(Vec::new()) }
}

/// The format of what is at `path`, by its content.
///
/// # Errors
/// When there is nothing, or it is of no known format; the error tells what it looks like.
pub fn detect(path: &Path) -> Result<Format> {
    let info = std::fs::metadata(path).at(path)?;
    if !info.is_dir() {
        let head = bytes::head(path)?;
        return of_head(&head).map_err(|what| {
            Error::failed(format!("{what}: {}", path.display()))
                .hint("give a folder of PNG or JPEG pictures, or a file in IDX, NPY or CSV format")
        });
    }
    let (mut tables, mut others) = (0, 0);
    for file in bytes::files_in(path)? {
        match bytes::head(&path.join(&file)).map(|head| of_head(&head)) {
            Ok(Ok(format @ (Format::Idx | Format::Npy))) => return Ok(format),
            Ok(Ok(Format::Csv)) if is_table_name(&file.to_string_lossy()) => tables += 1,
            // A text such as README.md is beside samples, not one of them.
            Ok(Ok(_)) => {}
            _ => others += 1,
        }
    }
    let subfolders = std::fs::read_dir(path).at(path)?.flatten().any(|e| e.path().is_dir());
    Ok(if tables > 0 && !subfolders && others == 0 { Format::Csv } else { Format::Folder })
}

/// Why a text is not read.
const UTF_16: &str = "text is in UTF-16; save it as UTF-8";

/// Whether a text file's name says that it is a table: among pictures there are other texts.
fn is_table_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".csv", ".tsv", ".tab", ".data"].iter().any(|end| name.ends_with(end))
}

/// The format of a file by its first bytes, decompressed; or what it is instead.
fn of_head(head: &[u8]) -> Result<Format, &'static str> {
    const KNOWN: [(&[u8], &str); 8] = [
        (b"PAR1", "Parquet is not read yet"),
        (b"PK\x03\x04", "a ZIP archive; unpack it first"),
        (b"\x28\xb5\x2f\xfd", "Zstandard is not read; unpack it first"),
        (b"GIF8", "a GIF picture; only PNG and JPEG are read"),
        (b"RIFF", "a RIFF file (WAV or WebP), which is not read"),
        (b"BM", "a BMP picture; only PNG and JPEG are read"),
        (b"\x1f\x8b", "a damaged gzip file"),
        (b"%PDF", "a PDF"),
    ];
    if head.is_empty() {
        return Err("file is empty");
    }
    if head.starts_with(npy::MAGIC) {
        return Ok(Format::Npy);
    }
    if idx::looks_like(head) {
        return Ok(Format::Idx);
    }
    if codec::sniff(head).is_some() {
        return Err("a single picture; give the folder that it is in");
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(UTF_16);
    }
    if head.len() > 262 && head[257..].starts_with(b"ustar") {
        return Err("a tar archive; unpack it first");
    }
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(what);
    }
    let control = |b: &u8| *b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c);
    if head.iter().any(control) { Err("unknown format") } else { Ok(Format::Csv) }
}

/// A few of the names, for a message.
fn some_of(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
    let more = if names.len() > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Distinct labels in their order: by value where all are whole numbers, else by bytes.
fn sorted_classes(labels: impl IntoIterator<Item = String>) -> Vec<String> {
    let distinct: std::collections::BTreeSet<String> = labels.into_iter().collect();
    let mut classes: Vec<String> = distinct.into_iter().collect();
    if classes.iter().all(|name| name.parse::<i64>().is_ok()) {
        classes.sort_by_key(|name| (name.parse::<i64>().unwrap_or_default(), name.len()));
    }
    classes
}

/// The number of each class.
fn class_numbers(classes: &[String]) -> BTreeMap<&str, u32> {
    classes.iter().enumerate().map(|(i, name)| (name.as_str(), i as u32)).collect()
}

/// How values become 8-bit pixels: `v · 255 / max`, rounded to nearest.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    max: f64,
}

impl Scale {
    /// The scale that the user gave, or one that fits values from `low` to `high`.
    fn choose(given: Option<f64>, (low, high): (f64, f64), remarks: &mut Remarks) -> Result<Self> {
        if let Some(max) = given {
            return Ok(Self { max });
        }
        let max = if low < 0.0 || high > 255.0 {
            return Err(Error::failed(format!("values from {low} to {high} are no pixels"))
                .hint("say which value is white with --value-max; values below 0 are not pixels"));
        } else if high <= 1.0 {
            1.0
        } else {
            255.0
        };
        remarks.notes.push(format!("pixels run from {low} to {high}: {max} is taken as white (--value-max)"));
        if high < max / 2.0 {
            remarks.warnings.push(format!(
                "no pixel is above {high} and {max} is taken as white, so that the pictures come out dark: \
                 give the value that is white with --value-max (recipe key `value_max`)"
            ));
        }
        Ok(Self { max })
    }

    /// The pixel of a value, or `None` where the value is out of range or not a number.
    fn pixel(self, value: f64) -> Option<u8> {
        (0.0..=self.max).contains(&value).then(|| (value * 255.0 / self.max).round() as u8)
    }

    /// The pixels of a row of values.
    fn picture(self, values: impl Iterator<Item = f64>, shape: Shape) -> Result<Pixels> {
        let mut data = Vec::with_capacity(shape.values());
        for (at, value) in values.enumerate() {
            let pixel = self.pixel(value).ok_or_else(|| {
                Error::failed(format!("value {value} at position {at} is not from 0 to {}", self.max))
            })?;
            data.push(pixel);
        }
        Pixels::new(data, shape.height, shape.width, shape.channels)
    }
}

#[cfg(test)]
mod tests;
