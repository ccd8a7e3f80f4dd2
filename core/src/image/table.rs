//! Maps of 8-bit values as tables.

use super::{same, spans};
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
    pub(super) fn from_fn(f: impl Fn(f32) -> f32) -> Self {
        let mut table = [0u8; 256];
        for (value, to) in table.iter_mut().enumerate() {
            *to = math::to_u8(f(value as f32));
        }
        Self(table)
    }

    /// The map to these levels, one for each of 0 to 255.
    pub(super) const fn of(levels: [u8; 256]) -> Self {
        Self(levels)
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
        Self(self.0.map(|value| next.get(value)))
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
    pub fn apply(&self, level: Level, src: ImageRef<'_, u8>, dst: ImageMut<'_, u8>) -> Result<()> {
        same(src.shape(), dst.shape())?;
        spans(src, dst, |from, to| look_up(level, &self.0, from, to));
        Ok(())
    }

    /// Maps these values in place.
    pub(super) fn apply_to(&self, level: Level, values: &mut [u8]) {
        look_up_in_place(level, &self.0, values);
    }

    /// Maps every value of `dst` in place.
    pub fn apply_in_place(&self, level: Level, mut dst: ImageMut<'_, u8>) {
        if dst.as_ref().is_dense() {
            return look_up_in_place(level, &self.0, dst.data_mut());
        }
        for row in dst.iter_rows_mut() {
            look_up_in_place(level, &self.0, row);
        }
    }
}

/// Maps the values of the first three channels of `image`, each by its table; others stay.
pub(super) fn apply_by_channel(level: Level, tables: &[Table; 3], mut image: ImageMut<'_, u8>) {
    let channels = image.channels();
    let [first, second, third] = tables;
    if channels <= 1 || first == second && second == third && channels <= 3 {
        return first.apply_in_place(level, image);
    }
    if image.as_ref().is_dense() {
        return look_up_each(level, tables, channels, image.data_mut());
    }
    for row in image.iter_rows_mut() {
        look_up_each(level, tables, channels, row);
    }
}

fn at_least_zero(x: f32) -> Result<()> {
    if x >= 0.0 && x.is_finite() { Ok(()) } else { Err(Error::InvalidArgument) }
}

/// Whether [`look_up`] takes many values at a time.
pub(super) fn look_up_is_fast(level: Level) -> bool {
    #[cfg(target_arch = "x86_64")]
    return level.0 >= crate::simd::Isa::Avx512Vbmi;
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = level;
        false
    }
}

dispatch! {
    /// Maps values into as many others.
    pub(super) fn look_up(table: &[u8; 256], from: &[u8], to: &mut [u8]) {
        base: base, Avx512Vbmi: x86::whole,
    }
}

dispatch! {
    fn look_up_in_place(table: &[u8; 256], values: &mut [u8]) {
        base: base_in_place, Avx512Vbmi: x86::whole_in_place,
    }
}

dispatch! {
    fn look_up_each(tables: &[Table; 3], channels: usize, values: &mut [u8]) {
        base: base_each, Avx512Vbmi: x86::whole_each,
    }
}

fn base(table: &[u8; 256], from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = Table(*table).get(*from);
    }
}

fn base_in_place(table: &[u8; 256], values: &mut [u8]) {
    for v in values {
        *v = Table(*table).get(*v);
    }
}

/// Whole pixels.
fn base_each(tables: &[Table; 3], channels: usize, values: &mut [u8]) {
    let [first, second, third] = tables;
    let three = |r: &mut u8, g: &mut u8, b: &mut u8| {
        (*r, *g, *b) = (first.get(*r), second.get(*g), third.get(*b));
    };
    match channels {
        2 => {
            for [a, b] in values.as_chunks_mut::<2>().0 {
                (*a, *b) = (first.get(*a), second.get(*b));
            }
        }
        3 => values.as_chunks_mut::<3>().0.iter_mut().for_each(|[r, g, b]| three(r, g, b)),
        4 => values.as_chunks_mut::<4>().0.iter_mut().for_each(|[r, g, b, _]| three(r, g, b)),
        n => {
            for pixel in values.chunks_exact_mut(n.max(1)) {
                if let [r, g, b, ..] = pixel {
                    three(r, g, b);
                }
            }
        }
    }
}

/// The whole table in four registers. AVX2 has shuffles of 16 entries only, of which it would take sixteen: no faster
/// than the plain body.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Table, base, base_each, base_in_place};
    use crate::simd::x86::{load64, store64};
    use core::arch::x86_64::{
        __m512i, _mm512_mask_blend_epi8, _mm512_movepi8_mask, _mm512_permutex2var_epi8,
    };

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,fma")]
    pub(super) fn whole(table: &[u8; 256], from: &[u8], to: &mut [u8]) {
        let parts = quarters(table);
        let (from, from_rest) = from.as_chunks::<64>();
        let (to, to_rest) = to.as_chunks_mut::<64>();
        for (to, from) in to.iter_mut().zip(from) {
            store64(to, look_up(&parts, load64(from)));
        }
        base(table, from_rest, to_rest);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,fma")]
    pub(super) fn whole_in_place(table: &[u8; 256], values: &mut [u8]) {
        let parts = quarters(table);
        let (values, rest) = values.as_chunks_mut::<64>();
        for v in values {
            let found = look_up(&parts, load64(v));
            store64(v, found);
        }
        base_in_place(table, rest);
    }

    /// Bytes after which the channels of 2, 3 and 4 lie the same way in registers again.
    const PERIOD: usize = 192;

    /// The bytes of each of three registers that belong to a channel of so many.
    const fn places(channels: usize, channel: usize) -> [u64; 3] {
        let mut masks = [0; 3];
        let mut at = channel;
        while at < PERIOD {
            #[allow(clippy::indexing_slicing)]
            {
                masks[at / 64] |= 1 << (at % 64);
            }
            at += channels;
        }
        masks
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,fma")]
    pub(super) fn whole_each(tables: &[Table; 3], channels: usize, values: &mut [u8]) {
        match channels {
            2 => channels_of::<2>(tables, values),
            3 => channels_of::<3>(tables, values),
            4 => channels_of::<4>(tables, values),
            _ => base_each(tables, channels, values),
        }
    }

    /// All values are looked up in the table of each channel, which the bytes of the channel take.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,fma")]
    fn channels_of<const C: usize>(tables: &[Table; 3], values: &mut [u8]) {
        let [first, second, third] = tables;
        let (a, b, c) = (quarters(&first.0), quarters(&second.0), quarters(&third.0));
        let (whole, rest) = values.as_chunks_mut::<PERIOD>();
        for part in whole {
            let masks = const { (places(C, 0), places(C, 1), places(C, 2)) };
            let masks = masks.0.iter().zip(&masks.1).zip(&masks.2);
            for (part, ((of_a, of_b), of_c)) in part.as_chunks_mut::<64>().0.iter_mut().zip(masks) {
                let old = load64(part);
                let mut new = _mm512_mask_blend_epi8(*of_a, old, look_up(&a, old));
                new = _mm512_mask_blend_epi8(*of_b, new, look_up(&b, old));
                if C > 2 {
                    new = _mm512_mask_blend_epi8(*of_c, new, look_up(&c, old));
                }
                store64(part, new);
            }
        }
        base_each(tables, C, rest);
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn quarters(table: &[u8; 256]) -> [__m512i; 4] {
        let mut parts = [load64(&[0; 64]); 4];
        for (part, from) in parts.iter_mut().zip(table.as_chunks::<64>().0) {
            *part = load64(from);
        }
        parts
    }

    /// Half a table is asked for the low seven bits of all values, the other half, too; the high bit chooses.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up([a, b, c, d]: &[__m512i; 4], values: __m512i) -> __m512i {
        let low = _mm512_permutex2var_epi8(*a, values, *b);
        let high = _mm512_permutex2var_epi8(*c, values, *d);
        _mm512_mask_blend_epi8(_mm512_movepi8_mask(values), low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, images, same_at_every_level};
    use super::*;
    use proptest::prelude::*;

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

    #[test]
    fn same_bytes_at_every_level() {
        let table = Table::gamma(0.7).unwrap();
        same_at_every_level(|level, src| {
            let (mut out, mut here) = (Owned::new(src.shape), src.clone());
            table.apply(level, src.view(), out.view_mut()).unwrap();
            table.apply_in_place(level, here.view_mut());
            assert!(out == here);
            out
        });
    }

    #[test]
    fn each_of_the_first_three_channels_has_its_table() {
        let tables = [0.5, 0.8, 1.7].map(|gamma| Table::gamma(gamma).unwrap());
        same_at_every_level(|level, src| {
            let mut out = src.clone();
            apply_by_channel(level, &tables, out.view_mut());
            let channels = src.shape.2;
            for (i, (new, &old)) in out.data.iter().zip(&src.data).enumerate() {
                assert_eq!(*new, tables.get(i % channels).map_or(old, |table| table.get(old)));
            }
            out
        });
    }

    proptest! {
        #[test]
        fn every_level_looks_up_the_same(src in images(), gamma in 0.2f32..3.0) {
            let table = Table::gamma(gamma).unwrap();
            let want = src.data.iter().map(|&v| table.get(v)).collect::<std::vec::Vec<_>>();
            for level in Level::available() {
                let mut out = Owned::new(src.shape);
                table.apply(level, src.view(), out.view_mut()).unwrap();
                prop_assert_eq!(&out.data, &want);
                let mut here = src.clone();
                table.apply_in_place(level, here.view_mut());
                prop_assert_eq!(&here.data, &want);
            }
        }
    }
}
