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
        let sample = Sample::new(format!("r{i:05}"), Some(i as u32 % 2), split(i), Content::Row(row));
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
