//! The stages that a network has as bytes: a stage is a layer with all that its sums can take with them before they are rounded.

use super::geometry::Product;
use crate::error::{Error, Result};
use crate::nn::layer::Layer;
use crate::nn::network::{Network, Span, Step};
use crate::nn::{Activation, Shape};
use heapless::Vec;

/// Terms of a sum at most, so that half a step for each still fits 32 bits.
const MOST_TERMS: usize = 1 << 22;

/// What a stage does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A dense layer or a convolution.
    Product(Product),
    /// A batch normalisation that no product is before.
    Norm,
    /// A function alone.
    Function,
    /// Values that go elsewhere or are pooled, and stay in the steps in which they were.
    Move(Layer),
}

/// A stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    pub kind: Kind,
    /// Its layer.
    pub layer: usize,
    /// The batch normalisation that it takes with it.
    pub norm: Option<usize>,
    /// The function that it takes with it.
    pub then: Option<Activation>,
    /// The last of the layers that it stands for.
    pub last: usize,
    pub input: Shape,
    pub output: Shape,
    /// Which range its output has; where numbers come out, that of its input.
    pub range: usize,
    /// Its parts of the weights, of the scales, of the biases, and of the panels.
    pub weights: Span,
    pub scales: Span,
    pub biases: Span,
    pub panels: Span,
}

/// The stages of a network.
#[derive(Clone, Debug)]
pub(super) struct Stages<const N: usize> {
    pub all: Vec<Stage, N>,
    /// The last product; what comes out of it, and all after it, are numbers.
    pub last: usize,
    /// How many ranges there are, that of the input counted.
    pub ranges: usize,
}

impl<const N: usize> Stages<N> {
    pub fn of(net: &Network<N>) -> Result<Self> {
        let mut all: Vec<Stage, N> = Vec::new();
        for (i, step) in net.steps().iter().enumerate() {
            if join(&mut all, i, step) {
                continue;
            }
            let kind = match step.layer {
                Layer::Dense(_) | Layer::Conv2d(_) | Layer::ConvTranspose2d(_) => {
                    Kind::Product(Product::of(step).ok_or(Error::Unsupported)?)
                }
                Layer::BatchNorm { .. } => Kind::Norm,
                Layer::Activation(_) => Kind::Function,
                Layer::Flatten | Layer::Unflatten(_) | Layer::Upsample { .. } => Kind::Move(step.layer),
                Layer::AvgPool2d(_) | Layer::MaxPool2d(_) => Kind::Move(step.layer),
                _ => return Err(Error::Unsupported),
            };
            let none = Span::default();
            let stage = Stage {
                kind,
                layer: i,
                norm: None,
                then: step.activation(),
                last: i,
                input: step.input,
                output: step.output,
                range: 0,
                weights: none,
                scales: none,
                biases: none,
                panels: none,
            };
            all.push(stage).map_err(|_| Error::CapacityExceeded)?;
        }
        let product = |stage: &Stage| matches!(stage.kind, Kind::Product(_));
        let last = all.iter().rposition(product).ok_or(Error::Unsupported)?;
        let mut stages = Self { all, last, ranges: 1 };
        stages.place()?;
        Ok(stages)
    }

    /// Gives each stage its range and its parts.
    fn place(&mut self) -> Result<()> {
        let [mut weights, mut scales, mut biases, mut panels] = [0usize; 4];
        let next = |at: &mut usize, len: usize| {
            let span = Span { at: *at, len };
            *at = span.end();
            span
        };
        for (i, stage) in self.all.iter_mut().enumerate() {
            if i < self.last && !matches!(stage.kind, Kind::Move(_)) {
                self.ranges += 1;
            }
            stage.range = self.ranges - 1;
            let channels = stage.output.channels;
            let lens = match stage.kind {
                Kind::Product(product) => {
                    if product.window() > MOST_TERMS {
                        return Err(Error::Overflow);
                    }
                    let weights = channels.checked_mul(product.window()).ok_or(Error::Overflow)?;
                    [weights, channels, channels, product.panels_len()]
                }
                Kind::Norm => [0, channels.checked_mul(2).ok_or(Error::Overflow)?, 0, 0],
                _ => [0; 4],
            };
            stage.weights = next(&mut weights, lens[0]);
            stage.scales = next(&mut scales, lens[1]);
            stage.biases = next(&mut biases, lens[2]);
            stage.panels = next(&mut panels, lens[3]);
        }
        Ok(())
    }

    /// The stages whose outputs are bytes, the last product, and those after it.
    pub fn parts(&self) -> (&[Stage], Option<&Stage>, &[Stage]) {
        let bytes = self.all.get(..self.last).unwrap_or(&[]);
        let after = self.all.get(self.last.saturating_add(1)..).unwrap_or(&[]);
        (bytes, self.all.get(self.last), after)
    }
}

/// Whether a stage before takes layer `i` with it.
fn join(all: &mut [Stage], i: usize, step: &Step) -> bool {
    // Layers that do nothing in use, and reshapes that move nothing.
    let idle = matches!(step.layer, Layer::Dropout { .. }) || step.is_still();
    if idle {
        return true;
    }
    // What is done to each element may be done before values go elsewhere, too.
    let reshape = |stage: &&mut Stage| {
        matches!(stage.kind, Kind::Move(Layer::Flatten) | Kind::Move(Layer::Unflatten(_)))
    };
    let Some(stage) = all.iter_mut().rev().find(|stage| !reshape(stage)) else { return false };
    if stage.then.is_some() || matches!(stage.kind, Kind::Move(_)) {
        return false;
    }
    match step.layer {
        Layer::Activation(activation) => stage.then = Some(activation),
        Layer::BatchNorm { .. } if stage.norm.is_none() && folds(stage, step) => stage.norm = Some(i),
        _ => return false,
    }
    stage.last = i;
    true
}

/// Whether a normalisation has one scale for each channel of the product before it.
fn folds(stage: &Stage, norm: &Step) -> bool {
    let flat = stage.output.height == 1 && stage.output.width == 1;
    matches!(stage.kind, Kind::Product(_)) && (flat || norm.input.channels == stage.output.channels)
}
