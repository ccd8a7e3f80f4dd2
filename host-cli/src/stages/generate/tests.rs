use super::*;
use crate::codec::Pixels;
use crate::dataset::{Content, DatasetWriter, content_hash};
use crate::model::ModelFile;
use crate::pool::Pool;
use crate::stages::balance::BalanceOptions;
use crate::stages::train::{LikelihoodKind, ModelKind, TrainOptions};
use seedbed::rng::Stream;

/// Rows of two columns around (3 × label, 0): 30 of class a, 6 of b, none of c to learn from.
fn table(folder: &Path) {
    let classes = ["a", "b", "c"].map(String::from).to_vec();
    let meta = Meta::table("t", classes, vec!["x".into(), "y".into()]);
    let mut writer = DatasetWriter::create(folder, meta).unwrap();
    let mut stream = Stream::new(7, Key::new(1));
    for i in 0..45u32 {
        let (label, split) = match i {
            0..30 => (0, Split::Train),
            30..36 => (1, Split::Train),
            36..41 => (i % 2, Split::Val),
            _ => (2, Split::Test),
        };
        let row = vec![stream.normal() + 3.0 * label as f32, stream.normal()];
        writer.push(Sample::new(format!("r{i:03}"), Some(label), split, Content::from_row(row))).unwrap();
    }
    writer.finish().unwrap();
}

/// Thirty pictures of 6 × 6 around two grey levels.
fn pictures(folder: &Path) {
    let meta = Meta::images("p", vec!["dark/1".into(), "light".into()]);
    let mut writer = DatasetWriter::create(folder, meta).unwrap();
    for i in 0..30u32 {
        let mut stream = Stream::new(1, Key::new(0).sample(u64::from(i)));
        let data = (0..36).map(|_| (50 + 120 * (i % 2) + stream.below(60)) as u8).collect();
        let content = Content::from_pixels(Pixels::new(data, 6, 6, 1).unwrap());
        writer.push(Sample::new(format!("p{i:02}"), Some(i % 2), Split::Train, content)).unwrap();
    }
    writer.finish().unwrap();
}

struct Case {
    dir: tempfile::TempDir,
    ctx: Ctx,
}

impl Case {
    fn new(fill: fn(&Path)) -> Self {
        let case = Self { dir: tempfile::tempdir().unwrap(), ctx: Ctx::quiet(5) };
        fill(&case.at("data"));
        case
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn train(&self, data: &str, options: TrainOptions) {
        let options = TrainOptions {
            hidden: Some(vec![24]),
            latent: Some(3),
            batch: Some(12),
            lr: Some(3e-3),
            patience: Some(0),
            ..options
        };
        options.run(&self.ctx, &self.at(data), &self.at("model")).unwrap();
    }

    fn options(&self) -> GenerateOptions {
        GenerateOptions { model: Some(self.at("model")), n: 40, ..GenerateOptions::default() }
    }

    fn run(&self, data: &str, options: &GenerateOptions) -> (Outcome, Vec<Sample>) {
        let out = self.at("new");
        let _ = std::fs::remove_dir_all(&out);
        let outcome = options.run(&self.ctx, &self.at(data), &out).unwrap();
        let samples = Dataset::open(&out).unwrap().samples().collect::<Result<_>>().unwrap();
        (outcome, samples)
    }
}

fn of_class(samples: &[Sample], label: u32) -> usize {
    samples.iter().filter(|s| s.label == Some(label)).count()
}

#[test]
fn a_class_that_was_oversampled_gets_samples_and_one_without_originals_none() {
    let case = Case::new(table);
    BalanceOptions::default().run(&case.ctx, &case.at("data"), &case.at("even")).unwrap();
    case.train("even", TrainOptions { epochs: Some(60), ..TrainOptions::default() });
    let (outcome, samples) = case.run("even", &case.options());
    let [a, b, c] = [0, 1, 2].map(|label| of_class(&samples, label));
    assert!((a, c) == (20, 0) && b > 10, "{a} {b} {c}");
    assert_eq!(outcome.figures["per_class"], serde_json::json!([a, b, 0]));
    let (_, samples) = case.run("even", &GenerateOptions { per_class: Some(4), ..case.options() });
    assert_eq!([0, 1, 2].map(|label| of_class(&samples, label)), [4, 4, 0]);
    // Which are of one size, but for one that has nothing to be like.
    let balance = GenerateOptions { balance: true, ..case.options() };
    let e = balance.run(&case.ctx, &case.at("even"), &case.at("no")).unwrap_err();
    assert!(e.message.contains("of the largest size"), "{e}");
    let (_, samples) = case.run("data", &balance);
    assert_eq!([0, 1, 2].map(|label| of_class(&samples, label)), [0, 24, 0]);
    let e = GenerateOptions { per_class: Some(4), ..balance }.check().unwrap_err();
    assert!(e.message.contains("one size each"), "{e}");
}

#[test]
fn what_was_trained_on_the_small_class_fills_it_up_and_on_the_large_one_nothing() {
    let case = Case::new(table);
    let balance = GenerateOptions { balance: true, manifold_k: 0, copy_ratio: 0.0, ..case.options() };
    let only =
        |class: &str| TrainOptions { epochs: Some(2), only: vec![class.into()], ..TrainOptions::default() };
    case.train("data", only("b"));
    let (_, samples) = case.run("data", &balance);
    assert_eq!([0, 1, 2].map(|label| of_class(&samples, label)), [0, 24, 0]);
    std::fs::remove_dir_all(case.at("model")).unwrap();
    case.train("data", only("a"));
    let e = balance.run(&case.ctx, &case.at("data"), &case.at("no")).unwrap_err();
    assert!(e.message.contains("of the largest size"), "{e}");
}

#[test]
fn samples_join_the_dataset_that_they_were_learnt_from() {
    let case = Case::new(table);
    case.train("data", TrainOptions { epochs: Some(40), ..TrainOptions::default() });
    let (alone, made) = case.run("data", &case.options());
    let add = GenerateOptions { add_to_dataset: true, ..case.options() };
    let (outcome, samples) = case.run("data", &add);
    assert_eq!((outcome.samples, &outcome.figures["generated"]), (45 + alone.samples, &alone.samples.into()));
    let (new, old): (Vec<Sample>, Vec<Sample>) = samples.into_iter().partition(|s| s.origin.is_some());
    assert!(new == made && new.iter().all(|s| s.origin.as_ref().unwrap().step == STEP));
    let before = Dataset::open(&case.at("data")).unwrap().samples().collect::<Result<Vec<_>>>().unwrap();
    assert_eq!(old, before);
    // Others of the same ids cannot be added on top.
    std::fs::rename(case.at("new"), case.at("both")).unwrap();
    let e = add.run(&Ctx::quiet(6), &case.at("both"), &case.at("new")).unwrap_err();
    assert!(e.message.contains("already"), "{e}");
}

#[test]
fn pictures_are_written_as_png_files_by_class() {
    let case = Case::new(pictures);
    case.train("data", TrainOptions { epochs: Some(20), ..TrainOptions::default() });
    let options = GenerateOptions { png: true, manifold_k: 0, n: 6, ..case.options() };
    let (_, samples) = case.run("data", &options);
    for sample in &samples {
        let class = ["dark__1", "light"][sample.label.unwrap() as usize];
        let path = case.at("new").join(PNG_FOLDER).join(class).join(format!("{}.png", sample.id));
        assert_eq!(crate::codec::decode(&std::fs::read(path).unwrap()).unwrap(), sample.pixels().unwrap());
    }
    assert_eq!(samples.len(), 6);
}

#[test]
fn a_gaussian_model_takes_the_stored_scaling_and_draws_pixels() {
    let case = Case::new(pictures);
    let scale = crate::stages::preprocess::PreprocessOptions {
        normalize: crate::stages::preprocess::Scaling::Train,
        ..Default::default()
    };
    scale.run(&case.ctx, &case.at("data"), &case.at("scaled")).unwrap();
    let gaussian =
        TrainOptions { likelihood: LikelihoodKind::Gaussian, epochs: Some(150), ..TrainOptions::default() };
    case.train("scaled", gaussian);
    let (file, _) = ModelFile::load(&case.at("model")).unwrap();
    let normalize = file.config.data.normalize.unwrap();
    assert!((normalize.mean[0] - 0.55).abs() < 0.1 && normalize.std[0] > 0.1, "{normalize:?}");
    let (_, samples) = case.run("scaled", &GenerateOptions { manifold_k: 0, ..case.options() });
    for sample in samples {
        let pixels = sample.pixels().unwrap().data;
        let mean = pixels.iter().map(|&p| f32::from(p)).sum::<f32>() / 36.0;
        let want = [80.0, 200.0][sample.label.unwrap() as usize];
        assert!((mean - want).abs() < 30.0, "{mean} {want}");
    }
    // A Bernoulli model needs 0..=1.
    std::fs::remove_dir_all(case.at("model")).unwrap();
    case.train("scaled", TrainOptions { epochs: Some(1), ..TrainOptions::default() });
    assert_eq!(ModelFile::load(&case.at("model")).unwrap().0.config.data.normalize, None);
}

#[test]
fn a_gan_and_a_model_without_classes_draw_samples_too() {
    let case = Case::new(table);
    let gan = TrainOptions { model: ModelKind::GanMlp, epochs: Some(30), ..TrainOptions::default() };
    let unconditional =
        TrainOptions { conditional: Some(false), epochs: Some(30), ..TrainOptions::default() };
    for (options, labelled) in [(gan, true), (unconditional, false)] {
        case.train("data", options);
        let options = GenerateOptions { manifold_k: 0, ..case.options() };
        let (outcome, samples) = case.run("data", &options);
        assert_eq!((samples.len(), outcome.figures["short"].as_u64()), (40, Some(0)));
        assert!(samples.iter().all(|s| s.label.is_some() == labelled && s.row().len() == 2));
        let hash = content_hash(&case.at("new"), &Pool::single()).unwrap();
        case.run("data", &options);
        assert_eq!(content_hash(&case.at("new"), &Pool::single()).unwrap(), hash);
        if !labelled {
            let per_class = GenerateOptions { per_class: Some(3), ..options };
            let e = per_class.run(&case.ctx, &case.at("data"), &case.at("no")).unwrap_err();
            assert!(e.message.contains("no classes"), "{e}");
        }
        std::fs::remove_dir_all(case.at("model")).unwrap();
    }
}

#[test]
fn a_dataset_with_other_columns_is_refused() {
    let case = Case::new(table);
    case.train("data", TrainOptions { epochs: Some(1), ..TrainOptions::default() });
    let classes = ["a", "b", "c"].map(String::from).to_vec();
    let meta = Meta::table("t", classes, vec!["y".into(), "x".into()]);
    let mut writer = DatasetWriter::create(&case.at("other"), meta).unwrap();
    writer.push(Sample::new("r", Some(0), Split::Train, Content::from_row(vec![1.0, 2.0]))).unwrap();
    writer.finish().unwrap();
    let e = case.options().run(&case.ctx, &case.at("other"), &case.at("new")).unwrap_err();
    assert!(e.message.contains("columns"), "{e}");
    let hint = e.hint.unwrap();
    assert!(hint.contains("x, y") && hint.contains("y, x"), "{hint}");
    let png = GenerateOptions { png: true, ..case.options() };
    assert!(png.run(&case.ctx, &case.at("data"), &case.at("new")).unwrap_err().message.contains("--png"));
}

#[test]
fn generated_rows_are_rows_that_can_be() {
    let dir = tempfile::tempdir().unwrap();
    let csv = dir.path().join("t.csv");
    let mut stream = Stream::new(5, Key::new(1));
    let mut text = String::from("x,c,n,y\n");
    for i in 0..80 {
        let colour = ["red", "green", "blue"][stream.index(3)];
        text +=
            &format!("{:.3},{colour},{},{}\n", stream.uniform() + 0.001, stream.below(9), ["a", "b"][i % 2]);
    }
    std::fs::write(&csv, text).unwrap();
    let ctx = Ctx::quiet(1);
    let [data, model, out] = ["data", "model", "out"].map(|name| dir.path().join(name));
    crate::stages::collect::CollectOptions::default().run(&ctx, &csv, &data).unwrap();
    let train = TrainOptions {
        hidden: Some(vec![8]),
        latent: Some(2),
        epochs: Some(3),
        batch: Some(16),
        patience: Some(0),
        ..Default::default()
    };
    train.run(&ctx, &data, &model).unwrap();
    let options =
        GenerateOptions { model: Some(model), n: 60, manifold_k: 0, temperature: 3.0, ..Default::default() };
    options.run(&ctx, &data, &out).unwrap();
    let made = Dataset::open(&out).unwrap();
    assert_eq!(made.meta().features, Dataset::open(&data).unwrap().meta().features);
    let [low, high] = made.meta().features[0].range.unwrap();
    for row in made.samples().map(|s| s.unwrap().content.row) {
        assert!(
            row[1..4].iter().all(|v| *v == 0.0 || *v == 1.0) && row[1..4].iter().sum::<f32>() == 1.0,
            "{row:?}"
        );
        assert!((low..=high).contains(&row[0]), "{row:?}");
        assert!(row[4] == row[4].round() && (0.0..=8.0).contains(&row[4]), "{row:?}");
    }
}
