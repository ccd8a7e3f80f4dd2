//! Free bits: a divergence that each latent dimension may have for nothing.

use super::Codes;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::{Engine, rows};

/// The divergences of a batch, with `floor` nats for each latent dimension that cost nothing more (Kingma et al. 2016,
/// appendix C.8): they sum to Σⱼ max(floor, divergenceⱼ), and a dimension at or below the floor has no gradient by its
/// divergence. So a strong decoder does not switch it off at the start of training.
///
/// With a floor of 0 all is as without it, by bits. The divergences alone tell which dimensions are in use.
///
/// ```
/// use seedbed::{Level, exec::Serial, nn::Engine, nn::loss::{Codes, FreeBits}};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// // Two samples with means of two dimensions, the second of which says nothing; log variances of 0.
/// let codes = Codes { codes: &[1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0], noise: &[0.0; 4], latent: 2 };
/// let mut divergences = [0.0; 2];
/// codes.divergences(on, &[0.5; 2], &mut divergences)?;
/// assert_eq!(divergences, [0.5, 0.0]);
/// let free = FreeBits { floor: 0.1, divergences: &divergences };
/// assert!((free.total()? - 0.6).abs() < 1e-6);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FreeBits<'a> {
    /// What a dimension counts as at least, in nats, at least 0 and finite.
    pub floor: f32,
    /// The mean divergence of each dimension over the batch, from [`Codes::divergences`].
    pub divergences: &'a [f32],
}

impl FreeBits<'_> {
    fn in_range(&self) -> Result<()> {
        if (0.0..f32::INFINITY).contains(&self.floor) { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    /// Σⱼ max(floor, divergenceⱼ), added in the order of the dimensions; NaN where one is NaN.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a floor out of its range.
    pub fn total(&self) -> Result<f64> {
        self.in_range()?;
        let counted = |d: f32| if d < self.floor { self.floor } else { d };
        let mut sum = 0f64;
        self.divergences.iter().for_each(|&d| sum += f64::from(counted(d)));
        Ok(sum)
    }
}

impl Codes<'_> {
    /// Σᵢ scaleᵢ·½·(mean² + variance − 1 − log variance)ᵢⱼ for each latent dimension j, the samples added in their order:
    /// its divergence from N(0, 1) averaged over the batch, where a scale is the weight of a sample divided by what the
    /// batch is averaged over.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit.
    pub fn divergences<E: Executor>(
        &self,
        on: Engine<'_, E>,
        scales: &[f32],
        divergences: &mut [f32],
    ) -> Result<()> {
        let rows = self.rows(self.noise.len())?;
        if scales.len() != rows || divergences.len() != self.latent {
            return Err(Error::ShapeMismatch);
        }
        divergences.fill(0.0);
        for (i, &scale) in scales.iter().enumerate() {
            let (mean, log_var, _) = self.row(i);
            add_divergences(on.level, mean, log_var, scale, divergences);
        }
        Ok(())
    }

    /// [`Codes::backward`] with free bits: `weights` times Σⱼ max(floor, divergenceⱼ), where `weights` is a multiple of
    /// the scales that the divergences were averaged with.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a floor out of its range.
    /// Nothing is written then.
    pub fn backward_free<E: Executor>(
        &self,
        on: Engine<'_, E>,
        dz: &[f32],
        weights: &[f32],
        free: FreeBits<'_>,
        grad: &mut [f32],
    ) -> Result<()> {
        free.in_range()?;
        let rows = self.rows(dz.len())?;
        if free.divergences.len() != self.latent || weights.len() != rows || grad.len() != self.codes.len() {
            return Err(Error::ShapeMismatch);
        }
        if free.floor == 0.0 {
            return self.backward(on, dz, weights, grad);
        }
        let parts =
            rows::of_mut(grad, self.latent.saturating_mul(2)).zip(rows::of(dz, self.latent)).zip(weights);
        for (i, ((grad, dz), &weight)) in parts.enumerate() {
            free_gradient(on.level, self.row(i), dz, (free.floor, free.divergences, weight), grad);
        }
        Ok(())
    }
}

kernel! {
    fn add_divergences(mean: &[f32], log_var: &[f32], scale: f32, sums: &mut [f32]) = add_divergences_body;
}

#[inline(always)]
fn add_divergences_body(mean: &[f32], log_var: &[f32], scale: f32, sums: &mut [f32]) {
    for ((sum, &mean), &log_var) in sums.iter_mut().zip(mean).zip(log_var) {
        let sigma = math::exp(0.5 * log_var);
        *sum += scale * (0.5 * (mean * mean + (sigma * sigma - 1.0 - log_var)));
    }
}

kernel! {
    fn free_gradient(
        code: (&[f32], &[f32], &[f32]), dz: &[f32], free: (f32, &[f32], f32), grad: &mut [f32],
    ) = free_gradient_body;
}

#[inline(always)]
fn free_gradient_body(
    (mean, log_var, noise): (&[f32], &[f32], &[f32]),
    dz: &[f32],
    (floor, divergences, weight): (f32, &[f32], f32),
    grad: &mut [f32],
) {
    // Asked so that a NaN is not hidden.
    let kept = |divergence: f32| if divergence <= floor { 0.0 } else { weight };
    let (by_mean, by_log_var) = grad.split_at_mut_checked(mean.len()).unwrap_or_default();
    for (((g, &mean), &dz), &d) in by_mean.iter_mut().zip(mean).zip(dz).zip(divergences) {
        *g = dz + kept(d) * mean;
    }
    let places = by_log_var.iter_mut().zip(log_var).zip(noise).zip(dz).zip(divergences);
    for ((((g, &log_var), &noise), &dz), &d) in places {
        let sigma = math::exp(0.5 * log_var);
        *g = 0.5 * (dz * noise * sigma + kept(d) * (sigma * sigma - 1.0));
    }
}
