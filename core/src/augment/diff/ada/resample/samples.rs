//! Samples between four pixels, and their adjoint.

use super::lines::EDGE;
use crate::augment::diff::ada::matrix::Plane;
use crate::math;
use crate::nn::rows;
use crate::simd::LANES;

/// Where the pixels of a new picture lie in an old one, which has a pixel of zeros all around.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub channels: usize,
    /// Half the pixels of a row.
    pub pairs: usize,
    /// The column and the row from which the map goes.
    pub middle: [usize; 2],
    /// Columns and rows of the old picture.
    pub size: [usize; 2],
    pub map: Plane,
}

/// Values from one pixel of the old picture to the next: colours are four, so that a pixel is a vector.
pub(super) const fn step(channels: usize) -> usize {
    if channels == 3 { 4 } else { channels }
}

/// For pixels side by side the first of the four pixels that each lies between, and what right and lower ones weigh.
struct Spots {
    column: [u32; LANES],
    row: [u32; LANES],
    right: [f32; LANES],
    down: [f32; LANES],
}

/// The first of the four by its number, and their weights, row by row.
type Spot = (usize, [f32; 4]);

impl Grid {
    /// Where every other pixel of row `j` from `first` on is taken from. What is outside lies on the zeros.
    #[inline(always)]
    fn spots(&self, first: usize, j: usize) -> Spots {
        let [cx, cy] = self.middle.map(|v| v as i32 as f32);
        let (start, y) = (first as i32 as f32 - cx, j as i32 as f32 - cy);
        let [[a, b, c], [d, e, f]] = self.map;
        let [columns, rows] = self.size.map(|v| v as i32 as f32);
        let mut spots =
            Spots { column: [0; LANES], row: [0; LANES], right: [0.0; LANES], down: [0.0; LANES] };
        let ahead = spots.column.iter_mut().zip(&mut spots.right);
        let below = spots.row.iter_mut().zip(&mut spots.down);
        for (((column, right), (row, down)), l) in ahead.zip(below).zip(STEPS) {
            let x = start + l;
            (*column, *right) = cell((a * x + b * y) + c, columns);
            (*row, *down) = cell((d * x + e * y) + f, rows);
        }
        spots
    }

    /// Calls `each` with every pixel of `n` values of a line and where it lies, for every other pixel of row `j`.
    #[inline(always)]
    fn for_each<P>(
        &self,
        j: usize,
        parity: usize,
        pixels: impl Iterator<Item = P>,
        mut each: impl FnMut(P, Spot),
    ) {
        let mut pixels = pixels.take(self.pairs);
        for first in (0..self.pairs).step_by(LANES) {
            let spots = self.spots(2 * first + parity, j);
            let places = spots.column.into_iter().zip(spots.row).zip(spots.right.into_iter().zip(spots.down));
            for ((column, row), (right, down)) in places {
                let Some(pixel) = pixels.next() else { return };
                let (left, up) = (1.0 - right, 1.0 - down);
                let at = row as usize * (self.size[0] + 2) + column as usize;
                each(pixel, (at, [left * up, right * up, left * down, right * down]));
            }
        }
    }

    /// The four pixels of `n` values from number `at` on.
    #[inline(always)]
    fn four<'a>(&self, n: usize, at: usize, old: &'a [f32]) -> [&'a [f32]; 4] {
        let two = |at: usize| {
            let both = old.get(at * n..at * n + 2 * n).unwrap_or(&[]);
            both.split_at_checked(n).unwrap_or_default()
        };
        let ((a, b), (c, d)) = (two(at), two(at + self.size[0] + 2));
        [a, b, c, d]
    }

    /// Adds a pixel with its weights to the four.
    #[inline(always)]
    fn add(&self, from: &[f32], (at, [a, b, c, d]): Spot, old: &mut [f32]) {
        let n = from.len();
        for (at, left, right) in [(at, a, b), (at + self.size[0] + 2, c, d)] {
            let to = old.get_mut(at * n..at * n + 2 * n).unwrap_or(&mut []);
            let (first, second) = to.split_at_mut_checked(n).unwrap_or_default();
            for ((first, second), v) in first.iter_mut().zip(second).zip(from) {
                *first += v * left;
                *second += v * right;
            }
        }
    }
}

/// Every other pixel.
const STEPS: [f32; LANES] =
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 24.0, 26.0, 28.0, 30.0];

/// The pixel before a place in a row of so many between two zeros, the first of which has number 0, and the way from it to the
/// place. What lies outside is moved to the zeros.
#[inline(always)]
fn cell(at: f32, size: f32) -> (u32, f32) {
    // From here on every float is a whole number, which is its lowest bits. Places are far below its half.
    const WHOLE: f32 = 8_388_608.0;
    // Not a number goes to the first of them too.
    let at = math::min(math::max(at, 0.0), size + 1.0);
    let nearest = (at + WHOLE) - WHOLE;
    let below = if nearest > at { nearest - 1.0 } else { nearest };
    let first = math::min(below, size);
    ((first + WHOLE).to_bits() & 0x7f_ffff, at - first)
}

#[inline(always)]
fn weighted(pixels: [f32; 4], weights: [f32; 4]) -> f32 {
    let ([a, b, c, d], [p, q, r, s]) = (pixels, weights);
    ((a * p + b * q) + c * r) + d * s
}

kernel! {
    /// Row `j` of the new picture, its pixels with even and with odd index behind zeros.
    pub(super) fn sample(grid: &Grid, j: usize, old: &[f32], to: [&mut [f32]; 2]) = sample_body;
}

#[inline(always)]
fn sample_body(grid: &Grid, j: usize, old: &[f32], to: [&mut [f32]; 2]) {
    let n = grid.channels;
    for (parity, line) in to.into_iter().enumerate() {
        let line = line.get_mut(EDGE * n..).unwrap_or(&mut []);
        match n {
            1 => grid.for_each(j, parity, line.iter_mut(), |to, (at, weights)| {
                if let [[a], [b], [c], [d]] = grid.four(1, at, old) {
                    *to = weighted([*a, *b, *c, *d], weights);
                }
            }),
            3 => grid.for_each(j, parity, line.as_chunks_mut::<3>().0.iter_mut(), |to, (at, weights)| {
                if let [&[a, e, i, m], &[b, f, k, o], &[c, g, l, p], &[d, h, q, r]] = grid.four(4, at, old) {
                    let colours = [[a, b, c, d], [e, f, g, h], [i, k, l, q], [m, o, p, r]];
                    let [red, green, blue, _] = colours.map(|four| weighted(four, weights));
                    *to = [red, green, blue];
                }
            }),
            n => grid.for_each(j, parity, rows::of_mut(line, n), |to, (at, weights)| {
                let [a, b, c, d] = grid.four(n, at, old);
                for ((((to, a), b), c), d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    *to = weighted([*a, *b, *c, *d], weights);
                }
            }),
        }
    }
}

kernel! {
    /// The adjoint of [`sample`], added to `old`: pixels with even index from the first to the last, then those with odd one.
    pub(super) fn scatter(grid: &Grid, j: usize, from: [&[f32]; 2], old: &mut [f32]) = scatter_body;
}

#[inline(always)]
fn scatter_body(grid: &Grid, j: usize, from: [&[f32]; 2], old: &mut [f32]) {
    let n = grid.channels;
    for (parity, line) in from.into_iter().enumerate() {
        let line = line.get(EDGE * n..).unwrap_or(&[]);
        match n {
            1 => grid.for_each(j, parity, line.iter(), |v, spot| grid.add(&[*v], spot, old)),
            3 => grid.for_each(j, parity, line.as_chunks::<3>().0.iter(), |[r, g, b], spot| {
                grid.add(&[*r, *g, *b, 0.0], spot, old);
            }),
            n => grid.for_each(j, parity, rows::of(line, n), |v, spot| grid.add(v, spot, old)),
        }
    }
}
