//! One NPZ file: `images` (u8, N × height × width × channels), `texts`, `features` (f32, N × columns) with `columns`, as
//! far as there are such; `labels` (i64, −1 where unknown), `classes`, `ids`, `splits`, `weights` (f32) and `origins`
//! (JSON, empty for originals).
//!
//! Texts are NumPy's fixed-width unicode, so that `numpy.load` needs no pickle.

use super::Selection;
use super::arrays::Values;
use crate::dataset::{Kind, Meta, Origin, Sample, Split};
use crate::error::{Context, Error, Result};
use crate::formats::npy;
use crate::kept::Kept;
use crate::stages::Ctx;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Samples in memory at a time.
const BATCH: usize = 512;

/// The most bytes that an array of texts of one width may have; whoever loads it needs as many.
const MAX_TEXT_BYTES: usize = 8 << 30;

type Zip = ZipWriter<BufWriter<File>>;

/// What is kept of each sample until the arrays of it are written: an archive takes one array after the other.
#[derive(Default)]
struct Columns {
    labels: Kept,
    weights: Kept,
    /// Numbers of splits, in the order of [`Split::ALL`].
    splits: Kept,
    /// The length of each, and its bytes.
    ids: Kept,
    /// How many there are.
    len: usize,
    /// The most characters in an id, in a text, in an origin, and in the name of a split.
    widths: [usize; 4],
}

/// The text of a sample; empty where there is none.
fn text_of(sample: &Sample) -> Result<String> {
    Ok(sample.content.text.clone().unwrap_or_default())
}

/// The origin of a sample; empty where there is none.
fn origin_of(sample: &Sample) -> Result<String> {
    Ok(sample.origin.as_ref().map(Origin::text).transpose()?.unwrap_or_default())
}

/// Refuses what the format cannot hold.
///
/// # Errors
/// As [`Values::of`], but that texts are an array here.
pub fn check(selection: &Selection) -> Result<()> {
    let meta = selection.meta();
    if meta.kind == Kind::Text { Ok(()) } else { Values::of(selection).map(drop) }
}

/// Writes the file and gives its name.
pub fn write(ctx: &Ctx, selection: &Selection, path: &Path) -> Result<String> {
    let meta = selection.meta();
    let n = selection.len() as usize;
    let mut zip = ZipWriter::new(BufWriter::new(File::create(path).at(path)?));
    let mut columns = Columns::default();
    let values = if meta.kind == Kind::Text { Values::Floats(0) } else { Values::of(selection)? };
    let shape: Vec<usize> = std::iter::once(n).chain(values.shape()).collect();
    match values {
        Values::Levels(_) => array(&mut zip, "images", "|u1", &shape, path)?,
        Values::Floats(0) => {}
        Values::Floats(_) => array(&mut zip, "features", "<f4", &shape, path)?,
    }
    let task = selection.task(ctx);
    let decode = |sample: Sample| {
        let bytes = values.bytes(&sample, f32::to_le_bytes)?;
        let width = |text: &str| text.chars().count();
        let (text, origin) = (text_of(&sample)?, origin_of(&sample)?);
        let widths = [width(&sample.id), width(&text), width(&origin), sample.split.name().len()];
        Ok((sample, bytes, widths))
    };
    ctx.pool.stream(selection.samples(), BATCH, decode, |(sample, bytes, widths)| {
        task.inc(1);
        columns.push(&sample, widths)?;
        zip.write_all(&bytes).at(path)
    })?;
    let [_, text_width, origin_width, _] = columns.widths;
    columns.write(&mut zip, path)?;
    if origin_width > 0 {
        texts_of(&mut zip, "origins", origin_width, selection, origin_of, path)?;
    }
    if meta.has(Kind::Text) {
        texts_of(&mut zip, "texts", text_width, selection, text_of, path)?;
    }
    if meta.has(Kind::Table) {
        if matches!(values, Values::Levels(_)) || meta.kind == Kind::Text {
            features(&mut zip, selection, meta, path)?;
        }
        texts(&mut zip, "columns", &meta.columns, path)?;
    }
    texts(&mut zip, "classes", &meta.classes, path)?;
    zip.finish().at(path)?.flush().at(path)?;
    Ok(path.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

impl Columns {
    fn push(&mut self, sample: &Sample, widths: [usize; 4]) -> Result<()> {
        self.len += 1;
        self.widths.iter_mut().zip(widths).for_each(|(most, width)| *most = width.max(*most));
        self.labels.push(&sample.label.map_or(-1, i64::from).to_le_bytes())?;
        self.weights.push(&sample.weight.to_le_bytes())?;
        self.splits.push(&[sample.split as u8])?;
        self.ids.push(&(sample.id.len() as u64).to_le_bytes())?;
        self.ids.push(sample.id.as_bytes())
    }

    fn write(&mut self, zip: &mut Zip, path: &Path) -> Result<()> {
        let n = self.len;
        array(zip, "labels", "<i8", &[n], path)?;
        io::copy(&mut self.labels.read()?, zip).at(path)?;
        array(zip, "weights", "<f4", &[n], path)?;
        io::copy(&mut self.weights.read()?, zip).at(path)?;
        let [id_width, _, _, split_width] = self.widths.map(|width| width.max(1));
        array(zip, "ids", &format!("<U{id_width}"), &[n], path)?;
        let (mut ids, mut len, mut id) = (self.ids.read()?, [0; 8], Vec::new());
        for _ in 0..n {
            ids.read_exact(&mut len).map_err(Error::of_temporary)?;
            id.resize(u64::from_le_bytes(len) as usize, 0);
            ids.read_exact(&mut id).map_err(Error::of_temporary)?;
            padded(zip, &String::from_utf8_lossy(&id), id_width, path)?;
        }
        array(zip, "splits", &format!("<U{split_width}"), &[n], path)?;
        for number in self.splits.read()?.bytes() {
            let number = number.map_err(Error::of_temporary)?;
            let split = Split::ALL.into_iter().find(|split| *split as u8 == number);
            padded(zip, split.map_or("", Split::name), split_width, path)?;
        }
        Ok(())
    }
}

/// The features of samples whose main content is another.
fn features(zip: &mut Zip, selection: &Selection, meta: &Meta, path: &Path) -> Result<()> {
    array(zip, "features", "<f4", &[selection.len() as usize, meta.columns.len()], path)?;
    for sample in selection.samples() {
        sample?.row().iter().try_for_each(|v| zip.write_all(&v.to_le_bytes())).at(path)?;
    }
    Ok(())
}

/// An array of one text a sample, of at most `width` characters, in another pass over the dataset.
fn texts_of(
    zip: &mut Zip,
    name: &str,
    width: usize,
    selection: &Selection,
    text: fn(&Sample) -> Result<String>,
    path: &Path,
) -> Result<()> {
    let (n, width) = (selection.len() as usize, width.max(1));
    if n.saturating_mul(width).saturating_mul(4) > MAX_TEXT_BYTES {
        return Err(Error::usage(format!(
            "{n} {name} of the longest's {width} characters are too large for an array: {}",
            selection.dataset.folder().display()
        ))
        .hint("export them with --format parquet, arrow, jsonl or webdataset"));
    }
    array(zip, name, &format!("<U{width}"), &[n], path)?;
    for sample in selection.samples() {
        padded(zip, &text(&sample?)?, width, path)?;
    }
    Ok(())
}

/// An array of texts, each padded with zeros to the longest.
fn texts(zip: &mut Zip, name: &str, texts: &[impl AsRef<str>], path: &Path) -> Result<()> {
    let width = texts.iter().map(|text| text.as_ref().chars().count()).max().unwrap_or(0).max(1);
    array(zip, name, &format!("<U{width}"), &[texts.len()], path)?;
    texts.iter().try_for_each(|text| padded(zip, text.as_ref(), width, path))
}

/// A text in an array of texts of this width.
fn padded(zip: &mut Zip, text: &str, width: usize, path: &Path) -> Result<()> {
    if text.ends_with('\0') {
        return Err(Error::usage(format!("a text that ends with a zero is cut by NumPy: {text:?}"))
            .hint("export them with --format parquet, arrow, jsonl or webdataset"));
    }
    let mut cell = Vec::with_capacity(width * 4);
    text.chars().for_each(|c| cell.extend(u32::from(c).to_le_bytes()));
    cell.resize(width * 4, 0);
    zip.write_all(&cell).at(path)
}

/// Begins the array `name`. The time in the file is a fixed one.
fn array(zip: &mut Zip, name: &str, descr: &str, shape: &[usize], path: &Path) -> Result<()> {
    let item: usize = match descr.split_at_checked(2) {
        Some((_, digits)) => {
            digits.parse::<usize>().unwrap_or(1) * if descr.starts_with("<U") { 4 } else { 1 }
        }
        None => 1,
    };
    let options = SimpleFileOptions::DEFAULT
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .large_file(shape.iter().product::<usize>().saturating_mul(item) >= 1 << 31);
    zip.start_file(format!("{name}.npy"), options).at(path)?;
    zip.write_all(&npy::header(descr, shape)).at(path)
}
