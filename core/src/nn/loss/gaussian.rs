//! The normal likelihood of unbounded values.

use super::Against;
use super::residual::SquareTerm;
use super::sums::sum_of;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::Engine;
use crate::nn::rows;
use crate::simd::{LANES, tree_sum};

/// ½·ln 2π.
const HALF_LN_TAU: f32 = 0.918_938_5;

/// −Σ ln p(x) for normal values with the given means and one standard deviation `sigma` > 0, and its
/// gradient scale·(mean − x)/σ². Up to a constant it is the squared error over 2σ². Nothing is computed for an
/// empty `grad`.
///
/// # Errors
/// [`Error::ShapeMismatch`] as in [`super::bernoulli_nll`], [`Error::InvalidArgument`] for a `sigma` that is not positive,
/// or of which 1/σ² is 0 or not finite.
pub fn gaussian_nll<E: Executor>(
    on: Engine<'_, E>,
    sigma: f32,
    batch: &Against<'_>,
    nll: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    let precision = precision(sigma)?;
    let constant = math::ln(sigma) + HALF_LN_TAU;
    batch.run(on, 1, nll, grad, |p, t, scale, g| {
        gaussian(on.level, p, t, [precision, scale], g) + constant * p.len() as f32
    })
}

/// 1/σ² of a standard deviation for which it is positive and finite.
pub(crate) fn precision(sigma: f32) -> Result<f32> {
    let precision = 1.0 / (sigma * sigma);
    let fits = sigma > 0.0 && precision > 0.0 && precision < f32::INFINITY;
    if fits { Ok(precision) } else { Err(Error::InvalidArgument) }
}

/// −Σ ln p(x) for normal values of which mean and variance are predicted: `predictions` holds for each sample its
/// means and then its log variances, so twice as many values as `targets`. With the precision π = e^(−log variance) it
/// is Σ ½·(log variance + π·(mean − x)²) + ½·ln 2π, and its gradient scale·π·(mean − x) by a mean and
/// scale·½·(1 − π·(mean − x)²) by a log variance. Nothing is computed for an empty `grad`.
///
/// A variance that may shrink without bound makes this loss fall without bound where a value is predicted exactly: keep
/// log variances above some floor. Below −88 the precision is infinite.
///
/// ```
/// use seedbed::{Level, exec::Serial, nn::Engine, nn::loss::{Against, learned_gaussian_nll}};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// // One value: its mean is 1, its variance 1.
/// let batch = Against { predictions: &[1.0, 0.0], targets: &[3.0], scales: &[1.0] };
/// let (mut nll, mut grad) = ([0.0], [0.0; 2]);
/// learned_gaussian_nll(on, &batch, &mut nll, &mut grad)?;
/// assert!((nll[0] - 2.918_938_5).abs() < 1e-6);
/// assert_eq!(grad, [-2.0, -1.5]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::ShapeMismatch`] where a length does not fit, and for rows without values.
pub fn learned_gaussian_nll<E: Executor>(
    on: Engine<'_, E>,
    batch: &Against<'_>,
    nll: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    batch.run(on, 2, nll, grad, |p, t, scale, g| {
        0.5 * learned(on.level, p, t, scale, g) + HALF_LN_TAU * t.len() as f32
    })
}
kernel! {
    fn gaussian(means: &[f32], x: &[f32], scales: [f32; 2], grad: &mut [f32]) -> f32 = gaussian_body;
}

#[inline(always)]
fn gaussian_body(means: &[f32], x: &[f32], [precision, scale]: [f32; 2], grad: &mut [f32]) -> f32 {
    0.5 * precision * sum_of(SquareTerm { slope: scale * precision }, means, x, grad)
}

kernel! {
    /// Σ log variance + precision·error², of which the loss is half.
    fn learned(predictions: &[f32], x: &[f32], scale: f32, grad: &mut [f32]) -> f32 = learned_body;
}

#[inline(always)]
fn learned_body(predictions: &[f32], x: &[f32], scale: f32, grad: &mut [f32]) -> f32 {
    let (means, log_vars) = predictions.split_at_checked(x.len()).unwrap_or_default();
    let (by_mean, by_log_var) = grad.split_at_mut_checked(x.len()).unwrap_or_default();
    let ((means, means_tail), (log_vars, log_vars_tail)) = (means.as_chunks(), log_vars.as_chunks());
    let (x, x_tail) = x.as_chunks();
    let (by_mean, by_mean_tail) = by_mean.as_chunks_mut();
    let (by_log_var, by_log_var_tail) = by_log_var.as_chunks_mut();
    let mut slopes = by_mean.iter_mut().zip(by_log_var);
    let mut lanes = [0f32; LANES];
    for ((means, log_vars), x) in means.iter().zip(log_vars).zip(x) {
        let (terms, by_mean, by_log_var) = sixteen(scale, *means, *log_vars, *x);
        lanes.iter_mut().zip(terms).for_each(|(lane, t)| *lane += t);
        if let Some(to) = slopes.next() {
            (*to.0, *to.1) = (by_mean, by_log_var);
        }
    }
    // Lanes of zeros behind the last values add 0.
    let [means, log_vars, x] = [means_tail, log_vars_tail, x_tail].map(padded);
    let (terms, by_mean, by_log_var) = sixteen(scale, means, log_vars, x);
    lanes.iter_mut().zip(terms).for_each(|(lane, t)| *lane += t);
    rows::copy(&by_mean, by_mean_tail);
    rows::copy(&by_log_var, by_log_var_tail);
    tree_sum(lanes)
}

/// Twice the loss of sixteen values without its constant, and the scaled gradients by their means and log variances.
#[inline(always)]
fn sixteen(
    scale: f32,
    means: [f32; LANES],
    log_vars: [f32; LANES],
    x: [f32; LANES],
) -> ([f32; LANES], [f32; LANES], [f32; LANES]) {
    let (mut terms, mut by_mean, mut by_log_var) = (x, means, log_vars);
    for ((x, mean), log_var) in terms.iter_mut().zip(&mut by_mean).zip(&mut by_log_var) {
        let error = *mean - *x;
        let precision = math::exp(-*log_var);
        let ratio = precision * (error * error);
        *x = *log_var + ratio;
        *mean = scale * (precision * error);
        *log_var = scale * (0.5 - 0.5 * ratio);
    }
    (terms, by_mean, by_log_var)
}

fn padded(tail: &[f32]) -> [f32; LANES] {
    let mut lanes = [0f32; LANES];
    rows::copy(tail, &mut lanes);
    lanes
}
