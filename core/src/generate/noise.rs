//! Standard normal noise, keyed by what it is for.

use crate::rng::{Key, Stream};
use crate::simd::Level;

/// The purpose of the streams of training noise.
pub const NOISE_PURPOSE: u32 = 5;

/// The purpose of the streams of generated samples.
pub const GENERATE_PURPOSE: u32 = 7;

/// The noise of `epoch` for the samples of these numbers (see [`crate::rng::id_hash`]), as many values for
/// each as `out` holds for it.
pub fn training_noise(level: Level, seed: u64, epoch: u32, samples: &[u64], out: &mut [f32]) {
    let width = out.len() / samples.len().max(1);
    for (&sample, row) in samples.iter().zip(out.chunks_exact_mut(width.max(1))) {
        Stream::new(seed, Key::new(NOISE_PURPOSE).epoch(epoch).sample(sample)).fill_normal(level, row);
    }
}

/// The noise from which the generated samples `first`, `first + 1`, … are made, `latent` values for each.
pub fn latent_noise(level: Level, seed: u64, first: u64, latent: usize, out: &mut [f32]) {
    for (row, sample) in out.chunks_exact_mut(latent.max(1)).zip(first..) {
        Stream::new(seed, Key::new(GENERATE_PURPOSE).sample(sample)).fill_normal(level, row);
    }
}
