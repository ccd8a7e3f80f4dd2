//! What a search came to: for people, as a table of a recipe, and as figures.

use super::probe::COPIES;
use super::{By, Found, Outcome, Trial};
use crate::report::number;
use seedbed::augment::VERSION;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// A measure: an accuracy as `71.2 %`, or a distance.
fn measure(by: By, value: f64) -> String {
    match by {
        By::Density => number::value(value),
        By::Auto | By::Accuracy => format!("{:.1} %", 100.0 * value),
    }
}

/// A difference of measures with its sign: accuracies in points, distances as such.
fn difference(by: By, value: f64) -> String {
    let (value, decimals) = match by {
        By::Density => (value, 5),
        By::Auto | By::Accuracy => (100.0 * value, 2),
    };
    let text = format!("{:.decimals$}", value.abs());
    let sign = match value {
        _ if text.bytes().all(|c| matches!(c, b'0' | b'.')) => "",
        v if v < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{text}")
}

/// All of it, without a line end.
pub fn text(found: &Found) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = writeln!(
        out,
        "search: {} augmentations on {} pictures of the train split, by {}",
        found.trials.len(),
        number::count(found.train as u64),
        match found.by {
            By::Density => "the energy distance of copies of one half from the other half (less is better)",
            By::Auto | By::Accuracy => "the accuracy of a small network",
        }
    );
    if found.duplicates > 0 {
        let _ = writeln!(out, "{} pictures that equal others did not count", found.duplicates);
    }
    if !found.left_out.is_empty() {
        let _ = writeln!(out, "classes with too few pictures did not count: {}", found.left_out.join(", "));
    }
    table(&mut out, found);
    verdict(&mut out, found);
    out += &toml(found);
    out.trim_end().to_owned()
}

/// A row for each trial, and one for none.
fn table(out: &mut String, found: &Found) {
    let rungs = found.none.len();
    let row = |out: &mut String, rank: &str, scores: &[f64], what: &str| {
        let cell = |i: usize| scores.get(i).map_or(String::new(), |&score| measure(found.by, score));
        let cells: String = (0..rungs).map(|i| format!(" {:>9}", cell(i))).collect();
        let _ = writeln!(out, "{rank:>4}{cells}  {what}");
    };
    let heads: String = (1..=rungs).map(|i| format!(" {:>9}", format!("rung {i}"))).collect();
    let _ = writeln!(out, "\nrank{heads}  operations");
    for (i, Trial { candidate, scores }) in found.trials.iter().enumerate() {
        row(out, &(i + 1).to_string(), scores, &candidate.short());
    }
    row(out, "–", &found.none, "none");
    out.push('\n');
}

/// The verdict in words.
fn verdict(out: &mut String, found: &Found) {
    let (by, verdict) = (found.by, &found.verdict);
    let what = match by {
        By::Density => "less distance than",
        By::Auto | By::Accuracy => "points of accuracy over",
    };
    let judges = if found.of_val { "of the val split" } else { "held out from train before the search" };
    let [low, high] = verdict.interval.map(|end| difference(by, end));
    let _ = writeln!(
        out,
        "gain of rank 1: {} {what} no augmentation (95 %: {low} to {high}; standard error {}), {} → {}\n  {} trainings of \
         each, judged by {} pictures {judges}, which the search did not see",
        difference(by, verdict.gain),
        difference(by, verdict.error).trim_start_matches('+'),
        measure(by, verdict.without),
        measure(by, verdict.with),
        verdict.gains.len(),
        number::count(found.judges as u64),
    );
    let _ = writeln!(out, "verdict: {}\n", verdict.outcome.words());
}

/// The recommended `[augment]` of a recipe; where there is no gain, that there should be none, as a comment.
pub fn toml(found: &Found) -> String {
    let outcome = found.verdict.outcome;
    let Some(best) = found.trials.first().filter(|_| outcome == Outcome::Gain) else {
        return format!("# {}: leave the table [augment] out.\n", capital(outcome.words()));
    };
    let mut out = String::new();
    let leaking = best.candidate.leaking();
    if !leaking.is_empty() {
        out += &format!(
            "# Not for a generative model, which would learn to make what {} leaves: `seedbed search --for-generator` tries \
             the others.\n",
            leaking.join(", ")
        );
    }
    out += &format!("[augment]\nversion = {VERSION}\ncopies = {COPIES}\nops = [\n");
    best.candidate.texts.iter().for_each(|text| out += &format!("    {text},\n"));
    out + "]\n"
}

fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The same as figures, for `--json`.
pub fn figures(found: &Found) -> Map<String, Value> {
    let trial = |(i, trial): (usize, &Trial)| {
        json!({
            "rank": i + 1,
            "ops": trial.candidate.ops,
            "scores": trial.scores,
            "leaks": trial.candidate.leaking(),
        })
    };
    let trials: Vec<Value> = found.trials.iter().enumerate().map(trial).collect();
    let (height, width, channels) = found.shape;
    let all = json!({
        "stage": "search",
        "by": found.by,
        "trials": trials,
        "none": found.none,
        "judges": found.judges,
        "judges_of": if found.of_val { "val" } else { "train" },
        "duplicates": found.duplicates,
        "classes_left_out": found.left_out,
        "shape": [height, width, channels],
        "verdict": found.verdict,
        "augment": toml(found),
    });
    match all {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
