//! Image quality: measures of one picture, and the checks that flag it.
//!
//! [`Quality::measure`] reads an 8-bit image once and tells its sharpness, brightness, contrast and information;
//! [`Quality::flagged`] compares these with [`Limits`]. The checks are those of CleanVision (Cleanlab 2022) under its
//! names: dark, light, low information, blurry, odd aspect ratio; and blank and noise besides. They differ from it in two
//! points: brightness is Rec. 601 grey, and blur is the variance of the Laplacian (Pech-Pacheco and others 2000), the
//! field's usual measure. What compares images with each other (duplicates, odd sizes) is in [`crate::prune`].

mod correlation;
mod histogram;
mod sharpness;

pub use histogram::Histogram;

use crate::error::{Error, Result};
use crate::image::rgb_to_grey;
use crate::math;
use crate::scratch::{Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};
use correlation::Correlation;
use sharpness::Sharpness;

/// What one image measures. Levels are those of its grey, 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Quality {
    /// Variance of the four-neighbour Laplacian over a mirrored border: small where the picture is blurred.
    pub sharpness: f32,
    /// Mean level.
    pub mean: f32,
    /// Standard deviation of the levels (RMS contrast).
    pub contrast: f32,
    /// The level below which 5 % of the pixels lie.
    pub percentile_5: f32,
    /// The level below which half of the pixels lie.
    pub median: f32,
    /// The level below which 99 % of the pixels lie.
    pub percentile_99: f32,
    /// Shannon entropy of the 256-bin histogram in bits, 0 to 8.
    pub entropy: f32,
    /// What neighbouring pixels have in common, those beside and those below each other: 1 − Geary's C (Geary 1954),
    /// near 1 where the picture is smooth, 0 for independent pixels, down to −1 where neighbours are opposite. 1 for
    /// one colour, and below 64 pixels, where chance would decide.
    pub correlation: f32,
    /// The shorter side over the longer one.
    pub aspect_ratio: f32,
}

/// A check that an image can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Issue {
    /// One colour, or nearly.
    Blank,
    /// Even the bright parts are dark.
    Dark,
    /// Even the dark parts are bright.
    Light,
    /// Few levels are in use.
    LowInformation,
    /// No sharp edge.
    Blurry,
    /// Pixels that have nothing to do with their neighbours.
    Noise,
    /// Much longer than wide, or wider than long.
    OddAspectRatio,
}

/// The limits of the checks. The defaults for dark, light, low information and odd aspect ratio are CleanVision's;
/// those for blank, blurry and noise, which it measures otherwise or not at all, are our own. The limits for information
/// and blur are meant for photographs, and drawings or digits need lower ones.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct Limits {
    /// [`Issue::Blank`] where the contrast is below this, in levels.
    pub blank: f32,
    /// [`Issue::Dark`] where the 99th percentile is below this share of 255.
    pub dark: f32,
    /// [`Issue::Light`] where the 5th percentile is less than this share of 255 from white.
    pub light: f32,
    /// [`Issue::LowInformation`] where the entropy is below this, in bits.
    pub low_information: f32,
    /// [`Issue::Blurry`] where the sharpness is below this.
    pub blurry: f32,
    /// [`Issue::Noise`] where the correlation is nearer to 0 than this. Of 127,000 pictures of Fashion-MNIST, MNIST, CIFAR-10
    /// and the UCI digits the lowest is 0.24; of independent pixels one picture of 8 × 8 in a hundred reaches 0.2.
    pub noise: f32,
    /// [`Issue::OddAspectRatio`] where the shorter side over the longer one is below this.
    pub odd_aspect_ratio: f32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            blank: 2.0,
            dark: 0.32,
            light: 0.05,
            low_information: 3.0,
            blurry: 100.0,
            noise: 0.2,
            odd_aspect_ratio: 0.35,
        }
    }
}

impl Issue {
    /// All of them, in the order in which [`Quality::flagged`] tells them.
    pub const ALL: [Issue; 7] = [
        Issue::Blank,
        Issue::Dark,
        Issue::Light,
        Issue::LowInformation,
        Issue::Blurry,
        Issue::Noise,
        Issue::OddAspectRatio,
    ];

    /// `blank`, `dark`, `light`, `low_information`, `blurry`, `noise` or `odd_aspect_ratio`.
    pub const fn name(self) -> &'static str {
        match self {
            Issue::Blank => "blank",
            Issue::Dark => "dark",
            Issue::Light => "light",
            Issue::LowInformation => "low_information",
            Issue::Blurry => "blurry",
            Issue::Noise => "noise",
            Issue::OddAspectRatio => "odd_aspect_ratio",
        }
    }
}

impl Quality {
    /// Bytes of scratch that [`Quality::measure`] takes for images of `shape` = (height, width, channels):
    /// a histogram and three grey rows.
    pub fn scratch_len(shape: (usize, usize, usize)) -> usize {
        ScratchLen::new().with::<u32>(256).with::<u8>(shape.1.saturating_mul(3)).bytes()
    }

    /// Measures an image of any number of channels: of three or more, the grey of the first three
    /// ([`rgb_to_grey`]); of fewer, the first one.
    ///
    /// ```
    /// use seedbed::quality::{Issue, Limits, Quality};
    /// use seedbed::{ImageRef, Level, Scratch};
    ///
    /// let black = ImageRef::new(&[0u8; 64], 8, 8, 1)?;
    /// let mut memory = vec![0; Quality::scratch_len(black.shape())];
    /// let quality = Quality::measure(Level::detect(), black, &mut Scratch::new(&mut memory))?;
    /// let issues: Vec<Issue> = quality.flagged(&Limits::default()).collect();
    /// assert_eq!(issues, [Issue::Blank, Issue::Dark, Issue::LowInformation, Issue::Blurry]);
    /// # Ok::<(), seedbed::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an image without pixels, [`Error::Overflow`] for one of 2³² pixels or more,
    /// [`Error::ScratchTooSmall`].
    pub fn measure(level: Level, image: ImageRef<'_, u8>, scratch: &mut Scratch<'_>) -> Result<Self> {
        let (height, width, _) = image.shape();
        if height == 0 || width == 0 {
            return Err(Error::InvalidArgument);
        }
        height.checked_mul(width).filter(|&n| u32::try_from(n).is_ok()).ok_or(Error::Overflow)?;
        let mut frame = scratch.frame();
        let mut histogram = Histogram::new(&mut frame)?;
        let rows = frame.take::<u8>(width.checked_mul(3).ok_or(Error::Overflow)?)?;
        let (mut above, rest) = rows.split_at_mut_checked(width).unwrap_or_default();
        let (mut here, mut below) = rest.split_at_mut_checked(width).unwrap_or_default();
        let (mut sharpness, mut correlation) = (Sharpness::default(), Correlation::default());
        // Rows −1 and `height` are mirrored: rows 1 and height − 2, or the only row there is.
        let mirrored = |y: usize| if y < height { y } else { height.saturating_sub(2) };
        grey_row(level, image, mirrored(1), above)?;
        grey_row(level, image, 0, here)?;
        for y in 0..height {
            grey_row(level, image, mirrored(y + 1), below)?;
            histogram.add(here);
            sharpness.add(level, above, here, below);
            correlation.add(level, here, if y + 1 < height { below } else { &[] });
            (above, here, below) = (here, below, above);
        }
        let variance = histogram.variance();
        let (short, long) = if height < width { (height, width) } else { (width, height) };
        Ok(Self {
            sharpness: sharpness.variance(),
            mean: histogram.mean(),
            contrast: math::sqrt(variance),
            percentile_5: histogram.percentile(5.0),
            median: histogram.percentile(50.0),
            percentile_99: histogram.percentile(99.0),
            entropy: histogram.entropy(),
            correlation: correlation.of(variance, histogram.total()),
            aspect_ratio: short as f32 / long as f32,
        })
    }

    /// Whether the image fails this check.
    pub fn fails(&self, issue: Issue, limits: &Limits) -> bool {
        match issue {
            Issue::Blank => self.contrast < limits.blank,
            Issue::Dark => self.percentile_99 / 255.0 < limits.dark,
            Issue::Light => 1.0 - self.percentile_5 / 255.0 < limits.light,
            Issue::LowInformation => self.entropy < limits.low_information,
            Issue::Blurry => self.sharpness < limits.blurry,
            Issue::Noise => math::abs(self.correlation) < limits.noise,
            Issue::OddAspectRatio => self.aspect_ratio < limits.odd_aspect_ratio,
        }
    }

    /// The checks that the image fails.
    pub fn flagged(&self, limits: &Limits) -> impl Iterator<Item = Issue> {
        Issue::ALL.into_iter().filter(move |&issue| self.fails(issue, limits))
    }
}

/// Row `y` of the image in grey.
fn grey_row(level: Level, image: ImageRef<'_, u8>, y: usize, out: &mut [u8]) -> Result<()> {
    let (width, channels) = (image.width(), image.channels());
    let row = image.row(y);
    if channels >= 3 {
        return rgb_to_grey(level, ImageRef::new(row, 1, width, channels)?, ImageMut::new(out, 1, width, 1)?);
    }
    for (to, from) in out.iter_mut().zip(row.iter().step_by(channels.max(1))) {
        *to = *from;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
