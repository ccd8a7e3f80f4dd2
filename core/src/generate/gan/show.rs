//! What is done to pictures before the discriminator is shown them, and the way back.

use crate::augment::diff::{Ada, AdaChange, DiffAugment, DiffChange, Pictures};
use crate::error::{Error, Result};
use crate::nn::{Draws, Shape, rows};
use crate::rng::{Key, Stream};
use crate::scratch::Scratch;
use crate::simd::Level;

/// Augmentation of what the discriminator is shown, real and generated, so that it does not learn few pictures by heart; see
/// [`crate::augment::diff`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Show {
    /// As they are.
    #[default]
    Plain,
    /// Colour, translation and cutout, always (Zhao and others 2020).
    Diff(DiffAugment),
    /// More, with a probability that follows what the discriminator has learnt by heart (Karras and others 2020).
    Ada(Ada),
}

/// Samples of one kind with the streams that are theirs.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub show: &'a Show,
    /// The probability of [`Show::Ada`].
    pub p: f32,
    pub draws: Draws<'a>,
    /// What tells the draws of real samples from those of generated ones.
    pub op: u32,
}

/// Samples as pictures; a flat one is none.
pub(super) const fn pictures(of: Shape) -> Pictures {
    Pictures::interleaved(of.height, of.width, of.channels)
}

impl Show {
    /// Refuses numbers that are out of range, and augmentations of what is no picture.
    pub(super) fn check(&self, of: Shape) -> Result<()> {
        match self {
            Self::Plain => return Ok(()),
            Self::Diff(diff) => diff.check()?,
            Self::Ada(ada) => ada.check()?,
        }
        pictures(of).len()?;
        if of.height == 1 && of.width == 1 { Err(Error::Unsupported) } else { Ok(()) }
    }

    /// Bytes that showing takes.
    pub(super) fn scratch_len(&self, of: Shape) -> usize {
        if matches!(self, Self::Ada(_)) { Ada::scratch_len(pictures(of)) } else { 0 }
    }
}

impl Shown<'_> {
    fn key(&self, i: usize) -> Key {
        self.draws.keys.get(i).copied().unwrap_or(Key::new(0)).op(self.op)
    }

    fn each(
        &self,
        of: Shape,
        (from, to): (&[f32], &mut [f32]),
        mut job: impl FnMut(&mut Stream, &[f32], &mut [f32]) -> Result<()>,
    ) -> Result<()> {
        let width = of.len()?;
        for (i, (from, to)) in rows::of(from, width).zip(rows::of_mut(to, width)).enumerate() {
            job(&mut Stream::new(self.draws.seed, self.key(i)), from, to)?;
        }
        Ok(())
    }

    /// The samples `x` as the discriminator is shown them, to `out`.
    pub fn apply(
        &self,
        level: Level,
        of: Shape,
        (x, out): (&[f32], &mut [f32]),
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let pictures = pictures(of);
        match self.show {
            Show::Plain => {
                rows::copy(x, out);
                Ok(())
            }
            Show::Diff(diff) => self.each(of, (x, out), |stream, x, out| {
                let drawn: DiffChange = diff.draw(pictures, stream)?;
                DiffAugment::apply(level, pictures, &[drawn], x, out)
            }),
            Show::Ada(ada) => self.each(of, (x, out), |stream, x, out| {
                let drawn: AdaChange = ada.draw(pictures, self.p, stream)?;
                Ada::apply(level, pictures, &[drawn], x, out, &mut scratch.frame())
            }),
        }
    }

    /// The gradient by the samples from that by what was shown, drawn as it was for [`Shown::apply`].
    pub fn backward(
        &self,
        level: Level,
        of: Shape,
        (dy, dx): (&[f32], &mut [f32]),
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let pictures = pictures(of);
        match self.show {
            Show::Plain => {
                rows::copy(dy, dx);
                Ok(())
            }
            Show::Diff(diff) => self.each(of, (dy, dx), |stream, dy, dx| {
                let drawn = diff.draw(pictures, stream)?;
                DiffAugment::backward(level, pictures, &[drawn], dy, dx)
            }),
            Show::Ada(ada) => self.each(of, (dy, dx), |stream, dy, dx| {
                let drawn = ada.draw(pictures, self.p, stream)?;
                Ada::backward(level, pictures, &[drawn], dy, dx, &mut scratch.frame())
            }),
        }
    }
}
