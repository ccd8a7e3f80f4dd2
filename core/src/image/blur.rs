//! Blurs: a Gaussian or a box, rows first, then columns.

mod fixed;
mod float;
mod mean;

use super::{Border, Sample, same};
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::{Plain, Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// The largest σ, in pixels.
pub const MAX_SIGMA: f32 = 32.0;
/// The largest radius, in pixels.
pub const MAX_RADIUS: usize = 96;

/// Pixels on either side that a Gaussian blur of `sigma` reaches: ⌈3σ⌉.
fn reach(sigma: f32) -> usize {
    let reach = math::clamp(sigma, 0.0, MAX_SIGMA) * 3.0;
    let whole = reach as usize;
    if (whole as f32) < reach { whole + 1 } else { whole }
}

/// Bytes of scratch that [`gaussian_blur`] takes for an image of `shape` = (height, width, channels).
pub fn blur_scratch_len<T: Sample>(sigma: f32, shape: (usize, usize, usize)) -> usize {
    separable_len::<T>(reach(sigma), shape)
}

/// Bytes of scratch that [`box_blur`] takes for an image of `shape` = (height, width, channels).
pub fn box_blur_scratch_len<T: Sample>(radius: usize, shape: (usize, usize, usize)) -> usize {
    T::box_blur_len(radius, shape)
}

/// Bytes of scratch that [`separable`] takes.
fn separable_len<T: Blur>(radius: usize, shape: (usize, usize, usize)) -> usize {
    let row = shape.1.saturating_mul(shape.2);
    let margins = shape.2.saturating_mul(radius).saturating_mul(2);
    let taps = radius.saturating_add(1);
    ScratchLen::new()
        .with::<T::Weight>(taps)
        .with::<i32>(taps.div_ceil(2))
        .with::<usize>(taps.saturating_mul(2))
        .with::<T>(row)
        .with::<T::Middle>(row.saturating_add(margins))
        .bytes()
}

/// Blurs with a Gaussian of standard deviation `sigma` pixels, cut off at ⌈3σ⌉; `border` stands outside the image.
///
/// Rows first, then columns. 8-bit values have integer weights of 15 bits that add up to 2¹⁵; between the passes they keep
/// 6 fractional bits, and the result is rounded half up. Others are summed in `f32`: the pixel itself, then both at
/// distance 1, both at distance 2, …, each two added before they are weighed; nothing is rounded between the passes. At
/// most one level from the exact value, without bias.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 < `sigma` ≤ [`MAX_SIGMA`], [`Error::ShapeMismatch`] where the shapes differ,
/// [`Error::ScratchTooSmall`].
pub fn gaussian_blur<T: Sample>(
    level: Level,
    sigma: f32,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !(sigma > 0.0 && sigma <= MAX_SIGMA) {
        return Err(Error::InvalidArgument);
    }
    // Of the pixel itself without a division, since the square of a tiny sigma is 0.
    let bell = |x: usize| if x == 0 { 1.0 } else { math::exp(-((x * x) as f32) / (2.0 * sigma * sigma)) };
    separable(level, reach(sigma), bell, border, src, dst, scratch)
}

/// Replaces each value by the mean of the square of 2 · `radius` + 1 pixels around it; `border` stands outside the
/// image. Of 8 and 16 bits the mean is exact, rounded to the nearest (there are no halves); floats are summed as
/// [`gaussian_blur`] does it.
///
/// # Errors
/// [`Error::InvalidArgument`] where `radius` is above [`MAX_RADIUS`], [`Error::ShapeMismatch`] where the shapes
/// differ, [`Error::ScratchTooSmall`].
pub fn box_blur<T: Sample>(
    level: Level,
    radius: usize,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if radius > MAX_RADIUS {
        return Err(Error::InvalidArgument);
    }
    same(src.shape(), dst.shape())?;
    T::box_blur(level, radius, border, src, dst, scratch)
}

/// Both passes with the weights `of` the distances up to `radius`.
fn separable<T: Blur>(
    level: Level,
    radius: usize,
    of: impl Fn(usize) -> f32,
    border: Border<T>,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    same(src.shape(), dst.shape())?;
    let (height, width, channels) = src.shape();
    let (row, margin) = (width * channels, radius * channels);
    let mut frame = scratch.frame();
    let weights = frame.take::<T::Weight>(radius + 1)?;
    let pairs = frame.take::<i32>((radius + 1).div_ceil(2))?;
    let starts = frame.take::<usize>(2 * radius + 1)?;
    let constant = frame.take::<T>(row)?;
    let middle = frame.take::<T::Middle>(row.saturating_add(margin.saturating_mul(2)))?;
    constant.fill(border.constant().unwrap_or_default());
    T::weigh(of, weights, pairs);
    let weights = Weights { each: weights, pairs };
    for (y, to) in dst.iter_rows_mut().enumerate() {
        // The row itself, then the rows at distance 1 below and above, at distance 2, …
        for (i, start) in starts.iter_mut().enumerate() {
            let distance = (i as i64 + 1) / 2;
            let from = y as i64 + if i % 2 == 0 { -distance } else { distance };
            *start = border.index(from, height).map_or(OUTSIDE, |y| y * src.stride());
        }
        let rows = Rows { data: src.as_mat().data(), constant, starts };
        T::down(level, rows, weights, middle.get_mut(margin..margin + row).unwrap_or(&mut []));
        widen(middle, width, channels, radius, border.map(T::middle));
        T::across(level, middle, channels, weights, to);
    }
    Ok(())
}

/// Values that can be blurred, each kind in its own arithmetic.
pub trait Blur: Plain {
    /// What a pixel counts.
    type Weight: Plain;
    /// A value between the passes.
    type Middle: Plain;

    /// The weights `of` distances 0, 1, …, scaled so that with both sides they add up to one, and two of them side by side
    /// for sums of two products.
    fn weigh(of: impl Fn(usize) -> f32, weights: &mut [Self::Weight], pairs: &mut [i32]);

    /// What a pass over rows of the same value would make.
    fn middle(self) -> Self::Middle;

    /// The pass over rows.
    fn down(level: Level, rows: Rows<'_, Self>, weights: Weights<'_, Self::Weight>, to: &mut [Self::Middle]);

    /// The pass over columns, of a row with its margins.
    fn across(
        level: Level,
        row: &[Self::Middle],
        channels: usize,
        weights: Weights<'_, Self::Weight>,
        to: &mut [Self],
    );

    /// Bytes of scratch that [`Blur::box_blur`] takes.
    fn box_blur_len(radius: usize, shape: (usize, usize, usize)) -> usize {
        separable_len::<Self>(radius, shape)
    }

    /// [`box_blur()`] of images of the same shape.
    ///
    /// # Errors
    /// [`Error::ScratchTooSmall`].
    fn box_blur(
        level: Level,
        radius: usize,
        border: Border<Self>,
        src: ImageRef<'_, Self>,
        dst: ImageMut<'_, Self>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        separable(level, radius, |_| 1.0, border, src, dst, scratch)
    }
}

/// What pixels at each distance count.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a, W> {
    each: &'a [W],
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "no other target has a sum of two products")
    )]
    pairs: &'a [i32],
}

/// In place of the start of a row that a constant stands for.
const OUTSIDE: usize = usize::MAX;

/// The rows that make one row of the output.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    data: &'a [T],
    constant: &'a [T],
    /// Of the middle row, then of those at distance 1, 2, …, two each.
    starts: &'a [usize],
}

impl<'a, T> Rows<'a, T> {
    /// What follows value `at` in row `i`.
    #[inline(always)]
    fn from(&self, i: usize, at: usize) -> &'a [T] {
        let rest = match self.starts.get(i) {
            Some(&OUTSIDE) => self.constant.get(at..),
            Some(start) => self.data.get(start + at..),
            None => None,
        };
        rest.unwrap_or(&[])
    }
}

/// Fills the margins of `radius` pixels on either side of a row.
pub(super) fn widen<T: Plain>(
    row: &mut [T],
    width: usize,
    channels: usize,
    radius: usize,
    border: Border<T>,
) {
    let outside = border.constant().unwrap_or_default();
    for x in (0..radius).chain(radius + width..2 * radius + width) {
        let from = border.index(x as i64 - radius as i64, width).map(|at| (at + radius) * channels);
        for c in 0..channels {
            let value = from.and_then(|from| row.get(from + c).copied()).unwrap_or(outside);
            if let Some(to) = row.get_mut(x * channels + c) {
                *to = value;
            }
        }
    }
}

#[cfg(test)]
mod tests;
