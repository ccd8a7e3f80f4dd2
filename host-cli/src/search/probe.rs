//! A small network that is trained on augmented pictures and then tells the classes of others.

use super::candidates::Steps;
use super::material::Pictures;
use crate::error::Result;
use crate::purposes;
use crate::stages::augment::MAX_OPS;
use seedbed::augment::{Draws as Drawn, Plan as Augmentation};
use seedbed::exec::Serial;
use seedbed::nn::loss::{Labelled, cross_entropy};
use seedbed::nn::{
    Activation, Adam, Conv2d, Dense, Draws, Engine, Gradients, Layer, Mode, Model, Network, Plan, Schedule,
    Shape,
};
use seedbed::rng::{Key, Stream};
use seedbed::scratch::ScratchBuf;
use seedbed::{Level, Scratch};

/// Samples of a step.
const BATCH: usize = 32;
/// The learning rate at its highest.
const RATE: f32 = 3e-3;
/// Copies of each picture beside the original in the recipe that is recommended: so many of all pictures that the network
/// learns from are copies for one that is an original.
pub const COPIES: u32 = 4;
/// Passes over the pictures, whatever the visits come to.
const EPOCHS: [u64; 2] = [8, 100];
/// The most layers.
const LAYERS: usize = 8;
/// The streams of the order of samples, and of the choice between original and copy; see [`super::candidates::DRAW`].
const ORDER: u32 = 2;
const COPY: u32 = 3;

/// A training and its test.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Of these,
    pub pictures: &'a Pictures,
    /// the ones at these places are learnt from.
    pub learn: &'a [u32],
    /// Of these,
    pub others: &'a Pictures,
    /// the classes of the ones at these places are told.
    pub tell: &'a [u32],
    /// Classes.
    pub classes: usize,
    /// What is done to the pictures that are learnt from.
    pub steps: &'a Steps,
    /// Two runs of one seed start alike and take the samples in the same order.
    pub seed: u64,
    /// Pictures that are learnt from, counted each time, about.
    pub visits: u64,
}

/// How a run went.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Whether each class was told rightly.
    pub right: Vec<bool>,
    /// The mean cross-entropy, in nats.
    pub loss: f64,
}

impl Told {
    /// The share of classes told rightly.
    pub fn accuracy(&self) -> f64 {
        let right = self.right.iter().filter(|right| **right).count();
        right as f64 / self.right.len().max(1) as f64
    }
}

/// Two convolutions, each to half the sides, before a layer of logits; of pictures that are too small for that a dense layer
/// before it.
fn network((height, width, channels): (usize, usize, usize), classes: usize) -> Result<Network<LAYERS>> {
    let mut net = Network::new(Shape { height, width, channels })?;
    if height.min(width) < 8 {
        net.push(Layer::Flatten)?;
        net.push(Dense::new(64))?;
        net.push(Activation::Relu)?;
    } else {
        for maps in [12, 24] {
            net.push(Conv2d::new(maps, 3).stride(2).padding(1))?;
            net.push(Activation::Relu)?;
        }
        net.push(Layer::Flatten)?;
    }
    net.push(Dense::new(classes))?;
    Ok(net)
}

/// Trains and tests.
///
/// # Errors
/// When the operations do not fit the pictures.
pub fn run(level: Level, run: &Run<'_>) -> Result<Told> {
    let net = network(run.pictures.shape, run.classes)?;
    let numbers = Numbers::of(run.pictures, run.learn);
    let mut params = vec![0.0; net.param_len()];
    net.init(run.seed, 0, &mut params)?;
    learn(level, run, &net, &numbers, &mut params)?;
    tell(level, run, &net, &numbers, &params)
}

/// The number of each level: standardised by all values that are learnt from.
struct Numbers([f32; 256]);

impl Numbers {
    fn of(pictures: &Pictures, learn: &[u32]) -> Self {
        let (mut n, mut sum, mut squares) = (0u64, 0u64, 0u64);
        for &v in learn.iter().flat_map(|&i| pictures.pixels(i)) {
            (n, sum, squares) = (n + 1, sum + u64::from(v), squares + u64::from(v) * u64::from(v));
        }
        let mean = sum as f64 / n.max(1) as f64;
        let variance = squares as f64 / n.max(1) as f64 - mean * mean;
        let std = if variance > 1.0 { variance.sqrt() } else { 1.0 };
        Self(std::array::from_fn(|v| ((v as f64 - mean) / std) as f32))
    }

    fn extend(&self, to: &mut Vec<f32>, pixels: &[u8]) {
        to.extend(pixels.iter().map(|&v| self.0[v as usize]));
    }
}

/// What a step of training works in.
struct Bench<'a> {
    plan: Plan<LAYERS>,
    memory: Vec<u8>,
    grads: Vec<f32>,
    moments: Vec<f32>,
    on: Engine<'a, Serial>,
}

fn learn(
    level: Level,
    run: &Run<'_>,
    net: &Network<LAYERS>,
    numbers: &Numbers,
    params: &mut [f32],
) -> Result<()> {
    let n = run.learn.len() as u64;
    let epochs = (run.visits / n.max(1)).clamp(EPOCHS[0], EPOCHS[1]) as u32;
    let steps = u64::from(epochs) * n.div_ceil(BATCH as u64);
    let schedule = Schedule::cosine(0.0).warm_up(steps / 20);
    let plan = net.plan(Mode::TRAINING)?;
    let mut bench = Bench {
        memory: vec![0; plan.workspace_len(BATCH)],
        grads: vec![0.0; plan.grad_len()],
        moments: vec![0.0; 2 * net.param_len()],
        on: Engine { level, exec: &Serial },
        plan,
    };
    let mut copier = Copier::new(level, run)?;
    let (mut x, mut labels, mut t) = (Vec::new(), Vec::new(), 0);
    let mut order = run.learn.to_vec();
    for epoch in 1..=epochs {
        order.sort_unstable();
        let key = Key::new(purposes::SEARCH).op(ORDER).epoch(epoch);
        Stream::new(run.seed, key).shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            t += 1;
            x.clear();
            labels.clear();
            for &i in batch {
                numbers.extend(&mut x, copier.picture(i, epoch)?);
                labels.push(run.pictures.labels[i as usize]);
            }
            let adam = Adam { rate: schedule.rate(RATE, t, steps)?, ..Adam::default() };
            bench.step(adam, t, &x, &labels, params)?;
        }
    }
    Ok(())
}

impl Bench<'_> {
    fn step(&mut self, adam: Adam, t: u64, x: &[f32], labels: &[u32], params: &mut [f32]) -> Result<()> {
        let n = labels.len();
        let mut scratch = Scratch::new(&mut self.memory);
        let mut work = self.plan.workspace(n, &mut scratch)?;
        let no_draws = Draws::default();
        self.plan.forward(self.on, (params, &mut []), x, no_draws, &mut work, &mut scratch.frame())?;
        let (logits, slopes) = self.plan.ends(&mut work);
        let scales = [1.0 / n as f32; BATCH];
        let batch = Labelled { logits, labels, scales: &scales[..n] };
        cross_entropy(self.on, 0.0, &batch, &mut [0.0; BATCH][..n], slopes)?;
        let to = Gradients { params: &mut self.grads, add: false, input: &mut [] };
        let model = Model { params, state: &[] };
        self.plan.backward(self.on, model, (x, no_draws), &mut work, to, &mut scratch.frame())?;
        adam.step(self.on, t, params, &self.grads, &mut self.moments)?;
        Ok(())
    }
}

/// Makes the pictures of an epoch: copies that no epoch had before, and originals among them.
struct Copier<'a> {
    run: &'a Run<'a>,
    plan: Augmentation<'a, MAX_OPS>,
    level: Level,
    scratch: ScratchBuf,
    copy: Vec<u8>,
}

impl<'a> Copier<'a> {
    fn new(level: Level, run: &'a Run<'a>) -> Result<Self> {
        let plan = run.steps.plan(run.pictures.shape)?;
        Ok(Self { run, plan, level, scratch: ScratchBuf::new(), copy: vec![0; run.pictures.width()] })
    }

    fn picture(&mut self, i: u32, epoch: u32) -> Result<&[u8]> {
        let Run { pictures, steps, seed, .. } = *self.run;
        let (pixels, number) = (pictures.pixels(i), pictures.keys[i as usize]);
        let key = Key::new(purposes::SEARCH).op(COPY).epoch(epoch).sample(number);
        let original = Stream::new(seed, key).below(COPIES + 1) == 0;
        if original || steps.steps().is_empty() {
            return Ok(pixels);
        }
        let from_to = (pixels, &mut self.copy[..]);
        copy(self.level, &self.plan, from_to, (seed, number, epoch), &mut self.scratch)?;
        Ok(&self.copy)
    }
}

/// The copy of `pixels` that belongs to the number of the picture and to the epoch, into `to`.
///
/// # Errors
/// When the two do not have the shape of the plan.
pub fn copy(
    level: Level,
    plan: &Augmentation<'_, MAX_OPS>,
    (pixels, to): (&[u8], &mut [u8]),
    (seed, number, epoch): (u64, u64, u32),
    scratch: &mut ScratchBuf,
) -> Result<()> {
    let key = Key::new(purposes::SEARCH_COPIES).epoch(epoch).sample(number);
    let mut arena = scratch.arena(plan.scratch_len::<u8>());
    Ok(plan.batch(level, pixels, to, Drawn::Own(seed, &[key]), &mut arena)?)
}

fn tell(
    level: Level,
    run: &Run<'_>,
    net: &Network<LAYERS>,
    numbers: &Numbers,
    params: &[f32],
) -> Result<Told> {
    let plan = net.plan(Mode::Inference)?;
    let on = Engine { level, exec: &Serial };
    let mut memory = vec![0; plan.workspace_len(BATCH)];
    let mut told = Told { right: Vec::with_capacity(run.tell.len()), loss: 0.0 };
    let mut x = Vec::new();
    for batch in run.tell.chunks(BATCH) {
        x.clear();
        batch.iter().for_each(|&i| numbers.extend(&mut x, run.others.pixels(i)));
        let labels: Vec<u32> = batch.iter().map(|&i| run.others.labels[i as usize]).collect();
        let mut scratch = Scratch::new(&mut memory);
        let mut work = plan.workspace(batch.len(), &mut scratch)?;
        plan.infer(on, Model { params, state: &[] }, &x, &mut work, &mut scratch)?;
        let logits = plan.result(&work);
        let (scales, mut losses) = (vec![1.0; batch.len()], vec![0.0; batch.len()]);
        cross_entropy(on, 0.0, &Labelled { logits, labels: &labels, scales: &scales }, &mut losses, &mut [])?;
        told.loss += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
        let rows = logits.chunks_exact(run.classes).zip(&labels);
        told.right.extend(rows.map(|(row, &label)| largest(row) == label as usize));
    }
    told.loss /= run.tell.len().max(1) as f64;
    Ok(told)
}

/// The place of the largest value, of equal ones the first.
fn largest(row: &[f32]) -> usize {
    let mut best = 0;
    for (i, &v) in row.iter().enumerate() {
        if v > row[best] {
            best = i;
        }
    }
    best
}
