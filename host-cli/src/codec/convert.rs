//! What the decoders share: from their samples to pixels, and from their errors to ours.

use super::Pixels;
use crate::error::{Error, Result};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageError, RgbImage};
use std::io;

/// The nearest of 8 bits.
pub fn to_eight_bits(values: impl Iterator<Item = u16>) -> Vec<u8> {
    values.map(|v| ((v as u32 * 255 + 32767) / 65535) as u8).collect()
}

/// A picture of `channels` 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA), with alpha laid over white.
pub fn without_alpha(data: Vec<u8>, height: usize, width: usize, channels: usize) -> Result<Pixels> {
    match channels {
        2 => Pixels::new(over_white::<1, 2>(&data), height, width, 1),
        4 => Pixels::new(over_white::<3, 4>(&data), height, width, 3),
        n => Pixels::new(data, height, width, n),
    }
}

/// `WITH` channels, the last of them alpha, laid over white: `COLOURS` channels are left.
fn over_white<const COLOURS: usize, const WITH: usize>(data: &[u8]) -> Vec<u8> {
    let (pixels, _) = data.as_chunks::<WITH>();
    let blend = |c: u8, a: u8| ((c as u32 * a as u32 + 255 * (255 - a as u32) + 127) / 255) as u8;
    pixels.iter().flat_map(|p| p[..COLOURS].iter().map(|&c| blend(c, p[COLOURS]))).collect()
}

/// The picture turned and mirrored as its file says.
pub fn oriented(pixels: Pixels, turn: Option<Orientation>) -> Result<Pixels> {
    let Some(turn) = turn.filter(|turn| *turn != Orientation::NoTransforms) else { return Ok(pixels) };
    let Pixels { data, height, width, channels } = pixels;
    let (w, h) = (width as u32, height as u32);
    let picture = match channels {
        1 => GrayImage::from_raw(w, h, data).map(DynamicImage::ImageLuma8),
        _ => RgbImage::from_raw(w, h, data).map(DynamicImage::ImageRgb8),
    };
    let mut picture = picture.ok_or_else(|| Error::failed("picture is damaged (size)"))?;
    picture.apply_orientation(turn);
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    Pixels::new(picture.into_bytes(), height, width, channels)
}

/// The error of a `kind` of picture for what its decoder says.
pub fn damaged(kind: &str, e: &(dyn std::error::Error + 'static)) -> Error {
    let ends = |e: &io::Error| e.kind() == io::ErrorKind::UnexpectedEof;
    let mut chain = std::iter::successors(Some(e), |e| e.source());
    if chain.any(|e| e.downcast_ref::<io::Error>().is_some_and(ends)) {
        return cut_off(kind);
    }
    Error::failed(format!("{kind} is damaged ({})", one_line(&e.to_string())))
}

/// [`damaged`] for the decoders of the crate image.
pub fn refused(kind: &str, e: &ImageError) -> Error {
    match e {
        ImageError::IoError(e) => damaged(kind, e),
        // Without the words around it, which name the format once more.
        ImageError::Decoding(e) => damaged(kind, std::error::Error::source(e).unwrap_or(e)),
        e => Error::failed(format!("{kind} of a kind that is not read ({})", one_line(&e.to_string()))),
    }
}

/// The error of a file that ends too early.
pub fn cut_off(kind: &str) -> Error {
    Error::failed(format!("{kind} is cut off"))
}

/// A decoder's words in one line, without quotes and without its own trailing dots.
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(['"', '`'], "").trim_end_matches('.').to_owned()
}
