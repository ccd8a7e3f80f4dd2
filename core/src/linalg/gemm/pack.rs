//! Copies a block of B into panels of sixteen columns: panel p holds, for each k, columns 16p … 16p + 15,
//! with zeros where B has no column. Lanes computed from those zeros are never stored.

use super::Operand;
use crate::simd::LANES;

/// Packs rows `depth..depth + kc` and columns `col..col + cols` of the factor `b` into `packed`.
pub(super) fn panels(
    b: &Operand<'_>,
    depth: usize,
    kc: usize,
    col: usize,
    cols: usize,
    packed: &mut [f32],
) {
    for (p, panel) in packed.chunks_exact_mut(kc * LANES).take(cols.div_ceil(LANES)).enumerate() {
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

/// B transposed: a lane of the panel is a piece of a stored row. Sixteen lines at a time, so that both
/// sides stay in the first-level cache.
fn from_columns(b: &Operand<'_>, depth: usize, first: usize, width: usize, lines: &mut [[f32; LANES]]) {
    for (t, tile) in lines.chunks_mut(LANES).enumerate() {
        let k = depth + t * LANES;
        for lane in 0..LANES {
            let row = if lane < width { b.mat.row(first + lane) } else { &[] };
            let piece = row.get(k..k + tile.len()).unwrap_or(&[0.0; LANES]);
            for (line, &from) in tile.iter_mut().zip(piece) {
                if let Some(to) = line.get_mut(lane) {
                    *to = from;
                }
            }
        }
    }
}
