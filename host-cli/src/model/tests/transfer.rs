//! Training that begins with the weights of another.

use super::*;
use crate::error::Result;
use crate::stages::Outcome;
use crate::stages::train::LossKind;
use safetensors::tensor::{Dtype, TensorView};

/// The values of a network's tensors whose names begin so.
fn values(file: &ModelFile, prefix: &str) -> Vec<f32> {
    let model = Model::new(&file.config.network).unwrap();
    let [params, _] = model.parts();
    let of = params.into_iter().filter(|part| part.name.starts_with(prefix));
    let own = of.flat_map(|part| {
        let len = part.shape.iter().product::<usize>();
        file.weights.params[part.at..part.at + len].to_vec()
    });
    own.collect()
}

fn load(folder: &Path) -> ModelFile {
    ModelFile::load(folder).unwrap().0
}

fn dcgan(epochs: u32) -> TrainOptions {
    TrainOptions {
        model: ModelKind::Dcgan,
        channels: Some(vec![3, 4]),
        hidden: Some(vec![]),
        ..small(epochs)
    }
}

fn run(folder: &Folder, name: &str, options: &TrainOptions) -> Result<Outcome> {
    options.run(&Ctx::quiet(5), &folder.data, &folder.dir.path().join(name))
}

#[test]
fn a_model_begins_with_the_weights_of_another_and_freezes_what_it_is_told() {
    let folder = Folder::new(pictures);
    for (options, frozen, learns) in
        [(small(4), "encoder.0", "encoder.2"), (dcgan(3), "discriminator.0", "discriminator.2")]
    {
        let base = folder.train("base", &options, &Ctx::quiet(5));
        let from = TrainOptions {
            from: Some(base.clone()),
            freeze: vec![frozen.into()],
            epochs: Some(2),
            ..options
        };
        let outcome = run(&folder, "next", &from).unwrap();
        let found = &outcome.figures["transfer"];
        let [params, state] = Model::new(&load(&base).config.network).unwrap().parts();
        assert_eq!(found["matched"], params.len() + state.len());
        assert!(
            ["missing", "unused", "shapes_differ"]
                .iter()
                .all(|key| found[key].as_array().unwrap().is_empty())
        );
        let (old, new) = (load(&base), load(&folder.dir.path().join("next")));
        assert!(!values(&old, frozen).is_empty() && values(&old, frozen) == values(&new, frozen));
        assert_ne!(values(&old, learns), values(&new, learns));
        // From another seed the weights would be others.
        let anew = folder.train("anew", &TrainOptions { from: None, freeze: vec![], ..from }, &Ctx::quiet(6));
        assert_ne!(values(&load(&anew), frozen), values(&new, frozen));
        for name in ["base", "next", "anew"] {
            fs::remove_dir_all(folder.dir.path().join(name)).unwrap();
        }
    }
}

#[test]
fn tensors_of_other_names_are_mapped_and_others_are_told() {
    let folder = Folder::new(pictures);
    let base = folder.train("base", &small(4), &Ctx::quiet(5));
    let file = load(&base);
    // As PyTorch would have it, under another name of the encoder and with a layer of another shape in the decoder.
    let path = folder.dir.path().join("theirs.safetensors");
    let first = values(&file, "encoder.0.weight");
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let (first_bytes, other) = (bytes(&first), bytes(&[0.0; 6]));
    let view = |shape: Vec<usize>, bytes| {
        safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape, bytes).unwrap()
    };
    let tensors = [
        ("features.0.weight", view(vec![24, first.len() / 24], &first_bytes)),
        ("decoder.0.weight", view(vec![2, 3], &other)),
        ("head.weight", view(vec![6], &other)),
    ];
    fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
    let options = TrainOptions {
        from: Some(path),
        map: vec!["encoder=features".into()],
        freeze: vec!["encoder.0.weight".into()],
        ..small(1)
    };
    let outcome = run(&folder, "next", &options).unwrap();
    let found: Transfer = serde_json::from_value(outcome.figures["transfer"].clone()).unwrap();
    assert_eq!((found.matched, found.unused), (1, vec!["head.weight".to_owned()]));
    assert!(found.shapes_differ.len() == 1 && found.shapes_differ[0].starts_with("decoder.0.weight"));
    assert!(found.missing.contains(&"encoder.0.bias".to_owned()));
    assert_eq!(values(&load(&folder.dir.path().join("next")), "encoder.0.weight"), first);
    // Nothing fits, or nothing is named.
    let e = run(&folder, "none", &TrainOptions { map: vec!["encoder=stem".into()], ..options.clone() });
    let e = e.unwrap_err();
    assert!(e.exit_code() == 2 && e.hint.unwrap().contains("features.0.weight"));
    let e = run(&folder, "none", &TrainOptions { freeze: vec!["stem".into()], ..options }).unwrap_err();
    assert!(e.message.contains("stem") && e.hint.unwrap().contains("encoder.0.weight"));
}

#[test]
fn adapters_change_weights_by_no_more_than_their_rank() {
    let folder = Folder::new(pictures);
    let base = folder.train("base", &small(10), &Ctx::quiet(5));
    let options = TrainOptions {
        from: Some(base.clone()),
        lora: Some(1),
        lora_on: vec!["decoder".into()],
        ..small(20)
    };
    run(&folder, "next", &options).unwrap();
    let (old, new) = (load(&base), load(&folder.dir.path().join("next")));
    for stays in ["encoder", "decoder.0.bias", "decoder.2.bias"] {
        assert_eq!(values(&old, stays), values(&new, stays), "{stays}");
    }
    let changes: Vec<f32> = values(&new, "decoder.2.weight")
        .iter()
        .zip(values(&old, "decoder.2.weight"))
        .map(|(new, old)| new - old)
        .collect();
    // Of rank 1: each determinant of two rows and columns is nothing beside its products.
    let rows: Vec<&[f32]> = changes.chunks(24).collect();
    let most = changes.iter().fold(0f32, |most, v| most.max(v.abs()));
    assert!(most > 1e-3, "{most}");
    for (i, j) in [(0, 1), (3, 17), (20, 35)] {
        for k in 1..24 {
            let determinant = rows[i][0] * rows[j][k] - rows[i][k] * rows[j][0];
            assert!(determinant.abs() < 1e-3 * most * most, "{i} {j} {k}: {determinant} {most}");
        }
    }
    // A training that is resumed has its adapters.
    let half = folder.train("half", &TrainOptions { epochs: Some(7), ..options.clone() }, &Ctx::quiet(5));
    let both = folder.train("both", &TrainOptions { resume: Some(half), ..options }, &Ctx::quiet(5));
    same_files(&folder.dir.path().join("next"), &both);
}

#[test]
fn few_samples_of_some_classes_are_trained_on() {
    let folder = Folder::new(pictures);
    let data = Dataset::open(&folder.data).unwrap();
    let load = || TrainingData::load(&data, &Pool::single(), Labels::Required, Scale::As(None)).unwrap();
    let mut few = load();
    few.keep_shots(5, 3);
    let labels: Vec<u32> = few.lists.train.iter().map(|&place| few.label(place)).collect();
    assert_eq!((labels.iter().filter(|&&label| label == 0).count(), labels.len()), (3, 6));
    assert!(few.lists.train.is_sorted() && few.lists.val == load().lists.val);
    let mut others = load();
    others.keep_shots(6, 3);
    assert_ne!(others.lists.train, few.lists.train);
    let outcome =
        run(&folder, "few", &TrainOptions { shots: Some(2), only: vec!["right".into()], ..small(1) })
            .unwrap();
    assert_eq!((outcome.samples, &outcome.figures["val_samples"]), (2, &4.into()));
    let except = TrainOptions { except: vec!["left".into()], ..small(1) };
    assert_eq!(run(&folder, "except", &except).unwrap().samples, 16);
    let e = run(&folder, "none", &TrainOptions { only: vec!["up".into()], ..small(1) }).unwrap_err();
    assert!(e.message.contains("up") && e.hint.unwrap().contains("left, right"));
    let e = run(&folder, "none", &TrainOptions { except: vec!["left".into(), "right".into()], ..small(1) });
    assert!(e.unwrap_err().message.contains("of these classes"));
}

#[test]
fn what_was_trained_on_some_classes_draws_those() {
    let folder = Folder::new(pictures);
    let right = TrainOptions { only: vec!["right".into()], ..small(40) };
    let model = folder.train("model", &right, &Ctx::quiet(5));
    let options = GenerateOptions { copy_ratio: 0.0, manifold_k: 0, ..generate(&model) };
    options.run(&Ctx::quiet(5), &folder.data, &folder.dir.path().join("made")).unwrap();
    let made = Dataset::open(&folder.dir.path().join("made")).unwrap();
    assert!(made.samples().all(|sample| sample.unwrap().label == Some(1)));
    // Another choice is another training.
    let other = TrainOptions { only: vec![], epochs: Some(50), resume: Some(model), ..right };
    assert!(
        run(&folder, "other", &other)
            .unwrap_err()
            .message
            .contains("other settings: classes is [1] there, none here")
    );
    let both = TrainOptions { except: vec!["left".into()], only: vec!["right".into()], ..small(1) };
    assert!(run(&folder, "both", &both).unwrap_err().message.contains("--only, --except"));
}

#[test]
fn a_codebook_is_taken_over_with_its_network() {
    let folder = Folder::new(pictures);
    let base = folder.train("base", &vqvae(), &Ctx::quiet(5));
    let again = TrainOptions {
        from: Some(base.clone()),
        lr: Some(1e-12),
        epochs: Some(2),
        freeze: vec!["encoder".into(), "decoder".into()],
        ..vqvae()
    };
    let next = folder.train("next", &again, &Ctx::quiet(6));
    let books = [&base, &next].map(|folder| load(folder).weights.state);
    let moved = books[0].iter().zip(&books[1]).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
    let size = books[0].iter().map(|v| v.abs()).fold(0f32, f32::max);
    assert!(moved < 0.2 * size, "{moved} {size}");
    // And stays, bit for bit, where that is asked for.
    let kept = TrainOptions { lr: Some(1e-3), freeze: vec!["codebook".into()], ..again };
    let kept = folder.train("kept", &kept, &Ctx::quiet(6));
    let state = |folder: &PathBuf| load(folder).weights.state;
    assert_eq!(state(&base), state(&kept));
}

/// A model with the tensors of a PyTorch `state_dict` of these names and shapes: value i of number k is 0.4 sin(10 k + 0.7 i),
/// and of a variance the magnitude of that and a half.
fn of_state_dict(options: &TrainOptions, tensors: &[(&str, &[usize])]) -> ModelFile {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state_dict.safetensors");
    let data = crate::model::DataSpec::of_shape(crate::dataset::Kind::Images, [6, 6, 1]);
    let config = options.config(1, (data, 0), 0).unwrap();
    let bytes = |k: usize, name: &str, n: usize| -> Vec<u8> {
        if name.ends_with("num_batches_tracked") {
            return 7i64.to_le_bytes().to_vec();
        }
        let value = |i: usize| {
            let v = (0.4 * (10.0 * k as f64 + 0.7 * i as f64).sin()) as f32;
            if name.ends_with("running_var") { v.abs() + 0.5 } else { v }
        };
        (0..n).flat_map(|i| value(i).to_le_bytes()).collect()
    };
    let all: Vec<(&str, &[usize], Vec<u8>)> = tensors
        .iter()
        .enumerate()
        .map(|(k, (name, shape))| (*name, *shape, bytes(k, name, shape.iter().product())))
        .collect();
    let view = |name: &str, shape: &[usize], bytes| {
        let dtype = if name.ends_with("num_batches_tracked") { Dtype::I64 } else { Dtype::F32 };
        TensorView::new(dtype, shape.to_vec(), bytes).unwrap()
    };
    let views = all.iter().map(|(name, shape, bytes)| (*name, view(name, shape, bytes)));
    fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    let model = Model::new(&config.network).unwrap();
    let [mut weights, mut average] = model.first(1).unwrap();
    let found = Source::read(&path).unwrap();
    let found = found.give(&model, [&mut weights, &mut average], &Vec::new(), &path).unwrap();
    assert!(found.unused.is_empty() && found.shapes_differ.is_empty(), "{found:?}");
    ModelFile { config, epoch: 1, weights, average, prior: Vec::new() }
}

fn assert_near(got: &[f32], want: &[f32]) {
    for (i, (a, b)) in got.iter().zip(want).enumerate() {
        assert!((a - b).abs() < 1e-5, "{i}: {a} {b}");
    }
}

/// What modules of PyTorch 2.15 of these names make of the same numbers, with `Flatten` and `Unflatten` between.
#[test]
fn a_state_dict_of_pytorch_gives_the_same_outputs() {
    let conv = TrainOptions {
        model: ModelKind::VaeConv,
        channels: Some(vec![3]),
        conditional: Some(false),
        ..small(1)
    };
    let file = of_state_dict(
        &conv,
        &[
            ("stem.0.weight", &[3, 1, 4, 4]),
            ("stem.0.bias", &[3]),
            ("encoder.0.weight", &[24, 27]),
            ("encoder.0.bias", &[24]),
            ("encoder.2.weight", &[8, 24]),
            ("encoder.2.bias", &[8]),
            ("decoder.0.weight", &[24, 4]),
            ("decoder.0.bias", &[24]),
            ("decoder.2.weight", &[27, 24]),
            ("decoder.2.bias", &[27]),
            ("decoder.5.weight", &[3, 1, 4, 4]),
            ("decoder.5.bias", &[1]),
        ],
    );
    let ctx = Ctx::quiet(1);
    let runner = file.runner(&ctx).unwrap();
    let picture: Vec<f32> = (0..36).map(|i| (i * 37 % 256) as f32 / 255.0).collect();
    let code = [-0.464_476, 0.126_546, 0.760_611, 0.061_241, 0.129_484, 0.378_753, -0.569_425, -0.552_567];
    assert_near(&runner.encode(&picture, &[]).unwrap(), &code);
    let again = [
        0.506_443, 0.530_782, 0.538_545, 0.606_26, 0.616_496, 0.571_067, 0.499_341, 0.470_767, 0.453_941,
        0.316_04, 0.303_095, 0.375_214,
    ];
    assert_near(&runner.reconstruct(&picture, &[]).unwrap(), &again);
    let gan =
        TrainOptions { model: ModelKind::Dcgan, channels: Some(vec![4]), hidden: Some(vec![]), ..small(1) };
    let file = of_state_dict(
        &gan,
        &[
            ("generator.0.weight", &[36, 4]),
            ("generator.2.weight", &[4]),
            ("generator.2.bias", &[4]),
            ("generator.2.running_mean", &[4]),
            ("generator.2.running_var", &[4]),
            ("generator.2.num_batches_tracked", &[]),
            ("generator.4.weight", &[4, 1, 4, 4]),
            ("generator.4.bias", &[1]),
        ],
    );
    let runner = file.runner(&ctx).unwrap();
    let made = runner.nets[0].run(runner.engine(), &[0.5, -1.0, 0.25, 1.5]).unwrap();
    let made: Vec<f32> = made.iter().map(|v| 0.5 * v + 0.5).collect();
    let want = [
        0.647_043, 0.559_438, 0.603_047, 0.638_8, 0.720_251, 0.674_696, 0.713_639, 0.712_358, 0.611_866,
        0.753_358, 0.640_15, 0.608_06,
    ];
    assert_near(&made, &want);
}

#[test]
fn weights_that_cannot_be_taken_are_told() {
    let folder = Folder::new(pictures);
    let base = folder.train("base", &small(1), &Ctx::quiet(5));
    let from = |from: &Path, map: &[&str]| {
        let map = map.iter().map(|&text| text.into()).collect();
        run(&folder, "next", &TrainOptions { from: Some(from.to_owned()), map, ..small(1) }).unwrap_err()
    };
    let e = from(&base, &["encoder=foo"]);
    assert!(e.exit_code() == 2 && e.message.contains("--map encoder=foo"), "{e}");
    // A number that is none is the file's fault, not that of the training.
    let path = folder.dir.path().join("bad.safetensors");
    let bytes = [1.0f32, f32::NAN].map(f32::to_le_bytes).concat();
    let view = TensorView::new(Dtype::F32, vec![2], &bytes).unwrap();
    fs::write(&path, safetensors::serialize([("encoder.0.bias", view)], None).unwrap()).unwrap();
    let e = from(&path, &[]);
    assert!(e.message.contains("`encoder.0.bias`") && e.message.contains("bad.safetensors"), "{e}");
}

#[test]
fn trainings_that_cannot_be_are_refused() {
    let folder = Folder::new(pictures);
    for (options, key) in [
        (TrainOptions { batch: Some(1), ..dcgan(1) }, "two samples in a batch"),
        (TrainOptions { epochs: Some(1), ..vqvae() }, "epochs = 1"),
        (TrainOptions { map: vec!["encodr=fc".into()], from: Some("x".into()), ..small(1) }, "--map encodr"),
        (TrainOptions { rates: vec!["*=0".into()], ..small(1) }, "--rates"),
        (TrainOptions { prior_epochs: Some(1), ..small(1) }, "only a VQ-VAE has it: --prior-epochs"),
        (TrainOptions { codes: Some(8), ..dcgan(1) }, "only a VQ-VAE has it: --codes"),
        (TrainOptions { beta: Some(1.0), ..dcgan(1) }, "only a VAE has it: --beta"),
        (TrainOptions { free_bits: Some(0.1), ..vqvae() }, "only a VAE has it: --free-bits"),
        (TrainOptions { ema_decay: Some(0.9), ..small(1) }, "only a GAN has it: --ema-decay"),
        (TrainOptions { real_target: Some(0.9), ..dcgan(1) }, "the loss has no target: --real-target"),
        (TrainOptions { patience: Some(3), ..dcgan(1) }, "only a VAE has a loss on the val split"),
        (
            TrainOptions { loss: Some(LossKind::Wasserstein), show: Some(ShowKind::Ada), ..dcgan(1) },
            "a critic does not tell",
        ),
        (TrainOptions { freeze: vec!["codebook".into()], ..small(1) }, "such a name: --freeze codebook"),
    ] {
        let e = run(&folder, "none", &options).unwrap_err();
        assert!(e.exit_code() == 2 && e.message.contains(key), "{key}: {e}");
    }
}
