//! Windows bitmaps.

use super::convert::{refused, without_alpha};
use super::{Pixels, check_size};
use crate::error::Result;
use image::ImageDecoder;
use image::codecs::bmp::BmpDecoder;
use std::io::Cursor;

/// Whether bytes start as a bitmap. The two letters alone are those of many a text, so that the size of the
/// second header must be one that there is.
pub fn looks_like(bytes: &[u8]) -> bool {
    let known = [12, 16, 40, 52, 56, 64, 108, 124];
    bytes.starts_with(b"BM") && known.iter().any(|n: &u32| bytes.get(14..18) == Some(&n.to_le_bytes()))
}

pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<Pixels> {
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(|e| refused("BMP", &e))?;
    let (width, height) = decoder.dimensions();
    check_size(width.into(), height.into(), max_pixels)?;
    let grey = decoder.get_palette().is_some_and(|p| p.iter().all(|&[r, g, b]| r == g && g == b));
    let channels = usize::from(decoder.color_type().channel_count());
    let (height, width) = (height as usize, width as usize);
    let mut data = vec![0; height * width * channels];
    decoder.read_image(&mut data).map_err(|e| refused("BMP", &e))?;
    if grey {
        let first = data.chunks_exact(channels).map(|pixel| pixel[0]).collect();
        return Pixels::new(first, height, width, 1);
    }
    without_alpha(data, height, width, channels)
}
