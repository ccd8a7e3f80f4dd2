//! Many images of one shape in one call.

use super::mask::Labels;
use super::normal::{Normal, Numbers};
use super::pipeline::{Params, len};
use super::plan::{Plan, Prepared};
use crate::error::{Error, Result};
use crate::image::{Label, Sample};
use crate::rng::Key;
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// What a batch draws with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Draws<'a, const N: usize> {
    /// With this seed, for each image by itself, by its key.
    Own(u64, &'a [Key]),
    /// With this seed and key, once for all of so many images: for frames of a film, or the two pictures of a pair.
    Shared(u64, Key, usize),
    /// Nothing: it has these records, one for each image, as [`Plan::draw`] gave them, with the boxes of the image for example.
    Drawn(&'a [Params<N>]),
}

impl<const N: usize> Draws<'_, N> {
    /// How many images there are.
    pub const fn images(&self) -> usize {
        match self {
            Draws::Own(_, keys) => keys.len(),
            Draws::Drawn(records) => records.len(),
            Draws::Shared(_, _, images) => *images,
        }
    }
}

impl<const N: usize> Plan<'_, N> {
    /// Augments images that follow each other in `src`, images × height × width × channels, into `dst`. Each image comes out
    /// as it does alone.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] unless `src` and `dst` are as long as that many images are, [`Error::ScratchTooSmall`];
    /// `dst` is untouched then. [`Error::InvalidArgument`] for a record that the pipeline cannot have drawn.
    pub fn batch<T: Sample>(
        &self,
        level: Level,
        src: &[T],
        dst: &mut [T],
        draws: Draws<'_, N>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (height, width, channels) = self.out_shape();
        self.fits::<T>(scratch)?;
        self.pictures(src, dst, draws, |prepared, src, dst| {
            prepared.run(level, src, ImageMut::new(dst, height, width, channels)?, scratch)
        })
    }

    /// [`Plan::batch`], then normalised.
    ///
    /// # Errors
    /// As [`Plan::batch`], and [`crate::image::normalise`].
    pub fn batch_normalised<T: Sample>(
        &self,
        level: Level,
        src: &[T],
        dst: &mut [f32],
        normal: Normal<'_>,
        draws: Draws<'_, N>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        self.fits::<T>(scratch)?;
        let numbers = Numbers::new(normal, self.shape().2)?;
        self.pictures(src, dst, draws, |prepared, src, dst| {
            prepared.run_numbers(level, src, dst, &numbers, scratch)
        })
    }

    /// Moves the masks of a batch as [`Prepared::run_mask`] does, each as its image is moved with the same `draws`. They follow
    /// each other in `src`, images × height × width × channels, with any number of channels.
    ///
    /// # Errors
    /// As [`Plan::batch`].
    pub fn batch_masks<T: Label>(
        &self,
        level: Level,
        src: &[T],
        dst: &mut [T],
        how: (Labels, T),
        draws: Draws<'_, N>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let ((height, width, _), (to_height, to_width, _)) = (self.shape(), self.out_shape());
        let pixels = (height * width).saturating_mul(draws.images());
        let channels = src.len().checked_div(pixels).unwrap_or(0);
        if scratch.remaining() < self.mask_scratch_len::<T>(channels) {
            return Err(Error::ScratchTooSmall);
        }
        let (from, to) = ((height, width, channels), (to_height, to_width, channels));
        self.images(src, dst, (len(from)?, len(to)?), draws, |prepared, src, dst| {
            let src = ImageRef::new(src, height, width, channels)?;
            prepared.run_mask(level, src, ImageMut::new(dst, to_height, to_width, channels)?, how, scratch)
        })
    }

    /// Refuses too little scratch before the first image, whatever is drawn.
    pub(super) fn fits<T: Sample>(&self, scratch: &Scratch<'_>) -> Result<()> {
        if scratch.remaining() < self.scratch_len::<T>() { Err(Error::ScratchTooSmall) } else { Ok(()) }
    }

    /// [`Plan::images`] of the shape that the plan is for.
    fn pictures<T, U>(
        &self,
        src: &[T],
        dst: &mut [U],
        draws: Draws<'_, N>,
        mut run: impl FnMut(&Prepared<N>, ImageRef<'_, T>, &mut [U]) -> Result<()>,
    ) -> Result<()> {
        let (height, width, channels) = self.shape();
        let sizes = (len(self.shape())?, len(self.out_shape())?);
        self.images(src, dst, sizes, draws, |prepared, src, dst| {
            run(prepared, ImageRef::new(src, height, width, channels)?, dst)
        })
    }

    /// Calls `run` with what is done to each of `src` and with its place in `dst`, where these are of `sizes`.
    fn images<T, U>(
        &self,
        src: &[T],
        dst: &mut [U],
        (from, to): (usize, usize),
        draws: Draws<'_, N>,
        mut run: impl FnMut(&Prepared<N>, &[T], &mut [U]) -> Result<()>,
    ) -> Result<()> {
        let fits = |len: usize, each: usize| draws.images().checked_mul(each) == Some(len);
        if !fits(src.len(), from) || !fits(dst.len(), to) {
            return Err(Error::ShapeMismatch);
        }
        let mut images = src.chunks_exact(from.max(1)).zip(dst.chunks_exact_mut(to.max(1)));
        self.for_each(draws, |_, prepared| match images.next() {
            Some((src, dst)) => run(prepared, src, dst),
            None => Ok(()),
        })
    }

    /// Calls `each` with the place of each image in the batch and what is done to it: for boxes and keypoints, and for images
    /// that do not lie one after the other.
    ///
    /// # Errors
    /// Those of `each`, after which it is called no more, and of [`Plan::prepare`].
    pub fn for_each(
        &self,
        draws: Draws<'_, N>,
        mut each: impl FnMut(usize, &Prepared<N>) -> Result<()>,
    ) -> Result<()> {
        let drawn = |seed, key| self.prepare(&self.draw(seed, key, &[])?);
        match draws {
            Draws::Own(seed, keys) => {
                keys.iter().enumerate().try_for_each(|(i, key)| each(i, &drawn(seed, *key)?))
            }
            Draws::Shared(seed, key, images) => {
                let prepared = drawn(seed, key)?;
                (0..images).try_for_each(|i| each(i, &prepared))
            }
            Draws::Drawn(records) => {
                records.iter().enumerate().try_for_each(|(i, record)| each(i, &self.prepare(record)?))
            }
        }
    }
}

#[cfg(test)]
mod tests;
