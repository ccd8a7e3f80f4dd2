//! A dataset in memory for training: pixels as bytes, rows standardised, a number for each id.

use super::any::DataSpec;
use crate::dataset::{Dataset, Kind, Normalize, Sample, Split};
use crate::error::{Error, Result};
use crate::features::{Moments, canonical};
use crate::pool::Pool;
use crate::purposes;
use seedbed::rng::{Key, Stream, id_hash};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Samples that are decoded at a time.
const BATCH: usize = 1024;

/// The values of all samples, one row each.
enum Values {
    /// As stored; they are scaled in a batch.
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

/// Whether samples without a label take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    /// They are left out and counted.
    Required,
    /// They do.
    Optional,
}

/// How values are scaled before a model sees them.
#[derive(Clone, Copy, Debug)]
pub enum Scale<'a> {
    /// As the dataset says; columns of which it says nothing by mean and deviation of the train split.
    OfDataset,
    /// Like this; `None` leaves pixels in 0..=1.
    As(Option<&'a Normalize>),
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
    /// Whether a sample is no copy, mixture or variant of others.
    originals: Vec<bool>,
}

impl TrainingData {
    /// Reads a dataset. Weights are scaled to a mean of 1 over the train split.
    ///
    /// # Errors
    /// When the dataset is damaged, its pictures differ in size, its normalisation has another number of
    /// channels or columns, or there is nothing to train on.
    pub fn load(dataset: &Dataset, pool: &Pool, labels: Labels, scale: Scale<'_>) -> Result<Self> {
        let spec = DataSpec::of(dataset)?;
        let mut data = Self {
            lists: Lists::default(),
            unlabelled: 0,
            missing: 0,
            values: match spec.kind {
                Kind::Images => Values::Pixels(Vec::new()),
                _ => Values::Rows(Vec::new()),
            },
            labels: Vec::new(),
            weights: Vec::new(),
            numbers: Vec::new(),
            originals: Vec::new(),
            spec: spec.clone(),
        };
        let used = dataset.samples().filter(|s| s.as_ref().map_or(true, |s| s.split != Split::Test));
        let decode = |sample: Sample| {
            let pixels = if spec.kind == Kind::Images { Some(sample.pixels()?) } else { None };
            Ok((sample, pixels.map(|p| p.data)))
        };
        pool.stream(used, BATCH, decode, |(sample, pixels)| {
            if labels == Labels::Required && sample.label.is_none() {
                data.unlabelled += 1;
                return Ok(());
            }
            data.push(&sample, pixels)
        })?;
        if data.lists.train.is_empty() {
            dataset.needs_train("train")?;
            return Err(Error::failed(format!(
                "no sample of the split `train` has a label: {}",
                dataset.folder().display()
            ))
            .hint("use conditional = false (--conditional false), or name the labels in `collect`"));
        }
        data.scale_weights(dataset)?;
        data.scale_values(dataset, scale)?;
        // Where all samples were made, as of a generated dataset, they are the real ones.
        if !data.lists.train.iter().any(|&place| data.originals[place as usize]) {
            data.originals.fill(true);
        }
        Ok(data)
    }

    /// Decides on the scale, and standardises rows; pixels are scaled in a batch.
    fn scale_values(&mut self, dataset: &Dataset, scale: Scale<'_>) -> Result<()> {
        let normalize = match scale {
            Scale::As(normalize) => normalize,
            Scale::OfDataset => dataset.meta().normalize.as_ref(),
        };
        let normalize = match (self.spec.kind, normalize) {
            (Kind::Table, None) => Some(self.moments()),
            (Kind::Images, Some(n)) if n.is_identity() => None,
            (_, known) => known.cloned(),
        };
        let width = if self.spec.kind == Kind::Table { self.spec.width() } else { self.spec.shape[2] };
        if let Some(n) = normalize.as_ref().filter(|n| n.mean.len() != width || n.std.len() != width) {
            return Err(Error::failed(format!(
                "the scaling is of {} channels or columns, the samples have {width}: {}",
                n.mean.len(),
                dataset.folder().display()
            ))
            .hint("run `seedbed preprocess` on the dataset as it is now"));
        }
        if let (Values::Rows(rows), Some(n)) = (&mut self.values, &normalize) {
            rows.chunks_exact_mut(width).for_each(|row| n.standardise(row));
        }
        self.spec.normalize = normalize;
        Ok(())
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
                let row = sample.row();
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
        self.originals.push(sample.origin.is_none());
        Ok(())
    }

    /// Scales the weights of the train split to a mean of 1, once more after some were left out.
    ///
    /// # Errors
    /// When no sample is left, or all weights are 0.
    pub fn scale_weights(&mut self, dataset: &Dataset) -> Result<()> {
        if self.lists.train.is_empty() {
            return Err(Error::failed(format!(
                "no sample of the split `train` is of these classes: {}",
                dataset.folder().display()
            ))
            .hint("choose others with --only or --except"));
        }
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
        let mut columns = vec![Moments::default(); width];
        if let Values::Rows(rows) = &self.values {
            for &place in &self.lists.train {
                Moments::add_row(&mut columns, &rows[place as usize * width..][..width]);
            }
        }
        Normalize {
            mean: columns.iter().map(Moments::mean).collect(),
            // A constant column is only shifted.
            std: columns.iter().map(Moments::std).map(|s| if s > 0.0 { s } else { 1.0 }).collect(),
        }
    }

    /// Leaves the samples of these classes.
    pub fn keep_classes(&mut self, classes: &BTreeSet<u32>) {
        let Lists { mut train, mut val } = std::mem::take(&mut self.lists);
        train.retain(|&place| classes.contains(&self.label(place)));
        val.retain(|&place| classes.contains(&self.label(place)));
        self.lists = Lists { train, val };
    }

    /// Leaves so many samples of each class in the train split, drawn by the seed; in the order of their ids as before.
    pub fn keep_shots(&mut self, seed: u64, shots: usize) {
        let mut order = self.lists.train.clone();
        Stream::new(seed, Key::new(purposes::SHOTS)).shuffle(&mut order);
        let mut taken: HashMap<u32, usize> = HashMap::new();
        order.retain(|&place| {
            let taken = taken.entry(self.label(place)).or_default();
            *taken += 1;
            *taken <= shots
        });
        order.sort_unstable();
        self.lists.train = order;
    }

    /// `places` less those whose values an earlier one has.
    pub fn distinct(&self, places: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let mut seen = HashSet::new();
        places.into_iter().filter(|&place| seen.insert(self.bytes(place))).collect()
    }

    /// Of [`distinct`](Self::distinct) `places`, which stand for several each.
    pub fn repeated(&self, places: &[u32]) -> HashSet<u32> {
        let mut first = HashMap::new();
        places
            .iter()
            .filter_map(|&p| Some(*first.entry(self.bytes(p)).or_insert(p)).filter(|f| *f != p))
            .collect()
    }

    /// The values of a sample as bytes, equal where the values are.
    fn bytes(&self, place: u32) -> Cow<'_, [u8]> {
        let range = place as usize * self.spec.width()..(place as usize + 1) * self.spec.width();
        match &self.values {
            Values::Pixels(all) => Cow::Borrowed(&all[range]),
            Values::Rows(all) => all[range].iter().flat_map(|&v| canonical(v).to_le_bytes()).collect(),
        }
    }

    /// Whether the sample is no copy, mixture or variant of others.
    pub fn is_original(&self, place: u32) -> bool {
        self.originals[place as usize]
    }

    /// The class of a sample; 0 for one without.
    pub fn label(&self, place: u32) -> u32 {
        self.labels[place as usize]
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
                Values::Pixels(all) => self.spec.scale_pixels(&all[range], out),
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
