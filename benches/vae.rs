//! One training step of a VAE: the digits' MLP and a convolutional one for 28 × 28. Throughput counts samples.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seedbed::Scratch;
use seedbed::exec::Serial;
use seedbed::generate::{Adapters, Arch, Batch, Likelihood, Trainee, Vae, VaeSpec, VaeStep, Widths};
use seedbed::nn::{Activation, Adam, Engine, Shape};
use seedbed_benches::{criterion, floats, id, levels};

const BATCH: usize = 64;
const LATENT: usize = 16;

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("vae step batch 64");
    group.throughput(Throughput::Elements(BATCH as u64));
    let widths = |w: &[usize]| Widths::from_slice(w).unwrap();
    let kinds = [
        ("mlp 784-400-16", Shape::flat(784), widths(&[]), widths(&[400])),
        ("conv 28x28 32-64-128", Shape::image(28, 28, 1), widths(&[32, 64]), widths(&[128])),
    ];
    for (name, input, channels, hidden) in kinds {
        let arch = Arch { channels, hidden, activation: Activation::Relu };
        let spec = VaeSpec { input, arch, latent: LATENT, classes: 10, likelihood: Likelihood::Bernoulli };
        let vae = Vae::new(spec).unwrap();
        let mut params = vec![0f32; vae.param_len()];
        let mut grads = vec![0f32; vae.param_len()];
        let mut moments = vec![0f32; vae.moment_len()];
        let mut memory = vec![0; vae.train_scratch_len(BATCH)];
        vae.init(1, &mut params).unwrap();
        let (x, noise) = (floats(BATCH * vae.width(), 0.0, 1.0), floats(BATCH * LATENT, -1.0, 1.0));
        let labels: Vec<u32> = (0..BATCH as u32).map(|i| i % 10).collect();
        let batch = Batch { x: &x, labels: &labels, weights: &[1.0; BATCH], noise: &noise };
        for level in levels() {
            let on = Engine { level, exec: &Serial };
            let mut t = 0;
            group.bench_function(id(name, level), |bench| {
                bench.iter(|| {
                    t += 1;
                    let mut trainee = Trainee {
                        params: &mut params,
                        grads: &mut grads,
                        moments: &mut moments,
                        groups: &[],
                        adapters: Adapters::default(),
                    };
                    let step = VaeStep { beta: 1.0, free_bits: 0.0, optimiser: Adam::default().into(), t };
                    vae.train_step(on, &mut trainee, &batch, &step, &mut Scratch::new(&mut memory)).unwrap()
                });
            });
        }
    }
    group.finish();
}

criterion_group! { name = benches; config = criterion(); targets = steps }
criterion_main!(benches);
