//! Operations on values and colours, each pixel by itself or all of a picture alike.
//!
//! Lists are handed on from macro to macro, until that of [`super`] makes types of all of them.

macro_rules! colour {
    ($then:ident $($rest:ident)* { $($before:tt)* }) => { $then! { $($rest)* { $($before)*

Colour {
    /// Multiplies all values.
    9 "brightness" Brightness {
        /// Factor: 1 changes nothing, 0 is black.
        factor: [f32; 2] = Value::Range([0.8, 1.2]), in 0, 100;
    }

    /// Spreads all values about middle grey.
    10 "contrast" Contrast {
        /// Factor: 1 changes nothing, 0 is plain grey.
        factor: [f32; 2] = Value::Range([0.8, 1.2]), in 0, 100;
    }

    /// Raises all values, as shares of 255, to a power.
    11 "gamma" Gamma {
        /// Exponent: below 1 is lighter, above 1 darker.
        gamma: [f32; 2] = Value::Range([0.8, 1.25]), in 0.01, 100;
    }

    /// Changes brightness, contrast, saturation and hue in random order, as torchvision's ColorJitter does.
    15 "colour_jitter" ColourJitter {
        /// Factor of all values: 1 changes nothing.
        brightness: [f32; 2] = Value::Range([0.8, 1.2]), in 0, 100;
        /// Factor of the distance to the picture's mean grey: 1 changes nothing.
        contrast: [f32; 2] = Value::Range([0.8, 1.2]), in 0, 100;
        /// Factor of the distance to the grey of each pixel: 1 changes nothing, 0 is grey.
        saturation: [f32; 2] = Value::Range([0.8, 1.2]), in 0, 100;
        /// Turn of the hue as a share of a whole turn.
        hue: [f32; 2] = Value::Range([-0.05, 0.05]), in -0.5, 0.5;
    }

    /// Turns the hue and adds to saturation and value.
    16 "hsv_shift" HsvShift {
        /// Turn of the hue as a share of a whole turn.
        hue: [f32; 2] = Value::Range([-0.05, 0.05]), in -0.5, 0.5;
        /// What is added to the saturation, which goes from 0 to 1.
        saturation: [f32; 2] = Value::Range([-0.1, 0.1]), in -1, 1;
        /// What is added to the value, which goes from 0 to 1.
        value: [f32; 2] = Value::Range([-0.1, 0.1]), in -1, 1;
    }

    /// Makes dark values light and light ones dark.
    17 "invert" Invert, leaks {}

    /// Inverts light values.
    18 "solarise" Solarise, leaks {
        /// The least value that is inverted, in levels of 0 to 255.
        threshold: [f32; 2] = Value::Range([128.0, 128.0]), in 0, 256;
    }

    /// Keeps the upper bits of each value.
    19 "posterise" Posterise, leaks {
        /// How many of eight bits are kept.
        bits: u32 = Value::Count(4), in 1, 8;
    }

    /// Bends all values by a curve from black to white.
    20 "tone_curve" ToneCurve {
        /// Height of the curve's first handle; 0.333 leaves dark values as they are.
        low: [f32; 2] = Value::Range([0.23, 0.43]), in 0, 1;
        /// Height of the curve's second handle; 0.667 leaves light values as they are.
        high: [f32; 2] = Value::Range([0.57, 0.77]), in 0, 1;
    }

    /// Takes the colours away: the grey of ITU-R BT.601 in red, green and blue.
    31 "greyscale" Greyscale, leaks {}

    /// Puts the channels into a random order, all of them.
    36 "channel_shuffle" ChannelShuffle, leaks, plain {}

    /// Adds a number of its own to each of red, green and blue.
    37 "rgb_shift" RgbShift, leaks, plain {
        /// What is added to red, or to all channels of an image that has no colours, in levels of 0 to 255.
        red: [f32; 2] = Value::Range([-20.0, 20.0]), in -255, 255;
        /// What is added to green.
        green: [f32; 2] = Value::Range([-20.0, 20.0]), in -255, 255;
        /// What is added to blue.
        blue: [f32; 2] = Value::Range([-20.0, 20.0]), in -255, 255;
    }

    /// Spreads the values of each of the first three channels so that all come about as often (histogram equalisation).
    60 "equalise" Equalise, leaks, plain {}

    /// Stretches the values of each of the first three channels so that they go from black to white.
    61 "autocontrast" Autocontrast, plain {
        /// Share of the values that leave the range at either end.
        cutoff: [f32; 2] = Value::Range([0.0, 0.02]), in 0, 0.49;
    }

    /// Equalises the light of parts of the picture, each for itself, within limits (Zuiderveld 1994).
    62 "clahe" Clahe, leaks, plain {
        /// The most that a level may come, as a multiple of the mean; 0 for no limit.
        clip: [f32; 2] = Value::Range([1.0, 4.0]), in 0, 100;
        /// Rows, and columns, of parts.
        tiles: u32 = Value::Count(8), in 1, 32;
    }

    /// Paints over whole channels, and leaves at least one.
    63 "channel_drop" ChannelDrop, leaks, plain {
        /// How many.
        channels: u32 = Value::Count(1), in 1, 16;
        /// The value painted in them.
        fill: u32 = Value::Count(0), in 0, 255;
    }

    /// Gives the tones of old photographs.
    64 "sepia" Sepia, leaks, plain {
        /// How far: 0 changes nothing, 1 takes all other colours away.
        share: [f32; 2] = Value::Range([0.3, 1.0]), in 0, 1;
    }

    /// Shows the picture in the light of a black body (planckian jitter, Zini and others 2022).
    65 "planckian_jitter" PlanckianJitter, plain {
        /// Temperature of the light in kelvins: 6500 changes nothing, less is redder, more bluer.
        temperature: [f32; 2] = Value::Range([4500.0, 10000.0]), in 3000, 15000;
    }

    /// Moves all colours along the directions in which those of the picture differ (Krizhevsky and others 2012).
    66 "fancy_pca" FancyPca, plain {
        /// Deviation of how far, in parts of the variance in each direction.
        std: [f32; 2] = Value::Range([0.1, 0.5]), in 0, 100;
    }
}

    } } };
}
