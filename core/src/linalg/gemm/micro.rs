//! The micro-kernel: a tile of C held in registers, one fused multiply-add for each k.
//!
//! Lanes run over columns, never over k, so that an output is one chain in the order of k whatever the
//! width of the vectors. One body serves every instruction set through the [`Vector`] trait.
#![allow(unsafe_code)]
// Constant indices below the length, and pointer arithmetic that reads better in one piece.
#![allow(clippy::indexing_slicing, clippy::multiple_unsafe_ops_per_block)]

use crate::simd::{Isa, LANES, Level};

/// Rows of A that pass by one panel of B before the next, where the panel fits the first-level cache: they fit the second.
/// Where it does not, the rows of one tile stay there, and the panels pass by them.
const ROWS: usize = 96;
/// Values of k up to which a panel of 32 columns fits the first-level cache.
pub(crate) const SHALLOW: usize = 256;

/// The left factor of tiles: element (row, k) lies at `first` + the group's offset + the row within the group · `row` +
/// the segment's offset + the step within the segment · `step`. A matrix is one group and one segment; a convolution reads
/// its windows so where they lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left<'a> {
    pub data: &'a [f32],
    pub first: usize,
    /// Where each group of rows begins.
    pub groups: &'a [u32],
    /// Rows of a group.
    pub rows: usize,
    pub row: usize,
    /// Where each segment of k begins.
    pub segments: &'a [u32],
    /// Values of k in a segment.
    pub len: usize,
    pub step: usize,
}

/// The right factor: for each k, in the order of the segments, a line of sixteen columns in each panel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Right<'a> {
    pub data: &'a [f32],
    pub first: usize,
    /// From one k to the next.
    pub line: usize,
    /// From sixteen columns to the next sixteen.
    pub panel: usize,
}

/// The product: row r of group g at `first` + g · `group` + r · `row`.
#[derive(Debug)]
pub(crate) struct Out<'a> {
    pub data: &'a mut [f32],
    pub first: usize,
    pub group: usize,
    pub row: usize,
    pub cols: usize,
}

/// What [`tiles`] works on, once it is checked.
struct Block<'a> {
    a: *const f32,
    left: Left<'a>,
    b: *const f32,
    line: usize,
    panel: usize,
    c: *mut f32,
    group: usize,
    row: usize,
    cols: usize,
    /// The chains start here, from 0; what C holds does not count.
    fresh: bool,
}

/// C + A·B, or A·B where the chains start here (`fresh`).
///
/// All lengths are checked here, once; the tiles below go by raw pointers. Nothing is done where anything lies outside.
pub(crate) fn tiles(level: Level, left: Left<'_>, right: Right<'_>, out: Out<'_>, fresh: bool) {
    let Some([a_last, b_last, c_last]) = lasts(&left, &right, &out) else { return };
    if a_last >= left.data.len() || b_last >= right.data.len() || c_last >= out.data.len() {
        return;
    }
    // SAFETY: at most `a_last`, which is inside.
    let a = unsafe { left.data.as_ptr().add(left.first) };
    // SAFETY: at most `b_last`, which is inside.
    let b = unsafe { right.data.as_ptr().add(right.first) };
    // SAFETY: at most `c_last`, which is inside.
    let c = unsafe { out.data.as_mut_ptr().add(out.first) };
    let Out { group, row, cols, .. } = out;
    let block = Block { a, left, b, line: right.line, panel: right.panel, c, group, row, cols, fresh };
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

/// The last elements of A, B and C that are touched; `None` where there is nothing to do or they cannot be counted.
fn lasts(left: &Left<'_>, right: &Right<'_>, out: &Out<'_>) -> Option<[usize; 3]> {
    let most = |offsets: &[u32]| offsets.iter().max().map(|&most| most as usize);
    let after = |n: usize, step: usize| n.checked_sub(1)?.checked_mul(step);
    let k = left.segments.len().checked_mul(left.len)?;
    let a = left.first.checked_add(most(left.groups)?)?.checked_add(after(left.rows, left.row)?)?;
    let a = a.checked_add(most(left.segments)?)?.checked_add(after(left.len, left.step)?)?;
    // A line is read whole.
    let b = right.first.checked_add(after(out.cols.div_ceil(LANES), right.panel)?)?;
    let b = b.checked_add(after(k, right.line)?)?.checked_add(LANES - 1)?;
    let c = out.first.checked_add(after(left.groups.len(), out.group)?)?;
    let c = c.checked_add(after(left.rows, out.row)?)?.checked_add(out.cols.checked_sub(1)?)?;
    Some([a, b, c])
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
    /// Reads `n` < [`Vector::N`] floats, zeros after them.
    ///
    /// # Safety
    /// They must be readable, and the instruction set there.
    unsafe fn load_some(from: *const f32, n: usize) -> Self;
    /// Writes the first `n` < [`Vector::N`] floats.
    ///
    /// # Safety
    /// They must be writable, and the instruction set there.
    unsafe fn store_some(self, to: *mut f32, n: usize);
    /// `a` times each of `b` plus each of `self`, rounded once.
    ///
    /// # Safety
    /// `a` must be readable, and the instruction set there.
    unsafe fn fma(self, a: *const f32, b: Self) -> Self;
}

// Tiles of up to `max` rows and `vectors` vectors over the whole block, or of up to `few` rows and `more` vectors where groups
// have no more rows: enough chains to hide the latency of the fused multiply-add, few enough to stay in registers. Panels are
// outside of as many groups of rows as pass by one: it stays in the first-level cache while they do. Unsafe as `tile` is,
// for every tile of the block.
macro_rules! run {
    ($name:ident, $vector:ty, [$($mr:literal)* / $max:literal] x $vectors:literal, [$($few_mr:literal)* / $few:literal] x $more:literal) => {
        #[inline(always)]
        unsafe fn $name(b: &Block<'_>) {
            let rows = b.left.rows.max(1);
            // Tiles of a group are of about the same height.
            let height = rows.div_ceil(rows.div_ceil($max)).max(1);
            let few = height <= $few;
            let strip = if few { $more } else { $vectors } * <$vector as Vector>::N;
            let pass = if b.left.len * b.left.segments.len() > SHALLOW { height } else { ROWS };
            let together = (pass / rows).max(1);
            let stretch = if rows > pass { pass.next_multiple_of(height) } else { rows }.max(1);
            for (n, groups) in b.left.groups.chunks(together).enumerate() {
                for first in (0..rows).step_by(stretch) {
                    let end = if rows - first < stretch { rows } else { first + stretch };
                    for col in (0..b.cols).step_by(strip) {
                        let vectors = (b.cols - col).div_ceil(<$vector as Vector>::N);
                        for (g, &offset) in groups.iter().enumerate() {
                            let at = At { offset: offset as usize, group: n * together + g, row: 0, col };
                            for row in (first..end).step_by(height) {
                                let at = At { row, ..at };
                                let left = if end - row < height { end - row } else { height };
                                // SAFETY: as promised by the caller of `run`.
                                unsafe {
                                    if vectors == 1 {
                                        match left {
                                            $($mr => tile::<$vector, $mr, 1>(b, at),)*
                                            _ => tile::<$vector, $max, 1>(b, at),
                                        }
                                    } else if few && vectors > $vectors {
                                        match left {
                                            $($few_mr => tile::<$vector, $few_mr, $more>(b, at),)*
                                            _ => tile::<$vector, $few, $more>(b, at),
                                        }
                                    } else {
                                        match left {
                                            $($mr => tile::<$vector, $mr, $vectors>(b, at),)*
                                            _ => tile::<$vector, $max, $vectors>(b, at),
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
}

/// Where a tile begins: the offset of its group in A and its number, its first row within the group, and its first column.
#[derive(Clone, Copy)]
struct At {
    offset: usize,
    group: usize,
    row: usize,
    col: usize,
}

/// One tile: `MR` rows and `NV` vectors, or the part of it that C has columns for.
///
/// # Safety
/// The rows and the first of the columns are inside the block; the instruction set of `V` is there.
#[inline(always)]
unsafe fn tile<V: Vector, const MR: usize, const NV: usize>(b: &Block<'_>, at: At) {
    let width = b.cols - at.col;
    // SAFETY: by the caller's promise.
    unsafe {
        if width >= NV * V::N {
            chains::<V, MR, NV, true>(b, at, NV * V::N);
        } else {
            chains::<V, MR, NV, false>(b, at, width);
        }
    }
}

/// The chains of a tile of `width` columns, all of which are there if it is `WHOLE`.
///
/// # Safety
/// As [`tile`], and C has so many columns.
#[inline(always)]
unsafe fn chains<V: Vector, const MR: usize, const NV: usize, const WHOLE: bool>(
    b: &Block<'_>,
    at: At,
    width: usize,
) {
    // SAFETY: group, row and column are inside the block.
    let c = unsafe { b.c.add(at.group * b.group + at.row * b.row + at.col) };
    // Columns of a vector that C has.
    let some = |v: usize| {
        let rest = width.saturating_sub(v * V::N);
        if WHOLE || rest >= V::N { V::N } else { rest }
    };
    let mut acc: [[V; NV]; MR] = core::array::from_fn(|i| {
        let row = c.wrapping_add(i * b.row);
        // SAFETY: by the caller's promise.
        core::array::from_fn(|v| unsafe {
            let from = row.wrapping_add(v * V::N);
            match some(v) {
                _ if b.fresh => V::zero(),
                n if n == V::N => V::load(from),
                n => V::load_some(from, n),
            }
        })
    });
    // A panel that lies wholly beyond the last column is not there: the last one is read again, and
    // what comes of it is not stored.
    let last_panel = (b.cols - 1) / LANES;
    let mut panel: [*const f32; NV] = core::array::from_fn(|v| {
        let column = at.col + v * V::N;
        let p = if column / LANES < last_panel { column / LANES } else { last_panel };
        // SAFETY: panel p is inside B.
        unsafe { b.b.add(p * b.panel + column % LANES) }
    });
    // SAFETY: group and row are inside A.
    let rows = unsafe { b.a.add(at.offset + at.row * b.left.row) };
    for &segment in b.left.segments {
        // SAFETY: so is each segment.
        let mut a = unsafe { rows.add(segment as usize) };
        for _ in 0..b.left.len {
            // SAFETY: there is a line for each k.
            let line: [V; NV] = core::array::from_fn(|v| unsafe { V::load(panel[v]) });
            for (i, acc) in acc.iter_mut().enumerate() {
                // SAFETY: row + i is inside the group, and k inside the segment.
                let a = unsafe { a.add(i * b.left.row) };
                for (acc, &line) in acc.iter_mut().zip(&line) {
                    // SAFETY: `a` is readable, as just said.
                    *acc = unsafe { acc.fma(a, line) };
                }
            }
            // The last step may leave the memory, which is why these wrap instead of `add`.
            a = a.wrapping_add(b.left.step);
            panel = core::array::from_fn(|v| panel[v].wrapping_add(b.line));
        }
    }
    for (i, acc) in acc.iter().enumerate() {
        let row = c.wrapping_add(i * b.row);
        for (v, acc) in acc.iter().enumerate() {
            let to = row.wrapping_add(v * V::N);
            // SAFETY: by the caller's promise.
            unsafe {
                match some(v) {
                    n if n == V::N => acc.store(to),
                    n => acc.store_some(to, n),
                }
            }
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
        unsafe fn load_some(from: *const f32, n: usize) -> Self {
            let mut all = [0.0; N];
            for (i, to) in all.iter_mut().enumerate().take(n) {
                // SAFETY: by the caller's promise.
                *to = unsafe { from.add(i).read() };
            }
            Self(all)
        }
        #[inline(always)]
        unsafe fn store_some(self, to: *mut f32, n: usize) {
            let all = self.0;
            for (i, from) in all.iter().enumerate().take(n) {
                // SAFETY: by the caller's promise.
                unsafe { to.add(i).write(*from) };
            }
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
run!(run_base, base::Plain<4>, [1 / 2] x 2, [1 / 1] x 2);

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
        unsafe fn load_some(from: *const f32, n: usize) -> Self {
            let mut all = [0.0; 4];
            for (i, to) in all.iter_mut().enumerate().take(n) {
                // SAFETY: by the caller's promise.
                *to = unsafe { from.add(i).read() };
            }
            // SAFETY: four floats.
            unsafe { vld1q_f32(all.as_ptr()) }
        }
        #[inline(always)]
        unsafe fn store_some(self, to: *mut f32, n: usize) {
            let mut all = [0.0; 4];
            // SAFETY: room for four floats.
            unsafe { vst1q_f32(all.as_mut_ptr(), self) };
            for (i, from) in all.iter().enumerate().take(n) {
                // SAFETY: by the caller's promise.
                unsafe { to.add(i).write(*from) };
            }
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
run!(run_base, core::arch::aarch64::float32x4_t, [1 2 3 4 5 / 6] x 4, [1 / 2] x 8);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{At, Block, ROWS, SHALLOW, Vector, tile};
    use core::arch::x86_64::{
        __m256, __m256i, __m512, _mm256_broadcast_ss, _mm256_cmpgt_epi32, _mm256_fmadd_ps, _mm256_loadu_ps,
        _mm256_maskload_ps, _mm256_maskstore_ps, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_setzero_ps,
        _mm256_storeu_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
        _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
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
        unsafe fn load_some(from: *const f32, n: usize) -> Self {
            // SAFETY: AVX2 is there, by the caller's promise.
            let mask = unsafe { first_of_8(n) };
            // SAFETY: what the mask leaves out is not read.
            unsafe { _mm256_maskload_ps(from, mask) }
        }
        #[inline(always)]
        unsafe fn store_some(self, to: *mut f32, n: usize) {
            // SAFETY: AVX2 is there, by the caller's promise.
            let mask = unsafe { first_of_8(n) };
            // SAFETY: what the mask leaves out is not written.
            unsafe { _mm256_maskstore_ps(to, mask, self) };
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
        unsafe fn load_some(from: *const f32, n: usize) -> Self {
            // SAFETY: what the mask leaves out is not read.
            unsafe { _mm512_maskz_loadu_ps((1u16 << n) - 1, from) }
        }
        #[inline(always)]
        unsafe fn store_some(self, to: *mut f32, n: usize) {
            // SAFETY: what the mask leaves out is not written.
            unsafe { _mm512_mask_storeu_ps(to, (1u16 << n) - 1, self) };
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

    /// The lanes before the `n`th.
    #[target_feature(enable = "avx2")]
    fn first_of_8(n: usize) -> __m256i {
        _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
    }

    run!(avx2, __m256, [1 2 3 4 5 / 6] x 2, [1 2 / 3] x 4);
    run!(avx512, __m512, [1 2 3 4 5 6 7 8 9 10 11 / 12] x 2, [1 2 3 4 5 / 6] x 4);

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
