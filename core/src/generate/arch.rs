//! Sizes of the networks of a model.

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::nn::{
    Activation, Conv2d, ConvTranspose2d, Dense, Draws, Engine, Gradients, Layer, Mode, Model, Network, Plan,
    Role, Shape, Tensor, Workspace,
};
use crate::scratch::{Scratch, ScratchLen};

/// Layers that one network of a model holds at most, element functions and reshapes counted.
pub const MAX_LAYERS: usize = 16;

/// Hidden layers of one kind at most.
pub const MAX_HIDDEN: usize = 4;

/// Sizes of hidden layers, in the order of the encoder.
pub type Widths = heapless::Vec<usize, MAX_HIDDEN>;

/// A network of a model.
pub type Net = Network<MAX_LAYERS>;

/// A network with places for what it computes.
pub(super) type NetPlan = Plan<MAX_LAYERS>;

/// A network of a model, planned for training and for use.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub training: NetPlan,
    pub inference: NetPlan,
}

impl Part {
    /// `input_gradient`: whether training wants the gradient by what goes in.
    pub fn new(net: &Net, input_gradient: bool) -> Result<Self> {
        let training = net.plan(Mode::Training { frozen: 0, input_gradient })?;
        Ok(Self { training, inference: net.plan(Mode::Inference)? })
    }

    pub fn for_threads(self, threads: usize) -> Self {
        let [training, inference] = [self.training, self.inference].map(|plan| plan.for_threads(threads));
        Self { training, inference }
    }

    pub const fn net(&self) -> &Net {
        self.training.network()
    }

    pub fn param_len(&self) -> usize {
        self.net().param_len()
    }

    pub const fn plan(&self, training: bool) -> &NetPlan {
        if training { &self.training } else { &self.inference }
    }

    /// `len` and the workspace of a pass.
    pub fn with_work(&self, len: ScratchLen, training: bool, batch: usize) -> ScratchLen {
        let plan = self.plan(training);
        len.with::<f32>(plan.value_len(batch).unwrap_or(usize::MAX)).with::<f32>(plan.fixed_len())
    }

    /// Runs a batch forward.
    pub fn forward<'s, E: Executor>(
        &self,
        on: Engine<'_, E>,
        training: bool,
        (params, x): (&[f32], &[f32]),
        batch: usize,
        scratch: &mut Scratch<'s>,
    ) -> Result<Workspace<'s>> {
        let plan = self.plan(training);
        let mut work = plan.workspace(batch, scratch)?;
        let scratch = &mut scratch.frame();
        if training {
            plan.forward(on, (params, &mut []), x, Draws::default(), &mut work, scratch)?;
        } else {
            plan.infer(on, Model { params, state: &[] }, x, &mut work, scratch)?;
        }
        Ok(work)
    }

    /// The gradients by the parameters, and by the input where training wants it.
    pub fn backward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        (params, x): (&[f32], &[f32]),
        work: &mut Workspace<'_>,
        grads: (&mut [f32], &mut [f32]),
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let to = Gradients { params: grads.0, add: false, input: grads.1 };
        let model = Model { params, state: &[] };
        self.training.backward(on, model, (x, Draws::default()), work, to, scratch)
    }
}

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
    /// The network: `stem`, `encoder`, `decoder`, `prior`, `generator` or `discriminator`. The tensor's full name is
    /// network.layer.role, for example `encoder.0.weight`.
    pub network: &'static str,
    /// The tensor, its offset counted from the start of the model's parameters.
    pub tensor: Tensor,
}

impl NamedTensor {
    /// The tensors of networks whose parameters lie one after the other.
    pub(super) fn all<'a>(
        networks: impl Iterator<Item = (&'static str, &'a Net)>,
    ) -> impl Iterator<Item = Self> {
        let mut next = 0;
        networks.flat_map(move |(network, net)| {
            let start = next;
            next += net.param_len();
            net.tensors().map(move |t| Self::behind(network, start, t))
        })
    }

    /// The tensors of their states, which lie in the same way.
    pub(super) fn all_states<'a>(
        networks: impl Iterator<Item = (&'static str, &'a Net)>,
    ) -> impl Iterator<Item = Self> {
        let mut next = 0;
        networks.flat_map(move |(network, net)| {
            let start = next;
            next += net.state_len();
            net.state_tensors().map(move |t| Self::behind(network, start, t))
        })
    }

    fn behind(network: &'static str, start: usize, t: Tensor) -> Self {
        Self { network, tensor: Tensor { offset: start + t.offset, ..t } }
    }

    /// `weight` or `bias`.
    pub const fn role(&self) -> Role {
        self.tensor.role
    }
}

/// A convolution that halves the sides.
pub(super) const fn halving(channels: usize) -> Conv2d {
    Conv2d::new(channels, 4).stride(2).padding(1)
}

/// The shapes between convolutions that halve a sample, from the sample inwards.
pub(super) fn halvings(
    channels: &[usize],
    sample: Shape,
) -> Result<heapless::Vec<Shape, { MAX_HIDDEN + 1 }>> {
    let mut shapes = heapless::Vec::new();
    let mut shape = sample;
    shapes.push(shape).map_err(|_| Error::CapacityExceeded)?;
    for &channels in channels {
        // The way back has one output padding for both sides.
        if shape.height % 2 != shape.width % 2 {
            return Err(Error::Unsupported);
        }
        shape = Layer::from(halving(channels)).output(shape)?;
        shapes.push(shape).map_err(|_| Error::CapacityExceeded)?;
    }
    Ok(shapes)
}

impl Arch {
    /// The convolutions and what flattens them; `None` where there are none.
    pub(super) fn stem(&self, input: Shape) -> Result<Option<Net>> {
        if self.channels.is_empty() {
            return Ok(None);
        }
        let mut net = Net::new(input)?;
        halvings(&self.channels, input)?;
        for &channels in &self.channels {
            net.push(halving(channels))?;
            net.push(self.activation)?;
        }
        net.push(Layer::Flatten)?;
        Ok(Some(net))
    }

    /// Dense layers from `inputs` values to `outputs`.
    pub(super) fn encoder(&self, inputs: usize, outputs: usize) -> Result<Net> {
        let mut net = Net::new(Shape::flat(inputs))?;
        dense(&mut net, self.hidden.iter(), self.activation)?;
        net.push(Dense::new(outputs))?;
        Ok(net)
    }

    /// The encoder's layers in reverse, from `inputs` values to a sample of shape `output`.
    pub(super) fn decoder(&self, inputs: usize, output: Shape) -> Result<Net> {
        let mut net = Net::new(Shape::flat(inputs))?;
        dense(&mut net, self.hidden.iter().rev(), self.activation)?;
        let shapes = halvings(&self.channels, output)?;
        let shape = shapes.last().copied().unwrap_or(output);
        net.push(Dense::new(shape.len()?))?;
        for (i, outer) in shapes.iter().rev().skip(1).enumerate() {
            net.push(self.activation)?;
            if i == 0 {
                net.push(Layer::Unflatten(shape))?;
            }
            let up = ConvTranspose2d::new(outer.channels, 4).stride(2).padding(1);
            net.push(up.output_padding(outer.height % 2))?;
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
        net.push(Dense::new(outputs))?;
        net.push(activation)?;
    }
    Ok(())
}
