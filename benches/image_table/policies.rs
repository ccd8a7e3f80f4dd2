//! Policies, and noise of photons: what a call takes in the mean of ten draws.

use super::{Ops, PART, SIDE, add, planned};
use seedbed::augment::{Op, key};
use seedbed::image::{Border, Bounds, Filter, Interpolation, copy, shot_noise};
use seedbed::rng::{Key, Stream};
use seedbed::{ImageMut, Level, Scratch};

/// Draws of a measured call, each of a key of its own and the same in all calls, of which the least counts; `run.py` divides by it.
const DRAWS: u32 = 10;

pub fn all(ops: &mut Ops, level: Level) {
    let (border, interpolation) = (Border::Constant(128), Interpolation::Bilinear);
    let policies = [
        ("rand_augment", Op::RandAugment { count: 2, magnitude: 9, border, interpolation }),
        ("auto_augment_imagenet", Op::AutoAugmentImagenet { border, interpolation }),
        ("auto_augment_cifar10", Op::AutoAugmentCifar10 { border, interpolation }),
        ("auto_augment_svhn", Op::AutoAugmentSvhn { border, interpolation }),
        ("trivial_augment_wide", Op::TrivialAugmentWide { border, interpolation }),
        (
            "aug_mix",
            Op::Augmix {
                severity: 3,
                width: 3,
                depth: 0,
                alpha: [1.0, 1.0],
                all: true,
                border,
                interpolation,
            },
        ),
    ];
    for (name, op) in policies {
        let plan = planned(&[(op, 1.0)], SIDE);
        let mut memory = vec![0; plan.scratch_len::<u8>()];
        add(ops, name, move |src, mut dst| {
            for i in 0..DRAWS {
                let prepared = plan.prepare(&plan.draw(1, key(b"image", i), &[]).unwrap()).unwrap();
                prepared.run(level, src, dst.reborrow(), &mut Scratch::new(&mut memory)).unwrap();
            }
        });
    }
    overlapping_crop(ops, level);
    let mut seed = 0;
    add(ops, "shot_noise", move |src, mut dst| {
        seed += 1;
        copy(src, dst.reborrow()).unwrap();
        shot_noise(level, 100.0, &mut Stream::new(seed, Key::new(0)), dst).unwrap();
    });
}

/// A part that overlaps with a box, resized.
fn overlapping_crop(ops: &mut Ops, level: Level) {
    let size = PART as u32;
    let op = Op::RandomIouCrop {
        height: size,
        width: size,
        scale: [0.3, 1.0],
        ratio: [0.5, 2.0],
        filter: Filter::Bilinear,
        antialias: true,
        precise: false,
    };
    let plan = planned(&[(op, 1.0)], SIDE);
    let boxes = [[100.0, 120.0, 200.0, 260.0], [300.0, 40.0, 420.0, 200.0]];
    let boxes = boxes.map(|bounds| Bounds::from_xyxy(bounds).unwrap());
    let mut memory = vec![0; plan.scratch_len::<u8>()];
    add(ops, "random_iou_crop", move |src, mut dst| {
        for i in 0..DRAWS {
            let to = ImageMut::new(dst.data_mut(), PART, PART, 3).unwrap();
            let prepared = plan.prepare(&plan.draw(1, key(b"image", i), &boxes).unwrap()).unwrap();
            prepared.run(level, src, to, &mut Scratch::new(&mut memory)).unwrap();
        }
    });
}
