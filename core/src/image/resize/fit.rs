//! Where the content of an image of one shape goes in one of another, and sizes in proportion.

use crate::error::{Error, Result};
use crate::image::Rect;

/// How an image is brought to another shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Fit {
    /// Each axis by itself; the proportions change.
    #[default]
    Stretch,
    /// The whole image in the middle of the target, the rest a margin.
    Contain,
    /// The largest middle part of the image that has the target's proportions.
    Cover,
}

/// A rectangle of the source that goes into a rectangle of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The part of the source.
    pub source: Rect,
    /// The part of the target that it fills.
    pub target: Rect,
}

impl Fit {
    /// All of them.
    pub const ALL: [Fit; 3] = [Fit::Stretch, Fit::Contain, Fit::Cover];

    /// `stretch`, `contain` or `cover`.
    pub const fn name(self) -> &'static str {
        match self {
            Fit::Stretch => "stretch",
            Fit::Contain => "contain",
            Fit::Cover => "cover",
        }
    }

    /// Which part of an image of size `from` = (height, width) goes where in one of size `to`. Sides are
    /// rounded to the nearest whole pixel and are at least 1; middles are rounded up and left.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where a side is 0, [`Error::Overflow`] where a side is not below 2³².
    pub fn placement(self, from: (usize, usize), to: (usize, usize)) -> Result<Placement> {
        if from.0 == 0 || from.1 == 0 || to.0 == 0 || to.1 == 0 {
            return Err(Error::InvalidArgument);
        }
        if [from.0, from.1, to.0, to.1].iter().any(|&side| u32::try_from(side).is_err()) {
            return Err(Error::Overflow);
        }
        let whole = Placement { source: Rect::whole(from), target: Rect::whole(to) };
        Ok(match self {
            Fit::Stretch => whole,
            Fit::Contain => Placement { target: Rect::centred(largest(from, to), to), ..whole },
            Fit::Cover => Placement { source: Rect::centred(largest(to, from), from), ..whole },
        })
    }
}

/// (height, width) of an image of `size` when its longest side has become `side`: the other one in proportion, rounded half
/// up, at least 1.
pub fn longest_side(size: (usize, usize), side: usize) -> (usize, usize) {
    scaled(size, side, size.0.max(size.1))
}

/// [`longest_side`] for the smallest side.
pub fn smallest_side(size: (usize, usize), side: usize) -> (usize, usize) {
    scaled(size, side, size.0.min(size.1))
}

fn scaled(size: (usize, usize), to: usize, from: usize) -> (usize, usize) {
    let of = |side: usize| {
        let whole = (side as u128 * to as u128 + from as u128 / 2).checked_div(from as u128).unwrap_or(0);
        usize::try_from(whole).unwrap_or(usize::MAX).max(1)
    };
    (of(size.0), of(size.1))
}

/// The largest size of the proportions of `shape` that fits into `room`; all sides are below 2³².
fn largest(shape: (usize, usize), room: (usize, usize)) -> (usize, usize) {
    let [h, w, room_h, room_w] = [shape.0, shape.1, room.0, room.1].map(|side| side as u64);
    // a · b / c, halves upwards; products of two sides fit 64 bits.
    let ratio = |a: u64, b: u64, c: u64| (a * b + c / 2).checked_div(c).unwrap_or(0).max(1);
    if h * room_w >= w * room_h {
        (room_h as usize, ratio(w, room_h, h).min(room_w) as usize)
    } else {
        (ratio(h, room_w, w).min(room_h) as usize, room_w as usize)
    }
}
