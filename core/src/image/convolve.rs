//! Weighted sums of the pixels around each, with kernels most of whose weights may be zero.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::blur::widen;
use super::{Border, Sample, copy_values, same};
use crate::error::Result;
use crate::math;
use crate::scratch::{Plain, Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Values that are summed side by side.
const WIDE: usize = 64;

/// Values of a row with its margins, and behind it what a block may touch.
const fn room(radius: usize, (_, width, channels): (usize, usize, usize)) -> usize {
    let margins = radius.saturating_mul(2).saturating_add(1);
    width.saturating_add(margins).saturating_mul(channels).saturating_add(WIDE)
}

/// Bytes of scratch that [`convolve`] takes for a kernel of `radius` and an image of `shape` = (height, width, channels).
pub(super) fn scratch_len<T: Convolve>(radius: usize, shape: (usize, usize, usize)) -> usize {
    let side = radius.saturating_mul(2).saturating_add(1);
    let (taps, room) = (side.saturating_mul(side), room(radius, shape));
    ScratchLen::new()
        .with::<T::Tap>(taps)
        .with::<u32>(taps)
        .with::<usize>(taps)
        .with::<T>(room)
        .with::<T::Cell>(room.saturating_mul(side).saturating_mul(T::EACH))
        .bytes()
}

/// Replaces each value by the sum of those in the square of 2 · `radius` + 1 pixels around it, each times its weight;
/// `weights` go row by row, and are divided by their sum. The image is mirrored outside, without repeating its edge.
///
/// For 8-bit values weights are rounded to whole numbers, scaled so that the greatest is 2¹⁴, or less where their magnitudes
/// came to more than 2²². The sum is exact; in `f32`, times the reciprocal of the sum of the weights, it is rounded half up.
/// Others are summed in `f32`, row by row, with weights that have been divided before.
pub(super) fn convolve<T: Sample>(
    level: Level,
    radius: usize,
    weights: &[f64],
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    same(src.shape(), dst.shape())?;
    let (height, width, channels) = src.shape();
    let side = 2 * radius + 1;
    let room = room(radius, src.shape());
    let mut frame = scratch.frame();
    let kept = frame.take::<T::Tap>(weights.len())?;
    let places = frame.take::<u32>(weights.len())?;
    let starts = frame.take::<usize>(weights.len())?;
    let padded = frame.take_zeroed::<T>(room)?;
    let cells = frame.take::<T::Cell>(room.saturating_mul(side).saturating_mul(T::EACH))?;
    let (count, scale) = T::taps(weights, side, places, kept);
    let (kept, places) = (kept.get(..count).unwrap_or(&[]), places.get(..count).unwrap_or(&[]));
    let mut filled = 0;
    for (y, to) in dst.iter_rows_mut().enumerate() {
        while filled < y + side {
            let from = Border::<T>::Reflect101.index(filled as i64 - radius as i64, height);
            let row = from.map_or(&[][..], |y| src.row(y));
            copy_values(padded.get_mut(radius * channels..).unwrap_or(&mut []), row);
            widen(padded, width, channels, radius, Border::Reflect101);
            let slot = filled % side * room * T::EACH;
            let slot = cells.get_mut(slot..slot + room * T::EACH).unwrap_or(&mut []);
            T::spread(level, padded, padded.get(channels..).unwrap_or(&[]), slot);
            filled += 1;
        }
        for (start, &place) in starts.iter_mut().zip(places) {
            let (row, column) = (place as usize / side, place as usize % side);
            *start = (y + row) % side * room + column * channels;
        }
        T::weighted(level, cells, starts.get(..count).unwrap_or(&[]), kept, scale, to);
    }
    Ok(())
}

/// Values that can be weighed, each kind in its own arithmetic.
pub trait Convolve: Plain {
    /// What a row is made of: values beside their right neighbours, or values.
    type Cell: Plain;
    /// What they count.
    type Tap: Plain;
    /// Cells of each value.
    const EACH: usize;

    /// The weights that are not zero, with their places in the kernel; how many, and by what sums are multiplied.
    fn taps(weights: &[f64], side: usize, places: &mut [u32], kept: &mut [Self::Tap]) -> (usize, f32);

    /// The cells of a row, with each value's neighbour in `next`.
    fn spread(level: Level, row: &[Self], next: &[Self], to: &mut [Self::Cell]);

    /// The sums of what stands at each start and the values behind it.
    fn weighted(
        level: Level,
        cells: &[Self::Cell],
        starts: &[usize],
        weights: &[Self::Tap],
        scale: f32,
        to: &mut [Self],
    );
}

impl Convolve for u8 {
    type Cell = i16;
    type Tap = i32;
    const EACH: usize = 2;

    fn taps(weights: &[f64], side: usize, places: &mut [u32], kept: &mut [i32]) -> (usize, f32) {
        let magnitude = |w: &f64| if *w < 0.0 { -*w } else { *w };
        let (most, all) = weights
            .iter()
            .map(magnitude)
            .fold((0.0, 0.0), |(most, all), w| (if w > most { w } else { most }, all + w));
        let by = if all > most * 256.0 { 4_194_304.0 / all } else { 16384.0 / most };
        let whole = |w: Option<&f64>| {
            let scaled = w.map_or(0.0, |w| *w * by);
            (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i16
        };
        let (mut count, mut total) = (0, 0i32);
        let mut left = places.iter_mut().zip(kept);
        for (y, row) in weights.chunks(side.max(1)).enumerate() {
            let mut x = 0;
            while x < row.len() {
                let (a, b) = (whole(row.get(x)), whole(row.get(x + 1)));
                // Two side by side are one product; a zero in front of them none.
                if a != 0
                    && let Some((place, kept)) = left.next()
                {
                    (*place, *kept) = ((y * side + x) as u32, i32::from(a as u16) | i32::from(b) << 16);
                    total += i32::from(a) + i32::from(b);
                    count += 1;
                    x += 1;
                }
                x += 1;
            }
        }
        (count, 1.0 / total.max(1) as f32)
    }

    kernel! {
        fn spread(row: &[u8], next: &[u8], to: &mut [i16]) = spread_bytes;
    }

    dispatch! {
        fn weighted(cells: &[i16], starts: &[usize], weights: &[i32], scale: f32, to: &mut [u8]) {
            base: weighted_base, Avx2: x86::by_8, Avx512: x86::by_16, Avx512Vbmi: x86::by_16_fused,
        }
    }
}

macro_rules! floats {
    ($($t:ident)*) => { $(
        impl Convolve for $t {
            type Cell = f32;
            type Tap = f32;
            const EACH: usize = 1;

            fn taps(weights: &[f64], _: usize, places: &mut [u32], kept: &mut [f32]) -> (usize, f32) {
                weigh_floats(weights, places, kept)
            }

            kernel! {
                fn spread(row: &[$t], next: &[$t], to: &mut [f32]) = spread_floats;
            }

            kernel! {
                fn weighted(cells: &[f32], starts: &[usize], weights: &[f32], scale: f32, to: &mut [$t])
                    = weighted_floats, with avx512;
            }
        }
    )* };
}
floats!(u16 f32);

#[inline(always)]
fn spread_bytes(row: &[u8], next: &[u8], to: &mut [i16]) {
    for ((to, a), b) in to.as_chunks_mut::<2>().0.iter_mut().zip(row).zip(next) {
        *to = [i16::from(*a), i16::from(*b)];
    }
}

fn weighted_base(cells: &[i16], starts: &[usize], weights: &[i32], scale: f32, to: &mut [u8]) {
    for (i, to) in to.chunks_mut(WIDE).enumerate() {
        let mut sums = [0; WIDE];
        for (start, weight) in starts.iter().zip(weights) {
            let (a, b) = (i32::from(*weight as i16), *weight >> 16);
            let part =
                cells.get((start + i * WIDE) * 2..).and_then(|cells| cells.first_chunk::<{ 2 * WIDE }>());
            for (sum, [x, y]) in sums.iter_mut().zip(part.map_or(&[][..], |part| part.as_chunks::<2>().0)) {
                // Magnitudes that add up to hardly more than 2²², times 255.
                *sum += i32::from(*x) * a + i32::from(*y) * b;
            }
        }
        settle(&sums, scale, to);
    }
}

/// Sums as values.
#[inline(always)]
fn settle(sums: &[i32], scale: f32, to: &mut [u8]) {
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = math::to_u8(*sum as f32 * scale);
    }
}

fn weigh_floats(weights: &[f64], places: &mut [u32], kept: &mut [f32]) -> (usize, f32) {
    let total: f64 = weights.iter().sum();
    let mut count = 0;
    let mut left = places.iter_mut().zip(kept);
    for (i, weight) in weights.iter().enumerate() {
        if *weight != 0.0
            && let Some((place, kept)) = left.next()
        {
            (*place, *kept) = (i as u32, (weight / total) as f32);
            count += 1;
        }
    }
    (count, 1.0)
}

#[inline(always)]
fn spread_floats<T: Sample>(row: &[T], _: &[T], to: &mut [f32]) {
    for (to, value) in to.iter_mut().zip(row) {
        *to = value.to_f32();
    }
}

#[inline(always)]
fn weighted_floats<T: Sample>(cells: &[f32], starts: &[usize], weights: &[f32], _: f32, to: &mut [T]) {
    for (i, to) in to.chunks_mut(WIDE).enumerate() {
        let mut sums = [0.0; WIDE];
        for (start, weight) in starts.iter().zip(weights) {
            let part = cells.get(start + i * WIDE..).and_then(|cells| cells.first_chunk::<WIDE>());
            for (sum, value) in sums.iter_mut().zip(part.into_iter().flatten()) {
                *sum += value * weight;
            }
        }
        for (to, sum) in to.iter_mut().zip(&sums) {
            *to = T::from_f32(*sum);
        }
    }
}
