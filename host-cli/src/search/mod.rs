//! `search`: which augmentation suits the data, and whether any does.
//!
//! Candidates go through successive halving (Jamieson, Talwalkar 2016): all of them are scored with few pictures and little
//! training, the better half with more, and so on. Each rung holds out parts of the train split that its trainings do not
//! see. The best of many scores is too good by chance, so it is told but proves nothing: the best candidate and no
//! augmentation at all are then trained again with several seeds, on all that was searched in, and judged by pictures that
//! had no part in it, those of the val split ([`Verdict`]). The test split is not touched. Equal pictures count once, and
//! augmented copies in the dataset do not count, so that none is on both sides; near duplicates may be.
//!
//! Scores are the accuracy of a small network, or where there are no classes an energy distance. Both see pictures of at most
//! 32 pixels a side. No result depends on how fast the machine is, or on its threads.

mod candidates;
mod contest;
mod density;
mod material;
mod probe;
mod text;
mod verdict;

pub use candidates::Candidate;
pub use text::{figures, text, toml};
pub use verdict::{Outcome, Verdict};

use crate::codec::Pixels;
use crate::dataset::{Dataset, Kind};
use crate::defaults;
use crate::error::{Error, Result};
use crate::stages::Ctx;
use candidates::{Steps, Suits, candidates};
use contest::{Contest, Merit, Rung, rungs};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What candidates are scored by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Accuracy where there are two classes or more, else density.
    #[default]
    Auto,
    /// How often a small network that learns from augmented pictures tells the class of others.
    Accuracy,
    /// How near augmented copies of one half of the pictures come to the other half, labels aside.
    Density,
}

/// Options of `search`.
#[derive(Clone, Debug, PartialEq, clap::Args)]
pub struct SearchOptions {
    /// What augmentations are scored by
    #[arg(long, value_enum, default_value_t = By::Auto)]
    pub by: By,
    /// Augmentations that are tried, 1 to 1000
    #[arg(long, default_value_t = 24, value_name = "N")]
    pub trials: usize,
    /// Pictures of the train split that are used at most, 16 to 1000000
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub limit: usize,
    /// Trainings, each with another seed, of the best augmentation and of none, for the verdict, 2 to 100
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub seeds: u32,
    /// Try only what a generative model may learn from: nothing that leaves traces that it would learn to make
    #[arg(long)]
    pub for_generator: bool,
}
defaults!(SearchOptions);

/// An augmentation that was tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What it is.
    pub candidate: Candidate,
    /// Its score at each rung that it came to: an accuracy, or a distance, of which less is better.
    pub scores: Vec<f64>,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Found {
    /// What was scored.
    pub by: By,
    /// Pictures that were searched in.
    pub train: usize,
    /// Pictures that the verdict is by.
    pub judges: usize,
    /// Whether these are of the val split, rather than held out from train before the search.
    pub of_val: bool,
    /// Pictures that another one equals; they did not count.
    pub duplicates: usize,
    /// Classes that had too few pictures to count.
    pub left_out: Vec<String>,
    /// Height, width and channels at which pictures were tried.
    pub shape: (usize, usize, usize),
    /// All that was tried, the best first.
    pub trials: Vec<Trial>,
    /// The scores of no augmentation at all rungs.
    pub none: Vec<f64>,
    /// The first of the trials against none.
    pub verdict: Verdict,
}

impl SearchOptions {
    fn check(&self) -> Result<()> {
        Error::check_range("trials", self.trials, 1..=1000)?;
        Error::check_range("limit", self.limit, 16..=1_000_000)?;
        Error::check_range("seeds", self.seeds, 2..=100)
    }

    /// Searches; the dataset stays as it is.
    ///
    /// # Errors
    /// When an option is out of range, or the dataset has no pictures, no two classes where accuracy is asked for, or too few
    /// pictures.
    pub fn search(&self, ctx: &Ctx, input: &Path) -> Result<Found> {
        self.check()?;
        let dataset = Dataset::open(input)?;
        dataset.needs("search", &[Kind::Images])?;
        dataset.needs_train("search")?;
        let material = material::read(ctx, &dataset, self.by, self.limit)?;
        let (height, width, channels) = material.train.shape;
        let picture = Pixels::new(material.train.pixels(0).to_vec(), height, width, channels)?;
        let suits =
            Suits { colour: material.colour, own_size: material.own_size, for_generator: self.for_generator };
        let entries = candidates(ctx.seed, self.trials, suits, &picture)?;
        let contest = Contest::new(ctx, &material)?;
        let rungs = rungs(&material, entries.len());
        let jobs: usize = rungs.iter().map(|rung| (rung.entries + 1) * rung.folds as usize).sum();
        let jobs = jobs + 2 * self.seeds as usize;
        let task = ctx.progress.start("search", Some(jobs as u64));
        let told = |n: usize| task.inc(n as u64);
        let (trials, none) = halve(ctx, &contest, entries, &rungs, &told)?;
        let Some(best) = trials.first() else {
            return Err(Error::failed(format!("no operation fits the pictures: {}", input.display())));
        };
        let verdict = contest.verdict(&best.candidate.steps, self.seeds, &told)?;
        Ok(Found {
            by: material.by,
            train: material.train.len(),
            judges: material.judges.len(),
            of_val: material.of_val,
            duplicates: material.duplicates,
            left_out: material.left_out.clone(),
            shape: material.train.shape,
            trials,
            none,
            verdict,
        })
    }
}

/// A candidate in the contest.
struct Entry {
    candidate: Candidate,
    merits: Vec<Merit>,
}

/// Scores all at the first rung and of those of each rung the better half at the next one; gives them in the order in which
/// they came out, the best first, and the scores of no augmentation, which takes part to the end.
fn halve(
    ctx: &Ctx,
    contest: &Contest<'_>,
    candidates: Vec<Candidate>,
    rungs: &[Rung],
    told: &(dyn Fn(usize) + Sync),
) -> Result<(Vec<Trial>, Vec<f64>)> {
    let entry = |candidate| Entry { candidate, merits: Vec::new() };
    let mut running: Vec<Entry> = candidates.into_iter().map(entry).collect();
    let (mut out, mut none) = (Vec::new(), Vec::new());
    let nothing = Steps::new();
    for rung in rungs {
        out.splice(0..0, running.split_off(rung.entries.min(running.len())));
        let steps: Vec<&Steps> =
            running.iter().map(|entry| &entry.candidate.steps).chain([&nothing]).collect();
        let folds = 0..rung.folds;
        let jobs: Vec<(&Steps, u32)> =
            steps.iter().flat_map(|&steps| folds.clone().map(move |fold| (steps, fold))).collect();
        let merits = ctx.pool.try_map(&jobs, |&(steps, fold)| {
            let merit = contest.score(steps, rung, fold)?;
            told(1);
            Ok(merit)
        })?;
        let mut means = merits.chunks(rung.folds as usize).map(Merit::mean);
        running.iter_mut().zip(&mut means).for_each(|(entry, merit)| entry.merits.push(merit));
        none.extend(means.map(|merit| contest.shown(merit)));
        // Of equal ones the first that was drawn stays first.
        running.sort_by(|a, b| Merit::order(a.merits.last(), b.merits.last()));
    }
    running.append(&mut out);
    let trial = |Entry { candidate, merits }| {
        let scores = merits.into_iter().map(|merit| contest.shown(merit)).collect();
        Trial { candidate, scores }
    };
    Ok((running.into_iter().map(trial).collect(), none))
}

#[cfg(test)]
mod tests;
