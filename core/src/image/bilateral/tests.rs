use super::super::testing::{
    Owned, assert_exact, at_every_level, each_value, half, images, made, same_at_every_level, value,
};
use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn filtered<T: Sample>(level: Level, radius: usize, [colour, space]: [f32; 2], src: &Owned<T>) -> Owned<T> {
    let bytes = bilateral_scratch_len(radius, src.shape);
    made(src, bytes, |src, dst, scratch| bilateral(level, radius, colour, space, src, dst, scratch))
}

/// The definition on real numbers.
fn plainly<T: Sample>(radius: usize, [colour, space]: [f32; 2], src: &Owned<T>) -> Vec<f64> {
    let (r, channels) = (radius as i64, src.shape.2);
    let scale = 255.0 / f64::from(T::LARGEST);
    each_value(src.shape, |y, x, c| {
        let at = |dy, dx, c| value(src, Border::Reflect101, (y + dy, x + dx), c);
        let (mut sum, mut total) = (0.0, 0.0);
        for (dy, dx) in (-r..=r).flat_map(|dy| (-r..=r).map(move |dx| (dy, dx))) {
            if dy * dy + dx * dx > r * r {
                continue;
            }
            let apart: f64 = (0..channels).map(|c| (at(dy, dx, c) - at(0, 0, c)).abs()).sum::<f64>() * scale;
            let exponent =
                (apart / f64::from(colour)).powi(2) + (dy * dy + dx * dx) as f64 / f64::from(space).powi(2);
            let weight = (-exponent / 2.0).exp();
            sum += weight * at(dy, dx, c);
            total += weight;
        }
        sum / total
    })
}

fn means_are_exact<T: Sample>() {
    for c in 1..=5 {
        let src = Owned::<T>::shares((17, 71, c), 3);
        for (radius, sigmas) in [(1, [20.0, 1.0]), (2, [300.0, 2.0]), (3, [90.0, 0.7]), (8, [500.0, 5.0])] {
            let got = at_every_level(&src, |level, src| filtered(level, radius, sigmas, src));
            assert_exact(&got.data, &plainly(radius, sigmas, &src), half::<T>());
        }
    }
}

#[test]
fn means_are_those_of_the_definition_and_without_bias() {
    means_are_exact::<u8>();
    means_are_exact::<u16>();
    means_are_exact::<f32>();
}

/// `bilateralFilter` of OpenCV 5.0.0 with 5 pixels, 40 and 1.5, on the 4 × 5 × 3 test picture.
#[test]
fn means_are_those_of_opencv() {
    let src = Owned::pattern(4, 5, 3);
    let want = [
        8, 79, 150, 14, 85, 156, 24, 95, 166, 34, 105, 176, 40, 111, 182, 41, 112, 183, 50, 121, 192, 61,
        132, 203, 73, 144, 215, 80, 151, 222, 78, 149, 220, 88, 159, 230, 98, 169, 240, 109, 180, 251, 129,
        200, 15, 102, 173, 244, 129, 200, 15, 140, 211, 26, 151, 222, 37, 159, 230, 45,
    ];
    Level::available().for_each(|level| assert_eq!(filtered(level, 2, [40.0, 1.5], &src).data, want));
}

#[test]
fn same_bytes_at_every_level() {
    same_at_every_level(|level, src| filtered(level, 2, [60.0, 1.5], src));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_image_is_that_of_the_definition(src in images(), radius in 1usize..4, colour in 0.1f32..500.0,
                                           space in 0.1f32..9.0) {
        let got = at_every_level(&src, |level, src| filtered(level, radius, [colour, space], src));
        for (got, want) in got.numbers().into_iter().zip(plainly(radius, [colour, space], &src)) {
            prop_assert!((got - want).abs() < 0.51);
        }
    }
}

#[test]
fn bad_arguments_are_refused() {
    let src = Owned::<u8>::noise((4, 5, 3), 1);
    let mut out = Owned::new(src.shape);
    let wrong = [(0, [1.0, 1.0]), (9, [1.0, 1.0]), (1, [0.0, 1.0]), (1, [1.0, 1001.0]), (1, [f32::NAN, 1.0])];
    for (radius, [colour, space]) in wrong {
        let scratch = &mut Scratch::empty();
        let got = bilateral(Level::BASE, radius, colour, space, src.view(), out.view_mut(), scratch);
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    let got = bilateral(Level::BASE, 1, 1.0, 1.0, src.view(), out.view_mut(), &mut Scratch::empty());
    assert_eq!(got, Err(Error::ScratchTooSmall));
    let mut other = Owned::new((4, 4, 3));
    let got = bilateral(Level::BASE, 1, 1.0, 1.0, src.view(), other.view_mut(), &mut Scratch::empty());
    assert_eq!(got, Err(Error::ShapeMismatch));
    assert_eq!(out, Owned::new(src.shape));
    let plain = Owned { data: vec![77u8; 60], shape: (4, 5, 3) };
    assert_eq!(filtered(Level::detect(), 8, [0.1, 0.1], &plain), plain);
}
