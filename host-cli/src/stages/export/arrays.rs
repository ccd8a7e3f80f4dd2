//! What formats of plain arrays share: samples as runs of values of one shape, and the lists beside them that keep
//! what an array has no place for.

use super::Selection;
use crate::dataset::{ImageShape, Kind, Meta, Sample};
use crate::error::{Context, Error, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// The values of all samples.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// Pictures of this shape, a byte for each level.
    Levels(ImageShape),
    /// Rows of so many single-precision floats.
    Floats(usize),
}

impl Values {
    /// Those of a selection, which has no sounds in it.
    ///
    /// # Errors
    /// When there are sounds, texts alone, or pictures of several sizes.
    pub fn of(selection: &Selection) -> Result<Self> {
        let (meta, folder) = (selection.meta(), selection.dataset.folder().display());
        if meta.has(Kind::Audio) || meta.kind == Kind::Text {
            let what = if meta.has(Kind::Audio) { Kind::Audio.words() } else { Kind::Text.words() };
            return Err(Error::usage(format!("{what} are no array: {folder}"))
                .hint("export them with --format parquet, arrow, webdataset or tfrecord"));
        }
        match meta.image {
            _ if meta.kind == Kind::Table => Ok(Self::Floats(meta.columns.len())),
            Some(shape) => Ok(Self::Levels(shape)),
            None => Err(Error::usage(format!("pictures of different sizes are no array: {folder}"))
                .hint("bring them to one size with `seedbed preprocess`, or export --format folder")),
        }
    }

    /// The lengths of the axes of one sample.
    pub fn shape(self) -> Vec<usize> {
        match self {
            Self::Levels(s) => [s.height, s.width, s.channels].map(|n| n as usize).to_vec(),
            Self::Floats(n) => vec![n],
        }
    }

    /// The values of a sample; floats by `bytes`.
    pub fn bytes(self, sample: &Sample, bytes: fn(f32) -> [u8; 4]) -> Result<Vec<u8>> {
        match self {
            Self::Levels(_) => Ok(sample.pixels()?.data),
            Self::Floats(_) => Ok(sample.row().iter().flat_map(|v| bytes(*v)).collect()),
        }
    }
}

/// The name of the list beside the arrays of a split.
pub fn list_name(sample: &Sample) -> String {
    format!("{}-metadata.jsonl", sample.split.name())
}

/// Whether each label is a number from 0 to 255, as formats with a byte for it want.
pub fn labels_are_bytes(meta: &Meta) -> bool {
    meta.counts.unlabelled == 0 && meta.classes.len() <= 256
}

/// Files that grow at the same time.
pub struct OpenFiles<'a> {
    out: &'a Path,
    files: BTreeMap<String, BufWriter<File>>,
}

impl<'a> OpenFiles<'a> {
    /// None yet, below the folder `out`.
    pub fn new(out: &'a Path) -> Self {
        Self { out, files: BTreeMap::new() }
    }

    /// Appends to the file `name`, which begins with `head`.
    pub fn append(&mut self, name: &str, head: impl FnOnce() -> Vec<u8>, bytes: &[u8]) -> Result<()> {
        let path = self.out.join(name);
        let file = match self.files.get_mut(name) {
            Some(file) => file,
            None => {
                let mut file = BufWriter::new(File::create(&path).at(&path)?);
                file.write_all(&head()).at(&path)?;
                self.files.entry(name.to_owned()).or_insert(file)
            }
        };
        file.write_all(bytes).at(&path)
    }

    /// Ends the file `name`, where it is open.
    pub fn close(&mut self, name: &str) -> Result<()> {
        self.files.remove(name).map_or(Ok(()), |mut file| file.flush().at(self.out.join(name)))
    }

    /// Ends all files.
    pub fn finish(mut self) -> Result<()> {
        let names: Vec<String> = self.files.keys().cloned().collect();
        names.iter().try_for_each(|name| self.close(name))
    }
}
