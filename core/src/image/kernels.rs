//! Operations that weigh the pixels around each by a kernel: motion, a lens out of focus, a relief, and rings at edges.

use super::{Sample, convolve};
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// The longest way of [`motion_blur`], in pixels.
pub const MAX_LENGTH: f32 = 64.0;
/// The largest radius of [`defocus`], in pixels.
pub const MAX_DISC: f32 = 16.0;
/// The largest radius of [`ringing`], in pixels.
pub const MAX_RINGS: usize = 10;
/// The highest frequency that [`ringing`] may keep, in radians a pixel.
pub const MAX_CUTOFF: f32 = 1.6;

/// Bytes of scratch for a kernel of `radius` and its weights.
fn scratch_len<T: Sample>(radius: usize, shape: (usize, usize, usize)) -> usize {
    let side = radius.saturating_mul(2).saturating_add(1);
    let all = convolve::scratch_len::<T>(radius, shape);
    ScratchLen::new().with::<f64>(side.saturating_mul(side)).with_bytes(all).bytes()
}

/// Bytes of scratch that [`motion_blur`] takes for an image of `shape` = (height, width, channels).
pub fn motion_scratch_len<T: Sample>(length: f32, shape: (usize, usize, usize)) -> usize {
    scratch_len::<T>(line_radius(length), shape)
}

/// Bytes of scratch that [`defocus`] takes for an image of `shape` = (height, width, channels).
pub fn defocus_scratch_len<T: Sample>(radius: f32, shape: (usize, usize, usize)) -> usize {
    scratch_len::<T>(disc_radius(radius), shape)
}

/// Bytes of scratch that [`emboss`] takes for an image of `shape` = (height, width, channels).
pub fn emboss_scratch_len<T: Sample>(shape: (usize, usize, usize)) -> usize {
    convolve::scratch_len::<T>(1, shape)
}

/// Bytes of scratch that [`ringing`] takes for an image of `shape` = (height, width, channels).
pub fn ringing_scratch_len<T: Sample>(radius: usize, shape: (usize, usize, usize)) -> usize {
    scratch_len::<T>(radius, shape)
}

/// The least whole number that is not below `x` ≥ 0.
const fn ceil(x: f32) -> usize {
    let whole = x as usize;
    if (whole as f32) < x { whole + 1 } else { whole }
}

/// Pixels between the middle and the end of a line, and one more, since points lie between pixels.
fn line_radius(length: f32) -> usize {
    ceil(math::clamp(length, 1.0, MAX_LENGTH) * 0.5) + 1
}

/// Blurs along a line of `length` pixels through each, at an angle of `degrees` counter-clockwise from the rows, as a camera
/// that moves does. The image is mirrored outside, without repeating its edge.
///
/// The line has ⌈`length`⌉ points, at equal distances from one another and half of one from its ends, each of which counts as
/// much as the others, and is shared by the four pixels around it as a bilinear sample would be. 8-bit values have weights
/// of 14 bits, their sum is exact and rounded half up; others are summed in `f32`, row by row.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 1 ≤ `length` ≤ [`MAX_LENGTH`] and `degrees` lies between −360 and 360,
/// [`Error::ShapeMismatch`] where the shapes differ, [`Error::ScratchTooSmall`].
pub fn motion_blur<T: Sample>(
    level: Level,
    length: f32,
    degrees: f32,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    // False for NaN.
    if !((1.0..=MAX_LENGTH).contains(&length) && (-360.0..=360.0).contains(&degrees)) {
        return Err(Error::InvalidArgument);
    }
    let (radius, points) = (line_radius(length), ceil(length));
    let side = 2 * radius + 1;
    let mut frame = scratch.frame();
    let weights = frame.take_zeroed::<f64>(side * side)?;
    let turn = degrees * (core::f32::consts::PI / 180.0);
    let (sin, cos) = (f64::from(math::sin(turn)), f64::from(math::cos(turn)));
    for i in 0..points {
        let along = ((i as f64 + 0.5) / points as f64 - 0.5) * f64::from(length);
        // Within the kernel, and so above zero.
        let (x, y) = (radius as f64 + along * cos, radius as f64 - along * sin);
        let (left, top) = (x as usize, y as usize);
        let (dx, dy) = (x - left as f64, y - top as f64);
        for (row, part) in [(top, 1.0 - dy), (top + 1, dy)] {
            for (column, share) in [(left, 1.0 - dx), (left + 1, dx)] {
                if let Some(weight) = weights.get_mut(row * side + column) {
                    *weight += part * share;
                }
            }
        }
    }
    convolve::convolve(level, radius, weights, src, dst, &mut frame)
}

/// Pixels that a disc reaches.
fn disc_radius(radius: f32) -> usize {
    ceil(math::clamp(radius, 0.0, MAX_DISC) + 0.5)
}

/// Fills a kernel with the weights `of` places to the right of and below the middle.
fn fill(weights: &mut [f64], radius: usize, of: impl Fn(f64, f64) -> f64) {
    let from_middle = |i: usize| i as f64 - radius as f64;
    for (y, row) in weights.chunks_exact_mut(2 * radius + 1).enumerate() {
        for (x, weight) in row.iter_mut().enumerate() {
            *weight = of(from_middle(x), from_middle(y));
        }
    }
}

/// Blurs by a disc of `radius` pixels, as a lens that is out of focus does (Hendrycks and Dietterich 2019). The image is
/// mirrored outside, without repeating its edge.
///
/// A pixel at distance d of the middle counts `radius` + ½ − d, but not below 0 and not above 1. Weights and sums are those of
/// [`motion_blur`].
///
/// # Errors
/// [`Error::InvalidArgument`] unless ½ ≤ `radius` ≤ [`MAX_DISC`], [`Error::ShapeMismatch`] where the shapes differ,
/// [`Error::ScratchTooSmall`].
pub fn defocus<T: Sample>(
    level: Level,
    radius: f32,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !(0.5..=MAX_DISC).contains(&radius) {
        return Err(Error::InvalidArgument);
    }
    let reach = disc_radius(radius);
    let side = 2 * reach + 1;
    let mut frame = scratch.frame();
    let weights = frame.take::<f64>(side * side)?;
    fill(weights, reach, |x, y| {
        let distance = f64::from(math::sqrt((x * x + y * y) as f32));
        (f64::from(radius) + 0.5 - distance).clamp(0.0, 1.0)
    });
    convolve::convolve(level, reach, weights, src, dst, &mut frame)
}

/// Makes a relief that is lit from the side: `share` of it, and the rest of the image itself. The image is mirrored outside,
/// without repeating its edge.
///
/// Of the eight pixels around each that at an angle of `degrees`, clockwise from the right as rows go down, counts
/// 1 + `strength`, those at 45 degrees from it `strength`, at 90 nothing, and those opposite as much with the other sign;
/// angles between these have weights between them. The pixel itself counts 1. With 45 degrees, down to the right, it is the
/// Emboss of albumentations. Weights and sums are those of [`motion_blur`].
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `share` ≤ 1, 0 ≤ `strength` ≤ 10 and `degrees` lies between −360 and 360,
/// [`Error::ShapeMismatch`] where the shapes differ, [`Error::ScratchTooSmall`].
pub fn emboss<T: Sample>(
    level: Level,
    share: f32,
    strength: f32,
    degrees: f32,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let turns = (-360.0..=360.0).contains(&degrees);
    if !((0.0..=1.0).contains(&share) && (0.0..=10.0).contains(&strength) && turns) {
        return Err(Error::InvalidArgument);
    }
    let (share, strength) = (f64::from(share), f64::from(strength));
    // Clockwise from the right.
    let ring = [1.0 + strength, strength, 0.0, -strength, -1.0 - strength, -strength, 0.0, strength];
    let places = [5, 8, 7, 6, 3, 0, 1, 2];
    let eighths = f64::from(degrees) / 45.0 + 8.0;
    let whole = eighths as usize;
    let between = eighths - whole as f64;
    let mut weights = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    for (i, light) in ring.into_iter().enumerate() {
        for (step, part) in [(0, 1.0 - between), (1, between)] {
            let place = places.get((whole + i + step) % 8);
            if let Some(weight) = place.and_then(|place| weights.get_mut(*place)) {
                *weight += light * part * share;
            }
        }
    }
    convolve::convolve(level, 1, &weights, src, dst, scratch)
}

/// Lets only frequencies below `cutoff`, in radians a pixel, pass, by a kernel that is cut off at a square of 2 · `radius` + 1
/// pixels: edges overshoot and have rings beside them, as sharpening and compression leave them (Wang and others 2021). The
/// image is mirrored outside, without repeating its edge.
///
/// A pixel at distance d of the middle counts J₁(`cutoff` · d) / d, and the middle itself `cutoff` / 2. Weights and sums are
/// those of [`motion_blur`].
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0.1 ≤ `cutoff` ≤ [`MAX_CUTOFF`] and 1 ≤ `radius` ≤ [`MAX_RINGS`],
/// [`Error::ShapeMismatch`] where the shapes differ, [`Error::ScratchTooSmall`].
pub fn ringing<T: Sample>(
    level: Level,
    cutoff: f32,
    radius: usize,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !((0.1..=MAX_CUTOFF).contains(&cutoff) && (1..=MAX_RINGS).contains(&radius)) {
        return Err(Error::InvalidArgument);
    }
    let (side, cutoff) = (2 * radius + 1, f64::from(cutoff));
    let mut frame = scratch.frame();
    let weights = frame.take::<f64>(side * side)?;
    fill(weights, radius, |x, y| {
        // J₁(√z · cutoff) / √z is a series in z.
        cutoff * 0.5 * bessel(cutoff * cutoff * (x * x + y * y))
    });
    convolve::convolve(level, radius, weights, src, dst, &mut frame)
}

/// 2 · J₁(x) / x of x² up to 520, within 10⁻⁸, by its power series.
fn bessel(square: f64) -> f64 {
    let quarter = square * 0.25;
    let mut series = 1.0;
    // At the end of the range the last terms are below 10⁻²⁰.
    for k in (1..=50).rev() {
        let k = f64::from(k);
        series = 1.0 - quarter / (k * (k + 1.0)) * series;
    }
    series
}

#[cfg(test)]
mod tests;
