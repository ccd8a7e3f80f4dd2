//! Holds what the demo printed against what it must find, and against the table in the README.
//!
//!     demo_check PRINTED JSON        what `seedbed demo` and `seedbed demo --json` wrote to standard output

use serde_json::Value;
use std::process::ExitCode;

/// The least (precision, recall) for each kind of planted fault.
const FAULTS: [(&str, f64, f64); 5] = [
    ("exact_duplicate", 1.0, 1.0),
    ("near_duplicate", 0.95, 0.95),
    ("wrong_label", 0.9, 0.8),
    ("noise", 0.85, 0.95),
    ("damaged", 1.0, 1.0),
];

/// The range that a score of the generated samples must lie in.
const SCORES: [(&str, f64, f64); 3] =
    [("frechet", 0.0, 0.6), ("precision", 0.9, 1.0), ("coverage", 0.85, 1.0)];

/// What `value` falls short of, as lines.
fn problems(printed: &str, json: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let mut within = |what: String, value: &Value, low: f64, high: f64| {
        if !value.as_f64().is_some_and(|v| (low..=high).contains(&v)) {
            problems.push(format!("{what} is {value}, not from {low} to {high}"));
        }
    };
    let named = |list: &Value, key: &str, name: &str| {
        let found = list.as_array().into_iter().flatten().find(|one| one[key] == name);
        found.cloned().unwrap_or_default()
    };
    for (kind, precision, recall) in FAULTS {
        let found = named(&json["found"], "kind", kind);
        within(format!("{kind}: precision"), &found["precision"], precision, 1.0);
        within(format!("{kind}: recall"), &found["recall"], recall, 1.0);
    }
    let evaluate = named(&json["stages"], "stage", "evaluate");
    let generated = named(&evaluate["scores"], "name", "generated");
    for (score, low, high) in SCORES {
        within(format!("generated samples: {score}"), &generated["scores"][score], low, high);
    }
    within("generated copies of training samples".into(), &evaluate["memorisation"]["copied"], 0.0, 0.02);
    // The same seed gives the same table everywhere.
    let table: Vec<&str> = printed.lines().take_while(|line| !line.is_empty()).collect();
    if table.len() != FAULTS.len() + 1 || !include_str!("../../README.md").contains(&table.join("\n")) {
        problems.push(format!("the README shows another table than this:\n{}", table.join("\n")));
    }
    problems
}

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [printed, json] = files.as_slice() else {
        eprintln!("usage: demo_check PRINTED JSON");
        return ExitCode::from(2);
    };
    let read = |path: &String| std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{e}: {path}"));
    let json = serde_json::from_str(&read(json)).unwrap_or_else(|e| panic!("{e}: {json}"));
    let problems = problems(&read(printed), &json);
    problems.iter().for_each(|problem| eprintln!("error: {problem}"));
    ExitCode::from(u8::from(!problems.is_empty()))
}
