//! All pairs of two sets of points, block by block: what neighbours, balls and kernels are made of.
//!
//! A block of inner products comes from the shared matrix product; with the squared norms it gives
//! |x|² + |y|² − 2·x·y, which is fast but rounds. So it is used as a lower bound only: whatever might
//! count is measured again, directly, as Σ (xᵢ − yᵢ)². Equal points are at distance 0 exactly, and every
//! result equals that of the plain double loop over [`squared_distance`].

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::{Init, Operand, gemm, gemm_scratch_len, min, squared_distance, sum_of_squares};
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::{LANES, Level};
use crate::view::{MatMut, MatRef};
use core::ops::ControlFlow;

/// Query points in one block of products.
const QUERIES: usize = 256;
/// Reference points in one block of products.
const REFS: usize = 512;
/// Query points in one job.
const JOB: usize = 16;

/// One query point and a run of reference points, with their inner products.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    /// The level of the kernels.
    pub level: Level,
    /// Number of the query point.
    pub query: usize,
    /// The query point.
    pub point: &'a [f32],
    /// Number of the first reference point of the run.
    pub first: usize,
    /// All reference points.
    pub refs: MatRef<'a, f32>,
    /// Inner products of the query with each reference point of the run.
    pub dots: &'a [f32],
    /// Squared norm of the query, made smaller by the rounding that it may hide.
    low: f32,
    /// The same for each reference point of the run.
    lows: &'a [f32],
}

impl Run<'_> {
    /// Calls `visit` with the number and the exact squared distance of each reference point that may lie
    /// within `bound` (squared), in ascending order; a few that lie outside are among them. `visit` says which
    /// bound holds from there on, or to stop.
    #[inline]
    pub fn each_within(&self, mut bound: f32, mut visit: impl FnMut(usize, f32) -> ControlFlow<(), f32>) {
        let mut from = 0;
        loop {
            let at = next_within(self.level, self.dots, self.lows, self.low - bound, from);
            if at >= self.dots.len() {
                return;
            }
            let squared = squared_distance(self.level, self.point, self.refs.row(self.first + at));
            match visit(self.first + at, squared) {
                ControlFlow::Continue(next) => bound = next,
                ControlFlow::Break(()) => return,
            }
            from = at + 1;
        }
    }
}

kernel! {
    /// The first `i ≥ from` with `base + lows[i] − 2·dots[i] ≤ 0` or NaN, or the length.
    fn next_within(dots: &[f32], lows: &[f32], base: f32, from: usize) -> usize = next_within_body;
}

#[inline(always)]
fn next_within_body(dots: &[f32], lows: &[f32], base: f32, from: usize) -> usize {
    let n = dots.len().min(lows.len());
    // True for NaN: where a product overflows, only measuring tells.
    let hit = |d: f32, l: f32| !(base + l - 2.0 * d > 0.0);
    let mut at = from.min(n);
    let (dots, lows) = (dots.get(at..n).unwrap_or(&[]), lows.get(at..n).unwrap_or(&[]));
    let ((d16, d_tail), (l16, l_tail)) = (dots.as_chunks::<LANES>(), lows.as_chunks::<LANES>());
    for (d, l) in d16.iter().zip(l16) {
        // Counted rather than found, so that the sixteen comparisons stay one vector operation.
        let hits = d.iter().zip(l).fold(0u32, |hits, (&d, &l)| hits | u32::from(hit(d, l)));
        if hits != 0 {
            let inside = d.iter().zip(l).position(|(&d, &l)| hit(d, l)).unwrap_or(0);
            return at + inside;
        }
        at += LANES;
    }
    at + d_tail.iter().zip(l_tail).position(|(&d, &l)| hit(d, l)).unwrap_or(d_tail.len())
}

/// Bytes of scratch for [`scan`] of `queries` × `refs` points of `dims` values.
pub(crate) const fn scan_scratch_len(queries: usize, refs: usize, dims: usize) -> usize {
    let (m, n) = (min(queries, QUERIES), min(refs, REFS));
    ScratchLen::new()
        .with::<f32>(queries)
        .with::<f32>(refs)
        .with::<f32>(m.saturating_mul(n))
        .with_bytes(gemm_scratch_len(m, n, dims))
        .bytes()
}

/// Shows every query point every reference point once, in ascending order of the references, in runs.
///
/// `out` has `width` elements for each query; `visit` gets a run and its query's elements. Where `radii` (squared, one
/// per reference) are given, [`Run::each_within`] compares with the bound plus the reference's own. Jobs take
/// queries, so a result never depends on how many threads there are.
#[allow(clippy::too_many_arguments)]
pub(crate) fn scan<E, T, F>(
    level: Level,
    exec: &E,
    queries: MatRef<'_, f32>,
    refs: MatRef<'_, f32>,
    radii: Option<&[f32]>,
    (out, width): (&mut [T], usize),
    scratch: &mut Scratch<'_>,
    visit: F,
) -> Result<()>
where
    E: Executor,
    T: Send,
    F: Fn(&Run<'_>, &mut [T]) + Sync + Send,
{
    let (m, n, dims) = (queries.rows(), refs.rows(), queries.cols());
    if dims != refs.cols() || radii.is_some_and(|r| r.len() != n) {
        return Err(Error::ShapeMismatch);
    }
    if out.len() != m.checked_mul(width).ok_or(Error::Overflow)? {
        return Err(Error::ShapeMismatch);
    }
    let mut frame = scratch.frame();
    let query_lows = frame.take::<f32>(m)?;
    let ref_lows = frame.take::<f32>(n)?;
    let (bm, bn) = (m.min(QUERIES), n.min(REFS));
    let dots = frame.take::<f32>(bm.checked_mul(bn).ok_or(Error::Overflow)?)?;
    if frame.remaining() < gemm_scratch_len(bm, bn, dims) {
        return Err(Error::ScratchTooSmall);
    }
    if m == 0 || n == 0 || width == 0 {
        return Ok(());
    }
    lower_norms(level, queries, query_lows);
    lower_norms(level, refs, ref_lows);
    for (low, &radius) in ref_lows.iter_mut().zip(radii.unwrap_or(&[])) {
        *low -= radius;
    }
    for (block, out) in out.chunks_mut(QUERIES.saturating_mul(width)).enumerate() {
        let top = block * QUERIES;
        let rows = queries.slice_rows(top..top + QUERIES);
        for (first, lows) in (0..n).step_by(REFS).zip(ref_lows.chunks(REFS)) {
            let cols = refs.slice_rows(first..first + REFS);
            let c = MatMut::new(&mut *dots, rows.rows(), cols.rows())?;
            gemm(level, exec, Operand::n(rows), Operand::t(cols), Init::Zero, c, &mut frame.frame())?;
            let dots = MatRef::new(&*dots, rows.rows(), cols.rows())?;
            let query_lows = &*query_lows;
            exec.for_each_chunk(out, JOB.saturating_mul(width), |job, piece| {
                for (i, out) in piece.chunks_mut(width).enumerate() {
                    let local = job * JOB + i;
                    let query = top + local;
                    let low = query_lows.get(query).copied().unwrap_or(0.0);
                    let (point, dots) = (rows.row(local), dots.row(local));
                    visit(&Run { level, query, point, first, refs, dots, low, lows }, out);
                }
            });
        }
    }
    Ok(())
}

/// Squared norms, made smaller so that with them |x|² + |y|² − 2·x·y is never above the measured distance.
///
/// With d values, u = 2⁻²⁴ and s = |x|² + |y|²: the chain of fused products is off by at most d·u·s/2, a norm
/// by (d/16 + 5)·u of itself, the sums here by 4·u·s, and the direct distance by (d/16 + 7)·u of at most 2·s.
/// (1.25·d + 64)·u covers them all. Products that fall below the smallest normal number lose at most that much
/// each; a norm that is not finite hides everything.
fn lower_norms(level: Level, points: MatRef<'_, f32>, out: &mut [f32]) {
    let hidden = (1.25 * points.cols() as f32 + 64.0) * (f32::EPSILON * 0.5);
    let lost = points.cols() as f32 * f32::MIN_POSITIVE;
    for (i, low) in out.iter_mut().enumerate() {
        let norm = sum_of_squares(level, points.row(i));
        *low = if norm.is_finite() { norm * (1.0 - hidden) - lost } else { f32::NEG_INFINITY };
    }
}
