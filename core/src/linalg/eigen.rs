//! Eigenvalues and eigenvectors of symmetric matrices: cyclic Jacobi rotations in double precision.
//!
//! Slower than tridiagonal methods for large matrices, but accurate to the last digits, free of special
//! cases, and with an order of operations that can be written down. The cost is about 6·n³ operations for
//! each of 6 to 10 sweeps.

use crate::error::{Error, Result};
use crate::simd::Level;

/// Sweeps after which the rotations stop in any case; convergence is quadratic and takes 6 to 10.
const SWEEPS: usize = 40;

/// Decomposes the symmetric `a` (n × n, row-major; its lower triangle is read as the mirror of the upper one)
/// into `values`, descending, and `vectors`, whose rows are the eigenvectors of length 1. `a` is destroyed.
///
/// The sign of a vector is such that its component of largest magnitude (the first of equals) is positive.
///
/// ```
/// use seedbed::Level;
/// use seedbed::linalg::symmetric_eigen;
/// let (mut values, mut vectors) = ([0.0; 2], [0.0; 4]);
/// symmetric_eigen(Level::detect(), &mut [2.0, 1.0, 1.0, 2.0], &mut values, &mut vectors)?;
/// assert!((values[0] - 3.0).abs() < 1e-15 && (values[1] - 1.0).abs() < 1e-15);
/// assert!((vectors[0] - vectors[1]).abs() < 1e-15);
/// # Ok::<(), seedbed::Error>(())
/// ```
///
/// # Errors
/// [`Error::ShapeMismatch`] where the sizes are not n², n, n²; [`Error::NotFinite`].
pub fn symmetric_eigen(level: Level, a: &mut [f64], values: &mut [f64], vectors: &mut [f64]) -> Result<()> {
    let n = values.len();
    let square = n.checked_mul(n).ok_or(Error::Overflow)?;
    if a.len() != square || vectors.len() != square {
        return Err(Error::ShapeMismatch);
    }
    if !a.iter().all(|v| v.is_finite()) {
        return Err(Error::NotFinite);
    }
    if n == 0 {
        return Ok(());
    }
    mirror(a, n);
    // A power of two near the largest value changes no digit and keeps the squares in range.
    let largest = a.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let unit = libm::ldexp(1.0, libm::frexp(largest).1 - 1);
    let shrink = |v: &mut f64| *v /= unit;
    a.iter_mut().for_each(shrink);
    vectors.fill(0.0);
    for (i, row) in vectors.chunks_exact_mut(n).enumerate() {
        set(row, i, 1.0);
    }
    // What is below this in every place together changes no eigenvalue by more than the last bit of the largest.
    let tolerance = libm::sqrt(a.iter().map(|v| v * v).sum::<f64>()) * (f64::EPSILON * 0.25) / n as f64;
    for _ in 0..SWEEPS {
        if !sweep(level, a, vectors, n, tolerance) {
            break;
        }
    }
    for (i, (value, row)) in values.iter_mut().zip(a.chunks_exact(n)).enumerate() {
        *value = get(row, i) * unit;
    }
    sort_descending(values, vectors);
    for row in vectors.chunks_exact_mut(n) {
        fix_sign(row);
    }
    Ok(())
}

fn get(row: &[f64], i: usize) -> f64 {
    row.get(i).copied().unwrap_or(0.0)
}

fn set(row: &mut [f64], i: usize, value: f64) {
    if let Some(place) = row.get_mut(i) {
        *place = value;
    }
}

/// Copies the upper triangle into the lower one.
fn mirror(a: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..i {
            let upper = get(a, j * n + i);
            set(a, i * n + j, upper);
        }
    }
}

/// One rotation for each pair of rows; false where none was needed.
fn sweep(level: Level, a: &mut [f64], vectors: &mut [f64], n: usize, tolerance: f64) -> bool {
    let mut rotated = false;
    for p in 0..n {
        for q in p + 1..n {
            let Some((row_p, row_q)) = two_rows(a, n, p, q) else { return false };
            let (app, apq, aqq) = (get(row_p, p), get(row_p, q), get(row_q, q));
            if apq.abs() <= tolerance {
                continue;
            }
            rotated = true;
            // The smaller of the two angles that make the pair 0 (Rutishauser 1966).
            let theta = (aqq - app) / (2.0 * apq);
            let root = libm::sqrt(theta * theta + 1.0);
            let t = if theta < 0.0 { -1.0 / (root - theta) } else { 1.0 / (root + theta) };
            let c = 1.0 / libm::sqrt(t * t + 1.0);
            let s = t * c;
            rotate(level, row_p, row_q, c, s);
            set(row_p, p, app - t * apq);
            set(row_p, q, 0.0);
            set(row_q, p, 0.0);
            set(row_q, q, aqq + t * apq);
            for i in 0..n {
                let (ip, iq) = (get(a, p * n + i), get(a, q * n + i));
                set(a, i * n + p, ip);
                set(a, i * n + q, iq);
            }
            if let Some((v_p, v_q)) = two_rows(vectors, n, p, q) {
                rotate(level, v_p, v_q, c, s);
            }
        }
    }
    rotated
}

/// Rows p < q of an n-column matrix.
fn two_rows(a: &mut [f64], n: usize, p: usize, q: usize) -> Option<(&mut [f64], &mut [f64])> {
    let (low, high) = a.split_at_mut_checked(q * n)?;
    Some((low.get_mut(p * n..p * n + n)?, high.get_mut(..n)?))
}

kernel! {
    /// x, y ← c·x − s·y, s·x + c·y.
    fn rotate(x: &mut [f64], y: &mut [f64], c: f64, s: f64) = rotate_body;
}

#[inline(always)]
fn rotate_body(x: &mut [f64], y: &mut [f64], c: f64, s: f64) {
    for (x, y) in x.iter_mut().zip(y) {
        let (a, b) = (*x, *y);
        *x = c * a - s * b;
        *y = s * a + c * b;
    }
}

/// Sorts values descending, equals in their order, and the rows of `vectors` with them.
fn sort_descending(values: &mut [f64], vectors: &mut [f64]) {
    let n = values.len();
    for i in 1..n {
        let value = get(values, i);
        let at = values.iter().take(i).position(|&v| v < value).unwrap_or(i);
        if at < i {
            last_to_first(values.get_mut(at..=i), 1);
            last_to_first(vectors.get_mut(at * n..(i + 1) * n), n);
        }
    }
}

/// Moves the last `count` values before the others: `rotate_right`, which has a path to a panic.
fn last_to_first(part: Option<&mut [f64]>, count: usize) {
    let part = part.unwrap_or(&mut []);
    part.reverse();
    if let Some((first, rest)) = part.split_at_mut_checked(count) {
        first.reverse();
        rest.reverse();
    }
}

/// Turns a vector so that its component of largest magnitude is positive.
fn fix_sign(v: &mut [f64]) {
    let largest = v.iter().fold(0.0f64, |m, &x| if x.abs() > m.abs() { x } else { m });
    if largest < 0.0 {
        for x in v {
            *x = -*x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Key, Stream};
    use std::vec;
    use std::vec::Vec;

    fn random_symmetric(n: usize, seed: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, Key::new(0));
        let mut a = vec![0f64; n * n];
        for i in 0..n {
            for j in i..n {
                a[i * n + j] = f64::from(stream.normal());
                a[j * n + i] = a[i * n + j];
            }
        }
        a
    }

    #[test]
    fn the_decomposition_gives_the_matrix_back() {
        for n in [1, 2, 3, 5, 16, 33, 64] {
            let a = random_symmetric(n, n as u64);
            let (mut values, mut v) = (vec![0.0; n], vec![0.0; n * n]);
            symmetric_eigen(Level::detect(), &mut a.clone(), &mut values, &mut v).unwrap();
            assert!(values.is_sorted_by(|x, y| x >= y));
            for i in 0..n {
                for j in 0..n {
                    let back: f64 = (0..n).map(|k| values[k] * v[k * n + i] * v[k * n + j]).sum();
                    let unit: f64 = (0..n).map(|k| v[i * n + k] * v[j * n + k]).sum();
                    assert!((back - a[i * n + j]).abs() < 1e-12, "{n}");
                    assert!((unit - f64::from(u8::from(i == j))).abs() < 1e-13, "{n}");
                }
            }
        }
    }

    /// numpy.linalg.eigvalsh of the 4 × 4 Hilbert matrix.
    #[test]
    fn eigenvalues_are_those_of_numpy() {
        let mut a = [0f64; 16];
        for (i, v) in a.iter_mut().enumerate() {
            *v = 1.0 / (i / 4 + i % 4 + 1) as f64;
        }
        let (mut values, mut v) = ([0.0; 4], [0.0; 16]);
        symmetric_eigen(Level::detect(), &mut a, &mut values, &mut v).unwrap();
        let want = [1.5002142800592426, 0.16914122022145006, 0.006738273605760758, 9.670230402257944e-05];
        assert!(values.iter().zip(want).all(|(v, w)| (v - w).abs() < 1e-14), "{values:?}");
    }

    #[test]
    fn same_bits_at_every_level_and_degenerate_cases() {
        let a = random_symmetric(21, 9);
        let run = |level| {
            let (mut values, mut v) = (vec![0.0; 21], vec![0.0; 441]);
            symmetric_eigen(level, &mut a.clone(), &mut values, &mut v).unwrap();
            values.into_iter().chain(v).map(f64::to_bits).collect::<Vec<_>>()
        };
        assert!(Level::available().all(|level| run(level) == run(Level::BASE)));
        let (mut values, mut v) = ([0.0; 3], [0.0; 9]);
        symmetric_eigen(Level::BASE, &mut [0.0; 9], &mut values, &mut v).unwrap();
        assert_eq!((values, v[0]), ([0.0; 3], 1.0));
        assert_eq!(symmetric_eigen(Level::BASE, &mut [], &mut [], &mut []), Ok(()));
        for unit in [1e200, 1e-200, f64::from_bits(1)] {
            let (mut values, mut v) = ([0.0; 2], [0.0; 4]);
            symmetric_eigen(Level::BASE, &mut [unit; 4], &mut values, &mut v).unwrap();
            assert!((values[0] / unit - 2.0).abs() < 1e-15 && (values[1] / unit).abs() < 1e-15, "{values:?}");
        }
        let mut nan = [f64::NAN];
        assert_eq!(symmetric_eigen(Level::BASE, &mut nan, &mut [0.0], &mut [0.0]), Err(Error::NotFinite));
        assert_eq!(symmetric_eigen(Level::BASE, &mut nan, &mut [0.0], &mut []), Err(Error::ShapeMismatch));
    }
}
