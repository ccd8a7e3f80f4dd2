//! One picture: its channels, its size, its margin.

use crate::codec::Pixels;
use crate::error::Result;
use seedbed::image::{Filter, Fit, Placement, ResizePlan, copy, grey_to_rgb, rgb_to_grey};
use seedbed::scratch::ScratchBuf;
use seedbed::{ImageMut, ImageRef, Level};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The longest side that pictures are resized to.
const MAX_SIDE: u32 = 8192;

/// The channels that pictures are brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As they are.
    Keep,
    /// One channel: Rec. 601 grey.
    Grey,
    /// Three channels.
    Rgb,
}

/// The size of a picture: `32` is square, `28x40` is height x width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |side: &str| side.trim().parse().ok().filter(|n| (1..=MAX_SIDE).contains(n));
        let (height, width) = text.split_once(['x', 'X', '×']).unwrap_or((text, text));
        match (side(height), side(width)) {
            (Some(height), Some(width)) => Ok(Self { height, width }),
            _ => Err(format!("size = {text} must be a number or HEIGHTxWIDTH, sides from 1 to {MAX_SIDE}")),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// A side, or a text.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Side(i64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Side(side) => side.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What is done to every picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preparer {
    pub level: Level,
    pub size: Option<Size>,
    pub filter: Filter,
    pub fit: Fit,
    pub fill: u8,
    pub mode: Mode,
}

impl Preparer {
    /// The prepared picture: channels first, then size; `None` where nothing is to be done.
    pub fn prepare(&self, pixels: &Pixels) -> Result<Option<Pixels>> {
        let converted = self.convert(pixels)?;
        let now = converted.as_ref().unwrap_or(pixels);
        match self.size {
            Some(size) if (size.height as usize, size.width as usize) != (now.height, now.width) => {
                self.resize(now, size).map(Some)
            }
            _ => Ok(converted),
        }
    }

    fn convert(&self, pixels: &Pixels) -> Result<Option<Pixels>> {
        let Pixels { height, width, channels, .. } = *pixels;
        let mut out = match (self.mode, channels) {
            (Mode::Grey, 3..) => Pixels::new(vec![0; height * width], height, width, 1)?,
            (Mode::Rgb, 1) => Pixels::new(vec![0; height * width * 3], height, width, 3)?,
            _ => return Ok(None),
        };
        let channels = out.channels;
        let dst = ImageMut::new(&mut out.data, height, width, channels)?;
        match self.mode {
            Mode::Grey => rgb_to_grey(self.level, pixels.view()?, dst)?,
            _ => grey_to_rgb(pixels.view()?, dst)?,
        }
        Ok(Some(out))
    }

    fn resize(&self, pixels: &Pixels, size: Size) -> Result<Pixels> {
        let (height, width, channels) = (size.height as usize, size.width as usize, pixels.channels);
        let Placement { source, target } =
            self.fit.placement((pixels.height, pixels.width), (height, width))?;
        let mut data = vec![self.fill; height * width * channels];
        let mut image = ImageMut::new(&mut data, height, width, channels)?;
        self.resample(source.of(pixels.view()?)?, target.of_mut(&mut image)?)?;
        Pixels::new(data, height, width, channels)
    }

    fn resample(&self, src: ImageRef<'_, u8>, dst: ImageMut<'_, u8>) -> Result<()> {
        let (from, to) = ((src.height(), src.width()), (dst.height(), dst.width()));
        if from == to {
            return Ok(copy(src, dst)?);
        }
        let (mut kept, mut lent) = (ScratchBuf::new(), ScratchBuf::new());
        let mut memory = kept.arena(ResizePlan::plan_len(self.filter, from, to));
        let plan = ResizePlan::new(self.filter, from, to, &mut memory)?;
        Ok(plan.run(self.level, src, dst, &mut lent.arena(plan.scratch_len(src.channels())))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preparer() -> Preparer {
        Preparer {
            level: Level::detect(),
            size: Some(Size { height: 4, width: 4 }),
            filter: Filter::Bilinear,
            fit: Fit::Stretch,
            fill: 9,
            mode: Mode::Keep,
        }
    }

    fn wide() -> Pixels {
        Pixels::new((0..8).flat_map(|y| (0..16).map(move |x| (y + x * 8) as u8)).collect(), 8, 16, 1).unwrap()
    }

    #[test]
    fn each_fit_does_what_its_name_says() {
        let of = |fit| Preparer { fit, ..preparer() }.prepare(&wide()).unwrap().unwrap();
        assert!(of(Fit::Stretch).data.iter().all(|&v| v != 9));
        let contain = of(Fit::Contain);
        assert_eq!((&contain.data[..4], &contain.data[12..]), (&[9; 4][..], &[9; 4][..]));
        assert!(contain.data[4] < contain.data[7]);
        let cover = of(Fit::Cover);
        // The middle 8 columns: from 4 × 8 = 32 on.
        assert!(cover.data.iter().all(|&v| (32..128).contains(&v)), "{cover:?}");
    }

    #[test]
    fn channels_are_converted_and_nothing_is_done_in_vain() {
        let keep = Preparer { size: None, ..preparer() };
        assert_eq!(keep.prepare(&wide()).unwrap(), None);
        let same = Preparer { size: Some(Size { height: 8, width: 16 }), ..preparer() };
        assert_eq!(same.prepare(&wide()).unwrap(), None);
        let rgb = Preparer { mode: Mode::Rgb, ..keep }.prepare(&wide()).unwrap().unwrap();
        assert_eq!(rgb.shape(), [8, 16, 3]);
        let grey = Preparer { mode: Mode::Grey, ..keep }.prepare(&rgb).unwrap().unwrap();
        assert_eq!(grey, wide());
        assert_eq!(
            Preparer { mode: Mode::Grey, ..preparer() }.prepare(&rgb).unwrap().unwrap().shape(),
            [4, 4, 1]
        );
    }

    #[test]
    fn sizes_are_read_in_their_two_forms() {
        let size = |height, width| Ok(Size { height, width });
        assert_eq!("32".parse(), size(32, 32));
        assert_eq!("28x40".parse(), size(28, 40));
        for bad in ["", "0", "-3", "3x", "9000", "1x2x3", "big"] {
            assert!(bad.parse::<Size>().unwrap_err().contains("HEIGHTxWIDTH"), "{bad}");
        }
        assert_eq!(serde_json::from_str::<Size>("32").unwrap(), Size { height: 32, width: 32 });
        assert_eq!(serde_json::from_str::<Size>("\"28x40\"").unwrap().to_string(), "28x40");
        assert!(serde_json::from_str::<Size>("-1").is_err());
    }
}
