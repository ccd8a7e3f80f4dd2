//! Lion.

use super::fused::{Rule, two};
use super::{allowed, is_decay, part, positive, shrinkage};
use crate::error::Result;
use crate::exec::Executor;
use crate::nn::Engine;
use crate::nn::parallel::for_rows;
use crate::simd::LANES;

/// Lion (Chen et al. 2023), with the defaults of its authors: steps of one size for all parameters, half the memory of Adam.
/// Its rate is some 3 to 10 times smaller than that of Adam, its weight decay as much larger.
///
/// With g the gradient: w ← (1 − rate·decay)·w − rate·sign(β₁m + (1−β₁)g), then m ← β₂m + (1−β₂)g. The sign of 0 is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lion {
    /// Learning rate, above 0 and finite.
    pub rate: f32,
    /// What the mean counts for in a step, in [0, 1).
    pub beta1: f32,
    /// Decay of the mean of the gradients, in [0, 1).
    pub beta2: f32,
    /// Weight decay, at least 0; its product with the rate is below 1.
    pub weight_decay: f32,
}

impl Default for Lion {
    fn default() -> Self {
        Self { rate: 1e-4, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }
}

impl Lion {
    pub(super) fn check(&self, t: u64, lens: [usize; 3]) -> Result<()> {
        shrinkage(self.rate, self.weight_decay)?;
        allowed(positive(self.rate) && is_decay(self.beta1) && is_decay(self.beta2), t, lens, 1)
    }

    /// One step, the `t`-th, counted from 1, on which nothing depends here. `state` holds m, so as many values as there are
    /// parameters, all 0 before the first step.
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
        let rule = LionRule { lion: *self, shrink: shrinkage(self.rate, self.weight_decay)? };
        for_rows(on.exec, n, [params, state], |first, [w, m]| {
            update(on.level, rule, part(grads, first, w.len()), [w, m]);
        });
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct LionRule {
    lion: Lion,
    shrink: f32,
}

impl Rule<2> for LionRule {
    #[inline(always)]
    fn at(self, g: f32, [w, m]: [f32; 2]) -> [f32; 2] {
        let Lion { rate, beta1, beta2, .. } = self.lion;
        let ahead = beta1 * m + (1.0 - beta1) * g;
        // What is neither above nor below is its own sign: 0, or NaN.
        let sign = if ahead < 0.0 { -1.0 } else { ahead };
        let sign = if ahead > 0.0 { 1.0 } else { sign };
        [self.shrink * w - rate * sign, beta2 * m + (1.0 - beta2) * g]
    }
}

kernel! {
    fn update(rule: LionRule, grads: &[f32], state: [&mut [f32]; 2]) = update_body;
}

#[inline(always)]
fn update_body(rule: LionRule, grads: &[f32], state: [&mut [f32]; 2]) {
    two::<LANES>(rule, grads, state);
}
