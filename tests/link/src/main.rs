//! A pipeline from bytes, on a small image, with nothing but the core: no std, no allocator, no libc.
//!
//! It prints the hash of the golden case `augment/pipeline` at the best level of the processor. It is for
//! x86-64 Linux, whose two system calls it makes itself; see `run.sh`.
#![no_std]
#![no_main]

mod system;

use seedbed::{Level, Scratch};
use seedbed_golden::{Case, PIPELINE_MEMORY, pipeline_from_bytes};

/// The program: 0, or the number of the error.
fn run(memory: &mut [u8]) -> i32 {
    let case = Case { name: "augment/pipeline", run: pipeline_from_bytes };
    #[cfg(feature = "plant")]
    system::write(&[memory[core::hint::black_box(0)]]);
    match (case.run)(Level::detect(), &mut Scratch::new(memory)) {
        Ok(hash) => {
            let mut line = *b"0000000000000000\n";
            for (i, digit) in line.iter_mut().take(16).enumerate() {
                let nibble = (hash >> (60 - 4 * i) & 15) as u8;
                *digit = if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
            }
            system::write(&line);
            0
        }
        Err(error) => error.code(),
    }
}

/// What the entry point calls, on a stack of the kernel's.
#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    let mut memory = [0u8; PIPELINE_MEMORY];
    system::exit(run(&mut memory))
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    system::exit(101)
}
