//! Adaptive discriminator augmentation: six groups of changes that do not leak into what is generated.

mod colour;
mod draw;
mod filter;
mod matrix;
mod moves;
mod resample;
mod run;
mod wavelet;

pub use self::draw::AdaChange;
pub use self::wavelet::BANDS;

use crate::error::{Error, Result};

/// Horizontal flips, quarter turns and moves by whole pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Blit {
    /// Share of p with which a flip, or none, is drawn.
    pub flip: f32,
    /// Share of p with which 0 to 3 quarter turns are drawn.
    pub turn: f32,
    /// Share of p with which a move is drawn.
    pub shift: f32,
    /// The longest move as a share of a side, rounded to whole pixels; 0 to 1.
    pub most_shift: f32,
}

impl Blit {
    /// As published.
    pub const ON: Self = Self { flip: 1.0, turn: 1.0, shift: 1.0, most_shift: 0.125 };
    /// None.
    pub const OFF: Self = Self { flip: 0.0, turn: 0.0, shift: 0.0, ..Self::ON };
}

/// Scaling, rotation and moves between pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Geometry {
    /// Share of p with which the picture is scaled.
    pub scale: f32,
    /// Share of p with which it is rotated before or after it is stretched.
    pub rotate: f32,
    /// Share of p with which it is stretched along one side and shrunk along the other.
    pub stretch: f32,
    /// Share of p with which it is moved.
    pub shift: f32,
    /// Standard deviation of the binary logarithm of the scale; 0 to 4.
    pub scale_std: f32,
    /// The largest angle either way, in half turns; 0 to 1.
    pub most_turn: f32,
    /// Standard deviation of the binary logarithm of the stretch; 0 to 4.
    pub stretch_std: f32,
    /// Standard deviation of the way along each side, as a share of it; 0 to 1.
    pub shift_std: f32,
}

impl Geometry {
    /// As published.
    pub const ON: Self = Self {
        scale: 1.0,
        rotate: 1.0,
        stretch: 1.0,
        shift: 1.0,
        scale_std: 0.2,
        most_turn: 1.0,
        stretch_std: 0.2,
        shift_std: 0.125,
    };
    /// None.
    pub const OFF: Self = Self { scale: 0.0, rotate: 0.0, stretch: 0.0, shift: 0.0, ..Self::ON };
}

/// Changes of colours. Hue and saturation are of pictures with three channels or more.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Colours {
    /// Share of p with which something is added to all values.
    pub brightness: f32,
    /// Share of p with which all values are multiplied.
    pub contrast: f32,
    /// Share of p with which brightness is mirrored at 0, or not.
    pub luma_flip: f32,
    /// Share of p with which hues are rotated.
    pub hue: f32,
    /// Share of p with which colours move away from grey.
    pub saturation: f32,
    /// Standard deviation of what is added; 0 to 4.
    pub brightness_std: f32,
    /// Standard deviation of the binary logarithm of the contrast; 0 to 4.
    pub contrast_std: f32,
    /// The largest rotation either way, in half turns; 0 to 1.
    pub most_hue: f32,
    /// Standard deviation of the binary logarithm of the saturation; 0 to 4.
    pub saturation_std: f32,
}

impl Colours {
    /// As published.
    pub const ON: Self = Self {
        brightness: 1.0,
        contrast: 1.0,
        luma_flip: 1.0,
        hue: 1.0,
        saturation: 1.0,
        brightness_std: 0.2,
        contrast_std: 0.5,
        most_hue: 1.0,
        saturation_std: 1.0,
    };
    /// None.
    pub const OFF: Self =
        Self { brightness: 0.0, contrast: 0.0, luma_flip: 0.0, hue: 0.0, saturation: 0.0, ..Self::ON };
}

/// Bands of frequencies made stronger and weaker.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Filtering {
    /// Share of p for each band, from low to high.
    pub bands: [f32; BANDS],
    /// Standard deviation of the binary logarithm of a gain; 0 to 4.
    pub std: f32,
}

impl Filtering {
    /// As published.
    pub const ON: Self = Self { bands: [1.0; BANDS], std: 1.0 };
    /// None.
    pub const OFF: Self = Self { bands: [0.0; BANDS], ..Self::ON };
}

/// Normal noise on every value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Noise {
    /// Share of p.
    pub share: f32,
    /// The deviation of a picture's noise is the magnitude of a normal number of this deviation; 0 to 4.
    pub std: f32,
}

impl Noise {
    /// As published.
    pub const ON: Self = Self { share: 1.0, std: 0.1 };
    /// None.
    pub const OFF: Self = Self { share: 0.0, ..Self::ON };
}

/// A part that becomes 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cutout {
    /// Share of p.
    pub share: f32,
    /// Its sides as a share of the picture's; 0 to 1. It lies anywhere and may reach out.
    pub size: f32,
}

impl Cutout {
    /// As published.
    pub const ON: Self = Self { share: 1.0, size: 0.5 };
    /// None.
    pub const OFF: Self = Self { share: 0.0, ..Self::ON };
}

/// The augmentations of adaptive discriminator augmentation (Karras and others 2020), in the order in which they are done.
/// Each happens with a share of one probability p, that of [`Ada::draw`]; shares are from 0 to 1, and 0 is off.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ada {
    /// Pixel blitting.
    pub blit: Blit,
    /// General geometric transformations.
    pub geometry: Geometry,
    /// Colour transformations.
    pub colours: Colours,
    /// Image-space filtering.
    pub filter: Filtering,
    /// Additive noise.
    pub noise: Noise,
    /// Cutout.
    pub cutout: Cutout,
}

impl Ada {
    /// None.
    pub const NONE: Self = Self {
        blit: Blit::OFF,
        geometry: Geometry::OFF,
        colours: Colours::OFF,
        filter: Filtering::OFF,
        noise: Noise::OFF,
        cutout: Cutout::OFF,
    };
    /// Blitting, geometry and colours, which served best in the paper.
    pub const BGC: Self = Self { blit: Blit::ON, geometry: Geometry::ON, colours: Colours::ON, ..Self::NONE };
    /// All six groups.
    pub const ALL: Self = Self { filter: Filtering::ON, noise: Noise::ON, cutout: Cutout::ON, ..Self::BGC };

    /// Refuses numbers that are out of range.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::NotFinite`].
    pub fn check(&self) -> Result<()> {
        let Self { blit, geometry, colours, filter, noise, cutout } = self;
        let shares = [
            [blit.flip, blit.turn, blit.shift, blit.most_shift],
            [geometry.scale, geometry.rotate, geometry.stretch, geometry.shift],
            [colours.brightness, colours.contrast, colours.luma_flip, colours.hue],
            [colours.saturation, geometry.most_turn, geometry.shift_std, colours.most_hue],
            [noise.share, cutout.share, cutout.size, 0.0],
            filter.bands,
        ];
        let deviations = [
            [geometry.scale_std, geometry.stretch_std, colours.brightness_std, colours.contrast_std],
            [colours.saturation_std, filter.std, noise.std, 0.0],
        ];
        let (shares, deviations) = (shares.as_flattened(), deviations.as_flattened());
        if !shares.iter().chain(deviations).all(|v| v.is_finite()) {
            return Err(Error::NotFinite);
        }
        let fits = shares.iter().all(|v| (0.0..=1.0).contains(v))
            && deviations.iter().all(|v| (0.0..=4.0).contains(v));
        if fits { Ok(()) } else { Err(Error::InvalidArgument) }
    }
}

impl Default for Ada {
    fn default() -> Self {
        Self::BGC
    }
}
