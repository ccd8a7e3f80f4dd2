//! Trained networks in 8-bit whole numbers, for encoders, decoders and generators in use.
//!
//! A [`QuantPlan`] tells the stages that a network has in whole numbers: dense layers and (transposed) convolutions, each with
//! the batch normalisation and the function behind it; what goes elsewhere or is pooled stays in bytes. A [`Calibration`] finds
//! which ranges values lie in on data, [`QuantPlan::quantise`] rounds the parameters, and [`QuantPlan::infer`] runs.
//!
//! # Numbers
//! * Values are bytes from 0 to 255 in the 255 steps of their range, which is one for each place where they are rounded, and
//!   holds 0: v is the byte v · (1 / step) + zero, rounded to the nearest, ties to even. After a ReLU the byte of 0 is 0, and no
//!   step is lost to what never comes up; signed values have it in the middle. So a range need not be symmetric, which costs
//!   nothing: what the byte of 0 adds to a sum is known before.
//! * Weights are −127 to 127 with a scale for each output channel. Sums of 32 bits start from a bias in whole numbers.
//! * A sum s becomes (s · scale of the channel) · (step of the input · (1 / step of the output)) in single precision, rounded
//!   after each operation; what is below 0 is multiplied by the slope of a leaky ReLU; then it is rounded to a byte as above.
//!   Another function is of the number itself, before it is rounded.
//! * The last product's outputs stay numbers, s · scale · step of the input, and so does all behind them: logits keep what
//!   32 bits told of them.
//!
//! Whole numbers add up to the same in any order, and the rest is the arithmetic of all processors: the bits are the same at
//! every level, on any number of threads, and by weights in either layout.
//!
//! # Memory
//! A [`Quantised`] model is four flat slices; a device may have its weights in flash and run by them where they lie
//! ([`QuantPlan::infer`]). A host lays them out in panels ([`QuantPlan::pack`]), which runs faster
//! ([`QuantPlan::infer_packed`]).
//!
//! Layer and group normalisation, softmax and embeddings are not served, nor networks without a product. The scheme is that of
//! Jacob et al. 2018 with scales for channels (Krishnamoorthi 2018) and multipliers in single precision.
//!
//! ```
//! use seedbed::exec::Serial;
//! use seedbed::nn::int8::{Comparison, QuantPlan, QuantisedMut};
//! use seedbed::nn::{Activation, Dense, Engine, Mode, Model, Network, Shape};
//! use seedbed::{Level, Scratch};
//!
//! let mut net = Network::<3>::new(Shape::flat(4))?;
//! net.push(Dense::new(16))?;
//! net.push(Activation::Relu)?;
//! net.push(Dense::new(2))?;
//! let mut params = vec![0.0; net.param_len()];
//! net.init(1, 0, &mut params)?;
//! let model = Model { params: &params, state: &[] };
//! let x: Vec<f32> = (0..400).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
//! let on = Engine { level: Level::detect(), exec: &Serial };
//!
//! // What values come up.
//! let plan = QuantPlan::new(&net)?;
//! let mut ranges = vec![0.0; plan.range_len()];
//! let mut memory = vec![0; plan.observe_scratch_len(100)?];
//! plan.calibration(&mut ranges)?.observe(on, model, &x, &mut Scratch::new(&mut memory))?;
//!
//! let (mut weights, mut scales) = (vec![0; plan.weight_len()], vec![0.0; plan.scale_len()]);
//! let mut biases = vec![0; plan.bias_len()];
//! let to = QuantisedMut { weights: &mut weights, scales: &mut scales, biases: &mut biases };
//! let whole = plan.quantise(model, &ranges, to)?;
//!
//! let mut out = [0.0; 200];
//! let mut memory = vec![0; plan.scratch_len(100)];
//! plan.infer(on, whole, &x, &mut out, &mut Scratch::new(&mut memory))?;
//!
//! // Faster, with the same bits.
//! let mut panels = vec![0; plan.panel_len()];
//! let packed = plan.pack(whole, &mut panels)?;
//! let (mut same, mut memory) = ([0.0; 200], vec![0; plan.packed_scratch_len(100)]);
//! plan.infer_packed(on, packed, &x, &mut same, &mut Scratch::new(&mut memory))?;
//! assert_eq!(out, same);
//!
//! // How much is lost.
//! let exact = net.plan(Mode::Inference)?;
//! let mut memory = vec![0; exact.workspace_len(100)];
//! let mut scratch = Scratch::new(&mut memory);
//! let mut work = exact.workspace(100, &mut scratch)?;
//! exact.infer(on, model, &x, &mut work, &mut scratch)?;
//! let mut comparison = Comparison::default();
//! comparison.add(exact.result(&work), &out)?;
//! assert!(comparison.decibels() > 35.0);
//! # Ok::<(), seedbed::Error>(())
//! ```

mod calibrate;
mod comparison;
mod geometry;
mod infer;
mod moves;
mod packed;
mod panels;
mod parts;
mod plain;
mod quantise;
mod stages;
mod steps;
mod tiles;

pub use calibrate::{BINS, Calibration, Magnitudes};
pub use comparison::Comparison;
pub use parts::{Part, PartRole};

use super::network::Network;
use crate::error::{Error, Result};
use stages::{Kind, Stages};
use steps::Steps;

/// A network with the stages that it has in whole numbers: a description without numbers.
#[derive(Clone, Debug)]
pub struct QuantPlan<const N: usize> {
    net: Network<N>,
    stages: Stages<N>,
}

/// A model in whole numbers: all that a pass reads, in flat slices that the caller owns; see [`QuantPlan::quantise`].
#[derive(Clone, Copy, Debug)]
pub struct Quantised<'a> {
    /// [`QuantPlan::range_len`] values: the lowest and the highest at each place where values become bytes.
    pub ranges: &'a [f32],
    /// [`QuantPlan::weight_len`] weights, laid out as the network's own.
    pub weights: &'a [i8],
    /// [`QuantPlan::scale_len`] scales of the weights' output channels.
    pub scales: &'a [f32],
    /// [`QuantPlan::bias_len`] biases.
    pub biases: &'a [i32],
}

/// Where [`QuantPlan::quantise`] writes.
#[derive(Debug)]
pub struct QuantisedMut<'a> {
    /// [`QuantPlan::weight_len`] weights.
    pub weights: &'a mut [i8],
    /// [`QuantPlan::scale_len`] scales.
    pub scales: &'a mut [f32],
    /// [`QuantPlan::bias_len`] biases.
    pub biases: &'a mut [i32],
}

/// A model whose weights are besides laid out as products read them; see [`QuantPlan::pack`].
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    model: Quantised<'a>,
    panels: &'a [i8],
}

impl Quantised<'_> {
    fn range(&self, i: usize) -> [f32; 2] {
        range(self.ranges, i)
    }
}

/// The `i`th range.
fn range(ranges: &[f32], i: usize) -> [f32; 2] {
    ranges.as_chunks::<2>().0.get(i).copied().unwrap_or_default()
}

impl<const N: usize> QuantPlan<N> {
    /// The stages of a network.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a layer that is not served, or no product; [`Error::Overflow`] for a product of more than 2²²
    /// terms for each output, or what cannot be counted.
    pub fn new(net: &Network<N>) -> Result<Self> {
        Ok(Self { net: net.clone(), stages: Stages::of(net)? })
    }

    /// The network.
    pub const fn network(&self) -> &Network<N> {
        &self.net
    }

    /// Values of the ranges: two for each place where values become bytes.
    pub fn range_len(&self) -> usize {
        self.stages.ranges.saturating_mul(2)
    }

    /// Weights of all layers.
    pub fn weight_len(&self) -> usize {
        self.stages.all.last().map_or(0, |stage| stage.weights.end())
    }

    /// Scales of all layers.
    pub fn scale_len(&self) -> usize {
        self.stages.all.last().map_or(0, |stage| stage.scales.end())
    }

    /// Biases of all layers.
    pub fn bias_len(&self) -> usize {
        self.stages.all.last().map_or(0, |stage| stage.biases.end())
    }

    /// Bytes that [`QuantPlan::pack`] takes.
    pub fn panel_len(&self) -> usize {
        self.stages.all.last().map_or(0, |stage| stage.panels.end())
    }

    /// Lays the weights out as [`QuantPlan::infer_packed`] reads them, in memory of [`QuantPlan::panel_len`] bytes: weights in
    /// panels, with what sums start from, which is in the order of bytes of this machine.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit; as [`QuantPlan::infer`] for ranges.
    pub fn pack<'a>(&self, model: Quantised<'a>, memory: &'a mut [i8]) -> Result<Packed<'a>> {
        self.check_model(model)?;
        if memory.len() != self.panel_len() {
            return Err(Error::ShapeMismatch);
        }
        let mut range = 0;
        for stage in &self.stages.all {
            let zero = i32::from(Steps::of(model.range(range))?.zero_byte());
            if let Kind::Product(product) = stage.kind {
                let (weights, biases) = (stage.weights.of(model.weights), stage.biases.of(model.biases));
                product.pack(zero, weights, biases, stage.panels.of_mut(memory));
            }
            range = stage.range;
        }
        Ok(Packed { model, panels: memory })
    }

    /// Refuses a model of another plan, and ranges that are none.
    fn check_model(&self, model: Quantised<'_>) -> Result<()> {
        let fits = model.ranges.len() == self.range_len()
            && model.weights.len() == self.weight_len()
            && model.scales.len() == self.scale_len()
            && model.biases.len() == self.bias_len();
        if !fits {
            return Err(Error::ShapeMismatch);
        }
        (0..self.stages.ranges).try_for_each(|i| Steps::of(model.range(i)).map(|_| ()))
    }
}

#[cfg(test)]
mod tests;
