//! Some samples of a split of a dataset, as a model sees them.

use super::any::{DataSpec, ModelConfig};
use crate::dataset::{Dataset, Kind, Sample, Split};
use crate::error::{Error, Result};
use crate::purposes;
use seedbed::rng::{Key, Stream, id_hash};

/// Samples as a model sees them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Their values, row after row.
    pub x: Vec<f32>,
    /// A class for each; empty for a model without classes.
    pub labels: Vec<u32>,
    /// A number for each, by its id.
    pub numbers: Vec<u64>,
}

impl Rows {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The first samples of `split` in an order that the seed draws, at most `most`: the same whatever other samples there are
    /// between them. A model that is conditioned on classes takes those with a label, and one that was trained on some classes
    /// those of them.
    ///
    /// # Errors
    /// When a sample cannot be read, or does not fit the model.
    pub fn draw(
        dataset: &Dataset,
        (config, conditional): (&ModelConfig, bool),
        (seed, split, most): (u64, Split, usize),
    ) -> Result<Self> {
        let mut kept: Vec<(u64, Sample)> = Vec::new();
        let trained = |label: Option<u32>| match &config.training.classes {
            Some(classes) => label.is_some_and(|label| classes.contains(&label)),
            None => !conditional || label.is_some(),
        };
        for sample in dataset.samples() {
            let sample = sample?;
            if sample.split != split || !trained(sample.label) {
                continue;
            }
            let key = Key::new(purposes::LOOKED_AT).sample(id_hash(sample.id.as_bytes()));
            kept.push((Stream::new(seed, key).next_u64(), sample));
            if kept.len() > most.saturating_mul(4) {
                first(&mut kept, most);
            }
        }
        first(&mut kept, most);
        let mut rows = Self::default();
        for (_, sample) in &kept {
            values(&config.data, sample, &mut rows.x)?;
            rows.numbers.push(id_hash(sample.id.as_bytes()));
            rows.labels.extend(sample.label.filter(|_| conditional));
        }
        Ok(rows)
    }
}

/// Leaves the first `most` of an order.
fn first(kept: &mut Vec<(u64, Sample)>, most: usize) {
    kept.sort_by_key(|(rank, _)| *rank);
    kept.truncate(most);
}

/// Adds a sample as the model sees it: pixels and rows scaled, missing values at the mean.
///
/// # Errors
/// For a picture that cannot be decoded, or a sample of another size.
pub fn values(spec: &DataSpec, sample: &Sample, out: &mut Vec<f32>) -> Result<()> {
    let start = out.len();
    match (spec.kind, &spec.normalize) {
        (Kind::Images, _) => spec.scale_pixels(&sample.pixels()?.data, out),
        (_, Some(n)) => {
            out.extend_from_slice(sample.row());
            n.standardise(&mut out[start..]);
        }
        (_, None) => out.extend_from_slice(sample.row()),
    }
    if out.len() - start == spec.width() {
        return Ok(());
    }
    Err(Error::failed(format!("the sample has another size than the model's: {}", sample.id))
        .hint("give the dataset that the model was trained on, after the same `seedbed preprocess`"))
}
