//! What programs for a bare Cortex-M need to start, to speak to the machine that emulates it (mps2-an386, mps2-an500
//! under qemu-system-arm), and to count what they cost. `tests/cross/run.sh` builds and starts them.
#![no_std]
#![cfg(target_os = "none")]

mod measure;
mod semihosting;
mod start;

pub use measure::{Clock, Stack, code_len};
pub use semihosting::{Console, exit, say, say_number};
pub use start::Lent;
