//! The noise of whole rows and columns.

use super::*;
use crate::math;
use crate::scratch::{Scratch, ScratchLen};

/// The widest bands of [`banding`], in pixels.
pub const MAX_BAND: f32 = 4096.0;

/// Bytes of scratch that [`banding`] takes for an image of `shape` = (height, width, channels).
pub fn banding_scratch_len((_, width, channels): (usize, usize, usize)) -> usize {
    ScratchLen::new().with::<f32>(width.saturating_mul(channels)).bytes()
}

/// Adds an offset to each row, or to each column where `upright`, as sensors do that read lines one by one: the same for all
/// channels, normal with a deviation of `std` in levels of 0..=255 whatever the type, and smooth over `width` pixels.
///
/// Normal numbers stand `width` pixels apart, the first one of these up to a whole width before the image. An offset between the
/// two numbers a and b, at the share t of the way, is (a + (b − a) · t) / √(t² + (1 − t)²), whose deviation is the same
/// everywhere. The place of the first one takes a draw, each number half of one, the lower half first. All is in `f32`; sums are
/// rounded half up and moved into the range of the type, those of floats are neither.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `std` ≤ 255 and 1 ≤ `width` ≤ [`MAX_BAND`], [`Error::ScratchTooSmall`].
pub fn banding<T: Sample>(
    level: Level,
    std: f32,
    width: f32,
    upright: bool,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if !((0.0..=MAX_STD).contains(&std) && (1.0..=MAX_BAND).contains(&width)) {
        return Err(Error::InvalidArgument);
    }
    let channels = image.channels();
    let mut frame = scratch.frame();
    let shares = frame.take::<f32>(image.width() * channels)?;
    let mut bands = Bands::new(std, width, stream);
    if upright {
        for pixel in shares.chunks_exact_mut(channels.max(1)) {
            pixel.fill(bands.next());
        }
    }
    for row in image.iter_rows_mut() {
        if !upright {
            shares.fill(bands.next());
        }
        T::shift(level, row, shares);
    }
    Ok(())
}

/// The offsets of lines that follow each other.
struct Bands<'a> {
    stream: &'a mut Stream,
    /// A normal number that is drawn but not used.
    rest: Option<i16>,
    /// The numbers before and after the line, as shares of white.
    ends: [f32; 2],
    /// How far it is from one to the other.
    at: f32,
    /// How much further the next line is.
    step: f32,
    scale: f32,
}

impl<'a> Bands<'a> {
    fn new(std: f32, width: f32, stream: &'a mut Stream) -> Self {
        let at = stream.uniform();
        let scale = std * (1.0 / MAX_STD / (1 << NORMAL_BITS) as f32);
        let mut bands = Self { stream, rest: None, ends: [0.0; 2], at, step: 1.0 / width, scale };
        bands.ends = [bands.number(), bands.number()];
        bands
    }

    fn number(&mut self) -> f32 {
        let found = match self.rest.take() {
            Some(rest) => rest,
            None => {
                let bits = self.stream.next_u32();
                self.rest = Some(normal(bits));
                normal(bits << 16)
            }
        };
        found as f32 * self.scale
    }

    /// The offset of the line, after which the next one is.
    fn next(&mut self) -> f32 {
        let ([a, b], t) = (self.ends, self.at);
        let left = 1.0 - t;
        let offset = (a + (b - a) * t) / math::sqrt(t * t + left * left);
        self.at += self.step;
        // A step is one at most.
        if self.at >= 1.0 {
            self.at -= 1.0;
            self.ends = [b, self.number()];
        }
        offset
    }
}

#[inline(always)]
pub(super) fn shift_body<T: Sample>(values: &mut [T], shares: &[f32]) {
    for (v, share) in values.iter_mut().zip(shares) {
        *v = T::from_f32(v.to_f32() + share * T::LARGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Owned, at_every_level, half, images};
    use super::*;
    use crate::rng::Key;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn banded<T: Sample>(level: Level, (std, width): (f32, f32), upright: bool, src: &Owned<T>) -> Owned<T> {
        let (mut image, mut stream) = (src.clone(), Stream::new(9, Key::new(1)));
        let mut memory = vec![0xa5; banding_scratch_len(src.shape)];
        let scratch = &mut Scratch::new(&mut memory);
        banding(level, std, width, upright, &mut stream, image.view_mut(), scratch).unwrap();
        image
    }

    /// The offsets of so many lines in levels, by the words of the documentation.
    fn offsets(lines: usize, std: f32, width: f32) -> Vec<f64> {
        let mut stream = Stream::new(9, Key::new(1));
        let start = f64::from(stream.uniform());
        let numbers: Vec<f64> = (0..lines)
            .flat_map(|_| {
                let bits = stream.next_u32();
                [bits << 16, bits].map(|bits| f64::from(normal(bits)) / 4096.0)
            })
            .collect();
        let offset = |i: usize| {
            let at = start + i as f64 / f64::from(width);
            let (a, b, t) = (numbers[at as usize], numbers[at as usize + 1], at.fract());
            f64::from(std) * (a + (b - a) * t) / (t * t + (1.0 - t) * (1.0 - t)).sqrt()
        };
        (0..lines).map(offset).collect()
    }

    fn exactly<T: Sample>() {
        for c in 1..=5 {
            let src = Owned::<T>::shares((70, 91, c), 3);
            for upright in [false, true] {
                for (std, width) in [(7.3, 1.0), (12.1, 5.7), (3.3, 900.0)] {
                    let offsets = offsets(91, std, width);
                    let want: Vec<f64> = (src.numbers().iter().enumerate())
                        .map(|(i, v)| {
                            let line = if upright { i / c % 91 } else { i / c / 91 };
                            v + offsets[line] * f64::from(T::LARGEST) / 255.0
                        })
                        .collect();
                    let got = at_every_level(&src, |level, src| banded(level, (std, width), upright, src));
                    // A line is rounded as its offset says, so that few of them have no mean; the places of offsets are in `f32`,
                    // and so a small share of a level of 16 bits off.
                    let white = f64::from(T::LARGEST);
                    let within = |v: f64| if white > 1.0 { v.clamp(0.0, white) } else { v };
                    let numbers = got.numbers();
                    let worst = numbers.iter().zip(&want).map(|(g, w)| (g - within(*w)).abs());
                    let worst = worst.fold(0.0, f64::max);
                    assert!(worst <= if white > 256.0 { 0.6 } else { half::<T>() }, "{worst}");
                    assert_eq!(banded(Level::BASE, (0.0, width), upright, &src), src);
                }
            }
        }
    }

    #[test]
    fn lines_are_moved_as_the_words_say() {
        exactly::<u8>();
        exactly::<u16>();
        exactly::<f32>();
    }

    #[test]
    fn offsets_have_the_deviation_asked_for_everywhere() {
        let grey = Owned { data: vec![0.5f32; 200_000], shape: (200_000, 1, 1) };
        for width in [1.0, 3.3, 8.0] {
            let image = banded(Level::detect(), (10.0, width), false, &grey);
            let square = image.data.iter().map(|v| ((f64::from(*v) - 0.5) * 25.5).powi(2)).sum::<f64>();
            // Neighbours go together: about so many free numbers in all.
            let error = 5.0 * (2.0 * f64::from(width) / 200_000.0).sqrt();
            assert!((square / 200_000.0 - 1.0).abs() < error, "{width}: {square}");
        }
    }

    proptest! {
        #[test]
        fn any_image_has_the_same_bytes_at_every_level(src in images(), std in 0f32..255.0, width in 1f32..99.0, upright: bool) {
            at_every_level(&src, |level, src| banded(level, (std, width), upright, src));
        }
    }

    #[test]
    fn bands_that_cannot_be_are_refused() {
        let mut memory = vec![0; 4096];
        let mut image = Owned::noise((2, 2, 3), 1);
        for (std, width) in
            [(-1.0, 2.0), (256.0, 2.0), (f32::NAN, 2.0), (1.0, 0.9), (1.0, 4097.0), (1.0, f32::NAN)]
        {
            let (mut stream, scratch) = (Stream::new(9, Key::new(1)), &mut Scratch::new(&mut memory));
            let wrong = banding(Level::BASE, std, width, false, &mut stream, image.view_mut(), scratch);
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
        let mut stream = Stream::new(9, Key::new(1));
        let wrong =
            banding(Level::BASE, 1.0, 2.0, true, &mut stream, image.view_mut(), &mut Scratch::empty());
        assert_eq!((wrong, image), (Err(Error::ScratchTooSmall), Owned::noise((2, 2, 3), 1)));
    }
}
