//! The files of a source that is several of one format: shards, parts, one file per split.

use super::{Format, detect};
use crate::dataset::Split;
use crate::error::{Context, Error, Result};
use std::path::{Path, PathBuf};

/// How deep files of a source are looked for.
pub(super) const DEPTH: usize = 4;

/// One of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub path: PathBuf,
    /// Relative to the source.
    pub name: String,
    /// The split that its name or a folder's tells.
    pub split: Option<Split>,
}

/// The files of a format that a source is: itself, or all below it, in the order of their names; with the names of
/// the others.
///
/// # Errors
/// When a folder cannot be read, or there is no such file.
pub(super) fn members(path: &Path, format: Format) -> Result<(Vec<Member>, Vec<String>)> {
    if !path.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let split = split_of(&name);
        return Ok((vec![Member { path: path.to_owned(), name, split }], Vec::new()));
    }
    let (mut members, mut others) = (Vec::new(), Vec::new());
    for path_below in below(path, DEPTH)? {
        let relative = path_below.strip_prefix(path).unwrap_or(&path_below);
        let name = slashed(relative);
        let is_one = format != Format::Jsonl || detect::is_lines_name(&name);
        if is_one && detect::of_file(&path_below) == Some(format) {
            members.push(Member { split: split_of(&name), path: path_below, name });
        } else {
            others.push(name);
        }
    }
    if members.is_empty() {
        return Err(Error::failed(format!("no {format} file: {}", path.display()))
            .hint("leave --format out, so that the format is told by the content"));
    }
    Ok((members, others))
}

/// A relative path with `/`, and its undecodable bytes replaced.
pub(super) fn slashed(relative: &Path) -> String {
    let parts: Vec<_> = relative.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// The regular files below a folder, sorted; hidden ones are left out, and folders that are links.
pub(super) fn below(folder: &Path, depth: usize) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).at(folder)? {
        let entry = entry.at(folder)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 1 => files.extend(below(&path, depth - 1)?),
            Ok(_) if path.is_file() => files.push(path),
            _ => {}
        }
    }
    files.sort();
    Ok(files)
}

/// The split that a folder of the path is called after, or a word of the file's name.
pub(super) fn split_of(name: &str) -> Option<Split> {
    let parts: Vec<&str> = name.split('/').collect();
    let (file, folders) = parts.split_last()?;
    let words = file.split(['-', '_', '.', ' ']);
    folders.iter().copied().chain(words).find_map(Split::from_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_splits() {
        for (name, split) in [
            ("train-00000-of-00003.parquet", Some(Split::Train)),
            ("validation/x-0.tar", Some(Split::Val)),
            ("a/test_part.jsonl", Some(Split::Test)),
            ("trained.tar", None),
            ("shard-000001.tar", None),
        ] {
            assert_eq!(split_of(name), split, "{name}");
        }
    }
}
