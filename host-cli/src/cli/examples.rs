//! The examples at the end of each command's help.

pub const TOP: &str = "Examples:
  seedbed demo                          See all of it on embedded data, in two minutes
  seedbed init raw/ --out seedbed.toml  Write a recipe for a folder of samples
  seedbed run seedbed.toml              Run it; run it again, and only what changed is redone

Exit codes: 0 done, 1 failed, 2 usage, 3 done with samples set aside";

pub const REPORT: &str = "Examples:
  seedbed report seedbed-run            Write report.html and report.json into the run folder
  seedbed report seedbed-run --out www  Write them elsewhere";

pub const HASH: &str = "Examples:
  seedbed hash seedbed-collect         Print the hash: the same for any sharding
  seedbed hash seedbed-collect --json  The same as JSON";

pub const COMPLETIONS: &str = "Examples:
  seedbed completions bash > ~/.local/share/bash-completion/completions/seedbed
  seedbed completions fish > ~/.config/fish/completions/seedbed.fish";
