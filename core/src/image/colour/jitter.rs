//! Colour jitter: brightness, contrast, saturation and hue in any order.

use super::*;
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

/// Adjustments that are done one after the other; the values between them are 8-bit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Jitter(pub [Adjust; 4]);

impl Jitter {
    /// Adjusts `image` in place: the colours of three channels and more; of fewer, which have no saturation and no hue,
    /// each value by itself.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for factors that are negative or not finite, [`Error::NotFinite`] for such a hue.
    pub fn apply(&self, level: Level, mut image: ImageMut<'_, u8>) -> Result<()> {
        for adjust in self.0 {
            match adjust {
                Adjust::Brightness(factor) => Table::brightness(factor)?.apply_colours(level, &mut image),
                Adjust::Contrast(factor) => {
                    let pivot = grey_mean(level, image.as_ref());
                    Table::contrast(factor, pivot)?.apply_colours(level, &mut image);
                }
                Adjust::Saturation(factor) => {
                    let matrix = ColourMatrix::saturation(factor)?;
                    if image.channels() >= 3 {
                        matrix.apply(level, image.reborrow())?;
                    }
                }
                Adjust::Hue(turns) if image.channels() >= 3 => hue(level, turns, image.reborrow())?,
                Adjust::Hue(turns) if !turns.is_finite() => return Err(Error::NotFinite),
                Adjust::Hue(_) => {}
            }
        }
        Ok(())
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

/// The mean grey of a picture, 0 of an empty one: that of its mean colour, or of its first channel where it has less than
/// three.
pub fn grey_mean(level: Level, image: ImageRef<'_, u8>) -> f32 {
    let channels = image.channels();
    let mut sums = [0u64; 3];
    for row in image.iter_rows() {
        if channels == 3 {
            add_up(level, row, &mut sums);
        } else {
            for (sum, c) in sums.iter_mut().zip(0..channels) {
                let values = row.get(c..).unwrap_or(&[]).iter().step_by(channels.max(1));
                *sum += values.map(|&v| u64::from(v)).sum::<u64>();
            }
        }
    }
    let count = image.height() as f64 * image.width() as f64;
    if count == 0.0 {
        return 0.0;
    }
    let [r, g, b] = sums.map(|sum| sum as f64 / count);
    if channels < 3 {
        return r as f32;
    }
    let [red, green, blue] = GREY.map(f64::from);
    (r * red + g * green + b * blue) as f32
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
