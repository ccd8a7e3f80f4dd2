//! The autoencoder with a codebook on pictures such as Fashion-MNIST, and the prior of its codes: what both cost on pictures
//! kept for testing, in nats, how many codes are used, and seconds. With `--out` it draws a sheet of pictures besides.
//!
//! ```text
//! cargo bench -p seedbed-benches --bench vqvae -- --data FOLDER [--epochs 8] [--prior 4] [--threads 2] [--out FOLDER]
//! ```
//!
//! FOLDER holds `train-` and `t10k-` (or `t5k-`) `images-idx3-ubyte.gz` and `labels-idx1-ubyte.gz`. Convolutions of 32 and 64
//! channels, 7 × 7 codes of 128 with 32 values each, Bernoulli on the pixels in [0, 1], batches of 128. Epochs of the prior
//! are over all places of all pictures, 1024 at a time. The rate of both falls along a cosine.

use flate2::read::GzDecoder;
use seedbed::generate::{
    Adapters, Arch, CodeBatch, CodePrior, CodePriorSpec, Follow, Likelihood, Trainee, VqLoss, VqStep, VqVae,
    VqVaeSpec, Widths,
};
use seedbed::nn::{Activation, Adam, Engine, Model, Optimiser, Schedule, Shape};
use seedbed::rng::{Key, Stream};
use seedbed::{Level, Scratch};
use seedbed_cli::Pool;
use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

type Done<T> = Result<T, Box<dyn Error>>;

const SIDE: usize = 28;
const WIDTH: usize = SIDE * SIDE;
const BATCH: usize = 128;
/// Pairs of picture and place in a batch of the prior.
const PAIRS: usize = 1024;
const CLASSES: usize = 10;
/// Where the rate of the autoencoder and that of the prior begin, and the weight of the commitment.
const RATE: f32 = 2e-3;
const PRIOR_RATE: f32 = 3e-3;
const BETA: f32 = 0.25;
/// The purpose of the streams of the orders of samples.
const ORDER: u32 = 1002;

fn widths(values: &[usize]) -> seedbed::Result<Widths> {
    Widths::from_slice(values).map_err(|_| seedbed::Error::CapacityExceeded)
}

fn vq(threads: usize) -> seedbed::Result<VqVae> {
    let arch = Arch { channels: widths(&[32, 64])?, hidden: widths(&[64])?, activation: Activation::Relu };
    let (input, likelihood) = (Shape::image(SIDE, SIDE, 1), Likelihood::Bernoulli);
    let spec = VqVaeSpec { input, arch, groups: 1, codes: 128, dim: 32, likelihood };
    Ok(VqVae::new(spec)?.for_threads(threads))
}

fn prior(vq: &VqVae, threads: usize) -> seedbed::Result<CodePrior> {
    let spec = CodePriorSpec {
        grid: vq.grid(),
        codes: vq.spec().codes,
        classes: CLASSES,
        radius: 3,
        embedding: 32,
        hidden: widths(&[256, 256])?,
        activation: Activation::Relu,
    };
    Ok(CodePrior::new(spec)?.for_threads(threads))
}

/// Pictures of bytes and their classes.
struct Pictures {
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

impl Pictures {
    fn read(folder: &Path, names: &[&str]) -> Done<Self> {
        let has = |name: &&&str| folder.join(format!("{name}-images-idx3-ubyte.gz")).exists();
        let name = names.iter().find(has).ok_or_else(|| format!("{}: no pictures", folder.display()))?;
        let open = |end: &str, head: usize| -> Done<Vec<u8>> {
            let mut bytes = Vec::new();
            GzDecoder::new(File::open(folder.join(format!("{name}-{end}")))?).read_to_end(&mut bytes)?;
            Ok(bytes.split_off(head.min(bytes.len())))
        };
        let pixels = open("images-idx3-ubyte.gz", 16)?;
        let labels: Vec<u32> = open("labels-idx1-ubyte.gz", 8)?.into_iter().map(u32::from).collect();
        if labels.is_empty() || pixels.len() != labels.len() * WIDTH {
            return Err(
                format!("{}: not pictures of 28 x 28 bytes and their classes", folder.display()).into()
            );
        }
        Ok(Self { pixels, labels })
    }

    fn len(&self) -> usize {
        self.labels.len()
    }

    /// Those of these numbers.
    fn take(&self, of: &[u32], x: &mut Vec<f32>) {
        x.clear();
        for &id in of {
            x.extend(self.pixels[id as usize * WIDTH..][..WIDTH].iter().map(|&p| f32::from(p) / 255.0));
        }
    }

    /// All numbers, in the order of an epoch.
    fn order(&self, seed: u64, epoch: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        Stream::new(seed, Key::new(ORDER).epoch(epoch)).shuffle(&mut order);
        order
    }
}

/// Parameters in training.
struct Weights {
    params: Vec<f32>,
    grads: Vec<f32>,
    moments: Vec<f32>,
    steps: u64,
    /// Of all steps.
    most: u64,
}

impl Weights {
    fn new(params: Vec<f32>, most: u64) -> Self {
        let (grads, moments) = (vec![0.0; params.len()], vec![0.0; 2 * params.len()]);
        Self { params, grads, moments, steps: 0, most }
    }

    /// The optimiser of the next step.
    fn next(&mut self, rate: f32) -> seedbed::Result<Optimiser> {
        self.steps += 1;
        let rate = Schedule::cosine(0.0).rate(rate, self.steps, self.most)?;
        Ok(Adam { rate, ..Adam::default() }.into())
    }

    fn trainee(&mut self) -> Trainee<'_> {
        Trainee {
            params: &mut self.params,
            grads: &mut self.grads,
            moments: &mut self.moments,
            groups: &[],
            adapters: Adapters::default(),
        }
    }
}

/// What all parts run on.
struct Bench<'a> {
    on: Engine<'a, Pool>,
    train: &'a Pictures,
    test: &'a Pictures,
    seed: u64,
    memory: Vec<u8>,
}

/// Seconds of the processor that this program has taken, of all threads.
fn busy() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

impl Bench<'_> {
    fn scratch(&mut self, bytes: usize) -> Scratch<'_> {
        self.memory.resize(bytes.max(self.memory.len()), 0);
        Scratch::new(&mut self.memory)
    }

    /// Trains the autoencoder; its parameters and its state.
    fn autoencoder(&mut self, vq: &VqVae, epochs: u32) -> seedbed::Result<(Vec<f32>, Vec<f32>)> {
        let (on, begun) = (self.on, (Instant::now(), busy()));
        let mut params = vec![0.0; vq.param_len()];
        vq.init(self.seed, &mut params)?;
        let most = u64::from(epochs) * self.train.len().div_ceil(BATCH) as u64;
        let (mut weights, mut state) = (Weights::new(params, most), vec![0.0; vq.state_len()]);
        let (mut x, ones, bytes) = (Vec::new(), [1.0; BATCH], vq.train_scratch_len(BATCH));
        for epoch in 1..=epochs {
            let order = self.train.order(self.seed, epoch);
            let (mut sum, mut perplexity) = (VqLoss::default(), 0.0);
            for ids in order.chunks(BATCH) {
                self.train.take(ids, &mut x);
                let seed = self.seed;
                let scratch = &mut self.scratch(bytes);
                if weights.steps == 0 {
                    vq.init_state(on, seed, (&weights.params, &x), &mut state, scratch)?;
                }
                let optimiser = weights.next(RATE)?;
                let follow = Follow { seed, ..Follow::default() };
                let step = VqStep { optimiser, t: weights.steps, beta: BETA, follow };
                let batch = (&x[..], &ones[..ids.len()]);
                let terms = vq.train_step(on, &mut weights.trainee(), &mut state, batch, &step, scratch)?;
                sum += terms.loss;
                perplexity = terms.usage.perplexity;
            }
            let n = order.len() as f64;
            let (train, commitment) = (sum.reconstruction / n, sum.commitment / n);
            let kept = self.reconstruction(vq, Model { params: &weights.params, state: &state })?;
            let (wall, cpu) = (begun.0.elapsed().as_secs_f64(), busy() - begun.1);
            println!(
                "epoch {epoch}: reconstruction {train:.1} nats, commitment {commitment:.2}, perplexity {perplexity:.1}; \
                 for testing {kept:.1} nats; {wall:.0} s, {cpu:.0} s of the processor"
            );
        }
        Ok((weights.params, state))
    }

    /// The reconstruction term of a picture that is kept for testing.
    fn reconstruction(&mut self, vq: &VqVae, model: Model<'_>) -> seedbed::Result<f64> {
        let (on, test) = (self.on, self.test);
        let (mut x, ones, mut sum) = (Vec::new(), [1.0; BATCH], VqLoss::default());
        let ids: Vec<u32> = (0..test.len() as u32).collect();
        for ids in ids.chunks(BATCH) {
            test.take(ids, &mut x);
            let scratch = &mut self.scratch(vq.train_scratch_len(BATCH));
            sum += vq.evaluate(on, model, (&x, &ones[..ids.len()]), scratch)?.loss;
        }
        Ok(sum.reconstruction / test.len() as f64)
    }

    /// The codes of all pictures.
    fn codes(&mut self, vq: &VqVae, model: Model<'_>, of: &Pictures) -> seedbed::Result<Vec<u32>> {
        let (on, mut x) = (self.on, Vec::new());
        let mut codes = vec![0; of.len() * vq.places()];
        let ids: Vec<u32> = (0..of.len() as u32).collect();
        for (ids, codes) in ids.chunks(BATCH).zip(codes.chunks_mut(BATCH * vq.places())) {
            of.take(ids, &mut x);
            vq.encode(on, model, &x, codes, &mut self.scratch(vq.run_scratch_len(BATCH)))?;
        }
        Ok(codes)
    }

    /// Trains the prior on the codes of both sets.
    fn prior(&mut self, prior: &CodePrior, codes: [&[u32]; 2], epochs: u32) -> seedbed::Result<Vec<f32>> {
        let (on, begun, places) = (self.on, (Instant::now(), busy()), prior.places());
        let (train, test) = (self.train, self.test);
        let mut params = vec![0.0; prior.param_len()];
        prior.init(self.seed, &mut params)?;
        let all = train.len() * places;
        let mut weights = Weights::new(params, u64::from(epochs) * all.div_ceil(PAIRS) as u64);
        let ones = vec![1.0; train.len()];
        let mut order: Vec<u32> = (0..all as u32).collect();
        for epoch in 1..=epochs {
            Stream::new(self.seed, Key::new(ORDER).epoch(epoch).op(1)).shuffle(&mut order);
            let mut sum = 0.0;
            for at in order.chunks(PAIRS) {
                let pairs: Vec<[u32; 2]> =
                    at.iter().map(|at| [at / places as u32, at % places as u32]).collect();
                let batch =
                    CodeBatch { grids: codes[0], labels: &train.labels, weights: &ones, pairs: &pairs };
                let optimiser = weights.next(PRIOR_RATE)?;
                let (t, scratch) = (weights.steps, &mut self.scratch(prior.train_scratch_len(PAIRS)));
                sum += prior.train_step(on, &mut weights.trainee(), &batch, (&optimiser, t), scratch)?;
            }
            let mut nll = vec![0.0; test.len()];
            let of = codes[1].chunks(BATCH * places).zip(test.labels.chunks(BATCH));
            for (of, nll) in of.zip(nll.chunks_mut(BATCH)) {
                prior.nll(on, &weights.params, of, nll, &mut self.scratch(prior.run_scratch_len(BATCH)))?;
            }
            let kept = nll.iter().map(|v| f64::from(*v)).sum::<f64>() / nll.len() as f64;
            let (wall, cpu) = (begun.0.elapsed().as_secs_f64(), busy() - begun.1);
            println!(
                "prior, epoch {epoch}: {:.1} nats; for testing {kept:.1} nats; {wall:.0} s, {cpu:.0} s of the processor",
                sum / train.len() as f64
            );
        }
        Ok(weights.params)
    }

    /// Samples of all classes in turn, decoded.
    fn samples(
        &mut self,
        (vq, model): (&VqVae, Model<'_>),
        (prior, params): (&CodePrior, &[f32]),
        temperature: f32,
    ) -> seedbed::Result<Vec<f32>> {
        let on = self.on;
        let labels: Vec<u32> = (0..100).map(|i| i % CLASSES as u32).collect();
        let (mut codes, mut out) = (vec![0; 100 * prior.places()], vec![0.0; 100 * WIDTH]);
        let (seed, bytes) = (self.seed, prior.run_scratch_len(100));
        prior.sample(on, params, temperature, (seed, 0, &labels), &mut codes, &mut self.scratch(bytes))?;
        vq.decode(on, model, &codes, &mut out, &mut self.scratch(vq.run_scratch_len(100)))?;
        Ok(out)
    }
}

/// Ten pictures a row, as a file of grey levels.
fn sheet(path: &Path, pictures: &[f32]) -> Done<()> {
    let rows = pictures.len() / WIDTH / 10;
    let mut file = File::create(path)?;
    write!(file, "P5\n{} {}\n255\n", 10 * SIDE, rows * SIDE)?;
    for y in 0..rows * SIDE {
        let line = (0..10 * SIDE).map(|x| {
            let picture = y / SIDE * 10 + x / SIDE;
            (pictures[picture * WIDTH + y % SIDE * SIDE + x % SIDE] * 255.0 + 0.5) as u8
        });
        file.write_all(&line.collect::<Vec<_>>())?;
    }
    println!("{}", path.display());
    Ok(())
}

fn run(bench: &mut Bench<'_>, [epochs, prior_epochs]: [u32; 2], out: Option<&Path>) -> Done<()> {
    let threads = bench.on.exec.threads();
    let vq = vq(threads)?;
    let (params, state) = bench.autoencoder(&vq, epochs)?;
    let model = Model { params: &params, state: &state };
    let codes = [bench.codes(&vq, model, bench.train)?, bench.codes(&vq, model, bench.test)?];
    let mut counts = vec![0f32; vq.spec().codes];
    codes[0].iter().for_each(|&code| counts[code as usize] += 1.0);
    println!("all of the set: {:?}", seedbed::generate::Usage::of(&counts));
    let prior = prior(&vq, threads)?;
    let prior_params = bench.prior(&prior, [&codes[0], &codes[1]], prior_epochs)?;
    let Some(out) = out else { return Ok(()) };
    let mut x = Vec::new();
    bench.test.take(&(0..50).collect::<Vec<_>>(), &mut x);
    let (on, mut back) = (bench.on, vec![0.0; x.len()]);
    vq.reconstruct(on, model, &x, &mut back, &mut bench.scratch(vq.run_scratch_len(50)))?;
    let rows = x.chunks(10 * WIDTH).zip(back.chunks(10 * WIDTH));
    sheet(
        &out.join("reconstructions.pgm"),
        &rows.flat_map(|(x, back)| [x, back].concat()).collect::<Vec<_>>(),
    )?;
    for temperature in [1.0, 0.9] {
        let samples = bench.samples((&vq, model), (&prior, &prior_params), temperature)?;
        sheet(&out.join(format!("samples-{temperature}.pgm")), &samples)?;
    }
    Ok(())
}

fn main() -> Done<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |flag: &str| args.iter().position(|a| a == flag).and_then(|at| args.get(at + 1));
    let number = |flag: &str, default: u32| value(flag).map_or(Ok(default), |n| n.parse());
    let (epochs, prior_epochs) = (number("--epochs", 8)?, number("--prior", 4)?);
    let (threads, out) = (number("--threads", 2)? as usize, value("--out").map(Path::new));
    let Some(folder) = value("--data").map(Path::new) else {
        println!("skip: no pictures; --data FOLDER names them");
        return Ok(());
    };
    let (train, test) = (Pictures::read(folder, &["train"])?, Pictures::read(folder, &["t10k", "t5k"])?);
    println!("{} pictures to train on, {} to test", train.len(), test.len());
    let pool = Pool::new(threads)?;
    let on = Engine { level: Level::detect(), exec: &pool };
    let mut bench = Bench { on, train: &train, test: &test, seed: 1, memory: Vec::new() };
    pool.inside(|| run(&mut bench, [epochs, prior_epochs], out).map_err(|e| e.to_string()))?;
    Ok(())
}
