//! Sixteen pixels at a time, with places outside, by AVX-512.
#![allow(unsafe_code)]

use super::{BITS, Border, Point, ROUND, around};
use crate::image::copy_values;
use crate::image::warp::lanes::{Fixed, LANES, Sampler, Source, Walk, numbers, rows, store, times};
use crate::image::warp::places::Path;
use crate::simd::x86::{first, load64};
use crate::view::{ImageMut, ImageRef};
use core::arch::x86_64::{
    __m512i, _mm512_add_epi8, _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si256,
    _mm512_extracti64x4_epi64, _mm512_madd_epi16, _mm512_mask_blend_epi16, _mm512_mask_cmplt_epu32_mask,
    _mm512_mask_i32gather_epi32, _mm512_mask_i32gather_epi64, _mm512_mullo_epi32, _mm512_or_si512,
    _mm512_permutex2var_epi32, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_set4_epi32, _mm512_set4_epi64, _mm512_setr_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8,
    _mm512_slli_epi32, _mm512_srli_epi16, _mm512_srli_epi32, _mm512_sub_epi32, _mm512_ternarylogic_epi32,
};

/// Samples all of `dst`; false where nothing was done since vectors cannot.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) fn image(
    path: &Path<'_>,
    border: Border,
    src: ImageRef<'_, u8>,
    dst: &mut ImageMut<'_, u8>,
) -> bool {
    match src.channels() {
        1 => pixels::<1>(path, border, src, dst),
        3 => pixels::<3>(path, border, src, dst),
        4 => pixels::<4>(path, border, src, dst),
        _ => false,
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn pixels<const C: usize>(
    path: &Path<'_>,
    border: Border,
    src: ImageRef<'_, u8>,
    dst: &mut ImageMut<'_, u8>,
) -> bool {
    let Some(fours) = Fours::<C>::new(border, src) else {
        return false;
    };
    rows(path, ROUND, &fours, dst);
    true
}

/// The four pixels around each place, weighted.
struct Fours<'a, const C: usize> {
    border: Border,
    src: ImageRef<'a, u8>,
    source: Source<'a, u8>,
    /// A pixel of the constant.
    constant: __m512i,
    /// The last column and the last row but one. Of pixels before them eight bytes can be read, as of those a row below,
    /// after which there is a row more.
    last: [__m512i; 2],
}

impl<'a, const C: usize> Fours<'a, C> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn new(border: Border, src: ImageRef<'a, u8>) -> Option<Self> {
        let source = Source::new(border, src)?;
        let last = [src.width().saturating_sub(1), src.height().saturating_sub(2)];
        let last = last.map(|side| _mm512_set1_epi32(side as i32));
        let constant = _mm512_set1_epi8(border.constant().unwrap_or(0) as i8);
        Some(Self { border, src, source, constant, last })
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn pixels(&self, mut places: impl Walk, to: &mut [u8]) {
        for to in to.chunks_mut(LANES * C) {
            // SAFETY: this function has the features.
            let [x, y] = unsafe { places.next() };
            let lanes = first(to.len() / C) as u16;
            let at = _mm512_add_epi32(self.source.row(y.whole), times::<C>(x.whole));
            let [right, low] = self.last;
            let inside = _mm512_mask_cmplt_epu32_mask(lanes, x.whole, right);
            let inside = _mm512_mask_cmplt_epu32_mask(inside, y.whole, low);
            let pairs = if inside == lanes {
                // SAFETY: the lanes lie before the last column and the last row but one: see `last`.
                Some(unsafe { self.inside(at, lanes) })
            } else {
                self.outside([x, y], lanes)
            };
            let packed = match pairs {
                Some(pairs) => mix::<C>(pairs, [x, y]),
                None => self.one_by_one([x, y]),
            };
            store::<C>(to, packed);
        }
    }

    /// For the row above and the row below, channels 0 and 1 of each pixel and of the pixel to its right, and likewise
    /// channels 2 and 3.
    ///
    /// # Safety
    /// The pixels of `lanes`, which begin at `at`, lie inside, and so do the eight bytes from them, also in the row below.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    unsafe fn inside(&self, at: __m512i, lanes: u16) -> [[__m512i; 2]; 2] {
        let zero = _mm512_setzero_si512();
        let data = self.source.data.as_ptr();
        if C == 1 {
            let spread = _mm512_set4_epi32(
                0x800d_800c_u32 as i32,
                0x8009_8008_u32 as i32,
                0x8005_8004_u32 as i32,
                0x8001_8000_u32 as i32,
            );
            return [data, data.wrapping_add(self.src.stride())].map(|row| {
                // SAFETY: as promised.
                let four = unsafe { _mm512_mask_i32gather_epi32::<1>(zero, lanes, at, row.cast()) };
                [_mm512_shuffle_epi8(four, spread), zero]
            });
        }
        let order: i64 = if C == 3 { 0x8005_8002_0403_0100_u64 as i64 } else { 0x0706_0302_0504_0100 };
        let order = _mm512_add_epi8(
            _mm512_set1_epi64(order),
            _mm512_set4_epi64(0x0808_0808_0808_0808, 0, 0x0808_0808_0808_0808, 0),
        );
        let (low, high) = (_mm512_castsi512_si256(at), _mm512_extracti64x4_epi64::<1>(at));
        [data, data.wrapping_add(self.src.stride())].map(|row| {
            // SAFETY: as promised.
            let first = unsafe { _mm512_mask_i32gather_epi64::<1>(zero, lanes as u8, low, row.cast()) };
            // SAFETY: as promised.
            let second =
                unsafe { _mm512_mask_i32gather_epi64::<1>(zero, (lanes >> 8) as u8, high, row.cast()) };
            let (first, second) = (_mm512_shuffle_epi8(first, order), _mm512_shuffle_epi8(second, order));
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            [_mm512_permutex2var_epi32(first, even, second), _mm512_permutex2var_epi32(first, odd, second)]
        })
    }

    /// The same for pixels anywhere; `None` where some are further away than the border tells.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn outside(&self, [x, y]: [Fixed; 2], lanes: u16) -> Option<[[__m512i; 2]; 2]> {
        let one = _mm512_set1_epi32(1);
        let columns = [x.whole, _mm512_add_epi32(x.whole, one)].map(|x| self.source.columns.index(x));
        let rows = [y.whole, _mm512_add_epi32(y.whole, one)].map(|y| self.source.rows.index(y));
        let all = columns[0].1 & columns[1].1 & rows[0].1 & rows[1].1;
        if self.border.constant().is_none() && all & lanes != lanes {
            return None;
        }
        Some(rows.map(|(y, there)| {
            let row = self.source.row(y);
            let [left, right] = columns.map(|(x, here)| {
                self.source.four(_mm512_add_epi32(row, times::<C>(x)), there & here & lanes, self.constant)
            });
            let low = _mm512_mask_blend_epi16(0xaaaa_aaaa, left, _mm512_slli_epi32::<16>(right));
            let high = _mm512_mask_blend_epi16(0xaaaa_aaaa, _mm512_srli_epi32::<16>(left), right);
            [low, high]
        }))
    }

    /// The pixels by the plain arithmetic.
    #[cold]
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn one_by_one(&self, [x, y]: [Fixed; 2]) -> __m512i {
        let mut packed = [0u8; 4 * LANES];
        let [x, fx, y, fy] = [x.whole, x.fraction, y.whole, y.fraction].map(|v| numbers(v));
        let places = x.into_iter().zip(fx).zip(y.into_iter().zip(fy));
        for (to, ((x, fx), (y, fy))) in packed.as_chunks_mut::<4>().0.iter_mut().zip(places) {
            let (whole, part) = (|v: u32| i64::from(v as i32), |v: u32| v >> (32 - BITS));
            let point = Point { x: whole(x), y: whole(y), fx: part(fx), fy: part(fy) };
            copy_values(to, &around::<C>(&point, self.border, self.src));
        }
        load64(&packed)
    }
}

impl<const C: usize> Sampler<u8> for Fours<'_, C> {
    #[inline(always)]
    unsafe fn row(&self, places: impl Walk, to: &mut [u8]) {
        // SAFETY: as promised.
        unsafe { self.pixels(places, to) }
    }
}

/// The weighted pixels, four bytes each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn mix<const C: usize>([top, bottom]: [[__m512i; 2]; 2], [x, y]: [Fixed; 2]) -> __m512i {
    let [fx, fy] = [x, y].map(|of| _mm512_srli_epi32::<{ 32 - BITS }>(of.fraction));
    let own = _mm512_sub_epi32(_mm512_set1_epi32(1 << BITS), fx);
    let across = _mm512_or_si512(own, _mm512_slli_epi32::<16>(fx));
    // The weighted sums of one channel, with the half that rounds.
    let channel = |i: usize| {
        let sum = |row: &[__m512i; 2]| {
            let [low, high] = *row;
            let pair = if i < 2 { low } else { high };
            let pair = if i & 1 == 0 {
                _mm512_and_si512(pair, _mm512_set1_epi16(0xff))
            } else {
                _mm512_srli_epi16::<8>(pair)
            };
            _mm512_madd_epi16(pair, across)
        };
        let (top, bottom) = (sum(&top), sum(&bottom));
        let way = _mm512_mullo_epi32(_mm512_sub_epi32(bottom, top), fy);
        let half = _mm512_set1_epi32(1 << (2 * BITS - 1));
        _mm512_add_epi32(_mm512_add_epi32(_mm512_slli_epi32::<BITS>(top), half), way)
    };
    // a, or b where the mask has a 1: sums fill 30 bits.
    let mut packed = _mm512_srli_epi32::<{ 2 * BITS }>(channel(0));
    if C > 1 {
        let next = _mm512_srli_epi32::<{ 2 * BITS - 8 }>(channel(1));
        packed = _mm512_ternarylogic_epi32::<0xf8>(packed, next, _mm512_set1_epi32(0xff00));
        let next = _mm512_srli_epi32::<{ 2 * BITS - 16 }>(channel(2));
        packed = _mm512_ternarylogic_epi32::<0xf8>(packed, next, _mm512_set1_epi32(0xff_0000));
    }
    if C > 3 {
        let next = _mm512_slli_epi32::<{ 24 - 2 * BITS }>(channel(3));
        packed = _mm512_ternarylogic_epi32::<0xf8>(packed, next, _mm512_set1_epi32(0xff00_0000_u32 as i32));
    }
    packed
}
