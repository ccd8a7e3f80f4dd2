//! Eight pixels at a time, by AVX2.

use super::{Each, Numbers, ROW_BITS, Source, Taps, WEIGHT_BITS, sixteens};
use crate::image::warp::places::Places;
use crate::image::{Border, copy_values};
use crate::scratch::{Plain, bytes};
use crate::simd::LANES;
use crate::simd::x86::{load32, store16};
use core::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm_packus_epi16, _mm_setr_epi8, _mm_shuffle_epi8, _mm256_add_epi8,
    _mm256_add_epi32, _mm256_blend_epi16, _mm256_blend_epi32, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_packs_epi32, _mm256_packus_epi16,
    _mm256_permute4x64_epi64, _mm256_set_m128i, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srai_epi32,
};

/// The pixels of a block, of C channels, or of any number for C = 0.
#[target_feature(enable = "avx2,fma")]
pub(super) fn block<const C: usize>(
    places: &Places,
    quarters: u8,
    border: Border,
    src: Source<'_>,
    to: &mut [u8],
) {
    sixteens(places, quarters, border, src, to, |taps, to| {
        if C > 0 {
            pixels::<C>(taps, to);
        } else {
            taps.channels(to, |channel| one_channel(taps, channel));
        }
    });
}

/// The sums of four values in each of four rows, `pairs` being how they lie: the first two and the last two.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sums(rows: [__m256i; 4], pairs: [__m256i; 2], numbers: &Numbers<__m256i>) -> __m256i {
    let Numbers { across, down, beside, below } = *numbers;
    let mut sums = rows;
    for sum in &mut sums {
        let left = _mm256_madd_epi16(_mm256_shuffle_epi8(*sum, pairs[0]), across[0]);
        let right = _mm256_madd_epi16(_mm256_shuffle_epi8(*sum, pairs[1]), across[1]);
        *sum = _mm256_add_epi32(_mm256_add_epi32(left, right), beside);
    }
    let [a, b, c, d] = sums;
    let upper = _mm256_madd_epi16(side_by_side(a, b), down[0]);
    let lower = _mm256_madd_epi16(side_by_side(c, d), down[1]);
    let total = _mm256_add_epi32(_mm256_add_epi32(upper, lower), below);
    _mm256_srai_epi32::<{ (WEIGHT_BITS + ROW_BITS) as i32 }>(total)
}

/// The sums of two rows, with the bits that they are rounded to, in the halves of words.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn side_by_side(upper: __m256i, lower: __m256i) -> __m256i {
    const BITS: i32 = (WEIGHT_BITS - ROW_BITS) as i32;
    let (upper, lower) = (_mm256_srai_epi32::<BITS>(upper), _mm256_slli_epi32::<{ 16 - BITS }>(lower));
    _mm256_blend_epi16::<0xaa>(upper, lower)
}

/// One channel of sixteen pixels, each in a lane.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn one_channel(taps: &Taps<'_>, channel: usize) -> Each<u8> {
    #[rustfmt::skip]
    let left = _mm256_setr_epi8(
        0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1,
        0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1,
    );
    let pairs = [left, _mm256_add_epi8(left, _mm256_set1_epi16(2))];
    let mut fours = [[0; LANES]; 4];
    for (k, fours) in fours.iter_mut().enumerate() {
        *fours = taps.fours(k, channel);
    }
    let mut settled = [_mm256_setzero_si256(); 2];
    for (n, settled) in settled.iter_mut().enumerate() {
        let mut rows = [*settled; 4];
        for (row, fours) in rows.iter_mut().zip(&fours) {
            *row = eight(fours, n);
        }
        let numbers = Numbers {
            across: [eight(&taps.across[0], n), eight(&taps.across[1], n)],
            down: [eight(&taps.down[0], n), eight(&taps.down[1], n)],
            beside: eight(&taps.beside, n),
            below: eight(&taps.below, n),
        };
        *settled = sums(rows, pairs, &numbers);
    }
    let words = _mm256_permute4x64_epi64::<0xd8>(_mm256_packs_epi32(settled[0], settled[1]));
    let mut values = [0; LANES];
    store16(
        &mut values,
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words)),
    );
    values
}

/// The first or the last eight numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn eight<T: Plain>(of: &Each<T>, n: usize) -> __m256i {
    match bytes(of).as_chunks().0.get(n) {
        Some(eight) => load32(eight),
        None => _mm256_setzero_si256(),
    }
}

/// Sixteen pixels of three or four channels.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn pixels<const C: usize>(taps: &Taps<'_>, to: &mut [u8]) {
    let close = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    // With what the last store writes after them.
    let mut all = [0; 4 * LANES];
    for n in 0..2 {
        let eight = eight_pixels::<C>(taps, 8 * n);
        let fours = [_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight)];
        for (m, four) in fours.into_iter().enumerate() {
            if let Some(to) = all.get_mut((2 * n + m) * 4 * C..).and_then(|to| to.first_chunk_mut()) {
                store16(to, if C == 3 { _mm_shuffle_epi8(four, close) } else { four });
            }
        }
    }
    copy_values(to, &all);
}

/// The eight pixels from `first` on, each in four bytes.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn eight_pixels<const C: usize>(taps: &Taps<'_>, first: usize) -> __m256i {
    // Of two pixels, one in each half: their four channels in two columns each.
    let n = C as i8;
    #[rustfmt::skip]
    let left = _mm256_setr_epi8(
        0, -1, n, -1, 1, -1, n + 1, -1, 2, -1, n + 2, -1, 3, -1, n + 3, -1,
        0, -1, n, -1, 1, -1, n + 1, -1, 2, -1, n + 2, -1, 3, -1, n + 3, -1,
    );
    let pairs = [left, _mm256_add_epi8(left, _mm256_set1_epi16(2 * C as i16))];
    let mut settled = [_mm256_setzero_si256(); 4];
    for (i, settled) in settled.iter_mut().enumerate() {
        let low = first + i;
        let mut rows = [*settled; 4];
        for (k, row) in rows.iter_mut().enumerate() {
            *row = _mm256_set_m128i(four_pixels(taps, k, low + 4), four_pixels(taps, k, low));
        }
        let numbers = Numbers {
            across: [both(&taps.across[0], low), both(&taps.across[1], low)],
            down: [both(&taps.down[0], low), both(&taps.down[1], low)],
            beside: both(&taps.beside, low),
            below: both(&taps.below, low),
        };
        *settled = sums(rows, pairs, &numbers);
    }
    let [a, b, c, d] = settled;
    _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d))
}

/// The numbers of pixel `i` and of the fourth after it, each in all lanes of a half.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn both(of: &Each<i32>, i: usize) -> __m256i {
    _mm256_blend_epi32::<0xf0>(_mm256_set1_epi32(of[i]), _mm256_set1_epi32(of[i + 4]))
}

/// The four pixels of row `k` of pixel `i`, and what follows them.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code)]
pub(super) fn four_pixels(taps: &Taps<'_>, k: usize, i: usize) -> __m128i {
    let from = taps.src.data().as_ptr().wrapping_add(taps.rows[k][i] as usize);
    // SAFETY: `Taps::new`, which alone makes them, leaves no row nearer to the end of the data than `WHOLE` bytes, of which
    // `Source::new` found as many.
    unsafe { _mm_loadu_si128(from.cast()) }
}
