//! TFRecord files of `tf.train.Example`: records with checksums, each a map of names to lists.
//!
//! Bytes that are a picture or a sound are that, other bytes are texts; numbers are cells, `name[0]`, `name[1]`, …
//! where there are several. Of what datasets of TensorFlow say about a picture, only its class counts.

use super::arrays::ID_DIGITS;
use super::data::Data;
use super::example::{Feature, features};
use super::files::{Member, open_each};
use super::items::{Builder, Span};
use super::json::Names;
use super::kinds::kind_of;
use super::rows::{Columns, Raw, Rows};
use super::{Format, ReadOptions, Source, table};
use crate::dataset::Kind;
use crate::error::Result;
use std::io::Read;
use std::sync::Arc;

/// Bytes before a message: its length and the checksum of that.
const BEFORE: u64 = 12;
/// Bytes after a message: its checksum.
const AFTER: u64 = 4;
/// The longest message that is read.
const MAX_MESSAGE: u64 = 1 << 30;
/// Names of the class of a picture; the first that is there counts.
const CLASSES: [&str; 4] = ["class", "image/class/text", "label", "image/class/label"];

/// Whether a file that starts like this is a TFRecord file.
pub(super) fn looks_like(head: &[u8]) -> bool {
    let Some((length, rest)) = head.split_first_chunk::<8>() else { return false };
    rest.first_chunk().is_some_and(|told| *told == masked(length))
}

fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// Opens files of examples; `names` are the columns that are known, `features` those of the list of that name.
pub fn open(
    members: Vec<Member>,
    names: Names,
    columns: Vec<String>,
    options: &ReadOptions,
) -> Result<Source> {
    let mut builder = Builder::new(Format::Tfrecord, options);
    let mut found = Examples { files: Vec::new(), names, columns };
    for (file, data, member) in open_each(members, options, &mut builder)? {
        let data = Arc::new(data);
        let number = builder.data(data.clone());
        found.files.push(File { file, number, data, member });
    }
    let mut names = std::mem::take(&mut found.names);
    found.walk_records(&mut |_, record| match record.message {
        Ok(message) => names.see(found.sample(message, 0, 0).map(|s| s.cells).unwrap_or_default()),
        Err(_) => Ok(()),
    })?;
    found.names = names;
    let columns = Columns::of(found.names.names.clone(), &found)?;
    table::fill(&found, &columns, None, options, builder)
}

struct File {
    file: u32,
    number: u32,
    data: Arc<Data>,
    member: Member,
}

struct Examples {
    files: Vec<File>,
    names: Names,
    /// The names of the values in the list `features`.
    columns: Vec<String>,
}

/// A record as it lies in its file.
struct Record<'a> {
    /// Its number, from 0.
    number: usize,
    /// The byte that its message starts at.
    at: u64,
    /// The message, or why there is none.
    message: Result<&'a [u8], String>,
}

/// What an example says.
struct Sample {
    cells: Vec<(String, String)>,
    parts: Vec<(Kind, Span)>,
}

impl Examples {
    fn walk_records(&self, see: &mut dyn FnMut(&File, Record<'_>) -> Result<()>) -> Result<()> {
        for file in &self.files {
            let (mut reader, mut at, mut message) = (file.data.reader(), 0, Vec::new());
            for number in 0.. {
                let mut head = [0; BEFORE as usize];
                let left = file.data.len() - at;
                if left == 0 {
                    break;
                }
                let rest = |why: &str| format!("{why}: nothing is read from byte {at} on");
                let whole = left >= BEFORE && reader.read_exact(&mut head).is_ok();
                let length = u64::from_le_bytes(*head.first_chunk().unwrap_or(&[0; 8]));
                let checked = whole && looks_like(&head);
                let end = length.checked_add(BEFORE + AFTER).filter(|end| *end <= left);
                let wrong = match end {
                    _ if !whole => {
                        Some(rest(file.data.cut.as_deref().unwrap_or("file ends within a record")))
                    }
                    _ if !checked => Some(rest("wrong checksum of a length")),
                    None => Some(rest(file.data.cut.as_deref().unwrap_or("file ends within a record"))),
                    Some(_) if length > MAX_MESSAGE => Some(rest("record is too long")),
                    Some(_) => None,
                };
                if let Some(why) = wrong {
                    see(file, Record { number, at, message: Err(why) })?;
                    break;
                }
                message.resize(length as usize, 0);
                let mut told = [0; AFTER as usize];
                let read = reader.read_exact(&mut message).and_then(|()| reader.read_exact(&mut told));
                let at_message = at + BEFORE;
                let record = match read {
                    Err(e) => Err(format!("cannot be read ({e})")),
                    Ok(()) if told != masked(&message) => {
                        Err(format!("wrong checksum of the record at byte {at}"))
                    }
                    Ok(()) => Ok(message.as_slice()),
                };
                see(file, Record { number, at: at_message, message: record })?;
                at = at_message + length + AFTER;
            }
        }
        Ok(())
    }

    /// The cells and parts of a message that starts at byte `at` of the data `number`.
    fn sample(&self, message: &[u8], number: u32, at: u64) -> Result<Sample, String> {
        let mut sample = Sample { cells: Vec::new(), parts: Vec::new() };
        let features = features(message)?;
        let class = CLASSES.into_iter().find(|name| features.iter().any(|(n, _)| n == name));
        for (name, feature) in &features {
            let is_class = Some(*name) == class;
            if CLASSES.contains(name) && !is_class {
                continue;
            }
            let name = if is_class { "label" } else { name };
            match feature {
                Feature::Bytes(values) => match values.as_slice() {
                    [(start, bytes)] if kind_of(bytes).is_some() => {
                        let kind = kind_of(bytes).unwrap_or(Kind::Images);
                        if sample.parts.iter().all(|(k, _)| *k != kind) {
                            let span = Span::new(number, at + *start as u64, bytes.len())
                                .ok_or_else(|| format!("{} bytes are too many in `{name}`", bytes.len()))?;
                            sample.parts.push((kind, span));
                        }
                    }
                    _ if name.starts_with("image/") || name == "audio/format" => {}
                    values => {
                        let texts: Result<Vec<&str>, _> =
                            values.iter().map(|(_, bytes)| std::str::from_utf8(bytes)).collect();
                        let texts = texts
                            .map_err(|_| format!("bytes in `{name}` are neither text, picture nor sound"))?;
                        sample.cells.push((name.to_owned(), texts.join("\n")));
                    }
                },
                _ if name.starts_with("image/") => {}
                Feature::Floats(values) => self.numbers(name, values, &mut sample.cells),
                Feature::Ints(values) => self.numbers(name, values, &mut sample.cells),
            }
        }
        Ok(sample)
    }

    fn numbers<T: ToString>(&self, name: &str, values: &[T], cells: &mut Vec<(String, String)>) {
        match values {
            [one] if name != "features" => cells.push((name.to_owned(), one.to_string())),
            all => cells.extend(all.iter().enumerate().map(|(i, value)| {
                let known =
                    self.columns.get(i).filter(|_| name == "features" && all.len() == self.columns.len());
                (known.cloned().unwrap_or_else(|| format!("{name}[{i}]")), value.to_string())
            })),
        }
    }
}

impl Rows for Examples {
    fn walk(&self, see: &mut dyn FnMut(Raw<'_>) -> Result<()>) -> Result<()> {
        self.walk_records(&mut |file, record| {
            let sample = record.message.and_then(|message| self.sample(message, file.number, record.at));
            let (cells, parts, wrong) = match sample {
                Ok(sample) => (self.names.row(sample.cells), sample.parts, None),
                Err(why) => (Vec::new(), Vec::new(), Some(why)),
            };
            see(Raw {
                file: file.file,
                place: Some(record.number as u64),
                rows: 1,
                id: format!("{:0width$}", record.number, width = ID_DIGITS),
                split: file.member.split,
                cells,
                parts,
                wrong,
            })
        })
    }
}
