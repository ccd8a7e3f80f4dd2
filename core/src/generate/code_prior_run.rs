//! The prior of grids of codes at work: training, scores, samples.

use super::code_prior::CodePrior;
use super::learn::{Part, adapter_scratch_len, learn};
use super::noise::GENERATE_PURPOSE;
use super::{Trainee, labels};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::loss::{Labelled, cross_entropy};
use crate::nn::{Engine, Optimiser, Workspace, rows};
use crate::rng::{Key, Stream};
use crate::scratch::Scratch;

/// Grids of codes, and which of their places to learn.
#[derive(Clone, Copy, Debug)]
pub struct CodeBatch<'a> {
    /// Grids, [`CodePrior::places`] codes each, row after row.
    pub grids: &'a [u32],
    /// A class for each grid; empty for a prior without classes.
    pub labels: &'a [u32],
    /// A weight for each grid, finite and not negative.
    pub weights: &'a [f32],
    /// What is learned: numbers of a grid and of a place of it, as often and in such an order as they come.
    pub pairs: &'a [[u32; 2]],
}

impl CodePrior {
    /// One step of training, the `t`-th, counted from 1: gradients as [`CodePrior::gradients`] has them, and a step of the
    /// optimiser. Takes [`CodePrior::train_scratch_len`] of the pairs, and [`adapter_scratch_len`].
    ///
    /// # Errors
    /// As [`CodePrior::gradients`] and [`Optimiser::step`]. The parameters and moments are untouched then.
    pub fn train_step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        trainee: &mut Trainee<'_>,
        batch: &CodeBatch<'_>,
        (optimiser, t): (&Optimiser, u64),
        scratch: &mut Scratch<'_>,
    ) -> Result<f64> {
        let whole = Part { len: self.param_len(), frozen: 0 };
        trainee.check(optimiser, t, &[whole])?;
        let adapters = adapter_scratch_len(trainee.groups);
        if scratch.remaining() < self.train_scratch_len(batch.pairs.len()).saturating_add(adapters) {
            return Err(Error::ScratchTooSmall);
        }
        let loss = self.gradients(on, trainee.params, batch, trainee.grads, scratch)?;
        let Trainee { params, grads, moments, groups, adapters } = trainee;
        learn(on, (optimiser, t), (groups, 0), [params, moments], grads, adapters, scratch)?;
        Ok(loss)
    }

    /// The gradients of the mean over the pairs of weight·−ln p(code | what comes before it), written over `grads`. Gives the
    /// sum of these over the pairs, in nats; times the places of a grid and over the pairs it is that of a whole sample.
    /// Takes [`CodePrior::train_scratch_len`] of the pairs.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit or there are no pairs, [`Error::InvalidArgument`] for a number
    /// that is no code, class, grid or place or a weight that is negative or not finite, [`Error::NotFinite`] where the loss
    /// is not, [`Error::ScratchTooSmall`].
    pub fn gradients<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        batch: &CodeBatch<'_>,
        grads: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<f64> {
        let n = self.check(params, batch)?;
        if grads.len() != self.param_len() {
            return Err(Error::ShapeMismatch);
        }
        if scratch.remaining() < self.train_scratch_len(n) {
            return Err(Error::ScratchTooSmall);
        }
        let mut scratch = scratch.frame();
        let contexts = scratch.take::<f32>(n * self.tokens())?;
        let codes = scratch.take::<u32>(n)?;
        let (scales, nll) = scratch.take::<f32>(2 * n)?.split_at_mut_checked(n).unwrap_or_default();
        let each = rows::of_mut(contexts, self.tokens()).zip(&mut *codes).zip(&mut *scales).zip(batch.pairs);
        for (((context, code), scale), &[sample, place]) in each {
            let (sample, place) = (sample as usize, place as usize);
            let grid = self.grid_of(batch.grids, sample);
            self.write_context(grid, place, batch.labels.get(sample).copied(), context);
            *code = grid.get(place).copied().unwrap_or(0);
            *scale = batch.weights.get(sample).copied().unwrap_or(0.0) / n as f32;
        }
        let mut work = self.part.forward(on, true, (params, contexts), n, &mut scratch)?;
        let (logits, slope) = self.part.training.ends(&mut work);
        cross_entropy(on, 0.0, &Labelled { logits, labels: codes, scales }, nll, slope)?;
        let mut loss = 0f64;
        for (&nll, [sample, _]) in nll.iter().zip(batch.pairs) {
            let weight = batch.weights.get(*sample as usize).copied().unwrap_or(0.0);
            loss += f64::from(nll) * f64::from(weight);
        }
        if !loss.is_finite() {
            return Err(Error::NotFinite);
        }
        self.part.backward(on, (params, contexts), &mut work, (grads, &mut []), &mut scratch)?;
        Ok(loss)
    }

    /// −ln p of each whole grid, in nats. `labels` has one class for each, or nothing for a prior without classes. Takes
    /// [`CodePrior::run_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a number that is no code or class
    /// or for no grids, [`Error::ScratchTooSmall`].
    pub fn nll<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        (grids, labels): (&[u32], &[u32]),
        nll: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let n = self.check_run(params, grids.len(), labels, scratch)?;
        if nll.len() != n {
            return Err(Error::ShapeMismatch);
        }
        if !grids.iter().all(|&code| self.is_code(code)) {
            return Err(Error::InvalidArgument);
        }
        let mut scratch = scratch.frame();
        let codes = scratch.take::<u32>(n)?;
        let (ones, own) = scratch.take::<f32>(2 * n)?.split_at_mut_checked(n).unwrap_or_default();
        ones.fill(1.0);
        nll.fill(0.0);
        for place in 0..self.places() {
            let mut scratch = scratch.frame();
            let work = self.look(on, params, (grids, labels), place, &mut scratch)?;
            for (i, code) in codes.iter_mut().enumerate() {
                *code = self.grid_of(grids, i).get(place).copied().unwrap_or(0);
            }
            let logits = self.part.inference.result(&work);
            cross_entropy(on, 0.0, &Labelled { logits, labels: codes, scales: ones }, own, &mut [])?;
            nll.iter_mut().zip(&*own).for_each(|(sum, own)| *sum += own);
        }
        Ok(())
    }

    /// The grids of index `first`, `first + 1`, … under `seed`, as many as `grids` holds, place after place. Logits are
    /// divided by `temperature`; at 0 the likeliest code is taken, of equals the lowest. A grid does not depend on those that
    /// are made with it. `labels` as in [`CodePrior::nll`]. Takes [`CodePrior::run_scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit; [`Error::InvalidArgument`] for a number that is no class, a
    /// temperature that is negative or not finite, or no grids; [`Error::ScratchTooSmall`]. [`Error::NotFinite`] where the
    /// network gives no probabilities; part of the grids is written by then.
    pub fn sample<E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        temperature: f32,
        (seed, first, labels): (u64, u64, &[u32]),
        grids: &mut [u32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        self.check_run(params, grids.len(), labels, scratch)?;
        if !(0.0..f32::INFINITY).contains(&temperature) {
            return Err(Error::InvalidArgument);
        }
        let mut scratch = scratch.frame();
        let chances = scratch.take::<f32>(self.spec.codes)?;
        for place in 0..self.places() {
            let mut scratch = scratch.frame();
            let work = self.look(on, params, (grids, labels), place, &mut scratch)?;
            let logits = rows::of(self.part.inference.result(&work), self.spec.codes);
            let own = grids.chunks_exact_mut(self.places().max(1));
            for ((logits, grid), i) in logits.zip(own).zip(0u64..) {
                let key = Key::new(GENERATE_PURPOSE).sample(first.wrapping_add(i)).op(place as u32);
                let mut stream = Stream::new(seed, key);
                let (likeliest, most) = likeliest(logits);
                rows::copy(logits, chances);
                let code = if temperature == 0.0 {
                    Some(likeliest).filter(|_| most.is_finite())
                } else {
                    chances.iter_mut().for_each(|v| *v = (*v - most) / temperature);
                    math::exp_slice(on.level, chances);
                    draw(chances, stream.uniform())
                };
                let Some(code) = code else { return Err(Error::NotFinite) };
                if let Some(to) = grid.get_mut(place) {
                    *to = code as u32;
                }
            }
        }
        Ok(())
    }

    /// A pass over the contexts of one place of all grids.
    fn look<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        params: &[f32],
        (grids, labels): (&[u32], &[u32]),
        place: usize,
        scratch: &mut Scratch<'s>,
    ) -> Result<Workspace<'s>> {
        let n = grids.len().checked_div(self.places()).unwrap_or(0);
        let contexts = scratch.take::<f32>(n * self.tokens())?;
        for (i, context) in rows::of_mut(contexts, self.tokens()).enumerate() {
            self.write_context(self.grid_of(grids, i), place, labels.get(i).copied(), context);
        }
        self.part.forward(on, false, (params, contexts), n, scratch)
    }

    fn grid_of<'a>(&self, grids: &'a [u32], i: usize) -> &'a [u32] {
        let places = self.places();
        grids.get(i.saturating_mul(places)..).and_then(|rest| rest.get(..places)).unwrap_or(&[])
    }

    /// The number of pairs, where everything fits.
    fn check(&self, params: &[f32], batch: &CodeBatch<'_>) -> Result<usize> {
        let n = rows::count(batch.grids.len(), self.places())?;
        labels::check(batch.labels, self.spec.classes, n)?;
        if params.len() != self.param_len() || batch.weights.len() != n || batch.pairs.is_empty() {
            return Err(Error::ShapeMismatch);
        }
        let inside = |[sample, place]: &[u32; 2]| (*sample as usize) < n && (*place as usize) < self.places();
        let fits = batch.pairs.iter().all(inside)
            && batch.grids.iter().all(|&code| self.is_code(code))
            && batch.weights.iter().all(|w| (0.0..f32::INFINITY).contains(w));
        if fits { Ok(batch.pairs.len()) } else { Err(Error::InvalidArgument) }
    }

    /// The number of grids of a run.
    fn check_run(&self, params: &[f32], len: usize, labels: &[u32], scratch: &Scratch<'_>) -> Result<usize> {
        let n = rows::count(len, self.places())?;
        labels::check(labels, self.spec.classes, n)?;
        if params.len() != self.param_len() {
            return Err(Error::ShapeMismatch);
        }
        if n == 0 {
            return Err(Error::InvalidArgument);
        }
        let enough = scratch.remaining() >= self.run_scratch_len(n);
        if enough { Ok(n) } else { Err(Error::ScratchTooSmall) }
    }
}

/// The largest logit and its place, the first of equals; NaN where one is.
fn likeliest(logits: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (i, &logit) in logits.iter().enumerate() {
        if logit > best.1 || logit.is_nan() {
            best = (i, logit);
        }
    }
    best
}

/// The code that a number in [0, 1) falls on, where codes take shares of it in their order; `None` without shares.
fn draw(chances: &[f32], at: f32) -> Option<usize> {
    let mut total = 0f64;
    chances.iter().for_each(|&chance| total += f64::from(chance));
    let mut sum = 0f64;
    // Below the total, since so many bits are exact: the last sum is the total.
    chances.iter().position(|&chance| {
        sum += f64::from(chance);
        sum > f64::from(at) * total
    })
}
