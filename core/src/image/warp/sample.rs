//! Sampling in `f32`, and nearest pixels.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::bilinear;
use super::places::{Path, Places};
use crate::image::{Border, Sample, copy_values};
use crate::scratch::Plain;
#[cfg(target_arch = "x86_64")]
use crate::scratch::bytes_mut;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Values that can be sampled bilinearly, each kind in its own arithmetic.
pub trait Bilinear: Plain {
    /// Samples all of `dst`.
    fn bilinear(
        level: Level,
        path: &Path,
        border: Border<Self>,
        src: ImageRef<'_, Self>,
        dst: ImageMut<'_, Self>,
    );
}

impl Bilinear for u8 {
    fn bilinear(level: Level, path: &Path, border: Border, src: ImageRef<'_, u8>, dst: ImageMut<'_, u8>) {
        bilinear::image(level, path, border, src, dst);
    }
}

macro_rules! by_weights {
    ($($t:ty)*) => { $(
        impl Bilinear for $t {
            fn bilinear(level: Level, path: &Path, border: Border<$t>, src: ImageRef<'_, $t>, dst: ImageMut<'_, $t>) {
                weighted_image::<$t, 2>(level, path, Kernel::Linear, border, src, dst);
            }
        }
    )* };
}
by_weights!(u16 f32);

/// The weights of a fraction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kernel {
    /// Of two pixels.
    Linear,
    /// Of four, by the cubic of Keys 1981 with this a.
    Cubic(f32),
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
    path: &Path,
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
pub(super) fn weighted_image<T: Sample, const K: usize>(
    level: Level,
    path: &Path,
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
        path.blocks(level, y, 0, src.channels(), to, |places, to| {
            #[cfg(target_arch = "x86_64")]
            if level.0 >= crate::simd::Isa::Avx2 {
                match src.channels() {
                    // SAFETY: such a `Level` is only made after `probe` found AVX2 and FMA.
                    3 => return unsafe { avx2::weighted::<T, 3>(kernel, places, border, src, to) },
                    // SAFETY: likewise.
                    4 => return unsafe { avx2::weighted::<T, 4>(kernel, places, border, src, to) },
                    _ => (),
                }
            }
            weighted_by(kernel, places, border, src, to);
        });
    }
}

/// The weighted sums by the weights of `kernel`.
fn weighted_by<T: Sample>(
    kernel: Kernel,
    places: &Places,
    border: Border<T>,
    src: ImageRef<'_, T>,
    to: &mut [T],
) {
    match kernel {
        Kernel::Linear => weighted(places, |f| [1.0 - f, f], border, src, to),
        Kernel::Cubic(a) => weighted(places, |f| cubic(f, a), border, src, to),
    }
}

/// The weights of the pixels at −1 − `f`, −`f`, 1 − `f` and 2 − `f` by the cubic of Keys 1981.
fn cubic(f: f32, a: f32) -> [f32; 4] {
    let near = |x: f32| ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    let far = |x: f32| (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    [far(1.0 + f), near(f), near(1.0 - f), far(2.0 - f)]
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

/// The weighted sums of K × K pixels, by rows; `weights` of a fraction are those of the pixels from K / 2 − 1 before.
fn weighted<T: Sample, const K: usize>(
    places: &Places,
    weights: impl Fn(f32) -> [f32; K],
    border: Border<T>,
    src: ImageRef<'_, T>,
    to: &mut [T],
) {
    match src.channels() {
        3 => by_channels::<T, K, 3>(places, weights, border, src, to, |_, _| None),
        4 => by_channels::<T, K, 4>(places, weights, border, src, to, |_, _| None),
        _ => by_channels::<T, K, 1>(places, weights, border, src, to, |_, _| None),
    }
}

/// C channels at a time, of which there is a multiple. `inside` may have the sum of pixels from an offset on by the
/// weights of columns and of rows, where all of them lie inside and there are no more than C channels.
#[inline(always)]
fn by_channels<T: Sample, const K: usize, const C: usize>(
    places: &Places,
    weights: impl Fn(f32) -> [f32; K],
    border: Border<T>,
    src: ImageRef<'_, T>,
    to: &mut [T],
    inside: impl Fn(usize, [&[f32; K]; 2]) -> Option<[T; C]>,
) {
    let (height, width, channels) = src.shape();
    let data = src.as_mat().data();
    let outside = [border.constant().unwrap_or_default(); C];
    let part = |fraction: u32| (fraction >> 8) as f32 / 16_777_216.0;
    let before = K as i64 / 2 - 1;
    let along = |at: i64, len: usize| -> [Option<usize>; K] {
        core::array::from_fn(|k| border.index(at + k as i64, len))
    };
    // Of pixels before these all K × K lie inside.
    let [last_column, last_row] = [width, height].map(|side| side.saturating_sub(K - 1) as u64);
    let all = places.x.iter().zip(&places.fx).zip(places.y.iter().zip(&places.fy));
    for (pixel, ((&x, &fx), (&y, &fy))) in to.chunks_exact_mut(channels.max(1)).zip(all) {
        let (across, down) = (weights(part(fx)), weights(part(fy)));
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
            let mut total = [0.0; C];
            for (&y, below) in rows.iter().zip(down) {
                let mut sum = [0.0; C];
                for (&x, beside) in columns.iter().zip(across) {
                    for (sum, v) in sum.iter_mut().zip(value(y, x).unwrap_or(outside)) {
                        *sum += v.to_f32() * beside;
                    }
                }
                for (total, sum) in total.iter_mut().zip(sum) {
                    *total += sum * below;
                }
            }
            *to = total.map(T::from_f32);
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
