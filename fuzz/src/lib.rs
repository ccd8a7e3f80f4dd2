//! What the targets share.
#![cfg(feature = "host")]

use seedbed_cli::formats::array::Array;

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
