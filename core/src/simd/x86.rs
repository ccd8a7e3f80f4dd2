//! Loads and stores of x86-64 vectors from and to arrays, which are safe: an array is as long as its vector.
#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_loadu_si128, _mm_storeu_si128, _mm256_loadu_si256, _mm256_storeu_si256,
    _mm512_loadu_si512, _mm512_mask_storeu_epi8, _mm512_maskz_loadu_epi8, _mm512_storeu_si512,
};

macro_rules! whole {
    ($($load:ident $store:ident $n:literal $vector:ident $feature:literal $read:ident $write:ident;)*) => { $(
        /// The bytes as a vector.
        #[inline]
        #[target_feature(enable = $feature)]
        pub(crate) fn $load(from: &[u8; $n]) -> $vector {
            // SAFETY: an array of bytes of the vector's size, of any alignment.
            unsafe { $read(from.as_ptr().cast()) }
        }

        /// The vector as bytes.
        #[inline]
        #[target_feature(enable = $feature)]
        pub(crate) fn $store(to: &mut [u8; $n], vector: $vector) {
            // SAFETY: an array of bytes of the vector's size, of any alignment.
            unsafe { $write(to.as_mut_ptr().cast(), vector) }
        }
    )* };
}

whole! {
    load16 store16 16 __m128i "sse2" _mm_loadu_si128 _mm_storeu_si128;
    load32 store32 32 __m256i "avx" _mm256_loadu_si256 _mm256_storeu_si256;
    load64 store64 64 __m512i "avx512f" _mm512_loadu_si512 _mm512_storeu_si512;
}

/// As many bytes as there are, up to 64; zeros after them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(crate) fn load_some(from: &[u8]) -> __m512i {
    // SAFETY: lanes that the mask leaves out are not read.
    unsafe { _mm512_maskz_loadu_epi8(first(from.len()), from.as_ptr().cast()) }
}

/// As many of the vector's bytes as `to` has, up to 64.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(crate) fn store_some(to: &mut [u8], vector: __m512i) {
    // SAFETY: lanes that the mask leaves out are not written.
    unsafe { _mm512_mask_storeu_epi8(to.as_mut_ptr().cast(), first(to.len()), vector) }
}

/// A mask of the first `n` of 64 lanes.
#[inline]
pub(crate) const fn first(n: usize) -> u64 {
    if n >= 64 { u64::MAX } else { (1 << n) - 1 }
}
