//! Selection to a size: k-center greedy, the farthest point first.

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::squared_distance;
use crate::simd::Level;
use crate::view::MatRef;

/// What a selection covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cover {
    /// The squared distance within which each point has a chosen one.
    pub squared_radius: f32,
}

/// Points in one job.
const JOB: usize = 1024;

/// Chooses `chosen.len()` rows of `x` so that the largest distance of any row to a chosen one is at most twice the
/// least possible (Gonzalez 1985; Sener, Savarese 2018): the first is `start`, each further one the row farthest from
/// those chosen, ties by the lower number. Rows are written in the order in which they were chosen.
///
/// `nearest` is temporary, one value per row; afterwards it has the squared distance of each row to the nearest
/// chosen one. Memory is read once per chosen row: n·k·d operations.
///
/// # Errors
/// [`Error::InvalidArgument`] for `start` out of range or more chosen than rows, [`Error::ShapeMismatch`] for another
/// length of `nearest`, [`Error::Overflow`] for 2³² rows or more, [`Error::NotFinite`] for a row that is not finite,
/// which would be the farthest of all. Nothing is written then.
///
/// ```
/// use seedbed::{Level, MatRef, exec::Serial, prune::k_center};
/// let line = MatRef::new(&[0.0, 1.0, 2.0, 10.0], 4, 1)?;
/// let (mut chosen, mut nearest) = ([0; 2], [0.0; 4]);
/// let cover = k_center(Level::detect(), &Serial, line, 1, &mut chosen, &mut nearest)?;
/// assert_eq!((chosen, cover.squared_radius), ([1, 3], 1.0));
/// # Ok::<(), seedbed::Error>(())
/// ```
pub fn k_center<E: Executor>(
    level: Level,
    exec: &E,
    x: MatRef<'_, f32>,
    start: usize,
    chosen: &mut [u32],
    nearest: &mut [f32],
) -> Result<Cover> {
    let n = x.rows();
    if nearest.len() != n {
        return Err(Error::ShapeMismatch);
    }
    if u32::try_from(n).is_err() {
        return Err(Error::Overflow);
    }
    if chosen.len() > n || (start >= n && !chosen.is_empty()) {
        return Err(Error::InvalidArgument);
    }
    if !x.iter_rows().flatten().all(|v| v.is_finite()) {
        return Err(Error::NotFinite);
    }
    nearest.fill(f32::INFINITY);
    let mut next = start;
    for place in chosen.iter_mut() {
        *place = next as u32;
        let centre = x.row(next);
        exec.for_each_chunk(nearest, JOB, |job, piece| {
            for (i, near) in piece.iter_mut().enumerate() {
                let d = squared_distance(level, centre, x.row(job * JOB + i));
                // A chosen row never comes again, even where all that is left lies on a chosen one.
                *near = if job * JOB + i == next {
                    -1.0
                } else if d < *near {
                    d
                } else {
                    *near
                };
            }
        });
        next = farthest(nearest);
    }
    let squared_radius = nearest.get(next).map_or(0.0, |&d| if d > 0.0 { d } else { 0.0 });
    for near in nearest.iter_mut() {
        if *near < 0.0 {
            *near = 0.0;
        }
    }
    Ok(Cover { squared_radius })
}

/// The first of the largest.
fn farthest(nearest: &[f32]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (i, &d) in nearest.iter().enumerate() {
        if d > best.1 {
            best = (i, d);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Serial;
    use crate::rng::{Key, Stream};
    use crate::testing::TwoThreads;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn the_farthest_point_comes_next() {
        let line = [0.0, 1.0, 2.0, 10.0, 11.0, 4.0];
        let x = MatRef::new(&line, 6, 1).unwrap();
        let (mut chosen, mut nearest) = ([0u32; 3], [0f32; 6]);
        for level in Level::available() {
            let cover = k_center(level, &Serial, x, 1, &mut chosen, &mut nearest).unwrap();
            assert_eq!((chosen, cover.squared_radius), ([1, 4, 5], 1.0));
            assert_eq!(nearest, [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        }
    }

    #[test]
    fn two_threads_change_no_choice() {
        let mut stream = Stream::new(2, Key::new(0));
        let v: Vec<f32> = (0..3 * 3000).map(|_| stream.normal()).collect();
        let x = MatRef::new(&v, 3000, 3).unwrap();
        let (mut one, mut two) = (([0u32; 20], vec![0f32; 3000]), ([0u32; 20], vec![0f32; 3000]));
        k_center(Level::BASE, &Serial, x, 7, &mut one.0, &mut one.1).unwrap();
        for level in Level::available() {
            k_center(level, &TwoThreads, x, 7, &mut two.0, &mut two.1).unwrap();
            assert!(one == two, "{level:?}");
        }
    }

    #[test]
    fn rows_that_are_not_finite_are_refused() {
        for bad in [f32::NAN, f32::INFINITY] {
            let v = [0.0, 1.0, bad, 3.0];
            let (mut chosen, mut nearest) = ([9u32; 2], [9f32; 4]);
            let x = MatRef::new(&v, 4, 1).unwrap();
            let got = k_center(Level::BASE, &Serial, x, 0, &mut chosen, &mut nearest);
            assert_eq!((got, chosen, nearest), (Err(Error::NotFinite), [9; 2], [9.0; 4]));
        }
    }

    #[test]
    fn copies_are_chosen_last_and_never_twice() {
        let x = MatRef::new(&[5.0f32, 5.0, 5.0, 7.0], 4, 1).unwrap();
        let (mut chosen, mut nearest) = ([0u32; 4], [0f32; 4]);
        let cover = k_center(Level::BASE, &Serial, x, 2, &mut chosen, &mut nearest).unwrap();
        assert_eq!((chosen, cover.squared_radius), ([2, 3, 0, 1], 0.0));
        assert_eq!(
            k_center(Level::BASE, &Serial, x, 4, &mut chosen, &mut nearest),
            Err(Error::InvalidArgument)
        );
        let none = MatRef::new(&[0f32; 0], 0, 1).unwrap();
        assert!(k_center(Level::BASE, &Serial, none, 0, &mut [], &mut []).is_ok());
    }
}
