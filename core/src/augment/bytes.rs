//! The byte form of a pipeline.
//!
//! All numbers are little-endian: the magic `SBPL`, a `u16` version, a `u16` count of steps, a `u32` of flags, of which
//! 1 is set where steps do not join into one map, 2 where what comes out is normalised, and 4 where that is channel by
//! channel. Where it is normalised a `u32` count of channels follows, then the means and the deviations as `f32`. Then for
//! each step a `u16` code, a `u16` count of words, the probability as `f32`, and that many 32-bit words: the parameters in
//! the order of the operation's fields, a range as two `f32`, a count as `u32`, a border as 0 to 255 for a constant, 256 for
//! edge, 257 for reflect101, 258 for reflect and 259 for wrap, a filter and an interpolation by their places in
//! [`Filter::ALL`](crate::image::Filter::ALL) and [`Interpolation::ALL`](crate::image::Interpolation::ALL), a flag as 0 or 1.

use super::normal::{MOST_CHANNELS, Normal};
use super::op::{Kind, Op};
use super::pipeline::{Pipeline, Step};
use crate::error::{Error, Result};

/// The first four bytes.
pub const MAGIC: [u8; 4] = *b"SBPL";

/// The version that this build writes and reads. Where an operation's meaning changes, a pipeline of before must not be
/// taken for one of today.
pub const VERSION: u16 = 3;

/// The flag of a pipeline whose steps do not join into one map.
const APART: u32 = 1;
/// Of one that normalises.
const NORMALISED: u32 = 2;
/// Of one that does so channel by channel.
const PLANES: u32 = 4;

impl<const N: usize> Pipeline<N> {
    /// Bytes that [`Pipeline::to_bytes`] writes.
    pub fn bytes_len(&self) -> usize {
        let words = |step: &Step| step.op.kind().map_or(0, words_of);
        let normal = self.normal().map_or(0, |normal| 4 + 8 * normal.mean.len());
        12 + normal + self.steps().iter().map(|step| 8 + 4 * words(step)).sum::<usize>()
    }

    /// Writes the pipeline to the start of `out` and returns how many bytes it takes.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], [`Error::Overflow`] for more than 65,535 steps; `out` is untouched then.
    pub fn to_bytes(&self, out: &mut [u8]) -> Result<usize> {
        let len = self.bytes_len();
        let out = out.get_mut(..len).ok_or(Error::BufferTooSmall)?;
        let count = u16::try_from(self.steps().len()).map_err(|_| Error::Overflow)?;
        let mut put = Put(out);
        put.bytes(MAGIC);
        put.bytes(VERSION.to_le_bytes());
        put.bytes(count.to_le_bytes());
        let flag = |is: bool, flag: u32| if is { flag } else { 0 };
        let normal = self.normal();
        let planes = normal.is_some_and(|normal| normal.planes);
        let flags = flag(!self.fuses(), APART) | flag(normal.is_some(), NORMALISED) | flag(planes, PLANES);
        put.bytes(flags.to_le_bytes());
        if let Some(Normal { mean, std, .. }) = normal {
            put.bytes((mean.len() as u32).to_le_bytes());
            mean.iter().chain(std).for_each(|v| put.bytes(v.to_le_bytes()));
        }
        for step in self.steps() {
            let words = step.op.kind().map_or(0, words_of) as u16;
            put.bytes(step.op.code().to_le_bytes());
            put.bytes(words.to_le_bytes());
            put.bytes(step.p.to_le_bytes());
            step.op.for_each_value(|value| {
                let (first, second) = value.encode();
                put.bytes(first.to_le_bytes());
                if let Some(second) = second {
                    put.bytes(second.to_le_bytes());
                }
            });
        }
        Ok(len)
    }

    /// The pipeline that `bytes` hold; they must end with it.
    ///
    /// # Errors
    /// [`Error::BadData`] for bytes that are cut off, too many, or mean nothing, [`Error::UnsupportedVersion`],
    /// [`Error::Unsupported`] for an operation that this build does not know, [`Error::CapacityExceeded`] for more than
    /// `N` steps, [`Error::InvalidArgument`] for a parameter out of range and for groups without all their members.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut get = Get(bytes);
        if get.bytes()? != MAGIC {
            return Err(Error::BadData);
        }
        if u16::from_le_bytes(get.bytes()?) != VERSION {
            return Err(Error::UnsupportedVersion);
        }
        let count = u16::from_le_bytes(get.bytes()?);
        let flags = u32::from_le_bytes(get.bytes()?);
        if flags & !(APART | NORMALISED | PLANES) != 0 || flags & (NORMALISED | PLANES) == PLANES {
            return Err(Error::BadData);
        }
        let mut pipeline = Self::new();
        pipeline.set_fuse(flags & APART == 0);
        if flags & NORMALISED != 0 {
            let channels = u32::from_le_bytes(get.bytes()?) as usize;
            if channels > MOST_CHANNELS {
                return Err(Error::CapacityExceeded);
            }
            let (mean, std) = (get.numbers(channels)?, get.numbers(channels)?);
            let planes = flags & PLANES != 0;
            pipeline.set_normal(Some(Normal { mean: &mean, std: &std, planes }))?;
        }
        for _ in 0..count {
            let code = u16::from_le_bytes(get.bytes()?);
            let words = u16::from_le_bytes(get.bytes()?);
            let p = f32::from_le_bytes(get.bytes()?);
            pipeline.push(get.op(code, words)?, p)?;
        }
        pipeline.validate()?;
        if get.0.is_empty() { Ok(pipeline) } else { Err(Error::BadData) }
    }
}

/// Words of the parameters of an operation.
fn words_of(kind: &'static Kind) -> usize {
    kind.fields.iter().map(|field| field.words()).sum()
}

/// Bytes still to be written.
struct Put<'a>(&'a mut [u8]);

impl Put<'_> {
    fn bytes<const K: usize>(&mut self, bytes: [u8; K]) {
        if let Some((to, rest)) = core::mem::take(&mut self.0).split_first_chunk_mut::<K>() {
            *to = bytes;
            self.0 = rest;
        }
    }
}

/// Bytes still to be read.
struct Get<'a>(&'a [u8]);

impl Get<'_> {
    fn bytes<const K: usize>(&mut self) -> Result<[u8; K]> {
        let (first, rest) = self.0.split_first_chunk::<K>().ok_or(Error::BadData)?;
        self.0 = rest;
        Ok(*first)
    }

    fn numbers(&mut self, count: usize) -> Result<heapless::Vec<f32, MOST_CHANNELS>> {
        let mut numbers = heapless::Vec::new();
        for _ in 0..count {
            numbers.push(f32::from_le_bytes(self.bytes()?)).map_err(|_| Error::CapacityExceeded)?;
        }
        Ok(numbers)
    }

    fn op(&mut self, code: u16, words: u16) -> Result<Op> {
        let kind = Kind::of(code).ok_or(Error::Unsupported)?;
        if words as usize != words_of(kind) {
            return Err(Error::BadData);
        }
        let (parameters, rest) = self.0.split_at_checked(4 * words as usize).ok_or(Error::BadData)?;
        self.0 = rest;
        let mut words = parameters.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        let values = kind.fields.iter().map_while(|field| field.decode(&mut words));
        Op::from_values(code, values).ok_or(Error::BadData)
    }
}

#[cfg(test)]
mod tests;
