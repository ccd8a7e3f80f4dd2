//! The large picture from the small one where it has few channels: a line of whole windows at a time, each added to its part
//! of the picture in the order of the places.

use super::{Conv, Ends, Engine, Executor, Result, Scratch, ScratchLen, blocks};
use crate::linalg::{Left, Out, Right, tiles};
use crate::nn::packing::{pack, packed_len};
use crate::nn::parallel::for_shares;
use crate::nn::rows;
use crate::simd::LANES;

impl Conv {
    /// `len` and what [`Conv::fold`] takes.
    pub(super) fn fold_scratch(&self, len: ScratchLen) -> ScratchLen {
        len.with::<f32>(self.fold_line().saturating_mul(self.threads))
    }

    /// Values of the windows of a line of places of one group.
    fn fold_line(&self) -> usize {
        self.small.width.saturating_mul(self.window())
    }

    /// [`Conv::large_from_packed`] so.
    pub(super) fn fold<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [packed, small]: [&[f32]; 2],
        ends: Ends<'_>,
        large: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (large_len, small_len) = self.lens();
        let each = packed_len(self.small_each(), self.window());
        let slots = scratch.take::<f32>(self.fold_line().saturating_mul(self.threads))?;
        for_shares(on.exec, self.threads, large, large_len, slots, |first, large, line| {
            let samples = rows::of(small, small_len).skip(first);
            for (sample, large) in samples.zip(rows::of_mut(large, large_len)) {
                if ends.begin(large) {
                    large.fill(0.0);
                }
                for y in 0..self.small.height {
                    for (group, packed) in rows::of(packed, each).enumerate() {
                        self.windows_of(on, sample, (y, group), packed, line);
                        self.add_windows(on, line, (y, group), large);
                    }
                }
                ends.end(on.level, large);
            }
        });
        Ok(())
    }

    /// The windows that line `y` of a small picture stands for.
    fn windows_of<E: Executor>(
        &self,
        on: Engine<'_, E>,
        sample: &[f32],
        (y, group): (usize, usize),
        packed: &[f32],
        line: &mut [f32],
    ) {
        let mut done = 0;
        for (_, part) in blocks(1, self.small_each()) {
            let left = Left {
                data: sample,
                first: y * self.small.width * self.small.channels + group * self.small_each() + part.start,
                groups: &[0],
                rows: self.small.width,
                row: self.small.channels,
                segments: &[0],
                len: part.len(),
                step: 1,
            };
            let right = Right {
                data: packed,
                first: done * self.window().next_multiple_of(LANES),
                line: LANES,
                panel: part.len() * LANES,
            };
            let out = Out { data: &mut *line, first: 0, group: 0, row: self.window(), cols: self.window() };
            tiles(on.level, left, right, out, done == 0);
            done += part.len();
        }
    }

    /// Adds the windows of line `y` to the picture.
    fn add_windows<E: Executor>(
        &self,
        on: Engine<'_, E>,
        line: &[f32],
        (y, group): (usize, usize),
        large: &mut [f32],
    ) {
        let (width, channels, each) = (self.large.width, self.large.channels, self.large_each());
        for (x, window) in rows::of(line, self.window()).enumerate() {
            let left = x * self.stride;
            // The columns of the window that lie inside, counted from its left edge.
            let first = self.padding.saturating_sub(left).min(self.kernel);
            let end = (width + self.padding).saturating_sub(left).min(self.kernel).max(first);
            for (ky, window) in rows::of(window, self.kernel * each).enumerate() {
                let row = (y * self.stride + ky).wrapping_sub(self.padding);
                if row >= self.large.height {
                    continue;
                }
                let at =
                    (row * width + (left + first).saturating_sub(self.padding)) * channels + group * each;
                let from = window.get(first * each..end * each).unwrap_or(&[]);
                if self.groups == 1 {
                    add(on.level, from, large.get_mut(at..).unwrap_or(&mut []));
                } else {
                    for (from, at) in rows::of(from, each).zip((at..).step_by(channels.max(1))) {
                        add(on.level, from, large.get_mut(at..).unwrap_or(&mut []));
                    }
                }
            }
        }
    }

    /// The weights of a group, a line for each small channel, a column for each value of a window.
    pub(super) fn pack_channels(&self, weight: &[f32], group: usize, packed: &mut [f32]) {
        let (channels, area) = (self.large_each().max(1), self.area());
        let depth = |k: usize| (group * self.small_each() + k) * self.window();
        let column = |n: usize| n % channels * area + n / channels;
        let mut rest = packed;
        for (_, part) in blocks(1, self.small_each()) {
            let own = rest.split_off_mut(..packed_len(part.len(), self.window())).unwrap_or(&mut []);
            pack(weight, part, self.window(), (depth, column), own);
        }
    }
}

kernel! {
    /// Adds as many values as `from` has.
    fn add(from: &[f32], to: &mut [f32]) = add_body;
}

#[inline(always)]
fn add_body(from: &[f32], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}
