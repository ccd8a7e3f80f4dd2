//! Datasets: `dataset.json`, a zero byte, and a shard, both in Parquet and in Arrow. Any bytes are a dataset or an
//! error, and of a dataset the samples can be read, or a reason why not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbed_cli::dataset::Dataset;

/// Samples read: enough for several batches.
const MOST: usize = 1024;

fuzz_target!(|bytes: &[u8]| {
    seedbed_fuzz::errors_from_panics();
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let folder = seedbed_fuzz::folder();
    std::fs::write(folder.join("dataset.json"), &bytes[..end]).unwrap();
    for shard in ["data-00000.parquet", "data-00000.arrow"] {
        std::fs::write(folder.join(shard), bytes.get(end + 1..).unwrap_or_default()).unwrap();
    }
    let Ok(dataset) = Dataset::open(folder) else { return };
    for sample in dataset.samples().take(MOST) {
        match sample {
            Ok(sample) => {
                let _ = sample.pixels();
            }
            Err(error) => return assert!(!error.message.is_empty()),
        }
    }
});
