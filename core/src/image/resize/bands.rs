//! Resizing with products of four bytes at once in lanes of 32 bits: the picture between the passes is kept in bands of
//! four rows, whose values lie side by side, so that the pass over rows finds them as it needs them.

use super::ResizePlan;
use super::blocks::{Blocks, Layout, quad};
use crate::error::Result;
use crate::image::filter::Sampling;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Rows of a band.
pub(super) const BAND: usize = 4;
/// Values of a row that the pass over rows takes at a time, and so the most that it reads behind its end.
pub(super) const WIDE: usize = 64;

/// The last bands of the picture between the passes: value x of row y is byte 4 x + y mod 4 of its band.
pub(super) struct Bands<'a> {
    data: &'a mut [u8],
    /// Bytes from band to band.
    room: usize,
    /// How many bands there is room for.
    count: usize,
}

#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "no other target has bands"))]
impl Bands<'_> {
    /// Where band `index` begins.
    pub fn start(&self, index: usize) -> usize {
        index.checked_rem(self.count).unwrap_or(0) * self.room
    }

    /// Where the band begins that follows the one that begins at `start`.
    #[inline(always)]
    pub const fn next(&self, start: usize) -> usize {
        let next = start + self.room;
        if next < self.data.len() { next } else { 0 }
    }

    /// Values `WIDE * chunk..` of the rows of the band that begins at `start`.
    #[inline(always)]
    pub fn part(&self, start: usize, chunk: usize) -> &[[u8; WIDE]] {
        let start = start + chunk * BAND * WIDE;
        self.data.get(start..start + BAND * WIDE).unwrap_or(&[]).as_chunks().0
    }

    fn band_mut(&mut self, index: usize) -> &mut [u8] {
        let start = self.start(index);
        self.data.get_mut(start..start + self.room).unwrap_or(&mut [])
    }
}

/// The most bands that a window of so many rows lies in.
const fn bands(window: usize) -> usize {
    window.div_ceil(BAND).saturating_add(1)
}

/// Bytes of a band of rows of `len` values.
const fn room(len: usize) -> usize {
    len.saturating_add(WIDE).saturating_mul(BAND)
}

/// Words of the digits of so many weights, from any row of a band on.
const fn digits_len(window: usize) -> usize {
    bands(window).saturating_mul(Layout::VBMI.parts)
}

impl ResizePlan<'_> {
    /// What [`ResizePlan::run_in_bands`] takes from its scratch, and the blocks before it.
    pub(super) fn bands_len(
        sampling: Sampling,
        from: (usize, usize),
        to: (usize, usize),
        channels: usize,
    ) -> ScratchLen {
        let (rows, columns) = (sampling.taps(from.0, to.0), sampling.taps(from.1, to.1));
        let reach = Blocks::most_reach(columns, from.1, channels);
        Blocks::scratch_len(Layout::VBMI, columns, from.1, to.1, channels)
            .with::<u8>(room(to.1.saturating_mul(channels)).saturating_mul(bands(rows)))
            .with::<u8>(reach.saturating_mul(BAND))
            .with::<u32>(digits_len(rows))
    }

    /// [`ResizePlan::run`] for images that fit the plan.
    pub(super) fn run_in_bands(
        &self,
        level: Level,
        blocks: &Blocks<'_>,
        src: ImageRef<'_, u8>,
        mut dst: ImageMut<'_, u8>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (window, room) = (self.rows.stride(), room(dst.width() * src.channels()));
        let count = bands(window);
        let mut ring = Bands { data: scratch.take::<u8>(room.saturating_mul(count))?, room, count };
        let copies = scratch.take::<u8>(blocks.reach.saturating_mul(BAND))?;
        let digits = scratch.take::<u32>(digits_len(window))?.as_chunks_mut::<{ Layout::VBMI.parts }>().0;
        let mut filled = 0;
        for ((start, weights), to) in self.rows.iter().zip(dst.iter_rows_mut()) {
            let (first, end) = (start / BAND, (start + weights.len()).div_ceil(BAND));
            // Bands that no window touches are not made.
            for band in first.max(filled)..end {
                fill(level, blocks, src, band, copies, ring.band_mut(band));
            }
            filled = filled.max(end);
            let digits = digits.get_mut(..end - first).unwrap_or(&mut []);
            for (k, digits) in digits.iter_mut().enumerate() {
                let weight = |i: usize| weights.get((k * BAND + i).wrapping_sub(start % BAND)).copied();
                *digits = quad([0, 1, 2, 3].map(|i| weight(i).unwrap_or(0)));
            }
            weigh_bands(level, &ring, first, digits, to);
        }
        Ok(())
    }
}

/// Resizes the columns of the rows of a band; those below the image are as its last one, and weigh nothing.
fn fill(
    level: Level,
    blocks: &Blocks<'_>,
    src: ImageRef<'_, u8>,
    band: usize,
    copies: &mut [u8],
    to: &mut [u8],
) {
    let mut copies = copies.chunks_exact_mut(blocks.reach.max(1));
    let last = src.height().saturating_sub(1);
    let rows =
        [0, 1, 2, 3].map(|i| blocks.row(src, (band * BAND + i).min(last), copies.next().unwrap_or(&mut [])));
    weigh_band(level, blocks, &rows, to);
}

dispatch! {
    /// A band of the picture between the passes from four rows, each as long as the blocks reach.
    fn weigh_band(blocks: &Blocks<'_>, rows: &[&[u8]; BAND], to: &mut [u8]) {
        base: no_band, Avx512Vbmi: super::x86::columns_by_16,
    }
}

dispatch! {
    /// One row of the output from the bands `first..`, with the digits of the weights of each.
    fn weigh_bands(bands: &Bands<'_>, first: usize, digits: &[[u32; 3]], to: &mut [u8]) {
        base: no_bands, Avx512Vbmi: super::x86::bands_by_64,
    }
}

/// Only the level with such products has blocks for them.
fn no_band(_: &Blocks<'_>, _: &[&[u8]; BAND], _: &mut [u8]) {}

/// As [`no_band`].
fn no_bands(_: &Bands<'_>, _: usize, _: &[[u32; 3]], _: &mut [u8]) {}
