//! The importance-weighted bound, which is nearer to the likelihood than the evidence lower bound.

use super::Batch;
use super::vae::Vae;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::{Engine, rows};
use crate::scratch::Scratch;

impl Vae {
    /// ln p(x, z) − ln q(z | x) of each sample, in nats, for one z from its noise; the mean over many z is the evidence lower
    /// bound, and [`iwae`] makes a nearer one of them. Weights are not read. Takes [`Vae::train_scratch_len`].
    ///
    /// # Errors
    /// As [`Vae::elbo`]; [`Error::ShapeMismatch`] also where `out` has not a value for each sample.
    pub fn log_weights<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        batch: &Batch<'_>,
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        if out.len() != batch.weights.len() {
            return Err(Error::ShapeMismatch);
        }
        let latent = self.spec().latent;
        let mut scratch = scratch.frame();
        let looked = self.look(on, params, batch, &mut scratch)?;
        let codes = rows::of(self.encoder.inference.result(&looked.encoder), latent.saturating_mul(2));
        let drawn = rows::of(looked.z, latent).zip(rows::of(batch.noise, latent));
        for (((out, nll), (z, noise)), code) in out.iter_mut().zip(looked.nll).zip(drawn).zip(codes) {
            let log_vars = code.get(latent..).unwrap_or(&[]);
            // ln N(z; 0, 1) − ln N(z; mean, variance), whose constants cancel.
            let mut sum = 0f64;
            for ((&z, &e), &log_var) in z.iter().zip(noise).zip(log_vars) {
                let [z, e, log_var] = [z, e, log_var].map(f64::from);
                sum += 0.5 * (e * e - z * z + log_var);
            }
            *out = (sum - f64::from(*nll)) as f32;
        }
        Ok(())
    }
}

/// The importance-weighted bound of each sample (Burda et al. 2016), ln 1/k Σ e^w over its k weights: `log_weights` holds a row
/// of [`Vae::log_weights`] for each draw, as wide as `bounds`. With one draw it is that draw; with more it rises towards
/// ln p(x).
///
/// ```
/// use seedbed::generate::iwae;
/// let mut bounds = [0.0; 2];
/// iwae(&[0.0, -100.0, 0.0, -102.0], &mut bounds)?;
/// assert!(bounds[0] == 0.0 && (bounds[1] + 100.566).abs() < 1e-3);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::ShapeMismatch`] where the weights are no whole number of rows, or there is none.
pub fn iwae(log_weights: &[f32], bounds: &mut [f32]) -> Result<()> {
    let n = bounds.len();
    let draws = rows::count(log_weights.len(), n)?;
    if draws == 0 {
        return Err(Error::ShapeMismatch);
    }
    for (i, bound) in bounds.iter_mut().enumerate() {
        let own = || rows::of(log_weights, n).filter_map(|row| row.get(i).copied());
        let most = own().fold(f32::NEG_INFINITY, math::max);
        let mut sum = 0f64;
        own().for_each(|w| sum += f64::from(math::exp(w - most)));
        *bound = most + math::ln((sum / draws as f64) as f32);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Arch, Likelihood, VaeSpec, Widths, training_noise};
    use crate::nn::tests::BASE;
    use crate::nn::{Activation, Shape};
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn the_weights_are_those_of_the_definition() {
        let hidden = Widths::from_slice(&[5]).unwrap();
        let arch = Arch { channels: Widths::new(), hidden, activation: Activation::Tanh };
        let likelihood = Likelihood::Gaussian { sigma: 0.5 };
        let vae =
            Vae::new(VaeSpec { input: Shape::flat(3), arch, latent: 2, classes: 0, likelihood }).unwrap();
        let mut params = vec![0f32; vae.param_len()];
        vae.init(3, &mut params).unwrap();
        let x = [0.1, 0.9, -0.4, 0.7, 0.2, 0.0];
        let mut noise = [0f32; 4];
        training_noise(crate::Level::BASE, 1, 1, &[4, 5], &mut noise).unwrap();
        let batch = Batch { x: &x, labels: &[], weights: &[1.0; 2], noise: &noise };
        let mut memory = vec![0x7f; vae.train_scratch_len(2)];
        let (mut got, mut codes, mut means) = ([f32::NAN; 2], [0f32; 8], [0f32; 6]);
        vae.log_weights(BASE, &params, &batch, &mut got, &mut Scratch::new(&mut memory)).unwrap();
        vae.encode(BASE, &params, (&x, &[]), &mut codes, &mut Scratch::new(&mut memory)).unwrap();
        let z: Vec<f32> = (0..4)
            .map(|i| {
                let code = &codes[i / 2 * 4..];
                code[i % 2] + (0.5 * code[2 + i % 2]).exp() * noise[i]
            })
            .collect();
        vae.decode(BASE, &params, (&z, &[]), &mut means, &mut Scratch::new(&mut memory)).unwrap();
        let normal = |v: f32, mean: f32, variance: f64| {
            let d = f64::from(v) - f64::from(mean);
            -0.5 * (d * d / variance + variance.ln() + std::f64::consts::TAU.ln())
        };
        for (i, got) in got.into_iter().enumerate() {
            let data: f64 = (0..3).map(|j| normal(x[3 * i + j], means[3 * i + j], 0.25)).sum();
            let codes: f64 = (0..2)
                .map(|j| {
                    let (mean, log_var) = (codes[4 * i + j], f64::from(codes[4 * i + 2 + j]));
                    normal(z[2 * i + j], 0.0, 1.0) - normal(z[2 * i + j], mean, log_var.exp())
                })
                .sum();
            assert!((f64::from(got) - data - codes).abs() < 1e-4, "{got} {}", data + codes);
        }
        let short = vae.log_weights(BASE, &params, &batch, &mut got[..1], &mut Scratch::new(&mut memory));
        assert_eq!(short, Err(Error::ShapeMismatch));
    }

    #[test]
    fn bounds_need_whole_rows() {
        assert_eq!(iwae(&[0.0; 3], &mut [0.0; 2]), Err(Error::ShapeMismatch));
        assert_eq!(iwae(&[], &mut [0.0; 2]), Err(Error::ShapeMismatch));
        let mut bound = [0.0];
        iwae(&[f32::NEG_INFINITY, -3.0], &mut bound).unwrap();
        assert!((bound[0] + 3.0 + 2f32.ln()).abs() < 1e-6);
    }
}
