//! Folders of pictures: the first folder below the source is the class, unless all of those with
//! pictures are called after splits (`train`, `val`, `test`) and one of them is for training; then the
//! class is the folder below those. A picture beside these folders has no label.
//!
//! Hidden files are left out; what is no picture is set aside. Links are followed, except back into a
//! folder that they are in.

use super::files::slashed;
use super::items::{check_length, decoded_size};
use super::{Entry, Format, Load, Place, ReadOptions, Remarks, SetAside, Source};
use super::{bytes, class_numbers, sorted_classes};
use crate::codec;
use crate::dataset::{Content, Kind, Picture, Split, id_from_bytes};
use crate::error::{Context, Error, Result};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// Opens a folder of pictures.
pub fn open(root: &Path, options: &ReadOptions) -> Result<Source> {
    if !root.is_dir() {
        return Err(Error::failed(format!("not a folder: {}", root.display()))
            .hint("give the folder that holds the pictures"));
    }
    if options.image_shape.is_some() {
        return Err(Error::usage("pictures have their own shape: --image-shape (recipe key `image_shape`)"));
    }
    let mut walk = Walk { root, pictures: Vec::new(), set_aside: Vec::new(), beside: Vec::new() };
    walk.enter(Path::new(""), &mut vec![root.canonicalize().at(root)?])?;
    let Walk { pictures, set_aside, beside, .. } = walk;
    if pictures.is_empty() {
        return Err(Error::failed(format!("no picture below: {}", root.display()))
            .hint("give the folder that holds the pictures, one folder per class"));
    }
    let mut remarks = Remarks::default();
    if !beside.is_empty() {
        remarks
            .notes
            .push(format!("not read, since they are about the pictures: {}", super::some_of(&beside)));
    }
    let with_splits = has_splits(&pictures, &mut remarks);
    let labels: Vec<Option<String>> = pictures.iter().map(|p| class_of(p, with_splits)).collect();
    let classes = sorted_classes(labels.iter().flatten().cloned());
    if classes.is_empty() {
        remarks.notes.push("no folders of classes: the pictures have no labels".to_owned());
    }
    let mut loose = pictures.iter().filter(|p| folders(p).is_empty());
    if let (false, Some(first)) = (classes.is_empty(), loose.next()) {
        let n = 1 + loose.count();
        remarks
            .warnings
            .push(format!("{n} pictures beside the folders have no label, such as {}", slashed(first)));
    }
    let numbers = class_numbers(&classes);
    let entries = pictures.iter().zip(&labels).enumerate().map(|(at, (path, label))| Entry {
        id: id_of(path),
        label: label.as_deref().map(|name| numbers[name]),
        split: if with_splits { split_of(path) } else { None },
        group: None,
        at,
        more: None,
    });
    let entries = entries.collect();
    let loader = Box::new(Loader { root: root.to_owned(), pictures, max_pixels: options.max_pixels });
    Ok(Source {
        format: Format::Folder,
        kinds: vec![Kind::Images],
        classes,
        columns: Vec::new(),
        groups: Vec::new(),
        normalize: None,
        entries,
        set_aside,
        remarks,
        loader,
    })
}

struct Walk<'a> {
    root: &'a Path,
    /// Relative to the root.
    pictures: Vec<PathBuf>,
    set_aside: Vec<SetAside>,
    /// Files about the pictures.
    beside: Vec<String>,
}

/// Whether a file is one that people and programs lay beside pictures.
fn is_beside(name: &OsStr) -> bool {
    const NAMES: [&str; 9] = [
        "metadata.jsonl",
        "metadata.csv",
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

impl Walk<'_> {
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
            let path = self.root.join(&relative);
            match std::fs::metadata(&path) {
                Err(e) => self.refuse(&relative, Error::of_io(&e).message),
                Ok(info) if info.is_dir() => {
                    let real = path.canonicalize().at(&path)?;
                    if trail.contains(&real) {
                        self.refuse(&relative, "link leads back to a folder that it is in".to_owned());
                        continue;
                    }
                    trail.push(real);
                    if let Err(e) = self.enter(&relative, trail) {
                        self.refuse(&relative, e.bare().message);
                    }
                    trail.pop();
                }
                Ok(info) if info.is_file() && is_beside(&name) => self.beside.push(slashed(&relative)),
                Ok(info) if !info.is_file() => self.refuse(&relative, "not a regular file".to_owned()),
                Ok(_) => match bytes::head(&path) {
                    Ok(head) if codec::sniff(&head).is_some() => self.pictures.push(relative),
                    Ok(head) => {
                        let what = codec::refusal(&head);
                        self.refuse(&relative, what.to_owned());
                    }
                    Err(e) => self.refuse(&relative, e.bare().message),
                },
            }
        }
        Ok(())
    }

    fn refuse(&mut self, relative: &Path, why: String) {
        self.set_aside.push(SetAside::one(place(relative), why));
    }
}

fn place(relative: &Path) -> Place {
    Place { file: slashed(relative), row: None }
}

/// The id of a picture: its path without the extension, where that is one of pictures.
fn id_of(relative: &Path) -> String {
    let known = |end: &OsStr| codec::EXTENSIONS.iter().any(|known| end.eq_ignore_ascii_case(known));
    let bare = match relative.extension() {
        Some(end) if known(end) => relative.with_extension(""),
        _ => relative.to_owned(),
    };
    let parts: Vec<&[u8]> = bare.components().map(|c| c.as_os_str().as_encoded_bytes()).collect();
    id_from_bytes(&parts.join(&b'/'))
}

/// The folders above a picture.
fn folders(relative: &Path) -> Vec<String> {
    let parent = relative.parent().unwrap_or(Path::new(""));
    let name = |c: Component<'_>| id_name(c.as_os_str().as_encoded_bytes());
    parent.components().map(name).collect()
}

/// A readable name of these bytes: UTF-8 as it is, other bytes as in ids.
fn id_name(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| id_from_bytes(bytes), str::to_owned)
}

/// Whether the folders at the top are splits: all are called after splits, and one after that for
/// training, since a class may well be called `test`. Pictures beside the folders say nothing.
fn has_splits(pictures: &[PathBuf], remarks: &mut Remarks) -> bool {
    let tops: BTreeSet<String> = pictures.iter().filter_map(|p| folders(p).into_iter().next()).collect();
    let splits: BTreeSet<Split> = tops.iter().filter_map(|name| Split::from_name(name)).collect();
    match tops.iter().find(|name| Split::from_name(name).is_none()) {
        None if splits.contains(&Split::Train) => {
            remarks.notes.push("the folders at the top are splits".to_owned());
            return true;
        }
        // One class may be called after a split, hardly two.
        Some(other) if splits.len() > 1 => remarks.warnings.push(format!(
            "the folders at the top are taken as classes, though some are called after splits, since `{other}` \
             is not: move it away to have the splits"
        )),
        _ => {}
    }
    false
}

fn split_of(relative: &Path) -> Option<Split> {
    folders(relative).first().and_then(|name| Split::from_name(name))
}

fn class_of(relative: &Path, with_splits: bool) -> Option<String> {
    folders(relative).into_iter().nth(usize::from(with_splits))
}

struct Loader {
    root: PathBuf,
    pictures: Vec<PathBuf>,
    max_pixels: u64,
}

impl Load for Loader {
    fn load(&self, at: usize) -> Result<Content> {
        let relative = self.pictures.get(at).ok_or_else(|| Error::failed("no such sample"))?;
        let path = self.root.join(relative);
        let length = std::fs::metadata(&path).at(&path).map_err(Error::bare)?.len();
        check_length(length, self.max_pixels)?;
        let bytes = std::fs::read(&path).at(&path).map_err(Error::bare)?;
        let pixels = codec::decode_limited(&bytes, self.max_pixels)?;
        Ok(Picture::of(pixels, Some(slashed(relative))).into())
    }

    fn place(&self, at: usize) -> Place {
        self.pictures.get(at).map_or(Place { file: String::new(), row: None }, |p| place(p))
    }

    fn size(&self, at: usize) -> usize {
        let length = self.pictures.get(at).and_then(|p| std::fs::metadata(self.root.join(p)).ok());
        length.map_or(0, |info| decoded_size(usize::try_from(info.len()).unwrap_or(usize::MAX)))
    }
}
