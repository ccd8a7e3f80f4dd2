//! Out-of-fold probabilities of softmax regression.
//!
//! For each fold a linear model is fitted on the samples of the other folds by Nesterov's accelerated gradient
//! (1983) with the step that the largest eigenvalue of the data allows, on the shared matrix product.

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::{Init, Operand, gemm, gemm_scratch_len, scale, sum, sum_of_squares};
use crate::math;
use crate::nn::{Engine, add_columns};
use crate::rng::mix;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{MatMut, MatRef};

/// How the models are fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SoftmaxParams {
    /// Weight of ½·|w|² against the sum of the losses; 1/C of scikit-learn's `LogisticRegression`. At least 0 and
    /// finite.
    pub l2: f32,
    /// Gradient steps.
    pub iterations: u32,
}

impl Default for SoftmaxParams {
    /// 3 and 200.
    fn default() -> Self {
        Self { l2: 3.0, iterations: 200 }
    }
}

/// Samples in one job.
const JOB: usize = 256;
/// Power iterations for the step size.
const POWER_STEPS: usize = 20;

/// Bytes of scratch for [`softmax_probabilities`].
pub const fn softmax_scratch_len(samples: usize, dims: usize, classes: usize) -> usize {
    let weights = classes.saturating_mul(dims);
    let forward = gemm_scratch_len(samples, classes, dims);
    let backward = gemm_scratch_len(classes, dims, samples);
    ScratchLen::new()
        .with::<f32>(samples.saturating_mul(classes))
        .with::<f32>(dims.saturating_mul(2))
        .with::<f32>(weights)
        .with::<f32>(weights)
        .with::<f32>(weights)
        .with::<f32>(weights)
        .with::<f32>(classes)
        .with::<f32>(classes)
        .with::<f32>(classes)
        .with::<f32>(classes)
        .with_bytes(if forward > backward { forward } else { backward })
        .bytes()
}

/// The parameters at one time, or a gradient.
struct Model<'a> {
    weights: &'a mut [f32],
    bias: &'a mut [f32],
}

impl<'a> Model<'a> {
    fn take(classes: usize, dims: usize, scratch: &mut Scratch<'a>) -> Result<Self> {
        let weights = scratch.take::<f32>(classes.checked_mul(dims).ok_or(Error::Overflow)?)?;
        Ok(Self { weights, bias: scratch.take::<f32>(classes)? })
    }

    fn reset(&mut self) {
        self.weights.fill(0.0);
        self.bias.fill(0.0);
    }
}

/// The models of an accelerated fit.
struct Fit<'a> {
    now: Model<'a>,
    before: Model<'a>,
    ahead: Model<'a>,
    gradient: Model<'a>,
}

impl Fit<'_> {
    /// One step: now ← ahead − step·(a·gradient + decay·ahead), ahead ← now + momentum·(now − before). Biases do not
    /// decay.
    fn advance(&mut self, level: Level, [step, a, decay, momentum]: [f32; 4]) {
        let Self { now, before, ahead, gradient: g } = self;
        advance(level, now.weights, before.weights, ahead.weights, g.weights, [step, a, decay, momentum]);
        advance(level, now.bias, before.bias, ahead.bias, g.bias, [step, a, 0.0, momentum]);
    }
}

/// What one fit reads.
struct Task<'a> {
    level: Level,
    x: MatRef<'a, f32>,
    labels: &'a [u32],
    folds: &'a [u32],
    held: u32,
    classes: usize,
}

/// Writes into `probs` (samples × classes) the class probabilities of each sample by a model fitted without the
/// samples of its fold: `labels` and `folds` have a class and the number of a fold for each row of `x` (samples × values).
/// Folds may have any numbers ([`fold_of`](super::fold_of) makes some). Columns of `x` should have mean 0 and
/// comparable scales.
///
/// # Errors
/// [`Error::ShapeMismatch`] where sizes differ, [`Error::InvalidArgument`] for a label that is no column, an `l2` that
/// is negative or not finite, or fewer than two different folds, [`Error::NotFinite`] for values of `x` that are not
/// finite or overflow (`probs` may be written then), [`Error::ScratchTooSmall`].
///
/// ```
/// use seedbed::label::{SoftmaxParams, softmax_probabilities, softmax_scratch_len};
/// use seedbed::{Level, MatMut, MatRef, Scratch, exec::Serial};
///
/// let x = MatRef::new(&[-1.0, -0.9, 1.1, 0.9, -1.2, 1.0], 6, 1)?;
/// let (labels, folds) = ([0, 0, 1, 1, 0, 1], [0, 1, 0, 1, 0, 1]);
/// let mut memory = vec![0; softmax_scratch_len(6, 1, 2)];
/// let mut out = [0.0; 12];
/// let (params, scratch) = (SoftmaxParams { l2: 0.1, iterations: 100 }, &mut Scratch::new(&mut memory));
/// let probs = MatMut::new(&mut out, 6, 2)?;
/// softmax_probabilities(Level::detect(), &Serial, params, x, &labels, &folds, probs, scratch)?;
/// assert!(out[0] > 0.9 && out[5] > 0.9);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[allow(clippy::too_many_arguments)]
pub fn softmax_probabilities<E: Executor>(
    level: Level,
    exec: &E,
    params: SoftmaxParams,
    x: MatRef<'_, f32>,
    labels: &[u32],
    folds: &[u32],
    mut probs: MatMut<'_, f32>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let (n, d, classes) = (x.rows(), x.cols(), probs.cols());
    if labels.len() != n || folds.len() != n || probs.rows() != n {
        return Err(Error::ShapeMismatch);
    }
    let one_fold = n > 0 && folds.iter().all(|f| folds.first() == Some(f));
    let l2_fits = (0.0..f32::INFINITY).contains(&params.l2);
    if labels.iter().any(|&l| l as usize >= classes) || !l2_fits || one_fold {
        return Err(Error::InvalidArgument);
    }
    if scratch.remaining() < softmax_scratch_len(n, d, classes) {
        return Err(Error::ScratchTooSmall);
    }
    let mut frame = scratch.frame();
    let logits = frame.take::<f32>(n * classes)?;
    let pair = frame.take::<f32>(d * 2)?;
    let mut model = || Model::take(classes, d, &mut frame);
    let mut fit = Fit { now: model()?, before: model()?, ahead: model()?, gradient: model()? };
    let lipschitz = largest_eigenvalue(level, exec, x, pair, logits, &mut frame)?;
    if !lipschitz.is_finite() {
        return Err(Error::NotFinite);
    }
    let mut next = folds.iter().min().copied();
    while let Some(held) = next {
        let task = Task { level, x, labels, folds, held, classes };
        task.fit(exec, params, lipschitz, &mut fit, logits, &mut frame)?;
        for (i, (row, from)) in probs.iter_rows_mut().zip(logits.chunks(classes.max(1))).enumerate() {
            if folds.get(i) == Some(&held) {
                row.copy_from_slice(from);
                softmax(level, row);
            }
        }
        next = folds.iter().copied().filter(|&f| f > held).min();
    }
    Ok(())
}

impl Task<'_> {
    /// Fits a model to the samples seen and leaves the logits of all in `logits`.
    fn fit<E: Executor>(
        &self,
        exec: &E,
        params: SoftmaxParams,
        lipschitz: f32,
        fit: &mut Fit<'_>,
        logits: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let seen = self.folds.iter().filter(|&&f| f != self.held).count().max(1) as f32;
        // The Hessian of the softmax is at most ½ of XᵀX per sample seen; the largest eigenvalue was measured over all.
        let decay = params.l2 / seen;
        let step = 1.0 / (0.5 * lipschitz * (self.x.rows() as f32 / seen) + decay);
        for m in [&mut fit.now, &mut fit.before, &mut fit.ahead] {
            m.reset();
        }
        for t in 0..params.iterations {
            self.gradient(exec, &fit.ahead, logits, &mut fit.gradient, scratch)?;
            let momentum = t as f32 / (t as f32 + 3.0);
            fit.advance(self.level, [step, 1.0 / seen, decay, momentum]);
        }
        self.forward(exec, &fit.now, logits, scratch)?;
        if logits.iter().all(|v| v.is_finite()) { Ok(()) } else { Err(Error::NotFinite) }
    }

    /// Logits of all samples.
    fn forward<E: Executor>(
        &self,
        exec: &E,
        m: &Model<'_>,
        out: &mut [f32],
        s: &mut Scratch<'_>,
    ) -> Result<()> {
        let w = MatRef::new(&*m.weights, self.classes, self.x.cols())?;
        let c = MatMut::new(out, self.x.rows(), self.classes)?;
        gemm(self.level, exec, Operand::n(self.x), Operand::t(w), Init::Bias(m.bias), c, &mut s.frame())
    }

    /// Sum over the samples seen of the gradient of the loss.
    fn gradient<E: Executor>(
        &self,
        exec: &E,
        at: &Model<'_>,
        residuals: &mut [f32],
        out: &mut Model<'_>,
        s: &mut Scratch<'_>,
    ) -> Result<()> {
        self.forward(exec, at, residuals, s)?;
        let classes = self.classes.max(1);
        exec.for_each_chunk(residuals, JOB * classes, |job, piece| {
            for (i, row) in piece.chunks_mut(classes).enumerate() {
                let sample = job * JOB + i;
                if self.folds.get(sample) == Some(&self.held) {
                    row.fill(0.0);
                    continue;
                }
                softmax(self.level, row);
                let label = self.labels.get(sample).map_or(usize::MAX, |&l| l as usize);
                if let Some(p) = row.get_mut(label) {
                    *p -= 1.0;
                }
            }
        });
        out.bias.fill(0.0);
        add_columns(Engine { level: self.level, exec }, residuals, out.bias);
        let r = MatRef::new(&*residuals, self.x.rows(), self.classes)?;
        let c = MatMut::new(&mut *out.weights, self.classes, self.x.cols())?;
        gemm(self.level, exec, Operand::t(r), Operand::n(self.x), Init::Zero, c, &mut s.frame())
    }
}

kernel! {
    fn advance(now: &mut [f32], before: &mut [f32], ahead: &mut [f32], g: &[f32], by: [f32; 4]) = advance_body;
}

#[inline(always)]
fn advance_body(now: &mut [f32], before: &mut [f32], ahead: &mut [f32], g: &[f32], by: [f32; 4]) {
    let [step, a, decay, momentum] = by;
    for (((now, before), ahead), &g) in now.iter_mut().zip(before).zip(ahead).zip(g) {
        *before = *now;
        *now = *ahead - step * (a * g + decay * *ahead);
        *ahead = *now + momentum * (*now - *before);
    }
}

/// Probabilities from logits, in place.
fn softmax(level: Level, row: &mut [f32]) {
    let largest = row.iter().fold(f32::NEG_INFINITY, |m, &v| math::max(v, m));
    row.iter_mut().for_each(|v| *v -= largest);
    math::exp_slice(level, row);
    scale(level, 1.0 / sum(level, row), row);
}

/// A little more than the largest eigenvalue of \[X 1\]ᵀ\[X 1\]/n, by power iteration.
fn largest_eigenvalue<E: Executor>(
    level: Level,
    exec: &E,
    x: MatRef<'_, f32>,
    pair: &mut [f32],
    image: &mut [f32],
    scratch: &mut Scratch<'_>,
) -> Result<f32> {
    let (n, d) = (x.rows(), x.cols());
    let Some(image) = image.get_mut(..n) else { return Ok(1.0) };
    let (v, next) = pair.split_at_mut_checked(d).unwrap_or_default();
    // A start that no data are made to be orthogonal to.
    let start = |i: usize| (mix(i as u64) >> 40) as f32 * (1.0 / 8_388_608.0) - 1.0;
    for (i, v) in v.iter_mut().enumerate() {
        *v = start(i);
    }
    let mut one = start(d);
    let norm = math::sqrt(sum_of_squares(level, v) + one * one);
    scale(level, 1.0 / norm, v);
    one /= norm;
    let mut value = 1.0;
    for _ in 0..POWER_STEPS {
        let column = Operand::t(MatRef::new(&*v, 1, d)?);
        let out = MatMut::new(&mut *image, n, 1)?;
        gemm(level, exec, Operand::n(x), column, Init::Bias(&[one]), out, &mut scratch.frame())?;
        let row = Operand::n(MatRef::new(&*image, 1, n)?);
        let out = MatMut::new(&mut *next, 1, d)?;
        gemm(level, exec, row, Operand::n(x), Init::Zero, out, &mut scratch.frame())?;
        let next_one = sum(level, image);
        let norm = math::sqrt(sum_of_squares(level, next) + next_one * next_one);
        value = norm / n.max(1) as f32;
        if !(norm > 0.0) {
            break;
        }
        scale(level, 1.0 / norm, next);
        v.copy_from_slice(next);
        one = next_one / norm;
    }
    // The iteration comes from below.
    Ok(1.1 * value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Serial;
    use crate::rng::{Key, Stream};
    use crate::testing::TwoThreads;
    use std::vec;
    use std::vec::Vec;

    fn run<E: Executor>(
        (level, exec): (Level, &E),
        x: &[f32],
        labels: &[u32],
        folds: &[u32],
        classes: usize,
        p: SoftmaxParams,
    ) -> Result<Vec<f32>> {
        let (n, d) = (labels.len(), x.len() / labels.len());
        let mut memory = vec![0u8; softmax_scratch_len(n, d, classes)];
        let mut out = vec![0f32; n * classes];
        let probs = MatMut::new(&mut out, n, classes)?;
        let x = MatRef::new(x, n, d)?;
        softmax_probabilities(level, exec, p, x, labels, folds, probs, &mut Scratch::new(&mut memory))?;
        Ok(out)
    }

    /// sklearn.linear_model.LogisticRegression(C=0.5, tol=1e-10) 1.9.1, fitted on the even rows, at the odd rows,
    /// and the other way round.
    #[test]
    fn probabilities_are_those_of_sklearn() {
        let x: [f32; 24] = [
            0.5, -1.2, 1.1, 0.3, -0.7, 0.9, 0.2, 0.4, -1.5, -0.3, 0.8, -0.6, 1.9, 0.1, -0.4, 1.3, 0.6, 0.7,
            -0.9, -1.1, 1.2, -0.2, -0.1, 0.5,
        ];
        let labels = [0, 0, 1, 1, 2, 2, 0, 1, 0, 2, 0, 1];
        let folds: Vec<u32> = (0..12).map(|i| i % 2).collect();
        let params = SoftmaxParams { l2: 2.0, iterations: 2000 };
        let got = run((Level::detect(), &Serial), &x, &labels, &folds, 3, params).unwrap();
        let want: [f32; 36] = include!("softmax.in");
        assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 2e-4), "{got:?}");
    }

    #[test]
    fn same_bits_at_every_level_and_on_two_threads_and_rows_sum_to_one() {
        let mut stream = Stream::new(4, Key::new(0));
        let labels: Vec<u32> = (0..600).map(|i| i % 4).collect();
        let x: Vec<f32> = (0..600 * 7).map(|i| stream.normal() + (i / 7 % 4) as f32 * 0.3).collect();
        let folds: Vec<u32> = (0..600).map(|i| super::super::fold_of(3, i, 5)).collect();
        let params = SoftmaxParams { iterations: 20, ..SoftmaxParams::default() };
        let base = run((Level::BASE, &Serial), &x, &labels, &folds, 4, params).unwrap();
        for level in Level::available() {
            let one = run((level, &Serial), &x, &labels, &folds, 4, params).unwrap();
            let two = run((level, &TwoThreads), &x, &labels, &folds, 4, params).unwrap();
            assert!(one.iter().zip(&base).all(|(a, b)| a.to_bits() == b.to_bits()), "{level:?}");
            assert!(two.iter().zip(&base).all(|(a, b)| a.to_bits() == b.to_bits()), "{level:?}, two threads");
        }
        assert!(base.chunks(4).all(|p| (p.iter().sum::<f32>() - 1.0).abs() < 1e-5));
    }

    /// Columns that cancel: a start of equal values sees nothing of them.
    #[test]
    fn the_step_sees_columns_that_cancel() {
        let x: Vec<f32> =
            (0..40).flat_map(|i| if i % 2 == 0 { [10.0, -10.0] } else { [-10.0, 10.0] }).collect();
        let mut memory = vec![0u8; softmax_scratch_len(40, 2, 2)];
        let (mut pair, mut image) = ([0f32; 4], [0f32; 80]);
        let mat = MatRef::new(&x, 40, 2).unwrap();
        let scratch = &mut Scratch::new(&mut memory);
        let value = largest_eigenvalue(Level::BASE, &Serial, mat, &mut pair, &mut image, scratch).unwrap();
        assert!((200.0..=221.0).contains(&value), "{value}");
    }

    #[test]
    fn folds_may_have_any_numbers() {
        let x: Vec<f32> = (0..24).map(|i| (i * 5 % 13) as f32 / 6.0 - 1.0).collect();
        let labels: Vec<u32> = (0..12).map(|i| i * 7 % 3).collect();
        let of = |numbers: [u32; 3]| -> Vec<f32> {
            let folds: Vec<u32> = (0..12).map(|i| numbers[i % 3]).collect();
            run((Level::BASE, &Serial), &x, &labels, &folds, 3, SoftmaxParams::default()).unwrap()
        };
        let want = of([0, 1, 2]);
        assert!(want == of([0, 4_000_000_000, u32::MAX]) && want == of([7, u32::MAX, 3]));
        assert!(want.chunks(3).all(|p| (p.iter().sum::<f32>() - 1.0).abs() < 1e-5));
    }

    #[test]
    fn what_is_not_finite_is_told() {
        let params = SoftmaxParams { l2: 1.0, iterations: 5 };
        for bad in [f32::NAN, f32::INFINITY, 1e30] {
            let got = run((Level::BASE, &Serial), &[0.5, bad, -0.5, 1.0], &[0, 1], &[0, 1], 2, params);
            assert_eq!(got, Err(Error::NotFinite), "{bad}");
        }
    }

    #[test]
    fn bad_arguments_are_refused() {
        let x = [0f32; 4];
        let mut memory = vec![0u8; 4096];
        let mut call = |labels: &[u32], folds: &[u32], l2| {
            let mut out = [7f32; 4];
            let params = SoftmaxParams { l2, iterations: 3 };
            let (x, probs) = (MatRef::new(&x, 2, 2).unwrap(), MatMut::new(&mut out, 2, 2).unwrap());
            let scratch = &mut Scratch::new(&mut memory);
            softmax_probabilities(Level::BASE, &Serial, params, x, labels, folds, probs, scratch)
        };
        assert_eq!(call(&[0, 2], &[0, 1], 1.0), Err(Error::InvalidArgument));
        assert_eq!(call(&[0, 1], &[0, 0], 1.0), Err(Error::InvalidArgument));
        assert_eq!(call(&[0, 1], &[7, 7], 1.0), Err(Error::InvalidArgument));
        for l2 in [-1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(call(&[0, 1], &[0, 1], l2), Err(Error::InvalidArgument));
        }
        assert_eq!(call(&[0], &[0, 1], 1.0), Err(Error::ShapeMismatch));
        assert_eq!(call(&[0, 1], &[0, 1], 1.0), Ok(()));
    }
}
