//! Volumes: stacks of images, as scanners and sensors give them.
//!
//! A volume is seen as images in three ways, so that what is done to images does the work: slice by slice; as planes of
//! depth and width, whose rows lie a slice apart; and as one plane of depth and height whose pixels are whole rows.
//! What is drawn once for all slices ([`Draws::Shared`](crate::augment::Draws::Shared)) augments a volume as a film.

use super::{Border, Interpolation, Motion, Rect, Sample, copy, cutout, hflip, pad, same, vflip, warp};
use crate::error::{Error, Result};
use crate::scratch::Plain;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// (depth, height, width, channels).
pub type VolumeShape = (usize, usize, usize, usize);

/// A direction of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Axis {
    /// From slice to slice.
    Depth,
    /// From row to row.
    Height,
    /// From column to column.
    Width,
}

/// A borrowed volume: depth × height × width × channels, nothing between the values.
#[derive(Clone, Copy, Debug)]
pub struct VolumeRef<'a, T> {
    data: &'a [T],
    shape: VolumeShape,
}

/// A borrowed volume to write.
#[derive(Debug)]
pub struct VolumeMut<'a, T> {
    data: &'a mut [T],
    shape: VolumeShape,
}

/// Values of a volume.
fn len((depth, height, width, channels): VolumeShape) -> Result<usize> {
    let slice = height.checked_mul(width).and_then(|n| n.checked_mul(channels));
    slice.and_then(|n| n.checked_mul(depth)).ok_or(Error::Overflow)
}

impl<'a, T> VolumeRef<'a, T> {
    /// The volume in the first values of `data`.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`] where these are too few, [`Error::Overflow`] for a size that is not a `usize`.
    pub fn new(data: &'a [T], shape: VolumeShape) -> Result<Self> {
        let data = data.get(..len(shape)?).ok_or(Error::BufferTooSmall)?;
        Ok(Self { data, shape })
    }

    /// Depth, height, width and channels.
    pub const fn shape(&self) -> VolumeShape {
        self.shape
    }

    /// Slice `z`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where there is none.
    pub fn slice(&self, z: usize) -> Result<ImageRef<'a, T>> {
        let (depth, height, width, channels) = self.shape;
        if z >= depth {
            return Err(Error::InvalidArgument);
        }
        let start = z * (height * width * channels);
        ImageRef::new(self.data.get(start..).unwrap_or(&[]), height, width, channels)
    }

    /// The planes that lie across `axis`.
    fn plane(&self, axis: Axis, i: usize) -> Result<ImageRef<'a, T>> {
        let (depth, height, width, channels) = self.shape;
        let row = width * channels;
        match axis {
            Axis::Depth => self.slice(i),
            Axis::Height => {
                let data = self.data.get(i * row..).unwrap_or(&[]);
                ImageRef::with_stride(data, depth, width, channels, height * row)
            }
            Axis::Width => ImageRef::new(self.data, depth, height, row),
        }
    }
}

impl<'a, T> VolumeMut<'a, T> {
    /// The volume in the first values of `data`.
    ///
    /// # Errors
    /// As [`VolumeRef::new`].
    pub fn new(data: &'a mut [T], shape: VolumeShape) -> Result<Self> {
        let data = data.get_mut(..len(shape)?).ok_or(Error::BufferTooSmall)?;
        Ok(Self { data, shape })
    }

    /// Depth, height, width and channels.
    pub const fn shape(&self) -> VolumeShape {
        self.shape
    }

    /// To read.
    pub const fn as_ref(&self) -> VolumeRef<'_, T> {
        VolumeRef { data: self.data, shape: self.shape }
    }

    /// Slice `z`.
    ///
    /// # Errors
    /// As [`VolumeRef::slice`].
    pub fn slice_mut(&mut self, z: usize) -> Result<ImageMut<'_, T>> {
        let (_, height, width, channels) = self.shape;
        self.as_ref().slice(z)?;
        let start = z * (height * width * channels);
        ImageMut::new(self.data.get_mut(start..).unwrap_or(&mut []), height, width, channels)
    }

    /// As [`VolumeRef::plane`].
    fn plane_mut(&mut self, axis: Axis, i: usize) -> Result<ImageMut<'_, T>> {
        let (depth, height, width, channels) = self.shape;
        let row = width * channels;
        match axis {
            Axis::Depth => self.slice_mut(i),
            Axis::Height => {
                let data = self.data.get_mut(i * row..).unwrap_or(&mut []);
                ImageMut::with_stride(data, depth, width, channels, height * row)
            }
            Axis::Width => ImageMut::new(self.data, depth, height, row),
        }
    }
}

/// How many planes lie across `axis`.
const fn planes(axis: Axis, (depth, height, ..): VolumeShape) -> usize {
    match axis {
        Axis::Depth => depth,
        Axis::Height => height,
        Axis::Width => 1,
    }
}

/// Mirrors along `axis`.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ.
pub fn flip_volume<T: Plain>(
    level: Level,
    axis: Axis,
    src: VolumeRef<'_, T>,
    mut dst: VolumeMut<'_, T>,
) -> Result<()> {
    same(src.shape, dst.shape)?;
    let (depth, height, width, channels) = src.shape;
    match axis {
        Axis::Depth => {
            let slice = height * width * channels;
            vflip(ImageRef::new(src.data, depth, 1, slice)?, ImageMut::new(dst.data, depth, 1, slice)?)
        }
        Axis::Height => (0..depth).try_for_each(|z| vflip(src.slice(z)?, dst.slice_mut(z)?)),
        Axis::Width => {
            let rows = depth * height;
            hflip(
                level,
                ImageRef::new(src.data, rows, width, channels)?,
                ImageMut::new(dst.data, rows, width, channels)?,
            )
        }
    }
}

/// Cuts out a part of the shape of `dst` from (front, top, left) on.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the channels differ, [`Error::InvalidArgument`] where the part reaches out of `src`; `dst` is
/// untouched then.
pub fn crop_volume<T: Copy>(
    (front, top, left): (usize, usize, usize),
    src: VolumeRef<'_, T>,
    mut dst: VolumeMut<'_, T>,
) -> Result<()> {
    let (depth, height, width, channels) = dst.shape;
    same(src.shape.3, channels)?;
    if front.checked_add(depth).is_none_or(|end| end > src.shape.0) {
        return Err(Error::InvalidArgument);
    }
    (0..depth)
        .try_for_each(|z| copy(src.slice(front + z)?.crop(top, left, height, width)?, dst.slice_mut(z)?))
}

/// `src` at (front, top, left) of `dst`, and `border` around it; numbers that are negative, or lead further than `src` goes, cut
/// it off.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the channels differ, [`Error::InvalidArgument`] where `src` is empty and the border is not a
/// constant.
pub fn pad_volume<T: Plain>(
    src: VolumeRef<'_, T>,
    mut dst: VolumeMut<'_, T>,
    (front, top, left): (i64, i64, i64),
    border: Border<T>,
) -> Result<()> {
    same(src.shape.3, dst.shape.3)?;
    let (depth, height, width, _) = src.shape;
    if border.constant().is_none() && (depth == 0 || height == 0 || width == 0) {
        return Err(Error::InvalidArgument);
    }
    for z in 0..dst.shape.0 {
        let mut to = dst.slice_mut(z)?;
        match border.index((z as i64).saturating_sub(front), depth) {
            Some(z) => pad(src.slice(z)?, to, top, left, border)?,
            None => to.iter_rows_mut().for_each(|row| row.fill(border.constant().unwrap_or_default())),
        }
    }
    Ok(())
}

/// Turns about an `axis` through the middle, in steps from value to value whatever these are apart: about [`Axis::Depth`]
/// each slice counter-clockwise, about [`Axis::Height`] from width to depth, about [`Axis::Width`] from height to depth, so as
/// [`warp`](super::warp()) turns an image of these columns and rows.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ, [`Error::NotFinite`] for an angle that is not, and those of
/// [`warp`](super::warp()).
pub fn rotate_volume<T: Sample>(
    level: Level,
    (axis, degrees): (Axis, f32),
    interpolation: Interpolation,
    border: Border<T>,
    src: VolumeRef<'_, T>,
    mut dst: VolumeMut<'_, T>,
) -> Result<()> {
    same(src.shape, dst.shape)?;
    let (depth, height, width, _) = src.shape;
    let size = match axis {
        Axis::Depth => (height, width),
        Axis::Height => (depth, width),
        Axis::Width => (depth, height),
    };
    let map = Motion { degrees, ..Motion::default() }.inverse(size)?;
    (0..planes(axis, src.shape)).try_for_each(|i| {
        warp(level, map, interpolation, border, src.plane(axis, i)?, dst.plane_mut(axis, i)?)
    })
}

/// Paints over the part of `rect` in `depth` slices from `front` on with `fill` in every channel.
///
/// # Errors
/// [`Error::InvalidArgument`] where it reaches out of the volume, which is untouched then.
pub fn cutout_volume<T: Copy>(
    mut volume: VolumeMut<'_, T>,
    (front, depth): (usize, usize),
    rect: Rect,
    fill: T,
) -> Result<()> {
    if front.checked_add(depth).is_none_or(|end| end > volume.shape.0) {
        return Err(Error::InvalidArgument);
    }
    (front..front + depth).try_for_each(|z| cutout(volume.slice_mut(z)?, rect, fill))
}

#[cfg(test)]
mod tests {
    use super::super::testing::BORDERS;
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    const SHAPE: VolumeShape = (5, 4, 6, 2);

    fn numbers(shape: VolumeShape) -> Vec<u8> {
        (0..len(shape).unwrap()).map(|i| (i * 7 + i / 13) as u8).collect()
    }

    /// The value at (z, y, x, c).
    fn at(data: &[u8], shape: VolumeShape, [z, y, x, c]: [usize; 4]) -> u8 {
        data[((z * shape.1 + y) * shape.2 + x) * shape.3 + c]
    }

    fn places(shape: VolumeShape) -> impl Iterator<Item = [usize; 4]> {
        let (d, h, w, n) = shape;
        (0..d * h * w * n).map(move |i| [i / n / w / h, i / n / w % h, i / n % w, i % n])
    }

    #[test]
    fn flips_and_crops_are_those_of_the_places() {
        let data = numbers(SHAPE);
        let src = VolumeRef::new(&data, SHAPE).unwrap();
        for axis in [Axis::Depth, Axis::Height, Axis::Width] {
            let mut out = vec![0; data.len()];
            flip_volume(Level::detect(), axis, src, VolumeMut::new(&mut out, SHAPE).unwrap()).unwrap();
            for [z, y, x, c] in places(SHAPE) {
                let from = match axis {
                    Axis::Depth => [4 - z, y, x, c],
                    Axis::Height => [z, 3 - y, x, c],
                    Axis::Width => [z, y, 5 - x, c],
                };
                assert_eq!(at(&out, SHAPE, [z, y, x, c]), at(&data, SHAPE, from), "{axis:?}");
            }
        }
        let small = (2, 3, 4, 2);
        let mut out = vec![0; 48];
        crop_volume((2, 1, 2), src, VolumeMut::new(&mut out, small).unwrap()).unwrap();
        for [z, y, x, c] in places(small) {
            assert_eq!(at(&out, small, [z, y, x, c]), at(&data, SHAPE, [z + 2, y + 1, x + 2, c]));
        }
        let before = out.clone();
        for start in [(4, 0, 0), (0, 2, 0), (0, 0, 3), (usize::MAX, 0, 0)] {
            let wrong = crop_volume(start, src, VolumeMut::new(&mut out, small).unwrap());
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
        assert_eq!(out, before);
    }

    proptest! {
        #[test]
        fn margins_are_those_of_the_border(front in -3i64..4, top in -3i64..4, left in -3i64..4, border in 0usize..5) {
            let (data, to, border) = (numbers(SHAPE), (7, 6, 8, 2), BORDERS[border]);
            let mut out = vec![0; len(to).unwrap()];
            let src = VolumeRef::new(&data, SHAPE).unwrap();
            pad_volume(src, VolumeMut::new(&mut out, to).unwrap(), (front, top, left), border).unwrap();
            for [z, y, x, c] in places(to) {
                let z2 = border.index(z as i64 - front, SHAPE.0);
                let y2 = border.index(y as i64 - top, SHAPE.1);
                let x2 = border.index(x as i64 - left, SHAPE.2);
                let want = match (z2, y2, x2) {
                    (Some(z), Some(y), Some(x)) => at(&data, SHAPE, [z, y, x, c]),
                    _ => 200,
                };
                prop_assert_eq!(at(&out, to, [z, y, x, c]), want);
            }
        }
    }

    #[test]
    fn turns_by_right_angles_move_whole_values() {
        // As long along all sides, so that a quarter turn fits.
        let shape = (5, 5, 5, 3);
        let data = numbers(shape);
        for axis in [Axis::Depth, Axis::Height, Axis::Width] {
            let mut out = vec![0; data.len()];
            let (src, dst) =
                (VolumeRef::new(&data, shape).unwrap(), VolumeMut::new(&mut out, shape).unwrap());
            let how = Interpolation::Bilinear;
            rotate_volume(Level::detect(), (axis, 90.0), how, Border::Constant(0), src, dst).unwrap();
            for [z, y, x, c] in places(shape) {
                // Counter-clockwise: the last column becomes the first row.
                let from = match axis {
                    Axis::Depth => [z, x, 4 - y, c],
                    Axis::Height => [x, y, 4 - z, c],
                    Axis::Width => [y, 4 - z, x, c],
                };
                assert_eq!(at(&out, shape, [z, y, x, c]), at(&data, shape, from), "{axis:?}");
            }
        }
    }

    #[test]
    fn a_part_is_painted_and_sizes_are_checked() {
        let mut data = numbers(SHAPE);
        let before = data.clone();
        let rect = Rect { top: 1, left: 2, height: 2, width: 3 };
        cutout_volume(VolumeMut::new(&mut data, SHAPE).unwrap(), (1, 3), rect, 99).unwrap();
        for [z, y, x, c] in places(SHAPE) {
            let inside = (1..4).contains(&z) && (1..3).contains(&y) && (2..5).contains(&x);
            let want = if inside { 99 } else { at(&before, SHAPE, [z, y, x, c]) };
            assert_eq!(at(&data, SHAPE, [z, y, x, c]), want);
        }
        for (slices, rect) in [((3, 3), rect), ((usize::MAX, 1), rect), ((0, 1), Rect { width: 9, ..rect })] {
            let wrong = cutout_volume(VolumeMut::new(&mut data, SHAPE).unwrap(), slices, rect, 1);
            assert_eq!(wrong, Err(Error::InvalidArgument));
        }
        assert!(matches!(VolumeRef::new(&data, (5, 4, 6, 3)), Err(Error::BufferTooSmall)));
        assert!(matches!(VolumeRef::new(&data, (usize::MAX, 4, 6, 3)), Err(Error::Overflow)));
        let (a, mut b) = (numbers(SHAPE), vec![0; 10]);
        let (src, dst) = (VolumeRef::new(&a, SHAPE).unwrap(), VolumeMut::new(&mut b, (1, 1, 5, 2)).unwrap());
        assert_eq!(flip_volume(Level::BASE, Axis::Depth, src, dst), Err(Error::ShapeMismatch));
        assert!(src.slice(5).is_err());
    }
}
