//! `inspect`: what is in a dataset, and what looks wrong with it; nothing is changed.
//!
//! Written are `inspect.json` (the figures), `inspect.txt` (the same to read) and `issues.jsonl` (one
//! object per sample and issue: `id`, `issue`, `value`, `limit`, and for a duplicate `same_as`).

mod findings;
mod measure;
mod text;

pub use findings::Finding;
pub use text::text;

use super::collect::{splits, write_lines};
use super::{Ctx, Outcome, Stage};
use crate::dataset::{Dataset, Kind, Meta, Split};
use crate::defaults;
use crate::error::{Context, Error, Result};
use findings::{Duplicates, duplicates, outliers, quality};
use measure::{Measured, channel_stats, column_stats, sizes};
use seedbed::quality::Limits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Samples in memory at a time.
const BATCH: usize = 512;

/// What counts as an issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct InspectOptions {
    /// A picture is blank where the standard deviation of its grey levels is below this (0 to 255)
    #[arg(long, default_value_t = 2.0, value_name = "LEVELS")]
    pub blank: f32,
    /// A picture is dark where 99 % of its pixels are below this share of white (0 to 1)
    #[arg(long, default_value_t = 0.32, value_name = "SHARE")]
    pub dark: f32,
    /// A picture is light where 95 % of its pixels are within this share of white (0 to 1)
    #[arg(long, default_value_t = 0.05, value_name = "SHARE")]
    pub light: f32,
    /// A picture has low information where the entropy of its levels is below this (bits, 0 to 8)
    #[arg(long, default_value_t = 1.0, value_name = "BITS")]
    pub low_information: f32,
    /// A picture is blurry where the variance of its Laplacian is below this
    #[arg(long, default_value_t = 100.0, value_name = "VARIANCE")]
    pub blurry: f32,
    /// A picture is noise where the correlation of neighbouring pixels is nearer to 0 than this (0 to 1)
    #[arg(long, default_value_t = 0.2, value_name = "CORRELATION")]
    pub noise: f32,
    /// A picture has an odd shape where its shorter side over the longer is below this (0 to 1)
    #[arg(long, default_value_t = 0.35, value_name = "RATIO")]
    pub odd_aspect_ratio: f32,
    /// A sample is an outlier where a feature is this many robust deviations from the median
    #[arg(long, default_value_t = 6.0, value_name = "Z")]
    pub outlier_z: f32,
}

defaults!(InspectOptions);

impl InspectOptions {
    fn limits(&self) -> Result<Limits> {
        let all = [
            ("blank", self.blank, 255.0),
            ("dark", self.dark, 1.0),
            ("light", self.light, 1.0),
            ("low_information", self.low_information, 8.0),
            ("blurry", self.blurry, f32::MAX),
            ("noise", self.noise, 1.0),
            ("odd_aspect_ratio", self.odd_aspect_ratio, 1.0),
        ];
        for (key, value, most) in all {
            if !(0.0..=most).contains(&value) {
                return Err(Error::out_of_range(key, value, &format!("from 0 to {most}")));
            }
        }
        if !(self.outlier_z.is_finite() && self.outlier_z > 0.0) {
            return Err(Error::out_of_range("outlier_z", self.outlier_z, "a number above 0"));
        }
        Ok(Limits {
            blank: self.blank,
            dark: self.dark,
            light: self.light,
            low_information: self.low_information,
            blurry: self.blurry,
            noise: self.noise,
            odd_aspect_ratio: self.odd_aspect_ratio,
        })
    }

    /// Looks through the dataset at `input`: the figures, and every issue that a sample has, in the
    /// order of the ids. Nothing is written.
    ///
    /// # Errors
    /// When an option is out of range, or the dataset cannot be read.
    pub fn inspect(&self, ctx: &Ctx, input: &Path) -> Result<(Outcome, Vec<Finding>)> {
        let limits = self.limits()?;
        let dataset = Dataset::open(input)?;
        let meta = dataset.meta();
        let task = ctx.progress.start("inspect", Some(dataset.len()));
        let mut samples: Vec<Measured> = Vec::new();
        let measure = |sample| Measured::of(ctx.level, sample);
        ctx.pool.stream(dataset.samples(), BATCH, measure, |measured| {
            task.inc(1);
            samples.push(measured);
            Ok(())
        })?;
        let same = duplicates(&samples);
        let poor = quality(&samples, &limits);
        let odd = outliers(meta, &samples, self.outlier_z);
        let mut outcome = Outcome::new(samples.len() as u64)
            .figure("name", &meta.name)
            .figure("kind", meta.kind)
            .figure("splits", splits(meta))
            .figure("classes", class_counts(meta, &samples))
            .figure("unlabelled", meta.counts.unlabelled)
            .figure("imbalance", imbalance(meta, &samples))
            .figure("duplicates", same.summary())
            .figure("outliers", odd.len())
            .figure("issues", by_issue(&poor))
            .figure("content_hash", &meta.content_hash);
        outcome = match meta.kind {
            Kind::Images => {
                outcome.figure("sizes", sizes(&samples)).figure("channels", channel_stats(&samples))
            }
            Kind::Audio | Kind::Text => outcome,
            Kind::Table => {
                let columns = column_stats(meta, &samples);
                let missing: u64 = columns.iter().map(|c| c.missing).sum();
                outcome.figure("columns", columns).figure("missing", missing)
            }
        };
        let Duplicates { findings, .. } = same;
        let mut all: Vec<Finding> = findings.into_iter().chain(poor).chain(odd).collect();
        all.sort_by(|a, b| (&a.id, &a.issue).cmp(&(&b.id, &b.issue)));
        Ok((outcome, all))
    }
}

impl Stage for InspectOptions {
    /// Writes the findings, not a dataset.
    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        let (outcome, findings) = self.inspect(ctx, input)?;
        std::fs::create_dir_all(out).at(out)?;
        let write = |name: &str, text: String| {
            let path = out.join(name);
            std::fs::write(&path, text).at(&path)
        };
        let figures = serde_json::to_string_pretty(&outcome.figures).at(out)?;
        write("inspect.json", figures + "\n")?;
        write("inspect.txt", text(&outcome))?;
        write_lines(&out.join("issues.jsonl"), &findings)?;
        Ok(outcome)
    }
}

/// How many samples a class has, in all and by split.
#[derive(Clone, Debug, Default, Serialize)]
struct ClassCount {
    name: String,
    samples: u64,
    train: u64,
    val: u64,
    test: u64,
}

fn class_counts(meta: &Meta, samples: &[Measured]) -> Vec<ClassCount> {
    let fresh = |name: &String| ClassCount { name: name.clone(), ..ClassCount::default() };
    let mut counts: Vec<ClassCount> = meta.classes.iter().map(fresh).collect();
    for sample in samples {
        let Some(count) = sample.label.and_then(|label| counts.get_mut(label as usize)) else { continue };
        count.samples += 1;
        match sample.split {
            Split::Train => count.train += 1,
            Split::Val => count.val += 1,
            Split::Test => count.test += 1,
        }
    }
    counts
}

/// The largest class of the training split over the smallest that has samples at all.
#[derive(Clone, Debug, Serialize)]
struct Imbalance {
    largest: String,
    smallest: String,
    /// Null where there are no labels.
    ratio: Option<f64>,
    /// Classes without a sample for training.
    empty: Vec<String>,
}

fn imbalance(meta: &Meta, samples: &[Measured]) -> Imbalance {
    let counts = class_counts(meta, samples);
    let present = || counts.iter().filter(|c| c.train > 0);
    // Of classes of one size the first is named.
    let largest = present().rev().max_by_key(|c| c.train);
    let smallest = present().min_by_key(|c| c.train);
    let name = |c: Option<&ClassCount>| c.map_or(String::new(), |c| c.name.clone());
    Imbalance {
        largest: name(largest),
        smallest: name(smallest),
        ratio: largest.zip(smallest).map(|(l, s)| l.train as f64 / s.train as f64),
        empty: counts.iter().filter(|c| c.train == 0).map(|c| c.name.clone()).collect(),
    }
}

fn by_issue(findings: &[Finding]) -> BTreeMap<String, u64> {
    let names = seedbed::quality::Issue::ALL.map(|issue| (issue.name().to_owned(), 0));
    let mut counts = BTreeMap::from(names);
    findings.iter().for_each(|f| *counts.entry(f.issue.clone()).or_default() += 1);
    counts
}

#[cfg(test)]
mod tests;
