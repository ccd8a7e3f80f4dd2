//! Where generated samples go: a dataset, of their own or the one that they are added to, PNG files, a picture of all.

use crate::dataset::{Dataset, DatasetWriter, Meta, Sample, Samples};
use crate::error::{Context, Error, Result};
use crate::stages::Ctx;
use crate::stages::export::name::Names;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

/// The folder of PNG files, inside the stage's.
pub const PNG_FOLDER: &str = "png";

/// The dataset that is written, in the order of ids.
pub(super) struct Sink {
    writer: DatasetWriter,
    /// What is left of the dataset that samples are added to.
    rest: Option<Peekable<Samples>>,
    /// The folder of each class for PNG files, where they are asked for.
    png: Option<Vec<PathBuf>>,
}

impl Sink {
    /// Writes to the folder `out`; the samples of `first` come before those pushed, as their ids have it.
    pub fn new(ctx: &Ctx, out: &Path, meta: Meta, first: Option<&Dataset>) -> Result<Self> {
        let writer = DatasetWriter::create(out, meta)?.pool(&ctx.pool);
        Ok(Self { writer, rest: first.map(|dataset| dataset.samples().peekable()), png: None })
    }

    /// The same with a PNG file for each sample, in a folder for each class.
    pub fn with_png(self, out: &Path, classes: &[String]) -> Result<Self> {
        let mut names = Names::default();
        let mut folders: Vec<PathBuf> =
            classes.iter().map(|class| out.join(PNG_FOLDER).join(names.give(class))).collect();
        if folders.is_empty() {
            folders.push(out.join(PNG_FOLDER));
        }
        folders.iter().try_for_each(|folder| std::fs::create_dir_all(folder).at(folder))?;
        Ok(Self { png: Some(folders), ..self })
    }

    /// The next generated sample.
    pub fn push(&mut self, sample: Sample) -> Result<()> {
        self.copy_before(Some(&sample.id))?;
        let folder = self.png.as_ref().and_then(|folders| folders.get(sample.label.unwrap_or(0) as usize));
        if let (Some(folder), Some(image)) = (folder, &sample.content.image) {
            let path = folder.join(format!("{}.png", sample.id));
            std::fs::write(&path, image.to_png()?).at(&path)?;
        }
        self.writer.push(sample)
    }

    /// Copies what comes before `id` from the dataset that samples are added to; all that is left for `None`.
    fn copy_before(&mut self, id: Option<&str>) -> Result<()> {
        let Some(rest) = &mut self.rest else { return Ok(()) };
        let before = |next: &Result<Sample>| match (next, id) {
            (Ok(next), Some(id)) => next.id.as_str() <= id,
            _ => true,
        };
        while let Some(sample) = rest.next_if(before) {
            let sample = sample?;
            if Some(sample.id.as_str()) == id {
                return Err(Error::failed(format!(
                    "the dataset has such a generated sample already: {}",
                    sample.id
                ))
                .hint("add to the dataset as it was before samples were added"));
            }
            self.writer.push(sample)?;
        }
        Ok(())
    }

    /// Writes the rest; gives what the dataset turned out to be.
    pub fn finish(mut self) -> Result<Meta> {
        self.copy_before(None)?;
        self.writer.finish()
    }
}
