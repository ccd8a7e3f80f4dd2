//! IDX, the format of MNIST, a set of files for each split:
//!
//! * `train-images-idx3-ubyte` (number, height, width) or, of RGB, `train-images-idx4-ubyte` (… channels);
//!   of a table `train-features-idx2-float`;
//! * `train-labels-idx1-ubyte`, or `train-labels-idx1-int` (−1 where unknown) where bytes cannot tell the classes;
//! * `train-metadata.jsonl`: a line for each sample, in their order.

use super::Selection;
use super::arrays::{OpenFiles, Values, labels_are_bytes, list_name};
use super::record::Record;
use crate::dataset::{Meta, Sample, Split};
use crate::error::{Error, Result};
use crate::stages::Ctx;
use std::path::Path;

/// Samples in memory at a time.
const BATCH: usize = 512;

/// The type of elements, by its number in the header and its name in file names.
type Element = (u8, &'static str);
const UBYTE: Element = (0x08, "ubyte");
const INT: Element = (0x0c, "int");
const FLOAT: Element = (0x0d, "float");

/// The values of a selection as IDX can hold them.
///
/// # Errors
/// As [`Values::of`], and when there are more samples than the header can tell.
pub fn values(selection: &Selection) -> Result<Values> {
    match u32::try_from(selection.len()) {
        Ok(_) => Values::of(selection),
        Err(_) => Err(Error::usage("more than 4294967295 samples are too many for --format idx")),
    }
}

/// What a file starts with: the type, the number of axes, and their lengths, big endian.
fn header((number, _): Element, axes: &[usize]) -> Vec<u8> {
    let mut header = vec![0, 0, number, axes.len() as u8];
    axes.iter().for_each(|&n| header.extend((n as u32).to_be_bytes()));
    header
}

/// The axes of a sample, and what its values are; grey pictures have no axis of channels.
fn form(values: Values) -> (Vec<usize>, &'static str, Element) {
    let mut axes = values.shape();
    match values {
        Values::Levels(shape) => {
            axes.truncate(if shape.channels == 1 { 2 } else { 3 });
            (axes, "images", UBYTE)
        }
        Values::Floats(_) => (axes, "features", FLOAT),
    }
}

/// The label of a sample as it stands in the file.
fn label(sample: &Sample, element: Element) -> Vec<u8> {
    if element == UBYTE {
        return vec![sample.label.unwrap_or(0) as u8];
    }
    sample.label.map_or(-1, |label| label as i32).to_be_bytes().to_vec()
}

pub fn write(ctx: &Ctx, selection: &Selection, out: &Path) -> Result<()> {
    let meta: &Meta = selection.meta();
    let values = values(selection)?;
    let (axes, what, element) = form(values);
    let label_element = if labels_are_bytes(meta) { UBYTE } else { INT };
    let count = |split: Split| selection.counts().iter().find(|c| c.0 == split).map_or(0, |c| c.1 as usize);
    let task = selection.task(ctx);
    let mut files = OpenFiles::new(out);
    let encode = |sample: Sample| {
        let bytes = values.bytes(&sample, f32::to_be_bytes)?;
        let mut record = Record::new(meta, &sample, None)?;
        if matches!(values, Values::Floats(_)) {
            record = record.without_features();
        }
        let line = record.line()?;
        Ok((sample, bytes, line))
    };
    ctx.pool.stream(selection.samples(), BATCH, encode, |(sample, bytes, line)| {
        let (split, n) = (sample.split.name(), count(sample.split));
        let all: Vec<usize> = std::iter::once(n).chain(axes.iter().copied()).collect();
        let name = format!("{split}-{what}-idx{}-{}", all.len(), element.1);
        files.append(&name, || header(element, &all), &bytes)?;
        if !meta.classes.is_empty() {
            let name = format!("{split}-labels-idx1-{}", label_element.1);
            files.append(&name, || header(label_element, &[n]), &label(&sample, label_element))?;
        }
        task.inc(1);
        files.append(&list_name(&sample), Vec::new, &line)
    })?;
    files.finish()
}
