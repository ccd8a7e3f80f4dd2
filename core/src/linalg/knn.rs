//! Exact k nearest neighbours by squared Euclidean distance.
//!
//! The one neighbour search of the library: resampling, outliers, label doubts, precision and recall,
//! and the tests for copies all stand on it. Memory is the caller's output and one block of products.

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::distance::{Run, scan, scan_scratch_len};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::view::MatRef;
use core::ops::ControlFlow;

/// A neighbour: which reference point, and how far.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Neighbour {
    /// Row of the reference set; `u32::MAX` where there is no such neighbour.
    pub index: u32,
    /// Squared Euclidean distance; infinity where there is no such neighbour.
    pub squared: f32,
}

impl Neighbour {
    /// What fills a list that has more places than there are neighbours.
    pub const NONE: Self = Self { index: u32::MAX, squared: f32::INFINITY };

    /// Whether this is a neighbour rather than a place left empty.
    pub const fn exists(&self) -> bool {
        self.index != u32::MAX
    }

    /// The row of the reference set as a `usize`.
    pub const fn at(&self) -> usize {
        self.index as usize
    }
}

impl Default for Neighbour {
    fn default() -> Self {
        Self::NONE
    }
}

/// Which reference point a query must not find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exclude {
    /// None: queries and references are different sets.
    #[default]
    Nothing,
    /// The one with the query's own number: both are the same set. By number, not by place in the list,
    /// so that a point with exact copies finds its copies and never itself.
    Itself,
}

/// Bytes of scratch for [`knn`] of `queries` × `refs` points of `dims` values.
pub const fn knn_scratch_len(queries: usize, refs: usize, dims: usize) -> usize {
    scan_scratch_len(queries, refs, dims)
}

/// The `k` nearest references of each query, nearest first, ties by the lower number; equal to the plain double
/// loop over [`squared_distance`](crate::linalg::squared_distance).
///
/// `out` has `k` places per query. A point with a NaN or an infinity, or one whose
/// squared distance overflows, is near to nobody.
///
/// ```
/// use seedbed::exec::Serial;
/// use seedbed::linalg::{Exclude, Neighbour, knn, knn_scratch_len};
/// use seedbed::{Level, MatRef, Scratch};
///
/// let line = MatRef::new(&[0.0, 1.0, 3.0], 3, 1)?;
/// let mut memory = vec![0; knn_scratch_len(3, 3, 1)];
/// let mut out = [Neighbour::NONE; 3];
/// knn(Level::detect(), &Serial, line, line, Exclude::Itself, 1, &mut out, &mut Scratch::new(&mut memory))?;
/// assert_eq!(out.map(|n| (n.index, n.squared)), [(1, 1.0), (0, 1.0), (1, 4.0)]);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`] for `k` = 0, [`Error::ShapeMismatch`] where the dimensions differ or `out` has not
/// `k` places per query, [`Error::Overflow`] for 2³² − 1 references or more, [`Error::ScratchTooSmall`].
#[allow(clippy::too_many_arguments)]
pub fn knn<E: Executor>(
    level: Level,
    exec: &E,
    queries: MatRef<'_, f32>,
    refs: MatRef<'_, f32>,
    exclude: Exclude,
    k: usize,
    out: &mut [Neighbour],
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if k == 0 {
        return Err(Error::InvalidArgument);
    }
    if refs.rows() >= u32::MAX as usize {
        return Err(Error::Overflow);
    }
    let fits = out.len() == queries.rows().checked_mul(k).ok_or(Error::Overflow)?;
    if !fits || queries.cols() != refs.cols() {
        return Err(Error::ShapeMismatch);
    }
    if scratch.remaining() < knn_scratch_len(queries.rows(), refs.rows(), refs.cols()) {
        return Err(Error::ScratchTooSmall);
    }
    out.fill(Neighbour::NONE);
    scan(level, exec, queries, refs, None, (out, k), scratch, |run, list| keep_nearest(run, exclude, list))
}

/// Puts what is near enough of a run into a sorted list.
fn keep_nearest(run: &Run<'_>, exclude: Exclude, list: &mut [Neighbour]) {
    let mut worst = list.last().map_or(0.0, |n| n.squared);
    run.each_within(worst, |index, squared| {
        // References come in ascending order, so an equal distance stays behind those found before.
        if squared < worst && (exclude == Exclude::Nothing || index != run.query) {
            insert(list, Neighbour { index: index as u32, squared }, |n| n.squared);
            worst = list.last().map_or(0.0, |n| n.squared);
        }
        ControlFlow::Continue(worst)
    });
}

/// Inserts into an ascending list behind its equals; the last one falls out.
pub(crate) fn insert<T>(list: &mut [T], new: T, squared: impl Fn(&T) -> f32) {
    let at = list.partition_point(|n| squared(n) <= squared(&new));
    if let Some(tail) = list.get_mut(at..) {
        tail.rotate_right(1);
        if let Some(place) = tail.first_mut() {
            *place = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Serial;
    use crate::linalg::squared_distance;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn run(level: Level, q: MatRef<f32>, r: MatRef<f32>, exclude: Exclude, k: usize) -> Vec<Neighbour> {
        let mut memory = vec![0u8; knn_scratch_len(q.rows(), r.rows(), r.cols())];
        let mut out = vec![Neighbour::NONE; q.rows() * k];
        knn(level, &Serial, q, r, exclude, k, &mut out, &mut Scratch::new(&mut memory)).unwrap();
        out
    }

    /// The double loop that the module's text names.
    fn plain(q: MatRef<f32>, r: MatRef<f32>, exclude: Exclude, k: usize) -> Vec<Neighbour> {
        let mut out = Vec::new();
        for (i, x) in q.iter_rows().enumerate() {
            let mut all: Vec<_> = (0..r.rows())
                .filter(|&j| exclude == Exclude::Nothing || i != j)
                .map(|j| Neighbour { index: j as u32, squared: squared_distance(Level::BASE, x, r.row(j)) })
                .collect();
            all.sort_by(|a, b| a.squared.total_cmp(&b.squared).then(a.index.cmp(&b.index)));
            all.resize(all.len().max(k), Neighbour::NONE);
            out.extend_from_slice(&all[..k]);
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn equals_the_plain_double_loop(n in 0usize..700, m in 0usize..40, d in 1usize..40, k in 1usize..7,
                                        grid in 1u32..40, far in 0f32..1000.0, seed: u64) {
            // A coarse grid makes ties and copies; a far origin makes the products round.
            let mut stream = crate::rng::Stream::new(seed, crate::rng::Key::new(0));
            let mut points = |rows: usize| -> Vec<f32> {
                (0..rows * d).map(|_| far + stream.below(grid) as f32 * 0.37).collect()
            };
            let (a, b) = (points(m), points(n));
            let (q, r) = (MatRef::new(&a, m, d).unwrap(), MatRef::new(&b, n, d).unwrap());
            for level in Level::available() {
                prop_assert_eq!(run(level, q, r, Exclude::Nothing, k), plain(q, r, Exclude::Nothing, k));
            }
            let r = r.slice_rows(0..80);
            prop_assert_eq!(run(Level::detect(), r, r, Exclude::Itself, k), plain(r, r, Exclude::Itself, k));
        }
    }

    #[test]
    fn a_point_with_copies_finds_them_and_never_itself() {
        let v = [1.5f32; 9].iter().chain(&[2.5, 0.0, 0.0]).copied().collect::<Vec<_>>();
        let x = MatRef::new(&v, 4, 3).unwrap();
        let got = run(Level::detect(), x, x, Exclude::Itself, 2);
        let indices: Vec<_> = got.iter().map(|n| n.index).collect();
        assert_eq!(indices, [1, 2, 0, 2, 0, 1, 0, 1]);
        assert!(got[..6].iter().all(|n| n.squared == 0.0));
    }

    #[test]
    fn what_is_not_finite_is_near_to_nobody_and_short_sets_leave_places_empty() {
        let v = [0.0, f32::NAN, 1.0, f32::INFINITY];
        let x = MatRef::new(&v, 4, 1).unwrap();
        let got = run(Level::detect(), x, x, Exclude::Itself, 2);
        assert_eq!(got[0].index, 2);
        assert!(!got[1].exists() && !got[2].exists() && !got[6].exists());
    }

    #[test]
    fn numbers_whose_squares_are_out_of_range_are_measured() {
        for v in [[2e19f32, 1.7e19, 2e19, 2.5e19], [1e-20, -1e-20, 1e-20, 1.25e-20]] {
            let x = MatRef::new(&v, 4, 1).unwrap();
            for level in Level::available() {
                assert_eq!(run(level, x, x, Exclude::Itself, 2), plain(x, x, Exclude::Itself, 2), "{v:?}");
            }
        }
    }

    #[test]
    fn bad_arguments_are_refused_before_the_first_write() {
        let v = [0f32; 6];
        let (a, b) = (MatRef::new(&v, 3, 2).unwrap(), MatRef::new(&v, 2, 3).unwrap());
        let mut out = [Neighbour { index: 7, squared: 7.0 }; 3];
        let mut call = |r, k, bytes| {
            let mut memory = vec![0u8; bytes];
            let scratch = &mut Scratch::new(&mut memory);
            knn(Level::BASE, &Serial, a, r, Exclude::Nothing, k, &mut out, scratch).unwrap_err()
        };
        assert_eq!(call(b, 1, 10_000), Error::ShapeMismatch);
        assert_eq!(call(a, 0, 10_000), Error::InvalidArgument);
        assert_eq!(call(a, 2, 10_000), Error::ShapeMismatch);
        assert_eq!(call(a, 1, 10), Error::ScratchTooSmall);
        assert!(out.iter().all(|n| n.index == 7));
    }
}
