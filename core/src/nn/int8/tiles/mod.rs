//! Sums of products of bytes: tiles of sums that are held in registers while four values of k at a time are multiplied.
//!
//! Whole numbers add up to the same in any order, so that every instruction set gives the same sums. Lanes run over columns;
//! each takes four values of k in one step, as the instruction VPDPBUSD has it.
#![allow(unsafe_code)]
// Pointer arithmetic that reads better in one piece.
#![allow(clippy::multiple_unsafe_ops_per_block)]

// Runs the body for each tile of at most so many rows, about the same for all of a line, with its line, first row, rows, and
// place in the left factor.
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

#[macro_use]
mod narrow;
#[macro_use]
mod wide;
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
        Isa::Base if narrow => unsafe { narrow::narrow_base(&block, each) },
        // SAFETY: as above.
        Isa::Base => unsafe { wide::wide_base(&block, each) },
    }
}

/// Where a tile begins.
#[derive(Clone, Copy)]
struct At {
    /// In the left factor.
    offset: usize,
    col: usize,
}
