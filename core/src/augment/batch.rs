//! Many images of one shape in one call.

use super::pipeline::{Params, len};
use super::plan::{Plan, Prepared};
use super::run::{Normal, Numbers};
use crate::error::{Error, Result};
use crate::image::Sample;
use crate::rng::Key;
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// What a batch draws with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Draws<'a> {
    /// With this seed, for each image by itself, by its key.
    Own(u64, &'a [Key]),
    /// With this seed and key, once for all of so many images: for frames of a film, or the two pictures of a pair.
    Shared(u64, Key, usize),
}

impl Draws<'_> {
    /// How many images there are.
    pub const fn images(&self) -> usize {
        match self {
            Draws::Own(_, keys) => keys.len(),
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
    /// `dst` is untouched then.
    pub fn batch<T: Sample>(
        &self,
        level: Level,
        src: &[T],
        dst: &mut [T],
        draws: Draws<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (height, width, channels) = self.out_shape();
        self.fits::<T>(scratch)?;
        self.each(src, dst, draws, |prepared, src, dst| {
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
        draws: Draws<'_>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        self.fits::<T>(scratch)?;
        let numbers = Numbers::new(normal, self.shape().2)?;
        self.each(src, dst, draws, |prepared, src, dst| {
            prepared.run_numbers(level, src, dst, &numbers, scratch)
        })
    }

    /// Refuses too little scratch before the first image, whatever is drawn.
    pub(super) fn fits<T: Sample>(&self, scratch: &Scratch<'_>) -> Result<()> {
        if scratch.remaining() < self.scratch_len::<T>() { Err(Error::ScratchTooSmall) } else { Ok(()) }
    }

    fn each<T: Sample, U>(
        &self,
        src: &[T],
        dst: &mut [U],
        draws: Draws<'_>,
        mut run: impl FnMut(&Prepared<N>, ImageRef<'_, T>, &mut [U]) -> Result<()>,
    ) -> Result<()> {
        let (height, width, channels) = self.shape();
        let (from, to) = (len(self.shape())?, len(self.out_shape())?);
        let fits = |len: usize, each: usize| draws.images().checked_mul(each) == Some(len);
        if !fits(src.len(), from) || !fits(dst.len(), to) {
            return Err(Error::ShapeMismatch);
        }
        let mut shared = None;
        let images = src.chunks_exact(from.max(1)).zip(dst.chunks_exact_mut(to.max(1)));
        for (i, (src, dst)) in images.enumerate() {
            let src = ImageRef::new(src, height, width, channels)?;
            match draws {
                Draws::Own(seed, keys) => {
                    let key = keys.get(i).copied().ok_or(Error::ShapeMismatch)?;
                    run(&self.prepared(seed, key)?, src, dst)?;
                }
                Draws::Shared(seed, key, _) => {
                    let prepared = match &mut shared {
                        Some(prepared) => prepared,
                        none => none.insert(self.prepared(seed, key)?),
                    };
                    run(prepared, src, dst)?;
                }
            }
        }
        Ok(())
    }

    fn prepared(&self, seed: u64, key: Key) -> Result<Prepared<N>> {
        let params: Params<N> = self.draw(seed, key, &[])?;
        self.prepare(&params)
    }
}
