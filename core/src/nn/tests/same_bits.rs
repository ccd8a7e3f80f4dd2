//! The same bits at every level and for one and two threads.

use super::super::loss::{
    Adversarial, Against, Anchors, Codes, FreeBits, Labelled, LeCam, Side, absolute_error, bernoulli_nll,
    cross_entropy, gaussian_nll, learned_gaussian_nll, logistic, squared_error,
};
use super::super::{
    Activation, Adam, AdamW, Conv2d, ConvTranspose2d, Dense, Ema, Engine, Layer, Lion, Mode, Model, Network,
    Optimiser, Pool2d, Sgd, Shape, clip_norm, clip_value, grad_norm,
};
use super::{ALL, BASE, first_state, forward, network, train};
use crate::exec::{Executor, Serial};
use crate::rng::{Key, Stream};
use crate::scratch::Scratch;
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

/// Output in use and in training, gradients and state of a network, on so many threads.
fn run<E: Executor>(on: Engine<'_, E>, threads: usize, input: Shape, layers: &[Layer]) -> [Vec<u32>; 5] {
    let net = network(input, layers);
    let mut params = vec![0f32; net.param_len()];
    net.init(1, 0, &mut params).unwrap();
    let x = draw(37 * input.len().unwrap(), 1);
    let y = forward(on, &net, &params, &x);
    assert!(packed(on, &net, &params, &x) == bits(&y), "packed");
    let plan = net.plan(ALL).unwrap().for_threads(threads);
    let trained = train(on, &plan, &params, &x, &draw(37 * net.output().len().unwrap(), 2));
    let [a, b, c, d] = trained.bits();
    [bits(&y), a, b, c, d]
}

/// The output by packed weights, of one sample after the other.
fn packed<E: Executor>(on: Engine<'_, E>, net: &Network<8>, params: &[f32], x: &[f32]) -> Vec<u32> {
    let plan = net.plan(Mode::Inference).unwrap();
    let (state, mut panels) = (first_state(net, params), vec![f32::NAN; plan.packed_len()]);
    let packed = plan.pack(Model { params, state: &state }, &mut panels).unwrap();
    let mut memory = vec![0x7fu8; plan.workspace_len(1)];
    let samples = x.chunks(net.input().len().unwrap()).flat_map(|x| {
        let mut scratch = Scratch::new(&mut memory);
        let mut work = plan.workspace(1, &mut scratch).unwrap();
        plan.infer_packed(on, packed, x, &mut work, &mut scratch).unwrap();
        bits(plan.result(&work))
    });
    samples.collect()
}

fn check(input: Shape, layers: &[Layer]) {
    let want = run(BASE, 1, input, layers);
    for level in Level::available() {
        assert!(run(Engine { level, exec: &Serial }, 1, input, layers) == want, "{level:?}");
        for threads in [2, 3] {
            let got = run(Engine { level, exec: &TwoThreads }, threads, input, layers);
            assert!(got == want, "{level:?}, two threads");
        }
    }
}

// Large enough that work is split.
#[test]
fn an_autoencoder_at_every_level_and_on_two_threads() {
    check(
        Shape::image(12, 10, 2),
        &[
            Conv2d::new(7, 4).stride(2).padding(1).into(),
            Activation::LeakyRelu { slope: 0.2 }.into(),
            Layer::Flatten,
            Dense::new(210).into(),
            Activation::Silu.into(),
            Layer::Unflatten(Shape::image(6, 5, 7)),
            ConvTranspose2d::new(2, 4).stride(2).padding(1).into(),
            Activation::Sigmoid.into(),
        ],
    );
}

#[test]
fn other_layers_at_every_level_and_on_two_threads() {
    let input = Shape::image(12, 10, 4);
    check(
        input,
        &[
            Conv2d::new(32, 3).padding(1).groups(2).without_bias().into(),
            Layer::batch_norm(),
            Activation::Gelu.into(),
            Layer::MaxPool2d(Pool2d::new(2)),
            Layer::Dropout { p: 0.3 },
            ConvTranspose2d::new(18, 4).stride(2).padding(1).spectral_norm().into(),
            Layer::layer_norm(),
            Activation::Elu { alpha: 1.0 }.into(),
        ],
    );
    check(
        input,
        &[
            Layer::Upsample { factor: 2 },
            Conv2d::new(16, 3).stride(2).padding(1).spectral_norm().into(),
            Layer::group_norm(4),
            Activation::Softplus.into(),
            Layer::AvgPool2d(Pool2d::new(3).stride(2).padding(1)),
            Activation::Tanh.into(),
            Layer::Softmax,
        ],
    );
}

/// Three steps of each optimiser, of a running mean, and gradients that were clipped.
fn optimised<E: Executor>(on: Engine<'_, E>) -> Vec<u32> {
    const N: usize = 20_011;
    let heavy = Sgd { momentum: 0.9, weight_decay: 0.1, ..Sgd::default() };
    let all: [Optimiser; 6] = [
        Sgd { weight_decay: 0.1, ..Sgd::default() }.into(),
        heavy.into(),
        Sgd { nesterov: true, ..heavy }.into(),
        Adam::default().into(),
        AdamW::default().into(),
        Lion { weight_decay: 0.1, ..Lion::default() }.into(),
    ];
    let mut out = Vec::new();
    for optimiser in all {
        let (mut w, mut state) = (draw(N, 3), vec![0f32; optimiser.state_len(N)]);
        let mut average = w.clone();
        for t in 1..4 {
            let mut grads = draw(N, 4 + t as u32);
            clip_value(on, 0.9, &mut grads).unwrap();
            out.push(clip_norm(on, 5.0, &mut grads).unwrap().to_bits());
            optimiser.step(on, t, &mut w, &grads, &mut state).unwrap();
            Ema { decay: 0.9, warm_up: true }.step(on, t, &w, &mut average).unwrap();
        }
        [w, state, average].iter().for_each(|v| out.extend(bits(v)));
    }
    // As many blocks as are shared out.
    out.push(grad_norm(on, &draw(300_001, 3)).to_bits());
    out
}

#[test]
fn optimisers_at_every_level_and_on_two_threads() {
    let want = optimised(BASE);
    for level in Level::available() {
        assert!(optimised(Engine { level, exec: &Serial }) == want, "{level:?}");
        assert!(optimised(Engine { level, exec: &TwoThreads }) == want, "{level:?}, two threads");
    }
}

/// Losses and gradients of all losses of rows.
fn row_losses<E: Executor>(on: Engine<'_, E>) -> Vec<u32> {
    let (p, t, scales) = (draw(40_000, 1), draw(40_000, 2), draw(100, 3));
    let batch = Against { predictions: &p, targets: &t, scales: &scales };
    let (mut nll, mut grad, mut all) = (vec![0f32; 100], vec![0f32; 40_000], Vec::new());
    for of in [bernoulli_nll, squared_error, absolute_error] {
        of(on, &batch, &mut nll, &mut grad).unwrap();
        all.extend(bits(&nll).into_iter().chain(bits(&grad)));
    }
    let batch = Against { targets: &t[..20_000], ..batch };
    learned_gaussian_nll(on, &batch, &mut nll, &mut grad).unwrap();
    all.extend(bits(&nll).into_iter().chain(bits(&grad)));
    let labels: Vec<u32> = (0..100).map(|i| 37 * i % 400).collect();
    let batch = Labelled { logits: &p, labels: &labels, scales: &scales };
    cross_entropy(on, 0.1, &batch, &mut nll, &mut grad).unwrap();
    all.extend(bits(&nll).into_iter().chain(bits(&grad)));
    all
}

#[test]
fn losses_on_two_threads() {
    let want = row_losses(BASE);
    for level in Level::available() {
        assert!(row_losses(Engine { level, exec: &TwoThreads }) == want, "{level:?}");
    }
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
        for of in [squared_error, absolute_error] {
            of(on, &batch, &mut nll, &mut grad).unwrap();
            out.extend(grad.iter().chain(&nll));
        }
        for smoothing in [0.0, 0.1] {
            let labels = [v.len() as u32 / 2];
            let batch = Labelled { logits: v, labels: &labels, scales: &[0.7] };
            cross_entropy(on, smoothing, &batch, &mut nll, &mut grad).unwrap();
            out.extend(grad.iter().chain(&nll));
        }
        adversarial(on, [v, &targets], out);
        let n = v.len() / 2;
        if n > 0 {
            let codes = Codes { codes: &v[..2 * n], noise: &targets[..n], latent: n };
            let (mut z, mut kl, mut dcodes) = (vec![0f32; n], [0f32], vec![0f32; 2 * n]);
            codes.reparameterise(on, &mut z, &mut kl).unwrap();
            codes.backward(on, &v[..n], &[0.3], &mut dcodes).unwrap();
            out.extend(z.iter().chain(&kl).chain(&dcodes));
            let mut divergences = vec![0f32; n];
            codes.divergences(on, &[0.7], &mut divergences).unwrap();
            let free = FreeBits { floor: 0.5, divergences: &divergences };
            codes.backward_free(on, &v[..n], &[0.3], free, &mut dcodes).unwrap();
            out.extend(divergences.iter().chain(&dcodes));
            let batch = Against { predictions: &v[..2 * n], targets: &targets[..n], scales: &[0.7] };
            learned_gaussian_nll(on, &batch, &mut nll, &mut dcodes).unwrap();
            out.extend(dcodes.iter().chain(&nll));
        }
    });
}

/// All losses of a discriminator's logits.
fn adversarial(on: Engine<'_, Serial>, inputs: [&[f32]; 2], out: &mut Vec<f32>) {
    let n = inputs[0].len();
    let (mut loss, mut grad) = (vec![0f32; n], vec![0f32; n]);
    logistic(on, 0.9, inputs, &mut loss, &mut grad).unwrap();
    out.extend(grad.iter().chain(&loss));
    let squares = Adversarial::LeastSquares { real: 0.9, fake: 0.1, generator: 1.0 };
    let lecam = LeCam { weight: 0.3, decay: 0.9 };
    let mut anchors = Anchors::default();
    for (t, side) in [(1, Side::Real), (2, Side::Fake)] {
        lecam.track(on, t, inputs, &mut anchors).unwrap();
        for of in [Adversarial::Hinge, squares, Adversarial::Wasserstein] {
            of.loss(on, side, inputs, &mut loss, &mut grad).unwrap();
            lecam.add(on, side, anchors, inputs, &mut loss, &mut grad).unwrap();
            out.extend(grad.iter().chain(&loss));
        }
    }
    out.extend([anchors.real, anchors.fake]);
}

/// Products apply the function that follows them as they end; alone it gives the same bits.
#[test]
fn functions_within_products_and_alone() {
    let products = [
        (Shape::flat(300), Dense::new(70).into()),
        (Shape::flat(1100), Dense::new(140).into()),
        (Shape::image(6, 5, 20), Conv2d::new(18, 3).padding(1).into()),
        (Shape::image(6, 5, 6), ConvTranspose2d::new(20, 4).stride(2).padding(1).into()),
        (Shape::image(3, 4, 4), ConvTranspose2d::new(2, 2).stride(3).into()),
    ];
    for (input, product) in products {
        let alone: Layer = product;
        let net = network(input, &[alone]);
        let mut params = vec![0f32; net.param_len()];
        net.init(1, 0, &mut params).unwrap();
        for activation in [Activation::Relu, Activation::Gelu, Activation::Sigmoid] {
            let both = network(input, &[alone, activation.into()]);
            let function = network(net.output(), &[activation.into()]);
            for level in Level::available() {
                let on = Engine { level, exec: &TwoThreads };
                // One sample, a few, and so many that rows are split.
                for batch in [1, 3, 60] {
                    let x = draw(batch * input.len().unwrap(), 1);
                    let want = forward(on, &function, &[], &forward(on, &net, &params, &x));
                    let got = forward(on, &both, &params, &x);
                    assert!(bits(&got) == bits(&want), "{alone:?} {activation:?} {level:?} {batch}");
                    assert!(packed(on, &both, &params, &x) == bits(&want), "{alone:?}, packed");
                }
            }
        }
    }
}
