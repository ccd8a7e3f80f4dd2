//! What a newcomer does first: small data, pasted examples, a recipe written beside the samples.

mod common;

use common::{code, run, table, text};
use seedbed_cli::demo::digits;
use seedbed_cli::formats::{self, ReadOptions};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// `n` of the embedded digits for each of three classes.
fn pictures(dir: &Path, n: usize) {
    let raw = tempfile::tempdir().unwrap();
    digits::unpack(raw.path()).unwrap();
    let source = formats::open(raw.path(), &ReadOptions::default()).unwrap();
    for class in 0..3 {
        let folder = dir.join(format!("pictures/{class}"));
        fs::create_dir_all(&folder).unwrap();
        let of_class = source.entries.iter().filter(|e| e.label == Some(class)).take(n);
        for (i, entry) in of_class.enumerate() {
            let image = source.loader.load(entry.at).unwrap().image.unwrap();
            fs::write(folder.join(format!("{i}.png")), image.to_png().unwrap()).unwrap();
        }
    }
}

fn object(dir: &Path, words: &[&str], want: i32) -> Value {
    let out = run(dir, words);
    assert_eq!(code(&out), want, "{words:?}: {}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn the_written_recipe_runs_to_its_end_on_very_little_data() {
    let dir = tempfile::tempdir().unwrap();
    for n in [15, 4] {
        fs::remove_dir_all(dir.path().join("pictures")).ok();
        pictures(dir.path(), n);
        object(dir.path(), &["init", "pictures", "--force", "--json"], 0);
        // The widths are for speed here.
        let text = fs::read_to_string(dir.path().join("seedbed.toml")).unwrap();
        let text = text.replace("hidden = [256, 256]", "hidden = [16]").replace("n = 1000", "n = 20");
        fs::write(dir.path().join("seedbed.toml"), text).unwrap();
        let done = object(dir.path(), &["run", "seedbed.toml", "--json", "-q"], 0);
        let stages = done["stages"].as_array().unwrap();
        assert_eq!(stages.last().unwrap()["stage"], "export");
        // Of four of each class none is for test: all are compared with what was learnt from.
        let few = n == 15;
        let evaluate = stages.iter().find(|s| s["stage"] == "evaluate").unwrap();
        assert_eq!(evaluate["left_out"].as_array().is_some_and(|l| !l.is_empty()), few, "{n}");
        let page = fs::read_to_string(dir.path().join("seedbed-run/report.html")).unwrap();
        assert_eq!(page.contains("Left out: "), few, "{n}");
    }
}

#[test]
fn a_recipe_does_not_lie_among_the_samples_nor_a_run() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), 4);
    let inside = dir.path().join("pictures");
    let refused = run(&inside, &["init", "."]);
    assert!(
        code(&refused) == 2 && text(&refused.stderr).contains("../seedbed.toml"),
        "{}",
        text(&refused.stderr)
    );
    let next = object(&inside, &["init", ".", "--out", "../s.toml", "--json"], 0)["next"].clone();
    assert_eq!(next, "seedbed run ../s.toml --out ../s-run");
    let refused = run(&inside, &["run", "../s.toml"]);
    assert!(code(&refused) == 2 && text(&refused.stderr).contains("inside the input"));
    assert_eq!(fs::read_dir(&inside).unwrap().count(), 3, "the classes and nothing else");
    assert_eq!(object(dir.path(), &["init", "pictures", "--json"], 0)["next"], "seedbed run seedbed.toml");
}

#[test]
fn folders_of_a_table_are_refused_before_the_training() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    fs::write(
        dir.path().join("r.toml"),
        "input = 't.csv'\n[collect]\n[train]\n[generate]\n[output]\nformat = 'folder'\n",
    )
    .unwrap();
    let refused = run(dir.path(), &["run", "r.toml", "-q"]);
    assert!(code(&refused) == 2 && text(&refused.stderr).contains("[output]"), "{}", text(&refused.stderr));
    assert!(dir.path().join("r-run/01-collect").is_dir() && !dir.path().join("r-run/06-train").exists());
}

#[test]
fn the_examples_of_train_work_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), 10);
    object(dir.path(), &["collect", "pictures", "--out", "seedbed-augment", "--json"], 0);
    let help = text(&run(dir.path(), &["train", "--help"]).stdout);
    let examples: Vec<&str> = help.lines().filter_map(|l| l.strip_prefix("  seedbed ")).collect();
    assert_eq!(examples.len(), 5, "{help}");
    for example in examples {
        let command = example.split("  ").next().unwrap();
        let words: Vec<&str> = command.split(' ').chain(["-q"]).collect();
        let out = run(dir.path(), &words);
        assert_eq!(code(&out), 0, "{command}: {}", text(&out.stderr));
    }
    let more = fs::read_to_string(dir.path().join("seedbed-train-resumed/history.jsonl")).unwrap();
    assert!(
        more.lines().count() > 30
            && ["gan", "tuned", "adapted"].iter().all(|name| dir
                .path()
                .join(name)
                .join("model.safetensors")
                .is_file())
    );
}

#[test]
fn every_json_is_one_object() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    object(dir.path(), &["collect", "t.csv", "--out", "data", "--json"], 3);
    let script = object(dir.path(), &["completions", "bash", "--json"], 0);
    assert!(script["script"].as_str().unwrap().contains("seedbed") && script["shell"] == "bash");
    let seen = object(dir.path(), &["inspect", "data", "--json"], 0);
    assert!(seen["stage"] == "inspect" && seen["seconds"].is_number());
}

#[test]
fn what_cannot_be_used_is_told_with_the_list_of_it() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let told = text(&run(dir.path(), &["init", "t.csv"]).stdout);
    assert!(told.contains("1 more cannot be used"), "{told}");
    let told = text(&run(dir.path(), &["collect", "t.csv"]).stdout);
    assert!(told.contains("1 set aside (see seedbed-collect/set_aside.jsonl)"), "{told}");
}

#[test]
fn a_demo_on_what_it_cannot_use_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    fs::create_dir_all(dir.path().join("flat")).unwrap();
    fs::write(dir.path().join("flat/notes.txt"), "x").unwrap();
    for data in ["t.csv", "flat"] {
        let out = run(dir.path(), &["demo", "--data", data]);
        assert!(code(&out) != 0 && text(&out.stderr).contains("error: "), "{data}");
        assert!(!dir.path().join("seedbed-demo").exists(), "{data}");
    }
}

#[test]
fn what_leaks_is_refused_for_a_generator_in_commands_too() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), 6);
    object(dir.path(), &["collect", "pictures", "--out", "data", "--json"], 0);
    let augment = ["augment", "data", "--op", "{ op = \"cutout\" }", "--json", "--out"];
    object(dir.path(), &[&augment[..], &["holes"]].concat(), 0);
    object(dir.path(), &[&augment[..], &["wanted", "--allow-leaking", "true"]].concat(), 0);
    let train = ["--hidden", "4", "--latent", "2", "--epochs", "1", "--out", "m"];
    let refused = run(dir.path(), &[&["train", "holes"], &train[..]].concat());
    let said = text(&refused.stderr);
    assert!(code(&refused) == 2 && said.contains("`cutout`") && said.contains("holes"), "{said}");
    let taken = run(dir.path(), &[&["train", "wanted"], &train[..]].concat());
    assert_eq!(code(&taken), 0, "{}", text(&taken.stderr));
}

#[test]
fn replay_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), 6);
    object(dir.path(), &["collect", "pictures", "--out", "data", "--json"], 0);
    object(dir.path(), &["augment", "data", "--out", "more", "--json"], 0);
    let ids = fs::read_dir(dir.path().join("pictures/0")).unwrap().count();
    let with = |out: &str| {
        let all = (0..ids).map(|i| {
            run(dir.path(), &["replay", &format!("0/{i}!augment00001"), "-o", out, "--dataset", "more"])
        });
        // A source in val or test has no copy.
        all.map(|out| (code(&out), text(&out.stderr)))
            .find(|(code, said)| *code == 0 || !said.contains("no sample"))
    };
    assert_eq!(with("copy.png").unwrap().0, 0);
    assert_eq!(with("copy.png").unwrap().0, 0, "the same bytes are there");
    fs::write(dir.path().join("thesis.png"), "mine").unwrap();
    assert!(with("thesis.png").is_some_and(|(code, said)| code == 2 && said.contains("thesis.png")));
    assert!(with("copy.jpg").is_some_and(|(code, said)| code == 2 && said.contains("PNG")));
    assert_eq!(fs::read_to_string(dir.path().join("thesis.png")).unwrap(), "mine");
}
