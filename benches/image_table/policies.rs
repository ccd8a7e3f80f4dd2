//! Policies, and noise of photons: what a call takes in the mean of ten draws.

use super::{Ops, SIDE, add, planned};
use seedbed::augment::{Op, key};
use seedbed::image::{Border, Interpolation, copy, shot_noise};
use seedbed::rng::{Key, Stream};
use seedbed::{Level, Scratch};

/// Draws of a measured call, each of a key of its own and the same in all calls, of which the least counts; `run.py` divides by it.
const DRAWS: u32 = 10;

pub fn all(ops: &mut Ops, level: Level) {
    let (border, interpolation) = (Border::Constant(128), Interpolation::Bilinear);
    let policies = [
        ("rand_augment", Op::RandAugment { count: 2, magnitude: 9, border, interpolation }),
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
    let mut seed = 0;
    add(ops, "shot_noise", move |src, mut dst| {
        seed += 1;
        copy(src, dst.reborrow()).unwrap();
        shot_noise(level, 100.0, &mut Stream::new(seed, Key::new(0)), dst).unwrap();
    });
}
