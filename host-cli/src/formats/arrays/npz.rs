//! NPZ, the format of `numpy.savez`: a ZIP archive of NPY files. What an array is to samples is told by its name: that
//! of our exports (`images`, `labels`, `ids`, …), or the usual ones (`x_train` and `y_train`, `train_images`, `data` and
//! `target`, `arr_0`).
//!
//! Members are unpacked once, each no further than its own header says, and their checksums are looked at before
//! anything is taken from them.

use super::named::{self, Named};
use super::{HEADER_BYTES, MAX_ROWS, Role, Set};
use crate::error::{Context, Error, Result};
use crate::formats::array::{Array, Header};
use crate::formats::data::{Data, Spool};
use crate::formats::files::{self, Member};
use crate::formats::{Format, ReadOptions, Remarks, npy, some_of};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

/// What the names of members end with.
const ENDING: &str = ".npy";

/// Whether a file that starts like this is a ZIP archive whose first member is an array.
pub fn looks_like(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(b"PK\x03\x04") else { return false };
    let length = |at: usize| rest.get(at..at + 2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    let name = length(22).and_then(|n| rest.get(26..26 + n));
    name.is_some_and(|name| name.ends_with(ENDING.as_bytes()))
}

/// The samples of the arrays of a file or of all such files below a folder.
pub fn open(path: &Path, options: &ReadOptions, remarks: &mut Remarks) -> Result<Set> {
    let (members, others) = files::members(path, Format::Npz, options.follow_links)?.warned(remarks);
    if !others.is_empty() {
        remarks.notes.push(format!("other files, not read: {}", some_of(&others)));
    }
    let mut arrays = Vec::new();
    for member in members {
        arrays.extend(unpack(&member, options, remarks).at(&member.path)?);
    }
    let ours = [Role::Ids, Role::Splits, Role::Weights]
        .iter()
        .all(|role| arrays.iter().any(|a| named::role_of(a.name()) == Some(*role)));
    let (parts, names) = named::sort(arrays, path, options, remarks)?;
    Ok(Set { parts, names, exact: ours })
}

/// An array that was looked at.
struct Found {
    name: String,
    header: Header,
    /// Where it is: from which byte on, how many there are; in the file itself where it is stored as it is.
    at: u64,
    len: u64,
    in_place: bool,
    /// Why it is not whole.
    cut: Option<String>,
}

fn damaged(e: impl std::fmt::Display) -> Error {
    Error::failed(format!("ZIP archive is damaged or cut off ({e})"))
}

/// The arrays of one file.
fn unpack(member: &Member, options: &ReadOptions, remarks: &mut Remarks) -> Result<Vec<Named>> {
    let most = options.max_unpacked;
    let data = Data::open(&member.path, most)?;
    let mut archive = ZipArchive::new(data.reader()).map_err(damaged)?;
    let names: Vec<String> =
        archive.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let bare = |name: &str| name.strip_suffix(ENDING).map(str::to_owned);
    let is_told = |name: &String| {
        let role = bare(name).and_then(|name| named::role_of(&name));
        matches!(role, Some(Role::Samples | Role::Features | Role::Texts))
    };
    let told = names.iter().any(is_told);
    let given = [options.label.as_deref(), options.group.as_deref()];
    let is_wanted = |name: &str| !told || named::role_of(name).is_some() || given.contains(&Some(name));
    let (mut spool, mut left) = (Spool::default(), most);
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for (i, name) in names.iter().enumerate() {
        let Some(name) = bare(name).filter(|name| is_wanted(name)) else {
            unread.push(name.clone());
            continue;
        };
        let within = |e: Error| e.within(format!("member `{name}{ENDING}`"));
        let header = match header(&mut archive, i).map_err(within) {
            Ok(header) => header,
            // A damaged array that tells something of the samples is not silently left out.
            Err(e) if named::role_of(&name).is_some() => return Err(e),
            Err(e) => {
                remarks.warnings.push(e.message);
                continue;
            }
        };
        let wanted = (header.start as u64).saturating_add(header.data_len().map_err(within)? as u64);
        left = left.checked_sub(wanted).ok_or_else(|| {
            within(Error::failed(format!("unpacks to more than {most} bytes")))
                .hint("raise --max-unpacked (recipe key `max_unpacked`) if it is meant to be that large")
        })?;
        let file = archive.by_index(i).map_err(damaged).map_err(within)?;
        found.push(array(file, name.clone(), header, wanted, &mut spool).map_err(within)?);
    }
    if !unread.is_empty() {
        remarks.notes.push(format!("members that are not read: {}", some_of(&unread)));
    }
    drop(archive);
    let (data, spool) = (Arc::new(data), Arc::new(spool.finish()?));
    let named = |found| named_of(member, found, &data, &spool);
    found.into_iter().map(named).collect()
}

/// What member `i` says before its elements.
fn header<R: Read + std::io::Seek>(archive: &mut ZipArchive<R>, i: usize) -> Result<Header> {
    let file = archive.by_index(i).map_err(damaged)?;
    let mut head = Vec::new();
    let read = file.take(HEADER_BYTES).read_to_end(&mut head);
    match (npy::parse_header(&head), read) {
        (Err(_), Err(e)) => Err(damaged(e)),
        (header, _) => header,
    }
}

/// Reads a member to its end, of which no more is kept than the `wanted` bytes that its header tells.
fn array<R: Read>(
    mut file: ZipFile<'_, R>,
    name: String,
    header: Header,
    wanted: u64,
    spool: &mut Spool,
) -> Result<Found> {
    let stored = file.compression() == CompressionMethod::Stored && !file.encrypted();
    let start = file.data_start().filter(|_| stored);
    let (mut at, mut len, mut cut) = (start, 0u64, None);
    let mut block = vec![0; 1 << 16];
    loop {
        let n = match file.read(&mut block) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => {
                cut = Some(match e.to_string().as_str() {
                    "Invalid checksum" => "wrong checksum".to_owned(),
                    why => format!("damaged ({why})"),
                });
                break;
            }
        };
        len += n as u64;
        if len > wanted {
            return Err(Error::failed(format!("more bytes than the shape {:?} says", header.shape)));
        }
        if start.is_none() {
            let begin = spool.push(&block[..n])?;
            at.get_or_insert(begin);
        }
    }
    let cut = cut.or((len < wanted).then(|| "the array is cut off".to_owned()));
    // Nothing is taken from bytes whose checksum is wrong.
    let len = if cut.as_deref().is_none_or(|cut| cut.ends_with("cut off")) { len } else { 0 };
    Ok(Found { name, header, at: at.unwrap_or(0), len, in_place: start.is_some(), cut })
}

fn named_of(member: &Member, found: Found, data: &Arc<Data>, spool: &Arc<Data>) -> Result<Named> {
    let Found { name, mut header, at, len, in_place, cut } = found;
    let from = if in_place { data } else { spool };
    header.fortran &= cut.is_none();
    let begin = at + header.start as u64;
    header.start = usize::try_from(begin).map_err(|_| Error::failed("file does not fit in memory"))?;
    let array = Array::within(header, from.clone(), (at + len).max(begin))
        .map_err(|e| e.within(format!("member `{name}{ENDING}`")))?;
    if array.samples() > MAX_ROWS {
        return Err(Error::failed(format!("more than {MAX_ROWS} samples")));
    }
    Ok(Named::new(member.path.clone(), member.name.clone(), Some(name), array, cut))
}
