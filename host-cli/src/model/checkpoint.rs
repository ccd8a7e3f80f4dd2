//! Model files: safetensors with the tensors by PyTorch's names and one JSON text in the metadata.
//!
//! `model.safetensors` is what training yields: the best weights and the fitted prior of a VAE; the last weights of a GAN and
//! the running mean of its generator. `checkpoint.safetensors` is where training stands: the last and the best weights,
//! the moments of the optimiser and the history, from which it goes on to the same bits. Both are written to a temporary
//! name and renamed. The metadata is one entry, since the order of several is not fixed.
//!
//! `model-int8.safetensors` is a model in whole numbers, which is for use alone; see [`super::whole`].

use super::adaptation::Adaptation;
use super::any::{Model, ModelConfig, Part, Weights};
use super::epochs::Epoch;
use super::tensor::{Tensor, serialise};
use super::whole::{Calibrated, WHOLE_FILE};
use crate::durable::write_whole;
use crate::error::{Context, Error, Result};
use safetensors::tensor::{Dtype, Metadata, SafeTensors};
use seedbed::generate::GanMemory;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The name of the file of a trained model.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// The name of the file from which training goes on.
pub const STATE_FILE: &str = "checkpoint.safetensors";
/// The entry of the metadata.
const ENTRY: &str = "seedbed";
/// The version of the metadata.
const VERSION: u32 = 2;

/// Name of the fitted prior among the tensors.
const PRIOR: &str = "prior.values";
/// What stands before the names of the tensors of a running mean.
const AVERAGE: &str = "average.";
/// Names of the adapters, their moments, and the weights that they are added to.
const ADAPTERS: [&str; 3] = ["adapters.values", "adapters.moments", "adapters.base"];
/// Name of the moments of what learns from tasks.
const META: &str = "meta.moments";
/// Name of the pixels of samples.
const SAMPLES: &str = "samples";
/// The same for the best ones so far.
const BEST: &str = "best.";

/// The JSON of a model file.
#[derive(Serialize, Deserialize)]
pub(super) struct About {
    pub version: u32,
    pub config: ModelConfig,
    /// Epochs that the weights have been trained for.
    pub epoch: u32,
    #[serde(default)]
    pub progress: Option<Progress>,
    /// Of a model in whole numbers: what its ranges were found on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub int8: Option<Calibrated>,
}

impl About {
    /// Of a model whose weights have been trained for so many epochs.
    pub fn new(config: &ModelConfig, epoch: u32) -> Self {
        Self { version: VERSION, config: config.clone(), epoch, progress: None, int8: None }
    }
}

/// A trained model in memory.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// What it is.
    pub config: ModelConfig,
    /// The epoch that the weights are of.
    pub epoch: u32,
    /// Its numbers.
    pub weights: Weights,
    /// The running mean of a GAN's generator, with the statistics of that; empty for a VAE.
    pub average: Weights,
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
    /// What the rules of a GAN remember.
    #[serde(default)]
    pub memory: GanMemory,
    /// What has been warned of.
    #[serde(default)]
    pub warnings: Vec<String>,
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
    /// Its numbers as they are now.
    pub weights: Weights,
    /// The moments of the optimiser.
    pub moments: Vec<f32>,
    /// Those of what learns from tasks.
    pub meta_moments: Vec<f32>,
    /// The running mean of a GAN's generator; empty for a VAE.
    pub average: Weights,
    /// The best ones so far of a VAE; empty for a GAN.
    pub best: Weights,
    /// What learns in the place of weights.
    pub adapters: Adaptation,
    /// Pixels of samples after each epoch, as many for each; see [`super::epochs::kept`].
    pub samples: Vec<u8>,
}

/// A tensor to write, and its name.
pub(super) type Entry = (String, Tensor);

/// The tensors of `weights` under their names, with `prefix` in front; those that lie beyond the numbers are left out, as the
/// discriminator of a running mean is.
fn named(model: &Model, prefix: &str, weights: &Weights) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (parts, values) in model.parts().into_iter().zip([&weights.params, &weights.state]) {
        for Part { name, shape, at } in parts {
            if let Some(own) = values.get(at..at + shape.iter().product::<usize>()) {
                entries.push((format!("{prefix}{name}"), Tensor::floats(&shape, own)));
            }
        }
    }
    entries
}

/// A tensor of one dimension, where there are values.
fn plain(name: &str, values: &[f32]) -> Option<Entry> {
    (!values.is_empty()).then(|| (name.to_owned(), Tensor::floats(&[values.len()], values)))
}

/// The fitted prior of a VAE as a tensor.
pub(super) fn prior(values: &[f32]) -> Option<Entry> {
    plain(PRIOR, values)
}

pub(super) fn write(path: &Path, about: &About, entries: &[Entry]) -> Result<()> {
    let text = serde_json::to_string(about).at(path)?;
    let file = serialise(entries.iter().map(|(name, tensor)| (name, tensor)), (ENTRY, text)).at(path)?;
    write_whole(path, file)
}

/// A file read, its metadata understood.
pub(super) struct Read {
    bytes: Vec<u8>,
    pub about: About,
    path: PathBuf,
}

/// What a file says about itself, if it is one of seedbed.
fn entry(metadata: &Metadata) -> Option<&String> {
    metadata.metadata().as_ref().and_then(|m| m.get(ENTRY))
}

/// What is done with weights in single precision cannot be done with a model in whole numbers.
pub(super) fn refuse_whole(bytes: &[u8], path: &Path) -> Result<()> {
    let text = SafeTensors::read_metadata(bytes).ok().and_then(|(_, metadata)| entry(&metadata).cloned());
    let about = text.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    if about.is_none_or(|about| about["int8"].is_null()) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the model is in 8-bit whole numbers, which are for use alone: {}",
        path.display()
    ))
    .hint("name the model.safetensors that it was made from; whole numbers draw and reconstruct samples"))
}

pub(super) fn read(path: &Path) -> Result<Read> {
    let bytes = std::fs::read(path).at(path)?;
    let damaged = |what: String| {
        Error::failed(format!("not a model of seedbed ({what}): {}", path.display()))
            .hint("name a model.safetensors or a checkpoint.safetensors that `seedbed train` wrote")
    };
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(e.to_string()))?;
    let text = entry(&metadata).ok_or_else(|| damaged("its metadata has no entry `seedbed`".into()))?;
    let version = serde_json::from_str::<serde_json::Value>(text).ok().and_then(|v| v["version"].as_u64());
    if version.is_some_and(|v| v > u64::from(VERSION)) {
        return Err(Error::failed(format!("model has a newer version: {}", path.display()))
            .hint("use the seedbed that wrote it, or a newer one"));
    }
    if version.is_some_and(|v| v < u64::from(VERSION)) {
        return Err(Error::failed(format!("model of an older version: {}", path.display()))
            .hint("train it again, or use the seedbed that wrote it"));
    }
    let about: About = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
    let ModelConfig { data, network, .. } = &about.config;
    if data.shape.iter().try_fold(1usize, |n, &side| n.checked_mul(side)) != Some(network.width()?) {
        let [height, width, channels] = data.shape;
        return Err(damaged(format!("its network is not of samples of {height} x {width} x {channels}")));
    }
    Ok(Read { bytes, about, path: path.to_owned() })
}

impl Read {
    /// What is wrong with a tensor.
    pub fn wrong(&self, what: &str, name: &str) -> Error {
        Error::failed(format!("{what} `{name}`: {}", self.path.display()))
    }

    /// The bytes of a tensor that must have this type, and as many values as this shape.
    pub fn bytes<'a>(
        &self,
        tensors: &SafeTensors<'a>,
        name: &str,
        (dtype, shape): (Dtype, &[usize]),
    ) -> Result<&'a [u8]> {
        let view = tensors.tensor(name).map_err(|_| self.wrong("model lacks the tensor", name))?;
        let size = dtype.bitsize() / 8;
        let len = shape.iter().try_fold(size, |len, &n| len.checked_mul(n));
        if view.dtype() != dtype || Some(view.data().len()) != len {
            return Err(self.wrong("model has another type or size of the tensor", name));
        }
        Ok(view.data())
    }

    /// The values of a tensor that must have `len` of them, all finite.
    pub fn values(&self, tensors: &SafeTensors<'_>, name: &str, len: usize) -> Result<Vec<f32>> {
        let bytes = self.bytes(tensors, name, (Dtype::F32, &[len]))?;
        let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        if values.iter().all(|v| v.is_finite()) {
            Ok(values)
        } else {
            Err(self.wrong("NaN or infinity in", name))
        }
    }

    /// Refuses a file too short for so many bytes, before memory is taken for them.
    pub fn holds(&self, bytes: usize) -> Result<()> {
        if self.bytes.len() >= bytes {
            return Ok(());
        }
        let what = "model is cut off, or lacks tensors of the network that it describes";
        Err(Error::failed(format!("{what}: {}", self.path.display())))
    }

    /// The fitted prior of a VAE.
    pub fn prior(&self, tensors: &SafeTensors<'_>, model: &Model) -> Result<Vec<f32>> {
        let classes = model.classes().max(1);
        let n = seedbed::generate::ClassGaussians::fitted_len(model.latent(), classes)?;
        self.values(tensors, PRIOR, n)
    }

    /// The first 16 digits of the SHA-256 of the file.
    pub fn hash(&self) -> String {
        Sha256::digest(&self.bytes).iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// The first so many parameters and values of the state of the model, whose tensors have `prefix` in front of their names.
    fn weights(
        &self,
        tensors: &SafeTensors<'_>,
        model: &Model,
        (prefix, [params, state]): (&str, [usize; 2]),
    ) -> Result<Weights> {
        self.holds(params.saturating_add(state).saturating_mul(size_of::<f32>()))?;
        let read = |parts: Vec<Part>, len: usize| -> Result<Vec<f32>> {
            let mut values = vec![0f32; len];
            for Part { name, shape, at } in parts {
                let len = shape.iter().product::<usize>();
                if let Some(own) = values.get_mut(at..at + len) {
                    own.copy_from_slice(&self.values(tensors, &format!("{prefix}{name}"), len)?);
                }
            }
            Ok(values)
        };
        let [of_params, of_state] = model.parts();
        Ok(Weights { params: read(of_params, params)?, state: read(of_state, state)? })
    }

    pub fn tensors(&self) -> Result<SafeTensors<'_>> {
        SafeTensors::deserialize(&self.bytes).at(&self.path)
    }
}

/// The file itself, or the one of this name in the folder.
pub(super) fn locate(path: &Path, name: &str) -> PathBuf {
    if path.is_dir() { path.join(name) } else { path.to_owned() }
}

/// The same, and where there is but a model in whole numbers, that: whoever does not take it says more by refusing it than that
/// there is no such file.
pub(super) fn single(path: &Path, name: &str) -> PathBuf {
    let (own, whole) = (locate(path, name), locate(path, WHOLE_FILE));
    if whole.is_file() && !own.is_file() { whole } else { own }
}

impl ModelFile {
    /// Writes the model, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let model = Model::new(&self.config.network)?;
        let about = About::new(&self.config, self.epoch);
        let mut entries = named(&model, "", &self.weights);
        entries.extend(named(&model, AVERAGE, &self.average));
        entries.extend(prior(&self.prior));
        write(path, &about, &entries)
    }

    /// Reads a model file, or the one in a folder of `seedbed train`, and its hash: the first 16 digits
    /// of the SHA-256 of the file. Of a checkpoint the best weights so far are taken; it has no fitted prior.
    ///
    /// # Errors
    /// When it is missing, damaged, no model, or a model in whole numbers.
    pub fn load(path: &Path) -> Result<(Self, String)> {
        Self::of(read(&single(path, WEIGHTS_FILE))?)
    }

    /// The same of a file that was read.
    pub(super) fn of(read: Read) -> Result<(Self, String)> {
        refuse_whole(&read.bytes, &read.path)?;
        let model = Model::new(&read.about.config.network)?;
        let tensors = read.tensors()?;
        // A checkpoint goes by the weights that training would keep if it ended here.
        let best = read.about.progress.as_ref().map(|progress| progress.best_epoch);
        let whole = [model.param_len(), model.state_len()];
        let kept = best.is_some() && matches!(model, Model::Vae(_));
        let weights = read.weights(&tensors, &model, (if kept { BEST } else { "" }, whole))?;
        let average = read.weights(&tensors, &model, (AVERAGE, model.average_len()))?;
        let prior = match &model {
            Model::Gan(_) | Model::Codes(_) => Vec::new(),
            Model::Vae(_) if best.is_some() => Vec::new(),
            Model::Vae(_) => read.prior(&tensors, &model)?,
        };
        let hash = read.hash();
        let About { config, epoch, .. } = read.about;
        Ok((Self { config, epoch: best.unwrap_or(epoch), weights, average, prior }, hash))
    }
}

impl Checkpoint {
    /// Writes the state, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let model = Model::new(&self.config.network)?;
        let about =
            About { progress: Some(self.progress.clone()), ..About::new(&self.config, self.progress.epoch) };
        let mut entries = named(&model, "", &self.weights);
        entries.extend(named(&model, BEST, &self.best));
        entries.extend(named(&model, AVERAGE, &self.average));
        entries.extend(plain("adam.moments", &self.moments));
        entries.extend(plain(META, &self.meta_moments));
        let Adaptation { values, moments, base, .. } = &self.adapters;
        for (name, values) in ADAPTERS.into_iter().zip([values, moments, base]) {
            entries.extend(plain(name, values));
        }
        if !self.samples.is_empty() {
            let (sizes, bytes) = (vec![self.samples.len()], self.samples.clone());
            entries.push((SAMPLES.into(), Tensor { dtype: Dtype::U8, sizes, bytes }));
        }
        write(path, &about, &entries)
    }

    /// Reads a checkpoint, or the one in a folder of `seedbed train`.
    ///
    /// # Errors
    /// When it is missing, damaged, or no checkpoint.
    pub fn load(path: &Path) -> Result<Self> {
        let read = read(&single(path, STATE_FILE))?;
        refuse_whole(&read.bytes, &read.path)?;
        let model = Model::new(&read.about.config.network)?;
        let tensors = read.tensors()?;
        let progress = read.about.progress.clone().ok_or_else(|| {
            Error::failed(format!("not a checkpoint, but a finished model: {}", read.path.display()))
                .hint(format!("resume from the {STATE_FILE} beside it"))
        })?;
        let whole = [model.param_len(), model.state_len()];
        let best = if matches!(model, Model::Vae(_)) { whole } else { [0, 0] };
        let groups = &read.about.config.training.groups;
        let of_tasks = read.about.config.training.meta.map_or(0, |meta| meta.state_len(model.param_len()));
        let (adapters, base) = (Adaptation::len(groups), Adaptation::base_len(groups));
        let some = |name: &str, len| if len == 0 { Ok(Vec::new()) } else { read.values(&tensors, name, len) };
        let [values, of_them, of] = ADAPTERS;
        let adapters = Adaptation::from_parts(
            some(values, adapters)?,
            some(of_them, adapters.saturating_mul(2))?,
            some(of, base)?,
        );
        Ok(Self {
            weights: read.weights(&tensors, &model, ("", whole))?,
            best: read.weights(&tensors, &model, (BEST, best))?,
            moments: read.values(&tensors, "adam.moments", model.moment_len())?,
            meta_moments: some(META, of_tasks)?,
            average: read.weights(&tensors, &model, (AVERAGE, model.average_len()))?,
            adapters,
            samples: tensors.tensor(SAMPLES).map(|t| t.data().to_vec()).unwrap_or_default(),
            progress,
            config: read.about.config,
        })
    }
}
