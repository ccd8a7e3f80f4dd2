//! Gaussian blur.

use super::{Border, same};
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// The largest σ, in pixels.
pub const MAX_SIGMA: f32 = 32.0;

/// Pixels on either side that a blur of `sigma` reaches: ⌈3σ⌉.
fn radius(sigma: f32) -> usize {
    let reach = sigma * 3.0;
    let whole = reach as usize;
    if (whole as f32) < reach { whole + 1 } else { whole }
}

/// Bytes of scratch that [`gaussian_blur`] takes for an image of `shape` = (height, width, channels).
pub fn blur_scratch_len(sigma: f32, shape: (usize, usize, usize)) -> usize {
    let taps = 2 * radius(math::clamp(sigma, 0.0, MAX_SIGMA)) + 1;
    let row = shape.1.saturating_mul(shape.2);
    let margins = shape.2.saturating_mul(taps);
    ScratchLen::new()
        .with::<u16>(taps)
        .with::<u8>(row.saturating_add(margins))
        .with::<u16>(row.saturating_mul(taps.min(shape.0)))
        .bytes()
}

/// Blurs with a Gaussian of standard deviation `sigma` pixels, cut off at ⌈3σ⌉, over a mirrored border
/// ([`Border::Reflect101`]).
///
/// Columns first, then rows, with integer weights of 16 bits that add up to 2¹⁶; between the passes values keep
/// 8 fractional bits, and the result is rounded half up: at most one level from the exact value, without bias.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 < `sigma` ≤ [`MAX_SIGMA`], [`Error::ShapeMismatch`] where the shapes differ,
/// [`Error::ScratchTooSmall`].
pub fn gaussian_blur(
    level: Level,
    sigma: f32,
    src: ImageRef<'_, u8>,
    mut dst: ImageMut<'_, u8>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    same(src.shape(), dst.shape())?;
    if !(sigma > 0.0 && sigma <= MAX_SIGMA) {
        return Err(Error::InvalidArgument);
    }
    let (height, width, channels) = src.shape();
    let radius = radius(sigma);
    let len = width * channels;
    let mut frame = scratch.frame();
    let weights = frame.take::<u16>(2 * radius + 1)?;
    let padded = frame.take::<u8>(len + 2 * radius * channels)?;
    let ring_rows = weights.len().min(height);
    let ring = frame.take::<u16>(len * ring_rows)?;
    if len == 0 {
        return Ok(());
    }
    gaussian(sigma, radius, weights);
    let slot = |y: usize| y.checked_rem(ring_rows).unwrap_or(0) * len;
    let mut filled = 0;
    for (y, to) in dst.iter_rows_mut().enumerate() {
        while filled < height.min(y + radius + 1) {
            widen(src.row(filled), padded, width, channels, radius);
            let start = slot(filled);
            columns(level, padded, channels, weights, ring.get_mut(start..start + len).unwrap_or(&mut []));
            filled += 1;
        }
        rows(level, ring, len, ring_rows, (y, height), weights, to);
    }
    Ok(())
}

/// The weights exp(−x² / 2σ²), scaled to a sum of exactly 2¹⁶; what rounding leaves over goes to the middle.
fn gaussian(sigma: f32, radius: usize, weights: &mut [u16]) {
    let at = |i: usize| {
        let x = i as f32 - radius as f32;
        math::exp(-(x * x) / (2.0 * sigma * sigma))
    };
    let total: f32 = (0..weights.len()).fold(0.0, |sum, i| sum + at(i));
    let mut left = 65536i64;
    for (i, w) in weights.iter_mut().enumerate() {
        *w = math::round_half_up(at(i) / total * 65536.0) as u16;
        left -= *w as i64;
    }
    if let Some(middle) = weights.get_mut(radius) {
        *middle = (*middle as i64 + left).clamp(0, 65535) as u16;
    }
}

/// A row with `radius` mirrored pixels on either side.
fn widen(row: &[u8], padded: &mut [u8], width: usize, channels: usize, radius: usize) {
    for (x, pixel) in padded.chunks_exact_mut(channels.max(1)).enumerate() {
        let at = Border::<u8>::Reflect101.index(x as i64 - radius as i64, width).unwrap_or(0);
        for (to, from) in pixel.iter_mut().zip(row.get(at * channels..).unwrap_or(&[])) {
            *to = *from;
        }
    }
}

/// Lanes that are summed side by side.
const WIDE: usize = 32;

kernel! {
    /// The pass over columns: 8 fractional bits are kept.
    fn columns(padded: &[u8], channels: usize, weights: &[u16], to: &mut [u16]) = columns_body;
}

#[inline(always)]
fn columns_body(padded: &[u8], channels: usize, weights: &[u16], to: &mut [u16]) {
    for (i, chunk) in to.chunks_mut(WIDE).enumerate() {
        let mut sums = [1u32 << 7; WIDE];
        for (k, &weight) in weights.iter().enumerate() {
            let from = padded.get(i * WIDE + k * channels..).unwrap_or(&[]);
            // Values of 8 and weights of 16 bits that add up to 2¹⁶: below 2²⁴ + 2⁷.
            match from.first_chunk::<WIDE>() {
                Some(from) => {
                    for (sum, v) in sums.iter_mut().zip(from) {
                        *sum = sum.wrapping_add(*v as u32 * weight as u32);
                    }
                }
                None => {
                    for (sum, v) in sums.iter_mut().zip(from) {
                        *sum = sum.wrapping_add(*v as u32 * weight as u32);
                    }
                }
            }
        }
        for (to, sum) in chunk.iter_mut().zip(sums) {
            *to = (sum >> 8) as u16;
        }
    }
}

kernel! {
    /// The pass over rows, for row `y_height.0` of `y_height.1`.
    fn rows(ring: &[u16], len: usize, ring_rows: usize, y_height: (usize, usize), weights: &[u16], to: &mut [u8]) = rows_body;
}

#[inline(always)]
fn rows_body(
    ring: &[u16],
    len: usize,
    ring_rows: usize,
    (y, height): (usize, usize),
    weights: &[u16],
    to: &mut [u8],
) {
    let first = y as i64 - (weights.len() / 2) as i64;
    for (i, chunk) in to.chunks_mut(WIDE).enumerate() {
        let mut sums = [1u32 << 23; WIDE];
        for (k, &weight) in weights.iter().enumerate() {
            let row = Border::<u8>::Reflect101.index(first + k as i64, height).unwrap_or(0);
            let start = row.checked_rem(ring_rows).unwrap_or(0) * len + i * WIDE;
            let from = ring.get(start..start + chunk.len()).unwrap_or(&[]);
            // Values of at most 255 · 2⁸ and weights that add up to 2¹⁶: below 2³² with the half.
            match from.as_array::<WIDE>() {
                Some(from) => {
                    for (sum, v) in sums.iter_mut().zip(from) {
                        *sum = sum.wrapping_add(*v as u32 * weight as u32);
                    }
                }
                None => {
                    for (sum, v) in sums.iter_mut().zip(from) {
                        *sum = sum.wrapping_add(*v as u32 * weight as u32);
                    }
                }
            }
        }
        for (to, sum) in chunk.iter_mut().zip(sums) {
            *to = (sum >> 24) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, images};
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn blurred(level: Level, sigma: f32, src: &Owned) -> Owned {
        let mut memory = vec![0xa5u8; blur_scratch_len(sigma, src.shape)];
        let mut out = Owned::new(src.shape);
        gaussian_blur(level, sigma, src.view(), out.view_mut(), &mut Scratch::new(&mut memory)).unwrap();
        out
    }

    /// The definition in `f64`, without rounding.
    fn exact(sigma: f32, src: &Owned) -> Vec<f64> {
        let (h, w, c) = src.shape;
        let r = (3.0 * sigma as f64).ceil() as i64;
        let g: Vec<f64> =
            (-r..=r).map(|x| (-(x * x) as f64 / (2.0 * sigma as f64 * sigma as f64)).exp()).collect();
        let total: f64 = g.iter().sum();
        let mirror = |i: i64, n: usize| Border::<u8>::Reflect101.index(i, n).unwrap();
        let mut out = vec![0.0; h * w * c];
        for (i, out) in out.iter_mut().enumerate() {
            let (y, x, ch) = (i / (w * c), i / c % w, i % c);
            for (gy, dy) in g.iter().zip(-r..) {
                for (gx, dx) in g.iter().zip(-r..) {
                    let at = (mirror(y as i64 + dy, h) * w + mirror(x as i64 + dx, w)) * c + ch;
                    *out += gy * gx * src.data[at] as f64 / total / total;
                }
            }
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn within_one_level_of_the_definition_and_without_bias(src in images(), sigma in 0.3f32..4.0) {
            let want = exact(sigma, &src);
            let got = blurred(Level::detect(), sigma, &src);
            let mut bias = 0.0;
            for (g, w) in got.data.iter().zip(&want) {
                prop_assert!((*g as f64 - w).abs() < 0.51, "{g} {w}");
                bias += *g as f64 - w;
            }
            let n = want.len() as f64;
            prop_assert!(bias.abs() / n < 0.05 + 2.0 / n.sqrt());
        }

        #[test]
        fn same_bytes_at_every_level(src in images(), sigma in 0.3f32..9.0) {
            let want = blurred(Level::BASE, sigma, &src);
            for level in Level::available() {
                prop_assert_eq!(&blurred(level, sigma, &src), &want);
            }
        }
    }

    #[test]
    fn a_plain_image_stays_plain_and_bad_sigmas_are_refused() {
        let mut src = Owned::new((9, 7, 3));
        for value in [0, 1, 127, 255] {
            src.data.fill(value);
            for sigma in [0.01, 0.4, 2.0, 32.0] {
                assert_eq!(blurred(Level::detect(), sigma, &src), src, "{sigma}");
            }
        }
        let mut out = Owned::new(src.shape);
        for sigma in [0.0, -1.0, 33.0, f32::NAN] {
            let done = gaussian_blur(Level::BASE, sigma, src.view(), out.view_mut(), &mut Scratch::empty());
            assert_eq!(done, Err(Error::InvalidArgument));
        }
        let done = gaussian_blur(Level::BASE, 1.0, src.view(), out.view_mut(), &mut Scratch::empty());
        assert_eq!(done, Err(Error::ScratchTooSmall));
        assert_eq!(out, Owned::new(src.shape));
    }
}
