//! Operations that hide parts.
//!
//! Lists are handed on from macro to macro, until that of [`super`] makes types of all of them.

macro_rules! occlusion {
    ($then:ident $($rest:ident)* { $($before:tt)* }) => { $then! { $($rest)* { $($before)*

Occlusion {
    /// Paints over a rectangle at a random place (DeVries and Taylor 2017).
    14 "cutout" Cutout, leaks {
        /// Height of the rectangle as a share of the image's.
        height: [f32; 2] = Value::Range([0.1, 0.3]), in 0, 1;
        /// Width of the rectangle as a share of the image's.
        width: [f32; 2] = Value::Range([0.1, 0.3]), in 0, 1;
        /// The value painted in every channel.
        fill: u32 = Value::Count(0), in 0, 255;
    }

    /// Paints over several rectangles at random places, which may meet (coarse dropout).
    33 "coarse_dropout" CoarseDropout, leaks {
        /// How many; the draw is rounded down.
        holes: [f32; 2] = Value::Range([1.0, 8.999]), in 0, 64.999;
        /// Height of each as a share of the image's.
        height: [f32; 2] = Value::Range([0.05, 0.15]), in 0, 1;
        /// Width of each as a share of the image's.
        width: [f32; 2] = Value::Range([0.05, 0.15]), in 0, 1;
        /// The value painted in every channel; 256 for values that are drawn one by one.
        fill: u32 = Value::Count(0), in 0, 256;
    }

    /// Paints over a rectangle of random size and proportions (random erasing, Zhong and others 2020).
    34 "random_erasing" RandomErasing, leaks {
        /// Area of the rectangle as a share of the image's.
        scale: [f32; 2] = Value::Range([0.02, 0.33]), in 0.001, 1;
        /// Width of the rectangle over its height, drawn uniformly in its logarithm.
        ratio: [f32; 2] = Value::Range([0.3, 3.3]), in 0.05, 20;
        /// The value painted in every channel; 256 for values that are drawn one by one.
        fill: u32 = Value::Count(256), in 0, 256;
    }

    /// Paints over single pixels, in all their channels.
    39 "pixel_dropout" PixelDropout, leaks, plain {
        /// Share of the pixels that are painted over.
        share: [f32; 2] = Value::Range([0.01, 0.1]), in 0, 1;
        /// The value painted in every channel.
        fill: u32 = Value::Count(0), in 0, 255;
    }
}

    } } };
}
