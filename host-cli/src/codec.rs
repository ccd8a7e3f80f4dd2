//! Pictures as bytes: PNG and JPEG to 8-bit pixels, and pixels to PNG.
//!
//! What a viewer shows is what comes out, always with 1 (grey) or 3 (RGB) channels of 8 bits:
//! * PNG of 1, 2 and 4 bits is scaled to 0..=255; 16 bits are rounded: `(v·255 + 32767) / 65535`;
//! * a palette becomes RGB;
//! * alpha is laid over white and goes away: `(c·a + 255·(255 − a) + 127) / 255`;
//! * JPEG is decoded without vector instructions, so that each machine reads the same pixels; its
//!   EXIF orientation is applied; CMYK and YCCK become RGB.
//!
//! The size in the header is held against a limit before memory is asked for, so that a small file
//! that claims to be huge costs nothing. Files that are cut off are errors, never half a picture.

use crate::error::{Error, Result};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use seedbed::ImageRef;
use std::io::Cursor;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

/// The largest picture that [`decode`] takes, in pixels: 8192 × 8192.
pub const MAX_PIXELS: u64 = 1 << 26;

/// A PNG holds at most this many pixels of 8 bits for each of its bytes: Deflate packs no tighter.
pub const PNG_RATIO: u64 = 1032;

/// Memory for what a PNG holds besides its pixels (profiles, texts).
const PNG_EXTRA_BYTES: usize = 16 << 20;

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
}

/// The picture format of these bytes by their first few, whatever the file is called.
pub fn sniff(bytes: &[u8]) -> Option<Picture> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(Picture::Png)
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some(Picture::Jpeg)
    } else {
        None
    }
}

/// The pixels of a PNG or JPEG of at most [`MAX_PIXELS`].
///
/// # Errors
/// As [`decode_limited`].
pub fn decode(bytes: &[u8]) -> Result<Pixels> {
    decode_limited(bytes, MAX_PIXELS)
}

/// The pixels of a PNG or JPEG of at most `max_pixels`.
///
/// # Errors
/// When the bytes are neither, are damaged or cut off, or the picture is larger than allowed.
pub fn decode_limited(bytes: &[u8], max_pixels: u64) -> Result<Pixels> {
    match sniff(bytes) {
        Some(Picture::Png) => decode_png(bytes, max_pixels),
        Some(Picture::Jpeg) => decode_jpeg(bytes, max_pixels),
        None if bytes.is_empty() => Err(Error::failed("file is empty")),
        None => Err(Error::failed("neither PNG nor JPEG")),
    }
}

fn check_size(width: u64, height: u64, max_pixels: u64) -> Result<()> {
    match width.checked_mul(height) {
        Some(0) => Err(Error::failed("picture without pixels")),
        Some(n) if n <= max_pixels => Ok(()),
        _ => Err(Error::failed(format!("picture of {width} x {height} has more than {max_pixels} pixels"))
            .hint("raise --max-pixels if the picture is meant to be that large")),
    }
}

fn decode_png(bytes: &[u8], max_pixels: u64) -> Result<Pixels> {
    let damaged = |e: png::DecodingError| match &e {
        png::DecodingError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::failed("PNG is cut off")
        }
        _ => Error::failed(format!("PNG is damaged ({})", e.to_string().trim_end_matches('.'))),
    };
    let mut decoder =
        png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: PNG_EXTRA_BYTES });
    decoder.set_transformations(png::Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(damaged)?;
    check_size(header.width.into(), header.height.into(), max_pixels)?;
    // Room for the pixels themselves: at most 4 channels of 16 bits, twice while a row is unfiltered.
    let room = (header.width as usize).saturating_mul(32).saturating_add(PNG_EXTRA_BYTES);
    decoder.set_limits(png::Limits { bytes: room });
    let mut reader = decoder.read_info().map_err(damaged)?;
    let size =
        reader.output_buffer_size().ok_or_else(|| Error::failed("picture is too large for this machine"))?;
    let mut data = vec![0; size];
    let info = reader.next_frame(&mut data).map_err(damaged)?;
    reader.finish().map_err(damaged)?;
    data.truncate(info.buffer_size());
    let data = if info.bit_depth == png::BitDepth::Sixteen { to_eight_bits(&data) } else { data };
    let (height, width) = (info.height as usize, info.width as usize);
    match info.color_type {
        png::ColorType::Grayscale => Pixels::new(data, height, width, 1),
        png::ColorType::Rgb => Pixels::new(data, height, width, 3),
        png::ColorType::GrayscaleAlpha => Pixels::new(over_white::<1, 2>(&data), height, width, 1),
        png::ColorType::Rgba => Pixels::new(over_white::<3, 4>(&data), height, width, 3),
        png::ColorType::Indexed => Err(Error::failed("PNG is damaged (no palette)")),
    }
}

/// Big-endian 16-bit values, each rounded to the nearest of 8 bits.
fn to_eight_bits(data: &[u8]) -> Vec<u8> {
    let (pairs, _) = data.as_chunks::<2>();
    pairs.iter().map(|&pair| ((u16::from_be_bytes(pair) as u32 * 255 + 32767) / 65535) as u8).collect()
}

/// `WITH` channels, the last of them alpha, laid over white: `COLOURS` channels are left.
fn over_white<const COLOURS: usize, const WITH: usize>(data: &[u8]) -> Vec<u8> {
    let (pixels, _) = data.as_chunks::<WITH>();
    let blend = |c: u8, a: u8| ((c as u32 * a as u32 + 255 * (255 - a as u32) + 127) / 255) as u8;
    pixels.iter().flat_map(|p| p[..COLOURS].iter().map(|&c| blend(c, p[COLOURS]))).collect()
}

fn decode_jpeg(bytes: &[u8], max_pixels: u64) -> Result<Pixels> {
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
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let pixels = Pixels::new(data, height, width, if grey { 1 } else { 3 })?;
    match orientation {
        None | Some(Orientation::NoTransforms) => Ok(pixels),
        Some(turn) => oriented(pixels, turn),
    }
}

/// A decoder's words in one line, without quotes and without its own trailing dots.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('"', "").trim_end_matches('.').to_owned()
}

fn oriented(pixels: Pixels, turn: Orientation) -> Result<Pixels> {
    let Pixels { data, height, width, channels } = pixels;
    let (w, h) = (width as u32, height as u32);
    let picture = match channels {
        1 => GrayImage::from_raw(w, h, data).map(DynamicImage::ImageLuma8),
        _ => RgbImage::from_raw(w, h, data).map(DynamicImage::ImageRgb8),
    };
    let mut picture = picture.ok_or_else(|| Error::failed("JPEG is damaged (size)"))?;
    picture.apply_orientation(turn);
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    Pixels::new(picture.into_bytes(), height, width, channels)
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
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&pixels.data)?;
        writer.finish()
    });
    written.map_err(|e| Error::failed(format!("cannot write PNG ({e})")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn png_of(
        colour: png::ColorType,
        depth: png::BitDepth,
        width: u32,
        data: &[u8],
        palette: &[u8],
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, 1);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        if !palette.is_empty() {
            encoder.set_palette(palette.to_vec());
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        bytes
    }

    fn some_picture(height: usize, width: usize, channels: usize) -> Pixels {
        let data = (0..height * width * channels).map(|i| (i * 37 % 251) as u8).collect();
        Pixels::new(data, height, width, channels).unwrap()
    }

    proptest! {
        #[test]
        fn png_gives_the_pixels_back(height in 1usize..20, width in 1usize..20, rgb: bool, seed: u8) {
            let mut picture = some_picture(height, width, if rgb { 3 } else { 1 });
            picture.data.iter_mut().for_each(|v| *v = v.wrapping_mul(seed));
            prop_assert_eq!(decode(&encode_png(&picture).unwrap()).unwrap(), picture);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), head in 0usize..3) {
            let start: &[u8] = [b"".as_slice(), b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"][head];
            let _ = decode(&[start, &bytes].concat());
        }
    }

    #[test]
    fn every_depth_and_colour_becomes_eight_bits() {
        use png::{BitDepth as D, ColorType as C};
        let cases: [(C, D, u32, &[u8], &[u8], &[u8]); 7] = [
            (C::Grayscale, D::One, 4, &[0b0110_0000], &[], &[0, 255, 255, 0]),
            (C::Grayscale, D::Two, 4, &[0b0001_1011], &[], &[0, 85, 170, 255]),
            (C::Grayscale, D::Four, 2, &[0x0f], &[], &[0, 255]),
            // 128 is nearer to 0, 129 to 1 of 255: the step is 257.
            (C::Grayscale, D::Sixteen, 3, &[0, 128, 0, 129, 255, 255], &[], &[0, 1, 255]),
            (C::Indexed, D::One, 2, &[0b0100_0000], &[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 6]),
            (C::GrayscaleAlpha, D::Eight, 3, &[10, 255, 10, 0, 0, 128], &[], &[10, 255, 127]),
            (C::Rgba, D::Eight, 2, &[1, 2, 3, 255, 9, 9, 9, 0], &[], &[1, 2, 3, 255, 255, 255]),
        ];
        for (colour, depth, width, data, palette, want) in cases {
            let got = decode(&png_of(colour, depth, width, data, palette)).unwrap();
            assert_eq!((got.data.as_slice(), got.width), (want, width as usize), "{colour:?} {depth:?}");
        }
    }

    fn jpeg_of(picture: &Pixels) -> Vec<u8> {
        let mut bytes = Vec::new();
        let colour = if picture.channels == 1 { image::ColorType::L8 } else { image::ColorType::Rgb8 };
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95)
            .encode(&picture.data, picture.width as u32, picture.height as u32, colour.into())
            .unwrap();
        bytes
    }

    #[test]
    fn jpeg_is_read_in_grey_and_colour_and_turned_as_its_exif_says() {
        let ramp = |channels| {
            let data = (0..16 * 24 * channels).map(|i| (i / channels % 24 * 10) as u8).collect();
            Pixels::new(data, 16, 24, channels).unwrap()
        };
        for channels in [1, 3] {
            let (picture, got) = (ramp(channels), decode(&jpeg_of(&ramp(channels))).unwrap());
            assert_eq!(got.shape(), [16, 24, channels]);
            assert!(got.data.iter().zip(&picture.data).all(|(a, b)| a.abs_diff(*b) < 6));
        }
        // APP1 with one IFD entry: orientation 6, to be turned by 90 degrees clockwise.
        let exif =
            b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let plain = jpeg_of(&ramp(1));
        let turned = decode(&[&plain[..2], exif, &plain[2..]].concat()).unwrap();
        assert_eq!(turned.shape(), [24, 16, 1]);
        assert!(turned.data[0] < 10 && turned.data[23 * 16] > 220);
    }

    #[test]
    fn damaged_pictures_are_refused_with_a_reason() {
        let picture = some_picture(32, 32, 3);
        let (png, jpeg) = (encode_png(&picture).unwrap(), jpeg_of(&picture));
        for cut in [9, 20, 40, png.len() / 2, png.len() - 20] {
            assert!(decode(&png[..cut]).unwrap_err().message.contains("PNG is"), "{cut}");
        }
        for cut in [4, 20, jpeg.len() / 2, jpeg.len() * 9 / 10] {
            assert!(decode(&jpeg[..cut]).unwrap_err().message.starts_with("JPEG is damaged"), "{cut}");
        }
        let mut flipped = png.clone();
        flipped[60] ^= 0x40;
        assert!(decode(&flipped).unwrap_err().message.starts_with("PNG is damaged"));
        assert_eq!(decode(b"").unwrap_err().message, "file is empty");
        assert_eq!(decode(b"GIF89a").unwrap_err().message, "neither PNG nor JPEG");
    }

    #[test]
    fn a_header_that_claims_too_much_is_refused_before_memory_is_asked_for() {
        let mut png = encode_png(&some_picture(2, 2, 1)).unwrap();
        // Width and height of 2^31 - 1, with the checksum of the header made right again.
        png[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        let mut crc = flate2::Crc::new();
        crc.update(&png[12..29]);
        png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        let e = decode(&png).unwrap_err();
        assert!(e.message.contains("more than") && e.hint.is_some(), "{e}");
        let e = decode_limited(&jpeg_of(&some_picture(20, 20, 1)), 399).unwrap_err();
        assert!(e.message.contains("20 x 20 has more than 399"), "{e}");
    }

    #[test]
    fn pixels_check_their_shape() {
        assert!(Pixels::new(vec![0; 6], 2, 3, 1).is_ok());
        assert!(Pixels::new(vec![0; 6], 2, 2, 1).is_err());
        assert!(Pixels::new(vec![], 0, 2, 1).is_err());
        assert!(Pixels::new(vec![], usize::MAX, usize::MAX, 1).is_err());
        assert!(encode_png(&Pixels { data: vec![0; 5], height: 1, width: 1, channels: 5 }).is_err());
    }
}
