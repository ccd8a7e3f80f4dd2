use super::super::testing::{
    Owned, assert_exact, at_every_level, each_value, half, images, made, same_at_every_level, value,
};
use super::*;
use crate::rng::Key;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn zoomed<T: Sample>(level: Level, factor: f32, steps: usize, src: &Owned<T>) -> Owned<T> {
    let bytes = zoom_scratch_len::<T>(src.shape);
    made(src, bytes, |src, dst, scratch| zoom_blur(level, factor, steps, src, dst, scratch))
}

fn shattered<T: Sample>(level: Level, sigma: f32, radius: usize, rounds: usize, src: &Owned<T>) -> Owned<T> {
    let bytes = glass_scratch_len::<T>(sigma, src.shape);
    made(src, bytes, |src, dst, scratch| {
        let stream = &mut Stream::new(4, Key::new(1));
        glass_blur(level, sigma, radius, rounds, stream, src, dst, scratch)
    })
}

fn coarse<T: Sample>(level: Level, scale: f32, [down, up]: [Filter; 2], src: &Owned<T>) -> Owned<T> {
    let bytes = downscale_scratch_len::<T>([scale; 2], down, up, src.shape);
    made(src, bytes, |src, dst, scratch| downscale(level, scale, down, up, src, dst, scratch))
}

fn dispersed<T: Sample>(level: Level, red: f32, blue: f32, src: &Owned<T>) -> Owned<T> {
    let bytes = aberration_scratch_len::<T>(src.shape);
    made(src, bytes, |src, dst, scratch| chromatic_aberration(level, red, blue, src, dst, scratch))
}

/// The bilinear sample of a view that is scaled about the middle, on real numbers.
fn view<T: Sample>(src: &Owned<T>, scale: f64, (y, x): (i64, i64), c: usize) -> f64 {
    let place = |at: i64, side: usize| {
        let middle = (side as f64 - 1.0) / 2.0;
        middle + (at as f64 - middle) / scale
    };
    let (y, x) = (place(y, src.shape.0), place(x, src.shape.1));
    let (top, left) = (y.floor(), x.floor());
    let at = |dy: i64, dx: i64| value(src, Border::Edge, (top as i64 + dy, left as i64 + dx), c);
    let row = |dy| at(dy, 0) * (1.0 - (x - left)) + at(dy, 1) * (x - left);
    row(0) * (1.0 - (y - top)) + row(1) * (y - top)
}

fn zooms_are_exact<T: Sample>() {
    for c in 1..=5 {
        let src = Owned::<T>::shares((19, 37, c), 7);
        for (factor, steps) in [(1.0, 2), (1.31, 3), (2.0, 8), (1.07, 32)] {
            let got = at_every_level(&src, |level, src| zoomed(level, factor, steps, src));
            let want = each_value(src.shape, |y, x, c| {
                let scale = |i: usize| 1.0 + (f64::from(factor) - 1.0) * i as f64 / (steps - 1) as f64;
                let rounded = |v: f64| if T::LARGEST > 1.0 { (v + 0.5).floor() } else { v };
                (0..steps).map(|i| rounded(view(&src, scale(i), (y, x), c))).sum::<f64>() / steps as f64
            });
            // Of integers a view may be on the other side of a half.
            assert_exact(&got.data, &want, if T::LARGEST > 1.0 { 0.5 + 2.0 / steps as f64 } else { 2e-5 });
        }
    }
}

#[test]
fn zooms_are_those_of_the_definition_and_without_bias() {
    zooms_are_exact::<u8>();
    zooms_are_exact::<u16>();
    zooms_are_exact::<f32>();
    // The nearest means of the greatest sums.
    for views in 2..=MAX_VIEWS as u32 {
        let sums: Vec<u16> = (0..=(255 * views) as u16).collect();
        let mut means = vec![0; sums.len()];
        u8::share(Level::detect(), &sums, views, &mut means);
        assert!(sums.iter().zip(means).all(|(s, m)| (u32::from(*s) + views / 2) / views == u32::from(m)));
        let sums: Vec<u32> = (0..=65535 * views).rev().take(70_000).collect();
        let mut means = vec![0; sums.len()];
        u16::share(Level::detect(), &sums, views, &mut means);
        assert!(sums.iter().zip(means).all(|(s, m)| (s + views / 2) / views == u32::from(m)));
    }
}

fn glass_is_exact<T: Sample>() {
    for c in 1..=5 {
        let src = Owned::<T>::shares((11, 17, c), 7);
        let blurred = |src: &Owned<T>| {
            made(src, blur_scratch_len::<T>(0.7, src.shape), |src, dst, scratch| {
                gaussian_blur(Level::BASE, 0.7, Border::Reflect101, src, dst, scratch)
            })
        };
        let mut want = blurred(&src);
        let mut stream = Stream::new(4, Key::new(1));
        for (y, x) in (0..2).flat_map(|_| (0..11i64).flat_map(|y| (0..17i64).map(move |x| (y, x)))) {
            let bits = u64::from(stream.next_u32());
            let step = |half: u64| (half * 5 / 65536) as i64 - 2;
            let (to_y, to_x) = ((y + step(bits >> 16)).clamp(0, 10), (x + step(bits % 65536)).clamp(0, 16));
            (0..c).for_each(|ch| {
                want.data.swap((y * 17 + x) as usize * c + ch, (to_y * 17 + to_x) as usize * c + ch);
            });
        }
        assert_eq!(at_every_level(&src, |level, src| shattered(level, 0.7, 2, 2, src)), blurred(&want));
        assert_eq!(shattered(Level::detect(), 0.7, 0, 3, &src), blurred(&blurred(&src)));
    }
}

#[test]
fn glass_moves_pixels_as_its_numbers_say() {
    glass_is_exact::<u8>();
    glass_is_exact::<u16>();
    glass_is_exact::<f32>();
}

fn coarse_is_exact<T: Sample>() {
    for c in 1..=5 {
        let src = Owned::<T>::shares((96, 144, c), 7);
        // Means of squares, each for all of its square; 8-bit ones are rounded between the passes.
        let got =
            at_every_level(&src, |level, src| coarse(level, 0.25, [Filter::Area, Filter::Nearest], src));
        let rounded = |v: f64| if T::LARGEST == 255.0 { (v + 0.5).floor() } else { v };
        let want = each_value(src.shape, |y, x, c| {
            let at = |dy, dx| value(&src, Border::Edge, (y / 4 * 4 + dy, x / 4 * 4 + dx), c);
            let row = |dy| rounded((0..4).map(|dx| at(dy, dx)).sum::<f64>() / 4.0);
            (0..4).map(row).sum::<f64>() / 4.0
        });
        assert_exact(&got.data, &want, half::<T>());
        assert_eq!(coarse(Level::detect(), 1.0, [Filter::Bilinear; 2], &src), src);
    }
}

#[test]
fn pixels_are_those_of_the_small_image() {
    coarse_is_exact::<u8>();
    coarse_is_exact::<u16>();
    coarse_is_exact::<f32>();
}

/// `Image.resize` of Pillow 13.0.0 by `BOX` to a half and by `BILINEAR` back, on the 4 × 6 × 1 test picture.
#[test]
fn pixels_are_those_of_pillow() {
    let src = Owned::pattern(4, 6, 1);
    let want = [
        25, 31, 42, 54, 65, 71, 44, 50, 62, 74, 86, 92, 81, 88, 101, 114, 127, 133, 100, 107, 120, 134, 147,
        154,
    ];
    for level in Level::available() {
        assert_eq!(coarse(level, 0.5, [Filter::Box, Filter::Bilinear], &src).data, want);
    }
}

#[test]
fn there_is_memory_for_every_scale_of_a_range() {
    let src = Owned::<u8>::noise((37, 53, 3), 1);
    let wide = Owned::<f32>::shares((37, 53, 3), 1);
    for filter in Filter::ALL {
        for [low, high] in [[0.05, 1.0], [0.3, 0.7], [0.05, 0.05]] {
            for step in 0..=60 {
                let scale = low + (high - low) * step as f32 / 60.0;
                let range = [low, high];
                let run = |level: Level| {
                    let bytes = downscale_scratch_len::<u8>(range, filter, filter, src.shape);
                    made(&src, bytes, |src, dst, scratch| {
                        downscale(level, scale, filter, filter, src, dst, scratch)
                    });
                };
                Level::available().for_each(run);
                let bytes = downscale_scratch_len::<f32>(range, filter, filter, src.shape);
                made(&wide, bytes, |src, dst, scratch| {
                    downscale(Level::detect(), scale, filter, filter, src, dst, scratch)
                });
            }
        }
    }
}

fn dispersion_is_exact<T: Sample>() {
    for c in 1..=5 {
        let src = Owned::<T>::shares((19, 37, c), 7);
        let got = at_every_level(&src, |level, src| dispersed(level, 0.03, -0.02, src));
        let want = each_value(src.shape, |y, x, ch| match ch {
            _ if c < 3 => value(&src, Border::Edge, (y, x), ch),
            0 => view(&src, 1.03, (y, x), ch),
            2 => view(&src, 0.98, (y, x), ch),
            _ => value(&src, Border::Edge, (y, x), ch),
        });
        assert_exact(&got.data, &want, if T::LARGEST > 1.0 { 0.8 } else { 2e-5 });
        assert_eq!(dispersed(Level::detect(), 0.0, 0.0, &src), src);
    }
}

#[test]
fn colours_come_apart_as_the_definition_says() {
    dispersion_is_exact::<u8>();
    dispersion_is_exact::<u16>();
    dispersion_is_exact::<f32>();
}

#[test]
fn same_bytes_at_every_level() {
    same_at_every_level(|level, src| zoomed(level, 1.2, 4, src));
    same_at_every_level(|level, src| coarse(level, 0.4, [Filter::Box, Filter::Bilinear], src));
    same_at_every_level(|level, src| dispersed(level, 0.02, -0.01, src));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_image_is_the_same_at_every_level(src in images(), factor in 1f32..2.0, steps in 2usize..9,
                                            scale in 0.05f32..1.0, red in -0.5f32..0.5) {
        at_every_level(&src, |level, src| zoomed(level, factor, steps, src));
        at_every_level(&src, |level, src| coarse(level, scale, [Filter::Bicubic, Filter::Lanczos3], src));
        at_every_level(&src, |level, src| dispersed(level, red, -red, src));
        at_every_level(&src, |level, src| shattered(level, factor - 0.5, steps, 1, src));
    }
}

#[test]
fn bad_arguments_are_refused() {
    let src = Owned::<u8>::noise((4, 5, 3), 1);
    let (mut out, level) = (Owned::new(src.shape), Level::BASE);
    let none = &mut Scratch::empty();
    for (factor, steps) in [(0.9, 3), (4.1, 3), (f32::NAN, 3), (1.5, 1), (1.5, 33)] {
        let got = zoom_blur(level, factor, steps, src.view(), out.view_mut(), none);
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    for scale in [0.0, -1.0, 1.01, f32::NAN] {
        let got = downscale(level, scale, Filter::Box, Filter::Box, src.view(), out.view_mut(), none);
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    for (red, blue) in [(0.6, 0.0), (0.0, -0.6), (f32::NAN, 0.0)] {
        let got = chromatic_aberration(level, red, blue, src.view(), out.view_mut(), none);
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    let mut memory = vec![0; 1 << 16];
    for (sigma, radius) in [(0.0, 1), (1.0, 17), (33.0, 1)] {
        let (stream, scratch) = (&mut Stream::new(1, Key::new(1)), &mut Scratch::new(&mut memory));
        let got = glass_blur(level, sigma, radius, 1, stream, src.view(), out.view_mut(), scratch);
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    assert_eq!(zoom_blur(level, 1.1, 3, src.view(), out.view_mut(), none), Err(Error::ScratchTooSmall));
    assert_eq!(
        chromatic_aberration(level, 0.1, 0.1, src.view(), out.view_mut(), none),
        Err(Error::ScratchTooSmall)
    );
    let mut other = Owned::new((4, 5, 1));
    assert_eq!(zoom_blur(level, 1.1, 3, src.view(), other.view_mut(), none), Err(Error::ShapeMismatch));
    assert_eq!(out, Owned::new(src.shape));
}
