//! How often values come in each of the first three channels.

use super::Sample;
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::{Scratch, ScratchLen};
use crate::view::ImageRef;

/// Bins of wider values.
pub(super) const BINS: usize = 1024;
/// Tables that 8-bit values are counted in: four for each of three channels. Equal values side by side, as plain areas have
/// them, go to different ones, so that no count waits for the one just written.
const TABLES: usize = 12;

/// Bytes that the counts of an image take, whatever its values.
pub(super) const fn counts_len() -> usize {
    ScratchLen::new().with::<u32>(BINS * 3).bytes()
}

/// Counts of the 256 values in each of the first three channels; zeros for channels that are not there.
///
/// # Errors
/// [`Error::Overflow`] from 2³² pixels on, [`Error::ScratchTooSmall`].
pub(super) fn level_counts<'a>(
    image: ImageRef<'_, u8>,
    scratch: &mut Scratch<'a>,
) -> Result<&'a [[u32; 256]; 3]> {
    countable(&image)?;
    let (tables, _) = scratch.take_zeroed::<u32>(BINS * 3)?.as_chunks_mut::<256>();
    let tables: &mut [_; TABLES] = tables.first_chunk_mut().ok_or(Error::ScratchTooSmall)?;
    let channels = image.channels();
    if image.is_dense() {
        count(image.as_mat().data(), channels, tables);
    } else {
        image.iter_rows().for_each(|row| count(row, channels, tables));
    }
    let used = channels.clamp(1, 3);
    let (sums, more) = tables.split_at_mut(used);
    for four in more.chunks(used) {
        for (sums, counts) in sums.iter_mut().zip(four) {
            sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum = sum.wrapping_add(*n));
        }
    }
    more.iter_mut().take(3 - used).for_each(|rest| rest.fill(0));
    tables.first_chunk().ok_or(Error::ScratchTooSmall)
}

/// Counts of wider values in [`BINS`] bins of one width in each of the first three channels; zeros for channels that are not
/// there.
///
/// # Errors
/// As [`level_counts`].
pub(super) fn bin_counts<'a, T: Sample>(
    image: ImageRef<'_, T>,
    scratch: &mut Scratch<'a>,
) -> Result<&'a mut [[u32; BINS]; 3]> {
    countable(&image)?;
    let (bins, _) = scratch.take_zeroed::<u32>(BINS * 3)?.as_chunks_mut::<BINS>();
    let bins: &mut [_; 3] = bins.first_chunk_mut().ok_or(Error::ScratchTooSmall)?;
    for row in image.iter_rows() {
        for pixel in row.chunks_exact(image.channels().max(1)) {
            for (bins, &value) in bins.iter_mut().zip(pixel) {
                if let Some(count) = bins.get_mut(place(value).0) {
                    *count = count.wrapping_add(1);
                }
            }
        }
    }
    Ok(bins)
}

/// The bin of a value, and how much of the bin lies below it; values beyond black and white are in the outermost bins.
#[inline(always)]
pub(super) fn place<T: Sample>(value: T) -> (usize, f32) {
    // Bins hold equally many of the 65,536 values; floats go up to 1.
    let whole = if T::LARGEST > 1.0 { T::LARGEST + 1.0 } else { 1.0 };
    let at = math::clamp(value.to_f32() * (BINS as f32 / whole), 0.0, BINS as f32);
    let bin = (at as usize).min(BINS - 1);
    (bin, at - bin as f32)
}

/// [`Error::Overflow`] where a count may not fit 32 bits.
pub(super) fn countable<T>(image: &ImageRef<'_, T>) -> Result<()> {
    let pixels = image.height().checked_mul(image.width()).ok_or(Error::Overflow)?;
    u32::try_from(pixels).map(|_| ()).map_err(|_| Error::Overflow)
}

/// Counts whole pixels. Tables go to the channels in turn.
fn count(values: &[u8], channels: usize, tables: &mut [[u32; 256]; TABLES]) {
    match channels {
        0 => {}
        1..=3 => {
            let (whole, rest) = values.as_chunks::<TABLES>();
            for values in whole {
                for (table, &value) in tables.iter_mut().zip(values) {
                    add(table, value);
                }
            }
            tables.iter_mut().zip(rest).for_each(|(table, &value)| add(table, value));
        }
        4 => {
            let (tables, _) = tables.as_chunks_mut::<3>();
            for four in values.chunks(16) {
                for (tables, pixel) in tables.iter_mut().zip(four.as_chunks::<4>().0) {
                    tables.iter_mut().zip(pixel).for_each(|(table, &value)| add(table, value));
                }
            }
        }
        n => {
            for pixel in values.chunks_exact(n.max(1)) {
                tables.iter_mut().zip(pixel).take(3).for_each(|(table, &value)| add(table, value));
            }
        }
    }
}

/// Counts values into four tables in turn.
pub(super) fn count_four(values: &[u8], tables: &mut [[u32; 256]; 4]) {
    let (whole, rest) = values.as_chunks::<4>();
    for [a, b, c, d] in whole {
        let [first, second, third, fourth] = &mut *tables;
        add(first, *a);
        add(second, *b);
        add(third, *c);
        add(fourth, *d);
    }
    tables.iter_mut().zip(rest).for_each(|(table, &value)| add(table, value));
}

#[inline(always)]
fn add(table: &mut [u32; 256], value: u8) {
    // A `u8` cannot leave 256 entries: no check remains.
    #[allow(clippy::indexing_slicing)]
    let count = &mut table[value as usize];
    *count = count.wrapping_add(1);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, images};
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// The plain count of what `bin` says of each value of channel `c`.
    fn plainly<T: Sample, const N: usize>(image: &Owned<T>, c: usize, bin: impl Fn(T) -> usize) -> Vec<u32> {
        let mut counts = vec![0; N];
        if c < image.shape.2 {
            image.data.iter().skip(c).step_by(image.shape.2).for_each(|&v| counts[bin(v)] += 1);
        }
        counts
    }

    proptest! {
        #[test]
        fn every_value_is_counted_in_its_channel(src in images(), seed: u64, cut in 0usize..3) {
            let memory = &mut vec![0xa5; counts_len()];
            let part = src.view().crop(0, cut.min(src.shape.1 - 1), src.shape.0, src.shape.1 - cut.min(src.shape.1 - 1));
            let part = part.unwrap();
            let data = part.iter_rows().flatten().copied().collect();
            let dense = Owned { data, shape: part.shape() };
            let counts = level_counts(part, &mut Scratch::new(memory)).unwrap();
            for (c, counts) in counts.iter().enumerate() {
                prop_assert_eq!(&counts[..], &plainly::<u8, 256>(&dense, c, usize::from)[..]);
            }
            let wide = Owned::<u16>::shares(src.shape, seed);
            let counts = bin_counts(wide.view(), &mut Scratch::new(memory)).unwrap();
            for (c, counts) in counts.iter().enumerate() {
                prop_assert_eq!(&counts[..], &plainly::<u16, BINS>(&wide, c, |v| usize::from(v) / 64)[..]);
            }
            let wide = Owned::<f32>::shares(src.shape, seed);
            let counts = bin_counts(wide.view(), &mut Scratch::new(memory)).unwrap();
            for (c, counts) in counts.iter().enumerate() {
                prop_assert_eq!(&counts[..], &plainly::<f32, BINS>(&wide, c, |v| (v * 1024.0) as usize)[..]);
            }
        }
    }

    #[test]
    fn values_beyond_the_ends_are_in_the_outermost_bins() {
        assert_eq!([-1.0, 0.0, 1.0, 7.0, f32::NAN].map(|v| place(v).0), [0, 0, BINS - 1, BINS - 1, 0]);
        assert_eq!(place(u16::MAX), (BINS - 1, 63.0 / 64.0));
    }
}
