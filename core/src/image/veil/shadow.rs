//! Shadows of things that are not in the picture.

use super::*;
use crate::rng::Stream;

/// The most shadows of [`shadow`].
pub const MOST_SHADOWS: usize = 8;
/// The most corners of a shadow, and the fewest.
const CORNERS: usize = 7;
const FEWEST: u32 = 4;

/// A half-plane: how far inside of it a place lies, in pixels: x · column + y · row + offset.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    x: f32,
    y: f32,
    offset: f32,
}

/// Lays `count` shadows over the image: convex polygons in which values lose the share `strength`, and in which `softness`, a
/// share of the smaller side, at least a pixel, is how wide their edges are. Where shadows meet, the darker one is seen.
///
/// A shadow has 4 to 7 corners on an ellipse, whose middle is anywhere in the image, whose half axes are 0.15 to 0.5 of its width
/// and height, and which is turned by any angle; the corners follow each other at angles that differ from even ones by up to 0.4
/// of the angle between two. With the distance d that a place lies inside of its nearest side, its weight is d / softness + ½,
/// moved to between 0 and 1. A value becomes v − v · (`strength` · weight), in `f32`; integers are rounded half up. Channels
/// after the third stay.
///
/// For each shadow there are drawn: the number of corners, column and row of the middle, the two half axes, the angle, and
/// something for each corner.
///
/// # Errors
/// [`Error::InvalidArgument`] unless `count` ≤ [`MOST_SHADOWS`], 0 ≤ `strength` ≤ 1 and 0 ≤ `softness` ≤ 1.
pub fn shadow<T: Sample>(
    level: Level,
    count: usize,
    strength: f32,
    softness: f32,
    stream: &mut Stream,
    mut image: ImageMut<'_, T>,
) -> Result<()> {
    let shares = [strength, softness].iter().all(|share| (0.0..=1.0).contains(share));
    if !(shares && count <= MOST_SHADOWS) {
        return Err(Error::InvalidArgument);
    }
    let (height, width, channels) = image.as_ref().shape();
    let mut all = [[Side::default(); CORNERS]; MOST_SHADOWS];
    let soft = math::max(softness * height.min(width) as f32, 1.0);
    for sides in all.iter_mut().take(count) {
        draw(stream, (height, width), soft, sides);
    }
    let all = all.get(..count).unwrap_or(&[]);
    let mut weights = [0.0; BLOCK];
    for (y, row) in image.iter_rows_mut().enumerate() {
        for (i, pixels) in row.chunks_mut(BLOCK.saturating_mul(channels).max(1)).enumerate() {
            cover(level, all, [i.saturating_mul(BLOCK) as f32, y as f32], strength, &mut weights);
            T::veil(level, pixels, channels, &weights, 0.0, [1.0; 3]);
        }
    }
    Ok(())
}

/// The sides of a shadow, in widths of its edge; those that it has less than the most are passed everywhere.
fn draw(stream: &mut Stream, (height, width): (usize, usize), soft: f32, sides: &mut [Side; CORNERS]) {
    let corners = FEWEST + stream.below(CORNERS as u32 - FEWEST + 1);
    let [width, height] = [width, height].map(|side| side as f32);
    let middle = [stream.range(-0.5, width - 0.5), stream.range(-0.5, height - 0.5)];
    let axes = [stream.range(0.15, 0.5) * width, stream.range(0.15, 0.5) * height];
    let turn = core::f32::consts::TAU * stream.uniform();
    let (sin, cos) = (math::sin(turn), math::cos(turn));
    let mut corner = |i: u32| {
        let at = (i as f32 + stream.range(-0.4, 0.4)) * (core::f32::consts::TAU / corners as f32);
        let [x, y] = [math::cos(at) * axes[0], math::sin(at) * axes[1]];
        [middle[0] + (x * cos - y * sin), middle[1] + (x * sin + y * cos)]
    };
    let first = corner(0);
    let (mut from, mut number) = (first, 1);
    for side in sides {
        let to = if number < corners { corner(number) } else { first };
        *side = if number > corners { Side { offset: 1.0, ..Side::default() } } else { line(from, to, soft) };
        (from, number) = (to, number + 1);
    }
}

/// The half-plane to the right of the way between two places, where rows go down: inside of a polygon that goes round so.
fn line([x0, y0]: [f32; 2], [x1, y1]: [f32; 2], soft: f32) -> Side {
    let (across, down) = (x1 - x0, y1 - y0);
    // Two corners in one place have no line between them; it is nowhere near the polygon's inside then.
    let length = math::max(math::sqrt(across * across + down * down), 1e-6) * soft;
    let (x, y) = (-down / length, across / length);
    Side { x, y, offset: 0.5 - (x * x0 + y * y0) }
}

kernel! {
    /// The weights of the darkest shadow, times `strength`, for the pixels from the place `at` on.
    fn cover(all: &[[Side; CORNERS]], at: [f32; 2], strength: f32, to: &mut [f32; BLOCK]) = cover_body;
}

#[inline(always)]
fn cover_body(all: &[[Side; CORNERS]], [x, y]: [f32; 2], strength: f32, to: &mut [f32; BLOCK]) {
    let mut darkest = [0.0; BLOCK];
    for sides in all {
        let mut inside = [1.0; BLOCK];
        for side in sides {
            let offset = side.y * y + side.offset;
            for (i, inside) in inside.iter_mut().enumerate() {
                *inside = math::min(*inside, side.x * (x + i as i32 as f32) + offset);
            }
        }
        for (darkest, inside) in darkest.iter_mut().zip(&inside) {
            *darkest = math::max(*darkest, *inside);
        }
    }
    for (to, darkest) in to.iter_mut().zip(&darkest) {
        *to = *darkest * strength;
    }
}
