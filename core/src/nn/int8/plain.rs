//! Products by weights in PyTorch's layout, where they lie: for devices whose memory has no room for panels.

use super::geometry::Product;
use super::steps::{Settle, Settled};
use super::tiles::Tile;
use crate::nn::rows;
use crate::simd::{LANES, Level};

/// Outputs whose sums run side by side.
const CHAINS: usize = 4;

/// What products by rows read of a model: weights and biases of a layer, and the byte of 0 of its input.
#[derive(Clone, Copy)]
pub(super) struct Plain<'a> {
    pub weights: &'a [i8],
    pub biases: &'a [i32],
    pub zero: u8,
}

impl Product {
    /// Bytes that [`Product::by_rows`] takes for a window.
    pub fn window_len(&self) -> usize {
        if self.is_matrix() || self.transposed { 0 } else { self.window() }
    }

    /// The outputs of a batch, on this thread.
    pub fn by_rows<T: Settled>(
        &self,
        level: Level,
        model: Plain<'_>,
        x: &[u8],
        by: &Settle<'_>,
        y: &mut [T],
        window: &mut [u8],
    ) {
        let lens = [self.input, self.output].map(|shape| shape.len().unwrap_or(0));
        let width = self.output.width;
        for (x, y) in rows::of(x, lens[0]).zip(rows::of_mut(y, lens[1])) {
            let mut inputs = rows::of(x, self.input.channels);
            let lines = rows::of_mut(y, width.saturating_mul(self.output.channels)).enumerate();
            let places = lines.flat_map(|(row, line)| {
                let line = rows::of_mut(line, self.output.channels).enumerate();
                line.map(move |(column, y)| ((row, column), y))
            });
            for (at, y) in places {
                let here = inputs.next().unwrap_or(&[]);
                for group in 0..self.groups {
                    let seen = if self.transposed {
                        x
                    } else if self.is_matrix() {
                        here
                    } else {
                        self.gather(at, group, model.zero, x, window);
                        &*window
                    };
                    self.place(level, model, (seen, at, group), by, y);
                }
            }
        }
    }

    /// The outputs of a group at a place. `seen` is the window, or the whole picture for a transposed convolution.
    fn place<T: Settled>(
        &self,
        level: Level,
        model: Plain<'_>,
        (seen, at, group): (&[u8], (usize, usize), usize),
        by: &Settle<'_>,
        y: &mut [T],
    ) {
        for first in (0..self.outputs()).step_by(LANES) {
            let cols = if self.outputs() - first < LANES { self.outputs() - first } else { LANES };
            let col = group.saturating_mul(self.outputs()).saturating_add(first);
            let mut sums = [0; LANES];
            rows::copy(model.biases.get(col..).unwrap_or(&[]), &mut sums);
            let some = sums.get_mut(..cols).unwrap_or(&mut []);
            if self.transposed {
                self.taps(model, (seen, at), (group, first), some);
            } else {
                let own = model.weights.get(col.saturating_mul(self.window())..).unwrap_or(&[]);
                dots(level, seen, i16::from(model.zero), own, some);
            }
            T::settle(
                level,
                &Tile { sums: &sums, line: 0, row: 0, col, width: LANES, cols },
                by,
                (col, 0),
                y,
            );
        }
    }

    /// What an output of a convolution sees of a group, in the order of its weights: channels, rows, columns.
    fn gather(&self, (y, x): (usize, usize), group: usize, zero: u8, picture: &[u8], window: &mut [u8]) {
        let [(down, y), (along, x)] = self.phase_at(y, x);
        let (lines, first_line) = down.inside(y, self.input.height);
        let (columns, first) = along.inside(x, self.input.width);
        window.fill(zero);
        let own = group.saturating_mul(self.inputs());
        for (row, ky) in lines.zip(first_line..) {
            for (column, kx) in columns.clone().zip(first..) {
                let place = row.saturating_mul(self.input.width).saturating_add(column);
                let at = place.saturating_mul(self.input.channels).saturating_add(own);
                let from = picture.get(at..).unwrap_or(&[]).iter().take(self.inputs());
                let tap = ky.saturating_mul(self.kernel).saturating_add(kx);
                let to = window.get_mut(tap..).unwrap_or(&mut []).iter_mut().step_by(self.area().max(1));
                to.zip(from).for_each(|(to, from)| *to = *from);
            }
        }
    }

    /// Adds what outputs of a transposed convolution, from channel `first` of a group on, see at a place.
    fn taps(
        &self,
        model: Plain<'_>,
        (picture, (y, x)): (&[u8], (usize, usize)),
        (group, first): (usize, usize),
        sums: &mut [i32],
    ) {
        let [(down, y), (along, x)] = self.phase_at(y, x);
        let (lines, first_line) = down.inside(y, self.input.height);
        let (columns, first_column) = along.inside(x, self.input.width);
        let own = group.saturating_mul(self.inputs());
        let apart = self.outputs().saturating_mul(self.area()).max(1);
        for (row, ky) in lines.zip(first_line..) {
            for (column, kx) in columns.clone().zip(first_column..) {
                let place = row.saturating_mul(self.input.width).saturating_add(column);
                let at = place.saturating_mul(self.input.channels).saturating_add(own);
                let seen = picture.get(at..).and_then(|rest| rest.get(..self.inputs())).unwrap_or(&[]);
                let tap = (down.tap(ky), along.tap(kx));
                let own = model.weights.get(self.weight(group, (0, first), tap)..).unwrap_or(&[]);
                apart_dots(seen, i16::from(model.zero), own, (self.area(), apart), sums);
            }
        }
    }
}

/// To each sum the products of `x` less `zero` with weights that are `line` apart, from one sum to the next `next`.
fn apart_dots(x: &[u8], zero: i16, weights: &[i8], (next, line): (usize, usize), sums: &mut [i32]) {
    for (some, first) in sums.chunks_mut(CHAINS).zip((0..).step_by(CHAINS)) {
        let weights = weights.get(next.saturating_mul(first)..).unwrap_or(&[]);
        let mut chains = [0; CHAINS];
        rows::copy(some, &mut chains);
        for (&byte, line) in x.iter().zip(weights.chunks(line.max(1))) {
            let byte = i32::from(byte) - i32::from(zero);
            // Behind the last sum lies nothing, or what does not count.
            let of = |chain: usize| line.get(chain * next).map_or(0, |&weight| i32::from(weight));
            let products = [byte * of(0), byte * of(1), byte * of(2), byte * of(3)];
            chains.iter_mut().zip(products).for_each(|(chain, product)| *chain = chain.wrapping_add(product));
        }
        rows::copy(&chains, some);
    }
}

kernel! {
    /// To each sum the products of `x` less `zero` with a row of weights as long.
    fn dots(x: &[u8], zero: i16, weights: &[i8], sums: &mut [i32]) = dots_body;
}

#[inline(always)]
fn dots_body(x: &[u8], zero: i16, weights: &[i8], sums: &mut [i32]) {
    let product = |byte: u8, weight: i8| (i32::from(byte) - i32::from(zero)) * i32::from(weight);
    let (blocks, rest) = sums.as_chunks_mut::<CHAINS>();
    let mut weights = rows::of(weights, x.len());
    for block in blocks {
        let [a, b, c, d] = core::array::from_fn(|_| weights.next().unwrap_or(&[]));
        let [mut p, mut q, mut r, mut s] = *block;
        for ((((&x, &a), &b), &c), &d) in x.iter().zip(a).zip(b).zip(c).zip(d) {
            p = p.wrapping_add(product(x, a));
            q = q.wrapping_add(product(x, b));
            r = r.wrapping_add(product(x, c));
            s = s.wrapping_add(product(x, d));
        }
        *block = [p, q, r, s];
    }
    for (sum, row) in rest.iter_mut().zip(weights) {
        *sum = x.iter().zip(row).fold(*sum, |sum, (&x, &w)| sum.wrapping_add(product(x, w)));
    }
}
