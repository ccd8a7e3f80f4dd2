//! The bits of the definition at every level, by weights in both layouts, and on one and two threads.

use super::{Trained, bits, definition, draw};
use crate::exec::Serial;
use crate::nn::{Activation, Conv2d, ConvTranspose2d, Dense, Engine, Layer, Pool2d, Shape};
use crate::simd::Level;
use crate::testing::TwoThreads;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// Compares all ways to compute the outputs of a batch with the definition.
fn check(input: Shape, layers: &[Layer], batch: usize) {
    let of = Trained::new(input, layers);
    let x = draw(batch * input.len().unwrap(), 2);
    // Narrow ranges, so that some values leave them.
    let mut whole = of.whole(&x);
    whole.ranges.iter_mut().for_each(|v| *v *= 0.9);
    let plan = of.plan();
    let want = bits(&definition::pass(&of.net, &plan, &whole, &x));
    for level in Level::available() {
        let serial = Engine { level, exec: &Serial };
        let two = Engine { level, exec: &TwoThreads };
        assert!(bits(&whole.infer(serial, &plan, &x)) == want, "{layers:?} {level:?}");
        assert!(bits(&whole.infer_packed(serial, &plan, &x)) == want, "{layers:?} {level:?}, packed");
        assert!(bits(&whole.infer_packed(two, &plan, &x)) == want, "{layers:?} {level:?}, two threads");
        assert!(bits(&whole.infer(two, &plan, &x)) == want, "{layers:?} {level:?}, two threads");
    }
}

#[test]
fn dense_layers() {
    let functions = [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.2 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Silu,
        Activation::Softplus,
    ];
    for (i, function) in functions.into_iter().enumerate() {
        let widths = [3 + i, 17, 40 + 13 * i];
        let [a, b, c] = widths.map(|n| Dense::new(n).into());
        check(
            Shape::flat(5 + i),
            &[a, function.into(), b, Layer::batch_norm(), function.into(), c],
            1 + 7 * i,
        );
    }
    // As large as work that is split, and rows of several blocks.
    let layers = [Dense::new(300).into(), Activation::Relu.into(), Dense::new(130).spectral_norm().into()];
    check(Shape::flat(784), &layers, 1);
    check(Shape::flat(100), &layers, 211);
}

#[test]
fn convolutions() {
    let cases = [
        (Shape::image(7, 6, 3), 5, [3, 2, 1, 1]),
        (Shape::image(6, 6, 16), 32, [4, 2, 1, 1]),
        (Shape::image(5, 7, 17), 18, [3, 1, 1, 1]),
        (Shape::image(5, 4, 4), 6, [2, 1, 0, 2]),
        (Shape::image(5, 5, 32), 32, [3, 3, 2, 2]),
        (Shape::image(4, 4, 6), 6, [3, 1, 1, 6]),
        (Shape::image(9, 11, 2), 70, [1, 1, 0, 1]),
        (Shape::image(9, 8, 16), 7, [2, 3, 0, 1]),
        (Shape::image(3, 3, 5), 20, [1, 2, 1, 1]),
    ];
    for (input, channels, [kernel, stride, padding, groups]) in cases {
        let conv = Conv2d::new(channels, kernel).stride(stride).padding(padding).groups(groups);
        let transposed =
            ConvTranspose2d::new(channels, kernel).stride(stride).padding(padding).groups(groups);
        let middle: Layer = Activation::LeakyRelu { slope: 0.1 }.into();
        check(input, &[conv.into(), middle, Conv2d::new(3, 1).into()], 3);
        check(input, &[transposed.into(), middle, Conv2d::new(3, 1).into()], 3);
        if stride > 1 {
            let transposed = transposed.output_padding(stride - 1).without_bias();
            check(input, &[transposed.into(), Layer::batch_norm(), Activation::Tanh.into()], 2);
        }
    }
}

#[test]
fn whole_models() {
    let relu: Layer = Activation::Relu.into();
    let up = |channels| ConvTranspose2d::new(channels, 4).stride(2).padding(1);
    check(
        Shape::flat(20),
        &[
            Dense::new(3 * 4 * 40).into(),
            Layer::Unflatten(Shape::image(3, 4, 40)),
            Layer::batch_norm(),
            relu,
            up(70).without_bias().into(),
            Layer::batch_norm(),
            relu,
            up(1).into(),
            Activation::Sigmoid.into(),
        ],
        3,
    );
    check(
        Shape::image(12, 10, 2),
        &[
            Conv2d::new(7, 4).stride(2).padding(1).into(),
            Activation::LeakyRelu { slope: 0.2 }.into(),
            Layer::MaxPool2d(Pool2d::new(3).stride(2).padding(1)),
            Layer::Dropout { p: 0.3 },
            Conv2d::new(33, 3).padding(1).spectral_norm().into(),
            Layer::batch_norm(),
            Layer::AvgPool2d(Pool2d::new(2).stride(1).padding(1)),
            Activation::Tanh.into(),
            Layer::Flatten,
            Dense::new(11).into(),
        ],
        5,
    );
}

#[test]
fn layers_that_no_product_takes_with_it() {
    let relu: Layer = Activation::Relu.into();
    let conv: Layer = Conv2d::new(5, 3).padding(1).into();
    let shape = Shape::image(4, 6, 3);
    // Before the first product, behind a function, of a flattened picture.
    check(shape, &[Layer::batch_norm(), conv, relu, Layer::batch_norm(), relu, conv], 2);
    check(
        shape,
        &[
            relu,
            Layer::Upsample { factor: 2 },
            conv,
            Layer::Flatten,
            Layer::batch_norm(),
            Dense::new(3).into(),
        ],
        2,
    );
    check(Shape::flat(72), &[Layer::Unflatten(shape), Activation::Silu.into(), relu, conv, conv], 2);
    // Behind the last.
    let pool = Layer::AvgPool2d(Pool2d::new(3).stride(2).padding(1));
    let largest = Layer::MaxPool2d(Pool2d::new(2));
    check(
        shape,
        &[conv, Layer::batch_norm(), relu, Layer::Upsample { factor: 2 }, Layer::batch_norm(), relu, pool],
        2,
    );
    check(shape, &[conv, largest, Activation::Sigmoid.into(), pool, Layer::Flatten], 3);
    check(shape, &[conv, Layer::Flatten], 1);
}

// Weights and biases of any bytes, as a file may have them: sums wrap the same way everywhere.
#[test]
fn numbers_that_no_rounding_gave() {
    let layers = [Conv2d::new(20, 3).into(), Activation::Relu.into(), ConvTranspose2d::new(3, 2).into()];
    let of = Trained::new(Shape::image(5, 5, 9), &layers);
    let x = draw(2 * 225, 2);
    let (mut whole, plan) = (of.whole(&x), of.plan());
    whole.weights.iter_mut().enumerate().for_each(|(i, w)| *w = if i % 3 == 0 { -128 } else { 127 });
    whole.biases.iter_mut().enumerate().for_each(|(i, b)| *b = if i % 2 == 0 { i32::MAX } else { i32::MIN });
    whole.scales.iter_mut().enumerate().for_each(|(i, s)| *s = if i % 5 == 0 { -1e30 } else { 1e-9 });
    let want = bits(&whole.infer(super::BASE, &plan, &x));
    for level in Level::available() {
        let on = Engine { level, exec: &Serial };
        assert!(bits(&whole.infer(on, &plan, &x)) == want, "{level:?}");
        assert!(bits(&whole.infer_packed(on, &plan, &x)) == want, "{level:?}, packed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_convolution(sides in (1usize..9, 1usize..9), channels in (1usize..6, 1usize..24, 1usize..4),
                       kernel in 1usize..5, stride in 1usize..4, padding in 0usize..3, turned: bool, batch in 1usize..4) {
        let (ins, outs, groups) = channels;
        let input = Shape::image(sides.0, sides.1, ins * groups);
        let layer: Layer = if turned {
            ConvTranspose2d::new(outs * groups, kernel).stride(stride).padding(padding).groups(groups).into()
        } else {
            Conv2d::new(outs * groups, kernel).stride(stride).padding(padding).groups(groups).into()
        };
        prop_assume!(layer.output(input).is_ok());
        check(input, &[layer, Activation::Relu.into(), layer_of_one()], batch);
    }
}

fn layer_of_one() -> Layer {
    Conv2d::new(2, 1).into()
}

/// The same samples one by one.
#[test]
fn a_batch_is_its_samples() {
    let layers: Vec<Layer> = vec![
        Conv2d::new(18, 3).padding(1).into(),
        Activation::Relu.into(),
        Layer::Flatten,
        Dense::new(50).into(),
        Activation::Tanh.into(),
        Dense::new(7).into(),
    ];
    let of = Trained::new(Shape::image(6, 5, 3), &layers);
    let x = draw(23 * 90, 2);
    let (whole, plan) = (of.whole(&x), of.plan());
    let on = Engine { level: Level::detect(), exec: &Serial };
    let all = whole.infer_packed(on, &plan, &x);
    let each: Vec<f32> = x.chunks(90).flat_map(|x| whole.infer_packed(on, &plan, x)).collect();
    assert_eq!(bits(&all), bits(&each));
}
