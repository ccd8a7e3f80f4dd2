//! Copies a block of B into panels of sixteen columns: panel p holds, for each k, columns 16p … 16p + 15,
//! with zeros where B has no column. Lanes computed from those zeros are never stored.

#![allow(clippy::indexing_slicing)]

#[cfg(target_arch = "x86_64")]
mod x86;

use super::Operand;
use crate::simd::{LANES, VECTORS};

dispatch! {
    /// Packs rows `depth..depth + kc` and columns `col..col + cols` of the factor `b` into `packed`.
    pub(super) fn panels(b: &Operand<'_>, depth: usize, kc: usize, col: usize, cols: usize, packed: &mut [f32]) {
        base: panels_base, Avx2: x86::panels_by_8, Avx512: x86::panels_by_16,
    }
}

/// Sixteen lines of sixteen values.
type Tile = [[f32; LANES]; LANES];

fn panels_base(b: &Operand<'_>, depth: usize, kc: usize, col: usize, cols: usize, packed: &mut [f32]) {
    panels_body(b, depth, kc, col, cols, packed, |rows, lines| {
        *lines = core::array::from_fn(|i| core::array::from_fn(|j| rows[j][i]));
    });
}

#[inline(always)]
fn panels_body(
    b: &Operand<'_>,
    depth: usize,
    kc: usize,
    col: usize,
    cols: usize,
    packed: &mut [f32],
    turn: impl Fn([&[f32; LANES]; LANES], &mut Tile),
) {
    for (p, panel) in packed.chunks_exact_mut((kc * LANES).max(1)).take(cols.div_ceil(LANES)).enumerate() {
        let first = col + p * LANES;
        let width = (cols - p * LANES).min(LANES);
        let (lines, _) = panel.as_chunks_mut::<LANES>();
        if b.transposed {
            from_columns(b, depth, first, width, lines, &turn);
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

/// B transposed: a lane of the panel is a piece of a stored row. Sixteen lines at a time are transposed in registers.
#[inline(always)]
fn from_columns(
    b: &Operand<'_>,
    depth: usize,
    first: usize,
    width: usize,
    lines: &mut [[f32; LANES]],
    turn: impl Fn([&[f32; LANES]; LANES], &mut Tile),
) {
    // The rows from `depth` on; those that are not there are shorter, and read as zeros.
    let rows: [&[f32]; LANES] = core::array::from_fn(|lane| {
        let row = if lane < width { b.mat.row(first + lane) } else { &[] };
        row.get(depth..).unwrap_or(&[])
    });
    // Not by `map`, of which compilers make calls.
    let pieces = |k: usize| {
        let mut pieces = [&[0.0; LANES]; LANES];
        for (piece, row) in pieces.iter_mut().zip(rows) {
            if let Some(found) = row.get(k..).and_then(|row| row.first_chunk()) {
                *piece = found;
            }
        }
        pieces
    };
    let done = if VECTORS { lines.len() - lines.len() % LANES } else { 0 };
    for (t, tile) in lines.as_chunks_mut().0.iter_mut().take(done / LANES).enumerate() {
        turn(pieces(t * LANES), tile);
    }
    // The last sixteen, of which some are done.
    let all = lines.len();
    if let Some(last) = lines.last_chunk_mut().filter(|_| VECTORS) {
        if done < all {
            turn(pieces(all - LANES), last);
        }
        return;
    }
    for (i, line) in lines.iter_mut().enumerate() {
        for (to, row) in line.iter_mut().zip(rows) {
            *to = row.get(i).copied().unwrap_or(0.0);
        }
    }
}
