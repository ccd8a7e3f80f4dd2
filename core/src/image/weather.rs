//! Fog, rain, snow, and the sun in the lens.
//!
//! Simple models of what a camera sees. Sizes are shares of an image's smaller side, so that small and large images of a scene
//! look alike; what would be thinner than a pixel is a pixel wide, and there is less of it. The first three channels are red,
//! green and blue, and others stay; of less than three all are alike. No value leaves its range that was in it.

mod cloud;
mod drops;
mod flare;

pub use self::cloud::{fog, fog_scratch_len};
pub use self::drops::{MOST_DROPS, Rain, rain, snow};
pub use self::flare::{MOST_RINGS, sun_flare};

use super::channels::scale_channels;
use super::veil::{Falloff, dab, middle};
use super::{Rect, Sample};
use crate::error::{Error, Result};
use crate::math;
use crate::rng::Stream;
use crate::simd::Level;
use crate::view::ImageMut;

/// What is at most `reach` away from a place, along columns and rows, and has a weight.
struct Spot {
    place: [f32; 2],
    reach: [f32; 2],
    light: f32,
    tint: [f32; 3],
}

impl Spot {
    /// Paints it with the weight of each pixel that its distance right and down of the place gives.
    fn paint<T: Sample>(&self, image: &mut ImageMut<'_, T>, weight: impl Fn(f32, f32) -> f32) -> Result<()> {
        let channels = image.channels();
        let ([x, y], [across, down]) = (self.place, self.reach);
        let ((left, width), (top, height)) =
            (within(x, across, image.width()), within(y, down, image.height()));
        let part = Rect { top, left, height, width };
        for (i, row) in (0..).zip(part.of_mut(image)?.iter_rows_mut()) {
            let down = (top + i) as f32 - y;
            for (j, pixel) in (0..).zip(row.chunks_exact_mut(channels.max(1))) {
                let weight = weight((left + j) as f32 - x, down);
                if weight > 0.0 {
                    dab(pixel, weight, self.light, self.tint);
                }
            }
        }
        Ok(())
    }
}

/// The pixels of a side that are not further than `reach` from a place: the first one, and how many.
fn within(place: f32, reach: f32, side: usize) -> (u32, u32) {
    let side = u32::try_from(side).unwrap_or(u32::MAX);
    let first = (math::max(math::floor(place - reach) + 1.0, 0.0) as u32).min(side);
    let end = (math::max(math::floor(place + reach) + 1.0, 0.0) as u32).min(side);
    (first, end.saturating_sub(first))
}

#[cfg(test)]
mod tests;
