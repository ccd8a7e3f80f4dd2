//! Netpbm's pictures: PBM, PGM, PPM and PAM.

use super::convert::{cut_off, refused, to_eight_bits, without_alpha};
use super::{Pixels, check_size};
use crate::error::{Error, Result};
use image::ImageDecoder;
use image::codecs::pnm::{PnmDecoder, PnmSubtype, SampleEncoding};
use std::io::Cursor;

/// Whether bytes start as a PNM: after the letter and the digit, two numbers, which in a text table that
/// starts with such a name are texts; or the first word of a PAM.
pub fn looks_like(bytes: &[u8]) -> bool {
    match bytes {
        [b'P', b'7', b'\n', rest @ ..] => {
            let words: [&[u8]; 6] = [b"#", b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL", b"TUPLTYPE"];
            words.iter().any(|word| rest.starts_with(word))
        }
        [b'P', b'1'..=b'6', rest @ ..] => number(rest).and_then(number).is_some(),
        _ => false,
    }
}

/// What follows white space, comments and the number after them.
fn number(mut bytes: &[u8]) -> Option<&[u8]> {
    let before = bytes.len();
    loop {
        bytes = bytes.trim_ascii_start();
        match bytes.strip_prefix(b"#") {
            Some(comment) => bytes = &comment[comment.iter().position(|&b| b == b'\n')?..],
            None => break,
        }
    }
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    (digits > 0 && bytes.len() < before).then(|| &bytes[digits..])
}

pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<Pixels> {
    let mut rest = Cursor::new(bytes);
    let decoder = PnmDecoder::new(&mut rest).map_err(|e| refused("PNM", &e))?;
    let (width, height) = decoder.dimensions();
    check_size(width.into(), height.into(), max_pixels)?;
    let colour = decoder.color_type();
    let channels = usize::from(colour.channel_count());
    let wide = colour.bytes_per_pixel() > colour.channel_count();
    if !wide && decoder.header().maximal_sample() > 255 {
        return Err(Error::failed("PAM of more than 8 bits that lacks its TUPLTYPE"));
    }
    let numbers = matches!(
        decoder.subtype(),
        PnmSubtype::Graymap(SampleEncoding::Ascii) | PnmSubtype::Pixmap(SampleEncoding::Ascii)
    );
    let (height, width) = (height as usize, width as usize);
    let mut data = vec![0; height * width * usize::from(colour.bytes_per_pixel())];
    decoder.read_image(&mut data).map_err(|e| refused("PNM", &e))?;
    let rest = bytes.get(rest.position() as usize..).unwrap_or_default();
    // The last number may have lost digits with the end of the file.
    if numbers && rest.is_empty() && bytes.last().is_some_and(u8::is_ascii_digit) {
        return Err(cut_off("PNM"));
    }
    if looks_like(rest.trim_ascii_start()) {
        return Err(Error::failed("PNM of several pictures: only one is read"));
    }
    if wide {
        data = to_eight_bits(data.as_chunks::<2>().0.iter().map(|&pair| u16::from_ne_bytes(pair)));
    }
    without_alpha(data, height, width, channels)
}
