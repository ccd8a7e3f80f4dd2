//! What a layer is, and which shape comes out of it.

use super::Activation;
use crate::error::{Error, Result};

/// The shape of one sample between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Values per place.
    pub channels: usize,
}

impl Shape {
    /// `n` values without a place in a picture.
    pub const fn flat(n: usize) -> Self {
        Self { height: 1, width: 1, channels: n }
    }

    /// Rows × columns × channels.
    pub const fn image(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// Values of one sample.
    ///
    /// # Errors
    /// [`Error::Overflow`] where the product is not a `usize`.
    pub fn len(&self) -> Result<usize> {
        let area = self.height.checked_mul(self.width).ok_or(Error::Overflow)?;
        area.checked_mul(self.channels).ok_or(Error::Overflow)
    }

    /// Whether a sample has no values.
    pub const fn is_empty(&self) -> bool {
        self.height == 0 || self.width == 0 || self.channels == 0
    }

    const fn is_flat(&self) -> bool {
        self.height == 1 && self.width == 1
    }
}

/// One layer; what comes in is known from the layer before it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Layer {
    /// y = W·x + b over a flat sample, W `[outputs, inputs]`.
    Dense {
        /// Values out.
        outputs: usize,
    },
    /// Convolution (cross-correlation, as everywhere in this field) with a square kernel, zero padding
    /// and a bias, W `[channels, channels in, kernel, kernel]`.
    /// A side of n becomes (n + 2·padding − kernel) / stride + 1, rounded down.
    Conv2d {
        /// Channels out.
        channels: usize,
        /// Side of the kernel.
        kernel: usize,
        /// Step between two places of the kernel.
        stride: usize,
        /// Zeros added on each side.
        padding: usize,
    },
    /// Transposed convolution: the gradient of [`Layer::Conv2d`] by its input, and a bias,
    /// W `[channels in, channels, kernel, kernel]`. A side of n becomes
    /// (n − 1)·stride − 2·padding + kernel + output_padding.
    ConvTranspose2d {
        /// Channels out.
        channels: usize,
        /// Side of the kernel.
        kernel: usize,
        /// Step between two places of the kernel.
        stride: usize,
        /// Cut off on each side.
        padding: usize,
        /// Added at the bottom and on the right; below the stride.
        output_padding: usize,
    },
    /// Height × width × channels to a flat sample in the order channels, height, width.
    Flatten,
    /// The inverse of [`Layer::Flatten`].
    Unflatten(Shape),
    /// A function of each element.
    Activation(Activation),
}

impl Layer {
    /// The shape that this layer makes of `input`.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where the layer cannot take `input`, [`Error::InvalidArgument`] for a zero
    /// size, a kernel larger than the padded input, an output padding that is not below the stride, or a slope
    /// that is not positive.
    pub fn output(&self, input: Shape) -> Result<Shape> {
        let output = match *self {
            Layer::Dense { outputs } if input.is_flat() => Shape::flat(outputs),
            Layer::Dense { .. } => return Err(Error::ShapeMismatch),
            Layer::Conv2d { channels, kernel, stride, padding } => Shape {
                height: convolved(input.height, kernel, stride, padding)?,
                width: convolved(input.width, kernel, stride, padding)?,
                channels,
            },
            Layer::ConvTranspose2d { channels, kernel, stride, padding, output_padding } => {
                if output_padding >= stride {
                    return Err(Error::InvalidArgument);
                }
                Shape {
                    height: transposed(input.height, kernel, stride, padding, output_padding)?,
                    width: transposed(input.width, kernel, stride, padding, output_padding)?,
                    channels,
                }
            }
            Layer::Flatten => Shape::flat(input.len()?),
            Layer::Unflatten(shape) if input.is_flat() && shape.len()? == input.channels => shape,
            Layer::Unflatten(_) => return Err(Error::ShapeMismatch),
            Layer::Activation(activation) if activation.fits() => input,
            Layer::Activation(_) => return Err(Error::InvalidArgument),
        };
        if output.is_empty() { Err(Error::InvalidArgument) } else { Ok(output) }
    }
}

fn convolved(n: usize, kernel: usize, stride: usize, padding: usize) -> Result<usize> {
    if kernel == 0 || stride == 0 {
        return Err(Error::InvalidArgument);
    }
    let padded = padding.checked_mul(2).and_then(|p| p.checked_add(n)).ok_or(Error::Overflow)?;
    Ok(padded.checked_sub(kernel).ok_or(Error::InvalidArgument)? / stride + 1)
}

fn transposed(n: usize, kernel: usize, stride: usize, padding: usize, extra: usize) -> Result<usize> {
    if kernel == 0 || stride == 0 || n == 0 {
        return Err(Error::InvalidArgument);
    }
    let spread = (n - 1).checked_mul(stride).ok_or(Error::Overflow)?;
    let whole = spread.checked_add(kernel).and_then(|w| w.checked_add(extra)).ok_or(Error::Overflow)?;
    let cut = padding.checked_mul(2).ok_or(Error::Overflow)?;
    whole.checked_sub(cut).ok_or(Error::InvalidArgument)
}
