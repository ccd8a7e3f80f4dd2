//! What two datasets, or two runs stage by stage, differ in.

use super::record::{RUN_FILE, RunRecord, STAGE_FILE, StageRecord, load};
use super::status::load_run;
use crate::dataset::{Dataset, Difference, Item, META_FILE, diff as diff_datasets, id_from_bytes};
use crate::error::{Context, Error, Result};
use crate::report::json_lines;
use crate::stages::collect::SET_ASIDE_FILE;
use crate::stages::prune::DROPPED_FILE;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// One stage in two runs; or two datasets, as the only one.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StageDiff {
    /// The stage, or empty.
    pub stage: String,
    /// Whether it is `equal`, `different`, or `dropped` or `added` as a whole.
    pub verdict: &'static str,
    /// Options and seed that changed: `name: value → value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Files that differ, beside those of the samples.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// What the samples differ in, where both have some and their hashes are not equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Difference>,
}

impl StageDiff {
    /// Whether there is no difference.
    pub fn is_equal(&self) -> bool {
        self.verdict == "equal"
    }

    fn judged(self) -> Self {
        let equal = self.options.is_empty()
            && self.files.is_empty()
            && self.data.as_ref().is_none_or(Difference::is_empty);
        Self { verdict: if equal { "equal" } else { "different" }, ..self }
    }
}

/// Holds two datasets (or folders of stages with samples), or two runs stage by stage, against each other; lists at
/// most `most` samples of each kind of difference. In runs, samples whose recorded hashes are equal are not read.
///
/// # Errors
/// When a folder is neither, they are of two kinds, or one is damaged.
pub fn diff(a: &Path, b: &Path, most: usize) -> Result<Vec<StageDiff>> {
    let is_run = |path: &Path| path.join(RUN_FILE).is_file();
    for path in [a, b] {
        std::fs::metadata(path).at(path)?;
        if !is_run(path) && !path.join(META_FILE).is_file() {
            return Err(Error::usage(format!("neither a dataset nor a run: {}", path.display()))
                .hint("name a folder that holds dataset.json or run.json"));
        }
    }
    match (is_run(a), is_run(b)) {
        (true, true) => runs(a, b, most),
        (false, false) => {
            let mut data = diff_datasets(&Dataset::open(a)?, &Dataset::open(b)?, most)?;
            let (of_a, of_b) = (Reasons::of(a)?, Reasons::of(b)?);
            explain(&mut data, &of_a, &of_b);
            Ok(vec![StageDiff { data: Some(data), ..StageDiff::default() }.judged()])
        }
        _ => {
            Err(Error::usage(format!("one is a run, the other a dataset: {}, {}", a.display(), b.display()))
                .hint("name two runs, or two folders of stages"))
        }
    }
}

fn runs(a: &Path, b: &Path, most: usize) -> Result<Vec<StageDiff>> {
    let (of_a, of_b) = (load_run(a)?, load_run(b)?);
    let folder = |root: &Path, run: &RunRecord, stage: &str| run.stage(stage).map(|s| root.join(&s.folder));
    let mut stages: Vec<&StageRecord> = of_a.stages.iter().collect();
    stages.extend(of_b.stages.iter().filter(|s| of_a.stage(&s.stage).is_none()));
    stages.sort_by_key(|s| &s.folder);
    let mut reasons = (Reasons::default(), Reasons::default());
    let mut found = Vec::new();
    for stage in stages {
        let name = stage.stage.as_str();
        let folders = (folder(a, &of_a, name), folder(b, &of_b, name));
        if let Some(folder) = &folders.0 {
            reasons.0.read(folder)?;
        }
        if let Some(folder) = &folders.1 {
            reasons.1.read(folder)?;
        }
        let mut one = match folders {
            (Some(x), Some(y)) => both(&x, &y, most)?,
            (Some(_), None) => StageDiff { verdict: "dropped", ..StageDiff::default() },
            _ => StageDiff { verdict: "added", ..StageDiff::default() },
        };
        one.stage = name.to_owned();
        if let Some(data) = &mut one.data {
            explain(data, &reasons.0, &reasons.1);
        }
        found.push(one);
    }
    Ok(found)
}

/// A stage that is in both runs.
fn both(a: &Path, b: &Path, most: usize) -> Result<StageDiff> {
    let record = |folder: &Path| -> Result<StageRecord> {
        load(folder, STAGE_FILE)?.ok_or_else(|| {
            Error::failed(format!("no result of the stage: {}", folder.display())).hint("run it again")
        })
    };
    let (of_a, of_b) = (record(a)?, record(b)?);
    let options = of_a.changes(&of_b.options, of_b.seed);
    let (in_a, in_b) = (of_a.files.unwrap_or_default(), of_b.files.unwrap_or_default());
    let changed = in_a.iter().filter(|file| in_b.get(&file.name) != Some(file));
    let added = in_b.iter().filter(|file| in_a.get(&file.name).is_none());
    let mut files: Vec<String> = changed.chain(added).map(|file| file.name.to_string()).collect();
    let mut data = None;
    if a.join(META_FILE).is_file() && b.join(META_FILE).is_file() {
        let (x, y) = (Dataset::open(a)?, Dataset::open(b)?);
        // Shards and what is written about them differ as the samples do, which are told one by one.
        let about = |name: &str| ["dataset.json", "README.md", "croissant.json"].contains(&name);
        let shard = |name: &str| x.meta().shards.iter().chain(&y.meta().shards).any(|s| s.file == name);
        files.retain(|name| !about(name) && !shard(name));
        let (hash, other) = (&x.meta().content_hash, &y.meta().content_hash);
        if hash != other || hash.is_empty() {
            data = Some(diff_datasets(&x, &y, most)?);
        }
    }
    Ok(StageDiff { options, files, data, ..StageDiff::default() }.judged())
}

/// Why samples are not there, by their ids: what the stages of a run listed.
#[derive(Default)]
struct Reasons(HashMap<String, String>);

impl Reasons {
    /// Of one folder alone.
    fn of(folder: &Path) -> Result<Self> {
        let mut reasons = Self::default();
        reasons.read(folder)?;
        Ok(reasons)
    }

    /// The lists of one more stage.
    fn read(&mut self, folder: &Path) -> Result<()> {
        let text = |row: &Value, key: &str| row[key].as_str().map(str::to_owned);
        for row in json_lines::<Value>(&folder.join(DROPPED_FILE))? {
            let (Some(id), Some(method)) = (text(&row, "id"), text(&row, "method")) else { continue };
            let stage = text(&row, "stage").unwrap_or_default();
            let kept = text(&row, "kept").map_or_else(String::new, |kept| format!(" of {kept}"));
            self.0.insert(id, format!("{stage}: {method}{kept}"));
        }
        for row in json_lines::<Value>(&folder.join(SET_ASIDE_FILE))? {
            let (Some(file), Some(reason)) = (text(&row, "file"), text(&row, "reason")) else { continue };
            if let Some(id) = text(&row, "id") {
                self.0.insert(id, format!("set aside: {reason}"));
                continue;
            }
            // The ids of pictures are the names of their files, without what a picture's name ends in.
            let bare = PathBuf::from(&file).with_extension("");
            for name in [file.as_bytes(), bare.as_os_str().as_encoded_bytes()] {
                self.0.insert(id_from_bytes(name), format!("set aside: {reason}"));
            }
        }
        Ok(())
    }
}

/// Tells why samples of one are not in the other, as the other's lists have it.
fn explain(found: &mut Difference, of_a: &Reasons, of_b: &Reasons) {
    let tell = |items: &mut Vec<Item>, reasons: &Reasons| {
        items.iter_mut().for_each(|item| item.reason = reasons.0.get(&item.id).cloned());
    };
    tell(&mut found.dropped.first, of_b);
    tell(&mut found.added.first, of_a);
}
