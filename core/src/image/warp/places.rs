//! The places in the source that the pixels of a row show, found for a block of pixels at a time.

use super::bilinear::Line;
use super::map::{Map, Perspective};
use crate::error::{Error, Result};
pub(super) use crate::image::bend::AT_ONCE;
use crate::image::bend::{Coordinate, Lattice};
use crate::simd::Level;
use core::ops::Range;

/// Pixels whose places are found side by side.
const LANES: usize = 16;

/// A place in the source: for x and y the whole part, and the fraction of 32 bits.
pub(super) type Point = [(i32, u32); 2];

/// Places in the source: whole parts, and fractions of 32 bits.
#[derive(Debug)]
pub struct Places {
    pub(super) x: [i32; AT_ONCE],
    pub(super) y: [i32; AT_ONCE],
    pub(super) fx: [u32; AT_ONCE],
    pub(super) fy: [u32; AT_ONCE],
}

impl Places {
    pub(super) const fn new() -> Self {
        Self { x: [0; AT_ONCE], y: [0; AT_ONCE], fx: [0; AT_ONCE], fy: [0; AT_ONCE] }
    }

    /// The places from one of them on.
    #[inline(always)]
    pub(super) fn points(&self, from: usize) -> impl Iterator<Item = Point> {
        let x = self.x.iter().copied().zip(self.fx.iter().copied());
        let y = self.y.iter().copied().zip(self.fy.iter().copied());
        x.zip(y).skip(from).map(|(x, y)| [x, y])
    }

    /// A run of the first `len` pixels with 0 ≤ y < height and 0 ≤ x < width, and in the last of these rows x < `last`: all
    /// of them, but for maps that leave the source and come back.
    pub(super) fn inside(
        &self,
        level: Level,
        len: usize,
        (height, width): (usize, usize),
        last: usize,
    ) -> Range<usize> {
        // A negative place, which is a large one without its sign, is never below this; no map leads further.
        let [height, width, last] = [height, width, last].map(|side| side.min(1 << 30) as u32);
        let limits = [height.saturating_sub(1), height, width, last];
        if len == AT_ONCE && all_inside(level, self, limits) {
            return 0..len;
        }
        let mut flags = [0; AT_ONCE];
        flag(level, self, limits, &mut flags);
        let flags = flags.get(..len).unwrap_or(&flags);
        let of_one = |&flag: &u32| flag != 0;
        let start = flags.iter().position(of_one).unwrap_or(0);
        let end = flags.iter().rposition(of_one).map_or(start, |last| last + 1);
        let run = flags.get(start..end).unwrap_or(&[]);
        if run.iter().fold(1, |all, &flag| all & flag) == 1 { start..end } else { 0..0 }
    }
}

kernel! {
    /// 1 for each pixel that lies inside, 0 for the others.
    fn flag(places: &Places, limits: [u32; 4], flags: &mut [u32; AT_ONCE]) = flag_body;
}

#[inline(always)]
fn flag_body(places: &Places, [above, height, width, last]: [u32; 4], flags: &mut [u32; AT_ONCE]) {
    for ((flag, &x), &y) in flags.iter_mut().zip(&places.x).zip(&places.y) {
        let (x, y) = (x as u32, y as u32);
        *flag = u32::from(x < width) & u32::from(y < above) | u32::from(x < last) & u32::from(y < height);
    }
}

kernel! {
    /// Whether all pixels lie inside, and none in the last row.
    fn all_inside(places: &Places, limits: [u32; 4]) -> bool = all_inside_body;
}

#[inline(always)]
fn all_inside_body(places: &Places, [above, _, width, _]: [u32; 4]) -> bool {
    let (mut most_x, mut most_y) = (0, 0);
    for (&x, &y) in places.x.iter().zip(&places.y) {
        (most_x, most_y) = (most_x.max(x as u32), most_y.max(y as u32));
    }
    most_x < width && most_y < above
}

/// Where the rows of an output of a known size lie in the source.
pub enum Path<'a> {
    /// For x and y, with 32 fractional bits: per column, per row, and at the first pixel.
    Straight([[i64; 3]; 2]),
    Projective(Perspective),
    /// Through displacements of their own.
    Bent(Lattice<'a>),
}

impl Path<'_> {
    /// Checked so that no pixel of `size` overflows.
    pub(super) fn new(map: Map, size: (usize, usize)) -> Result<Self> {
        if !map.reaches(size) {
            return Err(Error::InvalidArgument);
        }
        let fixed = |v: f32| (v as f64 * 4_294_967_296.0) as i64;
        Ok(match map {
            Map::Affine(map) => Self::Straight(map.rows().map(|(x, y, c)| [fixed(x), fixed(y), fixed(c)])),
            Map::Perspective(map) => Self::Projective(map),
        })
    }

    /// Calls `each` with the places and the pixels of each block of row `y`, which is `to`.
    pub(super) fn blocks<T>(
        &self,
        level: Level,
        y: usize,
        round: i64,
        channels: usize,
        to: &mut [T],
        mut each: impl FnMut(&Places, &mut [T]),
    ) {
        let mut places = Places::new();
        for (block, to) in to.chunks_mut(AT_ONCE.saturating_mul(channels).max(1)).enumerate() {
            self.find(level, (block * AT_ONCE, y), to.len() / channels.max(1), round, &mut places);
            each(&places, to);
        }
    }

    /// The places of the `len` pixels from (x, y) of the output, and of some after them, `round` added to both coordinates.
    fn find(&self, level: Level, (x, y): (usize, usize), len: usize, round: i64, places: &mut Places) {
        match self {
            Self::Straight(axes) => along(level, lines(axes, (x, y), round), len, places),
            Self::Projective(map) => {
                project(level, projected(map, y), x as f64, len, round, places);
            }
            Self::Bent(lattice) => {
                bent(level, lattice, (x, y), len, round, places);
            }
        }
    }
}

/// Both coordinates along a row from pixel (x, y) of the output on.
pub(super) fn lines(axes: &[[i64; 3]; 2], (x, y): (usize, usize), round: i64) -> Line {
    let at = axes.map(|[step, down, start]| {
        let column = step.wrapping_mul(x as i64);
        column.wrapping_add(down.wrapping_mul(y as i64)).wrapping_add(start).wrapping_add(round)
    });
    Line { at, step: axes.map(|[step, ..]| step) }
}

/// u, v and w of row `y` of the output: per pixel, and at the first.
pub(super) fn projected(map: &Perspective, y: usize) -> [[f64; 2]; 3] {
    map.rows.map(|[a, b, c]| [a, b * y as f64 + c])
}

kernel! {
    fn along(line: Line, len: usize, places: &mut Places) = along_body, with avx512;
}

#[inline(always)]
fn along_body(Line { at: [x, y], step: [step_x, step_y] }: Line, len: usize, places: &mut Places) {
    walk((x, step_x), len, &mut places.x, &mut places.fx);
    walk((y, step_y), len, &mut places.y, &mut places.fy);
}

#[inline(always)]
fn walk((start, step): (i64, i64), len: usize, whole: &mut [i32; AT_ONCE], fraction: &mut [u32; AT_ONCE]) {
    let after = |n: usize| step.wrapping_mul(n as i64);
    let mut at: [i64; LANES] = core::array::from_fn(|i| start.wrapping_add(after(i)));
    let parts = whole.as_chunks_mut::<LANES>().0.iter_mut().zip(fraction.as_chunks_mut::<LANES>().0);
    for (whole, fraction) in parts.take(len.div_ceil(LANES)) {
        *whole = at.map(|v| (v >> 32) as i32);
        *fraction = at.map(|v| v as u32);
        at = at.map(|v| v.wrapping_add(after(LANES)));
    }
}

kernel! {
    fn bent(lattice: &Lattice<'_>, from: (usize, usize), len: usize, round: i64, places: &mut Places) = bent_body;
}

/// The places of the `len` pixels from one of the output on.
#[inline(always)]
pub(super) fn bent_body(
    lattice: &Lattice<'_>,
    from: (usize, usize),
    len: usize,
    round: i64,
    places: &mut Places,
) {
    let Places { x, y, fx, fy } = places;
    let to = [(x, fx), (y, fy)].map(|(whole, fraction)| Coordinate { whole, fraction });
    lattice.places(from, len, round, to);
}

/// As far as a projective map leads.
pub(super) const FAR: f64 = 1_073_741_824.0;
/// A sum with this has 20 fractional bits: numbers from 2³² to 2³³ have steps of 2⁻²⁰.
pub(super) const STEPS: f64 = 6_442_450_944.0;

kernel! {
    fn project(row: [[f64; 2]; 3], first: f64, len: usize, round: i64, places: &mut Places) = project_body, with avx512;
}

#[inline(always)]
fn project_body([u, v, w]: [[f64; 2]; 3], first: f64, len: usize, round: i64, places: &mut Places) {
    let fixed = |v: f64| {
        // Not a number is far away, too.
        let v = if v > -FAR { v } else { -FAR };
        let v = if v < FAR { v } else { FAR };
        let steps = ((v + STEPS).to_bits() as i64).wrapping_sub(STEPS.to_bits() as i64);
        (steps << 12).wrapping_add(round)
    };
    let mut at: [f64; LANES] = core::array::from_fn(|i| first + i as f64);
    let x = places.x.as_chunks_mut::<LANES>().0.iter_mut().zip(places.fx.as_chunks_mut::<LANES>().0);
    let y = places.y.as_chunks_mut::<LANES>().0.iter_mut().zip(places.fy.as_chunks_mut::<LANES>().0);
    for ((x, fx), (y, fy)) in x.zip(y).take(len.div_ceil(LANES)) {
        let places = x.iter_mut().zip(fx).zip(y.iter_mut().zip(fy));
        for (at, ((x, fx), (y, fy))) in at.iter_mut().zip(places) {
            let of = |[step, start]: [f64; 2]| step * *at + start;
            let weight = of(w);
            let share = 1.0 / weight;
            let [u, v] = [u, v].map(|part| if weight > 0.0 { of(part) * share } else { -FAR }).map(fixed);
            (*x, *fx) = ((u >> 32) as i32, u as u32);
            (*y, *fy) = ((v >> 32) as i32, v as u32);
            *at += LANES as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_before_the_first_pixel_are_outside_of_sides_of_any_length() {
        let mut places = Places::new();
        places.x.fill(5);
        places.y.fill(5);
        for level in Level::available() {
            for side in [1 << 20, 1 << 30, u32::MAX as usize, usize::MAX] {
                assert_eq!(places.inside(level, AT_ONCE, (side, side), side), 0..AT_ONCE);
                assert_eq!(places.inside(level, 9, (side, side), side), 0..9);
            }
        }
        places.x.fill(-1);
        for (level, side) in
            Level::available().flat_map(|level| [(level, u32::MAX as usize), (level, usize::MAX)])
        {
            assert!(places.inside(level, AT_ONCE, (side, side), side).is_empty());
            assert!(places.inside(level, 9, (side, side), side).is_empty());
        }
    }

    #[test]
    fn rows_of_pixels_of_any_number_of_channels_are_one_block() {
        let path = Path::Straight([[1 << 32, 0, 0], [0, 1 << 32, 0]]);
        let mut blocks = 0;
        path.blocks(Level::BASE, 0, 0, usize::MAX, &mut [0u8; 9], |_, to| blocks += to.len());
        assert_eq!(blocks, 9);
    }
}
