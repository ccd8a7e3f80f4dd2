//! The flags that every command has, and what follows from them.

use crate::error::{Context, Error, Result};
use crate::progress::{Output, Progress, Show, Sink};
use crate::stages::Ctx;
use std::io::{Write, stderr};
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
    /// Append what happens to this file, one JSON object a line; `-` writes it to stderr, and nothing else.
    #[arg(long, global = true, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Stop at the first damaged sample, rather than setting it aside.
    #[arg(long, global = true)]
    pub strict: bool,
    /// Who is told of progress, from [`Global::open`].
    #[arg(skip)]
    pub(super) progress: Option<Progress>,
}

/// More threads than any machine gains from; a larger number is a slip of the finger.
const MAX_THREADS: usize = 1024;

impl Global {
    /// Opens what `--events` names.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(&mut self) -> Result<()> {
        let progress = match &self.events {
            None => Progress::detect(self.quiet),
            Some(path) if path.as_os_str() == "-" => {
                Progress::from(Show::Nothing).and(Sink::Events(Output::Stderr))
            }
            Some(path) => Progress::detect(self.quiet).and(Sink::Events(Output::append(path).at(path)?)),
        };
        self.progress = Some(progress);
        Ok(())
    }

    /// Tells that the command stops, and why.
    pub fn fail(&self, e: &Error) {
        self.progress.iter().for_each(|progress| progress.tell(e.into()));
        if self.events.as_deref() != Some("-".as_ref()) || self.progress.is_none() {
            let _ = writeln!(stderr(), "{e}");
        }
    }

    /// The context of the work, with `seed` where the user gave none.
    ///
    /// # Errors
    /// When the flags or the environment ask for what there is not.
    pub fn context(&self, seed: u64) -> Result<Ctx> {
        let threads = self.threads.unwrap_or(0);
        if threads > MAX_THREADS {
            return Err(Error::usage(format!("{threads} threads are too many: --threads"))
                .hint(format!("at most {MAX_THREADS}; 0 takes one per processor")));
        }
        let progress = self.progress.clone().unwrap_or_else(|| Progress::detect(self.quiet));
        Ctx::new(self.seed.unwrap_or(seed), threads, progress, self.strict)
    }

    /// The folder to write to: `--out`, or `default`.
    pub fn out_or(&self, default: &str) -> PathBuf {
        self.out.clone().unwrap_or_else(|| default.into())
    }
}
