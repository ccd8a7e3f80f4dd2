//! Whether results are still what was written: every recorded hash is computed again.

use super::files::{Files, Written};
use super::record::{RUN_FILE, RunRecord, STAGE_FILE, StageRecord, load};
use crate::dataset::{Fault, META_FILE, content_hash, file_sha256, hex, verify as verify_dataset};
use crate::error::{Context, Error, Result};
use crate::pool::Pool;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What a folder was found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
    /// What could not be held against anything, in sentences.
    pub notes: Vec<String>,
    /// Datasets whose samples were read.
    pub datasets: u64,
    /// Files that were held against a recorded hash.
    pub files: u64,
    /// Samples that were read.
    pub samples: u64,
}

/// Checks a dataset folder, the folder of a stage, or a run folder with all its stages; changes nothing.
///
/// # Errors
/// When `folder` is none of these, or cannot be listed.
pub fn verify(folder: &Path, pool: &Pool) -> Result<Verified> {
    let mut check = Check { root: folder, pool, found: Verified::default() };
    if folder.join(RUN_FILE).is_file() {
        check.run()?;
    } else if folder.join(STAGE_FILE).is_file() {
        check.stage("")?;
    } else if folder.join(META_FILE).is_file() {
        check.dataset("")?;
        check
            .found
            .notes
            .push(format!("no {STAGE_FILE}: of files only the samples in them could be checked"));
    } else {
        fs::metadata(folder).at(folder)?;
        return Err(Error::usage(format!("not a dataset, a stage or a run: {}", folder.display()))
            .hint("name a folder that holds dataset.json, stage.json or run.json"));
    }
    Ok(check.found)
}

struct Check<'a> {
    root: &'a Path,
    pool: &'a Pool,
    found: Verified,
}

impl Check<'_> {
    fn fault(&mut self, file: impl Into<String>, what: impl Into<String>) {
        self.found.faults.push(Fault::of(file, what));
    }

    /// All stages of the run at the root: those it tells of, and others that are there.
    fn run(&mut self) -> Result<()> {
        let record: RunRecord = match load(self.root, RUN_FILE) {
            Ok(record) => record.unwrap_or_default(),
            Err(e) => {
                self.fault(RUN_FILE, e.message);
                RunRecord::default()
            }
        };
        let mut folders: BTreeSet<String> = record.stages.iter().map(|s| s.folder.clone()).collect();
        for entry in fs::read_dir(self.root).at(self.root)? {
            let entry = entry.at(self.root)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && entry.path().join(STAGE_FILE).is_file() {
                folders.insert(name);
            }
        }
        for folder in folders {
            let told = record.stages.iter().find(|s| s.folder == folder);
            let there = self.stage(&format!("{folder}/"))?;
            let same = told.zip(there).is_none_or(|(told, there)| told.key == there.key);
            if !same {
                self.fault(
                    format!("{folder}/{STAGE_FILE}"),
                    format!("not the result that {RUN_FILE} tells of"),
                );
            }
        }
        Ok(())
    }

    /// The folder of a stage, whose path from the root is `prefix` (empty, or with `/` at its end), and its record.
    fn stage(&mut self, prefix: &str) -> Result<Option<StageRecord>> {
        let folder = self.root.join(prefix);
        let record_name = format!("{prefix}{STAGE_FILE}");
        let mut record: StageRecord = match load(&folder, STAGE_FILE) {
            Ok(Some(record)) => record,
            Ok(None) => {
                self.fault(record_name, "missing");
                return Ok(None);
            }
            Err(e) => {
                self.fault(record_name, e.message);
                return Ok(None);
            }
        };
        let there = Files::list(&folder)?;
        let written = record.files.take().unwrap_or_default();
        self.files(prefix, &written, &there);
        if let Some(name) = written.foreign(&there) {
            self.found.notes.push(format!("not written by seedbed: {prefix}{name}"));
        }
        for name in written.iter().map(|file| &*file.name).filter(|name| there.get(name).is_some()) {
            if let Some(inner) = name.strip_suffix(META_FILE).filter(|p| p.is_empty() || p.ends_with('/')) {
                let samples = self.dataset(&format!("{prefix}{inner}"))?;
                if inner.is_empty() && samples != record.samples {
                    let what = format!("{} samples are recorded, {samples} found", record.samples);
                    self.fault(record_name.clone(), what);
                }
            } else if name.ends_with(".safetensors")
                && let Err(e) = content_hash(&folder.join(name), self.pool)
            {
                self.fault(format!("{prefix}{name}"), e.message);
            }
        }
        Ok(Some(record))
    }

    /// Files of a stage by size and by hash.
    fn files(&mut self, prefix: &str, written: &Files, there: &Files) {
        let folder = self.root.join(prefix);
        let check = |Written { name, bytes, sha256 }: &Written| match there.get(name) {
            None => Some("missing".to_owned()),
            Some(now) if now.bytes != *bytes => {
                Some(format!("{bytes} bytes are recorded, {} found", now.bytes))
            }
            Some(_) => match (sha256, file_sha256(&folder.join(&**name))) {
                (None, _) => Some("no hash is recorded".to_owned()),
                (Some(recorded), Ok(hash)) if hash == *recorded => None,
                (Some(recorded), Ok(hash)) => {
                    Some(format!("hash differs: {} is recorded, {} found", hex(recorded), hex(&hash)))
                }
                (_, Err(e)) => Some(Error::of_io(&e).message),
            },
        };
        self.found.files += written.len() as u64;
        for files in written.pieces() {
            for (file, what) in files.iter().zip(self.pool.map(files, check)) {
                if let Some(what) = what {
                    self.fault(format!("{prefix}{}", file.name), what);
                }
            }
        }
    }

    /// A dataset, whose path from the root is `prefix`; gives how many samples could be read.
    fn dataset(&mut self, prefix: &str) -> Result<u64> {
        let (faults, samples) = verify_dataset(&self.root.join(prefix), self.pool)?;
        let inside = |f: Fault| Fault { file: format!("{prefix}{}", f.file), ..f };
        for fault in faults.into_iter().map(inside) {
            // Of a shard both the stage and the dataset have recorded the hash.
            if !self.found.faults.contains(&fault) {
                self.found.faults.push(fault);
            }
        }
        self.found.datasets += 1;
        self.found.samples += samples;
        Ok(samples)
    }
}
