//! Which rectangle of an image is kept: crops at the corners and in the middle, the largest one inside a turned image, and
//! the output that shows all of a moved image. They are cut out by [`Rect::of`].

use super::target::Movement;
use super::{Affine, Bounds, Motion, Rect};
use crate::error::{Error, Result};
use crate::math;

impl Rect {
    /// The rectangles of `size` in the corners and in the middle of `room`, both (height, width): top left, top right, bottom
    /// left, bottom right, centre. Where `size` is larger than the room they reach out of it, which [`Rect::of`] refuses.
    ///
    /// A ten-crop is these of the image and then the same ones of its mirror image: mirror the whole image
    /// ([`hflip`](super::hflip)) and cut again.
    pub fn five(size: (usize, usize), room: (usize, usize)) -> [Self; 5] {
        let (inner, outer) = (Self::whole(size), Self::whole(room));
        let bottom = outer.height.saturating_sub(inner.height);
        let right = outer.width.saturating_sub(inner.width);
        let at = |top, left| Self { top, left, ..inner };
        [at(0, 0), at(0, right), at(bottom, 0), at(bottom, right), Self::centred(size, room)]
    }

    /// The largest rectangle, by area, of an image of `size` = (height, width) that shows nothing from outside after the image
    /// was turned about its middle by `degrees` ([`Motion`]) and sampled bilinearly. It lies exactly in the middle, so that
    /// its sides are of the image's own parity; small images may have none, and its sides are 0 then.
    pub fn inscribed(size: (usize, usize), degrees: f32) -> Self {
        const RADIANS: f32 = core::f32::consts::PI / 180.0;
        let turn = degrees * RADIANS;
        let [sin, cos] = [math::sin(turn), math::cos(turn)].map(|v| math::abs(v) as f64);
        if size.0 == 0 || size.1 == 0 || !(sin + cos).is_finite() {
            return Self::default();
        }
        // The angles of a right turn as `f32` has them.
        let [sin, cos] = [sin, cos].map(|v| if v < 1e-6 { 0.0 } else { v });
        // From the first pixel's centre to the last one's.
        let (height, width) = (size.0 as f64 - 1.0, size.1 as f64 - 1.0);
        let (long, short) = if width > height { (width, height) } else { (height, width) };
        let across = if short <= 2.0 * sin * cos * long || sin == cos {
            // Two corners touch the long sides, in their middle.
            let half = 0.5 * short;
            if width > height { half / sin } else { half / cos }
        } else {
            (width * cos - height * sin) / (cos * cos - sin * sin)
        };
        // What is left of one side by the other: along x width ≥ across · cos + down · sin, along y likewise.
        let room = |used: f64, most: f64, [a, b]: [f64; 2]| {
            let rest = |whole: f64, used_by: f64, by: f64| {
                if by > 0.0 { (whole - used * used_by) / by } else { f64::INFINITY }
            };
            least(most, least(rest(width, a, b), rest(height, b, a)))
        };
        // The image may be too small to show all of it; then the other side has more room.
        let down = room(least(across, width), height, [cos, sin]);
        let across = room(down, width, [sin, cos]);
        // Numbers of 32 bits place pixels to this.
        let slack = if sin > 0.0 && cos > 0.0 { -1e-3 } else { 1e-6 };
        let pixels = |reach: f64, side: usize| {
            let pixels = if reach + slack < 0.0 { 0 } else { (reach + slack) as usize + 1 };
            // Half a pixel off the middle is outside on one side.
            pixels - (pixels ^ side) % 2 * usize::from(pixels > 0)
        };
        match (pixels(down, size.0), pixels(across, size.1)) {
            (0, _) | (_, 0) => Self::default(),
            inner => Self::centred(inner, size),
        }
    }
}

/// The smaller number.
fn least(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

impl Motion {
    /// The inverse map and the size (height, width) of the smallest output that shows all of an image of `size` after this
    /// motion. Its pixels are those of the image's own grid, which for turns alone is torchvision's `expand=True`. A thousandth
    /// of a pixel may be cut off.
    ///
    /// # Errors
    /// As [`Motion::inverse`]; [`Error::Overflow`] where a side is not below 2³¹.
    pub fn expanded(&self, size: (usize, usize)) -> Result<(Affine, (usize, usize))> {
        let map = self.inverse(size)?;
        let image = Bounds { left: 0.0, top: 0.0, right: size.1 as f64, bottom: size.0 as f64 };
        let [left, top, right, bottom] =
            Movement::of(map)?.bounds(&image).ok_or(Error::InvalidArgument)?.xyxy();
        const LIMIT: f64 = 1_073_741_824.0;
        if ![left, top, right, bottom].iter().all(|v| -LIMIT < *v && *v < LIMIT) {
            return Err(Error::Overflow);
        }
        let down = |v: f64| v as i64 - i64::from((v as i64 as f64) > v);
        let up = |v: f64| -down(-v);
        let (left, top) = (down(left + 1e-3), down(top + 1e-3));
        let (right, bottom) = (up(right - 1e-3).max(left), up(bottom - 1e-3).max(top));
        Ok((map.then(&Affine::crop(top, left)), ((bottom - top) as usize, (right - left) as usize)))
    }
}

#[cfg(test)]
mod tests;
