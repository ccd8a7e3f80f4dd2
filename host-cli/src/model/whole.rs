//! A model in 8-bit whole numbers, and the file that it is kept in.
//!
//! `model-int8.safetensors` holds what a device uses: encoder and decoder, or the generator. Of each network come
//! `encoder.0.weight` (I8, PyTorch's layout), `.scale` (F32, one for each output channel), `.bias` (I32), `.range` (F32, the
//! lowest and the highest of what comes out of a layer) and `encoder.input.range`. What [`seedbed::nn::int8`] does not serve is
//! there as it was, as are the fitted prior of a VAE, and of an autoencoder with a codebook that and the prior of its codes.
//! The metadata are those of a model in single precision, with what the ranges were found on.

use super::any::{Model, ModelConfig, Part, Weights};
use super::checkpoint::{About, Entry, Read, prior, write};
use super::runner::{InUse, NetRunner, Runner, Runs};
use super::tensor::Tensor;
use crate::error::{Error, Result};
use crate::stages::Ctx;
use safetensors::tensor::{Dtype, SafeTensors};
use seedbed::exec::Executor;
use seedbed::generate::MAX_LAYERS;
use seedbed::nn::int8::{self, PartRole, QuantPlan, Quantised, QuantisedMut};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The name of the file of a model in whole numbers.
pub const WHOLE_FILE: &str = "model-int8.safetensors";
/// Numbers of a codebook that only its training reads.
const FOLLOWED: [&str; 2] = ["codebook.counts", "codebook.sums"];

/// What the ranges of a model in whole numbers were found on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibrated {
    /// The hash of the model in single precision.
    pub source: String,
    /// Samples of the train split.
    pub samples: usize,
    /// Draws.
    pub draws: usize,
    /// The share of values that ranges were narrowed to; 1 for all.
    pub clip: f64,
    /// The seed of both.
    pub seed: u64,
    /// Whether it was made of a checkpoint of a VAE, which has no fitted prior.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfitted: bool,
}

/// The numbers of a network in whole numbers; see [`Quantised`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WholeNet {
    /// The ranges of values.
    pub ranges: Vec<f32>,
    /// The weights.
    pub weights: Vec<i8>,
    /// Their scales.
    pub scales: Vec<f32>,
    /// The biases.
    pub biases: Vec<i32>,
}

impl WholeNet {
    /// All 0, for a network of this plan.
    pub fn zeros(plan: &QuantPlan<MAX_LAYERS>) -> Self {
        Self {
            ranges: vec![0.0; plan.range_len()],
            weights: vec![0; plan.weight_len()],
            scales: vec![0.0; plan.scale_len()],
            biases: vec![0; plan.bias_len()],
        }
    }

    /// As the core reads them.
    pub fn view(&self) -> Quantised<'_> {
        let Self { ranges, weights, scales, biases } = self;
        Quantised { ranges, weights, scales, biases }
    }

    /// Its ranges, and where to write the rest.
    pub fn parts_mut(&mut self) -> (&[f32], QuantisedMut<'_>) {
        let Self { ranges, weights, scales, biases } = self;
        (ranges, QuantisedMut { weights, scales, biases })
    }

    /// How many bytes they are.
    pub const fn bytes(&self) -> usize {
        self.weights.len() + size_of::<f32>() * (self.ranges.len() + self.scales.len() + self.biases.len())
    }

    fn entry(&self, network: &str, part: &int8::Part) -> Entry {
        let range = part.offset..part.offset + part.len();
        let floats = |values: &[f32]| values[range.clone()].iter().flat_map(|v| v.to_le_bytes()).collect();
        let bytes = match part.role {
            PartRole::Weight => self.weights[range].iter().map(|v| v.to_ne_bytes()[0]).collect(),
            PartRole::Bias => self.biases[range].iter().flat_map(|v| v.to_le_bytes()).collect(),
            PartRole::Range => floats(&self.ranges),
            PartRole::Scale | PartRole::Affine => floats(&self.scales),
        };
        (name(network, part), Tensor { dtype: dtype(part.role), sizes: part.shape().to_vec(), bytes })
    }

    /// The numbers of a network of this plan from its tensors.
    fn read(
        read: &Read,
        tensors: &SafeTensors<'_>,
        (network, plan): (&str, &QuantPlan<MAX_LAYERS>),
    ) -> Result<Self> {
        let mut net = Self::zeros(plan);
        for part in plan.parts() {
            let (name, range) = (name(network, &part), part.offset..part.offset + part.len());
            let (dtype, shape) = (dtype(part.role), part.shape());
            if tensors.tensor(&name).is_ok_and(|view| view.shape() != shape) {
                return Err(read.wrong("model has another shape of the tensor", &name));
            }
            let bytes = read.bytes(tensors, &name, (dtype, shape))?;
            let words = || bytes.as_chunks::<4>().0.iter();
            let all = || read.values(tensors, &name, part.len());
            match part.role {
                PartRole::Weight => {
                    net.weights[range]
                        .iter_mut()
                        .zip(bytes)
                        .for_each(|(to, b)| *to = i8::from_ne_bytes([*b]));
                }
                PartRole::Bias => {
                    net.biases[range]
                        .iter_mut()
                        .zip(words())
                        .for_each(|(to, b)| *to = i32::from_le_bytes(*b));
                }
                PartRole::Scale => {
                    let scales = all()?;
                    if !scales.iter().all(|&scale| scale > 0.0) {
                        return Err(read.wrong("a scale that is not above 0 in", &name));
                    }
                    net.scales[range].copy_from_slice(&scales);
                }
                PartRole::Affine => net.scales[range].copy_from_slice(&all()?),
                PartRole::Range => {
                    let ends = all()?;
                    if !matches!(ends[..], [low, high] if low <= 0.0 && high >= 0.0 && (high - low).is_finite())
                    {
                        return Err(read.wrong("no range of values around 0 in", &name));
                    }
                    net.ranges[range].copy_from_slice(&ends);
                }
            }
        }
        Ok(net)
    }
}

/// The name of a part of a network.
fn name(network: &str, part: &int8::Part) -> String {
    let role = part.role.name();
    part.layer.map_or_else(|| format!("{network}.input.{role}"), |layer| format!("{network}.{layer}.{role}"))
}

const fn dtype(role: PartRole) -> Dtype {
    match role {
        PartRole::Weight => Dtype::I8,
        PartRole::Bias => Dtype::I32,
        PartRole::Range | PartRole::Scale | PartRole::Affine => Dtype::F32,
    }
}

/// A model in whole numbers in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeFile {
    /// What it is.
    pub config: ModelConfig,
    /// The epoch that the weights are of.
    pub epoch: u32,
    /// What its ranges were found on.
    pub calibrated: Calibrated,
    /// Its networks by name, those that stay in single precision left out.
    pub nets: Vec<(&'static str, WholeNet)>,
    /// The fitted prior of a VAE; empty for others.
    pub prior: Vec<f32>,
    /// What stays in single precision, laid out as all of the model's numbers; the others are 0.
    pub rest: Weights,
}

/// The parts of a model that stay in single precision in a file, where these networks do not.
fn rest<'a>(model: &Model, nets: &'a [&'static str]) -> [impl Iterator<Item = Part> + use<'a>; 2] {
    let stays = |part: &Part| {
        let network = part.name.split('.').next().unwrap_or_default();
        network != "discriminator" && !nets.contains(&network) && !FOLLOWED.contains(&part.name.as_str())
    };
    model.parts().map(|parts| parts.into_iter().filter(stays))
}

/// How many parameters and values of the state a model has in use.
pub fn used_len(model: &Model) -> [usize; 2] {
    match model {
        Model::Gan(_) => model.average_len(),
        _ => [model.param_len(), model.state_len()],
    }
}

impl WholeFile {
    /// Leaves of all numbers of a model those that stay in single precision.
    pub fn keep_rest(model: &Model, nets: &[&'static str], weights: &Weights) -> Weights {
        let keep = |parts: &mut dyn Iterator<Item = Part>, values: &[f32]| {
            let mut kept = vec![0f32; values.len()];
            for Part { shape, at, .. } in parts {
                let range = at..at + shape.iter().product::<usize>();
                kept[range.clone()].copy_from_slice(&values[range]);
            }
            kept
        };
        let [mut params, mut state] = rest(model, nets);
        Weights { params: keep(&mut params, &weights.params), state: keep(&mut state, &weights.state) }
    }

    /// A network in whole numbers; `None` where it stays in single precision.
    pub fn net(&self, name: &str) -> Option<&WholeNet> {
        self.nets.iter().find(|(own, _)| *own == name).map(|(_, net)| net)
    }

    /// Bytes of what stays in single precision.
    ///
    /// # Errors
    /// When the model's sizes are refused.
    pub fn rest_bytes(&self) -> Result<usize> {
        let model = Model::new(&self.config.network)?;
        let names = self.names();
        let parts = rest(&model, &names).into_iter().flatten();
        let values = parts.map(|part| part.shape.iter().product::<usize>()).sum::<usize>();
        Ok(size_of::<f32>() * (values + self.prior.len()))
    }

    fn names(&self) -> Vec<&'static str> {
        self.nets.iter().map(|(name, _)| *name).collect()
    }

    /// Bytes of all networks in whole numbers.
    pub fn bytes(&self) -> usize {
        self.nets.iter().map(|(_, net)| net.bytes()).sum()
    }

    /// Writes the model, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let model = Model::new(&self.config.network)?;
        let about = About { int8: Some(self.calibrated.clone()), ..About::new(&self.config, self.epoch) };
        let mut entries = Vec::new();
        for of in InUse::all(&model) {
            if let Some(net) = self.net(of.name) {
                let plan = QuantPlan::new(of.net)?;
                entries.extend(plan.parts().map(|part| net.entry(of.name, &part)));
            }
        }
        for (parts, values) in
            rest(&model, &self.names()).into_iter().zip([&self.rest.params, &self.rest.state])
        {
            for Part { name, shape, at } in parts {
                let len = shape.iter().product::<usize>();
                entries.push((name, Tensor::floats(&shape, &values[at..at + len])));
            }
        }
        entries.extend(prior(&self.prior));
        write(path, &about, &entries)
    }

    /// The model in a file that was read, and the hash of that.
    ///
    /// # Errors
    /// When the file is no model in whole numbers, or lacks some of them, or has others than it may.
    pub(super) fn of(read: Read) -> Result<(Self, String)> {
        let missing = || Error::from(seedbed::Error::Unsupported);
        let calibrated = read.about.int8.clone().ok_or_else(missing)?;
        let model = Model::new(&read.about.config.network)?;
        let tensors = read.tensors()?;
        let mut nets = Vec::new();
        for of in InUse::all(&model) {
            if let Ok(plan) = QuantPlan::new(of.net) {
                read.holds(plan.weight_len())?;
                nets.push((of.name, WholeNet::read(&read, &tensors, (of.name, &plan))?));
            }
        }
        let names: Vec<&'static str> = nets.iter().map(|(name, _)| *name).collect();
        // Each number is a byte of the file at least.
        let lens = used_len(&model);
        lens.into_iter().try_for_each(|len| read.holds(len))?;
        let mut kept = lens.map(|len| vec![0f32; len]);
        for (parts, values) in rest(&model, &names).into_iter().zip(&mut kept) {
            for Part { name, shape, at } in parts {
                let own = read.values(&tensors, &name, shape.iter().product())?;
                values[at..at + own.len()].copy_from_slice(&own);
            }
        }
        let fitted = matches!(model, Model::Vae(_)) && !calibrated.unfitted;
        let prior = if fitted { read.prior(&tensors, &model)? } else { Vec::new() };
        let hash = read.hash();
        let [params, state] = kept;
        let About { config, epoch, .. } = read.about;
        Ok((Self { config, epoch, calibrated, nets, prior, rest: Weights { params, state } }, hash))
    }
}

impl Runs for WholeFile {
    fn runner<'a>(&'a self, ctx: &'a Ctx) -> Result<Runner<'a>> {
        let (weights, threads) = (&self.rest, ctx.pool.width());
        let model = Model::new(&self.config.network)?.for_threads(threads);
        let net = |of: InUse<'_>| match self.net(of.name) {
            Some(net) => NetRunner::whole(&of, net),
            None => NetRunner::single(&of, of.of(weights), threads),
        };
        let nets = InUse::all(&model).into_iter().map(net).collect::<Result<_>>()?;
        Ok(Runner { ctx, config: &self.config, model, fitted: &self.prior, weights, nets })
    }
}
