//! Forward values computed with numpy by loops over the definitions (float64, small multiples of a
//! quarter, so that float32 is exact), and what a network refuses.

use super::super::{Activation, Conv2d, ConvTranspose2d, Dense, Layer, Network, Role, Shape, Start};
use super::{BASE, forward, network, quarters};
use crate::error::Error;
use std::vec::Vec;

/// The tensors of a network with the weights and biases of the numpy script.
fn params(weights: usize, biases: usize) -> Vec<f32> {
    let mut p = quarters(weights, 5, 13, 6);
    p.extend(quarters(biases, 3, 7, 3));
    p
}

#[test]
fn a_dense_layer_gives_what_numpy_gives() {
    let net = network(Shape::flat(3), &[Dense::new(2).into()]);
    assert_eq!(forward(BASE, &net, &params(6, 2), &quarters(6, 7, 11, 5)), [0.5, 0.625, -3.4375, -2.3125]);
}

#[test]
fn a_convolution_gives_what_numpy_gives() {
    let layer: Layer = Conv2d::new(3, 3).stride(2).padding(1).into();
    let net = network(Shape::image(4, 5, 2), &[layer]);
    let want = [
        -2.5625, 0.1875, 2.9375, 4.1875, 1.75, -0.6875, -0.75, 2.4375, 3.1875, -4.3125, -3.5, -2.6875,
        -4.6875, 1.4375, 5.9375, -3.1875, -5.25, -4.875,
    ];
    assert_eq!(net.output(), Shape::image(2, 3, 3));
    let x = quarters(40, 7, 11, 5);
    let twice = [&x[..], &x[..]].concat();
    assert_eq!(forward(BASE, &net, &params(54, 3), &twice), [want, want].concat());
}

#[test]
fn a_transposed_convolution_gives_what_numpy_gives() {
    let layer: Layer = ConvTranspose2d::new(3, 3).stride(2).padding(1).output_padding(1).into();
    let net = network(Shape::image(2, 3, 2), &[layer]);
    let want = [
        -0.3125, 1.75, 1.375, -2.0625, -1.3125, -0.5625, 1.0, 0.4375, 2.3125, -2.5625, 2.625, -1.125,
        -1.8125, -0.1875, -0.1875, 0.0, -0.8125, 1.625, -2.5625, 2.625, -1.125, 4.3125, -1.125, 2.375,
        -1.6875, -1.0, -0.3125, -1.875, 2.3125, -0.8125, -0.8125, 0.1875, 1.1875, -0.0625, -1.5, 1.9375,
        -0.5, -1.5, 0.75, 1.9375, -1.875, 3.25, 0.125, 1.3125, 1.6875, -2.6875, 2.75, -0.75, -2.6875, 0.6875,
        -0.8125, -0.5, -1.1875, 1.375, 0.0, -1.0, 1.25, -0.9375, -1.5, 0.375, -2.4375, 1.1875, -0.875,
        -0.3125, 1.875, 1.625, 0.625, -0.0625, 2.5, -0.4375, -1.9375, 1.4375,
    ];
    assert_eq!(net.output(), Shape::image(4, 6, 3));
    assert_eq!(forward(BASE, &net, &params(54, 3), &quarters(12, 7, 11, 5)), want);
}

#[test]
fn flatten_puts_the_channels_first_and_unflatten_undoes_it() {
    let x: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let shape = Shape::image(2, 3, 2);
    let flat = network(shape, &[Layer::Flatten]);
    assert_eq!(forward(BASE, &flat, &[], &x), [0., 2., 4., 6., 8., 10., 1., 3., 5., 7., 9., 11.]);
    let both = network(shape, &[Layer::Flatten, Layer::Unflatten(shape)]);
    assert_eq!(forward(BASE, &both, &[], &x), x);
}

#[test]
fn activations_are_the_functions_they_are_named_after() {
    let x = [-2.0f32, -0.5, 0.0, 0.25, 3.0];
    let of = |a| forward(BASE, &network(Shape::flat(5), &[Layer::Activation(a)]), &[], &x);
    assert_eq!(of(Activation::Relu), [0.0, 0.0, 0.0, 0.25, 3.0]);
    assert_eq!(of(Activation::LeakyRelu { slope: 0.25 }), [-0.5, -0.125, 0.0, 0.25, 3.0]);
    let close =
        |got: Vec<f32>, want: [f64; 5]| got.iter().zip(want).all(|(g, w)| (*g as f64 - w).abs() < 1e-6);
    assert!(close(of(Activation::Tanh), x.map(|x| (x as f64).tanh())));
    assert!(close(of(Activation::Sigmoid), x.map(|x| 1.0 / (1.0 + (-x as f64).exp()))));
    assert!(close(of(Activation::Silu), x.map(|x| x as f64 / (1.0 + (-x as f64).exp()))));
}

#[test]
fn tensors_lie_as_pytorch_lays_them_out() {
    let conv: Layer = Conv2d::new(4, 3).padding(1).into();
    let net = network(
        Shape::image(4, 4, 2),
        &[conv, Activation::Relu.into(), Layer::Flatten, Dense::new(5).into()],
    );
    let listed: Vec<_> =
        net.tensors().map(|t| (t.layer, t.role, t.offset, t.shape().to_vec(), t.start)).collect();
    let want = [
        (0, Role::Weight, 0, std::vec![4, 2, 3, 3], Start::FanIn(18)),
        (0, Role::Bias, 72, std::vec![4], Start::FanIn(18)),
        (3, Role::Weight, 76, std::vec![5, 64], Start::FanIn(64)),
        (3, Role::Bias, 396, std::vec![5], Start::FanIn(64)),
    ];
    assert_eq!(listed, want);
    assert_eq!(net.param_len(), 401);
    let mut params = std::vec![0f32; 401];
    net.init(7, 0, &mut params).unwrap();
    let bound = 1.0 / 18f32.sqrt();
    assert!(
        params[..76].iter().all(|p| p.abs() <= bound) && params[..76].iter().any(|p| p.abs() > bound * 0.9)
    );
    assert_eq!(net.init(7, 0, &mut params[1..]), Err(Error::ShapeMismatch));
    // The last number of a stream is followed by the first.
    let mut wrapped = std::vec![0f32; 401];
    net.init(7, u32::MAX, &mut wrapped).unwrap();
    assert_eq!(wrapped[72..76], params[..4]);
}

#[test]
fn relu_passes_what_is_not_a_number_and_makes_positive_zeros() {
    let net = network(Shape::flat(4), &[Activation::Relu.into()]);
    let y = forward(BASE, &net, &[], &[f32::NAN, -0.0, -3.0, 2.0]);
    assert!(y[0].is_nan());
    assert_eq!(y[1..].iter().map(|v| v.to_bits()).collect::<Vec<_>>(), [0, 0, 2f32.to_bits()]);
}

#[test]
fn layers_that_do_not_fit_are_refused() {
    let mut net = Network::<2>::new(Shape::image(4, 4, 1)).unwrap();
    let dense: Layer = Dense::new(3).into();
    assert_eq!(net.push(dense), Err(Error::ShapeMismatch));
    let conv = |kernel, stride, padding| Conv2d::new(2, kernel).stride(stride).padding(padding);
    assert_eq!(net.push(conv(5, 1, 0)), Err(Error::InvalidArgument));
    assert_eq!(net.push(conv(3, 0, 0)), Err(Error::InvalidArgument));
    assert_eq!(net.push(conv(3, 1, usize::MAX)), Err(Error::Overflow));
    let up: Layer = ConvTranspose2d::new(1, 2).stride(2).output_padding(2).into();
    assert_eq!(net.push(up), Err(Error::InvalidArgument));
    for slope in [0.0, -0.2, f32::INFINITY, f32::NAN] {
        let leaky: Layer = Activation::LeakyRelu { slope }.into();
        assert_eq!(net.push(leaky), Err(Error::InvalidArgument), "{slope}");
    }
    net.push(Layer::Flatten).unwrap();
    assert_eq!(net.push(Layer::Unflatten(Shape::image(3, 5, 1))), Err(Error::ShapeMismatch));
    assert_eq!(net.push(Dense::new(usize::MAX / 2)), Err(Error::Overflow));
    net.push(dense).unwrap();
    assert_eq!(net.push(dense), Err(Error::CapacityExceeded));
    assert_eq!((net.param_len(), net.output()), (51, Shape::flat(3)));
    assert!(Network::<1>::new(Shape::flat(0)).is_err());
}
