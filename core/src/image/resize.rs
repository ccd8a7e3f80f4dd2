//! Resizing.
//!
//! 8-bit images are resized byte for byte as Pillow does: columns first, then rows; the picture between the two passes is 8-bit; sums of 22-bit weights are 32-bit
//! integers, rounded half up and cut off at 0 and 255. [`ResizePlan::run_precise`] rounds nothing between the passes.
//! Each channel is resized by itself: where one of them is opacity, premultiply first (Pillow does so by itself for
//! RGBA).

mod bands;
mod blocks;
mod fit;
mod light;
mod precise;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use self::fit::{Fit, Placement, longest_side, smallest_side};
pub use self::light::{resize_linear_light, resize_linear_light_scratch_len};

use self::blocks::{BEHIND, Blocks, Layout};
use super::filter::{Filter, Sampling, Taps, WEIGHT_BITS};
use super::sample::{levels, levels_mut};
use super::{Sample, same};
use crate::error::{Error, Result};
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::{Isa, Level};
use crate::view::{ImageMut, ImageRef};
use core::ops::Range;

/// Rows that the pass over columns takes at a time: one lane each.
const ROWS: usize = 16;

/// The weights that take images of one size to another: made once, used for any number of images.
///
/// ```
/// use seedbed::image::{Filter, ResizePlan};
/// use seedbed::{ImageMut, ImageRef, Level, Scratch};
///
/// let mut memory = vec![0; ResizePlan::plan_len(Filter::Bilinear, (2, 2), (1, 1))];
/// let plan = ResizePlan::new(Filter::Bilinear, (2, 2), (1, 1), &mut Scratch::new(&mut memory)).unwrap();
/// let mut temporary = vec![0; plan.scratch_len(1)];
/// let mut out = [0u8];
/// plan.run(
///     Level::detect(),
///     ImageRef::new(&[10, 20, 30, 40], 2, 2, 1).unwrap(),
///     ImageMut::new(&mut out, 1, 1, 1).unwrap(),
///     &mut Scratch::new(&mut temporary),
/// )
/// .unwrap();
/// assert_eq!(out, [25]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ResizePlan<'s> {
    sampling: Sampling,
    from: (usize, usize),
    to: (usize, usize),
    rows: Taps<'s>,
    columns: Taps<'s>,
}

impl<'s> ResizePlan<'s> {
    /// Bytes that [`ResizePlan::new`] takes from its scratch. Sizes are (height, width).
    pub fn plan_len(sampling: impl Into<Sampling>, from: (usize, usize), to: (usize, usize)) -> usize {
        let sampling = sampling.into();
        Taps::scratch_len(sampling, from.0, to.0)
            .with_bytes(Taps::scratch_len(sampling, from.1, to.1).bytes())
            .bytes()
    }

    /// The plan from `from` = (height, width) to `to`; it keeps what it takes from `scratch`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where a side of `from` is 0 and its side of `to` is not, [`Error::Overflow`]
    /// where a side is not below 2³², [`Error::ScratchTooSmall`].
    pub fn new(
        sampling: impl Into<Sampling>,
        from: (usize, usize),
        to: (usize, usize),
        scratch: &mut Scratch<'s>,
    ) -> Result<Self> {
        if (from.0 == 0 && to.0 != 0) || (from.1 == 0 && to.1 != 0) {
            return Err(Error::InvalidArgument);
        }
        let sampling = sampling.into();
        let rows = Taps::new(sampling, from.0, to.0, scratch)?;
        let columns = Taps::new(sampling, from.1, to.1, scratch)?;
        Ok(Self { sampling, from, to, rows, columns })
    }

    /// Bytes of scratch that [`ResizePlan::run`] needs for images of `channels`.
    pub fn scratch_len(&self, channels: usize) -> usize {
        Self::run_len(self.sampling, self.from, self.to, channels)
    }

    /// What [`ResizePlan::scratch_len`] answers for the plan of these arguments.
    pub fn run_len(
        sampling: impl Into<Sampling>,
        from: (usize, usize),
        to: (usize, usize),
        channels: usize,
    ) -> usize {
        let sampling = sampling.into();
        let row = to.1.saturating_mul(channels);
        let ring = ring_rows(sampling.taps(from.0, to.0), from.0);
        let lanes = ScratchLen::new()
            .with::<u8>(from.1.saturating_mul(channels).saturating_mul(ROWS))
            .with::<u8>(row.saturating_mul(ROWS));
        let taps = sampling.taps(from.1, to.1);
        let blocks = Blocks::scratch_len(Layout::AVX2, taps, from.1, to.1, channels)
            .with::<u8>(Blocks::most_reach(taps, from.1, channels));
        ScratchLen::new()
            .with_bytes(lanes.max(blocks).bytes())
            .with::<u8>(row.saturating_add(BEHIND).saturating_mul(ring))
            .max(Self::bands_len(sampling, from, to, channels))
            .bytes()
    }

    /// [`Error::ShapeMismatch`] unless the images are of the plan's sizes and have as many channels.
    fn fits<T>(&self, src: &ImageRef<'_, T>, dst: &ImageMut<'_, T>) -> Result<()> {
        same((src.height(), src.width()), self.from)?;
        same(dst.shape(), (self.to.0, self.to.1, src.channels()))
    }

    /// Resizes `src` into `dst` by Pillow's rule.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where the images are not of the plan's sizes or differ in channels,
    /// [`Error::ScratchTooSmall`].
    pub fn run(
        &self,
        level: Level,
        src: ImageRef<'_, u8>,
        mut dst: ImageMut<'_, u8>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let channels = src.channels();
        self.fits(&src, &dst)?;
        if matches!(self.sampling.filter, Filter::Nearest) {
            self.pick(src, dst);
            return Ok(());
        }
        let mut frame = scratch.frame();
        if has_bands(level)
            && self.from.1 != self.to.1
            && let Some(blocks) =
                Blocks::new(level, Layout::VBMI, &self.columns, self.from.1, channels, &mut frame)?
        {
            return self.run_in_bands(level, &blocks, src, dst, &mut frame);
        }
        let len = dst.width() * channels;
        let rows = ring_rows(self.rows.stride(), src.height());
        let room = len.saturating_add(BEHIND);
        let mut ring = Ring { data: frame.take::<u8>(room.saturating_mul(rows))?, rows, room };
        let mut pass = self.pass(level, channels, &mut frame)?;
        let mut filled = 0;
        for ((start, weights), to) in self.rows.iter().zip(dst.iter_rows_mut()) {
            while filled < start + weights.len() {
                let next = (filled + ROWS).min(src.height()).max(filled + 1);
                self.squeeze(level, src, filled..next, &mut pass, &mut ring);
                filled = next;
            }
            weigh_rows(level, &ring, start, weights, to);
        }
        Ok(())
    }

    /// Resizes 8-bit values by [`ResizePlan::run`], wider ones by [`ResizePlan::run_precise`].
    ///
    /// # Errors
    /// As [`ResizePlan::run`].
    pub fn run_any<T: Sample>(
        &self,
        level: Level,
        src: ImageRef<'_, T>,
        mut dst: ImageMut<'_, T>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        match (levels(src), levels_mut(&mut dst)) {
            (Some(src), Some(dst)) => self.run(level, src, dst, scratch),
            _ => self.run_precise(level, src, dst, scratch),
        }
    }

    /// Bytes of scratch that [`ResizePlan::run_any`] needs for the plan of these arguments and images of `channels`.
    pub fn run_any_len<T: Sample>(
        sampling: impl Into<Sampling>,
        from: (usize, usize),
        to: (usize, usize),
        channels: usize,
    ) -> usize {
        if size_of::<T>() == 1 {
            Self::run_len(sampling, from, to, channels)
        } else {
            Self::run_precise_len(sampling, from, to, channels)
        }
    }

    /// How the columns are resized at this level.
    fn pass<'a>(&self, level: Level, channels: usize, scratch: &mut Scratch<'a>) -> Result<Pass<'a>> {
        if self.from.1 == self.to.1 {
            return Ok(Pass::Copy);
        }
        if has_blocks(level)
            && let Some(blocks) =
                Blocks::new(level, Layout::AVX2, &self.columns, self.from.1, channels, scratch)?
        {
            let copy = scratch.take::<u8>(blocks.reach)?;
            return Ok(Pass::Blocks(blocks, copy));
        }
        let lanes = |width: usize| width.saturating_mul(channels).saturating_mul(ROWS);
        Ok(Pass::Lanes(scratch.take::<u8>(lanes(self.from.1))?, scratch.take::<u8>(lanes(self.to.1))?))
    }

    /// Resizes the columns of rows `range`, at most [`ROWS`] of them, into the ring.
    fn squeeze(
        &self,
        level: Level,
        src: ImageRef<'_, u8>,
        range: Range<usize>,
        pass: &mut Pass<'_>,
        ring: &mut Ring<'_>,
    ) {
        match pass {
            Pass::Copy => {
                for y in range {
                    for (to, from) in ring.row_mut(y).iter_mut().zip(src.row(y)) {
                        *to = *from;
                    }
                }
            }
            Pass::Blocks(blocks, copy) => {
                for y in range {
                    weigh_blocks(level, blocks, blocks.row(src, y, copy), ring.row_mut(y));
                }
            }
            Pass::Lanes(lanes_in, lanes_out) => {
                for (lane, y) in range.clone().enumerate() {
                    for (to, from) in lanes_in.chunks_exact_mut(ROWS).zip(src.row(y)) {
                        if let Some(to) = to.get_mut(lane) {
                            *to = *from;
                        }
                    }
                }
                weigh_columns(&self.columns, src.channels(), lanes_in, lanes_out);
                for (lane, y) in range.enumerate() {
                    for (to, from) in ring.row_mut(y).iter_mut().zip(lanes_out.chunks_exact(ROWS)) {
                        if let Some(from) = from.get(lane) {
                            *to = *from;
                        }
                    }
                }
            }
        }
    }

    /// The nearest pixels.
    pub(crate) fn pick<T: Copy>(&self, src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) {
        let channels = src.channels().max(1);
        for ((y, _), to) in self.rows.iter().zip(dst.iter_rows_mut()) {
            let row = src.row(y);
            for ((x, _), pixel) in self.columns.iter().zip(to.chunks_exact_mut(channels.max(1))) {
                for (to, from) in pixel.iter_mut().zip(row.get(x * channels..).unwrap_or(&[])) {
                    *to = *from;
                }
            }
        }
    }
}

/// Rows that the ring between the passes holds: the longest window, and the next rows to come.
fn ring_rows(window: usize, height: usize) -> usize {
    window.saturating_add(ROWS).min(height)
}

/// The pass over columns.
enum Pass<'a> {
    /// The width stays.
    Copy,
    /// Row by row, pixels side by side in registers; room for a row as far as it is read.
    Blocks(Blocks<'a>, &'a mut [u8]),
    /// [`ROWS`] rows at once, one lane each: what goes in and what comes out.
    Lanes(&'a mut [u8], &'a mut [u8]),
}

/// Whether the registers of a level are wide enough for [`Pass::Blocks`].
const fn has_blocks(level: Level) -> bool {
    match level.0 {
        Isa::Base => false,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::Avx512 => true,
        // Without bands, too many channels for the blocks of a wider register.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vbmi => false,
    }
}

/// Whether a level has products of four bytes in a lane.
const fn has_bands(level: Level) -> bool {
    match level.0 {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vbmi => true,
        _ => false,
    }
}

/// The last rows of the picture between the passes.
struct Ring<'a> {
    data: &'a mut [u8],
    rows: usize,
    /// Bytes from row to row.
    room: usize,
}

impl Ring<'_> {
    fn start(&self, y: usize) -> usize {
        y.checked_rem(self.rows).unwrap_or(0) * self.room
    }

    /// Row `y` and the room behind it.
    fn row_mut(&mut self, y: usize) -> &mut [u8] {
        let start = self.start(y);
        self.data.get_mut(start..start + self.room).unwrap_or(&mut [])
    }

    /// Columns `range` of row `y`.
    #[inline(always)]
    fn part(&self, y: usize, range: Range<usize>) -> &[u8] {
        let start = self.start(y);
        self.data.get(start + range.start..start + range.end).unwrap_or(&[])
    }
}

/// A sum of weighted values as a value: rounded half up, cut off at 0 and 255.
#[inline(always)]
const fn settle(sum: i32) -> u8 {
    let value = sum >> WEIGHT_BITS;
    let value = if value < 0 { 0 } else { value };
    if value > 255 { 255 } else { value as u8 }
}

/// Where each sum starts: one half of the last place that is kept.
const HALF: i32 = 1 << (WEIGHT_BITS - 1);

dispatch! {
    /// One row of the output from the rows `start..` of the ring.
    fn weigh_rows(ring: &Ring<'_>, start: usize, weights: &[i32], to: &mut [u8]) {
        base: weigh_rows_base, Avx2: x86::rows_by_32, Avx512: x86::rows_by_64,
    }
}

fn weigh_rows_base(ring: &Ring<'_>, start: usize, weights: &[i32], to: &mut [u8]) {
    weigh_rows_body(ring, start, weights, 0, to);
}

/// Columns `first..` of one row of the output.
#[inline(always)]
fn weigh_rows_body(ring: &Ring<'_>, start: usize, weights: &[i32], first: usize, to: &mut [u8]) {
    const WIDE: usize = 64;
    for (i, chunk) in to.chunks_mut(WIDE).enumerate() {
        let at = first + i * WIDE;
        let mut sums = [HALF; WIDE];
        for (k, &weight) in weights.iter().enumerate() {
            let part = ring.part(start + k, at..at + chunk.len());
            // The usual whole chunk has a length that the compiler knows.
            match part.as_array::<WIDE>() {
                Some(part) => add_weighted(&mut sums, part, weight),
                None => add_weighted(&mut sums, part, weight),
            }
        }
        for (to, sum) in chunk.iter_mut().zip(sums) {
            *to = settle(sum);
        }
    }
}

#[inline(always)]
fn add_weighted(sums: &mut [i32], values: &[u8], weight: i32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        // Weights add up to 2²² with little overshoot, so that no sum leaves 32 bits.
        *sum = sum.wrapping_add((*value as i32).wrapping_mul(weight));
    }
}

dispatch! {
    /// One row of the picture between the passes, with the room behind it.
    fn weigh_blocks(blocks: &Blocks<'_>, from: &[u8], to: &mut [u8]) {
        base: no_blocks, Avx2: x86::columns_by_8,
    }
}

/// There are no blocks at the base level.
fn no_blocks(_: &Blocks<'_>, _: &[u8], _: &mut [u8]) {}

/// Columns for [`ROWS`] rows at once: `lanes_in` and `lanes_out` hold one value of each row side by side.
fn weigh_columns(columns: &Taps<'_>, channels: usize, lanes_in: &[u8], lanes_out: &mut [u8]) {
    let channels = channels.max(1);
    let (lanes_in, _) = lanes_in.as_chunks::<ROWS>();
    let (lanes_out, _) = lanes_out.as_chunks_mut::<ROWS>();
    for ((start, weights), pixel) in columns.iter().zip(lanes_out.chunks_exact_mut(channels.max(1))) {
        let window = lanes_in.get(start * channels..).unwrap_or(&[]);
        for (c, to) in pixel.iter_mut().enumerate() {
            let mut sums = [HALF; ROWS];
            let values = window.get(c..).unwrap_or(&[]).iter().step_by(channels);
            for (values, &weight) in values.zip(weights) {
                add_weighted(&mut sums, values, weight);
            }
            *to = sums.map(settle);
        }
    }
}

#[cfg(test)]
mod tests;
