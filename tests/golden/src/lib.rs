//! The golden hashes: the exact bits of every operation's output, the same on every target.
//!
//! A [`Case`] runs operations on fixed input and folds the bits of what they give into one number.
//! `hashes.txt` beside this crate holds the number that each case must give. The cases need no
//! std and no allocator, so that the same code is checked on the host at every SIMD level (the test of
//! this crate), on aarch64 (`examples/run.rs`) and on a Cortex-M4F without an operating system
//! (`tests/firmware`).
//!
//! `SEEDBED_BLESS=1 cargo test -p seedbed-golden` rewrites the file. Do that only where an operation is
//! meant to give other bits than before: it breaks "same seed, same bytes" between versions.
#![no_std]

mod cases;
mod digest;
mod training;

use seedbed::{Level, Result, Scratch};

pub use cases::{CASES, PIPELINE_MEMORY, pipeline_from_bytes, sample_pipeline};
pub use digest::Digest;
pub use training::{Trainer, Training};

/// Bytes of memory that is enough for every case.
pub const MEMORY: usize = 512 * 1024;

/// The golden file: one line `name hash` for each case.
pub const HASHES: &str = include_str!("../hashes.txt");

/// The hashes of full-size training: one line `name steps hash` for each.
pub const TRAINING: &str = include_str!("../training.txt");

/// The bytes of [`sample_pipeline`], as a device or a C program would be given them.
pub const PIPELINE: &[u8] = include_bytes!("../pipeline.bin");

/// One named group of operations.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// `module/operation`, unique.
    pub name: &'static str,
    /// Runs the operations at a level, in memory lent, and gives the hash of all output bits.
    pub run: fn(Level, &mut Scratch<'_>) -> Result<u64>,
}

/// What a case gives where that is not what the golden file says.
#[derive(Clone, Copy, Debug)]
pub struct Differs {
    /// What it gives.
    pub got: Result<u64>,
    /// What it must give; `None` where the file does not name it.
    pub wanted: Option<u64>,
}

impl Case {
    /// Runs the case and holds what it gives against the golden file.
    ///
    /// # Errors
    /// Where the two differ.
    pub fn check(&self, level: Level, scratch: &mut Scratch<'_>) -> Result<(), Differs> {
        let (got, wanted) = ((self.run)(level, scratch), self.expected());
        if got.is_ok() && got.ok() == wanted { Ok(()) } else { Err(Differs { got, wanted }) }
    }

    /// What the golden file says that this case must give; `None` where it does not name it.
    pub fn expected(&self) -> Option<u64> {
        HASHES.lines().find_map(|line| {
            let (name, hash) = line.split_once(' ')?;
            if name == self.name { u64::from_str_radix(hash, 16).ok() } else { None }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{CASES, PIPELINE};

    /// The fuzzer starts from the pipeline of today, not from one that is no longer read.
    #[test]
    fn the_fuzzer_has_this_pipeline() {
        assert_eq!(PIPELINE, include_bytes!("../../../fuzz/seeds/pipeline/all.bin"));
    }

    #[test]
    fn names_are_unique() {
        for (i, case) in CASES.iter().enumerate() {
            assert!(CASES.iter().skip(i + 1).all(|other| other.name != case.name), "{}", case.name);
        }
    }
}
