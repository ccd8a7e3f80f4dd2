//! The gradients of the parts of a batch add up to those of the whole.

use super::super::{
    Activation, Conv2d, ConvTranspose2d, Dense, Draws, Gradients, Layer, Model, Network, Shape,
};
use super::{ALL, BASE, first_state, keys, network, quarters, train};
use crate::scratch::Scratch;
use std::vec;
use std::vec::Vec;

/// The gradients of five samples, so many at a time.
fn in_parts(net: &Network<8>, params: &[f32], x: &[f32], dy: &[f32], of: usize) -> Vec<f32> {
    let plan = net.plan(ALL).unwrap();
    let mut memory = vec![0x7fu8; plan.workspace_len(of)];
    let (mut grads, mut state, all) = (vec![f32::NAN; plan.grad_len()], first_state(net, params), keys(5));
    let (wide, high) = (x.len() / 5, dy.len() / 5);
    let samples = x.chunks(of * wide).zip(dy.chunks(of * high)).zip(all.chunks(of));
    for (i, ((x, dy), keys)) in samples.enumerate() {
        let draws = Draws { seed: 9, keys };
        let mut scratch = Scratch::new(&mut memory);
        let mut work = plan.workspace(keys.len(), &mut scratch).unwrap();
        plan.forward(BASE, (params, &mut state), x, draws, &mut work, &mut scratch.frame()).unwrap();
        plan.ends(&mut work).1.copy_from_slice(dy);
        let mut dx = vec![0f32; x.len()];
        let to = Gradients { params: &mut grads, add: i > 0, input: &mut dx };
        let model = Model { params, state: &state };
        plan.backward(BASE, model, (x, draws), &mut work, to, &mut scratch).unwrap();
    }
    grads
}

fn cases(layers: &[Layer]) -> (Vec<f32>, [Vec<f32>; 2]) {
    let net = network(Shape::image(5, 4, 2), layers);
    let params = quarters(net.param_len(), 5, 13, 6).iter().map(|v| v * 0.3).collect::<Vec<_>>();
    let x = quarters(5 * 40, 7, 11, 5);
    let dy = quarters(5 * net.output().len().unwrap(), 3, 17, 8).iter().map(|v| v * 0.37).collect::<Vec<_>>();
    let whole = train(BASE, &net.plan(ALL).unwrap(), &params, &x, &dy).grads;
    (whole, [1, 2].map(|of| in_parts(&net, &params, &x, &dy, of)))
}

#[test]
fn to_the_same_bits_where_chains_go_on() {
    let up = ConvTranspose2d::new(2, 3).groups(2);
    let (whole, parts) = cases(&[
        Conv2d::new(4, 3).stride(2).padding(1).into(),
        Activation::Relu.into(),
        Layer::Dropout { p: 0.2 },
        up.into(),
        Layer::Flatten,
        Dense::new(3).into(),
    ]);
    assert!(parts.iter().all(|part| part.iter().zip(&whole).all(|(a, b)| a.to_bits() == b.to_bits())));
}

#[test]
fn nearly_elsewhere() {
    let (whole, parts) = cases(&[
        Conv2d::new(4, 3).padding(1).spectral_norm().into(),
        Layer::group_norm(2),
        Activation::Silu.into(),
        Layer::layer_norm(),
        Layer::Flatten,
        Dense::new(3).into(),
    ]);
    // u and v move on from one pass to the next, but hardly.
    for part in parts {
        for (a, b) in part.iter().zip(&whole) {
            assert!((a - b).abs() < 1e-3 * (1.0 + b.abs()), "{a} {b}");
        }
    }
}
