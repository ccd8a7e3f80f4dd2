//! `replay`: makes one augmented picture again, alone, from what its origin records.

use super::augment::{CopyParams, make_again};
use super::{Ctx, Outcome};
use crate::dataset::{Dataset, META_FILE, Origin, Sample};
use crate::error::{Context, Error, Result};
use crate::run::record::RUN_FILE;
use std::path::{Path, PathBuf};

/// Options of the command `replay`.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct ReplayOptions {
    /// The id of the augmented sample, as the `id` column and the report show it.
    #[arg(value_name = "ID")]
    pub id: String,
    /// The dataset that holds the sample and its source, or a run's folder with such a dataset in it.
    #[arg(long, short, value_name = "DIR", default_value = "seedbed-demo")]
    pub dataset: PathBuf,
}

/// One sample made again.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The folder of the dataset that holds it.
    pub folder: PathBuf,
    /// The picture, as PNG.
    pub png: Vec<u8>,
    /// Whether it has the very bytes of the one in the dataset.
    pub same: bool,
    /// How it was made.
    pub origin: Origin,
}

impl ReplayOptions {
    /// Makes the sample again, compares it with the one in the dataset, and writes it to `out` where one is given.
    ///
    /// # Errors
    /// When there is no such sample, it was not made by augmentation, its source is gone, the file cannot be
    /// written, or the bytes differ.
    pub fn run(&self, ctx: &Ctx, out: Option<&Path>) -> Result<Outcome> {
        if let Some(path) = out {
            is_png(path)?;
        }
        let replayed = replay(ctx, &self.dataset, &self.id)?;
        if let Some(path) = out {
            write_new(path, &replayed.png)?;
        }
        if !replayed.same {
            return Err(Error::failed(format!("the picture in the dataset has other bytes: {}", self.id))
                .hint(
                    "the dataset was changed after it was augmented, or another version of seedbed made it",
                ));
        }
        let params = CopyParams::of(&replayed.origin)?;
        let outcome = Outcome::new(1)
            .figure("id", &self.id)
            .figure("source", &replayed.origin.source)
            .figure("dataset", replayed.folder.display().to_string())
            .figure("same_bytes", replayed.same)
            .figure("copy", params.copy)
            .figure("ops", params.ops)
            .figure("drawn", params.drawn);
        let outcome =
            if params.partners.is_empty() { outcome } else { outcome.figure("partners", params.partners) };
        Ok(params.webp.map_or(outcome.clone(), |quality| outcome.figure("webp", quality)))
    }
}

/// Refuses a name that says it is no PNG.
fn is_png(path: &Path) -> Result<()> {
    if path.extension().is_none_or(|e| e.eq_ignore_ascii_case("png")) {
        return Ok(());
    }
    Err(Error::usage(format!("the picture is written as PNG: {}", path.display()))
        .hint("end the name with .png, and convert the file afterwards"))
}

/// Writes a file that is not there yet, or is there just so.
fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.symlink_metadata().is_ok() && !std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Err(Error::usage(format!("there is something else already: {}", path.display()))
            .hint("choose another file with --out, or remove this one"));
    }
    std::fs::write(path, bytes).at(path)
}

/// Makes the sample `id` again from its source, both in the dataset at `folder` or in a stage of the run there.
///
/// # Errors
/// As [`ReplayOptions::run`], but for the comparison, which is told.
pub fn replay(ctx: &Ctx, folder: &Path, id: &str) -> Result<Replayed> {
    let (folder, sample) = locate(folder, id)?;
    let origin = sample.origin.ok_or_else(|| {
        Error::failed(format!("sample is an original, not made from another: {id}"))
            .hint("name a copy, an id with `!augment` in it")
    })?;
    CopyParams::of(&origin).map_err(|e| e.within(id))?;
    let pixels_of = |what: &str, id: &str| {
        let sample = source_of(&folder, id)?.ok_or_else(|| {
            Error::failed(format!("{what} is not in the dataset: {id}")).hint(
                "name the folder of the stage that made the copy, with those of the stages before beside it",
            )
        })?;
        sample.pixels()
    };
    let source = pixels_of("the source of the sample", &origin.source)?;
    let other = |id: &str| pixels_of("a picture that the sample met", id);
    let pixels = make_again(ctx.level, &origin, &source, other).map_err(|e| e.within(id))?;
    let png = crate::codec::encode_png(&pixels)?;
    let same = sample.content.image.is_some_and(|image| image.pixels().is_ok_and(|p| p == pixels));
    Ok(Replayed { folder, png, same, origin })
}

/// The dataset folder and the sample: in `folder` itself, or in the last stage of the run there that has it.
fn locate(folder: &Path, id: &str) -> Result<(PathBuf, Sample)> {
    let missing = || {
        Error::failed(format!("no sample `{id}`: {}", folder.display())).hint(
            "name the dataset or the run with --dataset; ids are in the `id` column and under the pictures \
                 of the report",
        )
    };
    if folder.join(META_FILE).exists() || !folder.is_dir() {
        let sample = find(&Dataset::open(folder)?, id)?.ok_or_else(missing)?;
        return Ok((folder.to_owned(), sample));
    }
    for stage in stages(folder)?.into_iter().rev() {
        if let Some(sample) = find(&Dataset::open(&stage)?, id)? {
            return Ok((stage, sample));
        }
    }
    Err(missing())
}

/// The sample `id` in the dataset at `folder`, or, where only copies were kept there, in the last stage before it in its run.
fn source_of(folder: &Path, id: &str) -> Result<Option<Sample>> {
    if let Some(sample) = find(&Dataset::open(folder)?, id)? {
        return Ok(Some(sample));
    }
    let Some(run) = folder.parent().filter(|run| run.join(RUN_FILE).exists()) else { return Ok(None) };
    for stage in stages(run)?.into_iter().rev().filter(|stage| stage.file_name() < folder.file_name()) {
        if let Some(sample) = find(&Dataset::open(&stage)?, id)? {
            return Ok(Some(sample));
        }
    }
    Ok(None)
}

/// The datasets in the folder of a run, in the order of their stages.
fn stages(run: &Path) -> Result<Vec<PathBuf>> {
    let mut stages: Vec<PathBuf> = std::fs::read_dir(run)
        .at(run)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join(META_FILE).exists())
        .collect();
    stages.sort();
    Ok(stages)
}

/// The sample of this id.
fn find(dataset: &Dataset, id: &str) -> Result<Option<Sample>> {
    for sample in dataset.samples() {
        let sample = sample?;
        if sample.id.as_str() >= id {
            return Ok((sample.id == id).then_some(sample));
        }
    }
    Ok(None)
}
