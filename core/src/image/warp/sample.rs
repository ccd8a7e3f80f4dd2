//! Nearest pixels, and weighted sums of 16-bit values in integers and of floats in `f32`.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::places::{Path, Places, Point};
use super::weights::{cubic, rounded};
use super::{bicubic, bilinear};
use crate::image::{Border, Sample, copy_values};
use crate::scratch::Plain;
#[cfg(target_arch = "x86_64")]
use crate::scratch::bytes_mut;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Values that can be sampled between pixels, each kind in its own arithmetic.
pub trait Sampled: Plain {
    /// Samples all of `dst`.
    fn sample(
        level: Level,
        path: &Path<'_>,
        kernel: Kernel,
        border: Border<Self>,
        src: ImageRef<'_, Self>,
        dst: ImageMut<'_, Self>,
    );
}

impl Sampled for u8 {
    fn sample(
        level: Level,
        path: &Path<'_>,
        kernel: Kernel,
        border: Border,
        src: ImageRef<'_, u8>,
        dst: ImageMut<'_, u8>,
    ) {
        match kernel {
            Kernel::Linear => bilinear::image(level, path, border, src, dst),
            Kernel::Cubic(quarters) => bicubic::image(level, path, quarters, border, src, dst),
        }
    }
}

macro_rules! by_weights {
    ($($t:ty)*) => { $(
        impl Sampled for $t {
            fn sample(
                level: Level,
                path: &Path<'_>,
                kernel: Kernel,
                border: Border<$t>,
                src: ImageRef<'_, $t>,
                dst: ImageMut<'_, $t>,
            ) {
                match kernel {
                    Kernel::Linear => weighted_image::<$t, 2>(level, path, kernel, border, src, dst),
                    Kernel::Cubic(_) => weighted_image::<$t, 4>(level, path, kernel, border, src, dst),
                }
            }
        }
    )* };
}
by_weights!(u16 f32);

/// The weights of a fraction.
#[derive(Clone, Copy, Debug)]
pub enum Kernel {
    /// Of two pixels.
    Linear,
    /// Of four, by the cubic of Keys 1981 with this many quarters for −a.
    Cubic(u8),
}

/// The arithmetic of weighted sums.
pub(super) trait Weighed: Sample {
    /// Of one pixel.
    type Factor: Plain;
    type Sum: Copy + Default;

    /// Half of the last place of a fraction, in coordinates of 32 fractional bits.
    const ROUND: i64;

    /// The weights of a fraction, and zeros after those of two pixels.
    fn weights(kernel: Kernel, fraction: u32) -> [Self::Factor; 4];

    /// A row's sum with one pixel more.
    fn with(self, sum: Self::Sum, weight: Self::Factor) -> Self::Sum;

    /// The sum of rows with one row more.
    fn with_row(sum: Self::Sum, row: Self::Sum, weight: Self::Factor) -> Self::Sum;

    /// The value that a sum of rows comes to.
    fn settle(sum: Self::Sum) -> Self;

    /// The weighted sums of a block.
    fn block(
        level: Level,
        kernel: Kernel,
        places: &Places,
        border: Border<Self>,
        src: ImageRef<'_, Self>,
        to: &mut [Self],
    );
}

impl Weighed for f32 {
    type Factor = f32;
    type Sum = f32;

    const ROUND: i64 = 0;

    #[inline(always)]
    fn weights(kernel: Kernel, fraction: u32) -> [f32; 4] {
        let part = (fraction >> 8) as f32 / 16_777_216.0;
        match kernel {
            Kernel::Linear => [1.0 - part, part, 0.0, 0.0],
            Kernel::Cubic(quarters) => {
                let a = f32::from(quarters) * -0.25;
                let near = |x: f32| ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
                let far = |x: f32| (((x - 5.0) * x + 8.0) * x - 4.0) * a;
                [far(1.0 + part), near(part), near(1.0 - part), far(2.0 - part)]
            }
        }
    }

    #[inline(always)]
    fn with(self, sum: f32, weight: f32) -> f32 {
        sum + self * weight
    }

    #[inline(always)]
    fn with_row(sum: f32, row: f32, weight: f32) -> f32 {
        sum + row * weight
    }

    #[inline(always)]
    fn settle(sum: f32) -> f32 {
        sum
    }

    dispatch! {
        fn block(kernel: Kernel, places: &Places, border: Border<f32>, src: ImageRef<'_, f32>, to: &mut [f32]) {
            base: weighted_block, Avx2: avx2::weighted,
        }
    }
}

/// Fractional bits of coordinates and weights, and those of the sum of a row, which 32 bits hold.
const WORD_BITS: u32 = 24;
const WORD_ROW_BITS: u32 = 14;

cubic! {
    /// The weights of the four pixels around a place for 16-bit values.
    word_weights u64, i64; 24 24 24
}

impl Weighed for u16 {
    type Factor = i32;
    type Sum = i64;

    const ROUND: i64 = 1 << (31 - WORD_BITS);

    #[inline(always)]
    fn weights(kernel: Kernel, fraction: u32) -> [i32; 4] {
        let part = fraction >> (32 - WORD_BITS);
        match kernel {
            Kernel::Linear => [(1 << WORD_BITS) - part as i32, part as i32, 0, 0],
            Kernel::Cubic(quarters) => word_weights(part.into(), quarters).map(|weight| weight as i32),
        }
    }

    #[inline(always)]
    fn with(self, sum: i64, weight: i32) -> i64 {
        sum + i64::from(self) * i64::from(weight)
    }

    #[inline(always)]
    fn with_row(sum: i64, row: i64, weight: i32) -> i64 {
        sum + i64::from(rounded!(row, WORD_BITS - WORD_ROW_BITS) as i32) * i64::from(weight)
    }

    #[inline(always)]
    fn settle(sum: i64) -> u16 {
        rounded!(sum, WORD_BITS + WORD_ROW_BITS).clamp(0, 65535) as u16
    }

    kernel! {
        fn block(kernel: Kernel, places: &Places, border: Border<u16>, src: ImageRef<'_, u16>, to: &mut [u16])
            = weighted_block;
    }
}

/// Whether there is a body for sixteen pixels at a time.
#[cfg(target_arch = "x86_64")]
fn in_lanes(level: Level) -> bool {
    level.0 >= crate::simd::Isa::Avx512
}

/// The nearest pixels to all of `dst`.
#[allow(unsafe_code)]
pub(super) fn nearest_image<T: Plain>(
    level: Level,
    path: &Path<'_>,
    border: Border<T>,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
) {
    // SAFETY: such a `Level` is only made after `probe` found F, BW, DQ, VL, AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    if in_lanes(level) && unsafe { avx512::nearest_image(path, border, src, &mut dst) } {
        return;
    }
    for (y, to) in dst.iter_rows_mut().enumerate() {
        // Half a pixel more, so that the whole part is the nearest.
        path.blocks(level, y, 1 << 31, src.channels(), to, |places, to| nearest(places, border, src, to));
    }
}

/// The weighted sums of K × K pixels to all of `dst`; `kernel` has K weights.
#[allow(unsafe_code)]
fn weighted_image<T: Weighed, const K: usize>(
    level: Level,
    path: &Path<'_>,
    kernel: Kernel,
    border: Border<T>,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
) {
    // SAFETY: such a `Level` is only made after `probe` found F, BW, DQ, VL, AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    if in_lanes(level) && unsafe { avx512::weighted_image::<T, K>(path, kernel, border, src, &mut dst) } {
        return;
    }
    for (y, to) in dst.iter_rows_mut().enumerate() {
        path.blocks(level, y, T::ROUND, src.channels(), to, |places, to| {
            T::block(level, kernel, places, border, src, to);
        });
    }
}

/// The weighted sums of a block.
#[inline(always)]
fn weighted_block<T: Weighed>(
    kernel: Kernel,
    places: &Places,
    border: Border<T>,
    src: ImageRef<'_, T>,
    to: &mut [T],
) {
    weighted(kernel, places.points(0), border, src, to);
}

/// The nearest pixels.
fn nearest<T: Plain>(places: &Places, border: Border<T>, src: ImageRef<'_, T>, to: &mut [T]) {
    match src.channels() {
        1 => nearest_pixels::<T, 1>(places, border, src, to.as_chunks_mut().0),
        3 => nearest_pixels::<T, 3>(places, border, src, to.as_chunks_mut().0),
        4 => nearest_pixels::<T, 4>(places, border, src, to.as_chunks_mut().0),
        channels => {
            for (i, pixel) in to.chunks_exact_mut(channels.max(1)).enumerate() {
                match offset(places, i, border, src)
                    .and_then(|at| src.as_mat().data().get(at..)?.get(..channels))
                {
                    Some(from) => copy_values(pixel, from),
                    None => border.constant().map_or((), |value| pixel.fill(value)),
                }
            }
        }
    }
}

fn nearest_pixels<T: Plain, const C: usize>(
    places: &Places,
    border: Border<T>,
    src: ImageRef<'_, T>,
    to: &mut [[T; C]],
) {
    let outside = [border.constant().unwrap_or_default(); C];
    for (i, pixel) in to.iter_mut().enumerate() {
        let from =
            offset(places, i, border, src).and_then(|at| src.as_mat().data().get(at..)?.first_chunk::<C>());
        *pixel = from.copied().unwrap_or(outside);
    }
}

/// Where the pixel begins that place `i` shows; `None` where that is a constant.
#[inline(always)]
fn offset<T: Plain>(places: &Places, i: usize, border: Border<T>, src: ImageRef<'_, T>) -> Option<usize> {
    let (height, width, channels) = src.shape();
    let (x, y) = (i64::from(*places.x.get(i)?), i64::from(*places.y.get(i)?));
    let (y, x) = border.index(y, height).zip(border.index(x, width))?;
    Some(y.wrapping_mul(src.stride()).wrapping_add(x.wrapping_mul(channels)))
}

/// The weighted sums at `points`, by rows.
#[inline(always)]
pub(super) fn weighted<T: Weighed>(
    kernel: Kernel,
    points: impl Iterator<Item = Point>,
    border: Border<T>,
    src: ImageRef<'_, T>,
    to: &mut [T],
) {
    match (kernel, src.channels()) {
        (Kernel::Linear, 3) => by_channels::<T, 2, 3>(kernel, points, border, src, to, |_, _| None),
        (Kernel::Linear, 4) => by_channels::<T, 2, 4>(kernel, points, border, src, to, |_, _| None),
        (Kernel::Linear, _) => by_channels::<T, 2, 1>(kernel, points, border, src, to, |_, _| None),
        (Kernel::Cubic(_), 3) => by_channels::<T, 4, 3>(kernel, points, border, src, to, |_, _| None),
        (Kernel::Cubic(_), 4) => by_channels::<T, 4, 4>(kernel, points, border, src, to, |_, _| None),
        (Kernel::Cubic(_), _) => by_channels::<T, 4, 1>(kernel, points, border, src, to, |_, _| None),
    }
}

/// C channels at a time, of which there is a multiple, by the K weights of `kernel`. `inside` may have the sum of pixels
/// from an offset on by the weights of columns and of rows, where all of them lie inside and there are no more than C
/// channels.
#[inline(always)]
fn by_channels<T: Weighed, const K: usize, const C: usize>(
    kernel: Kernel,
    points: impl Iterator<Item = Point>,
    border: Border<T>,
    src: ImageRef<'_, T>,
    to: &mut [T],
    inside: impl Fn(usize, [&[T::Factor; 4]; 2]) -> Option<[T; C]>,
) {
    let (height, width, channels) = src.shape();
    let data = src.as_mat().data();
    let outside = [border.constant().unwrap_or_default(); C];
    let before = K as i64 / 2 - 1;
    let along = |at: i64, len: usize| -> [Option<usize>; K] {
        core::array::from_fn(|k| border.index(at + k as i64, len))
    };
    // Of pixels before these all K × K lie inside.
    let [last_column, last_row] = [width, height].map(|side| side.saturating_sub(K - 1) as u64);
    for (pixel, [(x, fx), (y, fy)]) in to.chunks_exact_mut(channels.max(1)).zip(points) {
        let (across, down) = (T::weights(kernel, fx), T::weights(kernel, fy));
        let (x, y) = (i64::from(x) - before, i64::from(y) - before);
        // A negative place is a large one.
        if (x as u64) < last_column && (y as u64) < last_row {
            let at =
                (y as usize).wrapping_mul(src.stride()).wrapping_add((x as usize).wrapping_mul(channels));
            if let Some((sum, to)) = inside(at, [&across, &down]).zip(pixel.first_chunk_mut()) {
                *to = sum;
                continue;
            }
        }
        let (columns, rows) = (along(x, width), along(y, height));
        for (first, to) in (0..channels).step_by(C).zip(pixel.as_chunks_mut::<C>().0) {
            let value = |y: Option<usize>, x: Option<usize>| {
                let (y, x) = y.zip(x)?;
                data.get(y * src.stride() + x * channels + first..)?.first_chunk::<C>().copied()
            };
            let mut total = [T::Sum::default(); C];
            for (&y, below) in rows.iter().zip(down) {
                let mut sum = [T::Sum::default(); C];
                for (&x, beside) in columns.iter().zip(across) {
                    for (sum, v) in sum.iter_mut().zip(value(y, x).unwrap_or(outside)) {
                        *sum = v.with(*sum, beside);
                    }
                }
                for (total, sum) in total.iter_mut().zip(sum) {
                    *total = T::with_row(*total, sum, below);
                }
            }
            *to = total.map(T::settle);
        }
    }
}

/// The value that the lowest bytes of `from` are.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn lowest<T: Sample>(from: u32) -> T {
    let mut value = T::default();
    copy_values(bytes_mut(core::slice::from_mut(&mut value)), &from.to_le_bytes());
    value
}
