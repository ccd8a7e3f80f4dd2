//! Safetensors files of samples: any bytes are a source or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::formats::Format;

fuzz_target!(|bytes: &[u8]| {
    seedbed_fuzz::open(bytes, Format::Safetensors);
});
