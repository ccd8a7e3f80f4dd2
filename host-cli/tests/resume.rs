//! A run that is disturbed (killed at any moment, out of room, unreadable input) and started again ends with
//! the bytes of one that was not.

mod common;

use common::{code, run, seedbed, text};
use seedbed_cli::codec::{Pixels, encode_png};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// All stages, on as little as they take. No time is in what they write.
const RECIPE: &str = "seed = 5
input = 'raw'
[collect]
test_fraction = 0.3
[preprocess]
size = '8'
[prune]
[balance]
[augment]
copies = 1
[train]
hidden = [16]
latent = 2
epochs = 4
checkpoint_every = 1
[generate]
n = 12
manifold_k = 0
[evaluate]
k = 2
[output]
";

/// Pictures of two classes, one of them damaged, and the recipe.
fn prepare(dir: &Path) {
    for i in 0..48usize {
        let bright = |p: usize| (p < 32) == (i % 2 == 0);
        let pixel = |p: usize| if bright(p) { 190 + (i * 7 + p) % 60 } else { (i * 13 + p * 5) % 60 };
        let pixels = Pixels::new((0..64).map(|p| pixel(p) as u8).collect(), 8, 8, 1).unwrap();
        let path = dir.join(["raw/up", "raw/down"][i % 2]).join(format!("{i:02}.png"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, encode_png(&pixels).unwrap()).unwrap();
    }
    fs::write(dir.join("raw/up/cut.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    fs::write(dir.join("r.toml"), RECIPE).unwrap();
}

const RUN: [&str; 6] = ["run", "r.toml", "--out", "out", "-q", "-j1"];

fn start(dir: &Path) -> Child {
    seedbed(dir).args(RUN).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Runs the recipe to its end.
fn finish(dir: &Path, what: &str) {
    let out = run(dir, &RUN);
    assert_eq!(code(&out), 3, "{what}: {}", text(&out.stderr));
}

/// All that is in a folder, without times; what is left of a disturbed run counts.
fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn enter(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                enter(root, &path, files);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let bytes = match name.as_str() {
                "run.json" | "stage.json" => timeless(&fs::read(&path).unwrap()),
                // How long each stage took is in them.
                "report.html" | "report.json" | "log.txt" => Vec::new(),
                _ => fs::read(&path).unwrap(),
            };
            files.insert(path.strip_prefix(root).unwrap().display().to_string(), bytes);
        }
    }
    let mut files = BTreeMap::new();
    enter(folder, folder, &mut files);
    files
}

/// A record without what differs from run to run.
fn timeless(json: &[u8]) -> Vec<u8> {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| !key.contains("seconds") && key != "started" && key != "cached");
                map.values_mut().for_each(strip);
            }
            Value::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::from_slice(json).unwrap();
    strip(&mut value);
    value.to_string().into_bytes()
}

/// Names of files that differ or are in one of the two alone.
fn differing(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
    names.filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

fn hash(dir: &Path) -> String {
    let out = run(dir, &["hash", "out"]);
    assert_eq!(code(&out), 0, "{}", text(&out.stderr));
    text(&out.stdout)
}

/// Numbers that look random, of a seed.
fn draw(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1u64 << 53) as f64
}

#[test]
fn a_run_killed_at_any_moment_ends_with_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    prepare(dir.path());
    finish(dir.path(), "once to warm up");
    fs::remove_dir_all(&out).unwrap();
    let begun = Instant::now();
    finish(dir.path(), "undisturbed");
    let whole = begun.elapsed();
    let (want, want_hash) = (snapshot(&out), hash(dir.path()));
    assert!(want.len() > 40, "{:?}", want.keys());
    let (mut seed, mut killed) = (3, 0);
    for trial in 0..50 {
        fs::remove_dir_all(&out).unwrap();
        let mut child = start(dir.path());
        let moment = whole.mul_f64(draw(&mut seed));
        sleep(moment);
        child.kill().unwrap();
        // A process that was killed has no exit code.
        killed += i32::from(child.wait().unwrap().code().is_none());
        let what = format!("trial {trial}, killed after {moment:?} of {whole:?}");
        finish(dir.path(), &what);
        let got = snapshot(&out);
        assert_eq!(differing(&want, &got), Vec::<String>::new(), "{what}");
        assert_eq!(hash(dir.path()), want_hash, "{what}");
    }
    assert!(killed >= 25, "{killed} of 50 were at work");
}

#[test]
fn two_runs_into_one_folder_are_one_too_many_but_a_killed_one_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    prepare(dir.path());
    let long = RECIPE.replace("epochs = 4\n", "epochs = 1000000\n");
    fs::write(dir.path().join("r.toml"), long).unwrap();
    let mut child = start(dir.path());
    let begun = Instant::now();
    let record = || fs::read_to_string(out.join("run.json")).unwrap_or_default();
    while !record().contains("05-augment") || !out.join(".06-train.lock").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_millis(10));
    }
    let before = record();
    let train = ["train", "out/05-augment", "--out", "out/06-train", "-q"];
    for words in [&RUN[..], &["demo", "--out", "out", "-q"], &train] {
        let second = run(dir.path(), words);
        let said = text(&second.stderr);
        assert_eq!(code(&second), 1, "{said}");
        assert!(said.contains("another seedbed is writing to: "), "{said}");
    }
    assert_eq!(record(), before);
    child.kill().unwrap();
    child.wait().unwrap();
    fs::write(dir.path().join("r.toml"), RECIPE).unwrap();
    finish(dir.path(), "after the kill");
}

/// A small file system in memory, until it is dropped.
#[cfg(target_os = "linux")]
struct Small(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl Small {
    /// Where that is allowed; else the test that needs it is left out, but not in CI.
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mut mount = std::process::Command::new("mount");
        let done = mount.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(at).output();
        let mounted = done.is_ok_and(|out| out.status.success());
        if !mounted {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "a tmpfs cannot be mounted: be root");
            println!("skip: a tmpfs cannot be mounted here");
        }
        mounted.then(|| Self(at.to_owned()))
    }
}

#[cfg(target_os = "linux")]
impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Room in files below `folder`, in pages of 4 KiB as a tmpfs counts it.
#[cfg(target_os = "linux")]
fn pages(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    files
        .map(|path| if path.is_dir() { pages(&path) } else { path.metadata().unwrap().len().div_ceil(4096) })
        .sum()
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_with_room_again_the_run_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    let Some(small) = Small::mount(&dir.path().join("small")) else { return };
    let (out, ballast) = (small.0.join("out"), small.0.join("ballast"));
    let words = ["run", "r.toml", "--out", "small/out", "-q", "-j1"];
    let finish = |what: &str| {
        let done = run(dir.path(), &words);
        assert_eq!(code(&done), 3, "{what}: {}", text(&done.stderr));
    };
    finish("undisturbed");
    let (want, need) = (snapshot(&out), pages(&out));
    let mut full = 0;
    for tenth in 0..10 {
        fs::remove_dir_all(&out).unwrap();
        let room = need * tenth / 10;
        fs::write(&ballast, vec![1; ((512 - room) * 4096) as usize]).unwrap();
        let refused = run(dir.path(), &words);
        let (what, said) = (format!("{room} of {need} pages"), text(&refused.stderr));
        assert_eq!(code(&refused), 1, "{what}: {said}");
        assert!(said.contains("error: no space left: ") && said.contains("small/out"), "{what}: {said}");
        assert!(said.contains("try: free some space"), "{what}: {said}");
        full += usize::from(out.join("01-collect").is_dir());
        // What has its final name is whole; nothing else is left lying about but what training goes on from.
        for (name, bytes) in snapshot(&out) {
            if name.ends_with(".partial.checkpoint") {
                continue;
            }
            assert!(!name.contains("partial") && !name.contains(".lock"), "{what}: {name}");
            let whole = name == "run.json" || want.get(&name) == Some(&bytes);
            assert!(whole, "{what}: {name} of {} bytes", bytes.len());
        }
        fs::remove_file(&ballast).unwrap();
        finish(&what);
        assert_eq!(differing(&want, &snapshot(&out)), Vec::<String>::new(), "{what}");
    }
    assert!(full > 3, "only {full} runs had room for a stage");
}

/// A file that is there but gives an error when it is read, also to root; and one that is gone when it is opened.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_read_is_set_aside_and_counts_once_it_can_be() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let (out, raw) = (dir.path().join("out"), dir.path().join("raw"));
    prepare(dir.path());
    // The file that cannot be read is a link to one that nobody can read.
    let recipe = RECIPE.replace("[collect]", "[collect]\nfollow_links = true");
    fs::write(dir.path().join("r.toml"), recipe).unwrap();
    fs::remove_file(raw.join("up/cut.png")).unwrap();
    assert_eq!(code(&run(dir.path(), &RUN)), 0, "undisturbed");
    let want = snapshot(&out);
    let (first, second) = (raw.join("up/00.png"), raw.join("down/01.png"));
    let bytes = [&first, &second].map(|path| fs::read(path).unwrap());
    for path in [&first, &second] {
        fs::remove_file(path).unwrap();
    }
    symlink("/proc/self/mem", &first).unwrap();
    symlink("/no/where/01.png", &second).unwrap();
    finish(dir.path(), "two files cannot be read");
    let list = fs::read_to_string(out.join("01-collect/set_aside.jsonl")).unwrap();
    for (file, why) in [("up/00.png", "input/output error"), ("down/01.png", "no such file")] {
        assert!(list.lines().any(|line| line.contains(file) && line.contains(why)), "{file}: {list}");
    }
    let strict = run(dir.path(), &[&RUN[..], &["--strict"]].concat());
    assert!(code(&strict) == 1 && text(&strict.stderr).contains("01.png"), "{}", text(&strict.stderr));
    for (path, bytes) in [&first, &second].iter().zip(bytes) {
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(code(&run(dir.path(), &RUN)), 0, "all can be read again");
    assert_eq!(differing(&want, &snapshot(&out)), Vec::<String>::new());
}
