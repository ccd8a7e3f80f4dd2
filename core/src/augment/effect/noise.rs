//! What a bad camera, a bad line or bad weather adds.

use super::*;
use crate::image;

pub(super) fn scratch_len<T: Sample>(op: &Op, shape: Shape) -> usize {
    match *op {
        _ => 0,
    }
}

pub(super) fn change<T: Sample>(
    effect: &Effect,
    level: Level,
    image: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let _ = (level, scratch);
    let [a, b, ..] = effect.values;
    match effect.op {
        Op::SaltAndPepper { .. } => image::salt_and_pepper(a, b, &mut effect.stream(), image),
        _ => Err(Error::InvalidArgument),
    }
}
