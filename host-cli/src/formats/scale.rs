//! How numbers become pixels.

use super::{Remarks, Shape};
use crate::codec::Pixels;
use crate::error::{Error, Result};

/// How values become 8-bit pixels: `v · 255 / max`, rounded to nearest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) max: f64,
}

impl Scale {
    /// The scale that the user gave, or one that fits values from `low` to `high`.
    pub(super) fn choose(given: Option<f64>, (low, high): (f64, f64), remarks: &mut Remarks) -> Result<Self> {
        if let Some(max) = given {
            return Ok(Self { max });
        }
        let max = if low < 0.0 || high > 255.0 {
            return Err(Error::failed(format!("values from {low} to {high} are no pixels"))
                .hint("say which value is white with --value-max; values below 0 are not pixels"));
        } else if high <= 1.0 {
            1.0
        } else {
            255.0
        };
        remarks.notes.push(format!("pixels run from {low} to {high}: {max} is taken as white (--value-max)"));
        if high < max / 2.0 {
            remarks.warnings.push(format!(
                "no pixel is above {high} and {max} is taken as white, so that the pictures come out dark: \
                 give the value that is white with --value-max (recipe key `value_max`)"
            ));
        }
        Ok(Self { max })
    }

    /// The pixel of a value, or `None` where the value is out of range or not a number.
    pub(super) fn pixel(self, value: f64) -> Option<u8> {
        (0.0..=self.max).contains(&value).then(|| (value * 255.0 / self.max).round() as u8)
    }

    /// The pixels of a row of values.
    pub(super) fn picture(self, values: impl Iterator<Item = f64>, shape: Shape) -> Result<Pixels> {
        let mut data = Vec::with_capacity(shape.values());
        for (at, value) in values.enumerate() {
            let pixel = self.pixel(value).ok_or_else(|| {
                Error::failed(format!("value {value} at position {at} is not from 0 to {}", self.max))
            })?;
            data.push(pixel);
        }
        Pixels::new(data, shape.height, shape.width, shape.channels)
    }
}
