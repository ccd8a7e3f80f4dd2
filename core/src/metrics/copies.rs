//! Memorisation: are generated samples copies of training samples?

use crate::error::{Error, Result};
use crate::linalg::Neighbour;
use crate::math;

/// What two tests say about copying.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CopyScores {
    /// Share of generated samples whose nearest training sample is less than `limit` times as far as the second nearest.
    pub copied: f64,
    /// The same share of samples that were held out: what is to be expected without copying.
    pub held_out_copied: f64,
    /// Share of generated samples at distance 0 from a training sample.
    pub identical: f64,
    /// Standard score of the Mann–Whitney test of the distances to training, generated against held out
    /// (the global form of the data-copying test, Meehan, Chaudhuri, Dasgupta 2020): far below 0 where generated
    /// samples lie nearer to training than new real ones do (copying), far above 0 where they lie farther (poor fit).
    pub z: f64,
}

/// Judges copying from neighbours in the training set: two places for each generated and each held-out sample, as
/// [`knn`](crate::linalg::knn) with k = 2 gives them. A `limit` of ⅓ is usual. The temporary slices have one
/// value per sample of their sets.
///
/// # Errors
/// [`Error::InvalidArgument`] for a limit outside 0..=1, [`Error::ShapeMismatch`] where the sizes do not fit,
/// [`Error::TooFewSamples`] where a set is empty or training has fewer than two samples, so that no sample has two
/// neighbours; [`Error::NotFinite`] where only some have not: a sample that is not finite is near to nobody.
///
/// ```
/// use seedbed::{linalg::Neighbour, metrics::copy_scores};
/// let near = |squared| Neighbour { index: 0, squared };
/// // Of two generated samples one lies on a training sample; those held out do not.
/// let (generated, held_out) = ([near(0.0), near(4.0), near(3.0), near(4.0)], [near(3.0), near(4.0)]);
/// let scores = copy_scores(1.0 / 3.0, &generated, &held_out, &mut [0.0; 2], &mut [0.0])?;
/// assert_eq!((scores.copied, scores.held_out_copied, scores.identical), (0.5, 0.0, 0.5));
/// # Ok::<(), seedbed::Error>(())
/// ```
pub fn copy_scores(
    limit: f32,
    generated: &[Neighbour],
    held_out: &[Neighbour],
    generated_sorted: &mut [f32],
    held_out_sorted: &mut [f32],
) -> Result<CopyScores> {
    if !(0.0..=1.0).contains(&limit) {
        return Err(Error::InvalidArgument);
    }
    let fits = generated.len() == generated_sorted.len() * 2 && held_out.len() == held_out_sorted.len() * 2;
    if !fits {
        return Err(Error::ShapeMismatch);
    }
    let is_whole = |pair: &[Neighbour]| pair.iter().all(Neighbour::exists);
    let mut pairs = generated.chunks(2).chain(held_out.chunks(2));
    if generated.is_empty() || held_out.is_empty() || !pairs.clone().any(is_whole) {
        return Err(Error::TooFewSamples);
    }
    if !pairs.all(is_whole) {
        return Err(Error::NotFinite);
    }
    for (sorted, pairs) in [(&mut *generated_sorted, generated), (&mut *held_out_sorted, held_out)] {
        for (d, pair) in sorted.iter_mut().zip(pairs.chunks(2)) {
            *d = pair.first().map_or(0.0, |n| math::sqrt(n.squared));
        }
        sorted.sort_unstable_by(f32::total_cmp);
    }
    let identical = generated_sorted.iter().filter(|&&d| d == 0.0).count();
    Ok(CopyScores {
        copied: copied(limit, generated),
        held_out_copied: copied(limit, held_out),
        identical: identical as f64 / generated_sorted.len() as f64,
        z: mann_whitney_z(generated_sorted, held_out_sorted),
    })
}

/// Share of pairs of neighbours of which the first is much nearer than the second; identical ones always count.
fn copied(limit: f32, pairs: &[Neighbour]) -> f64 {
    let is_copy = |pair: &[Neighbour]| match pair {
        [first, second] => first.squared == 0.0 || first.squared < limit * limit * second.squared,
        _ => false,
    };
    let count = pairs.chunks(2).filter(|pair| is_copy(pair)).count();
    count as f64 / (pairs.len() / 2).max(1) as f64
}

/// Standard score of the Mann–Whitney U of `a` against `b`, both sorted: below 0 where `a` tends to be smaller. Ties
/// count half and narrow the spread; 0 for empty sets and where all values are equal.
pub fn mann_whitney_z(a: &[f32], b: &[f32]) -> f64 {
    let (m, n) = (a.len() as f64, b.len() as f64);
    let (mut u, mut ties) = (0.0, 0.0);
    let (mut rest_a, mut rest_b) = (a, b);
    let mut below = 0.0;
    // Groups of equal values in ascending order; `below` counts the values of `b` before the group.
    while let Some(value) = least(rest_a.first(), rest_b.first()) {
        let (in_a, in_b) = (run(rest_a, value), run(rest_b, value));
        rest_a = rest_a.get(in_a..).unwrap_or(&[]);
        rest_b = rest_b.get(in_b..).unwrap_or(&[]);
        let (in_a, in_b) = (in_a as f64, in_b as f64);
        u += in_a * (below + 0.5 * in_b);
        below += in_b;
        let t = in_a + in_b;
        ties += t * t * t - t;
    }
    let all = m + n;
    let variance = m * n / 12.0 * ((all + 1.0) - ties / (all * (all - 1.0)));
    // Also false for the NaN of an empty set.
    if variance > 0.0 { (u - 0.5 * m * n) / libm::sqrt(variance) } else { 0.0 }
}

fn least(a: Option<&f32>, b: Option<&f32>) -> Option<f32> {
    match (a, b) {
        (Some(&a), Some(&b)) => Some(if b.total_cmp(&a).is_lt() { b } else { a }),
        (a, b) => a.or(b).copied(),
    }
}

/// How many values at the start are this one.
fn run(sorted: &[f32], value: f32) -> usize {
    sorted.iter().take_while(|v| v.total_cmp(&value).is_eq()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.mannwhitneyu 1.17.1, asymptotic, without continuity correction.
    #[test]
    fn the_score_is_that_of_scipy() {
        let z = mann_whitney_z(&[0.2, 1.0, 2.5, 2.5, 3.0], &[1.0, 2.5, 4.0, 5.0]);
        assert!((z + 1.1259778359082038).abs() < 1e-12, "{z}");
        assert_eq!(mann_whitney_z(&[], &[1.0]), 0.0);
        assert_eq!(mann_whitney_z(&[1.0, 1.0], &[1.0]), 0.0);
        assert!(mann_whitney_z(&[f32::NAN], &[1.0, f32::NAN]).is_finite());
    }

    #[test]
    fn copies_are_told_from_new_samples() {
        let pair = |a: f32, b: f32| [(a * a), (b * b)].map(|squared| Neighbour { index: 0, squared });
        let held_out = [pair(3.0, 3.5), pair(2.0, 2.2), pair(4.0, 4.1), pair(3.0, 20.0)];
        let generated = [pair(0.0, 0.0), pair(0.1, 3.0), pair(0.2, 2.0), pair(3.0, 3.1)];
        let (mut a, mut b) = ([0f32; 4], [0f32; 4]);
        let scores =
            copy_scores(1.0 / 3.0, generated.as_flattened(), held_out.as_flattened(), &mut a, &mut b)
                .unwrap();
        assert_eq!((scores.copied, scores.held_out_copied, scores.identical), (0.75, 0.25, 0.25));
        assert!(scores.z < -1.0);
        let call =
            |limit, g: &[Neighbour], s: &mut [f32]| copy_scores(limit, g, g, s, &mut [0.0; 1]).unwrap_err();
        assert_eq!(call(2.0, &generated[0], &mut [0.0]), Error::InvalidArgument);
        assert_eq!(call(0.3, &generated[0], &mut [0.0; 2]), Error::ShapeMismatch);
        assert_eq!(call(0.3, &[Neighbour::NONE; 2], &mut [0.0]), Error::TooFewSamples);
        let lost = [generated[1], [Neighbour::NONE; 2], generated[2], generated[3]];
        let got = copy_scores(0.3, lost.as_flattened(), held_out.as_flattened(), &mut a, &mut b);
        assert_eq!(got, Err(Error::NotFinite));
    }
}
