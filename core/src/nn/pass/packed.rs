//! Weights laid out as products read them, for a model that runs on few samples at a time.

use super::forward::{Ahead, State, unwatched};
use super::{Model, conv, product};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::nn::layer::Layer;
use crate::nn::network::Step;
use crate::nn::plan::Plan;
use crate::nn::workspace::Workspace;
use crate::nn::{Engine, spectral};
use crate::scratch::Scratch;
use crate::simd::Level;

/// A model whose weights are besides laid out as products read them; see [`Plan::pack`].
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    model: Model<'a>,
    panels: &'a [f32],
}

impl<const N: usize> Plan<N> {
    /// Values that [`Plan::pack`] takes.
    pub fn packed_len(&self) -> usize {
        self.net.steps().iter().map(panels_len).fold(0, usize::saturating_add)
    }

    /// Lays the weights out as [`Plan::infer_packed`] reads them, in memory of [`Plan::packed_len`] values: worth it where a
    /// model runs on few samples at a time, which are otherwise outweighed by the reading of weights against their grain.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit.
    pub fn pack<'a>(&self, model: Model<'a>, memory: &'a mut [f32]) -> Result<Packed<'a>> {
        let fits = model.params.len() == self.net.param_len() && model.state.len() == self.net.state_len();
        if !fits || memory.len() != self.packed_len() {
            return Err(Error::ShapeMismatch);
        }
        let mut rest = &mut *memory;
        for step in self.net.steps() {
            let own = rest.split_off_mut(..panels_len(step)).unwrap_or(&mut []);
            let weight = step.split(step.params.of(model.params)).0;
            match step.layer {
                Layer::Dense(_) => product(step, 1).pack(weight, own),
                Layer::Conv2d(_) => conv(step, 1, 1).pack_small(weight, own),
                Layer::ConvTranspose2d(_) => conv(step, 1, 1).pack_large(weight, own),
                _ => {}
            }
            if step.is_spectral() {
                let sigma = spectral::sigma(Level::BASE, step, model.params, model.state);
                own.iter_mut().for_each(|w| *w /= sigma);
            }
        }
        Ok(Packed { model, panels: memory })
    }

    /// [`Plan::infer`] of a model whose weights are packed by a plan of the same network, with the same bits.
    ///
    /// # Errors
    /// As [`Plan::infer`].
    pub fn infer_packed<E: Executor>(
        &self,
        on: Engine<'_, E>,
        packed: Packed<'_>,
        x: &[f32],
        work: &mut Workspace<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let Packed { model: Model { params, state }, panels } = packed;
        if panels.len() != self.packed_len() {
            return Err(Error::ShapeMismatch);
        }
        let pass = Ahead { params, state: State::Read(state), panels: Some(panels), x, draws: None };
        self.ahead(on, pass, work, unwatched, scratch)
    }
}

/// Values of a layer's weights in panels.
pub(super) fn panels_len(step: &Step) -> usize {
    match step.layer {
        Layer::Dense(_) => product(step, 1).packed_len(),
        Layer::Conv2d(_) => conv(step, 1, 1).small_packed_len(),
        Layer::ConvTranspose2d(_) => conv(step, 1, 1).large_packed_len(),
        _ => 0,
    }
}
