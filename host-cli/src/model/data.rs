//! A dataset in memory for training: pixels as bytes, rows standardised, a number for each id.

use super::any::DataSpec;
use crate::dataset::{Dataset, Kind, Normalize, Sample, Split};
use crate::error::{Error, Result};
use crate::pool::Pool;
use seedbed::rng::id_hash;

/// Samples that are decoded at a time.
const BATCH: usize = 1024;

/// The values of all samples, one row each.
enum Values {
    /// As stored; they become x / 255 in a batch.
    Pixels(Vec<u8>),
    /// Standardised.
    Rows(Vec<f32>),
}

/// The places of the samples of each split, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    /// Learnt from.
    pub train: Vec<u32>,
    /// Decides when to stop.
    pub val: Vec<u32>,
}

/// The train and val splits of a dataset, in the order of their ids.
pub struct TrainingData {
    /// What the samples are.
    pub spec: DataSpec,
    /// Which samples are whose.
    pub lists: Lists,
    /// Samples left out for want of a label.
    pub unlabelled: u64,
    /// Cells of a table without a value; they count as the mean of their column.
    pub missing: u64,
    values: Values,
    labels: Vec<u32>,
    weights: Vec<f32>,
    numbers: Vec<u64>,
}

impl TrainingData {
    /// Reads a dataset. With `labelled`, samples without a label are left out and counted. Weights are
    /// scaled to a mean of 1 over the train split; rows of a table are standardised by `scale` (of a model
    /// that has learnt already), else by the dataset's normalisation, else by mean and deviation of the train
    /// split.
    ///
    /// # Errors
    /// When the dataset is damaged, its pictures differ in size, or there is nothing to train on.
    pub fn load(dataset: &Dataset, pool: &Pool, labelled: bool, scale: Option<&Normalize>) -> Result<Self> {
        let meta = dataset.meta();
        let mut spec = DataSpec::of(dataset)?;
        let mut data = Self {
            lists: Lists::default(),
            unlabelled: 0,
            missing: 0,
            values: match spec.kind {
                Kind::Images => Values::Pixels(Vec::new()),
                Kind::Table => Values::Rows(Vec::new()),
            },
            labels: Vec::new(),
            weights: Vec::new(),
            numbers: Vec::new(),
            spec: spec.clone(),
        };
        let used = dataset.samples().filter(|s| s.as_ref().map_or(true, |s| s.split != Split::Test));
        let decode = |sample: Sample| {
            let pixels = if spec.kind == Kind::Images { Some(sample.pixels()?) } else { None };
            Ok((sample, pixels.map(|p| p.data)))
        };
        pool.stream(used, BATCH, decode, |(sample, pixels)| {
            if labelled && sample.label.is_none() {
                data.unlabelled += 1;
                return Ok(());
            }
            data.push(&sample, pixels)
        })?;
        if data.lists.train.is_empty() {
            return Err(Error::failed(format!(
                "no samples to train on in the split `train`: {}",
                dataset.folder().display()
            ))
            .hint("look at the counts with `seedbed inspect`, or set the split fractions of `collect`"));
        }
        data.scale_weights(dataset)?;
        if spec.kind == Kind::Table {
            let known = scale.or(meta.normalize.as_ref()).cloned();
            let normalize = known.unwrap_or_else(|| data.moments());
            data.standardise(&normalize);
            spec.normalize = Some(normalize);
        }
        data.spec = spec;
        Ok(data)
    }

    fn push(&mut self, sample: &Sample, pixels: Option<Vec<u8>>) -> Result<()> {
        match (&mut self.values, pixels) {
            (Values::Pixels(all), Some(pixels)) => {
                if pixels.len() != self.spec.width() {
                    return Err(Error::failed(format!("picture has another size: {}", sample.id))
                        .hint("run `seedbed preprocess` first"));
                }
                all.extend(pixels);
            }
            (Values::Rows(all), _) => {
                let row = sample.row()?;
                self.missing += row.iter().filter(|v| v.is_nan()).count() as u64;
                all.extend_from_slice(row);
            }
            (Values::Pixels(_), None) => return Ok(()),
        }
        let place = self.numbers.len() as u32;
        match sample.split {
            Split::Train => self.lists.train.push(place),
            _ => self.lists.val.push(place),
        }
        self.labels.push(sample.label.unwrap_or(0));
        self.weights.push(sample.weight);
        self.numbers.push(id_hash(sample.id.as_bytes()));
        Ok(())
    }

    fn scale_weights(&mut self, dataset: &Dataset) -> Result<()> {
        let train = self.lists.train.iter().map(|&i| self.weights[i as usize] as f64);
        let mean = train.sum::<f64>() / self.lists.train.len() as f64;
        if !(mean > 0.0 && mean.is_finite()) {
            return Err(Error::failed(format!("all training weights are 0: {}", dataset.folder().display())));
        }
        let scale = (1.0 / mean) as f32;
        self.weights.iter_mut().for_each(|w| *w *= scale);
        for &i in &self.lists.val {
            self.weights[i as usize] = 1.0;
        }
        Ok(())
    }

    /// Mean and deviation of each column over the train split, missing values left out.
    fn moments(&self) -> Normalize {
        let width = self.spec.width();
        let mut sums = vec![[0f64; 3]; width];
        for &i in &self.lists.train {
            for (s, &v) in sums.iter_mut().zip(self.row(i)) {
                if !v.is_nan() {
                    let v = v as f64;
                    *s = [s[0] + 1.0, s[1] + v, s[2] + v * v];
                }
            }
        }
        let one = |[n, sum, squares]: [f64; 3]| {
            let n = n.max(1.0);
            let mean = sum / n;
            let variance = (squares / n - mean * mean).max(0.0);
            // A constant column stays as it is.
            let std = if variance > 1e-12 * (1.0 + mean * mean) { variance.sqrt() } else { 1.0 };
            (mean as f32, std as f32)
        };
        let (mean, std) = sums.into_iter().map(one).unzip();
        Normalize { mean, std }
    }

    fn row(&self, place: u32) -> &[f32] {
        let width = self.spec.width();
        match &self.values {
            Values::Rows(rows) => &rows[place as usize * width..(place as usize + 1) * width],
            Values::Pixels(_) => &[],
        }
    }

    fn standardise(&mut self, normalize: &Normalize) {
        let width = self.spec.width();
        let Values::Rows(rows) = &mut self.values else { return };
        rows.chunks_exact_mut(width).for_each(|row| normalize.standardise(row));
    }

    /// Samples in memory.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The values of the samples at `places`, as the model sees them, one row after the other.
    pub fn gather(&self, places: &[u32], out: &mut Vec<f32>) {
        let width = self.spec.width();
        out.clear();
        for &place in places {
            let range = place as usize * width..(place as usize + 1) * width;
            match &self.values {
                // A product with 1/255 would not be the same number as the quotient.
                Values::Pixels(all) => out.extend(all[range].iter().map(|&p| p as f32 / 255.0)),
                Values::Rows(all) => out.extend_from_slice(&all[range]),
            }
        }
    }

    /// Labels, weights and numbers of the samples at `places`.
    pub fn about(&self, places: &[u32]) -> (Vec<u32>, Vec<f32>, Vec<u64>) {
        let pick = |&i: &u32| {
            let i = i as usize;
            (self.labels[i], (self.weights[i], self.numbers[i]))
        };
        let (labels, (weights, numbers)) = places.iter().map(pick).unzip();
        (labels, weights, numbers)
    }
}
