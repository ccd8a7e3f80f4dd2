//! A bump arena over memory that the caller lends.
//!
//! An operation that needs temporary memory has a `scratch_len` beside it, which adds up its parts
//! with [`ScratchLen`], and takes the same parts from a [`Scratch`]. The two follow one rule: each
//! part starts on a multiple of [`ALIGN`] bytes, and one extra [`ALIGN`] lets any memory do.
#![allow(unsafe_code)]

use crate::error::{Error, Result};

/// Where each part of a scratch arena starts: multiples of a cache line, which is also the width of
/// the widest vector, on every target, so that a size asked on a host holds on the device.
pub const ALIGN: usize = 64;

mod sealed {
    /// Types without padding for which every bit pattern is a value.
    ///
    /// # Safety
    /// Only for such types, of an alignment of at most [`super::ALIGN`].
    pub unsafe trait Plain: Copy + Default {}
    macro_rules! plain {
        ($($t:ty)*) => { $(
            // SAFETY: a primitive number has no padding and no invalid bit pattern.
            unsafe impl Plain for $t {}
        )* };
    }
    plain!(u8 u16 u32 u64 usize i8 i16 i32 i64 f32 f64);
}
pub(crate) use sealed::Plain;

/// The memory of plain numbers.
pub(crate) const fn bytes<T: Plain>(of: &[T]) -> &[u8] {
    // SAFETY: `Plain` types have no padding, so each of their bytes has a value.
    unsafe { core::slice::from_raw_parts(of.as_ptr().cast(), size_of_val(of)) }
}

/// The memory of plain numbers, to write.
pub(crate) const fn bytes_mut<T: Plain>(of: &mut [T]) -> &mut [u8] {
    // SAFETY: `Plain` types have no padding and no invalid bit pattern: any bytes may be read and written.
    unsafe { core::slice::from_raw_parts_mut(of.as_mut_ptr().cast(), size_of_val(of)) }
}

/// Adds up the bytes that an operation will take from a [`Scratch`].
///
/// ```
/// use seedbed::scratch::{Scratch, ScratchLen};
/// let len = ScratchLen::new().with::<f32>(10).with::<u8>(3).bytes();
/// let mut memory = vec![0u8; len];
/// let mut scratch = Scratch::new(&mut memory);
/// assert_eq!(scratch.take::<f32>(10).unwrap().len(), 10);
/// assert_eq!(scratch.take::<u8>(3).unwrap().len(), 3);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ScratchLen {
    /// Bytes of the parts so far, `usize::MAX` once they do not fit.
    parts: usize,
}

impl ScratchLen {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { parts: 0 }
    }

    /// `n` elements of `T` more.
    #[must_use]
    pub const fn with<T>(self, n: usize) -> Self {
        let bytes = n.saturating_mul(size_of::<T>());
        let rounded = match bytes.checked_next_multiple_of(ALIGN) {
            Some(b) => b,
            None => usize::MAX,
        };
        Self { parts: self.parts.saturating_add(rounded) }
    }

    /// All of `bytes`, the answer of another operation's `scratch_len`, more.
    #[must_use]
    pub const fn with_bytes(self, bytes: usize) -> Self {
        self.with::<u8>(bytes)
    }

    /// The larger of the two: for parts that are not alive at the same time.
    #[must_use]
    pub const fn max(self, other: Self) -> Self {
        if self.parts >= other.parts { self } else { other }
    }

    /// Bytes to lend; `usize::MAX` (which nobody can lend) where the sum does not fit; 0 for no parts.
    pub const fn bytes(self) -> usize {
        if self.parts == 0 { 0 } else { self.parts.saturating_add(ALIGN) }
    }
}

/// Borrowed memory from which slices are taken one after the other.
#[derive(Debug)]
pub struct Scratch<'a> {
    rest: &'a mut [u8],
}

impl<'a> Scratch<'a> {
    /// An arena over `memory`, of any alignment.
    pub const fn new(memory: &'a mut [u8]) -> Self {
        Self { rest: memory }
    }

    /// An arena without memory, for operations that need none.
    pub const fn empty() -> Self {
        Self { rest: &mut [] }
    }

    /// The next `n` elements. Their values are whatever the memory held before.
    ///
    /// # Errors
    /// [`Error::ScratchTooSmall`] where less is left, [`Error::Overflow`] where the size is not a `usize`; nothing is
    /// taken then.
    pub fn take<T: Plain>(&mut self, n: usize) -> Result<&'a mut [T]> {
        let bytes = n.checked_mul(size_of::<T>()).ok_or(Error::Overflow)?;
        if bytes == 0 {
            return Ok(&mut []);
        }
        let pad = self.rest.as_ptr().align_offset(ALIGN);
        let end = pad.checked_add(bytes).ok_or(Error::Overflow)?;
        if end > self.rest.len() {
            return Err(Error::ScratchTooSmall);
        }
        let (used, rest) = core::mem::take(&mut self.rest).split_at_mut_checked(end).unwrap_or_default();
        self.rest = rest;
        let part = used.get_mut(pad..).unwrap_or_default();
        // SAFETY: `Plain` types hold any bit pattern, so bytes may be seen as them. The part starts on
        // a multiple of `ALIGN` and has a whole number of elements: the two ends are empty.
        let (_, whole, _) = unsafe { part.align_to_mut::<T>() };
        Ok(whole)
    }

    /// The next `n` elements, set to zero.
    ///
    /// # Errors
    /// As [`Scratch::take`].
    pub fn take_zeroed<T: Plain>(&mut self, n: usize) -> Result<&'a mut [T]> {
        let part = self.take::<T>(n)?;
        part.fill(T::default());
        Ok(part)
    }

    /// The rest of the memory as an arena whose parts are free again when it goes away.
    pub const fn frame(&mut self) -> Scratch<'_> {
        Scratch { rest: self.rest }
    }

    /// Bytes left.
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }
}

/// Owned scratch memory that grows to what it is asked for.
#[cfg(feature = "alloc")]
#[derive(Debug, Default)]
pub struct ScratchBuf(alloc::vec::Vec<u8>);

#[cfg(feature = "alloc")]
impl ScratchBuf {
    /// No memory yet.
    pub const fn new() -> Self {
        Self(alloc::vec::Vec::new())
    }

    /// An arena of at least `bytes`, an answer of `scratch_len`. Where there is not so much memory the arena is
    /// shorter, and the operation says [`Error::ScratchTooSmall`].
    pub fn arena(&mut self, bytes: usize) -> Scratch<'_> {
        let more = bytes.saturating_sub(self.0.len());
        if self.0.try_reserve_exact(more).is_ok() {
            self.0.resize(self.0.len() + more, 0);
        }
        Scratch::new(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;

    proptest! {
        #[test]
        fn what_was_added_up_can_be_taken_from_any_memory(parts in prop::collection::vec(0usize..300, 0..8),
                                                         offset in 0usize..70) {
            let len = parts.iter().enumerate().fold(ScratchLen::new(), |l, (i, &n)| match i % 3 {
                0 => l.with::<f32>(n),
                1 => l.with::<u8>(n),
                _ => l.with::<u64>(n),
            });
            let mut memory = vec![0xa5u8; len.bytes() + offset];
            let mut scratch = Scratch::new(&mut memory[offset..]);
            for (i, &n) in parts.iter().enumerate() {
                let got = match i % 3 {
                    0 => scratch.take::<f32>(n).map(|s| s.len()),
                    1 => scratch.take::<u8>(n).map(|s| s.len()),
                    _ => scratch.take_zeroed::<u64>(n).map(|s| { assert!(s.iter().all(|&v| v == 0)); s.len() }),
                };
                prop_assert_eq!(got, Ok(n));
            }
        }
    }

    #[test]
    fn too_little_memory_is_an_error_and_takes_nothing() {
        let mut memory = [0u8; 100];
        let mut scratch = Scratch::new(&mut memory);
        assert_eq!(scratch.take::<f32>(1000).unwrap_err(), Error::ScratchTooSmall);
        assert_eq!(scratch.remaining(), 100);
        assert_eq!(scratch.take::<f64>(usize::MAX).unwrap_err(), Error::Overflow);
        assert_eq!(ScratchLen::new().with::<f64>(usize::MAX).bytes(), usize::MAX);
    }

    #[test]
    fn a_frame_gives_its_parts_back() {
        let mut memory = vec![0u8; ScratchLen::new().with::<f32>(16).bytes()];
        let mut scratch = Scratch::new(&mut memory);
        for _ in 0..3 {
            assert!(scratch.frame().take::<f32>(16).is_ok());
        }
    }
}
