//! Other spaces of colours, and back.
//!
//! Each number of another space lies between 0 and 1, and is kept as a share of the largest value as red, green and blue are; but
//! a hue is a part of a turn, which is 256 levels, 65,536 of 16 bits, or 1. 8-bit values are computed in integers, but
//! for those of L\*a\*b\*, which are in `f32` as all else, in the order that is written here.

mod lab;
mod levels;
mod quick;
mod round;

pub(crate) use self::lab::{decode, encode, light_of};
pub(super) use self::levels::{into_levels, out_of_levels};

use super::super::channels::map_channels;
use super::*;

/// A space of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourSpace {
    /// Hue, saturation and value (Smith 1978). 8-bit values are near OpenCV's of `COLOR_RGB2HSV_FULL`.
    Hsv,
    /// Hue, lightness and saturation. 8-bit values are near OpenCV's of `COLOR_RGB2HLS_FULL`, which takes
    /// 255 for a turn here.
    Hls,
    /// CIE L\*a\*b\* of 1976 of sRGB, whose white is D65: L\* / 100, (a\* + 128) / 255 and (b\* + 128) / 255. 8-bit values are
    /// near OpenCV's of `COLOR_RGB2Lab`, whose constants are used.
    Lab,
    /// Luma and the differences of blue and red to it, by ITU-R BT.601 with the whole range as in JPEG, grey at 128 of 255.
    /// 8-bit values are near those of Pillow's mode `YCbCr`, which cuts fractions off.
    YCbCr,
}

/// The three numbers of a block's pixels.
type Numbers = [[f32; BLOCK]; 3];

/// Takes red, green and blue of `image` to another space, in place.
///
/// 8-bit values are within 0.51 of a level of the exact ones, and within one of the libraries that [`ColourSpace`] names.
///
/// # Errors
/// [`Error::ShapeMismatch`] where `image` has less than three channels.
pub fn rgb_to<T: Sample>(level: Level, space: ColourSpace, image: ImageMut<'_, T>) -> Result<()> {
    let channels = image.channels();
    each_row(image, |row| T::into_space(level, row, channels, space))
}

/// The opposite of [`rgb_to`]; colours that are none of sRGB are moved to its limits, but floats in [`ColourSpace::YCbCr`],
/// [`ColourSpace::Hsv`] and [`ColourSpace::Hls`] are not.
///
/// # Errors
/// As [`rgb_to`].
pub fn to_rgb<T: Sample>(level: Level, space: ColourSpace, image: ImageMut<'_, T>) -> Result<()> {
    let channels = image.channels();
    each_row(image, |row| T::out_of_space(level, row, channels, space))
}

/// Takes values of sRGB to shares of light (IEC 61966-2-1), in place: ((v + 0.055) / 1.055)^2.4, or v / 12.92 up to 0.04045.
/// Of four channels and more those after the third stay.
pub fn srgb_to_linear<T: Sample>(level: Level, image: ImageMut<'_, T>) {
    map_channels(level, image, |_, v| decode(v / T::LARGEST) * T::LARGEST);
}

/// The opposite of [`srgb_to_linear`]: 1.055 · v^(1 / 2.4) − 0.055, or 12.92 · v up to 0.0031308.
pub fn linear_to_srgb<T: Sample>(level: Level, image: ImageMut<'_, T>) {
    map_channels(level, image, |_, v| encode(v / T::LARGEST) * T::LARGEST);
}

#[inline(always)]
pub(super) fn into_body<T: Sample>(row: &mut [T], channels: usize, space: ColourSpace) {
    by_blocks(
        row,
        channels,
        #[inline(always)]
        |colours| {
            let mut numbers = [[0.0; BLOCK]; 3];
            match space {
                ColourSpace::Lab => lab::linear(colours, &mut numbers),
                _ => shares(colours, &mut numbers),
            }
            match space {
                ColourSpace::Hsv => round::to_hsv(&mut numbers),
                ColourSpace::Hls => round::to_hls(&mut numbers),
                ColourSpace::Lab => lab::to_lab::<T>(&mut numbers),
                ColourSpace::YCbCr => to_ycbcr(&mut numbers),
            }
            match space {
                ColourSpace::Hsv | ColourSpace::Hls => round::store(&numbers, colours),
                _ => store(&numbers, colours),
            }
        },
    );
}

#[inline(always)]
pub(super) fn out_of_body<T: Sample>(row: &mut [T], channels: usize, space: ColourSpace) {
    by_blocks(
        row,
        channels,
        #[inline(always)]
        |colours| {
            let mut numbers = [[0.0; BLOCK]; 3];
            shares(colours, &mut numbers);
            match space {
                ColourSpace::Hsv => round::of_hsv::<T>(&mut numbers),
                ColourSpace::Hls => round::of_hls::<T>(&mut numbers),
                ColourSpace::Lab => lab::of_lab::<T>(&mut numbers),
                ColourSpace::YCbCr => of_ycbcr(&mut numbers),
            }
            store(&numbers, colours);
        },
    );
}

#[inline(always)]
fn shares<T: Sample>(colours: &Colours<T>, numbers: &mut Numbers) {
    for (to, from) in numbers.iter_mut().zip(colours) {
        to.iter_mut().zip(from).for_each(|(to, v)| *to = v.to_f32() * (1.0 / T::LARGEST));
    }
}

#[inline(always)]
fn store<T: Sample>(numbers: &Numbers, colours: &mut Colours<T>) {
    for (to, from) in colours.iter_mut().zip(numbers) {
        to.iter_mut().zip(from).for_each(|(to, v)| *to = T::from_f32(v * T::LARGEST));
    }
}

/// Where grey lies in the differences.
const MIDDLE: f32 = 128.0 / 255.0;

#[inline(always)]
fn to_ycbcr([r, g, b]: &mut Numbers) {
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let y = *r * 0.299 + *g * 0.587 + *b * 0.114;
        // Half of the differences over what they are at most, 1 less the weight.
        let (blue, red) = ((*b - y) * (0.5 / 0.886), (*r - y) * (0.5 / 0.701));
        (*r, *g, *b) = (y, blue + MIDDLE, red + MIDDLE);
    }
}

#[inline(always)]
fn of_ycbcr([y, blue, red]: &mut Numbers) {
    for ((y, blue), red) in y.iter_mut().zip(blue).zip(red) {
        let (b, r) = ((*blue - MIDDLE) * 1.772, (*red - MIDDLE) * 1.402);
        let g = *y - (b * (0.114 / 0.587) + r * (0.299 / 0.587));
        (*y, *blue, *red) = (*y + r, g, *y + b);
    }
}

#[cfg(test)]
mod tests;
