//! One text file of rows, `dataset.csv` or `dataset.jsonl`; pictures and sounds are files in `files/` that the column
//! `file_name` tells (and `audio_file` a sound beside a picture).
//!
//! The columns are those of [`Record`]; in CSV what is not there is empty, so that an empty text is like none.

use super::Selection;
use super::name::Names;
use super::record::{Files, Record};
use crate::dataset::{Kind, Meta, Sample};
use crate::error::{Context, Error, Result};
use crate::stages::Ctx;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Samples in memory at a time.
const BATCH: usize = 512;

/// The folder of pictures and sounds.
const FOLDER: &str = "files";

/// Writes `dataset.jsonl` and gives its name.
pub fn jsonl(ctx: &Ctx, selection: &Selection, out: &Path) -> Result<String> {
    let line = |meta: &Meta, sample: &Sample, files: &Files| Record::new(meta, sample, Some(files))?.line();
    write(ctx, selection, out, "dataset.jsonl", &[], line)
}

/// Writes `dataset.csv` and gives its name.
pub fn csv(ctx: &Ctx, selection: &Selection, out: &Path) -> Result<String> {
    let head = csv_line(&head(selection.meta()))?;
    let row = |meta: &Meta, sample: &Sample, files: &Files| csv_line(&row(meta, sample, files)?);
    write(ctx, selection, out, "dataset.csv", &head, row)
}

/// Writes the file `name` of `head` and a line for each sample, and the files that they name.
fn write(
    ctx: &Ctx,
    selection: &Selection,
    out: &Path,
    name: &str,
    head: &[u8],
    line: impl Fn(&Meta, &Sample, &Files) -> Result<Vec<u8>> + Sync + Send,
) -> Result<String> {
    let meta = selection.meta();
    if meta.has(Kind::Images) || meta.has(Kind::Audio) {
        let folder = out.join(FOLDER);
        std::fs::create_dir_all(&folder).at(&folder)?;
    }
    let path = out.join(name);
    let mut list = BufWriter::new(File::create(&path).at(&path)?);
    list.write_all(head).at(&path)?;
    let mut names = Names::default();
    let named = selection.samples().map(|sample| {
        let sample = sample?;
        let stem = format!("{FOLDER}/{}", names.give(&sample.id));
        Ok((Files::of(&sample.content, &stem), sample))
    });
    let save = |(files, sample): (Files, Sample)| {
        files.save(out, &sample.content)?;
        line(meta, &sample, &files)
    };
    let task = selection.task(ctx);
    ctx.pool.stream(named, BATCH, save, |line| {
        task.inc(1);
        list.write_all(&line).at(&path)
    })?;
    list.flush().at(&path)?;
    Ok(name.to_owned())
}

/// The names of the columns.
fn head(meta: &Meta) -> Vec<String> {
    let mut head: Vec<String> =
        Files::default().columns(meta).iter().map(|(name, _)| (*name).into()).collect();
    head.push("id".into());
    head.extend(meta.has(Kind::Text).then(|| "text".into()));
    head.extend(meta.columns.iter().cloned());
    head.extend(["label", "split", "weight", "origin"].map(String::from));
    head
}

/// The cells of a sample in the order of [`head`].
fn row(meta: &Meta, sample: &Sample, files: &Files) -> Result<Vec<String>> {
    let record = Record::new(meta, sample, Some(files))?;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let mut row: Vec<String> = files.columns(meta).into_iter().map(|(_, file)| text(file)).collect();
    row.push(sample.id.clone());
    row.extend(meta.has(Kind::Text).then(|| text(sample.content.text.as_deref())));
    row.extend(sample.row().iter().map(|v| if v.is_nan() { String::new() } else { v.to_string() }));
    row.extend([
        text(record.label()),
        sample.split.name().to_owned(),
        sample.weight.to_string(),
        text(record.origin()),
    ]);
    Ok(row)
}

fn csv_line(cells: &[String]) -> Result<Vec<u8>> {
    let damaged = |e: &dyn std::fmt::Display| Error::failed(format!("cannot write a line of CSV ({e})"));
    let mut line = ::csv::Writer::from_writer(Vec::new());
    line.write_record(cells).map_err(|e| damaged(&e))?;
    line.into_inner().map_err(|e| damaged(&e))
}
