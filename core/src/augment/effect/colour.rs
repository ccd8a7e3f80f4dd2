//! Operations on values and colours.

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
    let [a, b, c, ..] = effect.values;
    match effect.op {
        Op::ChannelShuffle {} => {
            image::shuffle_channels(&mut effect.stream(), image);
            Ok(())
        }
        Op::RgbShift { .. } => image::scale_channels(level, [1.0; 3], [a, b, c].map(|v| v / 255.0), image),
        _ => Err(Error::InvalidArgument),
    }
}
