//! `preprocess`: one size and one form for all samples, and the scaling that models will see.
//!
//! Pictures are converted, fitted and resized; rows have their missing values filled. Values stay in their own units:
//! the scaling is decided here, from the train split alone, and written to `dataset.json`, where training takes it
//! from: of tables always, of pictures with a Gaussian likelihood (a Bernoulli one needs 0..1). Features and
//! scores do not: they see pixels in 0..1, and columns standardised by the train split.

mod picture;
mod scaling;

pub(crate) use picture::Preparer;
pub use picture::{Mode, Size};
pub use scaling::Scaling;

use super::{Ctx, Outcome, Stage};
use crate::dataset::{Dataset, DatasetWriter, Kind, Meta, Normalize, Picture, Sample, Storage, feature};
use crate::error::{Error, Result};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use seedbed::image::{Filter, Fit};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The name of the stage.
const STEP: &str = "preprocess";

/// Samples in memory at a time, for each thread.
const BATCH: usize = 128;

/// What becomes of missing values of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// They stay missing.
    Keep,
    /// They become the column's mean over the train split, rounded where all values are whole; of categories the most
    /// frequent.
    Mean,
}

/// Options of the stage `preprocess`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct PreprocessOptions {
    /// Size of all pictures in pixels, `32` or `28x40` (height x width), sides 1 to 8192. Unless given, each
    /// keeps its own.
    #[arg(long, value_name = "N|HxW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Resampling filter, antialiased but for nearest; the bytes are those of Pillow.
    #[arg(long, value_parser = names(&Filter::ALL, Filter::name), default_value = "bilinear")]
    pub filter: Filter,
    /// How proportions are kept: stretch changes them, contain adds a margin, cover cuts the sides off.
    #[arg(long, value_parser = names(&Fit::ALL, Fit::name), default_value = "stretch")]
    pub fit: Fit,
    /// The level of the margin of `contain`, 0 (black) to 255 (white).
    #[arg(long, default_value_t = 0, value_name = "LEVEL")]
    pub fill: u8,
    /// Channels: as they are, grey (Rec. 601), or RGB.
    #[arg(long, value_enum, default_value_t = Mode::Keep)]
    pub mode: Mode,
    /// The scaling stored for models (of pictures, those with a Gaussian likelihood; a Bernoulli one has pixels in 0..1
    /// always). auto: `scale` for pictures, `train` for tables. none: what training does by itself, pixels in 0..1 and
    /// columns standardised. scale: to 0..1 (pictures by 255, columns by their least and greatest value in the train
    /// split). given: by --mean and --std. train: by mean and standard deviation of the train split.
    #[arg(long, value_enum, default_value_t = Scaling::Auto)]
    pub normalize: Scaling,
    /// Means for `normalize = "given"`, one per channel (of pixels divided by 255) or column.
    #[arg(long, value_delimiter = ',', value_name = "M,..")]
    pub mean: Vec<f32>,
    /// Standard deviations for `normalize = "given"`, above 0, one per channel or column.
    #[arg(long, value_delimiter = ',', value_name = "S,..")]
    pub std: Vec<f32>,
    /// What becomes of missing values of a table.
    #[arg(long, value_enum, default_value_t = Missing::Mean)]
    pub missing: Missing,
    /// How the shards hold the samples: `png`, or `raw` for fast training loops. As they are unless given.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
}
crate::defaults!(PreprocessOptions);

/// A parser for values that know their names.
fn names<T>(all: &'static [T], name: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let known = PossibleValuesParser::new(all.iter().map(|value| name(*value)));
    known.try_map(move |text| all.iter().copied().find(|value| name(*value) == text).ok_or("unknown name"))
}

impl PreprocessOptions {
    fn check(&self, kind: Kind) -> Result<()> {
        self.normalize.check(&self.mean, &self.std)?;
        let pictures_only = [("size", self.size.is_some()), ("mode", self.mode != Mode::Keep)];
        match pictures_only.iter().find(|(_, set)| *set) {
            Some((key, _)) if kind == Kind::Table => Err(Error::usage(format!(
                "{key} is for pictures, and this is a table: --{key} (recipe key `{key}`)"
            ))
            .hint("leave it out")),
            _ => Ok(()),
        }
    }
}

impl Stage for PreprocessOptions {
    fn check(&self) -> Result<()> {
        self.normalize.check(&self.mean, &self.std)
    }

    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        let dataset = Dataset::open(input)?;
        dataset.needs(STEP, &[Kind::Images, Kind::Table])?;
        self.check(dataset.meta().kind)?;
        match dataset.meta().kind {
            Kind::Images => self.pictures(ctx, &dataset, out),
            _ => self.table(ctx, &dataset, out),
        }
    }
}

impl PreprocessOptions {
    fn pictures(&self, ctx: &Ctx, dataset: &Dataset, out: &Path) -> Result<Outcome> {
        let preparer = Preparer {
            level: ctx.level,
            size: self.size,
            filter: self.filter,
            fit: self.fit,
            fill: self.fill,
            mode: self.mode,
        };
        let statistics = match self.normalize {
            Scaling::Train => Some(scaling::of_pictures(ctx, dataset, &preparer)?),
            _ => None,
        };
        let channels = match self.mode {
            Mode::Keep => first_channels(dataset)?,
            Mode::Grey => Some(1),
            Mode::Rgb => Some(3),
        };
        let normalize = self.normalize.for_pictures(channels, statistics, (&self.mean, &self.std))?;
        let meta = self.meta(dataset, normalize);
        let mut writer = DatasetWriter::create(out, meta)?.pool(&ctx.pool);
        let task = ctx.progress.start(STEP, Some(dataset.len()));
        let mut changed = 0u64;
        ctx.pool.stream(
            dataset.samples(),
            BATCH * ctx.pool.threads(),
            |sample| prepared(&preparer, sample),
            |(sample, is_new)| {
                task.inc(1);
                changed += u64::from(is_new);
                writer.push(sample)
            },
        )?;
        let meta = writer.finish()?;
        if meta.image.is_none() && meta.counts.samples > 0 {
            ctx.progress.warn(self.advice());
        }
        Ok(Outcome::new(meta.counts.samples)
            .figure("changed", changed)
            .figure("image", meta.image)
            .figure("filter", self.filter.name())
            .figure("fit", self.fit.name())
            .figure("normalize", meta.normalize))
    }

    fn meta(&self, dataset: &Dataset, normalize: Option<Normalize>) -> Meta {
        let meta = dataset.meta().clone();
        Meta { normalize, storage: self.storage.unwrap_or(meta.storage), ..meta }
    }

    /// What to do where the pictures came out with several shapes.
    fn advice(&self) -> &'static str {
        match self.size {
            None => {
                "the pictures have several sizes or channels, which no model takes: give --size, and --mode grey or rgb"
            }
            Some(_) => {
                "some pictures are grey and some are not, which no model takes: give --mode grey or rgb"
            }
        }
    }

    fn table(&self, ctx: &Ctx, dataset: &Dataset, out: &Path) -> Result<Outcome> {
        let (columns, rows) = scaling::of_columns(dataset)?;
        if rows == 0 && self.normalize.learns_from_rows() {
            return Err(scaling::nothing_to_learn_from(dataset));
        }
        let normalize = self.normalize.for_table(&columns, (&self.mean, &self.std))?;
        let meta = self.meta(dataset, normalize);
        let mut writer = DatasetWriter::create(out, meta)?.pool(&ctx.pool);
        let task = ctx.progress.start(STEP, Some(dataset.len()));
        let (mut missing, mut filled) = (0u64, 0u64);
        for sample in dataset.samples() {
            let mut sample = sample?;
            let before = filled;
            let row = sample.content.row.iter_mut();
            for (value, column) in row.zip(&columns).filter(|(value, _)| value.is_nan()) {
                missing += 1;
                if self.missing == Missing::Mean {
                    if rows == 0 {
                        return Err(scaling::nothing_to_learn_from(dataset));
                    }
                    *value = column.mean();
                    filled += 1;
                }
            }
            if filled > before {
                // No mean is a category, nor always a whole number.
                feature::snap(&dataset.meta().features, &mut sample.content.row);
            }
            writer.push(sample)?;
            task.inc(1);
        }
        let meta = writer.finish()?;
        Ok(Outcome::new(meta.counts.samples)
            .figure("missing_values", missing)
            .figure("filled_values", filled)
            .figure("normalize", meta.normalize))
    }
}

/// The channels of the first picture; where others have more or fewer, the writer finds out.
fn first_channels(dataset: &Dataset) -> Result<Option<usize>> {
    let first = dataset.samples().next().transpose()?;
    first.map(|sample| sample.pixels().map(|pixels| pixels.channels)).transpose()
}

/// The sample with its picture prepared, and whether that changed it.
fn prepared(preparer: &Preparer, mut sample: Sample) -> Result<(Sample, bool)> {
    let pixels = sample.pixels()?;
    let Some(pixels) = preparer.prepare(&pixels).map_err(|e| e.within(&sample.id))? else {
        return Ok((sample, false));
    };
    let path = sample.content.image.take().and_then(|image| image.path);
    sample.content.image = Some(Picture::of(pixels, path));
    Ok((sample, true))
}

#[cfg(test)]
mod tests;
