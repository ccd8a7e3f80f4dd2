//! Bilinear sampling of 8-bit values in integers.

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::super::split;
use super::places::{self, Places};
use super::span::inside;
use crate::image::Border;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};
use core::ops::Range;

/// Fractional bits of an interpolation weight.
const BITS: u32 = 11;
/// Half of the last place of a weight, in coordinates of 32 fractional bits.
pub(super) const ROUND: i64 = 1 << (31 - BITS);

/// The places in the source that the pixels of a row show, one after the other.
///
/// # Safety
/// Vectors read at the pixels that `inside` names without a look at the borders: they must lie where it says.
#[allow(unsafe_code)]
pub(super) unsafe trait Path: Copy {
    /// The places from pixel `i` on.
    fn from(self, i: usize) -> Self;

    /// The next place.
    fn advance(&mut self) -> Point;

    /// A run of the first `len` pixels whose four neighbours all lie inside `src`; in its last row, `beyond` − 1 pixels after
    /// them, too.
    fn inside(self, level: Level, len: usize, beyond: usize, src: ImageRef<'_, u8>) -> Range<usize>;

    /// Samples the pixels of a run.
    fn within<const C: usize>(run: &Run<'_, Self>, level: Level, to: &mut [u8]);
}

/// Pixels of a row of which vectors can read eight bytes at each of the upper two neighbours and of the lower two, or four
/// where there is one channel.
pub(super) struct Run<'a, P> {
    path: P,
    src: ImageRef<'a, u8>,
    pixels: Range<usize>,
}

impl<'a, P: Path> Run<'a, P> {
    /// Among the first `len` pixels of `path`.
    fn find(level: Level, path: P, len: usize, src: ImageRef<'a, u8>) -> Self {
        // That is more than the two pixels that count. In the last row there may be nothing after them.
        let beyond = match src.channels() {
            1 => 3,
            3 => 2,
            _ => 1,
        };
        Self { path, src, pixels: path.inside(level, len, beyond, src) }
    }

    /// The places from the first pixel of the run on.
    fn path(&self) -> P {
        self.path.from(self.pixels.start)
    }

    /// As much of `to` as there are pixels in the run.
    #[cfg(target_arch = "x86_64")]
    fn of<'b, const C: usize>(&self, to: &'b mut [u8]) -> &'b mut [u8] {
        to.get_mut(..self.pixels.len().saturating_mul(C)).unwrap_or(&mut [])
    }
}

/// The source coordinates along one output row, with 32 fractional bits.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Of the first pixel: x and y, plus [`ROUND`].
    pub at: [i64; 2],
    /// From pixel to pixel.
    pub step: [i64; 2],
}

// SAFETY: along a line the first and the last row are those of the ends of the run.
#[allow(unsafe_code)]
unsafe impl Path for Line {
    #[inline(always)]
    fn from(self, i: usize) -> Self {
        let [x, y] = self.step.map(|step| step.wrapping_mul(i as i64));
        Self { at: [self.at[0].wrapping_add(x), self.at[1].wrapping_add(y)], ..self }
    }

    #[inline(always)]
    fn advance(&mut self) -> Point {
        let fraction = |v: i64| (v as u32) >> (32 - BITS);
        let [x, y] = self.at;
        *self = self.from(1);
        Point { x: x >> 32, y: y >> 32, fx: fraction(x), fy: fraction(y) }
    }

    fn inside(self, _: Level, len: usize, beyond: usize, src: ImageRef<'_, u8>) -> Range<usize> {
        let (width, height) = (src.width(), src.height());
        let within =
            |beyond: usize| inside(&self, len, width.saturating_sub(beyond), height.saturating_sub(1));
        let run = within(1);
        let last_row = |i: usize| self.from(i).at[1] >> 32 >= height as i64 - 2;
        if last_row(run.start) || last_row(run.end.saturating_sub(1)) { within(beyond) } else { run }
    }

    fn within<const C: usize>(run: &Run<'_, Self>, level: Level, to: &mut [u8]) {
        match C {
            1 => line1(level, run, to),
            3 => line3(level, run, to),
            _ => line4(level, run, to),
        }
    }
}

/// Places of a block, from one of them on.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub places: &'a Places,
    pub first: usize,
}

// SAFETY: every place is compared with the sides.
#[allow(unsafe_code)]
unsafe impl Path for Found<'_> {
    #[inline(always)]
    fn from(self, i: usize) -> Self {
        Self { first: self.first + i, ..self }
    }

    #[inline(always)]
    fn advance(&mut self) -> Point {
        let Places { x, y, fx, fy } = self.places;
        let whole = |all: &[i32]| all.get(self.first).copied().unwrap_or(0).into();
        let fraction = |all: &[u32]| all.get(self.first).copied().unwrap_or(0) >> (32 - BITS);
        let point = Point { x: whole(x), y: whole(y), fx: fraction(fx), fy: fraction(fy) };
        self.first += 1;
        point
    }

    fn inside(self, level: Level, len: usize, beyond: usize, src: ImageRef<'_, u8>) -> Range<usize> {
        let (height, width) = (src.height().saturating_sub(1), src.width().saturating_sub(1));
        self.places.inside(level, len, (height, width), width.saturating_sub(beyond - 1))
    }

    fn within<const C: usize>(run: &Run<'_, Self>, level: Level, to: &mut [u8]) {
        match C {
            1 => found1(level, run, to),
            3 => found3(level, run, to),
            _ => found4(level, run, to),
        }
    }
}

/// Samples all of `dst`.
pub(super) fn image(
    level: Level,
    path: &places::Path<'_>,
    border: Border,
    src: ImageRef<'_, u8>,
    mut dst: ImageMut<'_, u8>,
) {
    if in_lanes(level, path, border, src, &mut dst) {
        return;
    }
    for (y, to) in dst.iter_rows_mut().enumerate() {
        if let places::Path::Straight(axes) = path {
            row(level, places::lines(axes, (0, y), ROUND), border, src, to);
        } else {
            path.blocks(level, y, ROUND, src.channels(), to, |places, to| {
                row(level, Found { places, first: 0 }, border, src, to);
            });
        }
    }
}

dispatch! {
    /// Samples all of `dst` where there is a body for all pixels alike; tells whether there is one.
    fn in_lanes(path: &places::Path<'_>, border: Border, src: ImageRef<'_, u8>, dst: &mut ImageMut<'_, u8>) -> bool {
        base: not_in_lanes, Avx512: avx512::image,
    }
}

const fn not_in_lanes(
    _: &places::Path<'_>,
    _: Border,
    _: ImageRef<'_, u8>,
    _: &mut ImageMut<'_, u8>,
) -> bool {
    false
}

/// Samples `to` along the path.
fn row<P: Path>(level: Level, path: P, border: Border, src: ImageRef<'_, u8>, to: &mut [u8]) {
    match src.channels() {
        1 => parts::<1, P>(level, path, border, src, to),
        3 => parts::<3, P>(level, path, border, src, to),
        4 => parts::<4, P>(level, path, border, src, to),
        n => {
            let mut path = path;
            for pixel in to.chunks_exact_mut(n.max(1)) {
                let point = path.advance();
                for (i, to) in pixel.iter_mut().enumerate() {
                    *to = outside(&point, border, src, i);
                }
            }
        }
    }
}

/// The pixels whose four neighbours all lie inside, which are one run of the row, and those before and after it.
fn parts<const C: usize, P: Path>(
    level: Level,
    path: P,
    border: Border,
    src: ImageRef<'_, u8>,
    to: &mut [u8],
) {
    let run = Run::find(level, path, to.len() / C, src);
    let (before, rest) = split(to, run.pixels.start * C);
    let (within, after) = split(rest, run.pixels.len() * C);
    at_border::<C, P>(path, border, src, before);
    P::within::<C>(&run, level, within);
    at_border::<C, P>(path.from(run.pixels.end), border, src, after);
}

fn at_border<const C: usize, P: Path>(mut path: P, border: Border, src: ImageRef<'_, u8>, to: &mut [u8]) {
    let (data, stride) = (src.as_mat().data(), src.stride());
    let (last_x, last_y) = (src.width().wrapping_sub(1) as u64, src.height().wrapping_sub(1) as u64);
    for pixel in to.as_chunks_mut::<C>().0 {
        let point = path.advance();
        // Some are here only because vectors would read too much. A negative place is a large one.
        let four = if (point.x as u64) < last_x && (point.y as u64) < last_y {
            let at = (point.y as usize).wrapping_mul(stride).wrapping_add((point.x as usize).wrapping_mul(C));
            pair::<C>(data, at).zip(pair::<C>(data, at.wrapping_add(stride)))
        } else {
            None
        };
        *pixel = match four {
            Some((top, bottom)) => point.mix_pairs(top, bottom),
            None => around(&point, border, src),
        };
    }
}

macro_rules! runs {
    ($($name:ident $channels:literal $path:ty, $vectors:path;)*) => { $(
        dispatch! {
            fn $name(run: &Run<'_, $path>, to: &mut [u8]) {
                base: all_within::<$channels, $path>, Avx2: $vectors,
            }
        }
    )* };
}
runs! {
    line1 1 Line, x86::line1;
    line3 3 Line, x86::line::<3>;
    line4 4 Line, x86::line::<4>;
    found1 1 Found<'_>, x86::found1;
    found3 3 Found<'_>, x86::found::<3>;
    found4 4 Found<'_>, x86::found::<4>;
}

fn all_within<const C: usize, P: Path>(run: &Run<'_, P>, to: &mut [u8]) {
    within::<C, P>(run.path(), run.src, to);
}

fn within<const C: usize, P: Path>(mut path: P, src: ImageRef<'_, u8>, to: &mut [u8]) {
    let (data, stride) = (src.as_mat().data(), src.stride());
    for pixel in to.as_chunks_mut::<C>().0 {
        let point = path.advance();
        let at = (point.y as usize).wrapping_mul(stride).wrapping_add((point.x as usize).wrapping_mul(C));
        if let Some((top, bottom)) = pair::<C>(data, at).zip(pair::<C>(data, at.wrapping_add(stride))) {
            *pixel = point.mix_pairs(top, bottom);
        }
    }
}

/// The pixel at `at` and the one to its right.
#[inline(always)]
fn pair<const C: usize>(data: &[u8], at: usize) -> Option<[[u8; C]; 2]> {
    let (first, rest) = data.get(at..)?.split_first_chunk::<C>()?;
    Some([*first, *rest.first_chunk::<C>()?])
}

/// A place in the source: the pixel up and left of it, and how far beyond that pixel it lies.
pub(super) struct Point {
    x: i64,
    y: i64,
    fx: u32,
    fy: u32,
}

impl Point {
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

/// The pixel at a place whose four pixels may lie outside.
#[inline(always)]
fn around<const C: usize>(point: &Point, border: Border, src: ImageRef<'_, u8>) -> [u8; C] {
    let (data, stride) = (src.as_mat().data(), src.stride());
    let filled = [border.constant().unwrap_or(0); C];
    let (left, right) = pair_of(border, point.x, src.width());
    let (above, below) = pair_of(border, point.y, src.height());
    let pixel = |row: usize, x: Option<usize>| match x {
        Some(x) => data.get(row.wrapping_add(x.wrapping_mul(C))..).and_then(<[u8]>::first_chunk).copied(),
        None => None,
    };
    let row = |y: Option<usize>| match y.map(|y| y.wrapping_mul(stride)) {
        Some(row) => [pixel(row, left).unwrap_or(filled), pixel(row, right).unwrap_or(filled)],
        None => [filled; 2],
    };
    point.mix_pairs(row(above), row(below))
}

/// What stands for `i` and for the next along a side, `None` where a constant does.
#[inline(always)]
fn pair_of(border: Border, i: i64, side: usize) -> (Option<usize>, Option<usize>) {
    (border.index(i, side), border.index(i.wrapping_add(1), side))
}

/// Channel `i` at a place whose four pixels may lie outside.
fn outside(point: &Point, border: Border, src: ImageRef<'_, u8>, i: usize) -> u8 {
    let (left, right) = pair_of(border, point.x, src.width());
    let (above, below) = pair_of(border, point.y, src.height());
    let at = |y: Option<usize>, x: Option<usize>| match y.zip(x) {
        Some((y, x)) => src.row(y).get(x * src.channels() + i).copied().unwrap_or(0),
        None => border.constant().unwrap_or(0),
    };
    point.mix([at(above, left), at(above, right), at(below, left), at(below, right)])
}
