//! Blurs of 8-bit values, in integers.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::mean::{self, SHORT, means};
use super::{Blur, Rows, Weights};
use crate::error::Result;
use crate::image::Border;
use crate::math;
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Bits of a weight.
const BITS: u32 = 15;
/// Fractional bits that values keep between the passes.
const KEPT: u32 = 6;

impl Blur for u8 {
    type Weight = i16;
    type Middle = i16;

    fn weigh(of: impl Fn(usize) -> f32, weights: &mut [i16], pairs: &mut [i32]) {
        weigh(of, weights);
        pair_up(weights, pairs);
    }

    fn middle(self) -> i16 {
        (self as i16) << KEPT
    }

    dispatch! {
        fn down(rows: Rows<'_, u8>, weights: Weights<'_, i16>, to: &mut [i16]) {
            base: down_base, Avx2: x86::down_by_16, Avx512: x86::down_by_32, Avx512Vbmi: x86::down_by_32_fused,
        }
    }

    dispatch! {
        fn across(row: &[i16], channels: usize, weights: Weights<'_, i16>, to: &mut [u8]) {
            base: across_base, Avx2: x86::across_by_16, Avx512: x86::across_by_32, Avx512Vbmi: x86::across_by_32_fused,
        }
    }

    fn box_blur_len(radius: usize, shape: (usize, usize, usize)) -> usize {
        let len = if radius <= SHORT { mean::scratch_len::<u8, u16> } else { mean::scratch_len::<u8, u32> };
        len(radius, shape)
    }

    fn box_blur(
        level: Level,
        radius: usize,
        border: Border,
        src: ImageRef<'_, u8>,
        dst: ImageMut<'_, u8>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let means = if radius <= SHORT { means::<u8, u16> } else { means::<u8, u32> };
        means(level, radius, border, src, dst, scratch)
    }
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

/// Values that are summed side by side.
const WIDE: usize = 64;

fn down_base(rows: Rows<'_, u8>, weights: Weights<'_, i16>, to: &mut [i16]) {
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

fn across_base(row: &[i16], channels: usize, weights: Weights<'_, i16>, to: &mut [u8]) {
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
