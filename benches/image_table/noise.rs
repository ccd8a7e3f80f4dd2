//! What bad cameras, bad lines and bad weather add.

use super::{Ops, SHAPE, drawn};
use seedbed::image::{
    Rain, banding, banding_scratch_len, fog, fog_scratch_len, iso_noise, multiplicative_noise, rain,
    salt_and_pepper, shadow, snow, speckle, sun_flare, vignetting,
};
use seedbed::{ImageMut, Level};

pub fn all(ops: &mut Ops, level: Level) {
    drawn(ops, "salt_and_pepper", 0, |stream, image, _| salt_and_pepper(0.05, 0.5, stream, image));
    drawn(ops, "iso_noise", 0, move |stream, image, _| iso_noise(level, 8.0, 8.0, stream, image));
    for (name, per_channel) in [("multiplicative_noise", false), ("multiplicative_noise_rgb", true)] {
        drawn(ops, name, 0, move |stream, image, _| {
            multiplicative_noise(level, [0.85, 1.15], per_channel, true, stream, image)
        });
    }
    drawn(ops, "speckle", 0, move |stream, image, _| speckle(level, 0.1, stream, image));
    drawn(ops, "banding", banding_scratch_len(SHAPE), move |stream, image, scratch| {
        banding(level, 5.0, 4.0, false, stream, image, scratch)
    });
    drawn(ops, "vignetting", 0, move |_, image: ImageMut<'_, u8>, _| {
        vignetting(level, 0.5, [0.05, -0.05], image)
    });
    drawn(ops, "fog", fog_scratch_len(SHAPE), move |stream, image, scratch| {
        fog(level, 0.5, stream, image, scratch)
    });
    // As many drops as albumentations has in heavy rain, and as long in the mean.
    let heavy = Rain { drops: 512.0, length: 0.052, degrees: 8.0, brightness: 0.7, darkness: 0.3 };
    drawn(ops, "rain", 0, move |stream, image, _| rain(level, &heavy, stream, image));
    drawn(ops, "snow", 0, move |stream, image, _| snow(level, 400.0, [0.006, 0.9, 0.4], stream, image));
    drawn(ops, "sun_flare", 0, move |stream, image, _| {
        sun_flare(level, 0.9, 0.25, [0.3, 0.2], 6, stream, image)
    });
    drawn(ops, "shadow", 0, move |stream, image, _| shadow(level, 2, 0.5, 0.02, stream, image));
}
