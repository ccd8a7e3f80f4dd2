//! How parameters start.

use super::tensors::{Start, Tensor};
use crate::math;
use crate::rng::{Key, Stream};

/// The purpose of the streams that parameters are drawn from; see [`Key::new`].
pub const PURPOSE: u32 = 6;

/// Fills a tensor within `all`. `op` numbers it within its model.
pub(super) fn fill(tensor: &Tensor, seed: u64, op: u32, all: &mut [f32]) {
    let values = all.get_mut(tensor.offset..tensor.offset + tensor.len()).unwrap_or(&mut []);
    let mut stream = Stream::new(seed, Key::new(PURPOSE).op(op));
    match tensor.start {
        Start::FanIn(n) => {
            let bound = 1.0 / math::sqrt(n.max(1) as f32);
            values.iter_mut().for_each(|v| *v = stream.range(-bound, bound));
        }
        Start::Normal => values.iter_mut().for_each(|v| *v = stream.normal()),
        Start::Ones => values.fill(1.0),
        Start::Zeros => values.fill(0.0),
    }
}
