use super::super::Border;
use super::super::testing::{
    Owned, assert_exact, at_every_level, each_value, half, images, made, same_at_every_level, value,
};
use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn moved<T: Sample>(level: Level, length: f32, degrees: f32, src: &Owned<T>) -> Owned<T> {
    let bytes = motion_scratch_len::<T>(length, src.shape);
    made(src, bytes, |src, dst, scratch| motion_blur(level, length, degrees, src, dst, scratch))
}

fn unfocused<T: Sample>(level: Level, radius: f32, src: &Owned<T>) -> Owned<T> {
    let bytes = defocus_scratch_len::<T>(radius, src.shape);
    made(src, bytes, |src, dst, scratch| defocus(level, radius, src, dst, scratch))
}

fn embossed<T: Sample>(level: Level, [share, strength, degrees]: [f32; 3], src: &Owned<T>) -> Owned<T> {
    let bytes = emboss_scratch_len::<T>(src.shape);
    made(src, bytes, |src, dst, scratch| emboss(level, share, strength, degrees, src, dst, scratch))
}

fn ringed<T: Sample>(level: Level, cutoff: f32, radius: usize, src: &Owned<T>) -> Owned<T> {
    let bytes = ringing_scratch_len::<T>(radius, src.shape);
    made(src, bytes, |src, dst, scratch| ringing(level, cutoff, radius, src, dst, scratch))
}

/// The sum of a kernel's products, divided by its sum, on real numbers.
fn weighed<T: Sample>(radius: i64, of: impl Fn(f64, f64) -> f64, src: &Owned<T>) -> Vec<f64> {
    let places: Vec<_> =
        (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dy, dx))).collect();
    let weights: Vec<f64> = places.iter().map(|&(dy, dx)| of(dx as f64, dy as f64)).collect();
    let total: f64 = weights.iter().sum();
    each_value(src.shape, |y, x, c| {
        let sum = places.iter().zip(&weights).map(|(&(dy, dx), w)| {
            if *w == 0.0 { 0.0 } else { w * value(src, Border::Reflect101, (y + dy, x + dx), c) }
        });
        sum.sum::<f64>() / total
    })
}

/// What a pixel counts in a line: of each of its points the share that a bilinear sample has of the pixel.
fn line(length: f32, degrees: f32) -> impl Fn(f64, f64) -> f64 {
    let (length, turn) = (f64::from(length), f64::from(degrees).to_radians());
    let points = length.ceil();
    let tent = |d: f64| (1.0 - d.abs()).max(0.0);
    move |x, y| {
        let point = |i: usize| {
            let t = ((i as f64 + 0.5) / points - 0.5) * length;
            tent(x - t * turn.cos()) * tent(y + t * turn.sin())
        };
        (0..points as usize).map(point).sum()
    }
}

/// J₁(x) by its integral, the mean of cos(τ − x sin τ).
fn bessel_by_integral(x: f64) -> f64 {
    let steps = 200;
    let of = |i: usize| {
        let t = (i as f64 + 0.5) / steps as f64 * core::f64::consts::PI;
        (t - x * t.sin()).cos()
    };
    (0..steps).map(of).sum::<f64>() / steps as f64
}

fn kernels_are_exact<T: Sample>() {
    for c in 1..=5 {
        let src = Owned::<T>::shares((19, 37, c), 7);
        for (length, degrees) in [(1.0, 20.0), (3.0, 0.0), (7.3, 35.0), (9.0, -90.0), (12.0, 180.0)] {
            let got = at_every_level(&src, |level, src| moved(level, length, degrees, src));
            assert_exact(&got.data, &weighed(8, line(length, degrees), &src), half::<T>());
        }
        for radius in [0.5, 1.0, 2.3, 5.0] {
            let disc = |x: f64, y: f64| (f64::from(radius) + 0.5 - x.hypot(y)).clamp(0.0, 1.0);
            let got = at_every_level(&src, |level, src| unfocused(level, radius, src));
            assert_exact(&got.data, &weighed(6, disc, &src), half::<T>());
        }
        for (cutoff, radius) in [(0.8, 3), (1.3, 7), (1.6, 10)] {
            let wave = |x: f64, y: f64| match x.hypot(y) {
                0.0 => f64::from(cutoff) / 2.0,
                d => bessel_by_integral(f64::from(cutoff) * d) / d,
            };
            let got = at_every_level(&src, |level, src| ringed(level, cutoff, radius, src));
            assert_exact(&got.data, &weighed(radius as i64, wave, &src), half::<T>());
        }
        // Each pixel by the angle to the direction, between eighths of a turn in proportion.
        for [share, strength, degrees] in [[0.0, 0.5, 45.0], [1.0, 0.4, 45.0], [0.37, 2.1, -110.0]] {
            let (s, share_of) = (f64::from(strength), f64::from(share));
            let light = |x: f64, y: f64| {
                let angle = (y.atan2(x).to_degrees() - f64::from(degrees)).rem_euclid(360.0);
                let steps = angle.min(360.0 - angle) / 45.0;
                let ring = [1.0 + s, s, 0.0, -s, -1.0 - s, -s];
                let (low, part) = (steps.floor() as usize, steps.fract());
                ring[low] * (1.0 - part) + ring[low + 1] * part
            };
            let kernel = |x: f64, y: f64| if x == 0.0 && y == 0.0 { 1.0 } else { share_of * light(x, y) };
            let got = at_every_level(&src, |level, src| embossed(level, [share, strength, degrees], src));
            assert_exact(&got.data, &weighed(1, kernel, &src), half::<T>());
        }
    }
}

#[test]
fn sums_are_those_of_the_definition_and_without_bias() {
    kernels_are_exact::<u8>();
    kernels_are_exact::<u16>();
    kernels_are_exact::<f32>();
}

/// `Emboss` of albumentations 2.0.8 with a share of 0.3 and a strength of 0.7, and `filter2D` of OpenCV 5.0.0 with five
/// equal weights in a row and in a column, on the 5 × 6 × 1 test picture.
#[test]
fn reliefs_are_those_of_albumentations_and_lines_those_of_opencv() {
    let src = Owned::pattern(5, 6, 1);
    let relief = [
        0, 28, 39, 50, 61, 55, 91, 121, 134, 148, 161, 156, 128, 160, 175, 189, 204, 198, 165, 200, 215, 231,
        246, 240, 148, 184, 199, 214, 229, 223,
    ];
    let across = [
        13, 15, 22, 33, 40, 42, 51, 54, 61, 73, 80, 83, 90, 92, 100, 113, 121, 123, 128, 131, 139, 153, 161,
        164, 166, 169, 178, 193, 202, 205,
    ];
    let down = [
        44, 57, 69, 81, 93, 105, 52, 64, 77, 89, 101, 114, 74, 87, 100, 113, 126, 139, 96, 110, 123, 137,
        151, 164, 104, 117, 131, 145, 159, 173,
    ];
    for level in Level::available() {
        assert_eq!(embossed(level, [0.3, 0.7, 45.0], &src).data, relief);
        assert_eq!(moved(level, 5.0, 0.0, &src).data, across);
        assert_eq!(moved(level, 5.0, 90.0, &src).data, down);
    }
}

#[test]
fn the_largest_kernels_stay_within_one_level() {
    let src = Owned::<u8>::noise((40, 45, 1), 3);
    for level in Level::available() {
        let disc = |x: f64, y: f64| (16.5 - x.hypot(y)).clamp(0.0, 1.0);
        assert_exact(&unfocused(level, MAX_DISC, &src).data, &weighed(17, disc, &src), 0.55);
        let got = moved(level, MAX_LENGTH, 63.0, &src);
        assert_exact(&got.data, &weighed(33, line(MAX_LENGTH, 63.0), &src), 0.55);
    }
    let white = Owned { data: vec![255u8; 30 * 31], shape: (30, 31, 1) };
    assert_eq!(unfocused(Level::detect(), MAX_DISC, &white), white);
    assert_eq!(ringed(Level::detect(), 0.1, 10, &white), white);
}

#[test]
fn same_bytes_at_every_level() {
    same_at_every_level(|level, src| moved(level, 6.5, 25.0, src));
    same_at_every_level(|level, src| embossed(level, [0.5, 0.5, 45.0], src));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_line_is_that_of_the_definition(src in images(), length in 1f32..20.0, degrees in -360f32..360.0) {
        let got = at_every_level(&src, |level, src| moved(level, length, degrees, src));
        assert_exact(&got.data, &weighed(11, line(length, degrees), &src), 0.56);
    }
}

#[test]
fn bad_arguments_are_refused() {
    let src = Owned::<u8>::noise((4, 5, 3), 1);
    let mut out = Owned::new(src.shape);
    let level = Level::BASE;
    for (length, degrees) in [(0.9, 0.0), (64.5, 0.0), (f32::NAN, 0.0), (3.0, f32::NAN), (3.0, 361.0)] {
        let got = motion_blur(level, length, degrees, src.view(), out.view_mut(), &mut Scratch::empty());
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    for radius in [0.4, 16.1, f32::NAN] {
        let got = defocus(level, radius, src.view(), out.view_mut(), &mut Scratch::empty());
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    for [share, strength, degrees] in [[-0.1, 0.0, 0.0], [0.5, 11.0, 0.0], [0.5, 0.5, f32::NAN]] {
        let got = emboss(level, share, strength, degrees, src.view(), out.view_mut(), &mut Scratch::empty());
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    for (cutoff, radius) in [(0.05, 3), (1.7, 3), (f32::NAN, 3), (1.0, 0), (1.0, 11)] {
        let got = ringing(level, cutoff, radius, src.view(), out.view_mut(), &mut Scratch::empty());
        assert_eq!(got, Err(Error::InvalidArgument));
    }
    let got = defocus(level, 1.0, src.view(), out.view_mut(), &mut Scratch::empty());
    assert_eq!(got, Err(Error::ScratchTooSmall));
    let mut memory = vec![0; 1 << 16];
    let mut other = Owned::new((4, 5, 1));
    let got = defocus(level, 1.0, src.view(), other.view_mut(), &mut Scratch::new(&mut memory));
    assert_eq!(got, Err(Error::ShapeMismatch));
    assert_eq!(out, Owned::new(src.shape));
    let nothing = Owned::<u8>::new((3, 0, 3));
    assert_eq!(unfocused(level, 2.0, &nothing), nothing);
}
