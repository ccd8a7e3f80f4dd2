//! Augmentations of what the discriminator of a GAN is shown, real and generated, with the way back for gradients.
//!
//! A discriminator with few real pictures learns them by heart. Augmenting these alone would be learnt by the generator; here
//! the generated ones are augmented too, and the generator learns through it (Zhao and others 2020; Karras and others
//! 2020). Once drawn, everything is linear in the pictures, or linear but for what is added: `apply` does it, and `backward`
//! is the exact adjoint, which turns a gradient by augmented pictures into one by the pictures.
//!
//! [`DiffAugment`] is the smaller set, always done. [`Ada`] is the larger one, done with a probability that an
//! [`AdaController`] moves while training. What is drawn for a picture is a small plain record, [`DiffChange`] or
//! [`AdaChange`], from a stream of the picture's own: both passes of a step use the same ones, and a batch may be cut anywhere.
//!
//! Pictures are `f32`, best between −1 and 1, where 0 is grey; nothing is cut off at the ends. [`Pictures`] tells how
//! they lie. Batches may be split among threads as they are: a picture depends on itself and its record alone.
//!
//! # Against what is published
//! Numbers and formulas are those of the papers and of the code published with them, with these differences. Flips, quarter
//! turns and moves by whole pixels of [`Ada`], where they are all that was drawn, copy pixels and do not pass the wavelet
//! filters, as a picture of which nothing was drawn is not touched at all. How far a picture is mirrored around itself is found
//! for each picture, not for a batch. Filtering mirrors pictures that are smaller than the filter more than once.
//!
//! # A step of training
//! ```
//! use seedbed::augment::diff::{Ada, AdaChange, AdaController, Pictures};
//! use seedbed::nn::Draws;
//! use seedbed::rng::Key;
//! use seedbed::{Level, Scratch};
//!
//! const BATCH: usize = 2;
//! let (level, of) = (Level::detect(), Pictures::interleaved(8, 8, 3));
//! let ada = Ada::default();
//! let mut controller = AdaController { p: 0.5, interval: 1, ..AdaController::default() };
//! let mut memory = vec![0; Ada::scratch_len(of)];
//! let mut scratch = Scratch::new(&mut memory);
//!
//! // Pictures of the generator, drawn for by step and number.
//! let generated = vec![0.25f32; BATCH * of.len()?];
//! let keys: Vec<Key> = (0..BATCH as u64).map(|i| Key::new(100).epoch(1).sample(i)).collect();
//! let mut drawn = [AdaChange::default(); BATCH];
//! ada.draw_all(of, controller.p, Draws { seed: 7, keys: &keys }, &mut drawn)?;
//! let mut shown = vec![0.0; generated.len()];
//! Ada::apply(level, of, &drawn, &generated, &mut shown, &mut scratch)?;
//!
//! // The discriminator gives a gradient by what it was shown; the generator goes on from that by its pictures.
//! let by_shown = vec![1.0; shown.len()];
//! let mut by_generated = vec![0.0; shown.len()];
//! Ada::backward(level, of, &drawn, &by_shown, &mut by_generated, &mut scratch)?;
//!
//! // Its logits of real pictures, augmented with draws of their own, move p.
//! controller.observe(&[1.5, 0.3])?;
//! assert!(controller.p > 0.5);
//! # Ok::<(), seedbed::Error>(())
//! ```

mod ada;
mod controller;
mod pictures;
mod place;
mod simple;

pub use self::ada::{Ada, AdaChange, BANDS, Blit, Colours, Cutout, Filtering, Geometry, Noise};
pub use self::controller::{AdaController, held_out_measure};
pub use self::pictures::{MOST_SIDE, Pictures};
pub use self::simple::{DiffAugment, DiffChange};

use crate::error::{Error, Result};
use crate::nn::Draws;
use crate::rng::Stream;

/// Draws for each key.
fn draw_all<T>(draws: Draws<'_>, to: &mut [T], draw: impl Fn(&mut Stream) -> Result<T>) -> Result<()> {
    if draws.keys.len() != to.len() {
        return Err(Error::ShapeMismatch);
    }
    for (to, key) in to.iter_mut().zip(draws.keys) {
        *to = draw(&mut Stream::new(draws.seed, *key))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
