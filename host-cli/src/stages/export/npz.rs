//! One NPZ file: `images` (u8, N × height × width × channels) or `features` (f32, N × columns) and
//! `columns`; `labels` (i64, −1 where unknown), `classes`, `ids`, `splits` and `weights` (f32).
//!
//! Texts are NumPy's fixed-width unicode, so that `numpy.load` needs no pickle.

use super::Selection;
use crate::dataset::{Kind, Sample};
use crate::error::{Context, Error, Result};
use crate::formats::npy;
use crate::stages::Ctx;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Samples in memory at a time.
const BATCH: usize = 512;

type Zip = ZipWriter<BufWriter<File>>;

/// What there is of each sample beside its content.
#[derive(Default)]
struct Columns {
    ids: Vec<String>,
    labels: Vec<i64>,
    splits: Vec<String>,
    weights: Vec<f32>,
}

/// Writes the file and gives its name.
pub fn write(ctx: &Ctx, selection: &Selection, path: &Path) -> Result<String> {
    let meta = selection.meta();
    let n = selection.len() as usize;
    let file = BufWriter::new(File::create(path).at(path)?);
    let mut zip = ZipWriter::new(file);
    let (name, descr, item, shape) = match (meta.kind, meta.image) {
        (Kind::Text | Kind::Audio, _) => {
            return Err(Error::usage(format!("{} are no array: --format", meta.words()))
                .hint("export them with --format parquet"));
        }
        (Kind::Table, _) => ("features", "<f4", 4, vec![n, meta.columns.len()]),
        (Kind::Images, Some(s)) => {
            ("images", "|u1", 1, vec![n, s.height as usize, s.width as usize, s.channels as usize])
        }
        (Kind::Images, None) => {
            return Err(Error::failed(format!(
                "pictures of different sizes are no array: {}",
                selection.dataset.folder().display()
            ))
            .hint("bring them to one size with `seedbed preprocess`, or export --format folder"));
        }
    };
    start(&mut zip, name, item * shape.iter().product::<usize>(), path)?;
    zip.write_all(&npy::header(descr, &shape)).at(path)?;
    let mut columns = Columns::default();
    let task = ctx.progress.start("export", Some(n as u64));
    let decode = |sample: Sample| {
        let bytes = match meta.kind {
            Kind::Images => sample.pixels()?.data,
            _ => sample.row().iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        Ok((sample.id, sample.label, sample.split, sample.weight, bytes))
    };
    ctx.pool.stream(selection.samples(), BATCH, decode, |(id, label, split, weight, bytes)| {
        task.inc(1);
        columns.ids.push(id);
        columns.labels.push(label.map_or(-1, i64::from));
        columns.splits.push(split.name().to_owned());
        columns.weights.push(weight);
        zip.write_all(&bytes).at(path)
    })?;
    columns.write(&mut zip, path)?;
    if meta.kind == Kind::Table {
        texts(&mut zip, "columns", &meta.columns, path)?;
    }
    texts(&mut zip, "classes", &meta.classes, path)?;
    zip.finish().at(path)?.flush().at(path)?;
    Ok(path.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

impl Columns {
    fn write(&self, zip: &mut Zip, path: &Path) -> Result<()> {
        let n = self.ids.len();
        start(zip, "labels", n * 8, path)?;
        zip.write_all(&npy::header("<i8", &[n])).at(path)?;
        self.labels.iter().try_for_each(|v| zip.write_all(&v.to_le_bytes())).at(path)?;
        start(zip, "weights", n * 4, path)?;
        zip.write_all(&npy::header("<f4", &[n])).at(path)?;
        self.weights.iter().try_for_each(|v| zip.write_all(&v.to_le_bytes())).at(path)?;
        texts(zip, "ids", &self.ids, path)?;
        texts(zip, "splits", &self.splits, path)
    }
}

/// An array of texts, each padded with zeros to the longest.
fn texts(zip: &mut Zip, name: &str, texts: &[String], path: &Path) -> Result<()> {
    let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    start(zip, name, texts.len() * width * 4, path)?;
    zip.write_all(&npy::header(&format!("<U{width}"), &[texts.len()])).at(path)?;
    for text in texts {
        let points = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
        points.into_iter().try_for_each(|point| zip.write_all(&point.to_le_bytes())).at(path)?;
    }
    Ok(())
}

/// Begins the array `name` of about `bytes` bytes. The time in the file is a fixed one.
fn start(zip: &mut Zip, name: &str, bytes: usize, path: &Path) -> Result<()> {
    let options = SimpleFileOptions::DEFAULT
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .large_file(bytes >= 1 << 31);
    zip.start_file(format!("{name}.npy"), options).at(path)
}
