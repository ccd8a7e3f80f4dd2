//! Softmax over the channels of each place.

use super::Engine;
use super::parallel::for_rows;
use super::rows;
use crate::exec::Executor;
use crate::math;
use crate::simd::{LANES, tree_sum};

/// e^x / Σ e^x of each row of `width` values, in place.
pub(super) fn apply<E: Executor>(on: Engine<'_, E>, width: usize, v: &mut [f32]) {
    let rows = v.len().checked_div(width).unwrap_or(0);
    for_rows(on.exec, rows, [v], |_, [v]| {
        rows::of_mut(v, width).for_each(|row| probabilities(on.level, row))
    });
}

/// `grad`, the gradient by the probabilities `y`, becomes that by what they are of: y·(dy − Σ y·dy).
pub(super) fn chain<E: Executor>(on: Engine<'_, E>, width: usize, y: &[f32], grad: &mut [f32]) {
    let rows = grad.len().checked_div(width).unwrap_or(0);
    for_rows(on.exec, rows, [grad], |first, [grad]| {
        let y = rows::of(y, width).skip(first);
        rows::of_mut(grad, width).zip(y).for_each(|(grad, y)| back(on.level, y, grad));
    });
}

kernel! {
    /// One row of probabilities.
    pub(super) fn probabilities(row: &mut [f32]) = probabilities_body;
}

#[inline(always)]
fn probabilities_body(row: &mut [f32]) {
    let most = largest(row);
    let mut sums = [0f32; LANES];
    for part in row.chunks_mut(LANES) {
        for (sum, v) in sums.iter_mut().zip(part) {
            *v = math::exp(*v - most);
            *sum += *v;
        }
    }
    let share = 1.0 / tree_sum(sums);
    row.iter_mut().for_each(|v| *v *= share);
}

/// The largest of a row; −∞ without values, and NaN counts for none.
#[inline(always)]
pub(super) fn largest(row: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    for part in row.chunks(LANES) {
        most.iter_mut().zip(part).for_each(|(most, v)| *most = math::max(*v, *most));
    }
    most.into_iter().fold(f32::NEG_INFINITY, |a, b| math::max(b, a))
}

kernel! {
    fn back(y: &[f32], grad: &mut [f32]) = back_body;
}

#[inline(always)]
fn back_body(y: &[f32], grad: &mut [f32]) {
    let mut sums = [0f32; LANES];
    for (y, grad) in y.chunks(LANES).zip(grad.chunks(LANES)) {
        for ((sum, y), grad) in sums.iter_mut().zip(y).zip(grad) {
            *sum += y * grad;
        }
    }
    let along = tree_sum(sums);
    grad.iter_mut().zip(y).for_each(|(grad, y)| *grad = y * (*grad - along));
}
