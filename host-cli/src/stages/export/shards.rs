//! Files of one split each that are followed by another when they are full.

use crate::dataset::Split;
use crate::error::{Context, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// When a file is full.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes, that a file exceeds only where one sample does.
    pub bytes: u64,
    /// Samples.
    pub samples: u64,
}

/// How the files are formed.
pub struct Layout {
    /// What a file ends with.
    pub trailer: &'static [u8],
    /// The path of a file below the output folder: of a split, by its number from 0 and the number of files.
    pub name: fn(Split, usize, usize) -> String,
}

/// Writes samples, each as a run of bytes, into files of a bounded size. While they are written they are called
/// `<split>-<number>.part`, since a name may tell how many there are.
pub struct Shards<'a> {
    out: &'a Path,
    limits: Limits,
    layout: Layout,
    splits: BTreeMap<Split, SplitShards>,
}

#[derive(Default)]
struct SplitShards {
    closed: usize,
    open: Option<Open>,
}

struct Open {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    samples: u64,
}

impl<'a> Shards<'a> {
    /// No files yet, below the folder `out`.
    pub fn new(out: &'a Path, limits: Limits, layout: Layout) -> Self {
        Self { out, limits, layout, splits: BTreeMap::new() }
    }

    /// The next sample of `split`.
    pub fn push(&mut self, split: Split, sample: &[u8]) -> Result<()> {
        let Self { out, limits, layout, splits } = self;
        let shards = splits.entry(split).or_default();
        let size = (sample.len() + layout.trailer.len()) as u64;
        let full = |open: &mut Open| open.samples >= limits.samples || open.bytes + size > limits.bytes;
        if let Some(open) = shards.open.take_if(full) {
            open.close(layout.trailer)?;
            shards.closed += 1;
        }
        let open = match &mut shards.open {
            Some(open) => open,
            none => none.insert(Open::create(part(out, split, shards.closed))?),
        };
        open.file.write_all(sample).at(&open.path)?;
        open.bytes += sample.len() as u64;
        open.samples += 1;
        Ok(())
    }

    /// Ends all files, gives them their names, and tells how many there are.
    pub fn finish(self) -> Result<usize> {
        let mut files = 0;
        for (split, shards) in self.splits {
            let n = shards.closed + usize::from(shards.open.is_some());
            if let Some(open) = shards.open {
                open.close(self.layout.trailer)?;
            }
            for number in 0..n {
                let path = self.out.join((self.layout.name)(split, number, n));
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).at(folder)?;
                }
                std::fs::rename(part(self.out, split, number), &path).at(&path)?;
            }
            files += n;
        }
        Ok(files)
    }
}

fn part(out: &Path, split: Split, number: usize) -> PathBuf {
    out.join(format!("{}-{number}.part", split.name()))
}

impl Open {
    fn create(path: PathBuf) -> Result<Self> {
        let file = BufWriter::new(File::create(&path).at(&path)?);
        Ok(Self { path, file, bytes: 0, samples: 0 })
    }

    fn close(mut self, trailer: &[u8]) -> Result<()> {
        self.file.write_all(trailer).and_then(|()| self.file.flush()).at(&self.path)
    }
}
