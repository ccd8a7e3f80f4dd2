//! Making augmented copies of pictures, and making them again from their origin.

use super::Shared;
use super::ops::OpStep;
use super::partners::{Meeting, Partners, meet};
use super::webp::{Webp, compressed};
use crate::codec::Pixels;
use crate::dataset::{Origin, Params, Sample, derived_id};
use crate::error::{Error, Result};
use crate::stages::Ctx;
use seedbed::augment::{Drawn, Params as AllDrawn, Pipeline, Plan, Prepared, VERSION};
use seedbed::image::{Bounds, Rect};
use seedbed::rng::{Key, id_hash};
use seedbed::scratch::ScratchBuf;
use seedbed::{ImageMut, Level};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;
use serde_json::ser::{CompactFormatter, Formatter};
use serde_json::value::{RawValue, to_raw_value};
use std::io;

/// The most operations in one list.
pub const MAX_OPS: usize = 32;

/// What an origin's `params` hold for an augmented copy.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CopyParams {
    /// Which copy of its source it is, from 1.
    pub copy: u32,
    /// The operations.
    pub ops: Vec<OpStep>,
    /// Whether those that resample joined into one map.
    #[serde(default = "yes")]
    pub fuse: bool,
    /// What was drawn for each operation, members of groups included.
    pub drawn: Json,
    /// What was drawn for each operation with another picture.
    #[serde(default)]
    pub partners: Vec<Meeting>,
    /// The version of the operations.
    pub version: u16,
    /// The quality of the WebP that it was.
    #[serde(default)]
    pub webp: Option<u8>,
}

const fn yes() -> bool {
    true
}

/// Makes copies of pictures by a list of operations; shared by all threads.
#[derive(Clone, Debug)]
pub struct Augmenter {
    pipeline: Pipeline<MAX_OPS>,
    /// The JSON of the operations, which is in every origin.
    ops: Box<RawValue>,
    step: &'static str,
    purpose: u32,
    shared: Shared,
    level: Level,
    seed: u64,
    partners: Option<Partners>,
    webp: Option<Webp>,
}

/// Refuses a list without an operation, or with more than [`MAX_OPS`].
///
/// # Errors
/// A usage error.
pub fn check_ops(ops: &[OpStep]) -> Result<()> {
    if ops.is_empty() {
        return Err(Error::usage("no operation is given: --op (recipe key `ops`)")
            .hint("for example --op '{ op = \"rotate\", degrees = [-15, 15] }'"));
    }
    pipeline_of(ops, true).map(drop)
}

impl Augmenter {
    /// For the step of this name, whose randomness has this purpose (the first part of a [`Key`]): two steps with
    /// purposes of their own never make the same copy. With `fuse`, operations that resample join into one map.
    ///
    /// # Errors
    /// A usage error where there is no operation, or more than [`MAX_OPS`].
    pub fn new(ctx: &Ctx, step: &'static str, purpose: u32, ops: &[OpStep], fuse: bool) -> Result<Self> {
        check_ops(ops)?;
        let pipeline = pipeline_of(ops, fuse)?;
        // By way of a value, which has its keys in alphabetical order.
        let ops = serde_json::to_value(ops).and_then(|ops| to_raw_value(&ops)).map_err(unwritten)?;
        let (level, seed) = (ctx.level, ctx.seed);
        Ok(Self {
            pipeline,
            ops,
            step,
            purpose,
            shared: Shared::None,
            level,
            seed,
            partners: None,
            webp: None,
        })
    }

    /// The same, with this shared among pictures.
    #[must_use]
    pub fn shared(self, shared: Shared) -> Self {
        Self { shared, ..self }
    }

    /// The same, and its copies meet these afterwards.
    #[must_use]
    pub fn with_partners(self, partners: Partners) -> Self {
        Self { partners: Some(partners), ..self }
    }

    /// The same, and its copies are compressed at the end.
    #[must_use]
    pub fn webp(self, webp: Option<Webp>) -> Self {
        Self { webp, ..self }
    }

    /// What its copies meet.
    pub const fn partners(&self) -> Option<&Partners> {
        self.partners.as_ref()
    }

    /// The JSON of [`CopyParams`].
    fn params(&self, copy: u32, drawn: &AllDrawn<MAX_OPS>, end: &End) -> Result<Params> {
        #[derive(Serialize)]
        struct Record<'a> {
            copy: u32,
            drawn: InOrder<'a>,
            #[serde(skip_serializing_if = "Option::is_none")]
            fuse: Option<bool>,
            ops: &'a RawValue,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            partners: &'a [Meeting],
            version: u16,
            #[serde(skip_serializing_if = "Option::is_none")]
            webp: Option<u8>,
        }
        // Only where it is not as usual.
        let fuse = (!self.pipeline.fuses()).then_some(false);
        Params::in_order(
            &Record {
                copy,
                drawn: InOrder(drawn.as_slice()),
                fuse,
                ops: &self.ops,
                partners: &end.meetings,
                version: VERSION,
                webp: end.webp,
            },
            Short,
        )
    }

    /// The operations in their byte form.
    ///
    /// # Errors
    /// Never for a list that [`Augmenter::new`] takes.
    pub fn pipeline_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.pipeline.bytes_len()];
        self.pipeline.to_bytes(&mut bytes)?;
        Ok(bytes)
    }

    /// The pipeline as text, in JSON.
    ///
    /// # Errors
    /// Never for a list that [`Augmenter::new`] takes.
    pub fn pipeline_text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(&self.pipeline).map_err(unwritten)?;
        Ok(text + "\n")
    }

    /// The pipeline for pictures like this one.
    pub(super) fn plan(&self, pixels: &Pixels) -> Result<Plan<'_, MAX_OPS>> {
        plan(&self.pipeline, pixels)
    }

    /// What [`Augmenter::copy`] makes, with what it was made by.
    pub(super) fn make(
        &self,
        scratch: &mut ScratchBuf,
        source: &Sample,
        pixels: &Pixels,
        boxes: &[Bounds],
        n: u32,
    ) -> Result<Made> {
        let key = Key::new(self.purpose).epoch(n).sample(id_hash(self.shared.part(&source.id).as_bytes()));
        let mut make = || -> Result<Made> {
            let plan = plan(&self.pipeline, pixels)?;
            let drawn = plan.draw(self.seed, key, boxes)?;
            let prepared = plan.prepare(&drawn)?;
            let pixels = run(&plan, &prepared, self.level, scratch, pixels)?;
            Ok(Made { pixels, prepared, drawn, key })
        };
        make().map_err(|e| e.within(&source.id))
    }

    /// What becomes of copy `n` of `source` after the operations of the pipeline.
    pub(super) fn finish(
        &self,
        scratch: &mut ScratchBuf,
        source: &Sample,
        made: Pixels,
        n: u32,
    ) -> Result<(Pixels, End)> {
        let sample = id_hash(self.shared.part(&source.id).as_bytes());
        let webp = self.webp.and_then(|webp| webp.draw(self.seed, sample, n));
        let finished = || {
            let (made, meetings) = match &self.partners {
                Some(partners) => partners.join(scratch, source, made, n)?,
                None => (made, Vec::new()),
            };
            Ok((compressed(made, webp)?, End { meetings, webp }))
        };
        finished().map_err(|e: Error| e.within(&source.id))
    }

    /// Copy `n` (from 1) of `source`, whose picture is `pixels`: a sample with an id and an origin of its own, and
    /// label, split and weight of the source.
    ///
    /// # Errors
    /// When the operations do not fit the picture; the error names the source.
    pub fn copy(&self, scratch: &mut ScratchBuf, source: &Sample, pixels: &Pixels, n: u32) -> Result<Sample> {
        let Made { pixels: made, drawn, key, .. } = self.make(scratch, source, pixels, &[], n)?;
        let (made, end) = self.finish(scratch, source, made, n)?;
        let origin = Origin {
            source: source.id.clone(),
            step: self.step.to_owned(),
            params: self.params(n, &drawn, &end)?,
            seed: self.seed,
            key,
        };
        Ok(Sample {
            id: derived_id(&source.id, self.step, n),
            label: source.label,
            split: source.split,
            weight: source.weight,
            content: source.content.around(made),
            origin: Some(origin),
        })
    }
}

fn unwritten(e: impl std::fmt::Display) -> Error {
    Error::failed(format!("cannot write the origin as JSON ({e})"))
}

/// The picture that `origin` tells of, made by what it records from its source's pixels and those of the others that it met,
/// which `find` gives by their ids.
///
/// # Errors
/// When the origin is not one of an augmented copy, is of another version of the operations, or does not fit the source; and
/// those of `find`.
pub fn make_again(
    level: Level,
    origin: &Origin,
    source: &Pixels,
    find: impl Fn(&str) -> Result<Pixels>,
) -> Result<Pixels> {
    let CopyParams { ops, fuse, drawn, partners, version, webp, .. } = CopyParams::of(origin)?;
    if version != VERSION {
        return Err(Error::failed(format!(
            "the copy was made by operations of version {version}; this build does those of version {VERSION}"
        ))
        .hint("use the seedbed that made the dataset"));
    }
    let pipeline = pipeline_of(&ops, fuse)?;
    let plan = plan(&pipeline, source)?;
    let drawn: Option<AllDrawn<MAX_OPS>> = serde_json::from_value(drawn).ok();
    let prepared = drawn.and_then(|drawn| plan.prepare(&drawn).ok()).ok_or_else(|| {
        Error::failed("the origin records what its operations cannot have drawn for this source")
            .hint("is it the picture that the copy was made from?")
    })?;
    let mut scratch = ScratchBuf::new();
    let mut pixels = run(&plan, &prepared, level, &mut scratch, source)?;
    for meeting in &partners {
        let others = meeting.with().iter().map(|id| find(id)).collect::<Result<Vec<Pixels>>>()?;
        pixels = meet(level, &mut scratch, meeting, &others.iter().collect::<Vec<_>>(), pixels)?;
    }
    compressed(pixels, webp)
}

impl CopyParams {
    /// What `origin` records of an augmented copy.
    ///
    /// # Errors
    /// When it is an origin of something else.
    pub fn of(origin: &Origin) -> Result<Self> {
        origin.params.parse().map_err(|_| {
            Error::failed(format!("not made by augmentation but by the step `{}`", origin.step))
                .hint("only augmented copies are made again from their origin")
        })
    }
}

fn pipeline_of(ops: &[OpStep], fuse: bool) -> Result<Pipeline<MAX_OPS>> {
    let mut pipeline = Pipeline::new();
    pipeline.set_fuse(fuse);
    for step in ops.iter().flat_map(|OpStep(branch)| &branch.0) {
        pipeline.push(step.op, step.p).map_err(|e| match e {
            seedbed::Error::CapacityExceeded => {
                let all: usize = ops.iter().map(|OpStep(branch)| branch.0.len()).sum();
                Error::usage(format!("{all} operations are too many: --op (recipe key `ops`)"))
                    .hint(format!("at most {MAX_OPS}, groups and their steps counted"))
            }
            other => other.into(),
        })?;
    }
    Ok(pipeline)
}

/// A copy, and how it was made.
pub(super) struct Made {
    pub pixels: Pixels,
    pub prepared: Prepared<MAX_OPS>,
    drawn: AllDrawn<MAX_OPS>,
    key: Key,
}

/// What was drawn for a copy after its pipeline.
pub(super) struct End {
    meetings: Vec<Meeting>,
    webp: Option<u8>,
}

fn plan<'p>(pipeline: &'p Pipeline<MAX_OPS>, pixels: &Pixels) -> Result<Plan<'p, MAX_OPS>> {
    pipeline.plan((pixels.height, pixels.width, pixels.channels)).map_err(|_| {
        Error::failed(format!("operations do not fit a picture of {} x {}", pixels.height, pixels.width))
            .hint(
                "an operation that changes the size needs p = 1, and in a group every choice must change it alike; a crop \
                 must fit into the picture; groups lie at most four deep in each other",
            )
    })
}

fn run(
    plan: &Plan<'_, MAX_OPS>,
    prepared: &Prepared<MAX_OPS>,
    level: Level,
    scratch: &mut ScratchBuf,
    pixels: &Pixels,
) -> Result<Pixels> {
    let (height, width, channels) = plan.out_shape();
    let mut data = vec![0; height * width * channels];
    let dst = ImageMut::new(&mut data, height, width, channels)?;
    prepared.run(level, pixels.view()?, dst, &mut scratch.arena(plan.scratch_len::<u8>()))?;
    Pixels::new(data, height, width, channels)
}

/// What was drawn, with the keys of its JSON in alphabetical order, as all origins have them.
struct InOrder<'a>(&'a [Drawn]);

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Sides {
            height: u32,
            left: u32,
            top: u32,
            width: u32,
        }
        impl From<Rect> for Sides {
            fn from(Rect { top, left, height, width }: Rect) -> Self {
                Self { height, left, top, width }
            }
        }
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum One<'a> {
            Place {
                left: i32,
                top: i32,
            },
            Part(Sides),
            Erased {
                part: Sides,
                seed: u32,
            },
            #[serde(untagged)]
            Other(&'a Drawn),
        }
        serializer.collect_seq(self.0.iter().map(|drawn| match *drawn {
            Drawn::Place { top, left } => One::Place { left, top },
            Drawn::Part(part) => One::Part(part.into()),
            Drawn::Erased { part, seed } => One::Erased { part: part.into(), seed },
            _ => One::Other(drawn),
        }))
    }
}

/// JSON with numbers in their shortest form.
struct Short;

impl Formatter for Short {
    fn write_f32<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        // In these ranges the default has the digits of `number` too, in a third of the time.
        match value.abs() {
            size if size < 1e6 && value == value.trunc() => CompactFormatter.write_i32(writer, value as i32),
            size if (1e-4..1e6).contains(&size) => CompactFormatter.write_f32(writer, value),
            _ => write!(writer, "{}", number(value)),
        }
    }
}

/// An `f32` as the shortest JSON number that is read back as it: 0.1, not 0.10000000149011612.
fn number(v: f32) -> Json {
    let short = serde_json::to_string(&v).ok().and_then(|text| text.parse::<f64>().ok());
    match short {
        Some(whole) if whole == whole.trunc() && whole.abs() < 1e15 => (whole as i64).into(),
        Some(short) => short.into(),
        None => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_written_alike_in_any_range(v in prop_oneof![-10f32..10.0, any::<f32>(), -2e6f32..2e6]) {
            let mut text = Vec::new();
            Short.write_f32(&mut text, v).unwrap();
            prop_assert_eq!(String::from_utf8(text).unwrap(), number(v).to_string());
        }
    }
}
