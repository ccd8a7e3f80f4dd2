//! Tiles of many columns, over which the lanes run.

use super::{At, Block, LINE, MOST_SUMS, Pieces, STEP, Tile};
use crate::simd::LANES;

// The columns are cut into strips of as many vectors as a tile of some height has registers for: those of the first entry that
// fit, which counts for no more than its rows where it is wider than `most`. The rows of a line are cut into tiles of about the
// same height.
macro_rules! wide {
    ($vis:vis $name:ident, $vector:ty, $most:literal, $($vectors:literal: [$($mr:literal)* / $max:literal])+) => {
        /// # Safety
        /// As [`tile`], for every tile of the block.
        #[inline(always)]
        $vis unsafe fn $name(b: &Block<'_>, each: &mut dyn FnMut(&Tile<'_>)) {
            let rows = b.left.rows;
            let mut sums = [0i32; MOST_SUMS];
            let mut col = 0;
            while col < b.cols {
                let vectors = (b.cols - col).div_ceil(<$vector as Vector>::N);
                $(
                    if vectors >= $vectors && ($vectors <= $most || rows <= $max) {
                        const { assert!($vectors * $max * <$vector as Vector>::N <= MOST_SUMS) };
                        let width = $vectors * <$vector as Vector>::N;
                        let cols = if b.cols - col < width { b.cols - col } else { width };
                        heights!(b, $max, |line, row, now, offset| {
                            let at = At { offset, col };
                            // SAFETY: as promised by the caller.
                            unsafe {
                                match now {
                                    $($mr => tile::<$vector, $mr, $vectors>(b, at, &mut sums),)*
                                    _ => tile::<$vector, $max, $vectors>(b, at, &mut sums),
                                }
                            }
                            let sums = sums.get(..now * width).unwrap_or(&[]);
                            each(&Tile { sums, line, row, col, width, cols });
                        });
                        col += width;
                        continue;
                    }
                )+
                break;
            }
        }
    };
}

/// Sums of some columns in registers.
pub(super) trait Vector: Copy {
    /// Columns, a part of [`LANES`].
    const N: usize;
    /// Four values of a row, for every column.
    type Row: Copy;
    /// Four values of each column.
    type Columns: Copy;
    /// All 0.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn zero() -> Self;
    /// Reads four bytes.
    ///
    /// # Safety
    /// They must be readable, and the instruction set there.
    unsafe fn row(from: *const u8) -> Self::Row;
    /// Reads four bytes for each column.
    ///
    /// # Safety
    /// They must be readable, and the instruction set there.
    unsafe fn columns(from: *const i8) -> Self::Columns;
    /// The sums and four products more for each.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn add(self, row: Self::Row, columns: Self::Columns) -> Self;
    /// Writes the sums, each with what it starts from.
    ///
    /// # Safety
    /// A number of four bytes for each column must be readable and writable, and the instruction set there.
    unsafe fn store(self, starts: *const i8, to: *mut i32);
}

/// The sums of `MR` rows and `NV` vectors, one row after the other.
///
/// # Safety
/// The rows and columns are inside the block; the instruction set of `V` is there.
#[inline(always)]
pub(super) unsafe fn tile<V: Vector, const MR: usize, const NV: usize>(
    b: &Block<'_>,
    at: At,
    sums: &mut [i32; MOST_SUMS],
) {
    // SAFETY: so says the caller.
    let mut acc: [[V; NV]; MR] = [[unsafe { V::zero() }; NV]; MR];
    let starts: [*const i8; NV] = core::array::from_fn(|v| {
        let column = at.col + v * V::N;
        b.b.wrapping_add(column / LANES * b.panel + column % LANES * STEP)
    });
    let mut panel = starts.map(|at| at.wrapping_add(LINE));
    let Pieces { down, along, len } = b.left.pieces;
    for y in 0..down {
        for x in 0..along {
            let mut a = b.a.wrapping_add(at.offset + y * b.left.down + x * b.left.along);
            for _ in 0..len.div_ceil(STEP) {
                // SAFETY: there is a line for each step, and four bytes of each row.
                unsafe {
                    let columns = panel.map(|at| V::columns(at));
                    for (i, acc) in acc.iter_mut().enumerate() {
                        let row = V::row(a.wrapping_add(i * b.left.row));
                        for (acc, &columns) in acc.iter_mut().zip(&columns) {
                            *acc = acc.add(row, columns);
                        }
                    }
                }
                a = a.wrapping_add(STEP);
                panel = panel.map(|at| at.wrapping_add(LINE));
            }
        }
    }
    let mut to = sums.as_mut_ptr();
    for acc in acc {
        for (acc, starts) in acc.into_iter().zip(starts) {
            // SAFETY: a tile has no more sums than there is room for.
            unsafe { acc.store(starts, to) };
            to = to.wrapping_add(V::N);
        }
    }
}

/// Columns of [`Plain`].
const PLAIN: usize = 8;

/// Eight columns in what registers the target has: four sums for each, of every fourth value of k, since compilers make vectors
/// of lanes that do all the same.
#[derive(Clone, Copy)]
struct Plain([[i32; STEP]; PLAIN]);

impl Vector for Plain {
    const N: usize = PLAIN;
    type Row = [u8; STEP];
    type Columns = [[i8; STEP]; PLAIN];

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([[0; STEP]; PLAIN])
    }

    #[inline(always)]
    unsafe fn row(from: *const u8) -> [u8; STEP] {
        // SAFETY: by the caller's promise.
        unsafe { from.cast::<[u8; STEP]>().read() }
    }

    #[inline(always)]
    unsafe fn columns(from: *const i8) -> [[i8; STEP]; PLAIN] {
        // SAFETY: by the caller's promise.
        unsafe { from.cast::<[[i8; STEP]; PLAIN]>().read() }
    }

    #[inline(always)]
    unsafe fn add(self, row: [u8; STEP], columns: [[i8; STEP]; PLAIN]) -> Self {
        let mut all = self.0;
        for (sums, column) in all.iter_mut().zip(columns) {
            for ((sum, a), b) in sums.iter_mut().zip(row).zip(column) {
                *sum = sum.wrapping_add(i32::from(i16::from(a)) * i32::from(i16::from(b)));
            }
        }
        Self(all)
    }

    #[inline(always)]
    unsafe fn store(self, starts: *const i8, to: *mut i32) {
        // SAFETY: by the caller's promise.
        let starts = unsafe { starts.cast::<[[u8; STEP]; PLAIN]>().read() };
        let mut sums = starts.map(i32::from_ne_bytes);
        for (sum, parts) in sums.iter_mut().zip(self.0) {
            *sum = parts.into_iter().fold(*sum, i32::wrapping_add);
        }
        // SAFETY: by the caller's promise.
        unsafe { to.cast::<[i32; PLAIN]>().write(sums) };
    }
}

wide!(pub(super) wide_base, Plain, 1, 1: [1 / 2]);
