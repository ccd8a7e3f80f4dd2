mod code_prior;
mod codebook;
mod gan;
mod learn;
mod vqvae;

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
        training_noise(Level::BASE, 1, 0, &(0..n as u64).collect::<Vec<_>>(), &mut noise).unwrap();
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
        let elbo =
            vae.gradients(BASE, &params, &data.batch(), (beta, 0.0), &mut grads, &mut scratch).unwrap();
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
        let mut trainee = Trainee {
            params: &mut params,
            grads: &mut grads,
            moments: &mut moments,
            groups: &[],
            adapters: Adapters::default(),
        };
        let step = VaeStep { beta: 1.0, free_bits: 0.0, optimiser: Adam::default().into(), t };
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
        training_noise(Level::BASE, 1, t as u32, &ids, &mut data.noise).unwrap();
        let mut trainee = Trainee {
            params: &mut params,
            grads: &mut grads,
            moments: &mut moments,
            groups: &[],
            adapters: Adapters::default(),
        };
        let step = VaeStep {
            beta: 1.0,
            free_bits: 0.0,
            optimiser: Adam { rate: 0.01, ..Adam::default() }.into(),
            t,
        };
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
        let mut trainee = Trainee {
            params: &mut params,
            grads: &mut grads,
            moments: &mut moments,
            groups: &[],
            adapters: Adapters::default(),
        };
        let step = VaeStep { beta: 1.0, free_bits: 0.0, optimiser: Adam::default().into(), t: 1 };
        let mut too_small = vec![0u8; vae.train_scratch_len(5) / 2];
        let refused =
            vae.train_step(BASE, &mut trainee, &data.batch(), &step, &mut Scratch::new(&mut too_small));
        assert_eq!(refused, Err(Error::ScratchTooSmall));
        assert!(grads.iter().all(|&g| g == 0.0));
        assert_eq!(params, before);
        let mut less = vec![0u8; vae.run_scratch_len(5) - 1];
        let (mut out, from) = (vec![7f32; data.x.len()], (&data.x[..], &data.labels[..]));
        let got = vae.reconstruct(BASE, &params, from, &mut out, &mut Scratch::new(&mut less));
        assert_eq!((got, out.iter().all(|&v| v == 7.0)), (Err(Error::ScratchTooSmall), true));
        let mut enough = vec![0x7fu8; vae.run_scratch_len(5)];
        vae.reconstruct(BASE, &params, from, &mut out, &mut Scratch::new(&mut enough)).unwrap();
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
    for weight in [-1.0, f32::NAN, f32::INFINITY] {
        data.weights[1] = weight;
        assert_eq!(run(&data), Err(Error::InvalidArgument));
    }
    data.weights[1] = 1.0;
    data.labels[2] = 3;
    assert_eq!(run(&data), Err(Error::InvalidArgument));
    data.labels.pop();
    assert_eq!(run(&data), Err(Error::ShapeMismatch));
    let spec = vae.spec().clone();
    assert!(Vae::new(VaeSpec { latent: 0, ..spec.clone() }).is_err());
    for sigma in [f32::NAN, 0.0, 1e-20, 1e20] {
        let likelihood = Likelihood::Gaussian { sigma };
        assert!(Vae::new(VaeSpec { likelihood, ..spec.clone() }).is_err(), "{sigma}");
    }
    let arch = Arch { channels: widths(&[2]), ..spec.arch.clone() };
    assert_eq!(
        Vae::new(VaeSpec { input: Shape::image(4, 5, 1), arch, ..spec }).unwrap_err(),
        Error::Unsupported
    );
}

#[test]
fn a_sample_that_is_not_finite_leaves_the_model_as_it_was() {
    for (vae, mut data) in kinds() {
        let mut params = initial(&vae);
        let before = params.clone();
        let (mut grads, mut moments) = (vec![0f32; params.len()], vec![0f32; vae.moment_len()]);
        let mut memory = vec![0u8; vae.train_scratch_len(5)];
        for bad in [f32::NAN, f32::INFINITY] {
            data.x[4] = bad;
            let mut trainee = Trainee {
                params: &mut params,
                grads: &mut grads,
                moments: &mut moments,
                groups: &[],
                adapters: Adapters::default(),
            };
            let step = VaeStep { beta: 1.0, free_bits: 0.0, optimiser: Adam::default().into(), t: 1 };
            let scratch = &mut Scratch::new(&mut memory);
            let got = vae.train_step(BASE, &mut trainee, &data.batch(), &step, scratch);
            assert_eq!(got, Err(Error::NotFinite));
        }
        assert!(params == before && moments.iter().all(|&m| m == 0.0));
    }
}

#[test]
fn a_prior_of_another_size_is_refused() {
    let vae = vae(Shape::flat(7), &[], 3, Likelihood::Bernoulli);
    let (params, mut out) = (initial(&vae), [7f32; 14]);
    let mut memory = vec![0u8; vae.run_scratch_len(2)];
    let mut draw = |prior, labels: &[u32]| {
        vae.sample(BASE, &params, &prior, (1, 0, labels), &mut out, &mut Scratch::new(&mut memory))
    };
    let standard = |latent| ClassGaussians::standard(latent, 1.0).unwrap();
    assert_eq!(draw(standard(6), &[0, 1]), Err(Error::ShapeMismatch));
    assert_eq!(draw(standard(1), &[0, 1]), Err(Error::ShapeMismatch));
    assert_eq!(draw(standard(3), &[0]), Err(Error::ShapeMismatch));
    let two = vec![0f32; ClassGaussians::fitted_len(3, 2).unwrap()];
    assert_eq!(draw(ClassGaussians::fitted(3, 1.0, &two).unwrap(), &[0, 2]), Err(Error::InvalidArgument));
    assert_eq!(draw(standard(3), &[0, 1]), Ok(()));
}

#[test]
fn noise_has_the_same_width_for_each_sample() {
    let mut out = [7f32; 7];
    assert_eq!(training_noise(Level::BASE, 1, 0, &[1, 2], &mut out), Err(Error::ShapeMismatch));
    assert_eq!(training_noise(Level::BASE, 1, 0, &[], &mut out), Err(Error::ShapeMismatch));
    assert_eq!(latent_noise(Level::BASE, 1, 0, 2, &mut out), Err(Error::ShapeMismatch));
    assert_eq!(latent_noise(Level::BASE, 1, 0, 0, &mut out), Err(Error::ShapeMismatch));
    assert_eq!(out, [7.0; 7]);
    // Behind the last index comes the first.
    latent_noise(Level::BASE, 1, u64::MAX, 2, &mut out[..4]).unwrap();
    let mut first = [0f32; 2];
    latent_noise(Level::BASE, 1, 0, 2, &mut first).unwrap();
    assert_eq!(first, out[2..4]);
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
    prior.shape(Level::BASE, &[1.0, 0.0, 3.0, -1.0], &[0, 1], &mut z).unwrap();
    assert_eq!(z, [values[0] + 0.5 * values[2], values[1] + 0.5 * values[4], 1.5, -0.5]);
    assert_eq!(prior.shape(Level::BASE, &[0.0; 4], &[0, 2], &mut z), Err(Error::InvalidArgument));
    // Neither fewer labels than rows, nor none where there is a choice.
    assert_eq!(prior.shape(Level::BASE, &[0.0; 4], &[0], &mut z), Err(Error::ShapeMismatch));
    assert_eq!(prior.shape(Level::BASE, &[0.0; 4], &[], &mut z), Err(Error::ShapeMismatch));
    let standard = ClassGaussians::standard(2, 1.0).unwrap();
    assert_eq!(standard.shape(Level::BASE, &[0.0; 4], &[5], &mut z), Err(Error::ShapeMismatch));
    assert_eq!(standard.shape(Level::BASE, &[0.0; 4], &[5, 6], &mut z), Ok(()));
}

#[test]
fn what_is_no_code_is_not_added_to_a_prior() {
    let mut sums = vec![0f64; ClassGaussians::sums_len(2, 2).unwrap()];
    let mut add = |codes: &[f32], labels: &[u32]| ClassGaussians::accumulate(2, codes, labels, &mut sums);
    let good = [0.5f32; 8];
    assert_eq!(add(&good, &[0]), Err(Error::ShapeMismatch));
    assert_eq!(add(&good, &[]), Err(Error::ShapeMismatch));
    assert_eq!(add(&good, &[0, 2]), Err(Error::InvalidArgument));
    // The last is the logarithm of a variance beyond single precision.
    for (at, bad) in [(5, f32::NAN), (4, f32::INFINITY), (7, f32::NEG_INFINITY), (6, 100.0)] {
        let mut codes = good;
        codes[at] = bad;
        assert_eq!(add(&codes, &[0, 1]), Err(Error::NotFinite), "{bad}");
    }
    assert_eq!(ClassGaussians::accumulate(2, &good, &[], &mut []), Err(Error::ShapeMismatch));
    assert!(sums.iter().all(|&s| s == 0.0));
}
