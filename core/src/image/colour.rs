//! Operations on the colours of pixels: red, green and blue are the first three channels, others stay as they are.

mod fancy;
mod fixed;
mod hue;
mod jitter;
mod planck;
mod space;

pub use self::fancy::fancy_pca;
pub(super) use self::fancy::mean_and_covariance;
pub use self::hue::{hsv_shift, hue};
pub use self::jitter::{Adjust, Jitter, grey_mean};
pub use self::planck::planckian_jitter;
pub use self::space::{ColourSpace, linear_to_srgb, rgb_to, srgb_to_linear, to_rgb};
pub(crate) use self::space::{decode, encode, light_of};

use self::fancy::Moments;
use self::fixed::Fixed;
use super::{Sample, Table};
use crate::error::{Error, Result};
use crate::math;
use crate::simd::Level;
use crate::view::ImageMut;

/// What red, green and blue weigh in a grey (ITU-R BT.601).
const GREY: [f32; 3] = [0.299, 0.587, 0.114];

/// A linear map of colours: each new channel is a weighted sum of red, green and blue and a share of the largest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColourMatrix {
    /// For each new channel the weights of red, green and blue, and what is added.
    pub rows: [[f32; 4]; 3],
}

impl ColourMatrix {
    /// The map that changes nothing.
    pub const IDENTITY: Self =
        Self { rows: [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]] };

    /// grey + (v − grey) · factor, with the grey of each pixel: 0 is grey, 1 changes nothing.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless 0 ≤ `factor` and it is finite.
    pub fn saturation(factor: f32) -> Result<Self> {
        if !(factor >= 0.0 && factor.is_finite()) {
            return Err(Error::InvalidArgument);
        }
        let mut rows = Self::IDENTITY.rows;
        for row in &mut rows {
            for (weight, grey) in row.iter_mut().zip(GREY) {
                *weight = *weight * factor + grey * (1.0 - factor);
            }
        }
        Ok(Self { rows })
    }

    /// The tones of old photographs, as far as `share` of the way (the matrix of Microsoft's guide to filters).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless 0 ≤ `share` ≤ 1.
    pub fn sepia(share: f32) -> Result<Self> {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::InvalidArgument);
        }
        let old = [[0.393, 0.769, 0.189, 0.0], [0.349, 0.686, 0.168, 0.0], [0.272, 0.534, 0.131, 0.0]];
        let mut rows = Self::IDENTITY.rows;
        for (to, from) in rows.as_flattened_mut().iter_mut().zip(old.as_flattened()) {
            *to += (from - *to) * share;
        }
        Ok(Self { rows })
    }

    /// The map that does this one and then `next`; what leaves the range of values between the two comes back, which it
    /// does not where they are done one after the other.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        Self {
            rows: next.rows.map(|[r, g, b, add]| {
                let mut row = [0.0, 0.0, 0.0, add];
                for (weights, by) in self.rows.iter().zip([r, g, b]) {
                    for (to, weight) in row.iter_mut().zip(weights) {
                        *to += weight * by;
                    }
                }
                row
            }),
        }
    }

    /// Maps the colours of `image` in place, in `f32`: ((r · weight + g · weight) + b · weight) + what is added.
    ///
    /// 8-bit values in integers, where all weights are below 2 and what is added below twice the largest level: the weights are
    /// rounded to 15 fractional bits, to 14 where they are not all below 1. So they are within 0.53 of a level.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `image` has less than three channels, [`Error::NotFinite`] for numbers that are not.
    pub fn apply<T: Sample>(&self, level: Level, image: ImageMut<'_, T>) -> Result<()> {
        if !self.rows.as_flattened().iter().all(|v| v.is_finite()) {
            return Err(Error::NotFinite);
        }
        let channels = image.channels();
        each_row(image, |row| T::with_matrix(level, row, channels, self))
    }
}

/// [`ColourMatrix::sepia`] of `image` in place; images of less than three channels, which have no colours, stay.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 0 ≤ `share` ≤ 1.
pub fn sepia<T: Sample>(level: Level, share: f32, image: ImageMut<'_, T>) -> Result<()> {
    let matrix = ColourMatrix::sepia(share)?;
    if image.channels() < 3 { Ok(()) } else { matrix.apply(level, image) }
}

/// Calls `change` with each row of an image of three channels or more, or with all of them at once where nothing is between them.
fn each_row<T: Sample>(mut image: ImageMut<'_, T>, mut change: impl FnMut(&mut [T])) -> Result<()> {
    if image.channels() < 3 {
        return Err(Error::ShapeMismatch);
    }
    if image.as_ref().is_dense() {
        change(image.data_mut());
        return Ok(());
    }
    image.iter_rows_mut().for_each(change);
    Ok(())
}

/// Colours side by side that are worked on at a time.
pub(super) const BLOCK: usize = 64;
/// Red, green and blue of a block, one after the other.
pub(super) type Colours<T> = [[T; BLOCK]; 3];

/// The colours of at most [`BLOCK`] pixels; those behind them are of no pixel.
#[inline(always)]
pub(super) fn spread<T: Sample>(pixels: &[T], channels: usize) -> Colours<T> {
    let mut colours = [[T::default(); BLOCK]; 3];
    spread_into(pixels, channels, &mut colours);
    colours
}

/// [`spread`] into colours that are there already.
#[inline(always)]
fn spread_into<T: Sample>(pixels: &[T], channels: usize, colours: &mut Colours<T>) {
    match pixels.as_array::<{ BLOCK * 3 }>().filter(|_| channels == 3) {
        // The usual whole block has strides and a length that the compiler knows.
        Some(whole) => spread_by(whole, 3, colours),
        None => spread_by(pixels, channels, colours),
    }
}

/// The opposite of [`spread`].
#[inline(always)]
pub(super) fn close<T: Sample>(colours: &Colours<T>, channels: usize, pixels: &mut [T]) {
    if channels == 3
        && let Some(whole) = pixels.as_mut_array::<{ BLOCK * 3 }>()
    {
        let [r, g, b] = colours;
        for (pixel, ((r, g), b)) in whole.as_chunks_mut::<3>().0.iter_mut().zip(r.iter().zip(g).zip(b)) {
            *pixel = [*r, *g, *b];
        }
        return;
    }
    close_by(colours, channels, pixels);
}

#[inline(always)]
fn spread_by<T: Sample>(pixels: &[T], channels: usize, [r, g, b]: &mut Colours<T>) {
    let colours = r.iter_mut().zip(g).zip(b);
    for (pixel, ((r, g), b)) in pixels.chunks_exact(channels.max(1)).zip(colours) {
        if let [red, green, blue, ..] = *pixel {
            (*r, *g, *b) = (red, green, blue);
        }
    }
}

#[inline(always)]
fn close_by<T: Sample>([r, g, b]: &Colours<T>, channels: usize, pixels: &mut [T]) {
    // Not zipped: to count the pixels ahead is a division, which keeps a path to a panic.
    let mut pixels = pixels.chunks_exact_mut(channels.max(1));
    for ((r, g), b) in r.iter().zip(g).zip(b) {
        if let Some([red, green, blue, ..]) = pixels.next() {
            (*red, *green, *blue) = (*r, *g, *b);
        }
    }
}

/// Blocks that are taken apart, changed and put together at a time: what was written in halves of a register is read as a whole
/// one later, when it has reached memory, and not at once, which processors wait for.
const BLOCKS: usize = 4;

/// Changes the colours of pixels block by block.
#[inline(always)]
pub(super) fn by_blocks<T: Sample>(row: &mut [T], channels: usize, change: impl Fn(&mut Colours<T>)) {
    let len = BLOCK.saturating_mul(channels).max(1);
    let mut blocks = [[[T::default(); BLOCK]; 3]; BLOCKS];
    for piece in row.chunks_mut(len.saturating_mul(BLOCKS)) {
        for (to, from) in blocks.iter_mut().zip(piece.chunks(len)) {
            spread_into(from, channels, to);
        }
        for (colours, _) in blocks.iter_mut().zip(piece.chunks(len)) {
            change(colours);
        }
        for (from, to) in blocks.iter().zip(piece.chunks_mut(len)) {
            close(from, channels, to);
        }
    }
}

/// Values whose colours can be changed, with the best code of a level for each kind.
pub trait Colour: Sized {
    /// [`ColourMatrix::apply`] to a row.
    fn with_matrix(level: Level, row: &mut [Self], channels: usize, matrix: &ColourMatrix);
    /// [`hsv_shift`] of a row.
    fn with_hsv(level: Level, row: &mut [Self], channels: usize, shift: [f32; 3]);
    /// [`hue`] of a row, by a part of a turn.
    fn with_hue(level: Level, row: &mut [Self], channels: usize, part: f32);
    /// [`Jitter::apply`] with factors that have been checked, of four steps at most.
    fn with_jitter(level: Level, image: ImageMut<'_, Self>, steps: &[Adjust]) -> Result<()>;
    /// The share of light that the value stands for in sRGB.
    fn light(self) -> f32;
    /// [`rgb_to`] of a row.
    fn into_space(level: Level, row: &mut [Self], channels: usize, space: ColourSpace);
    /// [`to_rgb`] of a row.
    fn out_of_space(level: Level, row: &mut [Self], channels: usize, space: ColourSpace);
    /// Adds the sums of a row's colours, and of their products, to sums.
    fn moments(level: Level, row: &[Self], channels: usize, sums: &mut Moments);
    /// The sums of the first three channels of a row, or of the first one where there are less.
    fn sums(level: Level, row: &[Self], channels: usize) -> [f64; 3];
}

impl Colour for u8 {
    fn with_matrix(level: Level, row: &mut [u8], channels: usize, matrix: &ColourMatrix) {
        kernel! {
            fn mapped(row: &mut [u8], channels: usize, matrix: &ColourMatrix) = mapped_body, with avx512;
        }
        match Fixed::of(matrix) {
            Some(fixed) => fixed.apply(level, row, channels),
            None => mapped(level, row, channels, matrix),
        }
    }

    kernel! {
        fn with_hsv(row: &mut [u8], channels: usize, shift: [f32; 3]) = hue::shifted_body, with avx512;
    }

    kernel! {
        fn with_hue(row: &mut [u8], channels: usize, part: f32) = hue::turned_fixed, with avx512;
    }

    #[inline(always)]
    fn light(self) -> f32 {
        light_of(self)
    }

    fn into_space(level: Level, row: &mut [u8], channels: usize, space: ColourSpace) {
        space::into_levels(level, row, channels, space);
    }

    fn out_of_space(level: Level, row: &mut [u8], channels: usize, space: ColourSpace) {
        space::out_of_levels(level, row, channels, space);
    }

    kernel! {
        fn moments(row: &[u8], channels: usize, sums: &mut Moments) = fancy::moments_body, with avx512;
    }

    fn with_jitter(level: Level, image: ImageMut<'_, u8>, steps: &[Adjust]) -> Result<()> {
        jitter::in_integers(level, image, steps)
    }

    fn sums(level: Level, row: &[u8], channels: usize) -> [f64; 3] {
        jitter::sums_of_bytes(level, row, channels)
    }
}

macro_rules! wider {
    ($($t:ident)*) => { $(
        impl Colour for $t {
            kernel! {
                fn with_matrix(row: &mut [$t], channels: usize, matrix: &ColourMatrix) = mapped_body, with avx512;
            }

            kernel! {
                fn with_hsv(row: &mut [$t], channels: usize, shift: [f32; 3]) = hue::shifted_body, with avx512;
            }

            kernel! {
                fn with_hue(row: &mut [$t], channels: usize, part: f32) = hue::turned_float, with avx512;
            }

            #[inline(always)]
            fn light(self) -> f32 {
                decode(self.to_f32() * (1.0 / Self::LARGEST))
            }

            kernel! {
                fn into_space(row: &mut [$t], channels: usize, space: ColourSpace) = space::into_body, with avx512;
            }

            kernel! {
                fn out_of_space(row: &mut [$t], channels: usize, space: ColourSpace) = space::out_of_body, with avx512;
            }

            kernel! {
                fn moments(row: &[$t], channels: usize, sums: &mut Moments) = fancy::moments_body, with avx512;
            }

            fn with_jitter(level: Level, image: ImageMut<'_, $t>, steps: &[Adjust]) -> Result<()> {
                kernel! {
                    fn stretched(row: &mut [$t], channels: usize, factor: f32, pivot: f32)
                        = jitter::stretched_body, with avx512;
                }
                jitter::one_by_one(level, image, steps, stretched)
            }

            kernel! {
                fn sums(row: &[$t], channels: usize) -> [f64; 3] = jitter::sums_body, with avx512;
            }
        }
    )* };
}
wider!(u16 f32);

#[inline(always)]
fn mapped_body<T: Sample>(row: &mut [T], channels: usize, matrix: &ColourMatrix) {
    by_blocks(
        row,
        channels,
        #[inline(always)]
        |colours| map(colours, matrix),
    );
}

#[inline(always)]
fn map<T: Sample>([r, g, b]: &mut Colours<T>, matrix: &ColourMatrix) {
    let [red, green, blue] = matrix.rows;
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let (x, y, z) = (r.to_f32(), g.to_f32(), b.to_f32());
        let sum = |[r, g, b, add]: [f32; 4]| T::from_f32(x * r + y * g + z * b + add * T::LARGEST);
        (*r, *g, *b) = (sum(red), sum(green), sum(blue));
    }
}

#[cfg(test)]
mod tests;
