//! Sharpening: what a blur takes away is added, once more or several times.

use super::blur::{blur_scratch_len, gaussian_blur};
use super::{Border, Sample, copy_row, same};
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::{Plain, Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// The largest factor of [`sharpen`], and the largest amount of [`unsharp_mask`].
pub const MAX_SHARPNESS: f32 = 100.0;

/// Bytes of scratch that [`sharpen`] takes for an image of `shape` = (height, width, channels).
pub fn sharpen_scratch_len<T: Sample>(shape: (usize, usize, usize)) -> usize {
    ScratchLen::new().with::<T::Column>(shape.1.saturating_mul(shape.2)).bytes()
}

/// smooth + (v − smooth) · `factor`: 0 is smooth, 1 changes nothing, 2 is sharper. Smooth is the mean of the 3 × 3 pixels
/// around each, of which it counts five times itself; the outermost pixels stay.
///
/// Of whole numbers smooth is rounded to the nearest (there are no halves), and the result half up: of 8 bits in integers, with
/// a factor of 15 fractional bits; of 16 bits in `f32`. With whole factors the bytes are those of Pillow and torchvision, which
/// otherwise cut the fraction off. Of floats the three columns are summed downwards, then added from the left, then four times
/// the value, and the sum times 1/13; nothing is rounded.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `factor` ≤ [`MAX_SHARPNESS`], [`Error::ShapeMismatch`] where the shapes differ,
/// [`Error::ScratchTooSmall`].
pub fn sharpen<T: Sample>(
    level: Level,
    factor: f32,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !(0.0..=MAX_SHARPNESS).contains(&factor) {
        return Err(Error::InvalidArgument);
    }
    same(src.shape(), dst.shape())?;
    let (height, width, channels) = src.shape();
    let mut frame = scratch.frame();
    let sums = frame.take::<T::Column>(width * channels)?;
    let away = Away::new(factor - 1.0, 0.0);
    for (y, to) in dst.iter_rows_mut().enumerate() {
        let row = src.row(y);
        if y == 0 || y + 1 == height || width < 3 {
            copy_row(to, row);
            continue;
        }
        T::smooth(level, [src.row(y - 1), row, src.row(y + 1)], channels, sums, to);
        T::away(level, row, away, to);
        let last = (width - 1) * channels;
        for outermost in [0..channels, last..last + channels] {
            if let (Some(to), Some(from)) = (to.get_mut(outermost.clone()), row.get(outermost)) {
                copy_row(to, from);
            }
        }
    }
    Ok(())
}

/// v + (v − blurred) · `amount` where v differs from its [`gaussian_blur`] of `sigma` pixels by more than `threshold`, in
/// levels of 0 to 255; other values stay. The image is mirrored outside, without repeating its edge.
///
/// The blur is rounded as there, and the result half up: of 8 bits in integers, with an amount of 15 fractional bits; others in
/// `f32`, of which floats are not rounded.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `amount` ≤ [`MAX_SHARPNESS`] and 0 ≤ `threshold` ≤ 255, or as [`gaussian_blur`],
/// [`Error::ShapeMismatch`] where the shapes differ, [`Error::ScratchTooSmall`].
pub fn unsharp_mask<T: Sample>(
    level: Level,
    sigma: f32,
    amount: f32,
    threshold: f32,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !((0.0..=MAX_SHARPNESS).contains(&amount) && (0.0..=255.0).contains(&threshold)) {
        return Err(Error::InvalidArgument);
    }
    gaussian_blur(level, sigma, Border::Reflect101, src, dst.reborrow(), scratch)?;
    let away = Away::new(amount, threshold);
    for (to, row) in dst.iter_rows_mut().zip(src.iter_rows()) {
        T::away(level, row, away, to);
    }
    Ok(())
}

/// Bytes of scratch that [`unsharp_mask`] takes for an image of `shape` = (height, width, channels).
pub fn unsharp_scratch_len<T: Sample>(sigma: f32, shape: (usize, usize, usize)) -> usize {
    blur_scratch_len::<T>(sigma, shape)
}

/// How far values go away from others.
#[derive(Clone, Copy, Debug)]
pub struct Away {
    /// The amount, at least −1.
    amount: f32,
    /// Its whole part, and the rest with 15 fractional bits, 0 or more.
    whole: i16,
    rest: i16,
    /// Differences up to this one, in levels, change nothing.
    threshold: f32,
}

impl Away {
    fn new(amount: f32, threshold: f32) -> Self {
        // Exact: both are below 2²³.
        let fixed = math::floor(amount * 32768.0 + 0.5) as i32;
        Self { amount, whole: (fixed >> 15) as i16, rest: (fixed & 32767) as i16, threshold }
    }
}

/// Values that can be sharpened, each kind in its own arithmetic.
pub trait Sharpen: Plain {
    /// The sum of a column.
    type Column: Plain;

    /// The weighted means of the middle row, of which the outermost are none.
    fn smooth(level: Level, rows: [&[Self]; 3], channels: usize, sums: &mut [Self::Column], to: &mut [Self]);

    /// Moves `values` away from `from`, which stand in `to`.
    fn away(level: Level, values: &[Self], away: Away, from: &mut [Self]);
}

macro_rules! sharpen {
    ($($t:ident $sum:ident $away:ident),*) => { $(
        impl Sharpen for $t {
            type Column = $sum;

            fn smooth(level: Level, rows: [&[$t]; 3], channels: usize, sums: &mut [$sum], to: &mut [$t]) {
                kernel! {
                    fn columns(rows: [&[$t]; 3], sums: &mut [$sum]) = columns_body, with avx512;
                }
                kernel! {
                    fn means(row: &[$t], channels: usize, sums: &[$sum], to: &mut [$t]) = means_body, with avx512;
                }
                columns(level, rows, sums);
                means(level, rows[1], channels, sums, to);
            }

            kernel! {
                fn away(values: &[$t], away: Away, from: &mut [$t]) = $away, with avx512;
            }
        }
    )* };
}
sharpen!(u8 u16 away_bytes, u16 u32 away_floats, f32 f32 away_floats);

/// A sum of up to thirteen values.
trait Sum<T>: Copy + core::ops::Add<Output = Self> + From<T> {
    /// The nearest thirteenth.
    fn thirteenth(self) -> T;
}

impl Sum<u8> for u16 {
    #[inline(always)]
    fn thirteenth(self) -> u8 {
        // ⌈2¹⁹ / 13⌉, which is too large by less than what a sum of 13 · 255 + 6 makes a whole of.
        ((u32::from(self + 6) * 40330) >> 19) as u8
    }
}

impl Sum<u16> for u32 {
    #[inline(always)]
    fn thirteenth(self) -> u16 {
        ((self + 6) / 13) as u16
    }
}

impl Sum<f32> for f32 {
    #[inline(always)]
    fn thirteenth(self) -> f32 {
        self * (1.0 / 13.0)
    }
}

#[inline(always)]
fn columns_body<T: Copy, S: Sum<T>>([above, middle, below]: [&[T]; 3], sums: &mut [S]) {
    for (((sum, a), b), c) in sums.iter_mut().zip(above).zip(middle).zip(below) {
        *sum = S::from(*a) + S::from(*b) + S::from(*c);
    }
}

#[inline(always)]
fn means_body<T: Copy, S: Sum<T>>(row: &[T], channels: usize, sums: &[S], to: &mut [T]) {
    let (Some(to), Some(row)) = (to.get_mut(channels..), row.get(channels..)) else { return };
    let (middle, right) = (sums.get(channels..).unwrap_or(&[]), sums.get(2 * channels..).unwrap_or(&[]));
    for ((((to, v), a), b), c) in to.iter_mut().zip(row).zip(sums).zip(middle).zip(right) {
        let v = S::from(*v);
        *to = (*a + *b + *c + (v + v + v + v)).thirteenth();
    }
}

#[inline(always)]
fn away_bytes(values: &[u8], away: Away, from: &mut [u8]) {
    // Whole numbers are above it where they are above its whole part.
    let threshold = away.threshold as i16;
    for (to, value) in from.iter_mut().zip(values) {
        let value = i16::from(*value);
        let apart = value - i16::from(*to);
        // Rounded half up; in this form compilers know the instruction for it.
        let rest = (((i32::from(apart) * i32::from(away.rest)) >> 14) + 1) >> 1;
        // At most 255 · 100 and 255 twice.
        let moved = (value + apart * away.whole + rest as i16).clamp(0, 255);
        *to = if apart.abs() > threshold { moved as u8 } else { value as u8 };
    }
}

#[inline(always)]
fn away_floats<T: Sample>(values: &[T], away: Away, from: &mut [T]) {
    let threshold = away.threshold * (T::LARGEST / 255.0);
    for (to, value) in from.iter_mut().zip(values) {
        let v = value.to_f32();
        let apart = v - to.to_f32();
        let moved = T::from_f32(v + apart * away.amount);
        *to = if math::abs(apart) > threshold { moved } else { *value };
    }
}

#[cfg(test)]
mod tests;
