//! Tiles of few columns, which are made one by one with lanes that run over k.

use super::{At, Block, LINE, MOST_SUMS, Pieces, STEP, Tile};
use crate::simd::LANES;

// All columns, in tiles of at most so many rows.
macro_rules! narrow {
    ($vis:vis $name:ident, $vector:ty, [$($mr:literal)* / $max:literal]) => {
        /// # Safety
        /// As [`column`], for every column of the block.
        #[inline(always)]
        $vis unsafe fn $name(b: &Block<'_>, each: &mut dyn FnMut(&Tile<'_>)) {
            let mut sums = [0i32; MOST_SUMS];
            for col in 0..b.cols {
                heights!(b, $max, |line, row, now, offset| {
                    let at = At { offset, col };
                    // SAFETY: as promised by the caller.
                    unsafe {
                        match now {
                            $($mr => column::<$vector, $mr>(b, at, &mut sums),)*
                            _ => column::<$vector, $max>(b, at, &mut sums),
                        }
                    }
                    let sums = sums.get(..now).unwrap_or(&[]);
                    each(&Tile { sums, line, row, col, width: 1, cols: 1 });
                });
            }
        }
    };
}

/// Sums in registers whose lanes run over k.
pub(super) trait Along: Copy {
    /// Values of k in a step, a part of [`LINE`].
    const K: usize;
    /// So many values of a column.
    type Column: Copy;
    /// All 0.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn zero() -> Self;
    /// Reads [`Along::K`] bytes.
    ///
    /// # Safety
    /// They must be readable, and the instruction set there.
    unsafe fn column(from: *const i8) -> Self::Column;
    /// The sums and the products with [`Along::K`] bytes more.
    ///
    /// # Safety
    /// They must be readable, and the instruction set there.
    unsafe fn add(self, row: *const u8, column: Self::Column) -> Self;
    /// The sum of the lanes.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn total(self) -> i32;
}

/// The sums of `MR` rows of a column.
///
/// # Safety
/// The rows and the column are inside the block; the instruction set of `V` is there.
#[inline(always)]
pub(super) unsafe fn column<V: Along, const MR: usize>(b: &Block<'_>, at: At, sums: &mut [i32; MOST_SUMS]) {
    // SAFETY: so says the caller.
    let mut acc = [unsafe { V::zero() }; MR];
    let mut weights = b.b.wrapping_add(LINE + at.col * b.panel);
    let Pieces { down, along, len } = b.left.pieces;
    for y in 0..down {
        for x in 0..along {
            let mut a = b.a.wrapping_add(at.offset + y * b.left.down + x * b.left.along);
            for _ in 0..len.div_ceil(LINE) * (LINE / V::K) {
                // SAFETY: pieces are read in whole lines, of which there are as many in the column.
                unsafe {
                    let column = V::column(weights);
                    for (i, acc) in acc.iter_mut().enumerate() {
                        *acc = acc.add(a.wrapping_add(i * b.left.row), column);
                    }
                }
                a = a.wrapping_add(V::K);
                weights = weights.wrapping_add(V::K);
            }
        }
    }
    let start = b.b.wrapping_add(at.col * STEP);
    // SAFETY: there is a number for each column.
    let start = i32::from_ne_bytes(unsafe { start.cast::<[u8; 4]>().read() });
    for (sum, acc) in sums.iter_mut().zip(acc) {
        // SAFETY: by the caller's promise.
        *sum = start.wrapping_add(unsafe { acc.total() });
    }
}

/// Sixteen sums, each of every sixteenth value of k.
#[derive(Clone, Copy)]
struct Lanes([i32; LANES]);

impl Along for Lanes {
    const K: usize = LANES;
    type Column = [i8; LANES];

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0; LANES])
    }

    #[inline(always)]
    unsafe fn column(from: *const i8) -> [i8; LANES] {
        // SAFETY: by the caller's promise.
        unsafe { from.cast::<[i8; LANES]>().read() }
    }

    #[inline(always)]
    unsafe fn add(self, row: *const u8, column: [i8; LANES]) -> Self {
        // SAFETY: by the caller's promise.
        let row = unsafe { row.cast::<[u8; LANES]>().read() };
        let mut sums = self.0;
        for ((sum, a), b) in sums.iter_mut().zip(row).zip(column) {
            *sum = sum.wrapping_add(i32::from(a) * i32::from(b));
        }
        Self(sums)
    }

    #[inline(always)]
    unsafe fn total(self) -> i32 {
        self.0.into_iter().fold(0, i32::wrapping_add)
    }
}

narrow!(pub(super) narrow_base, Lanes, [1 / 2]);
