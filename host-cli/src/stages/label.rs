//! `label`: gives samples without a label that of the class whose few labelled samples they are nearest to, in an embedding
//! that is learnt for that: prototypical networks (Snell, Swersky and Zemel 2017).
//!
//! The embedding learns by episodes from the labelled samples of the train split, and from those of another dataset
//! (`base`), of these classes or others, which helps where there are but a few. A class is the mean of its labelled samples
//! there. How sure a label is, is the softmax of minus the squared distances; what is less sure than `confidence` stays
//! without. `labels.jsonl` lists what was given. Labels that were not used, those of val and test, tell how often it is right.

use super::collect::write_lines;
use super::{Ctx, Outcome, Stage};
use crate::dataset::{Dataset, DatasetWriter, ImageShape, Kind, Split};
use crate::error::{Error, Result};
use crate::features::{Mat, Space, TILE, Table};
use crate::model::{DIMS, Embedder, Episodes};
use crate::purposes;
use seedbed::nn::Shape;
use seedbed::nn::loss::{Embedded, Episode};
use seedbed::rng::{Key, Stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The list of labels that were given.
pub const LABELS_FILE: &str = "labels.jsonl";

/// Options of the stage `label`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct LabelOptions {
    /// A dataset of the same kind of samples, whose labelled samples the embedding learns from besides, of these classes or
    /// others
    #[arg(long, value_name = "DATASET")]
    pub base: Option<PathBuf>,
    /// Use only so many labels of each class, drawn by the seed, 1 or more; the others stay as they are, and tell how many would
    /// have been right
    #[arg(long, value_name = "K")]
    pub shots: Option<usize>,
    /// Label samples of val and test, too, whose labels judge; without this they stay as they are
    #[arg(long)]
    pub all_splits: bool,
    /// Leave samples without a label that are less sure than this, 0 to 1
    #[arg(long, default_value_t = 0.5)]
    pub confidence: f32,
    /// Episodes that the embedding learns from, up to 1000000; 0 leaves it as it is drawn
    #[arg(long, default_value_t = 600)]
    pub episodes: u32,
    /// Classes of an episode at most, 2 to 100
    #[arg(long, default_value_t = 5)]
    pub ways: usize,
    /// Samples of each class of an episode that are known, 1 to 1000
    #[arg(long, default_value_t = 5)]
    pub support: usize,
    /// Samples of each class of an episode that are asked for, 1 to 1000
    #[arg(long, default_value_t = 10)]
    pub queries: usize,
}
crate::defaults!(LabelOptions);

/// A sample with the label that it gets.
#[derive(Serialize)]
struct Given<'a> {
    id: &'a str,
    label: &'a str,
    confidence: f32,
    second: Option<&'a str>,
}

/// What the classes are known by.
struct Known {
    /// The classes with a labelled sample.
    classes: Vec<u32>,
    /// Rows of labelled samples that are used, of each of these classes.
    rows: Vec<Vec<usize>>,
    /// The mean of their embeddings.
    prototypes: Mat,
}

impl Known {
    /// The likeliest of these classes with its probability, and the next one.
    fn tell(&self, ctx: &Ctx, embedding: &[f32]) -> Result<(usize, f32, Option<usize>)> {
        let mut logits = vec![0f32; self.classes.len()];
        self.episode().logits(ctx.level, &self.prototypes.data, embedding, &mut logits)?;
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        let first = order[0];
        let others = logits.iter().map(|logit| seedbed::math::exp(logit - logits[first]));
        Ok((first, 1.0 / others.sum::<f32>(), order.get(1).copied()))
    }

    fn episode(&self) -> Episode {
        Episode { classes: self.classes.len(), dims: DIMS }
    }
}

/// Rows of each class among those that are asked for.
fn by_class(table: &Table, wanted: impl Fn(usize) -> bool) -> BTreeMap<u32, Vec<usize>> {
    let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (row, label) in table.labels.iter().enumerate().filter(|(row, _)| wanted(*row)) {
        if let Some(label) = label {
            classes.entry(*label).or_default().push(row);
        }
    }
    classes
}

impl Stage for LabelOptions {
    fn check(&self) -> Result<()> {
        Error::require(self.shots != Some(0), "shots", 0, "at least 1")?;
        Error::check_range("confidence", self.confidence, 0.0..=1.0)?;
        Error::check_range("episodes", self.episodes, 0..=1_000_000)?;
        Error::check_range("ways", self.ways, 2..=100)?;
        Error::check_range("support", self.support, 1..=1000)?;
        Error::check_range("queries", self.queries, 1..=1000)
    }

    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        self.check()?;
        let dataset = Dataset::open(input)?;
        dataset.needs("label", &[Kind::Images, Kind::Table])?;
        let space = small(Space::of(&dataset)?);
        let table = Table::read(ctx, &dataset, &space, |_| true)?;
        let support = self.support_of(ctx, &dataset, &table)?;
        let mut embedder = Embedder::new(shape(&space), ctx.seed)?;
        let learnt = self.learn(ctx, &mut embedder, (&dataset, &space), (&table, &support))?;
        let embeddings = embedder.embed(ctx, &table.features)?;
        let known = known(support, &table, &embeddings)?;
        self.write(ctx, (&dataset, &table), (&known, &embeddings), learnt, out)
    }
}

/// Large pictures become tiles.
fn small(space: Space) -> Space {
    match space {
        Space::Pixels(s) if s.height.max(s.width) > 2 * TILE => {
            Space::Pixels(ImageShape { height: TILE, width: TILE, ..s })
        }
        space => space,
    }
}

/// The shape of samples, for a network.
fn shape(space: &Space) -> Shape {
    match space {
        Space::Pixels(s) => Shape::image(s.height as usize, s.width as usize, s.channels as usize),
        Space::Columns { .. } | Space::Given(_) => Shape::flat(space.cols()),
    }
}

/// What equal rows have alike.
fn row_hash(row: &[f32]) -> u128 {
    let bytes: Vec<u8> = row.iter().flat_map(|v| v.to_le_bytes()).collect();
    seedbed::prune::content_hash(&[row.len()], &bytes)
}

fn known(support: BTreeMap<u32, Vec<usize>>, table: &Table, embeddings: &Mat) -> Result<Known> {
    let (classes, rows): (Vec<u32>, Vec<Vec<usize>>) = support.into_iter().unzip();
    let prototypes = Mat::zeros(classes.len(), DIMS);
    let all: Vec<usize> = rows.iter().flatten().copied().collect();
    let place = |row: &usize| classes.iter().position(|c| Some(*c) == table.labels[*row]).unwrap_or(0) as u32;
    let labels: Vec<u32> = all.iter().map(place).collect();
    let rows_of = embeddings.select(&all).data;
    let mut known = Known { classes, rows, prototypes };
    known.episode().prototypes(Embedded { rows: &rows_of, labels: &labels }, &mut known.prototypes.data)?;
    Ok(known)
}

impl LabelOptions {
    /// The labelled samples that the classes are known by.
    fn support_of(&self, ctx: &Ctx, dataset: &Dataset, table: &Table) -> Result<BTreeMap<u32, Vec<usize>>> {
        let mut support = by_class(table, |row| table.splits[row] == Split::Train);
        if let Some(shots) = self.shots {
            for (class, own) in &mut support {
                Stream::new(ctx.seed, Key::new(purposes::SHOTS).sample(u64::from(*class))).shuffle(own);
                own.truncate(shots);
                own.sort_unstable();
            }
        }
        if support.len() < 2 {
            return Err(Error::failed(format!(
                "fewer than two classes have a labelled sample in the train split: {}",
                dataset.folder().display()
            ))
            .hint("label a few samples of each class first"));
        }
        for (label, name) in (0u32..).zip(&dataset.meta().classes) {
            if !support.contains_key(&label) {
                ctx.progress.warn(format!("label: class {name} has no labelled sample, and gets none"));
            }
        }
        Ok(support)
    }

    /// Teaches the embedding; the share of queries that it told rightly at the end, where it was taught.
    fn learn(
        &self,
        ctx: &Ctx,
        embedder: &mut Embedder,
        (dataset, space): (&Dataset, &Space),
        (table, support): (&Table, &BTreeMap<u32, Vec<usize>>),
    ) -> Result<Option<f64>> {
        if self.episodes == 0 {
            return Ok(None);
        }
        let how =
            Episodes { count: self.episodes, ways: self.ways, support: self.support, queries: self.queries };
        let several = |classes: &BTreeMap<u32, Vec<usize>>| -> Vec<Vec<usize>> {
            classes.values().filter(|own| own.len() > 1).cloned().collect()
        };
        let Some(path) = &self.base else {
            return embedder.train(ctx, &table.features, &several(support), how).map(Some);
        };
        let base = Dataset::open(path)?;
        base.needs_train("label")?;
        let [own, theirs] = [dataset.meta(), base.meta()];
        let fits = own.kind == theirs.kind
            && own.columns == theirs.columns
            && theirs.image.is_none_or(|image| space.takes(image.channels as usize));
        if !fits {
            return Err(Error::usage(format!("its samples are of another kind: --base {}", path.display())).hint(
                "name a dataset of pictures with as many channels, or a table with the same columns in the same order",
            ));
        }
        let of_base = Table::read(ctx, &base, space, |s| s.split == Split::Train && s.label.is_some())?;
        // Those that are here, too, would tell the labels that they are asked for.
        let own: BTreeSet<u128> = (0..table.len()).map(|row| row_hash(table.features.row(row))).collect();
        let is_own: Vec<bool> =
            (0..of_base.len()).map(|row| own.contains(&row_hash(of_base.features.row(row)))).collect();
        let both = is_own.iter().filter(|own| **own).count();
        if both > 0 {
            ctx.progress.warn(format!(
                "label: {both} samples of the base are in the dataset too, and are left out of it: {}",
                path.display()
            ));
        }
        let mut classes = several(&by_class(&of_base, |row| !is_own[row]));
        // Their own labels say most about the classes that are asked for.
        let (mut rows, mut next) = (of_base.features, of_base.ids.len());
        for own in several(support) {
            rows.data.extend(table.features.select(&own).data);
            classes.push((next..next + own.len()).collect());
            next += own.len();
        }
        embedder.train(ctx, &rows, &classes, how).map(Some)
    }

    /// The dataset with the labels, and their list.
    fn write(
        &self,
        ctx: &Ctx,
        (dataset, table): (&Dataset, &Table),
        (known, embeddings): (&Known, &Mat),
        learnt: Option<f64>,
        out: &Path,
    ) -> Result<Outcome> {
        let classes = &dataset.meta().classes;
        let name = |place: usize| classes[known.classes[place] as usize].as_str();
        let mut writer = DatasetWriter::create(out, dataset.meta().clone())?.pool(&ctx.pool);
        let (mut given, mut unsure) = (Vec::new(), 0u64);
        for (i, sample) in dataset.samples().enumerate() {
            let mut sample = sample?;
            if sample.label.is_none() && (self.all_splits || sample.split == Split::Train) {
                let (place, confidence, second) = known.tell(ctx, embeddings.row(i))?;
                if confidence >= self.confidence {
                    sample.label = Some(known.classes[place]);
                    let (label, second) = (name(place), second.map(name));
                    given.push(Given { id: &table.ids[i], label, confidence, second });
                } else {
                    unsure += 1;
                }
            }
            writer.push(sample)?;
        }
        let meta = writer.finish()?;
        write_lines(&out.join(LABELS_FILE), &given)?;
        let (told, asked) = Self::check_labels(ctx, table, known, embeddings)?;
        if asked == 0 {
            ctx.progress
                .note("label: no other labels to check with, in val or test; --shots K keeps some back");
        }
        Ok(Outcome::new(meta.counts.samples)
            .figure("labelled", given.len())
            .figure("left_unsure", unsure)
            .figure("labels_used", known.rows.iter().map(Vec::len).sum::<usize>())
            .figure("episodes_right", learnt.map_or(Value::Null, |share| json!(share)))
            .figure("checked", asked)
            .figure("checked_right", (asked > 0).then(|| told as f64 / asked as f64)))
    }

    /// Of how many labelled samples that were not used, as those of val and test are not, the label would have been right.
    fn check_labels(ctx: &Ctx, table: &Table, known: &Known, embeddings: &Mat) -> Result<(u64, u64)> {
        let (mut right, mut asked) = (0, 0);
        for (place, own) in known.rows.iter().enumerate() {
            let class = known.classes[place];
            let others = (0..table.len()).filter(|&row| table.labels[row] == Some(class));
            for row in others.filter(|row| own.binary_search(row).is_err()) {
                asked += 1;
                right += u64::from(known.tell(ctx, embeddings.row(row))?.0 == place);
            }
        }
        Ok((right, asked))
    }
}

#[cfg(test)]
mod tests;
