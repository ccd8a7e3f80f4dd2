//! Square root and fused multiply-add: correctly rounded by definition, so that an instruction and
//! a software form give the same bits. The only functions here that differ between targets.
#![allow(unsafe_code)]

/// √x, correctly rounded.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_mm_cvtss_f32, _mm_set_ss, _mm_sqrt_ss};
        #[target_feature(enable = "sse2")]
        #[inline]
        fn sqrtss(x: f32) -> f32 {
            _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)))
        }
        // SAFETY: SSE2 is part of x86-64.
        unsafe { sqrtss(x) }
    }
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    {
        use core::arch::aarch64::{vdup_n_f32, vget_lane_f32, vsqrt_f32};
        #[target_feature(enable = "neon")]
        #[inline]
        fn fsqrt(x: f32) -> f32 {
            vget_lane_f32::<0>(vsqrt_f32(vdup_n_f32(x)))
        }
        // SAFETY: the build has NEON.
        unsafe { fsqrt(x) }
    }
    #[cfg(all(target_arch = "arm", target_os = "none", target_abi = "eabihf"))]
    {
        let y: u32;
        // Operands go by core registers: the compiler takes single registers as operands only where the
        // unit has double precision too, which Cortex-M4F has not.
        // SAFETY: VSQRT.F32 is in every hardware-float bare-metal profile; registers only.
        unsafe {
            core::arch::asm!("vmov s0, {x}", "vsqrt.f32 s0, s0", "vmov {y}, s0",
                             x = in(reg) x.to_bits(), y = lateout(reg) y, out("s0") _,
                             options(pure, nomem, nostack));
        }
        f32::from_bits(y)
    }
    #[cfg(not(any(
        target_arch = "x86_64",
        all(target_arch = "aarch64", target_feature = "neon"),
        all(target_arch = "arm", target_os = "none", target_abi = "eabihf")
    )))]
    {
        libm::sqrtf(x)
    }
}

/// a·b + c, rounded once: the arithmetic of matrix products and of nothing else.
///
/// An instruction on aarch64, Cortex-M4F/M7 and RISC-V F; elsewhere in software, slower but the same bits.
/// Hardware-float bare-metal Arm is taken to have VFPv4: for the older unit of Cortex-A8, A9, R4 and R5 the
/// instruction does not assemble.
#[inline(always)]
pub fn fma(a: f32, b: f32, c: f32) -> f32 {
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    {
        use core::arch::aarch64::{vdup_n_f32, vfma_f32, vget_lane_f32};
        #[target_feature(enable = "neon")]
        #[inline]
        fn fmadd(a: f32, b: f32, c: f32) -> f32 {
            vget_lane_f32::<0>(vfma_f32(vdup_n_f32(c), vdup_n_f32(a), vdup_n_f32(b)))
        }
        // SAFETY: the build has NEON.
        unsafe { fmadd(a, b, c) }
    }
    #[cfg(all(target_arch = "arm", target_os = "none", target_abi = "eabihf"))]
    {
        let mut y = c.to_bits();
        // By core registers, as in `sqrt`.
        // SAFETY: VFMA.F32 is in FPv4-SP and FPv5, the units of Cortex-M4F and M7; registers only.
        unsafe {
            core::arch::asm!("vmov s0, {a}", "vmov s1, {b}", "vmov s2, {y}", "vfma.f32 s2, s0, s1",
                             "vmov {y}, s2", a = in(reg) a.to_bits(), b = in(reg) b.to_bits(),
                             y = inout(reg) y, out("s0") _, out("s1") _, out("s2") _,
                             options(pure, nomem, nostack));
        }
        f32::from_bits(y)
    }
    #[cfg(all(any(target_arch = "riscv32", target_arch = "riscv64"), target_feature = "f"))]
    {
        let y: f32;
        // SAFETY: FMADD.S is in the F extension, which the build has; registers only.
        unsafe {
            core::arch::asm!("fmadd.s {0}, {1}, {2}, {3}", out(freg) y, in(freg) a, in(freg) b, in(freg) c,
                             options(pure, nomem, nostack));
        }
        y
    }
    #[cfg(not(any(
        all(target_arch = "aarch64", target_feature = "neon"),
        all(target_arch = "arm", target_os = "none", target_abi = "eabihf"),
        all(any(target_arch = "riscv32", target_arch = "riscv64"), target_feature = "f")
    )))]
    {
        fma_soft(a, b, c)
    }
}

/// [`fma`] from double-precision operations, without a branch, so that it vectorises.
///
/// The product of two floats is exact in double precision. The sum is rounded to odd (Boldo,
/// Melquiond 2008): where it was inexact and its last bit is even, the bit towards the exact sum is
/// set, so that the last rounding, to single precision, is as if from the exact value.
#[inline(always)]
#[cfg_attr(
    any(
        all(target_arch = "aarch64", target_feature = "neon"),
        all(target_arch = "arm", target_os = "none", target_abi = "eabihf"),
        all(any(target_arch = "riscv32", target_arch = "riscv64"), target_feature = "f")
    ),
    allow(dead_code)
)]
pub(crate) fn fma_soft(a: f32, b: f32, c: f32) -> f32 {
    let p = a as f64 * b as f64;
    let c = c as f64;
    let s = p + c;
    // The exact error of the sum (Møller, Knuth).
    let from_c = s - p;
    let error = (p - (s - from_c)) + (c - from_c);
    let bits = s.to_bits();
    // One step towards the error where it points outwards (same sign as s), else one step inwards.
    let outwards = (error > 0.0) == (s > 0.0);
    let stepped = if outwards { bits.wrapping_add(1) } else { bits.wrapping_sub(1) };
    let inexact = error != 0.0 && bits & 1 == 0 && s - s == 0.0;
    f64::from_bits(if inexact { stepped } else { bits }) as f32
}
