//! What an x86-64 processor has, without std: CPUID for the instructions, XCR0 for the registers
//! that the operating system saves.
#![allow(unsafe_code)]

use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

/// (AVX2 with FMA, AVX-512 F + BW + DQ + VL besides).
pub(super) fn probe() -> (bool, bool) {
    if __cpuid(0).eax < 7 {
        return (false, false);
    }
    let leaf1 = __cpuid(1).ecx;
    let has1 = |n: u32| leaf1 >> n & 1 == 1;
    let (fma, osxsave, avx) = (has1(12), has1(27), has1(28));
    if !(fma && osxsave && avx) {
        return (false, false);
    }
    #[target_feature(enable = "xsave")]
    fn xcr0() -> u64 {
        // SAFETY: XCR0 exists where OSXSAVE is set, which the caller checked.
        unsafe { _xgetbv(0) }
    }
    // SAFETY: OSXSAVE is set, so XGETBV is there and enabled.
    let saved = unsafe { xcr0() };
    let leaf7 = __cpuid_count(7, 0).ebx;
    let has7 = |n: u32| leaf7 >> n & 1 == 1;
    let avx2 = saved & 0b110 == 0b110 && has7(5);
    let avx512 = avx2 && saved & 0xe0 == 0xe0 && has7(16) && has7(17) && has7(30) && has7(31);
    (avx2, avx512)
}
