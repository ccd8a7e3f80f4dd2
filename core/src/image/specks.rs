//! Single pixels painted over.

use super::Sample;
use crate::error::{Error, Result};
use crate::rng::Stream;
use crate::view::ImageMut;

/// Paints each pixel of the image with `fill` in every channel with probability `share`, each by itself.
///
/// A number is drawn for each pixel, row by row.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `share` ≤ 1.
pub fn pixel_dropout<T: Copy>(
    share: f32,
    fill: T,
    stream: &mut Stream,
    image: ImageMut<'_, T>,
) -> Result<()> {
    let below = threshold(share)?;
    each_pixel(stream, image, |bits| (u64::from(bits) < below).then_some(fill));
    Ok(())
}

/// Makes each pixel black or white in every channel with probability `share`, each by itself; `salt` of these are white.
///
/// A number is drawn for each pixel, row by row.
///
/// # Errors
/// [`Error::InvalidArgument`] unless both shares lie between 0 and 1.
pub fn salt_and_pepper<T: Sample>(
    share: f32,
    salt: f32,
    stream: &mut Stream,
    image: ImageMut<'_, T>,
) -> Result<()> {
    let below = threshold(share)?;
    threshold(salt)?;
    let white_below = threshold(share * salt)?;
    let (white, black) = (T::from_f32(T::LARGEST), T::from_f32(0.0));
    each_pixel(stream, image, |bits| {
        let bits = u64::from(bits);
        (bits < below).then_some(if bits < white_below { white } else { black })
    });
    Ok(())
}

/// How many of the 2³² numbers a share is.
fn threshold(share: f32) -> Result<u64> {
    // False for NaN.
    if !(0.0..=1.0).contains(&share) {
        return Err(Error::InvalidArgument);
    }
    Ok((f64::from(share) * 4_294_967_296.0) as u64)
}

/// Paints the pixels for whose random bits `paint` has a value.
fn each_pixel<T: Copy>(stream: &mut Stream, mut image: ImageMut<'_, T>, paint: impl Fn(u32) -> Option<T>) {
    let channels = image.channels();
    for row in image.iter_rows_mut() {
        for pixel in row.chunks_exact_mut(channels.max(1)) {
            if let Some(value) = paint(stream.next_u32()) {
                pixel.fill(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Owned;
    use super::*;
    use crate::rng::Key;

    #[test]
    fn as_many_pixels_are_painted_as_asked_for() {
        let grey = Owned { data: std::vec![100u8; 200 * 300 * 2], shape: (200, 300, 2) };
        let stream = || Stream::new(3, Key::new(1));
        let count = |image: &Owned, value: u8| {
            let pixels = image.data.as_chunks::<2>().0;
            assert!(pixels.iter().all(|[a, b]| a == b));
            pixels.iter().filter(|pixel| pixel[0] == value).count()
        };
        let mut image = grey.clone();
        salt_and_pepper(0.2, 0.25, &mut stream(), image.view_mut()).unwrap();
        // 3,000 and 9,000 of 60,000, within five standard errors.
        assert!(count(&image, 255).abs_diff(3000) < 270 && count(&image, 0).abs_diff(9000) < 440);
        let mut image = grey.clone();
        pixel_dropout(0.05, 7, &mut stream(), image.view_mut()).unwrap();
        assert!(count(&image, 7).abs_diff(3000) < 270);
        assert_eq!(count(&image, 7) + count(&image, 100), 60_000);
        for (share, painted) in [(0.0, 0), (1.0, 60_000)] {
            let mut image = grey.clone();
            pixel_dropout(share, 7, &mut stream(), image.view_mut()).unwrap();
            assert_eq!(count(&image, 7), painted);
        }
    }

    #[test]
    fn shares_are_between_zero_and_one() {
        let mut image = Owned::new((1, 1, 1));
        let mut stream = Stream::new(3, Key::new(1));
        for bad in [-0.1, 1.1, f32::NAN] {
            assert_eq!(pixel_dropout(bad, 1, &mut stream, image.view_mut()), Err(Error::InvalidArgument));
            for (share, salt) in [(bad, 0.5), (0.5, bad)] {
                let wrong = salt_and_pepper(share, salt, &mut stream, image.view_mut());
                assert_eq!(wrong, Err(Error::InvalidArgument));
            }
        }
    }
}
