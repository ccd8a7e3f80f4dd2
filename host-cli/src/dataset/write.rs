//! Writing a dataset: samples in the order of their ids, in shards of a bounded size.
//!
//! The same samples give the same files, byte for byte: nothing in them depends on the time, the
//! machine or the threads. The content hash outlives other versions of the libraries that compress;
//! the bytes of the files do not.

use super::background::Shards;
use super::hash::{ContentHasher, SampleDigest, sample_digest};
use super::meta::{Counts, ImageShape, Kind, Meta, Storage};
use super::schema::Stored;
use super::shard::{Container, Group, ShardFile};
use super::{Content, Feature, Origin, Sample, card, croissant, schema};
use crate::error::{Context, Error, Result};
use crate::pool::{Held, Pool};
use arrow_schema::Schema;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Samples in a shard unless told otherwise.
pub const DEFAULT_SHARD_ROWS: usize = 65_536;

/// The longest content of a sample: Arrow addresses that of a row group with 31 bits.
const MAX_BYTES: usize = 1 << 30;

/// Writes a dataset folder; `dataset.json` comes last, so that a folder without it is not whole.
pub struct DatasetWriter {
    folder: PathBuf,
    meta: Meta,
    /// Known from the first row group on, since raw pictures have their size in it.
    schema: Option<Arc<Schema>>,
    pool: Pool,
    shard_rows: usize,
    group: Group,
    last_id: Option<String>,
    hasher: ContentHasher,
    sizes: Sizes,
    shards: Shards,
    /// Samples that went into the open shard.
    in_shard: usize,
}

/// Whether all pictures so far have one size.
#[derive(Clone, Copy)]
enum Sizes {
    None,
    One(ImageShape),
    Several,
}

impl Sizes {
    fn and(self, shape: ImageShape) -> Self {
        match self {
            Sizes::None => Sizes::One(shape),
            Sizes::One(first) if first == shape => self,
            _ => Sizes::Several,
        }
    }
}

impl DatasetWriter {
    /// A writer into `folder`, which is made where it is missing and must hold no dataset yet. Of `meta`
    /// it takes name, kinds, storage, classes, columns and normalisation.
    ///
    /// # Errors
    /// When `meta` contradicts itself, the folder cannot be made, or it has a `dataset.json`.
    pub fn create(folder: &Path, meta: Meta) -> Result<Self> {
        meta.check()?;
        std::fs::create_dir_all(folder).at(folder)?;
        if folder.join(super::META_FILE).exists() {
            return Err(Error::failed(format!("there is a dataset already: {}", folder.display()))
                .hint("choose another --out, or remove the folder"));
        }
        let counts = Counts { per_class: vec![0; meta.classes.len()], ..Counts::default() };
        let meta = Meta { counts, shards: Vec::new(), image: None, content_hash: String::new(), ..meta };
        Ok(Self {
            folder: folder.to_owned(),
            schema: None,
            hasher: ContentHasher::new(&meta),
            group: Group::new(&meta),
            meta,
            pool: Pool::single(),
            shard_rows: DEFAULT_SHARD_ROWS,
            last_id: None,
            sizes: Sizes::None,
            shards: Shards::new(),
            in_shard: 0,
        })
    }

    /// The same, checking and hashing pictures on the threads of `pool`, and writing on one more where it has several.
    #[must_use]
    pub fn pool(mut self, pool: &Pool) -> Self {
        self.shards.in_background(pool.threads() > 1);
        Self { pool: pool.clone(), ..self }
    }

    /// The same with at most `rows` samples in a shard (0 counts as 1).
    #[must_use]
    pub fn shard_rows(self, rows: usize) -> Self {
        Self { shard_rows: rows.max(1), ..self }
    }

    /// The next sample. Its id must come after the one before (as bytes), its label must be a class, its
    /// weight finite and not negative, and its content of the dataset's kinds: a picture that decodes, a sound, a
    /// text, and a value (NaN where missing, else finite) for each column. What is not of the dataset's main kind may
    /// be missing. Raw pictures have one size.
    ///
    /// # Errors
    /// When one of these is not so, naming the sample (a damaged picture may be reported by a later
    /// call), or when a shard cannot be written.
    pub fn push(&mut self, mut sample: Sample) -> Result<()> {
        if sample.content.row.is_empty() && self.meta.kind != Kind::Table {
            sample.content.row = vec![f32::NAN; self.meta.columns.len()];
        }
        self.check(&sample)?;
        self.meta.counts.add(sample.label, sample.split);
        self.last_id = Some(sample.id.clone());
        self.group.push(sample);
        if self.group.is_full() || self.in_shard + self.group.samples.len() >= self.shard_rows {
            self.flush()?;
        }
        Ok(())
    }

    /// Says what is known of the features, where that shows only as the rows go by.
    pub fn describe(&mut self, features: Vec<Feature>) {
        self.meta.features = features;
    }

    fn check(&self, sample: &Sample) -> Result<()> {
        let id = &sample.id;
        let wrong = |what: String| Err(Error::failed(format!("{what}: sample `{id}`")));
        match &self.last_id {
            _ if id.is_empty() => return wrong("empty id".into()),
            Some(last) if last == id => return wrong("two samples have the same id".into()),
            Some(last) if last > id => return wrong(format!("id comes after `{last}` but sorts before it")),
            _ => {}
        }
        if sample.label.is_some_and(|label| label as usize >= self.meta.classes.len()) {
            return wrong("label is not one of the classes".into());
        }
        if !(sample.weight.is_finite() && sample.weight >= 0.0) {
            return wrong(format!("weight {} is not a finite number from 0", sample.weight));
        }
        if sample.content.held() > MAX_BYTES {
            return wrong(format!("more than {MAX_BYTES} bytes"));
        }
        let Content { image, audio, text, row } = &sample.content;
        let there = [
            (Kind::Images, image.is_some()),
            (Kind::Audio, audio.is_some()),
            (Kind::Text, text.is_some()),
            (Kind::Table, !row.is_empty()),
        ];
        if let Some((kind, _)) = there.iter().find(|(kind, there)| *there && !self.meta.has(*kind)) {
            return wrong(format!("{} in a dataset of {}", kind.words(), self.meta.words()));
        }
        if self.meta.kind != Kind::Table && there.contains(&(self.meta.kind, false)) {
            return wrong(format!("no {} in a dataset of {}", self.meta.kind.words(), self.meta.words()));
        }
        if row.len() != self.meta.columns.len() {
            return wrong(format!("{} values for {} columns", row.len(), self.meta.columns.len()));
        }
        match row.iter().position(|v| v.is_infinite()) {
            Some(at) => wrong(format!("infinite value in column `{}`", self.meta.columns[at])),
            None => Ok(()),
        }
    }

    /// Writes what is pending as one row group, and closes the shard where it is full.
    fn flush(&mut self) -> Result<()> {
        if self.group.samples.is_empty() {
            return Ok(());
        }
        let raw = self.meta.storage == Storage::Raw;
        let pending: Vec<&Sample> = self.group.samples.iter().collect();
        let stored = self.pool.map_owned(pending, |sample| stored(sample, raw));
        let stored = stored.into_iter().collect::<Result<Vec<Prepared<'_>>>>()?;
        let mut forms = Vec::with_capacity(stored.len());
        for (sample, Prepared { digest, shape, form }) in self.group.samples.iter().zip(stored) {
            self.hasher.push_digest(digest);
            self.sizes = shape.map_or(self.sizes, |shape| self.sizes.and(shape));
            if raw && matches!(self.sizes, Sizes::Several) {
                return Err(Error::failed(format!(
                    "picture of another size than those before: {}",
                    sample.id
                ))
                .hint("raw storage needs pictures of one size: use storage png, or preprocess with a size"));
            }
            forms.push(form);
        }
        if let Sizes::One(shape) = self.sizes {
            self.meta.image = Some(shape);
        }
        let schema = match &self.schema {
            Some(schema) => schema.clone(),
            None => self.schema.insert(Arc::new(schema::of(&self.meta)?)).clone(),
        };
        let batch = schema::to_batch(&self.meta, &schema, &self.group.samples, &forms)?;
        if !self.shards.is_open() {
            self.open_shard(&schema)?;
        }
        self.in_shard += batch.num_rows();
        self.shards.write(batch)?;
        self.group.clear();
        if self.in_shard >= self.shard_rows {
            self.shards.close()?;
            self.in_shard = 0;
        }
        Ok(())
    }

    fn open_shard(&mut self, schema: &Arc<Schema>) -> Result<()> {
        let container = match self.meta.storage {
            Storage::Png => Container::Parquet,
            Storage::Raw => Container::Arrow,
        };
        let name = format!("data-{:05}.{}", self.shards.count(), self.meta.storage.extension());
        let file = ShardFile::create(self.folder.join(name), container, &self.meta, schema)?;
        self.shards.start(file)
    }

    /// Writes the rest and `dataset.json`, and gives what the dataset turned out to be.
    ///
    /// # Errors
    /// As [`DatasetWriter::push`].
    pub fn finish(mut self) -> Result<Meta> {
        self.flush()?;
        if self.shards.count() == 0 {
            // Readers want a schema even of a dataset without samples.
            self.open_shard(&Arc::new(schema::of(&self.meta)?))?;
        }
        self.meta.shards = self.shards.finish()?;
        if !matches!(self.sizes, Sizes::One(_)) {
            self.meta.image = None;
        }
        self.meta.content_hash = self.hasher.finish();
        let path = self.folder.join("README.md");
        std::fs::write(&path, card::text(&self.meta)).at(&path)?;
        let path = self.folder.join(croissant::FILE);
        std::fs::write(&path, croissant::text(&self.meta)).at(&path)?;
        self.meta.save(&self.folder)?;
        Ok(self.meta)
    }
}

/// A sample as it goes into a shard.
struct Prepared<'a> {
    digest: SampleDigest,
    shape: Option<ImageShape>,
    form: Stored<'a>,
}

fn stored(sample: &Sample, raw: bool) -> Result<Prepared<'_>> {
    let image = sample.content.image.as_ref().map(|p| p.stored(raw)).transpose();
    let (of_pixels, picture) = image.map_err(|e| e.within(&sample.id))?.unzip();
    let origin = sample.origin.as_ref().map(Origin::text).transpose()?;
    let digest = sample_digest(sample, of_pixels, origin.as_deref().unwrap_or_default());
    Ok(Prepared { digest, shape: of_pixels.map(|d| d.shape), form: Stored { picture, origin } })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
