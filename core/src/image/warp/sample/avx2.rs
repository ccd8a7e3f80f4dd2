//! Weighted sums of floats with the channels of a pixel in lanes, by AVX2.

use super::{Kernel, Places, by_channels, weighted_block};
use crate::image::Border;
use crate::scratch::{bytes, bytes_mut};
use crate::simd::x86::{load16, store16};
use crate::view::ImageRef;
use core::arch::x86_64::{
    __m128, _mm_add_ps, _mm_castps_si128, _mm_castsi128_ps, _mm_mul_ps, _mm_set1_ps, _mm_setzero_ps,
};

/// The weighted sums of a block, vectors for three and four channels.
#[target_feature(enable = "avx2,fma")]
pub(super) fn weighted(
    kernel: Kernel,
    places: &Places,
    border: Border<f32>,
    src: ImageRef<'_, f32>,
    to: &mut [f32],
) {
    match (kernel, src.channels()) {
        (Kernel::Linear, 3) => by_sums::<2, 3>(kernel, places, border, src, to),
        (Kernel::Linear, 4) => by_sums::<2, 4>(kernel, places, border, src, to),
        (Kernel::Cubic(_), 3) => by_sums::<4, 3>(kernel, places, border, src, to),
        (Kernel::Cubic(_), 4) => by_sums::<4, 4>(kernel, places, border, src, to),
        _ => weighted_block(kernel, places, border, src, to),
    }
}

#[target_feature(enable = "avx2,fma")]
fn by_sums<const K: usize, const C: usize>(
    kernel: Kernel,
    places: &Places,
    border: Border<f32>,
    src: ImageRef<'_, f32>,
    to: &mut [f32],
) {
    by_channels::<f32, K, C>(kernel, places.points(0), border, src, to, |at, w| sums::<K, C>(src, at, w));
}

/// The sum of the K × K pixels from `at` on by the weights of columns and of rows; `None` where the source ends less
/// than four values after the last.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sums<const K: usize, const C: usize>(
    src: ImageRef<'_, f32>,
    at: usize,
    [across, down]: [&[f32; 4]; 2],
) -> Option<[f32; C]> {
    let (data, stride) = (src.as_mat().data(), src.stride());
    let mut total = _mm_setzero_ps();
    for (i, below) in down.iter().enumerate().take(K) {
        let row = data.get(at.wrapping_add(i.wrapping_mul(stride))..)?.get(..(K - 1) * C + 4)?;
        let mut sum = _mm_setzero_ps();
        for (j, beside) in across.iter().enumerate().take(K) {
            let pixel = numbers(row.get(j * C..)?.first_chunk()?);
            sum = _mm_add_ps(sum, _mm_mul_ps(pixel, _mm_set1_ps(*beside)));
        }
        total = _mm_add_ps(total, _mm_mul_ps(sum, _mm_set1_ps(*below)));
    }
    let mut pixel = [0.0; 4];
    store16(bytes_mut(&mut pixel).first_chunk_mut()?, _mm_castps_si128(total));
    pixel.first_chunk().copied()
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn numbers(four: &[f32; 4]) -> __m128 {
    _mm_castsi128_ps(
        bytes(four).first_chunk().map_or_else(|| _mm_castps_si128(_mm_setzero_ps()), |four| load16(four)),
    )
}
