//! Dropout (Srivastava et al. 2014) with masks that are drawn again for the way back.

use super::Engine;
use super::parallel::for_rows;
use super::rows;
use crate::exec::Executor;
use crate::rng::{Key, Stream};

/// With what a pass draws.
#[derive(Clone, Copy, Debug, Default)]
pub struct Draws<'a> {
    /// The seed.
    pub seed: u64,
    /// A key for each sample of the batch; nothing where no layer draws. The number of the layer is added to the operation of
    /// a key: networks that draw for the same samples take keys whose operations are further apart than they have layers.
    pub keys: &'a [Key],
}

/// Drops values of `v`, outputs or gradients by them, in place; both times the same ones.
pub(super) fn drop<E: Executor>(on: Engine<'_, E>, p: f32, draws: Draws<'_>, layer: usize, v: &mut [f32]) {
    let scale = 1.0 / (1.0 - p);
    let width = v.len().checked_div(draws.keys.len()).unwrap_or(0);
    for_rows(on.exec, draws.keys.len(), [v], |first, [v]| {
        let keys = draws.keys.get(first..).unwrap_or(&[]);
        for (v, key) in rows::of_mut(v, width).zip(keys) {
            let mut stream = Stream::new(draws.seed, key.later_op(layer as u32));
            for v in v {
                *v = if stream.uniform() < p { 0.0 } else { *v * scale };
            }
        }
    });
}
