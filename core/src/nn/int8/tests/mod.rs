//! What the tests of this module share.

mod accuracy;
mod calibration;
mod definition;
mod exact;
mod refused;

use super::{Packed, Part, PartRole, QuantPlan, Quantised, QuantisedMut};
use crate::exec::Executor;
use crate::nn::tests::BASE;
use crate::nn::{Engine, Layer, Mode, Model, Network, Shape};
use crate::rng::{Key, Stream};
use crate::scratch::Scratch;
use std::vec;
use std::vec::Vec;

type Net = Network<12>;

fn network(input: Shape, layers: &[Layer]) -> Net {
    let mut net = Network::new(input).unwrap();
    for &layer in layers {
        net.push(layer).unwrap();
    }
    net
}

fn draw(n: usize, op: u32) -> Vec<f32> {
    let mut stream = Stream::new(5, Key::new(0).op(op));
    (0..n).map(|_| stream.range(-1.0, 1.0)).collect()
}

fn bits(v: &[f32]) -> Vec<u32> {
    v.iter().map(|v| v.to_bits()).collect()
}

/// A network with parameters and a state that are none of the first ones: normalisations that scale and move.
struct Trained {
    net: Net,
    params: Vec<f32>,
    state: Vec<f32>,
}

impl Trained {
    fn new(input: Shape, layers: &[Layer]) -> Self {
        let net = network(input, layers);
        let mut params = draw(net.param_len(), 1);
        let mut state = vec![0.0; net.state_len()];
        net.init(1, 0, &mut params).unwrap();
        net.init_state(4, 0, &params, &mut state).unwrap();
        for (i, layer) in
            layers.iter().enumerate().filter(|(_, layer)| matches!(layer, Layer::BatchNorm { .. }))
        {
            for t in net.tensors().filter(|t| t.layer == i) {
                params[t.offset..][..t.len()].copy_from_slice(&draw(t.len(), 7 + t.offset as u32));
            }
            for t in net.state_tensors().filter(|t| t.layer == i) {
                let values = draw(t.len(), 9 + t.offset as u32);
                let to = &mut state[t.offset..][..t.len()];
                to.iter_mut().zip(values).for_each(|(to, v)| *to += 0.3 * v);
            }
            assert!(matches!(layer, Layer::BatchNorm { .. }));
        }
        Self { net, params, state }
    }

    fn model(&self) -> Model<'_> {
        Model { params: &self.params, state: &self.state }
    }

    fn plan(&self) -> QuantPlan<12> {
        QuantPlan::new(&self.net).unwrap()
    }

    fn batch(&self, x: &[f32]) -> usize {
        x.len() / self.net.input().len().unwrap()
    }

    /// The outputs in single precision.
    fn exact(&self, x: &[f32]) -> Vec<f32> {
        let (plan, batch) = (self.net.plan(Mode::Inference).unwrap(), self.batch(x));
        let mut memory = vec![0u8; plan.workspace_len(batch)];
        let mut scratch = Scratch::new(&mut memory);
        let mut work = plan.workspace(batch, &mut scratch).unwrap();
        plan.infer(BASE, self.model(), x, &mut work, &mut scratch).unwrap();
        plan.result(&work).to_vec()
    }

    /// The ranges of a batch.
    fn ranges(&self, x: &[f32]) -> Vec<f32> {
        let plan = self.plan();
        let mut ranges = vec![7.0; plan.range_len()];
        let mut memory = vec![0x7fu8; plan.observe_scratch_len(self.batch(x)).unwrap()];
        let mut calibration = plan.calibration(&mut ranges).unwrap();
        calibration.observe(BASE, self.model(), x, &mut Scratch::new(&mut memory)).unwrap();
        ranges
    }

    fn whole(&self, x: &[f32]) -> Whole {
        let (plan, ranges) = (self.plan(), self.ranges(x));
        let mut whole = Whole {
            ranges,
            weights: vec![99; plan.weight_len()],
            scales: vec![9.0; plan.scale_len()],
            biases: vec![99; plan.bias_len()],
        };
        let Whole { ranges, weights, scales, biases } = &mut whole;
        plan.quantise(self.model(), ranges, QuantisedMut { weights, scales, biases }).unwrap();
        whole
    }
}

/// A model in whole numbers that owns its memory.
#[derive(Clone, Debug, PartialEq)]
struct Whole {
    ranges: Vec<f32>,
    weights: Vec<i8>,
    scales: Vec<f32>,
    biases: Vec<i32>,
}

impl Whole {
    fn model(&self) -> Quantised<'_> {
        Quantised { ranges: &self.ranges, weights: &self.weights, scales: &self.scales, biases: &self.biases }
    }

    /// The outputs by weights where they lie, in memory of exactly the length that was told.
    fn infer<E: Executor>(&self, on: Engine<'_, E>, plan: &QuantPlan<12>, x: &[f32]) -> Vec<f32> {
        let batch = x.len() / plan.network().input().len().unwrap();
        let mut out = vec![f32::NAN; batch * plan.network().output().len().unwrap()];
        let mut memory = vec![0x7fu8; plan.scratch_len(batch)];
        plan.infer(on, self.model(), x, &mut out, &mut Scratch::new(&mut memory)).unwrap();
        out
    }

    /// The same by packed weights.
    fn infer_packed<E: Executor>(&self, on: Engine<'_, E>, plan: &QuantPlan<12>, x: &[f32]) -> Vec<f32> {
        let batch = x.len() / plan.network().input().len().unwrap();
        let mut out = vec![f32::NAN; batch * plan.network().output().len().unwrap()];
        let mut panels = vec![0x55; plan.panel_len()];
        let packed: Packed<'_> = plan.pack(self.model(), &mut panels).unwrap();
        let mut memory = vec![0x7fu8; plan.packed_scratch_len(batch)];
        plan.infer_packed(on, packed, x, &mut out, &mut Scratch::new(&mut memory)).unwrap();
        out
    }

    /// A part of a layer, with where it lies.
    fn part(plan: &QuantPlan<12>, layer: Option<usize>, role: PartRole) -> Option<Part> {
        plan.parts().find(|part| part.layer == layer && part.role == role)
    }
}
