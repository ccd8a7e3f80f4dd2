//! WebP, lossy and lossless, with and without alpha.

use super::convert::{cut_off, damaged, oriented, without_alpha};
use super::{Pixels, check_size};
use crate::error::{Error, Result};
use image::metadata::Orientation;
use image_webp::WebPDecoder;
use std::io::Cursor;

/// The longest side of a WebP.
const MAX_SIDE: usize = 16_383;
/// Memory for an EXIF block.
const EXTRA_BYTES: usize = 16 << 20;

pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<Pixels> {
    let chunks = chunks(bytes)?;
    let refused = |e| damaged("WebP", &e);
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refused)?;
    if decoder.is_animated() {
        return Err(Error::failed("WebP is an animation: only single pictures are read"));
    }
    let (width, height) = decoder.dimensions();
    check_size(width.into(), height.into(), max_pixels)?;
    if let Some((w, h)) = chunks.iter().find_map(|chunk| lossy_size(chunk))
        && (w, h) != (width, height)
    {
        return Err(Error::failed(format!("WebP is damaged (a picture of {w} x {h} on {width} x {height})")));
    }
    decoder.set_memory_limit(EXTRA_BYTES);
    let turn = decoder.exif_metadata().map_err(refused)?.and_then(|exif| Orientation::from_exif_chunk(&exif));
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let (height, width) = (height as usize, width as usize);
    let mut data = vec![0; height * width * channels];
    decoder.read_image(&mut data).map_err(refused)?;
    oriented(without_alpha(data, height, width, channels)?, turn)
}

/// What lossy compression of a quality from 0 to 100 leaves: written and read by libwebp, as Pillow does it. Grey pictures
/// are compressed as colours, as WebP has it, and are grey again afterwards, by the mean of red, green and blue.
///
/// # Errors
/// When the picture has neither one nor three channels, no pixels, or a side above 16,383.
pub fn round_trip(pixels: &Pixels, quality: u8) -> Result<Pixels> {
    let (height, width) = (pixels.height, pixels.width);
    let sides = 1..=MAX_SIDE;
    if !(sides.contains(&height) && sides.contains(&width) && [1, 3].contains(&pixels.channels)) {
        return Err(Error::failed(format!(
            "WebP takes no picture of {height} x {width} x {}",
            pixels.channels
        ))
        .hint(format!("it takes 1 or 3 channels, and sides up to {MAX_SIDE}")));
    }
    let rgb: Vec<u8> = match pixels.channels {
        1 => pixels.data.iter().flat_map(|&v| [v; 3]).collect(),
        _ => pixels.data.clone(),
    };
    let failed = || Error::failed(format!("WebP could not compress a picture of {height} x {width}"));
    // The sides fit, as they were held against the limit above.
    let encoder = webp::Encoder::from_rgb(&rgb, width as u32, height as u32);
    let bytes = encoder.encode_simple(false, f32::from(quality)).map_err(|_| failed())?;
    let rgb = webp::Decoder::new(&bytes).decode().ok_or_else(failed)?;
    let data = match pixels.channels {
        1 => rgb.as_chunks::<3>().0.iter().map(|p| mean(*p)).collect(),
        _ => rgb.to_vec(),
    };
    Pixels::new(data, height, width, pixels.channels)
}

/// The mean, rounded.
fn mean(rgb: [u8; 3]) -> u8 {
    ((rgb.iter().map(|&v| u16::from(v)).sum::<u16>() + 1) / 3) as u8
}

/// The chunks of the file with their heads; all of them must be there, since the decoder takes what is left of
/// one that is cut off.
fn chunks(bytes: &[u8]) -> Result<Vec<&[u8]>> {
    let size = |at: usize| {
        let size = bytes.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(size)).ok()
    };
    let end = size(4).and_then(|n| n.checked_add(8)).filter(|&end| end <= bytes.len());
    let end = end.ok_or_else(|| cut_off("WebP"))?;
    let (mut chunks, mut at) = (Vec::new(), 12);
    while at < end {
        let next = size(at + 4).and_then(|n| n.checked_add(at + 8)).filter(|&next| next <= bytes.len());
        let next = next.ok_or_else(|| cut_off("WebP"))?;
        chunks.push(&bytes[at..next]);
        at = next + next % 2;
    }
    Ok(chunks)
}

/// The size that a lossy picture claims for itself, for which its decoder asks for memory.
fn lossy_size(chunk: &[u8]) -> Option<(u32, u32)> {
    let side =
        |at: usize| Some(u32::from(u16::from_le_bytes(chunk.get(at..at + 2)?.try_into().ok()?) & 0x3fff));
    if chunk.starts_with(b"VP8 ") { side(14).zip(side(16)) } else { None }
}
