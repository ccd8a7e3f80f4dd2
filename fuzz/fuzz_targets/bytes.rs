//! Files packed by gzip and Zstandard, as lines and as an archive: any bytes unpack as far as they go and no further
//! than they may.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::formats::Format;

fuzz_target!(|bytes: &[u8]| {
    for format in [Format::Jsonl, Format::Tar] {
        seedbed_fuzz::open(bytes, format);
    }
});
