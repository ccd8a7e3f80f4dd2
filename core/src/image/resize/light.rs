//! Resizing in light.

use super::super::colour::{decode, encode, light_of};
use super::super::sample::levels;
use super::*;

/// Bytes that [`resize_linear_light`] takes. Sizes are (height, width).
pub fn resize_linear_light_scratch_len(
    sampling: impl Into<Sampling>,
    from: (usize, usize),
    to: (usize, usize),
    channels: usize,
) -> usize {
    let sampling = sampling.into();
    let values = |(height, width): (usize, usize)| height.saturating_mul(width).saturating_mul(channels);
    ScratchLen::new()
        .with_bytes(ResizePlan::plan_len(sampling, from, to))
        .with::<f32>(values(from))
        .with::<f32>(values(to))
        .with_bytes(ResizePlan::run_any_len::<f32>(sampling, from, to, channels))
        .bytes()
}

/// Resizes the light that the values of sRGB of `src` stand for, in `f32`, into `dst`: fine patterns of black and white keep
/// their brightness, where a resize of the values makes them too dark.
///
/// Values are taken to light as [`srgb_to_linear`](super::super::srgb_to_linear) does, and what comes out back; the fourth and
/// later channels are resized as they are. Colours with an opacity are multiplied by it first
/// ([`premultiply`](super::super::premultiply)), in light where it is to be right there, too.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the images differ in channels, what [`ResizePlan::new`] refuses, [`Error::ScratchTooSmall`],
/// [`Error::Overflow`].
pub fn resize_linear_light<T: Sample>(
    level: Level,
    sampling: impl Into<Sampling>,
    src: ImageRef<'_, T>,
    mut dst: ImageMut<'_, T>,
    scratch: &mut Scratch<'_>,
) -> Result<()> {
    let ((h, w, channels), (height, width, _)) = (src.shape(), dst.shape());
    same(channels, dst.channels())?;
    let mut frame = scratch.frame();
    let plan = ResizePlan::new(sampling, (h, w), (height, width), &mut frame)?;
    let len = |h: usize, w: usize| {
        h.checked_mul(w).and_then(|pixels| pixels.checked_mul(channels)).ok_or(Error::Overflow)
    };
    let light = frame.take::<f32>(len(h, w)?)?;
    let resized = frame.take::<f32>(len(height, width)?)?;
    let row = w.saturating_mul(channels).max(1);
    match levels(src) {
        Some(levels) => {
            for (to, from) in light.chunks_exact_mut(row).zip(levels.iter_rows()) {
                to.iter_mut().zip(from).for_each(|(to, v)| *to = light_of(*v));
            }
        }
        None => {
            for (to, from) in light.chunks_exact_mut(row).zip(src.iter_rows()) {
                to.iter_mut().zip(from).for_each(|(to, v)| *to = v.to_f32() / T::LARGEST);
                decode_all(level, to);
            }
        }
    }
    // Which are no colours.
    if channels > 3 {
        for (to, from) in light.chunks_exact_mut(row).zip(src.iter_rows()) {
            for (to, from) in to.chunks_exact_mut(channels).zip(from.chunks_exact(channels)) {
                to.iter_mut().zip(from).skip(3).for_each(|(to, v)| *to = v.to_f32() / T::LARGEST);
            }
        }
    }
    let from = ImageRef::new(light, h, w, channels)?;
    plan.run_any(level, from, ImageMut::new(resized, height, width, channels)?, &mut frame)?;
    let row = width.saturating_mul(channels).max(1);
    for (to, from) in dst.iter_rows_mut().zip(resized.chunks_exact_mut(row)) {
        if channels > 3 {
            for pixel in from.chunks_exact_mut(channels) {
                pixel.iter_mut().take(3).for_each(|v| *v = encode(*v));
            }
        } else {
            encode_all(level, from);
        }
        to.iter_mut().zip(from.iter()).for_each(|(to, v)| *to = T::from_f32(v * T::LARGEST));
    }
    Ok(())
}

kernel! {
    fn decode_all(values: &mut [f32]) = decode_body, with avx512;
}

#[inline(always)]
fn decode_body(values: &mut [f32]) {
    values.iter_mut().for_each(|v| *v = decode(*v));
}

kernel! {
    fn encode_all(values: &mut [f32]) = encode_body, with avx512;
}

#[inline(always)]
fn encode_body(values: &mut [f32]) {
    values.iter_mut().for_each(|v| *v = encode(*v));
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Owned, assert_exact};
    use super::super::super::{Filter, linear_to_srgb, srgb_to_linear};
    use super::*;
    use std::vec;

    fn resized<T: Sample>(level: Level, src: &Owned<T>, to: (usize, usize)) -> Owned<T> {
        let (h, w, c) = src.shape;
        let mut memory = vec![0xa5; resize_linear_light_scratch_len(Filter::Bilinear, (h, w), to, c)];
        let mut out = Owned { data: vec![T::default(); to.0 * to.1 * c], shape: (to.0, to.1, c) };
        let scratch = &mut Scratch::new(&mut memory);
        resize_linear_light(level, Filter::Bilinear, src.view(), out.view_mut(), scratch).unwrap();
        out
    }

    #[test]
    fn a_fine_pattern_keeps_its_light() {
        // Half of the light is 187.5 levels.
        let data = (0..16 * 16).map(|i| if (i + i / 16) % 2 == 0 { 255 } else { 0 }).collect();
        let src = Owned::<u8> { data, shape: (16, 16, 1) };
        let out = resized(Level::detect(), &src, (1, 1));
        assert_eq!(out.data, [188]);
    }

    fn follows_the_words<T: Sample>() {
        for c in 1..=5 {
            let src = Owned::<T>::shares((21, 34, c), 3);
            let shares = src.numbers().iter().map(|v| (v / f64::from(T::LARGEST)) as f32).collect();
            let mut light = Owned::<f32> { data: shares, shape: src.shape };
            srgb_to_linear(Level::BASE, light.view_mut());
            let plan_memory = &mut vec![0; ResizePlan::plan_len(Filter::Bilinear, (21, 34), (13, 50))];
            let plan = ResizePlan::new(Filter::Bilinear, (21, 34), (13, 50), &mut Scratch::new(plan_memory));
            let len = ResizePlan::run_any_len::<f32>(Filter::Bilinear, (21, 34), (13, 50), c);
            let mut want = Owned { data: vec![0f32; 13 * 50 * c], shape: (13, 50, c) };
            let memory = &mut vec![0; len];
            let plan = plan.unwrap();
            plan.run_any(Level::BASE, light.view(), want.view_mut(), &mut Scratch::new(memory)).unwrap();
            linear_to_srgb(Level::BASE, want.view_mut());
            let want: vec::Vec<f64> = want.numbers().iter().map(|v| v * f64::from(T::LARGEST)).collect();
            for level in Level::available() {
                assert_exact(
                    &resized(level, &src, (13, 50)).data,
                    &want,
                    if T::LARGEST > 1.0 { 0.52 } else { 1e-6 },
                );
            }
        }
    }

    #[test]
    fn light_is_resized_and_not_values() {
        follows_the_words::<u8>();
        follows_the_words::<u16>();
        follows_the_words::<f32>();
        let (src, mut dst) = (Owned::noise((4, 4, 3), 1), Owned::new((2, 2, 4)));
        let wrong = resize_linear_light(
            Level::BASE,
            Filter::Bilinear,
            src.view(),
            dst.view_mut(),
            &mut Scratch::empty(),
        );
        assert_eq!(wrong, Err(Error::ShapeMismatch));
    }
}
