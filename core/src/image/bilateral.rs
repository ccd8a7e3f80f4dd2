//! The bilateral filter.

use super::blur::widen;
use super::colour::{self, BLOCK, Colours};
use super::{Border, Sample, same};
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::{Plain, Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};
use core::f32::consts::LOG2_E;

/// The largest radius of [`bilateral`], in pixels.
pub const MAX_BILATERAL: usize = 8;
/// The largest standard deviations of [`bilateral`].
const MAX_SIGMA: f32 = 1000.0;

/// Values of the planes of a row with their margins, and behind them what a block may touch.
const fn room(radius: usize, (_, width, channels): (usize, usize, usize)) -> usize {
    width.saturating_add(radius.saturating_mul(2)).saturating_mul(channels).saturating_add(BLOCK)
}

/// Bytes of scratch that [`bilateral`] takes for an image of `shape` = (height, width, channels).
pub fn bilateral_scratch_len(radius: usize, shape: (usize, usize, usize)) -> usize {
    let side = radius.saturating_mul(2).saturating_add(1);
    let taps = side.saturating_mul(side);
    ScratchLen::new()
        .with::<f32>(room(radius, shape).saturating_mul(side))
        .with::<usize>(taps)
        .with::<f32>(taps)
        .with::<f32>(taps.saturating_mul(BLOCK))
        .bytes()
}

/// Replaces each pixel by a mean of those within `radius` of it, of which the near ones in place and in colour count most
/// (Tomasi and Manduchi 1998): a pixel at distance d whose channels differ by c in all counts
/// e^(−c² / 2 `sigma_colour`² − d² / 2 `sigma_space`²). The image is mirrored outside, without repeating its edge.
///
/// Distances of colour are sums of the absolute differences of all channels, in levels of 0 to 255, as OpenCV has it. In `f32`,
/// from the top row, from its left: weights are 2 to the power of c² times a factor, and what the place adds, but at least
/// 2⁻¹⁰⁰; the sum of the weighted values is divided by that of the weights, and rounded half up.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 1 ≤ `radius` ≤ [`MAX_BILATERAL`] and 0.1 ≤ `sigma_colour`, `sigma_space` ≤ 1000,
/// [`Error::ShapeMismatch`] where the shapes differ, [`Error::ScratchTooSmall`].
pub fn bilateral<T: Sample>(
    level: Level,
    radius: usize,
    sigma_colour: f32,
    sigma_space: f32,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let right = [sigma_colour, sigma_space].iter().all(|sigma| (0.1..=MAX_SIGMA).contains(sigma));
    if !(right && (1..=MAX_BILATERAL).contains(&radius)) {
        return Err(Error::InvalidArgument);
    }
    same(src.shape(), dst.shape())?;
    let (height, width, channels) = src.shape();
    let (side, plane) = (2 * radius + 1, width + 2 * radius);
    let room = room(radius, src.shape());
    let mut frame = scratch.frame();
    let ring = frame.take_zeroed::<f32>(room.saturating_mul(side))?;
    let (starts, places) = (frame.take::<usize>(side * side)?, frame.take::<f32>(side * side)?);
    let weights = frame.take::<f32>(side * side * BLOCK)?;
    let in_levels = 255.0 / T::LARGEST;
    let colour = -0.5 * LOG2_E * (in_levels * in_levels) / (sigma_colour * sigma_colour);
    let space = -0.5 * LOG2_E / (sigma_space * sigma_space);
    let mut filled = 0;
    for (y, to) in dst.iter_rows_mut().enumerate() {
        while filled < y + side {
            let from = Border::<T>::Reflect101.index(filled as i64 - radius as i64, height);
            let slot = filled % side * room;
            let slot = ring.get_mut(slot..slot + plane * channels).unwrap_or(&mut []);
            T::part(level, from.map_or(&[], |y| src.row(y)), channels, radius, slot);
            filled += 1;
        }
        let mut count = 0;
        for (dy, dx) in (0..side).flat_map(|dy| (0..side).map(move |dx| (dy, dx))) {
            let squares = dy.abs_diff(radius).pow(2) + dx.abs_diff(radius).pow(2);
            if let (Some(start), Some(place)) = (starts.get_mut(count), places.get_mut(count))
                && squares <= radius * radius
            {
                *start = (y + dy) % side * room + dx;
                *place = squares as f32 * space;
                count += 1;
            }
        }
        let row = Row {
            ring,
            plane,
            channels,
            middle: (y + radius) % side * room + radius,
            starts: starts.get(..count).unwrap_or(&[]),
            places,
            colour,
        };
        T::weighed(level, row, weights, to);
    }
    Ok(())
}

/// Values that the filter takes, with the best code of a level for each kind.
pub trait Bilateral: Plain {
    /// The channels of a row as planes with margins.
    fn part(level: Level, row: &[Self], channels: usize, radius: usize, to: &mut [f32]);

    /// The means of a row; `weights` has room for those of a block.
    fn weighed(level: Level, row: Row<'_>, weights: &mut [f32], to: &mut [Self]);
}

macro_rules! bilateral {
    ($($t:ident)*) => { $(
        impl Bilateral for $t {
            kernel! {
                fn part(row: &[$t], channels: usize, radius: usize, to: &mut [f32]) = part_body;
            }

            kernel! {
                fn weighed(row: Row<'_>, weights: &mut [f32], to: &mut [$t]) = weighed_body, with avx512;
            }
        }
    )* };
}
bilateral!(u8 u16 f32);

#[inline(always)]
fn part_body<T: Sample>(row: &[T], channels: usize, radius: usize, to: &mut [f32]) {
    let width = row.len() / channels.max(1);
    let plane = (width + 2 * radius).max(1);
    if channels == 3 {
        for (i, pixels) in row.chunks(3 * BLOCK).enumerate() {
            let colours = colour::spread(pixels, 3);
            for (plane, values) in to.chunks_exact_mut(plane).zip(&colours) {
                // Past the end there is a margin, which is made afterwards.
                let to = plane.get_mut(radius + i * BLOCK..).unwrap_or(&mut []);
                for (to, value) in to.iter_mut().zip(values) {
                    *to = value.to_f32();
                }
            }
        }
    } else {
        for (c, plane) in to.chunks_exact_mut(plane).enumerate() {
            let values = row.iter().skip(c).step_by(channels.max(1));
            for (to, value) in plane.iter_mut().skip(radius).zip(values) {
                *to = value.to_f32();
            }
        }
    }
    for plane in to.chunks_exact_mut(plane) {
        widen(plane, width, 1, radius, Border::Reflect101);
    }
}

/// The rows that make one row of the output.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Rows as planes with margins.
    ring: &'a [f32],
    /// Values of a plane.
    plane: usize,
    channels: usize,
    /// Where the pixels themselves begin.
    middle: usize,
    /// Where those of each place begin, and what the place adds.
    starts: &'a [usize],
    places: &'a [f32],
    /// The factor of a squared distance of colours.
    colour: f32,
}

impl<'a> Row<'a> {
    /// Pixels from `at` on, in a channel of what begins at `start`.
    #[inline(always)]
    fn block(&self, start: usize, channel: usize, at: usize) -> &'a [f32; BLOCK] {
        let values = self.ring.get(start + channel * self.plane + at..);
        values.and_then(|values| values.first_chunk()).unwrap_or(&[0.0; BLOCK])
    }
}

#[inline(always)]
fn weighed_body<T: Sample>(row: Row<'_>, weights: &mut [f32], to: &mut [T]) {
    let (weights, _) = weights.as_chunks_mut::<BLOCK>();
    let channels = row.channels.max(1);
    for (i, to) in to.chunks_mut(channels.saturating_mul(BLOCK).max(1)).enumerate() {
        if channels == 3 {
            // The usual number of channels is one that the compiler knows.
            let row = Row { channels: 3, ..row };
            let total = weigh(row, i * BLOCK, weights);
            let mut colours: Colours<T> = [[T::default(); BLOCK]; 3];
            for (c, values) in colours.iter_mut().enumerate() {
                mean(row, c, i * BLOCK, weights, &total, values);
            }
            colour::close(&colours, 3, to);
            continue;
        }
        let total = weigh(row, i * BLOCK, weights);
        for c in 0..channels {
            let mut values = [T::default(); BLOCK];
            mean(row, c, i * BLOCK, weights, &total, &mut values);
            for (to, value) in to.iter_mut().skip(c).step_by(channels).zip(&values) {
                *to = *value;
            }
        }
    }
}

/// The weights of all places around each pixel from `at` on, and their sums.
#[inline(always)]
fn weigh(row: Row<'_>, at: usize, weights: &mut [[f32; BLOCK]]) -> [f32; BLOCK] {
    let mut total = [0.0; BLOCK];
    for ((start, place), weights) in row.starts.iter().zip(row.places).zip(weights) {
        let mut apart = [0.0; BLOCK];
        for c in 0..row.channels {
            let (a, b) = (row.block(row.middle, c, at), row.block(*start, c, at));
            for ((apart, a), b) in apart.iter_mut().zip(a).zip(b) {
                *apart += math::abs(a - b);
            }
        }
        for ((weight, total), apart) in weights.iter_mut().zip(&mut total).zip(&apart) {
            *weight = power(math::max(apart * apart * row.colour + place, LEAST));
            *total += *weight;
        }
    }
    total
}

/// The weighted means of a channel.
#[inline(always)]
fn mean<T: Sample>(
    row: Row<'_>,
    channel: usize,
    at: usize,
    weights: &[[f32; BLOCK]],
    total: &[f32; BLOCK],
    to: &mut [T; BLOCK],
) {
    let mut sums = [0.0; BLOCK];
    for (start, weights) in row.starts.iter().zip(weights) {
        for ((sum, value), weight) in sums.iter_mut().zip(row.block(*start, channel, at)).zip(weights) {
            *sum += value * weight;
        }
    }
    for ((to, sum), total) in to.iter_mut().zip(&sums).zip(total) {
        // The pixel itself counts 1.
        *to = T::from_f32(sum / total);
    }
}

/// The least logarithm of a weight, which still is nothing beside the 1 of the pixel itself. What is much smaller, processors
/// multiply a hundred times slower.
const LEAST: f32 = -100.0;

/// 2ˣ for −126 ≤ x ≤ 0, within 2 · 10⁻⁷ of it.
#[inline(always)]
const fn power(x: f32) -> f32 {
    // Rounds to a whole number, which then is in the lowest bits.
    const MAGIC: f32 = 12_582_912.0;
    let shifted = x + MAGIC;
    let rest = x - (shifted - MAGIC);
    let p = 1.540_353e-4;
    let p = p * rest + 1.333_355_8e-3;
    let p = p * rest + 9.618_129e-3;
    let p = p * rest + 5.550_411e-2;
    let p = p * rest + 2.402_265e-1;
    let p = p * rest + 6.931_472e-1;
    let p = p * rest + 1.0;
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[cfg(test)]
mod tests;
