//! The variational autoencoder at work: training, scores, codes, samples.

use super::arch::Likelihood;
use super::labels;
use super::learn::{Part, adapter_scratch_len, learn};
use super::noise::latent_noise;
use super::prior::ClassGaussians;
use super::vae::Vae;
use super::{Batch, Trainee};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::loss::{Against, Codes, FreeBits, bernoulli_nll, gaussian_nll};
use crate::nn::{Engine, Optimiser, Workspace, rows};
use crate::scratch::Scratch;

/// What one training step is told.
#[derive(Clone, Copy, Debug)]
pub struct VaeStep {
    /// The weight of the divergence, not negative; 1 is the evidence lower bound.
    pub beta: f32,
    /// Nats of divergence that each latent dimension may have for nothing, at least 0 (Kingma et al. 2016); see
    /// [`crate::nn::loss::FreeBits`].
    pub free_bits: f32,
    /// The optimiser.
    pub optimiser: Optimiser,
    /// The number of the step, counted from 1.
    pub t: u64,
}

/// The two terms of the negative evidence lower bound, in nats, summed over a batch with its weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Elbo {
    /// −ln p(x | z) for one z.
    pub reconstruction: f64,
    /// The divergence of the code from N(0, I).
    pub divergence: f64,
}

impl Elbo {
    /// The sum of the terms with `beta` on the divergence.
    pub fn loss(&self, beta: f64) -> f64 {
        self.reconstruction + beta * self.divergence
    }
}

impl core::ops::AddAssign for Elbo {
    fn add_assign(&mut self, other: Self) {
        self.reconstruction += other.reconstruction;
        self.divergence += other.divergence;
    }
}

/// What a forward pass of the encoder leaves.
struct Encoded<'s> {
    stem: Option<Workspace<'s>>,
    /// What the encoder read, where it has classes behind it.
    input: &'s [f32],
    encoder: Workspace<'s>,
}

/// What a pass in use finds of a batch.
pub(super) struct Looked<'s> {
    /// What the encoder left: the codes.
    pub encoder: Workspace<'s>,
    /// Latent vectors.
    pub z: &'s [f32],
    /// The divergence of each sample.
    pub kl: &'s [f32],
    /// −ln p(x | z) of each.
    pub nll: &'s [f32],
}

/// What a forward pass of the decoder leaves.
struct Decoded<'s> {
    input: &'s [f32],
    decoder: Workspace<'s>,
}

impl Vae {
    /// One step of training: gradients of the mean over the batch of weight·(reconstruction + beta ·
    /// divergence), and a step of the optimiser. Takes [`Vae::train_scratch_len`] and
    /// [`adapter_scratch_len`](super::adapter_scratch_len).
    ///
    /// # Errors
    /// As [`Vae::gradients`] and [`Optimiser::step`]; [`Error::NotFinite`] where the loss is not finite, as for a sample
    /// that is not. The parameters and moments are untouched then.
    pub fn train_step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        trainee: &mut Trainee<'_>,
        batch: &Batch<'_>,
        step: &VaeStep,
        scratch: &mut Scratch<'_>,
    ) -> Result<Elbo> {
        let whole = Part { len: self.param_len(), frozen: 0 };
        trainee.check(&step.optimiser, step.t, &[whole])?;
        let adapters = adapter_scratch_len(trainee.groups);
        if scratch.remaining() < self.train_scratch_len(batch.weights.len()).saturating_add(adapters) {
            return Err(Error::ScratchTooSmall);
        }
        let weight = (step.beta, step.free_bits);
        let elbo = self.gradients(on, trainee.params, batch, weight, trainee.grads, scratch)?;
        if !elbo.loss(f64::from(step.beta)).is_finite() {
            return Err(Error::NotFinite);
        }
        let Trainee { params, grads, moments, groups, adapters } = trainee;
        learn(on, (&step.optimiser, step.t), (groups, 0), [params, moments], grads, adapters, scratch)?;
        Ok(elbo)
    }

    /// The gradients of the mean over the batch of weight·(reconstruction + beta·divergence), written over
    /// `grads`, where each latent dimension has `free_bits` nats for nothing; takes [`Vae::train_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a label that is
    /// no class, a weight, `beta` or `free_bits` that is negative or not finite, [`Error::ScratchTooSmall`].
    pub fn gradients<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        batch: &Batch<'_>,
        (beta, free_bits): (f32, f32),
        grads: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<Elbo> {
        if ![beta, free_bits].iter().all(|v| (0.0..f32::INFINITY).contains(v)) {
            return Err(Error::InvalidArgument);
        }
        let n = self.check(batch, scratch)?;
        let [_, _, decoder_params] = self.split(params)?;
        let [stem_grads, encoder_grads, decoder_grads] = self.split_mut(grads)?;
        let mut scratch = scratch.frame();
        let (mut encoded, z, kl) = self.encode_noisy(on, true, params, batch, &mut scratch)?;
        let per_sample = scratch.take::<f32>(3 * n)?;
        let (scales, rest) = per_sample.split_at_mut_checked(n).unwrap_or_default();
        let (weights, nll) = rest.split_at_mut_checked(n).unwrap_or_default();
        for ((scale, weight), &w) in scales.iter_mut().zip(&mut *weights).zip(batch.weights) {
            *scale = w / n as f32;
            *weight = beta * *scale;
        }
        let decoded = self.run_decoder(on, true, (decoder_params, n), (z, batch.labels), &mut scratch)?;
        let Decoded { input, mut decoder } = decoded;
        let (predictions, slope) = self.decoder.training.ends(&mut decoder);
        let against = Against { predictions, targets: batch.x, scales };
        reconstruction(on, self.spec.likelihood, &against, nll, slope)?;

        let (latent, classes) = (self.spec.latent, self.spec.classes);
        let dz = scratch.take::<f32>(z.len())?;
        let inputs = (decoder_params, input);
        if classes == 0 {
            self.decoder.backward(
                on,
                inputs,
                &mut decoder,
                (decoder_grads, &mut *dz),
                &mut scratch.frame(),
            )?;
        } else {
            let d_input = scratch.take::<f32>(input.len())?;
            let wanted = (decoder_grads, &mut *d_input);
            self.decoder.backward(on, inputs, &mut decoder, wanted, &mut scratch.frame())?;
            labels::strip(d_input, latent, classes, dz);
        }
        let (codes, d_codes) = self.encoder.training.ends(&mut encoded.encoder);
        let codes = Codes { codes, noise: batch.noise, latent };
        let divergences = scratch.take::<f32>(latent)?;
        if free_bits > 0.0 {
            codes.divergences(on, scales, divergences)?;
        }
        codes.backward_free(on, dz, weights, FreeBits { floor: free_bits, divergences }, d_codes)?;
        self.encoder_gradients(on, params, (batch.x, encoded), [stem_grads, encoder_grads], scratch)?;
        Ok(weighted(nll, kl, batch.weights))
    }

    /// The gradients of stem and encoder from those by the codes.
    fn encoder_gradients<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        (x, encoded): (&[f32], Encoded<'_>),
        [stem_grads, encoder_grads]: [&mut [f32]; 2],
        mut scratch: Scratch<'_>,
    ) -> Result<()> {
        let [stem_params, encoder_params, _] = self.split(params)?;
        let Encoded { stem: stem_work, input, mut encoder } = encoded;
        let classes = self.spec.classes;
        let Some((stem, mut stem_work)) = self.stem.as_ref().zip(stem_work) else {
            let input = if classes == 0 { x } else { input };
            let inputs = (encoder_params, input);
            return self.encoder.backward(on, inputs, &mut encoder, (encoder_grads, &mut []), &mut scratch);
        };
        let (features, d_features) = stem.training.ends(&mut stem_work);
        if classes == 0 {
            let inputs = (encoder_params, features);
            let wanted = (encoder_grads, d_features);
            self.encoder.backward(on, inputs, &mut encoder, wanted, &mut scratch.frame())?;
        } else {
            let d_input = scratch.take::<f32>(input.len())?;
            let wanted = (encoder_grads, &mut *d_input);
            self.encoder.backward(on, (encoder_params, input), &mut encoder, wanted, &mut scratch.frame())?;
            labels::strip(d_input, self.features(), classes, d_features);
        }
        stem.backward(on, (stem_params, x), &mut stem_work, (stem_grads, &mut []), &mut scratch)
    }

    /// The terms of the evidence lower bound for a batch, with one z for each sample from its noise; takes
    /// [`Vae::train_scratch_len`].
    ///
    /// # Errors
    /// As [`Vae::gradients`].
    pub fn elbo<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        batch: &Batch<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<Elbo> {
        let mut scratch = scratch.frame();
        let Looked { nll, kl, .. } = self.look(on, params, batch, &mut scratch)?;
        Ok(weighted(nll, kl, batch.weights))
    }

    /// What a pass in use finds of each sample, with one z for each from its noise.
    pub(super) fn look<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        batch: &Batch<'s>,
        scratch: &mut Scratch<'s>,
    ) -> Result<Looked<'s>> {
        let n = self.check(batch, scratch)?;
        let [_, _, decoder_params] = self.split(params)?;
        let (encoded, z, kl) = self.encode_noisy(on, false, params, batch, scratch)?;
        let nll = scratch.take::<f32>(n)?;
        let decoded = self.run_decoder(on, false, (decoder_params, n), (z, batch.labels), scratch)?;
        let predictions = self.decoder.inference.result(&decoded.decoder);
        let against = Against { predictions, targets: batch.x, scales: batch.weights };
        reconstruction(on, self.spec.likelihood, &against, nll, &mut [])?;
        Ok(Looked { encoder: encoded.encoder, z, kl, nll })
    }

    /// The codes of a batch `x` (rows of [`Vae::width`] values): for each sample its means and then its log
    /// variances, so `codes` has 2·latent values a row. `labels` has one class for each sample, or nothing for a
    /// model without classes. Takes [`Vae::run_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`], [`Error::InvalidArgument`] for a label that is no class,
    /// [`Error::ScratchTooSmall`].
    pub fn encode<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        (x, labels): (&[f32], &[u32]),
        codes: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let n = rows::count(x.len(), self.width)?;
        self.check_run(params, labels, [n, codes.len(), 2 * self.spec.latent], scratch)?;
        let scratch = &mut scratch.frame();
        let encoded = self.run_encoder(on, false, (params, n), (x, labels), scratch)?;
        rows::copy(self.encoder.inference.result(&encoded.encoder), codes);
        Ok(())
    }

    /// The expected samples for latent vectors `z` (rows of latent values), probabilities or means: `out` has
    /// [`Vae::width`] values a row. `labels` as in [`Vae::encode`]. Takes [`Vae::run_scratch_len`].
    ///
    /// # Errors
    /// As [`Vae::encode`].
    pub fn decode<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        (z, labels): (&[f32], &[u32]),
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let n = rows::count(z.len(), self.spec.latent)?;
        self.check_run(params, labels, [n, out.len(), self.width], scratch)?;
        self.expected(on, params, (z, labels), out, scratch.frame())
    }

    /// Encodes a batch `x` to the means of its codes and decodes them to `out`, of the same shape; `labels` as in
    /// [`Vae::encode`]. Takes [`Vae::run_scratch_len`].
    ///
    /// # Errors
    /// As [`Vae::encode`].
    pub fn reconstruct<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        (x, labels): (&[f32], &[u32]),
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let latent = self.spec.latent;
        let n = rows::count(x.len(), self.width)?;
        self.check_run(params, labels, [n, out.len(), self.width], scratch)?;
        let mut scratch = scratch.frame();
        let z = scratch.take::<f32>(n * latent)?;
        {
            let frame = &mut scratch.frame();
            let encoded = self.run_encoder(on, false, (params, n), (x, labels), frame)?;
            let codes = self.encoder.inference.result(&encoded.encoder);
            for (z, code) in rows::of_mut(z, latent).zip(rows::of(codes, 2 * latent)) {
                rows::copy(code, z);
            }
        }
        self.expected(on, params, (z, labels), out, scratch)
    }

    /// The samples of index `first`, `first + 1`, … under `seed`, as many as `out` holds: noise of their
    /// index, shaped by `prior`, decoded. A sample does not depend on those that are made with it. `labels` as in
    /// [`Vae::encode`]. Takes [`Vae::run_scratch_len`].
    ///
    /// # Errors
    /// As [`Vae::encode`]; [`Error::ShapeMismatch`] also for a prior of another latent size, and as
    /// [`ClassGaussians::shape`].
    pub fn sample<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        prior: &ClassGaussians<'_>,
        (seed, first, labels): (u64, u64, &[u32]),
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let latent = self.spec.latent;
        let n = rows::count(out.len(), self.width)?;
        if prior.latent() != latent {
            return Err(Error::ShapeMismatch);
        }
        self.check_run(params, labels, [n, out.len(), self.width], scratch)?;
        let mut scratch = scratch.frame();
        let noise = scratch.take::<f32>(n * latent)?;
        latent_noise(on.level, seed, first, latent, noise)?;
        let z = scratch.take::<f32>(n * latent)?;
        prior.shape(on.level, noise, labels, z)?;
        self.expected(on, params, (z, labels), out, scratch)
    }

    /// The number of samples of a batch, where everything fits.
    fn check(&self, batch: &Batch<'_>, scratch: &Scratch<'_>) -> Result<usize> {
        let n = batch.check(self.width, self.spec.latent, self.spec.classes)?;
        let enough = scratch.remaining() >= self.train_scratch_len(n);
        if enough { Ok(n) } else { Err(Error::ScratchTooSmall) }
    }

    /// Whether a run over `n` samples fits, with an output of `len` values in rows of `width`.
    fn check_run(
        &self,
        params: &[f32],
        labels: &[u32],
        [n, len, width]: [usize; 3],
        scratch: &Scratch<'_>,
    ) -> Result<()> {
        labels::check(labels, self.spec.classes, n)?;
        if params.len() != self.param_len() || len != n.checked_mul(width).ok_or(Error::Overflow)? {
            return Err(Error::ShapeMismatch);
        }
        let enough = scratch.remaining() >= self.run_scratch_len(n);
        if enough { Ok(()) } else { Err(Error::ScratchTooSmall) }
    }

    /// [`Vae::decode`] of what has been checked.
    fn expected<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        (z, labels): (&[f32], &[u32]),
        out: &mut [f32],
        mut scratch: Scratch<'_>,
    ) -> Result<()> {
        let [_, _, decoder_params] = self.split(params)?;
        let n = rows::count(z.len(), self.spec.latent)?;
        let scratch = &mut scratch.frame();
        let decoded = self.run_decoder(on, false, (decoder_params, n), (z, labels), scratch)?;
        rows::copy(self.decoder.inference.result(&decoded.decoder), out);
        if self.spec.likelihood == Likelihood::Bernoulli {
            math::sigmoid_slice(on.level, out);
        }
        Ok(())
    }

    /// What the encoder leaves for a batch, its latent vectors, and the divergence of each sample.
    fn encode_noisy<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        training: bool,
        params: &[f32],
        batch: &Batch<'s>,
        scratch: &mut Scratch<'s>,
    ) -> Result<(Encoded<'s>, &'s [f32], &'s [f32])> {
        let n = batch.weights.len();
        let encoded = self.run_encoder(on, training, (params, n), (batch.x, batch.labels), scratch)?;
        let z = scratch.take::<f32>(batch.noise.len())?;
        let kl = scratch.take::<f32>(n)?;
        let codes = self.encoder.plan(training).result(&encoded.encoder);
        Codes { codes, noise: batch.noise, latent: self.spec.latent }.reparameterise(on, z, kl)?;
        Ok((encoded, z, kl))
    }

    fn run_encoder<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        training: bool,
        (params, n): (&[f32], usize),
        (x, labels): (&[f32], &[u32]),
        scratch: &mut Scratch<'s>,
    ) -> Result<Encoded<'s>> {
        let [stem_params, encoder_params, _] = self.split(params)?;
        let stem = match &self.stem {
            Some(stem) => Some(stem.forward(on, training, (stem_params, x), n, scratch)?),
            None => None,
        };
        let features = match (&self.stem, &stem) {
            (Some(stem), Some(work)) => stem.plan(training).result(work),
            _ => x,
        };
        let (classes, mut input): (_, &[f32]) = (self.spec.classes, &[]);
        if classes > 0 {
            let joined = scratch.take::<f32>(n * (self.features() + classes))?;
            labels::write(features, self.features(), labels, classes, joined);
            input = joined;
        }
        let read = if classes == 0 { features } else { input };
        let encoder = self.encoder.forward(on, training, (encoder_params, read), n, scratch)?;
        Ok(Encoded { stem, input, encoder })
    }

    fn run_decoder<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        training: bool,
        (params, n): (&[f32], usize),
        (z, labels): (&'s [f32], &[u32]),
        scratch: &mut Scratch<'s>,
    ) -> Result<Decoded<'s>> {
        let input = labels::append(z, self.spec.latent, labels, self.spec.classes, scratch)?;
        let decoder = self.decoder.forward(on, training, (params, input), n, scratch)?;
        Ok(Decoded { input, decoder })
    }
}

/// −ln p(x | z) of each sample, and its scaled gradient by the decoder's output, unless `slope` is empty.
pub(super) fn reconstruction<E: Executor>(
    on: Engine<'_, E>,
    likelihood: Likelihood,
    against: &Against<'_>,
    nll: &mut [f32],
    slope: &mut [f32],
) -> Result<()> {
    match likelihood {
        Likelihood::Bernoulli => bernoulli_nll(on, against, nll, slope),
        Likelihood::Gaussian { sigma } => gaussian_nll(on, sigma, against, nll, slope),
    }
}

/// Both terms summed in the order of the samples, with their weights.
fn weighted(nll: &[f32], kl: &[f32], weights: &[f32]) -> Elbo {
    let mut sum = Elbo::default();
    for ((&nll, &kl), &w) in nll.iter().zip(kl).zip(weights) {
        sum += Elbo { reconstruction: nll as f64 * w as f64, divergence: kl as f64 * w as f64 };
    }
    sum
}
