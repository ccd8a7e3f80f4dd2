//! What a layer is, and which shape comes out of it.

mod conv;
mod dense;
mod pool;

pub use conv::{Conv2d, ConvTranspose2d};
pub use dense::Dense;
pub use pool::Pool2d;

use super::{Activation, Shape};
use crate::error::{Error, Result};

/// One layer; what comes in is known from the layer before it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Layer {
    /// y = W·x + b over a flat sample.
    Dense(Dense),
    /// Convolution.
    Conv2d(Conv2d),
    /// Transposed convolution.
    ConvTranspose2d(ConvTranspose2d),
    /// Each channel normalised over the batch and its places, then scaled and moved (Ioffe, Szegedy 2015). In training
    /// by the batch's own mean and variance, which also move the running ones; else by the running ones.
    BatchNorm {
        /// Share by which a batch moves the running mean and variance, in [0, 1]; PyTorch has 0.1.
        momentum: f32,
        /// Added to the variance, above 0; PyTorch has 1e-5.
        epsilon: f32,
    },
    /// The channels of each place normalised together, then scaled and moved (Ba et al. 2016): PyTorch's
    /// `LayerNorm(channels)` with the channels last. Of a flat sample all values.
    LayerNorm {
        /// Added to the variance, above 0; PyTorch has 1e-5.
        epsilon: f32,
    },
    /// Groups of channels normalised over all places of a sample, then each channel scaled and moved (Wu, He 2018).
    GroupNorm {
        /// How many groups; divides the channels.
        groups: usize,
        /// Added to the variance, above 0; PyTorch has 1e-5.
        epsilon: f32,
    },
    /// Each pixel repeated `factor` times along both sides.
    Upsample {
        /// How many times; from 1 on.
        factor: usize,
    },
    /// The mean of each window; padding counts as zeros, as PyTorch has it.
    AvgPool2d(Pool2d),
    /// The largest of each window, of equal ones the first; padding counts for nothing.
    MaxPool2d(Pool2d),
    /// A row of a table for each value of a flat sample, which must be a whole number below `classes`; the table is
    /// `[classes, width]`.
    Embedding {
        /// Rows of the table.
        classes: usize,
        /// Values of a row.
        width: usize,
    },
    /// In training each value is 0 with probability `p`, and multiplied by 1 / (1 − p) otherwise (Srivastava et al. 2014).
    /// The mask follows from the sample's key and the place of the layer: it is drawn again for the way back.
    Dropout {
        /// The probability, in [0, 1).
        p: f32,
    },
    /// Height × width × channels to a flat sample in the order channels, height, width.
    Flatten,
    /// The inverse of [`Layer::Flatten`].
    Unflatten(Shape),
    /// The channels of each place as probabilities, e^x / Σ e^x.
    Softmax,
    /// A function of each element.
    Activation(Activation),
}

macro_rules! from {
    ($($t:ident)*) => { $(
        impl From<$t> for Layer {
            fn from(layer: $t) -> Self {
                Self::$t(layer)
            }
        }
    )* };
}
from!(Dense Conv2d ConvTranspose2d Activation);

impl Layer {
    /// [`Layer::BatchNorm`] with PyTorch's constants.
    pub const fn batch_norm() -> Self {
        Self::BatchNorm { momentum: 0.1, epsilon: 1e-5 }
    }

    /// [`Layer::LayerNorm`] with PyTorch's constant.
    pub const fn layer_norm() -> Self {
        Self::LayerNorm { epsilon: 1e-5 }
    }

    /// [`Layer::GroupNorm`] of so many groups with PyTorch's constant.
    pub const fn group_norm(groups: usize) -> Self {
        Self::GroupNorm { groups, epsilon: 1e-5 }
    }

    /// The shape that this layer makes of `input`.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where the layer cannot take `input`, [`Error::InvalidArgument`] for a zero
    /// size, a kernel larger than the padded input, an output padding that is not below the stride, groups that do not
    /// divide the channels, or a number that is out of its range.
    pub fn output(&self, input: Shape) -> Result<Shape> {
        let output = match *self {
            Self::Dense(dense) => dense.output(input)?,
            Self::Conv2d(conv) => conv.output(input)?,
            Self::ConvTranspose2d(conv) => conv.output(input)?,
            Self::BatchNorm { momentum, epsilon } => {
                allowed((0.0..=1.0).contains(&momentum) && positive(epsilon), input)?
            }
            Self::LayerNorm { epsilon } => allowed(positive(epsilon), input)?,
            Self::GroupNorm { groups, epsilon } => {
                allowed(positive(epsilon) && divides(groups, input.channels), input)?
            }
            Self::Upsample { factor } => Shape {
                height: input.height.checked_mul(factor).ok_or(Error::Overflow)?,
                width: input.width.checked_mul(factor).ok_or(Error::Overflow)?,
                ..input
            },
            Self::AvgPool2d(pool) | Self::MaxPool2d(pool) => pool.output(input)?,
            Self::Embedding { classes, width } if input.is_flat() => {
                allowed(classes > 0 && classes <= MOST_CLASSES, input)?;
                Shape::flat(input.channels.checked_mul(width).ok_or(Error::Overflow)?)
            }
            Self::Dropout { p } => allowed((0.0..1.0).contains(&p), input)?,
            Self::Flatten => Shape::flat(input.len()?),
            Self::Unflatten(shape) if input.is_flat() && shape.len()? == input.channels => shape,
            Self::Embedding { .. } | Self::Unflatten(_) => return Err(Error::ShapeMismatch),
            Self::Softmax => input,
            Self::Activation(activation) => allowed(activation.fits(), input)?,
        };
        if output.is_empty() { Err(Error::InvalidArgument) } else { Ok(output) }
    }

    /// Multiply-adds of its products for one sample that comes in as `input`, padding counted; 0 for layers without products
    /// and for shapes that the layer cannot take.
    pub fn multiply_adds(&self, input: Shape) -> usize {
        let Ok(output) = self.output(input) else { return 0 };
        let product = |factors: &[usize]| factors.iter().fold(1usize, |all, &n| all.saturating_mul(n));
        let places = |shape: Shape| shape.places().unwrap_or(usize::MAX);
        let (cin, cout) = (input.channels, output.channels);
        match *self {
            Self::Dense(_) => product(&[cin, cout]),
            Self::Conv2d(Conv2d { kernel, groups, .. }) => {
                product(&[places(output), kernel, kernel, cin / groups.max(1), cout])
            }
            Self::ConvTranspose2d(ConvTranspose2d { kernel, groups, .. }) => {
                product(&[places(input), kernel, kernel, cin / groups.max(1), cout])
            }
            _ => 0,
        }
    }
}

/// Whole numbers up to here are exact in `f32`.
const MOST_CLASSES: usize = 1 << 24;

fn allowed(fits: bool, shape: Shape) -> Result<Shape> {
    if fits { Ok(shape) } else { Err(Error::InvalidArgument) }
}

const fn positive(v: f32) -> bool {
    v > 0.0 && v < f32::INFINITY
}

/// Whether `n` things are `groups` equal parts.
const fn divides(groups: usize, n: usize) -> bool {
    groups > 0 && n.is_multiple_of(groups)
}

/// The side that windows of `kernel` leave of `n`, `stride` apart.
fn convolved(n: usize, kernel: usize, stride: usize, padding: usize) -> Result<usize> {
    if kernel == 0 || stride == 0 {
        return Err(Error::InvalidArgument);
    }
    let padded = padding.checked_mul(2).and_then(|p| p.checked_add(n)).ok_or(Error::Overflow)?;
    Ok(padded.checked_sub(kernel).ok_or(Error::InvalidArgument)? / stride + 1)
}
