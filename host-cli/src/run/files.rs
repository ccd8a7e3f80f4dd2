//! The files of a stage's folder: whether its result is still whole, and what in it is not ours.

use super::record::STAGE_FILE;
use crate::dataset::{META_FILE, Meta, file_sha256, hex};
use crate::error::{Context, Result};
use crate::pool::Pool;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What one file of a result takes in memory, about: its name, size and hash, and the hash of its name while it is written.
pub const RECORD_BYTES: u64 = 112;

/// Files that are read at a time.
const AT_ONCE: usize = 4096;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its path in the folder, with `/`.
    pub name: Box<str>,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, where that is known.
    pub sha256: Option<[u8; 32]>,
}

/// Files in the order of their names. An export has one for each sample, so that they are kept small:
/// [`RECORD_BYTES`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(Vec<Written>);

impl Files {
    /// All files below `folder` but its record, without hashes. Links are not followed: no stage makes any.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn list(folder: &Path) -> Result<Self> {
        let mut files = Vec::new();
        enter(folder, "", &mut files)?;
        files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(Self(files))
    }

    /// Finds the hash of each: of the shards of a dataset in `folder` as it was found while they were written, of other
    /// files by reading them.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn hash(&mut self, folder: &Path, pool: &Pool) -> Result<()> {
        let shards = match self.get(META_FILE) {
            Some(_) => Meta::load(folder)?.shards,
            None => Vec::new(),
        };
        let known: BTreeMap<&str, [u8; 32]> =
            shards.iter().filter_map(|shard| Some((&*shard.file, digest(&shard.sha256)?))).collect();
        // Piece by piece, as what is given back for each is larger than what is kept.
        for files in self.0.chunks_mut(AT_ONCE) {
            let hashes = pool.try_map(files, |Written { name, .. }| match known.get(&**name) {
                Some(hash) => Ok(*hash),
                None => {
                    let path = folder.join(&**name);
                    file_sha256(&path).at(path)
                }
            })?;
            files.iter_mut().zip(hashes).for_each(|(file, hash)| file.sha256 = Some(hash));
        }
        Ok(())
    }

    /// Pieces of the list, in the order of the names.
    pub fn pieces(&self) -> std::slice::Chunks<'_, Written> {
        self.0.chunks(AT_ONCE)
    }

    /// In the order of their names.
    pub fn iter(&self) -> std::slice::Iter<'_, Written> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The file of this name.
    pub fn get(&self, name: &str) -> Option<&Written> {
        self.0.binary_search_by(|file| (*file.name).cmp(name)).ok().map(|at| &self.0[at])
    }

    /// The first of these files that is not `there` in its size.
    pub fn missing(&self, there: &Self) -> Option<&str> {
        let gone = |file: &&Written| there.get(&file.name).is_none_or(|now| now.bytes != file.bytes);
        self.iter().find(gone).map(|file| &*file.name)
    }

    /// The first file that is `there` and not one of these.
    pub fn foreign<'a>(&self, there: &'a Self) -> Option<&'a str> {
        there.iter().find(|file| self.get(&file.name).is_none()).map(|file| &*file.name)
    }
}

fn enter(folder: &Path, prefix: &str, files: &mut Vec<Written>) -> Result<()> {
    for entry in fs::read_dir(folder).at(folder)? {
        let entry = entry.at(folder)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let meta = entry.metadata().at(entry.path())?;
        if meta.is_dir() {
            enter(&entry.path(), &format!("{name}/"), files)?;
        } else if name != STAGE_FILE {
            files.push(Written { name: name.into(), bytes: meta.len(), sha256: None });
        }
    }
    Ok(())
}

/// The bytes of a SHA-256 in hexadecimal.
fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digit = |c: u8| char::from(c).to_digit(16);
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    (hex.len() == 64).then_some(bytes)
}

/// What the record says of a file beside its name.
#[derive(Serialize, Deserialize)]
struct Told {
    bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

/// An object of [`Told`] by names.
impl Serialize for Files {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|file| {
            let sha256 = file.sha256.map(|hash| hex(&hash));
            (&file.name, Told { bytes: file.bytes, sha256 })
        }))
    }
}

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> de::Visitor<'de> for Names {
            type Value = Files;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("files by their names")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Files, A::Error> {
                let mut files = Vec::new();
                while let Some((name, Told { bytes, sha256 })) = map.next_entry()? {
                    let sha256 = match sha256 {
                        Some(hex) => Some(digest(&hex).ok_or_else(|| {
                            de::Error::invalid_value(de::Unexpected::Str(&hex), &"64 hexadecimal digits")
                        })?),
                        None => None,
                    };
                    files.push(Written { name, bytes, sha256 });
                }
                files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
                Ok(Files(files))
            }
        }
        deserializer.deserialize_map(Names)
    }
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
        let mut written = Files::list(dir.path()).unwrap();
        let sizes: Vec<_> = written.iter().map(|file| (&*file.name, file.bytes)).collect();
        assert_eq!(sizes, [("data", 3), ("train/1.png", 2)]);
        written.hash(dir.path(), &Pool::single()).unwrap();
        let text = serde_json::to_string(&written).unwrap();
        // The SHA-256 of "123", as sha256sum has it.
        let of_123 = "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3";
        assert!(
            text.starts_with(&format!(r#"{{"data":{{"bytes":3,"sha256":"{of_123}"}},"train/1.png":"#)),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Files>(&text).unwrap(), written);
        for wrong in ["a6", &of_123.replace('a', "g")] {
            assert!(serde_json::from_str::<Files>(&text.replace(of_123, wrong)).is_err());
        }
        let now = || Files::list(dir.path()).unwrap();
        assert!(written.missing(&now()).is_none() && written.foreign(&now()).is_none());
        fs::write(at("train/notes.txt"), "").unwrap();
        assert!(written.missing(&now()).is_none());
        assert_eq!(written.foreign(&now()), Some("train/notes.txt"));
        fs::write(at("data"), "12").unwrap();
        assert_eq!(written.missing(&now()), Some("data"));
        fs::remove_file(at("data")).unwrap();
        assert_eq!(written.missing(&now()), Some("data"));
    }
}
