//! The small picture from the large one: the forward pass of a convolution.

use super::{Conv, Ends, Engine, Executor, Result, Scratch, ScratchLen, blocks};
use crate::linalg::{Left, Out, Right, tiles};
use crate::nn::packing::{pack, packed_len};
use crate::nn::parallel::for_shares;
use crate::nn::rows;
use crate::simd::LANES;

impl Conv {
    /// Values of the weights as [`Conv::small_from_packed`] reads them.
    pub fn small_packed_len(&self) -> usize {
        packed_len(self.window(), self.small_each()).saturating_mul(self.groups)
    }

    /// Writes them.
    pub fn pack_small(&self, weight: &[f32], packed: &mut [f32]) {
        let each = packed_len(self.window(), self.small_each());
        for (group, packed) in rows::of_mut(packed, each).enumerate() {
            self.pack_windows(weight, group, packed);
        }
    }

    pub(super) fn small_scratch(&self) -> ScratchLen {
        ScratchLen::new()
            .with::<f32>(self.small_packed_len())
            .with::<u32>(self.small.height.saturating_add(self.pieces()))
            .with::<f32>(self.padded_large().taken(self.threads))
    }

    /// small ← bias or 0 + windows(large)·Wᵀ.
    pub fn small_from_large<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [weight, large]: [&[f32]; 2],
        ends: Ends<'_>,
        small: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let packed = scratch.take::<f32>(self.small_packed_len())?;
        self.pack_small(weight, packed);
        self.small_from_packed(on, [packed, large], ends, small, scratch)
    }

    /// The same by weights that [`Conv::pack_small`] wrote.
    pub fn small_from_packed<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [packed, large]: [&[f32]; 2],
        ends: Ends<'_>,
        small: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (large_len, small_len) = self.lens();
        let each = packed_len(self.window(), self.small_each());
        let tables = scratch.take::<u32>(self.small.height.saturating_add(self.pieces()))?;
        let (lines, pieces) = tables.split_at_mut_checked(self.small.height).unwrap_or_default();
        let padded = self.padded_large();
        lines.iter_mut().enumerate().for_each(|(y, line)| *line = (y * self.stride * padded.line()) as u32);
        pieces.iter_mut().enumerate().for_each(|(i, piece)| *piece = self.piece_at(i) as u32);
        let (lines, pieces): (&[u32], &[u32]) = (lines, pieces);
        let slots = scratch.take::<f32>(padded.taken(self.threads))?;
        for_shares(on.exec, self.threads, small, small_len, slots, |first, small, slot| {
            let samples = rows::of(large, large_len).skip(first);
            for (sample, small) in samples.zip(rows::of_mut(small, small_len)) {
                let sample = padded.of(sample, slot);
                let fresh = ends.begin(small);
                for (group, packed) in rows::of(packed, each).enumerate() {
                    let mut done = 0;
                    for (some, part) in blocks(self.pieces(), self.piece()) {
                        let segments = pieces.get(some).unwrap_or(&[]);
                        let depth = segments.len() * part.len();
                        let left = Left {
                            data: sample,
                            first: group * self.large_each() + part.start,
                            groups: lines,
                            rows: self.small.width,
                            row: self.stride * self.large.channels,
                            segments,
                            len: part.len(),
                            step: 1,
                        };
                        let right = Right {
                            data: packed,
                            first: done * self.small_each().next_multiple_of(LANES),
                            line: LANES,
                            panel: depth * LANES,
                        };
                        let out = Out {
                            data: small,
                            first: group * self.small_each(),
                            group: self.small.width * self.small.channels,
                            row: self.small.channels,
                            cols: self.small_each(),
                        };
                        tiles(on.level, left, right, out, fresh && done == 0);
                        done += depth;
                    }
                }
                ends.end(on.level, small);
            }
        });
        Ok(())
    }

    /// The weights of a group, a line for each value of a window in the order in which pictures store it, block by block.
    fn pack_windows(&self, weight: &[f32], group: usize, packed: &mut [f32]) {
        let (channels, area) = (self.large_each().max(1), self.area());
        let depth = |k: usize| k % channels * area + k / channels;
        let column = |n: usize| (group * self.small_each() + n) * self.window();
        let (mut rest, mut done) = (packed, 0);
        for (some, part) in blocks(self.pieces(), self.piece()) {
            let k = some.len() * part.len();
            let own = rest.split_off_mut(..packed_len(k, self.small_each())).unwrap_or(&mut []);
            pack(weight, done..done + k, self.small_each(), (depth, column), own);
            done += k;
        }
    }
}
