//! The micro-kernel: a tile of C held in registers, one fused multiply-add for each k.
//!
//! Lanes run over columns, never over k, so that an output is one chain in the order of k whatever the
//! width of the vectors. One body serves every instruction set through the [`Vector`] trait.
#![allow(unsafe_code)]
// Constant indices below the length, and pointer arithmetic that reads better in one piece.
#![allow(clippy::indexing_slicing, clippy::multiple_unsafe_ops_per_block)]

use super::Operand;
use crate::simd::{Isa, LANES, Level};

/// Rows of A that pass by one panel of B before the next: with the longest block of k they fit the
/// second-level cache with room to spare. A multiple of every tile height.
const ROWS: usize = 96;

/// The part of a product that one job computes; see [`block`].
struct Block<'a> {
    /// A's first element of this block, and its strides by row and by k.
    a: *const f32,
    a_row: usize,
    a_k: usize,
    kc: usize,
    packed: &'a [f32],
    c: *mut f32,
    stride: usize,
    rows: usize,
    cols: usize,
    /// The chains start here, from 0; what C holds does not count.
    fresh: bool,
}

/// Adds A[first.., depth..depth + kc] · `packed` to `rows` rows of C, which start at `c[col]`, `stride` apart,
/// or to 0 where the chains start here (`fresh`).
///
/// All lengths are checked here, once; the tiles below go by raw pointers.
#[allow(clippy::too_many_arguments)]
pub(super) fn block(
    level: Level,
    a: &Operand<'_>,
    first: usize,
    rows: usize,
    depth: usize,
    kc: usize,
    packed: &[f32],
    c: &mut [f32],
    stride: usize,
    (col, cols): (usize, usize),
    fresh: bool,
) {
    let (a_row, a_k) = a.strides();
    let data = a.mat.data();
    let a_start = first * a_row + depth * a_k;
    let inside = rows > 0
        && kc > 0
        && cols > 0
        && a_start + (rows - 1) * a_row + (kc - 1) * a_k < data.len()
        && (rows - 1) * stride + col + cols <= c.len()
        && cols.div_ceil(LANES) * kc * LANES <= packed.len();
    if !inside {
        return;
    }
    // SAFETY: `a_start` is inside `data`, by the check above.
    let a = unsafe { data.as_ptr().add(a_start) };
    // SAFETY: `col` is inside `c`, by the check above.
    let c = unsafe { c.as_mut_ptr().add(col) };
    let block = Block { a, a_row, a_k, kc, packed, c, stride, rows, cols, fresh };
    match level.0 {
        // SAFETY: the checks above cover every element that `run` touches.
        Isa::Base => unsafe { run_base(&block) },
        // SAFETY: as above, and the level proves AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { x86::run_avx2(&block) },
        // SAFETY: as above, and the level proves AVX-512.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 | Isa::Avx512Vbmi => unsafe { x86::run_avx512(&block) },
    }
}

/// A vector of floats in registers; its width divides [`LANES`].
trait Vector: Copy {
    /// Floats in it.
    const N: usize;
    /// All zeros.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn zero() -> Self;
    /// Reads [`Vector::N`] floats.
    ///
    /// # Safety
    /// They must be readable, and the instruction set there.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes [`Vector::N`] floats.
    ///
    /// # Safety
    /// They must be writable, and the instruction set there.
    unsafe fn store(self, to: *mut f32);
    /// `a` times each of `b` plus each of `self`, rounded once.
    ///
    /// # Safety
    /// `a` must be readable, and the instruction set there.
    unsafe fn fma(self, a: *const f32, b: Self) -> Self;
}

// Tiles of up to `MR` rows and `NV` vectors over the whole block. Panels are in the outer loop: one stays in
// the first-level cache while the rows of A pass by. Unsafe as `tile` is, for every tile of the block.
macro_rules! run {
    ($name:ident, $vector:ty, $vectors:literal, [$($mr:literal)*], $max:literal) => {
        #[inline(always)]
        unsafe fn $name(b: &Block<'_>) {
            const WIDTH: usize = $vectors * <$vector as Vector>::N;
            for first in (0..b.rows).step_by(ROWS) {
                let end = if b.rows - first < ROWS { b.rows } else { first + ROWS };
                for col in (0..b.cols).step_by(WIDTH) {
                    let narrow = b.cols - col <= <$vector as Vector>::N;
                    for row in (first..end).step_by($max) {
                        // SAFETY: as promised by the caller of `run`.
                        unsafe {
                            match (end - row, narrow) {
                                $(($mr, false) => tile::<$vector, $mr, $vectors>(b, row, col),)*
                                (_, false) => tile::<$vector, $max, $vectors>(b, row, col),
                                $(($mr, true) => tile::<$vector, $mr, 1>(b, row, col),)*
                                (_, true) => tile::<$vector, $max, 1>(b, row, col),
                            }
                        }
                    }
                }
            }
        }
    };
}

/// One tile: `MR` rows from `row`, `NV` vectors from column `col`. Where it reaches over the last column, it is
/// computed beside C and copied.
///
/// # Safety
/// Rows `row..row + MR` and the first of the columns are inside the block; the instruction set of `V` is there.
#[inline(always)]
unsafe fn tile<V: Vector, const MR: usize, const NV: usize>(b: &Block<'_>, row: usize, col: usize) {
    const EDGE: usize = 32;
    let width = b.cols - col;
    // SAFETY: row < rows and col < cols.
    let c = unsafe { b.c.add(row * b.stride + col) };
    if width >= NV * V::N {
        // SAFETY: all columns of the tile are inside C.
        return unsafe { chains::<V, MR, NV>(b, row, col, c, b.stride) };
    }
    let mut edge = [[0f32; EDGE]; MR];
    for (i, line) in edge.iter_mut().enumerate().take(if b.fresh { 0 } else { MR }) {
        for (j, to) in line.iter_mut().take(width).enumerate() {
            // SAFETY: j < width, the columns that C has from here.
            *to = unsafe { c.add(i * b.stride + j).read() };
        }
    }
    // SAFETY: the edge has room for MR rows of the widest tile, EDGE floats.
    unsafe { chains::<V, MR, NV>(b, row, col, edge.as_mut_ptr().cast(), EDGE) };
    for (i, line) in edge.iter().enumerate() {
        for (j, &from) in line.iter().take(width).enumerate() {
            // SAFETY: j < width, the columns that C has from here.
            unsafe { c.add(i * b.stride + j).write(from) };
        }
    }
}

/// The chains of a tile, read from and written to `MR` rows at `c`, `stride` apart.
///
/// # Safety
/// As [`tile`], and each row at `c` has `NV` vectors.
#[inline(always)]
unsafe fn chains<V: Vector, const MR: usize, const NV: usize>(
    b: &Block<'_>,
    row: usize,
    col: usize,
    c: *mut f32,
    stride: usize,
) {
    let mut acc: [[V; NV]; MR] = core::array::from_fn(|i| {
        // SAFETY: by the caller's promise.
        core::array::from_fn(|v| unsafe {
            if b.fresh { V::zero() } else { V::load(c.add(i * stride + v * V::N)) }
        })
    });
    // A panel that lies wholly beyond the last column was not packed: the last one is read again, and
    // what comes of it is not stored.
    let last_panel = (b.cols - 1) / LANES;
    let mut panel: [*const f32; NV] = core::array::from_fn(|v| {
        let at = col + v * V::N;
        let p = if at / LANES < last_panel { at / LANES } else { last_panel };
        // SAFETY: panel p was packed: kc lines of LANES floats.
        unsafe { b.packed.as_ptr().add(p * b.kc * LANES + at % LANES) }
    });
    // SAFETY: row < rows.
    let mut a = unsafe { b.a.add(row * b.a_row) };
    for _ in 0..b.kc {
        // SAFETY: each panel has kc lines, of which this is one.
        let line: [V; NV] = core::array::from_fn(|v| unsafe { V::load(panel[v]) });
        for (i, acc) in acc.iter_mut().enumerate() {
            // SAFETY: row + i < rows, and k is inside the block.
            let a = unsafe { a.add(i * b.a_row) };
            for (acc, &line) in acc.iter_mut().zip(&line) {
                // SAFETY: `a` is readable, as just said.
                *acc = unsafe { acc.fma(a, line) };
            }
        }
        // The last step may leave one past the end, which is why these wrap instead of `add`.
        a = a.wrapping_add(b.a_k);
        panel = core::array::from_fn(|v| panel[v].wrapping_add(LANES));
    }
    for (i, acc) in acc.iter().enumerate() {
        for (v, acc) in acc.iter().enumerate() {
            // SAFETY: by the caller's promise.
            unsafe { acc.store(c.add(i * stride + v * V::N)) };
        }
    }
}

/// A few floats in what registers the target has, with the scalar fused multiply-add.
#[cfg(not(all(target_arch = "aarch64", target_feature = "neon")))]
mod base {
    use super::Vector;
    use crate::math::fma;

    #[derive(Clone, Copy)]
    pub(super) struct Plain<const N: usize>([f32; N]);

    impl<const N: usize> Vector for Plain<N> {
        const N: usize = N;
        #[inline(always)]
        unsafe fn zero() -> Self {
            Self([0.0; N])
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: by the caller's promise.
            Self(unsafe { from.cast::<[f32; N]>().read() })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: by the caller's promise.
            unsafe { to.cast::<[f32; N]>().write(self.0) }
        }
        #[inline(always)]
        unsafe fn fma(self, a: *const f32, b: Self) -> Self {
            // SAFETY: by the caller's promise.
            let a = unsafe { a.read() };
            Self(core::array::from_fn(|l| fma(a, b.0[l], self.0[l])))
        }
    }
}

#[cfg(not(all(target_arch = "aarch64", target_feature = "neon")))]
run!(run_base, base::Plain<4>, 2, [1], 2);

#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod neon {
    use super::Vector;
    use core::arch::aarch64::{float32x4_t, vdupq_n_f32, vfmaq_n_f32, vld1q_f32, vst1q_f32};

    impl Vector for float32x4_t {
        const N: usize = 4;
        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: NEON is in the build.
            unsafe { vdupq_n_f32(0.0) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: by the caller's promise.
            unsafe { vld1q_f32(from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: by the caller's promise.
            unsafe { vst1q_f32(to, self) }
        }
        #[inline(always)]
        unsafe fn fma(self, a: *const f32, b: Self) -> Self {
            // SAFETY: by the caller's promise.
            let a = unsafe { a.read() };
            // SAFETY: NEON is in the build.
            unsafe { vfmaq_n_f32(self, b, a) }
        }
    }
}

#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
run!(run_base, core::arch::aarch64::float32x4_t, 4, [1 2 3 4 5], 6);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Block, ROWS, Vector, tile};
    use core::arch::x86_64::{
        __m256, __m512, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
        _mm256_storeu_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_storeu_ps,
    };

    impl Vector for __m256 {
        const N: usize = 8;
        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: AVX is there, by the caller's promise.
            unsafe { _mm256_setzero_ps() }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: by the caller's promise.
            unsafe { _mm256_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: by the caller's promise.
            unsafe { _mm256_storeu_ps(to, self) }
        }
        #[inline(always)]
        unsafe fn fma(self, a: *const f32, b: Self) -> Self {
            // SAFETY: `a` is readable and AVX is there, by the caller's promise.
            let a = unsafe { _mm256_broadcast_ss(&*a) };
            // SAFETY: FMA is there, by the caller's promise.
            unsafe { _mm256_fmadd_ps(a, b, self) }
        }
    }

    impl Vector for __m512 {
        const N: usize = 16;
        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: AVX-512 F is there, by the caller's promise.
            unsafe { _mm512_setzero_ps() }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: by the caller's promise.
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: by the caller's promise.
            unsafe { _mm512_storeu_ps(to, self) }
        }
        #[inline(always)]
        unsafe fn fma(self, a: *const f32, b: Self) -> Self {
            // SAFETY: by the caller's promise.
            let a = unsafe { a.read() };
            // SAFETY: AVX-512 F is there, by the caller's promise.
            let a = unsafe { _mm512_set1_ps(a) };
            // SAFETY: as above.
            unsafe { _mm512_fmadd_ps(a, b, self) }
        }
    }

    // Twelve accumulators of 8, or twenty-four of 16: enough chains to hide the latency of the fused
    // multiply-add, few enough to stay in registers.
    run!(avx2, __m256, 2, [1 2 3 4 5], 6);
    run!(avx512, __m512, 2, [1 2 3 4 5 6 7 8 9 10 11], 12);

    /// # Safety
    /// AVX2 and FMA are there, and the block is inside its memory.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn run_avx2(b: &Block<'_>) {
        // SAFETY: by the caller's promise.
        unsafe { avx2(b) }
    }

    /// # Safety
    /// AVX-512 F is there, and the block is inside its memory.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn run_avx512(b: &Block<'_>) {
        // SAFETY: by the caller's promise.
        unsafe { avx512(b) }
    }
}
