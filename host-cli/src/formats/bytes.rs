//! Files as bytes: gzip is undone by content, and what is cut off is given as far as it goes.

use crate::error::{Context, Error, Result};
use flate2::read::MultiGzDecoder;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The most that a gzipped file may unpack to: 8 GiB.
const MAX_UNPACKED: u64 = 8 << 30;

/// What [`head`] gives: enough for every magic number, that of tar included.
const HEAD: u64 = 1024;

/// The bytes of a file.
#[derive(Debug)]
pub struct Content {
    /// What could be read.
    pub bytes: Vec<u8>,
    /// Why there is no more, where the compressed data end too early or are damaged.
    pub cut: Option<String>,
}

/// Whether a file that starts like this is gzipped.
pub fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
}

fn is_gzip_file(path: &Path) -> Result<bool> {
    let mut magic = Vec::new();
    File::open(path).and_then(|f| f.take(2).read_to_end(&mut magic)).at(path)?;
    Ok(is_gzip(&magic))
}

/// The first `most` bytes of a file, unpacked where it is gzipped.
pub fn read(path: &Path, most: u64) -> Result<Content> {
    let file = File::open(path).at(path)?;
    if !is_gzip_file(path)? {
        let length = file.metadata().at(path)?.len().min(most);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        file.take(most).read_to_end(&mut bytes).at(path)?;
        return Ok(Content { bytes, cut: None });
    }
    let mut bytes = Vec::new();
    let unpacked = MultiGzDecoder::new(io::BufReader::new(file));
    let read = unpacked.take(most.min(MAX_UNPACKED + 1)).read_to_end(&mut bytes);
    if bytes.len() as u64 > MAX_UNPACKED {
        return Err(Error::failed(format!("unpacks to more than {MAX_UNPACKED} bytes: {}", path.display())));
    }
    let cut = read.err().map(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof => "the gzip file is cut off".to_owned(),
        _ => format!("the gzip file is damaged ({e})"),
    });
    Ok(Content { bytes, cut })
}

/// The first bytes of a file, unpacked where it is gzipped; those of a damaged gzip file as they are.
pub fn head(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if is_gzip_file(path)? {
        let file = File::open(path).at(path)?;
        let unpacked = MultiGzDecoder::new(file).take(HEAD).read_to_end(&mut bytes);
        if unpacked.is_ok() || !bytes.is_empty() {
            return Ok(bytes);
        }
    }
    File::open(path).and_then(|f| f.take(HEAD).read_to_end(&mut bytes)).at(path)?;
    Ok(bytes)
}

/// The names of the files of a folder, sorted as bytes; hidden ones are left out.
pub fn files_in(folder: &Path) -> Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).at(folder)? {
        let entry = entry.at(folder)?;
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(b".") && entry.path().is_file() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// How many files there are in the folders of a folder, at any depth; links are not followed.
pub fn count_below(folder: &Path) -> usize {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(next) = folders.pop() {
        for entry in entries(&next) {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() && next != folder => files += 1,
                _ => {}
            }
        }
    }
    files
}
