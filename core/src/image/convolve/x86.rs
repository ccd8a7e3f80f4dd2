//! Sums of products of 16-bit pairs.

use super::settle;
use crate::scratch::{bytes, bytes_mut};
use crate::simd::x86::{load32, load64, store32, store64};
use core::arch::x86_64::{
    __m256i, __m512i, _mm256_add_epi32, _mm256_madd_epi16, _mm256_set1_epi32, _mm256_setzero_si256,
    _mm512_add_epi32, _mm512_dpwssd_epi32, _mm512_madd_epi16, _mm512_set1_epi32, _mm512_setzero_si512,
};

/// Registers that are summed side by side, so that a weight is fetched once for all of them.
const AT_ONCE: usize = 4;

macro_rules! sums {
    ($name:ident $features:literal $lanes:literal $load:ident $store:ident $zero:ident $all:ident $dot:ident) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name(cells: &[i16], starts: &[usize], weights: &[i32], scale: f32, to: &mut [u8]) {
            const ALL: usize = $lanes * AT_ONCE;
            for (i, to) in to.chunks_mut(ALL).enumerate() {
                let mut sums = [$zero(); AT_ONCE];
                for (start, weight) in starts.iter().zip(weights) {
                    let weight = $all(*weight);
                    let part =
                        cells.get((start + i * ALL) * 2..).and_then(|c| c.first_chunk::<{ 2 * ALL }>());
                    let Some(part) = part else { return };
                    for (sum, part) in sums.iter_mut().zip(bytes(part).as_chunks::<{ 4 * $lanes }>().0) {
                        *sum = $dot(*sum, $load(part), weight);
                    }
                }
                let mut whole = [0i32; ALL];
                let stored = bytes_mut(&mut whole).as_chunks_mut::<{ 4 * $lanes }>().0;
                for (to, sum) in stored.iter_mut().zip(sums) {
                    $store(to, sum);
                }
                settle(&whole, scale, to);
            }
        }
    };
}

sums!(by_8 "avx2,fma" 8 load32 store32 _mm256_setzero_si256 _mm256_set1_epi32 dot);
sums!(by_16 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma" 16 load64 store64 _mm512_setzero_si512 _mm512_set1_epi32
      dot_wide);
sums!(by_16_fused "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma" 16 load64 store64
      _mm512_setzero_si512 _mm512_set1_epi32 _mm512_dpwssd_epi32);

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
