//! An epoch of an autoencoder with a codebook, or of the prior of its codes.

use super::{Epoch, Trainer};
use crate::error::Result;
use crate::model::any::Objective;
use crate::model::codes::CodeModel;
use crate::purposes;
use seedbed::Scratch;
use seedbed::generate::{Adapters, CodeBatch, Follow, ParamGroup, Trainee, VqLoss, VqStep};
use seedbed::nn::{Adam, Model as Params};
use seedbed::rng::{Key, Stream};

/// Places of each sample that a step of the prior learns from.
pub const PLACES: usize = 16;
/// Samples of the val split that the prior is told by.
const TOLD: usize = 1000;

impl Trainer<'_> {
    /// The first epochs are the autoencoder's, the last ones the prior's.
    pub(super) fn codes_epoch(&mut self, model: &CodeModel, epoch: u32, order: &[u32]) -> Result<Epoch> {
        let training = self.at.config.training.clone();
        let Objective::Codes { commitment, prior_epochs, lr_prior, keeps_codebook } = training.objective
        else {
            return Err(seedbed::Error::Unsupported.into());
        };
        let own = training.epochs.saturating_sub(prior_epochs).max(1);
        if epoch <= own {
            self.codes = Vec::new();
            return self.book_epoch(model, (epoch, own), order, (commitment, keeps_codebook));
        }
        if self.codes.is_empty() {
            self.codes = self.all_codes(model)?;
        }
        self.prior_epoch(model, (epoch, epoch - own, training.epochs - own), order, lr_prior)
    }

    /// Whether the codebook was taken over from another model.
    fn has_book(&self) -> bool {
        let begins = |name: &String| name.starts_with("codebook");
        let taken = self.at.config.training.transfer.as_ref();
        taken.is_some_and(|found| !found.missing.iter().chain(&found.shapes_differ).any(begins))
    }

    fn book_epoch(
        &mut self,
        model: &CodeModel,
        (epoch, epochs): (u32, u32),
        order: &[u32],
        (commitment, keeps_codebook): (f32, bool),
    ) -> Result<Epoch> {
        let training = self.at.config.training.clone();
        let n = model.vq.param_len();
        let (mut sum, mut used, mut perplexity) = (VqLoss::default(), 0f64, 0f64);
        let batches = order.len().div_ceil(training.batch) as f64;
        for places in order.chunks(training.batch) {
            let (_, weights) = self.fill(epoch, places)?;
            let begins = self.at.progress.steps == 0 && !self.has_book();
            let on = self.engine();
            let scratch = &mut Scratch::new(&mut self.scratch);
            if begins {
                let first = (&self.at.weights.params[..n], &self.x[..]);
                model.vq.init_state(on, training.seed, first, &mut self.at.weights.state, scratch)?;
            }
            let t = self.at.progress.steps + 1;
            let optimiser = self.adam((training.lr, Adam::default().beta1), (t, epochs))?.into();
            self.at.progress.steps = t;
            let follow = Follow { seed: training.seed, ..Follow::default() };
            let follow = if keeps_codebook { Follow { decay: 1.0, ..follow } } else { follow };
            let step = VqStep { optimiser, t, beta: commitment, follow };
            let groups = &self.at.config.training.groups;
            let mut trainee = Trainee {
                params: &mut self.at.weights.params[..n],
                grads: &mut self.grads[..n],
                moments: &mut self.at.moments[..2 * n],
                groups: parts(groups, n).0,
                adapters: Adapters::default(),
            };
            let (state, batch) = (&mut self.at.weights.state, (&self.x[..], &weights[..]));
            let scratch = &mut Scratch::new(&mut self.scratch);
            let terms = model.vq.train_step(on, &mut trainee, state, batch, &step, scratch);
            let terms = terms.map_err(|e| self.refused(epoch, e))?;
            sum += terms.loss;
            used += terms.usage.codes as f64 / batches;
            perplexity += f64::from(terms.usage.perplexity) / batches;
        }
        let all = order.len() as f64;
        let val = self.book_on_val(model, epoch)?;
        Ok(Epoch {
            epoch,
            train_loss: sum.loss(f64::from(commitment)) / all,
            recon: Some(sum.reconstruction / all),
            val_recon: val,
            codes_used: Some(used),
            perplexity: Some(perplexity),
            ..Epoch::default()
        })
    }

    /// The mean reconstruction term over the val split.
    fn book_on_val(&mut self, model: &CodeModel, epoch: u32) -> Result<Option<f64>> {
        let data = self.data;
        let mut sum = 0.0;
        for places in data.lists.val.chunks(self.at.config.training.batch) {
            let (_, weights) = self.fill(epoch, places)?;
            let (params, state) =
                (&self.at.weights.params[..model.vq.param_len()], &self.at.weights.state[..]);
            let (on, scratch) = (self.engine(), &mut Scratch::new(&mut self.scratch));
            sum += model
                .vq
                .evaluate(on, Params { params, state }, (&self.x, &weights), scratch)?
                .loss
                .reconstruction;
        }
        Ok((!data.lists.val.is_empty()).then(|| sum / data.lists.val.len() as f64))
    }

    /// The codes of all samples, by their places.
    fn all_codes(&mut self, model: &CodeModel) -> Result<Vec<u32>> {
        let each = model.vq.places();
        let mut codes = vec![0u32; self.data.len() * each];
        let all: Vec<u32> = (0..self.data.len() as u32).collect();
        for places in all.chunks(self.at.config.training.batch) {
            self.data.gather(places, &mut self.x);
            let first = places[0] as usize * each;
            let out = &mut codes[first..first + places.len() * each];
            let (params, state) =
                (&self.at.weights.params[..model.vq.param_len()], &self.at.weights.state[..]);
            let (on, scratch) = (self.engine(), &mut Scratch::new(&mut self.scratch));
            model.vq.encode(on, Params { params, state }, &self.x, out, scratch)?;
        }
        Ok(codes)
    }

    fn prior_epoch(
        &mut self,
        model: &CodeModel,
        (epoch, nth, epochs): (u32, u32, u32),
        order: &[u32],
        lr: f32,
    ) -> Result<Epoch> {
        let training = self.at.config.training.clone();
        let (n, each) = (model.vq.param_len(), model.vq.places());
        let steps = order.len().div_ceil(training.batch) as u64;
        let mut t = u64::from(nth - 1) * steps;
        let (mut sum, mut pairs_done) = (0f64, 0f64);
        for places in order.chunks(training.batch) {
            let grids: Vec<u32> = places.iter().flat_map(|&p| self.grid(p, each).iter().copied()).collect();
            let (labels, weights, numbers) = self.data.about(places);
            let labels = if model.prior.spec().classes == 0 { Vec::new() } else { labels };
            let mut pairs = Vec::with_capacity(places.len() * PLACES);
            for (i, &number) in (0u32..).zip(&numbers) {
                let key = Key::new(purposes::PLACES).epoch(epoch).sample(number);
                let mut stream = Stream::new(training.seed, key);
                pairs.extend((0..PLACES).map(|_| [i, stream.below(each as u32)]));
            }
            t += 1;
            let optimiser = self.adam((lr, Adam::default().beta1), (t, epochs))?.into();
            self.at.progress.steps += 1;
            let on = self.engine();
            let groups = &self.at.config.training.groups;
            let mut trainee = Trainee {
                params: &mut self.at.weights.params[n..],
                grads: &mut self.grads[n..],
                moments: &mut self.at.moments[2 * n..],
                groups: parts(groups, n).1,
                adapters: Adapters::default(),
            };
            let batch = CodeBatch { grids: &grids, labels: &labels, weights: &weights, pairs: &pairs };
            let scratch = &mut Scratch::new(&mut self.scratch);
            let nats = model.prior.train_step(on, &mut trainee, &batch, (&optimiser, t), scratch);
            sum += nats.map_err(|e| self.refused(epoch, e))?;
            pairs_done += pairs.len() as f64;
        }
        let val = self.prior_on_val(model, each)?;
        let of_sample = each as f64;
        Ok(Epoch { epoch, train_loss: sum / pairs_done * of_sample, val_prior: val, ..Epoch::default() })
    }

    fn grid(&self, place: u32, each: usize) -> &[u32] {
        &self.codes[place as usize * each..(place as usize + 1) * each]
    }

    /// −ln p of the codes of some samples of the val split, in nats.
    fn prior_on_val(&mut self, model: &CodeModel, each: usize) -> Result<Option<f64>> {
        let some: Vec<u32> = self.data.lists.val.iter().take(TOLD).copied().collect();
        let mut sum = 0.0;
        for places in some.chunks(self.at.config.training.batch) {
            let grids: Vec<u32> = places.iter().flat_map(|&p| self.grid(p, each).iter().copied()).collect();
            let labels = if model.prior.spec().classes == 0 { Vec::new() } else { self.data.about(places).0 };
            let mut nll = vec![0f32; places.len()];
            let params = &self.at.weights.params[model.vq.param_len()..];
            let (on, scratch) = (self.engine(), &mut Scratch::new(&mut self.scratch));
            model.prior.nll(on, params, (&grids, &labels), &mut nll, scratch)?;
            sum += nll.iter().map(|v| f64::from(*v)).sum::<f64>();
        }
        Ok((!some.is_empty()).then(|| sum / some.len() as f64))
    }
}

/// The groups of the first `n` parameters, and of those behind them.
fn parts(groups: &[ParamGroup], n: usize) -> (&[ParamGroup], &[ParamGroup]) {
    let mut at = 0;
    let first = groups.iter().take_while(|group| {
        at += group.len;
        at <= n
    });
    groups.split_at(first.count())
}

#[cfg(test)]
mod tests {
    use super::Trainer;
    use crate::dataset::Dataset;
    use crate::model::tests::{pictures, vqvae};
    use crate::model::{Checkpoint, Labels, Plan, Scale, TrainingData, train};
    use crate::stages::Ctx;
    use crate::stages::train::TrainOptions;

    #[test]
    fn a_training_that_is_killed_goes_on_in_either_part() {
        let dir = tempfile::tempdir().unwrap();
        let ctx = Ctx::quiet(5);
        pictures(&dir.path().join("data"));
        let dataset = Dataset::open(&dir.path().join("data")).unwrap();
        let data = TrainingData::load(&dataset, &ctx.pool, Labels::Required, Scale::As(None)).unwrap();
        let options = TrainOptions { epochs: Some(6), ..vqvae() };
        let config = options.config(5, (data.spec.clone(), 0), 2).unwrap();
        let plan = Plan { config, start: None, keep: None, most_bytes: 1e9, first: None };
        let whole = train(&ctx, &data, plan.clone()).unwrap();
        // The first four epochs are the autoencoder's.
        for done in [2, 5] {
            let mut killed = Trainer::new(&ctx, &data, &plan).unwrap();
            for _ in 0..done {
                let row = killed.epoch().unwrap();
                killed.at.progress.history.push(row);
            }
            let path = dir.path().join("checkpoint.safetensors");
            killed.at.save(&path).unwrap();
            let start = Some((Checkpoint::load(&path).unwrap(), path));
            let again = train(&ctx, &data, Plan { start, ..plan.clone() }).unwrap();
            assert_eq!(again.file.weights, whole.file.weights, "{done}");
            assert_eq!(again.checkpoint.progress, whole.checkpoint.progress, "{done}");
            assert_eq!(again.checkpoint.samples, whole.checkpoint.samples, "{done}");
        }
    }
}
