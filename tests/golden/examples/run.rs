//! Runs the golden cases on a target with std: `qemu-aarch64 target/.../examples/run`.
//! Prints what differs, one line for each level, and exits with 1 where anything does.

use seedbed::{Level, Scratch};
use seedbed_golden::{CASES, MEMORY};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut memory = vec![0u8; MEMORY];
    let mut bad = 0;
    for level in Level::available() {
        let before = bad;
        for case in CASES {
            if let Err(differs) = case.check(level, &mut Scratch::new(&mut memory)) {
                println!("{}: {differs:x?}", case.name);
                bad += 1;
            }
        }
        let same = CASES.len() - (bad - before);
        println!("{} {}: {same} of {} golden hashes", std::env::consts::ARCH, level.name(), CASES.len());
    }
    ExitCode::from(u8::from(bad > 0))
}
