//! Low-rank adaptation of a weight.

use super::{Engine, init, rows};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::{Init, Operand, gemm, gemm_scratch_len};
use crate::nn::tensors::{Role, Start, Tensor};
use crate::scratch::{Scratch, ScratchLen};
use crate::view::{MatMut, MatRef};

/// Low-rank adaptation (LoRA, Hu et al. 2022) of a weight that is a matrix of `rows` × `cols`: W = W₀ + scale·B·A, where
/// W₀ stays, A is `rank` × `cols` and B is `rows` × `rank`. A begins as PyTorch's weights do and B as 0, so that W begins as W₀.
///
/// A weight of more than two sizes is a matrix with the first of them as rows: that of a convolution has a row for each channel
/// out, that of a transposed one for each channel in. The adapter is one slice, A before B.
///
/// ```
/// use seedbed::nn::{Engine, LowRank};
/// use seedbed::{Level, Scratch, exec::Serial};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let of = LowRank { rows: 2, cols: 3, rank: 1, scale: 0.5 };
/// let mut memory = vec![0; of.scratch_len()];
/// let adapter = [1.0, 0.0, 2.0, /* B */ 4.0, 0.0];
/// let (base, mut weight) = ([1.0; 6], [0.0; 6]);
/// of.apply(on, &base, &adapter, &mut weight, &mut Scratch::new(&mut memory))?;
/// assert_eq!(weight, [3.0, 1.0, 5.0, 1.0, 1.0, 1.0]);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LowRank {
    /// Rows of W, above 0.
    pub rows: usize,
    /// Columns of W, above 0.
    pub cols: usize,
    /// Columns of B, above 0.
    pub rank: usize,
    /// What B·A is multiplied by, finite and not 0; α / rank in the paper.
    pub scale: f32,
}

impl LowRank {
    /// Values of an adapter; `usize::MAX` where there are too many.
    pub const fn len(&self) -> usize {
        self.rank.saturating_mul(self.rows.saturating_add(self.cols))
    }

    /// Whether an adapter has no values.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values of W.
    pub const fn weight_len(&self) -> usize {
        self.rows.saturating_mul(self.cols)
    }

    /// Bytes of scratch that [`LowRank::apply`] and [`LowRank::gradient`] take.
    pub fn scratch_len(&self) -> usize {
        let Self { rows, cols, rank, .. } = *self;
        let product = gemm_scratch_len(rows, cols, rank)
            .max(gemm_scratch_len(rows, rank, cols))
            .max(gemm_scratch_len(rank, cols, rows));
        ScratchLen::new().with::<f32>(rank.saturating_mul(cols)).with_bytes(product).bytes()
    }

    pub(crate) fn check(&self) -> Result<()> {
        let sizes = [self.rows, self.cols, self.rank].iter().all(|n| *n > 0);
        let fits = sizes && self.scale.is_finite() && self.scale != 0.0;
        if fits { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    fn fits(&self, weights: [usize; 2], adapters: [usize; 2], scratch: &Scratch<'_>) -> Result<()> {
        self.check()?;
        if weights.iter().any(|n| *n != self.weight_len()) || adapters.iter().any(|n| *n != self.len()) {
            return Err(Error::ShapeMismatch);
        }
        if scratch.remaining() < self.scratch_len() { Err(Error::ScratchTooSmall) } else { Ok(()) }
    }

    /// The first values of an adapter, from the stream of number `op` of those of initial values.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where there are not [`LowRank::len`] values, [`Error::InvalidArgument`] for a number out of range.
    pub fn init(&self, seed: u64, op: u32, adapter: &mut [f32]) -> Result<()> {
        self.check()?;
        if adapter.len() != self.len() {
            return Err(Error::ShapeMismatch);
        }
        adapter.fill(0.0);
        let start = Start::FanIn(self.cols);
        let sizes = [self.rank, self.cols, 1, 1];
        init::fill(
            &Tensor { layer: 0, role: Role::Weight, offset: 0, sizes, rank: 2, start },
            seed,
            op,
            adapter,
        );
        Ok(())
    }

    /// W of W₀ and an adapter. Takes [`LowRank::scratch_len`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a number out of its range,
    /// [`Error::ScratchTooSmall`]; nothing is written then.
    pub fn apply<E: Executor>(
        &self,
        on: Engine<'_, E>,
        base: &[f32],
        adapter: &[f32],
        weight: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        self.fits([base.len(), weight.len()], [adapter.len(); 2], scratch)?;
        let mut scratch = scratch.frame();
        let (a, b) = adapter.split_at_checked(self.rank * self.cols).unwrap_or_default();
        let scaled = self.scaled(a, &mut scratch)?;
        rows::copy(base, weight);
        let b = Operand::n(MatRef::new(b, self.rows, self.rank)?);
        let a = Operand::n(MatRef::new(scaled, self.rank, self.cols)?);
        gemm(on.level, on.exec, b, a, Init::Keep, MatMut::new(weight, self.rows, self.cols)?, &mut scratch)
    }

    /// The gradient by the adapter from that by W. Takes [`LowRank::scratch_len`].
    ///
    /// # Errors
    /// As [`LowRank::apply`].
    pub fn gradient<E: Executor>(
        &self,
        on: Engine<'_, E>,
        adapter: &[f32],
        by_weight: &[f32],
        grad: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let Self { rows, cols, rank, scale } = *self;
        self.fits([by_weight.len(); 2], [adapter.len(), grad.len()], scratch)?;
        let mut scratch = scratch.frame();
        let (a, b) = adapter.split_at_checked(rank * cols).unwrap_or_default();
        let (da, db) = grad.split_at_mut_checked(rank * cols).unwrap_or_default();
        let scaled = self.scaled(a, &mut scratch)?;
        let by = || MatRef::new(by_weight, rows, cols).map(Operand::n);
        let a = Operand::t(MatRef::new(scaled, rank, cols)?);
        gemm(on.level, on.exec, by()?, a, Init::Zero, MatMut::new(db, rows, rank)?, &mut scratch.frame())?;
        let b = Operand::t(MatRef::new(b, rows, rank)?);
        gemm(on.level, on.exec, b, by()?, Init::Zero, MatMut::new(da, rank, cols)?, &mut scratch)?;
        da.iter_mut().for_each(|v| *v *= scale);
        Ok(())
    }

    /// scale·A.
    fn scaled<'s>(&self, a: &[f32], scratch: &mut Scratch<'s>) -> Result<&'s [f32]> {
        let scaled = scratch.take::<f32>(a.len())?;
        scaled.iter_mut().zip(a).for_each(|(to, a)| *to = self.scale * a);
        Ok(scaled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::tests::BASE;
    use crate::rng::{Key, Stream};
    use std::vec;
    use std::vec::Vec;

    const OF: LowRank = LowRank { rows: 5, cols: 7, rank: 2, scale: 0.75 };

    fn some(n: usize, op: u32) -> Vec<f32> {
        let mut stream = Stream::new(3, Key::new(0).op(op));
        (0..n).map(|_| stream.range(-1.0, 1.0)).collect()
    }

    fn applied(base: &[f32], adapter: &[f32]) -> Vec<f32> {
        let (mut weight, mut memory) = (vec![f32::NAN; 35], vec![0x7f; OF.scratch_len()]);
        OF.apply(BASE, base, adapter, &mut weight, &mut Scratch::new(&mut memory)).unwrap();
        weight
    }

    #[test]
    fn the_weight_is_that_of_the_definition() {
        let (base, adapter) = (some(35, 1), some(OF.len(), 2));
        let (a, b) = adapter.split_at(14);
        for (i, got) in applied(&base, &adapter).into_iter().enumerate() {
            let (r, c) = (i / 7, i % 7);
            let product: f64 = (0..2).map(|k| f64::from(b[r * 2 + k]) * f64::from(a[k * 7 + c])).sum();
            assert!((f64::from(got) - f64::from(base[i]) - 0.75 * product).abs() < 1e-6);
        }
    }

    #[test]
    fn at_first_the_weight_is_the_base() {
        let (base, mut adapter) = (some(35, 1), vec![f32::NAN; OF.len()]);
        OF.init(4, 9, &mut adapter).unwrap();
        assert_eq!(applied(&base, &adapter), base);
        assert!(adapter[..14].iter().any(|a| *a != 0.0) && adapter[14..].iter().all(|b| *b == 0.0));
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        // Of the loss Σ w·W.
        let (base, mut adapter, by) = (some(35, 1), some(OF.len(), 2), some(35, 3));
        let (mut grad, mut memory) = (vec![f32::NAN; OF.len()], vec![0x7f; OF.scratch_len()]);
        OF.gradient(BASE, &adapter, &by, &mut grad, &mut Scratch::new(&mut memory)).unwrap();
        let loss = |adapter: &[f32]| -> f64 {
            applied(&base, adapter).iter().zip(&by).map(|(w, by)| f64::from(*w) * f64::from(*by)).sum()
        };
        for i in 0..adapter.len() {
            let old = adapter[i];
            adapter[i] = old + 0.125;
            let up = loss(&adapter);
            adapter[i] = old - 0.125;
            let want = (up - loss(&adapter)) / 0.25;
            adapter[i] = old;
            assert!((f64::from(grad[i]) - want).abs() < 1e-4, "{i}: {} {want}", grad[i]);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut memory = vec![0; OF.scratch_len()];
        let mut run = |of: LowRank, base: &[f32], bytes: usize| {
            let (adapter, mut weight) = (vec![0.5; OF.len()], vec![7.0; 35]);
            let got = of.apply(BASE, base, &adapter, &mut weight, &mut Scratch::new(&mut memory[..bytes]));
            assert!(got.is_ok() || weight.iter().all(|w| *w == 7.0));
            got
        };
        let (base, all) = (some(35, 1), OF.scratch_len());
        assert_eq!(run(OF, &base, all), Ok(()));
        assert_eq!(run(OF, &base[1..], all), Err(Error::ShapeMismatch));
        assert_eq!(run(LowRank { rank: 3, ..OF }, &base, all), Err(Error::ShapeMismatch));
        assert_eq!(run(OF, &base, all - 1), Err(Error::ScratchTooSmall));
        for bad in
            [LowRank { rank: 0, ..OF }, LowRank { scale: 0.0, ..OF }, LowRank { scale: f32::NAN, ..OF }]
        {
            assert_eq!(run(bad, &base, all), Err(Error::InvalidArgument));
        }
    }
}
