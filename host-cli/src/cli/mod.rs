//! The `seedbed` command: flags in, a call of the library, exit code out.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 done with
//! samples set aside. A reader of stdout that goes away ends the command quietly with 0.

mod commands;
mod emit;
mod examples;
mod global;
mod look;
mod model;
mod work;

pub use global::Global;

use crate::error::{Kind, Result};
use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is done: 0.
    Done,
    /// All is done but for samples that were set aside: 3.
    SetAside,
    /// Something is not as it was recorded, or two things differ: 1.
    Different,
}

impl Exit {
    /// [`Exit::SetAside`] when `set_aside` samples were.
    pub const fn after(set_aside: u64) -> Self {
        if set_aside > 0 { Self::SetAside } else { Self::Done }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SetAside => 3,
            Self::Different => 1,
        }
    }
}

/// From a raw folder to a judged synthetic dataset.
///
/// seedbed reads raw samples, cleans, balances and augments them, trains a small VAE or GAN on them,
/// draws new samples, judges them, and reports what was done and why. The same seed gives the same
/// bytes on every machine and with any number of threads.
#[derive(Debug, Parser)]
#[command(name = "seedbed", version, max_term_width = 100, after_help = examples::TOP, subcommand_required = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: commands::Command,
}

/// The whole command: parses the process's arguments, works, prints, and gives the exit code.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os()))
}

/// The same for given arguments, the first of which is the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let mut cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => return refuse(&e),
    };
    match cli.global.open().and_then(|()| commands::run(&cli.command, &cli.global)) {
        Ok(exit) => exit.code(),
        Err(e) => {
            if e.kind != Kind::Closed {
                cli.global.fail(&e);
            }
            e.exit_code()
        }
    }
}

/// Prints help, version, or what is wrong with the arguments.
fn refuse(e: &clap::Error) -> u8 {
    // clap ends its words with `For more information, try '--help'.`, and its tips say the rest.
    let text = e.render();
    let _ = if e.use_stderr() {
        write!(stderr(), "{text}")
    } else {
        write!(stdout(), "{text}").and_then(|()| stdout().flush())
    };
    u8::try_from(e.exit_code()).unwrap_or(2)
}

/// The command as clap knows it, for completions and for tests.
fn definition() -> clap::Command {
    Cli::command()
}

/// Shorthand of the commands.
type Done = Result<Exit>;

#[cfg(test)]
mod tests {
    use super::*;

    fn run_words(words: &str) -> u8 {
        run(words.split_whitespace().map(Into::into))
    }

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_examples() {
        for command in definition().get_subcommands() {
            let name = command.get_name();
            let help = command.clone().render_long_help().to_string();
            assert!(
                help.contains("Examples:") && help.contains(&format!("seedbed {name}")),
                "{name}: {help}"
            );
            assert!(command.get_about().is_some(), "{name}");
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some() || arg.is_hide_set(), "{name} {}", arg.get_id());
            }
        }
    }

    #[test]
    fn usage_errors_are_2_and_help_is_0() {
        assert_eq!(run_words("seedbed"), 2);
        assert_eq!(run_words("seedbed colect"), 2);
        assert_eq!(run_words("seedbed hash"), 2);
        assert_eq!(run_words("seedbed --help"), 0);
        assert_eq!(run_words("seedbed hash --help"), 0);
        assert_eq!(run_words("seedbed hash /no/such/folder"), 2);
        assert_eq!(run_words("seedbed report /no/such/folder"), 2);
        assert_eq!(run_words("seedbed hash . --threads 99999999"), 2);
    }
}
