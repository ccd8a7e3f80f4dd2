use super::*;
use proptest::prelude::*;

fn png_of(
    colour: ::png::ColorType,
    depth: ::png::BitDepth,
    width: u32,
    data: &[u8],
    palette: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, width, 1);
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
    use ::png::{BitDepth as D, ColorType as C};
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
    let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
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
    assert_eq!(decode(b"GIF89a").unwrap_err().message, "GIF is not read");
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

#[test]
fn webp_leaves_what_pillow_leaves() {
    // Pillow 13.0.0 with libwebp 1.6.0: the first four pixels, the sum, and the sum of value times (place mod 7) + 1.
    for (quality, first, sum, weighted) in [
        (30, [29, 17, 30, 143, 139, 136, 74, 84, 49, 119, 135, 95], 37_341, 152_212),
        (90, [45, 19, 52, 153, 128, 145, 98, 70, 59, 125, 114, 86], 36_772, 149_659),
    ] {
        let round = webp_round_trip(&some_picture(9, 11, 3), quality).unwrap();
        let values = || round.data.iter().map(|&v| u32::from(v));
        assert_eq!(round.data[..12], first);
        assert_eq!(
            (values().sum::<u32>(), values().zip((1..=7).cycle()).map(|(v, k)| v * k).sum()),
            (sum, weighted)
        );
    }
    let grey = some_picture(9, 11, 1);
    let near = webp_round_trip(&grey, 100).unwrap();
    assert_eq!(near.shape(), grey.shape());
    let e = webp_round_trip(&some_picture(1, 16_384, 1), 50).unwrap_err();
    assert!(e.message.contains("no picture of 1 x 16384 x 1"), "{e}");
    assert!(webp_round_trip(&some_picture(2, 2, 4), 50).is_err());
}
