//! Transposing sixteen lines of sixteen values in registers.

use super::{Operand, Tile, panels_body};
use crate::scratch::{bytes, bytes_mut};
use crate::simd::LANES;
use crate::simd::x86::{load32, load64, store32, store64};
use core::arch::x86_64::{
    __m256, __m512, __m512d, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_permute2f128_ps,
    _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps, _mm512_castpd_ps,
    _mm512_castps_pd, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_setzero_ps, _mm512_shuffle_f32x4,
    _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
};

/// [`super::panels`] by AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) fn panels_by_16(
    b: &Operand<'_>,
    depth: usize,
    kc: usize,
    col: usize,
    cols: usize,
    packed: &mut [f32],
) {
    panels_body(b, depth, kc, col, cols, packed, |rows, lines| by_16(rows, lines));
}

/// [`super::panels`] by AVX2.
#[target_feature(enable = "avx2,fma")]
pub(super) fn panels_by_8(
    b: &Operand<'_>,
    depth: usize,
    kc: usize,
    col: usize,
    cols: usize,
    packed: &mut [f32],
) {
    panels_body(b, depth, kc, col, cols, packed, |rows, lines| by_8(rows, lines));
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn by_16(rows: [&[f32; LANES]; LANES], lines: &mut Tile) {
    let mut r = [_mm512_setzero_ps(); LANES];
    for (r, line) in r.iter_mut().zip(rows) {
        if let Some(line) = bytes(line).first_chunk() {
            *r = _mm512_castsi512_ps(load64(line));
        }
    }
    // Within quarters of a register: blocks of 4 × 4.
    let mut q = [_mm512_setzero_ps(); LANES];
    for (q, r) in q.as_chunks_mut::<4>().0.iter_mut().zip(r.as_chunks::<4>().0) {
        let [a, b, c, d] = *r;
        let pair = |a: __m512, b: __m512| (wide(_mm512_unpacklo_ps(a, b)), wide(_mm512_unpackhi_ps(a, b)));
        let ((ab, ab_high), (cd, cd_high)) = (pair(a, b), pair(c, d));
        *q = [
            narrow(_mm512_unpacklo_pd(ab, cd)),
            narrow(_mm512_unpackhi_pd(ab, cd)),
            narrow(_mm512_unpacklo_pd(ab_high, cd_high)),
            narrow(_mm512_unpackhi_pd(ab_high, cd_high)),
        ];
    }
    // Then the blocks.
    for i in 0..4 {
        let (a, b, c, d) = (q[i], q[4 + i], q[8 + i], q[12 + i]);
        let (ab, ab_odd) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
        let (cd, cd_odd) = (_mm512_shuffle_f32x4::<0x88>(c, d), _mm512_shuffle_f32x4::<0xdd>(c, d));
        put64(&mut lines[i], _mm512_shuffle_f32x4::<0x88>(ab, cd));
        put64(&mut lines[4 + i], _mm512_shuffle_f32x4::<0x88>(ab_odd, cd_odd));
        put64(&mut lines[8 + i], _mm512_shuffle_f32x4::<0xdd>(ab, cd));
        put64(&mut lines[12 + i], _mm512_shuffle_f32x4::<0xdd>(ab_odd, cd_odd));
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn wide(v: __m512) -> __m512d {
    _mm512_castps_pd(v)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn narrow(v: __m512d) -> __m512 {
    _mm512_castpd_ps(v)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn put64(to: &mut [f32; LANES], v: __m512) {
    if let Some(to) = bytes_mut(to).first_chunk_mut() {
        store64(to, _mm512_castps_si512(v));
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn by_8(rows: [&[f32; LANES]; LANES], lines: &mut Tile) {
    for (i, j) in [(0, 0), (0, 8), (8, 0), (8, 8)] {
        let mut r = [_mm256_setzero_ps(); 8];
        for (r, line) in r.iter_mut().zip(&rows[i..]) {
            if let Some(part) = bytes(&line[j..]).first_chunk() {
                *r = _mm256_castsi256_ps(load32(part));
            }
        }
        for (line, v) in lines[j..].iter_mut().zip(eight(r)) {
            if let Some(part) = bytes_mut(&mut line[i..]).first_chunk_mut() {
                store32(part, _mm256_castps_si256(v));
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn eight(r: [__m256; 8]) -> [__m256; 8] {
    let [a, b, c, d, e, f, g, h] = r;
    let fours = |a: __m256, b: __m256, c: __m256, d: __m256| {
        let (ab, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (cd, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        [
            _mm256_shuffle_ps::<0x44>(ab, cd),
            _mm256_shuffle_ps::<0xee>(ab, cd),
            _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
            _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
        ]
    };
    let (upper, lower) = (fours(a, b, c, d), fours(e, f, g, h));
    let mut out = [_mm256_setzero_ps(); 8];
    for i in 0..4 {
        out[i] = _mm256_permute2f128_ps::<0x20>(upper[i], lower[i]);
        out[4 + i] = _mm256_permute2f128_ps::<0x31>(upper[i], lower[i]);
    }
    out
}
