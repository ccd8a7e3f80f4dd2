//! What the tests of this module share.

mod accumulation;
mod adversarial;
mod definition;
mod free_bits;
mod gradients;
mod loss_gradients;
mod losses;
mod optimisers;
mod penalty;
mod planning;
mod pytorch;
mod reference;
mod same_bits;
mod schedules;

use super::{Draws, Engine, Gradients, Layer, Mode, Model, Network, Plan, Shape};
use crate::exec::{Executor, Serial};
use crate::rng::Key;
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

/// What training of all layers asks for.
const ALL: Mode = Mode::Training { frozen: 0, input_gradient: true };

fn keys(batch: usize) -> Vec<Key> {
    (0..batch).map(|i| Key::new(3).sample(i as u64)).collect()
}

/// The state of a network before the first pass.
fn first_state(net: &Network<8>, params: &[f32]) -> Vec<f32> {
    let mut state = vec![f32::NAN; net.state_len()];
    net.init_state(4, 0, params, &mut state).unwrap();
    state
}

/// The output of a pass in use.
fn forward<E: Executor>(on: Engine<'_, E>, net: &Network<8>, params: &[f32], x: &[f32]) -> Vec<f32> {
    let plan = net.plan(Mode::Inference).unwrap();
    let batch = x.len() / net.input().len().unwrap();
    let mut memory = vec![0x7fu8; plan.workspace_len(batch)];
    let mut scratch = Scratch::new(&mut memory);
    let mut work = plan.workspace(batch, &mut scratch).unwrap();
    let model = Model { params, state: &first_state(net, params) };
    plan.infer(on, model, x, &mut work, &mut scratch).unwrap();
    plan.result(&work).to_vec()
}

/// What a pass of training gives.
#[derive(Clone, Debug, Default, PartialEq)]
struct Trained {
    y: Vec<f32>,
    grads: Vec<f32>,
    dx: Vec<f32>,
    state: Vec<f32>,
}

impl Trained {
    fn bits(&self) -> [Vec<u32>; 4] {
        [&self.y, &self.grads, &self.dx, &self.state].map(|v| v.iter().map(|x| x.to_bits()).collect())
    }
}

/// A pass forward and backward for a gradient `dy` by the output, in memory of exactly the length that was told.
fn train<E: Executor>(on: Engine<'_, E>, plan: &Plan<8>, params: &[f32], x: &[f32], dy: &[f32]) -> Trained {
    let net = plan.network();
    let batch = x.len() / net.input().len().unwrap();
    let (keys, mut state) = (keys(batch), first_state(net, params));
    let draws = Draws { seed: 9, keys: &keys };
    let mut memory = vec![0x7fu8; plan.workspace_len(batch)];
    let mut scratch = Scratch::new(&mut memory);
    let mut work = plan.workspace(batch, &mut scratch).unwrap();
    plan.forward(on, (params, &mut state), x, draws, &mut work, &mut scratch.frame()).unwrap();
    let (y, to) = plan.ends(&mut work);
    let y = y.to_vec();
    to.copy_from_slice(dy);
    let mut grads = vec![f32::NAN; plan.grad_len()];
    let wants = matches!(plan.mode(), Mode::Training { input_gradient: true, .. });
    let mut dx = vec![f32::NAN; if wants { x.len() } else { 0 }];
    let model = Model { params, state: &state };
    let to = Gradients { params: &mut grads, add: false, input: &mut dx };
    plan.backward(on, model, (x, draws), &mut work, to, &mut scratch).unwrap();
    Trained { y, grads, dx, state }
}

/// [`train`] of all layers.
fn backward<E: Executor>(
    on: Engine<'_, E>,
    net: &Network<8>,
    params: &[f32],
    x: &[f32],
    dy: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let trained = train(on, &net.plan(ALL).unwrap(), params, x, dy);
    (trained.grads, trained.dx)
}
