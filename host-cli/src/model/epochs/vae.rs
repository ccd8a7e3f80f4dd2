//! An epoch of a variational autoencoder.

use super::{Epoch, Trainer, VALIDATION};
use crate::error::Result;
use crate::model::any::Objective;
use seedbed::Scratch;
use seedbed::generate::{Batch, ClassGaussians, Elbo, Trainee, Vae, VaeStep, iwae};
use seedbed::nn::Adam;

/// Draws of the importance-weighted bound, and samples that it is told of.
const DRAWS: u32 = 64;
const BOUNDED: usize = 500;

impl Trainer<'_> {
    pub(super) fn vae_epoch(&mut self, vae: &Vae, epoch: u32, order: &[u32]) -> Result<Epoch> {
        let training = self.at.config.training.clone();
        let Objective::Elbo { beta: whole, kl_warmup, free_bits } = training.objective else {
            return Err(seedbed::Error::Unsupported.into());
        };
        let steps = order.len().div_ceil(training.batch);
        let (mut elbo, mut loss, mut beta) = (Elbo::default(), 0f64, 0f32);
        for (i, places) in order.chunks(training.batch).enumerate() {
            let (labels, weights) = self.fill(epoch, places)?;
            let done = (epoch - 1) as f64 + i as f64 / steps as f64;
            let share = if kl_warmup > 0.0 { done / kl_warmup as f64 } else { 1.0 };
            beta = whole * share.min(1.0) as f32;
            self.before_step();
            self.at.progress.steps += 1;
            let step = (self.at.progress.steps, training.epochs);
            let optimiser = self.adam((training.lr, Adam::default().beta1), step)?.into();
            let step = VaeStep { beta, free_bits, optimiser, t: self.at.progress.steps };
            let batch = Batch { x: &self.x, labels: &labels, weights: &weights, noise: &self.noise };
            let on = self.engine();
            let mut trainee = Trainee {
                params: &mut self.at.weights.params,
                grads: &mut self.grads,
                moments: &mut self.at.moments,
                groups: &self.at.config.training.groups,
                adapters: self.at.adapters.lend(),
            };
            let scratch = &mut Scratch::new(&mut self.scratch);
            let terms = vae.train_step(on, &mut trainee, &batch, &step, scratch);
            let terms = terms.map_err(|e| self.refused(epoch, e))?;
            self.after_step()?;
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
            val_loss: val.map(|v| v.loss(whole as f64)),
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
            let on = self.engine();
            sum += vae.elbo(on, &self.at.weights.params, &batch, &mut Scratch::new(&mut self.scratch))?;
        }
        let n = data.lists.val.len() as f64;
        Ok(Some(Elbo { reconstruction: sum.reconstruction / n, divergence: sum.divergence / n }))
    }

    /// The importance-weighted bound of some samples of the val split under the weights of now, a mean in nats; `None` without a
    /// val split.
    pub(super) fn bound(&mut self, vae: &Vae) -> Result<Option<f64>> {
        let data = self.data;
        let some = &data.lists.val[..data.lists.val.len().min(BOUNDED)];
        let mut sum = 0f64;
        for places in some.chunks(self.at.config.training.batch) {
            let mut log_weights = vec![0f32; DRAWS as usize * places.len()];
            for (draw, own) in (0..DRAWS).zip(log_weights.chunks_exact_mut(places.len())) {
                // Noise that no epoch has.
                let (labels, weights) = self.fill(u32::MAX - draw, places)?;
                let batch = Batch { x: &self.x, labels: &labels, weights: &weights, noise: &self.noise };
                let (on, scratch) = (self.engine(), &mut Scratch::new(&mut self.scratch));
                vae.log_weights(on, &self.at.weights.params, &batch, own, scratch)?;
            }
            let mut bounds = vec![0f32; places.len()];
            iwae(&log_weights, &mut bounds)?;
            sum += bounds.iter().map(|b| f64::from(*b)).sum::<f64>();
        }
        Ok((!some.is_empty()).then(|| sum / some.len() as f64))
    }

    /// The normals of the codes of these samples under the weights of now; `look` sees the codes of each batch.
    pub(super) fn fit_prior(
        &mut self,
        vae: &Vae,
        places: &[u32],
        mut look: impl FnMut(&[f32]),
    ) -> Result<Vec<f32>> {
        let (latent, classes) = (self.model.latent(), self.model.classes().max(1));
        let mut sums = vec![0f64; ClassGaussians::sums_len(latent, classes)?];
        for places in places.chunks(self.at.config.training.batch) {
            let (labels, _) = self.fill(VALIDATION, places)?;
            let mut codes = vec![0f32; places.len() * 2 * latent];
            let on = self.engine();
            let input = (&self.x[..], &labels[..]);
            vae.encode(on, &self.at.weights.params, input, &mut codes, &mut Scratch::new(&mut self.scratch))?;
            look(&codes);
            ClassGaussians::accumulate(latent, &codes, &labels, &mut sums)?;
        }
        let mut values = vec![0f32; ClassGaussians::fitted_len(latent, classes)?];
        ClassGaussians::fit(latent, &sums, &mut values)?;
        Ok(values)
    }
}
