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
            let got = (case.run)(level, &mut Scratch::new(&mut memory));
            if got.ok() != case.expected() || got.is_err() {
                println!("differs: {} gives {got:x?}, not {:x?}", case.name, case.expected());
                bad += 1;
            }
        }
        let same = CASES.len() - (bad - before);
        println!("{} {}: {same} of {} golden hashes", std::env::consts::ARCH, level.name(), CASES.len());
    }
    ExitCode::from(u8::from(bad > 0))
}
