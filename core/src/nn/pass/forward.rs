//! The forward pass.

use super::packed::panels_len;
use super::{At, Model, conv, groups, product};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::Init;
use crate::nn::dropout::{self, Draws};
use crate::nn::ends::Ends;
use crate::nn::layer::Layer;
use crate::nn::network::Span;
use crate::nn::norm::Statistics;
use crate::nn::plan::{Mode, Plan};
use crate::nn::workspace::{Workspace, parts};
use crate::nn::{Activation, Engine, pool, reorder, rows, softmax, spectral, table};
use crate::scratch::Scratch;

/// The state in a pass: followed in training.
pub(super) enum State<'a> {
    Follow(&'a mut [f32]),
    Read(&'a [f32]),
}

impl State<'_> {
    fn read(&self) -> &[f32] {
        match self {
            Self::Follow(state) => state,
            Self::Read(state) => state,
        }
    }
}

/// A forward pass.
pub(super) struct Ahead<'a> {
    pub params: &'a [f32],
    pub state: State<'a>,
    /// Of all layers.
    pub panels: Option<&'a [f32]>,
    pub x: &'a [f32],
    /// In training.
    pub draws: Option<Draws<'a>>,
}

/// Looks at nothing.
pub(super) const fn unwatched(_: usize, _: &[f32]) {}

impl<const N: usize> Plan<N> {
    /// Runs a batch `x` of rows through the layers, in training: what they are followed by in `state` moves on, values are
    /// dropped with `draws`, and what [`Plan::backward`] reads stays in `work`. [`Plan::result`] finds the output there.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit (parameters, state, `x` for the samples of `work`, keys), or for a
    /// `work` of another plan; [`Error::InvalidArgument`] for a value that an embedding has no row for, a batch normalisation
    /// over a single value, or a plan that is not for training; [`Error::ScratchTooSmall`]. Nothing is written then.
    pub fn forward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        (params, state): (&[f32], &mut [f32]),
        x: &[f32],
        draws: Draws<'_>,
        work: &mut Workspace<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        if self.mode == Mode::Inference {
            return Err(Error::InvalidArgument);
        }
        self.check_draws(draws, work.batch)?;
        self.check_norms(work.batch)?;
        let pass = Ahead { params, state: State::Follow(state), panels: None, x, draws: Some(draws) };
        self.ahead(on, pass, work, unwatched, scratch)
    }

    /// Runs a batch `x` of rows through the layers, in use. [`Plan::result`] finds the output in `work`.
    ///
    /// # Errors
    /// As [`Plan::forward`].
    pub fn infer<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Model<'_>,
        x: &[f32],
        work: &mut Workspace<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let Model { params, state } = model;
        let pass = Ahead { params, state: State::Read(state), panels: None, x, draws: None };
        self.ahead(on, pass, work, unwatched, scratch)
    }

    /// Runs a pass. `watch` is shown the number of each layer and what comes out of it, functions that products apply among
    /// them; what these are of is not there.
    pub(super) fn ahead<E: Executor>(
        &self,
        on: Engine<'_, E>,
        pass: Ahead<'_>,
        work: &mut Workspace<'_>,
        mut watch: impl FnMut(usize, &[f32]),
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let Ahead { params, mut state, mut panels, x, draws } = pass;
        self.check([params.len(), state.read().len(), x.len()], work)?;
        if scratch.remaining() < self.scratch_len(work.batch) {
            return Err(Error::ScratchTooSmall);
        }
        let mut before = Span::default();
        let mut steps = self.net.steps().iter().zip(&self.places).enumerate().peekable();
        while let Some((i, (step, place))) = steps.next() {
            // A function that would lie in the place of a product is applied by it.
            let then = steps
                .next_if(|(_, (next, at))| step.multiplies() && at.in_place && next.activation().is_some());
            let last = then.as_ref().map_or(i, |(last, _)| *last);
            let then = then.and_then(|(_, (next, _))| next.activation());
            let own = panels.as_mut().and_then(|rest| rest.split_off(..panels_len(step)));
            let at = At { on, i, step, batch: work.batch, threads: self.threads, params, panels: own };
            let fixed = place.fixed.of_mut(work.fixed);
            let scratch = &mut scratch.frame();
            if place.in_place {
                let [y] = parts(work.values, work.batch, [place.output])?;
                at.turn(&mut state, draws, fixed, y, scratch)?;
            } else {
                let from = if i == 0 { Span::default() } else { before };
                let [from, y] = parts(work.values, work.batch, [from, place.output])?;
                let x = if i == 0 { x } else { &*from };
                if step.elementwise() {
                    rows::copy(x, y);
                    at.turn(&mut state, draws, fixed, y, scratch)?;
                } else {
                    at.forward(&mut state, fixed, (x, then), y, scratch)?;
                }
            }
            watch(last, work.output(place));
            before = place.output;
        }
        Ok(())
    }

    /// [`Plan::infer`] with someone who watches, as [`Plan::ahead`] has it.
    pub(in crate::nn) fn infer_watched<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Model<'_>,
        (x, watch): (&[f32], impl FnMut(usize, &[f32])),
        work: &mut Workspace<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let Model { params, state } = model;
        let pass = Ahead { params, state: State::Read(state), panels: None, x, draws: None };
        self.ahead(on, pass, work, watch, scratch)
    }
}

impl<E: Executor> At<'_, E> {
    /// The output of a layer that makes another buffer than it reads.
    fn forward(
        &self,
        state: &mut State<'_>,
        fixed: &mut [f32],
        (x, then): (&[f32], Option<Activation>),
        y: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (on, step) = (self.on, self.step);
        let bias = step.split(step.params.of(self.params)).1;
        let start = if bias.is_empty() { Init::Zero } else { Init::Bias(bias) };
        let ends = Ends { start, then };
        if let Some(panels) = self.panels.filter(|panels| !panels.is_empty()) {
            return match step.layer {
                Layer::Dense(_) => product(step, self.batch).forward_packed(on, [panels, x], ends, y),
                Layer::Conv2d(_) => {
                    conv(step, self.batch, self.threads).small_from_packed(on, [panels, x], ends, y, scratch)
                }
                _ => {
                    conv(step, self.batch, self.threads).large_from_packed(on, [panels, x], ends, y, scratch)
                }
            };
        }
        if step.is_spectral() {
            if let State::Follow(state) = state {
                spectral::follow(on.level, step, self.params, state);
            }
            spectral::divide(on.level, step, self.params, state.read(), fixed);
        }
        let weight = self.weight(fixed);
        match step.layer {
            Layer::Dense(_) => product(step, self.batch).forward(on, [weight, x], ends, y, scratch)?,
            Layer::Conv2d(_) => {
                conv(step, self.batch, self.threads).small_from_large(on, [weight, x], ends, y, scratch)?;
            }
            Layer::ConvTranspose2d(_) => {
                conv(step, self.batch, self.threads).large_from_small(on, [weight, x], ends, y, scratch)?;
            }
            Layer::Upsample { factor } => pool::repeat(on, step.input, factor, x, y),
            Layer::AvgPool2d(_) => self.windows().mean(on, x, y),
            Layer::MaxPool2d(_) => self.windows().largest(on, x, y),
            Layer::Embedding { width, .. } => table::look_up(width, weight, x, y)?,
            Layer::Unflatten(_) => reorder::interleave(on, step.output, x, y),
            _ => reorder::separate(on, step.input, x, y),
        }
        Ok(())
    }

    /// The output of a layer in the place of its input.
    fn turn(
        &self,
        state: &mut State<'_>,
        draws: Option<Draws<'_>>,
        fixed: &mut [f32],
        v: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (on, step) = (self.on, self.step);
        let (weight, bias) = step.split(step.params.of(self.params));
        match step.layer {
            Layer::BatchNorm { .. } => {
                let norm = self.batch_norm();
                let both: &[f32] = match state {
                    State::Follow(state) => {
                        norm.measure(on, v, fixed, step.state.of_mut(state));
                        fixed
                    }
                    State::Read(state) => {
                        let recalled = scratch.take(2 * norm.channels)?;
                        norm.recall(step.state.of(state), recalled);
                        recalled
                    }
                };
                norm.apply(on, Statistics::of(both), [weight, bias], v);
            }
            Layer::LayerNorm { .. } | Layer::GroupNorm { .. } => groups(step).apply(on, [weight, bias], v),
            Layer::Dropout { p } => {
                if let Some(draws) = draws {
                    dropout::drop(on, p, draws, self.i, v);
                }
            }
            Layer::Softmax => softmax::apply(on, step.output.channels, v),
            Layer::Activation(activation) => activation.apply(on, v),
            // A reshape that moves nothing.
            _ => {}
        }
        Ok(())
    }
}
