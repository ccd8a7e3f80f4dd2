//! All nodes of a bend, and the places that pixels beside each other show.

use super::field::{Bent, Between, FURTHEST, Frame, Piece, triangle};
use crate::error::Result;
use crate::math;
use crate::scratch::{Scratch, ScratchLen};

/// Pixels that are worked on at a time.
pub const AT_ONCE: usize = 128;
/// Displacements that are worked out at a time: of those at the end of a piece some are of no pixel.
const LANES: usize = 16;
/// Columns that may be needed for as many pixels: nodes are at least a pixel apart.
const COLUMNS: usize = AT_ONCE + 8;
/// Fractional bits of a displacement.
const BITS: u32 = 16;

/// The nodes of a bend.
pub struct Lattice<'a> {
    /// Row by row.
    nodes: &'a [f32],
    columns: usize,
    /// Of each column the first pixel that is not left of it, and the part of the cell that lies before that pixel.
    starts: &'a [u32],
    parts: &'a [f32],
    frame: Frame,
}

impl Bent {
    /// Values of a lattice that begins anywhere, with room behind them, and its columns.
    fn lens(&self) -> [usize; 2] {
        // An elastic lattice may begin up to a cell further on, and so need a node more.
        let [columns, rows] = self.counts().map(|count| count.saturating_add(1));
        // A whole number of lanes is read.
        [columns.saturating_mul(rows).saturating_mul(2).saturating_add(LANES), columns]
    }

    /// Bytes that [`Bent::lattice`] takes, wherever it begins.
    pub(super) fn lattice_len(&self) -> usize {
        let [values, columns] = self.lens();
        ScratchLen::new().with::<f32>(values).with::<u32>(columns).with::<f32>(columns).bytes()
    }

    /// All nodes.
    pub(super) fn lattice<'a>(&self, scratch: &mut Scratch<'a>) -> Result<Lattice<'a>> {
        let [values, columns] = self.lens();
        let nodes = scratch.take::<f32>(values)?;
        let (starts, parts) = (scratch.take::<u32>(columns)?, scratch.take::<f32>(columns)?);
        for (row, nodes) in nodes.chunks_exact_mut(columns.max(1).saturating_mul(2)).enumerate() {
            for (column, node) in nodes.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                *node = self.node(column, row);
            }
        }
        for (column, (start, part)) in starts.iter_mut().zip(parts.iter_mut()).enumerate() {
            // The first pixel of the cell, but none before the picture.
            let place = self.frame.place(0, column);
            let mut first = (place as u32).saturating_sub(1);
            while self.frame.cell(0, f64::from(first)).0 < column {
                first = first.saturating_add(1);
            }
            *start = first;
            *part = self.frame.cell(0, f64::from(first)).1;
        }
        Ok(Lattice { nodes, columns, starts, parts, frame: self.frame })
    }
}

/// A coordinate of pixels beside each other: whole parts, and fractions of 32 bits.
#[derive(Debug)]
pub struct Coordinate<'a> {
    pub whole: &'a mut [i32; AT_ONCE],
    pub fraction: &'a mut [u32; AT_ONCE],
}

/// Displacements of pixels along one coordinate, and room for those of no pixel.
type Moves = [f32; AT_ONCE + LANES];

impl Lattice<'_> {
    /// The places in the source that the `len` pixels from (x, y) of the result on show, at most [`AT_ONCE`], `round` added to
    /// both coordinates.
    #[inline(always)]
    pub fn places(&self, (x, y): (usize, usize), len: usize, round: i64, to: [Coordinate<'_>; 2]) {
        let mut moves = [[0.0; AT_ONCE + LANES]; 2];
        self.moves((x, y), len.min(AT_ONCE), &mut moves);
        let [to_x, to_y] = to;
        let [moves_x, moves_y] = &moves;
        settle(to_x, moves_x, (x as i32, 1), round);
        settle(to_y, moves_y, (y as i32, 0), round);
    }

    /// The displacements.
    #[inline(always)]
    fn moves(&self, (x, y): (usize, usize), len: usize, to: &mut [Moves; 2]) {
        let (row, v) = self.frame.cell(1, y as f64);
        let (first, _) = self.frame.cell(0, x as f64);
        let last = self.frame.cell(0, (x + len.saturating_sub(1)) as f64).0;
        let mut across = [0.0; 2 * COLUMNS];
        if self.frame.between != Between::Triangles {
            self.down((first, row), v, last.saturating_sub(first) + 4, &mut across);
        }
        let (mut at, mut column) = (0, first);
        while at < len {
            let start = self.starts.get(column).map_or(0, |&start| start as usize);
            let next = self.starts.get(column + 1).map_or(usize::MAX, |&start| start as usize);
            let end = next.saturating_sub(x).max(at + 1).min(len);
            let t = Parts {
                start: self.parts.get(column).copied().unwrap_or(0.0),
                part: (1.0 / self.frame.spacing[0]) as f32,
                before: (x + at).saturating_sub(start) as i32,
            };
            if self.frame.between == Between::Triangles {
                let nodes = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(i, j)| self.node(column + i, row + j));
                // The pixels left of the diagonal are those whose part is below `v`.
                let mut left = at;
                while left < end && t.of(left - at) < v {
                    left += 1;
                }
                put(to, at, left, t, &triangle(nodes, v, false));
                put(to, left, end, t.later(left - at), &triangle(nodes, v, true));
            } else {
                let nodes = across.as_chunks::<2>().0.get(column - first..).and_then(|all| all.first_chunk());
                let [a, b, c, d] = nodes.copied().unwrap_or_default();
                let powers = |a, b, c, d| self.frame.between.powers([a, b, c, d]);
                let piece = [powers(a[0], b[0], c[0], d[0]), powers(a[1], b[1], c[1], d[1])];
                put(to, at, end, t, &piece);
            }
            (at, column) = (end, column + 1);
        }
    }

    fn node(&self, column: usize, row: usize) -> [f32; 2] {
        let at = row.wrapping_mul(self.columns).wrapping_add(column);
        self.nodes.as_chunks::<2>().0.get(at).copied().unwrap_or_default()
    }

    /// Four nodes below each other as one, from the column before `first` on, at this part of the height of the row: x and y
    /// beside each other, of `count` columns and some more.
    #[inline(always)]
    fn down(&self, (first, row): (usize, usize), v: f32, count: usize, across: &mut [f32; 2 * COLUMNS]) {
        let stride = self.columns.wrapping_mul(2);
        for j in 0..4 {
            // The weight is what the polynomial makes of a 1 there and zeros elsewhere.
            let mut one = [0.0; 4];
            one.get_mut(j).into_iter().for_each(|v| *v = 1.0);
            let [a, b, c, d] = self.frame.between.powers(one);
            let weight = ((d * v + c) * v + b) * v + a;
            let start =
                (row + j).saturating_sub(1).wrapping_mul(stride).wrapping_add(first.saturating_sub(1) * 2);
            let nodes = self.nodes.get(start..).unwrap_or(&[]).as_chunks::<LANES>().0;
            let chunks = across.as_chunks_mut::<LANES>().0.iter_mut().zip(nodes);
            for (sums, nodes) in chunks.take((2 * count).div_ceil(LANES)) {
                for (sum, node) in sums.iter_mut().zip(nodes) {
                    *sum += weight * node;
                }
            }
        }
    }
}

/// How far into their cell pixels beside each other lie, of 1.
#[derive(Clone, Copy, Debug)]
struct Parts {
    /// At the first pixel of the cell.
    start: f32,
    /// What a pixel is.
    part: f32,
    /// Pixels of the cell that come before.
    before: i32,
}

impl Parts {
    #[inline(always)]
    fn of(&self, i: usize) -> f32 {
        self.start + (self.before + i as i32) as f32 * self.part
    }

    /// From a later pixel on.
    const fn later(self, by: usize) -> Self {
        Self { before: self.before + by as i32, ..self }
    }
}

/// The displacements of the pixels `at..end` of one piece, and of some behind them.
#[inline(always)]
fn put(to: &mut [Moves; 2], at: usize, end: usize, t: Parts, piece: &Piece) {
    for (to, [a, b, c, d]) in to.iter_mut().zip(piece) {
        let chunks = to.get_mut(at..).unwrap_or(&mut []).as_chunks_mut::<LANES>().0;
        for (n, to) in chunks.iter_mut().enumerate().take(end.saturating_sub(at).div_ceil(LANES)) {
            for (i, to) in to.iter_mut().enumerate() {
                let t = t.of(n * LANES + i);
                *to = ((d * t + c) * t + b) * t + a;
            }
        }
    }
}

/// Displacements with their fractional bits, rounded down, and added to the pixels' own place, a `step` further for each, with
/// `round`.
#[inline(always)]
fn settle(to: Coordinate<'_>, moves: &Moves, (first, step): (i32, i32), round: i64) {
    for (i, ((whole, fraction), by)) in to.whole.iter_mut().zip(to.fraction).zip(moves).enumerate() {
        let scaled = math::clamp(*by, -FURTHEST, FURTHEST) * (1 << BITS) as f32;
        let near = scaled as i32;
        let fixed = if near as f32 > scaled { near - 1 } else { near };
        let (part, carry) = ((fixed << (32 - BITS)) as u32).overflowing_add(round as u32);
        let own = first.wrapping_add((i as i32).wrapping_mul(step));
        let moved = own.wrapping_add(fixed >> BITS).wrapping_add((round >> 32) as i32);
        (*whole, *fraction) = (moved.wrapping_add(carry.into()), part);
    }
}
