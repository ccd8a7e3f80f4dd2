//! Between channels first and channels last.

use super::Engine;
use super::rows;
use super::shape::Shape;
use crate::error::{Error, Result};
use crate::exec::Executor;

/// What is moved between threads without a change.
pub(super) trait Value: Copy + Send + Sync {}

impl<T: Copy + Send + Sync> Value for T {}

/// Channels, height, width to height, width, channels, sample by sample.
pub(super) fn interleave<T: Value, E: Executor>(on: Engine<'_, E>, shape: Shape, from: &[T], to: &mut [T]) {
    reorder(on, shape.channels, shape.height * shape.width, from, to);
}

/// Height, width, channels to channels, height, width, sample by sample.
pub(super) fn separate<T: Value, E: Executor>(on: Engine<'_, E>, shape: Shape, from: &[T], to: &mut [T]) {
    reorder(on, shape.height * shape.width, shape.channels, from, to);
}

/// `[batch, a, b]` to `[batch, b, a]`.
fn reorder<T: Value, E: Executor>(on: Engine<'_, E>, a: usize, b: usize, from: &[T], to: &mut [T]) {
    let block = (a * b).max(1);
    on.exec.for_each_chunk(to, block, |i, to| {
        let from = from.get(i * block..(i + 1) * block).unwrap_or(&[]);
        // The lengths agree: both are whole samples of the plan.
        let _ = swap_inner(from, a, b, to);
    });
}

/// `[n, a, b]` to `[n, b, a]`, n as many as there are.
pub(super) fn swap_inner<T: Copy>(from: &[T], a: usize, b: usize, to: &mut [T]) -> Result<()> {
    let block = a.checked_mul(b).ok_or(Error::Overflow)?;
    if from.len() != to.len() || block == 0 {
        return Err(Error::ShapeMismatch);
    }
    for (from, to) in rows::of(from, block).zip(rows::of_mut(to, block)) {
        for (i, row) in rows::of_mut(to, a).enumerate() {
            for (t, f) in row.iter_mut().zip(from.iter().skip(i).step_by(b.max(1))) {
                *t = *f;
            }
        }
    }
    Ok(())
}
