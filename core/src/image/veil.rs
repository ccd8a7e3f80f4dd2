//! Light and shade over a picture that are not the same everywhere: a lens that is darker at its corners, shadows.

mod shadow;

pub use self::shadow::{MOST_SHADOWS, shadow};

use super::Sample;
use super::colour::{close, spread};
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::Plain;
use crate::simd::Level;
use crate::view::ImageMut;

/// Pixels side by side that are worked on at a time.
pub(super) const BLOCK: usize = 64;

/// The most light that [`vignetting`] takes from a corner, as a share.
pub const MAX_VIGNETTE: f32 = 0.95;

/// Values that a veil can be laid over, each kind in its own copy.
pub trait Veiled: Plain {
    /// Takes the values of pixels by a share of the way, the pixel's weight times that of the channel in `tint`, to `light`, a
    /// share of white. Channels after the third stay; of less than three all have the first one's tint.
    fn veil(level: Level, pixels: &mut [Self], channels: usize, weights: &[f32], light: f32, tint: [f32; 3]);
    /// Takes pixels to white by `share` times the square of their grey.
    fn lighten(level: Level, row: &mut [Self], channels: usize, share: f32);
}

macro_rules! veiled {
    ($($t:ident)*) => { $(
        impl Veiled for $t {
            kernel! {
                fn veil(pixels: &mut [$t], channels: usize, weights: &[f32], light: f32, tint: [f32; 3]) = veil_body;
            }

            kernel! {
                fn lighten(row: &mut [$t], channels: usize, share: f32) = lighten_body;
            }
        }
    )* };
}
veiled!(u8 u16 f32);

#[inline(always)]
fn veil_body<T: Sample>(pixels: &mut [T], channels: usize, weights: &[f32], light: f32, tint: [f32; 3]) {
    let [first, second, third] = tint;
    match channels {
        1 => {
            for (v, weight) in pixels.iter_mut().zip(weights) {
                *v = veiled(*v, light, weight * first);
            }
        }
        3 => {
            for (pixels, weights) in pixels.chunks_mut(BLOCK * 3).zip(weights.chunks(BLOCK)) {
                let mut wide = [0.0; BLOCK * 3];
                for (wide, weight) in wide.as_chunks_mut::<3>().0.iter_mut().zip(weights) {
                    *wide = [weight * first, weight * second, weight * third];
                }
                each(pixels, &wide, light);
            }
        }
        n => {
            for (pixel, weight) in pixels.chunks_exact_mut(n.max(1)).zip(weights) {
                dab(pixel, *weight, light, tint);
            }
        }
    }
}

#[inline(always)]
fn each<T: Sample>(values: &mut [T], weights: &[f32; BLOCK * 3], light: f32) {
    // The usual whole block has a length that the compiler knows.
    if let Some(whole) = values.as_mut_array::<{ BLOCK * 3 }>() {
        for (v, weight) in whole.iter_mut().zip(weights) {
            *v = veiled(*v, light, *weight);
        }
        return;
    }
    for (v, weight) in values.iter_mut().zip(weights) {
        *v = veiled(*v, light, *weight);
    }
}

/// v + (light − v) · weight, in `f32`.
#[inline(always)]
fn veiled<T: Sample>(v: T, light: f32, weight: f32) -> T {
    let v = v.to_f32();
    T::from_f32(v + (light * T::LARGEST - v) * weight)
}

/// [`Veiled::veil`] of one pixel.
#[inline(always)]
pub(super) fn dab<T: Sample>(pixel: &mut [T], weight: f32, light: f32, tint: [f32; 3]) {
    let [first, ..] = tint;
    let tint = if pixel.len() < 3 { [first; 3] } else { tint };
    for (v, tint) in pixel.iter_mut().zip(tint) {
        *v = veiled(*v, light, weight * tint);
    }
}

#[inline(always)]
fn lighten_body<T: Sample>(row: &mut [T], channels: usize, share: f32) {
    let weight = |grey: T| {
        let grey = grey.to_f32() * (1.0 / T::LARGEST);
        grey * grey * share
    };
    if channels < 3 {
        row.iter_mut().for_each(|v| *v = veiled(*v, 1.0, weight(*v)));
        return;
    }
    for part in row.chunks_mut(BLOCK.saturating_mul(channels).max(1)) {
        let mut colours = spread(part, channels);
        let [r, g, b] = &mut colours;
        for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
            let weight = weight(T::luma(*r, *g, *b));
            (*r, *g, *b) = (veiled(*r, 1.0, weight), veiled(*g, 1.0, weight), veiled(*b, 1.0, weight));
        }
        close(&colours, channels, part);
    }
}

/// Brightness that falls with the distance from a place: 1 / (1 + (distance · scale)²)², which is cos⁴ of an angle whose tangent
/// is the product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Falloff {
    /// Column and row.
    pub place: [f32; 2],
    pub scale: f32,
}

impl Falloff {
    /// Calls `lay` with the pixels of each block and with their brightness.
    pub fn each_block<T>(
        &self,
        level: Level,
        mut image: ImageMut<'_, T>,
        mut lay: impl FnMut(&mut [T], &mut [f32; BLOCK]),
    ) {
        let (channels, [x, y]) = (image.channels(), self.place);
        let mut found = [0.0; BLOCK];
        for (row, pixels) in image.iter_rows_mut().enumerate() {
            let down = (row as f32 - y) * self.scale;
            for (i, pixels) in pixels.chunks_mut(BLOCK.saturating_mul(channels).max(1)).enumerate() {
                let start = i.saturating_mul(BLOCK) as f32 - x;
                falls(level, start, self.scale, down * down, &mut found);
                lay(pixels, &mut found);
            }
        }
    }
}

kernel! {
    /// The brightness of pixels from `start` on, whose distance down has this square.
    fn falls(start: f32, scale: f32, square: f32, to: &mut [f32; BLOCK]) = falls_body;
}

#[inline(always)]
fn falls_body(start: f32, scale: f32, square: f32, to: &mut [f32; BLOCK]) {
    for (i, to) in to.iter_mut().enumerate() {
        let across = (start + i as i32 as f32) * scale;
        let sum = 1.0 + (across * across + square);
        *to = 1.0 / (sum * sum);
    }
}

/// The middle of an image, as a column and a row.
pub(super) fn middle((height, width): (usize, usize)) -> [f32; 2] {
    [width, height].map(|side| (side as f32 - 1.0) * 0.5)
}

/// Darkens the image to its corners, as lenses do by the law of cos⁴: with the distance from the middle in half diagonals, d, a
/// value v becomes v / (1 + (1 / √(1 − `strength`) − 1) · d²)², so that `strength` is the share of the light that a corner loses.
/// The middle lies off that of the image by the shares `shift` of its width and height.
///
/// In `f32`; integers are rounded half up. Channels after the third stay.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `strength` ≤ [`MAX_VIGNETTE`] and each shift lies between −1 and 1.
pub fn vignetting<T: Sample>(
    level: Level,
    strength: f32,
    shift: [f32; 2],
    image: ImageMut<'_, T>,
) -> Result<()> {
    let near = shift.iter().all(|share| (-1.0..=1.0).contains(share));
    if !(near && (0.0..=MAX_VIGNETTE).contains(&strength)) {
        return Err(Error::InvalidArgument);
    }
    let (height, width, channels) = image.as_ref().shape();
    let sides = [width, height].map(|side| side as f32);
    let [half_width, half_height] = sides.map(|side| side * 0.5);
    let mut place = middle((height, width));
    for ((place, shift), side) in place.iter_mut().zip(shift).zip(sides) {
        *place += shift * side;
    }
    let growth = 1.0 / math::sqrt(1.0 - strength) - 1.0;
    let square = half_width * half_width + half_height * half_height;
    let falloff = Falloff { place, scale: math::sqrt(growth / math::max(square, 0.5)) };
    falloff.each_block(level, image, |pixels, found| {
        found.iter_mut().for_each(|light| *light = 1.0 - *light);
        T::veil(level, pixels, channels, found, 0.0, [1.0; 3]);
    });
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
