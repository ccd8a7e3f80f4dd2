//! Pictures of every format: any bytes are a picture or an error, and a picture is one of 1 or 3 channels that PNG
//! gives back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::codec::{decode, decode_limited, encode_png};

/// Few enough to stay quick.
const MOST: u64 = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(pixels) = decode_limited(bytes, MOST) {
        assert!(matches!(pixels.channels, 1 | 3));
        assert!((pixels.height * pixels.width) as u64 <= MOST);
        let png = encode_png(&pixels).unwrap();
        assert_eq!(decode(&png).unwrap(), pixels);
    }
});
