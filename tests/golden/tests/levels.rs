//! Every case at every level of this processor against the golden file.

use seedbed::{Level, Scratch};
use seedbed_golden::{CASES, HASHES, MEMORY, PIPELINE, sample_pipeline};
use std::fmt::Write;

/// The levels of all processors of this kind.
const NAMES: &[&str] = if cfg!(target_arch = "x86_64") { &["base", "avx2", "avx512"] } else { &["base"] };

/// Is the golden file to be rewritten?
fn bless() -> bool {
    std::env::var_os("SEEDBED_BLESS").is_some_and(|v| v == "1")
}

/// The hash of each case at `level`, in memory full of `rubbish`, as the golden file writes them.
fn hashes(level: Level, rubbish: u8) -> String {
    let mut memory = vec![rubbish; MEMORY];
    CASES.iter().fold(String::new(), |mut text, case| {
        let hash = (case.run)(level, &mut Scratch::new(&mut memory));
        let hash = hash.unwrap_or_else(|e| panic!("{} at {}: {e}", case.name, level.name()));
        writeln!(text, "{} {hash:016x}", case.name).unwrap();
        text
    })
}

#[test]
fn every_level_gives_the_golden_hashes() {
    if bless() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/hashes.txt");
        std::fs::write(path, hashes(Level::BASE, 0)).unwrap();
        println!("wrote {path}; build again to check against it");
        return;
    }
    let here: Vec<_> = Level::available().map(Level::name).collect();
    println!("levels: {}", here.join(" "));
    for name in NAMES.iter().filter(|name| !here.contains(name)) {
        println!("skip: golden hashes at {name}, which this processor does not have");
    }
    for level in Level::available() {
        // What the scratch memory held before must not show.
        for rubbish in [0, 0xa5] {
            let got = hashes(level, rubbish);
            let differing: Vec<_> =
                got.lines().filter(|line| !HASHES.lines().any(|want| want == *line)).collect();
            assert!(differing.is_empty(), "at {} (memory {rubbish:#x}): {differing:?}", level.name());
            assert_eq!(got.lines().count(), HASHES.lines().count(), "hashes.txt names a case that is gone");
        }
    }
}

#[test]
fn the_pipeline_has_its_golden_bytes() {
    let mut bytes = [0; 1024];
    let len = sample_pipeline().unwrap().to_bytes(&mut bytes).unwrap();
    if bless() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/pipeline.bin"), &bytes[..len]).unwrap();
        return;
    }
    assert_eq!(&bytes[..len], PIPELINE);
}
