//! Adapters in training: what learns in the place of weights.

use super::any::Training;
use crate::error::Result;
use seedbed::generate::{Adapters, ParamGroup};

/// The adapters of a training, with what the optimiser remembers of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adaptation {
    /// A and B of each.
    pub values: Vec<f32>,
    /// Moments of the optimiser.
    pub moments: Vec<f32>,
    /// The weights that they are added to.
    pub base: Vec<f32>,
    grads: Vec<f32>,
}

impl Adaptation {
    /// Those that begin on these parameters.
    ///
    /// # Errors
    /// None that the sizes do not exclude.
    pub fn new(training: &Training, params: &[f32]) -> Result<Self> {
        let len = Self::len(&training.groups);
        let mut of = Self::from_parts(vec![0.0; len], vec![0.0; 2 * len], Vec::new());
        let (mut at, mut next) = (0, 0);
        for (i, group) in (0u32..).zip(&training.groups) {
            if let Some(low_rank) = group.low_rank {
                let own = &mut of.values[next..next + low_rank.len()];
                // Behind the streams of the initial values of all networks.
                low_rank.init(training.seed, 1000 + i, own)?;
                next += low_rank.len();
                of.base.extend_from_slice(&params[at..at + group.len]);
            }
            at += group.len;
        }
        Ok(of)
    }

    /// Those of a checkpoint.
    pub fn from_parts(values: Vec<f32>, moments: Vec<f32>, base: Vec<f32>) -> Self {
        Self { grads: vec![0.0; values.len()], values, moments, base }
    }

    /// Values of the adapters of these groups.
    pub fn len(groups: &[ParamGroup]) -> usize {
        groups.iter().map(ParamGroup::adapter_len).fold(0, usize::saturating_add)
    }

    /// Values of the weights that they are added to.
    pub fn base_len(groups: &[ParamGroup]) -> usize {
        let adapted = groups.iter().filter(|g| g.low_rank.is_some());
        adapted.map(|g| g.len).fold(0, usize::saturating_add)
    }

    /// For a step of training.
    pub fn lend(&mut self) -> Adapters<'_> {
        Adapters {
            values: &mut self.values,
            grads: &mut self.grads,
            moments: &mut self.moments,
            base: &self.base,
        }
    }
}
