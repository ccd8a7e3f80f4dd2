//! Sixteen pixels of a row at a time: their places in the source, what stands for a place at a border, and the bytes
//! there. For AVX-512, whose masks leave out what lies outside.
#![allow(unsafe_code)]

use super::bilinear::Line;
use super::places::{AT_ONCE, FAR, Path, Places, STEPS, bent_body, lines, projected};
use crate::image::Border;
use crate::image::bend::Lattice;
use crate::scratch::{Plain, bytes};
use crate::simd::x86::{load_some, store_some, store64};
use crate::view::{ImageMut, ImageRef};
use core::arch::x86_64::{
    __m512d, __m512i, _mm512_abs_epi32, _mm512_add_epi32, _mm512_add_epi64, _mm512_add_pd,
    _mm512_castpd_si512, _mm512_cmp_pd_mask, _mm512_cmplt_epu32_mask, _mm512_cvtepi32_epi8,
    _mm512_cvtepi32_epi16, _mm512_div_pd, _mm512_mask_add_epi32, _mm512_mask_i32gather_epi32,
    _mm512_mask_mul_pd, _mm512_mask_srlv_epi32, _mm512_mask_sub_epi32, _mm512_max_epi32, _mm512_max_pd,
    _mm512_min_epi32, _mm512_min_epu32, _mm512_min_pd, _mm512_movepi32_mask, _mm512_mul_pd,
    _mm512_mullo_epi32, _mm512_mullo_epi64, _mm512_permutex2var_epi32, _mm512_permutexvar_epi32,
    _mm512_set1_epi32, _mm512_set1_epi64, _mm512_set1_pd, _mm512_set4_epi32, _mm512_setr_epi32,
    _mm512_setr_epi64, _mm512_setr_pd, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_slli_epi32,
    _mm512_slli_epi64, _mm512_srai_epi32, _mm512_sub_epi32, _mm512_xor_si512, _mm512_zextsi128_si512,
    _mm512_zextsi256_si512,
};

/// Pixels at a time.
pub(super) const LANES: usize = 16;

/// One coordinate of sixteen pixels: whole parts, and fractions of 32 bits.
#[derive(Clone, Copy)]
pub(super) struct Fixed {
    pub whole: __m512i,
    pub fraction: __m512i,
}

impl Fixed {
    /// Of eight and eight with 32 fractional bits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn new(first: __m512i, second: __m512i) -> Self {
        let low = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let high = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        Self {
            whole: _mm512_permutex2var_epi32(first, high, second),
            fraction: _mm512_permutex2var_epi32(first, low, second),
        }
    }
}

/// The numbers of a vector.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) fn numbers(vector: __m512i) -> [u32; LANES] {
    let mut all = [0u8; 4 * LANES];
    store64(&mut all, vector);
    let mut numbers = [0; LANES];
    for (to, from) in numbers.iter_mut().zip(all.as_chunks().0) {
        *to = u32::from_le_bytes(*from);
    }
    numbers
}

/// One coordinate of pixels along a line.
struct Axis {
    at: Fixed,
    /// Sixteen steps.
    step: Fixed,
}

impl Axis {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn new(at: i64, step: i64) -> Self {
        let of = |n| _mm512_mullo_epi64(n, _mm512_set1_epi64(step));
        let first = _mm512_add_epi64(of(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7)), _mm512_set1_epi64(at));
        let eight = _mm512_set1_epi64(step.wrapping_mul(8));
        let all = step.wrapping_mul(LANES as i64);
        let step =
            Fixed { whole: _mm512_set1_epi32((all >> 32) as i32), fraction: _mm512_set1_epi32(all as i32) };
        Self { at: Fixed::new(first, _mm512_add_epi64(first, eight)), step }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn next(&mut self) -> Fixed {
        let now = self.at;
        let fraction = _mm512_add_epi32(now.fraction, self.step.fraction);
        let carry = _mm512_cmplt_epu32_mask(fraction, self.step.fraction);
        let whole = _mm512_add_epi32(now.whole, self.step.whole);
        let whole = _mm512_mask_add_epi32(whole, carry, whole, _mm512_set1_epi32(1));
        self.at = Fixed { whole, fraction };
        now
    }
}

/// The places of the pixels of a row, one sixteen after the other.
pub(super) trait Walk {
    /// x and y of the next sixteen.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW, DQ and VL.
    unsafe fn next(&mut self) -> [Fixed; 2];
}

/// Along a line.
pub(super) struct Straight([Axis; 2]);

impl Straight {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) fn new(Line { at, step }: Line) -> Self {
        Self([Axis::new(at[0], step[0]), Axis::new(at[1], step[1])])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn both(&mut self) -> [Fixed; 2] {
        let [x, y] = &mut self.0;
        [x.next(), y.next()]
    }
}

impl Walk for Straight {
    #[inline(always)]
    unsafe fn next(&mut self) -> [Fixed; 2] {
        // SAFETY: as promised.
        unsafe { self.both() }
    }
}

/// Through a projective map.
pub(super) struct Projected {
    /// For u, v and w: per pixel, and at the beginning of the row.
    row: [[__m512d; 2]; 3],
    /// The pixels.
    at: [__m512d; 2],
    /// What is added to both coordinates.
    round: i64,
}

impl Projected {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) fn new(row: [[f64; 2]; 3], round: i64) -> Self {
        let first = _mm512_setr_pd(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
        let row = row.map(|[step, start]| [_mm512_set1_pd(step), _mm512_set1_pd(start)]);
        Self { row, at: [first, _mm512_add_pd(first, _mm512_set1_pd(8.0))], round }
    }

    /// x and y of eight pixels with 32 fractional bits, as `places::project` has them.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn eight(&self, at: __m512d) -> [__m512i; 2] {
        let [u, v, weight] = self.row.map(|[step, start]| _mm512_add_pd(_mm512_mul_pd(step, at), start));
        let share = _mm512_div_pd(_mm512_set1_pd(1.0), weight);
        // Greater than, and ordered.
        let before = _mm512_cmp_pd_mask::<0x1e>(weight, _mm512_set1_pd(0.0));
        [u, v].map(|part| {
            let place = _mm512_mask_mul_pd(_mm512_set1_pd(-FAR), before, part, share);
            // Both give the second where the first is not a number.
            let place = _mm512_max_pd(place, _mm512_set1_pd(-FAR));
            let place = _mm512_min_pd(place, _mm512_set1_pd(FAR));
            let sum = _mm512_castpd_si512(_mm512_add_pd(place, _mm512_set1_pd(STEPS)));
            // The sum's bits less those of `STEPS`, times 2¹²; what that loses above 64 bits is not in the result.
            let start = self.round.wrapping_sub((STEPS.to_bits() << 12) as i64);
            _mm512_add_epi64(_mm512_slli_epi64::<12>(sum), _mm512_set1_epi64(start))
        })
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn sixteen(&mut self) -> [Fixed; 2] {
        let [first, second] = self.at;
        let ([x, y], [more_x, more_y]) = (self.eight(first), self.eight(second));
        self.at = self.at.map(|at| _mm512_add_pd(at, _mm512_set1_pd(LANES as f64)));
        [Fixed::new(x, more_x), Fixed::new(y, more_y)]
    }
}

impl Walk for Projected {
    #[inline(always)]
    unsafe fn next(&mut self) -> [Fixed; 2] {
        // SAFETY: as promised.
        unsafe { self.sixteen() }
    }
}

/// Through the displacements of a lattice, found a block at a time.
pub(super) struct Bent<'a> {
    lattice: &'a Lattice<'a>,
    round: i64,
    /// The next pixel, its row, and how many a row has.
    at: (usize, usize),
    width: usize,
    places: Places,
}

impl<'a> Bent<'a> {
    fn new(lattice: &'a Lattice<'a>, (y, width): (usize, usize), round: i64) -> Self {
        Self { lattice, round, at: (0, y), width, places: Places::new() }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn sixteen(&mut self) -> [Fixed; 2] {
        let within = self.at.0 % AT_ONCE;
        if within == 0 {
            bent_body(
                self.lattice,
                self.at,
                self.width.saturating_sub(self.at.0),
                self.round,
                &mut self.places,
            );
        }
        self.at.0 += LANES;
        let Places { x, y, fx, fy } = &self.places;
        let load = |all: &[u8]| load_some(all.get(within * 4..).unwrap_or(&[]));
        let of = |whole: &[i32], fraction: &[u32]| Fixed {
            whole: load(bytes(whole)),
            fraction: load(bytes(fraction)),
        };
        [of(x, fx), of(y, fy)]
    }
}

impl Walk for Bent<'_> {
    #[inline(always)]
    unsafe fn next(&mut self) -> [Fixed; 2] {
        // SAFETY: as promised.
        unsafe { self.sixteen() }
    }
}

/// Samples pixels whose places are known.
pub(super) trait Sampler<T> {
    /// Samples the pixels of `to`, a row.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW, DQ and VL.
    unsafe fn row(&self, places: impl Walk, to: &mut [T]);
}

/// Samples all rows of `dst`, with `round` added to all coordinates.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) fn rows<T>(path: &Path<'_>, round: i64, sampler: &impl Sampler<T>, dst: &mut ImageMut<'_, T>) {
    let width = dst.width();
    for (y, to) in dst.iter_rows_mut().enumerate() {
        match path {
            Path::Straight(axes) => {
                let places = Straight::new(lines(axes, (0, y), round));
                // SAFETY: this function has the features.
                unsafe { sampler.row(places, to) };
            }
            Path::Projective(map) => {
                let places = Projected::new(projected(map, y), round);
                // SAFETY: this function has the features.
                unsafe { sampler.row(places, to) };
            }
            Path::Bent(lattice) => {
                // SAFETY: this function has the features.
                unsafe { sampler.row(Bent::new(lattice, (y, width), round), to) };
            }
        }
    }
}

/// The inside of one side of an image, and its border.
pub(super) struct Side<T> {
    border: Border<T>,
    last: __m512i,
}

impl<T> Side<T> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) fn new(border: Border<T>, len: usize) -> Self {
        Self { border, last: _mm512_set1_epi32((len as i32).wrapping_sub(1)) }
    }

    /// The lanes with 0 ≤ `i` ≤ last.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) fn holds(&self, i: __m512i) -> u16 {
        !_mm512_cmplt_epu32_mask(self.last, i)
    }

    /// The index that stands for `i`, as [`Border::index`] has it, and the lanes in which it lies inside. The others show
    /// a constant, or for other borders have an `i` further than one image away.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) fn index(&self, i: __m512i) -> (__m512i, u16) {
        let (zero, last) = (_mm512_setzero_si512(), self.last);
        let sign = _mm512_srai_epi32::<31>(i);
        let index = match self.border {
            Border::Constant(_) => i,
            Border::Edge => _mm512_min_epi32(_mm512_max_epi32(i, zero), last),
            Border::Reflect101 => {
                let i = _mm512_abs_epi32(i);
                _mm512_min_epi32(i, _mm512_sub_epi32(_mm512_add_epi32(last, last), i))
            }
            Border::Reflect => {
                let (i, one) = (_mm512_xor_si512(i, sign), _mm512_set1_epi32(1));
                let ends = _mm512_add_epi32(_mm512_add_epi32(last, last), one);
                _mm512_min_epi32(i, _mm512_sub_epi32(ends, i))
            }
            Border::Wrap => {
                let len = _mm512_add_epi32(last, _mm512_set1_epi32(1));
                let i = _mm512_mask_add_epi32(i, _mm512_movepi32_mask(i), i, len);
                _mm512_mask_sub_epi32(i, !self.holds(i), i, len)
            }
        };
        (index, self.holds(index))
    }
}

/// The bytes of an image, up to four at each of sixteen places.
pub(super) struct Source<'a, T> {
    pub data: &'a [u8],
    pub columns: Side<T>,
    pub rows: Side<T>,
    /// Bytes from row to row.
    stride: __m512i,
    /// Where the last four bytes begin.
    limit: __m512i,
}

impl<'a, T: Plain> Source<'a, T> {
    /// `None` where the image is empty, or offsets into it do not fit 32 bits with room for a few rows.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) fn new(border: Border<T>, src: ImageRef<'a, T>) -> Option<Self> {
        let data = bytes(src.as_mat().data());
        if src.height() == 0 || src.width() == 0 || data.len() < 8 || data.len() >= 1 << 29 {
            return None;
        }
        Some(Self {
            data,
            columns: Side::new(border, src.width()),
            rows: Side::new(border, src.height()),
            stride: _mm512_set1_epi32((src.stride() * size_of::<T>()) as i32),
            limit: _mm512_set1_epi32(data.len() as i32 - 4),
        })
    }

    /// Where row `y` begins.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) fn row(&self, y: __m512i) -> __m512i {
        _mm512_mullo_epi32(y, self.stride)
    }

    /// Four bytes at each place of `lanes`, with zeros for those after the end; `otherwise` in other lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) fn four(&self, at: __m512i, lanes: u16, otherwise: __m512i) -> __m512i {
        let near = _mm512_min_epu32(at, self.limit);
        // SAFETY: at most the place where the last four bytes begin.
        let four =
            unsafe { _mm512_mask_i32gather_epi32::<1>(otherwise, lanes, near, self.data.as_ptr().cast()) };
        _mm512_mask_srlv_epi32(four, lanes, four, _mm512_slli_epi32::<3>(_mm512_sub_epi32(at, near)))
    }
}

/// The bytes of as many pixels, each of up to four.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) fn times<const N: usize>(pixels: __m512i) -> __m512i {
    match N {
        1 => pixels,
        2 => _mm512_slli_epi32::<1>(pixels),
        3 => _mm512_add_epi32(pixels, _mm512_slli_epi32::<1>(pixels)),
        _ => _mm512_slli_epi32::<2>(pixels),
    }
}

/// The lower N of four bytes of each pixel to the pixels of `to`, at most sixteen.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) fn store<const N: usize>(to: &mut [u8], packed: __m512i) {
    let dense = match N {
        1 => _mm512_zextsi128_si512(_mm512_cvtepi32_epi8(packed)),
        2 => _mm512_zextsi256_si512(_mm512_cvtepi32_epi16(packed)),
        3 => {
            // Twelve bytes in each quarter, then the quarters side by side.
            let close = _mm512_set4_epi32(-1, 0x0e0d_0c0a, 0x0908_0605, 0x0402_0100);
            let gaps = _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 15, 15, 15);
            _mm512_permutexvar_epi32(gaps, _mm512_shuffle_epi8(packed, close))
        }
        _ => packed,
    };
    store_some(to, dense);
}
