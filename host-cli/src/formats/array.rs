//! Arrays in bytes, as IDX, NPY and other formats hold them: a shape, a type of element, and the elements.

use super::data::Data;
use crate::error::{Error, Result};
use half::{bf16, f16};
use std::borrow::Cow;
use std::sync::Arc;

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// One byte, 0 or 1.
    Bool,
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 16 bits.
    I16,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 64 bits.
    U64,
    /// Signed, 64 bits.
    I64,
    /// IEEE half.
    F16,
    /// The upper half of an IEEE single (bfloat16).
    Bf16,
    /// IEEE single.
    F32,
    /// IEEE double.
    F64,
    /// Text of so many code points of 32 bits, padded with zeros.
    Text(usize),
    /// Text of so many bytes, padded with zeros.
    Bytes(usize),
}

impl Element {
    /// Bytes of one element; more than memory holds for absurd texts.
    pub const fn size(self) -> usize {
        match self {
            Element::Bool | Element::U8 | Element::I8 => 1,
            Element::U16 | Element::I16 | Element::F16 | Element::Bf16 => 2,
            Element::U32 | Element::I32 | Element::F32 => 4,
            Element::U64 | Element::I64 | Element::F64 => 8,
            Element::Text(points) => points.saturating_mul(4),
            Element::Bytes(n) => n,
        }
    }

    /// Whether the elements are texts rather than numbers.
    pub const fn is_text(self) -> bool {
        matches!(self, Element::Text(_) | Element::Bytes(_))
    }
}

/// What is said before the elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The type of the elements.
    pub element: Element,
    /// Whether the high byte comes first.
    pub big_endian: bool,
    /// Whether the first index runs fastest (Fortran order), rather than the last.
    pub fortran: bool,
    /// The length of each axis; the first counts the samples.
    pub shape: Vec<usize>,
    /// Where the elements start.
    pub start: usize,
}

impl Header {
    /// Elements of one sample: the product of the axes after the first.
    ///
    /// # Errors
    /// When it does not fit the address space.
    pub fn sample_len(&self) -> Result<usize> {
        let product = self.shape.iter().skip(1).try_fold(1usize, |n, &axis| n.checked_mul(axis));
        product.ok_or_else(|| Error::failed(format!("shape {:?} does not fit in memory", self.shape)))
    }

    /// Bytes of all elements.
    ///
    /// # Errors
    /// As [`Header::sample_len`].
    pub fn data_len(&self) -> Result<usize> {
        let samples = self.shape.first().copied().unwrap_or(1);
        let bytes = self.sample_len()?.checked_mul(self.element.size()).and_then(|n| n.checked_mul(samples));
        bytes.ok_or_else(|| Error::failed(format!("shape {:?} does not fit in memory", self.shape)))
    }
}

/// Where the bytes of an array are.
#[derive(Debug)]
enum Store<'a> {
    Memory(Cow<'a, [u8]>),
    /// Of these data the bytes before the second.
    Data(Arc<Data>, u64),
}

impl Store<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::Data(_, end) => usize::try_from(*end).unwrap_or(usize::MAX),
        }
    }

    /// Bytes that are there.
    fn read(&self, at: usize, len: usize) -> Result<Cow<'_, [u8]>> {
        match self {
            Self::Memory(bytes) => {
                let part = at.checked_add(len).and_then(|end| bytes.get(at..end));
                part.map(Cow::Borrowed).ok_or_else(|| Error::failed("no such element"))
            }
            Self::Data(data, _) => data.read(at as u64, len),
        }
    }
}

/// An array over bytes that may end before the last of its samples.
#[derive(Debug)]
pub struct Array<'a> {
    header: Header,
    store: Store<'a>,
    sample_len: usize,
    samples: usize,
    /// Bytes from the beginning of a sample to that of the next.
    step: usize,
}

impl<'a> Array<'a> {
    /// An array of this header over the bytes of its file, header included.
    ///
    /// # Errors
    /// When the shape does not fit the address space, has no axis or only empty samples; when there
    /// are more bytes than the shape says; when an array in Fortran order is not whole.
    pub fn new(header: Header, bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        Self::over(header, Store::Memory(bytes.into()))
    }

    /// The same over the bytes of a file, which stay where they are but for Fortran order, where a sample is not in one
    /// piece.
    ///
    /// # Errors
    /// As [`Array::new`], or when the bytes cannot be read.
    pub fn of_data(header: Header, data: Data) -> Result<Self> {
        let end = data.len();
        Self::within(header, Arc::new(data), end)
    }

    /// The same over the bytes of a file before `end`, of which the header tells where the elements start.
    ///
    /// # Errors
    /// As [`Array::of_data`].
    pub fn within(header: Header, data: Arc<Data>, end: u64) -> Result<Self> {
        if header.fortran {
            let len = usize::try_from(end.saturating_sub(header.start as u64))
                .map_err(|_| Error::failed("file does not fit in memory"))?;
            let bytes = data.read(header.start as u64, len)?.into_owned();
            return Self::new(Header { start: 0, ..header }, bytes);
        }
        Self::over(header, Store::Data(data, end))
    }

    /// An array whose samples begin `step` bytes after each other, with something else between them.
    ///
    /// # Errors
    /// When they are not all there, or would overlap.
    pub fn spaced(header: Header, data: Arc<Data>, step: usize) -> Result<Self> {
        let (sample_len, samples) = (header.sample_len()?, header.shape.first().copied().unwrap_or(0));
        let len = sample_len.saturating_mul(header.element.size());
        let last = samples.saturating_sub(1).checked_mul(step).and_then(|at| at.checked_add(header.start));
        let end = last.and_then(|at| at.checked_add(len)).map(|end| end as u64);
        if samples == 0 || step < len || len == 0 || end.is_none_or(|end| end > data.len()) {
            return Err(Error::failed(format!("no array of shape {:?}", header.shape)));
        }
        let store = Store::Data(data.clone(), data.len());
        Ok(Self { header, store, sample_len, samples, step })
    }

    fn over(header: Header, store: Store<'a>) -> Result<Self> {
        let (sample_len, wanted) = (header.sample_len()?, header.data_len()?);
        let there = store.len().saturating_sub(header.start);
        let Some(&claimed) = header.shape.first() else {
            return Err(Error::failed("array has no axis"));
        };
        let sample_bytes = sample_len.saturating_mul(header.element.size());
        if sample_bytes == 0 {
            return Err(Error::failed(format!("array of shape {:?} has no elements", header.shape)));
        }
        if there > wanted {
            return Err(Error::failed(format!("more bytes than the shape {:?} says", header.shape)));
        }
        let samples = if there == wanted { claimed } else { there / sample_bytes };
        if header.fortran && samples < claimed {
            return Err(Error::failed("file is cut off, and its Fortran order leaves no sample whole"));
        }
        Ok(Self { header, store, sample_len, samples, step: sample_bytes })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// How many samples are there whole.
    pub const fn samples(&self) -> usize {
        self.samples
    }

    /// How many samples the header promises but the bytes do not hold.
    pub fn missing(&self) -> usize {
        self.header.shape.first().map_or(0, |n| n - self.samples)
    }

    /// Elements of one sample.
    pub const fn sample_len(&self) -> usize {
        self.sample_len
    }

    /// The bytes of sample `i` in the order of its axes.
    ///
    /// # Errors
    /// When there is no such sample, or its bytes cannot be read any more.
    pub fn sample_bytes(&self, i: usize) -> Result<Cow<'_, [u8]>> {
        if i >= self.samples {
            return Err(Error::failed("no such sample"));
        }
        // The whole array fits the address space, and so do its parts.
        let size = self.header.element.size();
        if !self.header.fortran || self.sample_len == 1 {
            return self.store.read(self.header.start + i * self.step, self.sample_len * size);
        }
        let mut bytes = Vec::with_capacity(self.sample_len * size);
        for k in 0..self.sample_len {
            let at = self.fortran_index(i, k).ok_or_else(|| Error::failed("no such element"))?;
            bytes.extend_from_slice(&self.store.read(self.header.start + at * size, size)?);
        }
        Ok(Cow::Owned(bytes))
    }

    /// The elements of sample `i` as numbers, in the order of its axes: NaN for texts; whole numbers beyond 2⁵³ are
    /// rounded.
    ///
    /// # Errors
    /// As [`Array::sample_bytes`].
    pub fn values(&self, i: usize) -> Result<Vec<f64>> {
        let bytes = self.sample_bytes(i)?;
        Ok(bytes.chunks_exact(self.header.element.size().max(1)).map(|b| self.number(b)).collect())
    }

    /// Sample `i` of an array of one axis as the text of a label: whole numbers without a point.
    ///
    /// # Errors
    /// As [`Array::sample_bytes`].
    pub fn label(&self, i: usize) -> Result<Option<String>> {
        let element = self.header.element;
        if element.is_text() {
            return self.text(i).map(|text| Some(text).filter(|text| !text.is_empty()));
        }
        let bytes = self.sample_bytes(i)?;
        Ok(match element {
            // A double does not hold them all.
            Element::U64 => self.order(&bytes).map(|b| u64::from_le_bytes(b).to_string()),
            Element::I64 => self.order(&bytes).map(|b| i64::from_le_bytes(b).to_string()),
            _ => {
                let value = self.number(bytes.get(..element.size()).unwrap_or_default());
                value.is_finite().then(|| value.to_string())
            }
        })
    }

    /// Sample `i` of an array of texts of one axis, up to the zeros at its end.
    ///
    /// # Errors
    /// As [`Array::sample_bytes`], or when it is no text.
    pub fn text(&self, i: usize) -> Result<String> {
        let bytes = self.sample_bytes(i)?;
        let wrong = || Error::failed(format!("no text at index {i}"));
        match self.header.element {
            Element::Text(_) => {
                let points: Vec<u32> =
                    bytes.chunks_exact(4).filter_map(|b| self.order(b).map(u32::from_le_bytes)).collect();
                let end = points.iter().rposition(|&p| p != 0).map_or(0, |last| last + 1);
                points[..end].iter().map(|&p| char::from_u32(p)).collect::<Option<_>>().ok_or_else(wrong)
            }
            Element::Bytes(_) => {
                let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
                String::from_utf8(bytes[..end].to_vec()).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    }

    /// Where element `k` (last axis fastest) of sample `i` is when the first axis runs fastest.
    fn fortran_index(&self, i: usize, k: usize) -> Option<usize> {
        let (mut rest, mut at) = (k, 0usize);
        let mut stride = self.header.shape.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis))?;
        for &axis in self.header.shape.iter().skip(1).rev() {
            stride /= axis;
            at = at.checked_add((rest % axis).checked_mul(stride)?)?;
            rest /= axis;
        }
        at.checked_add(i)
    }

    /// The bytes of one element with the low byte first.
    fn order<const N: usize>(&self, bytes: &[u8]) -> Option<[u8; N]> {
        let mut array: [u8; N] = bytes.try_into().ok()?;
        if self.header.big_endian {
            array.reverse();
        }
        Some(array)
    }

    fn number(&self, bytes: &[u8]) -> f64 {
        let number = match self.header.element {
            Element::Bool | Element::U8 => bytes.first().map(|&b| f64::from(b)),
            Element::I8 => bytes.first().map(|&b| f64::from(b as i8)),
            Element::U16 => self.order(bytes).map(|b| f64::from(u16::from_le_bytes(b))),
            Element::I16 => self.order(bytes).map(|b| f64::from(i16::from_le_bytes(b))),
            Element::U32 => self.order(bytes).map(|b| f64::from(u32::from_le_bytes(b))),
            Element::I32 => self.order(bytes).map(|b| f64::from(i32::from_le_bytes(b))),
            Element::U64 => self.order(bytes).map(|b| u64::from_le_bytes(b) as f64),
            Element::I64 => self.order(bytes).map(|b| i64::from_le_bytes(b) as f64),
            Element::F16 => self.order(bytes).map(|b| f16::from_le_bytes(b).to_f64()),
            Element::Bf16 => self.order(bytes).map(|b| bf16::from_le_bytes(b).to_f64()),
            Element::F32 => self.order(bytes).map(|b| f64::from(f32::from_le_bytes(b))),
            Element::F64 => self.order(bytes).map(f64::from_le_bytes),
            Element::Text(_) | Element::Bytes(_) => None,
        };
        number.unwrap_or(f64::NAN)
    }
}
