//! Collecting the real sets: Fashion-MNIST, UCI digits, abalone and others.
//!
//! They are looked for in the folder that `SEEDBED_DATA` names, else in `../shared/data` beside the
//! workspace; without them the tests say so and pass, or fail where `CI` is `true`.

use seedbed_cli::dataset::{Dataset, Kind, content_hash};
use seedbed_cli::stages::collect::CollectOptions;
use seedbed_cli::{Ctx, Outcome, Pool, Stage};

mod common;
use common::data;

fn collect(name: &str, options: &CollectOptions) -> Option<(Outcome, Dataset, tempfile::TempDir)> {
    let input = data(name)?;
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    let ctx = Ctx { pool: Pool::new(2).unwrap(), ..Ctx::quiet(1) };
    let outcome = options.run(&ctx, &input, &out).unwrap();
    let dataset = Dataset::open(&out).unwrap();
    assert_eq!(dataset.samples().filter(Result::is_ok).count() as u64, outcome.samples);
    assert_eq!(content_hash(&out, &seedbed_cli::Pool::single()).unwrap(), dataset.meta().content_hash);
    Some((outcome, dataset, temp))
}

#[test]
fn fashion_mnist() {
    let options = CollectOptions { limit: Some(2000), ..CollectOptions::default() };
    let Some((outcome, dataset, _temp)) = collect("fashion-mnist", &options) else { return };
    let meta = dataset.meta();
    assert_eq!((outcome.samples, outcome.set_aside, meta.classes.len()), (2000, 0, 10));
    let image = meta.image.unwrap();
    assert_eq!((image.height, image.width, image.channels), (28, 28, 1));
    // 5,000 of 65,000 are for test in the source; a tenth of the others is for validation.
    assert!(meta.counts.test.abs_diff(154) < 40, "{:?}", meta.counts);
    assert!(meta.counts.val.abs_diff(185) < 10, "{:?}", meta.counts);
}

#[test]
fn uci_digits_as_pictures() {
    let options = CollectOptions {
        image_shape: Some("8x8".into()),
        value_max: Some(16.0),
        ..CollectOptions::default()
    };
    let Some((outcome, dataset, _temp)) = collect("uci-digits/digits-1400.csv.gz", &options) else { return };
    assert_eq!((outcome.samples, outcome.set_aside), (1400, 0));
    assert_eq!(dataset.meta().classes, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    let first = dataset.samples().next().unwrap().unwrap();
    // The first row of the file begins 0,0,5,13,9,1.
    assert_eq!(
        (first.label, &first.pixels().unwrap().data[..6]),
        (Some(0), [0, 0, 80, 207, 143, 16].as_slice())
    );
}

#[test]
fn imbalanced_tables() {
    for (name, samples, aside, classes, columns) in [
        ("abalone", 4177, 0, 28, 10),
        ("ecoli", 336, 0, 8, 7),
        ("winequality-white", 4898, 0, 7, 11),
        // 14 columns: 6 of numbers, 8 of 99 categories; 2,399 rows have a `?` for a value.
        ("adult-train", 30_162, 2_399, 2, 105),
    ] {
        let name = format!("tabular-imbalanced/{name}.csv.gz");
        let Some((outcome, dataset, _temp)) = collect(&name, &CollectOptions::default()) else { return };
        let meta = dataset.meta();
        assert_eq!((outcome.samples, outcome.set_aside), (samples, aside), "{name}");
        assert_eq!(
            (meta.kind, meta.classes.len(), meta.columns.len()),
            (Kind::Table, classes, columns),
            "{name}"
        );
    }
}

#[test]
fn archives_of_pictures_sounds_and_texts() {
    for (name, samples, aside, classes, kinds) in [
        ("digits-trio-wds", 600, 0, 10, &[Kind::Images, Kind::Audio, Kind::Text, Kind::Table][..]),
        ("cifar10-jpeg", 2000, 0, 10, &[Kind::Images, Kind::Table]),
        ("fsdd", 1200, 0, 10, &[Kind::Audio, Kind::Table]),
        ("coco-cc-captions", 38, 0, 0, &[Kind::Images, Kind::Text, Kind::Table]),
        ("sms-spam/sms-4574.tsv.gz", 4574, 0, 2, &[Kind::Text]),
        ("wordnet/gloss-lexname.tsv.gz", 109_659, 0, 45, &[Kind::Text]),
    ] {
        let Some((outcome, dataset, _temp)) = collect(name, &CollectOptions::default()) else { return };
        let meta = dataset.meta();
        assert_eq!((outcome.samples, outcome.set_aside), (samples, aside), "{name}");
        assert_eq!(
            (meta.classes.len(), meta.kinds().collect::<Vec<_>>()),
            (classes, kinds.to_vec()),
            "{name}"
        );
    }
}

#[test]
fn what_is_no_source_is_told_so() {
    for (name, message) in [
        ("text-corpus/python311-docs.txt.gz", "text is no table"),
        ("text-corpus", "no picture, sound or text below"),
    ] {
        let Some(input) = data(name) else { return };
        let temp = tempfile::tempdir().unwrap();
        let e = CollectOptions::default().run(&Ctx::quiet(1), &input, &temp.path().join("out")).unwrap_err();
        assert!(e.message.starts_with(message), "{e}");
    }
}
