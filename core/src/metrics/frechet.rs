//! The Fréchet distance of two normal distributions (Dowson, Landau 1982), fitted to features (Heusel et al. 2017).

use crate::error::{Error, Result};
use crate::linalg::symmetric_eigen;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;

/// Mean (d values) and covariance (d × d, divided by n − 1), as [`covariance`](crate::linalg::covariance) gives them.
#[derive(Clone, Copy, Debug)]
pub struct Moments<'a> {
    /// Mean of each column.
    pub mean: &'a [f64],
    /// Covariance, row-major.
    pub covariance: &'a [f64],
}

/// Bytes of scratch for [`frechet_distance`] over `dims` features.
pub const fn frechet_scratch_len(dims: usize) -> usize {
    let square = dims.saturating_mul(dims);
    ScratchLen::new()
        .with::<f64>(square)
        .with::<f64>(square)
        .with::<f64>(square)
        .with::<f64>(square)
        .with::<f64>(dims)
        .bytes()
}

/// |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2·(Σ₁^½ Σ₂ Σ₁^½)^½), never below 0.
///
/// The root is taken of a symmetric matrix, by its eigenvalues: no complex numbers arise, and covariances without full
/// rank are no special case. Features called Inception's give the FID; other features give numbers of their own.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the sizes differ, [`Error::NotFinite`] where a moment or the distance is not finite,
/// [`Error::ScratchTooSmall`].
///
/// ```
/// use seedbed::metrics::{Moments, frechet_distance, frechet_scratch_len};
/// use seedbed::{Level, Scratch};
///
/// let a = Moments { mean: &[0.0], covariance: &[1.0] };
/// let b = Moments { mean: &[3.0], covariance: &[4.0] };
/// let mut memory = vec![0; frechet_scratch_len(1)];
/// let distance = frechet_distance(Level::detect(), a, b, &mut Scratch::new(&mut memory))?;
/// assert!((distance - 10.0).abs() < 1e-9);
/// # Ok::<(), seedbed::Error>(())
/// ```
pub fn frechet_distance(
    level: Level,
    a: Moments<'_>,
    b: Moments<'_>,
    scratch: &mut Scratch<'_>,
) -> Result<f64> {
    let d = a.mean.len();
    let square = d.checked_mul(d).ok_or(Error::Overflow)?;
    if b.mean.len() != d || a.covariance.len() != square || b.covariance.len() != square {
        return Err(Error::ShapeMismatch);
    }
    let mut frame = scratch.frame();
    let work = frame.take::<f64>(square)?;
    let vectors = frame.take::<f64>(square)?;
    let root = frame.take::<f64>(square)?;
    let product = frame.take::<f64>(square)?;
    let values = frame.take::<f64>(d)?;

    work.copy_from_slice(a.covariance);
    symmetric_eigen(level, work, values, vectors)?;
    // Σ₁^½ = Vᵀ·diag(√λ)·V with the eigenvectors as the rows of V: scale rows by λ^¼ and multiply by themselves.
    for (row, &value) in vectors.chunks_mut(d.max(1)).zip(&*values) {
        let quarter = libm::sqrt(libm::sqrt(positive(value)));
        for v in row {
            *v *= quarter;
        }
    }
    transposed_product(level, vectors, vectors, d, root);
    // With R = Σ₁^½, product = Σ₂·R (both symmetric), so productᵀ·R = R·Σ₂·R.
    transposed_product(level, b.covariance, root, d, product);
    transposed_product(level, product, root, d, work);
    symmetric_eigen(level, work, values, vectors)?;
    let cross: f64 = values.iter().map(|&v| libm::sqrt(positive(v))).sum();
    let means: f64 = a.mean.iter().zip(b.mean).map(|(x, y)| (x - y) * (x - y)).sum();
    let distance = means + trace(a.covariance, d) + trace(b.covariance, d) - 2.0 * cross;
    if !distance.is_finite() {
        return Err(Error::NotFinite);
    }
    Ok(positive(distance))
}

fn positive(v: f64) -> f64 {
    if v > 0.0 { v } else { 0.0 }
}

fn trace(a: &[f64], d: usize) -> f64 {
    a.iter().step_by(d + 1).sum()
}

kernel! {
    /// y ← y + s·x.
    fn add_scaled(s: f64, x: &[f64], y: &mut [f64]) = add_scaled_body;
}
#[inline(always)]
fn add_scaled_body(s: f64, x: &[f64], y: &mut [f64]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += s * x;
    }
}

/// out ← Aᵀ·B for d × d matrices.
fn transposed_product(level: Level, a: &[f64], b: &[f64], d: usize, out: &mut [f64]) {
    out.fill(0.0);
    let d = d.max(1);
    for (a_row, b_row) in a.chunks(d).zip(b.chunks(d)) {
        for (&s, out_row) in a_row.iter().zip(out.chunks_mut(d)) {
            add_scaled(level, s, b_row, out_row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn distance(level: Level, a: (&[f64], &[f64]), b: (&[f64], &[f64])) -> f64 {
        let mut memory = vec![0u8; frechet_scratch_len(a.0.len())];
        let moments = |(mean, covariance)| Moments { mean, covariance };
        frechet_distance(level, moments(a), moments(b), &mut Scratch::new(&mut memory)).unwrap()
    }

    /// The formula with scipy.linalg.sqrtm 1.17.1.
    #[test]
    fn distances_are_those_of_scipy() {
        let (m1, s1) = ([0.1, -0.4, 1.0], [2.0, 0.3, -0.1, 0.3, 1.0, 0.2, -0.1, 0.2, 0.5]);
        let (m2, s2) = ([0.0, 0.5, 0.7], [1.0, -0.2, 0.0, -0.2, 0.8, 0.1, 0.0, 0.1, 1.5]);
        let d = distance(Level::detect(), (&m1, &s1), (&m2, &s2));
        assert!((d - 1.4955809763783439).abs() < 1e-12, "{d}");
        // Rank one.
        let s3 = [1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 3.0, 6.0, 9.0];
        let d = distance(Level::detect(), (&m1, &s3), (&m2, &s2));
        assert!((d - 9.70118096444366).abs() < 1e-6, "{d}");
    }

    #[test]
    fn equal_moments_are_at_distance_nought_and_levels_agree() {
        let n = 17;
        let cov: Vec<f64> = (0..n * n).map(|i| 1.0 / (1 + i / n + i % n) as f64).collect();
        let mean: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let shifted: Vec<f64> = mean.iter().map(|m| m + 2.0).collect();
        for level in Level::available() {
            assert!(distance(level, (&mean, &cov), (&mean, &cov)) < 1e-7);
            let d = distance(level, (&mean, &cov), (&shifted, &cov));
            assert!((d - 68.0).abs() < 1e-6);
            assert_eq!(d.to_bits(), distance(Level::BASE, (&mean, &cov), (&shifted, &cov)).to_bits());
        }
        for bad in [f64::NAN, f64::INFINITY] {
            let mut memory = vec![0u8; frechet_scratch_len(1)];
            let good = Moments { mean: &[0.0], covariance: &[1.0] };
            for wrong in [Moments { mean: &[bad], ..good }, Moments { covariance: &[bad], ..good }] {
                for (a, b) in [(good, wrong), (wrong, good)] {
                    let got = frechet_distance(Level::BASE, a, b, &mut Scratch::new(&mut memory));
                    assert_eq!(got, Err(Error::NotFinite), "{wrong:?}");
                }
            }
        }
        let bad = Moments { mean: &mean, covariance: &cov[1..] };
        assert_eq!(frechet_distance(Level::BASE, bad, bad, &mut Scratch::empty()), Err(Error::ShapeMismatch));
    }
}
