//! Latent codes: sampling them, and their divergence from the standard normal distribution.

use super::sums::{Term, sum_of};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::{Engine, rows};

/// A diagonal normal distribution for each sample, `codes` holding its means and then its log variances
/// (so 2·`latent` values a row), and the standard normal noise by which it is sampled.
#[derive(Clone, Copy, Debug)]
pub struct Codes<'a> {
    /// Means and log variances, one row for each sample.
    pub codes: &'a [f32],
    /// Noise, `latent` values a row.
    pub noise: &'a [f32],
    /// Values of one latent vector.
    pub latent: usize,
}

impl Codes<'_> {
    pub(super) fn rows(&self, z: usize) -> Result<usize> {
        let n = self.noise.len();
        let codes = self.codes.len();
        if !codes.is_multiple_of(2) || codes / 2 != n || z != n {
            return Err(Error::ShapeMismatch);
        }
        rows::count(n, self.latent)
    }

    pub(super) fn row(&self, i: usize) -> (&[f32], &[f32], &[f32]) {
        let n = self.latent;
        let codes = rows::of(self.codes, n.saturating_mul(2)).nth(i).unwrap_or(&[]);
        let (mean, log_var) = codes.split_at_checked(n).unwrap_or_default();
        (mean, log_var, rows::of(self.noise, n).nth(i).unwrap_or(&[]))
    }

    /// z = mean + e^(½ log variance)·noise, and the divergence from N(0, I) of each sample,
    /// ½·Σ(mean² + variance − 1 − log variance), in nats (Kingma, Welling 2014).
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit.
    pub fn reparameterise<E: Executor>(
        &self,
        on: Engine<'_, E>,
        z: &mut [f32],
        kl: &mut [f32],
    ) -> Result<()> {
        let rows = self.rows(z.len())?;
        if kl.len() != rows {
            return Err(Error::ShapeMismatch);
        }
        for (i, (z, kl)) in rows::of_mut(z, self.latent).zip(kl).enumerate() {
            *kl = sample_code(on.level, self.row(i), z);
        }
        Ok(())
    }

    /// The gradient by the codes from `dz`, the gradient by z, with that of weight·divergence added;
    /// `weights` has one value for each sample.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit.
    pub fn backward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        dz: &[f32],
        weights: &[f32],
        grad: &mut [f32],
    ) -> Result<()> {
        let rows = self.rows(dz.len())?;
        if weights.len() != rows || grad.len() != self.codes.len() {
            return Err(Error::ShapeMismatch);
        }
        let parts =
            rows::of_mut(grad, self.latent.saturating_mul(2)).zip(rows::of(dz, self.latent)).zip(weights);
        for (i, ((grad, dz), &weight)) in parts.enumerate() {
            code_gradient(on.level, self.row(i), dz, weight, grad);
        }
        Ok(())
    }
}

/// Twice the divergence of one latent value; its noise becomes a sample of it.
#[derive(Clone, Copy)]
struct CodeTerm;

impl Term for CodeTerm {
    #[inline(always)]
    fn at(self, mean: f32, log_var: f32, noise: f32) -> (f32, f32) {
        let sigma = math::exp(0.5 * log_var);
        (mean * mean + (sigma * sigma - 1.0 - log_var), mean + sigma * noise)
    }
}

kernel! {
    fn sample_code(code: (&[f32], &[f32], &[f32]), z: &mut [f32]) -> f32 = sample_code_body;
}

#[inline(always)]
fn sample_code_body((mean, log_var, noise): (&[f32], &[f32], &[f32]), z: &mut [f32]) -> f32 {
    for (z, &noise) in z.iter_mut().zip(noise) {
        *z = noise;
    }
    0.5 * sum_of(CodeTerm, mean, log_var, z)
}

kernel! {
    fn code_gradient(code: (&[f32], &[f32], &[f32]), dz: &[f32], weight: f32, grad: &mut [f32]) = code_gradient_body;
}

#[inline(always)]
fn code_gradient_body(
    (mean, log_var, noise): (&[f32], &[f32], &[f32]),
    dz: &[f32],
    weight: f32,
    grad: &mut [f32],
) {
    let (by_mean, by_log_var) = grad.split_at_mut_checked(mean.len()).unwrap_or_default();
    for ((g, &mean), &dz) in by_mean.iter_mut().zip(mean).zip(dz) {
        *g = dz + weight * mean;
    }
    for (((g, &log_var), &noise), &dz) in by_log_var.iter_mut().zip(log_var).zip(noise).zip(dz) {
        let sigma = math::exp(0.5 * log_var);
        *g = 0.5 * (dz * noise * sigma + weight * (sigma * sigma - 1.0));
    }
}
