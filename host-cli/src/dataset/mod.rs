//! A dataset: a folder of Parquet shards with one row per sample, and a `dataset.json` about it.
//!
//! Samples hold pictures (8 bits), sounds, texts, rows of numbers, or several of these. They are always sorted by
//! id, whatever the order they were read in, so that equal content gives equal files. The columns are those of
//! Hugging Face datasets; polars, DuckDB and pyarrow open the shards as they are.
//!
//! | column | type | |
//! | --- | --- | --- |
//! | `id` | utf8 | unique, ascending over the shards |
//! | `image` | struct {`bytes`: binary, `path`: utf8} | a PNG |
//! | `audio` | struct {`bytes`: binary, `path`: utf8} | a sound file as it was collected |
//! | `text` | utf8 | |
//! | one per feature | float32 | null where a value is missing |
//! | `label` | int64 | index into the classes; null where unknown |
//! | `split` | utf8 | `train`, `val` or `test` |
//! | `weight` | float32 | of the sample in training |
//! | `origin` | utf8 | JSON of [`Origin`]; null for an original |
//!
//! With [`Storage::Raw`] the shards are Arrow IPC files (`data-00000.arrow`), and pictures, which then have one size,
//! are a fixed-shape tensor `image` beside their names in `image_path`: several times the bytes, next to no work.
//!
//! Beside the shards are a `README.md` and a `croissant.json` about them, for people and for other tools; seedbed itself
//! reads neither.
//!
//! Reading foreign formats is not here but in `formats`; what is done to datasets is in `stages`.

mod background;
mod card;
mod content;
mod croissant;
mod diff;
pub mod feature;
mod hash;
mod meta;
mod origin;
mod read;
mod schema;
mod shard;
mod split;
mod verify;
mod write;

pub use content::{Content, Picture, Sound};
pub use diff::{Difference, Item, Items, changed_keys, diff};
pub use feature::Feature;
pub use hash::{ContentHasher, content_hash, file_sha256, hex};
pub use meta::{Counts, FILE as META_FILE, ImageShape, Kind, Meta, Normalize, Shard, Storage};
pub use origin::{Origin, Params};
pub use read::{Dataset, Samples};
pub use schema::features as hugging_face_features;
pub use shard::{Container, write_file};
pub use split::{Fractions, PURPOSE as SPLIT_PURPOSE, assign as assign_splits};
pub use verify::{Fault, verify};
pub use write::{DEFAULT_SHARD_ROWS, DatasetWriter};

use crate::codec::Pixels;
use crate::error::{Error, Result};
use crate::pool::Held;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a sample is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Models learn from it; the only split that is balanced and augmented.
    #[default]
    Train,
    /// Decides when training stops.
    Val,
    /// Judges the result.
    Test,
}

impl Split {
    /// All splits in the order of their numbers.
    pub const ALL: [Split; 3] = [Split::Train, Split::Val, Split::Test];

    /// The name in files: `train`, `val` or `test`.
    pub const fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }

    /// The split of this name, in the spellings that datasets use, or `None`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "train" | "training" => Split::Train,
            "val" | "valid" | "validation" | "dev" => Split::Val,
            "test" | "testing" => Split::Test,
            _ => return None,
        })
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The id: unique in its dataset, and the same in each run on the same source.
    pub id: String,
    /// Index into [`Meta::classes`]; `None` where unknown.
    pub label: Option<u32>,
    /// What the sample is used for.
    pub split: Split,
    /// Weight in training, finite and not negative; 1 unless balancing says otherwise.
    pub weight: f32,
    /// What it holds.
    pub content: Content,
    /// How the sample was made; `None` for an original.
    pub origin: Option<Origin>,
}

impl Sample {
    /// An original of weight 1.
    pub fn new(id: impl Into<String>, label: Option<u32>, split: Split, content: Content) -> Self {
        Self { id: id.into(), label, split, weight: 1.0, content, origin: None }
    }

    /// The decoded picture.
    ///
    /// # Errors
    /// When the sample has none, or its bytes are damaged; the error names the sample.
    pub fn pixels(&self) -> Result<Pixels> {
        match &self.content.image {
            Some(image) => image.pixels().map_err(|e| e.within(&self.id)),
            None => Err(Error::failed(format!("sample has no picture: {}", self.id))),
        }
    }

    /// Whether the step of this name made the sample, or what it was made from.
    pub fn made_by(&self, step: &str) -> bool {
        self.id
            .split('!')
            .skip(1)
            .any(|made| made.strip_prefix(step).is_some_and(|n| !n.starts_with(char::is_alphabetic)))
    }

    /// The row of features; missing values are NaN. Empty where the dataset has none.
    pub fn row(&self) -> &[f32] {
        &self.content.row
    }
}

impl Held for Sample {
    fn held(&self) -> usize {
        self.content.held()
    }
}

/// The id of the `n`th sample that step `step` made from sample `source`: `source!step0000n`.
///
/// Ids that come out of [`id_from_bytes`] hold no byte up to `!`, so derived ids sort right after
/// their source, in the order of `step` and `n`, and before every other id: a stage that walks
/// through a dataset can write each sample and then what it made from it. From 100000 on `n` has ten
/// digits after a `~`, which sorts after every digit.
pub fn derived_id(source: &str, step: &str, n: u32) -> String {
    if n < 100_000 { format!("{source}!{step}{n:05}") } else { format!("{source}!{step}~{n:010}") }
}

/// Whether a feature of a table cannot have this name, since the dataset has such a column itself.
pub fn is_reserved_column(name: &str) -> bool {
    schema::RESERVED.contains(&name)
}

/// An id from the bytes of a name (a relative path with `/`): bytes up to `!`, `%`, DEL, the
/// backslash and what is not UTF-8 become `%XX`, so that different names stay different.
pub fn id_from_bytes(name: &[u8]) -> String {
    let mut id = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\0'..='!' | '%' | '\\' | '\x7f' => id.push_str(&format!("%{:02X}", c as u32)),
                _ => id.push(c),
            }
        }
        for byte in chunk.invalid() {
            id.push_str(&format!("%{byte:02X}"));
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn different_names_have_different_ids_and_derived_ones_follow_at_once(
            a in prop::collection::vec(any::<u8>(), 1..12), b in prop::collection::vec(any::<u8>(), 1..12),
            n: u32, m in prop_oneof![0u32..100_000, 99_990u32..100_100, any::<u32>()]) {
            let (a, b) = (id_from_bytes(&a), id_from_bytes(&b));
            let derived = derived_id(&a, "augment", n);
            prop_assert!(a < derived);
            prop_assert_eq!(derived < derived_id(&a, "augment", m), n < m);
            prop_assert!(derived_id(&a, "augment", m % 100_100) < derived_id(&a, "augment", m % 100_100 + 1));
            if a < b {
                prop_assert!(derived < b, "{} {}", derived, b);
            }
        }
    }

    #[test]
    fn ids_keep_readable_names() {
        assert_eq!(id_from_bytes("train/café/a b.1".as_bytes()), "train/café/a%20b.1");
        assert_eq!(id_from_bytes(b"x\xff%"), "x%FF%25");
        assert_eq!(derived_id("a", "augment", 7), "a!augment00007");
        assert_eq!(derived_id("a", "over", 100_000), "a!over~0000100000");
    }

    #[test]
    fn splits_have_their_usual_names() {
        for split in Split::ALL {
            assert_eq!(Split::from_name(split.name()), Some(split));
        }
        assert_eq!(Split::from_name("Validation"), Some(Split::Val));
        assert_eq!(Split::from_name("cats"), None);
        assert_eq!(serde_json::to_string(&Split::Val).unwrap(), "\"val\"");
    }
}
