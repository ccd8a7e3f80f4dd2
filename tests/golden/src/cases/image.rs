//! Floor 2: images.

use super::{fill_u8, stream};
use crate::Digest;
use seedbed::image::{
    self, Adjust, Border, Filter, Interpolation, Jitter, Motion, Perspective, ResizePlan, Table, Tone,
    blur_scratch_len, gaussian_blur, gaussian_noise, hsv_shift, normalise, rgb_to_grey,
};
use seedbed::{ImageMut, ImageRef, Level, Result, Scratch};

/// Height and width of the images here.
const SIZE: (usize, usize) = (13, 19);
/// Values of an image of three channels.
const LEN: usize = SIZE.0 * SIZE.1 * 3;

/// Each filter, enlarging and reducing, for one, three and four channels.
pub(super) fn resize(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    for filter in Filter::ALL {
        for (channels, to) in [(1, (5, 7)), (3, (29, 40)), (4, (8, 33))] {
            let mut frame = scratch.frame();
            let src = frame.take::<u8>(SIZE.0 * SIZE.1 * channels)?;
            let dst = frame.take::<u8>(to.0 * to.1 * channels)?;
            fill_u8(1, src);
            let plan = ResizePlan::new(filter, SIZE, to, &mut frame)?;
            let src = ImageRef::new(src, SIZE.0, SIZE.1, channels)?;
            plan.run(level, src, ImageMut::new(dst, to.0, to.1, channels)?, &mut frame)?;
            digest.bytes(dst);
        }
    }
    Ok(digest.finish())
}

/// Maps with each border.
pub(super) fn warp(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let (src, dst) = (scratch.take::<u8>(LEN)?, scratch.take::<u8>(LEN)?);
    fill_u8(2, src);
    let src = ImageRef::new(src, SIZE.0, SIZE.1, 3)?;
    let motion = Motion { degrees: 33.0, scale: 1.3, shear: [5.0, -11.0], shift: [2.25, -1.5] };
    for border in [Border::Constant(77), Border::Edge, Border::Reflect101, Border::Reflect, Border::Wrap] {
        let map = motion.inverse(SIZE)?;
        image::warp(
            level,
            map,
            Interpolation::Bilinear,
            border,
            src,
            ImageMut::new(dst, SIZE.0, SIZE.1, 3)?,
        )?;
        digest.bytes(dst);
    }
    Ok(digest.finish())
}

/// What moves pixels without changing them.
pub(super) fn geometry(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let (data, dst) = (scratch.take::<u8>(LEN)?, scratch.take::<u8>(2 * LEN)?);
    fill_u8(3, data);
    let src = ImageRef::new(data, SIZE.0, SIZE.1, 3)?;
    type Move = fn(Level, ImageRef<'_, u8>, ImageMut<'_, u8>) -> Result<()>;
    let moves: [(Move, bool); 5] = [
        (image::hflip, false),
        (|_, src, dst| image::vflip(src, dst), false),
        (image::rot90, true),
        (image::rot180, false),
        (image::rot270, true),
    ];
    for (run, turns) in moves {
        let (height, width) = if turns { (SIZE.1, SIZE.0) } else { SIZE };
        run(level, src, ImageMut::new(dst, height, width, 3)?)?;
        digest.bytes(dst.get(..LEN).unwrap_or(&[]));
    }
    for border in [Border::Constant(9), Border::Edge, Border::Reflect101, Border::Reflect, Border::Wrap] {
        let (height, width) = (SIZE.0 + 4, SIZE.1 + 3);
        image::pad(src, ImageMut::new(dst, height, width, 3)?, 3, 1, border)?;
        digest.bytes(dst.get(..height * width * 3).unwrap_or(&[]));
    }
    Ok(digest.finish())
}

/// Colours, tones, tilted views and the wider values of resizing and warps.
pub(super) fn wide(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let data = scratch.take::<u8>(LEN)?;
    fill_u8(6, data);
    let jitter = [Adjust::Hue(0.1), Adjust::Brightness(1.2), Adjust::Contrast(0.8), Adjust::Saturation(1.3)];
    Jitter(jitter).apply(level, ImageMut::new(data, SIZE.0, SIZE.1, 3)?)?;
    digest.bytes(data);
    hsv_shift(level, [0.3, -0.2, 0.1], ImageMut::new(data, SIZE.0, SIZE.1, 3)?)?;
    digest.bytes(data);
    let (floats, dst) = (scratch.take::<f32>(LEN)?, scratch.take::<f32>(LEN)?);
    for (to, from) in floats.iter_mut().zip(data.iter()) {
        *to = f32::from(*from) / 255.0;
    }
    let tone = Tone::Curve { low: 0.2, high: 0.9 };
    tone.apply(ImageMut::new(floats, SIZE.0, SIZE.1, 3)?)?;
    digest.floats(floats);
    let src = ImageRef::new(floats, SIZE.0, SIZE.1, 3)?;
    let shown = [[1.0, 2.0], [17.0, 0.0], [20.0, 11.0], [-1.0, 12.0]];
    let view = Perspective::between(shown, [[0.0, 0.0], [18.0, 0.0], [18.0, 12.0], [0.0, 12.0]])?;
    for how in [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic] {
        image::warp(level, view, how, Border::Reflect, src, ImageMut::new(dst, SIZE.0, SIZE.1, 3)?)?;
        digest.floats(dst);
    }
    let bytes = ImageRef::new(data, SIZE.0, SIZE.1, 3)?;
    let tilted = scratch.take::<u8>(LEN)?;
    image::warp(
        level,
        view,
        Interpolation::Bilinear,
        Border::Wrap,
        bytes,
        ImageMut::new(tilted, SIZE.0, SIZE.1, 3)?,
    )?;
    digest.bytes(tilted);
    let plan = ResizePlan::new(Filter::Lanczos3, SIZE, (9, 23), scratch)?;
    let small = dst.get_mut(..9 * 23 * 3).unwrap_or(&mut []);
    plan.run_precise(level, src, ImageMut::new(small, 9, 23, 3)?, scratch)?;
    digest.floats(small);
    Ok(digest.finish())
}

/// Blurs, noise, tables, grey and normalisation.
pub(super) fn points(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let (data, dst) = (scratch.take::<u8>(LEN)?, scratch.take::<u8>(LEN)?);
    fill_u8(4, data);
    let shape = (SIZE.0, SIZE.1, 3);
    let src = ImageRef::new(data, SIZE.0, SIZE.1, 3)?;
    for sigma in [0.3, 1.7, 4.0] {
        let mut frame = scratch.frame();
        let mut memory = Scratch::new(frame.take::<u8>(blur_scratch_len::<u8>(sigma, shape))?);
        gaussian_blur(
            level,
            sigma,
            Border::Reflect101,
            src,
            ImageMut::new(dst, SIZE.0, SIZE.1, 3)?,
            &mut memory,
        )?;
        digest.bytes(dst);
    }
    gaussian_noise(level, 12.5, &mut stream(5), ImageMut::new(dst, SIZE.0, SIZE.1, 3)?)?;
    digest.bytes(dst);
    let table = Table::brightness(1.3)?.then(&Table::contrast(0.7, 127.5)?).then(&Table::gamma(1.8)?);
    table.apply(level, src, ImageMut::new(dst, SIZE.0, SIZE.1, 3)?)?;
    digest.bytes(dst);
    let grey = scratch.take::<u8>(SIZE.0 * SIZE.1)?;
    rgb_to_grey(level, src, ImageMut::new(grey, SIZE.0, SIZE.1, 1)?)?;
    digest.bytes(grey);
    let floats = scratch.take::<f32>(LEN)?;
    let normal = ImageMut::new(floats, SIZE.0, SIZE.1, 3)?;
    normalise(level, src, normal, &[0.4, 0.5, 0.6], &[0.2, 0.25, 0.3])?;
    digest.floats(floats);
    Ok(digest.finish())
}
