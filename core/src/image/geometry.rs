//! Moves of whole pixels: flips, right-angle rotations, copies of parts, margins.
//!
//! A crop is [`ImageRef::crop`](crate::ImageRef::crop), a view; [`copy`] writes it out.

mod in_place;
mod reverse;
mod symmetry;
mod transpose;

pub use self::in_place::{hflip_in_place, rot180_in_place, vflip_in_place};
pub use self::symmetry::Symmetry;

use self::reverse::reverse;
use self::transpose::{Source, Target, Turn};
use super::{Border, copy_row, copy_values, same, spans};
use crate::error::{Error, Result};
use crate::scratch::{Plain, bytes, bytes_mut};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Copies `src`, or a crop of it, into `dst` of the same shape.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ.
pub fn copy<T: Copy>(src: ImageRef<'_, T>, dst: ImageMut<'_, T>) -> Result<()> {
    same(src.shape(), dst.shape())?;
    spans(src, dst, |from, to| copy_row(to, from));
    Ok(())
}

/// Mirrors left and right: column x becomes column width − 1 − x.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ.
pub fn hflip<T: Plain>(level: Level, src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
    same(src.shape(), dst.shape())?;
    let pixel = src.channels().saturating_mul(size_of::<T>());
    for (to, from) in dst.iter_rows_mut().zip(src.iter_rows()) {
        reverse(level, bytes_mut(to), bytes(from), pixel);
    }
    Ok(())
}

/// Mirrors top and bottom: row y becomes row height − 1 − y.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ.
pub fn vflip<T: Copy>(src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
    same(src.shape(), dst.shape())?;
    let height = src.height();
    for (y, to) in dst.iter_rows_mut().enumerate() {
        copy_row(to, src.row(height - 1 - y));
    }
    Ok(())
}

/// Turns by 180°.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ.
pub fn rot180<T: Plain>(level: Level, src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
    same(src.shape(), dst.shape())?;
    let (height, pixel) = (src.height(), src.channels().saturating_mul(size_of::<T>()));
    for (y, to) in dst.iter_rows_mut().enumerate() {
        reverse(level, bytes_mut(to), bytes(src.row(height - 1 - y)), pixel);
    }
    Ok(())
}

/// Mirrors at the diagonal from the top left: rows become columns. `dst` is width × height of `src`.
///
/// # Errors
/// [`Error::ShapeMismatch`] where `dst` has another shape.
pub fn transpose<T: Plain>(level: Level, src: ImageRef<'_, T>, dst: ImageMut<'_, T>) -> Result<()> {
    turned(level, src, dst, Turn { rows_back: false, columns_back: false })
}

/// Mirrors at the diagonal from the top right. `dst` is width × height of `src`.
///
/// # Errors
/// [`Error::ShapeMismatch`] where `dst` has another shape.
pub fn transverse<T: Plain>(level: Level, src: ImageRef<'_, T>, dst: ImageMut<'_, T>) -> Result<()> {
    turned(level, src, dst, Turn { rows_back: true, columns_back: true })
}

/// Turns by 90° counter-clockwise, as `numpy.rot90` does: the last column becomes the first row.
/// `dst` is width × height of `src`.
///
/// # Errors
/// [`Error::ShapeMismatch`] where `dst` has another shape.
pub fn rot90<T: Plain>(level: Level, src: ImageRef<'_, T>, dst: ImageMut<'_, T>) -> Result<()> {
    turned(level, src, dst, Turn { rows_back: false, columns_back: true })
}

/// Turns by 90° clockwise (270° counter-clockwise): the first column, read upwards, becomes the first row.
/// `dst` is width × height of `src`.
///
/// # Errors
/// [`Error::ShapeMismatch`] where `dst` has another shape.
pub fn rot270<T: Plain>(level: Level, src: ImageRef<'_, T>, dst: ImageMut<'_, T>) -> Result<()> {
    turned(level, src, dst, Turn { rows_back: true, columns_back: false })
}

fn turned<T: Plain>(level: Level, src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>, turn: Turn) -> Result<()> {
    let (height, width, channels) = src.shape();
    same((width, height, channels), dst.shape())?;
    // Of what has pixels none is cut off.
    let size = |values: usize| values.saturating_mul(size_of::<T>());
    let (stride, pixel) = (size(src.stride()), size(channels));
    let from = Source { data: bytes(src.as_mat().data()), stride, height, width, pixel, turn };
    let stride = size(dst.stride());
    transpose::transpose(level, from, Target { data: bytes_mut(dst.data_mut()), stride });
    Ok(())
}

/// Writes `src` into `dst` with its top left pixel at (`top`, `left`) and the rest of `dst` from `border`.
///
/// Offsets may be negative, and `dst` smaller than `src`: then it is a crop, or a crop with margins.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the channels differ, [`Error::InvalidArgument`] where `src` is empty and
/// the border is not a constant.
pub fn pad<T: Plain>(
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    top: i64,
    left: i64,
    border: Border<T>,
) -> Result<()> {
    pad_mirrored(Level::BASE, src, dst, (top, left), Mirrored::default(), border)
}

/// Along which axes an image is mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mirrored {
    /// Left and right change sides.
    pub x: bool,
    /// Top and bottom change sides.
    pub y: bool,
}

/// What [`pad`] makes, mirrored, in one pass.
///
/// # Errors
/// As [`pad`].
pub fn pad_mirrored<T: Plain>(
    level: Level,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    (top, left): (i64, i64),
    mirrored: Mirrored,
    border: Border<T>,
) -> Result<()> {
    let (height, width, channels) = src.shape();
    same(channels, dst.channels())?;
    if border.constant().is_none() && (height == 0 || width == 0) {
        return Err(Error::InvalidArgument);
    }
    let columns = Columns::new(width, dst.width(), left, mirrored.x, border);
    let last = dst.height().wrapping_sub(1) as i64;
    for (y, to) in dst.iter_rows_mut().enumerate() {
        let y = if mirrored.y { last.wrapping_sub(y as i64) } else { y as i64 };
        let from = border.index(y.wrapping_sub(top), height).map(|y| src.row(y));
        let Some(from) = from else {
            // Other borders always have a source, since empty images are refused.
            border.constant().into_iter().for_each(|value| to.fill(value));
            continue;
        };
        columns.inside(level, from, to, channels);
        match channels {
            1 => columns.margins::<T, 1>(from, to, border),
            3 => columns.margins::<T, 3>(from, to, border),
            4 => columns.margins::<T, 4>(from, to, border),
            _ => columns.margins_of_any(from, to, channels, border),
        }
    }
    Ok(())
}

/// Which columns of the source those of [`pad_mirrored`] show, the same in each row.
struct Columns {
    /// Columns of the source, and of the output.
    width: usize,
    columns: usize,
    left: i64,
    mirrored: bool,
    /// The columns of the output from `start` to `stop` show the source, from its column `skipped` on.
    start: usize,
    stop: usize,
    skipped: usize,
    /// The columns of the source that the margins show, from left to right, where they are few enough.
    margins: Option<heapless::Vec<u32, 32>>,
}

impl Columns {
    fn new<T: Plain>(width: usize, columns: usize, left: i64, mirrored: bool, border: Border<T>) -> Self {
        let (across, whole) = (width as i64, columns as i64);
        let (first, skipped) = (left.max(0).min(whole), left.saturating_neg().max(0).min(across));
        let end = left.saturating_add(across).max(first).min(whole);
        let (start, stop) = if mirrored { (whole - end, whole - first) } else { (first, end) };
        let (start, stop, skipped) = (start as usize, stop as usize, skipped as usize);
        let mut all = Self { width, columns, left, mirrored, start, stop, skipped, margins: None };
        if border.constant().is_none() && u32::try_from(width).is_ok() {
            let mut margins = heapless::Vec::new();
            let mut shown =
                (0..start).chain(stop..columns).map(|x| all.source(x, border).unwrap_or(0) as u32);
            // `collect` would panic where the list is full.
            let kept = shown.all(|column| margins.push(column).is_ok());
            all.margins = kept.then_some(margins);
        }
        all
    }

    /// The column of the source that column `x` of the output shows.
    fn source<T: Plain>(&self, x: usize, border: Border<T>) -> Option<usize> {
        let x = if self.mirrored { self.columns as i64 - 1 - x as i64 } else { x as i64 };
        border.index(x.wrapping_sub(self.left), self.width)
    }

    /// The columns that show the source.
    #[inline(always)]
    fn inside<T: Plain>(&self, level: Level, from: &[T], to: &mut [T], channels: usize) {
        let shown = from.get(self.skipped * channels..).unwrap_or(&[]);
        let inside = to.get_mut(self.start * channels..self.stop * channels).unwrap_or(&mut []);
        let shown = shown.get(..inside.len()).unwrap_or(&[]);
        if self.mirrored {
            reverse(level, bytes_mut(inside), bytes(shown), channels * size_of::<T>());
        } else {
            copy_row(inside, shown);
        }
    }

    /// The columns of the margins, of pixels of `C` values.
    #[inline(always)]
    fn margins<T: Plain, const C: usize>(&self, from: &[T], to: &mut [T], border: Border<T>) {
        let Some(margins) = &self.margins else { return self.margins_of_any(from, to, C, border) };
        let (from, to) = (from.as_chunks::<C>().0, to.as_chunks_mut::<C>().0);
        for (x, &at) in (0..self.start).chain(self.stop..self.columns).zip(margins) {
            if let (Some(to), Some(from)) = (to.get_mut(x), from.get(at as usize)) {
                *to = *from;
            }
        }
    }

    fn margins_of_any<T: Plain>(&self, from: &[T], to: &mut [T], channels: usize, border: Border<T>) {
        for x in (0..self.start).chain(self.stop..self.columns) {
            let pixel = to.get_mut(x * channels..).and_then(|to| to.get_mut(..channels)).unwrap_or(&mut []);
            match self.source(x, border).and_then(|at| from.get(at * channels..)) {
                Some(values) => copy_values(pixel, values),
                None => border.constant().into_iter().for_each(|value| pixel.fill(value)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{BORDERS, Owned, images};
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    type Move = fn(Level, ImageRef<'_, u8>, ImageMut<'_, u8>) -> Result<()>;

    /// `op` on `src`, its result of the same shape or turned.
    fn run(op: Move, src: &Owned, turned: bool) -> Owned {
        let (h, w, c) = src.shape;
        let mut out = if turned { Owned::new((w, h, c)) } else { Owned::new((h, w, c)) };
        op(Level::detect(), src.view(), out.view_mut()).unwrap();
        out
    }

    fn vflip(_: Level, src: ImageRef<'_, u8>, dst: ImageMut<'_, u8>) -> Result<()> {
        super::vflip(src, dst)
    }

    fn copy(_: Level, src: ImageRef<'_, u8>, dst: ImageMut<'_, u8>) -> Result<()> {
        super::copy(src, dst)
    }

    #[test]
    fn moves_agree_with_numpy() {
        // numpy.arange(6).reshape(2, 3): fliplr, flipud, rot90 with k = 1, 2, 3.
        let src = Owned { data: (0..6).collect(), shape: (2, 3, 1) };
        assert_eq!(run(hflip, &src, false).data, [2, 1, 0, 5, 4, 3]);
        assert_eq!(run(vflip, &src, false).data, [3, 4, 5, 0, 1, 2]);
        assert_eq!(run(rot90, &src, true).data, [2, 5, 1, 4, 0, 3]);
        assert_eq!(run(rot180, &src, false).data, [5, 4, 3, 2, 1, 0]);
        assert_eq!(run(rot270, &src, true).data, [3, 0, 4, 1, 5, 2]);
    }

    #[test]
    fn empty_images_of_any_height_and_width_are_moved_at_once() {
        const MOST: usize = usize::MAX;
        for level in Level::available() {
            for (height, width, channels) in
                [(MOST, 0, 1), (MOST, 0, MOST), (0, MOST, 1), (0, 1, MOST), (0, MOST / 3, 3)]
            {
                let src = ImageRef::<u16>::new(&[], height, width, channels).unwrap();
                let new = |height, width| ImageMut::<u16>::new(&mut [], height, width, channels).unwrap();
                for symmetry in Symmetry::ALL {
                    let (height, width) = symmetry.size((height, width));
                    // Such a row may not be one that a view has.
                    if width.checked_mul(channels).is_some() {
                        symmetry.apply(level, src, new(height, width)).unwrap();
                    }
                }
                hflip_in_place(level, new(height, width));
                vflip_in_place(new(height, width));
                rot180_in_place(level, new(height, width));
                pad(src, new(height, width), 3, -3, Border::Constant(1)).unwrap();
            }
        }
    }

    #[test]
    fn columns_that_do_not_fit_the_list_are_not_kept_in_it() {
        let columns = |width: usize| Columns::new(width, width + 4, 2, false, Border::<u8>::Wrap);
        let short = columns(9).margins.unwrap();
        assert_eq!(short[..], [7, 8, 0, 1]);
        if let Ok(wide) = usize::try_from(1u64 << 33) {
            assert!(columns(wide).margins.is_none());
        }
    }

    #[test]
    fn margins_agree_with_numpy() {
        // numpy.pad([[1, 2, 3], [4, 5, 6]], ((1, 1), (2, 1)), mode = "constant", "edge", "symmetric", "wrap", "reflect").
        let src = Owned { data: (1..7).collect(), shape: (2, 3, 1) };
        let padded = |border| {
            let mut out = Owned::new((4, 6, 1));
            pad(src.view(), out.view_mut(), 1, 2, border).unwrap();
            out.data
        };
        assert_eq!(
            padded(Border::Constant(9)),
            [9, 9, 9, 9, 9, 9, 9, 9, 1, 2, 3, 9, 9, 9, 4, 5, 6, 9, 9, 9, 9, 9, 9, 9]
        );
        assert_eq!(
            padded(Border::Edge),
            [1, 1, 1, 2, 3, 3, 1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 6, 6, 4, 4, 4, 5, 6, 6]
        );
        assert_eq!(
            padded(Border::Reflect),
            [2, 1, 1, 2, 3, 3, 2, 1, 1, 2, 3, 3, 5, 4, 4, 5, 6, 6, 5, 4, 4, 5, 6, 6]
        );
        assert_eq!(
            padded(Border::Wrap),
            [5, 6, 4, 5, 6, 4, 2, 3, 1, 2, 3, 1, 5, 6, 4, 5, 6, 4, 2, 3, 1, 2, 3, 1]
        );
        assert_eq!(
            padded(Border::Reflect101),
            [6, 5, 4, 5, 6, 5, 3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5, 3, 2, 1, 2, 3, 2]
        );
    }

    proptest! {
        #[test]
        fn turning_back_gives_the_image_back(src in images()) {
            prop_assert_eq!(&run(hflip, &run(hflip, &src, false), false), &src);
            prop_assert_eq!(&run(vflip, &run(vflip, &src, false), false), &src);
            let quarter = run(rot90, &src, true);
            prop_assert_eq!(&run(rot270, &quarter, true), &src);
            let half = run(rot90, &quarter, true);
            prop_assert_eq!(&half, &run(rot180, &src, false));
            prop_assert_eq!(&half, &run(hflip, &run(vflip, &src, false), false));
            prop_assert_eq!(&run(rot90, &run(rot90, &half, true), true), &src);
        }

        #[test]
        fn margins_are_mirrored_with_the_image(src in images(), to in (1usize..60, 1usize..60), place in (-50i64..50, -50i64..50),
                                               border in 0usize..5, x: bool, y: bool) {
            let (border, c) = (BORDERS[border], src.shape.2);
            let (mut plain, mut want, mut got) = (Owned::new((to.0, to.1, c)), Owned::new((to.0, to.1, c)), Owned::new((to.0, to.1, c)));
            pad(src.view(), plain.view_mut(), place.0, place.1, border).unwrap();
            Symmetry::mirrored(Mirrored { x, y }).apply(Level::BASE, plain.view(), want.view_mut()).unwrap();
            for level in Level::available() {
                pad_mirrored(level, src.view(), got.view_mut(), place, Mirrored { x, y }, border).unwrap();
                prop_assert_eq!(&got, &want);
            }
        }

        #[test]
        fn each_padded_pixel_is_the_one_that_the_border_tells(src in images(), to in (1usize..60, 1usize..60),
                                                             place in (-50i64..50, -50i64..50), border in 0usize..5) {
            let (h, w, c) = src.shape;
            let mut out = Owned::new((to.0, to.1, c));
            pad(src.view(), out.view_mut(), place.0, place.1, BORDERS[border]).unwrap();
            for (i, &got) in out.data.iter().enumerate() {
                let (y, x) = ((i / (to.1 * c)) as i64 - place.0, (i / c % to.1) as i64 - place.1);
                let at = BORDERS[border].index(y, h).zip(BORDERS[border].index(x, w));
                let want = at.map_or(200, |(y, x)| src.data[(y * w + x) * c + i % c]);
                prop_assert_eq!(got, want);
            }
        }

        #[test]
        fn a_crop_of_a_padded_image_is_the_image(src in images(), margins in prop::array::uniform4(0usize..9),
                                                 border in 0usize..5) {
            let border = BORDERS[border];
            let [top, left, bottom, right] = margins;
            let (h, w, c) = src.shape;
            let mut wide = Owned::new((h + top + bottom, w + left + right, c));
            pad(src.view(), wide.view_mut(), top as i64, left as i64, border).unwrap();
            let mut back = Owned::new(src.shape);
            super::copy(wide.view().crop(top, left, h, w).unwrap(), back.view_mut()).unwrap();
            prop_assert_eq!(&back, &src);
            let mut again = Owned::new(src.shape);
            pad(wide.view(), again.view_mut(), -(top as i64), -(left as i64), border).unwrap();
            prop_assert_eq!(&again, &src);
        }
    }

    /// Where the value of an output pixel comes from.
    type From = fn(usize, usize, (usize, usize)) -> (usize, usize);

    /// Each move as a map of places: what it is, whether it turns, and where (y, x) of the output comes from in an
    /// image of (height, width).
    const MAPS: [(Move, bool, From); 6] = [
        (hflip, false, |y, x, (_, w)| (y, w - 1 - x)),
        (rot180, false, |y, x, (h, w)| (h - 1 - y, w - 1 - x)),
        (transpose, true, |y, x, _| (x, y)),
        (transverse, true, |y, x, (h, w)| (h - 1 - x, w - 1 - y)),
        (rot90, true, |y, x, (_, w)| (x, w - 1 - y)),
        (rot270, true, |y, x, (h, _)| (h - 1 - x, y)),
    ];

    #[test]
    fn every_move_takes_each_pixel_from_its_place_at_every_level() {
        let sizes = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 67, 71];
        for (h, w) in sizes.iter().flat_map(|&h| sizes.map(|w| (h, w))) {
            for c in 1..=9 {
                let src = Owned::pattern(h, w, c);
                for (op, turned, from) in MAPS {
                    let mut want = if turned { Owned::new((w, h, c)) } else { Owned::new((h, w, c)) };
                    let width = want.shape.1;
                    for (i, pixel) in want.data.chunks_exact_mut(c).enumerate() {
                        let (y, x) = from(i / width, i % width, (h, w));
                        pixel.copy_from_slice(&src.data[(y * w + x) * c..][..c]);
                    }
                    for level in Level::available() {
                        let mut out = Owned::new(want.shape);
                        op(level, src.view(), out.view_mut()).unwrap();
                        assert!(out == want, "{h} x {w} x {c} at {}", level.name());
                    }
                }
            }
        }
    }

    #[test]
    fn wider_elements_move_as_bytes_do() {
        let data: Vec<f32> = (0..11 * 13 * 3).map(|i| i as f32).collect();
        let src = ImageRef::new(&data, 11, 13, 3).unwrap();
        let mut out = std::vec![0f32; data.len()];
        rot90(Level::detect(), src, ImageMut::new(&mut out, 13, 11, 3).unwrap()).unwrap();
        assert_eq!(out[..6], [36.0, 37.0, 38.0, 75.0, 76.0, 77.0]);
        let mut back = std::vec![0f32; data.len()];
        let turned = ImageRef::new(&out, 13, 11, 3).unwrap();
        rot270(Level::detect(), turned, ImageMut::new(&mut back, 11, 13, 3).unwrap()).unwrap();
        assert_eq!(back, data);
    }

    #[test]
    fn wrong_shapes_are_refused_before_the_first_write() {
        let src = Owned { data: (0..6).collect(), shape: (2, 3, 1) };
        for op in [hflip, vflip, rot180, copy] as [Move; 4] {
            let mut out = Owned::new((3, 2, 1));
            assert_eq!(op(Level::BASE, src.view(), out.view_mut()), Err(Error::ShapeMismatch));
            assert_eq!(out, Owned::new((3, 2, 1)));
        }
        for op in [rot90, rot270] as [Move; 2] {
            let mut out = Owned::new((2, 3, 1));
            assert_eq!(op(Level::BASE, src.view(), out.view_mut()), Err(Error::ShapeMismatch));
        }
        let none: Vec<u8> = Vec::new();
        let empty = ImageRef::new(&none, 0, 0, 1).unwrap();
        let mut out = Owned::new((2, 2, 1));
        assert_eq!(pad(empty, out.view_mut(), 0, 0, Border::Edge), Err(Error::InvalidArgument));
        assert!(pad(empty, out.view_mut(), 0, 0, Border::Constant(3)).is_ok());
        assert_eq!(out.data, [3; 4]);
    }
}
