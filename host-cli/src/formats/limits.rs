//! How long parts of samples may be, told before they are read.

use crate::error::{Error, Result};

/// The longest a pixel can be in a file: RGBA of 16 bits, not packed.
const PIXEL_BYTES: u64 = 8;
/// What a file of a picture may hold besides its pixels.
const EXTRA_BYTES: u64 = 64 << 20;
/// A JPEG becomes a PNG of about so many times its size.
const GROWTH: usize = 6;

/// Whether a file of `length` bytes is too long for a picture of `max_pixels`.
pub(super) fn check_length(length: u64, max_pixels: u64) -> Result<()> {
    if length <= max_pixels.saturating_mul(PIXEL_BYTES).saturating_add(EXTRA_BYTES) {
        return Ok(());
    }
    Err(Error::failed(format!("file of {length} bytes is too long for {max_pixels} pixels"))
        .hint("raise --max-pixels if the picture is meant to be that large"))
}

/// About how many bytes the file of a picture takes once it is decoded.
pub(super) const fn decoded_size(length: usize) -> usize {
    length.saturating_mul(GROWTH)
}

/// The longest sound that is read.
pub(super) const MAX_SOUND: u32 = 1 << 30;
/// The longest text that is read.
pub(super) const MAX_TEXT: u32 = 64 << 20;

/// The error of a part that is too long.
pub(super) fn too_long(what: &str, length: u32, most: u32) -> Error {
    Error::failed(format!("{what} of {length} bytes is longer than {most}"))
}
