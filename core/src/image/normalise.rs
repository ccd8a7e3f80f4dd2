//! From levels to the numbers that networks take.

use super::{Sample, same, spans, split};
use crate::error::{Error, Result};
use crate::math;
use crate::scratch::Plain;
use crate::simd::Level;
use crate::view::{ImageMut, ImageRef};
use core::marker::PhantomData;

/// (v / white − mean\[c\]) / std\[c\] of each value, with 255, 65535 or 1 for white, in this order of `f32` operations: the
/// value times 1 / (white · std\[c\]), then minus mean\[c\] / std\[c\].
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ or `mean` and `std` do not have one value for each channel,
/// [`Error::InvalidArgument`] unless all means are finite and all deviations finite, positive, and not so small
/// that a result is infinite.
pub fn normalise<T: Sample>(
    level: Level,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, f32>,
    mean: &[f32],
    std: &[f32],
) -> Result<()> {
    Normaliser::new(mean, std, src.channels())?.interleaved(level, src, dst)
}

/// [`normalise`] with the channels one after the other, as PyTorch has them: `dst` is channels × height × width.
///
/// # Errors
/// As [`normalise`]; [`Error::BufferTooSmall`] where `dst` is.
pub fn normalise_chw<T: Sample>(
    level: Level,
    src: ImageRef<'_, T>,
    dst: &mut [f32],
    mean: &[f32],
    std: &[f32],
) -> Result<()> {
    Normaliser::new(mean, std, src.channels())?.planes(level, src, dst)
}

/// Each value as a share of white, v / 255, v / 65535 or v itself, rounded to the nearest `f32`.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the shapes differ.
pub fn to_float<T: Sample>(level: Level, src: ImageRef<'_, T>, dst: ImageMut<'_, f32>) -> Result<()> {
    same(src.shape(), dst.shape())?;
    spans(src, dst, |from, to| T::shares(level, from, 1, to));
    Ok(())
}

/// [`to_float`] with the channels one after the other, as PyTorch has them: `dst` is channels × height × width.
///
/// # Errors
/// [`Error::BufferTooSmall`] where `dst` is, [`Error::Overflow`] for a size that is not a `usize`.
pub fn to_float_chw<T: Sample>(level: Level, src: ImageRef<'_, T>, dst: &mut [f32]) -> Result<()> {
    let (height, width, channels) = src.shape();
    let plane = height.checked_mul(width).ok_or(Error::Overflow)?;
    let all = plane.checked_mul(channels).and_then(|len| dst.get_mut(..len)).ok_or(Error::BufferTooSmall)?;
    for (c, to) in all.chunks_exact_mut(plane.max(1)).enumerate() {
        for (to, from) in to.chunks_exact_mut(width.max(1)).zip(src.iter_rows()) {
            T::shares(level, from.get(c..).unwrap_or(&[]), channels, to);
        }
    }
    Ok(())
}

/// [`normalise`] made ready once for many images of as many channels.
pub(crate) struct Normaliser<'a, T> {
    statistics: Statistics<'a>,
    repeated: Option<Repeated>,
    of: PhantomData<T>,
}

impl<'a, T: Sample> Normaliser<'a, T> {
    /// Errors as those of [`normalise`].
    pub fn new(mean: &'a [f32], std: &'a [f32], channels: usize) -> Result<Self> {
        let statistics = Statistics::new::<T>(mean, std, channels)?;
        let repeated = statistics.repeated();
        Ok(Self { statistics, repeated, of: PhantomData })
    }

    /// [`normalise`].
    pub fn interleaved(&self, level: Level, src: ImageRef<'_, T>, dst: ImageMut<'_, f32>) -> Result<()> {
        same(src.shape(), dst.shape())?;
        same(src.channels(), self.statistics.mean.len())?;
        match &self.repeated {
            Some(repeated) => spans(src, dst, |from, to| T::interleaved(level, from, to, repeated)),
            None => spans(src, dst, |from, to| self.statistics.any(from, to)),
        }
        Ok(())
    }

    /// [`normalise_chw`].
    pub fn planes(&self, level: Level, src: ImageRef<'_, T>, dst: &mut [f32]) -> Result<()> {
        let (height, width, channels) = src.shape();
        let statistics = &self.statistics;
        same(channels, statistics.mean.len())?;
        let plane = height.checked_mul(width).ok_or(Error::Overflow)?;
        let all =
            plane.checked_mul(channels).and_then(|len| dst.get_mut(..len)).ok_or(Error::BufferTooSmall)?;
        if plane == 0 {
            return Ok(());
        }
        match (channels, &self.repeated) {
            (1, Some(repeated)) => {
                for (to, from) in all.chunks_exact_mut(width.max(1)).zip(src.iter_rows()) {
                    T::interleaved(level, from, to, repeated);
                }
            }
            (3, _) => {
                let (r, rest) = split(all, plane);
                let (g, b) = split(rest, plane);
                let rows = r
                    .chunks_exact_mut(width.max(1))
                    .zip(g.chunks_exact_mut(width.max(1)))
                    .zip(b.chunks_exact_mut(width.max(1)));
                let of = [0, 1, 2].map(|c| statistics.of(c));
                for (((r, g), b), from) in rows.zip(src.iter_rows()) {
                    T::planes3(level, from, [r, g, b], of);
                }
            }
            _ => {
                for (c, to) in all.chunks_exact_mut(plane.max(1)).enumerate() {
                    for (to, from) in to.chunks_exact_mut(width.max(1)).zip(src.iter_rows()) {
                        channel(from.get(c..).unwrap_or(&[]), to, channels, statistics.of(c));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The means and deviations of all channels, checked.
struct Statistics<'a> {
    mean: &'a [f32],
    std: &'a [f32],
    white: f32,
}

/// Values that the repeated statistics serve at a time: whole pixels of all usual channel counts.
const PERIOD: usize = 48;

/// The scale and the shift of each of so many values.
#[derive(Debug)]
pub struct Repeated {
    scale: [f32; PERIOD],
    shift: [f32; PERIOD],
}

impl<'a> Statistics<'a> {
    fn new<T: Sample>(mean: &'a [f32], std: &'a [f32], channels: usize) -> Result<Self> {
        same((mean.len(), std.len()), (channels, channels))?;
        let usable =
            |(m, s): (&f32, &f32)| *s > 0.0 && s.is_finite() && (1.0 / s + math::abs(m / s)).is_finite();
        if !mean.iter().zip(std).all(usable) {
            return Err(Error::InvalidArgument);
        }
        Ok(Self { mean, std, white: T::LARGEST })
    }

    /// What channel `c` is multiplied by, and what is then taken away.
    fn of(&self, c: usize) -> (f32, f32) {
        match (self.mean.get(c), self.std.get(c)) {
            (Some(m), Some(s)) => (1.0 / (self.white * s), m / s),
            _ => (0.0, 0.0),
        }
    }

    /// `None` where pixels do not fill the period.
    fn repeated(&self) -> Option<Repeated> {
        let channels = self.mean.len();
        if !PERIOD.is_multiple_of(channels) {
            return None;
        }
        let mut all = Repeated { scale: [0.0; PERIOD], shift: [0.0; PERIOD] };
        for c in 0..channels {
            // Divided once, which is most of the work where images are small.
            let (scale, shift) = self.of(c);
            let places = all.scale.iter_mut().zip(&mut all.shift).skip(c).step_by(channels.max(1));
            places.for_each(|place| (*place.0, *place.1) = (scale, shift));
        }
        Some(all)
    }

    fn any<T: Sample>(&self, from: &[T], to: &mut [f32]) {
        let channels = self.mean.len();
        // Channel by channel, since the statistics take divisions, and as many pixels as stay in the cache.
        let part = PERIOD.saturating_mul(channels).max(1);
        for (to, from) in to.chunks_mut(part).zip(from.chunks(part)) {
            for c in 0..channels {
                let (scale, shift) = self.of(c);
                let places = to.iter_mut().zip(from).skip(c).step_by(channels.max(1));
                places.for_each(|(to, from)| *to = settle(*from, scale, shift));
            }
        }
    }
}

#[inline(always)]
fn settle<T: Sample>(value: T, scale: f32, shift: f32) -> f32 {
    value.to_f32() * scale - shift
}

/// Values that become numbers for networks, with the best code of a level for each kind.
pub trait Numbers: Plain {
    /// Values of which those of a period have these statistics.
    fn interleaved(level: Level, from: &[Self], to: &mut [f32], repeated: &Repeated);
    /// A row of three channels into a row of each plane.
    fn planes3(level: Level, from: &[Self], to: [&mut [f32]; 3], statistics: [(f32, f32); 3]);
    /// The first of each `channels` values as a share of white, of which the last ones may be cut off.
    fn shares(level: Level, from: &[Self], channels: usize, to: &mut [f32]);
}

impl Numbers for u8 {
    kernel! {
        fn interleaved(from: &[u8], to: &mut [f32], repeated: &Repeated) = interleaved_body, with avx512;
    }

    dispatch! {
        fn planes3(from: &[u8], to: [&mut [f32]; 3], statistics: [(f32, f32); 3]) {
            base: base3, Avx2: x86::by_8, Avx512Vbmi: x86::by_16,
        }
    }

    kernel! {
        fn shares(from: &[u8], channels: usize, to: &mut [f32]) = shares_body, with avx512;
    }
}

macro_rules! wider {
    ($($t:ty)*) => { $(
        impl Numbers for $t {
            kernel! {
                fn interleaved(from: &[$t], to: &mut [f32], repeated: &Repeated) = interleaved_body, with avx512;
            }

            kernel! {
                fn planes3(from: &[$t], to: [&mut [f32]; 3], statistics: [(f32, f32); 3]) = base3, with avx512;
            }

            kernel! {
                fn shares(from: &[$t], channels: usize, to: &mut [f32]) = shares_body, with avx512;
            }
        }
    )* };
}
wider!(u16 f32);

#[inline(always)]
fn interleaved_body<T: Sample>(from: &[T], to: &mut [f32], repeated: &Repeated) {
    let (from, from_rest) = from.as_chunks::<PERIOD>();
    let (to, to_rest) = to.as_chunks_mut::<PERIOD>();
    let pairs = || repeated.scale.iter().zip(&repeated.shift);
    for (to, from) in to.iter_mut().zip(from) {
        for ((to, from), (scale, shift)) in to.iter_mut().zip(from).zip(pairs()) {
            *to = settle(*from, *scale, *shift);
        }
    }
    for ((to, from), (scale, shift)) in to_rest.iter_mut().zip(from_rest).zip(pairs()) {
        *to = settle(*from, *scale, *shift);
    }
}

/// The first of each `channels` values, of which the last ones may be cut off.
#[inline(always)]
fn channel<T: Sample>(from: &[T], to: &mut [f32], channels: usize, (scale, shift): (f32, f32)) {
    for (to, from) in to.iter_mut().zip(from.iter().step_by(channels.max(1))) {
        *to = settle(*from, scale, shift);
    }
}

#[inline(always)]
fn base3<T: Sample>(from: &[T], to: [&mut [f32]; 3], statistics: [(f32, f32); 3]) {
    for (c, (to, statistics)) in to.into_iter().zip(statistics).enumerate() {
        channel(from.get(c..).unwrap_or(&[]), to, 3, statistics);
    }
}

#[inline(always)]
fn shares_body<T: Sample>(from: &[T], channels: usize, to: &mut [f32]) {
    let share = |to: &mut f32, from: &T| *to = from.to_f32() / T::LARGEST;
    // Strides that the compiler knows become vectors.
    match channels {
        1 => to.iter_mut().zip(from).for_each(|(to, from)| share(to, from)),
        3 => to.iter_mut().zip(from.iter().step_by(3)).for_each(|(to, from)| share(to, from)),
        4 => to.iter_mut().zip(from.iter().step_by(4)).for_each(|(to, from)| share(to, from)),
        n => to.iter_mut().zip(from.iter().step_by(n.max(1))).for_each(|(to, from)| share(to, from)),
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::base3;
    use crate::scratch::bytes_mut;
    use crate::simd::x86::{load_some, load16, load64, store32, store64};
    use core::arch::x86_64::{
        _mm256_castps_si256, _mm256_cvtepi32_ps, _mm256_mul_ps, _mm256_set_m128i, _mm256_set1_ps,
        _mm256_shuffle_epi8, _mm256_sub_ps, _mm512_castps_si512, _mm512_cvtepi32_ps,
        _mm512_maskz_permutexvar_epi8, _mm512_mul_ps, _mm512_set1_ps, _mm512_sub_ps,
    };

    /// For each byte of a register of 32-bit numbers the byte that it comes from: channel `c` of pixels of three.
    /// 0x80 stands for a zero.
    fn order<const N: usize>(c: u8) -> [u8; N] {
        core::array::from_fn(|i| if i % 4 == 0 { i as u8 / 4 * 3 + c } else { 0x80 })
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn by_8(from: &[u8], [r, g, b]: [&mut [f32]; 3], statistics: [(f32, f32); 3]) {
        const PIXELS: usize = 8;
        let orders = [0, 1, 2].map(|c| {
            // The second half of the register begins with the third byte of the third pixel of the row's next five.
            let low = order::<16>(c);
            let high = low.map(|at| if at == 0x80 { at } else { at + 4 });
            _mm256_set_m128i(load16(&high), load16(&low))
        });
        let scales = statistics.map(|(scale, _)| _mm256_set1_ps(scale));
        let shifts = statistics.map(|(_, shift)| _mm256_set1_ps(shift));
        let mut rows = [r, g, b].map(|to| to.as_chunks_mut::<PIXELS>());
        let [(r, _), (g, _), (b, _)] = &mut rows;
        let mut ahead = from;
        for ((r, g), b) in r.iter_mut().zip(g.iter_mut()).zip(b.iter_mut()) {
            let (Some(low), Some(high)) = (ahead.first_chunk(), ahead.get(8..).and_then(|h| h.first_chunk()))
            else {
                return;
            };
            let pixels = _mm256_set_m128i(load16(high), load16(low));
            for (((to, order), scale), shift) in [r, g, b].into_iter().zip(orders).zip(scales).zip(shifts) {
                let numbers = _mm256_cvtepi32_ps(_mm256_shuffle_epi8(pixels, order));
                let settled = _mm256_sub_ps(_mm256_mul_ps(numbers, scale), shift);
                if let Some(to) = bytes_mut(to).first_chunk_mut() {
                    store32(to, _mm256_castps_si256(settled));
                }
            }
            ahead = ahead.get(PIXELS * 3..).unwrap_or(&[]);
        }
        base3(ahead, rows.map(|(_, rest)| rest), statistics);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,fma")]
    pub(super) fn by_16(from: &[u8], [r, g, b]: [&mut [f32]; 3], statistics: [(f32, f32); 3]) {
        const PIXELS: usize = 16;
        let orders = [0, 1, 2].map(|c| load64(&order(c)));
        let scales = statistics.map(|(scale, _)| _mm512_set1_ps(scale));
        let shifts = statistics.map(|(_, shift)| _mm512_set1_ps(shift));
        let mut rows = [r, g, b].map(|to| to.as_chunks_mut::<PIXELS>());
        let [(r, _), (g, _), (b, _)] = &mut rows;
        let mut ahead = from;
        for ((r, g), b) in r.iter_mut().zip(g.iter_mut()).zip(b.iter_mut()) {
            let pixels = match ahead.first_chunk() {
                Some(whole) => load64(whole),
                None => load_some(ahead),
            };
            for (((to, order), scale), shift) in [r, g, b].into_iter().zip(orders).zip(scales).zip(shifts) {
                let values = _mm512_maskz_permutexvar_epi8(0x1111_1111_1111_1111, order, pixels);
                let settled = _mm512_sub_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(values), scale), shift);
                if let Some(to) = bytes_mut(to).first_chunk_mut() {
                    store64(to, _mm512_castps_si512(settled));
                }
            }
            ahead = ahead.get(PIXELS * 3..).unwrap_or(&[]);
        }
        base3(ahead, rows.map(|(_, rest)| rest), statistics);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Owned, images, same_at_every_level};
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn normalised(level: Level, src: &Owned, mean: &[f32], std: &[f32]) -> Vec<f32> {
        let (h, w, c) = src.shape;
        let mut out = vec![0f32; h * w * c];
        normalise(level, src.view(), ImageMut::new(&mut out, h, w, c).unwrap(), mean, std).unwrap();
        out
    }

    proptest! {
        #[test]
        fn normalising_follows_its_formula_with_the_same_bits_at_every_level(src in images()) {
            let mean: Vec<f32> = (0..src.shape.2).map(|c| 0.3 + 0.1 * c as f32).collect();
            let std: Vec<f32> = (0..src.shape.2).map(|c| 0.2 + 0.05 * c as f32).collect();
            let want = normalised(Level::BASE, &src, &mean, &std);
            for (i, v) in want.iter().enumerate() {
                let c = i % src.shape.2;
                let exact = (src.data[i] as f64 / 255.0 - mean[c] as f64) / std[c] as f64;
                prop_assert!((*v as f64 - exact).abs() < 2e-6);
            }
            for level in Level::available() {
                let got = normalised(level, &src, &mean, &std);
                prop_assert!(got.iter().zip(&want).all(|(g, w)| g.to_bits() == w.to_bits()));
            }
        }

        #[test]
        fn planes_hold_the_same_bits_as_pixels(src in images()) {
            let (h, w, c) = src.shape;
            let (mean, std): (Vec<f32>, Vec<f32>) = (0..c).map(|c| (0.1 * c as f32, 0.3 + 0.1 * c as f32)).unzip();
            let want = normalised(Level::BASE, &src, &mean, &std);
            for level in Level::available() {
                let mut planes = vec![0f32; h * w * c];
                normalise_chw(level, src.view(), &mut planes, &mean, &std).unwrap();
                for (i, v) in want.iter().enumerate() {
                    prop_assert_eq!(planes[i % c * h * w + i / c].to_bits(), v.to_bits());
                }
            }
        }
    }

    #[test]
    fn same_bits_at_every_level() {
        same_at_every_level(|level, src| {
            let (h, w, c) = src.shape;
            let (mean, std): (Vec<f32>, Vec<f32>) =
                (0..c).map(|c| (0.1 * c as f32, 0.3 + 0.1 * c as f32)).unzip();
            let (mut planes, mut shares) = (vec![0f32; h * w * c], vec![0f32; h * w * c]);
            normalise_chw(level, src.view(), &mut planes, &mean, &std).unwrap();
            to_float_chw(level, src.view(), &mut shares).unwrap();
            (normalised(level, src, &mean, &std), planes, shares)
        });
    }

    #[test]
    fn rows_longer_than_a_part_have_the_bits_of_their_pixels() {
        let src = Owned::noise((3, 131, 7), 4);
        let (mean, std): (Vec<f32>, Vec<f32>) =
            (0..7).map(|c| (0.1 * c as f32, 0.3 + 0.1 * c as f32)).unzip();
        let statistics = Statistics::new::<u8>(&mean, &std, 7).unwrap();
        for (i, v) in normalised(Level::detect(), &src, &mean, &std).iter().enumerate() {
            let (scale, shift) = statistics.of(i % 7);
            assert_eq!(v.to_bits(), (f32::from(src.data[i]) * scale - shift).to_bits());
        }
    }

    #[test]
    fn statistics_that_cannot_be_are_refused() {
        let src = Owned::pattern(2, 2, 1);
        let mut out = [7f32; 4];
        let mut run = |mean: &[f32], std: &[f32]| {
            normalise(Level::BASE, src.view(), ImageMut::new(&mut out, 2, 2, 1).unwrap(), mean, std)
        };
        assert_eq!(run(&[0.0], &[0.0]), Err(Error::InvalidArgument));
        assert_eq!(run(&[f32::NAN], &[1.0]), Err(Error::InvalidArgument));
        assert_eq!(run(&[0.5], &[1e-41]), Err(Error::InvalidArgument));
        assert_eq!(run(&[0.0, 0.0], &[1.0]), Err(Error::ShapeMismatch));
        assert_eq!(out, [7.0; 4]);
    }
}
