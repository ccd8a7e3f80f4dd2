//! Colour jitter: brightness, contrast, saturation and hue in any order.

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
    /// # Errors
    /// [`Error::InvalidArgument`] for factors that are negative or not finite, [`Error::NotFinite`] for such a hue.
    pub fn apply<T: Sample>(&self, level: Level, image: ImageMut<'_, T>) -> Result<()> {
        for adjust in self.0 {
            adjust.validate()?;
        }
        T::with_jitter(level, image, &self.0)
    }
}

/// [`Jitter::apply`] to 8-bit values.
pub(super) fn by_tables(level: Level, mut image: ImageMut<'_, u8>, steps: &[Adjust; 4]) -> Result<()> {
    for adjust in steps {
        match *adjust {
            Adjust::Brightness(factor) => Table::brightness(factor)?.apply_colours(level, &mut image),
            Adjust::Contrast(factor) => {
                let pivot = grey_mean(level, image.as_ref());
                Table::contrast(factor, pivot)?.apply_colours(level, &mut image);
            }
            _ => colour_step(level, adjust, &mut image)?,
        }
    }
    Ok(())
}

/// [`Jitter::apply`] to wider values: `stretched` moves those of a row away from a pivot.
pub(super) fn one_by_one<T: Sample>(
    level: Level,
    mut image: ImageMut<'_, T>,
    steps: &[Adjust; 4],
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

impl Table {
    /// Maps the colours of `image`, and not what four and more channels have besides.
    fn apply_colours(&self, level: Level, image: &mut ImageMut<'_, u8>) {
        if image.channels() <= 3 {
            return self.apply_in_place(level, image.reborrow());
        }
        let channels = image.channels();
        for row in image.iter_rows_mut() {
            for value in row.chunks_exact_mut(channels.max(1)).flat_map(|pixel| pixel.iter_mut().take(3)) {
                *value = self.get(*value);
            }
        }
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
    for part in row.chunks((BLOCK * channels).max(1)) {
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

/// The sums of a row of 8-bit values.
pub(super) fn sums_of_bytes(level: Level, row: &[u8], channels: usize) -> [f64; 3] {
    let mut sums = [0u64; 3];
    if channels == 3 {
        add_up(level, row, &mut sums);
    } else {
        for (sum, c) in sums.iter_mut().zip(0..channels) {
            let values = row.get(c..).unwrap_or(&[]).iter().step_by(channels.max(1));
            *sum = values.map(|&v| u64::from(v)).sum();
        }
    }
    sums.map(|sum| sum as f64)
}

kernel! {
    fn add_up(row: &[u8], sums: &mut [u64; 3]) = add_up_body;
}

#[inline(always)]
fn add_up_body(row: &[u8], sums: &mut [u64; 3]) {
    const LANES: usize = 48;
    // A lane of 32 bits holds 2²⁴ values.
    for part in row.chunks(LANES << 20) {
        let mut lanes = [0u32; LANES];
        let (whole, rest) = part.as_chunks::<LANES>();
        for values in whole {
            for (lane, &v) in lanes.iter_mut().zip(values) {
                *lane += u32::from(v);
            }
        }
        for (lane, &v) in lanes.iter_mut().zip(rest) {
            *lane += u32::from(v);
        }
        for three in lanes.as_chunks::<3>().0 {
            for (sum, &lane) in sums.iter_mut().zip(three) {
                *sum += u64::from(lane);
            }
        }
    }
}
