//! `seedbed train`: a small generative model from a dataset.

mod preset;

pub use preset::{LossKind, ModelKind, NormKind, ScheduleKind, ShowKind};

use super::{Ctx, Outcome, Stage, kept_beside};
use crate::codec::{Grid, Pixels, encode_png};
use crate::dataset::{Dataset, Kind};
use crate::error::{Context, Error, Result};
use crate::model::{
    Checkpoint, DataSpec, Fitted, Labels, Learning, Model, ModelConfig, Network, Objective, Plan, Progress,
    STATE_FILE, Scale, Source, Training, TrainingData, WEIGHTS_FILE, Weights, kept, names, reconstruct,
    train,
};
use clap::ValueEnum;
use seedbed::generate::{Likelihood, MAX_HIDDEN};
use seedbed::nn::RateDecay;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The name of the file with one line for each epoch.
pub const HISTORY_FILE: &str = "history.jsonl";
/// The name of the picture of samples after each epoch, a row for each.
pub const SAMPLES_FILE: &str = "samples.png";
/// The folder, inside the stage's, of what a VAE makes of the test split.
pub const RECONSTRUCTED_FOLDER: &str = "reconstructed";

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
    /// Model, a preset: VAEs of dense layers or convolutions (cvae: conditioned on the class), GANs of dense layers or
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
    /// Weight of the divergence from the prior, 0 or more; 1 is the evidence lower bound, less is sharper and
    /// wants samples drawn from the aggregate prior
    #[arg(long, default_value_t = 0.2)]
    pub beta: f32,
    /// Epochs over which the weight of the divergence grows from 0
    #[arg(long, default_value_t = 0.0)]
    pub kl_warmup: f32,
    /// Nats of divergence that each latent value may have for nothing, 0 or more, against posterior collapse
    #[arg(long, default_value_t = 0.0)]
    pub free_bits: f32,
    /// Condition the model on the class; default: cvae and cdcgan are, dcgan and wgan are not, others are if the dataset has classes
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub conditional: Option<bool>,
    /// Epochs at most, 1 or more; default of the preset
    #[arg(long)]
    pub epochs: Option<u32>,
    /// Samples in a batch, 1 or more; default of the preset
    #[arg(long)]
    pub batch: Option<usize>,
    /// Learning rate of Adam, above 0; default of the preset
    #[arg(long)]
    pub lr: Option<f32>,
    /// Codes of the codebook of a VQ-VAE, 2 to 65536
    #[arg(long, default_value_t = 128)]
    pub codes: usize,
    /// The last epochs of a VQ-VAE, in which the prior of its codes learns; default a third of all
    #[arg(long)]
    pub prior_epochs: Option<u32>,
    /// Learning rate of the discriminator of a GAN, above 0; default of the preset
    #[arg(long)]
    pub lr_discriminator: Option<f32>,
    /// How learning rates change over training: constant, or cosine (down to 0)
    #[arg(long, value_enum)]
    pub schedule: Option<ScheduleKind>,
    /// Stop after this many epochs without a better loss on the val split; 0 for never
    #[arg(long, default_value_t = 20)]
    pub patience: u32,
    /// Loss of a GAN; default of the preset
    #[arg(long, value_enum)]
    pub loss: Option<LossKind>,
    /// What bounds the discriminator's layers: none, batch or spectral; default of the preset
    #[arg(long, value_enum)]
    pub norm: Option<NormKind>,
    /// Weight of R1, the penalty on the discriminator's slope at real samples, 0 or more; not with norm = "batch"
    #[arg(long)]
    pub r1: Option<f32>,
    /// Weight of LeCam regularisation for few samples, 0 or more; 0.01 to 0.5 is usual
    #[arg(long, default_value_t = 0.0)]
    pub lecam: f32,
    /// What is done to pictures before the discriminator of a GAN is shown them, for few samples: plain (nothing), diff
    /// (DiffAugment: colour, translation, cutout) or ada (more, as far as it has learnt the real ones by heart)
    #[arg(long, value_enum, default_value = "plain")]
    pub show: ShowKind,
    /// Steps of the discriminator for each one of the generator, 1 to 100; default of the preset
    #[arg(long)]
    pub critic_steps: Option<u32>,
    /// Target of real samples for loss = "non-saturating", above 0.5 up to 1
    #[arg(long, default_value_t = 0.9)]
    pub real_target: f32,
    /// Decay of the running mean of a GAN's generator that samples come from, 0 up to below 1
    #[arg(long, default_value_t = 0.999)]
    pub ema_decay: f32,
    /// Begin with the weights of a safetensors file, of seedbed or of PyTorch (`state_dict`): tensors of one name and shape are taken,
    /// others begin anew
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// A name of the model and its name in the file of `from`, network and layer or the network alone: encoder.0=fc1, and
    /// encoder= for a file of this network alone; repeat for more
    #[arg(long, value_name = "OURS=THEIRS", value_delimiter = ',')]
    pub map: Vec<String>,
    /// Tensors that stay as they are, by name: discriminator.0, encoder.*.bias; `*` is anything; repeat for more. The
    /// first layers of a discriminator are FreezeD
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
        let above_0 = |v: f32| v > 0.0 && v.is_finite();
        let from_0 = |v: f32| v >= 0.0 && v.is_finite();
        self.latent.map_or(Ok(()), |latent| Error::check_range("latent", latent, 1..=1024))?;
        self.critic_steps.map_or(Ok(()), |steps| Error::check_range("critic_steps", steps, 1..=100))?;
        Error::check_range("codes", self.codes, 2..=1 << 16)?;
        Error::require(self.epochs != Some(0), "epochs", 0, "at least 1")?;
        Error::require(self.batch != Some(0), "batch", 0, "at least 1")?;
        Error::require(above_0(self.max_memory), "max_memory", self.max_memory, "above 0")?;
        for (key, rate) in
            [("lr", self.lr), ("lr_discriminator", self.lr_discriminator), ("sigma", self.sigma)]
        {
            rate.map_or(Ok(()), |rate| Error::require(above_0(rate), key, rate, "above 0"))?;
        }
        for (key, weight) in [
            ("beta", self.beta),
            ("free_bits", self.free_bits),
            ("lecam", self.lecam),
            ("r1", self.r1.unwrap_or(0.0)),
        ] {
            Error::require(from_0(weight), key, weight, "0 or more")?;
        }
        Error::require(from_0(self.kl_warmup), "kl_warmup", self.kl_warmup, "0 or more epochs")?;
        let target = self.real_target;
        Error::require(target > 0.5 && target <= 1.0, "real_target", target, "above 0.5 and at most 1")?;
        let decay = self.ema_decay;
        Error::require((0.0..1.0).contains(&decay), "ema_decay", decay, "at least 0 and below 1")?;
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
        self.fits_model()
    }

    fn most_bytes(&self) -> f64 {
        f64::from(self.max_memory) * f64::from(1u32 << 30)
    }

    pub(super) fn likelihood(&self, data: &DataSpec) -> Result<Likelihood> {
        let default_sigma = if data.normalize.is_none() { 0.1 } else { 0.3 };
        let gaussian = Likelihood::Gaussian { sigma: self.sigma.unwrap_or(default_sigma) };
        match (self.likelihood, data.kind) {
            (LikelihoodKind::Auto | LikelihoodKind::Bernoulli, Kind::Images) => Ok(Likelihood::Bernoulli),
            (LikelihoodKind::Gaussian | LikelihoodKind::Auto, _) => Ok(gaussian),
            (LikelihoodKind::Bernoulli, _) => {
                Err(Error::usage("a table has values outside 0..=1: --likelihood (recipe key `likelihood`)")
                    .hint("use likelihood = \"gaussian\""))
            }
        }
    }

    /// How many classes the model is conditioned on.
    fn classes(&self, dataset: &Dataset) -> Result<usize> {
        let classes = dataset.meta().classes.len();
        let wanted = self.conditional.or(self.model.conditional());
        if wanted == Some(true) && classes == 0 {
            let (what, key) = match self.conditional {
                Some(_) => ("the dataset has no classes", "--conditional (recipe key `conditional`)"),
                None => (
                    "the model is conditioned on classes, and the dataset has none",
                    "--model (recipe key `model`)",
                ),
            };
            return Err(Error::usage(format!("{what}: {key}"))
                .hint("use conditional = false, or name the labels in `collect`"));
        }
        Ok(if wanted == Some(false) { 0 } else { classes })
    }

    /// The samples of the dataset, scaled as the likelihood needs them.
    fn data(&self, ctx: &Ctx, dataset: &Dataset, classes: usize) -> Result<TrainingData> {
        // What the data cannot be used for is known before it is read.
        let config = self.config(ctx.seed, DataSpec::of(dataset)?, classes)?;
        let likelihood = match &config.network {
            Network::Vae(spec) => spec.likelihood,
            Network::Vqvae(spec) => spec.vq.likelihood,
            Network::Gan(spec) if spec.unit => Likelihood::Bernoulli,
            Network::Gan(_) => self.likelihood(&config.data)?,
        };
        let scale = match likelihood {
            Likelihood::Gaussian { .. } => Scale::OfDataset,
            _ => Scale::As(None),
        };
        if self.sigma.is_some() && likelihood == Likelihood::Bernoulli {
            ctx.progress.warn(
                "train: pictures have a Bernoulli likelihood, which has no sigma (likelihood = \"gaussian\" has one)",
            );
        }
        let stored = dataset.meta().normalize.as_ref();
        if matches!(scale, Scale::As(_)) && stored.is_some_and(|n| !n.is_identity()) {
            ctx.progress.note(
                "train: pixels stay in 0..=1 for the Bernoulli likelihood (likelihood = \"gaussian\" takes the stored scaling)",
            );
        }
        let labels = if classes > 0 { Labels::Required } else { Labels::Optional };
        let mut data = TrainingData::load(dataset, &ctx.pool, labels, scale)?;
        if let Some(shots) = self.shots {
            data.keep_shots(ctx.seed, shots);
        }
        Ok(data)
    }

    /// How the parameters learn.
    fn learning(&self) -> Result<Learning> {
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

    /// What training begins with, where it is not drawn; written down in `config`.
    fn first(&self, ctx: &Ctx, config: &mut ModelConfig) -> Result<Option<[Weights; 2]>> {
        let model = Model::new(&config.network)?;
        config.training.groups = self.learning()?.groups(&model)?;
        let Some(path) = &self.from else { return Ok(None) };
        let [mut weights, mut average] = model.first(config.training.seed)?;
        let path = if path.is_dir() { path.join(WEIGHTS_FILE) } else { path.clone() };
        let names = names(&self.map)?;
        let found = Source::read(&path)?.give(&model, [&mut weights, &mut average], &names, &path)?;
        ctx.progress.note(format!("train: from {}: {}", path.display(), found.words()));
        config.training.transfer = Some(found);
        Ok(Some([weights, average]))
    }

    /// The checkpoint that `--resume` names, if it is of this training.
    fn resumed(&self, path: &Path, config: &ModelConfig) -> Result<Checkpoint> {
        let start = Checkpoint::load(path)?;
        let at = |what| {
            Err(Error::usage(format!("{what}: {}", path.display())).hint(
                "give the data and options that the checkpoint was trained with; only `epochs` may differ, without schedule = \"cosine\"",
            ))
        };
        let data = DataSpec { content_hash: config.data.content_hash.clone(), ..start.config.data.clone() };
        if data != config.data {
            return at("the checkpoint was trained on data of another shape, classes or scale");
        }
        if data != start.config.data {
            return at("the checkpoint was trained on other data");
        }
        if start.config.network != config.network {
            return at("the checkpoint is of another network");
        }
        // What knows the last epoch is another training with another last epoch.
        let knows = matches!(config.training.schedule.then, RateDecay::Cosine { .. })
            || matches!(config.training.objective, Objective::Codes { .. });
        let epochs = if knows { config.training.epochs } else { start.config.training.epochs };
        let training = Training { epochs, ..config.training.clone() };
        if start.config.training != training {
            return at("the checkpoint was trained with other settings or another seed");
        }
        if start.progress.epoch > config.training.epochs {
            return at("the checkpoint has more epochs than are asked for");
        }
        Ok(start)
    }
}

impl Stage for TrainOptions {
    fn check(&self) -> Result<()> {
        self.validate()
    }

    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        self.validate()?;
        let dataset = Dataset::open(input)?;
        let classes = self.classes(&dataset)?;
        let data = self.data(ctx, &dataset, classes)?;
        let mut config = self.config(ctx.seed, data.spec.clone(), classes)?;
        let weights = self.first(ctx, &mut config)?;
        // Of a killed training of the same options, seed and input, or else not taken up.
        let own = kept_beside(out);
        let start = match &self.resume {
            Some(path) => Some(self.resumed(path, &config)?),
            None => self.resumed(&own, &config).ok(),
        };
        let first = start.as_ref().map_or(0, |s| s.progress.epoch);
        if self.resume.is_none() && first > 0 {
            ctx.progress.note(format!("train: going on after epoch {first}"));
        }
        let began = Instant::now();
        let fitted = train(
            ctx,
            &data,
            Plan {
                config,
                start,
                keep: Some((own, self.checkpoint_every)),
                most_bytes: self.most_bytes(),
                first: weights,
            },
        )?;
        let seconds = began.elapsed().as_secs_f64();
        save(&fitted, out)?;
        let reconstructed = reconstruct(ctx, &fitted.file, &dataset, &out.join(RECONSTRUCTED_FOLDER))?;
        let progress = &fitted.checkpoint.progress;
        let trained = f64::from(progress.epoch.saturating_sub(first)).max(1.0);
        let outcome = Outcome::new(data.lists.train.len() as u64)
            .figure("parameters", fitted.file.weights.params.len())
            .figure("epochs", progress.epoch)
            .figure("best_epoch", progress.best_epoch)
            .figure("stopped_early", fitted.stopped_early)
            .figure("seconds_per_epoch", seconds / trained)
            .figure("val_samples", data.lists.val.len())
            .figure("reconstructed", reconstructed)
            .figure("unlabelled_left_out", data.unlabelled)
            .figure("missing_values", data.missing)
            .figure("val_iwae", fitted.bound)
            .figure("transfer", &fitted.checkpoint.config.training.transfer)
            .figure("warnings", &progress.warnings);
        Ok(with_losses(outcome, progress))
    }
}

/// Writes the model, its checkpoint and its history into the folder `out`.
fn save(fitted: &Fitted, out: &Path) -> Result<()> {
    std::fs::create_dir_all(out).at(out)?;
    fitted.file.save(&out.join(WEIGHTS_FILE))?;
    fitted.checkpoint.save(&out.join(STATE_FILE))?;
    let path = out.join(HISTORY_FILE);
    let mut lines = Vec::new();
    for epoch in &fitted.checkpoint.progress.history {
        serde_json::to_writer(&mut lines, epoch).at(&path)?;
        lines.push(b'\n');
    }
    std::fs::write(&path, lines).at(&path)?;
    let Some(picture) = film(&fitted.checkpoint)? else { return Ok(()) };
    let path = out.join(SAMPLES_FILE);
    std::fs::write(&path, encode_png(&picture)?).at(&path)
}

/// Samples after each epoch, a row for each.
fn film(checkpoint: &Checkpoint) -> Result<Option<Pixels>> {
    let spec = &checkpoint.config.data;
    let ([height, width, channels], columns) = (spec.shape, kept(spec.width()));
    let mut grid = Grid::new(columns);
    for epoch in checkpoint.samples.chunks(columns * spec.width()) {
        let pictures =
            epoch.chunks_exact(spec.width()).map(|p| Pixels::new(p.to_vec(), height, width, channels));
        grid.row(pictures.collect::<Result<_>>()?);
    }
    grid.picture()
}

/// The outcome with the losses of the epoch whose weights were kept.
fn with_losses(outcome: Outcome, progress: &Progress) -> Outcome {
    let Some(best) = progress.history.iter().find(|e| e.epoch == progress.best_epoch) else {
        return outcome;
    };
    let outcome = outcome
        .figure("train_loss", best.train_loss)
        .figure("val_loss", best.val_loss)
        .figure("diversity", best.diversity)
        .figure("active_units", best.active_units);
    match best.val_elbo {
        Some(elbo) => outcome.figure("val_elbo", elbo).figure("val_kl", best.val_kl),
        None => outcome,
    }
}
