//! The `Level` token and the macro that compiles one kernel body per instruction set.
//!
//! A kernel is one safe, `#[inline(always)]` body over sixteen lanes. `kernel!` makes copies of it
//! for the instruction sets of the target and chooses by a [`Level`] that the caller carries. Every
//! level gives the same bits, because the order of the operations is written down in the body, and
//! Rust neither reorders nor fuses them. Kernels themselves live with their operations.

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod probe;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

/// Lanes that every kernel computes in, whatever the processor has.
pub const LANES: usize = 16;

/// Whether the target has vectors at all; where not, lanes are loops, and blocks of them copies to and fro.
pub(crate) const VECTORS: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// An instruction set that is known to be there.
///
/// Only [`Level::detect`] and [`Level::available`] make the ones above [`Level::BASE`]: holding one is
/// the proof that its instructions may be used. Detection costs some 15 µs under a hypervisor, so it is
/// done once and the token is carried in plans, pipelines and models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Level(pub(crate) Isa);

/// The instruction sets; see [`Level`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(hidden)]
pub enum Isa {
    /// What the target was compiled for: SSE2 on x86-64, NEON on aarch64, plain loops on Cortex-M.
    Base,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, BW, DQ and VL besides.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX-512 VBMI and VNNI besides, as Ice Lake and Zen 4 have them.
    #[cfg(target_arch = "x86_64")]
    Avx512Vbmi,
}

impl Level {
    /// What this build was compiled for; always there.
    pub const BASE: Level = Level(Isa::Base);

    /// The best level of this processor.
    pub fn detect() -> Level {
        Self::available().last().unwrap_or(Self::BASE)
    }

    /// Every level of this processor, lowest first: for tests, benches and a user's choice by name.
    pub fn available() -> impl Iterator<Item = Level> {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        let found = probe::probe();
        [
            Some(Self::BASE),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            (found >= Isa::Avx2).then_some(Level(Isa::Avx2)),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            (found >= Isa::Avx512).then_some(Level(Isa::Avx512)),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            (found >= Isa::Avx512Vbmi).then_some(Level(Isa::Avx512Vbmi)),
        ]
        .into_iter()
        .flatten()
    }

    /// `base`, `avx2`, `avx512` or `avx512vbmi`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Isa::Base => "base",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vbmi => "avx512vbmi",
        }
    }
}

/// Compiles a body once per instruction set and dispatches on the [`Level`] that comes first.
///
/// `kernel! { pub fn dot(a: &[f32], b: &[f32]) -> f32 = dot_body; }` makes `dot(level, a, b)`. The body
/// must be `#[inline(always)]`, or it is compiled for the base level only. AVX-512 runs the AVX2 copy
/// unless `with avx512` follows the body, which a recorded benchmark must justify.
macro_rules! kernel {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:path;) => {
        $(#[$doc])*
        #[inline]
        #[allow(unsafe_code)]
        $vis fn $name(level: $crate::simd::Level, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $ty),*) $(-> $ret)? { $body($($arg),*) }
            match level.0 {
                $crate::simd::Isa::Base => $body($($arg),*),
                // SAFETY: a `Level` above the base is only made after `probe` found AVX2 and FMA.
                #[cfg(target_arch = "x86_64")]
                _ => unsafe { avx2($($arg),*) },
            }
        }
    };
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:path
     , with avx512;) => {
        $(#[$doc])*
        #[inline]
        #[allow(unsafe_code)]
        $vis fn $name(level: $crate::simd::Level, $($arg: $ty),*) $(-> $ret)? {
            kernel! { fn narrower($($arg: $ty),*) $(-> $ret)? = $body; }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512($($arg: $ty),*) $(-> $ret)? { $body($($arg),*) }
            #[cfg(target_arch = "x86_64")]
            if level.0 >= $crate::simd::Isa::Avx512 {
                // SAFETY: such a `Level` is only made after `probe` found F, BW, DQ, VL, AVX2 and FMA.
                return unsafe { avx512($($arg),*) };
            }
            narrower(level, $($arg),*)
        }
    };
}

/// Dispatches on the [`Level`] that comes first to bodies of their own: plain code for every target, and safe
/// `#[target_feature]` functions for x86-64 that give the same bytes. A level without a body takes that below it.
macro_rules! dispatch {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? {
        base: $base:path, $($isa:ident: $body:path),+ $(,)?
    }) => {
        $(#[$doc])*
        #[inline]
        #[allow(unsafe_code)]
        $vis fn $name(level: $crate::simd::Level, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            dispatch!(@above level, ($($arg),*), $($isa: $body),+);
            let _ = level;
            $base($($arg),*)
        }
    };
    // The highest level first: those after this one are asked before it.
    (@above $level:ident, $args:tt, $isa:ident: $body:path $(, $($higher:tt)+)?) => {
        $( dispatch!(@above $level, $args, $($higher)+); )?
        if $level.0 >= $crate::simd::Isa::$isa {
            // SAFETY: such a `Level` is only made after `probe` found the instructions of its set, and the body is
            // compiled for no others.
            return unsafe { dispatch!(@call $body, $args) };
        }
    };
    (@call $body:path, ($($arg:ident),*)) => { $body($($arg),*) };
}

/// The sum of sixteen lanes in the one fixed order: a tree 16-8-4-2-1 in which lane l meets lane l + half.
#[inline(always)]
pub(crate) fn tree_sum(lanes: [f32; LANES]) -> f32 {
    let [a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7] = lanes;
    let (c0, c1, c2, c3) = (a0 + b0, a1 + b1, a2 + b2, a3 + b3);
    let (c4, c5, c6, c7) = (a4 + b4, a5 + b5, a6 + b6, a7 + b7);
    let (d0, d1, d2, d3) = (c0 + c4, c1 + c5, c2 + c6, c3 + c7);
    (d0 + d2) + (d1 + d3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_start_at_base_and_end_at_the_detected_one() {
        assert_eq!(Level::available().next(), Some(Level::BASE));
        assert_eq!(Level::available().last(), Some(Level::detect()));
        assert_eq!(Level::BASE.name(), "base");
    }

    #[test]
    fn the_tree_adds_in_its_written_order() {
        let mut lanes = [0f32; LANES];
        lanes[0] = 1e8;
        lanes[8] = -1e8;
        lanes[1] = 1.0;
        assert_eq!(tree_sum(lanes), 1.0);
    }
}
