//! Operations that make a pixel of those around it.

use super::{Ops, SHAPE, add};
use seedbed::image::{
    Filter, aberration_scratch_len, bilateral, bilateral_scratch_len, chromatic_aberration, defocus,
    defocus_scratch_len, dilate, downscale, downscale_scratch_len, emboss, emboss_scratch_len, erode,
    extremes_scratch_len, glass_blur, glass_scratch_len, jpeg, jpeg_scratch_len, median_blur,
    median_scratch_len, motion_blur, motion_scratch_len, ringing, ringing_scratch_len, sharpen,
    sharpen_scratch_len, unsharp_mask, unsharp_scratch_len, zoom_blur, zoom_scratch_len,
};
use seedbed::rng::{Key, Stream};
use seedbed::{ImageMut, ImageRef, Level, Result, Scratch};

/// An operation with so many bytes of scratch.
fn with(
    ops: &mut Ops,
    name: &'static str,
    bytes: usize,
    mut op: impl FnMut(ImageRef<'_, u8>, ImageMut<'_, u8>, &mut Scratch<'_>) -> Result<()> + 'static,
) {
    let mut memory = vec![0; bytes];
    add(ops, name, move |src, dst| op(src, dst, &mut Scratch::new(&mut memory)).unwrap());
}

pub fn all(ops: &mut Ops, level: Level) {
    for (name, radius) in [("median_3", 1), ("median_5", 2), ("median_7", 3)] {
        let bytes = median_scratch_len::<u8>(radius, SHAPE);
        with(ops, name, bytes, move |src, dst, scratch| median_blur(level, radius, src, dst, scratch));
    }
    for (name, length, degrees) in [("motion_9", 9.0, 0.0), ("motion_15", 15.0, 30.0)] {
        let bytes = motion_scratch_len::<u8>(length, SHAPE);
        with(ops, name, bytes, move |src, dst, scratch| {
            motion_blur(level, length, degrees, src, dst, scratch)
        });
    }
    with(ops, "defocus", defocus_scratch_len::<u8>(3.0, SHAPE), move |src, dst, scratch| {
        defocus(level, 3.0, src, dst, scratch)
    });
    with(ops, "zoom_blur", zoom_scratch_len::<u8>(SHAPE), move |src, dst, scratch| {
        zoom_blur(level, 1.1, 10, src, dst, scratch)
    });
    with(ops, "glass_blur", glass_scratch_len::<u8>(0.7, SHAPE), move |src, dst, scratch| {
        glass_blur(level, 0.7, 2, 1, &mut Stream::new(1, Key::new(0)), src, dst, scratch)
    });
    with(ops, "sharpen", sharpen_scratch_len::<u8>(SHAPE), move |src, dst, scratch| {
        sharpen(level, 1.7, src, dst, scratch)
    });
    with(ops, "unsharp_mask", unsharp_scratch_len::<u8>(1.5, SHAPE), move |src, dst, scratch| {
        unsharp_mask(level, 1.5, 0.8, 3.0, src, dst, scratch)
    });
    with(ops, "emboss", emboss_scratch_len::<u8>(SHAPE), move |src, dst, scratch| {
        emboss(level, 0.4, 0.5, 45.0, src, dst, scratch)
    });
    with(ops, "bilateral", bilateral_scratch_len(2, SHAPE), move |src, dst, scratch| {
        bilateral(level, 2, 60.0, 2.0, src, dst, scratch)
    });
    for (least, greatest, radius) in [("erode_3", "dilate_3", 1), ("erode_11", "dilate_11", 5)] {
        let bytes = extremes_scratch_len::<u8>(radius, SHAPE);
        with(ops, least, bytes, move |src, dst, scratch| erode(level, radius, src, dst, scratch));
        with(ops, greatest, bytes, move |src, dst, scratch| dilate(level, radius, src, dst, scratch));
    }
    let (down, up) = (Filter::Area, Filter::Nearest);
    let bytes = downscale_scratch_len::<u8>([0.25; 2], down, up, SHAPE);
    with(ops, "downscale", bytes, move |src, dst, scratch| {
        downscale(level, 0.25, down, up, src, dst, scratch)
    });
    with(ops, "chromatic_aberration", aberration_scratch_len::<u8>(SHAPE), move |src, dst, scratch| {
        chromatic_aberration(level, 0.01, -0.01, src, dst, scratch)
    });
    with(ops, "ringing", ringing_scratch_len::<u8>(7, SHAPE), move |src, dst, scratch| {
        ringing(level, 1.2, 7, src, dst, scratch)
    });
    with(ops, "jpeg_q75", jpeg_scratch_len::<u8>(SHAPE), move |src, dst, scratch| {
        jpeg(level, 75, 2, src, dst, scratch)
    });
}
