//! The files below a folder, by what they are.

use super::super::kinds::{is_text_name, kind_of};
use super::super::{bytes, data::Stamp, files::slashed};
use crate::codec;
use crate::dataset::Kind;
use crate::error::{Context, Error, Result};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A file that may be a sample or a part of one.
pub struct File {
    /// Relative to the source.
    pub path: PathBuf,
    pub kind: Kind,
    pub stamp: Stamp,
}

/// What is below a folder.
#[derive(Default)]
pub struct Found {
    /// Pictures and sounds.
    pub media: Vec<File>,
    pub texts: Vec<File>,
    /// Lists of rows about the files.
    pub lists: Vec<PathBuf>,
    /// Other files about them.
    pub beside: Vec<String>,
    /// What cannot be used, and why.
    pub refused: Vec<(PathBuf, String)>,
}

/// Whether a file holds a list, as Hugging Face's ImageFolder has it.
fn is_list(name: &OsStr) -> bool {
    name == "metadata.jsonl" || name == "metadata.csv"
}

/// Whether a file is one that people and programs lay beside samples.
fn is_beside(name: &OsStr) -> bool {
    const NAMES: [&str; 7] = [
        "metadata.parquet",
        "dataset_info.json",
        "croissant.json",
        "stage.json",
        "set_aside.jsonl",
        "thumbs.db",
        "desktop.ini",
    ];
    let name = name.to_string_lossy().to_ascii_lowercase();
    NAMES.contains(&&*name) || name.starts_with("readme") || name.starts_with("license")
}

/// A way through the folders.
pub struct Walk<'a> {
    root: &'a Path,
    /// The real path of the root.
    real: PathBuf,
    follow_links: bool,
    pub found: Found,
}

impl<'a> Walk<'a> {
    /// A way that begins at `root`.
    pub fn new(root: &'a Path, follow_links: bool) -> Result<Self> {
        let real = root.canonicalize().at(root)?;
        Ok(Self { root, real, follow_links, found: Found::default() })
    }

    /// Goes through what is at `start`, relative to the root.
    pub fn start(&mut self, start: &Path) -> Result<()> {
        let mut trail = vec![self.real.clone()];
        if start.as_os_str().is_empty() {
            return self.enter(start, &mut trail);
        }
        if let Err(e) = self.see(start, &mut trail) {
            self.found.refused.push((start.to_owned(), e.bare().message));
        }
        Ok(())
    }

    /// Walks through folder `at`, whose real path is the last of `trail`.
    fn enter(&mut self, at: &Path, trail: &mut Vec<PathBuf>) -> Result<()> {
        let folder = self.root.join(at);
        let mut names: Vec<OsString> = Vec::new();
        for entry in std::fs::read_dir(&folder).at(&folder)? {
            names.push(entry.at(&folder)?.file_name());
        }
        names.sort();
        for name in names {
            if name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX" {
                continue;
            }
            let relative = at.join(&name);
            if let Err(e) = self.see(&relative, trail) {
                self.found.refused.push((relative, e.bare().message));
            }
        }
        Ok(())
    }

    /// One entry of a folder.
    fn see(&mut self, relative: &Path, trail: &mut Vec<PathBuf>) -> Result<()> {
        let path = self.root.join(relative);
        let link = std::fs::symlink_metadata(&path).at(&path)?.is_symlink();
        let info = std::fs::metadata(&path).at(&path)?;
        if link && !self.follow_links && !path.canonicalize().at(&path)?.starts_with(&self.real) {
            return Err(bytes::link_out());
        }
        if info.is_dir() {
            let real = path.canonicalize().at(&path)?;
            if trail.contains(&real) {
                return Err(Error::failed("link leads back to a folder that it is in"));
            }
            trail.push(real);
            let entered = self.enter(relative, trail);
            trail.pop();
            return entered;
        }
        let name = relative.file_name().unwrap_or_default();
        if !info.is_file() {
            return Err(bytes::not_regular());
        }
        if is_list(name) {
            self.found.lists.push(relative.to_owned());
            return Ok(());
        }
        if is_beside(name) {
            self.found.beside.push(slashed(relative));
            return Ok(());
        }
        let head = bytes::head(&path)?;
        let (path, stamp) = (relative.to_owned(), Stamp::of(&info));
        match kind_of(&head) {
            Some(kind) => self.found.media.push(File { path, kind, stamp }),
            None if is_text_name(&name.to_string_lossy()) && !head.is_empty() => {
                self.found.texts.push(File { path, kind: Kind::Text, stamp });
            }
            None => return Err(Error::failed(codec::refusal(&head))),
        }
        Ok(())
    }
}
