//! The embedded data: the UCI optical digits; see `NOTICE.md` beside this file for origin and licence.

use crate::error::{Context, Result};
use std::fs;
use std::path::Path;

/// The files by their names.
const FILES: [(&str, &[u8]); 2] = [
    ("digits-images-idx3-ubyte.gz", include_bytes!("digits-images-idx3-ubyte.gz")),
    ("digits-labels-idx1-ubyte.gz", include_bytes!("digits-labels-idx1-ubyte.gz")),
];

/// Writes the files into `folder`.
///
/// # Errors
/// When they cannot be written.
pub fn unpack(folder: &Path) -> Result<()> {
    for (name, bytes) in FILES {
        let path = folder.join(name);
        fs::write(&path, bytes).at(&path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{Format, ReadOptions, open};

    #[test]
    fn the_digits_are_all_there() {
        let dir = tempfile::tempdir().unwrap();
        unpack(dir.path()).unwrap();
        let source = open(dir.path(), &ReadOptions::default()).unwrap();
        assert_eq!((source.format, source.entries.len(), source.classes.len()), (Format::Idx, 1797, 10));
        assert!(source.set_aside.is_empty());
    }

    #[test]
    fn the_embedded_files_are_small() {
        assert!(FILES.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 60_000);
    }
}
