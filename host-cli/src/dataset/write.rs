//! Writing a dataset: samples in the order of their ids, in shards of a bounded size.
//!
//! The same samples give the same files, byte for byte: nothing in them depends on the time, the
//! machine or the threads. The content hash outlives other versions of the libraries that compress;
//! the bytes of the files do not.

use super::hash::{ContentHasher, sample_digest};
use super::meta::{Counts, ImageShape, Kind, Meta, Shard};
use super::{Content, Sample, Split, card, schema};
use crate::error::{Context, Error, Result};
use crate::pool::{Held, Pool};
use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Samples in a shard unless told otherwise.
pub const DEFAULT_SHARD_ROWS: usize = 65_536;

/// Samples in a row group of pictures.
const GROUP_PICTURES: usize = 1024;
/// Samples in a row group of a table.
const GROUP_ROWS: usize = 32_768;
/// Content in a row group, after which it is written however few samples it has.
const GROUP_BYTES: usize = 32 << 20;
/// The longest PNG of a sample: Arrow addresses the pictures of a row group with 31 bits.
const MAX_PICTURE_BYTES: usize = 1 << 30;

/// Writes a dataset folder; `dataset.json` comes last, so that a folder without it is not whole.
pub struct DatasetWriter {
    folder: PathBuf,
    meta: Meta,
    schema: Arc<Schema>,
    pool: Pool,
    shard_rows: usize,
    group_bytes: usize,
    pending: Vec<Sample>,
    pending_bytes: usize,
    last_id: Option<String>,
    hasher: ContentHasher,
    sizes: Sizes,
    shard: Option<OpenShard>,
}

struct OpenShard {
    path: PathBuf,
    writer: ArrowWriter<File>,
    rows: usize,
}

/// Whether all pictures so far have one size.
#[derive(Clone, Copy)]
enum Sizes {
    None,
    One(ImageShape),
    Several,
}

impl Sizes {
    fn and(self, shape: ImageShape) -> Self {
        match self {
            Sizes::None => Sizes::One(shape),
            Sizes::One(first) if first == shape => self,
            _ => Sizes::Several,
        }
    }
}

impl DatasetWriter {
    /// A writer into `folder`, which is made where it is missing and must hold no dataset yet. Of `meta`
    /// it takes name, kind, classes, columns and normalisation.
    ///
    /// # Errors
    /// When `meta` contradicts itself, the folder cannot be made, or it has a `dataset.json`.
    pub fn create(folder: &Path, meta: Meta) -> Result<Self> {
        meta.check()?;
        std::fs::create_dir_all(folder).at(folder)?;
        if folder.join(super::META_FILE).exists() {
            return Err(Error::failed(format!("there is a dataset already: {}", folder.display()))
                .hint("choose another --out, or remove the folder"));
        }
        let counts = Counts { per_class: vec![0; meta.classes.len()], ..Counts::default() };
        let meta = Meta { counts, shards: Vec::new(), image: None, content_hash: String::new(), ..meta };
        Ok(Self {
            folder: folder.to_owned(),
            schema: Arc::new(schema::of(&meta)),
            hasher: ContentHasher::new(&meta),
            meta,
            pool: Pool::single(),
            shard_rows: DEFAULT_SHARD_ROWS,
            group_bytes: GROUP_BYTES,
            pending: Vec::new(),
            pending_bytes: 0,
            last_id: None,
            sizes: Sizes::None,
            shard: None,
        })
    }

    /// The same, checking and hashing pictures on the threads of `pool`.
    #[must_use]
    pub fn pool(self, pool: &Pool) -> Self {
        Self { pool: pool.clone(), ..self }
    }

    /// The same with at most `rows` samples in a shard (0 counts as 1).
    #[must_use]
    pub fn shard_rows(self, rows: usize) -> Self {
        Self { shard_rows: rows.max(1), ..self }
    }

    /// The next sample. Its id must come after the one before (as bytes), its label must be a class, its
    /// weight finite and not negative, and its content of the dataset's kind: a picture that decodes,
    /// or a row with a value (NaN where missing, else finite) for each column.
    ///
    /// # Errors
    /// When one of these is not so, naming the sample (a damaged picture may be reported by a later
    /// call), or when a shard cannot be written.
    pub fn push(&mut self, sample: Sample) -> Result<()> {
        self.check(&sample)?;
        let counts = &mut self.meta.counts;
        counts.samples += 1;
        match sample.split {
            Split::Train => counts.train += 1,
            Split::Val => counts.val += 1,
            Split::Test => counts.test += 1,
        }
        match sample.label.and_then(|label| counts.per_class.get_mut(label as usize)) {
            Some(of_class) => *of_class += 1,
            None => counts.unlabelled += 1,
        }
        self.last_id = Some(sample.id.clone());
        self.pending_bytes += sample.id.len() + sample.content.held();
        self.pending.push(sample);
        let group = if self.meta.kind == Kind::Images { GROUP_PICTURES } else { GROUP_ROWS };
        let in_shard = self.shard.as_ref().map_or(0, |s| s.rows) + self.pending.len();
        if self.pending.len() >= group
            || self.pending_bytes >= self.group_bytes
            || in_shard >= self.shard_rows
        {
            self.flush()?;
        }
        Ok(())
    }

    fn check(&self, sample: &Sample) -> Result<()> {
        let id = &sample.id;
        let wrong = |what: String| Err(Error::failed(format!("{what}: sample `{id}`")));
        match &self.last_id {
            _ if id.is_empty() => return wrong("empty id".into()),
            Some(last) if last == id => return wrong("two samples have the same id".into()),
            Some(last) if last > id => return wrong(format!("id comes after `{last}` but sorts before it")),
            _ => {}
        }
        if sample.label.is_some_and(|label| label as usize >= self.meta.classes.len()) {
            return wrong("label is not one of the classes".into());
        }
        if !(sample.weight.is_finite() && sample.weight >= 0.0) {
            return wrong(format!("weight {} is not a finite number from 0", sample.weight));
        }
        match (&sample.content, self.meta.kind) {
            (Content::Image(image), Kind::Images) if image.bytes().len() > MAX_PICTURE_BYTES => {
                wrong(format!("PNG of more than {MAX_PICTURE_BYTES} bytes"))
            }
            (Content::Image(_), Kind::Images) => Ok(()),
            (Content::Row(row), Kind::Table) if row.len() != self.meta.columns.len() => {
                wrong(format!("{} values for {} columns", row.len(), self.meta.columns.len()))
            }
            (Content::Row(row), Kind::Table) => match row.iter().position(|v| v.is_infinite()) {
                Some(at) => wrong(format!("infinite value in column `{}`", self.meta.columns[at])),
                None => Ok(()),
            },
            (Content::Image(_), Kind::Table) => wrong("picture in a table".into()),
            (Content::Row(_), Kind::Images) => wrong("row among pictures".into()),
        }
    }

    /// Writes what is pending as one row group, and closes the shard where it is full.
    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        for (digest, shape) in self.pool.try_map(&self.pending, sample_digest)? {
            self.hasher.push_digest(digest);
            self.sizes = shape.map_or(self.sizes, |shape| self.sizes.and(shape));
        }
        let batch = schema::to_batch(&self.meta, &self.schema, &self.pending)?;
        let shard = match &mut self.shard {
            Some(shard) => shard,
            none => none.insert(self.meta.open_shard(&self.folder, &self.schema)?),
        };
        shard.writer.write(&batch).and_then(|()| shard.writer.flush()).map_err(unwritten).at(&shard.path)?;
        shard.rows += self.pending.len();
        let full = shard.rows >= self.shard_rows;
        self.pending.clear();
        self.pending_bytes = 0;
        if full { self.close_shard() } else { Ok(()) }
    }

    fn close_shard(&mut self) -> Result<()> {
        if let Some(shard) = self.shard.take() {
            shard.writer.close().map_err(unwritten).at(&shard.path)?;
            let file = shard.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.meta.shards.push(Shard { file, rows: shard.rows as u64 });
        }
        Ok(())
    }

    /// Writes the rest and `dataset.json`, and gives what the dataset turned out to be.
    ///
    /// # Errors
    /// As [`DatasetWriter::push`].
    pub fn finish(mut self) -> Result<Meta> {
        self.flush()?;
        if self.meta.shards.is_empty() && self.shard.is_none() {
            // Readers want a schema even of a dataset without samples.
            self.shard = Some(self.meta.open_shard(&self.folder, &self.schema)?);
        }
        self.close_shard()?;
        if let Sizes::One(shape) = self.sizes {
            self.meta.image = Some(shape);
        }
        self.meta.content_hash = self.hasher.finish();
        let path = self.folder.join("README.md");
        std::fs::write(&path, card::text(&self.meta)).at(&path)?;
        self.meta.save(&self.folder)?;
        Ok(self.meta)
    }
}

impl Meta {
    /// The file of the next shard, open for writing.
    fn open_shard(&self, folder: &Path, schema: &Arc<Schema>) -> Result<OpenShard> {
        let path = folder.join(format!("data-{:05}.parquet", self.shards.len()));
        let file = File::create(&path).at(&path)?;
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties(self)))
            .map_err(unwritten)
            .at(&path)?;
        Ok(OpenShard { path, writer, rows: 0 })
    }
}

fn properties(meta: &Meta) -> WriterProperties {
    let pictures = ColumnPath::new(vec!["image".into(), "bytes".into()]);
    let hugging_face = KeyValue::new(schema::HUGGING_FACE.to_owned(), schema::hugging_face(meta));
    // PNG is compressed already, and no page is found by its bytes.
    let mut properties = WriterProperties::builder()
        .set_created_by("seedbed".to_owned())
        .set_key_value_metadata(Some(vec![hugging_face]))
        .set_compression(Compression::SNAPPY)
        .set_column_compression(pictures.clone(), Compression::UNCOMPRESSED)
        .set_column_dictionary_enabled(pictures.clone(), false)
        .set_column_statistics_enabled(pictures, EnabledStatistics::None);
    for column in &meta.columns {
        properties = properties.set_column_dictionary_enabled(ColumnPath::new(vec![column.clone()]), false);
    }
    properties.build()
}

fn unwritten(e: parquet::errors::ParquetError) -> Error {
    Error::failed(format!("cannot write the shard ({e})"))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
