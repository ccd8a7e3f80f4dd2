//! Weights laid out as tiles read them: what the sums start from, and the weights in the order of what a row holds.

use super::geometry::{Product, Side};
use super::tiles::{LINE, Pieces, STEP};
use crate::simd::LANES;

impl Product {
    /// What an output sees: a line of a window lies in one piece in the input, unless only some channels of each place are seen.
    pub fn pieces(&self, y: Side, x: Side) -> Pieces {
        if self.groups == 1 {
            Pieces { down: y.taps, along: 1, len: x.taps.saturating_mul(self.input.channels) }
        } else {
            Pieces { down: y.taps, along: x.taps, len: self.inputs() }
        }
    }

    /// Bytes of all panels: of each phase those of each group.
    pub fn panels_len(&self) -> usize {
        let mut len = 0usize;
        self.each_phase(|y, x| {
            let each = self.pieces(y, x).panels_len(self.outputs());
            len = len.saturating_add(each.saturating_mul(self.groups));
        });
        len
    }

    /// Writes the panels. Sums start from the bias less what the byte `zero` of 0 adds to them.
    pub fn pack(&self, zero: i32, weights: &[i8], biases: &[i32], mut panels: &mut [i8]) {
        self.each_phase(|y, x| {
            let pieces = self.pieces(y, x);
            let len = pieces.panels_len(self.outputs());
            let narrow = pieces.is_narrow(self.outputs());
            for group in 0..self.groups {
                let own = panels.split_off_mut(..len).unwrap_or(&mut []);
                own.fill(0);
                let biases = biases.iter().skip(group * self.outputs());
                for (column, &bias) in (0..self.outputs()).zip(biases) {
                    let place = Place::of(narrow, column, self.outputs(), len);
                    let sum = self.pack_column((y, x), (group, column), weights, place, own);
                    let start = bias.wrapping_sub(zero.wrapping_mul(sum)).to_ne_bytes();
                    let to = own.get_mut(place.start..).unwrap_or(&mut []);
                    to.iter_mut().zip(start).for_each(|(to, byte)| *to = byte as i8);
                }
            }
        });
    }

    /// Writes the weights of a column; returns their sum.
    fn pack_column(
        &self,
        (y, x): (Side, Side),
        (group, column): (usize, usize),
        weights: &[i8],
        place: Place,
        panels: &mut [i8],
    ) -> i32 {
        let Pieces { down, along, len } = self.pieces(y, x);
        let inputs = self.inputs().max(1);
        let (mut at, mut sum) = (place.first, 0i32);
        for (row, piece) in (0..down).flat_map(|row| (0..along).map(move |piece| (row, piece))) {
            for first in (0..len).step_by(place.together.max(1)) {
                let to = panels.get_mut(at..).unwrap_or(&mut []);
                for (k, to) in (first..len).zip(to.iter_mut().take(place.together)) {
                    let tap = (y.tap(row), x.tap(piece + k / inputs));
                    let from = self.weight(group, (k % inputs, column), tap);
                    *to = weights.get(from).copied().unwrap_or(0);
                    sum = sum.wrapping_add(i32::from(*to));
                }
                at = at.saturating_add(LINE);
            }
        }
        sum
    }
}

/// Where a column lies in panels.
#[derive(Clone, Copy)]
struct Place {
    /// What its sums start from.
    start: usize,
    /// Its first weights, which others follow a line later.
    first: usize,
    /// How many of them lie together.
    together: usize,
}

impl Place {
    /// Of column `column` of `cols`, whose panels have `len` bytes.
    fn of(narrow: bool, column: usize, cols: usize, len: usize) -> Self {
        if narrow {
            let each = len.saturating_sub(LINE).checked_div(cols).unwrap_or(0);
            return Self { start: column * STEP, first: LINE + column * each, together: LINE };
        }
        let each = len.checked_div(cols.div_ceil(LANES)).unwrap_or(0);
        let start = column / LANES * each + column % LANES * STEP;
        Self { start, first: start + LINE, together: STEP }
    }
}
