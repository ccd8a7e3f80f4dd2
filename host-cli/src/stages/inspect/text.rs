//! The figures of `inspect` as text for people.

use crate::stages::Outcome;
use serde_json::{Map, Value};
use std::fmt::Write;

/// Width of the longest bar of a class.
const BAR: usize = 30;
/// Rows of a table that are shown.
const ROWS: usize = 40;

/// The figures as text, with a line end.
pub fn text(outcome: &Outcome) -> String {
    let figures = &outcome.figures;
    let mut out = String::new();
    let at = |path: &str| number(figures_at(figures, path));
    // Writing into a string does not fail.
    let _ = writeln!(
        out,
        "{}: {} samples ({} train, {} val, {} test)",
        figures.get("name").and_then(Value::as_str).unwrap_or("dataset"),
        outcome.samples,
        at("splits/train"),
        at("splits/val"),
        at("splits/test")
    );
    classes(&mut out, figures);
    images(&mut out, figures);
    columns(&mut out, figures);
    let _ = writeln!(
        out,
        "exact duplicates: {} in {} groups ({} across splits, {} with another label)",
        at("duplicates/samples"),
        at("duplicates/groups"),
        at("duplicates/across_splits"),
        at("duplicates/other_label")
    );
    let _ = writeln!(out, "outliers: {}", at("outliers"));
    if figures.contains_key("channels")
        && let Some(issues) = figures.get("issues").and_then(Value::as_object)
    {
        let list: Vec<String> = issues
            .iter()
            .map(|(name, n)| format!("{} {}", name.replace('_', " "), number(Some(n))))
            .collect();
        let _ = writeln!(out, "quality: {}", list.join(", "));
    }
    out
}

fn figures_at<'a>(figures: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('/');
    let first = figures.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// A number with at most four digits after the point; a dash where there is none.
fn number(value: Option<&Value>) -> String {
    match value.and_then(Value::as_f64) {
        None => "–".into(),
        Some(v) if v == v.trunc() && v.abs() < 1e15 => format!("{v}"),
        Some(v) if v.abs() >= 1e6 || v.abs() < 1e-3 => format!("{v:.3e}"),
        Some(v) => {
            let text = format!("{v:.4}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

fn classes(out: &mut String, figures: &Map<String, Value>) {
    let list = figures.get("classes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let count = |c: &Value| c.get("samples").and_then(Value::as_u64).unwrap_or(0);
    let name = |c: &Value| c.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
    let most = list.iter().map(count).max().unwrap_or(0).max(1);
    let wide = list.iter().map(|c| name(c).chars().count()).max().unwrap_or(0);
    for class in list.iter().take(ROWS) {
        let n = count(class);
        let bar = "█".repeat((n as u128 * BAR as u128).div_ceil(most as u128) as usize);
        let _ = writeln!(out, "  {:wide$}  {n:>8}  {bar}", name(class));
    }
    more(out, list.len(), "classes");
    let unlabelled = figures.get("unlabelled").and_then(Value::as_u64).unwrap_or(0);
    if unlabelled > 0 {
        let _ = writeln!(out, "  without a label: {unlabelled}");
    }
    if let Some(ratio) = figures_at(figures, "imbalance/ratio").filter(|r| !r.is_null()) {
        let class = |which| figures_at(figures, which).and_then(Value::as_str).unwrap_or("");
        let _ = writeln!(
            out,
            "imbalance: {} ({} over {}, train split)",
            number(Some(ratio)),
            class("imbalance/largest"),
            class("imbalance/smallest")
        );
    }
}

fn more(out: &mut String, len: usize, what: &str) {
    if len > ROWS {
        let _ = writeln!(out, "  … and {} more {what}", len - ROWS);
    }
}

fn images(out: &mut String, figures: &Map<String, Value>) {
    let Some(channels) = figures.get("channels").and_then(Value::as_array) else { return };
    if let Some(sizes) = figures_at(figures, "sizes/most").and_then(Value::as_array) {
        let one = |pair: &Value| {
            let name = pair.get(0).and_then(Value::as_str).unwrap_or("");
            format!("{name} ({})", number(pair.get(1)))
        };
        let list: Vec<String> = sizes.iter().map(one).collect();
        let distinct = number(figures_at(figures, "sizes/distinct"));
        let _ = writeln!(out, "sizes (height x width x channels), {distinct} in all: {}", list.join(", "));
    }
    for (i, channel) in channels.iter().enumerate() {
        let of = |what: &str| number(channel.get(what));
        let _ = writeln!(
            out,
            "channel {i}: mean {}, std {}, from {} to {}",
            of("mean"),
            of("std"),
            of("min"),
            of("max")
        );
    }
}

fn columns(out: &mut String, figures: &Map<String, Value>) {
    let Some(columns) = figures.get("columns").and_then(Value::as_array) else { return };
    let name = |c: &Value| c.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
    let wide = columns.iter().map(|c| name(c).chars().count()).max().unwrap_or(0).max("column".len());
    let heads = ["mean", "std", "min", "median", "max", "missing"];
    let line = |out: &mut String, first: &str, cells: [String; 6]| {
        let cells: String = cells.iter().map(|c| format!(" {c:>12}")).collect();
        let _ = writeln!(out, "  {first:wide$}{cells}");
    };
    line(out, "column", heads.map(String::from));
    for column in columns.iter().take(ROWS) {
        line(out, &name(column), heads.map(|head| number(column.get(head))));
    }
    more(out, columns.len(), "columns");
    let _ = writeln!(out, "missing values: {}", number(figures.get("missing")));
}
