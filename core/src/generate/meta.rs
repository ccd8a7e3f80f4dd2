//! Learning from tasks: parameters to begin with, from which a few steps on a few samples of a new task come far.

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::nn::{Ema, Engine, Optimiser};

/// How parameters to begin with learn from a task: some steps of training on it that begin with them, and then
/// [`MetaRule::step`].
///
/// ```
/// use seedbed::{Level, exec::Serial, nn::Engine};
/// use seedbed::generate::{Adapted, MetaRule};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let mut first = [1.0, 2.0];
/// let task = Adapted { params: &[2.0, 0.0], grads: &[] };
/// MetaRule::Reptile { rate: 0.25 }.step(on, 1, task, &mut first, &mut [])?;
/// assert_eq!(first, [1.25, 1.5]);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetaRule {
    /// Goes a share of the way, above 0 and at most 1, to where the steps led (Nichol, Achiam and Schulman 2018). After more than
    /// one step that way holds what the gradients of a task have in common.
    Reptile {
        /// The share.
        rate: f32,
    },
    /// Makes a step along the gradients of further samples of the task where the steps led: model-agnostic meta-learning of the
    /// first order (Finn, Abbeel and Levine 2017).
    Fomaml(Optimiser),
}

/// What a task led to.
#[derive(Clone, Copy, Debug)]
pub struct Adapted<'a> {
    /// The parameters after the steps.
    pub params: &'a [f32],
    /// The gradients of further samples there; [`MetaRule::Reptile`] does not read them.
    pub grads: &'a [f32],
}

impl MetaRule {
    /// Values that it remembers for so many parameters, 0 before the first step; `usize::MAX` where that is too large.
    pub const fn state_len(&self, params: usize) -> usize {
        match self {
            Self::Reptile { .. } => 0,
            Self::Fomaml(optimiser) => optimiser.state_len(params),
        }
    }

    /// Moves the parameters to begin with after the `t`-th task, counted from 1. `state` has [`MetaRule::state_len`] values.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a value out of its range or `t` = 0, [`Error::ShapeMismatch`] where the lengths do not
    /// fit. Nothing is written then.
    pub fn step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        t: u64,
        task: Adapted<'_>,
        first: &mut [f32],
        state: &mut [f32],
    ) -> Result<()> {
        match self {
            Self::Fomaml(optimiser) => optimiser.step(on, t, first, task.grads, state),
            Self::Reptile { .. } if !state.is_empty() => Err(Error::ShapeMismatch),
            // first ← (1 − rate) · first + rate · params is what a running mean does.
            Self::Reptile { rate } if *rate > 0.0 && *rate <= 1.0 => {
                Ema { decay: 1.0 - rate, warm_up: false }.step(on, t, task.params, first)
            }
            Self::Reptile { .. } => Err(Error::InvalidArgument),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::tests::BASE;
    use crate::nn::{Adam, Sgd};
    use std::vec::Vec;

    /// ½ · curvature · (x − centre)², whose gradient steps have a closed form.
    #[derive(Clone, Copy)]
    struct Task {
        centre: f32,
        curvature: f32,
    }

    impl Task {
        fn slope(self, x: f32) -> f32 {
            self.curvature * (x - self.centre)
        }

        /// After so many steps of gradient descent at a rate.
        fn adapted(self, mut x: f32, steps: usize, rate: f32) -> f32 {
            (0..steps).for_each(|_| x -= rate * self.slope(x));
            x
        }
    }

    const TASKS: [Task; 2] = [Task { centre: 3.0, curvature: 1.0 }, Task { centre: -1.0, curvature: 0.25 }];

    /// Where a rule settles over the tasks in turn.
    fn settled(rule: MetaRule, steps: usize) -> f32 {
        let (mut first, mut state) = ([0f32], std::vec![0f32; rule.state_len(1)]);
        for t in 1..=4000u64 {
            let task = TASKS[t as usize % 2];
            let params = [task.adapted(first[0], steps, 0.1)];
            let grads = [task.slope(params[0])];
            rule.step(BASE, t, Adapted { params: &params, grads: &grads }, &mut first, &mut state).unwrap();
        }
        first[0]
    }

    /// The steps shrink the distance to the centre by s = (1 − 0.1 · curvature)^steps, so that the ways of both tasks cancel where
    /// Σ (1 − s)(centre − x) = 0, and the gradients behind them where Σ curvature · s · (centre − x) = 0.
    #[test]
    fn rules_settle_where_their_ways_cancel() {
        for steps in [1, 5] {
            let balance = |weight: &dyn Fn(Task, f32) -> f32| {
                let shrink = |task: Task| (1.0 - 0.1 * task.curvature).powi(steps as i32);
                let weights: Vec<f32> = TASKS.iter().map(|&task| weight(task, shrink(task))).collect();
                TASKS.iter().zip(&weights).map(|(t, w)| t.centre * w).sum::<f32>()
                    / weights.iter().sum::<f32>()
            };
            let got = settled(MetaRule::Reptile { rate: 0.02 }, steps);
            let want = balance(&|_, s| 1.0 - s);
            assert!((got - want).abs() < 0.02, "{steps}: {got} {want}");
            let sgd = Sgd { rate: 0.01, ..Sgd::default() };
            let got = settled(MetaRule::Fomaml(sgd.into()), steps);
            let want = balance(&|task, s| task.curvature * s);
            assert!((got - want).abs() < 0.02, "{steps}: {got} {want}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let task = Adapted { params: &[2.0, 0.0], grads: &[1.0, 1.0] };
        let mut first = [1.0, 2.0];
        for rate in [0.0, -0.1, 1.01, f32::NAN] {
            let refused = MetaRule::Reptile { rate }.step(BASE, 1, task, &mut first, &mut []);
            assert_eq!(refused, Err(Error::InvalidArgument), "{rate}");
        }
        let rule = MetaRule::Reptile { rate: 1.0 };
        assert_eq!(rule.step(BASE, 0, task, &mut first, &mut []), Err(Error::InvalidArgument));
        assert_eq!(rule.step(BASE, 1, task, &mut first, &mut [0.0]), Err(Error::ShapeMismatch));
        assert_eq!(rule.step(BASE, 1, task, &mut first[..1], &mut []), Err(Error::ShapeMismatch));
        let rule = MetaRule::Fomaml(Adam::default().into());
        assert_eq!(rule.state_len(2), 4);
        assert_eq!(rule.step(BASE, 1, task, &mut first, &mut [0.0; 3]), Err(Error::ShapeMismatch));
        assert_eq!(first, [1.0, 2.0]);
        MetaRule::Reptile { rate: 1.0 }.step(BASE, 1, task, &mut first, &mut []).unwrap();
        assert_eq!(first, [2.0, 0.0]);
    }
}
