use super::*;
use crate::model::convert::pieces::pieces;
use crate::model::convert::tests::{all_layers, filled, options, pictures};
use crate::model::{Model, Network as Kind};
use crate::stages::train::ModelKind;
use seedbed::Scratch;
use seedbed::generate::Net;
use seedbed::nn::{Engine, Mode, Model as Params};
use sha2::{Digest, Sha256};

/// The layers of both networks of [`all_layers`] in `modules.py`.
const LAYERS: [&str; 2] = [
    "        nn.Conv2d(2, 4, 3, padding=1, groups=2, bias=False),
        nn.BatchNorm2d(4, eps=1e-5, momentum=0.1),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1, groups=2),
        nn.GroupNorm(2, 4, eps=1e-5),
        nn.GELU(),
        nn.Upsample(scale_factor=2, mode=\"nearest\"),
        nn.MaxPool2d(3, stride=2, padding=1),
        LayerNorm(4, eps=1e-5),
        nn.AvgPool2d(3, stride=2, padding=1),
        nn.Softmax(dim=1),
        nn.Flatten(),
        nn.Linear(48, 6),
        nn.Unflatten(1, (3, 1, 2)),
        nn.Tanh(),
        nn.Flatten(),
",
    "        Embedding(5, 2),
        nn.ELU(0.7),
        nn.Linear(6, 4, bias=False),
        nn.BatchNorm1d(4, eps=1e-5, momentum=0.1),
        nn.Softplus(),
        nn.Dropout(0.25),
        nn.LayerNorm(4, eps=1e-5),
        nn.SiLU(),
        nn.Linear(4, 4),
        nn.GroupNorm(1, 4, eps=1e-5),
        nn.ReLU(),
        nn.Linear(4, 3),
        nn.Sigmoid(),
",
];

/// What PyTorch 2.15 made of two samples with these modules and files, the hashes of which are below.
const OUTPUTS: [&[f32]; 2] = [
    &[
        -0.13832183,
        -0.16159463,
        0.3827281,
        -0.18959995,
        0.06672693,
        -0.48431876,
        -0.13466105,
        -0.16465493,
        0.4155133,
        -0.22853455,
        0.07570844,
        -0.44944206,
    ],
    &[0.5257025, 0.421661, 0.48175615, 0.5261824, 0.4213419, 0.4821214],
];
const HASHES: [&str; 2] = [
    "0becdcb4150f2fc10e2cde3ece82bf869365fdda170a0f2c63b70836ae09b945",
    "57b8254d7cbabc0cc3c93cec1d91c566a59e5a529b1d7887527e9e2fcaf2247b",
];

/// What the library makes of two samples, those that PyTorch was given.
fn ours(net: &Net, [params, state]: &[Vec<f32>; 2], whole: bool) -> Vec<f32> {
    let value = |i: usize| if whole { (i * 3 % 5) as f32 } else { (i * 7 % 11) as f32 / 8.0 - 0.5 };
    let x: Vec<f32> = (0..2 * net.input().len().unwrap()).map(value).collect();
    let plan = net.plan(Mode::Inference).unwrap();
    let mut memory = vec![0u8; plan.workspace_len(2)];
    let mut scratch = Scratch::new(&mut memory);
    let mut work = plan.workspace(2, &mut scratch).unwrap();
    let on = Engine { level: seedbed::Level::detect(), exec: &seedbed::exec::Serial };
    plan.infer(on, Params { params, state }, &x, &mut work, &mut scratch).unwrap();
    plan.result(&work).to_vec()
}

#[test]
fn pytorch_makes_the_same_of_the_files() {
    for (i, net) in all_layers().iter().enumerate() {
        let values = filled(net);
        let network = Network { name: "net", net, params: &values[0], state: &values[1] };
        let pieces = [Piece {
            name: "whole",
            about: "",
            inputs: vec![],
            ops: vec![Op::Net(network)],
            outputs: vec![],
        }];
        let files = files(&pieces).unwrap();
        let bytes = file(&files["net"]).unwrap();
        let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hash, HASHES[i]);
        let text = modules(&pieces, &[]).unwrap();
        assert!(text.contains(&format!("        \"net\",\n{}    )\n", LAYERS[i])), "{text}");
        let (ours, want) = (ours(net, &values, i == 1), OUTPUTS[i]);
        assert_eq!(ours.len(), want.len());
        for (a, b) in ours.iter().zip(want) {
            assert!((a - b).abs() <= 1e-6, "{a} instead of {b}");
        }
    }
}

#[test]
fn modules_do_what_the_pieces_do() {
    let text = |kind, classes| {
        let file = pictures(&options(kind), classes);
        let model = Model::new(&file.config.network).unwrap();
        modules(&pieces(&file, &model).unwrap(), &[("classes", "[\"\\\", \"\"\"b\"]".into())]).unwrap()
    };
    let cvae = text(ModelKind::Cvae, 3);
    // What is told neither ends the text early nor escapes from it.
    assert!(cvae.contains("classes: [\"\\\\\", \\\"\\\"\\\"b\"]\n\"\"\"\n"), "{cvae}");
    let decoder = "    def __init__(self):
        super().__init__()
        self.decoder = decoder()
        self.register_buffer(\"mean\", read(\"scale\")[\"mean\"].reshape(-1, 1, 1))
        self.register_buffer(\"std\", read(\"scale\")[\"std\"].reshape(-1, 1, 1))

    def forward(self, latent, label):
        x = latent
        x = torch.cat([x, nn.functional.one_hot(label, 3).to(x.dtype)], 1)
        x = self.decoder(x)
        x = x * self.std + self.mean
        return x
";
    assert!(cvae.contains(decoder), "{cvae}");
    assert!(cvae.contains("x = self.mean[label] + (self.factor[label] @ x[:, :, None])[:, :, 0]"));
    let vqvae = text(ModelKind::Vqvae, 3);
    assert!(vqvae.contains("class Embedding(nn.Embedding)") && !vqvae.contains("class LayerNorm"));
    assert!(vqvae.contains("x = self.codebook[x].reshape(-1, 2, 3, 32).permute(0, 3, 1, 2)"), "{vqvae}");
    assert!(vqvae.contains(".argmin(1).reshape(-1, 2, 3)"), "{vqvae}");
    let Kind::Vqvae(spec) = &pictures(&options(ModelKind::Vqvae), 3).config.network else { unreachable!() };
    let draw = draw(&spec.prior);
    assert!(
        draw.contains("ROWS, COLUMNS, CODES = 2, 3, 7\nABOVE, BESIDE = 1, 2\nCONDITIONAL = True\n"),
        "{draw}"
    );
    assert!(text(ModelKind::Cdcgan, 3).contains("x = x[:, 0] + x.gather(1, label[:, None] + 1)[:, 0]"));
    // Pictures of dense layers, whose values lie with the channels last.
    let mlp = text(ModelKind::VaeMlp, 0);
    assert!(mlp.contains("x = x.permute(0, 2, 3, 1).flatten(1)"), "{mlp}");
    assert!(mlp.contains("x = x.reshape(-1, 4, 6, 2).permute(0, 3, 1, 2)"), "{mlp}");
}

#[test]
fn files_hold_the_parameters_divided_by_their_norms() {
    let file = pictures(&options(ModelKind::Dcgan), 0);
    let model = Model::new(&file.config.network).unwrap();
    let files = files(&pieces(&file, &model).unwrap()).unwrap();
    let names: Vec<&str> = files["discriminator"].keys().map(String::as_str).collect();
    assert_eq!(names, ["0.bias", "0.weight", "3.bias", "3.weight", "5.bias", "5.weight"]);
    let Model::Gan(gan) = &model else { unreachable!() };
    let (_, net) = gan.networks().last().unwrap();
    let params = &file.weights.params[gan.generator_len()..];
    let state = &file.weights.state[gan.generator_state_len()..];
    // uᵀ·W·v, written out.
    let (rows, weight) = (3, &params[..3 * 2 * 16]);
    let (u, v) = state[..rows + 32].split_at(rows);
    let each =
        weight.chunks_exact(32).zip(u).map(|(row, u)| u * row.iter().zip(v).map(|(w, v)| w * v).sum::<f32>());
    let norm: f32 = each.sum();
    assert!((net.spectral_norm(0, params, state).unwrap() / norm - 1.0).abs() < 1e-5);
    assert_eq!(net.spectral_norm(1, params, state), None);
    let divided = f32::from_le_bytes(files["discriminator"]["0.weight"].bytes[..4].try_into().unwrap());
    assert!((divided - weight[0] / norm).abs() < 1e-6);
    // The generator's statistics are those of the running mean.
    let tracked = &files["generator"]["1.num_batches_tracked"];
    assert_eq!((tracked.dtype, tracked.bytes.len(), tracked.sizes.len()), (safetensors::Dtype::I64, 8, 0));
}
