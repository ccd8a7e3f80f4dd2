//! Bare-metal runner of the golden cases for qemu-system-arm (mps2-an386, mps2-an500). It prints and
//! exits through semihosting; `tests/cross/run.sh` builds and starts it.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this program is for a bare-metal target: see tests/cross/run.sh");
}

#[cfg(target_os = "none")]
mod semihosting;

#[cfg(target_os = "none")]
mod bare {
    use crate::semihosting::{Console, exit};
    use core::cell::UnsafeCell;
    use core::fmt::Write;
    use seedbed::{Level, Scratch};
    use seedbed_golden::{CASES, MEMORY};

    // The vector table, then a reset handler that turns the floating-point unit on (CPACR, full access
    // to CP10 and CP11) before any Rust code may touch it.
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
        "bl start",
        "b .",
        ".thumb_func",
        "fault:",
        "bl on_fault",
        "b .",
    );

    /// The memory lent to the cases.
    struct Lent(UnsafeCell<[u8; MEMORY]>);
    // SAFETY: there is one thread and no interrupt handler that returns.
    unsafe impl Sync for Lent {}
    static LENT: Lent = Lent(UnsafeCell::new([0; MEMORY]));

    #[unsafe(no_mangle)]
    extern "C" fn start() -> ! {
        // SAFETY: `start` runs once, and nothing else refers to `LENT`.
        let memory = unsafe { &mut *LENT.0.get() };
        let level = Level::detect();
        let mut bad = 0usize;
        for case in CASES {
            if let Err(differs) = case.check(level, &mut Scratch::new(memory)) {
                bad += 1;
                let _ = writeln!(Console, "{}: {differs:x?}", case.name);
            }
        }
        let (n, name) = (CASES.len(), level.name());
        let _ = writeln!(Console, "bare-metal {name}: {} of {n} golden hashes", n - bad);
        exit(usize::from(bad > 0))
    }

    #[unsafe(no_mangle)]
    extern "C" fn on_fault() -> ! {
        let _ = writeln!(Console, "processor fault");
        exit(3)
    }

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
        let _ = writeln!(Console, "{info}");
        exit(101)
    }
}
