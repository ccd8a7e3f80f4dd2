//! Text tables: any bytes are a table or an error, and what is listed can be read or has a reason why not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::formats::{Decimal, Format, Header, ReadOptions, csv, open};

fuzz_target!(|bytes: &[u8]| {
    for header in [Header::Auto, Header::Yes] {
        let _ = csv::profile(|| bytes, header, Decimal::Auto);
    }
    let path = seedbed_fuzz::folder().join("table.csv");
    std::fs::write(&path, bytes).unwrap();
    for image_shape in [None, "2x2".parse().ok()] {
        let options = ReadOptions { format: Format::Csv, image_shape, ..ReadOptions::default() };
        match open(&path, &options) {
            Ok(source) => seedbed_fuzz::load(&source),
            Err(error) => assert!(!error.message.is_empty()),
        }
    }
});
