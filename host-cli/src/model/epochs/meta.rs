//! Training over tasks: each class is one, and what is kept are weights from which a few steps on a task go far.

use super::Trainer;
use crate::error::{Error, Result};
use crate::model::any::{Model, Objective, Training};
use crate::model::data::TrainingData;
use crate::purposes;
use clap::ValueEnum;
use seedbed::generate::{Adapted, MetaRule};
use seedbed::nn::{Adam, Ema};
use seedbed::rng::{Key, Stream};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a model learns to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum MetaKind {
    /// Towards where the steps of each task led (Nichol, Achiam and Schulman 2018).
    Reptile,
    /// By the gradients where they led, model-agnostic meta-learning of the first order (Finn, Abbeel and Levine 2017).
    Fomaml,
}

/// A training over tasks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetaTraining {
    /// How it learns from them.
    pub kind: MetaKind,
    /// Steps that adapt to a task.
    pub steps: u32,
    /// The rate at which the weights to begin with move.
    pub rate: f32,
}

impl MetaTraining {
    /// Steps of a task: those that adapt, and one for the gradients behind them.
    const fn period(&self) -> u64 {
        match self.kind {
            MetaKind::Reptile => self.steps as u64,
            MetaKind::Fomaml => self.steps as u64 + 1,
        }
    }

    fn rule(&self, rate: f32) -> MetaRule {
        match self.kind {
            MetaKind::Reptile => MetaRule::Reptile { rate },
            MetaKind::Fomaml => MetaRule::Fomaml(Adam { rate, ..Adam::default() }.into()),
        }
    }

    /// Values that it remembers for so many parameters.
    pub fn state_len(&self, params: usize) -> usize {
        self.rule(self.rate).state_len(params)
    }
}

/// What a task began with.
#[derive(Default)]
pub(super) struct Begun {
    params: Vec<f32>,
    average: Vec<f32>,
}

/// Refuses data that are no tasks.
pub(super) fn check(training: &Training, data: &TrainingData) -> Result<()> {
    if training.meta.is_none() {
        return Ok(());
    }
    let tasks = tasks(data);
    let class = |label: u32| data.spec.classes.get(label as usize).cloned().unwrap_or_default();
    if tasks.len() < 2 {
        return Err(Error::usage(
            "the classes are the tasks, and there are fewer than two: --meta (recipe key `meta`)",
        )
        .hint("name the labels in `collect`, or train without --meta"));
    }
    match tasks.iter().find(|(_, places)| places.len() < training.batch) {
        Some((&label, places)) => Err(Error::usage(format!(
            "a task has fewer samples than a batch: class {} has {}, --batch (recipe key `batch`) is {}",
            class(label),
            places.len(),
            training.batch
        ))
        .hint("use a smaller --batch, or leave the class out with --except")),
        None => Ok(()),
    }
}

/// The places of the samples of each class.
fn tasks(data: &TrainingData) -> BTreeMap<u32, Vec<u32>> {
    let mut tasks: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for &place in &data.lists.train {
        tasks.entry(data.label(place)).or_default().push(place);
    }
    tasks
}

impl Trainer<'_> {
    /// The places of the samples of an epoch: shuffled; or task by task, each as many whole batches of one class as it takes.
    pub(super) fn order(&self, epoch: u32) -> Vec<u32> {
        let training = &self.at.config.training;
        let mut all = self.data.lists.train.clone();
        let Some(meta) = training.meta else {
            let key = Key::new(purposes::SHUFFLE).epoch(epoch);
            Stream::new(training.seed, key).shuffle(&mut all);
            return all;
        };
        let mut stream = Stream::new(training.seed, Key::new(purposes::TASKS).epoch(epoch));
        let mut tasks: Vec<Vec<u32>> = tasks(self.data).into_values().collect();
        let own = meta.period() as usize * training.batch;
        let (mut order, mut next) = (Vec::new(), tasks.len());
        while order.len() < all.len() {
            if next == tasks.len() {
                stream.shuffle(&mut tasks);
                next = 0;
            }
            stream.shuffle(&mut tasks[next]);
            order.extend(tasks[next].iter().cycle().take(own));
            next += 1;
        }
        order
    }

    /// Whether the step that comes next is the last of its task.
    pub(super) fn ends_task(&self) -> bool {
        self.at.config.training.meta.is_some_and(|m| (self.at.progress.steps + 1).is_multiple_of(m.period()))
    }

    /// Notes what a task begins with, before its first step.
    pub(super) fn before_step(&mut self) {
        let begins = |meta: MetaTraining| self.at.progress.steps.is_multiple_of(meta.period());
        if self.at.config.training.meta.is_some_and(begins) {
            self.begun.params.clone_from(&self.at.weights.params);
            self.begun.average.clone_from(&self.at.average.params);
        }
    }

    /// After the last step of a task: goes back to what it began with, and moves that.
    pub(super) fn after_step(&mut self) -> Result<()> {
        let training = &self.at.config.training;
        let Some(meta) = training.meta else { return Ok(()) };
        let (steps, period) = (self.at.progress.steps, meta.period());
        if !steps.is_multiple_of(period) {
            return Ok(());
        }
        let t = steps / period;
        let each = (training.batch as u64).saturating_mul(period);
        let tasks = (self.data.lists.train.len() as u64).div_ceil(each.max(1));
        let rate = training.schedule.rate(meta.rate, t, tasks * u64::from(training.epochs))?;
        let on = self.engine();
        std::mem::swap(&mut self.at.weights.params, &mut self.begun.params);
        let task = Adapted { params: &self.begun.params, grads: &self.grads };
        meta.rule(rate).step(on, t, task, &mut self.at.weights.params, &mut self.at.meta_moments)?;
        if let (Model::Gan(gan), Objective::Game { ema_decay, .. }) = (&self.model, &training.objective) {
            // The mean is of the weights that are kept, not of what tasks made of them.
            std::mem::swap(&mut self.at.average.params, &mut self.begun.average);
            let generator = &self.at.weights.params[..gan.generator_len()];
            let ema = Ema { decay: *ema_decay, warm_up: true };
            ema.step(on, t, generator, &mut self.at.average.params)?;
        }
        Ok(())
    }
}
