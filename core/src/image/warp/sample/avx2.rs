//! Weighted sums with the channels of a pixel in lanes, by AVX2.

use super::{Kernel, Places, by_channels, cubic};
use crate::image::{Border, Sample};
use crate::scratch::bytes;
use crate::simd::x86::{load16, store16};
use crate::view::ImageRef;
use core::arch::x86_64::{
    __m128, __m128i, _mm_add_ps, _mm_castps_si128, _mm_castsi128_ps, _mm_cvtepi32_ps, _mm_cvtepu8_epi32,
    _mm_cvtepu16_epi32, _mm_cvtsi32_si128, _mm_cvtsi64_si128, _mm_cvttps_epi32, _mm_max_ps, _mm_min_ps,
    _mm_mul_ps, _mm_set1_ps, _mm_setzero_ps,
};

/// The weighted sums of pixels of C channels, three or four.
#[target_feature(enable = "avx2,fma")]
pub(super) fn weighted<T: Sample, const C: usize>(
    kernel: Kernel,
    places: &Places,
    border: Border<T>,
    src: ImageRef<'_, T>,
    to: &mut [T],
) {
    match kernel {
        Kernel::Linear => {
            by_channels(places, |f| [1.0 - f, f], border, src, to, |at, w| sums::<T, 2, C>(src, at, w));
        }
        Kernel::Cubic(a) => {
            by_channels(places, |f| cubic(f, a), border, src, to, |at, w| sums::<T, 4, C>(src, at, w));
        }
    }
}

/// The sum of the K × K pixels from `at` on by the weights of columns and of rows; `None` where the source ends less
/// than four values after the last.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sums<T: Sample, const K: usize, const C: usize>(
    src: ImageRef<'_, T>,
    at: usize,
    [across, down]: [&[f32; K]; 2],
) -> Option<[T; C]> {
    let (data, stride) = (src.as_mat().data(), src.stride());
    let mut total = _mm_setzero_ps();
    for (i, below) in down.iter().enumerate() {
        let row = data.get(at.wrapping_add(i.wrapping_mul(stride))..)?.get(..(K - 1) * C + 4)?;
        let mut sum = _mm_setzero_ps();
        for (j, beside) in across.iter().enumerate() {
            let pixel = numbers(row.get(j * C..)?.first_chunk()?);
            sum = _mm_add_ps(sum, _mm_mul_ps(pixel, _mm_set1_ps(*beside)));
        }
        total = _mm_add_ps(total, _mm_mul_ps(sum, _mm_set1_ps(*below)));
    }
    let mut settled = [0; 16];
    store16(&mut settled, settle::<T>(total));
    let mut pixel = [T::default(); C];
    for (to, from) in pixel.iter_mut().zip(settled.as_chunks::<4>().0) {
        *to = super::lowest(u32::from_le_bytes(*from));
    }
    Some(pixel)
}

/// Four values as numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn numbers<T: Sample>(four: &[T; 4]) -> __m128 {
    let four = bytes(four);
    let integers = match (four.first_chunk(), four.first_chunk(), four.first_chunk()) {
        (Some(floats), ..) => return _mm_castsi128_ps(load16(floats)),
        (_, Some(words), _) => _mm_cvtepu16_epi32(_mm_cvtsi64_si128(i64::from_le_bytes(*words))),
        (.., Some(bytes)) => _mm_cvtepu8_epi32(_mm_cvtsi32_si128(i32::from_le_bytes(*bytes))),
        _ => _mm_cvtsi32_si128(0),
    };
    _mm_cvtepi32_ps(integers)
}

/// The nearest values, as [`Sample::from_f32`] has them, in the lowest bytes.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn settle<T: Sample>(value: __m128) -> __m128i {
    if size_of::<T>() == 4 {
        return _mm_castps_si128(value);
    }
    let value = _mm_add_ps(value, _mm_set1_ps(0.5));
    _mm_cvttps_epi32(_mm_min_ps(_mm_max_ps(value, _mm_setzero_ps()), _mm_set1_ps(T::LARGEST)))
}
