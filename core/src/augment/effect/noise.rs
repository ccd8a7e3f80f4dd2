//! What a bad camera, a bad line or bad weather adds.

use super::*;
use crate::image::{self, Rain};

pub(super) fn scratch_len(op: &Op, shape: Shape) -> usize {
    match *op {
        Op::Banding { .. } => image::banding_scratch_len(shape),
        Op::Fog { .. } => image::fog_scratch_len(shape),
        _ => 0,
    }
}

pub(super) fn change<T: Sample>(
    effect: &Effect,
    level: Level,
    image: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let ([a, b, c, d, e, ..], stream) = (effect.values, &mut effect.stream());
    match effect.op {
        Op::SaltAndPepper { .. } => image::salt_and_pepper(a, b, stream, image),
        Op::ShotNoise { .. } => image::shot_noise(level, a, stream, image),
        Op::IsoNoise { .. } => image::iso_noise(level, a, b, stream, image),
        Op::MultiplicativeNoise { factor, per_channel, elementwise } => {
            // Each factor is drawn from the range itself, not from what was drawn for all.
            image::multiplicative_noise(level, factor, per_channel, elementwise, stream, image)
        }
        Op::Speckle { .. } => image::speckle(level, a, stream, image),
        Op::Banding { upright, .. } => image::banding(level, a, b, upright, stream, image, scratch),
        Op::Vignetting { .. } => image::vignetting(level, a, [b, c], image),
        Op::Fog { .. } => image::fog(level, a, stream, image, scratch),
        Op::Rain { .. } => {
            let rain = Rain { drops: a, length: b, degrees: c, brightness: d, darkness: e };
            image::rain(level, &rain, stream, image)
        }
        Op::Snow { .. } => image::snow(level, a, [b, c, d], stream, image),
        Op::SunFlare { rings, .. } => image::sun_flare(level, a, b, [c, d], rings as usize, stream, image),
        Op::Shadow { .. } => image::shadow(level, a as usize, b, c, stream, image),
        _ => Err(Error::InvalidArgument),
    }
}
