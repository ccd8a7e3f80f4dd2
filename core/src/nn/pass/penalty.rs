//! R1, the penalty on the gradient of a discriminator by its input (Mescheder et al. 2018), exactly: by the second pass that
//! networks allow which are linear but for choices.
//!
//! With g = ∇ₓD(x), the gradient of ½‖g‖² by the parameters is that of the derivative of D at x along g, held fixed. Where
//! every layer is linear or chooses (ReLU, LeakyReLU, the largest of a window), that derivative is a forward pass of g without
//! biases through the same choices; its gradients take the same way back as those of D itself.

use super::backward::Wanted;
use super::{At, Model, conv, product};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::sum_of_squares;
use crate::nn::dropout::{self, Draws};
use crate::nn::ends::Ends;
use crate::nn::layer::Layer;
use crate::nn::network::Span;
use crate::nn::plan::{Mode, Plan};
use crate::nn::workspace::{Workspace, parts};
use crate::nn::{Activation, Engine, pool, reorder, rows};
use crate::scratch::{Scratch, ScratchLen};

/// What [`Plan::gradient_penalty`] is told and writes. D is a weighted sum of the outputs of the network.
#[derive(Debug)]
pub struct Penalty<'a> {
    /// The weight of each output of each sample: for a network that ends in one value 1.
    pub along: &'a [f32],
    /// What the penalty of each sample is multiplied by.
    pub scales: &'a [f32],
    /// ‖∇ₓD(x)‖² of each sample.
    pub penalties: &'a mut [f32],
    /// The gradients by the parameters, [`Plan::grad_len`] values, to which those of the penalty are added.
    pub grads: &'a mut [f32],
}

impl<const N: usize> Plan<N> {
    /// Bytes of scratch that [`Plan::gradient_penalty`] takes for at most `batch` samples, besides the workspace of the pass.
    pub fn penalty_scratch_len(&self, batch: usize) -> usize {
        let input = self.net.input().len().unwrap_or(usize::MAX);
        ScratchLen::new()
            .with::<f32>(input.saturating_mul(batch))
            .with::<f32>(self.value_len(batch).unwrap_or(usize::MAX))
            .with::<f32>(self.fixed_len())
            .with_bytes(self.scratch_len(batch))
            .bytes()
    }

    /// ‖∇ₓD(x)‖² of each sample, and the gradients of Σ ½ · scale · ‖∇ₓD(x)‖² by the parameters: R1 with weight γ over a batch of
    /// n has the scale γ/n for each sample. The plan must be for training with the gradient by the input; `work` holds a
    /// forward pass of it over `x`, before the way back.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for layers that are not linear but for choices: normalisations, embeddings, softmax, and functions
    /// other than ReLU and LeakyReLU; for those the gradients of D at x ± h·g / 2 give their difference by h.
    /// [`Error::ShapeMismatch`] and [`Error::InvalidArgument`] as in [`Plan::backward`], [`Error::ScratchTooSmall`].
    pub fn gradient_penalty<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Model<'_>,
        (x, draws): (&[f32], Draws<'_>),
        work: &Workspace<'_>,
        to: Penalty<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        if !matches!(self.mode, Mode::Training { input_gradient: true, .. }) {
            return Err(Error::InvalidArgument);
        }
        if !self.net.steps().iter().all(|step| chooses(step.layer)) {
            return Err(Error::Unsupported);
        }
        self.check_draws(draws, work.batch)?;
        self.check([model.params.len(), model.state.len(), x.len()], work)?;
        let Penalty { along: outputs, scales, penalties, grads } = to;
        let each = scales.len() == work.batch && penalties.len() == work.batch;
        let width = self.net.output().len()?;
        if !each || grads.len() != self.grad_len() || outputs.len() != width.saturating_mul(work.batch) {
            return Err(Error::ShapeMismatch);
        }
        if scratch.remaining() < self.penalty_scratch_len(work.batch) {
            return Err(Error::ScratchTooSmall);
        }
        let mut scratch = scratch.frame();
        let slopes = scratch.take::<f32>(x.len())?;
        // What flows has a workspace of its own: it would overwrite the choices.
        let mut along = self.workspace(work.batch, &mut scratch)?;
        rows::copy(outputs, self.ends(&mut along).1);
        let wanted = Wanted { params: None, add: false, input: slopes };
        let through = Some((x, work));
        self.back(on, model, (x, draws), (&mut along, through), wanted, &mut scratch.frame())?;
        let width = x.len() / work.batch.max(1);
        for ((slopes, penalty), scale) in rows::of_mut(slopes, width).zip(penalties).zip(scales) {
            *penalty = sum_of_squares(on.level, slopes);
            slopes.iter_mut().for_each(|v| *v *= scale);
        }
        self.along(on, model, (slopes, draws), (&mut along, x, work), &mut scratch)?;
        rows::copy(outputs, self.ends(&mut along).1);
        let wanted = Wanted { params: Some(grads), add: true, input: &mut [] };
        self.back(on, model, (slopes, draws), (&mut along, through), wanted, &mut scratch)
    }

    /// The derivative of each layer along `slopes`, through the choices of a pass over `x`, to `to`.
    fn along<E: Executor>(
        &self,
        on: Engine<'_, E>,
        model: Model<'_>,
        (slopes, draws): (&[f32], Draws<'_>),
        (to, x, work): (&mut Workspace<'_>, &[f32], &Workspace<'_>),
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let mut before: Option<&super::Place> = None;
        for (i, (step, place)) in self.net.steps().iter().zip(&self.places).enumerate() {
            let (batch, threads) = (work.batch, self.threads);
            let at = At { on, i, step, batch, threads, params: model.params, panels: None };
            let from = before.filter(|_| !place.in_place).map_or(Span::default(), |before| before.output);
            let [from, y] = parts(to.values, batch, [from, place.output])?;
            let from = if i == 0 { slopes } else { &*from };
            let mask = before.map_or(x, |before| work.output(before));
            if step.elementwise() {
                if !place.in_place {
                    rows::copy(from, y);
                }
                match step.layer {
                    Layer::Dropout { p } => dropout::drop(on, p, draws, i, y),
                    Layer::Activation(activation) => activation.chain(on, work.output(place), y),
                    _ => {}
                }
            } else {
                at.along([place.fixed.of(work.fixed), mask, from], y, &mut scratch.frame())?;
            }
            before = Some(place);
        }
        Ok(())
    }
}

impl<E: Executor> At<'_, E> {
    /// The linear part of a layer that makes another buffer than it reads.
    fn along(
        &self,
        [fixed, mask, from]: [&[f32]; 3],
        y: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (on, step, weight) = (self.on, self.step, self.weight(fixed));
        match step.layer {
            Layer::Dense(_) => {
                product(step, self.batch).forward(on, [weight, from], Ends::ZERO, y, scratch)?
            }
            Layer::Conv2d(_) => {
                let conv = conv(step, self.batch, self.threads);
                conv.small_from_large(on, [weight, from], Ends::ZERO, y, scratch)?;
            }
            Layer::ConvTranspose2d(_) => {
                let conv = conv(step, self.batch, self.threads);
                conv.large_from_small(on, [weight, from], Ends::ZERO, y, scratch)?;
            }
            Layer::Upsample { factor } => pool::repeat(on, step.input, factor, from, y),
            Layer::AvgPool2d(_) => self.windows().mean(on, from, y),
            Layer::MaxPool2d(_) => self.windows().at_largest(on, [mask, from], y),
            Layer::Unflatten(_) => reorder::interleave(on, step.output, from, y),
            _ => reorder::separate(on, step.input, from, y),
        }
        Ok(())
    }
}

/// Whether a layer is linear but for choices.
const fn chooses(layer: Layer) -> bool {
    match layer {
        Layer::BatchNorm { .. }
        | Layer::LayerNorm { .. }
        | Layer::GroupNorm { .. }
        | Layer::Embedding { .. }
        | Layer::Softmax => false,
        Layer::Activation(activation) => {
            matches!(activation, Activation::Relu | Activation::LeakyRelu { .. })
        }
        _ => true,
    }
}
