//! Pictures of 28 × 28 bytes and their labels in IDX files.

use super::judge::Pictures;
use flate2::read::GzDecoder;
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What reading comes to.
pub type Done<T> = Result<T, Box<dyn Error>>;

/// The bytes of an IDX file, with `.gz` or without, behind its head of so many bytes.
///
/// # Errors
/// When it cannot be read, or holds other pictures.
pub fn idx(path: &Path, head: usize) -> Done<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    if path.extension().is_some_and(|e| e == "gz") {
        GzDecoder::new(file).read_to_end(&mut bytes)?;
    } else {
        (&file).read_to_end(&mut bytes)?;
    }
    if bytes.len() <= head || head == 16 && !(bytes.len() - head).is_multiple_of(784) {
        return Err(format!("{}: not pictures of 28 x 28 bytes, or their labels", path.display()).into());
    }
    bytes.drain(..head);
    Ok(bytes)
}

/// Pictures and labels of a split.
///
/// # Errors
/// As [`idx`].
pub fn split(folder: &Path, name: &str) -> Done<Pictures> {
    let path = |what: &str| {
        let plain = folder.join(format!("{name}-{what}-ubyte"));
        if plain.exists() { plain } else { plain.with_added_extension("gz") }
    };
    let labels = idx(&path("labels-idx1"), 8)?;
    let pixels = idx(&path("images-idx3"), 16)?;
    Ok(Pictures { pixels, labels: labels.into_iter().map(u32::from).collect() })
}

/// What the test split of a folder is called.
pub fn test_split(folder: &Path) -> &'static str {
    let is_there = |name: &&str| folder.join(format!("{name}-labels-idx1-ubyte.gz")).exists();
    ["t10k", "t5k"].into_iter().find(is_there).unwrap_or("t10k")
}
