//! What `seedbed train` is told.

use super::preset::{LossKind, ModelKind, NormKind, ScheduleKind, ShowKind};
use crate::error::{Error, Result};
use crate::model::{Learning, MetaKind, names};
use clap::ValueEnum;
use seedbed::generate::MAX_HIDDEN;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a decoder predicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LikelihoodKind {
    /// Bernoulli for pictures, Gaussian for tables.
    #[default]
    Auto,
    /// Probabilities of values in 0..=1; grey levels count as probabilities.
    Bernoulli,
    /// Means with one fixed standard deviation.
    Gaussian,
}

/// Options of `train`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct TrainOptions {
    /// Model, a preset: VAEs of dense layers or convolutions (cvae: conditioned on the class), a VQ-VAE, GANs of dense layers or
    /// convolutions (cdcgan: conditioned on the class; wgan: a critic)
    #[arg(long, value_enum, default_value = "vae-mlp")]
    pub model: ModelKind,
    /// Widths of the dense hidden layers, encoder or discriminator first; the other network has them in reverse; up to 4;
    /// default of the preset
    #[arg(long, value_delimiter = ',')]
    pub hidden: Option<Vec<usize>>,
    /// Channels of the convolutions, the largest picture first; each halves the sides; up to 4; default of the preset by the size of
    /// the pictures
    #[arg(long, value_delimiter = ',')]
    pub channels: Option<Vec<usize>>,
    /// Values of a latent vector, 1 to 1024; default of the preset
    #[arg(long)]
    pub latent: Option<usize>,
    /// What the decoder predicts: auto, bernoulli or gaussian
    #[arg(long, value_enum, default_value = "auto")]
    pub likelihood: LikelihoodKind,
    /// Standard deviation of the Gaussian likelihood, above 0, in units of the values as the model sees them;
    /// default 0.1 for pixels in 0..=1, 0.3 for values scaled by mean and deviation
    #[arg(long)]
    pub sigma: Option<f32>,
    /// Weight of the divergence of a VAE from its prior, 0 or more; 1 is the evidence lower bound, less is sharper and
    /// wants samples drawn from the aggregate prior [default: 0.2]
    #[arg(long)]
    pub beta: Option<f32>,
    /// Epochs over which the weight of the divergence grows from 0 [default: 0]
    #[arg(long)]
    pub kl_warmup: Option<f32>,
    /// Nats of divergence that each latent value of a VAE may have for nothing, 0 or more, against posterior collapse [default: 0]
    #[arg(long)]
    pub free_bits: Option<f32>,
    /// Condition the model on the class; default: cvae and cdcgan are, dcgan and wgan are not, others are if the dataset has classes
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub conditional: Option<bool>,
    /// Epochs at most, 1 or more; default of the preset, and more for few samples: as many as make 4000 steps, up to 1000
    #[arg(long)]
    pub epochs: Option<u32>,
    /// Samples in a batch, 1 or more; default of the preset
    #[arg(long)]
    pub batch: Option<usize>,
    /// Learning rate of Adam, above 0; default of the preset
    #[arg(long)]
    pub lr: Option<f32>,
    /// Codes of the codebook of a VQ-VAE, 2 to 65536 [default: 128]
    #[arg(long)]
    pub codes: Option<usize>,
    /// The last epochs of a VQ-VAE, in which the prior of its codes learns; default a third of all
    #[arg(long)]
    pub prior_epochs: Option<u32>,
    /// Learning rate of the discriminator of a GAN, above 0; default of the preset
    #[arg(long)]
    pub lr_discriminator: Option<f32>,
    /// How learning rates change over training: constant, or cosine (down to 0)
    #[arg(long, value_enum)]
    pub schedule: Option<ScheduleKind>,
    /// Stop a VAE after this many epochs without a better loss on the val split; 0 for never [default: 20]
    #[arg(long)]
    pub patience: Option<u32>,
    /// Loss of a GAN; default of the preset
    #[arg(long, value_enum)]
    pub loss: Option<LossKind>,
    /// What bounds the discriminator's layers: none, batch or spectral; default of the preset
    #[arg(long, value_enum)]
    pub norm: Option<NormKind>,
    /// Weight of R1, the penalty on the discriminator's slope at real samples, 0 or more; not with norm = "batch"
    #[arg(long)]
    pub r1: Option<f32>,
    /// Weight of LeCam regularisation of a GAN for few samples, 0 or more; 0.01 to 0.5 is usual [default: 0]
    #[arg(long)]
    pub lecam: Option<f32>,
    /// What is done to pictures before the discriminator of a GAN is shown them, for few samples: plain (nothing), diff
    /// (DiffAugment: colour, translation, cutout) or ada (more, as far as it has learnt the real ones by heart) [default: plain]
    #[arg(long, value_enum)]
    pub show: Option<ShowKind>,
    /// Steps of the discriminator for each one of the generator, 1 to 100 [default: 1]
    #[arg(long)]
    pub critic_steps: Option<u32>,
    /// Target of real samples for loss = "non-saturating", above 0.5 up to 1 [default: 0.9]
    #[arg(long)]
    pub real_target: Option<f32>,
    /// Decay of the running mean of a GAN's generator that samples come from, 0 up to below 1 [default: 0.999]
    #[arg(long)]
    pub ema_decay: Option<f32>,
    /// Begin with the weights of a safetensors file, of seedbed or of PyTorch (`state_dict`): tensors of one name and shape are taken,
    /// others begin anew
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// A name of the model and its name in the file of `from`, network and layer or the network alone: encoder.0=fc1, and
    /// encoder= for a file of this network alone; repeat for more
    #[arg(long, value_name = "OURS=THEIRS", value_delimiter = ',')]
    pub map: Vec<String>,
    /// Tensors that stay as they are, by name: discriminator.0, encoder.*.bias, codebook; `*` is anything; repeat for more.
    /// The first layers of a discriminator are FreezeD
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub freeze: Vec<String>,
    /// Tensors with another learning rate, as a multiple: encoder=0.1; repeat for more
    #[arg(long, value_name = "PATTERN=FACTOR", value_delimiter = ',')]
    pub rates: Vec<String>,
    /// Train only adapters of this rank in the place of the weights (LoRA), 1 to 1024
    #[arg(long, value_name = "RANK")]
    pub lora: Option<usize>,
    /// The weights that get adapters, by name as for `freeze` [default: all]
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub lora_on: Vec<String>,
    /// Learn to learn from few samples: each class is a task, and the model comes to weights from which a few steps on a new one go far
    #[arg(long, value_enum)]
    pub meta: Option<MetaKind>,
    /// Steps of a task of `meta`, 1 to 1000 [default: 5]
    #[arg(long)]
    pub inner_steps: Option<u32>,
    /// What `meta` learns at: for reptile the share of the way that the steps went, above 0 and at most 1 [default: 0.25]; for
    /// fomaml the rate of a second Adam [default: that of `lr`]
    #[arg(long)]
    pub meta_rate: Option<f32>,
    /// Train on samples of this class alone, by name; repeat for more
    #[arg(long, value_name = "CLASS")]
    pub only: Vec<String>,
    /// Train on samples of all classes but this, by name; repeat for more
    #[arg(long, value_name = "CLASS", conflicts_with = "only")]
    pub except: Vec<String>,
    /// Train on so many samples of each class (of all, without classes), drawn by the seed
    #[arg(long, value_name = "K")]
    pub shots: Option<usize>,
    /// Keep a checkpoint every so many epochs, so that a killed training goes on; 0 for never
    #[arg(long, default_value_t = 10)]
    pub checkpoint_every: u32,
    /// Memory that training may take, in GiB, above 0; a network that takes more is refused
    #[arg(long, default_value_t = 8.0, value_name = "GIB")]
    pub max_memory: f32,
    /// Go on from this checkpoint.safetensors (or the folder that holds it), for more epochs
    #[arg(long)]
    pub resume: Option<PathBuf>,
}
crate::defaults!(TrainOptions);

impl TrainOptions {
    /// Refuses options outside their ranges.
    ///
    /// # Errors
    /// A usage error that names the option.
    pub fn validate(&self) -> Result<()> {
        self.latent.map_or(Ok(()), |latent| Error::check_range("latent", latent, 1..=1024))?;
        self.critic_steps.map_or(Ok(()), |steps| Error::check_range("critic_steps", steps, 1..=100))?;
        self.codes.map_or(Ok(()), |codes| Error::check_range("codes", codes, 2..=1 << 16))?;
        Error::require(self.epochs != Some(0), "epochs", 0, "at least 1")?;
        Error::require(self.batch != Some(0), "batch", 0, "at least 1")?;
        type Range = (fn(f32) -> bool, &'static str);
        let above_0: Range = (|v| v > 0.0 && v.is_finite(), "above 0");
        let from_0: Range = (|v| v >= 0.0 && v.is_finite(), "0 or more");
        for (key, given, (fits, range)) in [
            ("max_memory", Some(self.max_memory), above_0),
            ("lr", self.lr, above_0),
            ("lr_discriminator", self.lr_discriminator, above_0),
            ("sigma", self.sigma, above_0),
            ("beta", self.beta, from_0),
            ("free_bits", self.free_bits, from_0),
            ("lecam", self.lecam, from_0),
            ("r1", self.r1, from_0),
            ("kl_warmup", self.kl_warmup, (from_0.0, "0 or more epochs")),
            ("real_target", self.real_target, (|v| v > 0.5 && v <= 1.0, "above 0.5 and at most 1")),
            ("ema_decay", self.ema_decay, (|v| (0.0..1.0).contains(&v), "at least 0 and below 1")),
        ] {
            given.map_or(Ok(()), |v| Error::require(fits(v), key, v, range))?;
        }
        for (key, sizes) in [("hidden", &self.hidden), ("channels", &self.channels)] {
            let sizes = sizes.as_deref().unwrap_or_default();
            let ok = sizes.len() <= MAX_HIDDEN && sizes.iter().all(|s| (1..=1 << 16).contains(s));
            Error::require(ok, key, format!("{sizes:?}"), "up to 4 sizes of 1 to 65536")?;
        }
        if self.sigma.is_some() && self.likelihood == LikelihoodKind::Bernoulli {
            return Err(Error::usage(
                "a Bernoulli likelihood has no deviation: --sigma (recipe key `sigma`)",
            )
            .hint("leave it out, or use likelihood = \"gaussian\""));
        }
        self.lora.map_or(Ok(()), |rank| Error::check_range("lora", rank, 1..=1024))?;
        Error::require(self.shots != Some(0), "shots", 0, "at least 1")?;
        if !self.only.is_empty() && !self.except.is_empty() {
            return Err(Error::usage(
                "either classes are named or those left out: --only, --except (recipe keys `only`, `except`)",
            )
            .hint("leave out one of them"));
        }
        if self.from.is_none() && !self.map.is_empty() {
            return Err(Error::usage("there is nothing to map names of: --map (recipe key `map`)")
                .hint("name a file of weights with --from"));
        }
        if self.lora.is_none() && !self.lora_on.is_empty() {
            return Err(Error::usage("there are no adapters: --lora-on (recipe key `lora_on`)")
                .hint("give their rank with --lora"));
        }
        names(&self.map)?;
        self.learning()?;
        self.check_meta()?;
        self.fits_model()
    }

    /// Refuses what does not go with training over tasks.
    fn check_meta(&self) -> Result<()> {
        let use_less = |flag: &str| {
            let key = flag.replace('-', "_");
            Error::usage(format!("there are no tasks to learn from: --{flag} (recipe key `{key}`)"))
        };
        let Some(kind) = self.meta else {
            let given =
                [("inner-steps", self.inner_steps.is_some()), ("meta-rate", self.meta_rate.is_some())];
            return match given.into_iter().find(|(_, given)| *given) {
                Some((flag, _)) => Err(use_less(flag).hint("leave it out, or train with --meta reptile")),
                None => Ok(()),
            };
        };
        self.inner_steps.map_or(Ok(()), |n| Error::check_range("inner_steps", n, 1..=1000))?;
        let most = if kind == MetaKind::Reptile { 1.0 } else { f32::MAX };
        let rate = self.meta_rate.unwrap_or(most);
        Error::require(rate > 0.0 && rate <= most, "meta_rate", rate, "above 0, and for reptile at most 1")?;
        let given = [
            ("lora", self.lora.is_some()),
            ("freeze", !self.freeze.is_empty()),
            ("rates", !self.rates.is_empty()),
            ("shots", self.shots.is_some()),
        ];
        if self.model == ModelKind::Vqvae {
            return Err(Error::usage("a VQ-VAE does not learn over tasks: --meta (recipe key `meta`)")
                .hint("use another model"));
        }
        match given.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(Error::usage(format!("it does not go with --meta: --{flag}"))
                .hint("train with --meta first, and adapt the model then: --from MODEL --shots K")),
            None => Ok(()),
        }
    }

    /// How the parameters learn.
    pub(super) fn learning(&self) -> Result<Learning> {
        let rate = |text: &String| {
            let (pattern, factor) = text.rsplit_once('=').unwrap_or((text, ""));
            let factor = factor.trim().parse::<f32>().ok().filter(|f| (0.0..=1000.0).contains(f));
            let factor = factor.ok_or_else(|| {
                Error::usage(format!("no name with a factor: --rates {text} (recipe key `rates`)"))
                    .hint("write a name, =, and a factor from 0 to 1000: encoder=0.1")
            })?;
            Ok((pattern.trim().to_owned(), factor))
        };
        Ok(Learning {
            freeze: self.freeze.clone(),
            rates: self.rates.iter().map(rate).collect::<Result<_>>()?,
            adapters: self.lora.map(|rank| (rank, self.lora_on.clone())),
        })
    }
}
