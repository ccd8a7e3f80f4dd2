//! Losses with their gradients in one pass over a batch of rows.
//!
//! Each takes a scale for every sample (its weight divided by what the batch is averaged over) and writes
//! the unscaled loss of the sample in nats, and the gradient of the scaled one. The elements of a sample are
//! added in sixteen lanes and a fixed tree.

use super::Engine;
use super::parallel::for_rows;
use super::rows;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::simd::{LANES, tree_sum};

/// ½·ln 2π.
const HALF_LN_TAU: f32 = 0.918_938_5;

/// A batch of predictions of `width` values each, its targets, and a scale for each sample.
#[derive(Clone, Copy, Debug)]
pub struct Against<'a> {
    /// Predictions: logits or means, one row for each sample.
    pub predictions: &'a [f32],
    /// What was to be predicted, of the same shape.
    pub targets: &'a [f32],
    /// One scale for each sample.
    pub scales: &'a [f32],
}

impl Against<'_> {
    fn check(&self, nll: &[f32], grad: &[f32]) -> Result<usize> {
        let n = self.predictions.len();
        let rows = self.scales.len();
        let grad_fits = grad.is_empty() || grad.len() == n;
        if n == 0 || self.targets.len() != n || !grad_fits || nll.len() != rows {
            return Err(Error::ShapeMismatch);
        }
        rows::count(n, rows)
    }

    fn run<E, F>(&self, on: Engine<'_, E>, nll: &mut [f32], grad: &mut [f32], row: F) -> Result<()>
    where
        E: Executor,
        F: Fn(&[f32], &[f32], f32, &mut [f32]) -> f32 + Sync + Send,
    {
        let width = self.check(nll, grad)?;
        for_rows(on.exec, self.scales.len(), [nll, grad], |first, [nll, grad]| {
            let skipped = |v: &'_ [f32]| v.len().min(first.saturating_mul(width));
            let predictions = self.predictions.get(skipped(self.predictions)..).unwrap_or(&[]);
            let targets = self.targets.get(skipped(self.targets)..).unwrap_or(&[]);
            let scales = self.scales.get(first..).unwrap_or(&[]);
            let inputs = rows::of(predictions, width).zip(rows::of(targets, width)).zip(scales);
            let mut slopes = rows::of_mut(grad, width);
            for (((p, t), &scale), l) in inputs.zip(nll.iter_mut()) {
                *l = row(p, t, scale, slopes.next().unwrap_or(&mut []));
            }
        });
        Ok(())
    }
}

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
/// [`Error::ShapeMismatch`] where a length does not fit, and for rows without values.
pub fn bernoulli_nll<E: Executor>(
    on: Engine<'_, E>,
    batch: &Against<'_>,
    nll: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    batch.run(on, nll, grad, |p, t, scale, g| bernoulli(on.level, p, t, scale, g))
}

/// −Σ ln p(x) for normal values with the given means and one standard deviation `sigma` > 0, and its
/// gradient scale·(mean − x)/σ². Up to a constant it is the squared error over 2σ². Nothing is computed for an
/// empty `grad`.
///
/// # Errors
/// [`Error::ShapeMismatch`] as in [`bernoulli_nll`], [`Error::InvalidArgument`] for a `sigma` that is not positive,
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
    batch.run(on, nll, grad, |p, t, scale, g| {
        gaussian(on.level, p, t, [precision, scale], g) + constant * p.len() as f32
    })
}

/// 1/σ² of a standard deviation for which it is positive and finite.
pub(crate) fn precision(sigma: f32) -> Result<f32> {
    let precision = 1.0 / (sigma * sigma);
    let fits = sigma > 0.0 && precision > 0.0 && precision < f32::INFINITY;
    if fits { Ok(precision) } else { Err(Error::InvalidArgument) }
}

/// A diagonal normal distribution for each sample, `codes` holding its means and then its log variances
/// (so 2·`latent` values a row), and the standard normal noise by which it is sampled.
#[derive(Clone, Copy, Debug)]
pub struct Codes<'a> {
    /// Means and log variances, one row for each sample.
    pub codes: &'a [f32],
    /// Noise, `latent` values a row.
    pub noise: &'a [f32],
    /// Values of one latent vector.
    pub latent: usize,
}

impl Codes<'_> {
    fn rows(&self, z: usize) -> Result<usize> {
        let n = self.noise.len();
        let codes = self.codes.len();
        if !codes.is_multiple_of(2) || codes / 2 != n || z != n {
            return Err(Error::ShapeMismatch);
        }
        rows::count(n, self.latent)
    }

    fn row(&self, i: usize) -> (&[f32], &[f32], &[f32]) {
        let n = self.latent;
        let codes = rows::of(self.codes, n.saturating_mul(2)).nth(i).unwrap_or(&[]);
        let (mean, log_var) = codes.split_at_checked(n).unwrap_or_default();
        (mean, log_var, rows::of(self.noise, n).nth(i).unwrap_or(&[]))
    }

    /// z = mean + e^(½ log variance)·noise, and the divergence from N(0, I) of each sample,
    /// ½·Σ(mean² + variance − 1 − log variance), in nats (Kingma, Welling 2014).
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit.
    pub fn reparameterise<E: Executor>(
        &self,
        on: Engine<'_, E>,
        z: &mut [f32],
        kl: &mut [f32],
    ) -> Result<()> {
        let rows = self.rows(z.len())?;
        if kl.len() != rows {
            return Err(Error::ShapeMismatch);
        }
        for (i, (z, kl)) in rows::of_mut(z, self.latent).zip(kl).enumerate() {
            *kl = sample_code(on.level, self.row(i), z);
        }
        Ok(())
    }

    /// The gradient by the codes from `dz`, the gradient by z, with that of weight·divergence added;
    /// `weights` has one value for each sample.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit.
    pub fn backward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        dz: &[f32],
        weights: &[f32],
        grad: &mut [f32],
    ) -> Result<()> {
        let rows = self.rows(dz.len())?;
        if weights.len() != rows || grad.len() != self.codes.len() {
            return Err(Error::ShapeMismatch);
        }
        let parts =
            rows::of_mut(grad, self.latent.saturating_mul(2)).zip(rows::of(dz, self.latent)).zip(weights);
        for (i, ((grad, dz), &weight)) in parts.enumerate() {
            code_gradient(on.level, self.row(i), dz, weight, grad);
        }
        Ok(())
    }
}

/// The loss of a discriminator's logits against one `target` for the whole batch: −target·ln σ(l) −
/// (1−target)·ln(1−σ(l)). With the target 1 for the logits of generated samples it is the non-saturating
/// loss of the generator (Goodfellow et al. 2014); a target below 1 for real samples smooths one side.
///
/// # Errors
/// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a target outside
/// [0, 1].
pub fn logistic<E: Executor>(
    on: Engine<'_, E>,
    target: f32,
    [logits, scales]: [&[f32]; 2],
    loss: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    if !(0.0..=1.0).contains(&target) {
        return Err(Error::InvalidArgument);
    }
    let n = logits.len();
    if scales.len() != n || loss.len() != n || grad.len() != n {
        return Err(Error::ShapeMismatch);
    }
    logistic_rows(on.level, target, [logits, scales], loss, grad);
    Ok(())
}

/// A term of a sum at one place of two inputs and an output.
///
/// A trait and not a closure: only a method can be told to be inlined, and what is not inlined into a kernel
/// is compiled for the base level.
trait Term: Copy {
    /// The term, and what the output becomes.
    fn at(self, a: f32, b: f32, out: f32) -> (f32, f32);
}

/// The sum of the terms of all places, in sixteen lanes; an empty `out` is left alone.
#[inline(always)]
fn sum_of(term: impl Term, a: &[f32], b: &[f32], out: &mut [f32]) -> f32 {
    if out.is_empty() {
        return sum_only(term, a, b);
    }
    let mut lanes = [0f32; LANES];
    let (a_blocks, a_tail) = a.as_chunks::<LANES>();
    let (b_blocks, b_tail) = b.as_chunks::<LANES>();
    let (out_blocks, out_tail) = out.as_chunks_mut::<LANES>();
    for ((a, b), out) in a_blocks.iter().zip(b_blocks).zip(out_blocks) {
        // Blocks as values: the compiler sees that nothing overlaps, and computes all lanes at once.
        let (mut terms, mut written) = (*a, *out);
        for ((t, o), &b) in terms.iter_mut().zip(&mut written).zip(b) {
            (*t, *o) = term.at(*t, b, *o);
        }
        *out = written;
        lanes.iter_mut().zip(terms).for_each(|(lane, t)| *lane += t);
    }
    for (((lane, &a), &b), out) in lanes.iter_mut().zip(a_tail).zip(b_tail).zip(out_tail) {
        let (t, o) = term.at(a, b, *out);
        *lane += t;
        *out = o;
    }
    tree_sum(lanes)
}

/// [`sum_of`] without an output.
#[inline(always)]
fn sum_only(term: impl Term, a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let ((a_blocks, a_tail), (b_blocks, b_tail)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += term.at(a, b, 0.0).0;
        }
    }
    for ((lane, &a), &b) in lanes.iter_mut().zip(a_tail).zip(b_tail) {
        *lane += term.at(a, b, 0.0).0;
    }
    tree_sum(lanes)
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

/// The squared error of a mean, and its scaled gradient.
#[derive(Clone, Copy)]
struct SquareTerm {
    slope: f32,
}

impl Term for SquareTerm {
    #[inline(always)]
    fn at(self, mean: f32, x: f32, _: f32) -> (f32, f32) {
        let error = mean - x;
        (error * error, self.slope * error)
    }
}

/// Twice the divergence of one latent value; its noise becomes a sample of it.
#[derive(Clone, Copy)]
struct CodeTerm;

impl Term for CodeTerm {
    #[inline(always)]
    fn at(self, mean: f32, log_var: f32, noise: f32) -> (f32, f32) {
        let sigma = math::exp(0.5 * log_var);
        (mean * mean + (sigma * sigma - 1.0 - log_var), mean + sigma * noise)
    }
}

/// −ln of the Bernoulli probability of `x` and its derivative by the logit, from one exponential.
#[inline(always)]
fn bernoulli_one(logit: f32, x: f32) -> (f32, f32) {
    let e = math::exp(-math::abs(logit));
    let numerator = if logit < 0.0 { e } else { 1.0 };
    // ln(1 + e) as `math::ln_1p` has it, without its cases: here 1 + e lies in [1, 2].
    let u = 1.0 + e;
    let softplus = math::max(logit, 0.0) + (math::ln(u) + (e - (u - 1.0)) / u);
    (softplus - logit * x, numerator / u - x)
}

kernel! {
    fn bernoulli(logits: &[f32], x: &[f32], scale: f32, grad: &mut [f32]) -> f32 = bernoulli_body;
}

#[inline(always)]
fn bernoulli_body(logits: &[f32], x: &[f32], scale: f32, grad: &mut [f32]) -> f32 {
    sum_of(BernoulliTerm { scale }, logits, x, grad)
}

kernel! {
    fn gaussian(means: &[f32], x: &[f32], scales: [f32; 2], grad: &mut [f32]) -> f32 = gaussian_body;
}

#[inline(always)]
fn gaussian_body(means: &[f32], x: &[f32], [precision, scale]: [f32; 2], grad: &mut [f32]) -> f32 {
    0.5 * precision * sum_of(SquareTerm { slope: scale * precision }, means, x, grad)
}

kernel! {
    fn sample_code(code: (&[f32], &[f32], &[f32]), z: &mut [f32]) -> f32 = sample_code_body;
}

#[inline(always)]
fn sample_code_body((mean, log_var, noise): (&[f32], &[f32], &[f32]), z: &mut [f32]) -> f32 {
    for (z, &noise) in z.iter_mut().zip(noise) {
        *z = noise;
    }
    0.5 * sum_of(CodeTerm, mean, log_var, z)
}

kernel! {
    fn code_gradient(code: (&[f32], &[f32], &[f32]), dz: &[f32], weight: f32, grad: &mut [f32]) = code_gradient_body;
}

#[inline(always)]
fn code_gradient_body(
    (mean, log_var, noise): (&[f32], &[f32], &[f32]),
    dz: &[f32],
    weight: f32,
    grad: &mut [f32],
) {
    let (by_mean, by_log_var) = grad.split_at_mut_checked(mean.len()).unwrap_or_default();
    for ((g, &mean), &dz) in by_mean.iter_mut().zip(mean).zip(dz) {
        *g = dz + weight * mean;
    }
    for (((g, &log_var), &noise), &dz) in by_log_var.iter_mut().zip(log_var).zip(noise).zip(dz) {
        let sigma = math::exp(0.5 * log_var);
        *g = 0.5 * (dz * noise * sigma + weight * (sigma * sigma - 1.0));
    }
}

kernel! {
    fn logistic_rows(target: f32, inputs: [&[f32]; 2], loss: &mut [f32], grad: &mut [f32]) = logistic_body;
}

#[inline(always)]
fn logistic_body(target: f32, [logits, scales]: [&[f32]; 2], loss: &mut [f32], grad: &mut [f32]) {
    for (((&logit, &scale), loss), grad) in logits.iter().zip(scales).zip(loss).zip(grad) {
        let (value, slope) = bernoulli_one(logit, target);
        *loss = value;
        *grad = scale * slope;
    }
}
