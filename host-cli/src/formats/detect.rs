//! Which format a file or a folder has, told by its content.

use super::kinds::kind_of;
use super::roles::FILE_NAMES;
use super::{Format, arrays, bytes, files, idx, npy, tfrecord};
use crate::codec;
use crate::error::{Context, Error, Result};
use std::path::Path;

/// Files below a folder that are looked at.
const LOOKED_AT: usize = 256;

/// The format of what is at `path`, by its content.
///
/// # Errors
/// When there is nothing, or it is of no known format; the error tells what it looks like.
pub fn detect(path: &Path) -> Result<Format> {
    let info = std::fs::metadata(path).at(path)?;
    if !info.is_dir() {
        let head = bytes::head(path)?;
        let found =
            of_head(&head).or_else(|what| if arrays::is_cifar(path) { Ok(Format::Cifar) } else { Err(what) });
        return found.map_err(|what| {
            Error::failed(format!("{what}: {}", path.display()))
                .hint("give a folder of pictures, or a file in one of the formats that --format names")
        });
    }
    let (mut tables, mut others, mut names_files) = (0, 0, false);
    for file in bytes::files_in(path)? {
        match bytes::head(&path.join(&file)).map(|head| of_head(&head)) {
            Ok(Ok(format @ (Format::Idx | Format::Npy))) => return Ok(format),
            Ok(Ok(Format::Csv)) if is_table_name(&file.to_string_lossy()) => {
                tables += 1;
                names_files |= file != "metadata.csv" && has_file_names(&path.join(&file));
            }
            // A text such as README.md is beside samples, not one of them.
            Ok(Ok(_)) => {}
            _ => others += 1,
        }
    }
    if tables == 1 && names_files {
        return Ok(Format::Csv);
    }
    if let Some(format) = of_files_below(path)? {
        return Ok(format);
    }
    let subfolders = std::fs::read_dir(path).at(path)?.flatten().any(|e| e.path().is_dir());
    Ok(if tables > 0 && !subfolders && others == 0 { Format::Csv } else { Format::Folder })
}

/// Whether a column of a text table is called like one of names of files.
fn has_file_names(path: &Path) -> bool {
    let head = bytes::head(path).unwrap_or_default();
    let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
    let line =
        String::from_utf8_lossy(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)).to_ascii_lowercase();
    line.split([',', ';', '\t', '|']).any(|name| FILE_NAMES.contains(&name.trim().trim_matches('"')))
}

/// The format of records that files below a folder have, where there is no picture or sound among the first of them.
fn of_files_below(folder: &Path) -> Result<Option<Format>> {
    let (mut found, mut table) = (None, None);
    for file in files::below(folder, true)?.files.iter().take(LOOKED_AT) {
        let Ok(head) = bytes::head(file) else { continue };
        match of_head(&head) {
            Ok(
                format @ (Format::Tar
                | Format::Parquet
                | Format::Arrow
                | Format::Tfrecord
                | Format::Npz
                | Format::Safetensors),
            ) => found = found.or(Some(format)),
            Err(_) if arrays::is_cifar(file) => found = found.or(Some(Format::Cifar)),
            Ok(Format::Jsonl) if is_lines_name(&file.to_string_lossy()) => {
                found = found.or(Some(Format::Jsonl));
            }
            Ok(Format::Csv) if is_table_name(&file.to_string_lossy()) => table = Some(Format::Csv),
            Err(_) if kind_of(&head).is_some() && found != Some(Format::Jsonl) => return Ok(None),
            _ => {}
        }
    }
    Ok(found.or(table))
}

/// The format of a file, where it has one that is read.
pub(super) fn of_file(path: &Path) -> Option<Format> {
    let found = of_head(&bytes::head(path).ok()?).ok();
    found.or_else(|| arrays::is_cifar(path).then_some(Format::Cifar))
}

/// Why a file is not read.
pub(super) fn refusal(path: &Path) -> String {
    match bytes::head(path) {
        Err(e) => e.bare().message,
        Ok(head) => match of_head(&head) {
            Ok(other) => format!("is {other}, unlike the others"),
            Err(what) => what.to_owned(),
        },
    }
}

/// Why a text is not read.
pub(super) const UTF_16: &str = "text is in UTF-16; save it as UTF-8";

/// Whether a text file's name says that it is a table: among pictures there are other texts.
pub(super) fn is_table_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".csv", ".tsv", ".tab", ".data"].iter().any(|end| name.ends_with(end))
}

/// Whether a file's name says that it holds one object per line; beside pictures and sounds `metadata.jsonl` tells of
/// these.
pub(super) fn is_lines_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    let last = name.rsplit('/').next().unwrap_or(name);
    [".jsonl", ".ndjson"].iter().any(|end| last.ends_with(end)) && !last.ends_with("metadata.jsonl")
}

/// Whether a text begins with a JSON object, which may be cut off.
fn is_object(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let Some(inside) = text.strip_prefix(b"{") else { return false };
    matches!(inside.trim_ascii_start(), [b'"' | b'}', ..])
}

/// The format of a file by its first bytes, decompressed; or what it is instead.
pub(super) fn of_head(head: &[u8]) -> Result<Format, &'static str> {
    const KNOWN: [(&[u8], &str); 5] = [
        (b"PK\x03\x04", "a ZIP archive; unpack it first"),
        (b"GIF8", "a GIF picture, which is not read"),
        (b"RIFF", "a RIFF file such as WAV, which is not read"),
        (b"\x1f\x8b", "a damaged gzip file"),
        (b"%PDF", "a PDF"),
    ];
    if head.is_empty() {
        return Err("file is empty");
    }
    if head.starts_with(npy::MAGIC) {
        return Ok(Format::Npy);
    }
    if idx::looks_like(head) {
        return Ok(Format::Idx);
    }
    if codec::sniff(head).is_some() {
        return Err("a single picture; give the folder that it is in");
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(UTF_16);
    }
    if head.len() > 262 && head[257..].starts_with(b"ustar") {
        return Ok(Format::Tar);
    }
    if tfrecord::looks_like(head) {
        return Ok(Format::Tfrecord);
    }
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    // A stream begins with a continuation mark and the length of the schema, a multiple of eight.
    if head.starts_with(b"ARROW1")
        || matches!(head, [0xff, 0xff, 0xff, 0xff, low, _, _, 0, ..] if low % 8 == 0)
    {
        return Ok(Format::Arrow);
    }
    if arrays::is_npz(head) {
        return Ok(Format::Npz);
    }
    if arrays::is_safetensors(head) {
        return Ok(Format::Safetensors);
    }
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(what);
    }
    let control = |b: &u8| *b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c);
    if head.iter().any(control) {
        return Err("unknown format");
    }
    Ok(if is_object(head) { Format::Jsonl } else { Format::Csv })
}
