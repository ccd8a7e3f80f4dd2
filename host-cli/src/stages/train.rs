//! `seedbed train`: a small generative model from a dataset.

use super::{Ctx, Outcome, Stage};
use crate::dataset::{Dataset, Kind};
use crate::error::{Context, Error, Result};
use crate::model::{
    Checkpoint, DataSpec, ModelConfig, Network, Plan, STATE_FILE, Training, TrainingData, WEIGHTS_FILE,
    reconstruct, train,
};
use clap::ValueEnum;
use seedbed::generate::{Arch, GanSpec, Likelihood, MAX_HIDDEN, VaeSpec, Widths};
use seedbed::nn::{Activation, Shape};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The name of the file with one line for each epoch.
pub const HISTORY_FILE: &str = "history.jsonl";
/// The folder, inside the stage's, of what a VAE makes of the test split.
pub const RECONSTRUCTED_FOLDER: &str = "reconstructed";

/// The kind of model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Variational autoencoder.
    #[default]
    Vae,
    /// Generative adversarial network of dense layers.
    Gan,
}

/// The kind of its hidden layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ArchKind {
    /// Dense layers.
    #[default]
    Mlp,
    /// Convolutions that halve the sides, then dense layers; VAE on pictures only.
    Conv,
}

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
    /// Model: vae or gan
    #[arg(long, value_enum, default_value = "vae")]
    pub model: ModelKind,
    /// Hidden layers: mlp (dense) or conv (convolutions, pictures only)
    #[arg(long, value_enum, default_value = "mlp")]
    pub arch: ArchKind,
    /// Widths of the dense hidden layers, encoder first; the decoder has them in reverse; up to 4
    #[arg(long, value_delimiter = ',', default_value = "256,256")]
    pub hidden: Vec<usize>,
    /// Channels of the convolutions of arch = "conv"; each halves the sides; up to 4
    #[arg(long, value_delimiter = ',', default_value = "32,64")]
    pub channels: Vec<usize>,
    /// Values of a latent vector, 1 to 1024
    #[arg(long, default_value_t = 16)]
    pub latent: usize,
    /// What the decoder predicts: auto, bernoulli or gaussian
    #[arg(long, value_enum, default_value = "auto")]
    pub likelihood: LikelihoodKind,
    /// Standard deviation of the Gaussian likelihood, above 0, in units of 0..=1 pixels or of standardised
    /// columns; default 0.1 for pictures, 0.3 for tables
    #[arg(long)]
    pub sigma: Option<f32>,
    /// Weight of the divergence from the prior, 0 or more; 1 is the evidence lower bound, less is sharper and
    /// wants samples drawn from the aggregate prior
    #[arg(long, default_value_t = 0.2)]
    pub beta: f32,
    /// Epochs over which the weight of the divergence grows from 0
    #[arg(long, default_value_t = 0.0)]
    pub kl_warmup: f32,
    /// Condition the model on the class; default: if the dataset has classes
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub conditional: Option<bool>,
    /// Epochs at most, 1 or more
    #[arg(long, default_value_t = 100)]
    pub epochs: u32,
    /// Samples in a batch, 1 or more
    #[arg(long, default_value_t = 128)]
    pub batch: usize,
    /// Learning rate of Adam, above 0
    #[arg(long, default_value_t = 1e-3)]
    pub lr: f32,
    /// Stop after this many epochs without a better loss on the val split; 0 for never
    #[arg(long, default_value_t = 20)]
    pub patience: u32,
    /// Target of real samples for the discriminator of a GAN, above 0.5 up to 1
    #[arg(long, default_value_t = 0.9)]
    pub real_target: f32,
    /// Decay of the running mean of a GAN's generator that samples come from, 0 up to below 1
    #[arg(long, default_value_t = 0.995)]
    pub ema_decay: f32,
    /// Keep a checkpoint every so many epochs, so that a killed training goes on; 0 for never
    #[arg(long, default_value_t = 10)]
    pub checkpoint_every: u32,
    /// Go on from this checkpoint.safetensors (or the folder that holds it), for more epochs
    #[arg(long)]
    pub resume: Option<PathBuf>,
}
crate::defaults!(TrainOptions);

impl TrainOptions {
    fn validate(&self) -> Result<()> {
        let range = |key, value: &dyn std::fmt::Display, ok: bool, allowed| {
            if ok { Ok(()) } else { Err(Error::out_of_range(key, value, allowed)) }
        };
        range("latent", &self.latent, (1..=1024).contains(&self.latent), "1 to 1024")?;
        range("epochs", &self.epochs, self.epochs > 0, "at least 1")?;
        range("batch", &self.batch, self.batch > 0, "at least 1")?;
        range("lr", &self.lr, self.lr > 0.0 && self.lr.is_finite(), "above 0")?;
        range("beta", &self.beta, self.beta >= 0.0 && self.beta.is_finite(), "0 or more")?;
        let warmup = self.kl_warmup;
        range("kl_warmup", &warmup, warmup >= 0.0 && warmup.is_finite(), "0 or more epochs")?;
        let target = self.real_target;
        range("real_target", &target, target > 0.5 && target <= 1.0, "above 0.5 and at most 1")?;
        range("ema_decay", &self.ema_decay, (0.0..1.0).contains(&self.ema_decay), "at least 0 and below 1")?;
        if let Some(sigma) = self.sigma {
            range("sigma", &sigma, sigma > 0.0 && sigma.is_finite(), "above 0")?;
        }
        for (key, sizes) in [("hidden", &self.hidden), ("channels", &self.channels)] {
            let ok = sizes.len() <= MAX_HIDDEN && sizes.iter().all(|s| (1..=1 << 16).contains(s));
            range(key, &format!("{sizes:?}"), ok, "up to 4 sizes of 1 to 65536")?;
        }
        if self.arch == ArchKind::Conv && self.model == ModelKind::Gan {
            return Err(Error::usage("a GAN has dense layers only: --arch (recipe key `arch`)")
                .hint("use arch = \"mlp\", or model = \"vae\""));
        }
        if self.arch == ArchKind::Conv && self.channels.is_empty() {
            return Err(Error::out_of_range("channels", "[]", "at least one size for arch = \"conv\""));
        }
        Ok(())
    }

    /// The model that these options make for samples of this kind.
    fn config(&self, seed: u64, data: DataSpec, conditional: bool) -> Result<ModelConfig> {
        let likelihood = self.likelihood(data.kind)?;
        let classes = if conditional { data.classes.len() } else { 0 };
        let widths = |sizes: &[usize]| Widths::from_slice(sizes).unwrap_or_default();
        let network = match (self.model, self.arch) {
            (ModelKind::Vae, arch) => {
                let [height, width, channels] = data.shape;
                let (input, stem) = match arch {
                    ArchKind::Conv => (Shape::image(height, width, channels), widths(&self.channels)),
                    ArchKind::Mlp => (Shape::flat(data.width()), Widths::new()),
                };
                if arch == ArchKind::Conv && data.kind == Kind::Table {
                    return Err(Error::usage("convolutions need pictures: --arch (recipe key `arch`)")
                        .hint("use arch = \"mlp\" for a table"));
                }
                let arch =
                    Arch { channels: stem, hidden: widths(&self.hidden), activation: Activation::Relu };
                Network::Vae(VaeSpec { input, arch, latent: self.latent, classes, likelihood })
            }
            (ModelKind::Gan, _) => Network::Gan(GanSpec {
                width: data.width(),
                generator: self.hidden.iter().rev().copied().collect(),
                discriminator: widths(&self.hidden),
                latent: self.latent,
                classes,
                likelihood,
            }),
        };
        let training = Training {
            seed,
            epochs: self.epochs,
            batch: self.batch,
            lr: self.lr,
            beta: self.beta,
            kl_warmup: self.kl_warmup,
            patience: self.patience,
            real_target: self.real_target,
            ema_decay: self.ema_decay,
        };
        Ok(ModelConfig { data, network, training })
    }

    fn likelihood(&self, kind: Kind) -> Result<Likelihood> {
        let default_sigma = if kind == Kind::Images { 0.1 } else { 0.3 };
        let gaussian = Likelihood::Gaussian { sigma: self.sigma.unwrap_or(default_sigma) };
        match (self.likelihood, kind) {
            (LikelihoodKind::Gaussian, _) | (LikelihoodKind::Auto, Kind::Table) => Ok(gaussian),
            (_, Kind::Images) => Ok(Likelihood::Bernoulli),
            (LikelihoodKind::Bernoulli, Kind::Table) => {
                Err(Error::usage("a table has values outside 0..=1: --likelihood (recipe key `likelihood`)")
                    .hint("use likelihood = \"gaussian\""))
            }
        }
    }

    /// The checkpoint that `--resume` names, if it is of this training.
    fn resumed(&self, path: &Path, config: &ModelConfig) -> Result<Checkpoint> {
        let start = Checkpoint::load(path)?;
        let at = |what| {
            Err(Error::usage(format!("{what}: {}", path.display()))
                .hint("give the options that the checkpoint was trained with; only `epochs` may differ"))
        };
        if start.config.data != config.data {
            return at("the checkpoint was trained on data of another shape, classes or scale");
        }
        if start.config.network != config.network {
            return at("the checkpoint is of another network");
        }
        let training = Training { epochs: start.config.training.epochs, ..config.training.clone() };
        if start.config.training != training {
            return at("the checkpoint was trained with other settings or another seed");
        }
        if start.progress.epoch > config.training.epochs {
            return at("the checkpoint has more epochs than are asked for");
        }
        Ok(start)
    }
}

/// Where the checkpoints of a training in progress lie: beside the folder that is being written, which a
/// killed run loses. The runner's temporary name holds the hash of options, seed and input, so a
/// checkpoint of this name is of the very same training.
fn beside(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_os_string();
    name.push(".checkpoint");
    out.with_file_name(name)
}

impl Stage for TrainOptions {
    fn check(&self) -> Result<()> {
        self.validate()
    }

    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        self.validate()?;
        let dataset = Dataset::open(input)?;
        let has_classes = !dataset.meta().classes.is_empty();
        let conditional = self.conditional.unwrap_or(has_classes);
        if conditional && !has_classes {
            return Err(Error::usage("the dataset has no classes: --conditional (recipe key `conditional`)")
                .hint("use conditional = false"));
        }
        // What the data cannot be used for is known before it is read.
        self.config(ctx.seed, DataSpec::of(&dataset)?, conditional)?;
        let data = TrainingData::load(&dataset, &ctx.pool, conditional, None)?;
        let config = self.config(ctx.seed, data.spec.clone(), conditional)?;
        let own = beside(out);
        let start = match &self.resume {
            Some(path) => Some(self.resumed(path, &config)?),
            None => self.resumed(&own, &config).ok(),
        };
        let first = start.as_ref().map_or(0, |s| s.progress.epoch);
        if self.resume.is_none() && first > 0 {
            ctx.progress.note(format!("train: going on after epoch {first}"));
        }
        let began = Instant::now();
        let plan = Plan { config, start, keep: Some((own.clone(), self.checkpoint_every)) };
        let fitted = train(ctx, &data, plan)?;
        let seconds = began.elapsed().as_secs_f64();

        std::fs::create_dir_all(out).at(out)?;
        fitted.file.save(&out.join(WEIGHTS_FILE))?;
        fitted.checkpoint.save(&out.join(STATE_FILE))?;
        let progress = &fitted.checkpoint.progress;
        let path = out.join(HISTORY_FILE);
        let mut lines = Vec::new();
        for epoch in &progress.history {
            serde_json::to_writer(&mut lines, epoch).at(&path)?;
            lines.push(b'\n');
        }
        std::fs::File::create(&path).and_then(|mut f| f.write_all(&lines)).at(&path)?;
        if own.exists() {
            std::fs::remove_file(&own).at(&own)?;
        }

        let reconstructed = reconstruct(ctx, &fitted.file, &dataset, &out.join(RECONSTRUCTED_FOLDER))?;

        let best = progress.history.iter().find(|e| e.epoch == progress.best_epoch);
        let trained = f64::from(progress.epoch.saturating_sub(first)).max(1.0);
        let mut outcome = Outcome::new(data.lists.train.len() as u64)
            .figure("parameters", fitted.file.params.len())
            .figure("epochs", progress.epoch)
            .figure("best_epoch", progress.best_epoch)
            .figure("stopped_early", fitted.stopped_early)
            .figure("seconds_per_epoch", seconds / trained)
            .figure("val_samples", data.lists.val.len())
            .figure("reconstructed", reconstructed)
            .figure("unlabelled_left_out", data.unlabelled)
            .figure("missing_values", data.missing);
        if let Some(best) = best {
            outcome = outcome.figure("train_loss", best.train_loss).figure("val_loss", best.val_loss);
            if let (Some(recon), Some(kl)) = (best.val_recon, best.val_kl) {
                outcome = outcome.figure("val_elbo", -(recon + kl)).figure("val_kl", kl);
            }
        }
        Ok(outcome)
    }
}
