//! What the tests of this module share.

mod gradients;
mod losses;
mod reference;
mod same_bits;

use super::{Engine, Layer, Network, Shape};
use crate::exec::{Executor, Serial};
use crate::scratch::Scratch;
use crate::simd::Level;
use std::vec;
use std::vec::Vec;

pub(crate) const BASE: Engine<'static, Serial> = Engine { level: Level::BASE, exec: &Serial };

/// Small multiples of a quarter, the same as in the numpy scripts that the reference values are from.
pub(crate) fn quarters(n: usize, a: usize, m: usize, o: i32) -> Vec<f32> {
    (0..n).map(|i| (((i * a) % m) as i32 - o) as f32 / 4.0).collect()
}

fn network(input: Shape, layers: &[Layer]) -> Network<8> {
    let mut net = Network::new(input).unwrap();
    for &layer in layers {
        net.push(layer).unwrap();
    }
    net
}

/// The output of a forward pass.
fn forward<E: Executor>(on: Engine<'_, E>, net: &Network<8>, params: &[f32], x: &[f32]) -> Vec<f32> {
    let batch = x.len() / net.input().len().unwrap();
    let mut activations = vec![f32::NAN; net.activation_len(batch).unwrap()];
    let mut memory = vec![0x7fu8; net.forward_scratch_len(batch)];
    net.forward(on, [params, x], &mut activations, &mut Scratch::new(&mut memory)).unwrap();
    net.result(batch, &activations).to_vec()
}

/// (gradient by the parameters, gradient by the input) for a gradient `dy` by the output.
fn backward<E: Executor>(
    on: Engine<'_, E>,
    net: &Network<8>,
    params: &[f32],
    x: &[f32],
    dy: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let batch = x.len() / net.input().len().unwrap();
    let mut activations = vec![f32::NAN; net.activation_len(batch).unwrap()];
    let mut memory = vec![0x7fu8; net.backward_scratch_len(batch, true)];
    net.forward(on, [params, x], &mut activations, &mut Scratch::new(&mut memory)).unwrap();
    let mut grads = vec![f32::NAN; net.param_len()];
    let mut dx = vec![f32::NAN; x.len()];
    let outputs = (Some(&mut grads[..]), Some(&mut dx[..]));
    let mut dy = dy.to_vec();
    net.backward(on, [params, x, &activations], &mut dy, outputs, &mut Scratch::new(&mut memory)).unwrap();
    (grads, dx)
}
