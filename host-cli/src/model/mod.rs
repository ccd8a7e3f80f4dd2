//! Models on files: training data in memory, checkpoints, and the training loop.
//!
//! The arithmetic of VAE and GAN is the core's ([`seedbed::generate`]). What is here feeds it with batches,
//! counts epochs, stops in time, and keeps what was learnt as safetensors files.

mod adaptation;
mod any;
mod checkpoint;
mod codes;
mod convert;
mod data;
mod draw;
mod embed;
mod epochs;
mod judge;
mod reconstruct;
mod summary;
mod transfer;

pub use any::{DataSpec, Model, ModelConfig, Network, Objective, Training, Weights};
pub use checkpoint::{Checkpoint, ModelFile, Progress, STATE_FILE, WEIGHTS_FILE};
pub use codes::{CodeModel, CodeSpec};
pub use convert::{Tool, convert};
pub use data::{Labels, Lists, Scale, TrainingData};
pub use draw::{Drawer, PriorKind};
pub use embed::{DIMS, Embedder, Episodes};
pub use epochs::{Epoch, Fitted, MetaKind, MetaTraining, Plan, kept, train};
pub use judge::{Judge, Limits, Verdict};
pub use reconstruct::reconstruct;
pub use summary::{LayerRow, Memory, Summary, Target};
pub use transfer::{Learning, Source, Transfer, names};

#[cfg(test)]
mod tests;
