//! The kernel distance (Bińkowski et al. 2018): the unbiased squared maximum mean discrepancy with the kernel
//! (⟨x, y⟩/d + 1)³.

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::distance::{Run, scan, scan_scratch_len};
use crate::rng::{Key, Stream};
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::{LANES, Level, tree_sum};
use crate::view::MatRef;

/// The purpose number of this module's random streams.
pub const PURPOSE: u32 = 9;

/// How the distance is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KidParams {
    /// Subsets to average over.
    pub subsets: u32,
    /// Samples of each set in a subset; fewer where a set is smaller.
    pub size: u32,
    /// Seed of the choice.
    pub seed: u64,
}

impl Default for KidParams {
    /// 100 subsets of 1000, seed 0.
    fn default() -> Self {
        Self { subsets: 100, size: 1000, seed: 0 }
    }
}

/// Mean and spread over the subsets.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Kid {
    /// Mean; around 0, and possibly below it, for equal distributions.
    pub mean: f64,
    /// Standard deviation over the subsets (divided by their number).
    pub std: f64,
    /// Samples of each set in a subset.
    pub size: u32,
}

/// Bytes of scratch for [`kid`] of sets of `a` and `b` samples of `dims` features.
pub const fn kid_scratch_len(params: KidParams, a: usize, b: usize, dims: usize) -> usize {
    let most = if a > b { a } else { b };
    let least = if a > b { b } else { a };
    let size = if (params.size as usize) < least { params.size as usize } else { least };
    ScratchLen::new()
        .with::<f32>(size.saturating_mul(dims))
        .with::<f32>(size.saturating_mul(dims))
        .with::<u32>(most)
        .with::<f64>(size)
        .with_bytes(scan_scratch_len(size, size, dims))
        .bytes()
}

/// The kernel distance of two sets of features; takes 6·subsets·size²·d operations.
///
/// Each subset takes its samples without replacement by a key of its own. Where both sets have no more samples than
/// a subset, all subsets would be equal, and one is computed.
///
/// # Errors
/// [`Error::InvalidArgument`] for no subsets, [`Error::TooFewSamples`] below two samples in a subset,
/// [`Error::ShapeMismatch`] for different or no features, [`Error::NotFinite`] where a chosen sample or the distance is
/// not finite, [`Error::ScratchTooSmall`].
///
/// ```
/// use seedbed::metrics::{KidParams, kid, kid_scratch_len};
/// use seedbed::{Level, MatRef, Scratch, exec::Serial};
///
/// let (near, far) = (MatRef::new(&[0.0, 0.1, 0.2], 3, 1)?, MatRef::new(&[3.0, 3.1, 3.2], 3, 1)?);
/// let params = KidParams::default();
/// let mut memory = vec![0; kid_scratch_len(params, 3, 3, 1)];
/// let found = kid(Level::detect(), &Serial, params, near, far, &mut Scratch::new(&mut memory))?;
/// assert!(found.mean > 100.0 && found.size == 3);
/// # Ok::<(), seedbed::Error>(())
/// ```
pub fn kid<E: Executor>(
    level: Level,
    exec: &E,
    params: KidParams,
    a: MatRef<'_, f32>,
    b: MatRef<'_, f32>,
    scratch: &mut Scratch<'_>,
) -> Result<Kid> {
    let d = a.cols();
    let size = (params.size as usize).min(a.rows()).min(b.rows());
    if params.subsets == 0 {
        return Err(Error::InvalidArgument);
    }
    if size < 2 {
        return Err(Error::TooFewSamples);
    }
    if d == 0 || d != b.cols() {
        return Err(Error::ShapeMismatch);
    }
    if scratch.remaining() < kid_scratch_len(params, a.rows(), b.rows(), d) {
        return Err(Error::ScratchTooSmall);
    }
    let mut frame = scratch.frame();
    let (rows_a, rows_b) = (frame.take::<f32>(size * d)?, frame.take::<f32>(size * d)?);
    let order = frame.take::<u32>(a.rows().max(b.rows()))?;
    let sums = frame.take::<f64>(size)?;
    let subsets = if a.rows() == size && b.rows() == size { 1 } else { params.subsets };
    let (mut mean, mut squares) = (0.0, 0.0);
    for subset in 0..subsets {
        for (op, (from, to)) in (0..).zip([(a, &mut *rows_a), (b, &mut *rows_b)]) {
            let key = Key::new(PURPOSE).sample(u64::from(subset)).op(op);
            take_rows(Stream::new(params.seed, key), from, order, to);
        }
        let (x, y) = (MatRef::new(&*rows_a, size, d)?, MatRef::new(&*rows_b, size, d)?);
        let own = kernel_sum(level, exec, x, x, true, sums, &mut frame)?
            + kernel_sum(level, exec, y, y, true, sums, &mut frame)?;
        let cross = kernel_sum(level, exec, x, y, false, sums, &mut frame)?;
        let n = size as f64;
        let value = own / (n * (n - 1.0)) - 2.0 * cross / (n * n);
        // Welford's running mean and sum of squares.
        let delta = value - mean;
        mean += delta / f64::from(subset + 1);
        squares += delta * (value - mean);
    }
    if !mean.is_finite() {
        return Err(Error::NotFinite);
    }
    Ok(Kid { mean, std: libm::sqrt(squares / f64::from(subsets)), size: size as u32 })
}

/// Copies rows drawn without replacement; all of them in their order where all are asked for.
fn take_rows(mut stream: Stream, from: MatRef<'_, f32>, order: &mut [u32], to: &mut [f32]) {
    let n = from.rows();
    let order = order.get_mut(..n).unwrap_or_default();
    for (i, o) in (0u32..).zip(order.iter_mut()) {
        *o = i;
    }
    let all = to.len() == n * from.cols();
    for (i, row) in to.chunks_mut(from.cols().max(1)).enumerate() {
        if !all {
            // The first steps of a shuffle.
            let j = i + stream.index(n - i);
            order.swap(i, j);
        }
        let chosen = order.get(i).map_or(i, |&o| o as usize);
        row.copy_from_slice(from.row(chosen));
    }
}

/// Σ (⟨x, y⟩/d + 1)³ over all pairs, or over all pairs of different numbers.
fn kernel_sum<E: Executor>(
    level: Level,
    exec: &E,
    x: MatRef<'_, f32>,
    y: MatRef<'_, f32>,
    different: bool,
    sums: &mut [f64],
    scratch: &mut Scratch<'_>,
) -> Result<f64> {
    sums.fill(0.0);
    let inverse = 1.0 / x.cols() as f32;
    let visit = |run: &Run<'_>, sum: &mut [f64]| {
        let own = run.query.wrapping_sub(run.first);
        let (before, after) = match run.dots.split_at_checked(own) {
            Some((before, [_, after @ ..])) if different => (before, after),
            _ => (run.dots, &[][..]),
        };
        for part in [before, after] {
            sum.iter_mut().for_each(|s| *s += f64::from(cubes(level, part, inverse)));
        }
    };
    scan(level, exec, x, y, None, (&mut *sums, 1), scratch, visit)?;
    Ok(sums.iter().sum())
}

kernel! {
    /// Σ (dot·inverse + 1)³.
    fn cubes(dots: &[f32], inverse: f32) -> f32 = cubes_body;
}

#[inline(always)]
fn cubes_body(dots: &[f32], inverse: f32) -> f32 {
    let cube = |d: f32| {
        let k = d * inverse + 1.0;
        k * k * k
    };
    let (blocks, tail) = dots.as_chunks::<LANES>();
    let mut acc = [0f32; LANES];
    for block in blocks {
        for (s, &d) in acc.iter_mut().zip(block) {
            *s += cube(d);
        }
    }
    for (s, &d) in acc.iter_mut().zip(tail) {
        *s += cube(d);
    }
    tree_sum(acc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Serial;
    use crate::testing::TwoThreads;
    use std::vec;
    use std::vec::Vec;

    fn run(level: Level, params: KidParams, a: &[f32], b: &[f32], d: usize) -> Kid {
        let (a, b) = (MatRef::new(a, a.len() / d, d).unwrap(), MatRef::new(b, b.len() / d, d).unwrap());
        let mut memory = vec![0u8; kid_scratch_len(params, a.rows(), b.rows(), d)];
        kid(level, &Serial, params, a, b, &mut Scratch::new(&mut memory)).unwrap()
    }

    /// The formula in numpy on the first ten points of each set.
    #[test]
    fn the_distance_is_that_of_the_formula() {
        let (real, generated): ([f32; 36], [f32; 30]) = include!("points.in");
        for level in Level::available() {
            let got = run(level, KidParams::default(), &real[..30], &generated, 3);
            assert!((got.mean - 1.0405021288157141).abs() < 1e-6, "{got:?}");
            assert_eq!((got.std, got.size), (0.0, 10));
        }
    }

    #[test]
    fn subsets_have_the_mean_of_the_whole_and_the_same_bits_at_every_level() {
        let mut stream = Stream::new(2, Key::new(0));
        let mut normal = |n: usize, shift: f32| (0..n).map(|_| stream.normal() + shift).collect::<Vec<f32>>();
        let (a, same, other) = (normal(4 * 700, 0.0), normal(4 * 650, 0.0), normal(4 * 650, 0.4));
        let params = KidParams { subsets: 60, size: 200, seed: 5 };
        let base = run(Level::BASE, params, &a, &other, 4);
        assert!(Level::available().all(|level| run(level, params, &a, &other, 4) == base));
        let whole = run(Level::detect(), KidParams { subsets: 1, size: 650, seed: 5 }, &a, &other, 4);
        assert!((base.mean / whole.mean - 1.0).abs() < 0.1, "{base:?} {whole:?}");
        let equal = run(Level::detect(), params, &a, &same, 4);
        assert!(equal.mean.abs() < 0.2 * base.mean, "{equal:?} {base:?}");
        assert_ne!(run(Level::detect(), KidParams { seed: 6, ..params }, &a, &other, 4), base);
    }

    #[test]
    fn two_threads_change_no_bit_and_what_is_not_finite_is_told() {
        let mut stream = Stream::new(3, Key::new(0));
        let mut x: Vec<f32> = (0..4 * 300).map(|_| stream.normal()).collect();
        let params = KidParams { subsets: 3, size: 150, seed: 5 };
        let mut memory = vec![0u8; kid_scratch_len(params, 200, 100, 4)];
        let mut two = |level, x: &[f32]| {
            let (a, b) = (MatRef::new(&x[..800], 200, 4).unwrap(), MatRef::new(&x[800..], 100, 4).unwrap());
            kid(level, &TwoThreads, params, a, b, &mut Scratch::new(&mut memory))
        };
        let want = run(Level::BASE, params, &x[..800], &x[800..], 4);
        assert!(Level::available().all(|level| two(level, &x) == Ok(want)));
        for bad in [f32::NAN, f32::INFINITY] {
            // In the smaller set, of which each subset has all.
            x[900] = bad;
            assert_eq!(two(Level::BASE, &x), Err(Error::NotFinite));
        }
    }

    #[test]
    fn bad_arguments_are_refused() {
        let x = MatRef::new(&[0f32; 4], 2, 2).unwrap();
        let call = |params, y| kid(Level::BASE, &Serial, params, x, y, &mut Scratch::empty()).unwrap_err();
        assert_eq!(call(KidParams { subsets: 0, ..Default::default() }, x), Error::InvalidArgument);
        assert_eq!(call(KidParams { size: 1, ..Default::default() }, x), Error::TooFewSamples);
        assert_eq!(call(KidParams::default(), MatRef::new(&[0f32; 2], 2, 1).unwrap()), Error::ShapeMismatch);
        assert_eq!(call(KidParams::default(), x), Error::ScratchTooSmall);
    }
}
