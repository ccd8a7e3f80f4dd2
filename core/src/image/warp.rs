//! Affine warps: rotation, scale, shear and shift as one inverse map and one bilinear sampling.

mod bilinear;
mod span;

use self::bilinear::{Line, ROUND};
use super::{Border, same};
use crate::error::{Error, Result};
use crate::math;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

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
    /// as far as [`warp_affine`] goes; false for a map that is not finite.
    pub fn reaches(&self, size: (usize, usize)) -> bool {
        self.rows().iter().all(|(x, y, c)| {
            let reach = math::abs(*x) as f64 * size.1 as f64
                + math::abs(*y) as f64 * size.0 as f64
                + math::abs(*c) as f64;
            reach < 1_073_741_824.0
        })
    }

    fn rows(&self) -> [(f32, f32, f32); 2] {
        [(self.xx, self.xy, self.x0), (self.yx, self.yy, self.y0)]
    }

    /// In fixed point with 32 fractional bits, checked so that no pixel of `size` overflows.
    fn fixed(&self, size: (usize, usize)) -> Result<Fixed> {
        if !self.reaches(size) {
            return Err(Error::InvalidArgument);
        }
        let fixed = |v: f32| (v as f64 * 4_294_967_296.0) as i64;
        let [x, y] = self.rows().map(|(x, y, c)| [fixed(x), fixed(y), fixed(c)]);
        Ok(Fixed { x, y })
    }
}

/// Source coordinates as sums of a step for each x, one for each y, and a start.
#[derive(Clone, Copy)]
struct Fixed {
    x: [i64; 3],
    y: [i64; 3],
}

/// `dst` shows `src` through the inverse map, sampled bilinearly; `border` stands outside the source.
///
/// Coordinates are fixed-point with 32 fractional bits, rounded to 11 bits for the weights; the weighted sum of four
/// pixels is exact and rounded half up. This is within one level of the exact value, without bias. `dst` may have
/// another size than `src`.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the channels differ, [`Error::InvalidArgument`] where the map leads further than
/// 2³⁰ pixels away or is not finite, or where `src` is empty and the border is not a constant.
pub fn warp_affine(
    level: Level,
    map: &Affine,
    border: Border,
    src: ImageRef<'_, u8>,
    mut dst: ImageMut<'_, u8>,
) -> Result<()> {
    same(src.channels(), dst.channels())?;
    let fixed = map.fixed((dst.height(), dst.width()))?;
    if (src.height() == 0 || src.width() == 0) && !matches!(border, Border::Constant(_)) {
        return Err(Error::InvalidArgument);
    }
    for (y, to) in dst.iter_rows_mut().enumerate() {
        // Rounded to the bits of a weight once, here.
        let start =
            |[_, step_y, c]: [i64; 3]| step_y.wrapping_mul(y as i64).wrapping_add(c).wrapping_add(ROUND);
        let line = Line { at: [start(fixed.x), start(fixed.y)], step: [fixed.x[0], fixed.y[0]] };
        bilinear::row(level, line, border, src, to);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{BORDERS, Owned, images};
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn warped(level: Level, map: &Affine, border: Border, src: &Owned) -> Owned {
        let mut out = Owned::new(src.shape);
        warp_affine(level, map, border, src.view(), out.view_mut()).unwrap();
        out
    }

    /// The definition in `f64`.
    fn exact(map: &Affine, border: Border, src: &Owned) -> Vec<f64> {
        let (h, w, c) = src.shape;
        let pixel = |x: i64, y: i64, ch: usize| match (border.index(x, w), border.index(y, h)) {
            (Some(x), Some(y)) => src.data[(y * w + x) * c + ch] as f64,
            _ => 200.0,
        };
        let value = |i: usize| {
            let (y, x, ch) = ((i / (w * c)) as f64, (i / c % w) as f64, i % c);
            let sx = map.xx as f64 * x + map.xy as f64 * y + map.x0 as f64;
            let sy = map.yx as f64 * x + map.yy as f64 * y + map.y0 as f64;
            let (x0, y0) = (sx.floor(), sy.floor());
            let (fx, fy) = (sx - x0, sy - y0);
            let (x0, y0) = (x0 as i64, y0 as i64);
            (pixel(x0, y0, ch) * (1.0 - fx) + pixel(x0 + 1, y0, ch) * fx) * (1.0 - fy)
                + (pixel(x0, y0 + 1, ch) * (1.0 - fx) + pixel(x0 + 1, y0 + 1, ch) * fx) * fy
        };
        (0..h * w * c).map(value).collect()
    }

    fn motions() -> impl Strategy<Value = Motion> {
        let shear = prop::array::uniform2(-30.0f32..30.0);
        (-360.0f32..360.0, 0.3f32..3.0, shear, prop::array::uniform2(-20.0f32..20.0))
            .prop_map(|(degrees, scale, shear, shift)| Motion { degrees, scale, shear, shift })
    }

    proptest! {
        #[test]
        fn within_one_level_of_the_definition(src in images(), motion in motions(), border in 0usize..5) {
            let map = motion.inverse((src.shape.0, src.shape.1)).unwrap();
            let want = exact(&map, BORDERS[border], &src);
            let got = warped(Level::detect(), &map, BORDERS[border], &src);
            for (g, w) in got.data.iter().zip(&want) {
                // Half a level of rounding, and a coordinate that is off by 2⁻¹² in each direction.
                prop_assert!((*g as f64 - w).abs() < 0.63, "{g} {w}");
            }
        }

        #[test]
        fn same_bytes_at_every_level(src in images(), motion in motions(), border in 0usize..5) {
            let map = motion.inverse((src.shape.0, src.shape.1)).unwrap();
            let want = warped(Level::BASE, &map, BORDERS[border], &src);
            for level in Level::available() {
                prop_assert_eq!(&warped(level, &map, BORDERS[border], &src), &want);
            }
        }

        #[test]
        fn wide_rows_have_the_same_bytes_at_every_level(size in (1usize..9, 1usize..90), c in 1usize..5, motion in motions(),
                                                        border in 0usize..5, turn: u8) {
            let mut src = Owned::pattern(size.0 * 11, size.1, c);
            src.data.iter_mut().enumerate().for_each(|(i, v)| *v = v.wrapping_mul(turn) ^ (i / 3) as u8);
            let map = motion.inverse((src.shape.0, src.shape.1)).unwrap();
            let want = warped(Level::BASE, &map, BORDERS[border], &src);
            for level in Level::available() {
                prop_assert_eq!(&warped(level, &map, BORDERS[border], &src), &want);
            }
        }

        #[test]
        fn a_map_and_its_opposite_compose_to_nothing(degrees in -180.0f32..180.0, size in 2usize..300) {
            let turn = |degrees| Motion { degrees, ..Motion::default() }.inverse((size, size)).unwrap();
            let both = turn(degrees).then(&turn(-degrees));
            prop_assert!((both.xx - 1.0).abs() < 1e-5 && both.xy.abs() < 1e-5, "{both:?}");
            prop_assert!(both.x0.abs() < 1e-3 && both.y0.abs() < 1e-3, "{both:?}");
        }
    }

    #[test]
    fn an_empty_image_shows_its_border_alone() {
        let (data, mut out) = ([7u8; 64], [9u8; 16]);
        for (height, width) in [(0, 8), (8, 0)] {
            let src = ImageRef::new(&data, height, width, 1).unwrap();
            let mut dst = ImageMut::new(&mut out, 4, 4, 1).unwrap();
            let (level, map) = (Level::detect(), &Affine::IDENTITY);
            warp_affine(level, map, Border::Constant(3), src, dst.reborrow()).unwrap();
            let refused = warp_affine(level, map, Border::Edge, src, dst);
            assert_eq!((refused, out), (Err(Error::InvalidArgument), [3; 16]));
            out.fill(9);
        }
    }

    #[test]
    fn no_motion_is_the_image_and_a_quarter_turn_is_counter_clockwise() {
        let src = Owned::pattern(9, 9, 3);
        assert_eq!(warped(Level::detect(), &Affine::IDENTITY, Border::Edge, &src), src);
        let still = Motion::default().inverse((9, 9)).unwrap();
        assert_eq!(warped(Level::detect(), &still, Border::Edge, &src), src);
        let mut turned = Owned::new(src.shape);
        super::super::rot90(Level::BASE, src.view(), turned.view_mut()).unwrap();
        let quarter = Motion { degrees: 90.0, ..Motion::default() }.inverse((9, 9)).unwrap();
        assert_eq!(warped(Level::detect(), &quarter, Border::Edge, &src), turned);
    }

    #[test]
    fn a_shift_goes_right_and_down_and_a_scale_grows() {
        let src = Owned { data: (1..10).collect(), shape: (3, 3, 1) };
        let shift = Motion { shift: [1.0, 1.0], ..Motion::default() }.inverse((3, 3)).unwrap();
        let moved = warped(Level::detect(), &shift, Border::Constant(0), &src);
        assert_eq!(moved.data, [0, 0, 0, 0, 1, 2, 0, 4, 5]);
        let grow = Motion { scale: 2.0, ..Motion::default() }.inverse((3, 3)).unwrap();
        // The middle stays; half a pixel from it on each side: (2 + 5) / 2 = 3.5 above, rounded up.
        let grown = warped(Level::detect(), &grow, Border::Edge, &src);
        assert_eq!(grown.data, [3, 4, 4, 5, 5, 6, 6, 7, 7]);
    }

    #[test]
    fn maps_that_cannot_be_are_refused_before_the_first_write() {
        let src = Owned::pattern(4, 4, 1);
        let mut out = Owned::new((4, 4, 1));
        let far = Affine { x0: 2e9, ..Affine::IDENTITY };
        let nan = Affine { yy: f32::NAN, ..Affine::IDENTITY };
        for map in [far, nan] {
            let done = warp_affine(Level::BASE, &map, Border::Edge, src.view(), out.view_mut());
            assert_eq!(done, Err(Error::InvalidArgument));
        }
        assert_eq!(out, Owned::new((4, 4, 1)));
        let none = Motion { scale: 0.0, ..Motion::default() };
        assert_eq!(none.inverse((4, 4)), Err(Error::InvalidArgument));
        let flat = Motion { shear: [45.0, 45.0], ..Motion::default() };
        assert_eq!(flat.inverse((4, 4)), Err(Error::InvalidArgument));
        let nowhere = Motion { degrees: f32::INFINITY, ..Motion::default() };
        assert_eq!(nowhere.inverse((4, 4)), Err(Error::NotFinite));
    }
}
