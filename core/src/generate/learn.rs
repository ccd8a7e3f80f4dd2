//! What training changes, and the step of an optimiser over it.

use crate::error::{Error, Result};
use crate::exec::Executor;
use crate::nn::{Engine, LowRank, Optimiser};
use crate::scratch::Scratch;

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
    /// What learns in the place of the groups with a rank.
    pub adapters: Adapters<'a>,
}

/// Parameters that follow each other and learn alike.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ParamGroup {
    /// How many.
    pub len: usize,
    /// What the learning rate is multiplied by, at least 0 and finite; 0 leaves them as they are.
    pub rate: f32,
    /// Where they are one weight of which only an adapter learns: which.
    pub low_rank: Option<LowRank>,
}

impl ParamGroup {
    /// Parameters that learn at a multiple of the rate.
    pub const fn new(len: usize, rate: f32) -> Self {
        Self { len, rate, low_rank: None }
    }

    /// A weight of which only an adapter learns.
    pub const fn adapted(of: LowRank, rate: f32) -> Self {
        Self { len: of.weight_len(), rate, low_rank: Some(of) }
    }

    /// Values of the adapter.
    pub const fn adapter_len(&self) -> usize {
        match &self.low_rank {
            Some(of) => of.len(),
            None => 0,
        }
    }
}

/// The adapters of the groups that have one, in their order; see [`LowRank`].
#[derive(Debug, Default)]
pub struct Adapters<'a> {
    /// A and B of each.
    pub values: &'a mut [f32],
    /// Their gradients.
    pub grads: &'a mut [f32],
    /// What the optimiser remembers of them, 0 before the first step.
    pub moments: &'a mut [f32],
    /// The weights W₀ that they are added to.
    pub base: &'a [f32],
}

impl Adapters<'_> {
    /// The same for a part of what is done with them.
    fn lend(&mut self) -> Adapters<'_> {
        Adapters { values: self.values, grads: self.grads, moments: self.moments, base: self.base }
    }

    /// Takes those of a group off the front.
    fn take(&mut self, group: &ParamGroup, optimiser: &Optimiser) -> Self {
        let (len, own) = (group.adapter_len(), if group.low_rank.is_some() { group.len } else { 0 });
        Self {
            values: self.values.split_off_mut(..len).unwrap_or(&mut []),
            grads: self.grads.split_off_mut(..len).unwrap_or(&mut []),
            moments: self.moments.split_off_mut(..optimiser.state_len(len)).unwrap_or(&mut []),
            base: self.base.split_off(..own).unwrap_or(&[]),
        }
    }
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
        self.check_adapters(optimiser, t)?;
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

    fn check_adapters(&self, optimiser: &Optimiser, t: u64) -> Result<()> {
        let Adapters { values, grads, moments, base } = &self.adapters;
        let sum =
            |of: fn(&ParamGroup) -> usize| self.groups.iter().fold(0, |n: usize, g| n.saturating_add(of(g)));
        let weights = sum(|group| if group.low_rank.is_some() { group.len } else { 0 });
        if base.len() != weights || values.len() != sum(ParamGroup::adapter_len) {
            return Err(Error::ShapeMismatch);
        }
        optimiser.check(t, [values.len(), grads.len(), moments.len()])?;
        for group in self.groups {
            let Some(of) = group.low_rank else { continue };
            of.check()?;
            if of.weight_len() != group.len {
                return Err(Error::ShapeMismatch);
            }
        }
        Ok(())
    }
}

/// Bytes of scratch that a step of training takes for the adapters of these groups, besides what the model takes; 0 without any.
pub fn adapter_scratch_len(groups: &[ParamGroup]) -> usize {
    groups.iter().filter_map(|g| g.low_rank).map(|of| of.scratch_len()).max().unwrap_or(0)
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
    adapters: &mut Adapters<'_>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if groups.is_empty() {
        return optimiser.step(on, t, params, grads, moments);
    }
    let (mut at, mut adapters) = (0usize, adapters.lend());
    for group in groups {
        let begin = at;
        at = at.saturating_add(group.len);
        let adapter = adapters.take(group, optimiser);
        if begin < first {
            continue;
        }
        let Some(own) = params.split_off_mut(..group.len) else { break };
        let remembered = moments.split_off_mut(..optimiser.state_len(group.len)).unwrap_or(&mut []);
        let grads = grads.split_off(..group.len).unwrap_or(&[]);
        if group.rate == 0.0 {
            continue;
        }
        let optimiser = optimiser.with_rate(optimiser.rate() * group.rate);
        match &group.low_rank {
            None => optimiser.step(on, t, own, grads, remembered)?,
            Some(of) => {
                of.gradient(on, adapter.values, grads, adapter.grads, scratch)?;
                optimiser.step(on, t, adapter.values, adapter.grads, adapter.moments)?;
                of.apply(on, adapter.base, adapter.values, own, scratch)?;
            }
        }
    }
    Ok(())
}
