//! The threads of the host: a pool of a chosen size that the core's calls and the stages share.
//!
//! Nothing here makes a result depend on the number of threads: jobs write disjoint pieces, and
//! mapped results keep the order of their inputs.

use crate::error::{Error, Result};
use rayon::prelude::*;
use seedbed::exec::Executor;
use std::sync::Arc;

/// Content in memory at a time, after which [`Pool::stream`] ends a batch however few items it has.
const BATCH_BYTES: usize = 128 << 20;

/// What an item holds in memory, for [`Pool::stream`].
pub trait Held {
    /// Bytes of content, about.
    fn held(&self) -> usize;
}

/// An item with something small about it.
impl<A, T: Held> Held for (A, T) {
    fn held(&self) -> usize {
        self.1.held()
    }
}

/// A pool of threads; cloning it shares it.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Absent for a single thread: the caller's thread does the work then.
    inner: Option<Arc<rayon::ThreadPool>>,
    threads: usize,
}

impl Pool {
    /// A pool of `threads` threads; 0 means one for each processor.
    ///
    /// # Errors
    /// When the system refuses to start the threads.
    pub fn new(threads: usize) -> Result<Self> {
        let threads =
            if threads == 0 { std::thread::available_parallelism().map_or(1, |n| n.get()) } else { threads };
        if threads == 1 {
            return Ok(Self::single());
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("seedbed-{i}"))
            .build()
            .map_err(|e| {
                Error::failed(format!("cannot start {threads} threads: {e}")).hint("use a smaller --threads")
            })?;
        Ok(Self { inner: Some(Arc::new(pool)), threads })
    }

    /// The calling thread alone.
    pub const fn single() -> Self {
        Self { inner: None, threads: 1 }
    }

    /// How many threads there are.
    pub const fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `f` on a thread of the pool, from where each of many small [`Executor`] calls in it reaches the others at
    /// little cost: from outside each one wakes the pool and waits for it.
    pub fn inside<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        match &self.inner {
            None => f(),
            Some(pool) => pool.install(f),
        }
    }

    /// `f` of each item, in the order of the items.
    pub fn map<T: Sync, R: Send>(&self, items: &[T], f: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
        match &self.inner {
            None => items.iter().map(f).collect(),
            Some(pool) => pool.install(|| items.par_iter().map(f).collect()),
        }
    }

    /// [`Pool::map`] for work that can fail.
    ///
    /// # Errors
    /// The error of the first failing item in the order of the items, whichever thread came first.
    pub fn try_map<T: Sync, R: Send>(
        &self,
        items: &[T],
        f: impl Fn(&T) -> Result<R> + Sync + Send,
    ) -> Result<Vec<R>> {
        self.map(items, f).into_iter().collect()
    }

    /// [`Pool::map`] over owned items.
    pub fn map_owned<T: Send, R: Send>(&self, items: Vec<T>, f: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
        match &self.inner {
            None => items.into_iter().map(f).collect(),
            Some(pool) => pool.install(|| items.into_par_iter().map(f).collect()),
        }
    }

    /// Streams `items` through `f` on all threads and into `sink` in order, about `batch` items in memory
    /// at a time; fewer where they are large. `items` and `sink` run on the caller's thread, beside `f` on the others.
    ///
    /// # Errors
    /// The first error, in the order of the items, of the source, of `f` or of `sink`; what came
    /// before it has gone into `sink`.
    pub fn stream<T: Held + Send, R: Send>(
        &self,
        items: impl IntoIterator<Item = Result<T>>,
        batch: usize,
        f: impl Fn(T) -> Result<R> + Sync + Send,
        sink: impl FnMut(R) -> Result<()>,
    ) -> Result<()> {
        self.stream_within(BATCH_BYTES, items, batch, f, sink)
    }

    fn stream_within<T: Held + Send, R: Send>(
        &self,
        batch_bytes: usize,
        items: impl IntoIterator<Item = Result<T>>,
        batch: usize,
        f: impl Fn(T) -> Result<R> + Sync + Send,
        mut sink: impl FnMut(R) -> Result<()>,
    ) -> Result<()> {
        let mut items = items.into_iter();
        let Some(pool) = &self.inner else {
            return items.try_for_each(|item| sink(f(item?)?));
        };
        // One half is worked on; the other was, and goes away before as much is taken.
        let (batch, batch_bytes) = ((batch / 2).max(1), batch_bytes / 2);
        let mut take = || {
            let (mut taken, mut bytes) = (Vec::new(), 0usize);
            while taken.len() < batch && (bytes < batch_bytes || taken.len() < self.threads) {
                let Some(item) = items.next() else { break };
                bytes = bytes.saturating_add(item.as_ref().map_or(0, Held::held));
                taken.push(item);
            }
            taken
        };
        // Small pieces, so that nobody waits long for the last one.
        let piece = (batch / (16 * self.threads)).max(1);
        let (mut taken, mut done) = (take(), Vec::new());
        while !(taken.is_empty() && done.is_empty()) {
            let (work, before) = (std::mem::take(&mut taken), std::mem::take(&mut done));
            pool.in_place_scope(|scope| -> Result<()> {
                scope.spawn(|_| {
                    let work = work.into_par_iter().with_max_len(piece);
                    done = work.map(|item| item.and_then(&f)).collect();
                });
                before.into_iter().try_for_each(|result: Result<R>| sink(result?))?;
                taken = take();
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Executor for Pool {
    fn for_each_chunk<T, F>(&self, out: &mut [T], chunk: usize, job: F)
    where
        T: Send,
        F: Fn(usize, &mut [T]) + Sync + Send,
    {
        let chunk = chunk.max(1);
        match &self.inner {
            Some(pool) if out.len() > chunk => {
                pool.install(|| out.par_chunks_mut(chunk).enumerate().for_each(|(i, piece)| job(i, piece)));
            }
            _ => seedbed::exec::Serial.for_each_chunk(out, chunk, job),
        }
    }

    fn width(&self) -> usize {
        self.threads
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    impl Held for u64 {
        fn held(&self) -> usize {
            *self as usize
        }
    }

    #[test]
    fn large_items_come_in_smaller_batches() {
        let most_at_once = |threads, size: u64| {
            let (taken, gone, most) = (Cell::new(0u64), Cell::new(0u64), Cell::new(0u64));
            let count = |item: u64| {
                taken.set(taken.get() + 1);
                most.set(most.get().max(taken.get() - gone.get()));
                Ok(item)
            };
            let sink = |_| {
                gone.set(gone.get() + 1);
                Ok(())
            };
            let pool = Pool::new(threads).unwrap();
            pool.stream_within(100, std::iter::repeat_n(size, 200).map(count), 60, Ok, sink).unwrap();
            assert_eq!(gone.get(), 200);
            most.get()
        };
        assert_eq!(most_at_once(1, 500), 1);
        assert_eq!(most_at_once(2, 0), 60);
        // Only as many as threads in a half once 50 bytes are there.
        assert_eq!(most_at_once(2, 8), 14);
        assert_eq!(most_at_once(2, 500), 4);
    }

    #[test]
    fn every_size_of_pool_gives_the_same() {
        let items: Vec<u64> = (0..1000).collect();
        for threads in [0, 1, 2, 3] {
            let pool = Pool::new(threads).unwrap();
            assert_eq!(pool.map(&items, |v| v * v)[999], 999 * 999);
            let mut out = vec![0usize; 103];
            pool.for_each_chunk(&mut out, 10, |i, piece| piece.fill(i));
            assert!(out.iter().enumerate().all(|(at, &i)| i == at / 10));
            let mut seen = Vec::new();
            pool.stream(
                items.iter().map(|&v| Ok(v)),
                7,
                |v| Ok(v + 1),
                |v| {
                    seen.push(v);
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(seen, (1..=1000).collect::<Vec<_>>());
            pool.for_each_chunk::<u8, _>(&mut [], 0, |_, _| unreachable!());
        }
    }

    #[test]
    fn the_first_error_in_order_wins() {
        let pool = Pool::new(2).unwrap();
        let items: Vec<u64> = (0..100).collect();
        let fails = |v: &u64| if v % 10 == 7 { Err(Error::failed(v.to_string())) } else { Ok(*v) };
        assert_eq!(pool.try_map(&items, fails).unwrap_err().message, "7");
        let mut seen = 0;
        let source = items.iter().map(|&v| Ok(v));
        let e = pool.stream(
            source,
            50,
            |v| fails(&v),
            |_| {
                seen += 1;
                Ok(())
            },
        );
        assert_eq!((e.unwrap_err().message.as_str(), seen), ("7", 7));
    }
}
