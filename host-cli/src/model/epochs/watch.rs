//! What is looked at after each epoch: samples, how much they differ, which latent values are in use; and what it warns of.

use super::{Epoch, Trainer};
use crate::dataset::Kind;
use crate::error::Result;
use crate::features::Mat;
use crate::model::any::Model;
use crate::model::checkpoint::ModelFile;
use crate::model::draw::{Drawer, PriorKind};
use crate::purposes;
use seedbed::generate::Vae;
use seedbed::rng::{Key, Stream};

/// Samples whose distances are compared, and those that codes are looked at of.
const COMPARED: usize = 200;
const CODED: usize = 2048;
/// Pixels of the samples that are kept of an epoch, and their least number.
const KEPT_PIXELS: usize = 26_000;
const KEPT: [usize; 2] = [8, 16];
/// A latent value whose mean varies by more than this over the samples is in use (Burda et al. 2016).
const IN_USE: f64 = 0.01;
/// Samples that differ by less than this share of what the data do are too much alike.
pub const ALIKE: f64 = 0.5;
/// A loss of so many times what it was after the first epoch has grown.
const GREW: f64 = 1.5;
/// A discriminator that is right about so many of both sides leaves its generator nothing to learn from.
const TOO_STRONG: f64 = 0.98;
/// Steps before which samples are alike, and latent values idle, because nothing was learnt yet.
const LEARNT: u64 = 1000;
/// Epochs that are looked at whatever their steps, and steps after which later ones are.
const FIRST: u32 = 10;
const OFTEN: u64 = 100;
/// Looks that something must last before it is warned of.
const LASTING: usize = 3;

/// How many samples are kept of each epoch.
pub fn kept(width: usize) -> usize {
    (KEPT_PIXELS / width.max(1)).clamp(KEPT[0], KEPT[1])
}

impl Trainer<'_> {
    /// Looks at the model as it is after an epoch: after the first ones, and then where another hundred steps were made since the
    /// epoch began, which had made so many; a look costs as much as some steps.
    pub(super) fn watch(&mut self, row: &mut Epoch, before: u64) -> Result<()> {
        let turns = self.at.progress.steps / OFTEN > before / OFTEN;
        // Before its prior learns there is nothing to draw from.
        if row.codes_used.is_some() || !(turns || row.epoch <= FIRST) {
            return Ok(());
        }
        self.settle()?;
        let prior = match self.model.clone() {
            Model::Vae(vae) => self.look_at_codes(&vae, row)?,
            Model::Gan(_) | Model::Codes(_) => Vec::new(),
        };
        let file = self.as_it_is(prior);
        let drawer = Drawer::new(self.ctx, &file, PriorKind::Aggregate, 1.0)?;
        let data = self.data;
        let places = self.some(COMPARED);
        let labels: Vec<u32> = places.iter().map(|&place| data.label(place)).collect();
        let made = Mat { data: drawer.draw(0, &labels)?, cols: data.spec.width() };
        let mut real = Mat { data: Vec::new(), cols: made.cols };
        data.gather(&places, &mut real.data);
        let (made_apart, real_apart) = (made.mean_distance_of(&made), real.mean_distance_of(&real));
        row.diversity = (real_apart > 0.0).then(|| made_apart / real_apart);
        if data.spec.kind == Kind::Images {
            for i in 0..kept(made.cols).min(made.rows()) {
                self.at.samples.extend(drawer.pixels(made.row(i))?.data);
            }
        }
        Ok(())
    }

    /// Some samples of the train split, the same in each epoch.
    pub(super) fn some(&self, n: usize) -> Vec<u32> {
        let mut places = self.data.lists.train.clone();
        Stream::new(self.at.config.training.seed, Key::new(purposes::WATCH)).shuffle(&mut places);
        places.truncate(n);
        places
    }

    /// The model with the weights of now.
    pub(super) fn as_it_is(&self, prior: Vec<f32>) -> ModelFile {
        ModelFile {
            config: self.at.config.clone(),
            epoch: self.at.progress.epoch,
            weights: self.at.weights.clone(),
            average: self.at.average.clone(),
            prior,
        }
    }

    /// The divergence of each latent value over some samples, and how many are in use; the prior fitted to their codes.
    fn look_at_codes(&mut self, vae: &Vae, row: &mut Epoch) -> Result<Vec<f32>> {
        let latent = vae.spec().latent;
        let (mut kl, mut sums, mut squares) = (vec![0f64; latent], vec![0f64; latent], vec![0f64; latent]);
        let places = self.some(CODED);
        let prior = self.fit_prior(vae, &places, |codes| {
            for code in codes.chunks_exact(2 * latent) {
                let (means, log_vars) = code.split_at(latent);
                for (j, (&mean, &log_var)) in means.iter().zip(log_vars).enumerate() {
                    let (mean, log_var) = (f64::from(mean), f64::from(log_var));
                    kl[j] += 0.5 * (mean * mean + log_var.exp() - 1.0 - log_var);
                    sums[j] += mean;
                    squares[j] += mean * mean;
                }
            }
        })?;
        let n = places.len().max(1) as f64;
        kl.iter_mut().for_each(|kl| *kl /= n);
        let varies = |j: &usize| squares[*j] / n - (sums[*j] / n).powi(2) > IN_USE;
        row.active_units = Some((0..latent).filter(varies).count() as u32);
        row.latent_kl = kl;
        Ok(prior)
    }

    /// Warns of what the last epochs show, once of each; before anything can be learnt only where it `ends` so.
    pub(super) fn warn(&mut self, ends: bool) {
        if self.at.progress.steps < LEARNT && !ends {
            return;
        }
        for (name, words) in findings(&self.at.progress.history, self.model.latent() as u32) {
            if !self.at.progress.warnings.iter().any(|known| known == name) {
                self.ctx.progress.warn(format!("train: epoch {}: {words}", self.at.progress.epoch));
                self.at.progress.warnings.push(name.to_owned());
            }
        }
    }
}

/// What is wrong with the last epochs that were looked at of a model with so many latent values, and what to try.
fn findings(history: &[Epoch], latent: u32) -> Vec<(&'static str, &'static str)> {
    let looked: Vec<&Epoch> =
        history.iter().filter(|e| e.diversity.is_some() || e.active_units.is_some()).collect();
    let Some(last) = looked.len().checked_sub(LASTING).map(|from| &looked[from..]) else {
        return Vec::new();
    };
    let all = |bad: &dyn Fn(&Epoch) -> bool| last.iter().all(|e| bad(e));
    let first =
        history.first().map(|e| e.train_loss).filter(|_| history.iter().any(|e| e.val_loss.is_some()));
    let over = |value: Option<f64>, limit: f64| value.is_some_and(|v| v > limit);
    let found = [
        (
            first.is_some_and(|first| all(&|e| e.train_loss > GREW * first.max(0.0))),
            "loss that grows",
            "the loss is larger than it was after the first epoch: try a smaller lr",
        ),
        (
            all(&|e| e.diversity.is_some_and(|d| d < ALIKE)),
            "mode collapse",
            "samples are too much alike (mode collapse, or too few steps): try more epochs, a smaller lr, lr_discriminator \
             above lr, show = \"diff\" for few pictures, or a larger batch; of a VAE a smaller beta",
        ),
        (
            all(&|e| e.active_units.is_some_and(|n| n * 8 < latent || n == 0)),
            "posterior collapse",
            "hardly a latent value is in use (posterior collapse, or too few steps): try more epochs, a smaller beta, kl_warmup \
             over ten epochs, or free_bits = 0.05",
        ),
        (
            all(&|e| over(e.real_accuracy, TOO_STRONG) && over(e.fake_accuracy, TOO_STRONG)),
            "overfitting of the discriminator",
            "the discriminator is right about nearly all samples, so that the generator learns little: try show = \"diff\" or \
             \"ada\", r1 = 1, or a smaller lr_discriminator",
        ),
    ];
    found.into_iter().filter(|(bad, ..)| *bad).map(|(_, name, words)| (name, words)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_three_epochs_is_found() {
        let alike = Epoch { diversity: Some(0.4), ..Epoch::default() };
        let idle = Epoch { active_units: Some(1), diversity: Some(0.9), ..Epoch::default() };
        let strong = Epoch {
            real_accuracy: Some(0.99),
            fake_accuracy: Some(1.0),
            diversity: Some(0.8),
            ..Epoch::default()
        };
        let fine = Epoch {
            real_accuracy: Some(0.99),
            fake_accuracy: Some(0.7),
            active_units: Some(2),
            diversity: Some(0.6),
            ..Epoch::default()
        };
        let names = |history: &[&Epoch]| -> Vec<&str> {
            let history: Vec<Epoch> = history.iter().map(|e| (*e).clone()).collect();
            findings(&history, 16).into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(&[&alike; 3]), ["mode collapse"]);
        assert_eq!(names(&[&fine, &idle, &idle, &idle]), ["posterior collapse"]);
        assert_eq!(names(&[&strong; 3]), ["overfitting of the discriminator"]);
        let loss =
            |train_loss| Epoch { train_loss, val_loss: Some(1.0), diversity: Some(0.8), ..Epoch::default() };
        assert_eq!(names(&[&loss(400.0), &loss(700.0), &loss(900.0), &loss(650.0)]), ["loss that grows"]);
        assert!(names(&[&loss(400.0), &loss(700.0), &loss(900.0), &loss(410.0)]).is_empty());
        // Epochs that were not looked at say nothing.
        assert_eq!(names(&[&alike, &Epoch::default(), &alike, &alike]), ["mode collapse"]);
        assert!(names(&[&alike; 2]).is_empty() && names(&[&alike, &alike, &fine]).is_empty());
        assert!(names(&[&fine; 5]).is_empty() && names(&[]).is_empty());
    }
}
