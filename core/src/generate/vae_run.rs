//! The variational autoencoder at work: training, scores, codes, samples.

use super::arch::Likelihood;
use super::labels;
use super::noise::latent_noise;
use super::prior::ClassGaussians;
use super::vae::Vae;
use super::{Batch, Trainee};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::loss::{Against, Codes, bernoulli_nll, gaussian_nll};
use crate::nn::{Adam, Engine, rows};
use crate::scratch::Scratch;

/// What one training step is told.
#[derive(Clone, Copy, Debug)]
pub struct VaeStep {
    /// The weight of the divergence, not negative; 1 is the evidence lower bound.
    pub beta: f32,
    /// The optimiser.
    pub adam: Adam,
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
    stem: &'s [f32],
    input: &'s [f32],
    encoder: &'s [f32],
}

/// What a forward pass of the decoder leaves.
struct Decoded<'s> {
    input: &'s [f32],
    decoder: &'s [f32],
}

impl Vae {
    /// One step of training: gradients of the mean over the batch of weight·(reconstruction + beta ·
    /// divergence), and a step of Adam.
    ///
    /// # Errors
    /// As [`Vae::gradients`] and [`Adam::step`]; the parameters are untouched then.
    pub fn train_step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        trainee: &mut Trainee<'_>,
        batch: &Batch<'_>,
        step: &VaeStep,
        scratch: &mut Scratch<'_>,
    ) -> Result<Elbo> {
        let elbo = self.gradients(on, trainee.params, batch, step.beta, trainee.grads, scratch)?;
        step.adam.step(on, step.t, trainee.params, trainee.grads, trainee.moments)?;
        Ok(elbo)
    }

    /// The gradients of the mean over the batch of weight·(reconstruction + beta·divergence), written over
    /// `grads`; takes [`Vae::train_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a label that is
    /// no class or a `beta` below 0, [`Error::ScratchTooSmall`].
    pub fn gradients<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        batch: &Batch<'_>,
        beta: f32,
        grads: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<Elbo> {
        let n = self.check(batch)?;
        if !(0.0..f32::INFINITY).contains(&beta) {
            return Err(Error::InvalidArgument);
        }
        let [stem_params, encoder_params, decoder_params] = self.split(params)?;
        let [stem_grads, encoder_grads, decoder_grads] = self.split_mut(grads)?;
        let mut scratch = scratch.frame();
        let (encoded, z, per_sample) = self.encode_noisy(on, params, batch, &mut scratch)?;
        let codes = self.codes(&encoded, batch);
        let (scales, kl, nll, weights) = quarter(per_sample, n);
        for ((scale, weight), &w) in scales.iter_mut().zip(weights.iter_mut()).zip(batch.weights) {
            *scale = w / n as f32;
            *weight = beta * *scale;
        }
        let decoded = self.run_decoder(on, decoder_params, z, batch.labels, &mut scratch)?;
        let slope = scratch.take::<f32>(n * self.width)?;
        self.reconstruction(on, &decoded, batch, scales, nll, slope)?;

        let inputs = [decoder_params, decoded.input, decoded.decoder];
        let d_input = scratch.take::<f32>(decoded.input.len())?;
        let wanted = (Some(decoder_grads), Some(&mut *d_input));
        self.decoder.backward(on, inputs, slope, wanted, &mut scratch.frame())?;
        let dz = scratch.take::<f32>(n * self.spec.latent)?;
        labels::strip(d_input, self.spec.latent, self.spec.classes, dz);
        let d_codes = scratch.take::<f32>(2 * dz.len())?;
        codes.backward(on, dz, weights, d_codes)?;

        let inputs = [encoder_params, encoded.input, encoded.encoder];
        match &self.stem {
            None => {
                let wanted = (Some(encoder_grads), None);
                self.encoder.backward(on, inputs, d_codes, wanted, &mut scratch.frame())?;
            }
            Some(stem) => {
                let d_input = scratch.take::<f32>(encoded.input.len())?;
                let wanted = (Some(encoder_grads), Some(&mut *d_input));
                self.encoder.backward(on, inputs, d_codes, wanted, &mut scratch.frame())?;
                let d_features = scratch.take::<f32>(n * self.features())?;
                labels::strip(d_input, self.features(), self.spec.classes, d_features);
                let inputs = [stem_params, batch.x, encoded.stem];
                stem.backward(on, inputs, d_features, (Some(stem_grads), None), &mut scratch.frame())?;
            }
        }
        Ok(weighted(nll, kl, batch.weights))
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
        let n = self.check(batch)?;
        let [_, _, decoder_params] = self.split(params)?;
        let mut scratch = scratch.frame();
        let (_, z, per_sample) = self.encode_noisy(on, params, batch, &mut scratch)?;
        let (scales, kl, nll, _) = quarter(per_sample, n);
        scales.fill(0.0);
        let decoded = self.run_decoder(on, decoder_params, z, batch.labels, &mut scratch)?;
        let slope = scratch.take::<f32>(n * self.width)?;
        self.reconstruction(on, &decoded, batch, scales, nll, slope)?;
        Ok(weighted(nll, kl, batch.weights))
    }

    /// The codes of a batch: for each sample its means and then its log variances; takes
    /// [`Vae::run_scratch_len`].
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
        labels::check(labels, self.spec.classes, n)?;
        if codes.len() != n * 2 * self.spec.latent {
            return Err(Error::ShapeMismatch);
        }
        let encoded = self.run_encoder(on, params, (x, labels), &mut scratch.frame())?;
        rows::copy(self.encoder.result(n, encoded.encoder), codes);
        Ok(())
    }

    /// The expected samples for latent vectors `z`: probabilities or means; takes
    /// [`Vae::run_scratch_len`].
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
        labels::check(labels, self.spec.classes, n)?;
        if out.len() != n * self.width {
            return Err(Error::ShapeMismatch);
        }
        let [_, _, decoder_params] = self.split(params)?;
        let decoded = self.run_decoder(on, decoder_params, z, labels, &mut scratch.frame())?;
        rows::copy(self.decoder.result(n, decoded.decoder), out);
        if self.spec.likelihood == Likelihood::Bernoulli {
            math::sigmoid_slice(on.level, out);
        }
        Ok(())
    }

    /// Encodes a batch to the means of its codes and decodes them; takes [`Vae::run_scratch_len`].
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
        let mut scratch = scratch.frame();
        let codes = scratch.take::<f32>(n * 2 * latent)?;
        self.encode(on, params, (x, labels), codes, &mut scratch.frame())?;
        let z = scratch.take::<f32>(n * latent)?;
        for (z, code) in rows::of_mut(z, latent).zip(rows::of(codes, 2 * latent)) {
            rows::copy(code, z);
        }
        self.decode(on, params, (z, labels), out, &mut scratch)
    }

    /// The samples of index `first`, `first + 1`, … under `seed`, as many as `out` holds: noise of their
    /// index, shaped by `prior`, decoded. A sample does not depend on those that are made with it. Takes
    /// [`Vae::run_scratch_len`].
    ///
    /// # Errors
    /// As [`Vae::encode`].
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
        let mut scratch = scratch.frame();
        let noise = scratch.take::<f32>(n * latent)?;
        latent_noise(on.level, seed, first, latent, noise);
        let z = scratch.take::<f32>(n * latent)?;
        prior.shape(noise, labels, z)?;
        self.decode(on, params, (z, labels), out, &mut scratch)
    }

    /// The number of samples of a batch, where everything fits.
    fn check(&self, batch: &Batch<'_>) -> Result<usize> {
        let n = batch.weights.len();
        labels::check(batch.labels, self.spec.classes, n)?;
        let x_len = n.checked_mul(self.width).ok_or(Error::Overflow)?;
        let noise_len = n.checked_mul(self.spec.latent).ok_or(Error::Overflow)?;
        if n == 0 || batch.x.len() != x_len || batch.noise.len() != noise_len {
            return Err(Error::ShapeMismatch);
        }
        Ok(n)
    }

    fn codes<'s>(&self, encoded: &Encoded<'s>, batch: &Batch<'s>) -> Codes<'s> {
        let codes = self.encoder.result(batch.weights.len(), encoded.encoder);
        Codes { codes, noise: batch.noise, latent: self.spec.latent }
    }

    /// Codes and latent vectors of a batch, and four values for each sample, of which the second holds the
    /// divergence.
    fn encode_noisy<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        batch: &Batch<'_>,
        scratch: &mut Scratch<'s>,
    ) -> Result<(Encoded<'s>, &'s [f32], &'s mut [f32])> {
        let n = batch.weights.len();
        let encoded = self.run_encoder(on, params, (batch.x, batch.labels), scratch)?;
        let z = scratch.take::<f32>(n * self.spec.latent)?;
        let per_sample = scratch.take::<f32>(4 * n)?;
        let codes = self.encoder.result(n, encoded.encoder);
        let codes = Codes { codes, noise: batch.noise, latent: self.spec.latent };
        codes.reparameterise(on, z, quarter(per_sample, n).1)?;
        Ok((encoded, z, per_sample))
    }

    fn run_encoder<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        (x, labels): (&[f32], &[u32]),
        scratch: &mut Scratch<'s>,
    ) -> Result<Encoded<'s>> {
        let [stem_params, encoder_params, _] = self.split(params)?;
        let n = rows::count(x.len(), self.width)?;
        let mut stem: &[f32] = &[];
        let mut features = x;
        if let Some(net) = &self.stem {
            let activations = scratch.take::<f32>(net.activation_len(n)?)?;
            net.forward(on, [stem_params, x], activations, &mut scratch.frame())?;
            stem = activations;
            features = net.result(n, stem);
        }
        let input = scratch.take::<f32>(n * self.encoder.input().channels)?;
        labels::append(features, self.features(), labels, self.spec.classes, input);
        let encoder = scratch.take::<f32>(self.encoder.activation_len(n)?)?;
        self.encoder.forward(on, [encoder_params, input], encoder, &mut scratch.frame())?;
        Ok(Encoded { stem, input, encoder })
    }

    fn run_decoder<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        z: &[f32],
        labels: &[u32],
        scratch: &mut Scratch<'s>,
    ) -> Result<Decoded<'s>> {
        let n = rows::count(z.len(), self.spec.latent)?;
        let input = scratch.take::<f32>(n * self.decoder.input().channels)?;
        labels::append(z, self.spec.latent, labels, self.spec.classes, input);
        let decoder = scratch.take::<f32>(self.decoder.activation_len(n)?)?;
        self.decoder.forward(on, [params, input], decoder, &mut scratch.frame())?;
        Ok(Decoded { input, decoder })
    }

    /// −ln p(x | z) of each sample, and its gradient by the decoder's output.
    fn reconstruction<E: Executor>(
        &self,
        on: Engine<'_, E>,
        decoded: &Decoded<'_>,
        batch: &Batch<'_>,
        scales: &[f32],
        nll: &mut [f32],
        slope: &mut [f32],
    ) -> Result<()> {
        let predictions = self.decoder.result(batch.weights.len(), decoded.decoder);
        let against = Against { predictions, targets: batch.x, scales };
        match self.spec.likelihood {
            Likelihood::Bernoulli => bernoulli_nll(on, &against, nll, slope),
            Likelihood::Gaussian { sigma } => gaussian_nll(on, sigma, &against, nll, slope),
        }
    }
}

/// Four slices of `n` values.
fn quarter(v: &mut [f32], n: usize) -> (&mut [f32], &mut [f32], &mut [f32], &mut [f32]) {
    let (a, rest) = v.split_at_mut_checked(n).unwrap_or_default();
    let (b, rest) = rest.split_at_mut_checked(n).unwrap_or_default();
    let (c, d) = rest.split_at_mut_checked(n).unwrap_or_default();
    (a, b, c, d)
}

/// Both terms summed in the order of the samples, with their weights.
fn weighted(nll: &[f32], kl: &[f32], weights: &[f32]) -> Elbo {
    let mut sum = Elbo::default();
    for ((&nll, &kl), &w) in nll.iter().zip(kl).zip(weights) {
        sum += Elbo { reconstruction: nll as f64 * w as f64, divergence: kl as f64 * w as f64 };
    }
    sum
}
