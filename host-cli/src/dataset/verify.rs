//! Whether a dataset is what its `dataset.json` says: every sample is read, decoded and hashed again.

use super::hash::{ContentHasher, SampleDigest, digest_of, file_sha256, hex};
use super::meta::{FILE, ImageShape, Meta, Shard};
use super::{Counts, Dataset, Sample, Split};
use crate::error::Result;
use crate::pool::Pool;
use serde::Serialize;
use std::path::Path;

/// Samples in memory at a time.
const BATCH: usize = 512;

/// Something that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, relative to the folder that was looked at.
    pub file: String,
    /// The sample, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
    /// What is wrong.
    pub what: String,
}

impl Fault {
    /// A fault of a whole file.
    pub fn of(file: impl Into<String>, what: impl Into<String>) -> Self {
        Self { file: file.into(), sample: None, what: what.into() }
    }
}

/// What is wrong in the dataset at `folder`, and how many samples could be read. A damaged shard does not hide
/// what is wrong in others.
///
/// # Errors
/// When `folder` is no dataset.
pub fn verify(folder: &Path, pool: &Pool) -> Result<(Vec<Fault>, u64)> {
    let meta = match Meta::load(folder) {
        Ok(meta) => meta,
        Err(e) if folder.join(FILE).is_file() => return Ok((vec![Fault::of(FILE, e.message)], 0)),
        Err(e) => return Err(e),
    };
    let counts = Counts { per_class: vec![0; meta.classes.len()], ..Counts::default() };
    let mut check =
        Check { hasher: ContentHasher::new(&meta), faults: Vec::new(), counts, last_id: None, meta: &meta };
    for shard in &meta.shards {
        check.shard(folder, shard, pool);
    }
    let samples = check.counts.samples;
    Ok((check.finish(), samples))
}

struct Check<'a> {
    meta: &'a Meta,
    faults: Vec<Fault>,
    hasher: ContentHasher,
    counts: Counts,
    last_id: Option<String>,
}

/// What is taken from a sample on any thread.
struct Seen {
    id: String,
    label: Option<u32>,
    split: Split,
    digest: Result<(SampleDigest, Option<ImageShape>)>,
}

impl Check<'_> {
    /// All samples of one shard, read as a dataset of its own.
    fn shard(&mut self, folder: &Path, shard: &Shard, pool: &Pool) {
        if let Some(fault) = hash_fault(folder, shard) {
            self.faults.push(fault);
        }
        let alone = Meta { shards: vec![shard.clone()], ..self.meta.clone() };
        let see = |sample: Sample| {
            let digest = digest_of(&sample);
            Ok(Seen { id: sample.id, label: sample.label, split: sample.split, digest })
        };
        let read = Dataset::of(folder, alone)
            .and_then(|dataset| pool.stream(dataset.samples(), BATCH, see, |seen| self.sample(shard, seen)));
        if let Err(e) = read {
            self.faults.push(Fault::of(&shard.file, e.message));
        }
    }

    fn sample(&mut self, shard: &Shard, seen: Seen) -> Result<()> {
        let mut wrong = |what: String| {
            self.faults.push(Fault { file: shard.file.clone(), sample: Some(seen.id.clone()), what });
        };
        if self.last_id.as_ref().is_some_and(|last| *last >= seen.id) {
            wrong("ids are not ascending over the shards".into());
        }
        match seen.digest {
            Ok((digest, shape)) => {
                self.hasher.push_digest(digest);
                if self.meta.image.is_some() && shape.is_some() && shape != self.meta.image {
                    wrong(format!("picture of another size than {FILE} says"));
                }
            }
            Err(e) => wrong(e.message),
        }
        self.counts.add(seen.label, seen.split);
        self.last_id = Some(seen.id);
        Ok(())
    }

    /// What holds for all samples together. A sample that is wrong makes these wrong, too.
    fn finish(mut self) -> Vec<Fault> {
        if !self.faults.is_empty() {
            return self.faults;
        }
        if self.counts != self.meta.counts {
            let found = self.counts.samples;
            let what =
                format!("counts differ: {} samples are recorded, {found} found", self.meta.counts.samples);
            self.faults.push(Fault::of(FILE, what));
        }
        let hash = self.hasher.finish();
        if hash != self.meta.content_hash {
            let recorded = &self.meta.content_hash;
            self.faults
                .push(Fault::of(FILE, format!("content hash differs: {recorded} is recorded, {hash} found")));
        }
        self.faults
    }
}

/// What is wrong with the bytes of a shard, if their hash was recorded. One that is not there is found by opening it.
fn hash_fault(folder: &Path, shard: &Shard) -> Option<Fault> {
    let recorded = &shard.sha256;
    let hash = hex(&file_sha256(&folder.join(&shard.file)).ok()?);
    let same = recorded.is_empty() || hash == *recorded;
    (!same).then(|| Fault::of(&shard.file, format!("hash differs: {recorded} is recorded, {hash} found")))
}

#[cfg(test)]
mod tests {
    use super::super::{Content, DatasetWriter};
    use super::*;
    use crate::codec::Pixels;
    use std::fs;

    /// Twelve pictures in shards of five.
    fn make(folder: &Path) -> Meta {
        let mut writer = DatasetWriter::create(folder, Meta::images("d", vec!["a".into(), "b".into()]))
            .unwrap()
            .shard_rows(5);
        for i in 0..12u8 {
            let content = Content::from_pixels(Pixels::new(vec![i * 20; 16], 4, 4, 1).unwrap());
            let split = Split::ALL[usize::from(i % 3)];
            writer.push(Sample::new(format!("s{i:02}"), Some(u32::from(i % 2)), split, content)).unwrap();
        }
        writer.finish().unwrap()
    }

    fn faults(folder: &Path) -> Vec<Fault> {
        verify(folder, &Pool::new(2).unwrap()).unwrap().0
    }

    #[test]
    fn what_was_written_is_right_and_every_change_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("d");
        let meta = make(&folder);
        assert_eq!(verify(&folder, &Pool::single()).unwrap(), (vec![], 12));
        let changed = |change: &dyn Fn(&mut Meta)| {
            let mut other = meta.clone();
            change(&mut other);
            other.save(&folder).unwrap();
            let found = faults(&folder);
            meta.save(&folder).unwrap();
            found
        };
        let found = changed(&|meta| meta.content_hash = "0".repeat(64));
        assert!(found.len() == 1 && found[0].what.contains("content hash"), "{found:?}");
        let found = changed(&|meta| meta.counts.val += 1);
        assert!(found.len() == 1 && found[0].what.contains("counts"), "{found:?}");
        let found = changed(&|meta| meta.shards.swap(0, 1));
        assert!(found.iter().any(|f| f.what.contains("ascending") && f.sample.is_some()), "{found:?}");
        let found = changed(&|meta| meta.image = Some(ImageShape { height: 5, width: 4, channels: 1 }));
        assert_eq!(found.len(), 12);
        assert_eq!(found[7].sample.as_deref(), Some("s07"));
        let found = changed(&|meta| meta.shards[1].sha256 = "0".repeat(64));
        assert!(found.len() == 1 && found[0].what.starts_with("hash differs"), "{found:?}");
        let found = changed(&|meta| meta.shards[1].rows = 4);
        assert!(found.iter().all(|f| f.file == meta.shards[1].file), "{found:?}");
        let found = changed(&|meta| meta.classes.swap(0, 1));
        assert!(!found.is_empty(), "another meaning of the labels");
    }

    #[test]
    fn damaged_shards_are_told_one_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("d");
        let meta = make(&folder);
        fs::remove_file(folder.join(&meta.shards[0].file)).unwrap();
        fs::write(folder.join(&meta.shards[2].file), "PAR1").unwrap();
        let mut files: Vec<String> = faults(&folder).into_iter().map(|f| f.file).collect();
        files.dedup();
        assert_eq!(files, [meta.shards[0].file.as_str(), &meta.shards[2].file]);
        fs::write(folder.join(FILE), "{").unwrap();
        assert_eq!(faults(&folder)[0].file, FILE);
        assert_eq!(verify(dir.path(), &Pool::single()).unwrap_err().exit_code(), 2);
    }
}
