//! The flags that every command has, and what follows from them.

use crate::error::Result;
use crate::progress::Progress;
use crate::stages::Ctx;
use std::path::PathBuf;

/// The flags that every command has.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Where to write: a folder that is absent, empty, or a result of the same command.
    #[arg(long, short, global = true, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print one JSON object on stdout: samples, set_aside, out and the command's own figures.
    #[arg(long, global = true)]
    pub json: bool,
    /// The seed of all randomness: the same seed gives the same bytes [default: 0, or the recipe's].
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Threads to use, 0 for one per processor; never changes a result [default: 0].
    #[arg(long, short = 'j', global = true, value_name = "N")]
    pub threads: Option<usize>,
    /// Show no progress.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Stop at the first damaged sample, rather than setting it aside.
    #[arg(long, global = true)]
    pub strict: bool,
}

/// More threads than any machine gains from; a larger number is a slip of the finger.
const MAX_THREADS: usize = 1024;

impl Global {
    /// The context of the work, with `seed` where the user gave none.
    ///
    /// # Errors
    /// When the flags or the environment ask for what there is not.
    pub fn context(&self, seed: u64) -> Result<Ctx> {
        let threads = self.threads.unwrap_or(0);
        if threads > MAX_THREADS {
            return Err(crate::Error::usage(format!("{threads} threads are too many: --threads"))
                .hint(format!("at most {MAX_THREADS}; 0 takes one per processor")));
        }
        Ctx::new(self.seed.unwrap_or(seed), threads, Progress::detect(self.quiet), self.strict)
    }

    /// The folder to write to: `--out`, or `default`.
    pub fn out_or(&self, default: &str) -> PathBuf {
        self.out.clone().unwrap_or_else(|| default.into())
    }
}
