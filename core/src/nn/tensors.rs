//! What a layer holds, and where each tensor of a network lies in the flat slices.

use super::{Layer, Shape};
use crate::error::{Error, Result};

/// What a tensor is in its layer; the word is PyTorch's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The weights.
    Weight,
    /// The biases.
    Bias,
    /// The running mean of a [`Layer::BatchNorm`].
    RunningMean,
    /// Its running variance.
    RunningVar,
    /// The left singular vector of a spectral norm: a value for each output, of one group for a transposed convolution.
    /// PyTorch's `parametrizations.spectral_norm`, which this follows, has it as `parametrizations.weight.0._u`.
    U,
    /// The right singular vector, there `_v`.
    V,
}

impl Role {
    /// `weight`, `bias`, `running_mean`, `running_var`, `weight_u` or `weight_v`.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Weight => "weight",
            Role::Bias => "bias",
            Role::RunningMean => "running_mean",
            Role::RunningVar => "running_var",
            Role::U => "weight_u",
            Role::V => "weight_v",
        }
    }
}

/// What the values of a tensor are at first, as PyTorch has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Uniform in ±1/√n, where n is how many inputs an output sums over as PyTorch counts them: for weights that is He et
    /// al. 2015 with the slope √5.
    FanIn(usize),
    /// Standard normal.
    Normal,
    /// All 1.
    Ones,
    /// All 0.
    Zeros,
}

/// One tensor of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The layer, counted from 0 with those that have no parameters, as in PyTorch's `Sequential`.
    pub layer: usize,
    /// What it is there.
    pub role: Role,
    /// Where it starts in the slice of parameters, or in that of the state.
    pub offset: usize,
    /// The sizes, outermost first; only the first [`Tensor::rank`] count.
    pub sizes: [usize; 4],
    /// How many sizes there are: 1, 2 or 4.
    pub rank: usize,
    /// How it begins.
    pub start: Start,
}

impl Tensor {
    /// The sizes, outermost first.
    pub fn shape(&self) -> &[usize] {
        first(&self.sizes, self.rank)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        product(self.shape())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The first `rank` sizes, which are those that count.
pub(super) fn first(sizes: &[usize], rank: usize) -> &[usize] {
    sizes.get(..rank).unwrap_or(&[])
}

/// The values of a tensor of this shape; `usize::MAX` where these cannot be counted.
pub(super) fn product(shape: &[usize]) -> usize {
    shape.iter().fold(1, |product, &size| product.saturating_mul(size))
}

/// A tensor of one layer: role, sizes, how many of these count, and how it begins.
type Held = (Role, [usize; 4], usize, Start);

/// Up to two of them.
pub(super) type Two = heapless::Vec<Held, 2>;

/// The parameters of a layer, the weight before the bias.
pub(super) fn params(layer: Layer, input: Shape, output: Shape) -> Two {
    let (cin, cout) = (input.channels, output.channels);
    let sum = |sizes, rank, fan_in, bias: bool| {
        let start = Start::FanIn(fan_in);
        let bias = bias.then_some((Role::Bias, [cout, 1, 1, 1], 1, start));
        [Some((Role::Weight, sizes, rank, start)), bias]
    };
    let per_channel = |role, start| Some((role, [cout, 1, 1, 1], 1, start));
    let held = match layer {
        Layer::Dense(dense) => sum([cout, cin, 1, 1], 2, cin, dense.bias),
        Layer::Conv2d(conv) => {
            let (k, each) = (conv.kernel, cin.checked_div(conv.groups).unwrap_or(0));
            sum([cout, each, k, k], 4, each.saturating_mul(k).saturating_mul(k), conv.bias)
        }
        Layer::ConvTranspose2d(conv) => {
            let (k, each) = (conv.kernel, cout.checked_div(conv.groups).unwrap_or(0));
            // PyTorch takes the second size of the weight for the inputs here too.
            sum([cin, each, k, k], 4, each.saturating_mul(k).saturating_mul(k), conv.bias)
        }
        Layer::BatchNorm { .. } | Layer::LayerNorm { .. } | Layer::GroupNorm { .. } => {
            [per_channel(Role::Weight, Start::Ones), per_channel(Role::Bias, Start::Zeros)]
        }
        Layer::Embedding { classes, width } => {
            [Some((Role::Weight, [classes, width, 1, 1], 2, Start::Normal)), None]
        }
        _ => [None, None],
    };
    two(held)
}

/// What a layer keeps besides its parameters from one pass to the next.
pub(super) fn state(layer: Layer, input: Shape, output: Shape) -> Two {
    let vector = |role, n, start| Some((role, [n, 1, 1, 1], 1, start));
    let spectral = |on: bool, rows: usize| {
        let weight = params(layer, input, output).first().map_or(0, |held| size(held).unwrap_or(0));
        let columns = weight.checked_div(rows).unwrap_or(0);
        if on {
            [vector(Role::U, rows, Start::Normal), vector(Role::V, columns, Start::Normal)]
        } else {
            [None, None]
        }
    };
    let channels = output.channels;
    let held = match layer {
        Layer::BatchNorm { .. } => [
            vector(Role::RunningMean, channels, Start::Zeros),
            vector(Role::RunningVar, channels, Start::Ones),
        ],
        Layer::Dense(dense) => spectral(dense.spectral, channels),
        Layer::Conv2d(conv) => spectral(conv.spectral, channels),
        // The rows of a matrix whose groups lie one after the other.
        Layer::ConvTranspose2d(conv) => spectral(conv.spectral, channels / conv.groups.max(1)),
        _ => [None, None],
    };
    two(held)
}

/// Those that are there; a `collect` of `heapless` could panic.
fn two(held: [Option<Held>; 2]) -> Two {
    let mut all = Two::new();
    for one in held.into_iter().flatten() {
        // There is room for both.
        all.push(one).unwrap_or(());
    }
    all
}

/// The values of a tensor, where they can be counted.
fn size(&(_, sizes, rank, _): &Held) -> Option<usize> {
    sizes.iter().take(rank).try_fold(1usize, |product, &size| product.checked_mul(size))
}

/// The values of all of these.
///
/// # Errors
/// [`Error::Overflow`].
pub(super) fn total(held: &Two) -> Result<usize> {
    let sum = held.iter().try_fold(0usize, |sum, one| sum.checked_add(size(one)?));
    sum.ok_or(Error::Overflow)
}

/// These tensors of a layer, of which the first begins at `offset`.
pub(super) fn placed(held: Two, layer: usize, offset: usize) -> impl Iterator<Item = Tensor> {
    let mut next = offset;
    // What `heapless` makes of a list by value drops the rest of it by a slice that could panic.
    (0..held.len()).filter_map(move |i| {
        let &(role, sizes, rank, start) = held.get(i)?;
        let tensor = Tensor { layer, role, offset: next, sizes, rank, start };
        next = next.saturating_add(tensor.len());
        Some(tensor)
    })
}
