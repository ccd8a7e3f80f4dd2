//! A pass in whole numbers by its definition: layer after layer, in 64-bit sums.

use super::{Net, PartRole, QuantPlan, Whole};
use crate::math;
use crate::nn::{Activation, Layer, Shape};
use std::vec;
use std::vec::Vec;

/// The step, its inverse and the byte of 0 of a range.
#[derive(Clone, Copy)]
struct Range {
    step: f32,
    inverse: f32,
    zero: f64,
}

impl Range {
    fn of(low: f32, high: f32) -> Self {
        if low == high {
            return Self { step: 1.0, inverse: 1.0, zero: 0.0 };
        }
        let step = (high - low) / 255.0;
        let inverse = 1.0 / step;
        let zero = f64::from(-low * inverse).round_ties_even().clamp(0.0, 255.0);
        Self { step, inverse, zero }
    }

    /// The byte of a value in steps.
    fn byte(self, v: f32) -> i64 {
        (f64::from(v) + self.zero).round_ties_even().clamp(0.0, 255.0) as i64
    }

    fn value(self, byte: i64) -> f32 {
        (byte - self.zero as i64) as f32 * self.step
    }
}

/// A value between two layers.
#[derive(Clone, Copy)]
enum Value {
    Byte(i64),
    /// A sum and the scale of its channel.
    Sum(i64, f32),
    Number(f32),
}

/// What is known of all values between two layers.
struct State {
    shape: Shape,
    values: Vec<Value>,
    range: Range,
    then: Option<Activation>,
}

/// The outputs of a batch.
pub(super) fn pass(net: &Net, plan: &QuantPlan<12>, whole: &Whole, x: &[f32]) -> Vec<f32> {
    x.chunks(net.input().len().unwrap()).flat_map(|x| sample(net, plan, whole, x)).collect()
}

fn sample(net: &Net, plan: &QuantPlan<12>, whole: &Whole, x: &[f32]) -> Vec<f32> {
    let range = |layer| {
        let part = Whole::part(plan, layer, PartRole::Range)?;
        Some(Range::of(whole.ranges[part.offset], whole.ranges[part.offset + 1]))
    };
    let first = range(None).unwrap();
    let values = x.iter().map(|v| Value::Byte(first.byte(v * first.inverse))).collect();
    let mut at = State { shape: net.input(), values, range: first, then: None };
    let product =
        |layer: &Layer| matches!(layer, Layer::Dense(_) | Layer::Conv2d(_) | Layer::ConvTranspose2d(_));
    let last = net.layers().map(|(layer, _)| layer).collect::<Vec<_>>().iter().rposition(product).unwrap();
    for (i, (layer, output)) in net.layers().enumerate() {
        match layer {
            Layer::Dropout { .. } => {}
            _ if product(&layer) => at.values = multiplied(plan, whole, i, &layer, &at, output),
            Layer::BatchNorm { .. } => normalise(plan, whole, i, &mut at),
            Layer::Activation(activation) => {
                at.then = Some(activation);
                if i > last {
                    at.numbers();
                }
            }
            _ => {
                if i > last {
                    at.numbers();
                }
                at.values = moved(&layer, &at, output);
            }
        }
        at.shape = output;
        if let Some(next) = range(Some(i)) {
            at.round(next);
        }
    }
    at.numbers();
    at.values.iter().map(|v| if let Value::Number(v) = v { *v } else { unreachable!() }).collect()
}

impl State {
    /// Sums and bytes as numbers, and the function of them.
    fn numbers(&mut self) {
        let (range, then) = (self.range, self.then.take());
        for v in &mut self.values {
            let number = match *v {
                Value::Byte(byte) => range.value(byte),
                Value::Sum(sum, scale) => (sum as f32 * scale) * range.step,
                Value::Number(v) => v,
            };
            *v = Value::Number(then.map_or(number, |then| function(then, number)));
        }
    }

    /// All as bytes of another range.
    fn round(&mut self, to: Range) {
        let from = self.range;
        let slope = match self.then {
            None => Some(1.0),
            Some(Activation::Relu) => Some(0.0),
            Some(Activation::LeakyRelu { slope }) => Some(slope),
            _ => None,
        };
        if let Some(slope) = slope.filter(|_| matches!(self.values[0], Value::Sum(..))) {
            for v in &mut self.values {
                let Value::Sum(sum, scale) = *v else { unreachable!() };
                let steps = (sum as f32 * scale) * (from.step * to.inverse);
                *v = Value::Byte(to.byte(if steps > 0.0 { steps } else { slope * steps }));
            }
        } else {
            self.numbers();
            for v in &mut self.values {
                let Value::Number(number) = *v else { unreachable!() };
                *v = Value::Byte(to.byte(number * to.inverse));
            }
        }
        (self.range, self.then) = (to, None);
    }
}

fn function(activation: Activation, v: f32) -> f32 {
    match activation {
        Activation::Relu => {
            if v <= 0.0 {
                0.0
            } else {
                v
            }
        }
        Activation::LeakyRelu { slope } if v <= 0.0 => slope * v,
        Activation::LeakyRelu { .. } => v,
        Activation::Sigmoid => math::sigmoid(v),
        Activation::Tanh => math::tanh(v),
        Activation::Silu => v * math::sigmoid(v),
        Activation::Softplus => math::softplus(v),
        _ => unreachable!("not in these tests"),
    }
}

fn normalise(plan: &QuantPlan<12>, whole: &Whole, layer: usize, at: &mut State) {
    // Where there is nothing of it, it is in the product before it.
    let Some(part) = Whole::part(plan, Some(layer), PartRole::Affine) else { return };
    at.numbers();
    let channels = at.shape.channels;
    let own = &whole.scales[part.offset..][..2 * channels];
    for (i, v) in at.values.iter_mut().enumerate() {
        let Value::Number(number) = *v else { unreachable!() };
        *v = Value::Number(number * own[i % channels] + own[channels + i % channels]);
    }
}

/// The sums of a product.
fn multiplied(
    plan: &QuantPlan<12>,
    whole: &Whole,
    layer: usize,
    of: &Layer,
    at: &State,
    to: Shape,
) -> Vec<Value> {
    let own = |role| Whole::part(plan, Some(layer), role).unwrap();
    let part = own(PartRole::Weight);
    let weights = &whole.weights[part.offset..][..part.len()];
    let scales = &whole.scales[own(PartRole::Scale).offset..][..to.channels];
    let mut sums: Vec<i64> = vec![0; to.len().unwrap()];
    let biases = &whole.biases[own(PartRole::Bias).offset..][..to.channels];
    sums.iter_mut().enumerate().for_each(|(i, sum)| *sum = i64::from(biases[i % to.channels]));
    let from = at.shape;
    let x = |place: usize, channel: usize| match at.values[place * from.channels + channel] {
        Value::Byte(byte) => byte - at.range.zero as i64,
        _ => unreachable!(),
    };
    let (kernel, stride, padding, groups, transposed) = match of {
        Layer::Conv2d(c) => (c.kernel, c.stride, c.padding, c.groups, false),
        Layer::ConvTranspose2d(c) => (c.kernel, c.stride, c.padding, c.groups, true),
        _ => (1, 1, 0, 1, false),
    };
    // The large picture has windows, each for a place of the small one.
    let (large, small) = if transposed { (to, from) } else { (from, to) };
    let (ins, outs) = (from.channels / groups, to.channels / groups);
    for (row, column) in (0..small.height).flat_map(|y| (0..small.width).map(move |x| (y, x))) {
        for (ky, kx) in (0..kernel).flat_map(|y| (0..kernel).map(move |x| (y, x))) {
            let (y, x_) = (row * stride + ky, column * stride + kx);
            let inside = |at: usize, side: usize| (padding..padding + side).contains(&at);
            if !(inside(y, large.height) && inside(x_, large.width)) {
                continue;
            }
            let places = (row * small.width + column, (y - padding) * large.width + x_ - padding);
            let (input, output) = if transposed { places } else { (places.1, places.0) };
            for (o, i) in (0..to.channels).flat_map(|o| (0..ins).map(move |i| (o, i))) {
                let input_channel = o / outs * ins + i;
                let joint = if transposed { input_channel * outs + o % outs } else { o * ins + i };
                let weight = weights[(joint * kernel + ky) * kernel + kx];
                sums[output * to.channels + o] += x(input, input_channel) * i64::from(weight);
            }
        }
    }
    sums.iter().enumerate().map(|(i, &sum)| Value::Sum(sum, scales[i % to.channels])).collect()
}

/// Values that go elsewhere, or are pooled.
fn moved(layer: &Layer, at: &State, to: Shape) -> Vec<Value> {
    let from = at.shape;
    let value = |y: usize, x: usize, c: usize| at.values[(y * from.width + x) * from.channels + c];
    let all = |shape: Shape| {
        let places = (0..shape.height).flat_map(move |y| (0..shape.width).map(move |x| (y, x)));
        places.flat_map(move |(y, x)| (0..shape.channels).map(move |c| (y, x, c)))
    };
    match layer {
        Layer::Flatten => {
            let order = |shape: Shape| {
                (0..shape.channels).flat_map(move |c| {
                    (0..shape.height).flat_map(move |y| (0..shape.width).map(move |x| (y, x, c)))
                })
            };
            order(from).map(|(y, x, c)| value(y, x, c)).collect()
        }
        Layer::Unflatten(_) => {
            all(to).map(|(y, x, c)| at.values[(c * to.height + y) * to.width + x]).collect()
        }
        Layer::Upsample { factor } => all(to).map(|(y, x, c)| value(y / factor, x / factor, c)).collect(),
        Layer::AvgPool2d(pool) | Layer::MaxPool2d(pool) => all(to)
            .map(|(y, x, c)| {
                let taps = (0..pool.kernel).flat_map(|ky| (0..pool.kernel).map(move |kx| (ky, kx)));
                let window: Vec<Option<Value>> = taps
                    .map(|(ky, kx)| {
                        let row = (y * pool.stride + ky).checked_sub(pool.padding)?;
                        let column = (x * pool.stride + kx).checked_sub(pool.padding)?;
                        (row < from.height && column < from.width).then(|| value(row, column, c))
                    })
                    .collect();
                pooled(&window, at.range, matches!(layer, Layer::AvgPool2d(_)))
            })
            .collect(),
        _ => unreachable!("{layer:?}"),
    }
}

fn pooled(window: &[Option<Value>], range: Range, mean: bool) -> Value {
    let n = window.len() as i64;
    if let Some(Value::Number(_)) = window.iter().flatten().next() {
        let numbers = window.iter().flatten().map(|v| if let Value::Number(v) = v { *v } else { 0.0 });
        return Value::Number(if mean {
            numbers.sum::<f32>() * (1.0 / n as f32)
        } else {
            numbers.fold(f32::NEG_INFINITY, f32::max)
        });
    }
    let byte = |v: &Value| if let Value::Byte(v) = v { *v } else { unreachable!() };
    if mean {
        let sum: i64 = window.iter().map(|v| v.as_ref().map_or(range.zero as i64, byte)).sum();
        Value::Byte((2 * sum + n).div_euclid(2 * n))
    } else {
        Value::Byte(window.iter().flatten().map(byte).max().unwrap())
    }
}
