//! The `README.md` of a dataset folder: for people, and for Hugging Face datasets, which without it
//! would take `dataset.json` for data.

use super::meta::{FILE, Kind, Meta};
use std::fmt::Write;

/// The text of the file.
pub fn text(meta: &Meta) -> String {
    let mut card =
        String::from("---\nconfigs:\n- config_name: default\n  data_files: data-*.parquet\n---\n\n");
    let what = match (meta.kind, meta.image) {
        (Kind::Table, _) => format!("rows of {} features", meta.columns.len()),
        (Kind::Images, None) => "pictures of different sizes".into(),
        (Kind::Images, Some(s)) => format!("pictures of {} x {} x {}", s.height, s.width, s.channels),
    };
    let counts = &meta.counts;
    // Writing into a string does not fail.
    let _ = writeln!(
        card,
        "# {}\n\n{} samples ({} train, {} val, {} test): {what}.\n\n| class | samples |\n| --- | --- |",
        meta.name, counts.samples, counts.train, counts.val, counts.test
    );
    for (name, n) in meta.classes.iter().zip(&counts.per_class) {
        let _ = writeln!(card, "| {} | {n} |", name.replace('|', "\\|").replace(['\n', '\r'], " "));
    }
    if counts.unlabelled > 0 {
        let _ = writeln!(card, "| (none) | {} |", counts.unlabelled);
    }
    let _ = writeln!(card, "\nWritten by seedbed; more in `{FILE}`.");
    card
}
