//! The habits of the command: exit codes, one JSON object, a quiet end when the reader goes away.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn seedbed(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    command.current_dir(dir).env_remove("SEEDBED_LEVEL");
    command
}

fn run(dir: &Path, words: &[&str]) -> Output {
    seedbed(dir).args(words).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A table of two classes; row 7 is damaged.
fn table(dir: &Path) {
    let rows: String =
        (0..60)
            .map(|i| {
                if i == 7 { "x,,a\n".into() } else { format!("{},{},{}\n", i, i * 7 % 11, ["a", "b"][i % 2]) }
            })
            .collect();
    fs::write(dir.join("t.csv"), format!("x,y,label\n{rows}")).unwrap();
}

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

#[test]
fn bad_input_gets_an_error_and_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    fs::create_dir(dir.path().join("empty")).unwrap();
    fs::create_dir(dir.path().join("mine")).unwrap();
    fs::write(dir.path().join("mine/thesis.doc"), "").unwrap();
    fs::write(dir.path().join("typo.toml"), "input = 't.csv'\n[collect]\nlabl = 'x'\n").unwrap();
    fs::write(dir.path().join("range.toml"), "input = 't.csv'\n[collect]\nval_fraction = 7\n").unwrap();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["collect", "nowhere"], 2, "nowhere"),
        (&["collect", "empty"], 1, "empty"),
        (&["collect", "t.csv", "--out", "mine"], 2, "mine"),
        (&["collect", "t.csv", "--out", "t.csv"], 2, "t.csv"),
        (&["collect", "t.csv", "--val-fraction", "7"], 2, "val"),
        (&["run", "typo.toml"], 2, "did you mean `label`?"),
        (&["run", "range.toml"], 2, "[collect]"),
        (&["inspect", "empty"], 2, "empty"),
        (&["hash", "nowhere"], 2, "nowhere"),
    ];
    for (words, want, part) in cases {
        let out = run(dir.path(), words);
        let said = text(&out.stderr);
        assert_eq!(code(&out), want, "{words:?}: {said}");
        assert!(said.contains("error: ") && said.contains(part), "{words:?}: {said}");
        assert_eq!(text(&out.stdout), "", "{words:?}");
    }
    assert_eq!(fs::read_dir(dir.path().join("mine")).unwrap().count(), 1);
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

#[test]
fn an_initial_recipe_runs_as_it_is_collected() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let init = run(dir.path(), &["init", "t.csv", "--json"]);
    assert_eq!(code(&init), 0, "{}", text(&init.stderr));
    assert_eq!(code(&run(dir.path(), &["init", "t.csv"])), 2);
    let recipe = fs::read_to_string(dir.path().join("seedbed.toml")).unwrap();
    let short = recipe.split("\n[preprocess]").next().unwrap();
    fs::write(dir.path().join("short.toml"), short).unwrap();
    let out = run(dir.path(), &["run", "short.toml", "--json"]);
    assert_eq!(code(&out), 3, "{}", text(&out.stderr));
    let object: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(object["stages"][0]["stage"], "collect");
    assert!(dir.path().join("short-run/report.html").is_file());
    let again: Value =
        serde_json::from_slice(&run(dir.path(), &["run", "short.toml", "--json"]).stdout).unwrap();
    assert_eq!(again["stages"][0]["cached"], true);
}
