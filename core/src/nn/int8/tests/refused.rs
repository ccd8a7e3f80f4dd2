//! What is refused, and the parts of a model.

use super::super::{PartRole, QuantPlan, Quantised, QuantisedMut};
use super::{BASE, Trained, Whole, draw, network};
use crate::error::Error;
use crate::nn::{Activation, Conv2d, Dense, Layer, Model, Shape};
use crate::scratch::Scratch;
use std::vec;
use std::vec::Vec;

#[test]
fn layers_that_are_not_served() {
    let dense: Layer = Dense::new(4).into();
    for layer in [Layer::layer_norm(), Layer::group_norm(2), Layer::Softmax] {
        let net = network(Shape::flat(4), &[dense, layer]);
        assert_eq!(QuantPlan::new(&net).unwrap_err(), Error::Unsupported);
    }
    let net = network(Shape::flat(1), &[Layer::Embedding { classes: 3, width: 2 }, dense]);
    assert_eq!(QuantPlan::new(&net).unwrap_err(), Error::Unsupported);
    for layers in [&[][..], &[Activation::Relu.into()]] {
        assert_eq!(QuantPlan::new(&network(Shape::flat(4), layers)).unwrap_err(), Error::Unsupported);
    }
    let wide = network(Shape::flat((1 << 22) + 1), &[Dense::new(1).into()]);
    assert_eq!(QuantPlan::new(&wide).unwrap_err(), Error::Overflow);
    let huge = network(Shape::flat(3), &[Dense::new(usize::MAX / 4).without_bias().into()]);
    let plan = QuantPlan::new(&huge).unwrap();
    assert_eq!((plan.panel_len(), plan.scratch_len(usize::MAX)), (usize::MAX, usize::MAX));
}

fn model() -> Trained {
    let conv = Conv2d::new(3, 3).spectral_norm();
    Trained::new(
        Shape::image(4, 4, 2),
        &[conv.into(), Layer::batch_norm(), Activation::Relu.into(), Layer::Flatten, Dense::new(5).into()],
    )
}

#[test]
fn what_cannot_be_rounded() {
    let of = model();
    let (plan, ranges) = (of.plan(), of.ranges(&draw(64, 2)));
    let quantise = |params: &[f32], state: &[f32], ranges: &[f32], cut: [usize; 3]| {
        let (mut weights, mut scales) =
            (vec![99; plan.weight_len() - cut[0]], vec![9.0; plan.scale_len() - cut[1]]);
        let mut biases = vec![99; plan.bias_len() - cut[2]];
        let to = QuantisedMut { weights: &mut weights, scales: &mut scales, biases: &mut biases };
        let got = plan.quantise(Model { params, state }, ranges, to).map(|_| ());
        let untouched = weights.iter().all(|w| *w == 99) && scales.iter().all(|s| *s == 9.0);
        assert!(got.is_ok() || untouched && biases.iter().all(|b| *b == 99));
        got
    };
    let (params, state) = (&of.params[..], &of.state[..]);
    assert_eq!(quantise(params, state, &ranges, [0; 3]), Ok(()));
    for cut in [[1, 0, 0], [0, 1, 0], [0, 0, 1]] {
        assert_eq!(quantise(params, state, &ranges, cut), Err(Error::ShapeMismatch));
    }
    assert_eq!(quantise(&params[1..], state, &ranges, [0; 3]), Err(Error::ShapeMismatch));
    assert_eq!(quantise(params, &state[1..], &ranges, [0; 3]), Err(Error::ShapeMismatch));
    assert_eq!(quantise(params, state, &ranges[2..], [0; 3]), Err(Error::ShapeMismatch));
    for (i, bad) in [(0, 0.5), (1, -0.5)] {
        let mut ranges = ranges.clone();
        ranges[i] = bad;
        assert_eq!(quantise(params, state, &ranges, [0; 3]), Err(Error::InvalidArgument));
    }
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for i in [0, params.len() - 1] {
            let mut params = params.to_vec();
            params[i] = bad;
            assert_eq!(quantise(&params, state, &ranges, [0; 3]), Err(Error::NotFinite));
        }
        let (mut state, mut wrong) = (state.to_vec(), ranges.clone());
        wrong[3] = bad;
        let got = quantise(params, &state, &wrong, [0; 3]);
        assert!(matches!(got, Err(Error::NotFinite | Error::InvalidArgument)), "{got:?}");
        state[2] = bad;
        assert_eq!(quantise(params, &state, &ranges, [0; 3]), Err(Error::NotFinite));
    }
    // A variance that is none, and a spectral norm of 0.
    let mut negative = state.to_vec();
    *negative.last_mut().unwrap() = -1.0;
    assert_eq!(quantise(params, &negative, &ranges, [0; 3]), Err(Error::NotFinite));
    let mut zero = params.to_vec();
    zero[..54].fill(0.0);
    assert_eq!(quantise(&zero, state, &ranges, [0; 3]), Err(Error::NotFinite));
    // Far more than single precision has, and hardly anything.
    for most in [3e38, 1e-44] {
        let extreme: Vec<f32> = params.iter().map(|p| p * most).collect();
        let wide: Vec<f32> = ranges.iter().map(|r| r * most).collect();
        let got = quantise(&extreme, state, &wide, [0; 3]);
        assert!(matches!(got, Ok(()) | Err(Error::NotFinite)), "{got:?}");
    }
}

#[test]
fn what_cannot_be_run() {
    let of = model();
    let (x, plan) = (draw(64, 2), of.plan());
    let whole = of.whole(&x);
    let mut panels = vec![0; plan.panel_len()];
    assert_eq!(plan.pack(whole.model(), &mut panels[1..]).unwrap_err(), Error::ShapeMismatch);
    let packed = plan.pack(whole.model(), &mut panels).unwrap();
    let (len, packed_len) = (plan.scratch_len(2), plan.packed_scratch_len(2));
    let mut memory = vec![0u8; len.max(packed_len)];
    let mut run = |model: Quantised<'_>, x: &[f32], out: usize, short: usize| {
        let mut out = vec![7.0; out];
        let scratch = &mut Scratch::new(&mut memory[..len - short]);
        let got = plan.infer(BASE, model, x, &mut out, scratch);
        assert!(got.is_ok() || out.iter().all(|v| *v == 7.0));
        let same = (&model.weights[0], model.ranges.len()) == (&whole.weights[0], whole.ranges.len());
        if same && model.scales.len() == whole.scales.len() {
            out.fill(7.0);
            let scratch = &mut Scratch::new(&mut memory[..packed_len - short]);
            assert_eq!(plan.infer_packed(BASE, packed, x, &mut out, scratch), got);
            assert!(got.is_ok() || out.iter().all(|v| *v == 7.0));
        }
        got
    };
    let model = whole.model();
    assert_eq!(run(model, &x, 10, 0), Ok(()));
    assert_eq!(run(model, &x, 9, 0), Err(Error::ShapeMismatch));
    assert_eq!(run(model, &x, 5, 0), Err(Error::ShapeMismatch));
    assert_eq!(run(model, &x[1..], 10, 0), Err(Error::ShapeMismatch));
    assert_eq!(run(model, &[], 0, 0), Err(Error::ShapeMismatch));
    assert_eq!(run(model, &x, 10, 130), Err(Error::ScratchTooSmall));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = x.clone();
        x[63] = bad;
        assert_eq!(run(model, &x, 10, 0), Err(Error::NotFinite));
    }
    let short = Quantised { weights: &model.weights[1..], ..model };
    assert_eq!(run(short, &x, 10, 0), Err(Error::ShapeMismatch));
    let short = Quantised { scales: &model.scales[1..], ..model };
    assert_eq!(run(short, &x, 10, 0), Err(Error::ShapeMismatch));
    let other = network(Shape::flat(2), &[Dense::new(3).into()]);
    let mut out = [0.0; 3];
    let got =
        QuantPlan::new(&other).unwrap().infer_packed(BASE, packed, &x[..2], &mut out, &mut Scratch::empty());
    assert_eq!(got, Err(Error::ShapeMismatch));
}

#[test]
fn parts_are_all_of_the_slices() {
    let of = Trained::new(
        Shape::image(4, 4, 2),
        &[
            Layer::batch_norm(),
            Conv2d::new(3, 3).groups(1).into(),
            Layer::batch_norm(),
            Activation::Relu.into(),
            Layer::Flatten,
            Dense::new(5).without_bias().into(),
        ],
    );
    let plan = of.plan();
    let listed: Vec<_> =
        plan.parts().map(|p| (p.layer, p.role.name(), p.offset, p.shape().to_vec())).collect();
    let want = [
        (None, "range", 0, vec![2]),
        (Some(0), "affine", 0, vec![2, 2]),
        (Some(0), "range", 2, vec![2]),
        (Some(1), "weight", 0, vec![3, 2, 3, 3]),
        (Some(1), "scale", 4, vec![3]),
        (Some(1), "bias", 0, vec![3]),
        (Some(3), "range", 4, vec![2]),
        (Some(5), "weight", 54, vec![5, 12]),
        (Some(5), "scale", 7, vec![5]),
        (Some(5), "bias", 3, vec![5]),
    ];
    assert_eq!(listed, want);
    let len =
        |roles: &[PartRole]| plan.parts().filter(|p| roles.contains(&p.role)).map(|p| p.len()).sum::<usize>();
    assert_eq!(len(&[PartRole::Range]), plan.range_len());
    assert_eq!(len(&[PartRole::Weight]), plan.weight_len());
    assert_eq!(len(&[PartRole::Scale, PartRole::Affine]), plan.scale_len());
    assert_eq!(len(&[PartRole::Bias]), plan.bias_len());
    assert!(plan.parts().all(|p| !p.is_empty() && ["i8", "i32", "f32"].contains(&p.role.element())));
    assert_eq!(Whole::part(&plan, Some(1), PartRole::Weight).unwrap().role.element(), "i8");
}
