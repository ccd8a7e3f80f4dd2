//! Plain operations with what they have drawn, done to pixels: one file for each family that changes values.
//!
//! Those that look at the pixels around make another image, the others change the one that is there.

mod colour;
mod neighbourhood;
mod noise;
mod occlusion;

use super::action::Action;
use super::draw::MOST_RANGES;
use super::op::{Family, Op};
use super::pipeline::Shape;
use super::run::{Work, stream};
use crate::error::{Error, Result};
use crate::image::Sample;
use crate::rng::Stream;
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// An operation with what it has drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Effect {
    op: Op,
    /// A number from each range, in the order of the parameters.
    values: [f32; MOST_RANGES],
    seed: u32,
}

impl Effect {
    /// `None` for an operation that is none of values.
    pub fn new(op: Op, values: [f32; MOST_RANGES], seed: u32) -> Option<Self> {
        let of_values = !matches!(op.family(), Family::Geometry | Family::Policy | Family::Group);
        (of_values && op.is_plain()).then_some(Self { op, values, seed })
    }

    /// `op` with `value` from its first range, where it has one.
    pub fn with(op: Op, value: f32) -> Option<Action> {
        let mut values = [0.0; MOST_RANGES];
        values.first_mut().into_iter().for_each(|first| *first = value);
        Self::new(op, values, 0).map(Action::Effect)
    }

    /// Whether it makes another image than it reads.
    pub const fn copies(&self) -> bool {
        matches!(self.op.family(), Family::Neighbourhood)
    }

    /// Bytes that `op` takes for an image of `shape` at most, whatever it draws.
    pub fn scratch_len<T: Sample>(op: &Op, shape: Shape) -> usize {
        match op.family() {
            Family::Colour => colour::scratch_len::<T>(op, shape),
            Family::Neighbourhood => neighbourhood::scratch_len::<T>(op, shape),
            Family::Noise => noise::scratch_len(op, shape),
            _ => 0,
        }
    }

    /// Does it to the image of `work`.
    pub fn run<T: Sample>(
        &self,
        level: Level,
        size: (usize, usize),
        work: &mut Work<'_, T>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        match self.op.family() {
            Family::Neighbourhood => {
                work.copy(size, |src, dst| neighbourhood::make(self, level, src, dst, scratch))
            }
            Family::Colour => work.change(|image| colour::change(self, level, image, scratch)),
            Family::Noise => work.change(|image| noise::change(self, level, image, scratch)),
            Family::Occlusion => work.change(|image| occlusion::change(self, image)),
            Family::Geometry | Family::Policy | Family::Group => Err(Error::InvalidArgument),
        }
    }

    /// The numbers that the rest is drawn from.
    fn stream(&self) -> Stream {
        stream(self.seed)
    }
}

#[cfg(test)]
mod tests;
