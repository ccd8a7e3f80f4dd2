//! Tensors in safetensors files: the length of a header (u64, little endian), the header, which is a JSON object of
//! types, shapes and places, and the elements. What a tensor is to samples is told by its name, as in NPZ files.

use super::named::{self, Named};
use super::{MAX_ROWS, Set};
use crate::error::{Context, Error, Result};
use crate::formats::array::{Array, Element, Header};
use crate::formats::data::Data;
use crate::formats::{Format, ReadOptions, Remarks, files};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use std::path::Path;
use std::sync::Arc;

/// The longest header that is read, as the format has it.
const MAX_HEADER: u64 = 100_000_000;
/// Bytes of the length of the header.
const LENGTH: u64 = 8;

/// Whether a file that starts like this has such a header.
pub fn looks_like(head: &[u8]) -> bool {
    let Some((length, rest)) = head.split_first_chunk() else { return false };
    let text = rest.trim_ascii_start();
    (2..=MAX_HEADER).contains(&u64::from_le_bytes(*length))
        && matches!(text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start), Some([b'"' | b'}', ..]))
}

/// The samples of the tensors of a file or of all such files below a folder.
pub fn open(path: &Path, options: &ReadOptions, remarks: &mut Remarks) -> Result<Set> {
    let (members, others) = files::members(path, Format::Safetensors, options.follow_links)?.warned(remarks);
    if !others.is_empty() {
        remarks.notes.push(format!("other files, not read: {}", crate::formats::some_of(&others)));
    }
    let mut arrays = Vec::new();
    for member in members {
        let data = Arc::new(Data::open(&member.path, options.max_unpacked)?);
        arrays.extend(tensors(&member, &data, remarks).at(&member.path)?);
    }
    let (parts, names) = named::sort(arrays, path, options, remarks)?;
    Ok(Set { parts, names, exact: false })
}

/// The tensors of a file that are arrays of samples or of what tells of them.
fn tensors(member: &files::Member, data: &Arc<Data>, remarks: &mut Remarks) -> Result<Vec<Named>> {
    let (start, tensors) = header(data)?;
    let mut arrays = Vec::new();
    for (name, info) in tensors {
        let array = array(&info, start, data);
        let cut = data.cut.clone();
        match array {
            Ok(array) => {
                arrays.push(Named::new(member.path.clone(), member.name.clone(), Some(name), array, cut));
            }
            Err(e) if named::role_of(&name).is_some() => return Err(e.within(format!("tensor `{name}`"))),
            Err(e) => remarks.notes.push(format!("tensor `{name}` is not read: {}", e.message)),
        }
    }
    Ok(arrays)
}

/// Where the elements start, and the tensors in the order of their elements.
fn header(data: &Data) -> Result<(u64, Vec<(String, TensorInfo)>)> {
    let damaged = |e: &dyn std::fmt::Display| Error::failed(format!("header of tensors is damaged ({e})"));
    let cut = |_| Error::failed("safetensors file is cut off in its header");
    let length = data.read(0, LENGTH as usize).map_err(cut)?;
    let length = u64::from_le_bytes(*length.first_chunk().unwrap_or(&[0; 8]));
    if length > MAX_HEADER {
        return Err(Error::failed(format!("header of tensors of {length} bytes is too long")));
    }
    let text = data.read(LENGTH, length as usize).map_err(cut)?;
    let metadata: Metadata = serde_json::from_slice(&text).map_err(|e| damaged(&e))?;
    let named = metadata.offset_keys().into_iter();
    let tensors: Vec<(String, TensorInfo)> =
        named.filter_map(|name| metadata.info(&name).cloned().map(|info| (name, info))).collect();
    // Each tensor is as long as its shape says and begins where the one before ends.
    let checked = Metadata::new(None, tensors.clone()).map_err(|e| damaged(&e))?;
    let (start, wanted) = (LENGTH + length, checked.data_len() as u64);
    if data.len() - start > wanted {
        return Err(Error::failed("more bytes than the header of tensors says"));
    }
    Ok((start, tensors))
}

/// The array of a tensor, as far as it is there.
fn array(info: &TensorInfo, start: u64, data: &Arc<Data>) -> Result<Array<'static>> {
    let element = element(info.dtype)?;
    let (first, end) = info.data_offsets;
    let begin = start as usize + first;
    let header =
        Header { element, big_endian: false, fortran: false, shape: info.shape.clone(), start: begin };
    let end = (start + end as u64).min(data.len()).max(begin as u64);
    let array = Array::within(header, data.clone(), end)?;
    if array.samples() > MAX_ROWS {
        return Err(Error::failed(format!("more than {MAX_ROWS} samples")));
    }
    Ok(array)
}

fn element(kind: Dtype) -> Result<Element> {
    Ok(match kind {
        Dtype::BOOL => Element::Bool,
        Dtype::U8 => Element::U8,
        Dtype::I8 => Element::I8,
        Dtype::U16 => Element::U16,
        Dtype::I16 => Element::I16,
        Dtype::U32 => Element::U32,
        Dtype::I32 => Element::I32,
        Dtype::U64 => Element::U64,
        Dtype::I64 => Element::I64,
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        other => return Err(Error::failed(format!("elements of type {other:?} are not read"))),
    })
}
