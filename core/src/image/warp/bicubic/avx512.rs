//! Sixteen pixels at a time, by AVX-512.

use super::x86::four_pixels;
use super::{Each, Numbers, ROW_BITS, Source, Taps, WEIGHT_BITS, sixteens};
use crate::image::Border;
use crate::image::warp::lanes::store;
use crate::image::warp::places::Places;
use crate::scratch::{Plain, bytes};
use crate::simd::LANES;
use crate::simd::x86::{load64, store16};
use core::arch::x86_64::{
    __m512i, _mm512_add_epi8, _mm512_add_epi32, _mm512_castsi128_si512, _mm512_cvtusepi32_epi8,
    _mm512_inserti32x4, _mm512_madd_epi16, _mm512_mask_blend_epi16, _mm512_max_epi32, _mm512_packs_epi32,
    _mm512_packus_epi16, _mm512_permutexvar_epi32, _mm512_set1_epi16, _mm512_set1_epi32, _mm512_set4_epi32,
    _mm512_setr_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_slli_epi32, _mm512_srai_epi32,
};

/// The pixels of a block, of C channels, or of any number for C = 0.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) fn block<const C: usize>(
    places: &Places,
    quarters: u8,
    border: Border,
    src: Source<'_>,
    to: &mut [u8],
) {
    sixteens(places, quarters, border, src, to, |taps, to| {
        if C > 0 {
            store::<C>(to, pixels::<C>(taps));
        } else {
            taps.channels(to, |channel| one_channel(taps, channel));
        }
    });
}

impl Numbers<__m512i> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn new(taps: &Taps<'_>) -> Self {
        let Taps { across: [a, b], down: [c, d], beside, below, .. } = taps;
        Self { across: [all(a), all(b)], down: [all(c), all(d)], beside: all(beside), below: all(below) }
    }

    /// The numbers of these pixels.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn of(&self, pixels: __m512i) -> Self {
        let Self { across: [a, b], down: [c, d], beside, below } = *self;
        Self {
            across: [_mm512_permutexvar_epi32(pixels, a), _mm512_permutexvar_epi32(pixels, b)],
            down: [_mm512_permutexvar_epi32(pixels, c), _mm512_permutexvar_epi32(pixels, d)],
            beside: _mm512_permutexvar_epi32(pixels, beside),
            below: _mm512_permutexvar_epi32(pixels, below),
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn all<T: Plain>(of: &Each<T>) -> __m512i {
    match bytes(of).first_chunk() {
        Some(all) => load64(all),
        None => _mm512_setzero_si512(),
    }
}

/// The sums of four values in each of four rows, `pairs` being how they lie: the first two and the last two.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn sums(rows: [__m512i; 4], pairs: [__m512i; 2], numbers: &Numbers<__m512i>) -> __m512i {
    let Numbers { across, down, beside, below } = *numbers;
    let mut sums = rows;
    for sum in &mut sums {
        let left = _mm512_madd_epi16(_mm512_shuffle_epi8(*sum, pairs[0]), across[0]);
        let right = _mm512_madd_epi16(_mm512_shuffle_epi8(*sum, pairs[1]), across[1]);
        *sum = _mm512_add_epi32(_mm512_add_epi32(left, right), beside);
    }
    let [a, b, c, d] = sums;
    let upper = _mm512_madd_epi16(side_by_side(a, b), down[0]);
    let lower = _mm512_madd_epi16(side_by_side(c, d), down[1]);
    let total = _mm512_add_epi32(_mm512_add_epi32(upper, lower), below);
    _mm512_srai_epi32::<{ WEIGHT_BITS + ROW_BITS }>(total)
}

/// The sums of two rows, with the bits that they are rounded to, in the halves of words.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn side_by_side(upper: __m512i, lower: __m512i) -> __m512i {
    const BITS: u32 = WEIGHT_BITS - ROW_BITS;
    let (upper, lower) = (_mm512_srai_epi32::<BITS>(upper), _mm512_slli_epi32::<{ 16 - BITS }>(lower));
    _mm512_mask_blend_epi16(0xaaaa_aaaa, upper, lower)
}

/// One channel of the pixels, each in a lane.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn one_channel(taps: &Taps<'_>, channel: usize) -> Each<u8> {
    let left = _mm512_set4_epi32(
        0x800d_800c_u32 as i32,
        0x8009_8008_u32 as i32,
        0x8005_8004_u32 as i32,
        0x8001_8000_u32 as i32,
    );
    let pairs = [left, _mm512_add_epi8(left, _mm512_set1_epi16(2))];
    let mut rows = [left; 4];
    for (k, row) in rows.iter_mut().enumerate() {
        *row = all(&taps.fours(k, channel));
    }
    let sums = sums(rows, pairs, &Numbers::new(taps));
    let mut values = [0; LANES];
    store16(&mut values, _mm512_cvtusepi32_epi8(_mm512_max_epi32(sums, _mm512_setzero_si512())));
    values
}

/// Pixels of three or four channels, each in four bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn pixels<const C: usize>(taps: &Taps<'_>) -> __m512i {
    // Of four pixels, one in each quarter: their four channels in two columns each.
    let (n, base) = (C as i32, 0x8000_8000_u32 as i32);
    let channel = |i: i32| base + i + ((n + i) << 16);
    let left = _mm512_set4_epi32(channel(3), channel(2), channel(1), channel(0));
    let pairs = [left, _mm512_add_epi8(left, _mm512_set1_epi16(2 * C as i16))];
    let numbers = Numbers::new(taps);
    let first = _mm512_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
    let mut settled = [first; 4];
    for (i, settled) in settled.iter_mut().enumerate() {
        let mut rows = [first; 4];
        for (k, row) in rows.iter_mut().enumerate() {
            let quarter = _mm512_castsi128_si512(four_pixels(taps, k, i));
            let half = _mm512_inserti32x4::<1>(quarter, four_pixels(taps, k, i + 4));
            let most = _mm512_inserti32x4::<2>(half, four_pixels(taps, k, i + 8));
            *row = _mm512_inserti32x4::<3>(most, four_pixels(taps, k, i + 12));
        }
        let pixels = _mm512_add_epi32(first, _mm512_set1_epi32(i as i32));
        *settled = sums(rows, pairs, &numbers.of(pixels));
    }
    let [a, b, c, d] = settled;
    _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d))
}
