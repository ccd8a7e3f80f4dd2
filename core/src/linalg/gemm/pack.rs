//! Copies a block of B into panels of sixteen columns: panel p holds, for each k, columns 16p … 16p + 15,
//! with zeros where B has no column. Lanes computed from those zeros are never stored.

#![allow(clippy::indexing_slicing)]

use super::Operand;
use crate::simd::LANES;

kernel! {
    /// Packs rows `depth..depth + kc` and columns `col..col + cols` of the factor `b` into `packed`.
    pub(super) fn panels(b: &Operand<'_>, depth: usize, kc: usize, col: usize, cols: usize, packed: &mut [f32])
        = panels_body, with avx512;
}

#[inline(always)]
fn panels_body(b: &Operand<'_>, depth: usize, kc: usize, col: usize, cols: usize, packed: &mut [f32]) {
    for (p, panel) in packed.chunks_exact_mut((kc * LANES).max(1)).take(cols.div_ceil(LANES)).enumerate() {
        let first = col + p * LANES;
        let width = (cols - p * LANES).min(LANES);
        let (lines, _) = panel.as_chunks_mut::<LANES>();
        if b.transposed {
            from_columns(b, depth, first, width, lines);
        } else {
            from_rows(b, depth, first, width, lines);
        }
    }
}

/// B as it is stored: a line of the panel is a piece of a row.
#[inline(always)]
fn from_rows(b: &Operand<'_>, depth: usize, first: usize, width: usize, lines: &mut [[f32; LANES]]) {
    for (i, line) in lines.iter_mut().enumerate() {
        let row = b.mat.row(depth + i).get(first..first + width).unwrap_or(&[]);
        if let Some(whole) = row.as_array::<LANES>() {
            *line = *whole;
        } else {
            *line = [0.0; LANES];
            for (to, &from) in line.iter_mut().zip(row) {
                *to = from;
            }
        }
    }
}

/// B transposed: a lane of the panel is a piece of a stored row. Sixteen lines at a time go through a tile
/// that is transposed in registers.
#[inline(always)]
fn from_columns(b: &Operand<'_>, depth: usize, first: usize, width: usize, lines: &mut [[f32; LANES]]) {
    for (t, lines) in lines.chunks_mut(LANES).enumerate() {
        let k = depth + t * LANES;
        let mut tile = [[0f32; LANES]; LANES];
        for (lane, tile) in tile.iter_mut().enumerate().take(width) {
            let piece = b.mat.row(first + lane).get(k..k + lines.len()).unwrap_or(&[]);
            if let Some(whole) = piece.as_array::<LANES>() {
                *tile = *whole;
            } else {
                for (to, &from) in tile.iter_mut().zip(piece) {
                    *to = from;
                }
            }
        }
        for (line, from) in lines.iter_mut().zip(transpose(&tile)) {
            *line = from;
        }
    }
}

/// The transpose, in four rounds in which rows i and i + 8 are interleaved: each round is two shuffles of
/// whole vectors, which the compiler sees.
#[inline(always)]
fn transpose(tile: &[[f32; LANES]; LANES]) -> [[f32; LANES]; LANES] {
    let mut tile = *tile;
    for _ in 0..4 {
        tile = core::array::from_fn(|i| {
            let (low, high) = (&tile[i / 2], &tile[i / 2 + LANES / 2]);
            let half = i % 2 * (LANES / 2);
            core::array::from_fn(|j| if j % 2 == 0 { low[half + j / 2] } else { high[half + j / 2] })
        });
    }
    tile
}
