//! Forward against the definitions in double precision, and backward against central differences of these.

use super::super::{
    Activation, Conv2d, ConvTranspose2d, Dense, Engine, Layer, Mode, Network, Pool2d, Role, Shape,
};
use super::{ALL, BASE, backward, definition, keys, network, quarters, train};
use crate::exec::Serial;
use crate::rng::{Key, Stream};
use crate::simd::Level;
use proptest::prelude::*;
use std::format;
use std::vec;
use std::vec::Vec;

const SAMPLES: usize = 3;

pub(super) fn draws(seed: u64) -> impl FnMut(usize) -> Vec<f32> {
    let mut stream = Stream::new(seed, Key::new(0));
    move |n| (0..n).map(|_| stream.range(-1.0, 1.0)).collect()
}

pub(super) fn wide(v: &[f32]) -> Vec<f64> {
    v.iter().map(|v| f64::from(*v)).collect()
}

/// Whether all of `got` are within `tolerance` of `want`, relative to each and, a little, to the largest.
pub(super) fn compare(got: &[f32], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    let most = want.iter().fold(1e-3f64, |most, w| most.max(w.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(*got) - want).abs() / (want.abs() + 0.3 * most);
        assert!(error <= tolerance, "{what} {i}: {got} instead of {want}, relative error {error:.1e}");
    }
}

/// Compares output and gradients of Σ dy·y with the definition, at every parameter and input.
fn check(input: Shape, layers: &[Layer]) {
    let net = network(input, layers);
    let mut draw = draws(3);
    let whole = matches!(layers[0], Layer::Embedding { .. });
    let params = draw(net.param_len());
    let mut x = draw(SAMPLES * input.len().unwrap());
    if let Layer::Embedding { classes, .. } = layers[0] {
        x.iter_mut().for_each(|x| *x = ((*x + 1.0) * 0.5 * classes as f32).floor());
    }
    let dy = draw(SAMPLES * net.output().len().unwrap());
    let mode = if whole { Mode::TRAINING } else { ALL };
    let on = Engine { level: Level::detect(), exec: &Serial };
    let trained = train(on, &net.plan(mode).unwrap(), &params, &x, &dy);
    let (mut params, mut x, state) = (wide(&params), wide(&x), wide(&trained.state));
    let keys = keys(SAMPLES);
    let run = |params: &[f64], x: &[f64]| definition::forward(&net, params, &state, x, &keys);
    compare(&trained.y, &run(&params, &x), 1e-5, &format!("{layers:?} output"));
    let loss = |params: &[f64], x: &[f64]| -> f64 {
        run(params, x).iter().zip(&dy).map(|(y, d)| y * f64::from(*d)).sum()
    };
    let step = 1e-6;
    let mut want = vec![];
    for i in 0..params.len() {
        let old = params[i];
        params[i] = old + step;
        let up = loss(&params, &x);
        params[i] = old - step;
        want.push((up - loss(&params, &x)) / (2.0 * step));
        params[i] = old;
    }
    for tensor in net.tensors() {
        let part = tensor.offset..tensor.offset + tensor.len();
        let what = format!("{layers:?} layer {} {}", tensor.layer, tensor.role.name());
        compare(&trained.grads[part.clone()], &want[part], 1e-4, &what);
    }
    if whole {
        return;
    }
    let mut want = vec![];
    for i in 0..x.len() {
        let old = x[i];
        x[i] = old + step;
        let up = loss(&params, &x);
        x[i] = old - step;
        want.push((up - loss(&params, &x)) / (2.0 * step));
        x[i] = old;
    }
    compare(&trained.dx, &want, 1e-4, &format!("{layers:?} input"));
}

const SMOOTH: Layer = Layer::Activation(Activation::Tanh);

#[test]
fn dense() {
    check(Shape::flat(5), &[Dense::new(3).into()]);
    check(Shape::flat(3), &[Dense::new(7).into(), SMOOTH, Dense::new(2).without_bias().into()]);
    check(
        Shape::flat(3),
        &[Dense::new(7).spectral_norm().into(), SMOOTH, Dense::new(2).spectral_norm().into()],
    );
}

#[test]
fn convolution() {
    for (kernel, stride, padding) in [(1, 1, 0), (3, 1, 1), (3, 2, 1), (4, 2, 1), (2, 3, 2), (5, 1, 4)] {
        let conv = Conv2d::new(3, kernel).stride(stride).padding(padding);
        check(Shape::image(5, 4, 2), &[conv.into()]);
    }
    check(Shape::image(4, 3, 2), &[Conv2d::new(3, 3).padding(1).spectral_norm().into(), SMOOTH]);
    // As many channels as lanes, so that pictures are read where they lie.
    check(Shape::image(3, 3, 1), &[Conv2d::new(16, 2).into(), SMOOTH, Conv2d::new(1, 2).into()]);
}

#[test]
fn transposed_convolution() {
    for (kernel, stride, padding, output_padding) in [(1, 1, 0, 0), (4, 2, 1, 0), (3, 2, 1, 1), (2, 3, 0, 2)]
    {
        for channels in [2, 17] {
            let up = ConvTranspose2d::new(channels, kernel).stride(stride).padding(padding);
            check(Shape::image(3, 2, 3), &[up.output_padding(output_padding).into()]);
        }
    }
    check(Shape::image(2, 2, 3), &[ConvTranspose2d::new(2, 2).stride(2).spectral_norm().into(), SMOOTH]);
}

#[test]
fn groups_of_channels() {
    for groups in [2, 4] {
        check(Shape::image(4, 3, 4), &[Conv2d::new(8, 3).padding(1).groups(groups).without_bias().into()]);
        check(
            Shape::image(3, 2, 4),
            &[ConvTranspose2d::new(8, 3).stride(2).padding(1).groups(groups).into()],
        );
    }
    check(Shape::image(2, 3, 2), &[ConvTranspose2d::new(32, 3).stride(2).groups(2).into()]);
    check(Shape::image(2, 2, 4), &[ConvTranspose2d::new(4, 2).groups(2).spectral_norm().into(), SMOOTH]);
}

#[test]
fn normalisation() {
    check(Shape::image(2, 3, 3), &[Layer::batch_norm(), SMOOTH]);
    check(Shape::flat(5), &[Dense::new(18).without_bias().into(), Layer::batch_norm(), SMOOTH]);
    check(Shape::image(2, 2, 5), &[Layer::layer_norm(), SMOOTH]);
    check(Shape::flat(20), &[Layer::layer_norm(), SMOOTH]);
    for groups in [1, 2, 4] {
        check(Shape::image(2, 3, 4), &[Layer::group_norm(groups), SMOOTH]);
    }
    check(Shape::image(2, 1, 36), &[Layer::group_norm(2), SMOOTH]);
}

#[test]
fn pooling_and_up_sampling() {
    for pool in [Pool2d::new(2), Pool2d::new(3).stride(2).padding(1), Pool2d::new(2).stride(1)] {
        check(Shape::image(5, 4, 2), &[Layer::AvgPool2d(pool), SMOOTH]);
        check(Shape::image(5, 4, 2), &[SMOOTH, Layer::MaxPool2d(pool)]);
    }
    check(Shape::image(2, 3, 2), &[Layer::Upsample { factor: 3 }, SMOOTH]);
}

#[test]
fn embedding_dropout_and_softmax() {
    check(Shape::flat(2), &[Layer::Embedding { classes: 4, width: 3 }, SMOOTH, Dense::new(2).into()]);
    check(Shape::flat(9), &[Layer::Dropout { p: 0.4 }, Dense::new(4).into(), Layer::Dropout { p: 0.5 }]);
    check(Shape::image(2, 2, 3), &[Layer::Softmax]);
    check(Shape::flat(4), &[Dense::new(19).into(), Layer::Softmax]);
}

#[test]
fn activations() {
    for a in [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.2 },
        Activation::Elu { alpha: 0.7 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Silu,
        Activation::Gelu,
        Activation::Softplus,
    ] {
        check(Shape::flat(4), &[a.into()]);
        check(Shape::flat(4), &[Dense::new(5).into(), a.into(), Dense::new(2).into()]);
        check(Shape::flat(4), &[Dense::new(17).into(), a.into(), Layer::Dropout { p: 0.3 }]);
    }
}

#[test]
fn activations_with_a_kink_pass_or_scale_what_flows() {
    let x = quarters(8, 7, 11, 5);
    for (a, slope) in [(Activation::Relu, 0.0), (Activation::LeakyRelu { slope: 0.5 }, 0.5)] {
        let net = network(Shape::flat(8), &[a.into()]);
        let (_, dx) = backward(BASE, &net, &[], &x, &[2.0; 8]);
        let want: Vec<f32> = x.iter().map(|&x| if x > 0.0 { 2.0 } else { 2.0 * slope }).collect();
        assert_eq!(dx, want);
    }
}

#[test]
fn an_autoencoder() {
    check(
        Shape::image(4, 4, 1),
        &[
            Conv2d::new(2, 4).stride(2).padding(1).into(),
            SMOOTH,
            Layer::Flatten,
            Dense::new(8).into(),
            Activation::Silu.into(),
            Layer::Unflatten(Shape::image(2, 2, 2)),
            ConvTranspose2d::new(1, 4).stride(2).padding(1).into(),
        ],
    );
}

fn shape() -> impl Strategy<Value = Shape> {
    (1usize..6, 1usize..6, 1usize..4).prop_map(|(height, width, channels)| Shape { height, width, channels })
}

fn convolutions() -> impl Strategy<Value = Layer> {
    let sizes = (1usize..5, 1usize..4, 0usize..4, prop_oneof![Just(1usize), Just(2), Just(16), Just(18)]);
    let flags = (0usize..3, any::<bool>(), any::<bool>(), 1usize..3);
    (sizes, flags).prop_map(|((kernel, stride, padding, channels), (extra, bias, up, groups))| {
        if up {
            let conv = ConvTranspose2d::new(channels, kernel).stride(stride).padding(padding);
            let conv = conv.output_padding(extra % stride).groups(groups);
            if bias { conv.into() } else { conv.without_bias().into() }
        } else {
            let conv = Conv2d::new(channels, kernel).stride(stride).padding(padding).groups(groups);
            if bias { conv.into() } else { conv.without_bias().into() }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn convolutions_of_any_shape(shape in shape(), layer in convolutions()) {
        prop_assume!(layer.output(shape).is_ok_and(|to| to.len().unwrap() < 400));
        check(shape, &[layer]);
    }

    #[test]
    fn pools_of_any_shape(shape in shape(), kernel in 1usize..4, stride in 1usize..4, padding in 0usize..2) {
        let pool = Pool2d { kernel, stride, padding };
        prop_assume!(Layer::AvgPool2d(pool).output(shape).is_ok());
        check(shape, &[Layer::AvgPool2d(pool)]);
        check(shape, &[Layer::MaxPool2d(pool)]);
    }
}

#[test]
fn running_statistics_follow_the_batches_and_serve_in_use() {
    let net = network(Shape::flat(2), &[Layer::BatchNorm { momentum: 0.25, epsilon: 1e-5 }]);
    let x = [1.0, 10.0, 3.0, 10.0, 5.0, 16.0];
    let trained = train(BASE, &net.plan(ALL).unwrap(), &[1.0, 1.0, 0.0, 0.0], &x, &[0.0; 6]);
    // Means 3 and 12, unbiased variances 4 and 12.
    let want = [0.75, 3.0, 0.75 + 1.0, 0.75 + 3.0];
    assert!(
        trained.state.iter().zip(want).all(|(s, w): (&f32, f32)| (s - w).abs() < 1e-6),
        "{:?}",
        trained.state
    );
    let names: Vec<_> = net.state_tensors().map(|t| t.role).collect();
    assert_eq!(names, [Role::RunningMean, Role::RunningVar]);
}

#[test]
fn what_is_not_trained_on_does_not_flow() {
    let layers = [Dense::new(4).into(), SMOOTH, Dense::new(3).into(), SMOOTH, Dense::new(2).into()];
    let net: Network<8> = network(Shape::flat(40), &layers);
    let (params, x) = (quarters(net.param_len(), 5, 13, 6), quarters(80, 7, 11, 5));
    let whole = train(BASE, &net.plan(ALL).unwrap(), &params, &x, &[1.0; 4]);
    for (frozen, from) in [(1, 164), (2, 164), (3, 179), (5, 187)] {
        // Nothing runs backward where nobody asks for a gradient.
        for input_gradient in if frozen < 5 { vec![false, true] } else { vec![true] } {
            let plan = net.plan(Mode::Training { frozen, input_gradient }).unwrap();
            let part = train(BASE, &plan, &params, &x, &[1.0; 4]);
            assert_eq!((&part.y, &part.grads[..]), (&whole.y, &whole.grads[from..]), "{frozen}");
            assert_eq!(part.dx, if input_gradient { &whole.dx[..] } else { &[] });
            let all = net.plan(Mode::Training { frozen: 0, input_gradient }).unwrap();
            assert!(plan.value_len(1).unwrap() <= all.value_len(1).unwrap());
        }
    }
}
