//! Whether a generated sample may stay: no copy of a training sample, and near the real data.

use super::data::TrainingData;
use crate::error::Result;
use crate::stages::Ctx;
use seedbed::linalg::{Exclude, Neighbour, knn, knn_scratch_len};
use seedbed::rng::{Key, Stream};
use seedbed::{MatRef, Scratch};

/// Real samples of one class that the radii are computed from at most; a keyed choice beyond that.
const MOST_REAL: usize = 5000;

/// The purpose of the streams of that choice.
const SUBSET_PURPOSE: u32 = 9;

/// Nearest real samples whose radius may cover a generated one.
const LOOKED_AT: usize = 16;

/// What is wrong with a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Fine,
    /// It is a training sample, or nearly.
    Copy,
    /// It lies outside the manifold of the real samples of its class.
    Outside,
}

/// Real samples of one class and the radius of each.
struct Manifold {
    points: Vec<f32>,
    radii: Vec<f32>,
}

/// The training samples that generated ones are held against.
///
/// A copy is nearer to some training sample than `copy_ratio` times the distance of that one to its own
/// nearest neighbour (so a dense region asks for more nearness than a sparse one). A sample is inside where
/// one of its 16 nearest real samples (of its class) has it within the distance to its own k-th neighbour,
/// the manifold of Kynkäänniemi et al. (2019).
pub struct Judge<'a> {
    ctx: &'a Ctx,
    width: usize,
    train: Vec<f32>,
    classes: Vec<Manifold>,
    copy_ratio: f32,
}

impl<'a> Judge<'a> {
    /// A judge by the train split of `data`, with a manifold for each of `classes` classes (0: one for
    /// all). With `k` = 0 nothing is outside, with `copy_ratio` = 0 nothing is a copy but an exact one.
    ///
    /// # Errors
    /// None that the data does not exclude.
    pub fn new(ctx: &'a Ctx, data: &TrainingData, classes: usize, copy_ratio: f32, k: usize) -> Result<Self> {
        let width = data.spec.width();
        let mut train = Vec::new();
        data.gather(&data.lists.train, &mut train);
        let (labels, _, _) = data.about(&data.lists.train);
        let mut judge = Self { ctx, width, train, classes: Vec::new(), copy_ratio };
        for class in 0..classes.max(1) {
            let own = data.lists.train.iter().zip(&labels);
            let own = own.filter(|(_, l)| classes == 0 || **l as usize == class).map(|(p, _)| *p);
            let mut places: Vec<u32> = own.collect();
            if places.len() > MOST_REAL {
                Stream::new(ctx.seed, Key::new(SUBSET_PURPOSE).op(class as u32)).shuffle(&mut places);
                places.truncate(MOST_REAL);
                places.sort_unstable();
            }
            let mut points = Vec::new();
            data.gather(&places, &mut points);
            let radii = match k.min(places.len().saturating_sub(1)) {
                0 => Vec::new(),
                k => {
                    let found = judge.nearest(&points, &points, Exclude::Itself, k)?;
                    found.chunks_exact(k).map(|list| list[k - 1].squared).collect()
                }
            };
            judge.classes.push(Manifold { points, radii });
        }
        Ok(judge)
    }

    fn nearest(&self, queries: &[f32], refs: &[f32], exclude: Exclude, k: usize) -> Result<Vec<Neighbour>> {
        let (n, m) = (queries.len() / self.width, refs.len() / self.width);
        let mut out = vec![Neighbour::NONE; n * k];
        let mut memory = vec![0u8; knn_scratch_len(n, m, self.width)];
        let queries = MatRef::new(queries, n, self.width)?;
        let refs = MatRef::new(refs, m, self.width)?;
        let scratch = &mut Scratch::new(&mut memory);
        knn(self.ctx.level, &self.ctx.pool, queries, refs, exclude, k, &mut out, scratch)?;
        Ok(out)
    }

    /// What is wrong with each sample of `class`.
    ///
    /// # Errors
    /// None that the data does not exclude.
    pub fn verdicts(&self, samples: &[f32], class: usize) -> Result<Vec<Verdict>> {
        let copies = self.ratios(samples)?.into_iter().map(|r| r < self.copy_ratio || r == 0.0);
        let inside = self.inside(samples, class)?;
        let verdict = |(copy, inside)| match (copy, inside) {
            (true, _) => Verdict::Copy,
            (false, false) => Verdict::Outside,
            (false, true) => Verdict::Fine,
        };
        Ok(copies.zip(inside).map(verdict).collect())
    }

    /// The distance of each sample to the nearest training sample, divided by the distance of that one to
    /// its own nearest neighbour; infinity where that one has an exact twin.
    ///
    /// # Errors
    /// None that the data does not exclude.
    pub fn ratios(&self, samples: &[f32]) -> Result<Vec<f32>> {
        let nearest = self.nearest(samples, &self.train, Exclude::Nothing, 1)?;
        let hit = |n: &Neighbour| n.at() * self.width..(n.at() + 1) * self.width;
        let hits: Vec<f32> =
            nearest.iter().flat_map(|n| self.train.get(hit(n)).unwrap_or(&[])).copied().collect();
        // The nearest of a training sample is itself; the second is its neighbour.
        let own = self.nearest(&hits, &self.train, Exclude::Nothing, 2)?;
        let ratio = |(n, own): (&Neighbour, &[Neighbour])| match n.squared {
            0.0 => 0.0,
            d => (d / own[1].squared).sqrt(),
        };
        Ok(nearest.iter().zip(own.chunks_exact(2)).map(ratio).collect())
    }

    fn inside(&self, samples: &[f32], class: usize) -> Result<Vec<bool>> {
        let n = samples.len() / self.width;
        let Some(manifold) = self.classes.get(class).filter(|m| !m.radii.is_empty()) else {
            return Ok(vec![true; n]);
        };
        let k = LOOKED_AT.min(manifold.radii.len());
        let found = self.nearest(samples, &manifold.points, Exclude::Nothing, k)?;
        let covers = |n: &Neighbour| manifold.radii.get(n.at()).is_some_and(|&r| n.squared <= r);
        Ok(found.chunks_exact(k).map(|list| list.iter().any(covers)).collect())
    }
}
