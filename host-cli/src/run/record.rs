//! `stage.json` and `run.json`: what was done, for programs and for the next run.

use crate::error::{Context, Error, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

/// The name of a stage's record in its folder.
pub const STAGE_FILE: &str = "stage.json";
/// The name of a run's record in its folder.
pub const RUN_FILE: &str = "run.json";
/// The version of both layouts.
pub const VERSION: u32 = 1;

/// What one stage did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// [`VERSION`].
    pub version: u32,
    /// The stage's name.
    pub stage: String,
    /// The hash of its name, options, seed and input; see [`super::key`].
    pub key: String,
    /// Its options.
    pub options: Value,
    /// The seed.
    pub seed: u64,
    /// Samples that it wrote.
    pub samples: u64,
    /// Samples that it set aside.
    pub set_aside: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether this run found it done already. False in `stage.json`.
    #[serde(default)]
    pub cached: bool,
    /// Its folder inside the run folder. Empty outside a run.
    #[serde(default)]
    pub folder: String,
    /// Its own figures.
    pub figures: Map<String, Value>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is at work, or was killed.
    #[default]
    Running,
    /// All stages are done.
    Done,
    /// A stage failed.
    Failed,
}

/// A run: its recipe and what its stages did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`VERSION`].
    pub version: u32,
    /// The version of seedbed.
    pub seedbed: String,
    /// The run's name.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// How it stands.
    pub status: Status,
    /// When it started, in seconds since 1970.
    pub started: u64,
    /// How long this run took, in seconds.
    pub seconds: f64,
    /// The command that makes it again.
    pub command: String,
    /// The text of the recipe.
    pub recipe: String,
    /// The stages done so far, in order.
    pub stages: Vec<StageRecord>,
}

impl RunRecord {
    /// The record of the stage of this name.
    pub fn stage(&self, name: &str) -> Option<&StageRecord> {
        self.stages.iter().find(|s| s.stage == name)
    }
}

/// Reads the record `file` of `folder`, if there is one of a version that we know.
///
/// # Errors
/// When it is there and cannot be read or understood.
pub fn load<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<Option<T>> {
    let path = folder.join(file);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(e).at(&path),
    };
    let record = serde_json::from_str(&text).map_err(|e| {
        Error::failed(format!("not a record of seedbed: {e}: {}", path.display()))
            .hint("remove the folder, or choose another with --out")
    })?;
    Ok(Some(record))
}

/// Writes the record `file` of `folder`, by a temporary name and a rename.
///
/// # Errors
/// When it cannot be written.
pub fn save<T: Serialize>(folder: &Path, file: &str, record: &T) -> Result<()> {
    let path = folder.join(file);
    let mut text = serde_json::to_string_pretty(record).at(&path)?;
    text.push('\n');
    let temporary = folder.join(format!(".{file}.partial"));
    fs::write(&temporary, text).at(&path)?;
    fs::rename(&temporary, &path).at(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_writing_and_reading() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load::<RunRecord>(dir.path(), RUN_FILE).unwrap(), None);
        let stage =
            StageRecord { stage: "prune".into(), samples: 3, seconds: 0.25, ..StageRecord::default() };
        let run = RunRecord { name: "n".into(), seed: u64::MAX, stages: vec![stage], ..RunRecord::default() };
        save(dir.path(), RUN_FILE, &run).unwrap();
        assert_eq!(load(dir.path(), RUN_FILE).unwrap(), Some(run.clone()));
        assert_eq!(run.stage("prune").unwrap().samples, 3);
        assert!(run.stage("train").is_none());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_record_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(RUN_FILE), "{").unwrap();
        let e = load::<RunRecord>(dir.path(), RUN_FILE).unwrap_err();
        assert!(e.message.contains("run.json") && e.hint.is_some(), "{e}");
    }
}
