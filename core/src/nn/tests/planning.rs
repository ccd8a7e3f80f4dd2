//! Places in memory: that they do not meet, and how much they save.

use super::super::{Activation, Conv2d, Dense, Draws, Gradients, Layer, Mode, Model, Network, Shape};
use super::{ALL, BASE, network};
use crate::error::Error;
use crate::scratch::Scratch;
use std::vec;

fn mlp() -> Network<8> {
    let (wide, relu) = (Dense::new(400).into(), Activation::Relu.into());
    network(Shape::flat(784), &[wide, relu, Dense::new(40).into(), wide, relu, Dense::new(784).into()])
}

#[test]
fn places_are_shared_over_time() {
    let net = mlp();
    // In use: the two largest that meet, 400 and 784.
    assert_eq!(net.plan(Mode::Inference).unwrap().value_len(1), Ok(784 + 400));
    // In training both of 400 and that of 40 are kept; the output and the gradient by it are alive together, and none of the
    // other gradients needs a place of its own.
    assert_eq!(net.plan(Mode::TRAINING).unwrap().value_len(3), Ok(3 * (400 + 40 + 400 + 2 * 784)));
    // Nothing is kept of frozen layers.
    let frozen = net.plan(Mode::Training { frozen: 5, input_gradient: false }).unwrap();
    assert_eq!(frozen.value_len(1), Ok(400 + 2 * 784));
    assert_eq!(frozen.grad_len(), 784 * 401);
}

#[test]
fn functions_lie_in_the_place_of_what_they_are_of_where_nobody_reads_that_later() {
    let len =
        |mode, layers: &[Layer]| network(Shape::flat(3), layers).plan(mode).unwrap().value_len(1).unwrap();
    let dense = Dense::new(10).into();
    for (activation, training) in [(Activation::Relu, 20), (Activation::Gelu, 30)] {
        assert_eq!(len(Mode::Inference, &[dense, activation.into()]), 10);
        assert_eq!(len(Mode::TRAINING, &[dense, activation.into()]), training, "{activation:?}");
    }
    // A sigmoid tells its derivative from its output, which dropout must leave as it is.
    assert_eq!(len(Mode::TRAINING, &[dense, Activation::Sigmoid.into(), Layer::Dropout { p: 0.5 }]), 30);
    assert_eq!(len(Mode::TRAINING, &[dense, Layer::Dropout { p: 0.5 }]), 20);
}

#[test]
fn what_a_plan_tells_is_what_it_takes() {
    for batch in [1, 5] {
        let net = network(Shape::image(6, 6, 2), &[Conv2d::new(3, 3).padding(1).into(), Layer::Flatten]);
        let plan = net.plan(Mode::TRAINING).unwrap();
        assert_eq!(net.workspace_len(batch, true), Ok(plan.workspace_len(batch)));
        let mut memory = vec![0u8; plan.workspace_len(batch) - 200];
        let mut scratch = Scratch::new(&mut memory);
        let mut work = plan.workspace(batch, &mut scratch).unwrap();
        let x = vec![0f32; batch * 72];
        let got = plan.forward(BASE, (&[0.0; 57], &mut []), &x, Draws::default(), &mut work, &mut scratch);
        assert_eq!(got, Err(Error::ScratchTooSmall));
        assert!(work.batch() == batch && plan.result(&work).iter().all(|v| *v == 0.0));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let net = network(Shape::flat(2), &[Dense::new(2).into(), Layer::Dropout { p: 0.5 }]);
    let plan = net.plan(ALL).unwrap();
    let mut memory = vec![0u8; plan.workspace_len(3)];
    let mut scratch = Scratch::new(&mut memory);
    assert_eq!(plan.workspace(0, &mut scratch.frame()).unwrap_err(), Error::InvalidArgument);
    assert_eq!(plan.workspace(usize::MAX, &mut scratch.frame()).unwrap_err(), Error::Overflow);
    let mut work = plan.workspace(3, &mut scratch).unwrap();
    let (keys, x) = (super::keys(3), [0f32; 6]);
    let draws = Draws { seed: 0, keys: &keys };
    let forward = |params: &[f32], x: &[f32], draws, work: &mut _, scratch: &mut Scratch<'_>| {
        plan.forward(BASE, (params, &mut []), x, draws, work, scratch)
    };
    let scratch = &mut scratch;
    assert_eq!(forward(&[0.0; 5], &x, draws, &mut work, scratch), Err(Error::ShapeMismatch));
    assert_eq!(forward(&[0.0; 6], &x[1..], draws, &mut work, scratch), Err(Error::ShapeMismatch));
    assert_eq!(forward(&[0.0; 6], &x, Draws::default(), &mut work, scratch), Err(Error::ShapeMismatch));
    assert_eq!(forward(&[0.0; 6], &x, draws, &mut work, scratch), Ok(()));
    let (mut grads, mut dx) = ([0f32; 6], [0f32; 6]);
    let model = Model { params: &[0.0; 6], state: &[] };
    for (params, input) in [(5, 6), (6, 5)] {
        let to = Gradients { params: &mut grads[..params], add: false, input: &mut dx[..input] };
        assert_eq!(
            plan.backward(BASE, model, (&x, draws), &mut work, to, scratch),
            Err(Error::ShapeMismatch)
        );
    }
    let use_only = net.plan(Mode::Inference).unwrap();
    let got = use_only.forward(BASE, (&[0.0; 6], &mut []), &x, draws, &mut work, scratch);
    assert_eq!(got, Err(Error::InvalidArgument));
    let norm = network(Shape::flat(2), &[Layer::batch_norm()]);
    let (plan, mut memory) = (norm.plan(ALL).unwrap(), vec![0u8; 4096]);
    let mut scratch = Scratch::new(&mut memory);
    let (mut one, mut state) = (plan.workspace(1, &mut scratch).unwrap(), [7f32; 4]);
    let got =
        plan.forward(BASE, (&[1.0; 4], &mut state), &[0.0; 2], Draws::default(), &mut one, &mut scratch);
    assert_eq!((got, state), (Err(Error::InvalidArgument), [7.0; 4]));
    let huge = network(Shape::flat(3), &[Dense::new(usize::MAX / 3).without_bias().spectral_norm().into()]);
    let plan = huge.plan(Mode::Inference).unwrap();
    assert_eq!((plan.workspace_len(1), plan.packed_len()), (usize::MAX, usize::MAX));
    assert!(plan.result(&one).is_empty());
    let mut two = Network::<2>::new(Shape::flat(2)).unwrap();
    two.push(Activation::Relu).unwrap();
    assert_eq!(two.push(Layer::Embedding { classes: 3, width: 2 }), Err(Error::Unsupported));
    let table = network(Shape::flat(1), &[Layer::Embedding { classes: 3, width: 2 }]);
    assert_eq!(table.plan(ALL).unwrap_err(), Error::Unsupported);
    assert_eq!(Network::<2>::new(Shape::flat(1)).unwrap().plan(ALL).unwrap_err(), Error::InvalidArgument);
    for index in [-1.0, 0.5, 3.0, f32::NAN] {
        let plan = table.plan(Mode::Inference).unwrap();
        let mut memory = vec![0u8; plan.workspace_len(1)];
        let mut scratch = Scratch::new(&mut memory);
        let mut work = plan.workspace(1, &mut scratch).unwrap();
        let model = Model { params: &[0.0; 6], state: &[] };
        let got = plan.infer(BASE, model, &[index], &mut work, &mut scratch);
        assert_eq!(got, Err(Error::InvalidArgument), "{index}");
    }
}
