//! AugMix (Hendrycks and others 2020): an image mixed with what chains of operations make of it.

use super::action::Action;
use super::mix::dirichlet;
use super::op::Op;
use super::pipeline::{Shape, len};
use super::policy::{Choice, Choices, Look, Policy};
use super::run::Work;
use crate::error::Result;
use crate::image::{self, Sample};
use crate::math;
use crate::rng::Stream;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// The most chains.
pub const MOST_CHAINS: usize = 3;

/// What one image draws.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mixture {
    /// The operations of all chains, one chain after the other.
    choices: Choices,
    /// Operations of each chain.
    lens: [u8; MOST_CHAINS],
    /// The shares of the image itself and of each chain.
    shares: [f32; MOST_CHAINS + 1],
}

impl Mixture {
    /// What `op` draws: chains of one to three operations, or as many as it says, shares of the chains from a Dirichlet
    /// distribution, and the share of all of them from a Beta distribution, both with its `alpha`.
    pub(super) fn draw(op: &Op, stream: &mut Stream) -> Option<Self> {
        let Op::Augmix { severity, width, depth, alpha, all, .. } = *op else { return None };
        let chains = (width as usize).min(MOST_CHAINS);
        let alpha = stream.range(alpha[0], alpha[1]);
        let [own, ..] = dirichlet::<2>(alpha, 2, stream);
        let parts = dirichlet::<MOST_CHAINS>(alpha, chains, stream);
        let mut mixture =
            Self { choices: Choices::default(), lens: [0; MOST_CHAINS], shares: [own, 0.0, 0.0, 0.0] };
        let [_, shares @ ..] = &mut mixture.shares;
        for ((share, part), len) in shares.iter_mut().zip(parts).zip(&mut mixture.lens).take(chains) {
            *share = (1.0 - own) * part;
            *len = if depth == 0 { 1 + stream.index(3) as u8 } else { depth as u8 };
            for _ in 0..*len {
                mixture.choices.push(Choice::of_chain(all, severity as u8, stream));
            }
        }
        Some(mixture)
    }

    #[cfg(test)]
    pub(super) const fn of(
        choices: Choices,
        lens: [u8; MOST_CHAINS],
        shares: [f32; MOST_CHAINS + 1],
    ) -> Self {
        Self { choices, lens, shares }
    }

    /// Operations of each chain, and the shares.
    #[cfg(test)]
    pub(super) const fn parts(&self) -> ([u8; MOST_CHAINS], [f32; MOST_CHAINS + 1]) {
        (self.lens, self.shares)
    }

    /// Whether `op` can have drawn it.
    pub(super) fn fits(&self, op: &Op) -> bool {
        let Op::Augmix { width, depth, .. } = *op else { return false };
        let lens = self.lens.iter().enumerate().all(|(i, &len)| match (i < width as usize, depth) {
            (false, _) => len == 0,
            (true, 0) => (1..=3).contains(&len),
            (true, depth) => u32::from(len) == depth,
        });
        let total: f32 = self.shares.iter().sum();
        let shares =
            self.shares.iter().all(|share| (0.0..=1.0).contains(share)) && math::abs(total - 1.0) < 1e-3;
        let count = self.lens.iter().map(|&len| usize::from(len)).sum::<usize>();
        lens && shares && count == self.choices.len() && self.choices.fit(op)
    }

    /// The actions of a chain.
    fn chain(
        &self,
        i: usize,
        look: Look,
        size: (usize, usize),
    ) -> impl Iterator<Item = Action> + Clone + use<> {
        let before: usize = self.lens.iter().take(i).map(|&len| usize::from(len)).sum();
        let len = self.lens.get(i).map_or(0, |&len| usize::from(len));
        let chain = self.choices.iter().skip(before).take(len);
        chain.filter_map(move |choice| choice.action(Policy::AugMix, look, size))
    }

    /// Bytes that [`Mixture::run`] takes besides what the operations do: the sums, and two images of a chain.
    pub(super) fn scratch_len<T>(shape: Shape) -> usize {
        let values = len(shape).unwrap_or(usize::MAX);
        ScratchLen::new().with::<f32>(values).with::<T>(values).with::<T>(values).bytes()
    }

    /// `dst` is `src` and its chains, each by its share: sums in `f32`, `src` first, rounded half up.
    pub(super) fn run<T: Sample>(
        &self,
        level: Level,
        look: Look,
        src: ImageRef<'_, T>,
        dst: ImageMut<'_, T>,
        scratch: &mut Scratch<'_>,
    ) -> Result<()> {
        let (height, width, _) = src.shape();
        let mut frame = scratch.frame();
        let sums = frame.take::<f32>(len(src.shape())?)?;
        sums.fill(0.0);
        let [own, shares @ ..] = self.shares;
        image::add_weighted(level, src, own, sums);
        for (i, (share, len)) in shares.into_iter().zip(self.lens).enumerate() {
            if len == 0 {
                continue;
            }
            let actions = self.chain(i, look, (height, width));
            let mut frame = frame.frame();
            let mut work = Work::new(level, src, None, actions.clone(), &mut frame)?;
            work.all(actions, &mut frame)?;
            image::add_weighted(level, work.image()?, share, sums);
        }
        image::settle_weighted(level, sums, dst);
        Ok(())
    }
}
