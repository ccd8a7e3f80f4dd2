use super::*;
use crate::dataset::{Content, DatasetWriter, Meta};
use crate::pool::Pool;

/// `n` rows of two normal columns around (`shift`, 0), of two classes in turn.
fn write(folder: &Path, n: usize, seed: u64, shift: f32, split: impl Fn(usize) -> Split) {
    let meta = Meta::table("t", vec!["a".into(), "b".into()], vec!["x".into(), "y".into()]);
    let mut writer = DatasetWriter::create(folder, meta).unwrap();
    let mut stream = Stream::new(seed, Key::new(8));
    for i in 0..n {
        let row = vec![stream.normal() + shift, stream.normal()];
        let sample = Sample::new(format!("r{i:05}"), Some(i as u32 % 2), split(i), Content::from_row(row));
        writer.push(sample).unwrap();
    }
    writer.finish().unwrap();
}

fn halves(i: usize) -> Split {
    if i < 300 { Split::Train } else { Split::Test }
}

fn run(dir: &Path, options: EvaluateOptions, threads: usize) -> Outcome {
    let ctx = Ctx { pool: Pool::new(threads).unwrap(), ..Ctx::quiet(3) };
    options.run(&ctx, &dir.join("real"), &dir.join("none")).unwrap()
}

fn of<'a>(outcome: &'a Outcome, name: &str) -> &'a Value {
    outcome.figures["scores"].as_array().unwrap().iter().find(|s| s["name"] == name).unwrap()
}

#[test]
fn good_samples_score_like_training_samples_and_bad_ones_worse() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("real"), 600, 1, 0.0, halves);
    write(&dir.path().join("good"), 400, 2, 0.0, |_| Split::Train);
    write(&dir.path().join("bad"), 400, 3, 2.0, |_| Split::Train);
    let with =
        |name: &str| EvaluateOptions { generated: Some(dir.path().join(name)), ..EvaluateOptions::default() };
    let (good, bad) = (run(dir.path(), with("good"), 1), run(dir.path(), with("bad"), 1));
    assert_eq!(good, run(dir.path(), with("good"), 2));
    let score = |o: &Outcome, set: &str, key: &str| of(o, set)["scores"][key].as_f64().unwrap();
    assert_eq!((of(&good, "generated")["real"].as_u64(), good.samples), (Some(300), 400));
    assert_eq!(good.figures["features"], "2 standardised columns");
    assert!(score(&good, "generated", "frechet") < 0.1 && score(&bad, "generated", "frechet") > 2.0);
    assert!(score(&good, "generated", "kid").abs() < 0.1 && score(&bad, "generated", "kid") > 1.0);
    assert!(score(&good, "generated", "precision") > 0.9 && score(&bad, "generated", "precision") < 0.8);
    assert!(score(&good, "generated", "coverage") > score(&bad, "generated", "coverage") + 0.3);
    // The floor is the same whatever is judged.
    assert_eq!(of(&good, "train"), of(&bad, "train"));
    let z = |o: &Outcome| o.figures["memorisation"]["z"].as_f64().unwrap();
    assert!(z(&good).abs() < 3.0 && z(&bad) > 3.0);
    assert_eq!(good.figures["per_class"][0]["generated"], 200);
}

#[test]
fn copies_of_training_samples_are_told() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("real"), 600, 1, 0.0, halves);
    // The same stream: the first 300 rows are the training samples.
    write(&dir.path().join("copies"), 300, 1, 0.0, |_| Split::Train);
    let generated = Some(dir.path().join("copies"));
    let outcome = run(dir.path(), EvaluateOptions { generated, ..EvaluateOptions::default() }, 1);
    let memory = &outcome.figures["memorisation"];
    assert_eq!((memory["copied"].as_f64(), memory["identical"].as_f64()), (Some(1.0), Some(1.0)));
    assert!(memory["z"].as_f64().unwrap() < -10.0 && memory["held_out_copied"].as_f64().unwrap() < 0.4);
}

#[test]
fn features_are_chosen_by_name_and_bad_requests_refused() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("real"), 600, 1, 0.0, halves);
    let columns = vec!["y".to_owned()];
    let outcome = run(dir.path(), EvaluateOptions { columns, ..EvaluateOptions::default() }, 1);
    assert_eq!(outcome.figures["features"], "1 standardised columns");
    assert_eq!((outcome.figures["scores"].as_array().unwrap().len(), outcome.samples), (1, 0));
    let options = EvaluateOptions { features: FeatureKind::Pca, components: 2, ..EvaluateOptions::default() };
    let outcome = run(dir.path(), options, 1);
    assert_eq!(outcome.figures["features"], "2 principal components of 2 standardised columns");
    let fail =
        |options: EvaluateOptions| options.run(&Ctx::quiet(1), &dir.path().join("real"), Path::new("o"));
    let usage = |options| fail(options).unwrap_err().exit_code() == 2;
    assert!(usage(EvaluateOptions { k: 0, ..EvaluateOptions::default() }));
    assert!(usage(EvaluateOptions { copy_ratio: 1.5, ..EvaluateOptions::default() }));
    assert!(usage(EvaluateOptions { columns: vec!["q".into()], ..EvaluateOptions::default() }));
}

#[test]
fn copies_are_told_among_repeated_training_samples() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("real"), 600, 1, 0.0, halves);
    // Each training sample ten times, as balancing repeats them.
    let meta = Meta::table("t", vec!["a".into(), "b".into()], vec!["x".into(), "y".into()]);
    let mut writer = DatasetWriter::create(&dir.path().join("repeated"), meta).unwrap();
    for sample in Dataset::open(&dir.path().join("real")).unwrap().samples().map(Result::unwrap) {
        for n in 0..if sample.split == Split::Train { 10 } else { 0 } {
            let origin = (n > 0).then(|| crate::dataset::Origin {
                source: sample.id.clone(),
                step: "oversample".into(),
                params: Value::Null.into(),
                seed: 0,
                key: Key::new(0),
            });
            let id = if n > 0 { format!("{}!over{n:05}", sample.id) } else { sample.id.clone() };
            writer.push(Sample { id, origin, ..sample.clone() }).unwrap();
        }
    }
    writer.finish().unwrap();
    // Near the first 300 rows, but not at them.
    write(&dir.path().join("near"), 300, 1, 1e-5, |_| Split::Train);
    let options = EvaluateOptions {
        generated: Some(dir.path().join("near")),
        train: Some(dir.path().join("repeated")),
        ..EvaluateOptions::default()
    };
    let memory = &run(dir.path(), options, 1).figures["memorisation"];
    assert_eq!((memory["train"].as_u64(), memory["identical"].as_f64()), (Some(300), Some(0.0)));
    assert!(memory["copied"].as_f64().unwrap() > 0.95, "{memory}");
    assert!(memory["held_out_copied"].as_f64().unwrap() < 0.4, "{memory}");
}

#[test]
fn pictures_and_reconstructions_are_judged_in_principal_components() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, seed: u64, split: fn(u32) -> Split| {
        let meta = Meta::images("p", vec!["a".into(), "b".into()]);
        let mut writer = DatasetWriter::create(&dir.path().join(name), meta).unwrap();
        for i in 0..120u32 {
            let mut stream = Stream::new(seed, Key::new(8).sample(u64::from(i)));
            let data = (0..81u32).map(|p| (40 + p % 9 * 10 * (i % 2 + 1) + stream.below(40)) as u8).collect();
            let pixels = crate::codec::Pixels::new(data, 9, 9, 1).unwrap();
            let content = Content::from_pixels(pixels);
            writer.push(Sample::new(format!("p{i:03}"), Some(i % 2), split(i), content)).unwrap();
        }
        writer.finish().unwrap();
        Some(dir.path().join(name))
    };
    write("real", 1, |i| if i < 80 { Split::Train } else { Split::Test });
    let options = EvaluateOptions {
        generated: write("new", 2, |_| Split::Train),
        reconstructed: write("again", 1, |_| Split::Test),
        components: 4,
        ..EvaluateOptions::default()
    };
    let outcome = run(dir.path(), options.clone(), 1);
    assert_eq!(outcome, run(dir.path(), options.clone(), 2));
    assert_eq!(outcome.figures["features"], "4 principal components of pixels 9 × 9 × 1");
    for name in ["generated", "reconstructed", "train"] {
        let coverage = of(&outcome, name)["scores"]["coverage"].as_f64().unwrap();
        assert!(coverage > 0.3, "{name}: {coverage}");
    }
    // Features of the user's own, by id: here the class of each sample twice, and a little of its number.
    let rows = |n: u32| (0..n).map(|i| format!("p{i:03},{}.{i:03},{}\n", i % 2, i % 2)).collect::<String>();
    std::fs::write(dir.path().join("f.csv"), format!("id,a,b\n{}", rows(120))).unwrap();
    let own = EvaluateOptions { embeddings: vec![dir.path().join("f.csv")], ..options.clone() };
    let outcome = run(dir.path(), own.clone(), 1);
    assert_eq!(outcome.figures["features"], "2 features of f.csv");
    assert_eq!(outcome.figures["scores"].as_array().unwrap().len(), 2);
    std::fs::write(dir.path().join("f.csv"), format!("id,a,b\n{}", rows(119))).unwrap();
    let fail =
        |o: EvaluateOptions| o.run(&Ctx::quiet(1), &dir.path().join("real"), Path::new("o")).unwrap_err();
    assert!(fail(own).message.contains("`p119`"));
    assert!(fail(EvaluateOptions { columns: vec!["a".into()], ..options }).message.contains("no columns"));
}

#[test]
fn without_held_out_samples_there_is_no_floor_and_no_test_for_copies() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("real"), 100, 1, 0.0, |_| Split::Train);
    write(&dir.path().join("new"), 100, 2, 0.0, |_| Split::Train);
    let generated = Some(dir.path().join("new"));
    let options = EvaluateOptions { generated, ..EvaluateOptions::default() };
    let outcome = run(dir.path(), options.clone(), 1);
    assert_eq!(
        (&outcome.figures["real_split"], &outcome.figures["held_out"]),
        (&json!("all"), &json!(false))
    );
    assert_eq!(outcome.figures["scores"].as_array().unwrap().len(), 1);
    assert!(outcome.figures["memorisation"].is_null());
    // Real samples that the model did not learn from may come from another dataset.
    write(&dir.path().join("train"), 100, 3, 0.0, |_| Split::Train);
    let outcome = run(dir.path(), EvaluateOptions { train: Some(dir.path().join("train")), ..options }, 1);
    assert!(outcome.figures["held_out"] == true && outcome.figures["memorisation"].is_object());
}

#[test]
fn datasets_that_do_not_compare_are_refused_with_both_named() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("real"), 600, 1, 0.0, halves);
    let table = |name: &str, classes: &[&str], columns: [&str; 2]| {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        let meta = Meta::table("t", names(classes), names(&columns));
        DatasetWriter::create(&dir.path().join(name), meta).unwrap().finish().unwrap();
        Some(dir.path().join(name))
    };
    let options = [
        EvaluateOptions { generated: table("g", &["a", "b"], ["y", "x"]), ..Default::default() },
        EvaluateOptions { train: table("t", &["a", "c"], ["x", "y"]), ..Default::default() },
        EvaluateOptions { reconstructed: table("r", &["a", "b"], ["x", "z"]), ..Default::default() },
    ];
    for (options, (name, what)) in options.iter().zip([("g", "columns"), ("t", "classes"), ("r", "columns")])
    {
        let e = options.run(&Ctx::quiet(1), &dir.path().join("real"), Path::new("o")).unwrap_err();
        let both = [format!("{}/real", dir.path().display()), format!("{}/{name}", dir.path().display())];
        assert!(e.message.contains(what) && both.iter().all(|folder| e.message.contains(folder)), "{e}");
    }
}

#[test]
fn too_many_values_are_not_compared_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let columns = (0..1100).map(|c| format!("c{c}")).collect();
    let mut writer =
        DatasetWriter::create(&dir.path().join("real"), Meta::table("t", vec![], columns)).unwrap();
    for i in 0..20 {
        let row = (0..1100).map(|c| (i * c % 7) as f32).collect();
        let sample = Sample::new(format!("r{i:02}"), None, halves(i * 30), Content::from_row(row));
        writer.push(sample).unwrap();
    }
    writer.finish().unwrap();
    let options = EvaluateOptions { features: FeatureKind::Values, ..Default::default() };
    let e = options.run(&Ctx::quiet(1), &dir.path().join("real"), Path::new("o")).unwrap_err();
    assert!(e.exit_code() == 2 && e.message.starts_with("1100 values"), "{e}");
}

#[test]
fn what_is_too_small_is_left_out_with_a_reason_and_the_rest_compared() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("real"), 40, 1, 0.0, |i| if i < 36 { Split::Train } else { Split::Test });
    write(&dir.path().join("new"), 30, 2, 0.0, |_| Split::Train);
    write(&dir.path().join("few"), 3, 3, 0.0, |_| Split::Train);
    let both = EvaluateOptions {
        generated: Some(dir.path().join("new")),
        reconstructed: Some(dir.path().join("few")),
        ..EvaluateOptions::default()
    };
    let outcome = run(dir.path(), both.clone(), 1);
    let left_out = outcome.figures["left_out"].as_array().unwrap();
    assert!(left_out.len() == 1 && left_out[0].as_str().unwrap().contains("4 real samples"), "{left_out:?}");
    assert_eq!(outcome.figures["scores"], json!([]));
    assert!(outcome.figures["memorisation"]["copied"].is_number());
    let outcome = run(dir.path(), EvaluateOptions { k: 2, ..both }, 1);
    assert_eq!(outcome.figures["scores"].as_array().unwrap().len(), 2, "generated and train");
    assert!(
        outcome.figures["left_out"][0].as_str().unwrap().contains("reconstructed samples: 3 are too few")
    );
    // No real sample at all, one to learn from.
    write(&dir.path().join("one/real"), 1, 1, 0.0, |_| Split::Val);
    let generated = Some(dir.path().join("few"));
    let outcome =
        run(&dir.path().join("one"), EvaluateOptions { generated, ..EvaluateOptions::default() }, 1);
    assert_eq!(
        (outcome.figures["left_out"].as_array().unwrap().len(), &outcome.figures["memorisation"]),
        (2, &Value::Null)
    );
}
