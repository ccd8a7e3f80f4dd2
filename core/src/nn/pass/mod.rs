//! A pass over a batch: forward, and backward.

mod backward;
mod forward;
mod packed;
mod penalty;

pub use backward::Gradients;
pub use packed::Packed;
pub use penalty::Penalty;

use super::Engine;
use super::conv::Conv;
use super::dense::Product;
use super::dropout::Draws;
use super::layer::Layer;
use super::network::Step;
use super::norm::{Batch, Groups};
use super::plan::{Place, Plan};
use super::pool::Windows;
use super::workspace::Workspace;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::scratch::ScratchLen;

/// What a pass reads of a model.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// [`super::Network::param_len`] parameters.
    pub params: &'a [f32],
    /// [`super::Network::state_len`] values of the state, as the forward pass left them.
    pub state: &'a [f32],
}

/// One layer within a pass.
pub(super) struct At<'a, E> {
    on: Engine<'a, E>,
    /// Its number.
    i: usize,
    step: &'a Step,
    batch: usize,
    threads: usize,
    params: &'a [f32],
    /// Its weights in panels, where they are.
    panels: Option<&'a [f32]>,
}

impl<const N: usize> Plan<N> {
    /// Bytes of memory to lend for passes over at most `batch` samples: for [`Plan::workspace`] and for the passes.
    pub fn workspace_len(&self, batch: usize) -> usize {
        ScratchLen::new()
            .with::<f32>(self.value_len(batch).unwrap_or(usize::MAX))
            .with::<f32>(self.fixed_len())
            .with_bytes(self.scratch_len(batch))
            .bytes()
    }

    /// Bytes of scratch that [`Plan::forward`], [`Plan::infer`] and [`Plan::backward`] take for at most `batch` samples,
    /// besides the workspace.
    pub fn scratch_len(&self, batch: usize) -> usize {
        let each = self.net.steps().iter().zip(&self.places);
        each.map(|(step, place)| self.scratch_of(step, place, batch)).max().unwrap_or(0)
    }

    fn scratch_of(&self, step: &Step, place: &Place, batch: usize) -> usize {
        let inside = match step.layer {
            Layer::Dense(_) => product(step, batch).scratch_len(),
            Layer::Conv2d(_) | Layer::ConvTranspose2d(_) => conv(step, batch, self.threads).scratch_len(),
            _ => 0,
        };
        let channels = step.output.channels;
        let both = if place.back.params || place.back.input { 2 } else { 1 };
        let own = match step.layer {
            // The statistics in use; the gradients by γ and β in training.
            Layer::BatchNorm { .. } => 2 * channels,
            Layer::LayerNorm { .. } | Layer::GroupNorm { .. } if both == 2 => {
                let groups = groups(step);
                let samples = groups.samples(step.output, batch);
                return ScratchLen::new()
                    .with::<f32>(2 * channels)
                    .with::<f32>(samples.saturating_mul(groups.statistics_len()))
                    .bytes();
            }
            // The gradient by W / σ.
            _ if step.is_spectral() && place.back.params => step.weight_len(),
            _ => 0,
        };
        ScratchLen::new().with::<f32>(own).with_bytes(inside).bytes()
    }

    fn check_draws(&self, draws: Draws<'_>, batch: usize) -> Result<()> {
        let drops = self.net.steps().iter().any(|step| matches!(step.layer, Layer::Dropout { .. }));
        if drops && draws.keys.len() != batch { Err(Error::ShapeMismatch) } else { Ok(()) }
    }

    /// Refuses the statistics of one value.
    fn check_norms(&self, batch: usize) -> Result<()> {
        let alone = |step: &Step| {
            matches!(step.layer, Layer::BatchNorm { .. }) && step.output.places().is_ok_and(|n| n == 1)
        };
        if batch == 1 && self.net.steps().iter().any(alone) { Err(Error::InvalidArgument) } else { Ok(()) }
    }

    fn check(&self, [params, state, x]: [usize; 3], work: &Workspace<'_>) -> Result<()> {
        let fits = params == self.net.param_len()
            && state == self.net.state_len()
            && Some(x) == self.net.input().len()?.checked_mul(work.batch)
            && self.made(work);
        if fits { Ok(()) } else { Err(Error::ShapeMismatch) }
    }
}

fn product(step: &Step, batch: usize) -> Product {
    Product { batch, inputs: step.input.channels, outputs: step.output.channels }
}

fn conv(step: &Step, batch: usize, threads: usize) -> Conv {
    let (large, small, (kernel, stride, padding, groups)) = match step.layer {
        Layer::Conv2d(conv) => {
            (step.input, step.output, (conv.kernel, conv.stride, conv.padding, conv.groups))
        }
        Layer::ConvTranspose2d(conv) => {
            (step.output, step.input, (conv.kernel, conv.stride, conv.padding, conv.groups))
        }
        _ => (step.input, step.output, (1, 1, 0, 1)),
    };
    Conv { batch, large, small, kernel, stride, padding, groups, threads }
}

fn groups(step: &Step) -> Groups {
    let channels = step.output.channels;
    match step.layer {
        Layer::GroupNorm { groups, epsilon } => {
            Groups { places: step.output.height * step.output.width, channels, groups, epsilon }
        }
        Layer::LayerNorm { epsilon } => Groups { places: 1, channels, groups: 1, epsilon },
        _ => Groups { places: 1, channels, groups: 1, epsilon: 1.0 },
    }
}

impl<E: Executor> At<'_, E> {
    fn windows(&self) -> Windows {
        let pool = match self.step.layer {
            Layer::AvgPool2d(pool) | Layer::MaxPool2d(pool) => pool,
            _ => super::Pool2d::new(1),
        };
        Windows { pool, input: self.step.input, output: self.step.output }
    }

    fn batch_norm(&self) -> Batch {
        match self.step.layer {
            Layer::BatchNorm { momentum, epsilon } => {
                Batch { channels: self.step.output.channels, momentum, epsilon }
            }
            _ => Batch { channels: self.step.output.channels, momentum: 0.0, epsilon: 1.0 },
        }
    }

    /// The weight by which the layer multiplies.
    fn weight<'b>(&'b self, fixed: &'b [f32]) -> &'b [f32] {
        if self.step.is_spectral() {
            fixed.get(..self.step.weight_len()).unwrap_or(&[])
        } else {
            self.step.split(self.step.params.of(self.params)).0
        }
    }
}
