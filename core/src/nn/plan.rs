//! Where the values of a pass lie: a place for each output and each gradient in one buffer, in which things that are not
//! alive at the same time share memory.
//!
//! Moments are counted through a pass: layer i of n runs forward at moment i, the loss is computed at moment n, and
//! layer i runs backward at moment 2n − i. Each buffer is alive from the moment that writes it to the last that reads it.
//! All lengths are those of one sample: a batch takes that many times the memory, at that many times the place.

use super::layer::Layer;
use super::network::{Network, Span, Step};
use super::shape::Shape;
use crate::error::{Error, Result};
use heapless::Vec;

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Forward alone; layers that differ do as in use.
    Inference,
    /// Forward and backward.
    Training {
        /// Layers from the first on whose parameters stay as they are: neither their gradients nor what these would be made
        /// of are kept. In all else they train: batch normalisation goes by the batch and moves its running statistics,
        /// spectral norms follow, dropout drops, as frozen parameters in PyTorch do.
        frozen: usize,
        /// Whether the gradient by the input of the network is wanted.
        input_gradient: bool,
    },
}

impl Mode {
    /// Training of all layers, without the gradient by the input.
    pub const TRAINING: Self = Self::Training { frozen: 0, input_gradient: false };
}

/// What is computed of a layer on the way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Back {
    /// The gradients by its parameters.
    pub params: bool,
    /// The gradient by its input.
    pub input: bool,
}

/// Where the values of a layer lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its output.
    pub output: Span,
    /// The output lies where the input was.
    pub in_place: bool,
    /// The gradient by its output, where there is one.
    pub gradient: Span,
    /// The gradient by its input becomes what was that by its output.
    pub gradient_in_place: bool,
    /// What it keeps from forward to backward that does not grow with the batch.
    pub fixed: Span,
    pub back: Back,
    /// Whether the way back reads its input, and its output.
    pub keeps: Keeps,
}

/// What the way back of a layer reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Keeps {
    pub input: bool,
    pub output: bool,
}

/// A network with places for all that a pass computes; see [`Network::plan`].
#[derive(Clone, Debug)]
pub struct Plan<const N: usize> {
    pub(super) net: Network<N>,
    pub(super) mode: Mode,
    pub(super) places: Vec<Place, N>,
    /// Values of one sample.
    per_sample: usize,
    /// Values that do not grow with the batch.
    fixed: usize,
    pub(super) threads: usize,
}

impl<const N: usize> Network<N> {
    /// The places of all that a pass in this mode computes.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a network without layers, [`Error::Unsupported`] for a gradient by whole numbers,
    /// which those before an embedding are, [`Error::Overflow`].
    pub fn plan(&self, mode: Mode) -> Result<Plan<N>> {
        let steps = self.steps();
        let mut places: Vec<Place, N> = Vec::new();
        let first = first_backward(steps, mode);
        let mut fixed = 0usize;
        for (i, step) in steps.iter().enumerate() {
            let back = match mode {
                Mode::Training { frozen, input_gradient } if i >= first => {
                    Back { params: i >= frozen && step.params.len > 0, input: i > first || input_gradient }
                }
                _ => Back::default(),
            };
            if back.input && matches!(step.layer, Layer::Embedding { .. }) {
                return Err(Error::Unsupported);
            }
            let own = step.fixed_len(mode);
            let place = Place {
                output: Span { at: 0, len: step.output.len()? },
                in_place: false,
                gradient: Span { at: 0, len: if i >= first { step.output.len()? } else { 0 } },
                gradient_in_place: back.input && step.elementwise(),
                fixed: Span { at: fixed, len: own },
                back,
                keeps: step.keeps(back),
            };
            fixed = fixed.checked_add(own).ok_or(Error::Overflow)?;
            places.push(place).map_err(|_| Error::CapacityExceeded)?;
        }
        if places.is_empty() {
            return Err(Error::InvalidArgument);
        }
        share(steps, &mut places);
        let per_sample = arrange(&mut places)?;
        Ok(Plan { net: self.clone(), mode, places, per_sample, fixed, threads: 1 })
    }

    /// Bytes of memory to lend for passes over at most `batch` samples by one thread: [`Plan::workspace_len`] of a plan for
    /// [`Mode::Inference`] or [`Mode::TRAINING`].
    ///
    /// # Errors
    /// As [`Network::plan`].
    pub fn workspace_len(&self, batch: usize, training: bool) -> Result<usize> {
        Ok(self.plan(if training { Mode::TRAINING } else { Mode::Inference })?.workspace_len(batch))
    }
}

/// The first layer that runs backward.
fn first_backward(steps: &[Step], mode: Mode) -> usize {
    match mode {
        Mode::Inference => steps.len(),
        Mode::Training { input_gradient: true, .. } => 0,
        Mode::Training { frozen, .. } => {
            let trained = |(i, step): (usize, &Step)| i >= frozen && step.params.len > 0;
            steps.iter().enumerate().position(trained).unwrap_or(steps.len())
        }
    }
}

/// Lets outputs replace inputs where nobody reads these later.
fn share(steps: &[Step], places: &mut [Place]) {
    let mut before: Option<Keeps> = None;
    for (step, place) in steps.iter().zip(places) {
        if let Some(before) = before {
            place.in_place = step.elementwise() && !place.keeps.input && !before.output;
        }
        // What a layer that stands in the place of another keeps of its output, the other one must not overwrite either.
        before = Some(place.keeps);
    }
}

/// A buffer: of layer `i`, its output or its gradient, alive between two moments, both included.
#[derive(Clone, Copy)]
struct Buffer {
    i: usize,
    gradient: bool,
    len: usize,
    from: usize,
    to: usize,
    at: usize,
}

impl Buffer {
    const fn end(&self) -> usize {
        self.at.saturating_add(self.len)
    }
}

/// Gives each output and each gradient its place, the largest first, each as low as it goes (the greedy order of Pisarchyk,
/// Lee 2020). Returns the length of all.
fn arrange<const N: usize>(places: &mut Vec<Place, N>) -> Result<usize> {
    let mut done: [Vec<Buffer, N>; 2] = [Vec::new(), Vec::new()];
    let mut open: [Vec<Buffer, N>; 2] = [Vec::new(), Vec::new()];
    for (open, gradient) in open.iter_mut().zip([false, true]) {
        for i in 0..places.len() {
            if let Some(buffer) = buffer(places, i, gradient) {
                open.push(buffer).map_err(|_| Error::CapacityExceeded)?;
            }
        }
    }
    let mut total = 0;
    while let Some(mut next) = take_largest(&mut open) {
        next.at = lowest(&next, &done);
        total = next.at.checked_add(next.len).ok_or(Error::Overflow)?.max(total);
        let [outputs, gradients] = &mut done;
        let done = if next.gradient { gradients } else { outputs };
        done.push(next).map_err(|_| Error::CapacityExceeded)?;
    }
    for buffer in done.iter().flatten() {
        if let Some(place) = places.get_mut(buffer.i) {
            let span = if buffer.gradient { &mut place.gradient } else { &mut place.output };
            span.at = buffer.at;
        }
    }
    // Those that share lie where the first of them does.
    let mut output = 0;
    for place in places.iter_mut() {
        if place.in_place {
            place.output.at = output;
        }
        output = place.output.at;
    }
    let mut gradient = None;
    for place in places.iter_mut().rev() {
        if let Some(at) = gradient {
            place.gradient.at = at;
        }
        gradient = place.gradient_in_place.then_some(place.gradient.at);
    }
    Ok(total)
}

/// The buffer of layer `i`'s output or gradient, where it is not that of another layer.
fn buffer(places: &[Place], i: usize, gradient: bool) -> Option<Buffer> {
    let n = places.len();
    let place = places.get(i)?;
    let next = places.get(i + 1);
    if gradient {
        let shared = next.is_some_and(|next| next.gradient_in_place);
        if place.gradient.len == 0 || shared {
            return None;
        }
        // Down to the first layer that lies in its place.
        let in_place = places.get(..=i)?.iter().rev().take_while(|place| place.gradient_in_place).count();
        let from = if next.is_some() { 2 * n - i - 1 } else { n };
        let to = 2 * n - i.saturating_sub(in_place);
        return Some(Buffer { i, gradient, len: place.gradient.len, from, to, at: 0 });
    }
    if place.in_place {
        return None;
    }
    // Up to the last layer that lies in its place, and to what reads any of them.
    let mut to = i;
    for (j, place) in places.iter().enumerate().skip(i) {
        if j > i && !place.in_place {
            to = to.max(j);
            if place.keeps.input {
                to = to.max(2 * n - j);
            }
            break;
        }
        to = to.max(j);
        if place.keeps.output {
            to = to.max(2 * n - j);
        }
        if j + 1 == n {
            to = to.max(n);
        }
    }
    Some(Buffer { i, gradient, len: place.output.len, from: i, to, at: 0 })
}

/// Takes the largest out; of equal ones that which lives first.
fn take_largest<const N: usize>(open: &mut [Vec<Buffer, N>; 2]) -> Option<Buffer> {
    let mut best: Option<(usize, usize, Buffer)> = None;
    for (list, buffers) in open.iter().enumerate() {
        for (place, buffer) in buffers.iter().enumerate() {
            if best.as_ref().is_none_or(|(_, _, best)| {
                buffer.len > best.len || buffer.len == best.len && buffer.from < best.from
            }) {
                best = Some((list, place, *buffer));
            }
        }
    }
    let (list, place, buffer) = best?;
    let buffers = open.get_mut(list)?;
    // The order of what is left does not matter.
    let last = buffers.pop()?;
    if let Some(hole) = buffers.get_mut(place) {
        *hole = last;
    }
    Some(buffer)
}

/// The lowest place at which a buffer meets none that is alive while it is.
fn lowest<const N: usize>(next: &Buffer, done: &[Vec<Buffer, N>; 2]) -> usize {
    let mut at = 0usize;
    loop {
        let meets = |other: &&Buffer| {
            let alive = other.from <= next.to && next.from <= other.to;
            alive && other.at < at.saturating_add(next.len) && at < other.end()
        };
        match done.iter().flatten().find(meets) {
            Some(other) => at = other.end(),
            None => return at,
        }
    }
}

impl<const N: usize> Plan<N> {
    /// The same with work memory for so many threads, at least one; convolutions split a batch among no more.
    #[must_use]
    pub fn for_threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// The network.
    pub const fn network(&self) -> &Network<N> {
        &self.net
    }

    /// What the plan is for.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Where the parameters begin that have gradients: all before them are frozen.
    pub fn trained_from(&self) -> usize {
        match self.mode {
            Mode::Inference => self.net.param_len(),
            Mode::Training { frozen, .. } => self.net.params_before(frozen),
        }
    }

    /// Values of the gradients by the parameters.
    pub fn grad_len(&self) -> usize {
        self.net.param_len() - self.trained_from()
    }

    /// Values of a batch that live through a pass: outputs and gradients by them, in places that they share.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn value_len(&self, batch: usize) -> Result<usize> {
        self.per_sample.checked_mul(batch).ok_or(Error::Overflow)
    }

    /// Values that live through a pass and do not grow with the batch.
    pub const fn fixed_len(&self) -> usize {
        self.fixed
    }

    /// The output of a sample.
    pub fn output(&self) -> Shape {
        self.net.output()
    }
}
