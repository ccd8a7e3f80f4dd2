//! Decoding in whole numbers beside single precision, both by packed weights: 20-400-784 of one latent vector and of sixteen, and
//! a generator of 28 × 28 pictures of one. Throughput counts samples.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use seedbed::exec::Serial;
use seedbed::nn::int8::{QuantPlan, QuantisedMut};
use seedbed::nn::{Activation, ConvTranspose2d, Dense, Engine, Layer, Mode, Model, Network, Shape};
use seedbed::{Level, Scratch};
use seedbed_benches::{criterion, floats, id, levels};
use std::hint::black_box;

type Net = Network<12>;
type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn decoder() -> Net {
    network(Shape::flat(20), &[Dense::new(400).into(), Activation::Relu.into(), Dense::new(784).into()])
}

/// 64 to 7 × 7 × 128, 14 × 14 × 64 and 28 × 28, as a DCGAN has it.
fn generator() -> Net {
    let up = |channels| ConvTranspose2d::new(channels, 4).stride(2).padding(1);
    network(
        Shape::flat(64),
        &[
            Dense::new(7 * 7 * 128).without_bias().into(),
            Layer::Unflatten(Shape::image(7, 7, 128)),
            Layer::batch_norm(),
            Activation::Relu.into(),
            up(64).without_bias().into(),
            Layer::batch_norm(),
            Activation::Relu.into(),
            up(1).into(),
            Activation::Tanh.into(),
        ],
    )
}

fn network(input: Shape, layers: &[Layer]) -> Net {
    let mut net = Net::new(input).unwrap();
    layers.iter().for_each(|&layer| net.push(layer).unwrap());
    net
}

fn both(c: &mut Criterion, name: &str, net: &Net, batch: usize) {
    let mut group = c.benchmark_group(format!("{name} batch {batch}"));
    group.throughput(Throughput::Elements(batch as u64));
    let mut params = vec![0f32; net.param_len()];
    let mut state = vec![0f32; net.state_len()];
    net.init(1, 0, &mut params).unwrap();
    net.init_state(1, 0, &params, &mut state).unwrap();
    let model = Model { params: &params, state: &state };
    let x = floats(batch * net.input().len().unwrap(), -2.0, 2.0);
    single(&mut group, net, model, &x, batch);
    whole(&mut group, net, model, &x, batch);
    group.finish();
}

fn single(group: &mut Group<'_>, net: &Net, model: Model<'_>, x: &[f32], batch: usize) {
    let plan = net.plan(Mode::Inference).unwrap();
    let mut panels = vec![0f32; plan.packed_len()];
    let packed = plan.pack(model, &mut panels).unwrap();
    let mut memory = vec![0u8; plan.workspace_len(batch)];
    for level in levels() {
        let on = Engine { level, exec: &Serial };
        group.bench_function(id("f32", level), |bench| {
            bench.iter(|| {
                let mut scratch = Scratch::new(&mut memory);
                let mut work = plan.workspace(batch, &mut scratch).unwrap();
                plan.infer_packed(on, packed, black_box(x), &mut work, &mut scratch).unwrap();
                black_box(plan.result(&work));
            });
        });
    }
}

fn whole(group: &mut Group<'_>, net: &Net, model: Model<'_>, x: &[f32], batch: usize) {
    let plan = QuantPlan::new(net).unwrap();
    let mut ranges = vec![0f32; plan.range_len()];
    let mut memory = vec![0u8; plan.observe_scratch_len(batch).unwrap()];
    let on = Engine { level: Level::detect(), exec: &Serial };
    let mut calibration = plan.calibration(&mut ranges).unwrap();
    calibration.observe(on, model, x, &mut Scratch::new(&mut memory)).unwrap();
    let (mut weights, mut scales) = (vec![0; plan.weight_len()], vec![0f32; plan.scale_len()]);
    let mut biases = vec![0; plan.bias_len()];
    let to = QuantisedMut { weights: &mut weights, scales: &mut scales, biases: &mut biases };
    let whole = plan.quantise(model, &ranges, to).unwrap();
    let mut panels = vec![0; plan.panel_len()];
    let packed = plan.pack(whole, &mut panels).unwrap();
    let mut out = vec![0f32; batch * net.output().len().unwrap()];
    let mut memory = vec![0u8; plan.packed_scratch_len(batch).max(plan.scratch_len(batch))];
    for level in levels() {
        let on = Engine { level, exec: &Serial };
        group.bench_function(id("int8", level), |bench| {
            bench.iter(|| {
                let mut scratch = Scratch::new(&mut memory);
                plan.infer_packed(on, packed, black_box(x), &mut out, &mut scratch).unwrap();
                black_box(&out);
            });
        });
        group.bench_function(id("int8 in PyTorch's layout", level), |bench| {
            bench.iter(|| {
                let mut scratch = Scratch::new(&mut memory);
                plan.infer(on, whole, black_box(x), &mut out, &mut scratch).unwrap();
                black_box(&out);
            });
        });
    }
}

fn all(c: &mut Criterion) {
    both(c, "20-400-784", &decoder(), 1);
    both(c, "20-400-784", &decoder(), 16);
    both(c, "generator 28x28", &generator(), 1);
}

criterion_group! { name = benches; config = criterion(); targets = all }
criterion_main!(benches);
