//! The habits of the command: exit codes, one JSON object, a quiet end when the reader goes away.

mod common;

use common::{code, run, seedbed, table, text};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Stdio;

#[test]
fn samples_set_aside_end_with_3_and_are_told() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let out = run(dir.path(), &["collect", "t.csv", "--json"]);
    assert_eq!(code(&out), 3, "{}", text(&out.stderr));
    let object: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((object["samples"].as_u64(), object["set_aside"].as_u64()), (Some(59), Some(1)));
    assert_eq!(object["out"], "seedbed-collect");
    let strict = run(dir.path(), &["collect", "t.csv", "--strict"]);
    assert_eq!(code(&strict), 1);
    assert!(text(&strict.stderr).contains("t.csv"), "{}", text(&strict.stderr));
}

#[test]
fn the_second_run_says_that_nothing_changed() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let first = run(dir.path(), &["collect", "t.csv"]);
    let second = run(dir.path(), &["collect", "t.csv", "--threads", "1"]);
    assert_eq!((code(&first), code(&second)), (3, 3));
    assert!(text(&second.stderr).contains("nothing changed"), "{}", text(&second.stderr));
    let quiet = run(dir.path(), &["collect", "t.csv", "--quiet"]);
    assert_eq!(text(&quiet.stderr), "");
}

/// A dataset and what is in the way of everything: an empty folder, a folder and a file of the user's.
fn obstacles() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    table(dir.path());
    assert_eq!(code(&run(dir.path(), &["collect", "t.csv", "--out", "data", "-q"])), 3);
    fs::create_dir(at("empty")).unwrap();
    fs::create_dir(at("mine")).unwrap();
    fs::write(at("mine/thesis.doc"), "").unwrap();
    fs::write(at("odd.bin"), [0, 159, 146, 150, 1, 2]).unwrap();
    fs::write(at("ok.toml"), "input = 't.csv'\n[collect]\n").unwrap();
    dir
}

/// Each is refused with a code, an error that names the part, and nothing on stdout.
fn refused(dir: &Path, words: &[&str], want: i32, part: &str) {
    let out = run(dir, words);
    let said = text(&out.stderr);
    assert_eq!(code(&out), want, "{words:?}: {said}");
    assert!(said.contains("error: ") && said.contains(part), "{words:?}: {said}");
    assert_eq!(text(&out.stdout), "", "{words:?}");
}

#[test]
fn every_command_refuses_paths_that_are_not_there_or_something_else() {
    let dir = obstacles();
    for command in [
        "init",
        "run",
        "collect",
        "inspect",
        "preprocess",
        "prune",
        "balance",
        "augment",
        "train",
        "evaluate",
        "export",
        "report",
        "status",
        "verify",
        "hash",
    ] {
        refused(dir.path(), &[command, "nowhere"], 2, "nowhere");
        let empty = if ["init", "collect", "hash"].contains(&command) { 1 } else { 2 };
        refused(dir.path(), &[command, "empty"], empty, "empty");
        if command != "hash" {
            let want = if ["init", "collect"].contains(&command) { 1 } else { 2 };
            refused(dir.path(), &[command, "odd.bin"], want, "odd.bin");
        }
    }
    refused(dir.path(), &["generate", "nowhere", "--model", "data"], 2, "nowhere");
    refused(dir.path(), &["generate", "data", "--model", "nowhere"], 2, "nowhere");
    refused(dir.path(), &["generate", "data"], 2, "--model");
    refused(dir.path(), &["evaluate", "data", "--generated", "nowhere"], 2, "nowhere");
    refused(dir.path(), &["demo", "--data", "nowhere"], 2, "nowhere");
    refused(dir.path(), &["demo", "--data", "empty", "--out", "d"], 1, "empty");
    refused(dir.path(), &["demo", "--data", "."], 2, "inside the input");
    refused(dir.path(), &["replay", "x!augment0"], 2, "seedbed-demo");
    refused(dir.path(), &["status", "data"], 2, "run.json");
    refused(dir.path(), &["diff", "data", "nowhere"], 2, "nowhere");
    refused(dir.path(), &["diff", "empty", "data"], 2, "empty");
    refused(dir.path(), &["diff", "data", "odd.bin"], 2, "odd.bin");
    refused(dir.path(), &["diff", "data"], 2, "<B>");
    refused(dir.path(), &["diff", "data", "data", "--most=-1"], 2, "--most");
}

#[test]
fn every_command_refuses_options_out_of_range() {
    let dir = obstacles();
    let cases: [(&[&str], &str); 11] = [
        (&["collect", "t.csv", "--val-fraction", "7"], "--val-fraction"),
        (&["preprocess", "data", "--size", "0"], "--size"),
        (&["prune", "data", "--folds", "0"], "--folds"),
        (&["balance", "data", "--target=-1"], "--target"),
        (&["augment", "data", "--copies", "0"], "--copies"),
        (&["train", "data", "--epochs", "0"], "--epochs"),
        (&["generate", "data", "--n", "0"], "--n"),
        (&["evaluate", "data", "--k", "0"], "--k"),
        (&["export", "data", "--splits", "all"], "--splits"),
        (&["inspect", "data", "--outlier-z=-1"], "--outlier-z"),
        (&["hash", "data", "--threads", "99999"], "--threads"),
    ];
    for (words, part) in cases {
        refused(dir.path(), words, 2, part);
    }
}

#[test]
fn every_command_leaves_what_is_not_ours_alone() {
    let dir = obstacles();
    for command in ["collect", "preprocess", "prune", "balance", "augment", "train", "evaluate", "export"] {
        let input = if command == "collect" { "t.csv" } else { "data" };
        refused(dir.path(), &[command, input, "--out", "mine"], 2, "mine");
        refused(dir.path(), &[command, input, "--out", "t.csv"], 2, "t.csv");
        // A file where a folder would have to be, which no permission of root's opens.
        refused(dir.path(), &[command, input, "--out", "t.csv/sub"], 2, "t.csv");
    }
    for words in [["run", "ok.toml"], ["demo", "-q"]] {
        refused(dir.path(), &[words[0], words[1], "--out", "mine"], 2, "mine");
        refused(dir.path(), &[words[0], words[1], "--out", "t.csv"], 2, "t.csv");
    }
    refused(dir.path(), &["init", "t.csv", "--out", "ok.toml"], 2, "ok.toml");
    refused(dir.path(), &["prune", "data", "--out", "data"], 2, "seedbed collect");
    assert_eq!(fs::read_dir(dir.path().join("mine")).unwrap().count(), 1);
    // A page of somebody else's.
    assert_eq!(code(&run(dir.path(), &["run", "ok.toml", "-q"])), 3);
    fs::write(dir.path().join("mine/report.html"), "<h1>Mine</h1>").unwrap();
    refused(dir.path(), &["report", "ok-run", "--out", "mine"], 2, "report.html");
    assert_eq!(fs::read_to_string(dir.path().join("mine/report.html")).unwrap(), "<h1>Mine</h1>");
}

#[test]
fn recipes_that_are_wrong_are_refused_before_any_work() {
    let dir = obstacles();
    let head = "input = 't.csv'\n[collect]\n";
    let cases = [
        (format!("{head}labl = 'x'\n"), "did you mean `label`?"),
        (format!("{head}val_fraction = 7\n"), "[collect]"),
        (format!("{head}[train]\n[generate]\nn = 0\n"), "[generate]"),
        (format!("{head}[export]\n"), "`output`"),
        (format!("{head}[inspect]\n"), "seedbed inspect"),
    ];
    for (recipe, part) in cases {
        fs::write(dir.path().join("bad.toml"), &recipe).unwrap();
        refused(dir.path(), &["run", "bad.toml"], 2, part);
        assert!(!dir.path().join("bad-run").exists(), "{recipe}");
    }
}

#[cfg(unix)]
#[test]
fn an_output_that_is_no_text_is_told_all_the_same() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let odd = std::ffi::OsStr::from_bytes(b"o\xff");
    let out = seedbed(dir.path()).args(["collect", "t.csv", "--json", "--out"]).arg(odd).output().unwrap();
    assert_eq!(code(&out), 3, "{}", text(&out.stderr));
    let object: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(object["out"], "o\u{fffd}");
}

#[test]
fn labels_beside_the_input_count_as_input() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let images = [&[0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 2][..], &[7; 80]].concat();
    fs::write(at("train-images.idx"), images).unwrap();
    let label = |file: &str, last: u8| {
        let values: Vec<u8> = (0..20).map(|i| if i == 19 { last } else { i % 2 }).collect();
        fs::write(at(file), [&[0, 0, 8, 1, 0, 0, 0, 20][..], &values].concat()).unwrap();
    };
    let classes = |more: &[&str]| {
        let words = [&["collect", "train-images.idx", "--json", "-q"], more].concat();
        let out = run(dir.path(), &words);
        let object: Value = serde_json::from_slice(&out.stdout).unwrap();
        (object["classes"].as_array().unwrap().len(), object["cached"].as_bool().unwrap())
    };
    label("train-labels.idx", 1);
    assert_eq!(classes(&[]), (2, false));
    assert_eq!(classes(&[]), (2, true));
    label("train-labels.idx", 2);
    assert_eq!(classes(&[]), (3, false));
    label("other.idx", 1);
    assert_eq!(classes(&["--label", "other.idx"]), (2, false));
    label("other.idx", 2);
    assert_eq!(classes(&["--label", "other.idx"]), (3, false));
}

#[test]
fn hash_takes_datasets_runs_and_files() {
    let dir = obstacles();
    assert_eq!(code(&run(dir.path(), &["run", "ok.toml", "-q"])), 3);
    let object = |path: &str| -> Value {
        let out = run(dir.path(), &["hash", path, "--json"]);
        assert_eq!(code(&out), 0, "{path}: {}", text(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    };
    assert_eq!(object("data")["samples"], 59);
    assert_eq!(object("ok-run")["hash"].as_str().unwrap().len(), 64);
    assert_eq!(object("t.csv")["samples"], Value::Null);
}

#[test]
fn every_command_counts_what_is_set_aside_alike() {
    let dir = tempfile::tempdir().unwrap();
    // 60 pictures of 2 x 2 are promised, 10 are there.
    let pictures: Vec<u8> = (0..40u8).map(|i| i * 6).collect();
    let idx = [&[0, 0, 8, 3, 0, 0, 0, 60, 0, 0, 0, 2, 0, 0, 0, 2], pictures.as_slice()].concat();
    fs::write(dir.path().join("images.idx"), idx).unwrap();
    fs::write(dir.path().join("r.toml"), "input = 'images.idx'\n[collect]\n").unwrap();
    let commands: [(&[&str], i32); 4] = [
        (&["collect", "images.idx", "--json"], 3),
        (&["init", "images.idx", "--json"], 0),
        (&["run", "r.toml", "--json"], 3),
        (&["report", "r-run", "--json"], 0),
    ];
    for (words, want) in commands {
        let out = run(dir.path(), words);
        assert_eq!(code(&out), want, "{words:?}: {}", text(&out.stderr));
        let object: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(object["set_aside"], 50, "{words:?}");
    }
}

#[test]
fn a_table_of_a_header_alone_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), "x,y2,label\n").unwrap();
    let out = run(dir.path(), &["collect", "t.csv"]);
    let said = text(&out.stderr);
    assert!(
        code(&out) == 1 && said.contains("a header and no rows") && said.contains("--header no"),
        "{said}"
    );
    fs::write(dir.path().join("t.csv"), "a,b,c\nd,e,f\n1,2,x\n3,4,y\n").unwrap();
    assert_eq!(code(&run(dir.path(), &["collect", "t.csv", "--header", "perhaps"])), 2);
}

#[test]
fn the_level_is_lowered_by_name_only() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let with = |level: &str| {
        seedbed(dir.path()).env("SEEDBED_LEVEL", level).args(["collect", "t.csv", "-q"]).output().unwrap()
    };
    assert_eq!(code(&with("base")), 3);
    let bad = with("sse9");
    assert_eq!(code(&bad), 2);
    assert!(text(&bad.stderr).contains("SEEDBED_LEVEL"), "{}", text(&bad.stderr));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    for words in [["completions", "bash"], ["--help", "run"]] {
        let mut child =
            seedbed(dir.path()).args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let out = child.wait_with_output().unwrap();
        assert_eq!((code(&out), text(&out.stderr)), (0, String::new()), "{words:?}");
    }
}

/// Pictures of two classes, light and dark, as PGM.
fn two_greys(dir: &Path) {
    for (class, base) in [("dark", 40), ("light", 180)] {
        fs::create_dir_all(dir.join("raw").join(class)).unwrap();
        for i in 0..40u32 {
            let pixels = (0..64u32).map(|p| (base + (p * (i + 3)) % 31 + i % 7) as u8);
            let picture = [b"P5 8 8 255\n".to_vec(), pixels.collect()].concat();
            fs::write(dir.join("raw").join(class).join(format!("{i}.pgm")), picture).unwrap();
        }
    }
}

#[test]
fn search_tells_what_augmentation_gains() {
    let dir = tempfile::tempdir().unwrap();
    two_greys(dir.path());
    let done = run(dir.path(), &["collect", "raw", "--out", "data", "-q"]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
    let words = ["search", "data", "--trials", "2", "--seeds", "2", "-q"];
    let said = run(dir.path(), &[&words[..], &["--out", "augment.toml"]].concat());
    assert_eq!(code(&said), 0, "{}", text(&said.stderr));
    let said = text(&said.stdout);
    assert!(said.contains("verdict: no gain beyond chance"), "{said}");
    let table = fs::read_to_string(dir.path().join("augment.toml")).unwrap();
    assert!(table.starts_with("# No gain beyond chance") && said.contains(table.trim_end()), "{table}");
    let json = |threads| run(dir.path(), &[&words[..], &["--json", "-j", threads]].concat()).stdout;
    let one = json("1");
    assert_eq!(one, json("2"));
    let object: Value = serde_json::from_slice(&one).unwrap();
    assert_eq!((&object["verdict"]["outcome"], &object["set_aside"]), (&"no_gain".into(), &0.into()));
    assert_eq!((object["trials"].as_array().unwrap().len(), &object["augment"]), (2, &table.into()));
    let wrong = run(dir.path(), &["search", "data", "--trials", "0"]);
    assert_eq!(code(&wrong), 2);
    assert!(text(&wrong.stderr).contains("--trials"), "{}", text(&wrong.stderr));
}
