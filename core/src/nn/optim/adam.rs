//! Adam, and with decoupled weight decay.

use super::fused::{Rule, three};
use super::{allowed, is_decay, part, positive, power, shrinkage};
use crate::error::Result;
use crate::exec::Executor;
use crate::math;
use crate::nn::Engine;
use crate::nn::parallel::for_rows;

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
    pub(crate) fn check(&self, t: u64, lens: [usize; 3]) -> Result<()> {
        let decays = is_decay(self.beta1) && is_decay(self.beta2);
        allowed(decays && positive(self.rate) && positive(self.epsilon), t, lens, 2)
    }

    /// One step, the `t`-th, counted from 1. `moments` holds m and then v, so twice as many values as
    /// there are parameters, all 0 before the first step.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a value out of its range or `t` = 0, [`crate::Error::ShapeMismatch`] where
    /// the lengths do not fit. Nothing is written then.
    pub fn step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        t: u64,
        params: &mut [f32],
        grads: &[f32],
        moments: &mut [f32],
    ) -> Result<()> {
        self.check(t, [params.len(), grads.len(), moments.len()])?;
        run(on, self.rule(t, 1.0), params, grads, moments);
        Ok(())
    }

    /// The step of number `t`, before which parameters are multiplied by `shrink`.
    fn rule(&self, t: u64, shrink: f32) -> AdamRule {
        let correction1 = 1.0 - power(self.beta1 as f64, t);
        let correction2 = (1.0 - power(self.beta2 as f64, t)) as f32;
        let rate = (self.rate as f64 / correction1) as f32;
        AdamRule { adam: *self, rate, root: 1.0 / math::sqrt(correction2), shrink }
    }
}

/// Adam with decoupled weight decay (Loshchilov, Hutter 2019), in the form and with the defaults of PyTorch: before each
/// step of [`Adam`], w ← (1 − rate·decay)·w.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdamW {
    /// Learning rate, above 0 and finite.
    pub rate: f32,
    /// Decay of the mean of the gradients, in [0, 1).
    pub beta1: f32,
    /// Decay of the mean of their squares, in [0, 1).
    pub beta2: f32,
    /// Keeps the division finite, above 0 and finite itself.
    pub epsilon: f32,
    /// Weight decay, at least 0; its product with the rate is below 1.
    pub weight_decay: f32,
}

impl Default for AdamW {
    fn default() -> Self {
        let Adam { rate, beta1, beta2, epsilon } = Adam::default();
        Self { rate, beta1, beta2, epsilon, weight_decay: 0.01 }
    }
}

impl AdamW {
    const fn adam(&self) -> Adam {
        Adam { rate: self.rate, beta1: self.beta1, beta2: self.beta2, epsilon: self.epsilon }
    }

    pub(super) fn check(&self, t: u64, lens: [usize; 3]) -> Result<()> {
        shrinkage(self.rate, self.weight_decay)?;
        self.adam().check(t, lens)
    }

    /// One step, the `t`-th, counted from 1, with moments as [`Adam::step`] has them.
    ///
    /// # Errors
    /// As [`Adam::step`].
    pub fn step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        t: u64,
        params: &mut [f32],
        grads: &[f32],
        moments: &mut [f32],
    ) -> Result<()> {
        self.check(t, [params.len(), grads.len(), moments.len()])?;
        run(on, self.adam().rule(t, shrinkage(self.rate, self.weight_decay)?), params, grads, moments);
        Ok(())
    }
}

fn run<E: Executor>(
    on: Engine<'_, E>,
    rule: AdamRule,
    params: &mut [f32],
    grads: &[f32],
    moments: &mut [f32],
) {
    let n = params.len();
    let (m, v) = moments.split_at_mut_checked(n).unwrap_or_default();
    for_rows(on.exec, n, [params, m, v], |first, [w, m, v]| {
        update(on.level, rule, part(grads, first, w.len()), [w, m, v]);
    });
}

/// A step with what depends on its number.
#[derive(Clone, Copy)]
struct AdamRule {
    adam: Adam,
    /// The rate over the correction of m.
    rate: f32,
    /// 1 over the root of the correction of v.
    root: f32,
    shrink: f32,
}

impl Rule<3> for AdamRule {
    #[inline(always)]
    fn at(self, g: f32, [w, m, v]: [f32; 3]) -> [f32; 3] {
        let Adam { beta1, beta2, epsilon, .. } = self.adam;
        let m = beta1 * m + (1.0 - beta1) * g;
        let v = beta2 * v + (1.0 - beta2) * (g * g);
        [self.shrink * w - self.rate * m / (math::sqrt(v) * self.root + epsilon), m, v]
    }
}

kernel! {
    fn update(rule: AdamRule, grads: &[f32], state: [&mut [f32]; 3]) = update_body, with avx512;
}

#[inline(always)]
fn update_body(rule: AdamRule, grads: &[f32], state: [&mut [f32]; 3]) {
    three(rule, grads, state);
}
