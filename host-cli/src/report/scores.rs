//! The scores of `evaluate` as tables and headline figures.

use super::model::{ScoreColumn, ScoreRow, ScoreTable, Tile};
use super::number;
use super::words;
use serde_json::{Map, Value};

/// The metrics in the order of the table: key, name, meaning.
const METRICS: [(&str, &str, &str); 6] = [
    ("frechet", "Fréchet distance", "between two normal distributions; lower is better"),
    ("kid", "Kernel distance (KID)", "polynomial kernel, mean over subsets; lower is better"),
    ("precision", "Precision", "share of samples that look real; higher is better"),
    ("recall", "Recall", "share of real samples that are covered; higher is better"),
    ("density", "Density", "how many real neighbourhoods a sample lies in; near 1 is good"),
    ("coverage", "Coverage", "share of real neighbourhoods that are reached; higher is better"),
];

/// The columns: the name in the figures, and on the page.
const SETS: [(&str, &str); 3] = [
    ("train", "Real train samples (floor)"),
    ("reconstructed", "Reconstructions"),
    ("generated", "Generated"),
];

/// The tables of scores; none where nothing was compared.
pub fn tables(figures: &Map<String, Value>) -> Vec<ScoreTable> {
    let text = |key: &str| figures.get(key).and_then(Value::as_str).unwrap_or_default();
    let all = figures.get("scores").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let find = |name: &str| all.iter().find(|s| s.get("name").and_then(Value::as_str) == Some(name));
    let sets: Vec<(&str, &Value)> =
        SETS.iter().filter_map(|(key, shown)| Some((*shown, find(key)?))).collect();
    let mut out = Vec::new();
    if !sets.is_empty() {
        let size = |s: &Value, key: &str| {
            s.get(key).and_then(Value::as_u64).map_or_else(|| "?".into(), number::count)
        };
        let column = |(name, s): &(&str, &Value)| ScoreColumn {
            name: (*name).to_owned(),
            sizes: format!("{} against {} real", size(s, "compared"), size(s, "real")),
        };
        let row = |(key, metric, meaning): &(&str, &str, &str)| ScoreRow {
            metric: (*metric).to_owned(),
            meaning: (*meaning).to_owned(),
            values: sets.iter().map(|(_, s)| s.get("scores")?.get(*key)?.as_f64()).collect(),
        };
        let k = figures.get("k").and_then(Value::as_u64).map_or_else(String::new, |k| format!("; k = {k}"));
        out.push(ScoreTable {
            caption: format!("Against {}, in {}{k}", real(figures), text("features")),
            columns: sets.iter().map(column).collect(),
            rows: METRICS.iter().map(row).collect(),
        });
    }
    out.extend(figures.get("memorisation").and_then(memorisation));
    out
}

/// The scores that could not be had, and why.
pub fn left_out(figures: &Map<String, Value>) -> Vec<String> {
    let list = figures.get("left_out").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|reason| reason.as_str().map(str::to_owned)).collect()
}

/// What the real samples are, in words.
fn real(figures: &Map<String, Value>) -> String {
    let held_out = figures.get("held_out").and_then(Value::as_bool).unwrap_or(true);
    match figures.get("real_split").and_then(Value::as_str) {
        _ if !held_out => "the real samples that the model learnt from".to_owned(),
        Some("all") | None => "all real samples".to_owned(),
        Some(split) => format!("the real {split} split"),
    }
}

/// Whether generated samples are copies of training samples, beside real samples that cannot be.
fn memorisation(m: &Value) -> Option<ScoreTable> {
    let n = |key: &str| m.get(key).and_then(Value::as_f64);
    let column = |name: &str, key: &str| ScoreColumn {
        name: name.to_owned(),
        sizes: format!(
            "{} against {} train",
            number::value(n(key).unwrap_or(f64::NAN)),
            number::value(n("train").unwrap_or(f64::NAN))
        ),
    };
    let row = |metric: &str, meaning: &str, values: [Option<f64>; 2]| ScoreRow {
        metric: metric.to_owned(),
        meaning: meaning.to_owned(),
        values: values.into(),
    };
    n("generated")?;
    Some(ScoreTable {
        caption: "Did the model learn by heart?".to_owned(),
        columns: vec![column("Held-out real samples", "held_out"), column("Generated", "generated")],
        rows: vec![
            row(
                "Copies",
                "share that is much nearer to one training sample than to any other",
                [n("held_out_copied"), n("copied")],
            ),
            row("Identical", "samples equal to a training sample", [None, n("identical")]),
            row(
                "Nearer than real ones",
                "standard score of a rank test; below 0 is nearer to training samples, as smooth samples are, too",
                [None, n("z")],
            ),
            row(
                "Of the same class",
                "share whose nearest training sample has their class",
                [None, n("nearest_train_has_same_class")],
            ),
        ],
    })
}

/// The headline figures: Fréchet distance and coverage of the generated samples beside their floor.
pub fn tiles(tables: &[ScoreTable]) -> Vec<Tile> {
    let Some(table) = tables.first() else { return Vec::new() };
    let at = |name: &str| table.columns.iter().position(|c| c.name.starts_with(name));
    let Some(generated) = at("Generated") else { return Vec::new() };
    let floor = at("Real");
    let tile = |metric: &str| {
        let row = table.rows.iter().find(|r| r.metric == metric)?;
        let value = row.values.get(generated).copied().flatten()?;
        let floor = floor.and_then(|f| row.values.get(f).copied().flatten());
        let note = floor.map_or_else(String::new, |f| format!("{} for real train samples", number::value(f)));
        Some(Tile { label: words::label(metric), value: number::value(value), note })
    };
    ["Fréchet distance", "Coverage"].into_iter().filter_map(tile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scores_become_a_table_with_the_floor_first() {
        let figures = json!({
            "features": "16 principal components", "real_split": "test", "k": 5,
            "scores": [
                {"name": "generated", "real": 140, "compared": 140, "available": 500, "scores": {"frechet": 3.0, "coverage": 0.9}},
                {"name": "train", "real": 140, "compared": 140, "available": 1120, "scores": {"frechet": 0.4, "coverage": 0.97}},
            ],
            "memorisation": {"generated": 500, "held_out": 140, "train": 1120, "copied": 0.01, "held_out_copied": 0.02,
                             "identical": 0, "z": 0.3, "nearest_train_has_same_class": 0.99},
        });
        let reasons = json!({"left_out": ["all scores: 2 real samples"], "scores": []});
        assert_eq!(left_out(reasons.as_object().unwrap()), ["all scores: 2 real samples"]);
        let tables = tables(figures.as_object().unwrap());
        assert_eq!(tables.len(), 2);
        assert_eq!(
            tables[0].columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
            ["Real train samples (floor)", "Generated"]
        );
        assert_eq!(tables[0].rows[0].values, [Some(0.4), Some(3.0)]);
        assert_eq!(tables[0].rows[1].values, [None, None]);
        assert!(
            tables[0].caption.contains("16 principal")
                && tables[0].columns[1].sizes == "140 against 140 real"
        );
        let shown: Vec<_> =
            tiles(&tables).iter().map(|t| format!("{} {} {}", t.label, t.value, t.note)).collect();
        assert_eq!(
            shown,
            ["Fréchet distance 3 0.4 for real train samples", "Coverage 0.9 0.97 for real train samples"]
        );
        let caption = |split: &str, held_out: bool| {
            real(json!({"real_split": split, "held_out": held_out}).as_object().unwrap())
        };
        assert_eq!(caption("val", true), "the real val split");
        assert_eq!(caption("all", true), "all real samples");
        assert_eq!(caption("all", false), "the real samples that the model learnt from");
        assert!(super::tables(&Map::new()).is_empty() && tiles(&[]).is_empty());
    }
}
