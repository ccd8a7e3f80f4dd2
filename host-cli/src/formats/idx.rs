//! IDX, the format of MNIST: two zero bytes, the type, the number of axes, their lengths as
//! big-endian 32-bit numbers, then the elements, big-endian (LeCun, Cortes, Burges 1998).

use super::array::{Array, Element, Header};
use crate::error::{Error, Result};
use std::borrow::Cow;

const fn element(code: u8) -> Option<Element> {
    Some(match code {
        0x08 => Element::U8,
        0x09 => Element::I8,
        0x0b => Element::I16,
        0x0c => Element::I32,
        0x0d => Element::F32,
        0x0e => Element::F64,
        _ => return None,
    })
}

/// Whether a file that starts like this is IDX.
pub fn looks_like(head: &[u8]) -> bool {
    matches!(head, [0, 0, code, 1..=8, _, _, _, _, ..] if element(*code).is_some())
}

/// What an IDX file says before its elements.
///
/// # Errors
/// When the bytes are no IDX, or end within the header.
pub fn parse_header(bytes: &[u8]) -> Result<Header> {
    let [0, 0, code, axes, rest @ ..] = bytes else {
        return Err(Error::failed("not an IDX file"));
    };
    let element =
        element(*code).ok_or_else(|| Error::failed(format!("not an IDX file (type {code:#04x})")))?;
    if !(1..=8).contains(axes) {
        return Err(Error::failed(format!("IDX file with {axes} axes, not 1 to 8")));
    }
    let (lengths, _) = rest.as_chunks::<4>();
    let lengths = lengths
        .get(..usize::from(*axes))
        .ok_or_else(|| Error::failed("IDX file is cut off in its header"))?;
    let shape = lengths.iter().map(|&length| u32::from_be_bytes(length) as usize).collect();
    let start = 4 + 4 * usize::from(*axes);
    Ok(Header { element, big_endian: true, fortran: false, shape, start })
}

/// The array of an IDX file; a file that is cut off gives the samples that are whole.
///
/// # Errors
/// As [`parse_header`] and [`Array::new`].
pub fn parse<'a>(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Array<'a>> {
    let bytes = bytes.into();
    Array::new(parse_header(&bytes)?, bytes)
}
