//! One file of samples with the columns of [`schema`]: Parquet or Arrow IPC, written group by group.

use super::meta::{Kind, Meta, Shard, Storage};
use super::schema::Stored;
use super::{Origin, Sample, hex, schema};
use crate::error::{Context, Error, Result};
use crate::pool::{Held, Pool};
use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Samples in a row group of pictures, sounds or texts.
const GROUP_FILES: usize = 1024;
/// Samples in a row group of a table.
const GROUP_ROWS: usize = 32_768;
/// Content in a row group, after which it is written however few samples it has.
const GROUP_BYTES: usize = 32 << 20;

/// The format of a file of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Parquet.
    Parquet,
    /// Arrow IPC.
    Arrow,
}

/// The samples of the next row group.
pub(super) struct Group {
    pub(super) samples: Vec<Sample>,
    bytes: usize,
    max_samples: usize,
    pub(super) max_bytes: usize,
}

impl Group {
    pub(super) fn new(meta: &Meta) -> Self {
        let max_samples = if meta.kind == Kind::Table { GROUP_ROWS } else { GROUP_FILES };
        Self { samples: Vec::new(), bytes: 0, max_samples, max_bytes: GROUP_BYTES }
    }

    pub(super) fn push(&mut self, sample: Sample) {
        self.bytes += sample.id.len() + sample.content.held();
        self.samples.push(sample);
    }

    pub(super) fn is_full(&self) -> bool {
        self.samples.len() >= self.max_samples || self.bytes >= self.max_bytes
    }

    pub(super) fn clear(&mut self) {
        self.samples.clear();
        self.bytes = 0;
    }
}

/// A file that is being written, and the hash of what went into it, where it is wanted.
struct Hashed {
    file: BufWriter<File>,
    hash: Option<Sha256>,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        if let Some(hash) = &mut self.hash {
            hash.update(&bytes[..n]);
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file of samples that is being written.
pub(super) struct ShardFile {
    path: PathBuf,
    form: Form,
    rows: usize,
}

enum Form {
    Parquet(Box<ArrowWriter<Hashed>>),
    Arrow(Box<FileWriter<Hashed>>),
}

impl ShardFile {
    /// A shard of a dataset, hashed on the way.
    pub(super) fn create(
        path: PathBuf,
        container: Container,
        meta: &Meta,
        schema: &Arc<Schema>,
    ) -> Result<Self> {
        Self::with(path, container, meta, schema, Some(Sha256::new()))
    }

    fn with(
        path: PathBuf,
        container: Container,
        meta: &Meta,
        schema: &Arc<Schema>,
        hash: Option<Sha256>,
    ) -> Result<Self> {
        let file = Hashed { file: BufWriter::new(File::create(&path).at(&path)?), hash };
        let form = match container {
            Container::Parquet => ArrowWriter::try_new(file, schema.clone(), Some(properties(meta)))
                .map(|writer| Form::Parquet(Box::new(writer)))
                .map_err(unwritten),
            Container::Arrow => FileWriter::try_new(file, schema)
                .map(|writer| Form::Arrow(Box::new(writer)))
                .map_err(unwritten),
        };
        Ok(Self { form: form.at(&path)?, path, rows: 0 })
    }

    /// Writes a batch as one row group.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        match &mut self.form {
            Form::Parquet(writer) => writer.write(batch).and_then(|()| writer.flush()).map_err(unwritten),
            Form::Arrow(writer) => writer.write(batch).map_err(unwritten),
        }
        .at(&self.path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the file, and gives what there is to say of it and the file itself.
    pub(super) fn close(self) -> Result<(Shard, File)> {
        let file = match self.form {
            Form::Parquet(writer) => writer.into_inner().map_err(unwritten),
            Form::Arrow(writer) => writer.into_inner().map_err(unwritten),
        };
        let Hashed { file, hash } = file.at(&self.path)?;
        let inner = file.into_inner().map_err(io::IntoInnerError::into_error).at(&self.path)?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sha256 = hash.map_or_else(String::new, |hash| hex(&hash.finalize()));
        Ok((Shard { file: name, rows: self.rows as u64, sha256 }, inner))
    }
}

fn properties(meta: &Meta) -> WriterProperties {
    let hugging_face = KeyValue::new(schema::HUGGING_FACE.to_owned(), schema::hugging_face(meta));
    let mut properties = WriterProperties::builder()
        .set_created_by("seedbed".to_owned())
        .set_key_value_metadata(Some(vec![hugging_face]))
        .set_compression(Compression::SNAPPY);
    // PNG is compressed already, and no page is found by its bytes.
    for files in ["image", "audio"] {
        let bytes = ColumnPath::new(vec![files.into(), "bytes".into()]);
        properties = properties
            .set_column_compression(bytes.clone(), Compression::UNCOMPRESSED)
            .set_column_dictionary_enabled(bytes.clone(), false)
            .set_column_statistics_enabled(bytes, EnabledStatistics::None);
    }
    let texts = ColumnPath::new(vec!["text".into()]);
    properties = properties
        .set_column_dictionary_enabled(texts.clone(), false)
        .set_column_statistics_enabled(texts, EnabledStatistics::None);
    for column in &meta.columns {
        properties = properties.set_column_dictionary_enabled(ColumnPath::new(vec![column.clone()]), false);
    }
    properties.build()
}

fn unwritten(e: impl std::error::Error + 'static) -> Error {
    Error::unwritten("cannot write the shard", &e)
}

/// Writes samples of the kinds of `meta` into the one file `path`: the columns of a dataset, pictures as PNG.
///
/// # Errors
/// When `samples` has one, a picture cannot be encoded, or the file cannot be written.
pub fn write_file(
    path: &Path,
    container: Container,
    meta: &Meta,
    pool: &Pool,
    samples: impl Iterator<Item = Result<Sample>>,
) -> Result<()> {
    let meta = Meta { storage: Storage::Png, ..meta.clone() };
    let schema = Arc::new(schema::of(&meta)?);
    let mut file = ShardFile::with(path.to_owned(), container, &meta, &schema, None)?;
    let mut group = Group::new(&meta);
    let mut write = |group: &mut Group| -> Result<()> {
        let stored: Vec<Stored<'_>> =
            pool.map_owned(group.samples.iter().collect(), stored).into_iter().collect::<Result<_>>()?;
        file.write(&schema::to_batch(&meta, &schema, &group.samples, &stored)?)?;
        group.clear();
        Ok(())
    };
    for sample in samples {
        group.push(sample?);
        if group.is_full() {
            write(&mut group)?;
        }
    }
    if !group.samples.is_empty() {
        write(&mut group)?;
    }
    file.close().map(drop)
}

fn stored(sample: &Sample) -> Result<Stored<'_>> {
    let png = sample.content.image.as_ref().map(|image| image.to_png().map_err(|e| e.within(&sample.id)));
    let origin = sample.origin.as_ref().map(Origin::text).transpose()?;
    Ok(Stored { picture: png.transpose()?, origin })
}
