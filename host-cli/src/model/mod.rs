//! Models on files: training data in memory, checkpoints, and the training loop.
//!
//! The arithmetic of VAE and GAN is the core's ([`seedbed::generate`]). What is here feeds it with batches,
//! counts epochs, stops in time, and keeps what was learnt as safetensors files.

mod adaptation;
mod any;
mod check;
mod checkpoint;
mod codes;
mod convert;
mod data;
mod draw;
mod embed;
mod epochs;
mod judge;
mod quantise;
mod reconstruct;
mod runner;
mod some;
mod stored;
mod summary;
mod tensor;
mod transfer;
mod whole;

pub use any::{DataSpec, Model, ModelConfig, Network, Objective, Training, Weights};
pub use check::{Checked, DataCheck, DrawsCheck, Finding, LayerCheck, NetApart, check};
pub use checkpoint::{Checkpoint, ModelFile, Progress, STATE_FILE, WEIGHTS_FILE};
pub use codes::{CodeModel, CodeSpec};
pub use convert::{Tool, convert};
pub use data::{Labels, Lists, Scale, TrainingData};
pub use draw::{Drawer, PriorKind};
pub use embed::{DIMS, Embedder, Episodes};
pub use epochs::{Epoch, Fitted, MetaKind, MetaTraining, Plan, kept, train};
pub use judge::{Judge, Limits, Verdict};
pub use quantise::{Apart, Calibration, ENOUGH, Losses, NetLoss, quantise};
pub use reconstruct::reconstruct;
pub use runner::{Draw, InUse, NetRunner, Runner, Runs};
pub use stored::Stored;
pub use summary::{LayerRow, Memory, Summary, Target};
pub use transfer::{Learning, Source, Transfer, known_names, names};
pub use whole::{Calibrated, WHOLE_FILE, WholeFile, WholeNet};

#[cfg(test)]
mod tests;
