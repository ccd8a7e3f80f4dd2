//! The generative adversarial network, as a plan and at work.

use super::arch::{Likelihood, NamedTensor, Net, Widths, dense};
use super::labels;
use super::noise::latent_noise;
use super::{Batch, Trainee};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::nn::loss::logistic;
use crate::nn::{Activation, Adam, Engine, Layer, Shape, rows};
use crate::scratch::{Scratch, ScratchLen};

/// What a [`Gan`] is made of.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GanSpec {
    /// Values of a sample, above 0.
    pub width: usize,
    /// Hidden widths of the generator, from the noise to the sample.
    pub generator: Widths,
    /// Hidden widths of the discriminator, from the sample to the decision.
    pub discriminator: Widths,
    /// Values of the noise that a sample is made from, above 0.
    pub latent: usize,
    /// Classes that both are conditioned on; 0 for none.
    pub classes: usize,
    /// Values in [0, 1] (a sigmoid at the end of the generator) for Bernoulli, unbounded for Gaussian, whose
    /// sigma is not used.
    pub likelihood: Likelihood,
}

/// What one training step is told.
#[derive(Clone, Copy, Debug)]
pub struct GanStep {
    /// The optimiser; a beta1 of 0.5 is usual here (Radford et al. 2016).
    pub adam: Adam,
    /// The number of the step, counted from 1.
    pub t: u64,
    /// The target of real samples, in (0.5, 1]: below 1 for one-sided smoothing (Salimans et al. 2016).
    pub real_target: f32,
    /// The decay of the running mean of the generator, in [0, 1), where one is kept.
    pub ema_decay: f32,
}

/// How a step went; means over the batch, in nats.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GanTerms {
    /// Loss of the discriminator, both halves added.
    pub discriminator: f64,
    /// Loss of the generator.
    pub generator: f64,
    /// Share of real samples that the discriminator took for real.
    pub real_accuracy: f64,
    /// Share of generated samples that it took for generated.
    pub fake_accuracy: f64,
}

/// A generative adversarial network of dense layers (Goodfellow et al. 2014) with the non-saturating loss,
/// conditioned on a class (Mirza, Osindero 2014) or not. Hidden layers: ReLU in the generator, LeakyReLU
/// of slope 0.2 in the discriminator.
#[derive(Clone, Debug)]
pub struct Gan {
    spec: GanSpec,
    generator: Net,
    discriminator: Net,
}

impl Gan {
    /// The plan of `spec`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a zero size, [`Error::CapacityExceeded`] for too many layers,
    /// [`Error::Overflow`].
    pub fn new(spec: GanSpec) -> Result<Self> {
        if spec.width == 0 || spec.latent == 0 {
            return Err(Error::InvalidArgument);
        }
        let mut generator =
            Net::new(Shape::flat(spec.latent.checked_add(spec.classes).ok_or(Error::Overflow)?))?;
        dense(&mut generator, spec.generator.iter(), Activation::Relu)?;
        generator.push(Layer::Dense { outputs: spec.width })?;
        if spec.likelihood == Likelihood::Bernoulli {
            generator.push(Layer::Activation(Activation::Sigmoid))?;
        }
        let mut discriminator =
            Net::new(Shape::flat(spec.width.checked_add(spec.classes).ok_or(Error::Overflow)?))?;
        dense(&mut discriminator, spec.discriminator.iter(), Activation::LeakyRelu { slope: 0.2 })?;
        discriminator.push(Layer::Dense { outputs: 1 })?;
        let all = generator.param_len().checked_add(discriminator.param_len()).ok_or(Error::Overflow)?;
        all.checked_mul(2).ok_or(Error::Overflow)?;
        Ok(Self { spec, generator, discriminator })
    }

    /// What it was made from.
    pub const fn spec(&self) -> &GanSpec {
        &self.spec
    }

    /// Parameters: the generator's, then the discriminator's.
    pub const fn param_len(&self) -> usize {
        self.generator.param_len() + self.discriminator.param_len()
    }

    /// Parameters of the generator: the first ones, and the length of a running mean of it.
    pub const fn generator_len(&self) -> usize {
        self.generator.param_len()
    }

    /// Moments of the optimiser: two for each parameter, the generator's all before the discriminator's.
    pub const fn moment_len(&self) -> usize {
        2 * self.param_len()
    }

    /// Name, place and shape of each tensor, in the order of the parameters.
    pub fn tensors(&self) -> impl Iterator<Item = NamedTensor> + '_ {
        NamedTensor::all("generator", 0, &self.generator).chain(NamedTensor::all(
            "discriminator",
            self.generator_len(),
            &self.discriminator,
        ))
    }

    /// PyTorch's initial values; see [`crate::nn::Network::init`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `params` has not [`Gan::param_len`] values.
    pub fn init(&self, seed: u64, params: &mut [f32]) -> Result<()> {
        let (generator, discriminator) =
            params.split_at_mut_checked(self.generator_len()).ok_or(Error::ShapeMismatch)?;
        self.discriminator.init(seed, 100, discriminator)?;
        self.generator.init(seed, 0, generator)
    }

    /// Bytes of scratch that [`Gan::train_step`] takes for a batch; `usize::MAX` where that is too large.
    pub fn train_scratch_len(&self, batch: usize) -> usize {
        let both = batch.saturating_mul(2);
        let inside =
            self.generator.backward_scratch_len(batch).max(self.discriminator.backward_scratch_len(both));
        self.forward_parts(batch)
            .with::<f32>(both.saturating_mul(self.discriminator.input().channels))
            .with::<f32>(self.discriminator.activation_len(both).unwrap_or(usize::MAX))
            .with::<f32>(both.saturating_mul(3))
            .with::<f32>(batch.saturating_mul(self.discriminator.input().channels))
            .with::<f32>(batch.saturating_mul(self.spec.width))
            .with_bytes(inside)
            .bytes()
    }

    /// Bytes of scratch that [`Gan::sample`] takes for a batch; `usize::MAX` where that is too large.
    pub fn run_scratch_len(&self, batch: usize) -> usize {
        self.forward_parts(batch)
            .with::<f32>(batch.saturating_mul(self.spec.latent))
            .with_bytes(self.generator.forward_scratch_len(batch))
            .bytes()
    }

    fn forward_parts(&self, batch: usize) -> ScratchLen {
        ScratchLen::new()
            .with::<f32>(batch.saturating_mul(self.generator.input().channels))
            .with::<f32>(self.generator.activation_len(batch).unwrap_or(usize::MAX))
    }

    /// One step of training: the discriminator on the batch and as many generated samples, then the
    /// generator on the same samples against the new discriminator. `average` holds the running mean of
    /// the generator's parameters, or nothing. Takes [`Gan::train_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a value out of
    /// its range or a label that is no class, [`Error::ScratchTooSmall`]. All is untouched then.
    pub fn train_step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        trainee: &mut Trainee<'_>,
        average: &mut [f32],
        batch: &Batch<'_>,
        step: &GanStep,
        scratch: &mut Scratch<'_>,
    ) -> Result<GanTerms> {
        let n = self.check(trainee, average, batch, step)?;
        let split = self.generator_len();
        let (g_params, d_params) = trainee.params.split_at_mut_checked(split).unwrap_or_default();
        let (g_grads, d_grads) = trainee.grads.split_at_mut_checked(split).unwrap_or_default();
        let (g_moments, d_moments) = trainee.moments.split_at_mut_checked(2 * split).unwrap_or_default();
        let (d_width, width, classes) =
            (self.discriminator.input().channels, self.spec.width, self.spec.classes);
        let mut scratch = scratch.frame();

        let (g_input, g_activations) = self.run(on, g_params, batch.noise, batch.labels, &mut scratch)?;
        let both = scratch.take::<f32>(2 * n * d_width)?;
        let d_activations = scratch.take::<f32>(self.discriminator.activation_len(2 * n)?)?;
        let per_sample = scratch.take::<f32>(6 * n)?;
        let (scales, rest) = per_sample.split_at_mut_checked(2 * n).unwrap_or_default();
        let (losses, slopes) = rest.split_at_mut_checked(2 * n).unwrap_or_default();
        let d_fake = scratch.take::<f32>(n * d_width)?;
        let d_samples = scratch.take::<f32>(n * width)?;

        let (real, fake) = both.split_at_mut_checked(n * d_width).unwrap_or_default();
        labels::append(batch.x, width, batch.labels, classes, real);
        labels::append(self.generator.result(n, g_activations), width, batch.labels, classes, fake);
        scales.fill(1.0 / n as f32);
        scales.iter_mut().zip(batch.weights).for_each(|(s, w)| *s *= w);

        self.discriminator.forward(on, [d_params, both], d_activations, &mut scratch.frame())?;
        let logits = self.discriminator.result(2 * n, d_activations);
        let mut terms = GanTerms::default();
        for (half, target) in [(0..n, step.real_target), (n..2 * n, 0.0)] {
            let part = |v| <[f32]>::get(v, half.clone()).unwrap_or(&[]);
            let inputs = [part(logits), part(scales)];
            let is_right = |l: &&f32| (**l > 0.0) == (target > 0.0);
            let accuracy = inputs[0].iter().filter(is_right).count() as f64 / n as f64;
            *(if target > 0.0 { &mut terms.real_accuracy } else { &mut terms.fake_accuracy }) = accuracy;
            let loss = losses.get_mut(half.clone()).unwrap_or(&mut []);
            logistic(on, target, inputs, loss, slopes.get_mut(half.clone()).unwrap_or(&mut []))?;
            terms.discriminator += mean(loss);
        }
        let inputs = [&*d_params, both, d_activations];
        self.discriminator.backward(on, inputs, slopes, (Some(&mut *d_grads), None), &mut scratch.frame())?;
        step.adam.step(on, step.t, d_params, d_grads, d_moments)?;

        let fake = both.get(n * d_width..).unwrap_or(&[]);
        self.discriminator.forward(on, [d_params, fake], d_activations, &mut scratch.frame())?;
        let logits = self.discriminator.result(n, d_activations);
        scales.fill(1.0 / n as f32);
        let scales = scales.get(..n).unwrap_or(&[]);
        let (losses, slopes) =
            (losses.get_mut(..n).unwrap_or(&mut []), slopes.get_mut(..n).unwrap_or(&mut []));
        logistic(on, 1.0, [logits, scales], losses, slopes)?;
        terms.generator = mean(losses);
        let inputs = [&*d_params, fake, d_activations];
        self.discriminator.backward(on, inputs, slopes, (None, Some(&mut *d_fake)), &mut scratch.frame())?;
        labels::strip(d_fake, width, classes, d_samples);
        let inputs = [&*g_params, g_input, g_activations];
        self.generator.backward(on, inputs, d_samples, (Some(&mut *g_grads), None), &mut scratch.frame())?;
        step.adam.step(on, step.t, g_params, g_grads, g_moments)?;
        track(on.level, step.ema_decay, g_params, average);
        Ok(terms)
    }

    /// The samples of index `first`, `first + 1`, … under `seed`, as many as `out` holds, from `params` of
    /// the generator alone (or its running mean), with noise multiplied by `temperature`. Takes
    /// [`Gan::run_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`], [`Error::InvalidArgument`] for a label that is no class,
    /// [`Error::ScratchTooSmall`].
    pub fn sample<E: Executor>(
        &self,
        on: Engine<'_, E>,
        generator: &[f32],
        temperature: f32,
        (seed, first, labels): (u64, u64, &[u32]),
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let n = rows::count(out.len(), self.spec.width)?;
        labels::check(labels, self.spec.classes, n)?;
        if generator.len() != self.generator_len() {
            return Err(Error::ShapeMismatch);
        }
        let mut scratch = scratch.frame();
        let noise = scratch.take::<f32>(n * self.spec.latent)?;
        latent_noise(on.level, seed, first, self.spec.latent, noise);
        noise.iter_mut().for_each(|v| *v *= temperature);
        let (_, activations) = self.run(on, generator, noise, labels, &mut scratch)?;
        rows::copy(self.generator.result(n, activations), out);
        Ok(())
    }

    fn check(
        &self,
        trainee: &Trainee<'_>,
        average: &[f32],
        batch: &Batch<'_>,
        step: &GanStep,
    ) -> Result<usize> {
        let n = batch.weights.len();
        labels::check(batch.labels, self.spec.classes, n)?;
        let x_len = n.checked_mul(self.spec.width).ok_or(Error::Overflow)?;
        let noise_len = n.checked_mul(self.spec.latent).ok_or(Error::Overflow)?;
        let batch_fits = n > 0 && batch.x.len() == x_len && batch.noise.len() == noise_len;
        let state_fits = trainee.params.len() == self.param_len()
            && trainee.grads.len() == self.param_len()
            && trainee.moments.len() == self.moment_len()
            && (average.is_empty() || average.len() == self.generator_len());
        if !(batch_fits && state_fits) {
            return Err(Error::ShapeMismatch);
        }
        let in_range =
            step.real_target > 0.5 && step.real_target <= 1.0 && (0.0..1.0).contains(&step.ema_decay);
        if in_range && step.t > 0 { Ok(n) } else { Err(Error::InvalidArgument) }
    }

    /// The generator's input and activations for `noise`.
    fn run<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        noise: &[f32],
        labels: &[u32],
        scratch: &mut Scratch<'s>,
    ) -> Result<(&'s [f32], &'s [f32])> {
        let n = rows::count(noise.len(), self.spec.latent)?;
        let input = scratch.take::<f32>(n * self.generator.input().channels)?;
        labels::append(noise, self.spec.latent, labels, self.spec.classes, input);
        let activations = scratch.take::<f32>(self.generator.activation_len(n)?)?;
        self.generator.forward(on, [params, input], activations, &mut scratch.frame())?;
        Ok((input, activations))
    }
}

fn mean(v: &[f32]) -> f64 {
    let mut sum = 0f64;
    v.iter().for_each(|&x| sum += x as f64);
    sum / v.len().max(1) as f64
}

kernel! {
    /// average ← decay·average + (1 − decay)·params.
    fn track(decay: f32, params: &[f32], average: &mut [f32]) = track_body;
}

#[inline(always)]
fn track_body(decay: f32, params: &[f32], average: &mut [f32]) {
    let rest = 1.0 - decay;
    for (a, p) in average.iter_mut().zip(params) {
        *a = decay * *a + rest * p;
    }
}
