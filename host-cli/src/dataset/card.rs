//! The `README.md` of a dataset folder: for people, and for Hugging Face datasets, which without it
//! would take `dataset.json` for data. Of raw pictures it also tells the columns, since Hugging Face datasets knows no
//! type of its own for Arrow's tensors, and takes them for lists when it is told so.

use super::meta::{FILE, Kind, Meta, Storage};
use super::schema;
use serde_json::Value;
use std::fmt::Write;

/// The text of the file.
pub fn text(meta: &Meta) -> String {
    let files = meta.storage.extension();
    let columns = if meta.storage == Storage::Raw { columns(meta) } else { String::new() };
    let configs = format!("configs:\n- config_name: default\n  data_files: data-*.{files}\n");
    let mut card = format!("---\n{configs}{columns}---\n\n");
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

/// The columns in YAML, as Hugging Face datasets has them. It looks at the first key of each but the name.
fn columns(meta: &Meta) -> String {
    let mut yaml = "dataset_info:\n  features:\n".to_owned();
    for (name, feature) in schema::features(meta) {
        let _ = writeln!(yaml, "  - name: {}", quoted(&name));
        let word = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
        let _ = match feature["_type"].as_str() {
            Some("ClassLabel") => {
                yaml.push_str("    dtype:\n      class_label:\n        names:\n");
                let names = feature["names"].as_array().into_iter().flatten().filter_map(Value::as_str);
                names.enumerate().try_for_each(|(i, n)| writeln!(yaml, "          '{i}': {}", quoted(n)))
            }
            Some("Sequence") => {
                let (of, length) = (word(&feature["feature"]["dtype"]), &feature["length"]);
                writeln!(yaml, "    list: {of}\n    length: {length}")
            }
            Some("Value") => writeln!(yaml, "    dtype: {}", word(&feature["dtype"])),
            _ => writeln!(yaml, "    dtype: {}", word(&feature["_type"])),
        };
    }
    yaml
}

/// A text in YAML, with what is no letter, digit or plain sign by its number.
fn quoted(text: &str) -> String {
    let mut yaml = "\"".to_owned();
    for c in text.chars() {
        match c {
            ' '..='~' if !matches!(c, '"' | '\\') => yaml.push(c),
            c if c.is_alphanumeric() => yaml.push(c),
            c => yaml.push_str(&format!("\\U{:08X}", u32::from(c))),
        }
    }
    yaml.push('"');
    yaml
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ImageShape;

    #[test]
    fn raw_pictures_are_told_as_lists() {
        let shape = ImageShape { height: 2, width: 3, channels: 1 };
        let meta = Meta::images("i", vec!["no: \"yes\"\n".into(), "Kätzchen".into()]);
        assert!(!text(&meta).contains("dataset_info"));
        let raw = text(&Meta { storage: Storage::Raw, image: Some(shape), ..meta });
        for part in [
            "  data_files: data-*.arrow\ndataset_info:\n  features:\n  - name: \"id\"\n    dtype: string\n",
            "  - name: \"image\"\n    list: uint8\n    length: 6\n",
            "          '0': \"no: \\U00000022yes\\U00000022\\U0000000A\"\n          '1': \"Kätzchen\"\n",
        ] {
            assert!(raw.contains(part), "{part}\n{raw}");
        }
    }
}
