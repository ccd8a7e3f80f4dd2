//! What the targets share.
#![cfg(feature = "host")]

use seedbed_cli::formats::array::Array;

/// Elements read of one sample: enough to pass every way of reading, few enough to stay quick.
const MOST: usize = 4096;

/// Reads samples, values and labels of an array, the last ones too.
pub fn read(array: &Array<'_>) {
    assert!(array.samples() <= array.header().shape.first().copied().unwrap_or(0));
    let last = array.samples().saturating_sub(1);
    for i in (0..array.samples().min(8)).chain([last, array.samples()]) {
        let values = array.values(i).take(MOST).count();
        assert!(values <= array.sample_len());
        if let Some(bytes) = array.sample_bytes(i) {
            assert_eq!(bytes.len(), array.sample_len() * array.header().element.size());
        }
        array.label(i);
    }
}
