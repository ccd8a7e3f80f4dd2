//! How near whole numbers come to single precision, and what is folded.

use super::super::{Comparison, PartRole};
use super::{BASE, Trained, Whole, draw};
use crate::error::Error;
use crate::nn::{Activation, Conv2d, ConvTranspose2d, Dense, Layer, Role, Shape};
use std::vec;
use std::vec::Vec;

/// The comparison of samples that were not looked at before.
fn compared(input: Shape, layers: &[Layer]) -> Comparison {
    let of = Trained::new(input, layers);
    let len = input.len().unwrap();
    let whole = of.whole(&draw(200 * len, 2));
    let x = draw(50 * len, 3);
    let mut comparison = Comparison::default();
    comparison.add(&of.exact(&x), &whole.infer_packed(BASE, &of.plan(), &x)).unwrap();
    comparison
}

#[test]
fn models_lose_little() {
    let relu: Layer = Activation::Relu.into();
    let leaky: Layer = Activation::LeakyRelu { slope: 0.2 }.into();
    let up = |channels| ConvTranspose2d::new(channels, 4).stride(2).padding(1);
    let down = |channels| Conv2d::new(channels, 4).stride(2).padding(1);
    let mlp = compared(Shape::flat(20), &[Dense::new(400).into(), relu, Dense::new(784).into()]);
    assert!(mlp.decibels() > 40.0, "{mlp:?} {}", mlp.decibels());
    let encoder = compared(
        Shape::image(16, 16, 3),
        &[down(16).into(), leaky, down(32).into(), leaky, Layer::Flatten, Dense::new(10).into()],
    );
    assert!(encoder.decibels() > 34.0, "{encoder:?} {}", encoder.decibels());
    let generator = compared(
        Shape::flat(16),
        &[
            Dense::new(4 * 4 * 32).into(),
            Layer::Unflatten(Shape::image(4, 4, 32)),
            Layer::batch_norm(),
            relu,
            up(16).without_bias().into(),
            Layer::batch_norm(),
            relu,
            up(3).into(),
            Activation::Tanh.into(),
        ],
    );
    assert!(
        generator.decibels() > 44.0 && generator.largest() < 0.02,
        "{generator:?} {}",
        generator.decibels()
    );
}

/// The weights and biases of a layer as the numbers that they stand for, the weights by output channel.
fn numbers(of: &Trained, whole: &Whole, layer: usize) -> (Vec<Vec<f64>>, Vec<f64>, Vec<f64>) {
    let plan = of.plan();
    let part = |role| Whole::part(&plan, Some(layer), role).unwrap();
    let (weight, channels) = (part(PartRole::Weight), part(PartRole::Scale).len());
    let bytes = &whole.weights[weight.offset..][..weight.len()];
    let scales = &whole.scales[part(PartRole::Scale).offset..][..channels];
    // Outputs come second in a transposed convolution.
    let transposed = matches!(of.net.layers().nth(layer), Some((Layer::ConvTranspose2d(_), _)));
    let mut rows = vec![vec![]; channels];
    let area = weight.sizes[2] * weight.sizes[3];
    for (i, &byte) in bytes.iter().enumerate() {
        let channel = if transposed { i / area % channels } else { i / (bytes.len() / channels) };
        rows[channel].push(f64::from(byte) * f64::from(scales[channel]));
    }
    let step = (f64::from(whole.ranges[1]) - f64::from(whole.ranges[0])) / 255.0;
    let biases = whole.biases[part(PartRole::Bias).offset..][..channels].iter().zip(scales);
    let biases = biases.map(|(&b, &s)| f64::from(b) * f64::from(s) * step).collect();
    (rows, biases, scales.iter().map(|&s| f64::from(s)).collect())
}

/// Whether a normalisation behind a product is in its weights and biases to half a step.
fn folded(input: Shape, layers: &[Layer], norm: usize, places: usize) {
    let of = Trained::new(input, layers);
    let whole = of.whole(&draw(20 * input.len().unwrap(), 2));
    let (rows, biases, scales) = numbers(&of, &whole, 0);
    let own = |layer: usize, role: Role| {
        let values = of.net.tensors().map(|t| (t, &of.params));
        let mut all = values.chain(of.net.state_tensors().map(|t| (t, &of.state)));
        let found = all.find(|(t, _)| t.layer == layer && t.role == role);
        found.map_or(vec![], |(t, of)| of[t.offset..][..t.len()].iter().map(|&v| f64::from(v)).collect())
    };
    let weights = own(0, Role::Weight);
    let (u, v) = (own(0, Role::U), own(0, Role::V));
    let sigma: f64 = if u.is_empty() {
        1.0
    } else {
        (0..weights.len()).map(|i| weights[i] * u[i / v.len()] * v[i % v.len()]).sum()
    };
    let transposed = matches!(layers[0], Layer::ConvTranspose2d(_));
    let [gamma, beta] = [Role::Weight, Role::Bias].map(|role| own(norm, role));
    let [mean, variance] = [Role::RunningMean, Role::RunningVar].map(|role| own(norm, role));
    let bias = own(0, Role::Bias);
    for (channel, row) in rows.iter().enumerate() {
        let at = channel / places;
        let by = gamma[at] / (variance[at] + 1e-5).sqrt();
        for (i, got) in row.iter().enumerate() {
            let from = if transposed {
                let area = row.len() / input.channels;
                (i / area * rows.len() + channel) * area + i % area
            } else {
                channel * row.len() + i
            };
            let want = weights[from] / sigma * by;
            assert!((got - want).abs() <= 0.5001 * scales[channel], "{channel} {i}: {got} {want}");
        }
        let want = (bias.get(channel).unwrap_or(&0.0) - mean[at]) * by + beta[at];
        assert!(
            (biases[channel] - want).abs() <= 1e-4 + 1e-5 * want.abs(),
            "{channel}: {} {want}",
            biases[channel]
        );
        // Nothing is wasted: the largest weight has the largest byte.
        let most = row.iter().fold(0.0f64, |most, w| most.max(w.abs())) / scales[channel];
        assert!((most - 127.0).abs() < 1e-3, "{most}");
    }
}

#[test]
fn normalisations_and_spectral_norms_are_folded() {
    let (norm, relu): (Layer, Layer) = (Layer::batch_norm(), Activation::Relu.into());
    let last: Layer = Conv2d::new(1, 1).into();
    let shape = Shape::image(4, 5, 3);
    folded(shape, &[Conv2d::new(7, 3).into(), norm, relu, last], 1, 1);
    folded(shape, &[Conv2d::new(7, 3).spectral_norm().into(), norm, relu, last], 1, 1);
    folded(shape, &[ConvTranspose2d::new(7, 3).without_bias().into(), norm, relu, last], 1, 1);
    let unflatten = Layer::Unflatten(Shape::image(2, 3, 4));
    folded(Shape::flat(9), &[Dense::new(24).into(), unflatten, norm, relu, last], 2, 6);
    folded(Shape::flat(9), &[Dense::new(24).spectral_norm().into(), norm, relu, Dense::new(1).into()], 1, 1);
}

#[test]
fn sums_that_would_overflow_and_biases_that_count_alone_have_coarser_scales() {
    let inputs = 90_000;
    let mut of = Trained::new(Shape::flat(inputs), &[Dense::new(3).into()]);
    // All of one channel are the largest; one has a bias that weights are nothing beside; one has a bias alone.
    of.params.fill(0.0);
    of.params[..inputs].fill(0.01);
    of.params[inputs..2 * inputs].fill(1e-9);
    of.params[3 * inputs..].copy_from_slice(&[0.0, 5e3, -2.0]);
    let x = vec![1.0; inputs];
    let whole = of.whole(&x);
    let got = whole.infer_packed(BASE, &of.plan(), &x);
    for (got, want) in got.iter().zip([900.0, 5e3, -2.0]) {
        assert!((got / want - 1.0).abs() < 0.02, "{got} {want}");
    }
    assert!((got[2] + 2.0).abs() < 1e-6, "{}", got[2]);
    assert_eq!(got, whole.infer(BASE, &of.plan(), &x));
}

#[test]
fn a_comparison_is_the_same_in_parts() {
    let (a, b) = (draw(1000, 1), draw(1000, 2));
    let (mut whole, mut parts) = (Comparison::default(), Comparison::default());
    whole.add(&a, &b).unwrap();
    a.chunks(37).zip(b.chunks(37)).for_each(|(a, b)| parts.add(a, b).unwrap());
    assert_eq!(whole, parts);
    let differences = || a.iter().zip(&b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
    let mean = differences().sum::<f64>() / 1000.0;
    let ratio = a.iter().map(|a| f64::from(a * a)).sum::<f64>() / differences().map(|d| d * d).sum::<f64>();
    assert!((f64::from(whole.mean()) - mean).abs() < 1e-6);
    assert!((f64::from(whole.decibels()) - 10.0 * ratio.log10()).abs() < 1e-4);
    assert_eq!(f64::from(whole.largest()), differences().fold(0.0, f64::max) as f32 as f64);
    assert_eq!(whole.values(), 1000);
    let same = whole;
    assert_eq!(whole.add(&a, &b[1..]), Err(Error::ShapeMismatch));
    assert_eq!(whole.add(&[f32::NAN], &[0.0]), Err(Error::NotFinite));
    assert_eq!(whole, same);
    let nothing = Comparison::default();
    assert_eq!((nothing.mean(), nothing.decibels()), (0.0, f32::INFINITY));
}
