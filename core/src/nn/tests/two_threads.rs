//! An executor of two threads.

use crate::exec::Executor;
use std::vec::Vec;

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
