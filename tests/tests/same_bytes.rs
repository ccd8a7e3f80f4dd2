//! Same seed, same bytes, through the command: from pictures to samples of a model, for any number of threads, SIMD
//! level, shard size and order of the input.

use seedbed::Level;
use seedbed::rng::{Key, Stream};
use seedbed_cli::codec::{Pixels, encode_png};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The command, built as the workspace's tests build it.
fn seedbed() -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "-q", "-p", "seedbed-cli", "--bin", "seedbed"]).current_dir(root);
        assert!(
            build.env("CARGO_TARGET_DIR", target).status().unwrap().success(),
            "the command does not build"
        );
        target.join("debug/seedbed")
    });
    Command::new(program)
}

/// Pictures of 12 × 10 by class: stripes with a slope of their class, and noise. Written in the order of
/// `numbers`, since a folder is often read in the order in which it was filled.
fn pictures(dir: &Path, numbers: impl Iterator<Item = u64>) {
    for n in numbers {
        let class = n % 3;
        let mut stream = Stream::new(5, Key::new(1002).sample(n));
        let data = (0..12 * 10).map(|i| {
            let (y, x) = (i / 10, i % 10);
            let stripe = if (x + class * y + n / 3) % 4 < 2 { 200.0 } else { 40.0 };
            (stripe + stream.range(-30.0, 30.0)) as u8
        });
        let folder = dir.join(["flat", "steep", "steeper"][class as usize]);
        std::fs::create_dir_all(&folder).unwrap();
        let png = encode_png(&Pixels::new(data.collect(), 12, 10, 1).unwrap()).unwrap();
        std::fs::write(folder.join(format!("{n:03}.png")), png).unwrap();
    }
}

/// How one run differs from another.
struct Way {
    level: &'static str,
    threads: &'static str,
    shard_rows: &'static str,
}

/// Runs a command in `dir` and gives what it prints.
fn run(dir: &Path, way: &Way, words: &[&str]) -> String {
    let mut command = seedbed();
    command.current_dir(dir).env("SEEDBED_LEVEL", way.level).args(words);
    let out = command.args(["--quiet", "--threads", way.threads]).output().unwrap();
    assert!(out.status.success(), "{words:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// The hashes of what each stage makes of `raw`.
fn chain(raw: &Path, way: &Way) -> Vec<String> {
    let work = tempfile::tempdir().unwrap();
    let dir = work.path();
    let raw = raw.to_str().unwrap();
    run(dir, way, &["collect", raw, "--out", "1", "--seed", "7", "--shard-rows", way.shard_rows]);
    run(dir, way, &["preprocess", "1", "--out", "2", "--seed", "7", "--size", "8x8"]);
    run(dir, way, &["prune", "2", "--out", "pruned", "--seed", "7"]);
    run(dir, way, &["balance", "pruned", "--out", "balanced", "--seed", "7", "--method", "augment"]);
    run(dir, way, &["augment", "balanced", "--out", "3", "--seed", "7", "--copies", "2"]);
    let small = ["--hidden", "24", "--latent", "3", "--epochs", "2", "--batch", "32"];
    run(dir, way, &[&["train", "3", "--out", "4", "--seed", "7"], &small[..]].concat());
    let model = "4/model.safetensors";
    // So little training gives samples that are like no real one, which is not what counts here.
    let any = ["--manifold-k", "0", "--n", "30"];
    run(dir, way, &[&["generate", "3", "--model", model, "--out", "5", "--seed", "7"], &any[..]].concat());
    run(dir, way, &["evaluate", "3", "--generated", "5", "--out", "6", "--seed", "7"]);
    let conv =
        ["--model", "vae-conv", "--channels", "4,8", "--hidden", "16", "--latent", "2", "--epochs", "1"];
    run(dir, way, &[&["train", "2", "--out", "7", "--seed", "7"], &conv[..]].concat());
    let mut hashes = datasets(dir, way, &["1", "2", "pruned", "balanced", "3", "5"]);
    hashes.extend([model, "7/model.safetensors"].map(|file| file_hash(&dir.join(file))));
    hashes.push(scores(&dir.join("6")));
    hashes
}

/// The same of a table, through a GAN.
fn table_chain(table: &Path, way: &Way) -> Vec<String> {
    let work = tempfile::tempdir().unwrap();
    let dir = work.path();
    let table = table.to_str().unwrap();
    run(dir, way, &["collect", table, "--out", "1", "--seed", "7", "--shard-rows", way.shard_rows]);
    run(dir, way, &["preprocess", "1", "--out", "2", "--seed", "7"]);
    run(dir, way, &["prune", "2", "--out", "3", "--seed", "7"]);
    run(dir, way, &["balance", "3", "--out", "4", "--seed", "7", "--method", "smote"]);
    let gan = ["--model", "gan-mlp", "--hidden", "24", "--latent", "3", "--epochs", "2", "--batch", "32"];
    run(dir, way, &[&["train", "4", "--out", "5", "--seed", "7"], &gan[..]].concat());
    let model = "5/model.safetensors";
    let any = ["--manifold-k", "0", "--n", "30"];
    run(dir, way, &[&["generate", "4", "--model", model, "--out", "6", "--seed", "7"], &any[..]].concat());
    run(dir, way, &["evaluate", "4", "--generated", "6", "--out", "7", "--seed", "7"]);
    let mut hashes = datasets(dir, way, &["1", "2", "3", "4", "6"]);
    hashes.extend([file_hash(&dir.join(model)), scores(&dir.join("7"))]);
    hashes
}

fn datasets(dir: &Path, way: &Way, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| run(dir, way, &["hash", name])).collect()
}

/// The figures of an evaluation, without the time that it took.
fn scores(folder: &Path) -> String {
    let record = std::fs::read_to_string(folder.join("stage.json")).unwrap();
    let (_, figures) = record.split_once("\"figures\"").unwrap();
    figures.to_owned()
}

fn file_hash(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    format!("{:032x}", seedbed::prune::content_hash(&[], &bytes))
}

#[test]
fn threads_levels_shards_and_order_change_no_byte() {
    let work = tempfile::tempdir().unwrap();
    let (forwards, backwards) = (work.path().join("forwards"), work.path().join("backwards"));
    pictures(&forwards, 0..90);
    pictures(&backwards, (0..90).rev());
    let want = chain(&forwards, &Way { level: "base", threads: "1", shard_rows: "1000" });
    for level in Level::available() {
        let way = Way { level: level.name(), threads: "2", shard_rows: "17" };
        assert_eq!(chain(&backwards, &way), want, "{}", level.name());
    }
}

#[test]
fn threads_levels_and_shards_change_no_byte_of_a_table() {
    let work = tempfile::tempdir().unwrap();
    let table = work.path().join("table.csv");
    let mut stream = Stream::new(5, Key::new(1002));
    let mut rows = String::from("width,height,colour,kind\n");
    for i in 0..200 {
        let kind = usize::from(i % 5 == 0);
        let (width, height) = (stream.normal() + 2.0 * kind as f32, stream.normal());
        rows += &format!("{width},{height},{},{kind}\n", ["red", "green"][stream.index(2)]);
    }
    std::fs::write(&table, rows).unwrap();
    let want = table_chain(&table, &Way { level: "base", threads: "1", shard_rows: "1000" });
    for level in Level::available() {
        let way = Way { level: level.name(), threads: "2", shard_rows: "17" };
        assert_eq!(table_chain(&table, &way), want, "{}", level.name());
    }
}

#[test]
fn another_seed_gives_other_samples() {
    let work = tempfile::tempdir().unwrap();
    pictures(work.path(), 0..30);
    let way = Way { level: "base", threads: "2", shard_rows: "1000" };
    let augmented = |seed: &str| {
        let out = tempfile::tempdir().unwrap();
        let raw = work.path().to_str().unwrap();
        run(out.path(), &way, &["collect", raw, "--out", "1"]);
        run(out.path(), &way, &["augment", "1", "--out", "2", "--seed", seed]);
        run(out.path(), &way, &["hash", "2"])
    };
    assert_eq!(augmented("1"), augmented("1"));
    assert_ne!(augmented("1"), augmented("2"));
}
