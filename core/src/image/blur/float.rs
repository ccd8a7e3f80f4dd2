//! Blurs of 16-bit values and of floats, in `f32`.

use super::mean::{self, means};
use super::{Blur, Rows, Weights};
use crate::error::Result;
use crate::image::{Border, Sample};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

macro_rules! floats {
    ($($t:ty { $($box_blur:item)* })*) => { $(
        impl Blur for $t {
            type Weight = f32;
            type Middle = f32;

            fn weigh(of: impl Fn(usize) -> f32, weights: &mut [f32], _: &mut [i32]) {
                weigh(of, weights);
            }

            fn middle(self) -> f32 {
                self.to_f32()
            }

            kernel! {
                fn down(rows: Rows<'_, $t>, weights: Weights<'_, f32>, to: &mut [f32]) = down_body, with avx512;
            }

            kernel! {
                fn across(row: &[f32], channels: usize, weights: Weights<'_, f32>, to: &mut [$t])
                    = across_body, with avx512;
            }

            $($box_blur)*
        }
    )* };
}
floats! {
    u16 {
        fn box_blur_len(radius: usize, shape: (usize, usize, usize)) -> usize {
            mean::scratch_len::<u16, u32>(radius, shape)
        }

        fn box_blur(
            level: Level,
            radius: usize,
            border: Border<u16>,
            src: ImageRef<'_, u16>,
            dst: ImageMut<'_, u16>,
            scratch: &mut Scratch<'_>,
        ) -> Result<()> {
            means::<u16, u32>(level, radius, border, src, dst, scratch)
        }
    }
    f32 {}
}

fn weigh(of: impl Fn(usize) -> f32, weights: &mut [f32]) {
    let sides: f64 = (1..weights.len()).map(|x| of(x) as f64).sum();
    let total = of(0) as f64 + 2.0 * sides;
    let mut left = 1.0;
    for (x, w) in weights.iter_mut().enumerate().skip(1) {
        *w = (of(x) as f64 / total) as f32;
        left -= 2.0 * *w as f64;
    }
    if let Some(middle) = weights.first_mut() {
        *middle = left as f32;
    }
}

/// Values that are summed side by side, and fewer of them where a row ends.
const WIDE: usize = 64;
const NARROW: usize = 8;

#[inline(always)]
fn down_body<T: Sample>(rows: Rows<'_, T>, weights: Weights<'_, f32>, to: &mut [f32]) {
    each_part(to, |at| move |i: usize| rows.from(i, at), weights.each, |sum| sum);
}

#[inline(always)]
fn across_body<T: Sample>(row: &[f32], channels: usize, weights: Weights<'_, f32>, to: &mut [T]) {
    let middle = weights.each.len().saturating_sub(1) * channels;
    let from = |at: usize| {
        move |i: usize| {
            let distance = i.div_ceil(2) * channels;
            let place = if i % 2 == 1 { middle - distance } else { middle + distance };
            row.get(at + place..).unwrap_or(&[])
        }
    };
    each_part(to, from, weights.each, T::from_f32);
}

/// Fills `to`, of which the values from `at` on are sums of those of the pixels that `from(at)` tells: the middle, then
/// those at distance 1 on either side, …
#[inline(always)]
fn each_part<'a, T: Sample + 'a, U, P: Fn(usize) -> &'a [T]>(
    to: &mut [U],
    from: impl Fn(usize) -> P,
    weights: &[f32],
    settle: impl Fn(f32) -> U + Copy,
) {
    let (wide, rest) = to.as_chunks_mut::<WIDE>();
    let (narrow, single) = rest.as_chunks_mut::<NARROW>();
    let mut at = 0;
    for to in wide {
        *to = sum(from(at), weights).map(settle);
        at += WIDE;
    }
    for to in narrow {
        *to = sum(from(at), weights).map(settle);
        at += NARROW;
    }
    for to in single {
        let [value] = sum(from(at), weights).map(settle);
        *to = value;
        at += 1;
    }
}

#[inline(always)]
fn sum<'a, T: Sample + 'a, const N: usize>(part: impl Fn(usize) -> &'a [T], weights: &[f32]) -> [f32; N] {
    let mut sums = [0.0; N];
    for (k, &weight) in weights.iter().enumerate() {
        let value = |i: usize| part(i).first_chunk::<N>();
        if k == 0 {
            for (sum, v) in sums.iter_mut().zip(value(0).into_iter().flatten()) {
                *sum = v.to_f32() * weight;
            }
        } else if let Some((a, b)) = value(2 * k - 1).zip(value(2 * k)) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += (a.to_f32() + b.to_f32()) * weight;
            }
        }
    }
    sums
}
