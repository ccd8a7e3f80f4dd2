//! The text of `modules.py`.

use crate::error::Result;
use crate::model::convert::layers::{Form, Network, Placed};
use crate::model::convert::pieces::{Book, Op, Piece, Port};
use crate::model::convert::window;
use seedbed::generate::CodePriorSpec;
use seedbed::nn::{Activation, Layer, Pool2d};
use std::collections::BTreeMap;

/// What all such files begin with, behind what is said of the model.
const HEAD: &str = r#"
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

FOLDER = Path(__file__).parent


def read(name):
    """The tensors of a file beside this one."""
    return load_file(FOLDER / f"{name}.safetensors")


def loaded(name, *layers):
    """Layers with the weights of a file, ready for use; .train() makes them ready for training."""
    network = nn.Sequential(*layers)
    network.load_state_dict(read(name), strict=True)
    return network.eval()
"#;

/// An embedding whose vectors lie side by side.
const EMBEDDING: &str = r#"

class Embedding(nn.Embedding):
    """The vectors of all tokens of a sample, side by side."""

    def forward(self, tokens):
        return super().forward(tokens).flatten(1)
"#;

/// The layer normalisation of each place of a picture.
const LAYER_NORM: &str = r#"

class LayerNorm(nn.LayerNorm):
    """The channels of each place of a picture, normalised."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
"#;

/// What draws codes, behind the sizes of the grid and of the window.
const DRAW: &str = r#"

@torch.no_grad()
def draw(label, temperature=1.0):
    """A grid of codes for each entry of `label`, the class or anything where there are none, as Decoder reads them: place
    after place by the prior, from its logits divided by `temperature`; at 0 the likeliest codes."""
    prior = Prior()
    n = len(label)
    grids = torch.full((n, ABOVE + ROWS, COLUMNS + 2 * BESIDE), CODES)
    for row in range(ROWS):
        for column in range(COLUMNS):
            above = grids[:, row : row + ABOVE, column : column + 2 * BESIDE + 1].flatten(1)
            left = grids[:, ABOVE + row, column : column + BESIDE]
            place = torch.tensor([CODES + 1 + row, CODES + 1 + ROWS + column]).expand(n, 2)
            known = [above, left, place]
            if CONDITIONAL:
                known.append(CODES + 1 + ROWS + COLUMNS + label[:, None])
            logits = prior(torch.cat(known, 1))
            if temperature > 0:
                code = torch.multinomial(torch.softmax(logits / temperature, 1), 1)[:, 0]
            else:
                code = logits.argmax(1)
            grids[:, ABOVE + row, BESIDE + column] = code
    return grids[:, ABOVE:, BESIDE : BESIDE + COLUMNS]
"#;

/// The function that draws codes by a prior.
pub fn draw(spec: &CodePriorSpec) -> String {
    let (CodePriorSpec { grid: [rows, columns], codes, classes, .. }, [above, beside]) = (spec, window(spec));
    let conditional = if *classes > 0 { "True" } else { "False" };
    let sizes =
        format!("ROWS, COLUMNS, CODES = {rows}, {columns}, {codes}\nABOVE, BESIDE = {above}, {beside}\n");
    format!("\n\n{sizes}CONDITIONAL = {conditional}\n{DRAW}")
}

/// The text of a module for these pieces, with what is said of their model.
///
/// # Errors
/// As [`Network::layers`].
pub fn modules(pieces: &[Piece<'_>], told: &[(&str, String)]) -> Result<String> {
    let mut networks = BTreeMap::new();
    for op in pieces.iter().flat_map(|piece| &piece.ops) {
        if let Op::Net(network) = op {
            networks.insert(network.name, network.layers()?);
        }
    }
    let layers = || networks.values().flatten();
    let mut text = String::from(
        "\"\"\"A model of seedbed as modules of PyTorch: the classes are what it does, the functions its networks.\n\n",
    );
    for (key, value) in told {
        text.push_str(&format!("{key}: {}\n", value.replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"")));
    }
    text.push_str("\"\"\"\n");
    text.push_str(HEAD);
    if layers().any(|l| matches!(l.layer, Layer::Embedding { .. })) {
        text.push_str(EMBEDDING);
    }
    if layers().any(|l| matches!(l.layer, Layer::LayerNorm { .. }) && l.output.1 == Form::Picture) {
        text.push_str(LAYER_NORM);
    }
    for (name, layers) in &networks {
        let lines: String = layers.iter().map(|l| format!("        {},\n", module(l))).collect();
        let about = format!("    \"\"\"The network of {name}.safetensors.\"\"\"\n");
        let call = format!("    return loaded(\n        \"{name}\",\n{lines}    )\n");
        text.push_str(&format!("\n\ndef {name}():\n{about}{call}"));
    }
    for piece in pieces {
        text.push_str(&class(piece)?);
    }
    Ok(text)
}

/// A call with these sizes, and what is not as PyTorch has it by default.
fn call(name: &str, sizes: &[usize], given: &[(&str, usize, usize)], bias: bool) -> String {
    let mut parts: Vec<String> = sizes.iter().map(usize::to_string).collect();
    let other = given.iter().filter(|(_, value, default)| value != default);
    parts.extend(other.map(|(name, value, _)| format!("{name}={value}")));
    parts.extend((!bias).then(|| "bias=False".to_owned()));
    format!("{name}({})", parts.join(", "))
}

fn pooled(name: &str, pool: Pool2d) -> String {
    // By default windows lie side by side.
    let given = [("stride", pool.stride, pool.kernel), ("padding", pool.padding, 0)];
    call(name, &[pool.kernel], &given, true)
}

/// A layer as a module.
fn module(placed: &Placed) -> String {
    let ((input, _), (output, form)) = (placed.input, placed.output);
    let (from, to) = (input.channels, output.channels);
    match placed.layer {
        Layer::Dense(d) => call("nn.Linear", &[from, to], &[], d.bias),
        Layer::Conv2d(c) => {
            let given = [("stride", c.stride, 1), ("padding", c.padding, 0), ("groups", c.groups, 1)];
            call("nn.Conv2d", &[from, to, c.kernel], &given, c.bias)
        }
        Layer::ConvTranspose2d(c) => {
            let given = [
                ("stride", c.stride, 1),
                ("padding", c.padding, 0),
                ("output_padding", c.output_padding, 0),
                ("groups", c.groups, 1),
            ];
            call("nn.ConvTranspose2d", &[from, to, c.kernel], &given, c.bias)
        }
        Layer::BatchNorm { momentum, epsilon } => {
            let axes = if form == Form::Picture { 2 } else { 1 };
            format!("nn.BatchNorm{axes}d({to}, eps={epsilon:e}, momentum={momentum})")
        }
        Layer::LayerNorm { epsilon } => {
            let of = if form == Form::Picture { "" } else { "nn." };
            format!("{of}LayerNorm({to}, eps={epsilon:e})")
        }
        Layer::GroupNorm { groups, epsilon } => format!("nn.GroupNorm({groups}, {to}, eps={epsilon:e})"),
        Layer::Upsample { factor } => format!("nn.Upsample(scale_factor={factor}, mode=\"nearest\")"),
        Layer::AvgPool2d(p) => pooled("nn.AvgPool2d", p),
        Layer::MaxPool2d(p) => pooled("nn.MaxPool2d", p),
        Layer::Embedding { classes, width } => format!("Embedding({classes}, {width})"),
        Layer::Dropout { p } => format!("nn.Dropout({p})"),
        Layer::Flatten => "nn.Flatten()".into(),
        Layer::Unflatten(s) => format!("nn.Unflatten(1, ({}, {}, {}))", s.channels, s.height, s.width),
        Layer::Softmax => "nn.Softmax(dim=1)".into(),
        Layer::Activation(activation) => match activation {
            Activation::Relu => "nn.ReLU()".into(),
            Activation::LeakyRelu { slope } => format!("nn.LeakyReLU({slope})"),
            Activation::Sigmoid => "nn.Sigmoid()".into(),
            Activation::Tanh => "nn.Tanh()".into(),
            Activation::Elu { alpha } => format!("nn.ELU({alpha})"),
            Activation::Silu => "nn.SiLU()".into(),
            Activation::Gelu => "nn.GELU()".into(),
            Activation::Softplus => "nn.Softplus()".into(),
        },
    }
}

/// A piece as a class.
fn class(piece: &Piece<'_>) -> Result<String> {
    let mut name = piece.name.to_owned();
    name[..1].make_ascii_uppercase();
    let names = |ports: &[Port]| ports.iter().map(|port| port.name).collect::<Vec<_>>().join(", ");
    let ports = piece.inputs.iter().chain(&piece.outputs);
    let abouts: String = ports
        .map(|port| {
            let sizes: Vec<String> =
                std::iter::once("batch".into()).chain(port.sizes.iter().map(usize::to_string)).collect();
            format!("    {} [{}]: {}.\n", port.name, sizes.join(", "), port.about)
        })
        .collect();
    let mut fields = String::new();
    let mut lines = String::new();
    let mut axes = piece.inputs.first().map_or(0, |port| port.sizes.len());
    for op in &piece.ops {
        let (own, line) = lines_of(op, axes);
        for field in own {
            if !fields.contains(&field) {
                fields.push_str(&format!("        {field}\n"));
            }
        }
        lines.push_str(&format!("        {line}\n"));
        axes = match op {
            Op::Net(network) if network.leaves()? == Form::Row => 1,
            Op::Net(_) | Op::Picture(_) => 3,
            _ => axes,
        };
    }
    let first = piece.inputs.first().map_or("", |port| port.name);
    Ok(format!(
        "\n\nclass {name}(nn.Module):\n    \"\"\"{}: {} -> {}.\n\n{abouts}    \"\"\"\n\n    \
         def __init__(self):\n        super().__init__()\n{fields}\n    \
         def forward(self, {}):\n        x = {first}\n{lines}        return x\n",
        piece.about,
        names(&piece.inputs),
        names(&piece.outputs),
        names(&piece.inputs),
    ))
}

/// What a class holds for an operation, and what it does to `x`, a sample of which has so many axes.
fn lines_of(op: &Op<'_>, axes: usize) -> (Vec<String>, String) {
    let scale = || {
        // A value for each channel, to be met by its places.
        let sizes = if axes == 3 { "(-1, 1, 1)" } else { "(-1,)" };
        ["mean", "std"].map(|name| {
            format!("self.register_buffer(\"{name}\", read(\"scale\")[\"{name}\"].reshape{sizes})")
        })
    };
    let codebook = || vec!["self.register_buffer(\"codebook\", read(\"codebook\")[\"weight\"])".to_owned()];
    let none = Vec::new;
    match op {
        Op::Standardise(_) => (scale().into(), "x = (x - self.mean) / self.std".into()),
        Op::Restore(_) => (scale().into(), "x = x * self.std + self.mean".into()),
        Op::Scale(factor, offset) => (none(), format!("x = {factor:?} * x + {offset:?}")),
        Op::Row => (none(), "x = x.permute(0, 2, 3, 1).flatten(1)".into()),
        Op::Picture(s) => {
            let sizes = format!("{}, {}, {}", s.height, s.width, s.channels);
            (none(), format!("x = x.reshape(-1, {sizes}).permute(0, 3, 1, 2)"))
        }
        Op::Class(classes) => {
            (none(), format!("x = torch.cat([x, nn.functional.one_hot(label, {classes}).to(x.dtype)], 1)"))
        }
        Op::Net(Network { name, .. }) => {
            (vec![format!("self.{name} = {name}()")], format!("x = self.{name}(x)"))
        }
        Op::Sigmoid => (none(), "x = torch.sigmoid(x)".into()),
        Op::Halves => (none(), "x = x.chunk(2, 1)".into()),
        Op::Verdict(0) => (none(), "x = x[:, 0]".into()),
        Op::Verdict(_) => (none(), "x = x[:, 0] + x.gather(1, label[:, None] + 1)[:, 0]".into()),
        Op::Nearest(book) => (codebook(), nearest(book, axes)),
        Op::LookUp(_, (s, Form::Row)) => {
            (codebook(), format!("x = self.codebook[x].reshape(-1, {})", s.channels))
        }
        Op::LookUp(_, (s, Form::Picture)) => {
            let sizes = format!("{}, {}, {}", s.height, s.width, s.channels);
            (codebook(), format!("x = self.codebook[x].reshape(-1, {sizes}).permute(0, 3, 1, 2)"))
        }
        Op::Normal(normals) => {
            let fields = ["mean", "factor"]
                .map(|name| format!("self.register_buffer(\"{name}\", read(\"prior\")[\"{name}\"])"));
            let by = if normals.by_class { "label" } else { "0" };
            let line = format!("x = self.mean[{by}] + (self.factor[{by}] @ x[:, :, None])[:, :, 0]");
            (fields.into(), line)
        }
    }
}

/// The nearest code of each place; by a product of matrices the distances would be less exact.
fn nearest(book: &Book<'_>, axes: usize) -> String {
    let Book { dim, grid: [rows, columns], .. } = book;
    let places = if axes == 3 { ".permute(0, 2, 3, 1)" } else { "" };
    let exact = "compute_mode=\"donot_use_mm_for_euclid_dist\"";
    format!(
        "x = x{places}.reshape(-1, {dim})\n        \
         x = torch.cdist(x, self.codebook, {exact}).argmin(1).reshape(-1, {rows}, {columns})"
    )
}
