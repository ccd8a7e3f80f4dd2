//! The files of a stage's folder: whether its result is still whole, and what in it is not ours.

use super::record::STAGE_FILE;
use crate::dataset::{META_FILE, Meta, file_sha256};
use crate::error::{Context, Result};
use crate::pool::Pool;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Files by their paths in the folder, with `/`, and their sizes in bytes.
pub type Files = BTreeMap<String, u64>;

/// All files below `folder` but its record. Links are not followed: no stage makes any.
///
/// # Errors
/// When a folder cannot be read.
pub fn list(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    enter(folder, "", &mut files)?;
    files.remove(STAGE_FILE);
    Ok(files)
}

fn enter(folder: &Path, prefix: &str, files: &mut Files) -> Result<()> {
    for entry in fs::read_dir(folder).at(folder)? {
        let entry = entry.at(folder)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let meta = entry.metadata().at(entry.path())?;
        if meta.is_dir() {
            enter(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, meta.len());
        }
    }
    Ok(())
}

/// SHA-256 of each file, by its name: of the shards of a dataset as it was found while they were written, of other files
/// by reading them.
///
/// # Errors
/// When one cannot be read.
pub fn hashes(folder: &Path, files: &Files, pool: &Pool) -> Result<BTreeMap<String, String>> {
    let shards = match files.contains_key(META_FILE) {
        true => Meta::load(folder)?.shards,
        false => Vec::new(),
    };
    let known = shards.into_iter().filter(|shard| !shard.sha256.is_empty());
    let mut hashes: BTreeMap<String, String> = known.map(|shard| (shard.file, shard.sha256)).collect();
    let names: Vec<&String> = files.keys().filter(|name| !hashes.contains_key(*name)).collect();
    let hash = |name: &&String| {
        let path = folder.join(name);
        Ok(((*name).clone(), file_sha256(&path).at(path)?))
    };
    hashes.extend(pool.try_map(&names, hash)?);
    Ok(hashes)
}

/// Whether all that was `written` is `there` in its size.
pub fn whole(written: &Files, there: &Files) -> bool {
    missing(written, there).is_none()
}

/// The first file that was `written` and is not `there` in its size.
pub fn missing<'a>(written: &'a Files, there: &Files) -> Option<&'a str> {
    written.iter().find(|(name, bytes)| there.get(*name) != Some(bytes)).map(|(name, _)| name.as_str())
}

/// The first file that is `there` and was not `written`.
pub fn foreign<'a>(written: &Files, there: &'a Files) -> Option<&'a str> {
    there.keys().find(|name| !written.contains_key(*name)).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_cut_or_foreign_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("train")).unwrap();
        for (name, text) in [("data", "123"), ("train/1.png", "12"), (STAGE_FILE, "{}")] {
            fs::write(at(name), text).unwrap();
        }
        let written = list(dir.path()).unwrap();
        assert_eq!(written, Files::from([("data".into(), 3), ("train/1.png".into(), 2)]));
        let now = || list(dir.path()).unwrap();
        assert!(whole(&written, &now()) && foreign(&written, &now()).is_none());
        fs::write(at("train/notes.txt"), "").unwrap();
        assert!(whole(&written, &now()));
        assert_eq!(foreign(&written, &now()), Some("train/notes.txt"));
        fs::write(at("data"), "12").unwrap();
        assert!(!whole(&written, &now()));
        fs::remove_file(at("data")).unwrap();
        assert!(!whole(&written, &now()));
    }
}
