//! The pictures that copies may meet, and which of them one does.

use super::draw::{Meeting, meet};
use super::{PartnerOp, PartnerStep};
use crate::codec::Pixels;
use crate::dataset::{Dataset, Sample, Split};
use crate::error::Result;
use crate::purposes::PARTNERS;
use crate::stages::Ctx;
use seedbed::Level;
use seedbed::rng::{Key, Stream, id_hash};
use seedbed::scratch::ScratchBuf;
use std::collections::BTreeMap;
use std::sync::Arc;
use twox_hash::XxHash3_64;

/// The most pictures that are held.
const MOST: usize = 4096;
/// The most bytes of them.
const MOST_BYTES: usize = 256 << 20;
/// Pictures of each class that are held however large they are: as many as a mosaic shows.
const LEAST: usize = 4;

/// The steps, and the pictures that copies may meet; shared by all threads.
#[derive(Clone, Debug)]
pub struct Partners {
    steps: Vec<PartnerStep>,
    classes: Arc<BTreeMap<Option<u32>, Class>>,
    level: Level,
    seed: u64,
}

/// Pictures of a class by the hash of their ids, the least ones of all.
#[derive(Clone, Debug, Default)]
struct Class {
    held: BTreeMap<(u64, String), Pixels>,
    bytes: usize,
    /// The least hash that has gone: nothing from here on is held, so that the rest is a start of the order of hashes.
    gone: Option<(u64, String)>,
}

impl Class {
    fn take(&mut self, at: (u64, String), sample: &Sample, (most, most_bytes): (usize, usize)) -> Result<()> {
        if self.gone.as_ref().is_some_and(|gone| at >= *gone) {
            return Ok(());
        }
        let pixels = sample.pixels()?;
        self.bytes += pixels.data.len();
        self.held.insert(at, pixels);
        while self.held.len() > most || self.bytes > most_bytes && self.held.len() > LEAST {
            let Some((at, pixels)) = self.held.pop_last() else { break };
            self.bytes -= pixels.data.len();
            self.gone = Some(at);
        }
        Ok(())
    }
}

/// The part of an id that all samples made from one original share.
fn root(id: &str) -> &str {
    id.split('!').next().unwrap_or(id)
}

impl Partners {
    /// For these steps with the pictures of the train split of `dataset`: of each class those with the least hashes of
    /// seed and id, classes alike, up to 4096 and 256 MiB together, but four of each at least. None where
    /// there are no steps.
    ///
    /// # Errors
    /// When the dataset cannot be read.
    pub fn read(ctx: &Ctx, dataset: &Dataset, steps: &[PartnerStep]) -> Result<Self> {
        let mut classes: BTreeMap<Option<u32>, Class> = BTreeMap::new();
        if !steps.is_empty() {
            let n = dataset.meta().classes.len().max(1);
            let room = ((MOST / n).max(LEAST), MOST_BYTES / n);
            for sample in dataset.samples() {
                let sample = sample?;
                if sample.split == Split::Train {
                    let hash = XxHash3_64::oneshot_with_seed(ctx.seed, sample.id.as_bytes());
                    let class = classes.entry(sample.label).or_default();
                    class.take((hash, sample.id.clone()), &sample, room)?;
                }
            }
        }
        Ok(Self { steps: steps.to_vec(), classes: Arc::new(classes), level: ctx.level, seed: ctx.seed })
    }

    /// The steps.
    pub fn steps(&self) -> &[PartnerStep] {
        &self.steps
    }

    /// The same with this step alone.
    pub(in super::super) fn only(&self, step: PartnerStep) -> Self {
        Self { steps: vec![step], ..self.clone() }
    }

    /// `count` others than `source` for the drawn `salt`: those whose ids have the least hashes with it, again from the first
    /// where there are not so many; none where there is no other at all.
    fn choose(&self, step: &PartnerStep, source: &Sample, salt: u64, count: usize) -> Vec<(&str, &Pixels)> {
        let fits = |class: Option<u32>| step.any_class || class == source.label;
        let all = self.classes.iter().filter(|(class, _)| fits(**class)).flat_map(|(_, class)| &class.held);
        let others = all.filter(|((_, id), _)| root(id) != root(&source.id));
        let scored = others.map(|((_, id), pixels)| {
            (XxHash3_64::oneshot_with_seed(salt, id.as_bytes()), id.as_str(), pixels)
        });
        let mut least: Vec<(u64, &str, &Pixels)> = Vec::with_capacity(count + 1);
        for one in scored {
            let at = least.partition_point(|other| (other.0, other.1) < (one.0, one.1));
            if at < count {
                least.insert(at, one);
                least.truncate(count);
            }
        }
        least
            .iter()
            .cycle()
            .take(if least.is_empty() { 0 } else { count })
            .map(|one| (one.1, one.2))
            .collect()
    }

    /// What becomes of `pixels`, which copy `n` of `source` is so far, and what was drawn for each step.
    ///
    /// # Errors
    /// When the pictures that meet do not fit.
    pub fn join(
        &self,
        scratch: &mut ScratchBuf,
        source: &Sample,
        mut pixels: Pixels,
        n: u32,
    ) -> Result<(Pixels, Vec<Meeting>)> {
        let key = Key::new(PARTNERS).epoch(n).sample(id_hash(source.id.as_bytes()));
        let mut meetings = Vec::with_capacity(self.steps.len());
        for (step, at) in self.steps.iter().zip(0u32..) {
            let mut stream = Stream::new(self.seed, key.op(at));
            // In this order whatever comes of it.
            let (happens, salt) = (stream.chance(step.p), stream.next_u64());
            if !happens {
                meetings.push(Meeting::Skipped);
                continue;
            }
            let count = if step.kind.op == PartnerOp::Mosaic { 3 } else { 1 };
            let chosen = self.choose(step, source, salt, count);
            let Some((first, _)) = chosen.first() else {
                meetings.push(Meeting::Alone);
                continue;
            };
            let ids = chosen.iter().map(|(id, _)| (*id).to_owned()).collect();
            let meeting = Meeting::draw(step, (pixels.height, pixels.width), ids, &mut stream)
                .map_err(|e| e.within(first))?;
            let others: Vec<&Pixels> = chosen.iter().map(|(_, pixels)| *pixels).collect();
            pixels = meet(self.level, scratch, &meeting, &others, pixels)?;
            meetings.push(meeting);
        }
        Ok((pixels, meetings))
    }
}
