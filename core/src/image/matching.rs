//! Values with the histograms of another picture: each of the first three channels by itself, others stay.

use super::histogram::{BINS, bin_counts, counts_len, level_counts, place};
use super::sample::{levels, levels_mut};
use super::table::apply_by_channel;
use super::{Sample, Table, same};
use crate::error::{Error, Result};
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Bytes that [`match_histograms`] takes, for images of every size.
pub const fn match_histograms_scratch_len<T: Sample>() -> usize {
    ScratchLen::new().with_bytes(counts_len()).with_bytes(counts_len()).bytes()
}

/// Gives each of the first three channels of `image` the histogram of the same channel of `reference`, which may be of another
/// size.
///
/// 8-bit values as scikit-image's `match_histograms` has them, byte for byte: a value becomes the one that as large a share of the
/// reference's values is up to, on straight lines in `f64` between those that come in it, without the fraction. Wider values
/// are counted in 1024 bins, and those of a bin count as evenly spread in it, of both.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the numbers of channels differ, [`Error::InvalidArgument`] for a reference without pixels,
/// [`Error::ScratchTooSmall`], [`Error::Overflow`] from 2³² pixels on.
pub fn match_histograms<T: Sample>(
    level: Level,
    reference: ImageRef<'_, T>,
    mut image: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    same(reference.channels(), image.channels())?;
    if reference.height() == 0 || reference.width() == 0 {
        return Err(Error::InvalidArgument);
    }
    let mut frame = scratch.frame();
    if let (Some(reference), Some(levels)) = (levels(reference), levels_mut(&mut image)) {
        let [a, b, c] = level_counts(levels.as_ref(), &mut frame)?;
        let [x, y, z] = level_counts(reference, &mut frame)?;
        apply_by_channel(level, &[matched(a, x), matched(b, y), matched(c, z)], levels);
        return Ok(());
    }
    let (bins, wanted) = (bin_counts(image.as_ref(), &mut frame)?, bin_counts(reference, &mut frame)?);
    bins.iter_mut().chain(wanted.iter_mut()).for_each(sum_up);
    let channels = image.channels().max(1);
    for row in image.iter_rows_mut() {
        for pixel in row.chunks_exact_mut(channels) {
            for ((value, bins), wanted) in pixel.iter_mut().zip(bins.iter()).zip(wanted.iter()) {
                *value = moved(*value, bins, wanted);
            }
        }
    }
    Ok(())
}

/// The table of [`match_histograms`].
fn matched(counts: &[u32; 256], wanted: &[u32; 256]) -> Table {
    let all = |counts: &[u32; 256]| counts.iter().map(|&n| u64::from(n)).sum::<u64>() as f64;
    let (from, to) = (all(counts), all(wanted));
    let mut table = [0u8; 256];
    let mut steps = Steps { counts: wanted.iter().zip(0u8..=255), sum: 0, all: to };
    let Some(mut before) = steps.next() else { return Table::identity() };
    let mut after = steps.next();
    let mut sum = 0u64;
    for (level, &n) in table.iter_mut().zip(counts) {
        sum += u64::from(n);
        let share = sum as f64 / from;
        while let Some(next) = after.filter(|next| next.0 <= share) {
            (before, after) = (next, steps.next());
        }
        let (low, value) = before;
        *level = match after {
            // Below the first one, too.
            Some((high, above)) if share > low => {
                ((above - value) / (high - low) * (share - low) + value) as u8
            }
            _ => value as u8,
        };
    }
    Table::of(table)
}

/// The levels that come at all, each with the share of the values up to it.
struct Steps<I> {
    counts: I,
    sum: u64,
    all: f64,
}

impl<'a, I: Iterator<Item = (&'a u32, u8)>> Iterator for Steps<I> {
    type Item = (f64, f64);

    fn next(&mut self) -> Option<(f64, f64)> {
        let (&n, level) = self.counts.find(|(n, _)| **n > 0)?;
        self.sum += u64::from(n);
        Some((self.sum as f64 / self.all, f64::from(level)))
    }
}

/// Turns counts into how many values are up to the end of each bin.
fn sum_up(bins: &mut [u32; BINS]) {
    let mut sum = 0u32;
    for bin in bins {
        sum = sum.wrapping_add(*bin);
        *bin = sum;
    }
}

/// The value that as large a share of the wanted ones is below, in `f64`.
fn moved<T: Sample>(value: T, sums: &[u32; BINS], wanted: &[u32; BINS]) -> T {
    // What is below a bin, and how many it has.
    let bin_of = |sums: &[u32; BINS], bin: usize| {
        let before = bin.checked_sub(1).and_then(|before| sums.get(before)).copied().unwrap_or(0);
        let n = sums.get(bin).copied().unwrap_or(0).saturating_sub(before);
        (f64::from(before), f64::from(n))
    };
    let all = |sums: &[u32; BINS]| sums.last().copied().map_or(1.0, f64::from);
    let (bin, part) = place(value);
    let (before, n) = bin_of(sums, bin);
    let rank = (before + n * f64::from(part)) / all(sums) * all(wanted);
    let to = wanted.partition_point(|&sum| f64::from(sum) <= rank);
    // At the very end, that of the last bin with anything in it.
    let to = if to == BINS { wanted.partition_point(|&sum| f64::from(sum) < all(wanted)) } else { to };
    let (before, n) = bin_of(wanted, to);
    let whole = if T::LARGEST > 1.0 { f64::from(T::LARGEST) + 1.0 } else { 1.0 };
    let part = if n > 0.0 { (rank - before) / n } else { 0.0 };
    T::from_f32(((to as f64 + part) / BINS as f64 * whole) as f32)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, assert_exact};
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn done<T: Sample>(level: Level, reference: &Owned<T>, src: &Owned<T>) -> Owned<T> {
        let mut image = src.clone();
        let mut memory = vec![0xa5; match_histograms_scratch_len::<T>()];
        let scratch = &mut Scratch::new(&mut memory);
        match_histograms(level, reference.view(), image.view_mut(), scratch).unwrap();
        image
    }

    /// `skimage.exposure.match_histograms` of scikit-image 0.26.0: every 29th value of the test picture of 20 × 23 × 3 with half
    /// its range and 60 more, towards that of 17 × 9 × 3.
    #[test]
    fn levels_are_those_of_scikit_image() {
        let mut src = Owned::pattern(20, 23, 3);
        src.data.iter_mut().for_each(|v| *v = *v / 2 + 60);
        let want = [
            1, 239, 29, 99, 105, 170, 223, 234, 39, 96, 100, 174, 193, 233, 70, 77, 129, 136, 233, 24, 30,
            134, 63, 191, 147, 233, 119, 67, 163, 102, 253, 119, 29, 183, 40, 220, 113, 239, 177, 60, 202,
            81, 24, 66, 34, 247, 28, 4,
        ];
        for level in Level::available() {
            let got = done(level, &Owned::pattern(17, 9, 3), &src);
            assert_eq!(got.data.iter().step_by(29).copied().collect::<Vec<_>>(), want);
        }
    }

    /// Sorted, the values of a channel are those of the reference, but for how they lie in a bin.
    fn wide_values_take_the_distribution<T: Sample>() {
        for c in 1..=5 {
            let bent = |shape, seed, bend: fn(f32) -> f32| {
                let mut image = Owned::<T>::shares(shape, seed);
                let bend = |v: &mut T| *v = T::from_f32(bend(v.to_f32() / T::LARGEST) * T::LARGEST);
                image.data.iter_mut().for_each(bend);
                image
            };
            let src = bent((60, 70, c), 1, |v| 0.4 * v * (1.0 + v));
            let reference = bent((50, 90, c), 2, |v| 0.1 + 0.9 * v);
            let got = done(Level::detect(), &reference, &src);
            for channel in 0..c {
                let sorted = |image: &Owned<T>| {
                    let values = image.numbers().into_iter().skip(channel).step_by(c);
                    let mut values: Vec<f64> = values.map(|v| v / f64::from(T::LARGEST)).collect();
                    values.sort_by(f64::total_cmp);
                    values
                };
                let (old, new, wanted) = (sorted(&src), sorted(&got), sorted(&reference));
                if channel >= 3 {
                    assert_eq!(new, old);
                    continue;
                }
                for (i, v) in new.iter().enumerate() {
                    let at = (wanted.len() as f64 * (i as f64 + 0.5) / new.len() as f64) as usize;
                    assert!((v - wanted[at]).abs() < 4.0 / 1024.0, "{i} {v} {}", wanted[at]);
                }
            }
            // Its own histogram changes nothing but what is within a bin of the last value.
            let most = if T::LARGEST > 1.0 { 0.51 } else { 1e-6 };
            assert_exact(&done(Level::detect(), &src, &src).data, &src.numbers(), most);
        }
    }

    #[test]
    fn wider_values_take_the_distribution_of_the_reference() {
        wide_values_take_the_distribution::<u16>();
        wide_values_take_the_distribution::<f32>();
    }

    proptest! {
        #[test]
        fn any_image_is_done_at_every_level(a in (1usize..30, 1usize..70), b in (1usize..30, 1usize..30), c in 1usize..6, seed: u64) {
            fn same<T: Sample>(a: (usize, usize), b: (usize, usize), c: usize, seed: u64) {
                let (src, other) = (Owned::<T>::shares((a.0, a.1, c), seed), Owned::<T>::shares((b.0, b.1, c), seed ^ 1));
                let want = done(Level::BASE, &other, &src);
                assert!(Level::available().all(|level| done(level, &other, &src) == want));
            }
            same::<u8>(a, b, c, seed);
            same::<u16>(a, b, c, seed);
            same::<f32>(a, b, c, seed);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let (src, none) = (Owned::noise((4, 4, 3), 1), Owned::new((0, 4, 3)));
        let mut image = src.clone();
        let tried = |reference: &Owned, image: &mut Owned| {
            match_histograms(Level::BASE, reference.view(), image.view_mut(), &mut Scratch::empty())
        };
        assert_eq!(tried(&none, &mut image), Err(Error::InvalidArgument));
        assert_eq!(tried(&Owned::new((4, 4, 1)), &mut image), Err(Error::ShapeMismatch));
        assert_eq!(tried(&src, &mut image), Err(Error::ScratchTooSmall));
        assert_eq!(image, src);
    }
}
