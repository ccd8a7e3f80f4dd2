//! What stands beside the samples: `dataset_info.json`, as Hugging Face datasets has it (the features with the names of the
//! classes, how many samples each split has, and under `seedbed` what it has no place for), and where Hugging Face datasets
//! reads the format a `README.md` that tells it which files are data.

use super::{ExportFormat, Selection};
use crate::dataset::{Meta, Split, Storage, hugging_face_features};
use crate::error::{Context, Result};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The name of the file; Hugging Face datasets does not take it for data.
const FILE: &str = "dataset_info.json";

/// Writes the files.
pub fn write(format: ExportFormat, selection: &Selection, out: &Path) -> Result<()> {
    if let Some(data_files) = data_files(format, selection) {
        let path = out.join("README.md");
        let configs = format!("---\nconfigs:\n- config_name: default\n  data_files:{data_files}\n---\n");
        let text =
            format!("{configs}\n# {}\n\nWritten by seedbed; more in `{FILE}`.\n", selection.meta().name);
        std::fs::write(&path, text).at(&path)?;
    }
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

/// The files of data, in YAML.
fn data_files(format: ExportFormat, selection: &Selection) -> Option<String> {
    let files = match format {
        ExportFormat::Csv => return Some(" dataset.csv".into()),
        ExportFormat::Jsonl => return Some(" dataset.jsonl".into()),
        ExportFormat::Parquet => return Some(" dataset.parquet".into()),
        ExportFormat::Arrow => return Some(" dataset.arrow".into()),
        ExportFormat::Folder => "**",
        ExportFormat::WebDataset => "*.tar",
        ExportFormat::Npz
        | ExportFormat::Idx
        | ExportFormat::Cifar
        | ExportFormat::Cifar100
        | ExportFormat::TfRecord => return None,
    };
    let entry = |(split, _): (Split, u64)| {
        let name = if split == Split::Val { "validation" } else { split.name() };
        format!("\n  - split: {name}\n    path: {}/{files}", split.name())
    };
    Some(selection.counts().into_iter().filter(|(_, n)| *n > 0).map(entry).collect())
}
