//! Loops over parameters and what belongs to them, each value read and written once.

use crate::simd::{LANES, VECTORS};

/// Values of a block: those of the lanes, or one where there are no vectors.
const BLOCK: usize = if VECTORS { LANES } else { 1 };

/// What becomes of the `K` values of one parameter, itself the first, by a value `g`, its gradient.
///
/// A trait and not a closure: only a method can be told to be inlined, and what is not inlined into a kernel
/// is compiled for the base level.
pub(super) trait Rule<const K: usize>: Copy {
    fn at(self, g: f32, values: [f32; K]) -> [f32; K];
}

#[inline(always)]
pub(super) fn one(rule: impl Rule<1>, grads: &[f32], w: &mut [f32]) {
    for (w, &g) in w.iter_mut().zip(grads) {
        [*w] = rule.at(g, [*w]);
    }
}

// Whole blocks are values of their own in between, which tells the compiler that they do not overlap.

/// In blocks of `N` values, which change no bits: of some rules the compiler makes vectors only where blocks are longer
/// than the sixteen lanes, of others it makes worse ones.
#[inline(always)]
pub(super) fn two<const N: usize>(rule: impl Rule<2>, grads: &[f32], [w, m]: [&mut [f32]; 2]) {
    let (w_blocks, w_tail) = w.as_chunks_mut::<N>();
    let (m_blocks, m_tail) = m.as_chunks_mut::<N>();
    let (g_blocks, g_tail) = grads.as_chunks::<N>();
    for ((w, m), g) in w_blocks.iter_mut().zip(m_blocks).zip(g_blocks) {
        let mut block = (*w, *m);
        for ((w, m), &g) in block.0.iter_mut().zip(&mut block.1).zip(g) {
            [*w, *m] = rule.at(g, [*w, *m]);
        }
        (*w, *m) = block;
    }
    for ((w, m), &g) in w_tail.iter_mut().zip(m_tail).zip(g_tail) {
        [*w, *m] = rule.at(g, [*w, *m]);
    }
}

#[inline(always)]
pub(super) fn three(rule: impl Rule<3>, grads: &[f32], [w, m, v]: [&mut [f32]; 3]) {
    let (w_blocks, w_tail) = w.as_chunks_mut::<BLOCK>();
    let (m_blocks, m_tail) = m.as_chunks_mut::<BLOCK>();
    let (v_blocks, v_tail) = v.as_chunks_mut::<BLOCK>();
    let (g_blocks, g_tail) = grads.as_chunks::<BLOCK>();
    for (((w, m), v), g) in w_blocks.iter_mut().zip(m_blocks).zip(v_blocks).zip(g_blocks) {
        let mut block = (*w, *m, *v);
        for (((w, m), v), &g) in block.0.iter_mut().zip(&mut block.1).zip(&mut block.2).zip(g) {
            [*w, *m, *v] = rule.at(g, [*w, *m, *v]);
        }
        (*w, *m, *v) = block;
    }
    for (((w, m), v), &g) in w_tail.iter_mut().zip(m_tail).zip(v_tail).zip(g_tail) {
        [*w, *m, *v] = rule.at(g, [*w, *m, *v]);
    }
}
