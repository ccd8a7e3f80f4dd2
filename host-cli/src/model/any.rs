//! What a model file says about itself: data, network and training, all that is needed to use it.

use super::codes::{CodeModel, CodeSpec};
use super::epochs::MetaTraining;
use super::transfer::{Transfer, frozen_layers};
use crate::dataset::{Dataset, Feature, Kind, Normalize};
use crate::error::{Error, Result};
use seedbed::generate::{Gan, GanSpec, NamedTensor, Net, ParamGroup, Vae, VaeSpec};
use seedbed::nn::Schedule;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// What the samples of a model are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataSpec {
    /// Pictures or rows.
    pub kind: Kind,
    /// Height, width and channels of a picture; 1, 1 and the number of columns of a row.
    pub shape: [usize; 3],
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Names of the columns of a table.
    #[serde(default)]
    pub columns: Vec<String>,
    /// What is known of them; empty where nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
    /// How values are scaled before the model sees them; `None` for pixels in 0..=1.
    #[serde(default)]
    pub normalize: Option<Normalize>,
    /// The content hash of the dataset.
    #[serde(default)]
    pub content_hash: String,
}

impl DataSpec {
    /// What a dataset says of itself.
    ///
    /// # Errors
    /// For pictures of several sizes, a table without columns, or samples of another kind.
    pub fn of(dataset: &Dataset) -> Result<Self> {
        dataset.needs("train", &[Kind::Images, Kind::Table])?;
        let meta = dataset.meta();
        let folder = dataset.folder().display();
        let shape = match (meta.kind, meta.image) {
            (Kind::Images, Some(i)) => [i.height as usize, i.width as usize, i.channels as usize],
            (Kind::Images, None) => {
                return Err(Error::failed(format!("the pictures have several sizes: {folder}"))
                    .hint("bring them to one size with `seedbed preprocess`"));
            }
            _ if meta.columns.is_empty() => {
                return Err(Error::failed(format!("the table has no columns: {folder}")));
            }
            _ => [1, 1, meta.columns.len()],
        };
        Ok(Self {
            kind: meta.kind,
            shape,
            classes: meta.classes.clone(),
            columns: meta.columns.clone(),
            features: meta.features.clone(),
            normalize: None,
            content_hash: meta.content_hash.clone(),
        })
    }

    /// Samples of this kind and shape of which nothing else is known.
    pub fn of_shape(kind: Kind, shape: [usize; 3]) -> Self {
        Self {
            kind,
            shape,
            classes: Vec::new(),
            columns: Vec::new(),
            features: Vec::new(),
            normalize: None,
            content_hash: String::new(),
        }
    }

    /// Values of one sample.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether these samples are known to be other ones than those of this content hash.
    pub fn is_other(&self, content_hash: &str) -> bool {
        !self.content_hash.is_empty() && self.content_hash != content_hash
    }

    /// Refuses samples of another kind, size, or with other columns or classes, which `folder` holds.
    ///
    /// # Errors
    /// A usage error that names what differs, on both sides.
    pub fn same_samples(&self, other: &Self, folder: &Path) -> Result<()> {
        let list = |names: &[String]| names.join(", ");
        let sizes = |s: &Self| s.shape.map(|n| n.to_string()).join(" x ");
        let differs = [
            ("kind", self.kind.words().to_owned(), other.kind.words().to_owned()),
            ("size", sizes(self), sizes(other)),
            ("columns", list(&self.columns), list(&other.columns)),
            ("classes", list(&self.classes), list(&other.classes)),
        ];
        match differs.into_iter().find(|(_, own, others)| own != others) {
            None => Ok(()),
            Some((what, own, others)) => Err(Error::usage(format!(
                "the dataset differs in its {what} from the model's: {}",
                folder.display()
            ))
            .hint(format!(
                "give the dataset that the model was trained on; the model has {own}, the dataset {others}"
            ))),
        }
    }

    /// Values as the model makes them, brought to the scale of the samples: pixels in 0..=1, columns as they are.
    pub fn restore(&self, values: &mut [f32]) {
        if let Some(n) = &self.normalize {
            let scales = n.mean.iter().zip(&n.std).cycle();
            values.iter_mut().zip(scales).for_each(|(v, (mean, std))| *v = *v * std + mean);
        }
    }

    /// Pixels as the model sees them, added to `out`.
    pub fn scale_pixels(&self, pixels: &[u8], out: &mut Vec<f32>) {
        // A product with 1/255 would not be the same number as the quotient.
        let unit = |p: u8| f32::from(p) / 255.0;
        match &self.normalize {
            None => out.extend(pixels.iter().map(|&p| unit(p))),
            Some(n) => {
                let scales = n.mean.iter().zip(&n.std).cycle();
                out.extend(pixels.iter().zip(scales).map(|(&p, (mean, std))| (unit(p) - mean) / std));
            }
        }
    }
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// A variational autoencoder.
    Vae(VaeSpec),
    /// A generative adversarial network.
    Gan(GanSpec),
    /// An autoencoder with a codebook, and the prior of its codes.
    Vqvae(CodeSpec),
}

impl Network {
    /// `vae`, `gan` or `vqvae`, as a file has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Vae(_) => "vae",
            Self::Gan(_) => "gan",
            Self::Vqvae(_) => "vqvae",
        }
    }

    /// Values of a sample.
    ///
    /// # Errors
    /// When they are beyond the address space.
    pub fn width(&self) -> Result<usize> {
        let shape = match self {
            Self::Vae(spec) => spec.input,
            Self::Gan(spec) => spec.output,
            Self::Vqvae(spec) => spec.vq.input,
        };
        Ok(shape.len()?)
    }
}

/// How it is trained; everything that changes the result, but what is the network's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The seed of initial values, order and noise.
    pub seed: u64,
    /// Epochs to train at most.
    pub epochs: u32,
    /// Samples in a batch.
    pub batch: usize,
    /// Learning rate of Adam.
    pub lr: f32,
    /// How it changes over training.
    pub schedule: Schedule,
    /// Epochs without a better validation loss after which training stops; 0 for never.
    pub patience: u32,
    /// What is optimised.
    pub objective: Objective,
    /// The classes that it learns from; all for `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<BTreeSet<u32>>,
    /// Samples of each class that it learns from; all for `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shots: Option<usize>,
    /// How it learns from tasks; not at all for `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<MetaTraining>,
    /// How each part of the parameters learns; empty where all learn alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ParamGroup>,
    /// What was taken over from another model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
}

/// What training optimises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// The evidence lower bound, or near it.
    Elbo {
        /// Weight of the divergence.
        beta: f32,
        /// Epochs over which that weight grows from 0.
        kl_warmup: f32,
        /// Nats of divergence that each latent dimension may have for nothing.
        free_bits: f32,
    },
    /// The bound of an autoencoder with a codebook, and then the likelihood of its codes.
    Codes {
        /// Weight of the distance to the codebook.
        commitment: f32,
        /// The last epochs, which are the prior's.
        prior_epochs: u32,
        /// The learning rate of the prior.
        lr_prior: f32,
        /// Whether the codebook stays as it is.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keeps_codebook: bool,
    },
    /// A game of two networks, whose rules are the network's.
    Game {
        /// Learning rate of the discriminator.
        lr_discriminator: f32,
        /// Decay of the mean of the gradients in Adam.
        beta1: f32,
        /// Steps of the discriminator for each one of the generator.
        critic_steps: u32,
        /// Decay of the running mean of the generator.
        ema_decay: f32,
    },
}

/// All that a model file says besides its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Its samples.
    pub data: DataSpec,
    /// Its network.
    pub network: Network,
    /// Its training.
    pub training: Training,
}

/// The name of a tensor: network, layer, role.
pub fn full_name(t: &NamedTensor) -> String {
    format!("{}.{}.{}", t.network, t.tensor.layer, t.role().name())
}

/// A part of the parameters of a model, or of its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name in files.
    pub name: String,
    /// Its sizes, outermost first.
    pub shape: Vec<usize>,
    /// Where it begins.
    pub at: usize,
}

/// Numbers of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    /// Parameters.
    pub params: Vec<f32>,
    /// What training passes follow besides.
    pub state: Vec<f32>,
}

impl Weights {
    /// Whether all are finite.
    pub fn are_finite(&self) -> bool {
        self.params.iter().chain(&self.state).all(|v| v.is_finite())
    }
}

/// The plan of either network.
// Few are alive at a time.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Model {
    /// A variational autoencoder.
    Vae(Vae),
    /// A generative adversarial network.
    Gan(Gan),
    /// An autoencoder with a codebook, and the prior of its codes.
    Codes(CodeModel),
}

impl Model {
    /// The plan of a network.
    ///
    /// # Errors
    /// When the core refuses its sizes.
    pub fn new(network: &Network) -> Result<Self> {
        let refused = Self::refused;
        Ok(match network {
            Network::Vae(spec) => Model::Vae(Vae::new(spec.clone()).map_err(refused)?),
            Network::Gan(spec) => Model::Gan(Gan::new(spec.clone()).map_err(refused)?),
            Network::Vqvae(spec) => Model::Codes(CodeModel::new(spec).map_err(refused)?),
        })
    }

    /// What the core's refusal of sizes means to a user.
    pub fn refused(e: seedbed::Error) -> Error {
        match e {
            seedbed::Error::Unsupported => {
                Error::usage("one side of the pictures is even where the other is odd, for convolutions: --model")
                    .hint("resize to a square, or to sides that are multiples of 4, or use a model of dense layers (vae-mlp, gan-mlp)")
            }
            seedbed::Error::CapacityExceeded => Error::usage("too many layers: hidden, channels")
                .hint(format!("at most {} of each", seedbed::generate::MAX_HIDDEN)),
            seedbed::Error::InvalidArgument => Error::usage(
                "a size of the network does not fit the samples: hidden, channels, latent",
            )
            .hint("sizes must be at least 1, and pictures must be at least 2 x 2 for each convolution"),
            e => Error::from(e),
        }
    }

    /// The same for so many threads; see [`Vae::for_threads`].
    #[must_use]
    pub fn for_threads(self, threads: usize) -> Self {
        match self {
            Model::Vae(vae) => Model::Vae(vae.for_threads(threads)),
            Model::Gan(gan) => Model::Gan(gan.for_threads(threads)),
            Model::Codes(codes) => Model::Codes(codes.for_threads(threads)),
        }
    }

    /// The same for a training in which the first layers of a GAN's networks may stay: what they would learn from is not
    /// computed then.
    ///
    /// # Errors
    /// None that [`Model::new`] does not have.
    pub fn for_groups(self, groups: &[ParamGroup]) -> Result<Self> {
        match &self {
            Model::Gan(gan) if !groups.is_empty() => {
                Ok(Model::Gan(Gan::frozen(gan.spec().clone(), frozen_layers(&self, groups))?))
            }
            _ => Ok(self),
        }
    }

    /// Parameters.
    pub fn param_len(&self) -> usize {
        match self {
            Model::Vae(vae) => vae.param_len(),
            Model::Gan(gan) => gan.param_len(),
            Model::Codes(codes) => codes.param_len(),
        }
    }

    /// Values of the state that training follows besides, such as running statistics.
    pub fn state_len(&self) -> usize {
        match self {
            Model::Vae(_) => 0,
            Model::Gan(gan) => gan.state_len(),
            Model::Codes(codes) => codes.vq.state_len(),
        }
    }

    /// Moments of the optimiser.
    pub fn moment_len(&self) -> usize {
        2 * self.param_len()
    }

    /// Parameters and state of the generator of a GAN, of which a running mean is kept; nothing for a VAE.
    pub fn average_len(&self) -> [usize; 2] {
        match self {
            Model::Vae(_) | Model::Codes(_) => [0, 0],
            Model::Gan(gan) => [gan.generator_len(), gan.generator_state_len()],
        }
    }

    /// Values of a latent vector.
    pub fn latent(&self) -> usize {
        match self {
            Model::Vae(vae) => vae.spec().latent,
            Model::Gan(gan) => gan.spec().latent,
            // Codes are drawn one by one.
            Model::Codes(_) => 0,
        }
    }

    /// Classes that it is conditioned on; 0 for none.
    pub fn classes(&self) -> usize {
        match self {
            Model::Vae(vae) => vae.spec().classes,
            Model::Gan(gan) => gan.spec().classes,
            Model::Codes(codes) => codes.prior.spec().classes,
        }
    }

    /// Bytes of scratch for a training step.
    pub fn train_scratch_len(&self, batch: usize) -> usize {
        match self {
            Model::Vae(vae) => vae.train_scratch_len(batch).max(vae.run_scratch_len(batch)),
            Model::Gan(gan) => gan.train_scratch_len(batch),
            Model::Codes(codes) => codes.train_scratch_len(batch),
        }
    }

    /// Bytes of scratch for samples.
    pub fn run_scratch_len(&self, batch: usize) -> usize {
        match self {
            Model::Vae(vae) => vae.run_scratch_len(batch),
            Model::Gan(gan) => gan.run_scratch_len(batch),
            Model::Codes(codes) => codes.run_scratch_len(batch),
        }
    }

    /// Initial parameters and state.
    ///
    /// # Errors
    /// None that the lengths do not exclude.
    pub fn init(&self, seed: u64) -> Result<Weights> {
        let (mut params, mut state) = (vec![0f32; self.param_len()], vec![0f32; self.state_len()]);
        match self {
            Model::Vae(vae) => vae.init(seed, &mut params)?,
            Model::Gan(gan) => gan.init(seed, &mut params, &mut state)?,
            Model::Codes(codes) => codes.init(seed, &mut params)?,
        }
        Ok(Weights { params, state })
    }

    /// The same, and what a running mean of a generator begins with.
    ///
    /// # Errors
    /// As [`Model::init`].
    pub fn first(&self, seed: u64) -> Result<[Weights; 2]> {
        let weights = self.init(seed)?;
        let [params, state] = self.average_len();
        let average =
            Weights { params: weights.params[..params].to_vec(), state: weights.state[..state].to_vec() };
        Ok([weights, average])
    }

    /// The networks by name, in the order of the parameters.
    pub fn networks(&self) -> Vec<(&'static str, &Net)> {
        match self {
            Model::Vae(vae) => vae.networks().collect(),
            Model::Gan(gan) => gan.networks().collect(),
            Model::Codes(codes) => codes.networks(),
        }
    }

    /// The tensors in the order of the parameters.
    pub fn tensors(&self) -> Vec<NamedTensor> {
        match self {
            Model::Vae(vae) => vae.tensors().collect(),
            Model::Gan(gan) => gan.tensors().collect(),
            Model::Codes(codes) => codes.tensors(),
        }
    }

    /// The parts of the parameters, and those of the state.
    pub fn parts(&self) -> [Vec<Part>; 2] {
        let part = |t: NamedTensor| Part {
            name: full_name(&t),
            shape: t.tensor.shape().to_vec(),
            at: t.tensor.offset,
        };
        let state = match self {
            Model::Vae(_) => Vec::new(),
            Model::Gan(gan) => gan.state_tensors().map(part).collect(),
            Model::Codes(codes) => codes.book().into(),
        };
        [self.tensors().into_iter().map(part).collect(), state]
    }
}
