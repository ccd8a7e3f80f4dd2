//! The `seedbed` command.

fn main() -> std::process::ExitCode {
    seedbed_cli::cli::main()
}
