//! What an x86-64 processor has, without std: CPUID for the instructions, XCR0 for the registers
//! that the operating system saves.
#![allow(unsafe_code)]

use super::Isa;
use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

/// The highest of the instruction sets.
pub(super) fn probe() -> Isa {
    if __cpuid(0).eax < 7 {
        return Isa::Base;
    }
    let leaf1 = __cpuid(1).ecx;
    let has1 = |n: u32| leaf1 >> n & 1 == 1;
    let (fma, osxsave, avx) = (has1(12), has1(27), has1(28));
    if !(fma && osxsave && avx) {
        return Isa::Base;
    }
    #[target_feature(enable = "xsave")]
    fn xcr0() -> u64 {
        // SAFETY: XCR0 exists where OSXSAVE is set, which the caller checked.
        unsafe { _xgetbv(0) }
    }
    // SAFETY: OSXSAVE is set, so XGETBV is there and enabled.
    let saved = unsafe { xcr0() };
    let leaf7 = __cpuid_count(7, 0);
    let has_all = |register: u32, bits: &[u32]| bits.iter().all(|n| register >> n & 1 == 1);
    // AVX2; AVX-512 F, DQ, BW, VL; VBMI, VNNI.
    let avx2 = saved & 0b110 == 0b110 && has_all(leaf7.ebx, &[5]);
    let avx512 = avx2 && saved & 0xe0 == 0xe0 && has_all(leaf7.ebx, &[16, 17, 30, 31]);
    match (avx2, avx512, has_all(leaf7.ecx, &[1, 11])) {
        (true, true, true) => Isa::Avx512Vbmi,
        (true, true, false) => Isa::Avx512,
        (true, false, _) => Isa::Avx2,
        (false, ..) => Isa::Base,
    }
}
