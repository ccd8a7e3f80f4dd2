//! Who runs the parts of one call: the core starts no thread, it asks an [`Executor`].
//!
//! Work is split into jobs that write disjoint parts of one output. No sum crosses a job, so the
//! result does not depend on how many threads there are or which of them runs what.

/// Runs jobs over the disjoint pieces of an output, in any order, at the same time or not.
pub trait Executor: Sync {
    /// Calls `job(i, piece)` for each piece of `chunk` elements of `out` (the last may be shorter),
    /// where `i` counts the pieces from 0. A `chunk` of 0 counts as 1.
    fn for_each_chunk<T, F>(&self, out: &mut [T], chunk: usize, job: F)
    where
        T: Send,
        F: Fn(usize, &mut [T]) + Sync + Send;

    /// How many jobs may run at the same time; a hint for the size of the pieces only.
    fn width(&self) -> usize;
}

/// Runs the jobs one after the other on the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serial;

impl Executor for Serial {
    fn for_each_chunk<T, F>(&self, out: &mut [T], chunk: usize, job: F)
    where
        T: Send,
        F: Fn(usize, &mut [T]) + Sync + Send,
    {
        for (i, piece) in out.chunks_mut(chunk.max(1)).enumerate() {
            job(i, piece);
        }
    }

    fn width(&self) -> usize {
        1
    }
}
