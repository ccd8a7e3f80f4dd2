use super::*;
use crate::image::testing::{Owned, images};
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn measured(level: Level, image: &Owned) -> Quality {
    let mut memory = vec![0xa5; Quality::scratch_len(image.shape)];
    Quality::measure(level, image.view(), &mut Scratch::new(&mut memory)).unwrap()
}

fn close(got: f32, want: f64) -> bool {
    (got as f64 - want).abs() <= 1e-5 * want.abs().max(1.0)
}

/// numpy 2.4 and scipy 1.17 (`ndimage.laplace`, mode mirror) and Pillow 13.0 (grey, entropy) on the 13 × 11 test
/// picture: sharpness, mean, contrast, percentiles 5, 50 and 99, entropy.
#[test]
fn measures_are_those_of_numpy_scipy_and_pillow() {
    let cases: [(usize, [f64; 7]); 2] = [
        (
            1,
            [
                39544.830945278496,
                120.81818181818181,
                71.88691939366298,
                9.200000000000001,
                116.0,
                250.16000000000003,
                6.677217140913684,
            ],
        ),
        (
            3,
            [
                17138.443249058633,
                127.7062937062937,
                42.14325090394543,
                63.300000000000004,
                127.0,
                208.74000000000004,
                6.339702018490673,
            ],
        ),
    ];
    for (channels, want) in cases {
        let q = measured(Level::detect(), &Owned::pattern(13, 11, channels));
        let got = [q.sharpness, q.mean, q.contrast, q.percentile_5, q.median, q.percentile_99, q.entropy];
        for (g, w) in got.into_iter().zip(want) {
            assert!(close(g, w), "{channels} channels: {got:?} {want:?}");
        }
        assert!(close(q.aspect_ratio, 11.0 / 13.0));
    }
}

/// The variance of the Laplacian as it is defined, in `f64`.
fn laplacian_variance(image: &Owned) -> f64 {
    let (h, w, _) = image.shape;
    let mirror = |i: i64, n: usize| (if n == 1 { 0 } else { i.abs().min(2 * (n as i64 - 1) - i) }) as usize;
    let at = |y: i64, x: i64| image.data[mirror(y, h) * w + mirror(x, w)] as f64;
    let values: Vec<f64> = (0..h as i64)
        .flat_map(|y| (0..w as i64).map(move |x| (y, x)))
        .map(|(y, x)| at(y - 1, x) + at(y + 1, x) + at(y, x - 1) + at(y, x + 1) - 4.0 * at(y, x))
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64
}

/// 1 − Geary's C as it is defined, in `f64`.
fn correlation(image: &Owned) -> f64 {
    let (h, w, _) = image.shape;
    let at = |y: usize, x: usize| image.data[y * w + x] as f64;
    let mean = image.data.iter().map(|&v| v as f64).sum::<f64>() / (h * w) as f64;
    let variance = image.data.iter().map(|&v| (v as f64 - mean).powi(2)).sum::<f64>() / (h * w) as f64;
    let beside = (0..h).flat_map(|y| (1..w).map(move |x| (y, x, y, x - 1)));
    let below = (1..h).flat_map(|y| (0..w).map(move |x| (y, x, y - 1, x)));
    let squares: Vec<f64> = beside.chain(below).map(|(a, b, c, d)| (at(a, b) - at(c, d)).powi(2)).collect();
    1.0 - squares.iter().sum::<f64>() / squares.len() as f64 / (2.0 * variance)
}

proptest! {
    #[test]
    fn measures_are_their_definition_for_every_shape(image in images()) {
        let grey = Owned { data: image.data[..image.shape.0 * image.shape.1].to_vec(), shape: (image.shape.0, image.shape.1, 1) };
        let q = measured(Level::detect(), &grey);
        prop_assert!(close(q.sharpness, laplacian_variance(&grey)), "{} {}", q.sharpness, laplacian_variance(&grey));
        let plain = grey.data.len() < 64 || grey.data.iter().all(|v| *v == grey.data[0]);
        let want = if plain { 1.0 } else { correlation(&grey) };
        prop_assert!(close(q.correlation, want), "{} {want}", q.correlation);
        let mut sorted = grey.data.clone();
        sorted.sort_unstable();
        prop_assert!(q.percentile_5 <= q.median && q.median <= q.percentile_99);
        if sorted.len() % 2 == 1 {
            prop_assert_eq!(q.median, sorted[sorted.len() / 2] as f32);
        }
    }

    #[test]
    fn same_bits_at_every_level(image in images()) {
        let want = measured(Level::BASE, &image);
        for level in Level::available() {
            prop_assert_eq!(measured(level, &image), want);
        }
    }
}

#[test]
fn checks_flag_what_they_are_named_for() {
    let flagged =
        |image: &Owned, limits| measured(Level::detect(), image).flagged(&limits).collect::<Vec<_>>();
    // Most of these have nothing to do with their neighbours.
    let flags = |image: &Owned| flagged(image, Limits { noise: 0.0, ..Limits::default() });
    let rich = Owned::pattern(40, 40, 1);
    assert_eq!(flags(&rich), []);
    let mut plain = rich.clone();
    plain.data.fill(128);
    assert_eq!(flags(&plain), [Issue::Blank, Issue::LowInformation, Issue::Blurry]);
    let map = |f: fn(u8) -> u8| Owned { data: rich.data.iter().map(|&v| f(v)).collect(), ..rich };
    assert_eq!(flags(&map(|v| v / 4)), [Issue::Dark]);
    assert_eq!(flags(&map(|v| 245 + v / 26)), [Issue::Light]);
    assert_eq!(flags(&map(|v| if v > 127 { 255 } else { 0 })), [Issue::LowInformation]);
    let ramp = Owned { data: (0..1600).map(|i| (i % 40 * 6) as u8).collect(), shape: (40, 40, 1) };
    assert_eq!(flags(&ramp), [Issue::Blurry]);
    let mut stream = crate::rng::Stream::new(1, crate::rng::Key::new(0));
    let noise = Owned { data: (0..1600).map(|_| stream.below(256) as u8).collect(), shape: (40, 40, 1) };
    assert_eq!(flagged(&noise, Limits::default()), [Issue::Noise]);
    let check =
        Owned { data: (0..1600).map(|i| ((i % 40 + i / 40) % 2 * 255) as u8).collect(), shape: (40, 40, 1) };
    assert_eq!(flagged(&check, Limits::default()), [Issue::LowInformation]);
    let long = Owned { shape: (160, 10, 1), ..rich.clone() };
    assert_eq!(flags(&long), [Issue::OddAspectRatio]);
}

#[test]
fn an_image_without_pixels_is_refused() {
    let none = Owned::new((0, 4, 1));
    assert_eq!(
        Quality::measure(Level::BASE, none.view(), &mut Scratch::empty()),
        Err(Error::InvalidArgument)
    );
    let some = Owned::new((4, 4, 1));
    assert_eq!(
        Quality::measure(Level::BASE, some.view(), &mut Scratch::empty()),
        Err(Error::ScratchTooSmall)
    );
}

#[test]
fn percentiles_stay_between_the_least_and_the_largest() {
    let mut memory = vec![0u8; 2048];
    let mut scratch = Scratch::new(&mut memory);
    let mut histogram = Histogram::new(&mut scratch).unwrap();
    assert_eq!(histogram.percentile(50.0), 0.0);
    histogram.add(&[10, 20, 30]);
    assert_eq!([-5.0, 0.0, f32::NAN].map(|p| histogram.percentile(p)), [10.0; 3]);
    assert_eq!([100.0, 250.0, f32::INFINITY].map(|p| histogram.percentile(p)), [30.0; 3]);
}
