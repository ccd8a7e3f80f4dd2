//! Lines of pixels filtered to twice and to half as many.

#[cfg(doc)]
use super::samples::step;
use crate::augment::diff::ada::wavelet::Taps;
use crate::nn::rows;
use crate::simd::Level;

/// Pixels of zeros at both ends of a line, as many as a filter may read there.
pub(super) const EDGE: usize = 6;

kernel! {
    /// The weighted sum of six rows, added from the first to the last, and then to what is there where `add` says so.
    pub(super) fn six(rows: [&[f32]; 6], by: &[f32; 6], add: bool, out: &mut [f32]) = six_body;
}

#[inline(always)]
fn six_body(rows: [&[f32]; 6], by: &[f32; 6], add: bool, out: &mut [f32]) {
    if add {
        each(rows, by, out, |old, sum| old + sum);
    } else {
        each(rows, by, out, |_, sum| sum);
    }
}

#[inline(always)]
fn each(rows: [&[f32]; 6], by: &[f32; 6], out: &mut [f32], then: impl Fn(f32, f32) -> f32) {
    let ([a, b, c, d, e, f], [p, q, r, s, t, u]) = (rows, *by);
    for ((((((to, a), b), c), d), e), f) in out.iter_mut().zip(a).zip(b).zip(c).zip(d).zip(e).zip(f) {
        *to = then(*to, ((((a * p + b * q) + c * r) + d * s) + e * t) + f * u);
    }
}

/// Six parts of `line`, the first from pixel `first`, the others one pixel further or back.
#[inline(always)]
fn parts(line: &[f32], n: usize, first: isize, back: bool) -> [&[f32]; 6] {
    let at = |t: isize| {
        let pixel = EDGE.saturating_add_signed(if back { first - t } else { first + t });
        line.get(pixel.saturating_mul(n)..).unwrap_or(&[])
    };
    [at(0), at(1), at(2), at(3), at(4), at(5)]
}

/// A line of pixels of `n` values between zeros to twice as many, `count` with even and as many with odd index, each behind
/// zeros. Even pixel q is the sum of taps t of pixels q + `ahead` − t, the odd one of those one further.
pub(super) fn widen(
    level: Level,
    n: usize,
    (taps, ahead): (&Taps, isize),
    line: &[f32],
    [even, odd]: [&mut [f32]; 2],
    count: usize,
) {
    let part = EDGE * n..(EDGE + count) * n;
    let even = even.get_mut(part.clone()).unwrap_or(&mut []);
    six(level, parts(line, n, ahead, true), &taps.odd, false, even);
    let odd = odd.get_mut(part).unwrap_or(&mut []);
    six(level, parts(line, n, ahead + 1, true), &taps.even, false, odd);
}

/// The adjoint of [`widen`] for −`ahead`: pixel k is the sum of taps t of even pixels k + `ahead` + t and of odd ones before
/// them.
pub(super) fn narrow(
    level: Level,
    n: usize,
    (taps, ahead): (&Taps, isize),
    [even, odd]: [&[f32]; 2],
    line: &mut [f32],
) {
    six(level, parts(even, n, ahead, false), &taps.odd, false, line);
    six(level, parts(odd, n, ahead - 1, false), &taps.even, true, line);
}

kernel! {
    /// Even and odd pixels of `n` values, each behind zeros, in turns as [`step`] says.
    pub(super) fn merge(n: usize, from: [&[f32]; 2], to: &mut [f32]) = merge_body;
}

#[inline(always)]
fn merge_body(n: usize, from: [&[f32]; 2], to: &mut [f32]) {
    let [even, odd] = from.map(|line| line.get(EDGE * n..).unwrap_or(&[]));
    match n {
        1 => {
            for ((to, even), odd) in to.as_chunks_mut::<2>().0.iter_mut().zip(even).zip(odd) {
                *to = [*even, *odd];
            }
        }
        3 => {
            let from = even.as_chunks::<3>().0.iter().zip(odd.as_chunks::<3>().0);
            for (to, ([r, g, b], [x, y, z])) in to.as_chunks_mut::<8>().0.iter_mut().zip(from) {
                *to = [*r, *g, *b, 0.0, *x, *y, *z, 0.0];
            }
        }
        n => {
            for ((to, even), odd) in rows::of_mut(to, 2 * n).zip(rows::of(even, n)).zip(rows::of(odd, n)) {
                let (first, second) = to.split_at_mut_checked(n).unwrap_or_default();
                rows::copy(even, first);
                rows::copy(odd, second);
            }
        }
    }
}

kernel! {
    /// The opposite of [`merge`].
    pub(super) fn split(n: usize, from: &[f32], to: [&mut [f32]; 2]) = split_body;
}

#[inline(always)]
fn split_body(n: usize, from: &[f32], to: [&mut [f32]; 2]) {
    let [even, odd] = to.map(|line| line.get_mut(EDGE * n..).unwrap_or(&mut []));
    match n {
        1 => {
            for ([a, b], (even, odd)) in from.as_chunks::<2>().0.iter().zip(even.iter_mut().zip(odd)) {
                (*even, *odd) = (*a, *b);
            }
        }
        3 => {
            let to = even.as_chunks_mut::<3>().0.iter_mut().zip(odd.as_chunks_mut::<3>().0);
            for ([r, g, b, _, x, y, z, _], (even, odd)) in from.as_chunks::<8>().0.iter().zip(to) {
                (*even, *odd) = ([*r, *g, *b], [*x, *y, *z]);
            }
        }
        n => {
            let to = rows::of_mut(even, n).zip(rows::of_mut(odd, n));
            for (from, (even, odd)) in rows::of(from, 2 * n).zip(to) {
                let (first, second) = from.split_at_checked(n).unwrap_or_default();
                rows::copy(first, even);
                rows::copy(second, odd);
            }
        }
    }
}
