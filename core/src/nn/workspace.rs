//! The memory of a pass.

use super::network::Span;
use super::plan::{Place, Plan};
use crate::error::{Error, Result};
use crate::scratch::Scratch;

/// What a pass over a batch computes and keeps, in memory that the caller lends; see [`Plan::workspace`].
#[derive(Debug)]
pub struct Workspace<'s> {
    pub(super) batch: usize,
    pub(super) values: &'s mut [f32],
    pub(super) fixed: &'s mut [f32],
}

impl<const N: usize> Plan<N> {
    /// Takes the memory for passes over `batch` samples, which must stay as it is between forward and backward.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no samples, [`Error::ScratchTooSmall`], [`Error::Overflow`].
    pub fn workspace<'s>(&self, batch: usize, scratch: &mut Scratch<'s>) -> Result<Workspace<'s>> {
        if batch == 0 {
            return Err(Error::InvalidArgument);
        }
        let values = scratch.take(self.value_len(batch)?)?;
        Ok(Workspace { batch, values, fixed: scratch.take(self.fixed_len())? })
    }

    /// The output of the forward pass before, which a way back overwrites.
    pub fn result<'a>(&self, work: &'a Workspace<'_>) -> &'a [f32] {
        self.places.last().filter(|_| self.made(work)).map_or(&[], |place| work.output(place))
    }

    /// Whether a workspace is as large as one of this plan.
    pub(super) fn made(&self, work: &Workspace<'_>) -> bool {
        Ok(work.values.len()) == self.value_len(work.batch) && work.fixed.len() == self.fixed_len()
    }

    /// The output of the forward pass before, and the place for the gradient by it, which [`Plan::backward`] reads. Empty for
    /// a plan that has no way back.
    pub fn ends<'a>(&self, work: &'a mut Workspace<'_>) -> (&'a [f32], &'a mut [f32]) {
        let Some(place) = self.places.last().filter(|_| self.made(work)) else { return (&[], &mut []) };
        match parts(work.values, work.batch, [place.output, place.gradient]) {
            Ok([output, gradient]) => (output, gradient),
            Err(_) => (&[], &mut []),
        }
    }
}

impl Workspace<'_> {
    /// How many samples a pass is over.
    pub const fn batch(&self) -> usize {
        self.batch
    }

    pub(super) fn output(&self, place: &Place) -> &[f32] {
        spread(place.output, self.batch).of(self.values)
    }
}

/// A place of one sample as one of the batch.
const fn spread(span: Span, batch: usize) -> Span {
    Span { at: span.at.saturating_mul(batch), len: span.len.saturating_mul(batch) }
}

/// Several places of a batch at once, which do not meet; empty ones are nowhere.
pub(super) fn parts<const K: usize>(
    values: &mut [f32],
    batch: usize,
    spans: [Span; K],
) -> Result<[&mut [f32]; K]> {
    let ranges = spans.map(|span| {
        let span = if span.len == 0 { Span::default() } else { spread(span, batch) };
        span.at..span.end()
    });
    values.get_disjoint_mut(ranges).map_err(|_| Error::ShapeMismatch)
}
