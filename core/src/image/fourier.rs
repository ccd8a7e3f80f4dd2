//! The look of another picture: the strength of its slow waves, with the places of the picture's own.

mod spectrum;

use self::spectrum::{Low, MOST_PLANES, Memory};
use super::{Sample, same};
use crate::error::{Error, Result};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Bytes that [`fourier_adaptation`] takes for images of `shape` = (height, width, channels).
pub fn fourier_scratch_len(beta: f32, shape: (usize, usize, usize)) -> usize {
    Low::new(beta, shape).map_or(0, |low| low.scratch_len())
}

/// Gives the low frequencies of `image` the amplitudes that they have in `reference`, of the same shape, and leaves their
/// phases: Fourier domain adaptation (Yang and Soatto 2020). Each of the first three channels by itself; others stay.
///
/// Low are those of up to b = ⌊`beta` · the shorter side⌋ waves over the height and over the width, (2b + 1)² with both signs,
/// as in the code of the authors; the paper has `beta` from 0.01 to 0.09. Also at 0 the mean is the reference's. A frequency
/// that the picture does not have gets a phase of 0; such is one whose amplitude is not above 2⁻²⁰ of the sum of all
/// distances from the mean, which is what `f32` leaves of nothing.
///
/// Only these coefficients are worked out, by sums of columns and then of rows, and what they change is added to the image:
/// exact for every size, and no transform of all of it. The sums are [`gemm`](crate::linalg::gemm())'s, of values less
/// the mean in `f32`; amplitudes are compared in `f64`. The result is rounded once, and moved into the range of the type. That is
/// 12 · (b + 1) · height · width · channels multiply-adds, and as many again for `beta` of a half.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ, [`Error::InvalidArgument`] unless 0 ≤ `beta` ≤ ½ and there are pixels,
/// [`Error::ScratchTooSmall`], [`Error::NotFinite`] for values or sums that are not; `image` is untouched then.
pub fn fourier_adaptation<T: Sample>(
    level: Level,
    beta: f32,
    reference: ImageRef<'_, T>,
    image: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    same(reference.shape(), image.shape())?;
    let low = Low::new(beta, image.shape())?;
    let mut frame = scratch.frame();
    let mut memory = Memory::take(&low, &mut frame)?;
    let (ours, theirs) = (frame.take(low.spectrum_len())?, frame.take(low.spectrum_len())?);
    let their = memory.spectrum(level, &low, reference, theirs, &mut frame)?;
    let our = memory.spectrum(level, &low, image.as_ref(), ours, &mut frame)?;
    if !ours.iter().chain(theirs.iter()).all(|v| v.is_finite()) {
        return Err(Error::NotFinite);
    }
    let planes = low.side().saturating_mul(low.side()).max(1);
    let channels = ours.chunks_exact_mut(planes).zip(theirs.chunks_exact(planes));
    for ((ours, theirs), (our, their)) in channels.zip(our.iter().zip(&their)).take(MOST_PLANES) {
        low.exchange((ours, our), (theirs, their));
    }
    memory.add(level, &low, ours, image, &mut frame)
}

#[cfg(test)]
mod tests;
