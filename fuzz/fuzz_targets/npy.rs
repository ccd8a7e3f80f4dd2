//! NPY files: any bytes are an array or an error, and an array's samples can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::formats::npy;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = npy::parse(bytes) {
        seedbed_fuzz::read(&array);
    }
});
