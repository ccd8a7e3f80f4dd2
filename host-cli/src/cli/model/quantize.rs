//! `seedbed model quantize`: a model in 8-bit whole numbers.

use super::aligned;
use crate::cli::global::Global;
use crate::cli::{Done, Exit, emit};
use crate::dataset::Dataset;
use crate::error::Context;
use crate::model::{Calibration, Losses, ModelFile, NetLoss, WHOLE_FILE, quantise};
use crate::report::number;
use crate::run::may_write;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Options of `model quantize`.
#[derive(Clone, Debug, clap::Args)]
pub struct QuantizeOptions {
    /// A trained model: the folder of `seedbed train`, or its model.safetensors.
    #[arg(value_name = "MODEL")]
    pub file: PathBuf,
    /// The dataset that it was trained on: its train split finds the ranges of values, its val or test split judges; a GAN
    /// needs none
    #[arg(long, value_name = "DATASET")]
    pub data: Option<PathBuf>,
    /// Samples, and besides draws, that ranges are found on, and as many others that the result is judged on, 1 to 1000000
    #[arg(long, default_value_t = 512, value_name = "N")]
    pub calibrate: usize,
    /// Narrow each range to what this share of its values lie in, above 0.5 up to 1: 0.9999 leaves out rare values, which cost
    /// all others precision
    #[arg(long, default_value_t = 1.0, value_name = "SHARE")]
    pub clip: f64,
}

/// Runs it; the default of `--out` is `seedbed-quantize`.
pub fn run(options: &QuantizeOptions, global: &Global) -> Done {
    let ctx = global.context(0)?;
    let how = Calibration { samples: options.calibrate, clip: options.clip };
    how.validate()?;
    let out = global.out_or("seedbed-quantize");
    may_write(&out, WHOLE_FILE)?;
    let (file, hash) = ModelFile::load(&options.file)?;
    let dataset = options.data.as_deref().map(Dataset::open).transpose()?;
    let (whole, losses) = quantise(&ctx, (&file, hash), dataset.as_ref(), how)?;
    std::fs::create_dir_all(&out).at(&out)?;
    whole.save(&out.join(WHOLE_FILE))?;
    let warnings = losses.warnings();
    if global.json {
        let object = json!({
            "samples": whole.calibrated.samples, "set_aside": 0, "out": emit::path(&out),
            "calibrated": whole.calibrated, "networks": losses.networks,
            "judged_on": losses.split, "judged_samples": losses.samples,
            "reconstruction": losses.reconstruction.map(|[single, whole]| json!({ "f32": single, "int8": whole })),
            "same_codes": losses.same_codes, "rest_bytes": losses.rest_bytes, "bytes": total(&losses), "warnings": warnings,
        });
        emit::line(&object.to_string())?;
    } else {
        emit::line(&text(&losses, (whole.calibrated.samples, how.samples), &out))?;
    }
    warnings.iter().for_each(|warning| ctx.progress.warn(format!("quantize: {warning}")));
    Ok(Exit::Done)
}

/// Bytes of all networks before and after.
fn total(losses: &Losses) -> Value {
    let sum = |i: usize| losses.networks.iter().map(|net| net.bytes[i]).sum::<usize>();
    json!({ "f32": sum(0), "int8": sum(1) })
}

fn text(losses: &Losses, (samples, draws): (usize, usize), out: &Path) -> String {
    let count = |n: usize| number::count(n as u64);
    let judged = match losses.split {
        Some(split) => {
            format!("{} samples of {} and {} other draws", count(losses.samples), split, count(draws))
        }
        None => format!("{} other draws", count(draws)),
    };
    let found = if samples > 0 { format!("{} samples and ", count(samples)) } else { String::new() };
    let mut text = format!("ranges from {found}{} draws; judged on {judged}\n\n", count(draws));
    let heads = ["network", "parameters", "bytes, f32", "bytes, int8", "dB", "mean difference", "largest"];
    let mut rows = vec![heads.map(String::from)];
    for NetLoss { network, parameters, bytes: [before, after], apart, .. } in &losses.networks {
        let known = |v: f32| if apart.rows > 0 { number::value(f64::from(v)) } else { "–".into() };
        rows.push([
            (*network).to_owned(),
            count(*parameters),
            count(*before),
            count(*after),
            apart.decibels.map_or_else(|| "–".into(), |d| format!("{d:.1}")),
            known(apart.mean),
            known(apart.largest),
        ]);
    }
    aligned(&rows, 1, &mut text);
    text.push('\n');
    if let Some([single, whole]) = losses.reconstruction {
        text.push_str(&format!("squared error of reconstructions: {single:.6} by f32, {whole:.6} by int8\n"));
    }
    if losses.rest_bytes > 0 {
        text.push_str(&format!(
            "in single precision as it was (priors, codebook): {} bytes\n",
            count(losses.rest_bytes)
        ));
    }
    if let Some(same) = losses.same_codes {
        text.push_str(&format!("codes that are the same: {}\n", number::percent(same)));
    }
    text.push_str(&format!("→ {}", out.join(WHOLE_FILE).display()));
    text
}
