//! Floor 3: what the discriminator of a GAN is shown, and the way back.

use super::fill;
use crate::Digest;
use seedbed::augment::diff::{Ada, AdaChange, DiffAugment, DiffChange, Pictures};
use seedbed::nn::Draws;
use seedbed::rng::Key;
use seedbed::{Level, Result, Scratch};

/// Pictures of a batch.
const BATCH: usize = 6;

/// Both sets of augmentations, there and back, interleaved and in planes.
pub(super) fn diff(level: Level, scratch: &mut Scratch<'_>) -> Result<u64> {
    let mut digest = Digest::new();
    for of in [Pictures::interleaved(9, 12, 3), Pictures::planes(8, 8, 3), Pictures::interleaved(7, 5, 1)] {
        let mut frame = scratch.frame();
        let len = BATCH * of.len()?;
        let (x, out) = (frame.take::<f32>(len)?, frame.take::<f32>(len)?);
        let mut keys = [Key::new(1001); BATCH];
        for (key, i) in keys.iter_mut().zip(0..) {
            *key = key.sample(i);
        }
        let draws = || Draws { seed: 7, keys: &keys };
        fill(70, -1.0, 1.0, x);
        let mut drawn = [DiffChange::default(); BATCH];
        DiffAugment::default().draw_all(of, draws(), &mut drawn)?;
        DiffAugment::apply(level, of, &drawn, x, out)?;
        digest.floats(out);
        DiffAugment::backward(level, of, &drawn, x, out)?;
        digest.floats(out);
        for p in [0.4, 1.0] {
            let mut drawn = [AdaChange::default(); BATCH];
            Ada::default().draw_all(of, p, draws(), &mut drawn)?;
            Ada::apply(level, of, &drawn, x, out, &mut frame)?;
            digest.floats(out);
            Ada::backward(level, of, &drawn, x, out, &mut frame)?;
            digest.floats(out);
        }
    }
    Ok(digest.finish())
}
