//! Floor 2: colours, and what images take from others and from volumes.

use super::{fill, fill_u8, stream};
use crate::Digest;
use seedbed::image::{
    self, Adaptation, Axis, Border, ColourSpace, Filter, Interpolation, Mosaic, Rect, Sample, Sampling,
    VolumeMut, VolumeRef, VolumeShape,
};
use seedbed::{ImageMut, ImageRef, Level, Result, Scratch};

/// Height and width of the images here.
const SIZE: (usize, usize) = (11, 21);
/// Values of an image of three channels.
const LEN: usize = SIZE.0 * SIZE.1 * 3;

const SAMPLING: Sampling = Sampling { filter: Filter::Bilinear, antialias: true };

/// An image of these values, of three channels.
fn of<T>(data: &[T]) -> Result<ImageRef<'_, T>> {
    ImageRef::new(data, SIZE.0, SIZE.1, 3)
}

fn of_mut<T>(data: &mut [T]) -> Result<ImageMut<'_, T>> {
    ImageMut::new(data, SIZE.0, SIZE.1, 3)
}

/// Values of 16 bits, and floats from a little below black to a little above white.
fn wider(n: u64, words: &mut [u16], floats: &mut [f32]) {
    fill(n, -0.1, 1.1, floats);
    for (word, v) in words.iter_mut().zip(floats.iter()) {
        *word = u16::from_f32(*v * u16::LARGEST);
    }
}

/// Each colour space there and back, and light, of all types.
pub(super) fn spaces(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let (bytes, words) = (scratch.take::<u8>(LEN)?, scratch.take::<u16>(LEN)?);
    let floats = scratch.take::<f32>(LEN)?;
    for space in [ColourSpace::Hsv, ColourSpace::Hls, ColourSpace::Lab, ColourSpace::YCbCr] {
        fill_u8(50, bytes);
        wider(51, words, floats);
        type Change = (fn(Level, ColourSpace, ImageMut<'_, u8>) -> Result<()>, bool);
        let ways: [Change; 2] = [(image::rgb_to, false), (image::to_rgb, true)];
        for (of_bytes, back) in ways {
            of_bytes(level, space, of_mut(bytes)?)?;
            if back {
                image::to_rgb(level, space, of_mut(words)?)?;
                image::to_rgb(level, space, of_mut(floats)?)?;
            } else {
                image::rgb_to(level, space, of_mut(words)?)?;
                image::rgb_to(level, space, of_mut(floats)?)?;
            }
            digest.bytes(bytes).floats(floats);
            words.iter().for_each(|word| _ = digest.bytes(&word.to_le_bytes()));
        }
    }
    for back in [false, true] {
        let way = if back { image::linear_to_srgb::<u8> } else { image::srgb_to_linear::<u8> };
        way(level, of_mut(bytes)?);
        let way = if back { image::linear_to_srgb::<f32> } else { image::srgb_to_linear::<f32> };
        way(level, of_mut(floats)?);
        digest.bytes(bytes).floats(floats);
    }
    Ok(digest.finish())
}

/// Histograms, distributions and low frequencies of another image.
pub(super) fn references(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let (bytes, other) = (scratch.take::<u8>(LEN)?, scratch.take::<u8>(LEN)?);
    let (words, floats) = (scratch.take::<u16>(LEN)?, scratch.take::<f32>(LEN)?);
    let (words_other, floats_other) = (scratch.take::<u16>(LEN)?, scratch.take::<f32>(LEN)?);
    fill_u8(52, bytes);
    fill_u8(53, other);
    wider(54, words, floats);
    wider(55, words_other, floats_other);
    let shape = (SIZE.0, SIZE.1, 3);
    for beta in [0.0, 0.2, 0.5] {
        let mut memory = Scratch::new(scratch.frame().take::<u8>(image::fourier_scratch_len(beta, shape))?);
        image::fourier_adaptation(level, beta, of(other)?, of_mut(bytes)?, &mut memory)?;
        image::fourier_adaptation(level, beta, of(words_other)?, of_mut(words)?, &mut memory)?;
        image::fourier_adaptation(level, beta, of(floats_other)?, of_mut(floats)?, &mut memory)?;
        digest.bytes(bytes).floats(floats);
        words.iter().for_each(|word| _ = digest.bytes(&word.to_le_bytes()));
    }
    for kind in [Adaptation::Standard, Adaptation::MinMax, Adaptation::Pca] {
        image::adapt_distribution(level, kind, 0.7, of(other)?, of_mut(bytes)?)?;
        image::adapt_distribution(level, kind, 0.7, of(floats_other)?, of_mut(floats)?)?;
        digest.bytes(bytes).floats(floats);
    }
    image::match_histograms(level, of(other)?, of_mut(bytes)?, scratch)?;
    image::match_histograms(level, of(words_other)?, of_mut(words)?, scratch)?;
    image::match_histograms(level, of(floats_other)?, of_mut(floats)?, scratch)?;
    digest.bytes(bytes).floats(floats);
    words.iter().for_each(|word| _ = digest.bytes(&word.to_le_bytes()));
    Ok(digest.finish())
}

/// Overlays with and without a mask, mosaics, opacity, and resizing in light.
pub(super) fn parts(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let (bytes, other) = (scratch.take::<u8>(LEN)?, scratch.take::<u8>(LEN)?);
    let mask = scratch.take::<u8>(SIZE.0 * SIZE.1)?;
    fill_u8(56, bytes);
    fill_u8(57, other);
    fill_u8(58, mask);
    let through = ImageRef::new(mask, SIZE.0, SIZE.1, 1)?;
    for (mask, opacity, at) in [(Some(through), 0.8, (3, -4)), (None, 0.3, (-2, 5)), (None, 1.0, (40, 0))] {
        image::paste(level, of(other)?, mask, opacity, of_mut(bytes)?, at)?;
        digest.bytes(bytes);
    }
    for n in 0..4 {
        let mosaic = Mosaic::draw(SIZE, 0.25, &mut stream(59 + n))?;
        for i in 0..4 {
            let (height, width) = [SIZE, (7, 5), (1, 21), (9, 9)].get(i).copied().unwrap_or(SIZE);
            let src = ImageRef::new(other, height, width, 3)?;
            let len = mosaic.scratch_len::<u8>(SAMPLING, (height, width, 3));
            let mut memory = Scratch::new(scratch.frame().take::<u8>(len)?);
            mosaic.place(level, i, SAMPLING, src, of_mut(bytes)?, &mut memory)?;
        }
        digest.bytes(bytes);
    }
    // The last of four channels is the opacity.
    let pixels = LEN / 4;
    image::premultiply(ImageMut::new(bytes, 1, pixels, 4)?)?;
    digest.bytes(bytes);
    image::unpremultiply(ImageMut::new(bytes, 1, pixels, 4)?)?;
    digest.bytes(bytes);
    let floats = scratch.take::<f32>(LEN)?;
    fill(63, -0.1, 1.1, floats);
    image::premultiply(ImageMut::new(floats, 1, pixels, 4)?)?;
    digest.floats(floats);
    image::unpremultiply(ImageMut::new(floats, 1, pixels, 4)?)?;
    digest.floats(floats);
    for (to, filter) in [((5, 8), Filter::Bilinear), ((13, 24), Filter::Lanczos3)] {
        let mut frame = scratch.frame();
        let dst = frame.take::<u8>(to.0 * to.1 * 3)?;
        let small = ImageMut::new(dst, to.0, to.1, 3)?;
        image::resize_linear_light(level, filter, of(other)?, small, &mut frame)?;
        digest.bytes(dst);
    }
    Ok(digest.finish())
}

/// Flips, crops, margins, turns and holes of volumes.
pub(super) fn volumes(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    const SHAPE: VolumeShape = (5, 7, 9, 2);
    const VALUES: usize = 5 * 7 * 9 * 2;
    let mut digest = Digest::new();
    let (data, dst) = (scratch.take::<u8>(VALUES)?, scratch.take::<u8>(VALUES)?);
    let (floats, turned) = (scratch.take::<f32>(VALUES)?, scratch.take::<f32>(VALUES)?);
    fill_u8(64, data);
    fill(65, 0.0, 1.0, floats);
    let (src, numbers) = (VolumeRef::new(data, SHAPE)?, VolumeRef::new(floats, SHAPE)?);
    for axis in [Axis::Depth, Axis::Height, Axis::Width] {
        image::flip_volume(level, axis, src, VolumeMut::new(dst, SHAPE)?)?;
        digest.bytes(dst);
        for (how, border) in [
            (Interpolation::Nearest, Border::Edge),
            (Interpolation::Bilinear, Border::Constant(9)),
            (Interpolation::Bicubic, Border::Reflect101),
        ] {
            image::rotate_volume(level, (axis, 23.0), how, border, src, VolumeMut::new(dst, SHAPE)?)?;
            digest.bytes(dst);
        }
        let how = (Interpolation::Bilinear, Border::Wrap);
        image::rotate_volume(level, (axis, -71.0), how.0, how.1, numbers, VolumeMut::new(turned, SHAPE)?)?;
        digest.floats(turned);
    }
    let part = dst.get_mut(..3 * 4 * 5 * 2).unwrap_or(&mut []);
    image::crop_volume((1, 2, 3), src, VolumeMut::new(part, (3, 4, 5, 2))?)?;
    digest.bytes(part);
    let wide = scratch.take::<u8>(7 * 9 * 11 * 2)?;
    for border in [Border::Constant(9), Border::Edge, Border::Reflect101, Border::Reflect, Border::Wrap] {
        image::pad_volume(src, VolumeMut::new(wide, (7, 9, 11, 2))?, (1, -1, 2), border)?;
        digest.bytes(wide);
    }
    let rect = Rect { top: 2, left: 1, height: 4, width: 6 };
    image::cutout_volume(VolumeMut::new(wide, (7, 9, 11, 2))?, (2, 3), rect, 77)?;
    digest.bytes(wide);
    Ok(digest.finish())
}
