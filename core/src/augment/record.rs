//! Whether a record is one that its step can have drawn.

use super::draw::{Drawn, MOST_RANGES};
use super::field::Value;
use super::op::Op;
use super::pipeline::{Shape, Step};
use crate::error::{Error, Result};
use crate::image::{Adjust, Jitter, Motion, Rect};
use crate::math;

impl Step {
    /// Refuses what this step cannot have drawn for an image of `shape`.
    pub(super) fn check(&self, drawn: Drawn, shape: Shape) -> Result<()> {
        let possible = match drawn {
            Drawn::Skipped => self.p < 1.0,
            _ => self.p > 0.0 && self.drew(drawn, shape)?,
        };
        if possible { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    fn drew(&self, drawn: Drawn, shape: Shape) -> Result<bool> {
        let from = (shape.0, shape.1);
        let part = |part: Rect| {
            let inside =
                |start: u32, part: u32, side: usize| u64::from(start) + u64::from(part) <= side as u64;
            inside(part.top, part.height, from.0) && inside(part.left, part.width, from.1)
        };
        let full = |rect: Rect| part(rect) && rect.height > 0 && rect.width > 0;
        Ok(match (self.op, drawn) {
            (Op::Rot90 {}, Drawn::Turns(turns)) => turns < 4 && (turns % 2 == 0 || from.0 == from.1),
            (Op::D4 {}, Drawn::Turns(turns)) => turns < 8 && (turns % 2 == 0 || from.0 == from.1),
            (Op::RandomCrop { padding, .. }, Drawn::Place { top, left }) => {
                let to = self.out_shape(shape)?;
                let fits = |start: i32, part: usize, side: usize| {
                    let (start, padding) = (i64::from(start), i64::from(padding));
                    start >= -padding && start + part as i64 <= side as i64 + padding
                };
                fits(top, to.0, from.0) && fits(left, to.1, from.1)
            }
            (
                Op::RandomResizedCrop { .. } | Op::BoxSafeCrop { .. } | Op::RandomIouCrop { .. },
                Drawn::Part(rect),
            ) => full(rect),
            (Op::Cutout { .. } | Op::ConstrainedCutout { .. } | Op::ZoomOut { .. }, Drawn::Part(rect)) => {
                part(rect)
            }
            (Op::RandomErasing { .. }, Drawn::Erased { part: rect, .. }) => part(rect),
            (Op::Rotate { degrees, .. } | Op::RotateInside { degrees, .. }, Drawn::Motion(motion)) => {
                let inside = matches!(self.op, Op::RotateInside { .. });
                let scaled = if inside {
                    motion.scale >= 1.0 && motion.scale.is_finite()
                } else {
                    motion.scale == 1.0
                };
                within(degrees, motion.degrees)
                    && scaled
                    && motion.shear == [0.0; 2]
                    && motion.shift == [0.0; 2]
            }
            (
                Op::ShiftScaleShear { shift_x, shift_y, scale, shear_x, shear_y, .. },
                Drawn::Motion(motion),
            ) => {
                let Motion { degrees, scale: drawn, shear, shift } = motion;
                let shifted = |range: [f32; 2], side: usize| range.map(|share| share * side as f32);
                degrees == 0.0
                    && within(scale, drawn)
                    && within(shear_x, shear[0])
                    && within(shear_y, shear[1])
                    && within(shifted(shift_x, from.1), shift[0])
                    && within(shifted(shift_y, from.0), shift[1])
            }
            (Op::Perspective { shift: [_, most], .. }, Drawn::Corners(corners)) => {
                let [bottom, right] = [from.0, from.1].map(|side| side.saturating_sub(1).max(1) as f32);
                let places = [[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]];
                let near = |place: f32, side: f32, drawn: f32| {
                    within([place - most * side, place + most * side], drawn)
                };
                corners
                    .iter()
                    .zip(places)
                    .all(|(&[x, y], [px, py])| near(px, right, x) && near(py, bottom, y))
            }
            (
                Op::Brightness { factor: range }
                | Op::Contrast { factor: range }
                | Op::Solarise { threshold: range }
                | Op::Gamma { gamma: range }
                | Op::GaussianBlur { sigma: range },
                Drawn::Amount(v),
            ) => within(range, v),
            (Op::GaussianNoise { std }, Drawn::Noise { std: v, .. }) => within(std, v),
            (Op::HsvShift { hue, saturation, value }, Drawn::Amounts([h, s, v])) => {
                within(hue, h) && within(saturation, s) && within(value, v)
            }
            (Op::ToneCurve { low, high }, Drawn::Amounts([l, h, rest])) => {
                within(low, l) && within(high, h) && rest == 0.0
            }
            (Op::CoarseDropout { holes, .. }, Drawn::Holes { count, .. }) => {
                within(holes.map(math::floor), f32::from(count))
            }
            (Op::ColourJitter { brightness, contrast, saturation, hue }, Drawn::Jitter(Jitter(steps))) => {
                let mut seen = [false; 4];
                let right = steps.iter().all(|step| match *step {
                    Adjust::Brightness(v) => within(brightness, v),
                    Adjust::Contrast(v) => within(contrast, v),
                    Adjust::Saturation(v) => within(saturation, v),
                    Adjust::Hue(v) => within(hue, v),
                });
                for step in steps {
                    let [b, c, s, h] = &mut seen;
                    *match step {
                        Adjust::Brightness(_) => b,
                        Adjust::Contrast(_) => c,
                        Adjust::Saturation(_) => s,
                        Adjust::Hue(_) => h,
                    } = true;
                }
                right && seen == [true; 4]
            }
            (Op::SomeOf { members, least, most, any_order }, Drawn::Members(drawn)) => {
                let count = drawn.iter().count();
                let set = drawn.iter().fold(0u32, |set, member| set | 1 << member);
                let rising = || drawn.iter().zip(drawn.iter().skip(1)).all(|(a, b)| a < b);
                (least as usize..=most as usize).contains(&count)
                    && set.count_ones() as usize == count
                    && drawn.iter().all(|member| member < members as usize)
                    && (any_order || rising())
            }
            (op, Drawn::Choices(choices)) => !matches!(op, Op::Augmix { .. }) && choices.fit(&op),
            (op, Drawn::Mixture(mixture)) => mixture.fits(&op),
            (op, Drawn::Values { values, .. }) => op.is_plain() && op.ranges_hold(&values),
            (op, Drawn::Done) => op.draws_nothing(),
            _ => false,
        })
    }
}

/// Whether a number lies in a range that it was drawn from; a draw may round past the ends by a little.
fn within([low, high]: [f32; 2], v: f32) -> bool {
    let room = (math::abs(low) + math::abs(high)) * 1e-6;
    let least = if low >= 0.0 { math::max(low - room, 0.0) } else { low - room };
    // False for NaN.
    v >= least && v <= high + room
}

impl Op {
    /// Whether each of the ranges of a plain operation has its value among `values`, and there are zeros after them.
    fn ranges_hold(&self, values: &[f32; MOST_RANGES]) -> bool {
        let (mut right, mut values) = (true, values.iter().copied());
        self.for_each_value(|value| {
            if let Value::Range(range) = value {
                right &= values.next().is_some_and(|v| within(range, v));
            }
        });
        right && values.all(|v| v == 0.0)
    }

    /// Whether there is nothing more to draw than that the step happens.
    pub(super) const fn draws_nothing(&self) -> bool {
        matches!(
            self,
            Op::HFlip {}
                | Op::VFlip {}
                | Op::Transpose {}
                | Op::CentreCrop { .. }
                | Op::Resize { .. }
                | Op::LongestSide { .. }
                | Op::SmallestSide { .. }
                | Op::Letterbox { .. }
                | Op::Greyscale {}
                | Op::Pad { .. }
                | Op::Invert {}
                | Op::Posterise { .. }
                | Op::BoxBlur { .. }
        )
    }
}
