//! A [`Report`] from a run folder: records, lists and a few passes over the datasets.

use super::lists;
use super::model::{ClassRow, FORMAT, Planted, Report, StageRow, Strip, Tile};
use super::number;
use super::pick::{Picked, Wanted, pick};
use super::picture::sheet;
use super::scores;
use super::words;
use crate::dataset::{Dataset, META_FILE};
use crate::error::{Context, Error, Result};
use crate::run::record::{DEMO_FILE, RUN_FILE, RunRecord, StageRecord, load};
use crate::stages::augment::{EFFECT_FILE, Effect, PREVIEW_FILE};
use crate::stages::generate;
use crate::stages::train::SAMPLES_FILE;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Samples per class in the pictures before and after.
const FEW: usize = 6;
/// Samples per class in the pictures of generated samples.
const MORE: usize = 14;
/// Stages that prepare the dataset, in order: the last one's is what the model is trained on.
const PREPARING: [&str; 5] = ["collect", "preprocess", "prune", "balance", "augment"];

/// The content of the report on the run in `folder`.
///
/// # Errors
/// When it is no run folder, or something in it cannot be read.
pub fn gather(folder: &Path) -> Result<Report> {
    let Some(run) = load::<RunRecord>(folder, RUN_FILE)? else {
        let seen =
            if folder.exists() { "not a run folder (it has no run.json)" } else { "no such run folder" };
        return Err(Error::usage(format!("{seen}: {}", folder.display()))
            .hint("make one with `seedbed run recipe.toml`"));
    };
    Gatherer { folder, run: &run }.report()
}

struct Gatherer<'a> {
    folder: &'a Path,
    run: &'a RunRecord,
}

impl Gatherer<'_> {
    fn path(&self, stage: &StageRecord) -> PathBuf {
        self.folder.join(&stage.folder)
    }

    /// The dataset that the stage wrote, if it wrote one.
    fn dataset(&self, stage: &str) -> Result<Option<Dataset>> {
        let Some(record) = self.run.stage(stage) else { return Ok(None) };
        let path = self.path(record);
        if path.join(META_FILE).is_file() { Dataset::open(&path).map(Some) } else { Ok(None) }
    }

    /// The dataset of the last of `stages` that wrote one.
    fn last_dataset(&self, stages: &[&str]) -> Result<Option<Dataset>> {
        for stage in stages.iter().rev() {
            if let Some(dataset) = self.dataset(stage)? {
                return Ok(Some(dataset));
            }
        }
        Ok(None)
    }

    fn list(&self, stage: &str, file: &str) -> Result<Vec<Value>> {
        self.run.stage(stage).map_or(Ok(Vec::new()), |s| lists::json_lines(&self.path(s).join(file)))
    }

    fn figure(&self, stage: &str, names: &[&str]) -> Option<f64> {
        let figures = &self.run.stage(stage)?.figures;
        names.iter().find_map(|name| figures.get(*name)?.as_f64())
    }

    fn report(&self) -> Result<Report> {
        let run = self.run;
        let mut report = Report {
            format: FORMAT,
            version: run.seedbed.clone(),
            folder: self.folder.display().to_string(),
            name: run.name.clone(),
            seed: run.seed,
            started: run.started,
            error: run.error.clone(),
            seconds: run.stages.iter().map(|s| s.seconds).sum(),
            stages: run.stages.iter().map(row).collect(),
            recipe: run.recipe.clone(),
            command: run.command.clone(),
            ..Report::default()
        };
        let prune = run.stage("prune").map(|s| &s.figures);
        report.dry_run = prune.and_then(|f| f.get("dry_run")?.as_bool()).unwrap_or(false);
        report.leaks = self.figure("prune", &["leaks"]).unwrap_or(0.0) as u64;
        report.set_aside = lists::set_aside(&self.list("collect", "set_aside.jsonl")?);
        let best = self.figure("train", &["best_epoch"]);
        report.training = lists::training(&self.list("train", "history.jsonl")?, best);
        if let (Some(training), Some(stage)) = (&mut report.training, run.stage("train")) {
            training.samples = sheet(&self.path(stage).join(SAMPLES_FILE));
            let warnings = stage.figures.get("warnings").and_then(Value::as_array);
            training.warnings =
                warnings.into_iter().flatten().filter_map(|w| Some(w.as_str()?.to_owned())).collect();
        }
        report.planted = self.planted()?;
        if let Some(evaluate) = run.stage("evaluate") {
            report.scores = scores::tables(&evaluate.figures);
            report.scores_left_out = scores::left_out(&evaluate.figures);
        }
        if let Some(stage) = run.stage("augment") {
            report.effect = Effect::read(&self.path(stage).join(EFFECT_FILE))?;
        }
        self.samples(&mut report)?;
        report.tiles = self.tiles(&report)?;
        Ok(report)
    }

    /// Everything that needs the samples themselves: one pass over each dataset that is shown.
    fn samples(&self, report: &mut Report) -> Result<()> {
        let Some(before) = self.dataset("collect")? else { return Ok(()) };
        let few = Wanted { per_class: FEW, ..Wanted::default() };
        report.before = pick(&before, &few)?.strips;
        let after = self.last_dataset(&PREPARING)?;
        let shown_after = after.as_ref().filter(|a| a.folder() != before.folder());
        let prepared = match shown_after {
            Some(after) => pick(after, &Wanted { copies: true, ..few })?,
            None => Picked::default(),
        };
        report.after.clone_from(&prepared.strips);
        report.classes = classes(&before, after.as_ref(), &prepared.added);

        let dropped = self.list("prune", "dropped.jsonl")?;
        let methods = lists::by_method(&dropped);
        let mut ids: std::collections::BTreeSet<String> =
            methods.values().flat_map(|(_, rows)| rows.iter().flat_map(|row| lists::ids(row))).collect();
        ids.extend(prepared.copies.iter().map(|c| c.0.clone()));
        if !ids.is_empty()
            && let Some(originals) = self.last_dataset(&["collect", "preprocess"])?
        {
            let found = pick(&originals, &Wanted { ids, ..Wanted::default() })?;
            report.removed = lists::removed("prune", &methods, &found);
            report.augmented = prepared.augmented(&found.by_id);
        }
        report.operations =
            self.run.stage("augment").and_then(|stage| sheet(&self.path(stage).join(PREVIEW_FILE)));
        if let Some(generated) = self.dataset("generate")? {
            report.generated = self.generated(&generated)?;
        }
        Ok(())
    }

    /// Strips of generated samples; one long strip where they have no class.
    fn generated(&self, dataset: &Dataset) -> Result<Vec<Strip>> {
        let classes = dataset.meta().counts.per_class.iter().filter(|n| **n > 0).count();
        let per_class = if classes > 1 { MORE } else { MORE * 5 };
        // They may have been added to a dataset of others.
        let wanted = Wanted { per_class, made_by: Some(generate::STEP), ..Wanted::default() };
        let mut strips = pick(dataset, &wanted)?.strips;
        if let [only] = strips.as_mut_slice() {
            only.class = String::new();
        }
        Ok(strips)
    }

    fn planted(&self) -> Result<Option<Planted>> {
        let path = self.folder.join(DEMO_FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).at(&path)?;
        let value: Value = serde_json::from_str(&text).at(&path)?;
        Ok(lists::planted(&value))
    }

    fn tiles(&self, report: &Report) -> Result<Vec<Tile>> {
        let run = self.run;
        let tile = |label: &str, value: String, note: String| Tile { label: label.into(), value, note };
        let mut tiles = Vec::new();
        if let Some(collect) = run.stage("collect") {
            let note = match collect.set_aside {
                0 => "none set aside".into(),
                n => format!("{} set aside", number::count(n)),
            };
            tiles.push(tile("Samples in", number::count(collect.samples), note));
            let dropped: u64 = report.removed.iter().map(|r| r.count).sum();
            if run.stage("prune").is_some() {
                let share = number::percent(dropped as f64 / collect.samples.max(1) as f64);
                let label = if report.dry_run { "Would be removed" } else { "Removed" };
                tiles.push(tile(label, number::count(dropped), format!("{share} of those collected")));
            }
        }
        let added: u64 = report.classes.iter().map(|c| c.added).sum();
        if added > 0 {
            tiles.push(tile("Added", number::count(added), "by balancing and augmentation".into()));
        }
        if let Some(after) = self.last_dataset(&PREPARING)? {
            let counts = &after.meta().counts;
            let note = format!("{} val, {} test", number::count(counts.val), number::count(counts.test));
            tiles.push(tile("To train on", number::count(counts.train), note));
        }
        if let Some(generate) = run.stage("generate") {
            let rejected = self.figure("generate", &["rejected"]);
            let note = rejected.map_or_else(String::new, |n| format!("{} rejected", number::value(n)));
            let generated = self.figure("generate", &["generated"]).unwrap_or(generate.samples as f64);
            tiles.push(tile("Generated", number::value(generated), note));
        }
        tiles.extend(scores::tiles(&report.scores));
        Ok(tiles)
    }
}

fn row(stage: &StageRecord) -> StageRow {
    StageRow {
        name: stage.stage.clone(),
        folder: stage.folder.clone(),
        key: stage.key.clone(),
        cached: stage.cached,
        samples: stage.samples,
        set_aside: stage.set_aside,
        seconds: stage.seconds,
        figures: stage.figures.clone(),
    }
}

/// Counts per class before and after, in the order of the classes before; classes that one of the
/// two lacks count 0 there.
fn classes(before: &Dataset, after: Option<&Dataset>, added: &[u64]) -> Vec<ClassRow> {
    let counts = |dataset: &Dataset| {
        let meta = dataset.meta();
        if meta.classes.is_empty() {
            return vec![(words::ALL.to_owned(), meta.counts.samples)];
        }
        meta.classes.iter().cloned().zip(meta.counts.per_class.iter().copied()).collect()
    };
    let first = counts(before);
    let last = after.map(counts).unwrap_or_else(|| first.clone());
    let later: BTreeMap<&str, (u64, u64)> = last
        .iter()
        .enumerate()
        .map(|(i, (name, n))| (name.as_str(), (*n, added.get(i).copied().unwrap_or(0))))
        .collect();
    let mut rows: Vec<ClassRow> = first
        .iter()
        .map(|(name, before)| {
            let (after, added) = later.get(name.as_str()).copied().unwrap_or_default();
            ClassRow { name: name.clone(), before: *before, after, added }
        })
        .collect();
    let known: std::collections::BTreeSet<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    for (name, after) in last.iter().filter(|(name, _)| !known.contains(name.as_str())) {
        rows.push(ClassRow { name: name.clone(), before: 0, after: *after, added: 0 });
    }
    rows
}
