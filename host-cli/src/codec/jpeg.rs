//! JPEG, baseline and progressive.

use super::convert::{cut_off, one_line, oriented};
use super::{Pixels, check_size};
use crate::error::{Error, Result};
use image::metadata::Orientation;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<Pixels> {
    // Vector code would round differently from machine to machine; leniency would let a file that
    // is cut off pass as a picture whose lower part is grey.
    let options = DecoderOptions::new_safe()
        .set_strict_mode(true)
        .set_max_width(1 << 16)
        .set_max_height(1 << 16)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let damaged = |e: zune_jpeg::errors::DecodeErrors| {
        Error::failed(format!("JPEG is damaged ({})", one_line(&format!("{e:?}"))))
    };
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| Error::failed("JPEG is damaged (no size)"))?;
    check_size(width as u64, height as u64, max_pixels)?;
    let grey = matches!(decoder.input_colorspace(), Some(ColorSpace::Luma));
    if grey {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
    }
    let data = decoder.decode().map_err(damaged)?;
    if !has_end(bytes) {
        return Err(cut_off("JPEG"));
    }
    let turn = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    oriented(Pixels::new(data, height, width, if grey { 1 } else { 3 })?, turn)
}

/// Whether the last scan has an end: the decoder, strict as it may be, fills up what a few lost bytes held.
fn has_end(bytes: &[u8]) -> bool {
    let scan = bytes.windows(2).rposition(|marker| marker == [0xff, 0xda]).unwrap_or(0);
    bytes[scan..].windows(2).any(|marker| marker == [0xff, 0xd9])
}
