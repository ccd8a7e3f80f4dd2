//! Mirrors of an image in its own memory.

use super::super::{copy_values, split};
use super::reverse::reverse;
use crate::scratch::{Plain, bytes_mut};
use crate::simd::Level;
use crate::view::ImageMut;

/// [`hflip`](super::hflip) in place.
pub fn hflip_in_place<T: Plain>(level: Level, mut image: ImageMut<'_, T>) {
    let pixel = image.channels().saturating_mul(size_of::<T>());
    let half = (image.width() / 2).saturating_mul(pixel);
    for row in image.iter_rows_mut() {
        let row = bytes_mut(row);
        let rest = row.len() - half.min(row.len());
        let (left, right) = split(row, rest);
        exchange(level, split(left, half).0, right, pixel);
    }
}

/// [`vflip`](super::vflip) in place.
pub fn vflip_in_place<T: Copy>(image: ImageMut<'_, T>) {
    each_pair(image, |above, below| {
        if let Some(below) = below {
            for (a, b) in above.iter_mut().zip(below) {
                core::mem::swap(a, b);
            }
        }
    });
}

/// [`rot180`](super::rot180) in place.
pub fn rot180_in_place<T: Plain>(level: Level, image: ImageMut<'_, T>) {
    let (width, channels) = (image.width(), image.channels());
    let pixel = channels.saturating_mul(size_of::<T>());
    each_pair(image, |above, below| match below {
        Some(below) => exchange(level, bytes_mut(above), bytes_mut(below), pixel),
        None => {
            if let Ok(row) = ImageMut::new(above, 1, width, channels) {
                hflip_in_place(level, row);
            }
        }
    });
}

/// Calls `each` with each row of the upper half and the one that it changes places with, and with the middle row alone.
fn each_pair<T>(mut image: ImageMut<'_, T>, mut each: impl FnMut(&mut [T], Option<&mut [T]>)) {
    let (height, row) = (image.height(), image.width() * image.channels());
    let stride = image.as_ref().stride();
    let data = image.data_mut();
    if data.is_empty() {
        // There may be any number of empty rows.
        return;
    }
    for y in 0..height.div_ceil(2) {
        let (top, bottom) = (y * stride, (height - 1 - y) * stride);
        let (before, after) = split(data, bottom);
        if top == bottom {
            each(split(after, row).0, None);
        } else {
            each(
                before.get_mut(top..).map_or(&mut [], |above| split(above, row).0),
                Some(split(after, row).0),
            );
        }
    }
}

/// Bytes that are moved at a time.
const ROOM: usize = 512;

/// Exchanges the pixels of two runs of one length, the first of one with the last of the other.
fn exchange(level: Level, left: &mut [u8], right: &mut [u8], pixel: usize) {
    let pixel = pixel.max(1);
    if pixel > ROOM {
        for (a, b) in left.chunks_exact_mut(pixel).zip(right.chunks_exact_mut(pixel).rev()) {
            for (a, b) in a.iter_mut().zip(b) {
                core::mem::swap(a, b);
            }
        }
        return;
    }
    let mut room = [0; ROOM];
    let whole = (ROOM / pixel * pixel).max(1);
    for (a, b) in left.chunks_mut(whole).zip(right.rchunks_mut(whole)) {
        let (kept, _) = split(&mut room, a.len());
        copy_values(kept, a);
        reverse(level, a, b, pixel);
        reverse(level, b, kept, pixel);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Owned, images};
    use super::super::{hflip, rot180, vflip};
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn agree(src: &Owned, pad: usize) {
        let (h, w, c) = src.shape;
        let stride = w * c + pad;
        let spread = |image: &Owned| -> Vec<u8> {
            let rows = image.data.chunks(w * c);
            rows.flat_map(|row| row.iter().copied().chain(core::iter::repeat_n(0xa5, pad))).collect()
        };
        for level in Level::available() {
            for which in 0..3 {
                let mut want = Owned::new(src.shape);
                let mut data = spread(src);
                let image = ImageMut::with_stride(&mut data, h, w, c, stride).unwrap();
                match which {
                    0 => {
                        hflip(level, src.view(), want.view_mut()).unwrap();
                        hflip_in_place(level, image);
                    }
                    1 => {
                        vflip(src.view(), want.view_mut()).unwrap();
                        vflip_in_place(image);
                    }
                    _ => {
                        rot180(level, src.view(), want.view_mut()).unwrap();
                        rot180_in_place(level, image);
                    }
                }
                assert!(data == spread(&want), "{which}: {h} x {w} x {c} at {}", level.name());
            }
        }
    }

    #[test]
    fn all_widths_and_channels_are_mirrored_in_place() {
        for (w, c) in (1..=71).flat_map(|w| (1..=9).map(move |c| (w, c))) {
            for h in 1..5 {
                agree(&Owned::pattern(h, w, c), 0);
            }
        }
        // Rows longer than the room, and pixels that do not fit it.
        agree(&Owned::pattern(3, 700, 3), 5);
        agree(&Owned::pattern(4, 5, 700), 1);
    }

    proptest! {
        #[test]
        fn any_image_is_mirrored_in_place(src in images(), pad in 0usize..5) {
            agree(&src, pad);
        }
    }

    #[test]
    fn wider_elements_are_mirrored_in_place() {
        let mut data: Vec<u16> = (0..12).collect();
        rot180_in_place(Level::detect(), ImageMut::new(&mut data, 3, 2, 2).unwrap());
        assert_eq!(data, [10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1]);
        hflip_in_place(Level::detect(), ImageMut::new(&mut data, 3, 4, 1).unwrap());
        assert_eq!(data, [9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2]);
    }
}
