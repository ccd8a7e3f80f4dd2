//! Borrowed views with a shape and a row stride, checked once when they are made.
//!
//! An image view is height × width × channels with the channels interleaved; a matrix view is
//! rows × columns. The stride is counted in elements from the start of one row to the start of
//! the next, so that a crop is a view and costs nothing. What owns the memory is not here.

use crate::error::{Error, Result};

/// The elements that `rows` rows of `width` elements at `stride` span, or `None` on overflow.
const fn span(rows: usize, width: usize, stride: usize) -> Option<usize> {
    if rows == 0 || width == 0 {
        return Some(0);
    }
    match (rows - 1).checked_mul(stride) {
        Some(start) => start.checked_add(width),
        None => None,
    }
}

/// The length of the part of `len` elements that a view uses, and its stride. Where no row follows another the
/// stride is the width, so that the place of any row can be counted without overflow.
fn check(len: usize, rows: usize, width: usize, stride: usize) -> Result<(usize, usize)> {
    if stride < width {
        return Err(Error::InvalidArgument);
    }
    let used = span(rows, width, stride).ok_or(Error::Overflow)?;
    if len < used {
        return Err(Error::BufferTooSmall);
    }
    Ok((used, if rows <= 1 || width == 0 { width } else { stride }))
}

/// A matrix that is read: rows × columns, row-major.
#[derive(Clone, Copy, Debug)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    stride: usize,
}

impl<'a, T> MatRef<'a, T> {
    /// A dense matrix over the first `rows * cols` elements of `data`.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`] where `data` is shorter, [`Error::Overflow`] where the size is not a `usize`.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Result<Self> {
        Self::with_stride(data, rows, cols, cols)
    }

    /// A matrix whose rows start `stride` elements apart.
    ///
    /// # Errors
    /// As [`MatRef::new`]; [`Error::InvalidArgument`] where `stride < cols`.
    pub fn with_stride(data: &'a [T], rows: usize, cols: usize, stride: usize) -> Result<Self> {
        let (used, stride) = check(data.len(), rows, cols, stride)?;
        Ok(Self { data: data.get(..used).unwrap_or(&[]), rows, cols, stride })
    }

    /// Number of rows.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// Elements from the start of one row to the start of the next; the width where there is one row or none.
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// Row `i`; empty where there is no such row.
    pub fn row(&self, i: usize) -> &'a [T] {
        if i >= self.rows {
            return &[];
        }
        let start = i * self.stride;
        self.data.get(start..start + self.cols).unwrap_or(&[])
    }

    /// The rows in order; none where they are empty.
    pub fn iter_rows(&self) -> impl Iterator<Item = &'a [T]> + use<'a, T> {
        let this = Self { ..*self };
        (0..if this.cols == 0 { 0 } else { this.rows }).map(move |i| this.row(i))
    }

    /// Rows `range` as a view of their own; clipped to what is there.
    pub fn slice_rows(&self, range: core::ops::Range<usize>) -> MatRef<'a, T> {
        let end = range.end.min(self.rows);
        let start = range.start.min(end);
        let used = span(end - start, self.cols, self.stride).unwrap_or(0);
        let data = self.data.get(start * self.stride..).and_then(|d| d.get(..used)).unwrap_or(&[]);
        MatRef { data, rows: end - start, cols: self.cols, stride: self.stride }
    }

    /// The whole memory of the view, padding between rows included.
    pub const fn data(&self) -> &'a [T] {
        self.data
    }
}

/// A matrix that is written: rows × columns, row-major.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    cols: usize,
    stride: usize,
}

impl<'a, T> MatMut<'a, T> {
    /// A dense matrix over the first `rows * cols` elements of `data`.
    ///
    /// # Errors
    /// As [`MatRef::new`].
    pub fn new(data: &'a mut [T], rows: usize, cols: usize) -> Result<Self> {
        Self::with_stride(data, rows, cols, cols)
    }

    /// A matrix whose rows start `stride` elements apart.
    ///
    /// # Errors
    /// As [`MatRef::with_stride`].
    pub fn with_stride(data: &'a mut [T], rows: usize, cols: usize, stride: usize) -> Result<Self> {
        let (used, stride) = check(data.len(), rows, cols, stride)?;
        Ok(Self { data: data.get_mut(..used).unwrap_or(&mut []), rows, cols, stride })
    }

    /// Number of rows.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// Elements from the start of one row to the start of the next; the width where there is one row or none.
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// The same matrix, to read.
    pub const fn as_ref(&self) -> MatRef<'_, T> {
        MatRef { data: self.data, rows: self.rows, cols: self.cols, stride: self.stride }
    }

    /// The same matrix for a shorter time.
    pub const fn reborrow(&mut self) -> MatMut<'_, T> {
        MatMut { data: self.data, rows: self.rows, cols: self.cols, stride: self.stride }
    }

    /// Row `i`; empty where there is no such row.
    pub fn row_mut(&mut self, i: usize) -> &mut [T] {
        if i >= self.rows {
            return &mut [];
        }
        let start = i * self.stride;
        self.data.get_mut(start..start + self.cols).unwrap_or(&mut [])
    }

    /// The rows in order; none where they are empty.
    pub fn iter_rows_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        let cols = self.cols;
        // `chunks_mut` refuses a size of 0; such a view has no elements at all.
        self.data
            .chunks_mut(self.stride.max(1))
            .take(if cols == 0 { 0 } else { self.rows })
            .map(move |row| row.get_mut(..cols).unwrap_or(&mut []))
    }

    /// The whole memory of the view, padding between rows included.
    pub const fn data_mut(&mut self) -> &mut [T] {
        self.data
    }
}

/// An image that is read: height × width × channels, channels interleaved.
#[derive(Clone, Copy, Debug)]
pub struct ImageRef<'a, T> {
    mat: MatRef<'a, T>,
    width: usize,
    channels: usize,
}

impl<'a, T> ImageRef<'a, T> {
    /// A dense image over the first `height * width * channels` elements of `data`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for zero channels, otherwise as [`MatRef::new`].
    pub fn new(data: &'a [T], height: usize, width: usize, channels: usize) -> Result<Self> {
        let cols = width.checked_mul(channels).ok_or(Error::Overflow)?;
        Self::with_stride(data, height, width, channels, cols)
    }

    /// An image whose rows start `stride` elements apart.
    ///
    /// # Errors
    /// As [`ImageRef::new`]; [`Error::InvalidArgument`] where `stride < width * channels`.
    pub fn with_stride(
        data: &'a [T],
        height: usize,
        width: usize,
        channels: usize,
        stride: usize,
    ) -> Result<Self> {
        if channels == 0 {
            return Err(Error::InvalidArgument);
        }
        let cols = width.checked_mul(channels).ok_or(Error::Overflow)?;
        Ok(Self { mat: MatRef::with_stride(data, height, cols, stride)?, width, channels })
    }

    /// Pixels from top to bottom.
    pub const fn height(&self) -> usize {
        self.mat.rows
    }

    /// Pixels from left to right.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Values per pixel.
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// (height, width, channels).
    pub const fn shape(&self) -> (usize, usize, usize) {
        (self.height(), self.width, self.channels)
    }

    /// Elements from the start of one row to the start of the next; the width where there is one row or none.
    pub const fn stride(&self) -> usize {
        self.mat.stride
    }

    /// Whether nothing lies between the rows.
    pub const fn is_dense(&self) -> bool {
        self.mat.rows < 2 || self.mat.stride == self.mat.cols
    }

    /// Row `y`, `width * channels` elements; empty where there is no such row.
    pub fn row(&self, y: usize) -> &'a [T] {
        self.mat.row(y)
    }

    /// The rows from top to bottom.
    pub fn iter_rows(&self) -> impl Iterator<Item = &'a [T]> + use<'a, T> {
        self.mat.iter_rows()
    }

    /// The part `height × width` whose top left pixel is (`top`, `left`); no pixel is copied.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where the part reaches out of the image.
    pub fn crop(&self, top: usize, left: usize, height: usize, width: usize) -> Result<ImageRef<'a, T>> {
        let inside = top.checked_add(height).is_some_and(|b| b <= self.height())
            && left.checked_add(width).is_some_and(|r| r <= self.width);
        if !inside {
            return Err(Error::InvalidArgument);
        }
        let start = top * self.mat.stride + left * self.channels;
        let data = self.mat.data.get(start..).unwrap_or(&[]);
        Self::with_stride(data, height, width, self.channels, self.mat.stride)
    }

    /// The image as a matrix of `height` rows and `width * channels` columns.
    pub const fn as_mat(&self) -> MatRef<'a, T> {
        MatRef { ..self.mat }
    }
}

/// An image that is written: height × width × channels, channels interleaved.
#[derive(Debug)]
pub struct ImageMut<'a, T> {
    mat: MatMut<'a, T>,
    width: usize,
    channels: usize,
}

impl<'a, T> ImageMut<'a, T> {
    /// A dense image over the first `height * width * channels` elements of `data`.
    ///
    /// # Errors
    /// As [`ImageRef::new`].
    pub fn new(data: &'a mut [T], height: usize, width: usize, channels: usize) -> Result<Self> {
        let cols = width.checked_mul(channels).ok_or(Error::Overflow)?;
        Self::with_stride(data, height, width, channels, cols)
    }

    /// An image whose rows start `stride` elements apart.
    ///
    /// # Errors
    /// As [`ImageRef::with_stride`].
    pub fn with_stride(
        data: &'a mut [T],
        height: usize,
        width: usize,
        channels: usize,
        stride: usize,
    ) -> Result<Self> {
        if channels == 0 {
            return Err(Error::InvalidArgument);
        }
        let cols = width.checked_mul(channels).ok_or(Error::Overflow)?;
        Ok(Self { mat: MatMut::with_stride(data, height, cols, stride)?, width, channels })
    }

    /// Pixels from top to bottom.
    pub const fn height(&self) -> usize {
        self.mat.rows
    }

    /// Pixels from left to right.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Values per pixel.
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// (height, width, channels).
    pub const fn shape(&self) -> (usize, usize, usize) {
        (self.height(), self.width, self.channels)
    }

    /// Elements from the start of one row to the start of the next; the width where there is one row or none.
    pub const fn stride(&self) -> usize {
        self.mat.stride
    }

    /// The same image, to read.
    pub const fn as_ref(&self) -> ImageRef<'_, T> {
        ImageRef { mat: self.mat.as_ref(), width: self.width, channels: self.channels }
    }

    /// The same image for a shorter time.
    pub const fn reborrow(&mut self) -> ImageMut<'_, T> {
        ImageMut { width: self.width, channels: self.channels, mat: self.mat.reborrow() }
    }

    /// Row `y`, `width * channels` elements; empty where there is no such row.
    pub fn row_mut(&mut self, y: usize) -> &mut [T] {
        self.mat.row_mut(y)
    }

    /// The rows from top to bottom.
    pub fn iter_rows_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        self.mat.iter_rows_mut()
    }

    /// The whole memory of the view, padding between rows included.
    pub const fn data_mut(&mut self) -> &mut [T] {
        self.mat.data_mut()
    }
}

#[cfg(feature = "ndarray")]
mod nd;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_checked_once_and_a_crop_is_a_view() {
        let data: [u8; 24] = core::array::from_fn(|i| i as u8);
        let image = ImageRef::new(&data, 2, 4, 3).unwrap();
        assert_eq!(image.row(1), &data[12..]);
        assert!(image.row(2).is_empty());
        let crop = image.crop(1, 1, 1, 2).unwrap();
        assert_eq!(crop.row(0), &data[15..21]);
        assert_eq!(image.crop(1, 1, 2, 2).unwrap_err(), Error::InvalidArgument);
        assert_eq!(image.crop(usize::MAX, 1, 2, 2).unwrap_err(), Error::InvalidArgument);
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let data = [0f32; 6];
        assert_eq!(MatRef::new(&data, 2, 4).unwrap_err(), Error::BufferTooSmall);
        assert_eq!(MatRef::new(&data, usize::MAX, 2).unwrap_err(), Error::Overflow);
        assert_eq!(MatRef::with_stride(&data, 2, 3, 2).unwrap_err(), Error::InvalidArgument);
        assert_eq!(ImageRef::new(&data, 1, usize::MAX, 2).unwrap_err(), Error::Overflow);
        assert_eq!(ImageRef::new(&data, 1, 1, 0).unwrap_err(), Error::InvalidArgument);
        assert!(MatRef::new(&data, 0, usize::MAX).is_ok());
        assert_eq!(MatRef::new(&data, usize::MAX, 0).unwrap().iter_rows().count(), 0);
        // The last row needs no padding after it.
        assert!(MatRef::with_stride(&data, 2, 2, 4).is_ok());
    }

    #[test]
    fn a_view_holds_its_own_memory_alone_and_any_stride_can_be_counted() {
        let data = [1u8; 9];
        assert_eq!(MatRef::with_stride(&data, 2, 3, 4).unwrap().data().len(), 7);
        assert_eq!(MatRef::new(&data, 3, 2).unwrap().slice_rows(1..2).data().len(), 2);
        let lone = MatRef::with_stride(&data, 1, 2, usize::MAX).unwrap();
        assert_eq!((lone.row(0), lone.row(2), lone.slice_rows(1..2).rows()), (&data[..2], &data[..0], 0));
        let none = MatRef::with_stride(&data[..0], 9, 0, usize::MAX).unwrap();
        assert_eq!((none.row(8).len(), none.slice_rows(2..9).rows()), (0, 7));
        let image = ImageRef::with_stride(&data, 1, 3, 1, usize::MAX).unwrap();
        assert_eq!(image.crop(1, 1, 0, 1).unwrap().height(), 0);
    }

    #[test]
    fn rows_are_walked_with_their_stride() {
        let mut data = [0u8; 7];
        let mut mat = MatMut::with_stride(&mut data, 2, 3, 4).unwrap();
        for (i, row) in mat.iter_rows_mut().enumerate() {
            row.fill(i as u8 + 1);
        }
        assert_eq!(data, [1, 1, 1, 0, 2, 2, 2]);
        let mut none: [u8; 0] = [];
        assert_eq!(MatMut::new(&mut none, 3, 0).unwrap().iter_rows_mut().count(), 0);
    }
}
