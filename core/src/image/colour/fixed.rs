//! Linear maps of 8-bit colours in integers.

use super::*;

/// A [`ColourMatrix`] whose weights are 16-bit integers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixed {
    /// For each new channel the weights of red, green and blue, with `bits` fractional bits.
    pub weights: [[i16; 3]; 3],
    /// What is added, in levels with as many, without the half of rounding.
    pub add: [i32; 3],
    /// At most 15.
    pub bits: u32,
}

impl Fixed {
    /// The nearest one: with 15 fractional bits where all weights are rounded below 1, and 14 where below 2. None for larger
    /// ones, and where more is added than twice the largest level, so that no sum leaves 32 bits.
    pub fn of(matrix: &ColourMatrix) -> Option<Self> {
        let mut largest = 0.0;
        for [r, g, b, add] in matrix.rows {
            for weight in [r, g, b, add * 0.5] {
                largest = math::max(math::abs(weight), largest);
            }
        }
        let bits = match largest {
            // So that none is rounded to 2¹⁵, which sixteen bits cannot hold.
            _ if largest < 32_767.5 / 32_768.0 => 15,
            _ if largest < 32_767.5 / 16_384.0 => 14,
            _ => return None,
        };
        let scale = (1 << bits) as f32;
        let mut fixed = Self { weights: [[0; 3]; 3], add: [0; 3], bits };
        for ((to, add), row) in fixed.weights.iter_mut().zip(&mut fixed.add).zip(&matrix.rows) {
            let [.., share] = *row;
            *add = math::round_half_up(share * 255.0 * scale) as i32;
            for (to, weight) in to.iter_mut().zip(row) {
                *to = math::round_half_up(weight * scale) as i16;
            }
        }
        Some(fixed)
    }

    /// Maps the colours of a row.
    pub fn apply(&self, level: Level, row: &mut [u8], channels: usize) {
        let fixed = Self { add: self.rounded(), ..*self };
        if channels != 3 || !by_registers(level, row, &fixed) {
            by_lanes(level, row, channels, &fixed);
        }
    }

    /// What is added, and half a level for the rounding.
    fn rounded(&self) -> [i32; 3] {
        let half = 1 << self.bits.saturating_sub(1);
        let [red, green, blue] = self.add;
        [red.saturating_add(half), green.saturating_add(half), blue.saturating_add(half)]
    }
}

dispatch! {
    /// Whether a row of three channels has been mapped, as [`by_lanes`] does, which is for all levels.
    fn by_registers(row: &mut [u8], fixed: &Fixed) -> bool {
        base: not_by_registers, Avx512Vbmi: x86::by_16,
    }
}

fn not_by_registers(_: &mut [u8], _: &Fixed) -> bool {
    false
}

kernel! {
    fn by_lanes(row: &mut [u8], channels: usize, fixed: &Fixed) = by_lanes_body, with avx512;
}

#[inline(always)]
fn by_lanes_body(row: &mut [u8], channels: usize, fixed: &Fixed) {
    let ([red, green, blue], [more_red, more_green, more_blue]) = (fixed.weights, fixed.add);
    let bits = fixed.bits & 15;
    by_blocks(
        row,
        channels,
        #[inline(always)]
        |[r, g, b]| {
            for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
                let (x, y, z) = (i32::from(*r), i32::from(*g), i32::from(*b));
                let sum = |[r, g, b]: [i16; 3], add: i32| {
                    let sum = x * i32::from(r) + y * i32::from(g) + z * i32::from(b);
                    (sum.wrapping_add(add) >> bits).clamp(0, 255) as u8
                };
                (*r, *g, *b) = (sum(red, more_red), sum(green, more_green), sum(blue, more_blue));
            }
        },
    );
}

/// Sums of products of 16-bit pairs: red and green, blue and nothing.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Fixed;
    use crate::simd::x86::{load_some, load64, store_some, store16, store32};
    use core::arch::x86_64::{
        __m128i, __m512i, _mm_cvtsi32_si128, _mm512_castsi512_si256, _mm512_dpwssd_epi32,
        _mm512_extracti32x4_epi32, _mm512_maskz_permutexvar_epi8, _mm512_packs_epi32, _mm512_packus_epi16,
        _mm512_permutexvar_epi8, _mm512_set1_epi32, _mm512_sra_epi32,
    };

    use core::mem::take;

    /// Bytes of the pixels of a register of 32-bit sums.
    const PART: usize = 48;

    /// For each byte of sixteen pairs of 16-bit values the byte of pixels that it comes from; upper halves and what is not of
    /// a pair are taken for zeros by a mask.
    const RED_GREEN: [u8; 64] = pairs(0);
    const BLUE: [u8; 64] = pairs(2);

    const fn pairs(first: usize) -> [u8; 64] {
        let mut order = [0; 64];
        let mut pixel = 0;
        while pixel < 16 {
            #[allow(clippy::indexing_slicing)]
            {
                order[pixel * 4] = (pixel * 3 + first) as u8;
                order[pixel * 4 + 2] = (pixel * 3 + first + 1) as u8;
            }
            pixel += 1;
        }
        order
    }

    /// For each byte of pixels its place among four times four reds, four greens, and four blues twice.
    const TOGETHER: [u8; 64] = {
        let mut order = [0; 64];
        let mut at = 0;
        while at < PART {
            let (pixel, channel) = (at / 3, at % 3);
            #[allow(clippy::indexing_slicing)]
            {
                order[at] = (pixel / 4 * 16 + channel * 4 + pixel % 4) as u8;
            }
            at += 1;
        }
        order
    };

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma")]
    pub(super) fn by_16(row: &mut [u8], fixed: &Fixed) -> bool {
        let orders = [load64(&RED_GREEN), load64(&BLUE), load64(&TOGETHER)];
        let bits = _mm_cvtsi32_si128(fixed.bits as i32);
        let [red, green, blue] = fixed.weights;
        let [more_red, more_green, more_blue] = fixed.add;
        let sums = [weights(red, more_red), weights(green, more_green), weights(blue, more_blue)];
        let mut ahead = row;
        while let Some(bytes) = ahead.first_chunk() {
            let new = mapped(load64(bytes), &orders, &sums, bits);
            let Some((to, after)) = take(&mut ahead).split_first_chunk_mut() else { break };
            store48(to, new);
            ahead = after;
        }
        for part in ahead.chunks_mut(PART) {
            let new = mapped(load_some(part), &orders, &sums, bits);
            store_some(part, new);
        }
        true
    }

    /// The first bytes of a register. In two parts: what a mask leaves out is waited for by the load after it all the same.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store48(to: &mut [u8; PART], new: __m512i) {
        if let Some((low, high)) = to.split_first_chunk_mut() {
            store32(low, _mm512_castsi512_si256(new));
            if let Some(high) = high.first_chunk_mut() {
                store16(high, _mm512_extracti32x4_epi32::<2>(new));
            }
        }
    }

    /// The weights of red and green side by side, that of blue, and what is added, for every pixel.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn weights([r, g, b]: [i16; 3], add: i32) -> [__m512i; 3] {
        let pair = i32::from(r) & 0xffff | i32::from(g) << 16;
        [_mm512_set1_epi32(pair), _mm512_set1_epi32(i32::from(b) & 0xffff), _mm512_set1_epi32(add)]
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
    fn mapped(
        pixels: __m512i,
        [red_green, blue, together]: &[__m512i; 3],
        [to_red, to_green, to_blue]: &[[__m512i; 3]; 3],
        bits: __m128i,
    ) -> __m512i {
        let first = _mm512_maskz_permutexvar_epi8(0x5555_5555_5555_5555, *red_green, pixels);
        let last = _mm512_maskz_permutexvar_epi8(0x1111_1111_1111_1111, *blue, pixels);
        let sum = |[pair, one, add]: &[__m512i; 3]| {
            let sum = _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(*add, first, *pair), last, *one);
            _mm512_sra_epi32(sum, bits)
        };
        let (r, g, b) = (sum(to_red), sum(to_green), sum(to_blue));
        // Both ways of packing move what leaves the range to its limits.
        let all = _mm512_packus_epi16(_mm512_packs_epi32(r, g), _mm512_packs_epi32(b, b));
        _mm512_permutexvar_epi8(*together, all)
    }
}
