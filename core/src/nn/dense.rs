//! The dense layer: y = x·Wᵀ + b for a batch of rows.

use super::Engine;
use super::parallel::for_pieces;
use crate::error::Result;
use crate::exec::Executor;
use crate::linalg::{Init, Operand, gemm, gemm_scratch_len};
use crate::scratch::Scratch;
use crate::simd::LANES;
use crate::view::{MatMut, MatRef};

/// A dense layer on a batch: W `[outputs, inputs]`, x `[batch, inputs]`, y `[batch, outputs]`.
#[derive(Clone, Copy)]
pub(super) struct Dense {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
}

impl Dense {
    /// Bytes of scratch that each of the functions needs at most.
    pub fn scratch_len(&self) -> usize {
        let Self { batch, inputs, outputs } = *self;
        gemm_scratch_len(batch, outputs, inputs)
            .max(gemm_scratch_len(outputs, inputs, batch))
            .max(gemm_scratch_len(batch, inputs, outputs))
    }

    pub fn forward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [weight, bias, x]: [&[f32]; 3],
        y: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let x = MatRef::new(x, self.batch, self.inputs)?;
        let weight = MatRef::new(weight, self.outputs, self.inputs)?;
        let y = MatMut::new(y, self.batch, self.outputs)?;
        gemm(on.level, on.exec, Operand::n(x), Operand::t(weight), Init::Bias(bias), y, scratch)
    }

    /// The gradients by W and b, written over what was there.
    pub fn gradients<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [x, dy]: [&[f32]; 2],
        [weight, bias]: [&mut [f32]; 2],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        column_sums(on, dy, bias);
        let x = MatRef::new(x, self.batch, self.inputs)?;
        let dy = MatRef::new(dy, self.batch, self.outputs)?;
        let weight = MatMut::new(weight, self.outputs, self.inputs)?;
        gemm(on.level, on.exec, Operand::t(dy), Operand::n(x), Init::Zero, weight, scratch)
    }

    /// The gradient by x.
    pub fn backward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [weight, dy]: [&[f32]; 2],
        dx: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let dy = MatRef::new(dy, self.batch, self.outputs)?;
        let weight = MatRef::new(weight, self.outputs, self.inputs)?;
        let dx = MatMut::new(dx, self.batch, self.inputs)?;
        gemm(on.level, on.exec, Operand::n(dy), Operand::n(weight), Init::Zero, dx, scratch)
    }
}

/// The sum of the rows of `m` (as wide as `sums`), in their order.
pub(crate) fn column_sums<E: Executor>(on: Engine<'_, E>, m: &[f32], sums: &mut [f32]) {
    let cols = sums.len();
    for_pieces(on.exec, sums, LANES, |piece, sums| {
        add_rows(on.level, m, cols, piece.saturating_mul(LANES), sums);
    });
}

kernel! {
    fn add_rows(m: &[f32], cols: usize, first: usize, sums: &mut [f32]) = add_rows_body;
}

#[inline(always)]
fn add_rows_body(m: &[f32], cols: usize, first: usize, sums: &mut [f32]) {
    sums.fill(0.0);
    for row in m.chunks_exact(cols.max(1)) {
        for (s, x) in sums.iter_mut().zip(row.get(first..).unwrap_or(&[])) {
            *s += x;
        }
    }
}
