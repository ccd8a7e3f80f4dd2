//! The generative adversarial network, as a plan and at work.

use super::arch::{Likelihood, MAX_LAYERS, NamedTensor, Net, NetPlan, Part, Widths, dense};
use super::labels;
use super::noise::latent_noise;
use super::{Batch, Trainee};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::nn::loss::logistic;
use crate::nn::{
    Activation, Adam, Dense, Draws, Ema, Engine, Gradients, Mode, Model, Shape, Workspace, rows,
};
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
    generator: Part,
    /// The discriminator in its own step, over both halves of a trial.
    discriminator: NetPlan,
    /// In the generator's step, which asks for the gradient by the samples alone.
    judge: NetPlan,
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
        generator.push(Dense::new(spec.width))?;
        if spec.likelihood == Likelihood::Bernoulli {
            generator.push(Activation::Sigmoid)?;
        }
        let mut discriminator =
            Net::new(Shape::flat(spec.width.checked_add(spec.classes).ok_or(Error::Overflow)?))?;
        dense(&mut discriminator, spec.discriminator.iter(), Activation::LeakyRelu { slope: 0.2 })?;
        discriminator.push(Dense::new(1))?;
        let all = generator.param_len().checked_add(discriminator.param_len()).ok_or(Error::Overflow)?;
        all.checked_mul(2).ok_or(Error::Overflow)?;
        Ok(Self {
            spec,
            generator: Part::new(&generator, false)?,
            discriminator: discriminator.plan(Mode::TRAINING)?,
            judge: discriminator.plan(Mode::Training { frozen: MAX_LAYERS, input_gradient: true })?,
        })
    }

    /// What it was made from.
    pub const fn spec(&self) -> &GanSpec {
        &self.spec
    }

    /// Parameters: the generator's, then the discriminator's.
    pub fn param_len(&self) -> usize {
        self.generator.param_len() + self.discriminator.network().param_len()
    }

    /// Parameters of the generator: the first ones, and the length of a running mean of it.
    pub fn generator_len(&self) -> usize {
        self.generator.param_len()
    }

    /// Moments of the optimiser: two for each parameter, the generator's all before the discriminator's.
    pub fn moment_len(&self) -> usize {
        2 * self.param_len()
    }

    /// Its networks by name, in the order of the parameters.
    pub fn networks(&self) -> impl Iterator<Item = (&'static str, &Net)> {
        [("generator", self.generator.net()), ("discriminator", self.discriminator.network())].into_iter()
    }

    /// Name, place and shape of each tensor, in the order of the parameters.
    pub fn tensors(&self) -> impl Iterator<Item = NamedTensor> + '_ {
        NamedTensor::all(self.networks())
    }

    /// PyTorch's initial values; see [`crate::nn::Network::init`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `params` has not [`Gan::param_len`] values.
    pub fn init(&self, seed: u64, params: &mut [f32]) -> Result<()> {
        let (generator, discriminator) =
            params.split_at_mut_checked(self.generator_len()).ok_or(Error::ShapeMismatch)?;
        self.discriminator.network().init(seed, 100, discriminator)?;
        self.generator.net().init(seed, 0, generator)
    }

    /// Bytes of scratch that [`Gan::train_step`] takes for a batch; `usize::MAX` where that is too large.
    pub fn train_scratch_len(&self, batch: usize) -> usize {
        let both = batch.saturating_mul(2);
        let judged = self.discriminator.network().input().channels;
        let inside = self.generator.training.scratch_len(batch);
        let inside = inside.max(self.discriminator.scratch_len(both)).max(self.judge.scratch_len(batch));
        let passes = [(&self.discriminator, both), (&self.judge, batch)].map(|(plan, batch)| {
            let values = plan.value_len(batch).unwrap_or(usize::MAX);
            ScratchLen::new().with::<f32>(values).with::<f32>(plan.fixed_len()).bytes()
        });
        self.forward_parts(true, batch)
            .with::<f32>(both.saturating_mul(judged))
            .with::<f32>(both.saturating_mul(2))
            // The gradient by the generated samples with their classes.
            .with::<f32>(labels::taken(batch, judged, self.spec.classes))
            // The passes of the discriminator, one after the other.
            .with_bytes(passes.into_iter().max().unwrap_or(0))
            .with_bytes(inside)
            .bytes()
    }

    /// Bytes of scratch that [`Gan::sample`] takes for a batch; `usize::MAX` where that is too large.
    pub fn run_scratch_len(&self, batch: usize) -> usize {
        self.forward_parts(false, batch)
            .with::<f32>(batch.saturating_mul(self.spec.latent))
            .with_bytes(self.generator.inference.scratch_len(batch))
            .bytes()
    }

    /// The input of the generator with the class, and what its pass leaves.
    fn forward_parts(&self, training: bool, batch: usize) -> ScratchLen {
        let inputs = labels::taken(batch, self.generator.net().input().channels, self.spec.classes);
        self.generator.with_work(ScratchLen::new().with::<f32>(inputs), training, batch)
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

        let (g_input, mut work) = self.run(on, true, g_params, (batch.noise, batch.labels), &mut scratch)?;
        let mut trial = Trial::new(self.discriminator.network(), n, &mut scratch)?;
        let (generated, d_samples) = self.generator.training.ends(&mut work);
        self.assemble(batch, generated, &mut trial);
        let target = step.real_target;
        let mut terms =
            self.discriminator_pass(on, (d_params, d_grads), target, &mut trial, scratch.frame())?;
        if !terms.discriminator.is_finite() {
            return Err(Error::NotFinite);
        }
        step.adam.step(on, step.t, d_params, d_grads, d_moments)?;

        terms.generator = self.generator_pass(on, d_params, &mut trial, d_samples, scratch.frame())?;
        if !terms.generator.is_finite() {
            return Err(Error::NotFinite);
        }
        let inputs = (&*g_params, g_input);
        self.generator.backward(on, inputs, &mut work, (&mut *g_grads, &mut []), &mut scratch)?;
        step.adam.step(on, step.t, g_params, g_grads, g_moments)?;
        if !average.is_empty() {
            Ema { decay: step.ema_decay, warm_up: false }.step(on, step.t, g_params, average)?;
        }
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
        let Trial { both, scales, losses } = trial;
        let n = scales.len() / 2;
        let plan = &self.discriminator;
        let mut work = plan.workspace(2 * n, &mut scratch)?;
        plan.forward(on, (params, &mut []), both, Draws::default(), &mut work, &mut scratch.frame())?;
        let (logits, slopes) = plan.ends(&mut work);
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
        let to = Gradients { params: grads, add: false, input: &mut [] };
        let model = Model { params, state: &[] };
        plan.backward(on, model, (both, Draws::default()), &mut work, to, &mut scratch)?;
        Ok(terms)
    }

    /// The generator's loss over the generated half of a trial, and its gradient by the samples.
    fn generator_pass<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        trial: &mut Trial<'_>,
        d_samples: &mut [f32],
        mut scratch: Scratch<'_>,
    ) -> Result<f64> {
        let Trial { both, scales, losses } = trial;
        let n = scales.len() / 2;
        let fake = both.get(both.len() / 2..).unwrap_or(&[]);
        let [scales, losses] = [scales, losses].map(|v| v.get_mut(..n).unwrap_or(&mut []));
        scales.fill(1.0 / n as f32);
        let (plan, classes) = (&self.judge, self.spec.classes);
        let mut work = plan.workspace(n, &mut scratch)?;
        plan.forward(on, (params, &mut []), fake, Draws::default(), &mut work, &mut scratch.frame())?;
        let (logits, slopes) = plan.ends(&mut work);
        logistic(on, 1.0, [logits, scales], losses, slopes)?;
        let joined = scratch.take::<f32>(labels::taken(n, self.judge.network().input().channels, classes))?;
        let input = if classes == 0 { &mut *d_samples } else { &mut *joined };
        let to = Gradients { params: &mut [], add: false, input };
        let model = Model { params, state: &[] };
        plan.backward(on, model, (fake, Draws::default()), &mut work, to, &mut scratch)?;
        if classes > 0 {
            labels::strip(joined, self.spec.width, classes, d_samples);
        }
        Ok(mean(losses))
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
        let (_, work) = self.run(on, false, generator, (noise, labels), &mut scratch)?;
        rows::copy(self.generator.inference.result(&work), out);
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

    /// The generator's input and its pass for `noise`.
    fn run<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        training: bool,
        params: &[f32],
        (noise, labels): (&'s [f32], &[u32]),
        scratch: &mut Scratch<'s>,
    ) -> Result<(&'s [f32], Workspace<'s>)> {
        let n = rows::count(noise.len(), self.spec.latent)?;
        let input = labels::append(noise, self.spec.latent, labels, self.spec.classes, scratch)?;
        let work = self.generator.forward(on, training, (params, input), n, scratch)?;
        Ok((input, work))
    }
}

/// What the discriminator judges in a step, as many real samples as generated ones behind them, and for each of them
/// a scale and a loss.
struct Trial<'s> {
    both: &'s mut [f32],
    scales: &'s mut [f32],
    losses: &'s mut [f32],
}

impl<'s> Trial<'s> {
    fn new(discriminator: &Net, n: usize, scratch: &mut Scratch<'s>) -> Result<Self> {
        let both = scratch.take::<f32>(2 * n * discriminator.input().channels)?;
        let (scales, losses) = scratch.take::<f32>(4 * n)?.split_at_mut_checked(2 * n).unwrap_or_default();
        Ok(Self { both, scales, losses })
    }
}

fn mean(v: &[f32]) -> f64 {
    let mut sum = 0f64;
    v.iter().for_each(|&x| sum += x as f64);
    sum / v.len().max(1) as f64
}
