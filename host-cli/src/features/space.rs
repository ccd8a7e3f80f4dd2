//! What the numbers of a sample are.

use super::{Given, Moments};
use crate::codec::Pixels;
use crate::dataset::{Dataset, ImageShape, Kind, Sample, Split};
use crate::error::{Error, Result};
use crate::stages::preprocess::{Mode, Preparer, Size};
use seedbed::Level;
use seedbed::image::{Filter, Fit};

/// The side that pictures of several sizes are brought to before they are compared.
pub const TILE: u32 = 32;

/// How a sample becomes a row of numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Space {
    /// Pixels in 0..1, rows from the top, channels interleaved; other sizes are resized to this one.
    Pixels(ImageShape),
    /// Columns of a table: (value − mean) / deviation, 0 where the value is missing.
    Columns {
        /// The numbers of the columns.
        chosen: Vec<usize>,
        /// Mean of each chosen column over the train split.
        mean: Vec<f32>,
        /// Standard deviation of each; 0 for a constant column, which then is 0 everywhere.
        std: Vec<f32>,
    },
    /// Numbers that the user brings for each id.
    Given(Given),
}

impl Space {
    /// All pixels (at one size: the dataset's, or [`TILE`] × [`TILE`]), or all columns.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub fn of(dataset: &Dataset) -> Result<Self> {
        match dataset.meta().kind {
            Kind::Images => {
                let tile = ImageShape { height: TILE, width: TILE, channels: 3 };
                Ok(Self::Pixels(dataset.meta().image.unwrap_or(tile)))
            }
            _ => Self::columns(dataset, (0..dataset.meta().columns.len()).collect()),
        }
    }

    /// Columns of a table by their names.
    ///
    /// # Errors
    /// When the dataset is no table, or has no column of a name.
    pub fn named(dataset: &Dataset, names: &[String]) -> Result<Self> {
        let meta = dataset.meta();
        if meta.kind != Kind::Table {
            return Err(Error::usage(format!("pictures have no columns: {}", dataset.folder().display())));
        }
        let number = |name: &String| {
            meta.columns.iter().position(|c| c == name).ok_or_else(|| {
                Error::usage(format!("no column `{name}`: {}", dataset.folder().display()))
                    .hint(format!("one of {}", meta.columns.join(", ")))
            })
        };
        Self::columns(dataset, names.iter().map(number).collect::<Result<_>>()?)
    }

    /// Standardised by the train split, or by all rows where it is empty.
    fn columns(dataset: &Dataset, chosen: Vec<usize>) -> Result<Self> {
        let train = dataset.meta().counts.train > 0;
        let counted = |s: &Sample| !train || s.split == Split::Train;
        let mut columns = vec![Moments::default(); chosen.len()];
        for sample in dataset.samples() {
            let sample = sample?;
            if counted(&sample) {
                let row = sample.row();
                columns.iter_mut().zip(&chosen).for_each(|(column, &c)| column.add(row[c]));
            }
        }
        let (mean, std) = columns.iter().map(|c| (c.mean(), c.std())).unzip();
        Ok(Self::Columns { chosen, mean, std })
    }

    /// Numbers in a row.
    pub fn cols(&self) -> usize {
        match self {
            Self::Pixels(s) => s.height as usize * s.width as usize * s.channels as usize,
            Self::Columns { chosen, .. } => chosen.len(),
            Self::Given(given) => given.cols,
        }
    }

    /// The name of the space beside a score.
    pub fn name(&self) -> String {
        match self {
            Self::Pixels(s) => format!("pixels {} × {} × {}", s.height, s.width, s.channels),
            Self::Columns { chosen, .. } => format!("{} standardised columns", chosen.len()),
            Self::Given(given) => format!("{} features of {}", given.cols, given.name),
        }
    }

    /// The numbers of a sample.
    ///
    /// # Errors
    /// When the sample is of the other kind or damaged; the error names it.
    pub fn row(&self, level: Level, sample: &Sample) -> Result<Vec<f32>> {
        match self {
            Self::Pixels(shape) => {
                let pixels = to_shape(level, &sample.pixels()?, *shape)?;
                Ok(pixels.iter().map(|&v| f32::from(v) / 255.0).collect())
            }
            Self::Columns { chosen, mean, std } => {
                let row = sample.row();
                let scaled = chosen.iter().zip(mean.iter().zip(std)).map(|(&c, (&m, &s))| {
                    let value = row.get(c).copied().unwrap_or(f32::NAN);
                    if value.is_nan() || s == 0.0 { 0.0 } else { (value - m) / s }
                });
                Ok(scaled.collect())
            }
            Self::Given(given) => given.row(&sample.id),
        }
    }

    /// Whether pictures of so many channels have a row.
    pub fn takes(&self, channels: usize) -> bool {
        match self {
            Self::Pixels(shape) => {
                channels == shape.channels as usize || matches!((channels, shape.channels), (1, 3) | (3, 1))
            }
            Self::Columns { .. } | Self::Given(_) => false,
        }
    }

    /// A picture's 8-bit pixels at the shape of this space; those of a table space are none.
    ///
    /// # Errors
    /// When the picture has channels that cannot be brought to this space's.
    pub fn fit(&self, level: Level, pixels: &Pixels) -> Result<Vec<u8>> {
        match self {
            Self::Pixels(shape) => to_shape(level, pixels, *shape),
            Self::Columns { .. } | Self::Given(_) => Ok(Vec::new()),
        }
    }

    /// Back from numbers to 8-bit pixels, rounded and moved into 0..=255; `None` for a table.
    pub fn pixels(&self, row: &[f32]) -> Option<Result<Pixels>> {
        let Self::Pixels(s) = self else { return None };
        let data = row.iter().map(|&v| seedbed::math::to_u8(v * 255.0)).collect();
        Some(Pixels::new(data, s.height as usize, s.width as usize, s.channels as usize))
    }
}

/// The pixels of a picture at a shape: channels first, then the size, antialiased by Lanczos as Pillow does it.
fn to_shape(level: Level, pixels: &Pixels, shape: ImageShape) -> Result<Vec<u8>> {
    let mode = match (pixels.channels, shape.channels) {
        (1, 3) => Mode::Rgb,
        (3, 1) => Mode::Grey,
        (a, b) if a == b as usize => Mode::Keep,
        (a, b) => return Err(Error::failed(format!("a picture of {a} channels cannot have {b}"))),
    };
    let size = Some(Size { height: shape.height, width: shape.width });
    let preparer = Preparer { level, size, filter: Filter::Lanczos3, fit: Fit::Stretch, fill: 0, mode };
    Ok(preparer.prepare(pixels)?.map_or_else(|| pixels.data.clone(), |prepared| prepared.data))
}
