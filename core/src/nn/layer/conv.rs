//! Convolution and transposed convolution.

use super::{convolved, divides};
use crate::error::{Error, Result};
use crate::nn::Shape;

macro_rules! convolution {
    ($(#[$doc:meta])* $name:ident, $channels:literal $(, $(#[$extra_doc:meta])* $extra:ident)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name {
            /// Channels out.
            pub channels: usize,
            /// Side of the kernel.
            pub kernel: usize,
            /// Step between two places of the kernel.
            pub stride: usize,
            #[doc = $channels]
            pub padding: usize,
            $(
                $(#[$extra_doc])*
                pub $extra: usize,
            )?
            /// Parts of the channels that do not see each other; divides those in and those out.
            pub groups: usize,
            /// Whether there is a bias.
            pub bias: bool,
            /// Whether W is divided by its largest singular value; see [`super::Dense::spectral_norm`].
            pub spectral: bool,
        }

        impl $name {
            /// A layer of so many channels with a square kernel of this side: stride 1, no padding, one group, a bias.
            pub const fn new(channels: usize, kernel: usize) -> Self {
                Self { channels, kernel, stride: 1, padding: 0, $($extra: 0,)? groups: 1, bias: true, spectral: false }
            }

            /// The same with this stride.
            #[must_use]
            pub const fn stride(self, stride: usize) -> Self {
                Self { stride, ..self }
            }

            /// The same with this padding.
            #[must_use]
            pub const fn padding(self, padding: usize) -> Self {
                Self { padding, ..self }
            }

            $(
                $(#[$extra_doc])*
                #[must_use]
                pub const fn $extra(self, $extra: usize) -> Self {
                    Self { $extra, ..self }
                }
            )?

            /// The same with so many groups.
            #[must_use]
            pub const fn groups(self, groups: usize) -> Self {
                Self { groups, ..self }
            }

            /// The same without a bias.
            #[must_use]
            pub const fn without_bias(self) -> Self {
                Self { bias: false, ..self }
            }

            /// The same with W divided by its largest singular value, as [`super::Dense::spectral_norm`] has it.
            #[must_use]
            pub const fn spectral_norm(self) -> Self {
                Self { spectral: true, ..self }
            }

            /// Refuses groups that do not divide the channels, and pictures that are too large to count the places of in 32
            /// bits.
            fn check(&self, input: Shape, output: Shape) -> Result<Shape> {
                if !(divides(self.groups, input.channels) && divides(self.groups, self.channels)) {
                    return Err(Error::InvalidArgument);
                }
                let around = self.kernel.checked_add(self.padding).and_then(|n| n.checked_mul(2));
                for shape in [input, output] {
                    let side = |n: usize| n.checked_add(around?);
                    let area = side(shape.height).zip(side(shape.width)).and_then(|(h, w)| h.checked_mul(w));
                    let all = area.and_then(|area| area.checked_mul(shape.channels));
                    all.and_then(|all| u32::try_from(all).ok()).ok_or(Error::Overflow)?;
                }
                Ok(output)
            }
        }
    };
}

convolution! {
    /// Convolution (cross-correlation, as everywhere in this field) with a square kernel and zero padding,
    /// W `[channels, channels in / groups, kernel, kernel]`.
    /// A side of n becomes (n + 2·padding − kernel) / stride + 1, rounded down.
    Conv2d, "Zeros added on each side."
}

convolution! {
    /// Transposed convolution: the gradient of [`Conv2d`] by its input, and a bias,
    /// W `[channels in, channels / groups, kernel, kernel]`. A side of n becomes
    /// (n − 1)·stride − 2·padding + kernel + output_padding.
    ConvTranspose2d, "Cut off on each side.",
    /// Added at the bottom and on the right; below the stride.
    output_padding
}

impl Conv2d {
    pub(super) fn output(&self, input: Shape) -> Result<Shape> {
        let side = |n| convolved(n, self.kernel, self.stride, self.padding);
        let output =
            Shape { height: side(input.height)?, width: side(input.width)?, channels: self.channels };
        self.check(input, output)
    }
}

impl ConvTranspose2d {
    pub(super) fn output(&self, input: Shape) -> Result<Shape> {
        let side = |n| transposed(n, self.kernel, self.stride, self.padding, self.output_padding);
        let output =
            Shape { height: side(input.height)?, width: side(input.width)?, channels: self.channels };
        self.check(input, output)
    }
}

fn transposed(n: usize, kernel: usize, stride: usize, padding: usize, extra: usize) -> Result<usize> {
    if kernel == 0 || stride == 0 || n == 0 || extra >= stride {
        return Err(Error::InvalidArgument);
    }
    let spread = (n - 1).checked_mul(stride).ok_or(Error::Overflow)?;
    let whole = spread.checked_add(kernel).and_then(|w| w.checked_add(extra)).ok_or(Error::Overflow)?;
    let cut = padding.checked_mul(2).ok_or(Error::Overflow)?;
    whole.checked_sub(cut).ok_or(Error::InvalidArgument)
}
