//! The host library behind the `seedbed` command: datasets and formats, the stages, the recipe
//! and its runner, the training loop, and the report.
//!
//! The library does everything that the command does: each command is an options struct of
//! [`stages`] and files. What computes lives in the `seedbed` crate; what is here reads, writes,
//! keeps order and talks to the user.

// Tests hold our functions against std's.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::type_complexity))]

// What everything stands on.
pub mod durable;
pub mod error;
mod kept;
pub mod pool;
pub mod progress;
mod purposes;

// Datasets, formats, codecs.
pub mod codec;
pub mod dataset;
pub mod formats;
pub mod input;

// Features and models.
pub mod features;
pub mod model;

// What a user asks for.
pub mod cli;
pub mod demo;
pub mod recipe;
pub mod report;
pub mod run;
pub mod search;
pub mod stages;

pub use error::{Error, Result};
pub use pool::Pool;
pub use progress::Progress;
pub use stages::{Ctx, Outcome, Stage};
