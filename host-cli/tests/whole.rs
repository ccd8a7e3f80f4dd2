//! The main job from end to end on small data: what `init` writes runs, and so does the demo.

mod common;

use common::{code, run, text};
use seedbed_cli::codec::{Pixels, encode_png};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A picture with a bright square at one of two places, of this shape.
fn picture(path: &Path, i: usize, [h, w, c]: [usize; 3]) {
    let bright = |y: usize, x: usize| (y * 2 < h) == i.is_multiple_of(2) && x * 2 < w;
    let data = (0..h * w * c).map(|p| {
        let (y, x) = (p / (w * c), p / c % w);
        if bright(y, x) { 200 + (i * 7 + p) as u8 % 50 } else { (i * 13 + p * 5) as u8 % 50 }
    });
    let pixels = Pixels::new(data.collect(), h, w, c).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, encode_png(&pixels).unwrap()).unwrap();
}

fn json(dir: &Path, words: &[&str], want: i32) -> Value {
    let out = run(dir, words);
    assert_eq!(code(&out), want, "{words:?}: {}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Writes a recipe, cuts the training short, and runs it; and once more, when nothing is to be done.
fn init_and_run(dir: &Path, input: &str, want: i32) -> Value {
    json(dir, &["init", input, "--seed", "3", "--json"], 0);
    let recipe = fs::read_to_string(dir.join("seedbed.toml")).unwrap();
    let short =
        recipe.replace("# epochs =\n", "epochs = 1\n").replace("manifold_k = 3\n", "manifold_k = 0\n");
    let short = short.replace("\nn = 1000\n", "\nn = 20\n");
    assert_eq!(recipe.matches("\n# epochs =\n").count(), 1);
    fs::write(dir.join("seedbed.toml"), short).unwrap();
    let done = json(dir, &["run", "seedbed.toml", "--json", "-q"], want);
    assert_eq!(done["seed"], 3);
    assert!(dir.join("seedbed-run/report.html").is_file());
    let again = json(dir, &["run", "seedbed.toml", "--json", "-q"], want);
    assert!(again["stages"].as_array().unwrap().iter().all(|s| s["cached"] == true), "{again}");
    done
}

fn stages(run: &Value) -> Vec<&str> {
    run["stages"].as_array().unwrap().iter().map(|s| s["stage"].as_str().unwrap()).collect()
}

#[test]
fn a_table() {
    let dir = tempfile::tempdir().unwrap();
    let row = |i: usize| format!("{},{},{}\n", i, i * 7 % 11, ["a", "b"][i % 2]);
    let rows: String = (0..150).map(|i| if i == 7 { "x,,a\n".into() } else { row(i) }).collect();
    fs::write(dir.path().join("t.csv"), format!("x,y,label\n{rows}")).unwrap();
    let done = init_and_run(dir.path(), "t.csv", 3);
    let all = ["collect", "preprocess", "prune", "balance", "train", "generate", "evaluate", "export"];
    assert_eq!(stages(&done), all);
    let parquet = fs::read_dir(dir.path().join("seedbed-run/09-output")).unwrap().flatten();
    assert!(parquet.map(|e| e.path()).any(|p| p.extension().is_some_and(|e| e == "parquet")));
    // Parts of a result that are gone are made again; notes of the user's are kept.
    let prune = dir.path().join("seedbed-run/03-prune");
    fs::remove_file(prune.join("data-00000.parquet")).unwrap();
    let mended = json(dir.path(), &["run", "seedbed.toml", "--json", "-q"], 3);
    assert_eq!(mended["stages"][2]["cached"], false);
    assert_eq!(mended["stages"][3]["cached"], true, "{mended}");
    fs::write(prune.join("notes.txt"), "mine").unwrap();
    let out = run(dir.path(), &["run", "seedbed.toml", "-q", "--seed", "4"]);
    assert_eq!(code(&out), 2, "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("notes.txt") && prune.join("notes.txt").is_file());
    // A run that fails has a report, too.
    let page = fs::read_to_string(dir.path().join("seedbed-run/report.html")).unwrap();
    assert!(page.contains("The run failed") && page.contains("notes.txt"));
}

#[test]
fn pictures_without_classes() {
    let dir = tempfile::tempdir().unwrap();
    (0..150).for_each(|i| picture(&dir.path().join(format!("raw/{i}.png")), i, [8, 8, 1]));
    let done = init_and_run(dir.path(), "raw", 0);
    let all = ["collect", "preprocess", "prune", "augment", "train", "generate", "evaluate", "export"];
    assert_eq!(stages(&done), all);
}

#[test]
fn pictures_of_several_sizes_and_channels() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..150 {
        let shape = [[8, 8, 1], [12, 10, 3], [9, 14, 1]][i % 3];
        picture(&dir.path().join(["raw/up", "raw/down"][i % 2]).join(format!("{i}.png")), i, shape);
    }
    let done = init_and_run(dir.path(), "raw", 0);
    assert_eq!(stages(&done).len(), 9);
}

#[test]
fn the_demo_on_data_of_the_users() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..60 {
        picture(&dir.path().join(["raw/up", "raw/down"][i % 2]).join(format!("{i}.png")), i, [8, 8, 1]);
    }
    fs::write(dir.path().join("raw/up/cut.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let demo = ["demo", "--data", "raw", "--out", "d", "--json", "-q"];
    let done = json(dir.path(), &demo, 3);
    assert!(done["found"].as_array().is_some_and(|found| !found.is_empty()), "{done}");
    let read = || -> Value {
        serde_json::from_str(&fs::read_to_string(dir.path().join("d/demo.json")).unwrap()).unwrap()
    };
    assert_eq!(read()["left_out"][0]["file"], "up/cut.png");
    // Another run there is held against the same truth, and the user's recipe stays.
    let path = dir.path().join("d/demo.toml");
    let recipe = fs::read_to_string(&path).unwrap();
    let edited = recipe.replace("[prune]\n", "[prune]\nexact = false\nnear = false\n");
    fs::write(&path, edited.split("[train]").next().unwrap()).unwrap();
    json(dir.path(), &["run", "d/demo.toml", "--out", "d", "--json", "-q"], 0);
    let flagged = |found: &Value| found["flagged"].as_u64().unwrap();
    let copies = |demo: &Value| -> u64 {
        let found = demo["found"].as_array().unwrap().iter();
        found.filter(|f| f["kind"].as_str().unwrap().ends_with("duplicate")).map(flagged).sum()
    };
    assert_eq!(copies(&read()), 0);
    let refused = run(dir.path(), &demo);
    assert_eq!(code(&refused), 2);
    assert!(text(&refused.stderr).contains("demo.toml"), "{}", text(&refused.stderr));
}
