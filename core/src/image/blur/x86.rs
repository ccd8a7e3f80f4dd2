//! Both passes of a blur by sums of products of 16-bit pairs, two weights at a time.

use super::{WIDE, rows_body};
use crate::scratch::{bytes, bytes_mut};
use crate::simd::x86::{load16, load32, load64, store16, store32, store64};
use core::arch::x86_64::{
    __m256i, __m512i, _mm256_add_epi16, _mm256_add_epi32, _mm256_castsi256_si128, _mm256_cvtepu8_epi16,
    _mm256_madd_epi16, _mm256_packs_epi32, _mm256_packus_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi32,
    _mm256_srai_epi32, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16, _mm512_add_epi16, _mm512_add_epi32,
    _mm512_cvtepu8_epi16, _mm512_cvtusepi16_epi8, _mm512_madd_epi16, _mm512_packs_epi32, _mm512_set1_epi32,
    _mm512_srai_epi32, _mm512_unpackhi_epi16, _mm512_unpacklo_epi16,
};

/// Two weights side by side in 32 bits; the second is 0 where there is none.
fn pair(weights: &[i16]) -> i32 {
    let [first, second] = [0, 1].map(|i| weights.get(i).copied().unwrap_or(0));
    first as u16 as i32 | (second as i32) << 16
}

macro_rules! passes {
    ($columns:ident $rows:ident $features:literal $vector:ident $lanes:literal $wide:ident $load:ident $store:ident
     $all:ident $add16:ident $add32:ident $madd:ident $low:ident $high:ident $pack:ident
     $nine:ident $twenty_one:ident $put:ident) => {
        #[target_feature(enable = $features)]
        pub(super) fn $columns(padded: &[u8], channels: usize, weights: &[i16], to: &mut [i16]) {
            let middle = weights.len().saturating_sub(1) * channels;
            let (whole, _) = bytes_mut(to).as_chunks_mut::<{ $lanes * 2 }>();
            for (i, to) in whole.iter_mut().enumerate() {
                let value = |at: usize| -> Option<$vector> {
                    Some($wide(padded.get(at + i * $lanes..)?.first_chunk()?))
                };
                // Both pixels at distance k; the middle counts once.
                let both = |k: usize| -> Option<$vector> {
                    let (a, b) = (middle.checked_sub(k * channels)?, middle + k * channels);
                    if k == 0 { value(a) } else { Some($add16(value(a)?, value(b)?)) }
                };
                let (mut low, mut high) = ($all(1 << 8), $all(1 << 8));
                for (k, two) in weights.chunks(2).enumerate() {
                    let Some(first) = both(2 * k) else { return };
                    let second = if two.len() > 1 { both(2 * k + 1).unwrap_or(first) } else { first };
                    let weight = $all(pair(two));
                    low = $add32(low, $madd($low(first, second), weight));
                    high = $add32(high, $madd($high(first, second), weight));
                }
                $store(to, $pack($nine(low), $nine(high)));
            }
        }

        #[target_feature(enable = $features)]
        pub(super) fn $rows(ring: &[i16], starts: &[usize], weights: &[i16], to: &mut [u8]) {
            let Some((&middle, sides)) = starts.split_first() else { return };
            let sides = sides.as_chunks::<2>().0;
            let ring_bytes = bytes(ring);
            let done = to.len() / WIDE * WIDE;
            let (whole, rest) = to.split_at_mut(done);
            for (i, to) in whole.as_chunks_mut::<$lanes>().0.iter_mut().enumerate() {
                let value = |start: usize| -> Option<$vector> {
                    Some($load(ring_bytes.get((start + i * $lanes) * 2..)?.first_chunk()?))
                };
                let both = |k: usize| -> Option<$vector> {
                    match k.checked_sub(1) {
                        None => value(middle),
                        Some(k) => {
                            let [above, below] = *sides.get(k)?;
                            Some($add16(value(above)?, value(below)?))
                        }
                    }
                };
                let (mut low, mut high) = ($all(1 << 20), $all(1 << 20));
                for (k, two) in weights.chunks(2).enumerate() {
                    let Some(first) = both(2 * k) else { return };
                    let second = if two.len() > 1 { both(2 * k + 1).unwrap_or(first) } else { first };
                    let weight = $all(pair(two));
                    low = $add32(low, $madd($low(first, second), weight));
                    high = $add32(high, $madd($high(first, second), weight));
                }
                $put(to, $pack($twenty_one(low), $twenty_one(high)));
            }
            rows_body(ring, starts, weights, done, rest);
        }
    };
}

passes!(columns_by_16 rows_by_16 "avx2,fma" __m256i 16 widen_16 load32 store32 _mm256_set1_epi32
        _mm256_add_epi16 _mm256_add_epi32 _mm256_madd_epi16 _mm256_unpacklo_epi16 _mm256_unpackhi_epi16
        _mm256_packs_epi32 nine twenty_one put_16);
passes!(columns_by_32 rows_by_32 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma" __m512i 32 widen_32 load64 store64
        _mm512_set1_epi32 _mm512_add_epi16 _mm512_add_epi32 _mm512_madd_epi16
        _mm512_unpacklo_epi16 _mm512_unpackhi_epi16 _mm512_packs_epi32 nine_wide twenty_one_wide put_32);

#[inline]
#[target_feature(enable = "avx2")]
fn widen_16(from: &[u8; 16]) -> __m256i {
    _mm256_cvtepu8_epi16(load16(from))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn widen_32(from: &[u8; 32]) -> __m512i {
    _mm512_cvtepu8_epi16(load32(from))
}

#[inline]
#[target_feature(enable = "avx2")]
fn nine(v: __m256i) -> __m256i {
    _mm256_srai_epi32::<9>(v)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn nine_wide(v: __m512i) -> __m512i {
    _mm512_srai_epi32::<9>(v)
}

#[inline]
#[target_feature(enable = "avx2")]
fn twenty_one(v: __m256i) -> __m256i {
    _mm256_srai_epi32::<21>(v)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn twenty_one_wide(v: __m512i) -> __m512i {
    _mm512_srai_epi32::<21>(v)
}

/// Sixteen words of 0 to 255 as bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn put_16(to: &mut [u8; 16], words: __m256i) {
    let packed = _mm256_permute4x64_epi64::<0xd8>(_mm256_packus_epi16(words, words));
    store16(to, _mm256_castsi256_si128(packed));
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn put_32(to: &mut [u8; 32], words: __m512i) {
    store32(to, _mm512_cvtusepi16_epi8(words));
}
