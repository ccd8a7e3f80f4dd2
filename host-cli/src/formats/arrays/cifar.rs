//! The binary files of CIFAR-10 and CIFAR-100: rows of one label (a byte; in CIFAR-100 two, of the superclass and of
//! the class) and the red, the green and the blue plane of a picture of 32 × 32 (Krizhevsky 2009).
//!
//! There is no magic number: such a file is told by its name and by its length, a multiple of that of a row.

use super::named::{Named, Names};
use super::{Part, Role, Set, folder_of};
use crate::dataset::Split;
use crate::error::{Context, Error, Result};
use crate::formats::array::{Array, Element, Header};
use crate::formats::bytes::{self, Compression};
use crate::formats::data::Data;
use crate::formats::{Format, ReadOptions, Remarks, files};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The side of a picture.
const SIDE: usize = 32;
/// Bytes of a picture.
const PICTURE: usize = 3 * SIDE * SIDE;

/// Which labels a row begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    /// The class.
    Ten,
    /// The superclass, the class.
    Hundred,
}

impl Rows {
    const fn labels(self) -> usize {
        match self {
            Rows::Ten => 1,
            Rows::Hundred => 2,
        }
    }

    const fn len(self) -> usize {
        self.labels() + PICTURE
    }

    /// The rows of a file of this name: of CIFAR-10 in batches, of CIFAR-100 in one file a split.
    fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        let stem = name.strip_suffix(".bin")?;
        match stem.split_once("_batch") {
            Some(("data", number)) => {
                let digits = number.strip_prefix('_')?;
                (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(Self::Ten)
            }
            Some((split, "")) => Split::from_name(split).map(|_| Self::Ten),
            Some(_) => None,
            None => Split::from_name(stem).map(|_| Self::Hundred),
        }
    }

    /// The rows of a file, by its name or else by its length.
    fn of(name: &str, len: u64) -> Option<Self> {
        let fits = |rows: &Self| len.is_multiple_of(rows.len() as u64);
        Self::of_name(name).or_else(|| [Self::Ten, Self::Hundred].into_iter().find(fits))
    }
}

/// Whether a file of an unknown format is one of these.
pub fn looks_like(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(rows) = Rows::of_name(&name) else { return false };
    let fits = |info: std::fs::Metadata| info.len() > 0 && info.len().is_multiple_of(rows.len() as u64);
    is_packed(path) || std::fs::metadata(path).is_ok_and(fits)
}

fn is_packed(path: &Path) -> bool {
    std::fs::File::open(path)
        .and_then(|mut file| bytes::compression(&mut file))
        .is_ok_and(|compression| compression != Compression::None)
}

/// The files beside these that name the classes.
pub fn names_beside(folder: &Path) -> Vec<PathBuf> {
    let names = ["batches.meta.txt", "fine_label_names.txt", "coarse_label_names.txt"];
    names.iter().map(|name| folder.join(name)).filter(|path| path.is_file()).collect()
}

/// The samples of a file or of all such files below a folder.
pub fn open(path: &Path, options: &ReadOptions, remarks: &mut Remarks) -> Result<Set> {
    let (mut members, others) = files::members(path, Format::Cifar, options.follow_links)?.warned(remarks);
    // data_batch_10 comes after data_batch_9.
    members.sort_by_cached_key(|m| (m.name.len(), m.name.clone()));
    let folder = match members.first() {
        Some(first) => folder_of(&first.path).to_owned(),
        None => folder_of(path).to_owned(),
    };
    let coarse = match options.label.as_deref() {
        None | Some("none" | "fine") => false,
        Some("coarse") => true,
        Some(other) => {
            return Err(Error::usage(format!("no labels `{other}`: --label (recipe key `label`)")).hint(
                "files of CIFAR have `fine` labels, those of CIFAR-100 `coarse` ones too; or give `none`",
            ));
        }
    };
    let unlabelled = options.label.as_deref() == Some("none");
    let (mut parts, mut hundred) = (Vec::new(), false);
    for member in members {
        let data = Arc::new(Data::open(&member.path, options.max_unpacked)?);
        let rows = Rows::of(&member.name, data.len()).ok_or_else(|| {
            Error::failed(format!("{} bytes are no rows of CIFAR: {}", data.len(), member.path.display()))
        })?;
        hundred |= rows == Rows::Hundred;
        if coarse && rows == Rows::Ten {
            return Err(Error::usage(format!("no coarse labels: {}", member.path.display())));
        }
        parts.push(part(&member, data, rows, coarse, unlabelled).at(&member.path)?);
    }
    if hundred && options.label.is_none() {
        remarks
            .notes
            .push("labels are the fine ones; choose the superclasses with --label coarse".to_owned());
    }
    if !others.is_empty() {
        let unread: Vec<String> = others.into_iter().filter(|name| !is_known(name)).collect();
        if !unread.is_empty() {
            remarks.notes.push(format!("other files, not read: {}", crate::formats::some_of(&unread)));
        }
    }
    let name = match (hundred, coarse) {
        (false, _) => "batches.meta.txt",
        (true, false) => "fine_label_names.txt",
        (true, true) => "coarse_label_names.txt",
    };
    let classes = class_names(&folder.join(name))?;
    Ok(Set { parts, names: Names { classes, columns: Vec::new() }, exact: true })
}

/// Whether a file is read beside the rows.
fn is_known(name: &str) -> bool {
    let known = ["batches.meta.txt", "fine_label_names.txt", "coarse_label_names.txt"];
    known.contains(&name) || super::list::is_list_name(name) || name == crate::formats::info::FILE
}

/// The pictures and the labels of a file.
fn part(member: &files::Member, data: Arc<Data>, rows: Rows, coarse: bool, unlabelled: bool) -> Result<Part> {
    let step = rows.len();
    let count = (data.len() / step as u64) as usize;
    let rest = data.len() % step as u64;
    let cut = data.cut.clone().or((rest > 0).then(|| format!("the file ends within row {count}")));
    if count == 0 {
        return Err(Error::failed(format!("{} bytes are less than a row of CIFAR", data.len())));
    }
    let array = |start: usize, shape: Vec<usize>| {
        let header = Header { element: Element::U8, big_endian: false, fortran: false, shape, start };
        Array::spaced(header, data.clone(), step)
    };
    let named = |array, cut| {
        let mut named = Named::new(member.path.clone(), member.name.clone(), None, array, cut);
        named.split = member.split.or((member.name.contains("data_batch")).then_some(Split::Train));
        named
    };
    let mut part = Part::of(named(array(rows.labels(), vec![count, 3, SIDE, SIDE])?, cut));
    if !unlabelled {
        let at = if coarse { 0 } else { rows.labels() - 1 };
        part.add(Role::Labels, named(array(at, vec![count])?, None))?;
    }
    // How many more there should be is not known.
    if rest > 0 {
        part.claimed += 1;
    }
    Ok(part)
}

/// The names in a file of one a line; none where there is no such file.
fn class_names(path: &Path) -> Result<Vec<String>> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = bytes::head_of(path, 1 << 20)?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.trim_end().lines().map(|line| line.trim().to_owned()).collect())
}
