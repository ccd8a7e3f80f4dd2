//! The runner: stages are run once, written whole, and kept while nothing they depend on changes.
//!
//! A stage's key is the hash of its name, options, seed and the content of its input. Its folder
//! holds the key in `stage.json`; a second run with the same key takes the folder as it is. A folder
//! is written under a temporary name and renamed when it is whole, so that a killed run leaves
//! nothing half done, and goes on where it was when it is started again.

pub mod key;
pub mod record;

mod chain;
mod execute;
mod folder;
mod options;

pub use chain::run;
pub use execute::{Call, execute};
pub use folder::{Draft, apart, make_output, may_write};
pub use options::{relocate, split_paths};
pub use record::{RunRecord, StageRecord, Status};
