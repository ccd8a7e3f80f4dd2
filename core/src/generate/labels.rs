//! Classes as inputs of a network: one-hot columns behind the values of a row.

use crate::error::{Error, Result};
use crate::nn::rows;
use crate::scratch::Scratch;

/// Whether `labels` is one class below `classes` for each of `batch` samples, or empty for no classes.
pub(super) fn check(labels: &[u32], classes: usize, batch: usize) -> Result<()> {
    if labels.len() != if classes == 0 { 0 } else { batch } {
        return Err(Error::ShapeMismatch);
    }
    if labels.iter().any(|&l| l as usize >= classes) {
        return Err(Error::InvalidArgument);
    }
    Ok(())
}

/// Writes each row of `x` (`width` values) and behind it `classes` values, 1 for its label and 0 else.
pub(super) fn write(x: &[f32], width: usize, labels: &[u32], classes: usize, out: &mut [f32]) {
    let mut labels = labels.iter();
    for (x, row) in rows::of(x, width).zip(rows::of_mut(out, width + classes)) {
        let (values, hot) = row.split_at_mut_checked(width).unwrap_or_default();
        rows::copy(x, values);
        hot.fill(0.0);
        if let Some(one) = labels.next().and_then(|&l| hot.get_mut(l as usize)) {
            *one = 1.0;
        }
    }
}

/// Values of scratch that [`append`] takes for rows that are `width` wide in the end.
pub(super) const fn taken(batch: usize, width: usize, classes: usize) -> usize {
    if classes == 0 { 0 } else { batch.saturating_mul(width) }
}

/// What [`write`] makes of `x`; for no classes `x` itself.
pub(super) fn append<'s>(
    x: &'s [f32],
    width: usize,
    labels: &[u32],
    classes: usize,
    scratch: &mut Scratch<'s>,
) -> Result<&'s [f32]> {
    if classes == 0 {
        return Ok(x);
    }
    let out = scratch.take::<f32>(rows::count(x.len(), width)? * (width + classes))?;
    write(x, width, labels, classes, out);
    Ok(out)
}

/// The inverse for the values: the first `width` columns of each row, to `out`.
pub(super) fn strip(wide: &[f32], width: usize, classes: usize, out: &mut [f32]) {
    for (row, out) in rows::of(wide, width + classes).zip(rows::of_mut(out, width)) {
        rows::copy(row, out);
    }
}
