//! Eight pixels at a time: coordinates in 64-bit lanes, weights and sums in 32-bit lanes.
#![allow(unsafe_code)]

use super::{BITS, Found, Line, Path, Run, within};
use crate::image::warp::places::Places;
use crate::scratch::bytes;
use crate::simd::x86::load32;
use crate::view::ImageRef;
use core::arch::x86_64::{
    __m128i, __m256i, _mm_loadl_epi64, _mm_packus_epi16, _mm_shuffle_epi8, _mm_storel_epi64,
    _mm_storeu_si128, _mm_unpacklo_epi64, _mm256_add_epi32, _mm256_add_epi64, _mm256_and_si256,
    _mm256_castps_si256, _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_extracti128_si256,
    _mm256_i32gather_epi32, _mm256_madd_epi16, _mm256_mullo_epi32, _mm256_or_si256, _mm256_packs_epi32,
    _mm256_permute4x64_epi64, _mm256_permutevar8x32_epi32, _mm256_set_epi64x, _mm256_set_m128i,
    _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setr_epi8, _mm256_shuffle_epi8, _mm256_shuffle_ps,
    _mm256_slli_epi32, _mm256_srai_epi32, _mm256_srli_epi32, _mm256_srli_epi64, _mm256_storeu_si256,
    _mm256_sub_epi32,
};

/// Pixels at a time.
const AT_ONCE: usize = 8;

/// One coordinate of eight pixels.
#[derive(Clone, Copy)]
struct Axis {
    /// Of pixels 0 to 3 and 4 to 7, with 32 fractional bits.
    at: [__m256i; 2],
    /// Eight steps.
    step: __m256i,
}

impl Axis {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn new(at: i64, step: i64) -> Self {
        let after = |n: i64| at.wrapping_add(step.wrapping_mul(n));
        let four = |n: i64| _mm256_set_epi64x(after(n + 3), after(n + 2), after(n + 1), after(n));
        Self { at: [four(0), four(4)], step: _mm256_set1_epi64x(step.wrapping_mul(AT_ONCE as i64)) }
    }

    /// The whole parts and, with the bits of a weight, the fractions of the next eight.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn next(&mut self) -> (__m256i, __m256i) {
        let low = |v| _mm256_castsi256_ps(_mm256_srli_epi64::<{ 32 - BITS as i32 }>(v));
        // The even 32-bit lanes of both, which come out as 0 1 4 5 2 3 6 7 in pixels.
        let mixed = _mm256_castps_si256(_mm256_shuffle_ps::<0x88>(low(self.at[0]), low(self.at[1])));
        let all = _mm256_permute4x64_epi64::<0xd8>(mixed);
        self.at = [_mm256_add_epi64(self.at[0], self.step), _mm256_add_epi64(self.at[1], self.step)];
        let fraction = _mm256_and_si256(all, _mm256_set1_epi32((1 << BITS) - 1));
        (_mm256_srai_epi32::<{ BITS as i32 }>(all), fraction)
    }
}

/// The two weights of a fraction side by side: of the pixel itself, and of the next.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn weights(fraction: __m256i) -> __m256i {
    let own = _mm256_sub_epi32(_mm256_set1_epi32(1 << BITS), fraction);
    _mm256_or_si256(own, _mm256_slli_epi32::<16>(fraction))
}

/// top + (bottom − top) · fraction, settled: rounded half up.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn settle(top: __m256i, bottom: __m256i, fraction: __m256i) -> __m256i {
    let way = _mm256_mullo_epi32(_mm256_sub_epi32(bottom, top), fraction);
    let sum = _mm256_add_epi32(_mm256_slli_epi32::<{ BITS as i32 }>(top), way);
    _mm256_srli_epi32::<{ 2 * BITS as i32 }>(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << (2 * BITS - 1))))
}

/// Whether the source has C channels, offsets into it fit 32 bits with room for a step of a row, and places 21 bits and a
/// sign.
fn fits<const C: usize>(src: &ImageRef<'_, u8>) -> bool {
    src.channels() == C
        && src.as_mat().data().len() < i32::MAX as usize / 2
        && src.width().max(src.height()) < 1 << 20
}

/// The coordinates of pixels along a line.
struct Along {
    x: Axis,
    y: Axis,
}

impl Along {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn new(line: Line) -> Self {
        Self { x: Axis::new(line.at[0], line.step[0]), y: Axis::new(line.at[1], line.step[1]) }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn next(&mut self) -> ((__m256i, __m256i), (__m256i, __m256i)) {
        (self.x.next(), self.y.next())
    }
}

/// The coordinates of pixels of a block.
struct Of<'a>(Found<'a>);

impl<'a> Of<'a> {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn new(found: Found<'a>) -> Self {
        Self(found)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn next(&mut self) -> ((__m256i, __m256i), (__m256i, __m256i)) {
        let Places { x, y, fx, fy } = self.0.places;
        let eight = |all: &[u8]| match all.get(self.0.first * 4..).and_then(|rest| rest.first_chunk()) {
            Some(eight) => load32(eight),
            None => _mm256_set1_epi32(0),
        };
        let part = |all: &[u32]| _mm256_srli_epi32::<{ 32 - BITS as i32 }>(eight(bytes(all)));
        let all = ((eight(bytes(x)), part(fx)), (eight(bytes(y)), part(fy)));
        self.0.first += AT_ONCE;
        all
    }
}

macro_rules! kernels {
    ($one:ident $several:ident $path:ty, $lanes:ident) => {
        /// Pixels of one channel.
        #[target_feature(enable = "avx2,fma")]
        pub(super) fn $one(run: &Run<'_, $path>, to: &mut [u8]) {
            let (path, src, to) = (run.path(), run.src, run.of::<1>(to));
            if !fits::<1>(&src) {
                return within::<1, _>(path, src, to);
            }
            let (data, stride) = (src.as_mat().data().as_ptr(), src.stride());
            let mut lanes = $lanes::new(path);
            #[rustfmt::skip]
            let pair = _mm256_setr_epi8(
                0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1,
                0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1,
            );
            let (whole, rest) = to.as_chunks_mut::<AT_ONCE>();
            let done = whole.len() * AT_ONCE;
            for to in whole {
                let ((column, fx), (row, fy)) = lanes.next();
                let at = _mm256_add_epi32(_mm256_mullo_epi32(row, _mm256_set1_epi32(stride as i32)), column);
                let below = _mm256_add_epi32(at, _mm256_set1_epi32(stride as i32));
                // SAFETY: a pixel of the run, of which four bytes can be read.
                let top = unsafe { _mm256_i32gather_epi32::<1>(data.cast(), at) };
                // SAFETY: likewise a row below.
                let bottom = unsafe { _mm256_i32gather_epi32::<1>(data.cast(), below) };
                let weights = weights(fx);
                let mixed = |four| _mm256_madd_epi16(_mm256_shuffle_epi8(four, pair), weights);
                let sum = settle(mixed(top), mixed(bottom), fy);
                let words = _mm256_packs_epi32(sum, sum);
                let (low, high) = (_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
                let bytes = _mm_packus_epi16(_mm_unpacklo_epi64(low, high), low);
                // SAFETY: an array of eight bytes.
                unsafe { _mm_storel_epi64(to.as_mut_ptr().cast(), bytes) };
            }
            within::<1, _>(path.from(done), src, rest);
        }

        /// Pixels of three or four channels.
        #[target_feature(enable = "avx2,fma")]
        pub(super) fn $several<const C: usize>(run: &Run<'_, $path>, to: &mut [u8]) {
            let (path, src, to) = (run.path(), run.src, run.of::<C>(to));
            if !fits::<C>(&src) {
                return within::<C, _>(path, src, to);
            }
            let (data, stride) = (src.as_mat().data().as_ptr(), src.stride());
            let mut lanes = $lanes::new(path);
            let next = C as i8;
            // Each half of a register has eight bytes of the upper row and eight of the lower row of one pixel.
            #[rustfmt::skip]
            let upper = {
                let n = next;
                _mm256_setr_epi8(
                    0, -1, n, -1, 1, -1, n + 1, -1, 2, -1, n + 2, -1, 3, -1, n + 3, -1,
                    0, -1, n, -1, 1, -1, n + 1, -1, 2, -1, n + 2, -1, 3, -1, n + 3, -1,
                )
            };
            #[rustfmt::skip]
            let lower = {
                let n = next + 8;
                _mm256_setr_epi8(
                    8, -1, n, -1, 9, -1, n + 1, -1, 10, -1, n + 2, -1, 11, -1, n + 3, -1,
                    8, -1, n, -1, 9, -1, n + 1, -1, 10, -1, n + 2, -1, 11, -1, n + 3, -1,
                )
            };
            let pixels = to.len() / C;
            // The last store of three channels writes four bytes more than its pixels.
            let blocks = if C == 3 { to.len().saturating_sub(4) / (AT_ONCE * C) } else { pixels / AT_ONCE };
            let mut out = to.as_mut_ptr();
            for _ in 0..blocks {
                let ((column, fx), (row, fy)) = lanes.next();
                let rows = _mm256_mullo_epi32(row, _mm256_set1_epi32(stride as i32));
                let columns = _mm256_mullo_epi32(column, _mm256_set1_epi32(C as i32));
                let mut at = [0i32; AT_ONCE];
                let all = _mm256_add_epi32(rows, columns);
                // SAFETY: an array of eight numbers of 32 bits.
                unsafe { _mm256_storeu_si256(at.as_mut_ptr().cast(), all) };
                let weights = weights(fx);
                let mut settled = [weights; 4];
                for ((i, to), two) in settled.iter_mut().enumerate().zip(at.as_chunks::<2>().0) {
                    let [first, second] = two.map(|at| data.wrapping_add(at as usize));
                    // SAFETY: a pixel of the run, of which eight bytes can be read, and of that a row below.
                    let first = unsafe { both(first, stride) };
                    // SAFETY: likewise.
                    let second = unsafe { both(second, stride) };
                    let four = _mm256_set_m128i(second, first);
                    let lanes = {
                        let (a, b) = (2 * i as i32, 2 * i as i32 + 1);
                        _mm256_set_m128i(
                            core::arch::x86_64::_mm_set1_epi32(b),
                            core::arch::x86_64::_mm_set1_epi32(a),
                        )
                    };
                    let across = _mm256_permutevar8x32_epi32(weights, lanes);
                    let down = _mm256_permutevar8x32_epi32(fy, lanes);
                    let top = _mm256_madd_epi16(_mm256_shuffle_epi8(four, upper), across);
                    let bottom = _mm256_madd_epi16(_mm256_shuffle_epi8(four, lower), across);
                    *to = settle(top, bottom, down);
                }
                // Pixels 0 2 4 6 in the lower halves, 1 3 5 7 in the upper ones, four bytes each.
                let [a, b, c, d] = settled;
                let words = (_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
                let bytes = core::arch::x86_64::_mm256_packus_epi16(words.0, words.1);
                let (even, odd) = (_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
                let low = core::arch::x86_64::_mm_unpacklo_epi32(even, odd);
                let high = core::arch::x86_64::_mm_unpackhi_epi32(even, odd);
                // SAFETY: eight pixels, and four bytes more for three channels, are left of the row.
                unsafe { store::<C>(out, low, high) };
                out = out.wrapping_add(AT_ONCE * C);
            }
            let done = blocks * AT_ONCE;
            within::<C, _>(path.from(done), src, to.get_mut(done * C..).unwrap_or(&mut []));
        }
    };
}
kernels!(line1 line Line, Along);
kernels!(found1 found Found<'_>, Of);

/// Eight bytes from `at` and eight a row below.
///
/// # Safety
/// They must be readable.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn both(at: *const u8, stride: usize) -> __m128i {
    // SAFETY: as promised.
    let top = unsafe { _mm_loadl_epi64(at.cast()) };
    // SAFETY: as promised.
    let bottom = unsafe { _mm_loadl_epi64(at.wrapping_add(stride).cast()) };
    _mm_unpacklo_epi64(top, bottom)
}

/// Eight pixels of four bytes, of which `C` count.
///
/// # Safety
/// They must be writable, and four bytes more where `C` is 3.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn store<const C: usize>(to: *mut u8, low: __m128i, high: __m128i) {
    let close = core::arch::x86_64::_mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    let dense = |v| if C == 3 { _mm_shuffle_epi8(v, close) } else { v };
    // SAFETY: the first four pixels; the four bytes after three-byte ones are written again.
    unsafe { _mm_storeu_si128(to.cast(), dense(low)) };
    // SAFETY: the last four pixels and what may follow them.
    unsafe { _mm_storeu_si128(to.wrapping_add(4 * C).cast(), dense(high)) };
}
