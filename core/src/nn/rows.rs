//! Rows of flat slices, cut and copied without a way to panic: a width of 0 counts as 1, and a copy ends
//! with the shorter side. Where lengths must fit, the caller has checked them; the compiler cannot know.

use crate::error::{Error, Result};

/// How many rows of `width` values `len` values are.
///
/// # Errors
/// [`Error::ShapeMismatch`] where it is no whole number, or the width is 0.
pub(crate) fn count(len: usize, width: usize) -> Result<usize> {
    match (len.checked_div(width), len.checked_rem(width)) {
        (Some(n), Some(0)) => Ok(n),
        _ => Err(Error::ShapeMismatch),
    }
}

/// The rows of `width` values; what is left over at the end is none.
// Not the iterator of `core`, which counts its rows by a division that the compiler cannot always see to be safe.
#[inline]
pub(crate) fn of<T>(v: &[T], width: usize) -> Rows<'_, T> {
    Rows { rest: v, width: width.max(1) }
}

/// The same, to write.
#[inline]
pub(crate) fn of_mut<T>(v: &mut [T], width: usize) -> RowsMut<'_, T> {
    RowsMut { rest: v, width: width.max(1) }
}

/// See [`of`].
#[derive(Clone)]
pub(crate) struct Rows<'a, T> {
    rest: &'a [T],
    width: usize,
}

impl<'a, T> Iterator for Rows<'a, T> {
    type Item = &'a [T];

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.rest.split_off(..self.width)
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        if n.checked_mul(self.width).and_then(|skipped| self.rest.split_off(..skipped)).is_none() {
            self.rest = &[];
        }
        self.next()
    }
}

/// See [`of_mut`].
pub(crate) struct RowsMut<'a, T> {
    rest: &'a mut [T],
    width: usize,
}

impl<'a, T> Iterator for RowsMut<'a, T> {
    type Item = &'a mut [T];

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.rest.split_off_mut(..self.width)
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        if n.checked_mul(self.width).and_then(|skipped| self.rest.split_off_mut(..skipped)).is_none() {
            self.rest = &mut [];
        }
        self.next()
    }
}

/// Copies the common prefix.
pub(crate) fn copy<T: Copy>(from: &[T], to: &mut [T]) {
    to.iter_mut().zip(from).for_each(|(t, f)| *t = *f);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_exact_chunks() {
        let mut values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        for width in [0, 1, 2, 3, 7, 8] {
            let want = || values.chunks_exact(width.max(1));
            assert!(of(&values, width).eq(want()), "{width}");
            for n in [0, 1, 2, 6, 7, usize::MAX] {
                assert!(of(&values, width).skip(n).eq(want().skip(n)), "{width} {n}");
                let mut past = of(&values, width);
                let mut chunks = want();
                assert_eq!((past.nth(n), past.next()), (chunks.nth(n), chunks.next()), "{width} {n}");
            }
        }
        for n in [1, 9, usize::MAX] {
            let mut rows = of_mut(&mut values, 2);
            assert_eq!(rows.nth(n).map(|row| row[0]), if n == 1 { Some(2.0) } else { None });
            assert_eq!(rows.next().map(|row| row[0]), if n == 1 { Some(4.0) } else { None });
        }
    }
}
