//! Reading a dataset: one row group at a time, a few hundred samples in memory.

use super::Sample;
use super::meta::{FILE, Kind, Meta, Storage};
use super::schema::{RESERVED, from_batch};
use crate::error::{Context, Error, Result};
use crate::formats::{Data, Decoder, Messages, guarded};
use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that are decoded at a time.
const BATCH: usize = 256;

/// The way out of damage.
const AGAIN: &str = "copy the folder again, or run the stage that wrote it again";

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
    /// When it is none, is damaged, or a shard is missing or holds other than `dataset.json` says; the error names the
    /// file.
    pub fn open(folder: &Path) -> Result<Self> {
        let dataset = Self::of(folder, Meta::load(folder)?)?;
        dataset.meta.check_counts().map_err(|e| e.within(folder.join(FILE).display()).hint(AGAIN))?;
        Ok(dataset)
    }

    /// The samples at `folder` that `meta` tells of.
    pub(super) fn of(folder: &Path, meta: Meta) -> Result<Self> {
        for shard in &meta.shards {
            let path = folder.join(&shard.file);
            if !path.is_file() {
                return Err(
                    Error::failed(format!("shard of the dataset is missing: {}", path.display())).hint(AGAIN)
                );
            }
            let open = OpenShard::open(path, shard.rows, meta.storage).map_err(|e| e.hint(AGAIN))?;
            open.check(&meta).at(&open.path).map_err(|e| e.hint(AGAIN))?;
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

    /// Refuses a dataset that has none of these kinds first, for a stage called `stage`.
    ///
    /// # Errors
    /// Naming what the dataset holds and what the stage works on.
    pub fn needs(&self, stage: &str, kinds: &[Kind]) -> Result<()> {
        if kinds.contains(&self.meta.kind) {
            return Ok(());
        }
        let works_on = kinds.iter().map(|k| k.words()).collect::<Vec<_>>().join(" or ");
        let what = format!("{stage} works on {works_on}, not on {}", self.meta.words());
        Err(Error::usage(format!("{what}: {}", self.folder.display())))
    }

    /// Refuses a dataset without samples to learn from, for a stage called `stage`.
    ///
    /// # Errors
    /// Where the train split is empty.
    pub fn needs_train(&self, stage: &str) -> Result<()> {
        if self.meta.counts.train > 0 {
            return Ok(());
        }
        let counts = &self.meta.counts;
        let what = format!(
            "{stage} works on the split `train`, which has no samples ({} are in val, {} in test)",
            counts.val, counts.test
        );
        Err(Error::failed(format!("{what}: {}", self.folder.display())).hint(
            "choose --val-fraction and --test-fraction of `seedbed collect`, or a source with a train split",
        ))
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
    form: ShardForm,
    rows_left: u64,
}

/// A shard in the form of its storage.
enum ShardForm {
    Parquet(ParquetShard),
    /// Its batches are the row groups that were written.
    Arrow(ArrowShard),
}

struct ArrowShard {
    messages: Arc<Messages>,
    decoder: Decoder,
    next_group: usize,
}

struct ParquetShard {
    file: File,
    metadata: ArrowReaderMetadata,
    next_group: usize,
    /// Of the row group before `next_group`.
    reader: Option<ParquetRecordBatchReader>,
}

impl OpenShard {
    fn open(path: PathBuf, rows_left: u64, storage: Storage) -> Result<Self> {
        let form = match storage {
            Storage::Png => ParquetShard::open(File::open(&path).at(&path)?).map(ShardForm::Parquet),
            Storage::Raw => ArrowShard::open(&path).map(ShardForm::Arrow),
        };
        Ok(Self { form: form.at(&path)?, path, rows_left })
    }

    /// Whether the columns, and where that is known the rows, are those that `meta` says.
    fn check(&self, meta: &Meta) -> Result<()> {
        let (schema, rows) = match &self.form {
            ShardForm::Parquet(shard) => {
                let rows = shard.metadata.metadata().file_metadata().num_rows();
                (shard.metadata.schema().clone(), u64::try_from(rows).ok())
            }
            ShardForm::Arrow(shard) => (
                shard.messages.schema().clone(),
                Some(shard.messages.rows().into_iter().fold(0, u64::saturating_add)),
            ),
        };
        if rows.is_some_and(|rows| rows != self.rows_left) {
            return Err(Error::failed(format!(
                "shard has {} rows, {FILE} says {}",
                rows.unwrap_or(0),
                self.rows_left
            )));
        }
        let known = |name: &str| RESERVED.contains(&name) || meta.columns.iter().any(|c| c == name);
        if let Some(field) = schema.fields().iter().find(|f| !known(f.name())) {
            return Err(Error::failed(format!("shard has a column `{}`, {FILE} has not", field.name())));
        }
        from_batch(meta, &RecordBatch::new_empty(schema)).map(drop)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        match &mut self.form {
            ShardForm::Parquet(shard) => {
                guarded(|| shard.next_batch()).map_err(damaged).and_then(|batch| batch)
            }
            ShardForm::Arrow(shard) => shard.next_batch(),
        }
        .at(&self.path)
    }
}

impl ArrowShard {
    /// What it holds is as long as the file: ours are not compressed.
    fn open(path: &Path) -> Result<Self> {
        let data = Arc::new(Data::open_plain(path)?);
        let messages = guarded(|| Messages::of_footer(&data, data.len())).map_err(damaged)?;
        let messages = Arc::new(messages.ok_or_else(|| damaged("its end does not tell what is in it"))?);
        let columns = (0..messages.schema().fields().len()).collect();
        Ok(Self { decoder: Decoder::new(messages.clone(), columns), messages, next_group: 0 })
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        self.next_group += 1;
        guarded(|| self.decoder.next(self.next_group - 1)).and_then(|batch| batch).map_err(damaged)
    }
}

impl ParquetShard {
    fn open(file: File) -> Result<Self> {
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()));
        let metadata = metadata.map_err(damaged)?.map_err(damaged)?;
        Ok(Self { file, metadata, next_group: 0, reader: None })
    }

    /// The next rows, all of one row group: the writer bounds a group by bytes as well as by rows, while a
    /// batch of rows from several could hold more than the 2 GiB of pictures that Arrow can address.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.reader.as_mut().and_then(Iterator::next) {
                return batch.map(Some).map_err(damaged);
            }
            if self.next_group >= self.metadata.metadata().num_row_groups() {
                return Ok(None);
            }
            let file = self.file.try_clone().map_err(damaged)?;
            let group = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![self.next_group])
                .with_batch_size(BATCH);
            self.reader = Some(group.build().map_err(damaged)?);
            self.next_group += 1;
        }
    }
}

impl Samples {
    /// The next batch, of the open shard or of the next; `None` after the last.
    pub(super) fn next_batch(&mut self) -> Result<Option<Vec<Sample>>> {
        loop {
            let Some(shard) = &mut self.open else {
                let Some(shard) = self.meta.shards.get(self.next_shard) else { return Ok(None) };
                self.open =
                    Some(OpenShard::open(self.folder.join(&shard.file), shard.rows, self.meta.storage)?);
                self.next_shard += 1;
                continue;
            };
            let Some(batch) = shard.next_batch()? else {
                if shard.rows_left != 0 {
                    return Err(Error::failed("shard has fewer rows than dataset.json says")).at(&shard.path);
                }
                self.open = None;
                continue;
            };
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
        .hint("copy the folder again, or run the stage that wrote it again")
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
