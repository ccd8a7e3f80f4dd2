//! Losses with their gradients in one pass over a batch of rows.
//!
//! Each takes a scale for every sample (its weight divided by what the batch is averaged over) and writes
//! the unscaled loss of the sample, in nats where it is a likelihood, and the gradient of the scaled one. A loss is the
//! sum over the values of a sample, never their mean, which `scales` divided by the width would give. The elements of a
//! sample are added in sixteen lanes and a fixed tree.
//!
//! | of | losses |
//! | --- | --- |
//! | values | [`bernoulli_nll`] [`gaussian_nll`] [`learned_gaussian_nll`] [`squared_error`] [`absolute_error`] |
//! | classes | [`cross_entropy`], [`Episode`] |
//! | latent codes | [`Codes`], [`FreeBits`] |
//! | the logits of a discriminator | [`logistic`] [`hinge`] [`least_squares`] [`wasserstein`], [`LeCam`] |

mod adversarial;
mod bernoulli;
mod codes;
mod cross_entropy;
mod free_bits;
mod gaussian;
mod lecam;
mod prototypical;
mod residual;
mod sums;

pub use adversarial::{Adversarial, Side, hinge, least_squares, logistic, wasserstein};
pub use bernoulli::bernoulli_nll;
pub use codes::Codes;
pub use cross_entropy::{Labelled, cross_entropy};
pub use free_bits::FreeBits;
pub(crate) use gaussian::precision;
pub use gaussian::{gaussian_nll, learned_gaussian_nll};
pub use lecam::{Anchors, LeCam};
pub use prototypical::{Embedded, Episode, EpisodeGradients};
pub use residual::{absolute_error, squared_error};

use super::Engine;
use super::parallel::for_rows;
use super::rows;
use crate::error::{Error, Result};
use crate::exec::Executor;

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
    /// The values of a target, where each of them is predicted by `each` values.
    fn check(&self, each: usize, nll: &[f32], grad: &[f32]) -> Result<usize> {
        let n = self.targets.len();
        let predictions = self.predictions.len();
        let rows = self.scales.len();
        let grad_fits = grad.is_empty() || grad.len() == predictions;
        if n == 0 || n.checked_mul(each) != Some(predictions) || !grad_fits || nll.len() != rows {
            return Err(Error::ShapeMismatch);
        }
        rows::count(n, rows)
    }

    fn run<E, F>(
        &self,
        on: Engine<'_, E>,
        each: usize,
        nll: &mut [f32],
        grad: &mut [f32],
        row: F,
    ) -> Result<()>
    where
        E: Executor,
        F: Fn(&[f32], &[f32], f32, &mut [f32]) -> f32 + Sync + Send,
    {
        let width = self.check(each, nll, grad)?;
        let wide = width.saturating_mul(each);
        for_rows(on.exec, self.scales.len(), [nll, grad], |first, [nll, grad]| {
            let skip = |width: usize| first.saturating_mul(width);
            let predictions = self.predictions.get(skip(wide)..).unwrap_or(&[]);
            let targets = self.targets.get(skip(width)..).unwrap_or(&[]);
            let scales = self.scales.get(first..).unwrap_or(&[]);
            let inputs = rows::of(predictions, wide).zip(rows::of(targets, width)).zip(scales);
            let mut slopes = rows::of_mut(grad, wide);
            for (((p, t), &scale), l) in inputs.zip(nll.iter_mut()) {
                *l = row(p, t, scale, slopes.next().unwrap_or(&mut []));
            }
        });
        Ok(())
    }
}
