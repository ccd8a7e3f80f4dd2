//! Colour jitter: brightness, contrast, saturation and hue in any order.

mod integers;

pub(super) use self::integers::{in_integers, sums_of_bytes};

use super::*;
use crate::simd::{LANES, tree_sum};
use crate::view::ImageRef;

/// One adjustment of colours, in the meaning of torchvision.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Adjust {
    /// v · factor.
    Brightness(f32),
    /// mean + (v − mean) · factor, with the mean grey of the picture as it is then.
    Contrast(f32),
    /// grey + (v − grey) · factor, with the grey of each pixel.
    Saturation(f32),
    /// The hue turned by this share of a whole turn.
    Hue(f32),
}

impl Adjust {
    /// Adjusts `image` in place, as one step of [`Jitter`].
    ///
    /// # Errors
    /// As [`Jitter::apply`].
    pub fn apply<T: Sample>(self, level: Level, image: ImageMut<'_, T>) -> Result<()> {
        self.validate()?;
        T::with_jitter(level, image, &[self])
    }

    fn validate(self) -> Result<()> {
        match self {
            Adjust::Brightness(v) | Adjust::Contrast(v) | Adjust::Saturation(v)
                if v >= 0.0 && v.is_finite() =>
            {
                Ok(())
            }
            Adjust::Hue(turns) if turns.is_finite() => Ok(()),
            Adjust::Hue(_) => Err(Error::NotFinite),
            _ => Err(Error::InvalidArgument),
        }
    }
}

/// Adjustments that are done one after the other; the values between them are of the image's type, so that integers are
/// rounded and cut off after each, and floats are neither.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Jitter(pub [Adjust; 4]);

impl Jitter {
    /// Adjusts `image` in place: the colours of three channels and more; of fewer, which have no saturation and no hue,
    /// each value by itself.
    ///
    /// Saturation of 8-bit values is in integers for factors below 2, with 5 fractional bits: within one level of the exact
    /// value, without bias. All else is that of [`Table`], [`ColourMatrix`] and [`hue`], or for other values in `f32`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for factors that are negative or not finite, [`Error::NotFinite`] for such a hue.
    pub fn apply<T: Sample>(&self, level: Level, image: ImageMut<'_, T>) -> Result<()> {
        for adjust in self.0 {
            adjust.validate()?;
        }
        T::with_jitter(level, image, &self.0)
    }
}

/// [`Jitter::apply`] to wider values: `stretched` moves those of a row away from a pivot.
pub(super) fn one_by_one<T: Sample>(
    level: Level,
    mut image: ImageMut<'_, T>,
    steps: &[Adjust],
    stretched: impl Fn(Level, &mut [T], usize, f32, f32),
) -> Result<()> {
    let channels = image.channels();
    for adjust in steps {
        let (factor, pivot) = match *adjust {
            Adjust::Brightness(factor) => (factor, 0.0),
            Adjust::Contrast(factor) => (factor, grey_mean(level, image.as_ref())),
            _ => {
                colour_step(level, adjust, &mut image)?;
                continue;
            }
        };
        image.iter_rows_mut().for_each(|row| stretched(level, row, channels, factor, pivot));
    }
    Ok(())
}

/// A step that needs all three colours of a pixel; nothing where there are less.
fn colour_step<T: Sample>(level: Level, adjust: &Adjust, image: &mut ImageMut<'_, T>) -> Result<()> {
    match *adjust {
        _ if image.channels() < 3 => Ok(()),
        Adjust::Saturation(factor) => ColourMatrix::saturation(factor)?.apply(level, image.reborrow()),
        Adjust::Hue(turns) => hue(level, turns, image.reborrow()),
        Adjust::Brightness(_) | Adjust::Contrast(_) => Ok(()),
    }
}

/// pivot + (v − pivot) · factor of all colours, in levels.
#[inline(always)]
pub(super) fn stretched_body<T: Sample>(row: &mut [T], channels: usize, factor: f32, pivot: f32) {
    let stretch = |v: &mut T| *v = T::from_f32(pivot + (v.to_f32() - pivot) * factor);
    match channels {
        0..=3 => row.iter_mut().for_each(stretch),
        4 => {
            row.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| pixel.iter_mut().take(3).for_each(stretch))
        }
        n => row.chunks_exact_mut(n).for_each(|pixel| pixel.iter_mut().take(3).for_each(stretch)),
    }
}

/// The mean grey of a picture in levels, 0 of an empty one: that of its mean colour, or of its first channel where it has less
/// than three. Sums of integers are exact; of floats, 64 pixels are summed in 16 lanes of `f32`, and these sums row by row
/// in `f64`.
pub fn grey_mean<T: Sample>(level: Level, image: ImageRef<'_, T>) -> f32 {
    let channels = image.channels();
    let mut sums = [0.0; 3];
    for row in image.iter_rows() {
        for (sum, more) in sums.iter_mut().zip(T::sums(level, row, channels)) {
            *sum += more;
        }
    }
    let count = image.height() as f64 * image.width() as f64;
    if count == 0.0 {
        return 0.0;
    }
    let [r, g, b] = sums.map(|sum| sum / count);
    if channels < 3 {
        return r as f32;
    }
    let [red, green, blue] = GREY.map(f64::from);
    (r * red + g * green + b * blue) as f32
}

/// The sums of a row, exact for integers.
#[inline(always)]
pub(super) fn sums_body<T: Sample>(row: &[T], channels: usize) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for part in row.chunks(BLOCK.saturating_mul(channels).max(1)) {
        let mut colours = spread(part, channels);
        if channels < 3 {
            let [first, ..] = &mut colours;
            first.iter_mut().zip(part.iter().step_by(channels.max(1))).for_each(|(to, from)| *to = *from);
        }
        for (sum, values) in sums.iter_mut().zip(&colours) {
            let mut lanes = [0.0; LANES];
            for values in values.as_chunks::<LANES>().0 {
                for (lane, v) in lanes.iter_mut().zip(values) {
                    *lane += v.to_f32();
                }
            }
            // 64 values of 16 bits stay below 2²⁴.
            *sum += tree_sum(lanes) as f64;
        }
    }
    sums
}
