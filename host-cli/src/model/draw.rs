//! Samples from a model file.

use super::any::DataSpec;
use super::runner::{Draw, Runner, Runs};
use crate::codec::Pixels;
use crate::dataset::{Content, Kind, feature};
use crate::error::Result;
use crate::stages::Ctx;
use seedbed::generate::ClassGaussians;
use seedbed::math::to_u8;
use serde::{Deserialize, Serialize};

/// Where the latent vectors of a VAE are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum PriorKind {
    /// The standard normal distribution, as the model was trained for.
    Standard,
    /// A normal distribution for each class, fitted to the codes of the training data.
    #[default]
    Aggregate,
}

/// A model that samples are drawn from.
pub struct Drawer<'a> {
    runner: Runner<'a>,
    prior: PriorKind,
    temperature: f32,
}

impl<'a> Drawer<'a> {
    /// A drawer of samples under the seed of `ctx`, from a model in single precision or in whole numbers; only a VAE has a prior
    /// to choose.
    ///
    /// # Errors
    /// When the model's sizes are refused.
    pub fn new(ctx: &'a Ctx, file: &'a impl Runs, prior: PriorKind, temperature: f32) -> Result<Self> {
        let runner = file.runner(ctx)?;
        // Tells at once of a temperature out of range.
        ClassGaussians::standard(runner.model.latent().max(1), temperature)?;
        Ok(Self { runner, prior, temperature })
    }

    /// What runs the model.
    pub const fn runner(&self) -> &Runner<'a> {
        &self.runner
    }

    /// Classes that the model is conditioned on; 0 for none.
    pub fn classes(&self) -> usize {
        self.runner.model.classes()
    }

    /// What the samples are.
    const fn data(&self) -> &'a DataSpec {
        &self.runner.config.data
    }

    /// The samples of index `first`, `first + 1`, …, one for each of `labels` (which do not matter to a
    /// model without classes), on the scale that the model was trained on. Rows are brought to what their columns may
    /// be: one category each, whole numbers, the range of the training data.
    ///
    /// # Errors
    /// For a label that is no class.
    pub fn draw(&self, first: u64, labels: &[u32]) -> Result<Vec<f32>> {
        let Self { prior, temperature, .. } = *self;
        let mut out = self.runner.sample(Draw { prior, temperature, first, labels })?;
        let data = self.data();
        if !data.features.is_empty() {
            out.chunks_exact_mut(data.width()).for_each(|row| {
                let snapped = self.row(row);
                row.copy_from_slice(&snapped);
                if let Some(n) = &data.normalize {
                    n.standardise(row);
                }
            });
        }
        Ok(out)
    }

    /// A drawn row on the scale of its columns.
    fn row(&self, values: &[f32]) -> Vec<f32> {
        let data = self.data();
        let mut row = values.to_vec();
        data.restore(&mut row);
        feature::snap(&data.features, &mut row);
        row
    }

    /// A drawn sample as it goes into a dataset: pixels in 0..=255, rows on the scale of their columns.
    ///
    /// # Errors
    /// When a picture cannot be encoded.
    pub fn content(&self, values: &[f32]) -> Result<Content> {
        match self.data().kind {
            Kind::Images => Ok(Content::from_pixels(self.pixels(values)?)),
            _ => Ok(Content::from_row(self.row(values))),
        }
    }

    /// A drawn picture.
    ///
    /// # Errors
    /// When the model does not draw pictures.
    pub fn pixels(&self, values: &[f32]) -> Result<Pixels> {
        let data = self.data();
        let [height, width, channels] = data.shape;
        let mut values = values.to_vec();
        data.restore(&mut values);
        let bytes = values.iter().map(|v| to_u8(v * 255.0)).collect();
        Pixels::new(bytes, height, width, channels)
    }
}
