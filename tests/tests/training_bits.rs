//! Models of full size are trained to the same bits at every SIMD level, on one thread and on two.
//!
//! Few steps, unless `SEEDBED_EXHAUSTIVE` is set. `SEEDBED_BLESS=1` writes the file of hashes, with all steps.

use seedbed::exec::{Executor, Serial};
use seedbed::nn::Engine;
use seedbed::{Level, Scratch};
use seedbed_cli::pool::Pool;
use seedbed_golden::{TRAINING, Trainer, Training};

/// Steps after which parameters are hashed. Without a fused multiply-add in the processor a step of the smallest model takes
/// a second.
const STEPS: [u64; 3] = [1, 3, 200];

/// The hashes of a run up to `most` steps, as lines of the file.
fn hashes<E: Executor>(on: Engine<'_, E>, threads: usize, training: Training, most: u64) -> Vec<String> {
    let mut memory = vec![0xa5; Trainer::memory_len(training, false, threads).unwrap()];
    let mut trainer = Trainer::new(training, false, threads, &mut Scratch::new(&mut memory)).unwrap();
    let mut lines = vec![];
    for step in 1..=most {
        trainer.step(on).unwrap();
        if STEPS.contains(&step) {
            lines.push(format!("{} {step} {:016x}", training.name(), trainer.hash()));
        }
    }
    lines
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[test]
fn levels_and_threads_change_no_bit() {
    let two = Pool::new(2).unwrap();
    if is_set("SEEDBED_BLESS") {
        let on = Engine { level: Level::detect(), exec: &Serial };
        let lines: Vec<_> =
            Training::ALL.into_iter().flat_map(|training| hashes(on, 1, training, 200)).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/training.txt");
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
        return;
    }
    let (exhaustive, last) = (is_set("SEEDBED_EXHAUSTIVE"), Level::detect());
    let check = |what: &str, lines: Vec<String>| {
        for line in lines {
            assert!(TRAINING.lines().any(|want| want == line), "{what}: {line}");
        }
    };
    for level in Level::available() {
        for training in Training::ALL {
            let base = level == Level::BASE;
            if base && training != Training::MlpVae {
                continue;
            }
            let few = if base { 1 } else { 3 };
            // The long runs differ in both from those that were hashed, which is enough to hold them to the same bits.
            let many = if exhaustive && level.name() == "avx2" { 200 } else { few };
            let alone = if exhaustive && level == last { 200 } else { few };
            let name = level.name();
            check(name, hashes(Engine { level, exec: &Serial }, 1, training, alone));
            check(&format!("{name}, two threads"), hashes(Engine { level, exec: &two }, 2, training, many));
        }
    }
}
