//! The runner: stages are run once, written whole, and kept while nothing they depend on changes.
//!
//! A stage's key is the hash of its name, options, seed and the content of what it reads. Its folder
//! holds the key in `stage.json`; a second run with the same key takes the folder as it is, if it is still
//! whole. A folder is written under a temporary name and renamed when it is whole, so that a killed run
//! leaves nothing half done, and goes on where it was when it is started again. What seedbed did not write
//! is neither deleted nor overwritten.

pub mod key;
pub mod record;

mod chain;
mod diff;
mod execute;
mod files;
mod folder;
mod lock;
mod options;
mod status;
mod verify;

pub use chain::{Ran, run};
pub use diff::{StageDiff, diff};
pub use execute::{Call, execute};
pub use files::RECORD_BYTES;
pub use folder::{Draft, RunFolder, apart, make_output, may_write, outside};
pub use options::{moved, relocate, split_paths};
pub use record::{RunRecord, StageRecord, Status, stage_of};
pub use status::{Life, RunStatus, StageState, StageStatus, status};
pub use verify::{Verified, verify};
