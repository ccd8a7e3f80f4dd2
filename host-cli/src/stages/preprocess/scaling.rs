//! The scaling that models will see: mean and standard deviation per channel or column.
//!
//! Sums over pixels are whole numbers and exact. Sums over columns are `f64` in the order of the ids: both are the
//! same for every number of threads and every sharding.

use super::picture::Preparer;
use super::{BATCH, STEP};
use crate::dataset::{Dataset, Kind, Normalize, Split};
use crate::error::{Error, Result};
use crate::features::Moments;
use crate::stages::Ctx;
use serde::{Deserialize, Serialize};

/// Where the scaling comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// `scale` for pictures, `train` for tables.
    Auto,
    /// No scaling.
    None,
    /// To 0..1.
    Scale,
    /// By the numbers given.
    Given,
    /// By mean and standard deviation of the train split.
    Train,
}

impl Scaling {
    /// Whether it comes from the values of a table's train split.
    pub(super) const fn learns_from_rows(self) -> bool {
        matches!(self, Scaling::Auto | Scaling::Scale | Scaling::Train)
    }

    /// Refuses numbers without `given`, `given` without numbers, and numbers that cannot be.
    pub(super) fn check(self, mean: &[f32], std: &[f32]) -> Result<()> {
        if self != Scaling::Given {
            return match (mean, std) {
                ([], []) => Ok(()),
                _ => Err(Error::usage(
                    "mean and std are given but not asked for: --mean, --std (recipe keys `mean`, `std`)",
                )
                .hint("set normalize = \"given\" (--normalize given), or leave them out")),
            };
        }
        if mean.is_empty() || mean.len() != std.len() {
            return Err(Error::usage(format!(
                "{} means and {} deviations are given: --mean, --std (recipe keys `mean`, `std`)",
                mean.len(),
                std.len()
            ))
            .hint("give one of each for every channel or column"));
        }
        if let Some(bad) = mean.iter().find(|v| !v.is_finite()) {
            return Err(Error::out_of_range("mean", bad, "finite"));
        }
        match std.iter().find(|v| !(v.is_finite() && **v > 0.0)) {
            Some(bad) => Err(Error::out_of_range("std", bad, "finite and above 0")),
            None => Ok(()),
        }
    }

    /// The scaling of pictures of `channels`, `None` where there are no pictures or there is to be none.
    pub(super) fn for_pictures(
        self,
        channels: Option<usize>,
        train: Option<Normalize>,
        (mean, std): (&[f32], &[f32]),
    ) -> Result<Option<Normalize>> {
        Ok(match self {
            Scaling::None => None,
            Scaling::Train => train,
            Scaling::Auto | Scaling::Scale => {
                channels.map(|n| Normalize { mean: vec![0.0; n], std: vec![1.0; n] })
            }
            Scaling::Given => Some(given(mean, std, channels.unwrap_or(mean.len()), "channels")?),
        })
    }

    /// The scaling of a table with these columns.
    pub(super) fn for_table(
        self,
        columns: &[Moments],
        (mean, std): (&[f32], &[f32]),
    ) -> Result<Option<Normalize>> {
        let of = |centre: fn(&Moments) -> f32, spread: fn(&Moments) -> f32| Normalize {
            mean: columns.iter().map(centre).collect(),
            // A column of one value has no spread, and stays as it is.
            std: columns.iter().map(spread).map(|s| if s > 0.0 && s.is_finite() { s } else { 1.0 }).collect(),
        };
        Ok(match self {
            Scaling::None => None,
            Scaling::Auto | Scaling::Train => Some(of(Moments::mean, Moments::std)),
            Scaling::Scale => Some(of(Moments::least, Moments::range)),
            Scaling::Given => Some(given(mean, std, columns.len(), "columns")?),
        })
    }
}

fn given(mean: &[f32], std: &[f32], n: usize, of: &str) -> Result<Normalize> {
    if mean.len() != n {
        return Err(Error::usage(format!(
            "{} means are given for {n} {of}: --mean (recipe key `mean`)",
            mean.len()
        ))
        .hint(format!("give {n} of each, separated by commas")));
    }
    Ok(Normalize { mean: mean.to_vec(), std: std.to_vec() })
}

/// What needs the train split has none.
pub(super) fn nothing_to_learn_from(dataset: &Dataset) -> Error {
    let without = match dataset.meta().kind {
        Kind::Images => "--normalize scale, given or none",
        _ => "--normalize given or none, and --missing keep",
    };
    Error::failed(format!("the train split is empty: {}", dataset.folder().display()))
        .hint(format!("split the data in `collect`, or use {without}"))
}

/// Exact sums over the values of one channel.
#[derive(Clone, Copy, Default)]
struct Sums {
    n: u64,
    sum: u64,
    squares: u128,
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.n += other.n;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// Mean and standard deviation of the values over 255.
    fn moments(&self) -> (f32, f32) {
        let n = self.n.max(1) as f64;
        let spread = (u128::from(self.n) * self.squares).saturating_sub(u128::from(self.sum).pow(2));
        let std = (spread as f64).sqrt() / n / 255.0;
        ((self.sum as f64 / n / 255.0) as f32, std as f32)
    }
}

/// Mean and deviation of each channel over the train split's pictures, as `preparer` leaves them.
pub(super) fn of_pictures(ctx: &Ctx, dataset: &Dataset, preparer: &Preparer) -> Result<Normalize> {
    let mut total: Vec<Sums> = Vec::new();
    let task = ctx.progress.start(&format!("{STEP}: mean"), Some(dataset.len()));
    ctx.pool.stream(
        dataset.samples(),
        BATCH * ctx.pool.threads(),
        |sample| {
            if sample.split != Split::Train {
                return Ok(Vec::new());
            }
            let pixels = sample.pixels()?;
            let pixels = preparer.prepare(&pixels).map_err(|e| e.within(&sample.id))?.unwrap_or(pixels);
            let mut sums = vec![Sums::default(); pixels.channels];
            for pixel in pixels.data.chunks_exact(pixels.channels) {
                for (sums, &v) in sums.iter_mut().zip(pixel) {
                    sums.n += 1;
                    sums.sum += u64::from(v);
                    sums.squares += u128::from(v) * u128::from(v);
                }
            }
            Ok(sums)
        },
        |sums| {
            task.inc(1);
            if total.is_empty() {
                total = sums;
                return Ok(());
            }
            if !sums.is_empty() && sums.len() != total.len() {
                return Err(Error::failed(format!(
                    "some pictures are grey and some are not: {}",
                    dataset.folder().display()
                ))
                .hint("give --mode grey or rgb"));
            }
            total.iter_mut().zip(&sums).for_each(|(total, sums)| total.add(sums));
            Ok(())
        },
    )?;
    if total.is_empty() {
        return Err(nothing_to_learn_from(dataset));
    }
    let (mean, std): (Vec<f32>, Vec<f32>) = total.iter().map(Sums::moments).unzip();
    // A channel of one level has no spread, and is only shifted.
    Ok(Normalize { mean, std: std.into_iter().map(|s| if s > 0.0 { s } else { 1.0 }).collect() })
}

/// What the train split tells of the columns of a table, missing values left out, and how many rows it has.
pub(super) fn of_columns(dataset: &Dataset) -> Result<(Vec<Moments>, u64)> {
    let mut columns = vec![Moments::default(); dataset.meta().columns.len()];
    let mut rows = 0;
    for sample in dataset.samples() {
        let sample = sample?;
        if sample.split == Split::Train {
            rows += 1;
            Moments::add_row(&mut columns, sample.row());
        }
    }
    Ok((columns, rows))
}
