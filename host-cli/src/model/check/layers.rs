//! What the layers of a model hold, and what comes out of them.

use crate::error::Result;
use crate::features::Moments;
use crate::model::any::{Model, full_name};
use crate::model::runner::{InUse, NetRunner, Runner};
use crate::model::stored::Stored;
use crate::model::{ModelFile, WholeFile};
use seedbed::exec::Executor;
use seedbed::generate::{MAX_LAYERS, Net};
use seedbed::math::max;
use seedbed::nn::int8::{PartRole, QuantPlan};
use seedbed::nn::{Activation, Layer, Network, Role};
use serde::Serialize;

/// Rows that go through a network at a time; all that comes out of a layer for them is held.
const ROWS: usize = 32;

/// What a layer with weights holds, and what comes out of it and of the functions behind it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LayerCheck {
    /// Its name: the network and its number there.
    pub name: String,
    /// How many weights it has.
    pub weights: usize,
    /// The lowest of them.
    pub lowest: f32,
    /// The highest.
    pub highest: f32,
    /// Their standard deviation.
    pub deviation: f32,
    /// The share that is 0.
    pub zeros: f64,
    /// Its output channels; 0 where weights are not of such.
    pub channels: usize,
    /// Output channels all of whose weights are 0.
    pub empty: usize,
    /// The largest magnitude of what comes out, of the layers up to the next one with weights; `None` where it was not run.
    pub largest: Option<f32>,
    /// Channels of a ReLU behind it that never let anything through; `None` where there is none, or it was not run.
    pub silent: Option<usize>,
}

/// The output channel of a weight of a layer, in PyTorch's layout; `None` for a layer whose weights are of no such channels.
fn channel(layer: &Layer, [inputs, outputs]: [usize; 2], len: usize, index: usize) -> Option<usize> {
    match layer {
        Layer::Dense(_) | Layer::Conv2d(_) => index.checked_div(len.checked_div(outputs)?),
        Layer::ConvTranspose2d(conv) => {
            let each = outputs.checked_div(conv.groups)?;
            let (of_input, area) = (len.checked_div(inputs)?, conv.kernel * conv.kernel);
            let group = index.checked_div(of_input)?.checked_div(inputs.checked_div(conv.groups)?)?;
            Some(group * each + (index % of_input).checked_div(area)?)
        }
        _ => None,
    }
}

/// Channels that go into a layer of a network, and that come out.
fn channels(net: &Net, layer: usize) -> [usize; 2] {
    let output = |i: usize| net.layers().nth(i).map_or(0, |(_, shape)| shape.channels);
    [layer.checked_sub(1).map_or_else(|| net.input().channels, output), output(layer)]
}

/// The largest magnitude; NaN counts as infinity.
pub fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |most, v| max(if v.is_nan() { f32::INFINITY } else { v.abs() }, most))
}

/// What weights are of a layer.
fn weights(name: String, (net, layer): (&Net, usize), values: &[f32]) -> LayerCheck {
    let mut row = LayerCheck { name, weights: values.len(), ..LayerCheck::default() };
    let Some((kind, _)) = net.layers().nth(layer) else { return row };
    let sides = channels(net, layer);
    let mut used = vec![false; sides[1]];
    let mut moments = Moments::default();
    let mut zeros = 0;
    for (i, &v) in values.iter().enumerate() {
        moments.add(v);
        zeros += usize::from(v == 0.0);
        if let Some(own) = channel(&kind, sides, values.len(), i).and_then(|c| used.get_mut(c)) {
            *own |= v != 0.0;
            row.channels = sides[1];
        }
    }
    (row.lowest, row.highest, row.deviation) = (moments.least(), moments.greatest(), moments.std());
    row.zeros = zeros as f64 / values.len().max(1) as f64;
    row.empty = if row.channels > 0 { used.iter().filter(|used| !**used).count() } else { 0 };
    row
}

/// The rows of a model in single precision, those of a discriminator and of a prior of codes too.
fn single(model: &Model, file: &ModelFile) -> Vec<LayerCheck> {
    let nets = model.networks();
    let row = |t: seedbed::generate::NamedTensor| {
        let net = nets.iter().find(|(name, _)| *name == t.network)?.1;
        let range = t.tensor.offset..t.tensor.offset + t.tensor.len();
        // Of a generator what is used is its running mean.
        let values = file.used().params.get(range.clone()).or_else(|| file.weights.params.get(range))?;
        let name = full_name(&t).trim_end_matches(".weight").to_owned();
        (t.role() == Role::Weight).then(|| weights(name, (net, t.tensor.layer), values))
    };
    model.tensors().into_iter().filter_map(row).collect()
}

/// Those of one in whole numbers: the weights as the numbers that they stand for.
fn whole(model: &Model, file: &WholeFile) -> Result<Vec<LayerCheck>> {
    let mut rows = Vec::new();
    for of in InUse::all(model) {
        let Some(own) = file.net(of.name) else { continue };
        let parts: Vec<_> = QuantPlan::<MAX_LAYERS>::new(of.net)?.parts().collect();
        for part in parts.iter().filter(|part| part.role == PartRole::Weight) {
            let Some(layer) = part.layer else { continue };
            let of_layer = |p: &&seedbed::nn::int8::Part| p.role == PartRole::Scale && p.layer == part.layer;
            let scales = parts.iter().find(of_layer).map_or(0, |scale| scale.offset);
            let (kind, sides) = (of.net.layers().nth(layer).map(|(kind, _)| kind), channels(of.net, layer));
            let scale = |i: usize| {
                let channel = kind.as_ref().and_then(|kind| channel(kind, sides, part.len(), i));
                channel.and_then(|c| own.scales.get(scales + c)).copied().unwrap_or(1.0)
            };
            let values: Vec<f32> = own.weights[part.offset..part.offset + part.len()]
                .iter()
                .enumerate()
                .map(|(i, &w)| f32::from(w) * scale(i))
                .collect();
            let mut row = weights(format!("{}.{layer}", of.name), (of.net, layer), &values);
            // What came up where the ranges were found; what is behind the last product has none.
            let range = parts.iter().find(|p| p.role == PartRole::Range && p.layer >= Some(layer));
            row.largest = range.map(|p| largest(&own.ranges[p.offset..p.offset + p.len()]));
            rows.push(row);
        }
    }
    Ok(rows)
}

/// The rows of a model; of one in single precision with what comes out of its layers for `inputs`, rows for each network.
///
/// # Errors
/// None that the model does not have.
pub fn layers(stored: &Stored, runner: &Runner<'_>, inputs: &[Vec<f32>]) -> Result<Vec<LayerCheck>> {
    let file = match stored {
        Stored::Whole(file) => return whole(&runner.model, file),
        Stored::Single(file) => file,
    };
    let mut rows = single(&runner.model, file);
    for (of, x) in InUse::all(&runner.model).iter().zip(inputs) {
        run(runner, (of, file), x, &mut rows)?;
    }
    Ok(rows)
}

/// Runs the beginnings of a network, one layer longer each time.
fn run(
    runner: &Runner<'_>,
    (of, file): (&InUse<'_>, &ModelFile),
    x: &[f32],
    rows: &mut [LayerCheck],
) -> Result<()> {
    let all = of.of(file.used());
    let mut net = Network::<MAX_LAYERS>::new(of.net.input())?;
    let mut name = String::new();
    for (i, (layer, shape)) in of.net.layers().enumerate() {
        net.push(layer)?;
        if of.net.params_before(i + 1) > of.net.params_before(i) {
            name = format!("{}.{i}", of.name);
        }
        let Some(row) = rows.iter_mut().find(|row| row.name == name) else { continue };
        let params = seedbed::nn::Model {
            params: &all.params[..net.param_len()],
            state: &all.state[..net.state_len()],
        };
        let runs = NetRunner::single(&of.beginning(&net), params, runner.ctx.pool.width())?;
        let mut active = vec![false; shape.channels];
        let mut most = row.largest.unwrap_or(0.0);
        for x in x.chunks(ROWS * runs.widths[0]) {
            let out = runs.run(runner.engine(), x)?;
            most = max(largest(&out), most);
            for pixel in out.chunks_exact(shape.channels) {
                active.iter_mut().zip(pixel).for_each(|(active, v)| *active |= *v > 0.0);
            }
        }
        row.largest = Some(most);
        if layer == Layer::Activation(Activation::Relu) {
            row.silent = Some(active.iter().filter(|active| !**active).count());
        }
    }
    Ok(())
}
