//! Operations that hide parts.

use super::*;
use crate::image;
use crate::math;

pub(super) fn change<T: Sample>(effect: &Effect, image: ImageMut<'_, T>) -> Result<()> {
    let [a, b, c, d, ..] = effect.values;
    let (height, width) = (image.height() as f32, image.width() as f32);
    match effect.op {
        Op::PixelDropout { fill, .. } => {
            image::pixel_dropout(a, T::of_level(fill as u8), &mut effect.stream(), image)
        }
        Op::GridDropout { fill, .. } => {
            let unit = math::round_half_up(math::min(height, width) * a) as usize;
            image::grid_dropout(unit.max(2), b, T::of_level(fill as u8), &mut effect.stream(), image)
        }
        Op::XyMasking { fill, .. } => {
            let (fill, mut stream) = (T::of_level(fill as u8), effect.stream());
            let mut image = image;
            image::stripes(a as usize, true, [0.0, c * width], fill, &mut stream, image.reborrow())?;
            image::stripes(b as usize, false, [0.0, d * height], fill, &mut stream, image)
        }
        _ => Err(Error::InvalidArgument),
    }
}
