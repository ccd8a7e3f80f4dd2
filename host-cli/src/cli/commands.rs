//! The commands and what each calls.

use super::global::Global;
use super::{Done, Exit, definition, emit, examples};
use crate::dataset::{Dataset, content_hash};
use crate::error::Context;
use crate::report;
use clap::Subcommand;
use serde_json::json;
use std::io::{Write, stdout};
use std::path::PathBuf;

/// What seedbed can be asked to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the report of a run: one HTML page, and the same as JSON.
    #[command(after_help = examples::REPORT)]
    Report {
        /// The run folder.
        run: PathBuf,
    },
    /// Print a dataset's content hash: the same for any sharding, machine and number of threads.
    #[command(after_help = examples::HASH)]
    Hash {
        /// The dataset folder.
        dataset: PathBuf,
    },
    /// Print the script that completes seedbed's commands and flags in a shell.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Runs one command.
///
/// # Errors
/// What the command says.
pub fn run(command: &Command, global: &Global) -> Done {
    match command {
        Command::Report { run } => make_report(run, global),
        Command::Hash { dataset } => hash(dataset, global),
        Command::Completions { shell } => completions(*shell),
    }
}

fn make_report(run: &PathBuf, global: &Global) -> Done {
    global.context(0)?;
    let out = global.out.as_ref().unwrap_or(run);
    let (content, page) = report::make(run, out)?;
    if global.json {
        let samples = content.stages.first().map_or(0, |s| s.samples);
        let object =
            json!({"samples": samples, "set_aside": content.set_aside.len(), "out": out, "report": page});
        emit::line(&object.to_string())?;
    } else {
        emit::line(&page.display().to_string())?;
    }
    Ok(Exit::Done)
}

fn hash(folder: &PathBuf, global: &Global) -> Done {
    global.context(0)?;
    let samples = Dataset::open(folder)?.len();
    let hash = content_hash(folder)?;
    if global.json {
        emit::line(&json!({"samples": samples, "set_aside": 0, "out": folder, "hash": hash}).to_string())?;
    } else {
        emit::line(&hash)?;
    }
    Ok(Exit::Done)
}

fn completions(shell: clap_complete::Shell) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "seedbed", &mut script);
    let mut out = stdout().lock();
    out.write_all(&script).and_then(|()| out.flush()).at("standard output")?;
    Ok(Exit::Done)
}
