//! Operations on values and colours.

use super::*;
use crate::image;

pub(super) fn scratch_len<T: Sample>(op: &Op, shape: Shape) -> usize {
    match *op {
        Op::Equalise {} | Op::Autocontrast { .. } => image::equalise_scratch_len::<T>(),
        Op::Clahe { tiles, .. } => image::clahe_scratch_len::<T>(tiles, shape),
        _ => 0,
    }
}

pub(super) fn change<T: Sample>(
    effect: &Effect,
    level: Level,
    image: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let [a, b, c, ..] = effect.values;
    match effect.op {
        Op::ChannelShuffle {} => {
            image::shuffle_channels(&mut effect.stream(), image);
            Ok(())
        }
        Op::RgbShift { .. } => image::scale_channels(level, [1.0; 3], [a, b, c].map(|v| v / 255.0), image),
        Op::Equalise {} => image::equalise(level, image, scratch),
        Op::Autocontrast { .. } => image::autocontrast(level, [a; 2], image, scratch),
        Op::Clahe { tiles, .. } => image::clahe(level, a, tiles, image, scratch),
        Op::ChannelDrop { channels, fill } => {
            image::drop_channels(channels, T::of_level(fill as u8), &mut effect.stream(), image);
            Ok(())
        }
        Op::Sepia { .. } => image::sepia(level, a, image),
        Op::PlanckianJitter { .. } => image::planckian_jitter(level, a, image),
        Op::FancyPca { .. } => image::fancy_pca(level, a, &mut effect.stream(), image),
        _ => Err(Error::InvalidArgument),
    }
}
