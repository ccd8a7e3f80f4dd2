//! `export`: a dataset in the formats of other tools.
//!
//! * `folder`: `<split>/<class>/<id>.png`, which torchvision and Keras take as it is, and in each split
//!   a `metadata.jsonl` as Hugging Face's `imagefolder` and `audiofolder` read it. Every split has a folder for every
//!   class, so that their numbers agree; where one stays empty, torchvision's `ImageFolder` wants `allow_empty=True`;
//! * `webdataset` and `tfrecord`: shards of a bounded size;
//! * `npz`, `parquet`, `arrow`: one file;
//! * `csv` and `jsonl`: one file, with pictures and sounds beside it;
//! * `idx`, `cifar` and `cifar100`: plain arrays by split, with a list beside them of what they have no place for.
//!
//! Beside them is a `dataset_info.json` with the names of the classes and columns in their order, so that no format
//! loses them, and where Hugging Face datasets reads the format a `README.md`, with which it takes the folder as it is. The same dataset gives the same bytes. Samples are streamed; what is held of each is its name.

mod arrays;
mod cifar;
mod example;
mod folder;
mod idx;
mod info;
pub(crate) mod name;
mod npz;
mod record;
mod rows;
mod shards;
mod tfrecord;
mod webdataset;

use super::{Ctx, Outcome, Stage};
use crate::dataset::{Container, Dataset, Kind, Meta, Sample, Split, write_file};
use crate::defaults;
use crate::error::{Context, Error, Result};
use crate::progress::Task;
use crate::report::number;
use crate::run::RECORD_BYTES;
use cifar::Form;
use serde::{Deserialize, Serialize};
use shards::Limits;
use std::collections::BTreeMap;
use std::path::Path;

/// A format to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Pictures and sounds in folders of splits and classes, with metadata.jsonl.
    Folder,
    /// WebDataset: tar files of PNG, sounds, texts, class numbers and JSON.
    #[value(name = "webdataset")]
    WebDataset,
    /// One NPZ file for numpy.load.
    Npz,
    /// IDX files as of MNIST, by split.
    Idx,
    /// CIFAR-10's binary files, for pictures of 32x32x3.
    Cifar,
    /// CIFAR-100's binary files, of one superclass.
    Cifar100,
    /// One CSV file; pictures and sounds in files/.
    Csv,
    /// One file of JSON lines; pictures and sounds in files/.
    Jsonl,
    /// One Parquet file.
    Parquet,
    /// One Arrow IPC file.
    Arrow,
    /// TFRecord files of tf.train.Example.
    #[value(name = "tfrecord")]
    TfRecord,
}

/// What is exported, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct ExportOptions {
    /// Format to write; when not given, folder for pictures and sounds, parquet for the rest
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
    /// Splits to export
    #[arg(long, value_delimiter = ',', default_value = "train,val,test", value_name = "SPLITS")]
    pub splits: Vec<String>,
    /// Most bytes in a file of webdataset or tfrecord, unless one sample has more
    #[arg(long, default_value_t = 256 << 20, value_name = "BYTES")]
    pub shard_bytes: u64,
    /// Most samples in a file of webdataset or tfrecord [default: no limit]
    #[arg(long, value_name = "N")]
    pub shard_samples: Option<u64>,
}

defaults!(ExportOptions);

impl ExportOptions {
    fn wanted(&self) -> Result<Vec<Split>> {
        let split = |name: &String| {
            Split::from_name(name).ok_or_else(|| Error::out_of_range("splits", name, "of train, val, test"))
        };
        let wanted: Vec<Split> = self.splits.iter().map(split).collect::<Result<_>>()?;
        if wanted.is_empty() {
            return Err(Error::out_of_range("splits", "[]", "at least one of train, val, test"));
        }
        Ok(wanted)
    }

    fn limits(&self) -> Result<Limits> {
        let samples = self.shard_samples.unwrap_or(u64::MAX);
        Error::require(self.shard_bytes > 0, "shard_bytes", self.shard_bytes, "above 0")?;
        Error::require(samples > 0, "shard_samples", samples, "above 0")?;
        Ok(Limits { bytes: self.shard_bytes, samples })
    }

    /// The format, which what the samples hold decides where it was not given.
    fn format(&self, meta: &Meta) -> ExportFormat {
        let by_kind = if in_files(meta) { ExportFormat::Folder } else { ExportFormat::Parquet };
        self.format.unwrap_or(by_kind)
    }

    /// Writes the format, and gives the name of the file where it is one, and the number of shards where there are such.
    fn write(
        &self,
        ctx: &Ctx,
        format: ExportFormat,
        selection: &Selection,
        out: &Path,
    ) -> Result<(Option<String>, Option<usize>)> {
        let limits = self.limits()?;
        let one = |file: String| Ok((Some(file), None));
        match format {
            ExportFormat::Folder => folder::write(ctx, selection, out).map(|()| (None, None)),
            ExportFormat::Idx => idx::write(ctx, selection, out).map(|()| (None, None)),
            ExportFormat::Cifar => cifar::write(ctx, selection, out, Form::Ten).map(|()| (None, None)),
            ExportFormat::Cifar100 => cifar::write(ctx, selection, out, Form::Hundred).map(|()| (None, None)),
            ExportFormat::WebDataset => {
                webdataset::write(ctx, selection, out, limits).map(|n| (None, Some(n)))
            }
            ExportFormat::TfRecord => tfrecord::write(ctx, selection, out, limits).map(|n| (None, Some(n))),
            ExportFormat::Npz => npz::write(ctx, selection, &out.join("dataset.npz")).and_then(one),
            ExportFormat::Csv => rows::csv(ctx, selection, out).and_then(one),
            ExportFormat::Jsonl => rows::jsonl(ctx, selection, out).and_then(one),
            ExportFormat::Parquet => {
                one_file(ctx, selection, out, "dataset.parquet", Container::Parquet).and_then(one)
            }
            ExportFormat::Arrow => {
                one_file(ctx, selection, out, "dataset.arrow", Container::Arrow).and_then(one)
            }
        }
    }
}

impl ExportFormat {
    /// Refuses what the format cannot hold, before anything is written.
    fn check_fit(self, selection: &Selection) -> Result<()> {
        match self {
            ExportFormat::Folder => has_files(selection),
            ExportFormat::Npz => npz::check(selection),
            ExportFormat::Idx => idx::values(selection).map(drop),
            ExportFormat::Cifar => cifar::check(selection, Form::Ten),
            ExportFormat::Cifar100 => cifar::check(selection, Form::Hundred),
            _ => Ok(()),
        }
    }

    /// What stays in memory of all samples together, where each is a file that the stage's record names.
    fn records(self, selection: &Selection) -> Option<String> {
        let several = matches!(self, ExportFormat::Folder | ExportFormat::Csv | ExportFormat::Jsonl);
        let meta = selection.meta();
        let each = [Kind::Images, Kind::Audio].iter().filter(|kind| meta.has(**kind)).count() as u64;
        let files = selection.len() * each;
        let megabytes = number::value((files * RECORD_BYTES) as f64 / 1e6);
        let what = format!("{} files: {megabytes} MB of records stay in memory", number::count(files));
        (several && files > 0).then_some(what)
    }
}

/// The part of a dataset that is exported.
struct Selection {
    dataset: Dataset,
    splits: Vec<Split>,
}

impl Selection {
    fn meta(&self) -> &Meta {
        self.dataset.meta()
    }

    /// Samples of each split; none of one that is not exported.
    fn counts(&self) -> [(Split, u64); 3] {
        let counts = &self.meta().counts;
        let all = [(Split::Train, counts.train), (Split::Val, counts.val), (Split::Test, counts.test)];
        all.map(|(split, n)| (split, if self.splits.contains(&split) { n } else { 0 }))
    }

    fn len(&self) -> u64 {
        self.counts().iter().map(|(_, n)| n).sum()
    }

    fn samples(&self) -> impl Iterator<Item = Result<Sample>> {
        self.dataset.samples().filter(|s| s.as_ref().map_or(true, |s| self.splits.contains(&s.split)))
    }

    /// The progress of a walk over [`Selection::samples`].
    fn task(&self, ctx: &Ctx) -> Task {
        ctx.progress.start("export", Some(self.len()))
    }
}

impl Stage for ExportOptions {
    fn check(&self) -> Result<()> {
        self.limits()?;
        self.wanted().map(drop)
    }

    /// Writes the chosen format into the folder `out`, which is no dataset folder.
    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        let splits_wanted = self.wanted()?;
        let selection = Selection { dataset: Dataset::open(input)?, splits: splits_wanted };
        if selection.len() == 0 {
            return Err(Error::failed(format!(
                "no sample in {}: {}",
                self.splits.join(", "),
                input.display()
            ))
            .hint("name other splits with --splits"));
        }
        let format = self.format(selection.meta());
        format.check_fit(&selection)?;
        if let Some(records) = format.records(&selection) {
            ctx.progress.note(records);
        }
        std::fs::create_dir_all(out).at(out)?;
        let (file, shards) = self.write(ctx, format, &selection, out)?;
        info::write(format, &selection, out)?;
        let splits: BTreeMap<&str, u64> =
            selection.counts().map(|(split, n)| (split.name(), n)).into_iter().collect();
        Ok(Outcome::new(selection.len())
            .figure("format", format)
            .figure("file", file)
            .figure("shards", shards)
            .figure("exported", &self.splits)
            .figure("splits", splits))
    }
}

/// One file with the columns of a dataset; gives its name.
fn one_file(
    ctx: &Ctx,
    selection: &Selection,
    out: &Path,
    name: &str,
    container: Container,
) -> Result<String> {
    let task = selection.task(ctx);
    let samples = selection.samples().inspect(|_| task.inc(1));
    write_file(&out.join(name), container, selection.meta(), &ctx.pool, samples)?;
    Ok(name.to_owned())
}

/// Whether samples are files of their own.
fn in_files(meta: &Meta) -> bool {
    meta.has(Kind::Images) || meta.has(Kind::Audio)
}

/// Refuses samples that are no files.
fn has_files(selection: &Selection) -> Result<()> {
    let meta = selection.meta();
    if in_files(meta) {
        return Ok(());
    }
    let folder = selection.dataset.folder().display();
    Err(Error::usage(format!("{} are no files of their own: {folder}", meta.words()))
        .hint("export them with --format csv, jsonl or parquet"))
}

#[cfg(test)]
mod tests;
