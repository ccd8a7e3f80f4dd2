//! Moves of whole pixels: flips, right-angle rotations, copies of parts, margins.
//!
//! A crop is [`ImageRef::crop`](crate::ImageRef::crop), a view; [`copy`] writes it out.

use super::{Border, same};
use crate::error::{Error, Result};
use crate::view::{ImageMut, ImageRef};

/// Copies `src`, or a crop of it, into `dst` of the same shape.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ.
pub fn copy<T: Copy>(src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
    same(src.shape(), dst.shape())?;
    for (to, from) in dst.iter_rows_mut().zip(src.iter_rows()) {
        copy_values(to, from);
    }
    Ok(())
}

/// Mirrors left and right: column x becomes column width − 1 − x.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ.
pub fn hflip<T: Copy>(src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
    same(src.shape(), dst.shape())?;
    for (to, from) in dst.iter_rows_mut().zip(src.iter_rows()) {
        reverse_pixels(to, from, src.channels());
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
        copy_values(to, src.row(height.saturating_sub(y + 1)));
    }
    Ok(())
}

/// Turns by 90° counter-clockwise, as `numpy.rot90` does: the last column becomes the first row.
/// `dst` is width × height of `src`.
///
/// # Errors
/// [`Error::ShapeMismatch`] where `dst` has another shape.
pub fn rot90<T: Copy>(src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
    let (height, width, channels) = src.shape();
    same((width, height, channels), dst.shape())?;
    transpose(src, &mut dst, |y| width.saturating_sub(y + 1), |x| x);
    Ok(())
}

/// Turns by 180°.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ.
pub fn rot180<T: Copy>(src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
    same(src.shape(), dst.shape())?;
    let height = src.height();
    for (y, to) in dst.iter_rows_mut().enumerate() {
        reverse_pixels(to, src.row(height.saturating_sub(y + 1)), src.channels());
    }
    Ok(())
}

/// Turns by 90° clockwise (270° counter-clockwise): the first column, read upwards, becomes the first row.
/// `dst` is width × height of `src`.
///
/// # Errors
/// [`Error::ShapeMismatch`] where `dst` has another shape.
pub fn rot270<T: Copy>(src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
    let (height, width, channels) = src.shape();
    same((width, height, channels), dst.shape())?;
    transpose(src, &mut dst, |y| y, |x| height.saturating_sub(x + 1));
    Ok(())
}

/// Writes `src` into `dst` with its top left pixel at (`top`, `left`) and the rest of `dst` from `border`.
///
/// Offsets may be negative, and `dst` smaller than `src`: then it is a crop, or a crop with margins.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the channels differ, [`Error::InvalidArgument`] where `src` is empty and
/// the border is not a constant.
pub fn pad<T: Copy>(
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    top: i64,
    left: i64,
    border: Border<T>,
) -> Result<()> {
    let (height, width, channels) = src.shape();
    same(channels, dst.channels())?;
    let constant = matches!(border, Border::Constant(_));
    if !constant && (height == 0 || width == 0) {
        return Err(Error::InvalidArgument);
    }
    for (y, to) in dst.iter_rows_mut().enumerate() {
        let from = border.index((y as i64).wrapping_sub(top), height).map(|y| src.row(y));
        pad_row(to, from, width, channels, left, border);
    }
    Ok(())
}

/// One row of [`pad`]: `from` is the source's row, `None` where the row is all border.
fn pad_row<T: Copy>(
    to: &mut [T],
    from: Option<&[T]>,
    width: usize,
    channels: usize,
    left: i64,
    border: Border<T>,
) {
    for (x, pixel) in to.chunks_exact_mut(channels.max(1)).enumerate() {
        let at = border.index((x as i64).wrapping_sub(left), width);
        let source = from.zip(at).and_then(|(row, x)| row.get(x * channels..));
        match (source, border) {
            (Some(values), _) => copy_values(pixel, values),
            (None, Border::Constant(value)) => pixel.fill(value),
            // Other borders always have a source, since `pad` refuses empty images.
            (None, _) => {}
        }
    }
}

/// Pixel (y, x) of `dst` from column `column(y)` and row `row(x)` of `src`.
#[inline(always)]
fn transpose<T: Copy>(
    src: ImageRef<'_, T>,
    dst: &mut ImageMut<'_, T>,
    column: impl Fn(usize) -> usize,
    row: impl Fn(usize) -> usize,
) {
    match src.channels() {
        1 => transpose_arrays::<T, 1>(src, dst, column, row),
        3 => transpose_arrays::<T, 3>(src, dst, column, row),
        4 => transpose_arrays::<T, 4>(src, dst, column, row),
        n => {
            for (y, to) in dst.iter_rows_mut().enumerate() {
                for (x, pixel) in to.chunks_exact_mut(n.max(1)).enumerate() {
                    copy_values(pixel, src.row(row(x)).get(column(y) * n..).unwrap_or(&[]));
                }
            }
        }
    }
}

/// [`transpose`] for pixels of `C` values, tile by tile, so that the rows that a tile reads stay in the cache.
#[inline(always)]
fn transpose_arrays<T: Copy, const C: usize>(
    src: ImageRef<'_, T>,
    dst: &mut ImageMut<'_, T>,
    column: impl Fn(usize) -> usize,
    row: impl Fn(usize) -> usize,
) {
    const TILE: usize = 32;
    let (height, width) = (dst.height(), dst.width());
    let (data, stride) = (src.as_mat().data(), src.stride());
    for top in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            for y in top..height.min(top + TILE) {
                let at = column(y) * C;
                let to = dst.row_mut(y).as_chunks_mut::<C>().0.iter_mut().enumerate();
                for (x, pixel) in to.skip(left).take(TILE) {
                    let from = data.get(row(x) * stride + at..).and_then(|rest| rest.first_chunk::<C>());
                    *pixel = from.copied().unwrap_or(*pixel);
                }
            }
        }
    }
}

/// The common prefix of `from` into `to`.
#[inline(always)]
fn copy_values<T: Copy>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// The pixels of a row in reverse order, with the usual channel counts known to the compiler.
fn reverse_pixels<T: Copy>(to: &mut [T], from: &[T], channels: usize) {
    match channels {
        1 => reverse_arrays::<T, 1>(to, from),
        3 => reverse_arrays::<T, 3>(to, from),
        4 => reverse_arrays::<T, 4>(to, from),
        n => {
            let n = n.max(1);
            for (pixel, source) in to.chunks_exact_mut(n).zip(from.rchunks_exact(n)) {
                copy_values(pixel, source);
            }
        }
    }
}

#[inline(always)]
fn reverse_arrays<T: Copy, const C: usize>(to: &mut [T], from: &[T]) {
    let (to, _) = to.as_chunks_mut::<C>();
    let (from, _) = from.as_chunks::<C>();
    for (pixel, source) in to.iter_mut().zip(from.iter().rev()) {
        *pixel = *source;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, images};
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    type Move = fn(ImageRef<'_, u8>, ImageMut<'_, u8>) -> Result<()>;

    /// `op` on `src`, its result of the same shape or turned.
    fn run(op: Move, src: &Owned, turned: bool) -> Owned {
        let (h, w, c) = src.shape;
        let mut out = if turned { Owned::new((w, h, c)) } else { Owned::new((h, w, c)) };
        op(src.view(), out.view_mut()).unwrap();
        out
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
    fn margins_agree_with_numpy() {
        // numpy.pad([[1, 2, 3], [4, 5, 6]], ((1, 1), (2, 1)), mode = "constant", "edge", "reflect").
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
        fn a_crop_of_a_padded_image_is_the_image(src in images(), margins in prop::array::uniform4(0usize..9),
                                                 kind in 0..3) {
            let border = [Border::Constant(7), Border::Edge, Border::Reflect101][kind as usize];
            let [top, left, bottom, right] = margins;
            let (h, w, c) = src.shape;
            let mut wide = Owned::new((h + top + bottom, w + left + right, c));
            pad(src.view(), wide.view_mut(), top as i64, left as i64, border).unwrap();
            let mut back = Owned::new(src.shape);
            copy(wide.view().crop(top, left, h, w).unwrap(), back.view_mut()).unwrap();
            prop_assert_eq!(&back, &src);
            let mut again = Owned::new(src.shape);
            pad(wide.view(), again.view_mut(), -(top as i64), -(left as i64), border).unwrap();
            prop_assert_eq!(&again, &src);
        }
    }

    #[test]
    fn wrong_shapes_are_refused_before_the_first_write() {
        let src = Owned { data: (0..6).collect(), shape: (2, 3, 1) };
        for op in [hflip, vflip, rot180, copy] as [Move; 4] {
            let mut out = Owned::new((3, 2, 1));
            assert_eq!(op(src.view(), out.view_mut()), Err(Error::ShapeMismatch));
            assert_eq!(out, Owned::new((3, 2, 1)));
        }
        for op in [rot90, rot270] as [Move; 2] {
            assert_eq!(op(src.view(), Owned::new((2, 3, 1)).view_mut()), Err(Error::ShapeMismatch));
        }
        let none: Vec<u8> = Vec::new();
        let empty = ImageRef::new(&none, 0, 0, 1).unwrap();
        let mut out = Owned::new((2, 2, 1));
        assert_eq!(pad(empty, out.view_mut(), 0, 0, Border::Edge), Err(Error::InvalidArgument));
        assert!(pad(empty, out.view_mut(), 0, 0, Border::Constant(3)).is_ok());
        assert_eq!(out.data, [3; 4]);
    }
}
