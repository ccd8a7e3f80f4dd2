//! A model file of either kind: in single precision or in whole numbers.

use super::any::{Model, ModelConfig, Weights};
use super::checkpoint::{ModelFile, WEIGHTS_FILE, read, single};
use super::runner::{InUse, NetRunner, Runner, Runs};
use super::whole::WholeFile;
use crate::error::Result;
use crate::stages::Ctx;
use seedbed::exec::Executor;
use std::path::Path;

/// A model as it was stored.
// Few are alive at a time.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Stored {
    /// In single precision.
    Single(ModelFile),
    /// In whole numbers.
    Whole(WholeFile),
}

impl Stored {
    /// Reads a model file of either kind, or the one in a folder, there rather that in single precision; and its hash as
    /// [`ModelFile::load`] has it.
    ///
    /// # Errors
    /// When it is missing, damaged, or no model.
    pub fn load(path: &Path) -> Result<(Self, String)> {
        let read = read(&single(path, WEIGHTS_FILE))?;
        if read.about.int8.is_some() {
            let (file, hash) = WholeFile::of(read)?;
            return Ok((Self::Whole(file), hash));
        }
        let (file, hash) = ModelFile::of(read)?;
        Ok((Self::Single(file), hash))
    }

    /// What the model is.
    pub const fn config(&self) -> &ModelConfig {
        match self {
            Self::Single(file) => &file.config,
            Self::Whole(file) => &file.config,
        }
    }

    /// The epoch that its weights are of.
    pub const fn epoch(&self) -> u32 {
        match self {
            Self::Single(file) => file.epoch,
            Self::Whole(file) => file.epoch,
        }
    }

    /// The fitted prior of a VAE; empty where there is none.
    pub fn prior(&self) -> &[f32] {
        match self {
            Self::Single(file) => &file.prior,
            Self::Whole(file) => &file.prior,
        }
    }
}

impl ModelFile {
    /// The numbers that are run by in use: of a GAN the running mean of its generator.
    pub const fn used(&self) -> &Weights {
        if self.average.params.is_empty() { &self.weights } else { &self.average }
    }
}

impl Runs for ModelFile {
    fn runner<'a>(&'a self, ctx: &'a Ctx) -> Result<Runner<'a>> {
        let (weights, threads) = (self.used(), ctx.pool.width());
        let model = Model::new(&self.config.network)?.for_threads(threads);
        let nets = InUse::all(&model);
        let nets =
            nets.iter().map(|of| NetRunner::single(of, of.of(weights), threads)).collect::<Result<_>>()?;
        Ok(Runner { ctx, config: &self.config, model, fitted: &self.prior, weights, nets })
    }
}

impl Runs for Stored {
    fn runner<'a>(&'a self, ctx: &'a Ctx) -> Result<Runner<'a>> {
        match self {
            Self::Single(file) => file.runner(ctx),
            Self::Whole(file) => file.runner(ctx),
        }
    }
}
