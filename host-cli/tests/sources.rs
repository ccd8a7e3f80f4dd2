//! Sources as a user names them: patterns, lists, several paths, standard input.

mod common;

use common::{code, run, seedbed, text};
use seedbed_cli::codec::{Pixels, encode_png};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

fn png(value: u8) -> Vec<u8> {
    encode_png(&Pixels::new(vec![value; 12], 2, 2, 3).unwrap()).unwrap()
}

/// An archive of `n` pictures with labels, the first of this value.
fn archive(from: u8, n: u8) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut put = |name: String, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes).unwrap();
    };
    for i in 0..n {
        put(format!("{i:04}.png"), &png(from + i));
        put(format!("{i:04}.cls"), [b'0' + i % 2].as_slice());
    }
    builder.into_inner().unwrap()
}

/// Two shards for training and one for testing, below `shards/`.
fn shards(dir: &Path) {
    for (name, from) in [("train/000.tar", 0), ("train/001.tar", 30), ("test/000.tar", 60)] {
        let path = dir.join("shards").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, archive(from, 20)).unwrap();
    }
}

/// Runs `seedbed collect` with `--json`.
fn collect(dir: &Path, words: &[&str]) -> Value {
    let words = [&["collect", "--json", "-q"], words].concat();
    let out = run(dir, &words);
    assert_eq!(code(&out), 0, "{words:?}: {}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn refused(dir: &Path, words: &[&str], part: &str) {
    let out = run(dir, &[&["collect", "-o", "never"], words].concat());
    let said = text(&out.stderr);
    assert!(code(&out) != 0 && said.contains(part), "{words:?}: {said}");
    assert!(!dir.join("never").exists());
}

/// Runs `seedbed collect -` on these bytes.
fn piped(dir: &Path, words: &[&str], bytes: &[u8]) -> Output {
    let mut child = seedbed(dir)
        .args([&["collect", "-", "--json", "-q"], words].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    // A command that stops early closes the pipe.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap();
    out
}

#[test]
fn patterns_lists_and_several_paths_are_one_source() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    shards(dir);
    let whole = collect(dir, &["shards", "-o", "whole"]);
    assert_eq!((&whole["samples"], &whole["splits"]["test"]), (&60.into(), &20.into()));
    let pattern = collect(dir, &["shards/**/*.tar", "-o", "pattern"]);
    assert_eq!(pattern["content_hash"], whole["content_hash"], "the same ids, splits and labels");
    let paths = ["shards/train/001.tar", "shards/test/000.tar", "shards/train/000.tar"];
    let named = collect(dir, &[&paths[..], &["-o", "named"]].concat());
    assert_eq!(named["content_hash"], whole["content_hash"]);
    fs::create_dir(dir.join("lists")).unwrap();
    fs::write(dir.join("lists/all.txt"), paths.map(|path| format!("../{path}\n")).concat()).unwrap();
    let listed = collect(dir, &["@lists/all.txt", "-o", "listed"]);
    assert_eq!(listed["content_hash"], whole["content_hash"]);
    let folders = collect(dir, &["shards/train", "shards/test", "-o", "folders"]);
    assert_eq!(folders["content_hash"], whole["content_hash"]);
    // A pattern that matches one file is that file.
    let one = collect(dir, &["shards/test/*.tar", "-o", "one"]);
    assert_eq!(one["content_hash"], collect(dir, &["shards/test/000.tar", "-o", "other"])["content_hash"]);
}

#[test]
fn what_is_kept_covers_all_that_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    shards(dir);
    fs::write(dir.join("r.toml"), "input = ['shards/train/*.tar', 'shards/test/000.tar']\n[collect]\n")
        .unwrap();
    let go = || {
        let out = run(dir, &["run", "r.toml", "--json", "-q"]);
        assert_eq!(code(&out), 0, "{}", text(&out.stderr));
        let object: Value = serde_json::from_slice(&out.stdout).unwrap();
        (object["stages"][0]["cached"].as_bool().unwrap(), object["samples"].as_u64().unwrap())
    };
    assert_eq!((go(), go()), ((false, 60), (true, 60)));
    let status = |want: &str| {
        let out = run(dir, &["status", "r-run", "--json"]);
        let object: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(object["stages"][0]["state"], want, "{object}");
    };
    status("done");
    // The last file of the list changes, then one more comes.
    fs::write(dir.join("shards/test/000.tar"), archive(90, 19)).unwrap();
    status("stale");
    assert_eq!((go(), go()), ((false, 59), (true, 59)));
    fs::write(dir.join("shards/train/002.tar"), archive(120, 5)).unwrap();
    assert_eq!(go(), (false, 64));
    // The same files at other places have other ids.
    fs::rename(dir.join("shards/train"), dir.join("shards/val")).unwrap();
    fs::write(dir.join("r.toml"), "input = ['shards/val/*.tar', 'shards/test/000.tar']\n[collect]\n")
        .unwrap();
    assert!(!go().0);
}

#[test]
fn files_and_folders_of_pictures_go_together() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (name, value) in [("cats/1.png", 1), ("cats/2.png", 2), ("dogs/1.png", 3), ("birds/1.png", 4)] {
        fs::create_dir_all(dir.join("all").join(name).parent().unwrap()).unwrap();
        fs::write(dir.join("all").join(name), png(value)).unwrap();
    }
    fs::write(dir.join("all/README.md"), "about").unwrap();
    assert_eq!(collect(dir, &["all/*s", "-o", "a"])["classes"], serde_json::json!(["birds", "cats", "dogs"]));
    let two = collect(dir, &["all/cats", "all/dogs/1.png", "-o", "b"]);
    assert_eq!((&two["samples"], &two["classes"]), (&3.into(), &serde_json::json!(["cats", "dogs"])));
    let loose = collect(dir, &["all/cats/*.png", "-o", "c"]);
    assert_eq!((&loose["samples"], &loose["classes"]), (&2.into(), &serde_json::json!([])));
    // An empty file among them is set aside, and the texts beside them are not samples.
    fs::write(dir.join("all/cats/3.png"), "").unwrap();
    let out = run(dir, &["collect", "--json", "-q", "-o", "d", "all/cats/*.png", "all/README.md"]);
    assert_eq!(code(&out), 3, "{}", text(&out.stderr));
    let list = fs::read_to_string(dir.join("d/set_aside.jsonl")).unwrap();
    assert!(list.contains("file is empty") && list.contains("cats/3.png"), "{list}");
}

#[test]
fn standard_input_is_read_whatever_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let tar = archive(0, 20);
    fs::write(dir.join("x.tar"), &tar).unwrap();
    let want = collect(dir, &["x.tar", "-o", "file"])["content_hash"].clone();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&tar).unwrap();
    let lines: String = (0..30).map(|i| format!("{{\"x\": {i}, \"label\": \"{}\"}}\n", i % 3)).collect();
    let csv: String = (0..30).map(|i| format!("{i}.5,{},{}\n", i * 7, i % 3)).collect();
    let packed = zstd::bulk::compress(lines.as_bytes(), 3).unwrap();
    for (i, (bytes, format, samples)) in [
        (tar.clone(), "tar", 20),
        (gz.finish().unwrap(), "tar", 20),
        (zstd::bulk::compress(&tar, 3).unwrap(), "tar", 20),
        (lines.into_bytes(), "jsonl", 30),
        (packed, "jsonl", 30),
        (csv.into_bytes(), "csv", 30),
    ]
    .into_iter()
    .enumerate()
    {
        let out = piped(dir, &["-o", &format!("piped{i}")], &bytes);
        assert_eq!(code(&out), 0, "{}", text(&out.stderr));
        let object: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!((object["format"].as_str(), object["samples"].as_u64()), (Some(format), Some(samples)));
        assert!(format != "tar" || object["content_hash"] == want);
    }
    // The same bytes once more are no work, other bytes are.
    let cached = |bytes: &[u8]| {
        let out = piped(dir, &["-o", "piped0"], bytes);
        serde_json::from_slice::<Value>(&out.stdout).unwrap()["cached"].clone()
    };
    assert_eq!((cached(&tar), cached(&archive(1, 20))), (true.into(), false.into()));
}

#[test]
fn what_cannot_be_on_standard_input_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (words, bytes, part) in [
        (vec!["--format", "folder"], archive(0, 1), "not a folder: standard input"),
        (vec![], Vec::new(), "file is empty: standard input"),
        (vec![], png(1), "a single picture; give the folder that it is in: standard input"),
        (vec!["--max-unpacked", "1000"], archive(0, 9), "more than 1000 bytes: standard input"),
    ] {
        let out = piped(dir, &[&["-o", "never"][..], &words].concat(), &bytes);
        let said = text(&out.stderr);
        assert!(code(&out) != 0 && said.contains(part), "{words:?}: {said}");
    }
    fs::write(dir.join("r.toml"), "input = '-'\n[collect]\n").unwrap();
    let out = run(dir, &["init", "-"]);
    assert!(text(&out.stderr).contains("standard input can be read once only"), "{}", text(&out.stderr));
}

#[test]
fn inputs_that_do_not_go_together_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    shards(dir);
    fs::write(dir.join("t.csv"), "x,y\n1,2\n3,4\n").unwrap();
    fs::write(dir.join("u.csv"), "x,z\n1,2\n3,4\n").unwrap();
    refused(dir, &["*.zip"], "the pattern matches nothing: *.zip");
    refused(dir, &["shards/train/000.tar", "t.csv"], "inputs of different formats: ");
    refused(dir, &["t.csv", "u.csv"], "text tables of different columns, t.csv and u.csv");
    refused(dir, &["t.csv", "none.csv"], "no such file or folder: none.csv");
    refused(dir, &["@none.txt"], "no such file or folder: none.txt");
    let out = run(dir, &["collect", "shards/*/*.tar", "-o", "shards/train"]);
    assert!(code(&out) == 2, "an output among the inputs: {}", text(&out.stderr));
}

#[test]
fn a_recipe_for_several_inputs_works() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    shards(dir);
    for (words, want) in [
        (vec!["shards/*/*.tar"], "input = \"shards/*/*.tar\""),
        (
            vec!["shards/train/000.tar", "shards/test/000.tar"],
            "input = [\"shards/train/000.tar\", \"shards/test/000.tar\"]",
        ),
    ] {
        let out = run(dir, &[&["init", "--force", "-q"][..], &words].concat());
        assert_eq!(code(&out), 0, "{}", text(&out.stderr));
        let recipe = fs::read_to_string(dir.join("seedbed.toml")).unwrap();
        assert!(recipe.lines().any(|line| line == want), "{recipe}");
        let collect = recipe.split("[preprocess]").next().unwrap();
        fs::write(dir.join("seedbed.toml"), collect).unwrap();
        let out = run(dir, &["run", "seedbed.toml", "-q"]);
        assert_eq!(code(&out), 0, "{}", text(&out.stderr));
    }
}
