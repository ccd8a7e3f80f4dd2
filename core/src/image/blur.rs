//! Gaussian blur.

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

/// Pixels on either side that a blur of `sigma` reaches: ⌈3σ⌉.
fn radius(sigma: f32) -> usize {
    let reach = sigma * 3.0;
    let whole = reach as usize;
    if (whole as f32) < reach { whole + 1 } else { whole }
}

/// Bytes of scratch that [`gaussian_blur`] takes for an image of `shape` = (height, width, channels).
pub fn blur_scratch_len(sigma: f32, shape: (usize, usize, usize)) -> usize {
    let radius = radius(math::clamp(sigma, 0.0, MAX_SIGMA));
    let taps = 2 * radius + 1;
    let row = shape.1.saturating_mul(shape.2);
    let margins = shape.2.saturating_mul(2 * radius);
    let stride = row.saturating_add(WIDE);
    ScratchLen::new()
        .with::<i16>(radius + 1)
        .with::<usize>(taps)
        .with::<u8>(stride.saturating_add(margins))
        .with::<i16>(stride.saturating_mul(taps.min(shape.0)))
        .bytes()
}

/// Blurs with a Gaussian of standard deviation `sigma` pixels, cut off at ⌈3σ⌉, over a mirrored border
/// ([`Border::Reflect101`]).
///
/// Columns first, then rows, with integer weights of 15 bits that add up to 2¹⁵; between the passes values keep
/// 6 fractional bits, and the result is rounded half up: at most one level from the exact value, without bias.
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
    // Rows of the ring end with room for a whole block of lanes, so that no block is cut.
    let stride = (width * channels).saturating_add(WIDE);
    let mut frame = scratch.frame();
    let weights = frame.take::<i16>(radius + 1)?;
    let starts = frame.take::<usize>(2 * radius + 1)?;
    let padded = frame.take_zeroed::<u8>(stride.saturating_add((2 * radius).saturating_mul(channels)))?;
    let ring_rows = starts.len().min(height);
    let ring = frame.take_zeroed::<i16>(stride.saturating_mul(ring_rows))?;
    gaussian(sigma, weights);
    let slot = |y: usize| y.checked_rem(ring_rows).unwrap_or(0) * stride;
    let mut filled = 0;
    for (y, to) in dst.iter_rows_mut().enumerate() {
        while filled < height.min(y + radius + 1) {
            widen(src.row(filled), padded, width, channels, radius);
            let start = slot(filled);
            columns(level, padded, channels, weights, ring.get_mut(start..start + stride).unwrap_or(&mut []));
            filled += 1;
        }
        // The row itself, then the rows at distance 1 above and below, at distance 2, …
        for (i, start) in starts.iter_mut().enumerate() {
            let distance = (i as i64 + 1) / 2;
            let from = y as i64 + if i % 2 == 0 { distance } else { -distance };
            *start = slot(Border::<u8>::Reflect101.index(from, height).unwrap_or(0));
        }
        rows(level, ring, starts, weights, to);
    }
    Ok(())
}

/// The weights exp(−x² / 2σ²) for x = 0, 1, …, scaled so that with both sides they add up to 2¹⁵; what rounding
/// leaves over goes to the middle.
fn gaussian(sigma: f32, weights: &mut [i16]) {
    let at = |x: usize| math::exp(-((x * x) as f32) / (2.0 * sigma * sigma));
    let sides: f32 = (1..weights.len()).fold(0.0, |sum, x| sum + at(x));
    let total = 1.0 + 2.0 * sides;
    let mut left = 32768i32;
    for (x, w) in weights.iter_mut().enumerate().skip(1) {
        *w = math::round_half_up(at(x) / total * 32768.0) as i16;
        left -= 2 * *w as i32;
    }
    if let Some(middle) = weights.first_mut() {
        // One less where there is nothing but the middle; rounding takes care of that.
        *middle = left.clamp(0, 32767) as i16;
    }
}

/// A row with `radius` mirrored pixels on either side.
fn widen(row: &[u8], padded: &mut [u8], width: usize, channels: usize, radius: usize) {
    for (to, from) in padded.iter_mut().skip(radius * channels).zip(row) {
        *to = *from;
    }
    let left = 0..radius;
    let right = radius + width..2 * radius + width;
    for x in left.chain(right) {
        let at = Border::<u8>::Reflect101.index(x as i64 - radius as i64, width).unwrap_or(0);
        let pixel = padded.get_mut(x * channels..).unwrap_or(&mut []).iter_mut().take(channels);
        for (to, from) in pixel.zip(row.get(at * channels..).unwrap_or(&[])) {
            *to = *from;
        }
    }
}

/// Lanes that are summed side by side.
const WIDE: usize = 32;

dispatch! {
    /// The pass over columns: 6 fractional bits are kept.
    fn columns(padded: &[u8], channels: usize, weights: &[i16], to: &mut [i16]) {
        base: columns_base, Avx2: x86::columns_by_16, Avx512: x86::columns_by_32,
    }
}

fn columns_base(padded: &[u8], channels: usize, weights: &[i16], to: &mut [i16]) {
    let middle = weights.len().saturating_sub(1) * channels;
    for (i, to) in to.as_chunks_mut::<WIDE>().0.iter_mut().enumerate() {
        let at = |from: usize| padded.get(from + i * WIDE..).and_then(|rest| rest.first_chunk::<WIDE>());
        let mut sums = [1i32 << 8; WIDE];
        for (k, &weight) in weights.iter().enumerate() {
            let (Some(a), Some(b)) = (at(middle - k * channels), at(middle + k * channels)) else { break };
            // The middle counts once.
            let once = if k == 0 { 0 } else { i16::MAX };
            for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
                // Two values of 8 bits and weights that add up to 2¹⁵: below 2²⁴.
                *sum += (a as i16 + (b as i16 & once)) as i32 * weight as i32;
            }
        }
        *to = sums.map(|sum| (sum >> 9) as i16);
    }
}

dispatch! {
    /// The pass over rows: one row of the output from the ring's rows that begin at `starts`.
    fn rows(ring: &[i16], starts: &[usize], weights: &[i16], to: &mut [u8]) {
        base: rows_base, Avx2: x86::rows_by_16, Avx512: x86::rows_by_32,
    }
}

fn rows_base(ring: &[i16], starts: &[usize], weights: &[i16], to: &mut [u8]) {
    rows_body(ring, starts, weights, 0, to);
}

/// Columns `first..` of one row of the output.
#[inline(always)]
fn rows_body(ring: &[i16], starts: &[usize], weights: &[i16], first: usize, to: &mut [u8]) {
    let Some((&middle, sides)) = starts.split_first() else { return };
    let Some((&centre, weights)) = weights.split_first() else { return };
    for (i, chunk) in to.chunks_mut(WIDE).enumerate() {
        let at =
            |start: usize| ring.get(start + first + i * WIDE..).and_then(|rest| rest.first_chunk::<WIDE>());
        let Some(here) = at(middle) else { return };
        let mut sums = here.map(|v| v as i32 * centre as i32 + (1 << 20));
        for (&[above, below], &weight) in sides.as_chunks::<2>().0.iter().zip(weights) {
            let (Some(a), Some(b)) = (at(above), at(below)) else { return };
            for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
                // Two values of at most 255 · 2⁶ fit 16 bits; with weights that add up to 2¹⁵: below 2³⁰.
                *sum += (a + b) as i32 * weight as i32;
            }
        }
        for (to, sum) in chunk.iter_mut().zip(sums) {
            *to = (sum >> 21) as u8;
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
                prop_assert!((*g as f64 - w).abs() < 0.55, "{g} {w}");
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
    fn the_widest_blurs_stay_within_one_level() {
        let src = Owned::pattern(11, 8, 1);
        for sigma in [9.5, 20.0, 27.3, 30.9, MAX_SIGMA] {
            let got = blurred(Level::detect(), sigma, &src);
            for (g, w) in got.data.iter().zip(exact(sigma, &src)) {
                assert!((f64::from(*g) - w).abs() <= 1.0, "{sigma}: {g} {w}");
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
