//! The names of results: hashes of everything that a result depends on.

use crate::dataset::{META_FILE, hex};
use crate::error::{Context, Result};
use crate::pool::Pool;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
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

/// The hash of what is at `path`: of `dataset.json` for a dataset (it holds the hash of the samples),
/// of the bytes of a file, and of the names and bytes of all files of any other folder.
///
/// # Errors
/// When something there cannot be read.
pub fn content(path: &Path, pool: &Pool) -> Result<String> {
    if path.join(META_FILE).is_file() {
        return file(&path.join(META_FILE));
    }
    if !fs::metadata(path).at(path)?.is_dir() {
        return file(path);
    }
    let mut files = Vec::new();
    walk(path, &mut BTreeSet::new(), &mut files)?;
    files.sort();
    let hashes = pool.try_map(&files, |f| file(f))?;
    let mut hasher = Sha256::new();
    for (name, hash) in files.iter().zip(hashes) {
        let relative = name.strip_prefix(path).unwrap_or(name);
        hasher.update(relative.as_os_str().as_encoded_bytes());
        hasher.update([0]);
        hasher.update(hash.as_bytes());
    }
    Ok(hex(&hasher.finalize()))
}

/// All files below `folder`; a folder that is reached twice, by links, counts once.
fn walk(folder: &Path, seen: &mut BTreeSet<PathBuf>, files: &mut Vec<PathBuf>) -> Result<()> {
    if !seen.insert(fs::canonicalize(folder).at(folder)?) {
        return Ok(());
    }
    for entry in fs::read_dir(folder).at(folder)? {
        let path = entry.at(folder)?.path();
        match fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => walk(&path, seen, files)?,
            Ok(meta) if meta.is_file() => files.push(path),
            // Sockets, pipes and links to nowhere are nobody's samples.
            _ => {}
        }
    }
    Ok(())
}

/// SHA-256 of a file's bytes. A file that cannot be read hashes as such: the stage that needs it
/// sets it aside, or says what is wrong.
fn file(path: &Path) -> Result<String> {
    let Ok(mut reader) = File::open(path) else {
        return Ok("unreadable".into());
    };
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(n) => hasher.update(buffer.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Ok("unreadable".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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

    #[test]
    fn a_folder_hashes_by_names_and_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, files: &[(&str, &str)]| {
            let root = dir.path().join(name);
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            content(&root, &Pool::new(2).unwrap()).unwrap()
        };
        let first = make("a", &[("x/1", "one"), ("y/2", "two")]);
        assert_eq!(first, make("b", &[("y/2", "two"), ("x/1", "one")]));
        assert_ne!(first, make("c", &[("x/1", "one"), ("y/3", "two")]));
        assert_ne!(first, make("d", &[("x/1", "one"), ("y/2", "2")]));
        assert_eq!(content(&dir.path().join("a/x/1"), &Pool::single()).unwrap().len(), 64);
        assert!(content(&dir.path().join("none"), &Pool::single()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_end() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("again")).unwrap();
        std::os::unix::fs::symlink("/no/where", dir.path().join("broken")).unwrap();
        assert!(content(dir.path(), &Pool::single()).is_ok());
    }
}
