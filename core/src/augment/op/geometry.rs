//! Operations that move what is shown.
//!
//! Lists are handed on from macro to macro, until that of [`super`] makes types of all of them.

macro_rules! geometry {
    ($then:ident $($rest:ident)* { $($before:tt)* }) => { $then! { $($rest)* { $($before)*

Geometry {
    /// Mirrors left and right.
    1 "hflip" HFlip {}

    /// Mirrors top and bottom.
    2 "vflip" VFlip {}

    /// Turns by 0, 90, 180 or 270 degrees; an image that is not square by 0 or 180.
    3 "rot90" Rot90 {}

    /// Turns about the middle.
    4 "rotate" Rotate {
        /// Angle in degrees, counter-clockwise.
        degrees: [f32; 2] = Value::Range([-15.0, 15.0]), in -360, 360;
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Reflect101), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Cuts out a part at a random place.
    5 "random_crop" RandomCrop {
        /// Rows of the part; 0 for those of the image.
        height: u32 = Value::Count(0), in 0, 4096;
        /// Columns of the part; 0 for those of the image.
        width: u32 = Value::Count(0), in 0, 4096;
        /// Pixels of margin put around the image first.
        padding: u32 = Value::Count(0), in 0, 4096;
        /// What the margin is made of: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Reflect101), in 0, 0;
    }

    /// Cuts out a part of random size and proportions and resizes it (Szegedy and others 2015).
    6 "random_resized_crop" RandomResizedCrop {
        /// Rows of the result; 0 for those of the image.
        height: u32 = Value::Count(0), in 0, 4096;
        /// Columns of the result; 0 for those of the image.
        width: u32 = Value::Count(0), in 0, 4096;
        /// Area of the part as a share of the image's.
        scale: [f32; 2] = Value::Range([0.5, 1.0]), in 0.001, 1;
        /// Width of the part over its height, drawn uniformly in its logarithm.
        ratio: [f32; 2] = Value::Range([0.75, 1.333_333_4]), in 0.05, 20;
        /// Resampling filter: nearest, bilinear, bicubic, lanczos3, box, area or bicubic75.
        filter: Filter = Value::Filter(Filter::Bilinear), in 0, 0;
        /// Whether the filter is stretched over all pixels that go into one where the image becomes smaller.
        antialias: bool = Value::Flag(true), in 0, 0;
        /// Whether nothing is rounded between the two passes of 8-bit values.
        precise: bool = Value::Flag(false), in 0, 0;
    }

    /// Puts a margin around the image.
    7 "pad" Pad {
        /// Rows above.
        top: u32 = Value::Count(0), in 0, 4096;
        /// Columns to the left.
        left: u32 = Value::Count(0), in 0, 4096;
        /// Rows below.
        bottom: u32 = Value::Count(0), in 0, 4096;
        /// Columns to the right.
        right: u32 = Value::Count(0), in 0, 4096;
        /// What the margin is made of: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Reflect101), in 0, 0;
    }

    /// Shifts, scales about the middle and shears, in one resampling.
    8 "shift_scale_shear" ShiftScaleShear {
        /// Shift to the right as a share of the width.
        shift_x: [f32; 2] = Value::Range([-0.1, 0.1]), in -1, 1;
        /// Shift downwards as a share of the height.
        shift_y: [f32; 2] = Value::Range([-0.1, 0.1]), in -1, 1;
        /// Growth: 1 keeps the size, 2 doubles it.
        scale: [f32; 2] = Value::Range([0.9, 1.1]), in 0.05, 20;
        /// Shear along the rows in degrees.
        shear_x: [f32; 2] = Value::Range([0.0, 0.0]), in -40, 40;
        /// Shear along the columns in degrees.
        shear_y: [f32; 2] = Value::Range([0.0, 0.0]), in -40, 40;
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Reflect101), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Moves each corner by itself, as a change of the point of view does.
    22 "perspective" Perspective {
        /// The most that a corner moves, as a share of the sides; from a quarter on, the picture might fold.
        shift: [f32; 2] = Value::Range([0.0, 0.1]), in 0, 0.24;
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Reflect101), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Mirrors at the diagonal: rows become columns.
    24 "transpose" Transpose {}

    /// One of the eight flips and quarter turns; for an image that is not square one of the four that keep its shape.
    25 "d4" D4 {}

    /// Cuts out the middle.
    26 "centre_crop" CentreCrop {
        /// Rows of the part; 0 for those of the image.
        height: u32 = Value::Count(0), in 0, 4096;
        /// Columns of the part; 0 for those of the image.
        width: u32 = Value::Count(0), in 0, 4096;
    }

    /// Resizes, each axis by itself.
    27 "resize" Resize {
        /// Rows of the result; 0 for those of the image.
        height: u32 = Value::Count(0), in 0, 4096;
        /// Columns of the result; 0 for those of the image.
        width: u32 = Value::Count(0), in 0, 4096;
        /// Resampling filter: nearest, bilinear, bicubic, lanczos3, box, area or bicubic75.
        filter: Filter = Value::Filter(Filter::Bilinear), in 0, 0;
        /// Whether the filter is stretched over all pixels that go into one where the image becomes smaller.
        antialias: bool = Value::Flag(true), in 0, 0;
        /// Whether nothing is rounded between the two passes of 8-bit values.
        precise: bool = Value::Flag(false), in 0, 0;
    }

    /// Resizes so that the longest side has this length; the proportions stay.
    28 "longest_side" LongestSide {
        /// Pixels of the longest side; 0 for those of the image.
        side: u32 = Value::Count(0), in 0, 4096;
        /// Resampling filter: nearest, bilinear, bicubic, lanczos3, box, area or bicubic75.
        filter: Filter = Value::Filter(Filter::Bilinear), in 0, 0;
        /// Whether the filter is stretched over all pixels that go into one where the image becomes smaller.
        antialias: bool = Value::Flag(true), in 0, 0;
        /// Whether nothing is rounded between the two passes of 8-bit values.
        precise: bool = Value::Flag(false), in 0, 0;
    }

    /// Resizes so that the smallest side has this length; the proportions stay.
    29 "smallest_side" SmallestSide {
        /// Pixels of the smallest side; 0 for those of the image.
        side: u32 = Value::Count(0), in 0, 4096;
        /// Resampling filter: nearest, bilinear, bicubic, lanczos3, box, area or bicubic75.
        filter: Filter = Value::Filter(Filter::Bilinear), in 0, 0;
        /// Whether the filter is stretched over all pixels that go into one where the image becomes smaller.
        antialias: bool = Value::Flag(true), in 0, 0;
        /// Whether nothing is rounded between the two passes of 8-bit values.
        precise: bool = Value::Flag(false), in 0, 0;
    }

    /// Resizes the whole image into the middle of the result; the proportions stay, and a margin fills the rest.
    30 "letterbox" Letterbox, leaks {
        /// Rows of the result; 0 for those of the image.
        height: u32 = Value::Count(0), in 0, 4096;
        /// Columns of the result; 0 for those of the image.
        width: u32 = Value::Count(0), in 0, 4096;
        /// The value of the margin in every channel.
        fill: u32 = Value::Count(114), in 0, 255;
        /// Resampling filter: nearest, bilinear, bicubic, lanczos3, box, area or bicubic75.
        filter: Filter = Value::Filter(Filter::Bilinear), in 0, 0;
        /// Whether the filter is stretched over all pixels that go into one where the image becomes smaller.
        antialias: bool = Value::Flag(true), in 0, 0;
        /// Whether nothing is rounded between the two passes of 8-bit values.
        precise: bool = Value::Flag(false), in 0, 0;
    }

    /// Turns about the middle, and grows the image as far as no border shows.
    32 "rotate_inside" RotateInside {
        /// Angle in degrees, counter-clockwise.
        degrees: [f32; 2] = Value::Range([-15.0, 15.0]), in -360, 360;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Cuts out a random part with all boxes in it, and resizes it; without boxes the part is the whole image.
    35 "box_safe_crop" BoxSafeCrop {
        /// Rows of the result; 0 for those of the image.
        height: u32 = Value::Count(0), in 0, 4096;
        /// Columns of the result; 0 for those of the image.
        width: u32 = Value::Count(0), in 0, 4096;
        /// Resampling filter: nearest, bilinear, bicubic, lanczos3, box, area or bicubic75.
        filter: Filter = Value::Filter(Filter::Bilinear), in 0, 0;
        /// Whether the filter is stretched over all pixels that go into one where the image becomes smaller.
        antialias: bool = Value::Flag(true), in 0, 0;
        /// Whether nothing is rounded between the two passes of 8-bit values.
        precise: bool = Value::Flag(false), in 0, 0;
    }

    /// Bends by a smooth random field (Simard and others 2003).
    80 "elastic" Elastic, plain {
        /// Standard deviation of a displacement along a side, as a share of the smaller side.
        deviation: [f32; 2] = Value::Range([0.01, 0.03]), in 0, 0.5;
        /// How far displacements go together, as a share of the smaller side: the σ of the Gaussian that they are as smooth as.
        sigma: [f32; 2] = Value::Range([0.08, 0.15]), in 0.01, 1;
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Reflect101), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Widens and narrows the columns and rows of a grid.
    81 "grid_distortion" GridDistortion, plain {
        /// The most that a cell grows or shrinks, as a share of its size.
        shift: [f32; 2] = Value::Range([0.1, 0.4]), in 0, 0.9;
        /// Cells along each side.
        cells: u32 = Value::Count(5), in 1, 32;
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Reflect101), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Bends as a lens does: barrel and pincushion.
    82 "optical_distortion" OpticalDistortion, plain {
        /// Strength: how much further from the middle a corner shows what it does; a barrel above 0, a pincushion below.
        strength: [f32; 2] = Value::Range([-0.2, 0.3]), in -0.3, 1;
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Reflect101), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Bends as a fisheye lens does; the corners stay.
    83 "fisheye" Fisheye, plain {
        /// The angle that lies between the middle and a corner, in degrees.
        degrees: [f32; 2] = Value::Range([35.0, 60.0]), in 1, 70;
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Reflect101), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Bends as a thin plate does whose points are moved (Bookstein 1989).
    84 "thin_plate" ThinPlate, plain {
        /// The most that a point moves, as a share of each side.
        shift: [f32; 2] = Value::Range([0.02, 0.08]), in 0, 0.5;
        /// Points along each side.
        points: u32 = Value::Count(4), in 2, 5;
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Reflect101), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Moves the nodes of a grid, and all between them in straight lines.
    85 "piecewise_affine" PiecewiseAffine, plain {
        /// The most that a node moves, as a share of the size of a cell.
        shift: [f32; 2] = Value::Range([0.1, 0.3]), in 0, 0.45;
        /// Cells along each side.
        cells: u32 = Value::Count(4), in 1, 32;
        /// What lies outside the image: reflect101, reflect, edge, wrap, or a value from 0 to 255.
        border: Border = Value::Border(Border::Reflect101), in 0, 0;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Puts the tiles of a grid into a random order.
    86 "grid_shuffle" GridShuffle, leaks, plain {
        /// Tiles along each side.
        cells: u32 = Value::Count(3), in 1, 16;
    }

    /// Shrinks the image and puts it somewhere into a picture of its size.
    87 "zoom_out" ZoomOut, leaks {
        /// How many times the image would fit along a side.
        factor: [f32; 2] = Value::Range([1.0, 2.0]), in 1, 16;
        /// The value around it in every channel.
        fill: u32 = Value::Count(0), in 0, 255;
        /// Resampling filter: nearest, bilinear, bicubic, lanczos3, box, area or bicubic75.
        filter: Filter = Value::Filter(Filter::Bilinear), in 0, 0;
        /// Whether the filter is stretched over all pixels that go into one where the image becomes smaller.
        antialias: bool = Value::Flag(true), in 0, 0;
        /// Whether nothing is rounded between the two passes of 8-bit values.
        precise: bool = Value::Flag(false), in 0, 0;
    }

    /// Cuts out a part that overlaps with a box by a random share at least, and resizes it (SSD, Liu and others 2016). The
    /// least share of the union of the two is none, 0.1, 0.3, 0.5, 0.7 or 0.9, each as likely as all of the image, which it is
    /// without boxes.
    88 "random_iou_crop" RandomIouCrop {
        /// Rows of the result; 0 for those of the image.
        height: u32 = Value::Count(0), in 0, 4096;
        /// Columns of the result; 0 for those of the image.
        width: u32 = Value::Count(0), in 0, 4096;
        /// Each side of the part as a share of the image's.
        scale: [f32; 2] = Value::Range([0.3, 1.0]), in 0.01, 1;
        /// Width of the part over its height.
        ratio: [f32; 2] = Value::Range([0.5, 2.0]), in 0.05, 20;
        /// Resampling filter: nearest, bilinear, bicubic, lanczos3, box, area or bicubic75.
        filter: Filter = Value::Filter(Filter::Bilinear), in 0, 0;
        /// Whether the filter is stretched over all pixels that go into one where the image becomes smaller.
        antialias: bool = Value::Flag(true), in 0, 0;
        /// Whether nothing is rounded between the two passes of 8-bit values.
        precise: bool = Value::Flag(false), in 0, 0;
    }
}

    } } };
}
