//! Models in whole numbers, and what is told of models.

use super::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use seedbed::Scratch;
use seedbed::generate::ClassGaussians;
use seedbed::nn::Model as Params;
use std::collections::HashMap;

const HOW: Calibration = Calibration { samples: 24, clip: 1.0 };

/// A model of each kind, hardly trained.
fn every_kind() -> Vec<TrainOptions> {
    let few = |options: TrainOptions| TrainOptions { epochs: Some(3), ..options };
    let vqvae = TrainOptions { prior_epochs: Some(1), ..vqvae() };
    kinds().into_iter().chain([vqvae]).map(few).collect()
}

fn load(model: &Path) -> (ModelFile, String) {
    ModelFile::load(model).unwrap()
}

fn whole(ctx: &Ctx, folder: &Folder, model: &Path) -> (WholeFile, Losses) {
    let (file, hash) = load(model);
    let data = Dataset::open(&folder.data).unwrap();
    quantise(ctx, (&file, hash), Some(&data), HOW).unwrap()
}

fn draws(ctx: &Ctx, file: &impl Runs) -> Vec<f32> {
    let drawer = Drawer::new(ctx, file, PriorKind::Aggregate, 0.8).unwrap();
    let labels: Vec<u32> = (0..20).map(|i| i % 2).collect();
    drawer.draw(7, &labels).unwrap()
}

#[test]
fn every_kind_of_model_comes_to_whole_numbers_and_back_from_its_file() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    for (i, options) in every_kind().into_iter().enumerate() {
        let model = folder.train(&format!("model{i}"), &options, &ctx);
        let (rounded, losses) = whole(&ctx, &folder, &model);
        assert_eq!(losses.networks.len(), rounded.nets.len());
        for net in &losses.networks {
            assert!(
                net.whole && net.apart.rows >= 8 && net.apart.decibels > Some(ENOUGH),
                "{options:?} {net:?}"
            );
            assert!(net.bytes[1] < net.bytes[0] && net.apart.mean <= net.apart.largest);
        }
        assert!(losses.warnings().is_empty());
        assert_eq!(losses.split.is_some(), losses.reconstruction.is_some());
        if let Some([single, whole]) = losses.reconstruction {
            assert!((single - whole).abs() < 0.1 * single, "{single} {whole}");
        }
        // The file is the model, to the bit.
        let path = model.join(WHOLE_FILE);
        rounded.save(&path).unwrap();
        let (Stored::Whole(read), hash) = Stored::load(&path).unwrap() else { panic!("in single precision") };
        assert_eq!((&read, hash.len()), (&rounded, 16));
        // Near to single precision, and not the same.
        let (a, b) = (draws(&ctx, &load(&model).0), draws(&ctx, &read));
        let most = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        assert!(a != b && most < 0.2, "{options:?}: {most}");
        // The same on any machine.
        for level in Level::available() {
            let two = self::ctx(2, level);
            assert_eq!(draws(&two, &read), b);
            assert_eq!(whole(&two, &folder, &model).0, rounded);
        }
    }
}

#[test]
fn what_runs_networks_one_by_one_gives_the_bits_of_the_core() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    let labels = [1, 0, 1];
    for (i, options) in every_kind().into_iter().enumerate() {
        let (file, _) = load(&folder.train(&format!("model{i}"), &options, &ctx));
        let runner = file.runner(&ctx).unwrap();
        let draw = Draw { prior: PriorKind::Standard, temperature: 0.7, first: 9, labels: &labels };
        let (on, mut want) = (runner.engine(), vec![0f32; 3 * 36]);
        let mut memory = vec![0u8; runner.model.run_scratch_len(3)];
        let scratch = &mut Scratch::new(&mut memory);
        let Weights { params, state } = file.used();
        let (params, which) =
            (Params { params, state }, (5, 9, &labels[..runner.model.classes().min(1) * 3]));
        match &runner.model {
            Model::Vae(vae) => {
                let prior = ClassGaussians::standard(runner.model.latent(), 0.7).unwrap();
                vae.sample(on, params.params, &prior, which, &mut want, scratch).unwrap();
            }
            Model::Gan(gan) => gan.sample(on, params, 0.7, which, &mut want, scratch).unwrap(),
            Model::Codes(codes) => codes.sample(on, params, 0.7, which, &mut want, scratch).unwrap(),
        }
        assert_eq!(runner.sample(draw).unwrap(), want, "{options:?}");
        let x = want.clone();
        match &runner.model {
            Model::Vae(vae) => {
                vae.reconstruct(on, params.params, (&x, which.2), &mut want, scratch).unwrap();
            }
            Model::Codes(codes) => {
                let params = Params { params: &params.params[..codes.vq.param_len()], ..params };
                codes.vq.reconstruct(on, params, &x, &mut want, scratch).unwrap();
            }
            Model::Gan(_) => continue,
        }
        assert_eq!(runner.reconstruct(&x, which.2).unwrap(), want);
        // A label that is no class, and one too few; codes are without classes.
        if matches!(&runner.model, Model::Vae(vae) if vae.spec().classes > 0) {
            assert!(runner.reconstruct(&x, &[2, 0, 0]).is_err() && runner.reconstruct(&x, &[0, 0]).is_err());
        }
    }
}

/// The file with a tensor changed: its type, sizes and bytes; left out where `change` gives `None`.
fn changed(
    bytes: &[u8],
    name: &str,
    change: impl Fn(TensorView<'_>) -> Option<(Dtype, Vec<usize>, Vec<u8>)>,
) -> Vec<u8> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
    let mut all: HashMap<String, (Dtype, Vec<usize>, Vec<u8>)> = HashMap::new();
    for (own, view) in SafeTensors::deserialize(bytes).unwrap().tensors() {
        let as_it_was = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
        if let Some(tensor) = if own == name { change(view) } else { Some(as_it_was) } {
            all.insert(own, tensor);
        }
    }
    let view =
        |(dtype, shape, bytes): &'_ (Dtype, Vec<usize>, Vec<u8>)| (*dtype, shape.clone(), bytes.clone());
    let owned: Vec<_> = all.iter().map(|(name, tensor)| (name.clone(), view(tensor))).collect();
    let views = owned.iter().map(|(name, (dtype, shape, bytes))| {
        (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, metadata.metadata().clone()).unwrap()
}

#[test]
fn what_was_made_of_a_checkpoint_has_no_fitted_prior_and_is_read() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    let model = folder.train("vae", &small(2), &ctx);
    let (rounded, _) = whole(&ctx, &folder, &model.join(STATE_FILE));
    let path = folder.dir.path().join(WHOLE_FILE);
    rounded.save(&path).unwrap();
    let (Stored::Whole(read), _) = Stored::load(&path).unwrap() else { panic!("in single precision") };
    assert!(read == rounded && read.prior.is_empty());
}

#[test]
fn a_damaged_file_in_whole_numbers_is_refused() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    let model = folder.train("vae", &small(2), &ctx);
    let path = model.join(WHOLE_FILE);
    whole(&ctx, &folder, &model).0.save(&path).unwrap();
    let good = fs::read(&path).unwrap();
    let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let same = |v: &TensorView<'_>, bytes: Vec<u8>| Some((v.dtype(), v.shape().to_vec(), bytes));
    let refused = |bytes: Vec<u8>, words: &str| {
        fs::write(&path, bytes).unwrap();
        let e = Stored::load(&path).unwrap_err();
        assert!(e.message.contains(words) && e.message.contains(WHOLE_FILE), "{words}: {e}");
    };
    refused(good[..good.len() - 1].to_vec(), "");
    refused(changed(&good, "encoder.0.weight", |_| None), "lacks the tensor `encoder.0.weight`");
    let as_u8 = |v: TensorView<'_>| Some((Dtype::U8, v.shape().to_vec(), v.data().to_vec()));
    refused(changed(&good, "encoder.0.weight", as_u8), "another type");
    let turned = |v: TensorView<'_>| {
        let shape = v.shape().iter().rev().copied().collect();
        Some((v.dtype(), shape, v.data().to_vec()))
    };
    refused(changed(&good, "encoder.0.weight", turned), "another shape of the tensor `encoder.0.weight`");
    let short = |v: TensorView<'_>| Some((v.dtype(), vec![v.shape()[0] - 1], v.data()[4..].to_vec()));
    refused(changed(&good, "decoder.0.bias", short), "another shape");
    for (name, values, words) in [
        ("encoder.input.range", [0.5, 1.0], "no range of values around 0"),
        ("encoder.input.range", [f32::NAN, 1.0], "NaN or infinity"),
        ("decoder.1.range", [-f32::MAX, f32::MAX], "no range"),
    ] {
        refused(changed(&good, name, |v| same(&v, floats(&values))), words);
    }
    let zeros = |v: TensorView<'_>| same(&v, vec![0; v.data().len()]);
    refused(changed(&good, "decoder.0.scale", zeros), "not above 0 in `decoder.0.scale`");
    refused(changed(&good, "prior.values", |_| None), "prior.values");
    // All other changes of a byte are another model, or refused.
    for at in (0..good.len()).step_by(good.len() / 200) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x41;
        fs::write(&path, bytes).unwrap();
        if let Ok((stored, _)) = Stored::load(&path) {
            let drawer = Drawer::new(&ctx, &stored, PriorKind::Standard, 1.0).unwrap();
            let _ = drawer.draw(0, &[0, 1]);
        }
    }
    // A folder without a model in single precision stands for the other.
    fs::write(&path, &good).unwrap();
    assert!(matches!(Stored::load(&model).unwrap().0, Stored::Single(_)));
    fs::remove_file(model.join(WEIGHTS_FILE)).unwrap();
    assert!(matches!(Stored::load(&model).unwrap().0, Stored::Whole(_)));
}

#[test]
fn whole_numbers_are_for_use_and_not_for_training() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    let model = folder.train("vae", &small(60), &ctx);
    let path = folder.dir.path().join(WHOLE_FILE);
    whole(&ctx, &folder, &model).0.save(&path).unwrap();
    let errors = [
        ModelFile::load(&path).unwrap_err(),
        Checkpoint::load(&path).unwrap_err(),
        Source::read(&path).unwrap_err(),
        TrainOptions { from: Some(path.clone()), ..small(1) }
            .run(&ctx, &folder.data, &folder.dir.path().join("more"))
            .unwrap_err(),
    ];
    for e in errors {
        assert!(e.exit_code() == 2 && e.message.contains("whole numbers") && e.hint.is_some(), "{e}");
    }
    // The same labels, filters and origins as of single precision.
    let samples = |model: &Path, name: &str| {
        let out = folder.dir.path().join(name);
        let options = GenerateOptions { manifold_k: 0, copy_ratio: 0.0, ..generate(model) };
        let outcome = options.run(&ctx, &folder.data, &out).unwrap();
        assert_eq!(outcome.samples, 30);
        Dataset::open(&out).unwrap().samples().map(Result::unwrap).collect::<Vec<Sample>>()
    };
    let (single, rounded) = (samples(&model, "single"), samples(&path, "rounded"));
    assert_ne!(single[0].origin.as_ref().unwrap().source, rounded[0].origin.as_ref().unwrap().source);
    for (a, b) in single.iter().zip(&rounded) {
        assert_eq!((&a.id, a.label), (&b.id, b.label));
        let (a, b) = (a.pixels().unwrap().data, b.pixels().unwrap().data);
        assert!(a.iter().zip(&b).all(|(a, b)| a.abs_diff(*b) < 40));
    }
}

#[test]
fn what_cannot_be_calibrated_is_told() {
    let folder = Folder::new(pictures);
    let other = Folder::new(table);
    let ctx = Ctx::quiet(5);
    let (file, _) = load(&folder.train("vae", &small(1), &ctx));
    let data = |folder: &Folder| Dataset::open(&folder.data).unwrap();
    let run = |data: Option<&Dataset>, how| quantise(&ctx, (&file, String::new()), data, how).unwrap_err();
    for (e, key) in [
        (run(None, HOW), "--data"),
        (run(Some(&data(&other)), HOW), "kind"),
        (run(Some(&data(&folder)), Calibration { samples: 0, ..HOW }), "calibrate"),
        (run(Some(&data(&folder)), Calibration { clip: f64::NAN, ..HOW }), "clip"),
    ] {
        assert!(e.exit_code() == 2 && e.message.contains(key), "{e}");
    }
    // A GAN needs no data, and narrower ranges are others.
    let gan = TrainOptions { model: ModelKind::GanMlp, ..small(1) };
    let (gan, _) = load(&folder.train("gan", &gan, &ctx));
    let of = |clip| quantise(&ctx, (&gan, String::new()), None, Calibration { clip, ..HOW }).unwrap().0;
    assert!(of(1.0).nets[0].1.ranges != of(0.9).nets[0].1.ranges);
}

#[test]
fn networks_that_lost_much_or_stay_as_they_are_are_warned_of() {
    let net = |network, whole, decibels, rows| NetLoss {
        network,
        whole,
        parameters: 1,
        bytes: [4, 4],
        apart: Apart { rows, decibels, ..Apart::default() },
    };
    let losses = |split, networks| Losses {
        split,
        samples: 0,
        networks,
        rest_bytes: 0,
        reconstruction: None,
        same_codes: None,
    };
    let fine =
        losses(Some(Split::Val), vec![net("encoder", true, Some(20.0), 9), net("decoder", true, None, 9)]);
    assert_eq!(fine.warnings(), Vec::<String>::new());
    let poor =
        losses(None, vec![net("encoder", true, Some(19.94), 0), net("decoder", false, None, 9)]).warnings();
    assert_eq!(poor.len(), 3, "{poor:?}");
    assert!(poor[0].contains("encoder is 19.9 dB") && poor[0].contains("--calibrate"));
    assert!(poor[1].contains("decoder has a layer") && poor[2].contains("not compared"));
}

#[test]
fn a_sound_model_is_told_from_a_broken_one() {
    let folder = Folder::new(|folder| pictures_at(folder, 100));
    let ctx = Ctx::quiet(5);
    let data = Dataset::open(&folder.data).unwrap();
    let model = folder.train("vae", &small(100), &ctx);
    let look = |path: &Path, against: Option<&Path>| check(&ctx, path, Some(&data), against).unwrap();
    let sound = look(&model, None);
    assert_eq!(sound.findings, vec![]);
    let names: Vec<&str> = sound.layers.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["encoder.0", "encoder.2", "decoder.0", "decoder.2"]);
    assert!(sound.layers.iter().all(|row| row.largest > Some(0.0) && row.lowest < row.highest));
    let about = sound.data.unwrap();
    assert!(about.same && about.samples == 20 && about.explained > Some(0.5) && about.bound.is_some());
    // Its whole numbers are near, and a checkpoint of another training is not.
    let path = model.join(WHOLE_FILE);
    whole(&ctx, &folder, &model).0.save(&path).unwrap();
    let near = look(&model, Some(&path));
    assert!(near.findings.is_empty() && near.against.len() == 2);
    assert_eq!(look(&model, Some(&model)).against[0].apart.decibels, None);
    assert!(look(&path, None).findings.is_empty());
    let other = folder.train("other", &small(1), &Ctx::quiet(6));
    let far = look(&model, Some(&other)).findings;
    assert!(far.iter().any(|f| f.what.contains("decoder is")), "{far:?}");
    let gan = folder.train("gan", &TrainOptions { model: ModelKind::GanMlp, ..small(1) }, &ctx);
    assert!(check(&ctx, &model, None, Some(&gan)).unwrap_err().message.contains("other networks"));
    // A channel without weights, a layer that dies, a decoder that always says the same.
    let broken = |change: fn(&mut [f32])| {
        let (mut file, _) = load(&model);
        change(&mut file.weights.params);
        let path = folder.dir.path().join("broken.safetensors");
        file.save(&path).unwrap();
        look(&path, None).findings.into_iter().map(|f| f.what).collect::<Vec<_>>().join("; ")
    };
    // 38-24-8 and 6-24-36.
    let found = broken(|params| params[38..76].fill(0.0));
    assert!(found.contains("1 of 24 output channels of encoder.0 have no weights but 0"), "{found}");
    let found = broken(|params| params[38 * 24..38 * 24 + 24].fill(-1e3));
    assert!(found.contains("24 of 24 channels behind encoder.0 are 0"), "{found}");
    let found = broken(|params| params[38 * 24 + 24 + 24 * 8 + 8..].fill(0.0));
    assert!(found.contains("all draws are the same") && found.contains("explain"), "{found}");
    let found = broken(|params| params.iter_mut().for_each(|v| *v *= 1e4));
    assert!(found.contains("come out of"), "{found}");
    // Data that it does not fit are a finding, not a failure.
    let table = Folder::new(table);
    let found = check(&ctx, &model, Some(&Dataset::open(&table.data).unwrap()), None).unwrap();
    assert!(found.data.is_none() && found.findings[0].what.contains("differs in its kind"));
}

#[test]
fn channels_of_transposed_convolutions_are_told_apart() {
    let folder = Folder::new(pictures);
    let ctx = Ctx::quiet(5);
    let conv = TrainOptions {
        model: ModelKind::VaeConv,
        channels: Some(vec![3, 4]),
        hidden: Some(vec![8]),
        ..small(1)
    };
    let model = folder.train("conv", &conv, &ctx);
    let (mut file, _) = load(&model);
    let plan = Model::new(&file.config.network).unwrap();
    // The weights of a transposed convolution come input by input.
    let up = plan.tensors().into_iter().find(|t| t.network == "decoder" && t.tensor.rank == 4).unwrap();
    let [inputs, outputs, k, _] = up.tensor.sizes;
    for input in 0..inputs {
        let at = up.tensor.offset + (input * outputs + 1) * k * k;
        file.weights.params[at..at + k * k].fill(0.0);
    }
    let path = folder.dir.path().join("broken.safetensors");
    file.save(&path).unwrap();
    let found = check(&ctx, &path, None, None).unwrap();
    let empty: Vec<usize> = found.layers.iter().map(|row| row.empty).collect();
    assert_eq!(empty.iter().sum::<usize>(), 1, "{empty:?}");
    let (rounded, _) = whole(&ctx, &folder, &path);
    let path = folder.dir.path().join(WHOLE_FILE);
    rounded.save(&path).unwrap();
    let again = check(&ctx, &path, None, None).unwrap();
    assert_eq!(again.layers.iter().map(|row| row.empty).collect::<Vec<_>>(), empty);
}
