//! Samples between four pixels, and their adjoint.

use super::lines::EDGE;
use crate::augment::diff::ada::matrix::Plane;
use crate::math;
use crate::nn::rows;

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

/// The first of four pixels, and what right and lower ones weigh.
#[derive(Clone, Copy)]
struct Spot {
    at: usize,
    right: f32,
    down: f32,
}

impl Spot {
    /// Weights of the four pixels, row by row.
    #[inline(always)]
    fn weights(self) -> [f32; 4] {
        let (left, up) = (1.0 - self.right, 1.0 - self.down);
        [left * up, self.right * up, left * self.down, self.right * self.down]
    }
}

impl Grid {
    /// Values of a row of the old picture with its zeros.
    const fn row(&self) -> usize {
        (self.size[0] + 2) * self.channels
    }

    /// Where pixel `i` of row `j` is taken from. What is outside lies on the zeros.
    #[inline(always)]
    fn spot(&self, i: usize, j: usize) -> Spot {
        let [cx, cy] = self.middle;
        let (x, y) = (i as i32 as f32 - cx as i32 as f32, j as i32 as f32 - cy as i32 as f32);
        let [across, down] = self.map.map(|[a, b, add]| (a * x + b * y) + add);
        let (column, right) = cell(across, self.size[0]);
        let (row, down) = cell(down, self.size[1]);
        Spot { at: (row as usize * (self.size[0] + 2) + column as usize) * self.channels, right, down }
    }

    /// Row `j` of the new picture, its pixels with even and with odd index behind zeros.
    #[inline(always)]
    fn sample_body(&self, n: usize, j: usize, old: &[f32], [even, odd]: [&mut [f32]; 2]) {
        let row = self.row();
        let part = EDGE * n..(EDGE + self.pairs) * n;
        let even = rows::of_mut(even.get_mut(part.clone()).unwrap_or(&mut []), n);
        let odd = rows::of_mut(odd.get_mut(part).unwrap_or(&mut []), n);
        for (pair, (even, odd)) in even.zip(odd).enumerate() {
            for (i, to) in [even, odd].into_iter().enumerate() {
                let spot = self.spot(2 * pair + i, j);
                let weights = spot.weights();
                let upper = old.get(spot.at..spot.at + 2 * n).unwrap_or(&[]);
                let lower = old.get(spot.at + row..spot.at + row + 2 * n).unwrap_or(&[]);
                let (a, b) = upper.split_at_checked(n).unwrap_or_default();
                let (c, d) = lower.split_at_checked(n).unwrap_or_default();
                for ((((to, a), b), c), d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    *to = ((a * weights[0] + b * weights[1]) + c * weights[2]) + d * weights[3];
                }
            }
        }
    }

    /// The adjoint of [`Grid::sample_body`], added to `old` from the first pixel to the last.
    #[inline(always)]
    fn scatter_body(&self, n: usize, j: usize, [even, odd]: [&[f32]; 2], old: &mut [f32]) {
        let row = self.row();
        let part = EDGE * n..(EDGE + self.pairs) * n;
        let even = rows::of(even.get(part.clone()).unwrap_or(&[]), n);
        let odd = rows::of(odd.get(part).unwrap_or(&[]), n);
        for (pair, (even, odd)) in even.zip(odd).enumerate() {
            for (i, from) in [even, odd].into_iter().enumerate() {
                let spot = self.spot(2 * pair + i, j);
                let [a, b, c, d] = spot.weights();
                for (at, left, right) in [(spot.at, a, b), (spot.at + row, c, d)] {
                    let to = old.get_mut(at..at + 2 * n).unwrap_or(&mut []);
                    let (first, second) = to.split_at_mut_checked(n).unwrap_or_default();
                    for ((first, second), v) in first.iter_mut().zip(second).zip(from) {
                        *first += v * left;
                        *second += v * right;
                    }
                }
            }
        }
    }
}

/// The pixel before a place in a row of so many between two zeros, which has number 0, and the way from it to the place. What
/// lies outside is moved to the zeros.
#[inline(always)]
fn cell(at: f32, size: usize) -> (u32, f32) {
    let last = size as i32 as f32;
    // Not a number goes to the first of them too.
    let at = math::min(math::max(at, 0.0), last + 1.0);
    let first = math::min((at as i32) as f32, last);
    (first as i32 as u32, at - first)
}

macro_rules! of_pixels {
    ($($(#[$doc:meta])* $name:ident $inner:ident $body:ident $method:ident($from:ident: $f:ty, $to:ident: $t:ty);)*) => { $(
        kernel! {
            fn $inner(grid: &Grid, j: usize, $from: $f, $to: $t) = $body;
        }

        #[inline(always)]
        fn $body(grid: &Grid, j: usize, $from: $f, $to: $t) {
            // Numbers of channels that the compiler knows.
            match grid.channels {
                1 => grid.$method(1, j, $from, $to),
                3 => grid.$method(3, j, $from, $to),
                n => grid.$method(n, j, $from, $to),
            }
        }

        impl Grid {
            $(#[$doc])*
            pub fn $name(&self, level: crate::simd::Level, j: usize, $from: $f, $to: $t) {
                $inner(level, self, j, $from, $to);
            }
        }
    )* };
}

of_pixels! {
    /// Row `j` of the new picture, its pixels with even and with odd index behind zeros.
    sample sampled sampled_body sample_body(old: &[f32], to: [&mut [f32]; 2]);
    /// The adjoint of [`Grid::sample`], added to `old` from the first pixel to the last.
    scatter scattered scattered_body scatter_body(from: [&[f32]; 2], old: &mut [f32]);
}
