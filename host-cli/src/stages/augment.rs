//! `augment`: varied copies of the pictures of the train split.
//!
//! The originals stay, unless only the copies are wanted: as the views of self-supervised learning. A copy's id is that of
//! its source with `!augment` and its number after it; its randomness depends on the seed, the source's id (or what it
//! [shares](Shared) with others) and its number alone, and its origin tells how to make it again ([`replay`](super::replay)).
//! The operations lie beside the dataset as [`PIPELINE_FILE`], so that a program in C makes the same copies; but not where
//! these share draws, meet other pictures or are compressed by WebP, which it does not do by itself.

mod effect;
mod maker;
mod ops;
mod partners;
mod preview;
mod shared;
mod webp;

pub use effect::{Channel, Drift, EFFECT_FILE, Effect, Moved, Spectrum, Twins, Values};
pub use maker::{Augmenter, CopyParams, MAX_OPS, check_ops, make_again};
pub use ops::{OpError, OpStep, leaking};
pub use partners::{Meeting, PartnerStep, Partners, check_partners};
pub use preview::{PREVIEW_FILE, write as write_preview};
pub use shared::Shared;
pub use webp::Webp;

use self::partners::leaking_partners;
use super::balance::BalanceOptions;
use super::{Ctx, Outcome, Stage};
use crate::dataset::{Dataset, DatasetWriter, Kind, Sample, Split};
use crate::error::{Context, Error, Result};
use crate::run::{StageRecord, stage_of};
use seedbed::augment::VERSION;
use seedbed::augment::text::UNVERSIONED;
use seedbed::scratch::ScratchBuf;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// The name of the stage, in ids and origins.
const STEP: &str = "augment";

/// The operations in the form that the library for C reads (`sb_pipeline_init`), beside the dataset.
pub const PIPELINE_FILE: &str = "pipeline.bin";

/// The same as text, which serde's formats read into a [`Pipeline`](seedbed::augment::Pipeline).
pub const PIPELINE_TEXT: &str = "pipeline.json";

/// The most copies of one sample.
const MAX_COPIES: u32 = 1000;

/// Samples in memory at a time, for each thread.
const BATCH: usize = 64;

/// Options of the stage `augment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentOptions {
    /// Copies made of each picture of the train split, 1 to 1000.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub copies: u32,
    /// Whether the pictures themselves stay beside their copies. Copies alone are the views of self-supervised learning:
    /// two of each picture with copies = 2
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub originals: bool,
    /// Which pictures share what is drawn
    #[arg(long, value_enum, default_value_t = Shared::None)]
    pub shared: Shared,
    /// An operation as an inline table; repeat it for more, done in this order. Unless given: small turns, shifts
    /// and growths that suit any picture.
    #[arg(long = "op", value_name = "TABLE", default_values = [
        "{ op = \"rotate\", degrees = [-8, 8], border = \"edge\" }",
        "{ op = \"shift_scale_shear\", shift_x = [-0.05, 0.05], shift_y = [-0.05, 0.05], scale = [0.92, 1.08], border = \"edge\" }",
    ], hide_default_value = true, long_help = ops::help())]
    pub ops: Vec<OpStep>,
    /// Whether operations that resample (turns, shifts, growths, changes of perspective) and follow each other are one
    /// resampling, with the flips and crops between them.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub fuse: bool,
    /// Whether operations may leave traces that a generative model learns to make, as noise, holes and blur are
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub allow_leaking: bool,
    /// An operation with another picture of the train split, as an inline table; repeat it for more. They are done after
    /// the other operations, in this order.
    #[arg(long = "partner", value_name = "TABLE", long_help = partners::help())]
    pub partners: Vec<PartnerStep>,
    /// Compression by WebP after all operations, as an inline table: { quality = [30, 90], p = 0.5 }; `jpeg` is an operation
    /// like others. Unless given: none.
    #[arg(long, value_name = "TABLE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webp: Option<Webp>,
    /// Which version of the operations is meant.
    #[arg(skip = UNVERSIONED)]
    pub version: u16,
}
crate::defaults!(AugmentOptions);

impl AugmentOptions {
    fn check(&self) -> Result<()> {
        Error::check_range("copies", self.copies, 1..=MAX_COPIES)?;
        if self.version != VERSION {
            return Err(Error::usage(format!(
                "augment: version = {}: this build does the operations of version {VERSION}",
                self.version
            ))
            .hint("use the seedbed that the recipe was written for, or look at what has changed and write today's version"));
        }
        if self.shared != Shared::None && !self.partners.is_empty() {
            return Err(Error::usage(
                "augment: pictures that share what is drawn cannot meet other pictures",
            )
            .hint("leave out `shared` or `partners`"));
        }
        self.webp.iter().try_for_each(Webp::check)?;
        check_partners(&self.partners)?;
        check_ops(&self.ops)
    }

    /// Refuses operations that leave what a generative model would learn to make, unless they are allowed.
    ///
    /// # Errors
    /// As [`refuse_leaking`].
    pub fn refuse_leaking(&self) -> Result<()> {
        let webp = self.webp.map(|_| "webp");
        let all = leaking(&self.ops).into_iter().chain(leaking_partners(&self.partners)).chain(webp);
        refuse_leaking(STEP, all, self.allow_leaking)
    }
}

/// Refuses operations of these names, which leak, for pictures that a generative model is to learn from, unless they are
/// `allowed`.
///
/// # Errors
/// A usage error that names the table and the operations.
pub fn refuse_leaking(
    table: &str,
    leaking: impl IntoIterator<Item = &'static str>,
    allowed: bool,
) -> Result<()> {
    let names: Vec<&str> = leaking.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    if allowed || names.is_empty() {
        return Ok(());
    }
    let names = names.join("`, `");
    Err(Error::usage(format!("table [{table}]: the model would learn to make what `{names}` leaves")).hint(
        "leave it out, give it a border such as \"edge\" in the place of a value, or set allow_leaking = true there if that \
         is wanted",
    ))
}

/// Refuses the dataset in `folder` for a generative model where the stage that wrote it did what leaks, and was not allowed to.
///
/// # Errors
/// As [`refuse_leaking`].
pub fn refuse_leaking_dataset(folder: &Path) -> Result<()> {
    let Some(StageRecord { stage, options, .. }) = stage_of(folder) else { return Ok(()) };
    let refused = match stage.as_str() {
        STEP => serde_json::from_value(options).map_or(Ok(()), |o: AugmentOptions| o.refuse_leaking()),
        "balance" => serde_json::from_value(options).map_or(Ok(()), |o: BalanceOptions| o.refuse_leaking()),
        _ => Ok(()),
    };
    refused.map_err(|e| e.within(folder.display()))
}

impl Stage for AugmentOptions {
    fn check(&self) -> Result<()> {
        self.check()
    }

    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        self.check()?;
        let augmenter =
            Augmenter::new(ctx, STEP, seedbed::augment::PURPOSE, &self.ops, self.fuse)?.shared(self.shared);
        let dataset = Dataset::open(input)?;
        dataset.needs(STEP, &[Kind::Images]).map_err(|e| {
            e.hint("augmentation is for pictures; `balance` makes new rows for small classes of a table")
        })?;
        dataset.needs_train(STEP)?;
        let augmenter =
            augmenter.with_partners(Partners::read(ctx, &dataset, &self.partners)?).webp(self.webp);
        let mut writer = DatasetWriter::create(out, dataset.meta().clone())?.pool(&ctx.pool);
        let task = ctx.progress.start(STEP, Some(dataset.len()));
        let (mut originals, mut copies) = (0u64, 0u64);
        ctx.pool.stream(
            dataset.samples(),
            BATCH * ctx.pool.threads(),
            |sample| self.with_copies(&augmenter, sample),
            |samples| {
                task.inc(1);
                let made = samples.iter().filter(|sample| sample.made_by(STEP)).count();
                originals += (samples.len() - made) as u64;
                copies += made as u64;
                samples.into_iter().try_for_each(|sample| writer.push(sample))
            },
        )?;
        let meta = writer.finish()?;
        if self.shared == Shared::None && self.partners.is_empty() && self.webp.is_none() {
            let path = out.join(PIPELINE_FILE);
            std::fs::write(&path, augmenter.pipeline_bytes()?).at(&path)?;
            let path = out.join(PIPELINE_TEXT);
            std::fs::write(&path, augmenter.pipeline_text()?).at(&path)?;
        }
        write_preview(
            ctx,
            &dataset,
            (Some(&self.ops), augmenter.partners()),
            self.fuse,
            &out.join(PREVIEW_FILE),
        )?;
        let effect = effect::measure(ctx, &augmenter, &dataset, self.copies)?;
        effect.warnings.iter().for_each(|warning| ctx.progress.warn(format!("{STEP}: {warning}")));
        effect.write(&out.join(EFFECT_FILE))?;
        let outcome = Outcome::new(meta.counts.samples)
            .figure("originals", originals)
            .figure("copies", copies)
            .figure("copies_looked_at", effect.copies)
            .figure("of_these_no_new_pictures", effect.twins.all())
            .figure("border", effect.border)
            .figure("ops", &self.ops)
            .figure("image", meta.image);
        Ok(if self.partners.is_empty() { outcome } else { outcome.figure("partners", &self.partners) })
    }
}

impl AugmentOptions {
    /// The sample, and the copies of it where it is one to learn from.
    fn with_copies(&self, augmenter: &Augmenter, sample: Sample) -> Result<Vec<Sample>> {
        if sample.made_by(STEP) {
            return Err(Error::failed(format!("dataset is augmented already: {}", sample.id))
                .hint("augment the dataset that it was made from, with more copies"));
        }
        if sample.split != Split::Train {
            return Ok(vec![sample]);
        }
        let mut scratch = ScratchBuf::new();
        let mut samples = Vec::with_capacity(1 + self.copies as usize);
        let pixels = sample.pixels()?;
        for n in 1..=self.copies {
            samples.push(augmenter.copy(&mut scratch, &sample, &pixels, n)?);
        }
        drop(pixels);
        if self.originals {
            samples.insert(0, sample);
        }
        Ok(samples)
    }
}

#[cfg(test)]
mod tests;
