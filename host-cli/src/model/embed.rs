//! Embeddings learnt by episodes, in which samples of a class lie near each other: prototypical networks (Snell, Swersky and
//! Zemel 2017). What is learnt of some classes holds of new ones, of which a few labels are enough.

use crate::error::{Error, Result};
use crate::features::Mat;
use crate::pool::Pool;
use crate::purposes;
use crate::stages::Ctx;
use seedbed::Scratch;
use seedbed::exec::Executor;
use seedbed::nn::loss::{Embedded, Episode, EpisodeGradients};
use seedbed::nn::{
    Activation, Adam, Conv2d, Dense, Draws, Engine, Gradients, Layer, Mode, Model, Network, Plan, Pool2d,
    Schedule, Shape,
};
use seedbed::rng::{Key, Stream};

/// Values of an embedding.
pub const DIMS: usize = 64;
/// Channels of a convolution, and width of a hidden layer for rows.
const CHANNELS: usize = 32;
const HIDDEN: usize = 128;
/// Convolutions at most, each of which halves the sides.
const BLOCKS: usize = 3;
const LAYERS: usize = 16;
/// Rows that are embedded at a time.
const BATCH: usize = 256;
/// Memory that an episode may take.
const MOST_BYTES: usize = 4 << 30;
/// The learning rate at its highest, which falls along half a cosine.
const RATE: f32 = 2e-3;

/// How episodes are made.
#[derive(Clone, Copy, Debug)]
pub struct Episodes {
    /// How many.
    pub count: u32,
    /// Classes of each at most, 2 or more.
    pub ways: usize,
    /// Samples that make a prototype, 1 or more.
    pub support: usize,
    /// Samples of each class that are asked for.
    pub queries: usize,
}

/// A network from samples to embeddings.
pub struct Embedder {
    net: Network<LAYERS>,
    params: Vec<f32>,
    state: Vec<f32>,
}

/// One episode: rows of the support, and then of the queries, with their classes there.
struct Picked {
    rows: Vec<usize>,
    labels: Vec<u32>,
    support: usize,
    ways: usize,
}

impl Embedder {
    /// A network with drawn weights for samples of this shape.
    ///
    /// # Errors
    /// When the core refuses the sizes.
    pub fn new(shape: Shape, seed: u64) -> Result<Self> {
        let mut net = Network::new(shape)?;
        let (mut side, mut blocks) = (shape.height.min(shape.width), 0);
        while side >= 4 && blocks < BLOCKS {
            net.push(Conv2d::new(CHANNELS, 3).padding(1))?;
            net.push(Layer::batch_norm())?;
            net.push(Activation::Relu)?;
            net.push(Layer::MaxPool2d(Pool2d::new(2)))?;
            (side, blocks) = (side / 2, blocks + 1);
        }
        net.push(Layer::Flatten)?;
        if blocks == 0 {
            net.push(Dense::new(HIDDEN))?;
            net.push(Activation::Relu)?;
        }
        net.push(Dense::new(DIMS))?;
        let mut params = vec![0f32; net.param_len()];
        net.init(seed, 0, &mut params)?;
        let mut state = vec![0f32; net.state_len()];
        net.init_state(seed, 0, &params, &mut state)?;
        Ok(Self { net, params, state })
    }

    /// Learns by episodes from `rows`, of which `classes` lists those of each class; each must have two. The share of queries of
    /// the last tenth of the episodes whose class had more than half of the probability.
    ///
    /// # Errors
    /// When there are fewer than two classes, an episode takes too much memory, or a loss is not finite.
    pub fn train(&mut self, ctx: &Ctx, rows: &Mat, classes: &[Vec<usize>], how: Episodes) -> Result<f64> {
        if classes.len() < 2 || classes.iter().any(|own| own.len() < 2) {
            return Err(Error::failed("an embedding needs two classes, and two labelled samples of each")
                .hint("label more samples, or name a labelled dataset with --base; with --episodes 0 it stays as it is drawn"));
        }
        let most = most_rows(classes, how);
        let plan: Plan<LAYERS> = self.net.plan(Mode::TRAINING)?.for_threads(ctx.pool.width());
        let episode = Episode { classes: how.ways, dims: DIMS };
        let bytes = plan.workspace_len(most).saturating_add(episode.scratch_len(most));
        if bytes > MOST_BYTES {
            return Err(Error::usage(format!(
                "an episode of {most} samples takes more than {} GiB of memory: --ways, --support, --queries",
                MOST_BYTES >> 30
            ))
            .hint("use smaller ones, or smaller pictures (`seedbed preprocess --size 32`)"));
        }
        let mut learner = Learner {
            on: Engine { level: ctx.level, exec: &ctx.pool },
            memory: vec![0; bytes.saturating_add(size_of::<f32>() * most * (DIMS + 1))],
            grads: vec![0.0; plan.grad_len()],
            moments: vec![0.0; 2 * self.params.len()],
            plan,
        };
        let task = ctx.progress.start("embedding", Some(u64::from(how.count)));
        let (mut right, mut asked) = (0f64, 0f64);
        for t in 1..=how.count {
            let stream = Stream::new(ctx.seed, Key::new(purposes::EPISODES).epoch(t));
            let picked = pick(stream, classes, how);
            let rate = Schedule::cosine(0.0).rate(RATE, u64::from(t), u64::from(how.count))?;
            let adam = Adam { rate, ..Adam::default() };
            let told = learner.step(self, (adam, u64::from(t)), rows, &picked)?;
            if t > how.count - how.count.div_ceil(10) {
                right += told.iter().filter(|nll| **nll < 0.5f32.ln().abs()).count() as f64;
                asked += told.len() as f64;
            }
            task.inc(1);
        }
        Ok(right / asked.max(1.0))
    }

    /// The embeddings of rows.
    ///
    /// # Errors
    /// When rows have another width.
    pub fn embed(&self, ctx: &Ctx, rows: &Mat) -> Result<Mat> {
        let plan: Plan<LAYERS> = self.net.plan(Mode::Inference)?.for_threads(ctx.pool.width());
        let mut memory = vec![0; plan.workspace_len(BATCH)];
        let mut out = Mat { data: Vec::with_capacity(rows.rows() * DIMS), cols: DIMS };
        for x in rows.data.chunks(BATCH * rows.cols.max(1)) {
            let mut scratch = Scratch::new(&mut memory);
            let mut work = plan.workspace(x.len() / rows.cols.max(1), &mut scratch)?;
            let on = Engine { level: ctx.level, exec: &ctx.pool };
            let model = Model { params: &self.params, state: &self.state };
            plan.infer(on, model, x, &mut work, &mut scratch)?;
            out.data.extend_from_slice(plan.result(&work));
        }
        Ok(out)
    }
}

/// What an embedding is learnt in.
struct Learner<'a> {
    on: Engine<'a, Pool>,
    plan: Plan<LAYERS>,
    memory: Vec<u8>,
    grads: Vec<f32>,
    moments: Vec<f32>,
}

impl Learner<'_> {
    /// One step; −ln p of each query's class.
    fn step(
        &mut self,
        of: &mut Embedder,
        (adam, t): (Adam, u64),
        rows: &Mat,
        picked: &Picked,
    ) -> Result<Vec<f32>> {
        let (on, none) = (self.on, Draws::default());
        let x = rows.select(&picked.rows).data;
        let mut scratch = Scratch::new(&mut self.memory);
        let mut work = self.plan.workspace(picked.rows.len(), &mut scratch)?;
        let (params, state) = (&mut of.params, &mut of.state);
        self.plan.forward(on, (params, state), &x, none, &mut work, &mut scratch.frame())?;
        let (values, slopes) = self.plan.ends(&mut work);
        let at = picked.support * DIMS;
        let sets = [(0, picked.support), (picked.support, picked.rows.len())].map(|(from, to)| Embedded {
            rows: &values[from * DIMS..to * DIMS],
            labels: &picked.labels[from..to],
        });
        let mut nll = vec![0f32; picked.rows.len() - picked.support];
        let (support, queries) = slopes.split_at_mut(at);
        let episode = Episode { classes: picked.ways, dims: DIMS };
        let to = EpisodeGradients { support, queries };
        episode.loss(on, sets, &mut nll, to, &mut scratch.frame())?;
        if !nll.iter().all(|v| v.is_finite()) {
            return Err(seedbed::Error::NotFinite.into());
        }
        let to = Gradients { params: &mut self.grads, add: false, input: &mut [] };
        let model = Model { params, state };
        self.plan.backward(on, model, (&x, none), &mut work, to, &mut scratch.frame())?;
        adam.step(on, t, params, &self.grads, &mut self.moments)?;
        Ok(nll)
    }
}

/// Rows of the largest episode that there can be.
fn most_rows(classes: &[Vec<usize>], how: Episodes) -> usize {
    let mut sizes: Vec<usize> = classes.iter().map(|own| own.len().min(how.support + how.queries)).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.iter().take(how.ways).sum()
}

/// Draws an episode: of a class with few samples fewer are of the support, and one at least is asked for.
fn pick(mut stream: Stream, classes: &[Vec<usize>], how: Episodes) -> Picked {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    stream.shuffle(&mut order);
    order.truncate(how.ways);
    let (mut support, mut queries) = (Vec::new(), Vec::new());
    for (label, &class) in (0u32..).zip(&order) {
        let mut own = classes[class].clone();
        stream.shuffle(&mut own);
        let k = how.support.min(own.len() - 1);
        support.extend(own[..k].iter().map(|&row| (row, label)));
        queries.extend(own[k..].iter().take(how.queries).map(|&row| (row, label)));
    }
    let count = support.len();
    let (rows, labels) = support.into_iter().chain(queries).unzip();
    Picked { rows, labels, support: count, ways: order.len() }
}
