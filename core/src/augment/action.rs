//! What is done to an image, once everything is drawn.

use super::augmix::Mixture;
use super::draw::{Drawn, MOST_RANGES};
use super::effect::Effect;
use super::field::Value;
use super::grid::Grid;
use super::op::Op;
use super::pipeline::{Shape, Step};
use super::policy::{self, Chosen, Look};
use crate::error::{Error, Result};
use crate::image::{
    Adjust, Bend, Border, Fit, Interpolation, Jitter, Map, Perspective, Placement, Rect, Sampling, Symmetry,
    Tone,
};
use crate::math;

/// One pass over an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Action {
    /// Whole pixels are moved.
    Move(Grid),
    /// Everything is looked up through a map; the result is of this size. No border where none shows.
    Warp {
        map: Map,
        how: Interpolation,
        border: Option<Border>,
        size: (usize, usize),
    },
    /// Everything is looked up through a map that bends.
    Bend {
        bend: Bend,
        how: Interpolation,
        border: Border,
    },
    /// The tiles of a grid, as many along each side, are put into another order.
    Tiles {
        cells: u32,
        seed: u32,
    },
    /// A part is resized into a part of the result, which is of this size.
    Resize {
        place: Placement,
        size: (usize, usize),
        fill: u8,
        how: Resampling,
    },
    /// Values are mapped one by one.
    Tone(Tone),
    Greyscale,
    Jitter(Jitter),
    Adjust(Adjust),
    HsvShift([f32; 3]),
    GaussianNoise {
        std: f32,
        seed: u32,
    },
    GaussianBlur(f32),
    BoxBlur(usize),
    Paint(Rect, Fill),
    /// Rectangles with sides that are drawn as shares of the image's height and width.
    Holes {
        count: u8,
        seed: u32,
        height: [f32; 2],
        width: [f32; 2],
        fill: u32,
    },
    Effect(Effect),
    /// What a policy has chosen: passes of their own, see [`Action::passes`].
    Chosen(Chosen),
    /// Chains of operations, mixed.
    AugMix {
        mixture: Mixture,
        look: Look,
    },
}

/// How an image is resized.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Resampling {
    pub sampling: Sampling,
    /// Without rounding between the passes.
    pub precise: bool,
}

impl Op {
    /// How an operation that resizes does so.
    pub(super) const fn resampling(&self) -> Option<Resampling> {
        let (Op::RandomResizedCrop { filter, antialias, precise, .. }
        | Op::BoxSafeCrop { filter, antialias, precise, .. }
        | Op::RandomIouCrop { filter, antialias, precise, .. }
        | Op::ZoomOut { filter, antialias, precise, .. }
        | Op::Resize { filter, antialias, precise, .. }
        | Op::LongestSide { filter, antialias, precise, .. }
        | Op::SmallestSide { filter, antialias, precise, .. }
        | Op::Letterbox { filter, antialias, precise, .. }) = *self
        else {
            return None;
        };
        Some(Resampling { sampling: Sampling { filter, antialias }, precise })
    }
}

/// What is painted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fill {
    Value(u8),
    /// Values drawn one by one from this seed.
    Noise(u32),
}

impl Fill {
    /// The fill of a parameter, where 256 stands for noise.
    pub fn of(fill: u32, seed: u32) -> Self {
        u8::try_from(fill).map_or(Self::Noise(seed), Self::Value)
    }
}

impl Action {
    /// What `step` does to an image of `shape` with what it has drawn; `None` where that is nothing.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for what the step cannot have drawn.
    pub fn of(step: &Step, drawn: Drawn, shape: Shape) -> Result<Option<Self>> {
        let from = (shape.0, shape.1);
        step.check(drawn, shape)?;
        if matches!(drawn, Drawn::Skipped | Drawn::Members(_)) {
            return Ok(None);
        }
        let (height, width, _) = step.out_shape(shape)?;
        let size = (height, width);
        let turn = |symmetry| Self::Move(Grid::turn(from, symmetry));
        if let Some(how) = step.op.resampling() {
            return Self::resize(&step.op, drawn, from, size, how).map(Some);
        }
        Ok(Some(match (step.op, drawn) {
            (Op::HFlip {}, Drawn::Done) => turn(Symmetry::HFLIP),
            (Op::VFlip {}, Drawn::Done) => turn(Symmetry::VFLIP),
            (Op::Transpose {}, Drawn::Done) => turn(Symmetry::TRANSPOSE),
            (Op::Rot90 {} | Op::D4 {}, Drawn::Turns(turns)) => {
                match *Symmetry::ALL.get(usize::from(turns)).ok_or(Error::InvalidArgument)? {
                    Symmetry::IDENTITY => return Ok(None),
                    symmetry => turn(symmetry),
                }
            }
            (Op::RandomCrop { border, .. }, Drawn::Place { top, left }) => {
                Self::Move(Grid::window(from, [i64::from(top), i64::from(left)], size, border))
            }
            (Op::CentreCrop { .. }, Drawn::Done) => {
                let part = Rect::centred(size, from);
                let start = [i64::from(part.top), i64::from(part.left)];
                Self::Move(Grid::window(from, start, size, Border::Edge))
            }
            (Op::Pad { top, left, border, .. }, Drawn::Done) => {
                Self::Move(Grid::window(from, [-i64::from(top), -i64::from(left)], size, border))
            }
            (
                Op::Rotate { border, interpolation, .. } | Op::ShiftScaleShear { border, interpolation, .. },
                Drawn::Motion(motion),
            ) => Self::warp(motion.inverse(from)?, interpolation, Some(border), size),
            (Op::RotateInside { interpolation, .. }, Drawn::Motion(motion)) => {
                Self::warp(motion.inverse(from)?, interpolation, None, size)
            }
            (Op::Perspective { border, interpolation, .. }, Drawn::Corners(corners)) => {
                Self::warp(Perspective::of_corners(from, corners)?, interpolation, Some(border), size)
            }
            (Op::Brightness { .. }, Drawn::Amount(v)) => Self::Tone(Tone::Brightness(v)),
            (Op::Contrast { .. }, Drawn::Amount(v)) => Self::Tone(Tone::Contrast { factor: v, pivot: 0.5 }),
            (Op::Gamma { .. }, Drawn::Amount(v)) => Self::Tone(Tone::Gamma(v)),
            (Op::Invert {}, Drawn::Done) => Self::Tone(Tone::Invert),
            (Op::Solarise { .. }, Drawn::Amount(v)) => Self::Tone(Tone::Solarise(v / 255.0)),
            (Op::Posterise { bits }, Drawn::Done) => Self::Tone(Tone::Posterise(bits as u8)),
            (Op::ToneCurve { .. }, Drawn::Amounts([low, high, _])) => Self::Tone(Tone::Curve { low, high }),
            (Op::Greyscale {}, Drawn::Done) => Self::Greyscale,
            (Op::ColourJitter { .. }, Drawn::Jitter(jitter)) => Self::Jitter(jitter),
            (Op::HsvShift { .. }, Drawn::Amounts(shift)) => Self::HsvShift(shift),
            (Op::GaussianNoise { .. }, Drawn::Noise { std, seed }) => Self::GaussianNoise { std, seed },
            (Op::GaussianBlur { .. }, Drawn::Amount(sigma)) => Self::GaussianBlur(sigma),
            (Op::BoxBlur { radius }, Drawn::Done) => Self::BoxBlur(radius as usize),
            (Op::Cutout { .. }, Drawn::Part(part))
            | (Op::RandomErasing { .. }, Drawn::Erased { part, .. })
                if part.height == 0 || part.width == 0 =>
            {
                return Ok(None);
            }
            (Op::Cutout { fill, .. }, Drawn::Part(part)) => Self::Paint(part, Fill::of(fill, 0)),
            (Op::RandomErasing { fill, .. }, Drawn::Erased { part, seed }) => {
                Self::Paint(part, Fill::of(fill, seed))
            }
            (Op::CoarseDropout { height, width, fill, .. }, Drawn::Holes { count, seed }) => {
                Self::Holes { count, seed, height, width, fill }
            }
            (Op::GridShuffle { cells }, Drawn::Values { seed, .. }) => Self::Tiles { cells, seed },
            (Op::ConstrainedCutout { fill, .. }, Drawn::Part(part)) => Self::Paint(part, Fill::of(fill, 0)),
            (op, Drawn::Choices(choices)) => {
                Self::Chosen(Chosen::of(&op, choices, from).ok_or(Error::InvalidArgument)?)
            }
            (op, Drawn::Mixture(mixture)) => {
                Self::AugMix { mixture, look: policy::look(&op).ok_or(Error::InvalidArgument)? }
            }
            (op, Drawn::Values { values, seed }) => match bend(&op, values, seed, from) {
                Some((bend, border, how)) => Self::Bend { bend, how, border },
                None => Effect::new(op, values, seed).map(Self::Effect).ok_or(Error::InvalidArgument)?,
            },
            _ => return Err(Error::InvalidArgument),
        }))
    }

    /// What an operation that resizes does to an image of the size `from`.
    fn resize(
        op: &Op,
        drawn: Drawn,
        from: (usize, usize),
        size: (usize, usize),
        how: Resampling,
    ) -> Result<Self> {
        let whole = |source: Rect| Placement { source, target: Rect::whole(size) };
        let (place, fill) = match (op, drawn) {
            (
                Op::RandomResizedCrop { .. } | Op::BoxSafeCrop { .. } | Op::RandomIouCrop { .. },
                Drawn::Part(part),
            ) => (whole(part), 0),
            // Of a few pixels none may be left.
            (Op::ZoomOut { .. }, Drawn::Part(target)) if target.height == 0 || target.width == 0 => {
                return Err(Error::InvalidArgument);
            }
            (Op::ZoomOut { fill, .. }, Drawn::Part(target)) => {
                (Placement { source: Rect::whole(from), target }, *fill as u8)
            }
            (Op::Letterbox { fill, .. }, Drawn::Done) => (Fit::Contain.placement(from, size)?, *fill as u8),
            (Op::Resize { .. } | Op::LongestSide { .. } | Op::SmallestSide { .. }, Drawn::Done) => {
                (whole(Rect::whole(from)), 0)
            }
            _ => return Err(Error::InvalidArgument),
        };
        Ok(Self::Resize { place, size, fill, how })
    }

    fn warp(map: impl Into<Map>, how: Interpolation, border: Option<Border>, size: (usize, usize)) -> Self {
        Self::Warp { map: map.into(), how, border, size }
    }

    /// The passes that it means: one, but of a policy any number.
    pub fn passes(self) -> impl Iterator<Item = Self> + Clone {
        let (one, several) = match self {
            Self::Chosen(chosen) => (None, Some(chosen)),
            one => (Some(one), None),
        };
        one.into_iter().chain(several.into_iter().flat_map(|chosen| chosen.actions()))
    }

    /// Whether it makes another image than it reads, rather than changing one.
    pub const fn copies(&self) -> bool {
        match self {
            Self::Move(_)
            | Self::Warp { .. }
            | Self::Bend { .. }
            | Self::Tiles { .. }
            | Self::Resize { .. }
            | Self::GaussianBlur(_)
            | Self::BoxBlur(_)
            | Self::AugMix { .. } => true,
            Self::Effect(effect) => effect.copies(),
            _ => false,
        }
    }

    /// The map of values, where it is one.
    pub const fn tone(&self) -> Option<Tone> {
        match self {
            Self::Tone(tone) => Some(*tone),
            _ => None,
        }
    }

    /// The size of what comes out, where it is not that of what goes in by the nature of the action.
    pub const fn size(&self) -> Option<(usize, usize)> {
        match self {
            Self::Move(grid) => Some(grid.size()),
            Self::Warp { size, .. } | Self::Resize { size, .. } => Some(*size),
            _ => None,
        }
    }

    /// Whether pixels move.
    pub fn moves(&self) -> bool {
        matches!(self, Self::Bend { .. } | Self::Tiles { .. }) || self.map().is_some()
    }

    /// The inverse map, where pixels move, and one map tells where all of them go.
    pub fn map(&self) -> Option<Map> {
        match self {
            Self::Move(grid) => Some(grid.map().into()),
            Self::Warp { map, .. } => Some(*map),
            Self::Resize { place, .. } => Some(place.map().into()),
            _ => None,
        }
    }

    /// This one and then `next` in one pass, where moves of whole pixels give the same pixels so, or, with `fuse`, where
    /// one of the two resamples through a map; two that do must do so by one interpolation, and what lies outside must be the
    /// same for both.
    pub fn then(&self, next: &Self, fuse: bool) -> Option<Self> {
        if let (Self::Move(first), Self::Move(next)) = (self, next) {
            return first.then(next).map(Self::Move);
        }
        let looks = |action: &Self| match action {
            Self::Move(grid) => Some((grid.border, None)),
            Self::Warp { border, how, .. } => Some((*border, Some(*how))),
            _ => None,
        };
        let ((border, how), (next_border, next_how)) = (looks(self)?, looks(next)?);
        let (border, how) = (agreed(border, next_border)?, agreed(how, next_how)?.unwrap_or_default());
        let (size, map) = (next.size()?, self.map()?.then(&next.map()?));
        // Maps that lead too far together are done one after the other.
        (fuse && map.reaches(size)).then_some(Self::Warp { map, how, border, size })
    }
}

/// How an operation that bends does so with what it has drawn.
fn bend(
    op: &Op,
    [first, second, ..]: [f32; MOST_RANGES],
    seed: u32,
    size: (usize, usize),
) -> Option<(Bend, Border, Interpolation)> {
    let smaller = size.0.min(size.1) as f32;
    let (bend, border, interpolation) = match *op {
        Op::Elastic { border, interpolation, .. } => {
            // No smoother than a picture of thousands is wide, nor rougher than pixels are.
            let sigma = math::clamp(second * smaller, 1.0, 4096.0);
            let deviation = math::min(first * smaller, 4096.0);
            (Bend::Elastic { deviation, sigma, seed }, border, interpolation)
        }
        Op::GridDistortion { cells, border, interpolation, .. } => {
            (Bend::Grid { cells, shift: first, seed }, border, interpolation)
        }
        Op::OpticalDistortion { border, interpolation, .. } => {
            (Bend::Optical { k: first }, border, interpolation)
        }
        Op::Fisheye { border, interpolation, .. } => {
            (Bend::Fisheye { degrees: first }, border, interpolation)
        }
        Op::ThinPlate { points, border, interpolation, .. } => {
            (Bend::ThinPlate { points, shift: first, seed }, border, interpolation)
        }
        Op::PiecewiseAffine { cells, border, interpolation, .. } => {
            (Bend::PiecewiseAffine { cells, shift: first, seed }, border, interpolation)
        }
        _ => return None,
    };
    Some((bend, border, interpolation))
}

impl Op {
    /// Bytes that a step that bends takes for an image of this size at most, whatever it draws; `None` where it does not bend.
    pub(super) fn bend_len(&self, size: (usize, usize)) -> Option<usize> {
        let mut least = [0.0; MOST_RANGES];
        let mut places = least.iter_mut();
        self.for_each_value(|value| {
            if let Value::Range([low, _]) = value {
                places.next().into_iter().for_each(|place| *place = low);
            }
        });
        // The nearer nodes are, the more of them; all else makes no difference but where an elastic lattice begins.
        bend(self, least, 0, size).map(|(bend, ..)| bend.scratch_len(size))
    }
}

/// What holds for two that follow each other, where it holds for one of them or is the same for both; `None` where it differs.
fn agreed<T: PartialEq>(first: Option<T>, next: Option<T>) -> Option<Option<T>> {
    match (first, next) {
        (Some(first), Some(next)) if first != next => None,
        (first, next) => Some(first.or(next)),
    }
}
