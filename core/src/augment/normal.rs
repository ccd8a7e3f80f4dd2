//! Numbers for a network: how the image that comes out is normalised.

use crate::error::{Error, Result};
use crate::image::{Normaliser, Sample};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// The most channels that a pipeline's own normalisation is for.
pub const MOST_CHANNELS: usize = 16;

/// What (v − mean) / std takes for each channel, and how the numbers lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal<'a> {
    /// The mean of each channel as a share of the largest value.
    pub mean: &'a [f32],
    /// The standard deviation of each channel, likewise.
    pub std: &'a [f32],
    /// Channels × height × width as PyTorch has it, instead of height × width × channels.
    pub planes: bool,
}

/// A [`Normal`] as a part of a pipeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Kept {
    mean: heapless::Vec<f32, MOST_CHANNELS>,
    std: heapless::Vec<f32, MOST_CHANNELS>,
    planes: bool,
}

impl Kept {
    /// Refuses no channels at all, as many means as there are not deviations, and what [`crate::image::normalise`] refuses.
    pub fn new(Normal { mean, std, planes }: Normal<'_>) -> Result<Self> {
        if mean.is_empty() {
            return Err(Error::InvalidArgument);
        }
        Normaliser::<f32>::new(mean, std, mean.len())?;
        let all = |numbers| heapless::Vec::from_slice(numbers).map_err(|_| Error::CapacityExceeded);
        Ok(Self { mean: all(mean)?, std: all(std)?, planes })
    }

    pub fn normal(&self) -> Normal<'_> {
        Normal { mean: &self.mean, std: &self.std, planes: self.planes }
    }
}

/// A [`Normal`] made ready for images of as many channels.
pub(super) struct Numbers<'a, T> {
    normaliser: Normaliser<'a, T>,
    planes: bool,
}

impl<'a, T: Sample> Numbers<'a, T> {
    pub fn new(normal: Normal<'a>, channels: usize) -> Result<Self> {
        let normaliser = Normaliser::new(normal.mean, normal.std, channels)?;
        Ok(Self { normaliser, planes: normal.planes })
    }

    /// Writes the normalised `image` to `to`, which is as long.
    pub fn write(&self, level: Level, image: ImageRef<'_, T>, to: &mut [f32]) -> Result<()> {
        if self.planes {
            return self.normaliser.planes(level, image, to);
        }
        let (height, width, channels) = image.shape();
        self.normaliser.interleaved(level, image, ImageMut::new(to, height, width, channels)?)
    }
}
