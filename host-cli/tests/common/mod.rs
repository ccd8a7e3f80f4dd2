//! Running the command in a folder of its own, and finding the real data.

// Not every test uses all of it.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub fn seedbed(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    command.current_dir(dir).env_remove("SEEDBED_LEVEL");
    command
}

pub fn run(dir: &Path, words: &[&str]) -> Output {
    seedbed(dir).args(words).output().unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A table of two classes; row 7 is damaged.
pub fn table(dir: &Path) {
    let rows: String =
        (0..60)
            .map(|i| {
                if i == 7 { "x,,a\n".into() } else { format!("{},{},{}\n", i, i * 7 % 11, ["a", "b"][i % 2]) }
            })
            .collect();
    fs::write(dir.join("t.csv"), format!("x,y,label\n{rows}")).unwrap();
}

/// The folder or file `name` of the real data, or `None` with a printed reason.
pub fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let root = std::env::var_os("SEEDBED_DATA").map_or(beside, PathBuf::from);
    let path = root.join(name);
    if !path.exists() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{} is not there", path.display());
        println!("skip: {} is not there", path.display());
    }
    path.exists().then_some(path)
}
