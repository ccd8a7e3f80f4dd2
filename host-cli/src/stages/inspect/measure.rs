//! What is measured of each sample, and the statistics over all of them.

use crate::dataset::{Content, Meta, Sample, Split};
use crate::error::{Context, Result};
use crate::features::canonical;
use seedbed::Level;
use seedbed::prune::content_hash;
use seedbed::quality::Quality;
use seedbed::scratch::ScratchBuf;
use serde::Serialize;
use std::collections::BTreeMap;

/// One sample without its pixels.
#[derive(Clone, Debug)]
pub struct Measured {
    pub id: String,
    pub label: Option<u32>,
    pub split: Split,
    /// Of the decoded content.
    pub hash: u128,
    pub content: Measures,
}

/// What depends on the kind of content.
#[derive(Clone, Debug)]
pub enum Measures {
    /// Of a picture: height, width and channels, its quality, and the levels of each channel.
    Picture { shape: [usize; 3], quality: Quality, channels: Vec<Levels> },
    /// The row itself.
    Row(Vec<f32>),
}

/// The levels of one channel of some pixels. Whole numbers: their sums do not depend on any order.
#[derive(Clone, Copy, Debug)]
pub struct Levels {
    pixels: u128,
    sum: u128,
    squares: u128,
    min: u8,
    max: u8,
}

impl Levels {
    const NONE: Self = Self { pixels: 0, sum: 0, squares: 0, min: u8::MAX, max: 0 };

    fn of(values: impl Iterator<Item = u8>) -> Self {
        let (mut pixels, mut sum, mut squares, mut min, mut max) = (0u64, 0u64, 0u64, u8::MAX, 0);
        for v in values {
            pixels += 1;
            sum += u64::from(v);
            squares += u64::from(v) * u64::from(v);
            min = min.min(v);
            max = max.max(v);
        }
        Self { pixels: pixels.into(), sum: sum.into(), squares: squares.into(), min, max }
    }

    fn and(self, other: Self) -> Self {
        Self {
            pixels: self.pixels + other.pixels,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }
}

impl Measured {
    /// Measures a sample.
    ///
    /// # Errors
    /// When its picture is damaged or too large to measure; the error names the sample.
    pub fn of(level: Level, sample: Sample) -> Result<Self> {
        let (hash, content) = match &sample.content {
            Content { image: None, row, .. } => {
                let bytes: Vec<u8> = row.iter().flat_map(|&v| canonical(v).to_le_bytes()).collect();
                (content_hash(&[row.len()], &bytes), Measures::Row(row.clone()))
            }
            Content { image: Some(_), .. } => {
                let pixels = sample.pixels()?;
                let view = pixels.view()?;
                let mut scratch = ScratchBuf::new();
                let mut arena = scratch.arena(Quality::scratch_len(view.shape()));
                let quality = Quality::measure(level, view, &mut arena).at(&sample.id)?;
                let of = |c: usize| Levels::of(pixels.data.iter().skip(c).step_by(pixels.channels).copied());
                let channels = (0..pixels.channels).map(of).collect();
                let shape = pixels.shape();
                (content_hash(&shape, &pixels.data), Measures::Picture { shape, quality, channels })
            }
        };
        Ok(Self { id: sample.id, label: sample.label, split: sample.split, hash, content })
    }

    /// The row, or nothing.
    pub fn row(&self) -> &[f32] {
        match &self.content {
            Measures::Row(row) => row,
            Measures::Picture { .. } => &[],
        }
    }
}

/// The sizes of the pictures.
#[derive(Clone, Debug, Serialize)]
pub struct Sizes {
    /// Distinct sizes.
    pub distinct: usize,
    pub min_height: usize,
    pub max_height: usize,
    pub min_width: usize,
    pub max_width: usize,
    /// The most frequent, as `height x width x channels` and their number.
    pub most: Vec<(String, u64)>,
}

/// Sizes that are listed.
const LISTED_SIZES: usize = 8;

pub fn sizes(samples: &[Measured]) -> Option<Sizes> {
    let mut counts: BTreeMap<[usize; 3], u64> = BTreeMap::new();
    for sample in samples {
        if let Measures::Picture { shape, .. } = &sample.content {
            *counts.entry(*shape).or_default() += 1;
        }
    }
    let side = |axis: usize| counts.keys().map(move |shape| shape[axis]);
    let mut most: Vec<_> = counts.iter().map(|([h, w, c], n)| (format!("{h} x {w} x {c}"), *n)).collect();
    most.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    most.truncate(LISTED_SIZES);
    Some(Sizes {
        distinct: counts.len(),
        min_height: side(0).min()?,
        max_height: side(0).max()?,
        min_width: side(1).min()?,
        max_width: side(1).max()?,
        most,
    })
}

/// The levels of one channel over all pixels, 0 to 255.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelStats {
    pub mean: f64,
    /// Over the pixels, divided by their number.
    pub std: f64,
    pub min: u8,
    pub max: u8,
}

/// The statistics of each channel; where grey and colour pictures are mixed, grey counts as the first.
pub fn channel_stats(samples: &[Measured]) -> Vec<ChannelStats> {
    let mut totals: Vec<Levels> = Vec::new();
    for sample in samples {
        if let Measures::Picture { channels, .. } = &sample.content {
            totals.resize(totals.len().max(channels.len()), Levels::NONE);
            totals.iter_mut().zip(channels).for_each(|(total, channel)| *total = total.and(*channel));
        }
    }
    totals.into_iter().map(ChannelStats::of).collect()
}

impl ChannelStats {
    fn of(levels: Levels) -> Self {
        let n = levels.pixels.max(1);
        // n Σx² − (Σx)² is exact, and not negative.
        let spread = n * levels.squares - levels.sum * levels.sum;
        Self {
            mean: levels.sum as f64 / n as f64,
            std: (spread as f64).sqrt() / n as f64,
            min: levels.min,
            max: levels.max,
        }
    }
}

/// One column of a table. Null where no row has a value.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnStats {
    pub name: String,
    /// Rows without a value.
    pub missing: u64,
    pub mean: Option<f64>,
    /// Divided by the number of values.
    pub std: Option<f64>,
    pub min: Option<f32>,
    pub median: Option<f32>,
    pub max: Option<f32>,
}

/// The values of column `i`, sorted.
pub fn sorted_column(samples: &[Measured], i: usize) -> Vec<f32> {
    let mut values: Vec<f32> =
        samples.iter().filter_map(|s| s.row().get(i)).copied().filter(|v| !v.is_nan()).collect();
    values.sort_unstable_by(f32::total_cmp);
    values
}

pub fn column_stats(meta: &Meta, samples: &[Measured]) -> Vec<ColumnStats> {
    let stats = |(i, name): (usize, &String)| {
        let values = sorted_column(samples, i);
        let n = values.len() as f64;
        let some = !values.is_empty();
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let spread = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
        ColumnStats {
            name: name.clone(),
            missing: (samples.len() - values.len()) as u64,
            mean: some.then_some(mean),
            std: some.then(|| spread.sqrt()),
            min: values.first().copied(),
            median: some.then(|| median(&values)),
            max: values.last().copied(),
        }
    };
    meta.columns.iter().enumerate().map(stats).collect()
}

/// The median of sorted values: of an even number, the mean of the middle two; NaN of none.
pub fn median(sorted: &[f32]) -> f32 {
    let n = sorted.len();
    match (sorted.get(n.wrapping_sub(1) / 2), sorted.get(n / 2)) {
        (Some(low), Some(high)) => low + (high - low) / 2.0,
        _ => f32::NAN,
    }
}
