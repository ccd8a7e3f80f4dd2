//! TFRecord files: any bytes are one or an error, and what is listed can be read or has a reason why not; and so with
//! the bytes as the message of a record whose checksums are right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::formats::Format;

fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

fuzz_target!(|bytes: &[u8]| {
    seedbed_fuzz::open(bytes, Format::Tfrecord);
    let length = (bytes.len() as u64).to_le_bytes();
    let record = [&length, &masked(&length)[..], bytes, &masked(bytes)].concat();
    seedbed_fuzz::open(&record, Format::Tfrecord);
});
