//! Gradients kept within bounds.

use super::positive;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::{scale, sum_of_squares};
use crate::math;
use crate::nn::Engine;
use crate::nn::parallel::for_pieces;
use crate::simd::LANES;

/// The Euclidean norm of all gradients; not finite where one of them is not, or is beyond some 10¹⁷.
///
/// Squares are added 4096 at a time in sixteen lanes, and these sums in double precision in an order that depends on the
/// number of gradients alone.
pub fn grad_norm<E: Executor>(on: Engine<'_, E>, grads: &[f32]) -> f32 {
    libm::sqrt(squares(on, grads)) as f32
}

/// Scales all gradients by one factor where their Euclidean norm is above `max`, as PyTorch's `clip_grad_norm_` does:
/// by max / (norm + 10⁻⁶) where that is below 1 (Pascanu et al. 2013). Returns the norm that they had.
///
/// ```
/// use seedbed::{Level, exec::Serial, nn::{Engine, clip_norm}};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let mut grads = [3.0, -4.0];
/// assert_eq!(clip_norm(on, 1.0, &mut grads)?, 5.0);
/// assert!((grads[0] - 0.6).abs() < 1e-6 && (grads[1] + 0.8).abs() < 1e-6);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`] for a `max` that is not above 0 and finite, [`Error::NotFinite`] where [`grad_norm`] is not
/// finite. The gradients are untouched then.
pub fn clip_norm<E: Executor>(on: Engine<'_, E>, max: f32, grads: &mut [f32]) -> Result<f32> {
    if !positive(max) {
        return Err(Error::InvalidArgument);
    }
    let norm = libm::sqrt(squares(on, grads));
    if !(norm as f32).is_finite() {
        return Err(Error::NotFinite);
    }
    let factor = (f64::from(max) / (norm + 1e-6)) as f32;
    if factor < 1.0 {
        for_pieces(on.exec, grads, LANES, |_, piece| scale(on.level, factor, piece));
    }
    Ok(norm as f32)
}

/// Moves each gradient into [−`limit`, `limit`], as PyTorch's `clip_grad_value_` does; NaN stays NaN.
///
/// # Errors
/// [`Error::InvalidArgument`] for a `limit` that is not above 0 and finite. The gradients are untouched then.
pub fn clip_value<E: Executor>(on: Engine<'_, E>, limit: f32, grads: &mut [f32]) -> Result<()> {
    if !positive(limit) {
        return Err(Error::InvalidArgument);
    }
    for_pieces(on.exec, grads, LANES, |_, piece| bound(on.level, limit, piece));
    Ok(())
}

/// Values that are added in single precision.
const BLOCK: usize = 4096;

/// Sums in double precision that are added one after the other at last: what can be given to threads.
const PARTS: usize = 32;

/// Blocks below which a thread's share is not worth handing over.
const SMALLEST_SHARE: usize = 8;

fn squares<E: Executor>(on: Engine<'_, E>, v: &[f32]) -> f64 {
    let blocks = v.len().div_ceil(BLOCK);
    // Never by the number of threads.
    let span = blocks.div_ceil(PARTS).max(1).saturating_mul(BLOCK);
    let hands = on.exec.width().min(blocks / SMALLEST_SHARE).max(1);
    let share = PARTS.div_ceil(hands);
    let mut sums = [0f64; PARTS];
    on.exec.for_each_chunk(&mut sums, share, |i, sums| {
        let first = i.saturating_mul(share).saturating_mul(span);
        let spans = v.get(first..).unwrap_or(&[]).chunks(span.max(1));
        for (sum, span) in sums.iter_mut().zip(spans) {
            for block in span.chunks(BLOCK) {
                *sum += f64::from(sum_of_squares(on.level, block));
            }
        }
    });
    let mut total = 0f64;
    sums.iter().for_each(|sum| total += sum);
    total
}

kernel! {
    fn bound(limit: f32, v: &mut [f32]) = bound_body;
}

#[inline(always)]
fn bound_body(limit: f32, v: &mut [f32]) {
    v.iter_mut().for_each(|x| *x = math::clamp(*x, -limit, limit));
}
