//! Where generated samples go: a dataset, of their own or the one that they are added to, PNG files, a picture of all.

use crate::codec::Pixels;
use crate::dataset::{Dataset, DatasetWriter, Meta, Sample, Samples};
use crate::error::{Context, Error, Result};
use crate::stages::Ctx;
use crate::stages::export::name::Names;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

/// The folder of PNG files, inside the stage's.
pub const PNG_FOLDER: &str = "png";

/// Side that a small picture is enlarged to in the grid, at least.
const GRID_SIDE: usize = 48;

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

/// The picture of all classes.
pub(super) struct Grid {
    columns: usize,
    rows: Vec<Vec<Pixels>>,
}

impl Grid {
    pub const fn new(columns: usize) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// The samples of one class; more than fit in a row go on in the next.
    pub fn row(&mut self, pictures: Vec<Pixels>) {
        let mut pictures = pictures.into_iter().peekable();
        // A class without samples has an empty row, so that rows stay classes.
        if pictures.peek().is_none() {
            self.rows.push(Vec::new());
        }
        while pictures.peek().is_some() {
            self.rows.push(pictures.by_ref().take(self.columns).collect());
        }
    }

    /// All rows with a line between, small pictures enlarged by whole factors.
    pub fn picture(&self) -> Result<Option<Pixels>> {
        let Some(first) = self.rows.iter().flatten().next() else { return Ok(None) };
        let [height, width, channels] = first.shape();
        let scale = GRID_SIDE.div_ceil(height.max(width)).max(1);
        let (cell_h, cell_w) = (height * scale + 2, width * scale + 2);
        let (all_h, all_w) = (cell_h * self.rows.len() + 2, cell_w * self.columns + 2);
        let mut data = vec![128u8; all_h * all_w * channels];
        for (r, row) in self.rows.iter().enumerate() {
            for (c, picture) in row.iter().enumerate() {
                for y in 0..height * scale {
                    let start = ((r * cell_h + 2 + y) * all_w + c * cell_w + 2) * channels;
                    let line = &picture.data[y / scale * width * channels..][..width * channels];
                    let to = &mut data[start..start + width * scale * channels];
                    for (to, from) in to.chunks_exact_mut(channels * scale).zip(line.chunks_exact(channels)) {
                        to.chunks_exact_mut(channels).for_each(|pixel| pixel.copy_from_slice(from));
                    }
                }
            }
        }
        Pixels::new(data, all_h, all_w, channels).map(Some)
    }
}
