//! Running means of parameters.

use super::fused::{Rule, one};
use super::{is_decay, part};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::math;
use crate::nn::Engine;
use crate::nn::parallel::for_rows;

/// An exponential running mean of parameters: average ← decay·average + (1 − decay)·params. The mean of a
/// generator samples better than its last step does (Yazıcı et al. 2019).
///
/// ```
/// use seedbed::{Level, exec::Serial, nn::{Ema, Engine}};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let mut average = [0.0, 4.0];
/// Ema { decay: 0.75, warm_up: false }.step(on, 1, &[4.0, 0.0], &mut average)?;
/// assert_eq!(average, [1.0, 3.0]);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ema {
    /// The decay, in [0, 1).
    pub decay: f32,
    /// Whether the `t`-th step decays by no more than (1 + t)/(10 + t), so that the first parameters are soon forgotten.
    pub warm_up: bool,
}

impl Default for Ema {
    fn default() -> Self {
        Self { decay: 0.999, warm_up: false }
    }
}

impl Ema {
    /// The decay of the `t`-th step.
    pub fn decay_at(&self, t: u64) -> f32 {
        let t = t as f64;
        let most = ((1.0 + t) / (10.0 + t)) as f32;
        if self.warm_up { math::min(self.decay, most) } else { self.decay }
    }

    /// One step, the `t`-th, counted from 1. The average is that of the parameters before the first one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a decay out of its range or `t` = 0, [`Error::ShapeMismatch`] where the lengths
    /// differ. Nothing is written then.
    pub fn step<E: Executor>(
        &self,
        on: Engine<'_, E>,
        t: u64,
        params: &[f32],
        average: &mut [f32],
    ) -> Result<()> {
        if !is_decay(self.decay) || t == 0 {
            return Err(Error::InvalidArgument);
        }
        let n = params.len();
        if average.len() != n {
            return Err(Error::ShapeMismatch);
        }
        let decay = self.decay_at(t);
        for_rows(on.exec, n, [average], |first, [average]| {
            track(on.level, Mix { decay }, part(params, first, average.len()), average);
        });
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Mix {
    decay: f32,
}

impl Rule<1> for Mix {
    #[inline(always)]
    fn at(self, p: f32, [average]: [f32; 1]) -> [f32; 1] {
        [self.decay * average + (1.0 - self.decay) * p]
    }
}

kernel! {
    fn track(mix: Mix, params: &[f32], average: &mut [f32]) = track_body;
}

#[inline(always)]
fn track_body(mix: Mix, params: &[f32], average: &mut [f32]) {
    one(mix, params, average);
}
