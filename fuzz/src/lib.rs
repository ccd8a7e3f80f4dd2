//! What the targets share.
#![cfg(feature = "host")]

use seedbed_cli::formats::array::Array;
use seedbed_cli::formats::{self, Format, ReadOptions, Source};
use std::path::{Path, PathBuf};
use std::sync::{Once, OnceLock};

/// The most bytes that a file may unpack to, and pixels that a picture may have: few enough to stay quick.
const MOST: u64 = 1 << 16;

/// Opens a file of this format that holds `bytes`, and loads samples.
pub fn open(bytes: &[u8], format: Format) {
    errors_from_panics();
    let path = folder().join("x.bin");
    std::fs::write(&path, bytes).unwrap();
    let options = ReadOptions { format, max_unpacked: MOST, max_pixels: MOST, ..ReadOptions::default() };
    match formats::open(&path, &options) {
        Ok(source) => load(&source),
        Err(error) => assert!(!error.message.is_empty()),
    }
}

/// The fuzzer stops at any panic, also at those of the readers of Arrow and Parquet, which are made errors; with a hook
/// of our own it stops at those that are not.
pub fn errors_from_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(|info| eprintln!("{info}"))));
}

/// Reads samples, values and labels of an array, the last ones too.
pub fn read(array: &Array<'_>) {
    assert!(array.samples() <= array.header().shape.first().copied().unwrap_or(0));
    let last = array.samples().saturating_sub(1);
    for i in (0..array.samples().min(8)).chain([last, array.samples()]) {
        let there = i < array.samples();
        assert_eq!(array.values(i).map_or(0, |v| v.len()), if there { array.sample_len() } else { 0 });
        if let Ok(bytes) = array.sample_bytes(i) {
            assert_eq!(bytes.len(), array.sample_len() * array.header().element.size());
        }
        let _ = array.label(i);
    }
}

/// A folder of this process for what is read from files; run.sh takes it away.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("seedbed-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    })
}

/// Loads samples of a source, the last one too.
pub fn load(source: &Source) {
    let last = source.entries.last();
    for entry in source.entries.iter().take(8).chain(last) {
        assert!(entry.label.is_none_or(|label| (label as usize) < source.classes.len()));
        match source.loader.load(entry.at) {
            Ok(content) => assert!(content.row.len() <= source.columns.len()),
            Err(error) => assert!(!error.message.is_empty()),
        }
    }
}
