//! Which samples are repeated, dropped or mixed, and the making of the new ones.

use super::{BalanceOptions, Method};
use crate::codec::Pixels;
use crate::dataset::{Content, Dataset, Feature, Kind, Origin, Sample, Split, derived_id, feature};
use crate::error::{Error, Result};
use crate::features::{Mat, Projection, Space, Table, neighbours};
use crate::stages::Ctx;
use crate::stages::augment::{AugmentOptions, Augmenter};
use seedbed::Level;
use seedbed::balance::{
    PURPOSE, Synthetic, mix_rows, oversample, smote, undersample, undersample_scratch_len,
};
use seedbed::linalg::{Exclude, Neighbour};
use seedbed::rng::{Key, id_hash};
use seedbed::scratch::ScratchBuf;
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// Values up to which neighbours for SMOTE are sought on all of them.
const ALL_VALUES: usize = 64;
/// Principal components in which they are sought otherwise.
const COMPONENTS: usize = 32;

/// One mixture: its number within the class, the rows of the two samples, the part of the other.
#[derive(Clone, Copy, Debug)]
struct Mixture {
    number: u32,
    base: u32,
    other: u32,
    gap: f32,
}

/// What happens to each sample of the train split.
#[derive(Debug, Default)]
pub struct Copies {
    /// How often a sample is repeated, by id.
    repeated: HashMap<String, u32>,
    /// The samples that are dropped.
    dropped: HashSet<String>,
    /// The mixtures whose base is the sample.
    mixed: HashMap<String, Vec<Mixture>>,
    /// The ids of the samples that are mixed, and their values.
    ids: Vec<String>,
    raw: Mat,
    /// Of a table with categories: the row of each whose categories are those that most of its neighbours have.
    voted: Mat,
    features: Vec<Feature>,
}

impl Copies {
    /// Repetitions that bring each class to its target.
    pub fn repeat(ctx: &Ctx, members: &[Vec<String>], targets: &[u32]) -> Result<Self> {
        let mut copies = Self::default();
        for (class, (ids, &target)) in (0u32..).zip(members.iter().zip(targets)) {
            let mut drawn = vec![0; (target as usize).saturating_sub(ids.len())];
            oversample(ctx.seed, class, ids.len(), &mut drawn)?;
            for i in drawn {
                *copies.repeated.entry(ids[i as usize].clone()).or_default() += 1;
            }
        }
        Ok(copies)
    }

    /// Drops what is above the targets.
    pub fn keep(ctx: &Ctx, members: &[Vec<String>], targets: &[u32]) -> Result<Self> {
        let mut copies = Self::default();
        for (ids, &target) in members.iter().zip(targets) {
            let hashes: Vec<u64> = ids.iter().map(|id| id_hash(id.as_bytes())).collect();
            let mut kept = vec![0; ids.len().min(target as usize)];
            let mut scratch = ScratchBuf::new();
            undersample(
                ctx.seed,
                &hashes,
                &mut kept,
                &mut scratch.arena(undersample_scratch_len(ids.len())),
            )?;
            let kept: HashSet<u32> = kept.into_iter().collect();
            let dropped = (0u32..).zip(ids).filter(|(i, _)| !kept.contains(i));
            copies.dropped.extend(dropped.map(|(_, id)| id.clone()));
        }
        Ok(copies)
    }

    /// Mixtures that bring each class to its target.
    pub fn mix(
        ctx: &Ctx,
        dataset: &Dataset,
        members: &[Vec<String>],
        targets: &[u32],
        k: usize,
    ) -> Result<Self> {
        let space = Space::of(dataset)?;
        let small = |label: u32| (members[label as usize].len() as u32) < targets[label as usize];
        let wanted = |s: &Sample| s.split == Split::Train && s.label.is_some_and(small);
        let table = Table::read(ctx, dataset, &space, wanted)?;
        let features = if space.cols() > ALL_VALUES && table.len() > 1 {
            Projection::fit(ctx, &table.features, COMPONENTS)?.project(ctx, &table.features)?
        } else {
            table.features.clone()
        };
        let raw = raw_rows(dataset, &table, wanted)?;
        let mut copies =
            Self { voted: raw.clone(), raw, features: dataset.meta().features.clone(), ..Self::default() };
        for (class, &target) in (0u32..).zip(targets) {
            let rows: Vec<usize> = (0..table.len()).filter(|&i| table.labels[i] == Some(class)).collect();
            if rows.is_empty() {
                continue;
            }
            let own = features.select(&rows);
            let near = neighbours(ctx, &own, &own, Exclude::Itself, k)?;
            let mut made = vec![Synthetic::default(); (target as usize).saturating_sub(rows.len())];
            smote(ctx.seed, class, &near, k, &mut made)?;
            copies.vote(&rows, &near, k);
            for (number, s) in (0u32..).zip(made) {
                let (base, other) = (rows[s.base as usize], rows[s.other as usize]);
                let mixture = Mixture { number, base: base as u32, other: other as u32, gap: s.gap };
                copies.mixed.entry(table.ids[base].clone()).or_default().push(mixture);
            }
        }
        copies.ids = table.ids;
        Ok(copies)
    }

    /// Gives each of the `rows` of a class the categories that most of its `k` neighbours have; where several are as
    /// frequent, its own if it is among them, else the first.
    fn vote(&mut self, rows: &[usize], near: &[Neighbour], k: usize) {
        for (&row, list) in rows.iter().zip(near.chunks_exact(k)) {
            for group in feature::groups(&self.features) {
                let mut votes = vec![0.0f32; group.len()];
                for n in list.iter().filter(|n| n.exists()) {
                    let other = &self.raw.row(rows[n.at()])[group.clone()];
                    votes.iter_mut().zip(other).filter(|(_, v)| !v.is_nan()).for_each(|(vote, v)| *vote += v);
                }
                let own = &self.raw.row(row)[group.clone()];
                // Votes are whole numbers: half of one decides between equals.
                votes.iter_mut().zip(own).filter(|(_, v)| !v.is_nan()).for_each(|(vote, v)| *vote += 0.5 * v);
                if votes.iter().any(|vote| *vote > 0.0) {
                    let at = row * self.voted.cols;
                    self.voted.data[at + group.start..at + group.end].copy_from_slice(&votes);
                }
            }
        }
    }

    /// The mixture in the columns' own units: numbers between the two, categories as [`vote`](Self::vote) chose them.
    fn mixed(&self, level: Level, mixture: Mixture) -> Vec<f32> {
        let base = mixture.base as usize;
        let mut values = mixed(level, self.raw.row(base), self.raw.row(mixture.other as usize), mixture.gap);
        for group in feature::groups(&self.features) {
            values[group.clone()].copy_from_slice(&self.voted.row(base)[group]);
        }
        feature::snap(&self.features, &mut values);
        values
    }

    /// How many samples are made of this one; `None` where it is dropped.
    pub fn number(&self, sample: &Sample) -> Option<u32> {
        if sample.split != Split::Train || sample.label.is_none() {
            return Some(0);
        }
        if self.dropped.contains(&sample.id) {
            return None;
        }
        let mixed = self.mixed.get(&sample.id).map_or(0, Vec::len) as u32;
        Some(mixed + self.repeated.get(&sample.id).copied().unwrap_or(0))
    }
}

/// The values that are mixed: of pictures the pixels, of tables the columns in their own units (neighbours are
/// sought among standardised ones).
fn raw_rows(dataset: &Dataset, table: &Table, wanted: impl Fn(&Sample) -> bool) -> Result<Mat> {
    if dataset.meta().kind == Kind::Images {
        if dataset.meta().image.is_none() {
            return Err(Error::usage(
                "pictures of several sizes cannot be mixed: --method (recipe key `method`)",
            )
            .hint("give them one size with `preprocess` first"));
        }
        return Ok(table.features.clone());
    }
    let cols = dataset.meta().columns.len();
    let mut raw = Mat { data: Vec::with_capacity(table.len() * cols), cols };
    for sample in dataset.samples() {
        let sample = sample?;
        if wanted(&sample) {
            raw.data.extend_from_slice(sample.row());
        }
    }
    Ok(raw)
}

/// Between two rows; a value that one of them lacks is that of the base, missing or not.
fn mixed(level: Level, base: &[f32], other: &[f32], gap: f32) -> Vec<f32> {
    let mut out = vec![0.0; base.len()];
    mix_rows(level, base, other, gap, &mut out);
    for (o, &b) in out.iter_mut().zip(base) {
        if !o.is_finite() {
            *o = b;
        }
    }
    out
}

/// Makes what becomes of each sample; shared by all threads.
pub struct Maker<'a> {
    copies: &'a Copies,
    augmenter: Option<Augmenter>,
    space: Option<Space>,
    level: Level,
    seed: u64,
}

impl<'a> Maker<'a> {
    /// For the options' method.
    pub fn new(ctx: &Ctx, options: &BalanceOptions, dataset: &Dataset, copies: &'a Copies) -> Result<Self> {
        let augmenter = (options.method == Method::Augment).then(|| {
            let usual = AugmentOptions::default().ops;
            let ops = if options.ops.is_empty() { &usual } else { &options.ops };
            Augmenter::new(ctx, "balance", PURPOSE, ops, true)
        });
        let pictures = options.method == Method::Smote && dataset.meta().kind == Kind::Images;
        Ok(Self {
            copies,
            augmenter: augmenter.transpose()?,
            space: pictures.then(|| Space::of(dataset)).transpose()?,
            level: ctx.level,
            seed: ctx.seed,
        })
    }

    /// What is made of the sample as number `n`, from 1.
    pub fn make(&self, sample: &Sample, n: u32) -> Result<Sample> {
        let mixtures = self.copies.mixed.get(&sample.id);
        match (mixtures.and_then(|list| list.get(n as usize - 1)), &self.augmenter) {
            (Some(mixture), _) => self.mixture(sample, *mixture, n),
            (None, Some(augmenter)) => augmenter.copy(&mut ScratchBuf::new(), sample, &sample.pixels()?, n),
            (None, None) => Ok(self.copy(sample, n)),
        }
    }

    fn copy(&self, sample: &Sample, n: u32) -> Sample {
        let origin = Origin {
            source: sample.id.clone(),
            step: "oversample".to_owned(),
            params: json!({ "copy": n }).into(),
            seed: self.seed,
            key: Key::new(PURPOSE).epoch(sample.label.unwrap_or(0)),
        };
        Sample { id: derived_id(&sample.id, "over", n), origin: Some(origin), ..sample.clone() }
    }

    fn mixture(&self, sample: &Sample, mixture: Mixture, n: u32) -> Result<Sample> {
        let other = mixture.other as usize;
        let values = self.copies.mixed(self.level, mixture);
        let content = match &self.space {
            Some(space) => {
                let pixels: Option<Pixels> = space.pixels(&values).transpose()?;
                sample.content.around(pixels.ok_or_else(|| Error::failed("a row is no picture"))?)
            }
            None => Content::from_row(values),
        };
        let key = Key::new(PURPOSE).epoch(sample.label.unwrap_or(0)).sample(u64::from(mixture.number)).op(2);
        let origin = Origin {
            source: sample.id.clone(),
            step: "smote".to_owned(),
            params: json!({ "other": self.copies.ids[other], "gap": mixture.gap }).into(),
            seed: self.seed,
            key,
        };
        let id = derived_id(&sample.id, "smote", n);
        Ok(Sample { id, content, origin: Some(origin), ..sample.clone() })
    }
}
