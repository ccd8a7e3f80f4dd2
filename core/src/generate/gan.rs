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
        let (width, judged) = (self.spec.width, self.discriminator.input().channels);
        let inside = self.generator.backward_scratch_len(batch, false);
        let inside = inside
            .max(self.discriminator.backward_scratch_len(both, false))
            .max(self.discriminator.backward_scratch_len(batch, true));
        self.forward_parts(batch)
            .with::<f32>(both.saturating_mul(judged))
            .with::<f32>(self.discriminator.activation_len(both).unwrap_or(usize::MAX))
            .with::<f32>(both.saturating_mul(3))
            .with::<f32>(batch.saturating_mul(judged))
            .with::<f32>(labels::taken(batch, width, self.spec.classes))
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

    /// The input of the generator with the class, and its activations.
    fn forward_parts(&self, batch: usize) -> ScratchLen {
        ScratchLen::new()
            .with::<f32>(labels::taken(batch, self.generator.input().channels, self.spec.classes))
            .with::<f32>(self.generator.activation_len(batch).unwrap_or(usize::MAX))
    }

    /// One step of training: the discriminator on the batch and as many generated samples, then the
    /// generator on the same samples against the new discriminator. `average` holds the running mean of
    /// the generator's parameters, or nothing. Weights count for real samples; the terms are without them. Takes
    /// [`Gan::train_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a value out of
    /// its range or a label that is no class, [`Error::ScratchTooSmall`]; [`Error::NotFinite`] where the loss of the
    /// discriminator is not finite, as for a sample that is not. Parameters, moments and average are untouched
    /// then. [`Error::NotFinite`] also where the loss of the generator is not finite: the discriminator has
    /// made its step by then.
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
        if scratch.remaining() < self.train_scratch_len(n) {
            return Err(Error::ScratchTooSmall);
        }
        let split = self.generator_len();
        let (g_params, d_params) = trainee.params.split_at_mut_checked(split).unwrap_or_default();
        let (g_grads, d_grads) = trainee.grads.split_at_mut_checked(split).unwrap_or_default();
        let (g_moments, d_moments) = trainee.moments.split_at_mut_checked(2 * split).unwrap_or_default();
        let mut scratch = scratch.frame();

        let (g_input, g_activations) = self.run(on, g_params, (batch.noise, batch.labels), &mut scratch)?;
        let mut trial = Trial::new(&self.discriminator, n, &mut scratch)?;
        self.assemble(batch, self.generator.result(n, g_activations), &mut trial);
        let frame = scratch.frame();
        let mut terms =
            self.discriminator_pass(on, (d_params, d_grads), step.real_target, &mut trial, frame)?;
        if !terms.discriminator.is_finite() {
            return Err(Error::NotFinite);
        }
        step.adam.step(on, step.t, d_params, d_grads, d_moments)?;

        let d_samples;
        (terms.generator, d_samples) = self.generator_pass(on, d_params, &mut trial, &mut scratch)?;
        if !terms.generator.is_finite() {
            return Err(Error::NotFinite);
        }
        let inputs = [&*g_params, g_input, g_activations];
        self.generator.backward(on, inputs, d_samples, (Some(&mut *g_grads), None), &mut scratch)?;
        step.adam.step(on, step.t, g_params, g_grads, g_moments)?;
        track(on.level, step.ema_decay, g_params, average);
        Ok(terms)
    }

    /// Fills a trial with the samples of the batch and the generated ones, each with its class, and with scales.
    fn assemble(&self, batch: &Batch<'_>, generated: &[f32], trial: &mut Trial<'_>) {
        let (width, classes) = (self.spec.width, self.spec.classes);
        let (real, fake) = trial.both.split_at_mut_checked(trial.both.len() / 2).unwrap_or_default();
        labels::write(batch.x, width, batch.labels, classes, real);
        labels::write(generated, width, batch.labels, classes, fake);
        trial.scales.fill(1.0 / batch.weights.len() as f32);
        trial.scales.iter_mut().zip(batch.weights).for_each(|(s, w)| *s *= w);
    }

    /// The discriminator's loss over a trial, and its gradients.
    fn discriminator_pass<E: Executor>(
        &self,
        on: Engine<'_, E>,
        (params, grads): (&[f32], &mut [f32]),
        real_target: f32,
        trial: &mut Trial<'_>,
        mut scratch: Scratch<'_>,
    ) -> Result<GanTerms> {
        let Trial { both, activations, scales, losses, slopes } = trial;
        let n = scales.len() / 2;
        self.discriminator.forward(on, [params, both], activations, &mut scratch.frame())?;
        let logits = self.discriminator.result(2 * n, activations);
        let mut terms = GanTerms::default();
        for (half, target) in [(0..n, real_target), (n..2 * n, 0.0)] {
            let part = |v| <[f32]>::get(v, half.clone()).unwrap_or(&[]);
            let inputs = [part(logits), part(scales)];
            let is_right = |l: &&f32| (**l > 0.0) == (target > 0.0);
            let accuracy = inputs[0].iter().filter(is_right).count() as f64 / n as f64;
            *(if target > 0.0 { &mut terms.real_accuracy } else { &mut terms.fake_accuracy }) = accuracy;
            let loss = losses.get_mut(half.clone()).unwrap_or(&mut []);
            logistic(on, target, inputs, loss, slopes.get_mut(half.clone()).unwrap_or(&mut []))?;
            terms.discriminator += mean(loss);
        }
        let inputs = [params, both, activations];
        self.discriminator.backward(on, inputs, slopes, (Some(grads), None), &mut scratch)?;
        Ok(terms)
    }

    /// The generator's loss over the generated half of a trial, and its gradient by the samples.
    fn generator_pass<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        trial: &mut Trial<'_>,
        scratch: &mut Scratch<'s>,
    ) -> Result<(f64, &'s mut [f32])> {
        let Trial { both, activations, scales, losses, slopes } = trial;
        let n = scales.len() / 2;
        let fake = both.get(both.len() / 2..).unwrap_or(&[]);
        let [scales, losses, slopes] = [scales, losses, slopes].map(|v| v.get_mut(..n).unwrap_or(&mut []));
        scales.fill(1.0 / n as f32);
        self.discriminator.forward(on, [params, fake], activations, &mut scratch.frame())?;
        logistic(on, 1.0, [self.discriminator.result(n, activations), scales], losses, slopes)?;
        let d_fake = scratch.take::<f32>(fake.len())?;
        let wanted = (None, Some(&mut *d_fake));
        self.discriminator.backward(on, [params, fake, activations], slopes, wanted, &mut scratch.frame())?;
        Ok((mean(losses), labels::strip(d_fake, self.spec.width, self.spec.classes, scratch)?))
    }

    /// The samples of index `first`, `first + 1`, … under `seed`, as many as `out` holds, from `params` of
    /// the generator alone (or its running mean), with noise multiplied by `temperature`, at least 0. `labels` has one
    /// class for each sample, or nothing for a model without classes. Takes [`Gan::run_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`], [`Error::InvalidArgument`] for a label that is no class or a temperature that is
    /// negative or not finite, [`Error::ScratchTooSmall`].
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
        if !(0.0..f32::INFINITY).contains(&temperature) {
            return Err(Error::InvalidArgument);
        }
        if scratch.remaining() < self.run_scratch_len(n) {
            return Err(Error::ScratchTooSmall);
        }
        let mut scratch = scratch.frame();
        let noise = scratch.take::<f32>(n * self.spec.latent)?;
        latent_noise(on.level, seed, first, self.spec.latent, noise)?;
        noise.iter_mut().for_each(|v| *v *= temperature);
        let (_, activations) = self.run(on, generator, (noise, labels), &mut scratch)?;
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
        let n = batch.check(self.spec.width, self.spec.latent, self.spec.classes)?;
        let average_fits = average.is_empty() || average.len() == self.generator_len();
        if trainee.params.len() != self.param_len() || !average_fits {
            return Err(Error::ShapeMismatch);
        }
        step.adam.check(step.t, [trainee.params.len(), trainee.grads.len(), trainee.moments.len()])?;
        let in_range =
            step.real_target > 0.5 && step.real_target <= 1.0 && (0.0..1.0).contains(&step.ema_decay);
        if in_range { Ok(n) } else { Err(Error::InvalidArgument) }
    }

    /// The generator's input and activations for `noise`.
    fn run<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        (noise, labels): (&'s [f32], &[u32]),
        scratch: &mut Scratch<'s>,
    ) -> Result<(&'s [f32], &'s [f32])> {
        let n = rows::count(noise.len(), self.spec.latent)?;
        let input = labels::append(noise, self.spec.latent, labels, self.spec.classes, scratch)?;
        let activations = scratch.take::<f32>(self.generator.activation_len(n)?)?;
        self.generator.forward(on, [params, input], activations, &mut scratch.frame())?;
        Ok((input, activations))
    }
}

/// What the discriminator judges in a step, as many real samples as generated ones behind them, and for each of them
/// a scale, a loss, and the slope of the scaled loss.
struct Trial<'s> {
    both: &'s mut [f32],
    activations: &'s mut [f32],
    scales: &'s mut [f32],
    losses: &'s mut [f32],
    slopes: &'s mut [f32],
}

impl<'s> Trial<'s> {
    fn new(discriminator: &Net, n: usize, scratch: &mut Scratch<'s>) -> Result<Self> {
        let both = scratch.take::<f32>(2 * n * discriminator.input().channels)?;
        let activations = scratch.take::<f32>(discriminator.activation_len(2 * n)?)?;
        let (scales, rest) = scratch.take::<f32>(6 * n)?.split_at_mut_checked(2 * n).unwrap_or_default();
        let (losses, slopes) = rest.split_at_mut_checked(2 * n).unwrap_or_default();
        Ok(Self { both, activations, scales, losses, slopes })
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
