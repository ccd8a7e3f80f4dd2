use super::super::testing::{Owned, assert_exact, at_every_level, half};
use super::*;
use core::f64::consts::TAU;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn done<T: Sample>(level: Level, beta: f32, reference: &Owned<T>, src: &Owned<T>) -> Owned<T> {
    let mut image = src.clone();
    let mut memory = vec![0xa5; fourier_scratch_len(beta, src.shape)];
    let scratch = &mut Scratch::new(&mut memory);
    fourier_adaptation(level, beta, reference.view(), image.view_mut(), scratch).unwrap();
    image
}

/// Sums of all values times e^(sign · 2πi · …), for every frequency, or every pixel.
fn transform(values: &[[f64; 2]], (h, w): (usize, usize), sign: f64) -> Vec<[f64; 2]> {
    let waves = |n: usize| -> Vec<(f64, f64)> {
        (0..n).map(|i| (sign * TAU * i as f64 / n as f64).sin_cos()).collect()
    };
    let (down, across) = (waves(h), waves(w));
    let one = |k: usize, l: usize| {
        values.iter().enumerate().fold([0.0; 2], |[re, im], (i, [a, b])| {
            let ((s, c), (t, d)) = (down[k * (i / w) % h], across[l * (i % w) % w]);
            let (cos, sin) = (c * d - s * t, s * d + c * t);
            [re + a * cos - b * sin, im + a * sin + b * cos]
        })
    };
    (0..h * w).map(|i| one(i / w, i % w)).collect()
}

/// The definition.
fn adapted<T: Sample>(beta: f32, reference: &Owned<T>, src: &Owned<T>) -> Vec<f64> {
    let (h, w, c) = src.shape;
    let reach = (f64::from(beta) * h.min(w) as f64 + 1e-6).floor() as usize;
    let mut want = src.numbers();
    for channel in 0..c.min(3) {
        let plane = |image: &Owned<T>| {
            let values: Vec<[f64; 2]> =
                image.numbers().iter().skip(channel).step_by(c).map(|v| [*v, 0.0]).collect();
            transform(&values, (h, w), -1.0)
        };
        let (mut ours, theirs) = (plane(src), plane(reference));
        for (i, ([p, q], [x, y])) in ours.iter_mut().zip(theirs).enumerate() {
            let waves = |k: usize, n: usize| k.min(n - k);
            if waves(i / w, h).max(waves(i % w, w)) <= reach {
                let (size, phase) = (x.hypot(y), q.atan2(*p));
                (*p, *q) = (size * phase.cos(), size * phase.sin());
            }
        }
        for (i, [v, imaginary]) in transform(&ours, (h, w), 1.0).into_iter().enumerate() {
            assert!(imaginary.abs() < 1e-6 * f64::from(T::LARGEST) * (h * w) as f64);
            want[i * c + channel] = v / (h * w) as f64;
        }
    }
    want
}

fn is_exact<T: Sample>() {
    for (h, w, c) in
        [(1, 1, 1), (1, 7, 3), (2, 2, 2), (9, 12, 3), (16, 16, 1), (13, 11, 5), (18, 25, 4), (66, 7, 3)]
    {
        let (src, reference) = (Owned::<T>::shares((h, w, c), 1), Owned::<T>::shares((h, w, c), 2));
        for beta in [0.0, 0.17, 0.4, 0.5] {
            let got = at_every_level(&src, |level, src| done(level, beta, &reference, src));
            assert_exact(&got.data, &adapted(beta, &reference, &src), half::<T>());
        }
    }
}

#[test]
fn amplitudes_are_exchanged_as_the_definition_says() {
    is_exact::<u8>();
    is_exact::<u16>();
    is_exact::<f32>();
}

/// `FDA_source_to_target_np` of the authors' code, with the FFT of NumPy 2.4.6: every 29th value of test pictures, towards
/// these turned by half a turn, with half their range and 60 more.
#[test]
fn values_are_those_of_the_authors() {
    let check = |(h, w): (usize, usize), beta, want: &[u8]| {
        let src = Owned::pattern(h, w, 3);
        let turned = src.data.chunks_exact(3).rev().flat_map(|pixel| pixel.iter().map(|v| v / 2 + 60));
        let reference = Owned { data: turned.collect(), shape: src.shape };
        for level in Level::available() {
            let got = done(level, beta, &reference, &src);
            assert_eq!(got.data.iter().step_by(29).copied().collect::<Vec<_>>(), want);
        }
    };
    let want = [
        10, 255, 52, 98, 103, 133, 235, 215, 60, 107, 110, 175, 168, 231, 61, 95, 125, 127, 228, 15, 31, 139,
        92, 190, 130, 220, 98, 89, 154, 117, 245, 107, 32, 187, 49, 219, 131, 233, 168, 81, 187, 106, 27, 98,
        23, 237, 4, 12,
    ];
    check((20, 23), 0.15, &want);
    let want = [
        52, 194, 148, 131, 61, 188, 62, 143, 106, 98, 139, 70, 185, 101, 61, 148, 104, 183, 151, 55, 162, 109,
    ];
    check((17, 12), 0.5, &want);
}

/// Where the picture has no waves at all, those of the reference come with a phase of 0.
#[test]
fn a_plain_picture_gets_waves_whose_crests_are_at_the_first_pixel() {
    let plain = Owned { data: vec![90u8; 70 * 64], shape: (70, 64, 1) };
    let wave = |i: usize| 100.0 + 50.0 * (TAU * ((i % 64) as f64 + 9.0) * 3.0 / 64.0).cos();
    let data = (0..70 * 64).map(|i| (wave(i) + 0.5) as u8).collect();
    let got = done(Level::detect(), 0.05, &Owned { data, shape: plain.shape }, &plain);
    let want: Vec<f64> =
        (0..70 * 64).map(|i| 100.0 + 50.0 * (TAU * (i % 64) as f64 * 3.0 / 64.0).cos()).collect();
    assert_exact(&got.data, &want, 1.0);
    // Nothing but the mean is low enough.
    assert_eq!(done(Level::detect(), 0.0, &got, &plain).data, [100; 70 * 64]);
}

#[test]
fn a_picture_towards_itself_stays() {
    let src = Owned::noise((130, 97, 3), 4);
    assert_eq!(done(Level::detect(), 0.3, &src, &src), src);
}

proptest! {
    #[test]
    fn any_image_is_done_at_every_level(shape in (1usize..80, 1usize..70, 1usize..6), beta in 0f32..=0.5, seed: u64) {
        fn same<T: Sample>(shape: (usize, usize, usize), beta: f32, seed: u64) {
            let other = Owned::<T>::shares(shape, seed ^ 1);
            at_every_level(&Owned::<T>::shares(shape, seed), |level, src| done(level, beta, &other, src));
        }
        same::<u8>(shape, beta, seed);
        same::<u16>(shape, beta, seed);
        same::<f32>(shape, beta, seed);
    }
}

#[test]
fn what_cannot_be_is_refused() {
    fn tried<T: Sample>(beta: f32, reference: &Owned<T>, image: &mut Owned<T>, bytes: usize) -> Result<()> {
        let mut memory = vec![0; bytes];
        let scratch = &mut Scratch::new(&mut memory);
        fourier_adaptation(Level::BASE, beta, reference.view(), image.view_mut(), scratch)
    }
    let src = Owned::noise((6, 5, 3), 1);
    let mut image = src.clone();
    for beta in [-0.1, 0.51, f32::NAN] {
        assert_eq!(tried(beta, &src, &mut image, 1 << 16), Err(Error::InvalidArgument));
        assert_eq!(fourier_scratch_len(beta, src.shape), 0);
    }
    assert_eq!(tried(0.1, &Owned::new((5, 6, 3)), &mut image, 1 << 16), Err(Error::ShapeMismatch));
    assert_eq!(tried(0.1, &Owned::new((6, 5, 1)), &mut image, 1 << 16), Err(Error::ShapeMismatch));
    let bytes = fourier_scratch_len(0.3, src.shape);
    assert_eq!(tried(0.3, &Owned::new(src.shape), &mut image, bytes / 2), Err(Error::ScratchTooSmall));
    assert_eq!(image, src);
    let none = Owned::new((0, 5, 3));
    assert_eq!(tried(0.1, &none, &mut none.clone(), 1 << 16), Err(Error::InvalidArgument));
    let floats = Owned::<f32>::shares((6, 5, 3), 1);
    for bad in [f32::NAN, f32::INFINITY, f32::MAX] {
        let mut wrong = floats.clone();
        wrong.data[44] = bad;
        wrong.data[47] = bad;
        assert_eq!(tried(0.3, &wrong, &mut floats.clone(), 1 << 16), Err(Error::NotFinite));
        assert_eq!(tried(0.3, &floats, &mut wrong, 1 << 16), Err(Error::NotFinite));
    }
}
