//! Samples from a model file.

use super::any::{Model, Weights};
use super::checkpoint::ModelFile;
use crate::codec::Pixels;
use crate::dataset::{Content, Kind, feature};
use crate::error::Result;
use crate::stages::Ctx;
use seedbed::Scratch;
use seedbed::exec::Executor;
use seedbed::generate::ClassGaussians;
use seedbed::math::to_u8;
use seedbed::nn::{Engine, Model as Params};
use serde::{Deserialize, Serialize};

/// Samples that are made at a time.
const BATCH: usize = 256;

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
    ctx: &'a Ctx,
    file: &'a ModelFile,
    model: Model,
    prior: PriorKind,
    temperature: f32,
}

impl<'a> Drawer<'a> {
    /// A drawer of samples under the seed of `ctx`; only a VAE has a prior to choose.
    ///
    /// # Errors
    /// When the model's sizes are refused.
    pub fn new(ctx: &'a Ctx, file: &'a ModelFile, prior: PriorKind, temperature: f32) -> Result<Self> {
        let model = Model::new(&file.config.network)?.for_threads(ctx.pool.width());
        // Tells at once of a temperature out of range.
        ClassGaussians::standard(model.latent().max(1), temperature)?;
        Ok(Self { ctx, file, model, prior, temperature })
    }

    /// Classes that the model is conditioned on; 0 for none.
    pub fn classes(&self) -> usize {
        self.model.classes()
    }

    /// The samples of index `first`, `first + 1`, …, one for each of `labels` (which do not matter to a
    /// model without classes), on the scale that the model was trained on. Rows are brought to what their columns may
    /// be: one category each, whole numbers, the range of the training data.
    ///
    /// # Errors
    /// For a label that is no class.
    pub fn draw(&self, first: u64, labels: &[u32]) -> Result<Vec<f32>> {
        let width = self.file.config.data.width();
        let mut out = vec![0f32; labels.len() * width];
        let mut memory = vec![0u8; self.model.run_scratch_len(BATCH.min(labels.len()))];
        let on = Engine { level: self.ctx.level, exec: &self.ctx.pool };
        let latent = self.model.latent().max(1);
        let prior = match self.prior {
            PriorKind::Aggregate if !self.file.prior.is_empty() => {
                ClassGaussians::fitted(latent, self.temperature, &self.file.prior)?
            }
            _ => ClassGaussians::standard(latent, self.temperature)?,
        };
        let batches = out.chunks_mut(BATCH * width).zip(labels.chunks(BATCH));
        for (i, (out, labels)) in batches.enumerate() {
            let labels = if self.classes() == 0 { &[] } else { labels };
            let which = (self.ctx.seed, first + (i * BATCH) as u64, labels);
            let scratch = &mut Scratch::new(&mut memory);
            match &self.model {
                Model::Vae(vae) => vae.sample(on, &self.file.weights.params, &prior, which, out, scratch)?,
                Model::Gan(gan) => {
                    let Weights { params, state } = &self.file.average;
                    gan.sample(on, Params { params, state }, self.temperature, which, out, scratch)?
                }
                Model::Codes(codes) => {
                    let Weights { params, state } = &self.file.weights;
                    codes.sample(on, Params { params, state }, self.temperature, which, out, scratch)?
                }
            }
        }
        let data = &self.file.config.data;
        if !data.features.is_empty() {
            out.chunks_exact_mut(width).for_each(|row| {
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
        let data = &self.file.config.data;
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
        match self.file.config.data.kind {
            Kind::Images => Ok(Content::from_pixels(self.pixels(values)?)),
            _ => Ok(Content::from_row(self.row(values))),
        }
    }

    /// A drawn picture.
    ///
    /// # Errors
    /// When the model does not draw pictures.
    pub fn pixels(&self, values: &[f32]) -> Result<Pixels> {
        let data = &self.file.config.data;
        let [height, width, channels] = data.shape;
        let mut values = values.to_vec();
        data.restore(&mut values);
        let bytes = values.iter().map(|v| to_u8(v * 255.0)).collect();
        Pixels::new(bytes, height, width, channels)
    }
}
