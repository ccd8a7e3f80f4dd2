//! The noise of sensors that are made too sensitive.

use super::super::colour::{close, spread};
use super::*;

/// Adds noise as a sensor has it at a high ISO number: normal noise of luminance with a deviation of `luminance`, and of the
/// differences of blue and red to it (ITU-R BT.601) with one of `colour`, all in levels of 0..=255 whatever the type, each pixel
/// by itself and each of the three by itself. The deviation is the same in the dark and in the light: photons make noise that
/// grows with the root of the light, and values encoded for displays are nearly that root.
///
/// Red becomes r + (y + 1.402 · red), green g + (y − (0.344136 · blue + 0.714136 · red)) and blue b + (y + 1.772 · blue), in
/// `f32`, rounded half up and moved into the range of the type; floats are neither. Of less than three channels all get the noise
/// of luminance; channels after the third stay. Normal numbers are those of [`gaussian_noise`]: for each 64 pixels of a row, or
/// the rest of it, those of luminance, then those of blue and of red, two from each draw; each of the three begins with a new
/// draw.
///
/// # Errors
/// [`Error::InvalidArgument`] unless both deviations lie between 0 and 255.
pub fn iso_noise<T: Sample>(
    level: Level,
    luminance: f32,
    colour: f32,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    let range = 0.0..=MAX_STD;
    if !(range.contains(&luminance) && range.contains(&colour)) {
        return Err(Error::InvalidArgument);
    }
    let channels = image.channels();
    let std = [luminance, colour].map(|std| std * (1.0 / MAX_STD));
    let mut normals = [[0; BLOCK]; 3];
    for row in image.iter_rows_mut() {
        for pixels in row.chunks_mut(BLOCK.saturating_mul(channels).max(1)) {
            for normals in &mut normals {
                draw_normals(stream, pixels.len() / channels.max(1), normals);
            }
            T::iso(level, pixels, channels, &normals, std);
        }
    }
    Ok(())
}

#[inline(always)]
pub(super) fn iso_body<T: Sample>(
    pixels: &mut [T],
    channels: usize,
    [y, blue, red]: &[[i16; BLOCK]; 3],
    std: [f32; 2],
) {
    let [luminance, colour] = std.map(|std| std * (T::LARGEST / (1 << NORMAL_BITS) as f32));
    if channels < 3 {
        for (pixel, y) in pixels.chunks_exact_mut(channels.max(1)).zip(y) {
            pixel.iter_mut().for_each(|v| *v = T::from_f32(v.to_f32() + *y as f32 * luminance));
        }
        return;
    }
    let mut colours = spread(pixels, channels);
    let [r, g, b] = &mut colours;
    for (((r, g), b), ((y, blue), red)) in r.iter_mut().zip(g).zip(b).zip(y.iter().zip(blue).zip(red)) {
        let (y, blue, red) = (*y as f32 * luminance, *blue as f32 * colour, *red as f32 * colour);
        *r = T::from_f32(r.to_f32() + (y + red * 1.402));
        *g = T::from_f32(g.to_f32() + (y - (blue * 0.344_136 + red * 0.714_136)));
        *b = T::from_f32(b.to_f32() + (y + blue * 1.772));
    }
    close(&colours, channels, pixels);
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Owned, assert_exact, at_every_level, half, images};
    use super::*;
    use crate::rng::Key;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn noisy<T: Sample>(level: Level, std: [f32; 2], src: &Owned<T>) -> Owned<T> {
        let mut image = src.clone();
        iso_noise(level, std[0], std[1], &mut Stream::new(9, Key::new(1)), image.view_mut()).unwrap();
        image
    }

    /// The words of the documentation, with the numbers of the same stream.
    fn exact<T: Sample>([luminance, colour]: [f32; 2], src: &Owned<T>) -> Vec<f64> {
        let (_, width, c) = src.shape;
        let (mut stream, mut want) = (Stream::new(9, Key::new(1)), src.numbers());
        let level = f64::from(T::LARGEST) / 255.0 / 4096.0;
        for row in want.chunks_exact_mut(width * c) {
            for pixels in row.chunks_mut(BLOCK * c) {
                let mut draw = |std: f32| {
                    let mut numbers = Vec::new();
                    while numbers.len() < pixels.len() / c {
                        let bits = stream.next_u32();
                        numbers.extend([normal(bits << 16), normal(bits)]);
                    }
                    numbers.into_iter().map(|n| f64::from(n) * f64::from(std) * level).collect::<Vec<_>>()
                };
                let (y, blue, red) = (draw(luminance), draw(colour), draw(colour));
                for (i, pixel) in pixels.chunks_exact_mut(c).enumerate() {
                    if c < 3 {
                        pixel.iter_mut().for_each(|v| *v += y[i]);
                    } else {
                        pixel[0] += y[i] + 1.402 * red[i];
                        pixel[1] += y[i] - 0.344136 * blue[i] - 0.714136 * red[i];
                        pixel[2] += y[i] + 1.772 * blue[i];
                    }
                }
            }
        }
        want
    }

    fn exactly<T: Sample>() {
        for c in 1..=5 {
            let src = Owned::<T>::shares((9, 171, c), 3);
            let got = at_every_level(&src, |level, src| noisy(level, [7.3, 11.9], src));
            assert_exact(&got.data, &exact([7.3, 11.9], &src), half::<T>());
            assert_eq!(noisy(Level::BASE, [0.0; 2], &src), src);
        }
    }

    #[test]
    fn luminance_and_colour_are_moved_as_the_words_say() {
        exactly::<u8>();
        exactly::<u16>();
        exactly::<f32>();
    }

    #[test]
    fn deviations_are_those_asked_for() {
        let grey = Owned { data: std::vec![0.5f32; 200 * 300 * 3], shape: (200, 300, 3) };
        let image = noisy(Level::detect(), [10.0, 6.0], &grey);
        let (mut y_square, mut blue_square, mut both) = (0.0, 0.0, 0.0);
        for [r, g, b] in image.data.as_chunks::<3>().0 {
            let [r, g, b] = [r, g, b].map(|v| (f64::from(*v) - 0.5) * 255.0);
            let y = 0.299 * r + 0.587 * g + 0.114 * b;
            let blue = (b - y) / 1.772;
            (y_square, blue_square, both) = (y_square + y * y, blue_square + blue * blue, both + y * blue);
        }
        let n = 60_000.0;
        // Five standard errors: √(2 / n) of a variance, and of a covariance of two that have nothing to do with each other.
        assert!((y_square / n / 100.0 - 1.0).abs() < 0.029, "{}", y_square / n);
        assert!((blue_square / n / 36.0 - 1.0).abs() < 0.029, "{}", blue_square / n);
        assert!((both / n / 60.0).abs() < 0.021, "{}", both / n);
    }

    proptest! {
        #[test]
        fn any_image_has_the_same_bytes_at_every_level(src in images(), luminance in 0f32..255.0, colour in 0f32..255.0) {
            at_every_level(&src, |level, src| noisy(level, [luminance, colour], src));
        }
    }

    #[test]
    fn deviations_that_cannot_be_are_refused() {
        for bad in [-0.1, 255.5, f32::NAN, f32::INFINITY] {
            for (luminance, colour) in [(bad, 1.0), (1.0, bad)] {
                let (mut image, mut stream) = (Owned::new((2, 2, 3)), Stream::new(9, Key::new(1)));
                let wrong = iso_noise(Level::BASE, luminance, colour, &mut stream, image.view_mut());
                assert_eq!((wrong, image), (Err(Error::InvalidArgument), Owned::new((2, 2, 3))));
            }
        }
    }
}
