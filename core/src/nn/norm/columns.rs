//! Sums down the columns of rows, in the order of the rows.

use crate::exec::Executor;
use crate::nn::Engine;
use crate::nn::parallel::for_pieces;
use crate::nn::rows;
use crate::simd::{LANES, Level};

/// Adds the rows of `m` (as wide as `sums`) to `sums`, in their order.
pub(crate) fn add_columns<E: Executor>(on: Engine<'_, E>, m: &[f32], sums: &mut [f32]) {
    let cols = sums.len();
    for_pieces(on.exec, sums, LANES, |piece, sums| {
        add_rows(on.level, m, cols, piece.saturating_mul(LANES), sums);
    });
}

kernel! {
    fn add_rows(m: &[f32], cols: usize, first: usize, sums: &mut [f32]) = add_rows_body;
}

#[inline(always)]
fn add_rows_body(m: &[f32], cols: usize, first: usize, sums: &mut [f32]) {
    for row in rows::of(m, cols) {
        for (s, x) in sums.iter_mut().zip(row.get(first..).unwrap_or(&[])) {
            *s += x;
        }
    }
}

/// What is summed: of sixteen values of one row of two matrices, whose first is in column `first` of row `row`.
///
/// A trait and not a closure: only a method can be told to be inlined, and what is not inlined into a kernel
/// is compiled for the base level.
pub(super) trait Columns: Copy + Sync {
    fn at(self, row: usize, first: usize, a: &[f32; LANES], b: &[f32; LANES]) -> [f32; LANES];
}

/// Rows that are summed by themselves before their sum is added, which keeps long sums exact.
const BLOCK: usize = 64;

/// Calls `run(first column, sums)` for the columns of `sums`, sixteen or fewer at a time.
pub(super) fn sixteens<E: Executor>(
    on: Engine<'_, E>,
    sums: &mut [f32],
    run: impl Fn(Level, usize, &mut [f32]) + Sync + Send,
) {
    for_pieces(on.exec, sums, LANES, |piece, sums| {
        for (i, sums) in sums.chunks_mut(LANES).enumerate() {
            run(on.level, piece.saturating_add(i).saturating_mul(LANES), sums);
        }
    });
}

/// The sums of `what` down the columns from `first` on of rows of `cols` values of `a` and `b`.
#[inline(always)]
pub(super) fn sum(what: impl Columns, [a, b]: [&[f32]; 2], cols: usize, first: usize, sums: &mut [f32]) {
    let (mut total, mut part) = ([0f32; LANES], [0f32; LANES]);
    for (i, (a, b)) in rows::of(a, cols).zip(rows::of(b, cols)).enumerate() {
        let terms = what.at(i, first, &lanes(a, first), &lanes(b, first));
        part.iter_mut().zip(terms).for_each(|(part, term)| *part += term);
        if i % BLOCK == BLOCK - 1 {
            total.iter_mut().zip(&mut part).for_each(|(total, part)| *total += core::mem::take(part));
        }
    }
    for ((sum, total), part) in sums.iter_mut().zip(total).zip(part) {
        *sum = total + part;
    }
}

/// Sixteen values from `first` on, zeros after the last.
#[inline(always)]
pub(super) fn lanes(row: &[f32], first: usize) -> [f32; LANES] {
    let rest = row.get(first..).unwrap_or(&[]);
    if let Some(whole) = rest.first_chunk::<LANES>() {
        return *whole;
    }
    let mut lanes = [0.0; LANES];
    lanes.iter_mut().zip(rest).for_each(|(lane, v)| *lane = *v);
    lanes
}

/// The sums of the columns of `m`, as wide as `sums`, by blocks of rows.
pub(super) fn totals<E: Executor>(on: Engine<'_, E>, m: &[f32], sums: &mut [f32]) {
    let cols = sums.len();
    sixteens(on, sums, |level, first, sums| total(level, m, cols, first, sums));
}

#[derive(Clone, Copy)]
struct Value;

impl Columns for Value {
    #[inline(always)]
    fn at(self, _: usize, _: usize, a: &[f32; LANES], _: &[f32; LANES]) -> [f32; LANES] {
        *a
    }
}

kernel! {
    fn total(m: &[f32], cols: usize, first: usize, sums: &mut [f32]) = total_body;
}

#[inline(always)]
fn total_body(m: &[f32], cols: usize, first: usize, sums: &mut [f32]) {
    sum(Value, [m, m], cols, first, sums);
}
