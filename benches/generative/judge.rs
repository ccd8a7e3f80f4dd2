//! A small classifier that the benchmark trains itself, whose features tell how near generated pictures are to real ones.

use seedbed::exec::Executor;
use seedbed::linalg::{covariance, covariance_scratch_len};
use seedbed::metrics::{
    BallScores, Moments, ball_scores, ball_scores_scratch_len, frechet_distance, frechet_scratch_len,
};
use seedbed::nn::loss::{Labelled, cross_entropy};
use seedbed::nn::{
    Activation, Adam, Conv2d, Dense, Draws, Engine, Gradients, Layer, Mode, Model, Network, Plan, Pool2d,
    Schedule, Shape,
};
use seedbed::rng::{Key, Stream};
use seedbed::{Level, MatRef, Result, Scratch};

/// Values of the features.
pub const FEATURES: usize = 64;
/// Layers of the classifier, and of its part that gives features.
const LAYERS: usize = 11;
const INNER: usize = 9;
/// Classes that it tells apart.
pub const CLASSES: usize = 10;
/// Pictures of a step of its training.
pub const BATCH: usize = 128;
/// The purpose of the streams of the orders of samples.
const ORDER: u32 = 1003;
/// Neighbours that span balls.
const K: usize = 5;

/// Pictures as bytes, one after the other, with their classes.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    pub pixels: Vec<u8>,
    pub labels: Vec<u32>,
}

/// A trained classifier of 28 × 28 grey levels.
pub struct Judge {
    params: Vec<f32>,
    threads: usize,
}

fn network(layers: usize) -> Result<Network<LAYERS>> {
    let mut net = Network::new(Shape::image(28, 28, 1))?;
    let all: [Layer; LAYERS] = [
        Conv2d::new(16, 5).padding(2).into(),
        Activation::Relu.into(),
        Layer::MaxPool2d(Pool2d::new(2)),
        Conv2d::new(32, 5).padding(2).into(),
        Activation::Relu.into(),
        Layer::MaxPool2d(Pool2d::new(2)),
        Layer::Flatten,
        Dense::new(FEATURES).into(),
        Activation::Relu.into(),
        Dense::new(10).into(),
        Layer::Softmax,
    ];
    all.into_iter().take(layers).try_for_each(|layer| net.push(layer))?;
    Ok(net)
}

/// Pixels as the classifier sees them.
fn values(pixels: &[u8], to: &mut Vec<f32>) {
    to.extend(pixels.iter().map(|&p| f32::from(p) / 127.5 - 1.0));
}

impl Judge {
    /// Trains it for some epochs.
    ///
    /// # Errors
    /// None that the shapes do not exclude.
    pub fn train<E: Executor>(
        exec: &E,
        threads: usize,
        of: &Pictures,
        epochs: u32,
        seed: u64,
    ) -> Result<Self> {
        let (net, on) = (network(10)?, Engine { level: Level::detect(), exec });
        let plan: Plan<LAYERS> = net.plan(Mode::TRAINING)?.for_threads(threads);
        let mut params = vec![0.0; net.param_len()];
        net.init(seed, 0, &mut params)?;
        let (mut grads, mut moments) = (vec![0.0; plan.grad_len()], vec![0.0; 2 * params.len()]);
        let mut memory = vec![0; plan.workspace_len(BATCH)];
        let mut order: Vec<u32> = (0..of.labels.len() as u32).collect();
        let steps = u64::from(epochs) * (order.len().div_ceil(BATCH)) as u64;
        let (mut t, mut x, mut losses) = (0, Vec::new(), [0.0; BATCH]);
        for epoch in 1..=epochs {
            order.sort_unstable();
            Stream::new(seed, Key::new(ORDER).epoch(epoch)).shuffle(&mut order);
            for batch in order.chunks(BATCH) {
                t += 1;
                x.clear();
                batch.iter().for_each(|&i| values(&of.pixels[i as usize * 784..][..784], &mut x));
                let labels: Vec<u32> = batch.iter().map(|&i| of.labels[i as usize]).collect();
                let n = batch.len();
                let mut scratch = Scratch::new(&mut memory);
                let mut work = plan.workspace(n, &mut scratch)?;
                let none = Draws::default();
                plan.forward(on, (&params, &mut []), &x, none, &mut work, &mut scratch.frame())?;
                let (logits, slopes) = plan.ends(&mut work);
                let scales = vec![1.0 / n as f32; n];
                let said = Labelled { logits, labels: &labels, scales: &scales };
                cross_entropy(on, 0.0, &said, &mut losses[..n], slopes)?;
                let to = Gradients { params: &mut grads, add: false, input: &mut [] };
                let model = Model { params: &params, state: &[] };
                plan.backward(on, model, (&x, none), &mut work, to, &mut scratch.frame())?;
                let rate = Schedule::cosine(0.0).rate(2e-3, t, steps)?;
                Adam { rate, ..Adam::default() }.step(on, t, &mut params, &grads, &mut moments)?;
            }
        }
        Ok(Self { params, threads })
    }

    /// Its parameters.
    pub fn params(&self) -> &[f32] {
        &self.params
    }

    /// The judge of these parameters.
    pub const fn from_params(params: Vec<f32>, threads: usize) -> Self {
        Self { params, threads }
    }

    /// What the first `layers` of it say of pictures, `width` values for each.
    fn run<E: Executor>(&self, exec: &E, pixels: &[u8], layers: usize, width: usize) -> Result<Vec<f32>> {
        let net = network(layers)?;
        let plan: Plan<LAYERS> = net.plan(Mode::Inference)?.for_threads(self.threads);
        let on = Engine { level: Level::detect(), exec };
        let mut memory = vec![0; plan.workspace_len(BATCH)];
        let (mut out, mut x) = (Vec::with_capacity(pixels.len() / 784 * width), Vec::new());
        for batch in pixels.chunks(BATCH * 784) {
            x.clear();
            values(batch, &mut x);
            let mut scratch = Scratch::new(&mut memory);
            let mut work = plan.workspace(batch.len() / 784, &mut scratch)?;
            let model = Model { params: &self.params[..net.param_len()], state: &[] };
            plan.infer(on, model, &x, &mut work, &mut scratch)?;
            out.extend_from_slice(plan.result(&work));
        }
        Ok(out)
    }

    /// Features of pictures, [`FEATURES`] for each.
    ///
    /// # Errors
    /// None that the shapes do not exclude.
    pub fn features<E: Executor>(&self, exec: &E, pixels: &[u8]) -> Result<Vec<f32>> {
        self.run(exec, pixels, INNER, FEATURES)
    }

    /// Which of the classes it says that each picture is.
    ///
    /// # Errors
    /// None that the shapes do not exclude.
    pub fn classes<E: Executor>(&self, exec: &E, pixels: &[u8]) -> Result<Vec<u32>> {
        let logits = self.run(exec, pixels, 10, 10)?;
        let best = |row: &[f32]| (0..10).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0) as u32;
        Ok(logits.chunks_exact(10).map(best).collect())
    }

    /// Of each class how many pictures it classifies rightly, and how many there are.
    ///
    /// # Errors
    /// None that the shapes do not exclude.
    pub fn right<E: Executor>(&self, exec: &E, of: &Pictures) -> Result<[[u32; 2]; CLASSES]> {
        let mut right = [[0; 2]; CLASSES];
        for (said, &label) in self.classes(exec, &of.pixels)?.into_iter().zip(&of.labels) {
            let [good, all] = &mut right[label as usize % CLASSES];
            *good += u32::from(said == label);
            *all += 1;
        }
        Ok(right)
    }
}

/// How near two sets of features are.
#[derive(Clone, Copy, Debug)]
pub struct Nearness {
    pub frechet: f64,
    pub balls: BallScores,
}

/// Compares as many features of each as there are of the smaller set.
///
/// # Errors
/// For sets that are too small.
pub fn compare<E: Executor>(exec: &E, real: &[f32], generated: &[f32]) -> Result<Nearness> {
    let n = real.len().min(generated.len()) / FEATURES;
    // Generated pictures may come class by class.
    let evenly = |v: &[f32]| -> Vec<f32> {
        let rows = v.len() / FEATURES;
        (0..n).flat_map(|i| &v[i * rows / n * FEATURES..][..FEATURES]).copied().collect()
    };
    let (real, generated) = (evenly(real), evenly(generated));
    let (real, generated) = (MatRef::new(&real, n, FEATURES)?, MatRef::new(&generated, n, FEATURES)?);
    let moments = |x: MatRef<'_, f32>| {
        let (mut mean, mut cov) = (vec![0.0; FEATURES], vec![0.0; FEATURES * FEATURES]);
        let mut memory = vec![0; covariance_scratch_len(n, FEATURES)];
        covariance(Level::detect(), exec, x, &mut mean, &mut cov, &mut Scratch::new(&mut memory))?;
        Ok::<_, seedbed::Error>((mean, cov))
    };
    let (a, b) = (moments(real)?, moments(generated)?);
    let mut memory = vec![0; frechet_scratch_len(FEATURES)];
    let (a, b) = (Moments { mean: &a.0, covariance: &a.1 }, Moments { mean: &b.0, covariance: &b.1 });
    let frechet = frechet_distance(Level::detect(), a, b, &mut Scratch::new(&mut memory))?;
    let mut memory = vec![0; ball_scores_scratch_len(n, n, FEATURES, K)];
    let balls = ball_scores(Level::detect(), exec, real, generated, K, &mut Scratch::new(&mut memory))?;
    Ok(Nearness { frechet, balls })
}
