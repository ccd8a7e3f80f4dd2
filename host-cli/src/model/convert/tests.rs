use super::pieces::pieces;
use super::*;
use crate::dataset::Normalize;
use crate::model::{DataSpec, Source, Transfer, names};
use crate::run::{Call, execute};
use crate::stages::Stage;
use crate::stages::convert::ConvertOptions;
use crate::stages::train::{LikelihoodKind, ModelKind, NormKind, TrainOptions};
use safetensors::SafeTensors;
use seedbed::generate::{ClassGaussians, Net};
use seedbed::nn::{Activation, Conv2d, ConvTranspose2d, Dense, Layer, Pool2d, Shape};

/// A model of pictures of 4 × 6 × 2 in three classes, as it begins; on a scale of its own where it is Gaussian.
pub fn pictures(options: &TrainOptions, classes: usize) -> ModelFile {
    let names = ["a", "b", "c"].map(String::from).to_vec();
    let normalize = (options.likelihood == LikelihoodKind::Gaussian)
        .then(|| Normalize { mean: vec![0.25, 0.5], std: vec![0.5, 0.125] });
    let data = DataSpec { classes: names, normalize, ..DataSpec::of_shape(Kind::Images, [4, 6, 2]) };
    begun(options, data, classes)
}

fn begun(options: &TrainOptions, data: DataSpec, classes: usize) -> ModelFile {
    let config = options.config(1, (data, 0), classes).unwrap();
    let model = Model::new(&config.network).unwrap();
    let [mut weights, mut average] = model.first(3).unwrap();
    // Statistics that change something, and no code like another.
    let gan = matches!(model, Model::Gan(_));
    let moved = |v: &mut f32, i: usize| *v = if gan { *v + 0.125 } else { (i * 5 % 13) as f32 - 6.0 };
    average.params.iter_mut().for_each(|v| *v *= 0.5);
    average.state.iter_mut().enumerate().for_each(|(i, v)| moved(v, i));
    weights.state.iter_mut().enumerate().for_each(|(i, v)| moved(v, i));
    let prior = match &model {
        Model::Vae(vae) => {
            let len = ClassGaussians::fitted_len(vae.spec().latent, classes.max(1)).unwrap();
            (0..len).map(|i| (i * 7 % 11) as f32 / 8.0).collect()
        }
        _ => Vec::new(),
    };
    ModelFile { config, epoch: 1, weights, average, prior }
}

pub fn options(model: ModelKind) -> TrainOptions {
    let channels = (!matches!(model, ModelKind::VaeMlp | ModelKind::GanMlp)).then(|| vec![3]);
    let latent = (model != ModelKind::Vqvae).then_some(3);
    let likelihood = LikelihoodKind::Gaussian;
    TrainOptions {
        model,
        hidden: Some(vec![5]),
        channels,
        latent,
        codes: Some(7),
        likelihood,
        ..Default::default()
    }
}

/// A network of pictures and one of tokens, with all layers that there are.
pub fn all_layers() -> [Net; 2] {
    let net = |input, layers: Vec<Layer>| {
        let mut net = Net::new(input).unwrap();
        layers.into_iter().for_each(|layer| net.push(layer).unwrap());
        net
    };
    let (up, leaky) = (
        ConvTranspose2d::new(4, 3).stride(2).padding(1).output_padding(1),
        Activation::LeakyRelu { slope: 0.2 },
    );
    let of_pictures = vec![
        Conv2d::new(4, 3).padding(1).groups(2).without_bias().into(),
        Layer::batch_norm(),
        leaky.into(),
        up.groups(2).spectral_norm().into(),
        Layer::group_norm(2),
        Activation::Gelu.into(),
        Layer::Upsample { factor: 2 },
        Layer::MaxPool2d(Pool2d::new(3).stride(2).padding(1)),
        Layer::layer_norm(),
        Layer::AvgPool2d(Pool2d::new(3).stride(2).padding(1)),
        Layer::Softmax,
        Layer::Flatten,
        Dense::new(6).spectral_norm().into(),
        Layer::Unflatten(Shape::image(1, 2, 3)),
        Activation::Tanh.into(),
        Layer::Flatten,
    ];
    let of_tokens = vec![
        Layer::Embedding { classes: 5, width: 2 },
        Activation::Elu { alpha: 0.7 }.into(),
        Dense::new(4).without_bias().into(),
        Layer::batch_norm(),
        Activation::Softplus.into(),
        Layer::Dropout { p: 0.25 },
        Layer::layer_norm(),
        Activation::Silu.into(),
        Dense::new(4).into(),
        Layer::group_norm(1),
        Activation::Relu.into(),
        Dense::new(3).into(),
        Activation::Sigmoid.into(),
    ];
    [net(Shape::image(3, 4, 2), of_pictures), net(Shape::flat(3), of_tokens)]
}

/// What the tests put into the parameters and the state of a network, and into its input.
pub fn filled(net: &Net) -> [Vec<f32>; 2] {
    let wave = |i: usize| (i * 5 % 13) as f32 / 16.0 - 0.375;
    let mut state = vec![0f32; net.state_len()];
    for t in net.state_tensors() {
        // Variances are above 0; the vectors of a norm are drawn.
        let own = state[t.offset..t.offset + t.len()].iter_mut().enumerate();
        own.for_each(|(i, v)| {
            *v =
                if t.role == seedbed::nn::Role::RunningVar { 0.5 + (i % 5) as f32 / 4.0 } else { wave(i + 1) }
        });
    }
    [(0..net.param_len()).map(wave).collect(), state]
}

#[test]
fn every_file_of_every_model_is_there() {
    let encoder_decoder = ["encoder", "decoder", "prior"];
    let game = ["generator", "discriminator"];
    let all: [(ModelKind, usize, &[&str], &[&str]); 8] = [
        (ModelKind::VaeMlp, 0, &encoder_decoder, &["decoder", "encoder", "prior", "scale"]),
        (ModelKind::VaeConv, 3, &encoder_decoder, &["decoder", "encoder", "prior", "scale", "stem"]),
        (ModelKind::Cvae, 3, &encoder_decoder, &["decoder", "encoder", "prior", "scale", "stem"]),
        (ModelKind::Vqvae, 3, &encoder_decoder, &["codebook", "decoder", "encoder", "prior", "scale"]),
        (ModelKind::GanMlp, 0, &game, &["discriminator", "generator", "scale"]),
        (ModelKind::Dcgan, 0, &game, &["discriminator", "generator", "scale"]),
        (ModelKind::Cdcgan, 3, &game, &["discriminator", "generator", "scale"]),
        (ModelKind::Wgan, 0, &game, &["discriminator", "generator", "scale"]),
    ];
    let ctx = Ctx::quiet(2);
    let folder = tempfile::tempdir().unwrap();
    for (i, (kind, classes, graphs, networks)) in all.into_iter().enumerate() {
        let file = pictures(&options(kind), classes);
        let write = |tool, name: &str| {
            let out = folder.path().join(format!("{i}-{name}"));
            let files = convert(&ctx, (&file, "0123"), tool, 3, &out).unwrap();
            assert!(files.iter().all(|file| out.join(file).is_file()));
            (files, std::fs::read(out.join(CHECK_FILE)).unwrap())
        };
        let named = |names: &[&str], end: &str, more: &[&str]| -> Vec<String> {
            let names = names.iter().map(|name| format!("{name}.{end}"));
            names.chain(more.iter().map(|&name| name.to_owned())).collect()
        };
        let (onnx, checked) = write(Tool::Onnx, "onnx");
        assert_eq!(onnx, named(graphs, "onnx", &[CHECK_FILE]), "{kind:?}");
        let (pytorch, same) = write(Tool::Pytorch, "pytorch");
        assert_eq!(pytorch, named(networks, "safetensors", &[MODULES_FILE, CHECK_FILE]), "{kind:?}");
        assert!(checked == same);
        // Each piece has all of its ports in the check.
        let model = Model::new(&file.config.network).unwrap();
        let tensors = SafeTensors::deserialize(&checked).unwrap();
        for piece in pieces(&file, &model).unwrap() {
            for port in piece.inputs.iter().chain(&piece.outputs) {
                let tensor = tensors.tensor(&format!("{}.{}", piece.name, port.name)).unwrap();
                assert_eq!(tensor.shape(), [&[3], &*port.sizes].concat(), "{kind:?} {}", piece.name);
            }
        }
    }
}

#[test]
fn networks_come_back_from_their_files() {
    let norm = Some(NormKind::None);
    for (options, parts) in [
        (options(ModelKind::Cvae), &["stem", "encoder", "decoder"][..]),
        (options(ModelKind::Vqvae), &["encoder", "decoder", "prior"]),
        (TrainOptions { norm, ..options(ModelKind::Cdcgan) }, &["generator", "discriminator"]),
    ] {
        let file = pictures(&options, 3);
        let model = Model::new(&file.config.network).unwrap();
        let folder = tempfile::tempdir().unwrap();
        convert(&Ctx::quiet(0), (&file, ""), Tool::Pytorch, 0, folder.path()).unwrap();
        let [mut weights, mut average] = model.first(9).unwrap();
        weights.state.clone_from(&file.weights.state);
        for network in parts {
            let path = folder.path().join(format!("{network}.safetensors"));
            let names = names(&[format!("{network}=")]).unwrap();
            let source = Source::read(&path).unwrap();
            let Transfer { matched, unused, shapes_differ, .. } =
                source.give(&model, [&mut weights, &mut average], &names, &path).unwrap();
            assert!(matched > 0 && unused.is_empty() && shapes_differ.is_empty(), "{network}");
        }
        // A GAN's generator is the running mean.
        let mut want = file.weights.params.clone();
        want[..file.average.params.len()].copy_from_slice(&file.average.params);
        assert!(weights.params == want, "{:?}", options.model);
        assert_eq!(average, file.average);
    }
}

#[test]
fn what_is_told_says_what_to_draw() {
    let options = TrainOptions {
        model: ModelKind::VaeMlp,
        hidden: Some(vec![5]),
        latent: Some(3),
        ..Default::default()
    };
    let columns = vec!["x".into(), "y".into()];
    let data = DataSpec { columns, ..DataSpec::of_shape(Kind::Table, [1, 1, 2]) };
    let mut file = begun(&options, data, 0);
    let of = |file: &ModelFile, key: &str| {
        let told = told(&Model::new(&file.config.network).unwrap(), file, "ab");
        told.into_iter().find(|(k, _)| *k == key).map(|(_, text)| text)
    };
    assert!(of(&file, "latent").unwrap().contains("`prior`"));
    assert_eq!(of(&file, "shape").as_deref(), Some("[2]"));
    assert_eq!(of(&file, "columns").as_deref(), Some("[\"x\",\"y\"]"));
    assert_eq!(of(&file, "model").as_deref(), Some("ab"));
    file.prior.clear();
    assert_eq!(of(&file, "latent").as_deref(), Some("standard normal"));
    let codes = pictures(&self::options(ModelKind::Vqvae), 3);
    // A grid of 2 × 3 of 7 codes: rows from 8 on, columns from 10, classes from 13.
    let context = of(&codes, "context").unwrap();
    assert!(
        context.contains("rows r - 1 to r - 1") && context.contains("8 + r, 10 + c, 13 + class"),
        "{context}"
    );
}

#[test]
fn a_command_converts_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (model, out) = (folder.path().join("m.safetensors"), folder.path().join("out"));
    pictures(&options(ModelKind::Dcgan), 0).save(&model).unwrap();
    let options = ConvertOptions { check: 2, ..Default::default() };
    let record = execute(&Ctx::quiet(0), &Call::new("convert", &options, &model, &out).unwrap()).unwrap();
    assert_eq!(record.figures["files"], json!(["generator.onnx", "discriminator.onnx", CHECK_FILE]));
    assert!(out.join("generator.onnx").is_file() && record.samples == 2);
    let e = ConvertOptions { check: 10_001, ..options }.check().unwrap_err();
    assert_eq!((e.exit_code(), e.message.contains("--check")), (2, true));
    std::fs::write(&model, "no model").unwrap();
    let e = execute(&Ctx::quiet(0), &Call::new("convert", &ConvertOptions::default(), &model, &out).unwrap());
    assert!(e.unwrap_err().message.contains("not a model of seedbed"));
    assert!(out.join("generator.onnx").is_file());
}
