//! The least and the greatest of squares: erosion and dilation.
//!
//! Along rows the least of two make those of four, these those of eight, and so on; three of these that overlap are a square's
//! side. Down the columns rows are taken in runs as long as a side: a square has the end of one run and the beginning of the
//! next, each of which is one comparison more than the row before (van Herk 1992, Gil and Werman 1993).

use super::blur::widen;
use super::{Border, Sample, copy_row, same, split};
use crate::error::{Error, Result};
use crate::scratch::{Plain, Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};
use core::mem::swap;

/// The largest radius of [`erode`] and [`dilate`], in pixels.
pub const MAX_SQUARE: usize = 64;

/// Values of a row with its margins.
const fn room(radius: usize, (_, width, channels): (usize, usize, usize)) -> usize {
    width.saturating_add(radius.saturating_mul(2)).saturating_mul(channels)
}

/// Bytes of scratch that [`erode`] and [`dilate`] take for an image of `shape` = (height, width, channels).
pub fn extremes_scratch_len<T: Sample>(radius: usize, shape: (usize, usize, usize)) -> usize {
    let (len, side) = (shape.1.saturating_mul(shape.2), radius.saturating_mul(2).saturating_add(1));
    let (run, room) = (len.saturating_mul(side), room(radius, shape));
    let rows = ScratchLen::new().with::<T>(room).with::<T>(room).with::<T>(len).with::<T>(len);
    rows.with::<T>(run).with::<T>(run).bytes()
}

/// Replaces each value by the least of the square of 2 · `radius` + 1 pixels around it; there is nothing outside the image.
///
/// NaN leads to any of the values, the same one on every processor.
///
/// # Errors
/// [`Error::InvalidArgument`] where `radius` is above [`MAX_SQUARE`], [`Error::ShapeMismatch`] where the shapes differ,
/// [`Error::ScratchTooSmall`].
pub fn erode<T: Sample>(
    level: Level,
    radius: usize,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    extremes(radius, src, dst, scratch, |three, to| T::least(level, three, to))
}

/// Replaces each value by the greatest of the square of 2 · `radius` + 1 pixels around it; there is nothing outside the image.
///
/// NaN leads to any of the values, the same one on every processor.
///
/// # Errors
/// As [`erode`].
pub fn dilate<T: Sample>(
    level: Level,
    radius: usize,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    extremes(radius, src, dst, scratch, |three, to| T::greatest(level, three, to))
}

/// Values of which one is the least, with the best code of a level for each kind.
pub trait Extremes: Plain {
    /// The least of each three.
    fn least(level: Level, three: [&[Self]; 3], to: &mut [Self]);
    /// The greatest of each three.
    fn greatest(level: Level, three: [&[Self]; 3], to: &mut [Self]);
}

macro_rules! extremes {
    ($($t:ident)*) => { $(
        impl Extremes for $t {
            kernel! {
                fn least(three: [&[$t]; 3], to: &mut [$t]) = least_body, with avx512;
            }

            kernel! {
                fn greatest(three: [&[$t]; 3], to: &mut [$t]) = greatest_body, with avx512;
            }
        }
    )* };
}
extremes!(u8 u16 f32);

#[inline(always)]
fn least_body<T: PartialOrd + Copy>([a, b, c]: [&[T]; 3], to: &mut [T]) {
    for (((to, a), b), c) in to.iter_mut().zip(a).zip(b).zip(c) {
        let least = if b < a { *b } else { *a };
        *to = if *c < least { *c } else { least };
    }
}

#[inline(always)]
fn greatest_body<T: PartialOrd + Copy>([a, b, c]: [&[T]; 3], to: &mut [T]) {
    for (((to, a), b), c) in to.iter_mut().zip(a).zip(b).zip(c) {
        let greatest = if b < a { *a } else { *b };
        *to = if *c < greatest { greatest } else { *c };
    }
}

/// `pick` chooses one of each three values.
fn extremes<T: Plain>(
    radius: usize,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
    pick: impl Fn([&[T]; 3], &mut [T]),
) -> Result<()> {
    if radius > MAX_SQUARE {
        return Err(Error::InvalidArgument);
    }
    same(src.shape(), dst.shape())?;
    let (height, width, channels) = src.shape();
    let (len, side, room) = (width * channels, 2 * radius + 1, room(radius, src.shape()));
    let mut frame = scratch.frame();
    let (near, next) = (frame.take::<T>(room)?, frame.take::<T>(room)?);
    let run = frame.take::<T>(len.saturating_mul(side))?;
    let ends = frame.take::<T>(len.saturating_mul(side))?;
    let (mut begun, mut more) = (frame.take::<T>(len)?, frame.take::<T>(len)?);
    let mut line = Line { radius, width, channels, near, next };
    let mut come = |row: usize, to: &mut [T]| {
        let from = Border::<T>::Edge.index(row as i64 - radius as i64, height);
        line.extremes(from.map_or(&[], |y| src.row(y)), &pick, to);
    };
    for (y, to) in dst.iter_rows_mut().enumerate() {
        if side == 3 {
            // Three rows are one comparison.
            for i in if y == 0 { 0..3 } else { 2..3 } {
                let slot = (y + i) % 3;
                come(y + i, run.get_mut(slot * len..(slot + 1) * len).unwrap_or(&mut []));
            }
            pick([0, 1, 2].map(|i| run.get(i * len..(i + 1) * len).unwrap_or(&[])), to);
            continue;
        }
        let at = y % side;
        if at == 0 {
            // The square is a run, of which the last row comes, or all of the first one.
            for i in if y == 0 { 0..side } else { side - 1..side } {
                come(y + i, run.get_mut(i * len..(i + 1) * len).unwrap_or(&mut []));
            }
            // Of each row and all after it.
            copy_row(
                ends.get_mut((side - 1) * len..).unwrap_or(&mut []),
                run.get((side - 1) * len..).unwrap_or(&[]),
            );
            for i in (0..side - 1).rev() {
                let (end, after) = split(ends, (i + 1) * len);
                let row = run.get(i * len..(i + 1) * len).unwrap_or(&[]);
                pick([row, after, after], end.get_mut(i * len..).unwrap_or(&mut []));
            }
            copy_row(to, ends);
            continue;
        }
        // The end of one run, and the next one as far as it has come.
        let row = run.get_mut((at - 1) * len..at * len).unwrap_or(&mut []);
        come(y + side - 1, row);
        if at == 1 {
            copy_row(begun, row);
        } else {
            pick([begun, row, row], more);
            swap(&mut begun, &mut more);
        }
        let end = ends.get(at * len..).unwrap_or(&[]);
        pick([begun, end, end], to);
    }
    Ok(())
}

/// A row with its margins.
struct Line<'a, T> {
    radius: usize,
    width: usize,
    channels: usize,
    near: &'a mut [T],
    next: &'a mut [T],
}

impl<T: Plain> Line<'_, T> {
    /// The extreme of so many pixels around each.
    fn extremes(&mut self, row: &[T], pick: impl Fn([&[T]; 3], &mut [T]), to: &mut [T]) {
        let channels = self.channels;
        copy_row(self.near.get_mut(self.radius * channels..).unwrap_or(&mut []), row);
        widen(self.near, self.width, channels, self.radius, Border::Edge);
        let (side, mut span) = (2 * self.radius + 1, 1);
        while 3 * span < side {
            let after = self.near.get(span * channels..).unwrap_or(&[]);
            pick([self.near, after, after], self.next);
            swap(&mut self.near, &mut self.next);
            span *= 2;
        }
        // Spans at the beginning, after it, and at the end of each part.
        let after = |pixels: usize| self.near.get(pixels * channels..).unwrap_or(&[]);
        pick([self.near, after(span.min(side - span)), after(side - span)], to);
    }
}

#[cfg(test)]
mod tests;
