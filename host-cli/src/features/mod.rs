//! Samples as rows of numbers, for everything that compares samples with each other: pruning, balancing, judging,
//! and the rejection of generated samples.
//!
//! A [`Space`] says what the numbers are: the pixels of a picture in 0..1, or the columns of a table, standardised by
//! mean and deviation of the train split. A [`Projection`] takes them to a few principal components. Rows are always
//! in the order of the dataset, which is that of the ids.

mod given;
mod moments;
mod projection;
mod space;

pub use given::Given;
pub use moments::Moments;
pub use projection::Projection;
pub use space::{Space, TILE};

use crate::dataset::{Dataset, Sample, Split};
use crate::error::Result;
use crate::stages::Ctx;
use seedbed::MatRef;
use seedbed::linalg::{Exclude, Neighbour, knn, knn_scratch_len};
use seedbed::scratch::ScratchBuf;
use std::collections::HashSet;

/// Samples that are decoded at a time, for each thread.
const BATCH: usize = 128;

/// A matrix that owns its values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mat {
    /// The values, row after row.
    pub data: Vec<f32>,
    /// Columns.
    pub cols: usize,
}

impl Mat {
    /// A matrix of zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self { data: vec![0.0; rows * cols], cols }
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.data.len() / self.cols.max(1)
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }

    /// The mean Euclidean distance of `row` to all rows, 0 to none.
    pub fn mean_distance(&self, row: &[f32]) -> f64 {
        let distance = |i: usize| {
            let squares = row.iter().zip(self.row(i)).map(|(a, b)| (a - b) * (a - b));
            f64::from(squares.sum::<f32>().sqrt())
        };
        (0..self.rows()).map(distance).sum::<f64>() / self.rows().max(1) as f64
    }

    /// The mean of [`Mat::mean_distance`] over the rows of `from`, 0 for none.
    pub fn mean_distance_of(&self, from: &Self) -> f64 {
        let distances = (0..from.rows()).map(|i| self.mean_distance(from.row(i)));
        distances.sum::<f64>() / from.rows().max(1) as f64
    }

    /// The matrix as the core sees it.
    pub fn view(&self) -> MatRef<'_, f32> {
        MatRef::new(&self.data, self.rows(), self.cols).expect("the data are whole rows")
    }

    /// The numbers among `rows` whose row differs from those before.
    pub fn distinct(&self, rows: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut seen = HashSet::new();
        let bits = |i| self.row(i).iter().map(|&v| canonical(v).to_bits()).collect::<Vec<u32>>();
        rows.into_iter().filter(|&i| seen.insert(bits(i))).collect()
    }

    /// The rows of these numbers, in their order.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self { data: rows.iter().flat_map(|&i| self.row(i)).copied().collect(), cols: self.cols }
    }
}

/// The samples of a dataset as rows of numbers, with what else is needed of them.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The ids, ascending.
    pub ids: Vec<String>,
    /// The labels.
    pub labels: Vec<Option<u32>>,
    /// The splits.
    pub splits: Vec<Split>,
    /// Which of them were not made from others.
    pub originals: Vec<bool>,
    /// The numbers, one row for each sample.
    pub features: Mat,
}

impl Table {
    /// Reads the samples that `wanted` holds for, in the order of the dataset.
    ///
    /// # Errors
    /// When a sample cannot be read or does not fit the space; the error names it.
    pub fn read(
        ctx: &Ctx,
        dataset: &Dataset,
        space: &Space,
        wanted: impl Fn(&Sample) -> bool,
    ) -> Result<Self> {
        let mut table = Self { features: Mat { data: Vec::new(), cols: space.cols() }, ..Self::default() };
        let task = ctx.progress.start("features", Some(dataset.len()));
        let samples = dataset.samples().filter(|sample| sample.as_ref().map_or(true, &wanted));
        ctx.pool.stream(
            samples,
            BATCH * ctx.pool.threads(),
            |sample| {
                let row = space.row(ctx.level, &sample)?;
                Ok((sample, row))
            },
            |(Sample { id, label, split, origin, .. }, row)| {
                task.inc(1);
                table.ids.push(id);
                table.labels.push(label);
                table.splits.push(split);
                table.originals.push(origin.is_none());
                table.features.data.extend(row);
                Ok(())
            },
        )?;
        Ok(table)
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// The `k` nearest rows of `refs` for each row of `queries`, `k` places each; see [`seedbed::linalg::knn`].
///
/// # Errors
/// When the columns differ or `k` is 0.
pub fn neighbours(
    ctx: &Ctx,
    queries: &Mat,
    refs: &Mat,
    exclude: Exclude,
    k: usize,
) -> Result<Vec<Neighbour>> {
    let (q, r) = (queries.view(), refs.view());
    let mut out = vec![Neighbour::NONE; q.rows() * k];
    let mut scratch = ScratchBuf::new();
    let mut arena = scratch.arena(knn_scratch_len(q.rows(), r.rows(), r.cols()));
    knn(ctx.level, &ctx.pool, q, r, exclude, k, &mut out, &mut arena)?;
    Ok(out)
}

/// One pattern of bits for all NaNs and one for both zeros: what equal values are compared by.
pub const fn canonical(v: f32) -> f32 {
    if v.is_nan() { f32::NAN } else { v + 0.0 }
}

#[cfg(test)]
mod tests;
