//! The host library behind the `seedbed` command.
