//! Reading a dataset: shard by shard, a few hundred samples in memory at a time.

use super::Sample;
use super::meta::Meta;
use super::schema::from_batch;
use crate::error::{Context, Error, Result};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that are decoded at a time.
const BATCH: usize = 256;

/// A dataset folder that is there and whole as far as `dataset.json` tells.
#[derive(Clone, Debug)]
pub struct Dataset {
    folder: PathBuf,
    meta: Arc<Meta>,
}

impl Dataset {
    /// Opens a dataset folder; samples are read later.
    ///
    /// # Errors
    /// When it is none, is damaged, or a shard is missing; the error names the file.
    pub fn open(folder: &Path) -> Result<Self> {
        let meta = Meta::load(folder)?;
        for shard in &meta.shards {
            // A name, not a path: a dataset must not reach out of its folder.
            let path = folder.join(Path::new(&shard.file).file_name().unwrap_or_default());
            if !path.is_file() {
                return Err(Error::failed(format!("shard of the dataset is missing: {}", path.display()))
                    .hint("copy the folder again, or run the stage that wrote it again"));
            }
        }
        Ok(Self { folder: folder.to_owned(), meta: Arc::new(meta) })
    }

    /// What the dataset is.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many samples there are.
    pub fn len(&self) -> u64 {
        self.meta.counts.samples
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All samples in the order of their ids. After an error there is nothing more.
    pub fn samples(&self) -> Samples {
        Samples {
            folder: self.folder.clone(),
            meta: self.meta.clone(),
            next_shard: 0,
            open: None,
            batch: Vec::new().into_iter(),
            last_id: None,
            failed: false,
        }
    }
}

/// The samples of a dataset, from [`Dataset::samples`].
pub struct Samples {
    folder: PathBuf,
    meta: Arc<Meta>,
    next_shard: usize,
    open: Option<OpenShard>,
    batch: std::vec::IntoIter<Sample>,
    last_id: Option<String>,
    failed: bool,
}

struct OpenShard {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    rows_left: u64,
}

impl Samples {
    /// The next batch, of the open shard or of the next; `None` after the last.
    fn next_batch(&mut self) -> Result<Option<Vec<Sample>>> {
        loop {
            let Some(shard) = &mut self.open else {
                let Some(shard) = self.meta.shards.get(self.next_shard) else { return Ok(None) };
                let path = self.folder.join(&shard.file);
                let file = File::open(&path).at(&path)?;
                let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged).at(&path)?;
                let reader = builder.with_batch_size(BATCH).build().map_err(damaged).at(&path)?;
                self.open = Some(OpenShard { path, reader, rows_left: shard.rows });
                self.next_shard += 1;
                continue;
            };
            let Some(batch) = shard.reader.next() else {
                if shard.rows_left != 0 {
                    return Err(Error::failed("shard has fewer rows than dataset.json says")).at(&shard.path);
                }
                self.open = None;
                continue;
            };
            let batch = batch.map_err(damaged).at(&shard.path)?;
            let rows_left = shard.rows_left.checked_sub(batch.num_rows() as u64);
            let too_many = || Error::failed("shard has more rows than dataset.json says");
            shard.rows_left = rows_left.ok_or_else(too_many).at(&shard.path)?;
            return from_batch(&self.meta, &batch).at(&shard.path).map(Some);
        }
    }

    fn next_sample(&mut self) -> Result<Option<Sample>> {
        loop {
            if let Some(sample) = self.batch.next() {
                if self.last_id.as_deref().is_some_and(|last| last >= sample.id.as_str()) {
                    return Err(Error::failed(format!("ids are not ascending: {}", sample.id)))
                        .at(&self.folder);
                }
                self.last_id = Some(sample.id.clone());
                return Ok(Some(sample));
            }
            match self.next_batch()? {
                Some(batch) => self.batch = batch.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

fn damaged(e: impl std::fmt::Display) -> Error {
    Error::failed(format!("shard is damaged ({e})"))
}

impl Iterator for Samples {
    type Item = Result<Sample>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.next_sample();
        self.failed = next.is_err();
        next.transpose()
    }
}
