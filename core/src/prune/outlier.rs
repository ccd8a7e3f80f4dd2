//! Outliers by neighbours: the distance to them, and the local outlier factor.
//!
//! Both read the lists that [`knn`](crate::linalg::knn) makes of one set with itself, so that the search is done once.
//! Sums over the few neighbours of a list run in its order.

use crate::error::{Error, Result};
use crate::linalg::Neighbour;
use crate::math;

/// What makes a median absolute deviation the standard deviation of normal data: 1/Φ⁻¹(¾).
pub const MAD_TO_SIGMA: f32 = 1.482_602_2;

/// What makes a mean absolute deviation the standard deviation of normal data: √(π/2).
pub const MEAN_AD_TO_SIGMA: f32 = 1.253_314_1;

fn check(neighbours: &[Neighbour], k: usize, out: usize) -> Result<()> {
    if k == 0 {
        return Err(Error::InvalidArgument);
    }
    if neighbours.len() != out.checked_mul(k).ok_or(Error::Overflow)? {
        return Err(Error::ShapeMismatch);
    }
    if out <= k {
        return Err(Error::TooFewSamples);
    }
    Ok(())
}

/// Mean distance of each point to its `k` neighbours (Angiulli, Pizzuti 2002); infinite for a point that is not
/// finite.
///
/// ```
/// use seedbed::{linalg::Neighbour, prune::knn_scores};
/// let near = |index, squared| Neighbour { index, squared };
/// let lists = [near(1, 1.0), near(2, 9.0), near(0, 1.0), near(2, 16.0), near(0, 9.0), near(1, 16.0)];
/// let mut scores = [0.0; 3];
/// knn_scores(&lists, 2, &mut scores)?;
/// assert_eq!(scores, [2.0, 2.5, 3.5]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`] for `k` = 0, [`Error::ShapeMismatch`] where `neighbours` has not `k` places per
/// output, [`Error::TooFewSamples`] for `k` points or fewer.
pub fn knn_scores(neighbours: &[Neighbour], k: usize, out: &mut [f32]) -> Result<()> {
    check(neighbours, k, out.len())?;
    for (score, list) in out.iter_mut().zip(neighbours.chunks(k)) {
        let sum = list.iter().fold(0.0, |sum, n| sum + math::sqrt(n.squared));
        *score = sum / k as f32;
    }
    Ok(())
}

/// Local outlier factor of each point (Breunig et al. 2000; the formula of scikit-learn, 1e-10 included):
/// about 1 inside a cluster of any density, well above 1 outside.
///
/// With reach(p, o) = max(distance to the k-th neighbour of o, distance of p and o) and
/// lrd(p) = 1 / (mean reach over the neighbours of p + 1e-10): the mean of lrd(o)/lrd(p) over the neighbours.
/// `density` is temporary, one value per point. A point that is not finite gets infinity.
///
/// # Errors
/// As [`knn_scores`]; also where `density` has another length than `out`.
pub fn lof(neighbours: &[Neighbour], k: usize, density: &mut [f32], out: &mut [f32]) -> Result<()> {
    check(neighbours, k, out.len())?;
    if density.len() != out.len() {
        return Err(Error::ShapeMismatch);
    }
    let k_distance = |i: usize| {
        let list = i.checked_mul(k).and_then(|first| neighbours.get(first..)?.get(..k));
        let last = list.and_then(|list| list.last());
        last.map_or(f32::INFINITY, |n| n.squared)
    };
    for (lrd, list) in density.iter_mut().zip(neighbours.chunks(k)) {
        let reach = |n: &Neighbour| math::sqrt(math::max(k_distance(n.at()), n.squared));
        let sum = list.iter().fold(0.0, |sum, n| sum + reach(n));
        *lrd = 1.0 / (sum / k as f32 + 1e-10);
    }
    for ((score, list), &own) in out.iter_mut().zip(neighbours.chunks(k)).zip(&*density) {
        let sum = list.iter().fold(0.0, |sum, n| sum + density.get(n.at()).copied().unwrap_or(0.0));
        *score = if own > 0.0 { sum / k as f32 / own } else { f32::INFINITY };
    }
    Ok(())
}

/// The score above which a sample is an outlier: median + `factor` × 1.4826 × median absolute deviation.
///
/// For scores whose bulk is roughly normal `factor` counts standard deviations, whatever the outliers
/// are. Where more than half of the scores are equal, their median deviation is 0 and would make an outlier of every
/// other one: then 1.2533 × the mean absolute deviation (of the finite scores) takes its place, as in the modified
/// z-score (Iglewicz, Hoaglin 1993). Infinity, so that nothing is an outlier, where that is 0 too, where the
/// median is not finite, and for no scores. `sorted` is temporary, of the length of `scores`.
///
/// ```
/// use seedbed::prune::{MAD_TO_SIGMA, MEAN_AD_TO_SIGMA, robust_limit};
/// assert_eq!(robust_limit(&[1.0, 2.0, 3.0, 4.0, 90.0], 2.0, &mut [0.0; 5])?, 3.0 + 2.0 * MAD_TO_SIGMA);
/// assert_eq!(robust_limit(&[1.0, 1.0, 1.0, 6.0], 2.0, &mut [0.0; 4])?, 1.0 + 2.0 * (MEAN_AD_TO_SIGMA * 1.25));
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`] for a factor that is not positive and finite, [`Error::ShapeMismatch`].
pub fn robust_limit(scores: &[f32], factor: f32, sorted: &mut [f32]) -> Result<f32> {
    if !(factor > 0.0 && factor < f32::INFINITY) {
        return Err(Error::InvalidArgument);
    }
    if sorted.len() != scores.len() {
        return Err(Error::ShapeMismatch);
    }
    sorted.copy_from_slice(scores);
    let Some(median) = median(sorted).filter(|m| m.is_finite()) else { return Ok(f32::INFINITY) };
    for (d, &s) in sorted.iter_mut().zip(scores) {
        *d = math::abs(s - median);
    }
    let spread = match self::median(sorted) {
        Some(deviation) if deviation > 0.0 => MAD_TO_SIGMA * deviation,
        _ => MEAN_AD_TO_SIGMA * finite_mean(sorted),
    };
    Ok(if spread > 0.0 { median + factor * spread } else { f32::INFINITY })
}

/// The mean of the finite values, summed in their order in double precision.
fn finite_mean(values: &[f32]) -> f32 {
    let finite = values.iter().filter(|v| v.is_finite());
    let (sum, count) = finite.fold((0f64, 0u64), |(sum, n), &v| (sum + f64::from(v), n + 1));
    (sum / count.max(1) as f64) as f32
}

/// The upper median; sorts.
fn median(values: &mut [f32]) -> Option<f32> {
    values.sort_unstable_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Serial;
    use crate::linalg::{Exclude, knn, knn_scratch_len};
    use crate::scratch::Scratch;
    use crate::simd::Level;
    use crate::view::MatRef;
    use std::vec;

    const POINTS: [f32; 18] =
        [0.0, 0.0, 1.0, 0.1, 0.2, 1.1, 1.2, 1.0, 0.5, 0.4, 6.0, 5.0, 6.5, 5.2, 6.1, 5.9, 3.0, 9.0];

    fn graph(k: usize) -> vec::Vec<Neighbour> {
        let x = MatRef::new(&POINTS, 9, 2).unwrap();
        let mut memory = vec![0u8; knn_scratch_len(9, 9, 2)];
        let mut out = vec![Neighbour::NONE; 9 * k];
        let scratch = &mut Scratch::new(&mut memory);
        knn(Level::detect(), &Serial, x, x, Exclude::Itself, k, &mut out, scratch).unwrap();
        out
    }

    /// −negative_outlier_factor_ of sklearn.neighbors.LocalOutlierFactor(n_neighbors=3) 1.9.1, and the mean
    /// of kneighbors().
    #[test]
    fn scores_are_those_of_sklearn() {
        let (mut density, mut out) = ([0f32; 9], [0f32; 9]);
        lof(&graph(3), 3, &mut density, &mut out).unwrap();
        let want = include!("lof_vector.in");
        assert!(out.iter().zip(want.0).all(|(a, b): (_, f32)| (a - b).abs() < 2e-5 * b), "{out:?}");
        knn_scores(&graph(3), 3, &mut out).unwrap();
        assert!(out.iter().zip(want.1).all(|(a, b): (_, f32)| (a - b).abs() < 2e-6 * b), "{out:?}");
    }

    #[test]
    fn the_limit_ignores_what_it_is_to_find() {
        let scores = [1.0, 2.0, 3.0, 4.0, 5.0, 1e9, f32::INFINITY];
        let mut sorted = [0f32; 7];
        let limit = robust_limit(&scores, 2.0, &mut sorted).unwrap();
        assert!((limit - (4.0 + 2.0 * MAD_TO_SIGMA * 2.0)).abs() < 1e-5, "{limit}");
        for factor in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(robust_limit(&scores, factor, &mut sorted), Err(Error::InvalidArgument));
        }
        assert_eq!(robust_limit(&[], 1.0, &mut []), Ok(f32::INFINITY));
    }

    #[test]
    fn equal_scores_make_no_outlier_of_what_is_near_them() {
        let mut sorted = [0f32; 8];
        let limit = |scores: &[f32; 8], sorted: &mut [f32; 8]| robust_limit(scores, 3.0, sorted).unwrap();
        let mut scores = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.1, 2.0];
        let want = 1.0 + 3.0 * (MEAN_AD_TO_SIGMA * (1.1 / 8.0));
        assert!((limit(&scores, &mut sorted) - want).abs() < 1e-6);
        // One that is not finite is above any limit, and moves none.
        scores[7] = f32::INFINITY;
        let want = 1.0 + 3.0 * (MEAN_AD_TO_SIGMA * (0.1 / 7.0));
        assert!((limit(&scores, &mut sorted) - want).abs() < 1e-6);
        assert_eq!(limit(&[4.0; 8], &mut sorted), f32::INFINITY);
        assert_eq!(limit(&[f32::INFINITY; 8], &mut sorted), f32::INFINITY);
    }

    #[test]
    fn points_that_are_not_finite_have_infinite_scores() {
        for bad in [f32::NAN, f32::INFINITY] {
            let v = [0.0, 1.0, bad, 2.0, 4.0];
            let x = MatRef::new(&v, 5, 1).unwrap();
            let mut memory = vec![0u8; knn_scratch_len(5, 5, 1)];
            let mut lists = [Neighbour::NONE; 10];
            let scratch = &mut Scratch::new(&mut memory);
            knn(Level::detect(), &Serial, x, x, Exclude::Itself, 2, &mut lists, scratch).unwrap();
            let (mut density, mut scores) = ([0f32; 5], [0f32; 5]);
            knn_scores(&lists, 2, &mut scores).unwrap();
            assert_eq!(scores, [1.5, 1.0, f32::INFINITY, 1.5, 2.5]);
            lof(&lists, 2, &mut density, &mut scores).unwrap();
            assert_eq!(scores.map(f32::is_finite), [true, true, false, true, true]);
            assert_eq!(scores[2], f32::INFINITY);
        }
    }

    #[test]
    fn too_few_points_and_wrong_sizes_are_refused() {
        let mut out = [0f32; 9];
        assert_eq!(knn_scores(&graph(3), 0, &mut out), Err(Error::InvalidArgument));
        assert_eq!(knn_scores(&graph(3), 4, &mut out), Err(Error::ShapeMismatch));
        assert_eq!(knn_scores(&graph(9), 9, &mut out), Err(Error::TooFewSamples));
        assert_eq!(lof(&graph(3), 3, &mut [0.0; 8], &mut out), Err(Error::ShapeMismatch));
    }

    #[test]
    fn copies_have_finite_factors() {
        let same = [
            Neighbour { index: 1, squared: 0.0 },
            Neighbour { index: 0, squared: 0.0 },
            Neighbour { index: 0, squared: 0.0 },
        ];
        let (mut density, mut out) = ([0f32; 3], [0f32; 3]);
        lof(&same, 1, &mut density, &mut out).unwrap();
        assert_eq!(out, [1.0; 3]);
    }
}
