//! The shape of a sample between two layers.

use crate::error::{Error, Result};

/// The shape of one sample between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Values per place.
    pub channels: usize,
}

impl Shape {
    /// `n` values without a place in a picture.
    pub const fn flat(n: usize) -> Self {
        Self { height: 1, width: 1, channels: n }
    }

    /// Rows × columns × channels.
    pub const fn image(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// Values of one sample.
    ///
    /// # Errors
    /// [`Error::Overflow`] where the product is not a `usize`.
    pub fn len(&self) -> Result<usize> {
        self.places()?.checked_mul(self.channels).ok_or(Error::Overflow)
    }

    /// Rows × columns.
    ///
    /// # Errors
    /// [`Error::Overflow`] where the product is not a `usize`.
    pub fn places(&self) -> Result<usize> {
        self.height.checked_mul(self.width).ok_or(Error::Overflow)
    }

    /// Whether a sample has no values.
    pub const fn is_empty(&self) -> bool {
        self.height == 0 || self.width == 0 || self.channels == 0
    }

    pub(super) const fn is_flat(&self) -> bool {
        self.height == 1 && self.width == 1
    }
}
