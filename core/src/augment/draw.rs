//! What is drawn for one step of one image.

use super::augmix::Mixture;
use super::field::Value;
use super::group::Members;
use super::op::Op;
use super::pipeline::Shape;
use super::policy::{Choices, Policy};
use super::way::Way;
#[cfg(doc)]
use crate::image::Symmetry;
use crate::image::{Adjust, Bounds, Jitter, Motion, Rect};
use crate::math;
use crate::rng::Stream;

/// The parameters that one step has drawn: all that is random in it, where there is much of it as a seed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Drawn {
    /// The step did not happen.
    Skipped,
    /// The step happened; it has nothing else to draw.
    Done,
    /// Quarter turns counter-clockwise; of [`Op::D4`] the place in [`Symmetry::ALL`].
    Turns(u8),
    /// How the content moved.
    Motion(Motion),
    /// The place of a crop: the image's row and column of its top left pixel, negative in the margin.
    Place {
        /// Row.
        top: i32,
        /// Column.
        left: i32,
    },
    /// The part that was cut out and resized, or painted over.
    Part(Rect),
    /// The part that was erased, and the seed of the values put there.
    Erased {
        /// The part.
        part: Rect,
        /// The seed.
        seed: u32,
    },
    /// Rectangles that were painted over.
    Holes {
        /// How many.
        count: u8,
        /// The seed of their places, sizes and values.
        seed: u32,
    },
    /// Noise.
    Noise {
        /// Standard deviation in levels of 0 to 255.
        std: f32,
        /// The seed of the values.
        seed: u32,
    },
    /// The factor, exponent, σ or threshold.
    Amount(f32),
    /// The adjustments of colours in their order.
    Jitter(Jitter),
    /// Several amounts, in the order of the operation's parameters; 0 where there are fewer.
    Amounts([f32; 3]),
    /// Where the corners of the image go, clockwise from the top left, as (x, y).
    Corners([[f32; 2]; 4]),
    /// Which members of a group are done, in which order.
    Members(Members),
    /// The operations of a policy.
    Choices(Choices),
    /// Those of AugMix, and how they are mixed.
    Mixture(Mixture),
    /// All that a plain operation draws ([`Kind::plain`](super::Kind::plain)).
    Values {
        // In alphabetical order, as the keys of the origins of samples are.
        /// The seed of all else that is random.
        seed: u32,
        /// A number from each of its ranges in the order of its parameters, 0 where there are fewer.
        values: [f32; MOST_RANGES],
    },
}

/// The most ranges of a plain operation.
pub const MOST_RANGES: usize = 6;

/// A number from each range of a plain operation, and a seed.
fn plain(op: &Op, stream: &mut Stream) -> Drawn {
    let mut values = [0.0; MOST_RANGES];
    let mut places = values.iter_mut();
    op.for_each_value(|value| {
        if let Value::Range([low, high]) = value
            && let Some(place) = places.next()
        {
            *place = stream.range(low, high);
        }
    });
    Drawn::Values { values, seed: stream.next_u32() }
}

impl Drawn {
    /// Draws for `op` with probability `p`; the probability comes first.
    pub(super) fn draw<const N: usize>(op: &Op, p: f32, stream: &mut Stream, scene: &Scene<'_, N>) -> Drawn {
        if !stream.chance(p) {
            return Drawn::Skipped;
        }
        let (height, width, _) = scene.shape;
        let size = (height, width);
        if op.is_plain() {
            return plain(op, stream);
        }
        if Policy::of(op).is_some() {
            let mixture = Mixture::draw(op, stream).map(Drawn::Mixture);
            return mixture.unwrap_or_else(|| Drawn::Choices(Choices::draw(op, stream)));
        }
        let mut from = |range: [f32; 2]| stream.range(range[0], range[1]);
        match *op {
            Op::Rot90 {} if height == width => Drawn::Turns(stream.below(4) as u8),
            Op::Rot90 {} => Drawn::Turns(stream.below(2) as u8 * 2),
            Op::D4 {} if height == width => Drawn::Turns(stream.below(8) as u8),
            // Every second symmetry keeps the shape.
            Op::D4 {} => Drawn::Turns(stream.below(4) as u8 * 2),
            Op::RotateInside { degrees, .. } => {
                let degrees = from(degrees);
                Drawn::Motion(Motion { degrees, scale: covering(degrees, size), ..Motion::default() })
            }
            Op::Rotate { degrees, .. } => {
                Drawn::Motion(Motion { degrees: from(degrees), ..Motion::default() })
            }
            Op::ShiftScaleShear { shift_x, shift_y, scale, shear_x, shear_y, .. } => {
                let shift = [from(shift_x) * width as f32, from(shift_y) * height as f32];
                let scale = from(scale);
                Drawn::Motion(Motion { degrees: 0.0, scale, shear: [from(shear_x), from(shear_y)], shift })
            }
            Op::RandomCrop { height: h, width: w, padding, .. } => {
                let mut place = |side: usize, part: u32| {
                    let part = if part == 0 { side } else { part as usize };
                    let room = (side + 2 * padding as usize + 1).saturating_sub(part);
                    stream.index(room) as i32 - padding as i32
                };
                Drawn::Place { top: place(height, h), left: place(width, w) }
            }
            Op::RandomResizedCrop { scale, ratio, .. } => {
                let part = part_of_area(stream, scale, ratio, size);
                Drawn::Part(part.unwrap_or_else(|| middle(ratio, size)))
            }
            Op::RandomErasing { scale, ratio, .. } => {
                // Nothing where none fits, as torchvision does.
                let part = part_of_area(stream, scale, ratio, size).unwrap_or_default();
                Drawn::Erased { part, seed: stream.next_u32() }
            }
            Op::CoarseDropout { holes, .. } => {
                Drawn::Holes { count: from(holes) as u8, seed: stream.next_u32() }
            }
            Op::BoxSafeCrop { .. } => Drawn::Part(around(stream, Bounds::around(scene.boxes()), size)),
            Op::RandomIouCrop { scale, ratio, .. } => Drawn::Part(overlapping(stream, scene, scale, ratio)),
            Op::ZoomOut { factor, .. } => {
                // A pixel at least.
                let share = 1.0 / from(factor);
                let shares = [height, width].map(|side| math::max(share, 1.0 / side.max(1) as f32));
                Drawn::Part(hole(stream, shares, size))
            }
            Op::ConstrainedCutout { height: h, width: w, inside, .. } => {
                let shares = [from(h), from(w)];
                Drawn::Part(constrained(stream, scene, shares, inside))
            }
            Op::Brightness { factor: range }
            | Op::Contrast { factor: range }
            | Op::Solarise { threshold: range }
            | Op::Gamma { gamma: range } => Drawn::Amount(from(range)),
            Op::HsvShift { hue, saturation, value } => {
                Drawn::Amounts([from(hue), from(saturation), from(value)])
            }
            Op::ToneCurve { low, high } => Drawn::Amounts([from(low), from(high), 0.0]),
            Op::ColourJitter { brightness, contrast, saturation, hue } => {
                let mut steps = [
                    Adjust::Brightness(from(brightness)),
                    Adjust::Contrast(from(contrast)),
                    Adjust::Saturation(from(saturation)),
                    Adjust::Hue(from(hue)),
                ];
                stream.shuffle(&mut steps);
                Drawn::Jitter(Jitter(steps))
            }
            Op::Perspective { shift, .. } => {
                let most = from(shift);
                let [right, bottom] = [width, height].map(|side| side.saturating_sub(1).max(1) as f32);
                let corners = [[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]];
                Drawn::Corners(corners.map(|[x, y]| {
                    let dx = stream.range(-most, most) * right;
                    let dy = stream.range(-most, most) * bottom;
                    [x + dx, y + dy]
                }))
            }
            Op::GaussianNoise { std } => Drawn::Noise { std: from(std), seed: stream.next_u32() },
            Op::GaussianBlur { sigma: range } => Drawn::Amount(from(range)),
            Op::SomeOf { members, least, most, any_order } => {
                Drawn::Members(Members::draw(stream, members, least, most, any_order))
            }
            Op::Cutout { height: h, width: w, .. } => {
                let shares = [from(h), from(w)];
                Drawn::Part(hole(stream, shares, size))
            }
            // Those that `draws_nothing` names: a record of any other one is refused.
            _ => Drawn::Done,
        }
    }
}

/// What the draws look at: the image as it is before a step, and where its boxes are.
#[derive(Clone, Debug)]
pub(super) struct Scene<'a, const N: usize> {
    pub shape: Shape,
    /// As they were at first.
    pub boxes: &'a [Bounds],
    /// Where they have gone since.
    pub way: Way<N>,
}

impl<const N: usize> Scene<'_, N> {
    /// The boxes as they are; those of which a part is behind the eye are left out.
    fn boxes(&self) -> impl Iterator<Item = Bounds> + Clone {
        self.boxes.iter().filter_map(|bounds| self.way.bounds(bounds))
    }
}

/// A rectangle with these shares of the height and the width, somewhere.
pub(super) fn hole(stream: &mut Stream, shares: [f32; 2], (height, width): (usize, usize)) -> Rect {
    let mut along = |side: usize, share: f32| {
        let part = (math::round_half_up(side as f32 * share) as usize).min(side);
        (part as u32, stream.index(side.saturating_sub(part) + 1) as u32)
    };
    let [h, w] = shares;
    let ((height, top), (width, left)) = (along(height, h), along(width, w));
    Rect { top, left, height, width }
}

/// The least scale with which an image of `size` covers itself when it is turned by this angle.
fn covering(degrees: f32, size: (usize, usize)) -> f32 {
    let turn = degrees * (core::f32::consts::PI / 180.0);
    let (sin, cos) = (math::abs(math::sin(turn)), math::abs(math::cos(turn)));
    // Between the outermost centres; a side of one pixel has none other, and is as good as two.
    let [h, w] = [size.0, size.1].map(|side| side.saturating_sub(1).max(1) as f32);
    // What rounding may take from it is less than a thousandth of a pixel in images of thousands.
    (cos + sin * math::max(w / h, h / w)) * 1.000_001
}

/// A part with all of `boxes` in it, each of its sides somewhere between them and the edge of the image.
fn around(stream: &mut Stream, boxes: Option<Bounds>, size: (usize, usize)) -> Rect {
    let Some(boxes) = boxes else { return Rect::whole(size) };
    let mut side = |low: f64, high: f64, side: usize| {
        // The pixels that the boxes touch, at least one.
        let last = side.saturating_sub(1);
        let low = (low.max(0.0) as usize).min(last);
        let whole = high.max(0.0) as usize;
        let high = if (whole as f64) < high { whole.saturating_add(1) } else { whole };
        let high = high.min(side).max(low + 1);
        let first = stream.index(low + 1);
        let end = high + stream.index(side.saturating_sub(high) + 1);
        (first as u32, end.saturating_sub(first) as u32)
    };
    let (top, height) = side(boxes.top, boxes.bottom, size.0);
    let (left, width) = side(boxes.left, boxes.right, size.1);
    Rect { top, left, height, width }
}

/// A part that a box overlaps with by a share that is drawn (SSD, Liu and others 2016), with the middle of a box in it, where
/// forty tries find one; the whole image otherwise, and where that is drawn.
fn overlapping<const N: usize>(
    stream: &mut Stream,
    scene: &Scene<'_, N>,
    scale: [f32; 2],
    ratio: [f32; 2],
) -> Rect {
    const LEAST: [f64; 6] = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9];
    let size = (scene.shape.0, scene.shape.1);
    let Some(&least) = LEAST.get(stream.index(LEAST.len() + 1)) else { return Rect::whole(size) };
    for _ in 0..40 {
        let [height, width] = [size.0, size.1].map(|side| {
            let part = side as f32 * stream.range(scale[0], scale[1]);
            (math::round_half_up(part) as usize).max(1).min(side)
        });
        let proportion = width as f32 / height.max(1) as f32;
        if !(proportion >= ratio[0] && proportion <= ratio[1]) {
            continue;
        }
        let (top, left) = (stream.index(size.0 - height + 1), stream.index(size.1 - width + 1));
        let part = Rect { top: top as u32, left: left as u32, height: height as u32, width: width as u32 };
        let bounds = Bounds::from(part);
        let overlaps = |one: Bounds| one.overlap(&bounds) >= least && bounds.holds(one.middle());
        if scene.boxes().any(overlaps) {
            return part;
        }
    }
    Rect::whole(size)
}

/// A rectangle with these shares of a box within one that is drawn, or of the image where none of the boxes is, if 32 tries
/// find such a place; nothing otherwise.
fn constrained<const N: usize>(
    stream: &mut Stream,
    scene: &Scene<'_, N>,
    shares: [f32; 2],
    inside: bool,
) -> Rect {
    let size = (scene.shape.0, scene.shape.1);
    if inside {
        let boxes = scene.boxes().filter_map(|one| one.visible(size, 0.0, 0.0));
        let chosen = stream.index(boxes.clone().count());
        // The pixels that lie in the box as a whole.
        let Some(room) = boxes.clone().nth(chosen).and_then(|one| one.whole_pixels()) else {
            return Rect::default();
        };
        let part = hole(stream, shares, (room.height as usize, room.width as usize));
        return Rect { top: room.top + part.top, left: room.left + part.left, ..part };
    }
    for _ in 0..32 {
        let part = hole(stream, shares, size);
        let bounds = Bounds::from(part);
        if scene.boxes().all(|one| one.shared(&bounds) <= 0.0) {
            return part;
        }
    }
    Rect::default()
}

/// A part of random area and proportions; `None` where ten did not fit.
fn part_of_area(
    stream: &mut Stream,
    scale: [f32; 2],
    ratio: [f32; 2],
    (height, width): (usize, usize),
) -> Option<Rect> {
    let area = height as f32 * width as f32;
    let logs = ratio.map(math::ln);
    for _ in 0..10 {
        let target = area * stream.range(scale[0], scale[1]);
        let proportion = math::exp(stream.range(logs[0], logs[1]));
        let w = math::round_half_up(math::sqrt(target * proportion)) as usize;
        let h = math::round_half_up(math::sqrt(target / proportion)) as usize;
        if (1..=width).contains(&w) && (1..=height).contains(&h) {
            let top = stream.index(height - h + 1) as u32;
            let left = stream.index(width - w + 1) as u32;
            return Some(Rect { top, left, height: h as u32, width: w as u32 });
        }
    }
    None
}

/// The largest middle part whose proportions are allowed, as torchvision has it.
fn middle(ratio: [f32; 2], size: (usize, usize)) -> Rect {
    let (height, width) = size;
    let proportion = width as f32 / height as f32;
    let side = |v: f32, most: usize| (math::round_half_up(v) as usize).clamp(1, most.max(1));
    let part = if proportion < ratio[0] {
        (side(width as f32 / ratio[0], height), width)
    } else if proportion > ratio[1] {
        (height, side(height as f32 * ratio[1], width))
    } else {
        size
    };
    Rect::centred(part, size)
}
