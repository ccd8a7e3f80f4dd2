//! Every layer against PyTorch 2.15, forward and backward: figures that `pytorch.py` beside this file wrote.

use super::super::{
    Activation, Conv2d, ConvTranspose2d, Dense, Draws, Gradients, Layer, Mode, Model, Pool2d, Shape,
};
use super::{ALL, BASE, network, quarters};
use crate::scratch::Scratch;
use std::vec;
use std::vec::Vec;

/// Name, output, gradients by parameters and input, state after the pass.
type Figures = (&'static str, &'static [f32], &'static [f32], &'static [f32], &'static [f32]);

fn layer(name: &str) -> (Layer, Shape) {
    let (pool, six) = (Pool2d::new(3).stride(2).padding(1), Shape::flat(6));
    match name {
        "dense" => (Dense::new(2).into(), Shape::flat(3)),
        "conv" => (Conv2d::new(2, 3).stride(2).padding(1).groups(2).into(), Shape::image(3, 4, 4)),
        "transposed" => {
            let up = ConvTranspose2d::new(2, 3).stride(2).padding(1).output_padding(1).groups(2);
            (up.into(), Shape::image(2, 2, 4))
        }
        "batch norm" => (Layer::batch_norm(), Shape::image(2, 2, 3)),
        "layer norm" => (Layer::layer_norm(), Shape::flat(5)),
        "group norm" => (Layer::group_norm(2), Shape::image(2, 2, 4)),
        "up-sampling" => (Layer::Upsample { factor: 2 }, Shape::image(2, 1, 2)),
        "average pool" => (Layer::AvgPool2d(pool), Shape::image(4, 3, 2)),
        "max pool" => (Layer::MaxPool2d(pool), Shape::image(4, 3, 2)),
        "embedding" => (Layer::Embedding { classes: 3, width: 2 }, Shape::flat(2)),
        "softmax" => (Layer::Softmax, Shape::flat(5)),
        "spectral" => (Dense::new(4).spectral_norm().into(), Shape::flat(3)),
        "relu" => (Activation::Relu.into(), six),
        "leaky relu" => (Activation::LeakyRelu { slope: 0.2 }.into(), six),
        "elu" => (Activation::Elu { alpha: 0.7 }.into(), six),
        "silu" => (Activation::Silu.into(), six),
        "gelu" => (Activation::Gelu.into(), six),
        "softplus" => (Activation::Softplus.into(), six),
        "sigmoid" => (Activation::Sigmoid.into(), six),
        "tanh" => (Activation::Tanh.into(), six),
        _ => panic!("no layer {name}"),
    }
}

/// The state before the pass, as `pytorch.py` has it.
fn state(name: &str) -> Vec<f32> {
    let unit = |n, a, m| {
        let mut v = quarters(n, a, m, 3);
        let norm = v.iter().map(|v| v * v).sum::<f32>().sqrt();
        v.iter_mut().for_each(|v| *v /= norm);
        v
    };
    match name {
        "batch norm" => vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
        "spectral" => [unit(4, 3, 7), unit(3, 4, 9)].concat(),
        _ => vec![],
    }
}

#[test]
#[allow(clippy::approx_constant)] // Softplus of 0 is ln 2.
fn every_layer_gives_what_pytorch_gives() {
    let all: [Figures; 20] = include!("pytorch.in");
    for (name, y, grads, dx, after) in all {
        let (layer, shape) = layer(name);
        let net = network(shape, &[layer]);
        let whole = name == "embedding";
        let plan = net.plan(if whole { Mode::TRAINING } else { ALL }).unwrap();
        let (n, params) = (2 * shape.len().unwrap(), quarters(net.param_len(), 5, 13, 6));
        let x = if whole { (0..n).map(|i| (i % 3) as f32).collect() } else { quarters(n, 7, 11, 5) };
        let mut state = state(name);
        let mut memory = vec![0u8; plan.workspace_len(2)];
        let mut scratch = Scratch::new(&mut memory);
        let (mut work, none) = (plan.workspace(2, &mut scratch).unwrap(), Draws::default());
        plan.forward(BASE, (&params, &mut state), &x, none, &mut work, &mut scratch.frame()).unwrap();
        let (got, dy) = plan.ends(&mut work);
        let close = |got: &[f32], want: &[f32], tolerance: f32, what: &str| {
            assert_eq!(got.len(), want.len(), "{name} {what}");
            let most = want.iter().fold(0f32, |most, v| most.max(v.abs()));
            for (got, want) in got.iter().zip(want) {
                let error = (got - want).abs() / (want.abs() + 0.1 * most);
                assert!(got == want || error <= tolerance, "{name} {what}: {got} instead of {want}");
            }
        };
        close(got, y, 1e-5, "output");
        dy.copy_from_slice(&quarters(dy.len(), 3, 17, 8));
        let (mut g, mut d) = (vec![0f32; plan.grad_len()], vec![0f32; dx.len()]);
        let to = Gradients { params: &mut g, add: false, input: &mut d };
        let model = Model { params: &params, state: &state };
        plan.backward(BASE, model, (&x, none), &mut work, to, &mut scratch).unwrap();
        close(&g, grads, 1e-4, "gradient by the parameters");
        close(&d, dx, 1e-4, "gradient by the input");
        close(&state, after, 1e-5, "state");
    }
}
