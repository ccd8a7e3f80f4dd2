//! What a report says, before it is a page: the content of `report.json`, from which the page is
//! drawn. Pictures are not in the JSON; the ids beside them are.

use crate::stages::augment::Effect;
use serde::Serialize;
use serde_json::{Map, Value};

/// The version of the layout of `report.json`.
pub const FORMAT: u32 = 1;

/// Everything in a report.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of seedbed that ran.
    pub version: String,
    /// The run's folder.
    pub folder: String,
    /// The run's name.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// When the run started, in seconds since 1970.
    pub started: u64,
    /// How long the stages took together, in seconds; cached ones count as on the day they ran.
    pub seconds: f64,
    /// Why the run failed, if it did.
    pub error: Option<String>,
    /// The headline figures.
    pub tiles: Vec<Tile>,
    /// The stages in the order of work.
    pub stages: Vec<StageRow>,
    /// Samples per class, as collected and as prepared.
    pub classes: Vec<ClassRow>,
    /// Pictures of samples as collected.
    pub before: Vec<Strip>,
    /// Pictures of samples as prepared.
    pub after: Vec<Strip>,
    /// What was removed, by method.
    pub removed: Vec<Removed>,
    /// Whether pruning only listed what it would have removed.
    pub dry_run: bool,
    /// Train samples whose content was in val or test, too.
    pub leaks: u64,
    /// Augmented copies beside their originals.
    pub augmented: Vec<Augmented>,
    /// What each operation makes of one picture, as a sheet.
    pub operations: Option<Picture>,
    /// What augmentation did to the data.
    pub effect: Option<Effect>,
    /// How training went.
    pub training: Option<Training>,
    /// Generated samples.
    pub generated: Vec<Strip>,
    /// How the generated samples were judged.
    pub scores: Vec<ScoreTable>,
    /// Scores that could not be had, and why.
    pub scores_left_out: Vec<String>,
    /// Faults planted on purpose and how many were found.
    pub planted: Option<Planted>,
    /// Samples that could not be used.
    pub set_aside: Vec<SetAside>,
    /// The recipe as it was run.
    pub recipe: String,
    /// The command that makes this run again.
    pub command: String,
}

/// One headline figure.
#[derive(Clone, Debug, Serialize)]
pub struct Tile {
    /// What it is.
    pub label: String,
    /// The figure, written for people.
    pub value: String,
    /// A few words below it.
    pub note: String,
}

/// One stage of the run.
#[derive(Clone, Debug, Serialize)]
pub struct StageRow {
    /// Its name.
    pub name: String,
    /// Its folder in the run folder.
    pub folder: String,
    /// Its key: the hash of its options, seed and input.
    pub key: String,
    /// Whether an earlier run's result was taken.
    pub cached: bool,
    /// Samples it wrote.
    pub samples: u64,
    /// Samples that it set aside.
    pub set_aside: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Its own figures.
    pub figures: Map<String, Value>,
}

/// The samples of one class (or of all, where there are no classes).
#[derive(Clone, Debug, Serialize)]
pub struct ClassRow {
    /// The class.
    pub name: String,
    /// Samples as collected.
    pub before: u64,
    /// Samples as prepared.
    pub after: u64,
    /// Of those prepared, samples that balancing or augmentation added.
    pub added: u64,
}

/// A row of pictures, or of table rows, of one class.
#[derive(Clone, Debug, Serialize)]
pub struct Strip {
    /// The class.
    pub class: String,
    /// The samples.
    pub pictures: Vec<Picture>,
}

/// One small picture.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Picture {
    /// The sample's id.
    pub id: String,
    /// The picture as a data URI; empty where it could not be made.
    #[serde(skip)]
    pub uri: String,
    /// Width in pixels of the picture in `uri`.
    #[serde(skip)]
    pub width: u32,
    /// Height in pixels of the picture in `uri`.
    #[serde(skip)]
    pub height: u32,
}

/// What one method removed.
#[derive(Clone, Debug, Serialize)]
pub struct Removed {
    /// The stage.
    pub stage: String,
    /// The method.
    pub method: String,
    /// How many samples.
    pub count: u64,
    /// The threshold it used, where there is one.
    pub threshold: Option<f64>,
    /// A few of them.
    pub examples: Vec<RemovedExample>,
}

/// One removed sample.
#[derive(Clone, Debug, Serialize)]
pub struct RemovedExample {
    /// It.
    pub picture: Picture,
    /// The sample kept in its place (for a duplicate).
    pub kept: Option<Picture>,
    /// Its class as labelled.
    pub class: Option<String>,
    /// The class that it looks like (for a suspected label).
    pub suggested: Option<String>,
    /// The score by which it was removed.
    pub score: Option<f64>,
}

/// An original and copies of it.
#[derive(Clone, Debug, Serialize)]
pub struct Augmented {
    /// The class.
    pub class: String,
    /// The sample that the copies were made from.
    pub original: Picture,
    /// The copies.
    pub copies: Vec<Picture>,
}

/// The course of training.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Training {
    /// What is drawn on one pair of axes each.
    pub charts: Vec<Chart>,
    /// The epoch whose weights were kept.
    pub best_epoch: Option<f64>,
    /// Epochs run.
    pub epochs: usize,
    /// Samples on the way, a row for each time.
    pub samples: Option<Picture>,
    /// What was warned of.
    pub warnings: Vec<String>,
}

/// Some curves over the epochs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Chart {
    /// What the curves show.
    pub title: String,
    /// The curves: name and (epoch, value) pairs.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
}

/// A table of scores in one feature space.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ScoreTable {
    /// The feature space and what else holds for the whole table.
    pub caption: String,
    /// What is compared, in columns; the first is named by the metrics' column.
    pub columns: Vec<ScoreColumn>,
    /// The metrics.
    pub rows: Vec<ScoreRow>,
}

/// One column of a [`ScoreTable`].
#[derive(Clone, Debug, Default, Serialize)]
pub struct ScoreColumn {
    /// What is compared with the reference.
    pub name: String,
    /// How many samples on each side.
    pub sizes: String,
}

/// One metric of a [`ScoreTable`].
#[derive(Clone, Debug, Default, Serialize)]
pub struct ScoreRow {
    /// Its name.
    pub metric: String,
    /// What it means and which way is good.
    pub meaning: String,
    /// Its value for each column.
    pub values: Vec<Option<f64>>,
}

/// Planted faults.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Planted {
    /// What was done to the data, in words.
    pub story: String,
    /// One row per kind of fault.
    pub rows: Vec<PlantedRow>,
}

/// One kind of planted fault.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PlantedRow {
    /// What was planted.
    pub kind: String,
    /// The stage that should find it.
    pub stage: String,
    /// The methods of that stage that look for it.
    pub methods: String,
    /// How many were planted.
    pub planted: u64,
    /// How many of them are gone, for whatever reason.
    pub found: u64,
    /// How many samples the methods named in all.
    pub flagged: Option<u64>,
    /// How many of those were planted.
    pub right: Option<u64>,
    /// The share of the named ones that were planted.
    pub precision: Option<f64>,
    /// The share of the planted ones that were named.
    pub recall: Option<f64>,
}

/// A sample that could not be used.
#[derive(Clone, Debug, Serialize)]
pub struct SetAside {
    /// Its file.
    pub source: String,
    /// Its row in the file, where there are rows.
    pub row: Option<u64>,
    /// What is wrong with it.
    pub reason: String,
}
