//! Sums of products of bytes: tiles of sums that are held in registers while four values of k at a time are multiplied.
//!
//! Whole numbers add up to the same in any order, so that every instruction set gives the same sums. Lanes run over columns;
//! each takes four values of k in one step, as the instruction VPDPBUSD has it.
#![allow(unsafe_code)]
// Pointer arithmetic that reads better in one piece.
#![allow(clippy::multiple_unsafe_ops_per_block)]

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::simd::{LANES, Level};

/// Values of k in one step.
pub(super) const STEP: usize = 4;
/// Bytes of a line of a panel: a step of sixteen columns.
pub(super) const LINE: usize = STEP * LANES;
/// Sums of a tile at most.
const MOST_SUMS: usize = 384;

/// The left factor, bytes without a sign: row r of line l begins at `lines[l]` + r · `row`; what it is multiplied by lies in
/// `down.0` times `along.0` pieces of `len` bytes, `down.1` and `along.1` apart. A matrix is one line and one piece; a
/// convolution reads its windows so where they lie. The last step of a piece reads up to three bytes that are behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left<'a> {
    pub data: &'a [u8],
    pub lines: &'a [usize],
    pub rows: usize,
    pub row: usize,
    pub down: (usize, usize),
    pub along: (usize, usize),
    pub len: usize,
}

impl Left<'_> {
    /// Bytes of a panel of sixteen columns: what the sums start from, and a line for each step.
    fn panel(&self) -> Option<usize> {
        let pieces = self.down.0.checked_mul(self.along.0)?;
        pieces.checked_mul(self.len.div_ceil(STEP))?.checked_add(1)?.checked_mul(LINE)
    }

    /// The last byte that is read.
    fn last(&self) -> Option<usize> {
        let after = |(n, apart): (usize, usize)| n.checked_sub(1)?.checked_mul(apart);
        let line = self.lines.iter().max()?.checked_add(after((self.rows, self.row))?)?;
        if self.down.0 == 0 || self.along.0 == 0 {
            return Some(0);
        }
        let piece = line.checked_add(after(self.down)?)?.checked_add(after(self.along)?)?;
        piece.checked_add(self.len.checked_next_multiple_of(STEP)?.checked_sub(1)?)
    }
}

/// Finished sums: `rows` rows from row `row` of line `line` on, `width` of them in each row, from column `col` on.
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
    let Some((last, panel)) = left.last().zip(left.panel()) else { return };
    let fits = cols.div_ceil(LANES).checked_mul(panel).is_some_and(|all| all <= panels.len());
    if !fits || last >= left.data.len() {
        return;
    }
    let block = Block { left, a: left.data.as_ptr(), b: panels.as_ptr(), panel, cols };
    match level.0 {
        // SAFETY: the checks above cover every byte that is read.
        #[cfg(target_arch = "x86_64")]
        crate::simd::Isa::Avx512Vbmi => unsafe { x86::run_vnni(&block, each) },
        // SAFETY: as above, and the level proves AVX2.
        #[cfg(target_arch = "x86_64")]
        crate::simd::Isa::Avx2 | crate::simd::Isa::Avx512 => unsafe { x86::run_avx2(&block, each) },
        // SAFETY: as above.
        crate::simd::Isa::Base => unsafe { run_base(&block, each) },
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

// The columns are cut into strips of as many vectors as a tile of some height has registers for: those of the first entry that
// fit, which counts for no more than its rows where it is wider than `most`. The rows of a line are cut into tiles of about the
// same height. Unsafe as `tile` is, for every tile of the block.
macro_rules! run {
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
                        let height = rows.div_ceil(rows.div_ceil($max).max(1)).max(1);
                        for (line, &offset) in b.left.lines.iter().enumerate() {
                            let mut row = 0;
                            while row < rows {
                                let now = if rows - row < height { rows - row } else { height };
                                let at = At { offset: offset + row * b.left.row, col };
                                // SAFETY: as promised by the caller of `run`.
                                unsafe {
                                    match now {
                                        $($mr => tile::<$vector, $mr, $vectors>(b, at, &mut sums),)*
                                        _ => tile::<$vector, $max, $vectors>(b, at, &mut sums),
                                    }
                                }
                                let width = $vectors * <$vector as Vector>::N;
                                let cols = if b.cols - col < width { b.cols - col } else { width };
                                let sums = sums.get(..now * width).unwrap_or(&[]);
                                each(&Tile { sums, line, row, col, width, cols });
                                row += now;
                            }
                        }
                        col += $vectors * <$vector as Vector>::N;
                        continue;
                    }
                )+
                break;
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
use run;

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
    let steps = b.left.len.div_ceil(STEP);
    for y in 0..b.left.down.0 {
        for x in 0..b.left.along.0 {
            let mut a = b.a.wrapping_add(at.offset + y * b.left.down.1 + x * b.left.along.1);
            for _ in 0..steps {
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

/// Sixteen columns in what registers the target has.
#[derive(Clone, Copy)]
struct Plain([i32; LANES]);

impl Vector for Plain {
    const N: usize = LANES;
    type Row = [i16; STEP];
    type Columns = [i8; LINE];

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0; LANES])
    }

    #[inline(always)]
    unsafe fn row(from: *const u8) -> [i16; STEP] {
        // SAFETY: by the caller's promise.
        unsafe { from.cast::<[u8; STEP]>().read() }.map(i16::from)
    }

    #[inline(always)]
    unsafe fn columns(from: *const i8) -> [i8; LINE] {
        // SAFETY: by the caller's promise.
        unsafe { from.cast::<[i8; LINE]>().read() }
    }

    #[inline(always)]
    unsafe fn add(self, row: [i16; STEP], columns: [i8; LINE]) -> Self {
        let mut sums = self.0;
        let of = |a: i16, b: i8| i32::from(a) * i32::from(b);
        for (sum, column) in sums.iter_mut().zip(columns.as_chunks::<STEP>().0) {
            let ([a, b, c, d], [e, f, g, h]) = (row, *column);
            *sum = sum.wrapping_add((of(a, e) + of(b, f)) + (of(c, g) + of(d, h)));
        }
        Self(sums)
    }

    #[inline(always)]
    unsafe fn store(self, starts: *const i8, to: *mut i32) {
        // SAFETY: by the caller's promise.
        let starts = unsafe { starts.cast::<[[u8; 4]; LANES]>().read() };
        let mut sums = self.0;
        for (sum, start) in sums.iter_mut().zip(starts) {
            *sum = sum.wrapping_add(i32::from_ne_bytes(start));
        }
        // SAFETY: by the caller's promise.
        unsafe { to.cast::<[i32; LANES]>().write(sums) };
    }
}

run!(run_base, Plain, 1, 1: [1 2 / 3]);
