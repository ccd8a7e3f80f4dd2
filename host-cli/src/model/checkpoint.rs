//! Model files: safetensors with the tensors by PyTorch's names and one JSON text in the metadata.
//!
//! `model.safetensors` is what training yields: the best weights (of a GAN the running mean of the generator
//! too) and, of a VAE, the fitted prior. `checkpoint.safetensors` is where training stands: the last and the
//! best weights, the moments of the optimiser and the history, from which it goes on to the same bits.
//! Both are written to a temporary name and renamed. The metadata is one entry, since the order of several
//! is not fixed.

use super::any::{Model, ModelConfig};
use super::epochs::Epoch;
use crate::durable::write_whole;
use crate::error::{Context, Error, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The name of the file of a trained model.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// The name of the file from which training goes on.
pub const STATE_FILE: &str = "checkpoint.safetensors";
/// The entry of the metadata.
const ENTRY: &str = "seedbed";
/// The version of the metadata.
const VERSION: u32 = 1;

/// Name of the fitted prior among the tensors.
const PRIOR: &str = "prior.values";

/// The JSON of a model file.
#[derive(Serialize, Deserialize)]
struct About {
    version: u32,
    config: ModelConfig,
    /// Epochs that the weights have been trained for.
    epoch: u32,
    #[serde(default)]
    progress: Option<Progress>,
}

/// A trained model in memory.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// What it is.
    pub config: ModelConfig,
    /// The epoch that the weights are of.
    pub epoch: u32,
    /// The parameters.
    pub params: Vec<f32>,
    /// The running mean of a GAN's generator; empty for a VAE.
    pub average: Vec<f32>,
    /// The fitted prior of a VAE; empty for a GAN.
    pub prior: Vec<f32>,
}

/// How far training has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs done.
    pub epoch: u32,
    /// Steps of the optimiser done.
    pub steps: u64,
    /// The epoch of the best validation loss so far, from 1; 0 for none.
    pub best_epoch: u32,
    /// That loss.
    pub best_loss: Option<f64>,
    /// All epochs so far.
    pub history: Vec<Epoch>,
}

/// All of training that its next epoch depends on.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What is trained.
    pub config: ModelConfig,
    /// How far it has come.
    pub progress: Progress,
    /// The parameters as they are now.
    pub params: Vec<f32>,
    /// The moments of the optimiser.
    pub moments: Vec<f32>,
    /// The running mean of a GAN's generator; empty for a VAE.
    pub average: Vec<f32>,
    /// The best parameters so far.
    pub best: Vec<f32>,
}

/// One tensor to write: name, shape, values.
type Entry<'a> = (String, Vec<usize>, &'a [f32]);

/// The tensors of `params` under their names, with `prefix` in front.
fn named<'a>(model: &Model, prefix: &str, params: &'a [f32]) -> Vec<Entry<'a>> {
    let entry = |t: seedbed::generate::NamedTensor| {
        let at = t.tensor.offset;
        let values = params.get(at..at + t.tensor.len())?;
        let name = format!("{prefix}{}.{}.{}", t.network, t.tensor.layer, t.role().name());
        Some((name, t.tensor.shape().to_vec(), values))
    };
    model.tensors().into_iter().filter_map(entry).collect()
}

fn plain<'a>(name: &str, values: &'a [f32]) -> Option<Entry<'a>> {
    (!values.is_empty()).then(|| (name.to_owned(), vec![values.len()], values))
}

fn write(path: &Path, about: &About, entries: &[Entry<'_>]) -> Result<()> {
    let bytes: Vec<Vec<u8>> =
        entries.iter().map(|(_, _, v)| v.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views: std::result::Result<Vec<_>, _> = entries
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), b)| TensorView::new(Dtype::F32, shape.clone(), b).map(|v| (name, v)))
        .collect();
    let text = serde_json::to_string(about).at(path)?;
    let metadata = HashMap::from([(ENTRY.to_owned(), text)]);
    let file = views.and_then(|views| safetensors::serialize(views, Some(metadata))).at(path)?;
    write_whole(path, file)
}

/// A file read, its metadata understood.
struct Read {
    bytes: Vec<u8>,
    about: About,
    path: PathBuf,
}

fn read(path: &Path) -> Result<Read> {
    let bytes = std::fs::read(path).at(path)?;
    let damaged = |what: String| {
        Error::failed(format!("not a model of seedbed ({what}): {}", path.display()))
            .hint("name a model.safetensors or a checkpoint.safetensors that `seedbed train` wrote")
    };
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(e.to_string()))?;
    let text = metadata.metadata().as_ref().and_then(|m| m.get(ENTRY));
    let text = text.ok_or_else(|| damaged("its metadata has no entry `seedbed`".into()))?;
    let version = serde_json::from_str::<serde_json::Value>(text).ok().and_then(|v| v["version"].as_u64());
    if version.is_some_and(|v| v > u64::from(VERSION)) {
        return Err(Error::failed(format!("model has a newer version: {}", path.display()))
            .hint("use the seedbed that wrote it, or a newer one"));
    }
    let about = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
    Ok(Read { bytes, about, path: path.to_owned() })
}

impl Read {
    /// The values of a tensor that must have `len` of them, all finite.
    fn values(&self, tensors: &SafeTensors<'_>, name: &str, len: usize) -> Result<Vec<f32>> {
        let wrong = |what| Error::failed(format!("{what} `{name}`: {}", self.path.display()));
        let view = tensors.tensor(name).map_err(|_| wrong("model lacks the tensor"))?;
        if view.dtype() != Dtype::F32 || view.data().len() != 4 * len {
            return Err(wrong("model has another type or size of the tensor"));
        }
        let values: Vec<f32> =
            view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        if values.iter().all(|v| v.is_finite()) { Ok(values) } else { Err(wrong("NaN or infinity in")) }
    }

    /// The parameters whose tensors have `prefix` in front of their names.
    fn params(&self, tensors: &SafeTensors<'_>, model: &Model, prefix: &str) -> Result<Vec<f32>> {
        if self.bytes.len() / size_of::<f32>() < model.param_len() {
            let what = "model is cut off, or lacks tensors of the network that it describes";
            return Err(Error::failed(format!("{what}: {}", self.path.display())));
        }
        let mut params = vec![0f32; model.param_len()];
        for t in model.tensors() {
            let name = format!("{prefix}{}.{}.{}", t.network, t.tensor.layer, t.role().name());
            let values = self.values(tensors, &name, t.tensor.len())?;
            params[t.tensor.offset..t.tensor.offset + t.tensor.len()].copy_from_slice(&values);
        }
        Ok(params)
    }

    fn tensors(&self) -> Result<SafeTensors<'_>> {
        SafeTensors::deserialize(&self.bytes).at(&self.path)
    }
}

/// The file itself, or the one of this name in the folder.
fn locate(path: &Path, name: &str) -> PathBuf {
    if path.is_dir() { path.join(name) } else { path.to_owned() }
}

impl ModelFile {
    /// Writes the model, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let model = Model::new(&self.config.network)?;
        let about =
            About { version: VERSION, config: self.config.clone(), epoch: self.epoch, progress: None };
        let mut entries = named(&model, "", &self.params);
        entries.extend(plain("average", &self.average));
        entries.extend(plain(PRIOR, &self.prior));
        write(path, &about, &entries)
    }

    /// Reads a model file, or the one in a folder of `seedbed train`, and its hash: the first 16 digits
    /// of the SHA-256 of the file. Of a checkpoint the best weights so far are taken; it has no fitted prior.
    ///
    /// # Errors
    /// When it is missing, damaged, or no model.
    pub fn load(path: &Path) -> Result<(Self, String)> {
        let read = read(&locate(path, WEIGHTS_FILE))?;
        let model = Model::new(&read.about.config.network)?;
        let tensors = read.tensors()?;
        // A checkpoint goes by the weights that training would keep if it ended here.
        let best = read.about.progress.as_ref().map(|progress| progress.best_epoch);
        let params = read.params(&tensors, &model, if best.is_some() { "best." } else { "" })?;
        let average = match model.average_len() {
            0 => Vec::new(),
            n => read.values(&tensors, "average", n)?,
        };
        let prior = match &model {
            Model::Gan(_) => Vec::new(),
            Model::Vae(_) if best.is_some() => Vec::new(),
            Model::Vae(_) => {
                let classes = model.classes().max(1);
                let n = seedbed::generate::ClassGaussians::fitted_len(model.latent(), classes)?;
                read.values(&tensors, PRIOR, n)?
            }
        };
        let digest = Sha256::digest(&read.bytes);
        let hash = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
        let About { config, epoch, .. } = read.about;
        Ok((Self { config, epoch: best.unwrap_or(epoch), params, average, prior }, hash))
    }
}

impl Checkpoint {
    /// Writes the state, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let model = Model::new(&self.config.network)?;
        let about = About {
            version: VERSION,
            config: self.config.clone(),
            epoch: self.progress.epoch,
            progress: Some(self.progress.clone()),
        };
        let mut entries = named(&model, "", &self.params);
        entries.extend(named(&model, "best.", &self.best));
        entries.extend(plain("average", &self.average));
        entries.extend(plain("adam.moments", &self.moments));
        write(path, &about, &entries)
    }

    /// Reads a checkpoint, or the one in a folder of `seedbed train`.
    ///
    /// # Errors
    /// When it is missing, damaged, or no checkpoint.
    pub fn load(path: &Path) -> Result<Self> {
        let read = read(&locate(path, STATE_FILE))?;
        let model = Model::new(&read.about.config.network)?;
        let tensors = read.tensors()?;
        let progress = read.about.progress.clone().ok_or_else(|| {
            Error::failed(format!("not a checkpoint, but a finished model: {}", read.path.display()))
                .hint(format!("resume from the {STATE_FILE} beside it"))
        })?;
        let average = match model.average_len() {
            0 => Vec::new(),
            n => read.values(&tensors, "average", n)?,
        };
        Ok(Self {
            params: read.params(&tensors, &model, "")?,
            best: read.params(&tensors, &model, "best.")?,
            moments: read.values(&tensors, "adam.moments", model.moment_len())?,
            average,
            progress,
            config: read.about.config,
        })
    }
}
