//! From colours to grey and back.

use super::{Sample, same, spans};
use crate::error::{Error, Result};
use crate::scratch::Plain;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};

/// Grey of red, green, blue by ITU-R Rec. 601 in Pillow's integers, byte for byte:
/// (19595 R + 38470 G + 7471 B + 32768) / 65536, of 16-bit values too; of floats it is (0.299 R + 0.587 G) + 0.114 B in `f32`.
/// Channels after the third are left out.
///
/// # Errors
/// [`Error::ShapeMismatch`] unless `src` has three channels or more and `dst` one, of the same size.
pub fn rgb_to_grey<T: Sample>(level: Level, src: ImageRef<'_, T>, dst: ImageMut<'_, T>) -> Result<()> {
    let (height, width, channels) = src.shape();
    same((height, width, 1), dst.shape())?;
    if channels < 3 {
        return Err(Error::ShapeMismatch);
    }
    spans(src, dst, |from, to| T::grey(level, from, channels, to));
    Ok(())
}

/// Takes the colours of `image` away in place: red, green and blue become the grey of [`rgb_to_grey`], other channels stay.
/// Images of less than three channels have no colours.
pub fn greyscale<T: Sample>(level: Level, mut image: ImageMut<'_, T>) {
    const BLOCK: usize = 256;
    let channels = image.channels();
    if channels < 3 {
        return;
    }
    for row in image.iter_rows_mut() {
        for part in row.chunks_mut(channels.saturating_mul(BLOCK).max(1)) {
            let mut greys = [T::default(); BLOCK];
            T::grey(level, part, channels, greys.get_mut(..part.len() / channels.max(1)).unwrap_or(&mut []));
            for (pixel, grey) in part.chunks_exact_mut(channels.max(1)).zip(greys) {
                pixel.iter_mut().take(3).for_each(|value| *value = grey);
            }
        }
    }
}

/// Values whose grey can be told, each kind in its own arithmetic.
pub trait Grey: Plain {
    /// The grey of red, green and blue.
    fn luma(red: Self, green: Self, blue: Self) -> Self;
    /// The greys of pixels of three channels or more.
    fn grey(level: Level, from: &[Self], channels: usize, to: &mut [Self]);
}

impl Grey for u8 {
    #[inline(always)]
    fn luma(red: u8, green: u8, blue: u8) -> u8 {
        // The weights add up to 65536, so the sum is below 2²⁴.
        ((red as u32 * 19595 + green as u32 * 38470 + blue as u32 * 7471 + 32768) >> 16) as u8
    }

    fn grey(level: Level, from: &[u8], channels: usize, to: &mut [u8]) {
        match channels {
            3 => grey3(level, from, to),
            4 => grey4(level, from, to),
            n => greys_of(from, n, to),
        }
    }
}

impl Grey for u16 {
    #[inline(always)]
    fn luma(red: u16, green: u16, blue: u16) -> u16 {
        // At most 2³² − 2¹⁶ + 2¹⁵.
        ((red as u32 * 19595 + green as u32 * 38470 + blue as u32 * 7471 + 32768) >> 16) as u16
    }

    kernel! {
        fn grey(from: &[u16], channels: usize, to: &mut [u16]) = greys_body;
    }
}

impl Grey for f32 {
    #[inline(always)]
    fn luma(red: f32, green: f32, blue: f32) -> f32 {
        red * 0.299 + green * 0.587 + blue * 0.114
    }

    kernel! {
        fn grey(from: &[f32], channels: usize, to: &mut [f32]) = greys_body;
    }
}

#[inline(always)]
fn greys_body<T: Grey>(from: &[T], channels: usize, to: &mut [T]) {
    match channels {
        3 => base::<T, 3>(from, to),
        4 => base::<T, 4>(from, to),
        n => greys_of(from, n, to),
    }
}

#[inline(always)]
fn greys_of<T: Grey>(from: &[T], channels: usize, to: &mut [T]) {
    for (grey, pixel) in to.iter_mut().zip(from.chunks_exact(channels.max(1))) {
        if let [r, g, b, ..] = *pixel {
            *grey = T::luma(r, g, b);
        }
    }
}

dispatch! {
    fn grey3(from: &[u8], to: &mut [u8]) {
        base: base::<u8, 3>, Avx2: x86::by_32::<3>, Avx512Vbmi: x86::by_16::<3>,
    }
}

dispatch! {
    fn grey4(from: &[u8], to: &mut [u8]) {
        base: base::<u8, 4>, Avx2: x86::by_32::<4>, Avx512Vbmi: x86::by_16::<4>,
    }
}

#[inline(always)]
fn base<T: Grey, const C: usize>(from: &[T], to: &mut [T]) {
    for (grey, pixel) in to.iter_mut().zip(from.as_chunks::<C>().0) {
        // A slice pattern needs a slice where the length is a parameter.
        if let [r, g, b, ..] = pixel[..] {
            *grey = T::luma(r, g, b);
        }
    }
}

/// The one channel of `src` into every channel of `dst`.
///
/// # Errors
/// [`Error::ShapeMismatch`] unless `src` has one channel and `dst` the same height and width.
pub fn grey_to_rgb<T: Copy>(src: ImageRef<'_, T>, mut dst: ImageMut<'_, T>) -> Result<()> {
    let channels = dst.channels();
    same(src.shape(), (dst.height(), dst.width(), 1))?;
    for (to, from) in dst.iter_rows_mut().zip(src.iter_rows()) {
        match channels {
            3 => to.as_chunks_mut::<3>().0.iter_mut().zip(from).for_each(|(to, v)| *to = [*v; 3]),
            4 => to.as_chunks_mut::<4>().0.iter_mut().zip(from).for_each(|(to, v)| *to = [*v; 4]),
            n => to.chunks_exact_mut(n.max(1)).zip(from).for_each(|(to, v)| to.fill(*v)),
        }
    }
    Ok(())
}

/// Sums of products of 16-bit pairs: the weight of green does not fit 16 bits and is split into two equal halves, one
/// beside red and one beside blue.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::base;
    use crate::simd::x86::{load_some, load16, load32, load64, store16, store32};
    use core::arch::x86_64::{
        __m128i, __m256i, __m512i, _mm256_add_epi32, _mm256_madd_epi16, _mm256_packus_epi16,
        _mm256_packus_epi32, _mm256_permutevar8x32_epi32, _mm256_set_m128i, _mm256_set1_epi32,
        _mm256_setr_epi32, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi32,
        _mm512_cvtepi32_epi8, _mm512_dpwssd_epi32, _mm512_maskz_permutexvar_epi8, _mm512_set1_epi32,
        _mm512_srli_epi32,
    };

    /// The weights of red and half of green, and of half of green and blue, side by side.
    const RED_GREEN: i32 = 19595 | 19235 << 16;
    const GREEN_BLUE: i32 = 19235 | 7471 << 16;
    const HALF: i32 = 1 << 15;

    /// For each byte of a register of 32-bit pixels, two 16-bit values each, the byte of pixels of `C` that it comes
    /// from: channel `first` and the one after it. 0x80 stands for a zero.
    const fn pairs<const C: usize, const N: usize>(first: usize) -> [u8; N] {
        let mut order = [0x80; N];
        let mut pixel = 0;
        while pixel < N / 4 {
            #[allow(clippy::indexing_slicing)]
            {
                order[pixel * 4] = (pixel * C + first) as u8;
                order[pixel * 4 + 2] = (pixel * C + first + 1) as u8;
            }
            pixel += 1;
        }
        order
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn by_32<const C: usize>(from: &[u8], to: &mut [u8]) {
        const PIXELS: usize = 32;
        let (whole, rest) = to.as_chunks_mut::<PIXELS>();
        let orders = [order::<C>(0), order::<C>(1)];
        let mut from = from;
        for grey in whole {
            let mut parts = [_mm256_setzero_si256(); 4];
            for part in &mut parts {
                *part = match eight::<C>(from) {
                    Some(pixels) => weigh(pixels, orders),
                    None => return,
                };
                from = from.get(8 * C..).unwrap_or(&[]);
            }
            let [a, b, c, d] = parts;
            let both = _mm256_packus_epi16(_mm256_packus_epi32(a, b), _mm256_packus_epi32(c, d));
            // Packing works in halves: the quarters of each come apart.
            store32(grey, _mm256_permutevar8x32_epi32(both, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
        }
        base::<u8, C>(from, rest);
    }

    /// Eight pixels, four at the beginning of each half, or for `C` = 3 in the second half from its fifth byte on.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn eight<const C: usize>(from: &[u8]) -> Option<__m256i> {
        if C == 4 {
            return Some(load32(from.first_chunk()?));
        }
        Some(_mm256_set_m128i(load16(from.get(8..)?.first_chunk()?), load16(from.first_chunk()?)))
    }

    /// The order of [`pairs`] for pixels that lie as [`eight`] puts them.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn order<const C: usize>(first: usize) -> __m256i {
        let low: [u8; 16] = pairs::<C, 16>(first);
        let later = if C == 3 { 4 } else { 0 };
        let high = low.map(|at| if at == 0x80 { at } else { at + later });
        _mm256_set_m128i(load16(&high), load16(&low))
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn weigh(pixels: __m256i, [first, second]: [__m256i; 2]) -> __m256i {
        let red = _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, first), _mm256_set1_epi32(RED_GREEN));
        let blue = _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, second), _mm256_set1_epi32(GREEN_BLUE));
        _mm256_srli_epi32::<16>(_mm256_add_epi32(_mm256_add_epi32(red, blue), _mm256_set1_epi32(HALF)))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma")]
    pub(super) fn by_16<const C: usize>(from: &[u8], to: &mut [u8]) {
        const PIXELS: usize = 16;
        let orders = [0, 1].map(pairs::<C, 64>);
        let [red_green, green_blue] = [load64(&orders[0]), load64(&orders[1])];
        let grey = |pixels: __m512i| -> __m128i {
            let pair = |order| _mm512_maskz_permutexvar_epi8(0x5555_5555_5555_5555, order, pixels);
            let sum = _mm512_set1_epi32(HALF);
            let sum = _mm512_dpwssd_epi32(sum, pair(red_green), _mm512_set1_epi32(RED_GREEN));
            let sum = _mm512_dpwssd_epi32(sum, pair(green_blue), _mm512_set1_epi32(GREEN_BLUE));
            _mm512_cvtepi32_epi8(_mm512_srli_epi32::<16>(sum))
        };
        let (whole, rest) = to.as_chunks_mut::<PIXELS>();
        let done = whole.len() * PIXELS * C;
        let mut ahead = from;
        for to in whole {
            let pixels = match ahead.first_chunk() {
                Some(bytes) => load64(bytes),
                None => load_some(ahead),
            };
            store16(to, grey(pixels));
            ahead = ahead.get(PIXELS * C..).unwrap_or(&[]);
        }
        base::<u8, C>(from.get(done..).unwrap_or(&[]), rest);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, images, same_at_every_level};
    use super::*;
    use proptest::prelude::*;

    /// `Image.convert("L")` of Pillow 13.0 on the 4 × 4 × 3 test picture.
    #[test]
    fn grey_is_that_of_pillow() {
        let src = Owned::pattern(4, 4, 3);
        let mut out = Owned::new((4, 4, 1));
        for level in Level::available() {
            rgb_to_grey(level, src.view(), out.view_mut()).unwrap();
            assert_eq!(out.data, [58, 69, 80, 91, 95, 107, 119, 131, 132, 145, 158, 171, 169, 154, 168, 182]);
        }
        let two = Owned::new((4, 4, 2));
        assert_eq!(rgb_to_grey(Level::BASE, two.view(), out.view_mut()), Err(Error::ShapeMismatch));
    }

    #[test]
    fn same_bytes_at_every_level() {
        same_at_every_level(|level, src| {
            let mut out = Owned::new((src.shape.0, src.shape.1, 1));
            (rgb_to_grey(level, src.view(), out.view_mut()), out)
        });
    }

    proptest! {
        #[test]
        fn grey_has_the_same_bytes_at_every_level_and_survives_a_round_trip(src in images()) {
            let (h, w, c) = src.shape;
            let mut want = Owned::new((h, w, 1));
            if c >= 3 {
                rgb_to_grey(Level::BASE, src.view(), want.view_mut()).unwrap();
                for level in Level::available() {
                    let mut got = Owned::new((h, w, 1));
                    rgb_to_grey(level, src.view(), got.view_mut()).unwrap();
                    prop_assert_eq!(&got, &want);
                }
            }
            let mut wide = Owned::new((h, w, 3));
            grey_to_rgb(want.view(), wide.view_mut()).unwrap();
            let mut back = Owned::new((h, w, 1));
            rgb_to_grey(Level::detect(), wide.view(), back.view_mut()).unwrap();
            prop_assert_eq!(&back, &want);
        }
    }
}
