//! The stages: what happens to a dataset between the raw folder and the judged samples.
//!
//! Each stage is an options struct. Its fields are at the same time the keys of its recipe table
//! and the flags of its command, with their help in the doc comments and their defaults in
//! clap's `default_value_t`. A stage reads the dataset folder it is given and writes a complete
//! folder at another place; naming, caching and chaining are the runner's.

// Data in and out.
pub mod collect;
pub mod export;
pub mod inspect;

// Pictures and operations on them.
pub mod augment;
pub mod preprocess;
pub mod replay;

// Selection, balance, judgement.
pub mod balance;
pub mod evaluate;
pub mod label;
pub mod prune;

// Models.
pub mod convert;
pub mod generate;
pub mod train;

use crate::error::{Error, Result};
use crate::pool::Pool;
use crate::progress::{Progress, Show};
use seedbed::Level;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The environment variable that lowers the SIMD level (`base`, `avx2`, `avx512`).
pub const LEVEL_VARIABLE: &str = "SEEDBED_LEVEL";

/// What every stage works with.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// The seed of all randomness.
    pub seed: u64,
    /// The instruction set of the kernels; never changes a result.
    pub level: Level,
    /// The threads; never change a result.
    pub pool: Pool,
    /// How progress is shown.
    pub progress: Progress,
    /// Whether a damaged sample stops the work, rather than being set aside.
    pub strict: bool,
}

impl Ctx {
    /// A context with `threads` threads (0: one per processor), at the level that the processor and
    /// [`LEVEL_VARIABLE`] allow.
    ///
    /// # Errors
    /// When the variable names no level of this processor, or the threads cannot be started.
    pub fn new(seed: u64, threads: usize, progress: Progress, strict: bool) -> Result<Self> {
        let wanted = std::env::var_os(LEVEL_VARIABLE);
        let wanted = wanted.as_ref().map(|name| name.to_string_lossy());
        Ok(Self {
            seed,
            level: choose_level(wanted.as_deref())?,
            pool: Pool::new(threads)?,
            progress,
            strict,
        })
    }

    /// A context that shows nothing, on one thread, for tests and for callers with no terminal.
    pub fn quiet(seed: u64) -> Self {
        Self {
            seed,
            level: Level::detect(),
            pool: Pool::single(),
            progress: Show::Quiet.into(),
            strict: false,
        }
    }
}

/// The level of this name, or the best one.
fn choose_level(wanted: Option<&str>) -> Result<Level> {
    match wanted {
        None | Some("") => Ok(Level::detect()),
        Some(name) => Level::available().find(|level| level.name() == name).ok_or_else(|| {
            let names: Vec<_> = Level::available().map(Level::name).collect();
            Error::usage(format!("this processor has no SIMD level `{name}`: {LEVEL_VARIABLE}"))
                .hint(format!("one of {}", names.join(", ")))
        }),
    }
}

/// What a stage did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Samples in the folder that the stage wrote.
    pub samples: u64,
    /// Samples that could not be used and are listed in `set_aside.jsonl`.
    pub set_aside: u64,
    /// The stage's own figures, by name.
    pub figures: Map<String, Value>,
}

impl Outcome {
    /// An outcome of `samples` samples with no figures yet.
    pub fn new(samples: u64) -> Self {
        Self { samples, ..Self::default() }
    }

    /// The same with `set_aside` samples set aside.
    #[must_use]
    pub fn set_aside(self, set_aside: u64) -> Self {
        Self { set_aside, ..self }
    }

    /// The same with one more figure; a value that JSON cannot hold (NaN) becomes null.
    #[must_use]
    pub fn figure(mut self, name: &str, value: impl Serialize) -> Self {
        self.figures.insert(name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }
}

/// One stage with its options.
pub trait Stage: Sync {
    /// Checks the options as far as they can be without an input; a run checks all its stages before the
    /// first one works.
    ///
    /// # Errors
    /// A usage error that names the key for an option out of range.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Whether the input is a raw source, any file of which may matter, rather than a dataset.
    fn reads_raw(&self) -> bool {
        false
    }

    /// What is read beside the input and the options that are paths: a role and a path each. A role that is
    /// called after an option stands for it: the content counts then, not the option's text.
    ///
    /// # Errors
    /// When the input cannot be looked at.
    fn also(&self, _input: &Path) -> Result<Vec<(String, PathBuf)>> {
        Ok(Vec::new())
    }

    /// Reads the dataset folder `input` and writes a complete folder at `out`, which does not exist
    /// yet and which the caller renames once it is whole. Options are checked before any work.
    ///
    /// # Errors
    /// A usage error that names the key for an option out of range; otherwise what went wrong and
    /// where.
    fn run(&self, ctx: &Ctx, input: &Path, out: &Path) -> Result<Outcome>;
}

/// Where a stage that writes the folder `out` may keep a file to go on from after it was killed: beside the folder,
/// which is then lost. Whoever gives the folder its final name removes the file.
pub fn kept_beside(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_os_string();
    name.push(".checkpoint");
    out.with_file_name(name)
}

/// The options that a command gets when no flag is given; see [`defaults!`](crate::defaults).
///
/// # Panics
/// When an option has neither a default nor an `Option` type; the tests of each stage show that
/// this does not happen.
pub fn from_no_arguments<T: clap::Args>() -> T {
    let command = T::augment_args(clap::Command::new("defaults").no_binary_name(true));
    let matches = command.try_get_matches_from(std::iter::empty::<&str>());
    matches.and_then(|m| T::from_arg_matches(&m)).expect("every option of a stage has a default")
}

/// Implements `Default` for an options struct by clap's defaults, so that a recipe table and a
/// command line without flags mean the same.
///
/// ```
/// #[derive(Debug, clap::Args)]
/// struct BlurOptions {
///     /// Radius in pixels.
///     #[arg(long, default_value_t = 1.5)]
///     radius: f32,
/// }
/// seedbed_cli::defaults!(BlurOptions);
/// assert_eq!(BlurOptions::default().radius, 1.5);
/// ```
#[macro_export]
macro_rules! defaults {
    ($options:ty) => {
        impl Default for $options {
            fn default() -> Self {
                $crate::stages::from_no_arguments()
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
    #[serde(default, deny_unknown_fields)]
    struct ThingOptions {
        /// How many.
        #[arg(long, default_value_t = 3)]
        copies: u32,
        /// Named things.
        #[arg(long, value_delimiter = ',', default_value = "a,b")]
        names: Vec<String>,
        /// Perhaps.
        #[arg(long)]
        limit: Option<f32>,
    }
    defaults!(ThingOptions);

    #[test]
    fn a_recipe_table_and_a_command_line_have_the_same_defaults() {
        let from_toml: ThingOptions = toml::from_str("copies = 9").unwrap();
        assert_eq!(from_toml, ThingOptions { copies: 9, ..ThingOptions::default() });
        assert_eq!(from_toml.names, ["a", "b"]);
        assert!(toml::from_str::<ThingOptions>("copy = 9").is_err());
    }

    #[test]
    fn levels_are_chosen_by_name() {
        assert_eq!(choose_level(None).unwrap(), Level::detect());
        assert_eq!(choose_level(Some("base")).unwrap(), Level::BASE);
        let e = choose_level(Some("sse9")).unwrap_err();
        assert!(e.exit_code() == 2 && e.message.contains(LEVEL_VARIABLE), "{e}");
    }

    #[test]
    fn figures_that_are_not_finite_become_null() {
        let outcome = Outcome::new(4).set_aside(1).figure("loss", f64::NAN).figure("rows", 4);
        assert_eq!(outcome.figures["loss"], Value::Null);
        assert_eq!((outcome.samples, outcome.set_aside), (4, 1));
    }
}
