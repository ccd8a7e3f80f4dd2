use super::*;
use crate::error::Error;
use crate::exec::{Executor, Serial};
use crate::nn::tests::BASE;
use crate::nn::{Activation, Adam, Engine, Shape};
use crate::rng::{Key, Stream};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::testing::TwoThreads;
use std::string::String;
use std::vec;
use std::vec::Vec;

fn widths(v: &[usize]) -> Widths {
    Widths::from_slice(v).unwrap()
}

fn vae(input: Shape, channels: &[usize], classes: usize, likelihood: Likelihood) -> Vae {
    let arch = Arch { channels: widths(channels), hidden: widths(&[6]), activation: Activation::Tanh };
    Vae::new(VaeSpec { input, arch, latent: 3, classes, likelihood }).unwrap()
}

fn uniform(n: usize, op: u32) -> Vec<f32> {
    let mut v = vec![0f32; n];
    Stream::new(4, Key::new(0).op(op)).fill_uniform(&mut v);
    v
}

/// Data of a batch that its view borrows.
struct Owned {
    x: Vec<f32>,
    labels: Vec<u32>,
    weights: Vec<f32>,
    noise: Vec<f32>,
}

impl Owned {
    fn new(n: usize, width: usize, latent: usize, classes: usize) -> Self {
        let mut noise = vec![0f32; n * latent];
        training_noise(Level::BASE, 1, 0, &(0..n as u64).collect::<Vec<_>>(), &mut noise);
        let labels = if classes == 0 { vec![] } else { (0..n).map(|i| (i % classes) as u32).collect() };
        let weights = (0..n).map(|i| 0.5 + (i % 3) as f32 / 2.0).collect();
        Self { x: uniform(n * width, 3), labels, weights, noise }
    }

    fn batch(&self) -> Batch<'_> {
        Batch { x: &self.x, labels: &self.labels, weights: &self.weights, noise: &self.noise }
    }
}

fn initial(vae: &Vae) -> Vec<f32> {
    let mut params = vec![0f32; vae.param_len()];
    vae.init(9, &mut params).unwrap();
    params
}

/// The kinds of model that the tests run through.
fn kinds() -> Vec<(Vae, Owned)> {
    [
        (Shape::flat(7), &[][..], 0, Likelihood::Bernoulli),
        (Shape::flat(7), &[], 3, Likelihood::Gaussian { sigma: 0.4 }),
        (Shape::image(4, 6, 1), &[2], 2, Likelihood::Bernoulli),
        (Shape::image(5, 9, 2), &[3, 2], 0, Likelihood::Bernoulli),
    ]
    .into_iter()
    .map(|(input, channels, classes, likelihood)| {
        let vae = vae(input, channels, classes, likelihood);
        let data = Owned::new(5, vae.width(), 3, classes);
        (vae, data)
    })
    .collect()
}

#[test]
fn the_gradient_of_the_elbo_is_that_of_finite_differences() {
    for (vae, data) in kinds() {
        let (beta, mut params) = (0.7, initial(&vae));
        let mut memory = vec![0x7fu8; vae.train_scratch_len(5)];
        let mut scratch = Scratch::new(&mut memory);
        let mut grads = vec![f32::NAN; params.len()];
        let elbo = vae.gradients(BASE, &params, &data.batch(), beta, &mut grads, &mut scratch).unwrap();
        assert_eq!(elbo, vae.elbo(BASE, &params, &data.batch(), &mut scratch).unwrap());
        let step = 1.0 / 128.0;
        for i in (0..params.len()).step_by(3) {
            let old = params[i];
            let mut at = |p: f32| {
                params[i] = p;
                vae.elbo(BASE, &params, &data.batch(), &mut scratch).unwrap().loss(beta as f64) / 5.0
            };
            let want = (at(old + step) - at(old - step)) / (2.0 * step as f64);
            params[i] = old;
            assert!((grads[i] as f64 - want).abs() < 3e-3 * (1.0 + want.abs()), "{i}: {} {want}", grads[i]);
        }
    }
}

/// Bits of the parameters after a few steps.
fn train<E: Executor>(on: Engine<'_, E>, vae: &Vae, data: &Owned) -> Vec<u32> {
    let mut params = initial(vae);
    let (mut grads, mut moments) = (vec![0f32; params.len()], vec![0f32; vae.moment_len()]);
    let mut memory = vec![0u8; vae.train_scratch_len(data.weights.len())];
    for t in 1..=4 {
        let mut trainee = Trainee { params: &mut params, grads: &mut grads, moments: &mut moments };
        let step = VaeStep { beta: 1.0, adam: Adam::default(), t };
        vae.train_step(on, &mut trainee, &data.batch(), &step, &mut Scratch::new(&mut memory)).unwrap();
    }
    params.iter().map(|p| p.to_bits()).collect()
}

#[test]
fn training_has_the_same_bits_at_every_level_and_on_two_threads() {
    let large = vae(Shape::image(28, 28, 1), &[8, 16], 10, Likelihood::Bernoulli);
    let data = Owned::new(40, 784, 3, 10);
    let mut kinds = kinds();
    kinds.push((large, data));
    for (vae, data) in kinds {
        let want = train(BASE, &vae, &data);
        for level in Level::available() {
            assert!(train(Engine { level, exec: &Serial }, &vae, &data) == want, "{level:?}");
            assert!(train(Engine { level, exec: &TwoThreads }, &vae, &data) == want, "{level:?} on two");
        }
    }
}

#[test]
fn a_vae_learns_two_patterns() {
    let vae = vae(Shape::flat(8), &[], 0, Likelihood::Bernoulli);
    let mut data = Owned::new(16, 8, 3, 0);
    for (i, x) in data.x.iter_mut().enumerate() {
        *x = if (i / 8) % 2 == (i % 8) / 4 { 1.0 } else { 0.0 };
    }
    let (mut params, mut losses) = (initial(&vae), Vec::new());
    let (mut grads, mut moments) = (vec![0f32; params.len()], vec![0f32; vae.moment_len()]);
    let mut memory = vec![0u8; vae.train_scratch_len(16)];
    for t in 1..=800 {
        let ids: Vec<u64> = (0..16).collect();
        training_noise(Level::BASE, 1, t as u32, &ids, &mut data.noise);
        let mut trainee = Trainee { params: &mut params, grads: &mut grads, moments: &mut moments };
        let step = VaeStep { beta: 1.0, adam: Adam { rate: 0.01, ..Adam::default() }, t };
        let elbo =
            vae.train_step(BASE, &mut trainee, &data.batch(), &step, &mut Scratch::new(&mut memory)).unwrap();
        losses.push(elbo.loss(1.0) / 16.0);
    }
    // Two patterns cannot cost less than ln 2 nats.
    let last = losses[780..].iter().sum::<f64>() / 20.0;
    assert!(losses[0] > 5.0 && last < 1.6 && last > 0.6, "{} {last}", losses[0]);
    let mut out = vec![0f32; 16];
    vae.reconstruct(BASE, &params, (&data.x[..16], &[]), &mut out, &mut Scratch::new(&mut memory)).unwrap();
    assert!(out.iter().zip(&data.x).all(|(o, x)| (o - x).abs() < 0.3), "{out:?}");
}

#[test]
fn a_sample_does_not_depend_on_what_is_made_with_it() {
    for (vae, _) in kinds() {
        let (params, prior) = (initial(&vae), ClassGaussians::standard(3, 0.8).unwrap());
        let classes = vae.spec().classes;
        let labels: Vec<u32> =
            if classes == 0 { vec![] } else { (0..6).map(|i| (i % classes) as u32).collect() };
        let mut memory = vec![0x7fu8; vae.run_scratch_len(6)];
        let mut make = |first: usize, n: usize| {
            let mut out = vec![0f32; n * vae.width()];
            let labels = labels.get(first..first + n).unwrap_or(&[]);
            let which = (5, first as u64, labels);
            vae.sample(BASE, &params, &prior, which, &mut out, &mut Scratch::new(&mut memory)).unwrap();
            out
        };
        let all = make(0, 6);
        let parts: Vec<f32> = [(0, 1), (1, 3), (4, 2)].into_iter().flat_map(|(i, n)| make(i, n)).collect();
        assert_eq!(all, parts);
        assert_ne!(all[..vae.width()], all[2 * vae.width()..3 * vae.width()]);
    }
}

#[test]
fn scratch_of_the_told_size_is_enough_and_less_is_an_error() {
    for (vae, data) in kinds() {
        let mut params = initial(&vae);
        let before = params.clone();
        let (mut grads, mut moments) = (vec![0f32; params.len()], vec![0f32; vae.moment_len()]);
        let mut trainee = Trainee { params: &mut params, grads: &mut grads, moments: &mut moments };
        let step = VaeStep { beta: 1.0, adam: Adam::default(), t: 1 };
        let mut too_small = vec![0u8; vae.train_scratch_len(5) / 2];
        let refused =
            vae.train_step(BASE, &mut trainee, &data.batch(), &step, &mut Scratch::new(&mut too_small));
        assert_eq!(refused, Err(Error::ScratchTooSmall));
        assert_eq!(params, before);
        assert_eq!(vae.train_scratch_len(usize::MAX), usize::MAX);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let vae = vae(Shape::flat(7), &[], 3, Likelihood::Bernoulli);
    let (params, mut data) = (initial(&vae), Owned::new(5, 7, 3, 3));
    let mut memory = vec![0u8; vae.train_scratch_len(5)];
    let mut run = |data: &Owned| vae.elbo(BASE, &params, &data.batch(), &mut Scratch::new(&mut memory));
    assert!(run(&data).is_ok());
    data.labels[2] = 3;
    assert_eq!(run(&data), Err(Error::InvalidArgument));
    data.labels.pop();
    assert_eq!(run(&data), Err(Error::ShapeMismatch));
    let spec = vae.spec().clone();
    assert!(Vae::new(VaeSpec { latent: 0, ..spec.clone() }).is_err());
    let sigma = Likelihood::Gaussian { sigma: f32::NAN };
    assert!(Vae::new(VaeSpec { likelihood: sigma, ..spec.clone() }).is_err());
    let arch = Arch { channels: widths(&[2]), ..spec.arch.clone() };
    assert_eq!(
        Vae::new(VaeSpec { input: Shape::image(4, 5, 1), arch, ..spec }).unwrap_err(),
        Error::Unsupported
    );
}

#[test]
fn tensors_have_the_names_that_pytorch_would_give() {
    let vae = vae(Shape::image(4, 4, 1), &[2], 3, Likelihood::Bernoulli);
    let names: Vec<String> = vae
        .tensors()
        .map(|t| std::format!("{}.{}.{} {:?}", t.network, t.tensor.layer, t.role().name(), t.tensor.shape()))
        .collect();
    assert_eq!(
        names,
        [
            "stem.0.weight [2, 1, 4, 4]",
            "stem.0.bias [2]",
            "encoder.0.weight [6, 11]",
            "encoder.0.bias [6]",
            "encoder.2.weight [6, 6]",
            "encoder.2.bias [6]",
            "decoder.0.weight [6, 6]",
            "decoder.0.bias [6]",
            "decoder.2.weight [8, 6]",
            "decoder.2.bias [8]",
            "decoder.5.weight [2, 1, 4, 4]",
            "decoder.5.bias [1]",
        ]
    );
    let end = vae.tensors().last().unwrap().tensor;
    assert_eq!(end.offset + end.len(), vae.param_len());
}

/// Mean and factor from numpy: cov(means) + mean of the variances, off the diagonal times 6 / 8.
#[test]
fn a_fitted_prior_has_the_moments_of_the_codes() {
    let codes: Vec<f32> = (0..24).map(|i| (((i * 7) % 11) as f32 - 5.0) / 4.0).collect();
    let mut sums = vec![0f64; ClassGaussians::sums_len(2, 2).unwrap()];
    ClassGaussians::accumulate(2, &codes[..8], &[0, 0], &mut sums).unwrap();
    ClassGaussians::accumulate(2, &codes[8..], &[0; 4], &mut sums).unwrap();
    let mut values = vec![0f32; ClassGaussians::fitted_len(2, 2).unwrap()];
    ClassGaussians::fit(2, &sums, &mut values).unwrap();
    let want = [-0.25, 0.125, 1.443_690_9, 0.0, -0.221_870_55, 1.315_032_6];
    assert!(values[..6].iter().zip(want).all(|(v, w)| (v - w).abs() < 1e-5), "{values:?}");
    assert_eq!(values[6..], [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    let prior = ClassGaussians::fitted(2, 0.5, &values).unwrap();
    let mut z = [0f32; 4];
    prior.shape(&[1.0, 0.0, 3.0, -1.0], &[0, 1], &mut z).unwrap();
    assert_eq!(z, [values[0] + 0.5 * values[2], values[1] + 0.5 * values[4], 1.5, -0.5]);
    assert_eq!(prior.shape(&[0.0; 4], &[0, 2], &mut z), Err(Error::InvalidArgument));
    assert_eq!(ClassGaussians::accumulate(2, &codes, &[0; 5], &mut sums), Err(Error::ShapeMismatch));
}

fn gan(classes: usize) -> Gan {
    Gan::new(GanSpec {
        width: 2,
        generator: widths(&[16]),
        discriminator: widths(&[16]),
        latent: 2,
        classes,
        likelihood: Likelihood::Gaussian { sigma: 1.0 },
    })
    .unwrap()
}

/// Trains on two far points, one for each class, and gives the parameters and their running mean.
fn train_gan<E: Executor>(on: Engine<'_, E>, gan: &Gan, steps: u64) -> (Vec<f32>, Vec<f32>, GanTerms) {
    let mut params = vec![0f32; gan.param_len()];
    gan.init(2, &mut params).unwrap();
    let mut average = params[..gan.generator_len()].to_vec();
    let (mut grads, mut moments) = (vec![0f32; params.len()], vec![0f32; gan.moment_len()]);
    let mut memory = vec![0x7fu8; gan.train_scratch_len(32)];
    let labels: Vec<u32> = (0..32).map(|i| i % 2).collect();
    let ids: Vec<u64> = (0..32).collect();
    let mut terms = GanTerms::default();
    for t in 1..=steps {
        let mut x = vec![0f32; 64];
        Stream::new(8, Key::new(1).epoch(t as u32)).fill_normal(Level::BASE, &mut x);
        for (i, x) in x.iter_mut().enumerate() {
            *x = 0.2 * *x + if (i / 2) % 2 == 0 { 2.0 } else { -2.0 };
        }
        let mut noise = vec![0f32; 64];
        training_noise(Level::BASE, 3, t as u32, &ids, &mut noise);
        let batch = Batch { x: &x, labels: &labels, weights: &[1.0; 32], noise: &noise };
        let adam = Adam { rate: 2e-3, beta1: 0.5, ..Adam::default() };
        let step = GanStep { adam, t, real_target: 0.9, ema_decay: 0.99 };
        let mut trainee = Trainee { params: &mut params, grads: &mut grads, moments: &mut moments };
        terms = gan
            .train_step(on, &mut trainee, &mut average, &batch, &step, &mut Scratch::new(&mut memory))
            .unwrap();
    }
    (params, average, terms)
}

#[test]
fn a_gan_learns_where_each_class_lies() {
    let gan = gan(2);
    let (_, average, terms) = train_gan(BASE, &gan, 1500);
    assert!(terms.discriminator.is_finite() && terms.generator > 0.0);
    let labels: Vec<u32> = (0..400).map(|i| i % 2).collect();
    let (mut out, mut memory) = (vec![0f32; 800], vec![0u8; gan.run_scratch_len(400)]);
    gan.sample(BASE, &average, 1.0, (1, 0, &labels), &mut out, &mut Scratch::new(&mut memory)).unwrap();
    for class in 0..2 {
        let own = || out.chunks(2).zip(&labels).filter(move |(_, l)| **l == class).map(|(x, _)| x[0]);
        let mean = own().sum::<f32>() / 200.0;
        let want = if class == 0 { 2.0 } else { -2.0 };
        assert!((mean - want).abs() < 0.5, "class {class}: {mean}");
    }
}

#[test]
fn gan_training_has_the_same_bits_at_every_level_and_on_two_threads() {
    let gan = gan(2);
    let want = train_gan(BASE, &gan, 5);
    for level in Level::available() {
        assert!(train_gan(Engine { level, exec: &Serial }, &gan, 5) == want);
        assert!(train_gan(Engine { level, exec: &TwoThreads }, &gan, 5) == want);
    }
}

#[test]
fn the_gradient_of_the_generator_is_that_of_finite_differences() {
    let gan = gan(0);
    let mut params = vec![0f32; gan.param_len()];
    gan.init(6, &mut params).unwrap();
    let (mut grads, mut moments) = (vec![0f32; params.len()], vec![0f32; gan.moment_len()]);
    let mut memory = vec![0u8; gan.train_scratch_len(4)];
    let data = Owned::new(4, 2, 2, 0);
    // A rate so small that the discriminator stays where it is.
    let adam = Adam { rate: 1e-12, ..Adam::default() };
    let step = GanStep { adam, t: 1, real_target: 1.0, ema_decay: 0.0 };
    let mut run = |params: &mut [f32], grads: &mut [f32]| {
        let mut trainee = Trainee { params, grads, moments: &mut moments };
        let scratch = &mut Scratch::new(&mut memory);
        gan.train_step(BASE, &mut trainee, &mut [], &data.batch(), &step, scratch).unwrap().generator
    };
    run(&mut params, &mut grads);
    let (got, mut scrap) = (grads.clone(), grads);
    let h = 1.0 / 256.0;
    for i in 0..gan.generator_len() {
        let mut at = |by: f32| {
            let mut moved = params.clone();
            moved[i] += by;
            run(&mut moved, &mut scrap)
        };
        let want = (at(h) - at(-h)) / (2.0 * h as f64);
        assert!((got[i] as f64 - want).abs() < 2e-3, "{i}: {} {want}", got[i]);
    }
}
