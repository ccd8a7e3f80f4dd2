//! A pipeline for images of one shape: what it draws, and what that does.

use super::action::Action;
use super::draw::{Drawn, Scene};
use super::group::{shapes, walk};
use super::pipeline::{Params, Pipeline, Shape, len};
use super::way::Way;
use crate::error::{Error, Result};
use crate::image::{Bounds, Label, Map, Perspective, Sample};
use crate::rng::{Key, Stream};
use crate::scratch::ScratchLen;

/// A pipeline for images of one shape, checked once for any number of them.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'p, const N: usize> {
    pipeline: &'p Pipeline<N>,
    shape: Shape,
    out_shape: Shape,
    /// Values of the largest image on the way.
    largest: usize,
}

impl<'p, const N: usize> Plan<'p, N> {
    pub(super) fn new(pipeline: &'p Pipeline<N>, shape: Shape) -> Result<Self> {
        let out_shape = pipeline.out_shape(shape)?;
        let mut largest = len(shape)?;
        shapes(pipeline.steps(), shape, &mut |step, shape| {
            largest = largest.max(step.out_shape(shape).and_then(len).unwrap_or(usize::MAX));
        })?;
        Ok(Self { pipeline, shape, out_shape, largest })
    }

    /// The shape of the images that go in.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The shape that they come out with.
    pub const fn out_shape(&self) -> Shape {
        self.out_shape
    }

    /// Bytes of scratch that an image takes, or a batch, whatever is drawn: two images of the largest shape on the way, and
    /// what the hungriest step needs.
    pub fn scratch_len<T: Sample>(&self) -> usize {
        let mut most = 0;
        let steps = shapes(self.pipeline.steps(), self.shape, &mut |step, shape| {
            most = most.max(step.scratch_len::<T>(shape));
        });
        let images = ScratchLen::new().with::<T>(self.largest).with::<T>(self.largest);
        steps.map_or(0, |_| images.with_bytes(most).bytes())
    }

    /// Bytes of scratch that [`Prepared::run_mask`](Prepared::run_mask) takes for a mask of `channels`, and for 8-bit ones
    /// of one channel [`Prepared::validity`](Prepared::validity).
    pub fn mask_scratch_len<T: Label>(&self, channels: usize) -> usize {
        let largest = self.largest.checked_div(self.shape.2).unwrap_or(0).saturating_mul(channels);
        let mut most = 0;
        let steps = shapes(self.pipeline.steps(), self.shape, &mut |step, shape| {
            most = most.max(step.mask_scratch_len(shape));
        });
        let images = ScratchLen::new().with::<T>(largest).with::<T>(largest).with::<T>(largest);
        steps.map_or(0, |_| images.with_bytes(most).bytes())
    }

    /// What is drawn for the image of this `key` with these `boxes`, which `box_safe_crop`, `random_iou_crop` and
    /// `constrained_cutout` look at: step i draws from the stream of `seed` and `key.op(i)`. Members of a group that are not
    /// done count as skipped.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where a step before moves the boxes by a map that has no opposite.
    pub fn draw(&self, seed: u64, key: Key, boxes: &[Bounds]) -> Result<Params<N>> {
        let mut scene = Scene { shape: self.shape, boxes, way: Way::<N>::new() };
        self.walk(|i, step, params| {
            let mut stream = Stream::new(seed, key.op(i as u32));
            let drawn = Drawn::draw(&step.op, step.p, &mut stream, &scene);
            if let Some(place) = params.get_mut(i) {
                *place = drawn;
            }
            let shape = scene.shape;
            scene.shape = if matches!(drawn, Drawn::Members(_)) { shape } else { step.out_shape(shape)? };
            if !boxes.is_empty()
                && let Some(action) = Action::of(step, drawn, shape)?
            {
                for action in action.passes() {
                    scene.way.push(&action, (shape.0, shape.1))?;
                }
            }
            Ok(drawn)
        })
    }

    /// Calls `each` with each step that is done, and with the records to be filled.
    fn walk(
        &self,
        mut each: impl FnMut(usize, &super::Step, &mut Params<N>) -> Result<Drawn>,
    ) -> Result<Params<N>> {
        let mut params = Params::new();
        let steps = self.pipeline.steps();
        params.resize(steps.len(), Drawn::Skipped).map_err(|_| Error::CapacityExceeded)?;
        walk(steps, 0, &mut |i, step| each(i, step, &mut params))?;
        Ok(params)
    }

    /// What is done to an image with these parameters, drawn now or long ago: the same ones give the same bytes.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for records that this pipeline cannot have drawn for an image of this shape.
    pub fn prepare(&self, params: &[Drawn]) -> Result<Prepared<N>> {
        if params.len() != self.pipeline.steps().len() {
            return Err(Error::InvalidArgument);
        }
        let mut actions = heapless::Vec::<Action, N>::new();
        let mut shape = self.shape;
        walk(self.pipeline.steps(), 0, &mut |i, step| {
            let drawn = params.get(i).copied().unwrap_or(Drawn::Skipped);
            let Some(action) = Action::of(step, drawn, shape)? else { return Ok(drawn) };
            if let Some((height, width)) = action.size() {
                shape = (height, width, shape.2);
            }
            let both = actions.last().and_then(|last| last.then(&action, self.pipeline.fuses()));
            match (both, actions.last_mut()) {
                (Some(both), Some(last)) => *last = both,
                _ => actions.push(action).map_err(|_| Error::CapacityExceeded)?,
            }
            Ok(drawn)
        })?;
        if shape != self.out_shape {
            return Err(Error::InvalidArgument);
        }
        Ok(Prepared { actions, shape: self.shape, out_shape: self.out_shape })
    }
}

/// What is done to one image, or to several alike: passes in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared<const N: usize> {
    pub(super) actions: heapless::Vec<Action, N>,
    pub(super) shape: Shape,
    pub(super) out_shape: Shape,
}

impl<const N: usize> Prepared<N> {
    /// All passes.
    pub(super) fn passes(&self) -> impl Iterator<Item = Action> + Clone {
        self.actions.iter().flat_map(|action| action.passes())
    }

    /// The inverse map of all that is done; `None` where no one map tells it, since something is
    /// bent or put into another order.
    pub fn map(&self) -> Option<Map> {
        if self.passes().any(|action| action.moves() && action.map().is_none()) {
            return None;
        }
        let all = self.passes().filter_map(|action| action.map()).reduce(|all, map| all.then(&map));
        Some(all.unwrap_or(Map::Perspective(Perspective::IDENTITY)))
    }

    /// Where the content of the image goes: for its boxes and keypoints.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where that cannot be told, for a map without an opposite.
    pub fn way(&self) -> Result<Way<N>> {
        let (mut way, mut size) = (Way::new(), (self.shape.0, self.shape.1));
        for action in self.passes() {
            way.push(&action, size)?;
            size = action.size().unwrap_or(size);
        }
        Ok(way)
    }
}

#[cfg(test)]
mod tests;
