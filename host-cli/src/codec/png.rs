//! PNG, read and written.

use super::convert::{cut_off, oriented, to_eight_bits, without_alpha};
use super::{Pixels, check_size};
use crate::error::{Error, Result};
use image::metadata::Orientation;
use std::io::Cursor;

/// A PNG holds at most this many pixels of 8 bits for each of its bytes: Deflate packs no tighter.
pub const PNG_RATIO: u64 = 1032;

/// Memory for what a PNG holds besides its pixels (profiles, texts).
const EXTRA_BYTES: usize = 16 << 20;

pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<Pixels> {
    let damaged = |e: png::DecodingError| match &e {
        png::DecodingError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => cut_off("PNG"),
        _ => Error::failed(format!("PNG is damaged ({})", e.to_string().trim_end_matches('.'))),
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: EXTRA_BYTES });
    decoder.set_transformations(png::Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(damaged)?;
    check_size(header.width.into(), header.height.into(), max_pixels)?;
    // Room for the pixels themselves: at most 4 channels of 16 bits, twice while a row is unfiltered.
    let room = (header.width as usize).saturating_mul(32).saturating_add(EXTRA_BYTES);
    decoder.set_limits(png::Limits { bytes: room });
    let mut reader = decoder.read_info().map_err(damaged)?;
    let size =
        reader.output_buffer_size().ok_or_else(|| Error::failed("picture is too large for this machine"))?;
    let mut data = vec![0; size];
    let info = reader.next_frame(&mut data).map_err(damaged)?;
    reader.finish().map_err(damaged)?;
    data.truncate(info.buffer_size());
    if info.bit_depth == png::BitDepth::Sixteen {
        data = to_eight_bits(data.as_chunks::<2>().0.iter().map(|&pair| u16::from_be_bytes(pair)));
    }
    if info.color_type == png::ColorType::Indexed {
        return Err(Error::failed("PNG is damaged (no palette)"));
    }
    if reader.info().animation_control.is_some_and(|control| control.num_frames > 1) {
        return Err(Error::failed("PNG is an animation: only single pictures are read"));
    }
    let turn = reader.info().exif_metadata.as_deref().and_then(Orientation::from_exif_chunk);
    let (height, width) = (info.height as usize, info.width as usize);
    oriented(without_alpha(data, height, width, info.color_type.samples())?, turn)
}

/// The picture as a PNG of 8 bits: the same pixels give the same bytes on every machine.
///
/// # Errors
/// When the fields do not fit each other, the channels are not 1 to 4, or a side exceeds 2³¹ − 1.
pub fn encode_png(pixels: &Pixels) -> Result<Vec<u8>> {
    pixels.view()?;
    let colour = match pixels.channels {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        4 => png::ColorType::Rgba,
        n => return Err(Error::failed(format!("PNG holds 1 to 4 channels, not {n}"))),
    };
    let side = |n: usize| {
        u32::try_from(n)
            .ok()
            .filter(|n| *n < 1 << 31)
            .ok_or_else(|| Error::failed("picture is too large for PNG"))
    };
    let mut bytes = Vec::with_capacity(pixels.data.len() / 2 + 128);
    let mut encoder = png::Encoder::new(&mut bytes, side(pixels.width)?, side(pixels.height)?);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    // Two thirds of the time of trying all filters on each row, for files that are a few percent longer.
    encoder.set_filter(png::Filter::Paeth);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&pixels.data)?;
        writer.finish()
    });
    written.map_err(|e| Error::failed(format!("cannot write PNG ({e})")))?;
    Ok(bytes)
}
