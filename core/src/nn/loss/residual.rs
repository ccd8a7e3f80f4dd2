//! Errors of values, squared and absolute.

use super::Against;
use super::sums::{Term, sum_of};
use crate::error::Result;
use crate::exec::Executor;
use crate::math;
use crate::nn::Engine;

/// Σ (p − t)² of the values of a sample, and its gradient scale·2·(p − t). It is PyTorch's `mse_loss` with
/// `reduction="sum"` over the sample: divide the scales by the width for the mean. Nothing is computed for an empty `grad`.
///
/// ```
/// use seedbed::{Level, exec::Serial, nn::Engine, nn::loss::{Against, squared_error}};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let batch = Against { predictions: &[1.0, 2.0], targets: &[0.0, 4.0], scales: &[0.5] };
/// let (mut loss, mut grad) = ([0.0], [0.0; 2]);
/// squared_error(on, &batch, &mut loss, &mut grad)?;
/// assert_eq!((loss, grad), ([5.0], [1.0, -2.0]));
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`crate::Error::ShapeMismatch`] where a length does not fit, and for rows without values.
pub fn squared_error<E: Executor>(
    on: Engine<'_, E>,
    batch: &Against<'_>,
    loss: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    batch.run(on, 1, loss, grad, |p, t, scale, g| squares(on.level, p, t, 2.0 * scale, g))
}

/// Σ |p − t| of the values of a sample, and its gradient scale·sign(p − t), 0 where they are equal. It is PyTorch's
/// `l1_loss` with `reduction="sum"` over the sample: divide the scales by the width for the mean. Nothing is computed
/// for an empty `grad`.
///
/// # Errors
/// As [`squared_error`].
pub fn absolute_error<E: Executor>(
    on: Engine<'_, E>,
    batch: &Against<'_>,
    loss: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    batch.run(on, 1, loss, grad, |p, t, scale, g| distances(on.level, p, t, scale, g))
}

/// A squared error, and `slope` times the error.
#[derive(Clone, Copy)]
pub(super) struct SquareTerm {
    pub slope: f32,
}

impl Term for SquareTerm {
    #[inline(always)]
    fn at(self, p: f32, t: f32, _: f32) -> (f32, f32) {
        let error = p - t;
        (error * error, self.slope * error)
    }
}

/// An absolute error, and its scaled derivative.
#[derive(Clone, Copy)]
struct DistanceTerm {
    scale: f32,
}

impl Term for DistanceTerm {
    #[inline(always)]
    fn at(self, p: f32, t: f32, _: f32) -> (f32, f32) {
        let error = p - t;
        // What is neither above nor below is its own sign: 0, or NaN.
        let sign = if error < 0.0 { -1.0 } else { error };
        let sign = if error > 0.0 { 1.0 } else { sign };
        (math::abs(error), self.scale * sign)
    }
}

kernel! {
    fn squares(p: &[f32], t: &[f32], slope: f32, grad: &mut [f32]) -> f32 = squares_body;
}

#[inline(always)]
fn squares_body(p: &[f32], t: &[f32], slope: f32, grad: &mut [f32]) -> f32 {
    sum_of(SquareTerm { slope }, p, t, grad)
}

kernel! {
    fn distances(p: &[f32], t: &[f32], scale: f32, grad: &mut [f32]) -> f32 = distances_body;
}

#[inline(always)]
fn distances_body(p: &[f32], t: &[f32], scale: f32, grad: &mut [f32]) -> f32 {
    sum_of(DistanceTerm { scale }, p, t, grad)
}
