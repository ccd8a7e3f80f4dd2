//! `dataset.json`: what a dataset is, beside its samples.

use super::{Feature, Split};
use crate::error::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Component, Path};

/// The name of the file in a dataset's folder.
pub const FILE: &str = "dataset.json";

/// The version of the layout that this build writes, and the highest that it reads.
pub const VERSION: u32 = 1;

/// A modality of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Pictures.
    Images,
    /// Sounds.
    Audio,
    /// Texts.
    Text,
    /// Rows of numbers.
    Table,
}

impl Kind {
    /// What the samples are called: `pictures`, `sounds`, `texts` or `rows`.
    pub const fn words(self) -> &'static str {
        match self {
            Kind::Images => "pictures",
            Kind::Audio => "sounds",
            Kind::Text => "texts",
            Kind::Table => "rows",
        }
    }
}

impl Kind {
    /// One of them: `picture`, `sound`, `text` or `row`.
    pub const fn one(self) -> &'static str {
        match self {
            Kind::Images => "picture",
            Kind::Audio => "sound",
            Kind::Text => "text",
            Kind::Table => "row",
        }
    }
}

/// How the shards hold the samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// Parquet, pictures as PNG: small, and every reader opens it.
    #[default]
    Png,
    /// Arrow IPC, pictures (of one size) as pixels: large and fast.
    Raw,
}

impl Storage {
    /// What the names of the shards end with.
    pub const fn extension(self) -> &'static str {
        match self {
            Storage::Png => "parquet",
            Storage::Raw => "arrow",
        }
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Storage::Png => "png",
            Storage::Raw => "raw",
        })
    }
}

/// The one size of all pictures of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageShape {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// 1 (grey) or 3 (RGB).
    pub channels: u32,
}

impl ImageShape {
    /// The values of one picture; `None` where there are none, or more than any picture has.
    pub fn values(&self) -> Option<usize> {
        let len = self.height.checked_mul(self.width)?.checked_mul(self.channels)?;
        usize::try_from(len).ok().filter(|n| (1..=i32::MAX as usize).contains(n))
    }
}

/// How values are to be scaled before a model sees them: `(x − mean) / std` per channel or column,
/// where pixels are first divided by 255.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalize {
    /// One per channel or column.
    pub mean: Vec<f32>,
    /// One per channel or column, above 0.
    pub std: Vec<f32>,
}

impl Normalize {
    /// Whether it changes nothing.
    pub fn is_identity(&self) -> bool {
        self.mean.iter().all(|m| *m == 0.0) && self.std.iter().all(|s| *s == 1.0)
    }

    /// Scales a row in place; a missing value goes to the mean, which is 0.
    pub fn standardise(&self, row: &mut [f32]) {
        for ((v, mean), std) in row.iter_mut().zip(&self.mean).zip(&self.std) {
            *v = if v.is_nan() { 0.0 } else { (*v - mean) / std };
        }
    }
}

/// How many samples there are of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All samples.
    pub samples: u64,
    /// In the split `train`.
    pub train: u64,
    /// In the split `val`.
    pub val: u64,
    /// In the split `test`.
    pub test: u64,
    /// Samples without a label.
    pub unlabelled: u64,
    /// For each class, its samples in all splits.
    pub per_class: Vec<u64>,
}

impl Counts {
    /// One more sample.
    pub(super) fn add(&mut self, label: Option<u32>, split: Split) {
        self.samples += 1;
        match split {
            Split::Train => self.train += 1,
            Split::Val => self.val += 1,
            Split::Test => self.test += 1,
        }
        match label.and_then(|label| self.per_class.get_mut(label as usize)) {
            Some(of_class) => *of_class += 1,
            None => self.unlabelled += 1,
        }
    }
}

/// One file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// The file name in the dataset's folder.
    pub file: String,
    /// Its samples.
    pub rows: u64,
    /// SHA-256 of its bytes; empty in datasets of before there was one.
    #[serde(default)]
    pub sha256: String,
}

/// What a dataset is. A writer takes `name`, `kind`, `classes`, `columns` and `normalize` from its
/// caller and finds out the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// The version of the layout.
    pub version: u32,
    /// A name for people.
    pub name: String,
    /// What the samples are: the first of their modalities, in the order of [`Kind`].
    pub kind: Kind,
    /// The other modalities, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Kind>,
    /// How the shards hold them.
    #[serde(default)]
    pub storage: Storage,
    /// The names of the classes; a label is an index into it. Empty without labels.
    pub classes: Vec<String>,
    /// The names of the features; empty without rows of numbers.
    #[serde(default)]
    pub columns: Vec<String>,
    /// What is known of the features, one for each column; empty where nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
    /// The size of the pictures where all have the same.
    #[serde(default)]
    pub image: Option<ImageShape>,
    /// How values are to be scaled, where that was decided.
    #[serde(default)]
    pub normalize: Option<Normalize>,
    /// How many samples there are of what.
    #[serde(default)]
    pub counts: Counts,
    /// The files, in the order of the ids.
    #[serde(default)]
    pub shards: Vec<Shard>,
    /// Hash of the content; see [`super::ContentHasher`].
    #[serde(default)]
    pub content_hash: String,
}

impl Meta {
    /// A dataset of pictures that has no samples yet.
    pub fn images(name: impl Into<String>, classes: Vec<String>) -> Self {
        Self::new(name, Kind::Images, classes, Vec::new())
    }

    /// A table that has no rows yet, with the names of its features.
    pub fn table(name: impl Into<String>, classes: Vec<String>, columns: Vec<String>) -> Self {
        Self::new(name, Kind::Table, classes, columns)
    }

    /// A dataset of any kind; only [`Kind::Table`] has columns.
    pub fn new(name: impl Into<String>, kind: Kind, classes: Vec<String>, columns: Vec<String>) -> Self {
        Self {
            version: VERSION,
            name: name.into(),
            kind,
            also: Vec::new(),
            storage: Storage::Png,
            classes,
            columns,
            features: Vec::new(),
            image: None,
            normalize: None,
            counts: Counts::default(),
            shards: Vec::new(),
            content_hash: String::new(),
        }
    }

    /// A dataset of these modalities, at least one, that has no samples yet.
    pub fn of_kinds(
        name: impl Into<String>,
        kinds: &[Kind],
        classes: Vec<String>,
        columns: Vec<String>,
    ) -> Self {
        let distinct: BTreeSet<Kind> = kinds.iter().copied().collect();
        let mut kinds = distinct.into_iter();
        let kind = kinds.next().unwrap_or(Kind::Table);
        Self { also: kinds.collect(), ..Self::new(name, kind, classes, columns) }
    }

    /// All modalities, ascending.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        std::iter::once(self.kind).chain(self.also.iter().copied())
    }

    /// Whether the samples have this modality.
    pub fn has(&self, kind: Kind) -> bool {
        self.kinds().any(|k| k == kind)
    }

    /// What all samples hold, for people: `pictures and texts`.
    pub fn words(&self) -> String {
        self.kinds().map(Kind::words).collect::<Vec<_>>().join(" and ")
    }

    /// The name of a class, or `unlabelled`.
    pub fn class_name(&self, label: Option<u32>) -> &str {
        let name = label.and_then(|label| self.classes.get(label as usize));
        name.map_or("unlabelled", String::as_str)
    }

    /// Reads the `dataset.json` of a folder.
    ///
    /// # Errors
    /// When there is none, it is damaged, or a newer build wrote it.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        if std::fs::metadata(folder).at(folder)?.is_dir() && !path.exists() {
            return Err(Error::usage(format!("not a dataset (no {FILE}): {}", folder.display()))
                .hint("make one with `seedbed collect`, or name the folder of a stage"));
        }
        let text = std::fs::read(&path).at(&path)?;
        let meta: Self =
            serde_json::from_slice(&text).map_err(|e| Error::failed(format!("damaged ({e})"))).at(&path)?;
        if meta.version > VERSION {
            return Err(Error::failed(format!(
                "dataset has version {}, this build reads up to {VERSION}: {}",
                meta.version,
                path.display()
            ))
            .hint("use the seedbed that wrote it, or a newer one"));
        }
        meta.check().at(&path)?;
        Ok(meta)
    }

    /// Whether the counts agree with each other and with what the list of shards says.
    pub(super) fn check_counts(&self) -> Result<()> {
        let Counts { samples, train, val, test, unlabelled, per_class } = &self.counts;
        let sum = |numbers: Vec<u64>| numbers.into_iter().try_fold(0, u64::checked_add);
        let parts = [
            ("shards", sum(self.shards.iter().map(|s| s.rows).collect())),
            ("splits", sum(vec![*train, *val, *test])),
            ("classes", sum([per_class, &[*unlabelled][..]].concat())),
        ];
        if per_class.len() != self.classes.len() {
            return Err(Error::failed(format!(
                "{} counts for {} classes",
                per_class.len(),
                self.classes.len()
            )));
        }
        match parts.into_iter().find(|(_, sum)| *sum != Some(*samples)) {
            None => Ok(()),
            Some((what, Some(n))) => {
                Err(Error::failed(format!("its {what} have {n} samples, it counts {samples}")))
            }
            Some((what, None)) => {
                Err(Error::failed(format!("its {what} have more samples than there can be")))
            }
        }
    }

    /// Writes the `dataset.json` of a folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let mut text = serde_json::to_vec_pretty(self).at(&path)?;
        text.push(b'\n');
        std::fs::write(&path, text).at(&path)
    }

    /// Whether the parts fit each other.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::failed(what));
        if !self.has(Kind::Table) && !self.columns.is_empty() {
            return wrong(format!("{} have no feature columns", self.words()));
        }
        if !self.features.is_empty() && self.features.len() != self.columns.len() {
            return wrong(format!("{} features for {} columns", self.features.len(), self.columns.len()));
        }
        let ordered = |f: &Feature| f.range.is_none_or(|[low, high]| low <= high);
        if !self.features.iter().all(ordered) {
            return wrong("the range of a feature does not go from its least value to its greatest".into());
        }
        if self.has(Kind::Table) && self.columns.is_empty() {
            return wrong("a table without columns".into());
        }
        if self.image.is_some_and(|shape| shape.values().is_none()) {
            return wrong("the pictures have a size that no picture has".into());
        }
        if !self.kinds().is_sorted_by(|a, b| a < b) {
            return wrong("the kinds of the samples are not in order".into());
        }
        let mut names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        names.extend(super::schema::RESERVED);
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return wrong(format!("two columns are called `{}`", pair[0]));
        }
        let mut classes: Vec<&str> = self.classes.iter().map(String::as_str).collect();
        classes.sort_unstable();
        if let Some(pair) = classes.windows(2).find(|pair| pair[0] == pair[1]) {
            return wrong(format!("two classes are called `{}`", pair[0]));
        }
        let usable = |n: &Normalize| {
            n.mean.len() == n.std.len()
                && n.mean.iter().all(|v| v.is_finite())
                && n.std.iter().all(|v| v.is_finite() && *v > 0.0)
        };
        // Names, not paths: a dataset does not reach out of its folder.
        let is_name = |file: &str| {
            let mut parts = Path::new(file).components();
            matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name == file)
        };
        if let Some(shard) = self.shards.iter().find(|shard| !is_name(&shard.file)) {
            return wrong(format!("shard `{}` is not the name of a file", shard.file));
        }
        match &self.normalize {
            Some(n) if !usable(n) => {
                wrong("normalize needs as many finite means as positive deviations".into())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let mut meta = Meta::table("t", vec!["a".into()], vec!["x".into(), "y".into()]);
        meta.normalize = Some(Normalize { mean: vec![0.1, 2.0], std: vec![1.0, 3.5] });
        meta.save(folder.path()).unwrap();
        assert_eq!(Meta::load(folder.path()).unwrap(), meta);
        assert_eq!((meta.class_name(Some(0)), meta.class_name(Some(9))), ("a", "unlabelled"));
    }

    #[test]
    fn unusable_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let load = || Meta::load(folder.path()).unwrap_err().message;
        assert!(load().starts_with("not a dataset"));
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(load().starts_with("damaged"));
        let meta = Meta { version: 99, ..Meta::images("i", vec![]) };
        meta.save(folder.path()).unwrap();
        assert!(load().contains("version 99"));
        let with_shard = |file: &str| Meta {
            shards: vec![Shard { file: file.into(), rows: 1, sha256: String::new() }],
            ..Meta::images("i", vec![])
        };
        for meta in [
            Meta::images("i", vec!["a".into(), "a".into()]),
            Meta::table("t", vec![], vec!["label".into()]),
            Meta { columns: vec!["x".into()], ..Meta::images("i", vec![]) },
            Meta {
                normalize: Some(Normalize { mean: vec![0.0], std: vec![0.0] }),
                ..Meta::images("i", vec![])
            },
            with_shard("../elsewhere/data-00000.parquet"),
            with_shard("/data-00000.parquet"),
            with_shard("data-00000.parquet/"),
            with_shard(".."),
            with_shard(""),
        ] {
            meta.save(folder.path()).unwrap();
            assert!(load().ends_with(FILE), "{}", load());
        }
        assert!(Meta::load(&folder.path().join("none")).unwrap_err().message.starts_with("no such file"));
    }
}
