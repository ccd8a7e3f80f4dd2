//! The C ABI: checked pointers in, status codes out, nothing unwinds, no global state.
//!
//! What a C programmer reads is `include/seedbed.h`, which is generated from this crate; the comments
//! on public items are therefore written for C readers. Conventions that hold for all functions stand
//! once, at the top of the header (`include/conventions.txt`). Pointers become slices in `memory` only.
#![no_std]
#![allow(
    // The functions of a C ABI; each unsafe block says what it rests on.
    unsafe_code,
    // Names are C's.
    non_camel_case_types,
    // What a caller must keep to stands once, in the conventions of the header.
    clippy::missing_safety_doc
)]
#![cfg_attr(test, allow(clippy::multiple_unsafe_ops_per_block))]
#![deny(improper_ctypes_definitions)]

#[cfg(test)]
extern crate std;

mod memory;
mod pipeline;
mod status;
mod stream;

pub use pipeline::*;
pub use status::*;
pub use stream::*;

/// Never reached: `no_panic.sh` checks that the library holds no path to a panic.
#[cfg(all(feature = "panic-handler", not(test)))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn abort() -> !;
    }
    abort()
}
