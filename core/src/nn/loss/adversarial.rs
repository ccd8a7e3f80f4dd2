//! What discriminator and generator pay for a logit of the discriminator.

use super::bernoulli::bernoulli_one;
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::nn::Engine;

/// Who pays for a logit of the discriminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Side {
    /// The discriminator, for a real sample.
    Real,
    /// The discriminator, for a generated sample.
    Fake,
    /// The generator, for a generated sample.
    Generator,
}

/// The loss of an adversarial network: what each side pays for a logit l.
///
/// ```
/// use seedbed::{Level, exec::Serial, nn::Engine, nn::loss::{Adversarial, Side}};
/// let on = Engine { level: Level::detect(), exec: &Serial };
/// let (mut loss, mut grad) = ([0.0; 2], [0.0; 2]);
/// Adversarial::Hinge.loss(on, Side::Real, [&[0.25, 2.0], &[0.5, 0.5]], &mut loss, &mut grad)?;
/// assert_eq!((loss, grad), ([0.75, 0.0], [-0.5, 0.0]));
/// # Ok::<(), seedbed::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Adversarial {
    /// [`logistic`] with the target `real` for real samples, 0 for generated ones, and 1 for the generator (Goodfellow
    /// et al. 2014).
    NonSaturating {
        /// The target of real samples, in [0, 1]; below 1 for one-sided smoothing (Salimans et al. 2016).
        real: f32,
    },
    /// [`hinge`].
    Hinge,
    /// [`least_squares`] with the target that each side has.
    LeastSquares {
        /// The target of real samples, finite; 1 is usual.
        real: f32,
        /// The target of generated samples, finite; 0 is usual.
        fake: f32,
        /// What the generator wants its samples to be taken for, finite; 1 is usual.
        generator: f32,
    },
    /// [`wasserstein`].
    Wasserstein,
}

impl Adversarial {
    /// Writes the loss of each logit and the gradient of the scaled one; all four slices have one value for each sample.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a target out of its range.
    pub fn loss<E: Executor>(
        self,
        on: Engine<'_, E>,
        side: Side,
        inputs: [&[f32]; 2],
        loss: &mut [f32],
        grad: &mut [f32],
    ) -> Result<()> {
        let of = |real, fake, generator| match side {
            Side::Real => real,
            Side::Fake => fake,
            Side::Generator => generator,
        };
        match self {
            Self::NonSaturating { real } => logistic(on, of(real, 0.0, 1.0), inputs, loss, grad),
            Self::Hinge => hinge(on, side, inputs, loss, grad),
            Self::LeastSquares { real, fake, generator } => {
                least_squares(on, of(real, fake, generator), inputs, loss, grad)
            }
            Self::Wasserstein => wasserstein(on, side, inputs, loss, grad),
        }
    }
}

/// The loss of a discriminator's logits against one `target` for the whole batch: −target·ln σ(l) −
/// (1−target)·ln(1−σ(l)). With the target 1 for the logits of generated samples it is the non-saturating
/// loss of the generator (Goodfellow et al. 2014); a target below 1 for real samples smooths one side.
///
/// # Errors
/// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a target outside
/// [0, 1].
pub fn logistic<E: Executor>(
    on: Engine<'_, E>,
    target: f32,
    inputs: [&[f32]; 2],
    loss: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    if !(0.0..=1.0).contains(&target) {
        return Err(Error::InvalidArgument);
    }
    check(inputs, loss, grad)?;
    logistic_rows(on.level, target, inputs, loss, grad);
    Ok(())
}

/// The hinge loss (Lim, Ye 2017; Miyato et al. 2018): max(0, 1 − l) for a real sample, max(0, 1 + l) for a generated one,
/// and −l for the generator. The derivative at the edge is 0.
///
/// # Errors
/// [`Error::ShapeMismatch`] where a length does not fit.
pub fn hinge<E: Executor>(
    on: Engine<'_, E>,
    side: Side,
    inputs: [&[f32]; 2],
    loss: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    check(inputs, loss, grad)?;
    match side {
        Side::Real => hinge_rows(on.level, 1.0, inputs, loss, grad),
        Side::Fake => hinge_rows(on.level, -1.0, inputs, loss, grad),
        Side::Generator => linear_rows(on.level, -1.0, inputs, loss, grad),
    }
    Ok(())
}

/// ½·(l − target)² (LSGAN, Mao et al. 2017), where the target is that of the side that pays: with 1 for real samples, 0
/// for generated ones and 1 for the generator, the logit is a probability of being real without bounds.
///
/// # Errors
/// [`Error::ShapeMismatch`] where a length does not fit, [`Error::InvalidArgument`] for a target that is not finite.
pub fn least_squares<E: Executor>(
    on: Engine<'_, E>,
    target: f32,
    inputs: [&[f32]; 2],
    loss: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    if !target.is_finite() {
        return Err(Error::InvalidArgument);
    }
    check(inputs, loss, grad)?;
    square_rows(on.level, target, inputs, loss, grad);
    Ok(())
}

/// The loss of a critic (Arjovsky et al. 2017): −l for a real sample, l for a generated one, and −l for the generator. It
/// is a distance only where something else bounds the slope of the critic, as spectral norms of its layers do.
///
/// # Errors
/// [`Error::ShapeMismatch`] where a length does not fit.
pub fn wasserstein<E: Executor>(
    on: Engine<'_, E>,
    side: Side,
    inputs: [&[f32]; 2],
    loss: &mut [f32],
    grad: &mut [f32],
) -> Result<()> {
    check(inputs, loss, grad)?;
    let sign = if side == Side::Fake { 1.0 } else { -1.0 };
    linear_rows(on.level, sign, inputs, loss, grad);
    Ok(())
}

/// Whether logits, scales, losses and gradients have one value each for every sample.
pub(super) fn check([logits, scales]: [&[f32]; 2], loss: &[f32], grad: &[f32]) -> Result<()> {
    let n = logits.len();
    let fits = scales.len() == n && loss.len() == n && grad.len() == n;
    if fits { Ok(()) } else { Err(Error::ShapeMismatch) }
}

macro_rules! of_a_logit {
    ($($(#[$doc:meta])* $name:ident $body:ident($target:ident, $logit:ident) $loss:expr;)*) => { $(
        kernel! {
            $(#[$doc])*
            fn $name(target: f32, inputs: [&[f32]; 2], loss: &mut [f32], grad: &mut [f32]) = $body;
        }

        #[inline(always)]
        fn $body($target: f32, [logits, scales]: [&[f32]; 2], loss: &mut [f32], grad: &mut [f32]) {
            for (((&$logit, &scale), loss), grad) in logits.iter().zip(scales).zip(loss).zip(grad) {
                let (value, slope) = $loss;
                *loss = value;
                *grad = scale * slope;
            }
        }
    )* };
}

of_a_logit! {
    logistic_rows logistic_body(target, logit) bernoulli_one(logit, target);
    square_rows square_body(target, logit) (0.5 * ((logit - target) * (logit - target)), logit - target);
    /// What is missing to a margin of 1 on the side of `sign`.
    hinge_rows hinge_body(sign, logit) missing(sign, logit);
    linear_rows linear_body(sign, logit) (sign * logit, sign);
}

#[inline(always)]
fn missing(sign: f32, logit: f32) -> (f32, f32) {
    let margin = 1.0 - sign * logit;
    // Asked so that a NaN stays one.
    if margin <= 0.0 { (0.0, 0.0) } else { (margin, -sign) }
}
