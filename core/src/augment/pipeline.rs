//! The pipeline: steps in order, their shapes, and what is drawn for an image.

use super::draw::Drawn;
use super::group::{list, shapes};
use super::normal::{Kept, Normal};
use super::op::Op;
use super::plan::Plan;
use crate::error::{Error, Result};
use crate::image::{longest_side, smallest_side};
use crate::rng::Key;
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// (height, width, channels).
pub type Shape = (usize, usize, usize);

/// The parameters drawn for one image, one record for each step.
pub type Params<const N: usize> = heapless::Vec<Drawn, N>;

/// The longest side of an image; whole numbers up to here are exact in `f32`.
const MAX_SIDE: usize = 1 << 24;

/// An operation and the probability that it happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The operation.
    pub op: Op,
    /// Its probability, 0 to 1. An operation that changes the shape must be certain.
    pub p: f32,
}

/// At most `N` steps that are done one after the other.
///
/// # One map for several steps
/// Flips, quarter turns, crops and margins that follow each other are moves of whole pixels, and exact whatever is done in
/// one pass. Where a step among them resamples through a map (`rotate`, `rotate_inside`, `shift_scale_shear`,
/// `perspective`), the steps before and after it join its map, and all are one resampling, as long as those that look
/// outside of the image have the same border, those that resample the same interpolation, and the joined map leads no further than 2³⁰ pixels. Places outside are then
/// looked up past the border of the image as it was before the first of these steps: what an earlier step has moved or
/// cut off comes back where a later one shows it, and its border does not. Steps that resize are passes of their own,
/// for they average over areas. [`Pipeline::set_fuse`] turns this off: each step that resamples is a pass then.
///
/// Steps that map values one by one (`brightness`, `gamma`, …) and follow each other are one table for 8-bit values, which
/// changes no byte.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline<const N: usize> {
    steps: heapless::Vec<Step, N>,
    fuse: bool,
    normal: Option<Kept>,
}

impl<const N: usize> Default for Pipeline<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Pipeline<N> {
    /// No steps.
    pub const fn new() -> Self {
        Self { steps: heapless::Vec::new(), fuse: true, normal: None }
    }

    /// Whether steps that resample join into one map, which is so unless it is set otherwise.
    pub const fn fuses(&self) -> bool {
        self.fuse
    }

    /// Sets what [`Pipeline::fuses`] tells.
    pub const fn set_fuse(&mut self, fuse: bool) {
        self.fuse = fuse;
    }

    /// How the images that come out are to be normalised, where that is a part of the pipeline: for
    /// [`Prepared::run_normalised`](super::Prepared::run_normalised) and [`Plan::batch_normalised`].
    pub fn normal(&self) -> Option<Normal<'_>> {
        self.normal.as_ref().map(Kept::normal)
    }

    /// Sets what [`Pipeline::normal`] tells.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where means and deviations differ in number, [`Error::InvalidArgument`] for none, and
    /// unless all are finite and all deviations positive, [`Error::CapacityExceeded`] for more channels than
    /// [`MOST_CHANNELS`](super::MOST_CHANNELS).
    pub fn set_normal(&mut self, normal: Option<Normal<'_>>) -> Result<()> {
        self.normal = normal.map(Kept::new).transpose()?;
        Ok(())
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

    /// This pipeline for images of `shape`.
    ///
    /// # Errors
    /// As [`Pipeline::out_shape`].
    pub fn plan(&self, shape: Shape) -> Result<Plan<'_, N>> {
        Plan::new(self, shape)
    }

    /// What is drawn for the image of `key` and `shape`: see [`super::key`].
    ///
    /// Step i draws from the stream of `seed` and `key.op(i)`; members of a group that are not done count as skipped.
    ///
    /// # Errors
    /// As [`Pipeline::out_shape`].
    pub fn sample(&self, seed: u64, key: Key, shape: Shape) -> Result<Params<N>> {
        self.plan(shape)?.draw(seed, key, &[])
    }

    /// Bytes of scratch that [`Pipeline::apply`] takes for an image of `shape`, whatever is drawn; 0 for shapes that
    /// [`Pipeline::out_shape`] refuses.
    pub fn scratch_len(&self, shape: Shape) -> usize {
        self.plan(shape).map_or(0, |plan| plan.scratch_len::<u8>())
    }

    /// Augments `src` into `dst`, which has the shape that [`Pipeline::out_shape`] tells, with what the streams of
    /// `seed` and `key` draw. A function of its arguments alone: the same bytes on every processor.
    ///
    /// This is [`Pipeline::plan`], [`Plan::draw`], [`Plan::prepare`] and [`Prepared::run`](super::Prepared::run) in one;
    /// for many images of one shape, keep the plan.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `dst` has another shape, [`Error::ScratchTooSmall`], and what
    /// [`Pipeline::validate`] and [`Pipeline::out_shape`] refuse. `dst` is untouched then.
    pub fn apply(
        &self,
        level: Level,
        src: ImageRef<'_, u8>,
        dst: ImageMut<'_, u8>,
        seed: u64,
        key: Key,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let plan = self.plan(src.shape())?;
        if dst.shape() != plan.out_shape() {
            return Err(Error::ShapeMismatch);
        }
        plan.fits::<u8>(scratch)?;
        plan.prepare(&plan.draw(seed, key, &[])?)?.run(level, src, dst, scratch)
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
            Op::RandomResizedCrop { height: h, width: w, .. }
            | Op::BoxSafeCrop { height: h, width: w, .. }
            | Op::RandomIouCrop { height: h, width: w, .. }
            | Op::Resize { height: h, width: w, .. }
            | Op::Letterbox { height: h, width: w, .. } => (or_same(h, height), or_same(w, width), channels),
            Op::Transpose {} => (width, height, channels),
            Op::CentreCrop { height: h, width: w } => {
                let (h, w) = (or_same(h, height), or_same(w, width));
                if h > height || w > width {
                    return Err(Error::InvalidArgument);
                }
                (h, w, channels)
            }
            Op::LongestSide { side, .. } => {
                let (h, w) = longest_side((height, width), or_same(side, height.max(width)));
                (h, w, channels)
            }
            Op::SmallestSide { side, .. } => {
                let (h, w) = smallest_side((height, width), or_same(side, height.min(width)));
                (h, w, channels)
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
