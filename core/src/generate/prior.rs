//! Where latent vectors are drawn from: the standard normal, or a normal for each class fitted to the codes
//! of the training data.

use crate::error::{Error, Result};
use crate::linalg::dot;
use crate::math;
use crate::nn::rows;
use crate::simd::Level;

/// A normal distribution of latent vectors for each class.
///
/// A decoder has only seen the codes of the training data. Where their distribution, the aggregate
/// posterior, is not the prior (for a small beta, or within one class), samples from N(0, I) fall beside
/// it; a normal fitted to the codes of a class follows its mean and covariance (the ex-post density
/// estimation of Ghosh et al. 2020, with one component for each class).
#[derive(Clone, Copy, Debug)]
pub struct ClassGaussians<'a> {
    latent: usize,
    /// For each class its mean and then the lower triangular factor of its covariance, row-major; empty for
    /// the standard normal.
    values: &'a [f32],
    /// What the noise is multiplied by.
    temperature: f32,
}

/// Values that one class takes in sums and in fitted values: `1 + latent + latent²` and `latent + latent²`.
const fn class_len(latent: usize) -> Option<usize> {
    match latent.checked_mul(latent) {
        Some(square) => square.checked_add(latent),
        None => None,
    }
}

impl<'a> ClassGaussians<'a> {
    /// N(0, temperature²·I) for every class. A temperature below 1 draws nearer to the middle: cleaner and
    /// more alike.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a temperature that is negative or not finite, or no latent values.
    pub fn standard(latent: usize, temperature: f32) -> Result<Self> {
        Self::check(Self { latent, values: &[], temperature })
    }

    /// The normals of [`ClassGaussians::fit`], their spread multiplied by `temperature`.
    ///
    /// # Errors
    /// As [`ClassGaussians::standard`]; [`Error::ShapeMismatch`] where `values` is not of whole classes.
    pub fn fitted(latent: usize, temperature: f32, values: &'a [f32]) -> Result<Self> {
        let class = class_len(latent).ok_or(Error::Overflow)?;
        if rows::count(values.len(), class)? == 0 {
            return Err(Error::ShapeMismatch);
        }
        Self::check(Self { latent, values, temperature })
    }

    fn check(self) -> Result<Self> {
        let fits = self.temperature >= 0.0 && self.temperature < f32::INFINITY && self.latent > 0;
        if fits { Ok(self) } else { Err(Error::InvalidArgument) }
    }

    /// Values of one latent vector.
    pub const fn latent(&self) -> usize {
        self.latent
    }

    /// Values of the fitted normals of `classes` classes (1 for a model without classes).
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn fitted_len(latent: usize, classes: usize) -> Result<usize> {
        class_len(latent).and_then(|n| n.checked_mul(classes)).ok_or(Error::Overflow)
    }

    /// Sums that [`ClassGaussians::accumulate`] keeps for `classes` classes (1 for a model without).
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn sums_len(latent: usize, classes: usize) -> Result<usize> {
        class_len(latent)
            .and_then(|n| n.checked_add(1))
            .and_then(|n| n.checked_mul(classes))
            .ok_or(Error::Overflow)
    }

    /// Adds the codes of a batch (means and log variances, as [`super::Vae::encode`] writes them) to
    /// `sums`, which start from 0: count, means, and second moments, those of the codes' own spread
    /// included. `labels` has a class for each code; it may be empty where `sums` are those of one class.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a label that is
    /// no class, [`Error::NotFinite`] for a mean or variance that is not finite. Nothing is added then.
    pub fn accumulate(latent: usize, codes: &[f32], labels: &[u32], sums: &mut [f64]) -> Result<()> {
        let class = Self::sums_len(latent, 1)?;
        let n = rows::count(codes.len(), latent.checked_mul(2).ok_or(Error::Overflow)?)?;
        let classes = rows::count(sums.len(), class)?;
        if classes == 0 {
            return Err(Error::ShapeMismatch);
        }
        check_labels(labels, classes, n)?;
        // A variance is not finite where its logarithm is not, or is too large.
        let fits = |code: &[f32]| {
            let (means, log_vars) = code.split_at_checked(latent).unwrap_or_default();
            means.iter().all(|m| m.is_finite())
                && log_vars.iter().all(|&v| v.is_finite() && math::exp(v).is_finite())
        };
        if !rows::of(codes, 2 * latent).all(fits) {
            return Err(Error::NotFinite);
        }
        for (i, code) in rows::of(codes, 2 * latent).enumerate() {
            let label = labels.get(i).map_or(0, |&l| l as usize);
            let Some([count, sums @ ..]) = sums.chunks_exact_mut(class.max(1)).nth(label) else { continue };
            let (means, log_vars) = code.split_at_checked(latent).unwrap_or_default();
            *count += 1.0;
            let (first, second) = sums.split_at_mut_checked(latent).unwrap_or_default();
            first.iter_mut().zip(means).for_each(|(s, &m)| *s += m as f64);
            for (r, (row, &a)) in second.chunks_exact_mut(latent.max(1)).zip(means).enumerate() {
                row.iter_mut().zip(means).for_each(|(s, &b)| *s += a as f64 * b as f64);
                if let (Some(s), Some(&v)) = (row.get_mut(r), log_vars.get(r)) {
                    *s += math::exp(v) as f64;
                }
            }
        }
        Ok(())
    }

    /// The mean and the factor of the covariance of each class from its sums. The covariance of a class is shrunk
    /// towards its diagonal by latent / (latent + count): by half for as many samples as latent values, hardly at
    /// all for many. A class without samples becomes the standard normal.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit.
    pub fn fit(latent: usize, sums: &[f64], values: &mut [f32]) -> Result<()> {
        let class = class_len(latent).ok_or(Error::Overflow)?;
        let with_count = Self::sums_len(latent, 1)?;
        if latent == 0 || rows::count(sums.len(), with_count)? != rows::count(values.len(), class)? {
            return Err(Error::ShapeMismatch);
        }
        for (sums, values) in sums.chunks_exact(with_count.max(1)).zip(rows::of_mut(values, class)) {
            let [count, sums @ ..] = sums else { continue };
            let (first, second) = sums.split_at_checked(latent).unwrap_or_default();
            let (means, factor) = values.split_at_mut_checked(latent).unwrap_or_default();
            let n = if *count > 0.0 { *count } else { 1.0 };
            means.iter_mut().zip(first).for_each(|(m, s)| *m = (s / n) as f32);
            let keep = n / (n + latent as f64);
            let rows = rows::of_mut(factor, latent).zip(second.chunks_exact(latent.max(1))).zip(first);
            for (r, ((row, second), a)) in rows.enumerate() {
                for (c, ((value, s), b)) in row.iter_mut().zip(second).zip(first).enumerate() {
                    let covariance = s / n - (a / n) * (b / n);
                    *value = (if r == c { covariance } else { keep * covariance }) as f32;
                    if *count == 0.0 {
                        *value = if r == c { 1.0 } else { 0.0 };
                    }
                }
            }
            cholesky(latent, factor);
        }
        Ok(())
    }

    /// `z` from standard normal `noise`: mean + temperature · factor · noise, by the label of each row. `labels`
    /// may be empty for the standard normal and for one class; the standard normal takes any label.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a label that is
    /// no class.
    pub fn shape(&self, level: Level, noise: &[f32], labels: &[u32], z: &mut [f32]) -> Result<()> {
        let n = self.latent;
        let batch = rows::count(noise.len(), n)?;
        if z.len() != noise.len() {
            return Err(Error::ShapeMismatch);
        }
        let class = class_len(n).ok_or(Error::Overflow)?;
        let classes = rows::count(self.values.len(), class)?;
        check_labels(labels, classes, batch)?;
        for (i, (z, noise)) in rows::of_mut(z, n).zip(rows::of(noise, n)).enumerate() {
            let label = labels.get(i).map_or(0, |&l| l as usize);
            match rows::of(self.values, class).nth(label) {
                None => z.iter_mut().zip(noise).for_each(|(z, e)| *z = self.temperature * e),
                Some(values) => {
                    let (means, factor) = values.split_at_checked(n).unwrap_or_default();
                    for ((z, mean), row) in z.iter_mut().zip(means).zip(rows::of(factor, n)) {
                        *z = mean + self.temperature * dot(level, row, noise);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether there is a class below `classes` for each of `n` samples (any where there are no classes), or no label
/// and no choice.
fn check_labels(labels: &[u32], classes: usize, n: usize) -> Result<()> {
    if labels.len() != n && !(labels.is_empty() && classes <= 1) {
        return Err(Error::ShapeMismatch);
    }
    if classes > 0 && labels.iter().any(|&l| l as usize >= classes) {
        return Err(Error::InvalidArgument);
    }
    Ok(())
}

/// The lower triangular L with L·Lᵀ = `m` (symmetric, `n` × `n`), in place, 0 above the diagonal. A pivot
/// that rounding left without a positive value becomes 0, and its column with it. What is subtracted from an element
/// is subtracted in the order of the columns.
fn cholesky(n: usize, m: &mut [f32]) {
    for r in 0..n {
        let (above, rest) = m.split_at_mut_checked(r * n).unwrap_or_default();
        let row = rest.get_mut(..n).unwrap_or(&mut []);
        for c in 0..n {
            let (done, tail) = row.split_at_mut_checked(c).unwrap_or_default();
            let Some(value) = tail.first_mut() else { continue };
            if c > r {
                *value = 0.0;
                continue;
            }
            let other = if c == r { &*done } else { above.get(c * n..c * n + c).unwrap_or(&[]) };
            let mut sum = *value;
            done.iter().zip(other).for_each(|(a, b)| sum -= a * b);
            let pivot = above.get(c * n + c).copied().unwrap_or(0.0);
            *value = match (c == r, sum > 0.0, pivot > 0.0) {
                (true, true, _) => math::sqrt(sum),
                (false, _, true) => sum / pivot,
                _ => 0.0,
            };
        }
    }
}
