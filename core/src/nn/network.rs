//! A list of layers compiled to a plan: where each one's parameters and activations lie.

use super::conv::{GROUP_VALUES, Windows, swap_inner};
use super::dense::{Dense, column_sums};
use super::init::uniform_by_fan_in;
use super::tensors::{Role, Tensor};
use super::{Engine, Layer, Shape, rows};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::scratch::{Scratch, ScratchLen};
use heapless::Vec;

/// A layer with what the plan knows about it.
#[derive(Clone, Copy, Debug)]
struct Step {
    layer: Layer,
    input: Shape,
    output: Shape,
    /// Where its parameters start, and how many there are.
    params: (usize, usize),
    /// Where its output starts, counted for one sample.
    activation: usize,
    /// The output replaces the output of the layer before it.
    in_place: bool,
}

/// A feed-forward network of at most `N` layers: a plan over buffers that the caller owns.
///
/// ```
/// use seedbed::nn::{Activation, Layer, Network, Shape};
///
/// let mut net = Network::<4>::new(Shape::flat(64))?;
/// for layer in [Layer::Dense { outputs: 32 }, Layer::Activation(Activation::Relu), Layer::Dense { outputs: 10 }] {
///     net.push(layer)?;
/// }
/// assert_eq!(net.param_len(), 64 * 32 + 32 + 32 * 10 + 10);
/// assert_eq!(net.activation_len(8)?, 8 * (32 + 10));
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Network<const N: usize> {
    input: Shape,
    steps: Vec<Step, N>,
    param_len: usize,
    /// Activations of one sample.
    per_sample: usize,
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
        Ok(Self { input, steps: Vec::new(), param_len: 0, per_sample: 0 })
    }

    /// Adds a layer at the end.
    ///
    /// # Errors
    /// As [`Layer::output`]; [`Error::CapacityExceeded`] for more than `N` layers; [`Error::Overflow`].
    pub fn push(&mut self, layer: Layer) -> Result<()> {
        let input = self.output();
        let output = layer.output(input)?;
        let out_len = output.len()?;
        let follows_sum = self.steps.last().is_some_and(|s| {
            matches!(s.layer, Layer::Dense { .. } | Layer::Conv2d { .. } | Layer::ConvTranspose2d { .. })
        });
        let in_place = follows_sum && matches!(layer, Layer::Activation(a) if a.by_output());
        let activation = match self.steps.last() {
            Some(last) if in_place => last.activation,
            _ => self.per_sample,
        };
        let params = tensor_lens(layer, input, output).ok_or(Error::Overflow)?;
        let params = params.0.checked_add(params.1).ok_or(Error::Overflow)?;
        let step = Step { layer, input, output, params: (self.param_len, params), activation, in_place };
        let param_len = self.param_len.checked_add(params).ok_or(Error::Overflow)?;
        let per_sample = activation.checked_add(out_len).ok_or(Error::Overflow)?;
        self.steps.push(step).map_err(|_| Error::CapacityExceeded)?;
        (self.param_len, self.per_sample) = (param_len, per_sample);
        Ok(())
    }

    /// The shape of a sample that goes in.
    pub const fn input(&self) -> Shape {
        self.input
    }

    /// The shape of a sample that comes out.
    pub fn output(&self) -> Shape {
        self.steps.last().map_or(self.input, |s| s.output)
    }

    /// Parameters, and so the length of a gradient.
    pub const fn param_len(&self) -> usize {
        self.param_len
    }

    /// Values that [`Network::forward`] keeps for a batch.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn activation_len(&self, batch: usize) -> Result<usize> {
        self.per_sample.checked_mul(batch).ok_or(Error::Overflow)
    }

    /// Bytes of scratch that [`Network::forward`] takes for a batch of at most `batch`.
    pub fn forward_scratch_len(&self, batch: usize) -> usize {
        self.steps.iter().map(|s| s.scratch_len(batch)).max().unwrap_or(0)
    }

    /// Bytes of scratch that [`Network::backward`] takes for a batch of at most `batch`, with the gradient by the
    /// input (`dx`) or without it.
    pub fn backward_scratch_len(&self, batch: usize, dx: bool) -> usize {
        let widest = self.widest(dx).saturating_mul(batch);
        let inside = self.forward_scratch_len(batch);
        ScratchLen::new().with::<f32>(widest).with::<f32>(widest).with_bytes(inside).bytes()
    }

    /// Values of the widest gradient by the input of a layer that is computed.
    fn widest(&self, dx: bool) -> usize {
        let flows = self.steps.iter().enumerate().filter(|&(i, s)| s.moves() && self.flows_on(i, dx));
        flows.filter_map(|(_, s)| s.input.len().ok()).max().unwrap_or(0)
    }

    /// Whether somebody asks for the gradient by the input of layer `i`: the caller, or an earlier layer that has
    /// parameters.
    fn flows_on(&self, i: usize, dx: bool) -> bool {
        dx || self.steps.iter().take(i).any(|s| s.params.1 > 0)
    }

    /// The tensors in the order in which they lie in the parameter slice.
    pub fn tensors(&self) -> impl Iterator<Item = Tensor> + '_ {
        self.steps.iter().enumerate().flat_map(|(i, s)| s.tensors(i)).flatten()
    }

    /// PyTorch's initial values: weights and biases uniform in ±1/√fan_in. Each tensor has a stream of its
    /// own, `first_op` + its number (modulo 2³²), so that networks of one model take different ranges of `first_op`.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `params` has not [`Network::param_len`] values.
    pub fn init(&self, seed: u64, first_op: u32, params: &mut [f32]) -> Result<()> {
        if params.len() != self.param_len {
            return Err(Error::ShapeMismatch);
        }
        for (i, tensor) in (0u32..).zip(self.tensors()) {
            let values = params.get_mut(tensor.offset..tensor.offset + tensor.len()).unwrap_or(&mut []);
            uniform_by_fan_in(tensor.fan_in, seed, first_op.wrapping_add(i), values);
        }
        Ok(())
    }

    /// The output of the last layer within what [`Network::forward`] left in `activations`; empty for a
    /// network without layers.
    pub fn result<'a>(&self, batch: usize, activations: &'a [f32]) -> &'a [f32] {
        let last = self.steps.last().map_or(0, |s| s.activation);
        let end = self.per_sample.saturating_mul(batch);
        activations.get(last.saturating_mul(batch)..end).unwrap_or(&[])
    }

    /// Runs a batch `x` of rows through the layers and keeps in `activations` what [`Network::backward`]
    /// needs; [`Network::result`] finds the output there.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit (`activations` may be longer),
    /// [`Error::ScratchTooSmall`]. Nothing is written then.
    pub fn forward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [params, x]: [&[f32]; 2],
        activations: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let batch = self.check(params, x, activations.len())?;
        if scratch.remaining() < self.forward_scratch_len(batch) {
            return Err(Error::ScratchTooSmall);
        }
        for (i, step) in self.steps.iter().enumerate() {
            let (before, own) = activations
                .split_at_mut_checked(step.activation.saturating_mul(batch))
                .ok_or(Error::ShapeMismatch)?;
            let own = own.get_mut(..step.output.len()? * batch).ok_or(Error::ShapeMismatch)?;
            let input = self.input_of(i, batch, x, before)?;
            step.forward(on, batch, [step.own(params), input], own, &mut scratch.frame())?;
        }
        Ok(())
    }

    /// The gradients of a loss by the parameters (written over `grads`, or not computed for `None`) and by
    /// the input (`dx`, or not computed), from `dy`, the gradient by the output, which is used up.
    /// `params`, `x` and `activations` are those of the [`Network::forward`] before it.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn backward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [params, x, activations]: [&[f32]; 3],
        dy: &mut [f32],
        (grads, dx): (Option<&mut [f32]>, Option<&mut [f32]>),
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let batch = self.check(params, x, activations.len())?;
        let grads_fit = grads.as_ref().is_none_or(|g| g.len() == self.param_len);
        let dx_fits = dx.as_ref().is_none_or(|d| d.len() == x.len());
        if !(grads_fit && dx_fits && dy.len() == self.output().len()? * batch) {
            return Err(Error::ShapeMismatch);
        }
        let wants_dx = dx.is_some();
        if scratch.remaining() < self.backward_scratch_len(batch, wants_dx) {
            return Err(Error::ScratchTooSmall);
        }
        let widest = self.widest(wants_dx).saturating_mul(batch);
        let mut next = scratch.take::<f32>(widest)?;
        let mut spare = Some(scratch.take::<f32>(widest)?);
        let mut current: &mut [f32] = dy;
        let mut grads = grads;
        for (i, step) in self.steps.iter().enumerate().rev() {
            let input = self.input_of(i, batch, x, activations)?;
            let flowing = current.get_mut(..step.output.len()? * batch).ok_or(Error::ShapeMismatch)?;
            if let Layer::Activation(activation) = step.layer {
                let output = self.output_of(step, batch, activations)?;
                activation.chain(on, if activation.by_output() { output } else { input }, flowing);
                continue;
            }
            if let Some(grads) = grads.as_deref_mut() {
                let (start, len) = step.params;
                let own = grads.get_mut(start..start + len).ok_or(Error::ShapeMismatch)?;
                step.gradients(on, batch, [input, flowing], own, &mut scratch.frame())?;
            }
            if !self.flows_on(i, wants_dx) {
                return Ok(());
            }
            let onwards = next.get_mut(..input.len()).ok_or(Error::ShapeMismatch)?;
            step.backward(on, batch, [step.own(params), flowing], onwards, &mut scratch.frame())?;
            let freed = core::mem::replace(&mut current, next);
            next = spare.take().unwrap_or(freed);
        }
        if let Some(dx) = dx {
            rows::copy(current, dx);
        }
        Ok(())
    }

    /// The size of the batch, where everything fits.
    fn check(&self, params: &[f32], x: &[f32], activations: usize) -> Result<usize> {
        let sample = self.input.len()?;
        let batch = rows::count(x.len(), sample)?;
        if params.len() != self.param_len || activations < self.activation_len(batch)? {
            return Err(Error::ShapeMismatch);
        }
        Ok(batch)
    }

    /// What layer `i` reads.
    fn input_of<'a>(
        &self,
        i: usize,
        batch: usize,
        x: &'a [f32],
        activations: &'a [f32],
    ) -> Result<&'a [f32]> {
        match i.checked_sub(1).and_then(|before| self.steps.get(before)) {
            // An in-place layer finds its input where its output goes, not in front of it.
            Some(_) if self.steps.get(i).is_some_and(|s| s.in_place) => Ok(&[]),
            Some(before) => self.output_of(before, batch, activations),
            None => Ok(x),
        }
    }

    fn output_of<'a>(&self, step: &Step, batch: usize, activations: &'a [f32]) -> Result<&'a [f32]> {
        let start = step.activation.checked_mul(batch).ok_or(Error::Overflow)?;
        let len = step.output.len()?.checked_mul(batch).ok_or(Error::Overflow)?;
        activations.get(start..).and_then(|a| a.get(..len)).ok_or(Error::ShapeMismatch)
    }
}

/// Values of the weight and of the bias of a layer.
fn tensor_lens(layer: Layer, input: Shape, output: Shape) -> Option<(usize, usize)> {
    let area = |kernel: usize| kernel.checked_mul(kernel);
    let joined = input.channels.checked_mul(output.channels)?;
    match layer {
        Layer::Dense { outputs } => Some((joined, outputs)),
        Layer::Conv2d { channels, kernel, .. } | Layer::ConvTranspose2d { channels, kernel, .. } => {
            Some((joined.checked_mul(area(kernel)?)?, channels))
        }
        Layer::Flatten | Layer::Unflatten(_) | Layer::Activation(_) => Some((0, 0)),
    }
}

/// The arithmetic of one layer, dispatched.
enum Sum {
    Dense(Dense),
    /// A convolution.
    Down(Windows),
    /// A transposed convolution.
    Up(Windows),
    /// No parameters.
    None,
}

impl Step {
    fn own<'a>(&self, params: &'a [f32]) -> &'a [f32] {
        let (start, len) = self.params;
        params.get(start..).and_then(|p| p.get(..len)).unwrap_or(&[])
    }

    /// Whether the gradient by its input is another buffer than that by its output.
    const fn moves(&self) -> bool {
        !matches!(self.layer, Layer::Activation(_))
    }

    fn sum(&self, batch: usize) -> Sum {
        let (inputs, outputs) = (self.input.channels, self.output.channels);
        match self.layer {
            Layer::Dense { .. } => Sum::Dense(Dense { batch, inputs, outputs }),
            Layer::Conv2d { kernel, stride, padding, .. } => {
                let (large, small) = (self.input, self.output);
                Sum::Down(Windows { batch, large, small, kernel, stride, padding, most: GROUP_VALUES })
            }
            Layer::ConvTranspose2d { kernel, stride, padding, .. } => {
                let (large, small) = (self.output, self.input);
                Sum::Up(Windows { batch, large, small, kernel, stride, padding, most: GROUP_VALUES })
            }
            Layer::Flatten | Layer::Unflatten(_) | Layer::Activation(_) => Sum::None,
        }
    }

    fn scratch_len(&self, batch: usize) -> usize {
        match self.sum(batch) {
            Sum::Dense(dense) => dense.scratch_len(),
            Sum::Down(windows) | Sum::Up(windows) => windows.scratch_len(),
            Sum::None => 0,
        }
    }

    fn tensors(&self, layer: usize) -> [Option<Tensor>; 2] {
        let (cin, cout) = (self.input.channels, self.output.channels);
        let (sizes, rank, fan_in) = match self.layer {
            Layer::Dense { .. } => ([cout, cin, 1, 1], 2, cin),
            Layer::Conv2d { kernel: k, .. } => ([cout, cin, k, k], 4, cin * k * k),
            // PyTorch takes the second size of the weight for the inputs here too.
            Layer::ConvTranspose2d { kernel: k, .. } => ([cin, cout, k, k], 4, cout * k * k),
            Layer::Flatten | Layer::Unflatten(_) | Layer::Activation(_) => return [None, None],
        };
        let (offset, len) = self.params;
        let weight = Tensor { layer, role: Role::Weight, offset, sizes, rank, fan_in };
        let bias = Tensor {
            role: Role::Bias,
            offset: offset + len - cout,
            sizes: [cout, 1, 1, 1],
            rank: 1,
            ..weight
        };
        [Some(weight), Some(bias)]
    }

    /// The weight and the bias within the parameters of this layer.
    fn split<'a>(&self, own: &'a [f32]) -> (&'a [f32], &'a [f32]) {
        own.split_at_checked(own.len().saturating_sub(self.output.channels)).unwrap_or_default()
    }

    fn forward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        batch: usize,
        [own, x]: [&[f32]; 2],
        y: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (weight, bias) = self.split(own);
        match self.sum(batch) {
            Sum::Dense(dense) => dense.forward(on, [weight, bias, x], y, scratch),
            Sum::Down(windows) => windows.small_from_large(on, [weight, x], Some(bias), y, scratch),
            Sum::Up(windows) => windows.large_from_small(on, [weight, x], Some(bias), y, scratch),
            Sum::None => {
                match self.layer {
                    Layer::Activation(activation) => {
                        if !self.in_place {
                            rows::copy(x, y);
                        }
                        activation.apply(on, y);
                    }
                    Layer::Unflatten(_) => interleave(on, self.output, x, y),
                    _ => separate(on, self.input, x, y),
                }
                Ok(())
            }
        }
    }

    fn gradients<E: Executor>(
        &self,
        on: Engine<'_, E>,
        batch: usize,
        [x, dy]: [&[f32]; 2],
        own: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let weights = own.len().saturating_sub(self.output.channels);
        let (weight, bias) = own.split_at_mut_checked(weights).unwrap_or_default();
        match self.sum(batch) {
            Sum::Dense(dense) => dense.gradients(on, [x, dy], [weight, bias], scratch),
            Sum::Down(windows) => {
                column_sums(on, dy, bias);
                windows.weight_gradient(on, [x, dy], weight, scratch)
            }
            Sum::Up(windows) => {
                column_sums(on, dy, bias);
                windows.weight_gradient(on, [dy, x], weight, scratch)
            }
            Sum::None => Ok(()),
        }
    }

    fn backward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        batch: usize,
        [own, dy]: [&[f32]; 2],
        dx: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (weight, _) = self.split(own);
        match self.sum(batch) {
            Sum::Dense(dense) => dense.backward(on, [weight, dy], dx, scratch),
            Sum::Down(windows) => windows.large_from_small(on, [weight, dy], None, dx, scratch),
            Sum::Up(windows) => windows.small_from_large(on, [weight, dy], None, dx, scratch),
            Sum::None => {
                match self.layer {
                    Layer::Unflatten(_) => separate(on, self.output, dy, dx),
                    _ => interleave(on, self.input, dy, dx),
                }
                Ok(())
            }
        }
    }
}

/// Channels, height, width to height, width, channels, sample by sample.
fn interleave<E: Executor>(on: Engine<'_, E>, shape: Shape, from: &[f32], to: &mut [f32]) {
    reorder(on, shape.channels, shape.height * shape.width, from, to);
}

/// Height, width, channels to channels, height, width, sample by sample.
fn separate<E: Executor>(on: Engine<'_, E>, shape: Shape, from: &[f32], to: &mut [f32]) {
    reorder(on, shape.height * shape.width, shape.channels, from, to);
}

/// `[batch, a, b]` to `[batch, b, a]`.
fn reorder<E: Executor>(on: Engine<'_, E>, a: usize, b: usize, from: &[f32], to: &mut [f32]) {
    let block = (a * b).max(1);
    on.exec.for_each_chunk(to, block, |i, to| {
        let from = from.get(i * block..(i + 1) * block).unwrap_or(&[]);
        // The lengths agree: both are whole samples of the plan.
        let _ = swap_inner(from, a, b, to);
    });
}
