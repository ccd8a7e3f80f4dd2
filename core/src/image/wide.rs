//! The operations on 16-bit values and floats: against their definitions in `f64`, and the same bits at every level. What 8-bit
//! values have of their own is tested beside each operation. Factors are not round, since round ones make many ties, which
//! `f32` cannot tell from what is just below them.

use super::testing::{BORDERS, Owned, assert_exact, shapes};
use super::*;
use crate::rng::{Key, Stream};
use crate::scratch::Scratch;
use crate::simd::Level;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// Within so many levels: half of one for what is rounded, and of floats the share that `f32` has.
fn most<T: Sample>() -> f64 {
    if T::LARGEST > 1.0 { 0.55 } else { 4e-6 }
}

/// `op` from `src` into an image of `channels`, which comes to the same at every level.
fn same<T: Sample>(
    src: &Owned<T>,
    channels: usize,
    op: impl Fn(Level, ImageRef<'_, T>, ImageMut<'_, T>) -> Result<()>,
) -> Owned<T> {
    let at = |level| src.through(channels, |src, dst| op(level, src, dst).unwrap());
    let want = at(Level::BASE);
    let bits = |image: &Owned<T>| image.data.iter().map(|v| v.to_f32().to_bits()).collect::<Vec<_>>();
    for level in Level::available() {
        assert!(bits(&at(level)) == bits(&want), "{:?} at {}", src.shape, level.name());
    }
    want
}

/// `op` in place on a copy of `src`.
fn changed<T: Sample>(src: &Owned<T>, op: impl Fn(Level, ImageMut<'_, T>) -> Result<()>) -> Owned<T> {
    same(src, src.shape.2, |level, src, mut dst| {
        copy(src, dst.reborrow())?;
        op(level, dst)
    })
}

fn blurred<T: Sample>(
    level: Level,
    sigma: f32,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
) -> Result<()> {
    let mut memory = vec![0xa5u8; blur_scratch_len::<T>(sigma, src.shape())];
    gaussian_blur(level, sigma, border, src, dst, &mut Scratch::new(&mut memory))
}

#[test]
fn a_gaussian_of_almost_no_width_changes_nothing() {
    fn unchanged<T: Sample>(src: &Owned<T>) {
        for sigma in [f32::from_bits(1), f32::MIN_POSITIVE, 1e-23, 1e-10] {
            let out = same(src, src.shape.2, |level, src, dst| blurred(level, sigma, Border::Edge, src, dst));
            assert!(out == *src, "{sigma}");
        }
    }
    unchanged(&Owned::<u8>::shares((7, 41, 3), 1));
    unchanged(&Owned::<u16>::shares((7, 41, 3), 2));
    unchanged(&Owned::<f32>::shares((7, 41, 3), 3));
}

fn boxed<T: Sample>(
    level: Level,
    radius: usize,
    border: Border<T>,
    src: ImageRef<'_, T>,
    dst: ImageMut<'_, T>,
) -> Result<()> {
    let mut memory = vec![0xa5u8; box_blur_scratch_len::<T>(radius, src.shape())];
    box_blur(level, radius, border, src, dst, &mut Scratch::new(&mut memory))
}

/// The sum of the pixels around each, weighed by distance.
fn around<T: Sample>(weights: &[f64], border: Border<T>, src: &Owned<T>) -> Vec<f64> {
    let (h, w, c) = src.shape;
    let r = weights.len() as i64 / 2;
    let total: f64 = weights.iter().sum();
    let at = |y: i64, x: i64, ch: usize| {
        let place = border.index(y, h).zip(border.index(x, w));
        let value = place.map_or_else(|| border.constant().unwrap(), |(y, x)| src.data[(y * w + x) * c + ch]);
        f64::from(value.to_f32())
    };
    let value = |i: usize| {
        let (y, x, ch) = ((i / (w * c)) as i64, (i / c % w) as i64, i % c);
        let row = |dy: i64| weights.iter().zip(-r..).map(|(g, dx)| g * at(y + dy, x + dx, ch)).sum::<f64>();
        weights.iter().zip(-r..).map(|(g, dy)| g * row(dy)).sum::<f64>() / total / total
    };
    (0..h * w * c).map(value).collect()
}

fn borders<T: Sample>() -> [Border<T>; 5] {
    let grey = T::from_f32(T::LARGEST * 0.75);
    [Border::Constant(grey), Border::Edge, Border::Reflect101, Border::Reflect, Border::Wrap]
}

fn blurs_are_exact<T: Sample>() {
    let src = Owned::<T>::shares((23, 41, 3), 1);
    for border in borders::<T>() {
        for sigma in [0.3, 1.5, 2.9] {
            let r = (3.0 * f64::from(sigma)).ceil() as i64;
            let bell: Vec<f64> =
                (-r..=r).map(|x| (-(x * x) as f64 / (2.0 * f64::from(sigma * sigma))).exp()).collect();
            let got = same(&src, 3, |level, src, dst| blurred(level, sigma, border, src, dst));
            assert_exact(&got.data, &around(&bell, border, &src), most::<T>());
        }
        for radius in [0, 1, 7] {
            let got = same(&src, 3, |level, src, dst| boxed(level, radius, border, src, dst));
            assert_exact(&got.data, &around(&vec![1.0; 2 * radius + 1], border, &src), most::<T>());
        }
    }
    // What is plain stays plain to the level even under the widest blur.
    let plain = Owned { data: vec![T::from_f32(T::LARGEST); 35], shape: (7, 5, 1) };
    let got = same(&plain, 1, |level, src, dst| blurred(level, MAX_SIGMA, Border::Edge, src, dst));
    assert_exact(&got.data, &plain.numbers(), if T::LARGEST > 1.0 { 0.0 } else { 1e-5 });
}

#[test]
fn blurs_are_within_one_level_and_without_bias() {
    blurs_are_exact::<u16>();
    blurs_are_exact::<f32>();
}

/// The noise that a stream makes is that of 8-bit values, to which its deviation is scaled.
fn noise_is_that_of_bytes<T: Sample>() {
    let shape = (60, 67, 3);
    let grey = T::from_f32(T::LARGEST * 0.5);
    let src = Owned { data: vec![grey; 60 * 67 * 3], shape };
    let noisy = |std: f32| {
        changed(&src, move |level, dst| gaussian_noise(level, std, &mut Stream::new(5, Key::new(1)), dst))
    };
    let bytes = Owned { data: vec![128u8; 60 * 67 * 3], shape };
    let (got, of_bytes) = (
        noisy(12.0),
        changed(&bytes, |level, dst| gaussian_noise(level, 12.0, &mut Stream::new(5, Key::new(1)), dst)),
    );
    let level = f64::from(T::LARGEST) / 255.0;
    for (g, b) in got.numbers().iter().zip(&of_bytes.data) {
        let moved = (g - f64::from(grey.to_f32())) / level;
        assert!((moved - (f64::from(*b) - 128.0)).abs() < 0.51, "{moved} {b}");
    }
    // Twice the deviation is twice as far, up to the rounding of each.
    for (g, twice) in got.numbers().iter().zip(noisy(24.0).numbers()) {
        let mean = f64::from(grey.to_f32());
        assert!((2.0 * (g - mean) - (twice - mean)).abs() <= 3.0 * most::<T>());
    }
    assert_eq!(noisy(0.0), src);
    // Only integers end at white.
    let far = noisy(255.0).numbers();
    assert_eq!(far.iter().any(|&v| v > f64::from(T::LARGEST)), T::LARGEST == 1.0);
}

#[test]
fn noise_is_the_same_for_every_type() {
    noise_is_that_of_bytes::<u16>();
    noise_is_that_of_bytes::<f32>();
}

fn grey_of(p: &[f64]) -> f64 {
    0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]
}

fn mixes_and_greys_are_exact<T: Sample>() {
    for c in [1, 3, 4, 5] {
        let (a, b) = (Owned::<T>::shares((23, 67, c), 2), Owned::<T>::shares((23, 67, c), 3));
        for share in [0.0, 0.3137, 0.999_99, 1.0] {
            let got = changed(&a, |level, dst| mixup(level, b.view(), dst, share));
            let pairs = a.numbers().into_iter().zip(b.numbers());
            let want: Vec<f64> = pairs.map(|(a, b)| a + (b - a) * f64::from(share)).collect();
            assert_exact(&got.data, &want, most::<T>());
        }
        assert_eq!(changed(&a, |level, dst| mixup(level, b.view(), dst, 1.0)), b);
        if c < 3 {
            continue;
        }
        let grey = same(&a, 1, rgb_to_grey);
        let want: Vec<f64> = a.numbers().chunks_exact(c).map(grey_of).collect();
        // The weights of integers are rounded to 16 bits: at most 0.37 of a level, and no bias.
        assert_exact(&grey.data, &want, most::<T>() + if T::LARGEST > 1.0 { 0.37 } else { 0.0 });
        let back = grey.through(c, |src, dst| grey_to_rgb(src, dst).unwrap());
        assert!(back.data.chunks_exact(c).zip(&grey.data).all(|(pixel, v)| pixel.iter().all(|p| p == v)));
        let mean = grey_mean(Level::BASE, a.view());
        let exact = want.iter().sum::<f64>() / want.len() as f64;
        assert!((f64::from(mean) / exact - 1.0).abs() < 1e-6, "{mean} {exact}");
        for level in Level::available() {
            assert_eq!(grey_mean(level, a.view()).to_bits(), mean.to_bits());
        }
        let first = grey_mean(Level::detect(), grey.view());
        assert!(
            (f64::from(first) / (grey.numbers().iter().sum::<f64>() / want.len() as f64) - 1.0).abs() < 1e-6
        );
    }
}

#[test]
fn mixing_and_grey_are_within_one_level_and_without_bias() {
    mixes_and_greys_are_exact::<u16>();
    mixes_and_greys_are_exact::<f32>();
}

/// A pixel with its hue turned, on real numbers (Smith 1978).
fn turned(p: &[f64], turns: f64) -> [f64; 3] {
    let (r, g, b) = (p[0], p[1], p[2]);
    let largest = r.max(g).max(b);
    let c = largest - r.min(g).min(b);
    let h = match () {
        () if c == 0.0 => 0.0,
        () if largest == r => (g - b) / c,
        () if largest == g => (b - r) / c + 2.0,
        () => (r - g) / c + 4.0,
    };
    [5.0, 3.0, 1.0].map(|n| {
        let k = (n + h + turns * 6.0).rem_euclid(6.0);
        largest - c * k.min(4.0 - k).clamp(0.0, 1.0)
    })
}

/// The words of [`Adjust`] on all pixels, rounded as the type is.
fn adjusted<T: Sample>(values: &mut [f64], channels: usize, adjust: Adjust) {
    let pixels = values.len() as f64 / channels as f64;
    let mean = if channels < 3 {
        values.iter().step_by(channels).sum::<f64>() / pixels
    } else {
        values.chunks_exact(channels).map(grey_of).sum::<f64>() / pixels
    };
    for pixel in values.chunks_exact_mut(channels) {
        let colours = &mut pixel[..channels.min(3)];
        match adjust {
            Adjust::Brightness(f) => colours.iter_mut().for_each(|v| *v *= f64::from(f)),
            Adjust::Contrast(f) => colours.iter_mut().for_each(|v| *v = mean + (*v - mean) * f64::from(f)),
            _ if channels < 3 => {}
            Adjust::Saturation(f) => {
                let grey = grey_of(colours);
                colours.iter_mut().for_each(|v| *v = grey + (*v - grey) * f64::from(f));
            }
            Adjust::Hue(turns) => colours.copy_from_slice(&turned(colours, f64::from(turns))),
        }
    }
    if T::LARGEST > 1.0 {
        values.iter_mut().for_each(|v| *v = (*v + 0.5).floor().clamp(0.0, f64::from(T::LARGEST)));
    }
}

fn colours_are_exact<T: Sample>() {
    for c in [1, 2, 3, 4, 6] {
        let src = Owned::<T>::shares((29, 67, c), 4);
        if c >= 3 {
            for turns in [0.0, 0.03, -0.2, 0.5, 1.0 / 3.0, 7.9] {
                let got = changed(&src, |level, dst| hue(level, turns, dst));
                let mut want = src.numbers();
                for pixel in want.chunks_exact_mut(c) {
                    let new = turned(pixel, f64::from(turns));
                    pixel[..3].copy_from_slice(&new);
                }
                assert_exact(&got.data, &want, most::<T>());
            }
        }
        let steps = [
            Adjust::Contrast(1.4137),
            Adjust::Saturation(0.6173),
            Adjust::Hue(0.1),
            Adjust::Brightness(0.9171),
        ];
        let got = changed(&src, |level, dst| Jitter(steps).apply(level, dst));
        let mut want = src.numbers();
        steps.iter().for_each(|&step| adjusted::<T>(&mut want, c, step));
        // Ties of a step before may settle either way.
        assert_exact(&got.data, &want, if T::LARGEST > 1.0 { 2.0 } else { 1e-5 });
        let wrong = [steps[0], steps[1], Adjust::Hue(f32::NAN), steps[3]];
        let mut left = src.clone();
        assert_eq!(Jitter(wrong).apply(Level::BASE, left.view_mut()), Err(Error::NotFinite));
        assert_eq!(left, src);
    }
}

#[test]
fn hues_and_jitters_are_within_one_level_and_without_bias() {
    colours_are_exact::<u16>();
    colours_are_exact::<f32>();
}

fn numbers_are_exact<T: Sample>() {
    for c in 1..=6 {
        let (h, w) = (5, 71);
        let src = Owned::<T>::shares((h, w, c), 5);
        let mean: Vec<f32> = (0..c).map(|c| 0.3 + 0.1 * c as f32).collect();
        let std: Vec<f32> = (0..c).map(|c| 0.2 + 0.05 * c as f32).collect();
        for level in Level::available() {
            let mut all = [(); 4].map(|()| vec![0f32; h * w * c]);
            let [normal, normal_planes, share, share_planes] = &mut all;
            normalise(level, src.view(), ImageMut::new(normal, h, w, c).unwrap(), &mean, &std).unwrap();
            normalise_chw(level, src.view(), normal_planes, &mean, &std).unwrap();
            to_float(level, src.view(), ImageMut::new(share, h, w, c).unwrap()).unwrap();
            to_float_chw(level, src.view(), share_planes).unwrap();
            for (i, v) in src.numbers().into_iter().enumerate() {
                let (ch, plane) = (i % c, i % c * h * w + i / c);
                let exact = v / f64::from(T::LARGEST);
                assert_eq!(share[i], exact as f32);
                assert_eq!(share_planes[plane], share[i]);
                let exact = (exact - f64::from(mean[ch])) / f64::from(std[ch]);
                assert!((f64::from(normal[i]) - exact).abs() < 2e-6);
                assert_eq!(normal_planes[plane].to_bits(), normal[i].to_bits());
            }
        }
        assert_eq!(
            to_float_chw(Level::BASE, src.view(), &mut vec![0.0; h * w * c - 1]),
            Err(Error::BufferTooSmall)
        );
    }
}

#[test]
fn numbers_are_shares_of_white() {
    numbers_are_exact::<u8>();
    numbers_are_exact::<u16>();
    numbers_are_exact::<f32>();
}

/// Everything on an image of any shape: only that the levels agree.
fn levels_agree<T: Sample>(shape: (usize, usize, usize), seed: u64, border: usize) {
    let c = shape.2;
    let src = Owned::<T>::shares(shape, seed);
    let border = borders::<T>()[border];
    same(&src, c, |level, src, dst| blurred(level, 1.3, border, src, dst));
    same(&src, c, |level, src, dst| boxed(level, 2, border, src, dst));
    let steps = [Adjust::Hue(0.2), Adjust::Brightness(1.1), Adjust::Contrast(1.2), Adjust::Saturation(1.3)];
    let other = Owned::<T>::shares(shape, seed ^ 1);
    changed(&src, |level, mut dst| {
        gaussian_noise(level, 20.0, &mut Stream::new(seed, Key::new(2)), dst.reborrow())?;
        mixup(level, other.view(), dst.reborrow(), 0.4)?;
        Jitter(steps).apply(level, dst)
    });
    if c >= 3 {
        same(&src, 1, rgb_to_grey);
    }
}

#[test]
fn all_widths_and_channels_have_the_same_bits_at_every_level() {
    for shape in shapes().filter(|(h, ..)| matches!(h, 1 | 2 | 17 | 67)) {
        levels_agree::<u16>(shape, 7, shape.2 % BORDERS.len());
        levels_agree::<f32>(shape, 7, shape.2 % BORDERS.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_image_has_the_same_bits_at_every_level(shape in (1usize..40, 1usize..150, 1usize..10), seed: u64, border in 0usize..5) {
        levels_agree::<u16>(shape, seed, border);
        levels_agree::<f32>(shape, seed, border);
    }
}
