//! The dense layer: y = x·Wᵀ + b for a batch of rows.

use super::Engine;
use super::ends::Ends;
use super::packing::{pack, packed_len};
use crate::error::Result;
use crate::exec::Executor;
use crate::linalg::{Init, Operand, Then, gemm, gemm_packed, gemm_scratch_len, gemm_then};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::{MatMut, MatRef};

/// A dense layer on a batch: W `[outputs, inputs]`, x `[batch, inputs]`, y `[batch, outputs]`.
#[derive(Clone, Copy)]
pub(super) struct Product {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
}

/// What `product` makes when it is told how to end.
fn finished<T>(level: Level, ends: Ends<'_>, product: impl FnOnce(Then<'_>) -> T) -> T {
    let then = |outputs: &mut [f32]| ends.end(level, outputs);
    product(if ends.then.is_some() { Some(&then) } else { None })
}

impl Product {
    /// Bytes of scratch that each of the functions needs at most.
    pub fn scratch_len(&self) -> usize {
        let Self { batch, inputs, outputs } = *self;
        gemm_scratch_len(batch, outputs, inputs)
            .max(gemm_scratch_len(outputs, inputs, batch))
            .max(gemm_scratch_len(batch, inputs, outputs))
    }

    /// `ends` starts from the bias or zero.
    pub fn forward<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [weight, x]: [&[f32]; 2],
        ends: Ends<'_>,
        y: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let x = MatRef::new(x, self.batch, self.inputs)?;
        let weight = MatRef::new(weight, self.outputs, self.inputs)?;
        let y = MatMut::new(y, self.batch, self.outputs)?;
        finished(on.level, ends, |then| {
            gemm_then(on.level, on.exec, Operand::n(x), Operand::t(weight), ends.start, (y, then), scratch)
        })
    }

    /// Values of W as [`Product::forward_packed`] reads it.
    pub const fn packed_len(&self) -> usize {
        packed_len(self.inputs, self.outputs)
    }

    /// Writes it.
    pub fn pack(&self, weight: &[f32], packed: &mut [f32]) {
        let inputs = self.inputs;
        pack(weight, 0..inputs, self.outputs, (|k| k, |n| n * inputs), packed);
    }

    /// [`Product::forward`] by a W that [`Product::pack`] wrote.
    pub fn forward_packed<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [packed, x]: [&[f32]; 2],
        ends: Ends<'_>,
        y: &mut [f32],
    ) -> Result<()> {
        let x = MatRef::new(x, self.batch, self.inputs)?;
        let y = MatMut::new(y, self.batch, self.outputs)?;
        finished(on.level, ends, |then| gemm_packed(on.level, on.exec, x, packed, ends.start, (y, then)))
    }

    /// grad ← 0 or what it is + the gradient by W; the chains go on from one call to the next.
    pub fn gradient<E: Executor>(
        &self,
        on: Engine<'_, E>,
        [x, dy]: [&[f32]; 2],
        init: Init<'_>,
        grad: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let x = MatRef::new(x, self.batch, self.inputs)?;
        let dy = MatRef::new(dy, self.batch, self.outputs)?;
        let grad = MatMut::new(grad, self.outputs, self.inputs)?;
        gemm(on.level, on.exec, Operand::t(dy), Operand::n(x), init, grad, scratch)
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
