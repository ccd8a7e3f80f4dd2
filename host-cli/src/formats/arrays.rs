//! Samples in IDX and NPY files: which file holds samples and which their labels, which split a file
//! is by its name, and how a sample becomes a picture or a row.

use super::array::{Array, Element};
use super::{Entry, Format, Load, Loaded, Place, ReadOptions, Scale, SetAside, Shape, Source};
use super::{bytes, class_numbers, idx, npy, sorted_classes};
use crate::codec::Pixels;
use crate::dataset::{Kind, Split, id_from_bytes};
use crate::error::{Context, Error, Result};
use std::path::{Path, PathBuf};

/// Row numbers in ids have this many digits, so that they sort as numbers.
pub(super) const ID_DIGITS: usize = 8;
/// The most samples that a file may hold.
pub(super) const MAX_ROWS: usize = 10usize.pow(ID_DIGITS as u32);

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
    fn open(path: PathBuf, format: Format) -> Result<Self> {
        let content = bytes::read(&path)?;
        let parsed =
            if format == Format::Npy { npy::parse(content.bytes) } else { idx::parse(content.bytes) };
        let array = match (parsed, &content.cut) {
            (Err(e), Some(cut)) => return Err(Error::failed(format!("{cut}; {}", e.message))).at(&path),
            (parsed, _) => parsed.at(&path)?,
        };
        if array.samples() > MAX_ROWS {
            return Err(Error::failed(format!("more than {MAX_ROWS} samples"))).at(&path);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (key, split) = key_of(&name);
        Ok(Self { path, name, array, key, split, cut: content.cut })
    }

    /// Whether the file holds one label per sample rather than samples.
    fn is_labels(&self) -> bool {
        let header = self.array.header();
        matches!(header.element, Element::Text(_)) || self.array.sample_len() == 1 && header.shape.len() <= 2
    }
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
    let mut notes = Vec::new();
    let (samples, labels) = members(path, format, options, &mut notes)?;
    let (kind, layout) = Layout::of(&samples, options, &mut notes)?;
    let columns = match (kind, samples.first()) {
        (Kind::Table, Some(first)) => (0..first.array.sample_len()).map(|i| format!("x{i}")).collect(),
        _ => Vec::new(),
    };
    let classes = sorted_classes(
        labels.iter().flatten().flat_map(|m| (0..m.array.samples()).filter_map(|i| m.array.label(i))),
    );
    let numbers = class_numbers(&classes);
    let mut entries = Vec::new();
    let mut set_aside = Vec::new();
    let prefixes = prefixes(&samples);
    for (of, (member, labels)) in samples.iter().zip(&labels).enumerate() {
        let there = labels.as_ref().map_or(usize::MAX, |l| l.array.samples()).min(member.array.samples());
        let claimed = member.array.samples() + member.array.missing();
        if there < claimed {
            let cut = [Some(member), labels.as_ref()].into_iter().flatten().find_map(|m| m.cut.clone());
            set_aside.push(SetAside {
                file: member.name.clone(),
                row: Some(there as u64),
                samples: (claimed - there) as u64,
                reason: format!(
                    "{}: nothing from here to the last of {claimed} samples",
                    cut.unwrap_or_else(|| "the file is cut off".into())
                ),
            });
        }
        entries.extend((0..there).map(|row| Entry {
            id: format!("{}{row:0width$}", prefixes[of], width = ID_DIGITS),
            label: labels.as_ref().and_then(|l| l.array.label(row)).map(|name| numbers[name.as_str()]),
            split: member.split,
            at: of * MAX_ROWS + row,
        }));
        if let Some(labels) = labels {
            notes.push(format!("labels of {} are in {}", member.name, labels.name));
        } else {
            notes.push(format!("{} has no labels", member.name));
        }
    }
    let files = samples.into_iter().map(|m| (m.name, m.array)).collect();
    let loader = Box::new(Loader { files, layout });
    Ok(Source { format, kind, classes, columns, entries, set_aside, notes, loader })
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
    notes: &mut Vec<String>,
) -> Result<(Vec<Member>, Vec<Option<Member>>)> {
    let is_folder = path.is_dir();
    let folder = if is_folder { path } else { path.parent().unwrap_or(Path::new("")) };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (mut samples, mut labels) = (Vec::new(), Vec::new());
    if !is_folder {
        samples.push(Member::open(path.to_owned(), format)?);
    }
    let wanted = samples.first().map(|m| m.key.clone());
    for name in bytes::files_in(folder)? {
        let file = folder.join(&name);
        let fits = bytes::head(&file).is_ok_and(|head| super::of_head(&head) == Ok(format));
        match &wanted {
            _ if !fits => {
                if is_folder {
                    notes.push(format!("not read, since it is no {format} file: {}", name.to_string_lossy()));
                }
            }
            None => {
                let member = Member::open(file, format)?;
                if member.is_labels() { labels.push(member) } else { samples.push(member) }
            }
            // Beside a single file only what may be its labels is of interest.
            Some(wanted) if file != path && key_of(&name.to_string_lossy()).0 == *wanted => {
                labels.extend(Member::open(file, format).ok().filter(Member::is_labels));
            }
            Some(_) => {}
        }
    }
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
            labels = vec![Member::open(PathBuf::from(given), format)?];
        }
        None => {}
    }
    let only = samples.len() == 1 && labels.len() == 1;
    let mut paired = Vec::new();
    for member in samples {
        let at = labels.iter().position(|l| only || l.key == member.key);
        let found = at.map(|at| labels.swap_remove(at));
        if let Some(found) = &found {
            let count = |m: &Member| m.array.samples() + m.array.missing();
            if count(found) != count(member) {
                return Err(Error::failed(format!(
                    "{} labels for {} samples: {} and {}",
                    count(found),
                    count(member),
                    found.path.display(),
                    member.path.display()
                ))
                .hint(
                    "the files do not belong together; name the right one with --label, or use --label none",
                ));
            }
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
    fn of(samples: &[Member], options: &ReadOptions, notes: &mut Vec<String>) -> Result<(Kind, Self)> {
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
        // Bytes are pixels as they are.
        let bytes = samples.iter().all(|m| m.array.header().element == Element::U8);
        let scale = if bytes && options.value_max.is_none() {
            Scale { max: 255.0 }
        } else {
            Scale::choose(options.value_max, range(samples), notes)?
        };
        Ok((Kind::Images, Layout::Picture { shape, planes, scale }))
    }
}

/// The shape of the pictures in a file and whether their channels come first; `None` for rows.
fn form(member: &Member, given: Option<Shape>) -> Result<Option<(Shape, bool)>> {
    let axes = &member.array.header().shape;
    let picture = |height, width, channels, planes| Ok(Some((Shape { height, width, channels }, planes)));
    match (axes.get(1..).unwrap_or(&[]), given) {
        (_, Some(shape)) if shape.values() == member.array.sample_len() => Ok(Some((shape, false))),
        (_, Some(shape)) => Err(Error::usage(format!(
            "image_shape {}x{}x{} has {} values, a sample has {}: {}",
            shape.height,
            shape.width,
            shape.channels,
            shape.values(),
            member.array.sample_len(),
            member.path.display()
        ))
        .hint("give --image-shape (recipe key `image_shape`) as height x width [x channels]")),
        ([_], None) => Ok(None),
        (&[height, width], None) => picture(height, width, 1, false),
        (&[height, width, channels @ (1 | 3)], None) => picture(height, width, channels, false),
        (&[channels @ (1 | 3), height, width], None) => picture(height, width, channels, true),
        _ => Err(Error::failed(format!("samples of shape {axes:?} are no pictures and no rows"))
            .hint("pictures are N x height x width [x 1 or 3], rows are N x columns")
            .within(member.path.display())),
    }
}

/// The least and the greatest finite value; (0, 0) where there is none.
fn range(samples: &[Member]) -> (f64, f64) {
    let all = samples.iter().flat_map(|m| (0..m.array.samples()).flat_map(|i| m.array.values(i)));
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = all.filter(|v| v.is_finite()).fold(start, |(low, high), v| (low.min(v), high.max(v)));
    if low > high { (0.0, 0.0) } else { (low, high) }
}

struct Loader {
    files: Vec<(String, Array<'static>)>,
    layout: Layout,
}

impl Load for Loader {
    fn load(&self, at: usize) -> Result<Loaded> {
        let (file, row) = (at / MAX_ROWS, at % MAX_ROWS);
        let (_, array) = self.files.get(file).ok_or_else(|| Error::failed("no such sample"))?;
        match self.layout {
            Layout::Row => {
                let values: Vec<f32> = array.values(row).map(|v| v as f32).collect();
                match values.iter().position(|v| v.is_infinite()) {
                    Some(at) => Err(Error::failed(format!("infinite value in column `x{at}`"))),
                    None => Ok(Loaded::Row(values)),
                }
            }
            Layout::Picture { shape, planes, scale } => {
                let direct = array.sample_bytes(row).filter(|_| {
                    array.header().element == Element::U8
                        && scale.max == 255.0
                        && (!planes || shape.channels == 1)
                });
                if let Some(bytes) = direct {
                    return Pixels::new(bytes.to_vec(), shape.height, shape.width, shape.channels)
                        .map(Loaded::Pixels);
                }
                let plane = shape.height * shape.width;
                let picture = if planes {
                    let order = (0..plane).flat_map(|p| (0..shape.channels).map(move |c| c * plane + p));
                    scale.picture(order.map(|k| array.value(row, k)), shape)
                } else {
                    scale.picture(array.values(row), shape)
                };
                picture.map(Loaded::Pixels)
            }
        }
    }

    fn place(&self, at: usize) -> Place {
        let file = self.files.get(at / MAX_ROWS).map(|(name, _)| name.clone());
        Place { file: file.unwrap_or_default(), row: Some((at % MAX_ROWS) as u64) }
    }
}
