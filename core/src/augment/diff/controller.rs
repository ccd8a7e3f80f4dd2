//! How much is augmented, by how much the discriminator has learnt by heart.

use crate::error::{Error, Result};
use crate::linalg::sum;
use crate::math;
use crate::simd::Level;

/// Moves the probability of augmentations so that the discriminator keeps a certain distance from knowing the real pictures by
/// heart (Karras and others 2020). Settings and state in one plain record: save it with the parameters.
///
/// The measure is the mean sign of the logits of real pictures, r: 0 where it cannot tell them at all, 1 where it has learnt
/// them. After each `interval` batches p rises by pictures / `images_for_full` where r is above the target, and falls where it
/// is below.
///
/// ```
/// use seedbed::augment::diff::AdaController;
/// let mut controller = AdaController { interval: 2, images_for_full: 64, ..AdaController::default() };
/// assert_eq!(controller.observe(&[3.0, 2.0, -1.0, 4.0])?, None);
/// assert_eq!(controller.observe(&[1.0, 2.0, 1.0, 4.0])?, Some(0.75));
/// assert_eq!(controller.p, 8.0 / 64.0);
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdaController {
    /// The mean sign to be kept, between −1 and 1; 0.6 in the paper.
    pub target: f32,
    /// Batches between two moves of p, above 0; 4 in the paper.
    pub interval: u32,
    /// Real pictures in which p can rise from 0 to 1, above 0; 500 000 in the paper.
    pub images_for_full: u64,
    /// The largest p, 0 to 1. Above 0.8 augmentations may begin to leak into what is generated.
    pub most: f32,
    /// The probability now, from 0 to `most`.
    pub p: f32,
    /// Batches since it was moved.
    pub batches: u32,
    /// Real pictures since then.
    pub images: u64,
    /// Positive less negative logits since then.
    pub signs: i64,
}

impl Default for AdaController {
    fn default() -> Self {
        Self {
            target: 0.6,
            interval: 4,
            images_for_full: 500_000,
            most: 0.8,
            p: 0.0,
            batches: 0,
            images: 0,
            signs: 0,
        }
    }
}

impl AdaController {
    /// Refuses settings and states that are out of range.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub fn check(&self) -> Result<()> {
        let fits = (-1.0..=1.0).contains(&self.target)
            && self.interval > 0
            && self.images_for_full > 0
            && (0.0..=1.0).contains(&self.most)
            && (0.0..=self.most).contains(&self.p)
            && self.batches < self.interval
            && self.signs.unsigned_abs() <= self.images;
        if fits { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    /// Takes the logits of a batch of augmented real pictures, one of each. Every `interval` batches p moves, and the answer is
    /// the mean sign since it last did.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] without logits, [`Error::NotFinite`] where one is not a number, those of
    /// [`AdaController::check`]; nothing is changed then.
    pub fn observe(&mut self, logits: &[f32]) -> Result<Option<f32>> {
        self.check()?;
        if logits.is_empty() {
            return Err(Error::ShapeMismatch);
        }
        if logits.iter().any(|v| v.is_nan()) {
            return Err(Error::NotFinite);
        }
        let count = |of: fn(&&f32) -> bool| logits.iter().filter(of).count() as i64;
        let signs = count(|v| **v > 0.0) - count(|v| **v < 0.0);
        self.signs = self.signs.saturating_add(signs);
        self.images = self.images.saturating_add(logits.len() as u64);
        self.batches = self.batches.saturating_add(1);
        if self.batches < self.interval {
            return Ok(None);
        }
        let mean = (self.signs as f64 / self.images as f64) as f32;
        self.adjust(mean, self.images)?;
        (self.batches, self.images, self.signs) = (0, 0, 0);
        Ok(Some(mean))
    }

    /// Moves p after so many pictures for a measure that was made otherwise, such as [`held_out_measure`].
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a measure that is not a number, those of [`AdaController::check`] but for what
    /// [`AdaController::observe`] counts; nothing is changed then.
    pub fn adjust(&mut self, measure: f32, images: u64) -> Result<()> {
        Self { batches: 0, images: 0, signs: 0, ..*self }.check()?;
        if measure.is_nan() {
            return Err(Error::NotFinite);
        }
        let step = (images as f64 / self.images_for_full as f64) as f32;
        let moved = if measure > self.target {
            self.p + step
        } else if measure < self.target {
            self.p - step
        } else {
            self.p
        };
        self.p = math::clamp(moved, 0.0, self.most);
        Ok(())
    }
}

/// The other measure of the paper, of pictures that are never trained on: (train − held out) / (train − generated) of the mean
/// logits. 0 where the discriminator takes held-out pictures for real ones as those that it trains on, 1 where it takes them for
/// generated ones.
///
/// # Errors
/// [`Error::ShapeMismatch`] where there are no logits of a kind, [`Error::NotFinite`] where the measure is not a number, as
/// where generated pictures cannot be told from those of training at all.
pub fn held_out_measure(level: Level, train: &[f32], held_out: &[f32], generated: &[f32]) -> Result<f32> {
    let all = [train, held_out, generated];
    if all.iter().any(|logits| logits.is_empty()) {
        return Err(Error::ShapeMismatch);
    }
    let [train, held_out, generated] = all.map(|logits| sum(level, logits) / logits.len() as f32);
    let measure = (train - held_out) / (train - generated);
    if measure.is_finite() { Ok(measure) } else { Err(Error::NotFinite) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Key, Stream};
    use std::vec::Vec;

    /// A toy discriminator that knows the real pictures by heart the less, the more they are augmented.
    #[test]
    fn p_settles_where_the_measure_is_the_target() {
        let settings = AdaController { images_for_full: 20_000, ..AdaController::default() };
        // The mean of signs is 0.95 − p here: p settles at 0.35.
        for start in [0.0, 0.8] {
            let (mut controller, mut stream) =
                (AdaController { p: start, ..settings }, Stream::new(1, Key::new(1)));
            let mut ends = Vec::new();
            for batch in 0..2000 {
                let positive = (1.95 - controller.p) / 2.0;
                let logits: Vec<f32> =
                    (0..64).map(|_| if stream.chance(positive) { 2.0 } else { -0.5 }).collect();
                let told = controller.observe(&logits).unwrap();
                assert_eq!(told.is_some(), batch % 4 == 3);
                if batch >= 1000 {
                    ends.push(controller.p);
                }
            }
            let mean = ends.iter().sum::<f32>() / ends.len() as f32;
            assert!((mean - 0.35).abs() < 0.02, "{mean}");
            assert!(ends.iter().all(|p| (p - 0.35).abs() < 0.12));
        }
    }

    #[test]
    fn p_stays_between_nothing_and_most() {
        let mut controller = AdaController { interval: 1, images_for_full: 4, ..AdaController::default() };
        assert_eq!(controller.observe(&[-1.0]), Ok(Some(-1.0)));
        assert_eq!(controller.p, 0.0);
        for want in [0.25, 0.5, 0.75, 0.8, 0.8] {
            assert_eq!(controller.observe(&[1.0]), Ok(Some(1.0)));
            assert_eq!(controller.p, want);
        }
        // Neither sign, and a measure that is met.
        assert_eq!(controller.observe(&[0.0, 0.0]), Ok(Some(0.0)));
        assert_eq!(controller.p, 0.8 - 0.5);
        let p = controller.p;
        controller.adjust(0.6, 1000).unwrap();
        assert_eq!(controller.p, p);
    }

    #[test]
    fn what_is_wrong_is_refused_and_changes_nothing() {
        let good = AdaController { batches: 1, images: 3, signs: -3, ..AdaController::default() };
        let same = |mut controller: AdaController, logits: &[f32], error| {
            let before = controller;
            assert_eq!(controller.observe(logits), Err(error));
            assert!(controller == before || controller.p.is_nan() || controller.target.is_nan());
        };
        same(good, &[], Error::ShapeMismatch);
        same(good, &[1.0, f32::NAN], Error::NotFinite);
        let bad = [
            AdaController { target: 1.5, ..good },
            AdaController { target: f32::NAN, ..good },
            AdaController { interval: 0, ..good },
            AdaController { images_for_full: 0, ..good },
            AdaController { most: 1.5, ..good },
            AdaController { p: 0.9, ..good },
            AdaController { p: f32::NAN, ..good },
            AdaController { batches: 4, ..good },
            AdaController { signs: 4, ..good },
        ];
        for controller in bad {
            same(controller, &[1.0], Error::InvalidArgument);
        }
        assert_eq!(good.clone().adjust(f32::NAN, 1), Err(Error::NotFinite));
    }

    #[test]
    fn held_out_pictures_lie_between_train_and_generated_ones() {
        let measure = |held_out: f32| held_out_measure(Level::BASE, &[2.0, 4.0], &[held_out], &[-1.0; 3]);
        assert_eq!([3.0, 1.0, -1.0].map(measure), [Ok(0.0), Ok(0.5), Ok(1.0)]);
        assert_eq!(held_out_measure(Level::BASE, &[1.0], &[1.0], &[1.0]), Err(Error::NotFinite));
        assert_eq!(held_out_measure(Level::BASE, &[1.0], &[], &[1.0]), Err(Error::ShapeMismatch));
    }
}
