//! The variational autoencoder as a plan: its networks and where their parameters lie.

use super::arch::{Arch, Likelihood, NamedTensor, Net, Part};
use super::labels;
use crate::error::{Error, Result};
use crate::nn::Shape;
use crate::nn::loss::precision;
use crate::scratch::ScratchLen;

/// What a [`Vae`] is made of.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VaeSpec {
    /// The shape of a sample; [`Shape::flat`] for rows of a table and for an MLP on pixels.
    pub input: Shape,
    /// The hidden layers.
    pub arch: Arch,
    /// Values of a latent vector, above 0.
    pub latent: usize,
    /// Classes that it is conditioned on; 0 for none.
    pub classes: usize,
    /// What the decoder predicts.
    pub likelihood: Likelihood,
}

/// A variational autoencoder (Kingma, Welling 2014), conditioned on a class or not (Sohn et al. 2015), with
/// a weighted divergence (Higgins et al. 2017).
///
/// The encoder is an optional stem of convolutions and dense layers behind it, which end in the means and
/// log variances of the code; the decoder is its mirror. The class is a one-hot vector behind what the
/// dense layers of either read.
///
/// ```
/// use seedbed::generate::{Arch, Likelihood, Vae, VaeSpec, Widths};
/// use seedbed::nn::{Activation, Shape};
///
/// let hidden = Widths::from_slice(&[32]).unwrap();
/// let arch = Arch { channels: Widths::new(), hidden, activation: Activation::Relu };
/// let spec = VaeSpec { input: Shape::flat(64), arch, latent: 4, classes: 10, likelihood: Likelihood::Bernoulli };
/// let vae = Vae::new(spec)?;
/// assert_eq!(vae.param_len(), (74 * 32 + 32) + (32 * 8 + 8) + (14 * 32 + 32) + (32 * 64 + 64));
/// assert!(vae.train_scratch_len(16) < 64 << 10);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Vae {
    pub(super) spec: VaeSpec,
    pub(super) stem: Option<Part>,
    pub(super) encoder: Part,
    pub(super) decoder: Part,
    pub(super) width: usize,
}

impl Vae {
    /// The plan of `spec`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an empty shape, no latent values or a sigma out of its range;
    /// [`Error::CapacityExceeded`] for too many layers; [`Error::Unsupported`] for convolutions over a
    /// picture of which one side is even and the other odd; [`Error::Overflow`].
    pub fn new(spec: VaeSpec) -> Result<Self> {
        if let Likelihood::Gaussian { sigma } = spec.likelihood {
            precision(sigma)?;
        }
        if spec.latent == 0 {
            return Err(Error::InvalidArgument);
        }
        let width = spec.input.len()?;
        let stem = spec.arch.stem(spec.input)?;
        let features = stem.as_ref().map_or(Ok(width), |s| s.output().len())?;
        let inputs = features.checked_add(spec.classes).ok_or(Error::Overflow)?;
        let codes = spec.latent.checked_mul(2).ok_or(Error::Overflow)?;
        let encoder = spec.arch.encoder(inputs, codes)?;
        let decoder =
            spec.arch.decoder(spec.latent.checked_add(spec.classes).ok_or(Error::Overflow)?, spec.input)?;
        let stem = stem.map(|net| Part::new(&net, false)).transpose()?;
        let encoder = Part::new(&encoder, stem.is_some())?;
        let decoder = Part::new(&decoder, true)?;
        let vae = Self { spec, stem, encoder, decoder, width };
        vae.stem_len()
            .checked_add(vae.encoder.param_len())
            .and_then(|n| n.checked_add(vae.decoder.param_len()))
            .and_then(|n| n.checked_mul(2))
            .ok_or(Error::Overflow)?;
        Ok(vae)
    }

    /// The same with work memory for so many threads, at least one: convolutions split a batch among no more.
    #[must_use]
    pub fn for_threads(self, threads: usize) -> Self {
        let Self { stem, encoder, decoder, .. } = self;
        let stem = stem.map(|part| part.for_threads(threads));
        let [encoder, decoder] = [encoder, decoder].map(|part| part.for_threads(threads));
        Self { spec: self.spec, stem, encoder, decoder, width: self.width }
    }

    /// What it was made from.
    pub const fn spec(&self) -> &VaeSpec {
        &self.spec
    }

    /// Values of one sample.
    pub const fn width(&self) -> usize {
        self.width
    }

    pub(super) fn stem_len(&self) -> usize {
        self.stem.as_ref().map_or(0, Part::param_len)
    }

    /// Values that the dense part of the encoder reads besides the class.
    pub(super) fn features(&self) -> usize {
        self.encoder.net().input().channels - self.spec.classes
    }

    /// Parameters: the stem's, the encoder's, the decoder's.
    pub fn param_len(&self) -> usize {
        self.stem_len() + self.encoder.param_len() + self.decoder.param_len()
    }

    /// Moments of the optimiser: two for each parameter.
    pub fn moment_len(&self) -> usize {
        2 * self.param_len()
    }

    /// Its networks by name, in the order of the parameters.
    pub fn networks(&self) -> impl Iterator<Item = (&'static str, &Net)> {
        let stem = self.stem.as_ref().map(|part| ("stem", part.net()));
        stem.into_iter().chain([("encoder", self.encoder.net()), ("decoder", self.decoder.net())])
    }

    /// Name, place and shape of each tensor, in the order of the parameters.
    pub fn tensors(&self) -> impl Iterator<Item = NamedTensor> + '_ {
        NamedTensor::all(self.networks())
    }

    /// PyTorch's initial values; see [`crate::nn::Network::init`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `params` has not [`Vae::param_len`] values.
    pub fn init(&self, seed: u64, params: &mut [f32]) -> Result<()> {
        let [stem, encoder, decoder] = self.split_mut(params)?;
        if let Some(part) = &self.stem {
            part.net().init(seed, 0, stem)?;
        }
        self.encoder.net().init(seed, 100, encoder)?;
        self.decoder.net().init(seed, 200, decoder)
    }

    pub(super) fn split<'a>(&self, params: &'a [f32]) -> Result<[&'a [f32]; 3]> {
        if params.len() != self.param_len() {
            return Err(Error::ShapeMismatch);
        }
        let (stem, rest) = params.split_at_checked(self.stem_len()).unwrap_or_default();
        let (encoder, decoder) = rest.split_at_checked(self.encoder.param_len()).unwrap_or_default();
        Ok([stem, encoder, decoder])
    }

    pub(super) fn split_mut<'a>(&self, params: &'a mut [f32]) -> Result<[&'a mut [f32]; 3]> {
        if params.len() != self.param_len() {
            return Err(Error::ShapeMismatch);
        }
        let (stem, rest) = params.split_at_mut_checked(self.stem_len()).unwrap_or_default();
        let (encoder, decoder) = rest.split_at_mut_checked(self.encoder.param_len()).unwrap_or_default();
        Ok([stem, encoder, decoder])
    }

    /// Bytes of scratch that a training step, [`Vae::gradients`] or [`Vae::elbo`] takes for a batch;
    /// `usize::MAX` where that is too large for the address space.
    pub fn train_scratch_len(&self, batch: usize) -> usize {
        let (latent, classes) = (self.spec.latent, self.spec.classes);
        let floats = |per_sample: usize| batch.saturating_mul(per_sample);
        let len = self
            .parts(ScratchLen::new(), true, batch)
            // The latent vectors, the divergences; scales, weights of the divergence and losses.
            .with::<f32>(floats(latent))
            .with::<f32>(batch)
            .with::<f32>(floats(3))
            // The gradients by the latent vectors, and by the inputs of decoder and encoder with their classes.
            .with::<f32>(floats(latent))
            // The divergences of the latent dimensions.
            .with::<f32>(latent)
            .with::<f32>(labels::taken(batch, self.decoder.net().input().channels, classes));
        let len = match self.stem {
            None => len,
            Some(_) => len.with::<f32>(labels::taken(batch, self.encoder.net().input().channels, classes)),
        };
        len.with_bytes(self.inside(true, batch)).bytes()
    }

    /// Bytes of scratch that [`Vae::encode`], [`Vae::decode`], [`Vae::reconstruct`] and [`Vae::sample`]
    /// take for a batch; `usize::MAX` where that is too large for the address space.
    pub fn run_scratch_len(&self, batch: usize) -> usize {
        ScratchLen::new()
            .with::<f32>(batch.saturating_mul(self.spec.latent))
            .with::<f32>(batch.saturating_mul(self.spec.latent))
            .with_bytes(self.encoder_parts(ScratchLen::new(), false, batch).bytes())
            .with_bytes(self.decoder_parts(ScratchLen::new(), false, batch).bytes())
            .with_bytes(self.inside(false, batch))
            .bytes()
    }

    /// What a pass takes besides what it leaves.
    fn inside(&self, training: bool, batch: usize) -> usize {
        let all = self.stem.iter().chain([&self.encoder, &self.decoder]);
        all.map(|part| part.plan(training).scratch_len(batch)).max().unwrap_or(0)
    }

    fn parts(&self, len: ScratchLen, training: bool, batch: usize) -> ScratchLen {
        self.decoder_parts(self.encoder_parts(len, training, batch), training, batch)
    }

    /// `len` and what a forward pass of the encoder leaves: workspaces, and the input with the class.
    fn encoder_parts(&self, len: ScratchLen, training: bool, batch: usize) -> ScratchLen {
        let len = self.stem.as_ref().map_or(len, |stem| stem.with_work(len, training, batch));
        let inputs = labels::taken(batch, self.encoder.net().input().channels, self.spec.classes);
        self.encoder.with_work(len.with::<f32>(inputs), training, batch)
    }

    /// `len` and the same of the decoder.
    fn decoder_parts(&self, len: ScratchLen, training: bool, batch: usize) -> ScratchLen {
        let inputs = labels::taken(batch, self.decoder.net().input().channels, self.spec.classes);
        self.decoder.with_work(len.with::<f32>(inputs), training, batch)
    }
}
