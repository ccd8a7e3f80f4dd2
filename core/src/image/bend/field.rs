//! Displacements at the nodes of a lattice, and between them.

use super::plate::Plate;
use super::{Bend, MOST_CELLS};
use crate::error::Result;
use crate::image::Index;
use crate::math;
use crate::rng::mix;

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
/// How much smaller the deviation of a sum of cubic B-splines is than that of its weights: the integral of the square.
const SPLINE: f32 = 151.0 / 315.0;
/// The root of 3: the variance of numbers between −1 and 1 is a third, and a cubic B-spline has a third of its spacing's
/// square.
const ROOT_3: f32 = 1.732_050_8;
/// Displacements go no further, in pixels.
pub(super) const FURTHEST: f32 = 16_384.0;

/// A [`Bend`] of pictures of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bent {
    kind: Kind,
    pub(super) frame: Frame,
    /// Height and width.
    size: (usize, usize),
}

/// What is known of a bend before any node.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Uniform displacements up to `reach`.
    Elastic {
        reach: f32,
        seed: u64,
    },
    /// Where lines lie: those of columns and of rows.
    Grid([[f32; MOST_CELLS + 1]; 2]),
    /// The strength over the square of the half diagonal.
    Optical {
        k: f32,
    },
    /// The angle at a corner, and the half diagonal.
    Fisheye {
        angle: f32,
        corner: f32,
    },
    ThinPlate(Plate),
    /// The most along each side; cells.
    PiecewiseAffine {
        reach: [f32; 2],
        cells: u32,
        seed: u64,
    },
}

/// Where the nodes of a lattice lie, and what lies between them: x and y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    /// The place of the first node; one cell and more before the first pixel.
    pub origin: [f64; 2],
    pub spacing: [f64; 2],
    pub between: Between,
}

/// The polynomial between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    /// Cubic B-splines.
    Spline,
    /// The cubic of Catmull and Rom, through the nodes.
    Cubic,
    Line,
    /// Two triangles, of which the one above the diagonal from the top left has the larger x.
    Triangles,
}

/// The number of `seed` and `at`, as SplitMix64 has them.
fn number(seed: u64, at: u64) -> u64 {
    mix(seed.wrapping_add(at.wrapping_add(1).wrapping_mul(GOLDEN_GAMMA)))
}

/// Two numbers between −1 and 1.
fn both(bits: u64) -> [f32; 2] {
    [bits >> 32, bits & 0xffff_ffff].map(|half| (half as u32 as i32 >> 8) as f32 / 8_388_608.0)
}

impl Bent {
    /// # Errors
    /// As [`Bend::validate`].
    pub fn new(bend: &Bend, size: (usize, usize)) -> Result<Self> {
        bend.validate()?;
        let sides = [size.1 as f64, size.0 as f64];
        let half = sides.map(|side| side as f32 * 0.5);
        let diagonal = half[0] * half[0] + half[1] * half[1];
        // A cell is a pixel at least.
        let few = |cells: u32| cells.min(u32::try_from(size.0.min(size.1)).unwrap_or(u32::MAX)).max(1);
        let (kind, frame) = match *bend {
            Bend::Elastic { deviation, sigma, seed } => {
                let seed = mix(seed.into());
                let spacing = f64::from(sigma * ROOT_3);
                let start = both(number(seed, u64::MAX)).map(|v| -(1.5 + 0.5 * f64::from(v)) * spacing);
                let frame = Frame { origin: start, spacing: [spacing; 2], between: Between::Spline };
                (Kind::Elastic { reach: deviation * (ROOT_3 / SPLINE), seed }, frame)
            }
            Bend::Grid { cells, shift, seed } => {
                let cells = few(cells);
                (Kind::Grid(lines(cells, shift, seed, sides)), Frame::cells(sides, cells, Between::Line))
            }
            Bend::Optical { k } => (Kind::Optical { k: k / math::max(diagonal, 0.25) }, Frame::even(sides)),
            Bend::Fisheye { degrees } => {
                let angle = degrees * (core::f32::consts::PI / 180.0);
                let corner = math::sqrt(math::max(diagonal, 0.25));
                (Kind::Fisheye { angle, corner }, Frame::even(sides))
            }
            Bend::ThinPlate { points, shift, seed } => {
                let seed = mix(seed.into());
                let moves = |i: usize| both(number(seed, i as u64)).map(|v| f64::from(v * shift));
                (Kind::ThinPlate(Plate::new(points as usize, moves)), Frame::even(sides))
            }
            Bend::PiecewiseAffine { cells, shift, seed } => {
                let cells = few(cells);
                let reach = sides.map(|side| side as f32 / cells.max(1) as f32 * shift);
                let kind = Kind::PiecewiseAffine { reach, cells, seed: mix(seed.into()) };
                (kind, Frame::cells(sides, cells, Between::Triangles))
            }
        };
        Ok(Self { kind, frame, size })
    }

    /// The displacement at a node.
    pub(super) fn node(&self, column: usize, row: usize) -> [f32; 2] {
        let [x, y] = [(column, 0), (row, 1)].map(|(i, axis)| self.frame.place(axis, i));
        let away = || {
            let middle = [self.size.1, self.size.0].map(|side| (side as f64 - 1.0) * 0.5);
            [(x - middle[0]) as f32, (y - middle[1]) as f32]
        };
        let moved = match &self.kind {
            Kind::Elastic { reach, seed } => {
                both(number(*seed, (row as u64) << 32 | column as u64)).map(|v| v * reach)
            }
            Kind::Grid([columns, rows]) => {
                // The first line is the second node's; what lies outside goes with the edge.
                let of = |lines: &[f32; MOST_CELLS + 1], node: usize| {
                    lines.get(node.saturating_sub(1).min(MOST_CELLS)).copied().unwrap_or(0.0)
                };
                [of(columns, column), of(rows, row)]
            }
            Kind::Optical { k } => {
                let [x, y] = away();
                [x, y].map(|v| v * (k * (x * x + y * y)))
            }
            Kind::Fisheye { angle, corner } => {
                let [x, y] = away();
                let r = math::sqrt(x * x + y * y) / corner;
                let tan = |a: f32| math::sin(a) / math::cos(a);
                // Nodes outside are needed no further than the tangent is finite.
                let source = tan(math::min(r * angle, 1.55)) / tan(*angle);
                let growth = if r > 1e-6 { source / r } else { angle / tan(*angle) };
                [x, y].map(|v| v * (growth - 1.0))
            }
            Kind::ThinPlate(plate) => {
                let sides = [self.size.1, self.size.0].map(|side| side.saturating_sub(1).max(1) as f64);
                let [dx, dy] = plate.at([x / sides[0], y / sides[1]]);
                [(dx * sides[0]) as f32, (dy * sides[1]) as f32]
            }
            Kind::PiecewiseAffine { reach, cells, seed } => {
                let last = *cells as usize;
                let (i, j) = (column.saturating_sub(1).min(last), row.saturating_sub(1).min(last));
                let [dx, dy] = both(number(*seed, (j as u64) << 32 | i as u64));
                let free = |i: usize| if i == 0 || i == last { 0.0 } else { 1.0 };
                [dx * reach[0] * free(i), dy * reach[1] * free(j)]
            }
        };
        moved.map(|v| math::clamp(v, -FURTHEST, FURTHEST))
    }

    /// Columns and rows of the lattice: those that the last pixel needs.
    pub(super) fn counts(&self) -> [usize; 2] {
        let last = [self.size.1, self.size.0].map(|side| side.saturating_sub(1));
        [0, 1].map(|axis| {
            self.frame.cell(axis, last.get(axis).copied().unwrap_or(0) as f64).0.saturating_add(3)
        })
    }

    /// The place in the source that the place `at` of the result shows. Outside of the picture all moves as the nearest
    /// place at its edge does.
    pub fn source(&self, Index(at): Index) -> Index {
        let [x, y] = at;
        let within = |v: f64, side: usize| {
            let high = side as f64 - 0.5;
            if v < -0.5 {
                -0.5
            } else if v > high {
                high
            } else {
                v
            }
        };
        let near = [within(x, self.size.1), within(y, self.size.0)];
        let [(column, u), (row, v)] = [self.frame.cell(0, near[0]), self.frame.cell(1, near[1])];
        let mut across = [[0.0; 2]; 4];
        for (i, across) in across.iter_mut().enumerate() {
            let node = |j: usize| self.node((column + i).saturating_sub(1), (row + j).saturating_sub(1));
            *across = self.frame.between.down([node(0), node(1), node(2), node(3)], v);
        }
        let piece = match self.frame.between {
            Between::Triangles => {
                let node = |i: usize, j: usize| self.node(column + i, row + j);
                triangle([node(0, 0), node(1, 0), node(0, 1), node(1, 1)], v, u >= v)
            }
            between => between.across(across),
        };
        let [dx, dy] = at_part(&piece, u);
        Index([x + f64::from(dx), y + f64::from(dy)])
    }

    /// Where the place `from` of the source goes: the place of the result that shows it. By Newton's method, whose steps are
    /// halved as long as they lead away; it finds the place wherever the bend turns nothing over.
    pub fn shown(&self, from: Index) -> Index {
        let miss = |at: Index| {
            let (Index([x, y]), Index([sx, sy])) = (from, self.source(at));
            [x - sx, y - sy]
        };
        let far = |[x, y]: [f64; 2]| x * x + y * y;
        let (mut at, mut missed) = (from, miss(from));
        for _ in 0..32 {
            if far(missed) < 1e-12 {
                break;
            }
            let step = self.step(at, missed);
            let mut share = 1.0;
            for _ in 0..8 {
                let next = Index([at.0[0] + step[0] * share, at.0[1] + step[1] * share]);
                let miss = miss(next);
                if far(miss) < far(missed) {
                    (at, missed) = (next, miss);
                    break;
                }
                share *= 0.5;
            }
        }
        at
    }

    /// How far to go from a place for the source to move by `by`, with the slopes over a pixel around.
    fn step(&self, Index([x, y]): Index, by: [f64; 2]) -> [f64; 2] {
        let slope = |dx: f64, dy: f64| {
            let Index(before) = self.source(Index([x - dx, y - dy]));
            let Index(after) = self.source(Index([x + dx, y + dy]));
            [after[0] - before[0], after[1] - before[1]]
        };
        let ([a, c], [b, d]) = (slope(0.5, 0.0), slope(0.0, 0.5));
        let whole = a * d - b * c;
        if whole < 1e-6 && whole > -1e-6 {
            return by;
        }
        [(by[0] * d - b * by[1]) / whole, (a * by[1] - by[0] * c) / whole]
    }
}

/// The displacements of the lines of columns and of rows.
fn lines(cells: u32, shift: f32, seed: u32, sides: [f64; 2]) -> [[f32; MOST_CELLS + 1]; 2] {
    let (seed, count) = (mix(seed.into()), cells as usize);
    let mut all = [[0.0; MOST_CELLS + 1]; 2];
    for ((axis, lines), side) in all.iter_mut().enumerate().zip(sides) {
        let part = |i: usize| {
            let [along_x, along_y] = both(number(seed, i as u64));
            1.0 + f64::from(shift * if axis == 0 { along_x } else { along_y })
        };
        let total: f64 = (0..count).map(part).sum();
        let mut sum = 0.0;
        for (i, line) in lines.iter_mut().enumerate().take(count) {
            *line = (side * (sum / total - i as f64 / count.max(1) as f64)) as f32;
            sum += part(i);
        }
    }
    all
}

impl Frame {
    /// Nodes a 32nd of the smaller side apart.
    fn even(sides: [f64; 2]) -> Self {
        let smaller = if sides[0] < sides[1] { sides[0] } else { sides[1] };
        let spacing = (smaller / 32.0).clamp(1.0, 16.0);
        Self { origin: [-spacing; 2], spacing: [spacing; 2], between: Between::Cubic }
    }

    /// As many cells along each side as this, between the edges.
    fn cells(sides: [f64; 2], cells: u32, between: Between) -> Self {
        let spacing = sides.map(|side| side / f64::from(cells.max(1)));
        Self { origin: spacing.map(|spacing| -0.5 - spacing), spacing, between }
    }

    fn along(&self, axis: usize) -> (f64, f64) {
        let ([x, y], [sx, sy]) = (self.origin, self.spacing);
        if axis == 0 { (x, sx) } else { (y, sy) }
    }

    /// Where a node lies along a side.
    pub(super) fn place(&self, axis: usize, node: usize) -> f64 {
        let (origin, spacing) = self.along(axis);
        origin + node as f64 * spacing
    }

    /// The cell of a place, by its first node, and how far into it the place lies, of 1.
    pub(super) fn cell(&self, axis: usize, at: f64) -> (usize, f32) {
        let (origin, spacing) = self.along(axis);
        let from = (at - origin) / spacing;
        let cell = from as usize;
        (cell, (from - cell as f64) as f32)
    }
}

/// A displacement along a row of a cell, x and y: the powers of the part of the cell from 0 on.
pub(super) type Piece = [[f32; 4]; 2];

/// The displacement at a part of a cell.
#[inline(always)]
fn at_part(piece: &Piece, t: f32) -> [f32; 2] {
    let of = |[a, b, c, d]: [f32; 4]| ((d * t + c) * t + b) * t + a;
    [of(piece[0]), of(piece[1])]
}

/// The displacements in one of the two triangles of a cell with these nodes, row by row, at this part of its height.
#[inline(always)]
pub(super) fn triangle([a, b, c, d]: [[f32; 2]; 4], v: f32, right: bool) -> Piece {
    let mut piece = [[0.0; 4]; 2];
    for ((to, (a, b)), (c, d)) in piece.iter_mut().zip(a.into_iter().zip(b)).zip(c.into_iter().zip(d)) {
        let (start, slope) = if right { (a + (d - b) * v, b - a) } else { (a + (c - a) * v, d - c) };
        *to = [start, slope, 0.0, 0.0];
    }
    piece
}

impl Between {
    /// Four nodes below each other as one, at this part of the height between the second and the third.
    #[inline(always)]
    pub(super) fn down(self, nodes: [[f32; 2]; 4], v: f32) -> [f32; 2] {
        let [a, b, c, d] = nodes;
        let of = |a: f32, b: f32, c: f32, d: f32| {
            let [p, q, r, s] = self.powers([a, b, c, d]);
            ((s * v + r) * v + q) * v + p
        };
        [of(a[0], b[0], c[0], d[0]), of(a[1], b[1], c[1], d[1])]
    }

    /// The polynomial between the second and the third of four nodes beside each other.
    #[inline(always)]
    fn across(self, [a, b, c, d]: [[f32; 2]; 4]) -> Piece {
        [self.powers([a[0], b[0], c[0], d[0]]), self.powers([a[1], b[1], c[1], d[1]])]
    }

    /// The powers of the polynomial between the second and the third of four numbers.
    #[inline(always)]
    pub(super) fn powers(self, [a, b, c, d]: [f32; 4]) -> [f32; 4] {
        match self {
            Self::Spline => [
                (a + 4.0 * b + c) * (1.0 / 6.0),
                (c - a) * 0.5,
                (a - 2.0 * b + c) * 0.5,
                (d - 3.0 * c + 3.0 * b - a) * (1.0 / 6.0),
            ],
            Self::Cubic => [b, (c - a) * 0.5, a - 2.5 * b + 2.0 * c - 0.5 * d, (d - a) * 0.5 + 1.5 * (b - c)],
            Self::Line | Self::Triangles => [b, c - b, 0.0, 0.0],
        }
    }
}
