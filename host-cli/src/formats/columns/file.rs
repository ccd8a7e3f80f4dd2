//! A Parquet or Arrow file, read group by group: what cannot be decoded costs the rest of its group, not of the file.

use super::super::Format;
use super::super::arrays::MAX_ROWS;
use super::super::data::Data;
use super::footer;
use super::ipc::{Decoder, Messages};
use crate::error::{Error, Result};
use ::bytes::Bytes;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Rows that are decoded at a time.
const BATCH: usize = 256;
/// Bytes that are read at a time where it is not known how many are wanted.
const BLOCK: u64 = 1 << 16;

/// What comes of a group: its rows in batches, then its end, with why there are no more rows where some are missing.
pub(super) enum Piece {
    Rows(RecordBatch),
    End(Option<String>),
}

/// An open file.
pub(super) struct Columnar {
    pub schema: Schema,
    /// The rows of each group, as the file tells them.
    pub groups: Vec<u64>,
    /// How long the file is.
    pub len: u64,
    /// Where and why it ends too early.
    pub cut: Option<String>,
    form: Form,
}

enum Form {
    Parquet(Shared, ArrowReaderMetadata),
    Arrow(Arc<Messages>),
}

impl Columnar {
    /// Opens a file, which may unpack to `most` bytes where it is compressed as a whole.
    ///
    /// # Errors
    /// When it cannot be read, does not tell what is in it, or tells of too many rows.
    pub fn open(path: &Path, format: Format, most: u64) -> Result<Self> {
        let opened = Self::of(path, format, most)?;
        let rows = opened.groups.iter().try_fold(0, |sum: u64, rows| sum.checked_add(*rows));
        match rows.filter(|rows| *rows <= MAX_ROWS as u64) {
            Some(_) => Ok(opened),
            None => Err(Error::failed(format!("more than {MAX_ROWS} rows"))),
        }
    }

    fn of(path: &Path, format: Format, most: u64) -> Result<Self> {
        let data = Arc::new(Data::open(path, most)?);
        let len = data.len();
        if format == Format::Arrow {
            let messages = guarded(|| Messages::of(data, most)).and_then(|m| m).map_err(damaged)?;
            let (schema, groups, cut) =
                (messages.schema().as_ref().clone(), messages.rows(), messages.cut.clone());
            return Ok(Self { schema, groups, len, cut, form: Form::Arrow(Arc::new(messages)) });
        }
        let shared = Shared(data);
        let metadata = guarded(|| metadata(&shared)).and_then(|m| m.map_err(words)).map_err(damaged)?;
        let groups = metadata.metadata().row_groups().iter().map(|g| u64::try_from(g.num_rows()));
        let groups = groups.collect::<Result<_, _>>().map_err(damaged)?;
        let schema = metadata.schema().as_ref().clone();
        Ok(Self { schema, groups, len, cut: None, form: Form::Parquet(shared, metadata) })
    }

    /// Gives the rows of each group, of the columns that `wanted` takes, and its end.
    ///
    /// # Errors
    /// Those of `see`.
    pub fn read(&self, wanted: &[bool], see: &mut dyn FnMut(usize, Piece) -> Result<()>) -> Result<()> {
        let roots: Vec<usize> = (0..wanted.len()).filter(|&i| wanted[i]).collect();
        let mut decoder = match &self.form {
            Form::Arrow(messages) => Some(Decoder::new(messages.clone(), roots.clone())),
            Form::Parquet(..) => None,
        };
        for (group, &rows) in self.groups.iter().enumerate() {
            let mut batches: Box<dyn FnMut() -> Result<Option<RecordBatch>, String> + '_> =
                match (&self.form, &mut decoder) {
                    (Form::Arrow(_), Some(decoder)) => Box::new(|| guarded(|| decoder.next(group))?),
                    (Form::Parquet(shared, metadata), _) => parquet(shared, metadata, &roots, group),
                    (Form::Arrow(_), None) => return Ok(()),
                };
            let mut left = rows;
            let end = loop {
                match batches() {
                    Ok(Some(batch)) => {
                        let n = (batch.num_rows() as u64).min(left);
                        left -= n;
                        see(group, Piece::Rows(batch.slice(0, n as usize)))?;
                    }
                    Ok(None) => break (left > 0).then(|| "there are fewer than the file tells".to_owned()),
                    Err(why) => break Some(why),
                }
            };
            drop(batches);
            see(group, Piece::End(end))?;
        }
        Ok(())
    }
}

/// The error of a file that tells too little of itself.
fn damaged(e: impl std::fmt::Display) -> Error {
    Error::failed(format!("file is damaged ({e})"))
}

pub(super) fn words(e: impl std::fmt::Display) -> String {
    e.to_string()
}

/// What a library gives that was not made for bytes that anybody sends: over some it panics.
pub(crate) fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| "its reader panics".to_owned())
}

/// The metadata of a Parquet file, texts and bytes as views: a value of a dictionary is then not copied for each row.
fn metadata(shared: &Shared) -> Result<ArrowReaderMetadata, ParquetError> {
    if !shared.footer().is_none_or(|footer| footer::is_sound(&footer)) {
        return Err(ParquetError::General("its footer is longer than its bytes".to_owned()));
    }
    let plain = ArrowReaderMetadata::load(shared, ArrowReaderOptions::new())?;
    let fields: Vec<Field> = plain.schema().fields().iter().map(|field| viewed(field)).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, plain.schema().metadata().clone()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    Ok(ArrowReaderMetadata::try_new(plain.metadata().clone(), options).unwrap_or(plain))
}

fn viewed(field: &Field) -> Field {
    let kind = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| viewed(field)).collect()),
        other => other.clone(),
    };
    field.clone().with_data_type(kind)
}

/// The batches of a row group.
fn parquet<'a>(
    shared: &'a Shared,
    metadata: &'a ArrowReaderMetadata,
    roots: &[usize],
    group: usize,
) -> Box<dyn FnMut() -> Result<Option<RecordBatch>, String> + 'a> {
    let mask = ProjectionMask::roots(metadata.parquet_schema(), roots.iter().copied());
    let mut open: Option<ParquetRecordBatchReader> = None;
    Box::new(move || {
        guarded(|| {
            if open.is_none() {
                let builder =
                    ParquetRecordBatchReaderBuilder::new_with_metadata(shared.clone(), metadata.clone());
                let builder = builder.with_projection(mask.clone()).with_row_groups(vec![group]);
                open = Some(builder.with_batch_size(BATCH).build().map_err(words)?);
            }
            open.as_mut().and_then(Iterator::next).transpose().map_err(words)
        })?
    })
}

/// Data for the reader of Parquet.
#[derive(Clone)]
struct Shared(Arc<Data>);

impl Shared {
    /// What stands before the length of it and the magic number.
    fn footer(&self) -> Option<Vec<u8>> {
        let end = self.len().checked_sub(8)?;
        let length = u32::from_le_bytes(*self.part(end, 4).ok()?.first_chunk()?);
        self.part(end.checked_sub(u64::from(length))?, u64::from(length)).ok()
    }

    fn part(&self, start: u64, length: u64) -> parquet::errors::Result<Vec<u8>> {
        let part = self.0.read(start, length as usize);
        part.map(|part| part.into_owned()).map_err(|e| ParquetError::General(e.message))
    }
}

impl Length for Shared {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Shared {
    type T = From;

    fn get_read(&self, start: u64) -> parquet::errors::Result<From> {
        Ok(From { data: self.clone(), at: start, block: Cursor::default() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.part(start, length as u64).map(Bytes::from)
    }
}

/// Reads on from somewhere.
struct From {
    data: Shared,
    at: u64,
    block: Cursor<Vec<u8>>,
}

impl Read for From {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.block.position() == self.block.get_ref().len() as u64 {
            let length = self.data.len().saturating_sub(self.at).min(BLOCK);
            self.block = Cursor::new(self.data.part(self.at, length).map_err(std::io::Error::other)?);
            self.at += length;
        }
        self.block.read(out)
    }
}
