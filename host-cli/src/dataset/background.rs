//! Shards one after the other, each written on a thread of its own while the next samples are made.

use super::meta::Shard;
use super::shard::ShardFile;
use crate::error::{Context, Error, Result};
use arrow_array::RecordBatch;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// The shards of a dataset that is being written.
pub(super) struct Shards {
    /// Whether there may be a thread beside the caller's.
    threads: bool,
    open: Option<Open>,
    /// The one before, on its way to the disk.
    closing: Option<Thread>,
    closed: Vec<Shard>,
}

enum Open {
    Here(ShardFile),
    There(Thread),
}

impl Shards {
    pub(super) const fn new() -> Self {
        Self { threads: false, open: None, closing: None, closed: Vec::new() }
    }

    /// Shards from here on are written on another thread, if `threads`.
    pub(super) const fn in_background(&mut self, threads: bool) {
        self.threads = threads;
    }

    /// How many there are so far, with the open one.
    pub(super) fn count(&self) -> usize {
        self.closed.len() + usize::from(self.closing.is_some()) + usize::from(self.open.is_some())
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The next one, after [`Shards::close`].
    pub(super) fn start(&mut self, file: ShardFile) -> Result<()> {
        self.open = Some(if self.threads { Open::There(Thread::start(file)?) } else { Open::Here(file) });
        Ok(())
    }

    /// Writes a batch as a row group of the open shard; what goes wrong may be told by a later call.
    pub(super) fn write(&mut self, batch: RecordBatch) -> Result<()> {
        match &mut self.open {
            Some(Open::Here(file)) => file.write(&batch),
            Some(Open::There(thread)) => thread.send(Some(batch)),
            None => Err(Error::failed("no shard is open")),
        }
    }

    pub(super) fn close(&mut self) -> Result<()> {
        match self.open.take() {
            None => Ok(()),
            Some(Open::Here(file)) => {
                self.closed.push(file.close()?.0);
                Ok(())
            }
            Some(Open::There(mut thread)) => {
                thread.send(None)?;
                match self.closing.replace(thread) {
                    Some(before) => before.finish().map(|shard| self.closed.push(shard)),
                    None => Ok(()),
                }
            }
        }
    }

    /// All of them, when the last one is closed.
    pub(super) fn finish(mut self) -> Result<Vec<Shard>> {
        self.close()?;
        if let Some(last) = self.closing.take() {
            self.closed.push(last.finish()?);
        }
        Ok(self.closed)
    }
}

/// A thread that writes one shard.
struct Thread {
    /// A batch, or the end.
    batches: Option<SyncSender<Option<RecordBatch>>>,
    thread: Option<JoinHandle<Result<Shard>>>,
}

impl Thread {
    fn start(file: ShardFile) -> Result<Self> {
        // One batch waits while another is written, and no more.
        let (sender, batches) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("seedbed-shard".into())
            .spawn(move || write(file, &batches))
            .map_err(|e| Error::failed(format!("cannot start a thread: {e}")).hint("use --threads 1"))?;
        Ok(Self { batches: Some(sender), thread: Some(thread) })
    }

    fn send(&mut self, batch: Option<RecordBatch>) -> Result<()> {
        match self.batches.as_ref().map(|sender| sender.send(batch)) {
            Some(Ok(())) => Ok(()),
            // It has stopped, and says why.
            _ => self.join().map(drop),
        }
    }

    fn join(&mut self) -> Result<Shard> {
        self.batches = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(done)) => done,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Err(stopped()),
        }
    }

    fn finish(mut self) -> Result<Shard> {
        self.join()
    }
}

/// Nothing is written any more once the writer is gone.
impl Drop for Thread {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // What it has to say is of no interest any more.
            let _ = thread.join();
        }
    }
}

fn write(mut file: ShardFile, batches: &Receiver<Option<RecordBatch>>) -> Result<Shard> {
    while let Ok(batch) = batches.recv() {
        match batch {
            Some(batch) => file.write(&batch)?,
            None => {
                let path = file.path().to_owned();
                let (shard, file) = file.close()?;
                // Here, and not at the end of the stage: the disk is slow, and the next shard is made meanwhile.
                file.sync_all().at(&path)?;
                return Ok(shard);
            }
        }
    }
    Err(stopped())
}

fn stopped() -> Error {
    Error::failed("the writing of a shard was given up")
}
