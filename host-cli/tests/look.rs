//! Commands that look at results: where a run stands, whether it is whole, what differs from another.

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

#[test]
fn diff_tells_what_changed_and_why() {
    let dir = prepare();
    let diff = |a: &str, b: &str, want| json(dir.path(), &["diff", a, b], want);
    assert_eq!(diff("out", "out", 0)["equal"], true);
    assert_eq!(diff("out/01-collect", "out/01-collect", 0)["samples"], 59);
    fs::write(dir.path().join("r2.toml"), RECIPE.replace("near = false", "near = false\nknn_limit = 0.5"))
        .unwrap();
    let other = run(dir.path(), &["run", "r2.toml", "--out", "out2", "-q"]);
    assert_eq!(code(&other), 3, "{}", text(&other.stderr));
    let found = diff("out", "out2", 1);
    let stages = found["stages"].as_array().unwrap();
    let verdicts: Vec<_> = stages.iter().map(|s| s["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["equal", "equal", "different", "different"]);
    assert_eq!(stages[2]["options"], serde_json::json!(["knn_limit: 5.0 → 0.5"]));
    let known = |item: &&Value| item["reason"].as_str().is_some_and(|r| r.starts_with("prune: outlier"));
    for stage in &stages[2..] {
        let dropped = &stage["data"]["dropped"];
        let first = dropped["first"].as_array().unwrap();
        assert_eq!(first.len() as u64, dropped["count"].as_u64().unwrap());
        // Later stages tell why, too; copies that balancing made of others have no reason of their own.
        let originals = first.iter().filter(|i| !i["id"].as_str().unwrap().contains('!'));
        assert!(originals.clone().count() > 0 && originals.clone().all(|i| known(&i)), "{stage}");
    }
    // A stage beside the one before: what it took out.
    let out = run(dir.path(), &["diff", "out2/02-preprocess", "out2/03-prune", "--most", "1"]);
    let said = text(&out.stdout);
    assert_eq!(code(&out), 1, "{said}");
    assert!(
        said.contains("different\n") && said.contains("(prune: outlier") && said.contains("see --most"),
        "{said}"
    );
    assert_eq!(said.lines().filter(|l| l.starts_with("    - ")).count(), 1);
    let mixed = run(dir.path(), &["diff", "out", "out2/03-prune"]);
    assert!(code(&mixed) == 2 && text(&mixed.stderr).contains("one is a run"), "{}", text(&mixed.stderr));
    // A stage that only one has.
    fs::write(dir.path().join("r2.toml"), RECIPE.replace("[balance]\n", "")).unwrap();
    assert_eq!(code(&run(dir.path(), &["run", "r2.toml", "--out", "out3", "-q"])), 3);
    assert_eq!(diff("out", "out3", 1)["stages"][3]["verdict"], "dropped");
}

#[test]
fn diff_knows_why_a_picture_was_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let png = |v: u8| {
        let pixels = seedbed_cli::codec::Pixels::new(vec![v; 16], 4, 4, 1).unwrap();
        seedbed_cli::codec::encode_png(&pixels).unwrap()
    };
    fs::create_dir_all(dir.path().join("raw/a")).unwrap();
    (0..4).for_each(|i| fs::write(dir.path().join(format!("raw/a/{i}.png")), png(i * 9)).unwrap());
    assert_eq!(code(&run(dir.path(), &["collect", "raw", "--out", "x", "-q"])), 0);
    fs::write(dir.path().join("raw/a/2.png"), &png(18)[..20]).unwrap();
    assert_eq!(code(&run(dir.path(), &["collect", "raw", "--out", "y", "-q"])), 3);
    let found = json(dir.path(), &["diff", "x", "y"], 1);
    let gone = &found["stages"][0]["data"]["dropped"]["first"][0];
    assert!(gone["id"].as_str().unwrap().ends_with("a/2"), "{gone}");
    assert!(gone["reason"].as_str().unwrap().starts_with("set aside: "), "{gone}");
}

/// The objects of text that holds one a line.
fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn events_tell_programs_what_happens() {
    let dir = prepare();
    fs::remove_dir_all(dir.path().join("out")).unwrap();
    let words = ["run", "r.toml", "--out", "out", "-q", "--events"];
    assert_eq!(code(&run(dir.path(), &[&words[..], &["e.jsonl"]].concat())), 3);
    let events = objects(&fs::read_to_string(dir.path().join("e.jsonl")).unwrap());
    let of = |kind: &str| events.iter().filter(|e| e["event"] == kind).collect::<Vec<_>>();
    assert_eq!((&events[0]["event"], &events[0]["seed"]), (&"run_start".into(), &2.into()));
    let ends = of("stage_end");
    assert_eq!((of("stage_start").len(), ends.len()), (4, 4));
    assert_eq!(
        (&ends[0]["stage"], &ends[0]["samples"], &ends[0]["set_aside"]),
        (&"collect".into(), &59.into(), &1.into())
    );
    assert!(ends.iter().all(|e| e["cached"] == false));
    let task = of("task_start")[0];
    let last = of("progress").into_iter().rfind(|e| e["task"] == task["task"]).unwrap();
    assert!(last["done"].as_u64().unwrap() > 0 && last["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&events.last().unwrap()["event"], of("run_end")[0]["status"].as_str()),
        (&"run_end".into(), Some("done"))
    );
    // On stderr, which then has nothing else; the file of before stays as it was.
    let out = run(dir.path(), &[&words[..], &["-"]].concat());
    let events = objects(&text(&out.stderr));
    assert!(
        events
            .iter()
            .any(|e| e["event"] == "note" && e["text"].as_str().unwrap().contains("nothing changed"))
    );
    let out = run(dir.path(), &["prune", "nowhere", "--events", "-"]);
    let events = objects(&text(&out.stderr));
    assert_eq!(code(&out), 2);
    assert_eq!((events.len(), &events[0]["event"]), (1, &"error".into()));
    assert!(events[0]["text"].as_str().unwrap().contains("nowhere") && events[0]["hint"].is_string());
    let out = run(dir.path(), &["prune", "nowhere", "--events", "no/such/folder.jsonl"]);
    assert!(code(&out) == 2 && text(&out.stderr).contains("no/such/folder.jsonl"), "{}", text(&out.stderr));
}

#[test]
fn the_log_holds_every_run_and_changes_nothing() {
    let dir = prepare();
    let log = || fs::read_to_string(dir.path().join("out/log.txt")).unwrap();
    let count = |what: &str| log().lines().filter(|line| line.contains(what)).count();
    assert_eq!((count(" run: seedbed "), count(" end: "), count(" run: done after ")), (1, 4, 1));
    assert!(log().contains("seedbed run r.toml --seed 2 --out out"), "{}", log());
    assert!(log().contains("\"knn_limit\":5.0"), "the options of each stage: {}", log());
    again(dir.path());
    assert_eq!((count(" run: seedbed "), count(", kept from before"), count("nothing changed")), (2, 4, 4));
    assert_eq!(states(dir.path(), &[]), ALL_DONE);
    // A run that fails says why.
    fs::write(dir.path().join("out/03-prune/mine.txt"), "").unwrap();
    assert_eq!(code(&run(dir.path(), &["run", "r.toml", "--out", "out", "-q", "--seed", "9"])), 2);
    assert!(
        count(" error: ") == 1 && count("mine.txt") == 1 && count(" run: failed after ") == 1,
        "{}",
        log()
    );
}

#[test]
fn a_model_tells_what_it_costs_before_it_is_trained_and_after() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let sizes = ["--hidden", "12,6", "--latent", "3"];
    let before =
        json(dir.path(), &[&["model", "summary", "--input", "2", "--classes", "2"], &sizes[..]].concat(), 0);
    let layers: Vec<_> =
        before["layers"].as_array().unwrap().iter().map(|l| l["name"].as_str().unwrap()).collect();
    assert_eq!(layers.len(), 10, "{layers:?}");
    assert_eq!(before["layers"][0]["parameters"], (2 + 2) * 12 + 12);
    let collected = run(dir.path(), &["collect", "t.csv", "--out", "c", "-q"]);
    assert_eq!(code(&collected), 3, "{}", text(&collected.stderr));
    let trained = run(
        dir.path(),
        &[&["train", "c", "--epochs", "1", "--batch", "8", "--out", "m", "-q"], &sizes[..]].concat(),
    );
    assert_eq!(code(&trained), 0, "{}", text(&trained.stderr));
    let after = json(dir.path(), &["model", "summary", "m"], 0);
    for key in ["layers", "parameters", "multiply_adds", "latent", "classes"] {
        assert_eq!(before[key], after[key], "{key}");
    }
    assert_eq!(after["training"]["batch"], 8);
    let device = ["model", "summary", "m", "--target", "cortex-m4"];
    let found = json(dir.path(), &device, 0);
    assert_eq!(found["training"]["batch"], 1);
    assert!(
        found["training"]["device"]["stack"].as_u64() > Some(1000)
            && found["sampling"]["flash"].as_u64() > Some(10_000)
    );
    let said = text(&run(dir.path(), &device).stdout);
    assert!(said.contains("encoder.0") && said.contains("written (RAM)"), "{said}");
    for (words, named) in [
        (&["model", "summary"][..], "MODEL"),
        (&["model", "summary", "--input", "28x"], "--input 28x"),
        (&["model", "summary", "--input", "0x4"], "--input 0x4"),
        (&["model", "summary", "m", "--latent", "4"], "--latent"),
        (&["model", "summary", "m", "--batch", "0"], "batch"),
        (&["model", "summary", "c"], "model.safetensors"),
        (&["model", "summary", "--input", "4", "--model", "vae-conv"], "model"),
    ] {
        let refused = run(dir.path(), words);
        assert_eq!(code(&refused), 2, "{words:?}: {}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains(named), "{words:?}: {}", text(&refused.stderr));
    }
}

#[test]
fn a_model_comes_to_whole_numbers_and_is_told_from_a_broken_one() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    assert_eq!(code(&run(dir.path(), &["collect", "t.csv", "--out", "c", "-q"])), 3);
    let words = ["--hidden", "12", "--latent", "2", "--epochs", "60", "--batch", "8", "--out", "m", "-q"];
    assert_eq!(code(&run(dir.path(), &[&["train", "c"][..], &words].concat())), 0);
    let quantize = ["model", "quantize", "m", "--data", "c", "--calibrate", "30"];
    let said = text(&run(dir.path(), &quantize).stdout);
    assert!(said.contains("encoder") && said.contains("seedbed-quantize/model-int8.safetensors"), "{said}");
    let found = json(dir.path(), &quantize, 0);
    assert!(found["networks"][1]["apart"]["decibels"].as_f64() > Some(20.0), "{found}");
    assert!(found["bytes"]["int8"].as_u64() < found["bytes"]["f32"].as_u64());
    let summary = json(dir.path(), &["model", "summary", "seedbed-quantize"], 0);
    assert_eq!(summary["int8_bytes"], found["bytes"]["int8"]);
    // It takes less than single precision does, with its ranges, scales and fitted prior, and does not train.
    let single = json(dir.path(), &["model", "summary", "m"], 0);
    let bytes = |of: &Value| of["sampling"]["parameters"].as_u64().unwrap();
    assert!(summary["training"].is_null() && bytes(&summary) < bytes(&single), "{summary}");
    // Samples by whole numbers.
    let generate = ["generate", "c", "--model", "seedbed-quantize", "--n", "10", "--manifold-k", "0", "-q"];
    assert_eq!(json(dir.path(), &generate, 0)["generated"], 10);
    let check = ["model", "check", "m", "--data", "c", "--against", "seedbed-quantize"];
    let sound = run(dir.path(), &check);
    let said = text(&sound.stdout);
    assert!(
        said.contains("encoder.0") && said.contains("bound") && said.contains("sound: nothing"),
        "{said}"
    );
    assert_eq!(code(&sound), 0);
    let found = json(dir.path(), &check, 0);
    assert_eq!((&found["sound"], &found["against"][0]["network"]), (&true.into(), &"encoder".into()));
    // One of another seed is far from it.
    let words = ["--hidden", "12", "--latent", "2", "--epochs", "1", "--out", "n", "-q", "--seed", "3"];
    assert_eq!(code(&run(dir.path(), &[&["train", "c"][..], &words].concat())), 0);
    let far = ["model", "check", "n", "--against", "m"];
    assert_eq!(json(dir.path(), &far, 1)["sound"], false);
    let said = text(&run(dir.path(), &far).stdout);
    assert!(said.contains("\n1. ") && said.contains("try: "), "{said}");
    for (words, want, named) in [
        (&["model", "quantize", "m"][..], 2, "--data"),
        (&["model", "quantize", "m", "--data", "c", "--clip", "0.1"], 2, "--clip"),
        (&["model", "quantize", "nowhere", "--data", "c"], 2, "nowhere"),
        (&["model", "check", "c"], 2, "model.safetensors"),
        (
            &["train", "c", "--from", "seedbed-quantize/model-int8.safetensors", "--out", "x"],
            2,
            "whole numbers",
        ),
    ] {
        let refused = run(dir.path(), words);
        assert_eq!(code(&refused), want, "{words:?}: {}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains(named), "{words:?}: {}", text(&refused.stderr));
    }
}
