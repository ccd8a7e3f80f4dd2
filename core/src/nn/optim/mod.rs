//! Optimisers, schedules of their rate, clipping of gradients, and running means of parameters.
//!
//! A step goes once over the parameters, their gradients and what the optimiser remembers. It is counted from 1, and so
//! is what depends on it; nothing is kept but the slice of state that the caller owns.

mod adam;
mod clip;
mod ema;
mod fused;
mod lion;
mod schedule;
mod sgd;

pub use adam::{Adam, AdamW};
pub use clip::{clip_norm, clip_value, grad_norm};
pub use ema::Ema;
pub use lion::Lion;
pub use schedule::{RateDecay, Schedule};
pub use sgd::Sgd;

use super::Engine;
use crate::error::{Error, Result};
use crate::exec::Executor;

/// One of the optimisers, chosen at run time.
///
/// ```
/// use seedbed::nn::{Engine, Lion, Optimiser, Schedule};
/// use seedbed::{Level, exec::Serial};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let optimiser = Optimiser::from(Lion { rate: 0.125, ..Lion::default() });
/// let mut params = [1.0, -1.0];
/// let mut state = vec![0.0; optimiser.state_len(params.len())];
/// for t in 1..=4 {
///     let grads = params;
///     // The rate of this step.
///     let rate = Schedule::constant().warm_up(2).rate(optimiser.rate(), t, 4)?;
///     optimiser.with_rate(rate).step(on, t, &mut params, &grads, &mut state)?;
/// }
/// assert_eq!(params, [0.5625, -0.5625]);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Optimiser {
    /// Gradient descent, with momentum or without.
    Sgd(Sgd),
    /// Adam.
    Adam(Adam),
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
    /// Lion.
    Lion(Lion),
}

macro_rules! each {
    ($optimiser:expr, $o:ident => $of:expr) => {
        match $optimiser {
            Optimiser::Sgd($o) => $of,
            Optimiser::Adam($o) => $of,
            Optimiser::AdamW($o) => $of,
            Optimiser::Lion($o) => $of,
        }
    };
}

macro_rules! from {
    ($($t:ident)*) => { $(
        impl From<$t> for Optimiser {
            fn from(optimiser: $t) -> Self {
                Self::$t(optimiser)
            }
        }
    )* };
}
from!(Sgd Adam AdamW Lion);

impl Optimiser {
    /// Values that it remembers for so many parameters, 0 before the first step; `usize::MAX` where that is too large.
    pub const fn state_len(&self, params: usize) -> usize {
        match self {
            Self::Sgd(sgd) if sgd.momentum == 0.0 => 0,
            Self::Sgd(_) | Self::Lion(_) => params,
            Self::Adam(_) | Self::AdamW(_) => params.saturating_mul(2),
        }
    }

    /// The learning rate.
    pub const fn rate(&self) -> f32 {
        each!(self, o => o.rate)
    }

    /// The same with another learning rate, as a [`Schedule`] gives it for a step.
    pub const fn with_rate(mut self, rate: f32) -> Self {
        each!(&mut self, o => o.rate = rate);
        self
    }

    /// Whether [`Optimiser::step`] takes this `t`, and slices of these lengths: parameters, gradients, state.
    ///
    /// # Errors
    /// As [`Optimiser::step`].
    pub fn check(&self, t: u64, lens: [usize; 3]) -> Result<()> {
        each!(self, o => o.check(t, lens))
    }

    /// One step, the `t`-th, counted from 1. `state` has [`Optimiser::state_len`] values, all 0 before the first step.
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
        state: &mut [f32],
    ) -> Result<()> {
        each!(self, o => o.step(on, t, params, grads, state))
    }
}

/// Whether the numbers of an optimiser and a step are in range, and slices of parameters, gradients and `each` values of
/// state for a parameter fit each other.
fn allowed(in_range: bool, t: u64, [params, grads, state]: [usize; 3], each: usize) -> Result<()> {
    if !in_range || t == 0 {
        return Err(Error::InvalidArgument);
    }
    let fits = grads == params && params.checked_mul(each) == Some(state);
    if fits { Ok(()) } else { Err(Error::ShapeMismatch) }
}

/// Above 0 and finite.
const fn positive(v: f32) -> bool {
    v > 0.0 && v < f32::INFINITY
}

/// In [0, 1).
const fn is_decay(v: f32) -> bool {
    v >= 0.0 && v < 1.0
}

/// What decoupled weight decay multiplies a parameter by, which must be above 0.
fn shrinkage(rate: f32, weight_decay: f32) -> Result<f32> {
    let shrink = (1.0 - f64::from(rate) * f64::from(weight_decay)) as f32;
    if weight_decay >= 0.0 && shrink > 0.0 { Ok(shrink) } else { Err(Error::InvalidArgument) }
}

/// The gradients of the `n` parameters from the `first` on.
fn part(grads: &[f32], first: usize, n: usize) -> &[f32] {
    grads.get(first..).and_then(|g| g.get(..n)).unwrap_or(&[])
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
