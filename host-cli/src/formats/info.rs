//! What an export of ours tells of a dataset beside its samples, in `dataset_info.json`.

use super::Source;
use crate::dataset::{Feature, Normalize};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// The name of the file.
pub(super) const FILE: &str = "dataset_info.json";

/// What the format of the samples has no place for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Info {
    /// The classes in the order of their numbers.
    pub classes: Vec<String>,
    /// The columns in their order.
    pub columns: Vec<String>,
    features: Vec<Feature>,
    normalize: Option<Normalize>,
    /// Whether there is such a file of ours.
    #[serde(skip)]
    found: bool,
}

/// What stands in the file of this folder; nothing where there is none of ours.
pub(super) fn load(folder: &Path) -> Info {
    let read = || {
        let text = std::fs::read(folder.join(FILE)).ok()?;
        let mut info: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let info: Info = serde_json::from_value(info.get_mut("seedbed")?.take()).ok()?;
        Some(Info { found: true, ..info })
    };
    read().unwrap_or_default()
}

/// The source with its classes in this order, where all that came are among them.
pub(super) fn with_classes(mut source: Source, classes: Vec<String>) -> Source {
    Info { classes, ..Info::default() }.apply(&mut source);
    source
}

impl Info {
    /// Keeps the splits as they are told, gives the classes their order, where all that came are among those told, and the columns what is known of them,
    /// where they are these.
    pub fn apply(self, source: &mut Source) {
        source.divided |= self.found && source.entries.iter().all(|entry| entry.split.is_some());
        let numbers: HashMap<&str, u32> =
            self.classes.iter().zip(0u32..).map(|(name, i)| (name.as_str(), i)).collect();
        let new: Option<Vec<u32>> =
            source.classes.iter().map(|name| numbers.get(name.as_str()).copied()).collect();
        if let Some(new) = new {
            for entry in &mut source.entries {
                entry.label = entry.label.and_then(|label| new.get(label as usize).copied());
            }
            source.classes = self.classes;
        }
        if source.columns == self.columns {
            if self.features.len() == self.columns.len() {
                source.groups = self.features.into_iter().map(|feature| feature.group).collect();
            }
            source.normalize = self.normalize;
        }
    }
}
