//! Blurs: a Gaussian or a box, rows first, then columns.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::{Border, same};
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::{Scratch, ScratchLen};
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
pub fn blur_scratch_len(sigma: f32, shape: (usize, usize, usize)) -> usize {
    box_blur_scratch_len(reach(sigma), shape)
}

/// Bytes of scratch that [`box_blur`] takes for an image of `shape` = (height, width, channels).
pub fn box_blur_scratch_len(radius: usize, shape: (usize, usize, usize)) -> usize {
    let row = shape.1.saturating_mul(shape.2);
    let margins = shape.2.saturating_mul(radius).saturating_mul(2);
    let taps = radius.saturating_add(1);
    ScratchLen::new()
        .with::<i16>(taps)
        .with::<i32>(taps.div_ceil(2))
        .with::<usize>(taps.saturating_mul(2))
        .with::<u8>(row)
        .with::<i16>(row.saturating_add(margins))
        .bytes()
}

/// Blurs with a Gaussian of standard deviation `sigma` pixels, cut off at ⌈3σ⌉; `border` stands outside the image.
///
/// Rows first, then columns, with integer weights of 15 bits that add up to 2¹⁵; between the passes values keep
/// 6 fractional bits, and the result is rounded half up: at most one level from the exact value, without bias.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 < `sigma` ≤ [`MAX_SIGMA`], [`Error::ShapeMismatch`] where the shapes differ,
/// [`Error::ScratchTooSmall`].
pub fn gaussian_blur(
    level: Level,
    sigma: f32,
    border: Border,
    src: ImageRef<'_, u8>,
    dst: ImageMut<'_, u8>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !(sigma > 0.0 && sigma <= MAX_SIGMA) {
        return Err(Error::InvalidArgument);
    }
    let bell = |x: usize| math::exp(-((x * x) as f32) / (2.0 * sigma * sigma));
    separable(level, reach(sigma), bell, border, src, dst, scratch)
}

/// Replaces each value by the mean of the square of 2 · `radius` + 1 pixels around it; `border` stands outside the
/// image. Rounded as [`gaussian_blur`] does.
///
/// # Errors
/// [`Error::InvalidArgument`] where `radius` is above [`MAX_RADIUS`], [`Error::ShapeMismatch`] where the shapes
/// differ, [`Error::ScratchTooSmall`].
pub fn box_blur(
    level: Level,
    radius: usize,
    border: Border,
    src: ImageRef<'_, u8>,
    dst: ImageMut<'_, u8>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if radius > MAX_RADIUS {
        return Err(Error::InvalidArgument);
    }
    separable(level, radius, |_| 1.0, border, src, dst, scratch)
}

/// Both passes with the weights `of` the distances up to `radius`.
fn separable(
    level: Level,
    radius: usize,
    of: impl Fn(usize) -> f32,
    border: Border,
    src: ImageRef<'_, u8>,
    mut dst: ImageMut<'_, u8>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    same(src.shape(), dst.shape())?;
    let (height, width, channels) = src.shape();
    let (row, margin) = (width * channels, radius * channels);
    let mut frame = scratch.frame();
    let weights = frame.take::<i16>(radius + 1)?;
    let pairs = frame.take::<i32>((radius + 1).div_ceil(2))?;
    let starts = frame.take::<usize>(2 * radius + 1)?;
    let constant = frame.take::<u8>(row)?;
    let middle = frame.take::<i16>(row.saturating_add(margin.saturating_mul(2)))?;
    constant.fill(border.constant().unwrap_or(0));
    weigh(of, weights);
    pair_up(weights, pairs);
    let weights = Weights { each: weights, pairs };
    for (y, to) in dst.iter_rows_mut().enumerate() {
        // The row itself, then the rows at distance 1 below and above, at distance 2, …
        for (i, start) in starts.iter_mut().enumerate() {
            let distance = (i as i64 + 1) / 2;
            let from = y as i64 + if i % 2 == 0 { -distance } else { distance };
            *start = border.index(from, height).map_or(OUTSIDE, |y| y * src.stride());
        }
        let rows = Rows { data: src.as_mat().data(), constant, starts };
        down(level, rows, weights, middle.get_mut(margin..margin + row).unwrap_or(&mut []));
        widen(middle, width, channels, radius, border);
        across(level, middle, channels, weights, to);
    }
    Ok(())
}

/// The weights of distances 0, 1, …, scaled so that with both sides they add up to 2¹⁵; what rounding leaves over goes
/// to the middle.
fn weigh(of: impl Fn(usize) -> f32, weights: &mut [i16]) {
    let sides: f32 = (1..weights.len()).fold(0.0, |sum, x| sum + of(x));
    let total = of(0) + 2.0 * sides;
    let mut left = 32768i32;
    for (x, w) in weights.iter_mut().enumerate().skip(1) {
        *w = math::round_half_up(of(x) / total * 32768.0) as i16;
        left -= 2 * *w as i32;
    }
    if let Some(middle) = weights.first_mut() {
        // One less where there is nothing but the middle; rounding takes care of that.
        *middle = left.clamp(0, 32767) as i16;
    }
}

/// Two weights side by side in 32 bits; 0 where there is no second one.
fn pair_up(weights: &[i16], pairs: &mut [i32]) {
    for (to, two) in pairs.iter_mut().zip(weights.chunks(2)) {
        let [first, second] = [0, 1].map(|i| two.get(i).copied().unwrap_or(0));
        *to = first as u16 as i32 | (second as i32) << 16;
    }
}

/// What pixels at each distance count.
#[derive(Clone, Copy)]
struct Weights<'a> {
    each: &'a [i16],
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "no other target has a sum of two products")
    )]
    pairs: &'a [i32],
}

/// In place of the start of a row that a constant stands for.
const OUTSIDE: usize = usize::MAX;

/// The rows that make one row of the output.
#[derive(Clone, Copy)]
struct Rows<'a> {
    data: &'a [u8],
    constant: &'a [u8],
    /// Of the middle row, then of those at distance 1, 2, …, two each.
    starts: &'a [usize],
}

impl<'a> Rows<'a> {
    /// What follows value `at` in row `i`.
    #[inline(always)]
    fn from(&self, i: usize, at: usize) -> &'a [u8] {
        let rest = match self.starts.get(i) {
            Some(&OUTSIDE) => self.constant.get(at..),
            Some(start) => self.data.get(start + at..),
            None => None,
        };
        rest.unwrap_or(&[])
    }
}

/// Fills the margins of `radius` pixels on either side of a row.
fn widen(row: &mut [i16], width: usize, channels: usize, radius: usize, border: Border) {
    let outside = (border.constant().unwrap_or(0) as i16) << KEPT;
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

/// Bits of a weight.
const BITS: u32 = 15;
/// Fractional bits that values keep between the passes.
const KEPT: u32 = 6;

dispatch! {
    /// The pass over rows: [`KEPT`] fractional bits are kept.
    fn down(rows: Rows<'_>, weights: Weights<'_>, to: &mut [i16]) {
        base: down_base, Avx2: x86::down_by_16, Avx512: x86::down_by_32, Avx512Vbmi: x86::down_by_32_fused,
    }
}

/// Values that are summed side by side.
const WIDE: usize = 64;

fn down_base(rows: Rows<'_>, weights: Weights<'_>, to: &mut [i16]) {
    for (i, to) in to.chunks_mut(WIDE).enumerate() {
        let mut sums = [1 << (BITS - KEPT - 1); WIDE];
        for (k, &weight) in weights.each.iter().enumerate() {
            let row = |i: usize, at: usize| rows.from(i, at).get(..to.len()).unwrap_or(&[]);
            if k == 0 {
                add(&mut sums, row(0, i * WIDE), weight);
            } else {
                // Two values of 8 bits and weights that add up to 2¹⁵: below 2²⁴.
                add2(&mut sums, row(2 * k - 1, i * WIDE), row(2 * k, i * WIDE), weight);
            }
        }
        for (to, sum) in to.iter_mut().zip(sums) {
            *to = (sum >> (BITS - KEPT)) as i16;
        }
    }
}

dispatch! {
    /// The pass over columns, of a row with its margins.
    fn across(row: &[i16], channels: usize, weights: Weights<'_>, to: &mut [u8]) {
        base: across_base, Avx2: x86::across_by_16, Avx512: x86::across_by_32, Avx512Vbmi: x86::across_by_32_fused,
    }
}

fn across_base(row: &[i16], channels: usize, weights: Weights<'_>, to: &mut [u8]) {
    let middle = weights.each.len().saturating_sub(1) * channels;
    for (i, to) in to.chunks_mut(WIDE).enumerate() {
        let mut sums = [1 << (BITS + KEPT - 1); WIDE];
        for (k, &weight) in weights.each.iter().enumerate() {
            let part = |at: usize| row.get(at + i * WIDE..).and_then(|r| r.get(..to.len())).unwrap_or(&[]);
            if k == 0 {
                add(&mut sums, part(middle), weight);
            } else {
                // Two values of at most 255 · 2⁶; with weights that add up to 2¹⁵: below 2³⁰.
                let (before, after) = (part(middle - k * channels), part(middle + k * channels));
                add2(&mut sums, before, after, weight);
            }
        }
        for (to, sum) in to.iter_mut().zip(sums) {
            *to = (sum >> (BITS + KEPT)) as u8;
        }
    }
}

#[inline(always)]
fn add<T: Copy + Into<i32>>(sums: &mut [i32], values: &[T], weight: i16) {
    for (sum, &v) in sums.iter_mut().zip(values) {
        *sum += v.into() * weight as i32;
    }
}

#[inline(always)]
fn add2<T: Copy + Into<i32>>(sums: &mut [i32], a: &[T], b: &[T], weight: i16) {
    for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
        *sum += (a.into() + b.into()) * weight as i32;
    }
}

#[cfg(test)]
mod tests;
