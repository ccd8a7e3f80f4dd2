//! Nearest pixels and weighted sums, sixteen pixels at a time, by AVX-512.
#![allow(unsafe_code)]

use super::{Kernel, Places, WORD_BITS, WORD_ROW_BITS, Weighed, lowest, nearest, weighted_block};
use crate::image::Border;
use crate::image::warp::lanes::{Fixed, LANES, Sampler, Source, Walk, numbers, rows, store, times};
use crate::image::warp::places::Path;
use crate::scratch::{Plain, bytes, bytes_mut};
use crate::simd::x86::{first, load64};
use crate::view::{ImageMut, ImageRef};
use core::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_add_epi64, _mm512_add_ps, _mm512_and_si512, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_mask_blend_epi32, _mm512_mask_cmplt_epu32_mask, _mm512_mask_i32gather_epi32,
    _mm512_max_epi32, _mm512_min_epi32, _mm512_mul_epi32, _mm512_mul_ps, _mm512_mullo_epi32,
    _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_slli_epi64, _mm512_srai_epi64,
    _mm512_srli_epi32, _mm512_srli_epi64, _mm512_sub_epi32,
};

/// A block that begins with these places.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn block([x, y]: [Fixed; 2]) -> Places {
    let mut places = Places::new();
    for (to, from) in [(&mut places.x, x.whole), (&mut places.y, y.whole)] {
        to.iter_mut().zip(numbers(from)).for_each(|(to, from)| *to = from as i32);
    }
    for (to, from) in [(&mut places.fx, x.fraction), (&mut places.fy, y.fraction)] {
        to.iter_mut().zip(numbers(from)).for_each(|(to, from)| *to = from);
    }
    places
}

/// The value again and again, as far as four bytes go.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn repeated<T: Plain>(value: T) -> __m512i {
    let mut all = [0; 4];
    for (to, from) in all.iter_mut().zip(bytes(&[value]).iter().cycle()) {
        *to = *from;
    }
    _mm512_set1_epi32(i32::from_le_bytes(all))
}

/// The nearest pixels to all of `dst`; false where nothing was done since vectors cannot.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) fn nearest_image<T: Plain>(
    path: &Path<'_>,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: &mut ImageMut<'_, T>,
) -> bool {
    match src.channels() * size_of::<T>() {
        1 => nearest_pixels::<T, 1>(path, border, src, dst),
        2 => nearest_pixels::<T, 2>(path, border, src, dst),
        3 => nearest_pixels::<T, 3>(path, border, src, dst),
        4 => nearest_pixels::<T, 4>(path, border, src, dst),
        _ => nearest_pixels::<T, 0>(path, border, src, dst),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn nearest_pixels<T: Plain, const N: usize>(
    path: &Path<'_>,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: &mut ImageMut<'_, T>,
) -> bool {
    let Some(source) = Source::new(border, src) else {
        return false;
    };
    let constant = repeated(border.constant().unwrap_or_default());
    rows(path, 1 << 31, &Nearest::<T, N> { border, src, source, constant }, dst);
    true
}

/// The nearest pixels, of N bytes each; of more than four for N = 0.
struct Nearest<'a, T, const N: usize> {
    border: Border<T>,
    src: ImageRef<'a, T>,
    source: Source<'a, T>,
    constant: __m512i,
}

impl<T: Plain, const N: usize> Nearest<'_, T, N> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn pixels(&self, mut places: impl Walk, to: &mut [T]) {
        let channels = self.src.channels().max(1);
        let size = (channels * size_of::<T>()) as i32;
        for to in to.chunks_mut(LANES.saturating_mul(channels).max(1)) {
            // SAFETY: this function has the features.
            let places = unsafe { places.next() };
            let lanes = first(to.len() / channels) as u16;
            let [(x, here), (y, there)] =
                [self.source.columns.index(places[0].whole), self.source.rows.index(places[1].whole)];
            let known = here & there & lanes;
            if known != lanes && self.border.constant().is_none() {
                nearest(&block(places), self.border, self.src, to);
                continue;
            }
            let row = self.source.row(y);
            if N > 0 {
                let at = _mm512_add_epi32(row, times::<N>(x));
                store::<N>(bytes_mut(to), self.source.four(at, known, self.constant));
            } else {
                let at = _mm512_add_epi32(row, _mm512_mullo_epi32(x, _mm512_set1_epi32(size)));
                self.copies(numbers(at), known, to);
            }
        }
    }

    /// Copies the pixels at these bytes of the source, the constant to lanes that are not `known`.
    #[inline]
    fn copies(&self, at: [u32; LANES], known: u16, to: &mut [T]) {
        let (data, channels) = (self.src.as_mat().data(), self.src.channels().max(1));
        for (lane, (to, at)) in to.chunks_exact_mut(channels).zip(at).enumerate() {
            let from = data.get(at as usize / size_of::<T>().max(1)..).and_then(|from| from.get(..channels));
            match from.filter(|_| known >> lane & 1 != 0) {
                Some(from) => crate::image::copy_values(to, from),
                None => to.fill(self.border.constant().unwrap_or_default()),
            }
        }
    }
}

impl<T: Plain, const N: usize> Sampler<T> for Nearest<'_, T, N> {
    #[inline(always)]
    unsafe fn row(&self, places: impl Walk, to: &mut [T]) {
        // SAFETY: as promised.
        unsafe { self.pixels(places, to) }
    }
}

/// Weighted sums of K × K pixels to all of `dst`; false where nothing was done since vectors cannot.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) fn weighted_image<T: Weighed, const K: usize>(
    path: &Path<'_>,
    kernel: Kernel,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: &mut ImageMut<'_, T>,
) -> bool {
    let Some(source) = Source::new(border, src) else {
        return false;
    };
    match (size_of::<T>(), src.channels()) {
        (2, n) if n % 2 == 0 => {
            rows(path, T::ROUND, &Weighted::<T, K, 2>::new(kernel, border, src, source), dst)
        }
        _ => rows(path, T::ROUND, &Weighted::<T, K, 1>::new(kernel, border, src, source), dst),
    }
    true
}

/// Weighted sums of K × K pixels, G channels at a time, which four bytes hold.
struct Weighted<'a, T, const K: usize, const G: usize> {
    kernel: Kernel,
    border: Border<T>,
    src: ImageRef<'a, T>,
    source: Source<'a, T>,
    constant: __m512i,
    /// Columns and rows of which the K × K pixels from them lie inside, with a row after those.
    room: [__m512i; 2],
}

impl<'a, T: Weighed, const K: usize, const G: usize> Weighted<'a, T, K, G> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn new(kernel: Kernel, border: Border<T>, src: ImageRef<'a, T>, source: Source<'a, T>) -> Self {
        let constant = repeated(border.constant().unwrap_or_default());
        // That row has K pixels at least: four bytes, as the last of the pixels needs after it.
        let room = [src.width().saturating_sub(K - 1), src.height().saturating_sub(K)];
        let room = room.map(|side| _mm512_set1_epi32(side as i32));
        Self { kernel, border, src, source, constant, room }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn pixels(&self, mut places: impl Walk, to: &mut [T]) {
        let channels = self.src.channels().max(1);
        let size = _mm512_set1_epi32((channels * size_of::<T>()) as i32);
        for to in to.chunks_mut(LANES.saturating_mul(channels).max(1)) {
            // SAFETY: this function has the features.
            let places = unsafe { places.next() };
            let lanes = first(to.len() / channels) as u16;
            let [across, down] = places.map(|of| weights::<T, K>(self.kernel, of.fraction));
            // The first of the K columns and of the K rows.
            let before = _mm512_set1_epi32(K as i32 / 2 - 1);
            let [x, y] = places.map(|of| _mm512_sub_epi32(of.whole, before));
            let [columns, rows] = self.room;
            let inside = _mm512_mask_cmplt_epu32_mask(lanes, x, columns);
            if _mm512_mask_cmplt_epu32_mask(inside, y, rows) == lanes {
                let at = _mm512_add_epi32(self.source.row(y), _mm512_mullo_epi32(x, size));
                let (pixel, row) = (channels * size_of::<T>(), self.src.stride() * size_of::<T>());
                let data = self.source.data.as_ptr();
                self.groups(to, across, down, |i, j, group| {
                    let data = data.wrapping_add(i * row + j * pixel + group * size_of::<T>());
                    // SAFETY: the pixel lies inside, and there is a row after it.
                    unsafe { _mm512_mask_i32gather_epi32::<1>(self.constant, lanes, at, data.cast()) }
                });
                continue;
            }
            let one = _mm512_set1_epi32(1);
            let (mut all, mut i, mut columns, mut rows) = (u16::MAX, [x, y], [(x, 0); K], [(y, 0); K]);
            for (column, row) in columns.iter_mut().zip(&mut rows) {
                let (x, here) = self.source.columns.index(i[0]);
                let (y, there) = self.source.rows.index(i[1]);
                all &= here & there;
                *column = (_mm512_mullo_epi32(x, size), here & lanes);
                *row = (self.source.row(y), there);
                i = i.map(|i| _mm512_add_epi32(i, one));
            }
            if all & lanes != lanes && self.border.constant().is_none() {
                weighted_block(self.kernel, &block(places), self.border, self.src, to);
                continue;
            }
            self.groups(to, across, down, |i, j, group| {
                let nothing = (before, 0);
                let ((y, there), (x, here)) =
                    (rows.get(i).unwrap_or(&nothing), columns.get(j).unwrap_or(&nothing));
                let at = _mm512_add_epi32(
                    _mm512_add_epi32(*y, *x),
                    _mm512_set1_epi32((group * size_of::<T>()) as i32),
                );
                self.source.four(at, here & there, self.constant)
            });
        }
    }

    /// The sums of all channels, `four(i, j, channel)` being the bytes from this channel on of pixel j of row i.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn groups(
        &self,
        to: &mut [T],
        across: [__m512i; K],
        down: [__m512i; K],
        four: impl Fn(usize, usize, usize) -> __m512i,
    ) {
        let channels = self.src.channels().max(1);
        for group in (0..channels).step_by(G) {
            let mut total = [[_mm512_setzero_si512(); 2]; G];
            for (i, below) in down.into_iter().enumerate() {
                let mut sum = [[_mm512_setzero_si512(); 2]; G];
                for (j, beside) in across.into_iter().enumerate() {
                    let four = four(i, j, group);
                    for (channel, sum) in sum.iter_mut().enumerate() {
                        *sum = with::<T>(*sum, number::<T>(four, channel), beside);
                    }
                }
                for (total, sum) in total.iter_mut().zip(sum) {
                    *total = with_row::<T>(*total, sum, below);
                }
            }
            let settled = total.map(|sum| settle::<T>(sum));
            for (channel, settled) in settled.into_iter().enumerate() {
                let to = to.iter_mut().skip(group + channel).step_by(channels);
                for (to, value) in to.zip(numbers(settled)) {
                    *to = lowest(value);
                }
            }
        }
    }
}

impl<T: Weighed, const K: usize, const G: usize> Sampler<T> for Weighted<'_, T, K, G> {
    #[inline(always)]
    unsafe fn row(&self, places: impl Walk, to: &mut [T]) {
        // SAFETY: as promised.
        unsafe { self.pixels(places, to) }
    }
}

/// The weights of a fraction, as the plain code has them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
#[allow(clippy::indexing_slicing)] // Indices below LANES and four.
fn weights<T: Weighed, const K: usize>(kernel: Kernel, fraction: __m512i) -> [__m512i; K] {
    let mut all = [[T::Factor::default(); LANES]; 4];
    for (l, fraction) in numbers(fraction).into_iter().enumerate() {
        let weights = T::weights(kernel, fraction);
        for k in 0..4 {
            all[k][l] = weights[k];
        }
    }
    let mut weights = [_mm512_setzero_si512(); K];
    for (weights, all) in weights.iter_mut().zip(&all) {
        *weights = bytes(all).first_chunk().map_or(*weights, |all| load64(all));
    }
    weights
}

/// The value after `i` values in four bytes, in words.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn number<T>(four: __m512i, i: usize) -> __m512i {
    match size_of::<T>() {
        2 if i == 0 => _mm512_and_si512(four, _mm512_set1_epi32(0xffff)),
        2 => _mm512_srli_epi32::<16>(four),
        _ => four,
    }
}

/// Sums of sixteen pixels: in the first those of floats, or in 64 bits those of even pixels and of odd ones.
type Sums = [__m512i; 2];

/// Both halves of words.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn products(a: Sums, weight: __m512i) -> Sums {
    let [even, odd] = a;
    [_mm512_mul_epi32(even, weight), _mm512_mul_epi32(odd, _mm512_srli_epi64::<32>(weight))]
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn float_with(sum: Sums, value: __m512i, weight: __m512i) -> Sums {
    let [sum, value, weight] = [sum[0], value, weight].map(|v| _mm512_castsi512_ps(v));
    [_mm512_castps_si512(_mm512_add_ps(sum, _mm512_mul_ps(value, weight))), _mm512_setzero_si512()]
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn plus(a: Sums, b: Sums) -> Sums {
    [_mm512_add_epi64(a[0], b[0]), _mm512_add_epi64(a[1], b[1])]
}

/// As [`Weighed::with`] has it.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn with<T>(sum: Sums, value: __m512i, weight: __m512i) -> Sums {
    if size_of::<T>() == 4 {
        return float_with(sum, value, weight);
    }
    plus(sum, products([value, _mm512_srli_epi64::<32>(value)], weight))
}

/// As [`Weighed::with_row`] has it.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn with_row<T>(sum: Sums, row: Sums, weight: __m512i) -> Sums {
    if size_of::<T>() == 4 {
        return float_with(sum, row[0], weight);
    }
    plus(sum, products(row.map(|row| rounded::<{ WORD_BITS - WORD_ROW_BITS }>(row)), weight))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn rounded<const BITS: u32>(sum: __m512i) -> __m512i {
    _mm512_srai_epi64::<BITS>(_mm512_add_epi64(sum, _mm512_set1_epi64(1 << (BITS - 1))))
}

/// The values, as [`Weighed::settle`] has them, in the lowest bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn settle<T>(sum: Sums) -> __m512i {
    if size_of::<T>() == 4 {
        return sum[0];
    }
    let [even, odd] = sum.map(|sum| rounded::<{ WORD_BITS + WORD_ROW_BITS }>(sum));
    let all = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64::<32>(odd));
    _mm512_min_epi32(_mm512_max_epi32(all, _mm512_setzero_si512()), _mm512_set1_epi32(65535))
}
