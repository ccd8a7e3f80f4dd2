//! Adam.

use super::Engine;
use super::parallel::for_rows;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::simd::LANES;

/// Adam with bias correction (Kingma, Ba 2015), in the form and with the defaults of PyTorch.
///
/// With g the gradient and t counted from 1:
/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − rate/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Adam {
    /// Learning rate, above 0 and finite.
    pub rate: f32,
    /// Decay of the mean of the gradients, in [0, 1).
    pub beta1: f32,
    /// Decay of the mean of their squares, in [0, 1).
    pub beta2: f32,
    /// Keeps the division finite, above 0 and finite itself.
    pub epsilon: f32,
}

impl Default for Adam {
    fn default() -> Self {
        Self { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl Adam {
    /// Whether [`Adam::step`] takes this `t` and slices of these lengths: parameters, gradients, moments.
    pub(crate) fn check(&self, t: u64, [params, grads, moments]: [usize; 3]) -> Result<()> {
        let decays = [self.beta1, self.beta2].into_iter().all(|b| (0.0..1.0).contains(&b));
        let above = [self.rate, self.epsilon].into_iter().all(|v| v > 0.0 && v < f32::INFINITY);
        if !(decays && above && t > 0) {
            return Err(Error::InvalidArgument);
        }
        if grads != params || moments / 2 != params || !moments.is_multiple_of(2) {
            return Err(Error::ShapeMismatch);
        }
        Ok(())
    }

    /// One step, the `t`-th, counted from 1. `moments` holds m and then v, so twice as many values as
    /// there are parameters, all 0 before the first step.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a value out of its range or `t` = 0, [`Error::ShapeMismatch`] where
    /// the lengths do not fit. Nothing is written then.
    pub fn step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        t: u64,
        params: &mut [f32],
        grads: &[f32],
        moments: &mut [f32],
    ) -> Result<()> {
        let n = params.len();
        self.check(t, [n, grads.len(), moments.len()])?;
        let correction1 = 1.0 - power(self.beta1 as f64, t);
        let correction2 = (1.0 - power(self.beta2 as f64, t)) as f32;
        let scale = [(self.rate as f64 / correction1) as f32, 1.0 / math::sqrt(correction2)];
        let (m, v) = moments.split_at_mut_checked(n).unwrap_or_default();
        for_rows(on.exec, n, [params, m, v], |first, [w, m, v]| {
            let grads = grads.get(first..).and_then(|g| g.get(..w.len())).unwrap_or(&[]);
            update(on.level, self, scale, grads, [w, m, v]);
        });
        Ok(())
    }
}

/// xⁿ by squaring, in double precision: the same bits everywhere.
pub(crate) fn power(mut x: f64, mut n: u64) -> f64 {
    let mut y = 1.0;
    while n > 0 {
        if n & 1 == 1 {
            y *= x;
        }
        x *= x;
        n >>= 1;
    }
    y
}

kernel! {
    fn update(adam: &Adam, scale: [f32; 2], grads: &[f32], state: [&mut [f32]; 3]) = update_body;
}

#[inline(always)]
fn update_body(adam: &Adam, scale: [f32; 2], grads: &[f32], [w, m, v]: [&mut [f32]; 3]) {
    // Whole blocks are values of their own in between, which tells the compiler that they do not overlap.
    let (w_blocks, w_tail) = w.as_chunks_mut::<LANES>();
    let (m_blocks, m_tail) = m.as_chunks_mut::<LANES>();
    let (v_blocks, v_tail) = v.as_chunks_mut::<LANES>();
    let (g_blocks, g_tail) = grads.as_chunks::<LANES>();
    for (((w, m), v), g) in w_blocks.iter_mut().zip(m_blocks).zip(v_blocks).zip(g_blocks) {
        let mut block = (*w, *m, *v);
        for (((w, m), v), &g) in block.0.iter_mut().zip(&mut block.1).zip(&mut block.2).zip(g) {
            one(adam, scale, g, [w, m, v]);
        }
        (*w, *m, *v) = block;
    }
    for (((w, m), v), &g) in w_tail.iter_mut().zip(m_tail).zip(v_tail).zip(g_tail) {
        one(adam, scale, g, [w, m, v]);
    }
}

#[inline(always)]
fn one(adam: &Adam, [rate, root]: [f32; 2], g: f32, [w, m, v]: [&mut f32; 3]) {
    *m = adam.beta1 * *m + (1.0 - adam.beta1) * g;
    *v = adam.beta2 * *v + (1.0 - adam.beta2) * (g * g);
    *w -= rate * *m / (math::sqrt(*v) * root + adam.epsilon);
}
