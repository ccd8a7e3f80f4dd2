//! Cross-entropy of classes.

use super::sums::{Term, sum_of, sum_only};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::parallel::for_rows;
use crate::nn::softmax::largest;
use crate::nn::{Engine, rows};

/// A batch of logits, one for each class, with the class of each sample.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// Logits, one row for each sample.
    pub logits: &'a [f32],
    /// The class of each sample, below the width of a row.
    pub labels: &'a [u32],
    /// One scale for each sample.
    pub scales: &'a [f32],
}

impl Labelled<'_> {
    /// The number of classes.
    fn check(&self, nll: &[f32], grad: &[f32]) -> Result<usize> {
        let n = self.labels.len();
        let grad_fits = grad.is_empty() || grad.len() == self.logits.len();
        if self.logits.is_empty() || self.scales.len() != n || nll.len() != n || !grad_fits {
            return Err(Error::ShapeMismatch);
        }
        let classes = rows::count(self.logits.len(), n)?;
        let known = self.labels.iter().all(|&label| (label as usize) < classes);
        if known { Ok(classes) } else { Err(Error::InvalidArgument) }
    }
}

/// −Σ qₖ·ln softmax(logits)ₖ, and its gradient scale·(softmax(logits) − q), where q is 1 − `smoothing` for the class of
/// the sample and `smoothing` spread evenly over all classes besides (Szegedy et al. 2016): PyTorch's `cross_entropy`
/// with `label_smoothing`. Nothing is computed for an empty `grad`.
///
/// ```
/// use seedbed::{Level, exec::Serial, nn::Engine, nn::loss::{Labelled, cross_entropy}};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let batch = Labelled { logits: &[0.0, 0.0], labels: &[1], scales: &[1.0] };
/// let (mut nll, mut grad) = ([0.0], [0.0; 2]);
/// cross_entropy(on, 0.0, &batch, &mut nll, &mut grad)?;
/// assert!((nll[0] - f32::ln(2.0)).abs() < 1e-6);
/// assert_eq!(grad, [0.5, -0.5]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::ShapeMismatch`] where a length does not fit, and for rows without values; [`Error::InvalidArgument`] for a
/// label that is no class, or a `smoothing` outside [0, 1). Nothing is written then.
pub fn cross_entropy<E: Executor>(
    on: Engine<'_, E>,
    smoothing: f32,
    batch: &Labelled<'_>,
    nll: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    if !(0.0..1.0).contains(&smoothing) {
        return Err(Error::InvalidArgument);
    }
    let classes = batch.check(nll, grad)?;
    for_rows(on.exec, batch.labels.len(), [nll, grad], |first, [nll, grad]| {
        let logits = batch.logits.get(first.saturating_mul(classes)..).unwrap_or(&[]);
        let labels = batch.labels.get(first..).unwrap_or(&[]);
        let scales = batch.scales.get(first..).unwrap_or(&[]);
        let mut slopes = rows::of_mut(grad, classes);
        let inputs = rows::of(logits, classes).zip(labels).zip(scales);
        for (((logits, &label), &scale), nll) in inputs.zip(nll.iter_mut()) {
            let grad = slopes.next().unwrap_or(&mut []);
            *nll = sample(on.level, logits, label as usize, [smoothing, scale], grad);
        }
    });
    Ok(())
}

/// e^(logit − most), which is kept.
#[derive(Clone, Copy)]
struct ExpTerm {
    most: f32,
}

impl Term for ExpTerm {
    #[inline(always)]
    fn at(self, logit: f32, _: f32, _: f32) -> (f32, f32) {
        let e = math::exp(logit - self.most);
        (e, e)
    }
}

/// How far a logit lies below the largest.
#[derive(Clone, Copy)]
struct BelowTerm {
    most: f32,
}

impl Term for BelowTerm {
    #[inline(always)]
    fn at(self, logit: f32, _: f32, _: f32) -> (f32, f32) {
        (self.most - logit, 0.0)
    }
}

kernel! {
    fn sample(logits: &[f32], label: usize, smooth: [f32; 2], grad: &mut [f32]) -> f32 = sample_body;
}

#[inline(always)]
fn sample_body(logits: &[f32], label: usize, [smoothing, scale]: [f32; 2], grad: &mut [f32]) -> f32 {
    let most = largest(logits);
    let total = sum_of(ExpTerm { most }, logits, logits, grad);
    let own = logits.get(label).copied().unwrap_or(0.0) - most;
    let (share, uniform) = (1.0 / total, smoothing / logits.len() as f32);
    for g in grad.iter_mut() {
        *g = scale * (*g * share - uniform);
    }
    if let Some(g) = grad.get_mut(label) {
        *g = scale * (math::exp(own) * share - uniform - (1.0 - smoothing));
    }
    let loss = math::ln(total) - (1.0 - smoothing) * own;
    // A class that is ruled out by a logit of −∞ costs nothing as long as no probability is asked for it.
    if smoothing > 0.0 { loss + uniform * sum_only(BelowTerm { most }, logits, logits) } else { loss }
}
