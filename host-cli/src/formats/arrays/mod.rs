//! Samples in arrays: IDX and NPY files, NPZ archives, safetensors, CIFAR's rows. Which array holds samples and which
//! tells of them, which split it is by its name, and how a sample becomes a picture or a row.

mod cifar;
mod files;
mod layout;
mod list;
mod named;
mod npz;
mod reading;
mod tensors;

pub use cifar::looks_like as is_cifar;
pub use files::beside;
pub use npz::looks_like as is_npz;
pub use tensors::looks_like as is_safetensors;

use self::layout::Layout;
use self::list::{Line, List};
use self::named::Named;
use self::reading::Reading;
use super::array::Array;
use super::info::{self, Info};
use super::json::{MAX_COLUMNS, Names as Cells};
use super::{Entry, Format, Load, Place, ReadOptions, Remarks, SetAside, Source};
use super::{csv, npy, roles};
use crate::dataset::{Content, Kind, Split, id_from_bytes};
use crate::error::{Error, Result};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// Row numbers in ids have this many digits, so that they sort as numbers.
pub(super) const ID_DIGITS: usize = 8;
/// The most samples that a file may hold.
pub(super) const MAX_ROWS: usize = 10usize.pow(ID_DIGITS as u32);

/// Enough for the header of every array.
const HEADER_BYTES: u64 = npy::MAX_HEADER as u64 + 16;

/// What an array tells of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The pictures or rows.
    Samples,
    /// The rows beside pictures or texts.
    Features,
    Texts,
    Labels,
    Ids,
    Splits,
    Weights,
    Origins,
    Groups,
    /// The names of the classes, for all.
    Classes,
    /// The names of the columns, for all.
    Columns,
}

/// Arrays of the same samples.
struct Part {
    /// What it is called: the name of the first of its arrays.
    name: String,
    key: String,
    split: Option<Split>,
    /// Samples that it should have.
    claimed: usize,
    arrays: Vec<(Role, Named)>,
    /// The lines about its samples, of which the first is this one.
    list: Option<(Arc<List>, usize)>,
}

impl Part {
    /// The part that this array begins.
    fn of(array: Named) -> Self {
        let role = if array.array.header().element.is_text() { Role::Texts } else { Role::Samples };
        Self {
            name: array.name().to_owned(),
            key: array.key.clone(),
            split: array.split,
            claimed: array.claimed(),
            arrays: vec![(role, array)],
            list: None,
        }
    }

    fn get(&self, role: Role) -> Option<&Named> {
        self.arrays.iter().find(|(r, _)| *r == role).map(|(_, array)| array)
    }

    /// Adds an array of as many values as there are samples.
    fn add(&mut self, role: Role, array: Named) -> Result<()> {
        if array.claimed() != self.claimed {
            let own = self.arrays.first().map(|(_, own)| own.words()).unwrap_or_default();
            let what = format!(
                "{} {} for {} samples: {} and {own}",
                array.claimed(),
                role.words(),
                self.claimed,
                array.words()
            );
            return Err(Error::failed(what).hint(
                "the files do not belong together; name the right one with --label, or use --label none",
            ));
        }
        self.arrays.push((role, array));
        Ok(())
    }

    /// Where sample `row` is.
    fn place(&self, row: usize) -> Place {
        let file = self.arrays.first().map(|(_, array)| array.file.clone());
        Place { file: file.unwrap_or_default(), row: Some(row as u64) }
    }

    /// How many samples are whole in all arrays, and the one that ends first.
    fn there(&self) -> (usize, Option<&Named>) {
        let shortest = self.arrays.iter().map(|(_, array)| array).min_by_key(|a| a.array.samples());
        (shortest.map_or(0, |a| a.array.samples()), shortest)
    }

    /// The samples that are not there.
    fn missing(&self) -> Option<SetAside> {
        let (there, Some(shortest)) = self.there() else { return None };
        let cut = shortest.cut.as_deref().unwrap_or("the file is cut off");
        let member = shortest.member.as_ref().map_or(String::new(), |name| format!(", array `{name}`"));
        (there < self.claimed).then(|| SetAside {
            file: shortest.file.clone(),
            row: Some(there as u64),
            id: None,
            samples: (self.claimed - there) as u64,
            reason: format!(
                "{cut}{member}: nothing from here to the last of {claimed} samples",
                claimed = self.claimed
            ),
        })
    }

    fn line(&self, row: usize) -> Option<Result<Line, String>> {
        self.list.as_ref().map(|(list, first)| list.line(first + row))
    }
}

impl Role {
    const fn words(self) -> &'static str {
        match self {
            Role::Samples => "samples",
            Role::Features => "rows of features",
            Role::Texts => "texts",
            Role::Labels => "labels",
            Role::Ids => "ids",
            Role::Splits => "splits",
            Role::Weights => "weights",
            Role::Origins => "origins",
            Role::Groups => "groups",
            Role::Classes => "classes",
            Role::Columns => "columns",
        }
    }
}

/// What files of arrays come to.
struct Set {
    parts: Vec<Part>,
    /// The names of the numbers that labels are, and of the columns; empty where they are not told.
    names: named::Names,
    /// Whether it is as our exports have it: bytes are pixels, whatever they are, and a label below 0 is none.
    exact: bool,
}

/// Opens one file, or all files of the format in a folder.
pub fn open(path: &Path, format: Format, options: &ReadOptions) -> Result<Source> {
    let mut remarks = Remarks::default();
    let mut set = match format {
        Format::Npz => npz::open(path, options, &mut remarks)?,
        Format::Safetensors => tensors::open(path, options, &mut remarks)?,
        Format::Cifar => cifar::open(path, options, &mut remarks)?,
        _ => files::open(path, format, options, &mut remarks)?,
    };
    let folder = if path.is_dir() { path } else { folder_of(path) };
    let info = info::load(folder);
    if options.label.is_none() && matches!(format, Format::Idx | Format::Cifar) {
        list::attach(folder, &mut set.parts, options.max_unpacked, &mut remarks)?;
    }
    set.exact |= set.parts.iter().all(|part| part.list.is_some());
    if !info.classes.is_empty() {
        set.names.classes.clone_from(&info.classes);
    }
    if !info.columns.is_empty() {
        set.names.columns.clone_from(&info.columns);
    }
    source(set, format, options, remarks, info)
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The source that the parts are.
fn source(
    set: Set,
    format: Format,
    options: &ReadOptions,
    mut remarks: Remarks,
    info: Info,
) -> Result<Source> {
    let Set { parts, mut names, exact } = set;
    let distinct: HashSet<&String> = names.classes.iter().collect();
    if distinct.len() < names.classes.len() {
        remarks.warnings.push("a name of a class comes twice, so that labels keep their numbers".to_owned());
        names.classes.clear();
    }
    let samples: Vec<&Named> = parts.iter().filter_map(|p| p.get(Role::Samples)).collect();
    let layout = match samples.is_empty() {
        true => None,
        false => Some(Layout::of(&samples, exact, options, &mut remarks)?),
    };
    let mut reading = Reading::new(&parts, names.classes, exact);
    let mut entries = Vec::new();
    let mut set_aside: Vec<SetAside> = parts.iter().filter_map(Part::missing).collect();
    let prefixes = prefixes(&parts);
    let mut cells = Cells::starting(&names.columns);
    for (of, part) in parts.iter().enumerate() {
        for row in 0..part.there().0.min(MAX_ROWS) {
            match reading.entry(part, row, &prefixes[of], &mut cells)? {
                Ok(entry) => entries.push(Entry { at: of * MAX_ROWS + row, ..entry }),
                Err(why) => set_aside.push(SetAside::one(part.place(row), why)),
            }
        }
        let name = part.name.as_str();
        if let (None, Some(cut)) = (part.missing(), part.arrays.iter().find_map(|(_, a)| a.cut.as_ref())) {
            remarks.warnings.push(format!("{cut}, though all samples are there: {name}"));
        }
        remarks.notes.push(match part.get(Role::Labels) {
            _ if part.list.is_some() => continue,
            Some(labels) => format!("labels of {name} are in {}", labels.name()),
            None => format!("{name} has no labels"),
        });
    }
    let classes = reading.finish(&mut entries);
    let lines = reading.cells.then_some(cells);
    let columns = columns(&parts, layout, &names.columns, lines.as_ref())?;
    let mut kinds: Vec<Kind> = layout.iter().map(|(kind, _)| *kind).collect();
    kinds.extend((reading.texts).then_some(Kind::Text));
    kinds.extend((!columns.is_empty() && !kinds.contains(&Kind::Table)).then_some(Kind::Table));
    kinds.sort();
    leave_out(&parts, kinds.first(), &mut entries, &mut set_aside);
    let text_alone = kinds.first() == Some(&Kind::Text);
    let layout = layout.map(|(_, layout)| layout);
    let loader = Box::new(Loader { parts, layout, lines, text_alone });
    let mut source = Source {
        format,
        kinds,
        classes,
        columns,
        groups: Vec::new(),
        normalize: None,
        divided: false,
        entries,
        set_aside,
        remarks,
        loader,
    };
    info.apply(&mut source);
    Ok(source)
}

/// The names of the features of all parts.
fn columns(
    parts: &[Part],
    layout: Option<(Kind, Layout)>,
    told: &[String],
    lines: Option<&Cells>,
) -> Result<Vec<String>> {
    let role = if matches!(layout, Some((Kind::Table, _))) { Role::Samples } else { Role::Features };
    let mut rows = parts.iter().filter_map(|p| p.get(role));
    let Some(first) = rows.next() else { return Ok(lines.map(|l| l.names.clone()).unwrap_or_default()) };
    let width = first.array.sample_len();
    if let Some(other) = rows.find(|other| other.array.sample_len() != width) {
        let what = format!("rows of different widths: {} and {}", first.words(), other.words());
        return Err(Error::failed(what));
    }
    if width > MAX_COLUMNS {
        return Err(Error::failed(format!(
            "rows of {width} values, more than {MAX_COLUMNS}: {}",
            first.words()
        ))
        .hint("pictures in rows are read with --image-shape (recipe key `image_shape`)"));
    }
    Ok(column_names(told, width))
}

/// Sets aside the parts that lack what the samples of others are above all.
fn leave_out(parts: &[Part], main: Option<&Kind>, entries: &mut Vec<Entry>, set_aside: &mut Vec<SetAside>) {
    let role = if main == Some(&Kind::Text) { Role::Texts } else { Role::Samples };
    for (of, part) in parts.iter().enumerate().filter(|(_, p)| p.list.is_none() && p.get(role).is_none()) {
        let before = entries.len();
        entries.retain(|entry| entry.at / MAX_ROWS != of);
        let samples = (before - entries.len()) as u64;
        let what = main.map_or("sample", |kind| kind.one());
        let reason = format!("no {what} beside `{}`, which the others have", part.name);
        set_aside.push(SetAside { file: part.place(0).file, row: None, id: None, samples, reason });
    }
}

/// The names of columns: those told, where there are as many, else `x0`, `x1`, ….
fn column_names(told: &[String], width: usize) -> Vec<String> {
    let given = || (0..width).map(|i| format!("x{i}")).collect();
    let names: Vec<String> = if told.len() == width { told.to_vec() } else { given() };
    let roles = vec![roles::Role::Number; width];
    roles::feature_names(&names, &roles)
}

/// What ids start with: the split that the name tells, else the name; nothing for a single part.
fn prefixes(parts: &[Part]) -> Vec<String> {
    let alone = |p: &Part| parts.iter().filter(|other| other.split == p.split).count() == 1;
    let by_split = parts.iter().all(|p| p.split.is_some() && alone(p));
    let prefix = |p: &Part| match p.split {
        Some(split) if by_split => format!("{split}/"),
        _ if parts.len() == 1 => String::new(),
        _ => format!("{}/", id_from_bytes(p.name.as_bytes())),
    };
    parts.iter().map(prefix).collect()
}

struct Loader {
    parts: Vec<Part>,
    /// Of the pictures or rows, where there are such.
    layout: Option<Layout>,
    /// The columns of the features in lines, where there are such.
    lines: Option<Cells>,
    /// Whether an empty text is a text rather than none.
    text_alone: bool,
}

impl Load for Loader {
    fn load(&self, at: usize) -> Result<Content> {
        let (of, row) = (at / MAX_ROWS, at % MAX_ROWS);
        let part = self.parts.get(of).ok_or_else(|| Error::failed("no such sample"))?;
        let mut content = match (part.get(Role::Samples), self.layout) {
            (Some(samples), Some(layout)) => layout.content(&samples.array, row)?,
            _ => Content::default(),
        };
        if let Some(rows) = part.get(Role::Features) {
            content.row = layout::features(&rows.array, row)?;
        }
        if let Some(texts) = part.get(Role::Texts) {
            content.text = Some(texts.array.text(row)?).filter(|text| self.text_alone || !text.is_empty());
        }
        if let Some(line) = part.line(row) {
            let line = line.map_err(Error::failed)?;
            content.text = line.text.or(content.text);
            if let Some(columns) = &self.lines {
                content.row =
                    columns.row(line.cells).iter().map(|cell| number(cell)).collect::<Result<_>>()?;
            }
        }
        Ok(content)
    }

    fn place(&self, at: usize) -> Place {
        let part = self.parts.get(at / MAX_ROWS);
        part.map_or(Place { file: String::new(), row: None }, |part| part.place(at % MAX_ROWS))
    }

    fn size(&self, at: usize) -> usize {
        let size =
            |array: &Array<'_>| array.sample_len().saturating_mul(array.header().element.size().max(4));
        let arrays = self.parts.get(at / MAX_ROWS).map_or(&[][..], |part| &part.arrays);
        arrays.iter().map(|(_, named)| size(&named.array)).sum()
    }
}

/// The value of a cell of a line.
fn number(cell: &str) -> Result<f32> {
    match csv::cell(cell) {
        csv::Cell::Number(value) => Ok(value),
        csv::Cell::Missing => Ok(f32::NAN),
        csv::Cell::Infinite | csv::Cell::Text(_) => {
            Err(Error::failed(format!("not a finite number: {cell}")))
        }
    }
}
