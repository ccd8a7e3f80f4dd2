//! `stage.json` and `run.json`: what was done, for programs and for the next run.

use super::files::Files;
use crate::dataset::changed_keys;
use crate::durable::write_whole_by;
use crate::error::{Context, Error, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};
use std::path::Path;

/// The name of a stage's record in its folder.
pub const STAGE_FILE: &str = "stage.json";
/// The name of a run's record in its folder.
pub const RUN_FILE: &str = "run.json";
/// The name of the record of a demo's planted faults in the folder of its run.
pub const DEMO_FILE: &str = "demo.json";
/// The log of all runs in a folder, in order. No hash and no key depends on it.
pub const LOG_FILE: &str = "log.txt";
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
    /// The files that it wrote, with sizes and hashes, in `stage.json` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Files>,
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
    /// The file of the recipe, by its absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe_file: Option<String>,
    /// The text of the recipe.
    pub recipe: String,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The stages done so far, in order.
    pub stages: Vec<StageRecord>,
}

impl StageRecord {
    /// What differs from another call of the stage: `option: value → value`, and so the seed.
    pub fn changes(&self, options: &Value, seed: u64) -> Vec<String> {
        let mut changed = changed_keys(&self.options, options);
        if self.seed != seed {
            changed.push(format!("seed: {} → {seed}", self.seed));
        }
        changed
    }
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
    let mut reader = match File::open(&path) {
        Ok(file) => BufReader::new(file),
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(e).at(&path),
    };
    let wrong = |what: String| {
        Error::usage(format!("{what}: {}", path.display()))
            .hint("remove the folder, or choose another with --out")
    };
    let unknown = |e: serde_json::Error| wrong(format!("not a record of seedbed: {e}"));
    // There may be a million files in it: it is read twice, and never as a tree of values.
    let Versioned { version } = serde_json::from_reader(&mut reader).map_err(unknown)?;
    if version > VERSION {
        return Err(wrong(format!("a record of version {version}, this build reads up to {VERSION}")));
    }
    reader.rewind().at(&path)?;
    serde_json::from_reader(reader).map(Some).map_err(unknown)
}

/// What the stage did that wrote `folder`, where a record that can be read says so.
pub fn stage_of(folder: &Path) -> Option<StageRecord> {
    load(folder, STAGE_FILE).ok().flatten()
}

/// What a record says first; that of planted faults has no version.
#[derive(Deserialize)]
struct Versioned {
    #[serde(default)]
    version: u32,
}

/// Writes the record `file` of `folder`, by a temporary name and a rename.
///
/// # Errors
/// When it cannot be written.
pub fn save<T: Serialize>(folder: &Path, file: &str, record: &T) -> Result<()> {
    let path = folder.join(file);
    write_whole_by(&path, |file| {
        let mut file = BufWriter::new(file);
        serde_json::to_writer_pretty(&mut file, record)?;
        file.write_all(b"\n")?;
        file.flush()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
        let newer = RunRecord { version: VERSION + 1, ..RunRecord::default() };
        save(dir.path(), RUN_FILE, &newer).unwrap();
        let e = load::<RunRecord>(dir.path(), RUN_FILE).unwrap_err();
        assert!(e.message.contains("version 2"), "{e}");
    }
}
