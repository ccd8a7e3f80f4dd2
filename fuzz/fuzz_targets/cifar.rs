//! CIFAR's rows and the list beside them: the list, a zero byte, and the rows. Any bytes are a source or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::formats::{Format, ReadOptions, open};

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let rows = bytes.get(end + 1..).unwrap_or_default();
    let folder = seedbed_fuzz::folder();
    std::fs::write(folder.join("train-metadata.jsonl"), &bytes[..end]).unwrap();
    for file in ["data_batch_1.bin", "train.bin"] {
        std::fs::write(folder.join(file), rows).unwrap();
        for label in [None, Some("coarse"), Some("none")] {
            let label = label.map(str::to_owned);
            let options = ReadOptions { format: Format::Cifar, label, ..ReadOptions::default() };
            match open(&folder.join(file), &options) {
                Ok(source) => seedbed_fuzz::load(&source),
                Err(error) => assert!(!error.message.is_empty()),
            }
        }
    }
});
