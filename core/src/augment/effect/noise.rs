//! What a bad camera, a bad line or bad weather adds.

use super::*;
use crate::image;

pub(super) fn change<T: Sample>(effect: &Effect, image: ImageMut<'_, T>) -> Result<()> {
    let [a, b, ..] = effect.values;
    match effect.op {
        Op::SaltAndPepper { .. } => image::salt_and_pepper(a, b, &mut effect.stream(), image),
        _ => Err(Error::InvalidArgument),
    }
}
