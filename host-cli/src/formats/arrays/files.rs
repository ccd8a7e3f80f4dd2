//! IDX and NPY: one array in a file, labels beside samples.

use super::list::is_list_name;
use super::named::{self, Named, is_label_name, key_of, role_of};
use super::{HEADER_BYTES, MAX_ROWS, Role, Set, folder_of};
use crate::error::{Context, Error, Result};
use crate::formats::array::Array;
use crate::formats::bytes::{self, Compression};
use crate::formats::data::Data;
use crate::formats::info::FILE as INFO;
use crate::formats::{Format, ReadOptions, Remarks, idx, npy, of_head, some_of};
use std::path::{Path, PathBuf};

/// The array in a file.
fn array_of(path: PathBuf, format: Format, max_unpacked: u64) -> Result<Named> {
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
        true => {
            Error::failed(format!("more bytes than the shape {:?} says: {}", header.shape, path.display()))
        }
        false => e,
    };
    let data = Data::open(&path, most.min(max_unpacked)).map_err(too_long)?;
    let cut = data.cut.clone();
    let array = Array::of_data(header, data).at(&path)?;
    if array.samples() > MAX_ROWS {
        return Err(Error::failed(format!("more than {MAX_ROWS} samples"))).at(&path);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Named::new(path, name, None, array, cut))
}

/// The samples of a file or of all files of the format in a folder.
pub fn open(path: &Path, format: Format, options: &ReadOptions, remarks: &mut Remarks) -> Result<Set> {
    let (samples, mut labels) = if path.is_dir() {
        in_folder(path, format, options, remarks)?
    } else {
        let samples = array_of(path.to_owned(), format, options.max_unpacked)?;
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
    match options.label.as_deref() {
        Some("none") => labels.clear(),
        Some(_) if samples.len() != 1 => {
            return Err(Error::usage(
                "one file of labels for several of samples: --label (recipe key `label`)",
            )
            .hint("give a single file of samples, or pair the files by name: train_images, train_labels"));
        }
        Some(given) => {
            labels = vec![array_of(PathBuf::from(given), format, options.max_unpacked)?.labels()?];
        }
        None => {}
    }
    let parts = named::parts(samples, labels, Vec::new(), remarks)?;
    Ok(Set { parts, names: named::Names::default(), exact: false })
}

/// The files of a folder: those with samples, and those with labels.
fn in_folder(
    folder: &Path,
    format: Format,
    options: &ReadOptions,
    remarks: &mut Remarks,
) -> Result<(Vec<Named>, Vec<Named>)> {
    let (mut samples, mut labels, mut texts, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for name in bytes::files_in(folder)? {
        let (file, name) = (folder.join(&name), name.to_string_lossy().into_owned());
        if is_list_name(&name) || name == INFO {
            continue;
        }
        match kind_of(&file, &name, format) {
            Fit::Array => {
                let member = array_of(file, format, options.max_unpacked)?;
                // Of two axes, as of one label per class, it would pass for rows of features.
                let labelled = is_label_name(&name) && member.array.header().shape.len() <= 2;
                // A table of one column is not that.
                let is_table =
                    role_of(&name) == Some(Role::Features) && member.array.header().shape.len() == 2;
                match options.label {
                    _ if is_table => samples.push(member),
                    None if labelled || member.is_one_each() => labels.push(member.labels()?),
                    _ if member.is_one_each() => labels.push(member),
                    _ => samples.push(member),
                }
            }
            Fit::Text => texts.push(name),
            Fit::Other => others.push(name),
        }
    }
    let unread = |names: &[String]| {
        let some = some_of(names);
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

/// The files beside the file `path` that tell of its samples: arrays whose names have the same words but for those of
/// the role, and what an export of ours puts there.
pub fn beside(path: &Path, format: Format) -> Result<Vec<PathBuf>> {
    let folder = folder_of(path);
    let mut files = if format == Format::Cifar { Vec::new() } else { arrays_beside(path, format)? };
    files.extend(super::list::beside(folder)?);
    files.extend(super::cifar::names_beside(folder).into_iter().filter(|_| format == Format::Cifar));
    files.extend(Some(folder.join(INFO)).filter(|info| info.is_file()));
    Ok(files)
}

/// The arrays beside the file `path` whose names have the same words, but for those of the role.
fn arrays_beside(path: &Path, format: Format) -> Result<Vec<PathBuf>> {
    let folder = folder_of(path);
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
fn labels_beside(samples: &Path, format: Format, max_unpacked: u64) -> Result<Vec<Named>> {
    let mut labels = Vec::new();
    for file in arrays_beside(samples, format)? {
        let says_so = is_label_name(&file.file_name().unwrap_or_default().to_string_lossy());
        match array_of(file, format, max_unpacked) {
            // Only what says that it is the labels has to be.
            member if says_so => labels.push(member?.labels()?),
            member => labels.extend(member.ok().filter(Named::is_one_each)),
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
    match of_head(&head) {
        Ok(found) if found == format => Fit::Array,
        Err(_) if is_label_name(name) && (head.is_empty() || Compression::of(&head) != Compression::None) => {
            Fit::Array
        }
        Ok(Format::Csv) => Fit::Text,
        _ => Fit::Other,
    }
}
