//! What was drawn, done to pictures, and back.

use super::colour::{Tone, tone};
use super::filter;
use super::matrix::COLOUR;
use super::moves::Moves;
use super::resample::{self, Resampling};
use super::{Ada, AdaChange, BANDS};
use crate::augment::PURPOSE;
use crate::augment::diff::Pictures;
use crate::augment::diff::pictures::{join, part};
use crate::augment::diff::place::blank;
use crate::error::{Error, Result};
use crate::linalg::axpy;
use crate::nn::rows;
use crate::rng::{Key, Stream};
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;

impl Ada {
    /// Bytes of scratch that [`Ada::apply`] and [`Ada::backward`] take, however many pictures there are; `usize::MAX` where that
    /// is too large, 0 for pictures that are not served.
    pub fn scratch_len(of: Pictures) -> usize {
        let Ok(values) = of.len() else { return 0 };
        let apart = if of.apart() { values } else { 0 };
        ScratchLen::new()
            .with::<f32>(values)
            .with::<f32>(apart)
            .with::<f32>(apart)
            .with_bytes(resample::scratch_len(&of).max(filter::scratch_len(&of)).bytes())
            .bytes()
    }

    /// The pictures `x`, each changed as was drawn for it, to `out`; what was drawn that changes nothing takes no time. Takes
    /// [`Ada::scratch_len`].
    ///
    /// Colours are those of the first three channels. One channel or two are each as a grey, which is changed as the mean of red,
    /// green and blue that are all equal to it.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::NotFinite`] for a change that is not,
    /// [`Error::InvalidArgument`] for noise below 0, those of [`Pictures::len`], [`Error::ScratchTooSmall`]; `out` is untouched
    /// then.
    pub fn apply(
        level: Level,
        of: Pictures,
        drawn: &[AdaChange],
        x: &[f32],
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        each(of, drawn, x, out, scratch, |drawn, of, x, out, scratch| {
            drawn.places(level, of, x, out, scratch)?;
            if drawn.colours != COLOUR {
                tone(level, Tone::new(drawn.colours, of.channels), of.channels, out);
            }
            if drawn.gains != [1.0; BANDS] {
                filter::apply(level, of, drawn.gains, out, scratch)?;
            }
            if drawn.noise > 0.0 {
                drawn.add_noise(level, out);
            }
            blank(of, drawn.hole, out);
            Ok(())
        })
    }

    /// The gradient by the pictures from that by what [`Ada::apply`] made of them, `dy`, to `dx`. Takes [`Ada::scratch_len`].
    ///
    /// # Errors
    /// As [`Ada::apply`].
    pub fn backward(
        level: Level,
        of: Pictures,
        drawn: &[AdaChange],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        each(of, drawn, dy, dx, scratch, |drawn, of, dy, dx, scratch| {
            let moves = Moves::new(of, &drawn.map);
            let stays = moves.is_some_and(|moves| moves.is_identity());
            let before = scratch.take::<f32>(if stays { 0 } else { dy.len() })?;
            let grad = if stays { &mut *dx } else { &mut *before };
            rows::copy(dy, grad);
            blank(of, drawn.hole, grad);
            if drawn.gains != [1.0; BANDS] {
                filter::backward(level, of, drawn.gains, grad, &mut scratch.frame())?;
            }
            if drawn.colours != COLOUR {
                tone(level, Tone::new(drawn.colours, of.channels).adjoint(), of.channels, grad);
            }
            match moves {
                Some(_) if stays => {}
                Some(moves) => moves.backward(of, before, dx),
                None => Resampling::new(of, &drawn.map).backward(level, before, dx, scratch)?,
            }
            Ok(())
        })
    }
}

impl AdaChange {
    /// Whether nothing is changed.
    fn is_none(&self) -> bool {
        Self { seed: 0, ..*self } == Self::default()
    }

    /// The picture moved.
    fn places(
        &self,
        level: Level,
        of: &Pictures,
        x: &[f32],
        out: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        match Moves::new(of, &self.map) {
            Some(moves) if moves.is_identity() => rows::copy(x, out),
            Some(moves) => moves.apply(of, x, out),
            None => Resampling::new(of, &self.map).apply(level, x, out, &mut scratch.frame())?,
        }
        Ok(())
    }

    fn add_noise(&self, level: Level, picture: &mut [f32]) {
        let mut stream = Stream::new(self.seed, Key::new(PURPOSE));
        let mut normals = [0f32; 256];
        for part in picture.chunks_mut(normals.len()) {
            stream.fill_normal(level, &mut normals);
            axpy(level, self.noise, &normals, part);
        }
    }
}

/// Calls `change` with what was drawn for each picture, and the picture with its channels together.
fn each(
    of: Pictures,
    drawn: &[AdaChange],
    x: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch<'_>,
    change: impl Fn(&AdaChange, &Pictures, &[f32], &mut [f32], &mut Scratch<'_>) -> Result<()>,
) -> Result<()> {
    let len = of.check(drawn.len(), x, out)?;
    drawn.iter().try_for_each(AdaChange::check)?;
    if scratch.remaining() < Ada::scratch_len(of) {
        return Err(Error::ScratchTooSmall);
    }
    let pixels = Pictures { planes: false, ..of };
    for ((drawn, x), out) in drawn.iter().zip(rows::of(x, len)).zip(rows::of_mut(out, len)) {
        let mut scratch = scratch.frame();
        if drawn.is_none() {
            rows::copy(x, out);
        } else if of.apart() {
            let (joined, changed) = (scratch.take::<f32>(len)?, scratch.take::<f32>(len)?);
            join(&of, x, joined);
            change(drawn, &pixels, joined, changed, &mut scratch)?;
            part(&of, changed, out);
        } else {
            change(drawn, &pixels, x, out, &mut scratch)?;
        }
    }
    Ok(())
}
