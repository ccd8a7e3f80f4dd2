//! The vectors of x86-64.
#![allow(clippy::indexing_slicing)]

use super::narrow::{Along, column};
use super::wide::{Vector, tile};
use super::{At, Block, MOST_SUMS, Tile};
use core::arch::x86_64::{
    __m256i, __m512i, _mm_add_epi32, _mm_broadcastd_epi32, _mm_cvtsi128_si32, _mm_loadu_si32,
    _mm_loadu_si128, _mm_shuffle_epi32, _mm256_add_epi32, _mm256_broadcastd_epi32, _mm256_castsi256_si128,
    _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16, _mm256_extracti128_si256, _mm256_hadd_epi32,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_permute4x64_epi64, _mm256_setzero_si256,
    _mm256_storeu_si256, _mm512_add_epi32, _mm512_cvtepi8_epi16, _mm512_cvtepu8_epi16, _mm512_dpbusd_epi32,
    _mm512_loadu_si512, _mm512_madd_epi16, _mm512_permutex2var_epi32, _mm512_reduce_add_epi32,
    _mm512_set1_epi32, _mm512_setr_epi32, _mm512_setzero_si512, _mm512_storeu_si512,
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
struct Pairs(__m256i, __m256i);

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

/// Sixteen columns in two registers, as [`Pairs`].
#[derive(Clone, Copy)]
struct WidePairs(__m512i, __m512i);

impl Vector for WidePairs {
    const N: usize = 16;
    type Row = __m512i;
    type Columns = [__m512i; 2];

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: AVX-512 is there, by the caller's promise.
        unsafe { Self(_mm512_setzero_si512(), _mm512_setzero_si512()) }
    }

    #[inline(always)]
    unsafe fn row(from: *const u8) -> __m512i {
        // SAFETY: by the caller's promise.
        unsafe { _mm512_cvtepu8_epi16(_mm256_broadcastd_epi32(_mm_loadu_si32(from))) }
    }

    #[inline(always)]
    unsafe fn columns(from: *const i8) -> [__m512i; 2] {
        // SAFETY: by the caller's promise.
        unsafe {
            [
                _mm512_cvtepi8_epi16(_mm256_loadu_si256(from.cast())),
                _mm512_cvtepi8_epi16(_mm256_loadu_si256(from.wrapping_add(32).cast())),
            ]
        }
    }

    #[inline(always)]
    unsafe fn add(self, row: __m512i, [low, high]: [__m512i; 2]) -> Self {
        // SAFETY: AVX-512 is there, by the caller's promise.
        unsafe {
            Self(
                _mm512_add_epi32(self.0, _mm512_madd_epi16(row, low)),
                _mm512_add_epi32(self.1, _mm512_madd_epi16(row, high)),
            )
        }
    }

    #[inline(always)]
    unsafe fn store(self, starts: *const i8, to: *mut i32) {
        // SAFETY: by the caller's promise.
        unsafe {
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
            let even = _mm512_permutex2var_epi32(self.0, even, self.1);
            let sums = _mm512_add_epi32(even, _mm512_permutex2var_epi32(self.0, odd, self.1));
            _mm512_storeu_si512(to.cast(), _mm512_add_epi32(sums, _mm512_loadu_si512(starts.cast())));
        }
    }
}

/// 64 values of k, by VNNI.
impl Along for __m512i {
    const K: usize = 64;
    type Column = __m512i;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: AVX-512 is there, by the caller's promise.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    unsafe fn column(from: *const i8) -> Self {
        // SAFETY: by the caller's promise.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn add(self, row: *const u8, column: Self) -> Self {
        // SAFETY: by the caller's promise.
        unsafe { _mm512_dpbusd_epi32(self, _mm512_loadu_si512(row.cast()), column) }
    }

    #[inline(always)]
    unsafe fn total(self) -> i32 {
        // SAFETY: AVX-512 is there, by the caller's promise.
        unsafe { _mm512_reduce_add_epi32(self) }
    }
}

/// Sixteen values of k, in pairs.
impl Along for __m256i {
    const K: usize = 16;
    type Column = __m256i;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: AVX2 is there, by the caller's promise.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    unsafe fn column(from: *const i8) -> Self {
        // SAFETY: by the caller's promise.
        unsafe { _mm256_cvtepi8_epi16(_mm_loadu_si128(from.cast())) }
    }

    #[inline(always)]
    unsafe fn add(self, row: *const u8, column: Self) -> Self {
        // SAFETY: by the caller's promise.
        unsafe {
            let row = _mm256_cvtepu8_epi16(_mm_loadu_si128(row.cast()));
            _mm256_add_epi32(self, _mm256_madd_epi16(row, column))
        }
    }

    #[inline(always)]
    unsafe fn total(self) -> i32 {
        // SAFETY: AVX2 is there, by the caller's promise.
        unsafe {
            let sums = _mm_add_epi32(_mm256_castsi256_si128(self), _mm256_extracti128_si256::<1>(self));
            let sums = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b01_00_11_10>(sums));
            _mm_cvtsi128_si32(_mm_add_epi32(sums, _mm_shuffle_epi32::<0b10_11_00_01>(sums)))
        }
    }
}

wide!(wide_avx2, Pairs, 1, 2: [1 / 2] 1: [1 2 3 4 5 / 6]);
narrow!(narrow_avx2, __m256i, [1 2 3 / 4]);
wide!(wide_avx512, WidePairs, 1, 2: [1 2 3 / 4] 1: [1 2 3 4 5 6 7 / 8]);
wide!(wide_vnni, __m512i, 4, 8: [/ 1] 4: [1 2 3 4 5 / 6] 2: [1 2 3 4 5 / 6] 1: [1 2 3 4 5 6 7 8 9 10 11 / 12]);
narrow!(narrow_vnni, __m512i, [1 2 3 4 5 6 7 / 8]);

macro_rules! run {
    ($name:ident $wide:ident $narrow:ident $features:literal) => {
        /// # Safety
        /// The instruction set is there, and the block is inside its memory.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $name(b: &Block<'_>, narrow: bool, each: &mut dyn FnMut(&Tile<'_>)) {
            if narrow {
                // SAFETY: by the caller's promise.
                unsafe { $narrow(b, each) }
            } else {
                // SAFETY: as above.
                unsafe { $wide(b, each) }
            }
        }
    };
}
run!(run_avx2 wide_avx2 narrow_avx2 "avx2,fma");
run!(run_avx512 wide_avx512 narrow_avx2 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");
run!(run_vnni wide_vnni narrow_vnni "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma");
