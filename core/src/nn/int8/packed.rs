//! Products by weights in panels, shared out by lines of the output.

use super::geometry::{Product, Side};
use super::steps::{Settle, Settled};
use super::tiles::{Left, tiles};
use crate::error::Result;
use crate::exec::Executor;
use crate::nn::Engine;
use crate::nn::rows;
use crate::scratch::Scratch;

/// Rows of a matrix that pass by its panels together: these fit the second-level cache.
const ROWS: usize = 96;
/// Lines that do so.
const LINES: usize = 16;
/// Products below which a thread's share is not worth handing over.
const SMALLEST_SHARE: usize = 1 << 18;

/// Bytes behind an input that may be read with it.
pub(super) const BEHIND: usize = 4;

impl Product {
    /// Bytes of the inputs of a batch in their frames, where they need any.
    pub fn framed_len(&self, batch: usize) -> usize {
        let frame = self.frame();
        if frame.is_bare() { 0 } else { frame.len().saturating_mul(batch).saturating_add(BEHIND) }
    }

    /// The outputs of a batch. Behind the inputs are [`BEHIND`] bytes, whatever these hold.
    pub fn by_panels<T: Settled, E: Executor>(
        &self,
        on: Engine<'_, E>,
        (panels, zero): (&[i8], u8),
        x: &[u8],
        by: &Settle<'_>,
        y: &mut [T],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let channels = self.output.channels;
        let unit = if self.is_matrix() { channels } else { self.output.width.saturating_mul(channels) };
        let each = unit.saturating_mul(self.window()).max(1);
        let units = y.len().checked_div(unit).unwrap_or(0);
        let share = units.div_ceil(on.exec.width().max(1)).max(SMALLEST_SHARE / each).max(1);
        let piece = share.saturating_mul(unit);
        if self.is_matrix() {
            on.exec
                .for_each_chunk(y, piece, |i, y| self.rows(on, panels, (x, i.saturating_mul(share)), by, y));
            return Ok(());
        }
        let (frame, len) = (self.frame(), self.input.len()?);
        let framed =
            scratch.take::<u8>(self.framed_len(y.len().checked_div(self.output.len()?).unwrap_or(0)))?;
        let x = if frame.is_bare() {
            x
        } else {
            on.exec.for_each_chunk(framed, frame.len(), |i, to| {
                frame.fill(zero, rows::of(x, len).nth(i).unwrap_or(&[]), to);
            });
            &*framed
        };
        on.exec.for_each_chunk(y, piece, |i, y| self.lines(on, panels, (x, i.saturating_mul(share)), by, y));
        Ok(())
    }

    /// Rows of the product of matrices, from row `first` on.
    fn rows<T: Settled, E>(
        &self,
        on: Engine<'_, E>,
        panels: &[i8],
        (x, first): (&[u8], usize),
        by: &Settle<'_>,
        y: &mut [T],
    ) {
        let (inputs, outputs) = (self.input.channels, self.output.channels);
        for (block, y) in y.chunks_mut(outputs.saturating_mul(ROWS).max(1)).enumerate() {
            let left = Left {
                data: x,
                lines: &[(first + block * ROWS).saturating_mul(inputs)],
                rows: y.len().checked_div(outputs).unwrap_or(0),
                row: inputs,
                down: (1, 0),
                along: (1, 0),
                len: inputs,
            };
            tiles(on.level, left, panels, outputs, &mut |tile| {
                T::settle(on.level, tile, by, (tile.row * outputs + tile.col, outputs), y);
            });
        }
    }

    /// Lines of outputs of pictures, from line `first` of the batch on.
    fn lines<T: Settled, E>(
        &self,
        on: Engine<'_, E>,
        mut panels: &[i8],
        (x, first): (&[u8], usize),
        by: &Settle<'_>,
        y: &mut [T],
    ) {
        let line = self.output.width.saturating_mul(self.output.channels);
        let end = first.saturating_add(y.len().checked_div(line).unwrap_or(0));
        self.each_phase(|down, along| {
            let len = self.phase_len(down, along);
            for group in 0..self.groups {
                let panels = panels.split_off(..len).unwrap_or(&[]);
                let by = by.from(group * self.outputs());
                let (mut from, mut to) = ([0; LINES], [0; LINES]);
                let mut some = 0;
                for number in first..end {
                    let here = self.line_at(number, (down, along), group);
                    let places = from.get_mut(some).zip(to.get_mut(some));
                    if let Some((at, (from, to))) = here.zip(places) {
                        let pixel = (number - first) * self.output.width + along.first;
                        (*from, *to) = (at, pixel * self.output.channels + group * self.outputs());
                        some += 1;
                    }
                    if some == LINES || some > 0 && number + 1 == end {
                        let from = from.get(..some).unwrap_or(&[]);
                        self.phase(on, panels, (x, from), (down, along), &by, (y, &to));
                        some = 0;
                    }
                }
            }
        });
    }

    /// Where what line `number` of the outputs of a batch sees of a group begins, if it is one of a phase.
    fn line_at(&self, number: usize, (down, along): (Side, Side), group: usize) -> Option<usize> {
        let frame = self.frame();
        let (sample, y) = (number.checked_div(self.output.height)?, number.checked_rem(self.output.height)?);
        let (i, rest) = (y.checked_sub(down.first)?, y.checked_sub(down.first)?.checked_rem(down.step)?);
        let i = i.checked_div(down.step).filter(|_| rest == 0)?;
        let row = down.place(frame.top) + i * down.shift;
        let column = along.place(frame.left) * self.input.channels + group * self.inputs();
        Some(sample * frame.len() + row * frame.line() + column)
    }

    /// Lines of a phase, each of which begins where `from` and `to` tell.
    fn phase<T: Settled, E>(
        &self,
        on: Engine<'_, E>,
        panels: &[i8],
        (x, from): (&[u8], &[usize]),
        (down, along): (Side, Side),
        by: &Settle<'_>,
        (y, to): (&mut [T], &[usize]),
    ) {
        let pieces = self.pieces(down, along);
        let channels = self.input.channels;
        let left = Left {
            data: x,
            lines: from,
            rows: along.count,
            row: along.shift * channels,
            down: (pieces.down, self.frame().line()),
            along: (pieces.along, channels),
            len: pieces.len,
        };
        let row = along.step * self.output.channels;
        tiles(on.level, left, panels, self.outputs(), &mut |tile| {
            let line = to.get(tile.line).copied().unwrap_or(usize::MAX);
            let at = line.saturating_add(tile.row * row + tile.col);
            T::settle(on.level, tile, by, (at, row), y);
        });
    }
}
