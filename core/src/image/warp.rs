//! Affine warps: rotation, scale, shear and shift as one inverse map and one bilinear sampling.

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

/// Fractional bits of an interpolation weight.
const BITS: u32 = 11;

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
        let start = |[_, step_y, c]: [i64; 3]| step_y.wrapping_mul(y as i64).wrapping_add(c);
        let line = Line { at: [start(fixed.x), start(fixed.y)], step: [fixed.x[0], fixed.y[0]], border };
        match src.channels() {
            1 => row1(level, line, src, to),
            3 => row3(level, line, src, to),
            4 => row4(level, line, src, to),
            _ => row_any(line, src, to),
        }
    }
    Ok(())
}

/// The source coordinates along one output row.
#[derive(Clone, Copy)]
struct Line {
    at: [i64; 2],
    step: [i64; 2],
    border: Border,
}

kernel! {
    fn row1(line: Line, src: ImageRef<'_, u8>, to: &mut [u8]) = row_body::<1>;
}

kernel! {
    fn row3(line: Line, src: ImageRef<'_, u8>, to: &mut [u8]) = row_body::<3>;
}

kernel! {
    fn row4(line: Line, src: ImageRef<'_, u8>, to: &mut [u8]) = row_body::<4>;
}

#[inline(always)]
fn row_body<const C: usize>(line: Line, src: ImageRef<'_, u8>, to: &mut [u8]) {
    // Rounded to the bits of a weight once, here.
    let half = 1i64 << (31 - BITS);
    let [mut x, mut y] = line.at.map(|v| v.wrapping_add(half));
    let data = src.as_mat().data();
    let stride = src.stride();
    let last = [src.width(), src.height()].map(|n| (n as u64).saturating_sub(1));
    for pixel in to.as_chunks_mut::<C>().0 {
        let point = Point::new(x, y);
        // A negative coordinate is a large one without its sign.
        let inside = (point.x as u64) < last[0] && (point.y as u64) < last[1];
        let at = (point.y as usize).wrapping_mul(stride).wrapping_add((point.x as usize).wrapping_mul(C));
        let four =
            if inside { pair::<C>(data, at).zip(pair::<C>(data, at.wrapping_add(stride))) } else { None };
        *pixel = match four {
            Some((top, bottom)) => point.mix_pairs(top, bottom),
            None => around(&point, line.border, src),
        };
        x = x.wrapping_add(line.step[0]);
        y = y.wrapping_add(line.step[1]);
    }
}

/// The pixel at `at` and the one to its right.
#[inline(always)]
fn pair<const C: usize>(data: &[u8], at: usize) -> Option<[[u8; C]; 2]> {
    let (first, rest) = data.get(at..)?.split_first_chunk::<C>()?;
    Some([*first, *rest.first_chunk::<C>()?])
}

/// Any number of channels, one value at a time.
fn row_any(line: Line, src: ImageRef<'_, u8>, to: &mut [u8]) {
    let half = 1i64 << (31 - BITS);
    let [mut x, mut y] = line.at.map(|v| v.wrapping_add(half));
    for pixel in to.chunks_exact_mut(src.channels().max(1)) {
        let point = Point::new(x, y);
        for (i, to) in pixel.iter_mut().enumerate() {
            *to = outside(&point, line.border, src, i);
        }
        x = x.wrapping_add(line.step[0]);
        y = y.wrapping_add(line.step[1]);
    }
}

/// A place in the source: the pixel up and left of it, and how far beyond that pixel it lies.
struct Point {
    x: i64,
    y: i64,
    fx: u32,
    fy: u32,
}

impl Point {
    #[inline(always)]
    fn new(x: i64, y: i64) -> Self {
        let fraction = |v: i64| (v as u32) >> (32 - BITS);
        Self { x: x >> 32, y: y >> 32, fx: fraction(x), fy: fraction(y) }
    }

    /// Two pixels of the row above and two of the row below, weighted: the sums of [`Point::mix`], with two
    /// channels side by side in the halves of a word, which neither leaves.
    #[inline(always)]
    fn mix_pairs<const C: usize>(&self, [a, b]: [[u8; C]; 2], [c, d]: [[u8; C]; 2]) -> [u8; C] {
        const ONE: u32 = 1 << BITS;
        let (left, right) = ((ONE - self.fx) as u64, self.fx as u64);
        let (above, below) = ((ONE - self.fy) as u64, self.fy as u64);
        let mut mixed = [0; C];
        for (i, to) in mixed.chunks_mut(2).enumerate() {
            let [a, b, c, d] = [&a, &b, &c, &d].map(|pixel| halves(pixel, 2 * i));
            let sum = (a * left + b * right) * above + (c * left + d * right) * below;
            for (to, sum) in to.iter_mut().zip([sum as u32, (sum >> 32) as u32]) {
                *to = settle(sum);
            }
        }
        mixed
    }

    /// The four pixels around, weighted: at most 255 · 2²² and a half, below 2³².
    #[inline(always)]
    const fn mix(&self, [a, b, c, d]: [u8; 4]) -> u8 {
        const ONE: u32 = 1 << BITS;
        let top = a as u32 * (ONE - self.fx) + b as u32 * self.fx;
        let bottom = c as u32 * (ONE - self.fx) + d as u32 * self.fx;
        let sum = top * (ONE - self.fy) + bottom * self.fy;
        settle(sum)
    }
}

/// A sum with the bits of two weights as a value, rounded half up.
#[inline(always)]
const fn settle(sum: u32) -> u8 {
    ((sum + (1 << (2 * BITS - 1))) >> (2 * BITS)) as u8
}

/// Channels `i` and `i + 1` in the halves of a word, 0 where there is no such channel.
#[inline(always)]
fn halves<const C: usize>(pixel: &[u8; C], i: usize) -> u64 {
    let channel = |i: usize| pixel.get(i).copied().unwrap_or(0) as u64;
    channel(i) | channel(i + 1) << 32
}

/// The columns and rows of the four pixels around a place, `None` where a constant stands.
#[inline(always)]
fn neighbours(point: &Point, border: Border, src: ImageRef<'_, u8>) -> [[Option<usize>; 2]; 2] {
    let (height, width, _) = src.shape();
    let columns = [point.x, point.x.wrapping_add(1)].map(|x| border.index(x, width));
    [columns, [point.y, point.y.wrapping_add(1)].map(|y| border.index(y, height))]
}

/// The value of a border where a constant stands.
#[inline(always)]
const fn constant(border: Border) -> u8 {
    match border {
        Border::Constant(value) => value,
        Border::Edge | Border::Reflect101 => 0,
    }
}

/// The pixel at a place whose four pixels may lie outside.
#[inline(always)]
fn around<const C: usize>(point: &Point, border: Border, src: ImageRef<'_, u8>) -> [u8; C] {
    let ([left, right], [above, below]) = neighbours(point, border, src).into();
    let data = src.as_mat().data();
    let pixel = |y: Option<usize>, x: Option<usize>| {
        let (y, x) = y.zip(x)?;
        data.get(y.wrapping_mul(src.stride()).wrapping_add(x.wrapping_mul(C))..)?.first_chunk::<C>().copied()
    };
    let four = [(above, left), (above, right), (below, left), (below, right)];
    let four = four.map(|(y, x)| pixel(y, x).unwrap_or([constant(border); C]));
    core::array::from_fn(|i| point.mix(four.map(|pixel| pixel.get(i).copied().unwrap_or(0))))
}

/// Channel `i` at a place whose four pixels may lie outside.
fn outside(point: &Point, border: Border, src: ImageRef<'_, u8>, i: usize) -> u8 {
    let ([left, right], [above, below]) = neighbours(point, border, src).into();
    let at = |y: Option<usize>, x: Option<usize>| match y.zip(x) {
        Some((y, x)) => src.row(y).get(x * src.channels() + i).copied().unwrap_or(0),
        None => constant(border),
    };
    point.mix([at(above, left), at(above, right), at(below, left), at(below, right)])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, images};
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const BORDERS: [Border; 3] = [Border::Constant(200), Border::Edge, Border::Reflect101];

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
        fn within_one_level_of_the_definition(src in images(), motion in motions(), border in 0usize..3) {
            let map = motion.inverse((src.shape.0, src.shape.1)).unwrap();
            let want = exact(&map, BORDERS[border], &src);
            let got = warped(Level::detect(), &map, BORDERS[border], &src);
            for (g, w) in got.data.iter().zip(&want) {
                // Half a level of rounding, and a coordinate that is off by 2⁻¹² in each direction.
                prop_assert!((*g as f64 - w).abs() < 0.63, "{g} {w}");
            }
        }

        #[test]
        fn same_bytes_at_every_level(src in images(), motion in motions(), border in 0usize..3) {
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
