//! `seedbed model check`: whether a model is sound.

use crate::cli::global::Global;
use crate::cli::{Done, Exit};
use std::path::PathBuf;

/// Options of `model check`.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckOptions {
    /// A model.
    #[arg(value_name = "MODEL")]
    pub file: PathBuf,
}

/// Runs it.
pub fn run(_: &CheckOptions, _: &Global) -> Done {
    Ok(Exit::Done)
}
