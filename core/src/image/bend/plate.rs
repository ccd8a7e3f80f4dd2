//! Thin plates.

use super::MOST_POINTS;
use crate::math;

/// Points at most.
const POINTS: usize = MOST_POINTS * MOST_POINTS;
/// Unknowns at most: a weight for each point, and a plane.
const UNKNOWNS: usize = POINTS + 3;

/// The thin-plate spline through displacements at an even grid of points on the square from 0 to 1 (Bookstein 1989):
/// a plane and a sum of w·r²·ln r² over all points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plate {
    /// Points along a side.
    points: usize,
    /// Of each point, then of 1, x and y; for x and y.
    weights: [[f32; 2]; UNKNOWNS],
}

/// r²·ln r² of the square of a distance.
fn bulge(square: f64) -> f64 {
    if square > 1e-12 { square * f64::from(math::ln(square as f32)) } else { 0.0 }
}

/// The place of a point.
fn place(points: usize, i: usize) -> [f64; 2] {
    let (points, last) = (points.max(1), points.saturating_sub(1).max(1) as f64);
    [(i % points) as f64 / last, (i / points) as f64 / last]
}

fn square([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> f64 {
    (ax - bx) * (ax - bx) + (ay - by) * (ay - by)
}

impl Plate {
    /// Through `moves` of each point, row by row.
    pub fn new(points: usize, moves: impl Fn(usize) -> [f64; 2]) -> Self {
        let points = points.min(MOST_POINTS);
        let count = points * points;
        // One equation a row: its unknowns, and what is wanted along x and y.
        let mut rows = [[0.0; UNKNOWNS + 2]; UNKNOWNS];
        for (i, row) in rows.iter_mut().enumerate().take(count + 3) {
            let (unknowns, wanted) = row.split_at_mut(UNKNOWNS);
            if i < count {
                let here = place(points, i);
                for (k, to) in unknowns.iter_mut().enumerate().take(count + 3) {
                    *to = if k < count {
                        bulge(square(here, place(points, k)))
                    } else {
                        plane(here, k - count)
                    };
                }
                wanted.iter_mut().zip(moves(i)).for_each(|(to, v)| *to = v);
            } else {
                // What the weights add up to, and their moments, are nothing.
                let parts = unknowns.iter_mut().enumerate().take(count);
                parts.for_each(|(k, to)| *to = plane(place(points, k), i - count));
            }
        }
        solve(&mut rows, count + 3);
        let mut weights = [[0.0; 2]; UNKNOWNS];
        for (to, row) in weights.iter_mut().zip(rows) {
            let [.., x, y] = row;
            *to = [x as f32, y as f32];
        }
        Self { points, weights }
    }

    /// The displacement at a place.
    pub fn at(&self, here: [f64; 2]) -> [f64; 2] {
        let count = self.points * self.points;
        let mut sum = [0.0; 2];
        for (k, weight) in self.weights.iter().enumerate().take(count + 3) {
            let by =
                if k < count { bulge(square(here, place(self.points, k))) } else { plane(here, k - count) };
            for (sum, weight) in sum.iter_mut().zip(weight) {
                *sum += by * f64::from(*weight);
            }
        }
        sum
    }
}

/// 1, x or y.
fn plane([x, y]: [f64; 2], k: usize) -> f64 {
    match k {
        0 => 1.0,
        1 => x,
        _ => y,
    }
}

/// Solves the first `count` equations by Gaussian elimination with partial pivoting; what they come to stands behind them.
fn solve(rows: &mut [[f64; UNKNOWNS + 2]; UNKNOWNS], count: usize) {
    for k in 0..count {
        let size = |row: &[f64; UNKNOWNS + 2]| row.get(k).map_or(0.0, |v| if *v < 0.0 { -v } else { *v });
        let mut best = k;
        for i in k + 1..count {
            if rows.get(i).map_or(0.0, size) > rows.get(best).map_or(0.0, size) {
                best = i;
            }
        }
        if let Ok([a, b]) = rows.get_disjoint_mut([k, best]) {
            core::mem::swap(a, b);
        }
        let Some(pivot) = rows.get(k).copied() else { return };
        let Some(&by) = pivot.get(k).filter(|v| **v != 0.0) else { continue };
        for (i, row) in rows.iter_mut().enumerate().take(count) {
            let Some(factor) = row.get(k).map(|v| v / by) else { continue };
            if i == k {
                row.iter_mut().for_each(|v| *v /= by);
                continue;
            }
            for (to, from) in row.iter_mut().zip(&pivot) {
                *to -= factor * from;
            }
        }
    }
}
