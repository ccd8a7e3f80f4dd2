//! How parameters start.

use crate::math;
use crate::rng::{Key, Stream};

/// The purpose of the streams that parameters are drawn from; see [`Key::new`].
pub const PURPOSE: u32 = 6;

/// Fills a tensor with PyTorch's default for its layers, uniform in ±1/√fan_in (for the weights that is
/// He et al. 2015 with the slope √5). `op` numbers the tensor within its model.
pub(super) fn uniform_by_fan_in(fan_in: usize, seed: u64, op: u32, values: &mut [f32]) {
    let bound = 1.0 / math::sqrt(fan_in.max(1) as f32);
    let mut stream = Stream::new(seed, Key::new(PURPOSE).op(op));
    for v in values {
        *v = stream.range(-bound, bound);
    }
}
