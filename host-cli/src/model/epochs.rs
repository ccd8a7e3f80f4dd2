//! The training loop: shuffled batches, validation, early stopping, checkpoints.
//!
//! An epoch is a pure function of the state before it: the order of the samples is drawn by the number of the
//! epoch, the noise by epoch and sample, and nothing else is random. So training that stops after any epoch
//! and goes on from its checkpoint comes to the same bits as training in one go.

use super::any::{Model, ModelConfig};
use super::checkpoint::{Checkpoint, ModelFile, Progress};
use super::data::TrainingData;
use crate::error::{Error, Result};
use crate::pool::Pool;
use crate::purposes;
use crate::stages::Ctx;
use seedbed::Scratch;
use seedbed::exec::Executor;
use seedbed::generate::{
    Batch, ClassGaussians, Elbo, Gan, GanStep, GanTerms, Trainee, Vae, VaeStep, training_noise,
};
use seedbed::nn::{Adam, Engine};
use seedbed::rng::{Key, Stream};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The epoch of the noise of validation: the same in each epoch, so that losses compare. Training counts
/// from 1.
const VALIDATION: u32 = 0;

/// A decay of the mean gradient that suits adversarial training (Radford et al. 2016).
const GAN_BETA1: f32 = 0.5;

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
}

/// What to train, from where, and what to keep on the way.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The model and its training.
    pub config: ModelConfig,
    /// Where to go on from; the beginning for `None`.
    pub start: Option<Checkpoint>,
    /// Where checkpoints are written on the way and at the end, and every how many epochs; 0 for never.
    pub keep: Option<(PathBuf, u32)>,
    /// Memory that training may take.
    pub most_bytes: f64,
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
        "training this network takes about {:.1} GiB of memory, {:.1} are allowed: --hidden, --channels, --batch",
        gib(bytes as f64),
        gib(plan.most_bytes)
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
}

impl<'a> Trainer<'a> {
    fn new(ctx: &'a Ctx, data: &'a TrainingData, plan: &Plan) -> Result<Self> {
        let model = Model::new(&plan.config.network)?.for_threads(ctx.pool.width());
        check_memory(&model, plan, data.len())?;
        let at = match &plan.start {
            Some(start) => Checkpoint { config: plan.config.clone(), ..start.clone() },
            None => {
                let params = model.init(plan.config.training.seed)?;
                let average = params[..model.average_len()].to_vec();
                Checkpoint {
                    config: plan.config.clone(),
                    progress: Progress::default(),
                    moments: vec![0f32; model.moment_len()],
                    best: params.clone(),
                    params,
                    average,
                }
            }
        };
        let batch = plan.config.training.batch.min(data.len());
        let bytes = model.train_scratch_len(batch);
        let grads = vec![0f32; model.param_len()];
        Ok(Self { ctx, data, model, at, grads, scratch: vec![0u8; bytes], x: Vec::new(), noise: Vec::new() })
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
            let every = plan.keep.as_ref().map_or(0, |(_, every)| *every);
            if every > 0 && self.at.progress.epoch.is_multiple_of(every) {
                self.keep(plan)?;
            }
        }
        self.keep(plan)?;
        Ok(false)
    }

    /// Writes where training stands, unless that is never wanted.
    fn keep(&self, plan: &Plan) -> Result<()> {
        match &plan.keep {
            Some((path, 1..)) => self.at.save(path),
            _ => Ok(()),
        }
    }

    fn patience_is_over(&self) -> bool {
        let (progress, patience) = (&self.at.progress, self.at.config.training.patience);
        let since = progress.epoch.saturating_sub(progress.best_epoch);
        patience > 0 && progress.best_loss.is_some() && since >= patience
    }

    /// One epoch, and what it makes of the best weights.
    fn epoch(&mut self) -> Result<Epoch> {
        let epoch = self.at.progress.epoch + 1;
        let mut order = self.data.lists.train.clone();
        let key = Key::new(purposes::SHUFFLE).epoch(epoch);
        Stream::new(self.at.config.training.seed, key).shuffle(&mut order);
        let row = match self.model.clone() {
            Model::Vae(vae) => self.vae_epoch(&vae, epoch, &order)?,
            Model::Gan(gan) => self.gan_epoch(&gan, epoch, &order)?,
        };
        if !self.at.params.iter().all(|p| p.is_finite()) {
            return Err(self.diverged(epoch));
        }
        self.at.progress.epoch = epoch;
        let better = match (row.val_loss, self.at.progress.best_loss) {
            (Some(now), Some(best)) => now < best,
            _ => true,
        };
        if better {
            self.at.progress.best_loss = row.val_loss;
            self.at.progress.best_epoch = epoch;
            self.at.best.copy_from_slice(&self.at.params);
        }
        Ok(row)
    }

    fn vae_epoch(&mut self, vae: &Vae, epoch: u32, order: &[u32]) -> Result<Epoch> {
        let training = self.at.config.training.clone();
        let steps = order.len().div_ceil(training.batch);
        let (mut elbo, mut loss, mut beta) = (Elbo::default(), 0f64, 0f32);
        for (i, places) in order.chunks(training.batch).enumerate() {
            let (labels, weights) = self.fill(epoch, places)?;
            let done = (epoch - 1) as f64 + i as f64 / steps as f64;
            let share = if training.kl_warmup > 0.0 { done / training.kl_warmup as f64 } else { 1.0 };
            beta = training.beta * share.min(1.0) as f32;
            self.at.progress.steps += 1;
            let adam = Adam { rate: training.lr, ..Adam::default() };
            let step = VaeStep { beta, adam, t: self.at.progress.steps };
            let batch = Batch { x: &self.x, labels: &labels, weights: &weights, noise: &self.noise };
            let on = Engine { level: self.ctx.level, exec: &self.ctx.pool };
            let mut trainee = Trainee {
                params: &mut self.at.params,
                grads: &mut self.grads,
                moments: &mut self.at.moments,
            };
            let scratch = &mut Scratch::new(&mut self.scratch);
            let terms = vae.train_step(on, &mut trainee, &batch, &step, scratch);
            let terms = terms.map_err(|e| self.refused(epoch, e))?;
            elbo += terms;
            loss += terms.loss(beta as f64);
        }
        let n = order.len() as f64;
        let val = self.validate(vae, VALIDATION)?;
        if val.is_some_and(|v| !v.loss(1.0).is_finite()) {
            return Err(self.diverged(epoch));
        }
        Ok(Epoch {
            epoch,
            train_loss: loss / n,
            val_loss: val.map(|v| v.loss(training.beta as f64)),
            recon: Some(elbo.reconstruction / n),
            kl: Some(elbo.divergence / n),
            val_recon: val.map(|v| v.reconstruction),
            val_kl: val.map(|v| v.divergence),
            val_elbo: val.map(|v| -v.loss(1.0)),
            beta: Some(beta as f64),
            ..Epoch::default()
        })
    }

    /// The mean terms over the val split, `None` where it is empty.
    fn validate(&mut self, vae: &Vae, epoch: u32) -> Result<Option<Elbo>> {
        let data = self.data;
        if data.lists.val.is_empty() {
            return Ok(None);
        }
        let mut sum = Elbo::default();
        for places in data.lists.val.chunks(self.at.config.training.batch) {
            let (labels, weights) = self.fill(epoch, places)?;
            let batch = Batch { x: &self.x, labels: &labels, weights: &weights, noise: &self.noise };
            let on = Engine { level: self.ctx.level, exec: &self.ctx.pool };
            sum += vae.elbo(on, &self.at.params, &batch, &mut Scratch::new(&mut self.scratch))?;
        }
        let n = data.lists.val.len() as f64;
        Ok(Some(Elbo { reconstruction: sum.reconstruction / n, divergence: sum.divergence / n }))
    }

    fn gan_epoch(&mut self, gan: &Gan, epoch: u32, order: &[u32]) -> Result<Epoch> {
        let training = self.at.config.training.clone();
        let mut sum = GanTerms::default();
        let mut batches = 0f64;
        for places in order.chunks(training.batch) {
            let (labels, weights) = self.fill(epoch, places)?;
            self.at.progress.steps += 1;
            let step = GanStep {
                adam: Adam { rate: training.lr, beta1: GAN_BETA1, ..Adam::default() },
                t: self.at.progress.steps,
                real_target: training.real_target,
                ema_decay: training.ema_decay,
            };
            let batch = Batch { x: &self.x, labels: &labels, weights: &weights, noise: &self.noise };
            let on = Engine { level: self.ctx.level, exec: &self.ctx.pool };
            let mut trainee = Trainee {
                params: &mut self.at.params,
                grads: &mut self.grads,
                moments: &mut self.at.moments,
            };
            let scratch = &mut Scratch::new(&mut self.scratch);
            let terms = gan.train_step(on, &mut trainee, &mut self.at.average, &batch, &step, scratch);
            let terms = terms.map_err(|e| self.refused(epoch, e))?;
            sum.discriminator += terms.discriminator;
            sum.generator += terms.generator;
            sum.real_accuracy += terms.real_accuracy;
            sum.fake_accuracy += terms.fake_accuracy;
            batches += 1.0;
        }
        Ok(Epoch {
            epoch,
            train_loss: sum.generator / batches,
            discriminator_loss: Some(sum.discriminator / batches),
            real_accuracy: Some(sum.real_accuracy / batches),
            fake_accuracy: Some(sum.fake_accuracy / batches),
            ..Epoch::default()
        })
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

    #[cold]
    fn diverged(&self, epoch: u32) -> Error {
        Error::failed(format!(
            "training diverged, a loss or a parameter is not finite: epoch {epoch}, lr = {}",
            self.at.config.training.lr
        ))
        .hint("a smaller --lr (for example a tenth), a longer --kl-warmup, or columns without huge values")
    }

    fn finish(mut self, stopped_early: bool) -> Result<Fitted> {
        let prior = match self.model.clone() {
            Model::Vae(vae) => self.fit_prior(&vae)?,
            Model::Gan(_) => Vec::new(),
        };
        let file = ModelFile {
            config: self.at.config.clone(),
            epoch: self.at.progress.best_epoch,
            params: self.at.best.clone(),
            average: self.at.average.clone(),
            prior,
        };
        Ok(Fitted { checkpoint: self.at, file, stopped_early })
    }

    /// The normals of the codes of the train split under the best weights.
    fn fit_prior(&mut self, vae: &Vae) -> Result<Vec<f32>> {
        let (latent, classes) = (self.model.latent(), self.model.classes().max(1));
        let mut sums = vec![0f64; ClassGaussians::sums_len(latent, classes)?];
        let data = self.data;
        for places in data.lists.train.chunks(self.at.config.training.batch) {
            let (labels, _) = self.fill(VALIDATION, places)?;
            let mut codes = vec![0f32; places.len() * 2 * latent];
            let on: Engine<'_, Pool> = Engine { level: self.ctx.level, exec: &self.ctx.pool };
            let input = (&self.x[..], &labels[..]);
            vae.encode(on, &self.at.best, input, &mut codes, &mut Scratch::new(&mut self.scratch))?;
            ClassGaussians::accumulate(latent, &codes, &labels, &mut sums)?;
        }
        let mut values = vec![0f32; ClassGaussians::fitted_len(latent, classes)?];
        ClassGaussians::fit(latent, &sums, &mut values)?;
        Ok(values)
    }
}
