//! Both passes of a blur by sums of products of 16-bit pairs, two weights at a time.

use super::{BITS, KEPT, Rows, Weights, across_base, down_base};
use crate::scratch::{bytes, bytes_mut};
use crate::simd::x86::{load16, load32, load64, store16, store32, store64};
use core::arch::x86_64::{
    __m256i, __m512i, _mm256_add_epi16, _mm256_add_epi32, _mm256_castsi256_si128, _mm256_cvtepu8_epi16,
    _mm256_madd_epi16, _mm256_packs_epi32, _mm256_packus_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_srai_epi32, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16, _mm512_add_epi16,
    _mm512_add_epi32, _mm512_cvtepu8_epi16, _mm512_cvtusepi16_epi8, _mm512_dpwssd_epi32, _mm512_madd_epi16,
    _mm512_packs_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_srai_epi32, _mm512_unpackhi_epi16,
    _mm512_unpacklo_epi16,
};

/// Registers that are summed side by side, so that a weight is fetched once for all of them.
const AT_ONCE: usize = 2;

/// Where each block of `n` values of `len` begins: the last one is moved back so as to end with the row.
fn blocks(n: usize, len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(n).map(move |at| at.min(len - n))
}

macro_rules! passes {
    ($down:ident $across:ident $features:literal $vector:ident $lanes:literal $wide:ident $load:ident $store:ident
     $zero:ident $all:ident $add:ident $dot:ident $low:ident $high:ident $pack:ident $shift:ident $put:ident) => {
        #[target_feature(enable = $features)]
        pub(super) fn $down(rows: Rows<'_, u8>, weights: Weights<'_, i16>, to: &mut [i16]) {
            const ALL: usize = $lanes * AT_ONCE;
            if to.len() < ALL {
                return down_base(rows, weights, to);
            }
            for at in blocks(ALL, to.len()) {
                let value = |i: usize| -> [$vector; AT_ONCE] {
                    let mut values = [$zero(); AT_ONCE];
                    if let Some(part) = rows.from(i, at).first_chunk::<ALL>() {
                        for (to, from) in values.iter_mut().zip(part.as_chunks::<$lanes>().0) {
                            *to = $wide(from);
                        }
                    }
                    values
                };
                // Both pixels at distance k; the middle counts once.
                let both = |k: usize| -> [$vector; AT_ONCE] {
                    if k == 0 {
                        return value(0);
                    }
                    let (mut a, b) = (value(2 * k - 1), value(2 * k));
                    for (a, b) in a.iter_mut().zip(b) {
                        *a = $add(*a, b);
                    }
                    a
                };
                let mut sums = [[$all(1 << (BITS - KEPT - 1)); 2]; AT_ONCE];
                for (k, &weight) in weights.pairs.iter().enumerate() {
                    // Past the last one there is a weight of zero, and no row.
                    let (first, second, weight) = (both(2 * k), both(2 * k + 1), $all(weight));
                    for (([low, high], a), b) in sums.iter_mut().zip(first).zip(second) {
                        *low = $dot(*low, $low(a, b), weight);
                        *high = $dot(*high, $high(a, b), weight);
                    }
                }
                let Some(to) = to.get_mut(at..).and_then(|to| to.first_chunk_mut::<ALL>()) else { return };
                for (to, [low, high]) in
                    bytes_mut(to).as_chunks_mut::<{ 2 * $lanes }>().0.iter_mut().zip(sums)
                {
                    let settle = $shift::<{ (BITS - KEPT) as _ }>;
                    $store(to, $pack(settle(low), settle(high)));
                }
            }
        }

        #[target_feature(enable = $features)]
        pub(super) fn $across(row: &[i16], channels: usize, weights: Weights<'_, i16>, to: &mut [u8]) {
            const ALL: usize = $lanes * AT_ONCE;
            if to.len() < ALL {
                return across_base(row, channels, weights, to);
            }
            let middle = weights.each.len().saturating_sub(1) * channels;
            for at in blocks(ALL, to.len()) {
                let value = |place: usize| -> [$vector; AT_ONCE] {
                    let mut values = [$zero(); AT_ONCE];
                    if let Some(part) = row.get(at + place..).and_then(|r| r.first_chunk::<ALL>()) {
                        for (to, from) in values.iter_mut().zip(bytes(part).as_chunks::<{ 2 * $lanes }>().0) {
                            *to = $load(from);
                        }
                    }
                    values
                };
                let both = |k: usize| -> [$vector; AT_ONCE] {
                    if k == 0 {
                        return value(middle);
                    }
                    if k == weights.each.len() {
                        return [$zero(); AT_ONCE];
                    }
                    let (mut a, b) = (value(middle - k * channels), value(middle + k * channels));
                    for (a, b) in a.iter_mut().zip(b) {
                        *a = $add(*a, b);
                    }
                    a
                };
                let mut sums = [[$all(1 << (BITS + KEPT - 1)); 2]; AT_ONCE];
                for (k, &weight) in weights.pairs.iter().enumerate() {
                    let (first, second, weight) = (both(2 * k), both(2 * k + 1), $all(weight));
                    for (([low, high], a), b) in sums.iter_mut().zip(first).zip(second) {
                        *low = $dot(*low, $low(a, b), weight);
                        *high = $dot(*high, $high(a, b), weight);
                    }
                }
                let Some(to) = to.get_mut(at..).and_then(|to| to.first_chunk_mut::<ALL>()) else { return };
                for (to, [low, high]) in to.as_chunks_mut::<$lanes>().0.iter_mut().zip(sums) {
                    let settle = $shift::<{ (BITS + KEPT) as _ }>;
                    $put(to, $pack(settle(low), settle(high)));
                }
            }
        }
    };
}

passes!(down_by_16 across_by_16 "avx2,fma" __m256i 16 widen_16 load32 store32 _mm256_setzero_si256 _mm256_set1_epi32
        _mm256_add_epi16 dot _mm256_unpacklo_epi16 _mm256_unpackhi_epi16 _mm256_packs_epi32 _mm256_srai_epi32 put_16);
passes!(down_by_32 across_by_32 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma" __m512i 32 widen_32 load64 store64
        _mm512_setzero_si512 _mm512_set1_epi32 _mm512_add_epi16 dot_wide _mm512_unpacklo_epi16
        _mm512_unpackhi_epi16 _mm512_packs_epi32 _mm512_srai_epi32 put_32);
passes!(down_by_32_fused across_by_32_fused "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma" __m512i
        32 widen_32 load64 store64 _mm512_setzero_si512 _mm512_set1_epi32 _mm512_add_epi16 _mm512_dpwssd_epi32
        _mm512_unpacklo_epi16 _mm512_unpackhi_epi16 _mm512_packs_epi32 _mm512_srai_epi32 put_32);

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
fn dot(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn dot_wide(sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi32(sum, _mm512_madd_epi16(a, b))
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
