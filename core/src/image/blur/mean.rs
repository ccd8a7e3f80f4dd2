//! Box blurs of whole numbers: exact means, in a time that hardly grows with the box.
//!
//! The sums of the columns go down with the rows: what comes in is added, what goes out taken away. Along a row sums of two
//! neighbours make those of four, these those of eight, and so on, and the width of the box is a sum of such powers.

use super::widen;
use crate::error::Result;
use crate::image::{Border, copy};
use crate::scratch::{Plain, Scratch, ScratchLen};
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};
use core::mem::swap;

/// Division by the number of pixels of a box, rounded to the nearest: that number is odd, so there are no halves.
#[derive(Clone, Copy, Debug)]
pub struct Share<S> {
    half: S,
    factor: S,
    shift: u32,
}

/// Sums of values `T`.
pub trait Sum<T>: Plain + From<T> {
    /// What divides by `pixels`, which are an odd number from 9 on.
    fn share(pixels: u32) -> Share<Self>;

    /// `count` times this value.
    fn repeated(value: T, count: usize) -> Self;

    /// self + b.
    fn plus(self, b: Self) -> Self;

    /// self − b.
    fn minus(self, b: Self) -> Self;

    /// The nearest mean.
    fn mean(self, share: Share<Self>) -> T;

    /// Adds `come` and takes `go` away.
    fn slide(level: Level, sums: &mut [Self], come: &[T], go: &[T]);

    /// a + b, one by one.
    fn join(level: Level, a: &[Self], b: &[Self], to: &mut [Self]);

    /// Adds `more`.
    fn gather(level: Level, sums: &mut [Self], more: &[Self]);

    /// The means of the sums with `more`.
    fn settle(level: Level, sums: &[Self], more: &[Self], share: Share<Self>, to: &mut [T]);
}

macro_rules! sums {
    ($($s:ty, $wide:ty, of $t:ty { $($settle:tt)* })*) => { $(
        impl Sum<$t> for $s {
            fn share(pixels: u32) -> Share<$s> {
                // ⌈2^(bits + shift) / pixels⌉ has no more than these bits, as the number of pixels is no power of two. It is
                // too large by less than one, which no sum of a box makes a whole of: see the tests.
                let shift = pixels.max(1).ilog2();
                let factor = (1u64 << (<$s>::BITS + shift)).div_ceil(u64::from(pixels.max(1)));
                Share { half: (pixels / 2) as $s, factor: factor as $s, shift }
            }

            fn repeated(value: $t, count: usize) -> $s {
                <$s>::from(value).wrapping_mul(count as $s)
            }

            #[inline(always)]
            fn plus(self, b: $s) -> $s {
                self.wrapping_add(b)
            }

            #[inline(always)]
            fn minus(self, b: $s) -> $s {
                self.wrapping_sub(b)
            }

            #[inline(always)]
            fn mean(self, share: Share<$s>) -> $t {
                let upper = (self.wrapping_add(share.half) as $wide * share.factor as $wide) >> <$s>::BITS;
                (upper as $s).wrapping_shr(share.shift) as $t
            }

            kernel! {
                fn slide(sums: &mut [$s], come: &[$t], go: &[$t]) = slide_body, with avx512;
            }

            kernel! {
                fn join(a: &[$s], b: &[$s], to: &mut [$s]) = join_body::<$t, $s>, with avx512;
            }

            kernel! {
                fn gather(sums: &mut [$s], more: &[$s]) = gather_body::<$t, $s>, with avx512;
            }

            $($settle)*
        }
    )* };
}
sums! {
    u16, u32, of u8 {
        dispatch! {
            fn settle(sums: &[u16], more: &[u16], share: Share<u16>, to: &mut [u8]) {
                base: settle_body, Avx2: x86::by_32, Avx512: x86::by_64,
            }
        }
    }
    u32, u64, of u8 {
        kernel! {
            fn settle(sums: &[u32], more: &[u32], share: Share<u32>, to: &mut [u8]) = settle_body, with avx512;
        }
    }
    u32, u64, of u16 {
        kernel! {
            fn settle(sums: &[u32], more: &[u32], share: Share<u32>, to: &mut [u16]) = settle_body, with avx512;
        }
    }
}

/// Means of bytes, whose sums compilers widen and narrow again.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Share, settle_body};
    use crate::scratch::bytes;
    use crate::simd::x86::{load32, load64, store32, store64};
    use core::arch::x86_64::{
        _mm_cvtsi32_si128, _mm256_add_epi16, _mm256_mulhi_epu16, _mm256_packus_epi16,
        _mm256_permute4x64_epi64, _mm256_set1_epi16, _mm256_srl_epi16, _mm512_add_epi16, _mm512_mulhi_epu16,
        _mm512_packus_epi16, _mm512_permutexvar_epi64, _mm512_set1_epi16, _mm512_setr_epi64,
        _mm512_srl_epi16,
    };
    use core::hint::black_box;

    macro_rules! settle {
        ($name:ident $n:literal $half:literal $features:literal $load:ident $store:ident $all:ident $add:ident $scale:ident
         $shift:ident $pack:ident $in_order:expr) => {
            #[target_feature(enable = $features)]
            pub(super) fn $name(sums: &[u16], more: &[u16], share: Share<u16>, to: &mut [u8]) {
                let (half, factor) = ($all(share.half as i16), $all(share.factor as i16));
                let shift = _mm_cvtsi32_si128(share.shift as i32);
                let (whole, rest) = to.as_chunks_mut::<$n>();
                let done = whole.len() * $n;
                let parts = sums.as_chunks::<$half>().0.as_chunks::<2>().0;
                for ((to, sums), more) in
                    whole.iter_mut().zip(parts).zip(more.as_chunks::<$half>().0.as_chunks::<2>().0)
                {
                    // Otherwise compilers widen it before the loop, and with it every product.
                    let factor = black_box(factor);
                    let mean = |sums: &[u16; $half], more: &[u16; $half]| {
                        let [sums, more] =
                            [sums, more].map(|all| bytes(all).first_chunk().map(|all| $load(all)));
                        let (Some(sums), Some(more)) = (sums, more) else { return half };
                        $shift($scale($add($add(sums, more), half), factor), shift)
                    };
                    let ([a, b], [c, d]) = (sums, more);
                    $store(to, $in_order($pack(mean(a, c), mean(b, d))));
                }
                settle_body(sums.get(done..).unwrap_or(&[]), more.get(done..).unwrap_or(&[]), share, rest);
            }
        };
    }

    settle!(by_32 32 16 "avx2,fma" load32 store32 _mm256_set1_epi16 _mm256_add_epi16 _mm256_mulhi_epu16
            _mm256_srl_epi16 _mm256_packus_epi16 |v| _mm256_permute4x64_epi64::<0xd8>(v));
    settle!(by_64 64 32 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma" load64 store64 _mm512_set1_epi16
            _mm512_add_epi16 _mm512_mulhi_epu16 _mm512_srl_epi16 _mm512_packus_epi16
            |v| _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), v));
}

#[inline(always)]
fn slide_body<T: Copy, S: Sum<T>>(sums: &mut [S], come: &[T], go: &[T]) {
    for ((sum, come), go) in sums.iter_mut().zip(come).zip(go) {
        *sum = sum.minus((*go).into()).plus((*come).into());
    }
}

#[inline(always)]
fn join_body<T, S: Sum<T>>(a: &[S], b: &[S], to: &mut [S]) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to = a.plus(*b);
    }
}

#[inline(always)]
fn gather_body<T, S: Sum<T>>(sums: &mut [S], more: &[S]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum = sum.plus(*more);
    }
}

#[inline(always)]
fn settle_body<T, S: Sum<T>>(sums: &[S], more: &[S], share: Share<S>, to: &mut [T]) {
    for ((to, sum), more) in to.iter_mut().zip(sums).zip(more) {
        *to = sum.plus(*more).mean(share);
    }
}

/// The largest radius of which the sums of bytes, and half a divisor, fit 16 bits: 255 · 15² + 112.
pub(super) const SHORT: usize = 7;

/// Bytes of scratch that [`means`] takes.
pub(super) fn scratch_len<T: Plain, S: Plain>(radius: usize, shape: (usize, usize, usize)) -> usize {
    let row = shape.1.saturating_mul(shape.2);
    let wide = row.saturating_add(shape.2.saturating_mul(radius).saturating_mul(2));
    let sums = ScratchLen::new().with::<S>(wide).with::<S>(wide).with::<S>(wide).with::<S>(row);
    sums.with::<T>(row).with::<T>(row).bytes()
}

/// [`super::box_blur`] for images of the same shape.
pub(super) fn means<T: Plain, S: Sum<T>>(
    level: Level,
    radius: usize,
    border: Border<T>,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    if radius == 0 {
        return copy(src, dst);
    }
    let (height, width, channels) = src.shape();
    let (len, margin) = (width * channels, radius * channels);
    let wide = len.saturating_add(margin.saturating_mul(2));
    let mut frame = scratch.frame();
    let sums = frame.take_zeroed::<S>(wide)?;
    let (near, next, total) = (frame.take::<S>(wide)?, frame.take::<S>(wide)?, frame.take::<S>(len)?);
    let (constant, nothing) = (frame.take::<T>(len)?, frame.take_zeroed::<T>(len)?);
    let outside = border.constant().unwrap_or_default();
    constant.fill(outside);
    let row = |y: i64| border.index(y, height).map_or(&*constant, |y| src.row(y));
    let side = 2 * radius + 1;
    let mut window = Window { side, channels, share: S::share((side * side) as u32), near, next, total };
    let outside = S::repeated(outside, side);
    let reach = radius as i64;
    for (y, to) in dst.iter_rows_mut().enumerate() {
        let y = y as i64;
        let middle = sums.get_mut(margin..margin + len).unwrap_or(&mut []);
        if y == 0 {
            (-reach..=reach).for_each(|y| S::slide(level, middle, row(y), nothing));
        } else {
            S::slide(level, middle, row(y + reach), row(y - reach - 1));
        }
        widen(sums, width, channels, radius, border.map(|_| outside));
        window.means(level, sums, to);
    }
    Ok(())
}

/// The box along a row.
struct Window<'a, S> {
    side: usize,
    channels: usize,
    share: Share<S>,
    /// Sums of so many pixels, and of twice as many.
    near: &'a mut [S],
    next: &'a mut [S],
    /// Sums of the first pixels of each box.
    total: &'a mut [S],
}

impl<S: Plain> Window<'_, S> {
    /// The means of all boxes in a row of sums with its margins.
    fn means<T>(&mut self, level: Level, sums: &[S], to: &mut [T])
    where
        S: Sum<T>,
    {
        let channels = self.channels;
        fn after<S>(sums: &[S], values: usize) -> &[S] {
            sums.get(values..).unwrap_or(&[])
        }
        S::join(level, sums, after(sums, channels), self.near);
        // The first pixel of each box stands alone, since the side is odd.
        let (mut span, mut done) = (2, 1);
        while 2 * span <= self.side {
            if self.side & span != 0 {
                let more = after(self.near, done * channels);
                if done == 1 {
                    S::join(level, sums, more, self.total)
                } else {
                    S::gather(level, self.total, more)
                }
                done += span;
            }
            S::join(level, self.near, after(self.near, span * channels), self.next);
            swap(&mut self.near, &mut self.next);
            span *= 2;
        }
        let first = if done == 1 { sums } else { &*self.total };
        S::settle(level, first, after(self.near, done * channels), self.share, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether the means of sums around all multiples and halves, and of the greatest, are the nearest.
    fn exact<T: Into<u64>, S: Sum<T> + TryFrom<u64>>(radius: usize, largest: u64, v: u64)
    where
        S::Error: core::fmt::Debug,
    {
        let pixels = ((2 * radius + 1) * (2 * radius + 1)) as u64;
        let share = S::share(pixels as u32);
        let most = largest * pixels;
        for sum in
            [v * pixels, v * pixels + pixels / 2, (v * pixels + pixels / 2 + 1).min(most), most, most - 1, 0]
        {
            let mean: u64 = S::try_from(sum).unwrap().mean(share).into();
            assert_eq!(mean, (sum + pixels / 2) / pixels, "{sum} of {pixels}");
        }
    }

    proptest! {
        #[test]
        fn means_are_the_nearest(radius in 1usize..=96, v in 0u64..65535) {
            if radius <= SHORT {
                exact::<u8, u16>(radius, 255, v % 255);
            }
            exact::<u8, u32>(radius, 255, v % 255);
            exact::<u16, u32>(radius, 65535, v);
        }
    }

    #[test]
    fn all_sums_of_bytes_have_their_nearest_mean() {
        (1..=SHORT).for_each(|radius| (0..255).for_each(|v| exact::<u8, u16>(radius, 255, v)));
    }
}
