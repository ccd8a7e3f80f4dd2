//! The binary forms of CIFAR, for pictures of 32 × 32 × 3 in up to 256 classes: rows of a label (a byte) and the red,
//! the green and the blue plane (1024 bytes each).
//!
//! * CIFAR-10: the train split is in `data_batch_1.bin`, … of 10,000 rows, the others in `val_batch.bin` and
//!   `test_batch.bin`; the names of the classes are in `batches.meta.txt`, one a line;
//! * CIFAR-100: each split is in one file, `train.bin` and so on, and before the label stands that of the superclass,
//!   which is 0, since a dataset has none; the names are in `fine_label_names.txt` and `coarse_label_names.txt`.
//!
//! `train-metadata.jsonl` and so on have a line for each row, in their order.

use super::Selection;
use super::arrays::{OpenFiles, labels_are_bytes, list_name};
use super::record::Record;
use crate::dataset::{ImageShape, Kind, Sample, Split};
use crate::error::{Context, Error, Result};
use crate::stages::Ctx;
use std::path::Path;

/// Samples in memory at a time.
const BATCH: usize = 512;

/// Rows in a file of the train split.
const BATCH_ROWS: u64 = 10_000;

/// The one shape that there is.
const SHAPE: ImageShape = ImageShape { height: 32, width: 32, channels: 3 };

/// Which of the two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Ten,
    Hundred,
}

/// Refuses what the format cannot hold.
///
/// # Errors
/// Naming what is in the way.
pub fn check(selection: &Selection, form: Form) -> Result<()> {
    let meta = selection.meta();
    let format = if form == Form::Ten { "cifar" } else { "cifar100" };
    let wrong = |what: String| {
        Err(Error::usage(format!(
            "{what}, not for --format {format}: {}",
            selection.dataset.folder().display()
        )))
    };
    if meta.kind != Kind::Images || meta.has(Kind::Audio) {
        return wrong(meta.words());
    }
    match meta.image {
        Some(SHAPE) => {}
        Some(s) => {
            return wrong(format!("pictures of {} x {} x {}", s.height, s.width, s.channels))
                .map_err(to_cifar);
        }
        None => return wrong("pictures of different sizes".into()).map_err(to_cifar),
    }
    if meta.classes.is_empty() || !labels_are_bytes(meta) {
        let (n, without) = (meta.classes.len(), meta.counts.unlabelled);
        let hint = "every row has a label from 0 to 255: use --format idx or npz";
        return wrong(format!("{n} classes and {without} samples without one")).map_err(|e| e.hint(hint));
    }
    match meta.classes.iter().find(|name| name.contains(['\n', '\r'])) {
        Some(name) => wrong(format!("a class name of two lines ({name:?})")),
        None => Ok(()),
    }
}

fn to_cifar(e: Error) -> Error {
    e.hint("bring them to it with `seedbed preprocess --size 32x32 --mode rgb`, or use --format idx or npz")
}

/// The labels, then one channel after the other.
fn row(sample: &Sample, form: Form) -> Result<Vec<u8>> {
    let pixels = sample.pixels()?;
    let mut row = if form == Form::Hundred { vec![0] } else { Vec::new() };
    row.push(sample.label.unwrap_or(0) as u8);
    for channel in 0..pixels.channels {
        row.extend(pixels.data.iter().skip(channel).step_by(pixels.channels));
    }
    Ok(row)
}

/// The file of the `n`th row of a split, from 0.
fn file_name(form: Form, split: Split, n: u64) -> String {
    match (form, split) {
        (Form::Ten, Split::Train) => format!("data_batch_{}.bin", n / BATCH_ROWS + 1),
        (Form::Ten, other) => format!("{}_batch.bin", other.name()),
        (Form::Hundred, split) => format!("{}.bin", split.name()),
    }
}

/// Writes the names of the classes.
fn names(classes: &[String], form: Form, out: &Path) -> Result<()> {
    let write = |name: &str, text: String| {
        let path = out.join(name);
        std::fs::write(&path, text).at(&path)
    };
    let names = classes.iter().map(|name| format!("{name}\n")).collect();
    match form {
        Form::Ten => write("batches.meta.txt", names),
        Form::Hundred => {
            write("fine_label_names.txt", names)?;
            write("coarse_label_names.txt", "all\n".to_owned())
        }
    }
}

pub fn write(ctx: &Ctx, selection: &Selection, out: &Path, form: Form) -> Result<()> {
    let meta = selection.meta();
    names(&meta.classes, form, out)?;
    let task = selection.task(ctx);
    let mut files = OpenFiles::new(out);
    let mut in_train = 0;
    let encode = |sample: Sample| {
        let (row, line) = (row(&sample, form)?, Record::new(meta, &sample, None)?.line()?);
        Ok((sample, row, line))
    };
    ctx.pool.stream(selection.samples(), BATCH, encode, |(sample, row, line)| {
        let name = file_name(form, sample.split, in_train);
        files.append(&name, Vec::new, &row)?;
        if sample.split == Split::Train {
            in_train += 1;
            if form == Form::Ten && in_train % BATCH_ROWS == 0 {
                files.close(&name)?;
            }
        }
        task.inc(1);
        files.append(&list_name(&sample), Vec::new, &line)
    })?;
    files.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_train_split_is_in_files_of_ten_thousand_rows() {
        let of = |split, n| file_name(Form::Ten, split, n);
        let names = [0, 9_999, 10_000, 60_000].map(|n| of(Split::Train, n));
        assert_eq!(names, [1, 1, 2, 7].map(|n| format!("data_batch_{n}.bin")));
        assert_eq!([Split::Val, Split::Test].map(|s| of(s, 60_000)), ["val_batch.bin", "test_batch.bin"]);
        assert_eq!(file_name(Form::Hundred, Split::Train, 60_000), "train.bin");
    }
}
