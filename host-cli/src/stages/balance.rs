//! `balance`: evens out the classes of the train split. Val and test stay as they are, since they judge.
//!
//! | method | what it does with a class below its target | above |
//! | --- | --- | --- |
//! | `oversample` | repeats samples drawn at random | stays |
//! | `augment` | the same, each repetition augmented by a key of its own | stays |
//! | `smote` | mixes samples with near ones of their class | stays |
//! | `undersample` | stays | drops samples drawn at random |
//! | `weights` | changes the `weight` column only | the same |
//!
//! Weights that samples have already keep their proportions within a class.
//!
//! SMOTE is meant for tables. Where a table has categories it is SMOTE-NC (Chawla et al. 2002): of each source column a
//! new row has the category that most neighbours of its base have; whole numbers are rounded. What differs from the
//! paper: a differing category counts for the distance as its standardised indicators do.
//!
//! Of pictures SMOTE makes a mixture of the pixels of two near ones, which is what drawing a line
//! between them in pixel space (or between their principal components) gives: a blurred in-between, useful to a
//! classifier rather than to a generative model, for which `augment` is the better choice.

mod make;

use super::augment::{OpStep, check_ops, leaking, refuse_leaking};
use super::{Ctx, Outcome, Stage};
use crate::dataset::{Dataset, DatasetWriter, Kind, Sample, Split};
use crate::error::{Error, Result};
use crate::pool::Held;
use make::{Copies, Maker};
use seedbed::balance::{Target, balanced_weights, class_targets, effective_number_weights};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// Samples that are added at most, to all classes together.
const MOST_ADDED: u64 = 100_000_000;

/// How classes are evened out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Repeat samples of small classes.
    #[default]
    Oversample,
    /// Drop samples of large classes.
    Undersample,
    /// Mix near samples of small classes.
    Smote,
    /// Repeat samples of small classes, each repetition augmented.
    Augment,
    /// Set the weights of the samples.
    Weights,
}

/// How weights depend on the size of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    /// Each class has the same total weight.
    #[default]
    Balanced,
    /// By the effective number of samples (Cui et al. 2019), which evens out less.
    #[serde(alias = "effective_number")]
    #[value(alias = "effective_number")]
    EffectiveNumber,
}

/// Options of the stage `balance`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct BalanceOptions {
    /// How classes are evened out.
    #[arg(long, value_enum, default_value_t = Method::Oversample)]
    pub method: Method,
    /// The size every class is brought to: max, min, mean, or a number from 1; for single classes as NAME=NUMBER. Several are
    /// separated by commas [default: max; min for undersample].
    #[arg(long, value_name = "TARGET", value_delimiter = ',')]
    pub target: Vec<String>,
    /// Neighbours that SMOTE mixes with, 1 to 100.
    #[arg(long, default_value_t = 5, value_name = "K")]
    pub k: usize,
    /// How weights depend on the size of a class.
    #[arg(long, value_enum, default_value_t = Weighting::Balanced)]
    pub weighting: Weighting,
    /// The β of the effective number, 0 to below 1.
    #[arg(long, default_value_t = 0.999, value_name = "BETA")]
    pub beta: f32,
    /// An operation of the method `augment` as an inline table; repeat it for more. Unless given: those of `seedbed augment`.
    #[arg(long = "op", value_name = "TABLE")]
    pub ops: Vec<OpStep>,
    /// Whether these may leave traces that a generative model learns to make, as noise, holes and blur are
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub allow_leaking: bool,
}
crate::defaults!(BalanceOptions);

impl BalanceOptions {
    /// Refuses operations that leave what a generative model would learn to make, unless they are allowed.
    ///
    /// # Errors
    /// As [`refuse_leaking`].
    pub fn refuse_leaking(&self) -> Result<()> {
        let done = if self.method == Method::Augment { &self.ops[..] } else { &[] };
        refuse_leaking("balance", leaking(done), self.allow_leaking)
    }

    fn check(&self) -> Result<()> {
        Error::check_range("k", self.k, 1..=100)?;
        Error::require((0.0..1.0).contains(&self.beta), "beta", self.beta, "from 0 to below 1")?;
        if self.method == Method::Weights && !self.target.is_empty() {
            return Err(Error::usage("weights have no target: --target (recipe key `target`)")
                .hint("leave it out, or choose another --method"));
        }
        if !self.ops.is_empty() {
            check_ops(&self.ops)?;
        }
        self.rules().map(drop)
    }

    /// The target of all classes, and those of single ones by name.
    fn rules(&self) -> Result<(Target, Vec<(&str, u32)>)> {
        let number = |text: &str, whole: &str| {
            text.trim().parse().ok().filter(|n| *n > 0).ok_or_else(|| {
                Error::usage(format!("not a target: `{whole}`: --target (recipe key `target`)"))
                    .hint("max, min, mean, a number from 1, or CLASS=NUMBER")
            })
        };
        let mut rule = if self.method == Method::Undersample { Target::Min } else { Target::Max };
        let mut single = Vec::new();
        for text in &self.target {
            match text.trim() {
                "max" => rule = Target::Max,
                "min" => rule = Target::Min,
                "mean" => rule = Target::Mean,
                other => match other.rsplit_once('=') {
                    None => rule = Target::Count(number(other, text)?),
                    Some((name, size)) => single.push((name.trim(), number(size, text)?)),
                },
            }
        }
        Ok((rule, single))
    }

    /// The target of each class from its count in the train split.
    fn targets(&self, classes: &[String], counts: &[u32]) -> Result<Vec<u32>> {
        let (rule, single) = self.rules()?;
        let mut targets = vec![0; counts.len()];
        class_targets(rule, counts, &mut targets)?;
        for (name, target) in single {
            let class = classes.iter().position(|c| c == name).ok_or_else(|| {
                Error::usage(format!("no class `{name}`: --target (recipe key `target`)"))
                    .hint(format!("one of {}", classes.join(", ")))
            })?;
            // There is nothing to make more of in an empty class.
            targets[class] = if counts[class] > 0 { target } else { 0 };
        }
        let added: u64 = targets.iter().zip(counts).map(|(t, c)| u64::from(t.saturating_sub(*c))).sum();
        if self.method != Method::Undersample && added > MOST_ADDED {
            return Err(Error::usage(format!(
                "{added} samples would be added: --target (recipe key `target`)"
            ))
            .hint(format!("a target that adds at most {MOST_ADDED} to all classes together")));
        }
        Ok(targets)
    }
}

impl Stage for BalanceOptions {
    fn check(&self) -> Result<()> {
        self.check()
    }

    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        self.check()?;
        let dataset = Dataset::open(input)?;
        let classes = &dataset.meta().classes;
        if classes.is_empty() {
            return Err(Error::usage(format!("the dataset has no classes to balance: {}", input.display()))
                .hint("leave the stage `balance` out of the recipe"));
        }
        match self.method {
            Method::Augment => dataset
                .needs("--method augment (recipe key `method`)", &[Kind::Images])
                .map_err(|e| e.hint("use --method smote or oversample"))?,
            Method::Smote => dataset
                .needs("--method smote (recipe key `method`)", &[Kind::Images, Kind::Table])
                .map_err(|e| e.hint("use --method oversample"))?,
            Method::Oversample | Method::Undersample | Method::Weights => {}
        }
        dataset.needs_train("balance")?;
        let members = members(&dataset)?;
        let counts: Vec<u32> = members.iter().map(|m| m.len() as u32).collect();
        if self.method == Method::Weights {
            return self.weigh(ctx, &dataset, &counts, out);
        }
        let targets = self.targets(classes, &counts)?;
        let copies = match self.method {
            Method::Undersample => Copies::keep(ctx, &members, &targets)?,
            Method::Smote => Copies::mix(ctx, &dataset, &members, &targets, self.k)?,
            Method::Oversample | Method::Augment | Method::Weights => {
                Copies::repeat(ctx, &members, &targets)?
            }
        };
        self.write(ctx, &dataset, (&counts, &targets), &copies, out)
    }
}

impl BalanceOptions {
    fn write(
        &self,
        ctx: &Ctx,
        dataset: &Dataset,
        (counts, targets): (&[u32], &[u32]),
        copies: &Copies,
        out: &Path,
    ) -> Result<Outcome> {
        let maker = Maker::new(ctx, self, dataset, copies)?;
        let mut writer = DatasetWriter::create(out, dataset.meta().clone())?.pool(&ctx.pool);
        let task = ctx.progress.start("balance", Some(dataset.len()));
        let (mut kept, mut added) = (0, 0);
        let mut after = vec![0u32; counts.len()];
        ctx.pool.stream(
            dataset.samples().flat_map(|sample| jobs(sample, copies)),
            64 * ctx.pool.threads(),
            |Job { source, n }| {
                let made = if n == 0 { Sample::clone(&source) } else { maker.make(&source, n)? };
                Ok((made, n))
            },
            |(sample, n)| {
                if n == 0 {
                    task.inc(1);
                    kept += 1;
                } else {
                    added += 1;
                }
                if let (Some(label), Split::Train) = (sample.label, sample.split) {
                    after[label as usize] += 1;
                }
                writer.push(sample)
            },
        )?;
        let meta = writer.finish()?;
        Ok(Outcome::new(meta.counts.samples)
            .figure("method", self.method)
            .figure("added", added)
            .figure("dropped", dataset.len() - kept)
            .figure("before", counts)
            .figure("target", targets)
            .figure("after", after))
    }

    /// The `weight` column of the train split, scaled so that each class has the total that it should have.
    fn weigh(&self, ctx: &Ctx, dataset: &Dataset, counts: &[u32], out: &Path) -> Result<Outcome> {
        let mut weights = vec![0.0; counts.len()];
        match self.weighting {
            Weighting::Balanced => balanced_weights(counts, &mut weights)?,
            Weighting::EffectiveNumber => effective_number_weights(counts, self.beta, &mut weights)?,
        }
        let learnt_from = |sample: &Sample| sample.label.filter(|_| sample.split == Split::Train);
        let mut sums = vec![0f64; counts.len()];
        for sample in dataset.samples() {
            let sample = sample?;
            if let Some(label) = learnt_from(&sample) {
                sums[label as usize] += f64::from(sample.weight);
            }
        }
        let total = |class: usize| f64::from(counts[class]) * f64::from(weights[class]);
        let factor = |class: usize| if sums[class] > 0.0 { total(class) / sums[class] } else { 0.0 };
        let mut writer = DatasetWriter::create(out, dataset.meta().clone())?.pool(&ctx.pool);
        for sample in dataset.samples() {
            let mut sample = sample?;
            if let Some(label) = learnt_from(&sample) {
                sample.weight = (f64::from(sample.weight) * factor(label as usize)) as f32;
            }
            writer.push(sample)?;
        }
        let meta = writer.finish()?;
        Ok(Outcome::new(meta.counts.samples)
            .figure("method", self.method)
            .figure("before", counts)
            .figure("weights", weights))
    }
}

/// A sample to write: `source` itself for `n` = 0, or what is made of it as number `n`.
struct Job {
    source: Arc<Sample>,
    n: u32,
}

impl Held for Job {
    fn held(&self) -> usize {
        self.source.held()
    }
}

/// The sample and what is made of it, in the order of their ids; nothing where it is dropped.
fn jobs(sample: Result<Sample>, copies: &Copies) -> impl Iterator<Item = Result<Job>> {
    let (source, wrong) = match sample {
        Ok(sample) => (copies.number(&sample).map(|last| (Arc::new(sample), last)), None),
        Err(e) => (None, Some(Err(e))),
    };
    let all = source
        .into_iter()
        .flat_map(|(source, last)| (0..=last).map(move |n| Ok(Job { source: source.clone(), n })));
    wrong.into_iter().chain(all)
}

/// The ids of the train samples of each class, ascending.
fn members(dataset: &Dataset) -> Result<Vec<Vec<String>>> {
    let mut members = vec![Vec::new(); dataset.meta().classes.len()];
    for sample in dataset.samples() {
        let Sample { id, label, split, .. } = sample?;
        if let (Some(label), Split::Train) = (label, split) {
            members[label as usize].push(id);
        }
    }
    Ok(members)
}

#[cfg(test)]
mod tests;
