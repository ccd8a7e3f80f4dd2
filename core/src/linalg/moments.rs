//! Means and deviations of columns, in double precision.

use crate::error::{Error, Result};
use crate::simd::Level;
use crate::view::MatRef;

/// Mean and population standard deviation (divided by n) of each column, accumulated in double precision. Both are
/// 0 where there are no rows; a NaN or an infinity spreads to its column's.
///
/// # Errors
/// [`Error::ShapeMismatch`] where an output has not one element per column.
pub fn column_moments(level: Level, x: MatRef<'_, f32>, mean: &mut [f64], std: &mut [f64]) -> Result<()> {
    if mean.len() != x.cols() || std.len() != x.cols() {
        return Err(Error::ShapeMismatch);
    }
    column_means(level, x, mean);
    std.fill(0.0);
    for row in x.iter_rows() {
        add_square_deviations(level, row, mean, std);
    }
    let n = x.rows().max(1) as f64;
    for s in std {
        *s = libm::sqrt(*s / n);
    }
    Ok(())
}

/// Mean of each column; 0 where there are no rows.
pub(crate) fn column_means(level: Level, x: MatRef<'_, f32>, mean: &mut [f64]) {
    mean.fill(0.0);
    for row in x.iter_rows() {
        add_widened(level, row, mean);
    }
    let n = x.rows().max(1) as f64;
    for m in mean {
        *m /= n;
    }
}

kernel! {
    fn add_widened(x: &[f32], sum: &mut [f64]) = add_widened_body;
}
#[inline(always)]
fn add_widened_body(x: &[f32], sum: &mut [f64]) {
    for (s, &x) in sum.iter_mut().zip(x) {
        *s += f64::from(x);
    }
}

kernel! {
    fn add_square_deviations(x: &[f32], mean: &[f64], sum: &mut [f64]) = add_square_deviations_body;
}
#[inline(always)]
fn add_square_deviations_body(x: &[f32], mean: &[f64], sum: &mut [f64]) {
    for ((s, &x), &m) in sum.iter_mut().zip(x).zip(mean) {
        let d = f64::from(x) - m;
        *s += d * d;
    }
}
