//! The learning rate as a function of the step.

use super::{positive, power};
use crate::error::{Error, Result};
use crate::math;

/// How a learning rate changes over training: it rises to its whole over the first steps, and then stays or falls.
///
/// ```
/// use seedbed::nn::Schedule;
/// let schedule = Schedule::cosine(0.0).warm_up(2);
/// let rates: Result<Vec<f32>, _> = (1..=6).map(|t| schedule.rate(1.0, t, 6)).collect();
/// let want = [0.5, 1.0, 1.0, 0.853_553_4, 0.5, 0.146_446_6];
/// assert!(rates?.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-6));
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Schedule {
    /// Steps over which the rate rises in equal parts, from a part at the first of them to the whole at the last.
    pub warm_up: u64,
    /// What follows them.
    pub then: RateDecay,
}

/// How a learning rate falls from its whole.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RateDecay {
    /// Not at all.
    Constant,
    /// Along half a cosine (Loshchilov, Hutter 2017): after a share p of the steps the rate is
    /// floor + (1 − floor)·½(1 + cos πp) of its whole.
    Cosine {
        /// What it falls towards, as a share of the whole in [0, 1].
        floor: f32,
    },
    /// By a factor after every so many steps.
    Steps {
        /// Steps of one rate, above 0.
        every: u64,
        /// What it is multiplied by, in (0, 1].
        factor: f32,
    },
}

impl Schedule {
    /// One rate for all steps.
    pub const fn constant() -> Self {
        Self { warm_up: 0, then: RateDecay::Constant }
    }

    /// [`RateDecay::Cosine`] from the first step on.
    pub const fn cosine(floor: f32) -> Self {
        Self { warm_up: 0, then: RateDecay::Cosine { floor } }
    }

    /// [`RateDecay::Steps`] from the first step on.
    pub const fn steps(every: u64, factor: f32) -> Self {
        Self { warm_up: 0, then: RateDecay::Steps { every, factor } }
    }

    /// The same after so many steps of warm-up.
    pub const fn warm_up(self, steps: u64) -> Self {
        Self { warm_up: steps, ..self }
    }

    /// The rate of step `t`, counted from 1, of `total` steps, where `rate` is the whole. It is never below the smallest
    /// normal number, so that an optimiser takes it; a step after the last has the rate of the last.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a value out of its range, a `rate` that is not above 0 and finite, or where `t` or
    /// `total` is 0.
    pub fn rate(&self, rate: f32, t: u64, total: u64) -> Result<f32> {
        let falls = match self.then {
            RateDecay::Constant => true,
            RateDecay::Cosine { floor } => (0.0..=1.0).contains(&floor),
            RateDecay::Steps { every, factor } => every > 0 && factor > 0.0 && factor <= 1.0,
        };
        let done = t.min(total).checked_sub(1);
        let (Some(done), true, true) = (done, falls, positive(rate)) else {
            return Err(Error::InvalidArgument);
        };
        let rate = (f64::from(rate) * self.share(done, total)) as f32;
        Ok(math::max(rate, f32::MIN_POSITIVE))
    }

    /// The share of the whole after `done` of `total` steps.
    fn share(&self, done: u64, total: u64) -> f64 {
        if done < self.warm_up {
            return (done as f64 + 1.0) / self.warm_up as f64;
        }
        let (done, total) = (done - self.warm_up, total.saturating_sub(self.warm_up));
        match self.then {
            RateDecay::Constant => 1.0,
            RateDecay::Cosine { floor } => {
                // ½(1 + cos πp) as sin²(½π(1 − p)), which is as exact near its end.
                let left = 1.0 - done as f64 / total as f64;
                let sine = f64::from(math::sin((core::f64::consts::FRAC_PI_2 * left) as f32));
                f64::from(floor) + (1.0 - f64::from(floor)) * (sine * sine)
            }
            RateDecay::Steps { every, factor } => {
                power(f64::from(factor), done.checked_div(every).unwrap_or(0))
            }
        }
    }
}
