//! JSON lines: any bytes are one or an error, and what is listed can be read or has a reason why not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::formats::Format;

fuzz_target!(|bytes: &[u8]| seedbed_fuzz::open(bytes, Format::Jsonl));
