//! Weights in panels of sixteen columns, as tiles read them: what the sums start from, and a line for each four values of k.

use super::geometry::{Product, Side};
use super::tiles::{LINE, STEP};
use crate::nn::rows;
use crate::simd::LANES;

/// How what an output sees lies in the input: pieces that lie in one piece there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces {
    /// Lines of pieces, pieces of a line, and bytes of a piece.
    pub down: usize,
    pub along: usize,
    pub len: usize,
}

impl Product {
    /// A line of a window is one piece, unless only some channels of each place are seen.
    pub fn pieces(&self, y: Side, x: Side) -> Pieces {
        if self.groups == 1 {
            Pieces { down: y.taps, along: 1, len: x.taps.saturating_mul(self.input.channels) }
        } else {
            Pieces { down: y.taps, along: x.taps, len: self.inputs() }
        }
    }

    /// Bytes of the panels of one group for a phase.
    pub fn phase_len(&self, y: Side, x: Side) -> usize {
        let Pieces { down, along, len } = self.pieces(y, x);
        let steps = down.saturating_mul(along).saturating_mul(len.div_ceil(STEP));
        let panels = self.outputs().div_ceil(LANES);
        steps.saturating_add(1).saturating_mul(LINE).saturating_mul(panels)
    }

    /// Bytes of all panels: of each phase those of each group.
    pub fn panels_len(&self) -> usize {
        let mut len = 0usize;
        self.each_phase(|y, x| len = len.saturating_add(self.phase_len(y, x).saturating_mul(self.groups)));
        len
    }

    /// Writes the panels. Sums start from the bias less what the byte `zero` of 0 adds to them.
    pub fn pack(&self, zero: i32, weights: &[i8], biases: &[i32], mut panels: &mut [i8]) {
        self.each_phase(|y, x| {
            let len = self.phase_len(y, x);
            let panel = len.checked_div(self.outputs().div_ceil(LANES)).unwrap_or(0);
            for group in 0..self.groups {
                let own = panels.split_off_mut(..len).unwrap_or(&mut []);
                for (first, panel) in (0..self.outputs()).step_by(LANES).zip(rows::of_mut(own, panel)) {
                    let (starts, lines) = panel.split_at_mut_checked(LINE).unwrap_or_default();
                    lines.fill(0);
                    let starts = starts.as_chunks_mut::<{ size_of::<i32>() }>().0;
                    let columns = first..self.outputs();
                    for (lane, start) in starts.iter_mut().enumerate() {
                        let column = columns.start + lane;
                        let sum = if columns.contains(&column) {
                            self.pack_column((y, x), (group, column), weights, lines.get_mut(lane * STEP..))
                        } else {
                            0
                        };
                        let channel = group * self.outputs() + column;
                        let bias = biases.get(channel).copied().filter(|_| columns.contains(&column));
                        let from = bias.unwrap_or(0).wrapping_sub(zero.wrapping_mul(sum));
                        *start = from.to_ne_bytes().map(|byte| byte as i8);
                    }
                }
            }
        });
    }

    /// Writes the weights of a column to every [`LINE`]th four bytes; returns their sum.
    fn pack_column(
        &self,
        (y, x): (Side, Side),
        (group, column): (usize, usize),
        weights: &[i8],
        lines: Option<&mut [i8]>,
    ) -> i32 {
        let Pieces { down, along, len } = self.pieces(y, x);
        let inputs = self.inputs().max(1);
        let (mut lines, mut sum) = (lines.unwrap_or(&mut []).chunks_mut(LINE), 0i32);
        for (row, piece) in (0..down).flat_map(|row| (0..along).map(move |piece| (row, piece))) {
            for k in (0..len).step_by(STEP) {
                let line = lines.next().unwrap_or(&mut []);
                for (k, to) in (k..len).zip(line.iter_mut().take(STEP)) {
                    let tap = (y.tap(row), x.tap(piece + k / inputs));
                    let at = self.weight(group, (k % inputs, column), tap);
                    *to = weights.get(at).copied().unwrap_or(0);
                    sum = sum.wrapping_add(i32::from(*to));
                }
            }
        }
        sum
    }
}
