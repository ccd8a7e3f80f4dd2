//! Windows that are pooled.

use super::convolved;
use crate::error::{Error, Result};
use crate::nn::Shape;

/// The windows of a pooling layer. A side of n becomes (n + 2·padding − kernel) / stride + 1, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pool2d {
    /// Side of a window.
    pub kernel: usize,
    /// Step between two windows.
    pub stride: usize,
    /// Added on each side; at most half of the kernel.
    pub padding: usize,
}

impl Pool2d {
    /// Windows of this side that lie side by side.
    pub const fn new(kernel: usize) -> Self {
        Self { kernel, stride: kernel, padding: 0 }
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

    pub(super) fn output(&self, input: Shape) -> Result<Shape> {
        // A window that lies in the padding alone has no largest value.
        if self.padding > self.kernel / 2 {
            return Err(Error::InvalidArgument);
        }
        Ok(Shape {
            height: convolved(input.height, self.kernel, self.stride, self.padding)?,
            width: convolved(input.width, self.kernel, self.stride, self.padding)?,
            ..input
        })
    }
}
