//! Doing what is prepared to pixels.

use super::action::{Action, Fill, Resampling};
use super::augmix::Mixture;
use super::draw::hole;
use super::effect::Effect;
use super::normal::{Normal, Numbers};
use super::op::Op;
use super::pipeline::{Shape, Step, len};
use super::plan::Prepared;
use super::policy::{self, Policy};
use crate::error::{Error, Result};
use crate::image::{self, Border, Filter, Fit, Placement, Rect, ResizePlan, Sample, Tiles, Tone};
use crate::rng::{Key, Stream};
use crate::scratch::{Plain, Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

impl<const N: usize> Prepared<N> {
    /// Makes `dst` of `src`.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `src` is not of the shape that this was prepared for, or `dst` not of that which
    /// comes out, [`Error::ScratchTooSmall`]; `dst` is untouched then.
    pub fn run<T: Sample>(
        &self,
        level: Level,
        src: ImageRef<'_, T>,
        dst: ImageMut<'_, T>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        if src.shape() != self.shape || dst.shape() != self.out_shape {
            return Err(Error::ShapeMismatch);
        }
        let mut frame = scratch.frame();
        let mut work = Work::new(level, src, Some(dst), self.passes(), &mut frame)?;
        work.all(self.passes(), &mut frame)?;
        work.finish()
    }

    /// [`Prepared::run`], then normalised: `dst` has as many numbers as the image that comes out has values.
    ///
    /// # Errors
    /// As [`Prepared::run`], and [`crate::image::normalise`].
    pub fn run_normalised<T: Sample>(
        &self,
        level: Level,
        src: ImageRef<'_, T>,
        dst: &mut [f32],
        normal: Normal<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        self.run_numbers(level, src, dst, &Numbers::new(normal, self.shape.2)?, scratch)
    }

    pub(super) fn run_numbers<T: Sample>(
        &self,
        level: Level,
        src: ImageRef<'_, T>,
        dst: &mut [f32],
        numbers: &Numbers<'_, T>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        if src.shape() != self.shape || dst.len() != len(self.out_shape)? {
            return Err(Error::ShapeMismatch);
        }
        let mut frame = scratch.frame();
        let mut work = Work::new(level, src, None, self.passes(), &mut frame)?;
        work.all(self.passes(), &mut frame)?;
        numbers.write(level, work.image()?, dst)
    }
}

impl Step {
    /// What the step takes besides the two images.
    pub(super) fn scratch_len<T: Sample>(&self, shape: Shape) -> usize {
        match self.op {
            Op::GaussianBlur { sigma: [_, most] } => image::blur_scratch_len::<T>(most, shape),
            Op::BoxBlur { radius } => image::box_blur_scratch_len::<T>(radius as usize, shape),
            // A smaller part of the image needs no more than the whole.
            op if Policy::of(&op).is_some() => {
                let hungriest = policy::hungry().iter().map(|op| Effect::scratch_len::<T>(op, shape)).max();
                let mixed = match op {
                    Op::Augmix { .. } => Mixture::scratch_len::<T>(shape),
                    _ => 0,
                };
                ScratchLen::new().with_bytes(mixed).with_bytes(hungriest.unwrap_or(0)).bytes()
            }
            op => match self.resize(shape) {
                Some((how, to)) => how.scratch_len::<T>(shape, to),
                None => {
                    op.bend_len((shape.0, shape.1)).unwrap_or_else(|| Effect::scratch_len::<T>(&op, shape))
                }
            },
        }
    }

    /// What the step takes of a mask besides its images.
    pub(super) fn mask_scratch_len(&self, shape: Shape) -> usize {
        let from = (shape.0, shape.1);
        match self.resize(shape) {
            Some((_, to)) => ResizePlan::plan_len(Filter::Nearest, from, to),
            None => self.op.bend_len(from).unwrap_or(0),
        }
    }

    /// How, and to which size, a step resizes.
    fn resize(&self, shape: Shape) -> Option<(Resampling, (usize, usize))> {
        let how = self.op.resampling()?;
        let (height, width, _) = self.out_shape(shape).ok()?;
        let to = match self.op {
            // The smaller it becomes, the more pixels make one.
            Op::Letterbox { .. } => {
                let part = Fit::Contain.placement((shape.0, shape.1), (height, width)).ok()?.target;
                (part.height as usize, part.width as usize)
            }
            _ => (height, width),
        };
        Some((how, to))
    }
}

/// The image on its way.
pub(super) struct Work<'a, T> {
    level: Level,
    src: ImageRef<'a, T>,
    dst: Option<ImageMut<'a, T>>,
    now: &'a mut [T],
    next: &'a mut [T],
    place: Place,
    shape: Shape,
    /// Passes to come that make another image.
    copies: usize,
}

/// Where the image is.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Source,
    Now,
    Output,
}

impl<'a, T: Plain> Work<'a, T> {
    /// `src` on its way to `dst`, or to the scratch where there is none.
    pub fn new(
        level: Level,
        src: ImageRef<'a, T>,
        dst: Option<ImageMut<'a, T>>,
        actions: impl Iterator<Item = Action>,
        scratch: &mut Scratch<'a>,
    ) -> Result<Self> {
        let (mut copies, mut first, mut largest) = (0, None, len(src.shape())?);
        for action in actions {
            copies += usize::from(action.copies());
            first = first.or(Some(!action.copies()));
            if let Some((height, width)) = action.size() {
                largest = largest.max(len((height, width, src.channels()))?);
            }
        }
        // Images on the way: a copy of the source where it is changed first, and one for each pass but that to the output.
        let within = (copies + usize::from(first.unwrap_or(false))).saturating_sub(dst.is_some().into());
        let room = |needed: bool| if needed { largest } else { 0 };
        let (now, next) = (scratch.take::<T>(room(within > 1))?, scratch.take::<T>(room(within > 0))?);
        Ok(Self { level, shape: src.shape(), src, dst, now, next, place: Place::Source, copies })
    }

    /// The shape of the image as it is.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The image as it is.
    pub fn image(&self) -> Result<ImageRef<'_, T>> {
        match (self.place, &self.dst) {
            (Place::Source, _) => Ok(self.src),
            (Place::Output, Some(dst)) => Ok(dst.as_ref()),
            _ => ImageRef::new(self.now, self.shape.0, self.shape.1, self.shape.2),
        }
    }

    /// Leaves the image in the output.
    pub fn finish(mut self) -> Result<()> {
        self.change(|_| Ok(()))
    }

    /// Changes the image where it is; the source is copied first.
    pub fn change(&mut self, op: impl FnOnce(ImageMut<'_, T>) -> Result<()>) -> Result<()> {
        if self.place == Place::Source {
            self.place_next((self.shape.0, self.shape.1), image::copy)?;
        }
        let (height, width, channels) = self.shape;
        match (self.place, &mut self.dst) {
            (Place::Output, Some(dst)) => op(dst.reborrow()),
            _ => op(ImageMut::new(self.now, height, width, channels)?),
        }
    }

    /// Runs `op` from the image into one of `size`, which then is the image.
    pub fn copy(
        &mut self,
        size: (usize, usize),
        op: impl FnOnce(ImageRef<'_, T>, ImageMut<'_, T>) -> Result<()>,
    ) -> Result<()> {
        self.copies = self.copies.saturating_sub(1);
        self.place_next(size, op)
    }

    fn place_next(
        &mut self,
        (height, width): (usize, usize),
        op: impl FnOnce(ImageRef<'_, T>, ImageMut<'_, T>) -> Result<()>,
    ) -> Result<()> {
        let channels = self.shape.2;
        let src = match self.place {
            Place::Source => self.src,
            _ => ImageRef::new(self.now, self.shape.0, self.shape.1, channels)?,
        };
        match &mut self.dst {
            Some(dst) if self.copies == 0 => {
                op(src, dst.reborrow())?;
                self.place = Place::Output;
            }
            _ => {
                op(src, ImageMut::new(self.next, height, width, channels)?)?;
                core::mem::swap(&mut self.now, &mut self.next);
                self.place = Place::Now;
            }
        }
        self.shape = (height, width, channels);
        Ok(())
    }
}

impl<T: Sample> Work<'_, T> {
    /// Does all actions, none of which is a policy's choice.
    pub fn all(
        &mut self,
        mut actions: impl Iterator<Item = Action> + Clone,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        while let Some(action) = actions.next() {
            // Tones that follow each other are done together.
            let rest = actions.clone().map_while(|action| action.tone());
            let mut ahead = rest.clone();
            self.one(&action, action.tone().into_iter().chain(rest), scratch)?;
            // One by one: compilers make of a fold over what policies hold a jump by a value that nothing has written, of
            // which nothing comes, but which checkers of memory tell.
            while action.tone().is_some() && ahead.next().is_some() {
                actions.next();
            }
        }
        Ok(())
    }

    /// Does `action`, with the `tones` that it begins where it is one.
    fn one(
        &mut self,
        action: &Action,
        tones: impl Iterator<Item = Tone> + Clone,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (level, size) = (self.level, (self.shape.0, self.shape.1));
        let value = |border: Border| border.map(T::of_level);
        match *action {
            Action::Move(grid) => {
                let border = value(grid.border.unwrap_or_default());
                self.copy(grid.size(), |src, dst| grid.apply(level, src, dst, border))
            }
            Action::Warp { map, how, border, size } => {
                // Edges are read the least from outside.
                let border = value(border.unwrap_or(Border::Edge));
                self.copy(size, |src, dst| image::warp(level, map, how, border, src, dst))
            }
            Action::Bend { bend, how, border } => {
                let border = value(border);
                self.copy(size, |src, dst| image::bend(level, &bend, how, border, src, dst, scratch))
            }
            Action::Tiles { cells, seed } => {
                self.copy(size, |src, dst| tiles(cells, seed, size)?.apply(src, dst))
            }
            Action::Resize { place, size, fill, how } => self.copy(size, |src, dst| {
                place_part(src, dst, place, T::of_level(fill), |src, dst| how.run(level, src, dst, scratch))
            }),
            Action::GaussianBlur(sigma) => self.copy(size, |src, dst| {
                image::gaussian_blur(level, sigma, Border::Reflect101, src, dst, scratch)
            }),
            Action::BoxBlur(radius) => self
                .copy(size, |src, dst| image::box_blur(level, radius, Border::Reflect101, src, dst, scratch)),
            Action::Tone(_) => self.change(|image| image::apply_tones(level, tones, image)),
            Action::Greyscale => self.change(|image| {
                image::greyscale(level, image);
                Ok(())
            }),
            Action::Adjust(adjust) => self.change(|image| adjust.apply(level, image)),
            Action::AugMix { mixture, look } => {
                self.copy(size, |src, dst| mixture.run(level, look, src, dst, scratch))
            }
            // Its passes are done one by one.
            Action::Chosen(_) => Err(Error::InvalidArgument),
            Action::Jitter(jitter) => self.change(|image| jitter.apply(level, image)),
            Action::HsvShift(shift) => self.change(|image| image::hsv_shift(level, shift, image)),
            Action::GaussianNoise { std, seed } => {
                self.change(|image| image::gaussian_noise(level, std, &mut stream(seed), image))
            }
            Action::Effect(effect) => effect.run(level, size, self, scratch),
            Action::Paint(part, fill) => self.change(|image| paint(image, part, fill)),
            Action::Holes { count, seed, height, width, fill } => self.change(|mut image| {
                let mut stream = stream(seed);
                (0..count).try_for_each(|_| {
                    let shares = [height, width].map(|[low, high]| stream.range(low, high));
                    let part = hole(&mut stream, shares, size);
                    paint(image.reborrow(), part, Fill::of(fill, stream.next_u32()))
                })
            }),
        }
    }
}

/// The stream of a seed that was drawn.
pub(super) fn stream(seed: u32) -> Stream {
    Stream::new(seed.into(), Key::new(super::PURPOSE))
}

/// The order of the tiles of an image of this size.
pub(super) fn tiles(cells: u32, seed: u32, size: (usize, usize)) -> Result<Tiles> {
    Tiles::draw(cells as usize, size, &mut stream(seed))
}

fn paint<T: Sample>(image: ImageMut<'_, T>, part: Rect, fill: Fill) -> Result<()> {
    match fill {
        Fill::Value(fill) => image::cutout(image, part, T::of_level(fill)),
        Fill::Noise(seed) => image::erase(image, part, &mut stream(seed)),
    }
}

impl Resampling {
    /// Bytes that [`Resampling::run`] takes from its scratch.
    fn scratch_len<T: Sample>(&self, shape: Shape, to: (usize, usize)) -> usize {
        let (sampling, from, channels) = (self.sampling, (shape.0, shape.1), shape.2);
        let run = if self.precise {
            ResizePlan::run_precise_len(sampling, from, to, channels)
        } else {
            ResizePlan::run_any_len::<T>(sampling, from, to, channels)
        };
        ScratchLen::new().with_bytes(ResizePlan::plan_len(sampling, from, to)).with_bytes(run).bytes()
    }

    /// Resizes all of `src` into all of `dst`.
    fn run<T: Sample>(
        &self,
        level: Level,
        src: ImageRef<'_, T>,
        dst: ImageMut<'_, T>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (from, to) = ((src.height(), src.width()), (dst.height(), dst.width()));
        let mut frame = scratch.frame();
        let plan = ResizePlan::new(self.sampling, from, to, &mut frame)?;
        if self.precise {
            return plan.run_precise(level, src, dst, &mut frame);
        }
        plan.run_any(level, src, dst, &mut frame)
    }
}

/// A part of `src` into a part of `dst` by `op`, and `fill` around it.
pub(super) fn place_part<T: Plain>(
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    Placement { source, target }: Placement,
    fill: T,
    op: impl FnOnce(ImageRef<'_, T>, ImageMut<'_, T>) -> Result<()>,
) -> Result<()> {
    op(source.of(src)?, target.of_mut(&mut dst)?)?;
    let channels = dst.channels();
    let [top, left, height, width] =
        [target.top, target.left, target.height, target.width].map(|n| n as usize);
    for (y, row) in dst.iter_rows_mut().enumerate() {
        let shown =
            if (top..top + height).contains(&y) { left * channels..(left + width) * channels } else { 0..0 };
        row.get_mut(..shown.start).unwrap_or(&mut []).fill(fill);
        row.get_mut(shown.end..).unwrap_or(&mut []).fill(fill);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
