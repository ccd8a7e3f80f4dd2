//! Operations that make a pixel of those around it.
//!
//! Lists are handed on from macro to macro, until that of [`super`] makes types of all of them.

macro_rules! neighbourhood {
    ($then:ident $($rest:ident)* { $($before:tt)* }) => { $then! { $($rest)* { $($before)*

Neighbourhood {
    /// Blurs with a Gaussian.
    13 "gaussian_blur" GaussianBlur, leaks {
        /// Standard deviation in pixels.
        sigma: [f32; 2] = Value::Range([0.3, 1.0]), in 0.05, 32;
    }

    /// Replaces each value by the mean of the square around it.
    21 "box_blur" BoxBlur, leaks {
        /// Pixels of the square on either side of its middle.
        radius: u32 = Value::Count(1), in 0, 96;
    }

    /// Replaces each value by the median of the square around it.
    40 "median_blur" MedianBlur, leaks, plain {
        /// Pixels of the square on either side of its middle.
        radius: u32 = Value::Count(1), in 1, 3;
    }

    /// Blurs along a line, as a camera that moves does.
    41 "motion_blur" MotionBlur, leaks, plain {
        /// Length of the line in pixels.
        length: [f32; 2] = Value::Range([3.0, 9.0]), in 1, 64;
        /// Angle of the line in degrees, counter-clockwise from the rows.
        degrees: [f32; 2] = Value::Range([-180.0, 180.0]), in -360, 360;
    }

    /// Blurs by a disc, as a lens that is out of focus does (Hendrycks and Dietterich 2019).
    42 "defocus" Defocus, leaks, plain {
        /// Radius of the disc in pixels.
        radius: [f32; 2] = Value::Range([1.0, 3.0]), in 0.5, 16;
    }

    /// Blurs from the middle outwards, as a lens that zooms does (Hendrycks and Dietterich 2019).
    43 "zoom_blur" ZoomBlur, leaks, plain {
        /// Growth of the last view; the first one is the image.
        factor: [f32; 2] = Value::Range([1.02, 1.1]), in 1, 2;
        /// How many views are averaged.
        views: u32 = Value::Count(8), in 2, 32;
    }

    /// Blurs, moves pixels about, and blurs again, as frosted glass does (Hendrycks and Dietterich 2019).
    44 "glass_blur" GlassBlur, leaks, plain {
        /// Standard deviation of both blurs in pixels.
        sigma: [f32; 2] = Value::Range([0.4, 0.8]), in 0.05, 32;
        /// Rows and columns that a pixel moves at most.
        radius: u32 = Value::Count(2), in 1, 16;
        /// How often all pixels are moved.
        rounds: u32 = Value::Count(1), in 1, 16;
    }

    /// Sharpens, or smooths, by the mean of the pixels around each.
    45 "sharpen" Sharpen, leaks, plain {
        /// Factor of the distance to that mean: 0 is smooth, 1 changes nothing, 2 is sharper.
        factor: [f32; 2] = Value::Range([1.5, 3.0]), in 0, 100;
    }

    /// Adds what a Gaussian takes away.
    46 "unsharp_mask" UnsharpMask, leaks, plain {
        /// Standard deviation of the Gaussian in pixels.
        sigma: [f32; 2] = Value::Range([0.8, 2.0]), in 0.05, 32;
        /// How often it is added.
        amount: [f32; 2] = Value::Range([0.5, 1.5]), in 0, 100;
        /// Differences that change nothing, up to this one, in levels of 0 to 255.
        threshold: [f32; 2] = Value::Range([3.0, 3.0]), in 0, 255;
    }

    /// Lights the image from the side, as a relief.
    47 "emboss" Emboss, leaks, plain {
        /// Share of the relief; the rest is the image itself.
        share: [f32; 2] = Value::Range([0.2, 0.5]), in 0, 1;
        /// How much pixels beside the direction count.
        strength: [f32; 2] = Value::Range([0.2, 0.7]), in 0, 10;
        /// The direction in degrees, clockwise from the right; 45 is down to the right.
        degrees: [f32; 2] = Value::Range([45.0, 45.0]), in -360, 360;
    }

    /// Averages each pixel with those near it in place and in colour (Tomasi and Manduchi 1998).
    48 "bilateral" Bilateral, leaks, plain {
        /// Pixels on either side that are looked at.
        radius: u32 = Value::Count(3), in 1, 8;
        /// Standard deviation of the distance of colours, all channels together, in levels of 0 to 255.
        sigma_colour: [f32; 2] = Value::Range([30.0, 90.0]), in 0.1, 1000;
        /// Standard deviation of the distance in pixels.
        sigma_space: [f32; 2] = Value::Range([1.0, 3.0]), in 0.1, 1000;
    }

    /// Replaces each value by the least of the square around it.
    49 "erode" Erode, leaks, plain {
        /// Pixels of the square on either side of its middle.
        radius: u32 = Value::Count(1), in 1, 16;
    }

    /// Replaces each value by the greatest of the square around it.
    50 "dilate" Dilate, leaks, plain {
        /// Pixels of the square on either side of its middle.
        radius: u32 = Value::Count(1), in 1, 16;
    }

    /// Makes the image smaller, and as large as it was.
    51 "downscale" Downscale, leaks, plain {
        /// The small image's sides as a share of the image's.
        scale: [f32; 2] = Value::Range([0.25, 0.5]), in 0.05, 1;
        /// Resampling filter to the small image: nearest, bilinear, bicubic, lanczos3, box, area or bicubic75.
        down: Filter = Value::Filter(Filter::Area), in 0, 0;
        /// Resampling filter from it.
        up: Filter = Value::Filter(Filter::Nearest), in 0, 0;
    }

    /// Scales red and blue about the middle, as a lens does that breaks colours differently.
    52 "chromatic_aberration" ChromaticAberration, leaks, plain {
        /// Growth of red as a share.
        red: [f32; 2] = Value::Range([-0.01, 0.01]), in -0.5, 0.5;
        /// Growth of blue as a share.
        blue: [f32; 2] = Value::Range([-0.01, 0.01]), in -0.5, 0.5;
    }

    /// Lets only low frequencies pass: edges have rings beside them (Wang and others 2021).
    53 "ringing" Ringing, leaks, plain {
        /// The highest frequency in radians a pixel.
        cutoff: [f32; 2] = Value::Range([0.785, 1.571]), in 0.1, 1.6;
        /// Pixels of the kernel on either side of its middle.
        radius: u32 = Value::Count(7), in 3, 10;
    }

    /// Leaves what JPEG does of the image, written and read again.
    54 "jpeg" Jpeg, leaks, plain {
        /// Quality as libjpeg counts it; rounded to a whole number.
        quality: [f32; 2] = Value::Range([40.0, 95.0]), in 1, 100;
        /// Columns and rows of pixels that share their colour: 2, or 1.
        chroma: u32 = Value::Count(2), in 1, 2;
    }
}

    } } };
}
