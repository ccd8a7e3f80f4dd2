//! Pictures as bytes: PNG, JPEG, BMP, WebP, PNM and TIFF to 8-bit pixels, and pixels to PNG.
//!
//! What a viewer shows is what comes out, always with 1 (grey) or 3 (RGB) channels of 8 bits:
//! * 1, 2 and 4 bits are scaled to 0..=255; 16 bits are rounded: `(v·255 + 32767) / 65535`;
//! * a palette becomes RGB, except in BMP one of greys only, since BMP has no grey of its own;
//! * alpha is laid over white and goes away: `(c·a + 255·(255 − a) + 127) / 255`;
//! * the orientation that EXIF or TIFF gives is applied; CMYK and YCCK in JPEG become RGB;
//! * colour profiles are not applied.
//!
//! Each machine reads the same pixels: JPEG is decoded without vector instructions, and the other
//! decoders work with whole numbers (PNM that is scaled, with single IEEE operations).
//!
//! The size in the header is held against a limit before memory is asked for, so that a small file
//! that claims to be huge costs nothing. Files that are cut off are errors, never half a picture;
//! so are files with several pictures (animations, pages), of which only one could be taken.

mod bmp;
mod convert;
mod grid;
mod jpeg;
mod png;
mod pnm;
mod tiff;
mod webp;

#[cfg(test)]
mod files;
#[cfg(test)]
mod tests;

pub use self::grid::Grid;
pub use self::png::{PNG_RATIO, encode_png};
pub use self::webp::round_trip as webp_round_trip;

use crate::error::{Error, Result};
use seedbed::ImageRef;

/// The largest picture that [`decode`] takes, in pixels: 8192 × 8192.
pub const MAX_PIXELS: u64 = 1 << 26;

/// What bytes are that [`sniff`] does not know.
pub const UNKNOWN: &str = "neither PNG, JPEG, BMP, WebP, PNM nor TIFF";

/// What the names of pictures end with.
pub const EXTENSIONS: [&str; 14] =
    ["png", "jpg", "jpeg", "jpe", "jfif", "bmp", "dib", "webp", "pbm", "pgm", "ppm", "pam", "tif", "tiff"];

/// An 8-bit picture: height × width × channels, channels interleaved, rows dense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// `height * width * channels` values.
    pub data: Vec<u8>,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA); decoding gives 1 or 3.
    pub channels: usize,
}

impl Pixels {
    /// A picture over `data`.
    ///
    /// # Errors
    /// When the length is not `height * width * channels`, or a side or the channels are 0.
    pub fn new(data: Vec<u8>, height: usize, width: usize, channels: usize) -> Result<Self> {
        let len = height.checked_mul(width).and_then(|n| n.checked_mul(channels));
        match len {
            Some(n) if n == data.len() && n > 0 => Ok(Self { data, height, width, channels }),
            _ => Err(Error::failed(format!(
                "{} bytes are no picture of {height} x {width} x {channels}",
                data.len()
            ))),
        }
    }

    /// Height, width and channels.
    pub const fn shape(&self) -> [usize; 3] {
        [self.height, self.width, self.channels]
    }

    /// The picture as the core sees it.
    ///
    /// # Errors
    /// When the fields do not fit each other.
    pub fn view(&self) -> Result<ImageRef<'_, u8>> {
        Ok(ImageRef::new(&self.data, self.height, self.width, self.channels)?)
    }
}

/// The format that bytes start as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive.
    Jpeg,
    /// Windows bitmap.
    Bmp,
    /// WebP, lossy or lossless.
    Webp,
    /// Netpbm's PBM, PGM, PPM and PAM, as text or binary.
    Pnm,
    /// Tagged Image File Format, also BigTIFF.
    Tiff,
}

/// The picture format of these bytes by their first few, whatever the file is called.
pub fn sniff(bytes: &[u8]) -> Option<Picture> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"\x89PNG\r\n\x1a\n") {
        Some(Picture::Png)
    } else if starts(b"\xff\xd8\xff") {
        Some(Picture::Jpeg)
    } else if bmp::looks_like(bytes) {
        Some(Picture::Bmp)
    } else if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(Picture::Webp)
    } else if pnm::looks_like(bytes) {
        Some(Picture::Pnm)
    } else if [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| starts(*magic)) {
        Some(Picture::Tiff)
    } else {
        None
    }
}

/// What bytes are of which [`sniff`] says that they are no picture: another kind of picture by its name,
/// or [`UNKNOWN`].
pub fn refusal(bytes: &[u8]) -> &'static str {
    const OTHERS: [(usize, &[u8], &str); 9] = [
        (0, b"GIF8", "GIF is not read"),
        (4, b"ftypavif", "AVIF is not read"),
        (4, b"ftyphei", "HEIC is not read"),
        (4, b"ftypmif1", "HEIF is not read"),
        (0, b"\0\0\0\x0cJXL ", "JPEG XL is not read"),
        (0, b"\xff\x0a", "JPEG XL is not read"),
        (0, b"\0\0\0\x0cjP  ", "JPEG 2000 is not read"),
        (0, b"8BPS", "PSD is not read"),
        (0, b"\x76\x2f\x31\x01", "OpenEXR is not read"),
    ];
    if bytes.is_empty() {
        return "file is empty";
    }
    let is = |(at, magic, _): &&(usize, &[u8], &str)| bytes.get(*at..).is_some_and(|b| b.starts_with(magic));
    OTHERS.iter().find(is).map_or(UNKNOWN, |(_, _, what)| what)
}

/// The pixels of a picture of at most [`MAX_PIXELS`].
///
/// # Errors
/// As [`decode_limited`].
pub fn decode(bytes: &[u8]) -> Result<Pixels> {
    decode_limited(bytes, MAX_PIXELS)
}

/// The pixels of a picture of at most `max_pixels`.
///
/// # Errors
/// When the bytes are none that is read, are damaged or cut off, hold several pictures, or the picture is
/// larger than allowed.
pub fn decode_limited(bytes: &[u8], max_pixels: u64) -> Result<Pixels> {
    match sniff(bytes) {
        Some(Picture::Png) => png::decode(bytes, max_pixels),
        Some(Picture::Jpeg) => jpeg::decode(bytes, max_pixels),
        Some(Picture::Bmp) => bmp::decode(bytes, max_pixels),
        Some(Picture::Webp) => webp::decode(bytes, max_pixels),
        Some(Picture::Pnm) => pnm::decode(bytes, max_pixels),
        Some(Picture::Tiff) => tiff::decode(bytes, max_pixels),
        None => Err(Error::failed(refusal(bytes))),
    }
}

/// Checks the size that a header claims.
fn check_size(width: u64, height: u64, max_pixels: u64) -> Result<()> {
    match width.checked_mul(height) {
        Some(0) => Err(Error::failed("picture without pixels")),
        Some(n) if n <= max_pixels => Ok(()),
        _ => Err(Error::failed(format!("picture of {width} x {height} has more than {max_pixels} pixels"))
            .hint("raise --max-pixels if the picture is meant to be that large")),
    }
}
