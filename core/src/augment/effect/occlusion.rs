//! Operations that hide parts.

use super::*;
use crate::image;

pub(super) fn change<T: Sample>(effect: &Effect, image: ImageMut<'_, T>) -> Result<()> {
    let [a, ..] = effect.values;
    match effect.op {
        Op::PixelDropout { fill, .. } => {
            image::pixel_dropout(a, T::of_level(fill as u8), &mut effect.stream(), image)
        }
        _ => Err(Error::InvalidArgument),
    }
}
