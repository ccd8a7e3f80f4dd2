//! What the discriminator of a GAN is shown: a batch of pictures, changed, and the gradient on its way back.

use super::Ops;
use seedbed::augment::diff::{Ada, AdaChange, DiffAugment, DiffChange, Pictures};
use seedbed::augment::key;
use seedbed::nn::Draws;
use seedbed::rng::Key;
use seedbed::{Level, Scratch};
use seedbed_benches::floats;
use std::hint::black_box;

const PICTURES: usize = 64;
const SIDE: usize = 28;

pub fn all(ops: &mut Ops, level: Level) {
    for (name, back) in [("diff_augment", false), ("diff_augment_back", true)] {
        let mut drawn = [DiffChange::default(); PICTURES];
        batch(ops, name, move |of, draws, [x, y, dx]| {
            DiffAugment::default().draw_all(of, draws, &mut drawn).unwrap();
            DiffAugment::apply(level, of, &drawn, x, y).unwrap();
            if back {
                DiffAugment::backward(level, of, &drawn, y, dx).unwrap();
            }
        });
    }
    let of = Pictures::interleaved(SIDE, SIDE, 1);
    for (name, policy, back) in
        [("ada_bgc", Ada::BGC, false), ("ada_all", Ada::ALL, false), ("ada_all_back", Ada::ALL, true)]
    {
        let mut drawn = vec![AdaChange::default(); PICTURES];
        let mut memory = vec![0; Ada::scratch_len(of)];
        batch(ops, name, move |of, draws, [x, y, dx]| {
            policy.draw_all(of, 0.6, draws, &mut drawn).unwrap();
            let scratch = &mut Scratch::new(&mut memory);
            Ada::apply(level, of, &drawn, x, y, scratch).unwrap();
            if back {
                Ada::backward(level, of, &drawn, y, dx, scratch).unwrap();
            }
        });
    }
}

/// What is done to a batch: the pictures, what they become, and their gradient. Each call draws anew.
fn batch(
    ops: &mut Ops,
    name: &'static str,
    mut op: impl FnMut(Pictures, Draws<'_>, [&mut [f32]; 3]) + 'static,
) {
    let len = PICTURES * SIDE * SIDE;
    let (mut x, mut y, mut dx) = (floats(len, -1.0, 1.0), vec![0.0; len], vec![0.0; len]);
    let keys: Vec<Key> = (0..PICTURES as u32).map(|i| key(b"batch", i)).collect();
    let (of, mut seed) = (Pictures::interleaved(SIDE, SIDE, 1), 0);
    ops.insert(
        name,
        Box::new(move || {
            seed += 1;
            op(of, Draws { seed, keys: &keys }, [black_box(&mut x), &mut y, &mut dx]);
            black_box((&y, &dx));
        }),
    );
}
