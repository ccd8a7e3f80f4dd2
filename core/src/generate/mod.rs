//! Small generative models, complete: a [`Vae`], a [`VqVae`] and a [`Gan`] that train, score, encode and sample on
//! buffers that the caller owns, without an allocator.
//!
//! A model is a plan over one flat slice of parameters; [`Vae::tensors`] and [`Gan::tensors`] name its
//! parts as PyTorch would. What a call needs besides is told beforehand: `param_len`, `moment_len`, and a
//! `..._scratch_len(batch)` beside each operation. Layers and losses are in [`crate::nn`]; files, epochs
//! and early stopping are the host's.
//!
//! A [`VqVae`] is two models: an autoencoder of samples to grids of codes by a [`Codebook`], and behind it a [`CodePrior`]
//! of such grids, which is what is sampled from.
//!
//! Randomness is keyed: training noise by epoch and sample ([`training_noise`]), generated samples by their
//! index ([`latent_noise`]), so that neither depends on the batch.

mod arch;
mod code_prior;
mod code_prior_run;
mod codebook;
mod codebook_follow;
mod gan;
mod iwae;
mod labels;
mod learn;
mod meta;
mod noise;
mod prior;
mod vae;
mod vae_run;
mod vqvae;
mod vqvae_run;

pub use arch::{Arch, Likelihood, MAX_HIDDEN, MAX_LAYERS, NamedTensor, Net, Widths};
pub use code_prior::{CodePrior, CodePriorSpec};
pub use code_prior_run::CodeBatch;
pub use codebook::{CODEBOOK_PURPOSE, Codebook};
pub use codebook_follow::{Follow, Rounded, Usage};
pub use gan::{
    DiscriminatorNorm, DiscriminatorSpec, Gan, GanMemory, GanRules, GanSpec, GanStep, GanTerms, GanTrainee,
    GeneratorSpec, Show,
};
pub use iwae::iwae;
pub use learn::{Adapters, ParamGroup, Trainee, adapter_scratch_len};
pub use meta::{Adapted, MetaRule};
pub use noise::{GENERATE_PURPOSE, NOISE_PURPOSE, latent_noise, training_noise};
pub use prior::ClassGaussians;
pub use vae::{Vae, VaeSpec};
pub use vae_run::{Elbo, VaeStep};
pub use vqvae::{VqVae, VqVaeSpec};
pub use vqvae_run::{VqLoss, VqStep, VqTerms};

use crate::error::{Error, Result};

/// One batch of training data.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Samples, one row each: pixels in [0, 1] for a Bernoulli likelihood.
    pub x: &'a [f32],
    /// A class for each sample; empty for a model without classes.
    pub labels: &'a [u32],
    /// A weight for each sample, finite and not negative, 1 on average over the training data.
    pub weights: &'a [f32],
    /// Standard normal noise, one latent vector for each sample.
    pub noise: &'a [f32],
}

impl Batch<'_> {
    /// The number of samples, where everything fits a model of these sizes.
    fn check(&self, width: usize, latent: usize, classes: usize) -> Result<usize> {
        let n = self.weights.len();
        labels::check(self.labels, classes, n)?;
        let x_len = n.checked_mul(width).ok_or(Error::Overflow)?;
        let noise_len = n.checked_mul(latent).ok_or(Error::Overflow)?;
        if n == 0 || self.x.len() != x_len || self.noise.len() != noise_len {
            return Err(Error::ShapeMismatch);
        }
        let fits = self.weights.iter().all(|w| (0.0..f32::INFINITY).contains(w));
        if fits { Ok(n) } else { Err(Error::InvalidArgument) }
    }
}

#[cfg(test)]
mod tests;
