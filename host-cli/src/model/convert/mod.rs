//! A model in the forms of other tools: ONNX, and PyTorch's modules.
//!
//! Either has a file for each [`Piece`](pieces::Piece) of a model, or for each of its networks, and says of all of them what a
//! user must know: what samples are, which latent vectors to draw, what the classes are. Pictures are channels × height ×
//! width with pixels of 0 to 1, rows of tables the columns as they are; the scale that the model was trained on is inside.

mod check;
mod layers;
mod onnx;
mod pieces;
mod pytorch;

use super::{Model, ModelFile};
use crate::dataset::Kind;
use crate::durable::write_whole;
use crate::error::{Context, Result};
use crate::stages::Ctx;
use seedbed::exec::Executor;
use seedbed::generate::CodePriorSpec;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;

/// Another tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// Graphs of ONNX, operators of version 17: a file for each piece.
    #[default]
    Onnx,
    /// A safetensors file for each network, as PyTorch names and lays out the tensors, and modules.py, which builds
    /// the modules.
    Pytorch,
}

/// The file with samples that were put through the model.
pub const CHECK_FILE: &str = "check.safetensors";
/// The Python file that makes modules.
pub const MODULES_FILE: &str = "modules.py";

/// Writes a model, of which `hash` tells the file, to the folder `out` in the form of a tool; with `checked` samples put through
/// each piece beside it, if any. Gives the names of the files.
///
/// # Errors
/// When the tool has no such layer, or a file cannot be written.
pub fn convert(
    ctx: &Ctx,
    (file, hash): (&ModelFile, &str),
    tool: Tool,
    checked: usize,
    out: &Path,
) -> Result<Vec<String>> {
    let model = Model::new(&file.config.network)?.for_threads(ctx.pool.width());
    let pieces = pieces::pieces(file, &model)?;
    let told = told(&model, file, hash);
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    match tool {
        Tool::Onnx => {
            for piece in &pieces {
                files.push((format!("{}.onnx", piece.name), onnx::file(piece, &told)?));
            }
        }
        Tool::Pytorch => {
            for (name, tensors) in pytorch::files(&pieces)? {
                files.push((format!("{name}.safetensors"), pytorch::file(&tensors)?));
            }
            let mut text = pytorch::modules(&pieces, &told)?;
            if let Model::Codes(codes) = &model {
                text.push_str(&pytorch::draw(codes.prior.spec()));
            }
            files.push((MODULES_FILE.into(), text.into_bytes()));
        }
    }
    if checked > 0 {
        let tensors = check::tensors(ctx, file, &model, &pieces, checked)?;
        files.push((CHECK_FILE.into(), pytorch::file(&tensors)?));
    }
    std::fs::create_dir_all(out).at(out)?;
    files.iter().try_for_each(|(name, bytes)| write_whole(&out.join(name), bytes))?;
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

/// What is said of a model: keys with texts, or with JSON.
fn told(model: &Model, file: &ModelFile, hash: &str) -> Vec<(&'static str, String)> {
    let data = &file.config.data;
    let [height, width, channels] = data.shape;
    let pictures = data.kind == Kind::Images;
    let (kind, latent) = match model {
        Model::Vae(_) if file.prior.is_empty() => ("vae", "standard normal"),
        Model::Vae(_) => (
            "vae",
            "standard normal; nearer to the training data by the piece `prior` from standard normal noise",
        ),
        Model::Gan(_) => ("gan", "standard normal"),
        Model::Codes(_) => ("vqvae", "codes, drawn one by one by the piece `prior`"),
    };
    let mut told = vec![
        ("kind", kind.to_owned()),
        ("samples", if pictures { "pictures" } else { "rows" }.to_owned()),
        ("shape", if pictures { json!([channels, height, width]) } else { json!([channels]) }.to_string()),
        ("latent", latent.to_owned()),
        ("classes", json!(data.classes).to_string()),
        ("conditional", (model.classes() > 0).to_string()),
    ];
    if !pictures {
        told.push(("columns", json!(data.columns).to_string()));
        told.push(("features", json!(data.features).to_string()));
    }
    if let Some(normalize) = &data.normalize {
        // Done inside; told for those who wonder.
        told.push(("normalize", json!(normalize).to_string()));
    }
    if let Model::Codes(codes) = model {
        let spec = codes.prior.spec();
        told.push(("grid", json!(spec.grid).to_string()));
        told.push(("codes", spec.codes.to_string()));
        told.push(("window", json!(window(spec)).to_string()));
        told.push(("context", context(spec)));
    }
    told.extend([("model", hash.to_owned()), ("dataset", data.content_hash.clone())]);
    told
}

/// The rows above a place that the prior of codes sees, and the columns to either side.
fn window(spec: &CodePriorSpec) -> [usize; 2] {
    spec.grid.map(|side| spec.radius.min(side - 1))
}

/// How the context of a place in a grid of codes is made, in words.
fn context(spec: &CodePriorSpec) -> String {
    let (CodePriorSpec { grid: [height, width], codes, classes, .. }, [above, beside]) = (spec, window(spec));
    let (row, column, class) = (codes + 1, codes + 1 + height, codes + 1 + height + width);
    let class = if *classes > 0 { format!(", {class} + class") } else { String::new() };
    format!(
        "for the place in row r and column c of a grid, row after row: the codes of the rows r - {above} to r - 1, of each \
         those of the columns c - {beside} to c + {beside}; the codes of row r and the columns c - {beside} to c - 1; {codes} \
         for each place outside; {row} + r, {column} + c{class}"
    )
}

#[cfg(test)]
mod tests;
