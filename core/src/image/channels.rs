//! Whole channels: their order, and what is added to each.

use super::{Sample, Table};
use crate::error::{Error, Result};
use crate::rng::Stream;
use crate::simd::Level;
use crate::view::ImageMut;

/// The most channels that are put into another order; the others stay.
pub const MOST_SHUFFLED: usize = 16;

/// Puts the first [`MOST_SHUFFLED`] channels of `image` into an order drawn from `stream`, each order equally likely.
pub fn shuffle_channels<T: Sample>(stream: &mut Stream, mut image: ImageMut<'_, T>) {
    let channels = image.channels();
    let mut order: [usize; MOST_SHUFFLED] = core::array::from_fn(|i| i);
    let order = order.get_mut(..channels.min(MOST_SHUFFLED)).unwrap_or(&mut []);
    stream.shuffle(order);
    for row in image.iter_rows_mut() {
        match channels {
            2 => reorder::<T, 2>(row, order),
            3 => reorder::<T, 3>(row, order),
            4 => reorder::<T, 4>(row, order),
            _ => reorder_any(row, channels, order),
        }
    }
}

/// Puts the channels of whole pixels into this order.
fn reorder<T: Sample, const C: usize>(row: &mut [T], order: &[usize]) {
    let mut from = [0; C];
    from.iter_mut().zip(order).for_each(|(from, place)| *from = *place);
    for pixel in row.as_chunks_mut::<C>().0 {
        let old = *pixel;
        for (value, place) in pixel.iter_mut().zip(from) {
            *value = old.get(place).copied().unwrap_or_default();
        }
    }
}

fn reorder_any<T: Sample>(row: &mut [T], channels: usize, order: &[usize]) {
    for pixel in row.chunks_exact_mut(channels.max(1)) {
        let mut old = [T::default(); MOST_SHUFFLED];
        for (old, value) in old.iter_mut().zip(pixel.iter()) {
            *old = *value;
        }
        for (value, &from) in pixel.iter_mut().zip(order) {
            *value = old.get(from).copied().unwrap_or_default();
        }
    }
}

/// Paints as many of the first [`MOST_SHUFFLED`] channels of `image` as `count` with `fill`, drawn from `stream`, each as likely as
/// the others; at least one channel stays as it is, and so does an image of one.
pub fn drop_channels<T: Sample>(count: u32, fill: T, stream: &mut Stream, mut image: ImageMut<'_, T>) {
    let channels = image.channels();
    let mut order: [usize; MOST_SHUFFLED] = core::array::from_fn(|i| i);
    let order = order.get_mut(..channels.min(MOST_SHUFFLED)).unwrap_or(&mut []);
    stream.shuffle(order);
    let dropped = order.iter().take((count as usize).min(channels.saturating_sub(1)));
    for row in image.iter_rows_mut() {
        for &channel in dropped.clone() {
            row.iter_mut().skip(channel).step_by(channels.max(1)).for_each(|value| *value = fill);
        }
    }
}

/// v · gain + a share of the largest value for each of the first three channels, or with the first one's numbers for every
/// channel where there are less than three; others stay. In `f32`, rounded half up and moved into the range of the type;
/// floats are neither.
///
/// # Errors
/// [`Error::NotFinite`] for numbers that are not.
pub fn scale_channels<T: Sample>(
    level: Level,
    gains: [f32; 3],
    shares: [f32; 3],
    image: ImageMut<'_, T>,
) -> Result<()> {
    if !gains.iter().chain(&shares).all(|v| v.is_finite()) {
        return Err(Error::NotFinite);
    }
    let line = |c: usize| (gains.get(c).copied().unwrap_or(1.0), shares.get(c).copied().unwrap_or(0.0));
    map_channels(level, image, |c, v| {
        let (gain, share) = line(c);
        v * gain + share * T::LARGEST
    });
    Ok(())
}

/// Maps the values of the first three channels, each by `map` with its number, or of all channels by the map of the first
/// one where there are less than three.
pub(super) fn map_channels<T: Sample>(
    level: Level,
    mut image: ImageMut<'_, T>,
    map: impl Fn(usize, f32) -> f32,
) {
    let channels = image.channels();
    let grey = channels < 3;
    if let Some(levels) = super::sample::levels_mut(&mut image) {
        let tables = [0, 1, 2].map(|c| Table::from_fn(|v| map(if grey { 0 } else { c }, v)));
        return super::table::apply_by_channel(level, &tables, levels);
    }
    for row in image.iter_rows_mut() {
        for pixel in row.chunks_exact_mut(channels.max(1)) {
            for (c, value) in pixel.iter_mut().take(3).enumerate() {
                *value = T::from_f32(map(if grey { 0 } else { c }, value.to_f32()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, assert_exact};
    use super::*;
    use crate::rng::Key;

    #[test]
    fn every_order_of_channels_comes_as_often_as_the_others() {
        let src = Owned { data: (0..6u8).collect(), shape: (1, 2, 3) };
        let mut seen = std::collections::BTreeMap::new();
        for seed in 0..600 {
            let mut image = src.clone();
            shuffle_channels(&mut Stream::new(seed, Key::new(1)), image.view_mut());
            let (first, second) = image.data.split_at(3);
            assert!(first.iter().zip(second).all(|(a, b)| a + 3 == *b));
            *seen.entry(first.to_vec()).or_insert(0) += 1;
        }
        // A hundred of each, within five standard errors.
        assert_eq!(seen.len(), 6);
        assert!(seen.values().all(|&n: &i32| (n - 100).abs() < 46), "{seen:?}");
        let mut many = Owned::noise((3, 4, 20), 1);
        let before = many.clone();
        shuffle_channels(&mut Stream::new(1, Key::new(1)), many.view_mut());
        for (new, old) in many.data.chunks_exact(20).zip(before.data.chunks_exact(20)) {
            assert_eq!(new[16..], old[16..]);
        }
        assert_ne!(many, before);
    }

    #[test]
    fn as_many_channels_are_dropped_as_asked_for_each_as_often() {
        let mut seen = [0; 5];
        for seed in 0..1000 {
            let mut image = Owned { data: std::vec![9u16; 2 * 3 * 5], shape: (2, 3, 5) };
            drop_channels(2, 700, &mut Stream::new(seed, Key::new(1)), image.view_mut());
            let (first, rest) = image.data.split_at(5);
            assert!(rest.chunks_exact(5).all(|pixel| pixel == first));
            assert!(
                first.iter().filter(|v| **v == 700).count() == 2
                    && first.iter().all(|v| [9, 700].contains(v))
            );
            seen.iter_mut().zip(first).for_each(|(n, v)| *n += i32::from(*v == 700));
        }
        // 400 of each, within five standard errors.
        assert!(seen.iter().all(|n| (n - 400).abs() < 78), "{seen:?}");
        for (channels, left) in [(1, 1), (2, 1), (3, 1), (20, 5)] {
            let mut image = Owned { data: std::vec![9u8; channels], shape: (1, 1, channels) };
            drop_channels(15, 0, &mut Stream::new(3, Key::new(1)), image.view_mut());
            assert_eq!(image.data.iter().filter(|v| **v == 9).count(), left);
        }
    }

    fn scaled_exactly<T: Sample>() {
        for c in 1..=5 {
            let src = Owned::<T>::shares((9, 71, c), 3);
            let (gains, shares) = ([0.7, 1.3, 1.1], [0.11, -0.07, 0.013]);
            let white = f64::from(T::LARGEST);
            let want: std::vec::Vec<f64> = (src.numbers().iter().enumerate())
                .map(|(i, v)| match if c < 3 { 0 } else { i % c } {
                    c @ 0..3 => v * f64::from(gains[c]) + f64::from(shares[c]) * white,
                    _ => *v,
                })
                .collect();
            for level in Level::available() {
                let mut image = src.clone();
                scale_channels(level, gains, shares, image.view_mut()).unwrap();
                assert_exact(&image.data, &want, if white > 1.0 { 0.51 } else { 1e-6 });
            }
        }
    }

    #[test]
    fn channels_are_scaled_by_themselves() {
        scaled_exactly::<u8>();
        scaled_exactly::<u16>();
        scaled_exactly::<f32>();
        let mut image = Owned::new((1, 1, 1));
        let wrong = scale_channels(Level::BASE, [f32::NAN; 3], [0.0; 3], image.view_mut());
        assert_eq!(wrong, Err(Error::NotFinite));
    }
}
