//! The lists that stages leave beside their datasets, read for the page.

use super::model::{Chart, Picture, Planted, PlantedRow, Removed, RemovedExample, SetAside, Training};
use super::pick::Picked;
use super::words;
use crate::error::{Context, Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Examples shown of one method.
const MAX_EXAMPLES: usize = 16;

/// The objects of a file of JSON lines; none where there is no file.
///
/// # Errors
/// When it cannot be read or a line is not such an object.
pub fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e).at(path),
    };
    let mut out = Vec::new();
    for (i, line) in BufReader::new(file).lines().enumerate() {
        let line = line.at(path)?;
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(&line).map_err(|e| {
            Error::failed(format!("line {} is not as expected ({e}): {}", i + 1, path.display()))
        })?;
        out.push(value);
    }
    Ok(out)
}

fn text(v: &Value, key: &str) -> Option<String> {
    v.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// Samples that were set aside, from `set_aside.jsonl`.
pub fn set_aside(rows: &[Value]) -> Vec<SetAside> {
    rows.iter()
        .map(|v| SetAside {
            source: text(v, "file").unwrap_or_default(),
            row: v.get("row").and_then(Value::as_u64),
            reason: text(v, "reason").unwrap_or_default(),
        })
        .collect()
}

/// The rows of `dropped.jsonl` that become examples, by method: as many as are shown, in the order of the
/// file, and how many there are in all.
pub fn by_method(rows: &[Value]) -> BTreeMap<String, (u64, Vec<&Value>)> {
    let mut out: BTreeMap<String, (u64, Vec<&Value>)> = BTreeMap::new();
    for row in rows {
        let entry = out.entry(text(row, "method").unwrap_or_default()).or_default();
        entry.0 += 1;
        if entry.1.len() < MAX_EXAMPLES {
            entry.1.push(row);
        }
    }
    out
}

/// The ids of a row of `dropped.jsonl`: the sample and the one kept in its place.
pub fn ids(row: &Value) -> impl Iterator<Item = String> {
    [text(row, "id"), text(row, "kept")].into_iter().flatten()
}

/// What was removed, with thumbnails from `found`.
pub fn removed(stage: &str, methods: &BTreeMap<String, (u64, Vec<&Value>)>, found: &Picked) -> Vec<Removed> {
    let picture =
        |id: String| found.by_id.get(&id).cloned().unwrap_or_else(|| Picture { id, ..Picture::default() });
    let example = |row: &&Value| {
        let id = text(row, "id")?;
        Some(RemovedExample {
            class: found.class_of.get(&id).cloned(),
            suggested: text(row, "suggested"),
            kept: text(row, "kept").map(picture),
            score: row.get("score").and_then(Value::as_f64),
            picture: picture(id),
        })
    };
    let mut all: Vec<Removed> = methods
        .iter()
        .map(|(method, (count, rows))| Removed {
            stage: rows.first().and_then(|r| text(r, "stage")).unwrap_or_else(|| stage.to_owned()),
            method: method.clone(),
            count: *count,
            threshold: common_threshold(rows),
            examples: rows.iter().filter_map(example).collect(),
        })
        .collect();
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.method.cmp(&b.method)));
    all
}

/// The planted faults of a demonstration: the list in `demo.json` whose rows have a recall, and the text
/// `story` beside it.
pub fn planted(demo: &Value) -> Option<Planted> {
    let is_it = |list: &&Vec<Value>| list.first().is_some_and(|row| row.get("recall").is_some());
    let rows = demo.as_object()?.values().filter_map(Value::as_array).find(is_it)?;
    let row = |v: &Value| {
        let number = |key: &str| v.get(key).and_then(Value::as_u64);
        let methods = v.get("methods").and_then(Value::as_array);
        let methods: Vec<&str> = methods.into_iter().flatten().filter_map(Value::as_str).collect();
        PlantedRow {
            kind: words::label(&text(v, "kind").unwrap_or_default()),
            stage: text(v, "stage").unwrap_or_default(),
            methods: methods.iter().map(|m| words::label(m)).collect::<Vec<_>>().join(", "),
            planted: number("planted").unwrap_or(0),
            found: number("found").unwrap_or(0),
            flagged: number("flagged"),
            right: number("right"),
            precision: v.get("precision").and_then(Value::as_f64),
            recall: v.get("recall").and_then(Value::as_f64),
        }
    };
    Some(Planted { story: text(demo, "story").unwrap_or_default(), rows: rows.iter().map(row).collect() })
}

/// The threshold that all rows share; none where each sample has its own, or where it is 0 for want of one.
fn common_threshold(rows: &[&Value]) -> Option<f64> {
    let first = rows.first()?.get("threshold")?.as_f64().filter(|t| *t != 0.0)?;
    rows.iter().all(|r| r.get("threshold").and_then(Value::as_f64) == Some(first)).then_some(first)
}

/// Columns of `history.jsonl` that are no curve worth drawing.
const NO_CURVE: [&str; 3] = ["epoch", "beta", "latent_kl"];

/// The course of training, from `history.jsonl`: `train_x` and `val_x` share a chart, as do the
/// losses of a GAN's two networks; anything else has its own.
pub fn training(rows: &[Value], best_epoch: Option<f64>) -> Option<Training> {
    let mut charts: Vec<(String, Chart)> = Vec::new();
    let keys = rows.iter().filter_map(Value::as_object).flat_map(|o| o.keys());
    let mut names: Vec<&String> = keys.filter(|k| !NO_CURVE.contains(&k.as_str())).collect();
    let gan = names.iter().any(|k| *k == "discriminator_loss");
    let chart_of = |name: &str| if gan { gan_chart_of(name) } else { chart_of(name) };
    // Losses first; within a chart the training curve before the validation's.
    names.sort_by_key(|k| (!k.contains("loss"), chart_of(k).0, k.as_str()));
    names.dedup();
    for name in names {
        let points: Vec<(f64, f64)> = rows
            .iter()
            .enumerate()
            .filter_map(|(i, row)| {
                let epoch = row.get("epoch").and_then(Value::as_f64).unwrap_or(i as f64 + 1.0);
                Some((epoch, row.get(name)?.as_f64()?))
            })
            .collect();
        if points.len() < 2 {
            continue;
        }
        let (title, curve) = chart_of(name);
        match charts.iter_mut().find(|(t, _)| *t == title) {
            Some((_, chart)) => chart.curves.push((curve, points)),
            None => charts.push((title.clone(), Chart { title, curves: vec![(curve, points)] })),
        }
    }
    (!rows.is_empty()).then(|| Training {
        charts: charts.into_iter().map(|c| c.1).collect(),
        best_epoch,
        epochs: rows.len(),
        ..Training::default()
    })
}

/// The chart that a column belongs to, and its name there.
fn chart_of(name: &str) -> (String, String) {
    let known = |stem: &str| match stem {
        "loss" => "Loss".to_owned(),
        "kl" => "KL divergence".to_owned(),
        "recon" => "Reconstruction".to_owned(),
        "elbo" => "Evidence lower bound (ELBO)".to_owned(),
        "diversity" => "Distance between samples, over that of the data".to_owned(),
        "active_units" => "Latent values in use".to_owned(),
        "overfitting" => "Overfitting of the discriminator (r)".to_owned(),
        "ada_p" => "Probability of augmentations".to_owned(),
        "r1" => "Penalty on the discriminator's slope".to_owned(),
        other => words::label(other),
    };
    if let Some(stem) = name.strip_prefix("train_") {
        return (known(stem), "train".into());
    }
    if let Some(stem) = name.strip_prefix("val_") {
        return (known(stem), "validation".into());
    }
    (known(name), "train".into())
}

/// The same for a GAN, whose generator's loss is the one that is called the training's.
fn gan_chart_of(name: &str) -> (String, String) {
    let (losses, accuracies) = ("Loss of the two networks", "Accuracy of the discriminator");
    match name {
        "train_loss" => (losses.into(), "generator".into()),
        "discriminator_loss" => (losses.into(), "discriminator".into()),
        "real_accuracy" => (accuracies.into(), "real samples".into()),
        "fake_accuracy" => (accuracies.into(), "generated samples".into()),
        other => chart_of(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Epoch;
    use serde_json::json;

    #[test]
    fn lines_are_read_and_bad_ones_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        assert!(json_lines::<Value>(&path).unwrap().is_empty());
        std::fs::write(&path, "{\"a\":1}\n\n{\"a\":2}\n").unwrap();
        assert_eq!(json_lines::<Value>(&path).unwrap().len(), 2);
        std::fs::write(&path, "{\"a\":1}\n{").unwrap();
        let e = json_lines::<Value>(&path).unwrap_err();
        assert!(e.message.contains("line 2") && e.message.contains("x.jsonl"), "{e}");
    }

    #[test]
    fn planted_faults_are_found_by_their_recall() {
        let demo = json!({"seed": 7, "files": ["a"], "found": [
            {"kind": "wrong_label", "stage": "prune", "methods": ["label"], "planted": 40, "found": 36,
             "flagged": 44, "right": 35, "precision": 0.795, "recall": 0.9}]});
        let rows = planted(&demo).unwrap().rows;
        assert_eq!(
            (rows[0].kind.as_str(), rows[0].flagged, rows[0].recall),
            ("Wrong label", Some(44), Some(0.9))
        );
        assert!(planted(&json!({"found": []})).is_none());
    }

    #[test]
    fn train_and_validation_share_a_chart() {
        let rows: Vec<Value> = (1..=3)
            .map(|e| json!({"epoch": e, "train_loss": 9 - e, "val_loss": 10 - e, "kl": e, "val_kl": e, "beta": 0.1}))
            .collect();
        let t = training(&rows, Some(2.0)).unwrap();
        let titles: Vec<_> = t.charts.iter().map(|c| (c.title.as_str(), c.curves.len())).collect();
        assert_eq!(titles, [("Loss", 2), ("KL divergence", 2)]);
        assert_eq!(t.charts[0].curves[0].0, "train");
        assert_eq!(t.charts[0].curves[1].1, [(1.0, 9.0), (2.0, 8.0), (3.0, 7.0)]);
        assert!(training(&[], None).is_none());
    }

    #[test]
    fn the_two_networks_of_a_gan_share_a_chart() {
        let epoch = |epoch| Epoch {
            epoch,
            train_loss: 1.0,
            discriminator_loss: Some(2.0),
            real_accuracy: Some(0.5),
            fake_accuracy: Some(0.5),
            ..Epoch::default()
        };
        let rows = [1, 2].map(|e| serde_json::to_value(epoch(e)).unwrap());
        let charts = training(&rows, None).unwrap().charts;
        let names = |chart: &Chart| chart.curves.iter().map(|c| c.0.clone()).collect::<Vec<_>>();
        assert_eq!(charts.len(), 2);
        assert_eq!(
            (charts[0].title.as_str(), names(&charts[0])),
            ("Loss of the two networks", vec!["discriminator".into(), "generator".into()])
        );
        assert_eq!(charts[1].title, "Accuracy of the discriminator");
    }

    #[test]
    fn removed_samples_are_grouped_by_method() {
        let rows = [
            json!({"id": "a", "stage": "prune", "method": "exact", "kept": "b", "score": 0}),
            json!({"id": "c", "stage": "prune", "method": "exact", "kept": "b", "score": 0}),
            json!({"id": "d", "stage": "prune", "method": "label", "score": 0.1, "threshold": 0.4, "suggested": "8"}),
        ];
        let methods = by_method(&rows);
        let all = removed("prune", &methods, &Picked::default());
        assert_eq!(
            all.iter().map(|r| (r.method.as_str(), r.count)).collect::<Vec<_>>(),
            [("exact", 2), ("label", 1)]
        );
        assert_eq!(all[0].examples[1].kept.as_ref().unwrap().id, "b");
        assert_eq!((all[1].threshold, all[1].examples[0].suggested.as_deref()), (Some(0.4), Some("8")));
        assert_eq!(ids(&rows[0]).collect::<Vec<_>>(), ["a", "b"]);
    }
}
