//! The files of a source that is several of one format: shards, parts, one file per split.

use super::data::Data;
use super::items::Builder;
use super::{Format, ReadOptions, Remarks, bytes, detect};
use crate::dataset::Split;
use crate::error::{Context, Error, Result};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// How deep files of a source are looked for.
const DEPTH: usize = 4;

/// One of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub path: PathBuf,
    /// Relative to the source.
    pub name: String,
    /// The split that its name or a folder's tells.
    pub split: Option<Split>,
}

/// The files of a format that a source is.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// In the order of their names.
    pub members: Vec<Member>,
    /// The names of files that are something else.
    pub others: Vec<String>,
    /// What cannot be read though it should, and why.
    pub refused: Vec<(String, String)>,
}

impl Members {
    /// The files and the names of the others; what is refused is warned of, since it is not known how many samples it is.
    pub fn warned(self, remarks: &mut Remarks) -> (Vec<Member>, Vec<String>) {
        remarks.warnings.extend(self.refused.iter().map(|(name, why)| format!("not read, {why}: {name}")));
        (self.members, self.others)
    }
}

/// The files of a format at `path`: itself, or all below it. What ends as they do and is none is refused.
///
/// # Errors
/// When the folder cannot be read, or there is no such file.
pub(super) fn members(path: &Path, format: Format, follow_links: bool) -> Result<Members> {
    if !path.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let split = split_of(&name);
        let only = Member { path: path.to_owned(), name, split };
        return Ok(Members { members: vec![only], ..Members::default() });
    }
    let below = below(path, follow_links)?;
    let (mut found, mut others) = (Members::default(), Vec::new());
    for file in below.files {
        let name = slashed(file.strip_prefix(path).unwrap_or(&file));
        let is_one = format != Format::Jsonl || detect::is_lines_name(&name);
        if is_one && detect::of_file(&file) == Some(format) {
            found.members.push(Member { split: split_of(&name), path: file, name });
        } else {
            others.push((name, file));
        }
    }
    if found.members.is_empty() {
        let first = below.refused.first().map_or(String::new(), |(path, why)| {
            format!(" ({why}: {})", path.file_name().unwrap_or_default().to_string_lossy())
        });
        return Err(Error::failed(format!("no {format} file{first}: {}", path.display()))
            .hint("leave --format out, so that the format is told by the content"));
    }
    let end = |path: &Path| path.extension().map(std::ffi::OsStr::to_owned);
    let ends: HashSet<_> = found.members.iter().filter_map(|member| end(&member.path)).collect();
    for (name, file) in others {
        match end(&file).filter(|end| ends.contains(end)) {
            Some(_) => found.refused.push((name, detect::refusal(&file))),
            None => found.others.push(name),
        }
    }
    for (file, why) in below.refused {
        found.refused.push((slashed(file.strip_prefix(path).unwrap_or(&file)), why));
    }
    Ok(found)
}

/// The bytes of each file, and its number in the builder; one of several that cannot be read is refused.
pub(super) fn open_each(
    members: Vec<Member>,
    options: &ReadOptions,
    builder: &mut Builder,
) -> Result<Vec<(u32, Data, Member)>> {
    let several = members.len() > 1;
    let mut opened = Vec::with_capacity(members.len());
    for member in members {
        let file = builder.file(&*member.name);
        match Data::open(&member.path, options.max_unpacked) {
            Ok(data) => opened.push((file, data, member)),
            Err(e) if several => builder.refuse(file, None, e.bare().message),
            Err(e) => return Err(e),
        }
    }
    Ok(opened)
}

/// A relative path with `/`, and its undecodable bytes replaced.
pub(super) fn slashed(relative: &Path) -> String {
    let parts: Vec<_> = relative.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// What is below a folder; hidden files are left out.
#[derive(Debug, Default)]
pub(super) struct Below {
    /// Regular files, sorted.
    pub files: Vec<PathBuf>,
    /// What cannot be read, and why.
    pub refused: Vec<(PathBuf, String)>,
}

/// The files below a folder. Links to folders are not followed.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn below(folder: &Path, follow_links: bool) -> Result<Below> {
    let real = folder.canonicalize().at(folder)?;
    let mut found = Below::default();
    enter(folder, DEPTH, (!follow_links).then_some(&real), &mut found)?;
    found.files.sort();
    found.refused.sort();
    Ok(found)
}

fn enter(folder: &Path, depth: usize, within: Option<&PathBuf>, found: &mut Below) -> Result<()> {
    for entry in std::fs::read_dir(folder).at(folder)? {
        let entry = entry.at(folder)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if let Err(e) = see(&entry, depth, within, found) {
            found.refused.push((path, e.bare().message));
        }
    }
    Ok(())
}

fn see(entry: &std::fs::DirEntry, depth: usize, within: Option<&PathBuf>, found: &mut Below) -> Result<()> {
    let path = entry.path();
    let kind = entry.file_type().at(&path)?;
    let info = std::fs::metadata(&path).at(&path)?;
    match within {
        Some(real) if kind.is_symlink() && !path.canonicalize().at(&path)?.starts_with(real) => {
            Err(bytes::link_out())
        }
        _ if info.is_file() => {
            found.files.push(path);
            Ok(())
        }
        _ if kind.is_dir() && depth > 1 => enter(&path, depth - 1, within, found),
        _ if kind.is_dir() => Err(Error::failed(format!("folder lies more than {DEPTH} folders deep"))),
        _ if info.is_dir() => Err(Error::failed("link to a folder is not followed here")),
        _ => Err(bytes::not_regular()),
    }
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
