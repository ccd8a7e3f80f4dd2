//! Bands of frequencies made stronger or weaker: one filter along rows and columns, the picture mirrored around itself.

use super::BANDS;
use super::wavelet::{BANK, LENGTH};
use crate::augment::diff::Pictures;
use crate::augment::diff::place::mirrored;
use crate::error::Result;
use crate::linalg::axpy;
use crate::nn::rows;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;

/// Pixels that the filter reaches to either side.
const REACH: usize = LENGTH / 2;
/// Values that are worked on at a time.
const BLOCK: usize = 32;

/// Scratch for a picture.
pub(super) fn scratch_len(of: &Pictures) -> ScratchLen {
    lens(of).into_iter().fold(ScratchLen::new(), |all, n| all.with::<f32>(n))
}

/// Values of each part of the memory.
fn lens(of: &Pictures) -> [usize; 4] {
    let row = of.width.saturating_mul(of.channels);
    let line = (of.width + 4 * REACH).saturating_mul(of.channels).saturating_add(BLOCK);
    let columns = row.saturating_mul(of.height + 4 * REACH).saturating_add(BLOCK);
    let wide = (of.width + 2 * REACH).saturating_mul(of.channels);
    [line, columns, wide, row.saturating_mul(of.height + 2 * REACH)]
}

struct Memory<'s> {
    /// A row, as much as the filter reads of it.
    line: &'s mut [f32],
    /// The same of all columns.
    columns: &'s mut [f32],
    /// A row and all columns as far as the filter reaches out of them, on the way back.
    wide: &'s mut [f32],
    high: &'s mut [f32],
}

impl<'s> Memory<'s> {
    fn new(of: &Pictures, scratch: &mut Scratch<'s>) -> Result<Self> {
        let [line, columns, wide, high] = lens(of);
        Ok(Self {
            line: scratch.take(line)?,
            columns: scratch.take(columns)?,
            wide: scratch.take(wide)?,
            high: scratch.take(high)?,
        })
    }
}

/// The taps of the filter with these gains; bands are added in their order.
fn taps(gains: [f32; BANDS]) -> [f32; LENGTH] {
    let mut taps = [0f32; LENGTH];
    for (band, gain) in BANK.iter().zip(gains) {
        taps.iter_mut().zip(band).for_each(|(to, tap)| *to += gain * tap);
    }
    taps
}

/// Filters a picture in place.
pub(super) fn apply(
    level: Level,
    of: &Pictures,
    gains: [f32; BANDS],
    picture: &mut [f32],
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let (by, row) = (taps(gains), of.width * of.channels);
    let Memory { line, columns, .. } = Memory::new(of, scratch)?;
    for pixels in rows::of_mut(picture, row) {
        for (i, to) in rows::of_mut(line, of.channels).take(of.width + 2 * REACH).enumerate() {
            let from = mirrored(i as i64 - REACH as i64, of.width) * of.channels;
            rows::copy(pixels.get(from..).unwrap_or(&[]), to);
        }
        filter(level, line, of.channels, &by, pixels);
    }
    for (i, to) in rows::of_mut(columns, row).take(of.height + 2 * REACH).enumerate() {
        let from = mirrored(i as i64 - REACH as i64, of.height) * row;
        rows::copy(picture.get(from..).unwrap_or(&[]), to);
    }
    filter(level, columns, row, &by, picture);
    Ok(())
}

/// The adjoint of [`apply`]: the filter the other way round over what has zeros around it, then what is outside the picture
/// added to the pixels that it mirrored, from left to right and from top to bottom.
pub(super) fn backward(
    level: Level,
    of: &Pictures,
    gains: [f32; BANDS],
    picture: &mut [f32],
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let (mut by, row) = (taps(gains), of.width * of.channels);
    by.reverse();
    let Memory { line, columns, wide, high } = Memory::new(of, scratch)?;
    columns.fill(0.0);
    rows::copy(picture, columns.get_mut(2 * REACH * row..).unwrap_or(&mut []));
    filter(level, columns, row, &by, high);
    picture.fill(0.0);
    for (i, from) in rows::of(high, row).enumerate() {
        let to = mirrored(i as i64 - REACH as i64, of.height) * row;
        axpy(level, 1.0, from, picture.get_mut(to..).unwrap_or(&mut []));
    }
    line.fill(0.0);
    for pixels in rows::of_mut(picture, row) {
        rows::copy(pixels, line.get_mut(2 * REACH * of.channels..).unwrap_or(&mut []));
        filter(level, line, of.channels, &by, wide);
        pixels.fill(0.0);
        for (i, from) in rows::of(wide, of.channels).enumerate() {
            let to = mirrored(i as i64 - REACH as i64, of.width) * of.channels;
            let to = pixels.get_mut(to..).unwrap_or(&mut []);
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
    Ok(())
}

kernel! {
    /// `out[i]` is the sum of `by[t]·from[i + t·step]`, from the first tap to the last. `from` has 42 steps more than `out`,
    /// and a block besides.
    fn filter(from: &[f32], step: usize, by: &[f32; LENGTH], out: &mut [f32]) = filter_body;
}

#[inline(always)]
fn filter_body(from: &[f32], step: usize, by: &[f32; LENGTH], out: &mut [f32]) {
    let mut start = from;
    for out in out.chunks_mut(BLOCK) {
        let (mut sums, mut rest) = ([0f32; BLOCK], start);
        for tap in by {
            if let Some(values) = rest.first_chunk::<BLOCK>() {
                for (sum, v) in sums.iter_mut().zip(values) {
                    *sum += tap * v;
                }
            }
            rest = rest.get(step..).unwrap_or(&[]);
        }
        for (to, sum) in out.iter_mut().zip(sums) {
            *to = sum;
        }
        start = start.get(BLOCK..).unwrap_or(&[]);
    }
}
