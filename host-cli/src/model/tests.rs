mod tasks;
mod transfer;
mod whole;

use super::*;
use crate::codec::Pixels;
use crate::dataset::{Content, Dataset, DatasetWriter, Meta, Sample, Split};
use crate::pool::Pool;
use crate::run::{Call, execute};
use crate::stages::generate::GenerateOptions;
use crate::stages::train::{HISTORY_FILE, ModelKind, ScheduleKind, ShowKind, TrainOptions};
use crate::stages::{Ctx, Stage};
use seedbed::Level;
use seedbed::rng::{Key, Stream};
use std::fs;
use std::path::{Path, PathBuf};

/// Forty pictures of 6 × 6 in two classes: a bright left or right half and noise.
pub(super) fn pictures(folder: &Path) {
    pictures_at(folder, 40);
}

fn pictures_at(folder: &Path, n: u32) {
    let meta = Meta::images("halves", vec!["left".into(), "right".into()]);
    let mut writer = DatasetWriter::create(folder, meta).unwrap();
    for i in 0..n {
        let mut stream = Stream::new(1, Key::new(0).sample(u64::from(i)));
        let label = i % 2;
        let pixel = |x: u32| if (x % 6 < 3) == (label == 0) { 200 } else { 20 };
        let data = (0..36).map(|x| (pixel(x) + stream.below(40)) as u8).collect();
        let content = Content::from_pixels(Pixels::new(data, 6, 6, 1).unwrap());
        let split = if i % 5 == 0 { Split::Val } else { Split::Train };
        let weight = 1.0 + (i % 3) as f32;
        let sample = Sample { weight, ..Sample::new(format!("{i:03}"), Some(label), split, content) };
        writer.push(sample).unwrap();
    }
    writer.finish().unwrap();
}

/// Sixty rows of two columns on far apart scales, one cell missing.
fn table(folder: &Path) {
    let meta = Meta::table("line", vec![], vec!["a".into(), "b".into()]);
    let mut writer = DatasetWriter::create(folder, meta).unwrap();
    for i in 0..60u32 {
        let mut stream = Stream::new(2, Key::new(0).sample(u64::from(i)));
        let a = stream.normal();
        let b = if i == 7 { f32::NAN } else { 1000.0 + 50.0 * a + stream.normal() };
        let split = if i % 6 == 0 { Split::Val } else { Split::Train };
        writer.push(Sample::new(format!("{i:03}"), None, split, Content::from_row(vec![a, b]))).unwrap();
    }
    writer.finish().unwrap();
}

fn small(epochs: u32) -> TrainOptions {
    TrainOptions {
        hidden: Some(vec![24]),
        latent: Some(4),
        epochs: Some(epochs),
        batch: Some(10),
        lr: Some(3e-3),
        patience: Some(0),
        ..Default::default()
    }
}

fn ctx(threads: usize, level: Level) -> Ctx {
    Ctx { pool: Pool::new(threads).unwrap(), level, ..Ctx::quiet(5) }
}

struct Folder {
    dir: tempfile::TempDir,
    data: PathBuf,
}

impl Folder {
    fn new(fill: fn(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        fill(&data);
        Self { dir, data }
    }

    fn train(&self, name: &str, options: &TrainOptions, ctx: &Ctx) -> PathBuf {
        let out = self.dir.path().join(name);
        options.run(ctx, &self.data, &out).unwrap();
        out
    }
}

fn same_files(a: &Path, b: &Path) {
    for file in [WEIGHTS_FILE, STATE_FILE, HISTORY_FILE] {
        assert!(fs::read(a.join(file)).unwrap() == fs::read(b.join(file)).unwrap(), "{file}");
    }
}

fn kinds() -> Vec<TrainOptions> {
    let conv = TrainOptions {
        model: ModelKind::VaeConv,
        channels: Some(vec![3]),
        hidden: Some(vec![]),
        kl_warmup: Some(3.0),
        free_bits: Some(0.1),
        ..small(6)
    };
    let gan = TrainOptions { model: ModelKind::GanMlp, ..small(6) };
    let dcgan = TrainOptions {
        model: ModelKind::Cdcgan,
        channels: Some(vec![4]),
        hidden: Some(vec![]),
        show: Some(ShowKind::Diff),
        lecam: Some(0.1),
        r1: Some(0.1),
        ..small(6)
    };
    let ada = TrainOptions { model: ModelKind::Dcgan, show: Some(ShowKind::Ada), ..dcgan.clone() };
    let wgan = TrainOptions { model: ModelKind::Wgan, show: None, ..dcgan.clone() };
    vec![small(6), conv, gan, dcgan, ada, wgan]
}

pub(super) fn vqvae() -> TrainOptions {
    TrainOptions {
        model: ModelKind::Vqvae,
        codes: Some(8),
        latent: None,
        channels: Some(vec![3]),
        hidden: Some(vec![]),
        ..small(60)
    }
}

#[test]
fn codes_are_learnt_and_then_how_they_go_together() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    let model = folder.train("vqvae", &vqvae(), &ctx);
    let text = fs::read_to_string(model.join(HISTORY_FILE)).unwrap();
    let history: Vec<Epoch> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let (books, priors) = history.split_at(40);
    assert!(books[39].train_loss < 0.8 * books[0].train_loss && books.iter().all(|e| e.codes_used.is_some()));
    assert!(priors[19].val_prior < priors[0].val_prior && priors.iter().any(|e| e.diversity.is_some()));
    // Bright halves where their class has them.
    let (file, _) = ModelFile::load(&model).unwrap();
    let drawer = Drawer::new(&ctx, &file, PriorKind::Aggregate, 1.0).unwrap();
    let labels: Vec<u32> = (0..40).map(|i| i % 2).collect();
    let made = drawer.draw(0, &labels).unwrap();
    let right = made.chunks(36).zip(&labels).filter(|(picture, label)| {
        let half =
            |right: bool| -> f32 { (0..36).filter(|i| (i % 6 >= 3) == right).map(|i| picture[i]).sum() };
        (half(false) > half(true)) == (**label == 0)
    });
    assert!(right.count() > 35);
    assert_eq!(drawer.draw(10, &labels[10..12]).unwrap(), made[360..432]);
    // Where one part ends and the other begins follows from the epochs.
    let more = TrainOptions { epochs: Some(90), resume: Some(model), ..vqvae() };
    let e = more.run(&ctx, &folder.data, &folder.dir.path().join("more")).unwrap_err();
    assert!(e.message.contains("other settings"), "{e}");
}

#[test]
fn training_in_two_parts_gives_the_files_of_training_in_one() {
    let folder = Folder::new(pictures);
    for options in kinds() {
        let ctx = Ctx::quiet(5);
        let whole = folder.train("whole", &options, &ctx);
        let half = folder.train("half", &TrainOptions { epochs: Some(3), ..options.clone() }, &ctx);
        let resumed = TrainOptions { resume: Some(half.clone()), ..options.clone() };
        let both = folder.train("both", &resumed, &ctx);
        same_files(&whole, &both);
        // Other settings, another seed: the checkpoint is of another training.
        let out = folder.dir.path().join("other");
        let other = TrainOptions { lr: Some(1e-4), ..resumed.clone() };
        let e = other.run(&ctx, &folder.data, &out).unwrap_err();
        assert!(e.exit_code() == 2 && e.message.contains("other settings"), "{e}");
        let other = TrainOptions { schedule: Some(ScheduleKind::Cosine), ..resumed.clone() };
        assert!(other.run(&ctx, &folder.data, &out).unwrap_err().message.contains("other settings"));
        assert!(resumed.run(&Ctx::quiet(6), &folder.data, &out).is_err());
        // Other data of the same shape.
        let data = folder.dir.path().join("less");
        fs::remove_dir_all(&data).ok();
        pictures_at(&data, 39);
        let e = resumed.run(&ctx, &data, &out).unwrap_err();
        assert!(e.message.contains("trained on other data"), "{e}");
        for name in [&whole, &half, &both] {
            fs::remove_dir_all(name).unwrap();
        }
    }
}

#[test]
fn threads_and_levels_change_no_byte() {
    let folder = Folder::new(pictures);
    for (i, options) in kinds().into_iter().enumerate() {
        let want = folder.train(&format!("base{i}"), &options, &ctx(1, Level::BASE));
        for level in Level::available() {
            let got = folder.train(&format!("{i}{}", level.name()), &options, &ctx(2, level));
            same_files(&want, &got);
        }
    }
}

#[test]
fn a_killed_training_goes_on_where_it_was() {
    let folder = Folder::new(pictures);
    let options = TrainOptions { checkpoint_every: 2, ..small(6) };
    let ctx = Ctx::quiet(5);
    let whole = folder.train("whole", &options, &ctx);
    // A training that ended after epoch 3 as a killed one leaves it: its checkpoint beside the folder.
    let half = folder.train("half", &TrainOptions { epochs: Some(3), ..options.clone() }, &ctx);
    let beside = folder.dir.path().join("again.checkpoint");
    fs::copy(half.join(STATE_FILE), &beside).unwrap();
    let again = folder.train("again", &options, &ctx);
    same_files(&whole, &again);
    // All epochs are kept until the runner has the folder, even if they are no multiple of checkpoint_every.
    let kept = |path: &Path| Checkpoint::load(path).unwrap().progress.epoch;
    assert_eq!(kept(&beside), 6);
    let five = TrainOptions { checkpoint_every: 4, ..small(5) };
    folder.train("five", &five, &ctx);
    assert_eq!(kept(&folder.dir.path().join("five.checkpoint")), 5);
    // A damaged one, or one of other options, is no reason to stop.
    for text in [b"torn".to_vec(), fs::read(folder.dir.path().join("five.checkpoint")).unwrap()] {
        fs::write(&beside, text).unwrap();
        fs::remove_dir_all(&again).unwrap();
        let other = TrainOptions { latent: Some(3), ..options.clone() };
        let fresh = folder.train("fresh", &other, &ctx);
        same_files(&fresh, &folder.train("again", &other, &ctx));
        fs::remove_dir_all(fresh).unwrap();
        fs::remove_file(folder.dir.path().join("fresh.checkpoint")).unwrap();
    }
}

#[test]
fn the_runner_leaves_the_model_only() {
    let folder = Folder::new(pictures);
    let out = folder.dir.path().join("model");
    let options = TrainOptions { checkpoint_every: 1, ..small(2) };
    execute(&Ctx::quiet(5), &Call::new("train", &options, &folder.data, &out).unwrap()).unwrap();
    let left: Vec<_> = fs::read_dir(folder.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(out.join(STATE_FILE).exists() && left.len() == 2, "{left:?}");
}

#[test]
fn a_model_of_pictures_draws_its_classes() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    let out = folder.train("vae", &small(120), &ctx);
    let (file, hash) = ModelFile::load(&out).unwrap();
    assert_eq!(hash.len(), 16);
    for prior in [PriorKind::Standard, PriorKind::Aggregate] {
        let drawer = Drawer::new(&ctx, &file, prior, 1.0).unwrap();
        let labels = [0, 1, 0, 1, 1, 0];
        let values = drawer.draw(10, &labels).unwrap();
        for (picture, label) in values.chunks(36).zip(labels) {
            let left: f32 = picture.iter().enumerate().filter(|(x, _)| x % 6 < 3).map(|(_, v)| v).sum();
            let right: f32 = picture.iter().sum::<f32>() - left;
            assert!((left > 2.0 * right) == (label == 0) && (right > 2.0 * left) == (label == 1));
        }
        // A sample has its index, not its place in a call.
        assert_eq!(drawer.draw(12, &labels[2..]).unwrap(), values[72..]);
        assert!(drawer.content(&values[..36]).is_ok());
        assert!(drawer.draw(0, &[2]).is_err());
    }
}

#[test]
fn a_model_of_a_table_draws_on_the_scale_of_its_columns() {
    let folder = Folder::new(table);
    let ctx = Ctx::quiet(5);
    let out = folder.dir.path().join("vae");
    let outcome = small(150).run(&ctx, &folder.data, &out).unwrap();
    assert_eq!(outcome.figures["missing_values"], 1);
    let (file, _) = ModelFile::load(&out).unwrap();
    let drawer = Drawer::new(&ctx, &file, PriorKind::Standard, 1.0).unwrap();
    let values = drawer.draw(0, &[0; 200]).unwrap();
    let rows: Vec<Vec<f32>> = values.chunks(2).map(|v| drawer.content(v).unwrap().row).collect();
    let mean = rows.iter().map(|r| r[1]).sum::<f32>() / 200.0;
    assert!((mean - 1000.0).abs() < 25.0, "{mean}");
    let off = rows.iter().map(|r| (r[1] - 1000.0 - 50.0 * r[0]).abs()).sum::<f32>() / 200.0;
    assert!(off < 25.0, "{off}");
}

#[test]
fn training_stops_when_validation_gets_no_better_and_keeps_the_best() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    let out = folder.dir.path().join("vae");
    let options = TrainOptions { patience: Some(4), lr: Some(0.02), ..small(400) };
    let outcome = options.run(&ctx, &folder.data, &out).unwrap();
    let (epochs, best) =
        (outcome.figures["epochs"].as_u64().unwrap(), outcome.figures["best_epoch"].as_u64());
    assert!(epochs < 400 && best == Some(epochs - 4), "{epochs} {best:?}");
    let (file, _) = ModelFile::load(&out).unwrap();
    assert_eq!(Some(u64::from(file.epoch)), best);
}

#[test]
fn the_test_split_is_reconstructed_and_not_learnt_from() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    // Four more pictures to test with, one of them without a label.
    let with_test = folder.dir.path().join("with-test");
    let data = Dataset::open(&folder.data).unwrap();
    let mut writer = DatasetWriter::create(&with_test, data.meta().clone()).unwrap();
    let samples: Vec<Sample> = data.samples().map(Result::unwrap).collect();
    let test = |i: usize| Sample {
        id: format!("t{i}"),
        split: Split::Test,
        label: samples[i].label.filter(|_| i != 3),
        ..samples[i].clone()
    };
    samples.iter().cloned().chain((0..4).map(test)).for_each(|s| writer.push(s).unwrap());
    writer.finish().unwrap();
    let out = folder.dir.path().join("vae");
    let outcome = small(150).run(&ctx, &with_test, &out).unwrap();
    assert_eq!((outcome.samples, &outcome.figures["reconstructed"]), (32, &3.into()));
    let made = Dataset::open(&out.join(crate::stages::train::RECONSTRUCTED_FOLDER)).unwrap();
    let made: Vec<Sample> = made.samples().map(Result::unwrap).collect();
    assert_eq!(made.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["t0", "t1", "t2"]);
    for (made, original) in made.iter().zip(&samples) {
        assert_eq!((made.label, made.split), (original.label, Split::Test));
        let (a, b) = (made.pixels().unwrap().data, original.pixels().unwrap().data);
        let off = a.iter().zip(&b).map(|(a, b)| f32::from(a.abs_diff(*b))).sum::<f32>() / 36.0;
        assert!(off < 25.0, "{off}");
    }
    // Of a GAN there is nothing to reconstruct.
    let gan = TrainOptions { model: ModelKind::GanMlp, ..small(1) };
    let outcome = gan.run(&ctx, &with_test, &folder.dir.path().join("gan")).unwrap();
    assert_eq!(outcome.figures["reconstructed"], 0);
}

#[test]
fn what_cannot_be_trained_is_told_at_once() {
    let folder = Folder::new(table);
    let out = folder.dir.path().join("out");
    let run = |options: TrainOptions| options.run(&Ctx::quiet(5), &folder.data, &out).unwrap_err();
    for (options, key) in [
        (TrainOptions { epochs: Some(0), ..small(1) }, "epochs"),
        (TrainOptions { lr: Some(f32::NAN), ..small(1) }, "lr"),
        (TrainOptions { hidden: Some(vec![0]), ..small(1) }, "hidden"),
        (TrainOptions { conditional: Some(true), ..small(1) }, "conditional"),
        (TrainOptions { model: ModelKind::Dcgan, ..small(1) }, "model"),
        (TrainOptions { sigma: Some(0.0), ..small(1) }, "sigma"),
        (TrainOptions { hidden: Some(vec![65536; 4]), ..small(1) }, "GiB of memory, 8 are allowed"),
        (TrainOptions { max_memory: 1e-6, ..small(1) }, "--hidden"),
    ] {
        let e = run(options);
        assert!(e.exit_code() == 2 && e.message.contains(key), "{e}");
    }
    let e = run(TrainOptions { lr: Some(1e30), ..small(30) });
    assert!(e.exit_code() == 1 && e.message.contains("diverged") && e.hint.is_some(), "{e}");
    // With the step, the layer and what is left: here nothing, and behind a good beginning the state of that.
    assert!(e.message.contains("step 2 (epoch 1), lr = ") && e.message.contains("no state"), "{e}");
    assert!(["encoder.", "decoder."].iter().any(|layer| e.message.contains(layer)), "{e}");
    let begun = folder.train("begun", &small(2), &Ctx::quiet(5));
    let (file, _) = ModelFile::load(&begun).unwrap();
    let data = Dataset::open(&folder.data).unwrap();
    let data = TrainingData::load(&data, &Pool::single(), Labels::Optional, Scale::As(None)).unwrap();
    let start = Checkpoint::load(&begun).unwrap();
    let mut config = file.config;
    (config.training.lr, config.training.epochs) = (1e30, 30);
    let (start, most_bytes) = (Some((start, begun.join(STATE_FILE))), 1e9);
    let plan = Plan { config, start, keep: None, most_bytes, first: None };
    let e = super::train(&Ctx::quiet(5), &data, plan).unwrap_err();
    assert!(
        e.message.contains("the last good state is that of epoch 2") && e.message.contains(STATE_FILE),
        "{e}"
    );
    assert!(!out.exists());
}

#[test]
fn a_file_that_is_no_model_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    fs::write(&path, b"nothing").unwrap();
    let e = ModelFile::load(&path).unwrap_err();
    assert!(e.message.contains("m.safetensors") && e.hint.is_some(), "{e}");
    let folder = Folder::new(pictures);
    let out = folder.train("vae", &small(1), &Ctx::quiet(5));
    let e = Checkpoint::load(&out.join(WEIGHTS_FILE)).unwrap_err();
    assert!(e.message.contains("finished model"), "{e}");
    let data = Dataset::open(&folder.data).unwrap();
    assert_eq!(
        TrainingData::load(&data, &Pool::single(), Labels::Required, Scale::OfDataset).unwrap().len(),
        40
    );
}

#[test]
fn a_checkpoint_draws_with_its_best_weights() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    for options in [small(3), TrainOptions { model: ModelKind::GanMlp, ..small(3) }] {
        let model = folder.train("model", &options, &ctx);
        let loose = |path| GenerateOptions {
            manifold_k: 0,
            copy_ratio: 0.0,
            prior: PriorKind::Standard,
            ..generate(path)
        };
        let samples = |options: GenerateOptions, name: &str| {
            let out = folder.dir.path().join(name);
            fs::remove_dir_all(&out).ok();
            options.run(&ctx, &folder.data, &out).unwrap();
            Dataset::open(&out).unwrap().samples().map(|s| s.unwrap()).collect::<Vec<Sample>>()
        };
        let state = model.join(STATE_FILE);
        let contents = |samples: &[Sample]| samples.iter().map(|s| s.content.clone()).collect::<Vec<_>>();
        let of_checkpoint = samples(loose(&state), "new");
        assert_eq!(contents(&of_checkpoint), contents(&samples(loose(&model), "again")));
        // What it cannot draw from is replaced, and recorded as it was.
        let aggregate = samples(GenerateOptions { prior: PriorKind::Aggregate, ..loose(&state) }, "third");
        assert_eq!(contents(&aggregate), contents(&of_checkpoint));
        fs::remove_dir_all(&model).unwrap();
    }
}

fn generate(model: &Path) -> GenerateOptions {
    GenerateOptions { model: Some(model.to_owned()), n: 30, ..Default::default() }
}

#[test]
fn generated_samples_say_how_they_can_be_made_again() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    let model = folder.train("vae", &small(120), &ctx);
    let out = folder.dir.path().join("new");
    let options = GenerateOptions { manifold_k: 10, ..generate(&model) };
    let outcome = options.run(&ctx, &folder.data, &out).unwrap();
    assert_eq!(outcome.samples, 30);
    assert!(out.join(crate::stages::generate::GRID_FILE).is_file());
    let (file, hash) = ModelFile::load(&model).unwrap();
    let drawer = Drawer::new(&ctx, &file, PriorKind::Aggregate, 0.8).unwrap();
    for sample in Dataset::open(&out).unwrap().samples().map(Result::unwrap) {
        let origin = sample.origin.clone().unwrap();
        assert_eq!((origin.source.as_str(), origin.seed), (hash.as_str(), 5));
        let again = drawer
            .draw(
                origin.params.parse::<serde_json::Value>().unwrap()["index"].as_u64().unwrap(),
                &[sample.label.unwrap()],
            )
            .unwrap();
        assert_eq!(drawer.content(&again).unwrap(), sample.content);
    }
    // The same on two threads.
    let again = folder.dir.path().join("again");
    options.run(&self::ctx(2, Level::BASE), &folder.data, &again).unwrap();
    let hash = |folder: &Path| crate::dataset::content_hash(folder, &crate::Pool::single()).unwrap();
    assert_eq!(hash(&out), hash(&again));
}

#[test]
fn what_cannot_be_generated_is_told() {
    let folder = Folder::new(pictures);
    let other = Folder::new(table);
    let ctx = Ctx::quiet(5);
    let model = folder.train("vae", &small(1), &ctx);
    let out = folder.dir.path().join("new");
    let run = |options: GenerateOptions, data: &Path| options.run(&ctx, data, &out).unwrap_err();
    for (options, key) in [
        (GenerateOptions::default(), "--model"),
        (GenerateOptions { n: 0, ..generate(&model) }, "--n"),
        (GenerateOptions { temperature: f32::NAN, ..generate(&model) }, "temperature"),
        (GenerateOptions { max_tries: 0, ..generate(&model) }, "max_tries"),
    ] {
        let e = run(options, &folder.data);
        assert!(e.exit_code() == 2 && e.message.contains(key), "{e}");
    }
    assert!(run(generate(&model), &other.data).message.contains("kind"));
    assert!(!out.exists());
}
