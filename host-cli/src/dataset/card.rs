//! The `README.md` of a dataset folder: for people, and for Hugging Face datasets, which without it
//! would take `dataset.json` for data.

use super::meta::{FILE, Kind, Meta};
use std::fmt::Write;

/// The text of the file.
pub fn text(meta: &Meta) -> String {
    let files = meta.storage.extension();
    let mut card = format!("---\nconfigs:\n- config_name: default\n  data_files: data-*.{files}\n---\n\n");
    let pictures = || match meta.image {
        None => "pictures of different sizes".to_owned(),
        Some(s) => format!("pictures of {} x {} x {}", s.height, s.width, s.channels),
    };
    let words = |kind| match kind {
        Kind::Images => pictures(),
        Kind::Table => format!("rows of {} features", meta.columns.len()),
        other => other.words().to_owned(),
    };
    let what = meta.kinds().map(words).collect::<Vec<_>>().join(" and ");
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
