//! Maps from the pixels of the output to places in the source.

use crate::error::{Error, Result};
use crate::math;

/// An inverse affine map: the output pixel (x, y) shows the source at
/// (`xx`·x + `xy`·y + `x0`, `yx`·x + `yy`·y + `y0`), with pixel centres at whole numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Affine {
    /// Source x for each output x.
    pub xx: f32,
    /// Source x for each output y.
    pub xy: f32,
    /// Source x of output (0, 0).
    pub x0: f32,
    /// Source y for each output x.
    pub yx: f32,
    /// Source y for each output y.
    pub yy: f32,
    /// Source y of output (0, 0).
    pub y0: f32,
}

impl Default for Affine {
    fn default() -> Self {
        Self::IDENTITY
    }
}

/// How the content of an image moves: it is scaled, then sheared, then turned about the middle, then shifted.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Motion {
    /// Turn in degrees, counter-clockwise as seen.
    pub degrees: f32,
    /// Growth; 2 shows everything twice as large.
    pub scale: f32,
    /// Shear angles along x and along y in degrees, less than 45 either way.
    pub shear: [f32; 2],
    /// Shift to the right and downwards in pixels.
    pub shift: [f32; 2],
}

impl Default for Motion {
    fn default() -> Self {
        Self { degrees: 0.0, scale: 1.0, shear: [0.0; 2], shift: [0.0; 2] }
    }
}

impl Motion {
    /// The inverse map of this motion in an image of `size` = (height, width).
    ///
    /// # Errors
    /// [`Error::NotFinite`] for numbers that are not, [`Error::InvalidArgument`] unless the scale is positive and
    /// the shear angles lie between −45 and 45.
    pub fn inverse(&self, size: (usize, usize)) -> Result<Affine> {
        let [shear_x, shear_y] = self.shear;
        let [shift_x, shift_y] = self.shift;
        let all = [self.degrees, self.scale, shear_x, shear_y, shift_x, shift_y];
        if !all.iter().all(|v| v.is_finite()) {
            return Err(Error::NotFinite);
        }
        if !(self.scale > 0.0 && math::abs(shear_x) < 45.0 && math::abs(shear_y) < 45.0) {
            return Err(Error::InvalidArgument);
        }
        const RADIANS: f32 = core::f32::consts::PI / 180.0;
        let turn = self.degrees * RADIANS;
        let (sin, cos) = (math::sin(turn), math::cos(turn));
        let tan = |degrees: f32| math::sin(degrees * RADIANS) / math::cos(degrees * RADIANS);
        let (tx, ty) = (tan(shear_x), tan(shear_y));
        // Undo the turn: (cos, −sin; sin, cos); then the shear: (1, −tx; −ty, 1) / (1 − tx·ty); then the scale.
        let k = 1.0 / ((1.0 - tx * ty) * self.scale);
        let xx = (cos - tx * sin) * k;
        let xy = (-sin - tx * cos) * k;
        let yx = (sin - ty * cos) * k;
        let yy = (cos + ty * sin) * k;
        let (cx, cy) = ((size.1 as f32 - 1.0) * 0.5, (size.0 as f32 - 1.0) * 0.5);
        let (px, py) = (cx + shift_x, cy + shift_y);
        let x0 = cx - (xx * px + xy * py);
        let y0 = cy - (yx * px + yy * py);
        Ok(Affine { xx, xy, x0, yx, yy, y0 })
    }
}

impl Affine {
    /// The map that changes nothing.
    pub const IDENTITY: Affine = Affine { xx: 1.0, xy: 0.0, x0: 0.0, yx: 0.0, yy: 1.0, y0: 0.0 };

    /// The map of doing `self` to the picture and then `next`, as one.
    #[must_use]
    pub fn then(&self, next: &Affine) -> Affine {
        let (a, b) = (self, next);
        Affine {
            xx: a.xx * b.xx + a.xy * b.yx,
            xy: a.xx * b.xy + a.xy * b.yy,
            x0: a.xx * b.x0 + a.xy * b.y0 + a.x0,
            yx: a.yx * b.xx + a.yy * b.yx,
            yy: a.yx * b.xy + a.yy * b.yy,
            y0: a.yx * b.x0 + a.yy * b.y0 + a.y0,
        }
    }

    /// Whether no pixel of an output of `size` = (height, width) comes from further away than 2³⁰ pixels, which is
    /// as far as [`warp`](super::warp()) goes; false for a map that is not finite.
    pub fn reaches(&self, size: (usize, usize)) -> bool {
        self.rows().iter().all(|(x, y, c)| {
            let reach = math::abs(*x) as f64 * size.1 as f64
                + math::abs(*y) as f64 * size.0 as f64
                + math::abs(*c) as f64;
            reach < 1_073_741_824.0
        })
    }

    pub(super) fn rows(&self) -> [(f32, f32, f32); 2] {
        [(self.xx, self.xy, self.x0), (self.yx, self.yy, self.y0)]
    }
}

/// An inverse projective map: with (u, v, w) = `rows` · (x, y, 1), the output pixel (x, y) shows the source at
/// (u / w, v / w), with pixel centres at whole numbers. What lies where w is not positive is behind the eye, and shows
/// the border, as places far up and left do.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Perspective {
    /// The matrix, row by row.
    pub rows: [[f64; 3]; 3],
}

impl From<Affine> for Perspective {
    fn from(map: Affine) -> Self {
        let [x, y] = map.rows().map(|(x, y, c)| [x as f64, y as f64, c as f64]);
        Self { rows: [x, y, [0.0, 0.0, 1.0]] }
    }
}

impl Perspective {
    /// The map that changes nothing.
    pub const IDENTITY: Self = Self { rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] };

    /// The map that shows the corners `source` at the places `shown`, both as (x, y) in the same order around.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for numbers that are not, [`Error::InvalidArgument`] where three corners lie on a line or the
    /// corners do not make convex figures of the same order.
    pub fn between(shown: [[f64; 2]; 4], source: [[f64; 2]; 4]) -> Result<Self> {
        let of_shown = Self::of_square(shown)?;
        let of_source = Self::of_square(source)?;
        let map = of_source.then(&of_shown.inverted()?);
        let weight = |[x, y]: [f64; 2]| map.weigh([x, y]).2;
        if shown.iter().all(|&p| weight(p) > 0.0) { Ok(map) } else { Err(Error::InvalidArgument) }
    }

    /// The map that moves the corners of an image of `size` = (height, width), clockwise from the top left, to `shown`.
    ///
    /// # Errors
    /// As [`Perspective::between`]; a side of one pixel counts as two.
    pub fn of_corners(size: (usize, usize), shown: [[f32; 2]; 4]) -> Result<Self> {
        let [bottom, right] = [size.0, size.1].map(|side| side.saturating_sub(1).max(1) as f64);
        let shown = shown.map(|corner| corner.map(f64::from));
        Self::between(shown, [[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]])
    }

    /// The map that takes (0, 0), (1, 0), (1, 1), (0, 1) to these corners (Heckbert 1989).
    fn of_square([a, b, c, d]: [[f64; 2]; 4]) -> Result<Self> {
        if ![a, b, c, d].as_flattened().iter().all(|v| v.is_finite()) {
            return Err(Error::NotFinite);
        }
        let between = |[ax, ay]: [f64; 2], [bx, by]: [f64; 2]| [bx - ax, by - ay];
        let cross = |[ax, ay]: [f64; 2], [bx, by]: [f64; 2]| ax * by - ay * bx;
        let (right, left) = (between(c, b), between(c, d));
        let skew = [a[0] - b[0] + c[0] - d[0], a[1] - b[1] + c[1] - d[1]];
        let whole = cross(right, left);
        let (g, h) = (cross(skew, left) / whole, cross(right, skew) / whole);
        let row = |a: f64, b: f64, d: f64| [b - a + g * b, d - a + h * d, a];
        let map = Self { rows: [row(a[0], b[0], d[0]), row(a[1], b[1], d[1]), [g, h, 1.0]] };
        // Every corner lies before the eye where the figure is convex.
        let convex = [1.0 + g, 1.0 + h, 1.0 + g + h].iter().all(|&w| w > 0.0);
        if whole != 0.0 && convex { Ok(map) } else { Err(Error::InvalidArgument) }
    }

    /// The map of doing `self` to the picture and then `next`, as one.
    #[must_use]
    pub fn then(&self, next: &Perspective) -> Self {
        let column = |k: usize| next.rows.map(|row| row.get(k).copied().unwrap_or(0.0));
        let columns = [column(0), column(1), column(2)];
        Self { rows: self.rows.map(|row| columns.map(|column| dot(row, column))) }
    }

    /// The opposite map.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where there is none.
    pub fn inverted(&self) -> Result<Self> {
        let [[a, b, c], [d, e, f], [g, h, i]] = self.rows;
        let rows = [
            [e * i - f * h, c * h - b * i, b * f - c * e],
            [f * g - d * i, a * i - c * g, c * d - a * f],
            [d * h - e * g, b * g - a * h, a * e - b * d],
        ];
        let whole = dot([a, b, c], rows.map(|row| row[0]));
        if whole == 0.0 || !whole.is_finite() {
            return Err(Error::InvalidArgument);
        }
        Ok(Self { rows: rows.map(|row| row.map(|v| v / whole)) })
    }

    /// Where (x, y) goes; `None` behind the eye.
    pub fn at(&self, place: [f64; 2]) -> Option<[f64; 2]> {
        let (u, v, w) = self.weigh(place);
        (w > 0.0).then(|| [u / w, v / w])
    }

    fn weigh(&self, [x, y]: [f64; 2]) -> (f64, f64, f64) {
        self.rows.map(|row| dot(row, [x, y, 1.0])).into()
    }
}

fn dot([a, b, c]: [f64; 3], [x, y, z]: [f64; 3]) -> f64 {
    a * x + b * y + c * z
}

/// Where the pixels of the output come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Map {
    /// Lines stay parallel.
    Affine(Affine),
    /// Lines stay lines.
    Perspective(Perspective),
}

impl Map {
    /// The map of doing `self` to the picture and then `next`, as one.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        match (self, next) {
            (Self::Affine(first), Self::Affine(next)) => Self::Affine(first.then(next)),
            _ => Self::Perspective(self.projective().then(&next.projective())),
        }
    }

    /// Whether [`warp`](super::warp()) takes it for an output of `size` = (height, width).
    pub fn reaches(&self, size: (usize, usize)) -> bool {
        match self {
            Self::Affine(map) => map.reaches(size),
            Self::Perspective(map) => map.rows.as_flattened().iter().all(|v| v.is_finite()),
        }
    }

    /// As a projective map.
    pub fn projective(&self) -> Perspective {
        match *self {
            Self::Affine(map) => map.into(),
            Self::Perspective(map) => map,
        }
    }
}

impl From<Affine> for Map {
    fn from(map: Affine) -> Self {
        Self::Affine(map)
    }
}

impl From<Perspective> for Map {
    fn from(map: Perspective) -> Self {
        Self::Perspective(map)
    }
}
