//! Products by weights in panels, shared out by lines of the output.

use super::geometry::{Frame, Product, Side};
use super::steps::{Settle, Settled};
use super::tiles::{BEHIND, Left, Pieces, tiles};
use crate::error::Result;
use crate::exec::Executor;
use crate::nn::Engine;
use crate::nn::rows;
use crate::scratch::Scratch;
use crate::simd::Level;

/// Rows of a matrix that pass by its panels together: these fit the second-level cache.
const ROWS: usize = 96;
/// Lines of a picture that do so.
const LINES: usize = 16;
/// Products below which a thread's share is not worth handing over.
const SMALLEST_SHARE: usize = 1 << 18;

impl Product {
    /// Bytes of the inputs of a batch in their frames, where they need any.
    pub fn framed_len(&self, batch: usize) -> usize {
        let frame = self.frame();
        if frame.is_bare() { 0 } else { frame.len().saturating_mul(batch).saturating_add(BEHIND) }
    }

    /// The outputs of a batch, where `zero` is the byte of 0. Behind the inputs are [`BEHIND`] bytes, whatever these hold.
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
        let units = y.len().checked_div(unit).unwrap_or(0);
        let products = unit.saturating_mul(self.window()).max(1);
        let share = units.div_ceil(on.exec.width().max(1)).max(SMALLEST_SHARE / products).max(1);
        let piece = share.saturating_mul(unit);
        if self.is_matrix() {
            on.exec.for_each_chunk(y, piece, |i, y| {
                self.rows(on.level, panels, (x, i.saturating_mul(share)), by, y);
            });
            return Ok(());
        }
        let (frame, len) = (self.frame(), self.input.len()?);
        let batch = y.len().checked_div(self.output.len()?).unwrap_or(0);
        let framed = scratch.take::<u8>(self.framed_len(batch))?;
        let data = if frame.is_bare() {
            x
        } else {
            let (pictures, _) =
                framed.split_at_mut_checked(frame.len().saturating_mul(batch)).unwrap_or_default();
            on.exec.for_each_chunk(pictures, frame.len(), |i, to| {
                frame.fill(zero, rows::of(x, len).nth(i).unwrap_or(&[]), to);
            });
            &*framed
        };
        let pictures = Pictures { of: self, frame, level: on.level, panels, data, by };
        on.exec.for_each_chunk(y, piece, |i, y| pictures.lines(i.saturating_mul(share), y));
        Ok(())
    }

    /// Rows of the product of matrices, from row `first` on.
    fn rows<T: Settled>(
        &self,
        level: Level,
        panels: &[i8],
        (data, first): (&[u8], usize),
        by: &Settle<'_>,
        y: &mut [T],
    ) {
        let (inputs, outputs) = (self.input.channels, self.output.channels);
        for (block, y) in y.chunks_mut(outputs.saturating_mul(ROWS).max(1)).enumerate() {
            let left = Left {
                data,
                lines: &[(first + block * ROWS).saturating_mul(inputs)],
                rows: y.len().checked_div(outputs).unwrap_or(0),
                row: inputs,
                pieces: Pieces { down: 1, along: 1, len: inputs },
                down: 0,
                along: 0,
            };
            tiles(level, left, panels, outputs, &mut |tile| {
                T::settle(level, tile, by, (tile.row * outputs + tile.col, outputs), y);
            });
        }
    }
}

/// The pictures of a batch that windows pass over.
struct Pictures<'a> {
    of: &'a Product,
    frame: Frame,
    level: Level,
    panels: &'a [i8],
    /// The inputs in their frames.
    data: &'a [u8],
    by: &'a Settle<'a>,
}

impl Pictures<'_> {
    /// Lines of outputs, from line `first` of the batch on.
    fn lines<T: Settled>(&self, first: usize, y: &mut [T]) {
        let of = self.of;
        let line = of.output.width.saturating_mul(of.output.channels);
        let end = first.saturating_add(y.len().checked_div(line).unwrap_or(0));
        let mut panels = self.panels;
        of.each_phase(|down, along| {
            let len = of.pieces(down, along).panels_len(of.outputs());
            for group in 0..of.groups {
                let panels = panels.split_off(..len).unwrap_or(&[]);
                let by = self.by.from(group * of.outputs());
                let phase = Phase { panels, by: &by, down, along };
                let (mut from, mut to, mut some) = ([0; LINES], [0; LINES], 0);
                for number in first..end {
                    let here = self.line_at(number, (down, along), group);
                    let places = from.get_mut(some).zip(to.get_mut(some));
                    if let Some((at, (from, to))) = here.zip(places) {
                        let pixel = (number - first) * of.output.width + along.first;
                        (*from, *to) = (at, pixel * of.output.channels + group * of.outputs());
                        some += 1;
                    }
                    if some == LINES || number + 1 == end {
                        self.phase(&phase, from.get(..some).unwrap_or(&[]), &to, y);
                        some = 0;
                    }
                }
            }
        });
    }

    /// Where what line `number` of the outputs of a batch sees of a group begins, if it is one of a phase.
    fn line_at(&self, number: usize, (down, along): (Side, Side), group: usize) -> Option<usize> {
        let (of, frame) = (self.of, &self.frame);
        let (sample, y) = (number.checked_div(of.output.height)?, number.checked_rem(of.output.height)?);
        let y = y.checked_sub(down.first)?;
        let i = y.checked_div(down.step).filter(|_| y.checked_rem(down.step) == Some(0))?;
        let row = down.place(frame.top) + i * down.shift;
        let column = along.place(frame.left) * of.input.channels + group * of.inputs();
        Some(sample * frame.len() + row * frame.line() + column)
    }

    /// Lines of a phase, each of which begins where `from` and `to` tell.
    fn phase<T: Settled>(&self, phase: &Phase<'_>, from: &[usize], to: &[usize], y: &mut [T]) {
        let Phase { panels, by, down, along } = *phase;
        let (of, channels) = (self.of, self.of.input.channels);
        let left = Left {
            data: self.data,
            lines: from,
            rows: along.count,
            row: along.shift * channels,
            pieces: of.pieces(down, along),
            down: self.frame.line(),
            along: channels,
        };
        let row = along.step * of.output.channels;
        tiles(self.level, left, panels, of.outputs(), &mut |tile| {
            let line = to.get(tile.line).copied().unwrap_or(usize::MAX);
            let at = line.saturating_add(tile.row * row + tile.col);
            T::settle(self.level, tile, by, (at, row), y);
        });
    }
}

/// Outputs of a group that see the same taps, with what they are made by.
struct Phase<'a> {
    panels: &'a [i8],
    by: &'a Settle<'a>,
    down: Side,
    along: Side,
}
