//! Sizes of the networks of a model.

use crate::error::{Error, Result};
use crate::nn::{Activation, Layer, Network, Role, Shape, Tensor};

/// Layers that one network of a model holds at most, element functions and reshapes counted.
pub const MAX_LAYERS: usize = 12;

/// Hidden layers of one kind at most.
pub const MAX_HIDDEN: usize = 4;

/// Sizes of hidden layers, in the order of the encoder.
pub type Widths = heapless::Vec<usize, MAX_HIDDEN>;

/// A network of this module.
pub(super) type Net = Network<MAX_LAYERS>;

/// The hidden layers of an encoder; the decoder has them in reverse.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Arch {
    /// Channels of the convolutions (4 × 4, stride 2, padding 1: each halves the sides); none for an MLP.
    pub channels: Widths,
    /// Widths of the dense layers behind them.
    pub hidden: Widths,
    /// What follows each hidden layer.
    pub activation: Activation,
}

/// What the decoder's output says of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Likelihood {
    /// Logits of values in [0, 1].
    Bernoulli,
    /// Means of normal values with one fixed standard deviation.
    Gaussian {
        /// The standard deviation, above 0; 1/σ² must be positive and finite in single precision.
        sigma: f32,
    },
}

/// A tensor of a model, with the name of the network that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedTensor {
    /// The network: `stem`, `encoder`, `decoder`, `generator` or `discriminator`. The tensor's full name is
    /// network.layer.role, for example `encoder.0.weight`.
    pub network: &'static str,
    /// The tensor, its offset counted from the start of the model's parameters.
    pub tensor: Tensor,
}

impl NamedTensor {
    pub(super) fn all<'a>(
        network: &'static str,
        start: usize,
        net: &'a Net,
    ) -> impl Iterator<Item = Self> + use<'a> {
        net.tensors().map(move |t| Self { network, tensor: Tensor { offset: start + t.offset, ..t } })
    }

    /// `weight` or `bias`.
    pub const fn role(&self) -> Role {
        self.tensor.role
    }
}

const KERNEL: usize = 4;
const STRIDE: usize = 2;
const PADDING: usize = 1;

impl Arch {
    /// The convolutions and what flattens them; `None` where there are none.
    pub(super) fn stem(&self, input: Shape) -> Result<Option<Net>> {
        if self.channels.is_empty() {
            return Ok(None);
        }
        let mut net = Net::new(input)?;
        for &channels in &self.channels {
            let before = net.output();
            // The way back has one output padding for both sides.
            if before.height % 2 != before.width % 2 {
                return Err(Error::Unsupported);
            }
            net.push(Layer::Conv2d { channels, kernel: KERNEL, stride: STRIDE, padding: PADDING })?;
            net.push(Layer::Activation(self.activation))?;
        }
        net.push(Layer::Flatten)?;
        Ok(Some(net))
    }

    /// Dense layers from `inputs` values to `outputs`.
    pub(super) fn encoder(&self, inputs: usize, outputs: usize) -> Result<Net> {
        let mut net = Net::new(Shape::flat(inputs))?;
        dense(&mut net, self.hidden.iter(), self.activation)?;
        net.push(Layer::Dense { outputs })?;
        Ok(net)
    }

    /// The encoder's layers in reverse, from `inputs` values to a sample of shape `output`.
    pub(super) fn decoder(&self, inputs: usize, output: Shape) -> Result<Net> {
        let mut net = Net::new(Shape::flat(inputs))?;
        dense(&mut net, self.hidden.iter().rev(), self.activation)?;
        // The shapes between the convolutions, from the sample inwards.
        let mut shapes: heapless::Vec<Shape, { MAX_HIDDEN + 1 }> = heapless::Vec::new();
        let mut shape = output;
        shapes.push(shape).map_err(|_| Error::CapacityExceeded)?;
        for &channels in &self.channels {
            shape =
                Layer::Conv2d { channels, kernel: KERNEL, stride: STRIDE, padding: PADDING }.output(shape)?;
            shapes.push(shape).map_err(|_| Error::CapacityExceeded)?;
        }
        net.push(Layer::Dense { outputs: shape.len()? })?;
        for (i, outer) in shapes.iter().rev().skip(1).enumerate() {
            net.push(Layer::Activation(self.activation))?;
            if i == 0 {
                net.push(Layer::Unflatten(shape))?;
            }
            net.push(Layer::ConvTranspose2d {
                channels: outer.channels,
                kernel: KERNEL,
                stride: STRIDE,
                padding: PADDING,
                output_padding: outer.height % 2,
            })?;
        }
        Ok(net)
    }
}

/// Adds a dense layer and an element function for each width.
pub(super) fn dense<'a>(
    net: &mut Net,
    widths: impl Iterator<Item = &'a usize>,
    activation: Activation,
) -> Result<()> {
    for &outputs in widths {
        net.push(Layer::Dense { outputs })?;
        net.push(Layer::Activation(activation))?;
    }
    Ok(())
}
