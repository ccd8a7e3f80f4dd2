//! `seedbed model`: what a model is made of, what it costs, and what is made of it.

mod check;
mod quantize;

use super::global::Global;
use super::{Done, Exit, emit, examples, work};
use crate::dataset::Kind;
use crate::error::{Error, Result};
use crate::model::{DataSpec, Memory, ModelConfig, Stored, Summary, Target};
use crate::report::number;
use crate::stages::convert::ConvertOptions;
use crate::stages::train::{ModelKind, TrainOptions};
use seedbed::exec::Executor;
use serde_json::json;
use std::path::PathBuf;

/// What can be asked of a model.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum ModelCommand {
    /// List its layers, and tell the bytes of a step of training and of drawing samples, here or on a device.
    #[command(after_help = examples::MODEL_SUMMARY)]
    Summary(SummaryOptions),
    /// Write it in the form of another tool: ONNX, or modules of PyTorch.
    #[command(after_help = examples::MODEL_CONVERT)]
    Convert {
        /// A trained model: the folder of `seedbed train`, or its model.safetensors.
        #[arg(value_name = "MODEL")]
        file: PathBuf,
        /// Into what.
        #[command(flatten)]
        options: ConvertOptions,
    },
    /// Bring the networks of a trained model to 8-bit whole numbers, a quarter of the bytes, and tell what that costs in precision.
    #[command(after_help = examples::MODEL_QUANTIZE)]
    Quantize(quantize::QuantizeOptions),
    /// Tell whether a model is sound before it is shipped: its numbers, its draws, its data. Exit code 1 where something is
    /// wrong.
    #[command(after_help = examples::MODEL_CHECK)]
    Check(check::CheckOptions),
}

/// Options of `model summary`.
#[derive(Clone, Debug, clap::Args)]
pub struct SummaryOptions {
    /// A trained model: the folder of `seedbed train`, or its model.safetensors, or a model-int8.safetensors.
    #[arg(value_name = "MODEL", required_unless_present = "input", conflicts_with = "input")]
    pub file: Option<PathBuf>,
    /// Without MODEL: the shape of the samples, 28x28, 28x28x3, or the number of columns of a table
    #[arg(long, value_name = "SHAPE")]
    pub input: Option<String>,
    /// Model, a preset as for `seedbed train`
    #[arg(long, value_enum, default_value = "vae-mlp", conflicts_with = "file")]
    pub model: ModelKind,
    /// Widths of the dense hidden layers, encoder or discriminator first; up to 4; default of the preset
    #[arg(long, value_delimiter = ',', conflicts_with = "file")]
    pub hidden: Option<Vec<usize>>,
    /// Channels of the convolutions; up to 4; default of the preset
    #[arg(long, value_delimiter = ',', conflicts_with = "file")]
    pub channels: Option<Vec<usize>>,
    /// Values of a latent vector, 1 to 1024; default of the preset
    #[arg(long, conflicts_with = "file")]
    pub latent: Option<usize>,
    /// Classes that it is conditioned on
    #[arg(long, default_value_t = 0, conflicts_with = "file")]
    pub classes: usize,
    /// Where it is to run: host or cortex-m4
    #[arg(long, value_enum, default_value = "host")]
    pub target: Target,
    /// Samples in a batch, 1 or more; default 128 on a host, or that of its training, and 1 on a device
    #[arg(long)]
    pub batch: Option<usize>,
}

/// Runs one of them.
pub fn run(command: &ModelCommand, global: &Global) -> Done {
    match command {
        ModelCommand::Summary(options) => summary(options, global),
        ModelCommand::Convert { file, options } => work::stage("convert", options, file, global),
        ModelCommand::Quantize(options) => quantize::run(options, global),
        ModelCommand::Check(options) => check::run(options, global),
    }
}

fn summary(options: &SummaryOptions, global: &Global) -> Done {
    let ctx = global.context(0)?;
    let stored = options.file.as_deref().map(Stored::load).transpose()?.map(|(stored, _)| stored);
    let config = stored.as_ref().map_or_else(|| options.config(), |stored| Ok(stored.config().clone()))?;
    let (batch, threads) = match options.target {
        Target::Host => (config.training.batch, ctx.pool.width()),
        Target::CortexM4 => (1, 1),
    };
    let batch = options.batch.unwrap_or(batch);
    Error::require(batch > 0, "batch", batch, "at least 1")?;
    let found = match &stored {
        Some(stored) => Summary::of_stored(stored, options.target, batch, threads)?,
        None => Summary::of(&config, options.target, batch, threads)?,
    };
    if global.json {
        let mut object = json!(found);
        let out = options.file.as_deref().map_or_else(|| "".into(), emit::path);
        object["out"] = out;
        object["samples"] = 0.into();
        object["set_aside"] = 0.into();
        emit::line(&object.to_string())?;
    } else {
        emit::line(&text(&found))?;
    }
    Ok(Exit::Done)
}

impl SummaryOptions {
    /// The model that the options make.
    fn config(&self) -> Result<ModelConfig> {
        let shape = self.input.as_ref().ok_or_else(|| Error::usage("no model: MODEL or --input"))?;
        let (kind, shape) = parse(shape)?;
        let options = TrainOptions {
            model: self.model,
            hidden: self.hidden.clone(),
            channels: self.channels.clone(),
            latent: self.latent,
            ..TrainOptions::default()
        };
        options.validate()?;
        if self.classes == 0 && self.model.conditional() == Some(true) {
            return Err(Error::usage("the model is conditioned on classes: --classes")
                .hint("say how many there are: --classes 10"));
        }
        options.config(0, (DataSpec::of_shape(kind, shape), 0), self.classes)
    }
}

/// The kind and the shape of samples: `height x width`, with channels behind them, or columns.
fn parse(text: &str) -> Result<(Kind, [usize; 3])> {
    let sizes: Option<Vec<usize>> =
        text.split('x').map(|n| n.trim().parse().ok().filter(|n| (1..=1 << 16).contains(n))).collect();
    match sizes.as_deref() {
        Some(&[columns]) => Ok((Kind::Table, [1, 1, columns])),
        Some(&[height, width]) => Ok((Kind::Images, [height, width, 1])),
        Some(&[height, width, channels]) => Ok((Kind::Images, [height, width, channels])),
        _ => Err(Error::usage(format!("no shape of samples: --input {text}"))
            .hint("give height x width (28x28), with channels (28x28x3), or a number of columns (12), each from 1 to 65536")),
    }
}

fn text(found: &Summary) -> String {
    let count = |n: usize| number::count(n as u64);
    let [height, width, channels] = found.input;
    let input = match [height, width] {
        [1, 1] => format!("{} columns", count(channels)),
        _ => format!("{height} x {width} x {channels}"),
    };
    let classes = if found.classes > 0 { format!(", {} classes", found.classes) } else { String::new() };
    let mut text = format!(
        "{} of {input}{classes}, {} latent values: {} parameters, {} multiply-adds a sample\n\n",
        found.kind,
        found.latent,
        count(found.parameters),
        count(found.multiply_adds)
    );
    let mut rows = vec![["layer", "", "output", "parameters", "multiply-adds"].map(String::from)];
    for layer in &found.layers {
        let output = layer.output.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let some = |n: usize| if n == 0 { String::new() } else { count(n) };
        rows.push([
            layer.name.clone(),
            layer.layer.clone(),
            output,
            some(layer.parameters),
            some(layer.multiply_adds),
        ]);
    }
    aligned(&rows, 2, &mut text);
    text.push('\n');
    let columns: Vec<(&str, &Memory)> =
        found.training.iter().map(|m| ("training", m)).chain([("sampling", &found.sampling)]).collect();
    let heads = columns.iter().map(|(name, of)| format!("{name}, batch {}", of.batch));
    let mut rows = vec![std::iter::once("bytes".into()).chain(heads).collect::<Vec<_>>()];
    for (name, of) in PARTS {
        if columns.iter().any(|(_, memory)| of(memory) > 0) {
            let cells = columns.iter().map(|(_, memory)| count(of(memory)));
            rows.push(std::iter::once(name.to_owned()).chain(cells).collect());
        }
    }
    aligned(&rows, 1, &mut text);
    if let Some(bytes) = found.int8_bytes {
        text.push_str(&format!("\nnetworks in 8-bit whole numbers: {} bytes", count(bytes)));
    }
    if found.threads > 1 {
        text.push_str(&format!("\nscratch for {} threads (--threads)", found.threads));
    }
    if found.target == Target::CortexM4 && found.sampling.device.is_none() {
        text.push_str(
            "\ncode, description and stack of this kind of model have not been measured on a device",
        );
    }
    text.trim_end().to_owned()
}

/// A part of the memory by its name.
type Part = (&'static str, fn(&Memory) -> usize);

const PARTS: [Part; 10] = [
    ("parameters", |m| m.parameters),
    ("gradients", |m| m.gradients),
    ("moments", |m| m.moments),
    ("samples", |m| m.samples),
    ("scratch", |m| m.scratch),
    ("description", |m| m.device.map_or(0, |d| d.model)),
    ("stack", |m| m.device.map_or(0, |d| d.stack)),
    ("code", |m| m.device.map_or(0, |d| d.code)),
    ("written (RAM)", |m| m.ram),
    ("read only (flash)", |m| m.flash),
];

/// Rows in columns, the first `left` of which begin together and the others end together.
fn aligned<R: AsRef<[String]>>(rows: &[R], left: usize, text: &mut String) {
    let columns = rows.first().map_or(0, |row| row.as_ref().len());
    let widest = |i: usize| rows.iter().map(|row| row.as_ref()[i].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    for row in rows {
        let mut line = String::new();
        for (i, (cell, &width)) in row.as_ref().iter().zip(&widths).enumerate() {
            line.push_str(&if i < left { format!("{cell:width$}  ") } else { format!("{cell:>width$}  ") });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}
