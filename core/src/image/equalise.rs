//! Values spread by how often they come: each of the first three channels by itself, others stay.

use super::histogram::{BINS, bin_counts, counts_len, level_counts, place};
use super::sample::levels_mut;
use super::table::apply_by_channel;
use super::{Sample, Table};
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::ImageMut;

/// Bytes that [`equalise`] and [`autocontrast`] take, for images of every size.
pub const fn equalise_scratch_len<T: Sample>() -> usize {
    counts_len()
}

/// Equalises the histogram: each value becomes the share of values below it.
///
/// 8-bit values as Pillow's `ImageOps.equalize` has them, byte for byte: with n values in the channel that are not of its
/// largest one and a step of ⌊n / 255⌋, a value that n′ are below of becomes ⌊(n′ + ⌊step / 2⌋) / step⌋, at most 255; a
/// channel with a step of 0 stays. Wider values are counted in 1024 bins: those of a bin count as evenly spread in it, so a
/// value becomes the share (n′ + part of the bin below the value · values of the bin) / n, in `f32`, at most 1, where n is
/// the number of values that are not in the last bin with any; a channel in one bin stays.
///
/// # Errors
/// [`Error::ScratchTooSmall`], [`Error::Overflow`] from 2³² pixels on.
pub fn equalise<T: Sample>(
    level: Level,
    mut image: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let mut frame = scratch.frame();
    if let Some(levels) = levels_mut(&mut image) {
        let counts = level_counts(levels.as_ref(), &mut frame)?;
        apply_by_channel(level, &each(counts, equal_levels), levels);
        return Ok(());
    }
    let bins = bin_counts(image.as_ref(), &mut frame)?;
    let mut spread = [0u32; 3];
    for (spread, bins) in spread.iter_mut().zip(bins.iter_mut()) {
        *spread = below(bins);
    }
    each_value(image, |c, value| {
        let (Some(bins), Some(&spread)) = (bins.get(c), spread.get(c)) else { return value };
        if spread == 0 {
            return value;
        }
        let (bin, part) = place(value);
        let low = bins.get(bin).copied().unwrap_or(0);
        let high = bins.get(bin + 1).copied().unwrap_or(spread);
        let rank = low as f32 + high.saturating_sub(low) as f32 * part;
        T::from_f32(math::min(rank / spread as f32, 1.0) * T::LARGEST)
    });
    Ok(())
}

/// What `table` makes of the counts of each channel.
fn each(counts: &[[u32; 256]; 3], table: impl Fn(&[u32; 256]) -> Table) -> [Table; 3] {
    let [first, second, third] = counts;
    [table(first), table(second), table(third)]
}

/// The table of [`equalise`].
fn equal_levels(counts: &[u32; 256]) -> Table {
    let last = counts.iter().rev().find(|&&n| n > 0).copied().unwrap_or(0);
    let all: u64 = counts.iter().map(|&n| u64::from(n)).sum();
    let step = all.saturating_sub(last.into()) / 255;
    let mut table = [0u8; 256];
    let mut below = step / 2;
    for (to, &n) in table.iter_mut().zip(counts) {
        match below.checked_div(step) {
            Some(level) => *to = level.min(255) as u8,
            None => return Table::identity(),
        }
        below = below.saturating_add(n.into());
    }
    Table::of(table)
}

/// Turns counts into how many values are below each bin; the number of values before the last bin with any, which is what
/// those above count to.
fn below(bins: &mut [u32; BINS]) -> u32 {
    let last = bins.iter().rposition(|&n| n > 0).unwrap_or(0);
    let mut sum = 0u32;
    let mut spread = 0;
    for (i, bin) in bins.iter_mut().enumerate() {
        let n = core::mem::replace(bin, sum);
        if i == last {
            spread = sum;
        }
        sum = sum.wrapping_add(n);
    }
    spread
}

/// Stretches each channel so that its values go from black to white, without so many of the lowest and of the highest as
/// these shares of them are, rounded down, which leave the range and are cut off.
///
/// 8-bit values as Pillow's `ImageOps.autocontrast` has them, byte for byte, which are not rounded but cut: ⌊v · s − low · s⌋
/// in `f64` with s = 255 / (high − low). Of wider values the outermost are found in 1024 bins, of which whole ones are left
/// out; low and high are the exact outermost values of the bins that are left, and a value becomes (v − low) / (high − low)
/// in `f32`. A channel of one value stays.
///
/// # Errors
/// [`Error::InvalidArgument`] unless both shares lie between 0 and 1, [`Error::ScratchTooSmall`], [`Error::Overflow`] from 2³²
/// pixels on.
pub fn autocontrast<T: Sample>(
    level: Level,
    cutoff: [f32; 2],
    mut image: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    // False for NaN.
    if !cutoff.iter().all(|share| (0.0..=1.0).contains(share)) {
        return Err(Error::InvalidArgument);
    }
    let mut frame = scratch.frame();
    if let Some(levels) = levels_mut(&mut image) {
        let counts = level_counts(levels.as_ref(), &mut frame)?;
        apply_by_channel(level, &each(counts, |counts| stretched_levels(counts, cutoff)), levels);
        return Ok(());
    }
    let bins = bin_counts(image.as_ref(), &mut frame)?;
    let mut left = [None; 3];
    for (left, bins) in left.iter_mut().zip(bins.iter()) {
        *left = ends(bins, cutoff);
    }
    let ranges = outermost(&mut image, &left);
    each_value(image, |c, value| {
        let (low, high) = ranges.get(c).copied().unwrap_or_default();
        if low < high {
            let share = (value.to_f32() - low) / (high - low);
            T::from_f32(math::clamp(share, 0.0, 1.0) * T::LARGEST)
        } else {
            value
        }
    });
    Ok(())
}

/// The first and the last bin with anything in it after these shares of all have been taken away from both ends.
fn ends(counts: &[u32], [low, high]: [f32; 2]) -> Option<(usize, usize)> {
    let all = counts.iter().fold(0u32, |sum, &n| sum.wrapping_add(n));
    let cut = |share: f32| (all as f32 * share) as u32;
    let (low, high) = (cut(low), cut(high));
    if u64::from(low) + u64::from(high) >= all.into() {
        return None;
    }
    let from = left(low, counts.iter())?;
    let back = left(high, counts.iter().rev())?;
    Some((from, counts.len().saturating_sub(back + 1)))
}

/// The place of the first count of which something is left after so many have been taken away.
fn left<'a>(mut cut: u32, mut counts: impl Iterator<Item = &'a u32>) -> Option<usize> {
    counts.position(|&n| {
        let left = n > cut;
        cut = cut.saturating_sub(n);
        left
    })
}

/// The table of [`autocontrast`].
fn stretched_levels(counts: &[u32; 256], cutoff: [f32; 2]) -> Table {
    let Some((low, high)) = ends(counts, cutoff).filter(|(low, high)| low < high) else {
        return Table::identity();
    };
    let scale = 255.0 / (high - low) as f64;
    let offset = -(low as f64) * scale;
    let mut table = [0u8; 256];
    for (value, to) in table.iter_mut().enumerate() {
        // The cast cuts the fraction off, and what is beyond 0 and 255.
        *to = (value as f64 * scale + offset) as u8;
    }
    Table::of(table)
}

/// The least value from the first bin on, and the largest up to the last one, of each channel.
fn outermost<T: Sample>(image: &mut ImageMut<'_, T>, left: &[Option<(usize, usize)>; 3]) -> [(f32, f32); 3] {
    let mut ranges = [(f32::INFINITY, f32::NEG_INFINITY); 3];
    let image = image.as_ref();
    for row in image.iter_rows() {
        for pixel in row.chunks_exact(image.channels().max(1)) {
            for ((range, left), &value) in ranges.iter_mut().zip(left).zip(pixel) {
                let (Some((first, last)), (bin, _)) = (*left, place(value)) else { continue };
                let value = value.to_f32();
                if bin >= first {
                    range.0 = math::min(value, range.0);
                }
                if bin <= last {
                    range.1 = math::max(value, range.1);
                }
            }
        }
    }
    ranges
}

/// Maps the values of the first three channels, each by itself with the number of its channel.
fn each_value<T: Sample>(mut image: ImageMut<'_, T>, map: impl Fn(usize, T) -> T) {
    let channels = image.channels().max(1);
    for row in image.iter_rows_mut() {
        for pixel in row.chunks_exact_mut(channels) {
            for (c, value) in pixel.iter_mut().take(3).enumerate() {
                *value = map(c, *value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
