//! The three calls of Arm semihosting that the runner needs.

use core::fmt;

const SYS_WRITE0: usize = 0x04;
const SYS_EXIT_EXTENDED: usize = 0x20;
const ADP_STOPPED_APPLICATION_EXIT: usize = 0x20026;

/// One call.
///
/// # Safety
/// `arg` must be what the operation `op` asks for.
unsafe fn call(op: usize, arg: usize) -> usize {
    let ret;
    // SAFETY: BKPT 0xAB is the M-profile semihosting trap; `arg` by the caller's promise.
    unsafe {
        core::arch::asm!("bkpt #0xab", inlateout("r0") op => ret, in("r1") arg);
    }
    ret
}

/// Writes to the terminal of the machine that emulates this one.
pub(crate) struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for part in s.as_bytes().chunks(63) {
            let mut z = [0u8; 64];
            for (to, from) in z.iter_mut().zip(part) {
                *to = *from;
            }
            // SAFETY: SYS_WRITE0 reads the NUL-terminated text `z`, alive here.
            unsafe { call(SYS_WRITE0, z.as_ptr() as usize) };
        }
        Ok(())
    }
}

/// Ends the emulation with an exit code.
pub(crate) fn exit(code: usize) -> ! {
    let block = [ADP_STOPPED_APPLICATION_EXIT, code];
    // SAFETY: SYS_EXIT_EXTENDED reads the two words of `block`, alive here.
    unsafe { call(SYS_EXIT_EXTENDED, block.as_ptr() as usize) };
    loop {
        core::hint::spin_loop();
    }
}
