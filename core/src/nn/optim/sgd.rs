//! Gradient descent.

use super::fused::{Rule, one, two};
use super::{allowed, is_decay, part, positive};
use crate::error::Result;
use crate::exec::Executor;
use crate::nn::Engine;
use crate::nn::parallel::for_rows;

/// Gradient descent with momentum and weight decay, in the form of PyTorch (Sutskever et al. 2013 for Nesterov's momentum).
///
/// With g the gradient plus decay·w: b ← momentum·b + g, w ← w − rate·b, or with `nesterov` w ← w − rate·(g + momentum·b).
/// Without momentum nothing is remembered: w ← w − rate·g.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sgd {
    /// Learning rate, above 0 and finite.
    pub rate: f32,
    /// Decay of the sum of gradients, in [0, 1).
    pub momentum: f32,
    /// Whether the step looks ahead by the momentum, which must then be above 0.
    pub nesterov: bool,
    /// The share of a parameter that counts to its gradient, at least 0 and finite.
    pub weight_decay: f32,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { rate: 1e-3, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

impl Sgd {
    pub(super) fn check(&self, t: u64, lens: [usize; 3]) -> Result<()> {
        let looks = !self.nesterov || self.momentum > 0.0;
        let decays = (0.0..f32::INFINITY).contains(&self.weight_decay);
        let in_range = positive(self.rate) && is_decay(self.momentum) && looks && decays;
        allowed(in_range, t, lens, usize::from(self.momentum != 0.0))
    }

    /// One step, the `t`-th, counted from 1. `state` holds b, so as many values as there are parameters, all 0 before the
    /// first step; it is empty without momentum.
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
        state: &mut [f32],
    ) -> Result<()> {
        let n = params.len();
        self.check(t, [n, grads.len(), state.len()])?;
        if state.is_empty() {
            for_rows(on.exec, n, [params], |first, [w]| {
                descend(on.level, Plain(*self), part(grads, first, w.len()), w);
            });
        } else {
            for_rows(on.exec, n, [params, state], |first, [w, b]| {
                let grads = part(grads, first, w.len());
                match self.nesterov {
                    true => roll_ahead(on.level, Ahead(*self), grads, [w, b]),
                    false => roll(on.level, Heavy(*self), grads, [w, b]),
                }
            });
        }
        Ok(())
    }
}

/// Values of a block with momentum; of 16, looking ahead was six times as slow.
const BLOCK: usize = 32;

/// Without momentum.
#[derive(Clone, Copy)]
struct Plain(Sgd);

impl Rule<1> for Plain {
    #[inline(always)]
    fn at(self, g: f32, [w]: [f32; 1]) -> [f32; 1] {
        [w - self.0.rate * (g + self.0.weight_decay * w)]
    }
}

/// With momentum.
#[derive(Clone, Copy)]
struct Heavy(Sgd);

impl Rule<2> for Heavy {
    #[inline(always)]
    fn at(self, g: f32, [w, b]: [f32; 2]) -> [f32; 2] {
        let b = self.0.momentum * b + (g + self.0.weight_decay * w);
        [w - self.0.rate * b, b]
    }
}

/// With momentum, looking ahead. A rule of its own, so that nothing is asked for each parameter.
#[derive(Clone, Copy)]
struct Ahead(Sgd);

impl Rule<2> for Ahead {
    #[inline(always)]
    fn at(self, g: f32, [w, b]: [f32; 2]) -> [f32; 2] {
        let g = g + self.0.weight_decay * w;
        let b = self.0.momentum * b + g;
        [w - self.0.rate * (g + self.0.momentum * b), b]
    }
}

kernel! {
    fn descend(rule: Plain, grads: &[f32], w: &mut [f32]) = descend_body;
}

#[inline(always)]
fn descend_body(rule: Plain, grads: &[f32], w: &mut [f32]) {
    one(rule, grads, w);
}

kernel! {
    fn roll(rule: Heavy, grads: &[f32], state: [&mut [f32]; 2]) = roll_body;
}

#[inline(always)]
fn roll_body(rule: Heavy, grads: &[f32], state: [&mut [f32]; 2]) {
    two::<BLOCK>(rule, grads, state);
}

kernel! {
    fn roll_ahead(rule: Ahead, grads: &[f32], state: [&mut [f32]; 2]) = roll_ahead_body;
}

#[inline(always)]
fn roll_ahead_body(rule: Ahead, grads: &[f32], state: [&mut [f32]; 2]) {
    two::<BLOCK>(rule, grads, state);
}
