//! The way back.

use super::{At, Model, conv, groups, product};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::Init;
use crate::nn::dropout::{self, Draws};
use crate::nn::ends::Ends;
use crate::nn::layer::Layer;
use crate::nn::network::Span;
use crate::nn::norm::{Statistics, add_columns};
use crate::nn::plan::{Back, Mode, Plan};
use crate::nn::workspace::{Workspace, parts};
use crate::nn::{Engine, pool, reorder, rows, softmax, spectral, table};
use crate::scratch::Scratch;

/// Where [`Plan::backward`] writes.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// The gradients by the parameters that are not frozen: [`Plan::grad_len`] values.
    pub params: &'a mut [f32],
    /// Whether those are added to what is there, which adds up the gradients of the parts of a batch. Where the batch is
    /// split between samples, the gradients of dense layers, convolutions without spectral norm, and embeddings come out
    /// as the bits of the whole batch, since the chains of their sums go on; those of normalisations and under a spectral norm
    /// do not, and those of a batch normalisation are of other statistics.
    pub add: bool,
    /// The gradient by the input of the network, where the plan has one; else empty.
    pub input: &'a mut [f32],
}

/// What [`Plan::back`] writes.
pub(super) struct Wanted<'a> {
    /// The gradients by the parameters, where they are wanted.
    pub params: Option<&'a mut [f32]>,
    /// Whether they are added to what is there.
    pub add: bool,
    /// The gradient by the input, where it is wanted.
    pub input: &'a mut [f32],
}

impl<const N: usize> Plan<N> {
    /// The gradients of a loss by the parameters and by the input, from the gradient by the output that [`Plan::ends`] has the
    /// place for, which is used up. `model` with its state, `x`, `draws` and `work` are those of the [`Plan::forward`] before
    /// it.
    ///
    /// # Errors
    /// As [`Plan::forward`].
    pub fn backward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Model<'_>,
        (x, draws): (&[f32], Draws<'_>),
        work: &mut Workspace<'_>,
        grads: Gradients<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let Mode::Training { input_gradient, .. } = self.mode else { return Err(Error::InvalidArgument) };
        self.check_draws(draws, work.batch)?;
        self.check([model.params.len(), model.state.len(), x.len()], work)?;
        let wanted = if input_gradient { x.len() } else { 0 };
        if grads.params.len() != self.grad_len() || grads.input.len() != wanted {
            return Err(Error::ShapeMismatch);
        }
        if scratch.remaining() < self.scratch_len(work.batch) {
            return Err(Error::ScratchTooSmall);
        }
        let Gradients { params, add, input } = grads;
        let wanted = Wanted { params: Some(params), add, input };
        self.back(on, model, (x, draws), (work, None), wanted, scratch)
    }

    /// [`Plan::backward`] of what was checked. With `masks` the inputs by which weights are multiplied are those of `x` and
    /// `work`, and what decides how gradients flow through the other layers is theirs.
    pub(super) fn back<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Model<'_>,
        (x, draws): (&[f32], Draws<'_>),
        (work, masks): (&mut Workspace<'_>, Option<(&[f32], &Workspace<'_>)>),
        wanted: Wanted<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let Wanted { mut params, add, input } = wanted;
        let trained_from = self.trained_from();
        let steps = self.net.steps().iter().zip(&self.places).enumerate().rev();
        for (i, (step, place)) in steps {
            let needs = Back {
                params: place.back.params && params.is_some(),
                input: place.back.input && (i > 0 || !input.is_empty()),
            };
            if !(needs.params || place.back.input) {
                break;
            }
            let (batch, threads) = (work.batch, self.threads);
            let at = At { on, i, step, batch, threads, params: model.params, panels: None };
            let before = i.checked_sub(1).and_then(|i| self.places.get(i));
            let apart = !place.gradient_in_place;
            let spans = [
                before.filter(|_| place.keeps.input).map_or(Span::default(), |before| before.output),
                if place.keeps.output { place.output } else { Span::default() },
                place.gradient,
                before
                    .filter(|_| place.back.input && apart)
                    .map_or(Span::default(), |before| before.gradient),
            ];
            let [from, output, dy, dx] = parts(work.values, work.batch, spans)?;
            let own = match &mut params {
                Some(params) if needs.params => {
                    Span { at: step.params.at - trained_from, len: step.params.len }.of_mut(params)
                }
                _ => &mut [],
            };
            let from = if i == 0 { x } else { &*from };
            let (fixed, mask, y) = match masks {
                None => (&*work.fixed, from, &*output),
                Some((x, masks)) => {
                    let before = before.map_or(x, |before| masks.output(before));
                    (&*masks.fixed, before, masks.output(place))
                }
            };
            let biases = masks.is_none();
            let fixed = place.fixed.of(fixed);
            let mut way = Way { x: from, mask, y, fixed, draws, own, add, needs, biases };
            let dx = if i == 0 { &mut *input } else { dx };
            let scratch = &mut scratch.frame();
            if step.elementwise() {
                let grad = if i == 0 {
                    rows::copy(dy, dx);
                    if dx.is_empty() { dy } else { dx }
                } else {
                    dy
                };
                at.chain(&mut way, grad, scratch)?;
            } else {
                if needs.params {
                    at.gradients(&mut way, dy, &mut scratch.frame())?;
                }
                if needs.input {
                    at.backward(&way, dy, dx, scratch)?;
                }
            }
        }
        Ok(())
    }
}

/// What the way back of one layer reads and writes besides the gradients that flow.
struct Way<'a> {
    /// Its input, by which weights are multiplied.
    x: &'a [f32],
    /// Its input and output, as far as they decide how gradients flow.
    mask: &'a [f32],
    y: &'a [f32],
    fixed: &'a [f32],
    draws: Draws<'a>,
    /// The gradients by its parameters; empty where they are not wanted.
    own: &'a mut [f32],
    add: bool,
    needs: Back,
    /// Whether the biases have a part in what is differentiated.
    biases: bool,
}

impl<E: Executor> At<'_, E> {
    /// `grad`, the gradient by the output of a layer that stands in the place of its input, becomes that by the input.
    fn chain(&self, way: &mut Way<'_>, grad: &mut [f32], scratch: &mut Scratch<'_>) -> Result<()> {
        let (on, step, channels) = (self.on, self.step, self.step.output.channels);
        let weight = step.split(step.params.of(self.params)).0;
        match step.layer {
            Layer::BatchNorm { .. } => {
                let (norm, sums) = (self.batch_norm(), scratch.take::<f32>(2 * channels)?);
                let statistics = Statistics::of(way.fixed);
                norm.sums(on, statistics, [way.mask, grad], sums);
                give(sums, way);
                if way.needs.input {
                    norm.chain(on, statistics, [weight, sums, way.mask], grad);
                }
            }
            Layer::LayerNorm { .. } | Layer::GroupNorm { .. } => {
                let groups = groups(step);
                let sums = scratch.take::<f32>(2 * channels)?;
                let samples = groups.samples(step.output, self.batch);
                let statistics = scratch.take::<f32>(samples.saturating_mul(groups.statistics_len()))?;
                groups.measure(on, way.mask, statistics);
                if way.needs.params {
                    groups.sums(on, statistics, [way.mask, grad], sums);
                    give(sums, way);
                }
                if way.needs.input {
                    groups.chain(on, statistics, [weight, way.mask], grad);
                }
            }
            Layer::Dropout { p } => dropout::drop(on, p, way.draws, self.i, grad),
            Layer::Softmax => softmax::chain(on, channels, way.y, grad),
            Layer::Activation(activation) => {
                activation.chain(on, if activation.by_output() { way.y } else { way.mask }, grad);
            }
            _ => {}
        }
        Ok(())
    }

    /// The gradients by the parameters.
    fn gradients(&self, way: &mut Way<'_>, dy: &[f32], scratch: &mut Scratch<'_>) -> Result<()> {
        let (on, step) = (self.on, self.step);
        let (grad, bias) = step.split_mut(way.own);
        if !way.add {
            bias.fill(0.0);
        }
        if way.biases {
            add_columns(on, dy, bias);
        }
        // Under a spectral norm this is the gradient by W / σ, of this pass alone.
        let apart = step.is_spectral();
        let temporary = if apart { scratch.take(grad.len())? } else { &mut [] };
        let to = if apart { &mut *temporary } else { &mut *grad };
        let init = if way.add && !apart { Init::Keep } else { Init::Zero };
        match step.layer {
            Layer::Dense(_) => product(step, self.batch).gradient(on, [way.x, dy], init, to, scratch)?,
            Layer::Conv2d(_) => {
                conv(step, self.batch, self.threads).weight_gradient(on, [way.x, dy], init, to, scratch)?;
            }
            Layer::ConvTranspose2d(_) => {
                conv(step, self.batch, self.threads).weight_gradient(on, [dy, way.x], init, to, scratch)?;
            }
            Layer::Embedding { width, .. } => {
                if !way.add {
                    to.fill(0.0);
                }
                table::gradients(width, way.x, dy, to);
            }
            _ => {}
        }
        if apart {
            spectral::chain(on.level, step, way.fixed, temporary);
            if way.add {
                grad.iter_mut().zip(temporary).for_each(|(to, from)| *to += *from);
            } else {
                rows::copy(temporary, grad);
            }
        }
        Ok(())
    }

    /// The gradient by the input.
    fn backward(&self, way: &Way<'_>, dy: &[f32], dx: &mut [f32], scratch: &mut Scratch<'_>) -> Result<()> {
        let (on, step, weight) = (self.on, self.step, self.weight(way.fixed));
        match step.layer {
            Layer::Dense(_) => product(step, self.batch).backward(on, [weight, dy], dx, scratch)?,
            Layer::Conv2d(_) => {
                let conv = conv(step, self.batch, self.threads);
                conv.large_from_small(on, [weight, dy], Ends::ZERO, dx, scratch)?;
            }
            Layer::ConvTranspose2d(_) => {
                let conv = conv(step, self.batch, self.threads);
                conv.small_from_large(on, [weight, dy], Ends::ZERO, dx, scratch)?;
            }
            Layer::Upsample { factor } => pool::repeat_back(on, step.input, factor, dy, dx),
            Layer::AvgPool2d(_) => self.windows().mean_back(on, dy, dx),
            Layer::MaxPool2d(_) => self.windows().largest_back(on, [way.mask, dy], dx),
            Layer::Unflatten(_) => reorder::separate(on, step.output, dy, dx),
            _ => reorder::interleave(on, step.input, dy, dx),
        }
        Ok(())
    }
}

/// Writes or adds the gradients by γ and β.
fn give(sums: &[f32], way: &mut Way<'_>) {
    for (to, from) in way.own.iter_mut().zip(sums) {
        *to = if way.add { *to + from } else { *from };
    }
}
