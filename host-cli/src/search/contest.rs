//! How candidates are scored at the rungs, and how the best of them is judged.

use super::By;
use super::candidates::Steps;
use super::density::{Distance, Features, mean};
use super::material::{Material, Pictures};
use super::probe::{self, Run, Told};
use super::verdict::Verdict;
use crate::error::Result;
use crate::pool::Pool;
use crate::purposes;
use crate::stages::Ctx;
use seedbed::rng::{Key, Stream};
use std::cmp::Ordering;

/// Parts of the train split that are held out in turn.
const FOLDS: u32 = 4;
/// Candidates at the last rung, at most.
const LAST: usize = 3;
/// Pictures that a training at the last rung sees, counted each time.
const VISITS: f64 = 24_000.0;
/// The streams of the seeds of trainings, and of the halves; see [`super::candidates::DRAW`].
const TRAINING: u32 = 4;
const HALVES: u32 = 5;
/// The rung of the verdict.
const VERDICT: u32 = u32::MAX;

/// A rung of successive halving.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rung {
    /// Counted from 0.
    number: u32,
    /// Candidates that are scored, besides none.
    pub entries: usize,
    /// Share of the pictures and of the training of the last rung.
    share: f64,
    /// Parts that are held out in turn.
    pub folds: u32,
}

/// The rungs for so many candidates: half as many at each as at the one before, down to three or fewer. Pictures and
/// training grow by √2 from one to the next, and so does what is held out, one part more each time, up to all of them.
pub fn rungs(material: &Material, entries: usize) -> Vec<Rung> {
    let mut counts = vec![entries];
    while let Some(&last) = counts.last().filter(|last| **last > LAST) {
        counts.push(last.div_ceil(2));
    }
    let folds = if material.by == By::Density { FOLDS } else { FOLDS.min(fewest(&material.train)) };
    let mut rungs: Vec<Rung> = Vec::new();
    let mut share = 1.0;
    for (back, &entries) in (0u32..).zip(counts.iter().rev()) {
        let number = counts.len() as u32 - 1 - back;
        rungs.insert(0, Rung { number, entries, share, folds: folds.saturating_sub(back).max(1) });
        share *= std::f64::consts::FRAC_1_SQRT_2;
    }
    rungs
}

/// The pictures of the smallest class.
fn fewest(pictures: &Pictures) -> u32 {
    pictures.counts.iter().copied().min().unwrap_or(1).max(1)
}

/// How good a candidate is: more is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Merit {
    /// An accuracy, or a distance below 0.
    value: f64,
    /// Decides between equal ones: a loss below 0.
    tie: f64,
}

impl Merit {
    /// The mean over the parts that were held out.
    pub fn mean(merits: &[Self]) -> Self {
        let of = |part: fn(&Self) -> f64| mean(&merits.iter().map(part).collect::<Vec<_>>());
        Self { value: of(|merit| merit.value), tie: of(|merit| merit.tie) }
    }

    /// The better one first.
    pub fn order(a: Option<&Self>, b: Option<&Self>) -> Ordering {
        let both = |merit: Option<&Self>| merit.map_or((f64::MIN, f64::MIN), |m| (m.value, m.tie));
        let ((a, a_tie), (b, b_tie)) = (both(a), both(b));
        b.total_cmp(&a).then(b_tie.total_cmp(&a_tie))
    }
}

/// What candidates are scored and judged with.
pub struct Contest<'a> {
    ctx: &'a Ctx,
    /// For what runs beside others.
    alone: Ctx,
    material: &'a Material,
    /// Where distances are taken.
    features: Option<Features>,
}

impl<'a> Contest<'a> {
    /// A contest on these pictures.
    ///
    /// # Errors
    /// Never for pictures that were read.
    pub fn new(ctx: &'a Ctx, material: &'a Material) -> Result<Self> {
        let alone = Ctx { pool: Pool::single(), ..ctx.clone() };
        let features = match material.by {
            By::Density => Some(Features::fit(ctx, &material.train)?),
            By::Auto | By::Accuracy => None,
        };
        Ok(Self { ctx, alone, material, features })
    }

    /// A merit as people read it.
    pub fn shown(&self, merit: Merit) -> f64 {
        if self.features.is_some() { -merit.value } else { merit.value }
    }

    /// The merit of operations at a rung with one part held out. All candidates start alike there.
    ///
    /// # Errors
    /// When the operations do not fit the pictures.
    pub fn score(&self, steps: &Steps, rung: &Rung, fold: u32) -> Result<Merit> {
        let seed = self.seed(rung.number, fold);
        match &self.features {
            None => {
                let told = self.fold(steps, rung, fold, seed)?;
                Ok(Merit { value: told.accuracy(), tie: -told.loss })
            }
            Some(features) => {
                let distance = self.halves(features, steps, rung, fold, seed)?;
                Ok(Merit { value: -distance.value, tie: 0.0 })
            }
        }
    }

    fn seed(&self, rung: u32, fold: u32) -> u64 {
        let key = Key::new(purposes::SEARCH).op(TRAINING).epoch(rung).sample(fold.into());
        Stream::new(self.ctx.seed, key).next_u64()
    }

    /// Of each class the first pictures, as many as the share says.
    fn first(&self, share: f64) -> Vec<u32> {
        let Pictures { labels, ranks, counts, .. } = &self.material.train;
        let within = |&i: &u32| {
            let count = f64::from(counts[labels[i as usize] as usize]);
            f64::from(ranks[i as usize]) < (count * share).ceil()
        };
        self.material.train.all().into_iter().filter(within).collect()
    }

    fn fold(&self, steps: &Steps, rung: &Rung, fold: u32, seed: u64) -> Result<Told> {
        let pictures = &self.material.train;
        let held = |i: u32| pictures.ranks[i as usize] % FOLDS == fold;
        let learn: Vec<u32> = self.first(rung.share).into_iter().filter(|&i| !held(i)).collect();
        let tell: Vec<u32> = pictures.all().into_iter().filter(|&i| held(i)).collect();
        let visits = (VISITS * rung.share) as u64;
        let (learn, tell) = (&learn[..], &tell[..]);
        let (others, classes) = (pictures, self.material.classes);
        probe::run(self.ctx.level, &Run { pictures, learn, others, tell, classes, steps, seed, visits })
    }

    fn halves(
        &self,
        features: &Features,
        steps: &Steps,
        rung: &Rung,
        fold: u32,
        seed: u64,
    ) -> Result<Distance> {
        let pictures = &self.material.train;
        let mut places = self.first(rung.share);
        Stream::new(self.ctx.seed, Key::new(purposes::SEARCH).op(HALVES).epoch(fold)).shuffle(&mut places);
        let (first, second) = places.split_at(places.len() / 2);
        let second = features.of(&self.alone, pictures, second)?;
        features.distance(&self.alone, (pictures, first), &second, (steps, seed))
    }

    /// The operations against none, by the judges, with so many trainings of each; tells of each that it is done.
    ///
    /// # Errors
    /// When the operations do not fit the pictures.
    pub fn verdict(&self, steps: &Steps, seeds: u32, told: &(dyn Fn(usize) + Sync)) -> Result<Verdict> {
        match &self.features {
            None => self.by_accuracy(steps, seeds, told),
            Some(features) => self.by_distance(features, steps, seeds, told),
        }
    }

    fn by_accuracy(&self, steps: &Steps, seeds: u32, told: &(dyn Fn(usize) + Sync)) -> Result<Verdict> {
        let Material { train: pictures, judges: others, classes, .. } = self.material;
        let (learn, tell, none) = (pictures.all(), others.all(), Steps::new());
        let jobs: Vec<(&Steps, u32)> = (0..seeds).flat_map(|seed| [(&none, seed), (steps, seed)]).collect();
        let runs = self.ctx.pool.try_map(&jobs, |&(steps, seed)| {
            let (learn, tell, classes) = (&learn[..], &tell[..], *classes);
            let (seed, visits) = (self.seed(VERDICT, seed), VISITS as u64);
            let run = Run { pictures, learn, others, tell, classes, steps, seed, visits };
            let run = probe::run(self.ctx.level, &run);
            told(1);
            run
        })?;
        let accuracies =
            |which: usize| -> Vec<f64> { runs.iter().skip(which).step_by(2).map(Told::accuracy).collect() };
        let (without, with) = (accuracies(0), accuracies(1));
        let gains = without.iter().zip(&with).map(|(a, b)| b - a).collect();
        // How much more often each picture was told rightly.
        let mut part = vec![0.0; others.len()];
        for pair in runs.chunks_exact(2) {
            for ((part, a), b) in part.iter_mut().zip(&pair[0].right).zip(&pair[1].right) {
                *part += (f64::from(u8::from(*b)) - f64::from(u8::from(*a))) / f64::from(seeds);
            }
        }
        Ok(Verdict::new([mean(&without), mean(&with)], gains, &[part]))
    }

    fn by_distance(
        &self,
        features: &Features,
        steps: &Steps,
        seeds: u32,
        told: &(dyn Fn(usize) + Sync),
    ) -> Result<Verdict> {
        let Material { train, judges, .. } = self.material;
        let places = train.all();
        let second = features.of(self.ctx, judges, &judges.all())?;
        let none = Steps::new();
        let without = features.distance(&self.alone, (train, &places), &second, (&none, 0))?;
        told(seeds as usize);
        let numbers: Vec<u32> = (0..seeds).collect();
        let runs = self.ctx.pool.try_map(&numbers, |&number| {
            let draws = (steps, self.seed(VERDICT, number));
            let run = features.distance(&self.alone, (train, &places), &second, draws);
            told(1);
            run
        })?;
        let gains: Vec<f64> = runs.iter().map(|with| without.value - with.value).collect();
        let part = |of: fn(&Distance) -> &Vec<f64>| -> Vec<f64> {
            let with = |i: usize| mean(&runs.iter().map(|run| of(run)[i]).collect::<Vec<_>>());
            of(&without).iter().enumerate().map(|(i, v)| v - with(i)).collect()
        };
        let parts = [part(|d| &d.of_first), part(|d| &d.of_second)];
        let with = mean(&runs.iter().map(|run| run.value).collect::<Vec<_>>());
        Ok(Verdict::new([without.value, with], gains, &parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_halve_and_grow() {
        let pictures = Pictures { counts: vec![50, 40], ..Pictures::default() };
        let material = Material {
            by: By::Accuracy,
            train: pictures,
            judges: Pictures::default(),
            of_val: true,
            classes: 2,
            colour: false,
            own_size: true,
            duplicates: 0,
            left_out: Vec::new(),
        };
        let of = |entries| -> Vec<(usize, u32)> {
            rungs(&material, entries).iter().map(|rung| (rung.entries, rung.folds)).collect()
        };
        assert_eq!(of(24), [(24, 1), (12, 2), (6, 3), (3, 4)]);
        assert_eq!(of(5), [(5, 3), (3, 4)]);
        assert_eq!(of(1), [(1, 4)]);
        let shares: Vec<f64> = rungs(&material, 12).iter().map(|rung| rung.share).collect();
        assert!((shares[0] - 0.5).abs() < 1e-12 && shares[2] == 1.0);
        let material = Material { train: Pictures { counts: vec![3, 9], ..Pictures::default() }, ..material };
        assert_eq!(rungs(&material, 24).last().unwrap().folds, 3);
    }

    #[test]
    fn the_better_one_comes_first() {
        let merit = |value, tie| Merit { value, tie };
        let mut all = [merit(0.5, -2.0), merit(0.7, -3.0), merit(0.5, -1.0)];
        all.sort_by(|a, b| Merit::order(Some(a), Some(b)));
        assert_eq!(all, [merit(0.7, -3.0), merit(0.5, -1.0), merit(0.5, -2.0)]);
    }
}
