//! The matrix product: C ← start + A·B, each output one chain of fused multiply-adds in the order of k.
//!
//! The accumulator of an output starts from what [`Init`] says and is carried through C from one block
//! of k to the next, so that blocking, vector width and threads change no bit. B is packed into panels
//! of sixteen columns in scratch memory, or read where it lies where few rows pass by it; A is read where it
//! lies. Jobs of an [`Executor`] take rows of C.

mod micro;
mod pack;
mod thin;

pub(crate) use micro::{Left, Out, Right, SHALLOW, tiles};

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::{LANES, Level};
use crate::view::{MatMut, MatRef};
use core::ops::Range;

/// Values of k and columns in one packed block where many rows pass by it: it fits the second-level cache, and is so deep
/// that C is seldom read again.
const MANY: (usize, usize) = (1024, 128);
/// The same where few rows do: the block is what a tile takes, right after it was packed.
const FEW: (usize, usize) = (1024, 32);
/// And for a sample or two, as on a device, whose memory is small.
const ALONE: (usize, usize) = (64, 32);
/// Rows of C of a sample or two.
const ALONE_ROWS: usize = 4;
/// Rows of C that are few.
const FEW_ROWS: usize = 32;
/// Rows of C below which B is read where it lies, if its rows do.
const DIRECT_ROWS: usize = 48;
/// Values of B up to which it is: they fit the first-level cache.
const DIRECT_VALUES: usize = 10_240;
/// Rows of C of which a job takes whole multiples, if it takes as many: a multiple of every tile height.
const ROWS: usize = 24;
/// Multiply-adds below which a product is not worth splitting between threads.
const SPLIT_FROM: usize = 1 << 17;

/// Values of k and columns in one packed block for so many rows of C.
const fn block(m: usize) -> (usize, usize) {
    match m {
        0..ALONE_ROWS => ALONE,
        ALONE_ROWS..=FEW_ROWS => FEW,
        _ => MANY,
    }
}

/// A factor of a product: a matrix as it is stored, or transposed.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a> {
    mat: MatRef<'a, f32>,
    transposed: bool,
}

impl<'a> Operand<'a> {
    /// The matrix as it is stored.
    pub const fn n(mat: MatRef<'a, f32>) -> Self {
        Self { mat, transposed: false }
    }

    /// The transpose of the matrix; nothing is moved.
    pub const fn t(mat: MatRef<'a, f32>) -> Self {
        Self { mat, transposed: true }
    }

    /// (rows, columns) as a factor.
    const fn shape(&self) -> (usize, usize) {
        if self.transposed { (self.mat.cols(), self.mat.rows()) } else { (self.mat.rows(), self.mat.cols()) }
    }

    /// Elements from one row to the next and from one column to the next.
    const fn strides(&self) -> (usize, usize) {
        if self.transposed { (1, self.mat.stride()) } else { (self.mat.stride(), 1) }
    }
}

/// What the chain of each output starts from.
#[derive(Clone, Copy, Debug)]
pub enum Init<'a> {
    /// 0: C ← A·B.
    Zero,
    /// What is in C: C ← C + A·B.
    Keep,
    /// One value for each column of C: C ← bias + A·B.
    Bias(&'a [f32]),
}

/// Values of the largest packed block of a product of (m × k) and (k × n).
const fn packed_len(m: usize, n: usize, k: usize) -> usize {
    if m == 0 || n == 0 {
        return 0;
    }
    let (deep, wide) = block(m);
    let depth = if k < deep { k } else { deep };
    depth * if n < wide { n.next_multiple_of(LANES) } else { wide }
}

/// Bytes of scratch that a product of (m × k) and (k × n) takes; does not depend on the level.
pub const fn gemm_scratch_len(m: usize, n: usize, k: usize) -> usize {
    ScratchLen::new().with::<f32>(packed_len(m, n, k)).bytes()
}

/// C ← start + A·B for A of (m × k), B of (k × n), C of (m × n); 2·m·n·k operations.
///
/// ```
/// use seedbed::exec::Serial;
/// use seedbed::linalg::{Init, Operand, gemm, gemm_scratch_len};
/// use seedbed::{Level, MatMut, MatRef, Scratch};
///
/// let (a, b) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0]);
/// let mut c = [0.0; 2];
/// let mut memory = vec![0; gemm_scratch_len(2, 1, 2)];
/// gemm(
///     Level::detect(),
///     &Serial,
///     Operand::n(MatRef::new(&a, 2, 2)?),
///     Operand::t(MatRef::new(&b, 1, 2)?),
///     Init::Zero,
///     MatMut::new(&mut c, 2, 1)?,
///     &mut Scratch::new(&mut memory),
/// )?;
/// assert_eq!(c, [17.0, 39.0]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes do not fit, [`Error::ScratchTooSmall`] where `scratch` has
/// less than [`gemm_scratch_len`].
pub fn gemm<E: Executor>(
    level: Level,
    exec: &E,
    a: Operand<'_>,
    b: Operand<'_>,
    init: Init<'_>,
    c: MatMut<'_, f32>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    gemm_then(level, exec, a, b, init, (c, None), scratch)
}

/// What is done with pieces of rows of a product as soon as they are there, while they are still in the cache.
pub(crate) type Then<'a> = Option<&'a (dyn Fn(&mut [f32]) + Sync)>;

/// [`gemm()`], and what is done with all of C then.
///
/// # Errors
/// As [`gemm()`].
pub(crate) fn gemm_then<E: Executor>(
    level: Level,
    exec: &E,
    a: Operand<'_>,
    b: Operand<'_>,
    init: Init<'_>,
    (mut c, then): (MatMut<'_, f32>, Then<'_>),
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let ((m, k), (kb, n)) = (a.shape(), b.shape());
    let bias_fits = match init {
        Init::Bias(bias) => bias.len() == n,
        Init::Zero | Init::Keep => true,
    };
    if k != kb || (c.rows(), c.cols()) != (m, n) || !bias_fits {
        return Err(Error::ShapeMismatch);
    }
    let (deep, wide) = block(m);
    let packed_len = packed_len(m, n, k);
    let mut frame = scratch.frame();
    let packed = frame.take::<f32>(packed_len)?;
    // The kernel starts from 0 by itself; only where there is no k is nothing but the start.
    if k == 0 || !matches!(init, Init::Zero) {
        start(&mut c, init);
    }
    let product = Product { level, a, m, k, fresh: matches!(init, Init::Zero), then };
    if packed_len == 0 || product.thin(&b, &mut c) {
        product.end(&mut c);
        return Ok(());
    }
    // Columns of whole panels, where these are not packed. A panel and a bit are one tile when they are.
    let ragged = n < 2 * LANES && !n.is_multiple_of(LANES);
    let few = m < DIRECT_ROWS || !ragged && k.saturating_mul(n) <= DIRECT_VALUES;
    let direct = if b.transposed || !few { 0 } else { n - n % LANES };
    if direct > 0 {
        let right = Right { data: b.mat.data(), first: 0, line: b.mat.stride(), panel: LANES };
        product.columns(exec, right, 0..direct, 0..k, &mut c);
    }
    for col in (direct..n).step_by(wide) {
        let cols = (n - col).min(wide);
        for depth in (0..k).step_by(deep) {
            let kc = (k - depth).min(deep);
            pack::panels(level, &b, depth, kc, col, cols, packed);
            let right = Right { data: packed, first: 0, line: LANES, panel: kc * LANES };
            product.columns(exec, right, col..col + cols, depth..depth + kc, &mut c);
        }
    }
    Ok(())
}

/// C ← start + A·B for a B of `n` columns in panels of sixteen, each of which has a line for each k.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes do not fit.
pub(crate) fn gemm_packed<E: Executor>(
    level: Level,
    exec: &E,
    a: MatRef<'_, f32>,
    panels: &[f32],
    init: Init<'_>,
    (mut c, then): (MatMut<'_, f32>, Then<'_>),
) -> Result<()> {
    let (m, k, n) = (a.rows(), a.cols(), c.cols());
    if c.rows() != m || Some(panels.len()) != n.next_multiple_of(LANES).checked_mul(k) {
        return Err(Error::ShapeMismatch);
    }
    if k == 0 || !matches!(init, Init::Zero) {
        start(&mut c, init);
    }
    let product = Product { level, a: Operand::n(a), m, k, fresh: matches!(init, Init::Zero), then };
    if k == 0 {
        product.end(&mut c);
        return Ok(());
    }
    let right = Right { data: panels, first: 0, line: LANES, panel: k * LANES };
    product.columns(exec, right, 0..n, 0..k, &mut c);
    Ok(())
}

/// What all blocks of a product share.
struct Product<'a> {
    level: Level,
    a: Operand<'a>,
    m: usize,
    k: usize,
    /// Whether the chains start from 0.
    fresh: bool,
    then: Then<'a>,
}

impl Product<'_> {
    /// The part of the chains of some columns that these values of k are.
    fn columns<E: Executor>(
        &self,
        exec: &E,
        right: Right<'_>,
        cols: Range<usize>,
        ks: Range<usize>,
        c: &mut MatMut<'_, f32>,
    ) {
        let (a_row, a_k) = self.a.strides();
        let stride = c.stride();
        let small = self.m * cols.len() < SPLIT_FROM / ks.len().max(1) + 1;
        let jobs = if small { 1 } else { exec.width().max(1) };
        // Whole tiles, where there are so many that their heights matter.
        let share = self.m.div_ceil(jobs);
        let rows_per_job = if share < ROWS { share.max(1) } else { share.next_multiple_of(ROWS) };
        exec.for_each_chunk(c.data_mut(), rows_per_job.saturating_mul(stride), |job, piece| {
            let first = job * rows_per_job;
            let left = Left {
                data: self.a.mat.data(),
                first: first * a_row + ks.start * a_k,
                groups: &[0],
                // Padding after the last row may make a piece of its own.
                rows: self.m.saturating_sub(first).min(rows_per_job),
                row: a_row,
                segments: &[0],
                len: ks.len(),
                step: a_k,
            };
            let rows = left.rows;
            let out = Out { data: &mut *piece, first: cols.start, group: 0, row: stride, cols: cols.len() };
            tiles(self.level, left, right, out, self.fresh && ks.start == 0);
            if let Some(then) = self.then.filter(|_| ks.end == self.k) {
                let whole = piece.chunks_mut(stride.max(1)).take(rows);
                whole.filter_map(|row| row.get_mut(cols.clone())).for_each(then);
            }
        });
    }

    /// What is done with C where no tiles did it.
    fn end(&self, c: &mut MatMut<'_, f32>) {
        if let Some(then) = self.then {
            c.iter_rows_mut().for_each(then);
        }
    }
}

/// Writes the start of each chain into C.
fn start(c: &mut MatMut<'_, f32>, init: Init<'_>) {
    for row in c.iter_rows_mut() {
        match init {
            Init::Zero => row.fill(0.0),
            Init::Keep => return,
            Init::Bias(bias) => {
                for (c, &b) in row.iter_mut().zip(bias) {
                    *c = b;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
