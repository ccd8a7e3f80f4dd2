//! NPZ archives: any bytes are a source or an error; and any members of a whole archive, since a fuzzer makes no
//! checksums.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::formats::Format;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const NAMES: [&str; 12] = [
    "images", "labels", "ids", "splits", "texts", "features", "classes", "columns", "weights", "x_train",
    "y_train", "arr_0",
];

fuzz_target!(|bytes: &[u8]| {
    seedbed_fuzz::open(bytes, Format::Npz);
    if let Some(archive) = archive(bytes) {
        seedbed_fuzz::open(&archive, Format::Npz);
    }
});

/// An archive of what the bytes tell: for each member the number of its name, its length and what it holds.
fn archive(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let options = SimpleFileOptions::DEFAULT.compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    while let Some(([name, low, high], rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (member, rest) = rest.split_at(length);
        let name = NAMES[usize::from(*name) % NAMES.len()];
        zip.start_file(format!("{name}.npy"), options).ok()?;
        zip.write_all(member).ok()?;
        bytes = rest;
    }
    zip.finish().ok().map(Cursor::into_inner)
}
