//! The matrix product: C ← start + A·B, each output one chain of fused multiply-adds in the order of k.
//!
//! The accumulator of an output starts from what [`Init`] says and is carried through C from one block
//! of k to the next, so that blocking, vector width and threads change no bit. B is packed into panels
//! of sixteen columns in scratch memory; A is read where it lies. Jobs of an [`Executor`] take rows of C.

mod micro;
mod pack;

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::{LANES, Level};
use crate::view::{MatMut, MatRef};

/// Values of k in one packed block: a panel of 16 columns fits the first-level cache.
const KC: usize = 256;
/// Columns in one packed block: with [`KC`] half a megabyte, which fits the second-level cache.
const NC: usize = 512;
/// Rows of C that one job takes at least; a multiple of every tile height.
const ROWS: usize = 24;
/// Multiply-adds below which a product is not worth splitting between threads.
const SPLIT_FROM: usize = 1 << 17;

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

/// Bytes of scratch that a product of (m × k) and (k × n) takes; does not depend on the level.
pub const fn gemm_scratch_len(m: usize, n: usize, k: usize) -> usize {
    if m == 0 || n == 0 || k == 0 {
        return 0;
    }
    let depth = if k < KC { k } else { KC };
    let width = if n < NC { n.next_multiple_of(LANES) } else { NC };
    ScratchLen::new().with::<f32>(depth * width).bytes()
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
    mut c: MatMut<'_, f32>,
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
    let packed_len = if m == 0 || n == 0 { 0 } else { k.min(KC) * n.next_multiple_of(LANES).min(NC) };
    let mut frame = scratch.frame();
    let packed = frame.take::<f32>(packed_len)?;
    // The kernel starts from 0 by itself; only where there is no k is nothing but the start.
    if k == 0 || !matches!(init, Init::Zero) {
        start(&mut c, init);
    }
    if packed_len == 0 {
        return Ok(());
    }
    let stride = c.stride();
    let jobs = if m * n < SPLIT_FROM / k.max(1) + 1 { 1 } else { exec.width().max(1) };
    let rows_per_job = m.div_ceil(jobs).next_multiple_of(ROWS);
    for col in (0..n).step_by(NC) {
        let cols = (n - col).min(NC);
        for depth in (0..k).step_by(KC) {
            let kc = (k - depth).min(KC);
            pack::panels(level, &b, depth, kc, col, cols, packed);
            let packed: &[f32] = packed;
            exec.for_each_chunk(c.data_mut(), rows_per_job.saturating_mul(stride), |job, piece| {
                let first = job * rows_per_job;
                // Padding after the last row may make a piece of its own.
                let rows = m.saturating_sub(first).min(rows_per_job);
                let fresh = depth == 0 && matches!(init, Init::Zero);
                micro::block(level, &a, first, rows, depth, kc, packed, piece, stride, (col, cols), fresh);
            });
        }
    }
    Ok(())
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
