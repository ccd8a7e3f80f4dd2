//! Rows become columns, as bytes: any channel count of any element.

use core::ops::Range;

/// Which way the source's rows and columns are gone through.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    /// The first column of the output comes from the last row of the source.
    pub rows_back: bool,
    /// The first row of the output comes from the last column of the source.
    pub columns_back: bool,
}

/// An image as bytes.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub data: &'a [u8],
    /// Bytes from row to row.
    pub stride: usize,
    pub height: usize,
    pub width: usize,
    /// Bytes of a pixel.
    pub pixel: usize,
    pub turn: Turn,
}

/// The output as bytes: `width` rows of `height` pixels.
pub(super) struct Target<'a> {
    pub data: &'a mut [u8],
    /// Bytes from row to row.
    pub stride: usize,
}

/// Source rows that are at work together: few enough to stay in the first-level cache whatever the stride.
const BLOCK: usize = 64;

dispatch! {
    /// Writes column after column of the source into row after row of the target.
    pub(super) fn transpose(from: Source<'_>, to: Target<'_>) {
        base: base, Avx2: x86::transpose,
    }
}

fn base(from: Source<'_>, to: Target<'_>) {
    let mut to = to;
    if from.width == 0 {
        // There may be any number of empty rows.
        return;
    }
    for first in (0..from.height).step_by(BLOCK) {
        plain(from, &mut to, first..(first + BLOCK).min(from.height), 0..from.width);
    }
}

/// Columns `xs` and rows `ys` of the output, pixel by pixel.
fn plain(from: Source<'_>, to: &mut Target<'_>, xs: Range<usize>, ys: Range<usize>) {
    match from.pixel {
        1 => arrays::<1>(from, to, xs, ys),
        2 => arrays::<2>(from, to, xs, ys),
        3 => arrays::<3>(from, to, xs, ys),
        4 => arrays::<4>(from, to, xs, ys),
        6 => arrays::<6>(from, to, xs, ys),
        8 => arrays::<8>(from, to, xs, ys),
        12 => arrays::<12>(from, to, xs, ys),
        16 => arrays::<16>(from, to, xs, ys),
        _ => {
            for y in ys {
                for x in xs.clone() {
                    let pixel = to.data.get_mut(to.stride * y + from.pixel * x..).unwrap_or(&mut []);
                    let source = from.data.get(from.at(y, x)..).unwrap_or(&[]);
                    for (to, from) in pixel.iter_mut().zip(source).take(from.pixel) {
                        *to = *from;
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn arrays<const N: usize>(from: Source<'_>, to: &mut Target<'_>, xs: Range<usize>, ys: Range<usize>) {
    for y in ys {
        let row = to.data.get_mut(to.stride * y + N * xs.start..).unwrap_or(&mut []);
        for (pixel, x) in row.as_chunks_mut::<N>().0.iter_mut().zip(xs.clone()) {
            let source = from.data.get(from.at(y, x)..).and_then(|rest| rest.first_chunk::<N>());
            *pixel = source.copied().unwrap_or(*pixel);
        }
    }
}

impl Source<'_> {
    /// Where the pixel of the output's row `y` and column `x` is.
    #[inline(always)]
    const fn at(&self, y: usize, x: usize) -> usize {
        let row = if self.turn.rows_back { self.height - 1 - x } else { x };
        let column = if self.turn.columns_back { self.width - 1 - y } else { y };
        row * self.stride + column * self.pixel
    }
}

/// Tiles of 8 × 8 pixels of 32 bits, in which pixels of 24 bits are moved, too.
#[cfg(target_arch = "x86_64")]
mod x86 {
    #![allow(unsafe_code)]

    use super::{BLOCK, Source, Target, base, plain};
    use core::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm_storeu_si64, _mm_storeu_si128, _mm256_castsi256_si128,
        _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_permute2x128_si256, _mm256_permutevar8x32_epi32,
        _mm256_set_m128i, _mm256_setr_epi8, _mm256_setr_epi32, _mm256_setzero_si256, _mm256_shuffle_epi8,
        _mm256_storeu_si256, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32,
        _mm256_unpacklo_epi64,
    };

    /// Pixels of a side of a tile.
    const SIDE: usize = 8;

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn transpose(from: Source<'_>, to: Target<'_>) {
        match from.pixel {
            3 => tiles::<3>(from, to),
            4 => tiles::<4>(from, to),
            _ => base(from, to),
        }
    }

    #[target_feature(enable = "avx2,fma")]
    fn tiles<const N: usize>(from: Source<'_>, mut to: Target<'_>) {
        let (tall, wide) = (from.height / SIDE * SIDE, from.width / SIDE * SIDE);
        let inside = tall > 0
            && wide > 0
            && (from.height - 1) * from.stride + from.width * N <= from.data.len()
            && (from.width - 1) * to.stride + from.height * N <= to.data.len();
        if !inside {
            return base(from, to);
        }
        // Bytes from a row to the one after it in the output's order, and from column to column.
        let down = if from.turn.rows_back { -(from.stride as isize) } else { from.stride as isize };
        for first in (0..tall).step_by(BLOCK) {
            for y in (0..wide).step_by(SIDE) {
                let left = if from.turn.columns_back { y + SIDE - 1 } else { y };
                for x in (first..(first + BLOCK).min(tall)).step_by(SIDE) {
                    let source = from.data.as_ptr().wrapping_add(from.at(left, x));
                    let target = to.data.as_mut_ptr().wrapping_add(to.stride * y + N * x);
                    // SAFETY: eight rows of eight pixels on both sides lie inside, by the check above.
                    unsafe { tile::<N>((source, down), (target, to.stride), from.turn.columns_back) };
                }
            }
        }
        plain(from, &mut to, 0..from.height, wide..from.width);
        plain(from, &mut to, tall..from.height, 0..wide);
    }

    /// One tile: eight rows of the source become eight columns.
    ///
    /// # Safety
    /// Eight pixels must be readable in each of eight rows, and writable likewise.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn tile<const N: usize>(
        (from, down): (*const u8, isize),
        (to, stride): (*mut u8, usize),
        back: bool,
    ) {
        let mut rows = [_mm256_setzero_si256(); SIDE];
        for (i, row) in rows.iter_mut().enumerate() {
            // SAFETY: row i of the source's tile.
            *row = unsafe { load::<N>(from.wrapping_offset(down * i as isize)) };
        }
        let columns = turn(rows);
        for (i, &column) in columns.iter().enumerate() {
            let row = if back { SIDE - 1 - i } else { i };
            // SAFETY: one of the rows of the target's tile.
            unsafe { store::<N>(to.wrapping_add(stride * row), column) };
        }
    }

    /// Eight pixels, each in 32 bits.
    ///
    /// # Safety
    /// They must be readable.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn load<const N: usize>(from: *const u8) -> __m256i {
        if N == 4 {
            // SAFETY: eight pixels of four bytes.
            return unsafe { _mm256_loadu_si256(from.cast()) };
        }
        // SAFETY: the first 16 of 24 bytes.
        let low = unsafe { _mm_loadu_si128(from.cast()) };
        // SAFETY: the last 16 of 24 bytes.
        let high = unsafe { _mm_loadu_si128(from.wrapping_add(8).cast()) };
        #[rustfmt::skip]
        let spread = _mm256_setr_epi8(
            0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1,
            4, 5, 6, -1, 7, 8, 9, -1, 10, 11, 12, -1, 13, 14, 15, -1,
        );
        _mm256_shuffle_epi8(_mm256_set_m128i(high, low), spread)
    }

    /// Eight pixels out of 32 bits each.
    ///
    /// # Safety
    /// They must be writable.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn store<const N: usize>(to: *mut u8, pixels: __m256i) {
        if N == 4 {
            // SAFETY: eight pixels of four bytes.
            return unsafe { _mm256_storeu_si256(to.cast(), pixels) };
        }
        #[rustfmt::skip]
        let close = _mm256_setr_epi8(
            0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,
            0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,
        );
        let parts = _mm256_shuffle_epi8(pixels, close);
        let dense = _mm256_permutevar8x32_epi32(parts, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
        let (first, last) = (_mm256_castsi256_si128(dense), _mm256_extracti128_si256::<1>(dense));
        // SAFETY: the first 16 of 24 bytes.
        unsafe { _mm_storeu_si128(to.cast(), first) };
        // SAFETY: the last 8 of 24 bytes.
        unsafe { _mm_storeu_si64(to.wrapping_add(16), last) };
    }

    /// Row i of the result is column i.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn turn([a, b, c, d, e, f, g, h]: [__m256i; SIDE]) -> [__m256i; SIDE] {
        let two = |a, b| (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let ((ab0, ab1), (cd0, cd1)) = (two(a, b), two(c, d));
        let ((ef0, ef1), (gh0, gh1)) = (two(e, f), two(g, h));
        let four = |x, y| (_mm256_unpacklo_epi64(x, y), _mm256_unpackhi_epi64(x, y));
        let ((t0, t1), (t2, t3)) = (four(ab0, cd0), four(ab1, cd1));
        let ((u0, u1), (u2, u3)) = (four(ef0, gh0), four(ef1, gh1));
        let low = |x, y| _mm256_permute2x128_si256::<0x20>(x, y);
        let high = |x, y| _mm256_permute2x128_si256::<0x31>(x, y);
        [
            low(t0, u0),
            low(t1, u1),
            low(t2, u2),
            low(t3, u3),
            high(t0, u0),
            high(t1, u1),
            high(t2, u2),
            high(t3, u3),
        ]
    }
}
