//! How far whole numbers are from single precision.

use crate::error::{Error, Result};
use crate::math;

/// How far outputs are from those in single precision. What is added batch by batch is what is added at once: the sums are in
/// double precision, in the order of the values.
///
/// ```
/// use seedbed::nn::int8::Comparison;
/// let mut comparison = Comparison::default();
/// comparison.add(&[3.0, -4.0], &[3.5, -4.0])?;
/// assert_eq!((comparison.largest(), comparison.mean()), (0.5, 0.25));
/// // 10 · log₁₀(25 / 0.25)
/// assert!((comparison.decibels() - 20.0).abs() < 1e-4);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Comparison {
    values: u64,
    largest: f32,
    differences: f64,
    noise: f64,
    signal: f64,
}

impl Comparison {
    /// Adds outputs in single precision and those of the same inputs in whole numbers.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] for different lengths, [`Error::NotFinite`]; nothing is added then.
    pub fn add(&mut self, exact: &[f32], rounded: &[f32]) -> Result<()> {
        if exact.len() != rounded.len() {
            return Err(Error::ShapeMismatch);
        }
        let mut sum = *self;
        for (&a, &b) in exact.iter().zip(rounded) {
            let (a, difference) = (f64::from(a), f64::from(a) - f64::from(b));
            let difference = if difference < 0.0 { -difference } else { difference };
            sum.largest = math::max(difference as f32, sum.largest);
            sum.differences += difference;
            sum.noise += difference * difference;
            sum.signal += a * a;
        }
        if !(sum.differences <= f64::MAX) {
            return Err(Error::NotFinite);
        }
        *self = Self { values: self.values.saturating_add(exact.len() as u64), ..sum };
        Ok(())
    }

    /// How many values there were.
    pub const fn values(&self) -> u64 {
        self.values
    }

    /// The largest difference.
    pub const fn largest(&self) -> f32 {
        self.largest
    }

    /// The mean magnitude of the differences; 0 of no values.
    pub fn mean(&self) -> f32 {
        if self.values == 0 { 0.0 } else { (self.differences / self.values as f64) as f32 }
    }

    /// The signal-to-noise ratio in decibels: 10 · log₁₀ of the squared outputs in single precision over the squared
    /// differences. Infinite where nothing differs.
    pub fn decibels(&self) -> f32 {
        if self.noise == 0.0 {
            return f32::INFINITY;
        }
        math::ln((self.signal / self.noise) as f32) * (10.0 * core::f32::consts::LOG10_E)
    }
}
