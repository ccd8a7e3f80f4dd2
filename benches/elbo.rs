//! The MLP VAE of the benchmark on pictures such as Fashion-MNIST: the evidence lower bound on those kept for testing, for
//! several seeds, after the first, every fifth and the last epoch.
//!
//! ```text
//! cargo bench -p seedbed-benches --bench elbo -- --data FOLDER [--seeds 3] [--epochs 10]
//! cargo bench -p seedbed-benches --bench elbo -- --start
//! ```
//!
//! FOLDER holds `train-images-idx3-ubyte.gz` and `t10k-` (or `t5k-`) `images-idx3-ubyte.gz`. 784-400-20-400-784, ReLU,
//! Bernoulli on the pixels in [0, 1], initial values as PyTorch's, Adam 1e-3, batches of 128, one z for each picture.
//!
//! With `--start` it trains one epoch of made pictures, and tells when the first step was done and what memory it took, for
//! `nn/start.py`.

use seedbed::exec::Serial;
use seedbed::generate::{
    Adapters, Arch, Batch, Elbo, Likelihood, Trainee, Vae, VaeSpec, VaeStep, Widths, latent_noise,
    training_noise,
};
use seedbed::nn::{Activation, Adam, Engine, Shape};
use seedbed::rng::{Key, Stream};
use seedbed::{Level, Scratch};
use seedbed_benches::generative::idx::{Done, split, test_split};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

const WIDTH: usize = 784;
const LATENT: usize = 20;
const BATCH: usize = 128;
/// The purpose of the streams of the orders of samples.
const ORDER: u32 = 1002;

fn vae() -> seedbed::Result<Vae> {
    let hidden = Widths::from_slice(&[400]).map_err(|_| seedbed::Error::CapacityExceeded)?;
    let arch = Arch { channels: Widths::new(), hidden, activation: Activation::Relu };
    let (input, likelihood) = (Shape::flat(WIDTH), Likelihood::Bernoulli);
    Vae::new(VaeSpec { input, arch, latent: LATENT, classes: 0, likelihood })
}

/// A model in training on pictures of bytes.
struct Trainer {
    vae: Vae,
    seed: u64,
    params: Vec<f32>,
    grads: Vec<f32>,
    moments: Vec<f32>,
    memory: Vec<u8>,
    x: Vec<f32>,
    noise: Vec<f32>,
    steps: u64,
}

impl Trainer {
    fn new(seed: u64) -> seedbed::Result<Self> {
        let vae = vae()?;
        let mut params = vec![0.0; vae.param_len()];
        vae.init(seed, &mut params)?;
        let (grads, moments) = (vec![0.0; vae.param_len()], vec![0.0; vae.moment_len()]);
        let memory = vec![0; vae.train_scratch_len(BATCH)];
        Ok(Self { vae, seed, params, grads, moments, memory, x: Vec::new(), noise: Vec::new(), steps: 0 })
    }

    fn take(&mut self, pictures: &[u8], of: impl Iterator<Item = u64>) -> Vec<u64> {
        self.x.clear();
        let ids: Vec<u64> = of.collect();
        for &id in &ids {
            let picture = &pictures[id as usize * WIDTH..][..WIDTH];
            self.x.extend(picture.iter().map(|&p| f32::from(p) / 255.0));
        }
        self.noise.resize(ids.len() * LATENT, 0.0);
        ids
    }

    fn epoch(&mut self, pictures: &[u8], epoch: u32, mut each: impl FnMut(u64)) -> seedbed::Result<()> {
        let on = Engine { level: Level::detect(), exec: &Serial };
        let mut order: Vec<u64> = (0..(pictures.len() / WIDTH) as u64).collect();
        Stream::new(self.seed, Key::new(ORDER).epoch(epoch)).shuffle(&mut order);
        let weights = [1.0; BATCH];
        for ids in order.chunks(BATCH) {
            let ids = self.take(pictures, ids.iter().copied());
            training_noise(on.level, self.seed, epoch, &ids, &mut self.noise)?;
            self.steps += 1;
            let batch = Batch { x: &self.x, labels: &[], weights: &weights[..ids.len()], noise: &self.noise };
            let step =
                VaeStep { beta: 1.0, free_bits: 0.0, optimiser: Adam::default().into(), t: self.steps };
            let (params, grads, moments) = (&mut self.params[..], &mut self.grads[..], &mut self.moments[..]);
            let mut trainee = Trainee { params, grads, moments, groups: &[], adapters: Adapters::default() };
            self.vae.train_step(on, &mut trainee, &batch, &step, &mut Scratch::new(&mut self.memory))?;
            each(self.steps);
        }
        Ok(())
    }

    /// The bound of a picture, in nats, on average.
    fn bound(&mut self, pictures: &[u8]) -> seedbed::Result<f64> {
        let on = Engine { level: Level::detect(), exec: &Serial };
        let n = (pictures.len() / WIDTH) as u64;
        let (mut sum, weights) = (Elbo::default(), [1.0; BATCH]);
        for first in (0..n).step_by(BATCH) {
            let ids = self.take(pictures, first..n.min(first + BATCH as u64));
            latent_noise(on.level, self.seed, first, LATENT, &mut self.noise)?;
            let batch = Batch { x: &self.x, labels: &[], weights: &weights[..ids.len()], noise: &self.noise };
            sum += self.vae.elbo(on, &self.params, &batch, &mut Scratch::new(&mut self.memory))?;
        }
        Ok(-sum.loss(1.0) / n as f64)
    }
}

/// What `nn/start.py` asks for.
fn start() -> Done<()> {
    println!("imported");
    std::io::stdout().flush()?;
    let mut stream = Stream::new(1, Key::new(ORDER));
    let made: Vec<u8> =
        (0..60_000 * WIDTH).map(|_| (stream.next_u32() >> 24).saturating_sub(128) as u8).collect();
    println!("pictures");
    std::io::stdout().flush()?;
    let mut trainer = Trainer::new(1)?;
    trainer.epoch(&made, 1, |step| {
        if step == 1 {
            println!("step");
            let _ = std::io::stdout().flush();
        }
    })?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let most = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    println!("{}", most.trim());
    Ok(())
}

fn main() -> Done<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|a| a == "--start") {
        return start();
    }
    let value = |flag: &str| args.iter().position(|a| a == flag).and_then(|at| args.get(at + 1));
    let number = |flag: &str, default: u32| value(flag).map_or(Ok(default), |n| n.parse());
    let (seeds, epochs) = (number("--seeds", 3)?, number("--epochs", 10)?);
    let Some(folder) = value("--data").map(Path::new) else {
        println!("skip: no pictures; --data FOLDER names them");
        return Ok(());
    };
    let (train, test) = (split(folder, "train")?.pixels, split(folder, test_split(folder))?.pixels);
    println!("{} pictures to train on, {} to test", train.len() / WIDTH, test.len() / WIDTH);
    for seed in 1..=u64::from(seeds) {
        let mut trainer = Trainer::new(seed)?;
        let mut seconds = 0.0;
        for epoch in 1..=epochs {
            let begun = Instant::now();
            trainer.epoch(&train, epoch, |_| ())?;
            seconds += begun.elapsed().as_secs_f64();
            if epoch == 1 || epoch % 5 == 0 || epoch == epochs {
                let bound = trainer.bound(&test)?;
                println!(
                    "seed {seed}, epoch {epoch}: {bound:.1} nats ({:.2} s an epoch)",
                    seconds / f64::from(epoch)
                );
            }
        }
    }
    Ok(())
}
