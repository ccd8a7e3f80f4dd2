use super::*;
use crate::codec::Pixels;
use crate::dataset::Content;
use crate::dataset::{Normalize, Split, content_hash};
use crate::pool::Pool;
use std::path::PathBuf;
use tempfile::TempDir;

/// Twelve pictures of two sizes, `channels(i)` channels each, nine of them to learn from.
fn pictures(dir: &TempDir, channels: fn(usize) -> usize) -> PathBuf {
    let folder = dir.path().join("in");
    let mut writer = DatasetWriter::create(&folder, Meta::images("t", vec!["a".into()])).unwrap();
    for i in 0..12 {
        let (h, w, c) = (9 + i % 2, 14, channels(i));
        let data = (0..h * w * c).map(|p| (p * (i + 3) * 7 % 256) as u8).collect();
        let split = [Split::Train, Split::Train, Split::Train, Split::Test][i % 4];
        let content = Content::from_pixels(Pixels::new(data, h, w, c).unwrap());
        writer.push(Sample::new(format!("s{i:02}"), Some(0), split, content)).unwrap();
    }
    writer.finish().unwrap();
    folder
}

fn run(options: &PreprocessOptions, input: &Path, out: &Path, threads: usize) -> Result<Outcome> {
    options.run(&Ctx { pool: Pool::new(threads)?, ..Ctx::quiet(0) }, input, out)
}

fn sized() -> PreprocessOptions {
    PreprocessOptions { size: Some(Size { height: 6, width: 8 }), ..PreprocessOptions::default() }
}

#[test]
fn pictures_get_one_size_and_one_mode() {
    let dir = tempfile::tempdir().unwrap();
    let folder = pictures(&dir, |i| if i % 3 == 0 { 3 } else { 1 });
    let out = dir.path().join("out");
    let options = PreprocessOptions { mode: Mode::Rgb, ..sized() };
    let outcome = run(&options, &folder, &out, 1).unwrap();
    assert_eq!((outcome.samples, &outcome.figures["changed"]), (12, &12.into()));
    let dataset = Dataset::open(&out).unwrap();
    let image = dataset.meta().image.unwrap();
    assert_eq!((image.height, image.width, image.channels), (6, 8, 3));
    assert_eq!(dataset.meta().normalize, Some(Normalize { mean: vec![0.0; 3], std: vec![1.0; 3] }));
    assert!(dataset.samples().all(|s| s.unwrap().pixels().unwrap().shape() == [6, 8, 3]));
    // Nothing is left to do the second time.
    let again = run(&options, &out, &dir.path().join("again"), 2).unwrap();
    assert_eq!(again.figures["changed"], 0);
    assert_eq!(
        content_hash(&out, &Pool::single()).unwrap(),
        content_hash(&dir.path().join("again"), &Pool::single()).unwrap()
    );
}

#[test]
fn train_statistics_are_those_of_the_train_split_for_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let folder = pictures(&dir, |_| 3);
    let options = PreprocessOptions { normalize: Scaling::Train, ..sized() };
    let stored = |name: &str, threads| {
        let out = dir.path().join(name);
        run(&options, &folder, &out, threads).unwrap();
        (Dataset::open(&out).unwrap(), content_hash(&out, &Pool::single()).unwrap())
    };
    let (dataset, hash) = stored("one", 1);
    assert_eq!(hash, stored("three", 3).1);
    let normalize = dataset.meta().normalize.clone().unwrap();
    for c in 0..3 {
        let values: Vec<f64> = dataset
            .samples()
            .map(Result::unwrap)
            .filter(|s| s.split == Split::Train)
            .flat_map(|s| s.pixels().unwrap().data.into_iter().skip(c).step_by(3).map(|v| v as f64 / 255.0))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let var = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!((normalize.mean[c] as f64 - mean).abs() < 1e-6, "{normalize:?} {mean}");
        assert!((normalize.std[c] as f64 - var.sqrt()).abs() < 1e-6, "{normalize:?} {var}");
    }
}

#[test]
fn tables_keep_their_values_and_store_their_statistics() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("in");
    let meta = Meta::table("t", vec![], vec!["x".into(), "same".into()]);
    let mut writer = DatasetWriter::create(&folder, meta).unwrap();
    let rows = [(1.0, Split::Train), (f32::NAN, Split::Train), (5.0, Split::Train), (100.0, Split::Test)];
    for (i, (x, split)) in rows.into_iter().enumerate() {
        writer.push(Sample::new(format!("r{i}"), None, split, Content::from_row(vec![x, 7.0]))).unwrap();
    }
    writer.finish().unwrap();
    let stored = |name: &str, options: PreprocessOptions| {
        let out = dir.path().join(name);
        let outcome = run(&options, &folder, &out, 1).unwrap();
        let dataset = Dataset::open(&out).unwrap();
        let rows: Vec<f32> = dataset.samples().map(|s| s.unwrap().row()[0]).collect();
        (dataset.meta().normalize.clone(), rows, outcome)
    };
    let defaults = PreprocessOptions::default();
    let (normalize, rows, outcome) = stored("auto", defaults.clone());
    assert_eq!(normalize, Some(Normalize { mean: vec![3.0, 7.0], std: vec![2.0, 1.0] }));
    assert_eq!(rows, [1.0, 3.0, 5.0, 100.0]);
    assert_eq!(outcome.figures["filled_values"], 1);
    let keep = PreprocessOptions { missing: Missing::Keep, normalize: Scaling::Scale, ..defaults.clone() };
    let (normalize, rows, outcome) = stored("keep", keep);
    assert_eq!(normalize, Some(Normalize { mean: vec![1.0, 7.0], std: vec![4.0, 1.0] }));
    assert!(rows[1].is_nan() && outcome.figures["missing_values"] == 1);
    let given = PreprocessOptions {
        normalize: Scaling::Given,
        mean: vec![0.5, 0.0],
        std: vec![2.0, 3.0],
        ..defaults.clone()
    };
    assert_eq!(
        stored("given", given.clone()).0,
        Some(Normalize { mean: vec![0.5, 0.0], std: vec![2.0, 3.0] })
    );
    let refused = |options: PreprocessOptions| run(&options, &folder, &dir.path().join("no"), 1).unwrap_err();
    let e = refused(PreprocessOptions { mean: vec![1.0], std: vec![1.0], ..given });
    assert!(e.message.starts_with("1 means are given for 2 columns"), "{e}");
    assert!(refused(sized()).message.starts_with("size is for pictures"));
}

#[test]
fn a_table_without_train_rows_needs_no_statistics_unless_asked_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("in");
    let mut writer = DatasetWriter::create(&folder, Meta::table("t", vec![], vec!["x".into()])).unwrap();
    for (i, x) in [1.0, f32::NAN].into_iter().enumerate() {
        writer.push(Sample::new(format!("r{i}"), None, Split::Test, Content::from_row(vec![x]))).unwrap();
    }
    writer.finish().unwrap();
    let defaults = PreprocessOptions::default();
    let keep = PreprocessOptions { normalize: Scaling::None, missing: Missing::Keep, ..defaults.clone() };
    assert_eq!(run(&keep, &folder, &dir.path().join("out"), 1).unwrap().samples, 2);
    let mean = PreprocessOptions { missing: Missing::Mean, ..keep.clone() };
    let scale = PreprocessOptions { normalize: Scaling::Scale, ..keep };
    for options in [defaults, mean, scale] {
        let e = run(&options, &folder, &dir.path().join("no"), 1).unwrap_err();
        let hint = e.hint.unwrap();
        assert!(
            e.message.starts_with("the train split is empty") && hint.contains("--missing keep"),
            "{hint}"
        );
    }
}

#[test]
fn wrong_options_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let folder = pictures(&dir, |i| if i == 4 { 3 } else { 1 });
    let refused = |options: PreprocessOptions| run(&options, &folder, &dir.path().join("no"), 1).unwrap_err();
    let given = |mean: &[f32], std: &[f32]| PreprocessOptions {
        normalize: Scaling::Given,
        mean: mean.to_vec(),
        std: std.to_vec(),
        ..sized()
    };
    assert!(refused(given(&[0.5], &[])).message.starts_with("1 means and 0 deviations"));
    assert!(refused(given(&[0.5], &[0.0])).message.starts_with("std = 0 is out of range"));
    assert!(refused(given(&[f32::NAN], &[1.0])).message.starts_with("mean = NaN is out of range"));
    let unasked = PreprocessOptions { normalize: Scaling::Scale, ..given(&[0.5], &[1.0]) };
    assert!(refused(unasked).message.starts_with("mean and std are given but not asked for"));
    let mixed = PreprocessOptions { normalize: Scaling::Train, ..sized() };
    assert!(refused(mixed).message.starts_with("some pictures are grey and some are not"));
}

#[test]
fn the_recipe_and_the_flags_mean_the_same() {
    let text = "size = 32\nfilter = \"lanczos3\"\nfit = \"cover\"\nmode = \"grey\"\nnormalize = \"train\"";
    let from_recipe: PreprocessOptions = toml::from_str(text).unwrap();
    let expected = PreprocessOptions {
        size: Some(Size { height: 32, width: 32 }),
        filter: Filter::Lanczos3,
        fit: Fit::Cover,
        mode: Mode::Grey,
        normalize: Scaling::Train,
        ..PreprocessOptions::default()
    };
    assert_eq!(from_recipe, expected);
    assert!(toml::from_str::<PreprocessOptions>("sise = 32").is_err());
    assert!(toml::from_str::<PreprocessOptions>("filter = \"cubist\"").is_err());
    let back = toml::to_string(&expected).unwrap();
    assert_eq!(toml::from_str::<PreprocessOptions>(&back).unwrap(), expected);
}

#[test]
fn a_missing_category_becomes_the_most_frequent_and_a_missing_count_a_whole_number() {
    let dir = tempfile::tempdir().unwrap();
    let csv = dir.path().join("t.csv");
    std::fs::write(&csv, "x,c,n,y\n1.5,red,1,a\n2.5,red,2,b\n?,blue,?,a\n3,?,2,b\n4,red,2,a\n1,blue,2,b\n")
        .unwrap();
    let collect = crate::stages::collect::CollectOptions {
        missing: crate::formats::Missing::Keep,
        val_fraction: 0.0,
        test_fraction: 0.0,
        ..Default::default()
    };
    let ctx = Ctx::quiet(1);
    let [collected, out] = ["c", "p"].map(|name| dir.path().join(name));
    collect.run(&ctx, &csv, &collected).unwrap();
    PreprocessOptions::default().run(&ctx, &collected, &out).unwrap();
    let rows: Vec<Vec<f32>> =
        Dataset::open(&out).unwrap().samples().map(|s| s.unwrap().content.row).collect();
    assert_eq!(rows[2], [2.4, 1.0, 0.0, 2.0], "x, c=blue, c=red, n");
    assert_eq!(rows[3][1..3], [0.0, 1.0]);
    let features = Dataset::open(&out).unwrap().meta().features.clone();
    assert_eq!(features.iter().map(|f| f.whole).collect::<Vec<_>>(), [false, true, true, true]);
    assert_eq!((features[1].group.as_deref(), features[3].range), (Some("c"), Some([1.0, 2.0])));
}
