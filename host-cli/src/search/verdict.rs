//! What the search gained, held against chance.

use super::density::mean;
use serde::Serialize;

/// Whether augmentation helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The whole interval lies above 0.
    Gain,
    /// It holds 0.
    NoGain,
    /// It lies below 0.
    Loss,
}

impl Outcome {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Gain => "a gain beyond chance",
            Self::NoGain => "no gain beyond chance",
            Self::Loss => "worse than no augmentation",
        }
    }
}

/// The gain over no augmentation, measured on pictures that neither the search nor the trainings saw.
///
/// It is off by chance in two ways that do not depend on each other: other trainings would give another gain, and so would
/// other pictures to judge by. With s the standard error over the trainings and d that over the pictures, half of the
/// interval is √((t·s)² + (1.96·d)²), t being Student's for the trainings less one. What a training makes of one picture
/// counts in both, so the interval is rather too wide.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether that is a gain.
    pub outcome: Outcome,
    /// The mean measure without augmentation.
    pub without: f64,
    /// The same with it.
    pub with: f64,
    /// The mean gain.
    pub gain: f64,
    /// Its standard error.
    pub error: f64,
    /// Its interval of 95 %.
    pub interval: [f64; 2],
    /// The gain of each training.
    pub gains: Vec<f64>,
}

impl Verdict {
    /// From the gain of each training, and the `parts` of the gain that go back to single pictures: for each set of pictures
    /// that others could have been drawn for, a value for each, in the mean over the trainings.
    pub fn new([without, with]: [f64; 2], gains: Vec<f64>, parts: &[Vec<f64>]) -> Self {
        let gain = mean(&gains);
        let trainings = squared_error(&gains);
        let pictures: f64 = parts.iter().map(|part| squared_error(part)).sum();
        let t = student(gains.len());
        let half = (t * t * trainings + NORMAL * NORMAL * pictures).sqrt();
        let interval = [gain - half, gain + half];
        let outcome = match interval {
            [low, _] if low > 0.0 => Outcome::Gain,
            [_, high] if high < 0.0 => Outcome::Loss,
            _ => Outcome::NoGain,
        };
        Self { outcome, without, with, gain, error: (trainings + pictures).sqrt(), interval, gains }
    }
}

/// The 97.5 % quantile of the normal distribution.
const NORMAL: f64 = 1.96;

/// The same of Student's distribution, from one degree of freedom on.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The quantile for the mean of so many values, two at least; beyond the table its last.
fn student(values: usize) -> f64 {
    STUDENT[values.saturating_sub(2).min(STUDENT.len() - 1)]
}

/// The square of the standard error of the mean; 0 for fewer than two values.
fn squared_error(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let middle = mean(values);
    let squares: f64 = values.iter().map(|v| (v - middle) * (v - middle)).sum();
    squares / (values.len() - 1) as f64 / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed::rng::{Key, Stream};

    #[test]
    fn the_interval_is_that_of_both_errors() {
        let verdict = Verdict::new([0.5, 0.6], vec![0.09, 0.11], &[]);
        // s = 0.01, t = 12.706.
        assert!((verdict.interval[0] - (0.1 - 0.127_06)).abs() < 1e-9, "{verdict:?}");
        assert_eq!(verdict.outcome, Outcome::NoGain);
        let sure = Verdict::new([0.5, 0.6], vec![0.1; 5], &[vec![0.1; 50]]);
        assert_eq!((sure.outcome, sure.error < 1e-12), (Outcome::Gain, true));
        let parts = vec![vec![1.0, -1.0, 1.0, -1.0]];
        let unsure = Verdict::new([0.5, 0.6], vec![0.1; 5], &parts);
        assert!((unsure.error - (4.0 / 3.0f64 / 4.0).sqrt()).abs() < 1e-12);
        assert_eq!(unsure.outcome, Outcome::NoGain);
        assert_eq!(Verdict::new([0.6, 0.5], vec![-0.1; 5], &[]).outcome, Outcome::Loss);
        assert_eq!(Verdict::new([1.0, 1.0], vec![0.0; 5], &[vec![0.0; 9]]).outcome, Outcome::NoGain);
    }

    /// Where there is nothing to gain, one interval in twenty lies off 0, at most.
    #[test]
    fn chance_is_seldom_taken_for_a_gain() {
        let mut stream = Stream::new(5, Key::new(0));
        let off = (0..1000)
            .filter(|_| {
                let pictures: Vec<f64> = (0..40).map(|_| f64::from(stream.normal())).collect();
                let luck = mean(&pictures);
                let gains = (0..5).map(|_| luck + 0.1 * f64::from(stream.normal())).collect();
                Verdict::new([0.0, 0.0], gains, &[pictures]).outcome != Outcome::NoGain
            })
            .count();
        assert!((10..65).contains(&off), "{off}");
    }
}
