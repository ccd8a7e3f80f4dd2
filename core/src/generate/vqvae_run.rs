//! The autoencoder with a codebook at work: training, scores, codes.

use super::Trainee;
use super::arch::Likelihood;
use super::codebook_follow::{Follow, Rounded, Usage};
use super::learn::{Part, adapter_scratch_len, learn};
use super::vae_run::reconstruction;
use super::vqvae::VqVae;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::loss::Against;
use crate::nn::{Engine, Model, Optimiser, rows};
use crate::scratch::Scratch;

/// What one training step is told.
#[derive(Clone, Copy, Debug)]
pub struct VqStep {
    /// The optimiser, whose state the moments are.
    pub optimiser: Optimiser,
    /// The number of the step, counted from 1.
    pub t: u64,
    /// The weight of the commitment, not negative; 0.25 is usual.
    pub beta: f32,
    /// How the codebook follows.
    pub follow: Follow,
}

/// The two terms of the loss, summed over a batch with its weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VqLoss {
    /// −ln p(x | codes), in nats.
    pub reconstruction: f64,
    /// The squared distances of what the encoder leaves from the vectors that it is rounded to, all places of a sample added.
    pub commitment: f64,
}

impl VqLoss {
    /// The sum of the terms with `beta` on the commitment.
    pub fn loss(&self, beta: f64) -> f64 {
        self.reconstruction + beta * self.commitment
    }
}

impl core::ops::AddAssign for VqLoss {
    fn add_assign(&mut self, other: Self) {
        self.reconstruction += other.reconstruction;
        self.commitment += other.commitment;
    }
}

/// What a batch costs, and which codes it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VqTerms {
    /// What it costs.
    pub loss: VqLoss,
    /// The usage of the codes by all of its places, with its weights.
    pub usage: Usage,
}

/// The state in a pass: followed in training.
enum State<'a> {
    Follow(&'a mut [f32], &'a VqStep),
    Read(&'a [f32]),
}

impl State<'_> {
    fn read(&self) -> &[f32] {
        match self {
            Self::Follow(state, _) => state,
            Self::Read(state) => state,
        }
    }
}

/// What rounding leaves: for each row its code, its squared distance, and the vector.
struct Quantised<'s> {
    codes: &'s [u32],
    squared: &'s [f32],
    values: &'s [f32],
}

impl VqVae {
    /// The state before the first step: codes that lie where the encoder of `params` puts a first batch `x`; see
    /// [`super::Codebook::init`]. Takes [`VqVae::run_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for no samples, [`Error::NotFinite`]
    /// for a sample that is not, [`Error::ScratchTooSmall`]. Nothing is written then.
    pub fn init_state<E: Executor>(
        &self,
        on: Engine<'_, E>,
        seed: u64,
        (params, x): (&[f32], &[f32]),
        state: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let n = rows::count(x.len(), self.width)?;
        self.check_run(Model { params, state }, n, scratch)?;
        let mut scratch = scratch.frame();
        let [encoder_params, _] = self.split(params)?;
        let work = self.encoder.forward(on, false, (encoder_params, x), n, &mut scratch)?;
        self.book.init(on.level, seed, self.encoder.inference.result(&work), state, &mut scratch)
    }

    /// One step of training for samples `x` (rows of [`VqVae::width`] values) with a weight each: gradients as
    /// [`VqVae::gradients`] has them, a step of the optimiser, and one of the codebook. Takes [`VqVae::train_scratch_len`] and
    /// [`adapter_scratch_len`].
    ///
    /// # Errors
    /// As [`VqVae::gradients`], [`Optimiser::step`] and [`super::Codebook::follow`]. Parameters, moments and state are
    /// untouched then.
    pub fn train_step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        trainee: &mut Trainee<'_>,
        state: &mut [f32],
        batch: (&[f32], &[f32]),
        step: &VqStep,
        scratch: &mut Scratch<'_>,
    ) -> Result<VqTerms> {
        let whole = Part { len: self.param_len(), frozen: 0 };
        trainee.check(&step.optimiser, step.t, &[whole])?;
        let adapters = adapter_scratch_len(trainee.groups);
        let n = rows::count(batch.0.len(), self.width)?;
        if scratch.remaining() < self.train_scratch_len(n).saturating_add(adapters) {
            return Err(Error::ScratchTooSmall);
        }
        step.follow.check(step.t)?;
        let model = (&*trainee.params, State::Follow(state, step));
        let terms = self.pass(on, model, batch, step.beta, trainee.grads, scratch)?;
        let Trainee { params, grads, moments, groups, adapters } = trainee;
        learn(on, (&step.optimiser, step.t), (groups, 0), [params, moments], grads, adapters, scratch)?;
        Ok(terms)
    }

    /// The gradients of the mean over samples `x` of weight·(reconstruction + beta·commitment), written over `grads`. Rounding
    /// is passed straight through: the gradient by a vector of the codebook is taken for that by what was rounded to it, and
    /// the codes count as fixed (van den Oord et al. 2017). Takes [`VqVae::train_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a weight or `beta` that is
    /// negative or not finite, [`Error::NotFinite`] where the loss is not, [`Error::ScratchTooSmall`].
    pub fn gradients<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Model<'_>,
        batch: (&[f32], &[f32]),
        beta: f32,
        grads: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<VqTerms> {
        self.pass(on, (model.params, State::Read(model.state)), batch, beta, grads, scratch)
    }

    fn pass<E: Executor>(
        &self,
        on: Engine<'_, E>,
        (params, state): (&[f32], State<'_>),
        (x, weights): (&[f32], &[f32]),
        beta: f32,
        grads: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<VqTerms> {
        if !(0.0..f32::INFINITY).contains(&beta) {
            return Err(Error::InvalidArgument);
        }
        let n = self.check(Model { params, state: state.read() }, x, weights, scratch)?;
        let ([e_params, d_params], [e_grads, d_grads]) = (self.split(params)?, self.split_mut(grads)?);
        let mut scratch = scratch.frame();
        let mut encoder = self.encoder.forward(on, true, (e_params, x), n, &mut scratch)?;
        let (z, d_z) = self.encoder.training.ends(&mut encoder);
        let quantised = self.quantise(on, state.read(), z, &mut scratch)?;
        let Quantised { codes, values, .. } = quantised;
        let mut decoder = self.decoder.forward(on, true, (d_params, values), n, &mut scratch)?;
        let (predictions, slope) = self.decoder.training.ends(&mut decoder);
        let (scales, nll) = scratch.take::<f32>(2 * n)?.split_at_mut_checked(n).unwrap_or_default();
        scales.iter_mut().zip(weights).for_each(|(scale, w)| *scale = w / n as f32);
        let against = Against { predictions, targets: x, scales };
        reconstruction(on, self.spec.likelihood, &against, nll, slope)?;
        let terms = self.terms(&quantised, nll, (z, weights), &mut scratch)?;
        if !terms.loss.loss(f64::from(beta)).is_finite() {
            return Err(Error::NotFinite);
        }
        // The last that may fail, before anything is written but gradients.
        if let State::Follow(state, step) = state {
            let rounded = Rounded { rows: z, codes, weights };
            self.book.follow(on, (&step.follow, step.t), &rounded, state, &mut scratch.frame())?;
        }
        let wanted = (d_grads, &mut *d_z);
        self.decoder.backward(on, (d_params, values), &mut decoder, wanted, &mut scratch.frame())?;
        let each = |v| rows::of(v, self.rounded_len());
        let grads = rows::of_mut(d_z, self.rounded_len());
        for (((&scale, z), e), grad) in scales.iter().zip(each(z)).zip(each(values)).zip(grads) {
            pull(on.level, 2.0 * beta * scale, z, e, grad);
        }
        self.encoder.backward(on, (e_params, x), &mut encoder, (e_grads, &mut []), &mut scratch)?;
        Ok(terms)
    }

    /// The terms of the loss for samples `x` with a weight each. Takes [`VqVae::train_scratch_len`].
    ///
    /// # Errors
    /// As [`VqVae::gradients`], but a loss may be not finite.
    pub fn evaluate<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Model<'_>,
        (x, weights): (&[f32], &[f32]),
        scratch: &mut Scratch<'_>,
    ) -> Result<VqTerms> {
        let n = self.check(model, x, weights, scratch)?;
        let [e_params, d_params] = self.split(model.params)?;
        let mut scratch = scratch.frame();
        let encoder = self.encoder.forward(on, false, (e_params, x), n, &mut scratch)?;
        let z = self.encoder.inference.result(&encoder);
        let quantised = self.quantise(on, model.state, z, &mut scratch)?;
        let decoder = self.decoder.forward(on, false, (d_params, quantised.values), n, &mut scratch)?;
        let predictions = self.decoder.inference.result(&decoder);
        let nll = scratch.take::<f32>(n)?;
        let against = Against { predictions, targets: x, scales: weights };
        reconstruction(on, self.spec.likelihood, &against, nll, &mut [])?;
        self.terms(&quantised, nll, (z, weights), &mut scratch)
    }

    /// The codes of samples `x`: [`VqVae::places`] for each, row after row of [`VqVae::grid`]. Takes
    /// [`VqVae::run_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for no samples, [`Error::NotFinite`]
    /// for a sample that is near to no code, as one with a NaN is, [`Error::ScratchTooSmall`].
    pub fn encode<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Model<'_>,
        x: &[f32],
        codes: &mut [u32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let n = rows::count(x.len(), self.width)?;
        self.check_run(model, n, scratch)?;
        if codes.len() != n * self.places() {
            return Err(Error::ShapeMismatch);
        }
        let mut scratch = scratch.frame();
        let [e_params, _] = self.split(model.params)?;
        let work = self.encoder.forward(on, false, (e_params, x), n, &mut scratch)?;
        let z = self.encoder.inference.result(&work);
        let squared = scratch.take::<f32>(codes.len())?;
        self.book.nearest(on, model.state, z, (codes, squared), &mut scratch)
    }

    /// The expected samples for `codes`, as many for each as [`VqVae::encode`] leaves: probabilities or means, rows of
    /// [`VqVae::width`] values. Takes [`VqVae::run_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a number that is no code or for
    /// no samples, [`Error::ScratchTooSmall`].
    pub fn decode<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Model<'_>,
        codes: &[u32],
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let n = rows::count(codes.len(), self.places())?;
        self.check_run(model, n, scratch)?;
        if rows::count(out.len(), self.width)? != n {
            return Err(Error::ShapeMismatch);
        }
        let mut scratch = scratch.frame();
        let values = scratch.take::<f32>(n * self.rounded_len())?;
        self.book.look_up(model.state, codes, values)?;
        self.expected(on, model.params, values, out, scratch)
    }

    /// Rounds samples `x` to codes and decodes them to `out`, of the same shape. Takes [`VqVae::run_scratch_len`].
    ///
    /// # Errors
    /// As [`VqVae::encode`].
    pub fn reconstruct<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Model<'_>,
        x: &[f32],
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let n = rows::count(x.len(), self.width)?;
        self.check_run(model, n, scratch)?;
        if out.len() != x.len() {
            return Err(Error::ShapeMismatch);
        }
        let mut scratch = scratch.frame();
        let [e_params, _] = self.split(model.params)?;
        let work = self.encoder.forward(on, false, (e_params, x), n, &mut scratch)?;
        let z = self.encoder.inference.result(&work);
        let Quantised { values, .. } = self.quantise(on, model.state, z, &mut scratch)?;
        self.expected(on, model.params, values, out, scratch)
    }

    /// The number of samples of a batch, where everything fits.
    fn check(&self, model: Model<'_>, x: &[f32], weights: &[f32], scratch: &Scratch<'_>) -> Result<usize> {
        let n = rows::count(x.len(), self.width)?;
        self.check_model(model)?;
        if weights.len() != n || n == 0 {
            return Err(Error::ShapeMismatch);
        }
        if !weights.iter().all(|w| (0.0..f32::INFINITY).contains(w)) {
            return Err(Error::InvalidArgument);
        }
        let enough = scratch.remaining() >= self.train_scratch_len(n);
        if enough { Ok(n) } else { Err(Error::ScratchTooSmall) }
    }

    /// Whether a run over `n` samples fits.
    fn check_run(&self, model: Model<'_>, n: usize, scratch: &Scratch<'_>) -> Result<()> {
        self.check_model(model)?;
        if n == 0 {
            return Err(Error::InvalidArgument);
        }
        let enough = scratch.remaining() >= self.run_scratch_len(n);
        if enough { Ok(()) } else { Err(Error::ScratchTooSmall) }
    }

    fn check_model(&self, model: Model<'_>) -> Result<()> {
        let fits = model.params.len() == self.param_len() && model.state.len() == self.state_len();
        if fits { Ok(()) } else { Err(Error::ShapeMismatch) }
    }

    /// Rounds what the encoder left.
    fn quantise<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        state: &[f32],
        z: &[f32],
        scratch: &mut Scratch<'s>,
    ) -> Result<Quantised<'s>> {
        let n = rows::count(z.len(), self.spec.dim)?;
        let (codes, squared) = (scratch.take::<u32>(n)?, scratch.take::<f32>(n)?);
        self.book.nearest(on, state, z, (&mut *codes, &mut *squared), &mut scratch.frame())?;
        let values = scratch.take::<f32>(z.len())?;
        self.book.look_up(state, codes, values)?;
        Ok(Quantised { codes, squared, values })
    }

    /// Both terms, summed in the order of the samples and their places, and the usage.
    fn terms(
        &self,
        quantised: &Quantised<'_>,
        nll: &[f32],
        (z, weights): (&[f32], &[f32]),
        scratch: &mut Scratch<'_>,
    ) -> Result<VqTerms> {
        let mut loss = VqLoss::default();
        let distances = rows::of(quantised.squared, self.places());
        for ((&nll, distances), &w) in nll.iter().zip(distances).zip(weights) {
            let mut commitment = 0f64;
            distances.iter().for_each(|&squared| commitment += f64::from(squared));
            loss += VqLoss {
                reconstruction: f64::from(nll) * f64::from(w),
                commitment: commitment * f64::from(w),
            };
        }
        let mut scratch = scratch.frame();
        let counts = scratch.take_zeroed::<f32>(self.spec.codes)?;
        Rounded { rows: z, codes: quantised.codes, weights }.count(self.spec.dim, counts);
        Ok(VqTerms { loss, usage: Usage::of(counts) })
    }

    /// What the decoder makes of the vectors of codes.
    fn expected<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        values: &[f32],
        out: &mut [f32],
        mut scratch: Scratch<'_>,
    ) -> Result<()> {
        let [_, d_params] = self.split(params)?;
        let n = rows::count(values.len(), self.rounded_len())?;
        let work = self.decoder.forward(on, false, (d_params, values), n, &mut scratch)?;
        rows::copy(self.decoder.inference.result(&work), out);
        if self.spec.likelihood == Likelihood::Bernoulli {
            math::sigmoid_slice(on.level, out);
        }
        Ok(())
    }
}

kernel! {
    /// Adds the gradient of the squared distance of `z` from `e`, of which `by` is twice the weight.
    fn pull(by: f32, z: &[f32], e: &[f32], grad: &mut [f32]) = pull_body;
}

#[inline(always)]
fn pull_body(by: f32, z: &[f32], e: &[f32], grad: &mut [f32]) {
    for ((grad, z), e) in grad.iter_mut().zip(z).zip(e) {
        *grad += by * (z - e);
    }
}
