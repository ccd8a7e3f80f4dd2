//! The training loop: shuffled batches, validation, early stopping, checkpoints.
//!
//! An epoch is a pure function of the state before it: the order of the samples is drawn by the number of the
//! epoch, the noise by epoch and sample, and nothing else is random. So training that stops after any epoch
//! and goes on from its checkpoint comes to the same bits as training in one go.

mod codes;
mod diverged;
mod gan;
mod meta;
mod vae;
mod watch;

pub use codes::PLACES;
pub use meta::{MetaKind, MetaTraining};
pub use watch::{ALIKE, kept};

use super::adaptation::Adaptation;
use super::any::{Model, ModelConfig, Weights};
use super::checkpoint::{Checkpoint, ModelFile, Progress};
use super::data::TrainingData;
use crate::error::{Error, Result};
use crate::pool::Pool;
use crate::report::number;
use crate::stages::Ctx;
use seedbed::exec::Executor;
use seedbed::generate::{adapter_scratch_len, training_noise};
use seedbed::nn::{Adam, Engine};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The epoch of the noise of validation: the same in each epoch, so that losses compare. Training counts
/// from 1.
const VALIDATION: u32 = 0;

/// How one epoch went: means over samples, in nats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: u32,
    /// What was minimised: reconstruction + beta · divergence, or the generator's loss of a GAN.
    pub train_loss: f64,
    /// The same on the val split, with the full beta; absent without one, and for a GAN.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_loss: Option<f64>,
    /// −ln p(x | z) on the train split.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recon: Option<f64>,
    /// Divergence of the codes on the train split.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kl: Option<f64>,
    /// −ln p(x | z) on the val split.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_recon: Option<f64>,
    /// Divergence of the codes on the val split.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_kl: Option<f64>,
    /// The evidence lower bound on the val split, with a divergence of weight 1 whatever beta is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_elbo: Option<f64>,
    /// Weight of the divergence at the end of the epoch.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub beta: Option<f64>,
    /// The discriminator's loss.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub discriminator_loss: Option<f64>,
    /// Share of real samples that the discriminator took for real.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub real_accuracy: Option<f64>,
    /// Share of generated samples that it took for generated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fake_accuracy: Option<f64>,
    /// The mean sign of the discriminator's logits of real samples, r of Karras et al. 2020: near 1 it has learnt them by heart.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub overfitting: Option<f64>,
    /// The probability of augmentations of `show = "ada"`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ada_p: Option<f64>,
    /// Weighted penalty on the discriminator's slope.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub r1: Option<f64>,
    /// Mean distance between generated samples, over that between real ones.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub diversity: Option<f64>,
    /// Latent values in use: those whose mean varies over the samples.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub active_units: Option<u32>,
    /// Codes of a codebook that a batch takes, on average.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub codes_used: Option<f64>,
    /// e to the entropy of the codes of a batch, on average: as hard to tell as so many that are used evenly.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub perplexity: Option<f64>,
    /// −ln p of the codes of a sample of the val split, by the prior, in nats.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_prior: Option<f64>,
    /// The divergence of each latent value, in nats.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub latent_kl: Vec<f64>,
}

/// What to train, from where, and what to keep on the way.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The model and its training.
    pub config: ModelConfig,
    /// Where to go on from, and its file; the beginning for `None`.
    pub start: Option<(Checkpoint, PathBuf)>,
    /// Where checkpoints are written on the way and at the end, and every how many epochs; 0 for never.
    pub keep: Option<(PathBuf, u32)>,
    /// Memory that training may take.
    pub most_bytes: f64,
    /// The weights to begin with in the place of drawn ones.
    pub first: Option<[Weights; 2]>,
}

/// What training came to.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Where it stands.
    pub checkpoint: Checkpoint,
    /// The model.
    pub file: ModelFile,
    /// Whether it stopped because validation got no better.
    pub stopped_early: bool,
    /// The importance-weighted bound of a VAE on samples of the val split, in nats.
    pub bound: Option<f64>,
}

/// Trains a model.
///
/// # Errors
/// When a loss or a parameter stops being finite, or a checkpoint cannot be written.
pub fn train(ctx: &Ctx, data: &TrainingData, plan: Plan) -> Result<Fitted> {
    let mut trainer = Trainer::new(ctx, data, &plan)?;
    let stopped_early = trainer.run(&plan)?;
    trainer.finish(stopped_early)
}

/// Copies of the parameters that are alive at once while a checkpoint is written: parameters, best ones, gradients and
/// two moments; four of them as bytes, and those once more as a file.
const COPIES: usize = 13;

/// Refuses a network whose training takes more memory than is allowed.
fn check_memory(model: &Model, plan: &Plan, samples: usize) -> Result<()> {
    let batch = plan.config.training.batch.min(samples);
    let params = model.param_len().saturating_mul(COPIES * size_of::<f32>());
    let bytes = params.saturating_add(model.train_scratch_len(batch));
    if bytes as f64 <= plan.most_bytes {
        return Ok(());
    }
    let gib = |bytes: f64| bytes / f64::from(1u32 << 30);
    Err(Error::usage(format!(
        "training this network takes about {} GiB of memory, {} are allowed: --hidden, --channels, --batch",
        number::value(gib(bytes as f64)),
        number::value(gib(plan.most_bytes))
    ))
    .hint("use smaller sizes, or allow more with --max-memory (recipe key `max_memory`)"))
}

/// The state of training and its buffers.
struct Trainer<'a> {
    ctx: &'a Ctx,
    data: &'a TrainingData,
    model: Model,
    at: Checkpoint,
    grads: Vec<f32>,
    scratch: Vec<u8>,
    x: Vec<f32>,
    noise: Vec<f32>,
    /// The codes of all samples, while a prior learns from them.
    codes: Vec<u32>,
    /// What the task of now began with.
    begun: meta::Begun,
    /// Where the state after an epoch was written last.
    kept: Option<(PathBuf, u32)>,
    /// The step after which statistics under a running mean were found.
    settled: Option<u64>,
}

impl<'a> Trainer<'a> {
    fn new(ctx: &'a Ctx, data: &'a TrainingData, plan: &Plan) -> Result<Self> {
        let groups = &plan.config.training.groups;
        let model = Model::new(&plan.config.network)?.for_groups(groups)?.for_threads(ctx.pool.width());
        check_memory(&model, plan, data.len())?;
        meta::check(&plan.config.training, data)?;
        gan::check(&model, plan.config.training.batch.min(data.lists.train.len()))?;
        let at = match &plan.start {
            Some((start, _)) => Checkpoint { config: plan.config.clone(), ..start.clone() },
            None => {
                let [weights, average] = match &plan.first {
                    Some(first) => first.clone(),
                    None => model.first(plan.config.training.seed)?,
                };
                let adapters = Adaptation::new(&plan.config.training, &weights.params)?;
                let best = match model {
                    Model::Vae(_) => weights.clone(),
                    Model::Gan(_) | Model::Codes(_) => Weights::default(),
                };
                let (config, progress) = (plan.config.clone(), Progress::default());
                let moments = vec![0f32; model.moment_len()];
                let of_tasks = config.training.meta.map_or(0, |meta| meta.state_len(model.param_len()));
                Checkpoint {
                    config,
                    progress,
                    weights,
                    moments,
                    meta_moments: vec![0f32; of_tasks],
                    average,
                    best,
                    adapters,
                    samples: Vec::new(),
                }
            }
        };
        let batch = plan.config.training.batch.min(data.len());
        let bytes = model.train_scratch_len(batch).saturating_add(adapter_scratch_len(groups));
        let grads = vec![0f32; model.param_len()];
        let (scratch, x, noise) = (vec![0u8; bytes], Vec::new(), Vec::new());
        Ok(Self {
            ctx,
            data,
            model,
            at,
            grads,
            scratch,
            x,
            noise,
            codes: Vec::new(),
            begun: meta::Begun::default(),
            settled: None,
            kept: plan.start.as_ref().map(|(start, path)| (path.clone(), start.progress.epoch)),
        })
    }

    /// Runs what epochs are left; whether it stopped before the last.
    fn run(&mut self, plan: &Plan) -> Result<bool> {
        let epochs = self.at.config.training.epochs;
        let left = epochs.saturating_sub(self.at.progress.epoch);
        let task = self.ctx.progress.start("train", Some(u64::from(left)));
        while self.at.progress.epoch < epochs {
            if self.patience_is_over() {
                self.keep(plan)?;
                return Ok(true);
            }
            let row = self.epoch()?;
            let shown = row.val_loss.map_or_else(String::new, |v| format!(", val {v:.2}"));
            task.say(format!("loss {:.2}{shown}", row.train_loss));
            task.inc(1);
            self.at.progress.history.push(row);
            self.warn(self.at.progress.epoch == epochs);
            let every = plan.keep.as_ref().map_or(0, |(_, every)| *every);
            if every > 0 && self.at.progress.epoch.is_multiple_of(every) {
                self.keep(plan)?;
            }
        }
        self.keep(plan)?;
        Ok(false)
    }

    /// Writes where training stands, unless that is never wanted.
    fn keep(&mut self, plan: &Plan) -> Result<()> {
        if let Some((path, 1..)) = &plan.keep {
            self.settle()?;
            self.at.save(path)?;
            self.kept = Some((path.clone(), self.at.progress.epoch));
        }
        Ok(())
    }

    fn patience_is_over(&self) -> bool {
        let (progress, patience) = (&self.at.progress, self.at.config.training.patience);
        let since = progress.epoch.saturating_sub(progress.best_epoch);
        patience > 0 && progress.best_loss.is_some() && since >= patience
    }

    /// One epoch, and what it makes of the best weights.
    fn epoch(&mut self) -> Result<Epoch> {
        let epoch = self.at.progress.epoch + 1;
        let (order, before) = (self.order(epoch), self.at.progress.steps);
        let mut row = match self.model.clone() {
            Model::Vae(vae) => self.vae_epoch(&vae, epoch, &order)?,
            Model::Gan(gan) => self.gan_epoch(&gan, epoch, &order)?,
            Model::Codes(codes) => self.codes_epoch(&codes, epoch, &order)?,
        };
        if !self.at.weights.are_finite() {
            return Err(self.diverged(epoch));
        }
        self.at.progress.epoch = epoch;
        self.watch(&mut row, before)?;
        // Weights to begin with are not judged by what they do before a task.
        let of_tasks = self.at.config.training.meta.is_some();
        let better = match (row.val_loss, self.at.progress.best_loss) {
            (Some(now), Some(best)) if !of_tasks => now < best,
            _ => true,
        };
        if better {
            self.at.progress.best_loss = row.val_loss.filter(|_| !of_tasks);
            self.at.progress.best_epoch = epoch;
            if !self.at.best.params.is_empty() {
                self.at.best.clone_from(&self.at.weights);
            }
        }
        Ok(row)
    }

    /// Puts samples and noise into the buffers; gives labels (none for a model without classes) and weights.
    fn fill(&mut self, epoch: u32, places: &[u32]) -> Result<(Vec<u32>, Vec<f32>)> {
        self.data.gather(places, &mut self.x);
        let (mut labels, weights, numbers) = self.data.about(places);
        self.noise.resize(places.len() * self.model.latent(), 0.0);
        training_noise(self.ctx.level, self.at.config.training.seed, epoch, &numbers, &mut self.noise)?;
        if self.model.classes() == 0 {
            labels.clear();
        }
        Ok((labels, weights))
    }

    /// What a step that was not made comes to.
    #[cold]
    fn refused(&self, epoch: u32, e: seedbed::Error) -> Error {
        match e {
            seedbed::Error::NotFinite => self.diverged(epoch),
            e => Error::from(e),
        }
    }

    /// On what the core computes.
    const fn engine(&self) -> Engine<'a, Pool> {
        Engine { level: self.ctx.level, exec: &self.ctx.pool }
    }

    /// Adam at the rate of step `t` of those of so many epochs; within tasks at one rate and without a mean of gradients, which
    /// would be of other tasks (Nichol et al. 2018).
    fn adam(&self, (rate, beta1): (f32, f32), (t, epochs): (u64, u32)) -> Result<Adam> {
        let training = &self.at.config.training;
        if training.meta.is_some() {
            return Ok(Adam { rate, beta1: 0.0, ..Adam::default() });
        }
        let steps = self.data.lists.train.len().div_ceil(training.batch) as u64;
        let rate = training.schedule.rate(rate, t, steps * u64::from(epochs))?;
        Ok(Adam { rate, beta1, ..Adam::default() })
    }

    fn finish(mut self, stopped_early: bool) -> Result<Fitted> {
        self.settle()?;
        let mut bound = None;
        let prior = match self.model.clone() {
            Model::Vae(vae) => {
                std::mem::swap(&mut self.at.weights, &mut self.at.best);
                let prior = self.fit_prior(&vae, &self.data.lists.train, |_| ());
                bound = self.bound(&vae)?;
                std::mem::swap(&mut self.at.weights, &mut self.at.best);
                prior?
            }
            Model::Gan(_) | Model::Codes(_) => Vec::new(),
        };
        let file = ModelFile {
            config: self.at.config.clone(),
            epoch: self.at.progress.best_epoch,
            weights: match self.model {
                Model::Vae(_) => self.at.best.clone(),
                Model::Gan(_) | Model::Codes(_) => self.at.weights.clone(),
            },
            average: self.at.average.clone(),
            prior,
        };
        Ok(Fitted { checkpoint: self.at, file, stopped_early, bound })
    }
}
