//! Tar archives as WebDataset lays them out: members of one key after each other are one sample, and what follows
//! the first dot of the name tells what a member is.
//!
//! | member | |
//! | --- | --- |
//! | `png`, `jpg`, … | the picture, told by its content |
//! | `wav`, `flac`, … | the sound, told by its content |
//! | `txt`, `text`, `caption` | the text |
//! | `cls`, `label`, `class` | the label, as text; where no sample has one, the folder is the label |
//! | `json` | an object whose cells count as the columns of a table |

use super::data::{Data, Reader};
use super::files::{Member, open_each, split_of};
use super::items::{Builder, Span};
use super::json::{self, Names};
use super::kinds::{TEXTS, is_media, kind_of};
use super::rows::{Columns, Raw, Rows};
use super::table::id_of;
use super::{Format, ReadOptions, Source, table};
use crate::dataset::{Kind, Split, id_from_bytes};
use crate::error::{Error, Result};
use crate::kept::Kept;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// Extensions of a label.
const LABELS: [&str; 4] = ["cls", "label", "class", "index"];
/// The longest label and the longest object that are read.
const MAX_SHORT: u64 = 16 << 20;
/// The member that tells of the others, as Hugging Face's ImageFolder has it.
const LIST: &[u8] = b"metadata.jsonl";
/// The longest such member that is read.
const MAX_LIST: u64 = 1 << 30;
/// The longest that the headers of one member, with names and records of pax, can be.
const MAX_HEADERS: u64 = 4 << 20;
/// The most members of an archive.
const MAX_MEMBERS: usize = 1 << 24;
/// What headers and members are padded to.
const BLOCK: u64 = 512;
/// The two empty blocks at the end of an archive.
const END: usize = 1024;
/// Bytes that tell what a member is.
const HEAD: usize = 16;

/// Opens archives of samples.
pub fn open(members: Vec<Member>, names: Names, options: &ReadOptions) -> Result<Source> {
    let mut builder = Builder::new(Format::Tar, options);
    let mut found = Samples { names, ..Samples::default() };
    for (file, data, member) in open_each(members, options, &mut builder)? {
        let data = Arc::new(data);
        let number = builder.data(data.clone());
        found.data.push(data.clone());
        Walk { file, number, split: member.split, builder: &mut builder, found: &mut found }
            .archive(&data)?;
    }
    if found.len == 0 {
        return Err(Error::failed(
            "no sample in the archive, whose members would be called like 0001.png, 0001.cls",
        ));
    }
    if !found.left_out.is_empty() {
        let some: Vec<String> = found.left_out.iter().cloned().collect();
        builder.remarks.notes.push(format!("members that are not read: {}", super::some_of(&some)));
    }
    found.read_lists(&mut builder)?;
    found.name_columns()?;
    let columns = Columns::of(found.columns(), &found)?;
    table::fill(&found, &columns, None, options, builder)
}

/// What the archives hold.
#[derive(Default)]
struct Samples {
    /// All [`Sample`]s but the one that is open, which are gone through several times.
    samples: RefCell<Kept>,
    open: Option<Sample>,
    len: usize,
    /// Whether a key has folders.
    folders: bool,
    data: Vec<Arc<Data>>,
    /// The columns of the objects.
    names: Names,
    /// Whether samples have a member for their label.
    labels: bool,
    /// Whether the labels come from members or folders: only where objects do not tell them by name.
    label_column: bool,
    /// Extensions of what is not read.
    left_out: BTreeSet<String>,
    /// Lists of objects about the members of their folder: the folder, the data, from which byte on, how many bytes.
    lists: Vec<(Vec<u8>, u32, u64, u64)>,
    /// What lists tell of samples, by their numbers.
    listed: HashMap<usize, (u64, u32)>,
}

/// The members of one key.
#[derive(Serialize, Deserialize)]
struct Sample {
    key: String,
    file: u32,
    /// The number of the data that the members lie in.
    data: u32,
    split: Option<Split>,
    parts: Vec<(Kind, Span)>,
    /// Where its label and its object are: from which byte on, how many bytes.
    label: Option<(u64, u32)>,
    object: Option<(u64, u32)>,
    wrong: Option<String>,
}

/// A way through one archive.
struct Walk<'a> {
    file: u32,
    number: u32,
    split: Option<Split>,
    builder: &'a mut Builder,
    found: &'a mut Samples,
}

/// Lets only so many bytes be read of what stands before a member: a long name may claim to be of any length.
struct Guard<'a> {
    reader: Reader<'a>,
    left: &'a Cell<u64>,
}

impl Read for Guard<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(out)?;
        let left = self.left.get().checked_sub(n as u64);
        self.left.set(left.ok_or_else(|| io::Error::other("header of a member is too long"))?);
        Ok(n)
    }
}

impl Seek for Guard<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}

impl Walk<'_> {
    fn archive(&mut self, data: &Data) -> Result<()> {
        self.members(data);
        self.found.close()
    }

    fn members(&mut self, data: &Data) {
        let mut at = 0;
        let left = Cell::new(MAX_HEADERS);
        let mut archive = ::tar::Archive::new(Guard { reader: data.reader(), left: &left });
        let entries = match archive.entries_with_seek() {
            Ok(entries) => entries,
            Err(e) => return self.refuse_rest(at, &e.to_string()),
        };
        for (number, entry) in entries.enumerate() {
            left.set(MAX_HEADERS);
            if number == MAX_MEMBERS {
                return self.refuse_rest(at, &format!("archive has more than {MAX_MEMBERS} members"));
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(e) => return self.refuse_rest(at, data.cut.as_ref().unwrap_or(&e.to_string())),
            };
            let (start, size) = (entry.raw_file_position(), entry.size());
            at = start.saturating_add(size);
            let kind = entry.header().entry_type();
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            let name = entry.path_bytes().into_owned();
            if let Err(why) = self.member(data, &name, kind, (start, size)) {
                let name = String::from_utf8_lossy(&name).into_owned();
                self.builder.refuse(self.file, None, format!("{why}: member `{name}` at byte {start}"));
            }
        }
        if let Some(cut) = &data.cut {
            self.refuse_rest(data.len(), cut);
        } else if data.read(at.next_multiple_of(BLOCK), END).is_err() {
            let what = "an archive ends without its end mark, and may have been cut off between two members";
            self.builder.remarks.warnings.push(what.to_owned());
        }
    }

    fn refuse_rest(&mut self, at: u64, why: &str) {
        self.builder.refuse(self.file, None, format!("{why}: nothing is read from byte {at} on"));
    }

    /// Adds a member to the sample of its key, of which the last one is open.
    fn member(
        &mut self,
        data: &Data,
        name: &[u8],
        kind: ::tar::EntryType,
        (start, size): (u64, u64),
    ) -> Result<(), String> {
        if !kind.is_file() {
            return Err("not a regular file (a link or a device)".to_owned());
        }
        let name = name.strip_prefix(b"./").unwrap_or(name);
        if name.starts_with(b"/") || name.split(|b| *b == b'/').any(|part| part == b"..") {
            return Err("name leads out of the archive".to_owned());
        }
        let folder = name.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
        if &name[folder..] == LIST {
            self.found.lists.push((name[..folder].to_vec(), self.number, start, size));
            return Ok(());
        }
        let (key, extension) = key_of(name).ok_or("name has no extension that tells what it is")?;
        if start.checked_add(size).is_none_or(|end| end > data.len()) {
            return Err("archive ends within it".to_owned());
        }
        let Some(part) = part(data, &extension, start, size)? else {
            self.found.left_out.insert(extension);
            return Ok(());
        };
        if self.found.open.as_ref().is_none_or(|open| open.key != key) {
            self.found.close().map_err(|e| e.message)?;
            let split = split_of(&format!("{key}.")).or(self.split);
            self.found.folders |= key.contains('/');
            self.found.open = Some(Sample {
                key,
                file: self.file,
                data: self.number,
                split,
                parts: Vec::new(),
                label: None,
                object: None,
                wrong: None,
            });
        }
        self.add(part, &extension, start, size)
    }

    /// Puts a member where it belongs in the open sample.
    fn add(&mut self, part: Part, extension: &str, start: u64, size: u64) -> Result<(), String> {
        let Some(sample) = &mut self.found.open else { return Ok(()) };
        let short = || {
            let short = u32::try_from(size).ok().filter(|_| size <= MAX_SHORT);
            short.map(|size| (start, size)).ok_or_else(|| format!("{size} bytes are too many"))
        };
        match part {
            Part::Label => {
                self.found.labels = true;
                sample.label.get_or_insert(short()?);
            }
            Part::Object => drop(sample.object.get_or_insert(short()?)),
            Part::Of(kind) if sample.parts.iter().all(|(k, _)| *k != kind) => {
                let span = self.builder.span(self.number, start, size).map_err(|e| e.message)?;
                sample.parts.push((kind, span));
            }
            Part::Of(_) => drop(self.found.left_out.insert(extension.to_owned())),
            Part::Damaged(what) => {
                let what = format!("{what}: member `{}.{extension}` at byte {start}", sample.key);
                sample.wrong = Some(what);
            }
        }
        Ok(())
    }
}

/// What a member is of its sample.
enum Part {
    Label,
    Object,
    Of(Kind),
    /// What should be a picture or a sound by its name, and is none.
    Damaged(&'static str),
}

/// What a member is, by its extension and its first bytes; `None` where it is nothing that is read.
fn part(data: &Data, extension: &str, start: u64, size: u64) -> Result<Option<Part>, String> {
    let last = last_of(extension);
    if TEXTS.contains(&last) {
        return Ok(Some(Part::Of(Kind::Text)));
    }
    if LABELS.contains(&last) {
        return Ok(Some(Part::Label));
    }
    if last == "json" {
        return Ok(Some(Part::Object));
    }
    let head = data.read(start, (size as usize).min(HEAD)).map_err(|e| e.message)?;
    Ok(match kind_of(&head) {
        Some(kind) => Some(Part::Of(kind)),
        None if !is_media(last) => None,
        None if size == 0 => Some(Part::Damaged("file is empty")),
        None => Some(Part::Damaged("neither a picture nor a sound")),
    })
}

/// The key and the extension of a name: before and after the first dot of its last part.
fn key_of(name: &[u8]) -> Option<(String, String)> {
    let folder = name.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    let dot = folder + name[folder..].iter().position(|b| *b == b'.').filter(|dot| *dot > 0)?;
    let key = match std::str::from_utf8(&name[..dot]) {
        Ok(text) => id_of(text),
        Err(_) => id_from_bytes(&name[..dot]),
    };
    Some((key, String::from_utf8_lossy(&name[dot + 1..]).to_ascii_lowercase()))
}

/// The last of several extensions.
fn last_of(extension: &str) -> &str {
    extension.rsplit('.').next().unwrap_or(extension)
}

impl Samples {
    /// Puts the open sample to the others.
    fn close(&mut self) -> Result<()> {
        let Some(sample) = self.open.take() else { return Ok(()) };
        self.len += 1;
        self.samples.get_mut().push_record(&sample)
    }

    /// Gives each sample to `see`.
    fn each(&self, mut see: impl FnMut(Sample) -> Result<()>) -> Result<()> {
        self.samples.borrow_mut().records(|i, sample: Sample| {
            let object = sample.object.or_else(|| self.listed.get(&i).copied());
            see(Sample { object, ..sample })
        })
    }

    /// Gives the samples that lists tell of the lines about them, where they have no object of their own.
    fn read_lists(&mut self, builder: &mut Builder) -> Result<()> {
        if self.lists.is_empty() {
            return Ok(());
        }
        // The number of each, and whether it has an object of its own, which counts.
        let mut numbers: HashMap<(u32, String), (usize, bool)> = HashMap::new();
        self.samples.get_mut().records(|i, sample: Sample| {
            numbers.insert((sample.data, sample.key), (i, sample.object.is_some()));
            Ok(())
        })?;
        for (folder, number, start, size) in std::mem::take(&mut self.lists) {
            let Some(data) = self.data.get(number as usize) else { continue };
            if size > MAX_LIST {
                return Err(Error::failed(format!("metadata.jsonl of {size} bytes is too long")));
            }
            let text = data.read(start, size as usize)?;
            let (mut at, mut unknown) = (start, 0u64);
            for line in text.split_inclusive(|b| *b == b'\n') {
                let place = (at, line.len() as u32);
                at += line.len() as u64;
                let Ok(object) = json::object(line) else { continue };
                let name = object.get("file_name").and_then(Value::as_str).unwrap_or_default();
                let name = [&folder, name.as_bytes()].concat();
                let sample = key_of(&name).and_then(|(key, _)| numbers.get(&(number, key)));
                match sample {
                    Some(&(i, false)) => drop(self.listed.entry(i).or_insert(place)),
                    Some((_, true)) => {}
                    None => unknown += 1,
                }
            }
            if unknown > 0 {
                let what = format!("metadata.jsonl tells of {unknown} files that are not in the archive");
                builder.remarks.warnings.push(what);
            }
        }
        Ok(())
    }

    /// Takes the names of the cells of all objects, and whether there are labels beside them.
    fn name_columns(&mut self) -> Result<()> {
        let mut names = std::mem::take(&mut self.names);
        self.each(|sample| match self.object(&sample) {
            Ok(Some(object)) => names.see(json::cells_of(&object)),
            _ => Ok(()),
        })?;
        let any = self.labels || self.folders;
        self.label_column = any && !names.names.iter().any(|name| name == "label");
        self.names = names;
        Ok(())
    }

    fn columns(&self) -> Vec<String> {
        let mut names = self.names.names.clone();
        if self.label_column {
            names.push("label".to_owned());
        }
        names
    }

    /// The label of a sample: of its member, or where none has such, the folder below that of the split.
    fn label(&self, sample: &Sample) -> Result<Cow<'static, str>, String> {
        if !self.labels {
            let mut folders = sample.key.split('/').rev().skip(1).collect::<Vec<_>>();
            if folders.last().is_some_and(|top| Split::from_name(top).is_some()) {
                folders.pop();
            }
            return Ok(folders.pop().unwrap_or_default().to_owned().into());
        }
        let label = sample.label.map(|place| self.short(sample, place)).transpose()?.unwrap_or_default();
        let label = std::str::from_utf8(&label).map_err(|_| "label is not UTF-8")?;
        Ok(label.trim().to_owned().into())
    }

    fn short(&self, sample: &Sample, (at, len): (u64, u32)) -> Result<Cow<'_, [u8]>, String> {
        let data = self.data.get(sample.data as usize).ok_or("no such archive")?;
        data.read(at, len as usize).map_err(|e| e.message)
    }

    fn object(&self, sample: &Sample) -> Result<Option<Map<String, Value>>, String> {
        let Some(place) = sample.object else { return Ok(None) };
        json::object(&self.short(sample, place)?).map(Some)
    }

    fn cells(&self, sample: &Sample) -> Result<Vec<Cow<'static, str>>, String> {
        if let Some(wrong) = &sample.wrong {
            return Err(wrong.to_string());
        }
        let mut cells = self.names.row(json::cells_of(&self.object(sample)?.unwrap_or_default()));
        if self.label_column {
            cells.push(self.label(sample)?);
        }
        Ok(cells)
    }
}

impl Rows for Samples {
    fn walk(&self, see: &mut dyn FnMut(Raw<'_>) -> Result<()>) -> Result<()> {
        self.each(|sample| {
            let (cells, wrong) = match self.cells(&sample) {
                Ok(cells) => (cells, None),
                Err(why) => (Vec::new(), Some(format!("{why}: sample `{}`", sample.key))),
            };
            let Sample { key: id, file, split, parts, .. } = sample;
            see(Raw { file, place: None, rows: 1, id, split, cells, parts, wrong })
        })
    }
}
