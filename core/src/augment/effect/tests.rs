//! Each plain operation does what its draw says: the same as its function of the image module.

use super::*;
use crate::augment::{self, Drawn, Pipeline};
use crate::image;
use std::vec;
use std::vec::Vec;

/// What a plain operation is to do to `image`, straight from the image module, with numbers from its ranges.
fn direct(
    op: Op,
    values: [f32; MOST_RANGES],
    stream: &mut Stream,
    src: ImageRef<'_, u8>,
    mut dst: ImageMut<'_, u8>,
) {
    let (level, h, w, [a, b, c, d, ..]) = (Level::BASE, src.height(), src.width(), values);
    image::copy(src, dst.reborrow()).unwrap();
    match op {
        Op::ChannelShuffle {} => image::shuffle_channels(stream, dst),
        Op::RgbShift { .. } => {
            image::scale_channels(level, [1.0; 3], [a / 255.0, b / 255.0, c / 255.0], dst).unwrap();
        }
        Op::Equalise {} => {
            let mut memory = vec![0; image::equalise_scratch_len::<u8>()];
            image::equalise(level, dst, &mut Scratch::new(&mut memory)).unwrap();
        }
        Op::Autocontrast { .. } => {
            let mut memory = vec![0; image::equalise_scratch_len::<u8>()];
            image::autocontrast(level, [a; 2], dst, &mut Scratch::new(&mut memory)).unwrap();
        }
        Op::Clahe { tiles, .. } => {
            let mut memory = vec![0; image::clahe_scratch_len::<u8>(tiles, src.shape())];
            image::clahe(level, a, tiles, dst, &mut Scratch::new(&mut memory)).unwrap();
        }
        Op::ChannelDrop { channels, fill } => image::drop_channels(channels, fill as u8, stream, dst),
        Op::Sepia { .. } => image::sepia(level, a, dst).unwrap(),
        Op::PlanckianJitter { .. } => image::planckian_jitter(level, a, dst).unwrap(),
        Op::FancyPca { .. } => image::fancy_pca(level, a, stream, dst).unwrap(),
        Op::PixelDropout { fill, .. } => image::pixel_dropout(a, fill as u8, stream, dst).unwrap(),
        Op::GridDropout { fill, .. } => {
            let unit = ((f64::from(a) * h.min(w) as f64 + 0.5) as usize).max(2);
            image::grid_dropout(unit, b, fill as u8, stream, dst).unwrap();
        }
        Op::XyMasking { fill, .. } => {
            let (across, down) = ([0.0, c * w as f32], [0.0, d * h as f32]);
            image::stripes(a as usize, true, across, fill as u8, stream, dst.reborrow()).unwrap();
            image::stripes(b as usize, false, down, fill as u8, stream, dst).unwrap();
        }
        op if matches!(op.family(), Family::Noise) => noisy(op, values, stream, dst),
        op if matches!(op.family(), Family::Neighbourhood) => around(op, [a, b, c], stream, src, dst),
        other => panic!("{other:?} has no test"),
    }
}

/// [`direct`] of noise.
fn noisy(op: Op, [a, b, c, d, e, _]: [f32; MOST_RANGES], stream: &mut Stream, image: ImageMut<'_, u8>) {
    let (level, mut memory) = (Level::BASE, vec![0x5a; 1 << 20]);
    let scratch = &mut Scratch::new(&mut memory);
    match op {
        Op::SaltAndPepper { .. } => image::salt_and_pepper(a, b, stream, image),
        Op::ShotNoise { .. } => image::shot_noise(level, a, stream, image),
        Op::IsoNoise { .. } => image::iso_noise(level, a, b, stream, image),
        Op::MultiplicativeNoise { factor, per_channel, elementwise } => {
            image::multiplicative_noise(level, factor, per_channel, elementwise, stream, image)
        }
        Op::Speckle { .. } => image::speckle(level, a, stream, image),
        Op::Banding { upright, .. } => image::banding(level, a, b, upright, stream, image, scratch),
        Op::Vignetting { .. } => image::vignetting(level, a, [b, c], image),
        Op::Fog { .. } => image::fog(level, a, stream, image, scratch),
        Op::Rain { .. } => {
            let rain = image::Rain { drops: a, length: b, degrees: c, brightness: d, darkness: e };
            image::rain(level, &rain, stream, image)
        }
        Op::Snow { .. } => image::snow(level, a, [b, c, d], stream, image),
        Op::SunFlare { rings, .. } => image::sun_flare(level, a, b, [c, d], rings as usize, stream, image),
        Op::Shadow { .. } => image::shadow(level, a as usize, b, c, stream, image),
        other => panic!("{other:?} has no test"),
    }
    .unwrap();
}

/// [`direct`] of an operation that looks at the pixels around.
fn around(op: Op, [a, b, c]: [f32; 3], stream: &mut Stream, src: ImageRef<'_, u8>, dst: ImageMut<'_, u8>) {
    let (level, mut memory) = (Level::BASE, vec![0x5a; 1 << 20]);
    let scratch = &mut Scratch::new(&mut memory);
    match op {
        Op::MedianBlur { radius } => image::median_blur(level, radius as usize, src, dst, scratch),
        Op::MotionBlur { .. } => image::motion_blur(level, a, b, src, dst, scratch),
        Op::Defocus { .. } => image::defocus(level, a, src, dst, scratch),
        Op::ZoomBlur { views, .. } => image::zoom_blur(level, a, views as usize, src, dst, scratch),
        Op::GlassBlur { radius, rounds, .. } => {
            image::glass_blur(level, a, radius as usize, rounds as usize, stream, src, dst, scratch)
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
        Op::Jpeg { chroma, .. } => image::jpeg(level, a.round() as u32, chroma, src, dst, scratch),
        other => panic!("{other:?} has no test"),
    }
    .unwrap();
}

#[test]
fn each_plain_operation_does_what_its_draw_says() {
    for kind in Op::KINDS.iter().filter(|kind| kind.plain && !matches!(kind.family, Family::Geometry)) {
        let op = kind.default_op().unwrap();
        let mut pipeline = Pipeline::<1>::new();
        pipeline.push(op, 1.0).unwrap();
        let mut changed = 0;
        for (shape, copy) in [(30, 41, 3), (20, 20, 1), (17, 9, 5)].into_iter().zip(1..) {
            let (h, w, c) = shape;
            let data: Vec<u8> = (0..h * w * c).map(|i| (i * 37 + i / 7 * 11) as u8).collect();
            let src = ImageRef::new(&data, h, w, c).unwrap();
            let key = augment::key(kind.name.as_bytes(), copy);
            let Drawn::Values { values, seed } = pipeline.sample(7, key, shape).unwrap()[0] else {
                panic!("{} draws otherwise", kind.name);
            };
            let (mut want, mut got) = (vec![0; data.len()], vec![0; data.len()]);
            direct(op, values, &mut stream(seed), src, ImageMut::new(&mut want, h, w, c).unwrap());
            let mut memory = vec![0xa5; pipeline.scratch_len(shape)];
            let dst = ImageMut::new(&mut got, h, w, c).unwrap();
            pipeline.apply(Level::BASE, src, dst, 7, key, &mut Scratch::new(&mut memory)).unwrap();
            assert_eq!(got, want, "{}", kind.name);
            changed += usize::from(got != data);
        }
        assert!(changed > 0, "{} changes nothing", kind.name);
    }
}
