//! Both passes of a resize by sums of products of 16-bit pairs, or of quads of bytes.

use super::bands::{BAND, Bands, WIDE};
use super::blocks::{Blocks, LOW_BITS, pair};
use super::{HALF, Ring, weigh_rows_body};
use crate::image::filter::{Taps, WEIGHT_BITS};
use crate::scratch::{bytes, bytes_mut};
use crate::simd::x86::{first, load_some, load32, load64, store_some, store32, store64};
use core::arch::x86_64::{
    __m256i, __m512i, _mm_loadu_si128, _mm_packus_epi16, _mm_setr_epi8, _mm_storeu_si128, _mm256_add_epi32,
    _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_packs_epi32,
    _mm256_packus_epi16, _mm256_set_m128i, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_slli_epi32, _mm256_srai_epi32, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8, _mm512_add_epi8,
    _mm512_add_epi32, _mm512_broadcast_i32x4, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_madd_epi16,
    _mm512_mask_mov_epi32, _mm512_mask_permutexvar_epi32, _mm512_mullo_epi32, _mm512_packs_epi32,
    _mm512_packus_epi16, _mm512_permutexvar_epi8, _mm512_permutexvar_epi32, _mm512_set1_epi8,
    _mm512_set1_epi32, _mm512_setr_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_slli_epi32,
    _mm512_srai_epi32, _mm512_storeu_si512, _mm512_unpackhi_epi8, _mm512_unpacklo_epi8, _mm512_xor_si512,
};

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
                    let [above, below] = pair(two).map(|w| $all(w as i32));
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
    let orders = bytes(blocks.orders).as_chunks::<32>().0;
    let weights = blocks.weights.chunks_exact((blocks.steps * 16).max(1));
    let mut out = to.as_mut_ptr();
    for ((starts, order), weights) in blocks.starts.as_chunks::<2>().0.iter().zip(orders).zip(weights) {
        let order = load32(order);
        let (mut upper, mut lower) = (_mm256_setzero_si256(), _mm256_set1_epi32(HALF));
        let mut ahead = starts.map(|start| from.as_ptr().wrapping_add(start as usize));
        for parts in bytes(weights).as_chunks::<64>().0 {
            // SAFETY: no window begins behind the last one, which lies inside the row as far as its last step.
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

/// The three digits of four weights for each lane, the highest first, or sums of products with each of them.
type Digits = [__m512i; 3];

/// Sums to begin with: all together one half of the last place that is kept.
#[inline]
#[target_feature(enable = "avx512f")]
fn no_sums() -> Digits {
    const { assert!(HALF % 65_536 == 0) };
    [_mm512_set1_epi32(HALF / 65_536), _mm512_setzero_si512(), _mm512_setzero_si512()]
}

/// Adds the products of four values in each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn add_quads([high, middle, low]: Digits, values: __m512i, [h, m, l]: Digits) -> Digits {
    [
        _mm512_dpbusd_epi32(high, values, h),
        _mm512_dpbusd_epi32(middle, values, m),
        _mm512_dpbusd_epi32(low, values, l),
    ]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn times_256(v: __m512i) -> __m512i {
    _mm512_slli_epi32::<8>(v)
}

/// The sums of the digits as one.
#[inline]
#[target_feature(enable = "avx512f")]
fn join([high, middle, low]: Digits) -> __m512i {
    _mm512_add_epi32(times_256(_mm512_add_epi32(times_256(high), middle)), low)
}

/// What [`join`] makes of sums that nothing follows, in fewer steps.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn sum_once(values: __m512i, [h, m, l]: Digits) -> __m512i {
    let [start, ..] = no_sums();
    let high = times_256(_mm512_dpbusd_epi32(start, values, h));
    _mm512_dpbusd_epi32(times_256(_mm512_dpbusd_epi32(high, values, m)), values, l)
}

/// Four vectors of sums as values: four of each vector beside four of the next, and so on.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn settle_four([a, b, c, d]: [__m512i; 4]) -> __m512i {
    let ab = _mm512_packs_epi32(right_wide(a), right_wide(b));
    _mm512_packus_epi16(ab, _mm512_packs_epi32(right_wide(c), right_wide(d)))
}

/// A band of the picture between the passes; `rows` and `to` are as long as the blocks reach.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma")]
#[allow(unsafe_code)]
pub(super) fn columns_by_16(blocks: &Blocks<'_>, rows: &[&[u8]; BAND], to: &mut [u8]) {
    if rows.iter().any(|row| row.len() < blocks.reach) || to.len() < blocks.room * BAND {
        return;
    }
    // The first values of all rows, then the second ones, and so on, out of four of each row after the other.
    let beside = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    let orders = bytes(blocks.orders).as_chunks::<64>().0;
    let weights = blocks.weights.chunks_exact((blocks.steps * 48).max(1));
    let mut out = to.as_mut_ptr();
    for ((start, order), weights) in blocks.starts.iter().zip(orders).zip(weights) {
        let order = load64(order);
        let mut ahead = rows.map(|row| row.as_ptr().wrapping_add(*start as usize));
        let (mut parts, mut sums) = ([no_sums(); BAND], [_mm512_setzero_si512(); BAND]);
        let steps = bytes(weights).as_chunks::<192>().0;
        for step in steps {
            let [h, m, l] = step.as_chunks().0 else { return };
            let digits = [load64(h), load64(m), load64(l)];
            for ((parts, sum), at) in parts.iter_mut().zip(&mut sums).zip(&mut ahead) {
                // SAFETY: no window begins behind the last one, which lies inside the row as far as its last step.
                let window = unsafe { _mm512_loadu_si512(at.cast()) };
                let values = _mm512_permutexvar_epi8(order, window);
                if steps.len() == 1 {
                    *sum = sum_once(values, digits);
                } else {
                    *parts = add_quads(*parts, values, digits);
                }
                *at = at.wrapping_add(blocks.step);
            }
        }
        if steps.len() != 1 {
            for (sum, parts) in sums.iter_mut().zip(parts) {
                *sum = join(parts);
            }
        }
        let values = _mm512_shuffle_epi8(settle_four(sums), beside);
        // SAFETY: the values of 16 lanes of a band from where the last block begins are the room of the row.
        unsafe { _mm512_storeu_si512(out.cast(), values) };
        out = out.wrapping_add(blocks.made * BAND);
    }
}

/// One row of the output from the bands `first..`, with the digits of the weights of each.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma")]
pub(super) fn bands_by_64(bands: &Bands<'_>, first: usize, digits: &[[u32; 3]], to: &mut [u8]) {
    // Packing leaves sixteen bytes of each vector four at a time beside those of the others.
    let in_order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    let everywhere = |[h, m, l]: [u32; 3]| {
        [_mm512_set1_epi32(h as i32), _mm512_set1_epi32(m as i32), _mm512_set1_epi32(l as i32)]
    };
    let first = bands.start(first);
    for (chunk, to) in to.chunks_mut(WIDE).enumerate() {
        let mut sums = [_mm512_setzero_si512(); BAND];
        if let [digits] = digits {
            let digits = everywhere(*digits);
            for (sum, values) in sums.iter_mut().zip(bands.part(first, chunk)) {
                *sum = sum_once(load64(values), digits);
            }
        } else {
            let (mut parts, mut start) = ([no_sums(); BAND], first);
            for digits in digits {
                let digits = everywhere(*digits);
                for (parts, values) in parts.iter_mut().zip(bands.part(start, chunk)) {
                    *parts = add_quads(*parts, load64(values), digits);
                }
                start = bands.next(start);
            }
            for (sum, parts) in sums.iter_mut().zip(parts) {
                *sum = join(parts);
            }
        }
        let values = _mm512_permutexvar_epi32(in_order, settle_four(sums));
        match to.as_mut_array() {
            Some(to) => store64(to, values),
            None => store_some(to, values),
        }
    }
}

/// The digits of 16 weights: of each four those of 65,536, of 256 and of 1 as [`quad`](super::blocks::quad) has them, and a
/// word without meaning. Weights that are not there are zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn digits(weights: &[i32]) -> __m512i {
    let bias = _mm512_set1_epi32(0x80_8080);
    let digits = _mm512_xor_si512(_mm512_add_epi32(load_some(bytes(weights)), bias), bias);
    let beside = _mm_setr_epi8(2, 6, 10, 14, 1, 5, 9, 13, 0, 4, 8, 12, 3, 7, 11, 15);
    _mm512_shuffle_epi8(digits, _mm512_broadcast_i32x4(beside))
}

/// Fills blocks of [`Layout::VBMI`](super::blocks::Layout::VBMI), each of which makes so many values.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma")]
pub(super) fn fill_quads(
    columns: &Taps<'_>,
    channels: usize,
    made: usize,
    starts: &mut [u32],
    orders: &mut [u32],
    weights: &mut [u32],
) {
    const STEP: usize = 3 * 64;
    let channels = channels.max(1);
    // The bytes of a lane, from its number on, each of the next source pixel.
    let pixels = u32::from_le_bytes([0, 1, 2, 3].map(|pixel| (pixel * channels) as u8));
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let lanes = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(0x0101_0101));
    let lanes = _mm512_add_epi8(lanes, _mm512_set1_epi32(pixels as i32));
    let block = weights.len().checked_div(starts.len()).unwrap_or(0) * size_of::<u32>();
    let blocks = bytes_mut(weights).chunks_exact_mut(block.max(1));
    let orders = bytes_mut(orders).as_chunks_mut::<64>().0;
    for (index, ((start, order), weights)) in starts.iter_mut().zip(orders).zip(blocks).enumerate() {
        // The first pixel of the block, and how many of its values are in the block before.
        let (pixel, before) = (index * made / channels, index * made % channels);
        let begin = columns.at(pixel).map_or(0, |(begin, _)| begin);
        *start = (begin * channels) as u32;
        for (k, weights) in weights.chunks_mut(4 * STEP).enumerate() {
            let mut words = [[_mm512_setzero_si512(); 3]; 4];
            let mut bytes = lanes;
            for i in 0..(before + made).div_ceil(channels) {
                let Some((at, taps)) = columns.at(pixel + i) else { break };
                let (from, to) = ((i * channels).saturating_sub(before), (i + 1) * channels - before);
                let own = (first(to.min(made)) & !first(from)) as u16;
                // Lane `i * channels - before` has the first byte of the pixel `at`.
                let ahead = ((at - begin) * channels + before).wrapping_sub(i * channels);
                bytes =
                    _mm512_mask_mov_epi32(bytes, own, _mm512_add_epi8(lanes, _mm512_set1_epi8(ahead as i8)));
                let digits = digits(taps.get(16 * k..).unwrap_or(&[]));
                for (four, words) in words.iter_mut().enumerate() {
                    for (part, word) in words.iter_mut().enumerate() {
                        let place = _mm512_set1_epi32((4 * four + part) as i32);
                        *word = _mm512_mask_permutexvar_epi32(*word, own, place, digits);
                    }
                }
            }
            for (to, words) in weights.as_chunks_mut::<STEP>().0.iter_mut().zip(words) {
                for (to, word) in to.as_chunks_mut().0.iter_mut().zip(words) {
                    store64(to, word);
                }
            }
            store64(order, bytes);
        }
    }
}
