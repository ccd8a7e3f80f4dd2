//! A list of layers: the shapes between them, and where their parameters and their state lie.

use super::layer::Layer;
use super::shape::Shape;
use super::tensors::{self, Tensor};
use super::{init, spectral};
use crate::error::{Error, Result};
use crate::simd::Level;
use heapless::Vec;

/// A part of a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub at: usize,
    pub len: usize,
}

impl Span {
    pub const fn end(self) -> usize {
        self.at.saturating_add(self.len)
    }

    /// The part of `all`; nothing where it is not inside.
    pub fn of<T>(self, all: &[T]) -> &[T] {
        all.get(self.at..).and_then(|rest| rest.get(..self.len)).unwrap_or(&[])
    }

    /// The part of `all`, to write.
    pub fn of_mut<T>(self, all: &mut [T]) -> &mut [T] {
        all.get_mut(self.at..).and_then(|rest| rest.get_mut(..self.len)).unwrap_or(&mut [])
    }
}

/// A layer with what is known about it from its place in the network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub layer: Layer,
    pub input: Shape,
    pub output: Shape,
    pub params: Span,
    pub state: Span,
}

/// A feed-forward network of at most `N` layers: a description without numbers, over buffers that the caller owns.
///
/// ```
/// use seedbed::nn::{Activation, Dense, Network, Shape};
///
/// let mut net = Network::<4>::new(Shape::flat(64))?;
/// net.push(Dense::new(32))?;
/// net.push(Activation::Relu)?;
/// net.push(Dense::new(10))?;
/// assert_eq!(net.param_len(), 64 * 32 + 32 + 32 * 10 + 10);
/// assert_eq!(net.state_len(), 0);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Network<const N: usize> {
    input: Shape,
    steps: Vec<Step, N>,
}

impl<const N: usize> Network<N> {
    /// A network without layers, whose output is its input.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an empty shape, [`Error::Overflow`] for one that is too large.
    pub fn new(input: Shape) -> Result<Self> {
        if input.is_empty() {
            return Err(Error::InvalidArgument);
        }
        input.len()?;
        Ok(Self { input, steps: Vec::new() })
    }

    /// Adds a layer at the end.
    ///
    /// # Errors
    /// As [`Layer::output`]; [`Error::CapacityExceeded`] for more than `N` layers; [`Error::Unsupported`] for an embedding
    /// behind other layers; [`Error::Overflow`].
    pub fn push(&mut self, layer: impl Into<Layer>) -> Result<()> {
        let (layer, input) = (layer.into(), self.output());
        // Its indices are checked before anything is computed.
        if matches!(layer, Layer::Embedding { .. }) && !self.steps.is_empty() {
            return Err(Error::Unsupported);
        }
        let output = layer.output(input)?;
        output.len()?;
        let after = |at: usize, len: usize| {
            at.checked_add(len).ok_or(Error::Overflow)?;
            Ok(Span { at, len })
        };
        let params = after(self.param_len(), tensors::total(&tensors::params(layer, input, output))?)?;
        let state = after(self.state_len(), tensors::total(&tensors::state(layer, input, output))?)?;
        let step = Step { layer, input, output, params, state };
        self.steps.push(step).map_err(|_| Error::CapacityExceeded)
    }

    /// The shape of a sample that goes in.
    pub const fn input(&self) -> Shape {
        self.input
    }

    /// The shape of a sample that comes out.
    pub fn output(&self) -> Shape {
        self.steps.last().map_or(self.input, |s| s.output)
    }

    /// The layers, each with the shape of a sample that comes out of it.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = (Layer, Shape)> + '_ {
        self.steps.iter().map(|s| (s.layer, s.output))
    }

    /// Parameters.
    pub fn param_len(&self) -> usize {
        self.steps.last().map_or(0, |s| s.params.end())
    }

    /// Values of the state: what training passes follow beside the parameters, such as running means.
    pub fn state_len(&self) -> usize {
        self.steps.last().map_or(0, |s| s.state.end())
    }

    /// Where the parameters of layer `i` begin: behind those of the layers before it.
    pub fn params_before(&self, i: usize) -> usize {
        self.steps.get(i).map_or(self.param_len(), |s| s.params.at)
    }

    /// The tensors in the order in which they lie in the slice of parameters.
    pub fn tensors(&self) -> impl Iterator<Item = Tensor> + '_ {
        self.steps
            .iter()
            .enumerate()
            .flat_map(|(i, s)| tensors::placed(tensors::params(s.layer, s.input, s.output), i, s.params.at))
    }

    /// The tensors in the order in which they lie in the slice of the state.
    pub fn state_tensors(&self) -> impl Iterator<Item = Tensor> + '_ {
        self.steps
            .iter()
            .enumerate()
            .flat_map(|(i, s)| tensors::placed(tensors::state(s.layer, s.input, s.output), i, s.state.at))
    }

    /// PyTorch's initial values; see [`super::Start`]. Each tensor has a stream of its own, `first_op` + its number
    /// (modulo 2³²), so that networks of one model take different ranges of `first_op`.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `params` has not [`Network::param_len`] values.
    pub fn init(&self, seed: u64, first_op: u32, params: &mut [f32]) -> Result<()> {
        if params.len() != self.param_len() {
            return Err(Error::ShapeMismatch);
        }
        for (i, tensor) in (0u32..).zip(self.tensors()) {
            init::fill(&tensor, seed, first_op.wrapping_add(i), params);
        }
        Ok(())
    }

    /// The state before the first pass: running means 0, variances 1; the vectors of a spectral norm drawn, with streams
    /// after those of the parameters, and brought near those of `params` by fifteen steps of power iteration as PyTorch
    /// does it.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a slice has not [`Network::param_len`] and [`Network::state_len`] values.
    pub fn init_state(&self, seed: u64, first_op: u32, params: &[f32], state: &mut [f32]) -> Result<()> {
        if params.len() != self.param_len() || state.len() != self.state_len() {
            return Err(Error::ShapeMismatch);
        }
        let first_op = first_op.wrapping_add(self.tensors().count() as u32);
        for (i, tensor) in (0u32..).zip(self.state_tensors()) {
            init::fill(&tensor, seed, first_op.wrapping_add(i), state);
        }
        for step in &self.steps {
            spectral::settle(step, params, state);
        }
        Ok(())
    }

    /// What the weight of layer `i` is divided by in use: the norm σ of a spectral normalisation, by the vectors of `state`;
    /// `None` for a layer without one. A slice that is too short counts as zeros.
    pub fn spectral_norm(&self, i: usize, params: &[f32], state: &[f32]) -> Option<f32> {
        let step = self.steps.get(i).filter(|step| step.is_spectral())?;
        Some(spectral::sigma(Level::BASE, step, params, state))
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }
}
