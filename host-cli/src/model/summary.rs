//! What a model is made of and what it costs: its layers, and the bytes of a step of training and of use, on a host and on
//! a device.

use super::any::{Model, ModelConfig, Network};
use super::runner::InUse;
use super::stored::Stored;
use super::whole::WholeFile;
use crate::error::{Error, Result};
use seedbed::nn::int8::QuantPlan;
use seedbed::nn::{Activation, Layer, Shape};
use serde::Serialize;

/// What the compiler makes of the library on a Cortex-M4F, as measured there.
const CORTEX_M4: &str = include_str!("cortex-m4.txt");

/// Where a model is to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// A computer with an operating system.
    #[default]
    Host,
    /// A Cortex-M4 with its floating-point unit.
    CortexM4,
}

/// A layer of a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerRow {
    /// Its name: the network and its number there.
    pub name: String,
    /// What it is.
    pub layer: String,
    /// What comes out of it: height, width and channels, or values.
    pub output: Vec<usize>,
    /// Its parameters.
    pub parameters: usize,
    /// Multiply-adds of its products for one sample.
    pub multiply_adds: usize,
}

/// Bytes that something takes at a batch size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Samples in the batch.
    pub batch: usize,
    /// Parameters.
    pub parameters: usize,
    /// Their gradients.
    pub gradients: usize,
    /// Moments of the optimiser.
    pub moments: usize,
    /// Samples, noise, weights and labels of a batch.
    pub samples: usize,
    /// All that is computed and kept on the way.
    pub scratch: usize,
    /// What was measured on the device; of a host, and of a GAN on a device, nothing was.
    pub device: Option<Device>,
    /// Memory that is written: on a device, what must be RAM.
    pub ram: usize,
    /// Memory that is only read: on a device, what may be flash.
    pub flash: usize,
}

/// Bytes that the compiler decides, which do not depend on the sizes of the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Code and constants of a program that trains and samples.
    pub code: usize,
    /// The description of the model.
    pub model: usize,
    /// Stack below the caller, at one sample at a time.
    pub stack: usize,
}

/// What a model is made of and what it costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// `vae`, `gan` or `vqvae`.
    pub kind: &'static str,
    /// Height, width and channels of a sample.
    pub input: [usize; 3],
    /// Values of a latent vector.
    pub latent: usize,
    /// Classes that it is conditioned on; 0 for none.
    pub classes: usize,
    /// Its layers.
    pub layers: Vec<LayerRow>,
    /// Parameters of all.
    pub parameters: usize,
    /// Multiply-adds of the products for one sample through all networks.
    pub multiply_adds: usize,
    /// Where it runs.
    pub target: Target,
    /// The threads that the scratch memory is for.
    pub threads: usize,
    /// A step of training; a model in whole numbers does not train.
    pub training: Option<Memory>,
    /// Drawing samples from the standard normal prior.
    pub sampling: Memory,
    /// Bytes of the networks in whole numbers, of a model that has such.
    pub int8_bytes: Option<usize>,
}

impl Summary {
    /// Of a model that was stored, in single precision or in whole numbers.
    ///
    /// # Errors
    /// As [`Summary::of`].
    pub fn of_stored(stored: &Stored, target: Target, batch: usize, threads: usize) -> Result<Self> {
        let summary = Self::of(stored.config(), target, batch, threads)?;
        let Stored::Whole(file) = stored else { return Ok(summary) };
        let sampling = whole_sampling(file, target, batch)?;
        Ok(Self { training: None, sampling, int8_bytes: Some(file.bytes()), ..summary })
    }

    /// Of a model that runs on `target`, `batch` samples at a time, by so many threads.
    ///
    /// # Errors
    /// When the core refuses its sizes, or they are beyond the address space.
    pub fn of(config: &ModelConfig, target: Target, batch: usize, threads: usize) -> Result<Self> {
        let model = Model::new(&config.network)?.for_threads(threads);
        let layers: Vec<LayerRow> =
            model.networks().into_iter().flat_map(|(name, net)| rows(name, net)).collect();
        let sum = |of: fn(&LayerRow) -> usize| layers.iter().map(of).fold(0, usize::saturating_add);
        let of_training = training(&model, config, target, batch);
        let summary = Self {
            kind: config.network.name(),
            input: config.data.shape,
            latent: model.latent(),
            classes: model.classes(),
            parameters: model.param_len(),
            multiply_adds: sum(|l| l.multiply_adds),
            target,
            threads,
            training: Some(of_training),
            sampling: sampling(&model, config, target, batch),
            int8_bytes: None,
            layers,
        };
        let fits = |m: &Memory| m.ram.saturating_add(m.flash) < usize::MAX;
        if fits(&of_training) && fits(&summary.sampling) {
            return Ok(summary);
        }
        Err(Error::usage(format!("{batch} samples of this model are beyond the address space: --batch"))
            .hint("use a smaller batch, or a smaller model"))
    }
}

/// Bytes of so many values for each of `batch` samples.
fn bytes(batch: usize, values: usize) -> usize {
    batch.saturating_mul(values).saturating_mul(size_of::<f32>())
}

/// The sum, or the largest number.
fn total(parts: &[usize]) -> usize {
    parts.iter().fold(0, |sum, &part| sum.saturating_add(part))
}

fn training(model: &Model, config: &ModelConfig, target: Target, batch: usize) -> Memory {
    let labels = usize::from(model.classes() > 0);
    let of = Memory {
        batch,
        parameters: bytes(1, model.param_len().saturating_add(model.state_len())),
        gradients: bytes(1, model.param_len()),
        // With the running mean of a generator, where there is one.
        moments: bytes(1, total(&[model.moment_len(), model.average_len().iter().sum()])),
        // A weight for each sample too.
        samples: bytes(batch, total(&[config.data.width(), model.latent(), 1, labels])),
        scratch: model.train_scratch_len(batch),
        ..Memory::default()
    };
    let device = device(config, target, "training");
    let own = device.map_or(0, |d| d.model + d.stack);
    let ram = total(&[of.parameters, of.gradients, of.moments, of.samples, of.scratch, own]);
    Memory { device, ram, flash: device.map_or(0, |d| d.code), ..of }
}

fn sampling(model: &Model, config: &ModelConfig, target: Target, batch: usize) -> Memory {
    let labels = usize::from(model.classes() > 0);
    // A GAN draws by its generator alone, or by the running mean of it.
    let parameters = match model {
        Model::Vae(vae) => vae.param_len(),
        Model::Codes(codes) => codes.param_len().saturating_add(codes.vq.state_len()),
        Model::Gan(gan) => gan.generator_len().saturating_add(gan.generator_state_len()),
    };
    let of = Memory {
        batch,
        parameters: bytes(1, parameters),
        samples: bytes(batch, total(&[config.data.width(), labels])),
        scratch: model.run_scratch_len(batch),
        ..Memory::default()
    };
    let device = device(config, target, "sampling");
    let ram = total(&[of.samples, of.scratch, device.map_or(0, |d| d.model + d.stack)]);
    Memory { device, ram, flash: total(&[of.parameters, device.map_or(0, |d| d.code)]), ..of }
}

/// Drawing by whole numbers: weights are laid out for vector registers on a host, and read as they are on a device.
fn whole_sampling(file: &WholeFile, target: Target, batch: usize) -> Result<Memory> {
    let model = Model::new(&file.config.network)?;
    let labels = usize::from(model.classes() > 0);
    let mut scratch = match &model {
        Model::Codes(codes) => codes.prior.run_scratch_len(batch),
        Model::Vae(_) | Model::Gan(_) => 0,
    };
    for of in InUse::all(&model).iter().filter(|of| file.net(of.name).is_some()) {
        let plan = QuantPlan::new(of.net)?;
        let own = match target {
            Target::Host => plan.packed_scratch_len(batch).saturating_add(plan.panel_len()),
            Target::CortexM4 => plan.scratch_len(batch),
        };
        scratch = scratch.max(own);
    }
    let parameters = file.bytes().saturating_add(file.rest_bytes()?);
    let samples = bytes(batch, total(&[file.config.data.width(), model.latent(), labels]));
    let ram = total(&[samples, scratch]);
    Ok(Memory { batch, parameters, samples, scratch, ram, flash: parameters, ..Memory::default() })
}

/// What was measured on the device.
fn device(config: &ModelConfig, target: Target, work: &str) -> Option<Device> {
    let kind = match (&config.network, target) {
        (_, Target::Host) | (Network::Gan(_) | Network::Vqvae(_), _) => return None,
        (Network::Vae(spec), _) if spec.arch.channels.is_empty() => "mlp",
        (Network::Vae(_), _) => "conv",
    };
    let stack = measured(&format!("{kind}-{work}-stack"));
    Some(Device { code: measured("code"), model: measured("model"), stack })
}

/// A figure of the table.
fn measured(name: &str) -> usize {
    let of = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    CORTEX_M4.lines().find_map(of).unwrap_or(0)
}

/// The layers of a network.
fn rows(network: &str, net: &seedbed::generate::Net) -> Vec<LayerRow> {
    let mut input = net.input();
    let mut rows = Vec::new();
    for (i, (layer, output)) in net.layers().enumerate() {
        rows.push(LayerRow {
            name: format!("{network}.{i}"),
            layer: describe(&layer),
            output: sizes(output),
            parameters: net.params_before(i + 1) - net.params_before(i),
            multiply_adds: layer.multiply_adds(input),
        });
        input = output;
    }
    rows
}

fn sizes(shape: Shape) -> Vec<usize> {
    if shape.height == 1 && shape.width == 1 {
        return vec![shape.channels];
    }
    vec![shape.height, shape.width, shape.channels]
}

/// A layer in words, with what its output does not tell.
fn describe(layer: &Layer) -> String {
    let conv = |name: &str, [kernel, stride, padding, groups]: [usize; 4]| {
        let groups = if groups > 1 { format!(", {groups} groups") } else { String::new() };
        format!("{name} {kernel}x{kernel}, stride {stride}, padding {padding}{groups}")
    };
    match layer {
        Layer::Dense(_) => "Dense".into(),
        Layer::Conv2d(c) => conv("Conv2d", [c.kernel, c.stride, c.padding, c.groups]),
        Layer::ConvTranspose2d(c) => conv("ConvTranspose2d", [c.kernel, c.stride, c.padding, c.groups]),
        Layer::BatchNorm { .. } => "BatchNorm".into(),
        Layer::LayerNorm { .. } => "LayerNorm".into(),
        Layer::GroupNorm { groups, .. } => format!("GroupNorm, {groups} groups"),
        Layer::Upsample { factor } => format!("Upsample by {factor}"),
        Layer::AvgPool2d(p) => conv("AvgPool2d", [p.kernel, p.stride, p.padding, 1]),
        Layer::MaxPool2d(p) => conv("MaxPool2d", [p.kernel, p.stride, p.padding, 1]),
        Layer::Embedding { classes, .. } => format!("Embedding of {classes} classes"),
        Layer::Dropout { p } => format!("Dropout {p}"),
        Layer::Flatten => "Flatten".into(),
        Layer::Unflatten(_) => "Unflatten".into(),
        Layer::Softmax => "Softmax".into(),
        Layer::Activation(activation) => match activation {
            Activation::Relu => "ReLU".into(),
            Activation::LeakyRelu { slope } => format!("LeakyReLU {slope}"),
            Activation::Sigmoid => "Sigmoid".into(),
            Activation::Tanh => "Tanh".into(),
            Activation::Elu { .. } => "ELU".into(),
            Activation::Silu => "SiLU".into(),
            Activation::Gelu => "GELU".into(),
            Activation::Softplus => "Softplus".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Kind;
    use crate::stages::train::{ModelKind, TrainOptions};

    fn of(model: ModelKind) -> Summary {
        let channels = (model == ModelKind::VaeConv).then(|| vec![4]);
        told(TrainOptions { model, channels, hidden: Some(vec![32]), latent: Some(8), ..Default::default() })
    }

    fn told(options: TrainOptions) -> Summary {
        let config =
            options.config(0, (crate::model::DataSpec::of_shape(Kind::Images, [8, 8, 1]), 0), 0).unwrap();
        Summary::of(&config, Target::CortexM4, 1, 1).unwrap()
    }

    /// The firmware takes what it is told here, and the table holds what it took.
    #[test]
    fn a_device_takes_what_is_foretold() {
        for (model, kind) in [(ModelKind::VaeMlp, "mlp"), (ModelKind::VaeConv, "conv")] {
            let summary = of(model);
            let Memory { parameters, gradients, moments, scratch, .. } = summary.training.unwrap();
            let told = [parameters, gradients, moments, scratch, summary.sampling.scratch];
            let names = ["parameters", "gradients", "moments", "training-scratch", "sampling-scratch"];
            assert_eq!(told, names.map(|name| measured(&format!("{kind}-{name}"))), "{kind}");
        }
    }

    #[test]
    fn sums_are_those_of_the_parts() {
        let summary = of(ModelKind::VaeMlp);
        assert_eq!(summary.parameters, 64 * 32 + 32 + 32 * 16 + 16 + 8 * 32 + 32 + 32 * 64 + 64);
        assert_eq!(summary.multiply_adds, 64 * 32 + 32 * 16 + 8 * 32 + 32 * 64);
        assert_eq!(summary.layers.iter().map(|l| l.parameters).sum::<usize>(), summary.parameters);
        let t = summary.training.unwrap();
        assert_eq!(t.samples, 4 * (64 + 8 + 1));
        let d = t.device.unwrap();
        assert!(d.code > 10_000 && d.model > 1000 && d.stack > 1000);
        assert_eq!((t.flash, t.ram), (d.code, 4 * 4 * 5008 + t.samples + t.scratch + d.model + d.stack));
        let s = summary.sampling;
        let d = s.device.unwrap();
        assert_eq!((s.flash, s.ram), (d.code + 4 * 5008, 4 * 64 + s.scratch + d.model + d.stack));
    }

    #[test]
    fn a_gan_draws_by_its_generator() {
        let summary = told(TrainOptions {
            model: ModelKind::GanMlp,
            hidden: Some(vec![32]),
            latent: Some(8),
            ..Default::default()
        });
        let (generator, discriminator) = (8 * 32 + 32 + 32 * 64 + 64, 64 * 32 + 32 + 32 + 1);
        assert_eq!(summary.parameters, generator + discriminator);
        assert_eq!(summary.sampling.parameters, 4 * generator);
        let training = summary.training.unwrap();
        assert_eq!(training.moments, 4 * (2 * (generator + discriminator) + generator));
        assert_eq!(training.device, None);
    }

    #[test]
    fn convolutions_count_their_products() {
        let summary = of(ModelKind::VaeConv);
        let at = |name: &str| summary.layers.iter().find(|l| l.name == name).unwrap();
        assert_eq!((at("stem.0").multiply_adds, &at("stem.0").output), (4 * 4 * 16 * 4, &vec![4, 4, 4]));
        let last = summary.layers.last().unwrap();
        assert_eq!((last.multiply_adds, &last.output), (4 * 4 * 16 * 4, &vec![8, 8, 1]));
        assert_eq!(last.layer, "ConvTranspose2d 4x4, stride 2, padding 1");
    }
}
