//! The operations, each described once.

use super::field::{Field, Param, Value};
use crate::error::{Error, Result};
use crate::image::{Border, Filter, Interpolation};

/// What is known about one kind of operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    /// Its number in the encoding; never reused.
    pub code: u16,
    /// Its name in recipes.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Its parameters in the order of the encoding.
    pub fields: &'static [Field],
}

/// Makes [`Op`] and everything that follows from the list: names, codes, defaults, ranges, conversions.
macro_rules! ops {
    ($(
        $(#[doc = $doc:literal])+
        $code:literal $name:literal $variant:ident {
            $( $(#[doc = $field_doc:literal])+ $field:ident: $ty:ty = $default:expr, in $low:literal, $high:literal; )*
        }
    )*) => {
        /// One operation with the ranges of its parameters.
        ///
        /// Ranges are uniform draws between two values, both inside the limits of the parameter's [`Field`].
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Op {
            $(
                $(#[doc = $doc])+
                $variant { $( $(#[doc = $field_doc])+ $field: $ty ),* },
            )*
        }

        impl Op {
            /// Every kind of operation, in the order of their codes.
            pub const KINDS: &'static [Kind] = &[$( Kind {
                code: $code,
                name: $name,
                doc: concat!($($doc),+),
                fields: &[$( Field {
                    name: stringify!($field),
                    doc: concat!($($field_doc),+),
                    default: $default,
                    low: $low as f32,
                    high: $high as f32,
                } ),*],
            } ),*];

            /// The code of the operation's kind.
            pub const fn code(&self) -> u16 {
                match self { $( Op::$variant { .. } => $code ),* }
            }

            /// Calls `each` with the parameters in the order of their fields.
            pub fn for_each_value(&self, mut each: impl FnMut(Value)) {
                // An operation without parameters calls nothing.
                let _ = &mut each;
                match *self { $( Op::$variant { $($field),* } => { $( each($field.into()); )* } ),* }
            }

            /// The operation of this code with parameters in the order of its fields; `None` where there is no
            /// such code, or the values are too few or of another kind. Ranges are not checked: see [`Op::validate`].
            pub fn from_values(code: u16, mut values: impl Iterator<Item = Value>) -> Option<Op> {
                let _ = &mut values;
                match code {
                    $( $code => Some(Op::$variant { $( $field: <$ty>::from_value(values.next()?)? ),* }), )*
                    _ => None,
                }
            }
        }
    };
}

ops! {
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

    /// Adds normal noise to each value by itself.
    12 "gaussian_noise" GaussianNoise {
        /// Standard deviation in levels of 0 to 255.
        std: [f32; 2] = Value::Range([2.0, 10.0]), in 0, 255;
    }

    /// Blurs with a Gaussian.
    13 "gaussian_blur" GaussianBlur {
        /// Standard deviation in pixels.
        sigma: [f32; 2] = Value::Range([0.3, 1.0]), in 0.05, 32;
    }

    /// Paints over a rectangle at a random place (DeVries and Taylor 2017).
    14 "cutout" Cutout {
        /// Height of the rectangle as a share of the image's.
        height: [f32; 2] = Value::Range([0.1, 0.3]), in 0, 1;
        /// Width of the rectangle as a share of the image's.
        width: [f32; 2] = Value::Range([0.1, 0.3]), in 0, 1;
        /// The value painted in every channel.
        fill: u32 = Value::Count(0), in 0, 255;
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
    17 "invert" Invert {}

    /// Inverts light values.
    18 "solarise" Solarise {
        /// The least value that is inverted, in levels of 0 to 255.
        threshold: [f32; 2] = Value::Range([128.0, 128.0]), in 0, 256;
    }

    /// Keeps the upper bits of each value.
    19 "posterise" Posterise {
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

    /// Replaces each value by the mean of the square around it.
    21 "box_blur" BoxBlur {
        /// Pixels of the square on either side of its middle.
        radius: u32 = Value::Count(1), in 0, 96;
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

    /// Does some of its members, which are the steps that follow it: as many as are drawn, each as likely as the others.
    23 "some_of" SomeOf {
        /// Steps that belong to it; each may be such a group, with members of its own.
        members: u32 = Value::Count(1), in 1, 16;
        /// Members that are done at least.
        least: u32 = Value::Count(0), in 0, 16;
        /// Members that are done at most.
        most: u32 = Value::Count(0), in 0, 16;
        /// Whether in any order, where more than one may be done, or in that in which they follow.
        any_order: bool = Value::Flag(false), in 0, 0;
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
    30 "letterbox" Letterbox {
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

    /// Takes the colours away: the grey of ITU-R BT.601 in red, green and blue.
    31 "greyscale" Greyscale {}

    /// Turns about the middle, and grows the image as far as no border shows.
    32 "rotate_inside" RotateInside {
        /// Angle in degrees, counter-clockwise.
        degrees: [f32; 2] = Value::Range([-15.0, 15.0]), in -360, 360;
        /// How values between pixels are found: nearest, bilinear, bicubic or bicubic75.
        interpolation: Interpolation = Value::Interpolation(Interpolation::Bilinear), in 0, 0;
    }

    /// Paints over several rectangles at random places, which may meet (coarse dropout).
    33 "coarse_dropout" CoarseDropout {
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
    34 "random_erasing" RandomErasing {
        /// Area of the rectangle as a share of the image's.
        scale: [f32; 2] = Value::Range([0.02, 0.33]), in 0.001, 1;
        /// Width of the rectangle over its height, drawn uniformly in its logarithm.
        ratio: [f32; 2] = Value::Range([0.3, 3.3]), in 0.05, 20;
        /// The value painted in every channel; 256 for values that are drawn one by one.
        fill: u32 = Value::Count(256), in 0, 256;
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
}

impl Kind {
    /// Whether it is a group of other steps, and so nothing by itself.
    pub const fn is_group(&self) -> bool {
        self.code == 23
    }

    /// The operation of this kind with every parameter at its default.
    pub fn default_op(&self) -> Option<Op> {
        Op::from_values(self.code, self.fields.iter().map(|f| f.default))
    }
}

impl Op {
    /// What is known about this operation.
    pub fn kind(&self) -> Option<&'static Kind> {
        Kind::of(self.code())
    }

    /// Refuses parameters outside the limits of their fields, and groups of fewer members than they do.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument).
    pub fn validate(&self) -> Result<()> {
        let mut fields = self.kind().map_or(&[][..], |kind| kind.fields).iter();
        let mut result = Ok(());
        self.for_each_value(|value| {
            if let Some(field) = fields.next() {
                result = result.and(field.check(value));
            }
        });
        match *self {
            Op::SomeOf { members, least, most, any_order }
                if least > most || most > members || any_order && most < 2 =>
            {
                result.and(Err(Error::InvalidArgument))
            }
            _ => result,
        }
    }
}

impl Kind {
    /// The kind of this code.
    pub fn of(code: u16) -> Option<&'static Kind> {
        Op::KINDS.iter().find(|kind| kind.code == code)
    }
}
