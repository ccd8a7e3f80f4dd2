//! What training changes, and the step of an optimiser over it.

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::nn::{Engine, Optimiser};

/// What training changes: parameters, and what the optimiser remembers of them.
#[derive(Debug)]
pub struct Trainee<'a> {
    /// Parameters.
    pub params: &'a mut [f32],
    /// Their gradients of the last step; what was there before does not matter.
    pub grads: &'a mut [f32],
    /// What the optimiser remembers ([`Optimiser::state_len`] values), 0 before the first step.
    pub moments: &'a mut [f32],
    /// How each part of the parameters learns, in their order; empty where all learn alike. The parts of a network end with it.
    /// What the optimiser remembers of a part lies together, so they stay the same for a whole training.
    pub groups: &'a [ParamGroup],
}

/// Parameters that follow each other and learn alike.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ParamGroup {
    /// How many.
    pub len: usize,
    /// What the learning rate is multiplied by, at least 0 and finite; 0 leaves them as they are.
    pub rate: f32,
}

/// The parameters of a network among those of a model.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// Its parameters.
    pub len: usize,
    /// The first of them that stay as they are, for which no gradients are computed.
    pub frozen: usize,
}

impl Trainee<'_> {
    /// Whether everything fits a model of these networks, before anything is computed.
    pub(super) fn check(&self, optimiser: &Optimiser, t: u64, parts: &[Part]) -> Result<()> {
        let all = parts.iter().fold(0, |sum: usize, part| sum.saturating_add(part.len));
        if self.params.len() != all {
            return Err(Error::ShapeMismatch);
        }
        optimiser.check(t, [all, self.grads.len(), self.moments.len()])?;
        let mut groups = self.groups;
        for part in parts {
            if self.groups.is_empty() {
                if part.frozen > 0 {
                    return Err(Error::InvalidArgument);
                }
                continue;
            }
            let mut at = 0usize;
            while at < part.len {
                let (group, rest) = groups.split_first().ok_or(Error::ShapeMismatch)?;
                group.check(optimiser.rate(), at < part.frozen)?;
                at = at.checked_add(group.len).ok_or(Error::Overflow)?;
                groups = rest;
            }
            if at > part.len {
                return Err(Error::ShapeMismatch);
            }
        }
        if groups.iter().all(|group| group.len == 0) { Ok(()) } else { Err(Error::ShapeMismatch) }
    }
}

impl ParamGroup {
    fn check(self, rate: f32, frozen: bool) -> Result<()> {
        let product = rate * self.rate;
        let learns = product > 0.0 && product < f32::INFINITY && !frozen;
        if self.rate == 0.0 || learns { Ok(()) } else { Err(Error::InvalidArgument) }
    }
}

/// One step of the optimiser, the `t`-th, over the parameters of a network, which are the model's from the `first` on.
pub(super) fn learn<E: Executor>(
    on: Engine<'_, E>,
    (optimiser, t): (&Optimiser, u64),
    (groups, first): (&[ParamGroup], usize),
    [mut params, mut moments]: [&mut [f32]; 2],
    mut grads: &[f32],
) -> Result<()> {
    if groups.is_empty() {
        return optimiser.step(on, t, params, grads, moments);
    }
    let mut at = 0usize;
    for group in groups {
        let begin = at;
        at = at.saturating_add(group.len);
        if begin < first {
            continue;
        }
        let Some(own) = params.split_off_mut(..group.len) else { break };
        let remembered = moments.split_off_mut(..optimiser.state_len(group.len)).unwrap_or(&mut []);
        let grads = grads.split_off(..group.len).unwrap_or(&[]);
        if group.rate > 0.0 {
            let optimiser = optimiser.with_rate(optimiser.rate() * group.rate);
            optimiser.step(on, t, own, grads, remembered)?;
        }
    }
    Ok(())
}
