//! Arm semihosting: words to the terminal of the machine that emulates this one, and the end.

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

/// Writes text.
pub fn say(s: &str) {
    for part in s.as_bytes().chunks(63) {
        let mut z = [0u8; 64];
        for (to, from) in z.iter_mut().zip(part) {
            *to = *from;
        }
        // SAFETY: SYS_WRITE0 reads the NUL-terminated text `z`, alive here.
        unsafe { call(SYS_WRITE0, z.as_ptr() as usize) };
    }
}

/// Writes a number in decimal, without the formatting of `core`, which would be most of a small image.
pub fn say_number(mut n: u64) {
    let mut text = [0u8; 20];
    let mut used = 0;
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (n % 10) as u8;
        n /= 10;
        used += 1;
        if n == 0 {
            break;
        }
    }
    let digits = text.get(text.len() - used..).unwrap_or(&[]);
    say(core::str::from_utf8(digits).unwrap_or(""));
}

/// The same for formatted text.
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        say(s);
        Ok(())
    }
}

/// Ends the emulation with an exit code.
pub fn exit(code: usize) -> ! {
    let block = [ADP_STOPPED_APPLICATION_EXIT, code];
    // SAFETY: SYS_EXIT_EXTENDED reads the two words of `block`, alive here.
    unsafe { call(SYS_EXIT_EXTENDED, block.as_ptr() as usize) };
    loop {
        core::hint::spin_loop();
    }
}
