//! `evaluate`: how near generated samples are to real ones, and whether they are copies.
//!
//! The real samples are the originals of the dataset's test split (of val, where there is no test). They are compared
//! with generated samples and, as the floor that no model can be expected to beat, with original training samples.
//! Where all is for training, generated samples are compared with that, and there is neither a floor nor a test for
//! copies, which need real samples that the model never saw. All comparisons use the same number of samples on each
//! side, so that what small samples do to the scores they do to all of them alike. A score means something only in its
//! feature space, which is told beside it. What too few samples are there for is left out, with a warning and the reason
//! among the figures (`left_out`).

mod scores;

pub use scores::{Scores, compare};

use super::{Ctx, Outcome, Stage, generate};
use crate::dataset::{Dataset, Kind, Sample, Split};
use crate::error::{Error, Result};
use crate::features::{Given, Mat, Projection, Space, Table, neighbours};
use seedbed::linalg::{Exclude, Neighbour};
use seedbed::metrics::copy_scores;
use seedbed::rng::{Key, Stream, id_hash};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Values up to which `auto` compares all of them.
const ALL_VALUES: usize = 64;
/// Values up to which scores are computed: the time goes with their cube.
const MOST_VALUES: usize = 1024;
/// The purpose number of the choice of subsets.
const PURPOSE: u32 = seedbed::metrics::KID_PURPOSE;

/// The feature space in which samples are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureKind {
    /// All values up to 64 of them, principal components of the training samples beyond.
    #[default]
    Auto,
    /// All pixels, or all columns standardised; up to 1024.
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
    /// The dataset whose train split the model learnt from, where that is another one than the real samples' [default: the
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
    /// Compare features that you bring, such as those of a network: CSV files with a column `id` and columns of
    /// numbers, which together have a row for every sample.
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub embeddings: Vec<PathBuf>,
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
        if !self.columns.is_empty() && !self.embeddings.is_empty() {
            return Err(Error::usage(
                "columns and embeddings cannot both be compared: --columns, --embeddings",
            )
            .hint("leave one of them out"));
        }
        Error::check_range("components", self.components, 2..=256)?;
        Error::check_range("k", self.k, 1..=100)?;
        Error::check_range("samples", self.samples, 10..=1_000_000)?;
        Error::check_range("copy_ratio", self.copy_ratio, 0.0..=1.0)
    }
}

/// The samples that take part, in the features that are compared.
struct Sets {
    features: String,
    /// What the real samples are of; `None` where they are all there are.
    real_split: Option<Split>,
    real: Table,
    /// Whether the model did not learn from the real samples.
    held_out: bool,
    /// All training samples, made ones among them: what could have been copied.
    train: Table,
    /// The rows of the originals among them.
    originals: Vec<usize>,
    /// What is judged, by name.
    judged: Vec<(&'static str, Table)>,
}

impl Stage for EvaluateOptions {
    fn check(&self) -> Result<()> {
        self.check()
    }

    fn run(&self, ctx: &Ctx, input: &Path, _: &Path) -> Result<Outcome> {
        self.check()?;
        let dataset = Dataset::open(input)?;
        if self.embeddings.is_empty() {
            dataset.needs("evaluate", &[Kind::Images, Kind::Table])?;
        }
        let sets = self.read(ctx, &dataset)?;
        if !sets.held_out {
            ctx.progress.warn(
                "evaluate: no val and no test split: the real samples are those that the model learnt from",
            );
        }
        let mut left_out = Vec::new();
        let scores = self.scores(ctx, &sets, &mut left_out)?;
        let generated = sets.judged.iter().find(|(name, _)| *name == "generated");
        let memorisation = generated.map(|(_, table)| self.memorisation(ctx, table, &sets, &mut left_out));
        let memorisation = memorisation.transpose()?;
        for reason in &left_out {
            ctx.progress.warn(format!("evaluate: left out: {reason}"));
        }
        let mut outcome = Outcome::new(sets.judged.iter().map(|(_, t)| t.len() as u64).sum())
            .figure("features", &sets.features)
            .figure("real_split", sets.real_split.map_or("all", Split::name))
            .figure("held_out", sets.held_out)
            .figure("k", self.k)
            .figure("scores", scores)
            .figure("left_out", left_out)
            .figure("per_class", per_class(&dataset.meta().classes, &sets));
        if let Some(memorisation) = memorisation {
            outcome = outcome.figure("memorisation", memorisation);
        }
        Ok(outcome)
    }
}

impl EvaluateOptions {
    /// Reads what is compared, in its features.
    fn read(&self, ctx: &Ctx, dataset: &Dataset) -> Result<Sets> {
        let other = self.train.as_deref().map(Dataset::open).transpose()?;
        let trained = other.as_ref().unwrap_or(dataset);
        comparable(dataset, trained)?;
        let counts = &dataset.meta().counts;
        let real_split = match () {
            () if counts.test > 0 => Some(Split::Test),
            () if counts.val > 0 => Some(Split::Val),
            () => None,
        };
        let space = match (&self.columns[..], &self.embeddings[..]) {
            ([], []) => Space::of(dataset)?,
            (columns, []) => Space::named(dataset, columns)?,
            (_, files) => Space::Given(Given::read(files)?),
        };
        let is_real = |s: &Sample| s.origin.is_none() && real_split.is_none_or(|split| s.split == split);
        let real = Table::read(ctx, dataset, &space, is_real)?;
        let train = Table::read(ctx, trained, &space, |s| s.split == Split::Train)?;
        let originals = (0..train.len()).filter(|&i| train.originals[i]).collect();
        let judged = self.judged(ctx, dataset, &space)?;
        let held_out = real_split.is_some() || trained.meta().content_hash != dataset.meta().content_hash;
        let features = space.name();
        let mut sets = Sets { features, real_split, real, held_out, train, originals, judged };
        self.project(ctx, &mut sets)?;
        Ok(sets)
    }

    /// The sets that are judged.
    fn judged(&self, ctx: &Ctx, dataset: &Dataset, space: &Space) -> Result<Vec<(&'static str, Table)>> {
        let mut judged = Vec::new();
        for (name, folder) in [("generated", &self.generated), ("reconstructed", &self.reconstructed)] {
            let Some(folder) = folder else { continue };
            if name == "reconstructed" && matches!(space, Space::Given(_)) {
                ctx.progress.warn(
                    "evaluate: reconstructions have the ids of their originals, and so no embeddings: left out",
                );
                continue;
            }
            let made = Dataset::open(folder)?;
            comparable(dataset, &made)?;
            if made.meta().image != dataset.meta().image
                && !made.is_empty()
                && matches!(space, Space::Pixels(_))
            {
                ctx.progress.warn(format!(
                    "evaluate: pictures of another size are resized before they are compared: {} has {}, {} has {}",
                    dataset.folder().display(),
                    size(dataset),
                    folder.display(),
                    size(&made)
                ));
            }
            // Generated samples may have been added to a dataset of others.
            let is_generated = |s: &Sample| s.origin.as_ref().is_some_and(|o| o.step == generate::STEP);
            let mixed = made.samples().any(|s| s.is_ok_and(|s| is_generated(&s)));
            judged.push((name, Table::read(ctx, &made, space, |s| !mixed || is_generated(s))?));
        }
        Ok(judged)
    }

    /// Brings all sets to principal components where these are to be compared.
    fn project(&self, ctx: &Ctx, sets: &mut Sets) -> Result<()> {
        let cols = sets.train.features.cols;
        let all = match self.features {
            FeatureKind::Values => true,
            FeatureKind::Auto => cols <= ALL_VALUES,
            FeatureKind::Pca => false,
        };
        if all || sets.originals.len() < 2 {
            if all && cols > MOST_VALUES {
                return Err(Error::usage(format!(
                    "{cols} values are too many to compare: --features (recipe key `features`)"
                ))
                .hint(format!("use features = \"pca\", or samples of at most {MOST_VALUES} values")));
            }
            return Ok(());
        }
        let projection = Projection::fit(ctx, &sets.train.features.select(&sets.originals), self.components)?;
        sets.features = format!("{} principal components of {}", projection.dims(), sets.features);
        let judged = sets.judged.iter_mut().map(|(_, table)| table);
        for table in [&mut sets.real, &mut sets.train].into_iter().chain(judged) {
            table.features = projection.project(ctx, &table.features)?;
        }
        Ok(())
    }

    /// The scores of each set against the real samples, those of the training samples last. What cannot be compared
    /// goes to `left_out`, with the reason.
    fn scores(&self, ctx: &Ctx, sets: &Sets, left_out: &mut Vec<String>) -> Result<Vec<Value>> {
        let enough = self.k + 2;
        if sets.real.len() < enough {
            left_out.push(format!(
                "all scores: {} real samples are too few, {enough} are needed",
                sets.real.len()
            ));
            return Ok(Vec::new());
        }
        if sets.originals.len() < 2 && sets.train.features.cols > MOST_VALUES {
            left_out.push("all scores: too few training samples for principal components".to_owned());
            return Ok(Vec::new());
        }
        let all = |table: &Table| (0..table.len()).collect::<Vec<usize>>();
        let mut compared: Vec<(&str, &Table, Vec<usize>)> =
            sets.judged.iter().map(|(name, table)| (*name, table, all(table))).collect();
        if sets.held_out {
            compared.push(("train", &sets.train, sets.originals.clone()));
        }
        compared.retain(|(name, _, rows)| {
            if rows.len() < enough {
                left_out.push(format!(
                    "the scores of {name} samples: {} are too few, {enough} are needed",
                    rows.len()
                ));
            }
            rows.len() >= enough
        });
        let sizes = compared.iter().map(|(_, _, rows)| rows.len());
        let each = sizes.chain([self.samples.max(enough), sets.real.len()]).min().unwrap_or(0);
        let real = choose(ctx, &sets.real, all(&sets.real), each);
        let task = ctx.progress.start("evaluate", Some(compared.len() as u64));
        let mut scores = Vec::new();
        for (name, table, rows) in compared {
            let available = rows.len();
            let found = compare(ctx, &real, &choose(ctx, table, rows, each), self.k)?;
            scores.push(json!({
                "name": name, "real": each, "compared": each, "available": available, "scores": found,
            }));
            task.inc(1);
        }
        Ok(scores)
    }

    /// Are generated samples copies of training samples? Held-out real samples say what is to be expected.
    ///
    /// What is near is sought among the distinct training samples. The nearest is held against the nearest original
    /// that differs from it: repetitions and variants of one sample do not make it a crowd.
    fn memorisation(
        &self,
        ctx: &Ctx,
        generated: &Table,
        sets: &Sets,
        left_out: &mut Vec<String>,
    ) -> Result<Value> {
        let features = &sets.train.features;
        let originals = features.distinct(sets.originals.iter().copied());
        if !sets.held_out {
            return Ok(Value::Null);
        }
        if originals.len() < 2 || sets.real.is_empty() || generated.is_empty() {
            left_out.push("the test for copies: too few training, real or generated samples".to_owned());
            return Ok(Value::Null);
        }
        let all = features.distinct(originals.iter().copied().chain(0..features.rows()));
        let (real, train) = (features.select(&originals), features.select(&all));
        let near = |table: &Table| -> Result<Vec<Neighbour>> {
            let nearest = neighbours(ctx, &table.features, &train, Exclude::Nothing, 1)?;
            let others = neighbours(ctx, &table.features, &real, Exclude::Nothing, 2)?;
            let pair = |(first, others): (&Neighbour, &[Neighbour])| {
                let other = others.iter().find(|other| other.index != first.index);
                [*first, other.copied().unwrap_or(Neighbour::NONE)]
            };
            Ok(nearest.iter().zip(others.chunks_exact(2)).flat_map(pair).collect())
        };
        let (made, held_out) = (near(generated)?, near(&sets.real)?);
        let (mut a, mut b) = (vec![0.0; generated.len()], vec![0.0; sets.real.len()]);
        let scores = copy_scores(self.copy_ratio, &made, &held_out, &mut a, &mut b)?;
        let same = (0..generated.len()).filter(|&i| {
            let label = generated.labels[i];
            label.is_some() && label == sets.train.labels[all[made[2 * i].at()]]
        });
        let labelled = generated.labels.iter().flatten().count();
        Ok(json!({
            "generated": generated.len(),
            "held_out": sets.real.len(),
            "train": all.len(),
            "copied": scores.copied,
            "held_out_copied": scores.held_out_copied,
            "identical": scores.identical,
            "z": scores.z,
            "nearest_train_has_same_class":
                if labelled > 0 { json!(same.count() as f64 / labelled as f64) } else { Value::Null },
        }))
    }
}

/// The size of the pictures, for people.
fn size(dataset: &Dataset) -> String {
    let shape = dataset.meta().image;
    shape.map_or_else(|| "several sizes".into(), |s| format!("{} x {} x {}", s.height, s.width, s.channels))
}

/// Refuses datasets whose samples do not mean the same; one without classes goes with any.
fn comparable(real: &Dataset, other: &Dataset) -> Result<()> {
    let (a, b) = (real.meta(), other.meta());
    let list = |names: &[String]| names.join(", ");
    let unlabelled = a.classes.is_empty() || b.classes.is_empty();
    let differs = match () {
        () if a.kind != b.kind => ("kind", a.kind.words().to_owned(), b.kind.words().to_owned()),
        () if a.columns != b.columns => ("columns", list(&a.columns), list(&b.columns)),
        () if a.classes != b.classes && !unlabelled => ("classes", list(&a.classes), list(&b.classes)),
        () => return Ok(()),
    };
    let (what, ours, theirs) = differs;
    let (first, second) = (real.folder().display(), other.folder().display());
    Err(Error::usage(format!("the datasets differ in their {what}: {first} and {second}"))
        .hint(format!("compare datasets of the same {what}; these have {ours} and {theirs}")))
}

/// `count` of these rows, the same ones for a seed whatever else there is: those of the lowest random ranks of their
/// ids.
fn choose(ctx: &Ctx, table: &Table, mut order: Vec<usize>, count: usize) -> Mat {
    let rank = |i: &usize| {
        let id = id_hash(table.ids[*i].as_bytes());
        (Stream::new(ctx.seed, Key::new(PURPOSE).sample(id).op(2)).next_u64(), *i)
    };
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
