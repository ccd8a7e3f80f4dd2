//! Maps of single values.

use super::sample::levels_mut;
use super::{Sample, Table};
use crate::error::{Error, Result};
use crate::math;
use crate::simd::Level;
use crate::view::ImageMut;

/// A map of values, which are shares of the largest one of their type: 255, 65535, or 1 for floats.
///
/// For 8-bit values [`Tone::table`] is the map, and tables that follow each other compose to one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Tone {
    /// v · factor.
    Brightness(f32),
    /// pivot + (v − pivot) · factor.
    Contrast {
        /// 0 is plain `pivot`, 1 changes nothing.
        factor: f32,
        /// What stays.
        pivot: f32,
    },
    /// v^gamma; what is negative becomes 0.
    Gamma(f32),
    /// 1 − v.
    Invert,
    /// 1 − v from this threshold on, v below.
    Solarise(f32),
    /// The upper 1 to 8 bits of eight; the rest is 0. Wider values lose what 8-bit ones lose.
    Posterise(u8),
    /// A curve from (0, 0) to (1, 1) bent by two handles a third and two thirds of the way: 3 (1 − v)² v · low +
    /// 3 (1 − v) v² · high + v³.
    Curve {
        /// Height of the first handle; ⅓ leaves the dark values as they are.
        low: f32,
        /// Height of the second handle; ⅔ leaves the light values as they are.
        high: f32,
    },
}

impl Tone {
    /// Refuses what is not finite, negative factors, and bits that are not 1 to 8.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub fn validate(&self) -> Result<()> {
        let factor = |v: f32| v >= 0.0 && v.is_finite();
        let right = match *self {
            Tone::Brightness(v) | Tone::Gamma(v) => factor(v),
            Tone::Contrast { factor: v, pivot } => factor(v) && pivot.is_finite(),
            Tone::Invert => true,
            Tone::Solarise(threshold) => threshold.is_finite(),
            Tone::Posterise(bits) => (1..=8).contains(&bits),
            Tone::Curve { low, high } => low.is_finite() && high.is_finite(),
        };
        if right { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    /// The map of a share.
    fn at(&self, v: f32) -> f32 {
        match *self {
            Tone::Brightness(factor) => v * factor,
            Tone::Contrast { factor, pivot } => pivot + (v - pivot) * factor,
            Tone::Gamma(gamma) => {
                if gamma == 0.0 {
                    1.0
                } else if v > 0.0 {
                    math::exp(gamma * math::ln(v))
                } else {
                    0.0
                }
            }
            Tone::Invert => 1.0 - v,
            Tone::Solarise(threshold) => {
                if v >= threshold {
                    1.0 - v
                } else {
                    v
                }
            }
            Tone::Posterise(bits) => {
                let steps = (1u32 << bits.min(8)) as f32;
                let top = math::floor(math::clamp(v, 0.0, 1.0) * 255.0 / 256.0 * steps);
                top * (256.0 / 255.0) / steps
            }
            Tone::Curve { low, high } => {
                let rest = 1.0 - v;
                3.0 * rest * rest * v * low + 3.0 * rest * v * v * high + v * v * v
            }
        }
    }

    /// The map of 8-bit values, rounded half up.
    ///
    /// # Errors
    /// As [`Tone::validate`].
    pub fn table(&self) -> Result<Table> {
        self.validate()?;
        match *self {
            // In levels, where these need not be divided and multiplied by 255.
            Tone::Brightness(factor) => Table::brightness(factor),
            Tone::Contrast { factor, pivot } => Table::contrast(factor, pivot * 255.0),
            Tone::Gamma(gamma) => Table::gamma(gamma),
            Tone::Posterise(bits) => Ok(Table::from_fn(|v| (v as u8 & !(0xff >> bits.min(8)) as u8) as f32)),
            _ => Ok(Table::from_fn(|v| 255.0 * self.at(v / 255.0))),
        }
    }

    /// Maps every value of `image` in place, in `f32`.
    ///
    /// # Errors
    /// As [`Tone::validate`].
    pub fn apply<T: Sample>(&self, mut image: ImageMut<'_, T>) -> Result<()> {
        self.validate()?;
        for value in image.iter_rows_mut().flatten() {
            *value = T::from_f32(T::LARGEST * self.at(value.to_f32() / T::LARGEST));
        }
        Ok(())
    }
}

/// Maps every value of `image` in place by tones that follow each other: 8-bit ones by one table, which gives the same.
///
/// # Errors
/// As [`Tone::validate`].
pub fn apply_tones<T: Sample>(
    level: Level,
    tones: impl IntoIterator<Item = Tone, IntoIter: Clone>,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    let mut tones = tones.into_iter();
    tones.clone().try_for_each(|tone| tone.validate())?;
    let Some(levels) = levels_mut(&mut image) else {
        return tones.try_for_each(|tone| tone.apply(image.reborrow()));
    };
    let table = tones.try_fold(Table::identity(), |all, tone| Ok(all.then(&tone.table()?)))?;
    table.apply_in_place(level, levels);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const ALL: [Tone; 8] = [
        Tone::Brightness(1.3),
        Tone::Contrast { factor: 0.6, pivot: 0.5 },
        Tone::Gamma(0.45),
        Tone::Gamma(0.0),
        Tone::Invert,
        Tone::Solarise(0.5),
        Tone::Posterise(3),
        Tone::Curve { low: 0.2, high: 0.8 },
    ];

    /// The words of the documentation in `f64`.
    fn exact(tone: Tone, v: f64) -> f64 {
        match tone {
            Tone::Brightness(f) => v * f64::from(f),
            Tone::Contrast { factor, pivot } => f64::from(pivot) + (v - f64::from(pivot)) * f64::from(factor),
            Tone::Gamma(g) => v.powf(f64::from(g)),
            Tone::Invert => 1.0 - v,
            Tone::Solarise(t) => {
                if v >= f64::from(t) {
                    1.0 - v
                } else {
                    v
                }
            }
            Tone::Posterise(bits) => f64::from((v * 255.0) as u32 >> (8 - bits) << (8 - bits)) / 255.0,
            Tone::Curve { low, high } => {
                3.0 * (1.0 - v).powi(2) * v * f64::from(low)
                    + 3.0 * (1.0 - v) * v * v * f64::from(high)
                    + v.powi(3)
            }
        }
        .clamp(0.0, 1.0)
    }

    #[test]
    fn tables_and_wider_values_follow_the_words() {
        for tone in ALL {
            let table = tone.table().unwrap();
            for v in 0..=255u8 {
                let want = exact(tone, f64::from(v) / 255.0) * 255.0;
                assert!((f64::from(table.get(v)) - want).abs() < 0.501, "{tone:?} {v}");
            }
            let mut words: Vec<u16> = (0..4096).map(|i| i * 16 + i / 256).collect();
            let before = words.clone();
            tone.apply(ImageMut::new(&mut words, 64, 64, 1).unwrap()).unwrap();
            for (&got, &v) in words.iter().zip(&before) {
                let want = exact(tone, f64::from(v) / 65535.0) * 65535.0;
                assert!((f64::from(got) - want).abs() < 0.6, "{tone:?} {v}: {got} {want}");
            }
            let mut floats: Vec<f32> = (0..256).map(|i| i as f32 / 255.0).collect();
            tone.apply(ImageMut::new(&mut floats, 16, 16, 1).unwrap()).unwrap();
            for (i, v) in floats.iter().enumerate() {
                assert!(
                    (f64::from(*v).clamp(0.0, 1.0) - exact(tone, i as f64 / 255.0)).abs() < 1e-5,
                    "{tone:?} {i}"
                );
            }
        }
    }

    #[test]
    fn tones_that_cannot_be_are_refused() {
        let wrong = [
            Tone::Brightness(-1.0),
            Tone::Gamma(f32::NAN),
            Tone::Contrast { factor: 1.0, pivot: f32::INFINITY },
            Tone::Posterise(0),
            Tone::Posterise(9),
            Tone::Solarise(f32::NAN),
        ];
        let mut values = [7u16; 4];
        for tone in wrong {
            assert_eq!(tone.table(), Err(Error::InvalidArgument));
            assert!(tone.apply(ImageMut::new(&mut values, 2, 2, 1).unwrap()).is_err());
        }
        assert_eq!(values, [7; 4]);
    }

    #[test]
    fn a_tone_that_cannot_be_is_refused_before_the_first_one_is_done() {
        fn refused<T: Sample>(value: T) {
            let mut values = [value; 4];
            let image = ImageMut::new(&mut values, 2, 2, 1).unwrap();
            let done = apply_tones(Level::BASE, [Tone::Invert, Tone::Posterise(0)], image);
            assert_eq!((done, values), (Err(Error::InvalidArgument), [value; 4]));
        }
        refused(7u8);
        refused(7u16);
        refused(0.25f32);
    }
}
