//! `prune`: takes out what harms a generative model, and says why of each.
//!
//! In this order, each step on what the earlier ones left: pictures of low quality, exact duplicates, near duplicates,
//! outliers, suspected wrong labels, and, where a size is asked for, what is not needed to cover the train split.
//! No search for outliers takes more than a fifth of a class. Classes that lost more than a third are named in a warning;
//! where nothing to learn from would be left, nothing is written.
//!
//! `dropped.jsonl` lists every sample taken out with stage, method, score, threshold and, for a duplicate, the id kept;
//! `leaks.jsonl` lists the train samples whose content is in val or test too.
//!
//! Samples of train only are judged and dropped, by limits fitted on train and models fitted on train and val, so that
//! what scores are taken on stays as it is and has no say; `all_splits` treats all alike. Of equal samples the one in test is kept before one in
//! val, and that before one in train; within a split the lowest id is kept.

mod candidates;
mod doubts;
mod duplicates;
mod losses;
mod search;
mod state;

use super::collect::write_lines;
use super::{Ctx, Outcome, Stage};
use crate::dataset::{Dataset, DatasetWriter, Kind};
use crate::error::{Error, Result};
use candidates::CANDIDATES;
use clap::ArgAction::Set;
use search::Search;
use seedbed::label::LabelRule;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use state::{State, Verdict};
use std::path::Path;

/// The name of the stage in the lists.
const STEP: &str = "prune";

/// The list of what was dropped.
pub const DROPPED_FILE: &str = "dropped.jsonl";
/// The list of train samples that are in val or test too.
pub const LEAKS_FILE: &str = "leaks.jsonl";

/// What to do with a train sample whose content is in val or test too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Leaks {
    /// Take it out of train.
    #[default]
    Drop,
    /// List it in `leaks.jsonl` only.
    Report,
}

/// Which labels are suspected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LabelFilter {
    /// As many for each pair of classes as the estimated counts say.
    #[serde(alias = "noise_rate")]
    #[value(alias = "noise_rate")]
    NoiseRate,
    /// As many of each class, those least sure of their label.
    #[default]
    Class,
    /// Those that both of these name: fewer, and surer.
    Both,
    /// Every sample counted as of another class.
    #[serde(alias = "off_diagonal")]
    #[value(alias = "off_diagonal")]
    OffDiagonal,
}

impl From<LabelFilter> for LabelRule {
    fn from(filter: LabelFilter) -> Self {
        match filter {
            LabelFilter::NoiseRate => Self::PruneByNoiseRate,
            LabelFilter::Class => Self::PruneByClass,
            LabelFilter::Both => Self::Both,
            LabelFilter::OffDiagonal => Self::OffDiagonal,
        }
    }
}

/// Options of the stage `prune`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct PruneOptions {
    /// Write the lists, but drop nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Judge and drop samples of val and test too; scores are then taken on what is left of them.
    #[arg(long)]
    pub all_splits: bool,
    /// Take out pictures of low quality: blank, or beyond the limits below.
    #[arg(long, default_value_t = true, action = Set, value_name = "BOOL")]
    pub quality: bool,
    /// A picture is blank below this contrast (standard deviation in grey levels, 0 to 255).
    #[arg(long, default_value_t = 2.0, value_name = "LEVELS")]
    pub blank: f32,
    /// A picture is blurred below this sharpness (variance of the Laplacian); 0 turns it off. 100 suits photographs.
    #[arg(long, default_value_t = 0.0, value_name = "VARIANCE")]
    pub blurry: f32,
    /// A picture says too little below this entropy of its grey levels in bits, 0 to 8; 0 turns it off.
    #[arg(long, default_value_t = 0.0, value_name = "BITS")]
    pub low_information: f32,
    /// A picture is noise where the correlation of neighbouring pixels is nearer to 0 than this, 0 to 1; 0 turns it off.
    #[arg(long, default_value_t = 0.2, value_name = "CORRELATION")]
    pub noise: f32,
    /// Take out samples whose decoded content equals another's, rows of a table where the label is the same too. Unless
    /// given, on for pictures and off for tables, in which equal rows are seldom a mistake.
    #[arg(long, value_name = "BOOL")]
    pub exact: Option<bool>,
    /// Take out pictures that are another one shifted a little, or with noise.
    #[arg(long, default_value_t = true, action = Set, value_name = "BOOL")]
    pub near: bool,
    /// A near pair is closer than this part of the distance at which other pictures lie there, 0 to 1.
    #[arg(long, default_value_t = 0.5, value_name = "RATIO")]
    pub near_ratio: f32,
    /// Shifts that are tried, in pixels up, down, left and right, 0 to 4.
    #[arg(long, default_value_t = 1, value_name = "PIXELS")]
    pub near_shift: usize,
    /// Pictures of 32 pixels and more are compared too where their perceptual hashes differ in this many of 64 bits or
    /// fewer, 0 to 16.
    #[arg(long, default_value_t = 4, value_name = "BITS")]
    pub near_bits: u32,
    /// What to do with train samples that are in val or test too.
    #[arg(long, value_enum, default_value_t = Leaks::Drop)]
    pub leaks: Leaks,
    /// Take out samples far from their nearest neighbours; of each class a fifth at most, since a small class is far
    /// from the others as a whole.
    #[arg(long, default_value_t = true, action = Set, value_name = "BOOL")]
    pub knn: bool,
    /// Far is this many robust standard deviations above the median distance, above 0.
    #[arg(long, default_value_t = 5.0, value_name = "SIGMAS")]
    pub knn_limit: f32,
    /// Take out samples by their local outlier factor; of each class a fifth at most.
    #[arg(long, default_value_t = false, action = Set, value_name = "BOOL")]
    pub lof: bool,
    /// The factor above which a sample is an outlier, above 1.
    #[arg(long, default_value_t = 2.0, value_name = "FACTOR")]
    pub lof_limit: f32,
    /// Neighbours that outliers and labels are judged by, 2 to 100.
    #[arg(long, default_value_t = 10, value_name = "K")]
    pub neighbours: usize,
    /// Take out samples whose label contradicts what models of the other samples say.
    #[arg(long, default_value_t = true, action = Set, value_name = "BOOL")]
    pub labels: bool,
    /// Which labels are suspected.
    #[arg(long, value_enum, default_value_t = LabelFilter::Class)]
    pub label_filter: LabelFilter,
    /// A suspected label is taken out where another class is likelier by this much, 0 to 1: 0 takes out all, and many
    /// right ones among classes that are hard to tell apart.
    #[arg(long, default_value_t = 0.6, value_name = "PROBABILITY")]
    pub label_margin: f32,
    /// Labels are left alone where the models agree with less than this share of them, 0 to 1: models that
    /// cannot tell the classes apart cannot doubt a label either.
    #[arg(long, default_value_t = 0.7, value_name = "SHARE")]
    pub label_agreement: f32,
    /// Parts in turn left out when the models that judge labels are fitted, 2 to 20.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub folds: u32,
    /// Principal components in which distances are measured where samples have more than 64 values, 2 to 256.
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub components: usize,
    /// Keep this many samples of the train split, chosen so that they cover it best (k-center greedy).
    #[arg(long, value_name = "N")]
    pub size: Option<usize>,
}
crate::defaults!(PruneOptions);

impl PruneOptions {
    fn check(&self) -> Result<()> {
        let within = |key: &str, value: f32, ok: bool, allowed: &str| {
            if ok { Ok(()) } else { Err(Error::out_of_range(key, value, allowed)) }
        };
        let not_negative = |v: f32| v >= 0.0 && v.is_finite();
        within("blank", self.blank, (0.0..=255.0).contains(&self.blank), "from 0 to 255")?;
        within("blurry", self.blurry, not_negative(self.blurry), "0 or above")?;
        let bits = self.low_information;
        within("low_information", bits, (0.0..=8.0).contains(&bits), "from 0 to 8")?;
        within("noise", self.noise, (0.0..=1.0).contains(&self.noise), "from 0 to 1")?;
        within("near_ratio", self.near_ratio, (0.0..=1.0).contains(&self.near_ratio), "from 0 to 1")?;
        within("near_shift", self.near_shift as f32, self.near_shift <= 4, "from 0 to 4")?;
        within("near_bits", self.near_bits as f32, self.near_bits <= 16, "from 0 to 16")?;
        let sigmas = self.knn_limit;
        within("knn_limit", sigmas, sigmas > 0.0 && sigmas.is_finite(), "above 0")?;
        within("lof_limit", self.lof_limit, self.lof_limit > 1.0 && self.lof_limit.is_finite(), "above 1")?;
        let k = self.neighbours;
        within("neighbours", k as f32, (2..=100).contains(&k), "from 2 to 100")?;
        let agreement = self.label_agreement;
        within("label_agreement", agreement, (0.0..=1.0).contains(&agreement), "from 0 to 1")?;
        let margin = self.label_margin;
        within("label_margin", margin, (0.0..=1.0).contains(&margin), "from 0 to 1")?;
        within("folds", self.folds as f32, (2..=20).contains(&self.folds), "from 2 to 20")?;
        within("components", self.components as f32, (2..=256).contains(&self.components), "from 2 to 256")?;
        within("size", 0.0, self.size != Some(0), "1 or above")
    }
}

impl Stage for PruneOptions {
    fn check(&self) -> Result<()> {
        self.check()
    }

    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        self.check()?;
        let dataset = Dataset::open(input)?;
        dataset.needs("prune", &[Kind::Images, Kind::Table])?;
        let pictures = dataset.meta().kind == Kind::Images;
        let mut state = State::read(ctx, self, &dataset)?;
        if self.quality && pictures {
            state.drop_low_quality();
        }
        if self.exact.unwrap_or(pictures) {
            duplicates::exact(&mut state, self);
        }
        let near = self.near && pictures;
        if near || self.knn || self.lof || self.labels {
            let most = if near { self.neighbours.max(CANDIDATES) } else { self.neighbours };
            let search = Search::new(ctx, &state.features, state.left(), most)?;
            if near {
                duplicates::near(ctx, &mut state, &search, self)?;
            }
            doubts::outliers(ctx, &mut state, &search, self)?;
            if self.labels {
                doubts::labels(ctx, &mut state, &search, self, dataset.meta().classes.len())?;
            }
        }
        if let Some(size) = self.size {
            doubts::cover(ctx, &mut state, size)?;
        }
        losses::warn(ctx, &state, &dataset.meta().classes);
        if !self.dry_run {
            losses::some_train_left(&state, &dataset)?;
        }
        self.write(ctx, &dataset, &state, out)
    }
}

impl PruneOptions {
    /// The dataset without what was dropped, and the lists.
    fn write(&self, ctx: &Ctx, dataset: &Dataset, state: &State, out: &Path) -> Result<Outcome> {
        let mut writer = DatasetWriter::create(out, dataset.meta().clone())?.pool(&ctx.pool);
        for (i, sample) in dataset.samples().enumerate() {
            let sample = sample?;
            if self.dry_run || state.verdict(i).is_none() {
                writer.push(sample)?;
            }
        }
        let meta = writer.finish()?;
        let mut by_method: Map<String, Value> = Map::new();
        let mut dropped = Vec::new();
        let mut leaks = Vec::new();
        for (i, verdict) in state.verdicts() {
            let line = self.line(dataset, state, i, verdict);
            let count = by_method.entry(verdict.method).or_insert(json!(0));
            *count = json!(count.as_u64().unwrap_or(0) + 1);
            dropped.push(line);
        }
        for (i, verdict) in state.leaks() {
            let mut line = self.line(dataset, state, i, verdict);
            line["dropped"] = json!(!self.dry_run && self.leaks == Leaks::Drop);
            leaks.push(line);
        }
        write_lines(&out.join(DROPPED_FILE), &dropped)?;
        write_lines(&out.join(LEAKS_FILE), &leaks)?;
        Ok(Outcome::new(meta.counts.samples)
            .figure("dropped", dropped.len())
            .figure("by_method", by_method)
            .figure("leaks", leaks.len())
            .figure("dry_run", self.dry_run)
            .figure("distances_in", &state.space)
            .figure("thresholds", &state.thresholds))
    }

    fn line(&self, dataset: &Dataset, state: &State, i: usize, verdict: &Verdict) -> Value {
        let mut line = json!({
            "id": state.ids[i],
            "stage": STEP,
            "method": verdict.method,
            "score": verdict.score,
            "threshold": verdict.threshold,
            "split": state.splits[i].name(),
        });
        if let Some(kept) = verdict.kept {
            line["kept"] = json!(state.ids[kept]);
            line["kept_split"] = json!(state.splits[kept].name());
            if state.labels[kept] != state.labels[i] {
                line["label"] = json!(dataset.meta().class_name(state.labels[i]));
                line["kept_label"] = json!(dataset.meta().class_name(state.labels[kept]));
            }
        }
        if let Some(label) = verdict.suggested {
            line["label"] = json!(dataset.meta().class_name(state.labels[i]));
            line["suggested"] = json!(dataset.meta().class_name(Some(label)));
        }
        line
    }
}

#[cfg(test)]
mod tests;
