//! Splitting the rows of one or several slices among the threads of an executor.

use crate::exec::Executor;

/// Elements below which a thread's share is not worth handing over.
const SMALLEST_SHARE: usize = 4096;

/// Parts that rows are split into at most; what these loops do is bound by memory, not by threads.
const MOST_PARTS: usize = 4;

/// Cuts each of `slices` into the same `rows` rows and calls `job(first row, parts)` on matching parts of
/// all of them, each row in one call. A slice whose length is not a multiple of `rows` loses its end.
pub(super) fn for_rows<const K: usize, E, F>(exec: &E, rows: usize, slices: [&mut [f32]; K], job: F)
where
    E: Executor,
    F: Fn(usize, &mut [&mut [f32]; K]) + Sync + Send,
{
    if rows == 0 {
        return;
    }
    let widths = slices.each_ref().map(|s| s.len() / rows);
    let widest = widths.into_iter().max().unwrap_or(0).max(1);
    let parts = exec.width().min(MOST_PARTS).min(rows.saturating_mul(widest) / SMALLEST_SHARE).max(1);
    let share = rows.div_ceil(parts);
    let mut rest = slices;
    let mut shares: heapless::Vec<(usize, [&mut [f32]; K]), MOST_PARTS> = heapless::Vec::new();
    let mut first = 0;
    while first < rows {
        let mut width = widths.into_iter();
        let part = rest.each_mut().map(|slice| {
            let n = share.min(rows - first) * width.next().unwrap_or(0);
            let (head, tail) = core::mem::take(slice).split_at_mut_checked(n).unwrap_or_default();
            *slice = tail;
            head
        });
        if shares.push((first, part)).is_err() {
            break;
        }
        first += share;
    }
    exec.for_each_chunk(&mut shares, 1, |_, shares| {
        for (first, part) in shares {
            job(*first, part);
        }
    });
}

/// `job(i, piece)` on pieces of about equal size of `out`, whole multiples of `unit` elements.
pub(super) fn for_pieces<E, F>(exec: &E, out: &mut [f32], unit: usize, job: F)
where
    E: Executor,
    F: Fn(usize, &mut [f32]) + Sync + Send,
{
    let unit = unit.max(1);
    let units = out.len().div_ceil(unit);
    let wanted = units.div_ceil(exec.width().max(1)).max(SMALLEST_SHARE / unit).max(1);
    let piece = wanted.saturating_mul(unit);
    exec.for_each_chunk(out, piece, |i, part| job(i.saturating_mul(wanted), part));
}

/// Shares that [`for_shares`] makes at most.
const MOST_SHARES: usize = 64;

/// Cuts `out` into shares of whole units of `unit` values, no more than `threads` of them nor than the executor is wide, and
/// calls `job(first unit, share, slot)` with a slot of `slots` for each, of which there are `threads`.
pub(super) fn for_shares<E, F>(
    exec: &E,
    threads: usize,
    out: &mut [f32],
    unit: usize,
    slots: &mut [f32],
    job: F,
) where
    E: Executor,
    F: Fn(usize, &mut [f32], &mut [f32]) + Sync + Send,
{
    let units = out.len().checked_div(unit).unwrap_or(0);
    if units == 0 {
        return;
    }
    let parts = exec.width().min(threads).min(MOST_SHARES).min(units).max(1);
    let share = units.div_ceil(parts);
    let slot = slots.len() / threads.max(1);
    let mut shares: heapless::Vec<(usize, &mut [f32], &mut [f32]), MOST_SHARES> = heapless::Vec::new();
    let mut slots = slots;
    for (i, part) in out.chunks_mut(share.saturating_mul(unit).max(1)).enumerate() {
        let own = slots.split_off_mut(..slot).unwrap_or(&mut []);
        if shares.push((i * share, part, own)).is_err() {
            break;
        }
    }
    exec.for_each_chunk(&mut shares, 1, |_, shares| {
        for (first, part, slot) in shares {
            job(*first, part, slot);
        }
    });
}
