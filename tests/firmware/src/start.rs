//! From reset to `main` of a program, and what becomes of faults.

use crate::semihosting::{exit, say};
use core::cell::UnsafeCell;

// The vector table, then a reset handler that turns the floating-point unit on (CPACR, full access
// to CP10 and CP11) before any Rust code may touch it. `begin` is the program's.
core::arch::global_asm!(
    ".section .vectors, \"a\"",
    ".word __stack_top",
    ".word reset",
    ".rept 14",
    ".word fault",
    ".endr",
    ".text",
    ".thumb_func",
    ".global reset",
    "reset:",
    "ldr r0, =0xE000ED88",
    "ldr r1, [r0]",
    "orr r1, r1, #0xF00000",
    "str r1, [r0]",
    "dsb",
    "isb",
    "bl begin",
    "b .",
    ".thumb_func",
    "fault:",
    "bl on_fault",
    "b .",
);

#[unsafe(no_mangle)]
extern "C" fn on_fault() -> ! {
    say("processor fault\n");
    exit(3)
}

/// Memory that is lent once, in a static, so that its size shows in the image.
#[repr(align(64))]
pub struct Lent<const N: usize>(UnsafeCell<[u8; N]>);

// SAFETY: there is one thread and no interrupt handler that returns.
unsafe impl<const N: usize> Sync for Lent<N> {}

impl<const N: usize> Lent<N> {
    /// Memory of zeros.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(UnsafeCell::new([0; N]))
    }

    /// The memory.
    ///
    /// # Safety
    /// Called once.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn lend(&self) -> &mut [u8; N] {
        // SAFETY: nothing else refers to it, by the caller's promise.
        unsafe { &mut *self.0.get() }
    }
}
