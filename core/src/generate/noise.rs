//! Standard normal noise, keyed by what it is for.

use crate::error::Result;
use crate::nn::rows;
use crate::rng::{Key, Stream};
use crate::simd::Level;

/// The purpose of the streams of training noise.
pub const NOISE_PURPOSE: u32 = 5;

/// The purpose of the streams of generated samples.
pub const GENERATE_PURPOSE: u32 = 7;

/// The noise of `epoch` for the samples of these numbers (see [`crate::rng::id_hash`]), as many values for
/// each as `out` holds for it.
///
/// # Errors
/// [`Error::ShapeMismatch`](crate::Error::ShapeMismatch) where `out` has not the same number of values for each sample.
pub fn training_noise(level: Level, seed: u64, epoch: u32, samples: &[u64], out: &mut [f32]) -> Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    let width = rows::count(out.len(), samples.len())?;
    for (&sample, row) in samples.iter().zip(rows::of_mut(out, width)) {
        Stream::new(seed, Key::new(NOISE_PURPOSE).epoch(epoch).sample(sample)).fill_normal(level, row);
    }
    Ok(())
}

/// The noise from which the generated samples `first`, `first + 1`, … (modulo 2⁶⁴) are made, `latent` values for
/// each.
///
/// ```
/// use seedbed::{Level, generate::latent_noise};
/// let (mut one, mut all) = ([0.0; 2], [0.0; 6]);
/// latent_noise(Level::detect(), 7, 10, 2, &mut all)?;
/// latent_noise(Level::detect(), 7, 12, 2, &mut one)?;
/// assert_eq!(one, all[4..]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::ShapeMismatch`](crate::Error::ShapeMismatch) where `out` is no whole number of samples, or `latent` is 0.
pub fn latent_noise(level: Level, seed: u64, first: u64, latent: usize, out: &mut [f32]) -> Result<()> {
    rows::count(out.len(), latent)?;
    for (row, i) in rows::of_mut(out, latent).zip(0u64..) {
        let key = Key::new(GENERATE_PURPOSE).sample(first.wrapping_add(i));
        Stream::new(seed, key).fill_normal(level, row);
    }
    Ok(())
}
