//! What a command prints on stdout: one JSON object, or lines for people.

use crate::error::{Context, Result};
use crate::report::number;
use crate::run::StageRecord;
use crate::stages::collect::SET_ASIDE_FILE;
use serde_json::{Map, Value, json};
use std::io::{Write, stdout};
use std::path::Path;

/// Writes `text` and a line end to stdout. A reader that went away is an error of kind
/// [`Closed`](crate::error::Kind::Closed).
///
/// # Errors
/// When stdout cannot be written.
pub fn line(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).at("standard output")
}

/// The object of `--json`: the figures with `samples`, `set_aside` and `out` before them.
pub fn object(samples: u64, set_aside: u64, out: &Path, figures: &Map<String, Value>) -> Value {
    let mut all = figures.clone();
    all.insert("samples".into(), samples.into());
    all.insert("set_aside".into(), set_aside.into());
    all.insert("out".into(), path(out));
    Value::Object(all)
}

/// A path as text; JSON has no place for bytes that are not UTF-8.
pub fn path(path: &Path) -> Value {
    path.display().to_string().into()
}

/// The object of `--json` for a stage, whose folder is `out`.
pub fn record(record: &StageRecord, out: &Path) -> Value {
    let mut all = record.figures.clone();
    all.insert("stage".into(), json!(record.stage));
    all.insert("key".into(), json!(record.key));
    all.insert("cached".into(), json!(record.cached));
    all.insert("seconds".into(), json!(record.seconds));
    object(record.samples, record.set_aside, out, &all)
}

/// Prints what one stage did.
///
/// # Errors
/// When stdout cannot be written.
pub fn stage(done: &StageRecord, out: &Path, as_json: bool) -> Result<()> {
    line(&if as_json { record(done, out).to_string() } else { summary(done, out) })
}

fn summary(record: &StageRecord, out: &Path) -> String {
    let mut text = format!("{}: {} samples", record.stage, number::count(record.samples));
    if record.set_aside > 0 {
        let list = out.join(SET_ASIDE_FILE);
        text.push_str(&format!(", {} set aside (see {})", number::count(record.set_aside), list.display()));
    }
    let time = number::duration(std::time::Duration::try_from_secs_f64(record.seconds).unwrap_or_default());
    text.push_str(&format!(", {time}{}", if record.cached { " (kept from before)" } else { "" }));
    let mut rows = Vec::new();
    for (name, value) in &record.figures {
        flatten(name, value, &mut rows);
    }
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in rows {
        text.push_str(&format!("\n  {name:width$}  {value}"));
    }
    text.push_str(&format!("\n  → {}", out.display()));
    text
}

/// Prints rows of a name and a text.
///
/// # Errors
/// When stdout cannot be written.
pub fn table(rows: &[(String, String)]) -> Result<()> {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().try_for_each(|(name, value)| line(&format!("{name:width$}  {value}")))
}

/// Entries of a list or of an object shown one by one, at most.
const MAX_SHOWN: usize = 16;

/// `value` as rows of a name and a text; what is inside an object has its name before it.
pub fn flatten(name: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Null => rows.push((name.to_owned(), "–".into())),
        Value::Bool(b) => rows.push((name.to_owned(), if *b { "yes" } else { "no" }.into())),
        Value::Number(n) => {
            let text =
                n.as_u64().map_or_else(|| number::value(n.as_f64().unwrap_or(f64::NAN)), number::count);
            rows.push((name.to_owned(), text));
        }
        Value::String(s) => rows.push((name.to_owned(), s.clone())),
        Value::Array(list) if list.iter().all(|v| !v.is_object() && !v.is_array()) => {
            let mut cells = Vec::new();
            list.iter().take(MAX_SHOWN).for_each(|v| flatten("", v, &mut cells));
            let mut text = cells.into_iter().map(|c| c.1).collect::<Vec<_>>().join(", ");
            if list.len() > MAX_SHOWN {
                text.push_str(&format!(", … ({} in all)", list.len()));
            }
            rows.push((name.to_owned(), text));
        }
        Value::Array(list) => {
            for (i, v) in list.iter().take(MAX_SHOWN).enumerate() {
                flatten(&format!("{name}.{i}"), v, rows);
            }
        }
        Value::Object(map) => {
            for (inner, v) in map.iter().take(4 * MAX_SHOWN) {
                flatten(&format!("{name}.{inner}"), v, rows);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_become_rows() {
        let mut rows = Vec::new();
        let value =
            json!({"per_class": {"a": 1200, "b": 0.5}, "list": [1, 2], "none": null, "deep": [{"x": true}]});
        flatten("f", &value, &mut rows);
        let text: Vec<_> = rows.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(
            text,
            ["f.deep.0.x=yes", "f.list=1, 2", "f.none=–", "f.per_class.a=1,200", "f.per_class.b=0.5"]
        );
    }

    #[test]
    fn the_object_has_what_was_promised() {
        let figures = json!({"dropped": 4, "samples": "never this"}).as_object().cloned().unwrap();
        let all = object(7, 1, Path::new("o"), &figures);
        assert_eq!(all, json!({"dropped": 4, "samples": 7, "set_aside": 1, "out": "o"}));
        let done = StageRecord { stage: "prune".into(), samples: 3, ..StageRecord::default() };
        let all = record(&done, Path::new("o"));
        assert_eq!(
            (&all["stage"], &all["samples"], &all["cached"]),
            (&json!("prune"), &json!(3), &json!(false))
        );
    }

    #[test]
    fn a_summary_says_what_and_where() {
        let record =
            StageRecord { stage: "prune".into(), samples: 1405, set_aside: 2, ..StageRecord::default() };
        assert_eq!(
            summary(&record, Path::new("o")),
            "prune: 1,405 samples, 2 set aside (see o/set_aside.jsonl), 0 ms\n  → o"
        );
    }
}
