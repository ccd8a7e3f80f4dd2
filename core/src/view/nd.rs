//! `ndarray` views to and from ours; nothing is copied.
//!
//! Images are arrays of (height, width, channels), matrices of (rows, columns). An array view that is not one dense
//! block in this order is refused with [`Error::Unsupported`]: what lies between the rows of a slice may be lent to
//! somebody else, so that no view of ours may span it.

use super::{ImageMut, ImageRef, MatMut, MatRef};
use crate::error::Error;
use ndarray::{ArrayView2, ArrayView3, ArrayViewMut2, ArrayViewMut3, ShapeBuilder};

impl<'a, T> TryFrom<ArrayView2<'a, T>> for MatRef<'a, T> {
    type Error = Error;
    fn try_from(view: ArrayView2<'a, T>) -> Result<Self, Error> {
        let (rows, cols) = view.dim();
        MatRef::new(view.to_slice().ok_or(Error::Unsupported)?, rows, cols)
    }
}

impl<'a, T> TryFrom<ArrayViewMut2<'a, T>> for MatMut<'a, T> {
    type Error = Error;
    fn try_from(view: ArrayViewMut2<'a, T>) -> Result<Self, Error> {
        let (rows, cols) = view.dim();
        MatMut::new(view.into_slice().ok_or(Error::Unsupported)?, rows, cols)
    }
}

impl<'a, T> TryFrom<ArrayView3<'a, T>> for ImageRef<'a, T> {
    type Error = Error;
    fn try_from(view: ArrayView3<'a, T>) -> Result<Self, Error> {
        let (h, w, c) = view.dim();
        ImageRef::new(view.to_slice().ok_or(Error::Unsupported)?, h, w, c)
    }
}

impl<'a, T> TryFrom<ArrayViewMut3<'a, T>> for ImageMut<'a, T> {
    type Error = Error;
    fn try_from(view: ArrayViewMut3<'a, T>) -> Result<Self, Error> {
        let (h, w, c) = view.dim();
        ImageMut::new(view.into_slice().ok_or(Error::Unsupported)?, h, w, c)
    }
}

impl<'a, T> TryFrom<MatRef<'a, T>> for ArrayView2<'a, T> {
    type Error = Error;
    fn try_from(mat: MatRef<'a, T>) -> Result<Self, Error> {
        let shape = (mat.rows(), mat.cols()).strides((mat.stride(), 1));
        ArrayView2::from_shape(shape, mat.data()).map_err(|_| Error::ShapeMismatch)
    }
}

impl<'a, T> TryFrom<ImageRef<'a, T>> for ArrayView3<'a, T> {
    type Error = Error;
    fn try_from(image: ImageRef<'a, T>) -> Result<Self, Error> {
        let shape = image.shape().strides((image.stride(), image.channels(), 1));
        ArrayView3::from_shape(shape, image.as_mat().data()).map_err(|_| Error::ShapeMismatch)
    }
}

impl<'a, T> TryFrom<&'a mut MatMut<'_, T>> for ArrayViewMut2<'a, T> {
    type Error = Error;
    fn try_from(mat: &'a mut MatMut<'_, T>) -> Result<Self, Error> {
        let shape = (mat.rows(), mat.cols()).strides((mat.stride(), 1));
        ArrayViewMut2::from_shape(shape, mat.data_mut()).map_err(|_| Error::ShapeMismatch)
    }
}

impl<'a, T> TryFrom<&'a mut ImageMut<'_, T>> for ArrayViewMut3<'a, T> {
    type Error = Error;
    fn try_from(image: &'a mut ImageMut<'_, T>) -> Result<Self, Error> {
        let shape = image.as_ref().shape().strides((image.stride(), image.channels(), 1));
        ArrayViewMut3::from_shape(shape, image.data_mut()).map_err(|_| Error::ShapeMismatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, s};

    #[test]
    fn an_image_goes_to_ndarray_and_back() {
        let array = Array3::from_shape_fn((2, 3, 2), |(y, x, c)| (y * 100 + x * 10 + c) as u8);
        let image = ImageRef::try_from(array.view()).unwrap();
        assert_eq!(image.row(1), &[100, 101, 110, 111, 120, 121]);
        let back = ArrayView3::try_from(image.crop(0, 1, 2, 2).unwrap()).unwrap();
        assert_eq!(back, array.slice(s![.., 1.., ..]));
        let reversed = array.slice(s![.., ..;-1, ..]);
        assert_eq!(ImageRef::try_from(reversed).unwrap_err(), Error::Unsupported);
        assert_eq!(ImageRef::try_from(array.slice(s![.., 1.., ..])).unwrap_err(), Error::Unsupported);
    }

    #[test]
    fn what_is_written_through_ndarray_arrives() {
        let mut data = [0u8; 11];
        let mut mat = MatMut::with_stride(&mut data, 3, 3, 4).unwrap();
        ArrayViewMut2::try_from(&mut mat).unwrap().column_mut(1).fill(7);
        assert_eq!(data, [0, 7, 0, 0, 0, 7, 0, 0, 0, 7, 0]);
        let mut image = ImageMut::with_stride(&mut data, 2, 1, 2, 6).unwrap();
        ArrayViewMut3::try_from(&mut image).unwrap().fill(9);
        assert_eq!(data, [9, 9, 0, 0, 0, 7, 9, 9, 0, 7, 0]);
    }
}
