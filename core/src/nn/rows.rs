//! Rows of flat slices, cut and copied without a way to panic: a width of 0 has no rows, and a copy ends
//! with the shorter side. Where lengths must fit, the caller has checked them; the compiler cannot know.

use crate::error::{Error, Result};
use core::slice::{ChunksExact, ChunksExactMut};

/// How many rows of `width` values `len` values are.
///
/// # Errors
/// [`Error::ShapeMismatch`] where it is no whole number, or the width is 0.
pub(crate) fn count(len: usize, width: usize) -> Result<usize> {
    match (len.checked_div(width), len.checked_rem(width)) {
        (Some(n), Some(0)) => Ok(n),
        _ => Err(Error::ShapeMismatch),
    }
}

/// The rows of `width` values.
pub(crate) fn of(v: &[f32], width: usize) -> ChunksExact<'_, f32> {
    v.chunks_exact(width.max(1))
}

/// The rows of `width` values, to write.
pub(crate) fn of_mut(v: &mut [f32], width: usize) -> ChunksExactMut<'_, f32> {
    v.chunks_exact_mut(width.max(1))
}

/// Copies the common prefix.
pub(crate) fn copy(from: &[f32], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(t, f)| *t = *f);
}
