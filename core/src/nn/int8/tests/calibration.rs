//! Ranges, and how they are narrowed.

use super::super::{BINS, PartRole};
use super::{BASE, Trained, Whole, draw, network};
use crate::error::Error;
use crate::nn::Engine;
use crate::nn::{Activation, Conv2d, Dense, Layer, Mode, Model, Shape};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::testing::TwoThreads;
use std::vec;
use std::vec::Vec;

fn model() -> Trained {
    Trained::new(
        Shape::image(6, 6, 2),
        &[
            Conv2d::new(5, 3).padding(1).into(),
            Layer::batch_norm(),
            Activation::LeakyRelu { slope: 0.2 }.into(),
            Layer::Dropout { p: 0.5 },
            Layer::Flatten,
            Dense::new(24).into(),
            Activation::Tanh.into(),
            Dense::new(9).into(),
            Layer::batch_norm(),
            Dense::new(4).into(),
        ],
    )
}

#[test]
fn ranges_are_those_of_what_layers_give() {
    let of = model();
    let x = draw(31 * 72, 2);
    let ranges = of.ranges(&x);
    let plan = of.plan();
    let layers: Vec<Layer> = of.net.layers().map(|(layer, _)| layer).collect();
    // The input, and behind the function of each product but the last.
    let places = [None, Some(2), Some(6), Some(8)];
    assert_eq!(plan.range_len(), 2 * places.len());
    for place in places {
        let some = network(of.net.input(), &layers[..place.map_or(0, |i| i + 1)]);
        let values = if place.is_none() {
            x.clone()
        } else {
            let plan = some.plan(Mode::Inference).unwrap();
            let mut memory = vec![0u8; plan.workspace_len(31)];
            let mut scratch = Scratch::new(&mut memory);
            let mut work = plan.workspace(31, &mut scratch).unwrap();
            let model =
                Model { params: &of.params[..some.param_len()], state: &of.state[..some.state_len()] };
            plan.infer(BASE, model, &x, &mut work, &mut scratch).unwrap();
            plan.result(&work).to_vec()
        };
        let part = Whole::part(&plan, place, PartRole::Range).unwrap();
        let want = values.iter().fold([0.0f32; 2], |[low, high], &v| [low.min(v), high.max(v)]);
        assert_eq!(ranges[part.offset..][..part.len()], want, "{place:?}");
    }
}

#[test]
fn ranges_and_counts_are_the_same_in_parts() {
    let of = model();
    let (plan, x) = (of.plan(), draw(40 * 72, 2));
    let mut memory = vec![0u8; plan.observe_scratch_len(40).unwrap()];
    let mut found = Vec::new();
    for (batch, reverse) in [(40, false), (7, false), (1, true)] {
        for level in Level::available() {
            let on = Engine { level, exec: &TwoThreads };
            let mut parts: Vec<&[f32]> = x.chunks(batch * 72).collect();
            if reverse {
                parts.reverse();
            }
            let mut ranges = vec![f32::NAN; plan.range_len()];
            let mut counts = vec![99; plan.count_len()];
            let mut calibration = plan.calibration(&mut ranges).unwrap();
            for part in &parts {
                calibration.observe(on, of.model(), part, &mut Scratch::new(&mut memory)).unwrap();
            }
            let widest = ranges.clone();
            let mut magnitudes = plan.magnitudes(&mut ranges, &mut counts).unwrap();
            for part in &parts {
                magnitudes.observe(on, of.model(), part, &mut Scratch::new(&mut memory)).unwrap();
            }
            magnitudes.narrow(0.98).unwrap();
            found.push((widest, ranges, counts));
        }
    }
    assert!(found.iter().all(|one| *one == found[0]));
    let (widest, narrow, counts) = &found[0];
    assert_eq!(counts[..BINS].iter().sum::<u32>(), 40 * 72);
    assert!(widest.iter().zip(narrow).all(|(w, n)| n.abs() <= w.abs()));
    // Of values that are spread evenly, some 98 % of the range.
    let share = narrow[1] / widest[1];
    assert!((0.97..0.99).contains(&share), "{share}");
    let kept = x.iter().filter(|v| v.abs() <= narrow[1]).count() as f64 / x.len() as f64;
    assert!((0.98..0.985).contains(&kept), "{kept}");
}

#[test]
fn all_values_stay_in_the_widest_ranges() {
    let of = model();
    let (plan, x) = (of.plan(), draw(3 * 72, 2));
    let mut memory = vec![0u8; plan.observe_scratch_len(3).unwrap()];
    let (mut ranges, mut counts) = (of.ranges(&x), vec![0; plan.count_len()]);
    let widest = ranges.clone();
    let mut magnitudes = plan.magnitudes(&mut ranges, &mut counts).unwrap();
    magnitudes.observe(BASE, of.model(), &x, &mut Scratch::new(&mut memory)).unwrap();
    magnitudes.narrow(1.0).unwrap();
    assert!(
        widest.iter().zip(&ranges).all(|(a, b)| (a - b).abs() <= 0.001 * a.abs()),
        "{widest:?} {ranges:?}"
    );
    for share in [0.0, -1.0, 1.1, f64::NAN] {
        let magnitudes = plan.magnitudes(&mut ranges, &mut counts).unwrap();
        assert_eq!(magnitudes.narrow(share), Err(Error::InvalidArgument));
    }
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_the_ranges() {
    let of = model();
    let (plan, mut x) = (of.plan(), draw(3 * 72, 2));
    let mut memory = vec![0u8; plan.observe_scratch_len(3).unwrap()];
    let mut ranges = vec![0.0; plan.range_len()];
    assert_eq!(plan.calibration(&mut ranges[1..]).unwrap_err(), Error::ShapeMismatch);
    assert_eq!(plan.magnitudes(&mut ranges, &mut [0; 3]).unwrap_err(), Error::ShapeMismatch);
    let mut calibration = plan.calibration(&mut ranges).unwrap();
    let mut observe = |model, x: &[f32], len: usize| {
        calibration.observe(BASE, model, x, &mut Scratch::new(&mut memory[..len]))
    };
    let len = plan.observe_scratch_len(3).unwrap();
    assert_eq!(observe(of.model(), &x, len), Ok(()));
    assert_eq!(observe(of.model(), &x[1..], len), Err(Error::ShapeMismatch));
    assert_eq!(observe(of.model(), &[], len), Err(Error::InvalidArgument));
    assert_eq!(observe(of.model(), &x, len - 200), Err(Error::ScratchTooSmall));
    let model = Model { params: &of.params[1..], ..of.model() };
    assert_eq!(observe(model, &x, len), Err(Error::ShapeMismatch));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let before = x[5];
        x[5] = bad;
        assert_eq!(observe(of.model(), &x, len), Err(Error::NotFinite), "{bad}");
        x[5] = before;
    }
    assert_eq!(ranges, of.ranges(&x));
}
