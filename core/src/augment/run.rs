//! Running a pipeline on one image.

use super::draw::Drawn;
use super::group::{shapes, walk};
use super::op::Op;
use super::pipeline::{Pipeline, Shape, Step, len};
use crate::error::{Error, Result};
use crate::image::{self, Border, Interpolation, Map, Rect, ResizePlan, Table, Tone};
use crate::rng::{Key, Stream};
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

impl<const N: usize> Pipeline<N> {
    /// Bytes of scratch that [`Pipeline::apply`] takes for an image of `shape`, whatever is drawn:
    /// two images of the largest shape on the way, and what the hungriest step needs. 0 for shapes that
    /// [`Pipeline::out_shape`] refuses.
    pub fn scratch_len(&self, shape: Shape) -> usize {
        let needs = self.out_shape(shape).and_then(|_| self.needs(shape));
        let Ok((largest, most)) = needs else { return 0 };
        ScratchLen::new().with::<u8>(largest).with::<u8>(largest).with_bytes(most).bytes()
    }

    /// Of a shape that [`Pipeline::out_shape`] takes: the values of the largest image on the way, and the scratch of the hungriest step.
    fn needs(&self, shape: Shape) -> Result<(usize, usize)> {
        let (mut largest, mut most) = (len(shape)?, 0);
        shapes(self.steps(), shape, &mut |step, shape| {
            most = most.max(step.scratch_len(shape));
            let out = step.out_shape(shape).and_then(len).unwrap_or(usize::MAX);
            largest = largest.max(out);
        })?;
        Ok((largest, most))
    }

    /// Augments `src` into `dst`, which has the shape that [`Pipeline::out_shape`] tells, with what the streams of
    /// `seed` and `key` draw. A function of its arguments alone: the same bytes on every processor.
    ///
    /// Rotations, shifts, scales and shears that follow each other and have the same border are one map and one
    /// resampling.
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
        if self.out_shape(src.shape())? != dst.shape() {
            return Err(Error::ShapeMismatch);
        }
        let (largest, _) = self.needs(src.shape())?;
        let mut frame = scratch.frame();
        let (now, next) = (frame.take::<u8>(largest)?, frame.take::<u8>(largest)?);
        let mut work = Work { level, now, next, shape: src.shape(), pending: None };
        image::copy(src, work.image_mut()?)?;
        walk(self.steps(), 0, (seed, key), &mut src.shape(), &mut |_, step, drawn, stream| {
            work.run(step, drawn, stream, &mut frame)
        })?;
        work.flush()?;
        image::copy(work.image()?, dst)
    }
}

impl Step {
    /// What the step takes besides the two images.
    fn scratch_len(&self, shape: Shape) -> usize {
        match (self.op, self.out_shape(shape)) {
            (Op::RandomResizedCrop { filter, .. }, Ok(out)) => {
                // A part of the image needs no more than the whole.
                let (from, to) = ((shape.0, shape.1), (out.0, out.1));
                let plan = ResizePlan::plan_len(filter, from, to);
                let run = ResizePlan::run_len(filter, from, to, shape.2);
                ScratchLen::new().with_bytes(plan).with_bytes(run).bytes()
            }
            (Op::GaussianBlur { sigma: [_, most] }, _) => image::blur_scratch_len::<u8>(most, shape),
            (Op::BoxBlur { radius }, _) => image::box_blur_scratch_len::<u8>(radius as usize, shape),
            _ => 0,
        }
    }
}

/// The image on its way: where it is, where the next step may write, and a warp that waits for another
/// one to be composed with.
struct Work<'a> {
    level: Level,
    now: &'a mut [u8],
    next: &'a mut [u8],
    shape: Shape,
    pending: Option<(Map, Border)>,
}

impl Work<'_> {
    fn image(&self) -> Result<ImageRef<'_, u8>> {
        ImageRef::new(self.now, self.shape.0, self.shape.1, self.shape.2)
    }

    fn image_mut(&mut self) -> Result<ImageMut<'_, u8>> {
        ImageMut::new(self.now, self.shape.0, self.shape.1, self.shape.2)
    }

    /// Runs `op` from the image into one of shape `out`, which then is the image.
    fn into(
        &mut self,
        out: Shape,
        op: impl FnOnce(ImageRef<'_, u8>, ImageMut<'_, u8>) -> Result<()>,
    ) -> Result<()> {
        let src = ImageRef::new(self.now, self.shape.0, self.shape.1, self.shape.2)?;
        op(src, ImageMut::new(self.next, out.0, out.1, out.2)?)?;
        core::mem::swap(&mut self.now, &mut self.next);
        self.shape = out;
        Ok(())
    }

    /// Does the warp that waits.
    fn flush(&mut self) -> Result<()> {
        let level = self.level;
        match self.pending.take() {
            Some((map, border)) => {
                let how = Interpolation::Bilinear;
                self.into(self.shape, |src, dst| image::warp(level, map, how, border, src, dst))
            }
            None => Ok(()),
        }
    }

    fn run(
        &mut self,
        step: &Step,
        drawn: Drawn,
        stream: &mut Stream,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let level = self.level;
        let size = (self.shape.0, self.shape.1);
        let moved = match (drawn, step.op) {
            (Drawn::Motion(motion), Op::Rotate { border, .. } | Op::ShiftScaleShear { border, .. }) => {
                Some((Map::from(motion.inverse(size)?), border))
            }
            (Drawn::Corners(corners), Op::Perspective { border, .. }) => {
                Some((image::Perspective::of_corners(size, corners)?.into(), border))
            }
            _ => None,
        };
        if let Some((map, border)) = moved {
            // Maps that lead too far together are resampled one after the other.
            let both = match self.pending {
                Some((before, same)) if same == border => Some(before.then(&map)).filter(|m| m.reaches(size)),
                _ => None,
            };
            if both.is_none() {
                self.flush()?;
            }
            self.pending = Some((both.unwrap_or(map), border));
            return Ok(());
        }
        if matches!(drawn, Drawn::Skipped | Drawn::Members(_)) {
            return Ok(());
        }
        self.flush()?;
        let out = step.out_shape(self.shape)?;
        match (step.op, drawn) {
            (Op::HFlip {}, _) => self.into(out, |src, dst| image::hflip(level, src, dst)),
            (Op::VFlip {}, _) => self.into(out, image::vflip),
            (Op::Rot90 {}, Drawn::Turns(1)) => self.into(out, |src, dst| image::rot90(level, src, dst)),
            (Op::Rot90 {}, Drawn::Turns(2)) => self.into(out, |src, dst| image::rot180(level, src, dst)),
            (Op::Rot90 {}, Drawn::Turns(3)) => self.into(out, |src, dst| image::rot270(level, src, dst)),
            (Op::RandomCrop { border, .. }, Drawn::Place { top, left }) => {
                self.into(out, |src, dst| image::pad(src, dst, -(top as i64), -(left as i64), border))
            }
            (Op::RandomResizedCrop { filter, .. }, Drawn::Part(part)) => {
                self.into(out, |src, dst| resize_part(level, src, part, dst, filter, scratch))
            }
            (Op::Pad { top, left, border, .. }, _) => {
                self.into(out, |src, dst| image::pad(src, dst, top as i64, left as i64, border))
            }
            (Op::Brightness { .. }, Drawn::Amount(v)) => self.map(&Table::brightness(v)?),
            (Op::Contrast { .. }, Drawn::Amount(v)) => self.map(&Table::contrast(v, 127.5)?),
            (Op::Gamma { .. }, Drawn::Amount(v)) => self.map(&Table::gamma(v)?),
            (Op::Invert {}, _) => self.map(&Tone::Invert.table()?),
            (Op::Solarise { .. }, Drawn::Amount(v)) => self.map(&Tone::Solarise(v / 255.0).table()?),
            (Op::Posterise { bits }, _) => self.map(&Tone::Posterise(bits as u8).table()?),
            (Op::ToneCurve { .. }, Drawn::Amounts([low, high, _])) => {
                self.map(&Tone::Curve { low, high }.table()?)
            }
            (Op::ColourJitter { .. }, Drawn::Jitter(jitter)) => jitter.apply(level, self.image_mut()?),
            (Op::HsvShift { .. }, Drawn::Amounts(shift)) => image::hsv_shift(level, shift, self.image_mut()?),
            (Op::BoxBlur { radius }, _) => self.into(out, |src, dst| {
                image::box_blur(level, radius as usize, Border::Reflect101, src, dst, scratch)
            }),
            (Op::GaussianNoise { .. }, Drawn::Amount(std)) => {
                image::gaussian_noise(level, std, stream, self.image_mut()?)
            }
            (Op::GaussianBlur { .. }, Drawn::Amount(sigma)) => self.into(out, |src, dst| {
                image::gaussian_blur(level, sigma, Border::Reflect101, src, dst, scratch)
            }),
            (Op::Cutout { fill, .. }, Drawn::Part(part)) => {
                image::cutout(self.image_mut()?, part, fill as u8)
            }
            // No quarter turn at all.
            (Op::Rot90 {}, Drawn::Turns(_)) => Ok(()),
            _ => Err(Error::Unsupported),
        }
    }

    fn map(&mut self, table: &Table) -> Result<()> {
        table.apply_in_place(self.level, self.image_mut()?);
        Ok(())
    }
}

fn resize_part(
    level: Level,
    src: ImageRef<'_, u8>,
    part: Rect,
    dst: ImageMut<'_, u8>,
    filter: image::Filter,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let mut frame = scratch.frame();
    let from = (part.height as usize, part.width as usize);
    let plan = ResizePlan::new(filter, from, (dst.height(), dst.width()), &mut frame)?;
    plan.run(level, part.of(src)?, dst, &mut frame)
}

#[cfg(test)]
mod tests;
