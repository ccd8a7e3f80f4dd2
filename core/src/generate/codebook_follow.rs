//! How a codebook follows what is rounded to it, and how evenly its codes are used.

use super::codebook::{CODEBOOK_PURPOSE, Codebook, FRESH, pick};
use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::linalg::axpy;
use crate::math;
use crate::nn::{Ema, Engine, rows};
use crate::rng::{Key, Stream};
use crate::scratch::Scratch;

/// Added to each count before it divides (Laplace smoothing, as van den Oord et al. have it).
const SMOOTHING: f32 = 1e-5;

/// How a codebook follows what is rounded to it: by running means (van den Oord et al. 2017, appendix A.1; Razavi et al.
/// 2019), and by a new start for codes that nothing is rounded to (Dhariwal et al. 2020).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Follow {
    /// Share of the running counts and sums that a step keeps, in [0, 1]; with 1 the codebook stays as it is.
    pub decay: f32,
    /// A code whose running count is below this share of the mean starts anew, with a tenth of the mean; in [0, 1), and 0
    /// for never. A new code that nothing is rounded to has some 120 steps with 0.03 and a decay of 0.99.
    pub dead: f32,
    /// The seed of the draws of where.
    pub seed: u64,
}

impl Default for Follow {
    fn default() -> Self {
        Self { decay: 0.99, dead: 0.03, seed: 0 }
    }
}

impl Follow {
    /// Whether [`Codebook::follow`] takes these numbers and this `t`.
    pub(super) fn check(&self, t: u64) -> Result<()> {
        let shares = (0.0..=1.0).contains(&self.decay) && (0.0..1.0).contains(&self.dead);
        if shares && t > 0 { Ok(()) } else { Err(Error::InvalidArgument) }
    }
}

/// Rows that were rounded.
#[derive(Clone, Copy, Debug)]
pub struct Rounded<'a> {
    /// Rows, as many values each as a code has.
    pub rows: &'a [f32],
    /// The code of each row.
    pub codes: &'a [u32],
    /// A weight for each sample, finite and not negative; equally many rows, one after the other, belong to each.
    pub weights: &'a [f32],
}

/// How evenly codes are used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Codes that are used at all.
    pub codes: usize,
    /// e to the entropy of the codes: so many that are used evenly would be as hard to tell. 0 where none is used.
    pub perplexity: f32,
}

impl Usage {
    /// The usage of codes that were counted, which may be with weights.
    pub fn of(counts: &[f32]) -> Self {
        let mut total = 0f64;
        counts.iter().for_each(|&count| total += f64::from(count));
        let mut usage = Self::default();
        let mut entropy = 0f64;
        for &count in counts.iter().filter(|count| **count > 0.0) {
            let share = (f64::from(count) / total) as f32;
            usage.codes += 1;
            // A share that is rounded to 0 adds nothing.
            if share > 0.0 {
                entropy -= f64::from(share) * f64::from(math::ln(share));
            }
        }
        if usage.codes > 0 {
            usage.perplexity = math::exp(entropy as f32);
        }
        usage
    }
}

impl Rounded<'_> {
    /// Rows of a sample.
    fn places(&self) -> usize {
        self.codes.len().checked_div(self.weights.len()).unwrap_or(0)
    }

    /// Each row with its code and its weight.
    fn each(&self, dim: usize) -> impl Iterator<Item = (&[f32], u32, f32)> {
        let (places, weights) = (self.places(), self.weights);
        let weights = weights.iter().flat_map(move |&w| core::iter::repeat_n(w, places));
        rows::of(self.rows, dim).zip(self.codes).zip(weights).map(|((row, &code), w)| (row, code, w))
    }

    /// Adds the weights of the rows of each code.
    pub(super) fn count(&self, dim: usize, counts: &mut [f32]) {
        for (_, code, weight) in self.each(dim) {
            if let Some(count) = counts.get_mut(code as usize) {
                *count += weight;
            }
        }
    }

    /// A row, of which a sample is as likely as it weighs; `None` where none weighs anything.
    fn draw(&self, dim: usize, stream: &mut Stream) -> Option<&[f32]> {
        let sample = pick(self.weights, stream)?;
        rows::of(self.rows, dim).nth(sample * self.places() + stream.index(self.places()))
    }
}

impl Codebook {
    /// Moves the codes towards what was rounded to them in step `t`, counted from 1. With γ the decay, n the weight of the
    /// rows of code k, s their weighted sum, and ε = 10⁻⁵: N ← γN + (1 − γ)n, m ← γm + (1 − γ)s, and the code becomes
    /// m · (ΣN + Kε) / ((N + ε) · ΣN) for K codes. A code that is dead becomes a row of this step instead, drawn for this
    /// seed, step and code.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where a length does not fit; [`Error::InvalidArgument`] for a number that is no code, a weight
    /// that is negative or not finite, `t` = 0 or a number out of its range; [`Error::NotFinite`] where a sum is not;
    /// [`Error::ScratchTooSmall`]. Nothing is written then.
    pub fn follow<E: Executor>(
        &self,
        on: Engine<'_, E>,
        (how, t): (&Follow, u64),
        rounded: &Rounded<'_>,
        state: &mut [f32],
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        how.check(t)?;
        self.check_rounded(rounded)?;
        let [table, counts, sums] = self.split_mut(state)?;
        if scratch.remaining() < self.scratch_len(rounded.codes.len()) {
            return Err(Error::ScratchTooSmall);
        }
        if how.decay == 1.0 {
            return Ok(());
        }
        let mut scratch = scratch.frame();
        let (own_counts, own_sums) =
            (scratch.take_zeroed::<f32>(self.codes)?, scratch.take_zeroed::<f32>(self.table_len())?);
        rounded.count(self.dim, own_counts);
        for (row, code, weight) in rounded.each(self.dim) {
            let sum = rows::of_mut(own_sums, self.dim).nth(code as usize).unwrap_or(&mut []);
            axpy(on.level, weight, row, sum);
        }
        if !own_counts.iter().chain(&*own_sums).all(|v| v.is_finite()) {
            return Err(Error::NotFinite);
        }
        let mean = Ema { decay: how.decay, warm_up: false };
        mean.step(on, t, own_counts, counts)?;
        mean.step(on, t, own_sums, sums)?;
        self.place(how, t, rounded, [table, counts, sums]);
        Ok(())
    }

    fn check_rounded(&self, rounded: &Rounded<'_>) -> Result<()> {
        let n = rows::count(rounded.rows.len(), self.dim)?;
        if n != rounded.codes.len() || n == 0 {
            return Err(Error::ShapeMismatch);
        }
        rows::count(n, rounded.weights.len())?;
        self.check_codes(rounded.codes)?;
        let fits = rounded.weights.iter().all(|w| (0.0..f32::INFINITY).contains(w));
        if fits { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    /// The table from its running counts and sums, and dead codes anew.
    fn place(&self, how: &Follow, t: u64, rounded: &Rounded<'_>, [table, counts, sums]: [&mut [f32]; 3]) {
        let mut total = 0f64;
        counts.iter().for_each(|&count| total += f64::from(count));
        let smoothing = f64::from(SMOOTHING);
        let share = total / (total + self.codes as f64 * smoothing);
        let mean = (total / self.codes as f64) as f32;
        let parts = rows::of_mut(table, self.dim).zip(counts).zip(rows::of_mut(sums, self.dim));
        for (op, ((code, count), sum)) in (0u32..).zip(parts) {
            let key = Key::new(CODEBOOK_PURPOSE).sample(t).op(op);
            let dead = *count < how.dead * mean;
            let drawn = if dead { rounded.draw(self.dim, &mut Stream::new(how.seed, key)) } else { None };
            if let Some(row) = drawn {
                *count = FRESH * mean;
                rows::copy(row, code);
                sum.iter_mut().zip(row).for_each(|(sum, v)| *sum = *count * *v);
                continue;
            }
            let smoothed = ((f64::from(*count) + smoothing) * share) as f32;
            // Where nothing ever weighed anything, codes stay where they are.
            if smoothed > 0.0 {
                code.iter_mut().zip(sum).for_each(|(v, sum)| *v = *sum / smoothed);
            }
        }
    }
}
