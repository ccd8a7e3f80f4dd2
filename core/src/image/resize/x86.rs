//! Both passes of a resize by sums of products of 16-bit pairs.

use super::blocks::{Blocks, LOW_BITS, parts};
use super::{HALF, Ring, weigh_rows_body};
use crate::image::filter::WEIGHT_BITS;
use crate::scratch::bytes;
use crate::simd::x86::{load32, load64, store32, store64};
use core::arch::x86_64::{
    __m256i, __m512i, _mm_loadu_si128, _mm_packus_epi16, _mm_storeu_si128, _mm256_add_epi32,
    _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_packs_epi32,
    _mm256_packus_epi16, _mm256_set_m128i, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_slli_epi32, _mm256_srai_epi32, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8, _mm512_add_epi32,
    _mm512_cvtusepi32_epi8, _mm512_dpwssd_epi32, _mm512_loadu_si512, _mm512_madd_epi16,
    _mm512_maskz_permutexvar_epi8, _mm512_max_epi32, _mm512_packs_epi32, _mm512_packus_epi16,
    _mm512_set1_epi32, _mm512_setzero_si512, _mm512_slli_epi32, _mm512_srai_epi32, _mm512_unpackhi_epi8,
    _mm512_unpacklo_epi8,
};

/// The upper parts of two weights side by side in 32 bits, and the lower ones.
fn pair(weights: &[i32]) -> [i32; 2] {
    let [first, second] = [0, 1].map(|i| parts(weights.get(i).copied().unwrap_or(0)));
    let both = |a: i16, b: i16| a as u16 as i32 | (b as i32) << 16;
    [both(first[0], second[0]), both(first[1], second[1])]
}

macro_rules! rows {
    ($name:ident $n:literal $features:literal $vector:ident $load:ident $store:ident $zero:ident $all:ident $low:ident
     $high:ident $madd:ident $add:ident $left:ident $right:ident $pack:ident $pack_bytes:ident) => {
        /// One row of the output from the rows `start..` of the ring.
        #[target_feature(enable = $features)]
        pub(super) fn $name(ring: &Ring<'_>, start: usize, weights: &[i32], to: &mut [u8]) {
            let zero = $zero();
            let (whole, rest) = to.as_chunks_mut::<$n>();
            let done = whole.len() * $n;
            for (i, to) in whole.iter_mut().enumerate() {
                let at = i * $n..(i + 1) * $n;
                let (mut upper, mut lower) = ([zero; 4], [$all(HALF); 4]);
                for (k, two) in weights.chunks(2).enumerate() {
                    let [above, below] = pair(two).map(|w| $all(w));
                    let row = |k: usize| ring.part(start + k, at.clone()).first_chunk::<$n>();
                    let Some(a) = row(2 * k) else { return };
                    // Where the weights are odd in number the last counts with a weight of zero beside it.
                    let b = if two.len() > 1 { row(2 * k + 1).unwrap_or(a) } else { a };
                    let (a, b) = ($load(a), $load(b));
                    let (front, back) = ($low(a, b), $high(a, b));
                    let words = [$low(front, zero), $high(front, zero), $low(back, zero), $high(back, zero)];
                    for ((upper, lower), words) in upper.iter_mut().zip(&mut lower).zip(words) {
                        *upper = $add(*upper, $madd(words, above));
                        *lower = $add(*lower, $madd(words, below));
                    }
                }
                let sum = |upper, lower| -> $vector { $right($add($left(upper), lower)) };
                let ([a, b, c, d], [e, f, g, h]) = (upper, lower);
                $store(to, $pack_bytes($pack(sum(a, e), sum(b, f)), $pack(sum(c, g), sum(d, h))));
            }
            weigh_rows_body(ring, start, weights, done, rest);
        }
    };
}

#[inline]
#[target_feature(enable = "avx2")]
fn left(v: __m256i) -> __m256i {
    _mm256_slli_epi32::<{ LOW_BITS as i32 }>(v)
}

#[inline]
#[target_feature(enable = "avx2")]
fn right(v: __m256i) -> __m256i {
    _mm256_srai_epi32::<{ WEIGHT_BITS as i32 }>(v)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn left_wide(v: __m512i) -> __m512i {
    _mm512_slli_epi32::<LOW_BITS>(v)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn right_wide(v: __m512i) -> __m512i {
    _mm512_srai_epi32::<WEIGHT_BITS>(v)
}

rows!(rows_by_32 32 "avx2,fma" __m256i load32 store32 _mm256_setzero_si256 _mm256_set1_epi32 _mm256_unpacklo_epi8
      _mm256_unpackhi_epi8 _mm256_madd_epi16 _mm256_add_epi32 left right _mm256_packs_epi32 _mm256_packus_epi16);
rows!(rows_by_64 64 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma" __m512i load64 store64 _mm512_setzero_si512
      _mm512_set1_epi32 _mm512_unpacklo_epi8 _mm512_unpackhi_epi8 _mm512_madd_epi16 _mm512_add_epi32 left_wide
      right_wide _mm512_packs_epi32 _mm512_packus_epi16);

/// A row of the picture between the passes; `from` and `to` are as long as the blocks reach.
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code)]
pub(super) fn columns_by_8(blocks: &Blocks<'_>, from: &[u8], to: &mut [u8]) {
    if from.len() < blocks.reach || to.len() < blocks.room {
        return;
    }
    let orders = blocks.orders.as_chunks::<32>().0;
    let weights = blocks.weights.chunks_exact((blocks.pairs * 32).max(1));
    let mut out = to.as_mut_ptr();
    for ((starts, order), weights) in blocks.starts.as_chunks::<2>().0.iter().zip(orders).zip(weights) {
        let order = load32(order);
        let (mut upper, mut lower) = (_mm256_setzero_si256(), _mm256_set1_epi32(HALF));
        let mut ahead = starts.map(|start| from.as_ptr().wrapping_add(start as usize));
        for parts in bytes(weights).as_chunks::<64>().0 {
            // SAFETY: no window begins behind the last one, which lies inside the row as far as its last pair of weights.
            let [first, second] = ahead.map(|at| unsafe { _mm_loadu_si128(at.cast()) });
            let words = _mm256_shuffle_epi8(_mm256_set_m128i(second, first), order);
            if let [above, below] = parts.as_chunks::<32>().0 {
                upper = _mm256_add_epi32(upper, _mm256_madd_epi16(words, load32(above)));
                lower = _mm256_add_epi32(lower, _mm256_madd_epi16(words, load32(below)));
            }
            ahead = ahead.map(|at| at.wrapping_add(blocks.step));
        }
        let sum = right(_mm256_add_epi32(left(upper), lower));
        let both = _mm256_packs_epi32(sum, sum);
        for half in [_mm256_castsi256_si128(both), _mm256_extracti128_si256::<1>(both)] {
            let values = _mm_packus_epi16(half, half);
            // SAFETY: 16 bytes from where the last group begins are the room of the row.
            unsafe { _mm_storeu_si128(out.cast(), values) };
            out = out.wrapping_add(blocks.made);
        }
    }
}

/// As [`columns_by_8`], sixteen lanes at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma")]
#[allow(unsafe_code)]
pub(super) fn columns_by_16(blocks: &Blocks<'_>, from: &[u8], to: &mut [u8]) {
    if from.len() < blocks.reach || to.len() < blocks.room {
        return;
    }
    let orders = blocks.orders.as_chunks::<64>().0;
    let weights = blocks.weights.chunks_exact((blocks.pairs * 64).max(1));
    let mut out = to.as_mut_ptr();
    for ((start, order), weights) in blocks.starts.iter().zip(orders).zip(weights) {
        let order = load64(order);
        let (mut upper, mut lower) = (_mm512_setzero_si512(), _mm512_set1_epi32(HALF));
        let mut ahead = from.as_ptr().wrapping_add(*start as usize);
        for parts in bytes(weights).as_chunks::<128>().0 {
            // SAFETY: no window begins behind the last one, which lies inside the row as far as its last pair of weights.
            let window = unsafe { _mm512_loadu_si512(ahead.cast()) };
            // Two values of each lane, and a zero above each.
            let words = _mm512_maskz_permutexvar_epi8(0x5555_5555_5555_5555, order, window);
            if let [above, below] = parts.as_chunks::<64>().0 {
                upper = _mm512_dpwssd_epi32(upper, words, load64(above));
                lower = _mm512_dpwssd_epi32(lower, words, load64(below));
            }
            ahead = ahead.wrapping_add(blocks.step);
        }
        let sum = right_wide(_mm512_add_epi32(left_wide(upper), lower));
        let sum = _mm512_max_epi32(sum, _mm512_setzero_si512());
        let values = _mm512_cvtusepi32_epi8(sum);
        // SAFETY: 16 bytes from where the last block begins are the room of the row.
        unsafe { _mm_storeu_si128(out.cast(), values) };
        out = out.wrapping_add(blocks.made);
    }
}
