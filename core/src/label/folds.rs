//! Who is held out when, and probabilities from neighbours.

use crate::error::{Error, Result};
use crate::linalg::Neighbour;
use crate::math;
use crate::rng::{Key, Stream};
use crate::view::MatMut;

/// The purpose number of this module's random streams: selection.
pub const PURPOSE: u32 = 10;

/// The fold in 0..`folds` in which a sample is held out: a function of the seed and the sample's number alone.
pub fn fold_of(seed: u64, sample: u64, folds: u32) -> u32 {
    Stream::new(seed, Key::new(PURPOSE).sample(sample)).below(folds)
}

/// Probabilities of each class from the `k` nearest others of each sample, itself excluded, written into `out`
/// (samples × classes): `neighbours` has `k` places for each sample, as [`knn`](crate::linalg::knn) gives them, and
/// `labels` a class. It is a vote with weight 1/(d² + 0.001·dₖ²), divided by the square root of the class's size, so that rare classes are
/// not outvoted by sheer number, and scaled to the sum 1.
///
/// `counts` is temporary, one per class. A sample without neighbours gets the same probability everywhere.
///
/// ```
/// use seedbed::label::knn_probabilities;
/// use seedbed::{MatMut, linalg::Neighbour};
/// let lists = [1, 0, 1].map(|index| Neighbour { index, squared: 1.0 });
/// let mut out = [0.0; 6];
/// knn_probabilities(&lists, 1, &[0, 0, 1], &mut [0; 2], MatMut::new(&mut out, 3, 2)?)?;
/// assert_eq!(out, [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`] for `k` = 0 or a label that is no column of `out`, [`Error::ShapeMismatch`].
pub fn knn_probabilities(
    neighbours: &[Neighbour],
    k: usize,
    labels: &[u32],
    counts: &mut [u32],
    mut out: MatMut<'_, f32>,
) -> Result<()> {
    let (n, classes) = (out.rows(), out.cols());
    if k == 0 || labels.iter().any(|&l| l as usize >= classes) {
        return Err(Error::InvalidArgument);
    }
    let places = n.checked_mul(k).ok_or(Error::Overflow)?;
    if labels.len() != n || neighbours.len() != places || counts.len() != classes {
        return Err(Error::ShapeMismatch);
    }
    counts.fill(0);
    for &label in labels {
        if let Some(count) = counts.get_mut(label as usize) {
            *count += 1;
        }
    }
    for (row, list) in out.iter_rows_mut().zip(neighbours.chunks(k)) {
        row.fill(0.0);
        let farthest = list.iter().rfind(|n| n.exists()).map_or(0.0, |n| n.squared);
        let mut total = 0.0;
        for n in list.iter().filter(|n| n.exists()) {
            let Some(&label) = labels.get(n.at()) else { continue };
            let size = counts.get(label as usize).copied().unwrap_or(1) as f32;
            let closeness = if farthest > 0.0 { 1.0 / (n.squared / farthest + 1e-3) } else { 1.0 };
            let vote = closeness / math::sqrt(size);
            if let Some(p) = row.get_mut(label as usize) {
                *p += vote;
            }
            total += vote;
        }
        for p in row.iter_mut() {
            *p = if total > 0.0 { *p / total } else { 1.0 / classes as f32 };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_even_and_depend_on_the_sample_alone() {
        let mut counts = [0u32; 5];
        for sample in 0..5000 {
            counts[fold_of(1, sample, 5) as usize] += 1;
        }
        assert!(counts.iter().all(|c| c.abs_diff(1000) < 150), "{counts:?}");
        // A fixed vector: a fold is what it always was.
        let folds = [0, 1, 2, 3, 4, u64::MAX].map(|sample| fold_of(7, sample, 10));
        assert_eq!(folds, [0, 1, 1, 5, 7, 7]);
    }

    #[test]
    fn neighbours_vote_by_closeness_and_rarity() {
        let n = |index, squared| Neighbour { index, squared };
        // Classes 0, 0, 0, 0 and 1: each of the first has the rare one at the same distance as one of its own.
        let lists = [
            n(1, 1.0),
            n(4, 1.0),
            n(0, 1.0),
            n(4, 1.0),
            n(0, 1.0),
            n(1, 4.0),
            n(0, 0.0),
            n(1, 0.0),
            Neighbour::NONE,
            Neighbour::NONE,
        ];
        let (mut p, mut counts) = ([0f32; 10], [0u32; 2]);
        knn_probabilities(&lists, 2, &[0, 0, 0, 0, 1], &mut counts, MatMut::new(&mut p, 5, 2).unwrap())
            .unwrap();
        assert!((p[0] - 1.0 / 3.0).abs() < 1e-6 && (p[1] - 2.0 / 3.0).abs() < 1e-6, "{p:?}");
        assert_eq!((&p[4..6], &p[6..8], &p[8..]), (&[1.0, 0.0][..], &[1.0, 0.0][..], &[0.5, 0.5][..]));
        let bad = knn_probabilities(&lists, 2, &[2; 5], &mut counts, MatMut::new(&mut p, 5, 2).unwrap());
        assert_eq!(bad, Err(Error::InvalidArgument));
    }
}
