//! NPY, the format of `numpy.save`, versions 1 to 3: a magic number, the length of a header, and the
//! header as a Python dictionary of `descr`, `fortran_order` and `shape`; then the elements.

use super::array::{Array, Element, Header};
use crate::error::{Error, Result};
use std::borrow::Cow;

/// The first bytes of every NPY file.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read; those of plain arrays are below 200 bytes.
pub(super) const MAX_HEADER: usize = 1 << 16;

/// What an NPY file says before its elements.
///
/// # Errors
/// When the bytes are no NPY, end within the header, or hold what is no plain array (objects,
/// structures, complex numbers, dates).
pub fn parse_header(bytes: &[u8]) -> Result<Header> {
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| Error::failed("not an NPY file"))?;
    let cut = || Error::failed("NPY file is cut off in its header");
    let (length, text) = match rest {
        [1, _, a, b, text @ ..] => (u32::from_le_bytes([*a, *b, 0, 0]), text),
        [2 | 3, _, a, b, c, d, text @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]), text),
        [1..=3, ..] | [] => return Err(cut()),
        [version, ..] => return Err(Error::failed(format!("NPY version {version} is not known"))),
    };
    let length = length as usize;
    if length > MAX_HEADER {
        return Err(Error::failed(format!("NPY header of {length} bytes is too long")));
    }
    let header = text.get(..length).ok_or_else(cut)?;
    let start = bytes.len() - text.len() + length;
    let header = std::str::from_utf8(header).map_err(|_| Error::failed("NPY header is damaged"))?;
    let (element, big_endian) = element(&field(header, "descr")?)?;
    let fortran = match field(header, "fortran_order")?.as_str() {
        "True" => true,
        "False" => false,
        other => return Err(Error::failed(format!("NPY header is damaged (fortran_order {other})"))),
    };
    Ok(Header { element, big_endian, fortran, shape: shape(&field(header, "shape")?)?, start })
}

/// The array of an NPY file; a file that is cut off gives the samples that are whole.
///
/// # Errors
/// As [`parse_header`] and [`Array::new`].
pub fn parse<'a>(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Array<'a>> {
    let bytes = bytes.into();
    Array::new(parse_header(&bytes)?, bytes)
}

/// The value of `name` in the dictionary: a quoted text without its quotes, a tuple or list with its
/// brackets, or a word.
fn field(header: &str, name: &str) -> Result<String> {
    let damaged = || Error::failed(format!("NPY header is damaged (no {name})"));
    let quoted = [format!("'{name}'"), format!("\"{name}\"")];
    let after = quoted.iter().find_map(|q| header.split_once(q.as_str())).ok_or_else(damaged)?.1;
    let value = after.trim_start().strip_prefix(':').ok_or_else(damaged)?.trim_start();
    let end_of =
        |end: char, keep: usize| value.get(1..).and_then(|v| v.find(end)).map(|n| &value[..1 + n + keep]);
    let text = match value.chars().next().ok_or_else(damaged)? {
        quote @ ('\'' | '"') => end_of(quote, 0).map(|v| &v[1..]),
        '(' => end_of(')', 1),
        '[' => end_of(']', 1),
        _ => value.split([',', '}']).next().map(str::trim_end),
    };
    text.map(str::to_owned).ok_or_else(damaged)
}

fn element(descr: &str) -> Result<(Element, bool)> {
    let unknown = || {
        Error::failed(format!("NPY elements of type `{descr}` are not read"))
            .hint("save the array with a plain type: .astype('float32'), .astype('uint8')")
    };
    let (order, kind) = descr.split_at_checked(1).ok_or_else(unknown)?;
    let big_endian = match order {
        "<" | "|" | "=" => false,
        ">" => true,
        _ => return Err(unknown()),
    };
    let element = match kind {
        "b1" => Element::Bool,
        "u1" => Element::U8,
        "i1" => Element::I8,
        "u2" => Element::U16,
        "i2" => Element::I16,
        "u4" => Element::U32,
        "i4" => Element::I32,
        "u8" => Element::U64,
        "i8" => Element::I64,
        "f2" => Element::F16,
        "f4" => Element::F32,
        "f8" => Element::F64,
        _ => match kind.split_at_checked(1).map(|(kind, length)| (kind, length.parse())) {
            Some(("U", Ok(points))) => Element::Text(points),
            Some(("S", Ok(bytes))) => Element::Bytes(bytes),
            _ => return Err(unknown()),
        },
    };
    Ok((element, big_endian))
}

fn shape(tuple: &str) -> Result<Vec<usize>> {
    let damaged = || Error::failed(format!("NPY header is damaged (shape {tuple})"));
    let inner = tuple.strip_prefix('(').and_then(|t| t.strip_suffix(')')).ok_or_else(damaged)?;
    let axes = inner.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    axes.map(|axis| axis.trim_end_matches('L').parse().map_err(|_| damaged())).collect()
}

/// The bytes before the elements of an array in C order, as `numpy.save` writes them (version 1): the
/// elements start at a multiple of 64.
pub fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", axes.join(", "));
    let before = MAGIC.len() + 4;
    let padded = (before + text.len() + 1).next_multiple_of(64) - before - 1;
    text.extend(std::iter::repeat_n(' ', padded - text.len()));
    text.push('\n');
    // A shape has few axes, so the text is far shorter than 64 KiB.
    let length = (text.len() as u16).to_le_bytes();
    [MAGIC, &[1, 0], &length, text.as_bytes()].concat()
}
