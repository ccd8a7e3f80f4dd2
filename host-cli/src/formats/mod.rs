//! Reading what others wrote: folders of pictures, arrays, tables, archives, files of records.
//!
//! A format is told by its content, not by the name of the file. Opening a source lists its samples
//! (ids, labels, splits) and what cannot be used; the content of a sample is loaded later, from any
//! thread. Ids come from paths relative to the source or from row numbers, never from the order of
//! reading. The parsers take bytes and do not panic on any.

pub mod array;
mod arrays;
mod bytes;
mod columns;
pub mod csv;
mod data;
mod decimal;
mod detect;
mod example;
mod files;
mod folder;
pub mod idx;
mod info;
mod items;
mod json;
mod kinds;
mod limits;
pub mod npy;
mod options;
mod roles;
mod rows;
mod scale;
mod several;
mod table;
mod tar;
mod text;
mod tfrecord;

pub use bytes::{MAX_UNPACKED, not_regular, open as open_file};
pub(crate) use columns::{Decoder, Messages, guarded};
pub(crate) use data::Data;
pub use detect::detect;
use detect::{UTF_16, is_table_name, of_head};
use json::Names;
pub use options::{Decimal, Header, Missing, ReadOptions, Shape};
use scale::Scale;
pub use several::{common_folder, open_all};

use crate::dataset::{Content, Kind, Normalize, Origin, Split};
use crate::error::{Context, Error, Result};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A format of raw samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Told by the content.
    #[default]
    Auto,
    /// Folders of pictures, sounds or texts, one folder per class or with metadata.jsonl or metadata.csv.
    Folder,
    /// IDX arrays (the format of MNIST), gzipped or not.
    Idx,
    /// NumPy arrays, gzipped or not.
    Npy,
    /// Archives of NumPy arrays.
    Npz,
    /// Tensors of samples in safetensors files, compressed or not.
    Safetensors,
    /// The binary files of CIFAR-10 and CIFAR-100, compressed or not.
    Cifar,
    /// Text with one row per line and a separator, compressed or not.
    Csv,
    /// Text with one JSON object per line, compressed or not.
    Jsonl,
    /// Tar archives as WebDataset lays them out, compressed or not.
    Tar,
    /// Parquet files, as Hugging Face datasets lays them out.
    Parquet,
    /// Arrow IPC files and streams.
    Arrow,
    /// TFRecord files of `tf.train.Example`, compressed or not.
    Tfrecord,
}

impl Format {
    /// Whether samples are the parts of arrays, which have no columns.
    pub const fn is_of_arrays(self) -> bool {
        matches!(self, Self::Idx | Self::Npy | Self::Npz | Self::Safetensors | Self::Cifar)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Format::Auto => "auto",
            Format::Folder => "folder",
            Format::Idx => "idx",
            Format::Npy => "npy",
            Format::Npz => "npz",
            Format::Safetensors => "safetensors",
            Format::Cifar => "cifar",
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
            Format::Tar => "tar",
            Format::Parquet => "parquet",
            Format::Arrow => "arrow",
            Format::Tfrecord => "tfrecord",
        })
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
    /// The id that the sample would have, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How many samples it is.
    pub samples: u64,
    /// Why.
    pub reason: String,
}

impl SetAside {
    /// One sample, set aside for `reason`.
    pub fn one(place: Place, reason: impl Into<String>) -> Self {
        Self { file: place.file, row: place.row, id: None, samples: 1, reason: reason.into() }
    }

    /// The same of the sample of this id.
    #[must_use]
    pub fn of(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
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
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The id; of up to 24 bytes without a piece of memory of its own, as there may be millions of them.
    pub id: CompactString,
    /// Index into [`Source::classes`].
    pub label: Option<u32>,
    /// What the source says the sample is for.
    pub split: Option<Split>,
    /// What it belongs to, by a number: samples of one group are never divided between splits.
    pub group: Option<u64>,
    /// The number by which the source knows it.
    pub at: usize,
    /// What a dataset had said of it when it was exported.
    pub more: Option<Box<More>>,
}

/// What samples of a dataset have that others seldom bring.
#[derive(Clone, Debug, PartialEq)]
pub struct More {
    /// The weight in training.
    pub weight: f32,
    /// How it was made.
    pub origin: Option<Origin>,
}

impl More {
    /// What is not as in every sample.
    fn of(weight: f32, origin: Option<Origin>) -> Option<Box<Self>> {
        (weight != 1.0 || origin.is_some()).then(|| Box::new(Self { weight, origin }))
    }
}

/// Gives the content of samples by their number, from any thread.
pub trait Load: Send + Sync {
    /// The content of sample `at`.
    ///
    /// # Errors
    /// Why the sample cannot be used.
    fn load(&self, at: usize) -> Result<Content>;

    /// Where sample `at` is.
    fn place(&self, at: usize) -> Place;

    /// Bytes that stay in memory for the samples beside their [entries](Entry), whatever they hold.
    fn records(&self) -> usize {
        0
    }

    /// About how many bytes sample `at` takes once it is loaded and encoded; told without loading it.
    fn size(&self, at: usize) -> usize;
}

/// An opened source: a list of samples, and a way to load each.
pub struct Source {
    /// The format that it turned out to have.
    pub format: Format,
    /// What its samples hold, ascending; not empty.
    pub kinds: Vec<Kind>,
    /// The names of the classes, in the order of numbers where all are, else of bytes.
    pub classes: Vec<String>,
    /// The names of the features of a table.
    pub columns: Vec<String>,
    /// For each feature of a table the source column of whose categories it is one; empty where none is.
    pub groups: Vec<Option<String>>,
    /// How values are to be scaled, where an export of ours tells it.
    pub normalize: Option<Normalize>,
    /// Whether the splits are as an export of ours tells them, and none is to be drawn.
    pub divided: bool,
    /// The samples, in no particular order.
    pub entries: Vec<Entry>,
    /// What cannot be used, as far as opening showed.
    pub set_aside: Vec<SetAside>,
    /// What the user should know.
    pub remarks: Remarks,
    /// Loads the samples.
    pub loader: Box<dyn Load>,
}

impl Source {
    /// What its samples are above all: the first of the kinds.
    pub fn kind(&self) -> Kind {
        self.kinds.first().copied().unwrap_or(Kind::Table)
    }
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
    // Of arrays, those in one file have names of their own.
    if options.group.is_some() && matches!(format, Format::Idx | Format::Npy | Format::Cifar) {
        return Err(Error::usage(
            "a group is a column, which the input does not have: --group (recipe key `group`)",
        )
        .hint("of pictures in files, --group-by takes the folder or the beginning of the name"));
    }
    match format {
        Format::Folder => folder::open(path, &[PathBuf::new()], options),
        Format::Idx | Format::Npy | Format::Npz | Format::Safetensors | Format::Cifar => {
            arrays::open(path, format, options)
        }
        Format::Csv | Format::Auto => text::open(path, options),
        Format::Jsonl | Format::Tar | Format::Parquet | Format::Arrow | Format::Tfrecord => {
            let files::Members { members, others, refused } =
                files::members(path, format, options.follow_links)?;
            let folder = if path.is_dir() { Some(path) } else { path.parent() };
            let mut source = records(members, folder, format, options).at(path)?;
            for (file, why) in refused {
                source.set_aside.push(SetAside::one(Place { file, row: None }, why));
            }
            if !others.is_empty() {
                let what = format!("other files, not read: {}", some_of(&others));
                source.remarks.notes.push(what);
            }
            Ok(source)
        }
    }
}

/// Opens files of a format of records, which lie in `folder` or below.
fn records(
    members: Vec<files::Member>,
    folder: Option<&Path>,
    format: Format,
    options: &ReadOptions,
) -> Result<Source> {
    let info = folder.map(info::load).unwrap_or_default();
    let names = Names::starting(&info.columns);
    let mut source = match format {
        Format::Tar => tar::open(members, names, options),
        Format::Tfrecord => tfrecord::open(members, names, info.columns.clone(), options),
        Format::Parquet | Format::Arrow => columns::open(members, format, options),
        _ => json::open(members, names, folder, options),
    }?;
    info.apply(&mut source);
    Ok(source)
}

/// The files beside the single file `path` that may tell of its samples, by their names.
///
/// # Errors
/// When the folder cannot be read, or there is no such file.
pub fn beside(path: &Path, format: Format) -> Result<Vec<PathBuf>> {
    let format = if format == Format::Auto { detect(path)? } else { format };
    match format {
        Format::Idx | Format::Npy | Format::Cifar => arrays::beside(path, format),
        _ => Ok(Vec::new()),
    }
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

#[cfg(test)]
mod tests;
