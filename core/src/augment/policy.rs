//! Policies: which of a fixed list of operations are done, and how strongly, as published.
//!
//! RandAugment (Cubuk and others 2020), TrivialAugmentWide (Müller and Hutter 2021), AutoAugment with the tables that were
//! found for ImageNet, CIFAR-10 and SVHN (Cubuk and others 2019), and the operations of AugMix (Hendrycks and others 2020).
//! Strengths are those of torchvision, for images of any size: where it counts pixels of one of 331, they are shares of the side,
//! and shifts are not cut to whole pixels, which in a picture of 28 would be a fifth of many.

mod tables;

use super::action::Action;
use super::effect::Effect;
use super::op::Op;
use crate::error::{Error, Result};
use crate::image::{Adjust, Affine, Border, Interpolation, Map, Motion, Tone};
use crate::rng::Stream;

/// An operation of the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Elementary {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Colour,
    Contrast,
    Sharpness,
    Posterise,
    Solarise,
    Autocontrast,
    Equalise,
    Invert,
}

use Elementary::*;

/// All of them, in the order of records.
const ALL: [Elementary; 15] = [
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Colour,
    Contrast,
    Sharpness,
    Posterise,
    Solarise,
    Autocontrast,
    Equalise,
    Invert,
];

/// How many of [`ALL`] RandAugment and TrivialAugment choose from: all but the last one.
const CHOSEN: usize = 14;

/// The most operations that one image draws.
pub const MOST_CHOICES: usize = 9;

/// A policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Rand,
    Trivial,
    Auto,
    AugMix,
}

impl Policy {
    pub const fn of(op: &Op) -> Option<Self> {
        Some(match op {
            Op::RandAugment { .. } => Self::Rand,
            Op::TrivialAugmentWide { .. } => Self::Trivial,
            Op::AutoAugmentImagenet { .. } | Op::AutoAugmentCifar10 { .. } | Op::AutoAugmentSvhn { .. } => {
                Self::Auto
            }
            Op::Augmix { .. } => Self::AugMix,
            _ => return None,
        })
    }

    /// The strongest of the bins.
    const fn bins(self) -> u8 {
        match self {
            Self::Rand | Self::Trivial => 30,
            Self::Auto | Self::AugMix => 9,
        }
    }
}

/// An operation of a policy, and its bin: below 0 where it is done the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Choice {
    // In alphabetical order, as the keys of the origins of samples are.
    bin: i8,
    op: u8,
}

/// The operations that one image draws, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "List", into = "List"))]
pub struct Choices {
    list: [Choice; MOST_CHOICES],
    count: u8,
}

type List = heapless::Vec<Choice, MOST_CHOICES>;

impl TryFrom<List> for Choices {
    type Error = Error;

    fn try_from(list: List) -> Result<Self> {
        let mut choices = Self::default();
        list.iter().for_each(|choice| choices.push(*choice));
        Ok(choices)
    }
}

impl From<Choices> for List {
    fn from(choices: Choices) -> Self {
        let mut list = Self::new();
        choices.iter().for_each(|choice| list.push(choice).unwrap_or(()));
        list
    }
}

impl Choices {
    pub(super) fn push(&mut self, choice: Choice) {
        if let Some(to) = self.list.get_mut(usize::from(self.count)) {
            *to = choice;
            self.count += 1;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Choice> + Clone + use<> {
        let Self { list, count } = *self;
        list.into_iter().take(count.into())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count.into()
    }

    /// What `op`, a policy, draws.
    pub(super) fn draw(op: &Op, stream: &mut Stream) -> Self {
        let mut choices = Self::default();
        match *op {
            Op::RandAugment { count, magnitude, .. } => {
                for _ in 0..count {
                    let chosen = stream.index(CHOSEN) as u8;
                    choices.push(Choice::either_way(chosen, magnitude as u8, stream));
                }
            }
            Op::TrivialAugmentWide { .. } => {
                let chosen = stream.index(CHOSEN) as u8;
                let bin = stream.index(usize::from(Policy::Trivial.bins()) + 1) as u8;
                choices.push(Choice::either_way(chosen, bin, stream));
            }
            _ => {
                let Some(table) = tables::of(op) else { return choices };
                let Some(both) = table.get(stream.index(table.len())) else { return choices };
                for (what, p, bin) in both {
                    // The order of draws is the same whether it is done or not.
                    let (done, way) = (stream.chance(*p), stream.chance(0.5));
                    if done {
                        let bin = *bin as i8;
                        choices.push(Choice { op: *what as u8, bin: if way { -bin } else { bin } }.plain());
                    }
                }
            }
        }
        choices
    }

    /// Whether `op` can have drawn them.
    pub(super) fn fit(&self, op: &Op) -> bool {
        let Some(policy) = Policy::of(op) else { return false };
        let known = self.iter().all(|choice| {
            choice.what().is_some_and(|what| what != Invert || policy == Policy::Auto)
                && choice.bin.unsigned_abs() <= policy.bins()
                && choice == choice.plain()
        });
        let count = match *op {
            Op::RandAugment { count, magnitude, .. } => {
                let strong = self.iter().all(|choice| u32::from(choice.bin.unsigned_abs()) == magnitude);
                strong && self.len() == count as usize
            }
            Op::TrivialAugmentWide { .. } => self.len() == 1,
            Op::Augmix { .. } => true,
            _ => self.len() <= 2,
        };
        known && count
    }
}

impl Choice {
    /// Of this strength, one way or the other where there are two.
    pub(super) fn either_way(op: u8, bin: u8, stream: &mut Stream) -> Self {
        let back = stream.chance(0.5);
        Self { op, bin: if back { -(bin as i8) } else { bin as i8 } }.plain()
    }

    /// One of those that are chosen from at random, AugMix's without changes of brightness, colours and sharpness where not
    /// `all` are.
    pub(super) fn of_chain(all: bool, severity: u8, stream: &mut Stream) -> Self {
        const FEW: [Elementary; 9] =
            [ShearX, ShearY, TranslateX, TranslateY, Rotate, Posterise, Solarise, Autocontrast, Equalise];
        const MORE: [Elementary; 4] = [Brightness, Colour, Contrast, Sharpness];
        let chosen = stream.index(if all { FEW.len() + MORE.len() } else { FEW.len() });
        let what = FEW.iter().chain(&MORE).nth(chosen).copied().unwrap_or(Identity);
        let bin = stream.index(usize::from(severity)) as u8;
        Self::either_way(what as u8, bin, stream)
    }

    fn what(self) -> Option<Elementary> {
        ALL.get(usize::from(self.op)).copied()
    }

    /// With a strength above 0 where there is but one way.
    fn plain(self) -> Self {
        let signed = matches!(
            self.what(),
            Some(
                ShearX
                    | ShearY
                    | TranslateX
                    | TranslateY
                    | Rotate
                    | Brightness
                    | Colour
                    | Contrast
                    | Sharpness
            )
        );
        if signed { self } else { Self { bin: self.bin.saturating_abs(), ..self } }
    }

    /// What it does by `policy` to an image of `size` = (height, width); `None` where that is nothing.
    pub(super) fn action(self, policy: Policy, (how, border): Look, size: (usize, usize)) -> Option<Action> {
        let what = self.what()?;
        let share = f32::from(self.bin) / f32::from(policy.bins());
        let wide = policy == Policy::Trivial;
        let shift = |side: usize| match policy {
            // Whatever the size.
            Policy::Trivial => share * 32.0,
            Policy::AugMix => share * side as f32 * (1.0 / 3.0),
            Policy::Rand | Policy::Auto => share * side as f32 * (150.0 / 331.0),
        };
        let factor = 1.0 + share * if wide { 0.99 } else { 0.9 };
        let warp =
            |map: Affine| Some(Action::Warp { map: Map::Affine(map), how, border: Some(border), size });
        let shear = share * if wide { 0.99 } else { 0.3 };
        match what {
            _ if self.bin == 0 && what.is_still_at_zero() => None,
            Identity => None,
            // About the corner, whose edges are half a pixel from the first centre.
            ShearX => warp(Affine { xy: shear, x0: shear * 0.5, ..Affine::IDENTITY }),
            ShearY => warp(Affine { yx: shear, y0: shear * 0.5, ..Affine::IDENTITY }),
            TranslateX => warp(Affine { x0: -shift(size.1), ..Affine::IDENTITY }),
            TranslateY => warp(Affine { y0: -shift(size.0), ..Affine::IDENTITY }),
            Rotate => {
                let degrees = share * if wide { 135.0 } else { 30.0 };
                warp(Motion { degrees, ..Motion::default() }.inverse(size).ok()?)
            }
            Brightness => Some(Action::Tone(Tone::Brightness(factor))),
            Colour => Some(Action::Adjust(Adjust::Saturation(factor))),
            Contrast => Some(Action::Adjust(Adjust::Contrast(factor))),
            Sharpness => Effect::with(Op::Sharpen { factor: [factor; 2] }, factor),
            Posterise => {
                let (bits, most) = match policy {
                    Policy::Trivial => (8, 6.0),
                    Policy::AugMix => (4, 4.0),
                    Policy::Rand | Policy::Auto => (8, 4.0),
                };
                let kept = (bits - (share * most + 0.5) as u8).max(1);
                (kept < 8).then_some(Action::Tone(Tone::Posterise(kept)))
            }
            Solarise => Some(Action::Tone(Tone::Solarise(1.0 - share))),
            Autocontrast => Effect::with(Op::Autocontrast { cutoff: [0.0; 2] }, 0.0),
            Equalise => Effect::with(Op::Equalise {}, 0.0),
            Invert => Some(Action::Tone(Tone::Invert)),
        }
    }
}

impl Elementary {
    /// Whether it does nothing at strength 0.
    const fn is_still_at_zero(self) -> bool {
        !matches!(self, Posterise | Solarise | Autocontrast | Equalise | Invert)
    }
}

/// How values between pixels are found, and what lies outside.
pub(super) type Look = (Interpolation, Border);

/// The operations of a policy that one image has drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chosen {
    pub policy: Policy,
    pub choices: Choices,
    pub look: Look,
    pub size: (usize, usize),
}

impl Chosen {
    pub fn of(op: &Op, choices: Choices, size: (usize, usize)) -> Option<Self> {
        Some(Self { policy: Policy::of(op)?, choices, look: look(op)?, size })
    }

    /// One after the other.
    pub fn actions(&self) -> impl Iterator<Item = Action> + Clone + use<> {
        let Self { policy, choices, look, size } = *self;
        choices.iter().filter_map(move |choice| choice.action(policy, look, size))
    }
}

/// The operations of policies that take scratch: any may be drawn.
pub(super) fn hungry() -> [Op; 3] {
    [Op::Sharpen { factor: [1.0; 2] }, Op::Autocontrast { cutoff: [0.0; 2] }, Op::Equalise {}]
}

/// How a policy resamples.
pub(super) const fn look(op: &Op) -> Option<Look> {
    match *op {
        Op::RandAugment { border, interpolation, .. }
        | Op::TrivialAugmentWide { border, interpolation }
        | Op::AutoAugmentImagenet { border, interpolation }
        | Op::AutoAugmentCifar10 { border, interpolation }
        | Op::AutoAugmentSvhn { border, interpolation }
        | Op::Augmix { border, interpolation, .. } => Some((interpolation, border)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
