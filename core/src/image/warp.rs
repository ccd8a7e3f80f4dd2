//! Warps: the output looked up in the source through one map, with one sampling between pixels.

mod bilinear;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod map;
mod places;
mod sample;
mod span;

pub use self::map::{Affine, Map, Motion, Perspective};
pub(super) use self::sample::Bilinear;

use self::places::Path;
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
/// Coordinates are fixed-point with 32 fractional bits, of which a projective map fills 20. Bilinear sampling of 8-bit
/// values rounds them to 11 bits; the weighted sum of four pixels is exact and rounded half up. All other sampling is in
/// `f32`, of the pixels of a row and then of the rows. 8-bit results are within one level of the exact value, without
/// bias.
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
    let cubic = |a, dst| sample::weighted_image::<T, 4>(level, &path, Kernel::Cubic(a), border, src, dst);
    match interpolation {
        Interpolation::Nearest => sample::nearest_image(level, &path, border, src, dst),
        Interpolation::Bilinear => T::bilinear(level, &path, border, src, dst),
        Interpolation::Bicubic => cubic(-0.5, dst),
        Interpolation::Bicubic75 => cubic(-0.75, dst),
    }
    Ok(())
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
    sample::nearest_image(level, &path, border, src, dst);
    Ok(())
}

impl Path {
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
