//! The pipeline: steps in order, their shapes, and what is drawn for an image.

use super::draw::Drawn;
use super::group::{list, shapes, walk};
use super::op::Op;
use crate::error::{Error, Result};
use crate::rng::Key;

/// (height, width, channels).
pub type Shape = (usize, usize, usize);

/// The parameters drawn for one image, one record for each step.
pub type Params<const N: usize> = heapless::Vec<Drawn, N>;

/// The longest side of an image; whole numbers up to here are exact in `f32`.
const MAX_SIDE: usize = 1 << 24;

/// An operation and the probability that it happens.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Step {
    /// The operation.
    pub op: Op,
    /// Its probability, 0 to 1. An operation that changes the shape must be certain.
    pub p: f32,
}

/// At most `N` steps that are done one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Pipeline<const N: usize> {
    steps: heapless::Vec<Step, N>,
}

impl<const N: usize> Pipeline<N> {
    /// No steps.
    pub const fn new() -> Self {
        Self { steps: heapless::Vec::new() }
    }

    /// Adds a step with probability `p`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a parameter or probability out of range, [`Error::CapacityExceeded`] where there
    /// are `N` steps already.
    pub fn push(&mut self, op: Op, p: f32) -> Result<()> {
        let step = Step { op, p };
        step.validate()?;
        self.steps.push(step).map_err(|_| Error::CapacityExceeded)
    }

    /// The steps in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Refuses a pipeline, for example a deserialised one, with a parameter or probability out of range, or a group
    /// without all its members.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub fn validate(&self) -> Result<()> {
        self.steps.iter().try_for_each(Step::validate)?;
        list(&self.steps).try_for_each(|one| one.map(drop))
    }

    /// The shape that an image of `shape` comes out with; it does not depend on what is drawn.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where a side is 0, a part that is cut out is larger than the image, or a step that
    /// changes the shape is not certain (or is one of several members of a group that do not all change it alike), members
    /// of a group are missing, and what [`Pipeline::validate`] refuses; [`Error::Overflow`] for images that no memory
    /// holds.
    pub fn out_shape(&self, shape: Shape) -> Result<Shape> {
        self.validate()?;
        shapes(&self.steps, checked(shape)?, &mut |_, _| ())
    }

    /// What is drawn for the image of `key` and `shape`: see [`super::key`].
    ///
    /// Step i draws from the stream of `seed` and `key.op(i)`; members of a group that are not done count as skipped.
    ///
    /// # Errors
    /// As [`Pipeline::out_shape`].
    pub fn sample(&self, seed: u64, key: Key, shape: Shape) -> Result<Params<N>> {
        self.out_shape(shape)?;
        let mut params = Params::new();
        params.resize(self.steps.len(), Drawn::Skipped).map_err(|_| Error::CapacityExceeded)?;
        walk(&self.steps, 0, (seed, key), &mut { shape }, &mut |i, _, drawn, _| {
            params.get_mut(i).into_iter().for_each(|place| *place = drawn);
            Ok(())
        })?;
        Ok(params)
    }
}

impl Step {
    pub(super) fn validate(&self) -> Result<()> {
        // False for NaN.
        if !(self.p >= 0.0 && self.p <= 1.0) {
            return Err(Error::InvalidArgument);
        }
        self.op.validate()
    }

    /// The shape after this step.
    pub(super) fn out_shape(&self, shape: Shape) -> Result<Shape> {
        let (height, width, channels) = shape;
        let or_same = |part: u32, side: usize| if part == 0 { side } else { part as usize };
        let out = match self.op {
            Op::RandomCrop { height: h, width: w, padding, .. } => {
                let (h, w) = (or_same(h, height), or_same(w, width));
                let margin = (padding as usize).saturating_mul(2);
                if h > height.saturating_add(margin) || w > width.saturating_add(margin) {
                    return Err(Error::InvalidArgument);
                }
                (h, w, channels)
            }
            Op::RandomResizedCrop { height: h, width: w, .. } => {
                (or_same(h, height), or_same(w, width), channels)
            }
            Op::Pad { top, left, bottom, right, .. } => {
                let add =
                    |side: usize, a: u32, b: u32| side.saturating_add(a as usize).saturating_add(b as usize);
                (add(height, top, bottom), add(width, left, right), channels)
            }
            _ => shape,
        };
        if out != shape && self.p < 1.0 {
            return Err(Error::InvalidArgument);
        }
        checked(out)
    }
}

/// Refuses shapes without pixels and shapes that do not fit.
fn checked(shape: Shape) -> Result<Shape> {
    let (height, width, channels) = shape;
    if height == 0 || width == 0 || channels == 0 {
        return Err(Error::InvalidArgument);
    }
    if height > MAX_SIDE || width > MAX_SIDE {
        return Err(Error::Overflow);
    }
    len(shape).map(|_| shape)
}

/// Elements of an image of `shape`.
pub(super) fn len((height, width, channels): Shape) -> Result<usize> {
    let pixels = height.checked_mul(width).ok_or(Error::Overflow)?;
    pixels.checked_mul(channels).filter(|&n| n <= isize::MAX as usize / 4).ok_or(Error::Overflow)
}
