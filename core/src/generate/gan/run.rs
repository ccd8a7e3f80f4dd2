//! The adversarial network at work: training and samples.

use super::show::Shown;
use super::{DiscriminatorNorm, Gan, Show};
use crate::augment::diff::AdaController;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::generate::arch::NetPlan;
use crate::generate::labels;
use crate::generate::learn::{Part, adapter_scratch_len, learn};
use crate::generate::noise::latent_noise;
use crate::generate::{Batch, Trainee};
use crate::nn::loss::{Anchors, Side};
use crate::nn::{Draws, Ema, Engine, Gradients, Model, Optimiser, Penalty, Workspace, rows};
use crate::scratch::Scratch;
use crate::simd::Level;

/// What one training step is told.
#[derive(Clone, Copy, Debug)]
pub struct GanStep<'a> {
    /// The optimiser of the generator; a beta1 of 0 to 0.5 is usual here (Radford et al. 2016).
    pub generator: Optimiser,
    /// That of the discriminator, of the same kind.
    pub discriminator: Optimiser,
    /// The number of the step, counted from 1.
    pub t: u64,
    /// Whether the generator learns in this step too. Critics are trained several times for each of its steps.
    pub both: bool,
    /// The running mean of the generator, where one is kept.
    pub ema: Ema,
    /// With what [`Show::Diff`] and [`Show::Ada`] draw: a key for each sample of the batch; without them it is not read. Real and
    /// generated samples are drawn for by the operations 1 and 2 of the keys.
    pub draws: Draws<'a>,
}

/// What the rules of a game remember from step to step; part of a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GanMemory {
    /// Of LeCam regularisation.
    pub anchors: Anchors,
    /// Of [`Show::Ada`].
    pub ada: AdaController,
}

/// All that the training of a GAN changes.
#[derive(Debug)]
pub struct GanTrainee<'a> {
    /// Parameters, and what the optimisers remember of them.
    pub trainee: Trainee<'a>,
    /// [`Gan::state_len`] values of the state.
    pub state: &'a mut [f32],
    /// The running mean of the generator's parameters, or nothing.
    pub average: &'a mut [f32],
    /// What the rules remember.
    pub memory: &'a mut GanMemory,
}

/// How a step went; means over the batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GanTerms {
    /// Loss of the discriminator, both halves added, with LeCam and without R1.
    pub discriminator: f64,
    /// Loss of the generator; 0 where it did not learn.
    pub generator: f64,
    /// ½γ‖∇ₓD‖², where R1 is asked for.
    pub r1: f64,
    /// Share of real samples that the discriminator took for real.
    pub real_accuracy: f64,
    /// Share of generated samples that it took for generated.
    pub fake_accuracy: f64,
}

impl Gan {
    /// One step of training: the discriminator on the batch and as many generated samples, then the
    /// generator on the same samples against the new discriminator. Weights count for real samples; the terms are without them.
    /// Takes [`Gan::train_scratch_len`] and [`adapter_scratch_len`](crate::generate::adapter_scratch_len).
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a value out of
    /// its range, a label that is no class, or one sample for a batch normalisation, [`Error::ScratchTooSmall`];
    /// [`Error::NotFinite`] where the loss of the
    /// discriminator is not finite, as for a sample that is not. Parameters, moments and average are untouched
    /// then; the state may have moved. [`Error::NotFinite`] also where the loss of the generator is not finite: the discriminator
    /// has made its step by then.
    pub fn train_step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        of: &mut GanTrainee<'_>,
        batch: &Batch<'_>,
        step: &GanStep<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<GanTerms> {
        let n = self.check(of, batch, step)?;
        if scratch.remaining()
            < self.train_scratch_len(n).saturating_add(adapter_scratch_len(of.trainee.groups))
        {
            return Err(Error::ScratchTooSmall);
        }
        let GanTrainee { trainee, state, average, memory } = of;
        let (groups, adapters) = (trainee.groups, &mut trainee.adapters);
        let split = self.generator_len();
        let (g, d) = trainee.params.split_at_mut_checked(split).unwrap_or_default();
        let (g_grads, d_grads) = trainee.grads.split_at_mut_checked(split).unwrap_or_default();
        let g_moments = step.generator.state_len(split);
        let (g_moments, d_moments) = trainee.moments.split_at_mut_checked(g_moments).unwrap_or_default();
        let (g_state, d_state) = state.split_at_mut_checked(self.generator_state_len()).unwrap_or_default();
        let mut scratch = scratch.frame();

        let Batch { noise, labels, .. } = *batch;
        let input = labels::append(noise, self.spec.latent, labels, self.spec.classes, &mut scratch)?;
        let mut work = self.generator.workspace(n, &mut scratch)?;
        self.generator.forward(on, (g, g_state), input, Draws::default(), &mut work, &mut scratch.frame())?;
        let mut trial = Trial::new(n, self.width, &mut scratch)?;
        let (generated, d_samples) = self.generator.ends(&mut work);
        self.present(on.level, (batch, generated), (memory, step), (&mut trial, d_samples), &mut scratch)?;
        let judged = Judged { on, params: d, state: d_state, labels };
        let (mut terms, remembered) = self.discriminate(
            judged,
            (&mut trial, batch),
            (memory, step.t),
            (d_grads, d_samples),
            &mut scratch,
        )?;
        if !(terms.discriminator + terms.r1).is_finite() {
            return Err(Error::NotFinite);
        }
        // As the samples were shown, before the probability moves.
        let shown = self.shown(memory, step, Side::Fake);
        **memory = remembered;
        learn(
            on,
            (&step.discriminator, step.t),
            (groups, split),
            [d, d_moments],
            d_grads,
            adapters,
            &mut scratch,
        )?;
        if !step.both {
            return Ok(terms);
        }

        let judged = Judged { on, params: d, state: d_state, labels };
        terms.generator = self.deceive(judged, &mut trial, &mut scratch)?;
        if !terms.generator.is_finite() {
            return Err(Error::NotFinite);
        }
        shown.backward(on.level, self.spec.output, (trial.real, d_samples), &mut scratch)?;
        let to =
            Gradients { params: after(g_grads, self.generator.trained_from()), add: false, input: &mut [] };
        let model = Model { params: g, state: g_state };
        self.generator.backward(on, model, (input, Draws::default()), &mut work, to, &mut scratch)?;
        learn(on, (&step.generator, step.t), (groups, 0), [g, g_moments], g_grads, adapters, &mut scratch)?;
        if !average.is_empty() {
            step.ema.step(on, step.t, g, average)?;
        }
        Ok(terms)
    }

    fn shown<'a>(&'a self, memory: &GanMemory, step: &GanStep<'a>, side: Side) -> Shown<'a> {
        let op = if side == Side::Real { 1 } else { 2 };
        Shown { show: &self.spec.rules.show, p: memory.ada.p, draws: step.draws, op }
    }

    /// Fills a trial with the samples of the batch and the generated ones, as the discriminator is shown them.
    fn present(
        &self,
        level: Level,
        (batch, generated): (&Batch<'_>, &[f32]),
        (memory, step): (&GanMemory, &GanStep<'_>),
        (trial, centred): (&mut Trial<'_>, &mut [f32]),
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        rows::copy(batch.x, centred);
        if self.spec.unit {
            centred.iter_mut().for_each(|v| *v = 2.0 * *v - 1.0);
        }
        let shown = self.shown(memory, step, Side::Real);
        shown.apply(level, self.spec.output, (centred, trial.real), scratch)?;
        let shown = self.shown(memory, step, Side::Fake);
        shown.apply(level, self.spec.output, (generated, trial.fake), scratch)
    }

    /// The discriminator's loss over a trial and its gradients, and what is remembered then.
    fn discriminate<E: Executor>(
        &self,
        mut judged: Judged<'_, E>,
        (trial, batch): (&mut Trial<'_>, &Batch<'_>),
        (memory, t): (&GanMemory, u64),
        (grads, scrap): (&mut [f32], &mut [f32]),
        scratch: &mut Scratch<'_>,
    ) -> Result<(GanTerms, GanMemory)> {
        let (plan, rules) = (&self.discriminator, &self.spec.rules);
        let mut scratch = scratch.frame();
        let mut work = plan.workspace(batch.weights.len(), &mut scratch)?;
        let (mut terms, mut new, mut means) = (GanTerms::default(), *memory, [0f32; 2]);
        let grads = after(grads, plan.trained_from());
        for (side, mean_logit) in [Side::Real, Side::Fake].into_iter().zip(&mut means) {
            let real = side == Side::Real;
            trial.weigh(if real { batch.weights } else { &[] });
            let x = if real { &*trial.real } else { &*trial.fake };
            judged.forward(plan, x, &mut work, &mut scratch.frame())?;
            let Verdicts { logits, slopes, scales, losses } = &mut trial.verdicts;
            self.pick(plan.ends(&mut work).0, judged.labels, logits);
            rules.loss.loss(judged.on, side, [logits, scales], losses, slopes)?;
            if let Some(lecam) = rules.lecam.filter(|_| t > 1) {
                lecam.add(judged.on, side, memory.anchors, [logits, scales], losses, slopes)?;
            }
            terms.discriminator += mean(losses);
            *mean_logit = mean(logits) as f32;
            self.count(side, logits, (&mut terms, &mut new))?;
            let add = !real || rules.r1 > 0.0;
            if real && rules.r1 > 0.0 {
                grads.fill(0.0);
                let scratch = &mut scratch.frame();
                terms.r1 = self.penalise(&judged, (x, &work), &mut trial.verdicts, grads, scratch)?;
            }
            self.spread(trial.verdicts.slopes, judged.labels, plan.ends(&mut work).1);
            let input = if rules.r1 > 0.0 { &mut *scrap } else { &mut [] };
            let to = Gradients { params: &mut *grads, add, input };
            judged.backward(plan, x, &mut work, to, &mut scratch.frame())?;
        }
        if let Some(lecam) = rules.lecam.filter(|_| means.iter().all(|m| m.is_finite())) {
            let [real, fake] = &means;
            let means = [core::slice::from_ref(real), core::slice::from_ref(fake)];
            lecam.track(judged.on, t, means, &mut new.anchors)?;
        }
        Ok((terms, new))
    }

    /// Counts which logits are on their side; those of real samples move the probability of augmentations.
    fn count(
        &self,
        side: Side,
        logits: &mut [f32],
        (terms, memory): (&mut GanTerms, &mut GanMemory),
    ) -> Result<()> {
        let (real, middle) = (side == Side::Real, self.spec.rules.middle());
        let right = logits.iter().filter(|&&l| (l > middle) == real).count();
        let share = right as f64 / logits.len().max(1) as f64;
        *(if real { &mut terms.real_accuracy } else { &mut terms.fake_accuracy }) = share;
        if real && matches!(self.spec.rules.show, Show::Ada(_)) && logits.iter().all(|l| l.is_finite()) {
            logits.iter_mut().for_each(|l| *l -= middle);
            memory.ada.observe(logits)?;
        }
        Ok(())
    }

    /// R1 over real samples, its gradients added to `grads`; the mean penalty with its weight.
    fn penalise<E: Executor>(
        &self,
        judged: &Judged<'_, E>,
        (x, work): (&[f32], &Workspace<'_>),
        verdicts: &mut Verdicts<'_>,
        grads: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<f64> {
        let (plan, gamma) = (&self.discriminator, self.spec.rules.r1);
        let Verdicts { logits, scales, losses, .. } = verdicts;
        scales.iter_mut().for_each(|s| *s *= gamma);
        logits.fill(1.0);
        let along = scratch.take::<f32>(self.spec.outputs()?.saturating_mul(logits.len()))?;
        self.spread(logits, judged.labels, along);
        let to = Penalty { along, scales, penalties: losses, grads };
        let model = Model { params: judged.params, state: judged.state };
        plan.gradient_penalty(judged.on, model, (x, Draws::default()), work, to, scratch)?;
        Ok(0.5 * f64::from(gamma) * mean(losses))
    }

    /// The generator's loss over the generated samples of a trial; their gradient, as they were shown, takes the place of the
    /// real ones.
    fn deceive<E: Executor>(
        &self,
        mut judged: Judged<'_, E>,
        trial: &mut Trial<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<f64> {
        trial.weigh(&[]);
        let (plan, mut scratch) = (&self.judge, scratch.frame());
        let Trial { real, fake, verdicts: Verdicts { logits, slopes, scales, losses } } = trial;
        let mut work = plan.workspace(logits.len(), &mut scratch)?;
        judged.forward(plan, fake, &mut work, &mut scratch.frame())?;
        self.pick(plan.ends(&mut work).0, judged.labels, logits);
        self.spec.rules.loss.loss(judged.on, Side::Generator, [logits, scales], losses, slopes)?;
        self.spread(slopes, judged.labels, plan.ends(&mut work).1);
        let to = Gradients { params: &mut [], add: false, input: real };
        judged.backward(plan, fake, &mut work, to, &mut scratch)?;
        Ok(mean(losses))
    }

    /// The logit of each sample for its class: what holds for all classes, and what for its own.
    fn pick(&self, outputs: &[f32], labels: &[u32], logits: &mut [f32]) {
        let width = self.spec.classes.saturating_add(1);
        let mut labels = labels.iter();
        for (logit, row) in logits.iter_mut().zip(rows::of(outputs, width)) {
            let own = labels.next().and_then(|&l| row.get((l as usize).saturating_add(1)));
            let all = row.first().copied().unwrap_or(0.0);
            *logit = own.map_or(all, |own| all + own);
        }
    }

    /// The gradient by the discriminator's outputs from that by the logits.
    fn spread(&self, slopes: &[f32], labels: &[u32], outputs: &mut [f32]) {
        let width = self.spec.classes.saturating_add(1);
        let mut labels = labels.iter();
        outputs.fill(0.0);
        for (&slope, row) in slopes.iter().zip(rows::of_mut(outputs, width)) {
            row.iter_mut().take(1).for_each(|all| *all = slope);
            if let Some(own) = labels.next().and_then(|&l| row.get_mut((l as usize).saturating_add(1))) {
                *own = slope;
            }
        }
    }

    /// The samples of index `first`, `first + 1`, … under `seed`, as many as `out` holds, from the parameters and the state of
    /// the generator alone (or its running mean), with noise multiplied by `temperature`, at least 0. `labels` has one
    /// class for each sample, or nothing for a model without classes. Takes [`Gan::run_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`], [`Error::InvalidArgument`] for a label that is no class or a temperature that is
    /// negative or not finite, [`Error::ScratchTooSmall`].
    pub fn sample<E: Executor>(
        &self,
        on: Engine<'_, E>,
        generator: Model<'_>,
        temperature: f32,
        (seed, first, labels): (u64, u64, &[u32]),
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let n = rows::count(out.len(), self.width)?;
        self.check_run([generator.params.len(), generator.state.len()], labels, n, scratch)?;
        if !(0.0..f32::INFINITY).contains(&temperature) {
            return Err(Error::InvalidArgument);
        }
        let mut scratch = scratch.frame();
        let noise = scratch.take::<f32>(n.saturating_mul(self.spec.latent))?;
        latent_noise(on.level, seed, first, self.spec.latent, noise)?;
        noise.iter_mut().for_each(|v| *v *= temperature);
        let input = labels::append(noise, self.spec.latent, labels, self.spec.classes, &mut scratch)?;
        let mut work = self.sampler.workspace(n, &mut scratch)?;
        self.sampler.infer(on, generator, input, &mut work, &mut scratch)?;
        rows::copy(self.sampler.result(&work), out);
        if self.spec.unit {
            out.iter_mut().for_each(|v| *v = 0.5 * *v + 0.5);
        }
        Ok(())
    }

    /// Runs the generator over the noise of the samples of index `first`, `first + 1`, … under `seed`, for the classes of
    /// `labels` (or `n` samples of a model without classes), as training does, so that the statistics of its normalisations in
    /// `state` follow. The running mean of a generator's parameters has statistics of its own, which some batches find.
    /// Takes [`Gan::run_scratch_len`].
    ///
    /// # Errors
    /// As [`Gan::sample`]; [`Error::InvalidArgument`] also for one sample where a flat layer is normalised.
    pub fn follow<E: Executor>(
        &self,
        on: Engine<'_, E>,
        (params, state): (&[f32], &mut [f32]),
        (seed, first, n, labels): (u64, u64, usize, &[u32]),
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        self.check_run([params.len(), state.len()], labels, n, scratch)?;
        let mut scratch = scratch.frame();
        let noise = scratch.take::<f32>(n.saturating_mul(self.spec.latent))?;
        latent_noise(on.level, seed, first, self.spec.latent, noise)?;
        let input = labels::append(noise, self.spec.latent, labels, self.spec.classes, &mut scratch)?;
        let mut work = self.generator.workspace(n, &mut scratch)?;
        self.generator.forward(on, (params, state), input, Draws::default(), &mut work, &mut scratch)
    }

    fn check_run(
        &self,
        [params, state]: [usize; 2],
        labels: &[u32],
        n: usize,
        scratch: &Scratch<'_>,
    ) -> Result<()> {
        labels::check(labels, self.spec.classes, n)?;
        if params != self.generator_len() || state != self.generator_state_len() {
            return Err(Error::ShapeMismatch);
        }
        let enough = scratch.remaining() >= self.run_scratch_len(n);
        if enough { Ok(()) } else { Err(Error::ScratchTooSmall) }
    }

    fn check(&self, of: &GanTrainee<'_>, batch: &Batch<'_>, step: &GanStep<'_>) -> Result<usize> {
        let n = batch.check(self.width, self.spec.latent, self.spec.classes)?;
        let drawn = matches!(self.spec.rules.show, Show::Plain) || step.draws.keys.len() == n;
        let average = of.average.is_empty() || of.average.len() == self.generator_len();
        if !drawn || !average || of.state.len() != self.state_len() {
            return Err(Error::ShapeMismatch);
        }
        let parts = [&self.generator, &self.discriminator]
            .map(|plan| Part { len: plan.network().param_len(), frozen: plan.trained_from() });
        of.trainee.check(&step.generator, step.t, &parts)?;
        of.trainee.check(&step.discriminator, step.t, &parts)?;
        of.memory.ada.check()?;
        let batch_norms =
            self.spec.generator.batch_norm || self.spec.discriminator.norm == DiscriminatorNorm::Batch;
        let in_range = (0.0..1.0).contains(&step.ema.decay) && !(batch_norms && n < 2);
        if in_range { Ok(n) } else { Err(Error::InvalidArgument) }
    }
}

/// A discriminator at work.
struct Judged<'a, E> {
    on: Engine<'a, E>,
    params: &'a [f32],
    state: &'a mut [f32],
    labels: &'a [u32],
}

impl<E: Executor> Judged<'_, E> {
    fn forward(
        &mut self,
        plan: &NetPlan,
        x: &[f32],
        work: &mut Workspace<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        plan.forward(self.on, (self.params, self.state), x, Draws::default(), work, scratch)
    }

    fn backward(
        &self,
        plan: &NetPlan,
        x: &[f32],
        work: &mut Workspace<'_>,
        to: Gradients<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let model = Model { params: self.params, state: self.state };
        plan.backward(self.on, model, (x, Draws::default()), work, to, scratch)
    }
}

/// What the discriminator is shown in a step.
struct Trial<'s> {
    real: &'s mut [f32],
    fake: &'s mut [f32],
    verdicts: Verdicts<'s>,
}

/// What it says of the samples of one side: one value for each of them.
struct Verdicts<'s> {
    logits: &'s mut [f32],
    slopes: &'s mut [f32],
    scales: &'s mut [f32],
    losses: &'s mut [f32],
}

impl<'s> Trial<'s> {
    fn new(n: usize, width: usize, scratch: &mut Scratch<'s>) -> Result<Self> {
        let len = n.checked_mul(width).ok_or(Error::Overflow)?;
        let mut take = |n: usize| scratch.take::<f32>(n);
        let (real, fake) = (take(len)?, take(len)?);
        let verdicts = Verdicts { logits: take(n)?, slopes: take(n)?, scales: take(n)?, losses: take(n)? };
        Ok(Self { real, fake, verdicts })
    }

    /// Scales of the mean over the batch, with weights where there are any.
    fn weigh(&mut self, weights: &[f32]) {
        let scales = &mut *self.verdicts.scales;
        let n = scales.len() as f32;
        scales.fill(1.0 / n);
        scales.iter_mut().zip(weights).for_each(|(s, w)| *s *= w);
    }
}

/// What lies behind the first `n`.
fn after(v: &mut [f32], n: usize) -> &mut [f32] {
    v.get_mut(n..).unwrap_or(&mut [])
}

fn mean(v: &[f32]) -> f64 {
    let mut sum = 0f64;
    v.iter().for_each(|&x| sum += x as f64);
    sum / v.len().max(1) as f64
}
