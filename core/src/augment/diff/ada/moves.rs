//! Flips, quarter turns and moves by whole pixels: values that stay what they are.

use super::matrix::Plane;
use crate::augment::diff::Pictures;
use crate::augment::diff::place::mirrored_once;
use crate::math;

/// A map that leads from whole pixels to whole pixels.
#[derive(Clone, Copy)]
pub(super) struct Moves {
    /// For x and y of the old pixel what x and y of the new one count, 1, −1 or 0, and what is added.
    x: [i64; 3],
    y: [i64; 3],
}

impl Moves {
    /// The map where it is such a one.
    pub fn new(of: &Pictures, map: &Plane) -> Option<Self> {
        let [[xx, xy, x], [yx, yy, y]] = *map;
        let unit = |v: f32| v == 1.0 || v == -1.0;
        let straight = unit(xx) && unit(yy) && xy == 0.0 && yx == 0.0;
        let across = unit(xy) && unit(yx) && xx == 0.0 && yy == 0.0;
        let (cx, cy) = (middle(of.width), middle(of.height));
        // From the corner instead of the middle; halves are exact.
        let (x, y) = (x + cx - xx * cx - xy * cy, y + cy - yx * cx - yy * cy);
        let whole = |v: f32| math::abs(v) < 1e6 && math::floor(v) == v;
        let row = |a: f32, b: f32, add: f32| [a as i64, b as i64, add as i64];
        ((straight || across) && whole(x) && whole(y)).then(|| Self { x: row(xx, xy, x), y: row(yx, yy, y) })
    }

    /// Whether it changes nothing.
    pub fn is_identity(&self) -> bool {
        self.x == [1, 0, 0] && self.y == [0, 1, 0]
    }

    /// Calls `each` with the first value of each new pixel and that of the pixel it is taken from, row by row; with none
    /// where that is further outside than the picture is mirrored.
    #[inline(always)]
    fn for_each(&self, of: &Pictures, mut each: impl FnMut(usize, Option<usize>)) {
        let ([xx, xy, xadd], [yx, yy, yadd]) = (self.x, self.y);
        let mut to = 0;
        for row in 0..of.height as i64 {
            let (mut x, mut y) = (xy * row + xadd, yy * row + yadd);
            for _ in 0..of.width {
                let at = mirrored_once(y, of.height).zip(mirrored_once(x, of.width));
                each(to, at.map(|(y, x)| (y * of.width + x) * of.channels));
                to += of.channels;
                x += xx;
                y += yx;
            }
        }
    }

    /// The moved picture.
    pub fn apply(&self, of: &Pictures, from: &[f32], out: &mut [f32]) {
        let n = of.channels;
        self.for_each(of, |to, at| {
            let to = out.get_mut(to..to + n).unwrap_or(&mut []);
            match at.and_then(|at| from.get(at..at + n)) {
                Some(from) => to.iter_mut().zip(from).for_each(|(to, v)| *to = *v),
                None => to.fill(0.0),
            }
        });
    }

    /// Its adjoint, to `out`: what pixels were taken from one are added in their order.
    pub fn backward(&self, of: &Pictures, from: &[f32], out: &mut [f32]) {
        let n = of.channels;
        out.fill(0.0);
        self.for_each(of, |from_at, at| {
            let from = from.get(from_at..from_at + n).unwrap_or(&[]);
            let to = at.and_then(|at| out.get_mut(at..at + n)).unwrap_or(&mut []);
            to.iter_mut().zip(from).for_each(|(to, v)| *to += v);
        });
    }
}

/// The middle of a side, from that of its first pixel.
pub(super) const fn middle(side: usize) -> f32 {
    side.saturating_sub(1) as f32 / 2.0
}
