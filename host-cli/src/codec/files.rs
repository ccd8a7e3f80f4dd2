//! Tests over small files that Pillow 12 wrote, which are also where the fuzzer starts. All but the lossy ones
//! show 3 rows of 5 pixels of the values `40y + 13x + 70c`, modulo 256.

use super::*;
use proptest::prelude::*;

macro_rules! seed {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../fuzz/seeds/picture/", $name)).as_slice())
    };
}

const FILES: [(&str, &[u8]); 26] = [
    seed!("bits.bmp"),
    seed!("grey.bmp"),
    seed!("palette.bmp"),
    seed!("rgb.bmp"),
    seed!("rgba.bmp"),
    seed!("rgb.jpg"),
    seed!("grey.png"),
    seed!("turned.png"),
    seed!("bits.pbm"),
    seed!("grey.pgm"),
    seed!("rgb.ppm"),
    seed!("bits.tif"),
    seed!("grey.tif"),
    seed!("grey16.tif"),
    seed!("grey-alpha.tif"),
    seed!("palette.tif"),
    seed!("rgb-deflate.tif"),
    seed!("rgb-lzw.tif"),
    seed!("rgb-packbits.tif"),
    seed!("rgb-raw.tif"),
    seed!("rgba.tif"),
    seed!("turned.tif"),
    seed!("lossless.webp"),
    seed!("lossless-alpha.webp"),
    seed!("lossless-turned.webp"),
    seed!("lossy-alpha.webp"),
];
const LOSSY: &[u8] = seed!("lossy.webp").1;

fn bytes_of(name: &str) -> &'static [u8] {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes).unwrap()
}

/// The picture of all files, before what a format does to it.
fn picture(channels: usize) -> Vec<u8> {
    let at = |i: usize| 40 * (i / channels / 5) + 13 * (i / channels % 5) + 70 * (i % channels);
    (0..15 * channels).map(|i| at(i) as u8).collect()
}

/// With alpha, the last of the channels, over white.
fn flat(channels: usize) -> Vec<u8> {
    let over = |c: u8, a: u8| ((c as u32 * a as u32 + 255 * (255 - a as u32) + 127) / 255) as u8;
    let bare = channels - 1;
    picture(channels)
        .chunks(channels)
        .flat_map(|p| p[..bare].iter().map(move |&c| over(c, p[bare])))
        .collect()
}

/// Turned by 90 degrees clockwise, as orientation 6 says.
fn turned() -> Vec<u8> {
    let upright = picture(3);
    let pixel = |y: usize, x: usize| [0, 1, 2].map(|c| upright[((2 - x) * 5 + y) * 3 + c]);
    (0..5).flat_map(|y| (0..3).flat_map(move |x| pixel(y, x))).collect()
}

#[test]
fn every_format_shows_the_same_picture() {
    let bits: Vec<u8> = picture(1).iter().map(|&v| if v > 127 { 255 } else { 0 }).collect();
    // Colour i of 16 is (16i, 255 - 16i, i).
    let palette: Vec<u8> =
        picture(1).iter().map(|v| v % 16).flat_map(|i| [i * 16, 255 - i * 16, i]).collect();
    let grey16: Vec<u8> = picture(1).iter().enumerate().map(|(i, v)| v + [0, 0, 1, 1, 2][i % 5]).collect();
    let of = |name: &str| match name.split('.').next().unwrap() {
        "bits" => (bits.clone(), [3, 5, 1]),
        "grey" => (picture(1), [3, 5, 1]),
        "grey16" => (grey16.clone(), [3, 5, 1]),
        "grey-alpha" => (flat(2), [3, 5, 1]),
        "palette" => (palette.clone(), [3, 5, 3]),
        // Pillow gives such a bitmap four bytes a pixel and does not say that the fourth is alpha.
        "rgba" if name.ends_with(".bmp") => {
            (picture(4).chunks(4).flat_map(|p| p[..3].to_vec()).collect(), [3, 5, 3])
        }
        "rgba" | "lossless-alpha" => (flat(4), [3, 5, 3]),
        "turned" if name.ends_with(".tif") || name.ends_with(".png") => (turned(), [5, 3, 3]),
        "lossless-turned" => (turned(), [5, 3, 3]),
        _ => (picture(3), [3, 5, 3]),
    };
    for (name, bytes) in FILES.iter().filter(|(name, _)| !name.starts_with("lossy") && *name != "rgb.jpg") {
        let got = decode(bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((got.data.clone(), got.shape()), of(name), "{name}");
    }
}

#[test]
fn lossy_webp_is_what_libwebp_shows() {
    let got = decode(LOSSY).unwrap();
    assert_eq!(got.shape(), [12, 20, 3]);
    let row = |y: usize| &got.data[y * 60..][..60];
    let first = [
        0, 68, 141, 0, 68, 141, 0, 68, 141, 1, 69, 142, 4, 71, 144, 8, 76, 149, 14, 82, 155, 16, 84, 157, 19,
        87, 157, 22, 90, 161, 27, 95, 167, 29, 97, 172, 31, 99, 176, 35, 102, 180, 40, 106, 186, 43, 110,
        188, 45, 113, 186, 48, 116, 186, 50, 118, 189, 51, 120, 190,
    ];
    assert_eq!(row(0), first);
    assert_eq!(row(11)[48..], [131, 205, 0, 130, 208, 0, 133, 210, 0, 135, 213, 2]);
    // (183, 252, 255) with an alpha of 8 is nearly white.
    let got = decode(bytes_of("lossy-alpha.webp")).unwrap();
    assert_eq!((got.shape(), &got.data[11 * 60..][..3]), ([12, 20, 3], [253, 255, 255].as_slice()));
}

#[test]
fn a_file_that_is_cut_off_is_an_error_or_the_same_picture() {
    for (name, bytes) in FILES {
        let whole = decode(bytes).unwrap();
        for cut in 0..bytes.len() {
            if let Ok(got) = decode(&bytes[..cut]) {
                assert_eq!(got, whole, "{name} cut to {cut} of {}", bytes.len());
                // Only what stands behind the pixels may be missing.
                assert!(cut > bytes.len() * 3 / 4, "{name} cut to {cut} of {}", bytes.len());
            }
        }
    }
}

#[test]
fn several_pictures_and_unknown_kinds_are_refused_by_name() {
    let cases: [(&[u8], &str); 5] = [
        (seed!("animation.webp").1, "WebP is an animation: only single pictures are read"),
        (seed!("pages.tif").1, "TIFF of several pictures: only one is read"),
        (seed!("jpeg.tif").1, "TIFF of compression 7 is not read"),
        (b"\0\0\0\x1cftypavif", "AVIF is not read"),
        (b"BMI,age\n21,30\n", UNKNOWN),
    ];
    for (bytes, want) in cases {
        assert_eq!(decode(bytes).unwrap_err().message, want);
    }
    let twice = [bytes_of("grey.pgm"), bytes_of("grey.pgm")].concat();
    assert_eq!(decode(&twice).unwrap_err().message, "PNM of several pictures: only one is read");
}

#[test]
fn pnm_as_text_and_pam() {
    let cases: [(&str, [usize; 3], &[u8]); 7] = [
        ("P1\n# bits\n3 2\n1 0 1\n010", [2, 3, 1], &[0, 255, 0, 255, 0, 255]),
        ("P2 2 1 3 0 2 ", [1, 2, 1], &[0, 170]),
        ("P3\n1 1\n255\n1 2 3\n", [1, 1, 3], &[1, 2, 3]),
        // 12 bits: 2048 of 4095 is a little more than a half.
        ("P2\n2 1\n4095\n2048 4095\n", [1, 2, 1], &[128, 255]),
        (
            "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n\nA",
            [1, 1, 1],
            &[193],
        ),
        ("P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\nABC", [1, 1, 3], b"ABC"),
        ("P5\n2 1\n65535\n\u{0}\u{0}\u{1}\u{1}", [1, 2, 1], &[0, 1]),
    ];
    for (text, shape, want) in cases {
        let got = decode(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((got.shape(), got.data.as_slice()), (shape, want), "{text}");
    }
    // The last number may be the start of 255.
    assert_eq!(decode(b"P2\n2 1\n255\n9 25").unwrap_err().message, "PNM is cut off");
    let e = decode(b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 999\nENDHDR\nAB").unwrap_err();
    assert_eq!(e.message, "PAM of more than 8 bits that lacks its TUPLTYPE");
    assert_eq!(sniff(b"P1 P2 P3\n1 2 3\n"), None);
}

/// `bytes` with others at some places.
fn patched(bytes: &[u8], places: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    places.iter().for_each(|(at, new)| bytes[*at..at + new.len()].copy_from_slice(new));
    bytes
}

#[test]
fn claims_of_a_huge_size_are_refused() {
    let most = [0xff, 0xff, 0, 0];
    let lossy = patched(LOSSY, &[(26, &[0xff, 0x3f, 0xff, 0x3f])]);
    let alpha = bytes_of("lossy-alpha.webp");
    let canvas = patched(alpha, &[(24, &[0x1f, 0x4e, 0, 0x1f, 0x4e, 0])]);
    let lossless = patched(bytes_of("lossless.webp"), &[(21, &[0xfe, 0xbf, 0xff, 0x0f])]);
    let bmp = patched(bytes_of("rgb.bmp"), &[(18, &most), (22, &most)]);
    let pnm = b"P5\n4000000000 4000000000\n255\n".to_vec();
    for bytes in [lossy, canvas, lossless, bmp, pnm] {
        let e = decode(&bytes).unwrap_err();
        assert!(e.message.contains("has more than 67108864 pixels"), "{e}");
    }
    // Width and height are the first tags.
    let tiff = bytes_of("rgb-raw.tif");
    let at = |tag: u8| tiff.windows(4).position(|w| w == [tag, 1, 4, 0] || w == [tag, 1, 3, 0]).unwrap() + 8;
    let tiff = patched(tiff, &[(at(0), &most), (at(1), &most)]);
    assert!(decode(&tiff).is_err());
    // Within the canvas a lossy picture that claims to be larger than it.
    let inner = alpha.windows(4).position(|w| w == b"VP8 ").unwrap();
    let e = decode(&patched(alpha, &[(inner + 14, &[0xff, 0x3f, 0xff, 0x3f])])).unwrap_err();
    assert_eq!(e.message, "WebP is damaged (a picture of 16383 x 16383 on 20 x 12)");
}

#[test]
fn the_first_bytes_tell_the_format() {
    for (name, bytes) in FILES {
        let want = match name.rsplit('.').next().unwrap() {
            "png" => Picture::Png,
            "jpg" => Picture::Jpeg,
            "bmp" => Picture::Bmp,
            "webp" => Picture::Webp,
            "tif" => Picture::Tiff,
            _ => Picture::Pnm,
        };
        assert_eq!(sniff(bytes), Some(want), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn changed_bytes_make_no_decoder_panic(
        which in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = FILES[which].1.to_vec();
        changes.iter().for_each(|(at, new)| { let i = at.index(bytes.len()); bytes[i] = *new; });
        if let Ok(got) = decode_limited(&bytes, 1 << 16) {
            prop_assert!(matches!(got.channels, 1 | 3) && got.view().is_ok());
        }
    }
}
