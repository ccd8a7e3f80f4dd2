//! The variance of the Laplacian, in whole numbers.

use super::histogram::variance;
use crate::simd::Level;

/// Sums over the pixels seen so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sharpness {
    sum: i64,
    squares: u64,
    n: u64,
}

impl Sharpness {
    /// Adds a row, given the rows above and below it.
    pub fn add(&mut self, level: Level, above: &[u8], here: &[u8], below: &[u8]) {
        let (Some(&first), Some(&last)) = (here.first(), here.last()) else { return };
        // Mirrored without repeating the edge: the second and the second-last, or the only pixel.
        let left = here.get(1).copied().unwrap_or(first);
        let right = here.get(here.len().wrapping_sub(2)).copied().unwrap_or(last);
        let edge = |above: Option<&u8>, below: Option<&u8>, value: u8, side: [u8; 2]| {
            let [above, below] = [above, below].map(|v| v.copied().unwrap_or(value) as i64);
            above + below + side[0] as i64 + side[1] as i64 - 4 * value as i64
        };
        // A row of one pixel has one edge, which both ends are.
        let ends = [
            edge(above.first(), below.first(), first, [left, left]),
            edge(above.last(), below.last(), last, [right, right]),
        ];
        for &v in ends.iter().take(here.len()) {
            self.sum += v;
            self.squares += (v * v) as u64;
        }
        let (sum, squares) = inner(level, above, here, below);
        self.sum += sum;
        self.squares += squares;
        self.n += here.len() as u64;
    }

    pub fn variance(&self) -> f32 {
        variance(self.sum, self.squares, self.n)
    }
}

kernel! {
    /// Sum and sum of squares over all pixels of a row but the first and the last.
    fn inner(above: &[u8], here: &[u8], below: &[u8]) -> (i64, u64) = inner_body;
}

#[inline(always)]
fn inner_body(above: &[u8], here: &[u8], below: &[u8]) -> (i64, u64) {
    /// Pixels whose sum of squares, at most 1020² each, stays within 32 bits.
    const BLOCK: usize = 4096;
    let next = |row: &'_ [u8], by: usize| row.len().min(by);
    let (above, below) = (above.split_at(next(above, 1)).1, below.split_at(next(below, 1)).1);
    let (middle, right) = (here.split_at(next(here, 1)).1, here.split_at(next(here, 2)).1);
    let (mut total, mut total_squares) = (0i64, 0u64);
    let columns = above.chunks(BLOCK).zip(below.chunks(BLOCK)).zip(here.chunks(BLOCK));
    for (((a, b), l), (m, r)) in columns.zip(middle.chunks(BLOCK).zip(right.chunks(BLOCK))) {
        let (mut sum, mut squares) = (0i32, 0u32);
        for (((a, b), l), (m, r)) in a.iter().zip(b).zip(l).zip(m.iter().zip(r)) {
            let v = *a as i32 + *b as i32 + *l as i32 + *r as i32 - 4 * *m as i32;
            sum = sum.wrapping_add(v);
            squares = squares.wrapping_add((v * v) as u32);
        }
        total += sum as i64;
        total_squares += squares as u64;
    }
    (total, total_squares)
}
