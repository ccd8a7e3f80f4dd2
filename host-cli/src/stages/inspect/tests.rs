//! Datasets with known faults, and what is found in them.

use super::*;
use crate::codec::Pixels;
use crate::dataset::{Content, DatasetWriter, Sample};
use crate::pool::Pool;

fn write(folder: &Path, meta: Meta, samples: Vec<Sample>) {
    let mut writer = DatasetWriter::create(folder, meta).unwrap();
    samples.into_iter().for_each(|s| writer.push(s).unwrap());
    writer.finish().unwrap();
}

/// 8 x 8 checks whose levels differ from picture to picture.
fn checks(i: usize) -> Pixels {
    let level = |k: usize| if (k / 8 + k).is_multiple_of(2) { 40 + i as u8 } else { 200 - (k % 7) as u8 * 8 };
    Pixels::new((0..64).map(level).collect(), 8, 8, 1).unwrap()
}

fn pictures(folder: &Path) {
    let mut samples: Vec<Sample> = (0..20)
        .map(|i| {
            let split = if i == 5 { Split::Test } else { Split::Train };
            Sample::new(format!("{i:02}"), Some((i >= 15) as u32), split, Content::from_pixels(checks(i)))
        })
        .collect();
    samples[7].content = samples[2].content.clone();
    samples[5].content = samples[2].content.clone();
    samples[17].content = samples[16].content.clone();
    samples[17].label = None;
    let flat = Pixels::new(vec![90; 32 * 8], 8, 32, 1).unwrap();
    samples[9].content = Content::from_pixels(flat);
    write(folder, Meta::images("p", vec!["a".into(), "b".into(), "c".into()]), samples);
}

#[test]
fn rows_of_equal_values_are_duplicates_whatever_their_bits() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    let rows = [[0.0, f32::NAN], [-0.0, -f32::NAN], [1.0, 0.0]];
    let sample = |(i, row): (usize, [f32; 2])| {
        Sample::new(format!("{i}"), None, Split::Train, Content::from_row(row.to_vec()))
    };
    let samples = rows.into_iter().enumerate().map(sample).collect();
    write(&input, Meta::table("t", vec![], vec!["x".into(), "y".into()]), samples);
    let outcome = InspectOptions::default().run(&Ctx::quiet(0), &input, &out).unwrap();
    assert_eq!(outcome.figures["duplicates"]["samples"], 1);
}

#[test]
fn faults_of_pictures_are_found() {
    let temp = tempfile::tempdir().unwrap();
    let (input, out) = (temp.path().join("in"), temp.path().join("out"));
    pictures(&input);
    let outcome = InspectOptions::default().run(&Ctx::quiet(0), &input, &out).unwrap();
    let f = &outcome.figures;
    assert_eq!(
        f["duplicates"],
        serde_json::json!({"samples": 3, "groups": 2, "across_splits": 1, "other_label": 1})
    );
    assert_eq!((&f["issues"]["blank"], &f["issues"]["odd_aspect_ratio"]), (&1.into(), &1.into()));
    assert_eq!(f["imbalance"]["ratio"], 14.0 / 4.0);
    assert_eq!((&f["imbalance"]["empty"], &f["unlabelled"]), (&serde_json::json!(["c"]), &1.into()));
    assert_eq!(f["sizes"]["most"], serde_json::json!([["8 x 8 x 1", 19], ["8 x 32 x 1", 1]]));
    assert_eq!(
        f["classes"][0],
        serde_json::json!({"name": "a", "samples": 15, "train": 14, "val": 0, "test": 1})
    );
    let lines = std::fs::read_to_string(out.join("issues.jsonl")).unwrap();
    let found: Vec<Finding> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let of =
        |issue: &str| found.iter().filter(|f| f.issue == issue).map(|f| f.id.as_str()).collect::<Vec<_>>();
    assert_eq!(of("duplicate"), ["05", "07", "17"]);
    assert_eq!(of("blank"), ["09"]);
    assert!(of("outlier").contains(&"09"), "{lines}");
    assert_eq!(found.iter().find(|f| f.id == "07").unwrap().same_as.as_deref(), Some("02"));
    let text = std::fs::read_to_string(out.join("inspect.txt")).unwrap();
    assert!(text.starts_with("p: 20 samples (19 train, 0 val, 1 test)\n  a        15  ███"), "{text}");
    assert!(
        text.contains("exact duplicates: 3 in 2 groups (1 across splits, 1 with another label)"),
        "{text}"
    );
}

#[test]
fn channel_statistics_are_exact() {
    let temp = tempfile::tempdir().unwrap();
    let picture = |data: [u8; 6]| Content::from_pixels(Pixels::new(data.to_vec(), 1, 2, 3).unwrap());
    let sample = |id: &str, data| Sample::new(id, None, Split::Train, picture(data));
    write(
        temp.path(),
        Meta::images("p", vec![]),
        vec![sample("a", [0, 10, 255, 100, 10, 255]), sample("b", [200, 10, 0, 44, 10, 1])],
    );
    let (outcome, _) = InspectOptions::default().inspect(&Ctx::quiet(0), temp.path()).unwrap();
    let channels = &outcome.figures["channels"];
    // numpy: mean and std of [0, 100, 200, 44] and of [255, 255, 0, 1].
    for (channel, mean, std) in [(0, 86.0, 74.752_926_364_123_03), (2, 127.75, 127.250_491_158_187_67)] {
        let got = channels[channel]["std"].as_f64().unwrap();
        assert!(channels[channel]["mean"] == mean && (got - std).abs() < 1e-12, "{channels}");
    }
    assert_eq!((&channels[1]["min"], &channels[1]["std"]), (&10.into(), &0.0.into()));
    assert_eq!(outcome.figures["imbalance"]["ratio"], serde_json::Value::Null);
}

#[test]
fn tables_have_columns_missing_values_and_outliers() {
    let temp = tempfile::tempdir().unwrap();
    let row = |i: usize| {
        let y = if i == 30 { 1000.0 } else { (i * 7 % 13) as f32 };
        let x = if i % 10 == 3 { f32::NAN } else { i as f32 };
        Sample::new(format!("{i:02}"), Some(0), Split::Train, Content::from_row(vec![x, y]))
    };
    write(
        temp.path(),
        Meta::table("t", vec!["only".into()], vec!["x".into(), "y".into()]),
        (0..40).map(row).collect(),
    );
    let run = |threads| {
        let ctx = Ctx { pool: Pool::new(threads).unwrap(), ..Ctx::quiet(0) };
        InspectOptions::default().inspect(&ctx, temp.path()).unwrap()
    };
    let (outcome, found) = run(1);
    assert_eq!((outcome.clone(), found.clone()), run(2));
    assert_eq!(outcome.figures["missing"], 4);
    let columns = &outcome.figures["columns"];
    assert_eq!(
        (&columns[0]["missing"], &columns[0]["min"], &columns[0]["max"]),
        (&4.into(), &0.0.into(), &39.0.into())
    );
    assert_eq!(columns[0]["median"], 19.5);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id.as_str(), found[0].feature.as_deref()), ("30", Some("y")));
    assert!(text(&outcome).contains("missing values: 4"), "{}", text(&outcome));
}

#[test]
fn wrong_options_and_inputs_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let run = |options: InspectOptions| options.inspect(&Ctx::quiet(0), temp.path()).unwrap_err();
    assert!(
        run(InspectOptions { outlier_z: 0.0, ..InspectOptions::default() }).message.contains("outlier_z")
    );
    assert!(run(InspectOptions { dark: 2.0, ..InspectOptions::default() }).message.contains("dark"));
    assert!(run(InspectOptions { blurry: f32::NAN, ..InspectOptions::default() }).message.contains("blurry"));
    assert!(run(InspectOptions::default()).message.starts_with("not a dataset"));
}
