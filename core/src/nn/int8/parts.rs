//! The tensors of a quantised model by name.

use super::QuantPlan;
use super::stages::{Kind, Stage};
use crate::nn::tensors;

/// What a part of a quantised model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartRole {
    /// The lowest and the highest value of what comes out of the layer, or in at the beginning: a part of
    /// [`super::Quantised::ranges`].
    Range,
    /// Weights in PyTorch's layout: a part of [`super::Quantised::weights`].
    Weight,
    /// The scale of each output channel of the weights: a part of [`super::Quantised::scales`].
    Scale,
    /// Biases in steps of that scale times the input's: a part of [`super::Quantised::biases`].
    Bias,
    /// What a batch normalisation without a product before it multiplies each channel by, and then adds: a part of
    /// [`super::Quantised::scales`], two rows.
    Affine,
}

impl PartRole {
    /// `range`, `weight`, `scale`, `bias` or `affine`.
    pub const fn name(self) -> &'static str {
        match self {
            PartRole::Range => "range",
            PartRole::Weight => "weight",
            PartRole::Scale => "scale",
            PartRole::Bias => "bias",
            PartRole::Affine => "affine",
        }
    }

    /// `i8` for weights, `i32` for biases, else `f32`.
    pub const fn element(self) -> &'static str {
        match self {
            PartRole::Weight => "i8",
            PartRole::Bias => "i32",
            _ => "f32",
        }
    }
}

/// A part of a quantised model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The layer, counted from 0 with those that have no parameters; `None` for the range of what comes in.
    pub layer: Option<usize>,
    /// What it is there.
    pub role: PartRole,
    /// Where it starts in its slice.
    pub offset: usize,
    /// The sizes, outermost first; only the first [`Part::rank`] count.
    pub sizes: [usize; 4],
    /// How many sizes there are: 1, 2 or 4.
    pub rank: usize,
}

impl Part {
    /// The sizes, outermost first.
    pub fn shape(&self) -> &[usize] {
        tensors::first(&self.sizes, self.rank)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        tensors::product(self.shape())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<const N: usize> QuantPlan<N> {
    /// The parts that the slices of a [`super::Quantised`] consist of, in the order in which they lie there, layer by layer.
    pub fn parts(&self) -> impl Iterator<Item = Part> + '_ {
        let input = Part { layer: None, role: PartRole::Range, offset: 0, sizes: [2, 1, 1, 1], rank: 1 };
        let stages = self.stages.all.iter().enumerate();
        let own = stages.flat_map(|(i, stage)| {
            let weight = self.net.tensors().find(|t| t.layer == stage.layer).filter(|_| is_product(stage));
            let channels = stage.output.channels;
            let of = |role, offset, sizes, rank| Part { layer: Some(stage.layer), role, offset, sizes, rank };
            let row = [channels, 1, 1, 1];
            let ranged = i < self.stages.last && !matches!(stage.kind, Kind::Move(_));
            [
                weight.map(|t| of(PartRole::Weight, stage.weights.at, t.sizes, t.rank)),
                weight.map(|_| of(PartRole::Scale, stage.scales.at, row, 1)),
                weight.map(|_| of(PartRole::Bias, stage.biases.at, row, 1)),
                matches!(stage.kind, Kind::Norm)
                    .then(|| of(PartRole::Affine, stage.scales.at, [2, channels, 1, 1], 2)),
                ranged.then(|| Part {
                    layer: Some(stage.last),
                    ..of(PartRole::Range, 2 * stage.range, [2, 1, 1, 1], 1)
                }),
            ]
        });
        core::iter::once(input).chain(own.flatten())
    }
}

const fn is_product(stage: &Stage) -> bool {
    matches!(stage.kind, Kind::Product(_))
}
