//! The large picture from the small one: the forward pass of a transposed convolution, and the gradient by the input of a
//! convolution.
//!
//! Pixels of the large picture whose rows and columns leave the same remainder by the stride see the same taps of the
//! kernel: each such phase is a convolution with stride 1 of its own, without a multiplication by zeros between pixels.

use super::padded::Padded;
use super::{Conv, Ends, Engine, Executor, Result, Scratch, ScratchLen, blocks};
use crate::linalg::{Left, Out, Right, tiles};
use crate::nn::packing::{pack, packed_len};
use crate::nn::parallel::for_shares;
use crate::nn::rows;
use crate::simd::LANES;

/// Channels of the large picture below which most lanes would be idle; see [`Conv::folds`].
const FEW: usize = LANES;

/// What the pixels of a phase see along one side.
#[derive(Clone, Copy)]
struct Phase {
    /// The first pixel, and how many there are, `stride` apart.
    first: usize,
    count: usize,
    /// The first tap; others follow `stride` apart.
    tap: usize,
    taps: usize,
    /// The place of the small picture under the first tap for the first pixel; it may lie behind the last.
    place: usize,
}

impl Conv {
    /// Whether the large picture is made by adding whole windows, since it has too few channels for lanes of its own.
    pub(super) fn folds(&self) -> bool {
        self.large_each() < FEW
    }

    /// Values of the weights as [`Conv::large_from_packed`] reads them.
    pub fn large_packed_len(&self) -> usize {
        self.large_packed_each().saturating_mul(self.groups)
    }

    /// Those of one group.
    fn large_packed_each(&self) -> usize {
        if self.folds() {
            packed_len(self.small_each(), self.window())
        } else {
            packed_len(self.window_back(), self.large_each())
        }
    }

    /// Writes them.
    pub fn pack_large(&self, weight: &[f32], packed: &mut [f32]) {
        for (group, packed) in rows::of_mut(packed, self.large_packed_each()).enumerate() {
            if self.folds() {
                self.pack_channels(weight, group, packed);
            } else {
                self.pack_phases(weight, group, packed);
            }
        }
    }

    pub(super) fn large_scratch(&self) -> ScratchLen {
        let len = ScratchLen::new().with::<f32>(self.large_packed_len());
        if self.folds() {
            return self.fold_scratch(len);
        }
        let height = self.large.height.div_ceil(self.stride.max(1));
        len.with::<u32>(height.saturating_add(self.area()))
            .with::<f32>(self.padded_small().taken(self.threads))
    }

    /// Values of all taps of all small channels of a group.
    fn window_back(&self) -> usize {
        self.area().saturating_mul(self.small_each())
    }

    /// The phase of the pixels from `first` on along a side of `pixels`.
    fn phase(&self, first: usize, pixels: usize) -> Phase {
        let stride = self.stride.max(1);
        let tap = (first + self.padding) % stride;
        Phase {
            first,
            count: pixels.saturating_sub(first).div_ceil(stride),
            tap,
            taps: self.kernel.saturating_sub(tap).div_ceil(stride),
            place: (first + self.padding) / stride,
        }
    }

    /// The small picture with as many zeros around it as any phase reads.
    fn padded_small(&self) -> Padded {
        let (mut before, mut after) = (0, 0);
        for (pixels, places) in [(self.large.height, self.small.height), (self.large.width, self.small.width)]
        {
            for first in 0..self.stride.min(pixels) {
                let phase = self.phase(first, pixels);
                if phase.taps > 0 {
                    before = before.max((phase.taps - 1).saturating_sub(phase.place));
                    after = after.max((phase.place + phase.count).saturating_sub(places));
                }
            }
        }
        Padded { shape: self.small, before, after }
    }

    /// large ← bias or 0 + the sum over the windows of small·W.
    pub fn large_from_small<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [weight, small]: [&[f32]; 2],
        ends: Ends<'_>,
        large: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let packed = scratch.take::<f32>(self.large_packed_len())?;
        self.pack_large(weight, packed);
        self.large_from_packed(on, [packed, small], ends, large, scratch)
    }

    /// The same by weights that [`Conv::pack_large`] wrote.
    pub fn large_from_packed<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [packed, small]: [&[f32]; 2],
        ends: Ends<'_>,
        large: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        if self.folds() {
            return self.fold(on, [packed, small], ends, large, scratch);
        }
        let (large_len, small_len) = self.lens();
        let each = self.large_packed_each();
        let height = self.large.height.div_ceil(self.stride.max(1));
        let tables = scratch.take::<u32>(height.saturating_add(self.area()))?;
        let (lines, pieces) = tables.split_at_mut_checked(height).unwrap_or_default();
        let padded = self.padded_small();
        lines.iter_mut().enumerate().for_each(|(y, line)| *line = (y * padded.line()) as u32);
        // Where each piece of each phase begins, in the order of the phases.
        let mut next = pieces.iter_mut();
        self.each_phase(|y, x| {
            // The taps first: what ends first must not take one of the other.
            for (tap, place) in self.taps_at(y, x).zip(next.by_ref()) {
                *place = tap as u32;
            }
        });
        let (lines, pieces): (&[u32], &[u32]) = (lines, pieces);
        let slots = scratch.take::<f32>(padded.taken(self.threads))?;
        for_shares(on.exec, self.threads, large, large_len, slots, |first, large, slot| {
            let samples = rows::of(small, small_len).skip(first);
            for (sample, large) in samples.zip(rows::of_mut(large, large_len)) {
                let sample = padded.of(sample, slot);
                let mut fresh = ends.begin(large);
                if fresh && self.kernel < self.stride {
                    // Some pixels see no tap.
                    large.fill(0.0);
                    fresh = false;
                }
                for (group, packed) in rows::of(packed, each).enumerate() {
                    let (mut taps, mut done) = (pieces, 0);
                    self.each_phase(|y, x| {
                        let (own, rest) = taps.split_at_checked(self.pieces_of(y, x)).unwrap_or_default();
                        taps = rest;
                        for (some, part) in blocks(own.len(), self.piece_of(x)) {
                            let segments = own.get(some).unwrap_or(&[]);
                            let depth = segments.len() * part.len();
                            let left = Left {
                                data: sample,
                                first: group * self.small_each() + part.start,
                                groups: lines.get(..y.count).unwrap_or(&[]),
                                rows: x.count,
                                row: self.small.channels,
                                segments,
                                len: part.len(),
                                step: 1,
                            };
                            let right = Right {
                                data: packed,
                                first: done * self.large_each().next_multiple_of(LANES),
                                line: LANES,
                                panel: depth * LANES,
                            };
                            let pixel = y.first * self.large.width + x.first;
                            let out = Out {
                                data: &mut *large,
                                first: pixel * self.large.channels + group * self.large_each(),
                                group: self.stride * self.large.width * self.large.channels,
                                row: self.stride * self.large.channels,
                                cols: self.large_each(),
                            };
                            let begins = own.first() == segments.first() && part.start == 0;
                            tiles(on.level, left, right, out, fresh && begins);
                            done += depth;
                        }
                    });
                }
                ends.end(on.level, large);
            }
        });
        Ok(())
    }

    /// Calls `each` with every phase that sees something, rows first.
    fn each_phase(&self, mut each: impl FnMut(Phase, Phase)) {
        for y in 0..self.stride.min(self.large.height) {
            for x in 0..self.stride.min(self.large.width) {
                let (y, x) = (self.phase(y, self.large.height), self.phase(x, self.large.width));
                if y.taps > 0 && x.taps > 0 {
                    each(y, x);
                }
            }
        }
    }

    /// Pieces of what a pixel of a phase sees that lie in one piece in the picture.
    const fn pieces_of(&self, y: Phase, x: Phase) -> usize {
        if self.groups == 1 { y.taps } else { y.taps * x.taps }
    }

    /// Values of such a piece.
    fn piece_of(&self, x: Phase) -> usize {
        if self.groups == 1 { x.taps * self.small.channels } else { self.small_each() }
    }

    /// Where these pieces begin, from the upper left to the lower right: the last taps first.
    fn taps_at(&self, y: Phase, x: Phase) -> impl Iterator<Item = usize> {
        let padded = self.padded_small();
        let top = (y.place + padded.before + 1).saturating_sub(y.taps);
        let left = (x.place + padded.before + 1).saturating_sub(x.taps);
        let (line, channels) = (padded.line(), self.small.channels);
        let along = if self.groups == 1 { 1 } else { x.taps };
        (0..y.taps).flat_map(move |row| {
            (0..along).map(move |column| (top + row) * line + (left + column) * channels)
        })
    }

    /// The weights of a group in the order of the phases, of their taps from the last to the first, and of the small channels.
    fn pack_phases(&self, weight: &[f32], group: usize, packed: &mut [f32]) {
        let mut rest = packed;
        self.each_phase(|y, x| {
            let channels = self.small_each().max(1);
            let depth = |k: usize| {
                let (tap, channel) = (k / channels, k % channels);
                let row = y.tap + (y.taps - 1 - tap / x.taps) * self.stride;
                let column = x.tap + (x.taps - 1 - tap % x.taps) * self.stride;
                (group * self.small_each() + channel) * self.window() + row * self.kernel + column
            };
            let mut done = 0;
            for (some, part) in blocks(self.pieces_of(y, x), self.piece_of(x)) {
                let k = some.len() * part.len();
                let own = rest.split_off_mut(..packed_len(k, self.large_each())).unwrap_or(&mut []);
                pack(weight, done..done + k, self.large_each(), (depth, |n| n * self.area()), own);
                done += k;
            }
        });
    }
}
