//! Rectangles, and painting over them.

use super::Sample;
use crate::error::Result;
use crate::rng::Stream;
use crate::view::{ImageMut, ImageRef};

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rect {
    /// First row.
    pub top: u32,
    /// First column.
    pub left: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Rect {
    /// All of an image of `size` = (height, width); sides from 2³² on are cut off there.
    pub fn whole(size: (usize, usize)) -> Self {
        let [height, width] = [size.0, size.1].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        Self { top: 0, left: 0, height, width }
    }

    /// A rectangle of `size` in the middle of `room`, both (height, width), half a pixel up and left where
    /// the middle is not whole.
    pub fn centred(size: (usize, usize), room: (usize, usize)) -> Self {
        let (inner, outer) = (Self::whole(size), Self::whole(room));
        let top = outer.height.saturating_sub(inner.height) / 2;
        let left = outer.width.saturating_sub(inner.width) / 2;
        Self { top, left, ..inner }
    }

    /// This part of `image`, a view.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) where it reaches out of the image.
    pub fn of<'a, T>(&self, image: ImageRef<'a, T>) -> Result<ImageRef<'a, T>> {
        image.crop(self.top as usize, self.left as usize, self.height as usize, self.width as usize)
    }

    /// This part of `image`, to write.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) where it reaches out of the image.
    pub fn of_mut<'a, T>(&self, image: &'a mut ImageMut<'_, T>) -> Result<ImageMut<'a, T>> {
        self.of(image.as_ref())?;
        let (channels, stride) = (image.channels(), image.as_ref().stride());
        let start = self.top as usize * stride + self.left as usize * channels;
        let data = image.data_mut().get_mut(start..).unwrap_or(&mut []);
        ImageMut::with_stride(data, self.height as usize, self.width as usize, channels, stride)
    }
}

/// Paints `rect` of the image with `fill` in every channel (cutout, DeVries and Taylor 2017).
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) where the rectangle reaches out of the image.
pub fn cutout<T: Copy>(mut image: ImageMut<'_, T>, rect: Rect, fill: T) -> Result<()> {
    let mut part = rect.of_mut(&mut image)?;
    for row in part.iter_rows_mut() {
        row.fill(fill);
    }
    Ok(())
}

/// Puts 8-bit levels that are drawn one by one, all equally likely, into `rect` of the image (random erasing, Zhong and others
/// 2020).
///
/// # Errors
/// As [`cutout`].
pub fn erase<T: Sample>(mut image: ImageMut<'_, T>, rect: Rect, stream: &mut Stream) -> Result<()> {
    let mut part = rect.of_mut(&mut image)?;
    for value in part.iter_rows_mut().flatten() {
        // As many numbers for each 8-bit level as for each other one.
        *value = T::of_level((stream.next_u32() >> 24) as u8);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::Owned;
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_hole_is_painted_and_nothing_else() {
        let mut image = Owned::new((3, 4, 2));
        let rect = Rect { top: 1, left: 2, height: 2, width: 1 };
        cutout(image.view_mut(), rect, 9).unwrap();
        let painted: std::vec::Vec<usize> = (0..24).filter(|&i| image.data[i] == 9).collect();
        assert_eq!(painted, [12, 13, 20, 21]);
        let before = image.clone();
        for rect in [Rect { width: 3, ..rect }, Rect { top: u32::MAX, ..rect }] {
            assert_eq!(cutout(image.view_mut(), rect, 1), Err(Error::InvalidArgument));
        }
        assert_eq!(image, before);
        assert_eq!(Rect::centred((2, 3), (5, 4)), Rect { top: 1, left: 0, height: 2, width: 3 });
    }
}
