//! The dense layer.

use crate::error::{Error, Result};
use crate::nn::Shape;

/// y = W·x + b over a flat sample, W `[outputs, inputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dense {
    /// Values out.
    pub outputs: usize,
    /// Whether there is a b.
    pub bias: bool,
    /// Whether W is divided by its largest singular value; see [`Dense::spectral_norm`].
    pub spectral: bool,
}

impl Dense {
    /// A layer of so many outputs, with a bias.
    pub const fn new(outputs: usize) -> Self {
        Self { outputs, bias: true, spectral: false }
    }

    /// The same without a bias.
    #[must_use]
    pub const fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    /// The same with W divided by its largest singular value, which one step of power iteration in each training pass
    /// follows (Miyato et al. 2018), as PyTorch's `spectral_norm` does it.
    #[must_use]
    pub const fn spectral_norm(self) -> Self {
        Self { spectral: true, ..self }
    }

    pub(super) fn output(&self, input: Shape) -> Result<Shape> {
        if input.is_flat() { Ok(Shape::flat(self.outputs)) } else { Err(Error::ShapeMismatch) }
    }
}
