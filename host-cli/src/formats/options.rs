//! What the user may say about a source.

use super::Format;
use super::bytes::MAX_UNPACKED;
use crate::codec;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What to do with a row that lacks a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// The row is set aside.
    #[default]
    #[serde(alias = "set_aside")]
    #[value(alias = "set_aside")]
    SetAside,
    /// The row is kept; the value is null in the dataset.
    Keep,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Missing::SetAside => "set-aside",
            Missing::Keep => "keep",
        })
    }
}

/// Whether the first line of a text table names its columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Header {
    /// Told by the content.
    #[default]
    Auto,
    /// It does.
    Yes,
    /// It is a sample like the others.
    No,
}

/// What stands before the decimals of the numbers in a text table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Decimal {
    /// A point; a comma in columns where that can be nothing else.
    #[default]
    Auto,
    /// A point.
    Point,
    /// A comma; points may stand between thousands.
    Comma,
}

/// Height, width and channels (1 or 3) of pictures that are given as rows of values: `8x8`, `32x32x3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 or 3.
    pub channels: usize,
}

impl Shape {
    /// Values in a picture.
    pub const fn values(&self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.channels)
    }

    /// The error of an option that does not fit what a sample has.
    pub(super) fn misfit(&self, sample: &str) -> Error {
        Error::usage(format!("image_shape {self} has {} values, {sample}", self.values()))
            .hint("give --image-shape (recipe key `image_shape`) as height x width [x channels], and --label")
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

impl FromStr for Shape {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::out_of_range("image_shape", text, "like 8x8 or 32x32x3: height, width, channels (1 or 3)")
        };
        let sides: Option<Vec<usize>> = text.split(['x', 'X', '×']).map(|n| n.trim().parse().ok()).collect();
        let (height, width, channels) = match sides.as_deref() {
            Some([h, w]) => (*h, *w, 1),
            Some([h, w, c]) => (*h, *w, *c),
            _ => return Err(wrong()),
        };
        let shape = Self { height, width, channels };
        let usable = matches!(channels, 1 | 3) && height > 0 && width > 0 && shape.values() < 1 << 31;
        if usable { Ok(shape) } else { Err(wrong()) }
    }
}

/// What the user said about a source.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The format.
    pub format: Format,
    /// Of a table: the name or number (from 1) of the label column, or `none`. Of arrays: the file of
    /// the labels, or where one file holds several their name, or `none`; of CIFAR-100 `fine` or `coarse`.
    pub label: Option<String>,
    /// Of a table: the name or number (from 1) of the column that groups the rows. Of NPZ and safetensors: the name of the
    /// array.
    pub group: Option<String>,
    /// Rows of values are pictures of this shape.
    pub image_shape: Option<Shape>,
    /// The value that becomes 255 in a picture.
    pub value_max: Option<f64>,
    /// Whether the first line of a text table names its columns.
    pub header: Header,
    /// What stands before the decimals in a text table.
    pub decimal: Decimal,
    /// What to do with a row that lacks a value.
    pub missing: Missing,
    /// Whether links may lead out of the source.
    pub follow_links: bool,
    /// The most pixels that a picture may have.
    pub max_pixels: u64,
    /// The most bytes that a compressed file may unpack to.
    pub max_unpacked: u64,
}

/// Everything is guessed.
impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            label: None,
            group: None,
            image_shape: None,
            value_max: None,
            header: Header::Auto,
            decimal: Decimal::Auto,
            missing: Missing::SetAside,
            follow_links: false,
            max_pixels: codec::MAX_PIXELS,
            max_unpacked: MAX_UNPACKED,
        }
    }
}
