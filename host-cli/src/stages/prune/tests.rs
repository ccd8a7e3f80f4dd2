use super::*;
use crate::codec::Pixels;
use crate::dataset::{Content, Meta, Sample, Split};
use crate::formats;
use crate::pool::Pool;
use seedbed::rng::{Key, Stream};
use std::collections::{BTreeMap, BTreeSet};

fn read_lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn write(folder: &Path, meta: Meta, samples: Vec<Sample>) {
    let sorted: BTreeMap<String, Sample> = samples.into_iter().map(|s| (s.id.clone(), s)).collect();
    let mut writer = DatasetWriter::create(folder, meta).unwrap();
    sorted.into_values().for_each(|s| writer.push(s).unwrap());
    writer.finish().unwrap();
}

fn picture(id: &str, label: Option<u32>, split: Split, data: &[u8], side: usize) -> Sample {
    let pixels = Pixels::new(data.to_vec(), side, side, 1).unwrap();
    Sample::new(id, label, split, Content::from_pixels(pixels))
}

/// The first 1,400 of the embedded digits (8 × 8, 16 levels).
fn digits() -> Vec<(Vec<u8>, u32)> {
    let dir = tempfile::tempdir().unwrap();
    crate::demo::digits::unpack(dir.path()).unwrap();
    let source = formats::open(dir.path(), &formats::ReadOptions::default()).unwrap();
    let mut entries: Vec<_> = source.entries.iter().filter(|e| e.at < 1400).collect();
    entries.sort_by_key(|e| e.at);
    let sample = |e: &&formats::Entry| {
        let picture = source.loader.load(e.at).unwrap().image.unwrap();
        (picture.pixels().unwrap().data, e.label.unwrap())
    };
    entries.iter().map(sample).collect()
}

fn shifted(data: &[u8], dy: isize, dx: isize) -> Vec<u8> {
    let at = |y: isize, x: isize| {
        if (0..8).contains(&y) && (0..8).contains(&x) { data[(y * 8 + x) as usize] } else { 0 }
    };
    (0..64).map(|i| at(i / 8 - dy, i % 8 - dx)).collect()
}

/// Digits with two classes cut to a tenth and faults planted; gives the ids by kind.
fn plant(folder: &Path, seed: u64) -> BTreeMap<&'static str, BTreeSet<String>> {
    let all = digits();
    let mut stream = Stream::new(seed, Key::new(8));
    let mut seen = [0; 10];
    let mut clean: Vec<(Vec<u8>, u32)> = Vec::new();
    for (data, label) in all {
        seen[label as usize] += 1;
        if !(label == 3 || label == 8) || seen[label as usize] <= 14 {
            clean.push((data, label));
        }
    }
    let n = clean.len();
    let split = |i: usize| match i % 7 {
        0 => Split::Test,
        1 => Split::Val,
        _ => Split::Train,
    };
    let mut order: Vec<usize> = (0..n).collect();
    stream.shuffle(&mut order);
    let mut kinds: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    let mut labels: Vec<u32> = clean.iter().map(|c| c.1).collect();
    for &i in &order[..40] {
        labels[i] = (labels[i] + 1 + stream.below(9)) % 10;
        kinds.entry("label").or_default().insert(format!("a{i:05}"));
    }
    let mut samples: Vec<Sample> = clean
        .iter()
        .enumerate()
        .map(|(i, (data, _))| picture(&format!("a{i:05}"), Some(labels[i]), split(i), data, 8))
        .collect();
    for (k, &i) in order[40..220].iter().enumerate() {
        let data = &clean[i].0;
        let (kind, made) = match k % 6 {
            0 | 1 => ("exact", data.clone()),
            2 => ("near", shifted(data, 0, 1)),
            3 => ("near", shifted(data, -1, 0)),
            _ => {
                let noisy = |&v: &u8| (f32::from(v) + stream.normal() * 12.0).clamp(0.0, 255.0) as u8;
                if k % 6 == 5 { ("skip", Vec::new()) } else { ("near", data.iter().map(noisy).collect()) }
            }
        };
        if kind != "skip" {
            let id = format!("c{k:05}");
            samples.push(picture(&id, Some(labels[i]), Split::Train, &made, 8));
            kinds.entry(kind).or_default().insert(id);
        }
    }
    for k in 0..20 {
        let data: Vec<u8> = (0..64).map(|_| stream.below(256) as u8).collect();
        let id = format!("n{k:05}");
        samples.push(picture(&id, Some(stream.below(10)), Split::Train, &data, 8));
        kinds.entry("noise").or_default().insert(id);
    }
    let classes = (0..10).map(|c| c.to_string()).collect();
    write(folder, Meta::images("digits", classes), samples);
    kinds
}

fn ids_by(lines: &[Value], method: &str) -> BTreeSet<String> {
    let of = lines.iter().filter(|l| l["method"].as_str().unwrap().starts_with(method));
    of.map(|l| l["id"].as_str().unwrap().to_owned()).collect()
}

/// Precision and recall of what was found against what was planted.
fn judge(name: &str, found: &BTreeSet<String>, planted: &BTreeSet<String>) -> (f64, f64) {
    let right = found.intersection(planted).count() as f64;
    let scores = (right / found.len().max(1) as f64, right / planted.len() as f64);
    println!("{name}: {} of {} precision {:.3} recall {:.3}", right, planted.len(), scores.0, scores.1);
    scores
}

#[test]
fn planted_faults_are_found_in_digits() {
    for seed in 1..4 {
        let dir = tempfile::tempdir().unwrap();
        let kinds = plant(&dir.path().join("in"), seed);
        let ctx = Ctx { pool: Pool::new(2).unwrap(), ..Ctx::quiet(1) };
        let out = dir.path().join("out");
        let outcome = PruneOptions { all_splits: true, ..PruneOptions::default() }
            .run(&ctx, &dir.path().join("in"), &out)
            .unwrap();
        let dropped = read_lines(&out.join(DROPPED_FILE));
        let exact = judge("exact", &ids_by(&dropped, "exact"), &kinds["exact"]);
        let near = judge("near", &ids_by(&dropped, "near"), &kinds["near"]);
        let mut of_noise = ids_by(&dropped, "quality_noise");
        of_noise.append(&mut ids_by(&dropped, "outlier"));
        let noise = judge("noise", &of_noise, &kinds["noise"]);
        let label = judge("label", &ids_by(&dropped, "label"), &kinds["label"]);
        assert_eq!((exact, outcome.figures["dropped"].as_u64()), ((1.0, 1.0), Some(dropped.len() as u64)));
        assert!(near.0 > 0.9 && near.1 > 0.9, "{near:?}");
        assert!(noise.1 > 0.95 && noise.0 > 0.8, "{noise:?}");
        assert!(label.0 > 0.75 && label.1 > 0.75, "{label:?}");
    }
}

/// Distinct pictures of 16 × 16 with structure, squares of 2 × 2, so that no two are near.
fn distinct(n: u64) -> Vec<u8> {
    let mut stream = Stream::new(n, Key::new(8));
    let squares: Vec<u8> = (0..64).map(|_| stream.below(256) as u8).collect();
    (0..256).map(|i| squares[i / 32 * 8 + i % 16 / 2]).collect()
}

#[test]
fn of_twenty_noisy_copies_one_is_kept() {
    let mut stream = Stream::new(3, Key::new(8));
    let mut samples: Vec<Sample> =
        (0..40).map(|i| picture(&format!("m{i:02}"), None, Split::Train, &distinct(i), 16)).collect();
    for i in 0..20 {
        let noisy = |&v: &u8| (f32::from(v) + stream.normal() * 12.0).clamp(0.0, 255.0) as u8;
        let data: Vec<u8> = distinct(7).iter().map(noisy).collect();
        samples.push(picture(&format!("c{i:02}"), None, Split::Train, &data, 16));
    }
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("in"), Meta::images("copies", vec![]), samples);
    let options = PruneOptions { knn: false, lof: false, ..PruneOptions::default() };
    options.run(&Ctx::quiet(1), &dir.path().join("in"), &dir.path().join("out")).unwrap();
    let near = ids_by(&read_lines(&dir.path().join("out").join(DROPPED_FILE)), "near");
    // The twenty and the one that they are made of, less the one that is kept.
    assert_eq!(near.len(), 20, "{near:?}");
    assert!(near.iter().all(|id| id.starts_with('c') || id == "m07"), "{near:?}");
}

#[test]
fn what_judges_stays_and_leaks_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut samples: Vec<Sample> =
        (0..30).map(|i| picture(&format!("m{i:02}"), None, Split::Train, &distinct(i), 16)).collect();
    // In train before test; in val and test; twice in train; blank.
    samples.push(picture("x1", None, Split::Test, &distinct(0), 16));
    samples.push(picture("a2", None, Split::Val, &distinct(90), 16));
    samples.push(picture("x2", None, Split::Test, &distinct(90), 16));
    samples.push(picture("x3", None, Split::Train, &distinct(5), 16));
    samples.push(picture("z", None, Split::Train, &[40; 256], 16));
    let input = dir.path().join("in");
    write(&input, Meta::images("leaks", vec![]), samples);
    let run = |name: &str, options: PruneOptions| {
        let out = dir.path().join(name);
        let outcome = options.run(&Ctx::quiet(1), &input, &out).unwrap();
        (outcome, read_lines(&out.join(DROPPED_FILE)), read_lines(&out.join(LEAKS_FILE)))
    };
    let (outcome, dropped, _) = run("train", PruneOptions { knn: false, ..PruneOptions::default() });
    // What is in val and test too stays there.
    assert!(dropped.iter().all(|l| l["split"] == "train"));
    assert_eq!((dropped.len(), outcome.samples), (3, 32));
    let options = PruneOptions { knn: false, all_splits: true, ..PruneOptions::default() };
    let (outcome, dropped, leaks) = run("drop", options.clone());
    let kept = |id: &str| {
        dropped.iter().find(|l| l["id"] == id).map(|l| l["kept"].as_str().unwrap_or("").to_owned())
    };
    assert_eq!(kept("m00").as_deref(), Some("x1"));
    assert_eq!((kept("a2").as_deref(), kept("x2")), (Some("x2"), None));
    assert_eq!((kept("x3").as_deref(), kept("m05")), (Some("m05"), None));
    assert_eq!(kept("z").as_deref(), Some(""));
    assert_eq!((dropped.len(), outcome.samples), (4, 31));
    assert_eq!((leaks.len(), &leaks[0]["id"], &leaks[0]["dropped"]), (1, &json!("m00"), &json!(true)));
    let (outcome, dropped, leaks) = run("report", PruneOptions { leaks: Leaks::Report, ..options.clone() });
    assert_eq!((dropped.len(), leaks.len(), outcome.samples), (3, 1, 32));
    let (outcome, dropped, _) = run("dry", PruneOptions { dry_run: true, ..options.clone() });
    assert_eq!((dropped.len(), outcome.samples), (4, 35));
    let (outcome, dropped, _) = run("size", PruneOptions { size: Some(10), ..options });
    let covered = dropped.iter().filter(|l| l["method"] == "k_center").count();
    assert_eq!((Dataset::open(&dir.path().join("size")).unwrap().meta().counts.train, covered), (10, 19));
    assert_eq!(outcome.samples, 12);
}

#[test]
fn a_leak_near_a_val_picture_that_is_near_a_test_picture_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut samples: Vec<Sample> =
        (0..30).map(|i| picture(&format!("m{i:02}"), None, Split::Train, &distinct(i), 16)).collect();
    // Each is one pixel further to the right, so that only those next to each other are near.
    let moved = |by: usize| -> Vec<u8> {
        let wide: Vec<u8> = distinct(50).into_iter().chain(distinct(51)).collect();
        (0..256).map(|i| wide[i / 16 * 32 + i % 16 + by]).collect()
    };
    samples.push(picture("t", None, Split::Test, &moved(0), 16));
    samples.push(picture("v", None, Split::Val, &moved(1), 16));
    samples.push(picture("x1", None, Split::Train, &moved(2), 16));
    let noisy: Vec<u8> = moved(2).iter().map(|&v| v.saturating_add(2)).collect();
    samples.push(picture("x2", None, Split::Train, &noisy, 16));
    let input = dir.path().join("in");
    write(&input, Meta::images("chain", vec![]), samples);
    for (leaks, gone) in [(Leaks::Drop, vec!["x1", "x2"]), (Leaks::Report, vec!["x2"])] {
        let out = dir.path().join(format!("{leaks:?}"));
        let options = PruneOptions { knn: false, leaks, ..PruneOptions::default() };
        options.run(&Ctx::quiet(1), &input, &out).unwrap();
        let leaked: Vec<Value> = read_lines(&out.join(LEAKS_FILE)).iter().map(|l| l["id"].clone()).collect();
        assert_eq!(leaked, ["x1", "x2"], "{leaks:?}");
        let dropped: Vec<Value> =
            read_lines(&out.join(DROPPED_FILE)).iter().map(|l| l["id"].clone()).collect();
        assert_eq!(dropped, gone, "{leaks:?}");
    }
}

#[test]
fn tables_are_pruned_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(2, Key::new(8));
    let meta = Meta::table("t", vec!["a".into(), "b".into()], vec!["x".into(), "y".into()]);
    let mut samples = Vec::new();
    for i in 0..200u32 {
        let label = i % 2;
        let row = vec![stream.normal() + 8.0 * label as f32, stream.normal()];
        // Every fiftieth label is wrong.
        let given = if i % 50 == 7 { 1 - label } else { label };
        samples.push(Sample::new(format!("r{i:03}"), Some(given), Split::Train, Content::from_row(row)));
    }
    let first = samples[0].content.row.clone();
    samples.push(Sample::new("s1", Some(0), Split::Train, Content::from_row(first)));
    samples.push(Sample::new("s2", Some(0), Split::Train, Content::from_row(vec![4.0, 90.0])));
    write(&dir.path().join("in"), meta, samples);
    let out = dir.path().join("out");
    let options = PruneOptions { exact: Some(true), ..PruneOptions::default() };
    options.run(&Ctx::quiet(1), &dir.path().join("in"), &out).unwrap();
    let dropped = read_lines(&out.join(DROPPED_FILE));
    assert_eq!(ids_by(&dropped, "exact"), BTreeSet::from(["s1".to_owned()]));
    assert!(ids_by(&dropped, "outlier").contains("s2"));
    let wrong: BTreeSet<String> = ["r007", "r057", "r107", "r157"].map(String::from).into();
    assert_eq!(ids_by(&dropped, "label"), wrong);
    let line = dropped.iter().find(|l| l["id"] == "r007").unwrap();
    assert_eq!((&line["label"], &line["suggested"]), (&json!("a"), &json!("b")));
}

#[test]
fn options_out_of_range_are_usage_errors() {
    let bad = [
        PruneOptions { near_ratio: 2.0, ..PruneOptions::default() },
        PruneOptions { knn_limit: f32::NAN, ..PruneOptions::default() },
        PruneOptions { lof_limit: 1.0, ..PruneOptions::default() },
        PruneOptions { neighbours: 1, ..PruneOptions::default() },
        PruneOptions { blank: 1e30, ..PruneOptions::default() },
        PruneOptions { label_margin: f32::NAN, ..PruneOptions::default() },
        PruneOptions { folds: 1, ..PruneOptions::default() },
        PruneOptions { size: Some(0), ..PruneOptions::default() },
    ];
    for options in bad {
        let e = options.run(&Ctx::quiet(1), Path::new("nowhere"), Path::new("out")).unwrap_err();
        assert!(e.exit_code() == 2 && e.message.contains("recipe key"), "{e}");
    }
}

#[test]
fn a_small_class_that_lies_apart_is_no_outlier() {
    let dir = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(3, Key::new(8));
    let meta = Meta::table("t", vec!["a".into(), "b".into()], vec!["x".into(), "y".into()]);
    let mut row = |label: u32, i: u32| {
        let x = stream.normal() + if label == 1 { 60.0 + 9.0 * i as f32 } else { 0.0 };
        Sample::new(
            format!("{label}{i:03}"),
            Some(label),
            Split::Train,
            Content::from_row(vec![x, stream.normal()]),
        )
    };
    let mut samples: Vec<Sample> = (0..200).map(|i| row(0, i)).collect();
    samples.extend((0..3).map(|i| row(1, i)));
    samples.push(Sample::new("0999", Some(0), Split::Train, Content::from_row(vec![-70.0, 0.0])));
    write(&dir.path().join("in"), meta, samples);
    for options in [PruneOptions::default(), PruneOptions { lof: true, ..PruneOptions::default() }] {
        let out = dir.path().join(format!("{}", options.lof));
        PruneOptions { labels: false, ..options }.run(&Ctx::quiet(1), &dir.path().join("in"), &out).unwrap();
        let dropped = ids_by(&read_lines(&out.join(DROPPED_FILE)), "outlier");
        assert!(dropped.contains("0999") && dropped.iter().all(|id| id.starts_with('0')), "{dropped:?}");
    }
}

#[test]
fn a_train_split_of_blank_pictures_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let blank = |i: u8| {
        let split = if i == 5 { Split::Test } else { Split::Train };
        picture(&format!("p{i}"), None, split, &[i * 20; 256], 16)
    };
    write(&dir.path().join("in"), Meta::images("blank", vec![]), (0..6).map(blank).collect());
    let run =
        |options: PruneOptions| options.run(&Ctx::quiet(1), &dir.path().join("in"), &dir.path().join("out"));
    let e = run(PruneOptions::default()).unwrap_err();
    assert!(e.message.contains("quality_blank 5") && !dir.path().join("out").exists(), "{e}");
    let outcome = run(PruneOptions { dry_run: true, ..PruneOptions::default() }).unwrap();
    assert_eq!((outcome.samples, &outcome.figures["dropped"]), (6, &json!(5)));
}
