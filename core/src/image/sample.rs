//! The elements that images may have.

use super::warp::Bilinear;
use crate::math;

/// A value of an image: `u8`, `u16` or `f32`.
pub trait Sample: Bilinear {
    /// The value as a number.
    fn to_f32(self) -> f32;

    /// The nearest value, halves upwards, moved into the range of the type; a float stays as it is.
    fn from_f32(value: f32) -> Self;
}

impl Sample for u8 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self as f32
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        math::to_u8(value)
    }
}

impl Sample for u16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self as f32
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        // As `to_u8`: the cast cuts off, saturates, and takes NaN to 0.
        (value + 0.5) as u16
    }
}

impl Sample for f32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }
}
