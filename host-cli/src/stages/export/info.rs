//! `dataset_info.json`, as Hugging Face datasets has it: the features with the names of the classes, and how many samples
//! each split has; and under `seedbed` what it has no place for.

use super::Selection;
use crate::dataset::{Meta, Storage, hugging_face_features};
use crate::error::{Context, Result};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The name of the file; Hugging Face datasets does not take it for data.
pub const FILE: &str = "dataset_info.json";

/// Writes the file.
pub fn write(selection: &Selection, out: &Path) -> Result<()> {
    let meta = selection.meta();
    let present = selection.counts().into_iter().filter(|(_, n)| *n > 0);
    let splits: Map<String, Value> = present
        .map(|(split, n)| (split.name().to_owned(), json!({"name": split.name(), "num_examples": n})))
        .collect();
    let info = json!({
        "dataset_name": meta.name,
        "features": hugging_face_features(&Meta { storage: Storage::Png, ..meta.clone() }),
        "splits": splits,
        "seedbed": {
            "kinds": meta.kinds().collect::<Vec<_>>(),
            "classes": meta.classes,
            "columns": meta.columns,
            "features": meta.features,
            "normalize": meta.normalize,
        },
    });
    let path = out.join(FILE);
    let mut text = serde_json::to_vec_pretty(&info).at(&path)?;
    text.push(b'\n');
    std::fs::write(&path, text).at(&path)
}
