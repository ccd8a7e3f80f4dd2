//! The embedding: a row of a table for each whole number.

use super::rows;
use crate::error::{Error, Result};

/// Writes the row of each index.
///
/// # Errors
/// [`Error::InvalidArgument`] for a value that is no whole number below the number of rows; nothing is written then.
pub(super) fn look_up(width: usize, table: &[f32], indices: &[f32], y: &mut [f32]) -> Result<()> {
    if indices.iter().any(|&index| row(width, table, index).is_none()) {
        return Err(Error::InvalidArgument);
    }
    for (&index, y) in indices.iter().zip(rows::of_mut(y, width)) {
        rows::copy(row(width, table, index).unwrap_or(&[]), y);
    }
    Ok(())
}

/// Adds the gradient by each row that was looked up to that of the table, in the order of the indices.
pub(super) fn gradients(width: usize, indices: &[f32], dy: &[f32], grad: &mut [f32]) {
    for (&index, dy) in indices.iter().zip(rows::of(dy, width)) {
        let row = rows::of_mut(grad, width).nth(index as usize).unwrap_or(&mut []);
        row.iter_mut().zip(dy).for_each(|(to, from)| *to += from);
    }
}

fn row(width: usize, table: &[f32], index: f32) -> Option<&[f32]> {
    let whole = index as usize;
    if whole as f32 == index { rows::of(table, width).nth(whole) } else { None }
}
