//! The Bernoulli likelihood of values in [0, 1].

use super::Against;
use super::sums::{Term, sum_of};
use crate::error::Result;
use crate::exec::Executor;
use crate::math;
use crate::nn::Engine;

/// −Σ ln p(x) for Bernoulli values with the given logits, and its gradient scale·(sigmoid(logit) − x).
/// Targets between 0 and 1 count as probabilities, as in PyTorch's `binary_cross_entropy_with_logits`.
/// Nothing is computed for an empty `grad`.
///
/// ```
/// use seedbed::{Level, exec::Serial, nn::Engine, nn::loss::{Against, bernoulli_nll}};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let batch = Against { predictions: &[0.0, 0.0], targets: &[1.0, 0.0], scales: &[1.0] };
/// let (mut nll, mut grad) = ([0.0], [0.0; 2]);
/// bernoulli_nll(on, &batch, &mut nll, &mut grad)?;
/// assert!((nll[0] - 2.0 * f32::ln(2.0)).abs() < 1e-6);
/// assert_eq!(grad, [-0.5, 0.5]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`crate::Error::ShapeMismatch`] where a length does not fit, and for rows without values.
pub fn bernoulli_nll<E: Executor>(
    on: Engine<'_, E>,
    batch: &Against<'_>,
    nll: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    batch.run(on, 1, nll, grad, |p, t, scale, g| bernoulli(on.level, p, t, scale, g))
}

/// The Bernoulli loss of a logit, and its scaled gradient.
#[derive(Clone, Copy)]
struct BernoulliTerm {
    scale: f32,
}

impl Term for BernoulliTerm {
    #[inline(always)]
    fn at(self, logit: f32, x: f32, _: f32) -> (f32, f32) {
        let (loss, slope) = bernoulli_one(logit, x);
        (loss, self.scale * slope)
    }
}

/// −ln of the Bernoulli probability of `x` and its derivative by the logit, from one exponential.
#[inline(always)]
pub(super) fn bernoulli_one(logit: f32, x: f32) -> (f32, f32) {
    let e = math::exp(-math::abs(logit));
    let numerator = if logit < 0.0 { e } else { 1.0 };
    // ln(1 + e) as `math::ln_1p` has it, without its cases: here 1 + e lies in [1, 2].
    let u = 1.0 + e;
    let softplus = math::max(logit, 0.0) + (math::ln(u) + (e - (u - 1.0)) / u);
    (softplus - logit * x, numerator / u - x)
}

kernel! {
    fn bernoulli(logits: &[f32], x: &[f32], scale: f32, grad: &mut [f32]) -> f32 = bernoulli_body, with avx512;
}

#[inline(always)]
fn bernoulli_body(logits: &[f32], x: &[f32], scale: f32, grad: &mut [f32]) -> f32 {
    sum_of(BernoulliTerm { scale }, logits, x, grad)
}
