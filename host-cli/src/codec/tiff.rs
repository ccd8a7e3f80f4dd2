//! TIFF: grey, RGB, with alpha and with a palette; as it is or packed by LZW, Deflate or PackBits.

use super::convert::{cut_off, damaged, oriented, to_eight_bits, without_alpha};
use super::{Pixels, check_size};
use crate::error::{Error, Result};
use image::metadata::Orientation;
use std::io::Cursor;
use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

/// The most that a pixel takes: four channels of 16 bits.
const PIXEL_BYTES: u64 = 8;

pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<Pixels> {
    let mut decoder = open(bytes, max_pixels)?;
    let (width, height) = decoder.dimensions().map_err(|e| refused(&e))?;
    check_size(width.into(), height.into(), max_pixels)?;
    let kind = Kind::of(&mut decoder)?;
    check_extent(&mut decoder, &kind, bytes.len() as u64)?;
    let turn = number(&mut decoder, Tag::Orientation)?.and_then(|n| u8::try_from(n).ok());
    let (height, width) = (height as usize, width as usize);
    let pixels = match kind.alpha {
        _ if kind.palette => {
            let colours = numbers(&mut decoder, Tag::ColorMap)?;
            let grey = as_grey(bytes).ok_or_else(|| Error::failed("BigTIFF with a palette is not read"))?;
            let places = samples(&mut open(&grey, max_pixels)?, &kind, height, width)?;
            Pixels::new(coloured(&places, &colours, kind.bits)?, height, width, 3)?
        }
        Alpha::Premultiplied => {
            let data = samples(&mut decoder, &kind, height, width)?;
            let bare = kind.channels - 1;
            let over =
                |p: &[u8]| p[..bare].iter().map(|&c| c.saturating_add(255 - p[bare])).collect::<Vec<_>>();
            Pixels::new(data.chunks_exact(kind.channels).flat_map(over).collect(), height, width, bare)?
        }
        _ => without_alpha(samples(&mut decoder, &kind, height, width)?, height, width, kind.channels)?,
    };
    check_pages(&mut decoder)?;
    oriented(pixels, turn.and_then(Orientation::from_exif))
}

/// The decoder has a limit of its own on memory, which is lifted to that of the caller.
fn open(bytes: &[u8], max_pixels: u64) -> Result<Reader<'_>> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size =
        usize::try_from(max_pixels.saturating_mul(PIXEL_BYTES)).unwrap_or(usize::MAX);
    Ok(Decoder::new(Cursor::new(bytes)).map_err(|e| refused(&e))?.with_limits(limits))
}

fn refused(e: &TiffError) -> Error {
    match e {
        TiffError::UnsupportedError(e) => Error::failed(format!("TIFF of a kind that is not read ({e})")),
        e => damaged("TIFF", e),
    }
}

fn numbers(decoder: &mut Reader<'_>, tag: Tag) -> Result<Vec<u64>> {
    Ok(decoder.find_tag_unsigned_vec(tag).map_err(|e| refused(&e))?.unwrap_or_default())
}

fn number(decoder: &mut Reader<'_>, tag: Tag) -> Result<Option<u64>> {
    decoder.find_tag_unsigned(tag).map_err(|e| refused(&e))
}

#[derive(Clone, Copy, PartialEq)]
enum Alpha {
    None,
    Straight,
    /// The colours were multiplied by it.
    Premultiplied,
}

/// What a pixel is made of.
struct Kind {
    bits: u32,
    /// With alpha.
    channels: usize,
    alpha: Alpha,
    palette: bool,
    packed: bool,
}

impl Kind {
    fn of(decoder: &mut Reader<'_>) -> Result<Self> {
        let mut of = |tag, default| number(decoder, tag).map(|n| n.unwrap_or(default));
        let unread = |what: &str, n: u64| Error::failed(format!("TIFF of {what} {n} is not read"));
        let compression = of(Tag::Compression, 1)?;
        if ![1, 5, 8, 32773, 32946].contains(&compression) {
            return Err(unread("compression", compression));
        }
        let colour = of(Tag::PhotometricInterpretation, u64::MAX)?;
        let bare = match colour {
            0 | 1 | 3 => 1,
            2 => 3,
            n => return Err(unread("photometric interpretation", n)),
        };
        let channels = of(Tag::SamplesPerPixel, 1)?;
        let bits = numbers(decoder, Tag::BitsPerSample)?.first().copied().unwrap_or(1);
        let alpha = match (channels.checked_sub(bare), numbers(decoder, Tag::ExtraSamples)?.as_slice()) {
            (Some(0), []) => Alpha::None,
            (Some(1), [1]) if colour != 3 => Alpha::Premultiplied,
            (Some(1), [2]) if colour != 3 => Alpha::Straight,
            _ => return Err(Error::failed("TIFF with channels besides colours and alpha is not read")),
        };
        if numbers(decoder, Tag::SampleFormat)?.iter().any(|&format| format != 1) {
            return Err(Error::failed("TIFF of other than whole numbers from 0 is not read"));
        }
        let whole = [8, 16].contains(&bits);
        if !(whole && (colour != 3 || bits == 8) || [1, 2, 4].contains(&bits) && channels == 1) {
            return Err(unread("bits for each sample", bits));
        }
        let packed = compression != 1;
        Ok(Self { bits: bits as u32, channels: channels as usize, alpha, palette: colour == 3, packed })
    }
}

/// Checks that the strips or tiles lie in the file, and that those that are not packed are long enough.
fn check_extent(decoder: &mut Reader<'_>, kind: &Kind, len: u64) -> Result<()> {
    let (width, height) = decoder.dimensions().map_err(|e| refused(&e))?;
    let mut either = |strips, tiles| {
        let found = numbers(decoder, strips)?;
        if found.is_empty() { numbers(decoder, tiles) } else { Ok(found) }
    };
    let from = either(Tag::StripOffsets, Tag::TileOffsets)?;
    let sizes = either(Tag::StripByteCounts, Tag::TileByteCounts)?;
    if from.iter().zip(&sizes).any(|(from, size)| from.saturating_add(*size) > len) {
        return Err(cut_off("TIFF"));
    }
    let bits = u64::from(width).saturating_mul(u64::from(kind.bits) * kind.channels as u64);
    let needed = bits.div_ceil(8).saturating_mul(height.into());
    if !kind.packed && sizes.iter().fold(0, |sum: u64, &size| sum.saturating_add(size)) < needed {
        return Err(Error::failed("TIFF is damaged (strips are too short)"));
    }
    Ok(())
}

/// The samples as 8 bits, channels interleaved; places in a palette as they are.
fn samples(decoder: &mut Reader<'_>, kind: &Kind, height: usize, width: usize) -> Result<Vec<u8>> {
    let mut result = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut result).map_err(|e| refused(&e))?;
    let data = match result {
        DecodingResult::U8(data) if kind.bits < 8 => return Ok(unpacked(&data, width, kind)),
        DecodingResult::U8(data) => data,
        DecodingResult::U16(data) => to_eight_bits(data.into_iter()),
        _ => return Err(Error::failed("TIFF is damaged (kind of samples)")),
    };
    if data.len() != height * width * kind.channels {
        return Err(Error::failed("TIFF is damaged (number of samples)"));
    }
    if layout.planes < 2 {
        return Ok(data);
    }
    let plane = height * width;
    Ok((0..plane).flat_map(|i| data[i..].iter().step_by(plane)).copied().collect())
}

/// Rows of 1, 2 or 4 bits for a pixel, each from a byte of its own on; greys are scaled to 0..=255.
fn unpacked(data: &[u8], width: usize, kind: &Kind) -> Vec<u8> {
    let (bits, most) = (kind.bits as usize, (1u8 << kind.bits) - 1);
    let scale = if kind.palette { 1 } else { 255 / most };
    let pixel = |row: &[u8], x: usize| (row[x * bits / 8] >> (8 - bits - x * bits % 8)) & most;
    let rows = data.chunks_exact((width * bits).div_ceil(8));
    rows.flat_map(|row| (0..width).map(move |x| pixel(row, x) * scale)).collect()
}

/// The colours of places in a palette: all reds, then all greens and blues, of 16 bits. Some writers put 8 bits
/// into the upper half alone and some into both; it is the upper half that they agree in.
fn coloured(places: &[u8], colours: &[u64], bits: u32) -> Result<Vec<u8>> {
    let n = 1usize << bits;
    if colours.len() != 3 * n {
        return Err(Error::failed("TIFF is damaged (palette)"));
    }
    let colour = |at: usize| (colours[at] >> 8) as u8;
    Ok(places.iter().map(|&p| usize::from(p)).flat_map(|p| [p, n + p, 2 * n + p].map(colour)).collect())
}

/// The file with its palette taken for greys, since the decoder has no palettes.
fn as_grey(bytes: &[u8]) -> Option<Vec<u8>> {
    let little = bytes.starts_with(b"II*\0");
    if !little && !bytes.starts_with(b"MM\0*") {
        return None;
    }
    let short = |at: usize| {
        let bytes = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let (low, high) = if little { (4, 6) } else { (6, 4) };
    let start = usize::from(short(high)?) << 16 | usize::from(short(low)?);
    let mut entries = (0..usize::from(short(start)?)).map(|i| start + 2 + 12 * i);
    let entry = entries.find(|&at| short(at) == Some(Tag::PhotometricInterpretation.to_u16()))?;
    let black_is_zero = if little { 1u16.to_le_bytes() } else { 1u16.to_be_bytes() };
    let mut bytes = bytes.to_vec();
    bytes.get_mut(entry + 8..entry + 10)?.copy_from_slice(&black_is_zero);
    Some(bytes)
}

/// Checks that the other pictures of the file, if any, are only previews of the first.
fn check_pages(decoder: &mut Reader<'_>) -> Result<()> {
    let is_preview = |decoder: &mut Reader<'_>| {
        number(decoder, Tag::NewSubfileType).map(|kind| kind.is_some_and(|kind| kind & 1 == 1))
    };
    if is_preview(decoder)? {
        return Err(Error::failed("TIFF of which the first picture is a preview is not read"));
    }
    while decoder.more_images() {
        decoder.next_image().map_err(|e| refused(&e))?;
        if !is_preview(decoder)? {
            return Err(Error::failed("TIFF of several pictures: only one is read"));
        }
    }
    Ok(())
}
