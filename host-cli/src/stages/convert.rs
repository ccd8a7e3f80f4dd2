//! `model convert`: a trained model in the form of another tool.

use super::{Ctx, Outcome, Stage};
use crate::defaults;
use crate::error::{Error, Result};
use crate::model::{ModelFile, Tool, convert};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Samples that are put through a model by `--check`, at most.
const MOST_CHECKED: usize = 256;

/// Into what a model is converted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct ConvertOptions {
    /// Whose form: onnx or pytorch
    #[arg(long, value_enum, default_value = "onnx")]
    pub to: Tool,
    /// Put so many samples of noise, up to 256, through the model, and write what goes in and what comes out to check.safetensors, for
    /// comparison
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub check: usize,
}

defaults!(ConvertOptions);

impl Stage for ConvertOptions {
    fn check(&self) -> Result<()> {
        Error::check_range("check", self.check, 0..=MOST_CHECKED)
    }

    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome> {
        let (file, hash) = ModelFile::load(input)?;
        let files = convert(ctx, (&file, &hash), self.to, self.check, out)?;
        Ok(Outcome::new(self.check as u64).figure("model", hash).figure("files", files))
    }
}
