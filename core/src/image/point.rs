//! Operations on one pixel at a time: look-up tables, grey, normalisation.

use super::same;
use crate::error::{Error, Result};
use crate::math;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// A map of 8-bit values: brightness, contrast, gamma and their compositions are all one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table([u8; 256]);

impl Default for Table {
    fn default() -> Self {
        Self::identity()
    }
}

impl Table {
    /// The map that changes nothing.
    pub fn identity() -> Self {
        Self::from_fn(|v| v)
    }

    /// The map v → round(f(v)), halves upwards, moved into 0..=255.
    fn from_fn(f: impl Fn(f32) -> f32) -> Self {
        let mut table = [0u8; 256];
        for (value, to) in table.iter_mut().enumerate() {
            *to = math::to_u8(f(value as f32));
        }
        Self(table)
    }

    /// v · factor: 0 is black, 1 changes nothing.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless 0 ≤ `factor` and it is finite.
    pub fn brightness(factor: f32) -> Result<Self> {
        at_least_zero(factor)?;
        Ok(Self::from_fn(|v| v * factor))
    }

    /// pivot + (v − pivot) · factor: 0 is plain `pivot`, 1 changes nothing. Pillow and torchvision take the
    /// picture's mean grey for the pivot; a middle grey of 127.5 keeps the map free of the picture.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless 0 ≤ `factor` and both are finite.
    pub fn contrast(factor: f32, pivot: f32) -> Result<Self> {
        at_least_zero(factor)?;
        if !pivot.is_finite() {
            return Err(Error::InvalidArgument);
        }
        Ok(Self::from_fn(|v| pivot + (v - pivot) * factor))
    }

    /// 255 · (v / 255)^gamma: below 1 is lighter, above 1 darker.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless 0 ≤ `gamma` and it is finite.
    pub fn gamma(gamma: f32) -> Result<Self> {
        at_least_zero(gamma)?;
        // 0 to a positive power is 0, which the logarithm of 0, −∞, does not tell `exp` for gamma = 0.
        Ok(Self::from_fn(|v| {
            if v == 0.0 && gamma > 0.0 {
                0.0
            } else if gamma == 0.0 {
                255.0
            } else {
                255.0 * math::exp(gamma * math::ln(v / 255.0))
            }
        }))
    }

    /// The map that does this one and then `next`.
    #[must_use]
    pub fn then(&self, next: &Table) -> Self {
        let mut table = *self;
        next.apply_slice(&mut table.0);
        table
    }

    /// What `value` becomes.
    #[inline(always)]
    pub const fn get(&self, value: u8) -> u8 {
        // A `u8` cannot leave 256 entries: no check remains.
        #[allow(clippy::indexing_slicing)]
        self.0[value as usize]
    }

    /// Maps every value of `src` into `dst`.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where the shapes differ.
    pub fn apply(&self, src: ImageRef<'_, u8>, mut dst: ImageMut<'_, u8>) -> Result<()> {
        same(src.shape(), dst.shape())?;
        for (to, from) in dst.iter_rows_mut().zip(src.iter_rows()) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = self.get(*from);
            }
        }
        Ok(())
    }

    /// Maps every value of `dst` in place.
    pub fn apply_in_place(&self, mut dst: ImageMut<'_, u8>) {
        for row in dst.iter_rows_mut() {
            self.apply_slice(row);
        }
    }

    fn apply_slice(&self, values: &mut [u8]) {
        for v in values {
            *v = self.get(*v);
        }
    }
}

fn at_least_zero(x: f32) -> Result<()> {
    if x >= 0.0 && x.is_finite() { Ok(()) } else { Err(Error::InvalidArgument) }
}

/// Grey of red, green, blue by ITU-R Rec. 601 in Pillow's integers, byte for byte:
/// (19595 R + 38470 G + 7471 B + 32768) / 65536. Channels after the third are left out.
///
/// # Errors
/// [`Error::ShapeMismatch`] unless `src` has three channels or more and `dst` one, of the same size.
pub fn rgb_to_grey(level: Level, src: ImageRef<'_, u8>, mut dst: ImageMut<'_, u8>) -> Result<()> {
    let (height, width, channels) = src.shape();
    same((height, width, 1), dst.shape())?;
    if channels < 3 {
        return Err(Error::ShapeMismatch);
    }
    for (to, from) in dst.iter_rows_mut().zip(src.iter_rows()) {
        match channels {
            3 => grey3(level, from, to),
            4 => grey4(level, from, to),
            n => {
                for (grey, pixel) in to.iter_mut().zip(from.chunks_exact(n.max(1))) {
                    if let [r, g, b, ..] = *pixel {
                        *grey = luma(r, g, b);
                    }
                }
            }
        }
    }
    Ok(())
}

kernel! {
    fn grey3(from: &[u8], to: &mut [u8]) = grey3_body;
}

kernel! {
    fn grey4(from: &[u8], to: &mut [u8]) = grey4_body;
}

#[inline(always)]
fn grey3_body(from: &[u8], to: &mut [u8]) {
    for (grey, &[r, g, b]) in to.iter_mut().zip(from.as_chunks().0) {
        *grey = luma(r, g, b);
    }
}

#[inline(always)]
fn grey4_body(from: &[u8], to: &mut [u8]) {
    for (grey, &[r, g, b, _]) in to.iter_mut().zip(from.as_chunks().0) {
        *grey = luma(r, g, b);
    }
}

#[inline(always)]
const fn luma(r: u8, g: u8, b: u8) -> u8 {
    // The weights add up to 65536, so the sum is below 2²⁴.
    ((r as u32 * 19595 + g as u32 * 38470 + b as u32 * 7471 + 32768) >> 16) as u8
}

/// The one channel of `src` into every channel of `dst`.
///
/// # Errors
/// [`Error::ShapeMismatch`] unless `src` has one channel and `dst` the same height and width.
pub fn grey_to_rgb<T: Copy>(src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
    let channels = dst.channels();
    same(src.shape(), (dst.height(), dst.width(), 1))?;
    for (to, from) in dst.iter_rows_mut().zip(src.iter_rows()) {
        for (pixel, value) in to.chunks_exact_mut(channels.max(1)).zip(from) {
            pixel.fill(*value);
        }
    }
    Ok(())
}

/// (v / 255 − mean\[c\]) / std\[c\] of each value, in this order of `f32` operations: the value times
/// 1 / (255 · std\[c\]), then minus mean\[c\] / std\[c\].
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ or `mean` and `std` do not have one value for each channel,
/// [`Error::InvalidArgument`] unless all means are finite and all deviations finite, positive, and not so small
/// that a result is infinite.
pub fn normalise(
    level: Level,
    src: ImageRef<'_, u8>,
    mut dst: ImageMut<'_, f32>,
    mean: &[f32],
    std: &[f32],
) -> Result<()> {
    same(src.shape(), dst.shape())?;
    let channels = src.channels();
    same((mean.len(), std.len()), (channels, channels))?;
    let usable = |(m, s): (&f32, &f32)| *s > 0.0 && s.is_finite() && (1.0 / s + math::abs(m / s)).is_finite();
    if !mean.iter().zip(std).all(usable) {
        return Err(Error::InvalidArgument);
    }
    for (to, from) in dst.iter_rows_mut().zip(src.iter_rows()) {
        match (mean, std) {
            ([m], [s]) => normalise1(level, from, to, (1.0 / (255.0 * s), m / s)),
            ([m0, m1, m2], [s0, s1, s2]) => {
                let scale = [s0, s1, s2].map(|s| 1.0 / (255.0 * s));
                normalise3(level, from, to, scale, [m0 / s0, m1 / s1, m2 / s2]);
            }
            _ => normalise_any(from, to, mean, std),
        }
    }
    Ok(())
}

kernel! {
    fn normalise1(from: &[u8], to: &mut [f32], scale_shift: (f32, f32)) = normalise1_body;
}

kernel! {
    fn normalise3(from: &[u8], to: &mut [f32], scale: [f32; 3], shift: [f32; 3]) = normalise3_body;
}

#[inline(always)]
fn normalise1_body(from: &[u8], to: &mut [f32], (scale, shift): (f32, f32)) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from as f32 * scale - shift;
    }
}

#[inline(always)]
fn normalise3_body(from: &[u8], to: &mut [f32], [s0, s1, s2]: [f32; 3], [t0, t1, t2]: [f32; 3]) {
    for (to, &[r, g, b]) in to.as_chunks_mut().0.iter_mut().zip(from.as_chunks().0) {
        *to = [r as f32 * s0 - t0, g as f32 * s1 - t1, b as f32 * s2 - t2];
    }
}

fn normalise_any(from: &[u8], to: &mut [f32], mean: &[f32], std: &[f32]) {
    let n = mean.len().max(1);
    for (to, from) in to.chunks_exact_mut(n).zip(from.chunks_exact(n)) {
        for ((to, from), (m, s)) in to.iter_mut().zip(from).zip(mean.iter().zip(std)) {
            *to = *from as f32 * (1.0 / (255.0 * s)) - m / s;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, images};
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// `Image.convert("L")` of Pillow 13.0 on the 4 × 4 × 3 test picture.
    #[test]
    fn grey_is_that_of_pillow() {
        let src = Owned::pattern(4, 4, 3);
        let mut out = Owned::new((4, 4, 1));
        for level in Level::available() {
            rgb_to_grey(level, src.view(), out.view_mut()).unwrap();
            assert_eq!(out.data, [58, 69, 80, 91, 95, 107, 119, 131, 132, 145, 158, 171, 169, 154, 168, 182]);
        }
        let two = Owned::new((4, 4, 2));
        assert_eq!(rgb_to_grey(Level::BASE, two.view(), out.view_mut()), Err(Error::ShapeMismatch));
    }

    #[test]
    fn tables_do_what_their_formulas_say() {
        let bright = Table::brightness(1.5).unwrap();
        assert_eq!([0, 1, 3, 100, 170, 255].map(|v| bright.get(v)), [0, 2, 5, 150, 255, 255]);
        let flat = Table::contrast(0.5, 127.5).unwrap();
        assert_eq!([0, 127, 128, 255].map(|v| flat.get(v)), [64, 127, 128, 191]);
        for gamma in [0.4f32, 1.0, 2.2] {
            let table = Table::gamma(gamma).unwrap();
            for v in 0..=255u8 {
                let exact = 255.0 * (v as f64 / 255.0).powf(gamma as f64);
                assert!((table.get(v) as f64 - exact).abs() < 0.501, "{gamma} {v}");
            }
        }
        assert_eq!(Table::gamma(0.0).unwrap().get(0), 255);
        assert_eq!(bright.then(&flat).get(100), flat.get(150));
        assert!((0..=255).all(|v| Table::identity().get(v) == v));
        for bad in [-0.1, f32::NAN, f32::INFINITY] {
            assert!(Table::brightness(bad).is_err() && Table::contrast(bad, 0.0).is_err());
            assert!(Table::gamma(bad).is_err());
        }
    }

    fn normalised(level: Level, src: &Owned, mean: &[f32], std: &[f32]) -> Vec<f32> {
        let (h, w, c) = src.shape;
        let mut out = vec![0f32; h * w * c];
        normalise(level, src.view(), ImageMut::new(&mut out, h, w, c).unwrap(), mean, std).unwrap();
        out
    }

    proptest! {
        #[test]
        fn normalising_follows_its_formula_with_the_same_bits_at_every_level(src in images()) {
            let mean: Vec<f32> = (0..src.shape.2).map(|c| 0.3 + 0.1 * c as f32).collect();
            let std: Vec<f32> = (0..src.shape.2).map(|c| 0.2 + 0.05 * c as f32).collect();
            let want = normalised(Level::BASE, &src, &mean, &std);
            for (i, v) in want.iter().enumerate() {
                let c = i % src.shape.2;
                let exact = (src.data[i] as f64 / 255.0 - mean[c] as f64) / std[c] as f64;
                prop_assert!((*v as f64 - exact).abs() < 2e-6);
            }
            for level in Level::available() {
                let got = normalised(level, &src, &mean, &std);
                prop_assert!(got.iter().zip(&want).all(|(g, w)| g.to_bits() == w.to_bits()));
            }
        }

        #[test]
        fn grey_has_the_same_bytes_at_every_level_and_survives_a_round_trip(src in images()) {
            let (h, w, c) = src.shape;
            let mut want = Owned::new((h, w, 1));
            if c >= 3 {
                rgb_to_grey(Level::BASE, src.view(), want.view_mut()).unwrap();
                for level in Level::available() {
                    let mut got = Owned::new((h, w, 1));
                    rgb_to_grey(level, src.view(), got.view_mut()).unwrap();
                    prop_assert_eq!(&got, &want);
                }
            }
            let mut wide = Owned::new((h, w, 3));
            grey_to_rgb(want.view(), wide.view_mut()).unwrap();
            let mut back = Owned::new((h, w, 1));
            rgb_to_grey(Level::detect(), wide.view(), back.view_mut()).unwrap();
            prop_assert_eq!(&back, &want);
        }
    }

    #[test]
    fn statistics_that_cannot_be_are_refused() {
        let src = Owned::pattern(2, 2, 1);
        let mut out = [7f32; 4];
        let mut run = |mean: &[f32], std: &[f32]| {
            normalise(Level::BASE, src.view(), ImageMut::new(&mut out, 2, 2, 1).unwrap(), mean, std)
        };
        assert_eq!(run(&[0.0], &[0.0]), Err(Error::InvalidArgument));
        assert_eq!(run(&[f32::NAN], &[1.0]), Err(Error::InvalidArgument));
        assert_eq!(run(&[0.5], &[1e-41]), Err(Error::InvalidArgument));
        assert_eq!(run(&[0.0, 0.0], &[1.0]), Err(Error::ShapeMismatch));
        assert_eq!(out, [7.0; 4]);
    }
}
