//! LeCam regularisation of a discriminator that sees few samples.

use super::Side;
use super::adversarial::check;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::sum;
use crate::nn::Engine;

/// LeCam regularisation (Tseng et al. 2021): logits of real samples are held from running ahead of what generated ones
/// have had on average, and the other way about, which bounds what a discriminator learns by heart.
///
/// The penalty is weight·max(0, l − fake)² for the logit l of a real sample and weight·max(0, real − l)² for that of a
/// generated one, with the running means `real` and `fake` as [`Anchors`]. The paper writes it without the maximum; its
/// published code has it, and so it is here.
///
/// ```
/// use seedbed::{Level, exec::Serial, nn::Engine, nn::loss::{Anchors, LeCam, Side}};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let (lecam, mut anchors) = (LeCam { weight: 0.5, decay: 0.9 }, Anchors::default());
/// lecam.track(on, 1, [&[1.0, 3.0], &[-1.0, -1.0]], &mut anchors)?;
/// assert_eq!(anchors, Anchors { real: 2.0, fake: -1.0 });
/// // Added to what the discriminator pays anyway.
/// let (mut loss, mut grad) = ([10.0], [0.0]);
/// lecam.add(on, Side::Real, anchors, [&[1.0], &[1.0]], &mut loss, &mut grad)?;
/// assert_eq!((loss, grad), ([12.0], [2.0]));
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LeCam {
    /// What the penalty is multiplied by, at least 0 and finite; the paper has 0.01 to 0.5.
    pub weight: f32,
    /// Decay of the running means, in [0, 1).
    pub decay: f32,
}

impl Default for LeCam {
    fn default() -> Self {
        Self { weight: 0.1, decay: 0.99 }
    }
}

/// Running means of the logits of a discriminator.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Anchors {
    /// Of real samples.
    pub real: f32,
    /// Of generated samples.
    pub fake: f32,
}

impl LeCam {
    fn in_range(self) -> Result<()> {
        let fits = (0.0..f32::INFINITY).contains(&self.weight) && (0.0..1.0).contains(&self.decay);
        if fits { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    /// Moves the anchors by the means of the logits of one batch: anchor ← decay·anchor + (1−decay)·mean. At the first
    /// step, `t` = 1, they become the means. Batches of real and generated samples need not be of one size.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a value out of its range or `t` = 0, [`Error::ShapeMismatch`] without logits,
    /// [`Error::NotFinite`] where a mean is not finite. The anchors are untouched then.
    pub fn track<E: Executor>(
        self,
        on: Engine<'_, E>,
        t: u64,
        [real, fake]: [&[f32]; 2],
        anchors: &mut Anchors,
    ) -> Result<()> {
        self.in_range()?;
        if t == 0 {
            return Err(Error::InvalidArgument);
        }
        if real.is_empty() || fake.is_empty() {
            return Err(Error::ShapeMismatch);
        }
        let moved = |anchor: f32, logits: &[f32]| {
            let mean = sum(on.level, logits) / logits.len() as f32;
            // What was there before the first step counts for nothing, be it NaN.
            if t == 1 { mean } else { self.decay * anchor + (1.0 - self.decay) * mean }
        };
        let new = Anchors { real: moved(anchors.real, real), fake: moved(anchors.fake, fake) };
        if !(new.real.is_finite() && new.fake.is_finite()) {
            return Err(Error::NotFinite);
        }
        *anchors = new;
        Ok(())
    }

    /// Adds the penalty of each logit to its loss, and the gradient of the scaled penalty to its gradient.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a value out of its range, or
    /// [`Side::Generator`], which has no penalty.
    pub fn add<E: Executor>(
        self,
        on: Engine<'_, E>,
        side: Side,
        anchors: Anchors,
        inputs: [&[f32]; 2],
        loss: &mut [f32],
        grad: &mut [f32],
    ) -> Result<()> {
        self.in_range()?;
        check(inputs, loss, grad)?;
        let (anchor, sign) = match side {
            Side::Real => (anchors.fake, 1.0),
            Side::Fake => (anchors.real, -1.0),
            Side::Generator => return Err(Error::InvalidArgument),
        };
        if !anchor.is_finite() {
            return Err(Error::InvalidArgument);
        }
        penalties(on.level, [self.weight, anchor, sign], inputs, loss, grad);
        Ok(())
    }
}

kernel! {
    fn penalties(to: [f32; 3], inputs: [&[f32]; 2], loss: &mut [f32], grad: &mut [f32]) = penalties_body;
}

#[inline(always)]
fn penalties_body(
    [weight, anchor, sign]: [f32; 3],
    [logits, scales]: [&[f32]; 2],
    loss: &mut [f32],
    grad: &mut [f32],
) {
    for (((&logit, &scale), loss), grad) in logits.iter().zip(scales).zip(loss).zip(grad) {
        let ahead = sign * (logit - anchor);
        // Asked so that a NaN stays one.
        let ahead = if ahead <= 0.0 { 0.0 } else { ahead };
        *loss += weight * (ahead * ahead);
        *grad += scale * (weight * (2.0 * (sign * ahead)));
    }
}
