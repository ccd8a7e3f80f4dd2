//! The same bits at every level and for one and two threads.

use super::super::loss::{Against, Codes, bernoulli_nll, gaussian_nll, logistic};
use super::super::{Activation, Adam, Engine, Layer, Shape};
use super::{BASE, backward, forward, network};
use crate::exec::{Executor, Serial};
use crate::rng::{Key, Stream};
use crate::simd::Level;
use crate::testing::{TwoThreads, same_bits_at_every_level};
use std::vec;
use std::vec::Vec;

fn draw(n: usize, op: u32) -> Vec<f32> {
    let mut stream = Stream::new(5, Key::new(0).op(op));
    (0..n).map(|_| stream.range(-1.0, 1.0)).collect()
}

fn bits(v: &[f32]) -> Vec<u32> {
    v.iter().map(|x| x.to_bits()).collect()
}

/// Output and gradients of a network of every layer, large enough that work is split.
fn run<E: Executor>(on: Engine<'_, E>) -> [Vec<u32>; 3] {
    let net = network(
        Shape::image(12, 10, 2),
        &[
            Layer::Conv2d { channels: 7, kernel: 4, stride: 2, padding: 1 },
            Layer::Activation(Activation::LeakyRelu { slope: 0.2 }),
            Layer::Flatten,
            Layer::Dense { outputs: 210 },
            Layer::Activation(Activation::Silu),
            Layer::Unflatten(Shape::image(6, 5, 7)),
            Layer::ConvTranspose2d { channels: 2, kernel: 4, stride: 2, padding: 1, output_padding: 0 },
            Layer::Activation(Activation::Sigmoid),
        ],
    );
    let mut params = vec![0f32; net.param_len()];
    net.init(1, 0, &mut params).unwrap();
    let x = draw(37 * 240, 1);
    let y = forward(on, &net, &params, &x);
    let (grads, dx) = backward(on, &net, &params, &x, &draw(37 * 240, 2));
    [bits(&y), bits(&grads), bits(&dx)]
}

#[test]
fn a_network_at_every_level_and_on_two_threads() {
    let want = run(BASE);
    for level in Level::available() {
        assert!(run(Engine { level, exec: &Serial }) == want, "{level:?}");
        assert!(run(Engine { level, exec: &TwoThreads }) == want, "{level:?}, two threads");
    }
}

#[test]
fn adam_at_every_level_and_on_two_threads() {
    fn run<E: Executor>(on: Engine<'_, E>) -> Vec<u32> {
        let (mut w, mut moments) = (draw(20_011, 3), vec![0f32; 40_022]);
        for t in 1..4 {
            Adam::default().step(on, t, &mut w, &draw(20_011, 4 + t as u32), &mut moments).unwrap();
        }
        bits(&w)
    }
    let want = run(BASE);
    for level in Level::available() {
        assert!(
            run(Engine { level, exec: &Serial }) == want && run(Engine { level, exec: &TwoThreads }) == want
        );
    }
}

#[test]
fn losses_on_two_threads() {
    let (p, t, scales) = (draw(40_000, 1), draw(40_000, 2), draw(100, 3));
    let batch = Against { predictions: &p, targets: &t, scales: &scales };
    let run = |two: bool| {
        let (mut nll, mut grad) = (vec![0f32; 100], vec![0f32; 40_000]);
        let level = Level::BASE;
        match two {
            true => bernoulli_nll(Engine { level, exec: &TwoThreads }, &batch, &mut nll, &mut grad).unwrap(),
            false => bernoulli_nll(BASE, &batch, &mut nll, &mut grad).unwrap(),
        }
        (bits(&nll), bits(&grad))
    };
    assert!(run(true) == run(false));
}

#[test]
fn losses_at_every_level() {
    let input: Vec<f32> = draw(64, 9).iter().map(|x| x * 6.0).collect();
    same_bits_at_every_level(&input, |level, v, out| {
        if v.is_empty() {
            return;
        }
        let on = Engine { level, exec: &Serial };
        let targets: Vec<f32> = v.iter().map(|x| 0.1 * x).collect();
        let batch = Against { predictions: v, targets: &targets, scales: &[0.7] };
        let (mut nll, mut grad) = ([0f32], vec![0f32; v.len()]);
        bernoulli_nll(on, &batch, &mut nll, &mut grad).unwrap();
        out.extend(grad.iter().chain(&nll));
        gaussian_nll(on, 0.3, &batch, &mut nll, &mut grad).unwrap();
        out.extend(grad.iter().chain(&nll));
        let mut loss = vec![0f32; v.len()];
        logistic(on, 0.9, [v, &targets], &mut loss, &mut grad).unwrap();
        out.extend(grad.iter().chain(&loss));
        let n = v.len() / 2;
        if n > 0 {
            let codes = Codes { codes: &v[..2 * n], noise: &targets[..n], latent: n };
            let (mut z, mut kl, mut dcodes) = (vec![0f32; n], [0f32], vec![0f32; 2 * n]);
            codes.reparameterise(on, &mut z, &mut kl).unwrap();
            codes.backward(on, &v[..n], &[0.3], &mut dcodes).unwrap();
            out.extend(z.iter().chain(&kl).chain(&dcodes));
        }
    });
}
