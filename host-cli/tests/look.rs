//! Commands that look at results: where a run stands, whether it is whole.

mod common;

use common::{code, run, table, text};
use serde_json::Value;
use std::fs;
use std::path::Path;

const RECIPE: &str = "seed = 2
input = 't.csv'
[collect]
[preprocess]
[prune]
near = false
[balance]
";

/// A run of a table, in the folder `out`.
fn prepare() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    fs::write(dir.path().join("r.toml"), RECIPE).unwrap();
    again(dir.path());
    dir
}

fn again(dir: &Path) {
    let out = run(dir, &["run", "r.toml", "--out", "out", "-q"]);
    assert_eq!(code(&out), 3, "{}", text(&out.stderr));
}

fn json(dir: &Path, words: &[&str], want: i32) -> Value {
    let out = run(dir, &[words, &["--json"]].concat());
    assert_eq!(code(&out), want, "{words:?}: {}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Changes a byte in the middle of a file; its size stays.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// The state of each stage, and why.
fn states(dir: &Path, more: &[&str]) -> Vec<String> {
    let found = json(dir, &[&["status", "out"], more].concat(), 0);
    let one = |s: &Value| {
        let why = s["why"].as_str().map_or_else(String::new, |why| format!(" ({why})"));
        format!("{} {}{why}", s["stage"].as_str().unwrap(), s["state"].as_str().unwrap())
    };
    found["stages"].as_array().unwrap().iter().map(one).collect()
}

const ALL_DONE: [&str; 4] = ["collect done", "preprocess done", "prune done", "balance done"];

#[test]
fn status_tells_what_another_run_would_do() {
    let dir = prepare();
    let at = |name: &str| dir.path().join(name);
    assert_eq!(states(dir.path(), &[]), ALL_DONE);
    let said = text(&run(dir.path(), &["status", "out"]).stdout);
    assert!(said.contains("out: done") && said.contains("another run would do nothing"), "{said}");
    // An option.
    let follows = ["balance stale (follows prune)"];
    fs::write(at("r.toml"), RECIPE.replace("near = false", "near = false\nknn_limit = 6.0")).unwrap();
    let want = [&ALL_DONE[..2], &["prune stale (knn_limit: 5.0 → 6.0)"], &follows].concat();
    assert_eq!(states(dir.path(), &[]), want);
    fs::write(at("other.toml"), RECIPE).unwrap();
    assert_eq!(states(dir.path(), &["--recipe", "other.toml"]), ALL_DONE);
    fs::write(at("r.toml"), RECIPE).unwrap();
    // The seed, of the recipe and of the command line.
    assert!(states(dir.path(), &["--seed", "3"])[0].ends_with("stale (seed: 2 → 3)"));
    fs::write(at("r.toml"), RECIPE.replace("seed = 2", "seed = 4")).unwrap();
    assert!(states(dir.path(), &[])[0].ends_with("stale (seed: 2 → 4)"));
    fs::write(at("r.toml"), RECIPE).unwrap();
    // A file that is gone, a stage that is.
    fs::remove_file(at("out/03-prune/dropped.jsonl")).unwrap();
    fs::remove_dir_all(at("out/04-balance")).unwrap();
    let want =
        [&ALL_DONE[..2], &["prune stale (gone or changed: dropped.jsonl)", "balance missing"]].concat();
    assert_eq!(states(dir.path(), &[]), want);
    again(dir.path());
    assert_eq!(states(dir.path(), &[]), ALL_DONE);
    // The input.
    let rows = fs::read_to_string(at("t.csv")).unwrap();
    fs::write(at("t.csv"), format!("{rows}99,1,a\n")).unwrap();
    assert_eq!(
        states(dir.path(), &[])[..2],
        ["collect stale (the input changed)", "preprocess stale (follows collect)"]
    );
    // The recipe is gone: that of the run counts.
    fs::remove_file(at("r.toml")).unwrap();
    fs::write(at("t.csv"), rows).unwrap();
    assert_eq!(states(dir.path(), &[]), ALL_DONE);
    // A stage that was left half done.
    let record = fs::read_to_string(at("out/run.json")).unwrap();
    fs::write(at("out/run.json"), record.replace("\"status\": \"done\"", "\"status\": \"running\"")).unwrap();
    let found = json(dir.path(), &["status", "out"], 0);
    assert_eq!(
        (&found["life"], &found["samples"], &found["set_aside"]),
        (&"killed".into(), &59.into(), &1.into())
    );
}

#[test]
fn verify_names_what_is_wrong() {
    let dir = prepare();
    let at = |name: &str| dir.path().join(name);
    let whole = json(dir.path(), &["verify", "out"], 0);
    assert_eq!(
        (&whole["whole"], &whole["datasets"], whole["notes"].as_array().unwrap().len()),
        (&true.into(), &4.into(), 0)
    );
    assert_eq!(json(dir.path(), &["verify", "out/03-prune"], 0)["datasets"], 1);
    let faults = |path: &str| -> Vec<String> {
        let found = json(dir.path(), &["verify", path], 1);
        let one = |f: &Value| format!("{}: {}", f["file"].as_str().unwrap(), f["what"].as_str().unwrap());
        found["faults"].as_array().unwrap().iter().map(one).collect()
    };
    flip(&at("out/03-prune/data-00000.parquet"));
    let found = faults("out");
    assert!(found[0].starts_with("03-prune/data-00000.parquet: hash differs"), "{found:?}");
    let out = run(dir.path(), &["verify", "out"]);
    assert_eq!(code(&out), 1);
    assert!(text(&out.stdout).contains("03-prune/data-00000.parquet"), "{}", text(&out.stdout));
    fs::remove_file(at("out/02-preprocess/data-00000.parquet")).unwrap();
    fs::remove_file(at("out/01-collect/stage.json")).unwrap();
    let found = faults("out");
    assert_eq!(found[..2], ["01-collect/stage.json: missing", "02-preprocess/data-00000.parquet: missing"]);
    // A dataset that no stage tells of, with another row than was hashed.
    let meta = fs::read_to_string(at("out/01-collect/dataset.json")).unwrap();
    fs::write(at("out/01-collect/dataset.json"), meta.replace("\"a\"", "\"c\"")).unwrap();
    let found = faults("out/01-collect");
    assert!(found[0].starts_with("dataset.json: content hash differs"), "{found:?}");
    fs::write(at("out/run.json"), "{").unwrap();
    assert!(faults("out")[0].starts_with("run.json: not a record"));
}
