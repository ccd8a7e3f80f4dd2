//! Samples in IDX and NPY files: which file holds samples and which their labels, which split a file
//! is by its name, and how a sample becomes a picture or a row.

use super::array::{Array, Element};
use super::bytes::Compression;
use super::data::Data;
use super::{Entry, Format, Load, Place, ReadOptions, Remarks, Scale, SetAside, Shape, Source};
use super::{bytes, class_numbers, idx, npy, sorted_classes};
use crate::codec::Pixels;
use crate::dataset::{Content, Kind, Split, id_from_bytes};
use crate::error::{Context, Error, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Row numbers in ids have this many digits, so that they sort as numbers.
pub(super) const ID_DIGITS: usize = 8;
/// The most samples that a file may hold.
pub(super) const MAX_ROWS: usize = 10usize.pow(ID_DIGITS as u32);

/// Enough for the header of every array.
const HEADER_BYTES: u64 = npy::MAX_HEADER as u64 + 16;

/// One file: its array, and what its name says.
struct Member {
    path: PathBuf,
    name: String,
    array: Array<'static>,
    /// What is left of the name without the words for the role and the format.
    key: String,
    split: Option<Split>,
    /// Why it ends early, where it does.
    cut: Option<String>,
}

impl Member {
    fn open(path: PathBuf, format: Format, max_unpacked: u64) -> Result<Self> {
        let parse = if format == Format::Npy { npy::parse_header } else { idx::parse_header };
        // The header first: a small packed file can unpack to far more than the array it claims to be.
        let head = bytes::head_of(&path, HEADER_BYTES)?;
        let cut_in_header = |e: Error| match Data::open(&path, HEADER_BYTES).ok().and_then(|data| data.cut) {
            Some(cut) => Error::failed(format!("{cut}; {}", e.message)),
            None => e,
        };
        let header = parse(&head).map_err(cut_in_header).at(&path)?;
        let most = (header.start as u64).saturating_add(header.data_len().at(&path)? as u64);
        let too_long = |e: Error| match most < max_unpacked {
            true => Error::failed(format!(
                "more bytes than the shape {:?} says: {}",
                header.shape,
                path.display()
            )),
            false => e,
        };
        let data = Data::open(&path, most.min(max_unpacked)).map_err(too_long)?;
        let cut = data.cut.clone();
        let array = Array::of_data(header, data).at(&path)?;
        if array.samples() > MAX_ROWS {
            return Err(Error::failed(format!("more than {MAX_ROWS} samples"))).at(&path);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (key, split) = key_of(&name);
        Ok(Self { path, name, array, key, split, cut })
    }

    /// Whether the file holds one label per sample rather than samples.
    fn is_labels(&self) -> bool {
        self.array.sample_len() == 1 && self.array.header().shape.len() <= 2
    }

    /// The file as one of labels, which it has to be.
    fn labels(self) -> Result<Self> {
        if self.is_labels() {
            return Ok(self);
        }
        let shape = &self.array.header().shape;
        Err(Error::usage(format!(
            "array of shape {shape:?} is not one label per sample: {}",
            self.path.display()
        ))
        .hint("save the numbers of the classes, such as onehot.argmax(axis=1), or give --label none"))
    }

    /// Samples that its header promises.
    fn claimed(&self) -> usize {
        self.array.samples() + self.array.missing()
    }
}

/// Whether a file's name says that it holds labels.
fn is_label_name(name: &str) -> bool {
    const WORDS: [&str; 5] = ["labels", "label", "y", "target", "targets"];
    name.to_ascii_lowercase().split(['-', '_', '.', ' ']).any(|word| WORDS.contains(&word))
}

/// What a file's name says: the words that samples and labels of one set share, and the split.
fn key_of(name: &str) -> (String, Option<Split>) {
    const ROLES: [&str; 32] = [
        "images", "image", "imgs", "img", "x", "data", "features", "samples", "pixels", "labels", "label",
        "y", "target", "targets", "class", "classes", "idx1", "idx2", "idx3", "idx4", "ubyte", "byte",
        "short", "int", "float", "double", "gz", "npy", "idx", "ids", "bin", "dat",
    ];
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> =
        name.split(['-', '_', '.', ' ']).filter(|w| !w.is_empty() && !ROLES.contains(w)).collect();
    // The test files of MNIST are called t10k.
    let is_count = |w: &str| {
        w.strip_prefix('t').and_then(|w| w.strip_suffix('k')).is_some_and(|n| n.parse::<u32>().is_ok())
    };
    let split = words.iter().find_map(|w| if is_count(w) { Some(Split::Test) } else { Split::from_name(w) });
    (words.join("-"), split)
}

/// Opens one file, or all files of the format in a folder.
pub fn open(path: &Path, format: Format, options: &ReadOptions) -> Result<Source> {
    let mut remarks = Remarks::default();
    let (samples, labels) = members(path, format, options, &mut remarks)?;
    let (kind, layout) = Layout::of(&samples, options, &mut remarks)?;
    let columns = match (kind, samples.first()) {
        (Kind::Table, Some(first)) => (0..first.array.sample_len()).map(|i| format!("x{i}")).collect(),
        _ => Vec::new(),
    };
    let names = labels.iter().flatten().flat_map(|m| (0..m.array.samples()).map(|i| m.array.label(i)));
    let names: BTreeSet<String> = names.flat_map(Result::transpose).collect::<Result<_>>()?;
    let classes = sorted_classes(names);
    let numbers = class_numbers(&classes);
    let mut entries = Vec::new();
    let mut set_aside = Vec::new();
    let prefixes = prefixes(&samples);
    for (of, (member, labels)) in samples.iter().zip(&labels).enumerate() {
        // The file that ends first decides.
        let shorter =
            labels.as_ref().filter(|l| l.array.samples() < member.array.samples()).unwrap_or(member);
        let (there, claimed) = (shorter.array.samples(), member.claimed());
        if there < claimed {
            let cut = shorter.cut.as_deref().unwrap_or("the file is cut off");
            set_aside.push(SetAside {
                file: shorter.name.clone(),
                row: Some(there as u64),
                samples: (claimed - there) as u64,
                reason: format!("{cut}: nothing from here to the last of {claimed} samples"),
            });
        }
        for row in 0..there {
            let label = labels.as_ref().map(|l| l.array.label(row)).transpose()?.flatten();
            entries.push(Entry {
                id: format!("{}{row:0width$}", prefixes[of], width = ID_DIGITS),
                label: label.and_then(|name| numbers.get(name.as_str()).copied()),
                split: member.split,
                group: None,
                at: of * MAX_ROWS + row,
                more: None,
            });
        }
        if let Some(labels) = labels {
            remarks.notes.push(format!("labels of {} are in {}", member.name, labels.name));
        } else {
            remarks.notes.push(format!("{} has no labels", member.name));
        }
    }
    let files = samples.into_iter().map(|m| (m.name, m.array)).collect();
    let loader = Box::new(Loader { files, layout });
    Ok(Source { format, kinds: vec![kind], classes, columns, entries, set_aside, remarks, loader })
}

/// What ids start with: the split that the name tells, else the name; nothing for a single file.
fn prefixes(samples: &[Member]) -> Vec<String> {
    let alone = |m: &Member| samples.iter().filter(|other| other.split == m.split).count() == 1;
    let by_split = samples.iter().all(|m| m.split.is_some() && alone(m));
    let prefix = |m: &Member| match m.split {
        Some(split) if by_split => format!("{split}/"),
        _ if samples.len() == 1 => String::new(),
        _ => format!("{}/", id_from_bytes(m.name.as_bytes())),
    };
    samples.iter().map(prefix).collect()
}

/// The files with samples, and for each the file with its labels.
fn members(
    path: &Path,
    format: Format,
    options: &ReadOptions,
    remarks: &mut Remarks,
) -> Result<(Vec<Member>, Vec<Option<Member>>)> {
    let (samples, labels) = if path.is_dir() {
        in_folder(path, format, options, remarks)?
    } else {
        let samples = Member::open(path.to_owned(), format, options.max_unpacked)?;
        let labels = if options.label.is_none() {
            labels_beside(path, format, options.max_unpacked)?
        } else {
            Vec::new()
        };
        (vec![samples], labels)
    };
    if samples.is_empty() && labels.is_empty() {
        return Err(Error::failed(format!("no {format} file: {}", path.display()))
            .hint("leave --format out, so that the format is told by the content"));
    }
    if samples.iter().all(|m| m.array.header().shape.len() < 2) {
        let what = format!("no samples, only labels: {}", path.display());
        return Err(Error::failed(what).hint("name the file that holds the samples, or the folder of both"));
    }
    let paired = pair(&samples, labels, format, options)?;
    Ok((samples, paired))
}

/// The files of a folder: those with samples, and those with labels.
fn in_folder(
    folder: &Path,
    format: Format,
    options: &ReadOptions,
    remarks: &mut Remarks,
) -> Result<(Vec<Member>, Vec<Member>)> {
    let (mut samples, mut labels, mut texts, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for name in bytes::files_in(folder)? {
        let (file, name) = (folder.join(&name), name.to_string_lossy().into_owned());
        match kind_of(&file, &name, format) {
            Fit::Array => {
                let member = Member::open(file, format, options.max_unpacked)?;
                // Of two axes, as of one label per class, it would pass for rows of features.
                let labelled = is_label_name(&name) && member.array.header().shape.len() <= 2;
                match options.label {
                    None if labelled || member.is_labels() => labels.push(member.labels()?),
                    _ if member.is_labels() => labels.push(member),
                    _ => samples.push(member),
                }
            }
            Fit::Text => texts.push(name),
            Fit::Other => others.push(name),
        }
    }
    let unread = |names: &[String]| {
        let some = super::some_of(names);
        match names.len() {
            1 => format!("1 file is not read, since it is no {format} file: {some}"),
            n => format!("{n} files are not read, since they are no {format} files: {some}"),
        }
    };
    if !texts.is_empty() {
        remarks.notes.push(unread(&texts));
    }
    if !others.is_empty() {
        remarks.warnings.push(unread(&others));
    }
    let below = bytes::count_below(folder);
    if below > 0 && options.format == Format::Auto {
        remarks.warnings.push(format!(
            "{below} files in folders are not read, since there are {format} files beside the folders: \
             move these away, or give --format folder, to have the pictures"
        ));
    }
    Ok((samples, labels))
}

/// The arrays beside the file `path` whose names have the same words, but for those of the role.
pub fn beside(path: &Path, format: Format) -> Result<Vec<PathBuf>> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let own = path.file_name().unwrap_or_default();
    let (key, _) = key_of(&own.to_string_lossy());
    let mut files = Vec::new();
    for name in bytes::files_in(folder)? {
        let (file, text) = (folder.join(&name), name.to_string_lossy());
        if name != own && key_of(&text).0 == key && kind_of(&file, &text, format) == Fit::Array {
            files.push(file);
        }
    }
    Ok(files)
}

/// The labels that are beside a single file.
fn labels_beside(samples: &Path, format: Format, max_unpacked: u64) -> Result<Vec<Member>> {
    let mut labels = Vec::new();
    for file in beside(samples, format)? {
        let says_so = is_label_name(&file.file_name().unwrap_or_default().to_string_lossy());
        match Member::open(file, format, max_unpacked) {
            // Only what says that it is the labels has to be.
            member if says_so => labels.push(member?.labels()?),
            member => labels.extend(member.ok().filter(Member::is_labels)),
        }
    }
    Ok(labels)
}

/// What a file is to a reader of arrays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Array,
    Text,
    Other,
}

/// Labels that are damaged in their first bytes are arrays, so that they are missed.
fn kind_of(file: &Path, name: &str, format: Format) -> Fit {
    let Ok(head) = bytes::head(file) else { return Fit::Other };
    match super::of_head(&head) {
        Ok(found) if found == format => Fit::Array,
        Err(_) if is_label_name(name) && (head.is_empty() || Compression::of(&head) != Compression::None) => {
            Fit::Array
        }
        Ok(Format::Csv) => Fit::Text,
        _ => Fit::Other,
    }
}

/// The labels of each file of samples: those given, those of the same name, or the only ones.
fn pair(
    samples: &[Member],
    mut labels: Vec<Member>,
    format: Format,
    options: &ReadOptions,
) -> Result<Vec<Option<Member>>> {
    match options.label.as_deref() {
        Some("none") => return Ok(samples.iter().map(|_| None).collect()),
        Some(given) => {
            if samples.len() != 1 {
                return Err(Error::usage(
                    "one file of labels for several of samples: --label (recipe key `label`)",
                )
                .hint(
                    "give a single file of samples, or pair the files by name: train_images, train_labels",
                ));
            }
            labels = vec![Member::open(PathBuf::from(given), format, options.max_unpacked)?.labels()?];
        }
        None => {}
    }
    let only = samples.len() == 1 && labels.len() == 1;
    let mut paired = Vec::new();
    for member in samples {
        let at = labels.iter().position(|l| only || l.key == member.key);
        let found = at.map(|at| labels.swap_remove(at));
        if let Some(found) = found.as_ref().filter(|found| found.claimed() != member.claimed()) {
            return Err(Error::failed(format!(
                "{} labels for {} samples: {} and {}",
                found.claimed(),
                member.claimed(),
                found.path.display(),
                member.path.display()
            ))
            .hint("the files do not belong together; name the right one with --label, or use --label none"));
        }
        paired.push(found);
    }
    Ok(paired)
}

/// How the values of a sample lie.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    /// As features.
    Row,
    /// As pixels of a picture, whose channels come last or, when `planes`, first.
    Picture { shape: Shape, planes: bool, scale: Scale },
}

impl Layout {
    fn of(samples: &[Member], options: &ReadOptions, remarks: &mut Remarks) -> Result<(Kind, Self)> {
        let mut chosen: Option<(&Member, Option<(Shape, bool)>)> = None;
        for member in samples {
            let form = form(member, options.image_shape)?;
            match chosen {
                None => chosen = Some((member, form)),
                Some((first, of_first)) => {
                    let wide = |m: &Member| form.is_none().then(|| m.array.sample_len());
                    if form.is_some() != of_first.is_some() || wide(first) != wide(member) {
                        let (a, b) = (first.path.display(), member.path.display());
                        return Err(Error::failed(format!(
                            "samples of different kinds or widths: {a} and {b}"
                        )));
                    }
                }
            }
        }
        let Some((first, Some((shape, planes)))) = chosen else {
            return Ok((Kind::Table, Layout::Row));
        };
        if let Some(other) =
            samples.iter().find(|m| m.array.header().shape[1..] != first.array.header().shape[1..])
        {
            let (a, b) = (first.path.display(), other.path.display());
            return Err(Error::failed(format!("pictures of different sizes: {a} and {b}"))
                .hint("collect the files one by one"));
        }
        // Bytes are pixels as they are, unless they are few levels that begin at 0.
        let bytes = samples.iter().all(|m| m.array.header().element == Element::U8);
        let scale = if bytes && options.value_max.is_none() && any_light(samples)? {
            Scale { max: 255.0 }
        } else {
            let range = if options.value_max.is_none() { range(samples)? } else { (0.0, 0.0) };
            Scale::choose(options.value_max, range, remarks)?
        };
        Ok((Kind::Images, Layout::Picture { shape, planes, scale }))
    }
}

/// The shape of the pictures in a file and whether their channels come first; `None` for rows.
fn form(member: &Member, given: Option<Shape>) -> Result<Option<(Shape, bool)>> {
    let axes = &member.array.header().shape;
    let picture = |height, width, channels, planes| Ok(Some((Shape { height, width, channels }, planes)));
    match (axes.get(1..).unwrap_or(&[]), given) {
        (axes, Some(shape)) if shape.values() == member.array.sample_len() => {
            let Shape { height, width, channels } = shape;
            let planes = axes == [channels, height, width] && axes != [height, width, channels];
            Ok(Some((shape, planes)))
        }
        (_, Some(shape)) => Err(shape
            .misfit(&format!("a sample has {}", member.array.sample_len()))
            .within(member.path.display())),
        ([_], None) => Ok(None),
        (&[height, width], None) => picture(height, width, 1, false),
        (&[height, width, channels @ (1 | 3)], None) => picture(height, width, channels, false),
        (&[channels @ (1 | 3), height, width], None) => picture(height, width, channels, true),
        _ => Err(Error::failed(format!("samples of shape {axes:?} are no pictures and no rows"))
            .hint("pictures are N x height x width [x 1 or 3], rows are N x columns")
            .within(member.path.display())),
    }
}

/// Whether a byte of 128 or above is among the samples.
fn any_light(samples: &[Member]) -> Result<bool> {
    for member in samples {
        for i in 0..member.array.samples() {
            if member.array.sample_bytes(i)?.iter().any(|&v| v >= 128) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The least and the greatest finite value; (0, 0) where there is none.
fn range(samples: &[Member]) -> Result<(f64, f64)> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for member in samples {
        for i in 0..member.array.samples() {
            for v in member.array.values(i)?.into_iter().filter(|v| v.is_finite()) {
                (low, high) = (low.min(v), high.max(v));
            }
        }
    }
    Ok(if low > high { (0.0, 0.0) } else { (low, high) })
}

struct Loader {
    files: Vec<(String, Array<'static>)>,
    layout: Layout,
}

impl Load for Loader {
    fn load(&self, at: usize) -> Result<Content> {
        let (file, row) = (at / MAX_ROWS, at % MAX_ROWS);
        let (_, array) = self.files.get(file).ok_or_else(|| Error::failed("no such sample"))?;
        match self.layout {
            Layout::Row => {
                let values: Vec<f32> = array.values(row)?.into_iter().map(|v| v as f32).collect();
                match values.iter().position(|v| v.is_infinite()) {
                    Some(at) => Err(Error::failed(format!("infinite value in column `x{at}`"))),
                    None => Ok(Content::from_row(values)),
                }
            }
            Layout::Picture { shape, planes, scale } => {
                let plain = array.header().element == Element::U8 && scale.max == 255.0;
                if plain && (!planes || shape.channels == 1) {
                    let bytes = array.sample_bytes(row)?.into_owned();
                    return Pixels::new(bytes, shape.height, shape.width, shape.channels)
                        .map(Content::from_pixels);
                }
                let (plane, values) = (shape.height * shape.width, array.values(row)?);
                let picture = if planes {
                    let order = (0..plane).flat_map(|p| (0..shape.channels).map(move |c| c * plane + p));
                    scale.picture(order.filter_map(|k| values.get(k).copied()), shape)
                } else {
                    scale.picture(values.into_iter(), shape)
                };
                picture.map(Content::from_pixels)
            }
        }
    }

    fn place(&self, at: usize) -> Place {
        let file = self.files.get(at / MAX_ROWS).map(|(name, _)| name.clone());
        Place { file: file.unwrap_or_default(), row: Some((at % MAX_ROWS) as u64) }
    }

    fn size(&self, at: usize) -> usize {
        self.files.get(at / MAX_ROWS).map_or(0, |(_, array)| array.sample_len() * size_of::<f32>())
    }
}
