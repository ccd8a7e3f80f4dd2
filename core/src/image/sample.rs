//! The elements that images may have.

use super::blur::Blur;
use super::colour::Colour;
use super::grey::Grey;
use super::mix::Mix;
use super::noise::Noisy;
use super::normalise::Numbers;
use super::warp::Bilinear;
use crate::math;
use core::fmt::Debug;

/// A value of an image: `u8`, `u16` or `f32`.
pub trait Sample: Debug + PartialEq + Bilinear + Blur + Colour + Grey + Mix + Noisy + Numbers {
    /// The value of white.
    const LARGEST: f32;

    /// The value as a number.
    fn to_f32(self) -> f32;

    /// The nearest value, halves upwards, moved into the range of the type; a float stays as it is.
    fn from_f32(value: f32) -> Self;
}

impl Sample for u8 {
    const LARGEST: f32 = 255.0;

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
    const LARGEST: f32 = 65535.0;

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self as f32
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        math::to_u16(value)
    }
}

impl Sample for f32 {
    const LARGEST: f32 = 1.0;

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }
}
