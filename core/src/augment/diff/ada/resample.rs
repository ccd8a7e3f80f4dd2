//! Pixels from between pixels, without what finer ones would leave behind: twice as many by a wavelet, sampled between, and
//! half as many by its mirror image.

mod lines;
mod samples;

use self::lines::{EDGE, merge, narrow, six, split, widen};
use self::samples::{Grid, sample, scatter, step};
use super::matrix::{PLANE, Plane};
use super::moves::middle;
use super::wavelet::{NARROW, WIDEN};
use crate::augment::diff::Pictures;
use crate::augment::diff::place::mirrored_once;
use crate::error::Result;
use crate::math;
use crate::nn::rows;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;

/// Pixels around a new picture that its filter reads.
const AROUND: usize = 3;

/// Scratch for a picture, whatever the map.
pub(super) fn scratch_len(of: &Pictures) -> ScratchLen {
    // Mirrored by as much as can be.
    let most = |side: usize| side.saturating_mul(3).saturating_sub(2);
    let of = Resampling { of: *of, left: 0, top: 0, wide: most(of.width), high: most(of.height), map: PLANE };
    of.lens().into_iter().fold(ScratchLen::new(), |all, n| all.with::<f32>(n))
}

/// A map of places, and how far the picture is mirrored around itself for it.
pub(super) struct Resampling {
    of: Pictures,
    /// Mirrored pixels before the first column and the first row.
    left: usize,
    top: usize,
    /// Columns and rows with them.
    wide: usize,
    high: usize,
    /// From pixels of the doubled new picture to those of the doubled old one; see [`doubled`].
    map: Plane,
}

/// Memory of a picture on its way.
struct Memory<'s> {
    /// The rows with twice the columns.
    rows: &'s mut [f32],
    /// Those with twice the rows, and a pixel of zeros all around.
    fine: &'s mut [f32],
    /// Twice the rows of the new picture, and those around.
    new: &'s mut [f32],
    /// Pixels with zeros at both ends.
    line: &'s mut [f32],
    even: &'s mut [f32],
    odd: &'s mut [f32],
    zeros: &'s mut [f32],
}

impl Resampling {
    /// For a map in pixels from the middle. The picture is mirrored as far as the corners of the new one reach and the filters
    /// around them, but by less than its sides; what is further outside is 0.
    pub fn new(of: &Pictures, map: &Plane) -> Self {
        let (cx, cy) = (middle(of.width), middle(of.height));
        let mut reach = [[f32::NEG_INFINITY; 2]; 2];
        for (x, y) in [(-cx, -cy), (cx, -cy), (cx, cy), (-cx, cy)] {
            for ([low, high], [a, b, add]) in reach.iter_mut().zip(*map) {
                let at = a * x + b * y + add;
                (*low, *high) = (math::max(*low, -at), math::max(*high, at));
            }
        }
        let margin = |reach: f32, side: usize| {
            let pixels = reach + (2 * AROUND) as f32 - middle(side);
            let pixels = math::min(math::max(pixels, 0.0), side.saturating_sub(1) as f32);
            -math::floor(-pixels) as usize
        };
        let [[left, right], [top, bottom]] = reach;
        let (left, right) = (margin(left, of.width), margin(right, of.width));
        let (top, bottom) = (margin(top, of.height), margin(bottom, of.height));
        let (wide, high) = (of.width + left + right, of.height + top + bottom);
        Self { of: *of, left, top, wide, high, map: doubled(of, map, [left, top]) }
    }

    /// Values of each part of the memory.
    fn lens(&self) -> [usize; 7] {
        let Pictures { height, width, channels, .. } = self.of;
        let old = |columns: usize| columns.saturating_mul(step(channels));
        let (line, twice) = (self.wide.max(width + 2 * AROUND) + 2 * EDGE, 2 * self.wide);
        let line = line.saturating_mul(channels);
        [
            old(twice).saturating_mul(height),
            old(twice + 2).saturating_mul(2 * self.high + 2),
            width.saturating_mul(channels).saturating_mul(2 * (height + 2 * AROUND)),
            line,
            line,
            line,
            old(twice),
        ]
    }

    fn memory<'s>(&self, scratch: &mut Scratch<'s>) -> Result<Memory<'s>> {
        let [rows, fine, new, line, even, odd, zeros] = self.lens();
        Ok(Memory {
            rows: scratch.take(rows)?,
            fine: scratch.take(fine)?,
            new: scratch.take(new)?,
            line: scratch.take_zeroed(line)?,
            even: scratch.take_zeroed(even)?,
            odd: scratch.take_zeroed(odd)?,
            zeros: scratch.take_zeroed(zeros)?,
        })
    }

    /// Values of a pixel, of a row of the picture, and of a mirrored one twice as wide.
    const fn steps(&self) -> (usize, usize, usize) {
        let n = self.of.channels;
        (n, self.of.width * n, 2 * self.wide * step(n))
    }

    const fn grid(&self) -> Grid {
        Grid {
            channels: self.of.channels,
            pairs: self.of.width + 2 * AROUND,
            middle: [self.of.width + 2 * AROUND - 1, self.of.height + 2 * AROUND - 1],
            size: [2 * self.wide, 2 * self.high],
            map: self.map,
        }
    }

    /// The picture through the map.
    pub fn apply(&self, level: Level, x: &[f32], out: &mut [f32], scratch: &mut Scratch<'_>) -> Result<()> {
        let Memory { rows: wide, fine, new, line, even, odd, zeros } = self.memory(scratch)?;
        let (n, row, wide_row) = self.steps();
        for (x, to) in rows::of(x, row).zip(rows::of_mut(wide, wide_row)) {
            self.mirror(x, line);
            widen(level, n, (&WIDEN, 2), line, [even, odd], self.wide);
            merge(level, n, [even, odd], to);
        }
        self.refine(level, wide, zeros, fine);
        let grid = self.grid();
        for (j, to) in rows::of_mut(new, row).enumerate() {
            sample(level, &grid, j, fine, [even, odd]);
            narrow(level, n, (&NARROW, 1), [even, odd], to);
        }
        let new = |j: usize| rows::of(new, row).nth(j).unwrap_or(&[]);
        for (y, to) in rows::of_mut(out, row).enumerate() {
            six(level, [1, 2, 3, 4, 5, 6].map(|t| new(2 * (y + t))), &NARROW.odd, false, to);
            six(level, [0, 1, 2, 3, 4, 5].map(|t| new(2 * (y + t) + 1)), &NARROW.even, true, to);
        }
        Ok(())
    }

    /// The adjoint of [`Resampling::apply`]: its steps from the last to the first, each of them turned about. What rows of the
    /// new picture were sampled at one place is added from the first to the last, what was mirrored after what was not.
    pub fn backward(
        &self,
        level: Level,
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let Memory { rows: wide, fine, new, line, even, odd, zeros } = self.memory(scratch)?;
        let (n, row, wide_row) = self.steps();
        let old = |y: usize| rows::of(dy, row).nth(y).unwrap_or(zeros);
        for (m, to) in rows::of_mut(new, 2 * row).enumerate() {
            let (upper, lower) = to.split_at_mut_checked(row).unwrap_or_default();
            // Rows before the first one wrap to where there are none.
            let at = |t: usize| old(m.wrapping_sub(t));
            six(level, [1, 2, 3, 4, 5, 6].map(at), &NARROW.odd, false, upper);
            six(level, [0, 1, 2, 3, 4, 5].map(at), &NARROW.even, false, lower);
        }
        fine.fill(0.0);
        let grid = self.grid();
        for (j, from) in rows::of(new, row).enumerate() {
            rows::copy(from, line.get_mut(EDGE * n..).unwrap_or(&mut []));
            widen(level, n, (&NARROW, -1), line, [even, odd], grid.pairs);
            scatter(level, &grid, j, [even, odd], fine);
        }
        self.coarsen(level, fine, zeros, wide);
        even.fill(0.0);
        odd.fill(0.0);
        for (from, dx) in rows::of(wide, wide_row).zip(rows::of_mut(dx, row)) {
            split(level, n, from, [even, odd]);
            let line = line.get_mut(..self.wide * n).unwrap_or(&mut []);
            narrow(level, n, (&WIDEN, -2), [even, odd], line);
            self.fold(line, dx);
        }
        Ok(())
    }

    /// A row and what is mirrored of it, behind the zeros at the begin of `line`.
    fn mirror(&self, row: &[f32], line: &mut [f32]) {
        let (n, width) = (self.of.channels, self.of.width);
        for i in (0..self.left).chain(self.left + width..self.wide) {
            let to = line.get_mut((EDGE + i) * n..(EDGE + i + 1) * n).unwrap_or(&mut []);
            rows::copy(row.get(self.column(i) * n..).unwrap_or(&[]), to);
        }
        rows::copy(row, line.get_mut((EDGE + self.left) * n..).unwrap_or(&mut []));
    }

    /// The adjoint of [`Resampling::mirror`].
    fn fold(&self, line: &[f32], row: &mut [f32]) {
        let (n, width) = (self.of.channels, self.of.width);
        rows::copy(line.get(self.left * n..).unwrap_or(&[]), row);
        for i in (0..self.left).chain(self.left + width..self.wide) {
            let to = row.get_mut(self.column(i) * n..).unwrap_or(&mut []);
            let from = line.get(i * n..(i + 1) * n).unwrap_or(&[]);
            to.iter_mut().zip(from).for_each(|(to, v)| *to += v);
        }
    }

    /// The column that a mirrored one shows.
    fn column(&self, i: usize) -> usize {
        mirrored_once(i as i64 - self.left as i64, self.of.width).unwrap_or(0)
    }

    /// The row that a mirrored one shows; none beyond those.
    fn row(&self, i: usize) -> Option<usize> {
        mirrored_once(i as i64 - self.top as i64, self.of.height).filter(|_| i < self.high)
    }

    /// Mirrored rows to twice as many, with zeros all around.
    fn refine(&self, level: Level, wide: &[f32], zeros: &[f32], fine: &mut [f32]) {
        let (n, _, wide_row) = self.steps();
        let (edge, fine_row) = (step(n), wide_row + 2 * step(n));
        let at = |i: usize| {
            let row = self.row(i).and_then(|row| rows::of(wide, wide_row).nth(row));
            row.unwrap_or(zeros)
        };
        for (j, to) in rows::of_mut(fine, fine_row).enumerate() {
            // Two rows of each of the old one are one behind the zeros: 2q + 1 and 2q + 2.
            let (q, lower) = (j.wrapping_sub(1) / 2, j % 2 == 0);
            if j == 0 || q >= self.high {
                to.fill(0.0);
                continue;
            }
            let (first, rest) = to.split_at_mut_checked(edge).unwrap_or_default();
            let (to, last) = rest.split_at_mut_checked(wide_row).unwrap_or_default();
            first.fill(0.0);
            last.fill(0.0);
            let (from, taps) = if lower { (q + 3, &WIDEN.even) } else { (q + 2, &WIDEN.odd) };
            six(level, [0, 1, 2, 3, 4, 5].map(|t| at(from.wrapping_sub(t))), taps, false, to);
        }
    }

    /// The adjoint of [`Resampling::refine`].
    fn coarsen(&self, level: Level, fine: &[f32], zeros: &[f32], wide: &mut [f32]) {
        let (n, _, wide_row) = self.steps();
        let edge = step(n);
        let at = |q: usize, lower: usize| {
            let inside = Some(2 * q + 1 + lower).filter(|_| q < self.high);
            let row = inside.and_then(|j| rows::of(fine, wide_row + 2 * edge).nth(j));
            row.and_then(|row| row.get(edge..)).unwrap_or(zeros)
        };
        wide.fill(0.0);
        for k in 0..self.high {
            let to = self.row(k).and_then(|row| rows::of_mut(wide, wide_row).nth(row)).unwrap_or(&mut []);
            let uppers = [0, 1, 2, 3, 4, 5].map(|t| (k + t).checked_sub(2).map_or(zeros, |q| at(q, 0)));
            six(level, uppers, &WIDEN.odd, true, to);
            let lowers = [0, 1, 2, 3, 4, 5].map(|t| (k + t).checked_sub(3).map_or(zeros, |q| at(q, 1)));
            six(level, lowers, &WIDEN.even, true, to);
        }
    }
}

/// The map between doubled pictures, with what is around them: from the middle of the new one, moved by half a pixel as the
/// even filter moves it, to pixels of the old one with the zeros around it.
fn doubled(of: &Pictures, map: &Plane, before: [usize; 2]) -> Plane {
    let mut map = *map;
    for (([.., add], side), before) in map.iter_mut().zip([of.width, of.height]).zip(before) {
        *add = 2.0 * *add + (side + 2 * before) as f32;
    }
    map
}
