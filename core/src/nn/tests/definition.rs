//! Every layer in double precision, by its definition: what the kernels are compared with, and what central differences are
//! taken of.

use super::super::{Activation, Layer, Network, Shape};
use crate::rng::{Key, Stream};
use std::vec;
use std::vec::Vec;

/// The output of a pass of training over samples with these keys.
pub(super) fn forward(net: &Network<8>, params: &[f64], state: &[f64], x: &[f64], keys: &[Key]) -> Vec<f64> {
    let (mut shape, mut v) = (net.input(), x.to_vec());
    for (i, (layer, output)) in net.layers().enumerate() {
        let own = |role| {
            let tensor = net.tensors().find(|t| t.layer == i && t.role == role);
            tensor.map_or(vec![], |t| params[t.offset..t.offset + t.len()].to_vec())
        };
        let weight = own(super::super::Role::Weight);
        let bias = own(super::super::Role::Bias);
        let weight = divided(net, i, layer, weight, state);
        let samples: Vec<Vec<f64>> = v.chunks(shape.len().unwrap()).map(<[f64]>::to_vec).collect();
        v = match layer {
            Layer::BatchNorm { epsilon, .. } => {
                let channels = shape.channels;
                normalised(&v, |j| j % channels, |j| (weight[j % channels], bias[j % channels]), epsilon)
            }
            Layer::Dropout { p } => samples
                .iter()
                .zip(keys)
                .flat_map(|(sample, key)| {
                    let mut stream = Stream::new(9, key.op(i as u32));
                    let p = f64::from(p);
                    let scale = move |v: f64| v / (1.0 - p);
                    sample
                        .iter()
                        .map(move |&v| if f64::from(stream.uniform()) < p { 0.0 } else { scale(v) })
                        .collect::<Vec<_>>()
                })
                .collect(),
            _ => {
                samples.iter().flat_map(|sample| one(layer, shape, output, &weight, &bias, sample)).collect()
            }
        };
        shape = output;
    }
    v
}

/// W / σ with u and v of the state, where the layer has them.
fn divided(net: &Network<8>, i: usize, layer: Layer, weight: Vec<f64>, state: &[f64]) -> Vec<f64> {
    let own = |role| {
        let tensor = net.state_tensors().find(|t| t.layer == i && t.role == role);
        tensor.map(|t| state[t.offset..t.offset + t.len()].to_vec())
    };
    let Some((u, v)) = own(super::super::Role::U).zip(own(super::super::Role::V)) else { return weight };
    let (rows, run) = match layer {
        Layer::ConvTranspose2d(conv) => (u.len(), conv.kernel * conv.kernel),
        _ => (u.len(), v.len()),
    };
    let sigma: f64 = weight
        .iter()
        .enumerate()
        .map(|(j, w)| {
            let (block, row, at) = (j / (rows * run), j / run % rows, j % run);
            w * u[row] * v[block * run + at]
        })
        .sum();
    weight.iter().map(|w| w / sigma).collect()
}

/// Each value normalised over those of the same group, then scaled and moved.
fn normalised(
    v: &[f64],
    group: impl Fn(usize) -> usize,
    affine: impl Fn(usize) -> (f64, f64),
    epsilon: f32,
) -> Vec<f64> {
    let groups = (0..v.len()).map(&group).max().unwrap() + 1;
    let (mut count, mut mean, mut variance) = (vec![0f64; groups], vec![0f64; groups], vec![0f64; groups]);
    for (j, x) in v.iter().enumerate() {
        count[group(j)] += 1.0;
        mean[group(j)] += x;
    }
    mean.iter_mut().zip(&count).for_each(|(m, n)| *m /= n);
    for (j, x) in v.iter().enumerate() {
        variance[group(j)] += (x - mean[group(j)]).powi(2);
    }
    variance.iter_mut().zip(&count).for_each(|(v, n)| *v /= n);
    v.iter()
        .enumerate()
        .map(|(j, x)| {
            let (weight, bias) = affine(j);
            (x - mean[group(j)]) / (variance[group(j)] + f64::from(epsilon)).sqrt() * weight + bias
        })
        .collect()
}

fn one(layer: Layer, from: Shape, to: Shape, weight: &[f64], bias: &[f64], x: &[f64]) -> Vec<f64> {
    let at = |shape: Shape, y: usize, x: usize, c: usize| (y * shape.width + x) * shape.channels + c;
    let bias_of = |c: usize| bias.get(c).copied().unwrap_or(0.0);
    let mut out = vec![0f64; to.len().unwrap()];
    let places = |shape: Shape| (0..shape.height).flat_map(move |y| (0..shape.width).map(move |x| (y, x)));
    match layer {
        Layer::Dense(dense) => {
            for (o, out) in out.iter_mut().enumerate() {
                *out = bias_of(o) + (0..x.len()).map(|i| weight[o * x.len() + i] * x[i]).sum::<f64>();
            }
            assert_eq!(out.len(), dense.outputs);
        }
        Layer::Conv2d(conv) => {
            let (each, outs, k) = (from.channels / conv.groups, to.channels / conv.groups, conv.kernel);
            for (y, column) in places(to) {
                for o in 0..to.channels {
                    let mut sum = bias_of(o);
                    for c in 0..each {
                        for (ky, kx) in places(Shape::image(k, k, 1)) {
                            let (row, col) = (y * conv.stride + ky, column * conv.stride + kx);
                            let inside = (conv.padding..conv.padding + from.height).contains(&row)
                                && (conv.padding..conv.padding + from.width).contains(&col);
                            if inside {
                                let v =
                                    x[at(from, row - conv.padding, col - conv.padding, o / outs * each + c)];
                                sum += v * weight[((o * each + c) * k + ky) * k + kx];
                            }
                        }
                    }
                    out[at(to, y, column, o)] = sum;
                }
            }
        }
        Layer::ConvTranspose2d(conv) => {
            let (each, ins, k) = (to.channels / conv.groups, from.channels / conv.groups, conv.kernel);
            for (y, column) in places(to) {
                (0..to.channels).for_each(|o| out[at(to, y, column, o)] = bias_of(o));
            }
            for (y, column) in places(from) {
                for i in 0..from.channels {
                    for (ky, kx) in places(Shape::image(k, k, 1)) {
                        let (row, col) = (y * conv.stride + ky, column * conv.stride + kx);
                        let inside = (conv.padding..conv.padding + to.height).contains(&row)
                            && (conv.padding..conv.padding + to.width).contains(&col);
                        for o in 0..if inside { each } else { 0 } {
                            let to_channel = i / ins * each + o;
                            out[at(to, row - conv.padding, col - conv.padding, to_channel)] +=
                                x[at(from, y, column, i)] * weight[((i * each + o) * k + ky) * k + kx];
                        }
                    }
                }
            }
        }
        Layer::LayerNorm { epsilon } => {
            let c = from.channels;
            return normalised(x, |j| j / c, |j| (weight[j % c], bias[j % c]), epsilon);
        }
        Layer::GroupNorm { groups, epsilon } => {
            let c = from.channels;
            return normalised(x, |j| j % c / (c / groups), |j| (weight[j % c], bias[j % c]), epsilon);
        }
        Layer::Upsample { factor } => {
            for (y, column) in places(to) {
                for c in 0..to.channels {
                    out[at(to, y, column, c)] = x[at(from, y / factor, column / factor, c)];
                }
            }
        }
        Layer::AvgPool2d(pool) | Layer::MaxPool2d(pool) => {
            for (y, column) in places(to) {
                for c in 0..to.channels {
                    let mut values = vec![];
                    for (ky, kx) in places(Shape::image(pool.kernel, pool.kernel, 1)) {
                        let (row, col) = (y * pool.stride + ky, column * pool.stride + kx);
                        let inside = (pool.padding..pool.padding + from.height).contains(&row)
                            && (pool.padding..pool.padding + from.width).contains(&col);
                        if inside {
                            values.push(x[at(from, row - pool.padding, col - pool.padding, c)]);
                        }
                    }
                    let mean = values.iter().sum::<f64>() / (pool.kernel * pool.kernel) as f64;
                    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    out[at(to, y, column, c)] =
                        if matches!(layer, Layer::AvgPool2d(_)) { mean } else { most };
                }
            }
        }
        Layer::Embedding { width, .. } => {
            return x.iter().flat_map(|&i| weight[i as usize * width..][..width].to_vec()).collect();
        }
        Layer::Flatten => {
            for (y, column) in places(from) {
                for c in 0..from.channels {
                    out[(c * from.height + y) * from.width + column] = x[at(from, y, column, c)];
                }
            }
        }
        Layer::Unflatten(_) => {
            for (y, column) in places(to) {
                for c in 0..to.channels {
                    out[at(to, y, column, c)] = x[(c * to.height + y) * to.width + column];
                }
            }
        }
        Layer::Softmax => {
            for (out, x) in out.chunks_mut(from.channels).zip(x.chunks(from.channels)) {
                let sum: f64 = x.iter().map(|x| x.exp()).sum();
                out.iter_mut().zip(x).for_each(|(o, x)| *o = x.exp() / sum);
            }
        }
        Layer::Activation(activation) => {
            out.iter_mut().zip(x).for_each(|(o, x)| *o = function(activation, *x));
        }
        Layer::BatchNorm { .. } | Layer::Dropout { .. } => unreachable!("over the whole batch"),
    }
    out
}

fn function(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu { slope } => {
            if x > 0.0 {
                x
            } else {
                f64::from(slope) * x
            }
        }
        Activation::Elu { alpha } => {
            if x > 0.0 {
                x
            } else {
                f64::from(alpha) * x.exp_m1()
            }
        }
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Gelu => 0.5 * x * (1.0 + libm::erf(x / 2f64.sqrt())),
        Activation::Softplus => x.exp().ln_1p(),
    }
}
