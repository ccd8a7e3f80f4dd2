//! Class weights: for samplers and losses that take imbalance into account instead of removing it.

use crate::error::{Error, Result};
use crate::nn::power;

fn check(counts: &[u32], out: &[f32]) -> Result<()> {
    if counts.len() == out.len() { Ok(()) } else { Err(Error::ShapeMismatch) }
}

/// wᶜ = n / (classes · nᶜ), the `balanced` of scikit-learn: every class has the same total weight and the mean over
/// the samples is 1. Only classes that have samples count; the others get 0.
///
/// ```
/// let mut weights = [0.0; 2];
/// seedbed::balance::balanced_weights(&[3, 1], &mut weights)?;
/// assert_eq!(weights, [4.0 / 6.0, 2.0]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::ShapeMismatch`] where the lengths differ.
pub fn balanced_weights(counts: &[u32], out: &mut [f32]) -> Result<()> {
    check(counts, out)?;
    weights(counts, out, |n| 1.0 / f64::from(n));
    Ok(())
}

/// wᶜ ∝ (1 − β) / (1 − β^nᶜ), the effective number of samples (Cui et al. 2019), scaled so that the mean over the
/// samples is 1. β = 0 gives equal weights; β → 1 gives [`balanced_weights`].
///
/// # Errors
/// [`Error::ShapeMismatch`] where the lengths differ, [`Error::InvalidArgument`] for β outside 0 ≤ β < 1.
pub fn effective_number_weights(counts: &[u32], beta: f32, out: &mut [f32]) -> Result<()> {
    check(counts, out)?;
    if !(0.0..1.0).contains(&beta) {
        return Err(Error::InvalidArgument);
    }
    let beta = f64::from(beta);
    weights(counts, out, |n| (1.0 - beta) / (1.0 - power(beta, u64::from(n))));
    Ok(())
}

/// Weights of each class scaled to the mean 1 over the samples.
fn weights(counts: &[u32], out: &mut [f32], of: impl Fn(u32) -> f64) {
    let filled = || counts.iter().copied().filter(|&n| n > 0);
    let samples: f64 = filled().map(f64::from).sum();
    let total: f64 = filled().map(|n| f64::from(n) * of(n)).sum();
    for (w, &n) in out.iter_mut().zip(counts) {
        *w = if n > 0 { (of(n) * samples / total) as f32 } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sklearn.utils.class_weight.compute_class_weight("balanced") on 6, 3 and 1 samples, and the formula of Cui et al.
    /// in numpy at β = 0.9, scaled to the mean 1.
    #[test]
    fn weights_are_those_of_the_formulas() {
        let mut w = [0f32; 4];
        balanced_weights(&[6, 0, 3, 1], &mut w).unwrap();
        assert_eq!(w, [10.0 / 18.0, 0.0, 10.0 / 9.0, 10.0 / 3.0]);
        effective_number_weights(&[6, 0, 3, 1], 0.9, &mut w).unwrap();
        let want = [0.630_016_9, 0.0, 1.089_299_2, 2.952_000_9];
        assert!(w.iter().zip(want).all(|(a, b): (_, f32)| (a - b).abs() < 1e-6), "{w:?}");
        let mean = (6.0 * w[0] + 3.0 * w[2] + w[3]) / 10.0;
        assert!((mean - 1.0).abs() < 1e-6);
        effective_number_weights(&[6, 0, 3, 1], 0.0, &mut w).unwrap();
        assert_eq!(w, [1.0, 0.0, 1.0, 1.0]);
        assert_eq!(effective_number_weights(&[1], 1.0, &mut w[..1]), Err(Error::InvalidArgument));
        assert!(balanced_weights(&[0], &mut w[..1]).is_ok());
    }
}
