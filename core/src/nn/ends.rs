//! What the outputs of a product start from, and what becomes of them at the end.

use super::{Activation, rows};
use crate::linalg::Init;
use crate::simd::Level;

/// What the outputs of a product start from, and the function that is applied to them as soon as they are there, while they
/// are still in the cache.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub start: Init<'a>,
    pub then: Option<Activation>,
}

impl Ends<'_> {
    /// From 0, and nothing after.
    pub const ZERO: Self = Ends { start: Init::Zero, then: None };

    /// What is in pixels before the first product: the bias. Whether products start from 0 rather than from it.
    pub fn begin(&self, pixels: &mut [f32]) -> bool {
        if let Init::Bias(bias) = self.start {
            rows::of_mut(pixels, bias.len()).for_each(|pixel| rows::copy(bias, pixel));
        }
        matches!(self.start, Init::Zero)
    }

    /// What is done with finished outputs.
    pub fn end(&self, level: Level, outputs: &mut [f32]) {
        if let Some(activation) = self.then {
            activation.run(level, outputs);
        }
    }
}
