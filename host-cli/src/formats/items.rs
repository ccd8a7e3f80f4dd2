//! Samples whose parts lie at known places of files: what archives and files of records come to.
//!
//! A reader goes through its files once and adds a [`Record`] per sample: what is short (id, label, split) stays in
//! memory, what is long is only pointed at, or spooled where it cannot be read at any place later.

use super::data::{Data, Spool, Stamp, changed};
use super::files::slashed;
use super::kinds::{is_text_name, kind_of, stem};
use super::limits::{MAX_SOUND, MAX_TEXT, check_length, decoded_size, too_long};
use super::{Entry, Format, Load, More, Place, ReadOptions, Remarks, Scale, SetAside, Shape, Source};
use super::{bytes, class_numbers, sorted_classes};
use crate::codec;
use crate::dataset::{Content, Kind, Picture, Sound, Split, id_from_bytes};
use crate::error::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a part is: in which of the data, from which byte on, how many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    data: u32,
    at: u64,
    len: u32,
}

impl Span {
    /// Bytes of the data of this number; `None` for 4 GiB and more.
    pub fn new(data: u32, at: u64, len: usize) -> Option<Self> {
        Some(Self { data, at, len: u32::try_from(len).ok()? })
    }
}

/// The number of the spool among the data.
const SPOOL: u32 = u32::MAX;
/// The number of files of their own, of which `at` is the number.
const PATHS: u32 = u32::MAX - 1;

/// A sample, as a reader finds it.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The number of its file, from [`Builder::file`].
    pub file: u32,
    /// In a table the line, from 1; in other files of records the index, from 0.
    pub row: Option<u64>,
    /// The id; taken with the name of the file where two files have it.
    pub id: String,
    /// Whether the id was given as such, and names the sample in whatever file it is.
    pub given_id: bool,
    /// The label, as text.
    pub label: Option<String>,
    pub split: Option<Split>,
    pub group: Option<u64>,
    pub more: Option<Box<More>>,
    /// Its parts, at most one of each kind.
    pub parts: Vec<(Kind, Span)>,
}

/// What stays in memory of a sample.
#[derive(Debug)]
struct Item {
    file: u32,
    row: Option<u64>,
    /// Its first part in the list of all, and how many there are.
    first: u32,
    parts: u32,
}

impl Item {
    fn parts<'a>(&self, all: &'a [(Kind, Span)]) -> &'a [(Kind, Span)] {
        let first = self.first as usize;
        all.get(first..first + self.parts as usize).unwrap_or_default()
    }
}

/// Puts a source together.
pub(super) struct Builder {
    format: Format,
    max_pixels: u64,
    files: Vec<String>,
    data: Vec<Arc<Data>>,
    root: Root,
    paths: Vec<(PathBuf, Stamp)>,
    /// Paths that were looked at already.
    known: HashMap<PathBuf, (Kind, Span)>,
    ids_are_paths: bool,
    spool: Spool,
    picture: Option<(Shape, Scale)>,
    /// For each feature the column whose category it is, if it is one.
    pub groups: Vec<Option<String>>,
    items: Vec<Item>,
    parts: Vec<(Kind, Span)>,
    /// With labels and ids that are not final yet.
    entries: Vec<Entry>,
    /// Of which of them the id was given as such.
    given: Vec<bool>,
    /// Labels in the order in which they came.
    labels: HashMap<String, u32>,
    refused: Vec<Refused>,
    pub remarks: Remarks,
}

/// What becomes a [`SetAside`].
struct Refused {
    file: u32,
    row: Option<u64>,
    samples: u64,
    /// The id, and whether it was given as such.
    id: Option<(String, bool)>,
    why: String,
}

/// Where files of their own lie.
#[derive(Debug, Default)]
struct Root {
    folder: PathBuf,
    /// Its real path, where links may not lead out of it.
    real: Option<PathBuf>,
}

impl Builder {
    /// The file of samples that lie in files of their own.
    pub const NO_FILE: u32 = u32::MAX;

    pub fn new(format: Format, options: &ReadOptions) -> Self {
        Self {
            format,
            max_pixels: options.max_pixels,
            files: Vec::new(),
            data: Vec::new(),
            root: Root::default(),
            paths: Vec::new(),
            known: HashMap::new(),
            ids_are_paths: false,
            spool: Spool::default(),
            picture: None,
            groups: Vec::new(),
            items: Vec::new(),
            parts: Vec::new(),
            entries: Vec::new(),
            given: Vec::new(),
            labels: HashMap::new(),
            refused: Vec::new(),
            remarks: Remarks::default(),
        }
    }

    /// The number of a file of this name, relative to the source.
    pub fn file(&mut self, name: impl Into<String>) -> u32 {
        self.files.push(name.into());
        (self.files.len() - 1) as u32
    }

    /// The number of data that stay open.
    pub fn data(&mut self, data: Arc<Data>) -> u32 {
        self.data.push(data);
        (self.data.len() - 1) as u32
    }

    /// A part that lies in the data of this number.
    ///
    /// # Errors
    /// When it is 4 GiB long or more.
    pub fn span(&self, data: u32, at: u64, len: u64) -> Result<Span> {
        let len =
            u32::try_from(len).map_err(|_| Error::failed(format!("part of {len} bytes is too long")))?;
        Ok(Span { data, at, len })
    }

    /// The folder that files of their own lie in.
    pub fn root(&mut self, folder: &Path, options: &ReadOptions) {
        self.root = Root {
            folder: folder.to_owned(),
            real: if options.follow_links { None } else { folder.canonicalize().ok() },
        };
    }

    /// Ids tell samples of several files apart as they are.
    pub fn ids_are_paths(&mut self) {
        self.ids_are_paths = true;
    }

    /// A file of its own: a picture, a sound or a text, told by its first bytes and its name.
    ///
    /// # Errors
    /// When it cannot be read, is none of these, or lies elsewhere by a link.
    pub fn path(&mut self, relative: PathBuf) -> Result<(Kind, Span)> {
        if let Some(known) = self.known.get(&relative) {
            return Ok(*known);
        }
        let path = self.root.folder.join(&relative);
        let info = std::fs::metadata(&path).at(&path).map_err(Error::bare)?;
        if !info.is_file() {
            return Err(bytes::not_regular());
        }
        if let Some(real) = &self.root.real
            && !path.canonicalize().at(&path).map_err(Error::bare)?.starts_with(real)
        {
            return Err(bytes::link_out());
        }
        let head = bytes::head(&path).map_err(Error::bare)?;
        let text = || is_text_name(&relative.to_string_lossy()).then_some(Kind::Text);
        let kind = kind_of(&head).or_else(text);
        let kind = kind.ok_or_else(|| Error::failed("neither a picture nor a sound"))?;
        self.known(&relative, kind, Stamp::of(&info))
    }

    /// A file of its own that was looked at.
    ///
    /// # Errors
    /// As [`Builder::span`].
    pub fn known(&mut self, relative: &Path, kind: Kind, stamp: Stamp) -> Result<(Kind, Span)> {
        let part = (kind, self.span(PATHS, self.paths.len() as u64, stamp.len())?);
        self.paths.push((relative.to_owned(), stamp));
        if self.format == Format::Folder {
            self.known.insert(relative.to_owned(), part);
        }
        Ok(part)
    }

    /// Rows of numbers become pictures.
    pub fn rows_are_pictures(&mut self, shape: Shape, scale: Scale) {
        self.picture = Some((shape, scale));
    }

    /// A part that is kept here.
    ///
    /// # Errors
    /// As [`Builder::span`], or when there is no room for it.
    pub fn keep(&mut self, bytes: &[u8]) -> Result<Span> {
        let span = self.span(SPOOL, 0, bytes.len() as u64)?;
        Ok(Span { at: self.spool.push(bytes)?, ..span })
    }

    /// Numbers that are kept here.
    ///
    /// # Errors
    /// As [`Builder::keep`].
    pub fn keep_row(&mut self, row: &[f32]) -> Result<Span> {
        let bytes: Vec<u8> = row.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.keep(&bytes)
    }

    /// The next sample. An empty text beside a picture or a sound is none.
    pub fn add(&mut self, record: Record) {
        let Record { file, row, id, given_id, label, split, group, more, mut parts } = record;
        // Most formats have no other way to say that there is none.
        if parts.iter().any(|(kind, _)| matches!(kind, Kind::Images | Kind::Audio)) {
            parts.retain(|(kind, span)| *kind != Kind::Text || span.len > 0);
        }
        let next = self.labels.len() as u32;
        let label = label.map(|name| *self.labels.entry(name).or_insert(next));
        self.items.push(Item { file, row, first: self.parts.len() as u32, parts: parts.len() as u32 });
        self.parts.extend(parts);
        let at = self.entries.len();
        self.entries.push(Entry { id: id.into(), label, split, group, at, more });
        self.given.push(given_id);
    }

    /// Something that is no sample.
    pub fn refuse(&mut self, file: u32, row: Option<u64>, why: impl Into<String>) {
        self.refuse_run(file, row, 1, why);
    }

    /// So many samples, from a row on, that cannot be used.
    pub fn refuse_run(&mut self, file: u32, row: Option<u64>, samples: u64, why: impl Into<String>) {
        self.refused.push(Refused { file, row, samples, id: None, why: why.into() });
    }

    /// A sample of this id, which may have been given as such, that cannot be used.
    pub fn refuse_sample(&mut self, file: u32, row: Option<u64>, id: (String, bool), why: impl Into<String>) {
        self.refused.push(Refused { file, row, samples: 1, id: Some(id), why: why.into() });
    }

    /// The source, with the names of its features.
    ///
    /// # Errors
    /// When there is no sample, or no room for temporary files.
    pub fn finish(mut self, columns: Vec<String>) -> Result<Source> {
        let mut kinds = self.kinds();
        let classes = sorted_classes(self.labels.keys().cloned());
        let numbers = class_numbers(&classes);
        let mut of_label = vec![0; self.labels.len()];
        for (name, &at) in &self.labels {
            of_label[at as usize] = numbers.get(name.as_str()).copied().unwrap_or(0);
        }
        let prefixes = if self.ids_of_several_files() { prefixes(&self.files) } else { Vec::new() };
        let full_id = |file: u32, id: String, given: bool| match prefixes.get(file as usize) {
            Some(prefix) if !given => format!("{prefix}/{id}"),
            _ => id,
        };
        let mut set_aside = Vec::with_capacity(self.refused.len());
        for Refused { file, row, samples, id, why } in std::mem::take(&mut self.refused) {
            let name = self.files.get(file as usize).cloned().unwrap_or_default();
            let one = SetAside::one(Place { file: name, row }, why);
            set_aside.push(SetAside { samples, id: id.map(|(id, given)| full_id(file, id, given)), ..one });
        }
        let mut entries = std::mem::take(&mut self.entries);
        let mut about = self.items.iter().zip(&self.given);
        entries.retain_mut(|entry| {
            let Some((item, given)) = about.next() else { return false };
            let parts = item.parts(&self.parts);
            let lacking = kinds.first().filter(|kind| parts.iter().all(|(k, _)| k != *kind));
            let why =
                lacking.map(|kind| format!("no {} beside `{}`, which the others have", kind.one(), entry.id));
            if !prefixes.is_empty() && !given {
                entry.id = full_id(item.file, entry.id.to_string(), false).into();
            }
            if let Some(why) = why {
                let file = file_of(item, parts, &self.files, &self.paths);
                set_aside.push(SetAside::one(Place { file, row: item.row }, why).of(&*entry.id));
                return false;
            }
            entry.label = entry.label.and_then(|label| of_label.get(label as usize).copied());
            true
        });
        if self.picture.is_some() {
            kinds = vec![Kind::Images];
        }
        if kinds.is_empty() && columns.is_empty() && !self.items.is_empty() {
            return Err(Error::failed("no column of numbers or texts beside the label")
                .hint("numbers have a point, not a comma, before their decimals; --label names the label"));
        }
        let loader = Items {
            files: self.files,
            data: self.data,
            root: self.root.folder,
            paths: self.paths,
            picture: self.picture,
            spool: self.spool.finish()?,
            items: self.items,
            parts: self.parts,
            max_pixels: self.max_pixels,
        };
        Ok(Source {
            format: self.format,
            kinds,
            classes,
            columns,
            groups: self.groups,
            normalize: None,
            divided: false,
            entries,
            set_aside,
            remarks: self.remarks,
            loader: Box::new(loader),
        })
    }

    /// What any of the samples holds, ascending.
    fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = Vec::new();
        for (kind, _) in &self.parts {
            if !kinds.contains(kind) {
                kinds.push(*kind);
            }
        }
        kinds.sort();
        kinds
    }

    /// Whether one id came from two files.
    fn ids_of_several_files(&self) -> bool {
        if self.ids_are_paths || self.files.len() < 2 {
            return false;
        }
        let mut first: HashMap<&str, u32> = HashMap::new();
        let ids = self.items.iter().zip(&self.entries).zip(&self.given).filter(|(_, given)| !**given);
        for ((item, entry), _) in ids {
            if *first.entry(&entry.id).or_insert(item.file) != item.file {
                return true;
            }
        }
        false
    }
}

/// What tells ids of these files apart: their stems where that does, else more of their names.
fn prefixes(files: &[String]) -> Vec<String> {
    let path = |name: &str| {
        let folder = name.rfind('/').map_or(0, |at| at + 1);
        format!("{}{}", &name[..folder], stem(name))
    };
    let stems: Vec<String> = files.iter().map(|name| stem(name).to_owned()).collect();
    let paths: Vec<String> = files.iter().map(|name| path(name)).collect();
    let distinct = |names: &[String]| names.iter().collect::<HashSet<_>>().len() == names.len();
    let chosen = [stems, paths].into_iter().find(|names| distinct(names)).unwrap_or_else(|| files.to_vec());
    chosen.iter().map(|name| id_from_bytes(name.as_bytes())).collect()
}

/// The name of the file that a sample is in: one of several samples, else its own.
fn file_of(item: &Item, parts: &[(Kind, Span)], files: &[String], paths: &[(PathBuf, Stamp)]) -> String {
    let own = || {
        let (_, span) = parts.iter().find(|(_, span)| span.data == PATHS)?;
        Some(slashed(&paths.get(span.at as usize)?.0))
    };
    files.get(item.file as usize).cloned().or_else(own).unwrap_or_default()
}

struct Items {
    files: Vec<String>,
    data: Vec<Arc<Data>>,
    root: PathBuf,
    paths: Vec<(PathBuf, Stamp)>,
    picture: Option<(Shape, Scale)>,
    spool: Data,
    items: Vec<Item>,
    parts: Vec<(Kind, Span)>,
    max_pixels: u64,
}

impl Items {
    const NO_FILE: u32 = Builder::NO_FILE;

    /// The error of a part, with its file where that is one that a row names.
    fn named(&self, e: Error, item: &Item, span: Span) -> Error {
        match self.paths.get(span.at as usize) {
            Some((path, _)) if span.data == PATHS && item.row.is_some() => e.within(slashed(path)),
            _ => e,
        }
    }

    fn read(&self, span: Span) -> Result<Cow<'_, [u8]>> {
        let missing = || Error::failed("no such part");
        match span.data {
            SPOOL => self.spool.read(span.at, span.len as usize),
            PATHS => {
                let (path, stamp) = self.paths.get(span.at as usize).ok_or_else(missing)?;
                let data = Data::open_plain(&self.root.join(path)).map_err(Error::bare)?;
                if data.stamp() != Some(*stamp) {
                    return Err(changed());
                }
                data.all().map(|bytes| Cow::Owned(bytes.into_owned()))
            }
            data => {
                let data = self.data.get(data as usize).ok_or_else(missing)?;
                data.read(span.at, span.len as usize)
            }
        }
    }

    fn part(&self, kind: Kind, span: Span, content: &mut Content) -> Result<()> {
        match kind {
            Kind::Images => check_length(u64::from(span.len), self.max_pixels)?,
            Kind::Audio if span.len > MAX_SOUND => return Err(too_long("sound", span.len, MAX_SOUND)),
            Kind::Text if span.len > MAX_TEXT => return Err(too_long("text", span.len, MAX_TEXT)),
            Kind::Audio | Kind::Text | Kind::Table => {}
        }
        let bytes = self.read(span)?;
        match kind {
            Kind::Images => {
                let pixels = codec::decode_limited(&bytes, self.max_pixels)?;
                content.image = Some(Picture::of(pixels, None));
            }
            Kind::Audio if bytes.is_empty() => return Err(Error::failed("sound file is empty")),
            Kind::Audio => content.audio = Some(Sound { bytes: bytes.into_owned(), path: None }),
            Kind::Text => {
                let text = String::from_utf8(bytes.into_owned());
                content.text = Some(text.map_err(|e| {
                    let at = e.utf8_error().valid_up_to();
                    Error::failed(format!("text is not UTF-8 (byte {at}); save it as UTF-8"))
                })?);
            }
            Kind::Table => {
                let (values, _) = bytes.as_chunks::<4>();
                let values = values.iter().map(|v| f32::from_le_bytes(*v));
                match self.picture {
                    None => content.row = values.collect(),
                    Some((shape, scale)) => {
                        let pixels = scale.picture(values.map(f64::from), shape)?;
                        content.image = Some(Picture::of(pixels, None));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Load for Items {
    fn load(&self, at: usize) -> Result<Content> {
        let item = self.items.get(at).ok_or_else(|| Error::failed("no such sample"))?;
        let mut content = Content::default();
        for &(kind, span) in item.parts(&self.parts) {
            self.part(kind, span, &mut content).map_err(|e| self.named(e, item, span))?;
        }
        // The name is the only thing that ties a picture of no list to its file.
        if let (Self::NO_FILE, Some(picture)) = (item.file, &mut content.image) {
            picture.path = Some(file_of(item, item.parts(&self.parts), &self.files, &self.paths));
        }
        Ok(content)
    }

    fn place(&self, at: usize) -> Place {
        let Some(item) = self.items.get(at) else { return Place { file: String::new(), row: None } };
        let file = file_of(item, item.parts(&self.parts), &self.files, &self.paths);
        Place { file, row: item.row }
    }

    fn records(&self) -> usize {
        let paths: usize = self.paths.iter().map(|path| size_of_val(path) + path.0.as_os_str().len()).sum();
        size_of_val(self.items.as_slice()) + size_of_val(self.parts.as_slice()) + paths
    }

    fn size(&self, at: usize) -> usize {
        let size = |&(kind, span): &(Kind, Span)| match kind {
            Kind::Images => decoded_size(span.len as usize),
            _ => span.len as usize,
        };
        self.items.get(at).map_or(0, |item| item.parts(&self.parts).iter().map(size).sum())
    }
}
