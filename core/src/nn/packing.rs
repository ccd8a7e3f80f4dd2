//! Weights in panels of sixteen columns, as the micro-kernel reads them.

use crate::simd::LANES;

/// Values that [`pack`] writes.
pub(super) const fn packed_len(k: usize, columns: usize) -> usize {
    match columns.checked_next_multiple_of(LANES) {
        Some(columns) => k.saturating_mul(columns),
        None => usize::MAX,
    }
}

/// Writes panel after panel of sixteen columns, a line for each of the `depths`, zeros for columns that are not there:
/// the value at `depth(k)` + `column(n)` of `values`.
pub(super) fn pack(
    values: &[f32],
    depths: core::ops::Range<usize>,
    columns: usize,
    (depth, column): (impl Fn(usize) -> usize, impl Fn(usize) -> usize),
    packed: &mut [f32],
) {
    let panels = packed.chunks_exact_mut(depths.len().saturating_mul(LANES).max(1));
    for (first, panel) in (0..columns).step_by(LANES).zip(panels) {
        let mut at = [usize::MAX; LANES];
        for (n, at) in (first..columns).zip(&mut at) {
            *at = column(n);
        }
        for (k, line) in depths.clone().zip(panel.as_chunks_mut::<LANES>().0) {
            let start = depth(k);
            for (to, at) in line.iter_mut().zip(at) {
                *to = values.get(start.saturating_add(at)).copied().unwrap_or(0.0);
            }
        }
    }
}
