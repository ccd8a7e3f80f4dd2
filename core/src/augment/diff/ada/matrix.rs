//! Products of affine maps, of places in a plane and of colours.

use crate::math;

/// An affine map of so many numbers: for each new one the weights of the old ones, and what is added.
pub(super) type Rows<const N: usize, const M: usize> = [[f32; M]; N];
/// Of places: x and y.
pub(super) type Plane = Rows<2, 3>;
/// Of red, green and blue.
pub(super) type Colour = Rows<3, 4>;

pub(super) const PLANE: Plane = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
pub(super) const COLOUR: Colour = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];

/// The map that does `first` and then `second`. Weighted rows are added in their order.
pub(super) fn product<const N: usize, const M: usize>(second: Rows<N, M>, first: Rows<N, M>) -> Rows<N, M> {
    let mut all = [[0f32; M]; N];
    for (to, by) in all.iter_mut().zip(second) {
        for (row, weight) in first.iter().zip(by) {
            for (to, v) in to.iter_mut().zip(row) {
                *to += weight * v;
            }
        }
        // What the second one adds is after its weights.
        if let (Some(to), Some(add)) = (to.last_mut(), by.last()) {
            *to += add;
        }
    }
    all
}

/// The map that takes from (x, y) further on.
pub(super) const fn shifted(x: f32, y: f32) -> Plane {
    [[1.0, 0.0, x], [0.0, 1.0, y]]
}

/// The map that stretches.
pub(super) const fn scaled(x: f32, y: f32) -> Plane {
    [[x, 0.0, 0.0], [0.0, y, 0.0]]
}

/// The map that rotates by so many radians.
pub(super) fn rotated(angle: f32) -> Plane {
    let (sin, cos) = (math::sin(angle), math::cos(angle));
    [[cos, -sin, 0.0], [sin, cos, 0.0]]
}

/// The same by quarter turns, without rounding.
pub(super) const fn turned(quarters: u32) -> Plane {
    let (sin, cos) = match quarters % 4 {
        0 => (0.0, 1.0),
        1 => (1.0, 0.0),
        2 => (0.0, -1.0),
        _ => (-1.0, 0.0),
    };
    [[cos, -sin, 0.0], [sin, cos, 0.0]]
}

/// Adds to all colours.
pub(super) const fn brighter(by: f32) -> Colour {
    [[1.0, 0.0, 0.0, by], [0.0, 1.0, 0.0, by], [0.0, 0.0, 1.0, by]]
}

/// What is equal and what is different in two colours, and between a colour and the next one round.
const fn round(own: f32, next: f32, last: f32) -> Colour {
    [[own, next, last, 0.0], [last, own, next, 0.0], [next, last, own, 0.0]]
}

/// Multiplies all colours.
pub(super) const fn stronger(by: f32) -> Colour {
    round(by, 0.0, 0.0)
}

/// The part of a colour along the axis of grey turned about, I − 2·v·vᵀ for v = (1, 1, 1)/√3 (Householder).
pub(super) const fn luma_flipped() -> Colour {
    round(1.0 / 3.0, -2.0 / 3.0, -2.0 / 3.0)
}

/// Colours rotated about the axis of grey (Rodrigues).
pub(super) fn hue_rotated(angle: f32) -> Colour {
    let (sin, cos) = (math::sin(angle), math::cos(angle));
    let (along, across) = ((1.0 - cos) / 3.0, sin / math::sqrt(3.0));
    round(along + cos, along - across, along + across)
}

/// What of a colour is not along the axis of grey multiplied.
pub(super) const fn saturated(by: f32) -> Colour {
    let grey = (1.0 - by) / 3.0;
    round(grey + by, grey, grey)
}
