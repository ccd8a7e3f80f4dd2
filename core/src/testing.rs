//! What the unit tests share.

use crate::exec::Executor;
use crate::simd::Level;
use std::vec::Vec;

/// Runs `op` on every length from 0 to 67 and every offset from 0 to 3 of `input` (cycled), at every
/// level, and compares the bits of its output with those of the base level.
pub(crate) fn same_bits_at_every_level(input: &[f32], op: impl Fn(Level, &[f32], &mut Vec<f32>)) {
    let cycled: Vec<f32> = input.iter().copied().cycle().take(67 + 3).collect();
    for len in 0..=67 {
        for offset in 0..4 {
            let part = &cycled[offset..offset + len];
            let mut want = Vec::new();
            op(Level::BASE, part, &mut want);
            for level in Level::available() {
                let mut got = Vec::new();
                op(level, part, &mut got);
                assert!(
                    got.len() == want.len() && got.iter().zip(&want).all(|(g, w)| same_bits(*g, *w)),
                    "{level:?} differs from base at length {len}, offset {offset}: {got:?} {want:?}"
                );
            }
        }
    }
}

/// Equal bits, or both NaN (whose payload is not promised).
pub(crate) fn same_bits(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// Deals the pieces to two threads of the standard library.
pub(crate) struct TwoThreads;

impl Executor for TwoThreads {
    fn for_each_chunk<T, F>(&self, out: &mut [T], chunk: usize, job: F)
    where
        T: Send,
        F: Fn(usize, &mut [T]) + Sync + Send,
    {
        let mut hands: [Vec<(usize, &mut [T])>; 2] = [Vec::new(), Vec::new()];
        for (i, piece) in out.chunks_mut(chunk.max(1)).enumerate() {
            hands[i % 2].push((i, piece));
        }
        let job = &job;
        std::thread::scope(|scope| {
            for hand in hands {
                scope.spawn(move || hand.into_iter().for_each(|(i, piece)| job(i, piece)));
            }
        });
    }

    fn width(&self) -> usize {
        2
    }
}
