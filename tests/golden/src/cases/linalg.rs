//! Floor 1: reductions and matrix products.

use super::{LENGTHS, fill};
use crate::Digest;
use seedbed::exec::Serial;
use seedbed::linalg::{
    Init, Operand, axpy, dot, gemm, gemm_scratch_len, scale, squared_distance, sum, sum_of_squares,
};
use seedbed::{Level, MatMut, MatRef, Result, Scratch};

/// Sums, dot products, distances and scaled sums over slices of every length class.
pub(super) fn reductions(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    for len in LENGTHS {
        let mut frame = scratch.frame();
        let (a, b) = (frame.take::<f32>(len)?, frame.take::<f32>(len)?);
        fill(1, -1e3, 1e3, a);
        fill(2, -1.0, 1.0, b);
        digest.floats(&[
            dot(level, a, b),
            squared_distance(level, a, b),
            sum(level, a),
            sum_of_squares(level, b),
        ]);
        axpy(level, 0.3, a, b);
        scale(level, -1.7, b);
        digest.floats(b);
    }
    Ok(digest.finish())
}

/// Products of every pair of transpositions and each start, over shapes that leave tails in each
/// direction and one that is deeper than a block.
pub(super) fn products(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    for (m, n, k) in [(1, 1, 1), (3, 16, 5), (7, 33, 19), (26, 20, 300), (2, 3, 0)] {
        let mut frame = scratch.frame();
        let (a, b) = (frame.take::<f32>(m * k)?, frame.take::<f32>(k * n)?);
        let (c, bias) = (frame.take::<f32>(m * n)?, frame.take::<f32>(n)?);
        fill(3, -1.0, 1.0, a);
        fill(4, -1.0, 1.0, b);
        fill(5, -1.0, 1.0, bias);
        fill(6, -1.0, 1.0, c);
        let mut memory = Scratch::new(frame.take::<u8>(gemm_scratch_len(m, n, k))?);
        let factors_a = [Operand::n(MatRef::new(a, m, k)?), Operand::t(MatRef::new(a, k, m)?)];
        let factors_b = [Operand::n(MatRef::new(b, k, n)?), Operand::t(MatRef::new(b, n, k)?)];
        for (i, (a, b)) in factors_a.iter().flat_map(|a| factors_b.iter().map(move |b| (a, b))).enumerate() {
            let init = match i {
                0 => Init::Zero,
                1 => Init::Bias(bias),
                _ => Init::Keep,
            };
            gemm(level, &Serial, *a, *b, init, MatMut::new(c, m, n)?, &mut memory)?;
            digest.floats(c);
        }
    }
    Ok(digest.finish())
}
