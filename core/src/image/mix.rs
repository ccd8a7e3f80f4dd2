//! Mixing two images.

use super::{Rect, Sample, copy, copy_values, same, spans};
use crate::error::{Error, Result};
use crate::scratch::Plain;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// The share of one as an integer.
const ONE: i32 = 1 << 15;

/// Mixes `src` into `dst`: dst + (src − dst) · `share`, rounded half up (MixUp, Zhang and others 2018). The share is
/// rounded to 2⁻¹⁵ for 8-bit values and to 2⁻²⁴ for 16-bit ones, and the rest exact; floats are not rounded.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ, [`Error::InvalidArgument`] unless 0 ≤ `share` ≤ 1.
pub fn mixup<T: Sample>(level: Level, src: ImageRef<'_, T>, dst: ImageMut<'_, T>, share: f32) -> Result<()> {
    same(src.shape(), dst.shape())?;
    if !(0.0..=1.0).contains(&share) {
        return Err(Error::InvalidArgument);
    }
    // The formula in `f32` does not give back `src` to the bit.
    if share == 1.0 {
        return copy(src, dst);
    }
    spans(src, dst, |from, to| T::mix(level, from, to, share));
    Ok(())
}

/// Puts `rect` of `src` in the same place of `dst` (CutMix, Yun and others 2019).
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ, [`Error::InvalidArgument`] where the rectangle reaches out of them.
pub fn cutmix<T: Copy>(src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>, rect: Rect) -> Result<()> {
    same(src.shape(), dst.shape())?;
    copy(rect.of(src)?, rect.of_mut(&mut dst)?)
}

/// Adds each value times `share` to the sum in its place, in `f32`.
pub(crate) fn add_weighted<T: Sample>(level: Level, src: ImageRef<'_, T>, share: f32, sums: &mut [f32]) {
    let row = (src.width() * src.channels()).max(1);
    for (sums, from) in sums.chunks_exact_mut(row).zip(src.iter_rows()) {
        T::add_scaled(level, from, sums, share);
    }
}

/// The values that these sums come to, rounded half up; floats are not rounded.
pub(crate) fn settle_weighted<T: Sample>(level: Level, sums: &[f32], mut dst: ImageMut<'_, T>) {
    let row = (dst.width() * dst.channels()).max(1);
    for (to, sums) in dst.iter_rows_mut().zip(sums.chunks_exact(row)) {
        T::of_sums(level, sums, to);
    }
}

/// Values that can be mixed, each kind in its own arithmetic.
pub trait Mix: Plain {
    /// Mixes `from` into `to`.
    fn mix(level: Level, from: &[Self], to: &mut [Self], share: f32);
    /// Adds `from` times `share`.
    fn add_scaled(level: Level, from: &[Self], sums: &mut [f32], share: f32);
    /// What the sums come to.
    fn of_sums(level: Level, sums: &[f32], to: &mut [Self]);
}

/// [`Mix::add_scaled`] and [`Mix::of_sums`] of a type.
macro_rules! weighed {
    ($t:ty) => {
        kernel! {
            fn add_scaled(from: &[$t], sums: &mut [f32], share: f32) = weigh_body;
        }
        kernel! {
            fn of_sums(sums: &[f32], to: &mut [$t]) = settle_body;
        }
    };
}

#[inline(always)]
fn weigh_body<T: Sample>(from: &[T], sums: &mut [f32], share: f32) {
    for (sum, from) in sums.iter_mut().zip(from) {
        *sum += from.to_f32() * share;
    }
}

#[inline(always)]
fn settle_body<T: Sample>(sums: &[f32], to: &mut [T]) {
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = T::from_f32(*sum);
    }
}

impl Mix for u8 {
    fn mix(level: Level, from: &[u8], to: &mut [u8], share: f32) {
        let share = (share * ONE as f32 + 0.5) as i32;
        if share == ONE { copy_values(to, from) } else { mix(level, from, to, share as i16) }
    }

    weighed! { u8 }
}

impl Mix for u16 {
    kernel! {
        fn mix(from: &[u16], to: &mut [u16], share: f32) = words;
    }
    weighed! { u16 }
}

#[inline(always)]
fn words(from: &[u16], to: &mut [u16], share: f32) {
    // Exact from a half on: an `f32` has 24 bits.
    let share = i64::from((share * 16_777_216.0 + 0.5) as i32);
    for (to, from) in to.iter_mut().zip(from) {
        let difference = i64::from(*from) - i64::from(*to);
        *to = (i64::from(*to) + ((difference * share + (1 << 23)) >> 24)) as u16;
    }
}

impl Mix for f32 {
    kernel! {
        fn mix(from: &[f32], to: &mut [f32], share: f32) = floats;
    }
    weighed! { f32 }
}

#[inline(always)]
fn floats(from: &[f32], to: &mut [f32], share: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += (*from - *to) * share;
    }
}

dispatch! {
    fn mix(from: &[u8], to: &mut [u8], share: i16) {
        base: base, Avx2: x86::by_32, Avx512: x86::by_64,
    }
}

fn base(from: &[u8], to: &mut [u8], share: i16) {
    for (to, from) in to.iter_mut().zip(from) {
        let difference = *from as i32 - *to as i32;
        // Between the two values, whatever the share.
        *to = (*to as i32 + ((difference * share as i32 + ONE / 2) >> 15)) as u8;
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::base;
    use crate::simd::x86::{load32, load64, store32, store64};
    use core::arch::x86_64::{
        _mm256_add_epi16, _mm256_mulhrs_epi16, _mm256_packus_epi16, _mm256_set1_epi16, _mm256_setzero_si256,
        _mm256_sub_epi16, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8, _mm512_add_epi16, _mm512_mulhrs_epi16,
        _mm512_packus_epi16, _mm512_set1_epi16, _mm512_setzero_si512, _mm512_sub_epi16, _mm512_unpackhi_epi8,
        _mm512_unpacklo_epi8,
    };

    macro_rules! body {
        ($name:ident $n:literal $features:literal $load:ident $store:ident $zero:ident $all:ident $low:ident $high:ident
         $sub:ident $scale:ident $add:ident $pack:ident) => {
            #[target_feature(enable = $features)]
            pub(super) fn $name(from: &[u8], to: &mut [u8], share: i16) {
                let (zero, all) = ($zero(), $all(share));
                let (from, from_rest) = from.as_chunks::<$n>();
                let (to, to_rest) = to.as_chunks_mut::<$n>();
                for (to, from) in to.iter_mut().zip(from) {
                    let (a, b) = ($load(to), $load(from));
                    let half = |a, b| $add(a, $scale($sub(b, a), all));
                    let low = half($low(a, zero), $low(b, zero));
                    let high = half($high(a, zero), $high(b, zero));
                    $store(to, $pack(low, high));
                }
                base(from_rest, to_rest, share);
            }
        };
    }

    body!(by_32 32 "avx2,fma" load32 store32 _mm256_setzero_si256 _mm256_set1_epi16 _mm256_unpacklo_epi8
          _mm256_unpackhi_epi8 _mm256_sub_epi16 _mm256_mulhrs_epi16 _mm256_add_epi16 _mm256_packus_epi16);
    body!(by_64 64 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma" load64 store64 _mm512_setzero_si512 _mm512_set1_epi16
          _mm512_unpacklo_epi8 _mm512_unpackhi_epi8 _mm512_sub_epi16 _mm512_mulhrs_epi16 _mm512_add_epi16
          _mm512_packus_epi16);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, images, same_at_every_level};
    use super::*;
    use proptest::prelude::*;

    fn mixed(level: Level, a: &Owned, b: &Owned, share: f32) -> Owned {
        let mut out = a.clone();
        mixup(level, b.view(), out.view_mut(), share).unwrap();
        out
    }

    proptest! {
        #[test]
        fn mixing_follows_its_formula_at_every_level(a in images(), share in 0f32..=1.0, turn: u8) {
            let data = a.data.iter().enumerate().map(|(i, v)| v.wrapping_mul(turn | 1).wrapping_add(i as u8));
            let b = Owned { data: data.collect(), shape: a.shape };
            let want = mixed(Level::BASE, &a, &b, share);
            for ((x, y), got) in a.data.iter().zip(&b.data).zip(&want.data) {
                let exact = *x as f64 + (*y as f64 - *x as f64) * share as f64;
                prop_assert!((*got as f64 - exact).abs() <= 0.5 + 255.0 / 65536.0);
            }
            for level in Level::available() {
                prop_assert_eq!(&mixed(level, &a, &b, share), &want);
            }
            prop_assert_eq!(&mixed(Level::detect(), &a, &b, 0.0), &a);
            prop_assert_eq!(&mixed(Level::detect(), &a, &b, 1.0), &b);
        }
    }

    #[test]
    fn same_bytes_at_every_level() {
        same_at_every_level(|level, src| mixed(level, src, &Owned::noise(src.shape, 3), 0.37));
    }

    #[test]
    fn a_rectangle_is_pasted_and_nothing_else() {
        let (a, b) = (Owned::new((4, 5, 2)), Owned::pattern(4, 5, 2));
        let mut out = a.clone();
        let rect = Rect { top: 1, left: 2, height: 2, width: 3 };
        cutmix(b.view(), out.view_mut(), rect).unwrap();
        for (i, v) in out.data.iter().enumerate() {
            let (y, x) = (i / 10, i / 2 % 5);
            assert_eq!(*v, if (1..3).contains(&y) && x >= 2 { b.data[i] } else { 0 });
        }
        let outside = Rect { left: 3, ..rect };
        assert_eq!(cutmix(b.view(), out.view_mut(), outside), Err(Error::InvalidArgument));
        for share in [-0.1, 1.1, f32::NAN] {
            assert_eq!(mixup(Level::BASE, b.view(), out.view_mut(), share), Err(Error::InvalidArgument));
        }
    }
}
