use super::super::testing::{
    Owned, assert_exact, at_every_level, each_value, half, images, made, same_at_every_level, value,
};
use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn sharpened<T: Sample>(level: Level, factor: f32, src: &Owned<T>) -> Owned<T> {
    let bytes = sharpen_scratch_len::<T>(src.shape);
    made(src, bytes, |src, dst, scratch| sharpen(level, factor, src, dst, scratch))
}

fn masked<T: Sample>(level: Level, [sigma, amount, threshold]: [f32; 3], src: &Owned<T>) -> Owned<T> {
    let bytes = unsharp_scratch_len::<T>(sigma, src.shape);
    made(src, bytes, |src, dst, scratch| unsharp_mask(level, sigma, amount, threshold, src, dst, scratch))
}

/// The definition on real numbers, of which those of integers are rounded where it says so.
fn plainly<T: Sample>(factor: f32, src: &Owned<T>) -> Vec<f64> {
    let (h, w, _) = src.shape;
    each_value(src.shape, |y, x, c| {
        let at = |dy, dx| value(src, Border::Edge, (y + dy, x + dx), c);
        if y == 0 || x == 0 || y + 1 == h as i64 || x + 1 == w as i64 {
            return at(0, 0);
        }
        let around: f64 =
            (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dy, dx))).map(|(dy, dx)| at(dy, dx)).sum();
        let smooth = (around + 4.0 * at(0, 0)) / 13.0;
        let smooth = if T::LARGEST > 1.0 { (smooth + 0.5).floor() } else { smooth };
        smooth + (at(0, 0) - smooth) * f64::from(factor)
    })
}

fn sharpening_is_exact<T: Sample>() {
    for c in 1..=5 {
        for (h, w) in [(1, 9), (9, 2), (3, 3), (17, 67)] {
            let src = Owned::<T>::shares((h, w, c), 7);
            for factor in [0.0, 0.4137, 1.0, 1.7931, 2.0, 9.713] {
                let got = at_every_level(&src, |level, src| sharpened(level, factor, src));
                assert_exact(&got.data, &plainly(factor, &src), half::<T>() + f64::from(factor) * 1e-6);
            }
            assert_eq!(sharpened(Level::detect(), 1.0, &src), src);
        }
    }
}

#[test]
fn sharpening_is_that_of_the_definition_and_without_bias() {
    sharpening_is_exact::<u8>();
    sharpening_is_exact::<u16>();
    sharpening_is_exact::<f32>();
}

/// `ImageEnhance.Sharpness` of Pillow 13.0.0, and `adjust_sharpness` of torchvision 0.29.2, on the 4 × 5 × 3 test picture.
#[test]
fn sharpening_is_that_of_pillow_and_torchvision() {
    let src = Owned::pattern(4, 5, 3);
    let want: [(f32, [u8; 60]); 3] = [
        (
            0.0,
            [
                0, 71, 142, 11, 82, 153, 22, 93, 164, 33, 104, 175, 44, 115, 186, 37, 108, 179, 49, 120, 191,
                61, 132, 203, 73, 144, 195, 85, 156, 227, 74, 145, 216, 87, 158, 190, 100, 171, 183, 113,
                184, 176, 126, 197, 12, 111, 182, 253, 125, 196, 11, 139, 210, 25, 153, 224, 39, 167, 238,
                53,
            ],
        ),
        (
            2.0,
            [
                0, 71, 142, 11, 82, 153, 22, 93, 164, 33, 104, 175, 44, 115, 186, 37, 108, 179, 49, 120, 191,
                61, 132, 203, 73, 144, 235, 85, 156, 227, 74, 145, 216, 87, 158, 255, 100, 171, 255, 113,
                184, 255, 126, 197, 12, 111, 182, 253, 125, 196, 11, 139, 210, 25, 153, 224, 39, 167, 238,
                53,
            ],
        ),
        (
            3.0,
            [
                0, 71, 142, 11, 82, 153, 22, 93, 164, 33, 104, 175, 44, 115, 186, 37, 108, 179, 49, 120, 191,
                61, 132, 203, 73, 144, 255, 85, 156, 227, 74, 145, 216, 87, 158, 255, 100, 171, 255, 113,
                184, 255, 126, 197, 12, 111, 182, 253, 125, 196, 11, 139, 210, 25, 153, 224, 39, 167, 238,
                53,
            ],
        ),
    ];
    for (factor, want) in want {
        Level::available().for_each(|level| assert_eq!(sharpened(level, factor, &src).data, want));
    }
}

fn masks_are_exact<T: Sample>() {
    let src = Owned::<T>::shares((23, 67, 3), 7);
    let level = f64::from(T::LARGEST) / 255.0;
    for [sigma, amount, threshold] in [[0.8, 1.3713, 0.0], [2.1, 0.4137, 30.5], [1.0, 10.0, 255.0]] {
        let got = at_every_level(&src, |level, src| masked(level, [sigma, amount, threshold], src));
        let blurred = made(&src, blur_scratch_len::<T>(sigma, src.shape), |src, dst, scratch| {
            gaussian_blur(Level::BASE, sigma, Border::Reflect101, src, dst, scratch)
        });
        let pairs = src.numbers().into_iter().zip(blurred.numbers());
        let want: Vec<f64> = pairs
            .map(|(v, b)| {
                let apart = v - b;
                if apart.abs() > f64::from(threshold) * level { v + apart * f64::from(amount) } else { v }
            })
            .collect();
        assert_exact(&got.data, &want, half::<T>() + f64::from(amount) * 1e-6);
    }
}

#[test]
fn masks_are_those_of_the_definition_and_without_bias() {
    masks_are_exact::<u8>();
    masks_are_exact::<u16>();
    masks_are_exact::<f32>();
}

#[test]
fn all_sums_of_bytes_have_their_nearest_thirteenth() {
    assert!((0..=13 * 255u16).all(|sum| u16::from(Sum::<u8>::thirteenth(sum)) == (sum + 6) / 13));
}

#[test]
fn same_bytes_at_every_level() {
    same_at_every_level(|level, src| sharpened(level, 2.3, src));
    same_at_every_level(|level, src| masked(level, [0.7, 1.1, 4.0], src));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_factor_is_that_of_the_definition(src in images(), factor in 0f32..100.0) {
        let got = at_every_level(&src, |level, src| sharpened(level, factor, src));
        // The factor has 15 fractional bits, and differences up to 255.
        for (got, want) in got.numbers().into_iter().zip(plainly(factor, &src)) {
            prop_assert!((got - want.clamp(0.0, 255.0)).abs() < 0.51);
        }
    }
}

#[test]
fn bad_arguments_are_refused() {
    let src = Owned::<u8>::noise((4, 5, 3), 1);
    let mut out = Owned::new(src.shape);
    for factor in [-0.1, 100.5, f32::NAN] {
        let got = sharpen(Level::BASE, factor, src.view(), out.view_mut(), &mut Scratch::empty());
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    for [sigma, amount, threshold] in
        [[0.0, 1.0, 0.0], [1.0, -0.1, 0.0], [1.0, f32::NAN, 0.0], [1.0, 1.0, 256.0]]
    {
        let scratch = &mut Scratch::empty();
        let got = unsharp_mask(Level::BASE, sigma, amount, threshold, src.view(), out.view_mut(), scratch);
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    let got = sharpen(Level::BASE, 2.0, src.view(), out.view_mut(), &mut Scratch::empty());
    assert_eq!(got, Err(Error::ScratchTooSmall));
    let mut memory = vec![0; 1 << 12];
    let mut other = Owned::new((4, 4, 3));
    let got = sharpen(Level::BASE, 2.0, src.view(), other.view_mut(), &mut Scratch::new(&mut memory));
    assert_eq!(got, Err(Error::ShapeMismatch));
    assert_eq!(out, Owned::new(src.shape));
}
