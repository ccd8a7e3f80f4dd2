//! What was drawn for a copy that meets other pictures, and what that makes of it.

use super::{ADAPTATIONS, PartnerOp, PartnerStep, adaptation_name};
use crate::codec::Pixels;
use crate::error::{Error, Result};
use seedbed::augment::Mixing;
use seedbed::image::{
    Adaptation, Filter, Fit, Mosaic, Rect, ResizePlan, Sampling, adapt_distribution, cutmix,
    fourier_adaptation, fourier_scratch_len, match_histograms, match_histograms_scratch_len, mixup, paste,
};
use seedbed::rng::Stream;
use seedbed::scratch::{ScratchBuf, ScratchLen};
use seedbed::{ImageMut, ImageRef, Level};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How others are resized.
const SAMPLING: Sampling = Sampling { filter: Filter::Bilinear, antialias: true };

/// What was drawn for one step of a copy, with the ids of the pictures it met: all that it takes to do it again. Keys are in
/// alphabetical order, as all of an origin are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Meeting {
    /// It did not happen.
    Skipped,
    /// There was no other picture.
    Alone,
    MatchHistograms {
        with: String,
    },
    AdaptDistribution {
        kind: String,
        share: f32,
        with: String,
    },
    FourierAdaptation {
        beta: f32,
        with: String,
    },
    Mixup {
        share: f32,
        with: String,
    },
    Cutmix {
        part: Sides,
        with: String,
    },
    Mosaic {
        /// Row and column of the point.
        middle: (u32, u32),
        with: Vec<String>,
    },
    Overlay {
        opacity: f32,
        part: Sides,
        with: String,
    },
}

/// A rectangle, its keys in alphabetical order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Sides {
    pub height: u32,
    pub left: u32,
    pub top: u32,
    pub width: u32,
}

impl From<Rect> for Sides {
    fn from(Rect { top, left, height, width }: Rect) -> Self {
        Self { height, left, top, width }
    }
}

impl From<Sides> for Rect {
    fn from(Sides { height, left, top, width }: Sides) -> Self {
        Self { top, left, height, width }
    }
}

impl Meeting {
    /// What `step` draws for a picture of `size` that meets those of `ids`, as many as it needs.
    pub(super) fn draw(
        step: &PartnerStep,
        size: (usize, usize),
        mut ids: Vec<String>,
        stream: &mut Stream,
    ) -> Result<Self> {
        let [first, second] = step.ranges.map(|[low, high]| stream.range(low, high));
        let with = ids.first().cloned().unwrap_or_default();
        Ok(match step.kind.op {
            PartnerOp::MatchHistograms => Self::MatchHistograms { with },
            PartnerOp::AdaptDistribution => {
                Self::AdaptDistribution { kind: adaptation_name(step.adaptation).into(), share: first, with }
            }
            PartnerOp::FourierAdaptation => Self::FourierAdaptation { beta: first, with },
            PartnerOp::Mixup => Self::Mixup { share: Mixing::mixup(first, stream)?.share(), with },
            PartnerOp::Cutmix => {
                let Mixing::CutMix { part, .. } = Mixing::cutmix(first, size, stream)? else {
                    return Err(seedbed::Error::InvalidArgument.into());
                };
                Self::Cutmix { part: part.into(), with }
            }
            PartnerOp::Mosaic => {
                let middle = Mosaic::draw(size, first, stream).map_err(|_| too_small(size))?.middle();
                ids.truncate(3);
                Self::Mosaic { middle, with: ids }
            }
            PartnerOp::Overlay => {
                let mut along = |side: usize| {
                    let part = ((side as f32 * first + 0.5) as usize).clamp(1, side.max(1));
                    (stream.index(side.saturating_sub(part) + 1) as u32, part as u32)
                };
                let ((top, height), (left, width)) = (along(size.0), along(size.1));
                Self::Overlay { opacity: second, part: Sides { height, left, top, width }, with }
            }
        })
    }

    /// The ids of the pictures that were met, in the order that `meet` takes these in.
    pub fn with(&self) -> &[String] {
        match self {
            Self::Skipped | Self::Alone => &[],
            Self::Mosaic { with, .. } => with,
            Self::MatchHistograms { with }
            | Self::AdaptDistribution { with, .. }
            | Self::FourierAdaptation { with, .. }
            | Self::Mixup { with, .. }
            | Self::Cutmix { with, .. }
            | Self::Overlay { with, .. } => std::slice::from_ref(with),
        }
    }
}

fn too_small((height, width): (usize, usize)) -> Error {
    Error::failed(format!("a mosaic does not fit a picture of {height} x {width}"))
        .hint("it takes two pixels a side at least, and 2^24 at most")
}

/// What becomes of `pixels` when they meet `others`.
///
/// # Errors
/// When these have other channels or are too few, or nothing could have drawn the meeting for a picture of this size.
pub fn meet(
    level: Level,
    scratch: &mut ScratchBuf,
    meeting: &Meeting,
    others: &[&Pixels],
    mut pixels: Pixels,
) -> Result<Pixels> {
    for (other, id) in others.iter().zip(meeting.with()) {
        same_channels(&pixels, other, id)?;
    }
    let Some((other, size)) = others.first().map(|other| (*other, (pixels.height, pixels.width))) else {
        return Ok(pixels);
    };
    let fitted = |scratch: &mut ScratchBuf| fitted(level, scratch, other, size);
    match meeting {
        Meeting::Skipped | Meeting::Alone => {}
        Meeting::MatchHistograms { .. } => {
            let scratch = &mut scratch.arena(match_histograms_scratch_len::<u8>());
            match_histograms(level, other.view()?, view(&mut pixels)?, scratch)?;
        }
        Meeting::AdaptDistribution { kind, share, .. } => {
            let known = ADAPTATIONS.iter().find(|(name, _)| name == kind);
            let kind: Adaptation = known.ok_or(seedbed::Error::InvalidArgument)?.1;
            adapt_distribution(level, kind, *share, other.view()?, view(&mut pixels)?)?;
        }
        Meeting::FourierAdaptation { beta, .. } => {
            let other = fitted(scratch)?;
            let shape = (pixels.height, pixels.width, pixels.channels);
            let scratch = &mut scratch.arena(fourier_scratch_len(*beta, shape));
            fourier_adaptation(level, *beta, other.view()?, view(&mut pixels)?, scratch)?;
        }
        Meeting::Mixup { share, .. } => {
            mixup(level, fitted(scratch)?.view()?, view(&mut pixels)?, *share)?;
        }
        Meeting::Cutmix { part, .. } => {
            cutmix(fitted(scratch)?.view()?, view(&mut pixels)?, (*part).into())?;
        }
        Meeting::Mosaic { middle, .. } => return mosaic(level, scratch, *middle, others, &pixels),
        Meeting::Overlay { opacity, part, .. } => {
            let size = (part.height as usize, part.width as usize);
            let other = self::fitted(level, scratch, other, size)?;
            let at = (part.top.into(), part.left.into());
            paste(level, other.view()?, None, *opacity, view(&mut pixels)?, at)?;
        }
    }
    Ok(pixels)
}

fn same_channels(pixels: &Pixels, other: &Pixels, id: &str) -> Result<()> {
    if pixels.channels == other.channels {
        return Ok(());
    }
    let (ours, theirs) = (pixels.channels, other.channels);
    Err(Error::failed(format!("a picture of {ours} channels cannot meet one of {theirs}: {id}"))
        .hint("give all pictures the same channels with `seedbed preprocess`"))
}

fn view(pixels: &mut Pixels) -> Result<ImageMut<'_, u8>> {
    Ok(ImageMut::new(&mut pixels.data, pixels.height, pixels.width, pixels.channels)?)
}

/// The largest middle part of `other` that has the proportions of `size`, in that size; all of it as it is where it
/// has the size.
fn fitted<'a>(
    level: Level,
    scratch: &mut ScratchBuf,
    other: &'a Pixels,
    size: (usize, usize),
) -> Result<Cow<'a, Pixels>> {
    let from = (other.height, other.width);
    if from == size {
        return Ok(Cow::Borrowed(other));
    }
    let part: ImageRef<'_, u8> = Fit::Cover.placement(from, size)?.source.of(other.view()?)?;
    let from = (part.height(), part.width());
    let plan = ResizePlan::plan_len(SAMPLING, from, size);
    let run = ResizePlan::run_any_len::<u8>(SAMPLING, from, size, other.channels);
    let mut arena = scratch.arena(ScratchLen::new().with_bytes(plan).with_bytes(run).bytes());
    let mut data = vec![0; size.0 * size.1 * other.channels];
    let to = ImageMut::new(&mut data, size.0, size.1, other.channels)?;
    ResizePlan::new(SAMPLING, from, size, &mut arena)?.run_any(level, part, to, &mut arena)?;
    Pixels::new(data, size.0, size.1, other.channels).map(Cow::Owned)
}

/// `pixels` in the first quarter, and others in the rest.
fn mosaic(
    level: Level,
    scratch: &mut ScratchBuf,
    middle: (u32, u32),
    others: &[&Pixels],
    pixels: &Pixels,
) -> Result<Pixels> {
    if others.len() != 3 {
        return Err(seedbed::Error::InvalidArgument.into());
    }
    let side = |side: usize| u32::try_from(side).map_err(|_| seedbed::Error::Overflow);
    let mosaic = Mosaic::new((side(pixels.height)?, side(pixels.width)?), middle)?;
    let mut all = pixels.clone();
    for (i, one) in std::iter::once(pixels).chain(others.iter().copied()).enumerate() {
        let len = mosaic.scratch_len::<u8>(SAMPLING, (one.height, one.width, one.channels));
        mosaic.place(level, i, SAMPLING, one.view()?, view(&mut all)?, &mut scratch.arena(len))?;
    }
    Ok(all)
}
