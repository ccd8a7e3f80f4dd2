use super::*;
use crate::codec::Pixels;
use crate::dataset::{Content, Meta, Sample};
use crate::pool::Pool;
use seedbed::Level;

/// Pictures of 8 × 8 of `classes` classes: a bright spot at the class's own place, moved by up to a pixel, with noise; every
/// sample that `labelled` holds for has its label. Those from the hundredth on are of the val split.
fn spots(folder: &Path, classes: std::ops::Range<u32>, each: u32, labelled: fn(u32) -> bool) {
    let names = classes.clone().map(|c| format!("c{c}")).collect();
    let mut writer = DatasetWriter::create(folder, Meta::images("spots", names)).unwrap();
    for i in 0..each * classes.len() as u32 {
        let mut stream = Stream::new(1, Key::new(0).sample(u64::from(i + 1000 * classes.start)));
        let label = i % classes.len() as u32;
        let class = classes.start + label;
        let (y, x) = (class / 4 * 2 + stream.below(2), class % 4 * 2 + stream.below(2));
        let pixel = |at: u32| if (at / 8).abs_diff(y) < 2 && (at % 8).abs_diff(x) < 2 { 150 } else { 0 };
        let data = (0..64).map(|at| (pixel(at) + stream.below(100)) as u8).collect();
        let content = Content::from_pixels(Pixels::new(data, 8, 8, 1).unwrap());
        let label = labelled(i).then_some(label);
        let split = if (100..120).contains(&i) { Split::Val } else { Split::Train };
        writer.push(Sample::new(format!("{i:04}"), label, split, content)).unwrap();
    }
    writer.finish().unwrap();
}

fn quick() -> LabelOptions {
    LabelOptions { episodes: 60, ways: 4, queries: 4, support: 2, confidence: 0.0, ..LabelOptions::default() }
}

/// The label that the sample of this number is of, among four classes.
fn right(samples: &[Sample]) -> usize {
    samples.iter().enumerate().filter(|(i, s)| s.label == Some(*i as u32 % 4)).count()
}

fn labelled(folder: &Path) -> Vec<Sample> {
    Dataset::open(folder).unwrap().samples().map(Result::unwrap).collect()
}

#[test]
fn a_few_labels_become_those_of_all() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("data"), dir.path().join("out"));
    // Three labels of each class, and five of each to check with.
    spots(&data, 0..4, 30, |i| !(12..100).contains(&i));
    let outcome = quick().run(&Ctx::quiet(5), &data, &out).unwrap();
    let samples = labelled(&out);
    assert!(right(&samples) > 110, "{}", right(&samples));
    assert!(samples[..12].iter().enumerate().all(|(i, s)| s.label == Some(i as u32 % 4)));
    assert_eq!((outcome.samples, &outcome.figures["labelled"]), (120, &88.into()));
    assert!(outcome.figures["checked"] == 20 && outcome.figures["checked_right"].as_f64().unwrap() > 0.7);
    // Each given label is in the list, and those that are unsure are not given.
    let list = std::fs::read_to_string(out.join(LABELS_FILE)).unwrap();
    let lines: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() == 88 && lines[0]["id"] == "0012");
    let mut sure: Vec<f64> = lines.iter().map(|line| line["confidence"].as_f64().unwrap()).collect();
    sure.sort_by(f64::total_cmp);
    std::fs::remove_dir_all(&out).unwrap();
    let limit = sure[44] as f32;
    let half = LabelOptions { confidence: limit, ..quick() };
    let outcome = half.run(&Ctx::quiet(5), &data, &out).unwrap();
    let given = sure.iter().filter(|c| **c as f32 >= limit).count();
    assert_eq!(
        (&outcome.figures["labelled"], &outcome.figures["left_unsure"]),
        (&given.into(), &(88 - given).into())
    );
    assert_eq!(labelled(&out).iter().filter(|s| s.label.is_none()).count(), 88 - given);
}

#[test]
fn samples_that_judge_get_no_guess_unless_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("data"), dir.path().join("out"));
    spots(&data, 0..4, 30, |i| i < 100 && i % 3 == 0);
    let unlabelled = |options: LabelOptions| {
        std::fs::remove_dir_all(&out).ok();
        let outcome = options.run(&Ctx::quiet(5), &data, &out).unwrap();
        assert!(outcome.figures["checked"] == 0 && outcome.figures["checked_right"].is_null());
        labelled(&out).iter().filter(|s| s.label.is_none()).count()
    };
    assert_eq!(unlabelled(quick()), 20);
    assert_eq!(unlabelled(LabelOptions { all_splits: true, ..quick() }), 0);
}

#[test]
fn labels_are_the_same_on_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    spots(&data, 0..4, 12, |i| i < 12);
    let hash = |name: &str, ctx: &Ctx| {
        let out = dir.path().join(name);
        quick().run(ctx, &data, &out).unwrap();
        (
            crate::dataset::content_hash(&out, &Pool::single()).unwrap(),
            std::fs::read(out.join(LABELS_FILE)).unwrap(),
        )
    };
    let one = hash("one", &Ctx { level: Level::BASE, ..Ctx::quiet(5) });
    let two = hash("two", &Ctx { pool: Pool::new(2).unwrap(), ..Ctx::quiet(5) });
    assert_eq!(one, two);
}

#[test]
fn an_embedding_of_other_classes_tells_new_ones_better_than_a_drawn_one() {
    let dir = tempfile::tempdir().unwrap();
    let [data, base, out] = ["data", "base", "out"].map(|name| dir.path().join(name));
    spots(&data, 0..4, 30, |_| true);
    spots(&base, 4..16, 12, |_| true);
    let share = |options: LabelOptions| {
        std::fs::remove_dir_all(&out).ok();
        let outcome = options.run(&Ctx::quiet(5), &data, &out).unwrap();
        assert!(outcome.figures["labels_used"] == 4 && outcome.figures["checked"] == 116);
        // What was known stays.
        assert_eq!(right(&labelled(&out)), 120);
        outcome.figures["checked_right"].as_f64().unwrap()
    };
    let one = LabelOptions { shots: Some(1), ..quick() };
    let drawn = share(LabelOptions { episodes: 0, ..one.clone() });
    let learnt = share(LabelOptions { base: Some(base), episodes: 150, ways: 5, ..one });
    assert!(learnt > drawn + 0.05, "{learnt} {drawn}");
    // The dataset itself, with all its labels, is no base: nothing of it is left, as if there were none.
    let e = LabelOptions { shots: Some(1), base: Some(data.clone()), ..quick() }
        .run(&Ctx::quiet(5), &data, &out)
        .unwrap_err();
    assert!(e.message.contains("two labelled samples of each"), "{e}");
}

#[test]
fn what_cannot_be_labelled_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let [data, none, table, base, out] =
        ["data", "none", "table", "base", "out"].map(|name| dir.path().join(name));
    spots(&data, 0..4, 3, |i| i < 4);
    spots(&none, 0..4, 3, |i| i == 2);
    let meta = Meta::table("t", vec!["a".into()], vec!["x".into()]);
    let mut writer = DatasetWriter::create(&table, meta).unwrap();
    writer.push(Sample::new("r", Some(0), Split::Train, Content::from_row(vec![1.0]))).unwrap();
    writer.finish().unwrap();
    let run = |options: LabelOptions, data: &Path| options.run(&Ctx::quiet(5), data, &out).unwrap_err();
    // One label of each class teaches nothing.
    let e = run(quick(), &data);
    assert!(e.message.contains("two labelled samples of each") && e.hint.unwrap().contains("--base"));
    assert!(run(quick(), &none).message.contains("fewer than two classes"));
    let e = run(LabelOptions { base: Some(table), ..quick() }, &data);
    assert!(e.exit_code() == 2 && e.message.contains("--base"), "{e}");
    let many = LabelOptions { ways: 100, support: 1000, queries: 1000, ..quick() };
    spots(&base, 0..4, 30, |_| true);
    many.run(&Ctx::quiet(5), &base, &dir.path().join("many")).unwrap();
    for (options, key) in [
        (LabelOptions { shots: Some(0), ..quick() }, "shots"),
        (LabelOptions { confidence: 1.5, ..quick() }, "confidence"),
        (LabelOptions { ways: 1, ..quick() }, "ways"),
    ] {
        assert!(run(options, &data).message.contains(key));
    }
    assert!(!out.exists());
}
