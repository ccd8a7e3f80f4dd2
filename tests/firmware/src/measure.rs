//! What a piece of work costs: instructions, by SysTick under `-icount shift=0`, and stack, by paint.

use core::ptr::{addr_of, addr_of_mut, read_volatile, write_volatile};

const CONTROL: *mut u32 = 0xE000_E010 as *mut u32;
const RELOAD: *mut u32 = 0xE000_E014 as *mut u32;
const VALUE: *mut u32 = 0xE000_E018 as *mut u32;
/// On, from the processor's clock.
const RUN: u32 = 0b101;
/// The counter counts down 24 bits.
const TOP: u32 = 0x00FF_FFFF;
/// Instructions to a tick: the emulated processor has 25 MHz, and one instruction takes one nanosecond.
const PER_TICK: u64 = 40;

/// A counter of instructions, to `PER_TICK`, good for 671 million of them.
pub struct Clock {
    from: u32,
}

impl Clock {
    /// Begins to count.
    pub fn start() -> Self {
        // SAFETY: the three registers of SysTick, which nothing else here uses.
        unsafe {
            write_volatile(RELOAD, TOP);
            write_volatile(VALUE, 0);
            write_volatile(CONTROL, RUN);
            // The first tick loads the counter.
            while read_volatile(VALUE) == 0 {}
            Self { from: read_volatile(VALUE) }
        }
    }

    /// Instructions since then.
    pub fn instructions(&self) -> u64 {
        // SAFETY: as above.
        let now = unsafe { read_volatile(VALUE) };
        u64::from(self.from.wrapping_sub(now) & TOP) * PER_TICK
    }
}

unsafe extern "C" {
    static mut __stack_top: u8;
    static __code_end: u8;
}

/// Bytes of the image in flash: vectors, code and constants.
pub fn code_len() -> usize {
    addr_of!(__code_end) as usize
}

/// Bytes below the top that are painted.
const PAINTED: usize = 64 << 10;
const PAINT: u8 = 0xA5;
/// Left alone below the frame that paints.
const MARGIN: usize = 256;

/// Where the painted part begins.
fn bottom() -> *mut u8 {
    addr_of_mut!(__stack_top).wrapping_sub(PAINTED)
}

/// Where the stack is now.
fn here() -> usize {
    let at: usize;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mov {}, sp", out(reg) at) };
    at
}

/// The stack that calls take below the frame of who makes this.
pub struct Stack {
    top: usize,
}

impl Stack {
    /// Paints what the stack does not use yet.
    #[inline(never)]
    pub fn start() -> Self {
        let (bottom, top) = (bottom(), here());
        for i in 0..top - MARGIN - bottom as usize {
            // SAFETY: memory below the stack, which nothing uses.
            unsafe { write_volatile(bottom.wrapping_add(i), PAINT) };
        }
        Self { top }
    }

    /// Bytes down to the lowest that was written since then.
    #[inline(never)]
    pub fn used(&self) -> usize {
        let bottom = bottom();
        // SAFETY: as above; reading stops at what the stack uses.
        let clean =
            (0..PAINTED).take_while(|&i| unsafe { read_volatile(bottom.wrapping_add(i)) } == PAINT).count();
        self.top - (bottom as usize + clean)
    }
}
