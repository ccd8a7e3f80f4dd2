//! `evaluate`: how near generated samples are to real ones, and whether they are copies.
//!
//! The real samples are the originals of the dataset's test split (of val, or of all, where there is no test). They are
//! compared with generated samples and, as the floor that no model can be expected to beat, with original training
//! samples. All comparisons use the same number of samples on each side, so that what small samples do to the scores
//! they do to all of them alike. A score means something only in its feature space, which is told beside it.

mod scores;

pub use scores::{Scores, compare};

use super::{Ctx, Outcome, Stage};
use crate::dataset::{Dataset, Kind, Sample, Split};
use crate::error::{Error, Result};
use crate::features::{Mat, Projection, Space, Table, neighbours};
use seedbed::linalg::Exclude;
use seedbed::metrics::copy_scores;
use seedbed::rng::{Key, Stream, id_hash};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Values up to which `auto` compares all of them.
const ALL_VALUES: usize = 64;
/// The purpose number of the choice of subsets.
const PURPOSE: u32 = seedbed::metrics::KID_PURPOSE;

/// The feature space in which samples are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// All values up to 64 of them, principal components of the training samples beyond.
    #[default]
    Auto,
    /// All pixels, or all columns standardised.
    Values,
    /// Principal components of the training samples.
    Pca,
}

/// Options of `evaluate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluateOptions {
    /// The dataset of generated samples, as `seedbed generate` wrote it.
    #[arg(long, value_name = "DIR")]
    pub generated: Option<PathBuf>,
    /// The dataset whose train split the model learnt from, where it is another one than the real samples' [default: the
    /// dataset of the real samples].
    #[arg(long, value_name = "DIR")]
    pub train: Option<PathBuf>,
    /// A dataset of reconstructions, judged like generated samples.
    #[arg(long, value_name = "DIR")]
    pub reconstructed: Option<PathBuf>,
    /// The features that are compared.
    #[arg(long, value_enum, default_value_t = FeatureKind::Auto)]
    pub features: FeatureKind,
    /// Columns of a table to compare, by name; all unless given.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Principal components, 2 to 256.
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub components: usize,
    /// Neighbours that span the balls of precision, recall, density and coverage, 1 to 100.
    #[arg(long, default_value_t = 5, value_name = "K")]
    pub k: usize,
    /// Samples compared on each side at most, 10 to 1000000.
    #[arg(long, default_value_t = 5000, value_name = "N")]
    pub samples: usize,
    /// A sample is a copy where its nearest training sample is less than this part as far as the second nearest, 0 to 1.
    #[arg(long, default_value_t = 0.33, value_name = "RATIO")]
    pub copy_ratio: f32,
}
crate::defaults!(EvaluateOptions);

impl EvaluateOptions {
    fn check(&self) -> Result<()> {
        let range = |key: &str, value: f64, ok: bool, allowed: &str| {
            if ok { Ok(()) } else { Err(Error::out_of_range(key, value, allowed)) }
        };
        range("components", self.components as f64, (2..=256).contains(&self.components), "from 2 to 256")?;
        range("k", self.k as f64, (1..=100).contains(&self.k), "from 1 to 100")?;
        range(
            "samples",
            self.samples as f64,
            (10..=1_000_000).contains(&self.samples),
            "from 10 to 1000000",
        )?;
        let ratio = self.copy_ratio;
        range("copy_ratio", f64::from(ratio), (0.0..=1.0).contains(&ratio), "from 0 to 1")
    }
}

/// The samples that take part, in the features that are compared.
struct Sets {
    features: String,
    real_split: &'static str,
    real: Table,
    /// Original training samples.
    originals: Table,
    /// All training samples, made ones among them: what could have been copied.
    train: Table,
    /// What is judged, by name.
    judged: Vec<(&'static str, Table)>,
}

impl Stage for EvaluateOptions {
    fn check(&self) -> Result<()> {
        self.check()
    }

    fn run(&self, ctx: &Ctx, input: &Path, _: &Path) -> Result<Outcome> {
        self.check()?;
        let sets = self.read(ctx, input)?;
        let mut scores = Vec::new();
        let smallest =
            sets.judged.iter().map(|(_, t)| t.len()).chain([sets.originals.len(), self.samples]).min();
        let each = smallest.unwrap_or(0).min(sets.real.len());
        let enough = self.k + 2;
        if each < enough {
            return Err(Error::failed(format!(
                "too few samples to compare ({each} on a side): {}",
                input.display()
            ))
            .hint(format!("at least {enough} real, training and generated samples are needed")));
        }
        let real = choose(ctx, &sets.real, each);
        let others = sets.judged.iter().map(|(name, t)| (*name, t)).chain([("train", &sets.originals)]);
        for (name, table) in others {
            let found = compare(ctx, &real, &choose(ctx, table, each), self.k)?;
            scores.push(json!({"name": name, "real": each, "compared": each, "available": table.len(), "scores": found}));
        }
        let mut outcome = Outcome::new(sets.judged.iter().map(|(_, t)| t.len() as u64).sum())
            .figure("features", &sets.features)
            .figure("real_split", sets.real_split)
            .figure("k", self.k)
            .figure("scores", scores)
            .figure("per_class", per_class(&Dataset::open(input)?.meta().classes, &sets));
        if let Some((_, generated)) = sets.judged.iter().find(|(name, _)| *name == "generated") {
            outcome = outcome.figure("memorisation", self.memorisation(ctx, generated, &sets)?);
        }
        Ok(outcome)
    }
}

impl EvaluateOptions {
    fn read(&self, ctx: &Ctx, input: &Path) -> Result<Sets> {
        let dataset = Dataset::open(input)?;
        let trained = self.train.as_deref().map(Dataset::open).transpose()?;
        let trained = trained.as_ref().unwrap_or(&dataset);
        let counts = &dataset.meta().counts;
        let real_split = match () {
            () if counts.test > 0 => Some(Split::Test),
            () if counts.val > 0 => Some(Split::Val),
            () => None,
        };
        let table = dataset.meta().kind == Kind::Table && !self.columns.is_empty();
        let space = if table { Space::named(&dataset, &self.columns)? } else { Space::of(&dataset)? };
        let is_real = |s: &Sample| s.origin.is_none() && real_split.is_none_or(|split| s.split == split);
        let mut real = Table::read(ctx, &dataset, &space, is_real)?;
        let is_original = |s: &Sample| s.origin.is_none() && s.split == Split::Train;
        let mut originals = Table::read(ctx, trained, &space, is_original)?;
        let mut train = Table::read(ctx, trained, &space, |s| s.split == Split::Train)?;
        let mut judged = Vec::new();
        for (name, folder) in [("generated", &self.generated), ("reconstructed", &self.reconstructed)] {
            if let Some(folder) = folder {
                let made = Dataset::open(folder)?;
                if made.meta().kind != dataset.meta().kind {
                    return Err(Error::usage(format!("not the same kind of samples: {}", folder.display())));
                }
                judged.push((name, Table::read(ctx, &made, &space, |_| true)?));
            }
        }
        let all = self.features == FeatureKind::Values
            || (self.features == FeatureKind::Auto && space.cols() <= ALL_VALUES);
        let mut features = space.name();
        if !all && originals.len() > 1 {
            let projection = Projection::fit(ctx, &originals.features, self.components)?;
            features = format!("{} principal components of {}", projection.dims(), space.name());
            let rest = judged.iter_mut().map(|(_, t)| t);
            for table in [&mut real, &mut originals, &mut train].into_iter().chain(rest) {
                table.features = projection.project(ctx, &table.features)?;
            }
        }
        let real_split = real_split.map_or("all", Split::name);
        Ok(Sets { features, real_split, real, originals, train, judged })
    }

    /// Are generated samples copies of training samples? Held-out real samples say what is to be expected.
    fn memorisation(&self, ctx: &Ctx, generated: &Table, sets: &Sets) -> Result<Value> {
        if sets.train.len() < 2 {
            return Ok(Value::Null);
        }
        let near = |t: &Table| neighbours(ctx, &t.features, &sets.train.features, Exclude::Nothing, 2);
        let (made, held_out) = (near(generated)?, near(&sets.real)?);
        let (mut a, mut b) = (vec![0.0; generated.len()], vec![0.0; sets.real.len()]);
        let scores = copy_scores(self.copy_ratio, &made, &held_out, &mut a, &mut b)?;
        let same = (0..generated.len()).filter(|&i| {
            generated.labels[i].is_some() && generated.labels[i] == sets.train.labels[made[2 * i].at()]
        });
        let labelled = generated.labels.iter().flatten().count();
        Ok(json!({
            "generated": generated.len(),
            "held_out": sets.real.len(),
            "train": sets.train.len(),
            "copied": scores.copied,
            "held_out_copied": scores.held_out_copied,
            "identical": scores.identical,
            "z": scores.z,
            "nearest_train_has_same_class":
                if labelled > 0 { json!(same.count() as f64 / labelled as f64) } else { Value::Null },
        }))
    }
}

/// `count` rows, the same ones for a seed whatever else there is: those of the lowest random ranks of their ids.
fn choose(ctx: &Ctx, table: &Table, count: usize) -> Mat {
    let rank = |i: &usize| {
        let id = id_hash(table.ids[*i].as_bytes());
        (Stream::new(ctx.seed, Key::new(PURPOSE).sample(id).op(2)).next_u64(), *i)
    };
    let mut order: Vec<usize> = (0..table.len()).collect();
    order.sort_by_cached_key(rank);
    order.truncate(count);
    order.sort_unstable();
    table.features.select(&order)
}

/// Samples of each class in each set.
fn per_class(classes: &[String], sets: &Sets) -> Vec<Value> {
    let count = |t: &Table, class: u32| t.labels.iter().filter(|&&l| l == Some(class)).count();
    let row = |(class, name): (u32, &String)| {
        let mut row = json!({
            "class": name,
            "real": count(&sets.real, class),
            "train": count(&sets.train, class),
        });
        for (set, table) in &sets.judged {
            row[*set] = json!(count(table, class));
        }
        row
    };
    (0u32..).zip(classes).map(row).collect()
}

#[cfg(test)]
mod tests;
