use super::super::super::testing::{Owned, assert_exact, at_every_level, images};
use super::*;
use crate::rng::Key;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn noisy<T: Sample>(level: Level, photons: f32, src: &Owned<T>, seed: u64) -> Owned<T> {
    let mut image = src.clone();
    shot_noise(level, photons, &mut Stream::new(seed, Key::new(1)), image.view_mut()).unwrap();
    image
}

/// The numbers of photons of so many values, each of `mean` expected ones.
fn photons(mean: f64, values: usize) -> Vec<usize> {
    let white = 4.0 * mean.max(1.0);
    let src = Owned { data: vec![(mean / white) as f32; values], shape: (1, values, 1) };
    let image = noisy(Level::detect(), white as f32, &src, 17);
    image.data.iter().map(|v| (f64::from(*v) * f64::from(white as f32)).round() as usize).collect()
}

const VALUES: usize = 1 << 20;
const MEANS: [f64; 12] = [0.01, 0.3, 1.0, 2.7, 6.0, 11.9, 12.1, 17.0, 40.0, 150.0, 1000.0, 15000.0];

#[test]
fn moments_are_those_of_poisson() {
    for mean in MEANS {
        let n = VALUES as f64;
        let counts = photons(mean, VALUES);
        let moment = |power| counts.iter().map(|&k| (k as f64 - mean).powi(power)).sum::<f64>() / n;
        let (first, second, third) = (moment(1), moment(2), moment(3));
        // The central moments of Poisson: λ, λ, λ, λ + 3 λ², …, of which the variances of the means are made.
        let fourth = mean + 3.0 * mean * mean;
        let sixth = mean + 25.0 * mean * mean + 15.0 * mean.powi(3);
        let error = |variance: f64| 5.0 * (variance / n).sqrt();
        assert!(first.abs() < error(mean), "{mean}: {first}");
        assert!((second - mean).abs() < error(fourth - mean * mean), "{mean}: {second}");
        assert!((third - mean).abs() < error(sixth - mean * mean), "{mean}: {third}");
    }
}

/// The probabilities of 0, 1, … photons.
fn probabilities(mean: f64) -> Vec<f64> {
    let most = (mean + 10.0 * mean.sqrt() + 20.0) as usize;
    let mut log = -mean;
    (0..most)
        .map(|k| {
            if k > 0 {
                log += (mean / k as f64).ln();
            }
            log.exp()
        })
        .collect()
}

#[test]
fn photons_come_as_often_as_poisson_says() {
    for mean in MEANS {
        let counts = photons(mean, VALUES);
        let exact = probabilities(mean);
        let mut seen = vec![0.0; exact.len()];
        counts.iter().for_each(|&k| seen[k] += 1.0);
        // Numbers that are seldom are told together: at least 20 of each class.
        let (mut classes, mut class) = (Vec::new(), (0.0, 0.0));
        for (seen, p) in seen.iter().zip(&exact) {
            class = (class.0 + seen, class.1 + p * VALUES as f64);
            if class.1 >= 20.0 {
                classes.push(core::mem::take(&mut class));
            }
        }
        let last = classes.last_mut().unwrap();
        *last = (last.0 + class.0, last.1 + class.1);
        let square: f64 = classes.iter().map(|(seen, want)| (seen - want).powi(2) / want).sum();
        let freedom = classes.len() as f64 - 1.0;
        // Five deviations of the distribution of chi-square.
        assert!(square < freedom + 5.0 * (2.0 * freedom).sqrt() + 5.0, "{mean}: {square} of {freedom}");
    }
}

/// The quantile of the place by the probabilities themselves, in `f64`.
fn quantile(mean: f64, bits: u32) -> [f64; 2] {
    let exact = probabilities(mean);
    // As far as sums in `f32`, and the expansion, may be from those.
    [-6e-5, 6e-5].map(|off| {
        let place = (f64::from(bits >> 8) + 0.5) / 16_777_216.0 + off;
        let mut sum = 0.0;
        let below = exact.iter().take_while(|p| {
            sum += **p;
            place >= sum
        });
        below.count() as f64
    })
}

fn exactly<T: Sample>() {
    for c in 1..=5 {
        for white in [7.0f32, 31.0, 333.3] {
            let src = Owned::<T>::shares((5, 71, c), 5);
            let got = at_every_level(&src, |level, src| noisy(level, white, src, 3));
            let mut stream = Stream::new(3, Key::new(1));
            let back = f64::from(T::LARGEST) / f64::from(white);
            let want: Vec<f64> = (src.numbers().iter().zip(&got.data))
                .map(|(v, got)| {
                    let [low, high] = quantile(v / back, stream.next_u32());
                    // Any of these where the sums do not tell.
                    (f64::from(got.to_f32()) / back).clamp(low, high) * back
                })
                .collect();
            assert_exact(&got.data, &want, if T::LARGEST > 1.0 { 0.51 } else { 1e-6 });
        }
    }
}

#[test]
fn values_are_the_quantiles_of_their_draws() {
    exactly::<u8>();
    exactly::<u16>();
    exactly::<f32>();
}

#[test]
fn black_stays_and_bright_floats_are_no_less_bright() {
    let black = Owned::new((20, 70, 3));
    assert_eq!(noisy(Level::detect(), 50.0, &black, 1), black);
    let bright = Owned { data: vec![3.0f32; 40_000], shape: (200, 200, 1) };
    let image = noisy(Level::detect(), MAX_PHOTONS, &bright, 1);
    let mean = image.data.iter().map(|v| f64::from(*v)).sum::<f64>() / 40_000.0;
    assert!((mean - 3.0).abs() < 5.0 * (3.0f64 / 65536.0 / 40_000.0).sqrt(), "{mean}");
    let below = Owned { data: vec![-1.0f32; 64], shape: (8, 8, 1) };
    assert!(noisy(Level::detect(), 50.0, &below, 1).data.iter().all(|v| *v == 0.0));
}

/// `scipy.stats.norm.ppf` of SciPy 1.17.1 at (i + ½) / 2²⁴.
const NORMALS: [(u32, f64); 10] = [
    (0, -5.419983175),
    (1, -5.220113061),
    (7, -4.913626572),
    (100, -4.377941791),
    (3000, -3.569482233),
    (55000, -2.718565336),
    (900000, -1.610501491),
    (4000000, -0.711398678),
    (8000000, -0.058093219),
    (8388607, -0.000000075),
];

#[test]
fn normal_numbers_are_those_of_their_place() {
    for (i, want) in NORMALS {
        for (bits, want) in [(i << 8, want), (!(i << 8), -want)] {
            let got = normal_at(bits);
            assert!((f64::from(got) - want).abs() < 2e-6, "{i}: {got} {want}");
        }
    }
}

proptest! {
    #[test]
    fn any_image_has_the_same_bytes_at_every_level(src in images(), photons in 1f32..MAX_PHOTONS, seed: u64) {
        at_every_level(&src, |level, src| noisy(level, photons, src, seed));
    }
}

#[test]
fn photons_that_cannot_be_are_refused() {
    for bad in [0.9, -1.0, 65537.0, f32::NAN, f32::INFINITY] {
        let (mut image, mut stream) = (Owned::noise((2, 2, 3), 1), Stream::new(9, Key::new(1)));
        let wrong = shot_noise(Level::BASE, bad, &mut stream, image.view_mut());
        assert_eq!((wrong, image), (Err(Error::InvalidArgument), Owned::noise((2, 2, 3), 1)));
    }
}
