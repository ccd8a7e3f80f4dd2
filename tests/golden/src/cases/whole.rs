//! Floor 2: networks in 8-bit whole numbers.

use super::fill;
use crate::Digest;
use seedbed::exec::Serial;
use seedbed::nn::int8::{Comparison, QuantPlan, QuantisedMut};
use seedbed::nn::{
    Activation, Conv2d, ConvTranspose2d, Dense, Engine, Layer, Mode, Model, Network, Pool2d, Shape,
};
use seedbed::{Level, Result, Scratch};

/// Samples in a batch.
const BATCH: usize = 3;

/// Calibration, rounding, and passes by weights in both layouts.
fn pass(level: Level, scratch: &mut Scratch<'_>, input: Shape, layers: &[Layer]) -> Result<u64> {
    let on = Engine { level, exec: &Serial };
    let mut net = Network::<10>::new(input)?;
    layers.iter().try_for_each(|layer| net.push(*layer))?;
    let mut scratch = scratch.frame();
    let params = scratch.take::<f32>(net.param_len())?;
    let state = scratch.take::<f32>(net.state_len())?;
    net.init(5, 0, params)?;
    net.init_state(5, 0, params, state)?;
    let model = Model { params, state };
    let x = scratch.take::<f32>(BATCH * input.len()?)?;
    let outputs = BATCH * net.output().len()?;
    let (out, packed_out) = (scratch.take::<f32>(outputs)?, scratch.take::<f32>(outputs)?);
    fill(63, -1.0, 1.0, x);

    let plan = QuantPlan::new(&net)?;
    let ranges = scratch.take::<f32>(plan.range_len())?;
    let counts = scratch.take::<u32>(plan.count_len())?;
    plan.calibration(ranges)?.observe(on, model, x, &mut scratch.frame())?;
    let mut magnitudes = plan.magnitudes(ranges, counts)?;
    magnitudes.observe(on, model, x, &mut scratch.frame())?;
    magnitudes.narrow(0.99)?;
    let to = QuantisedMut {
        weights: scratch.take(plan.weight_len())?,
        scales: scratch.take(plan.scale_len())?,
        biases: scratch.take(plan.bias_len())?,
    };
    let whole = plan.quantise(model, ranges, to)?;
    plan.infer(on, whole, x, out, &mut scratch.frame())?;
    let packed = plan.pack(whole, scratch.take(plan.panel_len())?)?;
    plan.infer_packed(on, packed, x, packed_out, &mut scratch.frame())?;

    let exact = net.plan(Mode::Inference)?;
    let mut work = exact.workspace(BATCH, &mut scratch)?;
    exact.infer(on, model, x, &mut work, &mut scratch)?;
    let mut comparison = Comparison::default();
    comparison.add(exact.result(&work), out)?;
    let mut digest = Digest::new();
    digest.floats(whole.ranges).floats(whole.scales).floats(out).floats(packed_out);
    whole.weights.iter().for_each(|&w| _ = digest.word(w as u64));
    whole.biases.iter().for_each(|&b| _ = digest.word(b as u64));
    digest.floats(&[comparison.largest(), comparison.mean(), comparison.decibels()]);
    Ok(digest.finish())
}

/// Every layer that is served, in three networks.
pub(super) fn int8(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    let networks: [(Shape, &[Layer]); 3] = [
        (
            Shape::image(6, 5, 4),
            &[
                Conv2d::new(18, 3).padding(1).groups(2).without_bias().into(),
                Layer::batch_norm(),
                Activation::LeakyRelu { slope: 0.2 }.into(),
                Layer::MaxPool2d(Pool2d::new(2)),
                Layer::Dropout { p: 0.3 },
                ConvTranspose2d::new(18, 4).stride(2).padding(1).spectral_norm().into(),
                Activation::Gelu.into(),
                Layer::AvgPool2d(Pool2d::new(3).stride(2).padding(1)),
                Conv2d::new(1, 2).into(),
                Activation::Sigmoid.into(),
            ],
        ),
        (
            Shape::flat(20),
            &[
                Dense::new(3 * 2 * 20).into(),
                Layer::Unflatten(Shape::image(3, 2, 20)),
                Layer::batch_norm(),
                Activation::Relu.into(),
                Layer::Upsample { factor: 2 },
                ConvTranspose2d::new(1, 4).stride(2).padding(1).into(),
                Activation::Tanh.into(),
                Layer::Flatten,
            ],
        ),
        (
            Shape::flat(20),
            &[
                Layer::batch_norm(),
                Activation::Tanh.into(),
                Dense::new(40).into(),
                Activation::Relu.into(),
                Dense::new(70).spectral_norm().into(),
            ],
        ),
    ];
    for (input, layers) in networks {
        digest.word(pass(level, scratch, input, layers)?);
    }
    Ok(digest.finish())
}
