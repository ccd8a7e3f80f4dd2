//! The real sets, exported in each format that can hold them and collected again: the same content hash.
//!
//! By default a part of each; the whole of all, with times, by
//! `cargo test --release --test real_round_trip -- --ignored --nocapture`.

mod common;

use clap::ValueEnum;
use common::data;
use seedbed_cli::dataset::Dataset;
use seedbed_cli::stages::collect::CollectOptions;
use seedbed_cli::stages::export::{ExportFormat, ExportOptions};
use seedbed_cli::{Ctx, Pool, Stage};
use std::path::Path;
use std::time::Instant;

/// The sets, below the folder of the real data.
const SETS: [&str; 13] = [
    "fashion-mnist",
    "mnist",
    "uci-digits/digits-1400.csv.gz",
    "cifar10-jpeg",
    "tabular-imbalanced/abalone.csv.gz",
    "tabular-imbalanced/adult-train.csv.gz",
    "tabular-imbalanced/ecoli.csv.gz",
    "tabular-imbalanced/winequality-white.csv.gz",
    "sms-spam/sms-4574.tsv.gz",
    "wordnet/gloss-lexname.tsv.gz",
    "fsdd",
    "digits-trio-wds",
    "coco-cc-captions",
];

/// Collects `input`, and gives the samples and the content hash.
fn collect(input: &Path, limit: Option<u64>, out: &Path) -> (u64, String) {
    let ctx = Ctx { pool: Pool::new(2).unwrap(), ..Ctx::quiet(1) };
    let name = Some("set".to_owned());
    let digits = input.to_string_lossy().contains("uci-digits");
    let options = CollectOptions {
        limit,
        name,
        image_shape: digits.then(|| "8x8".to_owned()),
        value_max: digits.then_some(16.0),
        ..CollectOptions::default()
    };
    let outcome = options.run(&ctx, input, out).unwrap();
    (outcome.samples, Dataset::open(out).unwrap().meta().content_hash.clone())
}

/// Takes a set through every format that holds it, and prints a line of seconds for each.
fn through_all(name: &str, limit: Option<u64>) {
    let Some(input) = data(name) else { return };
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name);
    let started = Instant::now();
    let (samples, want) = collect(&input, limit, &path("set"));
    println!("{name}: {samples} samples, collected in {:.1} s", started.elapsed().as_secs_f64());
    for &format in ExportFormat::value_variants() {
        let ctx = Ctx { pool: Pool::new(2).unwrap(), ..Ctx::quiet(1) };
        let options = ExportOptions { format: Some(format), ..ExportOptions::default() };
        let started = Instant::now();
        match options.run(&ctx, &path("set"), &path("out")) {
            Ok(outcome) => assert_eq!(outcome.samples, samples),
            Err(e) => {
                assert_eq!(e.exit_code(), 2, "{name} {format:?}: {e}");
                println!("  {format:?}: cannot hold it ({})", e.message.split(": ").next().unwrap());
                continue;
            }
        }
        let exported = started.elapsed();
        let back = collect(&path("out"), None, &path("back"));
        let collected = started.elapsed() - exported;
        assert_eq!(back, (samples, want.clone()), "{name} {format:?}");
        let [out, back] = [exported, collected].map(|d| d.as_secs_f64());
        println!("  {format:?}: same hash; {out:.1} s out, {back:.1} s back");
        std::fs::remove_dir_all(path("out")).unwrap();
        std::fs::remove_dir_all(path("back")).unwrap();
    }
}

#[test]
fn a_part_of_each_set_comes_back() {
    SETS.iter().for_each(|name| through_all(name, Some(60)));
}

#[test]
#[ignore = "takes minutes: the whole of every set"]
fn the_whole_of_each_set_comes_back() {
    SETS.iter().for_each(|name| through_all(name, None));
}
