//! The models by name, and what is not asked for otherwise.

use super::TrainOptions;
use crate::dataset::Kind;
use crate::error::{Error, Result};
use crate::model::{
    CodeSpec, DataSpec, MetaKind, MetaTraining, Model, ModelConfig, Network, Objective, Training,
};
use clap::ValueEnum;
use seedbed::augment::diff::{Ada, DiffAugment};
use seedbed::generate::{
    Arch, CodePriorSpec, DiscriminatorNorm, DiscriminatorSpec, GanRules, GanSpec, GeneratorSpec, Likelihood,
    Show, VaeSpec, VqVae, VqVaeSpec, Widths,
};
use seedbed::nn::loss::{Adversarial, LeCam};
use seedbed::nn::{Activation, Schedule, Shape};
use serde::{Deserialize, Serialize};

/// A model with what makes it work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Variational autoencoder of dense layers.
    #[default]
    #[serde(alias = "vae_mlp")]
    #[value(alias = "vae_mlp")]
    VaeMlp,
    /// Variational autoencoder of convolutions, for pictures.
    #[serde(alias = "vae_conv")]
    #[value(alias = "vae_conv")]
    VaeConv,
    /// The same, conditioned on the class.
    Cvae,
    /// Autoencoder of convolutions with a codebook, and a prior of its codes, for pictures.
    Vqvae,
    /// Adversarial network of dense layers.
    #[serde(alias = "gan_mlp")]
    #[value(alias = "gan_mlp")]
    GanMlp,
    /// Adversarial network of convolutions, for pictures.
    Dcgan,
    /// The same, conditioned on the class.
    Cdcgan,
    /// The same with a critic.
    Wgan,
}

/// How learning rates change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// Not at all.
    Constant,
    /// Along half a cosine to 0.
    Cosine,
}

/// What discriminator and generator pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// Logistic (Goodfellow et al. 2014).
    #[serde(alias = "non_saturating")]
    #[value(alias = "non_saturating")]
    NonSaturating,
    /// Hinge (Miyato et al. 2018).
    Hinge,
    /// Least squares (Mao et al. 2017).
    #[serde(alias = "least_squares")]
    #[value(alias = "least_squares")]
    LeastSquares,
    /// The distance that a critic finds (Arjovsky et al. 2017).
    Wasserstein,
}

/// What bounds the layers of a discriminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum NormKind {
    /// Nothing.
    None,
    /// Batch normalisation.
    Batch,
    /// Spectral normalisation.
    Spectral,
}

/// What is done to pictures before the discriminator is shown them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ShowKind {
    /// Nothing.
    #[default]
    Plain,
    /// Colour, translation and cutout, always.
    Diff,
    /// More, with a probability that adapts.
    Ada,
}

/// The weight of the distance to the codebook (van den Oord et al. 2017).
const COMMITMENT: f32 = 0.25;
/// Values of the vector of a code.
const CODE_VALUES: usize = 32;
/// Steps that a model makes at least where no epochs are asked for, and the epochs that few samples may take for them.
const STEPS: usize = 4000;
const MOST_EPOCHS: u32 = 1000;

/// What a preset says where nothing is asked for. Its epochs are for tens of thousands of samples.
struct Preset {
    hidden: &'static [usize],
    channels: &'static [usize],
    latent: usize,
    epochs: u32,
    batch: usize,
    lr: f32,
    schedule: ScheduleKind,
    // Of GANs.
    lr_discriminator: f32,
    beta1: f32,
    loss: LossKind,
    norm: NormKind,
    r1: f32,
}

impl ModelKind {
    /// Whether it is conditioned on classes; `None` where that depends on the dataset.
    pub const fn conditional(self) -> Option<bool> {
        match self {
            Self::VaeMlp | Self::VaeConv | Self::Vqvae | Self::GanMlp => None,
            Self::Cvae | Self::Cdcgan => Some(true),
            Self::Dcgan | Self::Wgan => Some(false),
        }
    }

    /// Whether it has convolutions.
    const fn convolves(self) -> bool {
        !matches!(self, Self::VaeMlp | Self::GanMlp)
    }

    const fn is_gan(self) -> bool {
        matches!(self, Self::GanMlp | Self::Dcgan | Self::Cdcgan | Self::Wgan)
    }

    /// For pictures whose shorter side is `side`.
    fn preset(self, side: usize) -> Preset {
        let vae = Preset {
            hidden: &[256, 256],
            channels: &[],
            latent: 16,
            epochs: 100,
            batch: 128,
            lr: 1e-3,
            schedule: ScheduleKind::Constant,
            lr_discriminator: 0.0,
            beta1: 0.5,
            loss: LossKind::NonSaturating,
            norm: NormKind::None,
            r1: 0.0,
        };
        let gan = Preset { latent: 64, lr_discriminator: 1e-3, ..vae };
        let large = side > 40;
        let dcgan = Preset {
            hidden: &[],
            channels: if large { &[32, 64, 128] } else { &[32, 64] },
            epochs: 30,
            batch: 64,
            beta1: 0.0,
            loss: LossKind::Hinge,
            norm: NormKind::Spectral,
            ..gan
        };
        match self {
            Self::VaeMlp => vae,
            Self::VaeConv | Self::Cvae => {
                let channels: &[usize] = if large { &[32, 64, 128] } else { &[32, 64] };
                Preset { channels, hidden: &[256], epochs: 40, ..vae }
            }
            Self::Vqvae => Preset {
                channels: if large { &[32, 64, 64] } else { &[32, 64] },
                hidden: &[64],
                epochs: 18,
                lr: 2e-3,
                schedule: ScheduleKind::Cosine,
                ..vae
            },
            Self::GanMlp => gan,
            Self::Dcgan | Self::Cdcgan => dcgan,
            Self::Wgan => Preset { loss: LossKind::Wasserstein, ..dcgan },
        }
    }
}

fn widths(sizes: Option<&[usize]>, preset: &[usize]) -> Widths {
    Widths::from_slice(sizes.unwrap_or(preset)).unwrap_or_default()
}

impl TrainOptions {
    /// Refuses options that the model has no use for.
    pub(super) fn fits_model(&self) -> Result<()> {
        if !self.model.convolves() && self.channels.as_ref().is_some_and(|c| !c.is_empty()) {
            return Err(Error::usage(
                "a model of dense layers has no channels: --channels (recipe key `channels`)",
            )
            .hint("use a model of convolutions (vae-conv, cvae, dcgan, cdcgan, wgan), or leave it out"));
        }
        if self.model.convolves() && self.channels.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::out_of_range("channels", "[]", "at least one size for convolutions"));
        }
        if self.model == ModelKind::Vqvae && (self.lora.is_some() || self.latent.is_some()) {
            let (flag, key) = if self.lora.is_some() { ("--lora", "lora") } else { ("--latent", "latent") };
            return Err(Error::usage(format!("a VQ-VAE does not take it: {flag} (recipe key `{key}`)"))
                .hint("leave it out, or use another model"));
        }
        self.fits_family()
    }

    /// Refuses options of another family of models.
    fn fits_family(&self) -> Result<()> {
        let vq = self.model == ModelKind::Vqvae;
        let vae = ("VAE", "vae-conv", !vq && !self.model.is_gan());
        let gan = ("GAN", "dcgan", self.model.is_gan());
        let vqvae = ("VQ-VAE", "vqvae", vq);
        let all = [
            ("sigma", self.sigma.is_some(), ("VAE or VQ-VAE", "vae-conv", !self.model.is_gan())),
            ("beta", self.beta.is_some(), vae),
            ("kl_warmup", self.kl_warmup.is_some(), vae),
            ("free_bits", self.free_bits.is_some(), vae),
            ("codes", self.codes.is_some(), vqvae),
            ("prior_epochs", self.prior_epochs.is_some(), vqvae),
            ("loss", self.loss.is_some(), gan),
            ("norm", self.norm.is_some(), gan),
            ("r1", self.r1.is_some(), gan),
            ("lecam", self.lecam.is_some(), gan),
            ("show", self.show.is_some(), gan),
            ("critic_steps", self.critic_steps.is_some(), gan),
            ("lr_discriminator", self.lr_discriminator.is_some(), gan),
            ("ema_decay", self.ema_decay.is_some(), gan),
            ("real_target", self.real_target.is_some(), gan),
        ];
        let amiss = all.into_iter().find(|(_, given, (.., fits))| *given && !fits);
        if let Some((key, _, (family, model, _))) = amiss {
            let flag = key.replace('_', "-");
            return Err(Error::usage(format!("only a {family} has it: --{flag} (recipe key `{key}`)"))
                .hint(format!("leave it out, or use model = \"{model}\"")));
        }
        if !vae.2 && self.patience.is_some_and(|epochs| epochs > 0) {
            return Err(Error::usage(
                "only a VAE has a loss on the val split to wait for: --patience (recipe key `patience`)",
            )
            .hint("leave it out, or say how long to train: --epochs"));
        }
        let loss = self.loss.unwrap_or(self.model.preset(0).loss);
        if loss == LossKind::Wasserstein && self.show == Some(ShowKind::Ada) {
            return Err(Error::usage(
                "a critic does not tell real from drawn samples, which ADA goes by: --show ada (recipe key `show`)",
            )
            .hint("use show = \"diff\", or another loss"));
        }
        if self.real_target.is_some() && loss != LossKind::NonSaturating {
            return Err(Error::usage("the loss has no target: --real-target (recipe key `real_target`)")
                .hint("leave it out, or use loss = \"non-saturating\""));
        }
        Ok(())
    }

    /// Epochs for so many samples: those of the preset, or of few samples as many as make [`STEPS`] steps.
    fn epochs_for(&self, preset: &Preset, samples: usize) -> u32 {
        let batches = samples.div_ceil(self.batch.unwrap_or(preset.batch).max(1));
        let enough = STEPS.div_ceil(batches.max(1)).min(MOST_EPOCHS as usize) as u32;
        self.epochs.unwrap_or(if samples > 0 { preset.epochs.max(enough) } else { preset.epochs })
    }

    /// The model that these options make for so many samples of this kind (0: not known), conditioned on `classes` of them
    /// (0: not).
    ///
    /// # Errors
    /// A usage error where model and samples do not fit.
    pub fn config(
        &self,
        seed: u64,
        (data, samples): (DataSpec, usize),
        classes: usize,
    ) -> Result<ModelConfig> {
        if self.model.convolves() && data.kind != Kind::Images {
            return Err(Error::usage("convolutions need pictures: --model (recipe key `model`)")
                .hint("use model = \"vae-mlp\" or \"gan-mlp\" for a table"));
        }
        let [height, width, channels] = data.shape;
        let preset = self.model.preset(height.min(width));
        let shape = if data.kind == Kind::Images {
            Shape::image(height, width, channels)
        } else {
            Shape::flat(data.width())
        };
        let epochs = self.epochs_for(&preset, samples);
        let network = match self.model {
            ModelKind::Vqvae => Network::Vqvae(self.vq(&preset, &data, shape, classes)?),
            model if model.is_gan() => Network::Gan(self.gan(&preset, &data, shape, classes)?),
            _ => Network::Vae(self.vae(&preset, &data, shape, classes)?),
        };
        let lr = self.lr.unwrap_or(preset.lr);
        let objective = if self.model == ModelKind::Vqvae {
            Error::require(
                epochs > 1,
                "epochs",
                epochs,
                "at least 2 for a VQ-VAE, whose prior learns in the last",
            )?;
            let prior_epochs = self.prior_epochs.unwrap_or_else(|| epochs.div_ceil(3));
            // How many epochs there are by default is known with the samples.
            let most = if samples > 0 || self.epochs.is_some() { epochs } else { MOST_EPOCHS };
            Error::check_range("prior_epochs", prior_epochs, 1..=most.saturating_sub(1).max(1))?;
            Objective::Codes {
                commitment: COMMITMENT,
                prior_epochs,
                lr_prior: 1.5 * lr,
                keeps_codebook: self.learning()?.keeps_codebook(),
            }
        } else if self.model.is_gan() {
            Objective::Game {
                lr_discriminator: self.lr_discriminator.unwrap_or(preset.lr_discriminator),
                beta1: preset.beta1,
                critic_steps: self.critic_steps.unwrap_or(1),
                ema_decay: self.ema_decay.unwrap_or(0.999),
            }
        } else {
            Objective::Elbo {
                beta: self.beta.unwrap_or(0.2),
                kl_warmup: self.kl_warmup.unwrap_or(0.0),
                free_bits: self.free_bits.unwrap_or(0.0),
            }
        };
        let training = Training {
            seed,
            epochs,
            batch: self.batch.unwrap_or(preset.batch),
            lr,
            schedule: match self.schedule.unwrap_or(preset.schedule) {
                ScheduleKind::Constant => Schedule::constant(),
                ScheduleKind::Cosine => Schedule::cosine(0.0),
            },
            patience: self.patience.unwrap_or(20),
            objective,
            classes: None,
            shots: self.shots,
            meta: self.meta.map(|kind| MetaTraining {
                kind,
                steps: self.inner_steps.unwrap_or(5),
                rate: self.meta_rate.unwrap_or(if kind == MetaKind::Reptile { 0.25 } else { lr }),
            }),
            groups: Vec::new(),
            transfer: None,
        };
        Ok(ModelConfig { data, network, training })
    }

    fn vae(&self, preset: &Preset, data: &DataSpec, shape: Shape, classes: usize) -> Result<VaeSpec> {
        let channels = widths(self.channels.as_deref(), preset.channels);
        let arch = Arch {
            hidden: widths(self.hidden.as_deref(), preset.hidden),
            activation: Activation::Relu,
            channels,
        };
        Ok(VaeSpec {
            input: if arch.channels.is_empty() { Shape::flat(data.width()) } else { shape },
            latent: self.latent.unwrap_or(preset.latent),
            likelihood: self.likelihood(data)?,
            arch,
            classes,
        })
    }

    fn vq(&self, preset: &Preset, data: &DataSpec, shape: Shape, classes: usize) -> Result<CodeSpec> {
        let arch = Arch {
            channels: widths(self.channels.as_deref(), preset.channels),
            hidden: widths(self.hidden.as_deref(), preset.hidden),
            activation: Activation::Relu,
        };
        let likelihood = self.likelihood(data)?;
        let codes = self.codes.unwrap_or(128);
        let vq = VqVaeSpec { input: shape, arch, groups: 1, codes, dim: CODE_VALUES, likelihood };
        let prior = CodePriorSpec {
            grid: VqVae::new(vq.clone()).map_err(Model::refused)?.grid(),
            codes,
            classes,
            radius: 3,
            embedding: CODE_VALUES,
            hidden: widths(None, &[256, 256]),
            activation: Activation::Relu,
        };
        Ok(CodeSpec { vq, prior })
    }

    fn gan(&self, preset: &Preset, data: &DataSpec, shape: Shape, classes: usize) -> Result<GanSpec> {
        let unit = self.likelihood(data)? == Likelihood::Bernoulli;
        let hidden = widths(self.hidden.as_deref(), preset.hidden);
        let channels = widths(self.channels.as_deref(), preset.channels);
        let norm = match self.norm.unwrap_or(preset.norm) {
            NormKind::None => DiscriminatorNorm::None,
            NormKind::Batch => DiscriminatorNorm::Batch,
            NormKind::Spectral => DiscriminatorNorm::Spectral,
        };
        let r1 = self.r1.unwrap_or(preset.r1);
        if r1 > 0.0 && norm == DiscriminatorNorm::Batch {
            return Err(Error::usage("R1 does not go with batch normalisation: --r1 (recipe key `r1`)")
                .hint("use norm = \"none\" or \"spectral\""));
        }
        let (show, lecam) = (self.show.unwrap_or_default(), self.lecam.unwrap_or(0.0));
        if show != ShowKind::Plain && data.kind != Kind::Images {
            return Err(Error::usage("only pictures can be shown changed: --show (recipe key `show`)")
                .hint("use show = \"plain\" for a table"));
        }
        Ok(GanSpec {
            output: shape,
            latent: self.latent.unwrap_or(preset.latent),
            classes,
            unit,
            generator: GeneratorSpec {
                hidden: hidden.iter().rev().copied().collect(),
                channels: channels.clone(),
                batch_norm: self.model.convolves(),
            },
            discriminator: DiscriminatorSpec { channels, hidden, norm },
            rules: GanRules {
                loss: self.adversarial(preset),
                r1,
                lecam: (lecam > 0.0).then_some(LeCam { weight: lecam, ..LeCam::default() }),
                show: match show {
                    ShowKind::Plain => Show::Plain,
                    ShowKind::Diff => Show::Diff(DiffAugment::default()),
                    ShowKind::Ada => Show::Ada(Ada::default()),
                },
            },
        })
    }

    fn adversarial(&self, preset: &Preset) -> Adversarial {
        match self.loss.unwrap_or(preset.loss) {
            LossKind::NonSaturating => Adversarial::NonSaturating { real: self.real_target.unwrap_or(0.9) },
            LossKind::Hinge => Adversarial::Hinge,
            LossKind::LeastSquares => Adversarial::LeastSquares { real: 1.0, fake: 0.0, generator: 1.0 },
            LossKind::Wasserstein => Adversarial::Wasserstein,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_have_more_epochs() {
        let epochs = |model, samples: usize, batch: Option<usize>| {
            let options = TrainOptions { model, batch, ..TrainOptions::default() };
            let data = DataSpec::of_shape(Kind::Images, [28, 28, 1]);
            options.config(0, (data, samples), 0).unwrap().training.epochs
        };
        assert_eq!([0, 50_000, 1000, 10].map(|n| epochs(ModelKind::Dcgan, n, None)), [30, 30, 250, 1000]);
        assert_eq!(epochs(ModelKind::VaeConv, 1280, None), 400);
        assert_eq!(epochs(ModelKind::VaeConv, 1280, Some(64)), 200);
        let asked = TrainOptions { epochs: Some(3), ..TrainOptions::default() };
        assert_eq!(asked.epochs_for(&ModelKind::VaeMlp.preset(28), 10), 3);
    }
}
