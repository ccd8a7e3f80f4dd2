//! An autoencoder with a codebook and the prior of its codes, as one model.

use super::any::Part;
use crate::error::Result;
use seedbed::exec::Executor;
use seedbed::generate::{CodePrior, CodePriorSpec, NamedTensor, Net, VqVae, VqVaeSpec};
use seedbed::nn::{Engine, Model as Params};
use seedbed::{Scratch, scratch::ScratchLen};
use serde::{Deserialize, Serialize};

/// What a [`CodeModel`] is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeSpec {
    /// The autoencoder.
    pub vq: VqVaeSpec,
    /// The prior of its codes, conditioned on classes or not.
    pub prior: CodePriorSpec,
}

/// An autoencoder with a codebook, and what draws codes. The parameters of the autoencoder come before those of the prior.
#[derive(Clone, Debug)]
pub struct CodeModel {
    /// The autoencoder.
    pub vq: VqVae,
    /// The prior of its codes.
    pub prior: CodePrior,
}

impl CodeModel {
    /// The plan of `spec`.
    ///
    /// # Errors
    /// When the core refuses its sizes, or the two do not fit each other.
    pub fn new(spec: &CodeSpec) -> seedbed::Result<Self> {
        let (vq, prior) = (VqVae::new(spec.vq.clone())?, CodePrior::new(spec.prior.clone())?);
        let fits = prior.spec().grid == vq.grid() && prior.spec().codes == vq.spec().codes;
        if fits { Ok(Self { vq, prior }) } else { Err(seedbed::Error::ShapeMismatch) }
    }

    /// The same for so many threads.
    #[must_use]
    pub fn for_threads(self, threads: usize) -> Self {
        Self { vq: self.vq.for_threads(threads), prior: self.prior.for_threads(threads) }
    }

    /// Parameters.
    pub fn param_len(&self) -> usize {
        self.vq.param_len() + self.prior.param_len()
    }

    /// The networks by name, in the order of the parameters.
    pub fn networks(&self) -> Vec<(&'static str, &Net)> {
        self.vq.networks().chain(self.prior.networks()).collect()
    }

    /// The tensors in the order of the parameters.
    pub fn tensors(&self) -> Vec<NamedTensor> {
        let behind = self.vq.param_len();
        let moved = |mut t: NamedTensor| {
            t.tensor.offset += behind;
            t
        };
        self.vq.tensors().chain(self.prior.tensors().map(moved)).collect()
    }

    /// The parts of the codebook.
    pub fn book(&self) -> [Part; 3] {
        let (codes, dim) = (self.vq.spec().codes, self.vq.spec().dim);
        let part = |name: &str, shape, at| Part { name: format!("codebook.{name}"), shape, at };
        [
            part("weight", vec![codes, dim], 0),
            part("counts", vec![codes], codes * dim),
            part("sums", vec![codes, dim], codes * dim + codes),
        ]
    }

    /// Initial parameters; the codebook begins with the first batch.
    ///
    /// # Errors
    /// None that the lengths do not exclude.
    pub fn init(&self, seed: u64, params: &mut [f32]) -> Result<()> {
        let (vq, prior) = params.split_at_mut(self.vq.param_len());
        self.vq.init(seed, vq)?;
        self.prior.init(seed, prior)?;
        Ok(())
    }

    /// Bytes of scratch for a training step.
    pub fn train_scratch_len(&self, batch: usize) -> usize {
        self.vq
            .train_scratch_len(batch)
            .max(self.prior.train_scratch_len(batch.saturating_mul(super::epochs::PLACES)))
            .max(self.run_scratch_len(batch))
    }

    /// Bytes of scratch for samples.
    pub fn run_scratch_len(&self, batch: usize) -> usize {
        ScratchLen::new()
            .with::<u32>(batch.saturating_mul(self.vq.places()))
            .with_bytes(self.vq.run_scratch_len(batch).max(self.prior.run_scratch_len(batch)))
            .bytes()
    }

    /// Draws grids of codes and decodes them; see [`CodePrior::sample`].
    ///
    /// # Errors
    /// For a label that is no class, or a network that gives no probabilities.
    pub fn sample<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Params<'_>,
        temperature: f32,
        which: (u64, u64, &[u32]),
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> seedbed::Result<()> {
        let (vq, prior) = model.params.split_at_checked(self.vq.param_len()).unwrap_or_default();
        let n = out.len() / self.vq.width().max(1);
        let mut scratch = scratch.frame();
        let grids = scratch.take::<u32>(n * self.vq.places())?;
        self.prior.sample(on, prior, temperature, which, grids, &mut scratch.frame())?;
        self.vq.decode(on, Params { params: vq, ..model }, grids, out, &mut scratch)
    }
}
