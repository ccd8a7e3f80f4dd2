//! Operations that make a pixel of those around it.

use super::*;

pub(super) fn scratch_len<T: Sample>(op: &Op, shape: Shape) -> usize {
    match *op {
        _ => 0,
    }
}

pub(super) fn make<T: Sample>(
    effect: &Effect,
    level: Level,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let _ = (level, src, dst, scratch);
    match effect.op {
        _ => Err(Error::InvalidArgument),
    }
}
