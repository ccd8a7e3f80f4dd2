//! `seedbed model check`: whether a model is sound.

use super::aligned;
use crate::cli::global::Global;
use crate::cli::{Done, Exit, emit};
use crate::dataset::Dataset;
use crate::model::{Checked, DataCheck, check};
use crate::report::number;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Options of `model check`.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckOptions {
    /// A trained model: the folder of `seedbed train`, its model.safetensors, a checkpoint, or a model-int8.safetensors.
    #[arg(value_name = "MODEL")]
    pub file: PathBuf,
    /// A dataset that it should fit: some of its test split (or else of val) are reconstructed, and draws held against them
    #[arg(long, value_name = "DATASET")]
    pub data: Option<PathBuf>,
    /// Another model with the same networks: how far its outputs are from those of MODEL, for the same inputs
    #[arg(long, value_name = "MODEL2")]
    pub against: Option<PathBuf>,
}

/// Runs it.
pub fn run(options: &CheckOptions, global: &Global) -> Done {
    let ctx = global.context(0)?;
    let dataset = options.data.as_deref().map(Dataset::open).transpose()?;
    let found = check(&ctx, &options.file, dataset.as_ref(), options.against.as_deref())?;
    if global.json {
        let mut object = json!(found);
        object["samples"] = json!(found.data.as_ref().map_or(0, |data| data.samples));
        object["set_aside"] = 0.into();
        object["out"] = emit::path(&options.file);
        object["sound"] = found.findings.is_empty().into();
        emit::line(&object.to_string())?;
    } else {
        emit::line(&text(&found, &options.file))?;
    }
    Ok(if found.findings.is_empty() { Exit::Done } else { Exit::Different })
}

fn text(found: &Checked, path: &Path) -> String {
    let form = if found.whole { "8-bit whole numbers" } else { "single precision" };
    let mut text = format!(
        "{}: {} in {form}, epoch {}, {} parameters, all finite, hash {}\n\n",
        path.display(),
        found.kind,
        found.epoch,
        number::count(found.parameters as u64),
        found.hash
    );
    layers(found, &mut text);
    let d = &found.draws;
    let value = |v: f32| number::value(f64::from(v));
    text.push_str(&format!(
        "\n{} draws: values from {} to {}, mean {}, deviation {}; {} apart",
        d.draws,
        value(d.lowest),
        value(d.highest),
        value(d.mean),
        value(d.deviation),
        number::value(d.distance)
    ));
    if let Some(diversity) = d.diversity {
        text.push_str(&format!(", {} of what real samples are", number::percent(diversity)));
    }
    if let Some(inside) = d.inside {
        text.push_str(&format!("; {} near real ones", number::percent(inside)));
    }
    text.push('\n');
    if let Some(data) = &found.data {
        text.push_str(&data_text(data));
    }
    against(found, &mut text);
    if found.findings.is_empty() {
        text.push_str("\nsound: nothing found");
    }
    for (i, finding) in found.findings.iter().enumerate() {
        text.push_str(&format!("\n{}. {}\n   try: {}", i + 1, finding.what, finding.hint));
    }
    text
}

fn layers(found: &Checked, text: &mut String) {
    let heads =
        ["layer", "weights", "lowest", "highest", "deviation", "zeros", "empty", "silent", "largest output"];
    let mut rows = vec![heads.map(String::from)];
    for row in &found.layers {
        let of = |n: usize| if n == 0 { "0".into() } else { format!("{n} of {}", row.channels) };
        rows.push([
            row.name.clone(),
            number::count(row.weights as u64),
            number::value(f64::from(row.lowest)),
            number::value(f64::from(row.highest)),
            number::value(f64::from(row.deviation)),
            number::percent(row.zeros),
            of(row.empty),
            row.silent.map_or_else(|| "–".into(), of),
            row.largest.map_or_else(|| "–".into(), |v| number::value(f64::from(v))),
        ]);
    }
    aligned(&rows, 1, text);
}

fn data_text(data: &DataCheck) -> String {
    let split = data.split.map_or("no split", |split| split.name());
    let mut text = format!("{} samples of {split}", number::count(data.samples as u64));
    if let Some(bound) = data.bound {
        text.push_str(&format!(", bound {} nats", number::value(bound)));
    }
    if let Some(error) = data.reconstruction {
        text.push_str(&format!(", squared error of reconstructions {error:.5}"));
    }
    if let Some(share) = data.explained {
        text.push_str(&format!(", {} % of the variance explained", number::value(100.0 * share)));
    }
    if !data.same {
        text.push_str("; not the data that it was trained on");
    }
    text.push('\n');
    text
}

fn against(found: &Checked, text: &mut String) {
    if found.against.is_empty() {
        return;
    }
    text.push('\n');
    let mut rows = vec![["apart", "rows", "dB", "mean difference", "largest"].map(String::from)];
    for net in &found.against {
        rows.push([
            net.network.to_owned(),
            number::count(net.apart.rows as u64),
            net.apart.decibels.map_or_else(|| "equal".into(), |d| format!("{d:.1}")),
            number::value(f64::from(net.apart.mean)),
            number::value(f64::from(net.apart.largest)),
        ]);
    }
    aligned(&rows, 1, text);
}
