//! Backward against finite differences of forward, for every layer.

use super::super::{Activation, Layer, Shape};
use super::{BASE, backward, forward, network, quarters};
use crate::rng::{Key, Stream};
use std::vec;
use std::vec::Vec;

/// Compares the gradients of Σ dy·y with central differences, at every parameter and input.
fn check(input: Shape, layers: &[Layer]) {
    let net = network(input, layers);
    let mut stream = Stream::new(3, Key::new(0));
    let mut draw = |n: usize| -> Vec<f32> { (0..n).map(|_| stream.range(-1.0, 1.0)).collect() };
    let (mut params, mut x) = (draw(net.param_len()), draw(2 * input.len().unwrap()));
    let dy = draw(2 * net.output().len().unwrap());
    let (grads, dx) = backward(BASE, &net, &params, &x, &dy);
    let loss = |params: &[f32], x: &[f32]| -> f64 {
        forward(BASE, &net, params, x).iter().zip(&dy).map(|(y, d)| *y as f64 * *d as f64).sum()
    };
    let step = 1.0 / 256.0;
    let compare = |got: f32, up: f64, down: f64, what: &str, i: usize| {
        let want = (up - down) / (2.0 * step as f64);
        assert!((got as f64 - want).abs() < 2e-3 * (1.0 + want.abs()), "{layers:?} {what} {i}: {got} {want}");
    };
    for i in 0..params.len() {
        let old = params[i];
        params[i] = old + step;
        let up = loss(&params, &x);
        params[i] = old - step;
        let down = loss(&params, &x);
        params[i] = old;
        compare(grads[i], up, down, "parameter", i);
    }
    for i in 0..x.len() {
        let old = x[i];
        x[i] = old + step;
        let up = loss(&params, &x);
        x[i] = old - step;
        let down = loss(&params, &x);
        x[i] = old;
        compare(dx[i], up, down, "input", i);
    }
}

const SMOOTH: Layer = Layer::Activation(Activation::Tanh);

#[test]
fn dense() {
    check(Shape::flat(5), &[Layer::Dense { outputs: 3 }]);
    check(Shape::flat(3), &[Layer::Dense { outputs: 7 }, SMOOTH, Layer::Dense { outputs: 2 }]);
}

#[test]
fn convolution() {
    for (kernel, stride, padding) in [(1, 1, 0), (3, 1, 1), (3, 2, 1), (4, 2, 1), (2, 3, 2), (5, 1, 4)] {
        let conv = Layer::Conv2d { channels: 3, kernel, stride, padding };
        check(Shape::image(5, 4, 2), &[conv]);
    }
}

#[test]
fn transposed_convolution() {
    for (kernel, stride, padding, output_padding) in [(1, 1, 0, 0), (4, 2, 1, 0), (3, 2, 1, 1), (2, 3, 0, 2)]
    {
        let up = Layer::ConvTranspose2d { channels: 2, kernel, stride, padding, output_padding };
        check(Shape::image(3, 2, 3), &[up]);
    }
}

#[test]
fn activations() {
    for a in [Activation::Sigmoid, Activation::Tanh, Activation::Silu] {
        check(Shape::flat(4), &[Layer::Activation(a)]);
        check(
            Shape::flat(4),
            &[Layer::Dense { outputs: 5 }, Layer::Activation(a), Layer::Dense { outputs: 2 }],
        );
    }
}

#[test]
fn activations_with_a_kink_pass_or_scale_what_flows() {
    let x = quarters(8, 7, 11, 5);
    for (a, slope) in [(Activation::Relu, 0.0), (Activation::LeakyRelu { slope: 0.5 }, 0.5)] {
        let net = network(Shape::flat(8), &[Layer::Activation(a)]);
        let (_, dx) = backward(BASE, &net, &[], &x, &[2.0; 8]);
        let want: Vec<f32> = x.iter().map(|&x| if x > 0.0 { 2.0 } else { 2.0 * slope }).collect();
        assert_eq!(dx, want);
    }
}

#[test]
fn an_autoencoder_of_every_layer() {
    check(
        Shape::image(4, 4, 1),
        &[
            Layer::Conv2d { channels: 2, kernel: 4, stride: 2, padding: 1 },
            SMOOTH,
            Layer::Flatten,
            Layer::Dense { outputs: 8 },
            Layer::Activation(Activation::Silu),
            Layer::Unflatten(Shape::image(2, 2, 2)),
            Layer::ConvTranspose2d { channels: 1, kernel: 4, stride: 2, padding: 1, output_padding: 0 },
        ],
    );
}

#[test]
fn what_nobody_asks_for_is_not_computed_and_the_rest_is_the_same() {
    let net = network(Shape::flat(40), &[Layer::Dense { outputs: 4 }, SMOOTH, Layer::Dense { outputs: 2 }]);
    let (params, x) = (quarters(net.param_len(), 5, 13, 6), quarters(80, 7, 11, 5));
    let (grads, dx) = backward(BASE, &net, &params, &x, &[1.0; 4]);
    let mut activations = vec![0f32; net.activation_len(2).unwrap()];
    let mut memory = vec![0u8; net.backward_scratch_len(2, true)];
    let mut less = vec![0u8; net.backward_scratch_len(2, false)];
    assert!(less.len() < memory.len());
    let mut scratch = crate::Scratch::new(&mut memory);
    net.forward(BASE, [&params, &x], &mut activations, &mut scratch.frame()).unwrap();
    let inputs = [&params[..], &x, &activations];
    let (mut only_grads, mut only_dx) = (vec![0f32; grads.len()], vec![0f32; 80]);
    let wanted = (Some(&mut only_grads[..]), None);
    net.backward(BASE, inputs, &mut [1.0; 4], wanted, &mut crate::Scratch::new(&mut less)).unwrap();
    net.backward(BASE, inputs, &mut [1.0; 4], (None, Some(&mut only_dx)), &mut scratch.frame()).unwrap();
    assert_eq!((only_grads, only_dx), (grads, dx));
}
