//! The vectors of x86-64.
#![allow(clippy::indexing_slicing)]

use super::{At, Block, MOST_SUMS, Tile, Vector, run, tile};
use core::arch::x86_64::{
    __m256i, __m512i, _mm_broadcastd_epi32, _mm_loadu_si32, _mm_loadu_si128, _mm256_add_epi32,
    _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16, _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_permute4x64_epi64, _mm256_setzero_si256, _mm256_storeu_si256, _mm512_add_epi32,
    _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512,
};

/// Sixteen columns, by VNNI.
impl Vector for __m512i {
    const N: usize = 16;
    type Row = __m512i;
    type Columns = __m512i;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: AVX-512 is there, by the caller's promise.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    unsafe fn row(from: *const u8) -> Self {
        // SAFETY: by the caller's promise.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn columns(from: *const i8) -> Self {
        // SAFETY: by the caller's promise.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn add(self, row: Self, columns: Self) -> Self {
        // SAFETY: VNNI is there, by the caller's promise.
        unsafe { _mm512_dpbusd_epi32(self, row, columns) }
    }

    #[inline(always)]
    unsafe fn store(self, starts: *const i8, to: *mut i32) {
        // SAFETY: by the caller's promise.
        unsafe { _mm512_storeu_si512(to.cast(), _mm512_add_epi32(self, _mm512_loadu_si512(starts.cast()))) }
    }
}

/// Eight columns in two registers, four in each, whose sums are in two halves: of even and of odd pairs of products.
///
/// Pairs of 16-bit products, since pairs of products of bytes may be too large for the 16 bits that the instruction for them has.
#[derive(Clone, Copy)]
pub(super) struct Pairs(__m256i, __m256i);

impl Vector for Pairs {
    const N: usize = 8;
    type Row = __m256i;
    type Columns = [__m256i; 2];

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: AVX2 is there, by the caller's promise.
        unsafe { Self(_mm256_setzero_si256(), _mm256_setzero_si256()) }
    }

    #[inline(always)]
    unsafe fn row(from: *const u8) -> __m256i {
        // SAFETY: by the caller's promise.
        unsafe { _mm256_cvtepu8_epi16(_mm_broadcastd_epi32(_mm_loadu_si32(from))) }
    }

    #[inline(always)]
    unsafe fn columns(from: *const i8) -> [__m256i; 2] {
        // SAFETY: by the caller's promise.
        unsafe {
            [
                _mm256_cvtepi8_epi16(_mm_loadu_si128(from.cast())),
                _mm256_cvtepi8_epi16(_mm_loadu_si128(from.wrapping_add(16).cast())),
            ]
        }
    }

    #[inline(always)]
    unsafe fn add(self, row: __m256i, [low, high]: [__m256i; 2]) -> Self {
        // SAFETY: AVX2 is there, by the caller's promise.
        unsafe {
            Self(
                _mm256_add_epi32(self.0, _mm256_madd_epi16(row, low)),
                _mm256_add_epi32(self.1, _mm256_madd_epi16(row, high)),
            )
        }
    }

    #[inline(always)]
    unsafe fn store(self, starts: *const i8, to: *mut i32) {
        // SAFETY: by the caller's promise.
        unsafe {
            // Columns 0 1 4 5 2 3 6 7, and these in order.
            let sums = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(self.0, self.1));
            _mm256_storeu_si256(to.cast(), _mm256_add_epi32(sums, _mm256_loadu_si256(starts.cast())));
        }
    }
}

run!(avx2, Pairs, 2, 2: [1 2 / 3] 1: [1 2 3 / 4]);
run!(vnni, __m512i, 4, 8: [/ 1] 4: [1 2 3 4 5 / 6] 2: [1 2 3 4 5 / 6] 1: [1 2 3 4 5 6 7 8 9 10 11 / 12]);

/// # Safety
/// AVX2 is there, and the block is inside its memory.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2(b: &Block<'_>, each: &mut dyn FnMut(&Tile<'_>)) {
    // SAFETY: by the caller's promise.
    unsafe { avx2(b, each) }
}

/// # Safety
/// AVX-512 with VNNI is there, and the block is inside its memory.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma")]
pub(super) unsafe fn run_vnni(b: &Block<'_>, each: &mut dyn FnMut(&Tile<'_>)) {
    // SAFETY: by the caller's promise.
    unsafe { vnni(b, each) }
}
