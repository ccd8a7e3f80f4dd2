use super::*;
use crate::codec::Pixels;
use crate::dataset::{Content, Meta, feature};
use crate::pool::Pool;
use std::collections::BTreeSet;

/// 20, 6 and 1 train rows of the classes a, b and c, and 4 test rows.
fn table(folder: &Path) {
    let names = ["a", "b", "c", "d"].map(String::from).to_vec();
    let mut writer =
        DatasetWriter::create(folder, Meta::table("t", names, vec!["x".into(), "y".into()])).unwrap();
    for i in 0..31u32 {
        let (label, split) = match i {
            0..20 => (0, Split::Train),
            20..26 => (1, Split::Train),
            26 => (2, Split::Train),
            _ => (i % 2, Split::Test),
        };
        let row = vec![(i * i % 17) as f32 + 100.0 * label as f32, if i == 22 { f32::NAN } else { i as f32 }];
        writer.push(Sample::new(format!("r{i:03}"), Some(label), split, Content::from_row(row))).unwrap();
    }
    writer.finish().unwrap();
}

fn run(dir: &Path, name: &str, options: BalanceOptions, threads: usize) -> (Outcome, Vec<Sample>) {
    let ctx = Ctx { pool: Pool::new(threads).unwrap(), ..Ctx::quiet(3) };
    let out = dir.join(format!("{name}-{threads}"));
    let outcome = options.run(&ctx, &dir.join("in"), &out).unwrap();
    let samples = Dataset::open(&out).unwrap().samples().collect::<Result<Vec<_>>>().unwrap();
    (outcome, samples)
}

fn counts(samples: &[Sample], split: Split) -> [usize; 3] {
    [0, 1, 2].map(|c| samples.iter().filter(|s| s.label == Some(c) && s.split == split).count())
}

fn options(method: Method, target: &[&str]) -> BalanceOptions {
    BalanceOptions {
        method,
        target: target.iter().map(|t| (*t).to_owned()).collect(),
        ..BalanceOptions::default()
    }
}

#[test]
fn classes_reach_their_targets_and_the_test_split_stays() {
    let dir = tempfile::tempdir().unwrap();
    table(&dir.path().join("in"));
    let cases = [
        (options(Method::Oversample, &[]), [20, 20, 20]),
        (options(Method::Oversample, &["mean"]), [20, 9, 9]),
        (options(Method::Oversample, &["10", "c=3"]), [20, 10, 3]),
        (options(Method::Smote, &[]), [20, 20, 20]),
        (options(Method::Undersample, &["6"]), [6, 6, 1]),
        (options(Method::Undersample, &[]), [1, 1, 1]),
    ];
    for (i, (options, want)) in cases.into_iter().enumerate() {
        let (outcome, samples) = run(dir.path(), &format!("case{i}"), options.clone(), 1);
        assert_eq!(counts(&samples, Split::Train), want, "{options:?}");
        assert_eq!(counts(&samples, Split::Test), [2, 2, 0]);
        let after: Vec<usize> = serde_json::from_value(outcome.figures["after"].clone()).unwrap();
        assert_eq!(after, [want[0], want[1], want[2], 0]);
        run(dir.path(), &format!("case{i}"), options, 2);
        let hash = |threads: u32| {
            Dataset::open(&dir.path().join(format!("case{i}-{threads}"))).unwrap().meta().content_hash.clone()
        };
        assert_eq!(hash(1), hash(2));
    }
}

#[test]
fn copies_tell_where_they_come_from() {
    let dir = tempfile::tempdir().unwrap();
    table(&dir.path().join("in"));
    let (_, samples) = run(dir.path(), "over", options(Method::Oversample, &[]), 1);
    let ids: BTreeSet<&str> = samples.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids.len(), samples.len());
    for copy in samples.iter().filter(|s| s.origin.is_some()) {
        let source = samples.iter().find(|s| s.id == copy.origin.as_ref().unwrap().source).unwrap();
        assert!(copy.id.starts_with(&format!("{}!over", source.id)));
        assert!(format!("{:?}", copy.content) == format!("{:?}", source.content));
    }
    let (_, samples) = run(dir.path(), "smote", options(Method::Smote, &[]), 1);
    for made in samples.iter().filter(|s| s.origin.is_some()) {
        let origin = made.origin.as_ref().unwrap();
        let row = |id: &str| samples.iter().find(|s| s.id == id).unwrap().row();
        let (a, b) = (
            row(&origin.source),
            row(origin.params.parse::<serde_json::Value>().unwrap()["other"].as_str().unwrap()),
        );
        let x = made.row()[0];
        assert!(x >= a[0].min(b[0]) - 1e-4 && x <= a[0].max(b[0]) + 1e-4);
    }
}

#[test]
fn weights_even_out_the_train_split() {
    let dir = tempfile::tempdir().unwrap();
    table(&dir.path().join("in"));
    let (_, samples) = run(dir.path(), "weights", options(Method::Weights, &[]), 1);
    let total = |class: u32| -> f32 {
        samples.iter().filter(|s| s.label == Some(class) && s.split == Split::Train).map(|s| s.weight).sum()
    };
    assert!((0..3).all(|c| (total(c) - 9.0).abs() < 1e-4));
    assert!(samples.iter().filter(|s| s.split == Split::Test).all(|s| s.weight == 1.0));
    // Weights that are even stay as they are.
    std::fs::rename(dir.path().join("in"), dir.path().join("before")).unwrap();
    std::fs::rename(dir.path().join("weights-1"), dir.path().join("in")).unwrap();
    let (_, again) = run(dir.path(), "again", options(Method::Weights, &[]), 1);
    assert!(samples.iter().zip(&again).all(|(a, b)| (a.weight - b.weight).abs() < 1e-5));
}

#[test]
fn a_sample_may_be_repeated_more_often_than_fits_the_memory_at_once() {
    let dir = tempfile::tempdir().unwrap();
    table(&dir.path().join("in"));
    let (outcome, samples) = run(dir.path(), "many", options(Method::Oversample, &["c=30000"]), 2);
    assert_eq!((outcome.figures["added"].as_u64(), counts(&samples, Split::Train)[2]), (Some(30013), 30000));
}

#[test]
fn targets_and_operations_are_checked_before_a_run() {
    let check = |options: BalanceOptions| Stage::check(&options).unwrap_err().message;
    assert!(check(options(Method::Oversample, &["lots"])).contains("`lots`"));
    assert!(check(options(Method::Oversample, &["a=none"])).contains("`a=none`"));
    let one = crate::stages::augment::AugmentOptions::default().ops[0].clone();
    let ops = BalanceOptions { ops: vec![one.clone(); 33], ..options(Method::Augment, &[]) };
    assert!(check(ops).contains("33 operations"));
    let augment = crate::stages::augment::AugmentOptions { ops: vec![], ..Default::default() };
    assert!(Stage::check(&augment).unwrap_err().message.contains("no operation"));
}

#[test]
fn pictures_are_augmented_or_mixed() {
    let dir = tempfile::tempdir().unwrap();
    let meta = Meta::images("p", vec!["a".into(), "b".into()]);
    let mut writer = DatasetWriter::create(&dir.path().join("in"), meta).unwrap();
    for i in 0..12u32 {
        let data = (0..81u32).map(|p| (p * (i + 3) * 7 % 256) as u8).collect();
        let content = Content::from_pixels(Pixels::new(data, 9, 9, 1).unwrap());
        writer.push(Sample::new(format!("p{i:02}"), Some(u32::from(i > 8)), Split::Train, content)).unwrap();
    }
    writer.finish().unwrap();
    for method in [Method::Augment, Method::Smote] {
        let name = format!("{method:?}");
        let (outcome, samples) = run(dir.path(), &name, options(method, &[]), 1);
        assert_eq!((outcome.figures["added"].as_u64(), samples.len()), (Some(6), 18));
        let distinct: BTreeSet<_> = samples.iter().map(|s| s.pixels().unwrap().data).collect();
        assert_eq!(distinct.len(), 18, "{method:?}");
        assert_eq!(samples, run(dir.path(), &name, options(method, &[]), 2).1);
    }
}

#[test]
fn bad_requests_name_the_key() {
    let dir = tempfile::tempdir().unwrap();
    table(&dir.path().join("in"));
    let bad = [
        options(Method::Oversample, &["lots"]),
        options(Method::Oversample, &["z=4"]),
        options(Method::Undersample, &["0"]),
        options(Method::Oversample, &["a=0"]),
        options(Method::Oversample, &["400000000"]),
        options(Method::Weights, &["max"]),
        options(Method::Augment, &[]),
        BalanceOptions { k: 0, ..BalanceOptions::default() },
        BalanceOptions { beta: 1.0, ..BalanceOptions::default() },
    ];
    for options in bad {
        let e = options.run(&Ctx::quiet(1), &dir.path().join("in"), &dir.path().join("out")).unwrap_err();
        assert!(e.exit_code() == 2 && e.message.contains("recipe key"), "{e}");
    }
}

/// Rows of a number, a colour of three, and a count; `wide` of the 12 are of class a, the others of b.
fn mixed_table(folder: &Path, wide: usize) {
    let columns = ["x", "c=r", "c=g", "c=b", "n"].map(String::from).to_vec();
    let names = ["a", "b"].map(String::from).to_vec();
    let mut writer = DatasetWriter::create(folder, Meta::table("t", names, columns)).unwrap();
    let c = Some("c".to_owned());
    let mut features = feature::unseen(vec![None, c.clone(), c.clone(), c, None]);
    for i in 0..12 {
        let colour = |which: usize| f32::from(u8::from(which == i % 3 || (i > wide && which == 0)));
        let colour = if i % 3 != 0 && i > wide { [1.0, 0.0, 0.0] } else { [0, 1, 2].map(colour) };
        let row = vec![0.25 + i as f32, colour[0], colour[1], colour[2], (i * i) as f32];
        feature::see(&mut features, &row, true);
        let label = Some(u32::from(i >= wide));
        writer.push(Sample::new(format!("r{i:02}"), label, Split::Train, Content::from_row(row))).unwrap();
    }
    writer.describe(features);
    writer.finish().unwrap();
}

#[test]
fn mixtures_have_one_category_and_whole_numbers() {
    let dir = tempfile::tempdir().unwrap();
    mixed_table(&dir.path().join("in"), 8);
    let (_, samples) = run(dir.path(), "nc", options(Method::Smote, &["40"]), 1);
    let made: Vec<&[f32]> = samples.iter().filter(|s| s.origin.is_some()).map(Sample::row).collect();
    assert_eq!(made.len(), 68);
    for row in made {
        assert_eq!(row[1..4].iter().sum::<f32>(), 1.0, "{row:?}");
        assert!(row[1..4].iter().all(|v| *v == 0.0 || *v == 1.0) && row[4] == row[4].round(), "{row:?}");
    }
    // All rows of b after the first are red, and so is what is made of any of them.
    let of_b = samples.iter().filter(|s| s.origin.is_some() && s.label == Some(1));
    assert!(of_b.into_iter().all(|s| s.row()[1] == 1.0));
}
