//! Sums of products of bytes: tiles of sums that are held in registers while four values of k at a time are multiplied.
//!
//! Whole numbers add up to the same in any order, so that every instruction set gives the same sums. Lanes run over columns;
//! each takes four values of k in one step, as the instruction VPDPBUSD has it.
#![allow(unsafe_code)]
// Pointer arithmetic that reads better in one piece.
#![allow(clippy::multiple_unsafe_ops_per_block)]

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::simd::{Isa, LANES, Level};

/// Values of k in one step.
pub(super) const STEP: usize = 4;
/// Bytes of a line of a panel: a step of sixteen columns.
pub(super) const LINE: usize = STEP * LANES;
/// Sums of a tile at most.
const MOST_SUMS: usize = 384;

/// How the values lie that an output is made of: `down` times `along` pieces of `len` bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces {
    pub down: usize,
    pub along: usize,
    pub len: usize,
}

impl Pieces {
    /// Whether so few columns are better made one by one, with lanes that run over k: the sum of the lanes costs some steps more.
    pub fn is_narrow(&self, cols: usize) -> bool {
        let pieces = self.down.saturating_mul(self.along);
        let one_by_one =
            pieces.saturating_mul(self.len.div_ceil(LINE)).saturating_add(4).saturating_mul(cols);
        cols < LANES && one_by_one < pieces.saturating_mul(self.len.div_ceil(STEP))
    }

    /// Bytes of all weights of so many columns: panels of sixteen, each with a line of what the sums start from and one for each
    /// step; or one such line for all and, for each column, its pieces in whole lines.
    pub fn panels_len(&self, cols: usize) -> usize {
        let pieces = self.down.saturating_mul(self.along);
        if self.is_narrow(cols) {
            let lines = pieces.saturating_mul(self.len.div_ceil(LINE)).saturating_mul(cols);
            lines.saturating_add(1).saturating_mul(LINE)
        } else {
            let lines = pieces.saturating_mul(self.len.div_ceil(STEP)).saturating_add(1);
            lines.saturating_mul(LINE).saturating_mul(cols.div_ceil(LANES))
        }
    }
}

/// The left factor, bytes without a sign: row r of line l begins at `lines[l]` + r · `row`, and its pieces are `down` and `along`
/// apart. A matrix is one line and one piece; a convolution reads its windows so where they lie. With the last piece up to
/// [`BEHIND`] bytes are read that are behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left<'a> {
    pub data: &'a [u8],
    pub lines: &'a [usize],
    pub rows: usize,
    pub row: usize,
    pub pieces: Pieces,
    pub down: usize,
    pub along: usize,
}

/// Bytes behind a left factor that may be read with it.
pub(super) const BEHIND: usize = LINE;

impl Left<'_> {
    /// The byte behind the last that is read; nothing where there are no rows.
    fn end(&self) -> Option<usize> {
        let after = |n: usize, apart: usize| n.checked_sub(1)?.checked_mul(apart);
        let line = self.lines.iter().max()?.checked_add(after(self.rows, self.row)?)?;
        let Pieces { down, along, len } = self.pieces;
        if down == 0 || along == 0 || len == 0 {
            return Some(0);
        }
        let piece = line.checked_add(after(down, self.down)?)?.checked_add(after(along, self.along)?)?;
        piece.checked_add(len.checked_next_multiple_of(LINE)?)
    }
}

/// Finished sums: rows from `row` of line `line` on, `width` sums in each row, from column `col` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile<'a> {
    pub sums: &'a [i32],
    pub line: usize,
    pub row: usize,
    pub col: usize,
    pub width: usize,
    /// The columns that are there may be fewer than `width`.
    pub cols: usize,
}

/// What [`tiles`] works on, once it is checked.
struct Block<'a> {
    left: Left<'a>,
    a: *const u8,
    b: *const i8,
    /// Bytes of a panel, or of a column with lanes over k.
    panel: usize,
    cols: usize,
}

/// The sums of all rows and `cols` columns, tile by tile, to `each`.
///
/// All lengths are checked here, once; the tiles go by raw pointers. Nothing is done where anything lies outside.
pub(super) fn tiles(
    level: Level,
    left: Left<'_>,
    panels: &[i8],
    cols: usize,
    each: &mut dyn FnMut(&Tile<'_>),
) {
    let Some(end) = left.end() else { return };
    let all = left.pieces.panels_len(cols);
    if all > panels.len() || end > left.data.len() || cols == 0 {
        return;
    }
    let narrow = left.pieces.is_narrow(cols);
    let panel = if narrow { (all - LINE) / cols } else { all / cols.div_ceil(LANES) };
    let block = Block { left, a: left.data.as_ptr(), b: panels.as_ptr(), panel, cols };
    match level.0 {
        // SAFETY: the checks above cover every byte that is read.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vbmi => unsafe { x86::run_vnni(&block, narrow, each) },
        // SAFETY: as above, and the level proves AVX-512.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { x86::run_avx512(&block, narrow, each) },
        // SAFETY: as above, and the level proves AVX2.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { x86::run_avx2(&block, narrow, each) },
        // SAFETY: as above.
        Isa::Base if narrow => unsafe { narrow_base(&block, each) },
        // SAFETY: as above.
        Isa::Base => unsafe { wide_base(&block, each) },
    }
}

/// Sums of some columns in registers.
trait Vector: Copy {
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

/// Where a tile begins.
#[derive(Clone, Copy)]
struct At {
    /// In the left factor.
    offset: usize,
    col: usize,
}

// Runs the body with each tile's line, first row, rows, and place in the left factor.
macro_rules! heights {
    ($b:ident, $max:literal, |$line:ident, $row:ident, $now:ident, $offset:ident| $body:block) => {
        let rows = $b.left.rows;
        let height = rows.div_ceil(rows.div_ceil($max).max(1)).max(1);
        for ($line, &first) in $b.left.lines.iter().enumerate() {
            let mut $row = 0;
            while $row < rows {
                let $now = if rows - $row < height { rows - $row } else { height };
                let $offset = first + $row * $b.left.row;
                $body
                $row += $now;
            }
        }
    };
}
// The columns are cut into strips of as many vectors as a tile of some height has registers for: those of the first entry that
// fit, which counts for no more than its rows where it is wider than `most`. The rows of a line are cut into tiles of about the
// same height. Unsafe as `tile` is, for every tile of the block.
macro_rules! wide {
    ($name:ident, $vector:ty, $most:literal, $($vectors:literal: [$($mr:literal)* / $max:literal])+) => {
        #[inline(always)]
        unsafe fn $name(b: &Block<'_>, each: &mut dyn FnMut(&Tile<'_>)) {
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

// Columns one by one. Unsafe as `column` is.
macro_rules! narrow {
    ($name:ident, $vector:ty, [$($mr:literal)* / $max:literal]) => {
        #[inline(always)]
        unsafe fn $name(b: &Block<'_>, each: &mut dyn FnMut(&Tile<'_>)) {
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

#[cfg(target_arch = "x86_64")]
use {heights, narrow, wide};

/// The sums of `MR` rows and `NV` vectors, one row after the other.
///
/// # Safety
/// The rows and columns are inside the block; the instruction set of `V` is there.
#[inline(always)]
unsafe fn tile<V: Vector, const MR: usize, const NV: usize>(
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
                    let columns: [V::Columns; NV] = core::array::from_fn(|v| V::columns(panel[v]));
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

/// Sums in registers whose lanes run over k.
trait Along: Copy {
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
unsafe fn column<V: Along, const MR: usize>(b: &Block<'_>, at: At, sums: &mut [i32; MOST_SUMS]) {
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

wide!(wide_base, Plain, 1, 1: [1 / 2]);
narrow!(narrow_base, Lanes, [1 / 2]);
