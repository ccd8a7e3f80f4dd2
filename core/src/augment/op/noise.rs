//! Operations that add what a bad camera, a bad line or bad weather adds.
//!
//! Lists are handed on from macro to macro, until that of [`super`] makes types of all of them.

macro_rules! noise {
    ($then:ident $($rest:ident)* { $($before:tt)* }) => { $then! { $($rest)* { $($before)*

Noise {
    /// Adds normal noise to each value by itself.
    12 "gaussian_noise" GaussianNoise, leaks {
        /// Standard deviation in levels of 0 to 255.
        std: [f32; 2] = Value::Range([2.0, 10.0]), in 0, 255;
    }

    /// Makes pixels white or black, in all their channels.
    38 "salt_and_pepper" SaltAndPepper, leaks, plain {
        /// Share of the pixels that are changed.
        share: [f32; 2] = Value::Range([0.01, 0.06]), in 0, 1;
        /// Share of white among them.
        salt: [f32; 2] = Value::Range([0.4, 0.6]), in 0, 1;
    }

    /// Counts the photons that make each value by itself, as many as a Poisson variable says: bright values have the more noise.
    100 "shot_noise" ShotNoise, leaks, plain {
        /// Photons that make white.
        photons: [f32; 2] = Value::Range([30.0, 200.0]), in 1, 65536;
    }

    /// The noise of a sensor that is made too sensitive: of luminance and of colour, each pixel by itself.
    101 "iso_noise" IsoNoise, leaks, plain {
        /// Standard deviation of luminance in levels of 0 to 255.
        luminance: [f32; 2] = Value::Range([3.0, 10.0]), in 0, 255;
        /// Standard deviation of the differences of blue and red to it, in levels.
        colour: [f32; 2] = Value::Range([3.0, 10.0]), in 0, 255;
    }

    /// Multiplies by random factors.
    102 "multiplicative_noise" MultiplicativeNoise, leaks, plain {
        /// The factors, all of this range equally likely.
        factor: [f32; 2] = Value::Range([0.85, 1.15]), in 0, 16;
        /// Whether each channel has a factor of its own.
        per_channel: bool = Value::Flag(false), in 0, 1;
        /// Whether each pixel has a factor of its own, or one is that of the whole image.
        elementwise: bool = Value::Flag(true), in 0, 1;
    }

    /// v + v · n · `std` with a normal number n for each value: the noise of laser light and radar.
    103 "speckle" Speckle, leaks, plain {
        /// Standard deviation as a share of the value.
        std: [f32; 2] = Value::Range([0.05, 0.2]), in 0, 4;
    }

    /// Adds a normal offset to each row or each column, as sensors do that read lines one by one.
    104 "banding" Banding, leaks, plain {
        /// Standard deviation in levels of 0 to 255.
        std: [f32; 2] = Value::Range([2.0, 8.0]), in 0, 255;
        /// Pixels over which offsets are smooth.
        width: [f32; 2] = Value::Range([1.0, 8.0]), in 1, 4096;
        /// Whether columns have the offsets, not rows.
        upright: bool = Value::Flag(false), in 0, 1;
    }

    /// Darkens the image to its corners, as lenses do.
    105 "vignetting" Vignetting, leaks, plain {
        /// Share of its light that a corner loses.
        strength: [f32; 2] = Value::Range([0.3, 0.7]), in 0, 0.95;
        /// How far right of the image's middle the lightest place lies, as a share of the width.
        shift_x: [f32; 2] = Value::Range([-0.1, 0.1]), in -1, 1;
        /// How far below it that place lies, as a share of the height.
        shift_y: [f32; 2] = Value::Range([-0.1, 0.1]), in -1, 1;
    }

    /// Hides the image in fog of a density that changes smoothly.
    106 "fog" Fog, leaks, plain {
        /// Share of the way to light grey, in the mean.
        density: [f32; 2] = Value::Range([0.25, 0.6]), in 0, 1;
    }

    /// Lets it rain.
    107 "rain" Rain, leaks, plain {
        /// Drops over each square of the smaller side.
        drops: [f32; 2] = Value::Range([300.0, 900.0]), in 0, 10000;
        /// Their length as a share of the smaller side.
        length: [f32; 2] = Value::Range([0.04, 0.1]), in 0, 1;
        /// The angle at which they fall, in degrees.
        angle: [f32; 2] = Value::Range([-15.0, 15.0]), in -60, 60;
        /// How far they hide what is behind.
        brightness: [f32; 2] = Value::Range([0.4, 0.7]), in 0, 1;
        /// How much darker all becomes.
        darkness: [f32; 2] = Value::Range([0.1, 0.3]), in 0, 1;
    }

    /// Lets it snow.
    108 "snow" Snow, leaks, plain {
        /// Flakes over each square of the smaller side.
        flakes: [f32; 2] = Value::Range([200.0, 600.0]), in 0, 10000;
        /// Their radius as a share of the smaller side.
        size: [f32; 2] = Value::Range([0.003, 0.009]), in 0, 1;
        /// How far they hide what is behind.
        opacity: [f32; 2] = Value::Range([0.7, 1.0]), in 0, 1;
        /// How far what is white already would go to white.
        lightness: [f32; 2] = Value::Range([0.2, 0.6]), in 0, 1;
    }

    /// Lets the sun shine into the lens: a glare, and rings on the line from it through the middle.
    109 "sun_flare" SunFlare, leaks, plain {
        /// Share of the way to white where the sun is.
        strength: [f32; 2] = Value::Range([0.7, 1.0]), in 0, 1;
        /// The distance at which a quarter of that is left, as a share of the smaller side.
        size: [f32; 2] = Value::Range([0.15, 0.4]), in 0.001, 4;
        /// Place of the sun, as a share of the width.
        x: [f32; 2] = Value::Range([0.0, 1.0]), in -1, 2;
        /// Place of the sun, as a share of the height.
        y: [f32; 2] = Value::Range([0.0, 0.4]), in -1, 2;
        /// Rings.
        rings: u32 = Value::Count(6), in 0, 32;
    }

    /// Lays shadows over the image: convex polygons with soft edges.
    110 "shadow" Shadow, leaks, plain {
        /// How many; the draw is rounded down.
        shadows: [f32; 2] = Value::Range([1.0, 3.999]), in 0, 8.999;
        /// Share of its light that a place in the shadow loses.
        strength: [f32; 2] = Value::Range([0.25, 0.5]), in 0, 1;
        /// The width of an edge as a share of the smaller side.
        softness: [f32; 2] = Value::Range([0.01, 0.05]), in 0, 1;
    }
}

    } } };
}
