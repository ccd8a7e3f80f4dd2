//! The elements that images may have.

use super::alpha::Opacity;
use super::bilateral::Bilateral;
use super::blur::Blur;
use super::colour::Colour;
use super::convolve::Convolve;
use super::extremes::Extremes;
use super::grey::Grey;
use super::jpeg::Jpeg;
use super::median::Ordered;
use super::mix::Mix;
use super::noise::Noisy;
use super::normalise::Numbers;
use super::sharpen::Sharpen;
use super::veil::Veiled;
use super::views::Views;
use super::warp::Sampled;
use crate::math;
use crate::scratch::{bytes, bytes_mut};
use crate::view::{ImageMut, ImageRef};
use core::fmt::Debug;

/// A value of an image: `u8`, `u16` or `f32`.
pub trait Sample:
    Debug
    + PartialEq
    + Bilateral
    + Blur
    + Colour
    + Convolve
    + Extremes
    + Grey
    + Jpeg
    + Mix
    + Noisy
    + Numbers
    + Ordered
    + Sampled
    + Sharpen
    + Veiled
    + Opacity
    + Views
{
    /// The value of white.
    const LARGEST: f32;

    /// The value as a number.
    fn to_f32(self) -> f32;

    /// The nearest value, halves upwards, moved into the range of the type; a float stays as it is.
    fn from_f32(value: f32) -> Self;

    /// An 8-bit level as the same share of the largest value: exact, but for the rounding of a float.
    #[inline(always)]
    fn of_level(level: u8) -> Self {
        Self::from_f32(f32::from(level) / 255.0 * Self::LARGEST)
    }
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

/// An image of 8-bit values, where it is one.
pub(super) fn levels<T: Sample>(image: ImageRef<'_, T>) -> Option<ImageRef<'_, u8>> {
    let (height, width, channels) = image.shape();
    if size_of::<T>() != 1 {
        return None;
    }
    ImageRef::with_stride(bytes(image.as_mat().data()), height, width, channels, image.stride()).ok()
}

/// As [`levels`], to write.
pub(super) fn levels_mut<'a, T: Sample>(image: &'a mut ImageMut<'_, T>) -> Option<ImageMut<'a, u8>> {
    let (height, width, channels) = image.shape();
    if size_of::<T>() != 1 {
        return None;
    }
    let stride = image.stride();
    ImageMut::with_stride(bytes_mut(image.data_mut()), height, width, channels, stride).ok()
}
