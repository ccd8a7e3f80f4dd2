//! R1 against differences of differences in double precision.

use super::super::{
    Activation, Conv2d, ConvTranspose2d, Dense, Draws, Layer, Mode, Model, Penalty, Pool2d, Shape,
};
use super::{ALL, BASE, definition, first_state, keys, network};
use crate::error::Error;
use crate::rng::{Key, Stream};
use crate::scratch::Scratch;
use std::vec;
use std::vec::Vec;

const SAMPLES: usize = 3;

/// Compares penalties and gradients with central differences of the definition.
fn check(input: Shape, layers: &[Layer]) {
    let net = network(input, layers);
    let mut stream = Stream::new(3, Key::new(0));
    let mut draw = |n: usize| -> Vec<f32> { (0..n).map(|_| stream.range(-1.0, 1.0)).collect() };
    let width = input.len().unwrap();
    let (params, x, scales) = (draw(net.param_len()), draw(SAMPLES * width), [0.5f32, 1.0, 0.25]);
    let plan = net.plan(ALL).unwrap();
    let (keys, mut state) = (keys(SAMPLES), first_state(&net, &params));
    let draws = Draws { seed: 9, keys: &keys };
    let mut memory = vec![0x7fu8; plan.workspace_len(SAMPLES) + plan.penalty_scratch_len(SAMPLES)];
    let mut scratch = Scratch::new(&mut memory);
    let mut work = plan.workspace(SAMPLES, &mut scratch).unwrap();
    plan.forward(BASE, (&params, &mut state), &x, draws, &mut work, &mut scratch.frame()).unwrap();
    // What is there stays.
    let (mut penalties, mut grads) = ([f32::NAN; SAMPLES], vec![2f32; plan.grad_len()]);
    let model = Model { params: &params, state: &state };
    let along = vec![1.0; SAMPLES * net.output().channels];
    let to = Penalty { along: &along, scales: &scales, penalties: &mut penalties, grads: &mut grads };
    plan.gradient_penalty(BASE, model, (&x, draws), &work, to, &mut scratch).unwrap();

    let wide = |v: &[f32]| v.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
    let (mut p, x, state) = (wide(&params), wide(&x), wide(&state));
    let norms = |p: &[f64]| -> Vec<f64> {
        let h = 1e-5;
        let mut x = x.clone();
        let mut sums = vec![0f64; SAMPLES];
        for i in 0..x.len() {
            let old = x[i];
            x[i] = old + h;
            let up = definition::forward(&net, p, &state, &x, &keys)[i / width];
            x[i] = old - h;
            let down = definition::forward(&net, p, &state, &x, &keys)[i / width];
            x[i] = old;
            sums[i / width] += ((up - down) / (2.0 * h)).powi(2);
        }
        sums
    };
    for (got, want) in penalties.iter().zip(norms(&p)) {
        assert!((f64::from(*got) - want).abs() <= 1e-5 * (1.0 + want), "{layers:?}: {got} instead of {want}");
    }
    let loss = |p: &[f64]| norms(p).iter().zip(scales).map(|(n, s)| 0.5 * f64::from(s) * n).sum::<f64>();
    let mut want = vec![];
    for i in 0..p.len() {
        let (old, h) = (p[i], 1e-4);
        p[i] = old + h;
        let up = loss(&p);
        p[i] = old - h;
        want.push((up - loss(&p)) / (2.0 * h));
        p[i] = old;
    }
    let most = want.iter().fold(1e-3f64, |most, w| most.max(w.abs()));
    for (i, (got, want)) in grads.iter().zip(&want).enumerate() {
        let error = (f64::from(*got) - 2.0 - want).abs() / most;
        assert!(error <= 1e-4, "{layers:?} parameter {i}: {} instead of {want}", got - 2.0);
    }
}

#[test]
fn of_networks_that_choose() {
    let leaky = Layer::Activation(Activation::LeakyRelu { slope: 0.2 });
    let end = Dense::new(1).into();
    check(Shape::flat(5), &[end]);
    check(Shape::flat(5), &[Dense::new(6).into(), leaky, Dense::new(4).into(), Activation::Relu.into(), end]);
    check(
        Shape::image(6, 5, 2),
        &[
            Conv2d::new(3, 3).stride(2).padding(1).into(),
            leaky,
            Layer::Dropout { p: 0.3 },
            Conv2d::new(4, 2).groups(1).into(),
            leaky,
            Layer::Flatten,
            end,
        ],
    );
    check(
        Shape::image(4, 4, 2),
        &[
            Layer::MaxPool2d(Pool2d::new(3).stride(2).padding(1)),
            ConvTranspose2d::new(3, 3).stride(2).into(),
            leaky,
            Layer::AvgPool2d(Pool2d::new(2)),
            Layer::Upsample { factor: 2 },
            Layer::Flatten,
            Dense::new(1).spectral_norm().into(),
        ],
    );
}

#[test]
fn other_networks_are_refused() {
    let refused = |layers: &[Layer], mode: Mode| {
        let net = network(Shape::flat(4), layers);
        let plan = net.plan(mode).unwrap();
        let mut memory = vec![0u8; plan.workspace_len(2) + plan.penalty_scratch_len(2)];
        let mut scratch = Scratch::new(&mut memory);
        let work = plan.workspace(2, &mut scratch).unwrap();
        let (params, mut grads) = (vec![0f32; net.param_len()], vec![3f32; plan.grad_len()]);
        let model = Model { params: &params, state: &[] };
        let mut penalties = [0f32; 2];
        let to =
            Penalty { along: &[1.0; 2], scales: &[1.0; 2], penalties: &mut penalties, grads: &mut grads };
        let draws = Draws::default();
        let got = plan.gradient_penalty(BASE, model, (&[0.0; 8], draws), &work, to, &mut scratch);
        assert!(grads.iter().all(|g| *g == 3.0));
        got
    };
    let end: Layer = Dense::new(1).into();
    assert_eq!(refused(&[Activation::Tanh.into(), end], ALL), Err(Error::Unsupported));
    assert_eq!(refused(&[Layer::layer_norm(), end], ALL), Err(Error::Unsupported));
    assert_eq!(refused(&[Dense::new(2).into()], ALL), Err(Error::ShapeMismatch));
    assert_eq!(refused(&[end], Mode::TRAINING), Err(Error::InvalidArgument));
    assert_eq!(refused(&[end], ALL), Ok(()));
}
