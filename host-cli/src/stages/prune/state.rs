//! What pruning knows of each sample, and what it decided.

use super::PruneOptions;
use crate::dataset::{Dataset, Split};
use crate::error::Result;
use crate::features::{Mat, Projection, Space, Table, canonical};
use crate::stages::Ctx;
use seedbed::prune::content_hash;
use seedbed::quality::{Issue, Limits, Quality};
use seedbed::scratch::ScratchBuf;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Values up to which distances are measured on all of them.
const ALL_VALUES: usize = 64;
/// Samples in memory at a time, for each thread.
const BATCH: usize = 128;

/// Why a sample is dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The method.
    pub method: &'static str,
    /// Its score.
    pub score: f64,
    /// What the score was compared with.
    pub threshold: f64,
    /// The sample kept in its place.
    pub kept: Option<usize>,
    /// The class that the label should be.
    pub suggested: Option<u32>,
}

impl Verdict {
    /// A verdict by a score alone.
    pub fn new(method: &'static str, score: f64, threshold: f64) -> Self {
        Self { method, score, threshold, kept: None, suggested: None }
    }

    /// The same with the sample kept in its place.
    pub fn kept(self, kept: usize) -> Self {
        Self { kept: Some(kept), ..self }
    }
}

/// All samples in the order of the dataset, and the verdicts so far.
pub struct State {
    /// The ids, ascending.
    pub ids: Vec<String>,
    /// The labels.
    pub labels: Vec<Option<u32>>,
    /// The splits.
    pub splits: Vec<Split>,
    /// Hash of the decoded content of each, of a row with its label.
    pub hashes: Vec<u128>,
    /// What the features are, for people.
    pub space: String,
    /// The values of each sample: pixels or standardised columns.
    pub values: Mat,
    /// What distances are measured in: the values, or principal components of them.
    pub features: Mat,
    /// How values became features.
    pub projection: Option<Projection>,
    /// The shape of the pictures in `values`; `None` for a table.
    pub shape: Option<(usize, usize, usize)>,
    /// The thresholds that were found, for the figures.
    pub thresholds: Map<String, Value>,
    quality: Vec<Option<(Issue, f32, f32)>>,
    verdicts: BTreeMap<usize, Verdict>,
    leaks: BTreeMap<usize, Verdict>,
    all_splits: bool,
}

impl State {
    /// Reads the dataset once.
    pub fn read(ctx: &Ctx, options: &PruneOptions, dataset: &Dataset) -> Result<Self> {
        let space = Space::of(dataset)?;
        let shape = match &space {
            Space::Pixels(s) => Some((s.height as usize, s.width as usize, s.channels as usize)),
            Space::Columns { .. } | Space::Given(_) => None,
        };
        let limits = Limits {
            blank: options.blank,
            blurry: options.blurry,
            low_information: options.low_information,
            noise: options.noise,
            dark: 0.0,
            light: 0.0,
            odd_aspect_ratio: 0.0,
        };
        let mut table = Table { features: Mat { data: Vec::new(), cols: space.cols() }, ..Table::default() };
        let (mut hashes, mut quality) = (Vec::new(), Vec::new());
        let task = ctx.progress.start("prune: read", Some(dataset.len()));
        ctx.pool.stream(
            dataset.samples(),
            BATCH * ctx.pool.threads(),
            |sample| {
                let (row, hash, issue) = match space {
                    Space::Pixels(_) => {
                        let pixels = sample.pixels()?;
                        let fitted = space.fit(ctx.level, &pixels)?;
                        let row = fitted.iter().map(|&v| f32::from(v) / 255.0).collect();
                        let issue = if options.quality { issue(ctx, &pixels, &limits)? } else { None };
                        (row, content_hash(&pixels.shape(), &pixels.data), issue)
                    }
                    Space::Columns { .. } | Space::Given(_) => {
                        let row = sample.row();
                        let bytes: Vec<u8> = row.iter().flat_map(|v| canonical(*v).to_le_bytes()).collect();
                        let label = sample.label.map_or(0, |l| l as usize + 1);
                        (space.row(ctx.level, &sample)?, content_hash(&[row.len(), label], &bytes), None)
                    }
                };
                Ok((sample, row, hash, issue))
            },
            |(sample, row, hash, issue)| {
                task.inc(1);
                table.ids.push(sample.id);
                table.labels.push(sample.label);
                table.splits.push(sample.split);
                table.features.data.extend(row);
                hashes.push(hash);
                quality.push(issue);
                Ok(())
            },
        )?;
        let values = table.features;
        let project = values.cols > ALL_VALUES && values.rows() > 1;
        let fit = || {
            let judged = |&i: &usize| options.all_splits || table.splits[i] == Split::Train;
            let rows: Vec<usize> = (0..values.rows()).filter(judged).collect();
            let of_all = rows.len() < 2 || rows.len() == values.rows();
            let chosen = if of_all { &values } else { &values.select(&rows) };
            Projection::fit(ctx, chosen, options.components)
        };
        let projection = project.then(fit).transpose()?;
        let (features, name) = match &projection {
            Some(p) => (p.project(ctx, &values)?, format!("{} components of {}", p.dims(), space.name())),
            None => (values.clone(), space.name()),
        };
        Ok(Self {
            ids: table.ids,
            labels: table.labels,
            splits: table.splits,
            hashes,
            space: name,
            values,
            features,
            projection,
            shape,
            thresholds: Map::new(),
            quality,
            verdicts: BTreeMap::new(),
            leaks: BTreeMap::new(),
            all_splits: options.all_splits,
        })
    }

    /// Whether the sample may be dropped at all and was not yet.
    pub fn judged(&self, i: usize) -> bool {
        !self.verdicts.contains_key(&i) && (self.all_splits || self.splits[i] == Split::Train)
    }

    /// The samples left that may be dropped, in their order.
    pub fn judged_left(&self) -> Vec<usize> {
        (0..self.ids.len()).filter(|&i| self.judged(i)).collect()
    }

    /// The samples that are left, in their order.
    pub fn left(&self) -> Vec<usize> {
        (0..self.ids.len()).filter(|i| !self.verdicts.contains_key(i)).collect()
    }

    /// Drops a sample, unless it was dropped before or is not to be judged.
    pub fn drop(&mut self, i: usize, verdict: Verdict) {
        if self.judged(i) {
            self.verdicts.insert(i, verdict);
        }
    }

    /// Notes that a train sample is in val or test too.
    pub fn leak(&mut self, i: usize, verdict: Verdict) {
        self.leaks.entry(i).or_insert(verdict);
    }

    /// The verdict on a sample.
    pub fn verdict(&self, i: usize) -> Option<&Verdict> {
        self.verdicts.get(&i)
    }

    /// The verdicts in the order of the samples.
    pub fn verdicts(&self) -> impl Iterator<Item = (usize, &Verdict)> {
        self.verdicts.iter().map(|(&i, v)| (i, v))
    }

    /// The leaks in the order of the samples.
    pub fn leaks(&self) -> impl Iterator<Item = (usize, &Verdict)> {
        self.leaks.iter().map(|(&i, v)| (i, v))
    }

    /// Drops the pictures that failed a check of quality.
    pub fn drop_low_quality(&mut self) {
        for i in 0..self.ids.len() {
            if let Some((issue, score, limit)) = self.quality[i] {
                let method = match issue {
                    Issue::Blank => "quality_blank",
                    Issue::Blurry => "quality_blurry",
                    Issue::Noise => "quality_noise",
                    _ => "quality_low_information",
                };
                self.drop(i, Verdict::new(method, f64::from(score), f64::from(limit)));
            }
        }
    }

    /// The rank by which one of several equal samples is kept: test before val before train, then the lowest id.
    pub fn rank(&self, i: usize) -> (std::cmp::Reverse<Split>, usize) {
        (std::cmp::Reverse(self.splits[i]), i)
    }
}

/// The first check that a picture fails, with what it measured and the limit.
fn issue(ctx: &Ctx, pixels: &crate::codec::Pixels, limits: &Limits) -> Result<Option<(Issue, f32, f32)>> {
    let view = pixels.view()?;
    let mut scratch = ScratchBuf::new();
    let q = Quality::measure(ctx.level, view, &mut scratch.arena(Quality::scratch_len(view.shape())))?;
    let failed = q.flagged(limits).next();
    Ok(failed.map(|issue| match issue {
        Issue::Blank => (issue, q.contrast, limits.blank),
        Issue::Blurry => (issue, q.sharpness, limits.blurry),
        Issue::Noise => (issue, q.correlation.abs(), limits.noise),
        _ => (issue, q.entropy, limits.low_information),
    }))
}
