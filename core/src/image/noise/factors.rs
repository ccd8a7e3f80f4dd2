//! Noise that multiplies.

use super::*;

/// Multiplies by random factors, each equally likely between the two of `factor`: each pixel by its own, or each value by its own
/// where `per_channel`; where not `elementwise`, the whole image by one, or each channel of it by one.
///
/// A factor is one of 65536, and two are made of each draw, the lower half first; those of pixels and values begin
/// with a new draw in each row. For channels after the 64th those of the first ones serve again where they are of the whole
/// image. Products are in `f32`, rounded half up and end at white; those of floats do neither.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ the first factor ≤ the second one, and both are finite.
pub fn multiplicative_noise<T: Sample>(
    level: Level,
    factor: [f32; 2],
    per_channel: bool,
    elementwise: bool,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    let [low, high] = factor;
    if !(low >= 0.0 && low <= high && high.is_finite()) {
        return Err(Error::InvalidArgument);
    }
    let (channels, mut gains) = (image.channels(), [0.0; BLOCK]);
    if elementwise {
        let together = if per_channel { 1 } else { channels };
        for row in image.iter_rows_mut() {
            for values in row.chunks_mut(BLOCK.saturating_mul(together).max(1)) {
                draw_factors(stream, values.len() / together.max(1), factor, &mut gains);
                T::scale(level, values, together, &gains);
            }
        }
        return Ok(());
    }
    let known = if per_channel { channels.min(BLOCK) } else { 1 };
    draw_factors(stream, known, factor, &mut gains);
    let drawn = gains;
    for (gain, of) in gains.iter_mut().zip(drawn.iter().take(known).cycle()) {
        *gain = *of;
    }
    // Whole pixels, as many as have a factor for each value, or one.
    let unit = if known > 1 { (BLOCK / known * known).max(channels) } else { BLOCK };
    for part in image.iter_rows_mut().flat_map(|row| row.chunks_mut(unit.max(1))) {
        part.chunks_mut(BLOCK).for_each(|values| T::scale(level, values, 1, &gains));
    }
    Ok(())
}

/// Draws so many factors.
fn draw_factors(stream: &mut Stream, count: usize, [low, high]: [f32; 2], gains: &mut [f32; BLOCK]) {
    let factor = |half: u32| low + (high - low) * ((half as f32 + 0.5) * (1.0 / 65536.0));
    for pair in gains.as_chunks_mut::<2>().0.iter_mut().take(count.div_ceil(2)) {
        let bits = stream.next_u32();
        *pair = [factor(bits & 0xffff), factor(bits >> 16)];
    }
}

/// v + v · n · `std` with a normal number n for each value (Goodman 1976), as laser light and radar have it.
///
/// Normal numbers are drawn as by [`gaussian_noise`]. Products with 1 + n · `std` are in `f32`, rounded half up and moved into
/// the range of the type; those of floats are neither.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `std` ≤ 4.
pub fn speckle<T: Sample>(
    level: Level,
    std: f32,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    if !(0.0..=4.0).contains(&std) {
        return Err(Error::InvalidArgument);
    }
    let (mut normals, mut gains) = ([0; BLOCK], [0.0; BLOCK]);
    let scale = std * (1.0 / (1 << NORMAL_BITS) as f32);
    for row in image.iter_rows_mut() {
        for values in row.chunks_mut(BLOCK) {
            draw_normals(stream, values.len(), &mut normals);
            for (gain, normal) in gains.iter_mut().zip(&normals) {
                *gain = 1.0 + *normal as f32 * scale;
            }
            T::scale(level, values, 1, &gains);
        }
    }
    Ok(())
}

#[inline(always)]
pub(super) fn scale_body<T: Sample>(values: &mut [T], channels: usize, gains: &[f32; BLOCK]) {
    match channels {
        1 => each(values, gains),
        3 => {
            let mut wide = [0.0; BLOCK * 3];
            for (wide, gain) in wide.as_chunks_mut::<3>().0.iter_mut().zip(gains) {
                *wide = [*gain; 3];
            }
            each(values, &wide);
        }
        n => {
            for (pixel, gain) in values.chunks_exact_mut(n.max(1)).zip(gains) {
                pixel.iter_mut().for_each(|v| *v = T::from_f32(v.to_f32() * gain));
            }
        }
    }
}

#[inline(always)]
fn each<T: Sample, const N: usize>(values: &mut [T], gains: &[f32; N]) {
    // The usual whole block has a length that the compiler knows.
    if let Some(whole) = values.as_mut_array::<N>() {
        for (v, gain) in whole.iter_mut().zip(gains) {
            *v = T::from_f32(v.to_f32() * gain);
        }
        return;
    }
    for (v, gain) in values.iter_mut().zip(gains) {
        *v = T::from_f32(v.to_f32() * gain);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Owned, assert_exact, at_every_level, half, images};
    use super::*;
    use crate::rng::Key;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn stream() -> Stream {
        Stream::new(9, Key::new(1))
    }

    fn scaled<T: Sample>(level: Level, how: (bool, bool), src: &Owned<T>) -> Owned<T> {
        let mut image = src.clone();
        multiplicative_noise(level, [0.63, 1.31], how.0, how.1, &mut stream(), image.view_mut()).unwrap();
        image
    }

    /// So many factors, two of each draw.
    fn factors(stream: &mut Stream, count: usize) -> Vec<f64> {
        let draws = (0..count.div_ceil(2)).flat_map(|_| {
            let bits = stream.next_u32();
            [bits & 0xffff, bits >> 16]
        });
        let (low, high) = (f64::from(0.63f32), f64::from(1.31f32));
        draws.map(|half| low + (high - low) * (f64::from(half) + 0.5) / 65536.0).collect()
    }

    fn exactly<T: Sample>() {
        for c in [1, 2, 3, 4, 5, 64, 70] {
            let src = Owned::<T>::shares((4, 91, c), 3);
            for (per_channel, elementwise) in [(false, false), (false, true), (true, false), (true, true)] {
                let mut stream = stream();
                let whole = factors(&mut stream.clone(), c.min(64));
                let mut want = src.numbers();
                for row in want.chunks_exact_mut(91 * c) {
                    let own = factors(&mut stream, if per_channel { 91 * c } else { 91 });
                    for (i, v) in row.iter_mut().enumerate() {
                        *v *= match (per_channel, elementwise) {
                            (false, false) => whole[0],
                            (true, false) => whole[i % c % 64],
                            (false, true) => own[i / c],
                            (true, true) => own[i],
                        };
                    }
                }
                let got = at_every_level(&src, |level, src| scaled(level, (per_channel, elementwise), src));
                assert_exact(&got.data, &want, half::<T>());
            }
        }
    }

    #[test]
    fn factors_are_of_values_pixels_channels_or_the_image() {
        exactly::<u8>();
        exactly::<u16>();
        exactly::<f32>();
    }

    fn speckled<T: Sample>(level: Level, std: f32, src: &Owned<T>) -> Owned<T> {
        let mut image = src.clone();
        speckle(level, std, &mut stream(), image.view_mut()).unwrap();
        image
    }

    fn speckled_exactly<T: Sample>() {
        for c in 1..=5 {
            let src = Owned::<T>::shares((7, 91, c), 3);
            let (mut stream, mut want) = (stream(), src.numbers());
            for row in want.chunks_exact_mut(91 * c) {
                for pair in row.chunks_mut(2) {
                    let bits = stream.next_u32();
                    for (v, bits) in pair.iter_mut().zip([bits << 16, bits]) {
                        *v += *v * f64::from(normal(bits)) / 4096.0 * f64::from(0.37f32);
                    }
                }
            }
            let got = at_every_level(&src, |level, src| speckled(level, 0.37, src));
            assert_exact(&got.data, &want, half::<T>());
            assert_eq!(speckled(Level::BASE, 0.0, &src), src);
        }
    }

    #[test]
    fn speckle_grows_with_the_value() {
        speckled_exactly::<u8>();
        speckled_exactly::<u16>();
        speckled_exactly::<f32>();
    }

    proptest! {
        #[test]
        fn any_image_has_the_same_bytes_at_every_level(src in images(), std in 0f32..4.0, how: (bool, bool)) {
            at_every_level(&src, |level, src| scaled(level, how, src));
            at_every_level(&src, |level, src| speckled(level, std, src));
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let (before, mut image) = (Owned::noise((2, 2, 3), 1), Owned::noise((2, 2, 3), 1));
        for bad in [[-0.1, 1.0], [1.0, 0.9], [f32::NAN, 1.0], [1.0, f32::NAN], [1.0, f32::INFINITY]] {
            let wrong = multiplicative_noise(Level::BASE, bad, false, true, &mut stream(), image.view_mut());
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
        for bad in [-0.1, 4.1, f32::NAN] {
            let wrong = speckle(Level::BASE, bad, &mut stream(), image.view_mut());
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
        assert_eq!(image, before);
    }
}
