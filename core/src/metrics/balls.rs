//! Scores by balls around samples: improved precision and recall (Kynkäänniemi et al. 2019), density and coverage
//! (Naeem et al. 2020).
//!
//! The ball of a sample reaches to its k-th nearest other sample of its own set, the border included. Distances
//! are taken block by block; no matrix of all pairs is kept.

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::distance::{Run, scan, scan_scratch_len};
use crate::linalg::knn::insert;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::MatRef;
use core::ops::ControlFlow;

/// How two sets of samples lie in each other's balls.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BallScores {
    /// Share of generated samples inside some real ball: are they like real ones?
    pub precision: f64,
    /// Share of real samples inside some generated ball: is all that is real generated?
    pub recall: f64,
    /// Mean number of real balls that a generated sample lies in, over k; about 1 for equal distributions, and
    /// less moved by outliers than precision.
    pub density: f64,
    /// Share of real balls with a generated sample inside.
    pub coverage: f64,
}

/// Bytes of scratch for [`ball_scores`] of so many samples of `dims` features with `k` neighbours.
pub const fn ball_scores_scratch_len(real: usize, generated: usize, dims: usize, k: usize) -> usize {
    let most = if real > generated { real } else { generated };
    ScratchLen::new()
        .with::<f32>(most.saturating_mul(k))
        .with::<f32>(real)
        .with::<f32>(generated)
        .with::<u32>(most)
        .with_bytes(scan_scratch_len(most, most, dims))
        .bytes()
}

/// The four scores of `generated` against `real`; 5 is the usual `k`.
///
/// # Errors
/// [`Error::InvalidArgument`] for `k` = 0, [`Error::TooFewSamples`] where a set has `k` samples or fewer,
/// [`Error::ShapeMismatch`] for different numbers of features, [`Error::NotFinite`] where a sample is not finite, or so far
/// from its k-th neighbour that the square of the distance is not, [`Error::ScratchTooSmall`].
///
/// ```
/// use seedbed::metrics::{ball_scores, ball_scores_scratch_len};
/// use seedbed::{Level, MatRef, Scratch, exec::Serial};
///
/// let real = MatRef::new(&[0.0, 1.0, 2.0, 3.0], 4, 1)?;
/// let generated = MatRef::new(&[0.1, 1.1, 9.0, 9.5], 4, 1)?;
/// let mut memory = vec![0; ball_scores_scratch_len(4, 4, 1, 1)];
/// let scratch = &mut Scratch::new(&mut memory);
/// let scores = ball_scores(Level::detect(), &Serial, real, generated, 1, scratch)?;
/// assert_eq!((scores.precision, scores.recall, scores.coverage), (0.5, 0.75, 0.75));
/// # Ok::<(), seedbed::Error>(())
/// ```
pub fn ball_scores<E: Executor>(
    level: Level,
    exec: &E,
    real: MatRef<'_, f32>,
    generated: MatRef<'_, f32>,
    k: usize,
    scratch: &mut Scratch<'_>,
) -> Result<BallScores> {
    let (n, m) = (real.rows(), generated.rows());
    if k == 0 {
        return Err(Error::InvalidArgument);
    }
    if n <= k || m <= k {
        return Err(Error::TooFewSamples);
    }
    if real.cols() != generated.cols() {
        return Err(Error::ShapeMismatch);
    }
    if scratch.remaining() < ball_scores_scratch_len(n, m, real.cols(), k) {
        return Err(Error::ScratchTooSmall);
    }
    let mut frame = scratch.frame();
    let lists = frame.take::<f32>(n.max(m).checked_mul(k).ok_or(Error::Overflow)?)?;
    let (real_radii, generated_radii) = (frame.take::<f32>(n)?, frame.take::<f32>(m)?);
    let counts = frame.take::<u32>(n.max(m))?;
    for (set, radii) in [(real, &mut *real_radii), (generated, &mut *generated_radii)] {
        let lists = lists.get_mut(..set.rows() * k).unwrap_or_default();
        own_radii(level, exec, set, k, lists, radii, &mut frame)?;
    }
    let counts_of = counts.get_mut(..m).unwrap_or_default();
    in_balls((level, exec), (generated, real), real_radii, false, counts_of, &mut frame)?;
    let inside = share(counts_of);
    let memberships: f64 = counts_of.iter().map(|&c| f64::from(c)).sum();
    let counts_of = counts.get_mut(..n).unwrap_or_default();
    in_balls((level, exec), (real, generated), generated_radii, true, counts_of, &mut frame)?;
    let recall = share(counts_of);
    hit(level, exec, real, generated, real_radii, counts_of, &mut frame)?;
    Ok(BallScores {
        precision: inside,
        recall,
        density: memberships / (k as f64 * m as f64),
        coverage: share(counts_of),
    })
}

/// The share of counts that are not 0.
fn share(counts: &[u32]) -> f64 {
    counts.iter().filter(|&&c| c > 0).count() as f64 / counts.len().max(1) as f64
}

/// Squared distance of each row to its k-th nearest other row.
fn own_radii<E: Executor>(
    level: Level,
    exec: &E,
    set: MatRef<'_, f32>,
    k: usize,
    lists: &mut [f32],
    radii: &mut [f32],
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    lists.fill(f32::INFINITY);
    scan(level, exec, set, set, None, (&mut *lists, k), scratch, |run: &Run<'_>, list: &mut [f32]| {
        let mut worst = list.last().copied().unwrap_or(0.0);
        run.each_within(worst, |other, squared| {
            if squared < worst && other != run.query {
                insert(list, squared, |&d| d);
                worst = list.last().copied().unwrap_or(0.0);
            }
            ControlFlow::Continue(worst)
        });
    })?;
    for (radius, list) in radii.iter_mut().zip(lists.chunks(k)) {
        *radius = list.last().copied().unwrap_or(0.0);
        // There are more than k samples: a place is left where a distance is no number or too large for one.
        if !radius.is_finite() {
            return Err(Error::NotFinite);
        }
    }
    Ok(())
}

/// For each point the number of centres whose ball it lies in, or where `any` will do whether there is one.
fn in_balls<E: Executor>(
    (level, exec): (Level, &E),
    (points, centres): (MatRef<'_, f32>, MatRef<'_, f32>),
    radii: &[f32],
    any: bool,
    counts: &mut [u32],
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    counts.fill(0);
    let visit = |run: &Run<'_>, count: &mut [u32]| {
        if any && count != [0] {
            return;
        }
        let mut found = 0;
        run.each_within(0.0, |centre, squared| {
            found += u32::from(radii.get(centre).is_some_and(|&r| squared <= r));
            if any && found > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(0.0) }
        });
        count.iter_mut().for_each(|c| *c += found);
    };
    scan(level, exec, points, centres, Some(radii), (counts, 1), scratch, visit)
}

/// For each centre 1 where some point lies in its ball.
fn hit<E: Executor>(
    level: Level,
    exec: &E,
    centres: MatRef<'_, f32>,
    points: MatRef<'_, f32>,
    radii: &[f32],
    counts: &mut [u32],
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    counts.fill(0);
    let visit = |run: &Run<'_>, count: &mut [u32]| {
        if count != [0] {
            return;
        }
        let radius = radii.get(run.query).copied().unwrap_or(0.0);
        run.each_within(radius, |_, squared| {
            if squared > radius {
                return ControlFlow::Continue(radius);
            }
            count.fill(1);
            ControlFlow::Break(())
        });
    };
    scan(level, exec, centres, points, None, (counts, 1), scratch, visit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Serial;
    use crate::rng::{Key, Stream};
    use crate::testing::TwoThreads;
    use std::vec;
    use std::vec::Vec;

    fn scores(level: Level, real: &[f32], generated: &[f32], d: usize, k: usize) -> BallScores {
        let (real, generated) = (
            MatRef::new(real, real.len() / d, d).unwrap(),
            MatRef::new(generated, generated.len() / d, d).unwrap(),
        );
        let mut memory = vec![0u8; ball_scores_scratch_len(real.rows(), generated.rows(), d, k)];
        ball_scores(level, &Serial, real, generated, k, &mut Scratch::new(&mut memory)).unwrap()
    }

    /// prdc 0.2, compute_prdc with nearest_k 1 and 3.
    #[test]
    fn scores_are_those_of_prdc() {
        let (real, generated): ([f32; 36], [f32; 30]) = include!("points.in");
        for level in Level::available() {
            let one = scores(level, &real, &generated, 3, 1);
            assert_eq!(one, BallScores { precision: 0.6, recall: 0.25, density: 0.7, coverage: 0.5 });
            let three = scores(level, &real, &generated, 3, 3);
            assert_eq!(
                three,
                BallScores { precision: 1.0, recall: 11.0 / 12.0, density: 40.0 / 30.0, coverage: 1.0 }
            );
        }
    }

    #[test]
    fn the_same_set_is_perfect_and_a_far_one_is_nothing() {
        let real = [0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0];
        let same = scores(Level::detect(), &real, &real, 1, 2);
        assert_eq!((same.precision, same.recall, same.coverage), (1.0, 1.0, 1.0));
        assert!(same.density >= 1.0);
        let far = scores(Level::detect(), &real, &real.map(|v| v + 100.0), 1, 2);
        assert_eq!(far, BallScores { precision: 0.0, recall: 0.0, density: 0.0, coverage: 0.0 });
        // All points on one spot: balls of radius 0 that hold each other.
        let spot = scores(Level::detect(), &[2.0; 4], &[2.0; 4], 1, 2);
        assert_eq!((spot.precision, spot.recall, spot.coverage), (1.0, 1.0, 1.0));
    }

    #[test]
    fn two_threads_change_no_score() {
        let mut stream = Stream::new(2, Key::new(0));
        let mut normal = |n: usize, shift: f32| (0..n).map(|_| stream.normal() + shift).collect::<Vec<f32>>();
        let (real, generated) = (normal(3 * 300, 0.0), normal(3 * 270, 0.3));
        let want = scores(Level::BASE, &real, &generated, 3, 5);
        let (a, b) = (MatRef::new(&real, 300, 3).unwrap(), MatRef::new(&generated, 270, 3).unwrap());
        let mut memory = vec![0u8; ball_scores_scratch_len(300, 270, 3, 5)];
        for level in Level::available() {
            let got = ball_scores(level, &TwoThreads, a, b, 5, &mut Scratch::new(&mut memory)).unwrap();
            assert_eq!(got, want, "{level:?}");
        }
    }

    #[test]
    fn what_is_not_finite_has_no_score() {
        let good = [0.0f32, 1.0, 2.0, 3.0];
        for bad in [f32::NAN, f32::INFINITY, 1e30] {
            let with = [0.0, bad, 2.0, 3.0];
            for (real, generated) in [(&good, &with), (&with, &good)] {
                let (a, b) = (MatRef::new(real, 4, 1).unwrap(), MatRef::new(generated, 4, 1).unwrap());
                let mut memory = vec![0u8; ball_scores_scratch_len(4, 4, 1, 2)];
                let got = ball_scores(Level::BASE, &Serial, a, b, 2, &mut Scratch::new(&mut memory));
                assert_eq!(got, Err(Error::NotFinite), "{bad}");
            }
        }
    }

    #[test]
    fn too_few_samples_are_refused() {
        let x = MatRef::new(&[0f32; 4], 4, 1).unwrap();
        let call = |k| ball_scores(Level::BASE, &Serial, x, x, k, &mut Scratch::empty()).unwrap_err();
        assert_eq!((call(0), call(4)), (Error::InvalidArgument, Error::TooFewSamples));
        assert_eq!(call(3), Error::ScratchTooSmall);
    }
}
