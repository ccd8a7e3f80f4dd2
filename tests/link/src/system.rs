//! What a libc would bring: the entry point, two system calls, and the memory functions that the compiler calls.

use core::arch::{asm, global_asm};

// The kernel gives a stack that is aligned to 16; a call keeps the alignment that functions expect.
global_asm!(".global _start", "_start:", "xor ebp, ebp", "call start", "ud2");

/// Writes `bytes` to the standard output.
pub(crate) fn write(bytes: &[u8]) {
    // SAFETY: system call 1 reads `bytes`, which are alive; the kernel changes rax, rcx and r11.
    unsafe {
        asm!("syscall", inlateout("rax") 1usize => _, in("rdi") 1usize, in("rsi") bytes.as_ptr(),
             in("rdx") bytes.len(), lateout("rcx") _, lateout("r11") _, options(nostack));
    }
}

/// Ends the program.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: system call 231 does not return.
    unsafe { asm!("syscall", in("rax") 231usize, in("rdi") code, options(noreturn, nostack)) }
}

/// Copies `n` bytes between places that do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(dst: *mut u8, src: *const u8, n: usize) -> *mut u8 {
    // SAFETY: the direction flag is clear; the caller promises both places.
    unsafe {
        asm!("rep movsb", inout("rcx") n => _, inout("rdi") dst => _, inout("rsi") src => _,
             options(nostack, preserves_flags));
    }
    dst
}

/// Copies `n` bytes between places that may overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(dst: *mut u8, src: *const u8, n: usize) -> *mut u8 {
    if (dst as usize).wrapping_sub(src as usize) >= n {
        // SAFETY: going forwards reads each byte before it is written over.
        return unsafe { memcpy(dst, src, n) };
    }
    // SAFETY: backwards from the last byte, for the same reason; the direction flag is clear again afterwards.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rcx") n => _, inout("rdi") dst.wrapping_add(n).wrapping_sub(1) => _,
             inout("rsi") src.wrapping_add(n).wrapping_sub(1) => _, options(nostack));
    }
    dst
}

/// Sets `n` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(dst: *mut u8, byte: i32, n: usize) -> *mut u8 {
    // SAFETY: the direction flag is clear; the caller promises the place.
    unsafe {
        asm!("rep stosb", inout("rcx") n => _, inout("rdi") dst => _, in("al") byte as u8,
             options(nostack, preserves_flags));
    }
    dst
}

/// Compares `n` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    for i in 0..n {
        // SAFETY: `i` is below `n`, and the caller promises `n` bytes.
        let (x, y) = unsafe { (a.add(i).read_volatile(), b.add(i).read_volatile()) };
        if x != y {
            return i32::from(x) - i32::from(y);
        }
    }
    0
}

/// Whether `n` bytes differ: what the compiler makes of comparisons whose order nobody asks for.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: passed on from the caller.
    unsafe { memcmp(a, b, n) }
}
