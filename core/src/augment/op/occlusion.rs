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

    /// Paints a grid of squares (GridMask, Chen and others 2020).
    130 "grid_dropout" GridDropout, leaks, plain {
        /// Side of a unit of the grid as a share of the image's smaller side.
        unit: [f32; 2] = Value::Range([0.1, 0.25]), in 0, 1;
        /// Side of a square as a share of the unit's.
        ratio: [f32; 2] = Value::Range([0.3, 0.5]), in 0, 1;
        /// The value painted in every channel.
        fill: u32 = Value::Count(0), in 0, 255;
    }

    /// Paints stripes across the whole image, as spectrograms are masked (SpecAugment, Park and others 2019).
    131 "xy_masking" XyMasking, leaks, plain {
        /// Upright stripes; the draw is rounded down.
        columns: [f32; 2] = Value::Range([1.0, 2.999]), in 0, 64.999;
        /// Level stripes; the draw is rounded down.
        rows: [f32; 2] = Value::Range([1.0, 2.999]), in 0, 64.999;
        /// Thickness of an upright stripe as a share of the image's width; the draw is the most of each.
        width: [f32; 2] = Value::Range([0.05, 0.1]), in 0, 1;
        /// Thickness of a level stripe as a share of the image's height; the draw is the most of each.
        height: [f32; 2] = Value::Range([0.05, 0.1]), in 0, 1;
        /// The value painted in every channel.
        fill: u32 = Value::Count(0), in 0, 255;
    }

    /// Paints over a rectangle that keeps off all boxes, or that lies in one of them.
    132 "constrained_cutout" ConstrainedCutout, leaks {
        /// Height of the rectangle as a share of the image's, or of the box's that it lies in.
        height: [f32; 2] = Value::Range([0.1, 0.3]), in 0, 1;
        /// Width of the rectangle, likewise.
        width: [f32; 2] = Value::Range([0.1, 0.3]), in 0, 1;
        /// Whether it lies in a box, one drawn of all, instead of outside of them; nothing is painted where there is no room.
        inside: bool = Value::Flag(false), in 0, 0;
        /// The value painted in every channel.
        fill: u32 = Value::Count(0), in 0, 255;
    }
}

    } } };
}
