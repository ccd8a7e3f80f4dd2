//! How the pictures of a batch lie.

use crate::error::{Error, Result};
use crate::nn::rows;

/// The longest side that is served: places between pixels are known to a few hundredths of a pixel then, as `f32` has them, and
/// the better the smaller pictures are.
pub const MOST_SIDE: usize = 1 << 15;

/// Size of the pictures of a batch, which lie one after the other, and the order of their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// Rows, from 1 to [`MOST_SIDE`].
    pub height: usize,
    /// Columns, likewise.
    pub width: usize,
    /// Channels, at least 1.
    pub channels: usize,
    /// Channels × height × width, as PyTorch has it, instead of height × width × channels, as [`crate::nn`] has it. Of one
    /// channel both are the same.
    pub planes: bool,
}

impl Pictures {
    /// Height × width × channels, the pictures of [`crate::nn`].
    pub const fn interleaved(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels, planes: false }
    }

    /// Channels × height × width, the pictures of PyTorch.
    pub const fn planes(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels, planes: true }
    }

    /// Values of a picture.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a side or a number of channels out of range, [`Error::Overflow`].
    pub fn len(&self) -> Result<usize> {
        let sides = 1..=MOST_SIDE;
        if !sides.contains(&self.height) || !sides.contains(&self.width) || self.channels == 0 {
            return Err(Error::InvalidArgument);
        }
        let places = self.height.checked_mul(self.width);
        places.and_then(|places| places.checked_mul(self.channels)).ok_or(Error::Overflow)
    }

    /// Whether there are no values; such pictures are refused wherever one is asked for.
    pub const fn is_empty(&self) -> bool {
        self.height == 0 || self.width == 0 || self.channels == 0
    }

    /// Values of a picture, where a batch of so many has `x` and `out`.
    pub(super) fn check(&self, pictures: usize, x: &[f32], out: &[f32]) -> Result<usize> {
        let len = self.len()?;
        let fits = pictures.checked_mul(len) == Some(x.len()) && x.len() == out.len();
        if fits { Ok(len) } else { Err(Error::ShapeMismatch) }
    }

    /// Whether planes of several channels are to be brought together before work that wants pixels.
    pub(super) const fn apart(&self) -> bool {
        self.planes && self.channels > 1
    }

    /// Values from one pixel to the next, and those of a row of them.
    pub(super) const fn steps(&self) -> (usize, usize) {
        let step = if self.planes { 1 } else { self.channels };
        (step, self.width.saturating_mul(step))
    }
}

/// Planes to pixels.
pub(super) fn join(of: &Pictures, from: &[f32], to: &mut [f32]) {
    let plane = from.len().checked_div(of.channels).unwrap_or(0);
    let mut planes = rows::of(from, plane);
    if let (3, Some(r), Some(g), Some(b)) = (of.channels, planes.next(), planes.next(), planes.next()) {
        for (((to, r), g), b) in to.as_chunks_mut::<3>().0.iter_mut().zip(r).zip(g).zip(b) {
            *to = [*r, *g, *b];
        }
        return;
    }
    for (c, plane) in rows::of(from, plane).enumerate() {
        for (pixel, v) in rows::of_mut(to, of.channels).zip(plane) {
            pixel.iter_mut().skip(c).take(1).for_each(|to| *to = *v);
        }
    }
}

/// Pixels to planes.
pub(super) fn part(of: &Pictures, from: &[f32], to: &mut [f32]) {
    let plane = to.len().checked_div(of.channels).unwrap_or(0);
    if of.channels == 3 {
        let (r, rest) = to.split_at_mut_checked(plane).unwrap_or_default();
        let (g, b) = rest.split_at_mut_checked(plane).unwrap_or_default();
        for ((([x, y, z], r), g), b) in from.as_chunks::<3>().0.iter().zip(r).zip(g).zip(b) {
            (*r, *g, *b) = (*x, *y, *z);
        }
        return;
    }
    for (c, plane) in rows::of_mut(to, plane).enumerate() {
        for (to, pixel) in plane.iter_mut().zip(rows::of(from, of.channels)) {
            pixel.iter().skip(c).take(1).for_each(|v| *to = *v);
        }
    }
}
