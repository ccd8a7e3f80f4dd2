//! Operations that make a pixel of those around it.

use super::*;
use crate::image;

pub(super) fn scratch_len<T: Sample>(op: &Op, shape: Shape) -> usize {
    match *op {
        Op::MedianBlur { radius } => image::median_scratch_len::<T>(radius as usize, shape),
        Op::MotionBlur { length: [_, most], .. } => image::motion_scratch_len::<T>(most, shape),
        Op::Defocus { radius: [_, most] } => image::defocus_scratch_len::<T>(most, shape),
        Op::ZoomBlur { .. } => image::zoom_scratch_len::<T>(shape),
        Op::GlassBlur { sigma: [_, most], .. } => image::glass_scratch_len::<T>(most, shape),
        Op::Sharpen { .. } => image::sharpen_scratch_len::<T>(shape),
        Op::UnsharpMask { sigma: [_, most], .. } => image::unsharp_scratch_len::<T>(most, shape),
        Op::Emboss { .. } => image::emboss_scratch_len::<T>(shape),
        Op::Bilateral { radius, .. } => image::bilateral_scratch_len(radius as usize, shape),
        Op::Erode { radius } | Op::Dilate { radius } => {
            image::extremes_scratch_len::<T>(radius as usize, shape)
        }
        Op::Downscale { scale, down, up } => image::downscale_scratch_len::<T>(scale, down, up, shape),
        Op::ChromaticAberration { .. } => image::aberration_scratch_len::<T>(shape),
        Op::Ringing { radius, .. } => image::ringing_scratch_len::<T>(radius as usize, shape),
        Op::Jpeg { .. } => image::jpeg_scratch_len::<T>(shape),
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
    let [a, b, c, ..] = effect.values;
    match effect.op {
        Op::MedianBlur { radius } => image::median_blur(level, radius as usize, src, dst, scratch),
        Op::MotionBlur { .. } => image::motion_blur(level, a, b, src, dst, scratch),
        Op::Defocus { .. } => image::defocus(level, a, src, dst, scratch),
        Op::ZoomBlur { views, .. } => image::zoom_blur(level, a, views as usize, src, dst, scratch),
        Op::GlassBlur { radius, rounds, .. } => {
            let (radius, rounds, mut stream) = (radius as usize, rounds as usize, effect.stream());
            image::glass_blur(level, a, radius, rounds, &mut stream, src, dst, scratch)
        }
        Op::Sharpen { .. } => image::sharpen(level, a, src, dst, scratch),
        Op::UnsharpMask { .. } => image::unsharp_mask(level, a, b, c, src, dst, scratch),
        Op::Emboss { .. } => image::emboss(level, a, b, c, src, dst, scratch),
        Op::Bilateral { radius, .. } => image::bilateral(level, radius as usize, a, b, src, dst, scratch),
        Op::Erode { radius } => image::erode(level, radius as usize, src, dst, scratch),
        Op::Dilate { radius } => image::dilate(level, radius as usize, src, dst, scratch),
        Op::Downscale { down, up, .. } => image::downscale(level, a, down, up, src, dst, scratch),
        Op::ChromaticAberration { .. } => image::chromatic_aberration(level, a, b, src, dst, scratch),
        Op::Ringing { radius, .. } => image::ringing(level, a, radius as usize, src, dst, scratch),
        Op::Jpeg { chroma, .. } => image::jpeg(level, (a + 0.5) as u32, chroma, src, dst, scratch),
        _ => Err(Error::InvalidArgument),
    }
}
