//! Warps: the output looked up in the source through one map, with one sampling between pixels.

mod bicubic;
mod bilinear;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod map;
mod places;
mod sample;
mod span;
mod weights;

pub use self::map::{Affine, Map, Motion, Perspective};
pub(super) use self::sample::Sampled;

pub(super) use self::places::Path;
use self::sample::Kernel;
use super::{Border, Sample, same};
use crate::error::{Error, Result};
use crate::scratch::Plain;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// How values between pixels are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Interpolation {
    /// The nearest pixel, of two equally near ones the one right or below: for masks.
    Nearest,
    /// Between the four pixels around.
    #[default]
    Bilinear,
    /// By the cubic of Keys 1981 with a = −½, from sixteen pixels.
    Bicubic,
    /// By that cubic with a = −¾, as OpenCV and PyTorch have it.
    Bicubic75,
}

impl Interpolation {
    /// All of them, in the order of the encoding of pipelines.
    pub const ALL: [Self; 4] = [Self::Nearest, Self::Bilinear, Self::Bicubic, Self::Bicubic75];

    /// `nearest`, `bilinear`, `bicubic` or `bicubic75`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Bilinear => "bilinear",
            Self::Bicubic => "bicubic",
            Self::Bicubic75 => "bicubic75",
        }
    }
}

/// `dst` shows `src` through the inverse map; `border` stands outside the source. `dst` may have another size than
/// `src`.
///
/// Coordinates are fixed-point with 32 fractional bits, of which a projective map fills 20. Integers are sampled in
/// integers: coordinates are rounded to as many bits as the table says, weights have these bits, and add up to one
/// exactly; weighted sums of rows are rounded half up to the bits of a row, and the weighted sum of those, which is exact,
/// half up to a value, cut off at the ends of the range. Floats are sampled in `f32` by the same steps.
///
/// | values | sampling | coordinates | weights | rows |
/// | --- | --- | --- | --- | --- |
/// | `u8` | bilinear | 11 | 11 | exact |
/// | `u8` | bicubic | 15 | 14 | 6 |
/// | `u16` | either | 24 | 24 | 14 |
///
/// The bicubic weights of a fraction t, with k = −a, s = 1 − t and h = t − t·s² + t²·s, are −k·t·s², 1 − h + k·t²·s,
/// h + k·t·s² and −k·t²·s, where h and the products with k are rounded. Integers are within one level of the exact value,
/// without bias.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the channels differ, [`Error::InvalidArgument`] where an affine map leads further than
/// 2³⁰ pixels away, a map is not finite, or where `src` is empty and the border is not a constant.
pub fn warp<T: Sample>(
    level: Level,
    map: impl Into<Map>,
    interpolation: Interpolation,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
) -> Result<()> {
    let path = Path::between(map.into(), border, &src, &dst)?;
    through(level, &path, interpolation, border, src, dst);
    Ok(())
}

/// [`warp`] along a path that has been checked.
pub(super) fn through<T: Sample>(
    level: Level,
    path: &Path<'_>,
    interpolation: Interpolation,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
) {
    let kernel = match interpolation {
        Interpolation::Nearest => return nearest_through(level, path, border, src, dst),
        Interpolation::Bilinear => Kernel::Linear,
        Interpolation::Bicubic => Kernel::Cubic(2),
        Interpolation::Bicubic75 => Kernel::Cubic(3),
    };
    T::sample(level, path, kernel, border, src, dst);
}

/// [`warp`] by the nearest pixels, for values of any kind: masks.
///
/// # Errors
/// As [`warp`].
pub fn warp_nearest<T: Plain>(
    level: Level,
    map: impl Into<Map>,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
) -> Result<()> {
    let path = Path::between(map.into(), border, &src, &dst)?;
    nearest_through(level, &path, border, src, dst);
    Ok(())
}

/// [`warp_nearest`] along a path that has been checked.
pub(super) fn nearest_through<T: Plain>(
    level: Level,
    path: &Path<'_>,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
) {
    sample::nearest_image(level, path, border, src, dst);
}

impl Path<'_> {
    /// The path of `map` from one image to another.
    fn between<T: Copy>(
        map: Map,
        border: Border<T>,
        src: &ImageRef<'_, T>,
        dst: &ImageMut<'_, T>,
    ) -> Result<Self> {
        same(src.channels(), dst.channels())?;
        let path = Self::new(map, (dst.height(), dst.width()))?;
        if (src.height() == 0 || src.width() == 0) && border.constant().is_none() {
            return Err(Error::InvalidArgument);
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests;
