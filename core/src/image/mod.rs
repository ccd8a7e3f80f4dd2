//! Images: resampling, geometry, point and neighbourhood operations on borrowed views.
//!
//! Everything here takes an [`ImageRef`](crate::ImageRef) and writes an
//! [`ImageMut`](crate::ImageMut) of the caller's, for any number of channels, and is a pure function of its
//! arguments: 8-bit operations are integer or have their order of `f32` operations written down, so every
//! processor makes the same bytes. The random choice of parameters is in [`crate::augment`], not here.
//!
//! A pixel's centre lies at its index: the image spans −½ to width − ½.

mod blur;
mod border;
mod erase;
mod filter;
mod geometry;
mod noise;
mod point;
mod resize;
mod warp;

pub use blur::{MAX_SIGMA, blur_scratch_len, gaussian_blur};
pub use border::Border;
pub use erase::{Rect, cutout};
pub use filter::Filter;
pub use geometry::{copy, hflip, pad, rot90, rot180, rot270, vflip};
pub use noise::gaussian_noise;
pub use point::{Table, grey_to_rgb, normalise, rgb_to_grey};
pub use resize::{Fit, Placement, ResizePlan};
pub use warp::{Affine, Motion, warp_affine};

use crate::error::{Error, Result};

/// [`Error::ShapeMismatch`] unless the two are equal.
fn same<T: PartialEq>(a: T, b: T) -> Result<()> {
    if a == b { Ok(()) } else { Err(Error::ShapeMismatch) }
}

#[cfg(test)]
mod strided;
#[cfg(test)]
pub(crate) mod testing;
