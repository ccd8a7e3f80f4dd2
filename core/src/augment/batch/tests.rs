use super::*;
use crate::augment::{Op, Pipeline, key};
use crate::image::testing::Owned;
use crate::image::{Border, Bounds, Filter, Interpolation};
use std::vec;
use std::vec::Vec;

const SHAPE: (usize, usize, usize) = (20, 24, 3);

/// Moves of several kinds, and what moves nothing.
fn pipeline() -> Pipeline<8> {
    let interpolation = Interpolation::Bilinear;
    let rotate = Op::Rotate { degrees: [-40.0, 40.0], border: Border::Constant(3), interpolation };
    let crop =
        Op::BoxSafeCrop { height: 13, width: 11, filter: Filter::Bilinear, antialias: true, precise: false };
    let mut pipeline = Pipeline::new();
    for (op, p) in [(Op::HFlip {}, 0.5), (rotate, 1.0), (crop, 1.0), (Op::Gamma { gamma: [0.5, 2.0] }, 1.0)] {
        pipeline.push(op, p).unwrap();
    }
    pipeline
}

#[test]
fn masks_of_a_batch_move_with_their_images() {
    let pipeline = pipeline();
    let plan = pipeline.plan(SHAPE).unwrap();
    let keys: Vec<Key> = (0..4).map(|i| key(b"masks", i)).collect();
    let (h, w, _) = plan.out_shape();
    // Labels of 32 bits, and numbers of which one is none, in two channels.
    let labels: Vec<i32> = (0..4 * 20 * 24).map(|i| i / 7 % 5 * -70_000).collect();
    let numbers: Vec<f32> =
        (0..4 * 20 * 24 * 2).map(|i| if i % 97 == 0 { f32::NAN } else { i as f32 }).collect();
    for how in [Labels::Nearest, Labels::Majority] {
        for draws in [Draws::Own(5, &keys), Draws::Shared(5, keys[1], 4)] {
            let mut memory = vec![0; plan.mask_scratch_len::<f32>(2)];
            let mut moved = vec![0; 4 * h * w];
            let scratch = &mut Scratch::new(&mut memory);
            plan.batch_masks(Level::detect(), &labels, &mut moved, (how, 9), draws, scratch).unwrap();
            let mut floats = vec![0.0; 4 * h * w * 2];
            plan.batch_masks(Level::detect(), &numbers, &mut floats, (how, -1.0), draws, scratch).unwrap();
            plan.for_each(draws, |i, prepared| {
                let (mut one, mut two) = (vec![0; h * w], vec![0.0; h * w * 2]);
                let mask = ImageRef::new(&labels[i * 480..][..480], 20, 24, 1)?;
                let dst = ImageMut::new(&mut one, h, w, 1)?;
                prepared.run_mask(Level::BASE, mask, dst, (how, 9), scratch)?;
                assert_eq!(moved[i * h * w..][..h * w], one);
                let mask = ImageRef::new(&numbers[i * 960..][..960], 20, 24, 2)?;
                let dst = ImageMut::new(&mut two, h, w, 2)?;
                prepared.run_mask(Level::BASE, mask, dst, (how, -1.0), scratch)?;
                let bits = |all: &[f32]| all.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&floats[i * h * w * 2..][..h * w * 2]), bits(&two));
                Ok(())
            })
            .unwrap();
            assert!(moved.contains(&9) && moved.contains(&-70_000));
            let short = &mut Scratch::new(&mut []);
            let refused = plan.batch_masks(Level::BASE, &labels, &mut moved, (how, 9), draws, short);
            assert_eq!(refused, Err(Error::ScratchTooSmall));
            let scratch = &mut Scratch::new(&mut memory);
            let refused = plan.batch_masks(Level::BASE, &labels[1..], &mut moved, (how, 9), draws, scratch);
            assert_eq!(refused, Err(Error::ShapeMismatch));
        }
    }
}

#[test]
fn records_that_were_drawn_before_stand_for_their_images() {
    let pipeline = pipeline();
    let plan = pipeline.plan(SHAPE).unwrap();
    let (h, w, c) = plan.out_shape();
    let images: Vec<Owned> = (0..3).map(|i| Owned::noise(SHAPE, i)).collect();
    let src: Vec<u8> = images.iter().flat_map(|image| image.data.clone()).collect();
    let bounds = |i: u32| Bounds::from_xyxy([4.0 + f64::from(i), 5.0, 9.0, 12.0]).unwrap();
    let records: Vec<Params<8>> =
        (0..3).map(|i| plan.draw(5, key(b"drawn", i), &[bounds(i)]).unwrap()).collect();
    let mut memory = vec![0; plan.scratch_len::<u8>()];
    let scratch = &mut Scratch::new(&mut memory);
    let mut out = vec![0; 3 * h * w * c];
    plan.batch(Level::detect(), &src, &mut out, Draws::Drawn(&records), scratch).unwrap();
    for (i, image) in images.iter().enumerate() {
        let mut alone = Owned::new((h, w, c));
        let prepared = plan.prepare(&records[i]).unwrap();
        prepared.run(Level::BASE, image.view(), alone.view_mut(), scratch).unwrap();
        assert_eq!(out[i * h * w * c..][..h * w * c], alone.data);
    }
    let few = plan.batch(Level::BASE, &src, &mut out, Draws::Drawn(&records[1..]), scratch);
    assert_eq!(few, Err(Error::ShapeMismatch));
    let mut wrong = records.clone();
    wrong[1].truncate(2);
    let refused = plan.batch(Level::BASE, &src, &mut out, Draws::Drawn(&wrong), scratch);
    assert_eq!(refused, Err(Error::InvalidArgument));
}
