//! Operations on values and colours.

use super::{Ops, SHAPE, SIDE, add, change, drawn, leaked, view};
use seedbed::image::{
    Adaptation, ColourSpace, Tone, adapt_distribution, apply_tones, autocontrast, clahe, clahe_scratch_len,
    drop_channels, equalise, equalise_scratch_len, fancy_pca, fourier_adaptation, fourier_scratch_len,
    grey_to_rgb, hsv_shift, linear_to_srgb, match_histograms, match_histograms_scratch_len, planckian_jitter,
    rgb_to, scale_channels, sepia, shuffle_channels, srgb_to_linear, to_float, to_rgb,
};
use seedbed::rng::{Key, Stream};
use seedbed::{ImageMut, ImageRef, Level, Scratch};

pub fn ops(ops: &mut Ops, level: Level) {
    let len = equalise_scratch_len::<u8>();
    change(ops, "equalise", len, move |image, scratch| equalise(level, image, scratch));
    change(ops, "autocontrast", len, move |image, scratch| autocontrast(level, [0.02; 2], image, scratch));
    let len = clahe_scratch_len::<u8>(8, SHAPE);
    change(ops, "clahe", len, move |image, scratch| clahe(level, 2.0, 8, image, scratch));
    let mut memory = vec![0; len];
    add(ops, "clahe_grey", move |src, mut dst| {
        let grey = src.as_mat().data().get(..SIDE * SIDE).unwrap();
        let to = dst.data_mut().get_mut(..SIDE * SIDE).unwrap();
        to.copy_from_slice(grey);
        let image = ImageMut::new(to, SIDE, SIDE, 1).unwrap();
        clahe(level, 2.0, 8, image, &mut Scratch::new(&mut memory)).unwrap();
    });
    for (name, space, back) in [
        ("rgb_to_hsv", ColourSpace::Hsv, false),
        ("hsv_to_rgb", ColourSpace::Hsv, true),
        ("rgb_to_hls", ColourSpace::Hls, false),
        ("hls_to_rgb", ColourSpace::Hls, true),
        ("rgb_to_ycbcr", ColourSpace::YCbCr, false),
        ("ycbcr_to_rgb", ColourSpace::YCbCr, true),
        ("rgb_to_lab", ColourSpace::Lab, false),
        ("lab_to_rgb", ColourSpace::Lab, true),
    ] {
        change(
            ops,
            name,
            0,
            move |image, _| if back { to_rgb(level, space, image) } else { rgb_to(level, space, image) },
        );
    }
    let mut seed = 0;
    change(ops, "fancy_pca", 0, move |image, _| {
        seed += 1;
        fancy_pca(level, 0.5, &mut Stream::new(seed, Key::new(0)), image)
    });
    change(ops, "sepia", 0, move |image, _| sepia(level, 1.0, image));
    change(ops, "planckian_jitter", 0, move |image, _| planckian_jitter(level, 5000.0, image));
    let len = fourier_scratch_len(0.05, SHAPE);
    let mut reference = leaked(SIDE * SIDE * 3).to_vec();
    reference.reverse();
    change(ops, "fourier_adaptation", len, move |image, scratch| {
        fourier_adaptation(level, 0.05, view(&reference, SIDE), image, scratch)
    });
    tones(ops, level);
    channels(ops, level);
    references(ops, level);
}

/// Curves of values, by a table that is made in each call, and other kinds of values.
fn tones(ops: &mut Ops, level: Level) {
    for (name, tone) in [
        ("invert", Tone::Invert),
        ("solarise", Tone::Solarise(0.5)),
        ("posterise", Tone::Posterise(4)),
        ("tone_curve", Tone::Curve { low: 0.25, high: 0.75 }),
    ] {
        change(ops, name, 0, move |image, _| apply_tones(level, [tone], image));
    }
    add(ops, "grey_to_rgb", |src, dst| {
        let grey = ImageRef::new(src.as_mat().data(), SIDE, SIDE, 1).unwrap();
        grey_to_rgb(grey, dst).unwrap();
    });
    let mut numbers = vec![0f32; SIDE * SIDE * 3];
    add(ops, "to_float", move |src, _| {
        to_float(level, src, ImageMut::new(&mut numbers, SIDE, SIDE, 3).unwrap()).unwrap();
    });
}

/// What is done to each channel by itself, or with whole ones.
fn channels(ops: &mut Ops, level: Level) {
    drawn(ops, "channel_shuffle", 0, |stream, image, _| {
        shuffle_channels(stream, image);
        Ok(())
    });
    drawn(ops, "channel_drop", 0, |stream, image, _| {
        drop_channels(1, 0, stream, image);
        Ok(())
    });
    let shift = [20.0, -10.0, 5.0].map(|levels| levels / 255.0);
    change(ops, "rgb_shift", 0, move |image, _| scale_channels(level, [1.0; 3], shift, image));
    change(ops, "hsv_shift", 0, move |image, _| hsv_shift(level, [20.0 / 180.0, 0.1, 0.1], image));
    change(ops, "srgb_to_linear", 0, move |image, _| {
        srgb_to_linear(level, image);
        Ok(())
    });
    change(ops, "linear_to_srgb", 0, move |image, _| {
        linear_to_srgb(level, image);
        Ok(())
    });
}

/// Colours of another picture.
fn references(ops: &mut Ops, level: Level) {
    let reference = leaked(SIDE * SIDE * 3);
    let len = match_histograms_scratch_len::<u8>();
    change(ops, "match_histograms", len, move |image, scratch| {
        match_histograms(level, view(reference, SIDE), image, scratch)
    });
    for (name, kind) in [
        ("pixel_adaptation_standard", Adaptation::Standard),
        ("pixel_adaptation_minmax", Adaptation::MinMax),
        ("pixel_adaptation_pca", Adaptation::Pca),
    ] {
        change(ops, name, 0, move |image, _| {
            adapt_distribution(level, kind, 1.0, view(reference, SIDE), image)
        });
    }
}
