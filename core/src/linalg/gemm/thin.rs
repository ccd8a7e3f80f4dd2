//! Products of up to three samples where there are no vectors to fill, as on a Cortex-M: rows of B are read where they lie,
//! since packing them would cost more than they are read for, and no tile is held for chains of one or two steps.

use super::{ALONE_ROWS, Operand, Product};
use crate::math::fma;
use crate::simd::{Isa, Level};
use crate::view::MatMut;

/// Values of k below which no accumulator is held.
const THIN_STEPS: usize = 3;
/// Chains at a time.
const CHAINS: usize = 4;

/// Whether the lanes of this level are single values.
const fn scalar(level: Level) -> bool {
    matches!(level.0, Isa::Base) && !cfg!(all(target_arch = "aarch64", target_feature = "neon"))
}

impl Product<'_> {
    /// Computes the product where it is thin, from what C holds unless the chains start from 0.
    pub(super) fn thin(&self, b: &Operand<'_>, c: &mut MatMut<'_, f32>) -> bool {
        let k = if b.transposed { b.mat.cols() } else { b.mat.rows() };
        if !scalar(self.level) {
            return false;
        }
        match (self.a.transposed, b.transposed) {
            (false, true) if self.m < ALONE_ROWS => self.chains(b, c),
            (_, false) if k < THIN_STEPS => self.outer(b, c),
            _ => return false,
        }
        true
    }

    /// Each output along its rows of A and B, which both lie in the order of k.
    fn chains(&self, b: &Operand<'_>, c: &mut MatMut<'_, f32>) {
        for (i, c) in c.iter_rows_mut().enumerate() {
            let a = self.a.mat.row(i);
            let (blocks, tail) = c.as_chunks_mut::<CHAINS>();
            let done = blocks.len() * CHAINS;
            for (j, block) in blocks.iter_mut().enumerate() {
                let [b0, b1, b2, b3] = core::array::from_fn(|l| b.mat.row(j * CHAINS + l));
                let mut acc = if self.fresh { [0.0; CHAINS] } else { *block };
                for ((((&a, &b0), &b1), &b2), &b3) in a.iter().zip(b0).zip(b1).zip(b2).zip(b3) {
                    let [c0, c1, c2, c3] = acc;
                    acc = [fma(a, b0, c0), fma(a, b1, c1), fma(a, b2, c2), fma(a, b3, c3)];
                }
                *block = acc;
            }
            for (j, c) in tail.iter_mut().enumerate() {
                let start = if self.fresh { 0.0 } else { *c };
                *c = a.iter().zip(b.mat.row(done + j)).fold(start, |acc, (&a, &b)| fma(a, b, acc));
            }
        }
    }

    /// All outputs a step of k further, for each k.
    fn outer(&self, b: &Operand<'_>, c: &mut MatMut<'_, f32>) {
        let (a_row, a_k) = self.a.strides();
        for (i, c) in c.iter_rows_mut().enumerate() {
            for (k, b) in b.mat.iter_rows().enumerate() {
                let a = self.a.mat.data().get(i * a_row + k * a_k).copied().unwrap_or_default();
                step(a, b, c, self.fresh && k == 0);
            }
        }
    }
}

/// c ← a·b + c, or a·b + 0.
fn step(a: f32, b: &[f32], c: &mut [f32], fresh: bool) {
    let (b_blocks, b_tail) = b.as_chunks::<CHAINS>();
    let (c_blocks, c_tail) = c.as_chunks_mut::<CHAINS>();
    for (c, &[b0, b1, b2, b3]) in c_blocks.iter_mut().zip(b_blocks) {
        let [c0, c1, c2, c3] = if fresh { [0.0; CHAINS] } else { *c };
        *c = [fma(a, b0, c0), fma(a, b1, c1), fma(a, b2, c2), fma(a, b3, c3)];
    }
    for (c, &b) in c_tail.iter_mut().zip(b_tail) {
        *c = fma(a, b, if fresh { 0.0 } else { *c });
    }
}
