//! An epoch of an adversarial network.

use super::{Epoch, Trainer};
use crate::error::{Error, Result};
use crate::model::any::{Model, Objective};
use crate::purposes;
use seedbed::Scratch;
use seedbed::generate::{Batch, Gan, GanStep, GanTerms, GanTrainee, Show, Trainee};
use seedbed::nn::loss::Adversarial;
use seedbed::nn::{Draws, Ema};
use seedbed::rng::{Key, Stream};

/// Batches over which the statistics of the running mean are found.
const SETTLING: u64 = 40;

/// Refuses batches of one sample where normalisations need the statistics of several.
pub(super) fn check(model: &Model, batch: usize) -> Result<()> {
    match model {
        Model::Gan(gan) if gan.state_len() > 0 && batch < 2 => Err(Error::usage(
            "a GAN with normalisations needs two samples in a batch: --batch (recipe key `batch`)",
        )
        .hint("use a larger --batch, and train on two samples or more")),
        _ => Ok(()),
    }
}

impl Trainer<'_> {
    pub(super) fn gan_epoch(&mut self, gan: &Gan, epoch: u32, order: &[u32]) -> Result<Epoch> {
        let training = self.at.config.training.clone();
        let Objective::Game { lr_discriminator, beta1, critic_steps, ema_decay } = training.objective else {
            return Err(seedbed::Error::Unsupported.into());
        };
        let mut sum = GanTerms::default();
        let (mut batches, mut turns) = (0f64, 0f64);
        for places in order.chunks(training.batch) {
            // The statistics of one sample are none.
            if places.len() < 2 && gan.state_len() > 0 {
                continue;
            }
            let (labels, weights) = self.fill(epoch, places)?;
            let numbers = self.data.about(places).2;
            let keys: Vec<Key> =
                numbers.into_iter().map(|n| Key::new(purposes::SHOWN).epoch(epoch).sample(n)).collect();
            let last = self.ends_task();
            self.before_step();
            self.at.progress.steps += 1;
            let t = self.at.progress.steps;
            let generator = self.adam((training.lr, beta1), (t, training.epochs))?.into();
            let discriminator = self.adam((lr_discriminator, beta1), (t, training.epochs))?.into();
            // What is learnt from a task is of both networks.
            let both = last || t.is_multiple_of(u64::from(critic_steps.max(1)));
            let draws = Draws { seed: training.seed, keys: &keys };
            let ema = Ema { decay: ema_decay, warm_up: true };
            let step = GanStep { generator, discriminator, t, both, ema, draws };
            let batch = Batch { x: &self.x, labels: &labels, weights: &weights, noise: &self.noise };
            let on = self.engine();
            let trainee = Trainee {
                params: &mut self.at.weights.params,
                grads: &mut self.grads,
                moments: &mut self.at.moments,
                groups: &self.at.config.training.groups,
                adapters: self.at.adapters.lend(),
            };
            let mut of = GanTrainee {
                trainee,
                state: &mut self.at.weights.state,
                average: &mut self.at.average.params,
                memory: &mut self.at.progress.memory,
            };
            let terms = gan.train_step(on, &mut of, &batch, &step, &mut Scratch::new(&mut self.scratch));
            let terms = terms.map_err(|e| self.refused(epoch, e))?;
            self.after_step()?;
            sum.discriminator += terms.discriminator;
            sum.generator += terms.generator;
            sum.real_accuracy += terms.real_accuracy;
            sum.fake_accuracy += terms.fake_accuracy;
            sum.r1 += terms.r1;
            batches += 1.0;
            turns += f64::from(u8::from(both));
        }
        let rules = &gan.spec().rules;
        let (judges, real_accuracy) = (rules.loss != Adversarial::Wasserstein, sum.real_accuracy / batches);
        Ok(Epoch {
            epoch,
            train_loss: sum.generator / turns.max(1.0),
            discriminator_loss: Some(sum.discriminator / batches),
            // The numbers of a critic have no middle.
            real_accuracy: judges.then_some(real_accuracy),
            fake_accuracy: judges.then_some(sum.fake_accuracy / batches),
            overfitting: judges.then_some(2.0 * real_accuracy - 1.0),
            ada_p: matches!(rules.show, Show::Ada(_)).then(|| f64::from(self.at.progress.memory.ada.p)),
            r1: (rules.r1 > 0.0).then(|| sum.r1 / batches),
            ..Epoch::default()
        })
    }

    /// Finds the statistics of normalisations under the running mean of the parameters of a GAN, from those of the parameters
    /// themselves: whenever it is asked for after a step, it comes to the same.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Model::Gan(gan) = &self.model.clone() else { return Ok(()) };
        let len = gan.generator_state_len();
        if len == 0 || self.settled == Some(self.at.progress.steps) {
            return Ok(());
        }
        self.settled = Some(self.at.progress.steps);
        self.at.average.state.copy_from_slice(&self.at.weights.state[..len]);
        let training = &self.at.config.training;
        let n = training.batch.min(self.data.len()).max(2);
        // Labels as the training samples have them.
        let mut places = self.data.lists.train.clone();
        Stream::new(training.seed, Key::new(purposes::SHOWN)).shuffle(&mut places);
        let mut labels = places.iter().cycle().map(|&place| self.data.label(place));
        let mut memory = vec![0u8; gan.run_scratch_len(n)];
        for i in 0..SETTLING {
            let of: Vec<u32> =
                if gan.spec().classes == 0 { Vec::new() } else { labels.by_ref().take(n).collect() };
            // Other noise than that of samples.
            let which = (!training.seed, i * n as u64, n, &of[..]);
            let on = self.engine();
            let average = (&self.at.average.params[..], &mut self.at.average.state[..]);
            gan.follow(on, average, which, &mut Scratch::new(&mut memory))?;
        }
        Ok(())
    }
}
