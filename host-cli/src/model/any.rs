//! What a model file says about itself: data, network and training, all that is needed to use it.

use crate::dataset::{Dataset, Feature, Kind, Normalize};
use crate::error::{Error, Result};
use seedbed::generate::{Gan, GanSpec, NamedTensor, Net, Vae, VaeSpec};
use serde::{Deserialize, Serialize};
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
}

/// How it is trained; everything that changes the result.
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
    /// Weight of the divergence.
    pub beta: f32,
    /// Epochs over which that weight grows from 0.
    pub kl_warmup: f32,
    /// Epochs without a better validation loss after which training stops; 0 for never.
    pub patience: u32,
    /// Target of real samples for the discriminator.
    pub real_target: f32,
    /// Decay of the running mean of the generator.
    pub ema_decay: f32,
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

/// The plan of either network.
// Few are alive at a time.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Model {
    /// A variational autoencoder.
    Vae(Vae),
    /// A generative adversarial network.
    Gan(Gan),
}

impl Model {
    /// The plan of a network.
    ///
    /// # Errors
    /// When the core refuses its sizes.
    pub fn new(network: &Network) -> Result<Self> {
        let refused = |e: seedbed::Error| match e {
            seedbed::Error::Unsupported => {
                Error::usage("one side of the pictures is even where the other is odd: arch = \"conv\"")
                    .hint("resize to a square, or to sides that are multiples of 4, or use arch = \"mlp\"")
            }
            seedbed::Error::CapacityExceeded => Error::usage("too many layers: hidden, channels")
                .hint(format!("at most {} of each", seedbed::generate::MAX_HIDDEN)),
            seedbed::Error::InvalidArgument => Error::usage(
                "a size of the network does not fit the samples: hidden, channels, latent",
            )
            .hint("sizes must be at least 1, and pictures must be at least 2 x 2 for each convolution"),
            e => Error::from(e),
        };
        Ok(match network {
            Network::Vae(spec) => Model::Vae(Vae::new(spec.clone()).map_err(refused)?),
            Network::Gan(spec) => Model::Gan(Gan::new(spec.clone()).map_err(refused)?),
        })
    }

    /// The same for so many threads; see [`Vae::for_threads`].
    #[must_use]
    pub fn for_threads(self, threads: usize) -> Self {
        match self {
            Model::Vae(vae) => Model::Vae(vae.for_threads(threads)),
            // Dense layers split without memory of their own.
            Model::Gan(gan) => Model::Gan(gan),
        }
    }

    /// Parameters.
    pub fn param_len(&self) -> usize {
        match self {
            Model::Vae(vae) => vae.param_len(),
            Model::Gan(gan) => gan.param_len(),
        }
    }

    /// Moments of the optimiser.
    pub fn moment_len(&self) -> usize {
        2 * self.param_len()
    }

    /// The running mean that a GAN keeps of its generator; nothing for a VAE.
    pub fn average_len(&self) -> usize {
        match self {
            Model::Vae(_) => 0,
            Model::Gan(gan) => gan.generator_len(),
        }
    }

    /// Values of a latent vector.
    pub fn latent(&self) -> usize {
        match self {
            Model::Vae(vae) => vae.spec().latent,
            Model::Gan(gan) => gan.spec().latent,
        }
    }

    /// Classes that it is conditioned on; 0 for none.
    pub fn classes(&self) -> usize {
        match self {
            Model::Vae(vae) => vae.spec().classes,
            Model::Gan(gan) => gan.spec().classes,
        }
    }

    /// Bytes of scratch for a training step.
    pub fn train_scratch_len(&self, batch: usize) -> usize {
        match self {
            Model::Vae(vae) => vae.train_scratch_len(batch).max(vae.run_scratch_len(batch)),
            Model::Gan(gan) => gan.train_scratch_len(batch),
        }
    }

    /// Bytes of scratch for samples.
    pub fn run_scratch_len(&self, batch: usize) -> usize {
        match self {
            Model::Vae(vae) => vae.run_scratch_len(batch),
            Model::Gan(gan) => gan.run_scratch_len(batch),
        }
    }

    /// Initial parameters.
    ///
    /// # Errors
    /// None that the lengths do not exclude.
    pub fn init(&self, seed: u64) -> Result<Vec<f32>> {
        let mut params = vec![0f32; self.param_len()];
        match self {
            Model::Vae(vae) => vae.init(seed, &mut params)?,
            Model::Gan(gan) => gan.init(seed, &mut params)?,
        }
        Ok(params)
    }

    /// The networks by name, in the order of the parameters.
    pub fn networks(&self) -> Vec<(&'static str, &Net)> {
        match self {
            Model::Vae(vae) => vae.networks().collect(),
            Model::Gan(gan) => gan.networks().collect(),
        }
    }

    /// The tensors in the order of the parameters.
    pub fn tensors(&self) -> Vec<NamedTensor> {
        match self {
            Model::Vae(vae) => vae.tensors().collect(),
            Model::Gan(gan) => gan.tensors().collect(),
        }
    }
}
