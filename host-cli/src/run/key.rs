//! The names of results: hashes of everything that a result depends on.

use crate::dataset::{META_FILE, Meta, file_sha256, hex};
use crate::error::{Context, Result};
use crate::pool::Pool;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Counts up when a stage's result changes for the same options and input.
pub const FORMAT: u32 = 2;

/// Everything that a stage's result depends on.
#[derive(Clone, Copy, Debug)]
pub struct KeyParts<'a> {
    /// The stage's name.
    pub stage: &'a str,
    /// Its options. The order of keys in maps does not matter.
    pub options: &'a Value,
    /// The seed.
    pub seed: u64,
    /// What it reads: a role and the hash of the content.
    pub inputs: &'a [(&'a str, String)],
}

impl KeyParts<'_> {
    /// SHA-256 of the parts, of the version of seedbed and of [`FORMAT`], in hexadecimal.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        // A length before each part keeps two lists of parts from running into each other.
        let mut part = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(b"seedbed stage");
        part(&FORMAT.to_le_bytes());
        part(env!("CARGO_PKG_VERSION").as_bytes());
        part(self.stage.as_bytes());
        part(self.options.to_string().as_bytes());
        part(&self.seed.to_le_bytes());
        for (role, hash) in self.inputs {
            part(role.as_bytes());
            part(hash.as_bytes());
        }
        hex(&hasher.finalize())
    }
}

/// The hash of what is at `path`: what a dataset is and holds, however it is cut into shards; the name and
/// the bytes of a file; the name of any other folder, and the names and bytes of all that is in it. Names
/// count, since ids, splits and classes come from them. A `raw` folder is no dataset, whatever is in it.
///
/// # Errors
/// When there is nothing, or it is a damaged dataset.
pub fn content(path: &Path, raw: bool, pool: &Pool) -> Result<String> {
    if !raw && path.join(META_FILE).is_file() {
        return dataset(path);
    }
    let real = fs::canonicalize(path).at(path)?;
    let mut hasher = Sha256::new();
    let mut entry = |name: &OsStr, hash: &str| {
        hasher.update(name.as_encoded_bytes());
        hasher.update([0]);
        hasher.update(hash.as_bytes());
    };
    if real.is_dir() {
        entry(real.file_name().unwrap_or_default(), "");
        let mut found = Vec::new();
        walk(path, &mut vec![real], &mut found);
        found.sort();
        let hashes = pool.map(&found, |(file, readable)| if *readable { bytes(file) } else { unreadable() });
        for ((name, _), hash) in found.iter().zip(hashes) {
            entry(name.strip_prefix(path).unwrap_or(name).as_os_str(), &hash);
        }
    } else if !real.is_file() {
        // What a pipe or a device holds cannot be read twice.
        return Err(crate::formats::not_regular()).at(path);
    } else {
        entry(path.file_name().unwrap_or_default(), &bytes(path));
    }
    Ok(hex(&hasher.finalize()))
}

/// The hash of a dataset, by what its `dataset.json` says of it: that holds the hash of the samples.
fn dataset(folder: &Path) -> Result<String> {
    let meta = Meta { shards: Vec::new(), ..Meta::load(folder)? };
    Ok(hex(&Sha256::digest(serde_json::to_vec(&meta).at(folder)?)))
}

/// All that is below `folder`, whose real path is the last of `trail`, and whether it is a file to read.
/// Links are followed, except back into a folder that they are in.
fn walk(folder: &Path, trail: &mut Vec<PathBuf>, found: &mut Vec<(PathBuf, bool)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        found.push((folder.to_owned(), false));
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        match (fs::metadata(&path), fs::canonicalize(&path)) {
            (Ok(meta), Ok(real)) if meta.is_dir() && !trail.contains(&real) => {
                trail.push(real);
                walk(&path, trail, found);
                trail.pop();
            }
            // Circles, sockets, pipes and links to nowhere are nobody's samples, but a list of them may be made.
            (meta, _) => found.push((path, meta.is_ok_and(|meta| meta.is_file()))),
        }
    }
}

/// SHA-256 of a file's bytes. A file that cannot be read hashes as such: the stage that needs it
/// sets it aside, or says what is wrong.
fn bytes(path: &Path) -> String {
    file_sha256(path).map_or_else(|_| unreadable(), |hash| hex(&hash))
}

fn unreadable() -> String {
    "unreadable".into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Shard;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn every_part_of_a_key_matters() {
        let (a, b) = (json!({"x": 1, "y": [0.5]}), json!({"x": 2, "y": [0.5]}));
        let inputs = [("input", "00".to_owned())];
        let base = KeyParts { stage: "prune", options: &a, seed: 7, inputs: &inputs };
        let other_input = [("input", "01".to_owned())];
        let other_role = [("model", "00".to_owned())];
        let keys = [
            base.hash(),
            KeyParts { stage: "balance", ..base }.hash(),
            KeyParts { options: &b, ..base }.hash(),
            KeyParts { seed: 8, ..base }.hash(),
            KeyParts { inputs: &other_input, ..base }.hash(),
            KeyParts { inputs: &other_role, ..base }.hash(),
            KeyParts { inputs: &[], ..base }.hash(),
        ];
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        let same: Value = serde_json::from_str(r#"{"y": [0.5], "x": 1}"#).unwrap();
        assert_eq!(keys[0], KeyParts { options: &same, ..base }.hash());
        assert_eq!(keys[0].len(), 64);
    }

    /// Writes files below a new folder `raw` in a folder `name` of its own.
    fn make(dir: &Path, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let root = dir.join(name).join("raw");
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn raw(path: &Path) -> String {
        content(path, true, &Pool::new(2).unwrap()).unwrap()
    }

    #[test]
    fn a_folder_hashes_by_names_and_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name, files: &[(&str, &str)]| make(dir.path(), name, files);
        let first = make("a", &[("x/1", "one"), ("y/2", "two")]);
        assert_eq!(raw(&first), raw(&make("b", &[("y/2", "two"), ("x/1", "one")])));
        assert_ne!(raw(&first), raw(&make("c", &[("x/1", "one"), ("y/3", "two")])));
        assert_ne!(raw(&first), raw(&make("d", &[("x/1", "one"), ("y/2", "2")])));
        let renamed = first.with_file_name("other");
        let before = raw(&first);
        fs::rename(&first, &renamed).unwrap();
        assert_ne!(before, raw(&renamed), "the dataset is called after its folder");
        assert!(content(&dir.path().join("none"), true, &Pool::single()).is_err());
    }

    #[test]
    fn a_file_hashes_by_its_name_too() {
        let dir = tempfile::tempdir().unwrap();
        let root = make(dir.path(), "a", &[("X_train.npy", "one"), ("X_test.npy", "one")]);
        assert_ne!(raw(&root.join("X_train.npy")), raw(&root.join("X_test.npy")), "names tell splits");
        assert_eq!(raw(&root.join("X_train.npy")).len(), 64);
    }

    #[test]
    fn a_dataset_counts_by_its_content_and_a_raw_folder_by_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let root = make(dir.path(), "a", &[("x/1", "one")]);
        let with = |file: &str, hash: &str| {
            let shards = vec![Shard { file: file.into(), rows: 1, sha256: String::new() }];
            let meta = Meta { shards, content_hash: hash.into(), ..Meta::images("d", vec![]) };
            meta.save(&root).unwrap();
            content(&root, false, &Pool::single()).unwrap()
        };
        let first = with("data-00000.parquet", "00");
        assert_eq!(first, with("part-0.parquet", "00"), "the same samples in other shards");
        assert_ne!(first, with("part-0.parquet", "01"));
        let before = (raw(&root), content(&root, false, &Pool::single()).unwrap());
        fs::write(root.join("x/1"), "two").unwrap();
        assert_eq!(before.1, content(&root, false, &Pool::single()).unwrap());
        assert_ne!(before.0, raw(&root));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_circles_end() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let root = make(dir.path(), "a", &[("cat/1", "one")]);
        symlink(&root, root.join("again")).unwrap();
        symlink("/no/where", root.join("broken")).unwrap();
        symlink(root.join("cat"), root.join("dog")).unwrap();
        let both = raw(&root);
        fs::remove_file(root.join("dog")).unwrap();
        assert_ne!(both, raw(&root), "a folder that is reached twice counts twice");
        let without = raw(&root);
        fs::remove_file(root.join("broken")).unwrap();
        assert_ne!(without, raw(&root), "it is listed among what was set aside");
    }
}
