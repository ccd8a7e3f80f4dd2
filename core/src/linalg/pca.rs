//! Mean, covariance and principal components of the rows of a matrix.
//!
//! Products come from the shared matrix product in blocks of rows whose sums are kept in double precision.
//! Up to [`EXACT_COLS`] columns the components are eigenvectors by Jacobi rotations; beyond that by
//! block power iteration with a Rayleigh–Ritz step (Stewart 1969), which never decomposes anything larger than
//! the number of components asked for.

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::moments::column_means;
use crate::linalg::{
    Init, Operand, axpy, dot, gemm, gemm_scratch_len, min, scale, sum_of_squares, symmetric_eigen,
};
use crate::math;
use crate::rng::mix;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{MatMut, MatRef};

/// Columns up to which the whole covariance matrix is decomposed.
pub const EXACT_COLS: usize = 160;
/// Rows that are centred and multiplied at a time.
const BLOCK: usize = 256;
/// Directions iterated beyond those asked for; they make the wanted ones converge faster.
const SPARE: usize = 8;
/// Power iterations; the error of a component falls with this power of the ratio of eigenvalues.
const ITERATIONS: usize = 32;

/// Bytes of scratch for [`covariance`] of `rows` × `cols`.
pub const fn covariance_scratch_len(rows: usize, cols: usize) -> usize {
    let block = min(rows, BLOCK);
    ScratchLen::new()
        .with::<f32>(block.saturating_mul(cols))
        .with::<f32>(cols.saturating_mul(cols))
        .with_bytes(gemm_scratch_len(cols, cols, block))
        .bytes()
}

/// Mean of each column, and the covariance matrix (cols × cols, divided by n − 1) of the rows of `x`.
///
/// # Errors
/// [`Error::TooFewSamples`] below two rows, [`Error::ShapeMismatch`] where an output has another size,
/// [`Error::NotFinite`] where the result is not finite (the outputs are written then),
/// [`Error::ScratchTooSmall`].
pub fn covariance<E: Executor>(
    level: Level,
    exec: &E,
    x: MatRef<'_, f32>,
    mean: &mut [f64],
    cov: &mut [f64],
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let (n, p) = (x.rows(), x.cols());
    let square = p.checked_mul(p).ok_or(Error::Overflow)?;
    if mean.len() != p || cov.len() != square {
        return Err(Error::ShapeMismatch);
    }
    if n < 2 {
        return Err(Error::TooFewSamples);
    }
    if scratch.remaining() < covariance_scratch_len(n, p) {
        return Err(Error::ScratchTooSmall);
    }
    let mut frame = scratch.frame();
    let centred = frame.take::<f32>(min(n, BLOCK) * p)?;
    let product = frame.take::<f32>(square)?;
    column_means(level, x, mean);
    cov.fill(0.0);
    for first in (0..n).step_by(BLOCK) {
        let rows = x.slice_rows(first..first + BLOCK);
        centre(rows, mean, centred);
        let block = MatRef::new(&*centred, rows.rows(), p)?;
        let out = MatMut::new(&mut *product, p, p)?;
        gemm(level, exec, Operand::t(block), Operand::n(block), Init::Zero, out, &mut frame.frame())?;
        for (sum, &v) in cov.iter_mut().zip(&*product) {
            *sum += f64::from(v);
        }
    }
    for v in cov.iter_mut() {
        *v /= (n - 1) as f64;
    }
    if cov.iter().all(|v| v.is_finite()) { Ok(()) } else { Err(Error::NotFinite) }
}

/// Rows minus the mean, rounded once to single precision, densely into `out`.
fn centre(rows: MatRef<'_, f32>, mean: &[f64], out: &mut [f32]) {
    for (row, out) in rows.iter_rows().zip(out.chunks_mut(rows.cols().max(1))) {
        for ((o, &v), &m) in out.iter_mut().zip(row).zip(mean) {
            *o = (f64::from(v) - m) as f32;
        }
    }
}

/// Principal components: a mean and orthonormal directions, strongest first.
#[derive(Clone, Copy, Debug)]
pub struct Pca<'a> {
    mean: &'a [f64],
    components: MatRef<'a, f32>,
}

impl<'a> Pca<'a> {
    /// Components that were fitted before: `components` is (number of components × columns).
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `mean` has not one value per column.
    pub fn new(mean: &'a [f64], components: MatRef<'a, f32>) -> Result<Self> {
        if mean.len() != components.cols() {
            return Err(Error::ShapeMismatch);
        }
        Ok(Self { mean, components })
    }

    /// Bytes of scratch for [`Pca::fit`] of `count` components of `rows` × `cols`.
    pub const fn fit_scratch_len(rows: usize, cols: usize, count: usize) -> usize {
        let square = cols.saturating_mul(cols);
        let part = if cols <= EXACT_COLS {
            ScratchLen::new().with::<f64>(square).with::<f64>(cols)
        } else {
            let m = min(count.saturating_add(SPARE), cols);
            let block = m.saturating_mul(cols);
            ScratchLen::new()
                .with::<f32>(square)
                .with::<f32>(block)
                .with::<f32>(block)
                .with::<f64>(m.saturating_mul(m))
                .with::<f64>(m.saturating_mul(m))
                .with::<f64>(m)
                .with_bytes(gemm_scratch_len(m, cols, cols))
        };
        let cov = ScratchLen::new().with_bytes(covariance_scratch_len(rows, cols));
        ScratchLen::new().with::<f64>(square).with_bytes(part.max(cov).bytes()).bytes()
    }

    /// Finds the `variances.len()` strongest components of the rows of `x` and writes them, their variances
    /// (divided by n − 1) and the mean where the result will borrow them.
    ///
    /// Each component's sign is such that its value of largest magnitude is positive. Where the data have
    /// fewer directions than are asked for, the rest are any orthogonal ones, of variance 0. Up to
    /// [`EXACT_COLS`] columns this is exact; beyond, the error of a component falls with the 32nd power of the ratio of
    /// the variance of the eighth beyond those asked for to its own.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for more components than columns or none, [`Error::ShapeMismatch`] where
    /// `components` has not one row of `cols` values for each; otherwise as [`covariance`].
    pub fn fit<E: Executor>(
        level: Level,
        exec: &E,
        x: MatRef<'_, f32>,
        mean: &'a mut [f64],
        components: &'a mut [f32],
        variances: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<Self> {
        let (p, count) = (x.cols(), variances.len());
        if count == 0 || count > p {
            return Err(Error::InvalidArgument);
        }
        if components.len() != count.checked_mul(p).ok_or(Error::Overflow)? || mean.len() != p {
            return Err(Error::ShapeMismatch);
        }
        if scratch.remaining() < Self::fit_scratch_len(x.rows(), p, count) {
            return Err(Error::ScratchTooSmall);
        }
        let mut frame = scratch.frame();
        let cov = frame.take::<f64>(p * p)?;
        covariance(level, exec, x, mean, cov, &mut frame.frame())?;
        if p <= EXACT_COLS {
            exact(level, cov, components, variances, &mut frame)?;
        } else {
            iterate(level, exec, cov, components, variances, &mut frame)?;
        }
        Ok(Self { mean, components: MatRef::new(components, count, p)? })
    }

    /// Number of components.
    pub const fn count(&self) -> usize {
        self.components.rows()
    }

    /// Number of columns of the data.
    pub const fn cols(&self) -> usize {
        self.components.cols()
    }

    /// Mean of each column.
    pub const fn mean(&self) -> &'a [f64] {
        self.mean
    }

    /// The components, one a row.
    pub const fn components(&self) -> MatRef<'a, f32> {
        self.components
    }

    /// Bytes of scratch for [`Pca::project`] of `rows` rows.
    pub const fn project_scratch_len(&self, rows: usize) -> usize {
        let block = min(rows, BLOCK);
        ScratchLen::new()
            .with::<f32>(block.saturating_mul(self.cols()))
            .with_bytes(gemm_scratch_len(block, self.count(), self.cols()))
            .bytes()
    }

    /// The rows of `x` in the coordinates of the components: `out` ← (x − mean)·componentsᵀ.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where `x` has other columns or `out` is not rows × components,
    /// [`Error::ScratchTooSmall`].
    pub fn project<E: Executor>(
        &self,
        level: Level,
        exec: &E,
        x: MatRef<'_, f32>,
        mut out: MatMut<'_, f32>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (n, p) = (x.rows(), x.cols());
        if p != self.cols() || (out.rows(), out.cols()) != (n, self.count()) {
            return Err(Error::ShapeMismatch);
        }
        if scratch.remaining() < self.project_scratch_len(n) {
            return Err(Error::ScratchTooSmall);
        }
        let mut frame = scratch.frame();
        let centred = frame.take::<f32>(min(n, BLOCK) * p)?;
        let stride = out.stride();
        for (block, piece) in out.data_mut().chunks_mut(BLOCK.saturating_mul(stride).max(1)).enumerate() {
            let rows = x.slice_rows(block * BLOCK..(block + 1) * BLOCK);
            if rows.rows() == 0 {
                break;
            }
            centre(rows, self.mean, centred);
            let a = MatRef::new(&*centred, rows.rows(), p)?;
            let c = MatMut::with_stride(piece, rows.rows(), self.count(), stride)?;
            let b = Operand::t(self.components);
            gemm(level, exec, Operand::n(a), b, Init::Zero, c, &mut frame.frame())?;
        }
        Ok(())
    }

    /// Bytes of scratch for [`Pca::reconstruct`] of `rows` rows.
    pub const fn reconstruct_scratch_len(&self, rows: usize) -> usize {
        let gemm = gemm_scratch_len(rows, self.cols(), self.count());
        ScratchLen::new().with::<f32>(self.cols()).with_bytes(gemm).bytes()
    }

    /// Back from coordinates to the data's columns: `out` ← mean + z·components.
    ///
    /// # Errors
    /// As [`Pca::project`].
    pub fn reconstruct<E: Executor>(
        &self,
        level: Level,
        exec: &E,
        z: MatRef<'_, f32>,
        out: MatMut<'_, f32>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let mut frame = scratch.frame();
        let bias = frame.take::<f32>(self.cols())?;
        for (b, &m) in bias.iter_mut().zip(self.mean) {
            *b = m as f32;
        }
        gemm(level, exec, Operand::n(z), Operand::n(self.components), Init::Bias(bias), out, &mut frame)
    }
}

/// All eigenvectors of the covariance; the strongest are kept.
fn exact(
    level: Level,
    cov: &mut [f64],
    components: &mut [f32],
    variances: &mut [f32],
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let p = components.len() / variances.len().max(1);
    let vectors = scratch.take::<f64>(cov.len())?;
    let values = scratch.take::<f64>(p)?;
    symmetric_eigen(level, cov, values, vectors)?;
    for (to, &from) in components.iter_mut().zip(&*vectors) {
        *to = from as f32;
    }
    for (to, &from) in variances.iter_mut().zip(&*values) {
        *to = math::max(from as f32, 0.0);
    }
    Ok(())
}

/// The strongest eigenvectors only, by block power iteration.
fn iterate<E: Executor>(
    level: Level,
    exec: &E,
    cov: &[f64],
    components: &mut [f32],
    variances: &mut [f32],
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let count = variances.len();
    let p = components.len() / count.max(1);
    let m = min(count + SPARE, p);
    // A power of two near the largest variance changes no digit and keeps the squares in range.
    let largest = cov.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let unit = libm::ldexp(1.0, libm::frexp(largest).1 - 1);
    let square = scratch.take::<f32>(p * p)?;
    for (to, &from) in square.iter_mut().zip(cov) {
        *to = (from / unit) as f32;
    }
    let square = MatRef::new(&*square, p, p)?;
    let (basis, image) = (scratch.take::<f32>(m * p)?, scratch.take::<f32>(m * p)?);
    basis.iter_mut().enumerate().for_each(|(i, v)| *v = arbitrary(i));
    orthonormalise(level, basis, p);
    for step in 0..=ITERATIONS {
        let c = MatMut::new(&mut *image, m, p)?;
        let a = Operand::n(MatRef::new(&*basis, m, p)?);
        gemm(level, exec, a, Operand::n(square), Init::Zero, c, &mut scratch.frame())?;
        if step < ITERATIONS {
            basis.copy_from_slice(image);
            orthonormalise(level, basis, p);
        }
    }
    rayleigh_ritz(level, (basis, image), unit, components, variances, scratch)
}

/// The eigenvectors inside the space of the orthonormal rows of `basis`, whose images under the matrix are given.
fn rayleigh_ritz(
    level: Level,
    (basis, image): (&[f32], &[f32]),
    unit: f64,
    components: &mut [f32],
    variances: &mut [f32],
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let p = components.len() / variances.len().max(1);
    let m = basis.len() / p.max(1);
    let (small, vectors) = (scratch.take::<f64>(m * m)?, scratch.take::<f64>(m * m)?);
    let values = scratch.take::<f64>(m)?;
    for (row, image) in small.chunks_mut(m).zip(image.chunks(p)) {
        for (v, b) in row.iter_mut().zip(basis.chunks(p)) {
            *v = f64::from(dot(level, image, b));
        }
    }
    symmetric_eigen(level, small, values, vectors)?;
    components.fill(0.0);
    for ((out, weights), (variance, &value)) in
        components.chunks_mut(p).zip(vectors.chunks(m)).zip(variances.iter_mut().zip(&*values))
    {
        for (&w, b) in weights.iter().zip(basis.chunks(p)) {
            axpy(level, w as f32, b, out);
        }
        turn(level, out);
        *variance = math::max((value * unit) as f32, 0.0);
    }
    Ok(())
}

/// Number `i` of a direction that no data are made to be orthogonal to, in −1..1.
fn arbitrary(i: usize) -> f32 {
    (mix(i as u64) >> 40) as f32 * (1.0 / 8_388_608.0) - 1.0
}

/// Gram–Schmidt over the rows, each row twice. A row with nothing left but rounding becomes an arbitrary direction,
/// so that the space never loses one.
fn orthonormalise(level: Level, rows: &mut [f32], p: usize) {
    for i in 0..rows.len() / p.max(1) {
        let (done, rest) = rows.split_at_mut(i * p);
        let row = rest.get_mut(..p).unwrap_or_default();
        if !reduce(level, row, done) {
            row.iter_mut().enumerate().for_each(|(j, v)| *v = arbitrary((i + 1) * p + j));
            reduce(level, row, done);
        }
    }
}

/// Takes the directions `done` out of `row` and makes its length 1; false, with the row 0, where less than the
/// rounding is left.
fn reduce(level: Level, row: &mut [f32], done: &[f32]) -> bool {
    let before = sum_of_squares(level, row);
    for _ in 0..2 {
        for other in done.chunks(row.len().max(1)) {
            axpy(level, -dot(level, row, other), other, row);
        }
    }
    let after = sum_of_squares(level, row);
    let keep = after > before * (row.len() as f32 * 1e-14) && after > 0.0;
    scale(level, if keep { 1.0 / math::sqrt(after) } else { 0.0 }, row);
    keep
}

/// The sign rule of [`Pca::fit`].
fn turn(level: Level, row: &mut [f32]) {
    let largest = row.iter().fold(0.0f32, |m, &x| if math::abs(x) > math::abs(m) { x } else { m });
    if largest < 0.0 {
        scale(level, -1.0, row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Serial;
    use crate::rng::{Key, Stream};
    use std::vec;
    use std::vec::Vec;

    struct Fitted {
        mean: Vec<f64>,
        components: Vec<f32>,
        variances: Vec<f32>,
    }

    fn fit(level: Level, x: MatRef<f32>, count: usize) -> Fitted {
        let mut f = Fitted {
            mean: vec![0.0; x.cols()],
            components: vec![0.0; count * x.cols()],
            variances: vec![0.0; count],
        };
        let mut memory = vec![0u8; Pca::fit_scratch_len(x.rows(), x.cols(), count)];
        let scratch = &mut Scratch::new(&mut memory);
        Pca::fit(level, &Serial, x, &mut f.mean, &mut f.components, &mut f.variances, scratch).unwrap();
        f
    }

    /// Rows whose column j varies with strength 1/(j + 1), around means 0, 1, 2, …
    fn slanted(n: usize, p: usize) -> Vec<f32> {
        let mut stream = Stream::new(1, Key::new(0));
        (0..n * p).map(|i| (i % p) as f32 + stream.normal() / (i % p + 1) as f32).collect()
    }

    /// sklearn.decomposition.PCA(2) 1.9.1 on the same ten numbers per column.
    #[test]
    fn components_are_those_of_sklearn() {
        let v = [
            2.5, 2.4, 0.5, 0.7, 2.2, 2.9, 1.9, 2.2, 3.1, 3.0, 2.3, 2.7, 2.0, 1.6, 1.0, 1.1, 1.5, 1.6, 1.1,
            0.9,
        ];
        let x = MatRef::new(&v, 10, 2).unwrap();
        let f = fit(Level::detect(), x, 2);
        let want = [0.6778734, 0.73517866, 0.73517866, -0.6778734];
        assert!(f.components.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", f.components);
        assert!((f.variances[0] - 1.2840277).abs() < 1e-6 && (f.variances[1] - 0.0490834).abs() < 1e-6);
        let pca = Pca::new(&f.mean, MatRef::new(&f.components, 2, 2).unwrap()).unwrap();
        let (mut z, mut back) = ([0f32; 20], [0f32; 20]);
        let mut memory = vec![0u8; pca.project_scratch_len(10).max(pca.reconstruct_scratch_len(10))];
        let mut scratch = Scratch::new(&mut memory);
        let level = Level::detect();
        pca.project(level, &Serial, x, MatMut::new(&mut z, 10, 2).unwrap(), &mut scratch.frame()).unwrap();
        assert!((z[0] - 0.82797019).abs() < 1e-6 && (z[1] - 0.17511531).abs() < 1e-6, "{z:?}");
        let (z, out) = (MatRef::new(&z, 10, 2).unwrap(), MatMut::new(&mut back, 10, 2).unwrap());
        pca.reconstruct(level, &Serial, z, out, &mut scratch).unwrap();
        assert!(back.iter().zip(v).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn the_iteration_finds_what_the_decomposition_finds() {
        let (n, p) = (600, EXACT_COLS + 20);
        let v = slanted(n, p);
        let x = MatRef::new(&v, n, p).unwrap();
        let f = fit(Level::detect(), x, 4);
        let (mut mean, mut cov) = (vec![0.0; p], vec![0.0; p * p]);
        let mut memory = vec![0u8; covariance_scratch_len(n, p)];
        covariance(Level::BASE, &Serial, x, &mut mean, &mut cov, &mut Scratch::new(&mut memory)).unwrap();
        let (mut values, mut vectors) = (vec![0.0; p], vec![0.0; p * p]);
        symmetric_eigen(Level::BASE, &mut cov, &mut values, &mut vectors).unwrap();
        for i in 0..4 {
            assert!((f64::from(f.variances[i]) / values[i] - 1.0).abs() < 1e-5);
            let same: f64 = (0..p).map(|j| f64::from(f.components[i * p + j]) * vectors[i * p + j]).sum();
            assert!((same - 1.0).abs() < 1e-5, "{i} {same}");
        }
    }

    #[test]
    fn one_strong_column_hides_no_other_direction_whatever_the_unit() {
        let (n, p) = (400, EXACT_COLS + 40);
        for (strong, unit) in [(1e4f32, 1.0f32), (3e3, 1e12), (3e3, 1e-14)] {
            let mut stream = Stream::new(5, Key::new(0));
            let spread = |j: usize| if j == 0 { strong } else { 1.0 + 4.0 / j as f32 };
            let v: Vec<f32> = (0..n * p).map(|i| stream.normal() * spread(i % p) * unit).collect();
            let x = MatRef::new(&v, n, p).unwrap();
            let f = fit(Level::detect(), x, 4);
            let (mut mean, mut cov) = (vec![0.0; p], vec![0.0; p * p]);
            let mut memory = vec![0u8; covariance_scratch_len(n, p)];
            let scratch = &mut Scratch::new(&mut memory);
            covariance(Level::detect(), &Serial, x, &mut mean, &mut cov, scratch).unwrap();
            let (mut values, mut vectors) = (vec![0.0; p], vec![0.0; p * p]);
            symmetric_eigen(Level::detect(), &mut cov, &mut values, &mut vectors).unwrap();
            for (i, (found, value)) in f.variances.iter().zip(&values).enumerate() {
                let ratio = f64::from(*found) / value;
                assert!((ratio - 1.0).abs() < 2e-3, "{strong} {unit} {i}: {ratio}");
            }
        }
    }

    #[test]
    fn same_bits_at_every_level() {
        for p in [7, EXACT_COLS + 5] {
            let v = slanted(50, p);
            let bits = |level| {
                let f = fit(level, MatRef::new(&v, 50, p).unwrap(), 3);
                f.components.into_iter().chain(f.variances).map(f32::to_bits).collect::<Vec<_>>()
            };
            assert!(Level::available().all(|level| bits(level) == bits(Level::BASE)));
        }
    }

    #[test]
    fn degenerate_data_give_variance_nought_and_bad_data_an_error() {
        let flat = vec![3.0f32; 5 * (EXACT_COLS + 1)];
        let f = fit(Level::BASE, MatRef::new(&flat, 5, EXACT_COLS + 1).unwrap(), 2);
        assert_eq!(f.variances, [0.0, 0.0]);
        let (a, b) = f.components.split_at(EXACT_COLS + 1);
        let (lengths, product) = ([a, b].map(|v| dot(Level::BASE, v, v)), dot(Level::BASE, a, b));
        assert!(lengths.iter().all(|l| (l - 1.0).abs() < 1e-5) && product.abs() < 1e-5);
        assert_eq!(fit(Level::BASE, MatRef::new(&flat, 4, 3).unwrap(), 3).variances, [0.0; 3]);
        let mut memory = vec![0u8; 4096];
        let mut call = |v: &[f32], rows| {
            let (mut mean, mut cov) = ([0.0; 1], [0.0; 1]);
            let x = MatRef::new(v, rows, 1).unwrap();
            covariance(Level::BASE, &Serial, x, &mut mean, &mut cov, &mut Scratch::new(&mut memory))
        };
        assert_eq!(call(&[1.0], 1), Err(Error::TooFewSamples));
        assert_eq!(call(&[1.0, f32::NAN], 2), Err(Error::NotFinite));
    }
}
