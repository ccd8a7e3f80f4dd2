//! Spectral normalisation (Miyato et al. 2018) as PyTorch's `spectral_norm` does it: W / σ, where σ = uᵀ·W·v is the largest
//! singular value as far as power iteration has found it. u and v are the state of the layer; they count as constants for
//! the gradient.

use super::layer::Layer;
use super::network::Step;
use super::rows;
use crate::linalg::{axpy, dot, sum_of_squares};
use crate::math;
use crate::simd::Level;

/// Steps of power iteration before the first pass.
const FIRST: usize = 15;
/// Norms are divided by no less.
const TINY: f32 = 1e-12;

/// W as a matrix of `rows`: blocks, each of which has `run` values of each row. A transposed convolution, which has its
/// outputs second, has as many blocks as inputs; others have one.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    run: usize,
}

impl<'a> Matrix<'a> {
    fn of(step: &Step, weight: &'a [f32]) -> Self {
        let (rows, run) = match step.layer {
            Layer::ConvTranspose2d(conv) => {
                (step.output.channels / conv.groups.max(1), conv.kernel * conv.kernel)
            }
            _ => (step.output.channels, weight.len().checked_div(step.output.channels).unwrap_or(0)),
        };
        Self { values: weight, rows, run }
    }

    /// u ← W·v of length 1.
    fn left(&self, level: Level, u: &mut [f32], v: &[f32]) {
        u.fill(0.0);
        let blocks = rows::of(self.values, self.rows * self.run).zip(rows::of(v, self.run));
        for (block, v) in blocks {
            for (u, row) in u.iter_mut().zip(rows::of(block, self.run)) {
                *u += dot(level, row, v);
            }
        }
        shorten(level, u);
    }

    /// v ← Wᵀ·u of length 1.
    fn right(&self, level: Level, u: &[f32], v: &mut [f32]) {
        v.fill(0.0);
        let blocks = rows::of(self.values, self.rows * self.run).zip(rows::of_mut(v, self.run));
        for (block, v) in blocks {
            for (&u, row) in u.iter().zip(rows::of(block, self.run)) {
                axpy(level, u, row, v);
            }
        }
        shorten(level, v);
    }

    /// uᵀ·W·v.
    fn sigma(&self, level: Level, u: &[f32], v: &[f32]) -> f32 {
        let blocks = rows::of(self.values, self.rows * self.run).zip(rows::of(v, self.run));
        let rows = blocks
            .flat_map(|(block, v)| u.iter().zip(rows::of(block, self.run)).map(move |(u, row)| (u, row, v)));
        rows.fold(0.0, |sum, (u, row, v)| sum + u * dot(level, row, v))
    }
}

fn shorten(level: Level, v: &mut [f32]) {
    let norm = math::sqrt(sum_of_squares(level, v));
    let norm = if norm > TINY { norm } else { TINY };
    v.iter_mut().for_each(|v| *v /= norm);
}

/// u and v of a layer's state.
fn vectors<'a>(step: &Step, state: &'a mut [f32]) -> (&'a mut [f32], &'a mut [f32]) {
    let own = step.state.of_mut(state);
    let rows = Matrix::of(step, &[]).rows;
    own.split_at_mut_checked(rows).unwrap_or_default()
}

/// Brings u and v of a layer near the singular vectors before the first pass; nothing for other layers.
pub(super) fn settle(step: &Step, params: &[f32], state: &mut [f32]) {
    let level = Level::BASE;
    if !step.is_spectral() {
        return;
    }
    let weight = Matrix::of(step, step.split(step.params.of(params)).0);
    let (u, v) = vectors(step, state);
    shorten(level, u);
    shorten(level, v);
    for _ in 0..FIRST {
        weight.left(level, u, v);
        weight.right(level, u, v);
    }
}

/// Values of [`divide`]'s `fixed`: the divided weight, u and v, and σ.
pub(super) fn fixed_len(step: &Step) -> usize {
    step.weight_len().saturating_add(step.state.len).saturating_add(1)
}

/// One step of power iteration.
pub(super) fn follow(level: Level, step: &Step, params: &[f32], state: &mut [f32]) {
    let weight = Matrix::of(step, step.split(step.params.of(params)).0);
    let (u, v) = vectors(step, state);
    weight.left(level, u, v);
    weight.right(level, u, v);
}

/// σ.
pub(super) fn sigma(level: Level, step: &Step, params: &[f32], state: &[f32]) -> f32 {
    let matrix = Matrix::of(step, step.split(step.params.of(params)).0);
    let (u, v) = step.state.of(state).split_at_checked(matrix.rows).unwrap_or_default();
    matrix.sigma(level, u, v)
}

/// Writes W / σ, the u and v of this pass, and σ to `fixed`.
pub(super) fn divide(level: Level, step: &Step, params: &[f32], state: &[f32], fixed: &mut [f32]) {
    let weight = step.split(step.params.of(params)).0;
    let sigma = sigma(level, step, params, state);
    let Some((last, rest)) = fixed.split_last_mut() else { return };
    *last = sigma;
    let (scaled, vectors) = rest.split_at_mut_checked(weight.len()).unwrap_or_default();
    rows::copy(step.state.of(state), vectors);
    scaled.iter_mut().zip(weight).for_each(|(to, w)| *to = w / sigma);
}

/// `grad`, the gradient by W / σ, becomes that by W: (grad − ⟨grad, W / σ⟩ · u·vᵀ) / σ.
pub(super) fn chain(level: Level, step: &Step, fixed: &[f32], grad: &mut [f32]) {
    let Some((&sigma, rest)) = fixed.split_last() else { return };
    let (scaled, vectors) = rest.split_at_checked(grad.len()).unwrap_or_default();
    let matrix = Matrix::of(step, scaled);
    let (u, v) = vectors.split_at_checked(matrix.rows).unwrap_or_default();
    let along = dot(level, grad, scaled);
    let blocks = rows::of_mut(grad, matrix.rows * matrix.run).zip(rows::of(v, matrix.run));
    for (block, v) in blocks {
        for (&u, row) in u.iter().zip(rows::of_mut(block, matrix.run)) {
            row.iter_mut().zip(v).for_each(|(g, v)| *g = (*g - along * u * v) / sigma);
        }
    }
}
