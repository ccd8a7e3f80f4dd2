//! The gradient by the weights, windows(large)ᵀ·small: a row for each value of a window, a column for each small channel, a
//! chain over all places of all samples.

use super::{Conv, DEPTH, Engine, Executor, Init, Result, Scratch, ScratchLen};
use crate::linalg::{Left, Out, Right, tiles};
use crate::nn::packing::{pack, packed_len};
use crate::nn::parallel::for_shares;
use crate::nn::rows;
use crate::simd::LANES;
use core::ops::Range;

impl Conv {
    pub(super) fn gradient_scratch(&self) -> ScratchLen {
        ScratchLen::new()
            .with::<f32>(self.window().saturating_mul(self.small.channels))
            .with::<u32>(self.pieces().saturating_add(self.together().saturating_mul(self.small.height)))
            .with::<f32>(self.gradient_slot().saturating_mul(self.threads))
    }

    /// Samples that are at work together: as many as fill a block of k.
    fn together(&self) -> usize {
        let fit = (u32::MAX as usize).checked_div(self.padded_large().len()).unwrap_or(0);
        DEPTH.checked_div(self.places()).unwrap_or(0).min(self.batch).min(fit).max(1)
    }

    /// Lines of places that are at work together: of all those samples, or fewer of one.
    fn lines(&self) -> usize {
        let most = DEPTH.checked_div(self.small.width).unwrap_or(0).max(1);
        if self.together() > 1 { self.together() * self.small.height } else { most.min(self.small.height) }
    }

    /// Whether the small pictures are read where they lie.
    fn in_place(&self) -> bool {
        self.small_each().is_multiple_of(LANES)
    }

    /// Values of a share's own memory: large pictures with their zeros, and lines of places in panels.
    fn gradient_slot(&self) -> usize {
        let panels = packed_len(self.lines().saturating_mul(self.small.width), self.small_each());
        self.padded_large().taken(self.together()).saturating_add(if self.in_place() { 0 } else { panels })
    }

    /// grad ← 0 or what it is + the gradient; the chains go on from one call to the next.
    pub fn weight_gradient<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [large, small]: [&[f32]; 2],
        init: Init<'_>,
        grad: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let columns = self.small_each();
        let sums = scratch.take::<f32>(self.window().saturating_mul(self.small.channels))?;
        match init {
            Init::Keep => {
                self.reorder(grad, |from, place| sums.get_mut(place).into_iter().for_each(|to| *to = *from))
            }
            _ => sums.fill(0.0),
        }
        let rows_of_samples = self.together().saturating_mul(self.small.height);
        let tables = scratch.take::<u32>(self.pieces().saturating_add(rows_of_samples))?;
        let (pieces, lines) = tables.split_at_mut_checked(self.pieces()).unwrap_or_default();
        let padded = self.padded_large();
        pieces.iter_mut().enumerate().for_each(|(i, piece)| *piece = self.piece_at(i) as u32);
        for (i, line) in lines.iter_mut().enumerate() {
            let (sample, y) = (i / self.small.height.max(1), i % self.small.height.max(1));
            *line = (sample * padded.len() + y * self.stride * padded.line()) as u32;
        }
        let (pieces, lines): (&[u32], &[u32]) = (pieces, lines);
        let slots = scratch.take::<f32>(self.gradient_slot().saturating_mul(self.threads))?;
        let (large_len, small_len) = self.lens();
        let unit = self.piece().saturating_mul(columns);
        for_shares(on.exec, self.threads, sums, unit, slots, |first, sums, slot| {
            let (slot, panels) = slot.split_at_mut_checked(padded.taken(self.together())).unwrap_or_default();
            let samples = large.chunks((large_len * self.together()).max(1));
            for (large, small) in samples.zip(small.chunks((small_len * self.together()).max(1))) {
                let large = padded.of(large, slot);
                let lines = lines.get(..small.len() / (self.small.width * self.small.channels).max(1));
                let mut place = 0;
                for lines in lines.unwrap_or(&[]).chunks(self.lines().max(1)) {
                    let k = place..place + lines.len() * self.small.width;
                    place = k.end;
                    self.share(on, (first, pieces), (large, lines), (small, k), panels, sums);
                }
            }
        });
        let sums: &[f32] = sums;
        self.reorder(grad, |to, place| *to = sums.get(place).copied().unwrap_or(0.0));
        Ok(())
    }

    /// Adds what the places `k` of some samples give to the pieces from `first` on, as many as `sums` has.
    fn share<E: Executor>(
        &self,
        on: Engine<'_, E>,
        (first, pieces): (usize, &[u32]),
        (large, lines): (&[f32], &[u32]),
        (small, k): (&[f32], Range<usize>),
        panels: &mut [f32],
        sums: &mut [f32],
    ) {
        let columns = self.small_each();
        let unit = self.piece().saturating_mul(columns).max(1);
        // Pieces of one group after the other.
        let count = sums.len() / unit;
        let mut at = first;
        while at < first + count {
            let (group, begin) = (at / self.pieces().max(1), at % self.pieces().max(1));
            let end = (begin + first + count - at).min(self.pieces());
            let own = pieces.get(begin..end).unwrap_or(&[]);
            let line = self.small.channels;
            let right = if self.in_place() {
                Right { data: small, first: k.start * line + group * columns, line, panel: LANES }
            } else {
                pack(small, k.clone(), columns, (|k| k * line + group * columns, |n| n), panels);
                Right { data: panels, first: 0, line: LANES, panel: k.len() * LANES }
            };
            let left = Left {
                data: large,
                first: group * self.large_each(),
                groups: own,
                rows: self.piece(),
                row: 1,
                segments: lines,
                len: self.small.width,
                step: self.stride * self.large.channels,
            };
            let out = Out {
                data: &mut *sums,
                first: (at - first) * unit,
                group: unit,
                row: columns,
                cols: columns,
            };
            tiles(on.level, left, right, out, false);
            at += end - begin;
        }
    }

    /// Calls `each` with each weight and its place among the sums: [group][row, column, channel][small channel] there,
    /// [small channel][channel][row, column] here.
    fn reorder(&self, grad: &mut [f32], mut each: impl FnMut(&mut f32, usize)) {
        let (columns, channels, area) = (self.small_each(), self.large_each(), self.area());
        for (n, filter) in rows::of_mut(grad, self.window()).enumerate() {
            let (group, n) = (n / columns.max(1), n % columns.max(1));
            for (c, kernel) in rows::of_mut(filter, area).enumerate() {
                for (tap, weight) in kernel.iter_mut().enumerate() {
                    each(weight, ((group * area + tap) * channels + c) * columns + n);
                }
            }
        }
    }
}
