//! Resizing values of any kind without rounding between the passes.

use super::ResizePlan;
use crate::error::Result;
use crate::image::Sample;
use crate::image::filter::{Filter, Sampling, WEIGHT_BITS};
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

impl ResizePlan<'_> {
    /// Bytes of scratch that [`ResizePlan::run_precise`] needs for images of `channels`.
    pub fn precise_len(&self, channels: usize) -> usize {
        Self::run_precise_len(self.sampling, self.from, self.to, channels)
    }

    /// What [`ResizePlan::precise_len`] answers for the plan of these arguments.
    pub fn run_precise_len(
        sampling: impl Into<Sampling>,
        from: (usize, usize),
        to: (usize, usize),
        channels: usize,
    ) -> usize {
        let sampling = sampling.into();
        let row = to.1.saturating_mul(channels);
        let ring = sampling.taps(from.0, to.0).min(from.0).saturating_mul(row);
        let taps = sampling.taps(from.1, to.1);
        ScratchLen::new().with::<f32>(ring).with::<f32>(row).with::<f32>(taps).bytes()
    }

    /// Resizes `src` into `dst` in `f32` arithmetic: columns first, then rows, each sum in the order of its pixels, and
    /// nothing is rounded before the end.
    ///
    /// # Errors
    /// As [`ResizePlan::run`].
    pub fn run_precise<T: Sample>(
        &self,
        level: Level,
        src: ImageRef<'_, T>,
        mut dst: ImageMut<'_, T>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let channels = src.channels();
        self.fits(&src, &dst)?;
        if matches!(self.sampling.filter, Filter::Nearest) {
            self.pick(src, dst);
            return Ok(());
        }
        let mut frame = scratch.frame();
        let len = dst.width() * channels;
        let slots = self.rows.stride().min(src.height());
        let ring = frame.take::<f32>(slots.saturating_mul(len))?;
        let (sums, weights) = (frame.take::<f32>(len)?, frame.take::<f32>(self.columns.stride())?);
        let slot = |y: usize| y.checked_rem(slots).unwrap_or(0) * len;
        let mut filled = 0;
        for ((start, taps), to) in self.rows.iter().zip(dst.iter_rows_mut()) {
            while filled < start + taps.len() {
                let to = ring.get_mut(slot(filled)..).and_then(|r| r.get_mut(..len)).unwrap_or(&mut []);
                self.squeeze_precisely(src.row(filled), channels, weights, to);
                filled += 1;
            }
            sums.fill(0.0);
            for (k, &weight) in taps.iter().enumerate() {
                let row = ring.get(slot(start + k)..).and_then(|r| r.get(..len)).unwrap_or(&[]);
                add(level, row, number(weight), sums);
            }
            for (to, sum) in to.iter_mut().zip(sums.iter()) {
                *to = T::from_f32(*sum);
            }
        }
        Ok(())
    }

    /// One row of the picture between the passes.
    fn squeeze_precisely<T: Sample>(&self, from: &[T], channels: usize, weights: &mut [f32], to: &mut [f32]) {
        if self.from.1 == self.to.1 {
            for (to, from) in to.iter_mut().zip(from) {
                *to = from.to_f32();
            }
            return;
        }
        for ((start, taps), pixel) in self.columns.iter().zip(to.chunks_exact_mut(channels.max(1))) {
            for (to, &weight) in weights.iter_mut().zip(taps) {
                *to = number(weight);
            }
            let weights = weights.get(..taps.len()).unwrap_or(&[]);
            let window = from.get(start * channels..).unwrap_or(&[]);
            match channels {
                1 => weigh::<T, 1>(window, weights, pixel),
                3 => weigh::<T, 3>(window, weights, pixel),
                4 => weigh::<T, 4>(window, weights, pixel),
                _ => {
                    for (c, to) in pixel.iter_mut().enumerate() {
                        let values = window.get(c..).unwrap_or(&[]).iter().step_by(channels.max(1));
                        *to = values.zip(weights).fold(0.0, |sum, (v, w)| sum + v.to_f32() * w);
                    }
                }
            }
        }
    }
}

/// The weighted sum of pixels.
#[inline(always)]
fn weigh<T: Sample, const C: usize>(window: &[T], weights: &[f32], to: &mut [f32]) {
    let mut sums = [0.0; C];
    for (pixel, w) in window.as_chunks::<C>().0.iter().zip(weights) {
        for (sum, v) in sums.iter_mut().zip(pixel) {
            *sum += v.to_f32() * w;
        }
    }
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = sum;
    }
}

/// A weight in fixed point as a number; exact, since weights have no more than 24 bits.
const fn number(weight: i32) -> f32 {
    weight as f32 / (1 << WEIGHT_BITS) as f32
}

kernel! {
    fn add(row: &[f32], weight: f32, sums: &mut [f32]) = add_body;
}

#[inline(always)]
fn add_body(row: &[f32], weight: f32, sums: &mut [f32]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value * weight;
    }
}
