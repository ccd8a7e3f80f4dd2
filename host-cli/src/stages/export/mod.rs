//! `export`: a dataset in the formats of other tools.
//!
//! * `folder`: `<split>/<class>/<id>.png`, which torchvision and Keras take as it is, and in each split
//!   a `metadata.jsonl` as Hugging Face's `imagefolder` reads it. Every split has a folder for every class, so
//!   that their numbers agree; where one stays empty, torchvision's `ImageFolder` wants `allow_empty=True`;
//! * `npz`: one file for `numpy.load`;
//! * `parquet`: one file with the columns of the dataset.

mod folder;
pub(crate) mod name;
mod npz;

use super::{Ctx, Outcome, Stage};
use crate::dataset::{Dataset, DatasetWriter, Kind, Meta, Sample, Split};
use crate::defaults;
use crate::error::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// A format to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Pictures in folders of splits and classes, with metadata.jsonl.
    #[default]
    Folder,
    /// One NPZ file for numpy.load.
    Npz,
    /// One Parquet file.
    Parquet,
}

/// What is exported, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct ExportOptions {
    /// Format to write
    #[arg(long, value_enum, default_value_t = ExportFormat::Folder)]
    pub format: ExportFormat,
    /// Splits to export
    #[arg(long, value_delimiter = ',', default_value = "train,val,test", value_name = "SPLITS")]
    pub splits: Vec<String>,
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
}

impl Stage for ExportOptions {
    fn check(&self) -> Result<()> {
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
        std::fs::create_dir_all(out).at(out)?;
        let file = match self.format {
            ExportFormat::Folder => {
                folder::write(ctx, &selection, out)?;
                None
            }
            ExportFormat::Npz => Some(npz::write(ctx, &selection, &out.join("dataset.npz"))?),
            ExportFormat::Parquet => Some(parquet(ctx, &selection, out)?),
        };
        let splits: BTreeMap<&str, u64> =
            selection.counts().map(|(split, n)| (split.name(), n)).into_iter().collect();
        Ok(Outcome::new(selection.len())
            .figure("format", self.format)
            .figure("file", file)
            .figure("exported", &self.splits)
            .figure("splits", splits))
    }
}

/// One Parquet file: a dataset of one shard, without its folder.
fn parquet(ctx: &Ctx, selection: &Selection, out: &Path) -> Result<String> {
    const NAME: &str = "dataset.parquet";
    let part = out.join("part");
    let meta = selection.meta().clone();
    let mut writer = DatasetWriter::create(&part, meta)?.pool(&ctx.pool).shard_rows(usize::MAX);
    let task = ctx.progress.start("export", Some(selection.len()));
    for sample in selection.samples() {
        writer.push(sample?)?;
        task.inc(1);
    }
    let meta = writer.finish()?;
    if let Some(shard) = meta.shards.first() {
        let path = out.join(NAME);
        std::fs::rename(part.join(&shard.file), &path).at(&path)?;
    }
    std::fs::remove_dir_all(&part).at(&part)?;
    Ok(NAME.to_owned())
}

/// A refusal of samples of the wrong kind.
fn only_for(kind: Kind, selection: &Selection) -> Result<()> {
    if selection.meta().kind == kind {
        return Ok(());
    }
    Err(Error::failed(format!("a table has no pictures: {}", selection.dataset.folder().display()))
        .hint("export it with --format npz or parquet"))
}

#[cfg(test)]
mod tests;
