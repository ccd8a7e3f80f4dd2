//! Adversarial losses by hand, LeCam against its algorithm in double precision, and what they refuse.

use super::super::loss::{Adversarial, Anchors, LeCam, Side, hinge, least_squares, logistic, wasserstein};
use super::BASE;
use super::gradients::{draws, wide};
use crate::error::Error;

const LOGITS: [f32; 5] = [-3.0, -1.0, 0.0, 1.0, 2.5];
const SCALES: [f32; 5] = [0.5; 5];

fn of(loss: Adversarial, side: Side) -> ([f32; 5], [f32; 5]) {
    let (mut l, mut grad) = ([7f32; 5], [7f32; 5]);
    loss.loss(BASE, side, [&LOGITS, &SCALES], &mut l, &mut grad).unwrap();
    (l, grad)
}

#[test]
fn a_hinge_costs_nothing_beyond_its_margin() {
    let real = of(Adversarial::Hinge, Side::Real);
    assert_eq!(real, ([4.0, 2.0, 1.0, 0.0, 0.0], [-0.5, -0.5, -0.5, 0.0, 0.0]));
    let fake = of(Adversarial::Hinge, Side::Fake);
    assert_eq!(fake, ([0.0, 0.0, 1.0, 2.0, 3.5], [0.0, 0.0, 0.5, 0.5, 0.5]));
    let generator = of(Adversarial::Hinge, Side::Generator);
    assert_eq!(generator, (LOGITS.map(|l| -l), [-0.5; 5]));
}

#[test]
fn a_critic_pays_the_logit_itself() {
    assert_eq!(of(Adversarial::Wasserstein, Side::Real), (LOGITS.map(|l| -l), [-0.5; 5]));
    assert_eq!(of(Adversarial::Wasserstein, Side::Fake), (LOGITS, [0.5; 5]));
    assert_eq!(of(Adversarial::Wasserstein, Side::Generator), (LOGITS.map(|l| -l), [-0.5; 5]));
}

#[test]
fn each_side_has_its_target() {
    let squares = Adversarial::LeastSquares { real: 1.0, fake: 0.0, generator: 2.0 };
    for (side, target) in [(Side::Real, 1.0), (Side::Fake, 0.0), (Side::Generator, 2.0)] {
        let want = (LOGITS.map(|l| 0.5 * (l - target) * (l - target)), LOGITS.map(|l| 0.5 * (l - target)));
        assert_eq!(of(squares, side), want);
    }
    let (mut loss, mut grad) = ([0f32; 5], [0f32; 5]);
    for (side, target) in [(Side::Real, 0.9), (Side::Fake, 0.0), (Side::Generator, 1.0)] {
        logistic(BASE, target, [&LOGITS, &SCALES], &mut loss, &mut grad).unwrap();
        assert_eq!(of(Adversarial::NonSaturating { real: 0.9 }, side), (loss, grad));
    }
}

/// Three batches, with the algorithm in double precision.
#[test]
fn lecam_moves_its_anchors_as_published() {
    let (lecam, mut draw) = (LeCam { weight: 0.3, decay: 0.9 }, draws(8));
    // What was there before the first step does not matter.
    let mut anchors = Anchors { real: f32::NAN, fake: 3.0 };
    let mut want = [0f64; 2];
    for t in 1..=3 {
        let (real, fake) = (draw(37), draw(20));
        lecam.track(BASE, t, [&real, &fake], &mut anchors).unwrap();
        for (anchor, logits) in want.iter_mut().zip([&real, &fake]) {
            let mean = wide(logits).iter().sum::<f64>() / logits.len() as f64;
            *anchor = if t == 1 { mean } else { 0.9 * *anchor + 0.1 * mean };
        }
        let got = [anchors.real, anchors.fake].map(f64::from);
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-6), "{got:?} {want:?}");
    }
}

#[test]
fn lecam_adds_to_what_is_there() {
    let anchors = Anchors { real: 1.0, fake: -1.0 };
    let lecam = LeCam { weight: 0.5, decay: 0.9 };
    let (mut loss, mut grad) = ([1f32; 5], [1f32; 5]);
    lecam.add(BASE, Side::Real, anchors, [&LOGITS, &SCALES], &mut loss, &mut grad).unwrap();
    assert_eq!((loss, grad), ([1.0, 1.0, 1.5, 3.0, 7.125], [1.0, 1.0, 1.5, 2.0, 2.75]));
    let (mut loss, mut grad) = ([1f32; 5], [1f32; 5]);
    lecam.add(BASE, Side::Fake, anchors, [&LOGITS, &SCALES], &mut loss, &mut grad).unwrap();
    assert_eq!((loss, grad), ([9.0, 3.0, 1.5, 1.0, 1.0], [-1.0, 0.0, 0.5, 1.0, 1.0]));
}

#[test]
fn logits_that_are_not_numbers_stay_so() {
    let (mut loss, mut grad) = ([0f32], [0f32]);
    for side in [Side::Real, Side::Fake, Side::Generator] {
        for of in [hinge, wasserstein] {
            of(BASE, side, [&[f32::NAN], &[1.0]], &mut loss, &mut grad).unwrap();
            assert!(loss[0].is_nan());
        }
    }
    let inputs = [&[f32::NAN][..], &[1.0]];
    let mut loss = [0f32];
    LeCam::default().add(BASE, Side::Real, Anchors::default(), inputs, &mut loss, &mut grad).unwrap();
    assert!(loss[0].is_nan());
}

#[test]
fn what_does_not_fit_is_refused() {
    let (mut loss, mut grad) = ([7f32; 5], [7f32; 5]);
    for (inputs, n, m) in [
        ([&LOGITS[..4], &SCALES[..]], 5, 5),
        ([&LOGITS[..], &SCALES[..4]], 5, 5),
        ([&LOGITS[..], &SCALES[..]], 4, 5),
        ([&LOGITS[..], &SCALES[..]], 5, 4),
    ] {
        let (loss, grad) = (&mut loss[..n], &mut grad[..m]);
        let wrong = Err(Error::ShapeMismatch);
        assert_eq!(hinge(BASE, Side::Real, inputs, loss, grad), wrong);
        assert_eq!(wasserstein(BASE, Side::Real, inputs, loss, grad), wrong);
        assert_eq!(least_squares(BASE, 1.0, inputs, loss, grad), wrong);
        assert_eq!(logistic(BASE, 1.0, inputs, loss, grad), wrong);
        let lecam = LeCam::default();
        assert_eq!(lecam.add(BASE, Side::Real, Anchors::default(), inputs, loss, grad), wrong);
    }
    let inputs = [&LOGITS[..], &SCALES];
    let wrong = Err(Error::InvalidArgument);
    for target in [f32::NAN, f32::INFINITY] {
        assert_eq!(least_squares(BASE, target, inputs, &mut loss, &mut grad), wrong);
        assert_eq!(logistic(BASE, target, inputs, &mut loss, &mut grad), wrong);
    }
    let lecam = LeCam::default();
    let mut anchors = Anchors { real: 7.0, fake: 7.0 };
    for bad in [
        LeCam { weight: -1.0, ..lecam },
        LeCam { weight: f32::NAN, ..lecam },
        LeCam { decay: 1.0, ..lecam },
        LeCam { decay: f32::NAN, ..lecam },
    ] {
        assert_eq!(bad.add(BASE, Side::Fake, anchors, inputs, &mut loss, &mut grad), wrong, "{bad:?}");
        assert_eq!(bad.track(BASE, 1, inputs, &mut anchors), wrong, "{bad:?}");
    }
    assert_eq!(lecam.add(BASE, Side::Generator, anchors, inputs, &mut loss, &mut grad), wrong);
    let lost = Anchors { real: f32::NAN, fake: f32::NAN };
    assert_eq!(lecam.add(BASE, Side::Real, lost, inputs, &mut loss, &mut grad), wrong);
    assert_eq!(lecam.track(BASE, 0, inputs, &mut anchors), wrong);
    assert_eq!(lecam.track(BASE, 1, [&LOGITS, &[]], &mut anchors), Err(Error::ShapeMismatch));
    let infinite = [&LOGITS[..], &[f32::INFINITY]];
    assert_eq!(lecam.track(BASE, 2, infinite, &mut anchors), Err(Error::NotFinite));
    assert_eq!((loss, grad), ([7.0; 5], [7.0; 5]));
    assert_eq!(anchors, Anchors { real: 7.0, fake: 7.0 });
}
