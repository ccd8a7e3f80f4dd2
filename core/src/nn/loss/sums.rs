//! Sums over the elements of a sample, in sixteen lanes.

use crate::simd::{LANES, tree_sum};

/// A term of a sum at one place of two inputs and an output.
///
/// A trait and not a closure: only a method can be told to be inlined, and what is not inlined into a kernel
/// is compiled for the base level.
pub(super) trait Term: Copy {
    /// The term, and what the output becomes.
    fn at(self, a: f32, b: f32, out: f32) -> (f32, f32);
}

/// The sum of the terms of all places, in sixteen lanes; an empty `out` is left alone.
#[inline(always)]
pub(super) fn sum_of(term: impl Term, a: &[f32], b: &[f32], out: &mut [f32]) -> f32 {
    if out.is_empty() {
        return sum_only(term, a, b);
    }
    let mut lanes = [0f32; LANES];
    let (a_blocks, a_tail) = a.as_chunks::<LANES>();
    let (b_blocks, b_tail) = b.as_chunks::<LANES>();
    let (out_blocks, out_tail) = out.as_chunks_mut::<LANES>();
    for ((a, b), out) in a_blocks.iter().zip(b_blocks).zip(out_blocks) {
        // Blocks as values: the compiler sees that nothing overlaps, and computes all lanes at once.
        let (mut terms, mut written) = (*a, *out);
        for ((t, o), &b) in terms.iter_mut().zip(&mut written).zip(b) {
            (*t, *o) = term.at(*t, b, *o);
        }
        *out = written;
        lanes.iter_mut().zip(terms).for_each(|(lane, t)| *lane += t);
    }
    for (((lane, &a), &b), out) in lanes.iter_mut().zip(a_tail).zip(b_tail).zip(out_tail) {
        let (t, o) = term.at(a, b, *out);
        *lane += t;
        *out = o;
    }
    tree_sum(lanes)
}

/// [`sum_of`] without an output.
#[inline(always)]
pub(super) fn sum_only(term: impl Term, a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let ((a_blocks, a_tail), (b_blocks, b_tail)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += term.at(a, b, 0.0).0;
        }
    }
    for ((lane, &a), &b) in lanes.iter_mut().zip(a_tail).zip(b_tail) {
        *lane += term.at(a, b, 0.0).0;
    }
    tree_sum(lanes)
}
